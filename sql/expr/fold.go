package expr

import (
	"slices"
	"time"

	"github.com/millracedb/millrace/sql/types"
)

// Fold evaluates what is constant in e and simplifies boolean logic. A constant
// part that fails is left as it is: it may never be evaluated.
func Fold(e Expr) Expr {
	out, _ := Transform(e, func(x Expr) (Expr, error) { return foldNode(x), nil })
	return out
}

func foldNode(e Expr) Expr {
	switch e := e.(type) {
	case *And:
		return foldLogic(e, e.Args, false)
	case *Or:
		return foldLogic(e, e.Args, true)
	case *Case:
		return foldCase(e)
	case *Coalesce:
		return foldCoalesce(e)
	case *Not:
		if n, ok := e.X.(*Not); ok {
			return n.X
		}
	case *Call:
		if x := foldStrictNull(e); x != nil {
			return x
		}
		if e.Fn.Name == "quote_nullable" && isNullConst(e.Args[0]) {
			return &Const{D: types.TextDatum("NULL"), T: e.T} // whatever the session is
		}
	case *Cast:
		if c, ok := e.X.(*Const); ok && c.D.Null {
			return &Const{D: types.NullDatum, T: e.T}
		}
	case *In:
		if k, ok := e.X.(*Const); ok && k.D.Null && !slices.ContainsFunc(e.List, mayFail) {
			return &Const{D: types.NullDatum, T: types.Of(types.Bool)}
		}
	case *IsNull, *Quant:
	default:
		return e
	}
	return foldConst(e)
}

// foldConst evaluates e when its operands are constants.
func foldConst(e Expr) Expr {
	for _, k := range Children(e) {
		if _, ok := k.(*Const); !ok {
			return e
		}
	}
	if !IsConst(e) || !foldable(e) {
		return e
	}
	d, err := EvalConst(e, &Env{})
	if err != nil {
		return e
	}
	return &Const{D: d, T: e.Type()}
}

// foldStrictNull: a strict function of NULL is NULL, unless another argument fails
// whatever the row: then that failure is all that is left.
func foldStrictNull(e *Call) Expr {
	if !e.Fn.Strict || e.Fn.evaluatesAll || e.Fn.Set != nil || e.Fn.Volatility == Volatile ||
		isSubscript(e.Fn) {
		return nil
	}
	for _, a := range e.Args {
		if c, ok := a.(*Const); ok && c.D.Null {
			if slices.ContainsFunc(e.Args, fails) {
				return onlyFailure(e)
			}
			return &Const{D: types.NullDatum, T: e.T}
		}
	}
	return nil
}

func isNullConst(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.D.Null
}

// isSubscript tells whether f is x[i], which PostgreSQL evaluates with any i.
func isSubscript(f *Func) bool { return f.Name == "array_get" || f.Name == "name_get" }

// fails tells whether a folded expression has a constant part, which is there only
// because its evaluation failed, or has to wait for the session.
func fails(e Expr) bool {
	switch x := e.(type) {
	case *Const:
		return false
	case *Cast:
		if c, ok := x.X.(*Const); ok && c.T.Kind == types.Unknown {
			return false // a literal that waits for the session
		}
	}
	if immutable(e) {
		if !foldable(e) {
			return false
		}
		_, err := EvalConst(e, &Env{Zone: time.UTC})
		return err != nil
	}
	return slices.ContainsFunc(Children(e), fails)
}

// onlyFailure writes NULL as an expression that fails as a constant part of e does,
// before what comes before it in e can; nil when it is not sure to be evaluated.
func onlyFailure(e *Call) Expr {
	part := failure(e)
	if part == nil {
		return nil
	}
	null := &Const{D: types.NullDatum, T: e.T}
	return &Case{Whens: []When{{Cond: &IsNull{X: part}, Then: null}}, T: e.T}
}

// failure gives the first part of e that fails whatever the row, if e always needs it.
func failure(e Expr) Expr {
	if immutable(e) {
		if _, ok := e.(*Const); ok || !fails(e) {
			return nil
		}
		return e
	}
	c, ok := e.(*Call)
	if !ok {
		return nil
	}
	for _, a := range c.Args {
		if x := failure(a); x != nil {
			return x
		}
	}
	return nil
}

// mayFail tells whether the evaluation of e may give an error that counts although
// the result is known: what is neither constant nor a column.
func mayFail(e Expr) bool {
	switch e.(type) {
	case *Const, *Col:
		return false
	}
	return true
}

// immutable tells whether e is the same for all rows and all sessions, but for the
// literals in it.
func immutable(e Expr) bool {
	ok := true
	Walk(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Col, *Outer, *Param, *Subplan, *Agg, *Window, *Lambda:
			ok = false
		case *Call:
			ok = ok && x.Fn.Volatility == Immutable && x.Fn.Set == nil && immutableText(x)
		case *Cast:
			c, literal := x.X.(*Const)
			ok = ok && (literal && c.T.Kind == types.Unknown || immutableCast(x.X.Type(), x.T))
		}
		return ok
	})
	return ok
}

// immutableCast tells whether a conversion is immutable in PostgreSQL. The texts of
// arrays and intervals are read by functions that are not.
func immutableCast(from, to types.Type) bool {
	if isText(from) && !isText(to) && (to.Kind == types.Array || to.Kind == types.Interval) ||
		from.Kind == types.Array && to.Kind != types.Array || from.Kind == types.Enum {
		return false
	}
	if from.Kind == types.Time && isText(to) || from.Kind == types.Bytea {
		return true // time_out looks at no setting, unlike time_in, and byteaout is said not to
	}
	return castVolatility(from, to) == Immutable
}

// immutableText tells whether a function that takes any value as its text depends on the
// session in PostgreSQL.
func immutableText(e *Call) bool {
	array := func(a Expr) bool { return a.Type().Kind == types.Array }
	switch e.Fn.Name {
	case "||":
		if slices.ContainsFunc(e.Args, array) {
			return true // what joins arrays reads no text
		}
	case "quote_literal", "quote_nullable":
	default:
		return true
	}
	return !slices.ContainsFunc(e.Args, func(a Expr) bool {
		return !immutableCast(a.Type(), types.Of(types.Text))
	})
}

// foldLogic drops neutral operands of AND and OR, flattens nested ones, and
// decides the whole where one operand does.
func foldLogic(e Expr, args []Expr, isOr bool) Expr {
	var out []Expr
	changed := false
	for i, a := range args {
		if c, ok := a.(*Const); ok && !c.D.Null {
			if c.D.Bool() == isOr {
				if slices.ContainsFunc(args[:i], fails) {
					return e
				}
				return c
			}
			changed = true
			continue
		}
		inner, ok := logicArgs(a, isOr)
		if ok {
			out = append(out, inner...)
			changed = true
			continue
		}
		out = append(out, a)
	}
	switch {
	case len(out) > 0 && !slices.ContainsFunc(out, notNull):
		return out[0]
	case !changed:
		return e
	case len(out) == 0:
		return &Const{D: types.BoolDatum(!isOr), T: boolType}
	case len(out) == 1:
		return out[0]
	case isOr:
		return &Or{out}
	}
	return &And{out}
}

// notNull tells whether e is anything but the constant NULL.
func notNull(e Expr) bool {
	c, ok := e.(*Const)
	return !ok || !c.D.Null
}

func logicArgs(e Expr, isOr bool) ([]Expr, bool) {
	switch e := e.(type) {
	case *And:
		return e.Args, !isOr
	case *Or:
		return e.Args, isOr
	}
	return nil, false
}

// foldCase drops arms that are never taken and stops at the first that always is.
func foldCase(e *Case) Expr {
	if e.Rows {
		return e
	}
	if e.NullIf {
		e = nullIfMod(e)
	}
	c := &Case{Else: e.Else, T: e.T, NullIf: e.NullIf}
	for _, w := range e.Whens {
		k, ok := w.Cond.(*Const)
		if !ok {
			c.Whens = append(c.Whens, w)
			continue
		}
		if k.D.Bool() {
			if len(c.Whens) == 0 {
				return w.Then
			}
			c.Else = w.Then
			break
		}
	}
	switch {
	case len(c.Whens) > 0:
		c.T = sharedMod(c)
		return c
	case c.Else == nil:
		return &Const{D: types.NullDatum, T: e.T}
	}
	return c.Else
}

// nullIfMod is NULLIF with the modifier of its first argument, which folding may tell.
func nullIfMod(e *Case) *Case {
	c := &Case{Else: e.Else, T: withMod(e.T, e.Else.Type().Innermost().Mod), NullIf: true}
	for _, w := range e.Whens {
		c.Whens = append(c.Whens, When{Cond: w.Cond, Then: &Const{D: types.NullDatum, T: c.T}})
	}
	return c
}

// sharedMod gives the type of c with the modifier of all arms that are left.
func sharedMod(c *Case) types.Type {
	if c.Else == nil {
		return c.T
	}
	arms := []Expr{c.Else}
	for _, w := range c.Whens {
		arms = append(arms, w.Then)
	}
	return withMod(c.T, commonTypmod(arms, c.T))
}

// foldCoalesce drops NULLs and what follows a constant.
func foldCoalesce(e *Coalesce) Expr {
	var out []Expr
	for _, a := range e.Args {
		c, ok := a.(*Const)
		if ok && c.D.Null {
			continue
		}
		out = append(out, a)
		if ok {
			break
		}
	}
	switch len(out) {
	case 0:
		return &Const{D: types.NullDatum, T: withMod(e.T, 0)}
	case 1:
		return out[0]
	}
	return &Coalesce{Args: out, T: withMod(e.T, commonTypmod(out, e.T))}
}

// Conjuncts splits a condition at its ANDs.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	if a, ok := e.(*And); ok {
		var out []Expr
		for _, x := range a.Args {
			out = append(out, Conjuncts(x)...)
		}
		return out
	}
	return []Expr{e}
}

// AllOf joins conditions with AND; nil for none.
func AllOf(es []Expr) Expr {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	return &And{es}
}

// IsTrue and IsFalse tell whether a condition is the constant.
func IsTrue(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.T.Kind == types.Bool && c.D.Bool()
}

// IsFalse tells whether a condition is constant and never true.
func IsFalse(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.T.Kind == types.Bool && !c.D.Bool()
}
