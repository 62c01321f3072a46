// Package expr holds checked expressions: names are column numbers, every node
// has a type, casts are explicit. It resolves functions and operators by
// PostgreSQL's rules (check.go, registry.go), folds constants, compiles
// expressions to kernels over column vectors (compile.go, eval.go), and defines
// the aggregates (agg.go).
//
// It knows no relations, no catalog and no plan: names come through Scope.
// Invariant: evaluation is a pure function of the batch and Env; it reads no
// clock and no global.
package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

// Expr is a checked expression. The node types of this file are all there are.
// Nodes are immutable after checking and may be shared.
type Expr interface {
	// Type is the type of the result.
	Type() types.Type
	expr()
}

// Col is input column Index of the operator that evaluates the expression.
type Col struct {
	Index int
	T     types.Type
	Name  string // for EXPLAIN
}

// Outer is column Index of the Depth-th enclosing query's row (1 = the nearest),
// inside a correlated subplan.
type Outer struct {
	Depth, Index int
	T            types.Type
	Name         string
}

// Const is a literal or a folded value.
type Const struct {
	D types.Datum
	T types.Type

	at int // byte offset in the statement text plus one, 0 unknown
}

// Param is $N (from 1) of a prepared statement.
type Param struct {
	N int
	T types.Type
}

// Call applies a function or operator of the registry. Args have exactly the
// parameter types of Fn (casts inserted, variadic arguments spread).
type Call struct {
	Fn   *Func
	Args []Expr
	T    types.Type
	// Pos is the byte offset in the statement text, for error positions; -1
	// unknown.
	Pos int
}

// Cast converts X to type T. Explicit says that the user asked for it, which
// matters for varchar truncation.
type Cast struct {
	X        Expr
	T        types.Type
	Explicit bool
	Pos      int
}

// And is a conjunction of two or more booleans in three-valued logic.
type And struct{ Args []Expr }

// Or is a disjunction of two or more booleans in three-valued logic.
type Or struct{ Args []Expr }

// Not negates a boolean.
type Not struct{ X Expr }

// IsNull is X IS [NOT] NULL for a scalar.
type IsNull struct {
	X   Expr
	Not bool
}

// Case is a searched CASE; the simple form is lowered to it. Else nil is NULL.
// Whens are evaluated in order, each only on the rows that are still open.
type Case struct {
	Whens []When
	Else  Expr
	T     types.Type
	// Rows says that it is a comparison of rows, which is not simplified: PostgreSQL
	// evaluates both sides of a column whatever is known of them.
	Rows bool
	// NullIf says that it is NULLIF(a, b): both are evaluated for each row.
	NullIf bool
}

// When is one arm of Case.
type When struct{ Cond, Then Expr }

// Coalesce is COALESCE; arguments have the type T.
type Coalesce struct {
	Args []Expr
	T    types.Type
}

// In is X [NOT] IN (list of expressions), lowered to equality Eq; constant
// lists are evaluated through a hash set.
type In struct {
	X    Expr
	List []Expr
	Not  bool
	Eq   *Func
}

// Quant is X Op ANY(Arr) or X Op ALL(Arr) over an array value.
type Quant struct {
	Op  *Func
	X   Expr
	Arr Expr
	All bool
}

// Lambda is an argument of ksqlDB's higher-order functions. Its parameters are
// the Cols from Base on.
type Lambda struct {
	Base   int
	Params []types.Type
	Body   Expr
}

// SubplanKind says what a Subplan gives.
type SubplanKind uint8

// The kinds of Subplan.
const (
	SubplanScalar SubplanKind = iota // the single value, NULL without a row, 21000 for more
	SubplanExists                    // whether there is a row
	SubplanAny                       // X Op ANY (subquery), for IN too
	SubplanAll                       // X Op ALL (subquery)
	SubplanArray                     // ARRAY(subquery)
	SubplanRow                       // X Op (subquery): NULL without a row, 21000 for more
)

// Subplan is a subquery that the planner did not turn into a join; it exists in
// bounded plans only. ID names the plan in plan.Plan.Subplans; the evaluator asks
// Env.Subplan for its rows. Correlated rows reach it as Outer columns.
type Subplan struct {
	Kind       SubplanKind
	ID         int
	Correlated bool
	X          []Expr  // left side of Any, All and Row
	Op         []*Func // one per X, all of which must hold
	// Test compares rows where that is not all of Op: over the subquery's columns, and
	// the values of X as columns behind them. Its columns are none of the row around.
	Test Expr
	T    types.Type
}

// Agg is an aggregate call inside a select list; the planner replaces it by a Col
// of the aggregate operator's output before execution.
type Agg struct {
	Call *AggCall
}

// Window is a window function call; the planner replaces it by a Col.
type Window struct {
	Call *WindowCall
}

// Type implements Expr.
func (e *Col) Type() types.Type      { return e.T }
func (e *Outer) Type() types.Type    { return e.T }
func (e *Const) Type() types.Type    { return e.T }
func (e *Param) Type() types.Type    { return e.T }
func (e *Call) Type() types.Type     { return e.T }
func (e *Cast) Type() types.Type     { return e.T }
func (e *And) Type() types.Type      { return types.Of(types.Bool) }
func (e *Or) Type() types.Type       { return types.Of(types.Bool) }
func (e *Not) Type() types.Type      { return types.Of(types.Bool) }
func (e *IsNull) Type() types.Type   { return types.Of(types.Bool) }
func (e *Case) Type() types.Type     { return e.T }
func (e *Coalesce) Type() types.Type { return e.T }
func (e *In) Type() types.Type       { return types.Of(types.Bool) }
func (e *Quant) Type() types.Type    { return types.Of(types.Bool) }
func (e *Lambda) Type() types.Type   { return e.Body.Type() }
func (e *Subplan) Type() types.Type  { return e.T }
func (e *Agg) Type() types.Type      { return e.Call.T }
func (e *Window) Type() types.Type   { return e.Call.T }

func (*Col) expr()      {}
func (*Outer) expr()    {}
func (*Const) expr()    {}
func (*Param) expr()    {}
func (*Call) expr()     {}
func (*Cast) expr()     {}
func (*And) expr()      {}
func (*Or) expr()       {}
func (*Not) expr()      {}
func (*IsNull) expr()   {}
func (*Case) expr()     {}
func (*Coalesce) expr() {}
func (*In) expr()       {}
func (*Quant) expr()    {}
func (*Lambda) expr()   {}
func (*Subplan) expr()  {}
func (*Agg) expr()      {}
func (*Window) expr()   {}
