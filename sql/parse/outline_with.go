package parse

import "github.com/millracedb/millrace/sql"

// with writes WITH up to the bracket of its first element.
func (o *outline) with(f *level) bool {
	if f.query || f.with || f.sel != nil {
		return false
	}
	f.withAt, f.hasWith = int(o.loc())+1, true
	o.put("WITH ")
	o.i++
	if o.is(kwRecursive) {
		o.put("RECURSIVE ")
		o.i++
	}
	o.cte(f)
	return true
}

// cte writes one WITH element up to its opening bracket; a data-modifying one is read whole.
func (o *outline) cte(f *level) {
	f.with, f.maybe = true, false
	for {
		c, start := o.cteHead()
		o.atom(c, start)
		o.put(" AS (")
		if o.startsQuery(o.i) || o.isC('(') {
			o.stack = append(o.stack, level{cte: c, at: o.loc()})
			return
		}
		c.Stmt = o.cteStatement()
		o.put("SELECT ")
		o.atom(nil, o.i)
		if !o.cteEnd(f, c) {
			return
		}
	}
}

// cteHead reads name (columns) AS [NOT] MATERIALIZED and the bracket.
func (p *parser) cteHead() (c *sql.CTE, start int) {
	start = p.i
	c = &sql.CTE{Loc: p.loc()}
	c.Name = p.name()
	if p.isC('(') {
		c.Columns = p.names()
	}
	p.expect(kwAs)
	switch {
	case p.accept(kwMaterialized):
		c.Mat = sql.MatAlways
	case p.seq(kwNot, kwMaterialized):
		c.Mat = sql.MatNever
	}
	p.expectC('(')
	return c, start
}

// cteStatement reads INSERT, UPDATE or DELETE in a CTE.
func (p *parser) cteStatement() sql.Statement {
	switch p.tok().kw {
	case kwInsert, kwUpdate, kwDelete, kwWith:
		return p.statement()
	}
	p.unexpected()
	return nil
}

// cteEnd closes a WITH element; true: another one follows.
func (o *outline) cteEnd(f *level, c *sql.CTE) bool {
	o.put(")")
	o.expectC(')')
	if o.is(kwSearch) {
		c.Search = o.search()
	}
	if o.is(kwCycle) {
		c.Cycle = o.cycle()
	}
	if o.isC(',') {
		o.put(",")
		o.i++
		return true
	}
	o.put(" ")
	f.with = false
	return false
}

// search reads SEARCH DEPTH|BREADTH FIRST BY columns SET name.
func (p *parser) search() *sql.Search {
	s := &sql.Search{Loc: p.loc()}
	p.expect(kwSearch)
	if s.Breadth = p.wordAt(0, "breadth"); !s.Breadth && !p.wordAt(0, "depth") {
		p.unexpected()
	}
	p.i++
	p.expect(kwFirst)
	p.expect(kwBy)
	s.By = p.nameSeq()
	p.expect(kwSet)
	s.Set = p.name()
	return s
}

// cycle reads CYCLE columns SET mark [TO value DEFAULT default] USING path.
func (p *parser) cycle() *sql.Cycle {
	c := &sql.Cycle{Loc: p.loc()}
	p.expect(kwCycle)
	c.Columns = p.nameSeq()
	p.expect(kwSet)
	c.Mark = p.name()
	if p.accept(kwTo) {
		c.Value = p.constant()
		p.expect(kwDefault)
		c.Default = p.constant()
	}
	p.expect(kwUsing)
	c.Path = p.name()
	return c
}

// nameSeq reads names with commas between them.
func (p *parser) nameSeq() (list []string) {
	for more := true; more; more = p.acceptC(',') {
		list = append(list, p.name())
	}
	return list
}

// constant reads a literal, with its type where it has one.
func (p *parser) constant() sql.Expr {
	t := p.tok()
	x := p.primary()
	switch x.(type) {
	case *sql.Const, *sql.TypedLit:
		return x
	}
	p.unexpectedAt(t)
	return nil
}
