package exec_test

import (
	"fmt"
	"strings"
)

// limited makes a query with an order and a part of its rows, for any place where a
// query can stand. The rows that a limit keeps are not a matter of chance: WITH TIES
// keeps all peers, and the others order by all columns.
func (g *generator) limited(depth int) selectQuery {
	q := g.query(nil, depth-1)
	names := columnNames(q.cols)
	if g.chance(35) {
		key := pick(g, q.cols...)
		return selectQuery{fmt.Sprintf("SELECT %s FROM (%s) AS d ORDER BY %s%s%s "+
			"FETCH %s %s ROWS WITH TIES",
			names, q.text, key.name, pick(g, "", " DESC", " NULLS FIRST"), g.offset(key.name == ""),
			pick(g, "FIRST", "NEXT"), pick(g, "1", "2", "3", "(1 + 1)")), q.cols}
	}
	var order []string
	if g.chance(50) {
		typ := pick(g, allTypes...)
		order = append(order, g.expr(qualified("d", q.cols), typ, 1)+pick(g, "", " DESC", " NULLS FIRST"))
	}
	order = append(order, g.total(q.cols))
	limit := pick(g, "LIMIT 2", "LIMIT (SELECT count(*) / 2 FROM "+pick(g, g.tables...).name+")",
		"LIMIT 5",
		"FETCH FIRST ROW ONLY", "FETCH NEXT 3 ROWS ONLY", "LIMIT ALL", "LIMIT 0", "LIMIT NULL", "")
	text := fmt.Sprintf("SELECT %s FROM (%s) AS d ORDER BY %s", names, q.text, strings.Join(order,
		", "))
	if g.chance(50) {
		return selectQuery{text + g.offset(true) + " " + limit, q.cols}
	}
	return selectQuery{text + " " + limit + g.offset(!strings.HasPrefix(limit, "FETCH")), q.cols}
}

// offset makes OFFSET, where it leaves no choice.
func (g *generator) offset(free bool) string {
	if !free {
		return ""
	}
	return pick(g, "", " OFFSET 1", " OFFSET 2 ROWS", " OFFSET (1 + 2)", " OFFSET 0")
}

// distinctOnSeveral makes DISTINCT ON of several keys or expressions.
func (g *generator) distinctOnSeveral(depth int) selectQuery {
	from, scope := g.from(nil, depth-1)
	var keys, order []string
	for range 1 + g.IntN(2) {
		k := pick(g, scope...).name
		if g.chance(30) {
			k = g.expr(scope, tInt, 1)
		}
		if k = strings.TrimSpace(k); isNumber(k) {
			k = "(" + k + " + 0)"
		}
		keys = append(keys, k)
		order = append(order, k+pick(g, "", " DESC", " NULLS FIRST"))
	}
	exprs, typs := g.exprs(scope, 1+g.IntN(3), 1)
	items, cols := list(exprs, typs)
	return selectQuery{fmt.Sprintf("SELECT DISTINCT ON (%s) %s%s%s ORDER BY %s, %s", strings.Join(keys,
		", "), items,
		from, g.where(scope, depth-1), strings.Join(order, ", "), g.total(scope)), cols}
}

// isNumber tells a constant, which would be the place of a column in ORDER BY.
func isNumber(s string) bool { return strings.Trim(s, "0123456789-") == "" }

// setTree makes set operations of several queries with and without parentheses.
func (g *generator) setTree(outer []column, typs []string, depth int) string {
	if depth <= 0 {
		if g.chance(15) {
			var rows []string
			for range 1 + g.IntN(3) {
				var vals []string
				for _, typ := range typs {
					vals = append(vals, g.value(typ)+"::"+typ)
				}
				rows = append(rows, "("+strings.Join(vals, ", ")+")")
			}
			return "VALUES " + strings.Join(rows, ", ")
		}
		from, scope := g.from(outer, 0)
		var exprs []string
		for _, typ := range typs {
			exprs = append(exprs, g.expr(scope, typ, 1))
		}
		items, _ := list(exprs, typs)
		return "SELECT " + pick(g, "", "", "DISTINCT ") + items + from + g.where(scope, 0)
	}
	text := g.setTree(outer, typs, depth-1-g.IntN(depth))
	if g.chance(50) {
		text = "(" + text + ")"
	}
	for range 1 + g.IntN(2) {
		right := g.setTree(outer, typs, depth-1-g.IntN(depth))
		if strings.Contains(right, " ORDER BY ") || g.chance(60) {
			right = "(" + right + ")"
		}
		text += pick(g, " UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ",
			" INTERSECT ALL ",
			" UNION DISTINCT ") + right
	}
	return text
}

// sets makes set operations as a query, under an order and a limit at times.
func (g *generator) sets(outer []column, depth int) selectQuery {
	var typs []string
	var cols []column
	for i := range 1 + g.IntN(3) {
		typs = append(typs, pick(g, allTypes...))
		cols = append(cols, column{fmt.Sprint("c", i+1), typs[i]})
	}
	text := g.setTree(outer, typs, min(depth, 2))
	if g.chance(30) {
		var places []string
		for i := range cols {
			places = append(places, fmt.Sprint(i+1, pick(g, "", " DESC", " NULLS FIRST")))
		}
		text += fmt.Sprintf(" ORDER BY %s%s LIMIT %d", strings.Join(places, ", "), g.offset(true),
			1+g.IntN(6))
	}
	// A name for each column, whatever the first query calls them.
	return selectQuery{fmt.Sprintf("SELECT * FROM (%s) AS s (%s)", text, columnNames(cols)), cols}
}

// valuesList makes VALUES as a source, whose columns have the type of all rows.
func (g *generator) valuesList(alias string) (string, []column) {
	cols := []column{{"x", pick(g, tInt, tBig, tText, tNum)}, {"y", pick(g, allTypes...)}}
	var rows []string
	for range 1 + g.IntN(5) {
		var vals []string
		for _, c := range cols {
			vals = append(vals, g.value(c.typ)+"::"+c.typ)
		}
		rows = append(rows, "("+strings.Join(vals, ", ")+")")
	}
	return fmt.Sprintf("(VALUES %s) AS %s (x, y)", strings.Join(rows, ", "), alias), qualified(alias,
		cols)
}

// ordered makes a query whose rows have one order, which is compared too.
func (g *generator) ordered(depth int) string {
	q := g.query(nil, depth)
	var order []string
	for range g.IntN(3) {
		if g.chance(40) {
			order = append(order, fmt.Sprint(1+g.IntN(len(q.cols))))
		} else {
			order = append(order, g.expr(qualified("d", q.cols), pick(g, tText, tInt, tBool), 1))
		}
		if last := order[len(order)-1]; isNumber(last) && last == "0" {
			order[len(order)-1] = "1"
		}
		order[len(order)-1] += pick(g, "", " DESC", " ASC NULLS FIRST", " DESC NULLS LAST")
	}
	order = append(order, g.total(qualified("d", q.cols)))
	return fmt.Sprintf("SELECT %s FROM (%s) AS d ORDER BY %s", columnNames(q.cols), q.text,
		strings.Join(order, ", "))
}
