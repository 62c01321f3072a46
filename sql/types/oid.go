package types

// kindInfo is what PostgreSQL's pg_type says about a kind.
type kindInfo struct {
	name      string // typname
	sql       string // format_type's name without modifiers
	oid       uint32
	arrayOID  uint32
	len       int16 // typlen: -1 is variable, -2 a C string
	category  byte
	preferred bool
}

// jsonbOID and jsonbArrayOID are what MAP and STRUCT are on the wire.
const (
	jsonbOID      = 3802
	jsonbArrayOID = 3807
)

// kinds is indexed by Kind. Source: src/include/catalog/pg_type.dat of
// PostgreSQL 15.
var kinds = [kindCount]kindInfo{
	Invalid:      {name: "invalid", sql: "invalid", category: 'X'},
	Unknown:      {"unknown", "unknown", 705, 0, -2, 'X', false},
	Bool:         {"bool", "boolean", 16, 1000, 1, 'B', true},
	Char:         {"char", "\"char\"", 18, 1002, 1, 'Z', false},
	Int2:         {"int2", "smallint", 21, 1005, 2, 'N', false},
	Int4:         {"int4", "integer", 23, 1007, 4, 'N', false},
	Int8:         {"int8", "bigint", 20, 1016, 8, 'N', false},
	OID:          {"oid", "oid", 26, 1028, 4, 'N', true},
	Regproc:      {"regproc", "regproc", 24, 1008, 4, 'N', false},
	Regtype:      {"regtype", "regtype", 2206, 2211, 4, 'N', false},
	Regclass:     {"regclass", "regclass", 2205, 2210, 4, 'N', false},
	Regnamespace: {"regnamespace", "regnamespace", 4089, 4090, 4, 'N', false},
	Regrole:      {"regrole", "regrole", 4096, 4097, 4, 'N', false},
	Regprocedure: {"regprocedure", "regprocedure", 2202, 2207, 4, 'N', false},
	Regoper:      {"regoper", "regoper", 2203, 2208, 4, 'N', false},
	Regoperator:  {"regoperator", "regoperator", 2204, 2209, 4, 'N', false},
	Regcollation: {"regcollation", "regcollation", 4191, 4192, 4, 'N', false},
	Xid:          {"xid", "xid", 28, 1011, 4, 'U', false},
	Float4:       {"float4", "real", 700, 1021, 4, 'N', false},
	Float8:       {"float8", "double precision", 701, 1022, 8, 'N', true},
	Numeric:      {"numeric", "numeric", 1700, 1231, -1, 'N', false},
	Text:         {"text", "text", 25, 1009, -1, 'S', true},
	Varchar:      {"varchar", "character varying", 1043, 1015, -1, 'S', false},
	Bpchar:       {"bpchar", "character", 1042, 1014, -1, 'S', false},
	Name:         {"name", "name", 19, 1003, 64, 'S', false},
	Bytea:        {"bytea", "bytea", 17, 1001, -1, 'U', false},
	Date:         {"date", "date", 1082, 1182, 4, 'D', false},
	Time:         {"time", "time without time zone", 1083, 1183, 8, 'D', false},
	Timetz:       {"timetz", "time with time zone", 1266, 1270, 12, 'D', false},
	Timestamp:    {"timestamp", "timestamp without time zone", 1114, 1115, 8, 'D', false},
	Timestamptz:  {"timestamptz", "timestamp with time zone", 1184, 1185, 8, 'D', true},
	Interval:     {"interval", "interval", 1186, 1187, 16, 'T', true},
	UUID:         {"uuid", "uuid", 2950, 2951, 16, 'U', false},
	JSON:         {"json", "json", 114, 199, -1, 'U', false},
	JSONB:        {"jsonb", "jsonb", jsonbOID, jsonbArrayOID, -1, 'U', false},
	Jsonpath:     {"jsonpath", "jsonpath", 4072, 4073, -1, 'U', false},
	Array:        {"anyarray", "anyarray", 2277, 0, -1, 'A', false},
	Map:          {"map", "MAP", jsonbOID, jsonbArrayOID, -1, 'U', false},
	Struct:       {"struct", "STRUCT", jsonbOID, jsonbArrayOID, -1, 'U', false},
	Record:       {"record", "record", 2249, 2287, -1, 'P', false},
	Int2vector:   {"int2vector", "int2vector", 22, 1006, -1, 'A', false},
	Oidvector:    {"oidvector", "oidvector", 30, 1013, -1, 'A', false},
	Aclitem:      {"aclitem", "aclitem", 1033, 1034, 12, 'U', false},
	NodeTree:     {"pg_node_tree", "pg_node_tree", 194, 0, -1, 'Z', false},
	Enum:         {"anyenum", "anyenum", 3500, 0, 4, 'E', false},
	Void:         {"void", "void", 2278, 0, 4, 'P', false},
	Any:          {"any", "\"any\"", 2276, 0, 4, 'P', false},
}

// String gives the kind's typname: "int4", "timestamptz".
func (k Kind) String() string {
	if k >= kindCount {
		return "invalid"
	}
	return kinds[k].name
}

// SQLName gives the kind's name in messages: "integer", "timestamp with time
// zone".
func (k Kind) SQLName() string {
	if k >= kindCount {
		return "invalid"
	}
	return kinds[k].sql
}

// OID gives the type's PostgreSQL oid as clients see it: MAP and STRUCT are
// jsonb, arrays of arrays are arrays of the innermost element.
func (t Type) OID() uint32 {
	if t.Enum != nil {
		return t.Enum.OID
	}
	if t.Row != nil {
		return t.Row.OID
	}
	if t.Kind != Array {
		return kinds[t.Kind].oid
	}
	if t.Elem == nil {
		return kinds[Array].oid
	}
	return t.Innermost().ArrayOID()
}

// ArrayOID gives the oid of the array type over t, 0 if there is none.
func (t Type) ArrayOID() uint32 {
	if t.Kind == Array {
		return t.OID()
	}
	if t.Enum != nil {
		return t.Enum.ArrayOID
	}
	if t.Row != nil {
		return t.Row.ArrayOID
	}
	return kinds[t.Kind].arrayOID
}

// Innermost gives the element type below all array levels, t itself if t is no
// array.
func (t Type) Innermost() Type {
	for t.Kind == Array && t.Elem != nil {
		t = *t.Elem
	}
	return t
}

// Len gives PostgreSQL's typlen: bytes, or -1 for variable, -2 for C strings.
func (t Type) Len() int16 { return kinds[t.Kind].len }

// TypName gives pg_type.typname: "int4", "_int4", "jsonb" for MAP and STRUCT.
func (t Type) TypName() string {
	switch t.Kind {
	case Map, Struct:
		return "jsonb"
	case Array:
		if t.Elem != nil {
			return "_" + t.Innermost().TypName()
		}
	case Enum:
		if t.Enum != nil {
			return t.Enum.Name
		}
	case Record:
		if t.Row != nil {
			return t.Row.Name
		}
	}
	return kinds[t.Kind].name
}

// Category gives pg_type.typcategory of a kind, for operator resolution.
func Category(k Kind) byte { return kinds[k].category }

// Preferred tells whether a kind is its category's preferred one.
func Preferred(k Kind) bool { return kinds[k].preferred }

// TypeByOID gives the type with a PostgreSQL oid. jsonb's oid is JSONB.
func TypeByOID(oid uint32) (Type, bool) {
	switch oid {
	case 0:
		return Type{}, false
	case 18:
		return Of(Char), true
	}
	for k := Unknown; k < kindCount; k++ {
		if k == Map || k == Struct || k == Array || k == Enum {
			continue
		}
		if kinds[k].oid == oid {
			return Of(k), true
		}
		if kinds[k].arrayOID == oid {
			return ArrayOf(Of(k)), true
		}
	}
	return Type{}, false
}

// Builtin lists the built-in types in order of kind: every scalar, each followed
// by its array type where it has one. It is for pg_type.
func Builtin() []Type {
	var ts []Type
	for k := Unknown; k < kindCount; k++ {
		if k == Map || k == Struct || k == Array || k == Enum {
			continue
		}
		ts = append(ts, Of(k))
		if kinds[k].arrayOID != 0 {
			ts = append(ts, ArrayOf(Of(k)))
		}
	}
	return ts
}
