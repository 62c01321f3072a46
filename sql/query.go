package sql

import "fmt"

// Query is a full query expression.
type Query struct {
	Loc
	Recursive bool
	With      []*CTE
	Body      Body
	OrderBy   []SortKey
	Limit     Expr // nil: no limit
	Offset    Expr // nil: from the first row
	WithTies  bool
	Locks     []LockClause

	// Emit, EmitOptions and AsOf are the streaming clauses:
	// EMIT CHANGES [WITH (op, progress)] [AS OF ...].
	Emit        EmitKind
	EmitOptions []Option
	AsOf        *AsOf // nil unless written after EMIT; see also Table.AsOf and Start
}

// CTE is one element of WITH. Either Q or Stmt (INSERT, UPDATE, DELETE) is set.
type CTE struct {
	Loc
	Name    string
	Columns []string
	Mat     Materialization
	Q       *Query
	Stmt    Statement
	Search  *Search // nil without SEARCH
	Cycle   *Cycle  // nil without CYCLE
}

// Search is SEARCH DEPTH|BREADTH FIRST BY columns SET name of a recursive query: a
// column by which its rows stand in that order.
type Search struct {
	Loc
	Breadth bool
	By      []string
	Set     string
}

// Cycle is CYCLE columns SET mark TO value DEFAULT default USING path of a recursive
// query: it follows no row whose columns it has met on the way there.
type Cycle struct {
	Loc
	Columns        []string
	Mark           string
	Value, Default Expr // both nil for TRUE and FALSE
	Path           string
}

// Materialization is [NOT] MATERIALIZED of a CTE.
type Materialization uint8

// The forms of materialization.
const (
	MatAuto Materialization = iota
	MatAlways
	MatNever
)

// EmitKind is the EMIT clause.
type EmitKind uint8

// The kinds of emission. EMIT ON WINDOW CLOSE is EMIT FINAL.
const (
	EmitNone EmitKind = iota
	EmitChanges
	EmitFinal
)

// AsOf says where a reader of changes starts.
type AsOf struct {
	Loc
	Kind AsOfKind
	X    Expr // of AsOfEpoch and AsOfExpr
}

// AsOfKind is the kind of a starting point.
type AsOfKind uint8

// The kinds of starting points.
const (
	AsOfLatest   AsOfKind = iota // what comes from now on
	AsOfEarliest                 // the beginning
	AsOfEpoch                    // what came after epoch X
	AsOfExpr                     // a time
)

// Start returns the starting point of the query: its own AS OF, else the first one given to
// a table in its outermost FROM, else nil.
func (q *Query) Start() *AsOf {
	if q.AsOf != nil {
		return q.AsOf
	}
	switch b := q.Body.(type) {
	case *Query:
		return b.Start()
	case *Select:
		for _, t := range b.From {
			if a := tableStart(t); a != nil {
				return a
			}
		}
	}
	return nil
}

func tableStart(t TableRef) *AsOf {
	switch t := t.(type) {
	case *Table:
		return t.AsOf
	case *TableFunc:
		return t.AsOf
	case *Join:
		if a := tableStart(t.L); a != nil {
			return a
		}
		return tableStart(t.R)
	}
	return nil
}

// LockClause is FOR UPDATE and its like.
type LockClause struct {
	Strength LockStrength
	Of       []Name
	At       []Loc // of each name
	Wait     LockWait
}

// LockStrength is how strong a row lock is.
type LockStrength uint8

// The strengths.
const (
	ForUpdate LockStrength = iota
	ForNoKeyUpdate
	ForShare
	ForKeyShare
)

// String returns the words after FOR.
func (s LockStrength) String() string {
	return [...]string{"UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"}[s]
}

// LockWait is what to do when a row is locked.
type LockWait uint8

// The ways to wait.
const (
	LockBlock LockWait = iota
	LockNoWait
	LockSkip
)

// SetOp is UNION, INTERSECT or EXCEPT of two bodies.
type SetOp struct {
	Loc
	Op   SetOpKind
	All  bool
	L, R Body
}

// SetOpKind is a set operation.
type SetOpKind uint8

// The set operations.
const (
	Union SetOpKind = iota
	Intersect
	Except
)

// String returns the operation's word.
func (k SetOpKind) String() string { return [...]string{"UNION", "INTERSECT", "EXCEPT"}[k] }

// Values is a VALUES list. The rows may differ in length; the planner refuses that.
type Values struct {
	Loc
	Rows [][]Expr
}

// Select is one SELECT block. TABLE t is SELECT * FROM t.
type Select struct {
	Loc
	Distinct    bool
	On          []Expr // DISTINCT ON (...)
	Items       []Item
	From        []TableRef
	Window      *StreamWindow // WINDOW TUMBLING (...) and its like
	Where       Expr
	GroupBy     []Expr
	GroupUnique bool   // GROUP BY DISTINCT
	Part        []Expr // PARTITION BY after WHERE or GROUP BY
	Having      Expr
	Windows     []*WindowDef // WINDOW w AS (...)
}

func (*Select) bodyNode() {}
func (*SetOp) bodyNode()  {}
func (*Values) bodyNode() {}
func (*Query) bodyNode()  {}

// Item is one element of a SELECT or RETURNING list.
type Item struct {
	X  Expr
	As string // "" if no name was given
}

// StreamWindow is the WINDOW clause that ksqlDB has.
type StreamWindow struct {
	Loc
	Name string // "" if none was given
	Kind WindowKind
	// Size is the length, or the gap of a session. Advance is set for hopping windows only.
	// Retention and Grace are nil where not given.
	Size, Advance, Retention, Grace *Span
}

// WindowKind is the kind of a stream window.
type WindowKind uint8

// The kinds of windows.
const (
	Tumbling WindowKind = iota
	Hopping
	Session
)

// String returns the kind's word.
func (k WindowKind) String() string { return [...]string{"TUMBLING", "HOPPING", "SESSION"}[k] }

// Span is a length of time written as a number and a unit: 5 MINUTES.
type Span struct {
	Loc
	N    int64
	Unit TimeUnit
}

// String returns the span as written, unit in the singular.
func (s *Span) String() string { return fmt.Sprintf("%d %s", s.N, s.Unit) }

// Micros returns the length in microseconds; ok is false if it does not fit, or if the unit
// is a month or a year and so has no fixed length.
func (s *Span) Micros() (micros int64, ok bool) {
	u := s.Unit.micros()
	if u == 0 || s.N > (1<<63-1)/u {
		return 0, false
	}
	return s.N * u, true
}

// TimeUnit is a unit of time.
type TimeUnit uint8

// The units.
const (
	Millisecond TimeUnit = iota
	Second
	Minute
	Hour
	Day
	Week
	Month
	Year
)

// String returns the unit's word in the singular.
func (u TimeUnit) String() string {
	return [...]string{"MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH",
		"YEAR"}[u]
}

func (u TimeUnit) micros() int64 {
	return [...]int64{1e3, 1e6, 60e6, 3600e6, 86400e6, 7 * 86400e6, 0, 0}[u]
}
