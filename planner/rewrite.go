package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// optimize rewrites a bound tree: subqueries become joins, predicates move down,
// top-n and window patterns are found, columns that nobody needs disappear, and
// properties are derived. The output columns stay as they are.
func (b *builder) optimize(n plan.Node) (plan.Node, error) {
	n = b.foldTree(n)
	n, err := b.unnest(n)
	if err != nil {
		return nil, err
	}
	n = b.push(n, nil)
	n = b.topN(n)
	n = b.windowed(n)
	n = b.exact(b.ordered(n), nil)
	if b.continuous {
		n = b.withoutSort(n)
	}
	derive(n)
	n = b.slice(b.temporalJoins(n))
	derive(n)
	return n, nil
}

// finishSubplans optimizes the subqueries that are left in a tree, and numbers
// them from 0.
func (b *builder) finishSubplans(roots ...*plan.Node) ([]plan.Node, error) {
	var out []plan.Node
	ids := map[int]int{}
	var visit func(n plan.Node) (plan.Node, error)
	visit = func(n plan.Node) (plan.Node, error) {
		var first error
		next := mapNodes(n, func(m plan.Node) plan.Node {
			for _, s := range slots(m) {
				*s, _ = expr.Transform(*s, func(x expr.Expr) (expr.Expr, error) {
					sp, ok := x.(*expr.Subplan)
					if !ok {
						return x, nil
					}
					id, done := ids[sp.ID]
					if !done {
						id = len(out)
						ids[sp.ID] = id
						out = append(out, nil)
						sub, err := b.optimize(b.subplans[sp.ID])
						if err == nil {
							sub, err = visit(sub)
						}
						if err != nil && first == nil {
							first = err
						}
						out[id] = sub
					}
					c := *sp
					c.ID = id
					return &c, nil
				})
			}
			return m
		})
		return next, first
	}
	for _, r := range roots {
		if *r == nil || len(b.subplans) == 0 {
			continue
		}
		next, err := visit(*r)
		if err != nil {
			return nil, err
		}
		derive(next)
		*r = next
	}
	return out, nil
}

// foldTree folds constants everywhere.
func (b *builder) foldTree(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		for _, s := range slots(m) {
			*s = expr.Fold(*s)
		}
		if f, ok := m.(*plan.Filter); ok && isTrue(f.Pred) {
			return f.Input
		}
		return m
	})
}

// withoutSort drops the order of a result that is kept, not read: a stored
// relation has none.
func (b *builder) withoutSort(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		if s, ok := m.(*plan.Sort); ok {
			return s.Input
		}
		return m
	})
}

// isVolatile tells whether computing an expression twice may differ.
func isVolatile(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok && c.Fn.Volatility == expr.Volatile {
			found = true
		}
		return !found
	})
	return found
}

func hasSubplan(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		_, ok := x.(*expr.Subplan)
		found = found || ok
		return !found
	})
	return found
}

// checkContinuous refuses what cannot run for ever.
func (b *builder) checkContinuous(n plan.Node) error {
	var first error
	fail := func(err error) {
		if first == nil {
			first = err
		}
	}
	walkNodes(n, func(m plan.Node) {
		switch m := m.(type) {
		case *plan.Apply:
			fail(errCorrelated("LATERAL subquery"))
		case *plan.SystemScan:
			fail(sqlerr.New(sqlerr.FeatureNotSupported,
				"a continuous query cannot read the system view \"%s\"",
				m.Rel.Name).
				WithHint("System views are computed when they are read: use a SELECT that ends."))
		case *plan.Recursive:
			fail(sqlerr.Unsupported("WITH RECURSIVE in a continuous query",
				"Run the query once with SELECT."))
		case *plan.Changelog:
			fail(sqlerr.Unsupported("millrace.changelog in a continuous query",
				"Read the relation itself, or SELECT from millrace.changelog once."))
		}
		for _, s := range slots(m) {
			expr.Walk(*s, func(x expr.Expr) bool {
				switch x := x.(type) {
				case *expr.Subplan:
					fail(errCorrelated("subquery"))
				case *expr.Param:
					if b.mayParam {
						break
					}
					fail(sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", x.N))
				case *expr.Call:
					if b.sameAsOnce && isClock(x) {
						fail(sqlerr.New(sqlerr.FeatureNotSupported,
							"function %s cannot be used in a materialized view", x.Fn.Name).At(x.Pos).
							WithHint("Its result changes with time, and the view would have to change " +
								"without new rows. Filter by it when you read the view, or use CREATE " +
								"STREAM ... AS, which takes the time at which a row comes."))
					}
					if x.Fn.Volatility == expr.Volatile || x.Fn.Session {
						fail(sqlerr.New(sqlerr.FeatureNotSupported,
							"function %s cannot be used in a continuous query", x.Fn.Name).At(x.Pos).
							WithHint("Its result is not a function of the data. Store the value in "+
								"a column when rows are written, for example by DEFAULT %s().", x.Fn.Name))
					}
				}
				return true
			})
		}
	})
	return first
}

// isClock tells whether a call gives the time.
func isClock(c *expr.Call) bool {
	return c.Fn.Volatility == expr.Stable && len(c.Args) == 0 && !c.Fn.Session
}

func errCorrelated(what string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"this form of %s cannot run continuously", what).
		WithHint("Rewrite it as a JOIN, or as EXISTS with equality conditions; " +
			"for one value per key use an aggregate or DISTINCT ON in a subquery in FROM.")
}
