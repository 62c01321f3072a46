package exec_test

import (
	"fmt"
	"slices"
	"strings"
)

// having makes HAVING: a comparison of an aggregate, or a subquery over the groups.
func (g *generator) having(scope []column, keys []string, depth int) string {
	if g.chance(70) {
		return ""
	}
	if groups := grouped(scope, keys); len(groups) > 0 && depth > 0 && !g.big && g.chance(40) {
		return " HAVING " + g.subqueryTest(groups, depth-1)
	}
	e, typ := g.aggregateCall(scope)
	return fmt.Sprintf(" HAVING %s %s %s", e, pick(g, ">", "<=", "IS DISTINCT FROM"),
		g.literal(typ))
}

// grouped gives the columns that are keys as they are.
func grouped(scope []column, keys []string) []column {
	var out []column
	for _, c := range scope {
		if slices.Contains(keys, c.name) {
			out = append(out, c)
		}
	}
	return out
}

func (g *generator) groupBy(keys []string) string {
	all := strings.Join(keys, ", ")
	distinct := slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(keys) < 2 || len(distinct) < len(keys) || g.chance(75) {
		return all
	}
	first, rest := keys[0], strings.Join(keys[1:], ", ")
	return pick(g, "ROLLUP ("+all+")", "CUBE ("+all+")", first+", ROLLUP ("+rest+")",
		"GROUPING SETS (("+all+"), ("+first+"), ())",
		"GROUPING SETS (("+all+"), ROLLUP ("+rest+"))",
		"GROUPING SETS (("+rest+"), ("+first+"))",
		"ROLLUP ("+rest+"), CUBE ("+first+")")
}

// recursive makes a query with WITH RECURSIVE, which ends after a few rounds.
func (g *generator) recursive() string {
	t := pick(g, g.tables...)
	name, union := g.name("r"), pick(g, "UNION", "UNION ALL")
	if k := t.cols[0]; k.typ != tText && !g.big && g.chance(50) {
		return fmt.Sprintf("WITH RECURSIVE %[1]s (n, k) AS (SELECT 1, %[2]s::bigint FROM %[3]s %[4]s "+
			"SELECT r.n + 1, t.%[2]s + 1 FROM %[1]s AS r JOIN %[3]s AS t "+
			"ON t.%[2]s = r.k WHERE r.n < %[5]d) "+
			"SELECT n, k, count(*) FROM %[1]s GROUP BY n, k", name, k.name, t.name, union, 2+g.IntN(3))
	}
	scope := []column{{"n", tInt}, {"x", tInt}}
	return fmt.Sprintf("WITH RECURSIVE %[1]s (n, x) AS (VALUES (0, %[2]s) %[3]s SELECT n + 1, %[4]s "+
		"FROM %[1]s WHERE n < %[5]d) SELECT r.n, r.x, t.k "+
		"FROM %[1]s AS r LEFT JOIN %[6]s AS t ON t.%[7]s",
		name, g.literal(tInt), union, g.expr(scope, tInt, 1), 1+g.IntN(6), t.name,
		t.cols[0].name+" IS NOT NULL AND r.n % 2 = 0")
}

// mergeInto makes MERGE from rows with keys of their own.
func (g *generator) mergeInto(t *genTable) (dual, bool) {
	if k := t.cols[0].typ; t.keys != 1 || k != tBig && k != tInt || len(t.cols) < 2 {
		return "", false
	}
	scope := []column{{"x", tInt}}
	var items, insert []string
	for i, c := range t.cols {
		e := "x::" + c.typ
		if i > 0 {
			e = g.expr(scope, c.typ, 1)
		}
		items = append(items, e+" AS "+c.name)
		insert = append(insert, "s."+c.name)
	}
	own := qualified("t", t.cols)
	set := func() string {
		c := t.cols[1+g.IntN(len(t.cols)-1)]
		return c.name + " = " + g.expr(append(qualified("s", t.cols), own...), c.typ, 1)
	}
	whens := []string{"WHEN MATCHED THEN UPDATE SET " + set(), "WHEN MATCHED THEN DELETE",
		"WHEN MATCHED THEN DO NOTHING"}
	s := fmt.Sprintf("MERGE INTO %s AS t USING (SELECT %s FROM generate_series(%d, %d) AS x) AS s "+
		"ON t.%[5]s = s.%[5]s", t.name, strings.Join(items, ", "), g.IntN(4), 3+g.IntN(8), t.cols[0].name)
	if g.chance(60) {
		s += fmt.Sprintf(" WHEN MATCHED AND %s THEN %s", g.expr(own, tBool, 1),
			pick(g, "DELETE", "UPDATE SET "+set(), "DO NOTHING"))
	}
	if g.chance(70) {
		s += " " + pick(g, whens...)
	}
	return dual(s + fmt.Sprintf(" WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)", t.names(),
		strings.Join(insert, ", "))), true
}

// rekey makes an UPDATE that gives rows new keys that no row has had.
func (g *generator) rekey(t *genTable) (dual, bool) {
	if k := t.cols[0].typ; t.keys != 1 || k != tBig && k != tInt {
		return "", false
	}
	g.names++
	return dual(fmt.Sprintf("UPDATE %s SET %[2]s = %[2]s %% 100 + %[3]d "+
		"WHERE %[2]s BETWEEN -5 AND 50 AND %[4]s",
		t.name, t.cols[0].name, 1000*g.names, g.expr(t.cols, tBool, 1))), true
}
