package parse

import (
	"strconv"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// outline reads one query and writes its outline: clause keywords, commas, brackets and
// numbered atoms, every expression, name and dialect clause being one atom.
//
//	SELECT a::int x, count(*) FROM s JOIN t WITHIN 1 HOUR ON s.id = t.id WHERE a ~ '^b' EMIT CHANGES
//	SELECT z0,z1,z2 FROM z3 JOIN z4 ON z5 WHERE z6 ORDER BY z7
//
// TiDB's parser decides whether the outline is a query and how its parts nest. Everything it
// would read otherwise than PostgreSQL is inside an atom: FULL JOIN, NATURAL and USING travel
// in the atom after ON, LIMIT and EMIT in a last atom of ORDER BY, a VALUES list is one atom.
type outline struct {
	*parser
	text  []byte
	atoms []any
	marks []mark
	stack []level
	count int // of table references and set operations: the height of TiDB's tree

	// into receives SELECT ... INTO; nil where that cannot stand.
	into *sql.CreateAs

	// dml: the outline is the FROM and WHERE of UPDATE or DELETE, nothing else may follow.
	dml bool
}

// mark ties an offset in the outline to the token it was written for.
type mark struct{ out, token int32 }

// level is the state of one bracket.
type level struct {
	sel     *sql.Select
	from    bool        // FROM has been written for sel
	want    bool        // a table must come next
	maybe   bool        // "((": a query or a join may come next
	table   bool        // the bracket stands where a table is expected
	query   bool        // the bracket holds a query
	lateral bool        // LATERAL came before the bracket
	next    bool        // LATERAL comes before the next bracket
	with    bool        // a WITH list is being read
	withAt  int         // 1 + where the level's own WITH stands; 0: it has none
	hasWith bool        // the level's query has a WITH, perhaps within more brackets
	cte     *sql.CTE    // the bracket holds this CTE's query
	united  bool        // UNION or its like has been read
	at      sql.Loc     // where the bracket's contents begin
	joined  bool        // the bracket holds a join, not a lone table
	joins   []*sql.Join // joins still without ON
	now     *sql.Join   // CROSS or NATURAL join, complete after the next table
	ordered bool
	closed  bool       // PARTITION BY or WINDOW w AS: no WHERE or GROUP BY after it
	tail    *sql.Query // LIMIT, OFFSET, FETCH, FOR, EMIT
}

// query reads a query; it ends at the first token that cannot belong to it. VALUES alone, the
// common case of INSERT, has no structure to ask about.
func (p *parser) query() *sql.Query { return p.queryInto(nil) }

// queryInto reads a query that may have INTO, which it notes in into.
func (p *parser) queryInto(into *sql.CreateAs) *sql.Query {
	p.enter()
	defer p.leave()
	if p.is(kwValues) {
		if q := p.plainValues(); q != nil {
			return q
		}
	}
	o := newOutline(p)
	o.into = into
	for o.step() {
	}
	if len(o.stack) > 1 {
		o.unexpected()
	}
	return o.finish()
}

// plainValues reads a VALUES list that nothing but the end of its query follows; nil: there
// is more, and the cursor has not moved.
func (p *parser) plainValues() *sql.Query {
	end := p.i + 1
	for p.toks[end].isPunct('(') && p.toks[end].match > 0 {
		end = int(p.toks[end].match) + 1
		if !p.toks[end].isPunct(',') {
			break
		}
		end++
	}
	switch t := &p.toks[end]; {
	case t.kind == kindEOF, t.isPunct(';'), t.isPunct(')'):
	case t.kw == kwReturning, t.kw == kwOn:
	default:
		return nil
	}
	at := p.loc()
	return &sql.Query{Loc: at, Body: p.valuesList()}
}

// valuesList reads VALUES (...), (...).
func (p *parser) valuesList() *sql.Values {
	v := &sql.Values{Loc: p.loc()}
	p.expect(kwValues)
	width := 1
	for {
		p.expectC('(')
		row := make([]sql.Expr, 0, width)
		for {
			row = append(row, p.expr())
			if !p.acceptC(',') {
				break
			}
		}
		p.expectC(')')
		width = len(row)
		v.Rows = append(v.Rows, row)
		if !p.acceptC(',') {
			return v
		}
	}
}

func newOutline(p *parser) *outline {
	return &outline{parser: p, text: make([]byte, 0, 128), atoms: make([]any, 0, 16),
		marks: make([]mark, 0, 32), stack: make([]level, 1, 4)}
}

func (o *outline) put(txt string) {
	o.marks = append(o.marks, mark{int32(len(o.text)), int32(o.i)})
	o.text = append(o.text, txt...)
}

// atom writes the next atom for v, whose first token is at index i.
func (o *outline) atom(v any, i int) {
	o.marks = append(o.marks, mark{int32(len(o.text)), int32(i)})
	o.text = append(o.text, 'z')
	o.text = strconv.AppendInt(o.text, int64(len(o.atoms)), 10)
	o.atoms = append(o.atoms, v)
}

// more counts what makes TiDB's tree higher.
func (o *outline) more() {
	o.count++
	o.grow(o.count)
}

func (o *outline) top() *level { return &o.stack[len(o.stack)-1] }

// step copies one clause or bracket and reports whether the query may go on.
func (o *outline) step() bool {
	f := o.top()
	t := o.tok()
	if t.kind == kindPunct {
		return o.punctuation(f, t.c)
	}
	if f.want {
		o.tableAtom(f)
		return true
	}
	if f.tail != nil {
		return o.tailClause(f.tail)
	}
	switch t.kw {
	case kwWhere, kwFrom, kwJoin, kwInner, kwLeft, kwRight, kwFull, kwCross, kwNatural, kwOn,
		kwUsing, kwWithin:
		return o.fromOrWhere(f, t)
	}
	if o.dml && len(o.stack) == 1 {
		return false
	}
	switch t.kw {
	case kwWith:
		return o.with(f)
	case kwSelect:
		if f.sel != nil || f.query {
			return false
		}
		o.selectList(f)
	case kwValues:
		if f.sel != nil || f.query {
			return false
		}
		f.query = true
		start := o.i
		v := o.valuesList()
		o.put("VALUES ROW(")
		o.atom(v, start)
		o.put(")")
	case kwTable:
		o.tableCommand(f)
	case kwUnion, kwExcept, kwIntersect:
		o.setOperation(f, t.kw)
	case kwHaving, kwGroup, kwPartition, kwWindow:
		return o.blockClause(f, t.kw)
	case kwOrder:
		if f.ordered || !f.query {
			return false
		}
		o.fromDone(f)
		o.put(" ORDER BY ")
		o.i++
		o.expect(kwBy)
		o.list(func() any { return o.sortKey() })
		f.ordered = true
	default:
		q := &sql.Query{}
		if !f.query || !o.tailClause(q) {
			return false
		}
		f.tail = q
	}
	return true
}

func (o *outline) punctuation(f *level, c byte) bool {
	switch c {
	case '(':
		if f.tail != nil {
			return false
		}
		o.open(f)
		return true
	case ')':
		if len(o.stack) == 1 {
			return false
		}
		o.shut()
		return true
	case ',':
		if f.sel == nil || !f.from || f.want || len(f.joins) > 0 || f.tail != nil || f.closed {
			return false
		}
		o.put(",")
		o.i++
		f.want = true
		return true
	}
	return false
}

func (o *outline) fromOrWhere(f *level, t *token) bool {
	switch t.kw {
	case kwFrom:
		if f.sel == nil || f.from || f.closed {
			return false
		}
		o.put(" FROM ")
		o.i++
		f.from, f.want = true, true
		return true
	case kwWhere:
		if f.sel == nil || f.closed {
			return false
		}
		o.fromDone(f)
		o.put(" WHERE ")
		o.i++
		o.exprAtom()
		return true
	case kwOn, kwUsing, kwWithin:
		return o.joinCondition(f)
	}
	return o.join(f)
}

// blockClause copies the clauses of a SELECT block after WHERE.
func (o *outline) blockClause(f *level, k keyword) bool {
	if f.sel == nil || k == kwPartition && o.peek(1).kw != kwBy {
		return false
	}
	o.fromDone(f)
	switch k {
	case kwHaving:
		if f.sel.Windows != nil {
			return false
		}
		f.closed = true
		o.put(" HAVING ")
		o.i++
		o.exprAtom()
	case kwGroup:
		if f.closed {
			return false
		}
		o.put(" GROUP BY ")
		o.i++
		o.expect(kwBy)
		if !o.accept(kwAll) {
			f.sel.GroupUnique = o.accept(kwDistinct)
		}
		o.list(func() any { return o.groupItem() })
	case kwPartition:
		if f.closed {
			return false
		}
		f.closed = true
		o.i += 2
		f.sel.Part = o.exprs()
	case kwWindow:
		if !o.streamWindowAhead() {
			if f.sel.Windows != nil {
				return false
			}
			f.closed = true
			o.namedWindows(f.sel)
			return true
		}
		if f.sel.Window != nil || f.closed {
			return false
		}
		f.sel.Window = o.streamWindow()
	}
	return true
}

func (o *outline) exprAtom() {
	i := o.i
	o.atom(o.expr(), i)
}

// list writes a comma list with one atom per element.
func (o *outline) list(elem func() any) {
	for {
		i := o.i
		o.atom(elem(), i)
		if !o.isC(',') {
			return
		}
		o.put(",")
		o.i++
	}
}

func (o *outline) selectList(f *level) {
	sel := &sql.Select{Loc: o.loc()}
	start := o.i
	f.sel, f.from, f.query, f.maybe = sel, false, true, false
	o.put("SELECT ")
	o.i++
	if !o.accept(kwAll) && o.is(kwDistinct) {
		o.put("DISTINCT ")
		o.i++
		sel.Distinct = true
		if o.accept(kwOn) {
			o.expectC('(')
			sel.On = o.exprs()
			o.expectC(')')
		}
	}
	o.atom(sel, start)
	switch t := o.tok(); {
	case t.kind == kindEOF, t.isPunct(')'), t.isPunct(';'), o.emitEndsList():
		return
	case t.kind == kindIdent:
		switch t.kw {
		case kwFrom, kwWhere, kwGroup, kwHaving, kwWindow, kwUnion, kwIntersect, kwExcept,
			kwOrder, kwLimit, kwOffset, kwFetch, kwFor, kwInto, kwReturning, kwOn:
			if sel.Distinct { // which needs a list
				o.unexpected()
			}
			o.selectInto()
			return
		}
	}
	o.put(",")
	for {
		i := o.i
		o.atom(o.item(), i)
		if !o.isC(',') {
			break
		}
		o.put(",")
		o.i++
	}
	o.selectInto()
}

// emitEndsList reports whether EMIT after SELECT is the clause of a query without columns, and
// not a column called emit: nothing that a list or FROM needs follows it.
func (p *parser) emitEndsList() bool {
	if !p.emitAhead() || p.peek(1).kw == kwOn {
		return false
	}
	switch t := p.peek(2); t.kw {
	case kwLimit, kwOffset, kwFetch, kwWith:
		return true
	case kwAs:
		return p.peek(3).kw == kwOf
	default:
		return t.kind == kindEOF || t.isPunct(')') || t.isPunct(';')
	}
}

// selectInto reads INTO name, which only the first SELECT of a statement can have.
func (o *outline) selectInto() {
	if !o.is(kwInto) {
		return
	}
	switch {
	case o.into != nil && o.into.Name != nil && len(o.stack) == 1:
		o.unexpected()
	case o.into == nil || len(o.stack) > 1:
		o.fail(o.locOf(o.peek(1)), sqlerr.SyntaxError, "SELECT ... INTO is not allowed here")
	}
	if o.top().united {
		o.fail(o.locOf(o.peek(1)), sqlerr.SyntaxError,
			"INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT")
	}
	o.i++
	k := o.oneOf("unlogged", "temporary", "temp", "local temporary", "local temp")
	o.into.Unlogged, o.into.Temp = k == 0, k > 0
	o.accept(kwTable)
	o.into.Name = o.qname()
}

func (o *outline) tableCommand(f *level) {
	if f.sel != nil || f.query {
		o.unexpected()
	}
	o.put("TABLE ")
	o.i++
	f.query = true
	start := o.i
	t := &sql.Table{Only: o.accept(kwOnly), Loc: o.loc()}
	t.Name = o.qname()
	o.atom(t, start)
}

func (o *outline) setOperation(f *level, k keyword) {
	if f.ordered || !f.query {
		o.unexpected()
	}
	o.fromDone(f)
	o.more()
	switch k {
	case kwUnion:
		o.put(" UNION ")
	case kwExcept:
		o.put(" EXCEPT ")
	default:
		o.put(" INTERSECT ")
	}
	o.i++
	if o.is(kwAll) {
		o.put("ALL ")
		o.i++
	} else {
		o.accept(kwDistinct)
	}
	f.sel, f.from, f.query, f.closed, f.united = nil, false, false, false, true
}

// end finishes the innermost bracket.
func (o *outline) end() {
	f := o.top()
	if f.with || !f.query && !f.from || f.next {
		o.unexpected()
	}
	o.fromDone(f)
	if f.tail == nil {
		return
	}
	if f.ordered {
		o.put(",")
	} else {
		o.put(" ORDER BY ")
	}
	o.atom(f.tail, o.i)
}
