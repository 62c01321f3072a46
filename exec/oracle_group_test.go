package exec_test

import (
	"fmt"
	"strings"
)

// groupingSets makes a query with any list of grouping sets, and GROUPING of its keys.
func (g *generator) groupingSets(outer []column, depth int) selectQuery {
	from, scope := g.from(nil, depth)
	used := &groupKeys{}
	keys := g.some(scope, 2+g.IntN(3))
	var items []string
	for range 1 + g.IntN(2) {
		items = append(items, g.groupItem(keys, used, 2))
	}
	if len(used.cols) == 0 {
		items = append(items, used.add(keys[0]))
	}
	var exprs, typs []string
	for _, c := range used.cols {
		exprs, typs = append(exprs, c.name), append(typs, c.typ)
	}
	grouping := "GROUPING(" + columnNames(g.some(used.cols, 3)) + ")"
	exprs, typs = append(exprs, grouping), append(typs, tInt)
	if g.chance(40) {
		typ := pick(g, tInt, tText, tBool)
		exprs, typs = append(exprs, g.expr(used.cols, typ, 1)), append(typs, typ)
	}
	for range 1 + g.IntN(2) {
		e, typ := g.aggregateCall(scope)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	list, cols := list(exprs, typs)
	having := ""
	switch g.IntN(5) {
	case 0:
		having = fmt.Sprintf(" HAVING GROUPING(%s) = %d", pick(g, used.cols...).name, g.IntN(2))
	case 1:
		having = g.having(scope, nil, 0)
	case 2:
		having = " HAVING " + g.expr(used.cols, tBool, 1)
	}
	return selectQuery{fmt.Sprintf("SELECT %s%s%s%s GROUP BY %s%s%s", pick(g, "", "", "", "DISTINCT "),
		list,
		from, g.where(append(scope, outer...), depth), pick(g, "", "", "DISTINCT ", "ALL "),
		strings.Join(items, ", "), having), cols}
}

// groupKeys are the columns that a GROUP BY names.
type groupKeys struct{ cols []column }

func (k *groupKeys) add(cols ...column) string {
	for _, c := range cols {
		if !hasColumn(k.cols, c.name) {
			k.cols = append(k.cols, c)
		}
	}
	return columnNames(cols)
}

func hasColumn(cols []column, name string) bool {
	for _, c := range cols {
		if c.name == name {
			return true
		}
	}
	return false
}

// some gives up to n columns, in any order.
func (g *generator) some(cols []column, n int) []column {
	var out []column
	for _, i := range g.Perm(len(cols)) {
		if len(out) < n {
			out = append(out, cols[i])
		}
	}
	return out[:1+g.IntN(len(out))]
}

// groupItem makes one item of GROUP BY.
func (g *generator) groupItem(keys []column, used *groupKeys, depth int) string {
	if depth <= 0 || g.chance(25) {
		switch g.IntN(6) {
		case 0:
			return "()"
		case 1, 2:
			return "(" + used.add(g.some(keys, 3)...) + ")"
		}
		return used.add(pick(g, keys...))
	}
	if g.chance(50) {
		var sets []string
		for range 1 + g.IntN(3) {
			sets = append(sets, g.groupItem(keys, used, depth-1))
		}
		return "GROUPING SETS (" + strings.Join(sets, ", ") + ")"
	}
	var parts []string
	for range 1 + g.IntN(3) {
		if g.chance(25) {
			parts = append(parts, "("+used.add(g.some(keys, 2)...)+")")
		} else {
			parts = append(parts, used.add(pick(g, keys...)))
		}
	}
	return pick(g, "ROLLUP (", "CUBE (") + strings.Join(parts, ", ") + ")"
}

// moreAggregates makes aggregates over sets that have an order: hypothetical rows,
// percentiles, and lists in the order of several expressions.
func (g *generator) moreAggregates(scope []column, filter string) (string, string) {
	typ := pick(g, tInt, tBig, tText, tNum, tTime, tDate, tSpan)
	e, dir := g.expr(scope, typ, 1), pick(g, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("%s(%s) WITHIN GROUP (ORDER BY %s%s)%s", pick(g, "rank", "dense_rank"),
			g.literal(typ), e, dir, filter), tBig
	case 1:
		return fmt.Sprintf("(%s(%s) WITHIN GROUP (ORDER BY %s%s)%s)::numeric(18,2)",
			pick(g, "percent_rank", "cume_dist"), g.literal(typ), e, dir, filter), tNum
	case 2:
		return fmt.Sprintf("rank(%s, %s) WITHIN GROUP (ORDER BY %s%s, %s)%s", g.literal(typ),
			g.literal(tInt), e,
			dir, g.expr(scope, tInt, 1), filter), tBig
	case 3:
		return fmt.Sprintf("percentile_cont(0.5) WITHIN GROUP (ORDER BY %s%s)%s::numeric(18,2)",
			g.expr(scope, pick(g, tInt, tFloat, tBig), 1), dir, filter), tNum
	case 4:
		return fmt.Sprintf("percentile_disc(ARRAY[0.25, 0.5, NULL, 1]) WITHIN GROUP (ORDER BY %s%s)%s",
			g.expr(scope, tInt, 1), dir, filter), tInts
	case 5:
		return fmt.Sprintf("percentile_cont(0.25) WITHIN GROUP (ORDER BY %s)%s", g.expr(scope, tSpan, 1),
			filter), tSpan
	case 6:
		return fmt.Sprintf("mode() WITHIN GROUP (ORDER BY %s%s)%s", e, dir, filter), typ
	case 7:
		return fmt.Sprintf("array_agg(%s ORDER BY %s)%s", pick(g, g.ofType(scope, tInt)...),
			g.total(scope),
			filter), tInts
	}
	return fmt.Sprintf("jsonb_agg(%s ORDER BY %s)%s", pick(g, g.ofType(scope, tText)...),
		g.total(scope),
		filter), tJSON
}

// ofType gives the columns of a type, or an expression of it.
func (g *generator) ofType(scope []column, typ string) []string {
	var out []string
	for _, c := range scope {
		if c.typ == typ {
			out = append(out, c.name)
		}
	}
	if len(out) == 0 {
		out = append(out, g.expr(scope, typ, 1))
	}
	return out
}

// total is an order by all columns, in any directions.
func (g *generator) total(scope []column) string {
	var out []string
	for _, i := range g.Perm(len(scope)) {
		out = append(out, scope[i].name+pick(g, "", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	return strings.Join(out, ", ")
}
