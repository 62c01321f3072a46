package expr

import (
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// castTargets are the types that casts go to.
var castTargets = []string{"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "varchar",
	"bpchar", "name", "\"char\"", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid",
	"json", "jsonb", "text[]", "int4[]", "float8[]", "int2[]", "int8[]", "numeric[]", "bool[]", "date[]",
	"timestamp[]", "varchar[]", "jsonb[]", "interval[]", "uuid[]", "mood", "mood[]", "oid[]", "float4[]", "bpchar[]",
	"name[]", "bytea[]", "time[]", "timetz[]", "timestamptz[]", "json[]", "\"char\"[]",
	"varchar(3)", "char(4)", "numeric(6,2)", "numeric(3,-2)", "numeric(3,5)", "timestamp(2)", "timestamptz(0)", "time(1)",
	"timetz(0)", "interval(1)", "interval day to minute", "interval year", "varchar(2)[]", "numeric(4,1)[]", "real",
	"interval hour to second(2)"}

// cast writes a conversion between any two types, or the reading of a string.
func (g *generator) cast(depth int) string {
	t := pick(g, castTargets)
	if g.chance(3) {
		t = g.modified()
	}
	switch g.rng.IntN(4) {
	case 0:
		return fmt.Sprintf("(%s)::%s", g.value("text", depth-1), t)
	case 1:
		return fmt.Sprintf("CAST(%s AS %s)", g.value(pick(g, g.kinds), depth-1), t)
	case 2:
		from := pick(g, castTargets[:48])
		return fmt.Sprintf("(%s)::%s", g.value(from, depth-1), t)
	}
	// The text of a value of any type, untyped.
	if v := pick(g, pools[pick(g, g.kinds)]); v != nullText {
		return quoteLit(v) + "::" + t
	}
	return "NULL::" + t
}

// comparisons are the operators that every ordered type has.
var comparisons = []string{"=", "<>", "<", "<=", ">", ">=", "!="}

// special writes an expression of syntax of its own that gives a t, where there
// is a choice.
func (g *generator) special(t string, depth int) string {
	d := depth - 1
	v := func(t string) string { return g.value(t, d) }
	n := g.rng.IntN(9)
	if strings.HasSuffix(t, "[]") && (n == 3 || n == 6) {
		n = 8 // an array of arrays is a type of its own here
	}
	switch n {
	case 0:
		return fmt.Sprintf("CASE WHEN %s THEN %s WHEN %s THEN %s ELSE %s END", v("bool"), v(t), v("bool"), v(t), v(t))
	case 1:
		return fmt.Sprintf("CASE %s WHEN %s THEN %s END", v("int4"), v("int4"), v(t))
	case 2:
		return fmt.Sprintf("%s(%s, %s)", pick(g, []string{"coalesce", "nullif", "greatest", "least"}), v(t), v(t))
	case 3:
		return fmt.Sprintf("(ARRAY[%s, %s])[%s]", v(t), v(t), g.small())
	case 4:
		if strings.HasSuffix(t, "[]") {
			return fmt.Sprintf("(%s)[%s]", v(t), g.small())
		}
		return fmt.Sprintf("(%s)[%s]", v(t+"[]"), g.small())
	case 5:
		return fmt.Sprintf("(%s)[%s:%s]", v(pick(g, []string{"int4[]", "text[]"})), g.small(), g.small())
	case 6:
		return fmt.Sprintf("ARRAY[%s, %s, %s]", v(t), v(t), v(t))
	}
	return "(" + g.condition(t, d) + ")"
}

func (g *generator) small() string { return pick(g, []string{"1", "2", "0", "(-1)", "3", "NULL"}) }

// condition writes a boolean over values of type t.
func (g *generator) condition(t string, d int) string {
	v := func(t string) string { return g.value(t, d) }
	not := pick(g, []string{"", "NOT "})
	switch g.rng.IntN(12) {
	case 0:
		return v("bool") + pick(g, []string{" AND ", " OR "}) + v("bool")
	case 1:
		return "NOT " + v("bool")
	case 2:
		return v("bool") + " IS " + not + pick(g, []string{"TRUE", "FALSE", "UNKNOWN", "NULL"})
	case 3:
		return v(t) + " IS " + not + "DISTINCT FROM " + v(t)
	case 4:
		return v(t) + " " + not + "BETWEEN " + pick(g, []string{"", "SYMMETRIC "}) + v(t) + " AND " + v(t)
	case 5:
		return v(t) + " " + not + "IN (" + v(t) + ", " + v(t) + ", " + v(t) + ")"
	case 6:
		return fmt.Sprintf("%s %s %s(%s)", v(t), pick(g, comparisons), pick(g, []string{"ANY", "ALL"}), v(t+"[]"))
	case 7:
		return fmt.Sprintf("ROW(%s, %s) %s ROW(%s, %s)", v(t), v("int4"), pick(g, comparisons), v(t), v("int4"))
	case 8:
		like := pick(g, []string{"LIKE ", "ILIKE ", "SIMILAR TO "})
		s := v("text") + " " + not + like + quoteLit(pick(g, words["like"]))
		if g.chance(3) {
			s += " ESCAPE " + quoteLit(pick(g, words["escape"][:5]))
		}
		return s
	case 9:
		return g.row(d) + " IS " + not + "NULL"
	case 10:
		return v(t) + " IS " + not + "NULL"
	}
	return v(t) + " " + pick(g, comparisons) + " " + v(t)
}

// aggregate writes a call of an aggregate over columns.
func (g *generator) aggregate() string {
	a := pick(g, g.aggs)
	g.drawn[a] = true
	elem := g.family()
	n := len(a.Args)
	if a.Variadic {
		n += g.rng.IntN(2)
	}
	var args, within []string
	for i := range n {
		t := a.Args[min(i, len(a.Args)-1)]
		if i < n-a.Within && a.Within > 0 {
			g.columns = false // direct arguments
			args = append(args, g.directArgument(a, t, i, elem))
			g.columns = true
			continue
		}
		x := g.argument(a.Name, t, i, elem, g.rng.IntN(2), a.Args)
		if i >= n-a.Within {
			within = append(within, x+pick(g, []string{"", " DESC", " DESC NULLS LAST", " NULLS FIRST"}))
		} else {
			args = append(args, x)
		}
	}
	if len(g.cur.Types) == 0 {
		g.column("int4") // there are rows in any case
	}
	s := "pg_catalog." + fmt.Sprintf("%q", a.Name) + "("
	switch {
	case n == 0 || a.Name == "count" && g.chance(3):
		if a.Name == "count" {
			args = []string{"*"}
		}
	case len(args) == 1 && a.Within == 0 && g.chance(4):
		s += "DISTINCT "
	}
	s += strings.Join(args, ", ")
	if a.Within == 0 && len(args) > 0 && args[0] != "*" && !strings.Contains(s, "DISTINCT ") {
		s += " ORDER BY " + g.sortColumns()
	}
	s += ")"
	if a.Within > 0 {
		s += " WITHIN GROUP (ORDER BY " + strings.Join(within, ", ") + ")"
	}
	if g.chance(4) {
		s += " FILTER (WHERE " + g.condition("int4", 0) + ")"
	}
	return s
}

func (g *generator) directArgument(a *AggFunc, t types.Type, i int, elem string) string {
	switch {
	case t.Kind == types.Float8:
		return pick(g, []string{"0.5", "0", "1", "0.25::float8", "1.5", "NULL", "(-0.1)"})
	case t.Kind == types.Array:
		return pick(g, []string{"ARRAY[0.25,0.5]", "'{}'::float8[]", "'{0.1,NULL,1}'::float8[]", "'{{0,1},{0.5,2}}'::float8[]"})
	}
	return g.argument(a.Name, t, i, elem, 0, a.Args)
}

// sortColumns orders by all columns, so that the order is the same everywhere.
func (g *generator) sortColumns() string {
	var out []string
	for j := range g.cur.Types {
		switch t := g.cur.Types[j]; t {
		case "json", "xid":
		default:
			out = append(out, fmt.Sprintf("c%d%s", j, pick(g, []string{"", " DESC"})))
		}
	}
	if len(out) == 0 {
		return "1::int4"
	}
	return strings.Join(out, ", ")
}
