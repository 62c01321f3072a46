package exec_test

import (
	"fmt"
	"strings"
)

// deep makes a query with subqueries that name columns of every query around them, in
// its select list, WHERE, HAVING, ON, ORDER BY, arguments of aggregates and CASE.
func (g *generator) deep(depth int) selectQuery {
	switch g.IntN(6) {
	case 0:
		return g.deepGroups(depth)
	case 1:
		return g.deepJoin(depth)
	case 2:
		return g.deepOrder(depth)
	}
	from, scope := g.from(nil, depth-1)
	exprs, typs := g.exprs(scope, 1+g.IntN(2), 1)
	for range 1 + g.IntN(2) {
		e, typ := g.nested(scope, 1+g.IntN(2))
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	items, cols := list(exprs, typs)
	where := ""
	if g.chance(60) {
		where = " WHERE " + g.nestedTest(scope, 2)
	}
	return selectQuery{"SELECT " + items + from + where, cols}
}

// nested makes a value from a subquery that may have subqueries of its own.
func (g *generator) nested(scope []column, depth int) (string, string) {
	alias := g.name("n")
	from, inner := g.sourceList(alias)
	all := append(append([]column{}, inner...), scope...)
	where := g.nestedWhere(inner, scope, all, depth)
	typ := pick(g, tInt, tBig, tText, tNum, tTime, tBool)
	e := g.expr(inner, typ, 1)
	if g.chance(30) {
		e = g.expr(all, typ, 1)
	}
	switch g.IntN(7) {
	case 0:
		return fmt.Sprintf("(SELECT %s AS z FROM %s%s ORDER BY z%s LIMIT 1)", e, from, where,
			pick(g, "", " DESC", " NULLS FIRST")), typ
	case 1:
		a := g.expr(inner, tInt, 1)
		return fmt.Sprintf("ARRAY(SELECT %s AS z FROM %s%s ORDER BY z%s)", a, from, where, pick(g, "",
			" DESC")), tInts
	case 2:
		return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.nestedTest(scope, depth-1),
			g.expr(scope, typ, 1), g.literal(typ)), typ
	case 3:
		agg, out := g.aggregateCall(inner)
		return fmt.Sprintf("(SELECT %s FROM %s%s GROUP BY %s HAVING %s ORDER BY %s LIMIT 1)", agg, from,
			where,
			inner[0].name, g.expr(append([]column{inner[0]}, scope...), tBool, 1), inner[0].name), out
	case 4:
		return fmt.Sprintf("coalesce((SELECT max(%s) FROM %s%s), %s)", g.expr(inner, tText, 1), from,
			where,
			g.expr(scope, tText, 1)), tText
	}
	agg, out := g.aggregateCall(inner)
	return fmt.Sprintf("(SELECT %s FROM %s%s)", agg, from, where), out
}

// sourceList makes FROM of a subquery: one table or two.
func (g *generator) sourceList(alias string) (string, []column) {
	t := pick(g, append(append([]*genTable{}, g.tables...), g.views...)...)
	text, cols := t.name+" AS "+alias, qualified(alias, t.cols)
	if g.big || g.chance(80) {
		return text, cols
	}
	o, other := pick(g, g.tables...), g.name("n")
	right := qualified(other, o.cols)
	both := append(append([]column{}, cols...), right...)
	return fmt.Sprintf("%s JOIN %s AS %s ON %s", text, o.name, other, g.joinCondition(cols, right,
		both, false)), both
}

func (g *generator) nestedWhere(inner, scope, all []column, depth int) string {
	var parts []string
	if g.chance(70) {
		parts = append(parts, g.correlation(inner, scope))
	}
	if depth > 0 && !g.big && g.chance(50) {
		parts = append(parts, g.nestedTest(all, depth-1))
	}
	if len(parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(parts, pick(g, " AND ", " AND ", " OR "))
}

// nestedTest makes a condition from a subquery: EXISTS, IN, ANY, ALL, of one column or
// of rows, with set operations in it.
func (g *generator) nestedTest(scope []column, depth int) string {
	if depth < 0 {
		return g.expr(scope, tBool, 1)
	}
	from, inner := g.sourceList(g.name("n"))
	all := append(append([]column{}, inner...), scope...)
	where := g.nestedWhere(inner, scope, all, depth)
	not := pick(g, "", "NOT ")
	l, m := pick(g, scope...), pick(g, scope...)
	switch g.IntN(10) {
	case 0:
		return fmt.Sprintf("((%s, %s) %sIN (SELECT %s, %s FROM %s%s))", l.name, m.name, not,
			g.expr(inner, l.typ, 1), g.expr(inner, m.typ, 1), from, where)
	case 1:
		return fmt.Sprintf("(ROW(%s, %s) %s %s (SELECT %s, %s FROM %s%s))", l.name, m.name, pick(g, "<",
			"=", "<>", ">="),
			pick(g, "ANY", "ALL"), g.expr(inner, l.typ, 1), g.expr(inner, m.typ, 1), from, where)
	case 2:
		return fmt.Sprintf("((%s, %s) %s (SELECT %s AS y, %s AS z FROM %s%s ORDER BY y, z LIMIT 1))",
			l.name, m.name,
			pick(g, "=", "<", ">", "<>"), g.expr(inner, l.typ, 1), g.expr(inner, m.typ, 1), from, where)
	case 3:
		other, cols := g.sourceList(g.name("n"))
		return fmt.Sprintf("(%s %sIN (SELECT %s FROM %s%s %s SELECT %s FROM %s))", l.name, not,
			g.expr(inner, l.typ, 1), from, where, pick(g, "UNION ALL", "UNION", "EXCEPT", "INTERSECT"),
			g.expr(cols, l.typ, 1), other)
	case 4:
		return fmt.Sprintf("(%s = ANY (ARRAY(SELECT %s FROM %s%s)))", g.expr(scope, tInt, 1),
			g.expr(inner, tInt, 1),
			from, where)
	case 5:
		e, typ := g.nested(scope, depth-1)
		return fmt.Sprintf("(%s %s %s)", e, pick(g, "=", "<", "IS DISTINCT FROM", ">"), g.expr(scope, typ,
			1))
	case 6:
		key := pick(g, inner...).name
		return fmt.Sprintf("%sEXISTS (SELECT %s FROM %s%s GROUP BY %s HAVING count(*) > %d)", not, key,
			from, where,
			key, g.IntN(3))
	case 7:
		return fmt.Sprintf("(%s %sIN (SELECT %s FROM %s%s))", g.expr(scope, l.typ, 1), not, g.expr(all,
			l.typ, 1),
			from, where)
	case 8:
		return fmt.Sprintf("(%s %s %s (SELECT %s FROM %s%s))", l.name, pick(g, "=", "<", ">=", "<>"),
			pick(g, "ANY", "ALL", "SOME"), g.expr(inner, l.typ, 1), from, where)
	}
	return fmt.Sprintf("%sEXISTS (SELECT FROM %s%s)", not, from, where)
}

// deepGroups makes subqueries that name the keys and aggregates of a grouped query.
func (g *generator) deepGroups(depth int) selectQuery {
	from, scope := g.from(nil, depth-1)
	keys := g.some(scope, 2)
	var exprs, typs []string
	for _, k := range keys {
		exprs, typs = append(exprs, k.name), append(typs, k.typ)
	}
	sub, inner := g.sourceList(g.name("n"))
	// The argument names a column of the outer query: that makes the aggregate its own.
	c := pick(g, scope...).name
	agg := pick(g, "count("+c+")",
		fmt.Sprintf("max(CASE WHEN %s IS NOT NULL THEN %s END)", c, g.expr(scope, tInt, 1)))
	exprs = append(exprs, fmt.Sprintf("(SELECT count(*) FROM %s WHERE %s > %s)", sub, g.expr(inner,
		tInt, 1), agg))
	typs = append(typs, tBig)
	e, typ := g.nested(keys, 1)
	exprs, typs = append(exprs, e), append(typs, typ)
	having := ""
	switch g.IntN(3) {
	case 0:
		having = " HAVING " + g.nestedTest(keys, 1)
	case 1:
		sub, inner := g.sourceList(g.name("n"))
		having = fmt.Sprintf(" HAVING EXISTS (SELECT 1 FROM %s WHERE %s = %s)", sub, g.expr(inner, tInt,
			1), agg)
	}
	items, cols := list(exprs, typs)
	return selectQuery{fmt.Sprintf("SELECT %s%s%s GROUP BY %s%s", items, from, g.where(scope, 0),
		columnNames(keys), having), cols}
}

// deepJoin has subqueries in ON, and in the arguments of aggregates.
func (g *generator) deepJoin(depth int) selectQuery {
	a, as := g.source(nil, depth-1)
	b, bs := g.source(nil, 0)
	all := append(append([]column{}, as...), bs...)
	on := g.joinCondition(as, bs, all, false) + " AND " + g.nestedTest(all, 1)
	from := fmt.Sprintf(" FROM %s %s %s ON %s", a, pick(g, "JOIN", "LEFT JOIN", "RIGHT JOIN"), b, on)
	e, typ := g.nested(all, 0)
	if g.chance(40) {
		key := pick(g, all...)
		items, cols := list([]string{key.name, "count(*)", "count(" + e + ")"}, []string{key.typ, tBig,
			tBig})
		return selectQuery{"SELECT " + items + from + " GROUP BY " + key.name, cols}
	}
	exprs, typs := g.exprs(all, 2, 1)
	items, cols := list(append(exprs, e), append(typs, typ))
	return selectQuery{"SELECT " + items + from, cols}
}

// deepOrder has subqueries in ORDER BY, under a limit.
func (g *generator) deepOrder(depth int) selectQuery {
	from, scope := g.from(nil, depth-1)
	e, _ := g.nested(scope, 1)
	exprs, typs := g.exprs(scope, 1+g.IntN(3), 1)
	items, cols := list(exprs, typs)
	return selectQuery{fmt.Sprintf("SELECT %s%s ORDER BY %s%s, %s LIMIT %d", items, from, e,
		pick(g, "", " DESC"), g.total(scope), 1+g.IntN(6)), cols}
}
