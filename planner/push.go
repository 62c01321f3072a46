package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// push moves predicates over n's output as far down as they mean the same, and
// makes equalities of two sides the keys of joins.
//
//tidy:long one case per kind of node
func (b *builder) push(n plan.Node, preds []expr.Expr) plan.Node {
	switch n := n.(type) {
	case *plan.Filter:
		return b.push(n.Input, appendConjuncts(preds[:len(preds):len(preds)], n.Pred))
	case *plan.Project:
		return b.pushProject(n, preds)
	case *plan.Join:
		return b.pushJoin(n, preds)
	case *plan.Apply:
		return b.pushApply(n, preds)
	case *plan.Aggregate:
		return b.pushAggregate(n, preds)
	case *plan.SetOp:
		return b.pushSetOp(n, preds)
	case *plan.Distinct:
		down, keep := split(preds, func(e expr.Expr) bool { return !isVolatile(e) })
		c := *n
		c.Input = b.push(n.Input, down)
		return newFilter(&c, and(keep...))
	case *plan.Sort:
		c := *n
		c.Input = b.push(n.Input, preds)
		return &c
	case *plan.Window:
		down, keep := b.splitByColumns(preds, partitionColumns(n.Partition))
		c := *n
		c.Input = b.push(n.Input, down)
		return newFilter(&c, and(keep...))
	case *plan.DistinctOn:
		down, keep := b.splitByColumns(preds, partitionColumns(n.On))
		c := *n
		c.Input = b.push(n.Input, down)
		return newFilter(&c, and(keep...))
	case *plan.WindowAssign:
		down, keep := b.splitByColumns(preds, assignColumns(n))
		c := *n
		c.Input = b.push(n.Input, down)
		return newFilter(&c, and(keep...))
	case *plan.Limit:
		c := *n
		c.Input = b.push(n.Input, nil)
		return newFilter(&c, and(preds...))
	case *plan.FuncScan:
		return b.pushFunc(n, preds)
	case *plan.Scan:
		return b.pushScan(n, preds)
	case *plan.SystemScan:
		return b.pushSystem(n, preds)
	case *plan.Recursive:
		c := *n
		c.Seed, c.Step = b.push(n.Seed, nil), b.push(n.Step, nil)
		return newFilter(&c, and(preds...))
	}
	return newFilter(n, and(preds...))
}

func split(preds []expr.Expr, down func(expr.Expr) bool) (yes, no []expr.Expr) {
	for _, p := range preds {
		if down(p) {
			yes = append(yes, p)
		} else {
			no = append(no, p)
		}
	}
	return yes, no
}

// splitByColumns takes the predicates that use only columns for which ok is true.
func (b *builder) splitByColumns(preds []expr.Expr, ok func(int) bool) (yes, no []expr.Expr) {
	return split(preds, func(e expr.Expr) bool {
		if isVolatile(e) {
			return false
		}
		set := map[int]bool{}
		b.rowColumns(e, set)
		for c := range set {
			if !ok(c) {
				return false
			}
		}
		return true
	})
}

func partitionColumns(xs []expr.Expr) func(int) bool {
	return func(i int) bool {
		for _, x := range xs {
			if c, ok := x.(*expr.Col); ok && c.Index == i {
				return true
			}
		}
		return false
	}
}

// assignColumns: what rows a window has does not depend on a filter of the input,
// but for sessions, whose filter must be on whole keys.
func assignColumns(n *plan.WindowAssign) func(int) bool {
	width := len(n.Input.Cols())
	return func(i int) bool {
		if n.Kind != plan.Session {
			return i < width
		}
		return containsInt(n.Keys, i)
	}
}

// pushProject moves predicates below a projection by writing them over its input.
func (b *builder) pushProject(n *plan.Project, preds []expr.Expr) plan.Node {
	var down, keep []expr.Expr
	for _, p := range preds {
		if x, ok := b.through(n, p); ok {
			down = append(down, x)
		} else {
			keep = append(keep, p)
		}
	}
	c := *n
	c.Input = b.push(n.Input, down)
	return newFilter(mergeProjects(&c), and(keep...))
}

// through writes an expression over a projection's output as one over its input.
func (b *builder) through(n *plan.Project, e expr.Expr) (expr.Expr, bool) {
	if isVolatile(e) {
		return nil, false
	}
	ok := true
	x, mapped := b.mapRow(e, func(c *expr.Col) expr.Expr {
		y := n.Exprs[c.Index]
		if isVolatile(y) || hasSubplan(y) {
			ok = false
		}
		return y
	})
	return x, ok && mapped
}

// mergeProjects makes a projection over a projection one, where that computes
// nothing twice.
func mergeProjects(n *plan.Project) plan.Node {
	in, ok := n.Input.(*plan.Project)
	if !ok {
		return n
	}
	uses := make([]int, len(in.Exprs))
	for _, e := range n.Exprs {
		if hasSubplan(e) {
			return n
		}
		expr.Walk(e, func(x expr.Expr) bool {
			if c, ok := x.(*expr.Col); ok && c.Index < len(uses) {
				uses[c.Index]++
			}
			return true
		})
	}
	for i, x := range in.Exprs {
		if uses[i] > 1 && !isLeaf(x) || hasSubplan(x) || isVolatile(x) {
			return n
		}
	}
	c := *n
	c.Input = in.Input
	c.Exprs = make([]expr.Expr, len(n.Exprs))
	for i, e := range n.Exprs {
		c.Exprs[i] = expr.MapCols(e, func(c *expr.Col) expr.Expr { return in.Exprs[c.Index] })
	}
	return &c
}

func isLeaf(x expr.Expr) bool {
	switch x.(type) {
	case *expr.Col, *expr.Const, *expr.Outer, *expr.Param:
		return true
	}
	return false
}

// pushAggregate moves predicates over groups below the aggregate. Without groups
// there is a row even where the input is empty, so nothing moves.
func (b *builder) pushAggregate(n *plan.Aggregate, preds []expr.Expr) plan.Node {
	var down, keep []expr.Expr
	if len(n.Groups) == 0 || n.Sets != nil {
		keep = preds
	} else {
		yes, no := b.splitByColumns(preds, func(i int) bool { return i < len(n.Groups) })
		keep = no
		for _, p := range yes {
			x, ok := b.mapRow(p, func(c *expr.Col) expr.Expr { return n.Groups[c.Index] })
			if ok {
				down = append(down, x)
			} else {
				keep = append(keep, p)
			}
		}
	}
	c := *n
	c.Input = b.push(n.Input, down)
	return newFilter(&c, and(keep...))
}

func (b *builder) pushSetOp(n *plan.SetOp, preds []expr.Expr) plan.Node {
	down, keep := split(preds, func(e expr.Expr) bool { return !isVolatile(e) && !hasSubplan(e) })
	c := *n
	c.In = make([]plan.Node, len(n.In))
	for i, in := range n.In {
		c.In[i] = b.push(in, down)
	}
	return newFilter(&c, and(keep...))
}

func (b *builder) pushFunc(n *plan.FuncScan, preds []expr.Expr) plan.Node {
	if n.Input == nil {
		return newFilter(n, and(preds...))
	}
	width := len(n.Input.Cols())
	down, keep := b.splitByColumns(preds, func(i int) bool { return i < width })
	c := *n
	c.Input = b.push(n.Input, down)
	return newFilter(&c, and(keep...))
}

func (b *builder) pushApply(n *plan.Apply, preds []expr.Expr) plan.Node {
	width := len(n.Left.Cols())
	down, keep := b.splitByColumns(preds, func(i int) bool { return i < width })
	c := *n
	c.Left, c.Right = b.push(n.Left, down), b.push(n.Right, nil)
	return newFilter(&c, and(keep...))
}

// sides says which sides of a join an expression uses.
func (b *builder) sides(e expr.Expr, width int) (left, right bool) {
	set := map[int]bool{}
	b.rowColumns(e, set)
	for c := range set {
		if c < width {
			left = true
		} else {
			right = true
		}
	}
	return left, right
}

// pushJoin distributes the predicates above a join and its own condition.
func (b *builder) pushJoin(n *plan.Join, preds []expr.Expr) plan.Node {
	j := *n
	width := len(n.Left.Cols())
	b.simplifyOuter(&j, preds, width)
	var left, right, on, above []expr.Expr
	for _, p := range preds {
		l, r := b.sides(p, width)
		switch {
		case isVolatile(p):
			above = append(above, p)
		case (l || !r) && !r && keepsLeft(j.Kind):
			left = append(left, p)
		case r && !l && (j.Kind == plan.Inner || j.Kind == plan.Right):
			right = append(right, p)
		case j.Kind == plan.Inner && !hasSubplan(p):
			on = append(on, p)
		default:
			above = append(above, p)
		}
	}
	on = appendConjuncts(on, j.Residual)
	var rest []expr.Expr
	for _, p := range on {
		l, r := b.sides(p, width)
		switch {
		case j.Kind == plan.Inner && l && r && hasSubplan(p):
			above = append(above, p) // a subquery per pair of rows is no work for a join
		case isVolatile(p):
			rest = append(rest, p)
		case l && !r && (j.Kind == plan.Inner || j.Kind == plan.Right || j.Kind == plan.Semi):
			left = append(left, p)
		case !l && (r || !hasSubplan(p)) && j.Kind != plan.Right && j.Kind != plan.Full &&
			j.Kind != plan.AntiNull && j.Kind != plan.Mark:
			right = append(right, p)
		default:
			if !b.joinKey(&j, p, width) {
				rest = append(rest, p)
			}
		}
	}
	j.Residual = and(rest...)
	j.Left = b.push(n.Left, left)
	j.Right = b.push(n.Right, b.toRight(right, width))
	if j.Kind == plan.Semi || j.Kind == plan.Anti || j.Kind == plan.AntiNull {
		j.Out = j.Left.Cols()
	}
	return newFilter(&j, and(above...))
}

// keepsLeft: predicates on the left side alone may go below the join.
func keepsLeft(k plan.JoinKind) bool {
	return k != plan.Right && k != plan.Full
}

// toRight writes predicates over a join's row as ones over its right side.
func (b *builder) toRight(preds []expr.Expr, width int) []expr.Expr {
	out := make([]expr.Expr, len(preds))
	for i, p := range preds {
		out[i], _ = b.mapRow(p, func(c *expr.Col) expr.Expr {
			return &expr.Col{Index: c.Index - width, T: c.T, Name: c.Name}
		})
	}
	return out
}

// joinKey makes an equality of the two sides a key of the join.
func (b *builder) joinKey(j *plan.Join, p expr.Expr, width int) bool {
	c, ok := p.(*expr.Call)
	if !ok || !isEquals(c.Fn) || hasSubplan(p) {
		return false
	}
	x, y, ok := sameTypes(c.Args[0], c.Args[1])
	if !ok {
		return false
	}
	xl, xr := b.sides(x, width)
	yl, yr := b.sides(y, width)
	if xr && yl && !xl && !yr {
		x, y = y, x
	} else if !(xl && yr && !xr && !yl) {
		return false
	}
	j.LeftKeys = append(j.LeftKeys[:len(j.LeftKeys):len(j.LeftKeys)], x)
	j.RightKeys = append(j.RightKeys[:len(j.RightKeys):len(j.RightKeys)], shiftCols(y, -width))
	return true
}

// sameTypes gives the two sides of an equality one type: numbers of different
// kinds become the wider one.
func sameTypes(x, y expr.Expr) (expr.Expr, expr.Expr, bool) {
	t, u := x.Type(), y.Type()
	if t.Same(u) {
		return x, y, true
	}
	a, b := numberRank(t.Kind), numberRank(u.Kind)
	switch {
	case a == 0 || b == 0:
		return x, y, false
	case a < b:
		return &expr.Cast{X: x, T: types.Of(u.Kind), Pos: -1}, y, true
	}
	return x, &expr.Cast{X: y, T: types.Of(t.Kind), Pos: -1}, true
}

// numberRank orders the kinds of numbers that compare with each other by value; 0
// for all others. Floats are none of them: a bigint is not always one exactly.
func numberRank(k types.Kind) int {
	switch k {
	case types.Int2:
		return 1
	case types.Int4:
		return 2
	case types.Int8:
		return 3
	case types.Numeric:
		return 4
	}
	return 0
}

func isEquals(f *expr.Func) bool { return f.Operator && f.Name == "=" && len(f.Args) == 2 }

// simplifyOuter makes an outer join a smaller one where a predicate above it
// cannot be true for the rows that are filled up with NULLs.
func (b *builder) simplifyOuter(j *plan.Join, preds []expr.Expr, width int) {
	rejectLeft, rejectRight := false, false
	for _, p := range preds {
		rejectLeft = rejectLeft || rejectsNull(p, func(i int) bool { return i < width })
		rejectRight = rejectRight || rejectsNull(p, func(i int) bool { return i >= width })
	}
	switch j.Kind {
	case plan.Left:
		if rejectRight {
			j.Kind = plan.Inner
		}
	case plan.Right:
		if rejectLeft {
			j.Kind = plan.Inner
		}
	case plan.Full:
		switch {
		case rejectLeft && rejectRight:
			j.Kind = plan.Inner
		case rejectLeft:
			j.Kind = plan.Left
		case rejectRight:
			j.Kind = plan.Right
		}
	}
}

// rejectsNull tells whether e is certainly not true when all columns of a side
// are NULL.
func rejectsNull(e expr.Expr, side func(int) bool) bool {
	switch e := e.(type) {
	case *expr.And:
		for _, a := range e.Args {
			if rejectsNull(a, side) {
				return true
			}
		}
	case *expr.Or:
		for _, a := range e.Args {
			if !rejectsNull(a, side) {
				return false
			}
		}
		return true
	case *expr.IsNull:
		return e.Not && nullIfNull(e.X, side)
	case *expr.In:
		return nullIfNull(e.X, side)
	}
	return nullIfNull(e, side)
}

// nullIfNull tells whether e is certainly NULL when all columns of a side are.
func nullIfNull(e expr.Expr, side func(int) bool) bool {
	switch e := e.(type) {
	case *expr.Col:
		return side(e.Index)
	case *expr.Cast:
		return nullIfNull(e.X, side)
	case *expr.Not:
		return nullIfNull(e.X, side)
	case *expr.Call:
		if !e.Fn.Strict {
			return false
		}
		for _, a := range e.Args {
			if nullIfNull(a, side) {
				return true
			}
		}
	}
	return false
}

// pushScan puts predicates into a scan, and finds the reads by key.
func (b *builder) pushScan(n *plan.Scan, preds []expr.Expr) plan.Node {
	in, keep := split(preds, func(e expr.Expr) bool { return !hasSubplan(e) && !isVolatile(e) })
	c := *n
	c.Filter = and(append([]expr.Expr{n.Filter}, in...)...)
	c.Point = pointOf(&c)
	b.indexPoint(&c)
	return newFilter(&c, and(keep...))
}

// pointOf finds a value for every key column in the filter; nil where one lacks.
func pointOf(n *plan.Scan) []expr.Expr {
	if !uniqueKey(n.Rel) || n.AsOf != nil {
		return nil
	}
	return valuesOf(n, appendConjuncts(nil, n.Filter), n.Rel.Key)
}

// columnIs reads a predicate as column = value, where the value has no columns.
func columnIs(p expr.Expr) (index int, value expr.Expr, ok bool) {
	if c, is := p.(*expr.Col); is && c.T.Kind == types.Bool {
		return c.Index, &expr.Const{D: types.BoolDatum(true), T: c.T}, true
	}
	c, is := p.(*expr.Call)
	if !is || !isEquals(c.Fn) {
		return 0, nil, false
	}
	for k := range 2 {
		col, is := plainColumn(c.Args[k])
		v := c.Args[1-k]
		if !is || !isFixed(v) {
			continue
		}
		if v, is = valueAs(v, col.T); is {
			return col.Index, v, true
		}
	}
	return 0, nil, false
}

// valueAs gives a value that is compared with a column the column's type, where
// that keeps it.
func valueAs(v expr.Expr, t types.Type) (expr.Expr, bool) {
	if v.Type().Kind == t.Kind || sameText(v.Type(), t) {
		return v, true
	}
	if !isInt(v.Type()) || !isInt(t) {
		return nil, false
	}
	if c, ok := v.(*expr.Const); ok {
		fits := c.D.Null || t.Kind == types.Int8 ||
			t.Kind == types.Int4 && c.D.I == int64(int32(c.D.I)) ||
			t.Kind == types.Int2 && c.D.I == int64(int16(c.D.I))
		return &expr.Const{D: c.D, T: types.Of(t.Kind)}, fits
	}
	if numberRank(v.Type().Kind) < numberRank(t.Kind) {
		return &expr.Cast{X: v, T: types.Of(t.Kind), Pos: -1}, true
	}
	return nil, false
}

// plainColumn sees a column through casts that keep the value's form.
func plainColumn(e expr.Expr) (*expr.Col, bool) {
	if c, ok := e.(*expr.Cast); ok && sameText(c.T, c.X.Type()) {
		e = c.X
	}
	c, ok := e.(*expr.Col)
	return c, ok
}

func sameText(a, b types.Type) bool { return isTextKind(a.Kind) && isTextKind(b.Kind) }

func isTextKind(k types.Kind) bool {
	return k == types.Text || k == types.Varchar || k == types.Name
}

// isFixed tells whether e has no columns of the row: it is the same for all rows.
func isFixed(e expr.Expr) bool {
	fixed := true
	expr.Walk(e, func(x expr.Expr) bool {
		switch x.(type) {
		case *expr.Col, *expr.Subplan:
			fixed = false
		}
		return fixed
	})
	return fixed && !isVolatile(e)
}

// pushSystem puts predicates into a scan of a virtual relation, and tells it which
// columns have known values.
func (b *builder) pushSystem(n *plan.SystemScan, preds []expr.Expr) plan.Node {
	in, keep := split(preds, func(e expr.Expr) bool { return !hasSubplan(e) && !isVolatile(e) })
	c := *n
	c.Filter = and(append([]expr.Expr{n.Filter}, in...)...)
	c.Hints = nil
	for _, p := range appendConjuncts(nil, c.Filter) {
		if i, v, ok := columnIs(p); ok && i < len(c.Columns) {
			c.Hints = append(c.Hints, plan.ScanHint{Column: c.Columns[i], Values: []expr.Expr{v}})
			continue
		}
		if i, vs, ok := columnIn(p); ok && i < len(c.Columns) {
			c.Hints = append(c.Hints, plan.ScanHint{Column: c.Columns[i], Values: vs})
		}
	}
	return newFilter(&c, and(keep...))
}

// columnIn reads a predicate as column IN (values).
func columnIn(p expr.Expr) (index int, values []expr.Expr, ok bool) {
	in, is := p.(*expr.In)
	if !is || in.Not {
		return 0, nil, false
	}
	col, is := plainColumn(in.X)
	if !is {
		return 0, nil, false
	}
	for _, v := range in.List {
		x, ok := valueAs(v, col.T)
		if !ok || !isFixed(v) {
			return 0, nil, false
		}
		values = append(values, x)
	}
	return col.Index, values, true
}
