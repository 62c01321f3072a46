package sql

// ObjectKind is a kind of named object.
type ObjectKind uint8

// The kinds of objects.
const (
	NoObject ObjectKind = iota
	ObjStream
	ObjTable
	ObjMaterializedView
	ObjView
	ObjIndex
	ObjSchema
	ObjType
	ObjDomain
	ObjSequence
	ObjFunction
	ObjProcedure
	ObjAggregate
	ObjRole
	ObjDatabase
	ObjExtension
	ObjColumn
	ObjConstraint
	ObjConnector
	ObjQuery
	ObjTopic
	ObjLanguage
	ObjCast
	ObjTrigger
	ObjPublication
	ObjCollation
	ObjTablespace
)

var objectWords = [...]string{"", "STREAM", "TABLE", "MATERIALIZED VIEW", "VIEW", "INDEX",
	"SCHEMA", "TYPE", "DOMAIN", "SEQUENCE", "FUNCTION", "PROCEDURE", "AGGREGATE", "ROLE",
	"DATABASE", "EXTENSION", "COLUMN", "CONSTRAINT", "CONNECTOR", "QUERY", "TOPIC",
	"LANGUAGE", "CAST", "TRIGGER", "PUBLICATION", "COLLATION", "TABLESPACE"}

// String returns the kind's words in upper case, as in DROP MATERIALIZED VIEW.
func (k ObjectKind) String() string { return objectWords[k] }

type (
	// CreateStream is CREATE STREAM with its columns. Without columns they come from
	// elsewhere, which the planner refuses.
	CreateStream struct {
		Extent
		Name        Name
		Replace     bool
		IfNotExists bool
		Source      bool // SOURCE STREAM: read only
		Definition
		With []Option
	}

	// CreateTable is CREATE TABLE with its columns.
	CreateTable struct {
		Extent
		Name        Name
		Replace     bool
		IfNotExists bool
		Source      bool // SOURCE TABLE: read only
		Temp        bool
		Unlogged    bool
		AppendOnly  bool // APPEND ONLY: rows are never updated or deleted
		// Of is the composite type that gives the columns; those of Definition have no type
		// then and only say more about them.
		Of Name
		Definition
		With     []Option
		OnCommit OnCommit
	}

	// CreateAs is CREATE STREAM AS or CREATE TABLE AS.
	CreateAs struct {
		Extent
		Kind        ObjectKind // ObjStream or ObjTable
		Name        Name
		Replace     bool
		IfNotExists bool
		Temp        bool
		Unlogged    bool
		Columns     []string // new names of the first columns
		With        []Option
		OnCommit    OnCommit
		Query       *Query
		// Execute stands for the query of a prepared statement; Query is nil then.
		Execute *Execute
		NoData  bool
	}

	// CreateMaterializedView is CREATE MATERIALIZED VIEW.
	CreateMaterializedView struct {
		Extent
		Name        Name
		Replace     bool
		IfNotExists bool
		Columns     []string
		With        []Option
		Query       *Query
		NoData      bool
	}

	// CreateView is CREATE VIEW.
	CreateView struct {
		Extent
		Name        Name
		Replace     bool
		IfNotExists bool
		Temp        bool
		Recursive   bool
		Columns     []string
		With        []Option
		Query       *Query
		Check       CheckOption
	}

	// CreateIndex is CREATE INDEX.
	CreateIndex struct {
		Extent
		Name         Name // nil: made from the table and columns
		Table        Name
		Only         bool
		Unique       bool
		Concurrently bool
		IfNotExists  bool
		Method       string // "" without USING
		Keys         []IndexKey
		Include      []string
		NullsSame    bool // NULLS NOT DISTINCT
		With         []Option
		Where        Expr
	}

	// CreateSchema is CREATE SCHEMA. Name is "" if only AUTHORIZATION was given.
	CreateSchema struct {
		Extent
		Name        string
		IfNotExists bool
		Owner       string
	}

	// CreateType is CREATE TYPE: exactly one of Alias, Enum or Fields is meant, by Kind.
	CreateType struct {
		Extent
		Name        Name
		IfNotExists bool
		Kind        TypeKind
		Alias       *TypeName
		Labels      []string
		Fields      []ColDef
	}

	// CreateDomain is CREATE DOMAIN.
	CreateDomain struct {
		Extent
		Name    Name
		Type    *TypeName
		Collate Name
		Default Expr
		NotNull bool
		Checks  []*Constraint
	}

	// CreateSequence is CREATE SEQUENCE.
	CreateSequence struct {
		Extent
		Name        Name
		IfNotExists bool
		Temp        bool
		Options     SequenceOptions
	}

	// CreateFunction is CREATE FUNCTION or CREATE PROCEDURE.
	CreateFunction struct {
		Extent
		Name         Name
		Replace      bool
		Procedure    bool
		Args         []FuncArg
		Returns      *TypeName // nil: none given
		ReturnsTable []ColDef
		Language     string
		Volatility   Volatility
		Strict       bool // STRICT or RETURNS NULL ON NULL INPUT
		Body         string
		HasBody      bool // AS 'text' was given
		Return       Expr // RETURN expr
	}

	// CreateRole is CREATE ROLE, USER or GROUP.
	CreateRole struct {
		Extent
		Name        string
		IfNotExists bool
		User        bool // CREATE USER: may log in
		Options     []Option
	}

	// CreateDatabase is CREATE DATABASE.
	CreateDatabase struct {
		Extent
		Name    string
		Options []Option
	}

	// CreateExtension is CREATE EXTENSION.
	CreateExtension struct {
		Extent
		Name        string
		IfNotExists bool
		Schema      string
		Cascade     bool
	}

	// Drop is DROP of any kind of object.
	Drop struct {
		Extent
		Kind         ObjectKind
		IfExists     bool
		Names        []Name
		Args         [][]*TypeName // of functions: nil element = no list given
		Concurrently bool
		Cascade      bool
		DeleteTopic  bool // the data goes in any case; refused for sources
	}
)

// Definition is the bracketed list of CREATE STREAM or CREATE TABLE.
type Definition struct {
	Columns     []*ColumnDef
	Watermark   *Watermark
	Constraints []*Constraint
	Likes       []TableLike
}

// ColumnDef is one column of a definition.
type ColumnDef struct {
	Loc
	Name       string
	Type       *TypeName // nil only for a computed column, and in a table OF a type
	Key        bool      // KEY of a stream
	PrimaryKey bool
	KeyName    string // of CONSTRAINT name PRIMARY KEY
	NotNull    bool
	Null       bool // NULL was written
	Unique     bool
	UniqueName string // of CONSTRAINT name UNIQUE
	NullsSame  bool   // UNIQUE NULLS NOT DISTINCT
	Headers    bool   // all headers of the record
	Header     string // HEADER('name'): one of them
	Default    Expr
	Generated  *Generated
	Checks     []*Constraint
	References *Reference
	Collate    Name
}

// Generated is GENERATED ... AS (X) STORED, AS IDENTITY, or name AS X.
type Generated struct {
	Kind    GeneratedKind
	X       Expr
	Options SequenceOptions // of identity columns
}

// GeneratedKind is how a column's value is made.
type GeneratedKind uint8

// The kinds of generated columns.
const (
	GeneratedStored GeneratedKind = iota
	IdentityAlways
	IdentityByDefault
	ComputedColumn // p AS expr, without a type
)

// Watermark is WATERMARK FOR Column AS X.
type Watermark struct {
	Loc
	Column string
	X      Expr
}

// Constraint is a table constraint, or CHECK of a column or domain.
type Constraint struct {
	Loc
	Name      string // "" unless CONSTRAINT name was written
	Kind      ConstraintKind
	Columns   []string
	Include   []string // INCLUDE (...) of a key
	NullsSame bool     // UNIQUE NULLS NOT DISTINCT
	Check     Expr
	Ref       *Reference
	Deferred  Deferral
	NotValid  bool // rows that exist are not checked
}

// ConstraintKind is the kind of a constraint.
type ConstraintKind uint8

// The kinds of constraints.
const (
	PrimaryKeyConstraint ConstraintKind = iota
	UniqueConstraint
	CheckConstraint
	ForeignKeyConstraint
)

// Deferral is DEFERRABLE and INITIALLY DEFERRED of a constraint.
type Deferral uint8

// The ways to defer.
const (
	NotDeferrable Deferral = iota
	Deferrable
	InitiallyDeferred
)

// Reference is REFERENCES Table (Columns).
type Reference struct {
	Table    Name
	Columns  []string
	OnDelete string // "", "CASCADE", "RESTRICT", "NO ACTION", "SET NULL", "SET DEFAULT"
	OnUpdate string
	// SetColumns are the columns behind ON DELETE SET NULL or SET DEFAULT; nil: all.
	SetColumns []string
	Match      string // "FULL" or "PARTIAL"; "" is MATCH SIMPLE
	// Name and Deferred are of a column's reference; a table constraint has its own.
	Name     string
	Deferred Deferral
}

// TableLike is LIKE other [INCLUDING x ...] in a definition.
type TableLike struct {
	Loc
	At        int // how many columns are written before it
	Table     Name
	Including []string // upper case; "ALL", "DEFAULTS", ...
	Excluding []string
}

// OnCommit is what happens to a temporary table at the end of a transaction.
type OnCommit uint8

// The forms of ON COMMIT.
const (
	OnCommitNone OnCommit = iota
	OnCommitDrop
	OnCommitDeleteRows
	OnCommitPreserveRows
)

// String returns the words after ON COMMIT.
func (o OnCommit) String() string {
	return [...]string{"", "DROP", "DELETE ROWS", "PRESERVE ROWS"}[o]
}

// CheckOption is WITH CHECK OPTION of a view.
type CheckOption uint8

// The check options.
const (
	CheckNone CheckOption = iota
	CheckCascaded
	CheckLocal
)

// IndexKey is one element of an index.
type IndexKey struct {
	SortKey
	Collate Name
	OpClass Name
}

// TypeKind is the kind of a created type.
type TypeKind uint8

// The kinds of created types.
const (
	AliasType TypeKind = iota
	EnumType
	CompositeType
)

// SequenceOptions are the options of a sequence or identity column; nil = not given.
type SequenceOptions struct {
	Type               *TypeName
	Start, Restart     Expr
	Increment          Expr
	Min, Max           Expr
	NoMin, NoMax       bool
	Cache              Expr
	Cycle, NoCycle     bool
	RestartWithDefault bool // RESTART without a value
	OwnedBy            Name // {"none"} for OWNED BY NONE
	Name               Name // SEQUENCE NAME, of an identity column
}

// FuncArg is one declared argument of a function.
type FuncArg struct {
	Mode    string // "", "IN", "OUT", "INOUT", "VARIADIC"
	Name    string // "" if unnamed
	Type    *TypeName
	Default Expr
}

// Volatility is what a function promises about its results.
type Volatility uint8

// The volatilities; the default is volatile.
const (
	VolatilityNone Volatility = iota
	Immutable
	Stable
	Volatile
)

// String returns the word.
func (v Volatility) String() string {
	return [...]string{"", "IMMUTABLE", "STABLE", "VOLATILE"}[v]
}
