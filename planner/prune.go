package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// exact prunes a tree and gives exactly the columns keep of it, in order; nil is
// all of them.
func (b *builder) exact(n plan.Node, keep []int) plan.Node {
	if keep == nil {
		keep = ordinals(len(n.Cols()))
	}
	need := map[int]bool{}
	for _, i := range keep {
		need[i] = true
	}
	out, at := b.prune(n, need)
	same := len(out.Cols()) == len(keep)
	for k, i := range keep {
		same = same && at[i] == k
	}
	if same {
		return out
	}
	p := &plan.Project{Input: out}
	for _, i := range keep {
		p.Exprs = append(p.Exprs, colOf(out, at[i]))
		p.Out = append(p.Out, n.Cols()[i])
	}
	return mergeProjects(p)
}

// prune drops columns that are not needed, where that is cheap. at gives the new
// ordinal of each old column, -1 for those that are gone.
//
//tidy:long one case per kind of node
func (b *builder) prune(n plan.Node, need map[int]bool) (out plan.Node, at []int) {
	switch n := n.(type) {
	case *plan.Scan:
		return b.pruneScan(n, need)
	case *plan.SystemScan:
		return b.pruneSystem(n, need)
	case *plan.Changelog:
		return pruneChangelog(n, need)
	case *plan.Values:
		return pruneValues(n, need)
	case *plan.Project:
		return b.pruneProject(n, need)
	case *plan.Aggregate:
		return b.pruneAggregate(n, need)
	case *plan.Join:
		return b.pruneJoin(n, need)
	case *plan.Apply:
		return b.pruneApply(n, need)
	case *plan.SetOp:
		return b.pruneSetOp(n, need)
	case *plan.WindowAssign:
		return b.pruneAssign(n, need)
	case *plan.Window:
		return b.pruneWindow(n, need)
	case *plan.FuncScan:
		return b.pruneFunc(n, need)
	case *plan.Distinct:
		c := *n
		c.Input = b.exact(n.Input, nil)
		return &c, ordinals(len(n.Out))
	case *plan.Recursive:
		c := *n
		c.Seed, c.Step = b.exact(n.Seed, nil), b.exact(n.Step, nil)
		return &c, ordinals(len(n.Out))
	case *plan.Limit:
		if n.RowNumber {
			return b.pruneNumbered(n, need)
		}
	case *plan.Filter, *plan.Sort, *plan.DistinctOn:
	default:
		return n, ordinals(len(n.Cols()))
	}
	return b.pruneSame(n, need)
}

// pruneSame is for nodes that pass their input's columns on.
func (b *builder) pruneSame(n plan.Node, need map[int]bool) (plan.Node, []int) {
	c := copyNode(n)
	all := map[int]bool{}
	for i := range need {
		all[i] = true
	}
	for _, s := range slots(c) {
		b.rowColumns(*s, all)
	}
	in, at := b.prune(n.Inputs()[0], all)
	setInputs(c, []plan.Node{in})
	b.renumber(c, at)
	setCols(c, in.Cols())
	return c, at
}

// renumber rewrites all expressions of a node for moved columns.
func (b *builder) renumber(n plan.Node, at []int) {
	for _, s := range slots(n) {
		*s = b.moved(*s, at)
	}
}

func (b *builder) moved(e expr.Expr, at []int) expr.Expr {
	out, _ := b.mapRow(e, func(c *expr.Col) expr.Expr {
		if c.Index >= len(at) {
			return c
		}
		return &expr.Col{Index: at[c.Index], T: c.T, Name: c.Name}
	})
	return out
}

func setCols(n plan.Node, cols []plan.Column) {
	switch n := n.(type) {
	case *plan.Filter:
		n.Out = cols
	case *plan.Sort:
		n.Out = cols
	case *plan.Limit:
		n.Out = cols
	case *plan.DistinctOn:
		n.Out = cols
	}
}

// dropped gives the renumbering that keeps some of n columns.
func dropped(n int, keep func(int) bool) (at, kept []int) {
	at = make([]int, n)
	for i := range at {
		at[i] = -1
		if keep(i) {
			at[i] = len(kept)
			kept = append(kept, i)
		}
	}
	return at, kept
}

func (b *builder) pruneScan(n *plan.Scan, need map[int]bool) (plan.Node, []int) {
	all := map[int]bool{}
	for i := range need {
		all[i] = true
	}
	b.rowColumns(n.Filter, all)
	if len(all) == 0 && len(n.Columns) > 0 {
		all[cheapest(n.Out)] = true
	}
	at, kept := dropped(len(n.Columns), func(i int) bool { return all[i] })
	c := *n
	c.Columns, c.Out = pick(n.Columns, kept), pick(n.Out, kept)
	c.Filter = b.moved(n.Filter, at)
	return &c, at
}

// cheapest finds the column that costs the least to read: a row must have one.
func cheapest(cols []plan.Column) int {
	for i := range cols {
		if cols[i].Type.Phys() != types.PhysBytes {
			return i
		}
	}
	return 0
}

func pick[T any](list []T, idx []int) []T {
	out := make([]T, len(idx))
	for k, i := range idx {
		out[k] = list[i]
	}
	return out
}

func (b *builder) pruneSystem(n *plan.SystemScan, need map[int]bool) (plan.Node, []int) {
	all := map[int]bool{}
	for i := range need {
		all[i] = true
	}
	b.rowColumns(n.Filter, all)
	if len(all) == 0 && len(n.Columns) > 0 {
		all[cheapest(n.Out)] = true
	}
	at, kept := dropped(len(n.Columns), func(i int) bool { return all[i] })
	c := *n
	c.Columns, c.Out = pick(n.Columns, kept), pick(n.Out, kept)
	c.Filter = b.moved(n.Filter, at)
	return &c, at
}

func pruneChangelog(n *plan.Changelog, need map[int]bool) (plan.Node, []int) {
	at, kept := dropped(len(n.Columns), func(i int) bool {
		return need[i] || i == 1 && len(need) == 0
	})
	c := *n
	c.Columns, c.Out = pick(n.Columns, kept), pick(n.Out, kept)
	return &c, at
}

func pruneValues(n *plan.Values, need map[int]bool) (plan.Node, []int) {
	at, kept := dropped(len(n.Out), func(i int) bool { return need[i] })
	if len(kept) == len(n.Out) {
		return n, at
	}
	c := *n
	c.Out = pick(n.Out, kept)
	c.Rows = make([][]expr.Expr, len(n.Rows))
	for i, r := range n.Rows {
		c.Rows[i] = pick(r, kept)
	}
	return &c, at
}

func (b *builder) pruneProject(n *plan.Project, need map[int]bool) (plan.Node, []int) {
	at, kept := dropped(len(n.Exprs), func(i int) bool { return need[i] || isVolatile(n.Exprs[i]) })
	used := map[int]bool{}
	for _, i := range kept {
		b.rowColumns(n.Exprs[i], used)
	}
	in, moved := b.prune(n.Input, used)
	c := *n
	c.Input = in
	c.Out = pick(n.Out, kept)
	c.Exprs = make([]expr.Expr, len(kept))
	for k, i := range kept {
		c.Exprs[k] = b.moved(n.Exprs[i], moved)
	}
	return b.identity(&c), at
}

// identity leaves out a projection that changes nothing. Where the result is kept it may
// change names, which its input gets: a plan has to stay what it is when columns are
// renamed.
func (b *builder) identity(n *plan.Project) plan.Node {
	out := mergeProjects(n)
	p, ok := out.(*plan.Project)
	if !ok {
		return out
	}
	in := p.Input.Cols()
	if len(in) != len(p.Exprs) || len(in) == 0 {
		return p
	}
	same := true
	for i, e := range p.Exprs {
		c, ok := e.(*expr.Col)
		same = same && sameColumn(p.Out[i], in[i])
		if !ok || c.Index != i || !same && (!b.kept || p.Out[i].Hidden != in[i].Hidden) {
			return p
		}
	}
	if same {
		return p.Input
	}
	renamed := copyNode(p.Input)
	renamed.SetCols(p.Out)
	return renamed
}

func sameColumn(a, b plan.Column) bool {
	return a.Name == b.Name && a.Table == b.Table && a.Attnum == b.Attnum && a.Hidden == b.Hidden
}

func (b *builder) pruneAggregate(n *plan.Aggregate, need map[int]bool) (plan.Node, []int) {
	g := len(n.Groups)
	at, kept := dropped(len(n.Out), func(i int) bool {
		return i < g || need[i] || n.Sets != nil && i == len(n.Out)-1
	})
	if len(kept) == 0 && len(n.Out) > 0 {
		at[0], kept = 0, []int{0}
	}
	c := copyNode(n).(*plan.Aggregate)
	c.Aggs = nil
	for i, a := range n.Aggs {
		if at[g+i] >= 0 {
			c.Aggs = append(c.Aggs, a)
		}
	}
	c.Aggs = copyAggs(c.Aggs)
	c.Out = pick(n.Out, kept)
	used := map[int]bool{}
	for _, s := range slots(c) {
		b.rowColumns(*s, used)
	}
	in, moved := b.prune(n.Input, used)
	c.Input = in
	b.renumber(c, moved)
	return c, at
}

func (b *builder) pruneJoin(n *plan.Join, need map[int]bool) (plan.Node, []int) {
	width := len(n.Left.Cols())
	left, right := map[int]bool{}, map[int]bool{}
	all := map[int]bool{}
	b.rowColumns(n.Residual, all)
	leftOnly := n.Kind == plan.Semi || n.Kind == plan.Anti || n.Kind == plan.AntiNull ||
		n.Kind == plan.Mark
	for i := range need {
		if i < width || !leftOnly {
			all[i] = true
		}
	}
	for i := range all {
		if i < width {
			left[i] = true
		} else {
			right[i-width] = true
		}
	}
	for i := range n.LeftKeys {
		b.rowColumns(n.LeftKeys[i], left)
		b.rowColumns(n.RightKeys[i], right)
	}
	if n.Within != nil {
		left[n.Within.LeftTime], right[n.Within.RightTime] = true, true
	}
	c := copyNode(n).(*plan.Join)
	l, la := b.prune(n.Left, left)
	r, ra := b.prune(n.Right, right)
	c.Left, c.Right = l, r
	for i := range c.LeftKeys {
		c.LeftKeys[i], c.RightKeys[i] = b.moved(c.LeftKeys[i], la), b.moved(c.RightKeys[i], ra)
	}
	at := slices.Clone(la)
	for _, j := range ra {
		if j >= 0 {
			j += len(l.Cols())
		}
		at = append(at, j)
	}
	c.Residual = b.moved(n.Residual, at)
	if n.Within != nil {
		w := *n.Within
		w.LeftTime, w.RightTime = la[w.LeftTime], ra[w.RightTime]
		c.Within = &w
	}
	switch {
	case n.Kind == plan.Mark:
		c.Out = append(slices.Clone(l.Cols()), n.Out[len(n.Out)-1])
		at = append(slices.Clone(la), len(l.Cols()))
	case leftOnly:
		c.Out, at = l.Cols(), la
	default:
		c.Out = joinCols(l, r)
	}
	return c, at
}

func (b *builder) pruneApply(n *plan.Apply, need map[int]bool) (plan.Node, []int) {
	width := len(n.Left.Cols())
	all := map[int]bool{}
	for i := range need {
		all[i] = true
	}
	b.rowColumns(n.On, all)
	left, right := map[int]bool{}, map[int]bool{}
	for i := range all {
		if i < width {
			left[i] = true
		} else {
			right[i-width] = true
		}
	}
	b.eachOuter(n.Right, 1, func(o *expr.Outer, at int) {
		if o.Depth == at {
			left[o.Index] = true
		}
	})
	l, la := b.prune(n.Left, left)
	r, ra := b.prune(n.Right, right)
	r = b.mapOuter(r, 1, func(o *expr.Outer, at int) expr.Expr {
		if o.Depth != at {
			return o
		}
		return &expr.Outer{Depth: o.Depth, Index: la[o.Index], T: o.T, Name: o.Name}
	})
	at := slices.Clone(la)
	for _, j := range ra {
		if j >= 0 {
			j += len(l.Cols())
		}
		at = append(at, j)
	}
	c := *n
	c.Left, c.Right, c.On = l, r, b.moved(n.On, at)
	c.Out = joinCols(l, r)
	return &c, at
}

func (b *builder) pruneSetOp(n *plan.SetOp, need map[int]bool) (plan.Node, []int) {
	c := *n
	c.In = make([]plan.Node, len(n.In))
	keep := need
	if n.Kind != plan.Union || !n.All || len(need) == 0 {
		keep = map[int]bool{}
		for i := range n.Out {
			keep[i] = true
		}
	}
	at, kept := dropped(len(n.Out), func(i int) bool { return keep[i] })
	for i, in := range n.In {
		c.In[i] = b.exact(in, kept)
	}
	c.Out = pick(n.Out, kept)
	return &c, at
}

func (b *builder) pruneAssign(n *plan.WindowAssign, need map[int]bool) (plan.Node, []int) {
	width := len(n.Input.Cols())
	used := map[int]bool{n.Time: true}
	for i := range need {
		if i < width {
			used[i] = true
		}
	}
	for _, k := range n.Keys {
		used[k] = true
	}
	in, at := b.prune(n.Input, used)
	c := *n
	c.Input, c.Time = in, at[n.Time]
	c.Keys = make([]int, len(n.Keys))
	for i, k := range n.Keys {
		c.Keys[i] = at[k]
	}
	if n.Keys == nil {
		c.Keys = nil
	}
	k := len(in.Cols())
	c.Out = append(slices.Clone(in.Cols()), n.Out[width:]...)
	return &c, append(slices.Clone(at), k, k+1)
}

func (b *builder) pruneWindow(n *plan.Window, need map[int]bool) (plan.Node, []int) {
	width := len(n.Input.Cols())
	c := copyNode(n).(*plan.Window)
	used := map[int]bool{}
	for i := range need {
		if i < width {
			used[i] = true
		}
	}
	for _, s := range slots(c) {
		b.rowColumns(*s, used)
	}
	in, at := b.prune(n.Input, used)
	c.Input = in
	b.renumber(c, at)
	c.Out = append(slices.Clone(in.Cols()), n.Out[width:]...)
	for i := width; i < len(n.Out); i++ {
		at = append(at, len(in.Cols())+i-width)
	}
	return c, at
}

// pruneNumbered is pruneSame for a limit with a row number behind the columns.
func (b *builder) pruneNumbered(n *plan.Limit, need map[int]bool) (plan.Node, []int) {
	width := len(n.Input.Cols())
	c := copyNode(n).(*plan.Limit)
	used := map[int]bool{}
	for i := range need {
		if i < width {
			used[i] = true
		}
	}
	for _, s := range slots(c) {
		b.rowColumns(*s, used)
	}
	in, at := b.prune(n.Input, used)
	c.Input = in
	b.renumber(c, at)
	c.RowNumber = need[width]
	c.Out = slices.Clone(in.Cols())
	at = append(slices.Clone(at), -1)
	if c.RowNumber {
		at[width] = len(c.Out)
		c.Out = append(c.Out, n.Out[width])
	}
	return c, at
}

func (b *builder) pruneFunc(n *plan.FuncScan, need map[int]bool) (plan.Node, []int) {
	if n.Input == nil {
		return n, ordinals(len(n.Out))
	}
	width := len(n.Input.Cols())
	c := copyNode(n).(*plan.FuncScan)
	used := map[int]bool{}
	for i := range need {
		if i < width {
			used[i] = true
		}
	}
	for _, s := range slots(c) {
		b.rowColumns(*s, used)
	}
	in, at := b.prune(n.Input, used)
	c.Input = in
	b.renumber(c, at)
	c.Out = append(slices.Clone(in.Cols()), n.Out[width:]...)
	for i := width; i < len(n.Out); i++ {
		at = append(at, len(in.Cols())+i-width)
	}
	return c, at
}
