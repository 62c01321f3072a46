package catalog

import (
	"slices"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// replaceRelation is CREATE OR REPLACE over an existing relation: it keeps its
// OID, its privileges and the columns it has; new columns come behind them. A
// query is replaced by a new one, which starts anew.
func (e *edit) replaceRelation(old *Relation, c *CreateRelation) error {
	r := c.Relation
	if r.Kind != old.Kind {
		return old.WrongKind(r.Kind, "")
	}
	if err := mergeColumns(&r, old); err != nil {
		return err
	}
	r.OID, r.Created, r.SchemaVersion = old.OID, old.Created, old.SchemaVersion
	if r.Owner == "" {
		r.Owner = old.Owner
	}
	if r.Comment == "" {
		r.Comment = old.Comment
	}
	if !slices.EqualFunc(r.Columns, old.Columns, sameColumn) || !slices.Equal(r.Key, old.Key) {
		r.SchemaVersion++
	}
	if r.Kind != KindMaterializedView && !slices.Equal(r.Key, old.Key) {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"cannot change key of %s \"%s\"", r.Kind, r.Name).
			WithHint("Drop it and create it anew.")
	}
	if r.Kind.Stored() && r.Partitions != old.Partitions {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"cannot change number of partitions of %s \"%s\"", r.Kind, r.Name).
			WithHint("Drop it and create it anew.")
	}
	if err := e.checkRelation(&r); err != nil {
		return err
	}
	if err := e.checkCycle(&r, r.DependsOn); err != nil {
		return err
	}
	r.Query = 0
	if q := e.next.queries[old.Query]; q != nil {
		e.removeQuery(q)
	}
	if c.Query != nil {
		q := *c.Query
		if err := e.attachQuery(&q, &r); err != nil {
			return err
		}
	}
	e.putRelation(&r)
	e.altered(&r)
	e.change.OID = r.OID
	if r.Kind == KindView && r.Definition != old.Definition {
		return e.restartReaders(r.OID)
	}
	return nil
}

// restartReaders begins anew the queries of relations whose definitions use a view or a
// function that means something else now: a result is always that of its SELECT.
func (e *edit) restartReaders(oid OID) error {
	return e.restart(func(r *Relation) bool { return e.next.uses(r, oid) })
}

// restart begins anew the queries of some relations.
func (e *edit) restart(which func(*Relation) bool) error {
	for _, r := range e.next.Relations() {
		q := e.next.queries[r.Query]
		if q == nil || !which(r) {
			continue
		}
		e.removeQuery(q)
		next, again := *r, *q
		again.OID, again.Name, again.State, again.Active = 0, "", QueryBackfilling, 0
		again.Error, again.SQLState = "", ""
		if err := e.attachQuery(&again, &next); err != nil {
			return err
		}
		e.putRelation(&next)
		e.altered(&next)
	}
	return nil
}

// uses tells whether a definition uses a view or function, itself or by views.
func (s *Snapshot) uses(r *Relation, oid OID) bool {
	for _, d := range r.DependsOn {
		if d == oid {
			return true
		}
		if x := s.relations[d]; x != nil && x.Kind == KindView && s.uses(x, oid) {
			return true
		}
	}
	return false
}

func sameColumn(a, b Column) bool {
	return a.Name == b.Name && sameType(a.Type, b.Type) && a.Dropped == b.Dropped &&
		a.NotNull == b.NotNull && a.Default == b.Default && a.Hidden == b.Hidden &&
		a.Generated == b.Generated && a.Identity == b.Identity && a.UserType == b.UserType
}

// replaceHint says what CREATE OR REPLACE can do with a stream or table; of a view
// PostgreSQL says nothing more.
func replaceHint(k RelationKind) string {
	if k == KindView {
		return ""
	}
	return "The columns that exist stay as they are; drop it and create it anew for others."
}

// mergeColumns gives r the columns of old with its own over them and behind
// them, under PostgreSQL's rules for CREATE OR REPLACE VIEW.
func mergeColumns(r, old *Relation) error {
	merged := slices.Clone(old.Columns)
	place := make([]int, len(r.Columns)) // of each new column
	next := 0
	for i := range old.Columns {
		was := &old.Columns[i]
		if was.Dropped {
			continue
		}
		if next == len(r.Columns) {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"cannot drop columns from %s", r.Kind).WithHint("%s", replaceHint(r.Kind))
		}
		col := r.Columns[next]
		switch {
		case col.Name != was.Name:
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"cannot change name of %s column \"%s\" to \"%s\"", r.Kind, was.Name, col.Name).
				WithHint("New columns must come behind the columns that exist.")
		case !sameType(col.Type, was.Type):
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"cannot change data type of %s column \"%s\" from %s to %s",
				r.Kind, was.Name, was.Type, col.Type).WithHint("%s", replaceHint(r.Kind))
		}
		if col.Comment == "" {
			col.Comment = was.Comment
		}
		col.Missing, col.Former = was.Missing, was.Former
		merged[i], place[next] = col, i
		next++
	}
	for ; next < len(r.Columns); next++ {
		place[next] = len(merged)
		merged = append(merged, r.Columns[next])
	}
	key := make([]int, len(r.Key))
	for i, k := range r.Key {
		if k < 0 || k >= len(place) {
			return checkOrdinals(r)
		}
		key[i] = place[k]
	}
	if len(r.Key) > 0 {
		r.Key = key
	}
	if r.TimeColumn >= 0 && r.TimeColumn < len(place) {
		r.TimeColumn = place[r.TimeColumn]
	}
	r.Columns = merged
	return nil
}

// alterRelation is ALTER of columns, options and constraints.
func (e *edit) alterRelation(c *AlterRelation) error {
	r := c.Relation
	old := e.next.relations[r.OID]
	if old == nil {
		return gone("relation", r.OID)
	}
	if old.SchemaVersion != c.From || old.Name != r.Name || old.Schema != r.Schema {
		return sqlerr.New(sqlerr.SerializationFailure,
			"could not serialize access due to concurrent change of %s \"%s\"", old.Kind, old.Name).
			WithHint("Repeat the statement.")
	}
	if r.Kind != old.Kind || len(r.Columns) < len(old.Columns) {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"cannot change kind or remove columns of %s \"%s\"", old.Kind, old.Name)
	}
	for i := range old.Columns {
		if err := e.checkColumnChange(c, old, i); err != nil {
			return err
		}
	}
	r.Created, r.SchemaVersion = old.Created, old.SchemaVersion
	if !slices.EqualFunc(r.Columns, old.Columns, sameColumn) || !slices.Equal(r.Key, old.Key) {
		r.SchemaVersion++
	}
	if err := e.checkRelation(&r); err != nil {
		return err
	}
	e.putRelation(&r)
	e.altered(&r)
	return nil
}

// checkColumnChange checks what others think of a change of column i, and drops
// what goes with a dropped column.
func (e *edit) checkColumnChange(c *AlterRelation, old *Relation, i int) error {
	was, is := &old.Columns[i], &c.Relation.Columns[i]
	o := object{class: classColumn, oid: old.OID, column: i}
	switch {
	case was.Dropped:
		if !is.Dropped {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"cannot bring back column \"%s\"", was.Name)
		}
	case is.Dropped:
		if slices.Contains(old.Key, i) {
			return keyColumn(old, i)
		}
		return e.drop([]object{o}, c.Cascade) // r marks the column itself
	case !sameType(was.Type, is.Type):
		for _, d := range e.next.dependents(o) {
			if !d.auto {
				return sqlerr.New(sqlerr.FeatureNotSupported,
					"cannot alter type of a column used by a view or rule").
					WithDetail("%s depends on column \"%s\"", e.next.title(d.from), was.Name)
			}
		}
	case was.Name != is.Name:
		return e.rewrite([]object{o}, c.Rewrites, "rename column "+QuoteIdent(was.Name)+" of "+
			old.Title())
	}
	return nil
}

// renameRelation is ALTER ... RENAME TO and SET SCHEMA.
func (e *edit) renameRelation(c *RenameRelation) error {
	old := e.next.relations[c.OID]
	if old == nil {
		return gone("relation", c.OID)
	}
	r := *old
	if c.Schema != "" {
		r.Schema = c.Schema
	}
	if c.NewName != "" {
		if r.Name = c.NewName; r.Kind == KindTable {
			r.KeyName = old.PrimaryKey() // which keeps its name
		}
	}
	if err := e.checkPlace(r.Schema, r.Name); err != nil {
		return err
	}
	if x := e.next.Lookup(r.Schema, r.Name); x != nil {
		return duplicateRelation(r.Name)
	}
	o := object{class: classRelation, oid: r.OID}
	if err := e.rewrite([]object{o}, c.Rewrites, "rename "+old.Title()); err != nil {
		return err
	}
	e.putRelation(&r)
	e.altered(&r)
	e.renameInDefaults(old, &r)
	if r.Schema != old.Schema {
		e.moveCompanions(&r)
	}
	return nil
}

// moveCompanions moves indexes and owned sequences to the schema of a relation.
func (e *edit) moveCompanions(r *Relation) {
	for _, x := range slices.Concat(e.next.Indexes(r.OID), e.next.OwnedSequences(r.OID)) {
		moved := *x
		moved.Schema = r.Schema
		moved.Name = e.next.FreeName(r.Schema, x.Name)
		e.putRelation(&moved)
		e.altered(&moved)
		e.renameInDefaults(x, &moved)
	}
}

// rewrite gives the views and queries that read renamed objects their new
// definitions. Definitions are text, so each of them needs one.
func (e *edit) rewrite(renamed []object, with []Rewrite, what string) error {
	for _, o := range renamed {
		for _, d := range e.next.dependents(o) {
			named := d.from.class != classDefault && d.from.class != classForeign
			if d.auto || d.verb != dependsOn || !named {
				continue
			}
			if !e.rewriteOne(d.from, with) {
				return sqlerr.New(sqlerr.DependentObjectsStillExist,
					"cannot %s because other objects depend on it", what).
					WithDetail("%s depends on %s", e.next.title(d.from), e.next.title(o)).
					WithHint("Drop the dependent objects, and create them anew afterwards.")
			}
		}
	}
	return nil
}

func (e *edit) rewriteOne(o object, with []Rewrite) bool {
	i := slices.IndexFunc(with, func(w Rewrite) bool { return w.OID == o.oid })
	if i < 0 {
		return false
	}
	switch o.class {
	case classRelation:
		r := *e.next.relations[o.oid]
		r.Definition = with[i].Definition
		e.putRelation(&r)
		e.altered(&r)
		if q := e.next.queries[r.Query]; q != nil {
			q := *q
			q.SQL = r.Definition
			e.putQuery(&q)
		}
	case classQuery:
		q := *e.next.queries[o.oid]
		q.SQL = with[i].Definition
		e.putQuery(&q)
	default:
		return false
	}
	return true
}
