package planner

import (
	"github.com/millracedb/millrace/sql"
)

// frozen gives the text of a query that the catalog is to hold: every * is written
// out, so that the query stays what it is when its relations get more columns. bind
// plans a query in the way of the statement, by the builder that it is given.
func (b *builder) frozen(q *sql.Query, bind func(b *builder, q *sql.Query) error) (string, error) {
	text := sql.Print(q)
	star, limits := hasStar(q), b.collectLimits()
	if !star && len(limits) == 0 {
		return text, nil
	}
	own, err := parseQuery(text)
	if err != nil {
		return "", err
	}
	limitCollected(own, limits)
	if !star {
		return sql.Print(own), nil
	}
	f := newBuilder(b.env)
	f.path, f.freeze = b.path, true
	if b.decided {
		f.decideDialect(b.ksql)
	}
	if err := bind(f, own); err != nil {
		return "", err
	}
	return sql.Print(own), nil
}

// hasStar tells whether a select list of a query has *.
func hasStar(q *sql.Query) bool {
	found := false
	sql.Walk(q, func(n sql.Node) bool {
		if sel, ok := n.(*sql.Select); ok {
			for _, it := range sel.Items {
				found = found || isStar(it)
			}
		}
		return !found
	})
	return found
}

func isStar(it sql.Item) bool {
	ref, ok := it.X.(*sql.ColRef)
	return ok && ref.Star
}

// freezeStars writes the items of a select list into the statement, in their order.
// What is added again when the query is bound anew, the bounds of its windows, is
// left out.
func (k *block) freezeStars() {
	star := false
	for _, it := range k.sel.Items {
		star = star || isStar(it)
	}
	if !star || !k.b.freeze || k.b.depth > 0 {
		return
	}
	var items []sql.Item
	for i := range k.items {
		it := &k.items[i]
		switch {
		case it.bound:
		case it.ref != nil && it.name == it.ref.Name.Last() && k.joined() < 2:
			items = append(items, sql.Item{X: it.ref})
		case it.ref != nil:
			items = append(items, sql.Item{X: it.ref, As: it.name})
		case it.ast != nil && it.unnamed && it.name == columnName(it.ast):
			items = append(items, sql.Item{X: it.ast})
		case it.ast != nil:
			items = append(items, sql.Item{X: it.ast, As: it.name})
		default:
			return
		}
	}
	k.sel.Items = items
}

// starRef names a column of *.
func (k *block) starRef(c *column) *sql.ColRef {
	ref := &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{c.name}}
	if c.merged || c.entry == nil || c.entry.alias == "" {
		return ref
	}
	ref.Name = sql.Name{c.entry.alias, c.name}
	if c.entry.schema != "" && k.scope.twice("", c.entry.alias) {
		ref.Name = append(sql.Name{c.entry.schema}, ref.Name...)
	}
	return ref
}
