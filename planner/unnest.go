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
			if len(sp.X) != 1 || sp.Test != nil || !isEquals(sp.Op[0]) || sp.Correlated {
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
		if slices.ContainsFunc(any.X, hasSubplan) {
			return nil
		}
		if any.Test != nil {
			on = append(on, testOver(any, func(i int) expr.Expr {
				return shiftCols(colOf(r.node, i), width)
			}))
			return newJoin(kind, n, r.node, and(on...))
		}
		for i, x := range any.X {
			on = append(on, &expr.Call{Fn: any.Op[i], T: types.Of(types.Bool), Pos: -1,
				Args: []expr.Expr{x, shiftCols(colOf(r.node, i), width)}})
		}
	}
	if kind == plan.AntiNull && notNull(n, any.X[0]) && notNullColumn(r.node, 0) {
		kind = plan.Anti
	}
	if kind == plan.AntiNull && b.continuous {
		return b.notIn(n, r.node, any.X[0], and(on...))
	}
	return newJoin(kind, n, r.node, and(on...))
}

// notIn is NOT IN where NULLs may come and go: an anti join, and beside it what NULL
// means to all rows alike. No row passes when the right side has a NULL, and a row
// whose own value is NULL passes only when the right side is empty.
func (b *builder) notIn(n, right plan.Node, x, on expr.Expr) plan.Node {
	flags := b.nullFlags(right)
	if flags == nil {
		return nil
	}
	width := len(n.Cols())
	j := newJoin(plan.Inner, n, flags, nil)
	f := newFilter(j, and(colOf(j, width), &expr.Or{Args: []expr.Expr{
		&expr.IsNull{X: x, Not: true}, colOf(j, width+1)}}))
	return newJoin(plan.Anti, narrow(f, width), right, on)
}

// nullFlags gives one row with two answers about the first column of a node: whether
// it has no NULL, and whether there is no row. Only changes of them come through.
func (b *builder) nullFlags(n plan.Node) plan.Node {
	all, err1 := b.aggOf("count", nil)
	valid, err2 := b.aggOf("count", colOf(n, 0))
	if err1 != nil || err2 != nil {
		return nil
	}
	a := &plan.Aggregate{Input: n, Aggs: []*expr.AggCall{all.Call, valid.Call}}
	for _, c := range a.Aggs {
		a.Out = append(a.Out, plan.Column{Name: "count", Type: c.T, Hidden: true})
	}
	noNull, err1 := b.operator("=", colOf(a, 0), colOf(a, 1), -1)
	empty, err2 := b.operator("=", colOf(a, 0), &expr.Const{T: a.Aggs[0].T}, -1)
	if err1 != nil || err2 != nil {
		return nil
	}
	p := &plan.Project{Input: a, Exprs: []expr.Expr{noNull, empty}}
	for _, name := range []string{"no_null", "empty"} {
		p.Out = append(p.Out, plan.Column{Name: name, Type: types.Of(types.Bool), Hidden: true})
	}
	d := &plan.Distinct{Input: p}
	d.Out = p.Out
	return d
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
		out.defaults = emptyAggs(n.Aggs)
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
