package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// tablePrimary reads one table, view, stream or table function of FROM, with its alias.
// Brackets and joins are the outline's.
func (p *parser) tablePrimary() sql.TableRef {
	at := p.loc()
	lateral := p.accept(kwLateral)
	switch {
	case p.is(kwRows) && p.peek(1).kw == kwFrom:
		p.i += 2
		f := &sql.TableFunc{Loc: at, Lateral: lateral}
		p.expectC('(')
		p.rowsFrom(f)
		p.expectC(')')
		return p.funcTail(f)
	case p.functionWord():
		f := &sql.TableFunc{Loc: at, Lateral: lateral, Calls: []sql.Expr{p.primary()}}
		return p.funcTail(f)
	case p.is(kwTable) && p.peek(1).isPunct('('): // TABLE(TUMBLE(..))
		p.i += 2
		f := &sql.TableFunc{Loc: at, Lateral: lateral, Calls: []sql.Expr{p.expr()}}
		p.expectC(')')
		return p.funcTail(f)
	}
	only := p.accept(kwOnly)
	if only && p.isC('(') { // ONLY (t)
		p.i++
		t := &sql.Table{Loc: p.loc(), Name: p.qname(), Only: true}
		p.expectC(')')
		return p.tableTail(t)
	}
	p.refuseCall(p.tok())
	if t := p.tok(); !only && p.peek(1).isPunct('(') && t.kind == kindIdent && !reserved[t.kw] {
		at := p.loc()
		call := p.call(at, sql.Name{p.label()})
		return p.funcTail(&sql.TableFunc{Loc: at, Lateral: lateral, Calls: []sql.Expr{call}})
	}
	at = p.loc()
	if t := p.tok(); t.kind == kindIdent && funcNameOnly[t.kw] && !only { // a function's name
		p.unexpectedAt(p.peek(1))
	}
	n := p.qname()
	if p.isC('(') && !only {
		call := p.call(at, n)
		return p.funcTail(&sql.TableFunc{Loc: at, Lateral: lateral, Calls: []sql.Expr{call}})
	}
	if lateral {
		p.unexpected()
	}
	return p.tableTail(&sql.Table{Loc: at, Name: n, Only: only})
}

// rowsFrom reads the functions within ROWS FROM, each with its column definitions
// where it has some: f(...) AS (a int, b text).
func (p *parser) rowsFrom(f *sql.TableFunc) {
	var defs [][]sql.ColDef
	given := false
	for more := true; more; more = p.acceptC(',') {
		f.Calls = append(f.Calls, p.expr())
		var d []sql.ColDef
		if p.is(kwAs) && p.peek(1).isPunct('(') {
			p.i++
			d, given = p.columnDefs(), true
		}
		defs = append(defs, d)
	}
	if given {
		f.CallDefs = defs
	}
}

func (p *parser) tableTail(t *sql.Table) sql.TableRef {
	if p.wordAt(0, "match_recognize") && p.peek(1).isPunct('(') &&
		(p.peek(3).kw == kwBy || p.wordAt(2, "measures")) {
		p.unsupported(p.loc(), "MATCH_RECOGNIZE", "Use window functions or a self join.")
	}
	if p.isOp("*") { // t * is the same as t
		p.i++
	}
	if p.asOfAhead() {
		t.AsOf = p.tableAsOf()
	}
	if p.is(kwFor) && p.peek(1).kw == kwSystemTime {
		p.i += 2
		p.expect(kwAs)
		p.expect(kwOf)
		t.SystemTime = p.binary(bpOp)
	}
	t.Alias = p.alias()
	p.refuseAfterAlias()
	if t.AsOf == nil && p.asOfAhead() {
		t.AsOf = p.tableAsOf()
	}
	if p.accept(kwTablesample) {
		t.Sample = p.sample()
		if p.accept(kwRepeatable) {
			p.expectC('(')
			t.Sample.Seed = p.expr()
			p.expectC(')')
		}
	}
	return t
}

// functionWord reports whether a function that is a key word, or has a grammar of its own,
// stands where a table may stand.
func (p *parser) functionWord() bool {
	switch p.tok().kw {
	case kwCurrentDate, kwCurrentTime, kwCurrentTimestamp, kwLocaltime, kwLocaltimestamp,
		kwCurrentUser, kwCurrentRole, kwSessionUser, kwUser, kwCurrentCatalog, kwCurrentSchema:
		return true
	case kwCast, kwExtract, kwOverlay, kwPosition, kwSubstring, kwTrim, kwTreat, kwNormalize:
		return p.peek(1).isPunct('(')
	}
	return false
}

// sample reads what follows TABLESAMPLE.
func (p *parser) sample() *sql.Sample {
	at := p.loc()
	method := p.qname()
	if len(method) > 1 {
		p.fail(at, sqlerr.UndefinedObject, "tablesample method %s does not exist", method)
	}
	s := &sql.Sample{Loc: at, Method: method[0]}
	p.expectC('(')
	args := p.exprs()
	if len(args) > 1 {
		p.fail(at, sqlerr.InvalidParameterValue,
			"tablesample method %s requires 1 argument, not %d", method, len(args))
	}
	s.Arg = args[0]
	p.expectC(')')
	return s
}

func (p *parser) funcTail(f *sql.TableFunc) sql.TableRef {
	if p.is(kwWith) && p.peek(1).kw == kwOrdinality {
		p.i += 2
		f.Ord = true
	}
	if p.asOfAhead() {
		f.AsOf = p.tableAsOf()
	}
	at := p.i
	if p.is(kwAs) && p.peek(1).isPunct('(') {
		p.i++
		f.Alias.Defs = p.columnDefs()
	} else {
		f.Alias = p.alias()
		p.refuseAfterAlias()
	}
	if f.Ord && f.Alias.Defs != nil {
		for !p.toks[at].isPunct('(') {
			at++
		}
		bailAt(sqlerr.New(sqlerr.SyntaxError,
			"WITH ORDINALITY cannot be used with a column definition list").
			WithHint("Put the column definition list inside ROWS FROM()."),
			p.locOf(&p.toks[at+1]).Pos())
	}
	return f
}

// alias reads [AS] name [(columns)]; no alias is the zero Alias.
func (p *parser) alias() (a sql.Alias) {
	if p.is(kwAs) && !p.asOfAhead() {
		p.i++
		a.Name = p.name()
	} else if t := p.tok(); t.isName() && !p.clauseAhead() {
		a.Name = p.name()
	} else {
		return a
	}
	if p.isC('(') {
		if t := p.peek(2); t.isPunct(',') || t.isPunct(')') {
			a.Cols = p.names()
		} else {
			a.Defs = p.columnDefs()
		}
	}
	return a
}

// columnDefs reads (name type, ...).
func (p *parser) columnDefs() (defs []sql.ColDef) {
	p.expectC('(')
	for {
		d := sql.ColDef{Loc: p.loc(), Name: p.name(), Type: p.typeName()}
		if p.accept(kwCollate) {
			d.Collate = p.dotted(sql.Name{p.label()})
		}
		defs = append(defs, d)
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return defs
}

// targetTable reads the table of UPDATE or DELETE; SET cannot be its alias.
func (p *parser) targetTable() *sql.Table {
	t := &sql.Table{}
	t.Only = p.accept(kwOnly)
	t.Loc = p.loc()
	t.Name = p.qname()
	if p.isOp("*") {
		p.i++
	}
	if p.accept(kwAs) || p.tok().isName() && !p.is(kwSet) {
		t.Alias.Name = p.name()
	}
	return t
}
