package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// maxKeys bounds the unique keys that are remembered per node.
const maxKeys = 6

// uniqueKey tells whether a relation's key is unique: a stream's only says how
// rows are partitioned.
func uniqueKey(r *catalog.Relation) bool {
	return len(r.Key) > 0 && (r.Kind == catalog.KindTable || r.Kind == catalog.KindMaterializedView)
}

// appendOnly derives and gives the property.
func appendOnly(n plan.Node) bool {
	derive(n)
	return n.Props().AppendOnly
}

// derive computes the properties of a tree, from the leaves up.
//
//tidy:long one case per kind of node
func derive(n plan.Node) {
	for _, in := range n.Inputs() {
		derive(in)
	}
	p := n.Props()
	*p = plan.Props{Time: -1, WindowStart: -1, WindowEnd: -1}
	switch n := n.(type) {
	case *plan.Scan:
		deriveScan(n, p)
	case *plan.SystemScan:
		p.AppendOnly = true
	case *plan.Changelog:
		p.AppendOnly, p.Unbounded = true, true
	case *plan.Values:
		p.AppendOnly, p.Rows = true, float64(len(n.Rows))
		if len(n.Rows) <= 1 {
			p.Keys = [][]int{{}}
		}
	case *plan.Filter:
		*p = *n.Input.Props()
		p.Keys = fixedKeys(n, p.Keys)
	case *plan.Project:
		deriveProject(n, p)
	case *plan.WindowAssign:
		deriveAssign(n, p)
	case *plan.Aggregate:
		deriveAggregate(n, p)
	case *plan.Distinct:
		*p = *n.Input.Props()
		p.Keys = addKey(p.Keys, ordinals(len(n.Out)))
	case *plan.Join:
		deriveJoin(n, p)
	case *plan.Apply:
		p.Unbounded = n.Left.Props().Unbounded || n.Right.Props().Unbounded
	case *plan.SetOp:
		deriveSetOp(n, p)
	case *plan.Sort:
		*p = *n.Input.Props()
	case *plan.Limit:
		deriveLimit(n, p)
	case *plan.Window:
		*p = *n.Input.Props()
		p.AppendOnly = p.AppendOnly && !p.Unbounded
	case *plan.DistinctOn:
		*p = *n.Input.Props()
		p.AppendOnly = p.AppendOnly && !p.Unbounded
		if key, ok := columnsOf(n.On); ok {
			p.Keys = addKey(p.Keys, key)
		}
	case *plan.FuncScan:
		p.AppendOnly = true
		if n.Input != nil {
			*p = *n.Input.Props()
			p.Keys = nil
		}
	case *plan.Recursive:
		p.Unbounded = n.Seed.Props().Unbounded || n.Step.Props().Unbounded
		p.AppendOnly = !p.Unbounded
	case *plan.WorkTable:
		p.AppendOnly = true
	}
}

func ordinals(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// addKey remembers a unique key, unless a smaller one is known. The empty key, of
// at most one row, hides no other one: results are stored by columns.
func addKey(keys [][]int, key []int) [][]int {
	for _, k := range keys {
		if subset(k, key) && (len(k) > 0 || len(key) == 0) {
			return keys
		}
	}
	if len(keys) >= maxKeys {
		return keys
	}
	return append(slices.Clip(keys), key)
}

func subset(a, b []int) bool {
	for _, x := range a {
		if !containsInt(b, x) {
			return false
		}
	}
	return true
}

func columnsOf(xs []expr.Expr) ([]int, bool) {
	var out []int
	for _, x := range xs {
		c, ok := x.(*expr.Col)
		if !ok {
			return nil, false
		}
		out = append(out, c.Index)
	}
	return out, true
}

func deriveScan(n *plan.Scan, p *plan.Props) {
	p.AppendOnly = n.Rel.AppendOnly || n.Rel.Kind == catalog.KindStream
	p.Unbounded = true
	at := map[int]int{}
	for i, ord := range n.Columns {
		at[ord] = i
	}
	mapped := func(ords []int) ([]int, bool) {
		var out []int
		for _, o := range ords {
			i, ok := at[o]
			if !ok {
				return nil, false
			}
			out = append(out, i)
		}
		return out, true
	}
	if n.Point != nil {
		p.Keys = [][]int{{}}
	}
	if uniqueKey(n.Rel) {
		if key, ok := mapped(n.Rel.Key); ok {
			p.Keys = append(p.Keys, key)
		}
	}
	if key, ok := mapped([]int{plan.RowPartition, plan.RowOffset}); ok && p.AppendOnly {
		p.Keys = append(p.Keys, key)
	}
	if i, ok := at[n.Rel.TimeColumn]; ok && n.Rel.TimeColumn >= 0 {
		p.Time = i
	} else if i, ok := at[plan.RowTime]; ok {
		p.Time = i
	}
	if n.Rel.Windowed && len(n.Rel.Key) >= 2 {
		if w, ok := mapped(n.Rel.Key[len(n.Rel.Key)-2:]); ok {
			p.WindowStart, p.WindowEnd = w[0], w[1]
		}
	}
	p.Keys = fixedBy(p.Keys, appendConjuncts(nil, n.Filter))
}

// fixedKeys leaves out of keys the columns that a filter fixes to one value.
func fixedKeys(n *plan.Filter, keys [][]int) [][]int {
	return fixedBy(keys, appendConjuncts(nil, n.Pred))
}

func fixedBy(keys [][]int, conds []expr.Expr) [][]int {
	fixed := map[int]bool{}
	for _, c := range conds {
		if i, _, ok := columnIs(c); ok {
			fixed[i] = true
		}
	}
	if len(fixed) == 0 {
		return keys
	}
	var out [][]int
	for _, key := range keys {
		rest := []int{}
		for _, c := range key {
			if !fixed[c] {
				rest = append(rest, c)
			}
		}
		out = append(out, rest)
	}
	for _, key := range keys {
		out = addKey(out, key)
	}
	return out
}

// deriveProject maps columns through; a key lives while all its columns do.
func deriveProject(n *plan.Project, p *plan.Props) {
	in := n.Input.Props()
	*p = *in
	at := map[int]int{}
	for i, e := range n.Exprs {
		if c, ok := e.(*expr.Col); ok {
			if _, done := at[c.Index]; !done {
				at[c.Index] = i
			}
		}
	}
	one := func(i int) int {
		if j, ok := at[i]; ok && i >= 0 {
			return j
		}
		return -1
	}
	p.Time, p.WindowStart, p.WindowEnd = one(in.Time), one(in.WindowStart), one(in.WindowEnd)
	p.Keys = nil
	keys := in.Keys
	if p.WindowStart < 0 || p.WindowEnd < 0 {
		keys = append(slices.Clone(keys), oneBoundKeys(n.Input)...)
	}
	for _, key := range keys {
		next := []int{}
		ok := true
		for _, c := range key {
			j := one(c)
			ok = ok && j >= 0
			next = append(next, j)
		}
		if ok {
			p.Keys = addKey(p.Keys, next)
		}
	}
	if j, ok := n.Input.(*plan.Join); ok && j.Kind == plan.Full &&
		oneMatch(j.Left.Props().Keys, j.LeftKeys) && oneMatch(j.Right.Props().Keys, j.RightKeys) {
		if key := visibleKey(projectedForms(n, fullKeyForms(j)), len(n.Out)); key != nil {
			p.Keys = addKey(p.Keys, key) // of both sides, whichever is there
		}
	}
}

// oneBoundKeys gives the keys of an aggregate over windows of one length with one
// bound of the window instead of both: each says what the other one is.
func oneBoundKeys(n plan.Node) [][]int {
	a, ok := n.(*plan.Aggregate)
	if !ok || a.Window == nil || a.Sets != nil {
		return nil
	}
	w := a.Window.Slice
	if w == nil {
		w, _, _ = windowBelow(a.Input)
	}
	if w == nil || w.Kind == plan.Session {
		return nil
	}
	without := func(bound int) []int {
		return slices.DeleteFunc(ordinals(len(a.Groups)), func(i int) bool { return i == bound })
	}
	if w.Kind == plan.Cumulate {
		return [][]int{without(a.Window.Start)}
	}
	return [][]int{without(a.Window.Start), without(a.Window.End)}
}

func deriveAssign(n *plan.WindowAssign, p *plan.Props) {
	*p = *n.Input.Props()
	start := len(n.Out) - 2
	p.WindowStart, p.WindowEnd = start, start+1
	if n.Kind == plan.Session {
		p.AppendOnly = p.AppendOnly && !p.Unbounded
		return
	}
	if n.Kind != plan.Tumble {
		bound := start
		if n.Kind == plan.Cumulate {
			bound = start + 1
		}
		var keys [][]int
		for _, k := range p.Keys {
			keys = append(keys, append(slices.Clone(k), bound))
		}
		p.Keys = keys
	}
}

func deriveAggregate(n *plan.Aggregate, p *plan.Props) {
	in := n.Input.Props()
	p.Unbounded = in.Unbounded
	p.AppendOnly = !in.Unbounded || n.Window != nil && n.Window.Final && in.AppendOnly
	key := ordinals(len(n.Groups))
	if n.Sets != nil {
		key = append(key, len(n.Out)-1)
	}
	p.Keys = [][]int{key}
	if n.Window != nil {
		p.WindowStart, p.WindowEnd = n.Window.Start, n.Window.End
		return
	}
	for i, g := range n.Groups {
		if c, ok := g.(*expr.Col); ok && in.WindowStart >= 0 {
			if c.Index == in.WindowStart {
				p.WindowStart = i
			}
			if c.Index == in.WindowEnd {
				p.WindowEnd = i
			}
		}
	}
}

func deriveJoin(n *plan.Join, p *plan.Props) {
	l, r := n.Left.Props(), n.Right.Props()
	width := len(n.Left.Cols())
	p.Unbounded = l.Unbounded || r.Unbounded
	switch n.Kind {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
		*p = *l
		p.Unbounded = l.Unbounded || r.Unbounded
		p.AppendOnly = l.AppendOnly && (n.Kind == plan.Semi && r.AppendOnly || !r.Unbounded)
		return
	}
	switch {
	case n.Temporal:
		p.AppendOnly = l.AppendOnly
	case n.Kind == plan.Inner:
		p.AppendOnly = l.AppendOnly && r.AppendOnly
	case n.Kind == plan.Left:
		p.AppendOnly = l.AppendOnly && (!r.Unbounded || givenOnce(n) && r.AppendOnly)
	default:
		p.AppendOnly = !p.Unbounded || givenOnce(n) && l.AppendOnly && r.AppendOnly
	}
	if n.Kind != plan.Right && n.Kind != plan.Full {
		p.Time, p.WindowStart, p.WindowEnd = l.Time, l.WindowStart, l.WindowEnd
	}
	p.Keys = joinKeys(n, l, r, width)
}

// givenOnce tells whether a join in time takes nothing back.
func givenOnce(n *plan.Join) bool { return n.Within != nil && !n.Within.Retract }

// joinKeys: a side's key stays unique when each of its rows finds at most one
// partner.
func joinKeys(n *plan.Join, l, r *plan.Props, width int) [][]int {
	var keys [][]int
	if oneMatch(r.Keys, n.RightKeys) && (n.Kind == plan.Inner || n.Kind == plan.Left) {
		for _, k := range l.Keys {
			keys = addKey(keys, k)
		}
	}
	if oneMatch(l.Keys, n.LeftKeys) && (n.Kind == plan.Inner || n.Kind == plan.Right) {
		for _, k := range r.Keys {
			keys = addKey(keys, shifted(k, width))
		}
	}
	for _, a := range l.Keys {
		for _, b := range r.Keys {
			keys = addKey(keys, append(slices.Clone(a), shifted(b, width)...))
		}
	}
	return keys
}

func shifted(key []int, by int) []int {
	out := make([]int, len(key))
	for i, c := range key {
		out[i] = c + by
	}
	return out
}

// oneMatch tells whether equal join keys mean at most one row of a side.
func oneMatch(keys [][]int, on []expr.Expr) bool {
	var cols []int
	for _, x := range on {
		if c, ok := x.(*expr.Col); ok {
			cols = append(cols, c.Index)
		}
	}
	for _, k := range keys {
		if subset(k, cols) {
			return true
		}
	}
	return false
}

func deriveSetOp(n *plan.SetOp, p *plan.Props) {
	p.AppendOnly = true
	for _, in := range n.In {
		p.AppendOnly = p.AppendOnly && in.Props().AppendOnly
		p.Unbounded = p.Unbounded || in.Props().Unbounded
	}
	if n.Kind == plan.Except || n.Kind == plan.Intersect && n.All {
		p.AppendOnly = p.AppendOnly && !p.Unbounded
	}
	if !n.All {
		p.Keys = [][]int{ordinals(len(n.Out))}
	} else if n.Kind != plan.Union {
		p.Keys = n.In[0].Props().Keys
	}
}

func deriveLimit(n *plan.Limit, p *plan.Props) {
	*p = *n.Input.Props()
	p.AppendOnly = p.AppendOnly && !p.Unbounded
	if n.RowNumber {
		if key, ok := columnsOf(n.Partition); ok {
			p.Keys = addKey(p.Keys, append(key, len(n.Out)-1))
		}
	}
	c, ok := n.Count.(*expr.Const)
	if !ok || c.D.Null || c.D.I != 1 || n.WithTies || c.T.Phys() != types.PhysInt64 {
		return
	}
	if key, ok := columnsOf(n.Partition); ok {
		if key == nil {
			key = []int{}
		}
		p.Keys = [][]int{key}
	}
}
