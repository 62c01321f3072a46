package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// changed binds the target of UPDATE or DELETE with the other items, and the
// condition. The first columns of the node are the target's row layout.
func (b *builder) changed(rel *catalog.Relation, t *sql.Table, others []sql.TableRef,
	where sql.Expr, cursor string, cte sql.WithClause) (*from, *scope, plan.Node, error) {
	w, err := b.extend(b.ctes, cte.With, cte.Recursive, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	e := &entry{alias: t.Alias.Name, rel: rel}
	if e.alias == "" {
		e.alias, e.schema = rel.Name, rel.Schema
	}
	b.opens(rel.OID)
	f, err := b.scan(rel, e, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, o := range others {
		if f, err = b.fromItem(f, o, nil, w); err != nil {
			return nil, nil, nil, err
		}
	}
	s := f.scope(b, nil, w)
	n := f.node
	if cursor != "" {
		x, err := b.currentOf(rel, f, cursor, t.Pos())
		if err != nil {
			return nil, nil, nil, err
		}
		n = newFilter(n, x)
	}
	if where != nil {
		x, err := b.checkBool(where, s.in("WHERE"), "WHERE")
		if err != nil {
			return nil, nil, nil, err
		}
		n = newFilter(n, x)
	}
	return f, s, n, nil
}

// oncePerRow keeps one of the joined rows for each row of the target.
func (b *builder) oncePerRow(rel *catalog.Relation, layout []int, n plan.Node) plan.Node {
	d := &plan.DistinctOn{Input: n}
	for _, o := range rel.Key {
		d.On = append(d.On, colOf(n, slices.Index(layout, o)))
	}
	d.Out = n.Cols()
	return d
}

func (b *builder) update(s *sql.Update) (*plan.Plan, error) {
	rel, err := b.writable(s.Table.Name, s.Table.Pos(), "update")
	if err != nil {
		return nil, err
	}
	f, sc, n, err := b.changed(rel, s.Table, s.From, s.Where, s.Cursor, s.WithClause)
	if err != nil {
		return nil, err
	}
	layout := rowLayout(rel)
	p := &plan.Project{Input: n}
	exprs := make([]expr.Expr, len(layout))
	for i, o := range layout {
		c := plan.Column{Name: rel.Columns[o].Name, Type: rel.Columns[o].Type}
		exprs[i] = colOf(n, i)
		p.Exprs, p.Out = append(p.Exprs, colOf(n, i)), append(p.Out, c)
	}
	if err := b.assignments(rel, layout, s.Set, sc.in("UPDATE"), exprs); err != nil {
		return nil, err
	}
	p.Exprs = append(p.Exprs, exprs...)
	p.Out = append(p.Out, p.Out...)
	if s.Returning != nil && len(s.From) > 0 {
		addOthers(p, n, len(layout))
	}
	w := &plan.Write{Kind: plan.Update, Rel: rel, Time: -1, Input: p}
	if len(s.From) > 0 && !b.merging {
		w.Input = b.oncePerRow(rel, layout, p)
	}
	if err := b.rules(w); err != nil {
		return nil, err
	}
	if w.Checks, err = b.rowChecks(rel); err != nil {
		return nil, err
	}
	out := &plan.Plan{Write: w, Tag: "UPDATE"}
	return out, b.finishWrite(out, s.Returning, rel, returnsOf(f, s.Table, sc.with))
}

// finishWrite plans RETURNING and optimizes the input.
func (b *builder) finishWrite(p *plan.Plan, items []sql.Item, rel *catalog.Relation,
	over rowNames) error {
	if err := b.returning(p, items, rel, over); err != nil {
		return err
	}
	if _, err := b.finishParams(); err != nil {
		return err
	}
	n, err := b.optimize(p.Write.Input)
	p.Write.Input = n
	return err
}

// assignments applies SET to whole rows: exprs holds the old values and gets the
// new ones.
func (b *builder) assignments(rel *catalog.Relation, layout []int, set []sql.Assign, s *scope,
	exprs []expr.Expr) error {
	seen, parts := map[int]bool{}, map[int]bool{}
	for _, a := range set {
		if len(a.Path) > 0 {
			if err := b.assignPart(rel, layout, a, s, exprs, seen); err != nil {
				return err
			}
			parts[slices.Index(layout, rel.ColumnIndex(a.Columns[0]))] = true
			continue
		}
		values, err := assigned(a)
		if err != nil {
			return err
		}
		for k, name := range a.Columns {
			i, err := b.assignedColumn(rel, layout, name, a.Pos(), seen)
			if err != nil {
				return err
			}
			if parts[i] {
				return sqlerr.New(sqlerr.SyntaxError,
					"multiple assignments to same column \"%s\"", name).At(a.Pos())
			}
			x, err := b.newValue(rel, layout[i], values[k], s)
			if err != nil {
				return err
			}
			exprs[i] = x
		}
	}
	return b.fillGenerated(rel, layout, exprs)
}

// assigned gives one syntax expression per column of an assignment.
func assigned(a sql.Assign) ([]sql.Expr, error) {
	if !a.Multi || len(a.Columns) == 1 {
		if r, ok := a.X.(*sql.Row); ok && a.Multi && len(r.Elems) == 1 {
			return r.Elems, nil
		}
		return []sql.Expr{a.X}, nil
	}
	switch x := a.X.(type) {
	case *sql.Row:
		if len(x.Elems) != len(a.Columns) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "number of columns does not match "+
				"number of values").At(a.Pos())
		}
		return x.Elems, nil
	case *sql.Subquery:
		return splitSubquery(x, len(a.Columns))
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "source for a multiple-column UPDATE "+
		"item must be a sub-SELECT or ROW() expression").At(a.X.Pos()).
		WithHint("Write SET (a, b) = (x, y).")
}

// splitSubquery makes one scalar subquery per column: each selects a column of the whole.
func splitSubquery(x *sql.Subquery, n int) ([]sql.Expr, error) {
	if w := widthOf(x.Q.Body); w >= 0 && w != n {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"number of columns does not match number of values").At(x.Pos())
	}
	names := make([]string, n)
	for i := range names {
		names[i] = sprintf("column%d", i+1)
	}
	out := make([]sql.Expr, n)
	for i, name := range names {
		from := &sql.Derived{Loc: x.Loc, Q: x.Q, Alias: sql.Alias{Name: "source", Cols: names}}
		one := &sql.Select{Loc: x.Loc, From: []sql.TableRef{from}, Items: []sql.Item{
			{X: &sql.ColRef{Loc: x.Loc, Name: sql.Name{"source", name}}}}}
		out[i] = &sql.Subquery{Loc: x.Loc, Q: &sql.Query{Loc: x.Loc, Body: one}}
	}
	return out, nil
}

// widthOf is the number of columns of a query as it is written, -1 where a * hides it.
func widthOf(body sql.Body) int {
	switch x := body.(type) {
	case *sql.Select:
		for _, it := range x.Items {
			if c, ok := it.X.(*sql.ColRef); ok && c.Star {
				return -1
			}
		}
		return len(x.Items)
	case *sql.Values:
		return len(x.Rows[0])
	case *sql.SetOp:
		return widthOf(x.L)
	}
	return -1
}

func (b *builder) assignedColumn(rel *catalog.Relation, layout []int, name string, pos int,
	seen map[int]bool) (int, error) {
	o := rel.ColumnIndex(name)
	if o < 0 || rel.Columns[o].Hidden {
		err := sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" of relation \"%s\" does not exist", name, rel.Name).At(pos)
		return 0, columnNear(err, rel, name)
	}
	i := slices.Index(layout, o)
	if seen[i] {
		return 0, sqlerr.New(sqlerr.SyntaxError,
			"multiple assignments to same column \"%s\"", name).At(pos)
	}
	seen[i] = true
	return i, nil
}

// newValue checks the value that a column is set to.
func (b *builder) newValue(rel *catalog.Relation, o int, x sql.Expr, s *scope) (expr.Expr, error) {
	c := &rel.Columns[o]
	_, isDefault := x.(*sql.Default)
	if c.Generated && !isDefault {
		return nil, sqlerr.New(sqlerr.GeneratedAlways,
			"column \"%s\" can only be updated to DEFAULT", c.Name).At(x.Pos()).
			WithDetail("Column \"%s\" is a generated column.", c.Name)
	}
	if isDefault {
		return b.defaultOf(rel, o)
	}
	if c.Identity == 'a' {
		return nil, sqlerr.New(sqlerr.GeneratedAlways,
			"column \"%s\" can only be updated to DEFAULT", c.Name).At(x.Pos()).
			WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", c.Name)
	}
	e, err := b.check(x, s)
	if err != nil {
		return nil, err
	}
	if hasSet(e) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed in UPDATE").At(x.Pos()).
			WithHint("Use a subquery that gives one value.")
	}
	return b.coerce(e, c.Type, c.Name, x.Pos())
}

func (b *builder) delete(s *sql.Delete) (*plan.Plan, error) {
	rel, err := b.writable(s.Table.Name, s.Table.Pos(), "delete from")
	if err != nil {
		return nil, err
	}
	f, sc, n, err := b.changed(rel, s.Table, s.Using, s.Where, s.Cursor, s.WithClause)
	if err != nil {
		return nil, err
	}
	layout := rowLayout(rel)
	if s.Returning == nil || len(s.Using) == 0 {
		n = narrow(n, len(layout))
	}
	if len(s.Using) > 0 && !b.merging {
		n = b.oncePerRow(rel, layout, n)
	}
	p := &plan.Plan{Write: &plan.Write{Kind: plan.Delete, Rel: rel, Time: -1, Input: n},
		Tag: "DELETE"}
	if err := b.rules(p.Write); err != nil {
		return nil, err
	}
	return p, b.finishWrite(p, s.Returning, rel, returnsOf(f, s.Table, sc.with))
}

func (b *builder) truncate(s *sql.Truncate) (*plan.Plan, error) {
	c := &catalog.Truncate{Cascade: s.Cascade}
	for _, name := range s.Names {
		rel, err := b.relation(name, s.Pos())
		if err != nil {
			return nil, err
		}
		if rel.Kind != catalog.KindTable || rel.Query != 0 {
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"\"%s\" is not a table that can be truncated", rel.Name).
				WithHint("Streams are append-only, and results of queries follow their sources.")
		}
		b.wants(rel, "TRUNCATE")
		c.OIDs = append(c.OIDs, rel.OID)
		if s.RestartIdentity {
			b.restartOwned(rel)
		}
	}
	return command("TRUNCATE TABLE", c), nil
}

// rowNames says what RETURNING may name: the changed row by its alias, and behind it the
// columns of the other items of FROM or USING.
type rowNames struct {
	alias  string
	others []column
	with   *with
}

// returnsOf are the names of RETURNING of UPDATE and DELETE.
func returnsOf(f *from, t *sql.Table, w *with) rowNames {
	out := rowNames{alias: t.Alias.Name, with: w}
	for _, c := range f.cols {
		if c.entry != f.entries[0] {
			out.others = append(out.others, c)
		}
	}
	return out
}

// addOthers gives a projection all columns of n behind the first width ones.
func addOthers(p *plan.Project, n plan.Node, width int) {
	for i := width; i < len(n.Cols()); i++ {
		p.Exprs, p.Out = append(p.Exprs, colOf(n, i)), append(p.Out, n.Cols()[i])
	}
}

// returning plans RETURNING over the row layout.
func (b *builder) returning(p *plan.Plan, items []sql.Item, rel *catalog.Relation,
	over rowNames) error {
	if items == nil {
		return nil
	}
	alias := over.alias
	s := b.relScope(rel, "RETURNING")
	s.with = over.with
	e := s.entries[0]
	e.rel = rel
	if e.schema = rel.Schema; alias != "" {
		e.alias, e.schema = alias, ""
	}
	for i, o := range rowLayout(rel) {
		s.cols[i].table, s.cols[i].attnum = rel.OID, int16(o+1)
	}
	for _, c := range over.others {
		s.cols = append(s.cols, c)
		if !slices.Contains(s.entries, c.entry) {
			s.entries = append(s.entries, c.entry)
		}
	}
	k := &block{b: b, sel: &sql.Select{Items: items}, scope: s, q: &sql.Query{}}
	if err := k.returningList(); err != nil {
		return err
	}
	p.Write.Returning = []expr.Expr{}
	p.Columns = []plan.Column{}
	for _, it := range k.items {
		x, err := expr.Settle(it.x, s, it.pos)
		if err != nil {
			return err
		}
		p.Write.Returning = append(p.Write.Returning, x)
		p.Columns = append(p.Columns, plan.Column{Name: it.name, Type: x.Type(), Table: it.table,
			Attnum: it.attnum})
	}
	return nil
}

// returningList is selectList where neither aggregates nor windows may stand.
func (k *block) returningList() error {
	if err := k.selectList(); err != nil {
		return err
	}
	for _, it := range k.items {
		if hasSet(it.x) {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"set-returning functions are not allowed in RETURNING").At(it.pos).
				WithHint("Use a SELECT after the statement.")
		}
	}
	return nil
}

// queryNamed finds a continuous query by its name, or by the relation it fills.
func (b *builder) queryNamed(t sql.Target) (*catalog.Query, error) {
	if q := b.env.Snapshot.QueryByName(t.Name.Last()); q != nil && len(t.Name) == 1 {
		return q, nil
	}
	if rel := b.find(t.Name); rel != nil && rel.Query != 0 {
		return b.env.Snapshot.Query(rel.Query), nil
	}
	var names []string
	for _, q := range b.env.Snapshot.Queries() {
		names = append(names, q.Name)
		if rel := b.env.Snapshot.Relation(q.Target); rel != nil {
			names = append(names, rel.Name)
		}
	}
	err := sqlerr.New(sqlerr.UndefinedObject,
		"query \"%s\" does not exist", t.Name.Last()).At(t.NamePos.Pos())
	if near := catalog.Nearest(t.Name.Last(), names); near != "" {
		return nil, err.WithHint("Did you mean \"%s\"?", near)
	}
	return nil, err.WithHint("SHOW QUERIES lists the queries.")
}

// mustOwnQuery refuses to touch a query that fills somebody else's relation.
func (b *builder) mustOwnQuery(q *catalog.Query) error {
	target := b.env.Snapshot.Relation(q.Target)
	if target == nil {
		return b.mustBeSuper("change query")
	}
	return b.mustOwn("query", q.Name, target.Owner)
}

// queryState plans PAUSE and RESUME.
func (b *builder) queryState(t sql.Target, state catalog.QueryState, tag string) (
	*plan.Plan, error) {
	if !t.All {
		q, err := b.queryNamed(t)
		if err == nil {
			err = b.mustOwnQuery(q)
		}
		if err != nil {
			return nil, err
		}
		return command(tag, &catalog.SetQueryState{OID: q.OID, State: state}), nil
	}
	batch := &catalog.Batch{}
	for _, q := range b.env.Snapshot.Queries() {
		paused := q.State == catalog.QueryPaused
		if b.mustOwnQuery(q) != nil {
			continue
		}
		if state == catalog.QueryPaused && !paused && q.State != catalog.QueryFailed ||
			state == catalog.QueryRunning && paused {
			batch.Commands = append(batch.Commands, &catalog.SetQueryState{OID: q.OID, State: state})
		}
	}
	return b.batch(tag, batch), nil
}

// batch runs several commands; none is no command at all.
func (b *builder) batch(tag string, c *catalog.Batch) *plan.Plan {
	switch len(c.Commands) {
	case 0:
		return &plan.Plan{Tag: tag}
	case 1:
		return command(tag, c.Commands[0])
	}
	return command(tag, c)
}

// terminate plans TERMINATE.
func (b *builder) terminate(t sql.Target) (*plan.Plan, error) {
	if !t.All {
		q, err := b.queryNamed(t)
		if err == nil {
			err = b.mustOwnQuery(q)
		}
		if err != nil {
			return nil, err
		}
		return command("TERMINATE", &catalog.DropQuery{OID: q.OID}), nil
	}
	batch := &catalog.Batch{}
	for _, q := range b.env.Snapshot.Queries() {
		if b.mustOwnQuery(q) != nil {
			continue // ALL are those that the role may end
		}
		batch.Commands = append(batch.Commands, &catalog.DropQuery{OID: q.OID})
	}
	return b.batch("TERMINATE", batch), nil
}

// isKeyed tells whether a relation's rows have a key that users see.
func isKeyed(rel *catalog.Relation) bool {
	for _, k := range rel.Key {
		if !rel.Columns[k].Hidden {
			return true
		}
	}
	return false
}

// textType is the plain type text.
func textType() types.Type { return types.Of(types.Text) }
