package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// WindowFunc describes a function that exists only with OVER.
type WindowFunc struct {
	Name    string
	Args    []types.Type // may be polymorphic
	Opt     int          // how many of the last ones may be left out
	Ret     types.Type
	Doc     string
	Example string
}

// WindowFuncs lists the pure window functions.
var WindowFuncs = []WindowFunc{
	{Name: "row_number", Ret: types.Of(types.Int8),
		Doc: "number of the row within its partition, from 1"},
	{Name: "rank", Ret: types.Of(types.Int8),
		Doc: "row_number of the first peer: rank with gaps"},
	{Name: "dense_rank", Ret: types.Of(types.Int8),
		Doc: "number of the peer group, from 1: rank without gaps"},
	{Name: "percent_rank", Ret: types.Of(types.Float8),
		Doc: "(rank - 1) / (rows of the partition - 1)"},
	{Name: "cume_dist", Ret: types.Of(types.Float8),
		Doc: "rows before or peer with the row / rows of the partition"},
	{Name: "ntile", Args: []types.Type{types.Of(types.Int4)}, Ret: types.Of(types.Int4),
		Doc: "number of the bucket when the partition is divided evenly"},
	{Name: "lag", Args: []types.Type{anyCompat, types.Of(types.Int4), anyCompat}, Opt: 2,
		Ret: anyCompat, Doc: "value at the row that many rows before, or the default"},
	{Name: "lead", Args: []types.Type{anyCompat, types.Of(types.Int4), anyCompat}, Opt: 2,
		Ret: anyCompat, Doc: "value at the row that many rows after, or the default"},
	{Name: "first_value", Args: []types.Type{anyElem}, Ret: anyElem,
		Doc: "value at the first row of the frame"},
	{Name: "last_value", Args: []types.Type{anyElem}, Ret: anyElem,
		Doc: "value at the last row of the frame"},
	{Name: "nth_value", Args: []types.Type{anyElem, types.Of(types.Int4)}, Ret: anyElem,
		Doc: "value at the n-th row of the frame"},
}

func findWindowFunc(name string) *WindowFunc {
	for i := range WindowFuncs {
		if WindowFuncs[i].Name == name {
			return &WindowFuncs[i]
		}
	}
	return nil
}

// windowCall checks f(...) OVER (...): its arguments and result. The partition,
// order and frame are the scope's.
func (c *checker) windowCall(name string, e *sql.Call) (Expr, error) {
	w := &WindowCall{Name: name, IgnoreNulls: e.Nulls == sql.IgnoreNulls}
	if IsAggregate(name) && findWindowFunc(name) == nil {
		agg, err := c.aggCall(name, e)
		if err != nil {
			return nil, err
		}
		if agg.Distinct {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"DISTINCT is not implemented for window functions").At(e.Pos()).
				WithHint("Take the distinct rows in a subquery first.")
		}
		if agg.Fn.Within > 0 {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"OVER is not supported for ordered-set aggregate %s", name).At(e.Pos()).
				WithHint("Compute it in a subquery with GROUP BY, and join its rows.")
		}
		if len(agg.OrderBy) > 0 {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"aggregate ORDER BY is not implemented for window functions").At(e.Pos()).
				WithHint("Give the order in OVER (ORDER BY ...).")
		}
		w.Agg, w.Args, w.Filter, w.T = agg.Fn, agg.Args, agg.Filter, agg.T
		return c.sc.Window(w, e.Over, e.Pos())
	}
	f := findWindowFunc(name)
	if f == nil {
		return nil, c.noWindowFunc(name, e)
	}
	if e.Filter != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"FILTER is not implemented for non-aggregate window functions").At(e.Pos()).
			WithHint("Filter in a subquery first.")
	}
	args, err := c.checkAll(e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) > len(f.Args) && IsAggregate(name) {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"WITHIN GROUP is required for ordered-set aggregate %s", name).At(e.Pos())
	}
	if err := c.bindWindow(w, f, args, e.Pos()); err != nil {
		return nil, err
	}
	return c.sc.Window(w, e.Over, e.Pos())
}

func (c *checker) noWindowFunc(name string, e *sql.Call) error {
	if knownFunction(name) {
		return refuseAggregateClauses(name, e)
	}
	args, err := c.checkAll(e.Args)
	if err != nil {
		return err
	}
	return errNoFunction(name, typesOf(args), e.Pos())
}

func (c *checker) bindWindow(w *WindowCall, f *WindowFunc, args []Expr, pos int) error {
	ts := typesOf(args)
	n := len(args)
	if n > len(f.Args) || n < len(f.Args)-f.Opt {
		return errNoFunction(f.Name, ts, pos)
	}
	cand := candidate{params: f.Args[:n]}
	if !accepts(cand, ts) {
		return errNoFunction(f.Name, ts, pos)
	}
	params, ret, err := c.actualTypes(cand, f.Ret, nil, args, f.Name, pos)
	if err != nil {
		return err
	}
	for i, a := range args {
		if args[i], err = c.coerce(a, params[i], CoerceImplicit, pos); err != nil {
			return err
		}
	}
	w.Args, w.T = args, ret
	return nil
}
