package plan

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// WriteKind is the kind of a DML statement.
type WriteKind uint8

// The kinds of writes.
const (
	Insert WriteKind = iota + 1
	Update
	Delete
	TruncateTable
	// Together are several of them over one snapshot, committed as one: MERGE, and WITH
	// whose queries change data.
	Together
)

// Write changes a stream or table. Rows of a relation are always whole: one
// value per entry of Rel.Columns that is not Dropped, in order ("row layout").
type Write struct {
	Kind WriteKind
	Rel  *catalog.Relation
	// Input gives the rows. Insert: the row layout with defaults filled in.
	// Delete: the old row. Update: the old row, then the new row.
	Input Node
	// Time is the ordinal in Input of an explicit ROWTIME (timestamptz) for
	// Insert, or -1.
	Time int
	// Conflict is what Insert does with an existing key of a table.
	Conflict *Conflict
	// Checks are NOT NULL and CHECK conditions over the new row layout; the
	// statement fails on the first that is false.
	Checks []RowCheck
	// Uniques are the unique indexes beside the primary key; Evaluated are others whose
	// values are computed, which may fail.
	Uniques, Evaluated []Index
	// Refs are the foreign keys of the table, Referring those of tables to it.
	Refs      []*ForeignKey
	Referring []Referring
	// Returning are expressions over the new row layout (Delete: the old row,
	// Update with FROM: new row only); nil: none.
	Returning []expr.Expr

	// Strict refuses to change a row twice, with another one of Parts too (MERGE); else
	// the second change is passed over.
	Strict bool
	// Parts are the writes of Together, in order. Query, where the statement is one,
	// runs after them and gives the result; else the last part does, or with Sum all of
	// them are counted.
	Parts []Part
	Query Node
	Sum   bool
}

// Part is one write of Together.
type Part struct {
	// ID is that of the WorkTables that give the part's RETURNING rows; 0: none do.
	ID    int
	Write *Write
}

// Index says what an index holds of the rows of its table.
type Index struct {
	Name string
	OID  catalog.OID
	// Columns are positions of its values in the row layout, -1 for expressions; Exprs,
	// where there is one, are all values over the row layout, else nil.
	Columns []int
	Exprs   []expr.Expr
	Types   []types.Type
	Labels  []string // of the values in errors
	// Where is the condition of a partial index, or nil.
	Where     expr.Expr
	Unique    bool
	NullsSame bool // a unique index takes NULLs for equal
}

// ForeignKey is a foreign key of Child to Parent.
type ForeignKey struct {
	Def           *catalog.ForeignKey
	Child, Parent *catalog.Relation
	// Columns are positions in the row layout of Child, RefColumns in that of Parent.
	Columns, RefColumns []int
	// ChildIndex is an index of Child over Columns, ParentIndex one of Parent over
	// RefColumns; nil: there is none beside the primary key.
	ChildIndex, ParentIndex *IndexOver
}

// IndexOver is an index over given columns in an order of its own: its i-th value is
// that of the From[i]-th column.
type IndexOver struct {
	OID  catalog.OID
	From []int
}

// Referring is a foreign key of a table to the one that is written.
type Referring struct {
	Key *ForeignKey
	// Write has the rules of Child; nil when nothing happens to its rows. It refers to
	// itself where tables refer to each other.
	Write *Write
	// OnDelete and OnUpdate are the new row layout of Child over the old one and the new
	// values of RefColumns, where the action sets columns; else nil.
	OnDelete, OnUpdate []expr.Expr
}

// RowCheck is a constraint with the error it gives.
type RowCheck struct {
	Name   string
	Column string // NOT NULL of this column, else ""
	// Ordinal is the row layout's position of Column for NOT NULL, else -1.
	Ordinal int
	Pred    expr.Expr // CHECK condition; NULL passes
	Domain  string    // the domain that has the rule, "" for the relation's own
}

// Conflict is what an INSERT does when the key exists.
type Conflict struct {
	Action ConflictAction
	// Arbiter is the place in Write.Uniques of the index whose values decide, -1: the
	// primary key. Any says that DO NOTHING minds all of them.
	Arbiter int
	Any     bool
	// Set are the new values over existing row layout, then excluded row layout:
	// one per column of the row layout. Only for DoUpdate.
	Set   []expr.Expr
	Where expr.Expr // over the same columns, or nil
}

// ConflictAction says what happens with a row whose key exists.
type ConflictAction uint8

// The actions.
const (
	Upsert ConflictAction = iota // the new row replaces the old one
	Fail                         // 23505
	DoNothing
	DoUpdate
)

// Continuous is the plan of a continuous query: rows of Root go to Target.
type Continuous struct {
	Query  *catalog.Query
	Target *catalog.Relation
	Root   Node
	// Key are the ordinals of Root's columns that are the target's key, in the
	// order of Target.Key; empty: append (stream) or whole-row multiset.
	Key []int
	// Columns maps the target's columns to Root's columns.
	Columns []int
	// Time is the ordinal of the column that gives the rows' rowtime, or -1: the
	// epoch's clock.
	Time int
	// Final: results of closed windows only.
	Final bool
	// Touched: rows that an epoch takes back and gives again unchanged are in the
	// target's changelog (Aggregate.Touched).
	Touched bool
	// Subplans as in Plan; empty in continuous plans unless uncorrelated and
	// constant.
	Subplans []Node
	// Hash identifies the plan's shape; state of another hash is not restored.
	Hash uint64
}
