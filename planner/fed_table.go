package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// mayFeedTable tells whether a continuous INSERT can write into a table: each of its rows
// must have a key of the table of its own, so that no order among them is needed, and the
// table must have no rules over several rows, which nobody would be there to be told of.
func (b *builder) mayFeedTable(rel *catalog.Relation, c *plan.Continuous, k *kept, pos int) error {
	if rel.Kind != catalog.KindTable {
		return nil
	}
	if !isKeyed(rel) {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"a continuous INSERT into table \"%s\", which has no primary key", rel.Name).At(pos).
			WithHint("Insert into a stream, or into a table with a primary key.")
	}
	if !uniqueBy(c, k) {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"the rows of this query are not unique by the primary key of table \"%s\"", rel.Name).
			At(pos).WithHint("Group by the key: SELECT k, latest_by_offset(v) ... GROUP BY k.")
	}
	if what := b.rulesAcross(rel); what != "" {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"a continuous INSERT into table \"%s\", which has %s", rel.Name, what).At(pos).
			WithHint("Drop it, or insert into a table without.")
	}
	return nil
}

// uniqueBy tells whether a unique key of the result is part of the target's key, unchanged.
func uniqueBy(c *plan.Continuous, k *kept) bool {
	in := map[int]bool{}
	for i, at := range c.Key {
		if at < len(k.cols) && k.cols[at].Type.Same(c.Target.Columns[c.Target.Key[i]].Type) {
			in[at] = true
		}
	}
	for _, key := range k.root.Props().Keys {
		if !slices.ContainsFunc(key, func(col int) bool { return !in[col] }) {
			return true
		}
	}
	return false
}

// rulesAcross names a rule of a table over several rows, "" without.
func (b *builder) rulesAcross(rel *catalog.Relation) string {
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.Unique {
			return "the unique index \"" + x.Name + "\""
		}
	}
	if len(rel.ForeignKeys) > 0 {
		return "the foreign key \"" + rel.ForeignKeys[0].Name + "\""
	}
	if by := b.env.Snapshot.Referring(rel.OID); len(by) > 0 {
		return "a foreign key of table \"" + by[0].Name + "\" to it"
	}
	return ""
}

// notFed refuses a new rule of a table that a continuous INSERT writes into.
func (b *builder) notFed(rel *catalog.Relation, pos int) error {
	for _, q := range b.env.Snapshot.QueriesInto(rel.OID) {
		if q.Owns || rel.OID == 0 {
			continue
		}
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"cannot add a constraint to %s \"%s\", into which query %s writes",
			kindWord(rel.Kind), rel.Name, q.Name).At(pos).
			WithHint("TERMINATE the query, and start it anew afterwards.")
	}
	return nil
}

// checkedTarget lets only rows through that NOT NULL and CHECK of the target allow; others
// are row errors of the query.
func (b *builder) checkedTarget(c *plan.Continuous, at []int) error {
	if q := c.Query; q != nil && q.Owns || c.Target.Query != 0 {
		return nil
	}
	checks, err := b.rowChecks(c.Target)
	if err != nil {
		return err
	}
	layout, n := rowLayout(c.Target), c.Root
	for _, k := range checks {
		if k.Pred == nil {
			k.Pred = &expr.IsNull{X: colOf(n, at[layout[k.Ordinal]]), Not: true}
		} else {
			k.Pred = expr.MapCols(k.Pred, func(col *expr.Col) expr.Expr {
				return colOf(n, at[layout[col.Index]])
			})
		}
		if t, ok := k.Pred.(*expr.Const); ok && isTrue(t) {
			continue
		}
		n = newFilter(n, expr.CheckRow(k.Pred, rowRule(c.Target, k)))
	}
	c.Root = n
	return nil
}

// rowRule is the error of a row that a check refuses.
func rowRule(rel *catalog.Relation, k plan.RowCheck) *sqlerr.Error {
	var e *sqlerr.Error
	switch {
	case k.Domain != "" && k.Column != "":
		return sqlerr.As(expr.DomainNull(k.Domain))
	case k.Domain != "":
		return sqlerr.As(expr.DomainViolation(k.Domain, k.Name))
	case k.Column != "":
		e = sqlerr.New(sqlerr.NotNullViolation, "null value in column \"%s\" of relation \"%s\" "+
			"violates not-null constraint", k.Column, rel.Name)
		e.Column = k.Column
	default:
		e = sqlerr.New(sqlerr.CheckViolation,
			"new row for relation \"%s\" violates check constraint \"%s\"", rel.Name, k.Name)
		e.Constraint = k.Name
	}
	e.Schema, e.Table = rel.Schema, rel.Name
	return e
}
