package sql

type (
	// DropOwned is DROP OWNED BY.
	DropOwned struct {
		Extent
		Roles   []string
		Cascade bool
	}

	// ReassignOwned is REASSIGN OWNED BY ... TO.
	ReassignOwned struct {
		Extent
		Roles []string
		To    string
	}

	// Explain is EXPLAIN of a statement, or of a running query where Stmt is nil.
	Explain struct {
		Extent
		Analyze bool
		Verbose bool
		Format  string   // "text", "json", ...; "" if not given
		Options []Option // the others, as written
		Stmt    Statement
		Query   Name // the query's name
	}

	// Describe is DESCRIBE x [EXTENDED].
	Describe struct {
		Extent
		NamePos  Loc
		Kind     ObjectKind // NoObject unless FUNCTION, STREAM, TABLE, ... was written
		Name     Name
		Extended bool
	}

	// ShowObjects is SHOW or LIST of a kind of objects; also DESCRIBE STREAMS.
	ShowObjects struct {
		Extent
		Kind     ShowKind
		All      bool // SHOW ALL TOPICS
		Extended bool
		In       Name   // FROM or IN schema or relation
		Like     string // LIKE 'pattern', "" if not given
	}

	// ShowCreate is SHOW CREATE STREAM x: the statement that makes it.
	ShowCreate struct {
		Extent
		Kind ObjectKind
		Name Name
	}

	// PrintStream is PRINT x [FROM BEGINNING] [INTERVAL n] [LIMIT n].
	PrintStream struct {
		Extent
		NamePos       Loc
		Name          Name
		FromBeginning bool
		Interval      int64 // every n-th row; 0 = every row
		Limit         int64 // -1 = no limit
	}

	// Pause is PAUSE q, or ALL.
	Pause struct {
		Extent
		Target
	}

	// Resume is RESUME q, or ALL.
	Resume struct {
		Extent
		Target
	}

	// Terminate is TERMINATE q, or ALL.
	Terminate struct {
		Extent
		Target
	}

	// Comment is COMMENT ON.
	Comment struct {
		Extent
		Kind ObjectKind
		Name Name        // of a column: relation and column
		Args []*TypeName // of a function
		On   Name        // COMMENT ON CONSTRAINT c ON t
		Text *string     // nil for NULL
	}

	// Grant is GRANT of privileges on objects, or of roles.
	Grant struct {
		Extent
		Grantable
		WithOption bool // WITH GRANT OPTION or WITH ADMIN OPTION
	}

	// Revoke is REVOKE.
	Revoke struct {
		Extent
		Grantable
		OptionFor bool // GRANT OPTION FOR or ADMIN OPTION FOR
		Cascade   bool
	}

	// Lock is LOCK TABLE.
	Lock struct {
		Extent
		Names  []Name
		Mode   string // "ACCESS EXCLUSIVE", ...; "" if not given
		NoWait bool
	}

	// Analyze is ANALYZE.
	Analyze struct {
		Extent
		Maintained
	}

	// Vacuum is VACUUM.
	Vacuum struct {
		Extent
		Maintained
	}

	// Reindex is REINDEX.
	Reindex struct {
		Extent
		Kind         ObjectKind
		System       bool // SYSTEM: the catalogs of the database Name
		Options      []Option
		Name         Name
		Concurrently bool
	}

	// Checkpoint is CHECKPOINT.
	Checkpoint struct{ Extent }

	// Flush is FLUSH.
	Flush struct{ Extent }

	// RefreshView is REFRESH MATERIALIZED VIEW.
	RefreshView struct {
		Extent
		Name         Name
		Concurrently bool
		NoData       bool
	}

	// Do is DO 'code'.
	Do struct {
		Extent
		Language string
		Body     string
	}

	// CallProc is CALL procedure(args).
	CallProc struct {
		Extent
		Call *Call
	}

	// RunScript is RUN SCRIPT 'file'.
	RunScript struct {
		Extent
		File string
	}

	// AssertTopic is ASSERT [NOT EXISTS] TOPIC.
	AssertTopic struct {
		Extent
		Not     bool
		Name    Name
		Options []Option
		Timeout *Span
	}

	// AssertSchema is ASSERT [NOT EXISTS] SCHEMA.
	AssertSchema struct {
		Extent
		Not     bool
		Subject string
		ID      int64 // -1 if not given
		Timeout *Span
	}

	// AssertValues is ASSERT VALUES x (cols) VALUES ..., or ASSERT NULL VALUES.
	AssertValues struct {
		Extent
		Null    bool
		Table   Name
		Columns []string
		Query   *Query
	}

	// AssertRelation is ASSERT STREAM or ASSERT TABLE with a definition.
	AssertRelation struct {
		Extent
		Kind ObjectKind
		Name Name
		Definition
		With []Option
	}
)

// Target is one query, or all.
type Target struct {
	NamePos Loc
	Name    Name
	All     bool
}

// Maintained is what VACUUM and ANALYZE work on; no names means everything.
type Maintained struct {
	Options []Option // upper-level words such as full, verbose, analyze
	Targets []MaintainedTable
}

// MaintainedTable is a table, perhaps with some of its columns.
type MaintainedTable struct {
	Name    Name
	Columns []string
}

// Grantable is the common part of GRANT and REVOKE.
type Grantable struct {
	Privileges []Privilege // empty with All or Roles
	All        bool        // ALL [PRIVILEGES]
	Kind       ObjectKind  // ObjTable if no kind was written
	AllIn      bool        // ALL TABLES IN SCHEMA: Names are schemas
	Names      []Name
	Args       [][]*TypeName // of functions
	Roles      []string      // GRANT role TO: set instead of Privileges and Names
	By         string        // GRANTED BY; "" if not given
	To         []string      // "public" for PUBLIC
}

// Privilege is one privilege, perhaps on some columns only.
type Privilege struct {
	Name    string // upper case
	Columns []string
}

// ShowKind is a kind of objects that SHOW lists.
type ShowKind uint8

// The kinds that can be listed.
const (
	ShowStreams ShowKind = iota
	ShowTables
	ShowViews
	ShowMaterializedViews
	ShowQueries
	ShowTopics
	ShowFunctions
	ShowTypes
	ShowVariables
	ShowProperties
	ShowConnectors
	ShowConnectorPlugins
	ShowSchemas
	ShowDatabases
	ShowColumns
	ShowIndexes
	ShowRoles
	ShowSequences
	ShowSessions
	ShowNodes
	ShowPartitions
	ShowCursors
)

var showWords = [...]string{"STREAMS", "TABLES", "VIEWS", "MATERIALIZED VIEWS", "QUERIES",
	"TOPICS", "FUNCTIONS", "TYPES", "VARIABLES", "PROPERTIES", "CONNECTORS",
	"CONNECTOR PLUGINS", "SCHEMAS", "DATABASES", "COLUMNS", "INDEXES", "ROLES", "SEQUENCES",
	"SESSIONS", "NODES", "PARTITIONS", "CURSORS"}

// String returns the words after SHOW.
func (k ShowKind) String() string { return showWords[k] }
