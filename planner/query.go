package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// query is a bound query: its columns, perhaps with hidden ones behind them.
type query struct {
	node plan.Node
	// time is the ordinal of the hidden rowtime, or -1.
	time int
}

// maxBlocks bounds the SELECT blocks of one statement after expansion of views
// and WITH queries, which can double with each level.
const maxBlocks = 5000

func errBlocks() error {
	return sqlerr.New(sqlerr.StatementTooComplex,
		"statement has more than %d query blocks after expansion", maxBlocks).
		WithHint("Create a materialized view of the part that is used many times.")
}

// query binds a query expression whose enclosing row is outer.
func (b *builder) query(q *sql.Query, outer *scope, w *with) (*query, error) {
	if b.blocks++; b.blocks > maxBlocks {
		return nil, errBlocks()
	}
	if q.Emit != sql.EmitNone && q != b.emitting {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"EMIT is allowed only at the end of the outermost query").At(q.Pos())
	}
	if err := lockable(q); err != nil {
		return nil, err
	}
	b.level++
	defer func() { b.level-- }()
	w, err := b.extendWith(w, q.With, q.Recursive, outer, q == b.top)
	if err != nil {
		return nil, err
	}
	out, err := b.queryBody(q, outer, w)
	if err == nil && len(q.With) > 0 {
		err = b.unused(w, outer)
	}
	return out, err
}

// queryBody binds a query whose WITH list is open.
func (b *builder) queryBody(q *sql.Query, outer *scope, w *with) (*query, error) {
	if sel, ok := q.Body.(*sql.Select); ok {
		return b.selectQuery(q, sel, outer, w)
	}
	out, err := b.body(q.Body, outer, w)
	if err != nil {
		return nil, err
	}
	return b.tail(out, q, outer, w)
}

// body binds what stands before ORDER BY.
func (b *builder) body(body sql.Body, outer *scope, w *with) (*query, error) {
	switch body := body.(type) {
	case *sql.Query:
		b.level-- // brackets are no query of their own
		defer func() { b.level++ }()
		return b.query(body, outer, w)
	case *sql.Select:
		return b.selectQuery(&sql.Query{Loc: body.Loc, Body: body}, body, outer, w)
	case *sql.SetOp:
		return b.setOp(body, outer, w)
	case *sql.Values:
		return b.values(body, outer, w)
	}
	return nil, sqlerr.New(sqlerr.InternalError, "unexpected query body %T", body)
}

// tail adds ORDER BY and LIMIT to a query that is no plain SELECT: the keys are
// its output columns.
func (b *builder) tail(q *query, ast *sql.Query, outer *scope, w *with) (*query, error) {
	q.node = b.resolveUnknown(q.node)
	var keys []expr.Order
	s := &scope{b: b, parent: outer, with: w}
	for i, c := range q.node.Cols() {
		s.cols = append(s.cols, column{entry: &entry{}, name: c.Name, hidden: c.Hidden,
			x: colOf(q.node, i)})
	}
	for _, k := range ast.OrderBy {
		x, err := b.outputKey(k, q.node)
		if err != nil {
			return nil, err
		}
		if x == nil {
			if _, plain := k.X.(*sql.ColRef); !plain {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported,
					"invalid UNION/INTERSECT/EXCEPT ORDER BY clause").At(sql.Start(k.X)).
					WithDetail("Only result column names can be used, not expressions or functions.").
					WithHint("Add the expression/function to every SELECT, " +
						"or move the UNION into a FROM clause.")
			}
			if x, err = b.check(k.X, s.in("ORDER BY")); err != nil {
				return nil, err
			}
		}
		keys = append(keys, order(k, x))
	}
	return b.limited(q, keys, ast, outer)
}

// limited sorts and limits.
func (b *builder) limited(q *query, keys []expr.Order, ast *sql.Query, outer *scope) (
	*query, error) {
	count, err := b.limitExpr(ast.Limit, outer, "LIMIT")
	if err != nil {
		return nil, err
	}
	offset, err := b.limitExpr(ast.Offset, outer, "OFFSET")
	if err != nil {
		return nil, err
	}
	if ast.WithTies && len(keys) == 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"WITH TIES cannot be specified without ORDER BY clause").At(ast.Pos())
	}
	switch {
	case count != nil || offset != nil:
		l := &plan.Limit{Input: q.node, Keys: keys, Count: count, Offset: offset,
			WithTies: ast.WithTies}
		l.Out = q.node.Cols()
		q.node = l
	case len(keys) > 0:
		s := &plan.Sort{Input: q.node, Keys: keys}
		s.Out = q.node.Cols()
		q.node = s
	}
	return q, nil
}

// limitExpr checks the argument of LIMIT or OFFSET; nil where there is none or it
// is NULL.
func (b *builder) limitExpr(x sql.Expr, outer *scope, clause string) (expr.Expr, error) {
	if x == nil {
		return nil, nil
	}
	s := (&scope{b: b, parent: outer}).in(clause)
	refs := false
	sql.Walk(x, func(n sql.Node) bool {
		switch n.(type) {
		case *sql.ColRef:
			refs = true
		case *sql.Query:
			return false
		}
		return true
	})
	if refs && outer == nil {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference,
			"argument of %s must not contain variables", clause).At(x.Pos())
	}
	e, err := b.checkAs(x, s, types.Of(types.Int8))
	if err != nil {
		return nil, err
	}
	if err := refuseSets(e, clause); err != nil {
		return nil, err
	}
	if c, ok := e.(*expr.Const); ok {
		if c.D.Null {
			return nil, nil
		}
		if c.D.I < 0 {
			code := sqlerr.InvalidRowCountInLimit
			if clause == "OFFSET" {
				code = sqlerr.InvalidRowCountInOffset
			}
			return nil, sqlerr.New(code, "%s must not be negative", clause)
		}
	}
	return e, nil
}

// order makes a sort key; nulls sort as if larger than all values.
func order(k sql.SortKey, x expr.Expr) expr.Order {
	desc := k.Desc || k.Using == ">" || k.Using == ">="
	o := expr.Order{X: x, Desc: desc, NullsFirst: desc}
	switch k.Nulls {
	case sql.NullsFirst:
		o.NullsFirst = true
	case sql.NullsLast:
		o.NullsFirst = false
	}
	return o
}

// outputKey resolves an ORDER BY element that is an ordinal or the name of an
// output column; nil when it is neither.
func (b *builder) outputKey(k sql.SortKey, n plan.Node) (expr.Expr, error) {
	i, err := outputIndex(k.X, n.Cols(), "ORDER BY")
	if err != nil || i < 0 {
		return nil, err
	}
	return colOf(n, i), nil
}

// outputIndex finds the output column that an ordinal or bare name means, or -1.
func outputIndex(x sql.Expr, cols []plan.Column, clause string) (int, error) {
	switch x := x.(type) {
	case *sql.Const:
		return ordinal(x, visibleCount(cols), clause)
	case *sql.ColRef:
		if x.Star || len(x.Name) != 1 {
			return -1, nil
		}
		found := -1
		for i := range cols {
			if cols[i].Name != x.Name[0] || cols[i].Hidden {
				continue
			}
			if found >= 0 {
				return 0, sqlerr.New(sqlerr.AmbiguousColumn, "%s \"%s\" is ambiguous", clause,
					x.Name[0]).At(x.Pos())
			}
			found = i
		}
		return found, nil
	}
	return -1, nil
}

func visibleCount(cols []plan.Column) int {
	n := 0
	for i := range cols {
		if !cols[i].Hidden {
			n++
		}
	}
	return n
}

// ordinal reads an integer constant as a position in the select list.
func ordinal(c *sql.Const, n int, clause string) (int, error) {
	if c.Kind != sql.NumConst || !isDigits(c.Val) {
		return 0, sqlerr.New(sqlerr.SyntaxError,
			"non-integer constant in %s", clause).At(c.Pos())
	}
	k := 0
	for _, d := range c.Val {
		if k = k*10 + int(d-'0'); k > n {
			break
		}
	}
	if k < 1 || k > n {
		return 0, sqlerr.New(sqlerr.InvalidColumnReference,
			"%s position %s is not in select list", clause, c.Val).At(c.Pos())
	}
	return k - 1, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseQuery reads the stored text of a view or continuous query.
func parseQuery(text string) (*sql.Query, error) {
	s, err := parse.ParseOne(text)
	if err != nil {
		return nil, err
	}
	sel, ok := s.(*sql.SelectStmt)
	if !ok {
		return nil, sqlerr.New(sqlerr.InternalError, "stored definition is no query: %s", text)
	}
	return sel.Query, nil
}
