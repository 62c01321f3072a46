// Package plan is the contract between planner and exec: a tree of relational
// nodes with checked expressions, the same for a query that runs once and for one
// that runs for ever.
//
// Nodes describe, they do not run. Invariant: a plan is a deterministic function
// of the statement and the catalog snapshot, and is never changed after it was
// built, so that many executions may share it.
package plan

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Plan is a whole planned statement: exactly one of Root (a query), Write and
// Command is set.
type Plan struct {
	// Root gives the rows of a SELECT (VALUES, TABLE, SHOW of lists...).
	Root Node
	// Columns describe the result to the client; nil: no rows.
	Columns []Column
	// Write is an INSERT, UPDATE, DELETE or TRUNCATE.
	Write *Write
	// Command is a DDL statement's change of the catalog.
	Command catalog.Command
	// Verify are questions about rows that exist, asked before Command runs: it must not
	// when one of them has an answer.
	Verify []Verify
	// Fill is an UPDATE that gives the rows that are there their value in columns which
	// Command adds; it belongs to the same transaction. "" is none.
	Fill string
	// Then are queries that run after Command.
	Then []string
	// Keys are the keys of rows of tables that stand behind the columns of the result: of
	// rows that are locked, and for a cursor (KeepKeys: they stay in the result) of the
	// row that it stands on.
	Keys     []RowKey
	KeepKeys bool
	// Notices are sent to the client when the statement runs.
	Notices []Notice

	// Emit is set for SELECT ... EMIT CHANGES/FINAL.
	Emit *Emit
	// Params are the types of $1...; all are definite.
	Params []types.Type
	// Subplans are the plans that expr.Subplan refers to by ID.
	Subplans []Node
	// Free tells for each subplan that it refers to no enclosing row, so that it is
	// run once for all of them; shorter or nil: it is not known.
	Free []bool
	// Sources are the relations read, ascending, views expanded.
	Sources []catalog.OID
	// Volatile says that running it twice may differ, so that it is not cached
	// as a result (a prepared plan still is).
	Volatile bool
	// Version is the catalog version it was built on; a later one means: build
	// anew before running.
	Version catalog.Version
	// Tag is the command tag without a count, such as "CREATE STREAM".
	Tag string
}

// RowKey says which columns of a result are the key of a row of a table.
type RowKey struct {
	Rel     *catalog.Relation
	Columns []int // in the order of Rel.Key
	// Locked: the row is locked, as FOR UPDATE does; with Share as FOR SHARE does.
	Locked, Share bool
}

// Verify is a query that finds a row which a new constraint does not allow.
type Verify struct {
	Query string
	Error *sqlerr.Error
	// Detail says that the first column of the row is the error's detail.
	Detail bool
}

// Notice is a NOTICE or WARNING for the client.
type Notice struct {
	Severity string // "NOTICE", "WARNING"
	Code     string // SQLSTATE
	Message  string
	Hint     string
}

// Emit says how a never-ending SELECT shows its changes.
type Emit struct {
	Final    bool // only results of closed windows
	Op       bool // first column op
	Progress bool // epoch column and one progress row per epoch
	// Keyed says that rows are new values of keys (KeyCols of the result's
	// columns); else the result is append-only.
	Keyed   bool
	KeyCols []int
	// Retracts says that rows may be deleted, so that Op is required.
	Retracts bool
	// Latest starts at now instead of the beginning; AfterEpoch > 0 resumes after
	// that epoch.
	Latest     bool
	AfterEpoch uint64
	// Limit ends the subscription after so many rows; nil is never.
	Limit expr.Expr
}

// Column describes an output column.
type Column struct {
	Name string
	Type types.Type
	// Table and Attnum name the plain column it comes from, 0 for an expression.
	Table  catalog.OID
	Attnum int16
	// Hidden columns are carried for keys and time and not shown.
	Hidden bool
}

// Props are what the planner knows of a node's output.
type Props struct {
	// AppendOnly: rows are never retracted.
	AppendOnly bool
	// Keys are sets of column ordinals that are unique; an empty set means at
	// most one row.
	Keys [][]int
	// Time is the ordinal of the event-time column that the watermark is about,
	// or -1.
	Time int
	// WindowStart and WindowEnd are the ordinals of the window's bounds, or -1.
	WindowStart, WindowEnd int
	// Unbounded: some source is a stream, table or view (not VALUES and system
	// views only).
	Unbounded bool
	// Rows estimates the number of rows, for join order and EXPLAIN; 0 unknown.
	Rows float64
}

// Node is a node of the tree. The node types are those of this package.
type Node interface {
	Cols() []Column
	SetCols([]Column)
	Props() *Props
	Inputs() []Node
}

// Base is embedded in every node.
type Base struct {
	Out []Column
	P   Props
}

// Cols implements Node.
func (b *Base) Cols() []Column { return b.Out }

// SetCols gives the node's columns other names.
func (b *Base) SetCols(out []Column) { b.Out = out }

// Props implements Node.
func (b *Base) Props() *Props { return &b.P }

// Types gives the column types of a node.
func Types(n Node) []types.Type {
	cols := n.Cols()
	ts := make([]types.Type, len(cols))
	for i := range cols {
		ts[i] = cols[i].Type
	}
	return ts
}
