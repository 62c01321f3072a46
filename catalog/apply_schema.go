package catalog

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

func (e *edit) createSchema(c *CreateSchema) error {
	if err := checkSchemaName(c.Name); err != nil {
		return err
	}
	owner := c.Owner
	if owner == "" {
		owner = Superuser
	}
	if e.next.roles[owner] == nil {
		return undefinedRole(owner)
	}
	if e.next.schemas[c.Name] != nil {
		if c.IfNotExists {
			e.notice("schema \"%s\" already exists, skipping", c.Name)
			return nil
		}
		return duplicateSchema(c.Name)
	}
	x := &SchemaInfo{OID: e.allot(), Name: c.Name, Owner: owner}
	e.ownSchemas()[x.Name] = x
	e.change.OID = x.OID
	return nil
}

func checkSchemaName(name string) error {
	if strings.HasPrefix(name, "pg_") && name != PgCatalogSchema {
		return sqlerr.New(sqlerr.ReservedName, "unacceptable schema name \"%s\"", name).
			WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	if name == "" {
		return sqlerr.New(sqlerr.InvalidName, "zero-length delimited identifier")
	}
	return nil
}

func duplicateSchema(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.DuplicateSchema, "schema \"%s\" already exists", name)
}

func (e *edit) dropSchema(c *DropSchema) error {
	var roots []object
	for _, name := range c.Names {
		x := e.next.schemas[name]
		switch {
		case x == nil && c.IfExists:
			e.notice("schema \"%s\" does not exist, skipping", name)
			continue
		case x == nil:
			return undefinedSchema(name)
		case IsSystemSchema(name):
			return sqlerr.New(sqlerr.DependentObjectsStillExist,
				"cannot drop schema %s because it is required by the database system", name)
		}
		o := object{class: classSchema, oid: x.OID}
		if !slices.Contains(roots, o) {
			roots = append(roots, o)
		}
	}
	return e.drop(roots, c.Cascade)
}

func (e *edit) renameSchema(c *RenameSchema) error {
	old := e.next.schemas[c.Name]
	switch {
	case old == nil:
		return undefinedSchema(c.Name)
	case IsSystemSchema(c.Name):
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to rename schema %s", c.Name)
	case e.next.schemas[c.NewName] != nil:
		return duplicateSchema(c.NewName)
	}
	if err := checkSchemaName(c.NewName); err != nil {
		return err
	}
	var inside []object
	for _, r := range e.next.RelationsIn(c.Name) {
		inside = append(inside, object{class: classRelation, oid: r.OID})
	}
	err := e.rewrite(inside, c.Rewrites, "rename schema "+QuoteIdent(c.Name))
	if err != nil {
		return err
	}
	x := *old
	x.Name = c.NewName
	delete(e.ownSchemas(), c.Name)
	e.ownSchemas()[x.Name] = &x
	e.moveSchema(c.Name, c.NewName)
	return nil
}

func (e *edit) setSchemaOwner(c *SetSchemaOwner) error {
	old := e.next.schemas[c.Name]
	switch {
	case old == nil:
		return undefinedSchema(c.Name)
	case IsSystemSchema(c.Name):
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for schema %s", c.Name)
	case e.next.Role(c.Owner) == nil:
		return undefinedRole(c.Owner)
	}
	x := *old
	x.Owner = c.Owner
	e.ownSchemas()[x.Name] = &x
	return nil
}

// moveSchema gives everything in a schema that schema's new name.
func (e *edit) moveSchema(from, to string) {
	for _, r := range e.next.RelationsIn(from) {
		moved := *r
		moved.Schema = to
		e.putRelation(&moved)
		e.altered(&moved)
		e.renameInDefaults(r, &moved)
	}
	for _, t := range e.next.UserTypes() {
		if t.Schema == from {
			moved := *t
			moved.Schema = to
			delete(e.ownTypes(), joinName(from, t.Name))
			e.putType(&moved)
		}
	}
	for _, f := range e.next.AllFunctions() {
		if f.Schema == from {
			moved := *f
			moved.Schema = to
			e.removeFunction(f)
			e.putFunction(&moved)
		}
	}
}
