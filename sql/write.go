package sql

type (
	// SelectStmt is a query as a statement: SELECT, VALUES, TABLE or WITH.
	SelectStmt struct {
		Extent
		Query *Query
	}

	// Insert is INSERT. Query is nil for DEFAULT VALUES; for VALUES its body is *Values.
	// INSERT ... SELECT ... EMIT CHANGES is a continuous writer (Query.Emit).
	Insert struct {
		Extent
		WithClause
		NamePos    Loc // of the table's name
		Table      Name
		Alias      string
		Columns    []string
		ColumnLocs []Loc    // of Columns
		Paths      [][]Expr // of Columns, as Assign.Path; nil where all are whole columns
		Options    []Option // WITH (query_id = 'q')
		Overriding Overriding
		Query      *Query
		OnConflict *OnConflict
		Returning  []Item
	}

	// Update is UPDATE.
	Update struct {
		Extent
		WithClause
		Table     *Table
		Set       []Assign
		From      []TableRef
		Where     Expr
		Cursor    string // WHERE CURRENT OF cursor
		Returning []Item
	}

	// Delete is DELETE.
	Delete struct {
		Extent
		WithClause
		Table     *Table
		Using     []TableRef
		Where     Expr
		Cursor    string
		Returning []Item
	}

	// Merge is MERGE.
	Merge struct {
		Extent
		WithClause
		Table *Table
		Using TableRef
		On    Expr
		Whens []MergeWhen
	}

	// Truncate is TRUNCATE.
	Truncate struct {
		Extent
		Names           []Name
		RestartIdentity bool
		Cascade         bool
	}

	// Copy is COPY. Either Query or Table is set. File is "" for STDIN and STDOUT.
	Copy struct {
		Extent
		NamePos Loc
		Table   Name
		Columns []string
		// ColumnLocs are the places of Columns.
		ColumnLocs []Loc
		Query      *Query
		To         bool // COPY ... TO; else FROM
		File       string
		Program    bool
		// Options are in the new spelling whatever was written: format, header, delimiter,
		// null, quote, escape, force_quote, force_not_null, force_null, encoding, ...
		Options []Option
		Where   Expr
	}
)

// MergeWhen is one WHEN clause of MERGE.
type MergeWhen struct {
	Loc
	Matched bool
	Cond    Expr // AND condition, or nil
	Action  MergeAction
	Set     []Assign // of MergeUpdate
	// Columns, Overriding and Values are those of MergeInsert; nil Values are DEFAULT
	// VALUES.
	Columns    []string
	Overriding Overriding
	Values     []Expr
}

// MergeAction is what a WHEN clause does.
type MergeAction uint8

// The actions.
const (
	MergeNothing MergeAction = iota
	MergeInsert
	MergeUpdate
	MergeDelete
)

// WithClause is WITH before INSERT, UPDATE, DELETE or MERGE.
type WithClause struct {
	Recursive bool
	With      []*CTE
}

// Overriding is OVERRIDING ... VALUE of INSERT.
type Overriding uint8

// The forms of OVERRIDING.
const (
	OverridingNone Overriding = iota
	OverridingSystem
	OverridingUser
)

// OnConflict is ON CONFLICT of INSERT.
type OnConflict struct {
	Loc
	Targets     []IndexKey
	TargetWhere Expr
	Constraint  string // ON CONSTRAINT name
	DoNothing   bool
	Set         []Assign
	Where       Expr
}

// Assign is one assignment of SET: one column and an expression, or several columns and a
// *Row, *Subquery or other row-valued expression.
type Assign struct {
	Loc
	Columns []string
	Path    []Expr // of SET a[1] = x or a.b = x: *Index and *Field nodes with X nil
	Multi   bool   // (a, b) = ...; also true for (a) = ...
	X       Expr
}
