package planner

import (
	"slices"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// recursionIn refuses a reference to a recursive query where it has no meaning.
func recursionIn(name, place string, pos int) error {
	return sqlerr.New(sqlerr.InvalidRecursion,
		"recursive reference to query \"%s\" must not appear within %s", name, place).At(pos)
}

// plainRecursion refuses the clauses of a recursive query that would be about all of its
// rows, while they are made round by round.
func plainRecursion(q *sql.Query) error {
	refuse := func(what string, pos int) error {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"%s in a recursive query is not implemented", what).At(pos).
			WithHint("Write it in the query that reads the recursive one.")
	}
	switch {
	case len(q.OrderBy) > 0:
		return refuse("ORDER BY", q.OrderBy[0].X.Pos())
	case q.Offset != nil:
		return refuse("OFFSET", q.Offset.Pos())
	case q.Limit != nil:
		return refuse("LIMIT", q.Limit.Pos())
	case len(q.Locks) > 0:
		return refuse("FOR UPDATE/SHARE", q.Pos())
	}
	return nil
}

// selfReference checks where a recursive query refers to itself.
type selfReference struct {
	name string
	seen bool
}

// query checks a query within the recursive term. place is what it is a part of, where
// that allows no reference, or "".
func (r *selfReference) query(q *sql.Query, place string) error {
	for _, c := range q.With {
		if c.Name == r.name {
			return nil // another query of the same name
		}
		if c.Q != nil {
			if err := r.query(c.Q, place); err != nil {
				return err
			}
		}
	}
	if err := r.body(q.Body, place); err != nil {
		return err
	}
	for _, k := range q.OrderBy {
		if err := r.expr(k.X); err != nil {
			return err
		}
	}
	return nil
}

func (r *selfReference) body(body sql.Body, place string) error {
	switch body := body.(type) {
	case *sql.Query:
		return r.query(body, place)
	case *sql.SetOp:
		left, right := place, place
		switch {
		case body.Op == sql.Intersect && body.All:
			left, right = "INTERSECT", "INTERSECT"
		case body.Op == sql.Except && body.All:
			left, right = "EXCEPT", "EXCEPT"
		case body.Op == sql.Except:
			right = "EXCEPT"
		}
		if err := r.body(body.L, left); err != nil {
			return err
		}
		return r.body(body.R, right)
	case *sql.Select:
		for _, t := range body.From {
			if err := r.table(t, place); err != nil {
				return err
			}
		}
		plain := *body
		plain.From = nil
		return r.expr(&plain)
	}
	return r.expr(body)
}

// expr refuses a reference anywhere within an expression.
func (r *selfReference) expr(n sql.Node) error {
	if t := reference(n, r.name); t != nil {
		return recursionIn(r.name, "a subquery", t.Pos())
	}
	return nil
}

func (r *selfReference) table(t sql.TableRef, place string) error {
	switch t := t.(type) {
	case *sql.Table:
		switch {
		case len(t.Name) != 1 || t.Name[0] != r.name:
			return nil
		case place != "":
			return recursionIn(r.name, place, t.Pos())
		case r.seen:
			return sqlerr.New(sqlerr.InvalidRecursion, "recursive reference to query \"%s\" must "+
				"not appear more than once", r.name).At(t.Pos())
		}
		r.seen = true
		return nil
	case *sql.Derived:
		return r.query(t.Q, place)
	case *sql.Join:
		left, right := place, place
		if t.Kind == sql.RightJoin || t.Kind == sql.FullJoin {
			left = "an outer join"
		}
		if t.Kind == sql.LeftJoin || t.Kind == sql.FullJoin {
			right = "an outer join"
		}
		if err := r.table(t.L, left); err != nil {
			return err
		}
		if err := r.table(t.R, right); err != nil || t.On == nil {
			return err
		}
		return r.expr(t.On)
	}
	return r.expr(t)
}

// rounds refuses aggregates over the rows of a recursive query itself: they would be
// about one round of it.
func (k *block) rounds() error {
	if len(k.agg.calls) == 0 {
		return nil
	}
	var round func(t sql.TableRef) bool
	round = func(t sql.TableRef) bool {
		switch t := t.(type) {
		case *sql.Table:
			if len(t.Name) != 1 {
				return false
			}
			c := k.with.find(t.Name[0])
			return c != nil && c.columns != nil && !c.stmt
		case *sql.Join:
			return round(t.L) || round(t.R)
		}
		return false
	}
	for _, t := range k.sel.From {
		if round(t) {
			return sqlerr.New(sqlerr.InvalidRecursion, "aggregate functions are not allowed in a "+
				"recursive query's recursive term").At(k.agg.pos).
				WithHint("Aggregate in the query that reads the recursive one.")
		}
	}
	return nil
}

// mutual refuses queries of one WITH RECURSIVE that refer to each other in a circle.
func mutual(defs []*sql.CTE) error {
	at := map[string]int{}
	for i, d := range defs {
		at[d.Name] = i
	}
	refs := make([][]int, len(defs))
	for i, d := range defs {
		if d.Q == nil {
			continue
		}
		sql.Walk(d.Q, func(n sql.Node) bool {
			if t, ok := n.(*sql.Table); ok && len(t.Name) == 1 {
				if j, ok := at[t.Name[0]]; ok && j != i && !slices.Contains(refs[i], j) {
					refs[i] = append(refs[i], j)
				}
			}
			return true
		})
	}
	// A query is done when no circle leads through it.
	state := make([]uint8, len(defs))
	var visit func(i int) bool
	visit = func(i int) bool {
		state[i] = 1
		for _, j := range refs[i] {
			if state[j] == 1 || state[j] == 0 && visit(j) {
				return true
			}
		}
		state[i] = 2
		return false
	}
	for i := range defs {
		if state[i] == 0 && visit(i) {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"mutual recursion between WITH items is not implemented").At(defs[i].Pos()).
				WithHint("Make one query of them, with a column that says which is meant.")
		}
	}
	return nil
}
