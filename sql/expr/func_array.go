package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineArray(r *registry) {
	dim := func(name, doc, example string, f func(types.Dim) int64) {
		r.fn(name+"(anyarray, int4) int4", bindDim(f), doc, example)
	}
	dim("array_length", "length of a dimension", "array_length(ARRAY[1, 2, 3], 1)",
		func(d types.Dim) int64 { return int64(d.Len) })
	dim("array_lower", "first subscript of a dimension", "array_lower(ARRAY[1, 2, 3], 1)",
		func(d types.Dim) int64 { return int64(d.Lower) })
	dim("array_upper", "last subscript of a dimension", "array_upper(ARRAY[1, 2, 3], 1)",
		func(d types.Dim) int64 { return int64(d.Lower) + int64(d.Len) - 1 })
	r.fn("array_ndims(anyarray) int4", bindDims(func(ds []types.Dim) types.Datum {
		if len(ds) == 0 {
			return types.NullDatum
		}
		return types.IntDatum(int64(len(ds)))
	}), "number of dimensions", "array_ndims('{{1,2},{3,4}}'::int[])")
	r.fn("array_dims(anyarray) text", bindDims(dimsText), "dimensions as text",
		"array_dims('{{1,2,3},{4,5,6}}'::int[])")
	r.fn("cardinality(anyarray) int4", bindCardinality, "number of elements",
		"cardinality(ARRAY[1, 2, 3])")
	r.fn("array_append(anycompatiblearray, anycompatible) anycompatiblearray", bindAppend,
		"array with an element at its end", "array_append(ARRAY[1, 2], 3)").nullable()
	r.fn("array_prepend(anycompatible, anycompatiblearray) anycompatiblearray", bindPrepend,
		"array with an element at its start", "array_prepend(1, ARRAY[2, 3])").nullable()
	cat := "(anycompatiblearray, anycompatiblearray) anycompatiblearray"
	r.fn("array_cat"+cat, bindCat, "arrays joined", "array_cat(ARRAY[1, 2, 3], ARRAY[4, 5])").nullable()
	r.fn("array_cat(anycompatiblearray, anycompatible) anycompatiblearray", bindAppend,
		"array of arrays with an array at its end", "array_cat(ARRAY[ARRAY[1]], ARRAY[2])").
		nullable().asFallback()
	r.fn("array_cat(anycompatible, anycompatiblearray) anycompatiblearray", bindPrepend,
		"array of arrays with an array at its start", "array_cat(ARRAY[2], ARRAY[ARRAY[1]])").
		nullable().asFallback()
	r.op("||"+cat, bindCat, "join arrays", "ARRAY[1, 2, 3] || ARRAY[4, 5]").nullable()
	r.op("||(anycompatiblearray, anycompatible) anycompatiblearray", bindAppend,
		"append an element", "ARRAY[4, 5] || 6").nullable()
	r.op("||(anycompatible, anycompatiblearray) anycompatiblearray", bindPrepend,
		"prepend an element", "3 || ARRAY[4, 5]").nullable()
	pair := "(anyarray, anyarray) bool"
	r.op("@>"+pair, bindContains(false), "contains", "ARRAY[1, 4, 3] @> ARRAY[3, 1, 3]")
	r.op("<@"+pair, bindContains(true), "is contained by", "ARRAY[2, 7] <@ ARRAY[1, 7, 4, 2, 6]")
	r.op("&&"+pair, bindOverlap, "have elements in common", "ARRAY[1, 4, 3] && ARRAY[2, 1]")
	defineArraySearch(r)
	defineArrayText(r)
	defineEnum(r)
}

func defineArraySearch(r *registry) {
	r.fn("array_position(anycompatiblearray, anycompatible) int4", bindPosition,
		"subscript of the first element that equals", "array_position(ARRAY['sun', 'mon'], 'mon')").nullable()
	r.fn("array_position(anycompatiblearray, anycompatible, int4) int4", bindPosition,
		"subscript of the first element that equals, from a subscript on",
		"array_position(ARRAY[1, 2, 1], 1, 2)").nullable()
	r.fn("array_positions(anycompatiblearray, anycompatible) int4[]", bindPositions,
		"subscripts of all elements that equal", "array_positions(ARRAY['A', 'A', 'B', 'A'], 'A')").nullable()
	r.fn("array_remove(anycompatiblearray, anycompatible) anycompatiblearray", bindRemove,
		"array without the elements that equal", "array_remove(ARRAY[1, 2, 3, 2], 2)").nullable()
	r.fn("array_replace(anycompatiblearray, anycompatible, anycompatible) anycompatiblearray",
		bindReplace, "elements that equal replaced", "array_replace(ARRAY[1, 2, 5, 4], 5, 3)").nullable()
	r.fn("array_fill(anyelement, int4[]) anyarray", bindFill, "array of copies of a value",
		"array_fill(11, ARRAY[2, 3])").nullable()
	r.fn("array_fill(anyelement, int4[], int4[]) anyarray", bindFill,
		"array of copies of a value, with lower bounds", "array_fill(7, ARRAY[3], ARRAY[2])").nullable()
	r.fn("trim_array(anyarray, int4) anyarray", bindTrimArray, "without the last elements",
		"trim_array(ARRAY[1, 2, 3, 4, 5, 6], 2)")
}

// dimsOf gives the dimensions, seeing through arrays of arrays of equal length.
func dimsOf(t types.Type, d types.Datum) []types.Dim {
	elem := elemOf(t)
	r := types.OpenArrayDatum(elem, d)
	ds := r.Dims()
	if elem.Kind == types.Array && r.Len() > 0 && !r.IsNull(0) {
		ds = append(ds, dimsOf(elem, r.Datum(0))...)
	}
	return ds
}

func bindDim(f func(types.Dim) int64) func(*Func, []types.Type, types.Type) {
	return func(fn *Func, args []types.Type, _ types.Type) {
		fn.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			ds := dimsOf(args[0], a[0])
			if a[1].I < 1 || a[1].I > int64(len(ds)) {
				return types.NullDatum, nil
			}
			return types.IntDatum(f(ds[a[1].I-1])), nil
		}
	}
}

func bindDims(f func([]types.Dim) types.Datum) func(*Func, []types.Type, types.Type) {
	return func(fn *Func, args []types.Type, _ types.Type) {
		fn.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			return f(dimsOf(args[0], a[0])), nil
		}
	}
}

func dimsText(ds []types.Dim) types.Datum {
	if len(ds) == 0 {
		return types.NullDatum
	}
	var b strings.Builder
	for _, d := range ds {
		b.WriteString("[" + strconv.Itoa(int(d.Lower)) + ":" + strconv.Itoa(int(d.Lower+d.Len-1)) + "]")
	}
	return types.TextDatum(b.String())
}

func bindCardinality(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		return types.IntDatum(int64(leafCount(args[0], a[0]))), nil
	}
}

func leafCount(t types.Type, d types.Datum) int {
	elem := elemOf(t)
	r := types.OpenArrayDatum(elem, d)
	if elem.Kind != types.Array {
		return r.Len()
	}
	n := 0
	for i := range r.Len() {
		if !r.IsNull(i) {
			n += leafCount(elem, r.Datum(i))
		}
	}
	return n
}

// oneDim refuses arrays of more dimensions.
func oneDim(v types.ArrayValue) error {
	if len(v.Dims) > 1 {
		return sqlerr.New(sqlerr.DataException, "argument must be empty or one-dimensional array")
	}
	return nil
}

func lowerOf(v types.ArrayValue) int32 {
	if len(v.Dims) == 0 {
		return 1
	}
	return v.Dims[0].Lower
}

func rebuilt(elem types.Type, elems []types.Datum, lower int32) types.Datum {
	v := types.NewArray(elems)
	if len(v.Dims) > 0 {
		v.Dims[0].Lower = lower
	}
	return types.ArrayDatum(elem, v)
}

func bindAppend(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		var v types.ArrayValue
		if !a[0].Null {
			v = a[0].Array(elem)
		}
		if err := oneDim(v); err != nil {
			return types.NullDatum, err
		}
		return rebuilt(elem, append(v.Elems, a[1]), lowerOf(v)), nil
	}
}

func bindPrepend(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		var v types.ArrayValue
		if !a[1].Null {
			v = a[1].Array(elem)
		}
		if err := oneDim(v); err != nil {
			return types.NullDatum, err
		}
		return rebuilt(elem, append([]types.Datum{a[0]}, v.Elems...), lowerOf(v)), nil
	}
}

func bindCat(f *Func, _ []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		switch {
		case a[0].Null:
			return a[1], nil
		case a[1].Null:
			return a[0], nil
		}
		v, w := a[0].Array(elem), a[1].Array(elem)
		switch {
		case len(v.Dims) == 0:
			return a[1], nil
		case len(w.Dims) == 0:
			return a[0], nil
		}
		out, err := catArrays(v, w)
		if err != nil {
			return types.NullDatum, err
		}
		return types.ArrayDatum(elem, out), nil
	}
}

// catArrays joins arrays of equal number of dimensions, or adds one to the end
// or start of an array that has one dimension more.
func catArrays(v, w types.ArrayValue) (types.ArrayValue, error) {
	bad := sqlerr.New(sqlerr.ArraySubscriptError, "cannot concatenate incompatible arrays")
	dims := append([]types.Dim(nil), v.Dims...)
	inner := v.Dims[1:]
	switch len(v.Dims) - len(w.Dims) {
	case 0:
		dims[0].Len += w.Dims[0].Len
		if !sameDims(inner, w.Dims[1:]) {
			return v, bad.WithDetail("Arrays with differing element dimensions are " +
				"not compatible for concatenation.")
		}
	case 1:
		dims[0].Len++
		if !sameDims(inner, w.Dims) {
			return v, bad.WithDetail("Arrays with differing dimensions are not compatible for concatenation.")
		}
	case -1:
		dims = append([]types.Dim(nil), w.Dims...)
		dims[0].Len++
		if !sameDims(v.Dims, w.Dims[1:]) {
			return v, bad.WithDetail("Arrays with differing dimensions are not compatible for concatenation.")
		}
	default:
		return v, bad.WithDetail("Arrays of %d and %d dimensions are not compatible for concatenation.",
			len(v.Dims), len(w.Dims))
	}
	elems := append(append([]types.Datum(nil), v.Elems...), w.Elems...)
	return types.ArrayValue{Dims: dims, Elems: elems}, nil
}

func sameDims(a, b []types.Dim) bool {
	return slices.Equal(a, b)
}

// keySet collects the equality keys of elements that are not NULL.
func keySet(elem types.Type, r *types.ArrayReader) map[string]bool {
	set := make(map[string]bool, r.Len())
	for i := range r.Len() {
		if !r.IsNull(i) {
			set[string(types.AppendKey(nil, elem, r.Datum(i)))] = true
		}
	}
	return set
}

// bindContains is @>: every element of the second is in the first. NULL elements
// match nothing.
func bindContains(flip bool) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		elem := elemOf(args[0])
		f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			if err := noOrder(opEq, elem); err != nil {
				return types.NullDatum, err
			}
			big, small := types.OpenArrayDatum(elem, a[0]), types.OpenArrayDatum(elem, a[1])
			if flip {
				big, small = small, big
			}
			return types.BoolDatum(elementsIn(elem, &small, &big)), nil
		}
	}
}

// fewElements is up to where a scan beats a set of keys.
const fewElements = 16

// elementsIn tells whether all elements of small are among those of big.
func elementsIn(elem types.Type, small, big *types.ArrayReader) bool {
	if min(small.Len(), big.Len()) <= fewElements {
		for i := range small.Len() {
			if small.IsNull(i) || !holdsElement(elem, big, small.Datum(i)) {
				return false
			}
		}
		return true
	}
	set := keySet(elem, big)
	var key []byte
	for i := range small.Len() {
		if small.IsNull(i) {
			return false
		}
		key = types.AppendKey(key[:0], elem, small.Datum(i))
		if !set[string(key)] {
			return false
		}
	}
	return true
}

func holdsElement(elem types.Type, r *types.ArrayReader, d types.Datum) bool {
	for i := range r.Len() {
		if !r.IsNull(i) && types.Equal(elem, r.Datum(i), d) {
			return true
		}
	}
	return false
}

func bindOverlap(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if err := noOrder(opEq, elem); err != nil {
			return types.NullDatum, err
		}
		x, y := types.OpenArrayDatum(elem, a[0]), types.OpenArrayDatum(elem, a[1])
		return types.BoolDatum(elementsMeet(elem, &x, &y)), nil
	}
}

// elementsMeet tells whether the arrays have an element in common.
func elementsMeet(elem types.Type, x, y *types.ArrayReader) bool {
	few := min(x.Len(), y.Len()) <= fewElements
	var set map[string]bool
	if !few {
		set = keySet(elem, x)
	}
	var key []byte
	for i := range y.Len() {
		switch {
		case y.IsNull(i):
		case few:
			if holdsElement(elem, x, y.Datum(i)) {
				return true
			}
		default:
			key = types.AppendKey(key[:0], elem, y.Datum(i))
			if set[string(key)] {
				return true
			}
		}
	}
	return false
}

func errMultiDimSearch() error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"searching for elements in multidimensional arrays is not supported")
}

func bindPosition(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		v := a[0].Array(elem)
		if len(v.Dims) > 1 {
			return types.NullDatum, errMultiDimSearch()
		}
		from := int64(lowerOf(v))
		if len(a) > 2 {
			hasNull := slices.ContainsFunc(v.Elems, func(d types.Datum) bool { return d.Null })
			if a[2].Null && len(v.Elems) > 0 && (!a[1].Null || hasNull) {
				return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed,
					"initial position must not be null")
			}
			from = a[2].I
		}
		if err := searchable(elem, v, a[1]); err != nil {
			return types.NullDatum, err
		}
		for i, d := range v.Elems {
			at := int64(lowerOf(v)) + int64(i)
			if at >= from && types.Equal(elem, d, a[1]) {
				return types.IntDatum(at), nil
			}
		}
		return types.NullDatum, nil
	}
}

// searchable gives the error of elements that do not compare, where some have to be.
func searchable(elem types.Type, v types.ArrayValue, x types.Datum) error {
	isNull := func(d types.Datum) bool { return d.Null }
	if len(v.Elems) == 0 || x.Null && !slices.ContainsFunc(v.Elems, isNull) {
		return nil
	}
	return noOrder(opEq, elem)
}

func bindPositions(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		v := a[0].Array(elem)
		if len(v.Dims) > 1 {
			return types.NullDatum, errMultiDimSearch()
		}
		if err := searchable(elem, v, a[1]); err != nil {
			return types.NullDatum, err
		}
		var at []types.Datum
		for i, d := range v.Elems {
			if types.Equal(elem, d, a[1]) {
				at = append(at, types.IntDatum(int64(lowerOf(v))+int64(i)))
			}
		}
		return types.ArrayOfDatums(types.Of(types.Int4), at), nil
	}
}

func bindRemove(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		v := a[0].Array(elem)
		if len(v.Dims) > 1 {
			return types.NullDatum, sqlerr.New(sqlerr.FeatureNotSupported,
				"removing elements from multidimensional arrays is not supported")
		}
		if err := noOrder(opEq, elem); err != nil && len(v.Elems) > 0 {
			return types.NullDatum, err
		}
		var keep []types.Datum
		for _, d := range v.Elems {
			if !types.Equal(elem, d, a[1]) {
				keep = append(keep, d)
			}
		}
		return rebuilt(elem, keep, lowerOf(v)), nil
	}
}

func bindReplace(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		v := a[0].Array(elem)
		if err := noOrder(opEq, elem); err != nil && len(v.Elems) > 0 {
			return types.NullDatum, err
		}
		for i, d := range v.Elems {
			if types.Equal(elem, d, a[1]) {
				v.Elems[i] = a[2]
			}
		}
		return types.ArrayDatum(elem, v), nil
	}
}

func bindFill(f *Func, args []types.Type, ret types.Type) {
	elem, ints := elemOf(ret), types.Of(types.Int4)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[1].Null || len(a) > 2 && a[2].Null {
			return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed,
				"dimension array or low bound array cannot be null")
		}
		for _, d := range a[1:] {
			if len(d.Array(ints).Dims) > 1 {
				return types.NullDatum, sqlerr.New(sqlerr.ArraySubscriptError,
					"wrong number of array subscripts").WithDetail("Dimension array must be one dimensional.")
			}
			if slices.ContainsFunc(d.Array(ints).Elems, func(d types.Datum) bool { return d.Null }) {
				return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed, "dimension values cannot be null")
			}
		}
		lens := a[1].Array(ints).Elems
		v := types.ArrayValue{}
		var lows []types.Datum
		if len(a) > 2 {
			lows = a[2].Array(ints).Elems
			if len(lows) != len(lens) {
				return types.NullDatum, sqlerr.New(sqlerr.ArraySubscriptError,
					"wrong number of array subscripts").
					WithDetail("Low bound array has different size than dimensions array.")
			}
		}
		dims, n, err := fillSize(a[0], lens)
		if err != nil {
			return types.NullDatum, err
		}
		v.Dims = dims
		for i := range lows {
			v.Dims[i].Lower = int32(lows[i].I)
		}
		if len(lens) == 0 || n == 0 {
			return types.ArrayOfDatums(elem, nil), nil
		}
		return types.FilledArray(elem, v.Dims, n, a[0]), nil
	}
}

// maxElements is PostgreSQL's MaxArraySize.
const maxElements = 134217727

// fillSize gives the dimensions of an array of copies of d, and their number: neither it
// nor their bytes may be more than a value can have.
func fillSize(d types.Datum, lens []types.Datum) (dims []types.Dim, n int, err error) {
	n = 1
	for _, l := range lens {
		if l.I < 0 || l.I > maxElements || int64(n)*l.I > maxElements {
			return nil, 0, sqlerr.New(sqlerr.ProgramLimitExceeded,
				"array size exceeds the maximum allowed (%d)", maxElements)
		}
		n *= int(l.I)
		dims = append(dims, types.Dim{Len: int32(l.I), Lower: 1})
	}
	if n > types.MaxGrownArray { // PostgreSQL's arrays may be larger than what we make at once
		return nil, 0, errArraySize()
	}
	return dims, n, checkTimes(n, len(d.S))
}

func bindTrimArray(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		v := a[0].Array(elem)
		n := 0
		if len(v.Dims) > 0 {
			n = int(v.Dims[0].Len)
		}
		if a[1].I < 0 || a[1].I > int64(n) {
			return types.NullDatum, sqlerr.New(sqlerr.ArraySubscriptError,
				"number of elements to trim must be between 0 and %d", n)
		}
		keep := n - int(a[1].I)
		if keep == 0 {
			return types.ArrayOfDatums(elem, nil), nil
		}
		v.Elems = v.Elems[:len(v.Elems)/n*keep]
		v.Dims = slices.Clone(v.Dims)
		v.Dims[0].Len = int32(keep)
		for i := range v.Dims {
			v.Dims[i].Lower = 1
		}
		return types.ArrayDatum(elem, v), nil
	}
}

func defineArrayText(r *registry) {
	r.fn("array_to_string(anyarray, text) text", bindJoin,
		"text forms with a delimiter between, NULLs left out",
		"array_to_string(ARRAY[1, 2, NULL, 5], ',')").stable()
	r.fn("array_to_string(anyarray, text, text) text", bindJoin,
		"text forms with a delimiter between, and a text for NULLs",
		"array_to_string(ARRAY[1, 2, NULL, 5], ',', '*')").stable().nullable()
	r.fn("string_to_array(text, text) text[]", stringToArray, "the fields between delimiters",
		"string_to_array('xx~~yy~~zz', '~~')").nullable()
	r.fn("string_to_array(text, text, text) text[]", stringToArray,
		"the fields between delimiters, one text standing for NULL",
		"string_to_array('xx~~yy~~zz', '~~', 'yy')").nullable()
}

func bindJoin(f *Func, args []types.Type, _ types.Type) {
	leaf := args[0].Innermost()
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null || a[1].Null {
			return types.NullDatum, nil
		}
		var b limitedText
		first := true
		for _, d := range leaves(args[0], a[0]) {
			if d.Null && (len(a) < 3 || a[2].Null) {
				continue
			}
			if !first {
				b.add(a[1].S)
			}
			first = false
			if d.Null {
				b.add(a[2].S)
			} else {
				b.add(formatText(env, leaf, d))
			}
		}
		return b.datum()
	}
}

// leaves gives all elements of all levels.
func leaves(t types.Type, d types.Datum) []types.Datum {
	elem := elemOf(t)
	ds := d.Array(elem).Elems
	if elem.Kind != types.Array {
		return ds
	}
	var out []types.Datum
	for _, x := range ds {
		if !x.Null {
			out = append(out, leaves(elem, x)...)
		}
	}
	return out
}

// splitToArray cuts s at a delimiter; NULL cuts between all characters.
func splitToArray(s string, delim types.Datum) []string {
	switch {
	case s == "":
		return nil
	case delim.Null:
		return strings.Split(s, "")
	case delim.S == "":
		return []string{s}
	}
	return strings.Split(s, delim.S)
}

func stringToArray(a []types.Datum) (types.Datum, error) {
	if a[0].Null {
		return types.NullDatum, nil
	}
	var out []types.Datum
	for _, p := range splitToArray(a[0].S, a[1]) {
		if len(a) > 2 && !a[2].Null && p == a[2].S {
			out = append(out, types.NullDatum)
		} else {
			out = append(out, types.TextDatum(p))
		}
	}
	return makeArrayDatum(out, textArray)
}
