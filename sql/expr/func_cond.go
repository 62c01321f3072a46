package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
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
	r.fn("array_slice(anyarray, variadic any) anyarray", bindArraySlice, "a[i:j]",
		"(ARRAY[1, 2, 3, 4])[2:3]").nullable()
	r.fn("name_get(name, variadic int4) char", nameGet, "n[i]: a byte of a name",
		"('abc'::name)[0]")
	r.fn("name_slice(name, int4, int4, bool, bool) name", nameSlice, "n[i:j], which is refused",
		"(NULL::name)[0:1]").nullable()
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
		switch ret.Phys() {
		case types.PhysInt64:
			f.Kernel = extremeKernel[int64](sign)
		case types.PhysFloat64:
			f.Kernel = extremeKernel[float64](sign)
		default:
			f.Row = extremeRow(sign, ret)
		}
	}
}

func extremeRow(sign int, t types.Type) RowFunc {
	return func(_ *Env, a []types.Datum) (types.Datum, error) {
		best := types.NullDatum
		for _, d := range a {
			if !d.Null && (best.Null || types.Compare(t, d, best)*sign > 0) {
				best = d
			}
		}
		return best, nil
	}
}

// extremeKernel is GREATEST (sign 1) or LEAST (sign -1) of numbers.
func extremeKernel[T number](sign int) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		res := numsOf[T](out)
		for _, r := range rows {
			var best T
			none := true
			for _, v := range args {
				if v.IsNull(int(r)) {
					continue
				}
				x := numsOf[T](v)[v.Row(int(r))]
				if none || compareNum(x, best)*sign > 0 {
					best, none = x, false
				}
			}
			if none {
				setNull(out, int(r))
				continue
			}
			res[r] = best
		}
		return nil
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

// bindArraySlice cuts one dimension after the other: four arguments say from where and to
// where, and whether that is given.
func bindArraySlice(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		for i := 0; i < len(a); i++ {
			if a[i].Null && (i == 0 || i%4 == 1 && a[i+2].Bool() || i%4 == 2 && a[i+2].Bool()) {
				return types.NullDatum, nil
			}
		}
		v := a[0].Array(elem)
		if len(v.Dims) < (len(a)-1)/4 {
			return types.ArrayOfDatums(elem, nil), nil
		}
		dims := append([]types.Dim(nil), v.Dims...)
		first := make([]int, len(dims)) // of the part, counted from 0
		for i := range dims {
			lo, hi := int64(dims[i].Lower), int64(dims[i].Lower)+int64(dims[i].Len)-1
			from, to := lo, hi
			if k := 4*i + 1; k < len(a) {
				if a[k+2].Bool() {
					from = max(from, a[k].I)
				}
				if a[k+3].Bool() {
					to = min(to, a[k+1].I)
				}
			}
			if from > to {
				return types.ArrayOfDatums(elem, nil), nil
			}
			first[i] = int(from - lo)
			dims[i] = types.Dim{Len: int32(to - from + 1), Lower: 1}
		}
		if len(dims) == 0 {
			return types.ArrayOfDatums(elem, nil), nil
		}
		part := types.ArrayValue{Dims: dims}
		part.Elems = cutArray(part.Elems, v.Elems, v.Dims, dims, first)
		return types.ArrayDatum(elem, part), nil
	}
}

// cutArray appends the elements of the part of an array that begins at first and has the
// lengths of part.
func cutArray(out, elems []types.Datum, whole, part []types.Dim, first []int) []types.Datum {
	step := len(elems) / int(whole[0].Len)
	for i := first[0]; i < first[0]+int(part[0].Len); i++ {
		row := elems[i*step : (i+1)*step]
		if len(whole) == 1 {
			out = append(out, row...)
		} else {
			out = cutArray(out, row, whole[1:], part[1:], first[1:])
		}
	}
	return out
}

// nameLength is the length of a name, in bytes, with the zero bytes at its end.
const nameLength = 64

// nameGet is a byte of a name, which is an array of 64 of the type "char" that begins at 0.
func nameGet(a []types.Datum) (types.Datum, error) {
	i := a[1].I
	if len(a) > 2 || i < 0 || i >= nameLength {
		return types.NullDatum, nil
	}
	if i >= int64(len(a[0].S)) {
		return types.TextDatum(""), nil
	}
	return types.TextDatum(a[0].S[i : i+1]), nil
}

func nameSlice(a []types.Datum) (types.Datum, error) {
	if a[0].Null || a[1].Null && a[3].Bool() || a[2].Null && a[4].Bool() {
		return types.NullDatum, nil
	}
	return types.NullDatum, sqlerr.New(sqlerr.FeatureNotSupported,
		"slices of fixed-length arrays not implemented")
}
