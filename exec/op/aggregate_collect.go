package op

import (
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// collectSpec is how the argument rows of a collecting aggregate are kept: rows
// of order keys and arguments, ordered by the keys (ties by arrival), or, when the
// order does not matter or duplicates go, by the arguments.
type collectSpec struct {
	call    *expr.AggCall
	norder  int // order keys before the arguments
	layout  *state.Layout
	cmp     *state.Comparer
	args    *state.Comparer // compares arguments alone, for DISTINCT
	arrival bool
	// keepOne: the input is append-only and one row decides (min, max, first, last).
	keepOne bool
}

func newCollectSpec(call *expr.AggCall, appendOnly bool) *collectSpec {
	c := &collectSpec{call: call, norder: len(call.OrderBy)}
	var ts []types.Type
	var keys, args []state.SortKey
	for i, o := range call.OrderBy {
		ts = append(ts, o.X.Type())
		keys = append(keys, state.SortKey{Col: i, Desc: o.Desc, NullsFirst: o.NullsFirst})
	}
	for i, x := range call.Args {
		ts = append(ts, x.Type())
		args = append(args, state.SortKey{Col: c.norder + i})
	}
	c.layout = state.NewLayout(ts)
	c.arrival = call.Fn.Ordered && !call.Distinct || c.norder > 0 && !call.Distinct
	if !c.arrival {
		keys = append(keys, args...)
	}
	c.cmp = &state.Comparer{Layout: c.layout, Keys: keys}
	c.args = &state.Comparer{Layout: c.layout, Keys: args}
	c.keepOne = appendOnly && (call.Fn.Extreme != 0 || call.Fn.Edge != 0 && c.arrival)
	return c
}

// collector keeps the argument rows of one aggregate in a pane.
type collector struct {
	spec *collectSpec
	rows *state.Ordered
	enc  state.Rows
	vecs []*batch.Vector
	it   *state.Iter
	// Position of Next.
	datums []types.Datum
	last   []byte
}

func newCollector(mem *state.Memory, spec *collectSpec) *collector {
	c := &collector{spec: spec, rows: state.NewOrdered(mem, spec.cmp, spec.arrival),
		datums: make([]types.Datum, len(spec.call.Args))}
	c.it = c.rows.Iter()
	return c
}

// push adds argument rows to their groups.
func (c *collector) push(a *Aggregate, s *aggSlot, vecs []*batch.Vector, rows []uint16,
	acc []unsafe.Pointer, w []int32) error {
	c.vecs = append(c.vecs[:0], vecs[s.arg+s.nargs:s.arg+s.nargs+c.spec.norder]...)
	c.vecs = append(c.vecs, vecs[s.arg:s.arg+s.nargs]...)
	c.spec.layout.Encode(c.vecs, rows, &c.enc)
	skipNull := !s.fn.KeepNulls && s.nargs > 0
	for k, r := range rows {
		row := c.enc.Row(k)
		if skipNull && c.spec.layout.Null(row, c.spec.norder) {
			continue
		}
		d := int64(1)
		if w != nil {
			d = int64(w[r])
		}
		root := (*int64)(unsafe.Add(acc[k], s.word*8))
		id := *(*int64)(unsafe.Add(acc[k], groupID*8))
		if c.spec.keepOne {
			c.keepBest(a, root, id, row)
			continue
		}
		a.nextID++
		*root = int64(c.rows.Add(state.Ref(*root), id, row, a.nextID, d))
	}
	return nil
}

// keepBest keeps the smaller or larger row of two, or the earlier or later one.
func (c *collector) keepBest(a *Aggregate, root *int64, id int64, row []byte) {
	old := state.Ref(*root)
	if old != 0 {
		d := 0
		if fn := c.spec.call.Fn; fn.Extreme != 0 {
			d = c.spec.args.Compare(row, c.rows.Row(old)) * fn.Extreme
		} else if d = c.spec.cmp.Compare(row, c.rows.Row(old)) * fn.Edge; d == 0 {
			d = fn.Edge // of equal ones row is the later one
		}
		if d <= 0 {
			return
		}
		*root = int64(c.rows.RemoveNode(old, old))
	}
	a.nextID++
	*root = int64(c.rows.Add(0, id, row, a.nextID, 1))
}

// extreme gives the row of a group that min or max chooses, 0 when there is none.
func (c *collector) extreme(root state.Ref) state.Ref {
	if c.spec.call.Fn.Extreme > 0 {
		return c.rows.Last(root)
	}
	return c.rows.First(root)
}

// result appends the aggregate's value over a group's rows to out.
func (c *collector) result(env *expr.Env, root state.Ref, out *batch.Vector) error {
	if c.spec.call.Fn.Extreme != 0 {
		r := c.extreme(root)
		if r == 0 {
			out.AppendNull()
			return nil
		}
		c.spec.layout.AppendTo(c.rows.Row(r), c.spec.norder, out)
		return nil
	}
	c.it.Reset(root)
	c.last = nil
	return c.spec.call.Fn.Collect(env, c, out)
}

// Next implements expr.RowIter.
func (c *collector) Next() (args []types.Datum, count int64, ok bool) {
	for {
		r := c.it.Next()
		if r == 0 {
			return nil, 0, false
		}
		row, n := c.rows.Row(r), c.rows.Weight(r)
		if c.spec.call.Distinct {
			if c.last != nil && c.spec.args.Compare(c.last, row) == 0 {
				continue
			}
			c.last, n = row, 1
		}
		for i := range c.datums {
			c.datums[i] = c.spec.layout.Datum(row, c.spec.norder+i)
		}
		return c.datums, n, true
	}
}
