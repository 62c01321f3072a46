package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// insert reads INSERT.
func (p *parser) insert() sql.Statement {
	p.expect(kwInto)
	s := &sql.Insert{NamePos: p.loc()}
	s.Table = p.qname()
	if p.accept(kwAs) {
		s.Alias = p.name()
	}
	s.Options = p.optionalWith()
	if p.isC('(') && !p.queryBracket(p.i) {
		s.Columns, s.ColumnLocs, s.Paths = p.insertTargets()
	}
	switch p.oneOf("overriding system value", "overriding user value") {
	case 0:
		s.Overriding = sql.OverridingSystem
	case 1:
		s.Overriding = sql.OverridingUser
	}
	if !p.words("default", "values") {
		s.Query = p.query()
	}
	if p.is(kwOn) {
		s.OnConflict = p.onConflict()
	}
	s.Returning = p.returning()
	return s
}

// insertColumns reads a column list in which parts of columns cannot stand.
func (p *parser) insertColumns() (list []string, places []sql.Loc) {
	list, places, paths := p.insertTargets()
	for i := range paths {
		if len(paths[i]) > 0 {
			p.unsupported(places[i], "a part of a column in this list",
				"Write whole values: arrays as ARRAY[...], composite values as ROW(...).")
		}
	}
	return list, places
}

// insertTargets reads the column list of INSERT: columns, or parts of them.
func (p *parser) insertTargets() (list []string, places []sql.Loc, paths [][]sql.Expr) {
	p.expectC('(')
	for {
		places = append(places, p.loc())
		list = append(list, p.name())
		path := p.assignPath()
		if path != nil && paths == nil {
			paths = make([][]sql.Expr, len(list)-1)
		}
		if path != nil || paths != nil {
			paths = append(paths, path)
		}
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return list, places, paths
}

func (p *parser) onConflict() *sql.OnConflict {
	c := &sql.OnConflict{Loc: p.loc()}
	p.i++
	p.expect(kwConflict)
	switch {
	case p.isC('('):
		c.Targets = p.indexKeys()
		if p.accept(kwWhere) {
			c.TargetWhere = p.expr()
		}
	case p.accept(kwOn):
		p.expect(kwConstraint)
		c.Constraint = p.name()
	}
	p.expect(kwDo)
	if p.accept(kwNothing) {
		c.DoNothing = true
		return c
	}
	p.expect(kwUpdate)
	p.expect(kwSet)
	c.Set = p.assigns()
	if p.accept(kwWhere) {
		c.Where = p.expr()
	}
	return c
}

func (p *parser) returning() []sql.Item {
	if p.accept(kwReturning) {
		return p.itemList()
	}
	return nil
}

// assigns reads the list after SET.
func (p *parser) assigns() (as []sql.Assign) {
	for {
		a := sql.Assign{Loc: p.loc()}
		if p.isC('(') {
			a.Multi = true
			a.Columns = p.names()
		} else {
			a.Columns = []string{p.name()}
			a.Path = p.assignPath()
		}
		p.expectOp("=")
		a.X = p.expr()
		as = append(as, a)
		if !p.acceptC(',') {
			return as
		}
	}
}

// assignPath reads the subscripts and fields of SET a[1].b = x.
func (p *parser) assignPath() (path []sql.Expr) {
	for {
		switch at := p.loc(); {
		case p.isC('['):
			path = append(path, p.subscript(nil))
		case p.acceptC('.'):
			path = append(path, &sql.Field{Loc: at, Name: p.label()})
		default:
			return path
		}
	}
}

// update reads UPDATE.
func (p *parser) update() sql.Statement {
	s := &sql.Update{Table: p.targetTable()}
	p.expect(kwSet)
	s.Set = p.assigns()
	if p.currentOf() {
		s.Cursor = p.name()
	} else {
		s.From, s.Where = p.fromWhere(kwFrom)
	}
	s.Returning = p.returning()
	return s
}

// deleteFrom reads DELETE.
func (p *parser) deleteFrom() sql.Statement {
	p.expect(kwFrom)
	s := &sql.Delete{Table: p.targetTable()}
	if p.currentOf() {
		s.Cursor = p.name()
	} else {
		s.Using, s.Where = p.fromWhere(kwUsing)
	}
	s.Returning = p.returning()
	return s
}

func (p *parser) currentOf() bool { return p.seq(kwWhere, kwCurrent, kwOf) }

// fromWhere reads [FROM | USING tables] [WHERE condition] as the tail of a SELECT.
func (p *parser) fromWhere(word keyword) ([]sql.TableRef, sql.Expr) {
	if !p.is(word) && !p.is(kwWhere) {
		return nil, nil
	}
	p.enter()
	defer p.leave()
	o := newOutline(p)
	o.dml = true
	sel := &sql.Select{Loc: p.loc()}
	f := o.top()
	f.sel, f.query = sel, true
	o.put("SELECT ")
	o.atom(sel, p.i)
	if p.accept(word) {
		o.put(" FROM ")
		f.from, f.want = true, true
	}
	for o.step() {
	}
	if len(o.stack) > 1 {
		o.unexpected()
	}
	o.finish()
	return sel.From, sel.Where
}

// truncate reads TRUNCATE.
func (p *parser) truncate() sql.Statement {
	p.accept(kwTable)
	p.accept(kwOnly)
	s := &sql.Truncate{Names: p.nameList()}
	s.RestartIdentity = p.oneOf("restart identity", "continue identity") == 0
	s.Cascade = p.cascade()
	return s
}

// copyRows reads COPY.
func (p *parser) copyRows() sql.Statement {
	s := &sql.Copy{}
	if p.isC('(') {
		s.Query = p.copyQuery()
	} else {
		if at := p.loc(); p.words("binary") {
			s.Options = []sql.Option{{Loc: at, Name: "format",
				Value: &sql.Const{Loc: at, Kind: sql.StrConst, Val: "binary"}}}
		}
		s.NamePos = p.loc()
		s.Table = p.qname()
		if p.isC('(') {
			s.Columns, s.ColumnLocs = p.insertColumns()
		}
	}
	switch {
	case p.accept(kwTo):
		s.To = true
	case s.Query == nil && p.accept(kwFrom):
	default:
		p.unexpected()
	}
	p.copySource(s)
	if p.words("delimiters") || p.words("using", "delimiters") {
		s.Options = append(s.Options, p.copyOption("delimiter"))
	}
	p.accept(kwWith)
	if p.isC('(') {
		if p.peek(1).isPunct(')') {
			p.i++
			p.unexpected()
		}
		s.Options = append(s.Options, p.options()...)
	} else {
		s.Options = append(s.Options, p.oldCopyOptions()...)
	}
	at := p.loc()
	if p.accept(kwWhere) {
		if s.To {
			p.fail(at, sqlerr.SyntaxError, "WHERE clause not allowed with COPY TO")
		}
		s.Where = p.expr()
	}
	return s
}

// copyQuery reads the bracketed query of COPY. A data-modifying statement becomes the query
// that reads what it returns.
func (p *parser) copyQuery() *sql.Query {
	at := p.loc()
	switch p.peek(1).kw {
	case kwInsert, kwUpdate, kwDelete:
	default:
		return p.parenQuery()
	}
	p.expectC('(')
	st := p.cteStatement()
	p.expectC(')')
	var returning []sql.Item
	switch st := st.(type) {
	case *sql.Insert:
		returning = st.Returning
	case *sql.Update:
		returning = st.Returning
	case *sql.Delete:
		returning = st.Returning
	}
	if returning == nil {
		p.fail(at, sqlerr.FeatureNotSupported, "COPY query must have a RETURNING clause")
	}
	const name = "returned"
	return &sql.Query{Loc: at, With: []*sql.CTE{{Loc: at, Name: name, Stmt: st}}, Body: &sql.Select{Loc: at,
		Items: []sql.Item{{X: &sql.ColRef{Loc: at, Star: true}}},
		From:  []sql.TableRef{&sql.Table{Loc: at, Name: sql.Name{name}}}}}
}

// copySource reads the file, program or stream of COPY.
func (p *parser) copySource(s *sql.Copy) {
	if p.oneOf("stdin", "stdout") >= 0 {
		return
	}
	s.Program = p.words("program")
	s.File = p.str()
	if s.File == "" {
		p.missing("a file name is missing")
	}
}

// copyOption reads a string as the value of an option.
func (p *parser) copyOption(name string) sql.Option {
	p.accept(kwAs)
	at := p.loc()
	return sql.Option{Loc: at, Name: name,
		Value: &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.str()}}
}

// oldCopyOptions reads the options as PostgreSQL before 9.0 wrote them: CSV HEADER NULL 'x'.
func (p *parser) oldCopyOptions() (list []sql.Option) {
	for {
		at := p.loc()
		o := sql.Option{Loc: at}
		switch p.oneOf("csv", "binary", "text", "json", "header", "freeze", "null", "delimiter",
			"quote", "escape", "encoding", "force quote", "force not null", "force null") {
		case 0, 1, 2, 3:
			format := foldName(p.text(&p.toks[p.i-1]))
			o.Name = "format"
			o.Value = &sql.Const{Loc: at, Kind: sql.StrConst, Val: format}
		case 4:
			o.Name = "header"
		case 5:
			o.Name = "freeze"
		case 6:
			o = p.copyOption("null")
		case 7:
			o = p.copyOption("delimiter")
		case 8:
			o = p.copyOption("quote")
		case 9:
			o = p.copyOption("escape")
		case 10:
			o = p.copyOption("encoding")
		case 11:
			o.Name = "force_quote"
			o.Value = p.copyColumns()
		case 12:
			o.Name = "force_not_null"
			o.Value = p.copyColumns()
		case 13:
			o.Name = "force_null"
			o.Value = p.copyColumns()
		default:
			return list
		}
		list = append(list, o)
	}
}

// copyColumns reads a, b or * after FORCE QUOTE.
func (p *parser) copyColumns() sql.Expr {
	at := p.loc()
	if p.acceptOp("*") {
		return &sql.ColRef{Loc: at, Star: true}
	}
	r := &sql.Row{Loc: at}
	for {
		c := &sql.ColRef{Loc: p.loc()}
		c.Name = sql.Name{p.name()}
		r.Elems = append(r.Elems, c)
		if p.acceptC(',') {
			continue
		}
		if len(r.Elems) == 1 {
			return c
		}
		return r
	}
}
