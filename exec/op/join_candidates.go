package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// pair is a pushed row and a kept row of the other side that may belong together.
type pair struct {
	own, other   state.Ref
	mine, theirs *joinRows
	w            int64 // weight that was pushed
	fresh        bool  // own was not there before: all partners count for it now
	unknown      bool  // some key is NULL: at best neither yes nor no
}

// candidates collects pairs, so that the residual condition is evaluated over
// batches of them.
type candidates struct {
	b     batch.Batch
	left  []*batch.Vector
	right []*batch.Vector
	need  [2][]int // columns of each side that conditions refer to; only they are filled
	pairs []pair
	sel   []uint16
	keep  []uint16
}

func (c *candidates) init(cfg JoinConfig) {
	ts := append(append([]types.Type(nil), cfg.Left...), cfg.Right...)
	c.b = *batch.New(ts, 64)
	c.left, c.right = c.b.Cols[:len(cfg.Left)], c.b.Cols[len(cfg.Left):]
	c.sel = make([]uint16, batch.MaxRows)
	set := map[int]bool{}
	if cfg.Residual != nil {
		expr.Columns(cfg.Residual, set)
	}
	nl := len(cfg.Left)
	if (cfg.Kind == plan.AntiNull || cfg.Kind == plan.Mark) && len(cfg.LeftKeys) > 1 {
		right := map[int]bool{}
		for i, k := range cfg.LeftKeys {
			expr.Columns(k, set)
			expr.Columns(cfg.RightKeys[i], right)
		}
		for k := range cfg.Right {
			set[nl+k] = set[nl+k] || right[k]
		}
	}
	for k := range ts {
		switch {
		case set[k] && k < nl:
			c.need[0] = append(c.need[0], k)
		case set[k]:
			c.need[1] = append(c.need[1], k-nl)
		}
	}
}

// candidate adds a pair of row i of the batch.
func (j *Join) candidate(s, o *joinSide, b *batch.Batch, i int, p pair) error {
	if s.time >= 0 && !j.inTime(s, o, b, i, p) {
		return nil
	}
	c := &j.cand
	mine, theirs := c.left, c.right
	if s.n == 1 {
		mine, theirs = theirs, mine
	}
	for _, k := range c.need[s.n] {
		mine[k].AppendRow(b.Cols[k], i)
	}
	if need := c.need[o.n]; len(need) > 0 {
		row, layout := p.theirs.Row(p.other), p.theirs.Whole.Layout()
		for _, k := range need {
			layout.AppendTo(row, k, theirs[k])
		}
	}
	c.pairs = append(c.pairs, p)
	c.b.N++
	if c.b.N == batch.MaxRows || c.b.N&63 == 0 && batchBytes(&c.b) > batch.MaxBytes {
		return j.flushCandidates(s, o)
	}
	return nil
}

// inTime tells whether the times of a pair are near enough.
func (j *Join) inTime(s, o *joinSide, b *batch.Batch, i int, p pair) bool {
	v := b.Cols[s.time]
	mine := v.I64[v.Row(i)]
	other := p.theirs.Whole.Layout().Int(p.theirs.Row(p.other), o.time)
	if s.n == 1 {
		mine, other = other, mine
	}
	d := mine - other
	return d >= -j.cfg.Within.After && d <= j.cfg.Within.Before
}

// flushCandidates gives the pairs that belong together and counts them.
func (j *Join) flushCandidates(s, o *joinSide) error {
	c := &j.cand
	if c.b.N == 0 {
		return nil
	}
	sel := identity[:c.b.N]
	var err error
	if j.residual != nil {
		if sel, err = j.residual.Filter(j.ctx.Env, &c.b, c.sel); err != nil {
			return err
		}
	}
	if j.unknown && len(j.cfg.LeftKeys) > 1 {
		if sel, err = j.dropDifferent(sel); err != nil {
			return err
		}
	}
	for _, k := range sel {
		p := &c.pairs[k]
		j.count(s, o, p)
		w := p.w * *p.theirs.Weight(p.other)
		if !j.pairs || w == 0 {
			continue
		}
		if w != int64(int32(w)) {
			return errWeight(w)
		}
		mine, theirs := j.outSides(s)
		p.mine.AppendRow(p.own, mine)
		p.theirs.AppendRow(p.other, theirs)
		if err := j.out.end(int32(w)); err != nil {
			return err
		}
	}
	c.b.Reset()
	c.pairs = c.pairs[:0]
	return nil
}

// count adds a pair to the partners of its rows.
func (j *Join) count(s, o *joinSide, p *pair) {
	word := joinPartners
	if p.unknown {
		word = joinUnknown
	}
	if s.counts && p.fresh {
		*p.mine.User(p.own, word) += *p.theirs.Weight(p.other)
		p.mine.touch(p.own)
	}
	if o.counts {
		*p.theirs.User(p.other, word) += p.w
		p.theirs.touch(p.other)
	}
}

// dropDifferent removes pairs with a NULL in some key whose other keys differ:
// they do not match for certain.
func (j *Join) dropDifferent(sel []uint16) ([]uint16, error) {
	c := &j.cand
	lb := batch.Batch{Cols: c.left, N: c.b.N, Sel: sel}
	rb := batch.Batch{Cols: c.right, N: c.b.N, Sel: sel}
	if len(sel) == 0 {
		return sel, nil
	}
	lk, err := j.side[0].again.Eval(j.ctx.Env, &lb)
	if err != nil {
		return nil, err
	}
	rk, err := j.side[1].again.Eval(j.ctx.Env, &rb)
	if err != nil {
		return nil, err
	}
	c.keep = c.keep[:0]
	for _, r := range sel {
		if !c.pairs[r].unknown || maybeEqual(lk, rk, int(r)) {
			c.keep = append(c.keep, r)
		}
	}
	return c.keep, nil
}

// maybeEqual tells whether no pair of keys differs for certain.
func maybeEqual(lk, rk []*batch.Vector, r int) bool {
	for i, v := range lk {
		if v.IsNull(r) || rk[i].IsNull(r) {
			continue
		}
		if !types.Equal(v.Type, v.Datum(r), rk[i].Datum(r)) {
			return false
		}
	}
	return true
}

// pushNulls adds rows with a NULL key: they match nothing.
func (j *Join) pushNulls(s, o *joinSide, b *batch.Batch, sel []uint16) error {
	if !j.unknown {
		return j.emitAlone(s, b, sel)
	}
	n := len(sel)
	s.refs = grow(s.refs, n)
	refs := s.refs
	s.nulls.Rows.Probe(s.nulls.Whole.Keys(b.Cols, sel), refs, true)
	for k, r := range refs {
		w := int64(b.Weight(int(sel[k])))
		fresh := s.add(s.nulls, r, 0, w)
		for _, theirs := range []*joinRows{o.rows, o.nulls} {
			for _, x := range theirs.InOrder() {
				p := pair{own: r, other: x, mine: s.nulls, theirs: theirs, w: w, fresh: fresh,
					unknown: true}
				if err := j.candidate(s, o, b, int(sel[k]), p); err != nil {
					return err
				}
			}
		}
	}
	err := j.flushCandidates(s, o)
	s.nulls.sweep()
	return err
}

// meetNulls pairs pushed rows with the other side's rows with a NULL key.
func (j *Join) meetNulls(s, o *joinSide, b *batch.Batch, sel []uint16, refs []state.Ref) error {
	if o.nulls.Len() == 0 {
		return nil
	}
	others := o.nulls.InOrder()
	for k, r := range refs {
		w := int64(b.Weight(int(sel[k])))
		for _, x := range others {
			p := pair{own: r, other: x, mine: s.rows, theirs: o.nulls, w: w,
				fresh: s.fresh[k], unknown: true}
			if err := j.candidate(s, o, b, int(sel[k]), p); err != nil {
				return err
			}
		}
	}
	return nil
}

// emitAlone gives rows that cannot have a partner, where the kind shows such.
func (j *Join) emitAlone(s *joinSide, b *batch.Batch, sel []uint16) error {
	if !s.outer && !(j.cfg.Kind == plan.Anti && s.n == 0) {
		return nil
	}
	for _, r := range sel {
		if err := j.emitPadded(s, b.Cols, int(r), int64(b.Weight(int(r)))); err != nil {
			return err
		}
	}
	return j.out.flush()
}

// emitPadded gives row i of some columns with NULLs for the other side.
func (j *Join) emitPadded(s *joinSide, from []*batch.Vector, i int, w int64) error {
	mine, theirs := j.outSides(s)
	for c, v := range mine {
		v.AppendRow(from[c], i)
	}
	for _, v := range theirs {
		v.AppendNull()
	}
	return j.out.endWide(w)
}

// outSides gives the output columns of a side and those of the other one.
func (j *Join) outSides(s *joinSide) (mine, theirs []*batch.Vector) {
	cols := j.out.cols()
	nl := len(j.cfg.Left)
	if s.n == 1 {
		return cols[nl:], cols[:nl]
	}
	return cols[:nl], cols[nl:]
}
