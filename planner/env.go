// Package planner turns a statement and a catalog snapshot into a plan: it binds
// names and types, expands views, rewrites (decorrelate, push down, prune, find
// temporal joins and windows), and decides what a DDL statement does to the
// catalog.
//
// It runs nothing, reads no row, no clock and no network. Invariant: the same
// statement, snapshot and environment give the same plan on every node, because a
// continuous query's plan is built anew from its canonical SQL wherever it runs.
package planner

import (
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// SystemCatalog finds virtual relations: pg_catalog, information_schema and the
// millrace views. catalog/system.Registry is one.
type SystemCatalog interface {
	Lookup(schema, name string) *catalog.Relation
}

// Env is what planning may depend on beside the statement.
type Env struct {
	Snapshot *catalog.Snapshot
	// System finds virtual relations; nil: there are none.
	System SystemCatalog
	// SearchPath are the schemas of unqualified names, without pg_catalog.
	SearchPath []string
	// User and Database are the session's.
	User, Database string
	// ParamTypes are the types that the client gave for $1...; Unknown or missing
	// ones are inferred.
	ParamTypes []types.Type
	// Settings gives a setting by lower-case name, "" when it is not set; nil: all
	// are at their defaults.
	Settings func(name string) string
	// Zone is the session's time zone, for literals where Values is nil; nil: they
	// are read when the plan runs.
	Zone *time.Location
	// Values reads literals that depend on the session, such as times without a zone;
	// nil: they are read when the plan runs.
	Values *types.Env
	// Cursor gives the key of the row of a table on which a cursor stands, in the order of
	// Relation.Key; nil: there are no cursors.
	Cursor func(name string, rel *catalog.Relation) ([]types.Datum, error)
	// Text is the statement's text, kept as the Statement of a continuous query.
	Text string
}

// setting gives a setting, or a default.
func (e *Env) setting(name, fallback string) string {
	if e.Settings != nil {
		if v := e.Settings(name); v != "" {
			return v
		}
	}
	return fallback
}

// builder plans one statement.
type builder struct {
	env *Env
	// path is the search path in force: the session's, or that of the view being
	// expanded.
	path []string
	// continuous: the plan runs for ever, so that every subquery must become a
	// join and rowtime is carried.
	continuous bool
	// kept: the result is that of a query that runs with the server.
	kept bool
	// temporal: a stream joined to a table looks the table up as it is when the
	// row comes.
	temporal bool
	// stamp: the rows of an aggregate get the largest rowtime of their group.
	stamp bool
	// naming: columns of the result without a name are named as ksqlDB does.
	naming bool
	// prefixStars: the columns of * over a join are named table_column.
	prefixStars bool
	// ksql: the result is declared as in ksqlDB; decided by the statement, or while
	// its query is bound.
	ksql, decided bool
	// declaring: the statement is CREATE ... AS as the user wrote it, not its stored
	// query, whose select list * and PARTITION BY have filled up.
	declaring bool
	// partition are the result's columns that PARTITION BY names.
	partition []int
	// inherited is the key of the result that comes from the streams it reads; inherits
	// says that it was looked for.
	inherited []int
	inherits  bool
	// freeze: every * of the statement is replaced by the columns that it means.
	freeze bool
	// sameAsOnce: the result must be that of the SELECT run once.
	sameAsOnce bool
	// windowKey: the result is a table, whose key has the bounds of its windows.
	windowKey bool

	params   []*expr.Param
	subplans []plan.Node
	sources  map[catalog.OID]*catalog.Relation
	notices  []plan.Notice
	verify   []plan.Verify
	then     []string // queries for after the command
	// direct are the relations that the statement itself names, with the columns
	// that it uses; nil for functions.
	direct map[catalog.OID]map[int]bool
	// expanded, when set, is told which views and functions were put in place.
	expanded func(oid catalog.OID)
	// seen, when set, is told what the names of columns in the statement mean.
	seen func(c *column, pos int)
	// needs are the privileges that the statement takes, by relation; needed has them
	// in the order of the text.
	needs  map[catalog.OID]*need
	needed []*need
	// at remembers where a column reference was written, for grouping errors.
	at    map[*expr.Col]int
	depth int // of views being expanded
	level int // of queries within queries, while they are bound
	// beyond are the items of FROM beside the part that is bound, which it cannot name.
	beyond   []*entry
	nextWork int // IDs of recursive queries and of data-modifying ones in WITH
	parts    []plan.Part
	ctes     *with           // WITH queries that a whole statement sees
	top      *sql.Query      // the query whose WITH may change data
	merging  bool            // the statement is a part of MERGE
	final    bool            // EMIT FINAL: results of closed windows only
	mayParam bool            // a subscription may have parameters
	inlined  int             // depth of functions being put in place
	blocks   int             // SELECT blocks bound so far
	bare     map[string]bool // names without a table, where a query has outer joins
	emitting *sql.Query      // the outermost query, which may have EMIT
	// keysOf is the query whose result has the keys of rows behind it, rowKeys; keepKeys
	// says that they are those of a cursor.
	keysOf   *sql.Query
	keepKeys bool
	rowKeys  []plan.RowKey
}

func newBuilder(env *Env) *builder {
	b := &builder{env: env, path: env.SearchPath,
		sources: map[catalog.OID]*catalog.Relation{}, at: map[*expr.Col]int{},
		direct: map[catalog.OID]map[int]bool{}}
	return b
}

// reads remembers that the statement itself names a relation.
func (b *builder) reads(rel *catalog.Relation) {
	b.opens(rel.OID)
	b.wants(rel, "SELECT")
}

// opens begins the list of the columns that the statement uses of a relation.
func (b *builder) opens(oid catalog.OID) {
	if b.depth == 0 && b.direct[oid] == nil {
		b.direct[oid] = map[int]bool{}
	}
}

// uses remembers that a column is in use.
func (b *builder) uses(c *column) {
	if use := b.direct[c.table]; use != nil && b.depth == 0 && c.attnum > 0 {
		use[int(c.attnum)-1] = true
	}
}

// expands tells whoever asks that the statement uses a view or a function.
func (b *builder) expands(oid catalog.OID) {
	if b.expanded != nil && oid != 0 {
		b.expanded(oid)
	}
}

// sees tells whoever asks that a name in the statement's own text means a column.
func (b *builder) sees(c *column, pos int) {
	if b.seen != nil && b.depth == 0 {
		b.seen(c, pos)
	}
}

func (b *builder) notice(format string, args ...any) {
	b.notices = append(b.notices, plan.Notice{Severity: "NOTICE", Code: "00000",
		Message: sprintf(format, args...)})
}
