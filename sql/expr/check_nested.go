package expr

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// arrayLit checks ARRAY[...]; elements convert to their common type.
func (c *checker) arrayLit(e *sql.ArrayLit) (Expr, error) {
	if len(e.Elems) == 0 {
		return nil, sqlerr.New(sqlerr.IndeterminateDatatype,
			"cannot determine type of empty array").At(e.Pos()).
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
	}
	xs, err := c.checkAll(e.Elems)
	if err != nil {
		return nil, err
	}
	if err := c.typeless(xs, "an array of NULLs", e.Pos()); err != nil {
		return nil, err
	}
	xs, t, err := c.unifyListed(xs, positions(e.Elems), "ARRAY", e.Pos())
	if err != nil {
		return nil, err
	}
	if c.ksql {
		t.Mod = 0
	}
	xs, t = c.widened(xs, t, positions(e.Elems))
	return makeArray(xs, listOf(t), e.Pos()), nil
}

// listOf gives the type of ARRAY[...] with elements of type t.
func listOf(t types.Type) types.Type {
	if t.Kind == types.Array && builtin().flat {
		return t
	}
	return types.ArrayOf(t)
}

// typedArray checks ARRAY[...]::t[]: each element is cast, and there may be none. All are
// checked before the first is cast; that one of them is an array makes all be cast to one.
func (c *checker) typedArray(e *sql.ArrayLit, t types.Type) (Expr, error) {
	xs := make([]Expr, len(e.Elems))
	elem, want := elemOf(t), elemOf(t)
	for i, el := range e.Elems {
		var err error
		if a, ok := el.(*sql.ArrayLit); ok {
			sub := t
			if elem.Kind == types.Array {
				sub = elem
			}
			xs[i], err = c.typedArray(a, sub)
		} else {
			xs[i], err = c.check(el)
		}
		if err != nil {
			return nil, err
		}
		if xs[i].Type().Kind == types.Array && elem.Kind != types.Array {
			want = t
		}
	}
	for i, x := range xs {
		var err error
		if x.Type().Kind == types.Unknown && want.Kind != types.Interval {
			// A literal is read first; that it does not fit a length is found with the rest.
			x, err = c.coerce(x, want.WithTypmod(-1), CoerceExplicit, e.Elems[i].Pos())
		}
		if err == nil {
			xs[i], err = c.coerce(x, want, CoerceExplicit, e.Elems[i].Pos())
		}
		if err != nil {
			return nil, err
		}
	}
	if want.Kind == types.Array && elem.Kind != types.Array {
		x := makeArray(xs, listOf(t), e.Pos())
		return c.coerce(x, t, CoerceExplicit, e.Pos())
	}
	return makeArray(xs, t, e.Pos()), nil
}

func makeArray(xs []Expr, t types.Type, pos int) Expr {
	fn, _ := bound(builtin().funcs["array"][0], typesOf(xs), t)
	return &Call{Fn: fn, Args: xs, T: t, Pos: pos}
}

// row checks ROW(...) as a value.
func (c *checker) row(e *sql.Row) (Expr, error) {
	xs, err := c.rowElems(e.Elems)
	if err != nil {
		return nil, err
	}
	t := types.Type{Kind: types.Record}
	for i, x := range xs {
		if xs[i], err = Settle(x, c.sc, e.Elems[min(i, len(e.Elems)-1)].Pos()); err != nil {
			return nil, err
		}
		t.Fields = append(t.Fields,
			types.Field{Name: "f" + strconv.Itoa(i+1), Type: xs[i].Type()})
	}
	fn, _ := bound(builtin().funcs["row"][0], typesOf(xs), t)
	return &Call{Fn: fn, Args: xs, T: t, Pos: e.Pos()}, nil
}

// rowElems checks the elements of ROW(...), in which t.* stands for the columns of t.
func (c *checker) rowElems(es []sql.Expr) ([]Expr, error) {
	var out []Expr
	for _, e := range es {
		x, err := c.check(e)
		if err != nil {
			return nil, err
		}
		ref, ok := e.(*sql.ColRef)
		if call, isRow := x.(*Call); ok && ref.Star && isRow && call.Fn.Name == "row" {
			out = append(out, call.Args...)
			continue
		}
		out = append(out, x)
	}
	return out, nil
}

func (c *checker) structLit(e *sql.StructLit) (Expr, error) {
	xs, err := c.checkAll(e.Vals)
	if err != nil {
		return nil, err
	}
	t := types.Type{Kind: types.Struct}
	for i, x := range xs {
		if xs[i], err = Settle(x, c.sc, e.Vals[i].Pos()); err != nil {
			return nil, err
		}
		for _, f := range t.Fields {
			if f.Name == e.Names[i] {
				return nil, sqlerr.New(sqlerr.DuplicateColumn,
					"field \"%s\" specified more than once", e.Names[i]).At(e.Vals[i].Pos())
			}
		}
		t.Fields = append(t.Fields, types.Field{Name: e.Names[i], Type: xs[i].Type()})
	}
	fn, _ := bound(builtin().funcs["struct"][0], typesOf(xs), t)
	return &Call{Fn: fn, Args: xs, T: t, Pos: e.Pos()}, nil
}

func (c *checker) mapLit(e *sql.MapLit) (Expr, error) {
	if len(e.Keys) == 0 {
		return nil, sqlerr.New(sqlerr.IndeterminateDatatype,
			"cannot determine type of empty map").At(e.Pos()).
			WithHint("Cast it to the desired type: CAST('{}' AS MAP<STRING, INT>).")
	}
	keys, err := c.checkAll(e.Keys)
	if err != nil {
		return nil, err
	}
	vals, err := c.checkAll(e.Vals)
	if err != nil {
		return nil, err
	}
	if err := c.typeless(vals, "a map of NULLs", e.Pos()); err != nil {
		return nil, err
	}
	keys, kt, err := c.unifyListed(keys, positions(e.Keys), "MAP", e.Pos())
	if err != nil {
		return nil, err
	}
	vals, vt, err := c.unifyListed(vals, positions(e.Vals), "MAP", e.Pos())
	if err != nil {
		return nil, err
	}
	kt.Mod, vt.Mod = 0, 0
	vals, vt = c.widened(vals, vt, positions(e.Vals))
	xs := make([]Expr, 0, 2*len(keys))
	for i := range keys {
		xs = append(xs, keys[i], vals[i])
	}
	t := types.MapOf(kt, vt)
	fn, _ := bound(builtin().funcs["map"][0], typesOf(xs), t)
	return &Call{Fn: fn, Args: xs, T: t, Pos: e.Pos()}, nil
}

// index checks subscripts of arrays, maps and jsonb, and slices of arrays.
func (c *checker) index(e *sql.Index) (Expr, error) {
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	t := x.Type()
	if e.Slice {
		return c.slice(e, x)
	}
	i, err := c.check(e.Lo)
	if err != nil {
		return nil, err
	}
	if y, ok, err := c.dialectIndex(e, x, i); ok || err != nil {
		return y, err
	}
	if !e.Alone && isChain(x) && t.Kind != types.Map {
		if i, err = c.subscript(i, e.Lo.Pos()); err != nil {
			return nil, err
		}
		if x.(*Call).Fn.Name == "array_slice" {
			one := &Const{D: types.IntDatum(1), T: types.Of(types.Int4)}
			return c.chainSlice(x, []Expr{one, i, trueConst(), trueConst()}, e.Pos())
		}
		return c.subscripted(e, x, i)
	}
	switch t.Kind {
	case types.Name:
		if i, err = c.subscript(i, e.Lo.Pos()); err != nil {
			return nil, err
		}
		return c.nested("name_get", []Expr{x, i}, types.Of(types.Char), e.Pos())
	case types.Array, types.Int2vector, types.Oidvector:
		if i, err = c.subscript(i, e.Lo.Pos()); err != nil {
			return nil, err
		}
		return c.subscripted(e, x, i)
	case types.Map:
		if i, err = c.coerce(i, *t.Key, CoerceImplicit, e.Lo.Pos()); err != nil {
			return nil, err
		}
		y, err := c.nested("map_get", []Expr{x, i}, *t.Elem, e.Pos())
		if call, is := y.(*Call); is && c.ksql && call.T.Kind == types.Numeric {
			call.T = *t.Elem
		}
		return y, err
	case types.JSONB:
		return c.jsonSubscript(e, x, i)
	}
	return nil, sqlerr.New(sqlerr.DatatypeMismatch,
		"cannot subscript type %s because it does not support subscripting",
		baseName(t)).At(e.X.Pos())
}

// jsonSubscript is #> of a path of one: a text is an index of an array too, and a
// scalar is no array of one, as it is for ->. A key that is no number is the same to
// both, and -> needs no array.
func (c *checker) jsonSubscript(e *sql.Index, x, i Expr) (Expr, error) {
	text := types.Of(types.Text)
	switch k := i.Type().Kind; {
	case k == types.Int2 || k == types.Int4:
	case k == types.Unknown || CanCoerce(i.Type(), text, CoerceImplicit):
		if k, ok := i.(*Const); ok && !k.D.Null && strings.Trim(k.D.S, "-+0123456789 ") != "" {
			return c.operator("->", []Expr{x, i}, e.Pos())
		}
	default:
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "subscript type %s is not supported",
			baseName(i.Type())).At(e.Lo.Pos()).
			WithHint("jsonb subscript must be coercible to either integer or text.")
	}
	key, err := c.coerce(i, text, CoerceExplicit, e.Lo.Pos())
	if err != nil {
		return nil, err
	}
	path := makeArray([]Expr{key}, types.ArrayOf(text), e.Pos())
	return c.operator("#>", []Expr{x, path}, e.Pos())
}

// isChain tells whether x is a subscripted array, or a name, to which another subscript
// belongs: a[1][2] is one element of an array of two dimensions, and a[1:2][2] is
// a[1:2][1:2].
func isChain(x Expr) bool {
	call, ok := x.(*Call)
	if !ok {
		return false
	}
	switch base := call.Args[0:min(1, len(call.Args))]; call.Fn.Name {
	case "array_get":
		return x.Type().Kind != types.Array || base[0].Type().Kind != types.Array
	case "array_slice":
		return elemOf(base[0].Type()).Kind != types.Array
	case "name_get":
		return true
	}
	return false
}

func trueConst() Expr { return &Const{D: types.BoolDatum(true), T: boolType} }

// chainSlice adds a slice to the subscripts of x, all of which are slices then.
func (c *checker) chainSlice(x Expr, bounds []Expr, pos int) (Expr, error) {
	call := x.(*Call)
	args := append([]Expr(nil), call.Args...)
	if call.Fn.Name == "array_get" {
		args = args[:1]
		for _, i := range call.Args[1:] {
			one := &Const{D: types.IntDatum(1), T: types.Of(types.Int4)}
			args = append(args, one, i, trueConst(), trueConst())
		}
	}
	return c.nested("array_slice", append(args, bounds...), args[0].Type(), pos)
}

// subscripted flattens x[i][j] over an array: a[i] alone is an element, or a
// sub-array where the type says so.
func (c *checker) subscripted(e *sql.Index, x, i Expr) (Expr, error) {
	if call, ok := x.(*Call); ok && !e.Alone && isChain(x) {
		args := append(append([]Expr(nil), call.Args...), i)
		y, err := c.nested(call.Fn.Name, args, x.Type(), e.Pos())
		if again, ok := y.(*Call); ok {
			again.T = x.Type()
		}
		return y, err
	}
	y, err := c.nested("array_get", []Expr{x, i}, elemOf(x.Type()), e.Pos())
	if call, ok := y.(*Call); ok && !c.ksql {
		call.T = elemOf(x.Type())
	}
	return y, err
}

func (c *checker) subscript(i Expr, pos int) (Expr, error) {
	if !CanCoerce(i.Type(), types.Of(types.Int4), CoerceAssignment) ||
		types.Category(i.Type().Kind) == 'S' {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch,
			"array subscript must have type integer").At(pos)
	}
	return c.coerce(i, types.Of(types.Int4), CoerceAssignment, pos)
}

func (c *checker) slice(e *sql.Index, x Expr) (Expr, error) {
	chain := !e.Alone && isChain(x) && x.Type().Kind != types.Map
	if x.Type().Kind != types.Array && x.Type().Kind != types.Name && !chain {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch,
			"cannot subscript type %s because it does not support subscripting",
			baseName(x.Type())).At(e.Pos())
	}
	var args []Expr
	for _, b := range []sql.Expr{e.Lo, e.Hi} {
		if b == nil {
			args = append(args, &Const{D: types.NullDatum, T: types.Of(types.Int4)})
			continue
		}
		i, err := c.check(b)
		if err != nil {
			return nil, err
		}
		if i, err = c.subscript(i, b.Pos()); err != nil {
			return nil, err
		}
		args = append(args, i)
	}
	for _, b := range []sql.Expr{e.Lo, e.Hi} {
		given := &Const{D: types.BoolDatum(b != nil), T: boolType}
		args = append(args, given)
	}
	switch {
	case x.Type().Kind == types.Name, chain && x.(*Call).Fn.Name == "name_get":
		return c.nested("name_slice", append([]Expr{x}, args...), types.Of(types.Name), e.Pos())
	case chain:
		return c.chainSlice(x, args, e.Pos())
	}
	return c.nested("array_slice", append([]Expr{x}, args...), x.Type(), e.Pos())
}

// nested applies an internal accessor with a result type that the syntax gives.
func (c *checker) nested(name string, args []Expr, t types.Type, pos int) (Expr, error) {
	t.Mod = 0
	fn, _ := bound(builtin().funcs[name][0], typesOf(args), t)
	return &Call{Fn: fn, Args: args, T: t, Pos: pos}, nil
}

// field checks (x).name and x->name. On json, -> name is the json operator.
func (c *checker) field(e *sql.Field) (Expr, error) {
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	if e.Star {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"row expansion via \"*\" is not supported here").At(e.Pos())
	}
	t := x.Type()
	switch t.Kind {
	case types.Struct, types.Record:
		return c.structField(e, x)
	case types.JSON, types.JSONB:
		if e.Arrow {
			key, err := c.sc.Column([]string{e.Name}, e.Pos())
			if err != nil {
				return nil, err
			}
			return c.operator("->", []Expr{x, key}, e.Pos())
		}
	}
	if e.Arrow {
		return nil, errNoOperator("->", []types.Type{t, types.Of(types.Unknown)}, notFound, e.Pos())
	}
	return nil, sqlerr.New(sqlerr.WrongObjectType,
		"column notation .%s applied to type %s, which is not a composite type",
		e.Name, baseName(t)).At(e.X.Pos())
}

// FieldOf gives field i of a row.
func FieldOf(x Expr, i int) Expr {
	if call, ok := x.(*Call); ok && call.Fn.Name == "row" {
		return call.Args[i]
	}
	at := &Const{D: types.IntDatum(int64(i)), T: types.Of(types.Int4)}
	c := newChecker(nil)
	y, err := c.nested("record_get", []Expr{x, at}, x.Type().Fields[i].Type, -1)
	if err != nil {
		return x
	}
	return y
}

func (c *checker) structField(e *sql.Field, x Expr) (Expr, error) {
	t := x.Type()
	for i, f := range t.Fields {
		if f.Name != e.Name {
			continue
		}
		if call, ok := x.(*Call); ok && (call.Fn.Name == "row" || call.Fn.Name == "struct") {
			return call.Args[i], nil
		}
		name := "struct_get"
		arg := Expr(&Const{D: types.TextDatum(f.Name), T: types.Of(types.Text)})
		if t.Kind == types.Record {
			name = "record_get"
			arg = &Const{D: types.IntDatum(int64(i)), T: types.Of(types.Int4)}
		}
		return c.nested(name, []Expr{x, arg}, f.Type, e.Pos())
	}
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	err := sqlerr.New(sqlerr.UndefinedColumn, "could not identify column \"%s\" in record data type",
		e.Name).At(e.Pos())
	if t.Row != nil {
		err = sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" not found in data type %s",
			e.Name, t).At(e.X.Pos())
	}
	if t.Kind == types.Struct {
		err = sqlerr.New(sqlerr.UndefinedColumn, "field \"%s\" does not exist in %s",
			e.Name, t).At(e.Pos())
	}
	if near := closest(e.Name, names); near != "" {
		return nil, err.WithHint("Did you mean \"%s\"?", near)
	}
	return nil, err
}

// closest gives the name that a misspelt one is nearest to, or "".
func closest(name string, names []string) string {
	best, limit := "", min(2, len(name)/2)+1
	for _, s := range names {
		if d := editDistance(name, s, limit); d < limit {
			best, limit = s, d
		}
	}
	return best
}
