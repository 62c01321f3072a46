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

// from is a bound FROM clause, or a part of it: a node and what its columns are
// called.
type from struct {
	node    plan.Node
	cols    []column
	entries []*entry
	// time is the rowtime of the node's rows, nil where there is none.
	time expr.Expr
}

// scope gives the scope of expressions over f's rows.
func (f *from) scope(b *builder, parent *scope, w *with) *scope {
	return &scope{b: b, parent: parent, with: w, cols: f.cols, entries: f.entries}
}

// oneRow is FROM nothing: a single row without columns.
func oneRow() *from {
	v := &plan.Values{Rows: [][]expr.Expr{{}}}
	return &from{node: v}
}

// from binds a whole FROM clause; the items stand beside each other as if joined
// crosswise.
func (b *builder) from(items []sql.TableRef, outer *scope, w *with) (*from, error) {
	var acc *from
	for _, t := range items {
		next, err := b.fromItem(acc, t, outer, w)
		if err != nil {
			return nil, err
		}
		acc = next
	}
	if acc == nil {
		return oneRow(), nil
	}
	return acc, nil
}

// fromItem binds acc crossed with one more item.
func (b *builder) fromItem(acc *from, t sql.TableRef, outer *scope, w *with) (*from, error) {
	if j, ok := t.(*sql.Join); ok {
		return b.fromJoin(acc, j, outer, w)
	}
	right, err := b.operand(acc, t, outer, w)
	if err != nil || acc == nil {
		return right, err
	}
	if err := b.distinctAliases(acc, right, t.Pos()); err != nil {
		return nil, err
	}
	return b.cross(acc, right), nil
}

// operand binds an item that is no join. Lateral items see left's columns as
// Outer columns of depth 1.
func (b *builder) operand(left *from, t sql.TableRef, outer *scope, w *with) (*from, error) {
	switch t := t.(type) {
	case *sql.Table:
		return b.table(t, outer, w)
	case *sql.Derived:
		if t.Lateral {
			return b.lateral(left, outer, w, func(o *scope) (*from, error) {
				return b.derived(t, o, w)
			})
		}
		defer b.outOfReach(left)()
		return b.derived(t, outer, w)
	case *sql.TableFunc:
		return b.lateral(left, outer, w, func(o *scope) (*from, error) {
			return b.tableFunc(t, o, w)
		})
	case *sql.Join:
		return b.fromJoin(nil, t, outer, w)
	}
	return nil, sqlerr.New(sqlerr.InternalError, "unexpected item %T in FROM", t)
}

// lateral binds an item under a scope that has left's columns. Where it does not
// use them, that level is taken out again.
func (b *builder) lateral(left *from, outer *scope, w *with,
	bind func(*scope) (*from, error)) (*from, error) {
	if left == nil || len(left.entries) == 0 {
		return bind(outer)
	}
	f, err := bind(left.scope(b, outer, w))
	if err != nil {
		return nil, err
	}
	if !b.usesOuter(f.node, 1) {
		f.node = b.shiftOuter(f.node, 1, -1)
	}
	return f, nil
}

// outOfReach notes the items beside the part of FROM that is bound next, until the
// function that it gives is called.
func (b *builder) outOfReach(left *from) func() {
	before := b.beyond
	if left != nil {
		b.beyond = slices.Concat(before, left.entries)
	}
	return func() { b.beyond = before }
}

func (b *builder) distinctAliases(l, r *from, pos int) error {
	for _, e := range r.entries {
		for _, o := range l.entries {
			if e.alias == o.alias && e.alias != "" && (e.schema == o.schema) {
				return sqlerr.New(sqlerr.DuplicateAlias,
					"table name \"%s\" specified more than once", e.alias).At(pos)
			}
		}
	}
	return nil
}

// cross joins without a condition; a right side that depends on the left one is
// applied to each of its rows.
func (b *builder) cross(l, r *from) *from {
	out := b.beside(l, r)
	out.node = b.joinNode(plan.Inner, l.node, r.node, nil)
	return out
}

// beside gives the columns of l, then those of r, without a node.
func (b *builder) beside(l, r *from) *from {
	n := len(l.node.Cols())
	out := &from{entries: slices.Concat(l.entries, r.entries)}
	out.cols = append(out.cols, l.cols...)
	for _, c := range r.cols {
		c.x = shiftCols(c.x, n)
		out.cols = append(out.cols, c)
	}
	if out.time = l.time; out.time == nil && r.time != nil {
		out.time = shiftCols(r.time, n)
	}
	return out
}

// shiftCols adds n to the numbers of all columns of e.
func shiftCols(e expr.Expr, n int) expr.Expr {
	if e == nil || n == 0 {
		return e
	}
	return expr.MapCols(e, func(c *expr.Col) expr.Expr {
		return &expr.Col{Index: c.Index + n, T: c.T, Name: c.Name}
	})
}

// table binds a named item: a CTE, a relation, or a view.
func (b *builder) table(t *sql.Table, outer *scope, w *with) (*from, error) {
	if len(t.Name) == 1 {
		if c := w.find(t.Name[0]); c != nil {
			if t.Sample != nil {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "TABLESAMPLE clause can only be applied "+
					"to tables and materialized views").At(t.Pos())
			}
			return b.cteItem(c, t, outer)
		}
	}
	rel, err := b.opened(t.Name, t.Pos())
	if err != nil {
		return nil, err
	}
	f, err := b.relationRef(rel, t)
	if err != nil || t.Sample == nil {
		return f, err
	}
	return b.sample(f, t)
}

// relationRef reads one relation.
func (b *builder) relationRef(rel *catalog.Relation, t *sql.Table) (*from, error) {
	b.reads(rel)
	switch rel.Kind {
	case catalog.KindIndex:
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"cannot open relation \"%s\"", rel.Name).At(t.Pos()).
			WithDetail("This operation is not supported for indexes.")
	case catalog.KindSequence:
		return b.sequenceRow(rel, t)
	case catalog.KindView:
		return b.view(rel, t)
	}
	e := &entry{alias: t.Alias.Name, rel: rel}
	if e.alias == "" {
		e.alias, e.schema = rel.Name, rel.Schema
	}
	var f *from
	if rel.Kind == catalog.KindSystem {
		f = b.systemScan(rel, e)
	} else {
		var err error
		if f, err = b.scan(rel, e, t); err != nil {
			return nil, err
		}
	}
	return f, renameCols(f, t.Alias.Cols, e.alias, t.Pos())
}

// scan reads a stream, table or materialized view with all its columns; those
// that nobody needs are pruned later.
func (b *builder) scan(rel *catalog.Relation, e *entry, t *sql.Table) (*from, error) {
	b.sources[rel.OID] = rel
	s := &plan.Scan{Rel: rel}
	f := &from{entries: []*entry{e}}
	for i := range rel.Columns {
		c := &rel.Columns[i]
		if c.Dropped {
			continue
		}
		f.addScanned(s, e, i, c.Name, c.Type, c.Hidden)
	}
	rowtime := len(s.Columns)
	f.addScanned(s, e, plan.RowTime, "rowtime", types.Of(types.Timestamptz), true)
	f.addScanned(s, e, plan.RowPartition, "rowpartition", types.Of(types.Int4), true)
	f.addScanned(s, e, plan.RowOffset, "rowoffset", types.Of(types.Int8), true)
	f.addScanned(s, e, plan.RowEpoch, "rowepoch", types.Of(types.Int8), true)
	f.addSystemColumns(e)
	f.time = &expr.Col{Index: rowtime, T: types.Of(types.Timestamptz), Name: "rowtime"}
	f.node = s
	if err := b.millisTime(f); err != nil {
		return nil, err
	}
	if t != nil && t.AsOf != nil {
		if err := b.asOf(s, t.AsOf); err != nil {
			return nil, err
		}
	}
	if rel.Windowed {
		return f, b.windowBounds(f, e, rel)
	}
	return f, nil
}

func (f *from) addScanned(s *plan.Scan, e *entry, ordinal int, name string, t types.Type,
	hidden bool) {
	c := plan.Column{Name: name, Type: t, Hidden: hidden}
	if ordinal >= 0 {
		c.Table, c.Attnum = s.Rel.OID, int16(ordinal+1)
	}
	f.cols = append(f.cols, column{entry: e, name: name, hidden: hidden,
		x: &expr.Col{Index: len(s.Columns), T: t, Name: name}, table: c.Table, attnum: c.Attnum})
	s.Columns = append(s.Columns, ordinal)
	s.Out = append(s.Out, c)
}

// addSystemColumns adds the system columns that clients ask for.
func (f *from) addSystemColumns(e *entry) {
	f.cols = append(f.cols,
		column{entry: e, name: "tableoid", hidden: true, x: &expr.Const{
			D: types.IntDatum(int64(e.rel.OID)), T: types.Of(types.OID)}},
		column{entry: e, name: "xmin", hidden: true, x: &expr.Const{
			D: types.IntDatum(2), T: types.Of(types.Xid)}},
		column{entry: e, name: "xmax", hidden: true, x: &expr.Const{
			D: types.IntDatum(0), T: types.Of(types.Xid)}})
}

func (b *builder) systemScan(rel *catalog.Relation, e *entry) *from {
	s := &plan.SystemScan{Rel: rel}
	f := &from{node: s, entries: []*entry{e}}
	for i := range rel.Columns {
		c := &rel.Columns[i]
		f.cols = append(f.cols, column{entry: e, name: c.Name, hidden: c.Hidden,
			x: &expr.Col{Index: i, T: c.Type, Name: c.Name}, table: rel.OID, attnum: int16(i + 1)})
		s.Columns = append(s.Columns, i)
		s.Out = append(s.Out, plan.Column{Name: c.Name, Type: c.Type, Table: rel.OID,
			Attnum: int16(i + 1), Hidden: c.Hidden})
	}
	f.addSystemColumns(e)
	return f
}

// asOf is AS OF EPOCH n of a bounded read; the other forms concern the start of
// a subscription, see emit.
func (b *builder) asOf(s *plan.Scan, a *sql.AsOf) error {
	if a.Kind != sql.AsOfEpoch || b.continuous {
		return nil
	}
	x, err := b.checkAs(a.X, (&scope{b: b}).in("AS OF"), types.Of(types.Int8))
	s.AsOf = x
	return err
}

// maxViewDepth bounds views over views.
const maxViewDepth = 64

// view expands a view's definition.
func (b *builder) view(rel *catalog.Relation, t *sql.Table) (*from, error) {
	if b.depth >= maxViewDepth {
		return nil, sqlerr.New(sqlerr.StatementTooComplex,
			"views are nested more than %d levels deep", maxViewDepth).At(t.Pos())
	}
	q, err := parseQuery(rel.Definition)
	if err != nil {
		return nil, err
	}
	path := b.path
	b.expands(rel.OID)
	b.path, b.depth = rel.SearchPath, b.depth+1
	bound, err := b.query(q, nil, nil)
	b.path, b.depth = path, b.depth-1
	if err != nil {
		return nil, inStored(err, t.Pos()).InContext("view \"%s\"", rel.Name)
	}
	walkNodes(bound.node, func(n plan.Node) {
		for _, s := range slots(n) {
			placeAt(*s, t.Pos(), nil)
		}
	})
	f, err := b.named(bound, t.Alias, rel.Name, t.Pos())
	if err != nil {
		return nil, err
	}
	e := f.entries[0]
	e.rel = rel
	if t.Alias.Name == "" {
		e.schema = rel.Schema
	}
	for i := range f.cols {
		if i < len(rel.Columns) && i >= len(t.Alias.Cols) {
			f.cols[i].name = rel.Columns[i].Name
		}
		f.cols[i].table, f.cols[i].attnum = rel.OID, int16(i+1)
	}
	return f, nil
}

// inStored moves an error in a text that the catalog holds to the place in the
// statement that uses it.
func inStored(err error, pos int) *sqlerr.Error {
	e := *sqlerr.As(err)
	e.Offset, e.Position = 0, 0
	return e.At(pos)
}

// placeAt moves the calls and casts of an expression that was bound from a text of
// the catalog to the place in the statement that uses it, so that later errors
// point there. Expressions in except come from the statement itself.
func placeAt(e expr.Expr, pos int, except []expr.Expr) {
	expr.Walk(e, func(x expr.Expr) bool {
		if slices.Contains(except, x) {
			return false
		}
		switch x := x.(type) {
		case *expr.Call:
			x.Pos = pos
		case *expr.Cast:
			x.Pos = pos
		}
		return true
	})
}

// derived binds (SELECT ...) AS x.
func (b *builder) derived(t *sql.Derived, outer *scope, w *with) (*from, error) {
	q, err := b.query(t.Q, outer, w)
	if err != nil {
		return nil, err
	}
	return b.named(q, t.Alias, t.Alias.Name, t.Pos())
}

// named makes a FROM item of a bound query.
func (b *builder) named(q *query, a sql.Alias, name string, pos int) (*from, error) {
	if a.Name != "" {
		name = a.Name
	}
	e := &entry{alias: name}
	q.node = b.resolveUnknown(q.node)
	f := &from{node: q.node, entries: []*entry{e}}
	for i, c := range q.node.Cols() {
		if c.Hidden {
			continue
		}
		f.cols = append(f.cols, column{entry: e, name: c.Name, table: c.Table, attnum: c.Attnum,
			x: &expr.Col{Index: i, T: c.Type, Name: c.Name}})
	}
	if q.time >= 0 {
		f.time = colOf(q.node, q.time)
	}
	return f, renameCols(f, a.Cols, name, pos)
}

// colOf refers to column i of n.
func colOf(n plan.Node, i int) *expr.Col {
	c := n.Cols()[i]
	return &expr.Col{Index: i, T: c.Type, Name: c.Name}
}

// renameCols gives the first columns of a FROM item the names of its alias.
func renameCols(f *from, names []string, alias string, pos int) error {
	if len(names) == 0 {
		return nil
	}
	k := 0
	for i := range f.cols {
		if f.cols[i].hidden {
			continue
		}
		if k < len(names) {
			f.cols[i].name = names[k]
		}
		k++
	}
	if len(names) > k {
		return sqlerr.New(sqlerr.InvalidColumnReference,
			"table \"%s\" has %d columns available but %d columns specified",
			alias, k, len(names)).At(pos)
	}
	return nil
}
