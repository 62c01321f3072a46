package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// node is a compiled expression. eval computes it for rows (physical row
// numbers, ascending, not empty) of the batch of x. The vector belongs to the
// node, or is a column of the batch, and is valid until the node's next eval;
// only rows are defined. A vector that is the same for all rows is a constant.
type node interface {
	eval(x *run, rows []uint16) (*batch.Vector, error)
}

// run is one evaluation of a Program.
type run struct {
	env *Env
	b   *batch.Batch
	n   int // rows of the batch, selected or not
}

// result is a vector that a node owns, with memory for its bitmap.
type result struct {
	vec   batch.Vector
	valid batch.Bitmap
}

// prepare makes the vector ready for n rows: values undefined, all rows valid.
func (r *result) prepare(t types.Type, n int) *batch.Vector {
	v := &r.vec
	v.Type, v.Const = t, false
	switch t.Phys() {
	case types.PhysInt64:
		v.I64 = resize(v.I64, n)
	case types.PhysFloat64:
		v.F64 = resize(v.F64, n)
	case types.PhysBool:
		v.Bool = resize(v.Bool, n)
	case types.PhysBytes:
		v.Off = append(resize(v.Off, n+1)[:0], 0)
		v.Buf = v.Buf[:0]
	}
	r.valid = resize(r.valid, batch.Words(n))
	for i := range r.valid {
		r.valid[i] = ^uint64(0)
	}
	v.Valid = r.valid
	return v
}

// finish pads the vector to n rows and drops a bitmap that says nothing.
func (r *result) finish(n int) *batch.Vector {
	v := &r.vec
	if v.Type.Phys() == types.PhysBytes {
		padTo(v, n)
	}
	if v.Valid.CountNull(n) == 0 {
		v.Valid = nil
	}
	return v
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 64))
	}
	return s[:n]
}

// colNode is an input column: no copy.
type colNode struct{ index int }

func (c *colNode) eval(x *run, _ []uint16) (*batch.Vector, error) {
	return x.b.Cols[c.index], nil
}

// constNode is a literal.
type constNode struct{ vec *batch.Vector }

func (c *constNode) eval(*run, []uint16) (*batch.Vector, error) { return c.vec, nil }

// constVector makes a vector of one value that stands for every row.
func constVector(d types.Datum, t types.Type) *batch.Vector {
	v := batch.NewVector(t, 1)
	v.AppendDatum(d)
	v.Const = true
	return v
}

// setConst makes v the constant d, reusing its memory.
func (r *result) setConst(t types.Type, d types.Datum) (*batch.Vector, error) {
	v := r.prepare(t, 1)
	if err := putDatum(v, 0, d); err != nil {
		return nil, err
	}
	r.finish(1)
	v.Const = true
	return v, nil
}

// paramNode is $n.
type paramNode struct {
	n int
	t types.Type
	result
}

func (p *paramNode) eval(x *run, _ []uint16) (*batch.Vector, error) {
	if p.n < 1 || p.n > len(x.env.Params) {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", p.n)
	}
	return p.setConst(p.t, x.env.Params[p.n-1])
}

// outerNode is a column of an enclosing query's current row.
type outerNode struct {
	depth, index int
	t            types.Type
	result
}

func (o *outerNode) eval(x *run, _ []uint16) (*batch.Vector, error) {
	i := len(x.env.Outer) - o.depth
	if i < 0 {
		return nil, sqlerr.New(sqlerr.InternalError, "outer row %d is not set", o.depth)
	}
	row := x.env.Outer[i]
	return o.setConst(o.t, aliasDatum(row.Batch.Cols[o.index], row.Row))
}

// callNode applies a function to the vectors of its arguments.
type callNode struct {
	fn     *Func
	args   []node
	t      types.Type
	vecs   []*batch.Vector
	datums []types.Datum
	sel    []uint16
	result
}

func (c *callNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	constant := c.fn.Volatility != Volatile
	for i := range c.args {
		if c.fn.rightFirst {
			i = len(c.args) - 1 - i
		}
		v, err := c.args[i].eval(x, rows)
		if err != nil {
			return nil, err
		}
		c.vecs[i] = v
		constant = constant && v.Const
	}
	n, all := x.n, rows
	if constant {
		n, rows = 1, identity[:1]
	}
	out := c.prepare(c.t, n)
	if c.fn.Strict {
		rows = c.dropNulls(out, n, rows)
	}
	if err := c.apply(x, n, rows, out); err != nil {
		re, ok := asRowError(err)
		if !constant || !ok || x.env.OnRowError == nil {
			return nil, unwrapRow(err)
		}
		return c.constError(x, all, re)
	}
	v := c.finish(n)
	v.Const = constant
	return v, nil
}

// apply runs the function over rows, past the rows that fail and may.
func (c *callNode) apply(x *run, n int, rows []uint16, out *batch.Vector) error {
	env := x.env
	for len(rows) > 0 {
		var err error
		if c.fn.Kernel != nil {
			err = c.fn.Kernel(env, n, rows, c.vecs, out)
		} else {
			err = c.applyRows(env, rows, out)
		}
		if err == nil {
			return nil
		}
		re, ok := asRowError(err)
		if !ok || env.OnRowError == nil || isConst(c.vecs) {
			return err
		}
		row := int(rows[re.K])
		if err := x.failed(row, re.Err, c.fn, c.vecs); err != nil {
			return err
		}
		cutRow(out, row)
		setNull(out, row)
		rows = rows[re.K+1:]
	}
	return nil
}

// isConst tells whether all of one or more vectors are constants.
func isConst(vs []*batch.Vector) bool {
	for _, v := range vs {
		if !v.Const {
			return false
		}
	}
	return len(vs) > 0
}

// constError reports the failure of a constant expression for each row.
func (c *callNode) constError(x *run, rows []uint16, re *RowError) (*batch.Vector, error) {
	for _, r := range rows {
		if err := x.failed(int(r), re.Err, c.fn, c.vecs); err != nil {
			return nil, err
		}
	}
	return c.setConst(c.t, types.NullDatum)
}

func unwrapRow(err error) error {
	if re, ok := asRowError(err); ok {
		return re.Err
	}
	return err
}

// cutRow takes back what a failed kernel appended for row.
func cutRow(out *batch.Vector, row int) {
	if out.Type.Phys() != types.PhysBytes {
		return
	}
	if len(out.Off) > row+1 {
		out.Off = out.Off[:row+1]
	}
	out.Buf = out.Buf[:out.Off[len(out.Off)-1]]
}

func (c *callNode) applyRows(env *Env, rows []uint16, out *batch.Vector) error {
	for k, r := range rows {
		for i, v := range c.vecs {
			c.datums[i] = aliasDatum(v, int(r))
		}
		d, err := c.fn.Row(env, c.datums)
		if err != nil {
			return rowErr(k, err)
		}
		if err := putDatum(out, int(r), d); err != nil {
			return rowErr(k, err)
		}
	}
	return nil
}

// dropNulls marks the rows with a NULL argument as NULL in out and gives the
// others.
func (c *callNode) dropNulls(out *batch.Vector, n int, rows []uint16) []uint16 {
	nulls := false
	for _, v := range c.vecs {
		if v.Valid == nil {
			continue
		}
		nulls = true
		switch {
		case !v.Const:
			andBits(out.Valid, v.Valid, n)
		case !v.Valid.Valid(0):
			clear(out.Valid)
		}
	}
	if !nulls {
		return rows
	}
	c.sel = resize(c.sel, len(rows))
	k := 0
	for _, r := range rows {
		c.sel[k] = r
		if out.Valid.Valid(int(r)) {
			k++
		} else {
			zeroRow(out, int(r))
		}
	}
	return c.sel[:k]
}

// andBits clears the bits of a that are clear in b. b may be shorter than n
// rows when rows beyond it are not selected.
func andBits(a, b batch.Bitmap, n int) {
	for i := range min(batch.Words(n), len(b)) {
		a[i] &= b[i]
	}
}

// zeroRow gives a NULL row of a fixed-size vector its zero value.
func zeroRow(v *batch.Vector, row int) {
	switch {
	case row < len(v.I64):
		v.I64[row] = 0
	case row < len(v.F64):
		v.F64[row] = 0
	case row < len(v.Bool):
		v.Bool[row] = false
	}
}
