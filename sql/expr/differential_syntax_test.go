package expr

import (
	"fmt"
	"strconv"
	"strings"
)

// modified writes a type with modifiers, or an array of one.
func (g *generator) modified() string {
	n := strconv.Itoa
	t := ""
	switch g.rng.IntN(7) {
	case 0:
		p := 1 + g.rng.IntN(12)
		t = "numeric(" + n(p) + "," + n(g.rng.IntN(p+6)-3) + ")"
	case 1:
		t = "varchar(" + n(1+g.rng.IntN(6)) + ")"
	case 2:
		t = "char(" + n(1+g.rng.IntN(6)) + ")"
	case 3:
		t = pick(g, []string{"timestamp", "timestamptz", "time", "timetz"}) + "(" + n(g.rng.IntN(8)) + ")"
	case 4:
		t = "interval(" + n(g.rng.IntN(7)) + ")"
	case 5:
		t = "numeric(" + n(1+g.rng.IntN(8)) + ")"
	default:
		t = "interval " + pick(g, intervalFields)
	}
	if g.chance(5) {
		t += "[]"
	}
	return t
}

var intervalFields = []string{"year", "month", "day", "hour", "minute", "second", "year to month",
	"day to hour", "day to minute", "day to second", "hour to minute", "hour to second",
	"minute to second", "second(0)", "second(3)", "day to second(2)", "minute to second(1)"}

// families are types that mix in one expression.
var families = [][]string{
	{"int2", "int4", "int8", "numeric", "float4", "float8"}, {"text", "varchar", "bpchar", "name"},
	{"date", "timestamp", "timestamptz"}, {"time", "timetz", "interval"}, {"oid", "int4", "int8"},
	{"int4[]", "int8[]", "numeric[]", "float8[]"}, {"text[]", "varchar[]"}, {"json", "jsonb", "text"},
}

// mixed writes a value of one of the types of a family, or a literal without a type.
func (g *generator) mixed(family []string, depth int) string {
	t := pick(g, family)
	if g.chance(5) {
		if v := pick(g, pools[t]); v != nullText {
			return quoteLit(v)
		}
		return "NULL"
	}
	return g.value(t, depth)
}

// syntaxed writes what has a syntax of its own.
func (g *generator) syntaxed(depth int) string {
	d := depth - 1
	v := func(t string) string { return g.value(t, d) }
	switch g.rng.IntN(11) {
	case 0, 1:
		return g.common(d)
	case 2:
		return g.rows(d)
	case 3:
		zone := quoteLit(pick(g, words["zone"]))
		if g.chance(3) {
			zone = v("interval")
		}
		return v(pick(g, []string{"timestamp", "timestamptz", "timetz", "time", "date"})) +
			" AT TIME ZONE " + zone
	case 4:
		of := v(pick(g, []string{"date", "timestamp", "timestamptz", "time", "timetz", "interval"}))
		if f := pick(g, words["field"]); f != "" {
			return "extract(" + strings.ToLower(f) + " from " + of + ")"
		}
		return "date_part('', " + of + ")"
	case 5:
		return g.textSyntax(d)
	case 6:
		return g.overlaps(d)
	case 7:
		return g.subscripted(d)
	case 8:
		return g.formatted(d)
	case 9:
		return g.parsed()
	}
	return fmt.Sprintf("CAST(%s AS %s)", v(pick(g, g.kinds)), g.modified())
}

// common writes the constructs that find a common type.
func (g *generator) common(d int) string {
	f := pick(g, families)
	x := func() string { return g.mixed(f, d) }
	switch g.rng.IntN(8) {
	case 0:
		return fmt.Sprintf("CASE WHEN %s THEN %s WHEN %s THEN %s END", g.value("bool", d), x(), g.value("bool", d), x())
	case 1:
		return fmt.Sprintf("CASE %s WHEN %s THEN %s ELSE %s END", x(), x(), x(), x())
	case 2:
		return fmt.Sprintf("coalesce(%s, %s, %s)", x(), x(), x())
	case 3:
		return fmt.Sprintf("nullif(%s, %s)", x(), x())
	case 4:
		return fmt.Sprintf("%s(%s, %s, %s)", pick(g, []string{"greatest", "least"}), x(), x(), x())
	case 5:
		return fmt.Sprintf("ARRAY[%s, %s]", x(), x())
	case 6:
		return fmt.Sprintf("%s IN (%s, %s, %s)", x(), x(), x(), x())
	}
	return fmt.Sprintf("%s %s BETWEEN %s AND %s", x(), pick(g, []string{"", "NOT"}), x(), x())
}

// rows writes comparisons of rows.
func (g *generator) rows(d int) string {
	n := 1 + g.rng.IntN(3)
	fs := make([][]string, n)
	for i := range fs {
		fs[i] = pick(g, families[:5])
	}
	row := func() string {
		xs := make([]string, n)
		for i := range xs {
			xs[i] = g.mixed(fs[i], d)
		}
		return "ROW(" + strings.Join(xs, ", ") + ")"
	}
	switch g.rng.IntN(4) {
	case 0:
		return row() + pick(g, []string{" IN (", " NOT IN ("}) + row() + ", " + row() + ")"
	case 1:
		return row() + pick(g, []string{" IS DISTINCT FROM ", " IS NOT DISTINCT FROM "}) + row()
	}
	return row() + " " + pick(g, comparisons) + " " + row()
}

func (g *generator) textSyntax(d int) string {
	v := func(t string) string { return g.value(t, d) }
	text := v(pick(g, []string{"text", "text", "varchar", "bpchar", "bytea"}))
	small := func() string { return quoteLit(pick(g, words["small"][:7])) + "::int4" }
	switch g.rng.IntN(9) {
	case 0:
		return "substring(" + text + " from " + small() + ")"
	case 1:
		return "substring(" + text + " from " + small() + " for " + small() + ")"
	case 2:
		return "substring(" + text + " for " + small() + ")"
	case 3:
		return "substring(" + text + " from " + quoteLit(pick(g, words["regex"][:19])) + ")"
	case 4:
		return fmt.Sprintf("substring(%s similar %s escape %s)", text,
			quoteLit(pick(g, []string{`%#"_b_#"%`, `#"a%#"`, `%`, `a#"b`, `#"#"#"`})), quoteLit("#"))
	case 5:
		return "overlay(" + text + " placing " + v(pick(g, []string{"text", "bytea"})) + " from " + small() +
			pick(g, []string{"", " for " + small()}) + ")"
	case 6:
		return "trim(" + pick(g, []string{"both", "leading", "trailing"}) + " " + v("text") + " from " + text + ")"
	case 7:
		return "position(" + v("text") + " in " + text + ")"
	}
	form := pick(g, []string{"NFC", "NFD", "NFKC", "NFKD"})
	if g.chance(2) {
		return text + " IS " + pick(g, []string{"", "NOT "}) + form + " NORMALIZED"
	}
	return "normalize(" + text + ", " + form + ")"
}

func (g *generator) overlaps(d int) string {
	t := pick(g, []string{"date", "timestamp", "timestamptz", "time", "timetz"})
	end := func() string {
		if g.chance(2) && t != "timetz" {
			return g.value("interval", d)
		}
		return g.value(t, d)
	}
	return fmt.Sprintf("(%s, %s) OVERLAPS (%s, %s)", g.value(t, d), end(), g.value(t, d), end())
}

// subscripted writes jsonb with subscripts and operators, and slices of arrays.
func (g *generator) subscripted(d int) string {
	key := func() string {
		return pick(g, []string{"'a'", "'b'", "0", "1", "(-1)", "'zz'", "NULL", "'c'", "'0'"})
	}
	j := "(" + g.value("jsonb", d) + ")"
	switch g.rng.IntN(4) {
	case 0:
		return j + "[" + key() + "]"
	case 1:
		return j + "[" + key() + "][" + key() + "]"
	case 2:
		return j + pick(g, []string{" -> ", " ->> ", " - "}) + key()
	}
	return fmt.Sprintf("(%s)[%s:%s][%s:%s]", g.value(pick(g, []string{"int4[]", "text[]"}), d),
		g.small(), g.small(), g.small(), g.small())
}

var numberPatterns = []string{"9", "0", "9", "0", ".", "D", ",", "G", "S", "MI", "PL", "SG", "PR", "FM", "V9",
	"L", "TH", "th", "EEEE", "B", " ", "RN", "\"x\"", "999", "000", "99.99"}

var timePatterns = []string{"YYYY", "YYY", "YY", "Y", "Y,YYY", "IYYY", "IY", "MM", "Mon", "MON", "mon", "Month",
	"MONTH", "FMMonth", "DD", "DDD", "D", "ID", "IDDD", "Day", "FMDay", "DY", "Dy", "HH", "HH12", "HH24", "MI",
	"SS", "MS", "US", "FF1", "FF6", "SSSS", "SSSSS", "AM", "p.m.", "BC", "A.D.", "CC", "W", "WW", "IW", "Q", "J", "RM",
	"rm", "TZ", "tz", "OF", "TZH", "TZM", "FX", "TM", "\"of\"", "-", "/", ":", " ", "DDth", "YYYYTH", "FM", "\\\"", "x"}

func (g *generator) pattern(parts []string) string {
	s := ""
	for range 1 + g.rng.IntN(5) {
		s += pick(g, parts)
	}
	return quoteLit(s)
}

// formatted writes to_char with a pattern of its own.
func (g *generator) formatted(d int) string {
	if g.chance(2) {
		t := pick(g, []string{"int4", "int8", "numeric", "float8", "float4"})
		return "to_char(" + g.value(t, d) + ", " + g.pattern(numberPatterns) + ")"
	}
	t := pick(g, []string{"timestamp", "timestamptz", "interval", "date"})
	return "to_char(" + g.value(t, d) + ", " + g.pattern(timePatterns) + ")"
}

// parsed writes the functions that read a text by a pattern.
func (g *generator) parsed() string {
	switch g.rng.IntN(3) {
	case 0:
		return "to_number(" + quoteLit(pick(g, words["number"])) + ", " + g.pattern(numberPatterns) + ")"
	case 1:
		return "to_date(" + quoteLit(pick(g, words["tvalue"])) + ", " + g.pattern(timePatterns) + ")"
	}
	return "to_timestamp(" + quoteLit(pick(g, words["tvalue"])) + ", " + g.pattern(timePatterns) + ")"
}
