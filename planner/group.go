package planner

import (
	"strings"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// aggregation collects the aggregate calls of one SELECT.
type aggregation struct {
	calls []*expr.AggCall
	pos   int // of the first one
}

// add registers a call; equal ones are computed once.
func (a *aggregation) add(call *expr.AggCall) expr.Expr {
	for _, c := range a.calls {
		if expr.SameAgg(c, call) {
			return &expr.Agg{Call: c}
		}
	}
	a.calls = append(a.calls, call)
	return &expr.Agg{Call: call}
}

// grouping is a bound GROUP BY.
type grouping struct {
	exprs []expr.Expr
	sets  [][]int // nil: one set of all
}

// groupBy binds GROUP BY, with grouping sets multiplied out.
func (k *block) groupBy() error {
	if k.sel.GroupBy == nil && k.sel.Window == nil {
		return nil
	}
	k.groups = &grouping{}
	lists := [][][]int{}
	simple := true
	for _, x := range k.sel.GroupBy {
		before := len(k.groups.exprs)
		sets, err := k.groupElement(x)
		if err != nil {
			return err
		}
		if k.b.ksql && k.b.declaring && len(sets) == 1 && len(sets[0]) == 1 &&
			len(k.groups.exprs) == before {
			return sqlerr.New(sqlerr.GroupingError, "an expression is twice in GROUP BY").
				At(x.Pos()).WithHint("Leave one of them out.")
		}
		simple = simple && len(sets) == 1
		lists = append(lists, sets)
	}
	k.withoutNullGroups()
	if k.sel.Window != nil {
		k.windowGroups()
	}
	if simple {
		if len(k.groups.exprs) == 0 && len(lists) > 0 {
			k.groups.sets = nil
		}
		return nil
	}
	sets := [][]int{nil}
	for _, l := range lists {
		if sets = product(sets, l); len(sets) > maxGroupingSets {
			return sqlerr.New(sqlerr.StatementTooComplex,
				"too many grouping sets present (maximum %d)", maxGroupingSets)
		}
	}
	k.groups.sets = sets
	if k.sel.GroupUnique {
		k.groups.sets = uniqueSets(sets)
	}
	return nil
}

const maxGroupingSets = 4096

func product(a, b [][]int) [][]int {
	var out [][]int
	for _, x := range a {
		for _, y := range b {
			out = append(out, union(x, y))
		}
	}
	return out
}

func union(a, b []int) []int {
	out := append([]int(nil), a...)
	for _, i := range b {
		if !containsInt(out, i) {
			out = append(out, i)
		}
	}
	return out
}

func containsInt(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

func uniqueSets(sets [][]int) [][]int {
	var out [][]int
	for _, s := range sets {
		dup := false
		for _, o := range out {
			dup = dup || len(o) == len(s) && len(union(o, s)) == len(s)
		}
		if !dup {
			out = append(out, s)
		}
	}
	return out
}

// groupElement gives the grouping sets of one element.
func (k *block) groupElement(x sql.Expr) ([][]int, error) {
	if r, ok := x.(*sql.Row); ok {
		set, err := k.groupList(r.Elems)
		return [][]int{set}, err
	}
	if g, ok := x.(*sql.GroupingSets); ok {
		var out [][]int
		for _, a := range g.Sets {
			sets, err := k.groupElement(a)
			if err != nil {
				return nil, err
			}
			out = append(out, sets...)
		}
		return out, nil
	}
	c, ok := x.(*sql.Call)
	if ok && len(c.Name) == 1 && (c.Name[0] == "rollup" || c.Name[0] == "cube") {
		return k.rollup(c)
	}
	i, err := k.groupExpr(x)
	return [][]int{{i}}, err
}

// rollup gives the prefixes (ROLLUP) or subsets (CUBE) of a list.
func (k *block) rollup(c *sql.Call) ([][]int, error) {
	var parts [][]int
	for _, a := range c.Args {
		elems := []sql.Expr{a}
		if r, ok := a.(*sql.Row); ok {
			elems = r.Elems
		}
		set, err := k.groupList(elems)
		if err != nil {
			return nil, err
		}
		parts = append(parts, set)
	}
	var out [][]int
	if c.Name[0] == "rollup" {
		for n := len(parts); n >= 0; n-- {
			var set []int
			for _, p := range parts[:n] {
				set = union(set, p)
			}
			out = append(out, set)
		}
		return out, nil
	}
	if len(parts) > 12 {
		return nil, sqlerr.New(sqlerr.TooManyColumns, "CUBE is limited to 12 elements").At(c.Pos())
	}
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var set []int
		for i, p := range parts {
			if mask&(1<<(len(parts)-1-i)) != 0 {
				set = union(set, p)
			}
		}
		out = append(out, set)
	}
	return out, nil
}

func (k *block) groupList(xs []sql.Expr) ([]int, error) {
	var set []int
	for _, x := range xs {
		i, err := k.groupExpr(x)
		if err != nil {
			return nil, err
		}
		set = union(set, []int{i})
	}
	return set, nil
}

// groupExpr binds one expression of GROUP BY: an ordinal, a column of FROM, the
// name of an output column, or anything over FROM.
func (k *block) groupExpr(x sql.Expr) (int, error) {
	s := k.scope.in("GROUP BY")
	var e expr.Expr
	var err error
	switch x := x.(type) {
	case *sql.Const:
		if k.b.ksql && x.Kind == sql.StrConst {
			e, err = k.groupText(x, s)
			break
		}
		var i int
		if i, err = ordinal(x, len(k.items), "GROUP BY"); err != nil {
			return 0, err
		}
		e, err = k.groupItem(i)
	case *sql.ColRef:
		e, err = k.groupColumn(x, s)
	default:
		e, err = k.b.check(x, s)
	}
	if err != nil {
		return 0, err
	}
	if hasSet(e) {
		if e, err = k.groupSet(e, x.Pos()); err != nil {
			return 0, err
		}
	}
	if e, err = expr.Settle(e, s, x.Pos()); err != nil {
		return 0, err
	}
	return k.groups.add(e), nil
}

// groupText groups by a text constant, as ksqlDB can; items that are the same
// constant show it.
func (k *block) groupText(x *sql.Const, s *scope) (expr.Expr, error) {
	e, err := k.b.check(x, s)
	if err != nil {
		return nil, err
	}
	if e, err = expr.Settle(e, s, x.Pos()); err != nil {
		return nil, err
	}
	for i := range k.items {
		c, ok := k.items[i].ast.(*sql.Const)
		if ok && c.Kind == sql.StrConst && c.Val == x.Val {
			k.items[i].x = e
		}
	}
	return e, nil
}

func (g *grouping) add(e expr.Expr) int {
	for i, o := range g.exprs {
		if expr.Equal(o, e) {
			return i
		}
	}
	g.exprs = append(g.exprs, e)
	return len(g.exprs) - 1
}

func (k *block) groupColumn(x *sql.ColRef, s *scope) (expr.Expr, error) {
	if len(x.Name) == 1 && !x.Star {
		c, err := k.scope.lookup(x.Name[0], x.Pos())
		if err != nil {
			return nil, err
		}
		if c == nil || c.hidden {
			i, err := k.itemNamed(x.Name[0], "GROUP BY", x.Pos())
			if err != nil {
				return nil, err
			}
			if i >= 0 {
				return k.groupItem(i)
			}
		}
	}
	return k.b.check(x, s)
}

// groupItem groups by an item of the select list, which may hold no aggregate.
func (k *block) groupItem(i int) (expr.Expr, error) {
	var bad string
	expr.Walk(k.items[i].x, func(x expr.Expr) bool {
		switch x.(type) {
		case *expr.Agg:
			bad = "aggregate functions are not allowed in GROUP BY"
		case *expr.Window:
			bad = "window functions are not allowed in GROUP BY"
		}
		return bad == ""
	})
	if bad != "" {
		code := sqlerr.GroupingError
		if strings.HasPrefix(bad, "window") {
			code = sqlerr.WindowingError
		}
		return nil, sqlerr.New(code, "%s", bad).At(k.items[i].pos)
	}
	return k.items[i].x, nil
}

// aggregate adds the Aggregate node and rewrites everything behind it to its
// output.
func (k *block) aggregate() error {
	if k.groups == nil && len(k.agg.calls) == 0 && k.having == nil {
		return k.noGrouping()
	}
	if k.groups == nil {
		k.groups = &grouping{}
	}
	k.dependents()
	if err := k.sessionWindow(); err != nil {
		return err
	}
	stamp := k.stampCall()
	n := &plan.Aggregate{Input: k.node, Groups: k.groups.exprs, Sets: k.groups.sets,
		Aggs: k.agg.calls}
	for _, g := range n.Groups {
		c := plan.Column{Name: exprName(g), Type: g.Type()}
		if col, ok := g.(*expr.Col); ok {
			c.Table, c.Attnum = k.origin(col)
		}
		n.Out = append(n.Out, c)
	}
	for _, a := range n.Aggs {
		n.Out = append(n.Out, plan.Column{Name: a.Fn.Name, Type: a.T})
	}
	if n.Sets != nil {
		n.Out = append(n.Out, plan.Column{Name: "grouping_set", Type: types.Of(types.Int4),
			Hidden: true})
	}
	if err := directArguments(n); err != nil {
		return err
	}
	k.node, k.time = n, nil
	if stamp >= 0 {
		k.time = colOf(n, len(n.Groups)+stamp)
	}
	return k.overGroups(n)
}

// noGrouping refuses GROUPING in a query without groups.
func (k *block) noGrouping() error {
	for i := range k.items {
		var err error
		expr.Walk(k.items[i].x, func(x expr.Expr) bool {
			if c, ok := x.(*expr.Call); ok && c.Fn == groupingMarker && err == nil {
				err = errGrouping(c.Pos)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func errGrouping(pos int) error {
	return sqlerr.New(sqlerr.GroupingError, "arguments to GROUPING must be grouping expressions "+
		"of the associated query level").At(pos)
}

// directArguments demands that the direct arguments of ordered-set aggregates are the
// same for all rows of a group.
func directArguments(n *plan.Aggregate) error {
	for _, a := range n.Aggs {
		if a.Fn.Within == 0 {
			continue
		}
		for _, x := range a.Args[:len(a.Args)-len(a.OrderBy)] {
			var err error
			expr.Walk(x, func(x expr.Expr) bool {
				for _, g := range n.Groups {
					if expr.Equal(g, x) {
						return false
					}
				}
				if c, ok := x.(*expr.Col); ok && c.Index < lambdaColumns && err == nil {
					err = sqlerr.New(sqlerr.GroupingError, "column \"%s\" must appear in the GROUP BY "+
						"clause or be used in an aggregate function", c.Name).WithDetail("Direct " +
						"arguments of an ordered-set aggregate must use only grouped columns.")
				}
				return err == nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// overGroups rewrites the expressions behind the aggregate.
func (k *block) overGroups(n *plan.Aggregate) error {
	var err error
	for i := range k.items {
		if k.items[i].x, err = k.regroup(k.items[i].x, n, k.items[i].pos); err != nil {
			return err
		}
		if _, ok := k.items[i].x.(*expr.Col); !ok {
			k.items[i].table, k.items[i].attnum = 0, 0
		}
	}
	if k.having != nil {
		if k.having, err = k.regroup(k.having, n, -1); err != nil {
			return err
		}
		k.node = newFilter(k.node, k.having)
	}
	return nil
}

// stampCall adds max(rowtime), for results that are to carry the time of their
// latest row; -1 where that is not wanted.
func (k *block) stampCall() int {
	if !k.b.stamp || k.time == nil || k.q != k.b.emitting {
		return -1
	}
	x, err := k.b.aggOf("max", k.time)
	if err != nil {
		return -1
	}
	e := k.agg.add(x.Call).(*expr.Agg)
	for i, c := range k.agg.calls {
		if c == e.Call {
			return i
		}
	}
	return -1
}

// aggOf is an aggregate of x; nil is count(*).
func (b *builder) aggOf(name string, x expr.Expr) (*expr.Agg, error) {
	s := &scope{b: b, agg: &aggregation{}}
	c := &sql.Call{Loc: sql.NoLoc, Name: sql.Name{name}, Star: x == nil}
	if x != nil {
		c.Args = givenRefs[:1]
	}
	e, err := expr.Check(c, given{s, []expr.Expr{x}})
	if err != nil {
		return nil, err
	}
	agg, ok := e.(*expr.Agg)
	if !ok {
		return nil, sqlerr.New(sqlerr.InternalError, "%s is no aggregate", name)
	}
	return agg, nil
}

// regroup turns an expression over FROM into one over the aggregate's output.
func (k *block) regroup(e expr.Expr, n *plan.Aggregate, pos int) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	for i, g := range n.Groups {
		if expr.Equal(g, e) {
			return colOf(n, i), nil
		}
	}
	switch x := e.(type) {
	case *expr.Agg:
		for i, c := range n.Aggs {
			if expr.SameAgg(c, x.Call) {
				return colOf(n, len(n.Groups)+i), nil
			}
		}
		return nil, sqlerr.New(sqlerr.InternalError, "aggregate %s was lost", x.Call.Name)
	case *expr.Col:
		if x.Index >= lambdaColumns {
			return x, nil
		}
		return nil, k.ungrouped(x, pos)
	case *expr.Call:
		if x.Fn == groupingMarker {
			return k.groupingValue(x, n)
		}
	case *expr.Subplan:
		return k.regroupSubplan(x, n, pos)
	}
	kids := expr.Children(e)
	if len(kids) == 0 {
		return e, nil
	}
	next := make([]expr.Expr, len(kids))
	changed := false
	for i, c := range kids {
		y, err := k.regroup(c, n, pos)
		if err != nil {
			return nil, err
		}
		next[i], changed = y, changed || y != c
	}
	if !changed {
		return e, nil
	}
	return expr.WithChildren(e, next), nil
}

// ungrouped is PostgreSQL's error about a column outside GROUP BY.
func (k *block) ungrouped(c *expr.Col, pos int) error {
	if at, ok := k.b.at[c]; ok {
		pos = at
	}
	return sqlerr.New(sqlerr.GroupingError, "column \"%s\" must appear in the GROUP BY clause "+
		"or be used in an aggregate function", c.Name).At(pos)
}

// lambdaColumns is where the numbers of lambda parameters begin.
const lambdaColumns = 1 << 20

// regroupSubplan rewrites a subquery's left side and the outer columns in it.
func (k *block) regroupSubplan(x *expr.Subplan, n *plan.Aggregate, pos int) (expr.Expr, error) {
	out := *x
	out.X = make([]expr.Expr, len(x.X))
	for i, y := range x.X {
		z, err := k.regroup(y, n, pos)
		if err != nil {
			return nil, err
		}
		out.X[i] = z
	}
	var first error
	out.ID = k.b.remapSubplan(x.ID, func(o *expr.Outer) expr.Expr {
		if o.Index < 0 { // one of this query's aggregates
			return &expr.Outer{Depth: o.Depth, Index: len(n.Groups) + outerAgg(o.Index), T: o.T,
				Name: o.Name}
		}
		for i, g := range n.Groups {
			if c, ok := g.(*expr.Col); ok && c.Index == o.Index {
				return &expr.Outer{Depth: o.Depth, Index: i, T: o.T, Name: o.Name}
			}
		}
		if first == nil {
			first = sqlerr.New(sqlerr.GroupingError,
				"subquery uses ungrouped column \"%s\" from outer query", o.Name).At(pos)
		}
		return o
	})
	return &out, first
}

// dependents adds the other columns of tables whose primary key is grouped by:
// they have one value per group.
func (k *block) dependents() {
	if k.groups.sets != nil {
		return
	}
	for _, e := range k.scope.entries {
		if e.rel == nil || len(e.rel.Key) == 0 || !uniqueKey(e.rel) || !k.keyGrouped(e) {
			continue
		}
		used := k.usedColumns()
		for i := range k.scope.cols {
			c := &k.scope.cols[i]
			if x, ok := c.x.(*expr.Col); ok && c.entry == e && used[x.Index] {
				k.groups.add(x)
			}
		}
	}
}

// usedColumns are the columns that the select list and HAVING use outside of
// aggregates.
func (k *block) usedColumns() map[int]bool {
	used := map[int]bool{}
	visit := func(e expr.Expr) {
		expr.Walk(e, func(x expr.Expr) bool {
			switch x := x.(type) {
			case *expr.Col:
				used[x.Index] = true
			case *expr.Subplan:
				k.b.eachOuter(k.b.subplans[x.ID], 1, func(o *expr.Outer, at int) {
					used[o.Index] = used[o.Index] || o.Depth == at
				})
			}
			_, agg := x.(*expr.Agg)
			return !agg
		})
	}
	for _, it := range k.items {
		visit(it.x)
	}
	if k.having != nil {
		visit(k.having)
	}
	return used
}

func (k *block) keyGrouped(e *entry) bool {
	for _, ord := range e.rel.Key {
		grouped := false
		for i := range k.scope.cols {
			c := &k.scope.cols[i]
			if c.entry != e || c.attnum != int16(ord+1) {
				continue
			}
			for _, g := range k.groups.exprs {
				grouped = grouped || expr.Equal(g, c.x)
			}
		}
		if !grouped {
			return false
		}
	}
	return true
}

// groupingMarker stands for GROUPING(...) until the aggregate is built.
var groupingMarker = &expr.Func{Name: "grouping", Ret: types.Of(types.Int4)}

// groupingValue turns GROUPING(a, b) into a CASE over the number of the set.
func (k *block) groupingValue(x *expr.Call, n *plan.Aggregate) (expr.Expr, error) {
	idx := make([]int, len(x.Args))
	for i, a := range x.Args {
		idx[i] = -1
		for j, g := range n.Groups {
			if expr.Equal(g, a) {
				idx[i] = j
			}
		}
		if idx[i] < 0 {
			return nil, errGrouping(x.Pos)
		}
	}
	int4 := types.Of(types.Int4)
	if n.Sets == nil {
		return &expr.Const{T: int4}, nil
	}
	set := colOf(n, len(n.Out)-1)
	c := &expr.Case{T: int4}
	for s, members := range n.Sets {
		bits := int64(0)
		for _, i := range idx {
			bits <<= 1
			if !containsInt(members, i) {
				bits |= 1
			}
		}
		eq, err := k.b.operator("=", set, &expr.Const{D: types.IntDatum(int64(s)), T: int4}, -1)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, expr.When{Cond: eq,
			Then: &expr.Const{D: types.IntDatum(bits), T: int4}})
	}
	return c, nil
}

// exprName names an expression for EXPLAIN.
func exprName(e expr.Expr) string {
	if c, ok := e.(*expr.Col); ok && c.Name != "" {
		if i := strings.LastIndexByte(c.Name, '.'); i >= 0 {
			return c.Name[i+1:]
		}
		return c.Name
	}
	return "expr"
}
