package planner

import (
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// groupSet calls the set-returning functions of an expression of GROUP BY before the
// groups are made, and gives the expression over their columns. The same calls in the
// select list stand for the same rows.
func (k *block) groupSet(e expr.Expr, pos int) (expr.Expr, error) {
	var calls []*expr.Call
	nested := false
	expr.Walk(e, func(x expr.Expr) bool {
		c, ok := x.(*expr.Call)
		if !ok || !isSet(c.Fn) {
			return true
		}
		for _, a := range c.Args {
			nested = nested || hasSet(a)
		}
		calls = append(calls, c)
		return false
	})
	if k.groupedSets || nested {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed in several expressions of GROUP BY").At(pos).
			WithHint("Compute the functions in a subquery in FROM and group by their columns.")
	}
	k.groupedSets = true
	for i := range k.items {
		k.items[i].x = sameCalls(k.items[i].x, calls)
	}
	return replaceCalls(e, calls, k.callSets(calls)), nil
}

// sameCalls puts the calls themselves in the place of those that are equal to them.
func sameCalls(e expr.Expr, calls []*expr.Call) expr.Expr {
	if c, ok := e.(*expr.Call); ok {
		for _, o := range calls {
			if expr.Equal(c, o) {
				return o
			}
		}
	}
	kids := expr.Children(e)
	if len(kids) == 0 {
		return e
	}
	next := make([]expr.Expr, len(kids))
	for i := range kids {
		next[i] = sameCalls(kids[i], calls)
	}
	return expr.WithChildren(e, next)
}
