package expr

import (
	"math"
	"time"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineOrderedAggs defines the ordered-set aggregates. Rows come in the order of
// WITHIN GROUP; the direct arguments come first in each row, the ordered one last.
func defineOrderedAggs(r *registry) {
	for _, t := range []string{"float8", "interval"} {
		example := "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"
		if t == "interval" {
			example = "percentile_cont(0.5) WITHIN GROUP (ORDER BY x * interval '1 hour')"
		}
		r.agg("percentile_cont(float8, "+t+") "+t, AggFunc{Within: 1, Ordered: true,
			Doc: "value at a fraction of the order, interpolated", Example: example,
			Bind: bindPercentile(interpolate, false)})
		r.agg("percentile_cont(float8[], "+t+") "+t+"[]", AggFunc{Within: 1, Ordered: true,
			Doc: "values at fractions of the order, interpolated", Example: example,
			Bind: bindPercentile(interpolate, true)})
	}
	r.agg("percentile_disc(float8, anyelement) anyelement", AggFunc{Within: 1, Ordered: true,
		Doc: "first value at or after a fraction of the order", Bind: bindPercentile(discrete, false),
		Example: "percentile_disc(0.5) WITHIN GROUP (ORDER BY x)"})
	r.agg("percentile_disc(float8[], anyelement) anyarray", AggFunc{Within: 1, Ordered: true,
		Doc:     "first values at or after fractions of the order",
		Example: "percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY x)",
		Bind:    bindPercentile(discrete, true)})
	r.agg("mode(anyelement) anyelement", AggFunc{Within: 1, Ordered: true,
		Doc: "most frequent value, the first of them", Bind: bindMode,
		Example: "mode() WITHIN GROUP (ORDER BY x)"})
}

// at finds a percentile among sorted values.
type percentile func(vs []types.Datum, t types.Type, p float64) (types.Datum, error)

func discrete(vs []types.Datum, _ types.Type, p float64) (types.Datum, error) {
	i := int(math.Ceil(p*float64(len(vs)))) - 1
	return vs[max(i, 0)], nil
}

func interpolate(vs []types.Datum, t types.Type, p float64) (types.Datum, error) {
	at := p * float64(len(vs)-1)
	lo, hi := int(math.Floor(at)), int(math.Ceil(at))
	if lo == hi {
		return vs[lo], nil
	}
	frac := at - float64(lo)
	if t.Kind == types.Float8 {
		a, b := vs[lo].F, vs[hi].F
		return types.FloatDatum(a + frac*(b-a)), nil
	}
	a, b := vs[lo].Interval(), vs[hi].Interval()
	diff, err := b.Sub(a)
	if err != nil {
		return types.NullDatum, err
	}
	if diff, err = diff.Mul(frac); err != nil {
		return types.NullDatum, err
	}
	sum, err := a.Add(diff)
	return types.IntervalDatum(sum), err
}

func checkFraction(p float64) error {
	if p < 0 || p > 1 || math.IsNaN(p) {
		return sqlerr.New(sqlerr.NumericValueOutOfRange,
			"percentile value %s is not between 0 and 1", types.AppendFloat8(nil, p))
	}
	return nil
}

// checkEmpty makes a percentile of a constant fraction that is none fail for groups
// without rows too, where the fraction would not be seen.
func checkEmpty(fn *AggFunc, fraction Expr) {
	if fraction.Type().Kind != types.Float8 || !IsConst(fraction) {
		return
	}
	d, err := EvalConst(fraction, &Env{Zone: time.UTC})
	if err != nil || d.Null || checkFraction(d.F) == nil {
		return
	}
	fn.Collect = func(_ *Env, rows RowIter, _ *batch.Vector) error {
		for _, _, ok := rows.Next(); ok; _, _, ok = rows.Next() {
			continue
		}
		return checkFraction(d.F)
	}
}

func bindPercentile(at percentile, many bool) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, ret types.Type) {
		t := args[1]
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			direct, vs := collectOrdered(rows)
			if len(vs) == 0 || direct.Null {
				out.AppendNull()
				return nil
			}
			if !many {
				if err := checkFraction(direct.F); err != nil {
					return err
				}
				d, err := at(vs, t, direct.F)
				if err == nil {
					out.AppendDatum(d)
				}
				return err
			}
			v := direct.Array(types.Of(types.Float8))
			for i, p := range v.Elems {
				if p.Null {
					continue
				}
				if err := checkFraction(p.F); err != nil {
					return err
				}
				d, err := at(vs, t, p.F)
				if err != nil {
					return err
				}
				v.Elems[i] = d
			}
			out.AppendDatum(types.ArrayDatum(elemOf(ret), v))
			return nil
		}
	}
}

// collectOrdered gives the direct argument and the ordered values without NULLs.
func collectOrdered(rows RowIter) (direct types.Datum, vs []types.Datum) {
	direct = types.NullDatum
	for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
		direct = keep(d[0])
		last := d[len(d)-1]
		if last.Null {
			continue
		}
		v := keep(last)
		for range n {
			vs = append(vs, v)
		}
	}
	return direct, vs
}

func bindMode(a *AggFunc, args []types.Type, _ types.Type) {
	t := args[0]
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		best, cur := types.NullDatum, types.NullDatum
		var bestN, n int64
		for d, c, ok := rows.Next(); ok; d, c, ok = rows.Next() {
			if d[0].Null {
				continue
			}
			if cur.Null || !types.Equal(t, cur, d[0]) {
				cur, n = keep(d[0]), 0
			}
			n += c
			if n > bestN {
				best, bestN = cur, n
			}
		}
		out.AppendDatum(best)
		return nil
	}
}
