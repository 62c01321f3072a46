package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// item is one bound element of a select list.
type item struct {
	x      expr.Expr
	name   string
	table  catalog.OID
	attnum int16
	pos    int
	ast    sql.Expr // nil for the columns of a star
	// unnamed items got their name from the expression.
	unnamed bool
	// star items are columns of *, of the FROM item entry; ref is the name of one.
	star  bool
	entry *entry
	ref   *sql.ColRef
	// bound items are the bounds of the WINDOW clause, which nobody wrote.
	bound bool
}

// block is one SELECT being bound. Steps, in the order of execution: FROM, WHERE,
// GROUP BY and aggregates, HAVING, window functions, set-returning functions,
// select list, DISTINCT, ORDER BY, LIMIT.
type block struct {
	b     *builder
	q     *sql.Query
	sel   *sql.Select
	outer *scope
	with  *with
	from  *from
	node  plan.Node
	scope *scope // over from's rows

	items  []item
	groups *grouping
	agg    *aggregation
	win    *windows
	having expr.Expr
	on     []int // ordinals of DISTINCT ON in the projection
	keys   []sortKey
	hidden int // expressions in the projection for ORDER BY only, and keys of rows
	behind int // of them, keys of rows: the last ones
	time   expr.Expr
	// groupedSets says that an expression of GROUP BY called set-returning functions.
	groupedSets bool
}

// sortKey is an ORDER BY element: an output column, or an expression of its own.
type sortKey struct {
	key  sql.SortKey
	item int // ordinal of the projection, or -1 until x is placed
	x    expr.Expr
}

// selectQuery binds a SELECT with the ORDER BY and LIMIT of its query.
func (b *builder) selectQuery(q *sql.Query, sel *sql.Select, outer *scope, w *with) (
	*query, error) {
	k := &block{b: b, q: q, sel: sel, outer: outer, with: w, agg: &aggregation{}}
	k.win = &windows{b: b, agg: k.agg}
	if err := k.bind(); err != nil {
		return nil, err
	}
	return k.build()
}

// bind checks all expressions over the rows of FROM.
func (k *block) bind() error {
	bare := k.b.bare
	k.b.bare = bareNames(k.sel, k.q)
	f, err := k.b.from(k.sel.From, k.outer, k.with)
	k.b.bare = bare
	if err != nil {
		return err
	}
	if k.sel.Window != nil {
		if f, err = k.b.windowClause(f, k.sel); err != nil {
			return err
		}
	}
	k.from, k.node, k.time = f, f.node, f.time
	k.scope = f.scope(k.b, k.outer, k.with)
	if err := k.win.define(k.sel.Windows); err != nil {
		return err
	}
	// As in PostgreSQL the select list comes before WHERE: its errors, and what it says
	// about the types of parameters.
	if err := k.selectList(); err != nil {
		return err
	}
	if err := k.where(); err != nil {
		return err
	}
	if err := k.groupBy(); err != nil {
		return err
	}
	if k.sel.Having != nil {
		s := k.scope.in("HAVING")
		s.agg = k.agg
		if k.having, err = k.b.checkBool(k.sel.Having, s, "HAVING"); err != nil {
			return err
		}
		if err := refuseSets(k.having, "HAVING"); err != nil {
			return err
		}
	}
	if err := k.distinctOn(); err != nil {
		return err
	}
	if err := k.rounds(); err != nil {
		return err
	}
	if err := k.lockedRows(); err != nil {
		return err
	}
	if err := k.orderBy(); err != nil {
		return err
	}
	return k.win.unused(k.scope)
}

func (k *block) where() error {
	if k.sel.Where == nil {
		return nil
	}
	x, err := k.b.checkBool(k.sel.Where, k.scope.in("WHERE"), "WHERE")
	if err != nil {
		return err
	}
	if err := refuseSets(x, "WHERE"); err != nil {
		return err
	}
	k.node = newFilter(k.node, x)
	return nil
}

// newFilter keeps the rows for which pred is true.
func newFilter(n plan.Node, pred expr.Expr) plan.Node {
	if pred == nil || isTrue(pred) {
		return n
	}
	f := &plan.Filter{Input: n, Pred: pred}
	f.Out = n.Cols()
	return f
}

// selectList expands stars and checks the items.
func (k *block) selectList() error {
	s := k.scope.in("SELECT")
	s.agg, s.win = k.agg, k.win
	for _, it := range k.sel.Items {
		if len(k.items) > maxColumns { // before the rest is bound, which takes its time
			return errTargets()
		}
		if ref, ok := it.X.(*sql.ColRef); ok && ref.Star {
			cols, err := s.starTargets(ref)
			if err != nil {
				return err
			}
			for _, c := range cols {
				k.items = append(k.items, item{x: k.b.reach(c.x, 0, ref.Pos(), c.qualifiedName()),
					name: c.name, table: c.table, attnum: c.attnum, pos: ref.Pos(), entry: c.entry,
					star: true, ref: k.starRef(&c)})
			}
			continue
		}
		if f, ok := it.X.(*sql.Field); ok && f.Star {
			if err := k.fieldStar(f, s); err != nil {
				return err
			}
			continue
		}
		x, err := k.b.check(it.X, s)
		if err != nil {
			return err
		}
		bound := item{x: x, name: it.As, pos: it.X.Pos(), ast: it.X}
		if bound.name == "" {
			bound.name, bound.unnamed = columnName(it.X), true
		}
		if c, ok := x.(*expr.Col); ok {
			bound.table, bound.attnum = k.origin(c)
		}
		k.items = append(k.items, bound)
	}
	k.keyBounds()
	if err := k.ksqlItems(); err != nil {
		return err
	}
	if err := k.partitionBy(); err != nil {
		return err
	}
	k.ksqlNames()
	k.freezeStars()
	if len(k.items) > maxColumns {
		return errTargets()
	}
	return nil
}

func errTargets() error {
	return sqlerr.New(sqlerr.TooManyColumns,
		"target lists can have at most %d entries", maxColumns)
}

// keyBounds adds the bounds of the WINDOW clause to the result of CREATE TABLE AS,
// where they are not selected: they are a part of its key.
func (k *block) keyBounds() {
	if k.sel.Window == nil || !k.b.windowKey || k.q != k.b.emitting {
		return
	}
	n := k.from.node
	for i := len(n.Cols()) - 2; i < len(n.Cols()); i++ {
		c := colOf(n, i)
		if k.matching(c) < 0 {
			k.items = append(k.items, item{x: c, name: c.Name, pos: k.sel.Window.Pos(),
				bound: true})
		}
	}
}

// maxColumns is PostgreSQL's MaxTupleAttributeNumber.
const maxColumns = 1664

// origin finds the plain column that c is.
func (k *block) origin(c *expr.Col) (catalog.OID, int16) {
	for i := range k.scope.cols {
		d := &k.scope.cols[i]
		if x, ok := d.x.(*expr.Col); ok && x.Index == c.Index && d.table != 0 {
			return d.table, d.attnum
		}
	}
	return 0, 0
}

// fieldStar is (x).* or x->*: one item per field.
func (k *block) fieldStar(f *sql.Field, s *scope) error {
	x, err := k.b.check(f.X, s)
	if err != nil {
		return err
	}
	fields := x.Type().Fields
	if len(fields) == 0 {
		return sqlerr.New(sqlerr.WrongObjectType,
			"type %s is not composite", x.Type()).At(f.Pos())
	}
	for _, fd := range fields {
		one := &sql.Field{Loc: f.Loc, X: f.X, Name: fd.Name, Arrow: f.Arrow}
		x, err := k.b.check(one, s)
		if err != nil {
			return err
		}
		k.items = append(k.items, item{x: x, name: fd.Name, pos: f.Pos(), ast: one})
	}
	return nil
}

// distinctOn binds DISTINCT ON to columns of the projection.
func (k *block) distinctOn() error {
	for _, x := range k.sel.On {
		key, err := k.bindKey(sql.SortKey{X: x}, "DISTINCT ON")
		if err != nil {
			return err
		}
		k.on = append(k.on, k.place(&key))
	}
	return nil
}

// orderBy binds the ORDER BY list.
func (k *block) orderBy() error {
	for _, o := range k.q.OrderBy {
		key, err := k.bindKey(o, "ORDER BY")
		if err != nil {
			return err
		}
		if key.item < 0 && k.sel.Distinct && len(k.on) == 0 && k.matching(key.x) < 0 {
			return sqlerr.New(sqlerr.InvalidColumnReference,
				"for SELECT DISTINCT, ORDER BY expressions must appear in select list").
				At(o.X.Pos())
		}
		k.place(&key)
		k.keys = append(k.keys, key)
	}
	return k.checkOn()
}

// checkOn demands that ORDER BY begins with the expressions of DISTINCT ON.
func (k *block) checkOn() error {
	left := map[int]bool{}
	for _, i := range k.on {
		left[i] = true
	}
	for _, key := range k.keys {
		if len(left) == 0 {
			return nil
		}
		on := false
		for _, i := range k.on {
			on = on || i == key.item
		}
		if !on {
			return sqlerr.New(sqlerr.InvalidColumnReference, "SELECT DISTINCT ON expressions "+
				"must match initial ORDER BY expressions").At(k.sel.On[0].Pos())
		}
		delete(left, key.item)
	}
	return nil
}

// bindKey resolves a sort expression: output column by ordinal or name first,
// then an expression over FROM.
func (k *block) bindKey(o sql.SortKey, clause string) (sortKey, error) {
	switch x := o.X.(type) {
	case *sql.Const:
		if x.Kind == sql.NumConst || x.Kind == sql.StrConst {
			i, err := ordinal(x, len(k.items), clause)
			return sortKey{key: o, item: i}, err
		}
	case *sql.ColRef:
		if len(x.Name) == 1 && !x.Star {
			i, err := k.itemNamed(x.Name[0], clause, x.Pos())
			if err != nil || i >= 0 {
				return sortKey{key: o, item: i}, err
			}
		}
	}
	s := k.scope.in(clause)
	s.agg, s.win = k.agg, k.win
	x, err := k.b.check(o.X, s)
	if err != nil {
		return sortKey{}, err
	}
	x, err = expr.Settle(x, s, o.X.Pos())
	return sortKey{key: o, item: -1, x: x}, err
}

// itemNamed finds the output column of a name; equal expressions are no conflict.
func (k *block) itemNamed(name, clause string, pos int) (int, error) {
	found := -1
	for i := range k.items {
		if k.items[i].name != name {
			continue
		}
		if found >= 0 && !expr.Equal(k.items[found].x, k.items[i].x) {
			return 0, sqlerr.New(sqlerr.AmbiguousColumn,
				"%s \"%s\" is ambiguous", clause, name).At(pos)
		}
		if found < 0 {
			found = i
		}
	}
	return found, nil
}

func (k *block) matching(x expr.Expr) int {
	for i := range k.items {
		if expr.Equal(k.items[i].x, x) {
			return i
		}
	}
	return -1
}

// place gives the projection's ordinal of a key, adding a hidden item where it is
// not in the select list.
func (k *block) place(key *sortKey) int {
	if key.item >= 0 {
		return key.item
	}
	if key.item = k.matching(key.x); key.item < 0 {
		key.item = len(k.items)
		k.items = append(k.items, item{x: key.x, name: "?order?", pos: key.key.X.Pos()})
		k.hidden++
	}
	return key.item
}

// build makes the nodes.
func (k *block) build() (*query, error) {
	if err := k.aggregate(); err != nil {
		return nil, err
	}
	if err := k.computeWindows(); err != nil {
		return nil, err
	}
	if err := k.setFunctions(); err != nil {
		return nil, err
	}
	k.rowKeys()
	q := k.project()
	if k.sel.Distinct && len(k.sel.On) == 0 {
		q.node = k.b.resolveUnknown(q.node)
		d := &plan.Distinct{Input: q.node}
		d.Out = q.node.Cols()
		q.node = d
	}
	var keys []expr.Order
	for _, key := range k.keys {
		keys = append(keys, order(key.key, colOf(q.node, key.item)))
	}
	if len(k.on) > 0 {
		d := &plan.DistinctOn{Input: q.node, Keys: keys}
		for _, i := range k.on {
			d.On = append(d.On, colOf(q.node, i))
		}
		d.Out = q.node.Cols()
		q.node = d
	}
	q, err := k.b.limited(q, keys, k.q, k.outer)
	if err != nil || k.hidden == k.behind {
		return q, err
	}
	return k.stripOrder(q), nil
}

// project computes the select list, with the hidden sort keys and rowtime behind.
func (k *block) project() *query {
	p := &plan.Project{Input: k.node}
	visible := len(k.items) - k.hidden
	for i, it := range k.items {
		p.Exprs = append(p.Exprs, it.x)
		p.Out = append(p.Out, plan.Column{Name: it.name, Type: it.x.Type(), Table: it.table,
			Attnum: it.attnum, Hidden: i >= visible})
	}
	q := &query{node: p, time: -1}
	if k.time != nil && k.b.continuous && !k.sel.Distinct {
		q.time = len(p.Exprs)
		p.Exprs = append(p.Exprs, k.time)
		p.Out = append(p.Out, plan.Column{Name: "rowtime", Type: types.Of(types.Timestamptz),
			Hidden: true})
	}
	return q
}

// stripOrder drops the hidden sort keys.
func (k *block) stripOrder(q *query) *query {
	p := &plan.Project{Input: q.node}
	visible := len(k.items) - k.hidden
	for i, c := range q.node.Cols() {
		if i >= visible && i < len(k.items)-k.behind && i != q.time {
			continue
		}
		p.Exprs = append(p.Exprs, colOf(q.node, i))
		p.Out = append(p.Out, c)
	}
	out := &query{node: p, time: -1}
	if q.time >= 0 {
		out.time = len(p.Out) - 1
	}
	return out
}

// stripHidden drops all hidden columns.
func (b *builder) stripHidden(q *query) *query {
	p := &plan.Project{Input: q.node}
	for i, c := range q.node.Cols() {
		if c.Hidden {
			continue
		}
		p.Exprs = append(p.Exprs, colOf(q.node, i))
		p.Out = append(p.Out, c)
	}
	if len(p.Out) == len(q.node.Cols()) {
		return &query{node: q.node, time: -1}
	}
	return &query{node: p, time: -1}
}

// resolveUnknown gives columns of unknown type (untyped literals and parameters)
// the type text.
func (b *builder) resolveUnknown(n plan.Node) plan.Node {
	for _, c := range n.Cols() {
		if c.Type.Kind == types.Unknown {
			ts := plan.Types(n)
			for i := range ts {
				if ts[i].Kind == types.Unknown {
					ts[i] = types.Of(types.Text)
				}
			}
			out, err := b.convert(n, ts, nil, sql.NoLoc.Pos())
			if err != nil {
				return n
			}
			return out
		}
	}
	return n
}

// convert makes the columns of n have the given types by assignment. Literals are
// read as the type, where n computes them itself. names name the target columns
// in errors, or are nil.
func (b *builder) convert(n plan.Node, ts []types.Type, names []string, pos int) (
	plan.Node, error) {
	same := true
	for i, c := range n.Cols() {
		if i < len(ts) && (!c.Type.Same(ts[i]) || ts[i].Mod != 0 && c.Type.Mod != ts[i].Mod) {
			same = false
		}
	}
	if same {
		return n, nil
	}
	if v, ok := n.(*plan.Values); ok {
		return b.convertValues(v, ts, names, pos)
	}
	p, inline := n.(*plan.Project)
	if !inline {
		p = passThrough(n)
	}
	out := &plan.Project{Input: p.Input}
	out.Out = append([]plan.Column(nil), p.Out...)
	for i, x := range p.Exprs {
		if i < len(ts) {
			y, err := b.coerce(x, ts[i], nameAt(names, i), pos)
			if err != nil {
				return nil, err
			}
			x = y
		}
		out.Exprs = append(out.Exprs, x)
		out.Out[i].Type = x.Type()
		if x != p.Exprs[i] {
			out.Out[i].Table, out.Out[i].Attnum = 0, 0
		}
	}
	return out, nil
}

func nameAt(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}

func (b *builder) convertValues(v *plan.Values, ts []types.Type, names []string, pos int) (
	plan.Node, error) {
	out := &plan.Values{}
	out.Out = append([]plan.Column(nil), v.Out...)
	for _, row := range v.Rows {
		next := append([]expr.Expr(nil), row...)
		for i := range next {
			if i >= len(ts) {
				break
			}
			x, err := b.coerce(next[i], ts[i], nameAt(names, i), pos)
			if err != nil {
				return nil, err
			}
			next[i] = x
		}
		out.Rows = append(out.Rows, next)
	}
	for i := range out.Out {
		if i < len(ts) {
			out.Out[i].Type = ts[i]
		}
	}
	return out, nil
}
