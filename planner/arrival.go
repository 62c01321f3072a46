package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Aggregates whose value depends on the order of rows (array_agg, string_agg,
// latest_by_offset...) need an order that is the same whether rows are read from
// history, partition by partition, or come one by one. Where the query states none, or
// one with ties, it is the order of the log: epoch, partition, offset of a stream's row,
// rowtime and key of a table's. What nobody orders (the rows of a view, of a GROUP BY in
// FROM) goes by value.

// arrival is the order in which the rows of a node are taken to have come.
type arrival struct {
	node plan.Node // the node, with columns more
	at   []int     // new ordinals of its columns
	keys []expr.Order
	// total: two rows that are equal in keys are copies of one row, and come one
	// after the other.
	total bool
}

// ordered gives every aggregate that needs one an order of its input that is total.
func (b *builder) ordered(n plan.Node) plan.Node {
	derive(n)
	return mapNodes(n, func(m plan.Node) plan.Node {
		a, ok := m.(*plan.Aggregate)
		if !ok || !slices.ContainsFunc(a.Aggs, needsOrder) || !stored(a.Input) {
			return m
		}
		derive(a.Input)
		in := b.arrivalOf(a.Input)
		a.Input = in.node
		derive(a.Input)
		b.renumber(a, in.at)
		for _, c := range a.Aggs {
			if !needsOrder(c) {
				continue
			}
			c.Placed = true
			if stated(c.OrderBy, a.Input.Props().Keys) {
				continue
			}
			c.OrderBy = append(slices.Clip(c.OrderBy), in.keys...)
			for _, x := range c.Args {
				if _, constant := x.(*expr.Const); !in.total && !constant && types.Comparable(x.Type()) {
					c.OrderBy = append(c.OrderBy, expr.Order{X: x})
				}
			}
		}
		return a
	})
}

// stated tells whether an order has no ties: a unique key is in it.
func stated(order []expr.Order, keys [][]int) bool {
	var cols []int
	for _, o := range order {
		if c, ok := o.X.(*expr.Col); ok {
			cols = append(cols, c.Index)
		}
	}
	return slices.ContainsFunc(keys, func(k []int) bool { return subset(k, cols) })
}

// needsOrder tells whether an aggregate's value may depend on the order of rows that
// the query does not state.
func needsOrder(c *expr.AggCall) bool {
	return c.Fn.Ordered && !c.Distinct && !c.Placed && c.Fn.Within == 0 && len(c.Args) > 0
}

// stored tells whether a tree reads stored relations, by nothing but nodes that a
// continuous query can have too: others give their rows in one order only.
func stored(n plan.Node) bool {
	reads, alone := false, false
	walkNodes(n, func(m plan.Node) {
		switch m.(type) {
		case *plan.Scan:
			reads = true
		case *plan.Recursive, *plan.WorkTable, *plan.SystemScan, *plan.Changelog:
			alone = true
		}
	})
	return reads && !alone
}

// arrivalOf finds the order of a node's rows.
func (b *builder) arrivalOf(n plan.Node) arrival {
	switch n := n.(type) {
	case *plan.Scan:
		return scanArrival(n)
	case *plan.Filter, *plan.Sort, *plan.WindowAssign:
		return b.passedArrival(n)
	case *plan.FuncScan:
		if n.Input != nil {
			return b.passedArrival(n)
		}
	case *plan.Limit:
		if !n.RowNumber && len(n.Keys) > 0 && !n.WithTies {
			return b.passedArrival(n)
		}
	case *plan.Project:
		return b.projectArrival(n)
	case *plan.Join:
		return b.joinArrival(n)
	case *plan.Apply:
		return b.applyArrival(n)
	case *plan.SetOp:
		if n.Kind == plan.Union && n.All {
			return b.unionArrival(n)
		}
	}
	return arrival{node: n, at: ordinals(len(n.Cols()))}
}

// scanArrival adds the place of a row in the log to a scan.
func scanArrival(n *plan.Scan) arrival {
	s := copyNode(n).(*plan.Scan)
	s.Columns, s.Out = slices.Clip(s.Columns), slices.Clip(s.Out)
	a := arrival{node: s, at: ordinals(len(n.Out))}
	key := func(ordinal int, name string, t types.Type) {
		i := slices.Index(s.Columns, ordinal)
		if i < 0 {
			i = len(s.Columns)
			s.Columns = append(s.Columns, ordinal)
			s.Out = append(s.Out, plan.Column{Name: name, Type: t, Hidden: true})
		}
		a.keys = append(a.keys, expr.Order{X: &expr.Col{Index: i, T: t, Name: name}})
	}
	switch {
	case n.Rel.Kind == catalog.KindStream:
		key(plan.RowEpoch, "rowepoch", types.Of(types.Int8))
		key(plan.RowPartition, "rowpartition", types.Of(types.Int4))
		key(plan.RowOffset, "rowoffset", types.Of(types.Int8))
		a.total = true
	case n.Rel.Kind == catalog.KindTable && uniqueKey(n.Rel):
		key(plan.RowTime, "rowtime", types.Of(types.Timestamptz))
		for _, k := range n.Rel.Key {
			c := &n.Rel.Columns[k]
			key(k, c.Name, c.Type)
		}
		a.total = true
	}
	return a
}

// passedArrival is for nodes that give their input's columns, and then their own.
func (b *builder) passedArrival(n plan.Node) arrival {
	in := b.arrivalOf(n.Inputs()[0])
	width, wider := len(in.at), len(in.node.Cols())
	c := copyNode(n)
	setInputs(c, []plan.Node{in.node})
	b.renumber(c, in.at)
	a := arrival{node: c, at: slices.Clone(in.at), keys: in.keys, total: in.total}
	for i := width; i < len(n.Cols()); i++ {
		a.at = append(a.at, wider+i-width)
	}
	out := append(slices.Clone(in.node.Cols()), n.Cols()[width:]...)
	switch c := c.(type) {
	case *plan.WindowAssign:
		c.Out = out
		c.Time, c.Keys = in.at[c.Time], slices.Clone(c.Keys)
		for i, k := range c.Keys {
			c.Keys[i] = in.at[k]
		}
	case *plan.FuncScan:
		c.Out = out
	case *plan.Sort:
		a.keys = append(slices.Clone(c.Keys), a.keys...)
	case *plan.Limit:
		a.keys = append(slices.Clone(c.Keys), a.keys...)
	}
	setCols(c, out)
	return a
}

// projectArrival adds the keys to the columns that are computed.
func (b *builder) projectArrival(n *plan.Project) arrival {
	in := b.arrivalOf(n.Input)
	p := copyNode(n).(*plan.Project)
	p.Input, p.Out = in.node, slices.Clip(p.Out)
	b.renumber(p, in.at)
	a := arrival{node: p, at: ordinals(len(n.Out)), total: in.total}
	for _, k := range in.keys {
		i := slices.IndexFunc(p.Exprs, func(x expr.Expr) bool { return expr.Equal(x, k.X) })
		if i < 0 {
			i = len(p.Exprs)
			p.Exprs = append(p.Exprs, k.X)
			p.Out = append(p.Out, plan.Column{Name: "rank", Type: k.X.Type(), Hidden: true})
		}
		a.keys = append(a.keys, expr.Order{X: colOf(p, i), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return a
}

// joinArrival orders the rows of a join as those of its left side, then those of its
// right side.
func (b *builder) joinArrival(n *plan.Join) arrival {
	half := n.Kind == plan.Semi || n.Kind == plan.Anti || n.Kind == plan.AntiNull ||
		n.Kind == plan.Mark
	one := (n.Kind == plan.Inner || n.Kind == plan.Left) &&
		oneMatch(n.Right.Props().Keys, n.RightKeys)
	left := b.arrivalOf(n.Left)
	right := arrival{node: n.Right, at: ordinals(len(n.Right.Cols())), total: half || one}
	if !half && !one {
		right = b.arrivalOf(n.Right)
	}
	width, wider := len(left.at), len(left.node.Cols())
	at := slices.Clone(left.at)
	for _, i := range right.at {
		at = append(at, wider+i)
	}
	j := copyNode(n).(*plan.Join)
	j.Left, j.Right = left.node, right.node
	for i := range j.LeftKeys {
		j.LeftKeys[i] = b.moved(j.LeftKeys[i], left.at)
		j.RightKeys[i] = b.moved(j.RightKeys[i], right.at)
	}
	j.Residual = b.moved(j.Residual, at)
	if w := j.Within; w != nil {
		c := *w
		c.LeftTime, c.RightTime = left.at[w.LeftTime], right.at[w.RightTime]
		j.Within = &c
	}
	j.Out = slices.Clone(left.node.Cols())
	if half {
		j.Out = append(j.Out, n.Out[width:]...)
		at = slices.Clone(left.at)
		for i := width; i < len(n.Out); i++ {
			at = append(at, wider+i-width)
		}
	} else {
		j.Out = append(j.Out, right.node.Cols()...)
	}
	return arrival{node: j, at: at, keys: bothKeys(left, right), total: left.total && right.total}
}

// bothKeys gives the keys of two sides over their columns one behind the other.
func bothKeys(left, right arrival) []expr.Order {
	keys, wider := slices.Clip(left.keys), len(left.node.Cols())
	for _, k := range right.keys {
		x := expr.MapCols(k.X, func(c *expr.Col) expr.Expr {
			return &expr.Col{Index: wider + c.Index, T: c.T, Name: c.Name}
		})
		keys = append(keys, expr.Order{X: x, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return keys
}

// applyArrival is joinArrival for a subquery that is run for each row: what is a join
// where the query is kept has the same order when it is run once.
func (b *builder) applyArrival(n *plan.Apply) arrival {
	left, right := b.arrivalOf(n.Left), b.arrivalOf(n.Right)
	right.node = b.mapOuter(right.node, 1, func(o *expr.Outer, at int) expr.Expr {
		if o.Depth != at {
			return o
		}
		return &expr.Outer{Depth: o.Depth, Index: left.at[o.Index], T: o.T, Name: o.Name}
	})
	at, wider := slices.Clone(left.at), len(left.node.Cols())
	for _, i := range right.at {
		at = append(at, wider+i)
	}
	c := copyNode(n).(*plan.Apply)
	c.Left, c.Right, c.On = left.node, right.node, b.moved(n.On, at)
	c.Out = joinCols(left.node, right.node)
	return arrival{node: c, at: at, keys: bothKeys(left, right), total: left.total && right.total}
}

// unionArrival orders the rows of UNION ALL by the first key of all inputs, which for
// streams is the epoch, then by input.
func (b *builder) unionArrival(n *plan.SetOp) arrival {
	c := copyNode(n).(*plan.SetOp)
	var kinds []types.Type
	for i, in := range n.In {
		a := b.arrivalOf(in)
		var own []types.Type
		for _, k := range a.keys {
			own = append(own, k.X.Type())
		}
		if i == 0 {
			kinds = own
		}
		if !a.total || !slices.EqualFunc(own, kinds, types.Type.Same) ||
			slices.ContainsFunc(a.keys, func(k expr.Order) bool { return k.Desc || k.NullsFirst }) {
			return arrival{node: n, at: ordinals(len(n.Out))}
		}
		p := &plan.Project{Input: a.node}
		for k := range in.Cols() {
			p.Exprs = append(p.Exprs, colOf(a.node, a.at[k]))
		}
		p.Exprs = append(p.Exprs, a.keys[0].X, &expr.Const{
			D: types.IntDatum(int64(i)), T: types.Of(types.Int4)})
		for _, k := range a.keys[1:] {
			p.Exprs = append(p.Exprs, k.X)
		}
		p.Out = slices.Clone(in.Cols())
		for _, x := range p.Exprs[len(p.Out):] {
			p.Out = append(p.Out, plan.Column{Name: "rank", Type: x.Type(), Hidden: true})
		}
		c.In[i] = p
	}
	c.Out = append(slices.Clone(n.Out), c.In[0].Cols()[len(n.Out):]...)
	out := arrival{node: c, at: ordinals(len(n.Out)), total: true}
	for i := len(n.Out); i < len(c.Out); i++ {
		out.keys = append(out.keys, expr.Order{X: colOf(c, i)})
	}
	return out
}
