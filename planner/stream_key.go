package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// keyForms follows the partitioning key of streams up to n. Each of its parts is a
// list of expressions over n's row that are equal to it, the best one first; nil
// where there is no key.
func (b *builder) keyForms(n plan.Node) [][]expr.Expr {
	switch n := n.(type) {
	case *plan.Scan:
		var out [][]expr.Expr
		key := n.Rel.Key
		if n.Rel.Windowed && n.Rel.Kind == catalog.KindStream {
			key = key[:len(key)-2] // rows of one key stay together, whatever their window
		}
		for _, ord := range key {
			var part []expr.Expr
			if i := slices.Index(n.Columns, ord); i >= 0 {
				part = append(part, colOf(n, i))
			}
			out = append(out, part)
		}
		return out
	case *plan.Filter:
		return b.keyForms(n.Input)
	case *plan.WindowAssign:
		return b.keyForms(n.Input)
	case *plan.FuncScan:
		if n.Input != nil {
			return b.keyForms(n.Input)
		}
	case *plan.Join:
		return b.joinKeyForms(n)
	case *plan.Aggregate:
		var out [][]expr.Expr
		for i := range n.Groups {
			out = append(out, []expr.Expr{colOf(n, i)})
		}
		return out
	case *plan.Project:
		return projectedForms(n, b.keyForms(n.Input))
	}
	return nil
}

// joinKeyForms: a join's result is partitioned by what the sides were joined on, as
// in ksqlDB; where there is nothing, as the left side.
func (b *builder) joinKeyForms(n *plan.Join) [][]expr.Expr {
	width := len(n.Left.Cols())
	on := n
	if len(n.LeftKeys) == 0 {
		on = &plan.Join{Left: n.Left, Right: n.Right}
		for _, p := range appendConjuncts(nil, n.Residual) {
			b.joinKey(on, p, width)
		}
	}
	left, right := b.keyForms(n.Left), b.keyForms(n.Right)
	if len(on.LeftKeys) == 0 {
		if n.Kind == plan.Right || n.Kind == plan.Full {
			return nil
		}
		return left
	}
	var out [][]expr.Expr
	for i, l := range on.LeftKeys {
		r := on.RightKeys[i]
		if n.Kind == plan.Full {
			if x, err := b.coalesce(l, shiftCols(r, width)); err == nil {
				out = append(out, []expr.Expr{x})
			}
			continue
		}
		ls, rs := withForms(left, l), withForms(right, r)
		for j := range rs {
			rs[j] = shiftCols(rs[j], width)
		}
		if n.Kind == plan.Right {
			ls, rs = rs, ls
		}
		out = append(out, append(ls, rs...))
	}
	return out
}

// withForms gives x and what is known to be equal to it.
func withForms(forms [][]expr.Expr, x expr.Expr) []expr.Expr {
	for _, part := range forms {
		if slices.ContainsFunc(part, func(e expr.Expr) bool { return sameValue(e, x) }) {
			return slices.Clone(part)
		}
	}
	return []expr.Expr{x}
}

// projectedForms finds the forms of a key in the columns of a projection, or as
// expressions over them.
func projectedForms(n *plan.Project, forms [][]expr.Expr) [][]expr.Expr {
	var out [][]expr.Expr
	for _, part := range forms {
		var next []expr.Expr
		for _, x := range part {
			found := false
			for i, e := range n.Exprs {
				if sameValue(e, x) {
					next, found = append(next, colOf(n, i)), true
				}
			}
			if e, ok := overColumns(n, x); ok && !found {
				next = append(next, e)
			}
		}
		out = append(out, next)
	}
	return out
}

// sameValue tells whether two expressions are equal but for the name of the text type
// and the width of an integer.
func sameValue(a, b expr.Expr) bool { return expr.Equal(plainValue(a), plainValue(b)) }

func plainValue(x expr.Expr) expr.Expr {
	c, ok := x.(*expr.Cast)
	if !ok {
		return x
	}
	from, to := c.X.Type(), c.T
	if to.Kind == types.Text && from.Kind == types.Varchar ||
		isInt(from) && isInt(to) && numberRank(from.Kind) <= numberRank(to.Kind) {
		return c.X
	}
	return x
}

// rowKey finds the key of the stream that the result of a SELECT without groups is
// among its items. Where ksqlDB would have to give it a name, as that of a join of
// expressions, * brings the key along as the column ROWKEY.
func (k *block) rowKey() {
	b := k.b
	if !b.continuous || k.q != b.emitting || k.sel.GroupBy != nil || len(k.sel.Part) > 0 {
		return
	}
	b.inherited, b.inherits = nil, true
	star := false
	right := b.ksql && isRightJoin(k.from.node)
	for _, part := range b.keyForms(k.from.node) {
		at := -1
		for i := range part {
			x := part[i]
			if right {
				x = part[len(part)-1-i] // the left side's name, as in all joins of ksqlDB
			}
			at = slices.IndexFunc(k.items, func(it item) bool { return sameValue(it.x, x) })
			if at >= 0 {
				break
			}
		}
		if right && at >= 0 {
			k.items[at].x = k.alwaysThere(k.items[at].x, part[0])
		}
		star = star || slices.ContainsFunc(k.items, func(it item) bool { return it.star })
		if at < 0 && b.ksql && b.naming && star && k.joined() > 1 && len(part) > 0 {
			at = len(k.items)
			k.items = append(k.items, item{x: part[0], name: "rowkey", pos: -1,
				ref: &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{"rowkey"}}})
		}
		if at < 0 {
			b.inherited = nil
			b.keyLeftOut(part)
			return
		}
		b.inherited = append(b.inherited, at)
	}
}

// alwaysThere gives what stands for column x of the key of a right join: the right
// side's column, because the left side may have no row.
func (k *block) alwaysThere(x, right expr.Expr) expr.Expr {
	c, err := expr.CoerceTo(right, x.Type(), expr.CoerceExplicit, nil, -1)
	if err != nil {
		return x
	}
	return c
}

// isRightJoin tells whether the rows of a SELECT come from a right join.
func isRightJoin(n plan.Node) bool {
	if f, ok := n.(*plan.Filter); ok {
		n = f.Input
	}
	j, ok := n.(*plan.Join)
	return ok && j.Kind == plan.Right
}

// overColumns writes an expression over a projection's input as one over its columns,
// where those are enough.
func overColumns(n *plan.Project, x expr.Expr) (expr.Expr, bool) {
	ok := true
	e := expr.MapCols(x, func(c *expr.Col) expr.Expr {
		i := slices.IndexFunc(n.Exprs, func(e expr.Expr) bool { return expr.Equal(e, c) })
		if i < 0 {
			ok = false
			return c
		}
		return colOf(n, i)
	})
	return e, ok
}

// visibleKey gives a key by ordinals of the first visible columns; nil where a part
// is not among them.
func visibleKey(forms [][]expr.Expr, visible int) []int {
	var out []int
	for _, part := range forms {
		at := slices.IndexFunc(part, func(x expr.Expr) bool {
			c, ok := x.(*expr.Col)
			return ok && c.Index < visible
		})
		if at < 0 {
			return nil
		}
		out = append(out, part[at].(*expr.Col).Index)
	}
	return out
}

// fullKeyForms is the key of a full join by keys: that of whichever side is there.
func fullKeyForms(n *plan.Join) [][]expr.Expr {
	var out [][]expr.Expr
	for i, l := range n.LeftKeys {
		r := shiftCols(n.RightKeys[i], len(n.Left.Cols()))
		out = append(out, []expr.Expr{&expr.Coalesce{Args: []expr.Expr{l, r}, T: l.Type()}})
	}
	return out
}
