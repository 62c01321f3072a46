package expr

import (
	"strconv"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Bounds are one subscript of an assignment: of a[i] Hi is the index, of a[lo:hi] both are
// set, or nil where the slice leaves one out.
type Bounds struct{ Lo, Hi Expr }

// ElementOf is a[i][j].
func ElementOf(a Expr, at []Expr) Expr {
	c := newChecker(nil)
	x, _ := c.nested("array_get", append([]Expr{a}, at...), elemOf(a.Type()), -1)
	return x
}

// PutElement is the array old with one element replaced, as UPDATE t SET a[i] = value
// leaves it: NULL is an empty array, and an array of one dimension grows as needed.
func PutElement(old, value Expr, at []Expr) Expr {
	elem := elemOf(old.Type())
	f := &Func{Name: "array_put", Variadic: true, Ret: old.Type()}
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		subs := make([]types.Dim, len(a)-2)
		for i, d := range a[2:] {
			if d.Null {
				return types.NullDatum, errNullSubscript("array")
			}
			subs[i] = types.Dim{Len: 1, Lower: int32(d.I)}
		}
		v, err := putRegion(arrayOrEmpty(elem, a[0]), subs, []types.Datum{a[1]}, false)
		if err != nil {
			return types.NullDatum, err
		}
		return types.ArrayDatum(elem, v), nil
	}
	return &Call{Fn: f, Args: append([]Expr{old, value}, at...), T: old.Type(), Pos: -1}
}

// PutSlice is the array old with a slice replaced by the elements of another array.
func PutSlice(old, value Expr, at []Bounds) Expr {
	elem := elemOf(old.Type())
	args := []Expr{old, value}
	given := make([]bool, 0, 2*len(at))
	for _, b := range at {
		for _, x := range []Expr{b.Lo, b.Hi} {
			given = append(given, x != nil)
			if x == nil {
				x = &Const{D: types.NullDatum, T: types.Of(types.Int4)}
			}
			args = append(args, x)
		}
	}
	f := &Func{Name: "array_put_slice", Variadic: true, Ret: old.Type()}
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		v := arrayOrEmpty(elem, a[0])
		subs, err := sliceRegion(v, a[2:], given)
		if err != nil || a[1].Null {
			return types.ArrayDatum(elem, v), err
		}
		if v, err = putRegion(v, subs, a[1].Array(elem).Elems, true); err != nil {
			return types.NullDatum, err
		}
		return types.ArrayDatum(elem, v), nil
	}
	return &Call{Fn: f, Args: args, T: old.Type(), Pos: -1}
}

func arrayOrEmpty(elem types.Type, d types.Datum) types.ArrayValue {
	if d.Null {
		return types.ArrayValue{}
	}
	return d.Array(elem)
}

func errNullSubscript(kind string) error {
	return sqlerr.New(sqlerr.NullValueNotAllowed, "%s subscript in assignment must not be null", kind)
}

// sliceRegion resolves the bounds of a slice against the array.
func sliceRegion(v types.ArrayValue, bounds []types.Datum, given []bool) ([]types.Dim, error) {
	subs := make([]types.Dim, len(bounds)/2)
	for i := range subs {
		lo, hi := bounds[2*i], bounds[2*i+1]
		if lo.Null && given[2*i] || hi.Null && given[2*i+1] {
			return nil, errNullSubscript("array")
		}
		if len(v.Dims) == 0 && (!given[2*i] || !given[2*i+1]) {
			return nil, sqlerr.New(sqlerr.ArraySubscriptError,
				"array slice subscript must provide both boundaries").WithDetail(
				"When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
		}
		if i < len(v.Dims) {
			if !given[2*i] {
				lo.I = int64(v.Dims[i].Lower)
			}
			if !given[2*i+1] {
				hi.I = int64(v.Dims[i].Lower) + int64(v.Dims[i].Len) - 1
			}
		}
		if lo.I > hi.I {
			return nil, sqlerr.New(sqlerr.ArraySubscriptError,
				"upper bound cannot be less than lower bound")
		}
		if hi.I-lo.I >= types.MaxGrownArray {
			return nil, errArraySize()
		}
		subs[i] = types.Dim{Len: int32(hi.I - lo.I + 1), Lower: int32(lo.I)}
	}
	return subs, nil
}

func errArraySize() error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)",
		types.MaxGrownArray)
}

// putRegion replaces the elements of a region of v by src. A slice may have fewer
// subscripts than the array has dimensions; it then goes through all of the others.
func putRegion(v types.ArrayValue, at []types.Dim, src []types.Datum, slice bool) (
	types.ArrayValue, error) {
	if len(v.Dims) > 0 && (len(at) > len(v.Dims) || !slice && len(at) < len(v.Dims)) {
		return v, errSubscripts()
	}
	for i := len(at); i < len(v.Dims); i++ {
		at = append(at, v.Dims[i])
	}
	need := int64(1)
	for _, d := range at {
		if need *= int64(d.Len); need > types.MaxGrownArray {
			return v, errArraySize()
		}
	}
	if int64(len(src)) < need {
		return v, sqlerr.New(sqlerr.ArraySubscriptError, "source array too small")
	}
	src = src[:need]
	switch len(v.Dims) {
	case 0:
		return types.ArrayValue{Dims: at, Elems: src}, nil
	case 1:
		return putGrowing(v, at[0], src)
	}
	for i, d := range at {
		if d.Lower < v.Dims[i].Lower || int64(d.Lower)+int64(d.Len) >
			int64(v.Dims[i].Lower)+int64(v.Dims[i].Len) {
			return v, sqlerr.New(sqlerr.ArraySubscriptError, "array subscript out of range")
		}
	}
	elems := append([]types.Datum(nil), v.Elems...)
	for i := range src {
		elems[regionIndex(v.Dims, at, i)] = src[i]
	}
	return types.ArrayValue{Dims: v.Dims, Elems: elems}, nil
}

// putGrowing is putRegion of one dimension, where the array grows to hold the region; what
// lies between is NULL.
func putGrowing(v types.ArrayValue, at types.Dim, src []types.Datum) (types.ArrayValue, error) {
	old := v.Dims[0]
	lo := min(int64(old.Lower), int64(at.Lower))
	end := max(int64(old.Lower)+int64(old.Len), int64(at.Lower)+int64(at.Len))
	if end-lo > types.MaxGrownArray {
		return v, errArraySize()
	}
	elems := make([]types.Datum, end-lo)
	for i := range elems {
		elems[i] = types.NullDatum
	}
	copy(elems[int64(old.Lower)-lo:], v.Elems)
	copy(elems[int64(at.Lower)-lo:], src)
	return types.ArrayValue{Dims: []types.Dim{{Len: int32(end - lo), Lower: int32(lo)}},
		Elems: elems}, nil
}

// regionIndex is the place in an array of dims of the i-th element of a region.
func regionIndex(dims, at []types.Dim, i int) int {
	place, step := 0, 1
	for k := len(dims) - 1; k >= 0; k-- {
		n := int(at[k].Len)
		place += (i%n + int(at[k].Lower-dims[k].Lower)) * step
		i /= n
		step *= int(dims[k].Len)
	}
	return place
}

// PutJSON is the jsonb old with the value at a path replaced, as UPDATE t SET j['k'] = value
// leaves it: what is missing on the way is made, and an array grows.
func PutJSON(old, value Expr, path []Expr) Expr {
	list := len(path) > 0 && path[0].Type().Kind == types.Int4
	f := &Func{Name: "jsonb_put", Variadic: true, Ret: old.Type()}
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		steps := make([]string, len(a)-2)
		for i, d := range a[2:] {
			switch {
			case d.Null:
				return types.NullDatum, errNullSubscript("jsonb")
			case path[i].Type().Kind == types.Int4:
				steps[i] = strconv.FormatInt(d.I, 10)
			default:
				steps[i] = d.S
			}
		}
		v := "null"
		if !a[1].Null {
			v = a[1].S
		}
		doc := "{}"
		if !a[0].Null {
			doc = a[0].S
		} else if list {
			doc = "[]"
		}
		s, err := types.JSONPut(doc, steps, v)
		return types.TextDatum(s), err
	}
	return &Call{Fn: f, Args: append([]Expr{old, value}, path...), T: old.Type(), Pos: -1}
}
