package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// TemporalJoinConfig describes a TemporalJoin: ports 0 (left) and 1 (right).
type TemporalJoinConfig struct {
	Kind                plan.JoinKind // Inner or Left
	Left, Right         []types.Type
	LeftKeys, RightKeys []expr.Expr
	Residual            expr.Expr // over left columns, then right columns; or nil
	// RightFirst says that an epoch's right rows are pushed before its left rows,
	// which then need not wait for the end of the epoch.
	RightFirst bool
}

// TemporalJoin looks left rows up in a table as it is in their epoch. What was
// given is not changed by later changes of the table, so that the output is
// append-only when the left side is, and left rows are not kept. Rows are given in
// the order of the left rows, those without a match in their places.
type TemporalJoin struct {
	ctx      *Context
	cfg      TemporalJoinConfig
	out      *builder
	leftKeys *expr.Program
	right    *joinSide
	keyer    *state.Keyer
	residual *expr.Program
	waiting  []*batch.Batch // left rows until the end of the epoch
	spare    []*batch.Batch
	refs     []state.Ref
	cand     batch.Batch // pairs for the residual
	of       []uint16    // position of each pair's left row
	left     *batch.Batch
	sel      []uint16
	selBuf   []uint16
	done     int  // left rows of the batch that were given in full
	matched  bool // the one after them has a match
}

// NewTemporalJoin makes a TemporalJoin.
func NewTemporalJoin(ctx *Context, cfg TemporalJoinConfig, out Sink) (*TemporalJoin, error) {
	ts := append(append([]types.Type(nil), cfg.Left...), cfg.Right...)
	t := &TemporalJoin{ctx: ctx, cfg: cfg, out: newBuilder(ts, out),
		keyer: state.NewKeyer(exprTypes(cfg.LeftKeys))}
	var err error
	if t.leftKeys, err = expr.Compile(cfg.LeftKeys); err != nil {
		return nil, err
	}
	if cfg.Residual != nil {
		if t.residual, err = expr.CompileFilter(cfg.Residual); err != nil {
			return nil, err
		}
		t.cand = *batch.New(ts, 64)
		t.selBuf = make([]uint16, batch.MaxRows)
	}
	t.right = &joinSide{n: 1, types: cfg.Right, time: -1, rows: &joinRows{
		Multi: state.NewMulti(ctx.Mem, cfg.Right, exprTypes(cfg.RightKeys), 0)}}
	t.right.keys, err = expr.Compile(cfg.RightKeys)
	return t, err
}

// Push implements Op.
func (t *TemporalJoin) Push(in int, b *batch.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	if in == 1 {
		return t.pushRight(b)
	}
	if t.cfg.RightFirst {
		return t.look(b)
	}
	t.wait(b)
	return nil
}

// wait keeps a copy of left rows until the table's changes are all there.
func (t *TemporalJoin) wait(b *batch.Batch) {
	var c *batch.Batch
	if n := len(t.spare); n > 0 {
		c = t.spare[n-1]
		t.spare = t.spare[:n-1]
		c.Reset()
	} else {
		c = batch.New(t.cfg.Left, b.Rows())
	}
	for _, r := range rowsOf(b) {
		c.AppendRow(b, int(r), b.Weight(int(r)))
	}
	t.waiting = append(t.waiting, c)
}

// pushRight changes the table.
func (t *TemporalJoin) pushRight(b *batch.Batch) error {
	s := t.right
	cols, err := s.keys.Eval(t.ctx.Env, b)
	if err != nil {
		return err
	}
	sel, _ := s.splitNulls(cols, rowsOf(b))
	if len(sel) == 0 {
		return nil
	}
	s.own, s.refs = grow(s.own, len(sel)), grow(s.refs, len(sel))
	s.rows.Keys.Probe(s.rows.Keyer.Keys(cols, sel), s.own, true)
	s.rows.Rows.Probe(s.rows.Whole.Keys(b.Cols, sel), s.refs, true)
	for k, r := range s.refs {
		s.add(s.rows, r, s.own[k], int64(b.Weight(int(sel[k]))))
	}
	s.rows.sweep()
	return nil
}

// look gives left rows with the table's rows.
func (t *TemporalJoin) look(b *batch.Batch) error {
	cols, err := t.leftKeys.Eval(t.ctx.Env, b)
	if err != nil {
		return err
	}
	t.left, t.sel, t.done, t.matched = b, rowsOf(b), 0, false
	m := t.right.rows
	t.refs = grow(t.refs, len(t.sel))
	m.Keys.Probe(t.keyer.Keys(cols, t.sel), t.refs, false)
	m.Heads(t.refs, t.refs)
	for i, x := range t.refs {
		for ; x != 0; x = m.Next(x) {
			if err := t.pairUp(i, x); err != nil {
				return err
			}
		}
	}
	if err := t.flushPairs(); err != nil {
		return err
	}
	if err := t.giveUpTo(len(t.sel)); err != nil {
		return err
	}
	return t.out.flush()
}

// pairUp handles the match of the i-th left row and a row of the table.
func (t *TemporalJoin) pairUp(i int, x state.Ref) error {
	r, m := int(t.sel[i]), t.right.rows
	w := int64(t.left.Weight(r)) * *m.Weight(x)
	if w == 0 {
		return nil
	}
	if w != int64(int32(w)) {
		return errWeight(w)
	}
	into := t.out.b
	if t.residual != nil {
		into = &t.cand
	} else if err := t.giveUpTo(i); err != nil {
		return err
	}
	nl := len(t.cfg.Left)
	for c, v := range t.left.Cols {
		into.Cols[c].AppendRow(v, r)
	}
	m.AppendRow(x, into.Cols[nl:])
	if t.residual == nil {
		t.matched = true
		return t.out.end(int32(w))
	}
	state.AppendWeight(&t.cand, int32(w))
	t.of = append(t.of, uint16(i))
	if t.cand.N == batch.MaxRows {
		return t.flushPairs()
	}
	return nil
}

// flushPairs gives the pairs for which the residual is true.
func (t *TemporalJoin) flushPairs() error {
	if t.cand.N == 0 {
		return nil
	}
	sel, err := t.residual.Filter(t.ctx.Env, &t.cand, t.selBuf)
	if err != nil {
		return err
	}
	for _, k := range sel {
		if err := t.giveUpTo(int(t.of[k])); err != nil {
			return err
		}
		t.matched = true
		if err := t.out.row(t.cand.Cols, int(k), t.cand.Weight(int(k))); err != nil {
			return err
		}
	}
	t.cand.Reset()
	t.of = t.of[:0]
	return nil
}

// giveUpTo ends the left rows before position i: in left joins those without a
// match are given.
func (t *TemporalJoin) giveUpTo(i int) error {
	for ; t.done < i; t.done++ {
		if t.matched {
			t.matched = false
			continue
		}
		if t.cfg.Kind != plan.Left {
			continue
		}
		nl, r := len(t.cfg.Left), int(t.sel[t.done])
		cols := t.out.cols()
		for c, v := range t.left.Cols {
			cols[c].AppendRow(v, r)
		}
		for _, v := range cols[nl:] {
			v.AppendNull()
		}
		if err := t.out.end(t.left.Weight(r)); err != nil {
			return err
		}
	}
	return nil
}

// EndEpoch implements Op.
func (t *TemporalJoin) EndEpoch(Epoch) error {
	for _, b := range t.waiting {
		if err := t.look(b); err != nil {
			return err
		}
	}
	t.spare = append(t.spare, t.waiting...)
	t.waiting = t.waiting[:0]
	return nil
}

// Save implements Op.
func (t *TemporalJoin) Save(w *state.Writer) error {
	return t.right.rows.Save(w, saveJoinLeft+1)
}

// Load implements Op.
func (t *TemporalJoin) Load(r *state.Reader) error {
	for r.Next() {
		if err := t.right.rows.LoadRecord(r); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return t.right.rows.Relink(func(b *batch.Batch) ([]*batch.Vector, error) {
		return t.right.keys.Eval(t.ctx.Env, b)
	}, false)
}

// Memory implements Op.
func (t *TemporalJoin) Memory() Usage {
	return Usage{Bytes: t.right.rows.Bytes(), Rows: int64(t.right.rows.Len())}
}

// Close implements Op.
func (t *TemporalJoin) Close() {
	t.right.rows.Close()
}
