package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// addPrimaryKey makes columns the primary key of a table that was created without one:
// they are NOT NULL and a unique index keeps them. Rows stay where they are.
func (d *definition) addPrimaryKey(k *sql.Constraint) error {
	primary, _ := d.b.primaryColumns(&d.rel)
	taken := slices.ContainsFunc(d.companions, func(x catalog.Relation) bool { return x.Primary })
	if primary != nil || taken {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"multiple primary keys for table \"%s\" are not allowed", d.rel.Name).At(k.Pos())
	}
	if d.rel.Kind != catalog.KindTable || d.rel.Query != 0 {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot add a primary key to %s \"%s\"",
			kindWord(d.rel.Kind), d.rel.Name).At(k.Pos()).
			WithHint("Create it anew with the key.")
	}
	name := k.Name
	if name == "" {
		name = d.freeIndexName(nil, "pkey")
	}
	k.Name = name
	for _, c := range k.Columns {
		col, err := d.mustColumn(c, k.Pos())
		if err != nil {
			return sqlerr.New(sqlerr.UndefinedColumn,
				"column \"%s\" of relation \"%s\" does not exist", c, d.rel.Name).At(k.Pos())
		}
		if !col.NotNull {
			d.b.verifyNotNull(&d.rel, c)
			col.NotNull = true
		}
	}
	if err := d.unique(k.Columns, k); err != nil {
		return err
	}
	x := &d.companions[len(d.companions)-1]
	x.Primary = true
	d.b.verifyUnique(&d.rel, x)
	return nil
}

// dropConstraint is DROP CONSTRAINT.
func (d *definition) dropConstraint(a *sql.DropConstraint) error {
	n := len(d.rel.Checks) + len(d.rel.ForeignKeys)
	d.rel.Checks = slices.DeleteFunc(d.rel.Checks, func(c catalog.Check) bool {
		return c.Name == a.Name
	})
	d.rel.ForeignKeys = slices.DeleteFunc(slices.Clone(d.rel.ForeignKeys),
		func(k catalog.ForeignKey) bool { return k.Name == a.Name })
	if len(d.rel.Checks)+len(d.rel.ForeignKeys) < n {
		return nil
	}
	for _, x := range d.b.env.Snapshot.Indexes(d.rel.OID) {
		if x.Unique && !x.Bare && x.Name == a.Name {
			d.drops = append(d.drops, &catalog.DropObjects{Kind: catalog.KindIndex,
				Names:   []catalog.QualifiedName{{Schema: x.Schema, Name: x.Name}},
				Cascade: a.Cascade, Constraint: true})
			return nil
		}
	}
	if d.rel.Kind == catalog.KindTable && isKeyed(&d.rel) && d.rel.PrimaryKey() == a.Name {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot drop the primary key of table \"%s\", by which its rows are stored", d.rel.Name).
			At(a.Pos()).WithHint("Create the table without it (CREATE TABLE x AS TABLE %s), and add "+
			"it later with ALTER TABLE ... ADD PRIMARY KEY: such a key can be dropped.", d.rel.Name)
	}
	if a.IfExists {
		d.b.notice("constraint \"%s\" of relation \"%s\" does not exist, skipping", a.Name,
			d.rel.Name)
		return nil
	}
	return sqlerr.New(sqlerr.UndefinedObject, "constraint \"%s\" of relation \"%s\" does not exist",
		a.Name, d.rel.Name).At(a.Pos())
}

// validate checks the rows that exist against a constraint.
func (d *definition) validate(a *sql.ValidateConstraint) error {
	for i := range d.rel.Checks {
		if c := &d.rel.Checks[i]; c.Name == a.Name {
			d.b.verifyCheck(&d.rel, *c)
			c.Fresh = false
			return nil
		}
	}
	d.rel.ForeignKeys = slices.Clone(d.rel.ForeignKeys)
	for i := range d.rel.ForeignKeys {
		if k := &d.rel.ForeignKeys[i]; k.Name == a.Name {
			d.b.verifyForeignKey(&d.rel, k)
			k.Fresh = false
			return nil
		}
	}
	if d.hasConstraint(a.Name) {
		return sqlerr.New(sqlerr.WrongObjectType, "constraint \"%s\" of relation \"%s\" is not a "+
			"foreign key or check constraint", a.Name, d.rel.Name).At(a.Pos())
	}
	return sqlerr.New(sqlerr.UndefinedObject,
		"constraint \"%s\" of relation \"%s\" does not exist", a.Name, d.rel.Name).At(a.Pos())
}
