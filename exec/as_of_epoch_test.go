package exec_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// catchUp collects what a subscription gives first.
type catchUp struct {
	columns []plan.Column
	rows    map[string]int
}

// Rows implements exec.Subscriber.
func (d *catchUp) Rows(_ log.Epoch, b *batch.Batch) error {
	for k := range b.Rows() {
		i := b.Index(k)
		one := *b
		one.Sel, one.W = []uint16{uint16(i)}, nil
		d.rows[texts(&one, d.columns)[0]] += int(b.Weight(i))
	}
	return nil
}

// Progress implements exec.Subscriber: the first one is enough.
func (d *catchUp) Progress(log.Epoch, int64) error { return exec.ErrEnough }

// since gives what a subscription after an epoch begins with.
func (n *node) since(text string) (map[string]int, error) {
	n.t.Helper()
	point := n.engine.Pin()
	defer point.Release()
	p := n.plan(text, point)
	rd := n.read(p, point)
	d := &catchUp{columns: p.Columns, rows: map[string]int{}}
	err := n.engine.Subscribe(context.Background(), &exec.Subscription{
		Plan: p, Point: point, Env: rd.Env, System: rd.System}, d)
	return d.rows, err
}

// TestAsOfEpoch stops and goes on at random epochs: what was there, and what came
// since, are together what is there.
func TestAsOfEpoch(t *testing.T) {
	for i, o := range []options{
		{name: "in memory", partitions: 1, workers: 1},
		{name: "restarts", partitions: 3, workers: 2, restart: true, checkpoint: true, sealBytes: 1},
	} {
		t.Run(o.name, func(t *testing.T) { asOfEpoch(t, o, uint64(i+1)) })
	}
}

func asOfEpoch(t *testing.T, o options, seed uint64) {
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	n := newNode(t, o)
	do := func(text string) {
		t.Helper()
		if _, err := n.run(text); err != nil {
			t.Fatalf("%s: %s", text, errorText(err))
		}
		if o.restart && rnd.IntN(8) == 0 {
			n.reopen()
		}
		if o.checkpoint && rnd.IntN(20) == 0 {
			if err := n.log.Partitions().Compact(t.Context(), n.clock.NowMicros()); err != nil {
				t.Fatal(err)
			}
		}
	}
	do("CREATE TABLE t (k int PRIMARY KEY, v int)")
	do("CREATE STREAM s (v int)")
	do("CREATE MATERIALIZED VIEW m AS SELECT v, count(*) AS n FROM t GROUP BY v")
	queries := []string{"SELECT k, v FROM t", "SELECT k, v + 1 AS w FROM t WHERE v > 2",
		"SELECT v, n FROM m", "SELECT v FROM s WHERE v <> 3"}
	read := []string{"t", "t", "m", "s"} // by query
	ends := map[log.Epoch]map[log.PartitionID]log.Offset{}
	states := map[log.Epoch][]map[string]int{}
	var epochs []log.Epoch
	refused := 0
	for range 120 {
		switch k := rnd.IntN(12); rnd.IntN(5) {
		case 0:
			do(fmt.Sprintf("DELETE FROM t WHERE k = %d", k))
		case 1:
			do(fmt.Sprintf("UPDATE t SET v = %d WHERE k < %d", rnd.IntN(5), k))
		case 2:
			do(fmt.Sprintf("INSERT INTO s VALUES (%d), (%d)", k, rnd.IntN(5)))
		default:
			do(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", k, rnd.IntN(5)))
		}
		now := n.published()
		states[now], ends[now] = nil, n.ends(now)
		for _, q := range queries {
			rows, err := n.run(q)
			if err != nil {
				t.Fatal(err)
			}
			state := map[string]int{}
			for _, r := range rows {
				state[r]++
			}
			states[now] = append(states[now], state)
		}
		epochs = append(epochs, now)
		then := epochs[rnd.IntN(len(epochs))]
		for i, q := range queries {
			text := fmt.Sprintf("%s EMIT CHANGES WITH (op) AS OF EPOCH %d", q, then)
			gone := n.merged(read[i], ends[then])
			got, err := n.since(text)
			if gone && err == nil {
				t.Fatalf("%s, at epoch %d: what was at epoch %d is not kept, and it is not refused",
					text, now, then)
			}
			if err != nil {
				// The log may have been compacted in the background meanwhile.
				gone = gone || n.merged(read[i], ends[then])
				if !gone || !strings.Contains(err.Error(), "is not kept any more") {
					t.Fatalf("%s: %s", text, errorText(err))
				}
				refused++
				continue
			}
			sum := maps.Clone(states[then][i])
			for row, w := range got {
				if sum[row] += w; sum[row] == 0 {
					delete(sum, row)
				}
			}
			if !maps.Equal(sum, states[now][i]) {
				t.Fatalf("%s, at epoch %d:\n%v\nand then\n%v\nis not\n%v", text, now,
					states[then][i], got, states[now][i])
			}
		}
	}
	t.Logf("%d of %d refused", refused, 120*len(queries))
	if (refused > 0) != o.checkpoint {
		t.Errorf("%d of %d are refused", refused, 120*len(queries))
	}
}

// ends gives the end of every partition at an epoch, the newest one.
func (n *node) ends(at log.Epoch) map[log.PartitionID]log.Offset {
	n.t.Helper()
	out := map[log.PartitionID]log.Offset{}
	for _, r := range n.engine.Catalog().Stored() {
		for p := range max(r.Partitions, 1) {
			id := log.PartitionID{Stream: log.StreamID(r.OID), Part: uint32(p)}
			_, end, err := n.log.Partitions().Bounds(id, at)
			if err != nil {
				n.t.Fatal(err)
			}
			out[id] = end
		}
	}
	return out
}

// merged tells whether compaction has gone beyond where a relation's partitions ended:
// then it has taken rows away that were the last ones of their keys there. Otherwise
// all of them are in the log, or in the blocks that compaction has left of them.
func (n *node) merged(name string, ends map[log.PartitionID]log.Offset) bool {
	n.t.Helper()
	beyond := false
	r := n.engine.Catalog().Lookup("public", name)
	for id, was := range ends {
		begin, end, err := n.log.Partitions().Bounds(id, n.published())
		if err != nil {
			n.t.Fatal(err)
		}
		if id.Stream != log.StreamID(r.OID) || begin >= end {
			continue
		}
		err = n.log.Partitions().Read(n.t.Context(), id, begin, end, []int{0}, func(b *log.Block) error {
			beyond = beyond || b.Flags&log.Compacted != 0 && b.End() > was
			return nil
		})
		if err != nil {
			n.t.Fatal(err)
		}
	}
	return beyond
}
