package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// tailClause reads one of the clauses that end a query: LIMIT, OFFSET, FETCH, FOR, EMIT or AS
// OF after EMIT. false: none is at the cursor.
func (p *parser) tailClause(q *sql.Query) bool {
	switch p.tok().kw {
	case kwLimit:
		p.once(q.Limit == nil, "LIMIT")
		q.Limit = p.limit()
	case kwOffset:
		p.once(q.Offset == nil, "OFFSET")
		p.i++
		q.Offset = p.expr()
		if !p.accept(kwRows) {
			p.accept(kwRow)
		}
	case kwFetch:
		p.once(q.Limit == nil, "LIMIT")
		p.fetchClause(q)
	case kwFor:
		if q.Emit != sql.EmitNone {
			p.unexpected()
		}
		if p.oneOf("for read only") < 0 {
			q.Locks = append(q.Locks, p.lockClause())
		}
	case kwEmit:
		if !p.emitAhead() {
			return false
		}
		p.once(q.Emit == sql.EmitNone, "EMIT")
		if q.Locks != nil {
			p.unexpected()
		}
		p.emit(q)
	case kwAs:
		if q.Emit == sql.EmitNone || q.AsOf != nil || p.peek(1).kw != kwOf {
			return false
		}
		q.AsOf = p.asOf()
	default:
		return false
	}
	return true
}

func (p *parser) once(first bool, clause string) {
	if !first {
		p.fail(p.loc(), sqlerr.SyntaxError, "multiple %s clauses not allowed", clause)
	}
}

// limit reads the count of LIMIT; LIMIT ALL is a NULL constant, as in PostgreSQL.
func (p *parser) limit() sql.Expr {
	at := p.loc()
	p.i++
	if all := p.loc(); p.accept(kwAll) {
		return &sql.Const{Loc: all, Kind: sql.NullConst}
	}
	x := p.expr()
	if p.isC(',') {
		bailAt(sqlerr.New(sqlerr.SyntaxError, "LIMIT #,# syntax is not supported").
			WithHint("Use separate LIMIT and OFFSET clauses."), int(at))
	}
	return x
}

// fetchClause reads FETCH FIRST n ROWS ONLY | WITH TIES.
func (p *parser) fetchClause(q *sql.Query) {
	p.i++
	if !p.accept(kwFirst) {
		p.expect(kwNext)
	}
	q.Limit = &sql.Const{Loc: p.loc(), Kind: sql.NumConst, Val: "1"}
	if !p.is(kwRow) && !p.is(kwRows) {
		q.Limit = p.binary(bpAdd)
	}
	if !p.accept(kwRows) {
		p.expect(kwRow)
	}
	if p.seq(kwWith, kwTies) {
		q.WithTies = true
	} else {
		p.expect(kwOnly)
	}
}

// lockClause reads FOR UPDATE and its like.
func (p *parser) lockClause() (l sql.LockClause) {
	p.i++
	switch p.oneOf("update", "no key update", "share", "key share") {
	case 0:
		l.Strength = sql.ForUpdate
	case 1:
		l.Strength = sql.ForNoKeyUpdate
	case 2:
		l.Strength = sql.ForShare
	case 3:
		l.Strength = sql.ForKeyShare
	default:
		p.unexpected()
	}
	if p.accept(kwOf) {
		for more := true; more; more = p.acceptC(',') {
			l.At = append(l.At, p.loc())
			l.Of = append(l.Of, p.qname())
		}
	}
	switch p.oneOf("nowait", "skip locked") {
	case 0:
		l.Wait = sql.LockNoWait
	case 1:
		l.Wait = sql.LockSkip
	}
	return l
}

// emitAhead reports whether EMIT at the cursor opens the clause. It takes two words, so that
// emit stays free as a name.
func (p *parser) emitAhead() bool {
	if !p.is(kwEmit) {
		return false
	}
	switch p.peek(1).kw {
	case kwChanges, kwFinal:
		return true
	case kwOn:
		return p.peek(2).kw == kwWindow
	}
	return false
}

// emit reads EMIT CHANGES [WITH (...)] or EMIT FINAL.
func (p *parser) emit(q *sql.Query) {
	p.i++
	q.Emit = sql.EmitFinal
	switch {
	case p.accept(kwChanges):
		q.Emit = sql.EmitChanges
	case p.accept(kwFinal):
	default:
		p.i += 2
		p.need("close")
	}
	if p.is(kwWith) && p.peek(1).isPunct('(') {
		p.i++
		q.EmitOptions = p.options()
	}
}

// asOf reads AS OF LATEST | EARLIEST | EPOCH n | time.
func (p *parser) asOf() *sql.AsOf {
	p.i += 2
	a := &sql.AsOf{Loc: p.loc()}
	switch {
	case p.accept(kwLatest):
	case p.accept(kwEarliest):
		a.Kind = sql.AsOfEarliest
	case p.accept(kwEpoch):
		a.Kind = sql.AsOfEpoch
		a.X = p.binary(bpOp)
	default:
		a.Kind = sql.AsOfExpr
		a.X = p.binary(bpOp)
	}
	return a
}

// asOfAhead reports whether AS OF at the cursor opens the clause, and not an alias "of".
func (p *parser) asOfAhead() bool {
	if !p.is(kwAs) || p.peek(1).kw != kwOf {
		return false
	}
	t := p.peek(2)
	switch t.kind {
	case kindStr, kindNum, kindParam:
		return true
	case kindQIdent:
		return p.peek(3).isPunct('(') || p.peek(3).kind == kindStr
	case kindIdent:
		switch t.kw {
		case kwLatest, kwEarliest:
			return true
		case kwEpoch:
			n := p.peek(3)
			return n.kind == kindNum || n.kind == kindParam || n.isPunct('(')
		case kwCurrentTimestamp, kwTimestamp, kwInterval, kwCast:
			return true
		}
		return p.peek(3).isPunct('(') && !reserved[t.kw] && !funcNameOnly[t.kw] ||
			p.peek(3).kind == kindStr
	}
	return false
}

// tableAsOf reads AS OF after the name of a table. Its time must begin like the ones that
// asOfAhead looks for, in every spelling that the printer may choose.
func (p *parser) tableAsOf() *sql.AsOf {
	a := p.asOf()
	for x := a.X; x != nil; {
		switch y := x.(type) {
		case *sql.Binary:
			x = y.L
			continue
		case *sql.AtTZ:
			x = y.X
			continue
		case *sql.Collate:
			x = y.X
			continue
		case *sql.Cast:
			x = y.X
			if _, ok := x.(*sql.Binary); !ok {
				continue
			}
		case *sql.Const, *sql.ParamRef, *sql.TypedLit, *sql.Call:
			return a
		}
		if a.Kind == sql.AsOfEpoch {
			return a
		}
		p.fail(a.Loc, sqlerr.SyntaxError, "time of AS OF must be a constant or a function call")
	}
	return a
}

// item reads one element of a SELECT or RETURNING list.
func (p *parser) item() sql.Item {
	if p.isOp("*") {
		at := p.loc()
		p.i++
		return sql.Item{X: &sql.ColRef{Loc: at, Star: true}}
	}
	it := sql.Item{X: p.expr()}
	if p.accept(kwAs) {
		it.As = p.label()
	} else if t := p.tok(); t.kind == kindQIdent || t.kind == kindIdent &&
		(t.kw == kwNone || !needsAs[t.kw] && !p.clauseAhead()) {
		it.As = p.label()
	}
	return it
}

func (p *parser) itemList() (list []sql.Item) {
	for {
		list = append(list, p.item())
		if !p.acceptC(',') {
			return list
		}
	}
}

// clauseAhead reports whether the word at the cursor opens one of the clauses that PostgreSQL
// does not have and whose first word is not reserved.
func (p *parser) clauseAhead() bool {
	switch p.tok().kw {
	case kwEmit:
		return p.emitAhead()
	case kwPartition:
		return p.peek(1).kw == kwBy
	case kwWithin:
		return p.peek(1).kind == kindNum || p.peek(1).isPunct('(')
	case kwQualify:
		p.unsupported(p.loc(), "QUALIFY",
			"Put the query in a subquery and filter its window function with WHERE.")
	}
	return false
}

// groupItem reads one element of GROUP BY.
func (p *parser) groupItem() sql.Expr {
	at := p.loc()
	if p.isC('(') && p.peek(1).isPunct(')') {
		p.i += 2
		return &sql.Row{Loc: at}
	}
	if !p.is(kwGrouping) || p.peek(1).kw != kwSets {
		return p.expr()
	}
	p.enter()
	p.i += 2
	c := &sql.GroupingSets{Loc: at}
	p.expectC('(')
	for {
		c.Sets = append(c.Sets, p.groupItem())
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	p.leave()
	return c
}

// namedWindows reads WINDOW w AS (...), ...
func (p *parser) namedWindows(s *sql.Select) {
	p.expect(kwWindow)
	for {
		at := p.loc()
		n := p.name()
		p.expect(kwAs)
		w := p.windowSpec()
		w.Name, w.Loc = n, at
		s.Windows = append(s.Windows, w)
		if !p.acceptC(',') {
			return
		}
	}
}

// streamWindowAhead reports whether WINDOW opens ksqlDB's clause, not PostgreSQL's.
func (p *parser) streamWindowAhead() bool {
	n := 1
	if k := p.peek(1).kw; k != kwTumbling && k != kwHopping && k != kwSession ||
		!p.peek(2).isPunct('(') {
		n = 2
	}
	switch p.peek(n).kw {
	case kwTumbling, kwHopping, kwSession:
		return p.peek(n + 1).isPunct('(')
	}
	return false
}

// streamWindow reads WINDOW [name] TUMBLING | HOPPING | SESSION (...).
func (p *parser) streamWindow() *sql.StreamWindow {
	w := &sql.StreamWindow{Loc: p.loc()}
	p.i++
	if !p.peek(1).isPunct('(') {
		w.Name = p.name()
	}
	switch p.tok().kw {
	case kwHopping:
		w.Kind = sql.Hopping
	case kwSession:
		w.Kind = sql.Session
	}
	p.i++
	p.expectC('(')
	if w.Kind == sql.Session {
		w.Size = p.span()
	} else {
		p.expect(kwSize)
		w.Size = p.span()
	}
	if w.Kind == sql.Hopping {
		p.expectC(',')
		p.expect(kwAdvance)
		p.expect(kwBy)
		w.Advance = p.span()
	}
	for p.acceptC(',') {
		switch {
		case w.Retention == nil && p.accept(kwRetention):
			w.Retention = p.span()
		case w.Grace == nil && p.accept(kwGrace):
			p.expect(kwPeriod)
			w.Grace = p.span()
		default:
			p.unexpected()
		}
	}
	p.expectC(')')
	return w
}

var spanUnits = map[keyword]sql.TimeUnit{
	kwMillisecond: sql.Millisecond, kwMilliseconds: sql.Millisecond,
	kwSecond: sql.Second, kwSeconds: sql.Second, kwMinute: sql.Minute, kwMinutes: sql.Minute,
	kwHour: sql.Hour, kwHours: sql.Hour, kwDay: sql.Day, kwDays: sql.Day,
	kwWeek: sql.Week, kwWeeks: sql.Week, kwMonth: sql.Month, kwMonths: sql.Month,
	kwYear: sql.Year, kwYears: sql.Year,
}

// span reads a number and a unit of time.
func (p *parser) span() *sql.Span {
	s := &sql.Span{Loc: p.loc()}
	if p.tok().kind != kindNum {
		p.unexpected()
	}
	s.N = p.integer()
	unit, ok := spanUnits[p.tok().kw]
	if !ok {
		p.unexpected()
	}
	p.i++
	s.Unit = unit
	return s
}

// within reads WITHIN n unit [GRACE PERIOD ...] or WITHIN (before, after).
func (p *parser) within() *sql.Within {
	p.expect(kwWithin)
	w := &sql.Within{}
	if p.acceptC('(') {
		w.Before = p.span()
		p.expectC(',')
		w.After = p.span()
		p.expectC(')')
	} else {
		w.Before = p.span()
		w.After = w.Before
	}
	if p.seq(kwGrace, kwPeriod) {
		w.Grace = p.span()
	}
	return w
}
