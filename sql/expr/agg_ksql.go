package expr

import (
	"slices"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineKsqlAggs defines ksqlDB's aggregates.
func defineKsqlAggs(r *registry) {
	r.agg("collect_list(anyelement) anyarray", AggFunc{Doc: "array of the values, in order of arrival",
		Example: "collect_list(x)", Ordered: true, KeepNulls: true, Bind: bindCollect(false)})
	r.agg("collect_set(anyelement) anyarray", AggFunc{
		Doc:     "array of the distinct values, in order of arrival",
		Example: "collect_set(x)", Ordered: true, KeepNulls: true, Bind: bindCollect(true)})
	r.agg("collect_list(anyelement, int4) anyarray", AggFunc{
		Doc:     "array of the first values, as many as the second argument says",
		Example: "collect_list(x, 2)", Ordered: true, KeepNulls: true, Bind: bindCollect(false)})
	r.agg("collect_set(anyelement, int4) anyarray", AggFunc{
		Doc:     "array of the first distinct values, as many as the second argument says",
		Example: "collect_set(x, 2)", Ordered: true, KeepNulls: true, Bind: bindCollect(true)})
	r.agg("count_distinct(any) int8", AggFunc{Doc: "number of distinct values",
		Example: "count_distinct(x)", EmptyZero: true, Bind: bindCountDistinct})
	r.agg("approx_count_distinct(any) int8", AggFunc{Doc: "number of distinct values, exactly",
		Example: "approx_count_distinct(x)", EmptyZero: true, Bind: bindCountDistinct})
	for _, e := range []struct {
		name, doc string
		last      bool
	}{{"latest_by_offset", "latest value", true}, {"earliest_by_offset", "earliest value", false}} {
		def := func(sig, ret, doc string, at func(d []types.Datum) (n int64, nulls bool)) *AggFunc {
			return r.agg(e.name+"("+sig+") "+ret, AggFunc{Doc: e.doc + doc, Example: e.name + "(x)",
				Ordered: true, KeepNulls: true, Bind: bindByOffset(e.last, ret == "anyarray", at)})
		}
		one := def("anyelement", "anyelement", " that is not null",
			func([]types.Datum) (int64, bool) { return 1, false })
		one.KeepNulls, one.Edge = false, map[bool]int{false: -1, true: 1}[e.last]
		def("anyelement, bool", "anyelement", ", NULLs left out when asked",
			func(d []types.Datum) (int64, bool) { return 1, !d[1].Bool() })
		def("anyelement, int4", "anyarray", "s that are not null",
			func(d []types.Datum) (int64, bool) { return d[1].I, false })
		def("anyelement, int4, bool", "anyarray", "s, NULLs left out when asked",
			func(d []types.Datum) (int64, bool) { return d[1].I, !d[2].Bool() })
	}
	r.agg("topk(anyelement, int4) anyarray", AggFunc{Doc: "the largest values, in descending order",
		Example: "topk(x, 2)", Bind: bindTopK(false)})
	r.agg("topkdistinct(anyelement, int4) anyarray", AggFunc{
		Doc: "the largest distinct values, in descending order", Example: "topkdistinct(x, 2)",
		Bind: bindTopK(true)})
	r.agg("first_value(anyelement) anyelement", AggFunc{Doc: "first value",
		Example: "first_value(x ORDER BY x)", Ordered: true, KeepNulls: true, Edge: -1,
		Collect: collectEnd(false)})
	r.agg("last_value(anyelement) anyelement", AggFunc{Doc: "last value",
		Example: "last_value(x ORDER BY x)", Ordered: true, KeepNulls: true, Edge: 1,
		Collect: collectEnd(true)})
	for _, t := range extremeTypes {
		if t == "anyarray" {
			continue
		}
		r.agg("arg_min(anyelement, "+t+") anyelement", AggFunc{
			Doc: "first argument where the second is smallest", Example: "arg_min(x, -x)",
			Bind: bindArgExtreme(-1)})
		r.agg("arg_max(anyelement, "+t+") anyelement", AggFunc{
			Doc: "first argument where the second is largest", Example: "arg_max(x, -x)",
			Bind: bindArgExtreme(1)})
	}
	r.agg("histogram(text) map", AggFunc{Doc: "map of values to their number",
		Example: "histogram(x::text)", Collect: collectHistogram,
		RetOf: func([]types.Type) types.Type { return histogramType }})
}

var histogramType = types.MapOf(types.Of(types.Text), types.Of(types.Int8))

func bindCollect(distinct bool) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, ret types.Type) {
		elem := elemOf(ret)
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			limit := int64(-1)
			if len(args) > 1 {
				rows = limitRows{rows, &limit}
			}
			vs := collectValues(rows, true)
			if distinct {
				vs = firstOfEach(elem, vs)
			}
			if limit >= 0 && int64(len(vs)) > limit {
				vs = vs[:limit]
			}
			out.AppendDatum(types.ArrayOfDatums(elem, vs))
			return nil
		}
	}
}

// limitRows notes the limit that the second argument of each row is.
type limitRows struct {
	RowIter
	limit *int64
}

// Next implements RowIter.
func (r limitRows) Next() ([]types.Datum, int64, bool) {
	d, n, ok := r.RowIter.Next()
	if ok && !d[1].Null {
		*r.limit = d[1].I
	}
	return d, n, ok
}

// firstOfEach drops later copies of equal values.
func firstOfEach(t types.Type, vs []types.Datum) []types.Datum {
	seen := make(map[string]bool, len(vs))
	var key []byte
	out := vs[:0]
	for _, v := range vs {
		key = types.AppendKey(key[:0], t, v)
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, v)
		}
	}
	return out
}

func bindCountDistinct(a *AggFunc, args []types.Type, _ types.Type) {
	t := args[0]
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		seen := map[string]bool{}
		var key []byte
		for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
			if d[0].Null {
				continue
			}
			key = types.AppendKey(key[:0], t, d[0])
			if !seen[string(key)] {
				seen[string(key)] = true
			}
		}
		out.AppendInt(int64(len(seen)))
		return nil
	}
}

func bindByOffset(last, many bool, at func(d []types.Datum) (int64, bool),
) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, ret types.Type) {
		elem := elemOf(ret)
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			var vs []types.Datum
			n, nulls := int64(1), false
			for d, count, ok := rows.Next(); ok; d, count, ok = rows.Next() {
				if n, nulls = at(d); n < 1 {
					return sqlerr.New(sqlerr.InvalidParameterValue, "number of values must be positive")
				}
				if d[0].Null && !nulls {
					continue
				}
				v := keep(d[0])
				for ; count > 0; count-- {
					if last || int64(len(vs)) < n {
						vs = append(vs, v)
					}
				}
			}
			if last && int64(len(vs)) > n {
				vs = vs[int64(len(vs))-n:]
			}
			switch {
			case many:
				out.AppendDatum(types.ArrayOfDatums(elem, vs))
			case len(vs) == 0:
				out.AppendNull()
			default:
				out.AppendDatum(vs[len(vs)-1])
			}
			return nil
		}
	}
}

func bindTopK(distinct bool) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, ret types.Type) {
		elem := elemOf(ret)
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			var vs []types.Datum
			k := int64(0)
			for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
				k = d[1].I
				if d[0].Null {
					continue
				}
				for range n {
					vs = append(vs, keep(d[0]))
				}
			}
			slices.SortStableFunc(vs, func(x, y types.Datum) int { return types.Compare(elem, y, x) })
			if distinct {
				vs = firstOfEach(elem, vs)
			}
			if int64(len(vs)) > k {
				vs = vs[:max(k, 0)]
			}
			out.AppendDatum(types.ArrayOfDatums(elem, vs))
			return nil
		}
	}
}

func collectEnd(last bool) func(*Env, RowIter, *batch.Vector) error {
	return func(_ *Env, rows RowIter, out *batch.Vector) error {
		v := types.NullDatum
		for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
			v = keep(d[0])
			if !last {
				break
			}
		}
		out.AppendDatum(v)
		return nil
	}
}

func bindArgExtreme(sign int) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, _ types.Type) {
		t := args[1]
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			best, at := types.NullDatum, types.NullDatum
			for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
				if !d[1].Null && (at.Null || types.Compare(t, d[1], at)*sign > 0) {
					best, at = keep(d[0]), keep(d[1])
				}
			}
			out.AppendDatum(best)
			return nil
		}
	}
}

func collectHistogram(_ *Env, rows RowIter, out *batch.Vector) error {
	counts := map[string]int64{}
	var names []string
	for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
		if d[0].Null {
			continue
		}
		if _, ok := counts[d[0].S]; !ok {
			names = append(names, keep(d[0]).S)
		}
		counts[d[0].S] += n
	}
	keys, vals := make([]types.Datum, len(names)), make([]types.Datum, len(names))
	for i, s := range names {
		keys[i], vals[i] = types.TextDatum(s), types.IntDatum(counts[s])
	}
	out.AppendDatum(types.MapDatum(histogramType, keys, vals))
	return nil
}
