package wal

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// listFSM remembers the numbers applied, and hands index and term of a restored snapshot to the
// store, as every user of the store must.
type listFSM struct {
	mu          sync.Mutex
	store       *Store
	index, term uint64
	got         []uint64
}

func (f *listFSM) Apply(l *raft.Log) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, binary.LittleEndian.Uint64(l.Data))
	f.index, f.term = l.Index, l.Term
	return nil
}

func (f *listFSM) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := binary.LittleEndian.AppendUint64(nil, f.index)
	b = binary.LittleEndian.AppendUint64(b, f.term)
	for _, v := range f.got {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return listSnapshot(b), nil
}

func (f *listFSM) Restore(r io.ReadCloser) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index, f.term = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	f.got = nil
	for p := b[16:]; len(p) > 0; p = p[8:] {
		f.got = append(f.got, binary.LittleEndian.Uint64(p))
	}
	return nil
}

type listSnapshot []byte

func (s listSnapshot) Persist(k raft.SnapshotSink) error {
	if _, err := k.Write(s); err != nil {
		return err
	}
	return k.Close()
}
func (listSnapshot) Release() {}

// installingStore tells the wal about snapshots as they are closed, before Raft restores them.
type installingStore struct {
	*raft.InmemSnapshotStore
	node *raftNode
}

type installingSink struct {
	raft.SnapshotSink
	node        *raftNode
	index, term uint64
}

func (s *installingStore) Create(v raft.SnapshotVersion, index, term uint64,
	c raft.Configuration, ci uint64, tr raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.InmemSnapshotStore.Create(v, index, term, c, ci, tr)
	return &installingSink{SnapshotSink: sink, node: s.node, index: index, term: term}, err
}

func (k *installingSink) Close() error {
	if err := k.SnapshotSink.Close(); err != nil {
		return err
	}
	// A snapshot of our own state is part of our log: Install keeps the log then.
	_, err := k.node.store.Install(k.index, k.term)
	return err
}

type raftNode struct {
	id    raft.ServerID
	mem   *vfs.MemFS
	store *Store
	fsm   *listFSM
	snaps *installingStore
	trans *raft.InmemTransport
	raft  *raft.Raft
}

func (n *raftNode) start(t *testing.T, boot *raft.Configuration) {
	t.Helper()
	o := smallOptions(n.mem)
	o.inlineRecycle = false
	n.store = mustOpen(t, o)
	n.fsm = &listFSM{store: n.store}
	c := raft.DefaultConfig()
	c.LocalID = n.id
	c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 2*time.Second, 20, 10
	if boot != nil {
		must(t, raft.BootstrapCluster(c, n.store, n.store, n.snaps, n.trans, *boot))
	}
	r, err := raft.NewRaft(c, n.fsm, n.store, n.store, n.snaps, n.trans)
	must(t, err)
	n.raft = r
}

func (n *raftNode) stop(t *testing.T) {
	t.Helper()
	must(t, n.raft.Shutdown().Error())
	must(t, n.store.Close())
}

// cutPower restarts the node on what the disk has for sure and a part of the rest.
func (n *raftNode) cutPower(t *testing.T, rng *rand.Rand) {
	t.Helper()
	after := n.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	n.stop(t)
	n.mem = after
	n.start(t, nil)
}

type raftCluster struct {
	nodes []*raftNode
	cut   int // node without network, -1 if none
	acked []uint64
	next  uint64
}

func newRaftCluster(t *testing.T, size int) *raftCluster {
	c := &raftCluster{cut: -1}
	var conf raft.Configuration
	for i := range size {
		_, tr := raft.NewInmemTransportWithTimeout(raft.ServerAddress(fmt.Sprint("a", i)),
			500*time.Millisecond)
		n := &raftNode{id: raft.ServerID(fmt.Sprint("n", i)), mem: vfs.NewCrashableMem(), trans: tr}
		n.snaps = &installingStore{InmemSnapshotStore: raft.NewInmemSnapshotStore(), node: n}
		c.nodes = append(c.nodes, n)
		conf.Servers = append(conf.Servers, raft.Server{ID: n.id, Address: tr.LocalAddr()})
	}
	for _, n := range c.nodes {
		c.link(n, true)
		n.start(t, &conf)
	}
	return c
}

func (c *raftCluster) link(n *raftNode, up bool) {
	for _, o := range c.nodes {
		switch {
		case o == n:
		case up:
			n.trans.Connect(o.trans.LocalAddr(), o.trans)
			o.trans.Connect(n.trans.LocalAddr(), n.trans)
		default:
			n.trans.Disconnect(o.trans.LocalAddr())
			o.trans.Disconnect(n.trans.LocalAddr())
		}
	}
}

// disturb cuts a node off, heals it, restarts one or cuts its power.
func (c *raftCluster) disturb(t *testing.T, rng *rand.Rand) {
	switch rng.IntN(40) {
	case 0, 1:
		if c.cut >= 0 {
			c.link(c.nodes[c.cut], true)
			c.cut = -1
		} else if len(c.nodes) > 1 {
			c.cut = rng.IntN(len(c.nodes))
			c.link(c.nodes[c.cut], false)
		}
	case 2:
		n := c.nodes[rng.IntN(len(c.nodes))]
		n.stop(t)
		n.start(t, nil)
		c.relink()
	case 3, 4:
		c.nodes[rng.IntN(len(c.nodes))].cutPower(t, rng)
		c.relink()
	}
}

// relink restores the connections that Raft's shutdown took down.
func (c *raftCluster) relink() {
	for i, n := range c.nodes {
		if i != c.cut {
			c.link(n, true)
		}
	}
	if c.cut >= 0 {
		c.link(c.nodes[c.cut], false)
	}
}

func (c *raftCluster) write(rng *rand.Rand) {
	for _, n := range c.nodes {
		if n.raft.State() != raft.Leader {
			continue
		}
		var futures []raft.ApplyFuture
		first := c.next + 1
		for range 1 + rng.IntN(5) {
			c.next++
			b := make([]byte, 8+rng.IntN(900))
			binary.LittleEndian.PutUint64(b, c.next)
			futures = append(futures, n.raft.Apply(b, time.Second))
		}
		for i, f := range futures {
			if f.Error() == nil {
				c.acked = append(c.acked, first+uint64(i))
			}
		}
	}
}

func (c *raftCluster) check(t *testing.T) {
	t.Helper()
	ref := c.nodes[0].fsm.got
	have := map[uint64]int{}
	for _, v := range ref {
		have[v]++
	}
	for _, v := range c.acked {
		if have[v] != 1 {
			t.Errorf("acknowledged %d was applied %d times", v, have[v])
		}
	}
	for _, n := range c.nodes[1:] {
		if !slices.Equal(n.fsm.got, ref) {
			t.Errorf("%s applied %d entries, n0 %d, or others", n.id, len(n.fsm.got), len(ref))
		}
	}
	if len(c.acked) < 50 {
		t.Errorf("only %d writes were acknowledged", len(c.acked))
	}
	t.Logf("%d writes acknowledged", len(c.acked))
}

// TestRaft runs real Raft on the store, in virtual time, with partitions, restarts, power cuts,
// snapshots and compaction.
func TestRaft(t *testing.T) {
	for _, size := range []int{1, 3} {
		for range 4 {
			rng, seed := seedOf(t)
			t.Run(fmt.Sprintf("nodes=%d seed=%d", size, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { raftRun(t, size, rng) })
			})
		}
	}
}

func raftRun(t *testing.T, size int, rng *rand.Rand) {
	c := newRaftCluster(t, size)
	start := time.Now()
	for time.Since(start) < 3*time.Minute {
		c.disturb(t, rng)
		c.write(rng)
		time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond)
	}
	if c.cut >= 0 {
		c.link(c.nodes[c.cut], true)
	}
	time.Sleep(30 * time.Second)
	for _, n := range c.nodes {
		n.stop(t)
		must(t, n.trans.Close())
	}
	c.check(t)
	time.Sleep(time.Minute) // Raft's last timers run out
}
