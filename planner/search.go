package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// searcher adds to a recursive query the columns of its SEARCH and CYCLE clauses. As in
// PostgreSQL both terms become subqueries: what is around the first one gives the columns
// their first values; what is around the other one reads those of the row before, which
// its text gives behind its own columns.
type searcher struct {
	b *builder
	c *cte
	// right is the recursive term, with the columns of the row before behind its own.
	right sql.Body
	width int // columns of the query itself
	names []string
	// value and other are what the mark's column shows of a cycle, and of none.
	value, other expr.Expr
	// These are the columns that are added: SEARCH's, CYCLE's mark and path; -1 for none.
	set, mark, path int
}

// searching gives the searcher of a query whose columns are known; nil where it has
// neither clause.
func (b *builder) searching(c *cte, union *sql.SetOp) (*searcher, error) {
	if c.search == nil && c.cycle == nil {
		return nil, nil
	}
	r := &searcher{b: b, c: c, width: len(c.columns), set: -1, mark: -1, path: -1}
	for _, col := range c.columns {
		r.names = append(r.names, col.Name)
	}
	if err := r.checkNames(); err != nil {
		return nil, err
	}
	if !isSelect(union.L) {
		return nil, termError("left", sqlerr.FeatureNotSupported).At(c.pos)
	}
	if !isSelect(union.R) {
		return nil, termError("right", sqlerr.SyntaxError).At(c.pos)
	}
	if err := r.declare(); err != nil {
		return nil, err
	}
	var err error
	r.right, err = r.carrying(union.R)
	return r, err
}

func termError(side string, code sqlerr.Code) *sqlerr.Error {
	return sqlerr.New(code,
		"with a SEARCH or CYCLE clause, the %s side of the UNION must be a SELECT", side).
		WithHint("Make it a subquery in FROM.")
}

// isSelect tells whether a side of UNION is one SELECT or VALUES.
func isSelect(body sql.Body) bool {
	switch body := body.(type) {
	case *sql.Query:
		return isSelect(body.Body)
	case *sql.SetOp:
		return false
	}
	return true
}

// checkNames refuses columns that do not exist, and names that do already.
func (r *searcher) checkNames() error {
	if s := r.c.search; s != nil {
		if err := r.listed("search", s.By, s.Pos()); err != nil {
			return err
		}
		if err := r.fresh("search sequence", s.Set, s.Pos()); err != nil {
			return err
		}
	}
	y := r.c.cycle
	if y == nil {
		return nil
	}
	if err := r.listed("cycle", y.Columns, y.Pos()); err != nil {
		return err
	}
	if err := r.fresh("cycle mark", y.Mark, y.Pos()); err != nil {
		return err
	}
	if err := r.fresh("cycle path", y.Path, y.Pos()); err != nil {
		return err
	}
	same := func(a, b string, pos int) error {
		return sqlerr.New(sqlerr.SyntaxError, "%s column name and %s column name are the same",
			a, b).At(pos)
	}
	switch s := r.c.search; {
	case y.Mark == y.Path:
		return same("cycle mark", "cycle path", y.Pos())
	case s != nil && s.Set == y.Mark:
		return same("search sequence", "cycle mark", s.Pos())
	case s != nil && s.Set == y.Path:
		return same("search sequence", "cycle path", s.Pos())
	}
	return nil
}

// listed demands that columns of a clause are the query's, each once.
func (r *searcher) listed(clause string, cols []string, pos int) error {
	for i, n := range cols {
		if !slices.Contains(r.names, n) {
			return sqlerr.New(sqlerr.SyntaxError, "%s column \"%s\" not in WITH query column list",
				clause, n).At(pos)
		}
		if slices.Contains(cols[:i], n) {
			return sqlerr.New(sqlerr.DuplicateColumn, "%s column \"%s\" specified more than once",
				clause, n).At(pos)
		}
	}
	return nil
}

// fresh demands that the query has no column of a name.
func (r *searcher) fresh(what, name string, pos int) error {
	if slices.Contains(r.names, name) {
		return sqlerr.New(sqlerr.SyntaxError,
			"%s column name \"%s\" already used in WITH query column list", what, name).At(pos)
	}
	return nil
}

// declare adds the columns to those that references see.
func (r *searcher) declare() error {
	add := func(name string, t types.Type) int {
		r.c.columns = append(r.c.columns, plan.Column{Name: name, Type: t})
		return len(r.c.columns) - 1
	}
	if s := r.c.search; s != nil {
		row := r.rowType(s.By)
		if s.Breadth {
			depth := types.Field{Name: "*DEPTH*", Type: types.Of(types.Int8)}
			row.Fields = append([]types.Field{depth}, row.Fields...)
			r.set = add(s.Set, row)
		} else {
			r.set = add(s.Set, types.ArrayOf(row))
		}
	}
	if r.c.cycle == nil {
		return nil
	}
	if err := r.marks(); err != nil {
		return err
	}
	r.mark = add(r.c.cycle.Mark, r.value.Type())
	r.path = add(r.c.cycle.Path, types.ArrayOf(r.rowType(r.c.cycle.Columns)))
	return nil
}

// marks checks the two values of the mark.
func (r *searcher) marks() error {
	y := r.c.cycle
	if y.Value == nil {
		t := types.Of(types.Bool)
		r.value = &expr.Const{D: types.BoolDatum(true), T: t}
		r.other = &expr.Const{D: types.BoolDatum(false), T: t}
		return nil
	}
	s := (&scope{b: r.b}).in("CYCLE")
	vs := []expr.Expr{nil, nil}
	for i, x := range []sql.Expr{y.Value, y.Default} {
		var err error
		if vs[i], err = r.b.check(x, s); err != nil {
			return err
		}
	}
	t, err := expr.CommonType(vs, "CYCLE", y.Value.Pos())
	if err != nil {
		return err
	}
	if t.Kind == types.Unknown {
		t = types.Of(types.Text)
	}
	for i, x := range []sql.Expr{y.Value, y.Default} {
		if vs[i], err = expr.CoerceTo(vs[i], t, expr.CoerceImplicit, s, x.Pos()); err != nil {
			return err
		}
	}
	r.value, r.other = vs[0], vs[1]
	if _, err := r.b.operator("<>", r.value, r.other, -1); err != nil {
		return sqlerr.New(sqlerr.UndefinedFunction,
			"could not identify an equality operator for type %s", t).At(y.Value.Pos())
	}
	return nil
}

// rowType is the type of a row of some of the query's columns.
func (r *searcher) rowType(cols []string) types.Type {
	t := types.Of(types.Record)
	for _, n := range cols {
		c := r.c.columns[slices.Index(r.names, n)]
		t.Fields = append(t.Fields, types.Field{Name: n, Type: c.Type})
	}
	return t
}

// rowOf makes a row of some columns of n.
func (r *searcher) rowOf(n plan.Node, cols []string, first ...expr.Expr) (expr.Expr, error) {
	t := r.rowType(cols)
	if len(first) > 0 {
		t.Fields = append([]types.Field{{Name: "*DEPTH*", Type: types.Of(types.Int8)}},
			t.Fields...)
	}
	for _, name := range cols {
		first = append(first, colOf(n, slices.Index(r.names, name)))
	}
	return r.b.row(first, t, -1)
}

// seed puts the first values of the columns behind those of the first term.
func (r *searcher) seed(q *query) error {
	p := r.around(q.node)
	add := func(i int, x expr.Expr) {
		p.Exprs, p.Out = append(p.Exprs, x), append(p.Out, r.c.columns[i])
	}
	if s := r.c.search; s != nil && s.Breadth {
		x, err := r.rowOf(q.node, s.By, &expr.Const{T: types.Of(types.Int8)})
		if err != nil {
			return err
		}
		add(r.set, x)
	} else if s != nil {
		x, err := r.pathOf(q.node, s.By)
		if err != nil {
			return err
		}
		add(r.set, x)
	}
	if r.c.cycle != nil {
		x, err := r.pathOf(q.node, r.c.cycle.Columns)
		if err != nil {
			return err
		}
		add(r.mark, r.other)
		add(r.path, x)
	}
	q.node = p
	return nil
}

// around begins the projection around a term: its own columns.
func (r *searcher) around(n plan.Node) *plan.Project {
	p := &plan.Project{Input: n}
	for i := range r.width {
		p.Exprs = append(p.Exprs, colOf(n, i))
		p.Out = append(p.Out, r.c.columns[i])
	}
	return p
}

// pathOf is ARRAY[ROW(columns)].
func (r *searcher) pathOf(n plan.Node, cols []string) (expr.Expr, error) {
	row, err := r.rowOf(n, cols)
	if err != nil {
		return nil, err
	}
	return r.apply(`ARRAY["0"]`, row)
}

// apply checks the text of an expression over others, which it names "0", "1"...
func (r *searcher) apply(text string, xs ...expr.Expr) (expr.Expr, error) {
	ast, err := parse.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	return expr.Check(ast, given{&scope{b: r.b}, xs})
}

// step computes the columns of the recursive term out of those of the row before, and
// leaves out what follows a cycle.
func (r *searcher) step(q *query) error {
	p := r.around(q.node)
	add := func(i int, x expr.Expr) {
		p.Exprs, p.Out = append(p.Exprs, x), append(p.Out, r.c.columns[i])
	}
	if s := r.c.search; s != nil {
		x, err := r.next(q.node, s)
		if err != nil {
			return err
		}
		add(r.set, x)
	}
	if y := r.c.cycle; y != nil {
		row, err := r.rowOf(q.node, y.Columns)
		if err != nil {
			return err
		}
		before, path := colOf(q.node, r.mark), colOf(q.node, r.path)
		mark, err := r.apply(`CASE WHEN "0" = ANY ("1") THEN "2" ELSE "3" END`, row, path,
			r.value, r.other)
		if err != nil {
			return err
		}
		longer, err := r.apply(`array_append("1", "0")`, row, path)
		if err != nil {
			return err
		}
		add(r.mark, mark)
		add(r.path, longer)
		open, err := r.b.operator("<>", before, r.value, -1)
		if err != nil {
			return err
		}
		p.Input = newFilter(p.Input, open)
	}
	q.node = p
	return nil
}

// next is the column of SEARCH for a row that follows another one.
func (r *searcher) next(n plan.Node, s *sql.Search) (expr.Expr, error) {
	before := colOf(n, r.set)
	if !s.Breadth {
		row, err := r.rowOf(n, s.By)
		if err != nil {
			return nil, err
		}
		return r.apply(`array_append("1", "0")`, row, before)
	}
	depth, err := r.apply(`"0" + 1`, expr.FieldOf(before, 0))
	if err != nil {
		return nil, err
	}
	return r.rowOf(n, s.By, depth)
}

// carrying gives the recursive term with the added columns of the row before.
func (r *searcher) carrying(body sql.Body) (sql.Body, error) {
	switch body := body.(type) {
	case *sql.Query:
		out := *body
		var err error
		out.Body, err = r.carrying(body.Body)
		return &out, err
	case *sql.Select:
		for _, t := range body.From {
			alias := r.alias(t)
			if alias == "" {
				continue
			}
			out := *body
			out.Items = slices.Clone(body.Items)
			for _, c := range r.c.columns[r.width:] {
				out.Items = append(out.Items, sql.Item{
					X: &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{alias, c.Name}}})
			}
			return &out, nil
		}
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "with a SEARCH or CYCLE clause, the "+
		"recursive reference to WITH query \"%s\" must be at the top level of its right-hand SELECT",
		r.c.name).At(r.c.pos).WithHint("Name it in FROM itself, not in a subquery of it.")
}

// alias is the name under which an item of FROM shows the query's columns; "" for none.
func (r *searcher) alias(t sql.TableRef) string {
	switch t := t.(type) {
	case *sql.Table:
		switch {
		case len(t.Name) != 1 || t.Name[0] != r.c.name:
			return ""
		case t.Alias.Name != "":
			return t.Alias.Name
		}
		return r.c.name
	case *sql.Join:
		name := r.alias(t.L)
		if name == "" {
			name = r.alias(t.R)
		}
		if t.Alias != "" { // which hides the name
			return ""
		}
		return name
	}
	return ""
}
