package system

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// classRow is one row of pg_class: a relation of the catalog, a virtual relation,
// the index of a primary key, or the relation behind a composite type.
type classRow struct {
	oid       catalog.OID
	schema    string
	name      string
	relkind   byte
	rowType   catalog.OID
	owner     string
	columns   []attribute
	table     catalog.OID       // of an index
	keys      []int             // of an index: ordinals of the table's columns, -1 for expressions
	index     *catalog.Relation // of an index that was created
	primary   bool
	unique    bool
	checks    int
	options   []catalog.Option
	comment   string
	relation  *catalog.Relation // nil for derived ones
	hasSystem bool              // has the system columns
}

// attribute is one column of a classRow; number is attnum.
type attribute struct {
	catalog.Column
	number  int
	typeOID catalog.OID
	typmod  int32
}

// world is a snapshot seen as PostgreSQL's objects.
type world struct {
	g *Registry
	s *catalog.Snapshot
	// indexed has the relations with a secondary index, once it was asked for.
	indexed map[catalog.OID]bool
}

func (g *Registry) world(s *catalog.Snapshot) *world { return &world{g: g, s: s} }

// hasIndex tells whether a relation has a secondary index.
func (w *world) hasIndex(table catalog.OID) bool {
	if w.indexed == nil {
		w.indexed = map[catalog.OID]bool{}
		w.s.EachRelation(func(r *catalog.Relation) {
			if r.Kind == catalog.KindIndex {
				w.indexed[r.Table] = true
			}
		})
	}
	return w.indexed[table]
}

func (s *scan) world() *world { return s.g.world(s.ctx.Snapshot) }

// class gives a row of pg_class by OID, or nil.
func (w *world) class(oid catalog.OID) *classRow {
	if r := w.s.Relation(oid); r != nil {
		return w.userClass(r)
	}
	if r := w.g.byOID[oid]; r != nil {
		return w.systemClass(r)
	}
	switch class, of := origin(oid); class {
	case classPrimaryKey:
		if r := w.s.Relation(of); r != nil && hasPrimaryKey(r) {
			return w.primaryKeyClass(r)
		}
	case classComposite:
		if t := w.s.UserTypeByOID(of); t != nil && isComposite(t) {
			return w.compositeClass(t)
		}
	}
	return nil
}

// indexes tells whether a relation has an index.
func (w *world) indexes(c *classRow) bool {
	return c.relation != nil && (hasPrimaryKey(c.relation) || w.hasIndex(c.oid))
}

// eachClass calls f with every row of pg_class: virtual relations first, then by
// OID.
func (w *world) eachClass(f func(*classRow) error) error {
	for _, r := range w.g.relations() {
		if err := f(w.systemClass(r)); err != nil {
			return err
		}
	}
	return w.eachUserClass(f)
}

// eachUserClass is eachClass without the virtual relations.
func (w *world) eachUserClass(f func(*classRow) error) error {
	for _, r := range w.s.Relations() {
		if err := f(w.userClass(r)); err != nil {
			return err
		}
		if hasPrimaryKey(r) {
			if err := f(w.primaryKeyClass(r)); err != nil {
				return err
			}
		}
	}
	for _, t := range w.s.UserTypes() {
		if isComposite(t) {
			if err := f(w.compositeClass(t)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookupClass finds a row of pg_class by name, or nil.
func (w *world) lookupClass(schema, name string) *classRow {
	if r := w.s.Lookup(schema, name); r != nil {
		return w.userClass(r)
	}
	if r := w.g.byName[schema][name]; r != nil {
		return w.systemClass(r)
	}
	if table, ok := strings.CutSuffix(name, primaryKeySuffix); ok {
		if r := w.s.Lookup(schema, table); r != nil && hasPrimaryKey(r) && r.PrimaryKey() == name {
			return w.primaryKeyClass(r)
		}
	}
	var named *classRow
	w.s.EachRelation(func(r *catalog.Relation) {
		if r.Schema == schema && r.KeyName == name && hasPrimaryKey(r) {
			named = w.primaryKeyClass(r)
		}
	})
	return named
}

// relkind gives pg_class.relkind: streams are tables to clients.
func relkind(k catalog.RelationKind) byte {
	switch k {
	case catalog.KindView, catalog.KindSystem:
		return 'v'
	case catalog.KindMaterializedView:
		return 'm'
	case catalog.KindIndex:
		return 'i'
	case catalog.KindSequence:
		return 'S'
	case catalog.KindStream, catalog.KindTable:
	}
	return 'r'
}

// hasPrimaryKey tells whether rows are kept by a key that users see.
func hasPrimaryKey(r *catalog.Relation) bool {
	return r.Kind == catalog.KindTable && slices.ContainsFunc(r.Key, func(k int) bool {
		return !r.Columns[k].Hidden
	})
}

const primaryKeySuffix = "_pkey"

func primaryKeyName(r *catalog.Relation) string { return r.PrimaryKey() }

func (w *world) userClass(r *catalog.Relation) *classRow {
	c := &classRow{oid: r.OID, schema: r.Schema, name: r.Name, relkind: relkind(r.Kind),
		owner: r.Owner, checks: len(r.Checks), options: r.Options, comment: r.Comment, relation: r,
		hasSystem: r.Kind.Stored(), unique: r.Unique, table: r.Table}
	switch r.Kind {
	case catalog.KindIndex:
		c.keys, c.index, c.primary = r.IndexColumns, r, r.Primary
		c.columns = w.indexColumns(w.s.Relation(r.Table), r.IndexColumns)
		for i := range r.Columns { // with expressions it has columns of its own
			c.columns[i].Name, c.columns[i].Type = r.Columns[i].Name, r.Columns[i].Type
			c.columns[i].typeOID = catalog.OID(r.Columns[i].Type.OID())
			c.columns[i].typmod = r.Columns[i].Type.ColumnTypmod()
		}
		return c
	case catalog.KindSequence:
		c.columns = sequenceColumns()
		return c
	}
	c.rowType = derived(classRowType, r.OID)
	for i := range r.Columns {
		if !r.Columns[i].Hidden {
			c.columns = append(c.columns, userColumn(&r.Columns[i], i+1))
		}
	}
	if hasPrimaryKey(r) {
		for i := range c.columns {
			a := &c.columns[i]
			a.NotNull = a.NotNull || slices.Contains(r.Key, a.number-1)
		}
	}
	return c
}

func userColumn(c *catalog.Column, number int) attribute {
	a := attribute{Column: *c, number: number, typeOID: catalog.OID(c.Type.OID()),
		typmod: c.Type.ColumnTypmod()}
	if c.UserType != 0 {
		a.typeOID, a.typmod = c.UserType, -1
		if c.Type.Kind == types.Array {
			a.typeOID = derived(classArrayType, c.UserType)
		}
	}
	return a
}

func sequenceColumns() []attribute {
	return []attribute{
		userColumn(&catalog.Column{Name: "last_value", Type: types.Of(types.Int8), NotNull: true}, 1),
		userColumn(&catalog.Column{Name: "log_cnt", Type: types.Of(types.Int8), NotNull: true}, 2),
		userColumn(&catalog.Column{Name: "is_called", Type: types.Of(types.Bool), NotNull: true}, 3),
	}
}

func (w *world) indexColumns(table *catalog.Relation, keys []int) []attribute {
	out := make([]attribute, len(keys))
	for i, k := range keys {
		c := catalog.Column{Type: types.Of(types.Text)}
		if k >= 0 {
			c = table.Columns[k]
		}
		c.NotNull, c.Default, c.Comment, c.Identity, c.Generated = false, "", "", 0, false
		out[i] = userColumn(&c, i+1)
	}
	return out
}

func (w *world) primaryKeyClass(r *catalog.Relation) *classRow {
	return &classRow{oid: derived(classPrimaryKey, r.OID), schema: r.Schema,
		name: primaryKeyName(r), relkind: 'i', owner: r.Owner, table: r.OID, keys: r.Key,
		primary: true, unique: true, columns: w.indexColumns(r, r.Key)}
}

// systemClass is the same in every snapshot, so it is made once.
func (w *world) systemClass(r *relation) *classRow {
	r.once.Do(func() { r.class = w.g.makeSystemClass(r) })
	return r.class
}

func (g *Registry) makeSystemClass(r *relation) *classRow {
	c := &classRow{oid: r.OID, schema: r.Schema, name: r.Name, relkind: r.kind, rowType: r.rowType,
		owner: r.Owner, relation: r.Relation, hasSystem: r.kind == 'r', comment: r.Comment}
	for i := range r.Columns {
		a := userColumn(&r.Columns[i], i+1)
		if t := g.types().named(r.declared[i]); t != nil {
			a.typeOID = t.oid
		}
		c.columns = append(c.columns, a)
	}
	return c
}

func isComposite(t *catalog.UserType) bool {
	return t.Base.Kind == types.Struct || t.Base.Row != nil && t.Base.Row.OID == uint32(t.OID)
}

func (w *world) compositeClass(t *catalog.UserType) *classRow {
	c := &classRow{oid: derived(classComposite, t.OID), schema: t.Schema, name: t.Name,
		relkind: 'c', rowType: t.OID, owner: catalog.Superuser}
	for i, f := range t.Base.Fields {
		c.columns = append(c.columns, userColumn(&catalog.Column{Name: f.Name, Type: f.Type}, i+1))
	}
	return c
}

// eachConstraint calls f with every row of pg_constraint.
func (w *world) eachConstraint(f func(*constraintRow) error) error {
	for _, r := range w.s.Relations() {
		for _, c := range w.constraints(r) {
			if err := f(c); err != nil {
				return err
			}
		}
	}
	for _, t := range w.s.UserTypes() {
		for _, c := range t.Checks {
			err := f(&constraintRow{oid: hashedOID(t.OID, "check", c.Name), schema: t.Schema,
				name: c.Name, kind: 'c', domain: t.OID, check: c.Expr})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// constraint finds a row of pg_constraint by OID, or nil.
func (w *world) constraint(oid catalog.OID) *constraintRow {
	if class, of := origin(oid); class == classConstraint {
		if r := w.s.Relation(of); r != nil {
			for _, c := range w.constraints(r) {
				if c.oid == oid {
					return c
				}
			}
		}
		return nil
	}
	var found *constraintRow
	w.eachConstraint(func(c *constraintRow) error {
		if c.oid == oid {
			found = c
		}
		return nil
	})
	return found
}

// roleOID gives a role's OID, 0 for none.
func (w *world) roleOID(name string) catalog.OID {
	if r := w.s.Role(name); r != nil {
		return r.OID
	}
	return 0
}

// schemaOID gives a schema's OID, 0 for none.
func (w *world) schemaOID(name string) catalog.OID {
	if x := w.s.Schema(name); x != nil {
		return x.OID
	}
	return 0
}
