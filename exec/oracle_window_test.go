package exec_test

import (
	"fmt"
	"strings"
)

// windowOrder is PARTITION BY and ORDER BY of a window.
type windowOrder struct {
	partition, order string
	cols             []column // what the order is by; one column may have RANGE with an offset
	total            bool     // rows that tie are equal, so that they may change places
}

func (g *generator) windowOrder(scope []column, total bool) windowOrder {
	var w windowOrder
	w.total = total
	if g.chance(65) {
		w.partition = "PARTITION BY " + columnNames(g.some(scope, 2))
	}
	if total {
		w.order = "ORDER BY " + g.total(scope)
		return w
	}
	w.cols = g.some(scope, 2)
	if c, ok := g.column(scope, pick(g, tInt, tBig, tNum, tTime, tDate, tFloat,
		tSpan)); ok && g.chance(60) {
		for _, s := range scope {
			if s.name == c {
				w.cols = []column{s}
			}
		}
	}
	var items []string
	for _, c := range w.cols {
		items = append(items, c.name+pick(g, "", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	w.order = "ORDER BY " + strings.Join(items, ", ")
	return w
}

// rangeOffsets are the offsets of RANGE for an order by one column of a type.
var rangeOffsets = map[string][]string{
	tInt: {"0", "1", "3"}, tBig: {"0", "2::bigint"}, tNum: {"1.5", "10"}, tFloat: {"0.5", "2"},
	tTime: {"interval '1 hour'", "'90 minutes'"}, tDate: {"interval '1 day'", "'36 hours'"},
	tSpan: {"interval '30 minutes'"},
}

// frame makes a frame whose rows are not a matter of chance.
func (g *generator) frame(w windowOrder) string {
	modes := []string{"RANGE", "GROUPS"}
	if w.total {
		modes = append(modes, "ROWS", "ROWS", "ROWS")
	}
	mode := pick(g, modes...)
	var offsets []string
	switch {
	case mode != "RANGE":
		offsets = []string{"0", "1", "2", "(1 + 1)", "3::bigint"}
	case len(w.cols) == 1:
		offsets = rangeOffsets[w.cols[0].typ]
	}
	bound := func(least int) (string, int) {
		for {
			switch n := least + g.IntN(5-least); {
			case n == 0:
				return "UNBOUNDED PRECEDING", n
			case n == 2:
				return "CURRENT ROW", n
			case n == 4:
				return "UNBOUNDED FOLLOWING", n
			case len(offsets) > 0:
				return pick(g, offsets...) + []string{1: " PRECEDING", 3: " FOLLOWING"}[n], n
			}
		}
	}
	from, n := bound(0)
	for n == 4 {
		from, n = bound(0)
	}
	exclude := pick(g, "", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES",
		" EXCLUDE NO OTHERS")
	if n <= 2 && g.chance(25) {
		return mode + " " + from + exclude
	}
	to, _ := bound(max(n, 1))
	return fmt.Sprintf("%s BETWEEN %s AND %s%s", mode, from, to, exclude)
}

// framed makes a query whose window functions share one order and have many frames;
// some of its windows have names.
func (g *generator) framed(outer []column, depth int) selectQuery {
	from, scope := g.from(outer, depth)
	exprs, typs := g.exprs(scope, 1+g.IntN(2), 1)
	total := g.chance(50)
	w := g.windowOrder(scope, total)
	named := g.chance(50)
	windows := ""
	if named {
		windows = fmt.Sprintf(" WINDOW w AS (%s %s)", w.partition, w.order)
		if g.chance(40) {
			windows = fmt.Sprintf(" WINDOW p AS (%s), w AS (p %s)", w.partition, w.order)
		}
	}
	for i := range 1 + g.IntN(3) {
		if !total && i > 0 && !named {
			w = g.windowOrder(scope, false)
		}
		over := fmt.Sprintf("OVER (%s %s %s)", w.partition, w.order, g.frame(w))
		switch {
		case named && g.chance(40):
			over = "OVER w"
		case named:
			over = fmt.Sprintf("OVER (w %s)", g.frame(w))
		}
		e, typ := g.framedCall(scope, w, over)
		exprs, typs = append(exprs, e), append(typs, typ)
	}
	items, cols := list(exprs, typs)
	return selectQuery{"SELECT " + pick(g, "", "", "", "DISTINCT ") + items + from + g.where(scope,
		depth) +
		windows, cols}
}

// framedCall makes a call of a window function or an aggregate over a window.
func (g *generator) framedCall(scope []column, w windowOrder, over string) (string, string) {
	if w.total && g.chance(50) {
		c := pick(g, scope...)
		switch g.IntN(6) {
		case 0:
			return "row_number() " + over, tBig
		case 1:
			return fmt.Sprintf("ntile(%d) %s", 1+g.IntN(4), over), tInt
		case 2:
			return fmt.Sprintf("%s(%s, %s, %s) %s", pick(g, "lag", "lead"), c.name, pick(g, "0", "1", "2",
				"-1",
				"NULL"), g.literal(c.typ), over), c.typ
		case 3:
			return fmt.Sprintf("nth_value(%s, %d) %s", c.name, 1+g.IntN(3), over), c.typ
		case 4:
			return fmt.Sprintf("array_agg(%s) %s", g.expr(scope, tInt, 1), over), tInts
		}
		return fmt.Sprintf("%s(%s) %s", pick(g, "first_value", "last_value"), c.name, over), c.typ
	}
	filter := ""
	if g.chance(20) {
		filter = fmt.Sprintf(" FILTER (WHERE %s)", g.expr(scope, tBool, 1))
	}
	switch g.IntN(8) {
	case 0:
		return pick(g, "rank", "dense_rank") + "() " + over, tBig
	case 1:
		return "(" + pick(g, "percent_rank", "cume_dist") + "() " + over + ")::numeric(18,2)", tNum
	case 2:
		return "count(*)" + filter + " " + over, tBig
	case 3:
		return fmt.Sprintf("%s(%s)%s %s", pick(g, "bool_and", "bool_or"), g.expr(scope, tBool, 1), filter,
			over), tBool
	case 4:
		return fmt.Sprintf("(avg(%s)%s %s)::numeric(18,2)", g.expr(scope, pick(g, tInt, tNum), 1), filter,
			over), tNum
	case 5:
		typ := pick(g, tFloat, tInt)
		return fmt.Sprintf("sum(%s)%s %s", g.expr(scope, typ, 1), filter, over),
			map[string]string{tInt: tBig, tFloat: tFloat}[typ]
	}
	typ := pick(g, tBig, tInt, tText, tFloat, tNum, tTime, tDate, tSpan, tInts)
	return fmt.Sprintf("%s(%s)%s %s", pick(g, "min", "max"), g.expr(scope, typ, 1), filter, over), typ
}

// windowsOverGroups makes window functions over the groups of a query.
func (g *generator) windowsOverGroups(depth int) selectQuery {
	from, scope := g.from(nil, depth)
	keys := g.some(scope, 3)
	var exprs, typs []string
	for _, k := range keys {
		exprs, typs = append(exprs, k.name), append(typs, k.typ)
	}
	part := ""
	if g.chance(60) {
		part = "PARTITION BY " + pick(g, pick(g, keys...).name, "count(*)")
	}
	order := "ORDER BY " + pick(g, "", "count(*) DESC, ", "max("+g.expr(scope, tText, 1)+"), ") +
		g.total(keys)
	for range 1 + g.IntN(2) {
		w := windowOrder{total: true}
		over := fmt.Sprintf("OVER (%s %s %s)", part, order, g.frame(w))
		switch g.IntN(4) {
		case 0:
			e, typ := "row_number() "+over, tBig
			exprs, typs = append(exprs, e), append(typs, typ)
		case 1:
			exprs = append(exprs, fmt.Sprintf("sum(sum(%s)) %s::numeric(18,2)", g.expr(scope, tInt, 1),
				over))
			typs = append(typs, tNum)
		case 2:
			exprs = append(exprs, fmt.Sprintf("lag(count(%s)) %s", pick(g, scope...).name, over))
			typs = append(typs, tBig)
		default:
			exprs, typs = append(exprs, "max(count(*)) "+over), append(typs, tBig)
		}
	}
	items, cols := list(exprs, typs)
	return selectQuery{fmt.Sprintf("SELECT %s%s%s GROUP BY %s%s", items, from, g.where(scope, depth),
		columnNames(keys), g.having(scope, nil, 0)), cols}
}
