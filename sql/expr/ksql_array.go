package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineKsqlArrays defines ksqlDB's functions of arrays and maps.
func defineKsqlArrays(r *registry) {
	pair := "(anycompatiblearray, anycompatiblearray) anycompatiblearray"
	r.fn("array_contains(anycompatiblearray, anycompatible) bool", bindArrayContains,
		"whether an element equals the value", "array_contains(ARRAY[1, 2], 2)").nullable()
	r.fn("array_concat"+pair, bindCat, "arrays joined", "array_concat(ARRAY[1], ARRAY[2])").nullable()
	r.fn("array_distinct(anyarray) anyarray", bindElems(func(t types.Type, vs []types.Datum) []types.Datum {
		return firstOfEach(t, vs)
	}), "the distinct elements, in order", "array_distinct(ARRAY[1, 2, 1])")
	r.fn("array_except"+pair, bindElemPair(func(t types.Type, a, b []types.Datum) []types.Datum {
		return inSet(t, firstOfEach(t, a), b, false)
	}), "the distinct elements that the second array lacks", "array_except(ARRAY[1, 2, 1], ARRAY[2])")
	r.fn("array_intersect"+pair, bindElemPair(func(t types.Type, a, b []types.Datum) []types.Datum {
		return inSet(t, firstOfEach(t, a), b, true)
	}), "the distinct elements that both arrays have", "array_intersect(ARRAY[1, 2], ARRAY[2, 3])")
	r.fn("array_union"+pair, bindElemPair(func(t types.Type, a, b []types.Datum) []types.Datum {
		return firstOfEach(t, append(a, b...))
	}), "the distinct elements of both arrays", "array_union(ARRAY[1, 2], ARRAY[2, 3])")
	r.fn("array_max(anyarray) anyelement", bindArrayExtreme(1), "the largest element",
		"array_max(ARRAY[1, 3, NULL])")
	r.fn("array_min(anyarray) anyelement", bindArrayExtreme(-1), "the smallest element",
		"array_min(ARRAY[1, 3, NULL])")
	r.fn("array_length(anyarray) int4", bindElemCount, "number of elements", "array_length(ARRAY[1, 2])")
	r.fn("array_join(anyarray) text", bindArrayJoin, "text forms joined by commas",
		"array_join(ARRAY[1, 2, NULL])").stable()
	r.fn("array_join(anyarray, text) text", bindArrayJoin, "text forms joined by a delimiter",
		"array_join(ARRAY[1, 2], '-')").nullable().stable()
	r.fn("array_sort(anyarray) anyarray", bindArraySort, "the elements sorted, NULLs last",
		"array_sort(ARRAY[2, NULL, 1])")
	r.fn("array_sort(anyarray, text) anyarray", bindArraySort, "the elements sorted, 'ASC' or 'DESC'",
		"array_sort(ARRAY[2, NULL, 1], 'DESC')")
	r.fn("slice(anyarray, int4, int4) anyarray", bindSlice, "the elements from one place to another",
		"slice(ARRAY[1, 2, 3, 4], 2, 3)").nullable()
	defineKsqlMaps(r)
}

func bindElemCount(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		r := types.OpenArrayDatum(elemOf(args[0]), a[0])
		return types.IntDatum(int64(r.Len())), nil
	}
}

func bindArrayContains(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.BoolDatum(false), nil
		}
		for _, d := range a[0].Array(elem).Elems {
			if types.Equal(elem, d, a[1]) {
				return types.BoolDatum(true), nil
			}
		}
		return types.BoolDatum(false), nil
	}
}

func bindElems(f func(types.Type, []types.Datum) []types.Datum) func(*Func, []types.Type, types.Type) {
	return func(fn *Func, args []types.Type, ret types.Type) {
		elem := elemOf(args[0])
		fn.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			return makeArrayDatum(f(elem, a[0].Array(elem).Elems), ret)
		}
	}
}

func bindElemPair(f func(t types.Type, a, b []types.Datum) []types.Datum,
) func(*Func, []types.Type, types.Type) {
	return func(fn *Func, args []types.Type, ret types.Type) {
		elem := elemOf(ret)
		fn.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			return makeArrayDatum(f(elem, a[0].Array(elem).Elems, a[1].Array(elem).Elems), ret)
		}
	}
}

// inSet keeps the elements of a that are, or are not, in b; NULL equals NULL.
func inSet(t types.Type, a, b []types.Datum, want bool) []types.Datum {
	set := make(map[string]bool, len(b))
	for _, d := range b {
		set[string(types.AppendKey(nil, t, d))] = true
	}
	out := a[:0]
	for _, d := range a {
		if set[string(types.AppendKey(nil, t, d))] == want {
			out = append(out, d)
		}
	}
	return out
}

func bindArrayExtreme(sign int) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		elem := elemOf(args[0])
		f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			best := types.NullDatum
			for _, d := range a[0].Array(elem).Elems {
				if !d.Null && (best.Null || types.Compare(elem, d, best)*sign > 0) {
					best = d
				}
			}
			return best, nil
		}
	}
}

func bindArrayJoin(f *Func, args []types.Type, _ types.Type) {
	leaf := args[0].Innermost()
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		sep := ","
		switch {
		case a[0].Null:
			return types.NullDatum, nil
		case len(a) > 1 && a[1].Null:
			sep = ""
		case len(a) > 1:
			sep = a[1].S
		}
		var parts []string
		for _, d := range leaves(args[0], a[0]) {
			switch {
			case d.Null:
				parts = append(parts, "null")
			case leaf.Kind == types.Bool:
				parts = append(parts, map[bool]string{true: "true", false: "false"}[d.Bool()])
			case leaf.Kind == types.Float8:
				parts = append(parts, javaDouble(d.F))
			default:
				parts = append(parts, formatText(env, leaf, d))
			}
		}
		return types.TextDatum(strings.Join(parts, sep)), nil
	}
}

func bindArraySort(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		sign := 1
		if len(a) > 1 {
			switch strings.ToUpper(a[1].S) {
			case "DESC", "DESCENDING":
				sign = -1
			case "ASC", "ASCENDING":
			default:
				return types.NullDatum, nil
			}
		}
		vs := a[0].Array(elem).Elems
		slices.SortStableFunc(vs, func(x, y types.Datum) int {
			if x.Null || y.Null {
				return types.Compare(elem, x, y)
			}
			return types.Compare(elem, x, y) * sign
		})
		return makeArrayDatum(vs, ret)
	}
}

func bindSlice(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		vs := a[0].Array(elem).Elems
		from, to := int64(1), int64(len(vs))
		if !a[1].Null {
			from = a[1].I
		}
		if !a[2].Null {
			to = a[2].I
		}
		if from < 1 || to > int64(len(vs)) || from > to+1 {
			return types.NullDatum, nil
		}
		return makeArrayDatum(vs[from-1:to], ret)
	}
}

func defineKsqlMaps(r *registry) {
	r.fn("as_map(text[], anyarray) map", bindAsMap, "map of keys and values",
		"as_map(ARRAY['a', 'b'], ARRAY[1, 2])").withRet(func(a []types.Type) types.Type {
		return types.MapOf(types.Of(types.Text), elemOf(a[1]))
	})
	r.fn("map_keys(map) anyarray", bindMapKeys, "the keys", "map_keys(MAP('b' := 1, 'a' := 2))").
		withRet(func(a []types.Type) types.Type { return types.ArrayOf(*a[0].Key) })
	r.fn("map_values(map) anyarray", bindMapValues, "the values, in order of the keys",
		"map_values(MAP('b' := 1, 'a' := 2))").
		withRet(func(a []types.Type) types.Type { return types.ArrayOf(*a[0].Elem) })
	r.fn("map_union(map, map) map", bindMapUnion, "entries of both maps, the second wins",
		"map_union(MAP('a' := 1), MAP('b' := 2))").
		withRet(func(a []types.Type) types.Type { return a[0] }).nullable()
	r.fn("entries(map, bool) anyarray", bindEntries, "array of structs of key and value",
		"entries(MAP('a' := 1, 'b' := 2), true)").withRet(func(a []types.Type) types.Type {
		return types.ArrayOf(entryType(a[0]))
	})
}

func entryType(m types.Type) types.Type {
	return types.Type{Kind: types.Struct, Fields: []types.Field{
		{Name: "k", Type: *m.Key}, {Name: "v", Type: *m.Elem}}}
}

func bindAsMap(f *Func, args []types.Type, ret types.Type) {
	text, elem := types.Of(types.Text), elemOf(args[1])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		var keys, vals []types.Datum
		given := a[1].Array(elem).Elems
		for i, k := range a[0].Array(text).Elems {
			if k.Null {
				continue
			}
			v := types.NullDatum
			if i < len(given) {
				v = given[i]
			}
			keys, vals = append(keys, k), append(vals, v)
		}
		return types.MapDatum(ret, keys, vals), nil
	}
}

func bindMapKeys(f *Func, args []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		keys, _ := types.DecodeMap(args[0], aliasBytes(a[0].S))
		return makeArrayDatum(keys, ret)
	}
}

func bindMapValues(f *Func, args []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		_, vals := types.DecodeMap(args[0], aliasBytes(a[0].S))
		return makeArrayDatum(vals, ret)
	}
}

func bindMapUnion(f *Func, args []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		switch {
		case a[0].Null:
			return a[1], nil
		case a[1].Null:
			return a[0], nil
		case !args[0].Same(args[1]):
			return types.NullDatum, sqlerr.New(sqlerr.DatatypeMismatch,
				"map_union needs two maps of one type, not %s and %s", args[0], args[1])
		}
		k1, v1 := types.DecodeMap(args[0], aliasBytes(a[0].S))
		k2, v2 := types.DecodeMap(args[1], aliasBytes(a[1].S))
		return types.MapDatum(ret, append(k1, k2...), append(v1, v2...)), nil
	}
}

func bindEntries(f *Func, args []types.Type, ret types.Type) {
	entry := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		keys, vals := types.DecodeMap(args[0], aliasBytes(a[0].S))
		out := make([]types.Datum, len(keys))
		for i := range keys {
			out[i] = types.RecordDatum(entry, []types.Datum{keys[i], vals[i]})
		}
		return makeArrayDatum(out, ret)
	}
}
