package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/types"
)

// In ksqlDB's dialect the first of a list that is no NULL says what the literals among
// the others are: ARRAY['a', 1] has texts, bool IN ('yes') a BOOLEAN, and so on into
// the constructors of ARRAY and STRUCT.

// unifyListed is unify for the elements of a list, with their literals as the first of
// them has it.
func (c *checker) unifyListed(xs []Expr, at []int, construct string, pos int,
) ([]Expr, types.Type, error) {
	if t, ok := leading(xs); ok && c.ksql {
		out := make([]Expr, len(xs))
		for i, x := range xs {
			out[i] = c.literalAs(x, t)
		}
		if out, t, err := c.unify(out, at, construct, pos); err == nil {
			return out, t, nil
		}
	}
	return c.unify(xs, at, construct, pos)
}

// leading gives the type of the first of a list that is no NULL.
func leading(xs []Expr) (types.Type, bool) {
	for _, x := range xs {
		if k, ok := x.(*Const); ok && k.D.Null {
			continue
		}
		if x.Type().Kind == types.Unknown {
			return types.Of(types.Text), true
		}
		return x.Type(), true
	}
	return types.Type{}, false
}

// literalAs gives a literal, or a constructor with its literals, the type t where
// ksqlDB does; other expressions stay.
func (c *checker) literalAs(x Expr, t types.Type) Expr {
	switch x := x.(type) {
	case *Const:
		return c.constAs(x, t)
	case *Call:
		switch {
		case x.Fn.Name == "array" && t.Kind == types.Array && x.T.Kind == types.Array:
			return c.arrayAs(x, t)
		case x.Fn.Name == "struct" && t.Kind == types.Struct && x.T.Kind == types.Struct:
			return c.structAs(x, t)
		}
	}
	return x
}

func (c *checker) constAs(k *Const, t types.Type) Expr {
	if k.D.Null {
		return &Const{D: types.NullDatum, T: types.Of(types.Unknown), at: k.at}
	}
	quoted := k.T.Kind == types.Unknown || isString(k.T.Kind)
	switch {
	case !quoted && isString(t.Kind):
		return &Const{D: types.TextDatum(literalText(k)), T: types.Of(types.Text), at: k.at}
	case !quoted:
	case isString(t.Kind):
		return &Const{D: k.D, T: types.Of(types.Text), at: k.at}
	case types.Category(t.Kind) == 'N':
		if n, ok := quotedNumber(strings.TrimSpace(k.D.S)); ok {
			return n
		}
	case t.Kind == types.Bool:
		s := strings.ToLower(strings.TrimSpace(k.D.S))
		if yes := beginsOne(s, "true", "yes"); yes || beginsOne(s, "false", "no") {
			return &Const{D: types.BoolDatum(yes), T: t, at: k.at}
		}
	case t.Kind == types.Timestamp || t.Kind == types.Date:
		if x, err := c.dialectCast(k, t, k.at-1); err == nil {
			return x
		}
	}
	return k
}

// beginsOne tells whether a text that is not empty is the beginning of one of two words.
func beginsOne(s, a, b string) bool {
	return s != "" && (strings.HasPrefix(a, s) || strings.HasPrefix(b, s))
}

// beside converts expressions to the type that they have together with t; ok is false
// where there is none.
func (c *checker) beside(xs []Expr, t types.Type) ([]Expr, types.Type, bool) {
	all, at := []Expr{&Const{D: types.NullDatum, T: t}}, []int{-1}
	for _, x := range xs {
		all, at = append(all, c.literalAs(x, t)), append(at, -1)
	}
	out, common, err := c.unify(all, at, "ARRAY", -1)
	if err != nil {
		return nil, t, false
	}
	common.Mod = 0
	out, common = c.widened(out, common, at)
	return out[1:], common, true
}

func (c *checker) arrayAs(x *Call, t types.Type) Expr {
	xs, elem, ok := c.beside(x.Args, elemOf(t))
	if !ok {
		return x
	}
	return makeArray(xs, types.ArrayOf(elem), x.Pos)
}

func (c *checker) structAs(x *Call, t types.Type) Expr {
	st := types.Type{Kind: types.Struct}
	xs := make([]Expr, len(x.Args))
	for i, f := range x.T.Fields {
		xs[i] = x.Args[i]
		if j := t.FieldIndex(f.Name); j >= 0 {
			one, ft, ok := c.beside(xs[i:i+1], t.Fields[j].Type)
			if !ok {
				return x
			}
			xs[i], f.Type = one[0], ft
		}
		st.Fields = append(st.Fields, f)
	}
	fn, _ := bound(builtin().funcs["struct"][0], typesOf(xs), st)
	return &Call{Fn: fn, Args: xs, T: st, Pos: x.Pos}
}

// inList is IN of ksqlDB's dialect: all are of one type, which the left side leads;
// nil where there is none.
func (c *checker) inList(x Expr, items []Expr, e *sql.In) (Expr, error) {
	if !c.ksql {
		return nil, nil
	}
	if x = quotedTexts([]Expr{x})[0]; x.Type().Kind == types.Unknown {
		return nil, nil
	}
	all, at := []Expr{x}, []int{e.X.Pos()}
	for i, it := range items {
		all, at = append(all, c.literalAs(it, x.Type())), append(at, e.List[i].Pos())
	}
	out, t, err := c.unifyStrict(all, at, "IN", e.Pos())
	if err != nil {
		ok := false
		if out, t, ok = c.unifyLoose(all, at, "IN"); !ok {
			return nil, nil
		}
	}
	t.Mod = 0
	return c.inType(out[0], out[1:], e)
}
