package exec_test

import (
	"fmt"
	"strings"
)

// namedSource makes an item of FROM whose columns are k, which joins are by, and others
// with names of their own.
func (g *generator) namedSource(depth int, typ string) (alias, text string, own []column) {
	alias = g.name("u")
	q := g.query(nil, depth)
	key := g.expr(qualified("q", q.cols), typ, 1)
	var items []string
	for i, c := range q.cols {
		if i < 3 {
			own = append(own, column{fmt.Sprintf("%s_%d", alias, i), c.typ})
			items = append(items, fmt.Sprintf("q.%s AS %s", c.name, own[i].name))
		}
	}
	at := g.IntN(len(items) + 1)
	items = append(items[:at:at], append([]string{key + " AS k"}, items[at:]...)...)
	return alias, fmt.Sprintf("(SELECT %s FROM (%s) AS q) AS %s", strings.Join(items, ", "), q.text,
		alias), own
}

// usingJoin makes joins by USING or NATURAL, and names what they give: by the merged
// column, by the columns of each side, by a star, or by the alias of USING.
func (g *generator) usingJoin(depth int) selectQuery {
	typ := pick(g, tInt, tText, tBig)
	alias, text, own := g.namedSource(depth-1, typ)
	scope := append([]column{{"k", typ}, {alias + ".k", typ}}, own...)
	for range 1 + g.IntN(2) {
		right, other, cols := g.namedSource(depth-1, typ)
		kind := pick(g, "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
		switch g.IntN(3) {
		case 0:
			text = fmt.Sprintf("%s NATURAL %s %s", text, kind, other)
		case 1:
			text = fmt.Sprintf("%s %s %s USING (k)", text, kind, other)
		default:
			j := g.name("j")
			text = fmt.Sprintf("%s %s %s USING (k) AS %s", text, kind, other, j)
			scope = append(scope, column{j + ".k", typ})
		}
		scope = append(append(scope, column{right + ".k", typ}), cols...)
		own = append(own, cols...)
	}
	if g.chance(30) {
		cols := []column{{"x0", typ}}
		for i, c := range own {
			cols = append(cols, column{fmt.Sprint("x", i+1), c.typ})
		}
		inner := qualified("s", cols)
		exprs, typs := g.exprs(inner, 2+g.IntN(3), 1)
		items, out := list(exprs, typs)
		return selectQuery{fmt.Sprintf("SELECT %s FROM (SELECT * FROM %s%s) AS s (%s)", items, text,
			g.where(scope, 0), columnNames(cols)), out}
	}
	exprs, typs := g.exprs(scope, 2+g.IntN(3), 1)
	items, cols := list(append(exprs, "k"), append(typs, typ))
	return selectQuery{"SELECT " + items + " FROM " + text + g.where(scope, depth), cols}
}

// joinTree makes joins whose right side is a join in parentheses.
func (g *generator) joinTree(depth int) (string, []column) {
	a, as := g.source(nil, depth-1)
	b, bs := g.source(nil, depth-1)
	c, cs := g.source(nil, depth-1)
	right := append(append([]column{}, bs...), cs...)
	all := append(append([]column{}, as...), right...)
	inner, full := pick(g, "JOIN", "LEFT JOIN", "FULL JOIN"), pick(g, "LEFT JOIN", "FULL JOIN",
		"RIGHT JOIN")
	return fmt.Sprintf("%s %s (%s %s %s ON %s) ON %s", a, full, b, inner, c,
		g.joinCondition(bs, cs, right, inner == "FULL JOIN"),
		g.joinCondition(as, right, all, full == "FULL JOIN")), all
}

// function makes a function that gives rows, over the columns before it, for FROM.
func (g *generator) function(scope []column) (text string, cols []column) {
	alias := g.name("f")
	switch g.IntN(9) {
	case 0:
		text, cols = fmt.Sprintf("generate_series(%s, least(%s, 4))", pick(g, "0", "1", "-1"),
			g.expr(scope, tInt, 1)), []column{{"x", tInt}}
	case 1:
		text, cols = fmt.Sprintf("generate_series(least(%s, 6), 1, -2)", g.expr(scope, tBig, 1)),
			[]column{{"x", tBig}}
	case 2:
		e := g.expr(scope, tTime, 1)
		text, cols = fmt.Sprintf("generate_series(%s, %[1]s + interval '2 hours', '1 hour')", e),
			[]column{{"x", tTime}}
	case 3:
		text, cols = fmt.Sprintf("unnest(%s)", g.expr(scope, tInts, 1)), []column{{"x", tInt}}
	case 4:
		text, cols = fmt.Sprintf("unnest(%s, %s)", g.expr(scope, tInts, 1), g.expr(scope, tTexts, 1)),
			[]column{{"x", tInt}, {"y", tText}}
	case 5:
		text, cols = fmt.Sprintf("regexp_split_to_table(%s, '[ab]')", g.expr(scope, tText, 1)),
			[]column{{"x", tText}}
	case 6:
		text, cols = fmt.Sprintf("ROWS FROM (unnest(%s), generate_series(1, %d), "+
			"string_to_table(%s, 'b'))",
			g.expr(scope, tInts, 1), 1+g.IntN(3), g.expr(scope, tText, 1)),
			[]column{{"x", tInt}, {"y", tInt}, {"z", tText}}
	case 7:
		text, cols = fmt.Sprintf("jsonb_each_text(jsonb_build_object('p', %s, 'q', %s))", g.expr(scope,
			tInt, 1),
			g.expr(scope, tText, 1)), []column{{"x", tText}, {"y", tText}}
	default:
		text, cols = fmt.Sprintf("jsonb_array_elements(to_jsonb(%s))", g.expr(scope, tInts, 1)),
			[]column{{"x", tJSON}}
	}
	if g.chance(35) {
		text, cols = text+" WITH ORDINALITY", append(cols, column{"o", tBig})
	}
	return fmt.Sprintf("%s AS %s (%s)", text, alias, columnNames(cols)), qualified(alias, cols)
}

// lateralFunction joins a function of the columns that are there.
func (g *generator) lateralFunction(text string, scope []column) (string, []column) {
	fn, cols := g.function(scope)
	all := append(append([]column{}, scope...), cols...)
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf("%s LEFT JOIN LATERAL %s ON %s", text, fn, g.expr(all, tBool, 1)), all
	case 1:
		return fmt.Sprintf("%s LEFT JOIN %s ON true", text, fn), all
	case 2:
		return fmt.Sprintf("%s JOIN %s ON %s", text, fn, g.expr(all, tBool, 1)), all
	}
	return fmt.Sprintf("%s CROSS JOIN %s", text, fn), all
}

// rowsInList makes functions that give rows in a select list, which go in step.
func (g *generator) rowsInList(depth int) selectQuery {
	from, scope := g.from(nil, depth)
	exprs, typs := g.exprs(scope, 1+g.IntN(2), 1)
	for range 1 + g.IntN(2) {
		switch g.IntN(4) {
		case 0:
			exprs, typs = append(exprs, fmt.Sprintf("generate_series(1, %d)", 1+g.IntN(3))), append(typs,
				tInt)
		case 1:
			exprs = append(exprs, fmt.Sprintf("(unnest(%s) + %s)", g.expr(scope, tInts, 1), g.expr(scope,
				tInt, 1)))
			typs = append(typs, tInt)
		case 2:
			exprs = append(exprs, fmt.Sprintf("upper(unnest(%s))", g.expr(scope, tTexts, 1)))
			typs = append(typs, tText)
		default:
			exprs = append(exprs, fmt.Sprintf("unnest(%s)", g.expr(scope, tInts, 1)))
			typs = append(typs, tInt)
		}
	}
	items, cols := list(exprs, typs)
	return selectQuery{"SELECT " + pick(g, "", "", "DISTINCT ") + items + from + g.where(scope, depth),
		cols}
}

// wholeRow makes an expression over a whole row of an item of FROM.
func (g *generator) wholeRow(scope []column) (string, string) {
	alias, _, ok := strings.Cut(pick(g, scope...).name, ".")
	if !ok {
		return "count(*)", tBig
	}
	switch g.IntN(6) {
	case 0:
		return "(" + alias + " IS " + pick(g, "NULL", "NOT NULL") + ")", tBool
	case 1:
		return alias + "::text", tText
	case 2:
		return "to_json(" + alias + ")::text", tText
	case 3:
		return "(" + alias + " IS DISTINCT FROM " + alias + ")", tBool
	case 4:
		return "(" + alias + " = " + alias + ")", tBool
	}
	return "coalesce(" + alias + "::text, 'none')", tText
}

// wholeRows makes a query that names whole rows.
func (g *generator) wholeRows(depth int) selectQuery {
	from, scope := g.from(nil, depth)
	var exprs, typs []string
	for range 1 + g.IntN(3) {
		e, typ := g.wholeRow(scope)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	items, cols := list(exprs, typs)
	if g.chance(25) {
		alias, _, _ := strings.Cut(scope[0].name, ".")
		return selectQuery{fmt.Sprintf("SELECT count(%[1]s) AS c1, count(DISTINCT %[1]s) AS c2, "+
			"max(%[1]s::text) AS c3%[2]s%[3]s", alias, from, g.where(scope, depth)),
			[]column{{"c1", tBig}, {"c2", tBig}, {"c3", tText}}}
	}
	return selectQuery{"SELECT " + items + from + g.where(scope, depth), cols}
}
