// Package catalog knows what exists: schemas, streams, tables, views, continuous
// queries, roles. A Snapshot is an immutable picture of it; a Command is a change
// that was decided by the planner and travels through the log; Machine applies
// commands in log order on every node.
//
// It knows no rows and no log. Invariant: applying the same commands to the same
// snapshot gives the same snapshot and the same refusals, byte for byte.
package catalog

import (
	"github.com/millracedb/millrace/sql/types"
)

// OID identifies an object; the same number space as PostgreSQL's oid. User
// objects start at FirstUserOID and are given by Machine, in log order.
type OID uint32

// FirstUserOID is PostgreSQL's FirstNormalObjectId.
const FirstUserOID OID = 16384

// Version numbers snapshots: the epoch of the last command applied.
type Version uint64

// RelationKind says what a relation is.
type RelationKind uint8

// The kinds of relations.
const (
	KindStream           RelationKind = iota + 1 // append-only, partitioned
	KindTable                                    // keyed changelog, or a bag with a hidden row id
	KindView                                     // a stored SELECT, expanded by the planner
	KindMaterializedView                         // kept by a continuous query
	KindIndex                                    // secondary index
	KindSequence                                 // number generator
	KindSystem                                   // virtual table of catalog/system
)

// Column is a column of a relation. Columns are never removed from the slice, so
// that numbers in the log stay good: a dropped one is marked.
type Column struct {
	Name    string
	Type    types.Type
	NotNull bool
	// Default is the SQL text of the default or generation expression, "" for
	// none.
	Default   string
	Generated bool // GENERATED ALWAYS AS (Default) STORED
	Identity  byte // 'a' always, 'd' by default, 0 none
	Hidden    bool // not in SELECT *: the row id of a bag table
	// Missing is what rows written before the column was added have in it: the
	// value of its default at that moment (PostgreSQL's attmissingval); nil: NULL.
	Missing *types.Datum `json:",omitempty"`
	// Former are the types that the column had before ALTER ... TYPE, oldest first.
	Former  []FormerType `json:",omitempty"`
	Dropped bool
	Comment string
	// UserType is the type of CREATE TYPE or CREATE DOMAIN that the column was
	// declared with, 0 for none; Type is what it is stored as.
	UserType OID
}

// FormerType is a type that a column had, and how its values became those of the next
// one. Rows in the log are never rewritten: they are converted when they are read.
type FormerType struct {
	Until uint32 // rows of the schema versions below hold values of Type
	Type  types.Type
	// Using is the SQL text of the conversion over the row as it was, "" for a cast;
	// it was made in a session with this time zone, at this time (microseconds).
	Using string `json:",omitempty"`
	Zone  string `json:",omitempty"`
	Now   int64  `json:",omitempty"`
}

// Relation is anything with columns. Immutable once in a snapshot.
type Relation struct {
	OID     OID
	Schema  string
	Name    string
	Kind    RelationKind
	Columns []Column
	// Key lists the ordinals of the key columns: of a table the primary key, of a
	// stream the KEY columns that rows are partitioned by (may be empty), of a
	// materialized view the unique key that the planner found (empty: the whole
	// row, with multiplicity, is the key).
	Key []int
	// AppendOnly says that rows are never retracted: streams always,
	// materialized views when the planner proves it.
	AppendOnly bool
	// Windowed says that Key ends with window_start, window_end.
	Windowed bool

	Partitions int
	// TimeColumn is the ordinal of the column that gives the event time, or -1.
	TimeColumn int
	// Watermark is the SQL text of the watermark expression, "" for the default.
	Watermark string
	// GraceMicros bounds lateness for windows over the relation, by Watermark; -1
	// when not declared.
	GraceMicros     int64
	RetentionMicros int64 // 0: for ever
	RetentionBytes  int64 // 0: unlimited
	TTLMicros       int64 // 0: for ever
	// OnConflict is what a plain INSERT does with an existing key: "upsert" (the
	// default of tables) or "error".
	OnConflict string
	// Options are the WITH options as written, by name in order, for SHOW CREATE.
	Options []Option

	// Definition is the canonical SQL of the SELECT of a view or materialized
	// view or CREATE ... AS, "" for others.
	Definition string
	// SearchPath was in force at creation; Definition is bound under it.
	SearchPath []string
	// Query is the continuous query that fills the relation, 0 for none.
	Query OID
	// DependsOn are the relations that Definition reads, ascending; functions of
	// CREATE FUNCTION that it calls may be among them.
	DependsOn []OID
	// Reads says which columns of the relations of DependsOn are in use. A
	// relation without an entry counts as read as a whole.
	Reads []ColumnUse

	// Table is the indexed relation of an index; IndexColumns its columns, -1 where it
	// has an expression; Unique whether no two rows may have the same values.
	Table        OID
	IndexColumns []int
	Unique       bool
	// IndexExprs has the SQL of the expressions at their places, "" at those of columns;
	// nil: none. IndexReads are the columns that they and Predicate read.
	IndexExprs []string `json:",omitempty"`
	IndexReads []int    `json:",omitempty"`
	// Predicate is the SQL of the condition of a partial index, "" for none.
	Predicate string `json:",omitempty"`
	// NullsSame says that a unique index takes NULLs for equal.
	NullsSame bool `json:",omitempty"`
	// Bare says that a unique index was made by CREATE INDEX: it is no constraint.
	Bare bool `json:",omitempty"`
	// Primary says that it is the primary key of a table that was created without one.
	Primary bool `json:",omitempty"`
	// KeyName is the name of a table's primary key; "" is the table's with _pkey.
	KeyName     string `json:",omitempty"`
	Checks      []Check
	ForeignKeys []ForeignKey `json:",omitempty"`
	Sequence    *Sequence

	Owner   string
	Comment string
	// SchemaVersion counts changes of Columns and Key, from 1; blocks in the log carry it.
	SchemaVersion uint32
	Created       Version
}

// ColumnUse lists columns of a relation, by ordinal.
type ColumnUse struct {
	Relation OID
	Columns  []int
}

// Option is one WITH option.
type Option struct{ Name, Value string }

// Check is a CHECK constraint: name and canonical SQL. Fresh says that only rows
// written since it is there were checked (NOT VALID).
type Check struct {
	Name, Expr string
	Fresh      bool `json:",omitempty"`
}

// ForeignKey is a FOREIGN KEY constraint of a table.
type ForeignKey struct {
	Name string
	// Columns are ordinals of the table, RefColumns those of Table that they name.
	Columns    []int
	Table      OID // 0 at CREATE TABLE: the table itself
	RefColumns []int
	// Index is the unique index of Table over RefColumns, 0 for its primary key.
	Index OID `json:",omitempty"`
	// OnDelete and OnUpdate are pg_constraint's letters: 'a' no action, 'r' restrict, 'c'
	// cascade, 'n' set null, 'd' set default.
	OnDelete, OnUpdate byte
	// SetColumns are the columns that ON DELETE SET NULL or SET DEFAULT sets; nil: all.
	SetColumns []int `json:",omitempty"`
	// Full is MATCH FULL: all columns are NULL, or none is.
	Full bool `json:",omitempty"`
	// Deferrable, Deferred: it may be, or is, checked at the end of the transaction.
	Deferrable bool `json:",omitempty"`
	Deferred   bool `json:",omitempty"`
	// Fresh says that rows that were there before it have not been checked (NOT VALID).
	Fresh bool `json:",omitempty"`
}

// Sequence holds the parameters of a sequence.
type Sequence struct {
	Start, Increment, Min, Max int64
	// Start is the next number that no node has taken; Origin is the one that the
	// sequence was declared to start with. Where Origin is out of bounds it is the
	// first bound.
	Origin int64 `json:",omitempty"`
	// Anew says that setval chose Start as the number to give next: none was given since.
	Anew        bool `json:",omitempty"`
	Cycle       bool
	OwnedBy     OID
	OwnedColumn int
}

// QueryState is the state of a continuous query.
type QueryState uint8

// The states.
const (
	QueryBackfilling QueryState = iota + 1 // reads history, emits nothing yet
	QueryRunning
	QueryPaused
	QueryFailed
)

// Query is a continuous query.
type Query struct {
	OID  OID
	Name string // ksqlDB's style: CTAS_NAME_n, CSAS_NAME_n, INSERTQUERY_n
	// Target is the relation that gets the result.
	Target OID
	// Owns says that Target was created with the query and goes with it.
	Owns       bool
	SQL        string // canonical SQL of the SELECT
	Statement  string // the statement as the user wrote it
	SearchPath []string
	Sources    []OID
	State      QueryState
	Error      string // of a failed query
	SQLState   string
	// OnError is "null" (record the row error, value becomes NULL) or "fail".
	OnError string
	// Created is the epoch of CREATE; Active the epoch at which the query joined
	// the common epoch (0: not yet).
	Created, Active Version
	// Turn counts the changes of State.
	Turn uint64 `json:",omitempty"`
}

// SchemaInfo is a schema.
type SchemaInfo struct {
	OID     OID
	Name    string
	Owner   string
	Comment string
}

// Role is a role.
type Role struct {
	OID                 OID
	Name                string
	Superuser, CanLogin bool
	// Secret is the SCRAM-SHA-256 verifier in PostgreSQL's text form, or "".
	Secret   string
	MemberOf []string
	Settings []Option
}
