package expr

import (
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// LiteralScope is a Scope that knows the session's settings for reading
// literals. Without it, literals whose meaning depends on the time zone or the
// clock are read when the expression is evaluated.
type LiteralScope interface {
	LiteralEnv() *types.Env
}

// checker turns syntax into checked expressions.
type checker struct {
	sc    Scope
	depth int
	base  int  // next column number for parameters of lambdas
	ksql  bool // the statement is in ksqlDB's dialect

	// late is an error that counts only if there is no other: one of what no value
	// can be computed from, which PostgreSQL sees when it begins to evaluate.
	late error

	listing bool // in the list of IN, whose left side tells the types of NULLs
}

// maxDepth bounds the nesting of expressions, so that no input overflows the
// stack.
const maxDepth = 5000

// lambdaBase is where the columns that stand for lambda parameters begin, far
// above those of any input.
const lambdaBase = 1 << 20

// Check resolves the names, functions and types of an expression. The result may
// have type Unknown (an untyped literal) or be a Param of type Unknown, for the
// caller to settle with CoerceTo or Settle.
func Check(e sql.Expr, sc Scope) (Expr, error) {
	c := newChecker(sc)
	x, err := c.check(e)
	if err == nil && c.late != nil {
		return nil, c.late
	}
	return x, err
}

// refuseLater keeps an error for when nothing else is wrong.
func (c *checker) refuseLater(err error) {
	if c.late == nil {
		c.late = err
	}
}

// CheckAs checks an expression and converts it to type want in context ctx.
// column names the target column in the error, "" when there is none.
func CheckAs(e sql.Expr, sc Scope, want types.Type, ctx CoerceCtx, column string) (Expr, error) {
	x, err := Check(e, sc)
	if err != nil {
		return nil, err
	}
	if column != "" && !CanCoerce(x.Type(), want, ctx) {
		return nil, AssignError(column, want, x.Type(), e.Pos())
	}
	return CoerceTo(x, want, ctx, sc, e.Pos())
}

// AssignError is PostgreSQL's refusal to store a value into a column.
func AssignError(column string, want, got types.Type, pos int) error {
	return sqlerr.New(sqlerr.DatatypeMismatch,
		"column \"%s\" is of type %s but expression is of type %s",
		column, baseName(want), baseName(got)).At(pos).
		WithHint("You will need to rewrite or cast the expression.")
}

// CheckBool checks a condition; clause names it in the error, such as "WHERE".
func CheckBool(e sql.Expr, sc Scope, clause string) (Expr, error) {
	c := newChecker(sc)
	x, err := c.checkBool(e, clause)
	if err == nil && c.late != nil {
		return nil, c.late
	}
	return x, err
}

// Settle gives an expression of unknown type, an untyped literal or parameter,
// the type text.
func Settle(e Expr, sc Scope, pos int) (Expr, error) {
	if e.Type().Kind != types.Unknown {
		return e, nil
	}
	return CoerceTo(e, types.Of(types.Text), CoerceImplicit, sc, pos)
}

func (c *checker) checkBool(e sql.Expr, clause string) (Expr, error) {
	x, err := c.check(e)
	if err != nil {
		return nil, err
	}
	if k := x.Type().Kind; k != types.Bool && k != types.Unknown {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch,
			"argument of %s must be type boolean, not type %s", clause, baseName(x.Type())).
			At(start(e))
	}
	if err := c.noSet(x, clause, e); err != nil {
		return nil, err
	}
	return c.coerce(x, boolType, CoerceImplicit, e.Pos())
}

// noSet refuses a set-returning function below an operand of NOT, AND, OR and IS, which have
// one value. Clauses of a query have words of their own for it.
func (c *checker) noSet(x Expr, clause string, e sql.Expr) error {
	switch {
	case clause == "NOT", clause == "AND", clause == "OR", clause == "IN",
		strings.HasPrefix(clause, "IS "):
	default:
		return nil
	}
	set := false
	Walk(x, func(y Expr) bool {
		call, ok := y.(*Call)
		set = set || ok && call.Fn.Set != nil
		return !set
	})
	if !set || c.ksql {
		return nil
	}
	return sqlerr.New(sqlerr.DatatypeMismatch, "argument of %s must not return a set", clause).
		At(start(e))
}

// start is where the text of an expression begins.
func start(e sql.Expr) int { return sql.Start(e) }

func (c *checker) checkAll(es []sql.Expr) ([]Expr, error) {
	xs := make([]Expr, len(es))
	for i, e := range es {
		x, err := c.check(e)
		if err != nil {
			return nil, err
		}
		xs[i] = x
	}
	return xs, nil
}

func (c *checker) check(e sql.Expr) (Expr, error) {
	if c.depth++; c.depth > maxDepth {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "expression is nested too deeply").
			WithHint("Write it with fewer levels of brackets.").At(e.Pos())
	}
	defer func() { c.depth-- }()
	switch e := e.(type) {
	case *sql.ColRef:
		return c.column(e)
	case *sql.Const:
		return c.literal(e)
	case *sql.ParamRef:
		return c.sc.Param(e.N, types.Of(types.Unknown), e.Pos())
	case *sql.TypedLit:
		return c.typedLit(e)
	case *sql.Cast:
		return c.castExpr(e)
	case *sql.Unary:
		return c.unary(e)
	case *sql.Binary:
		return c.binary(e)
	case *sql.Test:
		return c.test(e)
	case *sql.Like:
		return c.like(e)
	case *sql.Between:
		return c.between(e)
	case *sql.In:
		return c.in(e)
	case *sql.Case:
		return c.caseExpr(e)
	case *sql.Call:
		return c.call(e)
	}
	return c.checkRare(e)
}

func (c *checker) checkRare(e sql.Expr) (Expr, error) {
	switch e := e.(type) {
	case *sql.Subquery:
		return c.sc.Query(e, nil)
	case *sql.ArrayLit:
		return c.arrayLit(e)
	case *sql.Row:
		return c.row(e)
	case *sql.Index:
		return c.index(e)
	case *sql.Field:
		return c.field(e)
	case *sql.MapLit:
		return c.mapLit(e)
	case *sql.StructLit:
		return c.structLit(e)
	case *sql.Collate:
		return c.collate(e)
	case *sql.AtTZ:
		return c.atTimeZone(e)
	case *sql.Default:
		return nil, sqlerr.New(sqlerr.SyntaxError, "DEFAULT is not allowed in this context").
			At(e.Pos())
	case *sql.Lambda, *sql.NamedArg:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a named argument or lambda may stand only in an argument list").At(e.Pos())
	case *sql.TableArg:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"TABLE may stand only in the arguments of a table function").At(e.Pos())
	}
	return nil, fmt.Errorf("check: unexpected expression %T", e)
}

func (c *checker) column(e *sql.ColRef) (Expr, error) {
	if e.Var > 0 {
		return c.variable(e)
	}
	if rows, ok := c.sc.(RowScope); ok && e.Star && len(e.Name) > 0 {
		return rows.Row(e.Name, e.Pos()) // t.* as one value is the whole row
	}
	if e.Star {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"row expansion via \"*\" is not supported here").At(e.Pos())
	}
	return c.sc.Column(e.Name, e.Pos())
}

// literal gives numbers the smallest of integer, bigint and numeric that holds
// them; strings stay untyped.
func (c *checker) literal(e *sql.Const) (Expr, error) {
	switch e.Kind {
	case sql.NullConst:
		return &Const{D: types.NullDatum, T: types.Of(types.Unknown), at: e.Pos() + 1}, nil
	case sql.BoolConst:
		return &Const{D: types.BoolDatum(e.Val == "true"), T: boolType}, nil
	case sql.StrConst:
		return &Const{D: types.TextDatum(e.Val), T: types.Of(types.Unknown), at: e.Pos() + 1}, nil
	case sql.NumConst:
		if c.ksql && strings.ContainsAny(e.Val, "eE") && !strings.HasPrefix(e.Val, "0x") {
			return dialectNumber(e.Val, e.Pos())
		}
		x, err := numberLiteral(e.Val, e.Pos())
		if c.ksql && err == nil {
			x = shapedLiteral(x)
		}
		return x, err
	}
	return nil, sqlerr.Unsupported("type bit", "Use an integer or bytea instead.").At(e.Pos())
}

func numberLiteral(s string, pos int) (Expr, error) {
	s = plainNumber(s)
	if !strings.ContainsAny(s, ".eE") {
		if v, err := types.ParseInt(types.Int8, s); err == nil {
			t := types.Of(types.Int8)
			if v == int64(int32(v)) {
				t = types.Of(types.Int4)
			}
			return &Const{D: types.IntDatum(v), T: t}, nil
		}
	}
	t := types.Of(types.Numeric)
	d, err := parseText(t, s, nil)
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	return &Const{D: d, T: t}, nil
}

func (c *checker) typedLit(e *sql.TypedLit) (Expr, error) {
	t, err := ResolveTypeName(e.Type, c.sc)
	if err != nil {
		return nil, err
	}
	lit := &Const{D: types.TextDatum(e.Val), T: types.Of(types.Unknown)}
	x, err := c.coerce(lit, t, CoerceExplicit, int(e.At))
	if err != nil {
		return nil, err
	}
	return c.domain(e.Type, x, int(e.At))
}

// domain gives x, which was converted to a type, with the rules of the domain that the
// type's name may be.
func (c *checker) domain(t *sql.TypeName, x Expr, pos int) (Expr, error) {
	if d, ok := c.sc.(DomainScope); ok && len(t.Name) > 0 && len(t.Dims) == 0 {
		return d.Domain(t.Name, x, pos)
	}
	return x, nil
}

func (c *checker) castExpr(e *sql.Cast) (Expr, error) {
	t, err := ResolveTypeName(e.Type, c.sc)
	if err != nil {
		return nil, err
	}
	if c.ksql {
		t = WithoutLengths(t)
	}
	if a, ok := e.X.(*sql.ArrayLit); ok && t.Kind == types.Array && (!c.ksql || len(a.Elems) == 0) {
		x, err := c.typedArray(a, t)
		if err != nil {
			return nil, err
		}
		return c.domain(e.Type, x, e.Pos())
	}
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	pos := e.Pos()
	if x.Type().Kind == types.Unknown {
		pos = e.X.Pos()
	}
	if x, err = c.dialectCast(x, t, pos); err != nil {
		return nil, err
	}
	if !c.ksql && losesMod(x.Type(), t) {
		x = relabel(x, t, pos)
	}
	return c.domain(e.Type, x, e.Pos())
}

// losesMod tells whether from has a modifier, and to is the same type without.
func losesMod(from, to types.Type) bool {
	return from.Innermost().Mod != 0 && to.Innermost().Mod == 0 && from.Same(to)
}

// relabel gives x the type t, which differs in its modifier alone: it has none.
func relabel(x Expr, t types.Type, pos int) Expr {
	if k, ok := x.(*Const); ok {
		return &Const{D: k.D, T: t}
	}
	return &Cast{X: x, T: t, Explicit: true, Pos: pos}
}

// KnownCollation tells whether a collation exists: one of those that compare byte by byte.
func KnownCollation(name string) bool {
	switch strings.ToLower(name) {
	case "c", "posix", "default", "ucs_basic", "c.utf-8", "c.utf8":
		return true
	}
	return false
}

func (c *checker) collate(e *sql.Collate) (Expr, error) {
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	if !KnownCollation(e.Name.Last()) {
		return nil, sqlerr.New(sqlerr.UndefinedObject,
			"collation \"%s\" for encoding \"UTF8\" does not exist", e.Name.Last()).At(e.Pos()).
			WithHint("Text is compared byte by byte: use the collation \"C\".")
	}
	if k := x.Type().Kind; k != types.Unknown && !isString(k) && k != types.Array {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch,
			"collations are not supported by type %s", baseName(x.Type())).At(e.Pos())
	}
	return x, nil
}

func (c *checker) atTimeZone(e *sql.AtTZ) (Expr, error) {
	zone, err := c.check(e.Zone)
	if err != nil {
		return nil, err
	}
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	return c.callNamed("timezone", []Expr{zone, x}, e.Pos())
}

// ResolveTypeName gives the type that a written type name means. Names that no
// built-in type has are looked up in the scope (which may be nil).
func ResolveTypeName(n *sql.TypeName, sc Scope) (types.Type, error) {
	t, err := resolveTypeBase(n, sc)
	if err != nil {
		return types.Type{}, err
	}
	if len(n.Dims) > 0 && t.Kind != types.Array {
		t = types.ArrayOf(t)
	}
	return t, nil
}

func resolveTypeBase(n *sql.TypeName, sc Scope) (types.Type, error) {
	if n.Pct {
		return types.Type{}, sqlerr.Unsupported("%TYPE", "Name the type of the column.").At(n.Pos())
	}
	name := n.Name.Last()
	if len(n.Elems) > 0 || n.IsStruct() {
		return resolveNestedType(n, sc)
	}
	if n.Quoted && name == "char" {
		name = "\"char\""
	}
	schema := n.Name.Schema()
	if schema == "" || schema == "pg_catalog" {
		t, err := types.ByNameText(name, n.Mods)
		if err == nil || !sqlerr.Is(err, sqlerr.UndefinedObject) {
			if err != nil {
				return t, sqlerr.As(err).At(n.Pos())
			}
			return t, nil
		}
	}
	if sc != nil {
		if t, ok := sc.UserType(n.Name, n.Pos()); ok {
			return t, nil
		}
	}
	err := sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist",
		strings.Join(n.Name, ".")).At(n.Pos())
	if hint, ok := refusedTypes[strings.ToLower(strings.TrimSuffix(name, "[]"))]; ok {
		return types.Type{}, sqlerr.Unsupported("type "+name, hint).At(n.Pos())
	}
	if near := closest(name, typeNames); near != "" {
		return types.Type{}, err.WithHint("Did you mean \"%s\"?", near)
	}
	return types.Type{}, err
}

// refusedTypes are PostgreSQL's types that are not here, with what to take instead.
var refusedTypes = func() map[string]string {
	m := map[string]string{}
	for hint, names := range map[string]string{
		"Use an integer, boolean[] or bytea instead.":             "bit varbit",
		"Use text instead.":                                       "inet cidr macaddr macaddr8 xml",
		"Use two columns of double precision, or jsonb, instead.": "point line lseg box path polygon circle",
		"Use numeric instead.":                                    "money",
		"Use two columns for the bounds instead.": "int4range int8range numrange tsrange tstzrange daterange " +
			"int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange",
		"Use LIKE, or a regular expression, on the text instead.": "tsvector tsquery regconfig regdictionary",
		"Use bigint instead.": "pg_lsn xid8 cid tid txid_snapshot pg_snapshot",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = hint
		}
	}
	return m
}()

// typeNames are the names that hints offer.
var typeNames = []string{"bigint", "integer", "smallint", "boolean", "text", "varchar", "numeric",
	"double precision", "real", "timestamp", "timestamptz", "date", "time", "interval", "uuid",
	"jsonb", "json", "bytea", "string", "decimal", "int4", "int8", "float8"}

func resolveNestedType(n *sql.TypeName, sc Scope) (types.Type, error) {
	elems := make([]types.Type, len(n.Elems))
	for i, e := range n.Elems {
		t, err := ResolveTypeName(e, sc)
		if err != nil {
			return types.Type{}, err
		}
		elems[i] = t
	}
	switch name := strings.ToLower(n.Name.Last()); {
	case n.IsStruct():
		fs := make([]types.Field, len(elems))
		for i, t := range elems {
			fs[i] = types.Field{Name: n.Fields[i], Type: t}
			for _, f := range fs[:i] {
				if f.Name == n.Fields[i] {
					return types.Type{}, sqlerr.New(sqlerr.DuplicateColumn,
						"field \"%s\" specified more than once", f.Name).At(n.Elems[i].Pos())
				}
			}
		}
		return types.Type{Kind: types.Struct, Fields: fs}, nil
	case name == "array" && len(elems) == 1:
		return types.ArrayOf(elems[0]), nil
	case name == "map" && len(elems) == 2:
		return types.MapOf(elems[0], elems[1]), nil
	}
	return types.Type{}, sqlerr.New(sqlerr.SyntaxError,
		"type \"%s\" does not take element types", n.Name.Last()).At(n.Pos()).
		WithHint("Write ARRAY<T>, MAP<K, V> or STRUCT<name T, ...>.")
}
