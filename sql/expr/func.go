package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Volatility is PostgreSQL's provolatile.
type Volatility uint8

// The volatilities. Only Immutable calls are folded at planning; Volatile ones
// are refused in continuous queries.
const (
	Immutable Volatility = iota
	Stable
	Volatile
)

// Kernel computes a function over a batch: for each of rows (physical row
// numbers, ascending) it writes out at the same row. out has room for n rows,
// of the result type, and is reset; a kernel for PhysBytes results appends rows in
// order through a Writer. Arguments may be constants (Vector.Const). A strict
// function's kernel never sees a row with a NULL argument: such rows are NULL
// already.
type Kernel func(env *Env, n int, rows []uint16, args []*batch.Vector, out *batch.Vector) error

// RowFunc computes one value from datums, for functions whose cost is not in
// the call.
type RowFunc func(env *Env, args []types.Datum) (types.Datum, error)

// Func is one overload of a scalar or set-returning function or operator.
type Func struct {
	Name     string // lower case; operators by their sign
	Args     []types.Type
	Variadic bool // the last parameter repeats
	Ret      types.Type
	// RetOf derives the result type from the arguments' types, for polymorphic
	// functions; nil means Ret.
	RetOf      func(args []types.Type) types.Type
	Volatility Volatility
	// Strict gives NULL when an argument is NULL, without a call.
	Strict   bool
	Operator bool
	// Needs Env.Session: refused in continuous queries.
	Session bool
	Doc     string // one line
	Example string // an SQL expression that a test executes
	Kernel  Kernel
	Row     RowFunc // used when Kernel is nil
	// Higher is the implementation of a function with lambda arguments.
	Higher HigherFunc
	// ArgNames are the parameters' names, for named notation; Defaults are the
	// values of the last len(Defaults) parameters when they are not given.
	ArgNames []string
	Defaults []types.Datum
	// Bind completes a copy of a polymorphic function for the types of one call,
	// before the copy is used: it sets Kernel, Row or Set.
	Bind func(f *Func, args []types.Type, ret types.Type)
	// Set gives the rows of a set-returning function: columns by RetCols.
	Set     func(env *Env, args []types.Datum, emit func(row []types.Datum) error) error
	RetCols []types.Field
	// Rows gives the rows of a function whose columns FROM defines, f(...) AS t(a
	// int, b text): t is the type of a row. See Define.
	Rows func(t types.Type, env *Env, args []types.Datum, emit func(row []types.Datum) error) error

	// rightFirst says that the second argument is evaluated before the first: interval +
	// date is date + interval, as in PostgreSQL. Of two errors one comes first.
	rightFirst bool

	// evaluatesAll says that a constant NULL among the arguments of a strict function leaves
	// the others to be evaluated: comparisons of rows do that.
	evaluatesAll bool

	fallback bool  // considered only when no other overload applies
	origin   *Func // what a bound copy was made of
}

// HigherFunc computes a function of lambdas: args has a zero datum for each lambda
// argument, which apply calls by its position.
type HigherFunc func(env *Env, args []types.Datum,
	apply func(arg int, xs ...types.Datum) (types.Datum, error)) (types.Datum, error)

// Origin gives the function of the registry that f is, or was bound from.
func (f *Func) Origin() *Func {
	if f.origin != nil {
		return f.origin
	}
	return f
}
