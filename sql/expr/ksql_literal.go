package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

// unifyLoose finds a common type where PostgreSQL's rules have none, as ksqlDB
// does for the elements of ARRAY, the keys and values of MAP and the list of IN:
// a text literal that is a number is one, other literals become text beside
// texts in a MAP, and STRUCTs get all fields that one of them has. ok is false
// where that does not help either.
func (c *checker) unifyLoose(xs []Expr, at []int, construct string) ([]Expr, types.Type, bool) {
	wide, changed := numberLiterals(xs)
	if construct == "MAP" && hasText(xs) {
		var some bool
		wide, some = literalsToText(wide)
		changed = changed || some
	}
	t, ok := unionOfStructs(wide)
	if !ok {
		t, ok = commonType(typesOf(wide))
		ok = ok && changed
	}
	if !ok {
		return nil, t, false
	}
	out := make([]Expr, len(wide))
	for i, x := range wide {
		y, err := c.coerce(x, t, CoerceImplicit, at[i])
		if err != nil && t.Kind == types.Struct {
			y, err = c.coerce(x, t, CoerceAssignment, at[i])
		}
		if err != nil {
			return nil, t, false
		}
		out[i] = y
	}
	return out, t, true
}

// numberLiterals gives untyped literals that are numbers the type that they would
// have without quotes, where all other expressions are numbers.
func numberLiterals(xs []Expr) (out []Expr, changed bool) {
	for _, x := range xs {
		if k := x.Type().Kind; k != types.Unknown && types.Category(k) != 'N' {
			return xs, false
		}
	}
	out = make([]Expr, len(xs))
	for i, x := range xs {
		out[i] = x
		lit, ok := x.(*Const)
		if !ok || lit.T.Kind != types.Unknown || lit.D.Null {
			continue
		}
		if n, ok := quotedNumber(lit.D.S); ok {
			out[i], changed = n, true
		}
	}
	return out, changed
}

// quotedNumber reads a number in any notation: an integer type where its value
// is whole, else numeric.
func quotedNumber(s string) (Expr, bool) {
	d, err := types.ParseDecimal(s)
	if err != nil || !d.IsFinite() {
		return nil, false
	}
	if d.Cmp(d.Trunc(0)) == 0 {
		if v, err := d.Int64(); err == nil {
			t := types.Of(types.Int8)
			if v == int64(int32(v)) {
				t = types.Of(types.Int4)
			}
			return &Const{D: types.IntDatum(v), T: t}, true
		}
	}
	return &Const{D: types.NumericDatum(d), T: types.Of(types.Numeric)}, true
}

func hasText(xs []Expr) bool {
	for _, x := range xs {
		if isString(x.Type().Kind) {
			return true
		}
	}
	return false
}

// literalsToText makes literals of other types text.
func literalsToText(xs []Expr) (out []Expr, changed bool) {
	out = make([]Expr, len(xs))
	for i, x := range xs {
		out[i] = x
		lit, ok := x.(*Const)
		if !ok || isString(lit.T.Kind) || lit.T.Kind == types.Unknown || lit.D.Null {
			continue
		}
		text := types.Of(types.Text)
		out[i] = &Const{D: types.TextDatum(literalText(lit)), T: text}
		changed = true
	}
	return out, changed
}

func literalText(c *Const) string {
	if c.T.Kind == types.Bool {
		return map[bool]string{true: "true", false: "false"}[c.D.Bool()]
	}
	return types.TextOf(nil, c.T, c.D)
}

// unionOfStructs gives the STRUCT with the fields of all, in order of their first
// appearance; fields of one name must have a common type.
func unionOfStructs(xs []Expr) (types.Type, bool) {
	t := types.Type{Kind: types.Struct}
	for _, x := range xs {
		u := x.Type()
		if u.Kind == types.Unknown {
			continue
		}
		if u.Kind != types.Struct {
			return t, false
		}
		for _, f := range u.Fields {
			i := t.FieldIndex(f.Name)
			if i < 0 {
				t.Fields = append(t.Fields, f)
				continue
			}
			both, ok := commonType([]types.Type{t.Fields[i].Type, f.Type})
			if !ok {
				return t, false
			}
			t.Fields[i].Type = both
		}
	}
	return t, len(t.Fields) > 0
}
