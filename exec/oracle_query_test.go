package exec_test

import (
	"fmt"
	"slices"
	"strings"
)

// selectQuery is a query with its columns c1, c2...
type selectQuery struct {
	text string
	cols []column
}

// qualified gives the columns of a table under an alias.
func qualified(alias string, cols []column) []column {
	var out []column
	for _, c := range cols {
		out = append(out, column{alias + "." + c.name, c.typ})
	}
	return out
}

// list writes a select list with names for its columns.
func list(exprs, typs []string) (string, []column) {
	var cols []column
	var items []string
	for i, e := range exprs {
		c := column{fmt.Sprint("c", i+1), typs[i]}
		cols = append(cols, c)
		items = append(items, e+" AS "+c.name)
	}
	return strings.Join(items, ", "), cols
}

func columnNames(cols []column) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.name)
	}
	return strings.Join(out, ", ")
}

// query makes any query; outer are the columns that it may name from outside.
func (g *generator) query(outer []column, depth int) selectQuery {
	if depth > 0 && g.chance(40) {
		return g.widerQuery(outer, depth)
	}
	if depth > 0 {
		switch g.IntN(14) {
		case 0, 1:
			return g.setOperation(outer, depth)
		case 2:
			return g.with(depth)
		case 3:
			return g.distinctOn(depth)
		case 4:
			return g.topRows(depth)
		}
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		return g.aggregate(outer, depth)
	case 3, 4:
		return g.windows(outer, depth)
	}
	return g.plain(outer, depth)
}

// widerQuery makes a query with the less common clauses.
func (g *generator) widerQuery(outer []column, depth int) selectQuery {
	switch g.IntN(16) {
	case 0, 1:
		return g.groupingSets(outer, depth)
	case 2, 3, 4:
		return g.framed(outer, depth)
	case 5:
		return g.windowsOverGroups(depth)
	case 6, 7:
		return g.usingJoin(depth)
	case 8:
		return g.rowsInList(depth)
	case 9:
		return g.wholeRows(depth)
	case 10:
		return g.limited(depth)
	case 11:
		return g.distinctOnSeveral(depth)
	case 12:
		return g.sets(outer, depth)
	case 13:
		return g.commonTables(depth)
	}
	if g.big {
		return g.framed(outer, depth)
	}
	return g.deep(depth)
}

func (g *generator) plain(outer []column, depth int) selectQuery {
	from, scope := g.from(outer, depth)
	exprs, typs := g.exprs(scope, 1+g.IntN(4), 2)
	if depth > 0 && !g.big && g.chance(15) {
		e, typ := g.scalar(scope, depth-1)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	if depth > 0 && !g.big && g.chance(12) {
		exprs, typs = append(exprs, g.subqueryTest(scope, depth-1)), append(typs, tBool)
	}
	items, cols := list(exprs, typs)
	distinct := ""
	if g.chance(15) {
		distinct = "DISTINCT "
	}
	return selectQuery{"SELECT " + distinct + items + from + g.where(scope, depth), cols}
}

func (g *generator) where(scope []column, depth int) string {
	if g.chance(40) {
		return ""
	}
	s := " WHERE " + g.expr(scope, tBool, 2)
	if depth > 0 && !g.big && g.chance(35) {
		s += pick(g, " AND ", " AND ", " OR ") + g.subqueryTest(scope, depth-1)
	}
	return s
}

// source makes one item of FROM.
func (g *generator) source(outer []column, depth int) (string, []column) {
	alias := g.name("a")
	all := append(append([]*genTable{}, g.tables...), g.views...)
	if depth <= 0 || g.chance(65) {
		t := pick(g, all...)
		if c, ok := g.column(t.cols, tTime); ok && g.chance(35) {
			return g.window(t, c, alias)
		}
		return t.name + " AS " + alias, qualified(alias, t.cols)
	}
	switch g.IntN(8) {
	case 0:
		return g.valuesList(alias)
	case 1:
		return fmt.Sprintf("generate_series(1, %d) AS %s (x)", 1+g.IntN(3), alias),
			[]column{{alias + ".x", tInt}}
	}
	q := g.query(nil, depth-1)
	return fmt.Sprintf("(%s) AS %s", q.text, alias), qualified(alias, q.cols)
}

// window makes TUMBLE or HOP over a time column, and what it means.
func (g *generator) window(t *genTable, ts, alias string) (string, []column) {
	cols := qualified(alias, t.cols)
	cols = append(cols, column{alias + ".window_start", tTime}, column{alias + ".window_end", tTime})
	if g.chance(60) {
		return fmt.Sprintf("«TUMBLE(%[1]s, %[2]s, INTERVAL '2 hours')¦(SELECT *, "+
			"date_bin('2 hours', %[2]s, timestamp '1970-01-01') AS window_start, "+
			"date_bin('2 hours', %[2]s, timestamp '1970-01-01') + interval '2 hours' AS window_end "+
			"FROM %[1]s WHERE %[2]s IS NOT NULL)» AS %[3]s", t.name, ts, alias), cols
	}
	return fmt.Sprintf("«HOP(%[1]s, %[2]s, INTERVAL '1 hour', INTERVAL '3 hours')¦(SELECT t.*, "+
		"date_bin('1 hour', %[2]s, timestamp '1970-01-01') - n * interval '1 hour' AS window_start, "+
		"date_bin('1 hour', %[2]s, timestamp '1970-01-01') + (3 - n) * interval '1 hour' AS window_end "+
		"FROM %[1]s AS t, generate_series(0, 2) AS n WHERE %[2]s IS NOT NULL)» AS %[3]s",
		t.name, ts, alias), cols
}

// from makes a FROM clause with its columns.
func (g *generator) from(outer []column, depth int) (string, []column) {
	text, scope := g.source(outer, depth)
	if depth > 0 && !g.big && g.chance(8) {
		text, scope = g.joinTree(depth)
	}
	for range g.joins(depth) {
		right, cols := g.source(outer, depth-1)
		if depth > 0 && g.chance(12) {
			if g.chance(50) {
				text, scope = g.lateral(text, scope, depth)
			} else {
				text, scope = g.lateralFunction(text, scope)
			}
			continue
		}
		kind := pick(g, "JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
		both := append(append([]column{}, scope...), cols...)
		on := ""
		if kind != "CROSS JOIN" {
			on = " ON " + g.joinCondition(scope, cols, both, kind == "FULL JOIN")
		}
		text, scope = fmt.Sprintf("%s %s %s%s", text, kind, right, on), both
	}
	return " FROM " + text, append(scope, outer...)
}

func (g *generator) joins(depth int) int {
	if depth <= 0 || g.big || g.chance(55) {
		return 0
	}
	return 1 + g.IntN(2)
}

func (g *generator) joinCondition(left, right, both []column, full bool) string {
	var equal []string
	for range 1 + g.IntN(3) {
		l := pick(g, left...)
		if r, ok := g.column(right, l.typ); ok {
			equal = append(equal, l.name+" = "+r)
		}
	}
	if len(equal) == 0 {
		l, r := pick(g, left...), pick(g, right...)
		equal = append(equal, fmt.Sprintf("%s::text = %s::text", l.name, r.name))
	}
	// PostgreSQL has FULL JOIN on equalities alone.
	if !full && g.chance(35) {
		equal = append(equal, g.expr(both, tBool, 1))
	}
	if !full && g.chance(8) {
		return g.comparison(both, 1)
	}
	return strings.Join(equal, " AND ")
}

func (g *generator) lateral(text string, scope []column, depth int) (string, []column) {
	alias := g.name("l")
	if c, ok := g.column(scope, tInts); ok && g.chance(50) {
		ordinality, cols := "", []column{{alias + ".x", tInt}}
		names := "x"
		if g.chance(50) {
			ordinality, names = " WITH ORDINALITY", "x, n"
			cols = append(cols, column{alias + ".n", tBig})
		}
		return fmt.Sprintf("%s CROSS JOIN unnest(%s)%s AS %s (%s)", text, c, ordinality, alias, names),
			append(append([]column{}, scope...), cols...)
	}
	var q selectQuery
	if g.chance(50) {
		q = g.aggregate(scope, depth-1)
	} else {
		q = g.plain(scope, 0)
	}
	join := fmt.Sprintf("%s %s LATERAL (%s) AS %s", text, "LEFT JOIN", q.text, alias) + " ON true"
	if g.chance(50) {
		join = fmt.Sprintf("%s CROSS JOIN LATERAL (%s) AS %s", text, q.text, alias)
	}
	return join, append(append([]column{}, scope...), qualified(alias, q.cols)...)
}

// scalar makes a subquery of one value.
func (g *generator) scalar(scope []column, depth int) (string, string) {
	from, inner := g.from(nil, depth-1)
	agg, typ := g.aggregateCall(inner)
	where := ""
	if g.chance(60) {
		where = " WHERE " + g.correlation(inner, scope)
	}
	return fmt.Sprintf("(SELECT %s%s%s)", agg, from, where), typ
}

// correlation compares a column of a subquery with one of the query around it.
func (g *generator) correlation(inner, outer []column) string {
	for range 4 {
		o := pick(g, outer...)
		if i, ok := g.column(inner, o.typ); ok {
			op := pick(g, "=", "=", "=", "<", "<>", "IS NOT DISTINCT FROM")
			s := fmt.Sprintf("%s %s %s", i, op, o.name)
			if g.chance(30) {
				s += " AND " + g.expr(inner, tBool, 1)
			}
			return s
		}
	}
	return g.expr(append(append([]column{}, inner...), outer...), tBool, 2)
}

func (g *generator) subqueryTest(scope []column, depth int) string {
	from, inner := g.from(nil, depth-1)
	where := ""
	if g.chance(60) {
		where = " WHERE " + g.correlation(inner, scope)
	}
	not := pick(g, "", "NOT ")
	switch g.IntN(6) {
	case 5:
		e, typ := g.scalar(scope, depth)
		return fmt.Sprintf("(%s %s %s)", e, pick(g, "=", "<", ">", "<>"), g.expr(scope, typ, 1))
	case 0, 1:
		return fmt.Sprintf("%sEXISTS (SELECT 1%s%s)", not, from, where)
	case 2, 3:
		l := pick(g, scope...)
		return fmt.Sprintf("(%s %sIN (SELECT %s%s%s))", l.name, not, g.expr(inner, l.typ, 1), from, where)
	}
	l := pick(g, scope...)
	return fmt.Sprintf("(%s %s %s (SELECT %s%s%s))", l.name, pick(g, "=", "<", ">=", "<>"),
		pick(g, "ANY", "ALL"), g.expr(inner, l.typ, 1), from, where)
}

// aggregateCall makes an aggregate with one answer for any order of rows.
func (g *generator) aggregateCall(scope []column) (string, string) {
	filter := ""
	if g.chance(20) {
		filter = fmt.Sprintf(" FILTER (WHERE %s)", g.expr(scope, tBool, 1))
	}
	distinct := ""
	if g.chance(20) {
		distinct = "DISTINCT "
	}
	if g.chance(8) {
		return g.looseCall(scope, filter)
	}
	if g.chance(15) {
		return g.moreAggregates(scope, filter)
	}
	switch g.IntN(15) {
	case 11:
		return fmt.Sprintf("%s(%s)%s", pick(g, "bit_and", "bit_or", "bit_xor"), g.expr(scope, tInt, 1),
			filter), tInt
	case 12:
		return fmt.Sprintf("%s(%s%s)%s::numeric(18,2)", pick(g, "stddev_pop", "var_samp", "variance",
			"stddev"),
			distinct, g.expr(scope, tInt, 1), filter), tNum
	case 13:
		return fmt.Sprintf("(%s WITHIN GROUP (ORDER BY %s)%s)::numeric(18,2)", pick(g,
			"percentile_disc(0.5)",
			"mode()", "percentile_disc(0.9)"), g.expr(scope, tNum, 1), filter), tNum
	case 14:
		e := g.expr(scope, tBig, 1)
		return fmt.Sprintf("json_agg(%s ORDER BY %s)%s::text", e, e, filter), tText
	case 0:
		return "count(*)" + filter, tBig
	case 1:
		return fmt.Sprintf("count(%s%s)%s", distinct, g.expr(scope, pick(g, allTypes...), 1), filter),
			tBig
	case 2, 3:
		typ := pick(g, tInt, tFloat)
		out := map[string]string{tInt: tBig, tFloat: tFloat}[typ]
		return fmt.Sprintf("sum(%s%s)%s", distinct, g.expr(scope, typ, 1), filter), out
	case 4:
		typ := pick(g, tBig, tNum)
		return fmt.Sprintf("sum(%s%s)%s::numeric(18,2)", distinct, g.expr(scope, typ, 1), filter), tNum
	case 5:
		typ := pick(g, tInt, tBig, tNum)
		return fmt.Sprintf("avg(%s%s)%s::numeric(18,2)", distinct, g.expr(scope, typ, 1), filter), tNum
	case 6, 7:
		typ := pick(g, tBig, tInt, tText, tFloat, tNum, tTime, tDate, tSpan, tInts)
		return fmt.Sprintf("%s(%s)%s", pick(g, "min", "max"), g.expr(scope, typ, 1), filter), typ
	case 8:
		return fmt.Sprintf("%s(%s)%s", pick(g, "bool_and", "bool_or"), g.expr(scope, tBool, 1), filter),
			tBool
	case 9:
		e := g.expr(scope, tText, 1)
		return fmt.Sprintf("string_agg(%s%s, ',' ORDER BY %s%s)%s", distinct, e, e,
			pick(g, "", " DESC"), filter), tText
	}
	e := g.expr(scope, tInt, 1)
	return fmt.Sprintf("array_agg(%s%s ORDER BY %s%s)%s", distinct, e, e,
		pick(g, "", " DESC", " NULLS FIRST"), filter), tInts
}

// looseCall makes an aggregate whose order nobody states, wholly: what a view shows is
// what its SELECT gives, and PostgreSQL may give something else.
func (g *generator) looseCall(scope []column, filter string) (string, string) {
	g.loose = true
	order := ""
	if g.chance(30) {
		order = " ORDER BY " + pick(g, scope...).name
	}
	switch g.IntN(3) {
	case 0:
		return fmt.Sprintf("array_agg(%s%s)%s", g.expr(scope, tInt, 1), order, filter), tInts
	case 1:
		return fmt.Sprintf("string_agg(%s, '+'%s)%s", g.expr(scope, tText, 1), order, filter), tText
	}
	typ := pick(g, tBig, tText, tTime)
	return fmt.Sprintf("«%s¦max»(%s)%s", pick(g, "latest_by_offset", "earliest_by_offset",
		"any_value"), g.expr(scope, typ, 1), filter), typ
}

// aggregate makes a query with GROUP BY, or one group.
func (g *generator) aggregate(outer []column, depth int) selectQuery {
	from, scope := g.from(nil, depth)
	keys, typs := g.exprs(scope, g.IntN(4), 1)
	for i, k := range keys {
		// PostgreSQL 15 shows a constant key in the sets that are without it.
		if !slices.ContainsFunc(scope, func(c column) bool { return strings.Contains(k, c.name) }) {
			c := pick(g, scope...)
			keys[i], typs[i] = c.name, c.typ
		}
	}
	exprs := append([]string{}, keys...)
	for range 1 + g.IntN(3) {
		e, typ := g.aggregateCall(scope)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	items, cols := list(exprs, typs)
	text := "SELECT " + items + from + g.where(append(scope, outer...), depth)
	if len(keys) > 0 {
		text += " GROUP BY " + g.groupBy(keys)
	}
	text += g.having(scope, keys, depth)
	return selectQuery{text, cols}
}

// windows makes a query with window functions whose orders leave no ties that show.
func (g *generator) windows(outer []column, depth int) selectQuery {
	from, scope := g.from(outer, depth)
	var own []string
	for _, c := range scope {
		own = append(own, c.name)
	}
	exprs, typs := g.exprs(scope, 1+g.IntN(2), 1)
	// All columns as the order: what ties is equal.
	total := strings.Join(own, ", ")
	e, typ := g.orderedCall(scope, total)
	exprs, typs = append(exprs, e), append(typs, typ)
	for range g.IntN(3) {
		e, typ := g.peerCall(scope)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	items, cols := list(exprs, typs)
	return selectQuery{"SELECT " + items + from + g.where(scope, depth), cols}
}

// partition makes PARTITION BY, a column and a direction.
func (g *generator) partition(scope []column) (part string, c column, dir string) {
	if g.chance(70) {
		part = "PARTITION BY " + pick(g, scope...).name + " "
	}
	return part, pick(g, scope...), pick(g, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
}

// orderedCall makes a window function that tells equal rows apart. A query has one:
// two would pair their numbers of equal rows in ways that are all right.
func (g *generator) orderedCall(scope []column, total string) (string, string) {
	part, c, dir := g.partition(scope)
	over := fmt.Sprintf("OVER (%sORDER BY %s%s, %s", part, c.name, dir, total)
	switch g.IntN(7) {
	case 0, 1:
		return "row_number() " + over + ")", tBig
	case 5:
		return fmt.Sprintf("sum(%s) %s ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE %s)",
			g.expr(scope, tInt, 1), over, pick(g, "CURRENT ROW", "NO OTHERS")), tBig
	case 2:
		return fmt.Sprintf("%s(%s%s) %s)", pick(g, "lag", "lead"), c.name, pick(g, "", ", 2"),
			over), c.typ
	case 3:
		v := pick(g, scope...)
		return fmt.Sprintf("%s(%s) %s)", pick(g, "first_value", "last_value"), v.name, over), v.typ
	case 4:
		return "ntile(3) " + over + ")", tInt
	}
	return fmt.Sprintf("sum(%s) %s ROWS BETWEEN %s AND %s)", g.expr(scope, tInt, 1), over,
		pick(g, "UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING"),
		pick(g, "CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING")), tBig
}

// peerCall makes a window function that is the same for equal rows.
func (g *generator) peerCall(scope []column) (string, string) {
	part, c, dir := g.partition(scope)
	order := fmt.Sprintf("ORDER BY %s%s", c.name, dir)
	switch g.IntN(5) {
	case 3:
		return fmt.Sprintf("sum(%s) OVER (%s%s GROUPS BETWEEN %s AND %s)", g.expr(scope, tInt, 1), part,
			order,
			pick(g, "1 PRECEDING", "UNBOUNDED PRECEDING"), pick(g, "CURRENT ROW", "1 FOLLOWING")), tBig
	case 4:
		if k, ok := g.column(scope, tBig); ok {
			return fmt.Sprintf("count(*) OVER (%sORDER BY %s RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING)",
				part, k), tBig
		}
		return fmt.Sprintf("(%s() OVER (%s%s))::numeric(18,2)", pick(g, "percent_rank", "cume_dist"),
			part,
			order), tNum
	case 0:
		return fmt.Sprintf("%s() OVER (%s%s)", pick(g, "rank", "dense_rank"), part, order), tBig
	case 1:
		return fmt.Sprintf("count(*) OVER (%s%s)", part, order), tBig
	}
	typ := pick(g, tBig, tText, tTime, tNum)
	return fmt.Sprintf("%s(%s) OVER (%s%s)", pick(g, "min", "max"), g.expr(scope, typ, 1), part,
		pick(g, "", order)), typ
}

func (g *generator) setOperation(outer []column, depth int) selectQuery {
	left := g.query(outer, depth-1)
	from, scope := g.from(outer, depth-1)
	var exprs, typs []string
	for _, c := range left.cols {
		exprs, typs = append(exprs, g.expr(scope, c.typ, 1)), append(typs, c.typ)
	}
	items, _ := list(exprs, typs)
	op := pick(g, "UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL",
		"UNION ALL")
	return selectQuery{fmt.Sprintf("(%s) %s (SELECT %s%s%s)", left.text, op, items, from,
		g.where(scope, depth-1)), left.cols}
}

func (g *generator) with(depth int) selectQuery {
	q := g.query(nil, depth-1)
	name := g.name("w")
	g.views = append(g.views, &genTable{name: name, cols: q.cols, view: true})
	out := g.query(nil, depth-1)
	g.views = g.views[:len(g.views)-1]
	if strings.HasPrefix(out.text, "WITH") {
		out.text = "SELECT * FROM (" + out.text + ") AS z"
	}
	return selectQuery{fmt.Sprintf("WITH %s AS (%s) %s", name, q.text, out.text), out.cols}
}

func (g *generator) distinctOn(depth int) selectQuery {
	q := g.query(nil, depth-1)
	key := pick(g, q.cols...).name
	dir := pick(g, "", " DESC", " NULLS FIRST")
	return selectQuery{fmt.Sprintf("SELECT DISTINCT ON (%s) %s FROM (%s) AS d ORDER BY %s%s, %s", key,
		columnNames(q.cols), q.text, key, dir, columnNames(q.cols)), q.cols}
}

// topRows makes LIMIT over a total order, or the same by row_number.
func (g *generator) topRows(depth int) selectQuery {
	q := g.query(nil, depth-1)
	names := columnNames(q.cols)
	if g.chance(50) {
		offset := pick(g, "", "", " OFFSET 1")
		return selectQuery{fmt.Sprintf("SELECT %s FROM (%s) AS d ORDER BY %s%s, %s LIMIT %d%s", names,
			q.text,
			pick(g, q.cols...).name, pick(g, "", " DESC"), names, g.IntN(5), offset), q.cols}
	}
	part := ""
	if g.chance(60) {
		part = "PARTITION BY " + pick(g, q.cols...).name + " "
	}
	return selectQuery{fmt.Sprintf("SELECT %[1]s FROM (SELECT *, "+
		"row_number() OVER (%[2]sORDER BY %[3]s%[4]s, "+
		"%[1]s) AS n FROM (%[5]s) AS d) AS r WHERE n <= %[6]d", names, part, pick(g, q.cols...).name,
		pick(g, "", " DESC"), q.text, 1+g.IntN(3)), q.cols}
}
