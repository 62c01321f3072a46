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
	// FromZero leaves out windows that begin before 1970.
	FromZero bool
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
		if s+a.cfg.Size <= t || s < 0 && a.cfg.FromZero {
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
