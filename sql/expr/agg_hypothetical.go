package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineHypothetical defines the hypothetical-set aggregates: where a row of the
// direct arguments would stand among the rows of WITHIN GROUP. Their names are those
// of window functions too; OVER tells them apart.
func defineHypothetical(r *registry) {
	def := func(name, ret, doc string, f func(h *hypothetical, out *batch.Vector)) {
		r.agg(name+"(variadic any) "+ret, AggFunc{Within: 1, Ordered: true, KeepNulls: true, Doc: doc,
			Example: name + "(2) WITHIN GROUP (ORDER BY x)", hypothetical: f})
	}
	def("rank", "int8", "rank that the direct arguments would have, with gaps",
		func(h *hypothetical, out *batch.Vector) { out.AppendInt(h.before + 1) })
	def("dense_rank", "int8", "rank that the direct arguments would have, without gaps",
		func(h *hypothetical, out *batch.Vector) { out.AppendInt(h.groups + 1) })
	def("percent_rank", "float8", "relative rank that the direct arguments would have, from 0 to 1",
		func(h *hypothetical, out *batch.Vector) {
			if h.rows == 0 {
				out.AppendFloat(0)
				return
			}
			out.AppendFloat(float64(h.before) / float64(h.rows))
		})
	def("cume_dist", "float8", "part of the rows that would not come after the direct arguments",
		func(h *hypothetical, out *batch.Vector) {
			out.AppendFloat(float64(h.before+h.peers+1) / float64(h.rows+1))
		})
}

func isHypothetical(name string) bool {
	fs := builtin().aggs[name]
	return len(fs) == 1 && fs[0].hypothetical != nil
}

// hypothetical is where a row would stand.
type hypothetical struct {
	rows, before, peers int64
	groups              int64 // of peers, before it
}

// collectHypothetical counts the rows before the direct arguments in an order.
func collectHypothetical(order []Order, f func(*hypothetical, *batch.Vector),
) func(*Env, RowIter, *batch.Vector) error {
	n := len(order)
	return func(_ *Env, rows RowIter, out *batch.Vector) error {
		var h hypothetical
		var last []types.Datum
		for d, count, ok := rows.Next(); ok; d, count, ok = rows.Next() {
			h.rows += count
			switch c := compareOrdered(order, d[n:], d[:n]); {
			case c == 0:
				h.peers += count
			case c < 0:
				h.before += count
				if last == nil || compareOrdered(order, last, d[n:]) != 0 {
					h.groups++
					last = last[:0]
					for _, x := range d[n:] {
						last = append(last, keep(x))
					}
				}
			}
		}
		f(&h, out)
		return nil
	}
}

// compareOrdered compares two rows of sort keys.
func compareOrdered(order []Order, a, b []types.Datum) int {
	for i, o := range order {
		c := 0
		switch {
		case a[i].Null && b[i].Null:
			continue
		case a[i].Null || b[i].Null:
			if c = 1; a[i].Null == o.NullsFirst {
				c = -1
			}
			return c
		}
		if c = types.Compare(o.X.Type(), a[i], b[i]); o.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// bindHypothetical checks a call of a hypothetical-set aggregate: each direct
// argument has the type of its sort key.
func (c *checker) bindHypothetical(call *AggCall, fn *AggFunc, args []Expr, e *sql.Call) (*AggCall, error) {
	n := len(call.OrderBy)
	direct := args[:len(args)-n]
	if n == 0 {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"WITHIN GROUP is required for ordered-set aggregate %s", call.Name).At(e.Pos())
	}
	if len(direct) != n {
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist",
			callSignature(call.Name, typesOf(args))).At(e.Pos()).
			WithHint("To use the hypothetical-set aggregate %s, the number of hypothetical direct "+
				"arguments (here %d) must match the number of ordering columns (here %d).",
				call.Name, len(direct), n)
	}
	for i := range n {
		at := []int{e.Args[i].Pos(), e.Within[i].X.Pos()}
		pair, _, err := c.unify([]Expr{args[i], args[n+i]}, at, "WITHIN GROUP", e.Pos())
		if err != nil {
			return nil, err
		}
		for k, x := range pair {
			if pair[k], err = Settle(x, c.sc, at[k]); err != nil {
				return nil, err
			}
		}
		args[i], args[n+i], call.OrderBy[i].X = pair[0], pair[1], pair[1]
	}
	a := *fn
	a.origin, a.Args, a.Variadic = fn.Origin(), typesOf(args), false
	a.Collect = collectHypothetical(call.OrderBy, fn.hypothetical)
	call.Fn, call.Args, call.T = &a, args, fn.Ret
	return call, nil
}
