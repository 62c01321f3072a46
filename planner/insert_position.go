package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// misfit places the refusal of a query's columns, whose types the target does not take,
// at the expression of the select list that is the first such column.
func (in *insertion) misfit(err error, n plan.Node, ts []types.Type, names []string) error {
	cols := n.Cols()
	for i := 0; i < len(cols) && i < len(ts); i++ {
		if !expr.CanCoerce(cols[i].Type, ts[i], expr.CoerceAssignment) {
			return expr.AssignError(names[i], ts[i], cols[i].Type,
				columnPosition(in.s.Query, i, len(cols)))
		}
	}
	return err
}

// surplus gives the position of the first of n columns that has no target, or that of
// the query.
func (in *insertion) surplus(n int) int {
	if n <= len(in.target) {
		return in.s.Query.Pos()
	}
	return columnPosition(in.s.Query, len(in.target), n)
}

// columnPosition gives the position of the expression that makes column i of the n
// columns of a query. Where more than one star stands among the expressions it is that of
// the query.
func columnPosition(q *sql.Query, i, n int) int {
	if sel := firstSelect(q.Body); sel != nil {
		if at := itemPositions(sel.Items, n); i < len(at) {
			return at[i]
		}
	}
	return q.Pos()
}

// firstSelect gives the first member of set operations, or nil when it is no SELECT.
func firstSelect(body sql.Body) *sql.Select {
	for {
		switch b := body.(type) {
		case *sql.Query:
			body = b.Body
		case *sql.SetOp:
			body = b.L
		case *sql.Select:
			return b
		default:
			return nil
		}
	}
}

// itemPositions gives the position of the expression of each column of a select list
// with at most one star; nil when there are more.
func itemPositions(items []sql.Item, columns int) []int {
	var at []int
	stars := 0
	for _, it := range items {
		n := 1
		if isStar(it) {
			stars++
			n = columns - (len(items) - 1)
		}
		for range n {
			at = append(at, it.X.Pos())
		}
	}
	if stars > 1 || len(at) != columns {
		return nil
	}
	return at
}
