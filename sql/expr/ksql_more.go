package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// defineKsqlMore defines what ksqlDB has beside PostgreSQL's forms: other
// argument types of the same functions, comparisons of ROWTIME with milliseconds.
func defineKsqlMore(r *registry) {
	r.fn("as_value(anyelement) anyelement", func(a []types.Datum) (types.Datum, error) { return a[0], nil },
		"the value itself: copies a key into the value", "as_value(1)").nullable()
	r.fn("round(float8, int4) float8", func(a []types.Datum) (types.Datum, error) {
		return scaleFloat(a[0].F, a[1].I, true)
	}, "rounded to that many decimal places, ties upwards", "round(2.345::float8, 2)").asFallback()
	r.fn("trunc(float8, int4) float8", func(a []types.Datum) (types.Datum, error) {
		return scaleFloat(a[0].F, a[1].I, false)
	}, "cut to that many decimal places", "trunc(2.345::float8, 2)").asFallback()
	r.fn("log(float8, float8) float8", func(b, x float64) (float64, error) {
		return math.Log(x) / math.Log(b), nil
	}, "logarithm of the second to the base of the first", "log(2::float8, 8::float8)").asFallback()
	r.op("+(text, text) text", Kernel(concatKernel), "concatenate", "'a'::text + 'b'::text").asFallback()
	r.fn("split(bytea, bytea) bytea[]", func(a []types.Datum) (types.Datum, error) {
		var out []types.Datum
		for _, p := range splitBytes(a[0].S, a[1].S) {
			out = append(out, types.TextDatum(p))
		}
		return makeArrayDatum(out, types.ArrayOf(types.Of(types.Bytea)))
	}, "the pieces between delimiters", "split('\\x010203'::bytea, '\\x02'::bytea)")
	for _, p := range []struct {
		name string
		left bool
	}{{"lpad", true}, {"rpad", false}} {
		r.fn(p.name+"(bytea, int4, bytea) bytea", func(a []types.Datum) (types.Datum, error) {
			return padBytes(a[0].S, a[1].I, a[2].S, p.left)
		}, "filled up with bytes, or cut", p.name+"('\\x01'::bytea, 3, '\\x00'::bytea)")
	}
	for _, k := range []string{"timestamp", "timestamptz"} {
		for _, z := range []struct{ sig, arg string }{{"", ""}, {", text", ", 'UTC'"}} {
			r.fn("timestamptostring("+k+", text"+z.sig+") text", func(a []types.Datum) (types.Datum, error) {
				return formatInstant(a[0].I, a, "UTC")
			}, "text of a timestamp in a Java format",
				"timestamptostring("+k+" '2024-02-29 12:34', 'yyyy-MM-dd HH:mm'"+z.arg+")").asFallback()
		}
	}
	for op, name := range cmpNames {
		r.op(name+"(timestamptz, int8) bool", millisKernel(cmpOp(op)),
			compareDocs[op]+", in milliseconds since 1970",
			"timestamptz '2024-02-29 00:00+00' "+name+" 1709164800000").asFallback()
		r.op(name+"(int8, timestamptz) bool", millisKernel(cmpOp(op)),
			compareDocs[op]+", in milliseconds since 1970",
			"1709164800000 "+name+" timestamptz '2024-02-29 00:00+00'").asFallback()
	}
	r.fn("cube_explode(anyarray) anyarray", bindCube,
		"all combinations of the elements and NULL, one a row", "cube_explode(ARRAY[1, 2])").nullable()
	defineKsqlMoreAggs(r)
}

// scaleFloat rounds by the decimal digits that are shown, ties upwards, or cuts.
func scaleFloat(v float64, places int64, round bool) (types.Datum, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return types.FloatDatum(v), nil
	}
	d, err := types.ParseDecimal(strconv.FormatFloat(v, 'f', -1, 64))
	if err != nil {
		return types.NullDatum, err
	}
	n := clampScale(places)
	if !round {
		f, err := d.Trunc(n).Float64()
		return types.FloatDatum(f), err
	}
	up, err := roundUp(d, n)
	if err != nil {
		return types.NullDatum, err
	}
	f, err := up.Float64()
	return types.FloatDatum(f), err
}

// roundUp rounds to n decimal places, of two equally near ones to the upper.
func roundUp(d types.Decimal, n int32) (types.Decimal, error) {
	up, err := d.Round(n)
	if err != nil || d.Sign() >= 0 {
		return up, err
	}
	// Round goes away from zero.
	less, err := d.Trunc(n).Sub(d)
	if err != nil {
		return up, err
	}
	more, err := d.Sub(up)
	if err != nil {
		return up, err
	}
	if less.Cmp(more) == 0 {
		return d.Trunc(n), nil
	}
	return up, nil
}

func splitBytes(s, delim string) []string {
	switch {
	case s == "":
		return []string{""}
	case delim != "":
		return strings.Split(s, delim)
	}
	out := make([]string, len(s))
	for i := range out {
		out[i] = s[i : i+1]
	}
	return out
}

func padBytes(s string, n int64, fill string, left bool) (types.Datum, error) {
	switch {
	case n < 0 || fill == "":
		return types.NullDatum, nil
	case n > maxText:
		return types.NullDatum, errRequestedLength()
	case int64(len(s)) >= n:
		return types.TextDatum(s[:n]), nil
	}
	need := int(n) - len(s)
	pad := strings.Repeat(fill, need/len(fill)+1)[:need]
	if left {
		return types.TextDatum(pad + s), nil
	}
	return types.TextDatum(s + pad), nil
}

// millisKernel compares an instant with milliseconds since 1970.
func millisKernel(op cmpOp) Kernel {
	micros := func(v *vector, i int) int64 {
		x := v.I64[v.Row(i)]
		if v.Type.Kind != types.Int8 {
			return x
		}
		if x > math.MaxInt64/1000 || x < math.MinInt64/1000 {
			return x
		}
		return x * 1000
	}
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for _, r := range rows {
			out.Bool[r] = op.holds(compareNum(micros(args[0], int(r)), micros(args[1], int(r))))
		}
		return nil
	}
}

// maxCube bounds the elements of cube_explode: 2^n rows.
const maxCube = 16

func bindCube(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(args[0])
	f.Set = func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		vs := a[0].Array(elem).Elems
		if len(vs) > maxCube {
			return errRequestedLength()
		}
		for bits := range 1 << len(vs) {
			row := make([]types.Datum, len(vs))
			skip := false
			for i, v := range vs {
				keep := bits>>(len(vs)-1-i)&1 != 0
				skip = skip || keep && v.Null // the same as leaving it out
				row[i] = types.NullDatum
				if keep {
					row[i] = v
				}
			}
			if skip {
				continue
			}
			d, err := makeArrayDatum(row, ret)
			if err != nil {
				return err
			}
			if err := emit([]types.Datum{d}); err != nil {
				return err
			}
		}
		return nil
	}
}

func defineKsqlMoreAggs(r *registry) {
	r.agg("attr(anyelement) anyelement", AggFunc{Doc: "the value that all rows have, NULL if they differ",
		Example: "attr(1)", KeepNulls: true, Bind: bindAttr})
	r.agg("stddev_sample(float8) float8", AggFunc{Doc: "sample standard deviation",
		Example: "stddev_sample(y)", Words: 4, Update: momentsFloat,
		Result: momentsResult(varianceKind{sample: true, root: true})})
	r.agg("correlation(float8, float8) float8", AggFunc{Doc: "correlation coefficient",
		Example: "correlation(y, x)", Words: pairWords, Update: momentsPairs,
		Result: pairsResult("float8", 1, func(s *floatPairs) (float64, bool) {
			return s.sxy / math.Sqrt(s.sxx*s.syy), true
		})})
	for _, k := range []string{"int4", "int8", "float8"} {
		r.agg("sum_list("+k+"[]) "+k, AggFunc{Doc: "sum of the elements of arrays",
			Example: "sum_list(ARRAY[x]::" + k + "[])", Bind: bindSumList})
	}
	extra := ""
	for n := 1; n <= 4; n++ {
		extra += ", any"
		r.agg("topk(anyelement"+extra+", int4) anyarray", AggFunc{
			Doc:     "the rows with the largest values, as structs, in descending order",
			Example: "topk(x" + strings.Repeat(", y", n) + ", 2)", KeepNulls: true,
			Bind: bindTopRows, RetOf: topRowType})
	}
}

func bindAttr(a *AggFunc, args []types.Type, _ types.Type) {
	t := args[0]
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		vs := firstOfEach(t, collectValues(rows, true))
		if len(vs) == 1 {
			out.AppendDatum(vs[0])
		} else {
			out.AppendNull()
		}
		return nil
	}
}

func bindSumList(a *AggFunc, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		var ints intSum
		floats := 0.0
		for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
			if d[0].Null {
				continue
			}
			for _, v := range d[0].Array(elem).Elems {
				if !v.Null {
					ints.addWeighted(v.I, n)
					floats += v.F * float64(n)
				}
			}
		}
		if elem.Kind == types.Float8 {
			out.AppendFloat(floats)
			return nil
		}
		lo, hi := intLimits(elem.Kind)
		if v := int64(ints.lo); ints.hi == v>>63 && v >= lo && v <= hi {
			out.AppendInt(v)
			return nil
		}
		return errIntRange(elem.Kind)
	}
}

// topRowType is STRUCT<sort_col, col0, col1, ...>[].
func topRowType(args []types.Type) types.Type {
	t := types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "sort_col", Type: args[0]}}}
	for i, a := range args[1 : len(args)-1] {
		t.Fields = append(t.Fields, types.Field{Name: "col" + strconv.Itoa(i), Type: a})
	}
	return types.ArrayOf(t)
}

func bindTopRows(a *AggFunc, args []types.Type, ret types.Type) {
	row := elemOf(ret)
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		var top [][]types.Datum
		for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
			if d[0].Null {
				continue
			}
			k := int(max(d[len(d)-1].I, 0))
			vals := make([]types.Datum, len(d)-1)
			for i := range vals {
				vals[i] = keep(d[i])
			}
			for ; n > 0; n-- {
				top = insertTop(top, vals, args[0], k)
			}
		}
		elems := make([]types.Datum, len(top))
		for i, v := range top {
			elems[i] = types.RecordDatum(row, v)
		}
		out.AppendDatum(types.ArrayOfDatums(row, elems))
		return nil
	}
}

// insertTop keeps the k rows with the largest first values, in descending order.
func insertTop(top [][]types.Datum, row []types.Datum, t types.Type, k int) [][]types.Datum {
	at := len(top)
	for at > 0 && types.Compare(t, row[0], top[at-1][0]) > 0 {
		at--
	}
	if at >= k {
		return top
	}
	top = append(top, nil)
	copy(top[at+1:], top[at:])
	top[at] = row
	return top[:min(len(top), k)]
}

// javaDouble writes a float as Java's Double.toString does.
func javaDouble(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e7) || math.IsNaN(v) || math.IsInf(v, 0) {
		s := strconv.FormatFloat(v, 'E', -1, 64)
		mant, exp, ok := strings.Cut(s, "E")
		if !ok {
			return strings.Replace(s, "Inf", "Infinity", 1)
		}
		if !strings.Contains(mant, ".") {
			mant += ".0"
		}
		n, _ := strconv.Atoi(exp)
		return mant + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
