package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// composite finds the composite type that ALTER TYPE changes, and gives a copy.
func (b *builder) composite(name sql.Name) (*catalog.UserType, error) {
	old := b.userTypeNamed(name)
	if old == nil || old.Base.Row == nil || catalog.OID(old.Base.Row.OID) != old.OID {
		if b.find(name) != nil {
			return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a composite type", name.Last())
		}
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", name)
	}
	if owner, _ := b.ownerOf(old.OID); owner != "" {
		if err := b.mustOwn("type", old.Name, owner); err != nil {
			return nil, err
		}
	}
	t := *old
	t.Base.Fields = slices.Clone(old.Base.Fields)
	return &t, b.unusedType(&t)
}

// unusedType refuses to change a type whose values are stored, or whose shape others have
// copied.
func (b *builder) unusedType(t *catalog.UserType) error {
	used := func(what, name string) error {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot alter type \"%s\" because %s \"%s\" "+
			"uses it", t.Name, what, name).
			WithHint("Make another type, and a column of it.")
	}
	for _, r := range b.env.Snapshot.Relations() {
		for _, c := range r.Columns {
			if !c.Dropped && (c.UserType == t.OID || usesRow(c.Type, t.OID)) {
				return used("column", r.Name+"."+c.Name)
			}
		}
	}
	for _, u := range b.env.Snapshot.UserTypes() {
		if u.OID != t.OID && usesRow(u.Base, t.OID) {
			return used("type", u.Name)
		}
	}
	for _, f := range b.env.Snapshot.AllFunctions() {
		if usesRow(f.Ret, t.OID) || slices.ContainsFunc(f.Args, func(a types.Type) bool {
			return usesRow(a, t.OID)
		}) {
			return used("function", f.Name)
		}
	}
	return nil
}

// usesRow tells whether values of a type hold values of a composite type.
func usesRow(t types.Type, oid catalog.OID) bool {
	switch {
	case t.Row != nil && catalog.OID(t.Row.OID) == oid, t.Elem != nil && usesRow(*t.Elem, oid),
		t.Key != nil && usesRow(*t.Key, oid):
		return true
	}
	return slices.ContainsFunc(t.Fields, func(f types.Field) bool { return usesRow(f.Type, oid) })
}

// alterComposite plans ALTER TYPE ... ADD, DROP and ALTER ATTRIBUTE.
func (b *builder) alterComposite(s *sql.Alter, tag string) (*plan.Plan, error) {
	t, err := b.composite(s.Name)
	if err != nil {
		return nil, err
	}
	for _, a := range s.Actions {
		if err := b.attribute(t, a); err != nil {
			return nil, err
		}
	}
	return command(tag, &catalog.CreateType{Type: *t, OrReplace: true}), nil
}

func (b *builder) attribute(t *catalog.UserType, a sql.AlterAction) error {
	switch a := a.(type) {
	case *sql.AddColumn:
		if t.Base.FieldIndex(a.Column.Name) >= 0 {
			return duplicateAttribute(t, a.Column.Name)
		}
		typ, err := expr.ResolveTypeName(a.Column.Type, &scope{b: b})
		if err != nil {
			return err
		}
		if usesRow(typ, t.OID) {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"composite type %s cannot be made a member of itself", t.Name)
		}
		t.Base.Fields = append(t.Base.Fields, types.Field{Name: a.Column.Name, Type: typ})
		return nil
	case *sql.DropColumn:
		i := t.Base.FieldIndex(a.Name)
		if i < 0 && a.IfExists {
			b.notice("column \"%s\" of relation \"%s\" does not exist, skipping", a.Name, t.Name)
			return nil
		}
		if i < 0 {
			return noAttribute(t, a.Name)
		}
		t.Base.Fields = slices.Delete(t.Base.Fields, i, i+1)
		return nil
	case *sql.AlterColumnType:
		i := t.Base.FieldIndex(a.Name)
		if i < 0 {
			return noAttribute(t, a.Name)
		}
		typ, err := expr.ResolveTypeName(a.Type, &scope{b: b})
		if err != nil {
			return err
		}
		if usesRow(typ, t.OID) {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"composite type %s cannot be made a member of itself", t.Name)
		}
		t.Base.Fields[i].Type = typ
		return nil
	}
	return sqlerr.Unsupported("this form of ALTER TYPE", "Drop the type and create it anew.")
}

// renameAttribute plans ALTER TYPE ... RENAME ATTRIBUTE.
func (b *builder) renameAttribute(s *sql.Rename, tag string) (*plan.Plan, error) {
	t, err := b.composite(s.Name)
	if err != nil {
		return nil, err
	}
	i := t.Base.FieldIndex(s.Old)
	if i < 0 {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", s.Old)
	}
	if t.Base.FieldIndex(s.New) >= 0 {
		return nil, duplicateAttribute(t, s.New)
	}
	t.Base.Fields[i].Name = s.New
	return command(tag, &catalog.CreateType{Type: *t, OrReplace: true}), nil
}

func duplicateAttribute(t *catalog.UserType, name string) error {
	return sqlerr.New(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists",
		name, t.Name)
}

func noAttribute(t *catalog.UserType, name string) error {
	return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist",
		name, t.Name)
}
