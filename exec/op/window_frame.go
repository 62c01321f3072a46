package op

import (
	"math"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// bindFrame evaluates the offsets of a frame, and adds the expressions of the
// bounds of RANGE frames to the program.
func (c *windowCall) bindFrame(env *expr.Env, order []expr.Order, exprs []expr.Expr) (
	[]expr.Expr, error) {
	f := c.Frame
	c.lo, c.hi = frameBound{kind: f.Lo.Kind, col: -1}, frameBound{kind: f.Hi.Kind, col: -1}
	for i, b := range []*frameBound{&c.lo, &c.hi} {
		bound, which := f.Lo, "starting"
		if i == 1 {
			bound, which = f.Hi, "ending"
		}
		if b.kind != expr.OffsetPreceding && b.kind != expr.OffsetFollowing {
			continue
		}
		d, err := expr.EvalConst(bound.Offset, env)
		if err != nil {
			return nil, err
		}
		if d.Null {
			return nil, sqlerr.New(sqlerr.NullValueNotAllowed,
				"frame %s offset must not be null", which)
		}
		b.offset, b.offT, b.n = d, bound.Offset.Type(), d.I
		if f.Unit != expr.FrameRange {
			if d.I < 0 {
				return nil, errFrameOffset("frame %s offset must not be negative", which)
			}
			continue
		}
		if negative(b.offT, d) {
			return nil, errFrameOffset("invalid preceding or following size in window function")
		}
		if exprs, err = c.bindRange(b, order[0], exprs); err != nil {
			return nil, err
		}
	}
	return exprs, nil
}

func errFrameOffset(format string, args ...any) error {
	return sqlerr.New(sqlerr.InvalidPrecedingOrFollowingSize, format, args...)
}

// negative tells whether an offset is less than zero.
func negative(t types.Type, d types.Datum) bool {
	switch t.Kind {
	case types.Numeric:
		return d.Decimal().Sign() < 0
	case types.Interval:
		return d.Interval().Sign() < 0
	}
	return d.I < 0 || d.F < 0
}

// bindRange adds key and, for types whose arithmetic is not simple, key plus or
// minus the offset to the program.
func (c *windowCall) bindRange(b *frameBound, o expr.Order, exprs []expr.Expr) ([]expr.Expr,
	error) {
	if o.X.Type().Kind == types.Date {
		// date plus interval is a timestamp: compare as such.
		o.X = &expr.Cast{X: o.X, T: types.Of(types.Timestamp), Pos: -1}
	}
	if c.key < 0 {
		c.key, c.keyDesc, c.keyType = len(exprs), o.Desc, o.X.Type()
		exprs = append(exprs, o.X)
	}
	b.plus = (b.kind == expr.OffsetFollowing) != o.Desc
	if simpleRange(c.keyType, b.offT) {
		return exprs, nil
	}
	sign := "-"
	if b.plus {
		sign = "+"
	}
	offset := &expr.Const{D: b.offset, T: b.offT}
	x, err := expr.ApplyOperator(sign, []expr.Expr{o.X, offset}, nil, -1)
	if err != nil {
		return nil, err
	}
	b.col = len(exprs)
	return append(exprs, x), nil
}

// simpleRange tells whether bounds are computed here, without overflow.
func simpleRange(key, offset types.Type) bool {
	switch key.Kind {
	case types.Int2, types.Int4, types.Int8:
		return offset.Phys() == types.PhysInt64
	case types.Float4, types.Float8:
		return offset.Phys() == types.PhysFloat64
	}
	return false
}

// rangeBound gives the value that rows of the frame reach up to.
func (p *windowPart) rangeBound(c *windowCall, b *frameBound, key types.Datum, i int) types.Datum {
	switch {
	case b.col >= 0:
		return p.datum(b.col, i)
	case c.keyType.Phys() == types.PhysFloat64:
		if b.plus {
			return types.FloatDatum(key.F + b.offset.F)
		}
		return types.FloatDatum(key.F - b.offset.F)
	case b.plus:
		return types.IntDatum(addSat(key.I, b.offset.I))
	}
	if d := key.I - b.offset.I; d <= key.I {
		return types.IntDatum(d)
	}
	return types.IntDatum(math.MinInt64)
}

// frame gives the rows [lo, hi) of the frame of row i, the exclusion aside. from
// is the frame of the row before, from which RANGE bounds go on.
func (p *windowPart) frame(c *windowCall, i int, from [2]int) (lo, hi int) {
	lo, hi = p.edge(c, &c.lo, i, from[0], false), p.edge(c, &c.hi, i, from[1], true)
	lo, hi = min(max(lo, 0), p.n), min(max(hi, 0), p.n)
	return lo, max(lo, hi)
}

// edge gives one end of a frame: the first row in it, or with end the one behind
// the last.
func (p *windowPart) edge(c *windowCall, b *frameBound, i, from int, end bool) int {
	switch b.kind {
	case expr.UnboundedPreceding:
		return 0
	case expr.UnboundedFollowing:
		return p.n
	}
	n := int(min(b.n, int64(p.n)))
	switch b.kind {
	case expr.CurrentRow:
		n = 0
	case expr.OffsetPreceding:
		n = -n
	}
	switch {
	case c.Frame.Unit == expr.FrameRows && end:
		return i + n + 1
	case c.Frame.Unit == expr.FrameRows:
		return i + n
	case c.Frame.Unit == expr.FrameRange && b.kind != expr.CurrentRow:
		return p.rangeEdge(c, b, i, from, end)
	}
	g := p.group[i] + n
	if end {
		g++
	}
	return p.first[min(max(g, 0), len(p.first)-1)]
}

// rangeEdge moves an end of a RANGE frame on to where the bound of row i is.
func (p *windowPart) rangeEdge(c *windowCall, b *frameBound, i, from int, end bool) int {
	key := p.datum(c.key, i)
	if key.Null {
		if end {
			return p.peerHi[i]
		}
		return p.peerLo[i]
	}
	bound := p.rangeBound(c, b, key, i)
	nullsFirst := p.datum(c.key, 0).Null
	for ; from < p.n; from++ {
		k := p.datum(c.key, from)
		if k.Null {
			if !nullsFirst {
				break
			}
			continue
		}
		d := types.Compare(c.keyType, k, bound)
		if c.keyDesc {
			d = -d
		}
		if d > 0 || d == 0 && !end {
			break
		}
	}
	return from
}
