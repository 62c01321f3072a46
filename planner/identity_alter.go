package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// addIdentity is ALTER COLUMN c ADD GENERATED ... AS IDENTITY.
func (d *definition) addIdentity(a *sql.AddIdentity) error {
	if err := d.byDefinition("make an identity column", a.Pos()); err != nil {
		return err
	}
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	refused := func(format string) error {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, format, a.Name, d.rel.Name)
	}
	switch {
	case !col.NotNull:
		return refused("column \"%s\" of relation \"%s\" must be declared NOT NULL before " +
			"identity can be added")
	case col.Identity != 0:
		return refused("column \"%s\" of relation \"%s\" is already an identity column")
	case col.Default != "":
		return refused("column \"%s\" of relation \"%s\" already has a default value")
	}
	c := &sql.ColumnDef{Loc: a.Loc, Name: a.Name, Generated: a.Generated}
	return d.serial(c, d.rel.ColumnIndex(a.Name))
}

// setIdentity is ALTER COLUMN c SET GENERATED, SET of an option of its sequence, RESTART.
func (d *definition) setIdentity(a *sql.SetIdentity) error {
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	seq := d.sequenceOf(a.Name)
	if col.Identity == 0 || seq == nil {
		return notIdentity(&d.rel, a.Name)
	}
	if a.Generated {
		col.Identity = map[sql.GeneratedKind]byte{sql.IdentityAlways: 'a',
			sql.IdentityByDefault: 'd'}[a.Kind]
	}
	next, err := d.b.changedSequence(seq, &a.Options)
	if err != nil {
		return err
	}
	d.after = append(d.after, next)
	return nil
}

// dropIdentity makes an identity column a plain one; its sequence goes.
func (d *definition) dropIdentity(a *sql.DropIdentity) error {
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	if col.Identity == 0 {
		if a.IfExists {
			d.b.notice("column \"%s\" of relation \"%s\" is not an identity column, skipping",
				a.Name, d.rel.Name)
			return nil
		}
		return notIdentity(&d.rel, a.Name)
	}
	if seq := d.sequenceOf(a.Name); seq != nil {
		d.after = append(d.after, &catalog.DropObjects{Kind: catalog.KindSequence,
			Names: []catalog.QualifiedName{{Schema: seq.Schema, Name: seq.Name}}})
	}
	col.Identity, col.Default = 0, ""
	return nil
}

// dropExpression makes a generated column a plain one. What is in the rows stays.
func (d *definition) dropExpression(a *sql.DropExpression) error {
	if err := d.byDefinition("drop the expression of a column", a.Pos()); err != nil {
		return err
	}
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	if col.Generated {
		col.Generated, col.Default = false, ""
		return nil
	}
	if a.IfExists {
		d.b.notice("column \"%s\" of relation \"%s\" is not a stored generated column, skipping",
			a.Name, d.rel.Name)
		return nil
	}
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
		"column \"%s\" of relation \"%s\" is not a stored generated column", a.Name, d.rel.Name)
}

// alterConstraint is ALTER CONSTRAINT: when a foreign key is looked at.
func (d *definition) alterConstraint(a *sql.AlterConstraint) error {
	d.rel.ForeignKeys = slices.Clone(d.rel.ForeignKeys)
	for i := range d.rel.ForeignKeys {
		if k := &d.rel.ForeignKeys[i]; k.Name == a.Name {
			k.Deferrable = a.Deferred != sql.NotDeferrable
			k.Deferred = a.Deferred == sql.InitiallyDeferred
			return nil
		}
	}
	if d.hasConstraint(a.Name) {
		return sqlerr.New(sqlerr.WrongObjectType,
			"constraint \"%s\" of relation \"%s\" is not a foreign key constraint", a.Name, d.rel.Name)
	}
	return sqlerr.New(sqlerr.UndefinedObject,
		"constraint \"%s\" of relation \"%s\" does not exist", a.Name, d.rel.Name)
}

// changedSequence plans other options of a sequence. A restart comes behind it.
func (b *builder) changedSequence(rel *catalog.Relation, o *sql.SequenceOptions) (
	*catalog.AlterRelation, error) {
	next := *rel.Sequence
	var err error
	read := func(x sql.Expr, v *int64) {
		if x != nil && err == nil {
			*v, err = b.constInt(x)
		}
	}
	next.Origin = origin(rel.Sequence)
	read(o.Start, &next.Origin)
	read(o.Increment, &next.Increment)
	read(o.Min, &next.Min)
	read(o.Max, &next.Max)
	if o.NoMin || o.NoMax {
		whole, werr := b.sequence(&sql.SequenceOptions{Increment: o.Increment}, seqType(rel.Sequence))
		if werr != nil {
			return nil, werr
		}
		if o.NoMin {
			next.Min = whole.Min
		}
		if o.NoMax {
			next.Max = whole.Max
		}
	}
	next.Cycle = next.Cycle && !o.NoCycle || o.Cycle
	if err != nil {
		return nil, err
	}
	if err := checkSequence(&next, next.Origin); err != nil {
		return nil, err
	}
	r := *rel
	r.Sequence = &next
	if o.Restart != nil || o.RestartWithDefault {
		value := next.Origin
		if read(o.Restart, &value); err != nil {
			return nil, err
		}
		if value < next.Min || value > next.Max {
			return nil, outOfSequence("RESTART", value, &next)
		}
		b.restart(rel, value)
	}
	return &catalog.AlterRelation{Relation: r, From: rel.SchemaVersion}, nil
}
