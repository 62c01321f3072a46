package wal

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/hashicorp/raft"
)

var (
	powerCuts = flag.Int("power-cuts", 20000, "simulated power cuts of TestPowerCuts")
	cutSeed   = flag.Uint64("cut-seed", 0, "seed of TestPowerCuts, 0 for a random one")
)

// TestPowerCuts runs random appends, truncations, installs, restarts and recyclings, cuts the
// power just before a random sync, keeps a random part of the unsynced blocks and directory
// entries, recovers and compares: all that was acknowledged is there, what was under way is there
// as a prefix or not at all, nothing else is. Some runs go on from the recovered state.
func TestPowerCuts(t *testing.T) {
	seed := *cutSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	n := *powerCuts
	if testing.Short() {
		n /= 10
	}
	stats, failures := cutPower(seed, n, false)
	t.Logf("seed %d: %s", seed, stats)
	for _, f := range failures {
		t.Error(f)
	}
	if stats.torn < n/20 || stats.recycled < uint64(n)/20 || stats.continued < n/50 {
		t.Errorf("the workload is too tame: %s", stats)
	}
}

// TestPowerCutsNeedTheEpoch proves that the test above can fail: without the file epoch in the
// checksums stale frames of recycled files are taken for new ones.
func TestPowerCutsNeedTheEpoch(t *testing.T) {
	stats, failures := cutPower(1, 2000, true)
	t.Logf("without the epoch: %d failures, %s", len(failures), stats)
	if len(failures) == 0 {
		t.Fatal("leaving the file epoch out of the checksums was not noticed")
	}
}

type cutStats struct {
	cuts, torn, continued, ops int
	killed                     int
	recycled, truncated        uint64
}

func (c cutStats) String() string {
	return fmt.Sprintf("%d cuts (%d within an append), %d recovered states continued, %d operations, "+
		"%d kills, %d files recycled, %d conflict truncations", c.cuts, c.torn, c.continued, c.ops,
		c.killed, c.recycled, c.truncated)
}

var errKilled = errors.New("killed")

// cutter is one run: a store, its model, and the operation under way.
type cutter struct {
	rng         *rand.Rand
	forgetEpoch bool
	mem         *vfs.MemFS
	store       *Store
	now         *model   // acknowledged
	next        []*model // states that the operation under way may leave, besides now
	term        uint64
	stats       *cutStats
	failures    []string
	resume      *vfs.MemFS // the run goes on from here
	resumeModel *model
	appending   bool
	killed      bool // the process dies instead of syncing: its page cache stays
	off         bool
}

func cutPower(seed uint64, n int, forgetEpoch bool) (cutStats, []string) {
	var stats cutStats
	var failures []string
	for run := uint64(0); stats.cuts < n && len(failures) < 5; run++ {
		c := &cutter{
			rng: rand.New(rand.NewPCG(seed, run)), forgetEpoch: forgetEpoch,
			mem: vfs.NewCrashableMem(), now: &model{}, term: 1, stats: &stats,
		}
		c.run()
		for _, f := range c.failures {
			failures = append(failures, fmt.Sprintf("seed %d run %d: %s", seed, run, f))
		}
	}
	return stats, failures
}

func (c *cutter) options(fs vfs.FS) Options {
	o := smallOptions(fs)
	o.SegmentBytes = 8 << 10
	o.Spares = 1
	o.forgetEpoch = c.forgetEpoch
	return o
}

// MaybeError is asked before each operation of the file system; before a sync it may cut.
func (c *cutter) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData:
		if c.store != nil && c.rng.IntN(60) == 0 {
			c.killed = true
			return errKilled
		}
		if !c.off && c.resume == nil && c.rng.IntN(3) == 0 {
			c.cut()
		}
	}
	return nil
}

func (c *cutter) String() string { return "power cuts" }

func (c *cutter) clone() *vfs.MemFS {
	return c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.rng.IntN(101), RNG: c.rng})
}

// cut recovers from a clone and compares it.
func (c *cutter) cut() {
	c.stats.cuts++
	if c.appending {
		c.stats.torn++
	}
	after := c.clone()
	s, err := Open(c.options(after))
	if err != nil {
		c.fail("refused to open: %v", err)
		return
	}
	for _, m := range append([]*model{c.now}, c.next...) {
		if m.differs(s) == "" {
			if c.rng.IntN(8) == 0 && len(m.entries) > 0 {
				c.resume, c.resumeModel = after, m
			}
			if err := s.Close(); err != nil {
				c.fail("close: %v", err)
			}
			return
		}
	}
	c.fail("acknowledged state is gone: %s", c.now.differs(s))
}

func (c *cutter) fail(format string, args ...any) {
	c.failures = append(c.failures, fmt.Sprintf(format, args...))
	c.off = true
}

func (c *cutter) run() {
	if !c.open() {
		return
	}
	for range 80 {
		if len(c.failures) > 0 {
			return
		}
		c.stats.ops++
		acked := c.now
		if err := c.step(); err != nil {
			if !c.killed {
				c.fail("operation failed without a fault: %v", err)
				return
			}
			c.now = acked
			if !c.restart() {
				return
			}
		}
		c.killed = false
		c.next, c.appending = nil, false
		if c.resume != nil {
			c.count()
			c.mem, c.now, c.resume = c.resume, c.resumeModel, nil
			c.stats.continued++
			if !c.open() {
				return
			}
		}
		if d := c.now.differs(c.store); d != "" {
			c.fail("without a cut: %s", d)
		}
	}
	c.count()
}

// restart opens the store on what the killed process left in the page cache.
func (c *cutter) restart() bool {
	c.stats.killed++
	c.count()
	c.store.Close() // poisoned or closed already: it writes nothing
	c.resume = nil
	states := append([]*model{c.now}, c.next...)
	c.next = states // a cut while recovering may leave any of them
	if !c.open() {
		return false
	}
	for _, m := range states {
		if m.differs(c.store) == "" {
			c.now = m
			return true
		}
	}
	c.fail("after a kill: %s", c.now.differs(c.store))
	return false
}

func (c *cutter) count() {
	st := c.store.Stats()
	c.stats.recycled += st.Recycled
	c.stats.truncated += st.Truncations
}

func (c *cutter) open() bool {
	c.store = nil // no kill until the store is open
	s, err := Open(c.options(errorfs.Wrap(c.mem, c)))
	if err != nil {
		c.fail("open: %v", err)
		return false
	}
	c.store = s
	return true
}

// do announces the state that op leads to, runs it, and makes the state the acknowledged one.
func (c *cutter) do(to *model, op func() error) error {
	c.next = append(c.next, to)
	err := op()
	c.now = to
	return err
}

func (c *cutter) step() error {
	m := c.now
	switch p := c.rng.IntN(100); {
	case p < 55 || len(m.entries) == 0:
		return c.append()
	case p < 70: // a conflict
		lo := m.last() - uint64(c.rng.IntN(min(len(m.entries), 6)))
		c.term++
		return c.do(m.cutFrom(lo), func() error { return c.store.DeleteRange(lo, m.last()) })
	case p < 85: // retention
		hi := m.boundary + 1 + uint64(c.rng.IntN(len(m.entries)))
		if hi == m.last() {
			return nil
		}
		return c.do(m.cutTo(hi), func() error { return c.store.DeleteRange(1, hi) })
	case p < 88:
		to := m.clone()
		to.stable = c.rng.Uint64()
		return c.do(to, func() error { return c.store.SetUint64([]byte("k"), to.stable) })
	case p < 92:
		return c.install()
	case p < 95:
		return c.store.Mark()
	}
	c.count()
	if err := c.store.Close(); err != nil {
		return err
	}
	if !c.open() {
		return fmt.Errorf("reopen failed")
	}
	return nil
}

func (c *cutter) append() error {
	n := 1 + c.rng.IntN(4)
	logs := make([]*raft.Log, n)
	same := c.rng.IntN(3) > 0
	for i := range logs {
		size := 200
		if !same {
			size = c.rng.IntN(1500)
		}
		logs[i] = entryOf(c.now.last()+1+uint64(i), c.term, size)
	}
	for i := 1; i < n; i++ {
		c.next = append(c.next, c.now.append(logs[:i]...))
	}
	c.appending = true
	return c.do(c.now.append(logs...), func() error { return c.store.StoreLogs(logs) })
}

func (c *cutter) install() error {
	m := c.now
	index := m.boundary + 1 + uint64(c.rng.IntN(len(m.entries)+3))
	term := c.term
	if c.rng.IntN(2) == 0 {
		c.term++
		term = c.term
	}
	return c.do(m.install(index, term), func() error {
		_, err := c.store.Install(index, term)
		if err == nil && c.store.ghostTo > 0 {
			err = c.store.DeleteRange(index+1, c.store.ghostTo)
		}
		return err
	})
}
