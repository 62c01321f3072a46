package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// fromJoin binds acc crossed with a join. Items before the join are drawn into
// its left side, where that means the same, so that lateral items see them.
func (b *builder) fromJoin(acc *from, j *sql.Join, outer *scope, w *with) (*from, error) {
	if acc != nil && (!leftSpine(j) || j.Alias != "") {
		right, err := b.fromJoin(nil, j, outer, w)
		if err != nil {
			return nil, err
		}
		if err := b.distinctAliases(acc, right, j.Pos()); err != nil {
			return nil, err
		}
		return b.cross(acc, right), nil
	}
	left, err := b.fromItem(acc, j.L, outer, w)
	if err != nil {
		return nil, err
	}
	right, err := b.operand(left, j.R, outer, w)
	if err != nil {
		return nil, err
	}
	if err := b.distinctAliases(left, right, j.Pos()); err != nil {
		return nil, err
	}
	out, err := b.join(acc, left, right, j, outer, w)
	if err != nil || j.Alias == "" {
		return out, err
	}
	return aliasJoin(out, j)
}

// leftSpine tells whether a join and those on its left all keep the left rows in
// place, so that a cross product may be drawn in.
func leftSpine(j *sql.Join) bool {
	if j.Kind == sql.RightJoin || j.Kind == sql.FullJoin || j.Alias != "" {
		return false
	}
	if l, ok := j.L.(*sql.Join); ok {
		return leftSpine(l)
	}
	return true
}

var joinKinds = map[sql.JoinKind]plan.JoinKind{
	sql.InnerJoin: plan.Inner, sql.CrossJoin: plan.Inner, sql.LeftJoin: plan.Left,
	sql.RightJoin: plan.Right, sql.FullJoin: plan.Full,
}

// join binds the condition of a join; the columns of acc are in l, but not in the
// condition's scope.
func (b *builder) join(acc, l, r *from, j *sql.Join, outer *scope, w *with) (*from, error) {
	kind := joinKinds[j.Kind]
	if j.Within != nil {
		l, r = b.timed(l), b.timed(r)
	}
	if kind == plan.Left || kind == plan.Full {
		r = b.nullable(r)
	}
	if kind == plan.Right || kind == plan.Full {
		l = b.nullable(l)
	}
	out := b.beside(l, r)
	if err := b.lateralKind(kind, l, r, j); err != nil {
		return nil, err
	}
	var on expr.Expr
	var err error
	switch {
	case j.Natural:
		names := commonNames(without(l.cols, acc), r.cols)
		on, err = b.using(acc, out, len(l.cols), names, kind, j)
	case j.Using != nil:
		on, err = b.using(acc, out, len(l.cols), j.Using, kind, j)
	case j.On != nil:
		s := &scope{b: b, parent: outer, with: w, cols: without(out.cols, acc),
			entries: entriesWithout(out.entries, acc)}
		done := b.outOfReach(acc)
		on, err = b.checkBool(j.On, s.in("JOIN conditions"), "JOIN/ON")
		done()
	}
	if err != nil {
		return nil, err
	}
	if err := refuseSets(on, "JOIN conditions"); err != nil {
		return nil, err
	}
	out.node = b.joinNode(kind, l.node, r.node, on)
	if err := b.lookup(out, l, r, j); err != nil {
		return nil, err
	}
	b.joinTime(out, l, r, kind)
	if j.On != nil {
		b.rowKey(out, on, kind, len(l.node.Cols()))
	}
	if j.Within != nil {
		return out, b.within(out, l, r, j)
	}
	return out, nil
}

// timed gives f its rowtime as a column.
func (b *builder) timed(f *from) *from {
	if _, ok := f.time.(*expr.Col); ok || f.time == nil {
		return f
	}
	out := *f
	p := passThrough(f.node)
	p.Exprs = append(p.Exprs, f.time)
	p.Out = append(p.Out, plan.Column{Name: "rowtime", Type: f.time.Type(), Hidden: true})
	out.node, out.time = p, colOf(p, len(p.Out)-1)
	return &out
}

// lookup makes a join temporal: always with FOR SYSTEM_TIME AS OF, else where the
// statement joins streams to tables in that way.
func (b *builder) lookup(out, l, r *from, j *sql.Join) error {
	n, ok := out.node.(*plan.Join)
	if !ok || !b.continuous {
		return nil
	}
	t, _ := j.R.(*sql.Table)
	asked := t != nil && t.SystemTime != nil
	left, right := appendOnly(l.node), appendOnly(r.node)
	possible := (n.Kind == plan.Inner || n.Kind == plan.Left) && left && !right
	if asked && !possible {
		return sqlerr.New(sqlerr.WrongObjectType,
			"FOR SYSTEM_TIME AS OF joins a stream with a table").At(t.Pos()).
			WithHint("The left side must be append-only, the join INNER or LEFT. Leave the " +
				"clause out for a join that follows changes of both sides.")
	}
	n.Temporal = possible && (asked || b.temporal) && l.node.Props().Unbounded &&
		r.node.Props().Unbounded
	return nil
}

// rowKey adds ksqlDB's pseudo column for the key of a join.
func (b *builder) rowKey(out *from, on expr.Expr, kind plan.JoinKind, width int) {
	for i := range out.cols {
		if c := &out.cols[i]; c.name == "rowkey" && !c.hidden {
			return
		}
	}
	for _, p := range appendConjuncts(nil, on) {
		j := &plan.Join{}
		if !b.joinKey(j, p, width) {
			continue
		}
		var x expr.Expr = j.LeftKeys[0]
		right := shiftCols(j.RightKeys[0], width)
		switch kind {
		case plan.Right:
			x = right
		case plan.Full:
			if c, err := b.coalesce(x, right); err == nil {
				x = c
			}
		}
		out.cols = slices.DeleteFunc(slices.Clone(out.cols), func(c column) bool {
			return c.name == "rowkey" && c.hidden
		})
		out.cols = append(out.cols, column{entry: &entry{}, name: "rowkey", x: x, hidden: true})
		return
	}
}

// lateralKind refuses RIGHT and FULL joins to a side that needs the other one.
func (b *builder) lateralKind(kind plan.JoinKind, l, r *from, j *sql.Join) error {
	if kind != plan.Right && kind != plan.Full || !b.usesOuter(r.node, 1) {
		return nil
	}
	if _, ok := j.R.(*sql.Table); ok {
		return nil
	}
	table, at := "", j.R.Pos()
	sql.Walk(j.R, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && table == "" {
			if table = l.ownerOf(c.Name); table != "" {
				at = c.Pos()
			}
		}
		return table == ""
	})
	return sqlerr.New(sqlerr.InvalidColumnReference,
		"invalid reference to FROM-clause entry for table \"%s\"", table).At(at).
		WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
}

// ownerOf is the alias of the item that a column of f belongs to; "" where f has none of
// that name.
func (f *from) ownerOf(name sql.Name) string {
	for _, c := range f.cols {
		if c.name == name.Last() && (len(name) == 1 || c.entry.alias == name[len(name)-2]) {
			return c.entry.alias
		}
	}
	return ""
}

// joinTime is the rowtime of joined rows: that of the left row when only it has
// one or the right side is a table, else the later of the two.
func (b *builder) joinTime(out *from, l, r *from, kind plan.JoinKind) {
	switch {
	case l.time == nil && r.time == nil, !b.continuous:
		return
	case r.time == nil, l.time != nil && appendOnly(l.node) && !appendOnly(r.node) &&
		(kind == plan.Inner || kind == plan.Left):
		out.time = l.time
		return
	}
	n := len(l.node.Cols())
	if l.time == nil {
		out.time = shiftCols(r.time, n)
		return
	}
	if x, err := b.call("greatest", l.time, shiftCols(r.time, n)); err == nil {
		out.time = x
	}
}

// commonNames lists the visible columns that both sides have, in the left order.
func commonNames(l, r []column) []string {
	names := []string{}
	for _, c := range l {
		if c.hidden || c.shadowed || slices.Contains(names, c.name) {
			continue
		}
		for _, d := range r {
			if d.name == c.name && !d.hidden && !d.shadowed {
				names = append(names, c.name)
				break
			}
		}
	}
	return names
}

// without leaves out the columns of items before a join.
func without(cols []column, acc *from) []column {
	if acc == nil {
		return cols
	}
	var out []column
	for _, c := range cols {
		if !slices.Contains(acc.entries, c.entry) {
			out = append(out, c)
		}
	}
	return out
}

// entriesWithout leaves the items of acc out.
func entriesWithout(entries []*entry, acc *from) []*entry {
	if acc == nil {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool {
		return slices.Contains(acc.entries, e)
	})
}

// using joins on equal names: it merges the columns in out, whose first n are the
// left side's, and gives the condition.
func (b *builder) using(acc, out *from, n int, names []string, kind plan.JoinKind,
	j *sql.Join) (expr.Expr, error) {
	var conds []expr.Expr
	var merged []column
	for _, name := range names {
		li, err := oneColumn(acc, out.cols[:n], name, "left", j.Pos())
		if err != nil {
			return nil, err
		}
		ri, err := oneColumn(nil, out.cols[n:], name, "right", j.Pos())
		if err != nil {
			return nil, err
		}
		lc, rc := &out.cols[li], &out.cols[n+ri]
		for _, c := range []*column{lc, rc} {
			b.uses(c)
			b.sees(c, -1)
		}
		eq, err := b.operator("=", lc.x, rc.x, j.Pos())
		if sqlerr.Is(err, sqlerr.UndefinedFunction) {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "JOIN/USING types %s and %s cannot be "+
				"matched", lc.x.Type(), rc.x.Type()).At(j.Pos()).
				WithHint("Write ON with a cast of one of the two columns \"%s\".", name)
		}
		if err != nil {
			return nil, err
		}
		conds = append(conds, eq)
		m, err := b.mergedColumn(lc, rc, kind, j.Pos())
		if err != nil {
			return nil, err
		}
		m.merged, m.entry, m.shadowed = true, &entry{alias: j.UsingAlias}, false
		lc.shadowed, rc.shadowed = true, true
		merged = append(merged, m)
	}
	out.cols = append(merged, out.cols...)
	if j.UsingAlias != "" && len(merged) > 0 {
		e := merged[0].entry
		for i := range merged {
			out.cols[i].entry = e
		}
		out.entries = append(out.entries, e)
	}
	return and(conds...), nil
}

// mergedColumn stands for both columns of USING, in the type that both convert to: the
// left one, of an inner join the one that has the type, of a full join that with a value.
func (b *builder) mergedColumn(l, r *column, kind plan.JoinKind, pos int) (column, error) {
	t, err := expr.CommonType([]expr.Expr{l.x, r.x}, "JOIN/USING", pos)
	if err != nil {
		return column{}, err
	}
	m := *l
	switch {
	case kind == plan.Full:
		m.x, err = b.coalesce(l.x, r.x)
		m.table, m.attnum = 0, 0
		return m, err
	case kind == plan.Right, kind == plan.Inner && !l.x.Type().Same(t) && r.x.Type().Same(t):
		m = *r
	}
	if !m.x.Type().Same(t) {
		m.x, err = expr.CoerceTo(m.x, t, expr.CoerceImplicit, &scope{b: b}, pos)
		m.table, m.attnum = 0, 0
	}
	return m, err
}

func oneColumn(acc *from, cols []column, name, side string, pos int) (int, error) {
	found := -1
	for i := range cols {
		if cols[i].name != name || cols[i].hidden || cols[i].shadowed ||
			acc != nil && slices.Contains(acc.entries, cols[i].entry) {
			continue
		}
		if found >= 0 {
			return 0, sqlerr.New(sqlerr.AmbiguousColumn,
				"common column name \"%s\" appears more than once in %s table", name, side).At(pos)
		}
		found = i
	}
	if found < 0 {
		return 0, sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" specified in USING clause does not exist in %s table", name, side).At(pos)
	}
	return found, nil
}

// aliasJoin is (a JOIN b ON ...) AS x: only x is visible from outside.
func aliasJoin(f *from, j *sql.Join) (*from, error) {
	e := &entry{alias: j.Alias, covers: f.entries}
	out := &from{node: f.node, entries: []*entry{e}, time: f.time}
	for _, c := range f.cols {
		if c.hidden || c.shadowed {
			continue
		}
		c.entry, c.merged = e, false
		out.cols = append(out.cols, c)
	}
	return out, renameCols(out, j.AliasCols, j.Alias, j.Pos())
}

// joinNode joins two nodes. A right side that refers to the left one (Outer
// columns of depth 1) becomes an Apply, a function call one with an input.
func (b *builder) joinNode(kind plan.JoinKind, l, r plan.Node, on expr.Expr) plan.Node {
	if b.usesOuter(r, 1) {
		if fs, ok := r.(*plan.FuncScan); ok && fs.Input == nil && (on == nil || isTrue(on)) &&
			(kind == plan.Inner || kind == plan.Left) {
			return b.inputFunc(fs, l, kind == plan.Left)
		}
		a := &plan.Apply{Kind: kind, Left: l, Right: r, On: on}
		a.Out = joinCols(l, r)
		return a
	}
	return newJoin(kind, l, r, on)
}

// newJoin makes a join with the whole condition as its residual; keys are found
// when predicates are pushed down.
func newJoin(kind plan.JoinKind, l, r plan.Node, on expr.Expr) *plan.Join {
	j := &plan.Join{Kind: kind, Left: l, Right: r, Residual: on}
	j.Out = joinCols(l, r)
	if kind == plan.Semi || kind == plan.Anti || kind == plan.AntiNull {
		j.Out = l.Cols()
	}
	return j
}

func joinCols(l, r plan.Node) []plan.Column { return slices.Concat(l.Cols(), r.Cols()) }

// inputFunc calls functions once per row of l.
func (b *builder) inputFunc(fs *plan.FuncScan, l plan.Node, left bool) plan.Node {
	n := &plan.FuncScan{Input: l, Ordinality: fs.Ordinality, Left: left}
	for _, c := range fs.Calls {
		d := c
		d.Args = make([]expr.Expr, len(c.Args))
		for i, a := range c.Args {
			d.Args[i] = b.outerToCols(a)
		}
		n.Calls = append(n.Calls, d)
	}
	n.Out = joinCols(l, fs)
	return n
}
