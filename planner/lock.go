package planner

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// lockable refuses FOR UPDATE and its like where no single rows of tables are read.
// Elsewhere they ask for nothing more than is so: a transaction reads one epoch, and of
// two that write the same row the second fails with 40001.
func lockable(q *sql.Query) error {
	for _, l := range q.Locks {
		what := ""
		switch body := q.Body.(type) {
		case *sql.SetOp:
			what = "UNION/INTERSECT/EXCEPT"
		case *sql.Values:
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"FOR %s cannot be applied to VALUES", l.Strength).At(q.Pos()).
				WithHint("Leave FOR %s out.", l.Strength)
		case *sql.Select:
			what = lockedSelect(body)
			if err := lockNames(body, l); err != nil {
				return err
			}
		}
		if what != "" {
			return notLockable(l, what)
		}
	}
	return nil
}

// lockedRows refuses FOR UPDATE where the select list makes other rows of those of tables.
func (k *block) lockedRows() error {
	if len(k.q.Locks) == 0 {
		return nil
	}
	l := k.q.Locks[0]
	switch {
	case len(k.agg.calls) > 0:
		return notLockable(l, "aggregate functions")
	case k.win.used:
		return notLockable(l, "window functions")
	}
	for i := range k.items {
		if hasSet(k.items[i].x) {
			return notLockable(l, "set-returning functions in the target list")
		}
	}
	return nil
}

func notLockable(l sql.LockClause, what string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "FOR %s is not allowed with %s",
		l.Strength, what).WithHint("Lock the rows in a query of their own.")
}

// lockedSelect gives the clause of a SELECT under which its rows are no rows of tables.
func lockedSelect(s *sql.Select) string {
	switch {
	case s.Distinct || len(s.On) > 0:
		return "DISTINCT clause"
	case len(s.GroupBy) > 0:
		return "GROUP BY clause"
	case s.Having != nil:
		return "HAVING clause"
	}
	return ""
}

// lockNames demands that FOR UPDATE OF names tables of FROM.
func lockNames(s *sql.Select, l sql.LockClause) error {
	for i, n := range l.Of {
		found := false
		for _, t := range s.From {
			sql.Walk(t, func(x sql.Node) bool {
				switch x := x.(type) {
				case *sql.Table:
					found = found || x.Alias.Name == n.Last() ||
						x.Alias.Name == "" && x.Name.Last() == n.Last()
				case *sql.Derived:
					found = found || x.Alias.Name == n.Last()
					return false
				}
				return true
			})
		}
		if !found {
			return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" in FOR %s clause not found "+
				"in FROM clause", n.Last(), l.Strength).At(l.At[i].Pos())
		}
	}
	return nil
}
