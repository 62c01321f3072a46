package exec_test

import (
	"fmt"
	"strings"
)

// dual is a text of the generator for both systems: where they write the same thing
// differently, the two spellings stand between marks.
//
//	«ours¦theirs»
type dual string

func (d dual) ours() string   { return d.pick(0) }
func (d dual) theirs() string { return d.pick(1) }

func (d dual) pick(which int) string {
	var b strings.Builder
	rest := string(d)
	for {
		before, after, found := strings.Cut(rest, "«")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		// Marks do not nest.
		body, tail, _ := strings.Cut(after, "»")
		b.WriteString(strings.Split(body, "¦")[which])
		rest = tail
	}
}

// genTable is a table, stream or view that queries can read.
type genTable struct {
	name   string
	cols   []column
	keys   int // leading columns of the primary key
	stream bool
	view   bool
}

func (t *genTable) names() string {
	var out []string
	for _, c := range t.cols {
		out = append(out, c.name)
	}
	return strings.Join(out, ", ")
}

// newTable makes a table with one column of some types, so that joins find partners.
func (g *generator) newTable() (*genTable, dual) {
	t := &genTable{name: g.name("t"), stream: g.chance(35)}
	t.cols = append(t.cols, column{"k", pick(g, tBig, tInt, tBig, tText)})
	if g.chance(60) {
		t.cols = append(t.cols, column{"g", pick(g, tInt, tText, tBig)})
	}
	for range 2 + g.IntN(4) {
		t.cols = append(t.cols, column{fmt.Sprint("c", len(t.cols)), pick(g, allTypes...)})
	}
	if !t.stream && g.chance(65) {
		t.keys = 1 + g.IntN(2)
	}
	var defs []string
	for _, c := range t.cols {
		defs = append(defs, c.name+" "+c.typ)
	}
	kind := "TABLE"
	if t.stream {
		kind = "«STREAM¦TABLE»"
		defs[0] += "«" + pick(g, " KEY", "") + "¦»"
	}
	if t.keys > 0 {
		var k []string
		for _, c := range t.cols[:t.keys] {
			k = append(k, c.name)
		}
		defs = append(defs, "PRIMARY KEY ("+strings.Join(k, ", ")+")")
	}
	return t, dual(fmt.Sprintf("CREATE %s %s (%s)", kind, t.name, strings.Join(defs, ", ")))
}

// change makes a statement that changes a table.
func (g *generator) change(t *genTable) dual {
	if g.chance(12) {
		return g.insertSelect(t)
	}
	if !g.big && g.chance(35) {
		if s := g.moreChange(t); s != "" {
			return s
		}
	}
	if t.stream || g.chance(55) {
		return g.insert(t)
	}
	if !g.big && g.chance(12) {
		return g.joinedChange(t)
	}
	if g.chance(8) {
		if s, ok := g.mergeInto(t); ok {
			return s
		}
	}
	if g.chance(6) {
		if s, ok := g.rekey(t); ok {
			return s
		}
	}
	if g.chance(3) {
		return dual("TRUNCATE " + t.name)
	}
	where := ""
	if g.chance(95) {
		where = " WHERE " + g.expr(t.cols, tBool, 2)
	}
	if g.chance(45) {
		return dual(fmt.Sprintf("DELETE FROM %s%s", t.name, where) + g.returning(t))
	}
	var sets []string
	for _, c := range t.cols[t.keys:] {
		if g.chance(50) {
			sets = append(sets, c.name+" = "+g.expr(t.cols, c.typ, 2))
		}
	}
	if len(sets) == 0 {
		return g.insert(t)
	}
	return dual(fmt.Sprintf("UPDATE %s SET %s%s", t.name, strings.Join(sets, ", "), where) +
		g.returning(t))
}

func (g *generator) returning(t *genTable) string {
	if g.chance(70) {
		return ""
	}
	exprs, typs := g.exprs(t.cols, 1+g.IntN(2), 1)
	items, _ := list(exprs, typs)
	return " RETURNING " + items
}

// insertSelect copies rows, sometimes more than a batch holds.
func (g *generator) insertSelect(t *genTable) dual {
	if t.keys > 0 {
		// Keys that are in no other row of the SELECT; those that exist stay.
		from := pick(g, g.tables...)
		var items, keys []string
		for i, c := range t.cols {
			if i < t.keys {
				items = append(items, fmt.Sprintf("coalesce(%s, %s)", g.expr(from.cols, c.typ, 1),
					g.literal(c.typ)))
				keys = append(keys, c.name)
			} else {
				e := g.expr(from.cols, c.typ, 1)
				items = append(items, fmt.Sprintf("(array_agg(%s ORDER BY %s))[1]", e, e))
			}
			if c.typ == tInts || c.typ == tTexts {
				items[i] = "max(" + g.expr(from.cols, c.typ, 1) + ")"
			}
		}
		return dual(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s GROUP BY %s "+
			"ON CONFLICT (%s) DO NOTHING",
			t.name, t.names(), strings.Join(items, ", "), from.name,
			strings.Join(items[:t.keys], ", "), strings.Join(keys, ", ")))
	}
	scope := []column{{"x", tInt}}
	var items []string
	for _, c := range t.cols {
		items = append(items, g.expr(scope, c.typ, 2))
	}
	rows := 1 + g.IntN(20)
	if g.big && g.chance(30) {
		rows = 3000 + g.IntN(3000)
	}
	return dual(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) AS x", t.name,
		t.names(), strings.Join(items, ", "), rows))
}

// joinedChange makes UPDATE ... FROM and DELETE ... USING.
func (g *generator) joinedChange(t *genTable) dual {
	o := pick(g, g.tables...)
	both := append(qualified(t.name, t.cols), qualified("o", o.cols)...)
	on := g.joinCondition(qualified(t.name, t.cols), qualified("o", o.cols), both, false)
	if t.keys == len(t.cols) || g.chance(50) {
		return dual(fmt.Sprintf("DELETE FROM %s USING %s AS o WHERE %s", t.name, o.name, on))
	}
	// Which of several partners wins is open, so that they all say the same.
	c := t.cols[t.keys+g.IntN(len(t.cols)-t.keys)]
	return dual(fmt.Sprintf("UPDATE %s SET %s = %s FROM %s AS o WHERE %s", t.name, c.name,
		g.expr(qualified(t.name, t.cols), c.typ, 2), o.name, on))
}

func (g *generator) insert(t *genTable) dual {
	seen := map[string]bool{}
	var rows []string
	for range 1 + g.IntN(pick(g, 2, 5, 12)) {
		var vals []string
		for i, c := range t.cols {
			if i < t.keys {
				vals = append(vals, g.literal(c.typ))
			} else {
				vals = append(vals, g.value(c.typ))
			}
		}
		key := strings.Join(vals[:t.keys], ",")
		if t.keys > 0 && seen[key] {
			continue
		}
		seen[key] = true
		rows = append(rows, "("+strings.Join(vals, ", ")+")")
	}
	s := fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", t.name, t.names(), strings.Join(rows, ", "))
	if t.keys == 0 {
		return dual(s + g.returning(t))
	}
	var keys, sets []string
	for i, c := range t.cols {
		if i < t.keys {
			keys = append(keys, c.name)
		} else {
			sets = append(sets, c.name+" = excluded."+c.name)
		}
	}
	conflict := fmt.Sprintf(" ON CONFLICT (%s) DO UPDATE SET %s", strings.Join(keys, ", "),
		strings.Join(sets, ", "))
	switch {
	case g.chance(20):
		return dual(s + " ON CONFLICT DO NOTHING")
	case g.chance(20):
		return dual(s + conflict)
	}
	return dual(s + "«¦" + conflict + "»")
}
