package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// primaryArbiter stands for the primary key among unique indexes.
const primaryArbiter = -1

// conflict plans ON CONFLICT, or what a plain INSERT does.
func (in *insertion) conflict(w *plan.Write) (*plan.Conflict, error) {
	c := in.s.OnConflict
	if in.rel.Kind != catalog.KindTable {
		if c == nil {
			return nil, nil
		}
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"ON CONFLICT does not apply to stream \"%s\"", in.rel.Name).At(c.Pos()).
			WithHint("A stream keeps every row. Use CREATE TABLE for one row per key.")
	}
	if c == nil {
		out := &plan.Conflict{Action: plan.Upsert, Arbiter: primaryArbiter}
		if in.rel.OnConflict == "error" {
			out.Action = plan.Fail
		}
		return out, nil
	}
	if !c.DoNothing && len(c.Targets) == 0 && c.Constraint == "" {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"ON CONFLICT DO UPDATE requires inference specification or constraint name").At(c.Pos()).
			WithHint("For example, ON CONFLICT (column_name).")
	}
	arbiter, err := in.arbiter(c, w)
	if err != nil {
		return nil, err
	}
	if c.DoNothing {
		return &plan.Conflict{Action: plan.DoNothing, Arbiter: arbiter,
			Any: len(c.Targets) == 0 && c.Constraint == ""}, nil
	}
	return in.doUpdate(c, arbiter)
}

// arbiter finds the unique index that ON CONFLICT means.
func (in *insertion) arbiter(c *sql.OnConflict, w *plan.Write) (int, error) {
	if len(c.Targets) == 0 {
		return in.namedArbiter(c, w)
	}
	t := catalog.Relation{}
	if _, err := in.b.indexKeys(&t, in.rel, c.Targets); err != nil {
		return 0, err
	}
	var cols []int
	var texts []string
	for i, o := range t.IndexColumns {
		if o >= 0 && !slices.Contains(cols, o) {
			cols = append(cols, o)
		} else if o < 0 {
			texts = append(texts, t.IndexExprs[i])
		}
	}
	if len(texts) == 0 && isKeyed(in.rel) && len(cols) == len(in.rel.Key) &&
		subset(cols, in.rel.Key) {
		return primaryArbiter, nil
	}
	for i := range w.Uniques {
		x := in.b.env.Snapshot.Relation(w.Uniques[i].OID)
		if x != nil && infers(x, cols, texts, c) {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.InvalidColumnReference, "there is no unique or exclusion "+
		"constraint matching the ON CONFLICT specification").
		WithHint("Name the columns of the primary key or of a unique constraint.")
}

// infers tells whether a unique index has just the columns and expressions that ON
// CONFLICT names, and holds all rows that it means.
func infers(x *catalog.Relation, cols []int, texts []string, c *sql.OnConflict) bool {
	var own []int
	var exprs []string
	for i, o := range x.IndexColumns {
		if o >= 0 {
			own = append(own, o)
		} else {
			exprs = append(exprs, x.IndexExprs[i])
		}
	}
	if !subset(own, cols) || !subset(cols, own) || len(exprs) != len(texts) {
		return false
	}
	for _, t := range texts {
		if !slices.Contains(exprs, t) {
			return false
		}
	}
	return x.Predicate == "" || c.TargetWhere != nil && sql.Print(c.TargetWhere) == x.Predicate
}

// namedArbiter finds the constraint of ON CONFLICT ON CONSTRAINT; without one it is the
// primary key, which DO NOTHING extends to all of them.
func (in *insertion) namedArbiter(c *sql.OnConflict, w *plan.Write) (int, error) {
	if c.Constraint == "" || isKeyed(in.rel) && c.Constraint == in.rel.PrimaryKey() {
		return primaryArbiter, nil
	}
	for i := range w.Uniques {
		x := in.b.env.Snapshot.Relation(w.Uniques[i].OID)
		if x != nil && x.Name == c.Constraint && !x.Bare {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.UndefinedObject,
		"constraint \"%s\" for table \"%s\" does not exist", c.Constraint, in.rel.Name)
}
