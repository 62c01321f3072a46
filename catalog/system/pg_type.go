package system

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// typeDef is one row of pg_type that is not recorded.
type typeDef struct {
	oid           catalog.OID
	schema, name  string
	owner         string
	typtype       byte
	category      byte
	length        int
	byValue       bool
	align         byte
	storage       byte
	relation      catalog.OID
	elem, array   catalog.OID
	input, output catalog.OID
	receive, send catalog.OID
	subscript     catalog.OID
	analyze       catalog.OID
	notNull       bool
	base          catalog.OID
	typmod        int
	collation     catalog.OID
}

// eachType calls f with every type that is not recorded: of CREATE TYPE, their
// arrays, and the row types of relations with theirs.
func (w *world) eachType(f func(*typeDef) error) error {
	for _, t := range w.s.UserTypes() {
		def := w.userTypeDef(t)
		if err := f(def); err != nil {
			return err
		}
		if err := f(arrayDef(def)); err != nil {
			return err
		}
	}
	return w.eachClass(func(c *classRow) error {
		if c.rowType == 0 || c.relkind == 'c' {
			return nil
		}
		def := rowTypeDef(c)
		if err := f(def); err != nil || def.array == 0 {
			return err
		}
		return f(arrayDef(def))
	})
}

// Functions for the input and output of types, in pg_proc.
const (
	procRecordIn, procRecordOut, procRecordReceive, procRecordSend = 2290, 2291, 2402, 2403
	procEnumIn, procEnumOut, procEnumReceive, procEnumSend         = 3506, 3507, 3532, 3533
	procArrayIn, procArrayOut, procArrayReceive, procArraySend     = 750, 751, 2400, 2401
	procDomainIn, procDomainReceive                                = 2597, 2598
	procArraySubscript, procArrayAnalyze                           = 6179, 3816
)

func rowTypeDef(c *classRow) *typeDef {
	def := &typeDef{oid: c.rowType, schema: c.schema, name: c.name, owner: c.owner, typtype: 'c',
		category: 'C', length: -1, align: 'd', storage: 'x', relation: c.oid, typmod: -1,
		input: procRecordIn, output: procRecordOut, receive: procRecordReceive,
		send: procRecordSend}
	if class, _ := origin(c.rowType); class == classRowType {
		def.array = derived(classArrayType, c.oid)
	}
	return def
}

func (w *world) userTypeDef(t *catalog.UserType) *typeDef {
	def := &typeDef{oid: t.OID, schema: t.Schema, name: t.Name, owner: catalog.Superuser,
		array: derived(classArrayType, t.OID), typmod: -1}
	switch {
	case isComposite(t):
		c := rowTypeDef(w.compositeClass(t))
		c.array = def.array
		return c
	case t.Labels != nil:
		def.typtype, def.category, def.length, def.byValue = 'e', 'E', 4, true
		def.align, def.storage = 'i', 'p'
		def.input, def.output = procEnumIn, procEnumOut
		def.receive, def.send = procEnumReceive, procEnumSend
	default:
		w.domainDef(def, t)
	}
	return def
}

func (w *world) domainDef(def *typeDef, t *catalog.UserType) {
	base := w.physical(catalog.OID(t.Base.OID()))
	r := w.g.byName[catalog.PgCatalogSchema]["pg_type"]
	for _, row := range w.g.recordedRows(r) {
		if datumOID(row[0]) == base.oid {
			def.output = datumOID(row[r.index["typoutput"]])
			def.send = datumOID(row[r.index["typsend"]])
		}
	}
	def.typtype, def.category, def.length, def.byValue = 'd', base.category, base.length, base.byValue
	def.align, def.storage, def.collation = base.align, base.storage, base.collation
	def.input, def.receive = procDomainIn, procDomainReceive
	def.base, def.typmod, def.notNull = base.oid, int(t.Base.Typmod()), t.NotNull
}

func arrayDef(elem *typeDef) *typeDef {
	align := byte('i')
	if elem.align == 'd' {
		align = 'd'
	}
	return &typeDef{oid: elem.array, schema: elem.schema, name: "_" + elem.name, owner: elem.owner,
		typtype: 'b', category: 'A', length: -1, align: align, storage: 'x', elem: elem.oid,
		typmod: -1, input: procArrayIn, output: procArrayOut, receive: procArrayReceive,
		send: procArraySend, subscript: procArraySubscript, analyze: procArrayAnalyze,
		collation: elem.collation}
}

func pgType(s *scan) error {
	for _, row := range s.g.recordedRows(s.rel) {
		if err := s.emit(row); err != nil {
			return err
		}
	}
	if vs, ok := s.hinted("oid"); ok && s.g.types().hasAll(vs) {
		return nil
	}
	w := s.world()
	out := s.columns(`oid typname typnamespace typowner typlen typbyval typtype typcategory
		typispreferred typisdefined typdelim typrelid typsubscript typelem typarray typinput
		typoutput typreceive typsend typmodin typmodout typanalyze typalign typstorage typnotnull
		typbasetype typtypmod typndims typcollation`)
	return w.eachType(func(t *typeDef) error {
		if !s.wantsOID("oid", t.oid) || !s.wantsName("typname", t.name) {
			return nil
		}
		return out.write(oidDatum(t.oid), text(t.name), oidDatum(w.schemaOID(t.schema)),
			oidDatum(w.roleOID(t.owner)), integer(t.length), boolean(t.byValue),
			charDatum(t.typtype), charDatum(t.category), boolean(false), boolean(true),
			charDatum(','), oidDatum(t.relation), oidDatum(t.subscript), oidDatum(t.elem),
			oidDatum(t.array), oidDatum(t.input), oidDatum(t.output), oidDatum(t.receive),
			oidDatum(t.send), oidDatum(0), oidDatum(0), oidDatum(t.analyze), charDatum(t.align),
			charDatum(t.storage), boolean(t.notNull), oidDatum(t.base), integer(t.typmod),
			integer(0), oidDatum(t.collation))
	})
}

// hasAll tells whether all of some OIDs are recorded types.
func (t *typeTable) hasAll(vs []types.Datum) bool {
	for _, v := range vs {
		if t.byOID[datumOID(v)] == nil {
			return false
		}
	}
	return true
}

func pgEnum(s *scan) error {
	out := s.columns("oid enumtypid enumsortorder enumlabel")
	for _, t := range s.snapshot().UserTypes() {
		if !s.wantsOID("enumtypid", t.OID) {
			continue
		}
		for i, label := range t.Labels {
			err := out.write(oidDatum(hashedOID(t.OID, "label", label)), oidDatum(t.OID),
				float(t.Order[i]), text(label))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
