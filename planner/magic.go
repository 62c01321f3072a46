package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// magic computes a correlated subquery once for each distinct combination of the
// outer values that it uses: those are joined into the subquery below everything
// that refers to them, and carried up as extra columns. It is for continuous plans,
// where pull did not succeed. See P. Seshadri et al., "Complex Query Decorrelation"
// (ICDE 1996), and T. Neumann and A. Kemper, "Unnesting Arbitrary Queries" (BTW
// 2015).
type magic struct {
	b    *builder
	cols []int // the outer columns, ascending
	set  plan.Node
}

// spread gives a subquery of n's rows as pulled does; nil where some part of it is
// not understood.
func (b *builder) spread(n, sub plan.Node) *pulled {
	if b.hidesEmpty(sub, true) {
		return nil
	}
	m := &magic{b: b}
	used := map[int]bool{}
	b.eachOuter(sub, 1, func(o *expr.Outer, at int) {
		if o.Depth == at {
			used[o.Index] = true
		}
	})
	for i := range len(n.Cols()) {
		if used[i] {
			m.cols = append(m.cols, i)
		}
	}
	p := &plan.Project{Input: n}
	for _, i := range m.cols {
		p.Exprs = append(p.Exprs, colOf(n, i))
		p.Out = append(p.Out, n.Cols()[i])
	}
	d := &plan.Distinct{Input: p}
	d.Out = p.Out
	m.set = d
	width := len(sub.Cols())
	node := m.node(sub)
	if node == nil {
		return nil
	}
	r := &pulled{node: b.shiftOuter(node, 2, -1), defaults: emptyRow(sub)}
	for k, i := range m.cols {
		inner := colOf(node, width+k)
		c := n.Cols()[i]
		outer := &expr.Outer{Depth: 1, Index: i, T: c.Type, Name: c.Name}
		r.bound = append(r.bound, width+k)
		preds := m.same(inner, outer, notNullColumn(n, i))
		if preds == nil {
			return nil
		}
		r.preds = append(r.preds, preds...)
	}
	return r
}

// same compares two values so that NULL equals NULL.
func (m *magic) same(x, y expr.Expr, notNull bool) []expr.Expr {
	if notNull {
		eq, err := m.b.operator("=", x, y, -1)
		if err != nil {
			return nil
		}
		return []expr.Expr{eq}
	}
	nulls, err := m.b.operator("=", &expr.IsNull{X: x}, &expr.IsNull{X: y}, -1)
	if err != nil {
		return nil
	}
	zero := zeroOf(x.Type())
	if zero == nil {
		text := textType()
		zero = &expr.Const{T: text}
		x = &expr.Cast{X: x, T: text, Explicit: true, Pos: -1}
		y = &expr.Cast{X: y, T: text, Explicit: true, Pos: -1}
	}
	t := zero.Type()
	eq, err := m.b.operator("=", &expr.Coalesce{Args: []expr.Expr{x, zero}, T: t},
		&expr.Coalesce{Args: []expr.Expr{y, zero}, T: t}, -1)
	if err != nil {
		return nil
	}
	return []expr.Expr{nulls, eq}
}

// zeroOf gives some value of a type; nil where none is easy.
func zeroOf(t types.Type) expr.Expr {
	t.Mod = 0
	switch t.Kind {
	case types.Numeric:
		x, err := expr.CoerceTo(&expr.Const{T: types.Of(types.Int4)}, t, expr.CoerceImplicit, nil, -1)
		if err != nil {
			return nil
		}
		return expr.Fold(x)
	case types.Text, types.Varchar, types.Name, types.Bytea:
		return &expr.Const{T: t}
	}
	if t.Phys() != types.PhysBytes {
		return &expr.Const{T: t}
	}
	return nil
}

// emptyRow gives the values of a subquery that has a row even over no rows: it
// aggregates without groups, perhaps below projections. They may use the outer row.
func emptyRow(n plan.Node) []expr.Expr {
	switch n := n.(type) {
	case *plan.Project:
		in := emptyRow(n.Input)
		if in == nil {
			return nil
		}
		var out []expr.Expr
		for _, e := range n.Exprs {
			out = append(out, expr.Fold(expr.MapCols(e, func(c *expr.Col) expr.Expr {
				return in[c.Index]
			})))
		}
		return out
	case *plan.Aggregate:
		if len(n.Groups) > 0 || n.Sets != nil {
			return nil
		}
		return emptyAggs(n.Aggs)
	}
	return nil
}

// hidesEmpty tells whether a tree has an aggregate without groups over outer rows
// where emptyRow does not see it, under HAVING, LIMIT or a join: the row that it
// gives over no rows would be lost.
func (b *builder) hidesEmpty(n plan.Node, top bool) bool {
	switch n := n.(type) {
	case *plan.Project:
		return b.hidesEmpty(n.Input, top)
	case *plan.Aggregate:
		if !top && len(n.Groups) == 0 && b.usesOuter(n, 1) {
			return true
		}
	}
	for _, in := range n.Inputs() {
		if b.hidesEmpty(in, false) {
			return true
		}
	}
	return false
}

// emptyAggs gives the values of aggregates over no rows.
func emptyAggs(aggs []*expr.AggCall) []expr.Expr {
	out := []expr.Expr{}
	for _, c := range aggs {
		out = append(out, c.OverNone())
	}
	return out
}

// node gives a node whose columns are n's, then the outer columns.
func (m *magic) node(n plan.Node) plan.Node {
	if !m.b.usesOuter(n, 1) {
		return newJoin(plan.Inner, n, m.set, nil)
	}
	switch n := n.(type) {
	case *plan.Filter:
		in := m.node(n.Input)
		if in == nil {
			return nil
		}
		return newFilter(in, m.expr(n.Pred, len(n.Out)))
	case *plan.Project:
		return m.project(n)
	case *plan.Aggregate:
		return m.aggregate(n)
	case *plan.Sort:
		return m.node(n.Input)
	case *plan.Limit:
		return m.limit(n)
	case *plan.Distinct:
		in := m.node(n.Input)
		if in == nil {
			return nil
		}
		d := &plan.Distinct{Input: in}
		d.Out = in.Cols()
		return d
	case *plan.Join:
		return m.join(n)
	case *plan.SetOp:
		return m.setOp(n)
	case *plan.FuncScan:
		return m.function(n)
	}
	return nil
}

// expr writes an expression over a node's row with outer columns as one over the
// spread node, where the outer columns stand behind width others.
func (m *magic) expr(e expr.Expr, width int) expr.Expr {
	return m.b.mapOuterIn(e, 1, func(o *expr.Outer, at int) expr.Expr {
		if o.Depth != at || at != 1 {
			return o
		}
		return &expr.Col{Index: width + slices.Index(m.cols, o.Index), T: o.T, Name: o.Name}
	})
}

// carried gives the outer columns of a spread node.
func (m *magic) carried(n plan.Node) ([]expr.Expr, []plan.Column) {
	var xs []expr.Expr
	cols := n.Cols()
	from := len(cols) - len(m.cols)
	for i := from; i < len(cols); i++ {
		xs = append(xs, colOf(n, i))
	}
	return xs, cols[from:]
}

func (m *magic) project(n *plan.Project) plan.Node {
	in := m.node(n.Input)
	if in == nil {
		return nil
	}
	p := &plan.Project{Input: in}
	for _, e := range n.Exprs {
		if hasSubplan(e) {
			return nil
		}
		p.Exprs = append(p.Exprs, m.expr(e, len(n.Input.Cols())))
	}
	xs, cols := m.carried(in)
	p.Exprs = append(p.Exprs, xs...)
	p.Out = slices.Concat(n.Out, cols)
	return p
}

// aggregate groups by the outer columns too.
func (m *magic) aggregate(n *plan.Aggregate) plan.Node {
	if n.Sets != nil {
		return nil
	}
	in := m.node(n.Input)
	if in == nil {
		return nil
	}
	width := len(n.Input.Cols())
	a := copyNode(n).(*plan.Aggregate)
	a.Input = in
	for _, s := range slots(a) {
		*s = m.expr(*s, width)
	}
	xs, cols := m.carried(in)
	g := len(n.Groups)
	a.Groups = append(a.Groups, xs...)
	a.Out = slices.Concat(n.Out[:g], cols, n.Out[g:])
	p := &plan.Project{Input: a}
	for i := range n.Out {
		k := i
		if i >= g {
			k += len(xs)
		}
		p.Exprs = append(p.Exprs, colOf(a, k))
	}
	for i := range xs {
		p.Exprs = append(p.Exprs, colOf(a, g+i))
	}
	p.Out = slices.Concat(n.Out, cols)
	return p
}

func (m *magic) limit(n *plan.Limit) plan.Node {
	in := m.node(n.Input)
	if in == nil || n.RowNumber {
		return nil
	}
	l := copyNode(n).(*plan.Limit)
	l.Input = in
	for _, s := range slots(l) {
		*s = m.expr(*s, len(n.Out))
	}
	xs, _ := m.carried(in)
	l.Partition = append(l.Partition, xs...)
	l.Out = in.Cols()
	return l
}

// join carries the outer columns through the side that uses them.
func (m *magic) join(n *plan.Join) plan.Node {
	left, right := m.b.usesOuter(n.Left, 1), m.b.usesOuter(n.Right, 1)
	simple := n.Within == nil && len(n.LeftKeys) == 0 &&
		(n.Kind == plan.Inner || n.Kind == plan.Left && !right)
	if !simple || left && right {
		return nil
	}
	wl, wr := len(n.Left.Cols()), len(n.Right.Cols())
	if right {
		r := m.node(n.Right)
		if r == nil {
			return nil
		}
		return newJoin(plan.Inner, n.Left, r, m.expr(n.Residual, wl+wr))
	}
	l := m.node(n.Left)
	if l == nil {
		return nil
	}
	extra := len(m.cols)
	on := m.expr(n.Residual, wl+wr)
	if on != nil {
		on = expr.MapCols(on, func(c *expr.Col) expr.Expr {
			i := c.Index
			switch {
			case i >= wl+wr:
				i -= wr
			case i >= wl:
				i += extra
			}
			return &expr.Col{Index: i, T: c.T, Name: c.Name}
		})
	}
	j := newJoin(n.Kind, l, n.Right, on)
	order := slices.Concat(ordinals(wl), shifted(ordinals(wr), wl+extra), shifted(ordinals(extra), wl))
	return m.b.exactly(j, order)
}

func (m *magic) setOp(n *plan.SetOp) plan.Node {
	if n.Kind != plan.Union {
		return nil
	}
	s := &plan.SetOp{Kind: n.Kind, All: n.All}
	for _, in := range n.In {
		x := m.node(in)
		if x == nil {
			return nil
		}
		s.In = append(s.In, x)
	}
	s.Out = s.In[0].Cols()
	return s
}

// function calls a function once for each combination of outer values.
func (m *magic) function(n *plan.FuncScan) plan.Node {
	if n.Input != nil {
		return nil
	}
	f := copyNode(n).(*plan.FuncScan)
	f.Input = m.set
	for _, s := range slots(f) {
		*s = m.expr(*s, 0)
	}
	f.Out = joinCols(m.set, n)
	k := len(m.cols)
	return m.b.exactly(f, slices.Concat(shifted(ordinals(len(n.Out)), k), ordinals(k)))
}
