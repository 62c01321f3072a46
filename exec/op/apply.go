package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// ApplyConfig describes an Apply.
type ApplyConfig struct {
	Kind        plan.JoinKind
	Left, Right []types.Type
	On          expr.Expr // over left columns, then right columns; or nil
	// Run gives the rows of the right side for a row of the left, which it sees
	// as the innermost outer row. The batches are not changed, and may be kept.
	Run func(outer expr.OuterRow) ([]*batch.Batch, error)
	// Uses are the left columns that the right side depends on: its rows are kept
	// per value of them. nil: run anew for each row.
	Uses []int
}

// applyCache bounds the rows that an Apply keeps for reuse.
const applyCache = 1 << 16

// Apply runs the right side for each row of the left. Bounded executions only.
type Apply struct {
	stateless
	ctx   *Context
	cfg   ApplyConfig
	out   *builder
	on    *expr.Program
	keyer *state.Layout
	uses  []*batch.Vector
	key   state.Rows
	cache map[string][]*batch.Batch
	kept  int
	pairs *batch.Batch
	sel   []uint16
}

// NewApply makes an Apply.
func NewApply(ctx *Context, cfg ApplyConfig, out Sink) (*Apply, error) {
	a := &Apply{ctx: ctx, cfg: cfg, cache: map[string][]*batch.Batch{}}
	both := append(append([]types.Type(nil), cfg.Left...), cfg.Right...)
	ts := both
	switch cfg.Kind {
	case plan.Semi, plan.Anti, plan.AntiNull:
		ts = cfg.Left
	case plan.Mark:
		ts = append(append([]types.Type(nil), cfg.Left...), boolType)
	}
	a.out = newBuilder(ts, out)
	a.pairs = batch.New(both, 64)
	a.sel = make([]uint16, batch.MaxRows)
	if cfg.Uses != nil {
		var ut []types.Type
		for _, c := range cfg.Uses {
			ut = append(ut, cfg.Left[c])
		}
		a.keyer = state.NewLayout(ut)
		a.uses = make([]*batch.Vector, len(cfg.Uses))
	}
	if cfg.On == nil {
		return a, nil
	}
	var err error
	a.on, err = expr.CompileFilter(cfg.On)
	return a, err
}

// Push implements Op; the right side has no port.
func (a *Apply) Push(_ int, b *batch.Batch) error {
	for _, r := range rowsOf(b) {
		right, err := a.right(b, r)
		if err != nil {
			return err
		}
		n := int64(0)
		for _, rb := range right {
			m, err := a.pair(b, int(r), rb)
			if err != nil {
				return err
			}
			n += m
		}
		if err := a.alone(b, int(r), n); err != nil {
			return err
		}
	}
	return a.out.flush()
}

// right gives the right side's rows for a left row.
func (a *Apply) right(b *batch.Batch, r uint16) ([]*batch.Batch, error) {
	outer := expr.OuterRow{Batch: b, Row: int(r)}
	if a.keyer == nil {
		return a.cfg.Run(outer)
	}
	for i, c := range a.cfg.Uses {
		a.uses[i] = b.Cols[c]
	}
	a.keyer.Encode(a.uses, []uint16{r}, &a.key)
	if rows, ok := a.cache[string(a.key.Row(0))]; ok {
		return rows, nil
	}
	key := string(a.key.Row(0))
	rows, err := a.cfg.Run(outer)
	if err != nil {
		return nil, err
	}
	if a.kept > applyCache {
		clear(a.cache)
		a.kept = 0
	}
	a.kept++
	for _, x := range rows {
		a.kept += x.N
	}
	a.cache[key] = rows
	return rows, nil
}

// pair joins a left row with a batch of the right side, and gives the number of
// matches.
func (a *Apply) pair(b *batch.Batch, r int, right *batch.Batch) (int64, error) {
	a.pairs.Reset()
	nl := len(a.cfg.Left)
	for _, x := range rowsOf(right) {
		for c, v := range b.Cols[:nl] {
			a.pairs.Cols[c].AppendRow(v, r)
		}
		for c, v := range right.Cols[:len(a.cfg.Right)] {
			a.pairs.Cols[nl+c].AppendRow(v, int(x))
		}
		state.AppendWeight(a.pairs, b.Weight(r)*right.Weight(int(x)))
	}
	sel := rowsOf(a.pairs)
	if a.on != nil && a.pairs.N > 0 {
		var err error
		if sel, err = a.on.Filter(a.ctx.Env, a.pairs, a.sel); err != nil {
			return 0, err
		}
	}
	if a.cfg.Kind != plan.Inner && a.cfg.Kind != plan.Left {
		return int64(len(sel)), nil
	}
	for _, k := range sel {
		if err := a.out.row(a.pairs.Cols, int(k), a.pairs.Weight(int(k))); err != nil {
			return 0, err
		}
	}
	return int64(len(sel)), nil
}

// alone gives what a left row with n matches gives beside pairs.
func (a *Apply) alone(b *batch.Batch, r int, n int64) error {
	switch a.cfg.Kind {
	case plan.Inner:
		return nil
	case plan.Left, plan.Anti, plan.AntiNull:
		if n > 0 {
			return nil
		}
	case plan.Semi:
		if n == 0 {
			return nil
		}
	}
	cols := a.out.cols()
	nl := len(a.cfg.Left)
	for c, v := range cols[:nl] {
		v.AppendRow(b.Cols[c], r)
	}
	for _, v := range cols[nl:] {
		if a.cfg.Kind == plan.Mark {
			v.AppendBool(n > 0)
		} else {
			v.AppendNull()
		}
	}
	return a.out.end(b.Weight(r))
}

// EndEpoch implements Op.
func (a *Apply) EndEpoch(Epoch) error { return nil }
