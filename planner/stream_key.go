package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
)

// keyForms follows the partitioning key of streams up to n. Each of its parts is a
// list of expressions over n's row that are equal to it, the best one first; nil
// where there is no key.
func keyForms(n plan.Node) [][]expr.Expr {
	switch n := n.(type) {
	case *plan.Scan:
		var out [][]expr.Expr
		for _, ord := range n.Rel.Key {
			var part []expr.Expr
			if i := slices.Index(n.Columns, ord); i >= 0 {
				part = append(part, colOf(n, i))
			}
			out = append(out, part)
		}
		return out
	case *plan.Filter:
		return keyForms(n.Input)
	case *plan.WindowAssign:
		return keyForms(n.Input)
	case *plan.FuncScan:
		if n.Input != nil {
			return keyForms(n.Input)
		}
	case *plan.Join:
		return joinKeyForms(n)
	case *plan.Aggregate:
		var out [][]expr.Expr
		for i := range n.Groups {
			out = append(out, []expr.Expr{colOf(n, i)})
		}
		return out
	case *plan.Project:
		return projectedForms(n, keyForms(n.Input))
	}
	return nil
}

// joinKeyForms: a join's result is partitioned by what the sides were joined on, as
// in ksqlDB; where there is nothing, as the left side.
func joinKeyForms(n *plan.Join) [][]expr.Expr {
	left, right := keyForms(n.Left), keyForms(n.Right)
	if len(n.LeftKeys) == 0 {
		if n.Kind == plan.Right || n.Kind == plan.Full {
			return nil
		}
		return left
	}
	width := len(n.Left.Cols())
	var out [][]expr.Expr
	for i, l := range n.LeftKeys {
		r := n.RightKeys[i]
		if n.Kind == plan.Full {
			x := &expr.Coalesce{Args: []expr.Expr{l, shiftCols(r, width)}, T: l.Type()}
			out = append(out, []expr.Expr{x})
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
		if slices.ContainsFunc(part, func(e expr.Expr) bool { return expr.Equal(e, x) }) {
			return slices.Clone(part)
		}
	}
	return []expr.Expr{x}
}

// projectedForms finds the forms of a key in the columns of a projection.
func projectedForms(n *plan.Project, forms [][]expr.Expr) [][]expr.Expr {
	var out [][]expr.Expr
	for _, part := range forms {
		var next []expr.Expr
		for _, x := range part {
			for i, e := range n.Exprs {
				if expr.Equal(e, x) {
					next = append(next, colOf(n, i))
				}
			}
		}
		out = append(out, next)
	}
	return out
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
