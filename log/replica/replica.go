package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/durable"
	"github.com/millracedb/millrace/log/segment"
	"github.com/millracedb/millrace/log/transport"
	"github.com/millracedb/millrace/log/wal"
)

// Replica is one member of a group.
type Replica struct {
	cfg    Config
	log    *slog.Logger
	store  Store
	set    *segment.Set
	fsm    *fsm
	raft   *raft.Raft
	commit *committer
	snaps  *snapshots

	closing atomic.Bool
	life    context.Context // ends when the replica begins to close
	end     context.CancelFunc
	closed  chan struct{}
	once    sync.Once

	leader   leaderWatch
	metrics  *metrics
	failure  atomic.Pointer[error]
	failedCh chan struct{}

	// checkpoints is held, by having sent to it, while a manifest is being made or
	// installed; fetching files can take long, so waiting for it must be able to end.
	checkpoints chan struct{}

	// keeper runs maintain; made tells it that a checkpoint was made.
	keeper sync.WaitGroup
	made   chan struct{}
}

var _ log.Proposer = (*Replica)(nil)

// Open starts a member: from its last manifest, if there is one, and the entries
// after it. The machine gets Restore if there is a manifest, and then the epochs
// after it, in order; a machine that is new gets epoch 1 first.
//
// The manifest is the point of commit of a checkpoint. A machine that keeps state
// of its own must hold, at Restore(state, at), its state as of exactly at: it may
// forget an older one only after Checkpoint returned for a newer.
func Open(cfg Config, m log.Machine) (*Replica, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	r := &Replica{
		cfg: cfg, log: cfg.Logger,
		closed: make(chan struct{}), failedCh: make(chan struct{}),
		checkpoints: make(chan struct{}, 1), made: make(chan struct{}, 1),
	}
	r.life, r.end = context.WithCancel(context.Background())
	r.leader.init()
	if err := r.open(m); err != nil {
		if r.store != nil {
			err = errors.Join(err, r.store.Close())
		}
		return nil, err
	}
	return r, nil
}

func (r *Replica) open(m log.Machine) error {
	fs := r.cfg.FS
	if err := durable.MkdirAll(fs, r.cfg.Dir); err != nil {
		return fmt.Errorf("make directory %s: %w", r.cfg.Dir, err)
	}
	if err := r.openStore(); err != nil {
		return err
	}
	var err error
	r.set, err = segment.Open(segment.Options{
		FS: fs, Dir: fs.PathJoin(r.cfg.Dir, "segments"), Merger: r.cfg.Merger,
		Logger: r.log, SealBytes: r.cfg.SealBytes, FileBytes: r.cfg.FileBytes,
	})
	if err != nil {
		return err
	}
	r.fsm = &fsm{r: r, set: r.set, machine: m}
	if r.snaps, err = openSnapshots(r); err != nil {
		return err
	}
	if err := r.startRaft(); err != nil {
		return err
	}
	r.commit = newCommitter(r)
	r.metrics = newMetrics(r)
	r.keeper.Go(r.maintain)
	if r.cfg.Mux != nil {
		r.serveMux()
	}
	return nil
}

func (r *Replica) openStore() error {
	r.store = r.cfg.Store
	if r.store != nil {
		return nil
	}
	w, err := wal.Open(wal.Options{
		FS: r.cfg.FS, Dir: r.cfg.FS.PathJoin(r.cfg.Dir, "wal"),
		ReserveBytes: r.cfg.ReserveBytes, SegmentBytes: r.cfg.WALSegmentBytes, Now: time.Now,
	})
	if err != nil {
		return err
	}
	r.store = w
	return nil
}

func (r *Replica) startRaft() error {
	conf := r.raftConfig()
	trans := r.cfg.Transport
	peers := r.cfg.Bootstrap
	if trans == nil {
		_, trans = raft.NewInmemTransport(raft.ServerAddress(r.cfg.NodeID))
		peers = []Peer{{ID: r.cfg.NodeID, Addr: r.cfg.NodeID}}
	}
	if len(peers) > 0 {
		if err := r.bootstrap(conf, peers, trans); err != nil {
			return err
		}
	}
	var err error
	r.raft, err = raft.NewRaft(conf, r.fsm, r.store, r.store, r.snaps, trans)
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	if t, ok := trans.(interface{ Attach(transport.State) }); ok {
		t.Attach(r.raft)
	}
	r.snaps.started.Store(true)
	r.leader.watch(r)
	return r.hurry()
}

func (r *Replica) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(r.cfg.NodeID)
	c.HeartbeatTimeout = r.cfg.Timing.Heartbeat
	c.ElectionTimeout = r.cfg.Timing.Election
	c.LeaderLeaseTimeout = r.cfg.Timing.Lease
	c.CommitTimeout = r.cfg.Timing.Commit
	c.MaxAppendEntries = r.cfg.Limits.AppendEntries
	// Checkpoints are ours: Raft neither takes snapshots nor cuts the log.
	c.SnapshotThreshold = math.MaxUint64
	c.SnapshotInterval = 24 * time.Hour
	c.TrailingLogs = math.MaxUint64
	c.NoLegacyTelemetry = true
	c.LogLevel = "INFO"
	c.LogOutput = &logWriter{r.log}
	return c
}

func (r *Replica) bootstrap(conf *raft.Config, peers []Peer, trans raft.Transport) error {
	has, err := raft.HasExistingState(r.store, r.store, r.snaps)
	if err != nil {
		return fmt.Errorf("look for raft state: %w", err)
	}
	if has {
		return nil
	}
	var c raft.Configuration
	for _, p := range peers {
		c.Servers = append(c.Servers, raft.Server{
			ID: raft.ServerID(p.ID), Address: raft.ServerAddress(p.Addr),
		})
	}
	if err := raft.BootstrapCluster(conf, r.store, r.store, r.snaps, trans, c); err != nil {
		return fmt.Errorf("bootstrap the group: %w", err)
	}
	return nil
}

// hurry lets the only voter of a group become leader at once instead of after a
// heartbeat timeout: shortening the timeout makes Raft look at it immediately.
func (r *Replica) hurry() error {
	f := r.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("read the group's members: %w", err)
	}
	voters, self := 0, false
	for _, s := range f.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters++
			self = self || s.ID == raft.ServerID(r.cfg.NodeID)
		}
	}
	if voters != 1 || !self {
		return nil
	}
	rc := r.raft.ReloadableConfig()
	rc.HeartbeatTimeout -= time.Millisecond
	if err := r.raft.ReloadConfig(rc); err != nil {
		return fmt.Errorf("shorten the heartbeat timeout: %w", err)
	}
	return nil
}

// Stalled says for how long a write of Raft's log to the disk has been under way,
// for transport.Options.
func (r *Replica) Stalled() time.Duration {
	if s, ok := r.store.(interface{ PendingSync() time.Duration }); ok {
		return s.PendingSync()
	}
	return 0
}

// Partitions gives the partitions of the group.
func (r *Replica) Partitions() *segment.Set { return r.set }

// Propose implements log.Proposer.
func (r *Replica) Propose(ctx context.Context, t *log.Txn) (log.Result, error) {
	size, err := r.check(t)
	if err != nil {
		return log.Result{}, err
	}
	for {
		if r.closing.Load() {
			return log.Result{}, r.stopped()
		}
		changed := r.leader.changed()
		res, err := r.proposeOnce(ctx, t, size)
		if !errors.Is(err, log.ErrNotLeader) || err == errElsewhere {
			return res, err
		}
		// Nothing was written: try again when the leader has changed.
		if err := r.leader.wait(ctx, r, changed); err != nil {
			return log.Result{}, err
		}
	}
}

// errElsewhere: another node leads and nothing forwards to it; waiting is no use.
var errElsewhere = fmt.Errorf("another node leads: %w", log.ErrNotLeader)

func (r *Replica) proposeOnce(ctx context.Context, t *log.Txn, size int) (log.Result, error) {
	if r.raft.State() == raft.Leader {
		return r.commit.propose(ctx, t, size)
	}
	addr, id := r.raft.LeaderWithID()
	if addr == "" || string(id) == r.cfg.NodeID {
		return log.Result{}, log.ErrNotLeader
	}
	if r.cfg.Forward == nil {
		return log.Result{}, errElsewhere
	}
	return r.forward(ctx, string(id), string(addr), t)
}

// check refuses what no entry can hold and gives the encoded size.
func (r *Replica) check(t *log.Txn) (int, error) {
	for _, b := range t.Blocks {
		if b.Rows < 1 || b.Rows > log.MaxBlockRows {
			return 0, fmt.Errorf("block of %d rows: %w", b.Rows, log.ErrTooLarge)
		}
	}
	size := log.TxnBytes(t)
	if int64(size) > r.cfg.Limits.TxnBytes {
		return 0, fmt.Errorf("transaction of %d bytes, at most %d: %w", size,
			r.cfg.Limits.TxnBytes, log.ErrTooLarge)
	}
	return size, nil
}

// Tick proposes a time entry, so that windows close while nobody writes. It does
// nothing on a node that does not lead.
func (r *Replica) Tick(ctx context.Context) error {
	if r.raft.State() != raft.Leader || r.closing.Load() {
		return nil
	}
	t := &log.Txn{Clock: true}
	_, err := r.commit.propose(ctx, t, log.TxnBytes(t))
	if errors.Is(err, log.ErrNotLeader) {
		return nil
	}
	return err
}

// Barrier returns when this node has applied all that was committed before the
// call, anywhere in the group. It makes no epoch; the result tells the newest one.
// After a start it tells that the log is replayed.
func (r *Replica) Barrier(ctx context.Context) (log.Result, error) {
	return r.Propose(ctx, &log.Txn{})
}

// WaitApplied returns when this node has applied an epoch.
func (r *Replica) WaitApplied(ctx context.Context, e log.Epoch) error {
	ch := r.fsm.waitFor(e)
	if ch == nil {
		return nil
	}
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return r.stopped()
	}
}

// Applied gives the last applied epoch and its clock.
func (r *Replica) Applied() (log.Epoch, int64) {
	r.fsm.mu.Lock()
	defer r.fsm.mu.Unlock()
	return r.fsm.epoch, r.fsm.clock
}

// fail stops the replica for good; the process goes on and reads still work.
func (r *Replica) fail(err error) {
	if r.failure.CompareAndSwap(nil, &err) {
		r.log.Error("replica stopped", "error", err)
		close(r.failedCh)
		go r.Close()
	}
}

// Failed is closed when the replica has stopped by itself; Err says why.
func (r *Replica) Failed() <-chan struct{} { return r.failedCh }

// Err gives the error that stopped the replica, nil while it works.
func (r *Replica) Err() error {
	if p := r.failure.Load(); p != nil {
		return *p
	}
	return nil
}

func (r *Replica) stopped() error {
	if err := r.Err(); err != nil {
		return err
	}
	return log.ErrStopped
}

// closeGrace is how long Close waits for entries that Raft has; those without a
// majority end with Raft itself. A committed entry takes microseconds.
const closeGrace = 100 * time.Millisecond

// Close stops the member. Transactions under way end with ErrStopped, or with
// ErrUnknownOutcome when Raft has them already.
func (r *Replica) Close() error {
	var err error
	r.once.Do(func() { err = r.close() })
	<-r.closed
	return err
}

func (r *Replica) close() error {
	r.end()
	r.commit.halt()
	grace := time.NewTimer(closeGrace)
	select {
	case <-r.commit.idle:
	case <-grace.C:
	}
	grace.Stop()
	r.closing.Store(true)
	err := r.raft.Shutdown().Error()
	last := time.NewTimer(closeGrace)
	select {
	case <-r.commit.idle:
	case <-last.C:
	}
	last.Stop()
	r.commit.close()
	r.keeper.Wait()
	r.leader.stop(r)
	r.metrics.close()
	close(r.closed)
	return errors.Join(err, r.store.Close())
}

// logWriter turns Raft's log lines into records.
type logWriter struct{ log *slog.Logger }

// Write implements io.Writer.
func (w *logWriter) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	switch {
	case bytes.Contains(line, []byte("[ERROR]")):
		level = slog.LevelError
	case bytes.Contains(line, []byte("[WARN]")):
		level = slog.LevelWarn
	}
	if w.log.Enabled(context.Background(), level) {
		text := line
		if _, after, ok := bytes.Cut(line, []byte("raft: ")); ok {
			text = after
		}
		w.log.Log(context.Background(), level, "raft: "+string(bytes.TrimSpace(text)))
	}
	return len(line), nil
}
