package exec_test

import (
	"fmt"
	"strings"
)

// commonTables makes WITH of several queries, each of which may name those before it,
// named twice or not at all, materialized or not.
func (g *generator) commonTables(depth int) selectQuery {
	views := g.views
	defer func() { g.views = views }()
	var defs []string
	var last *genTable
	for range 1 + g.IntN(2) {
		q := g.query(nil, depth-1)
		last = &genTable{name: g.name("w"), view: true}
		names := ""
		if g.chance(50) {
			for i, c := range q.cols {
				last.cols = append(last.cols, column{fmt.Sprint("y", i+1), c.typ})
			}
			names = " (" + columnNames(last.cols) + ")"
		} else {
			last.cols = q.cols
		}
		defs = append(defs, fmt.Sprintf("%s%s AS %s(%s)", last.name, names,
			pick(g, "", "", "MATERIALIZED ", "NOT MATERIALIZED "), q.text))
		g.views = append(append([]*genTable{}, g.views...), last)
	}
	a, b := g.name("a"), g.name("a")
	left, right := qualified(a, last.cols), qualified(b, last.cols)
	both := append(append([]column{}, left...), right...)
	with := "WITH " + strings.Join(defs, ", ") + " "
	if g.chance(50) {
		exprs, typs := g.exprs(both, 2+g.IntN(2), 1)
		items, cols := list(exprs, typs)
		kind := pick(g, "JOIN", "LEFT JOIN", "FULL JOIN")
		return selectQuery{fmt.Sprintf("%sSELECT %s FROM %s AS %s %s %[3]s AS %[6]s ON %[7]s%[8]s", with,
			items,
			last.name, a, kind, b, g.joinCondition(left, right, both, kind == "FULL JOIN"),
			g.where(both, 0)), cols}
	}
	exprs, typs := g.exprs(left, 2, 1)
	items, cols := list(exprs, typs)
	return selectQuery{fmt.Sprintf("%sSELECT %s FROM %s AS %s WHERE %s", with, items, last.name, a,
		g.nestedTest(left, 1)), cols}
}

// recursiveTree makes WITH RECURSIVE over rows that name their parents, with SEARCH,
// CYCLE, joins, and a use in a subquery.
func (g *generator) recursiveTree() string {
	t := pick(g, g.tables...)
	c, ok := g.column(t.cols, tInt)
	if !ok || g.big {
		return g.recursive()
	}
	base := fmt.Sprintf("SELECT t.%s, 0, %s FROM %s AS t WHERE %s", c, g.expr(qualified("t", t.cols),
		tText, 1),
		t.name, g.expr(qualified("t", t.cols), tBool, 1))
	step := fmt.Sprintf("SELECT (t.%[1]s + 1) %% 4, r.d + 1, r.s FROM r JOIN %[2]s AS t "+
		"ON t.%[1]s = r.n WHERE r.d < %[3]d",
		c, t.name, 1+g.IntN(3))
	if g.chance(30) {
		step = fmt.Sprintf("SELECT x.%[1]s, r.d + 1, coalesce(r.s, 'q') FROM r "+
			"CROSS JOIN LATERAL (SELECT DISTINCT t.%[1]s "+
			"FROM %[2]s AS t WHERE t.%[1]s > r.n) AS x WHERE r.d < %[3]d", c, t.name, 1+g.IntN(3))
	}
	scope := []column{{"r.n", tInt}, {"r.d", tInt}, {"r.s", tText}}
	union := pick(g, "UNION", "UNION", "UNION ALL")
	tail, extra := "", ""
	switch g.IntN(5) {
	case 0:
		union, tail, extra = "UNION ALL", " CYCLE n SET seen USING path", ", r.seen, r.path::text"
	case 1:
		tail, extra = " SEARCH "+pick(g, "DEPTH", "BREADTH")+" FIRST BY n, d, s SET ord", ", r.ord::text"
	}
	exprs, typs := g.exprs(scope, 2, 1)
	items, _ := list(exprs, typs)
	with := fmt.Sprintf("WITH RECURSIVE r (n, d, s) AS (%s %s %s)%s ", base, union, step, tail)
	switch g.IntN(4) {
	case 0:
		return with + fmt.Sprintf("SELECT r.n, count(*), max(r.d), "+
			"string_agg(r.s, ',' ORDER BY r.s) FROM r GROUP BY %s",
			pick(g, "r.n", "ROLLUP (r.n)"))
	case 1:
		o := pick(g, g.tables...)
		return fmt.Sprintf("SELECT o.*, (%sSELECT count(*) FROM r WHERE %s) FROM %s AS o", with,
			g.correlation(scope, qualified("o", o.cols)), o.name)
	}
	return with + "SELECT " + items + extra + " FROM r WHERE " + g.expr(scope, tBool, 1)
}
