package transport

import "sync/atomic"

type metrics struct {
	dials, dialFailures, timeouts       atomic.Uint64
	framesIn, framesOut                 atomic.Uint64
	bytesIn, bytesOut                   atomic.Uint64
	fastAcks, slowHeartbeats, withheld  atomic.Uint64
	badFrames, refused, calls, callsOut atomic.Uint64
}

// Stats is a snapshot of the transport's counters.
type Stats struct {
	Dials, DialFailures uint64
	Timeouts            uint64 // requests without an answer in time
	FramesIn, FramesOut uint64
	BytesIn, BytesOut   uint64
	FastAcks            uint64 // heartbeats acknowledged beside Raft's main loop
	SlowHeartbeats      uint64 // heartbeats that the main loop had to answer
	Withheld            uint64 // messages neither sent nor acknowledged because of a stalled disk
	BadFrames           uint64 // connections closed over malformed bytes
	Refused             uint64 // connections refused: too many, or another cluster's
	Calls, CallsOut     uint64 // calls served, calls made
	Inbound             int    // accepted connections
}

// Stats returns the counters.
func (m *Mux) Stats() Stats {
	c := &m.metrics
	s := Stats{
		Dials: c.dials.Load(), DialFailures: c.dialFailures.Load(), Timeouts: c.timeouts.Load(),
		FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		FastAcks: c.fastAcks.Load(), SlowHeartbeats: c.slowHeartbeats.Load(),
		Withheld: c.withheld.Load(), BadFrames: c.badFrames.Load(), Refused: c.refused.Load(),
		Calls: c.calls.Load(), CallsOut: c.callsOut.Load(),
	}
	m.mu.Lock()
	s.Inbound = len(m.inbound)
	m.mu.Unlock()
	return s
}
