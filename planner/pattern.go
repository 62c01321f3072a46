package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// topN finds row_number() over (partition by p order by k) <= n and makes it a
// limit per partition, which keeps n rows of each instead of all.
func (b *builder) topN(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		f, ok := m.(*plan.Filter)
		if !ok {
			return m
		}
		if w, ok := f.Input.(*plan.Window); ok {
			if l := b.rankLimit(f, w, nil); l != nil {
				return l
			}
		}
		p, ok := f.Input.(*plan.Project)
		if !ok {
			return m
		}
		if w, ok := p.Input.(*plan.Window); ok {
			if l := b.rankLimit(f, w, p); l != nil {
				return l
			}
		}
		return m
	})
}

// rankLimit rewrites a filter over one window function, with perhaps a projection
// between them.
func (b *builder) rankLimit(f *plan.Filter, w *plan.Window, p *plan.Project) plan.Node {
	if len(w.Calls) != 1 || len(w.OrderBy) == 0 || w.Calls[0].Name != "row_number" {
		return nil
	}
	number := len(w.Out) - 1
	at := number
	if p != nil {
		at = -1
		for i, e := range p.Exprs {
			if c, ok := e.(*expr.Col); ok && c.Index == number {
				at = i
			}
		}
	}
	var rest []expr.Expr
	var count expr.Expr
	for _, c := range appendConjuncts(nil, f.Pred) {
		if v := b.rankBound(c, at); v != nil && count == nil {
			count = v
			continue
		}
		rest = append(rest, c)
	}
	if count == nil {
		return nil
	}
	l := &plan.Limit{Input: w.Input, Keys: w.OrderBy, Partition: slices.Clone(w.Partition),
		Count: count, RowNumber: true}
	l.Out = w.Out
	var out plan.Node = l
	if p != nil {
		q := *p
		q.Input = l
		out = &q
	}
	return newFilter(out, and(rest...))
}

// rankBound reads number <= n, number < n and number = 1 as a limit.
func (b *builder) rankBound(e expr.Expr, at int) expr.Expr {
	c, ok := e.(*expr.Call)
	if !ok || !c.Fn.Operator || len(c.Args) != 2 {
		return nil
	}
	op, x, y := c.Fn.Name, c.Args[0], c.Args[1]
	if _, ok := unwrapCol(y); ok {
		x, y = y, x
		op = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}[op]
	}
	col, ok := unwrapCol(x)
	if !ok || col.Index != at {
		return nil
	}
	k, ok := y.(*expr.Const)
	if !ok || k.D.Null || k.T.Phys() != types.PhysInt64 {
		return nil
	}
	n := k.D.I
	switch {
	case op == "<=":
	case op == "<":
		n--
	case op == "=" && n == 1:
	default:
		return nil
	}
	return &expr.Const{D: types.IntDatum(max(n, 0)), T: types.Of(types.Int8)}
}

func unwrapCol(e expr.Expr) (*expr.Col, bool) {
	if c, ok := e.(*expr.Cast); ok {
		e = c.X
	}
	c, ok := e.(*expr.Col)
	return c, ok
}

// windowed tells aggregates about the time windows among their groups, so that
// their state goes when the watermark passes. Where only one bound of a tumbling
// window is grouped by, the other one is added: it has one value per group.
func (b *builder) windowed(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		a, ok := m.(*plan.Aggregate)
		if !ok || a.Sets != nil {
			return m
		}
		assign, start, end := windowBelow(a.Input)
		if assign == nil {
			return m
		}
		si, ei := groupOf(a.Groups, start), groupOf(a.Groups, end)
		switch {
		case si >= 0 && ei >= 0:
			a.Window = &plan.AggWindow{Start: si, End: ei, Grace: graceOf(assign), Final: b.final}
		case (si >= 0 || ei >= 0) && (assign.Kind == plan.Tumble || assign.Kind == plan.Hop):
			return b.bothBounds(a, assign, start, end)
		}
		return m
	})
}

// graceOf is how long after the end that rows show a window closes.
func graceOf(w *plan.WindowAssign) int64 {
	if w.LastEnd && w.Grace < neverLate-w.Size {
		return w.Grace + w.Size + 1 // the session still takes a row at that time
	}
	return w.Grace
}

func groupOf(groups []expr.Expr, col int) int {
	for i, g := range groups {
		if c, ok := g.(*expr.Col); ok && c.Index == col {
			return i
		}
	}
	return -1
}

// bothBounds groups by the other bound of the window too, and drops it again.
func (b *builder) bothBounds(a *plan.Aggregate, assign *plan.WindowAssign,
	start, end int) plan.Node {
	c := copyNode(a).(*plan.Aggregate)
	g := len(c.Groups)
	add := end
	if groupOf(c.Groups, start) < 0 {
		add = start
	}
	c.Groups = append(c.Groups, colOf(a.Input, add))
	c.Out = slices.Insert(slices.Clone(a.Out), g, a.Input.Cols()[add])
	c.Window = &plan.AggWindow{Start: groupOf(c.Groups, start), End: groupOf(c.Groups, end),
		Grace: graceOf(assign), Final: b.final}
	p := &plan.Project{Input: c}
	for i := range c.Out {
		if i == g {
			continue
		}
		p.Exprs = append(p.Exprs, colOf(c, i))
		p.Out = append(p.Out, c.Out[i])
	}
	return p
}

// windowBelow finds the WindowAssign that a node's rows come from, and where its
// bounds are in the node's columns.
func windowBelow(n plan.Node) (assign *plan.WindowAssign, start, end int) {
	switch n := n.(type) {
	case *plan.WindowAssign:
		return n, len(n.Out) - 2, len(n.Out) - 1
	case *plan.Filter:
		return windowBelow(n.Input)
	case *plan.Project:
		assign, s, e := windowBelow(n.Input)
		if assign == nil {
			return nil, -1, -1
		}
		start, end = -1, -1
		for i, x := range n.Exprs {
			if c, ok := x.(*expr.Col); ok {
				if c.Index == s && start < 0 {
					start = i
				}
				if c.Index == e && end < 0 {
					end = i
				}
			}
		}
		if start < 0 || end < 0 {
			return nil, -1, -1
		}
		return assign, start, end
	case *plan.Join:
		if n.Temporal || n.Kind == plan.Semi || n.Kind == plan.Anti || n.Kind == plan.Inner {
			return windowBelow(n.Left)
		}
	}
	return nil, -1, -1
}

// temporalJoins makes joins of a stream with a table look the table up, where the
// statement means that.
func (b *builder) temporalJoins(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		j, ok := m.(*plan.Join)
		if !ok {
			return m
		}
		if !b.continuous || len(j.LeftKeys) == 0 {
			j.Temporal = false
			return j
		}
		if b.temporal && !j.Temporal && (j.Kind == plan.Inner || j.Kind == plan.Left) &&
			len(j.LeftKeys) > 0 && j.Within == nil {
			derive(j)
			l, r := j.Left.Props(), j.Right.Props()
			j.Temporal = l.AppendOnly && l.Unbounded && !r.AppendOnly && r.Unbounded
		}
		return j
	})
}
