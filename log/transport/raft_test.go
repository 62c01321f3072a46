package transport

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log/transport/memnet"
	"github.com/millracedb/millrace/log/wal"
)

// listFSM remembers the numbers applied.
type listFSM struct {
	mu  sync.Mutex
	got []uint64
}

func (f *listFSM) Apply(l *raft.Log) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, binary.LittleEndian.Uint64(l.Data))
	return nil
}

func (f *listFSM) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return listSnapshot(slices.Clone(f.got)), nil
}

func (f *listFSM) Restore(r io.ReadCloser) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = nil
	for ; len(b) > 0; b = b[8:] {
		f.got = append(f.got, binary.LittleEndian.Uint64(b))
	}
	return nil
}

type listSnapshot []uint64

func (s listSnapshot) Persist(k raft.SnapshotSink) error {
	var b []byte
	for _, v := range s {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	if _, err := k.Write(b); err != nil {
		return err
	}
	return k.Close()
}
func (listSnapshot) Release() {}

// installing tells the store about snapshots before Raft restores them.
type installing struct {
	*raft.InmemSnapshotStore
	node *raftNode
}

type installingSink struct {
	raft.SnapshotSink
	node        *raftNode
	index, term uint64
}

func (s installing) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration,
	ci uint64, tr raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.InmemSnapshotStore.Create(v, index, term, c, ci, tr)
	return &installingSink{sink, s.node, index, term}, err
}

func (k *installingSink) Close() error {
	if err := k.SnapshotSink.Close(); err != nil {
		return err
	}
	_, err := k.node.store.Install(k.index, k.term)
	return err
}

type raftNode struct {
	name  string
	fs    vfs.FS
	dir   string
	mux   *Mux
	store *wal.Store
	fsm   *listFSM
	snaps installing
	raft  *raft.Raft
	conf  func(*raft.Config)
	hangs atomic.Int64 // how long the disk has been hanging, as the transport sees it
}

func (n *raftNode) start(t testing.TB, mux *Mux, boot *raft.Configuration, seg int64) {
	t.Helper()
	s, err := wal.Open(wal.Options{FS: n.fs, Dir: n.dir, SegmentBytes: seg, Now: time.Now})
	must(t, err)
	n.store, n.mux, n.fsm = s, mux, &listFSM{}
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.name)
	c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	n.conf(c)
	tr := mux.Raft(0)
	if boot != nil {
		must(t, raft.BootstrapCluster(c, s, s, n.snaps, tr, *boot))
	}
	n.raft, err = raft.NewRaft(c, n.fsm, s, s, n.snaps, tr)
	must(t, err)
	tr.Attach(n.raft)
}

func (n *raftNode) stop(t testing.TB) {
	t.Helper()
	must(t, n.raft.Shutdown().Error())
	must(t, n.mux.Close())
	must(t, n.store.Close())
}

type cluster struct {
	net   *memnet.Network
	nodes []*raftNode
	acked []uint64
	next  uint64
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{net: memnet.New()}
	var boot raft.Configuration
	for _, name := range []string{"a", "b", "c"} {
		n := &raftNode{name: name, fs: vfs.NewMem(), dir: "log"}
		n.conf = func(c *raft.Config) {
			c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 2*time.Second, 40, 20
		}
		n.snaps = installing{raft.NewInmemSnapshotStore(), n}
		c.nodes = append(c.nodes, n)
		boot.Servers = append(boot.Servers, raft.Server{ID: raft.ServerID(name),
			Address: raft.ServerAddress(name)})
	}
	for _, n := range c.nodes {
		n.start(t, c.open(t, n), &boot, 16<<10)
	}
	return c
}

func (c *cluster) open(t testing.TB, n *raftNode) *Mux {
	return openMux(t, c.net, n.name, func(o *Options) {
		o.DataTimeout, o.SnapshotTimeout = 2*time.Second, 5*time.Second
		o.Stalled = func() time.Duration {
			return time.Duration(n.hangs.Load())
		}
	})
}

func (c *cluster) pick(rng *rand.Rand) (a, b *raftNode) {
	p := rng.Perm(len(c.nodes))
	return c.nodes[p[0]], c.nodes[p[1]]
}

// disturb resets, cuts or freezes paths, one way or both, heals them, or restarts a node.
func (c *cluster) disturb(t *testing.T, rng *rand.Rand) {
	a, b := c.pick(rng)
	switch rng.IntN(40) {
	case 0:
		c.net.Reset(a.name, b.name)
	case 1:
		c.net.Cut(a.name, b.name)
	case 2:
		for _, o := range c.nodes {
			if o != a {
				c.net.Cut(a.name, o.name)
				c.net.Cut(o.name, a.name)
			}
		}
	case 3:
		c.net.Freeze(a.name, b.name)
	case 4, 5, 6, 7, 8:
		c.heal()
	case 9:
		a.stop(t)
		a.start(t, c.open(t, a), nil, 16<<10)
	}
}

func (c *cluster) heal() {
	for _, a := range c.nodes {
		for _, b := range c.nodes {
			if a != b {
				c.net.Heal(a.name, b.name)
			}
		}
	}
}

func (c *cluster) write(rng *rand.Rand) {
	for _, n := range c.nodes {
		if n.raft.State() != raft.Leader {
			continue
		}
		var futures []raft.ApplyFuture
		first := c.next + 1
		for range 1 + rng.IntN(5) {
			c.next++
			b := make([]byte, 8+rng.IntN(2000))
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

func (c *cluster) check(t *testing.T) {
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
			t.Errorf("%s applied %d entries, a %d, or others", n.name, len(n.fsm.got), len(ref))
		}
	}
	if len(c.acked) < 200 {
		t.Errorf("only %d writes were acknowledged", len(c.acked))
	}
}

// TestRaftCluster runs three real Rafts over the transport in virtual time: resets, cuts and frozen
// paths in one direction or both, restarts, snapshots.
func TestRaftCluster(t *testing.T) {
	for range 6 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { clusterRun(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func clusterRun(t *testing.T, rng *rand.Rand) {
	c := newCluster(t)
	start := time.Now()
	for time.Since(start) < 3*time.Minute {
		c.disturb(t, rng)
		c.write(rng)
		time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond)
	}
	c.heal()
	time.Sleep(30 * time.Second)
	fast := uint64(0)
	for _, n := range c.nodes {
		fast += n.mux.Stats().FastAcks
		n.stop(t)
	}
	c.check(t)
	t.Logf("%d writes acknowledged of %d, %d heartbeats answered beside the main loop",
		len(c.acked), c.next, fast)
	time.Sleep(time.Minute) // Raft's last timers run out
}

// TestLeaderWithHangingDisk: a leader whose disk hangs is replaced, although its process lives.
func TestLeaderWithHangingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		leader := func(not *raftNode) *raftNode {
			for range 300 {
				for _, n := range c.nodes {
					if n != not && n.raft.State() == raft.Leader {
						return n
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Fatal("no leader")
			return nil
		}
		old := leader(nil)
		old.hangs.Store(int64(time.Minute))
		other := leader(old)
		must(t, other.raft.Apply(make([]byte, 8), time.Second).Error())
		if old.mux.Stats().Withheld == 0 {
			t.Error("no heartbeat was withheld")
		}
		for _, n := range c.nodes {
			n.stop(t)
		}
		time.Sleep(time.Minute)
	})
}
