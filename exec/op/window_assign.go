package op

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// WindowConfig describes a WindowAssign. Times are microseconds; the window
// bounds have the type of the time column.
type WindowConfig struct {
	Kind   plan.WindowKind // Tumble, Hop or Cumulate
	Time   int
	Size   int64
	Slide  int64
	Offset int64
	Input  []types.Type
	// byWindow gives a batch's first windows of all rows, then the second ones and
	// so on, without copying the rows; else the windows of a row come together.
	byWindow bool
}

// WindowAssign adds the bounds of the time windows that a row is in, with a row
// for each window. Rows without a time are in none.
type WindowAssign struct {
	stateless
	cfg        WindowConfig
	out        Sink
	b          batch.Batch
	sel        []uint16
	start, end *batch.Vector
	wide       *builder // for windows that overlap
}

// NewWindowAssign makes a WindowAssign.
func NewWindowAssign(cfg WindowConfig, out Sink) *WindowAssign {
	t := cfg.Input[cfg.Time]
	ts := append(append([]types.Type(nil), cfg.Input...), t, t)
	return &WindowAssign{cfg: cfg, out: out, start: batch.NewVector(t, 64),
		end: batch.NewVector(t, 64), wide: newBuilder(ts, out)}
}

// Push implements Op.
func (a *WindowAssign) Push(_ int, b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	if a.cfg.Kind == plan.Tumble {
		return a.tumble(b, sel)
	}
	if a.cfg.byWindow {
		return a.pushByWindow(b, sel)
	}
	t := b.Cols[a.cfg.Time]
	for _, r := range sel {
		if t.IsNull(int(r)) {
			continue
		}
		if err := a.expand(b, int(r), t.I64[t.Row(int(r))]); err != nil {
			return err
		}
	}
	return a.wide.flush()
}

// tumble adds two columns and copies nothing.
func (a *WindowAssign) tumble(b *batch.Batch, sel []uint16) error {
	t := b.Cols[a.cfg.Time]
	a.start.I64, a.end.I64 = grow(a.start.I64, b.N), grow(a.end.I64, b.N)
	if t.Valid != nil {
		a.sel = grow(a.sel, len(sel))
		n := 0
		for _, r := range sel {
			if !t.IsNull(int(r)) {
				a.sel[n] = r
				n++
			}
		}
		sel = a.sel[:n]
	}
	if len(sel) == 0 {
		return nil
	}
	for _, r := range sel {
		s := floorTo(t.I64[t.Row(int(r))]-a.cfg.Offset, a.cfg.Size) + a.cfg.Offset
		a.start.I64[r], a.end.I64[r] = s, s+a.cfg.Size
	}
	cols := append(append(a.b.Cols[:0], b.Cols...), a.start, a.end)
	a.b = batch.Batch{Cols: cols, N: b.N, Sel: sel, W: b.W}
	if b.Sel == nil && len(sel) == b.N {
		a.b.Sel = nil
	}
	return a.out.Push(&a.b)
}

// pushByWindow gives the rows once per window that some of them may be in.
func (a *WindowAssign) pushByWindow(b *batch.Batch, sel []uint16) error {
	t := b.Cols[a.cfg.Time]
	a.start.I64, a.end.I64 = grow(a.start.I64, b.N), grow(a.end.I64, b.N)
	a.sel = grow(a.sel, len(sel))
	cols := append(append(a.b.Cols[:0], b.Cols...), a.start, a.end)
	for k := (a.cfg.Size + a.cfg.Slide - 1) / a.cfg.Slide; k > 0; k-- {
		n := 0
		for _, r := range sel {
			if t.IsNull(int(r)) {
				continue
			}
			var ok bool
			a.start.I64[r], a.end.I64[r], ok = a.window(t.I64[t.Row(int(r))], k-1)
			a.sel[n] = r
			if ok {
				n++
			}
		}
		if n == 0 {
			continue
		}
		a.b = batch.Batch{Cols: cols, N: b.N, Sel: a.sel[:n], W: b.W}
		if err := a.out.Push(&a.b); err != nil {
			return err
		}
	}
	return nil
}

// window gives the k-th window before the last one that a time is in; ok is
// false when the time is in fewer.
func (a *WindowAssign) window(t, k int64) (start, end int64, ok bool) {
	if a.cfg.Kind == plan.Cumulate {
		start = floorTo(t-a.cfg.Offset, a.cfg.Size) + a.cfg.Offset
		end = start + a.cfg.Size - k*a.cfg.Slide
		if rest := a.cfg.Size % a.cfg.Slide; k > 0 && rest != 0 {
			end += a.cfg.Slide - rest
		}
		return start, end, t < end
	}
	start = floorTo(t-a.cfg.Offset, a.cfg.Slide) + a.cfg.Offset - k*a.cfg.Slide
	return start, start + a.cfg.Size, t < start+a.cfg.Size
}

// expand gives a row once per window, earliest first.
func (a *WindowAssign) expand(b *batch.Batch, r int, t int64) error {
	if a.cfg.Kind == plan.Cumulate {
		base := floorTo(t-a.cfg.Offset, a.cfg.Size) + a.cfg.Offset
		end := floorTo(t-base, a.cfg.Slide) + a.cfg.Slide + base
		for last := base + a.cfg.Size; end < last+a.cfg.Slide; end += a.cfg.Slide {
			if err := a.add(b, r, base, min(end, last)); err != nil {
				return err
			}
		}
		return nil
	}
	last := floorTo(t-a.cfg.Offset, a.cfg.Slide) + a.cfg.Offset
	first := last - floorTo(a.cfg.Size-1, a.cfg.Slide)
	for s := first; s <= last; s += a.cfg.Slide {
		if s+a.cfg.Size <= t {
			continue
		}
		if err := a.add(b, r, s, s+a.cfg.Size); err != nil {
			return err
		}
	}
	return nil
}

func (a *WindowAssign) add(b *batch.Batch, r int, start, end int64) error {
	cols := a.wide.cols()
	n := len(b.Cols)
	for c, v := range b.Cols {
		cols[c].AppendRow(v, r)
	}
	cols[n].AppendInt(start)
	cols[n+1].AppendInt(end)
	return a.wide.end(b.Weight(r))
}

// EndEpoch implements Op.
func (a *WindowAssign) EndEpoch(Epoch) error { return nil }

// floorTo rounds t down to a multiple of step.
func floorTo(t, step int64) int64 {
	m := t % step
	if m < 0 {
		m += step
	}
	return t - m
}

// sliced is an aggregate that assigns its windows itself.
type sliced struct {
	*Aggregate
	assign *WindowAssign
}

func newSliced(ctx *Context, cfg AggregateConfig, a *Aggregate) (Op, error) {
	s := cfg.Window.Slice
	w := NewWindowAssign(WindowConfig{Kind: s.Kind, Time: s.Time, Size: s.Size,
		Slide: s.Slide, Offset: s.Offset, Input: cfg.Input, byWindow: true},
		SinkFunc(func(b *batch.Batch) error { return a.Push(0, b) }))
	return &sliced{a, w}, nil
}

// Push implements Op.
func (s *sliced) Push(in int, b *batch.Batch) error { return s.assign.Push(in, b) }
