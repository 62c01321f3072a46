// Package types says what a value is: kinds, type modifiers, OIDs, and how a
// value of each kind is compared, cast, and written as text and binary.
//
// It knows single values only (Datum); columns of values are package batch.
// Invariant: every Kind has exactly one physical form (Phys), so that state,
// log and operators handle four forms and never forty types.
package types

// Kind is the family of a type. Type modifiers, element types and fields are
// in Type.
type Kind uint8

// The kinds. Order has no meaning and is never stored; Kind.String is.
const (
	Invalid      Kind = iota
	Unknown           // an untyped literal or NULL, before its type is resolved
	Bool              // boolean
	Char              // PostgreSQL's one-byte "char" of the catalogs
	Int2              // smallint
	Int4              // integer
	Int8              // bigint
	OID               // oid
	Regproc           // regproc, shown by name
	Regtype           // regtype, shown by name
	Regclass          // regclass, shown by name
	Regnamespace      // regnamespace, shown by name
	Regrole           // regrole, shown by name
	Regprocedure      // regprocedure, shown by name and arguments
	Regoper           // regoper, shown by name
	Regoperator       // regoperator, shown by name and arguments
	Regcollation      // regcollation, shown by name
	Xid               // xid
	Float4            // real
	Float8            // double precision
	Numeric           // numeric(p, s)
	Text              // text
	Varchar           // character varying(n)
	Bpchar            // character(n)
	Name              // name, the catalogs' 63-byte string
	Bytea             // bytea
	Date              // date
	Time              // time without time zone
	Timetz            // time with time zone
	Timestamp         // timestamp without time zone
	Timestamptz       // timestamp with time zone
	Interval          // interval
	UUID              // uuid
	JSON              // json
	JSONB             // jsonb
	Jsonpath          // jsonpath, as its canonical text
	Array             // Elem[]
	Map               // ksqlDB's MAP<Key, Elem>; jsonb on the wire
	Struct            // ksqlDB's STRUCT<Fields>; jsonb on the wire
	Record            // an anonymous row, ROW(...)
	Int2vector        // int2vector of the catalogs
	Oidvector         // oidvector of the catalogs
	Aclitem           // aclitem, opaque text
	NodeTree          // pg_node_tree, opaque text
	Enum              // CREATE TYPE ... AS ENUM, see EnumType
	Void              // result of functions without one
	Any               // pseudo type of polymorphic functions' parameters
	kindCount
)

// IsReg tells whether values of k are OIDs of catalog objects that are shown by name.
func (k Kind) IsReg() bool { return k >= Regproc && k <= Regcollation }

// Phys is the physical form of a value in a column.
type Phys uint8

// The four physical forms.
const (
	PhysInt64   Phys = iota // []int64: integers, oids, date (days), time, timestamp (microseconds)
	PhysFloat64             // []float64: real (rounded to float32), double precision
	PhysBool                // []bool
	PhysBytes               // offsets and bytes: everything else, see the codecs of this package
)

// Phys gives the physical form of values of kind k.
//
// Int64 units: Date counts days since 1970-01-01; Time microseconds since
// midnight; Timestamp and Timestamptz microseconds since 1970-01-01 00:00 (UTC);
// math.MinInt64 and math.MaxInt64 are -infinity and infinity.
func (k Kind) Phys() Phys {
	switch k {
	case Int2, Int4, Int8, OID, Xid, Date, Time, Timestamp, Timestamptz, Regproc, Regtype,
		Regclass, Regnamespace, Regrole, Regprocedure, Regoper, Regoperator, Regcollation:
		return PhysInt64
	case Float4, Float8:
		return PhysFloat64
	case Bool:
		return PhysBool
	}
	return PhysBytes
}

// Field is one field of a Struct or Record.
type Field struct {
	Name string
	Type Type
}

// Type is a complete type. Types are values: copy them freely, never change
// what Elem, Key and Fields point to.
type Type struct {
	Kind Kind
	// Mod is PostgreSQL's type modifier plus one; 0 means none. numeric(12,2)
	// has Mod ((12<<16 | 2) + 4) + 1, varchar(20) has 20 + 4 + 1.
	Mod    int32
	Elem   *Type   // element of an Array, value of a Map
	Key    *Type   // key of a Map
	Fields []Field // of a Struct or Record, in order
	// Enum says which enum; nil for others, and for PostgreSQL's anyenum.
	Enum *EnumType
	// Row says which composite type a Record is of; nil for others, and for the
	// anonymous row of ROW(...).
	Row *RowType
}

// Of gives the plain type of a kind.
func Of(k Kind) Type { return Type{Kind: k} }

// ArrayOf gives the array type over elem.
func ArrayOf(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// MapOf gives MAP<key, value>.
func MapOf(key, value Type) Type { return Type{Kind: Map, Key: &key, Elem: &value} }

// Typmod gives PostgreSQL's atttypmod, -1 when there is none.
func (t Type) Typmod() int32 { return t.Mod - 1 }

// ColumnTypmod gives the atttypmod of a column of type t: that of an array is its
// elements'.
func (t Type) ColumnTypmod() int32 {
	if t.Kind == Array {
		return t.Innermost().Typmod()
	}
	return t.Typmod()
}

// WithTypmod gives t with PostgreSQL's atttypmod m (-1: none).
func (t Type) WithTypmod(m int32) Type { t.Mod = m + 1; return t }

// Phys gives the physical form of values of t.
func (t Type) Phys() Phys { return t.Kind.Phys() }

// Same tells whether t and u are the same type, modifiers aside.
func (t Type) Same(u Type) bool {
	if t.Kind != u.Kind || len(t.Fields) != len(u.Fields) {
		return false
	}
	if t.Kind == Enum && !sameEnum(t.Enum, u.Enum) {
		return false
	}
	if t.Kind == Record && !sameRow(t.Row, u.Row) {
		return false
	}
	if !samePtr(t.Elem, u.Elem) || !samePtr(t.Key, u.Key) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Same(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

func samePtr(a, b *Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Same(*b)
}
