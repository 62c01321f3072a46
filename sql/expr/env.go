package expr

import (
	"time"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Env is all that evaluation may depend on beside the batch. One Env serves one
// task or one bounded execution; it is not safe for concurrent use.
type Env struct {
	// Now is the time of the transaction (bounded) or of the epoch (continuous),
	// microseconds since 1970. now() and its like give it.
	Now int64
	// Clock gives the time while a statement runs, to clock_timestamp() and timeofday();
	// nil stands for Now, as in continuous queries, where those are refused.
	Clock func() int64
	// Epoch is the epoch being processed or read.
	Epoch uint64
	// Zone is the session's time zone; never nil (UTC in continuous queries).
	Zone *time.Location
	// Values are the settings of the text forms of values; nil stands for PostgreSQL's
	// defaults with Now and Zone.
	Values *types.Env
	// Params are the values of $1, $2...
	Params []types.Datum
	// Outer are the rows of the enclosing queries, innermost last.
	Outer []OuterRow
	// Session answers the system information functions. It is nil in continuous
	// queries, where they are refused at planning.
	Session Session
	// RunSubplan runs a subquery for the current Outer rows and gives its rows.
	// The result is owned by the caller of the evaluator and not changed by it.
	RunSubplan func(id int) ([]*batch.Batch, error)
	// OnRowError decides what a failing row does: nil means that the error ends
	// the evaluation; else it is called, and the value becomes NULL if it returns
	// nil.
	OnRowError func(f *RowFailure) error
	// Random gives random bits to random() and gen_random_uuid(); nil in
	// continuous queries, where those are refused.
	Random func() uint64

	values types.Env // what Values stands for when it is nil
}

// OuterRow is one row of an enclosing query.
type OuterRow struct {
	Batch *batch.Batch
	Row   int // physical row
}

// Session is what system information functions ask about the session and the
// catalog. Implemented by pgwire/session and catalog.
type Session interface {
	// Setting gives a setting's value by lower-case name.
	Setting(name string) (value string, ok bool)
	// Set changes a setting, for set_config.
	Set(name, value string, local bool) error
	// User, Database, SearchPath describe the session.
	User() string
	Database() string
	SearchPath() []string
	// BackendPID is the session's process id on the wire.
	BackendPID() int32
	// Describe answers the catalog functions that need objects: pg_get_viewdef,
	// format_type of user types, pg_table_is_visible, regclass names and so on.
	// fn is the lower-case function name. ok is false when the object does not
	// exist.
	Describe(fn string, args []types.Datum) (d types.Datum, ok bool, err error)
}

// RowScope is a Scope that knows whole rows: t.* where one value stands.
type RowScope interface {
	Row(name []string, pos int) (Expr, error)
}

// DomainScope is a Scope that knows domains: Domain gives x, which was cast to the
// type with that name, with the rules of the domain it may be.
type DomainScope interface {
	Domain(name []string, x Expr, pos int) (Expr, error)
}

// Scope is how checking finds what names mean. Implemented by planner.
type Scope interface {
	// Column resolves a column reference of one to four parts.
	Column(name []string, pos int) (Expr, error)
	// Query checks a subquery expression (*sql.Subquery, *sql.In with a query, a
	// quantified comparison): node is the syntax node, x the checked left side.
	Query(node any, x []Expr) (Expr, error)
	// Aggregate is told of each aggregate call, and gives what stands in its
	// place (or the error that none may stand here).
	Aggregate(call *AggCall, pos int) (Expr, error)
	// Window is the same for window function calls; over is the syntax node.
	Window(call *WindowCall, over any, pos int) (Expr, error)
	// ParamType is asked for $n; want is the type that the context asks for, or
	// types.Unknown; the first definite answer wins.
	Param(n int, want types.Type, pos int) (Expr, error)
	// UserType resolves a type name that no built-in type has.
	UserType(name []string, pos int) (types.Type, bool)
	// UserFunc resolves a function that no built-in has, such as CREATE FUNCTION's.
	UserFunc(name []string, args []Expr, pos int) (Expr, bool, error)
}
