package exec_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/replica"
	"github.com/millracedb/millrace/log/segment"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// stepClock gives a time that moves by a millisecond at each look; After never
// fires, so that nothing happens by itself.
type stepClock struct {
	now   atomic.Int64
	after func(micros int64) <-chan struct{} // nil: never
}

func (c *stepClock) NowMicros() int64 { return c.now.Add(1000) }

func (c *stepClock) After(micros int64) <-chan struct{} {
	if c.after == nil {
		return nil
	}
	return c.after(micros)
}

// testLog is a replica as the engine sees it.
type testLog struct {
	*replica.Replica
	*segment.Set
}

func (l *testLog) Leading() bool { return l.Replica.IsLeader() }

func (l *testLog) Retain(ctx context.Context) error { return l.Replica.Retain(ctx) }

func (l *testLog) Checkpoint(ctx context.Context, e log.Epoch, i uint64, extra []byte) error {
	return l.Replica.Checkpoint(ctx, e, i, extra)
}

// node is an engine over a log of one node, in memory.
type node struct {
	t      testing.TB
	fs     *vfs.MemFS
	clock  *stepClock
	opts   options
	engine *exec.Engine
	log    *replica.Replica
	system *system.Registry
	random uint64
	blocks map[string]*txnBlock // open transaction blocks, by the name of their session
	in     string               // the session that runs the next statement
}

// txnBlock is a transaction block of one session.
type txnBlock struct {
	txn    *exec.Txn
	marks  map[string]any
	failed bool
}

// options are the configurations that one corpus runs in.
type options struct {
	name       string
	partitions int
	restart    bool // after each statement
	checkpoint bool // after each statement
	crash      bool // a restart is a power cut: what was not synced is half gone
	workers    int
	batchRows  int   // 0: as many as fit
	sealBytes  int64 // from which on a tail gets a file of its own; 0: the default
	leave      bool  // queries leave the common epoch, or not, as it comes
	maxLag     int64
	computing  func(query string, epoch log.Epoch)
	after      func(micros int64) <-chan struct{}
	memory     int64
	storeBytes int64
}

func newNode(t testing.TB, o options) *node {
	t.Helper()
	n := &node{t: t, fs: vfs.NewCrashableMem(), clock: &stepClock{after: o.after}, opts: o}
	if o.leave {
		n.opts.computing, n.opts.maxLag = func(string, log.Epoch) {}, 777_000
		now := make(chan struct{})
		close(now)
		n.clock.after = func(micros int64) <-chan struct{} {
			if micros == 777_000 && rand.IntN(2) == 0 {
				return now
			}
			return nil
		}
	}
	n.clock.now.Store(1_700_000_000_000_000)
	n.open()
	t.Cleanup(n.close)
	return n
}

func (n *node) open() {
	n.t.Helper()
	n.system = system.NewRegistry()
	cfg := exec.Config{
		FS: n.fs, Dir: "data", Clock: n.clock, Catalog: catalog.NewMachine(),
		System: n.system, Logger: slog.New(slog.DiscardHandler), Workers: n.opts.workers,
		Random:           func() uint64 { n.random += 0x9e3779b97f4a7c15; return n.random },
		CheckpointMicros: 1 << 60, BatchRows: n.opts.batchRows,
		MemoryBytes: n.opts.memory, StoreBytes: n.opts.storeBytes,
		MaxEpochLag: n.opts.maxLag, Computing: n.opts.computing,
	}
	if n.opts.checkpoint {
		cfg.CheckpointMicros = 1
	}
	var err error
	if n.engine, err = exec.New(cfg); err != nil {
		n.t.Fatal(err)
	}
	n.log, err = replica.Open(replica.Config{
		Dir: "data/log", FS: n.fs, NodeID: "n1", Clock: n.clock,
		Merger: codec.Merger{Key: n.engine.KeyOf}, WALSegmentBytes: 1 << 20,
		SealBytes: n.opts.sealBytes,
	}, n.engine)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.engine.Start(&testLog{n.log, n.log.Partitions()}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) close() {
	n.engine.Halt()
	if err := n.log.Close(); err != nil {
		n.t.Error(err)
	}
	if err := n.engine.Close(); err != nil {
		n.t.Error(err)
	}
}

func (n *node) reopen() {
	n.t.Helper()
	before := n.engine.Pin()
	epoch := before.Epoch
	before.Release()
	if n.opts.crash {
		clone := n.fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(epoch), 1)),
		})
		n.close()
		n.fs = clone
	} else {
		n.close()
	}
	n.open()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := n.engine.WaitApplied(ctx, epoch); err != nil {
		n.t.Fatalf("after a restart epoch %d does not come: %v", epoch, err)
	}
}

func (n *node) env(point *exec.ReadPoint) *planner.Env {
	return &planner.Env{
		Snapshot: point.Catalog, System: n.system, SearchPath: []string{"public"},
		User: "millrace", Database: "millrace",
		Settings: func(name string) string {
			if name == "default_partitions" {
				return fmt.Sprint(n.opts.partitions)
			}
			return ""
		},
	}
}

// run runs statements and gives the rows of the last one that has any.
func (n *node) run(text string) ([]string, error) {
	n.t.Helper()
	stmts, err := parse.Parse(text)
	if err != nil {
		return nil, err
	}
	var rows []string
	for _, s := range stmts {
		if rows, err = n.statement(s, text); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (n *node) statement(s sql.Statement, text string) ([]string, error) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if n.opts.leave {
		if err := n.engine.Together(ctx); err != nil {
			return nil, err
		}
	}
	if done, err := n.control(ctx, s); done {
		return nil, err
	}
	block := n.blocks[n.in]
	if block != nil && block.failed {
		return nil, sqlerr.New(sqlerr.InFailedSQLTransaction,
			"current transaction is aborted, commands ignored until end of transaction block")
	}
	rows, err := n.plain(ctx, s, text, block)
	if err != nil && block != nil {
		block.failed = true
	}
	return rows, err
}

// control runs a statement about a transaction block; done is false for others.
func (n *node) control(ctx context.Context, s sql.Statement) (done bool, err error) {
	b := n.blocks[n.in]
	switch s := s.(type) {
	case *sql.Begin:
		if n.blocks == nil {
			n.blocks = map[string]*txnBlock{}
		}
		point := n.engine.Pin()
		n.blocks[n.in] = &txnBlock{txn: n.engine.Begin(point, 0), marks: map[string]any{}}
	case *sql.Commit:
		delete(n.blocks, n.in)
		if b.failed {
			b.txn.Rollback()
			return true, nil
		}
		_, err = b.txn.Commit(ctx)
	case *sql.Rollback:
		delete(n.blocks, n.in)
		b.txn.Rollback()
	case *sql.Savepoint:
		b.marks[s.Name] = b.txn.Savepoint()
	case *sql.RollbackTo:
		b.txn.RollbackTo(b.marks[s.Name])
		b.failed = false
	default:
		return false, nil
	}
	return true, err
}

// plain runs a statement, in a block if there is one.
func (n *node) plain(ctx context.Context, s sql.Statement, text string, block *txnBlock) (
	[]string, error,
) {
	point := n.engine.Pin()
	defer point.Release()
	if block != nil {
		point = block.txn.Point()
	}
	env := n.env(point)
	env.Text = text
	p, err := planner.Build(s, env)
	if err != nil {
		return nil, err
	}
	rd := n.read(p, point)
	if block != nil {
		rd.Txn = block.txn
	}
	if err := n.verify(p); err != nil {
		return nil, err
	}
	var rows []string
	out := func(b *batch.Batch) error {
		rows = append(rows, texts(b, p.Columns)...)
		return nil
	}
	switch {
	case p.Command != nil && block != nil:
		_, err = block.txn.Change(ctx, p.Command)
	case p.Command != nil:
		_, _, err = n.engine.Command(ctx, p.Command)
	case p.Write != nil:
		_, err = n.engine.Write(ctx, rd, out)
	default:
		err = n.engine.Run(ctx, rd, out)
	}
	return rows, err
}

// verify asks what a plan wants to know of rows that exist, as a session does.
func (n *node) verify(p *plan.Plan) error {
	for _, v := range p.Verify {
		rows, err := n.run(v.Query)
		switch {
		case err != nil:
			return err
		case len(rows) > 0 && v.Detail:
			return v.Error.WithDetail("%s", rows[0])
		case len(rows) > 0:
			return v.Error
		}
	}
	return nil
}

func (n *node) read(p *plan.Plan, point *exec.ReadPoint) *exec.Read {
	return &exec.Read{
		Plan: p, Point: point,
		Env: &expr.Env{Now: point.Clock, Zone: time.UTC, Random: func() uint64 { return 4 }},
		System: &system.Context{
			Snapshot: point.Catalog, User: "millrace", Database: "millrace",
			SearchPath: []string{"public"},
		},
	}
}

// texts shows rows as fields between bars, once per weight.
func texts(b *batch.Batch, cols []plan.Column) []string {
	var out []string
	for k := range b.Rows() {
		i := b.Index(k)
		var fields []string
		for c, v := range b.Cols {
			if c < len(cols) && cols[c].Hidden {
				continue
			}
			if v.IsNull(i) {
				fields = append(fields, "NULL")
				continue
			}
			fields = append(fields, string(types.AppendText(nil, nil, v.Type, v.Datum(i))))
		}
		for range b.Weight(i) {
			out = append(out, strings.Join(fields, "|"))
		}
	}
	return out
}

// checkViews compares every materialized view with its defining SELECT, run once
// over the same epoch.
func (n *node) checkViews() error {
	n.t.Helper()
	point := n.engine.Pin()
	defer point.Release()
	for _, r := range point.Catalog.Relations() {
		if r.Kind != catalog.KindMaterializedView {
			continue
		}
		got, err := n.run("SELECT * FROM " + r.Name)
		if err != nil {
			return fmt.Errorf("view %s: %w", r.Name, err)
		}
		want, err := n.run(r.Definition)
		if err != nil {
			return fmt.Errorf("definition of view %s: %w", r.Name, err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			return fmt.Errorf("view %s differs from its SELECT\nview:\n  %s\nSELECT:\n  %s",
				r.Name, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
	return nil
}

// waitRebuilt waits until no query reads history anew.
func (n *node) waitRebuilt() {
	n.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		rows, err := n.run("SELECT name FROM millrace.queries WHERE state = 'BACKFILLING'")
		if err != nil {
			n.t.Fatal(err)
		}
		if len(rows) == 0 {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("queries %v do not come back", rows)
		}
	}
}

func errorText(err error) string {
	e := sqlerr.As(err)
	s := fmt.Sprintf("ERROR %s: %s", e.Code, e.Message)
	if e.Detail != "" {
		s += "\nDETAIL: " + e.Detail
	}
	if e.Hint != "" {
		s += "\nHINT: " + e.Hint
	}
	return s
}
