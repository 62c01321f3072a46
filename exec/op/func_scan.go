package op

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// FuncScanConfig describes a FuncScan.
type FuncScanConfig struct {
	// Input are the columns of the input, nil without one: then the functions are
	// called once, at the end of the first epoch.
	Input []types.Type
	Calls []plan.FuncCall
	// Types are the output columns: the input's, the functions', the ordinality.
	Types      []types.Type
	Ordinality bool
	Left       bool
}

// FuncScan calls set-returning functions, side by side: the shorter ones are
// padded with NULLs.
type FuncScan struct {
	input *batch.Batch // being worked on
	once
	ctx   *Context
	cfg   FuncScanConfig
	out   *builder
	prog  *expr.Program
	first []int // program column of each call's first argument
	rows  [][][]types.Datum
}

// NewFuncScan makes a FuncScan.
func NewFuncScan(ctx *Context, cfg FuncScanConfig, out Sink) (*FuncScan, error) {
	f := &FuncScan{ctx: ctx, cfg: cfg, out: newBuilder(cfg.Types, out),
		rows: make([][][]types.Datum, len(cfg.Calls))}
	var exprs []expr.Expr
	for _, c := range cfg.Calls {
		f.first = append(f.first, len(exprs))
		if c.Fn.Set != nil {
			exprs = append(exprs, c.Args...)
		} else {
			exprs = append(exprs, &expr.Call{Fn: c.Fn, Args: c.Args, T: c.Fn.Ret, Pos: -1})
		}
	}
	var err error
	f.prog, err = expr.Compile(exprs)
	return f, err
}

// Push implements Op.
func (f *FuncScan) Push(_ int, b *batch.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	vecs, err := f.prog.Eval(f.ctx.Env, b)
	if err != nil {
		return err
	}
	f.input = b
	for _, r := range rowsOf(b) {
		if err := f.row(b, vecs, int(r)); err != nil {
			return err
		}
	}
	return f.out.flush()
}

// row calls the functions for an input row.
func (f *FuncScan) row(b *batch.Batch, vecs []*batch.Vector, r int) error {
	if len(f.cfg.Calls) == 1 && f.cfg.Calls[0].Fn.Set != nil {
		return f.stream(b, vecs, r)
	}
	longest := 0
	for i := range f.cfg.Calls {
		if err := f.call(i, vecs, r); err != nil {
			return err
		}
		longest = max(longest, len(f.rows[i]))
	}
	n := longest
	if n == 0 && f.cfg.Left {
		n = 1
	}
	for k := range n {
		f.give(b, r, k, longest, k)
		if err := f.out.end(b.Weight(r)); err != nil {
			return err
		}
	}
	return nil
}

// stream passes the rows of a single function on as they come: there may be more
// of them than memory holds.
func (f *FuncScan) stream(b *batch.Batch, vecs []*batch.Vector, r int) error {
	n := 0
	f.rows[0] = append(f.rows[0][:0], nil)
	err := f.set(0, vecs, r, func(row []types.Datum) error {
		f.rows[0][0] = row
		f.give(b, r, 0, n+1, n)
		n++
		return f.out.end(b.Weight(r))
	})
	if err != nil || n > 0 || !f.cfg.Left {
		return err
	}
	f.rows[0] = f.rows[0][:0]
	f.give(b, r, 0, 0, 0)
	return f.out.end(b.Weight(r))
}

// set runs set-returning call i for row r; a NULL argument of a strict one gives
// no rows.
func (f *FuncScan) set(i int, vecs []*batch.Vector, r int, emit func([]types.Datum) error) error {
	c := &f.cfg.Calls[i]
	args := make([]types.Datum, len(c.Args))
	for k := range args {
		args[k] = vecs[f.first[i]+k].Datum(r)
		if c.Fn.Strict && args[k].Null {
			return nil
		}
	}
	var stopped error // of emit: not the function's
	err := c.Fn.Set(f.ctx.Env, args, func(row []types.Datum) error {
		stopped = emit(row)
		return stopped
	})
	if err == nil || stopped != nil || f.ctx.Env.OnRowError == nil {
		return err
	}
	// As with a function of one value the row stays without a result.
	return f.ctx.Env.OnRowError(expr.SetFailure(c.Fn, vecs[f.first[i]:f.first[i]+len(c.Args)],
		f.input, r, err))
}

// call fills rows[i] with what call i gives.
func (f *FuncScan) call(i int, vecs []*batch.Vector, r int) error {
	c := &f.cfg.Calls[i]
	f.rows[i] = f.rows[i][:0]
	if c.Fn.Set == nil {
		f.rows[i] = append(f.rows[i], f.scalar(c, vecs[f.first[i]], r))
		return nil
	}
	return f.set(i, vecs, r, func(row []types.Datum) error {
		f.rows[i] = append(f.rows[i], append([]types.Datum(nil), row...))
		return nil
	})
}

// scalar gives the one row of a function that gives one value.
func (f *FuncScan) scalar(c *plan.FuncCall, v *batch.Vector, r int) []types.Datum {
	d := v.Datum(r)
	if c.Cols == 1 {
		return []types.Datum{d}
	}
	if d.Null {
		row := make([]types.Datum, c.Cols)
		for i := range row {
			row[i] = types.NullDatum
		}
		return row
	}
	return types.DecodeRecord(c.Fn.Ret, []byte(d.S))
}

// give appends the k-th of the rows that are kept for input row r, which is its
// output row number ordinal of longest.
func (f *FuncScan) give(b *batch.Batch, r, k, longest, ordinal int) {
	cols := f.out.cols()
	n := len(f.cfg.Input)
	for c, v := range cols[:n] {
		v.AppendRow(b.Cols[c], r)
	}
	for i := range f.cfg.Calls {
		for c := range f.cfg.Calls[i].Cols {
			if k < len(f.rows[i]) {
				cols[n].AppendDatum(f.rows[i][k][c])
			} else {
				cols[n].AppendNull()
			}
			n++
		}
	}
	if f.cfg.Ordinality {
		if ordinal < longest {
			cols[n].AppendInt(int64(ordinal + 1))
		} else {
			cols[n].AppendNull()
		}
	}
}

// EndEpoch implements Op.
func (f *FuncScan) EndEpoch(Epoch) error {
	if f.cfg.Input != nil || f.done {
		return nil
	}
	f.done = true
	return f.Push(0, &batch.Batch{N: 1})
}
