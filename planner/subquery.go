package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Query implements expr.Scope: a subquery in an expression becomes a Subplan,
// which the rewrites turn into a join where they can.
func (s *scope) Query(node any, x []expr.Expr) (expr.Expr, error) {
	switch n := node.(type) {
	case *sql.Subquery:
		return s.subquery(n)
	case *sql.In:
		sp, err := s.anySubplan(n.Q, "=", expr.SubplanAny, x, n.Pos())
		if err != nil || !n.Not {
			return sp, err
		}
		return &expr.Not{X: sp}, nil
	case *sql.Binary:
		kind := expr.SubplanAny
		switch n.Quant {
		case sql.AllQuant:
			kind = expr.SubplanAll
		case sql.NoQuant:
			kind = expr.SubplanRow
		}
		return s.anySubplan(n.R.(*sql.Subquery).Q, n.Op, kind, x, n.Pos())
	}
	return nil, sqlerr.New(sqlerr.InternalError, "unexpected subquery %T", node)
}

// bound binds the query of a subquery expression.
func (s *scope) bound(q *sql.Query) (plan.Node, error) {
	stamp := s.b.stamp
	s.b.stamp = false
	out, err := s.b.query(q, s, s.with)
	s.b.stamp = stamp
	if err != nil {
		return nil, err
	}
	return s.b.resolveUnknown(s.b.stripHidden(out).node), nil
}

func (s *scope) subquery(n *sql.Subquery) (expr.Expr, error) {
	node, err := s.bound(n.Q)
	if err != nil {
		return nil, err
	}
	sp := &expr.Subplan{Correlated: s.b.anyOuter(node)}
	cols := node.Cols()
	switch n.Kind {
	case sql.ExistsSubquery:
		sp.Kind, sp.T = expr.SubplanExists, types.Of(types.Bool)
	default:
		if len(cols) != 1 {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"subquery must return only one column").At(n.Pos())
		}
		sp.Kind, sp.T = expr.SubplanScalar, cols[0].Type
		if n.Kind == sql.ArraySubquery {
			sp.Kind, sp.T = expr.SubplanArray, types.ArrayOf(cols[0].Type)
		}
	}
	sp.ID = s.b.addSubplan(node)
	return sp, nil
}

// anySubplan is X op ANY/ALL (query) and X IN (query), for one or several columns.
func (s *scope) anySubplan(q *sql.Query, op string, kind expr.SubplanKind, x []expr.Expr,
	pos int) (expr.Expr, error) {
	node, err := s.bound(q)
	if err != nil {
		return nil, err
	}
	cols := node.Cols()
	if len(cols) != len(x) {
		few := "many"
		if len(cols) < len(x) {
			few = "few"
		}
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too %s columns", few).At(pos)
	}
	sp := &expr.Subplan{Kind: kind, T: types.Of(types.Bool), Correlated: s.b.anyOuter(node)}
	ts := make([]types.Type, len(cols))
	for i := range x {
		e, err := s.b.operator(op, x[i], colOf(node, i), pos)
		if err != nil {
			return nil, err
		}
		call, ok := e.(*expr.Call)
		if !ok || len(call.Args) != 2 || call.T.Kind != types.Bool {
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"row comparison operator must yield type boolean").At(pos)
		}
		sp.X = append(sp.X, call.Args[0])
		sp.Op = append(sp.Op, call.Fn)
		ts[i] = call.Args[1].Type()
	}
	if node, err = s.b.convert(node, ts, nil, pos); err != nil {
		return nil, err
	}
	if len(x) > 1 && op != "=" {
		if err := s.rowTest(sp, node, op, pos); err != nil {
			return nil, err
		}
	}
	sp.ID = s.b.addSubplan(node)
	return sp, nil
}

// rowTest compares rows of several columns by another operator than =, which is not
// that operator for each of their columns.
func (s *scope) rowTest(sp *expr.Subplan, node plan.Node, op string, pos int) error {
	var left, right []expr.Expr
	for i, x := range sp.X {
		left = append(left, &expr.Col{Index: len(sp.X) + i, T: x.Type()})
		right = append(right, colOf(node, i))
	}
	var err error
	sp.Test, err = expr.CompareRows(op, left, right, &scope{b: s.b}, pos)
	return err
}

// testOver gives the comparison of rows where at gives the subquery's columns.
func testOver(sp *expr.Subplan, at func(i int) expr.Expr) expr.Expr {
	return expr.MapCols(sp.Test, func(c *expr.Col) expr.Expr {
		if k := c.Index - len(sp.X); k >= 0 {
			return sp.X[k]
		}
		return at(c.Index)
	})
}
