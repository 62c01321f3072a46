package parse

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	tidb "github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millracedb/millrace/sql"
	_ "github.com/millracedb/millrace/sql/parse/failpointoff" // must come before TiDB's init
	"github.com/millracedb/millrace/sql/sqlerr"
)

// TiDB's parser asks its user for constructors of literals. An outline holds no literal, so
// none is ever called; parser.New only insists that they exist. (The package's own
// test_driver panics on a decimal literal with 73 fraction digits.)
func init() {
	ast.NewValueExpr = func(any, string, string) ast.ValueExpr { return nil }
	ast.NewParamMarkerExpr = func(int) ast.ParamMarkerExpr { return nil }
	ast.NewDecimal = func(string) (any, error) { return nil, nil }
	ast.NewHexLiteral = func(string) (any, error) { return nil, nil }
	ast.NewBitLiteral = func(string) (any, error) { return nil, nil }
}

var tidbParsers = sync.Pool{New: func() any { return tidb.New() }}

// finish hands the outline to TiDB's parser and fills the atoms into its tree.
func (o *outline) finish() *sql.Query {
	o.end()
	if o.trace != nil {
		o.trace(string(o.text))
	}
	st := outlines.get(o.text)
	if st == nil {
		st = o.structure()
		outlines.put(string(o.text), st)
	}
	b := builder{o.atoms}
	return b.query(st)
}

// structure parses the outline; TiDB's errors become ours.
func (o *outline) structure() ast.StmtNode {
	p := tidbParsers.Get().(*tidb.Parser)
	defer tidbParsers.Put(p)
	list, _, err := p.ParseSQL(string(o.text))
	if err != nil || len(list) != 1 {
		o.unexpectedAt(o.culprit(err))
	}
	return list[0]
}

// culprit finds the token that TiDB's "line 1 column N near ..." means: the outline is one
// line, and N is the end of the offending word.
func (o *outline) culprit(err error) *token {
	end := len(o.text)
	if err != nil {
		if f := strings.Fields(err.Error()); len(f) > 3 && f[0] == "line" {
			end, _ = strconv.Atoi(f[3])
		}
	}
	if end >= len(o.text) {
		return o.tok()
	}
	i := sort.Search(len(o.marks), func(i int) bool { return int(o.marks[i].out) >= end })
	if i == 0 {
		return o.tok()
	}
	return &o.toks[o.marks[i-1].token]
}

// builder turns TiDB's tree over atoms into a query. The tree may be shared with other
// goroutines through the cache, so it is only read.
type builder struct{ atoms []any }

// at returns the atom that a one-name node stands for.
func (b builder) at(n ast.Node) any {
	switch n := n.(type) {
	case *ast.ColumnNameExpr:
		return b.named(n.Name.Name)
	case *ast.TableName:
		return b.named(n.Name)
	}
	return b.broken(n)
}

func (b builder) named(s ast.CIStr) any {
	k, err := strconv.Atoi(strings.TrimPrefix(s.O, "z"))
	if err != nil || k >= len(b.atoms) {
		return b.broken(s)
	}
	return b.atoms[k]
}

// broken reports a tree that no outline can have: a defect, not a user's error.
func (b builder) broken(n any) any {
	bailAt(sqlerr.New(sqlerr.InternalError, "query outline has an unexpected %T", n), 0)
	return nil
}

func (b builder) query(n ast.Node) *sql.Query {
	q := &sql.Query{}
	var with *ast.WithClause
	var order *ast.OrderByClause
	switch n := n.(type) {
	case *ast.SelectStmt:
		with, order, q.Body = n.With, n.OrderBy, b.body(n)
		if n.WithBeforeBraces { // WITH x AS (..) (SELECT ..): the brackets own ORDER BY
			in := &sql.Query{Loc: sql.Loc(q.Body.Pos()), Body: q.Body}
			b.order(in, order)
			order = nil
			if isBare(in) {
				q.Body = in.Body
			} else {
				q.Body = in
			}
		}
	case *ast.SetOprStmt:
		with, order, q.Body = n.With, n.OrderBy, b.chain(n.SelectList.Selects)
	default:
		b.broken(n)
	}
	q.Loc = sql.Loc(q.Body.Pos())
	b.order(q, order)
	if with != nil {
		q.Recursive = with.IsRecursive
		for _, c := range with.CTEs {
			d, ok := b.named(c.Name).(*sql.CTE)
			if !ok {
				b.broken(c)
			}
			if d.Stmt == nil {
				d.Q = b.query(c.Query.Query)
			}
			q.With = append(q.With, d)
		}
	}
	if in, ok := q.Body.(*sql.Query); ok {
		clausesOnce(q, in)
	}
	return q
}

// clausesOnce refuses clauses that stand both within the brackets around a query and
// behind them: PostgreSQL reads them as clauses of one query. The outline does that for
// WITH.
func clausesOnce(q, in *sql.Query) {
	what, at := "", 0
	switch {
	case len(q.OrderBy) > 0 && len(in.OrderBy) > 0:
		what, at = "ORDER BY", q.OrderBy[0].X.Pos()
	case q.Offset != nil && in.Offset != nil:
		what, at = "OFFSET", q.Offset.Pos()
	case q.Limit != nil && in.Limit != nil:
		what, at = "LIMIT", q.Limit.Pos()
	default:
		return
	}
	bailAt(sqlerr.New(sqlerr.SyntaxError, "multiple %s clauses not allowed", what), at)
}

// isBare reports whether a query is its body and nothing else.
func isBare(q *sql.Query) bool {
	return q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil &&
		q.Locks == nil && q.Emit == sql.EmitNone
}

func (b builder) order(q *sql.Query, o *ast.OrderByClause) {
	if o == nil {
		return
	}
	for _, it := range o.Items {
		switch x := b.at(it.Expr).(type) {
		case sql.SortKey:
			q.OrderBy = append(q.OrderBy, x)
		case *sql.Query:
			q.Limit, q.Offset, q.WithTies, q.Locks = x.Limit, x.Offset, x.WithTies, x.Locks
			q.Emit, q.EmitOptions, q.AsOf = x.Emit, x.EmitOptions, x.AsOf
		default:
			b.broken(x)
		}
	}
}

// chain groups TiDB's flat list of set operations: INTERSECT binds tighter than the others.
func (b builder) chain(ns []ast.Node) sql.Body {
	var parts []*sql.SetOp // operation and right side of each operand
	for i, n := range ns {
		p, op := b.operand(n)
		if op != nil {
			p.Op, p.All = setOperation(*op)
		}
		p.Loc = sql.Loc(p.R.Pos())
		if k := len(parts); i > 0 && p.Op == sql.Intersect {
			last := parts[k-1]
			last.R = &sql.SetOp{Loc: sql.Loc(last.R.Pos()), Op: p.Op, All: p.All, L: last.R, R: p.R}
		} else {
			parts = append(parts, p)
		}
	}
	l := parts[0].R
	for _, p := range parts[1:] {
		p.L, p.Loc, l = l, sql.Loc(l.Pos()), p
	}
	return l
}

// operand returns one operand as the right side of a set operation, and TiDB's operation.
func (b builder) operand(n ast.Node) (*sql.SetOp, *ast.SetOprType) {
	p := &sql.SetOp{}
	switch n := n.(type) {
	case *ast.SelectStmt:
		p.R = b.body(n)
		if n.IsInBraces || n.OrderBy != nil || n.With != nil {
			p.R = unbracket(b.query(n))
		}
		return p, n.AfterSetOperator
	case *ast.SetOprSelectList:
		if sel, ok := n.Selects[0].(*ast.SelectStmt); ok && len(n.Selects) == 1 {
			p.R = unbracket(b.query(sel))
		} else {
			p.R = unbracket(b.query(&ast.SetOprStmt{SelectList: n, With: n.With, OrderBy: n.OrderBy}))
		}
		return p, n.AfterSetOperator
	}
	b.broken(n)
	return p, nil
}

// unbracket drops brackets that change nothing: those around one SELECT without clauses of
// its own, or around a set operation, whose nesting the tree itself has.
func unbracket(q *sql.Query) sql.Body {
	if isBare(q) {
		return q.Body
	}
	return q
}

func setOperation(op ast.SetOprType) (sql.SetOpKind, bool) {
	switch op {
	case ast.UnionAll:
		return sql.Union, true
	case ast.Intersect:
		return sql.Intersect, false
	case ast.IntersectAll:
		return sql.Intersect, true
	case ast.Except:
		return sql.Except, false
	case ast.ExceptAll:
		return sql.Except, true
	}
	return sql.Union, false
}

func (b builder) body(n *ast.SelectStmt) sql.Body {
	switch n.Kind {
	case ast.SelectStmtKindValues:
		if v, ok := b.at(n.Lists[0].Values[0]).(*sql.Values); ok {
			return v
		}
		b.broken(n)
	case ast.SelectStmtKindTable:
		from := b.from(n.From.TableRefs)
		at := sql.Loc(from[0].Pos())
		star := &sql.ColRef{Loc: at, Star: true}
		return &sql.Select{Loc: at, Items: []sql.Item{{X: star}}, From: from}
	}
	return b.block(n)
}

// block fills a SELECT block.
func (b builder) block(n *ast.SelectStmt) *sql.Select {
	fs := n.Fields.Fields
	sel, ok := b.at(fs[0].Expr).(*sql.Select)
	if !ok {
		b.broken(n)
	}
	if len(fs) > 1 {
		sel.Items = make([]sql.Item, 0, len(fs)-1)
	}
	for _, f := range fs[1:] {
		it, ok := b.at(f.Expr).(sql.Item)
		if !ok {
			b.broken(f)
		}
		sel.Items = append(sel.Items, it)
	}
	sel.From = b.from(n.From.TableRefs)
	if n.Where != nil {
		sel.Where = b.expr(n.Where)
	}
	if n.GroupBy != nil {
		for _, it := range n.GroupBy.Items {
			sel.GroupBy = append(sel.GroupBy, b.expr(it.Expr))
		}
	}
	if n.Having != nil {
		sel.Having = b.expr(n.Having.Expr)
	}
	return sel
}

func (b builder) expr(n ast.Node) sql.Expr {
	x, ok := b.at(n).(sql.Expr)
	if !ok {
		b.broken(n)
	}
	return x
}

// from splits a FROM list: joins carry ON, commas do not.
func (b builder) from(j *ast.Join) []sql.TableRef {
	if j.Right == nil {
		if x := b.table(j.Left); x != nil {
			return []sql.TableRef{x}
		}
		return nil
	}
	if j.On == nil && !j.ExplicitParens {
		l, ok := j.Left.(*ast.Join)
		if !ok {
			b.broken(j)
		}
		return append(b.from(l), b.table(j.Right))
	}
	return []sql.TableRef{b.table(j)}
}

// table returns one element of FROM; nil only for a SELECT without FROM.
func (b builder) table(n ast.ResultSetNode) sql.TableRef {
	switch n := n.(type) {
	case *ast.TableSource:
		tn, ok := n.Source.(*ast.TableName)
		if !ok {
			d, ok := b.named(n.AsName).(*sql.Derived)
			if !ok {
				b.broken(n)
			}
			d.Q = b.query(n.Source)
			return d
		}
		switch t := b.at(tn).(type) {
		case nil:
			return nil
		case sql.TableRef:
			return t
		}
	case *ast.Join:
		return b.join(n)
	}
	b.broken(fmt.Sprintf("%T", n))
	return nil
}

func (b builder) join(n *ast.Join) sql.TableRef {
	if n.Right == nil {
		return b.table(n.Left)
	}
	if n.On == nil { // (a JOIN b ON c, alias)
		ts, ok := n.Right.(*ast.TableSource)
		j, ok2 := b.table(n.Left).(*sql.Join)
		if !ok || !ok2 {
			b.broken(n)
		}
		a, ok := b.at(ts.Source).(sql.Alias)
		if !ok {
			b.broken(n)
		}
		j.Alias, j.AliasCols = a.Name, a.Cols
		return j
	}
	j, ok := b.at(n.On.Expr).(*sql.Join)
	if !ok {
		b.broken(n)
	}
	j.L, j.R = b.table(n.Left), b.table(n.Right)
	return j
}
