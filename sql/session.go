package sql

type (
	// Begin is BEGIN or START TRANSACTION.
	Begin struct {
		Extent
		Start bool // START TRANSACTION
		Modes TxModes
	}

	// Commit is COMMIT or END.
	Commit struct {
		Extent
		Chain bool
	}

	// Rollback is ROLLBACK or ABORT of the whole transaction.
	Rollback struct {
		Extent
		Chain bool
	}

	// Savepoint is SAVEPOINT.
	Savepoint struct {
		Extent
		Name string
	}

	// Release is RELEASE [SAVEPOINT].
	Release struct {
		Extent
		Name string
	}

	// RollbackTo is ROLLBACK TO [SAVEPOINT].
	RollbackTo struct {
		Extent
		Name string
	}

	// SetTransaction is SET TRANSACTION, or SET SESSION CHARACTERISTICS AS TRANSACTION where
	// Session is set.
	SetTransaction struct {
		Extent
		Session  bool
		Modes    TxModes
		Snapshot string // SET TRANSACTION SNAPSHOT 'id'
	}

	// SetConstraints is SET CONSTRAINTS; without names it is about ALL.
	SetConstraints struct {
		Extent
		Names    []Name
		Deferred bool
	}

	// SetVar is SET name = value in any spelling. SET TIME ZONE, SET NAMES, SET ROLE and
	// SET SESSION AUTHORIZATION are the settings timezone, client_encoding, role and
	// session_authorization.
	SetVar struct {
		Extent
		Name    string // folded; dotted names keep the dot
		Quoted  bool   // SET 'name' = 'value'
		Local   bool
		Values  []Expr // empty for DEFAULT; words are string constants
		Default bool
	}

	// ShowVar is SHOW of a setting; Name is "all" for SHOW ALL.
	ShowVar struct {
		Extent
		Name string
	}

	// ResetVar is RESET; Name is "all" for RESET ALL.
	ResetVar struct {
		Extent
		Name string
	}

	// Unset is ksqlDB's UNSET 'name'.
	Unset struct {
		Extent
		Name string
	}

	// Discard is DISCARD.
	Discard struct {
		Extent
		What DiscardKind
	}

	// Prepare is PREPARE.
	Prepare struct {
		Extent
		Name  string
		Types []*TypeName
		Stmt  Statement
	}

	// Execute is EXECUTE.
	Execute struct {
		Extent
		Name string
		Args []Expr
	}

	// Deallocate is DEALLOCATE; Name is "" for ALL.
	Deallocate struct {
		Extent
		Name string
		All  bool
	}

	// DeclareCursor is DECLARE ... CURSOR FOR.
	DeclareCursor struct {
		Extent
		Name        string
		Binary      bool
		Insensitive bool
		Asensitive  bool
		Scroll      bool
		NoScroll    bool
		Hold        bool
		Query       *Query
	}

	// Fetch is FETCH.
	Fetch struct {
		Extent
		CursorMove
		Options []Option // WITH (timeout = '1s')
	}

	// Move is MOVE.
	Move struct {
		Extent
		CursorMove
	}

	// CloseCursor is CLOSE; Name is "" for ALL.
	CloseCursor struct {
		Extent
		Name string
		All  bool
	}

	// Define is ksqlDB's DEFINE name = 'value'.
	Define struct {
		Extent
		Name  string
		Value string
	}

	// Undefine is UNDEFINE name.
	Undefine struct {
		Extent
		Name string
	}

	// Listen is LISTEN.
	Listen struct {
		Extent
		Channel string
	}

	// Notify is NOTIFY.
	Notify struct {
		Extent
		Channel, Payload string
	}

	// Unlisten is UNLISTEN; Channel is "" for *.
	Unlisten struct {
		Extent
		Channel string
	}
)

// TxModes are the modes of a transaction; the zero value leaves all at their defaults.
type TxModes struct {
	Isolation  Isolation
	Access     AccessMode
	Deferrable TriState
}

// Isolation is an isolation level.
type Isolation uint8

// The isolation levels.
const (
	IsolationDefault Isolation = iota
	ReadUncommitted
	ReadCommitted
	RepeatableRead
	Serializable
)

// String returns the level's words.
func (i Isolation) String() string {
	return [...]string{"", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
		"SERIALIZABLE"}[i]
}

// AccessMode is READ ONLY or READ WRITE.
type AccessMode uint8

// The access modes.
const (
	AccessDefault AccessMode = iota
	ReadWrite
	ReadOnly
)

// TriState is a switch that may have been left alone.
type TriState uint8

// The states of a switch.
const (
	Unspecified TriState = iota
	On
	Off
)

// DiscardKind is what DISCARD throws away.
type DiscardKind uint8

// The kinds of DISCARD.
const (
	DiscardAll DiscardKind = iota
	DiscardPlans
	DiscardSequences
	DiscardTemp
)

// String returns the word after DISCARD.
func (k DiscardKind) String() string {
	return [...]string{"ALL", "PLANS", "SEQUENCES", "TEMP"}[k]
}

// CursorMove is where FETCH and MOVE go.
type CursorMove struct {
	Cursor string
	Dir    FetchDir
	All    bool  // FORWARD ALL, BACKWARD ALL
	Count  int64 // of FetchForward, FetchBackward, FetchAbsolute, FetchRelative
}

// FetchDir is a direction of FETCH. NEXT is FORWARD 1, PRIOR is BACKWARD 1, FIRST is
// ABSOLUTE 1, LAST is ABSOLUTE -1.
type FetchDir uint8

// The directions.
const (
	FetchForward FetchDir = iota
	FetchBackward
	FetchAbsolute
	FetchRelative
)

// String returns the direction's word.
func (d FetchDir) String() string {
	return [...]string{"FORWARD", "BACKWARD", "ABSOLUTE", "RELATIVE"}[d]
}
