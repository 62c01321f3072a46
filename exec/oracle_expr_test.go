package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The types of the columns that the generator makes. numeric has a fixed scale,
// because equal numbers of different scale are one group with two texts.
const (
	tBig   = "bigint"
	tInt   = "integer"
	tText  = "text"
	tFloat = "double precision"
	tNum   = "numeric(18,2)"
	tBool  = "boolean"
	tTime  = "timestamp"
	tDate  = "date"
	tSpan  = "interval"
	tInts  = "integer[]"
)

var allTypes = []string{tBig, tInt, tText, tFloat, tNum, tBool, tTime, tDate, tSpan, tInts}

// column is a name that an expression may use, and its type.
type column struct{ name, typ string }

// generator makes schemas, changes and queries. Everything it makes has one answer
// only: orders are total, floats are multiples of a quarter, no minus zero.
type generator struct {
	*rand.Rand
	tables []*genTable
	views  []*genTable
	names  int
	risky  bool // expressions may fail on some rows
	big    bool // some changes have thousands of rows
	nulls  int  // how many of a hundred values are null
	few    bool // most keys are equal to others
	loose  bool // the query that was made last has an order that nobody states
}

func pick[T any](g *generator, xs ...T) T { return xs[g.IntN(len(xs))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprint(prefix, g.names)
}

// literal gives a constant of a type that is not null.
func (g *generator) literal(typ string) string {
	switch typ {
	case tBig:
		if g.few {
			return fmt.Sprintf("(%d)::bigint", g.IntN(3))
		}
		return fmt.Sprintf("(%d)::bigint", g.IntN(12)-3)
	case tInt:
		if g.few {
			return fmt.Sprintf("%d", g.IntN(3))
		}
		return fmt.Sprintf("%d", g.IntN(8))
	case tText:
		if g.few {
			return "'" + pick(g, "a", "b") + "'::text"
		}
		return "'" + pick(g, "", "a", "b", "ab", "Zug", "bern", "ä€", "it''s", "x_y%") + "'::text"
	case tFloat:
		return fmt.Sprintf("'%g'::double precision", float64(g.IntN(40)-10)/4)
	case tNum:
		return fmt.Sprintf("%d.%02d::numeric(18,2)", g.IntN(30), g.IntN(100))
	case tBool:
		return pick(g, "true", "false")
	case tTime:
		return fmt.Sprintf("timestamp '2024-01-%02d %02d:%02d:00'", 1+g.IntN(3), g.IntN(24),
			15*g.IntN(4))
	case tDate:
		return fmt.Sprintf("date '2024-02-%02d'", 1+g.IntN(5))
	case tSpan:
		return fmt.Sprintf("interval '%d minutes'", 15*g.IntN(20))
	case tJSON, tTexts, tStamp:
		return g.moreLiteral(typ)
	default:
		var e []string
		for range g.IntN(4) {
			e = append(e, pick(g, "1", "2", "3", "NULL"))
		}
		return "'{" + strings.Join(e, ",") + "}'::integer[]"
	}
}

func (g *generator) value(typ string) string {
	if g.chance(g.nulls) {
		return "NULL"
	}
	return g.literal(typ)
}

// column picks a column of a type in scope.
func (g *generator) column(scope []column, typ string) (string, bool) {
	var fit []string
	for _, c := range scope {
		if c.typ == typ {
			fit = append(fit, c.name)
		}
	}
	if len(fit) == 0 {
		return "", false
	}
	return pick(g, fit...), true
}

// form is an expression with holes, and the types of the holes.
type form struct {
	text  string
	holes []string
}

func f(text string, holes ...string) form { return form{text, holes} }

// forms are the expressions of a type. None fails, whatever the rows are.
var forms = map[string][]form{
	tBig: {f("(%s + %s)", tBig, tBig), f("(%s - %s)", tBig, tInt), f("(-%s)", tBig),
		f("(%s)::bigint", tInt), f("abs(%s)", tBig), f("(%s %% 5)", tBig),
		f("coalesce(%s, %s)", tBig, tBig), f("nullif(%s, %s)", tBig, tBig),
		f("(%s * 2)", tBig), f("(%s / 3)", tBig), f("greatest(%s, %s)", tBig, tBig),
		f("(%s & 7)", tBig), f("(%s)::bigint", tNum), f("(%s)::bigint", tFloat),
		f("extract(epoch FROM %s)::bigint", tTime)},
	tInt: {f("(%s + %s)", tInt, tInt), f("length(%s)", tText), f("(%s %% 3)", tInt),
		f("coalesce(%s, %s)", tInt, tInt), f("least(%s, %s)", tInt, tInt),
		f("(%s)::integer", tBool), f("cardinality(%s)", tInts), f("(%s)[1]", tInts),
		f("(%s - %s)", tDate, tDate), f("extract(hour FROM %s)::integer", tTime),
		f("position(%s IN %s)", tText, tText), f("ascii(%s)", tText),
		f("array_position(%s, %s)", tInts, tInt), f("sign(%s)::integer", tNum)},
	tText: {f("(%s || %s)", tText, tText), f("upper(%s)", tText), f("substr(%s, 1, 2)", tText),
		f("(%s)::text", tBig), f("(%s)::text", tNum), f("(%s)::text", tTime),
		f("(%s)::text", tFloat), f("(%s)::text", tBool), f("(%s)::text", tInts),
		f("(%s)::text", tSpan), f("coalesce(%s, %s)", tText, tText), f("reverse(%s)", tText),
		f("concat(%s, %s)", tText, tInt), f("replace(%s, 'a', %s)", tText, tText),
		f("left(%s, %s)", tText, tInt), f("lpad(%s, 3, '*')", tText), f("md5(%s)", tText),
		f("to_char(%s, 'YYYY-MM-DD HH24:MI')", tTime), f("split_part(%s, 'a', 1)", tText),
		f("concat_ws('-', %s, %s)", tText, tDate), f("array_to_string(%s, ',', 'n')", tInts)},
	tFloat: {f("(%s + %s)", tFloat, tFloat), f("(%s - %s)", tFloat, tFloat),
		f("(%s)::double precision", tBig), f("greatest(%s, %s)", tFloat, tFloat),
		f("coalesce(%s, %s)", tFloat, tFloat), f("(%s + %s)", tFloat, tInt)},
	tNum: {f("(%s + %s)::numeric(18,2)", tNum, tNum), f("(%s)::numeric(18,2)", tBig),
		f("round(%s * 1.5, 2)::numeric(18,2)", tNum), f("coalesce(%s, %s)::numeric(18,2)", tNum, tNum),
		f("abs(%s)::numeric(18,2)", tNum), f("round(%s / 7, 2)::numeric(18,2)", tNum),
		f("trunc(%s)::numeric(18,2)", tNum), f("(%s * %s)::numeric(18,2)", tNum, tInt)},
	tTime: {f("(%s + %s)", tTime, tSpan), f("date_trunc('hour', %s)", tTime),
		f("(%s)::timestamp", tDate), f("(%s - interval '1 day')", tTime),
		f("coalesce(%s, %s)", tTime, tTime), f("least(%s, %s)", tTime, tTime),
		f("date_bin('30 minutes', %s, timestamp '2024-01-01')", tTime)},
	tDate: {f("(%s + %s)", tDate, tInt), f("(%s)::date", tTime), f("greatest(%s, %s)", tDate, tDate),
		f("coalesce(%s, %s)", tDate, tDate)},
	tSpan: {f("(%s + %s)", tSpan, tSpan), f("least(%s, %s)", tSpan, tSpan), f("(%s * 2)", tSpan),
		f("coalesce(%s, %s)", tSpan, tSpan)},
	tInts: {f("(%s || %s)", tInts, tInts), f("array_append(%s, %s)", tInts, tInt),
		f("ARRAY[%s, %s]", tInt, tInt), f("array_remove(%s, %s)", tInts, tInt),
		f("coalesce(%s, %s)", tInts, tInts), f("(%s)[1:2]", tInts)},
	tBool: {f("(%s AND %s)", tBool, tBool), f("(%s OR %s)", tBool, tBool), f("(NOT %s)", tBool),
		f("(%s LIKE '%%a%%')", tText), f("(%s ILIKE 'B%%')", tText), f("(%s ~ '^[a-z]')", tText),
		f("(%s BETWEEN %s AND %s)", tBig, tBig, tInt), f("(%s IS TRUE)", tBool),
		f("(%s = ANY (%s))", tInt, tInts), f("(%s > ALL (%s))", tInt, tInts),
		f("(%s @> %s)", tInts, tInts), f("(%s && %s)", tInts, tInts),
		f("(%s IN (1, 2, 5))", tBig), f("(%s NOT IN ('a', 'Zug'))", tText),
		f("((%s, %s) < (%s, %s))", tInt, tText, tInt, tText), f("(%s < %s)", tBig, tNum),
		f("(%s <> %s)", tInt, tFloat), f("(%s > %s)", tTime, tDate),
		f("((%s, %s) OVERLAPS (%s, %s))", tTime, tSpan, tTime, tSpan)},
}

// riskyForms may fail on some rows.
var riskyForms = map[string][]form{
	tBig:  {f("(%s / %s)", tBig, tInt), f("(%s %% %s)", tInt, tBig), f("(%s)::bigint", tText)},
	tInt:  {f("(%s)::integer", tText), f("(%s / %s)", tInt, tInt), f("(%s * 1000000000)", tInt)},
	tNum:  {f("(%s / %s)::numeric(18,2)", tNum, tNum), f("sqrt(%s)::numeric(18,2)", tNum)},
	tDate: {f("(%s)::date", tText)},
	tText: {f("substr(%s, %s, %s)", tText, tInt, tInt), f("repeat(%s, %s %% 1000)", tText, tInt)},
	tBool: {f("(%s)::boolean", tText)},
}

// expr makes an expression of a type.
func (g *generator) expr(scope []column, typ string, depth int) string {
	if c, ok := g.column(scope, typ); ok && (depth <= 0 || g.chance(45)) {
		return c
	}
	if depth <= 0 {
		return g.literal(typ)
	}
	d := depth - 1
	switch {
	case g.chance(10):
		return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.expr(scope, tBool, d),
			g.expr(scope, typ, d), g.expr(scope, typ, d))
	case g.chance(4):
		return fmt.Sprintf("CASE %s WHEN 1 THEN %s WHEN 2 THEN %s END", g.expr(scope, tInt, d),
			g.expr(scope, typ, d), g.expr(scope, typ, d))
	case typ == tBool && g.chance(50):
		return g.comparison(scope, d)
	case g.risky && len(riskyForms[typ]) > 0 && g.chance(40):
		return g.fill(scope, pick(g, riskyForms[typ]...), d)
	}
	return g.fill(scope, pick(g, forms[typ]...), d)
}

func (g *generator) fill(scope []column, fm form, depth int) string {
	var args []any
	for _, h := range fm.holes {
		args = append(args, g.expr(scope, h, depth))
	}
	return fmt.Sprintf(fm.text, args...)
}

func (g *generator) comparison(scope []column, depth int) string {
	typ := pick(g, allTypes...)
	a := g.expr(scope, typ, depth)
	if g.chance(15) {
		return fmt.Sprintf("(%s IS %sNULL)", a, pick(g, "", "NOT "))
	}
	op := pick(g, "=", "<>", "<", "<=", ">", ">=", "=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
	return fmt.Sprintf("(%s %s %s)", a, op, g.expr(scope, typ, depth))
}

// exprs makes n expressions of any types.
func (g *generator) exprs(scope []column, n, depth int) (texts, typs []string) {
	for range n {
		typ := pick(g, allTypes...)
		if len(scope) > 0 && g.chance(60) {
			typ = pick(g, scope...).typ
		}
		texts = append(texts, g.expr(scope, typ, depth))
		typs = append(typs, typ)
	}
	return texts, typs
}
