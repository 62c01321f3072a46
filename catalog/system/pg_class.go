package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// selectClasses calls f with the rows of pg_class that the hints on the columns
// named let through: by OID, by name and schema, or all.
func (s *scan) selectClasses(oid, name string, f func(*classRow) error) error {
	w := s.world()
	if vs, ok := s.hinted(oid); ok {
		for _, v := range vs {
			if c := w.class(datumOID(v)); c != nil {
				if err := f(c); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return w.eachClass(func(c *classRow) error {
		if name != "" && !s.wantsName(name, c.name) {
			return nil
		}
		return f(c)
	})
}

func pgClass(s *scan) error {
	w := s.world()
	out := s.columns(`oid relname relnamespace reltype reloftype relowner relam relfilenode
		reltablespace relpages reltuples relallvisible reltoastrelid relhasindex relisshared
		relpersistence relkind relnatts relchecks relhasrules relhastriggers relhassubclass
		relrowsecurity relforcerowsecurity relispopulated relreplident relispartition relrewrite
		relfrozenxid relminmxid relacl reloptions`)
	return s.selectClasses("oid", "relname", func(c *classRow) error {
		namespace := w.schemaOID(c.schema)
		if !s.wantsOID("relnamespace", namespace) {
			return nil
		}
		rows, pages := s.size(c)
		return out.write(
			oidDatum(c.oid), text(c.name), oidDatum(namespace), oidDatum(c.rowType), oidDatum(0),
			oidDatum(w.roleOID(c.owner)), oidDatum(accessMethod(c.relkind)), oidDatum(fileNode(c)),
			oidDatum(0), integer(pages), float(rows), integer(0), oidDatum(0), boolean(w.indexes(c)),
			boolean(isShared(c)), charDatum('p'), charDatum(c.relkind), integer(len(c.columns)),
			integer(c.checks), boolean(c.relkind == 'v'), boolean(w.hasTriggers(c)),
			boolean(false), boolean(false), boolean(false), boolean(true), charDatum(replicaIdentity(c)),
			boolean(false), oidDatum(0), long(0), long(0), w.acl(c.oid, c.owner, relationPrivileges),
			optionList(c.options))
	})
}

// hasTriggers tells whether PostgreSQL would keep foreign keys of a relation, or to it, by
// triggers: clients look for foreign keys of such relations only.
func (w *world) hasTriggers(c *classRow) bool {
	return c.relation != nil && (len(c.relation.ForeignKeys) > 0 || len(w.s.Referring(c.oid)) > 0)
}

// size gives reltuples and relpages; a relation whose size is not known has -1
// rows, as one that was never analyzed.
func (s *scan) size(c *classRow) (rows float64, pages int) {
	const pageBytes = 8192
	if c.relkind != 'r' && c.relkind != 'm' {
		return 0, 0
	}
	if s.ctx.Stats == nil {
		return -1, 0
	}
	st, ok := s.ctx.Stats(c.oid)
	if !ok {
		return -1, 0
	}
	return float64(st.Rows), int((st.Bytes + pageBytes - 1) / pageBytes)
}

func accessMethod(relkind byte) catalog.OID {
	switch relkind {
	case 'r', 'm':
		return oidHeapAM
	case 'i':
		return oidBtreeAM
	}
	return 0
}

// fileNode is the OID for what has rows of its own.
func fileNode(c *classRow) catalog.OID {
	if c.relkind == 'v' || c.relkind == 'c' {
		return 0
	}
	return c.oid
}

// isShared tells whether a virtual relation is one for all databases.
func isShared(c *classRow) bool {
	switch c.name {
	case "pg_authid", "pg_auth_members", "pg_database", "pg_db_role_setting", "pg_parameter_acl",
		"pg_replication_origin", "pg_shdepend", "pg_shdescription", "pg_shseclabel",
		"pg_subscription", "pg_tablespace":
		return c.schema == catalog.PgCatalogSchema
	}
	return false
}

func replicaIdentity(c *classRow) byte {
	if c.relkind == 'r' || c.relkind == 'm' {
		return 'd'
	}
	return 'n'
}

func optionList(options []catalog.Option) types.Datum {
	if len(options) == 0 {
		return null
	}
	list := make([]string, len(options))
	for i, o := range options {
		list[i] = strings.ToLower(o.Name) + "=" + o.Value
	}
	return textArray(list)
}

// systemColumns are the columns that every stored relation has in PostgreSQL.
var systemColumns = []attribute{
	{Column: catalog.Column{Name: "tableoid", Type: types.Of(types.OID)}, number: -6, typeOID: 26},
	{Column: catalog.Column{Name: "cmax"}, number: -5, typeOID: 29},
	{Column: catalog.Column{Name: "xmax", Type: types.Of(types.Xid)}, number: -4, typeOID: 28},
	{Column: catalog.Column{Name: "cmin"}, number: -3, typeOID: 29},
	{Column: catalog.Column{Name: "xmin", Type: types.Of(types.Xid)}, number: -2, typeOID: 28},
	{Column: catalog.Column{Name: "ctid"}, number: -1, typeOID: 27},
}

func pgAttribute(s *scan) error {
	out := s.columns(`attrelid attname atttypid attstattarget attlen attnum attndims attcacheoff
		atttypmod attbyval attalign attstorage attcompression attnotnull atthasdef atthasmissing
		attidentity attgenerated attisdropped attislocal attinhcount attcollation`)
	return s.selectClasses("attrelid", "", func(c *classRow) error {
		if c.hasSystem {
			for i := range systemColumns {
				a := systemColumns[i]
				a.NotNull, a.typmod = true, -1
				if err := s.writeAttribute(out, c.oid, &a); err != nil {
					return err
				}
			}
		}
		for i := range c.columns {
			if err := s.writeAttribute(out, c.oid, &c.columns[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scan) writeAttribute(out *writer, relation catalog.OID, a *attribute) error {
	if !s.wantsName("attname", a.Name) {
		return nil
	}
	name, typ := text(a.Name), s.world().physical(a.typeOID)
	typeOID := a.typeOID
	if a.Dropped {
		name, typeOID = text("........pg.dropped."+itoa(a.number)+"........"), 0
	}
	statTarget := -1
	if a.number < 0 {
		statTarget = 0
	}
	generated := byte(0)
	if a.Generated {
		generated = 's'
	}
	dims := 0
	for t := &a.Type; t.Kind == types.Array && t.Elem != nil; t = t.Elem {
		dims++
	}
	return out.write(
		oidDatum(relation), name, oidDatum(typeOID), integer(statTarget), integer(typ.length),
		integer(a.number), integer(dims), integer(-1), integer(int(a.typmod)),
		boolean(typ.byValue), charDatum(typ.align), charDatum(typ.storage), charDatum(0),
		boolean(a.NotNull && !a.Dropped), boolean(a.hasDefault()), boolean(false),
		charDatum(a.Identity), charDatum(generated), boolean(a.Dropped), boolean(true), integer(0),
		oidDatum(typ.collation))
}

// physical gives length, alignment and collation of a type, as pg_type does; of a type that
// is no more, those of an enum.
func (w *world) physical(oid catalog.OID) *typeRow {
	if t := w.g.types().byOID[oid]; t != nil {
		return t
	}
	if d := w.typeDefByOID(oid); d != nil {
		return &typeRow{length: d.length, byValue: d.byValue, align: d.align, storage: d.storage,
			collation: d.collation}
	}
	return &typeRow{length: 4, byValue: true, align: 'i', storage: 'p'}
}

// eachDefault calls f with every column that has a default or generation
// expression, of the relations that a hint on column lets through.
func (s *scan) eachDefault(column string, f func(c *classRow, a *attribute) error) error {
	return s.selectClasses(column, "", func(c *classRow) error {
		for i := range c.columns {
			if a := &c.columns[i]; a.hasDefault() {
				if err := f(c, a); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// hasDefault tells whether a column has a row in pg_attrdef: an identity column takes
// its numbers without one.
func (a *attribute) hasDefault() bool { return a.Default != "" && !a.Dropped && a.Identity == 0 }

func defaultOID(relation catalog.OID, number int) catalog.OID {
	return hashedOID(relation, "default", itoa(number))
}

func pgAttrdef(s *scan) error {
	out := s.columns("oid adrelid adnum adbin")
	return s.eachDefault("adrelid", func(c *classRow, a *attribute) error {
		return out.write(oidDatum(defaultOID(c.oid, a.number)), oidDatum(c.oid), integer(a.number),
			text(a.Default))
	})
}

func pgIndex(s *scan) error {
	w := s.world()
	out := s.columns(`indexrelid indrelid indnatts indnkeyatts indisunique indnullsnotdistinct
		indisprimary indisexclusion indimmediate indisclustered indisvalid indcheckxmin indisready
		indislive indisreplident indkey indcollation indclass indoption indexprs indpred`)
	return w.eachUserClass(func(c *classRow) error {
		if c.relkind != 'i' || !s.wantsOID("indexrelid", c.oid) || !s.wantsOID("indrelid", c.table) {
			return nil
		}
		keys, options := make([]int, len(c.keys)), make([]int, len(c.keys))
		collations, classes := make([]catalog.OID, len(c.keys)), make([]catalog.OID, len(c.keys))
		exprs, predicate, same := null, null, false
		if x := c.index; x != nil {
			var texts []string
			for _, t := range x.IndexExprs {
				if t != "" {
					texts = append(texts, t)
				}
			}
			exprs, predicate = orNull(strings.Join(texts, ", ")), orNull(x.Predicate)
			same = x.NullsSame
		}
		for i, k := range c.keys {
			keys[i] = k + 1
			collations[i] = w.physical(c.columns[i].typeOID).collation
			classes[i] = s.g.operatorClass(c.columns[i].typeOID)
		}
		return out.write(oidDatum(c.oid), oidDatum(c.table), integer(len(keys)), integer(len(keys)),
			boolean(c.unique), boolean(same), boolean(c.primary), boolean(false), boolean(true),
			boolean(false), boolean(true), boolean(false), boolean(true), boolean(true),
			boolean(false), int2Vector(keys), oidVector(collations), oidVector(classes),
			int2Vector(options), exprs, predicate)
	})
}

// operatorClass gives the default btree operator class of a type.
func (g *Registry) operatorClass(typ catalog.OID) catalog.OID {
	r := g.byName[catalog.PgCatalogSchema]["pg_opclass"]
	method, intype, isDefault := r.index["opcmethod"], r.index["opcintype"], r.index["opcdefault"]
	find := func(typ catalog.OID) catalog.OID {
		for _, row := range g.recordedRows(r) {
			if datumOID(row[method]) == oidBtreeAM && datumOID(row[intype]) == typ &&
				row[isDefault].Bool() {
				return datumOID(row[0])
			}
		}
		return 0
	}
	if oid := find(typ); oid != 0 {
		return oid
	}
	switch t := g.types().byOID[typ]; {
	case t == nil:
		return find(3500) // anyenum
	case t.category == 'A':
		return find(2277) // anyarray
	case t.category == 'S':
		return find(25) // text
	}
	return 0
}
