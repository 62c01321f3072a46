package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// unnest turns subqueries into joins: EXISTS and IN conditions into semi and anti
// joins, and in continuous plans, where no row can start a query of its own,
// scalar subqueries into outer joins too. What is not understood stays; a
// continuous plan is refused for it later.
//
// A correlated subquery is pulled apart: its conditions on the outer row move up
// to the join, taking their columns with them as extra columns, groups or
// partitions. See also M. Elhemali et al., "Execution Strategies for SQL
// Subqueries" (SIGMOD 2007).
func (b *builder) unnest(n plan.Node) (plan.Node, error) {
	return mapNodes(n, func(m plan.Node) plan.Node {
		switch m := m.(type) {
		case *plan.Filter:
			return b.unnestFilter(m)
		case *plan.Apply:
			return b.unnestApply(m)
		case *plan.Project:
			if b.continuous {
				return b.unnestProject(m)
			}
		}
		return m
	}), nil
}

// unnestFilter takes the conjuncts of a filter one by one.
func (b *builder) unnestFilter(f *plan.Filter) plan.Node {
	if !hasSubplan(f.Pred) {
		return f
	}
	width := len(f.Input.Cols())
	n := f.Input
	var rest []expr.Expr
	for _, p := range appendConjuncts(nil, f.Pred) {
		if !hasSubplan(p) {
			rest = append(rest, p)
			continue
		}
		if next := b.unnestCondition(n, p); next != nil {
			n = next
			continue
		}
		if b.continuous {
			n, p = b.unnestIn(n, p)
		}
		rest = append(rest, p)
	}
	n = newFilter(n, and(rest...))
	if len(n.Cols()) > width {
		return narrow(n, width)
	}
	return n
}

// narrow keeps the first columns.
func narrow(n plan.Node, width int) plan.Node {
	p := &plan.Project{Input: n}
	for i := range width {
		p.Exprs = append(p.Exprs, colOf(n, i))
	}
	p.Out = n.Cols()[:width]
	return p
}

// unnestCondition makes a whole conjunct a semi or anti join; nil where it cannot.
func (b *builder) unnestCondition(n plan.Node, p expr.Expr) plan.Node {
	not := false
	for {
		x, ok := p.(*expr.Not)
		if !ok {
			break
		}
		p, not = x.X, !not
	}
	sp, ok := p.(*expr.Subplan)
	if !ok {
		return nil
	}
	switch sp.Kind {
	case expr.SubplanExists:
		kind := plan.Semi
		if not {
			kind = plan.Anti
		}
		return b.semiJoin(n, sp, kind, nil)
	case expr.SubplanAny:
		kind := plan.Semi
		if not {
			kind = plan.AntiNull
			if len(sp.X) != 1 || !isEquals(sp.Op[0]) || sp.Correlated {
				return nil
			}
		}
		return b.semiJoin(n, sp, kind, sp)
	}
	return nil
}

// semiJoin joins n with a subquery; any gives the comparisons of IN and ANY.
func (b *builder) semiJoin(n plan.Node, sp *expr.Subplan, kind plan.JoinKind,
	any *expr.Subplan) plan.Node {
	sub := b.subplans[sp.ID]
	if any == nil {
		sub = b.existing(sub)
	}
	sub, err := b.unnest(sub)
	if err != nil {
		return nil
	}
	r := b.pullUp(sub)
	if r == nil || r.defaults != nil {
		return nil
	}
	width := len(n.Cols())
	on := b.joinPreds(r, width)
	if any != nil {
		for i, x := range any.X {
			if hasSubplan(x) {
				return nil
			}
			on = append(on, &expr.Call{Fn: any.Op[i], T: types.Of(types.Bool), Pos: -1,
				Args: []expr.Expr{x, shiftCols(colOf(r.node, i), width)}})
		}
	}
	if kind == plan.AntiNull && notNull(n, any.X[0]) && notNullColumn(r.node, 0) {
		kind = plan.Anti
	}
	return newJoin(kind, n, r.node, and(on...))
}

// existing drops what does not matter to EXISTS: order, and a limit of one or more
// rows.
func (b *builder) existing(n plan.Node) plan.Node {
	switch n := n.(type) {
	case *plan.Sort:
		return b.existing(n.Input)
	case *plan.Limit:
		c, ok := n.Count.(*expr.Const)
		if n.Offset == nil && n.Partition == nil && !n.RowNumber &&
			(n.Count == nil || ok && c.D.I > 0) {
			return b.existing(n.Input)
		}
	case *plan.Project:
		p := *n
		p.Input = b.existing(n.Input)
		return &p
	}
	return n
}

// joinPreds writes the pulled-up conditions over a join's row: outer columns are
// those of the left side.
func (b *builder) joinPreds(r *pulled, width int) []expr.Expr {
	out := make([]expr.Expr, len(r.preds))
	for i, p := range r.preds {
		out[i] = b.outerToCols(shiftCols(p, width))
	}
	return out
}

// pulled is a subquery whose conditions on the row around it were pulled up.
type pulled struct {
	// node has the subquery's columns first, then extra ones that preds need.
	node plan.Node
	// preds are over node's columns and the Outer columns.
	preds []expr.Expr
	// defaults, when set, say that the subquery gives a row with these values where
	// node has none for an outer row: it aggregates without groups.
	defaults []expr.Expr
	// bound, when set, are the columns of node that preds fix, where preds are no
	// plain equalities.
	bound []int
}

// pullUp pulls a subquery that is to become a side of a join: the level of the
// outer row goes away, so that references further out come one level nearer.
func (b *builder) pullUp(n plan.Node) *pulled {
	r := b.pull(n)
	if r != nil {
		r.node = b.shiftOuter(r.node, 2, -1)
	}
	return r
}

// pullOr is pullUp, and spread over the rows of left where that fails or does not
// give plain equalities, in continuous plans.
func (b *builder) pullOr(left, n plan.Node) *pulled {
	r := b.pullUp(n)
	if b.continuous && (r == nil || r.equalKeys() == nil) && !hasSubplans(n) {
		if s := b.spread(left, n); s != nil {
			return s
		}
	}
	return r
}

// hasSubplans tells whether a tree has subqueries in expressions.
func hasSubplans(n plan.Node) bool {
	found := false
	walkNodes(n, func(m plan.Node) {
		for _, s := range slots(m) {
			found = found || hasSubplan(*s)
		}
	})
	return found
}

// pull takes the references to the row around a subquery out of it; nil where
// that is not understood.
func (b *builder) pull(n plan.Node) *pulled {
	if !b.usesOuter(n, 1) {
		return &pulled{node: n}
	}
	switch n := n.(type) {
	case *plan.Filter:
		return b.pullFilter(n)
	case *plan.Project:
		return b.pullProject(n)
	case *plan.Aggregate:
		return b.pullAggregate(n)
	case *plan.Sort:
		if b.slotsUseOuter(n) {
			return nil
		}
		return b.pull(n.Input)
	case *plan.Limit:
		return b.pullLimit(n)
	case *plan.Distinct:
		r := b.pull(n.Input)
		if r == nil || r.defaults != nil || r.equalKeys() == nil {
			return nil
		}
		d := &plan.Distinct{Input: r.node}
		d.Out = r.node.Cols()
		return &pulled{node: d, preds: r.preds}
	case *plan.DistinctOn:
		return b.pullDistinctOn(n)
	case *plan.Join:
		return b.pullJoin(n)
	}
	return nil
}

func (b *builder) slotsUseOuter(n plan.Node) bool {
	found := false
	for _, s := range slots(n) {
		b.eachOuterIn(*s, 1, func(o *expr.Outer, at int) { found = found || o.Depth == at })
	}
	return found
}

func (b *builder) exprUsesOuter(e expr.Expr) bool {
	found := false
	b.eachOuterIn(e, 1, func(o *expr.Outer, at int) { found = found || o.Depth == at })
	return found
}

func (b *builder) pullFilter(n *plan.Filter) *pulled {
	r := b.pull(n.Input)
	if r == nil || r.defaults != nil {
		return nil
	}
	var here []expr.Expr
	for _, p := range appendConjuncts(nil, n.Pred) {
		switch {
		case !b.exprUsesOuter(p):
			here = append(here, p)
		case hasSubplan(p) || isVolatile(p):
			return nil
		default:
			r.preds = append(r.preds, p)
		}
	}
	r.node = newFilter(r.node, and(here...))
	return r
}

// pullProject carries the columns of the conditions through a projection.
func (b *builder) pullProject(n *plan.Project) *pulled {
	for _, e := range n.Exprs {
		if b.exprUsesOuter(e) {
			return nil
		}
	}
	r := b.pull(n.Input)
	if r == nil {
		return nil
	}
	p := &plan.Project{Input: r.node, Exprs: slices.Clone(n.Exprs)}
	p.Out = slices.Clone(n.Out)
	out := &pulled{node: p}
	for _, q := range r.preds {
		out.preds = append(out.preds, expr.MapCols(q, func(c *expr.Col) expr.Expr {
			return carry(p, c)
		}))
	}
	if r.defaults != nil {
		for _, e := range n.Exprs {
			out.defaults = append(out.defaults, expr.MapCols(e, func(c *expr.Col) expr.Expr {
				return r.defaults[c.Index]
			}))
		}
	}
	return out
}

// carry adds an input column to a projection, unless it is there.
func carry(p *plan.Project, c *expr.Col) *expr.Col {
	for i, e := range p.Exprs {
		if expr.Equal(e, c) {
			return &expr.Col{Index: i, T: c.T, Name: c.Name}
		}
	}
	col := p.Input.Cols()[c.Index]
	col.Hidden = true
	p.Exprs = append(p.Exprs, c)
	p.Out = append(p.Out, col)
	return &expr.Col{Index: len(p.Exprs) - 1, T: c.T, Name: c.Name}
}

// equalKeys gives the inner sides of the conditions when each of them is inner =
// outer; nil otherwise.
func (r *pulled) equalKeys() []expr.Expr {
	keys := []expr.Expr{}
	for _, p := range r.preds {
		c, ok := p.(*expr.Call)
		if !ok || !isEquals(c.Fn) {
			return nil
		}
		x, y := c.Args[0], c.Args[1]
		if !isFixed(y) {
			x, y = y, x
		}
		if !isFixed(y) || usesAnyOuter(x) {
			return nil
		}
		keys = append(keys, x)
	}
	return keys
}

func usesAnyOuter(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		_, ok := x.(*expr.Outer)
		found = found || ok
		return !found
	})
	return found
}

// pullAggregate groups by the keys of the conditions too.
func (b *builder) pullAggregate(n *plan.Aggregate) *pulled {
	if b.slotsUseOuter(n) || n.Sets != nil || n.Window != nil {
		return nil
	}
	r := b.pull(n.Input)
	if r == nil || r.defaults != nil {
		return nil
	}
	keys := r.equalKeys()
	if keys == nil {
		return nil
	}
	a := &plan.Aggregate{Input: r.node, Groups: slices.Clone(n.Groups), Aggs: n.Aggs}
	g := &grouping{exprs: a.Groups}
	at := make([]int, len(keys))
	for i, k := range keys {
		at[i] = g.add(k)
	}
	a.Groups = g.exprs
	for i, x := range a.Groups {
		c := plan.Column{Name: exprName(x), Type: x.Type(), Hidden: i >= len(n.Groups)}
		if i < len(n.Groups) {
			c = n.Out[i]
		}
		a.Out = append(a.Out, c)
	}
	a.Out = append(a.Out, n.Out[len(n.Groups):]...)
	return b.aggregateOrder(n, a, r, at)
}

// aggregateOrder puts the columns of an aggregate with more groups into their old
// places, the new groups behind.
func (b *builder) aggregateOrder(n, a *plan.Aggregate, r *pulled, at []int) *pulled {
	p := &plan.Project{Input: a}
	more := len(a.Groups) - len(n.Groups)
	for i := range n.Out {
		k := i
		if i >= len(n.Groups) {
			k += more
		}
		p.Exprs = append(p.Exprs, colOf(a, k))
		p.Out = append(p.Out, n.Out[i])
	}
	out := &pulled{node: p}
	for i, q := range r.preds {
		c := q.(*expr.Call)
		key := carry(p, colOf(a, at[i]))
		args := []expr.Expr{key, c.Args[1]}
		if isFixed(c.Args[0]) && !isFixed(c.Args[1]) {
			args = []expr.Expr{c.Args[0], key}
		}
		out.preds = append(out.preds, &expr.Call{Fn: c.Fn, Args: args, T: c.T, Pos: c.Pos})
	}
	if len(n.Groups) == 0 {
		for _, c := range n.Aggs {
			d := expr.Expr(&expr.Const{D: types.NullDatum, T: c.T})
			if c.Fn.EmptyZero {
				d = &expr.Const{T: c.T}
			}
			out.defaults = append(out.defaults, d)
		}
	}
	return out
}

// pullLimit limits per key of the conditions.
func (b *builder) pullLimit(n *plan.Limit) *pulled {
	if b.slotsUseOuter(n) || n.RowNumber {
		return nil
	}
	r := b.pull(n.Input)
	if r == nil || r.defaults != nil {
		return nil
	}
	keys := r.equalKeys()
	if keys == nil {
		return nil
	}
	l := *n
	l.Input = r.node
	l.Partition = append(slices.Clone(n.Partition), keys...)
	l.Out = r.node.Cols()
	return &pulled{node: &l, preds: r.preds}
}

func (b *builder) pullDistinctOn(n *plan.DistinctOn) *pulled {
	if b.slotsUseOuter(n) {
		return nil
	}
	r := b.pull(n.Input)
	if r == nil || r.defaults != nil {
		return nil
	}
	keys := r.equalKeys()
	if keys == nil {
		return nil
	}
	d := *n
	d.Input = r.node
	d.On = append(slices.Clone(n.On), keys...)
	d.Out = r.node.Cols()
	return &pulled{node: &d, preds: r.preds}
}

// pullJoin pulls conditions out of the sides that are not filled up with NULLs.
func (b *builder) pullJoin(n *plan.Join) *pulled {
	if n.Temporal || n.Within != nil || len(n.LeftKeys) > 0 {
		return nil
	}
	wl, wr := len(n.Left.Cols()), len(n.Right.Cols())
	l, r := &pulled{node: n.Left}, &pulled{node: n.Right}
	switch n.Kind {
	case plan.Inner:
		if l, r = b.pull(n.Left), b.pull(n.Right); r == nil {
			return nil
		}
	case plan.Left, plan.Semi, plan.Anti:
		if b.usesOuter(n.Right, 1) || n.Residual != nil && b.exprUsesOuter(n.Residual) {
			return nil
		}
		l = b.pull(n.Left)
	default:
		return nil
	}
	if l == nil || l.defaults != nil || r.defaults != nil {
		return nil
	}
	extra := len(l.node.Cols()) - wl
	onRow := func(e expr.Expr) expr.Expr {
		return expr.MapCols(e, func(c *expr.Col) expr.Expr {
			if c.Index < wl {
				return c
			}
			return &expr.Col{Index: c.Index + extra, T: c.T, Name: c.Name}
		})
	}
	var on, preds []expr.Expr
	for _, p := range appendConjuncts(nil, n.Residual) {
		if b.exprUsesOuter(p) {
			if hasSubplan(p) {
				return nil
			}
			preds = append(preds, onRow(p))
		} else {
			on = append(on, onRow(p))
		}
	}
	j := newJoin(n.Kind, l.node, r.node, and(on...))
	preds = append(preds, l.preds...)
	for _, p := range r.preds {
		preds = append(preds, shiftCols(p, wl+extra))
	}
	return inOrder(j, n, preds, wl, extra, wr)
}

// inOrder puts a join's columns into their old places, extra ones behind.
func inOrder(j, old *plan.Join, preds []expr.Expr, wl, extra, wr int) *pulled {
	if extra == 0 {
		return &pulled{node: j, preds: preds}
	}
	p := &plan.Project{Input: j}
	for i := range old.Out {
		k := i
		if i >= wl {
			k += extra
		}
		p.Exprs = append(p.Exprs, colOf(j, k))
		p.Out = append(p.Out, old.Out[i])
	}
	out := &pulled{node: p}
	for _, q := range preds {
		out.preds = append(out.preds, expr.MapCols(q, func(c *expr.Col) expr.Expr {
			return carry(p, c)
		}))
	}
	return out
}

// unnestApply makes a LATERAL item a join.
func (b *builder) unnestApply(n *plan.Apply) plan.Node {
	if n.On != nil && hasSubplan(n.On) {
		return n
	}
	r := b.pullUp(n.Right)
	if r == nil && b.continuous {
		r = b.pullOr(n.Left, n.Right)
	}
	if r == nil || !b.continuous && r.equalKeys() == nil {
		return n
	}
	width, right := len(n.Left.Cols()), len(n.Right.Cols())
	on := b.joinPreds(r, width)
	if r.defaults != nil {
		return b.applyDefaults(n, r, on)
	}
	on = appendConjuncts(on, n.On)
	j := newJoin(n.Kind, n.Left, r.node, and(on...))
	if len(r.node.Cols()) == right {
		return j
	}
	return narrow(j, width+right)
}

// applyDefaults joins with a subquery that always gives one row: where the join
// finds none, its columns have the values of an empty aggregate.
func (b *builder) applyDefaults(n *plan.Apply, r *pulled, on []expr.Expr) plan.Node {
	width, right := len(n.Left.Cols()), len(n.Right.Cols())
	marked := withMarker(r.node)
	j := newJoin(plan.Left, n.Left, marked, and(on...))
	marker := colOf(j, len(j.Out)-1)
	p := &plan.Project{Input: j}
	for i := range width {
		p.Exprs = append(p.Exprs, colOf(j, i))
	}
	for i := range right {
		p.Exprs = append(p.Exprs, orDefault(marker, colOf(j, width+i),
			b.outerToCols(r.defaults[i])))
	}
	p.Out = joinCols(n.Left, n.Right)
	if n.On == nil || isTrue(n.On) {
		return p
	}
	if n.Kind == plan.Inner {
		return newFilter(p, n.On)
	}
	return n
}

// withMarker adds a column that is TRUE in every row, and so NULL exactly in rows
// that an outer join fills up.
func withMarker(n plan.Node) plan.Node {
	p := passThrough(n)
	p.Exprs = append(p.Exprs, &expr.Const{D: types.BoolDatum(true), T: types.Of(types.Bool)})
	p.Out = append(p.Out, plan.Column{Name: "matched", Type: types.Of(types.Bool), Hidden: true})
	return p
}

// orDefault is a column, or a default where the marker is NULL.
func orDefault(marker *expr.Col, col, def expr.Expr) expr.Expr {
	if c, ok := def.(*expr.Const); def == nil || ok && c.D.Null {
		return col
	}
	return &expr.Case{T: col.Type(), Else: col,
		Whens: []expr.When{{Cond: &expr.IsNull{X: marker}, Then: def}}}
}

// unnestProject joins the subqueries of a select list to its input.
func (b *builder) unnestProject(p *plan.Project) plan.Node {
	out := *p
	out.Exprs = slices.Clone(p.Exprs)
	for i, e := range out.Exprs {
		if hasSubplan(e) {
			out.Input, out.Exprs[i] = b.unnestIn(out.Input, e)
		}
	}
	return &out
}

// unnestIn joins the subqueries of an expression to n, and puts columns into
// their place. n keeps its columns; new ones come behind.
func (b *builder) unnestIn(n plan.Node, e expr.Expr) (plan.Node, expr.Expr) {
	e, _ = expr.Transform(e, func(x expr.Expr) (expr.Expr, error) {
		sp, ok := x.(*expr.Subplan)
		if !ok {
			return x, nil
		}
		next, col := n, x
		switch sp.Kind {
		case expr.SubplanScalar:
			next, col = b.scalarJoin(n, sp)
		case expr.SubplanExists:
			next, col = b.existsJoin(n, sp)
		case expr.SubplanAny:
			next, col = b.markJoin(n, sp)
		}
		n = next
		return col, nil
	})
	return n, e
}

// scalarJoin joins a scalar subquery that gives at most one row per outer row.
func (b *builder) scalarJoin(n plan.Node, sp *expr.Subplan) (plan.Node, expr.Expr) {
	sub, err := b.unnest(b.subplans[sp.ID])
	if err != nil {
		return n, sp
	}
	r := b.pullOr(n, sub)
	if r == nil || !b.single(r) {
		return n, sp
	}
	width := len(n.Cols())
	marked := r.node
	if r.defaults != nil {
		marked = withMarker(r.node)
	}
	j := newJoin(plan.Left, n, marked, and(b.joinPreds(r, width)...))
	var col expr.Expr = colOf(j, width)
	if r.defaults != nil {
		col = orDefault(colOf(j, len(j.Out)-1), col, b.outerToCols(r.defaults[0]))
	}
	return j, col
}

// single tells whether a pulled subquery has at most one row per outer row.
func (b *builder) single(r *pulled) bool {
	bound := map[int]bool{}
	for _, c := range r.bound {
		bound[c] = true
	}
	if r.bound == nil {
		keys := r.equalKeys()
		if keys == nil {
			return false
		}
		for _, k := range keys {
			if c, ok := k.(*expr.Col); ok {
				bound[c.Index] = true
			}
		}
	}
	node := b.push(r.node, nil)
	derive(node)
	for _, key := range node.Props().Keys {
		all := true
		for _, c := range key {
			all = all && bound[c]
		}
		if all {
			return true
		}
	}
	return false
}

// existsJoin joins the distinct keys of an EXISTS with a marker.
func (b *builder) existsJoin(n plan.Node, sp *expr.Subplan) (plan.Node, expr.Expr) {
	sub, err := b.unnest(b.existing(b.subplans[sp.ID]))
	if err != nil {
		return n, sp
	}
	r := b.pullUp(sub)
	if r == nil {
		return b.existsSpread(n, sp, sub)
	}
	if r.defaults != nil {
		return n, sp
	}
	keys := r.equalKeys()
	if keys == nil {
		return b.existsSpread(n, sp, sub)
	}
	width := len(n.Cols())
	p := &plan.Project{Input: r.node}
	var on []expr.Expr
	for i, k := range keys {
		p.Exprs = append(p.Exprs, k)
		p.Out = append(p.Out, plan.Column{Name: exprName(k), Type: k.Type(), Hidden: true})
		c := r.preds[i].(*expr.Call)
		outer := c.Args[1]
		if !isFixed(outer) {
			outer = c.Args[0]
		}
		eq, err := b.operator("=", &expr.Col{Index: width + i, T: k.Type()},
			b.outerToCols(outer), -1)
		if err != nil {
			return n, sp
		}
		on = append(on, eq)
	}
	if len(keys) == 0 {
		l := &plan.Limit{Input: r.node, Count: &expr.Const{D: types.IntDatum(1),
			T: types.Of(types.Int8)}}
		l.Out = r.node.Cols()
		p.Input = l
	}
	var right plan.Node = p
	if len(keys) > 0 {
		d := &plan.Distinct{Input: p}
		d.Out = p.Out
		right = d
	}
	j := newJoin(plan.Left, n, withMarker(right), and(on...))
	return j, &expr.IsNull{X: colOf(j, len(j.Out)-1), Not: true}
}

// existsSpread joins the combinations of outer values for which a subquery has
// rows.
func (b *builder) existsSpread(n plan.Node, sp *expr.Subplan, sub plan.Node) (
	plan.Node, expr.Expr) {
	if hasSubplans(sub) {
		return n, sp
	}
	r := b.spread(n, sub)
	if r == nil || r.defaults != nil {
		return n, sp
	}
	at := map[int]int{}
	for k, c := range r.bound {
		at[c] = k
	}
	d := &plan.Distinct{Input: b.exactly(r.node, r.bound)}
	d.Out = d.Input.Cols()
	for i, p := range r.preds {
		r.preds[i] = expr.MapCols(p, func(c *expr.Col) expr.Expr {
			return &expr.Col{Index: at[c.Index], T: c.T, Name: c.Name}
		})
	}
	j := newJoin(plan.Left, n, withMarker(d), and(b.joinPreds(r, len(n.Cols()))...))
	return j, &expr.IsNull{X: colOf(j, len(j.Out)-1), Not: true}
}

// markJoin joins an IN whose value is needed: NULL where it is unknown.
func (b *builder) markJoin(n plan.Node, sp *expr.Subplan) (plan.Node, expr.Expr) {
	if sp.Correlated || len(sp.X) != 1 || !isEquals(sp.Op[0]) || hasSubplan(sp.X[0]) {
		return n, sp
	}
	sub, err := b.unnest(b.subplans[sp.ID])
	if err != nil {
		return n, sp
	}
	sub = b.shiftOuter(sub, 2, -1)
	width := len(n.Cols())
	eq := &expr.Call{Fn: sp.Op[0], T: types.Of(types.Bool), Pos: -1,
		Args: []expr.Expr{sp.X[0], shiftCols(colOf(sub, 0), width)}}
	j := &plan.Join{Kind: plan.Mark, Left: n, Right: sub, Residual: eq}
	j.Out = append(slices.Clone(n.Cols()), plan.Column{Name: "mark", Type: types.Of(types.Bool),
		Hidden: true})
	return j, colOf(j, width)
}

// notNull tells whether an expression over n is certainly not NULL.
func notNull(n plan.Node, e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Const:
		return !e.D.Null
	case *expr.Col:
		return notNullColumn(n, e.Index)
	case *expr.Cast:
		return notNull(n, e.X)
	}
	return false
}

// notNullColumn tells whether a column of n is certainly not NULL.
func notNullColumn(n plan.Node, i int) bool {
	switch n := n.(type) {
	case *plan.Scan:
		ord := n.Columns[i]
		return ord < 0 || n.Rel.Columns[ord].NotNull ||
			uniqueKey(n.Rel) && containsInt(n.Rel.Key, ord)
	case *plan.Filter:
		return notNullColumn(n.Input, i)
	case *plan.Project:
		return notNull(n.Input, n.Exprs[i])
	case *plan.Sort:
		return notNullColumn(n.Input, i)
	case *plan.Limit:
		return i < len(n.Input.Cols()) && notNullColumn(n.Input, i)
	case *plan.Distinct:
		return notNullColumn(n.Input, i)
	case *plan.Join:
		w := len(n.Left.Cols())
		if i < w {
			return n.Kind != plan.Right && n.Kind != plan.Full && notNullColumn(n.Left, i)
		}
		return n.Kind == plan.Inner && notNullColumn(n.Right, i-w)
	}
	return false
}
