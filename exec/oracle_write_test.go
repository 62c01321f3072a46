package exec_test

import (
	"fmt"
	"strings"
)

// moreChange makes a statement that changes a table in a less common way; "" where the
// table does not fit.
func (g *generator) moreChange(t *genTable) dual {
	switch g.IntN(8) {
	case 0:
		return g.updateFromGroups(t)
	case 1:
		return g.deleteUsing(t)
	case 2:
		return g.conflictWhere(t)
	case 3:
		return g.updateRow(t)
	case 4:
		return g.moveRows(t)
	case 5:
		return g.mergeTables(t)
	case 6:
		return g.changeWhere(t)
	}
	return g.insertWith(t)
}

// rest gives the columns of a table that are not its key.
func (t *genTable) rest() []column { return t.cols[t.keys:] }

// partners makes rows with one row for each key: what an UPDATE is joined with, so that
// which of several partners wins is no question.
func (g *generator) partners(key column) (text string, cols []column) {
	o := pick(g, g.tables...)
	cols = []column{{"j", key.typ}, {"n", tBig}, {"s", tText}, {"i", tInt}}
	return fmt.Sprintf("(SELECT %s AS j, count(*) AS n, max(%s) AS s, min(%s) AS i "+
		"FROM %s GROUP BY 1)",
		g.expr(o.cols, key.typ, 1), g.expr(o.cols, tText, 1), g.expr(o.cols, tInt, 1), o.name), cols
}

func (g *generator) updateFromGroups(t *genTable) dual {
	if t.stream || len(t.rest()) == 0 {
		return ""
	}
	key, a := pick(g, t.cols...), pick(g, t.name, "tt")
	text, cols := g.partners(key)
	own := qualified(a, t.cols)
	both := append(append([]column{}, own...), qualified("p", cols)...)
	var sets []string
	for _, c := range g.some(t.rest(), 2) {
		sets = append(sets, c.name+" = "+g.expr(both, c.typ, 2))
	}
	if len(sets) == 2 && g.chance(40) {
		var names, values []string
		for _, s := range sets {
			n, v, _ := strings.Cut(s, " = ")
			names, values = append(names, n), append(values, v)
		}
		sets = []string{"(" + strings.Join(names, ", ") + ") = " + pick(g, "", "ROW") + "(" +
			strings.Join(values, ", ") + ")"}
	}
	s := fmt.Sprintf("UPDATE %s AS %s SET %s FROM %s AS p WHERE %[2]s.%[5]s = p.j", t.name, a,
		strings.Join(sets, ", "), text, key.name)
	if g.chance(40) {
		s += " AND " + g.expr(both, tBool, 1)
	}
	return dual(s + g.returningOf(both))
}

// returningOf makes RETURNING of what a joined change can name.
func (g *generator) returningOf(scope []column) string {
	if g.chance(50) {
		return ""
	}
	exprs, typs := g.exprs(scope, 1+g.IntN(3), 1)
	items, _ := list(exprs, typs)
	return " RETURNING " + items
}

func (g *generator) deleteUsing(t *genTable) dual {
	if t.stream {
		return ""
	}
	key := pick(g, t.cols...)
	text, cols := g.partners(key)
	both := append(qualified("tt", t.cols), qualified("p", cols)...)
	s := fmt.Sprintf("DELETE FROM %s AS tt USING %s AS p WHERE tt.%s = p.j AND %s", t.name, text,
		key.name,
		g.expr(both, tBool, 1))
	return dual(s + g.returningOf(both))
}

// conflictWhere makes ON CONFLICT DO UPDATE with a condition, over the row that is there
// and the one that comes.
func (g *generator) conflictWhere(t *genTable) dual {
	if t.keys == 0 || len(t.rest()) == 0 {
		return ""
	}
	head, _, found := strings.Cut(g.insert(t).theirs(), " ON CONFLICT")
	if !found {
		return ""
	}
	scope := append(qualified(t.name, t.cols), qualified("excluded", t.cols)...)
	var sets []string
	for _, c := range g.some(t.rest(), 3) {
		sets = append(sets, c.name+" = "+g.expr(scope, c.typ, 2))
	}
	s := fmt.Sprintf("%s ON CONFLICT (%s) DO UPDATE SET %s", head, columnNames(t.cols[:t.keys]),
		strings.Join(sets, ", "))
	if g.chance(60) {
		s += " WHERE " + g.expr(scope, tBool, 1)
	}
	return dual(s + g.returning(t))
}

// updateRow sets several columns from one subquery.
func (g *generator) updateRow(t *genTable) dual {
	if t.stream || len(t.rest()) == 0 {
		return ""
	}
	from, inner := g.sourceList("i")
	own := qualified(t.name, t.cols)
	cols := g.some(t.rest(), 2)
	var items, order []string
	for i, c := range cols {
		items = append(items, fmt.Sprintf("%s AS z%d", g.expr(inner, c.typ, 1), i))
		order = append(order, fmt.Sprint("z", i, pick(g, "", " DESC")))
	}
	where := ""
	if g.chance(70) {
		where = " WHERE " + g.correlation(inner, own)
	}
	s := fmt.Sprintf("UPDATE %s SET (%s) = (SELECT %s FROM %s%s ORDER BY %s LIMIT 1)", t.name,
		columnNames(cols),
		strings.Join(items, ", "), from, where, strings.Join(order, ", "))
	if g.chance(60) {
		s += " WHERE " + g.nestedTest(own, 1)
	}
	return dual(s + g.returning(t))
}

// changeWhere makes UPDATE and DELETE with subqueries in WHERE and SET.
func (g *generator) changeWhere(t *genTable) dual {
	if t.stream {
		return ""
	}
	own := qualified(t.name, t.cols)
	if g.chance(40) || len(t.rest()) == 0 {
		return dual(fmt.Sprintf("DELETE FROM %s WHERE %s%s", t.name, g.nestedTest(own, 1),
			g.returning(t)))
	}
	c := pick(g, t.rest()...)
	e, typ := g.nested(own, 1)
	for range 8 {
		if typ == c.typ {
			break
		}
		c = pick(g, t.rest()...)
	}
	if typ != c.typ {
		e = g.expr(own, c.typ, 2)
	}
	return dual(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s%s", t.name, c.name, e, g.nestedTest(own,
		1),
		g.returning(t)))
}

// moveRows makes WITH whose parts change tables; all of them see what was before.
func (g *generator) moveRows(t *genTable) dual {
	to := pick(g, g.tables...)
	if t.stream || to.keys > 0 || to == t || g.big {
		return ""
	}
	part := "DELETE FROM " + t.name + " WHERE " + g.expr(t.cols, tBool, 1)
	if len(t.rest()) > 0 && g.chance(50) {
		c := pick(g, t.rest()...)
		part = fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", t.name, c.name, g.expr(t.cols, c.typ, 1),
			g.expr(t.cols, tBool, 1))
	}
	var items []string
	for _, c := range to.cols {
		items = append(items, g.expr(qualified("moved", t.cols), c.typ, 1))
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM moved", to.name, to.names(),
		strings.Join(items, ", "))
	with := fmt.Sprintf("WITH moved AS (%s RETURNING %s)", part, t.names())
	switch g.IntN(3) {
	case 0:
		return dual(fmt.Sprintf("%s, copied AS (%s RETURNING *) SELECT (SELECT count(*) FROM copied), "+
			"(SELECT count(*) FROM moved), (SELECT count(*) FROM %s), (SELECT count(*) FROM %s)", with,
			insert, t.name,
			to.name))
	case 1:
		return dual(fmt.Sprintf("%s SELECT m.*, (SELECT count(*) FROM %s) FROM moved AS m", with, t.name))
	}
	return dual(with + " " + insert)
}

// insertWith inserts what a query over common tables gives.
func (g *generator) insertWith(t *genTable) dual {
	if t.keys > 0 || g.big {
		return ""
	}
	q := g.commonTables(1)
	var items []string
	for _, c := range t.cols {
		items = append(items, g.expr(qualified("q", q.cols), c.typ, 1))
	}
	order := columnNames(qualified("q", q.cols))
	return dual(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (%s) AS q ORDER BY %s LIMIT %d%s",
		t.name, t.names(),
		strings.Join(items, ", "), q.text, order, 1+g.IntN(6), g.returning(t)))
}

// mergeTables makes MERGE from a query with one row for each key, with any list of
// actions.
func (g *generator) mergeTables(t *genTable) dual {
	if t.stream || len(t.rest()) == 0 || t.keys > 1 {
		return ""
	}
	key := t.cols[0]
	text, cols := g.partners(key)
	source := qualified("p", cols)
	own := qualified("tt", t.cols)
	both := append(append([]column{}, own...), source...)
	s := fmt.Sprintf("MERGE INTO %s AS tt USING (SELECT * FROM %s AS q WHERE j IS NOT NULL) AS p "+
		"ON tt.%s = p.j",
		t.name, text, key.name)
	when := func(scope []column) string {
		if g.chance(60) {
			return " AND " + g.expr(scope, tBool, 1)
		}
		return ""
	}
	for range g.IntN(4) {
		c := pick(g, t.rest()...)
		s += " WHEN MATCHED" + when(both) + " THEN " + pick(g, "DELETE", "DO NOTHING",
			"UPDATE SET "+c.name+" = "+g.expr(both, c.typ, 2))
	}
	insert := []string{"p.j"}
	for _, c := range t.cols[1:] {
		insert = append(insert, g.expr(source, c.typ, 1))
	}
	return dual(s + " WHEN NOT MATCHED" + when(source) + " THEN " + pick(g, "DO NOTHING",
		fmt.Sprintf("INSERT (%s) VALUES (%s)", t.names(), strings.Join(insert, ", ")),
		fmt.Sprintf("INSERT (%s) VALUES (%s)", t.names(), strings.Join(insert, ", "))))
}
