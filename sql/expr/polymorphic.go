package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

type vector = batch.Vector

// The pseudo types of parameters. They share Kind Any and differ in Mod, which
// has no other use there:
//
//	any            anything, as it is
//	anyelement     one type for all of its family, exactly
//	anynonarray    anyelement, but no array
//	anycompatible  the common type of all of its family
const (
	modAny = iota
	modElem
	modNonArr
	modCompat
)

var (
	anyType      = types.Type{Kind: types.Any, Mod: modAny}
	anyElem      = types.Type{Kind: types.Any, Mod: modElem}
	anyNonArr    = types.Type{Kind: types.Any, Mod: modNonArr}
	anyCompat    = types.Type{Kind: types.Any, Mod: modCompat}
	anyArr       = types.ArrayOf(anyElem)
	anyCompatArr = types.ArrayOf(anyCompat)
)

// isPoly tells whether t is a pseudo type of a parameter.
func isPoly(t types.Type) bool { return t.Innermost().Kind == types.Any }

// polyFamily gives the family of a pseudo type: modElem or modCompat, modAny for
// the one without a family.
func polyFamily(t types.Type) int32 {
	m := t.Innermost().Mod
	if m == modNonArr {
		return modElem
	}
	return m
}

// TypeName gives the name of a parameter or result type for \df and messages:
// PostgreSQL's format_type, and its names of pseudo types.
func TypeName(t types.Type) string {
	if !isPoly(t) {
		if t.Kind == types.Map && t.Key == nil {
			return "MAP"
		}
		return t.String()
	}
	name := [...]string{"\"any\"", "anyelement", "anynonarray", "anycompatible"}[t.Innermost().Mod]
	if t.Kind != types.Array {
		return name
	}
	if t.Innermost().Mod == modCompat {
		return "anycompatiblearray"
	}
	return "anyarray"
}

// polyAccepts tells whether an argument of type t may stand for the pseudo type
// p, as far as that depends on t alone.
func polyAccepts(p, t types.Type) bool {
	switch {
	case t.Kind == types.Unknown:
		return true
	case p.Kind == types.Array:
		return t.Kind == types.Array || t.Kind == types.Int2vector || t.Kind == types.Oidvector
	case p.Mod == modNonArr:
		return t.Kind != types.Array
	}
	return true
}

// elemOf gives the element type of an array type.
func elemOf(t types.Type) types.Type {
	switch t.Kind {
	case types.Int2vector:
		return types.Of(types.Int2)
	case types.Oidvector:
		return types.Of(types.OID)
	}
	if t.Elem == nil {
		return types.Of(types.Unknown)
	}
	return *t.Elem
}

// polyBinding is what the families stand for in one call.
type polyBinding struct {
	elem, compat types.Type // Invalid: not bound
}

// bindPoly finds the types that the pseudo parameters stand for. ok is false when
// the arguments contradict each other.
func bindPoly(params, args []types.Type) (b polyBinding, ok bool) {
	var compat []types.Type
	for i, p := range params {
		t := args[i]
		if !isPoly(p) || t.Kind == types.Unknown {
			continue
		}
		if !polyAccepts(p, t) {
			return b, false
		}
		if p.Kind == types.Array {
			t = elemOf(t)
		}
		switch polyFamily(p) {
		case modElem:
			t = withMod(t, 0)
			if b.elem.Kind != types.Invalid && !b.elem.Same(t) {
				return b, false
			}
			b.elem = t
		case modCompat:
			t = withMod(t, 0)
			compat = append(compat, t)
		}
	}
	if len(compat) > 0 {
		if b.compat, ok = commonType(compat); !ok {
			return b, false
		}
		for _, t := range compat {
			if !t.Same(b.compat) && !CanCoerce(t, b.compat, CoerceImplicit) {
				return b, false
			}
		}
	}
	return b, true
}

// apply gives the actual type of a parameter or result; Invalid when it cannot
// be known. arg is the type of the argument there (Unknown for results).
func (b polyBinding) apply(p, arg types.Type) types.Type {
	if !isPoly(p) {
		return p
	}
	t := types.Type{}
	switch polyFamily(p) {
	case modElem:
		t = b.elem
	case modCompat:
		t = b.compat
		if t.Kind == types.Invalid {
			t = types.Of(types.Text)
		}
	default:
		if arg.Kind == types.Unknown {
			return types.Of(types.Text)
		}
		return arg
	}
	if t.Kind != types.Invalid && p.Kind == types.Array {
		return types.ArrayOf(t)
	}
	return t
}
