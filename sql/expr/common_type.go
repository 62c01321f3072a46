package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// commonType is PostgreSQL's select_common_type: the type that all of ts convert
// to. Unknown literals follow the others; all unknown is text.
func commonType(ts []types.Type) (types.Type, bool) {
	best := types.Of(types.Unknown)
	for _, t := range ts {
		if t.Kind == types.Unknown || t.Same(best) {
			continue
		}
		if best.Kind == types.Unknown {
			best = t
			continue
		}
		if arrayDepth(best) != arrayDepth(t) {
			return best, false
		}
		if u, ok := commonNested(best, t); ok {
			best = u
			continue
		}
		if types.Category(t.Kind) != types.Category(best.Kind) && !bothNested(t, best) {
			return best, false
		}
		if !types.Preferred(best.Kind) && CanCoerce(best, t, CoerceImplicit) &&
			!CanCoerce(t, best, CoerceImplicit) {
			best = t
		}
	}
	if best.Kind == types.Unknown {
		return types.Of(types.Text), true
	}
	return best, true
}

// arrayDepth counts the levels of arrays: ARRAY<ARRAY<T>> is another type than
// ARRAY<T> here.
func arrayDepth(t types.Type) int {
	n := 0
	for ; t.Kind == types.Array && t.Elem != nil; t = *t.Elem {
		n++
	}
	return n
}

// commonNested gives the type that two MAPs, or two STRUCTs with the same fields,
// have in common.
func commonNested(a, b types.Type) (types.Type, bool) {
	switch {
	case a.Kind == types.Map && b.Kind == types.Map && a.Key != nil && b.Key != nil:
		k, ok1 := commonType([]types.Type{*a.Key, *b.Key})
		v, ok2 := commonType([]types.Type{*a.Elem, *b.Elem})
		return types.MapOf(k, v), ok1 && ok2
	case a.Kind == types.Struct && b.Kind == types.Struct && len(a.Fields) == len(b.Fields):
		t := types.Type{Kind: types.Struct, Fields: make([]types.Field, len(a.Fields))}
		for i, f := range a.Fields {
			u, ok := commonType([]types.Type{f.Type, b.Fields[i].Type})
			if !ok || f.Name != b.Fields[i].Name {
				return a, false
			}
			t.Fields[i] = types.Field{Name: f.Name, Type: u}
		}
		return t, true
	}
	return a, false
}

func bothNested(a, b types.Type) bool { return isNested(a.Kind) && isNested(b.Kind) }

// commonTypmod gives the modifier that all of es share, 0 when they differ: a literal has
// none. That of an array is its elements'.
func commonTypmod(es []Expr, t types.Type) int32 {
	mod := int32(-1)
	for _, e := range es {
		u := e.Type()
		if m := u.Innermost().Mod; !u.Same(t) || mod >= 0 && m != mod {
			return 0
		} else if mod < 0 {
			mod = m
		}
	}
	return max(mod, 0)
}

// withMod gives t with the modifier m, an array with elements that have it.
func withMod(t types.Type, m int32) types.Type {
	switch {
	case t.Kind != types.Array || t.Elem == nil:
		t.Mod = m
	case t.Innermost().Mod != m:
		t = types.ArrayOf(withMod(*t.Elem, m))
	}
	return t
}

// CommonType gives the type that all expressions convert to, by the rules of
// UNION, CASE, VALUES and their like; construct names it in the error, such as
// "UNION".
func CommonType(es []Expr, construct string, pos int) (types.Type, error) {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	t, ok := commonType(ts)
	if ok {
		return withMod(t, commonTypmod(es, t)), nil
	}
	for _, u := range ts {
		if u.Kind != types.Unknown && types.Category(u.Kind) != types.Category(t.Kind) {
			return t, sqlerr.New(sqlerr.DatatypeMismatch,
				"%s types %s and %s cannot be matched", construct, baseName(t), baseName(u)).At(pos)
		}
	}
	return t, sqlerr.New(sqlerr.DatatypeMismatch, "%s types cannot be matched", construct).At(pos)
}

// baseName gives a type's name without modifiers, as messages have it.
func baseName(t types.Type) string {
	t = withMod(t, 0)
	if t.Kind == types.Bpchar {
		return "character"
	}
	return t.String()
}
