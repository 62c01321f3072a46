package op

import "github.com/millracedb/millrace/planner/plan"

// slicing cuts time into slices so that each time window is some slices in a row.
type slicing struct {
	kind        plan.WindowKind
	size, slide int64
	offset      int64
	unit        int64 // length of a slice: the greatest common divisor of size and slide
	fromZero    bool
}

// span is one window, in microseconds.
type span struct{ start, end int64 }

func newSlicing(w *plan.WindowAssign) slicing {
	c := slicing{kind: w.Kind, size: w.Size, slide: w.Slide, offset: w.Offset, unit: w.Size,
		fromZero: w.FromZero}
	if w.Kind == plan.Tumble {
		c.slide = w.Size
	}
	for b := c.slide; b != 0; {
		c.unit, b = b, c.unit%b
	}
	return c
}

// slice gives the start of the slice that a time is in.
func (c *slicing) slice(t int64) int64 { return floorTo(t-c.offset, c.unit) + c.offset }

// first gives the first window that has a slice; ok is false when none has it.
func (c *slicing) first(slice int64) (w span, ok bool) {
	if c.kind == plan.Cumulate {
		base := floorTo(slice-c.offset, c.size) + c.offset
		return span{base, slice + c.unit}, true
	}
	last := floorTo(slice-c.offset, c.slide) + c.offset
	more := last + c.size - c.unit - slice // how much the last window could begin earlier
	start := last - floorTo(more, c.slide)
	if c.fromZero && start < 0 {
		start += floorTo(c.slide-1-start, c.slide)
	}
	return span{start, start + c.size}, more >= 0 && start <= last
}

// last gives the end of the last window that has a slice.
func (c *slicing) last(slice int64) int64 {
	if c.kind == plan.Cumulate {
		return floorTo(slice-c.offset, c.size) + c.offset + c.size
	}
	return floorTo(slice-c.offset, c.slide) + c.offset + c.size
}

// next gives the window after another one, by their ends.
func (c *slicing) next(w span) span {
	switch {
	case c.kind != plan.Cumulate:
		return span{w.start + c.slide, w.end + c.slide}
	case w.end < w.start+c.size:
		return span{w.start, w.end + c.slide}
	}
	return span{w.end, w.end + c.slide}
}
