package sql

type (
	// ColRef is a column, or t.* or * where Star is set.
	ColRef struct {
		Loc
		Name Name
		Star bool
		// Var is the number of the parameter that the name means where it is no column: a
		// variable of the block that the statement stands in. 0: there is none. VarFirst
		// says that it means the variable also where it is a column; ColumnFirst that it
		// then means the column; neither, that this is an error.
		Var                   int
		VarFirst, ColumnFirst bool
	}

	// Const is a literal without a type name in front.
	Const struct {
		Loc
		Kind ConstKind
		// Val is the value as text: digits as written for numbers (with a leading minus
		// where one was folded in), the unescaped text for strings, "true" or "false",
		// and the literal with its quotes (B'101', X'1F') for bit strings.
		Val string
	}

	// ParamRef is $N; N counts from 1.
	ParamRef struct {
		Loc
		N int
	}

	// TypedLit is DATE '2020-01-01' or INTERVAL '1' HOUR.
	TypedLit struct {
		Loc
		Type *TypeName
		Val  string
		At   Loc // of the string itself
	}

	// Cast is CAST(X AS Type) or X::Type.
	Cast struct {
		Loc
		X    Expr
		Type *TypeName
	}

	// Unary is NOT, -, + or any other prefix operator.
	Unary struct {
		Loc
		Op     string // "NOT" or the operator's characters
		Schema string // of OPERATOR(schema.op), else ""
		X      Expr
	}

	// Binary is AND, OR, a comparison, arithmetic or any other operator.
	Binary struct {
		Loc
		// Op is "AND", "OR", "IS DISTINCT FROM", "IS NOT DISTINCT FROM" or the operator's
		// characters; != is kept as <>.
		Op     string
		Schema string // of OPERATOR(schema.op), else ""
		L, R   Expr
		Quant  Quantifier // with ANY or ALL, R is an array or a *Subquery
	}

	// Test is X IS [NOT] What.
	Test struct {
		Loc
		X    Expr
		What TestKind
		Not  bool
	}

	// Like is LIKE, ILIKE or SIMILAR TO.
	Like struct {
		Loc
		Op        LikeKind
		X, P, Esc Expr // Esc is nil without ESCAPE
		Not       bool
		Quant     Quantifier
	}

	// Between is X [NOT] BETWEEN [SYMMETRIC] Lo AND Hi.
	Between struct {
		Loc
		X, Lo, Hi Expr
		Sym, Not  bool
	}

	// In is X [NOT] IN (List) or, where Q is set, X [NOT] IN (query).
	In struct {
		Loc
		X    Expr
		List []Expr
		Q    *Query
		Not  bool
	}

	// Subquery is a query inside an expression.
	Subquery struct {
		Loc
		Kind SubqueryKind
		Q    *Query
	}

	// Call is a function or aggregate call. EXTRACT, SUBSTRING FROM, TRIM and their like
	// are calls too, and so are ROLLUP and CUBE in GROUP BY.
	Call struct {
		Loc
		Name     Name
		Args     []Expr
		Star     bool // f(*)
		Bare     bool // CURRENT_DATE and its like, written without brackets
		Distinct bool
		Variadic bool      // the last argument was given with VARIADIC
		OrderBy  []SortKey // f(x ORDER BY y)
		Within   []SortKey // WITHIN GROUP (ORDER BY y)
		Filter   Expr      // FILTER (WHERE ...)
		Nulls    NullTreatment
		Over     *WindowDef
	}

	// Lambda is x => body or (x, y) => body. f(x => 1) is also how PostgreSQL writes a named
	// argument; which of the two is meant is known only when the function is.
	Lambda struct {
		Loc
		Params []string
		Body   Expr
	}

	// NamedArg is name := value in an argument list.
	NamedArg struct {
		Loc
		Name string
		X    Expr
	}

	// MapLit is MAP(k := v, ...).
	MapLit struct {
		Loc
		Keys, Vals []Expr
	}

	// StructLit is STRUCT(name := v, ...).
	StructLit struct {
		Loc
		Names []string
		Vals  []Expr
	}

	// Case is both forms of CASE; X is nil in the searched form.
	Case struct {
		Loc
		X     Expr
		Whens []When
		Else  Expr
	}

	// When is one arm of CASE.
	When struct {
		At         Loc // of the word WHEN
		Cond, Then Expr
	}

	// ArrayLit is ARRAY[...].
	ArrayLit struct {
		Loc
		Elems []Expr
	}

	// Row is ROW(...) or a bracketed list of two or more.
	Row struct {
		Loc
		Elems []Expr
	}

	// Index is X[Lo], or X[Lo:Hi] where Slice is set; in a slice both may be nil.
	Index struct {
		Loc
		X, Lo, Hi Expr
		Slice     bool
		Alone     bool // X is an Index in brackets of its own
	}

	// Field is (X).Name, X->Name, or all fields where Star is set.
	Field struct {
		Loc
		X     Expr
		Name  string
		Star  bool
		Arrow bool // written X->Name
	}

	// Collate is X COLLATE Name.
	Collate struct {
		Loc
		X    Expr
		Name Name
	}

	// AtTZ is X AT TIME ZONE Zone.
	AtTZ struct {
		Loc
		X, Zone Expr
	}

	// Default is the word DEFAULT in VALUES or SET.
	Default struct{ Loc }

	// GroupingSets is GROUPING SETS (...) in GROUP BY; the empty set is an empty *Row.
	GroupingSets struct {
		Loc
		Sets []Expr
	}

	// TableArg is TABLE t [PARTITION BY ...] as an argument of a table function.
	TableArg struct {
		Loc
		Name Name
		By   []Expr
	}
)

func (*ColRef) exprNode()    {}
func (*Const) exprNode()     {}
func (*ParamRef) exprNode()  {}
func (*TypedLit) exprNode()  {}
func (*Cast) exprNode()      {}
func (*Unary) exprNode()     {}
func (*Binary) exprNode()    {}
func (*Test) exprNode()      {}
func (*Like) exprNode()      {}
func (*Between) exprNode()   {}
func (*In) exprNode()        {}
func (*Subquery) exprNode()  {}
func (*Call) exprNode()      {}
func (*Lambda) exprNode()    {}
func (*NamedArg) exprNode()  {}
func (*MapLit) exprNode()    {}
func (*StructLit) exprNode() {}
func (*Case) exprNode()      {}
func (*ArrayLit) exprNode()  {}
func (*Row) exprNode()       {}
func (*Index) exprNode()     {}
func (*Field) exprNode()     {}
func (*Collate) exprNode()   {}
func (*AtTZ) exprNode()      {}
func (*Default) exprNode()   {}
func (*TableArg) exprNode()  {}

func (*GroupingSets) exprNode() {}

// ConstKind is the class of a literal.
type ConstKind uint8

// The classes of literals.
const (
	NullConst ConstKind = iota
	BoolConst
	NumConst // integer, decimal, or with an exponent: Val says which
	StrConst
	BitConst
)

// Quantifier is ANY or ALL after a comparison.
type Quantifier uint8

// The quantifiers.
const (
	NoQuant Quantifier = iota
	AnyQuant
	AllQuant
)

// TestKind is what IS tests for.
type TestKind uint8

// The tests.
const (
	TestNull TestKind = iota
	TestTrue
	TestFalse
	TestUnknown
)

// String returns the words after IS [NOT].
func (k TestKind) String() string {
	return [...]string{"NULL", "TRUE", "FALSE", "UNKNOWN"}[k]
}

// LikeKind is a pattern-matching operator.
type LikeKind uint8

// The pattern-matching operators.
const (
	LikeOp LikeKind = iota
	ILikeOp
	SimilarOp
)

// String returns the operator's words.
func (k LikeKind) String() string { return [...]string{"LIKE", "ILIKE", "SIMILAR TO"}[k] }

// SubqueryKind is how a subquery's rows become one value.
type SubqueryKind uint8

// The kinds of subqueries.
const (
	ScalarSubquery SubqueryKind = iota // also the right side of = ANY (query)
	ExistsSubquery
	ArraySubquery
)

// NullTreatment is IGNORE NULLS or RESPECT NULLS.
type NullTreatment uint8

// The null treatments.
const (
	NullsDefault NullTreatment = iota
	IgnoreNulls
	RespectNulls
)

// SortKey is one element of ORDER BY.
type SortKey struct {
	X     Expr
	Desc  bool
	Nulls NullsOrder
	Using string // USING operator, "" if not given
}

// NullsOrder is NULLS FIRST or NULLS LAST; the default depends on the direction.
type NullsOrder uint8

// The places of nulls.
const (
	NullsAuto NullsOrder = iota
	NullsFirst
	NullsLast
)

// WindowDef is OVER name, OVER (...) or an element of the WINDOW clause.
type WindowDef struct {
	Loc
	Name  string // OVER name, or the name that WINDOW gives; "" for OVER (...)
	Ref   string // (Ref ...): a window this one starts from
	By    []Expr
	Order []SortKey
	Frame *Frame
}

// Frame is the frame clause of a window.
type Frame struct {
	Unit    FrameUnit
	Lo, Hi  Bound
	Between bool // false: only Lo was written, Hi is CURRENT ROW
	Exclude FrameExclusion
}

// Bound is one end of a frame; X is nil for UNBOUNDED and CURRENT ROW.
type Bound struct {
	Loc
	Kind BoundKind
	X    Expr
}

// BoundKind says on which side of the current row a bound lies.
type BoundKind uint8

// The kinds of bounds.
const (
	CurrentRow BoundKind = iota
	Preceding
	Following
)

// FrameUnit is what a frame counts.
type FrameUnit uint8

// The units of frames.
const (
	FrameRows FrameUnit = iota
	FrameRange
	FrameGroups
)

// String returns the unit's word.
func (u FrameUnit) String() string { return [...]string{"ROWS", "RANGE", "GROUPS"}[u] }

// FrameExclusion is the EXCLUDE part of a frame.
type FrameExclusion uint8

// The exclusions.
const (
	ExcludeNone FrameExclusion = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// String returns the words after EXCLUDE.
func (e FrameExclusion) String() string {
	return [...]string{"NO OTHERS", "CURRENT ROW", "GROUP", "TIES"}[e]
}
