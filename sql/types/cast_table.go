package types

// castTable is PostgreSQL 15's pg_cast between our kinds, and the casts of MAP
// and STRUCT. Casts through text are in CastKind.
var castTable = withRegKinds([kindCount][kindCount]Context{
	Bool: {
		Int4:    CastExplicit,
		Text:    CastAssignment,
		Varchar: CastAssignment,
		Bpchar:  CastAssignment,
	},
	Char: {
		Int4:    CastExplicit,
		Text:    CastImplicit,
		Varchar: CastAssignment,
		Bpchar:  CastAssignment,
	},
	Int2: {
		Int4:         CastImplicit,
		Int8:         CastImplicit,
		OID:          CastImplicit,
		Regproc:      CastImplicit,
		Regtype:      CastImplicit,
		Regclass:     CastImplicit,
		Regnamespace: CastImplicit,
		Regrole:      CastImplicit,
		Float4:       CastImplicit,
		Float8:       CastImplicit,
		Numeric:      CastImplicit,
	},
	Int4: {
		Bool:         CastExplicit,
		Char:         CastExplicit,
		Int2:         CastAssignment,
		Int8:         CastImplicit,
		OID:          CastImplicit,
		Regproc:      CastImplicit,
		Regtype:      CastImplicit,
		Regclass:     CastImplicit,
		Regnamespace: CastImplicit,
		Regrole:      CastImplicit,
		Float4:       CastImplicit,
		Float8:       CastImplicit,
		Numeric:      CastImplicit,
	},
	Int8: {
		Int2:         CastAssignment,
		Int4:         CastAssignment,
		OID:          CastImplicit,
		Regproc:      CastImplicit,
		Regtype:      CastImplicit,
		Regclass:     CastImplicit,
		Regnamespace: CastImplicit,
		Regrole:      CastImplicit,
		Float4:       CastImplicit,
		Float8:       CastImplicit,
		Numeric:      CastImplicit,
	},
	OID: {
		Int4:         CastAssignment,
		Int8:         CastAssignment,
		Regproc:      CastImplicit,
		Regtype:      CastImplicit,
		Regclass:     CastImplicit,
		Regnamespace: CastImplicit,
		Regrole:      CastImplicit,
	},
	Regproc: {
		Int4: CastAssignment,
		Int8: CastAssignment,
		OID:  CastImplicit,
	},
	Regtype: {
		Int4: CastAssignment,
		Int8: CastAssignment,
		OID:  CastImplicit,
	},
	Regclass: {
		Int4: CastAssignment,
		Int8: CastAssignment,
		OID:  CastImplicit,
	},
	Regnamespace: {
		Int4: CastAssignment,
		Int8: CastAssignment,
		OID:  CastImplicit,
	},
	Regrole: {
		Int4: CastAssignment,
		Int8: CastAssignment,
		OID:  CastImplicit,
	},
	Float4: {
		Int2:    CastAssignment,
		Int4:    CastAssignment,
		Int8:    CastAssignment,
		Float8:  CastImplicit,
		Numeric: CastAssignment,
	},
	Float8: {
		Int2:    CastAssignment,
		Int4:    CastAssignment,
		Int8:    CastAssignment,
		Float4:  CastAssignment,
		Numeric: CastAssignment,
	},
	Numeric: {
		Int2:   CastAssignment,
		Int4:   CastAssignment,
		Int8:   CastAssignment,
		Float4: CastImplicit,
		Float8: CastImplicit,
	},
	Text: {
		Char:     CastAssignment,
		Regclass: CastImplicit,
		Varchar:  CastImplicit,
		Bpchar:   CastImplicit,
		Name:     CastImplicit,
	},
	Varchar: {
		Char:     CastAssignment,
		Regclass: CastImplicit,
		Text:     CastImplicit,
		Bpchar:   CastImplicit,
		Name:     CastImplicit,
	},
	Bpchar: {
		Char:    CastAssignment,
		Text:    CastImplicit,
		Varchar: CastImplicit,
		Name:    CastImplicit,
	},
	Name: {
		Text:    CastImplicit,
		Varchar: CastAssignment,
		Bpchar:  CastAssignment,
	},
	Date: {
		Timestamp:   CastImplicit,
		Timestamptz: CastImplicit,
	},
	Time: {
		Timetz:   CastImplicit,
		Interval: CastImplicit,
	},
	Timetz: {
		Time: CastAssignment,
	},
	Timestamp: {
		Date:        CastAssignment,
		Time:        CastAssignment,
		Timestamptz: CastImplicit,
	},
	Timestamptz: {
		Date:      CastAssignment,
		Time:      CastAssignment,
		Timetz:    CastAssignment,
		Timestamp: CastAssignment,
	},
	Interval: {
		Time: CastAssignment,
	},
	JSON: {
		JSONB:  CastAssignment,
		Map:    CastAssignment,
		Struct: CastAssignment,
	},
	JSONB: {
		Bool:    CastExplicit,
		Int2:    CastExplicit,
		Int4:    CastExplicit,
		Int8:    CastExplicit,
		Float4:  CastExplicit,
		Float8:  CastExplicit,
		Numeric: CastExplicit,
		JSON:    CastAssignment,
		Map:     CastAssignment,
		Struct:  CastAssignment,
	},
	NodeTree: {
		Text: CastImplicit,
	},
	Map: {
		JSON:  CastImplicit,
		JSONB: CastImplicit,
	},
	Struct: {
		JSON:   CastImplicit,
		JSONB:  CastImplicit,
		Record: CastImplicit,
	},
	Record: {
		Struct: CastAssignment,
	},
	Int2vector: {
		Array: CastImplicit, // PostgreSQL: they are arrays, of another index base
	},
	Oidvector: {
		Array: CastImplicit,
	},
})

// withRegKinds gives the kinds from Regprocedure on the casts that Regproc has.
func withRegKinds(t [kindCount][kindCount]Context) [kindCount][kindCount]Context {
	for k := Regprocedure; k <= Regcollation; k++ {
		for from := range t {
			t[from][k] = t[from][Regproc]
		}
		t[k] = t[Regproc]
	}
	t[Regproc][Regprocedure], t[Regprocedure][Regproc] = CastImplicit, CastImplicit
	t[Regoper][Regoperator], t[Regoperator][Regoper] = CastImplicit, CastImplicit
	t[Text][Regclass], t[Varchar][Regclass] = CastImplicit, CastImplicit
	return t
}
