package parse

import (
	"strconv"

	"github.com/millracedb/millrace/sql"
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
	cte     *sql.CTE    // the bracket holds this CTE's query
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
		if f.ordered {
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
		if !o.tailClause(q) {
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
			kwOrder, kwLimit, kwOffset, kwFetch, kwFor, kwInto:
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
	if o.into == nil || o.into.Name != nil || len(o.stack) > 1 {
		o.unexpected()
	}
	o.i++
	k := o.oneOf("unlogged", "temporary", "temp", "local temporary", "local temp")
	o.into.Temp = k > 0
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
	start, at := o.i, o.loc()
	o.atom(&sql.Table{Loc: at, Name: o.qname()}, start)
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
	f.sel, f.from, f.query, f.closed = nil, false, false, false
}

// with writes WITH up to the bracket of its first element.
func (o *outline) with(f *level) bool {
	if f.query || f.with || f.sel != nil {
		return false
	}
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
		if !o.cteEnd(f) {
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
func (o *outline) cteEnd(f *level) bool {
	o.put(")")
	o.expectC(')')
	if o.is(kwSearch) || o.is(kwCycle) {
		o.unsupported(o.loc(), "SEARCH and CYCLE of a recursive query",
			"Carry the path in a column of the query.")
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
		if o.cteEnd(f) {
			o.cte(f)
		}
		return
	}
	o.expectC(')')
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
