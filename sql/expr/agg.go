package expr

import (
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// AggFunc is one overload of an aggregate. There are two designs:
//
// Linear aggregates (count, sum, avg, bool_and, variance...) keep Words 8-byte
// words per group in pointer-free memory, and take rows with any weight.
//
// Collecting aggregates (min, max, array_agg, string_agg, percentiles, mode, and
// every DISTINCT or ordered aggregate) get the group's values: the operator
// keeps the multiset of argument rows per group, in order, and calls Collect. An
// append-only input lets Extreme ones (min, max) keep just one value.
type AggFunc struct {
	Name    string
	Args    []types.Type // parameter types; a last Any with Variadic
	Ret     types.Type
	Doc     string
	Example string // an SQL expression or query, executed by a test

	// Words is the number of accumulator words; 0 for collecting aggregates.
	// All-zero words are the empty state.
	Words int
	// Update adds rows to accumulators of a linear aggregate: row rows[k] of args
	// goes with weight w[rows[k]] (nil: +1) into acc[k], which points at Words
	// words. Rows have passed FILTER; NULL arguments are skipped by Update itself
	// where the function ignores them. Errors are user errors, such as 22003.
	Update func(acc []unsafe.Pointer, rows []uint16, args []*batch.Vector, w []int32) error
	// Result appends the value of each accumulator to out.
	Result func(acc []unsafe.Pointer, out *batch.Vector) error

	// Merge adds accumulators to others: the words that begin at word at of src[k]
	// to those of dst[k]. nil where that is not the same as adding the rows, as
	// with sums of floats, which are made in the order of rows.
	Merge func(dst, src []unsafe.Pointer, at int) error

	// Collect appends the value over the group's argument rows to out, for
	// collecting aggregates. Rows come in order (ORDER BY, or else the order of
	// arrival: epoch, partition, offset), once each for DISTINCT.
	Collect func(env *Env, rows RowIter, out *batch.Vector) error
	// Extreme is -1 for min, +1 for max, 0 for others: one value per group
	// suffices when nothing is retracted.
	Extreme int
	// Ordered says that the result depends on the order of rows.
	Ordered bool
	// Edge is -1 for functions of the first row alone, +1 of the last one, 0 for
	// others: one row per group suffices when nothing is retracted.
	Edge int
	// KeepNulls says that NULL arguments take part (array_agg, json_agg).
	KeepNulls bool
	// Variadic says that the last parameter repeats.
	Variadic bool
	// Within counts the parameters that WITHIN GROUP (ORDER BY ...) gives: the last
	// ones of Args. 0 for ordinary aggregates.
	Within int
	// RetOf derives the result type, nil means Ret.
	RetOf func(args []types.Type) types.Type
	// Bind completes a copy of a polymorphic aggregate for the types of one call.
	Bind func(a *AggFunc, args []types.Type, ret types.Type)
	// EmptyZero says that the value over no rows is 0, not NULL (count).
	EmptyZero bool

	// hypothetical writes the result of a hypothetical-set aggregate.
	hypothetical func(*hypothetical, *batch.Vector)

	origin *AggFunc // what a bound copy was made of
}

// Origin gives the aggregate of the registry that a is, or was bound from.
func (a *AggFunc) Origin() *AggFunc {
	if a.origin != nil {
		return a.origin
	}
	return a
}

// RowIter walks the argument rows of a group, in order.
type RowIter interface {
	// Next gives the next argument row and its multiplicity, or ok false. The row
	// is valid until the next call.
	Next() (args []types.Datum, count int64, ok bool)
}
