package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
)

// copyNode gives a copy of a node whose inputs and expressions may be replaced.
//
//tidy:long one case per kind of node
func copyNode(n plan.Node) plan.Node {
	switch n := n.(type) {
	case *plan.Filter:
		c := *n
		return &c
	case *plan.Project:
		c := *n
		c.Exprs = slices.Clone(n.Exprs)
		return &c
	case *plan.WindowAssign:
		c := *n
		return &c
	case *plan.Aggregate:
		c := *n
		c.Groups, c.Aggs = slices.Clone(n.Groups), copyAggs(n.Aggs)
		return &c
	case *plan.Distinct:
		c := *n
		return &c
	case *plan.Join:
		c := *n
		c.LeftKeys, c.RightKeys = slices.Clone(n.LeftKeys), slices.Clone(n.RightKeys)
		return &c
	case *plan.Apply:
		c := *n
		return &c
	case *plan.SetOp:
		c := *n
		c.In = slices.Clone(n.In)
		return &c
	case *plan.Sort:
		c := *n
		c.Keys = slices.Clone(n.Keys)
		return &c
	case *plan.Limit:
		c := *n
		c.Keys, c.Partition = slices.Clone(n.Keys), slices.Clone(n.Partition)
		return &c
	case *plan.Window:
		c := *n
		c.Partition, c.OrderBy = slices.Clone(n.Partition), slices.Clone(n.OrderBy)
		c.Calls = copyWindowCalls(n.Calls)
		return &c
	case *plan.DistinctOn:
		c := *n
		c.On, c.Keys = slices.Clone(n.On), slices.Clone(n.Keys)
		return &c
	case *plan.Recursive:
		c := *n
		return &c
	case *plan.Scan:
		c := *n
		c.Point, c.Values = slices.Clone(n.Point), slices.Clone(n.Values)
		return &c
	case *plan.SystemScan:
		c := *n
		c.Hints = copyHints(n.Hints)
		return &c
	case *plan.Values:
		c := *n
		c.Rows = make([][]expr.Expr, len(n.Rows))
		for i := range n.Rows {
			c.Rows[i] = slices.Clone(n.Rows[i])
		}
		return &c
	case *plan.FuncScan:
		c := *n
		c.Calls = slices.Clone(n.Calls)
		for i := range c.Calls {
			c.Calls[i].Args = slices.Clone(c.Calls[i].Args)
		}
		return &c
	}
	return n
}

func copyAggs(as []*expr.AggCall) []*expr.AggCall {
	out := make([]*expr.AggCall, len(as))
	for i, a := range as {
		c := *a
		c.Args, c.OrderBy = slices.Clone(a.Args), slices.Clone(a.OrderBy)
		out[i] = &c
	}
	return out
}

func copyWindowCalls(ws []*expr.WindowCall) []*expr.WindowCall {
	out := make([]*expr.WindowCall, len(ws))
	for i, w := range ws {
		c := *w
		c.Args = slices.Clone(w.Args)
		c.Partition, c.OrderBy = slices.Clone(w.Partition), slices.Clone(w.OrderBy)
		out[i] = &c
	}
	return out
}

func copyHints(hs []plan.ScanHint) []plan.ScanHint {
	out := slices.Clone(hs)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
	}
	return out
}

// slots gives the places of a node's expressions, to be changed in a copy.
//
//tidy:long one case per kind of node
func slots(n plan.Node) []*expr.Expr {
	var out []*expr.Expr
	list := func(xs []expr.Expr) {
		for i := range xs {
			out = append(out, &xs[i])
		}
	}
	orders := func(os []expr.Order) {
		for i := range os {
			out = append(out, &os[i].X)
		}
	}
	one := func(x *expr.Expr) {
		if *x != nil {
			out = append(out, x)
		}
	}
	switch n := n.(type) {
	case *plan.Filter:
		one(&n.Pred)
	case *plan.Project:
		list(n.Exprs)
	case *plan.Aggregate:
		list(n.Groups)
		for _, a := range n.Aggs {
			list(a.Args)
			orders(a.OrderBy)
			one(&a.Filter)
		}
	case *plan.Join:
		list(n.LeftKeys)
		list(n.RightKeys)
		one(&n.Residual)
	case *plan.Apply:
		one(&n.On)
	case *plan.Sort:
		orders(n.Keys)
	case *plan.Limit:
		orders(n.Keys)
		list(n.Partition)
		one(&n.Count)
		one(&n.Offset)
	case *plan.Window:
		list(n.Partition)
		orders(n.OrderBy)
		for _, w := range n.Calls {
			list(w.Args)
			list(w.Partition)
			orders(w.OrderBy)
			one(&w.Filter)
			one(&w.Frame.Lo.Offset)
			one(&w.Frame.Hi.Offset)
		}
	case *plan.DistinctOn:
		list(n.On)
		orders(n.Keys)
	case *plan.Scan:
		one(&n.Filter)
		list(n.Point)
		list(n.Values)
		one(&n.AsOf)
	case *plan.SystemScan:
		one(&n.Filter)
		for _, h := range n.Hints {
			list(h.Values)
		}
	case *plan.Values:
		for _, r := range n.Rows {
			list(r)
		}
	case *plan.FuncScan:
		for _, c := range n.Calls {
			list(c.Args)
		}
	}
	return out
}

// setInputs puts other inputs into a copy of a node.
func setInputs(n plan.Node, in []plan.Node) {
	switch n := n.(type) {
	case *plan.Filter:
		n.Input = in[0]
	case *plan.Project:
		n.Input = in[0]
	case *plan.WindowAssign:
		n.Input = in[0]
	case *plan.Aggregate:
		n.Input = in[0]
	case *plan.Distinct:
		n.Input = in[0]
	case *plan.Join:
		n.Left, n.Right = in[0], in[1]
	case *plan.Apply:
		n.Left, n.Right = in[0], in[1]
	case *plan.SetOp:
		copy(n.In, in)
	case *plan.Sort:
		n.Input = in[0]
	case *plan.Limit:
		n.Input = in[0]
	case *plan.Window:
		n.Input = in[0]
	case *plan.DistinctOn:
		n.Input = in[0]
	case *plan.Recursive:
		n.Seed, n.Step = in[0], in[1]
	case *plan.FuncScan:
		if len(in) > 0 {
			n.Input = in[0]
		}
	}
}

// mapNodes rebuilds a tree bottom-up: f is given a copy of each node with its
// inputs already mapped.
func mapNodes(n plan.Node, f func(plan.Node) plan.Node) plan.Node {
	c := copyNode(n)
	ins := n.Inputs()
	next := make([]plan.Node, len(ins))
	for i, in := range ins {
		next[i] = mapNodes(in, f)
	}
	setInputs(c, next)
	return f(c)
}

// walkNodes visits a tree, parents first.
func walkNodes(n plan.Node, f func(plan.Node)) {
	f(n)
	for _, in := range n.Inputs() {
		walkNodes(in, f)
	}
}

// eachOuter visits the Outer columns of a tree that reach the rows depth or more
// levels out; at is the depth of that first level where the column stands.
func (b *builder) eachOuter(n plan.Node, depth int, f func(o *expr.Outer, at int)) {
	for _, s := range slots(n) {
		b.eachOuterIn(*s, depth, f)
	}
	if a, ok := n.(*plan.Apply); ok {
		b.eachOuter(a.Left, depth, f)
		b.eachOuter(a.Right, depth+1, f)
		return
	}
	for _, in := range n.Inputs() {
		b.eachOuter(in, depth, f)
	}
}

func (b *builder) eachOuterIn(e expr.Expr, depth int, f func(o *expr.Outer, at int)) {
	expr.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Outer:
			if x.Depth >= depth {
				f(x, depth)
			}
		case *expr.Subplan:
			b.eachOuter(b.subplans[x.ID], depth+1, f)
		}
		return true
	})
}

// usesOuter tells whether a tree refers to the row exactly depth levels out.
func (b *builder) usesOuter(n plan.Node, depth int) bool {
	found := false
	b.eachOuter(n, depth, func(o *expr.Outer, at int) { found = found || o.Depth == at })
	return found
}

// anyOuter tells whether a tree refers to any enclosing row.
func (b *builder) anyOuter(n plan.Node) bool {
	found := false
	b.eachOuter(n, 1, func(*expr.Outer, int) { found = true })
	return found
}

// mapOuter replaces the Outer columns that eachOuter visits. Subplans in the tree
// are replaced by changed copies.
func (b *builder) mapOuter(n plan.Node, depth int,
	f func(o *expr.Outer, at int) expr.Expr) plan.Node {
	c := copyNode(n)
	for _, s := range slots(c) {
		*s = b.mapOuterIn(*s, depth, f)
	}
	ins := n.Inputs()
	next := make([]plan.Node, len(ins))
	for i, in := range ins {
		d := depth
		if _, ok := n.(*plan.Apply); ok && i == 1 {
			d++
		}
		next[i] = b.mapOuter(in, d, f)
	}
	setInputs(c, next)
	return c
}

func (b *builder) mapOuterIn(e expr.Expr, depth int,
	f func(o *expr.Outer, at int) expr.Expr) expr.Expr {
	out, _ := expr.Transform(e, func(x expr.Expr) (expr.Expr, error) {
		switch x := x.(type) {
		case *expr.Outer:
			if x.Depth >= depth {
				return f(x, depth), nil
			}
		case *expr.Subplan:
			if !x.Correlated {
				return x, nil
			}
			c := *x
			c.ID = b.addSubplan(b.mapOuter(b.subplans[x.ID], depth+1, f))
			return &c, nil
		}
		return x, nil
	})
	return out
}

// shiftOuter moves references to rows depth or more levels out by k levels.
func (b *builder) shiftOuter(n plan.Node, depth, k int) plan.Node {
	if !b.anyOuter(n) {
		return n
	}
	return b.mapOuter(n, depth, func(o *expr.Outer, _ int) expr.Expr {
		return &expr.Outer{Depth: o.Depth + k, Index: o.Index, T: o.T, Name: o.Name}
	})
}

// outerToCols makes an expression that sees the left row as Outer columns of
// depth 1 into one over that row; deeper references come one level nearer.
func (b *builder) outerToCols(e expr.Expr) expr.Expr {
	return b.mapOuterIn(e, 1, func(o *expr.Outer, at int) expr.Expr {
		switch {
		case o.Depth == 1 && at == 1:
			return &expr.Col{Index: o.Index, T: o.T, Name: o.Name}
		case o.Depth == at:
			return o
		}
		return &expr.Outer{Depth: o.Depth - 1, Index: o.Index, T: o.T, Name: o.Name}
	})
}

func (b *builder) addSubplan(n plan.Node) int {
	b.subplans = append(b.subplans, n)
	return len(b.subplans) - 1
}

// remapSubplan changes how a subquery refers to the row around it, and gives the
// number of the changed copy.
func (b *builder) remapSubplan(id int, f func(o *expr.Outer) expr.Expr) int {
	if !b.usesOuter(b.subplans[id], 1) {
		return id
	}
	return b.addSubplan(b.mapOuter(b.subplans[id], 1, func(o *expr.Outer, at int) expr.Expr {
		if o.Depth == at {
			return f(o)
		}
		return o
	}))
}

// mapRow rewrites an expression for another row: f gives what stands for each
// column, in the expression itself and, as Outer, in its subqueries. For those f
// must give columns; ok is false where it does not.
func (b *builder) mapRow(e expr.Expr, f func(c *expr.Col) expr.Expr) (out expr.Expr, ok bool) {
	ok = true
	// Before the columns: what f puts in their place may have subqueries too, which
	// see the other row already.
	out, _ = expr.Transform(e, func(x expr.Expr) (expr.Expr, error) {
		s, is := x.(*expr.Subplan)
		if !is || !s.Correlated {
			return x, nil
		}
		c := *s
		c.ID = b.remapSubplan(s.ID, func(o *expr.Outer) expr.Expr {
			switch y := f(&expr.Col{Index: o.Index, T: o.T, Name: o.Name}).(type) {
			case *expr.Col:
				return &expr.Outer{Depth: o.Depth, Index: y.Index, T: y.T, Name: y.Name}
			case *expr.Const:
				return y
			default:
				ok = false
			}
			return o
		})
		return &c, nil
	})
	return expr.MapCols(out, f), ok
}

// rowColumns adds the columns of the row that an expression uses, in its
// subqueries too.
func (b *builder) rowColumns(e expr.Expr, set map[int]bool) {
	if e == nil {
		return
	}
	expr.Columns(e, set)
	expr.Walk(e, func(x expr.Expr) bool {
		if s, ok := x.(*expr.Subplan); ok && s.Correlated {
			b.eachOuter(b.subplans[s.ID], 1, func(o *expr.Outer, at int) {
				if o.Depth == at {
					set[o.Index] = true
				}
			})
		}
		return true
	})
}
