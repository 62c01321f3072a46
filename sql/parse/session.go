package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// beginTx reads BEGIN.
func (p *parser) beginTx() sql.Statement {
	p.oneOf("transaction", "work")
	return &sql.Begin{Modes: p.txModes()}
}

// startTx reads START TRANSACTION.
func (p *parser) startTx() sql.Statement {
	p.need("transaction")
	return &sql.Begin{Start: true, Modes: p.txModes()}
}

// txModes reads the modes of a transaction, with or without commas.
func (p *parser) txModes() (m sql.TxModes) {
	modes := []string{"isolation level serializable", "isolation level repeatable read",
		"isolation level read committed", "isolation level read uncommitted",
		"read only", "read write", "not deferrable", "deferrable"}
	for {
		switch p.oneOf(modes...) {
		case 0:
			m.Isolation = sql.Serializable
		case 1:
			m.Isolation = sql.RepeatableRead
		case 2:
			m.Isolation = sql.ReadCommitted
		case 3:
			m.Isolation = sql.ReadUncommitted
		case 4:
			m.Access = sql.ReadOnly
		case 5:
			m.Access = sql.ReadWrite
		case 6:
			m.Deferrable = sql.Off
		case 7:
			m.Deferrable = sql.On
		default:
			if p.wordAt(0, "isolation") || p.wordAt(0, "read") || p.is(kwNot) {
				p.stuck(modes...)
			}
			return m
		}
		if p.isC(',') && p.peek(1).kind == kindIdent {
			p.i++
		}
	}
}

// chain reads [AND [NO] CHAIN].
func (p *parser) chain() bool {
	return p.oneOf("and no chain", "and chain") == 1
}

// commit reads COMMIT or END.
func (p *parser) commit() sql.Statement {
	if p.wordAt(0, "prepared") {
		p.unsupported(p.loc(), "COMMIT PREPARED", "Use BEGIN and COMMIT.")
	}
	p.oneOf("transaction", "work")
	return &sql.Commit{Chain: p.chain()}
}

// rollback reads ROLLBACK or ABORT.
func (p *parser) rollback() sql.Statement {
	if p.wordAt(0, "prepared") {
		p.unsupported(p.loc(), "ROLLBACK PREPARED", "Use BEGIN and ROLLBACK.")
	}
	p.oneOf("transaction", "work")
	if p.accept(kwTo) {
		p.accept(kwSavepoint)
		return &sql.RollbackTo{Name: p.name()}
	}
	return &sql.Rollback{Chain: p.chain()}
}

func (p *parser) savepoint() sql.Statement { return &sql.Savepoint{Name: p.name()} }

func (p *parser) releaseSavepoint() sql.Statement {
	p.accept(kwSavepoint)
	return &sql.Release{Name: p.name()}
}

// set reads SET in all its forms.
func (p *parser) set() sql.Statement {
	if p.tok().kind == kindStr { // ksqlDB: SET 'a' = 'b'
		s := &sql.SetVar{Name: foldName(p.stringName()), Quoted: true}
		p.expectOp("=")
		s.Values = []sql.Expr{p.settingValue()}
		return s
	}
	switch {
	case p.words("session", "characteristics", "as", "transaction"):
		return &sql.SetTransaction{Session: true, Modes: p.txModes()}
	case p.words("transaction", "snapshot"):
		return &sql.SetTransaction{Snapshot: p.stringName()}
	case p.words("transaction"):
		return &sql.SetTransaction{Modes: p.txModes()}
	case p.words("constraints"):
		return p.setConstraints()
	}
	s := &sql.SetVar{}
	if p.wordAt(1, "authorization") || !p.peek(1).isPunct('.') && !p.opAt(1, "=") {
		s.Local = p.oneOf("local", "session") == 0 && !p.is(kwAuthorization)
	}
	p.setting(s)
	return s
}

// setConstraints reads what follows SET CONSTRAINTS.
func (p *parser) setConstraints() sql.Statement {
	s := &sql.SetConstraints{}
	if !p.accept(kwAll) {
		s.Names = p.nameList()
	}
	switch p.oneOf("deferred", "immediate") {
	case 0:
		s.Deferred = true
	case -1:
		p.unexpected()
	}
	return s
}

// setting reads what follows SET [LOCAL | SESSION].
func (p *parser) setting(s *sql.SetVar) {
	switch {
	case p.words("time", "zone"):
		s.Name = "timezone"
		p.timeZone(s)
	case p.words("names"):
		s.Name = "client_encoding"
		if s.Default = p.atEnd(); !s.Default {
			p.settingValues(s)
		}
	case p.wordAt(0, "role") && !p.opAt(1, "=") && p.peek(1).kw != kwTo:
		p.i++
		s.Name = "role"
		p.settingValues(s)
	case p.words("authorization"), p.words("session", "authorization"):
		s.Name = "session_authorization"
		p.settingValues(s)
	default:
		at := p.loc()
		s.Name = p.settingName()
		if p.seq(kwFrom, kwCurrent) {
			p.unsupported(at, "SET FROM CURRENT", "The setting keeps its value without it.")
		}
		if s.Name == "schema" && p.tok().kind == kindStr { // SET SCHEMA 'x'
			s.Name = "search_path"
		} else if !p.accept(kwTo) {
			p.refuseSetting(at, s.Name)
			p.expectOp("=")
		}
		p.settingValues(s)
	}
}

// refuseSetting gives up on what looks like a setting and is none.
func (p *parser) refuseSetting(at sql.Loc, name string) {
	switch {
	case name == "catalog" && p.tok().kind == kindStr:
		p.fail(at, sqlerr.FeatureNotSupported, "current database cannot be changed")
	case name == "xml" && p.wordAt(0, "option"):
		p.unsupported(at, "XML", "Store documents as text or jsonb.")
	}
}

// atEnd reports whether the statement ends at the cursor.
func (p *parser) atEnd() bool { return p.tok().kind == kindEOF || p.isC(';') }

// timeZone reads the value of SET TIME ZONE.
func (p *parser) timeZone(s *sql.SetVar) {
	at := p.loc()
	switch {
	case p.accept(kwDefault), p.words("local"):
		s.Default = true
	case p.is(kwInterval):
		s.Values = []sql.Expr{p.typedLiteral()}
	case p.tok().kind == kindNum || p.isOp("-") || p.isOp("+"):
		s.Values = []sql.Expr{p.settingValue()}
	case p.tok().kind == kindStr:
		s.Values = []sql.Expr{&sql.Const{Loc: at, Kind: sql.StrConst, Val: p.str()}}
	default:
		s.Values = []sql.Expr{&sql.Const{Loc: at, Kind: sql.StrConst, Val: p.name()}}
	}
}

func (p *parser) settingName() string {
	if p.tok().kind == kindStr {
		return foldName(p.stringName())
	}
	n := ""
	if p.is(kwAll) {
		n = p.label() // SHOW ALL, RESET ALL
	} else {
		n = p.name()
	}
	for p.acceptC('.') {
		n += "." + p.label()
	}
	return n
}

func (p *parser) settingValues(s *sql.SetVar) {
	if p.accept(kwDefault) {
		s.Default = true
		return
	}
	for {
		s.Values = append(s.Values, p.settingValue())
		if !p.acceptC(',') {
			return
		}
	}
}

// settingValue reads one value: a literal, a parameter, or a word, which is a string.
func (p *parser) settingValue() sql.Expr {
	t := p.tok()
	at := p.loc()
	switch t.kind {
	case kindStr, kindNum, kindOp, kindParam, kindBits:
		start := p.i
		x := p.binary(bpUnary)
		inner := x
		if u, ok := x.(*sql.Unary); ok && (u.Op == "-" || u.Op == "+") {
			inner = u.X
		}
		switch inner.(type) {
		case *sql.Const, *sql.ParamRef:
			return x
		}
		p.unexpectedAt(&p.toks[start+1]) // a literal is all that may stand here
	case kindIdent:
		if t.kw == kwTrue || t.kw == kwFalse {
			return p.word(t)
		}
		if t.kw == kwInterval && p.literalAhead() {
			return p.typedLiteral()
		}
		if reserved[t.kw] && t.kw != kwOn {
			p.unexpected()
		}
		return &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.label()}
	case kindQIdent:
		return &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.label()}
	}
	p.unexpected()
	return nil
}

// reset reads RESET.
func (p *parser) reset() sql.Statement { return &sql.ResetVar{Name: p.showName()} }

// unset reads ksqlDB's UNSET.
func (p *parser) unset() sql.Statement {
	return &sql.Unset{Name: p.settingName()}
}

// showName reads the name of a setting in SHOW and RESET, with its special spellings.
func (p *parser) showName() string {
	switch p.oneOf("transaction isolation level", "time zone", "session authorization") {
	case 0:
		return "transaction_isolation"
	case 1:
		return "timezone"
	case 2:
		return "session_authorization"
	}
	return p.settingName()
}

func (p *parser) defineVariable() sql.Statement {
	s := &sql.Define{Name: foldName(p.label())}
	p.expectOp("=")
	s.Value = p.str()
	p.define(s.Name, s.Value, true)
	return s
}

func (p *parser) undefine() sql.Statement {
	s := &sql.Undefine{Name: foldName(p.label())}
	p.define(s.Name, "", false)
	return s
}

func (p *parser) discard() sql.Statement {
	s := &sql.Discard{}
	switch p.oneOf("all", "plans", "sequences", "temp", "temporary") {
	case 0:
	case 1:
		s.What = sql.DiscardPlans
	case 2:
		s.What = sql.DiscardSequences
	case 3, 4:
		s.What = sql.DiscardTemp
	default:
		p.unexpected()
	}
	return s
}

func (p *parser) prepare() sql.Statement {
	if p.wordAt(0, "transaction") && p.peek(1).kind == kindStr {
		p.unsupported(p.loc(), "PREPARE TRANSACTION", "Use BEGIN and COMMIT.")
	}
	s := &sql.Prepare{Name: p.name()}
	if p.acceptC('(') {
		for {
			s.Types = append(s.Types, p.typeName())
			if !p.acceptC(',') {
				break
			}
		}
		p.expectC(')')
	}
	p.expect(kwAs)
	s.Stmt = p.statement()
	return s
}

func (p *parser) execute() sql.Statement {
	s := &sql.Execute{Name: p.name()}
	if p.acceptC('(') {
		if !p.isC(')') {
			s.Args = p.exprs()
		}
		p.expectC(')')
	}
	return s
}

func (p *parser) deallocate() sql.Statement {
	p.accept(kwPrepare)
	if p.accept(kwAll) {
		return &sql.Deallocate{All: true}
	}
	return &sql.Deallocate{Name: p.name()}
}

func (p *parser) declare() sql.Statement {
	s := &sql.DeclareCursor{Name: p.name()}
	for {
		switch p.oneOf("binary", "insensitive", "asensitive", "no scroll", "scroll") {
		case 0:
			s.Binary = true
		case 1:
			s.Insensitive = true
		case 2:
			s.Asensitive = true
		case 3:
			s.NoScroll = true
		case 4:
			s.Scroll = true
		default:
			p.need("cursor")
			s.Hold = p.oneOf("without hold", "with hold") == 1
			p.expect(kwFor)
			s.Query = p.query()
			return s
		}
	}
}

// fetchCursor reads FETCH.
func (p *parser) fetchCursor() sql.Statement {
	s := &sql.Fetch{CursorMove: p.cursorMove()}
	s.Options = p.optionalWith()
	return s
}

// move reads MOVE.
func (p *parser) move() sql.Statement { return &sql.Move{CursorMove: p.cursorMove()} }

func (p *parser) cursorMove() (m sql.CursorMove) {
	m.Count = 1
	// A cursor may be called next or all: the word is a direction only if more follows.
	more := func(n int) bool { k := p.peek(n).kind; return k != kindEOF && !p.peek(n).isPunct(';') }
	if more(1) && !p.isWith(1) || p.tok().kind == kindNum {
		p.fetchDirection(&m)
	}
	if !p.accept(kwFrom) {
		p.accept(kwIn)
	}
	m.Cursor = p.name()
	return m
}

func (p *parser) isWith(n int) bool {
	return p.peek(n).kw == kwWith && p.peek(n+1).isPunct('(')
}

// fetchDirection reads how far and which way FETCH goes.
func (p *parser) fetchDirection(m *sql.CursorMove) {
	switch p.oneOf("next", "prior", "first", "last", "absolute", "relative", "forward all",
		"backward all", "all", "forward", "backward") {
	case 0:
	case 1:
		m.Dir = sql.FetchBackward
	case 2:
		m.Dir = sql.FetchAbsolute
	case 3:
		m.Dir, m.Count = sql.FetchAbsolute, -1
	case 4:
		m.Dir, m.Count = sql.FetchAbsolute, p.integer()
	case 5:
		m.Dir, m.Count = sql.FetchRelative, p.integer()
	case 6, 8:
		m.All = true
	case 7:
		m.Dir, m.All = sql.FetchBackward, true
	case 9:
		p.fetchCount(m)
	case 10:
		m.Dir = sql.FetchBackward
		p.fetchCount(m)
	default:
		p.fetchCount(m)
	}
}

func (p *parser) fetchCount(m *sql.CursorMove) {
	if p.tok().kind == kindNum || p.isOp("-") || p.isOp("+") {
		m.Count = p.integer()
	}
}

func (p *parser) closeCursor() sql.Statement {
	if p.accept(kwAll) {
		return &sql.CloseCursor{All: true}
	}
	return &sql.CloseCursor{Name: p.name()}
}

func (p *parser) listen() sql.Statement { return &sql.Listen{Channel: p.name()} }

func (p *parser) unlisten() sql.Statement {
	if p.acceptOp("*") {
		return &sql.Unlisten{}
	}
	return &sql.Unlisten{Channel: p.name()}
}

func (p *parser) notify() sql.Statement {
	s := &sql.Notify{Channel: p.name()}
	if p.acceptC(',') {
		s.Payload = p.str()
	}
	return s
}

// lock reads LOCK TABLE.
func (p *parser) lock() sql.Statement {
	p.accept(kwTable)
	p.accept(kwOnly)
	s := &sql.Lock{Names: p.nameList()}
	if p.accept(kwIn) {
		modes := []string{"access share", "row share", "row exclusive", "share update exclusive",
			"share row exclusive", "share", "access exclusive", "exclusive"}
		i := p.oneOf(modes...)
		if i < 0 {
			p.fail(p.loc(), sqlerr.SyntaxError, "syntax error at or near \"%s\"", p.text(p.tok()))
		}
		s.Mode = strings.ToUpper(modes[i])
		p.need("mode")
	}
	s.NoWait = p.words("nowait")
	return s
}
