package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// topStatement reads one statement of the text, after putting in the values of variables.
func (p *parser) topStatement() sql.Statement {
	if p.vars {
		p.expand()
	}
	p.height = 0
	return p.statement()
}

// statement reads one statement and notes the text it came from.
func (p *parser) statement() sql.Statement {
	p.enter()
	first := p.i
	s := p.dispatch(p.tok())
	start, end := int(p.locOf(&p.toks[first])), p.endOf(&p.toks[p.i-1])
	s.SetRange(start, end)
	p.leave()
	return s
}

// verbs has the function that reads what follows the first word of a statement.
var verbs [kwCount]func(*parser) sql.Statement

func init() {
	for k, f := range map[keyword]func(*parser) sql.Statement{
		kwCreate: (*parser).create, kwDrop: (*parser).drop, kwAlter: (*parser).alter,
		kwInsert: (*parser).insert, kwUpdate: (*parser).update, kwDelete: (*parser).deleteFrom,
		kwMerge:    (*parser).merge,
		kwReassign: (*parser).reassign,
		kwTruncate: (*parser).truncate, kwCopy: (*parser).copyRows,
		kwShow: (*parser).show, kwList: (*parser).show, kwDescribe: (*parser).describe,
		kwDesc: (*parser).describe, kwPrint: (*parser).printStream,
		kwExplain: (*parser).explain, kwTerminate: (*parser).terminate,
		kwPause: (*parser).pause, kwResume: (*parser).resume, kwFlush: (*parser).flush,
		kwSet: (*parser).set, kwReset: (*parser).reset, kwUnset: (*parser).unset,
		kwDefine: (*parser).defineVariable, kwUndefine: (*parser).undefine,
		kwBegin: (*parser).beginTx, kwStart: (*parser).startTx, kwCommit: (*parser).commit,
		kwEnd: (*parser).commit, kwRollback: (*parser).rollback, kwAbort: (*parser).rollback,
		kwSavepoint: (*parser).savepoint, kwRelease: (*parser).releaseSavepoint,
		kwDeclare: (*parser).declare, kwFetch: (*parser).fetchCursor, kwMove: (*parser).move,
		kwClose: (*parser).closeCursor, kwPrepare: (*parser).prepare,
		kwExecute: (*parser).execute, kwDeallocate: (*parser).deallocate,
		kwDiscard: (*parser).discard, kwComment: (*parser).comment,
		kwGrant: (*parser).grant, kwRevoke: (*parser).revoke,
		kwListen: (*parser).listen, kwUnlisten: (*parser).unlisten, kwNotify: (*parser).notify,
		kwLock: (*parser).lock, kwAnalyze: (*parser).analyze, kwAnalyse: (*parser).analyze,
		kwVacuum: (*parser).vacuum, kwReindex: (*parser).reindex,
		kwCheckpoint: (*parser).checkpoint, kwRefresh: (*parser).refresh, kwDo: (*parser).do,
		kwCall: (*parser).callProcedure, kwRun: (*parser).runScript, kwAssert: (*parser).assert,
	} {
		verbs[k] = f
	}
}

func (p *parser) dispatch(t *token) sql.Statement {
	switch t.kw {
	case kwSelect:
		return p.selectStatement()
	case kwValues:
		return &sql.SelectStmt{Query: p.query()}
	case kwTable:
		if !p.startsQuery(p.i) {
			p.i++
			p.unexpected()
		}
		return &sql.SelectStmt{Query: p.query()}
	case kwWith:
		return p.withStatement()
	}
	if t.isPunct('(') {
		return &sql.SelectStmt{Query: p.query()}
	}
	if f := verbs[t.kw]; f != nil && t.kind == kindIdent {
		p.i++
		return f(p)
	}
	if hint, ok := refusedVerbs[t.kw]; ok && p.refusedVerb(t) {
		what := keywordUpper(t.kw)
		switch t.kw {
		case kwImport:
			what = "IMPORT FOREIGN SCHEMA"
		case kwSecurity:
			what = "SECURITY LABEL"
		}
		p.unsupported(p.loc(), what, hint)
	}
	p.shellCommand(t)
	p.unexpected()
	return nil
}

// selectStatement reads a query; with INTO it is CREATE TABLE AS.
func (p *parser) selectStatement() sql.Statement {
	into := &sql.CreateAs{Kind: sql.ObjTable}
	q := p.queryInto(into)
	if into.Name == nil {
		return &sql.SelectStmt{Query: q}
	}
	into.Query = q
	return into
}

// withStatement reads WITH before SELECT, INSERT, UPDATE, DELETE or MERGE.
func (p *parser) withStatement() sql.Statement {
	if k := p.verbAfterWith(); k != kwInsert && k != kwUpdate && k != kwDelete &&
		k != kwMerge {
		return p.selectStatement()
	}
	var w sql.WithClause
	p.i++
	w.Recursive = p.accept(kwRecursive)
	for {
		c, _ := p.cteHead()
		if p.startsQuery(p.i) || p.isC('(') {
			c.Q = p.query()
		} else {
			c.Stmt = p.cteStatement()
		}
		p.expectC(')')
		w.With = append(w.With, c)
		if !p.acceptC(',') {
			break
		}
	}
	switch p.tok().kw {
	case kwInsert, kwUpdate, kwDelete, kwMerge:
	default:
		p.unexpected()
	}
	s := p.statement()
	switch s := s.(type) {
	case *sql.Insert:
		s.WithClause = w
	case *sql.Update:
		s.WithClause = w
	case *sql.Delete:
		s.WithClause = w
	case *sql.Merge:
		s.WithClause = w
	}
	return s
}

// verbAfterWith looks past the WITH list, jumping over brackets.
func (p *parser) verbAfterWith() keyword {
	for i := p.i + 1; i < len(p.toks); i++ {
		t := &p.toks[i]
		switch t.kw {
		case kwSelect, kwValues, kwInsert, kwUpdate, kwDelete, kwMerge, kwTable:
			return t.kw
		}
		if t.isPunct('(') && t.match > 0 {
			i = int(t.match)
		}
	}
	return kwNone
}

// options reads (name = value, name value, name, ...). A word as value is a string.
func (p *parser) options() (list []sql.Option) {
	p.expectC('(')
	if p.acceptC(')') {
		return nil
	}
	for {
		list = append(list, p.option())
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return list
}

func (p *parser) option() sql.Option {
	o := sql.Option{Loc: p.loc()}
	if p.tok().kind == kindStr {
		o.Name = foldName(p.stringName())
	} else {
		o.Name = p.label()
		for p.acceptC('.') {
			o.Name += "." + p.label()
		}
	}
	p.acceptOp("=")
	if t := p.tok(); !t.isPunct(',') && !t.isPunct(')') {
		o.Value = p.optionValue()
	}
	return o
}

// optionValue reads the value of an option: a word is a string, everything else an
// expression. (a, b) and * are allowed for COPY's FORCE_QUOTE.
func (p *parser) optionValue() sql.Expr {
	t := p.tok()
	at := p.loc()
	switch {
	case p.isOp("*"):
		p.i++
		return &sql.ColRef{Loc: at, Star: true}
	case t.kw == kwTrue, t.kw == kwFalse, t.kw == kwNull:
		return p.word(t)
	case t.kind == kindIdent && !p.literalAhead() && t.kw != kwInterval && t.kw != kwArray:
		if n := p.peek(1); n.isPunct(',') || n.isPunct(')') || n.isPunct(';') ||
			n.kind == kindEOF {
			return &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.label()}
		}
	}
	return p.expr()
}

// optionalWith reads [WITH (options)].
func (p *parser) optionalWith() []sql.Option {
	if p.is(kwWith) && p.peek(1).isPunct('(') {
		p.i++
		return p.options()
	}
	return nil
}

func (p *parser) ifExists() bool { return p.words("if", "exists") }

func (p *parser) ifNotExists() bool {
	if !p.words("if", "not") {
		return false
	}
	p.expect(kwExists)
	return true
}

// cascade reads [CASCADE | RESTRICT].
func (p *parser) cascade() bool { return p.oneOf("cascade", "restrict") == 0 }

// roleName reads the name of a role, or one of the words that stand for one.
func (p *parser) roleName() string {
	switch t := p.tok(); t.kw {
	case kwCurrentUser, kwSessionUser, kwCurrentRole:
		p.i++
		return keywordNames[t.kw]
	}
	return p.name()
}

// objectKinds are the phrases for kinds of objects, longest first where one begins another.
var objectKinds = []struct {
	phrase string
	kind   sql.ObjectKind
}{
	{"materialized view", sql.ObjMaterializedView}, {"stream", sql.ObjStream},
	{"table", sql.ObjTable}, {"view", sql.ObjView}, {"index", sql.ObjIndex},
	{"schema", sql.ObjSchema}, {"type", sql.ObjType}, {"domain", sql.ObjDomain},
	{"sequence", sql.ObjSequence}, {"function", sql.ObjFunction},
	{"procedure", sql.ObjProcedure}, {"routine", sql.ObjFunction},
	{"aggregate", sql.ObjAggregate}, {"role", sql.ObjRole}, {"user", sql.ObjRole},
	{"group", sql.ObjRole}, {"database", sql.ObjDatabase}, {"extension", sql.ObjExtension},
	{"column", sql.ObjColumn}, {"constraint", sql.ObjConstraint},
	{"connector", sql.ObjConnector}, {"query", sql.ObjQuery}, {"topic", sql.ObjTopic},
	{"language", sql.ObjLanguage}, {"trigger", sql.ObjTrigger},
	{"publication", sql.ObjPublication}, {"collation", sql.ObjCollation},
	{"tablespace", sql.ObjTablespace},
}

// objectKind reads the words for a kind of object; NoObject: none is at the cursor.
func (p *parser) objectKind() sql.ObjectKind {
	if p.tok().kind != kindIdent {
		return sql.NoObject
	}
	for _, o := range objectKinds {
		if p.oneOf(o.phrase) == 0 {
			return o.kind
		}
	}
	return sql.NoObject
}

// missing gives up with an error about what must be there.
func (p *parser) missing(format string, args ...any) {
	bailAt(sqlerr.New(sqlerr.SyntaxError, format, args...), int(p.loc()))
}
