package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// open begins a bracket: a query, or in FROM also a join.
func (o *outline) open(f *level) {
	if f.sel != nil && !f.want || f.query && f.sel == nil {
		o.unexpected()
	}
	o.put("(")
	n := level{table: f.want || f.maybe, lateral: f.next}
	o.i++
	n.at = o.loc()
	f.next = false
	if n.table {
		switch {
		case o.startsQuery(o.i):
		case o.isC('('):
			n.maybe = true
		default:
			n.want, n.from = true, true
		}
	}
	f.want, f.maybe = false, false
	o.stack = append(o.stack, n)
}

// shut closes a bracket; in a FROM list it was a derived table, a join or part of a larger
// query.
func (o *outline) shut() {
	o.end()
	g := *o.top()
	o.stack = o.stack[:len(o.stack)-1]
	f := o.top()
	if g.cte != nil {
		if o.cteEnd(f, g.cte) {
			o.cte(f)
		}
		return
	}
	o.expectC(')')
	if g.hasWith && !g.table && !o.is(kwUnion) && !o.is(kwExcept) && !o.is(kwIntersect) {
		if f.withAt > 0 && f.sel == nil && !f.query {
			bailAt(sqlerr.New(sqlerr.SyntaxError, "multiple WITH clauses not allowed"), f.withAt-1)
		}
		f.hasWith = true
	}
	if !g.table || g.query && f.sel == nil && o.continuesQuery(o.i) {
		f.query = true
		o.put(")")
		return
	}
	if !g.query { // (a JOIN b ON c) [alias]
		if !g.joined {
			o.i--
			o.unexpected()
		}
		f.joined = true
		start := o.i
		if a := o.alias(); a.Name != "" {
			o.put(",")
			o.atom(a, start)
		}
		o.put(")")
	} else {
		o.put(") ")
		start := o.i
		o.atom(&sql.Derived{Loc: g.at, Lateral: g.lateral, Alias: o.derivedAlias()}, start)
	}
	f.from = true
	o.tableDone(f)
}

// derivedAlias reads the alias of a query in FROM, which may be only AS (a int, ...).
func (o *outline) derivedAlias() sql.Alias {
	o.more()
	return o.alias()
}

func (o *outline) tableAtom(f *level) {
	if o.is(kwLateral) && o.peek(1).isPunct('(') {
		o.i++
		f.next = true
		return
	}
	o.more()
	start := o.i
	f.want, f.maybe, f.from = false, false, true
	o.atom(o.tablePrimary(), start)
	o.tableDone(f)
}

func (o *outline) tableDone(f *level) {
	if f.now != nil {
		o.put(" ON ")
		o.atom(f.now, o.i)
		f.now = nil
	}
}

// join writes JOIN or LEFT JOIN; the kind travels in the atom after ON.
func (o *outline) join(f *level) bool {
	if !f.from || f.want || f.closed {
		return false
	}
	j := &sql.Join{Loc: o.loc(), Natural: o.accept(kwNatural)}
	txt := " LEFT JOIN "
	switch o.tok().kw {
	case kwLeft:
		j.Kind = sql.LeftJoin
	case kwRight:
		j.Kind = sql.RightJoin
	case kwFull:
		j.Kind = sql.FullJoin
	case kwCross:
		if j.Natural {
			o.unexpected()
		}
		j.Kind, txt = sql.CrossJoin, " JOIN "
	default:
		txt = " JOIN "
	}
	if j.Kind != sql.InnerJoin {
		o.i++
		if j.Kind != sql.CrossJoin {
			o.accept(kwOuter)
		}
	} else {
		o.accept(kwInner)
	}
	f.joined = true
	o.put(txt)
	o.expect(kwJoin)
	if j.Natural || j.Kind == sql.CrossJoin {
		f.now = j
	} else {
		f.joins = append(f.joins, j)
	}
	f.want = true
	return true
}

func (o *outline) joinCondition(f *level) bool {
	if len(f.joins) == 0 || f.want {
		return false
	}
	j := f.joins[len(f.joins)-1]
	if o.is(kwWithin) {
		if j.Within != nil {
			return false
		}
		j.Within = o.within()
		return true
	}
	f.joins = f.joins[:len(f.joins)-1]
	o.put(" ON ")
	start := o.i
	if o.accept(kwOn) {
		j.On = o.expr()
	} else {
		o.i++
		j.Using = o.names()
		if o.accept(kwAs) {
			j.UsingAlias = o.name()
		}
	}
	o.atom(j, start)
	return true
}

// fromDone checks that the FROM list is complete; a SELECT without one gets an empty atom.
func (o *outline) fromDone(f *level) {
	if f.want || len(f.joins) > 0 {
		o.unexpected()
	}
	if f.sel != nil && !f.from {
		o.put(" FROM ")
		o.atom(nil, o.i)
		f.from = true
	}
}
