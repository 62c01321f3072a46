package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// queryCall is a call, within an expression, of a function whose body is a query: a
// subquery of one value, or the elements of an array of all its rows.
func (s *scope) queryCall(fn *catalog.UserFunc, args []expr.Expr, pos int) (expr.Expr, error) {
	inner := make([]expr.Expr, len(args))
	for i, a := range args {
		var err error
		if inner[i], err = s.inward(a, pos); err != nil {
			return nil, err
		}
	}
	f, err := s.b.functionRows(fn, inner, false, pos)
	if err != nil {
		return nil, inStored(err, pos).InContext("SQL function \"%s\"", fn.Name)
	}
	if fn.Ret.Kind == types.Record {
		if err := s.b.oneRecord(f, fn.Ret); err != nil {
			return nil, err
		}
	}
	t := f.node.Cols()[0].Type
	sp := &expr.Subplan{Kind: expr.SubplanScalar, T: t, Correlated: s.b.anyOuter(f.node)}
	if fn.Set {
		sp.Kind, sp.T = expr.SubplanArray, types.ArrayOf(t)
	}
	sp.ID = s.b.addSubplan(f.node)
	if !fn.Set {
		return sp, nil
	}
	x, err := s.b.call("unnest", sp)
	if err != nil {
		return nil, err
	}
	if c, ok := x.(*expr.Call); ok {
		c.Pos = pos
	}
	return x, nil
}

// called puts a function in place of its call.
func (s *scope) called(f *catalog.UserFunc, args []expr.Expr, pos int) (expr.Expr, error) {
	q, err := rowQuery(f)
	switch {
	case err != nil:
		return nil, inStored(err, pos).InContext("SQL function \"%s\"", f.Name)
	case q != nil:
		return s.queryCall(f, args, pos)
	}
	return s.inline(f, args, pos)
}

// oneRecord makes the columns of f one record.
func (b *builder) oneRecord(f *from, t types.Type) error {
	cols := f.node.Cols()
	if len(t.Fields) == 0 {
		for _, c := range cols {
			t.Fields = append(t.Fields, types.Field{Name: c.Name, Type: c.Type})
		}
	}
	elems := make([]expr.Expr, len(cols))
	for i := range cols {
		elems[i] = colOf(f.node, i)
	}
	x, err := b.row(elems, t, -1)
	if err != nil {
		return err
	}
	p := &plan.Project{Input: f.node, Exprs: []expr.Expr{x}}
	p.Out = []plan.Column{{Name: "row", Type: t}}
	f.node = p
	return nil
}

// inward gives an expression over the rows of s as a subquery of s sees it.
func (s *scope) inward(e expr.Expr, pos int) (expr.Expr, error) {
	switch x := e.(type) {
	case *expr.Col:
		return &expr.Outer{Depth: 1, Index: x.Index, T: x.T, Name: x.Name}, nil
	case *expr.Outer:
		return &expr.Outer{Depth: x.Depth + 1, Index: x.Index, T: x.T, Name: x.Name}, nil
	case *expr.Agg:
		agg := s.agg
		if agg == nil {
			agg = s.callers
		}
		for i, c := range agg.calls {
			if c == x.Call {
				return &expr.Outer{Depth: 1, Index: outerAgg(i), T: c.T, Name: c.Name}, nil
			}
		}
	case *expr.Window:
		return nil, sqlerr.Unsupported("a window function as the argument of a function with a query",
			"Compute it in a subquery in FROM.").At(pos)
	case *expr.Call:
		if isSet(x.Fn) {
			return nil, sqlerr.Unsupported("a set-returning function as the argument of a function "+
				"with a query", "Call the inner function in FROM, and the outer one beside it.").At(pos)
		}
	case *expr.Subplan:
		if x.Correlated {
			c := *x
			c.ID = s.b.addSubplan(s.b.shiftOuter(s.b.subplans[x.ID], 1, 1))
			e = &c
		}
	}
	kids := expr.Children(e)
	if len(kids) == 0 {
		return e, nil
	}
	next := make([]expr.Expr, len(kids))
	for i, k := range kids {
		var err error
		if next[i], err = s.inward(k, pos); err != nil {
			return nil, err
		}
	}
	return expr.WithChildren(e, next), nil
}

// bodyQuery gives the query that a function's body is, or that its expression contains;
// nil for an expression without queries.
func bodyQuery(body sql.Expr) *sql.Query {
	if sub, ok := body.(*sql.Subquery); ok && sub.Kind == sql.ScalarSubquery {
		return sub.Q
	}
	found := false
	sql.Walk(body, func(n sql.Node) bool {
		if _, ok := n.(*sql.Query); ok {
			found = true
		}
		return !found
	})
	if !found {
		return nil
	}
	loc := sql.Loc(body.Pos())
	return &sql.Query{Loc: loc, Body: &sql.Select{Loc: loc, Items: []sql.Item{{X: body}}}}
}

// rowQuery is the body of a function that gives rows, or that has a query in it.
func rowQuery(fn *catalog.UserFunc) (*sql.Query, error) {
	if isTable(fn) {
		return parseQuery(fn.Body)
	}
	body, err := functionBody(fn.Body)
	if err != nil {
		return nil, err
	}
	return bodyQuery(body), nil
}

// givesColumns tells whether a call in FROM gives the columns of a query, not of a value.
func givesColumns(fn *catalog.UserFunc) bool {
	if isTable(fn) || fn.Ret.Kind != types.Record {
		return isTable(fn)
	}
	q, err := rowQuery(fn)
	return err == nil && q != nil
}

// resultColumns makes the columns of a body those that a function declares. One column of
// the function's composite type stands for its fields.
func (b *builder) resultColumns(fn *catalog.UserFunc, n plan.Node, pos int) (plan.Node, error) {
	ts := []types.Type{fn.Ret}
	cols := n.Cols()
	switch {
	case fn.Ret.Kind == types.Record && len(fn.Ret.Fields) == 0:
		return b.resolveUnknown(n), nil
	case len(fn.Ret.Fields) > 0:
		ts = ts[:0]
		for _, fd := range fn.Ret.Fields {
			ts = append(ts, fd.Type)
		}
		if len(cols) == 1 && len(cols[0].Type.Fields) == len(ts) && cols[0].Type.Kind == types.Record {
			p := &plan.Project{Input: n}
			for i, fd := range cols[0].Type.Fields {
				p.Exprs = append(p.Exprs, expr.FieldOf(colOf(n, 0), i))
				p.Out = append(p.Out, plan.Column{Name: fd.Name, Type: fd.Type})
			}
			n = p
		}
	}
	if len(n.Cols()) != len(ts) {
		return nil, sqlerr.New(sqlerr.InvalidFunctionDefinition,
			"return type mismatch in function declared to return %s", returned(fn)).
			WithDetail("Final statement must return exactly %d columns.", len(ts)).At(pos)
	}
	return b.convert(b.resolveUnknown(n), ts, nil, pos)
}

// defined gives a function that returns records the columns that FROM defines for it.
func (b *builder) defined(fn *catalog.UserFunc, t *sql.TableFunc, s *scope) (
	*catalog.UserFunc, error) {
	open := fn.Ret.Kind == types.Record && len(fn.Ret.Fields) == 0
	defs := t.Alias.Defs
	if t.CallDefs != nil {
		defs = t.CallDefs[0]
	}
	switch pos := t.Calls[0].Pos(); {
	case open && defs == nil:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a column definition list is required for functions returning \"record\"").At(pos)
	case !open && defs != nil && fn.Ret.Kind == types.Record && fn.Ret.Row == nil:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a column definition list is redundant for a function with OUT parameters").At(pos)
	case !open && defs != nil && fn.Ret.Kind == types.Record:
		return nil, sqlerr.New(sqlerr.SyntaxError, "a column definition list is redundant for "+
			"a function returning a named composite type").At(pos)
	case !open && defs != nil:
		return nil, sqlerr.New(sqlerr.SyntaxError, "a column definition list is only allowed for "+
			"functions returning \"record\"").At(pos)
	case !open:
		return fn, nil
	}
	out := *fn
	for _, d := range defs {
		ft, err := expr.ResolveTypeName(d.Type, s)
		if err != nil {
			return nil, err
		}
		out.Ret.Fields = append(out.Ret.Fields, types.Field{Name: d.Name, Type: ft})
	}
	return &out, nil
}
