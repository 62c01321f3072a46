package planner

import (
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// restart lets a sequence begin at value once the statement is done: the session keeps
// the values of sequences.
func (b *builder) restart(seq *catalog.Relation, value int64) {
	name := sql.Name{seq.Schema, seq.Name}.String()
	b.then = append(b.then, "SELECT setval("+sql.QuoteString(name)+", "+
		strconv.FormatInt(value, 10)+", false)")
}

// origin is the number that a sequence was declared to start with.
func origin(s *catalog.Sequence) int64 {
	switch {
	case s.Origin >= s.Min && s.Origin <= s.Max:
		return s.Origin
	case s.Increment < 0:
		return s.Max
	}
	return s.Min
}

// restartOwned restarts the sequences of a table's columns.
func (b *builder) restartOwned(rel *catalog.Relation) {
	for _, seq := range b.env.Snapshot.OwnedSequences(rel.OID) {
		b.restart(seq, origin(seq.Sequence))
	}
}

// sequenceOf finds the sequence of a column.
func (d *definition) sequenceOf(column string) *catalog.Relation {
	o := d.rel.ColumnIndex(column)
	for _, seq := range d.b.env.Snapshot.OwnedSequences(d.rel.OID) {
		if seq.Sequence.OwnedColumn == o {
			return seq
		}
	}
	return nil
}

func notIdentity(rel *catalog.Relation, column string) error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
		"column \"%s\" of relation \"%s\" is not an identity column", column, rel.Name)
}

// restartIdentity is ALTER COLUMN c RESTART [WITH n].
func (d *definition) restartIdentity(a *sql.RestartIdentity) error {
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	seq := d.sequenceOf(a.Name)
	if col.Identity == 0 || seq == nil {
		return notIdentity(&d.rel, a.Name)
	}
	value := origin(seq.Sequence)
	if a.With != nil {
		if value, err = d.b.constInt(a.With); err != nil {
			return err
		}
	}
	d.b.restart(seq, value)
	return nil
}

// emptyAs plans CREATE TABLE or STREAM AS ... WITH NO DATA: the columns of the query and
// no query that fills them.
func (b *builder) emptyAs(s *sql.CreateAs, kind catalog.RelationKind, tag string) (
	*plan.Plan, error) {
	if s.Query.Emit != sql.EmitNone {
		return nil, sqlerr.Unsupported("WITH NO DATA of a continuous query",
			"Leave EMIT or WITH NO DATA out.").At(s.Pos())
	}
	d, err := b.newDefinition(kind, s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	q, err := b.query(s.Query, nil, nil)
	if err != nil {
		return nil, err
	}
	cols := b.resolveUnknown(b.stripHidden(q).node).Cols()
	if err := d.resultColumns(&kept{cols: cols}, s.Columns, s.Pos()); err != nil {
		return nil, err
	}
	if kind == catalog.KindTable {
		if err := d.tableKeys(&sql.Definition{}); err != nil {
			return nil, err
		}
	}
	if err := d.options(s.With); err != nil {
		return nil, err
	}
	return d.plan(tag, s.IfNotExists, s.Replace, nil), nil
}
