package planner

import (
	"time"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// LiteralEnv implements expr.LiteralScope: in continuous queries literals are
// read in UTC on every node.
func (s *scope) LiteralEnv() *types.Env {
	if s.b.continuous {
		return utcLiterals
	}
	if s.b.env.Values == nil && s.b.env.Zone != nil {
		return &types.Env{Zone: s.b.env.Zone}
	}
	return s.b.env.Values
}

var utcLiterals = &types.Env{Zone: time.UTC}

func (b *builder) check(x sql.Expr, s *scope) (expr.Expr, error) { return expr.Check(x, s) }

// checkAs checks an expression and converts it by assignment.
func (b *builder) checkAs(x sql.Expr, s *scope, t types.Type) (expr.Expr, error) {
	e, err := expr.Check(x, s)
	if err != nil {
		return nil, err
	}
	if s.clause == "LIMIT" || s.clause == "OFFSET" {
		if k := e.Type().Kind; k != types.Unknown && !expr.CanCoerce(e.Type(), t,
			expr.CoerceAssignment) {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch,
				"argument of %s must be type bigint, not type %s", s.clause, e.Type()).At(x.Pos())
		}
	}
	e, err = expr.CoerceTo(e, t, expr.CoerceAssignment, s, x.Pos())
	if err != nil {
		return nil, err
	}
	return expr.Fold(e), nil
}

func (b *builder) checkBool(x sql.Expr, s *scope, clause string) (expr.Expr, error) {
	return expr.CheckBool(timeTexts(x, s.Ksql()), s, clause)
}

// given is a scope whose columns are checked expressions: a way to apply functions
// to them by name.
type given struct {
	*scope
	xs []expr.Expr
}

// Column implements expr.Scope.
func (g given) Column(name []string, _ int) (expr.Expr, error) {
	return g.xs[name[0][0]-'0'], nil
}

var givenRefs = [...]sql.Expr{&sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{"0"}},
	&sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{"1"}},
	&sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{"2"}},
	&sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{"3"}}}

// call applies a function to at most four checked arguments.
func (b *builder) call(name string, args ...expr.Expr) (expr.Expr, error) {
	c := &sql.Call{Loc: sql.NoLoc, Name: sql.Name{name}, Args: givenRefs[:len(args)]}
	return expr.Check(c, given{&scope{b: b}, args})
}

func (b *builder) operator(op string, l, r expr.Expr, pos int) (expr.Expr, error) {
	return expr.ApplyOperator(op, []expr.Expr{l, r}, &scope{b: b}, pos)
}

func (b *builder) coalesce(l, r expr.Expr) (expr.Expr, error) { return b.call("coalesce", l, r) }

// coerce converts by assignment, with PostgreSQL's message about the column.
func (b *builder) coerce(e expr.Expr, t types.Type, column string, pos int) (expr.Expr, error) {
	if column != "" && !expr.CanCoerce(e.Type(), t, expr.CoerceAssignment) &&
		e.Type().Kind != types.Unknown {
		return nil, expr.AssignError(column, t, e.Type(), pos)
	}
	return expr.CoerceTo(e, t, expr.CoerceAssignment, &scope{b: b}, pos)
}

// row makes a record of expressions, of type t.
func (b *builder) row(elems []expr.Expr, t types.Type, pos int) (expr.Expr, error) {
	r := &sql.Row{Loc: sql.Loc(pos)}
	for i := range elems {
		r.Elems = append(r.Elems, &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{string(rune('0' + i))}})
	}
	x, err := expr.Check(r, givenWide{&scope{b: b}, elems})
	if c, ok := x.(*expr.Call); ok && len(t.Fields) == len(elems) {
		named := *c
		named.T = t // with the fields' names, which ROW() does not have
		return &named, nil
	}
	return x, err
}

// givenWide is given for any number of expressions: the name is one rune.
type givenWide struct {
	*scope
	xs []expr.Expr
}

// Column implements expr.Scope.
func (g givenWide) Column(name []string, _ int) (expr.Expr, error) {
	return g.xs[[]rune(name[0])[0]-'0'], nil
}

// and joins conditions; nil for none.
func and(xs ...expr.Expr) expr.Expr {
	var out []expr.Expr
	for _, x := range xs {
		out = appendConjuncts(out, x)
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return &expr.And{Args: out}
}

// appendConjuncts splits a condition at its ANDs and leaves out TRUE.
func appendConjuncts(out []expr.Expr, x expr.Expr) []expr.Expr {
	if x == nil || isTrue(x) {
		return out
	}
	if a, ok := x.(*expr.And); ok {
		for _, y := range a.Args {
			out = appendConjuncts(out, y)
		}
		return out
	}
	return append(out, x)
}

func isTrue(x expr.Expr) bool {
	c, ok := x.(*expr.Const)
	return ok && c.T.Kind == types.Bool && !c.D.Null && c.D.I != 0
}

// hasSet tells whether an expression calls a set-returning function.
func hasSet(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok && isSet(c.Fn) {
			found = true
		}
		return !found
	})
	return found
}

func isSet(f *expr.Func) bool { return f.Set != nil }

// refuseSets refuses a set-returning function in a clause that has one value per row.
func refuseSets(e expr.Expr, clause string) error {
	if c := setCallIn(e); c != nil {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed in %s", clause).At(c.Pos).
			WithHint("Move the function into FROM.")
	}
	return nil
}

// setCallIn finds the first call of a set-returning function; nil for none.
func setCallIn(e expr.Expr) (found *expr.Call) {
	if e == nil {
		return nil
	}
	expr.Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok && isSet(c.Fn) && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}
