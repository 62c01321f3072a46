package plan

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/expr"
)

// Pseudo column numbers of Scan.Columns.
const (
	RowTime      = -1 // timestamptz event time
	RowPartition = -2 // integer
	RowOffset    = -3 // bigint
	RowEpoch     = -4 // bigint
)

// Scan reads a stream, table or materialized view.
type Scan struct {
	Base
	Rel *catalog.Relation
	// Columns are ordinals of Rel.Columns or pseudo columns, one per output
	// column.
	Columns []int
	// Filter is a predicate over the output, or nil; the scan may use it to skip
	// blocks and applies it always.
	Filter expr.Expr
	// Point, when set, gives for each column of Rel.Key a constant or parameter
	// expression: at most one row, read by key. Filter still applies.
	Point []expr.Expr
	// Index, when set, is an index of Rel, and Values has a constant or parameter for
	// each of its columns: few rows, if the index can be used. Filter still applies.
	Index  catalog.OID
	Values []expr.Expr
	// Order says that rows must come in (partition, offset) order per partition;
	// always true in streaming, a wish in bounded plans.
	AsOf expr.Expr // AS OF EPOCH n in bounded reads, or nil
}

// SystemScan reads a virtual relation.
type SystemScan struct {
	Base
	Rel     *catalog.Relation
	Columns []int
	Filter  expr.Expr
	// Hints are column = constant conditions: ordinal of Rel.Columns and the
	// constants, parameters or Outer columns.
	Hints []ScanHint
}

// ScanHint narrows a SystemScan.
type ScanHint struct {
	Column int
	Values []expr.Expr
}

// Changelog reads millrace.changelog('x'): the log of a relation as rows.
type Changelog struct {
	Base
	Rel     *catalog.Relation
	Columns []int // ordinals of the table function's columns
}

// Values gives constant rows; the expressions have no columns.
type Values struct {
	Base
	Rows [][]expr.Expr
}

// FuncScan calls a set-returning function once; with an Input it is called per
// input row (LATERAL) and its columns follow the input's.
type FuncScan struct {
	Base
	Input Node // or nil
	// Calls are the functions (several: ROWS FROM, run side by side).
	Calls      []FuncCall
	Ordinality bool
	// Left keeps input rows for which there are no rows (LEFT JOIN LATERAL).
	Left bool
}

// FuncCall is one set-returning call.
type FuncCall struct {
	Fn   *expr.Func
	Args []expr.Expr // over the input's columns
	Cols int         // number of columns it gives
}

// Inputs implements Node.
func (*Scan) Inputs() []Node       { return nil }
func (*SystemScan) Inputs() []Node { return nil }
func (*Changelog) Inputs() []Node  { return nil }
func (*Values) Inputs() []Node     { return nil }
func (n *FuncScan) Inputs() []Node {
	if n.Input == nil {
		return nil
	}
	return []Node{n.Input}
}
