package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

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
		case expr.SubplanScalar, expr.SubplanRow:
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
	at := func(i int) expr.Expr {
		var col expr.Expr = colOf(j, width+i)
		if r.defaults != nil {
			col = orDefault(colOf(j, len(j.Out)-1), col, b.outerToCols(r.defaults[i]))
		}
		return col
	}
	if sp.Kind == expr.SubplanScalar {
		return j, at(0)
	}
	if sp.Test != nil {
		return j, testOver(sp, at)
	}
	var equal []expr.Expr
	for i, x := range sp.X {
		equal = append(equal, &expr.Call{Fn: sp.Op[i], T: types.Of(types.Bool), Pos: -1,
			Args: []expr.Expr{x, at(i)}})
	}
	return j, and(equal...)
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

// markJoin joins an IN whose value is needed: whether there is an equal row, NULL
// where that is unknown.
func (b *builder) markJoin(n plan.Node, sp *expr.Subplan) (plan.Node, expr.Expr) {
	if sp.Correlated || len(sp.X) != 1 || !isEquals(sp.Op[0]) || hasSubplan(sp.X[0]) {
		return n, sp
	}
	sub, err := b.unnest(b.subplans[sp.ID])
	if err != nil {
		return n, sp
	}
	sub = b.shiftOuter(sub, 2, -1)
	x, width := sp.X[0], len(n.Cols())
	d := &plan.Distinct{Input: sub}
	d.Out = sub.Cols()
	eq := &expr.Call{Fn: sp.Op[0], T: types.Of(types.Bool), Pos: -1,
		Args: []expr.Expr{x, shiftCols(colOf(d, 0), width)}}
	j := newJoin(plan.Left, n, withMarker(d), eq)
	matched := &expr.IsNull{X: colOf(j, len(j.Out)-1), Not: true}
	if notNull(n, x) && notNullColumn(sub, 0) {
		return j, matched
	}
	flags := b.nullFlags(sub)
	if flags == nil {
		return n, sp
	}
	k := newJoin(plan.Inner, j, flags, nil)
	noNull, empty := colOf(k, len(j.Out)), colOf(k, len(j.Out)+1)
	unknown := &expr.Or{Args: []expr.Expr{&expr.Not{X: noNull},
		&expr.And{Args: []expr.Expr{&expr.IsNull{X: x}, &expr.Not{X: empty}}}}}
	boolean := types.Of(types.Bool)
	return k, &expr.Case{T: boolean, Else: &expr.Const{T: boolean}, Whens: []expr.When{
		{Cond: matched, Then: &expr.Const{D: types.BoolDatum(true), T: boolean}},
		{Cond: unknown, Then: &expr.Const{D: types.NullDatum, T: boolean}}}}
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
