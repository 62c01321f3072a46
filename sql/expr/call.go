package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

// Order is one key of an ORDER BY.
type Order struct {
	X          Expr
	Desc       bool
	NullsFirst bool // already resolved: PostgreSQL's default is last for ASC, first for DESC
}

// AggCall is one aggregate of an aggregate operator. Its expressions refer to
// the operator's input.
type AggCall struct {
	Fn       *AggFunc
	Args     []Expr // cast to the parameter types
	Distinct bool
	OrderBy  []Order // of ordered aggregates and WITHIN GROUP
	Filter   Expr    // boolean, or nil
	T        types.Type
	Name     string // for EXPLAIN
	// Placed: OrderBy is completed to an order in which no two rows tie that differ.
	Placed bool
}

// WindowCall is one window function over a partition.
type WindowCall struct {
	Name        string
	Agg         *AggFunc // an aggregate used as a window function, else nil
	Args        []Expr
	Partition   []Expr
	OrderBy     []Order
	Frame       Frame
	Filter      Expr
	IgnoreNulls bool
	T           types.Type
}

// FrameUnit is ROWS, RANGE or GROUPS.
type FrameUnit uint8

// The frame units.
const (
	FrameRange FrameUnit = iota
	FrameRows
	FrameGroups
)

// BoundKind says where a frame begins or ends.
type BoundKind uint8

// The frame bounds, in the order of rows.
const (
	UnboundedPreceding BoundKind = iota
	OffsetPreceding
	CurrentRow
	OffsetFollowing
	UnboundedFollowing
)

// Bound is one end of a Frame.
type Bound struct {
	Kind   BoundKind
	Offset Expr // for the Offset kinds
}

// FrameExclude is the EXCLUDE clause.
type FrameExclude uint8

// The exclusions.
const (
	ExcludeNone FrameExclude = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// Frame is a window frame; the zero value is not PostgreSQL's default, which the
// planner fills in (RANGE UNBOUNDED PRECEDING to CURRENT ROW).
type Frame struct {
	Unit    FrameUnit
	Lo, Hi  Bound
	Exclude FrameExclude
}
