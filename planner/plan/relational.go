package plan

import (
	"github.com/millracedb/millrace/sql/expr"
)

// Filter keeps the rows for which Pred is true.
type Filter struct {
	Base
	Input Node
	Pred  expr.Expr
}

// Project computes columns.
type Project struct {
	Base
	Input Node
	Exprs []expr.Expr
}

// WindowKind is the kind of a time window.
type WindowKind uint8

// The window kinds.
const (
	Tumble WindowKind = iota + 1
	Hop
	Cumulate
	Session
)

// WindowAssign adds window_start and window_end behind the input's columns: one
// row per window that the row's Time is in. Times are microseconds.
type WindowAssign struct {
	Base
	Input  Node
	Kind   WindowKind
	Time   int   // ordinal of the time column
	Size   int64 // of Session: the gap
	Slide  int64 // Hop: distance of windows; Cumulate: the step
	Offset int64
	// Keys partition Session windows.
	Keys []int
	// Grace is how long after a window's end an aggregate over it still takes rows,
	// microseconds; math.MaxInt64: for ever.
	Grace int64
	// FromZero leaves out windows that begin before 1970.
	FromZero bool
	// LastEnd: a Session ends with its last row, and not a gap later.
	LastEnd bool
}

// Aggregate groups by columns. Output: the groups' columns, then the
// aggregates. Without groups and without grouping sets it gives exactly one row.
type Aggregate struct {
	Base
	Input  Node
	Groups []expr.Expr
	// Sets are the grouping sets as lists of indexes of Groups; nil: one set of
	// all. With sets, a last column gives the number of the set.
	Sets [][]int
	Aggs []*expr.AggCall
	// Window is set when the groups hold a window's bounds, so that state can be
	// dropped when the watermark passes.
	Window *AggWindow
	// Touched gives the result of each group that rows came for in an epoch, also
	// where it is what it was: the same row is taken back and given.
	Touched bool
}

// AggWindow tells an aggregate about its time windows.
type AggWindow struct {
	// Start and End are indexes of Groups.
	Start, End int
	// Grace is how long after the end rows are still taken, microseconds;
	// math.MaxInt64: for ever, so that state is kept.
	Grace int64
	// Final holds results back until the window is closed.
	Final bool
	// Slice is set when the input is not yet expanded to windows: the aggregate
	// keeps slices as long as the greatest common divisor of size and slide, and
	// combines them. The groups Start and End then are no columns of the input.
	Slice *WindowAssign
}

// Distinct removes duplicates: all columns are the key.
type Distinct struct {
	Base
	Input Node
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The join kinds. Semi and Anti give the left columns only. AntiNull is NOT IN:
// no row passes when a right key is NULL or the left key is NULL and the right
// side is not empty. Mark adds a boolean column: whether there is a match (NULL
// when unknown).
const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Semi
	Anti
	AntiNull
	Mark
)

// Join is an equi-join with an optional residual condition; without keys it is a
// nested-loop join. Output: left columns, right columns (Semi, Anti: left only).
type Join struct {
	Base
	Kind        JoinKind
	Left, Right Node
	// LeftKeys and RightKeys are compared pairwise by equality (NULL matches
	// nothing); they refer to the one side's columns and have equal types.
	LeftKeys, RightKeys []expr.Expr
	// Residual refers to left columns, then right columns.
	Residual expr.Expr
	// Temporal: the right side is a table that left rows look up as it is in
	// their epoch; the left side is append-only, and later changes of the table
	// do not change what was emitted (ksqlDB's stream-table join).
	Temporal bool
	// Within bounds a stream-stream join: right.time in [left.time - Before,
	// left.time + After]; with Grace. nil: unbounded.
	Within *Within
}

// Within bounds a stream-stream join, in microseconds.
type Within struct {
	Before, After, Grace int64
	LeftTime, RightTime  int // ordinals
	// Front: GRACE PERIOD was stated, and is behind the latest row of either side;
	// else the side whose time is behind is waited for.
	Front bool
	// Retract: a row is without a partner from the start, and taken back when one
	// comes; else it is given as one when its window has closed.
	Retract bool
}

// Apply runs Right for each row of Left, whose columns Right sees as Outer
// columns of depth 1. Bounded plans only: the planner decorrelates the rest.
type Apply struct {
	Base
	Kind        JoinKind
	Left, Right Node
	On          expr.Expr // over left and right columns, or nil
}

// SetOpKind is UNION, INTERSECT or EXCEPT.
type SetOpKind uint8

// The set operations.
const (
	Union SetOpKind = iota
	Intersect
	Except
)

// SetOp combines inputs of equal column types. All keeps duplicates by SQL's
// counting rules.
type SetOp struct {
	Base
	Kind SetOpKind
	All  bool
	In   []Node // two, or more for Union
}

// Sort orders the rows of a bounded result.
type Sort struct {
	Base
	Input Node
	Keys  []expr.Order
}

// Limit keeps Count rows (nil: all) after Offset rows (nil: none) of the order
// given by Keys (nil: as they come, then by all columns in continuous queries).
// WithTies keeps the rows equal to the last one by Keys.
type Limit struct {
	Base
	Input         Node
	Keys          []expr.Order
	Count, Offset expr.Expr
	WithTies      bool
	// Partition makes it a limit per group: top n of each.
	Partition []expr.Expr
	// RowNumber adds the row's number as a last column (bigint).
	RowNumber bool
}

// Window computes window functions. Output: the input's columns, then one per
// call. All calls share Partition and OrderBy.
type Window struct {
	Base
	Input     Node
	Partition []expr.Expr
	OrderBy   []expr.Order
	Calls     []*expr.WindowCall
}

// DistinctOn keeps the first row by Keys of each group On.
type DistinctOn struct {
	Base
	Input Node
	On    []expr.Expr
	Keys  []expr.Order
}

// Recursive is WITH RECURSIVE in bounded plans: Step reads the last round's rows
// through a WorkTable with the same ID.
type Recursive struct {
	Base
	ID       int
	Seed     Node
	Step     Node
	Distinct bool
}

// WorkTable is the recursive reference within Recursive.Step.
type WorkTable struct {
	Base
	ID int
}

// Inputs implements Node.
func (n *Filter) Inputs() []Node       { return []Node{n.Input} }
func (n *Project) Inputs() []Node      { return []Node{n.Input} }
func (n *WindowAssign) Inputs() []Node { return []Node{n.Input} }
func (n *Aggregate) Inputs() []Node    { return []Node{n.Input} }
func (n *Distinct) Inputs() []Node     { return []Node{n.Input} }
func (n *Join) Inputs() []Node         { return []Node{n.Left, n.Right} }
func (n *Apply) Inputs() []Node        { return []Node{n.Left, n.Right} }
func (n *SetOp) Inputs() []Node        { return n.In }
func (n *Sort) Inputs() []Node         { return []Node{n.Input} }
func (n *Limit) Inputs() []Node        { return []Node{n.Input} }
func (n *Window) Inputs() []Node       { return []Node{n.Input} }
func (n *DistinctOn) Inputs() []Node   { return []Node{n.Input} }
func (n *Recursive) Inputs() []Node    { return []Node{n.Seed, n.Step} }
func (n *WorkTable) Inputs() []Node    { return nil }
