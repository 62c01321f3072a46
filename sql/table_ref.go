package sql

// Alias is the name, and where given the column names or definitions, that FROM gives.
type Alias struct {
	Name string
	Cols []string
	Defs []ColDef // f(...) AS t(a int, b text)
}

// ColDef is a column name with its type.
type ColDef struct {
	Loc
	Name    string
	Type    *TypeName
	Collate Name
}

// Table is a stream, table or view in FROM.
type Table struct {
	Loc
	Name       Name
	Only       bool
	AsOf       *AsOf // s AS OF LATEST: where to start reading changes
	SystemTime Expr  // FOR SYSTEM_TIME AS OF: the time of a temporal join
	Alias      Alias
	Sample     *Sample
}

// Sample is TABLESAMPLE.
type Sample struct {
	Loc
	Method string
	Arg    Expr
	Seed   Expr // nil without REPEATABLE
}

// TableFunc is a function in FROM; it has more than one call for ROWS FROM (...).
type TableFunc struct {
	Loc
	Lateral bool
	Calls   []Expr
	// CallDefs are the column definitions of each call within ROWS FROM; nil where
	// no call has any.
	CallDefs [][]ColDef
	Ord      bool // WITH ORDINALITY
	AsOf     *AsOf
	Alias    Alias
}

// Derived is a query in FROM.
type Derived struct {
	Loc
	Lateral bool
	Q       *Query
	Alias   Alias
}

// Join is one join; exactly one of On, Using, Natural or Kind == CrossJoin holds.
type Join struct {
	Loc
	Kind       JoinKind
	Natural    bool
	L, R       TableRef
	On         Expr
	Using      []string
	UsingAlias string  // USING (...) AS alias
	Within     *Within // WITHIN of a join of two streams
	Alias      string  // (a JOIN b ON ...) AS alias
	AliasCols  []string
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
)

// String returns the words before JOIN; "" for an inner join.
func (k JoinKind) String() string {
	return [...]string{"", "LEFT", "RIGHT", "FULL", "CROSS"}[k]
}

// Within is how far in time two rows of joined streams may lie apart.
type Within struct {
	Before, After *Span
	Grace         *Span // nil without GRACE PERIOD
}

func (*Table) tableRefNode()     {}
func (*TableFunc) tableRefNode() {}
func (*Derived) tableRefNode()   {}
func (*Join) tableRefNode()      {}
