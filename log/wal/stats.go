package wal

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// LatencyBuckets is the number of buckets of a latency histogram: bucket i counts durations of
// less than 2^i microseconds, the last one all longer ones.
const LatencyBuckets = 24

// Histogram counts durations in powers of two of a microsecond.
type Histogram struct {
	Count   uint64
	SumNs   uint64
	Buckets [LatencyBuckets]uint64
}

// Stats is a snapshot of the store's counters and gauges.
type Stats struct {
	FirstIndex, LastIndex uint64
	Segments, Spares      int
	TailEntries           int
	TailBytes             int64
	TailHits, TailMisses  uint64 // GetLog answered from memory, from disk
	AppendCalls           uint64 // StoreLogs that succeeded
	AppendEntries         uint64
	AppendBytes           uint64 // bytes written to segments, frames included
	Fsyncs                uint64 // durable writes to segments and to the stable file
	FsyncLatency          Histogram
	Truncations           uint64 // conflict truncations
	Recycled              uint64 // files that began a new life
	Prewritten            uint64 // files made from nothing
	Growing               uint64 // segments begun without a spare: slower, never blocking
	DiskFullRefusals      uint64
	Poisoned              bool
	RecycleError          string // newest error of the background recycler, "" if none
}

type metrics struct {
	tailHits, tailMisses              atomic.Uint64
	appendCalls, appendEntries        atomic.Uint64
	appendBytes, fsyncs               atomic.Uint64
	truncations, recycled, prewritten atomic.Uint64
	growing, diskFull                 atomic.Uint64
	latencyCount, latencySum          atomic.Uint64
	latency                           [LatencyBuckets]atomic.Uint64
	recycleError                      atomic.Pointer[string]
	pendingSince                      atomic.Int64 // unix ns of the durable write under way, 0 none
}

func (m *metrics) observeSync(d time.Duration) {
	m.fsyncs.Add(1)
	m.latencyCount.Add(1)
	m.latencySum.Add(uint64(max(d, 0)))
	us := uint64(max(d, 0)) / 1000
	m.latency[min(bits.Len64(us), LatencyBuckets-1)].Add(1)
}

// Stats returns the counters. It does not block on a write under way.
func (s *Store) Stats() Stats {
	m := &s.metrics
	st := Stats{
		TailHits: m.tailHits.Load(), TailMisses: m.tailMisses.Load(),
		AppendCalls: m.appendCalls.Load(), AppendEntries: m.appendEntries.Load(),
		AppendBytes: m.appendBytes.Load(), Fsyncs: m.fsyncs.Load(),
		Truncations: m.truncations.Load(), Recycled: m.recycled.Load(),
		Prewritten: m.prewritten.Load(), Growing: m.growing.Load(),
		DiskFullRefusals: m.diskFull.Load(), Poisoned: s.poison.Load() != nil,
	}
	st.FsyncLatency.Count, st.FsyncLatency.SumNs = m.latencyCount.Load(), m.latencySum.Load()
	for i := range m.latency {
		st.FsyncLatency.Buckets[i] = m.latency[i].Load()
	}
	if e := m.recycleError.Load(); e != nil {
		st.RecycleError = *e
	}
	s.mu.RLock()
	st.FirstIndex, st.LastIndex = s.firstLocked(), s.last
	st.Segments, st.TailEntries, st.TailBytes = len(s.segs), s.tail.count, s.tail.bytes
	s.mu.RUnlock()
	s.rmu.Lock()
	st.Spares = len(s.spares)
	s.rmu.Unlock()
	return st
}

// PendingSync is how long the durable write under way has been waiting for the disk, 0 if none
// is. A node whose value grows to seconds must not go on as leader.
func (s *Store) PendingSync() time.Duration {
	since := s.metrics.pendingSince.Load()
	if since == 0 || s.opts.Now == nil {
		return 0
	}
	return max(time.Duration(s.opts.Now().UnixNano()-since), 0)
}

// timed runs a durable write and accounts for it. Callers hold wmu or the stable store's lock;
// when both write at once the older start is the one that PendingSync keeps.
func (s *Store) timed(write func() error) error {
	if s.opts.Now == nil {
		s.metrics.fsyncs.Add(1)
		return write()
	}
	start := s.opts.Now()
	owner := s.metrics.pendingSince.CompareAndSwap(0, start.UnixNano())
	err := write()
	if owner {
		s.metrics.pendingSince.Store(0)
	}
	s.metrics.observeSync(s.opts.Now().Sub(start))
	return err
}
