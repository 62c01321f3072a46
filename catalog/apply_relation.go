package catalog

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func (e *edit) createRelation(c *CreateRelation) error {
	r := c.Relation
	if err := e.checkPlace(r.Schema, r.Name); err != nil {
		return err
	}
	if old := e.next.Lookup(r.Schema, r.Name); old != nil {
		switch {
		case c.IfNotExists:
			e.notice("relation \"%s\" already exists, skipping", r.Name)
			return nil
		case c.OrReplace:
			return e.replaceRelation(old, c)
		}
		return duplicateRelation(r.Name)
	}
	r.OID, r.Created, r.SchemaVersion = e.allot(), e.next.Version, 1
	r.ForeignKeys = slices.Clone(r.ForeignKeys)
	for i := range r.ForeignKeys {
		if r.ForeignKeys[i].Table == 0 {
			r.ForeignKeys[i].Table = r.OID
		}
	}
	if err := e.checkRelation(&r); err != nil {
		return err
	}
	if c.Query != nil {
		q := *c.Query
		if err := e.attachQuery(&q, &r); err != nil {
			return err
		}
	}
	e.create(&r)
	e.change.OID = r.OID
	return e.createCompanions(c, &r)
}

func (e *edit) createSystemStream(c *CreateSystemStream) error {
	r := c.Relation
	if !IsSystemSchema(r.Schema) || r.Kind != KindStream {
		return sqlerr.New(sqlerr.InternalError, "%s.%s is no system stream", r.Schema, r.Name)
	}
	if old := e.next.Lookup(r.Schema, r.Name); old != nil {
		e.change.OID = old.OID
		return nil
	}
	r.OID, r.Created, r.SchemaVersion = e.allot(), e.next.Version, 1
	e.create(&r)
	e.change.OID = r.OID
	return nil
}

func (e *edit) create(r *Relation) {
	e.putRelation(r)
	e.change.Created = append(e.change.Created, r)
}

// createCompanions adds the sequences and indexes that come with r.
func (e *edit) createCompanions(c *CreateRelation, r *Relation) error {
	for _, x := range c.Companions {
		if x.Kind == KindIndex && x.Table == 0 {
			x.Table = r.OID
		}
		if x.Sequence != nil && x.Sequence.OwnedBy == 0 {
			seq := *x.Sequence
			seq.OwnedBy, x.Sequence = r.OID, &seq
		}
		if x.Owner == "" {
			x.Owner = r.Owner
		}
		oid := e.change.OID
		if err := e.createRelation(&CreateRelation{Relation: x}); err != nil {
			return err
		}
		e.change.OID = oid
	}
	return nil
}

func duplicateRelation(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.DuplicateTable, "relation \"%s\" already exists", name)
}

// checkPlace tells whether a relation, type or function may stand in a schema.
func (e *edit) checkPlace(schema, name string) error {
	if IsSystemSchema(schema) {
		return sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied to create \"%s.%s\"", schema, name).
			WithDetail("System catalog modifications are currently disallowed.")
	}
	if e.next.schemas[schema] == nil {
		return undefinedSchema(schema)
	}
	if name == "" {
		return sqlerr.New(sqlerr.InvalidName, "zero-length delimited identifier")
	}
	return nil
}

func undefinedSchema(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", name)
}

// maxColumns is PostgreSQL's MaxHeapAttributeNumber.
const maxColumns = 1600

// declaredColumns counts the columns that statements gave a relation, with those dropped
// since: a hidden row id is not the user's.
func declaredColumns(r *Relation) int {
	n := 0
	for i := range r.Columns {
		if !r.Columns[i].Hidden {
			n++
		}
	}
	return n
}

// checkRelation checks a new definition of a relation against itself and against
// what it refers to.
func (e *edit) checkRelation(r *Relation) error {
	if r.Owner == "" {
		r.Owner = Superuser
	}
	if e.next.roles[r.Owner] == nil {
		return undefinedRole(r.Owner)
	}
	if declaredColumns(r) > maxColumns {
		return sqlerr.New(sqlerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	seen := map[string]bool{}
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Dropped {
			continue
		}
		if seen[c.Name] {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", c.Name)
		}
		seen[c.Name] = true
		if c.UserType != 0 && e.next.UserTypeByOID(c.UserType) == nil {
			return gone("type", c.UserType)
		}
	}
	if err := checkOrdinals(r); err != nil {
		return err
	}
	for _, oid := range r.DependsOn {
		if !e.next.exists(oid) {
			return gone("relation", oid)
		}
	}
	if r.Kind == KindIndex {
		return e.checkIndex(r)
	}
	if err := e.checkForeignKeys(r); err != nil {
		return err
	}
	if r.Sequence != nil && r.Sequence.OwnedBy != 0 {
		t := e.next.relations[r.Sequence.OwnedBy]
		if t == nil || r.Sequence.OwnedColumn >= len(t.Columns) {
			return gone("relation", r.Sequence.OwnedBy)
		}
	}
	return nil
}

func checkOrdinals(r *Relation) error {
	for _, k := range r.Key {
		if k < 0 || k >= len(r.Columns) || r.Columns[k].Dropped {
			return sqlerr.New(sqlerr.UndefinedColumn,
				"column %d named in key does not exist", k+1)
		}
	}
	if r.TimeColumn >= len(r.Columns) {
		return sqlerr.New(sqlerr.UndefinedColumn, "time column %d does not exist", r.TimeColumn+1)
	}
	return nil
}

// gone is the refusal of a command that refers to what was dropped after it was
// planned.
func gone(what string, oid OID) *sqlerr.Error {
	return sqlerr.New(sqlerr.UndefinedTable, "%s with OID %d does not exist", what, oid).
		WithDetail("It was dropped by a concurrent statement.")
}

// exists tells whether a relation, type or function has an OID.
func (s *Snapshot) exists(oid OID) bool {
	return s.relations[oid] != nil || s.UserTypeByOID(oid) != nil || s.FunctionByOID(oid) != nil
}

func (e *edit) checkIndex(r *Relation) error {
	t := e.next.relations[r.Table]
	if t == nil {
		return gone("relation", r.Table)
	}
	if !t.Kind.Stored() {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot create index on relation \"%s\"", t.Name).
			WithDetail("This operation is not supported for %ss.", t.Kind)
	}
	for i, c := range r.IndexColumns {
		if c == -1 && i < len(r.IndexExprs) && r.IndexExprs[i] != "" {
			continue
		}
		if c < 0 || c >= len(t.Columns) || t.Columns[c].Dropped {
			return sqlerr.New(sqlerr.UndefinedColumn, "column %d of relation \"%s\" does not exist",
				c+1, t.Name)
		}
	}
	return nil
}

// checkForeignKeys tells whether what the foreign keys of a table refer to is there.
func (e *edit) checkForeignKeys(r *Relation) error {
	for i := range r.ForeignKeys {
		k := &r.ForeignKeys[i]
		if k.Table == 0 || k.Table == r.OID {
			continue
		}
		t := e.next.relations[k.Table]
		if t == nil {
			return gone("relation", k.Table)
		}
		if k.Index != 0 && e.next.relations[k.Index] == nil {
			return gone("index", k.Index)
		}
		for _, c := range k.RefColumns {
			if c < 0 || c >= len(t.Columns) || t.Columns[c].Dropped {
				return sqlerr.New(sqlerr.UndefinedColumn,
					"column %d referenced in foreign key constraint does not exist", c+1)
			}
		}
	}
	return nil
}

// dropObjects is DROP of relations.
func (e *edit) dropObjects(c *DropObjects) error {
	var roots []object
	for _, n := range c.Names {
		r, err := e.findForDrop(c.Kind, n, c.IfExists)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := e.checkDrop(r, c.Constraint); err != nil {
			return err
		}
		o := object{class: classRelation, oid: r.OID}
		if !slices.Contains(roots, o) {
			roots = append(roots, o)
		}
	}
	err := e.drop(roots, c.Cascade)
	if refusal, ok := err.(*sqlerr.Error); ok && c.Constraint && len(roots) == 1 {
		r := e.next.relations[roots[0].oid]
		refusal.Message = strings.Replace(refusal.Message, r.Title(), "constraint "+
			QuoteIdent(r.Name)+" on "+e.next.relations[r.Table].Title(), 1)
	}
	return err
}

func (e *edit) findForDrop(kind RelationKind, n QualifiedName, ifExists bool) (*Relation, error) {
	if n.Schema != "" && e.next.schemas[n.Schema] == nil {
		if ifExists {
			e.notice("schema \"%s\" does not exist, skipping", n.Schema)
			return nil, nil
		}
		return nil, undefinedSchema(n.Schema)
	}
	schema := n.Schema
	if schema == "" {
		schema = PublicSchema
	}
	r := e.next.Lookup(schema, n.Name)
	switch {
	case r == nil && ifExists:
		e.notice("%s \"%s\" does not exist, skipping", kind, n)
		return nil, nil
	case r == nil:
		return nil, e.next.UndefinedRelation(kind, n, []string{schema})
	case r.Kind != kind:
		return nil, r.WrongKind(kind, "DROP")
	}
	return r, nil
}

// checkDrop refuses to drop what belongs to a column or a constraint.
func (e *edit) checkDrop(r *Relation, constraint bool) error {
	if r.Kind == KindIndex && r.Unique && !r.Bare && !constraint {
		name := "constraint " + QuoteIdent(r.Name) + " on " + e.next.relations[r.Table].Title()
		return sqlerr.New(sqlerr.DependentObjectsStillExist,
			"cannot drop %s because %s requires it", r.Title(), name).
			WithHint("You can drop %s instead.", name)
	}
	if r.Sequence == nil || r.Sequence.OwnedBy == 0 {
		return nil
	}
	t := e.next.relations[r.Sequence.OwnedBy]
	c := &t.Columns[r.Sequence.OwnedColumn]
	if c.Identity == 0 || c.Dropped {
		return nil
	}
	column := "column " + QuoteIdent(c.Name) + " of " + t.Title()
	return sqlerr.New(sqlerr.DependentObjectsStillExist,
		"cannot drop %s because %s requires it", r.Title(), column).
		WithHint("You can drop %s instead.", column)
}

// truncate is TRUNCATE.
func (e *edit) truncate(c *Truncate) error {
	oids := slices.Clone(c.OIDs)
	for i := 0; i < len(oids); i++ {
		r := e.next.relations[oids[i]]
		if r == nil {
			return gone("relation", oids[i])
		}
		if r.Kind != KindTable {
			return r.WrongKind(KindTable, "")
		}
		if r.Query != 0 {
			return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
				"cannot truncate table \"%s\" because a continuous query fills it", r.Name).
				WithHint("Use DROP TABLE to remove the table and its query.")
		}
		if slices.Contains(e.change.Truncated, r) {
			continue
		}
		for _, child := range e.next.Referring(r.OID) {
			if slices.Contains(oids, child.OID) {
				continue
			}
			if !c.Cascade {
				return truncateReferenced(child, r)
			}
			e.notice("truncate cascades to table \"%s\"", child.Name)
			oids = append(oids, child.OID)
		}
		e.change.Truncated = append(e.change.Truncated, r)
	}
	return nil
}

func truncateReferenced(child, r *Relation) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"cannot truncate a table referenced in a foreign key constraint").
		WithDetail("Table \"%s\" references \"%s\".", child.Name, r.Name).
		WithHint("Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.", child.Name)
}

// setComment is COMMENT ON.
func (e *edit) setComment(c *SetComment) error {
	switch strings.ToLower(c.Class) {
	case "relation":
		return e.commentRelation(c)
	case "schema":
		old := e.next.SchemaByOID(c.OID)
		if old == nil {
			return gone("schema", c.OID)
		}
		x := *old
		x.Comment = c.Comment
		e.ownSchemas()[x.Name] = &x
		return nil
	case "type":
		old := e.next.UserTypeByOID(c.OID)
		if old == nil {
			return gone("type", c.OID)
		}
		t := *old
		t.Comment = c.Comment
		e.ownTypes()[joinName(t.Schema, t.Name)] = &t
		return nil
	case "function":
		old := e.next.FunctionByOID(c.OID)
		if old == nil {
			return gone("function", c.OID)
		}
		f := *old
		f.Comment = c.Comment
		e.putFunction(&f)
		return nil
	}
	return sqlerr.Unsupported("COMMENT ON "+strings.ToUpper(c.Class),
		"Comments can be on relations, columns, schemas, types and functions.")
}

func (e *edit) commentRelation(c *SetComment) error {
	old := e.next.relations[c.OID]
	if old == nil {
		return gone("relation", c.OID)
	}
	r := *old
	switch {
	case c.Column < 0:
		r.Comment = c.Comment
	case c.Column < len(r.Columns) && !r.Columns[c.Column].Dropped:
		r.Columns = slices.Clone(r.Columns)
		r.Columns[c.Column].Comment = c.Comment
	default:
		return sqlerr.New(sqlerr.UndefinedColumn,
			"column number %d of relation \"%s\" does not exist", c.Column+1, r.Name)
	}
	e.putRelation(&r)
	e.altered(&r)
	return nil
}

// sameType compares types with their modifiers, as CREATE OR REPLACE does.
func sameType(a, b types.Type) bool { return a.Mod == b.Mod && a.Same(b) }
