package exec

import "math"

// idleMicros is how long a partition may bring no rows before the watermark no
// longer waits for it: long enough for a writer between two batches, short enough
// that a dead one does not stop all windows.
const idleMicros = 5_000_000

// watermark follows the event time of a stream's partitions. It moves at the
// ends of epochs only, by the data and the epochs' clocks.
type watermark struct {
	// Grace is the declared lateness, microseconds; < 0: not declared, and then no
	// row is late.
	Grace int64
	Parts []partTime
	// Value is the watermark after the last epoch; math.MinInt64: none yet.
	Value int64
	// Born is the clock of the first epoch.
	Born int64
}

// partTime is what the watermark knows of one partition.
type partTime struct {
	Max  int64 // greatest rowtime; math.MinInt64: no rows yet
	Seen int64 // clock of the last epoch with rows
}

func newWatermark(parts int, grace int64) *watermark {
	w := &watermark{Grace: grace, Value: math.MinInt64, Parts: make([]partTime, parts)}
	for i := range w.Parts {
		w.Parts[i].Max = math.MinInt64
	}
	return w
}

// observe takes a block's greatest rowtime.
func (w *watermark) observe(part uint32, maxTime, clock int64) {
	p := &w.Parts[part]
	p.Max = max(p.Max, maxTime)
	p.Seen = clock
}

// endEpoch moves the watermark and tells whether it moved.
func (w *watermark) endEpoch(clock int64) bool {
	if w.Born == 0 {
		w.Born = clock
	}
	low, newest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, p := range w.Parts {
		if p.Max == math.MinInt64 {
			continue
		}
		newest = max(newest, p.Max)
		if clock-p.Seen < idleMicros {
			low = min(low, p.Max)
		}
	}
	if newest == math.MinInt64 {
		return false
	}
	if low == math.MaxInt64 {
		low = newest // all are idle
	}
	v := low - max(w.Grace, 0)
	if v <= w.Value {
		return false
	}
	w.Value = v
	return true
}

// waiting tells whether time alone would move the watermark: some partition is
// behind the newest and not idle yet.
func (w *watermark) waiting() bool {
	newest := int64(math.MinInt64)
	for _, p := range w.Parts {
		newest = max(newest, p.Max)
	}
	return newest != math.MinInt64 && newest-max(w.Grace, 0) > w.Value
}

// idle tells whether no partition brought rows for so long that others need not
// wait for them.
func (w *watermark) idle(clock int64) bool {
	seen := w.Born
	for _, p := range w.Parts {
		seen = max(seen, p.Seen)
	}
	return clock-seen >= idleMicros
}

// progress is how far event time has come in several sources.
type progress struct {
	last  int64 // no source brings earlier rows; idle ones are not waited for
	front int64 // of the source that is furthest ahead
}

// noProgress is that of sources without rows.
var noProgress = progress{noWatermark, noWatermark}

// progress gives the event time of the graph's sources in an epoch. Sources
// without rows yet hold it back until they are idle.
func (g *graph) progress(clock int64) progress {
	p := progress{math.MaxInt64, noWatermark}
	for _, s := range g.scans {
		if !s.timed {
			continue
		}
		p.front = max(p.front, s.live.wm.Value)
		if !s.live.wm.idle(clock) {
			p.last = min(p.last, s.live.wm.Value)
		}
	}
	if p.last == math.MaxInt64 {
		p.last = p.front // all are idle
	}
	return p
}

// lagging tells whether time alone would move it: some source is behind another one
// and not idle yet.
func (p progress) lagging() bool { return p.last < p.front }
