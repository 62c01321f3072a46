package sql

// TypeName is a type as written: names, modifiers and element types, not yet looked up.
// Spellings of several words are folded to one: double precision is float8, character
// varying is varchar, timestamp with time zone is timestamptz.
type TypeName struct {
	Loc
	Name   Name
	Quoted bool // a single name in quotes: "char" is another type than char
	// Mods are the modifiers as written: (10, 2) of numeric; for interval also the field
	// words ("day", "to", "second").
	Mods   []string
	Elems  []*TypeName // of ARRAY<T>, MAP<K, V>, STRUCT<f T, ...>
	Fields []string    // the field names of STRUCT; len(Fields) == len(Elems) there
	Dims   []string    // one per [] or [3]
	SetOf  bool        // SETOF t, only as the result of a function
	Pct    bool        // t.c%TYPE
}

// IsStruct reports whether the type is STRUCT<...>.
func (t *TypeName) IsStruct() bool {
	return !t.Quoted && len(t.Name) == 1 && t.Name[0] == "struct"
}
