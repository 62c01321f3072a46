package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

// defineCond defines what syntax builds: GREATEST, LEAST, array, row, struct and
// map constructors and accessors. Check calls them with types that it knows.
func defineCond(r *registry) {
	r.fn("greatest(variadic anycompatible) anycompatible", bindExtreme(1),
		"the largest of the arguments that are not null", "greatest(1, 5, NULL, 3)").nullable()
	r.fn("least(variadic anycompatible) anycompatible", bindExtreme(-1),
		"the smallest of the arguments that are not null", "least(4, 2, NULL, 3)").nullable()
	r.fn("num_nulls(variadic any) int4", func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(countNulls(a)), nil
	}, "number of null arguments", "num_nulls(1, NULL, 2)").nullable()
	r.fn("num_nonnulls(variadic any) int4", func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(int64(len(a)) - countNulls(a)), nil
	}, "number of arguments that are not null", "num_nonnulls(1, NULL, 2)").nullable()
	r.fn("array(variadic any) anyarray", bindArray, "ARRAY[...]", "ARRAY[1, 2, 3]").nullable()
	r.fn("row(variadic any) record", bindRow, "ROW(...)", "ROW(1, 'a', NULL)").nullable()
	r.fn("struct(variadic any) struct", bindRow, "STRUCT(name := value, ...)",
		"STRUCT(a := 1, b := 'x')").nullable()
	r.fn("map(variadic any) map", bindMap, "MAP(key := value, ...)",
		"MAP('a' := 1, 'b' := 2)").nullable()
	r.fn("map_get(map, any) any", bindMapGet, "m['key']", "(MAP('a' := 1, 'b' := 2))['b']")
	r.fn("struct_get(struct, text) any", bindStructGet, "s->field", "STRUCT(a := 1)->a")
	r.fn("record_get(record, int4) any", bindRecordGet, "(r).field", "(ROW(1, 'a'::text)).f2")
	r.fn("array_get(anyarray, variadic int4) any", bindArrayGet, "a[i]", "(ARRAY[1, 2, 3])[2]")
	r.fn("array_slice(anyarray, int4, int4, bool, bool) anyarray", bindArraySlice, "a[i:j]",
		"(ARRAY[1, 2, 3, 4])[2:3]").nullable()
}

func countNulls(a []types.Datum) int64 {
	n := int64(0)
	for _, d := range a {
		if d.Null {
			n++
		}
	}
	return n
}

func bindExtreme(sign int) func(f *Func, args []types.Type, ret types.Type) {
	return func(f *Func, _ []types.Type, ret types.Type) {
		f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			best := types.NullDatum
			for _, d := range a {
				if !d.Null && (best.Null || types.Compare(ret, d, best)*sign > 0) {
					best = d
				}
			}
			return best, nil
		}
	}
}

func bindArray(f *Func, _ []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) { return makeArrayDatum(a, ret) }
}

func bindRow(f *Func, _ []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		return types.RecordDatum(ret, a), nil
	}
}

func bindMap(f *Func, _ []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		keys, vals := make([]types.Datum, 0, len(a)/2), make([]types.Datum, 0, len(a)/2)
		for i := 0; i+1 < len(a); i += 2 {
			k := a[i]
			if k.Null && !isString(ret.Key.Kind) {
				continue
			}
			if k.Null {
				k = types.TextDatum("null") // as ksqlDB writes it; JSON has no other
			}
			keys, vals = append(keys, k), append(vals, a[i+1])
		}
		return types.MapDatum(ret, keys, vals), nil
	}
}

func bindMapGet(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if v, ok := types.MapGet(args[0], a[0].S, a[1]); ok {
			return v, nil
		}
		return types.NullDatum, nil
	}
}

func bindStructGet(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		i := args[0].FieldIndex(a[1].S)
		if i < 0 {
			return types.NullDatum, nil
		}
		return types.RecordField(args[0], a[0].S, i), nil
	}
}

func bindRecordGet(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		return types.RecordField(args[0], a[0].S, int(a[1].I)), nil
	}
}

// bindArrayGet is a[i][j]: NULL outside the bounds or with the wrong number of
// subscripts. Of arrays of arrays each subscript takes one level.
func bindArrayGet(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		r := types.OpenArrayDatum(elem, a[0])
		var subs [8]int64
		n := 0
		for _, d := range a[1:] {
			if n == len(subs) {
				return types.NullDatum, nil
			}
			subs[n] = d.I
			n++
		}
		i := r.Index(subs[:n]...)
		if i < 0 {
			return types.NullDatum, nil
		}
		return r.Datum(i), nil
	}
}

func bindArraySlice(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null || a[1].Null && a[3].Bool() || a[2].Null && a[4].Bool() {
			return types.NullDatum, nil
		}
		v := a[0].Array(elem)
		if len(v.Dims) == 0 {
			return types.ArrayOfDatums(elem, nil), nil
		}
		lo, hi := int64(v.Dims[0].Lower), int64(v.Dims[0].Lower)+int64(v.Dims[0].Len)-1
		from, to := lo, hi
		if a[3].Bool() {
			from = max(from, a[1].I)
		}
		if a[4].Bool() {
			to = min(to, a[2].I)
		}
		if from > to {
			return types.ArrayOfDatums(elem, nil), nil
		}
		step := len(v.Elems) / int(v.Dims[0].Len)
		v.Elems = v.Elems[int(from-lo)*step : int(to-lo+1)*step]
		dims := append([]types.Dim(nil), v.Dims...)
		dims[0] = types.Dim{Len: int32(to - from + 1), Lower: 1}
		for i := range dims {
			dims[i].Lower = 1
		}
		v.Dims = dims
		return types.ArrayDatum(elem, v), nil
	}
}
