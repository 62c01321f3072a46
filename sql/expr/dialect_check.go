package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// isComparison tells whether an operator compares two values.
func isComparison(name string) bool {
	return isOrdering(name) || name == "=" || name == "<>"
}

// comparesNull refuses comparisons with NULL as it stands: no row can meet them.
func comparesNull(name string, args []Expr, pos int) error {
	if !isComparison(name) {
		return nil
	}
	for _, x := range args {
		if c, ok := x.(*Const); ok && c.T.Kind == types.Unknown && c.D.Null {
			return sqlerr.New(sqlerr.DatatypeMismatch,
				"a comparison with NULL is never true").At(pos).
				WithHint("Write IS NULL or IS NOT NULL.")
		}
	}
	return nil
}

// computes tells whether an operator computes with numbers.
func computes(name string) bool { return len(name) == 1 && strings.Contains("+-*/%", name) }

// quotedHint tells what to write instead of a quoted literal beside a value of a
// type that ksqlDB does not compare, or compute, with texts; "" where it does.
func quotedHint(name string, args []Expr) string {
	if len(args) != 2 || !isComparison(name) && !computes(name) {
		return ""
	}
	for i, x := range args {
		c, ok := x.(*Const)
		if !ok || c.T.Kind != types.Unknown || c.D.Null {
			continue
		}
		switch k := args[1-i].Type().Kind; {
		case types.Category(k) == 'N':
			return "Write the number without quotes."
		case computes(name):
		case k == types.Bool:
			return "Write true or false without quotes."
		case k == types.Bytea:
			return "Use to_bytes, which takes the encoding."
		case k == types.Array || k == types.Map || k == types.Struct:
			return "Write ARRAY[...], MAP(...) or STRUCT(...), or cast the text."
		}
	}
	return ""
}

// quotedTexts makes texts of quoted literals that nothing else gives a type.
func quotedTexts(args []Expr) []Expr {
	for _, x := range args {
		if c, ok := x.(*Const); !ok || c.T.Kind != types.Unknown || c.D.Null {
			return args
		}
	}
	out := make([]Expr, len(args))
	for i, x := range args {
		out[i] = &Const{D: x.(*Const).D, T: types.Of(types.Text)}
	}
	return out
}

// typeless refuses constructors of nothing but NULLs, whose type nothing tells.
func (c *checker) typeless(xs []Expr, what string, pos int) error {
	if !c.ksql || c.listing {
		return nil
	}
	for _, x := range xs {
		if k, ok := x.(*Const); !ok || k.T.Kind != types.Unknown || !k.D.Null {
			return nil
		}
	}
	return sqlerr.New(sqlerr.IndeterminateDatatype, "cannot determine the type of %s", what).
		At(pos).WithHint("Cast a NULL to the desired type: CAST(NULL AS STRING).")
}

// checkListed checks the list of IN, whose left side tells the types of NULLs.
func (c *checker) checkListed(es []sql.Expr) ([]Expr, error) {
	was := c.listing
	c.listing = true
	xs, err := c.checkAll(es)
	c.listing = was
	return xs, err
}

// widened gives expressions of DECIMALs, and of integers beside them, the one
// DECIMAL(p, s) that holds all of them.
func (c *checker) widened(xs []Expr, t types.Type, at []int) ([]Expr, types.Type) {
	if !c.ksql || t.Kind != types.Numeric {
		return xs, t
	}
	whole, scale := int32(0), int32(0)
	for _, x := range xs {
		if k, ok := x.(*Const); ok && k.D.Null {
			continue
		}
		p, s, ok := decimalShape(x)
		if call, isCast := x.(*Cast); isCast && !ok {
			p, s, ok = decimalShape(call.X)
		}
		if !ok {
			return xs, t
		}
		whole, scale = max(whole, p-s), max(scale, s)
	}
	wide, ok := decimalType(whole+scale, scale)
	if !ok || whole+scale == 0 {
		return xs, t
	}
	out := make([]Expr, len(xs))
	for i, x := range xs {
		y, err := c.coerce(x, wide, CoerceExplicit, at[i])
		if err != nil {
			return xs, t
		}
		out[i] = y
	}
	return out, wide
}

// escapeLiteral refuses the ESCAPE of a LIKE that is no single character.
func (c *checker) escapeLiteral(e *sql.Like) error {
	k, ok := e.Esc.(*sql.Const)
	if !c.ksql || !ok || k.Kind != sql.StrConst || utf8.RuneCountInString(k.Val) == 1 {
		return nil
	}
	return sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").At(k.Pos()).
		WithHint("Escape string must be one character.")
}

// dialectWord gives the column that a word such as USER names in ksqlDB's dialect, where
// PostgreSQL has a value of its own; nil where there is no such column.
func (c *checker) dialectWord(e *sql.Call) Expr {
	if !c.ksql || !e.Bare || len(e.Name) != 1 {
		return nil
	}
	x, err := c.sc.Column(sql.Name{strings.ToLower(e.Name[0])}, e.Pos())
	if err != nil {
		return nil
	}
	return x
}
