package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func (c *checker) coerce(e Expr, t types.Type, ctx CoerceCtx, pos int) (Expr, error) {
	return CoerceTo(e, t, ctx, c.sc, pos)
}

// CoerceTo converts e to type t, its modifier included, in context ctx. Untyped
// literals are read as t, untyped parameters become t (sc is asked; it may be nil
// when there are none). pos is the byte offset for errors.
func CoerceTo(e Expr, t types.Type, ctx CoerceCtx, sc Scope, pos int) (Expr, error) {
	from := e.Type()
	if from.Kind == types.Unknown && t.Kind != types.Unknown {
		return coerceUnknown(e, t, ctx, sc, pos)
	}
	if t.Kind == types.Unknown || t.Kind == types.Any {
		return e, nil
	}
	if from.Same(t) {
		if t.Innermost().Mod == 0 || t.Innermost().Mod == from.Innermost().Mod && t.Mod == from.Mod {
			return e, nil
		}
		return &Cast{X: e, T: t, Explicit: ctx == CoerceExplicit, Pos: pos}, nil
	}
	if !CanCoerce(from, t, ctx) {
		return nil, castError(from, t, ctx, pos)
	}
	return &Cast{X: e, T: t, Explicit: ctx == CoerceExplicit, Pos: pos}, nil
}

func castError(from, t types.Type, ctx CoerceCtx, pos int) *sqlerr.Error {
	if ctx != CoerceExplicit {
		return sqlerr.New(sqlerr.DatatypeMismatch, "expression is of type %s, not %s",
			baseName(from), baseName(t)).At(pos).
			WithHint("You will need to rewrite or cast the expression.")
	}
	return sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s",
		baseName(from), baseName(t)).At(pos)
}

func coerceUnknown(e Expr, t types.Type, ctx CoerceCtx, sc Scope, pos int) (Expr, error) {
	switch e := e.(type) {
	case *Const:
		return literalAs(e, t, ctx, sc, pos)
	case *Param:
		if sc == nil {
			return &Param{N: e.N, T: t}, nil
		}
		p, err := sc.Param(e.N, t, pos)
		if err != nil {
			return nil, err
		}
		if p.Type().Kind != types.Unknown && (!p.Type().Same(t) || t.Mod != 0) {
			return CoerceTo(p, t, ctx, nil, pos)
		}
		return p, nil
	}
	return &Cast{X: e, T: t, Explicit: ctx == CoerceExplicit, Pos: pos}, nil
}

// literalAs reads an untyped literal as t.
func literalAs(e *Const, t types.Type, ctx CoerceCtx, sc Scope, pos int) (Expr, error) {
	if e.D.Null {
		return &Const{D: types.NullDatum, T: t}, nil
	}
	if t.Kind == types.Any || t.Kind == types.Record && len(t.Fields) == 0 {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"input of anonymous composite types is not implemented").At(pos).
			WithHint("Use ROW(...), or a type made by CREATE TYPE.")
	}
	if e.at > 0 {
		pos = e.at - 1
	}
	var env *types.Env
	if ls, ok := sc.(LiteralScope); ok {
		env = ls.LiteralEnv()
	}
	plain := withoutMods(t)
	if env == nil && literalVolatile(t, e.D.S) {
		if k := t.Innermost().Kind; k == types.Timestamptz || k == types.Timetz {
			if _, err := parseText(plain, e.D.S, nil); err != nil {
				return nil, sqlerr.As(err).At(pos)
			}
		}
		return &Cast{X: e, T: t, Explicit: ctx == CoerceExplicit, Pos: pos}, nil
	}
	if t.Kind == types.Interval {
		plain = t
	}
	d, err := parseText(plain, e.D.S, env)
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	lit := &Const{D: d, T: plain}
	if plain.Innermost().Mod == t.Innermost().Mod {
		return lit, nil
	}
	// A literal stored into varchar(n) is too long only for the assignment.
	d, err = castDatum(d, plain, t, ctx == CoerceExplicit, nil)
	if err != nil {
		return nil, err
	}
	return &Const{D: d, T: t}, nil
}

// withoutMods gives t without its modifier and that of its elements.
func withoutMods(t types.Type) types.Type {
	t.Mod = 0
	if t.Kind == types.Array && t.Elem != nil {
		elem := withoutMods(*t.Elem)
		t.Elem = &elem
	}
	return t
}

// literalVolatile tells whether a literal of type t means different things in
// different sessions or at different times.
func literalVolatile(t types.Type, s string) bool {
	switch k := t.Innermost().Kind; k {
	case types.Timestamptz, types.Timetz, types.Regproc, types.Regclass, types.Regnamespace,
		types.Regrole, types.Regprocedure, types.Regoper, types.Regoperator, types.Regcollation:
		return true
	case types.Date, types.Time, types.Timestamp:
		s = strings.ToLower(s)
		for _, w := range []string{"now", "today", "tomorrow", "yesterday"} {
			if strings.Contains(s, w) {
				return true
			}
		}
	}
	return false
}

// castVolatility tells whether a conversion depends on the session: conversions
// between zoned and plain times, and the text forms of zoned times and objects.
func castVolatility(from, to types.Type) Volatility {
	a, b := from.Innermost().Kind, to.Innermost().Kind
	if a == b {
		return Immutable
	}
	if sessionKind(a) || sessionKind(b) {
		return Stable
	}
	if a == types.Bytea && isText(to) {
		return Stable // hex or escape
	}
	if isTimeKind(a) && isText(to) || isTimeKind(b) && isText(from) {
		return Stable
	}
	return Immutable
}

func isText(t types.Type) bool {
	k := t.Innermost().Kind
	return isString(k) || k == types.Unknown
}

func sessionKind(k types.Kind) bool {
	switch k {
	case types.Timestamptz, types.Timetz, types.Regproc, types.Regclass, types.Regnamespace,
		types.Regrole, types.Regprocedure, types.Regoper, types.Regoperator, types.Regcollation:
		return true
	}
	return false
}

func isTimeKind(k types.Kind) bool {
	return k == types.Date || k == types.Timestamp || k == types.Time || k == types.Interval
}
