package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// ownedBy sets what column a sequence of a schema goes with: OWNED BY table.column, or NONE.
// The sequence is dropped with it.
func (b *builder) ownedBy(seq *catalog.Sequence, schema string, to sql.Name, pos int) error {
	switch {
	case len(to) == 0:
		return nil
	case seq.OwnedBy != 0 && b.isIdentity(seq):
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot change ownership of identity sequence")
	case len(to) == 1 && to[0] == "none":
		seq.OwnedBy, seq.OwnedColumn = 0, 0
		return nil
	case len(to) == 1:
		return sqlerr.New(sqlerr.SyntaxError, "invalid OWNED BY option").At(pos).
			WithHint("Specify OWNED BY table.column or OWNED BY NONE.")
	}
	rel, err := b.relation(to[:len(to)-1], pos)
	if err != nil {
		return err
	}
	if rel.Schema != schema {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"sequence must be in same schema as table it is linked to")
	}
	i := rel.ColumnIndex(to.Last())
	if i < 0 {
		return sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" of relation \"%s\" does not exist", to.Last(), rel.Name)
	}
	seq.OwnedBy, seq.OwnedColumn = rel.OID, i
	return nil
}

// noSequenceName refuses SEQUENCE NAME where the statement names the sequence.
func noSequenceName(o *sql.SequenceOptions, pos int) error {
	if o.Name == nil {
		return nil
	}
	return sqlerr.New(sqlerr.SyntaxError, "invalid sequence option SEQUENCE NAME").At(pos)
}

func (b *builder) isIdentity(seq *catalog.Sequence) bool {
	rel := b.env.Snapshot.Relation(seq.OwnedBy)
	return rel != nil && rel.Columns[seq.OwnedColumn].Identity != 0
}
