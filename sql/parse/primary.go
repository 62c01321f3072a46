package parse

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// primary reads an operand.
func (p *parser) primary() sql.Expr {
	t := p.tok()
	switch t.kind {
	case kindNum:
		c := &sql.Const{Loc: p.loc(), Kind: sql.NumConst, Val: p.text(t)}
		p.i++
		return c
	case kindStr:
		at, c := p.loc(), p.src[t.start]|0x20
		s := &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.str()}
		if c == 'n' { // N'...' is NCHAR '...'
			return &sql.TypedLit{Loc: at, Type: &sql.TypeName{Loc: at, Name: sql.Name{"bpchar"}},
				Val: s.Val, At: at}
		}
		return s
	case kindBits:
		c := &sql.Const{Loc: p.loc(), Kind: sql.BitConst, Val: p.bits(t)}
		p.i++
		return c
	case kindParam:
		return p.param(t)
	case kindPunct:
		if t.c == '(' {
			return p.bracket()
		}
	case kindQIdent:
		if p.literalAhead() {
			return p.typedLiteral()
		}
		return p.columnOrCall()
	case kindIdent:
		if t.kw == kwNone {
			if p.literalAhead() {
				return p.typedLiteral()
			}
			p.refuseCall(t)
			return p.columnOrCall()
		}
		return p.word(t)
	}
	p.unexpected()
	return nil
}

// bits returns a bit string as B'...' or X'...' with the letter in upper case.
func (p *parser) bits(t *token) string {
	s := p.text(t)
	v := plainString(s[1:])
	base, what := 2, "binary"
	if s[0]|0x20 == 'x' {
		base, what = 16, "hexadecimal"
	}
	for i := 0; i < len(v); i++ {
		if d := hexDigit(v[i]); d < 0 || d >= base {
			p.fail(p.locOf(t), sqlerr.InvalidTextRepresentation, "\"%s\" is not a valid %s digit",
				string([]rune(v[i:])[0]), what)
		}
	}
	return string(s[0]&^0x20) + "'" + v + "'"
}

// maxParam is the highest parameter number: the protocol counts them in 16 bits.
const maxParam = 65535

func (p *parser) param(t *token) sql.Expr {
	n, err := strconv.Atoi(p.text(t)[1:])
	if err != nil || n < 1 || n > maxParam {
		p.fail(p.locOf(t), sqlerr.UndefinedParameter, "there is no parameter %s", p.text(t))
	}
	x := &sql.ParamRef{Loc: p.locOf(t), N: n}
	p.i++
	return x
}

// bracket reads (query), (expression) or (row, of, expressions).
func (p *parser) bracket() sql.Expr {
	at := p.loc()
	if p.queryBracket(p.i) {
		return &sql.Subquery{Loc: at, Kind: sql.ScalarSubquery, Q: p.parenQuery()}
	}
	p.i++
	xs := p.exprs()
	p.expectC(')')
	if len(xs) == 1 {
		return xs[0]
	}
	return &sql.Row{Loc: at, Elems: xs}
}

// word reads an operand that begins with a keyword.
//
//tidy:long one case per keyword
func (p *parser) word(t *token) sql.Expr {
	at := p.loc()
	next := p.peek(1)
	switch t.kw {
	case kwNull:
		p.i++
		return &sql.Const{Loc: at, Kind: sql.NullConst}
	case kwTrue, kwFalse:
		p.i++
		return &sql.Const{Loc: at, Kind: sql.BoolConst, Val: keywordNames[t.kw]}
	case kwDefault:
		p.i++
		return &sql.Default{Loc: at}
	case kwCase:
		return p.caseExpr()
	case kwExists:
		if p.queryBracket(p.i + 1) {
			p.i++
			return &sql.Subquery{Loc: at, Kind: sql.ExistsSubquery, Q: p.parenQuery()}
		}
		if next.isPunct('(') {
			p.i += 2
			p.unexpected()
		}
	case kwArray:
		p.i++
		if p.isC('[') {
			return p.arrayLiteral(at)
		}
		if p.queryBracket(p.i) {
			return &sql.Subquery{Loc: at, Kind: sql.ArraySubquery, Q: p.parenQuery()}
		}
		p.unexpected()
	case kwCurrentDate, kwCurrentTime, kwCurrentTimestamp, kwLocaltime, kwLocaltimestamp,
		kwCurrentUser, kwCurrentRole, kwSessionUser, kwUser, kwCurrentCatalog, kwCurrentSchema:
		return p.systemValue(t)
	}
	if t.kw == kwCollation && next.kw == kwFor { // COLLATION FOR (x)
		p.i += 2
		p.expectC('(')
		c := &sql.Call{Loc: at, Name: sql.Name{"pg_collation_for"}, Args: []sql.Expr{p.expr()}}
		p.expectC(')')
		return c
	}
	if next.isPunct('(') {
		p.refuseCall(t)
		if x := p.keywordCall(t); x != nil {
			return x
		}
	}
	if p.literalAhead() {
		return p.typedLiteral()
	}
	if t.kw == kwCast {
		p.unexpectedAt(next)
	}
	if reserved[t.kw] {
		p.unexpected()
	}
	if funcNameOnly[t.kw] && !next.isPunct('(') { // it could have been a function
		p.unexpectedAt(next)
	}
	return p.columnOrCall()
}

// systemValue reads CURRENT_DATE and its like.
func (p *parser) systemValue(t *token) sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{keywordNames[t.kw]}, Bare: true}
	p.i++
	if !p.isC('(') {
		return c
	}
	switch t.kw {
	case kwCurrentSchema, kwCurrentTime, kwCurrentTimestamp, kwLocaltime, kwLocaltimestamp:
	default:
		p.unexpected()
	}
	p.i++
	c.Bare = false
	if !p.isC(')') {
		c.Args = p.exprs()
	}
	p.expectC(')')
	return c
}

// keywordCall reads calls with a grammar of their own; nil: t is an ordinary function.
func (p *parser) keywordCall(t *token) sql.Expr {
	switch t.kw {
	case kwCast, kwTreat:
		at := p.loc()
		p.i += 2
		x := p.expr()
		p.expect(kwAs)
		ty := p.typeName()
		p.expectC(')')
		return &sql.Cast{Loc: at, X: x, Type: ty}
	case kwRow:
		r := &sql.Row{Loc: p.loc()}
		p.i += 2
		if !p.isC(')') {
			r.Elems = p.exprs()
		}
		p.expectC(')')
		return r
	case kwStruct:
		return p.structLiteral()
	case kwMap:
		return p.mapLiteral()
	case kwExtract:
		return p.extract()
	case kwPosition:
		return p.position()
	case kwTrim:
		return p.trim()
	case kwSubstring, kwOverlay:
		return p.fromFor(t)
	case kwNormalize:
		return p.normalize()
	}
	return nil
}

func (p *parser) structLiteral() sql.Expr {
	s := &sql.StructLit{Loc: p.loc()}
	p.i += 2
	if !p.isC(')') {
		for {
			s.Names = append(s.Names, p.label())
			p.expectOp(":=")
			s.Vals = append(s.Vals, p.expr())
			if !p.acceptC(',') {
				break
			}
		}
	}
	p.expectC(')')
	return s
}

func (p *parser) mapLiteral() sql.Expr {
	m := &sql.MapLit{Loc: p.loc()}
	p.i += 2
	if !p.isC(')') {
		for {
			m.Keys = append(m.Keys, p.expr())
			p.expectOp(":=")
			m.Vals = append(m.Vals, p.expr())
			if !p.acceptC(',') {
				break
			}
		}
	}
	p.expectC(')')
	return m
}

// extract reads EXTRACT(field FROM x) as extract('field', x).
func (p *parser) extract() sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{"extract"}}
	p.i += 2
	at := p.loc()
	field := ""
	if p.tok().kind == kindStr {
		field = p.str()
	} else {
		field = p.name()
	}
	p.expect(kwFrom)
	c.Args = []sql.Expr{&sql.Const{Loc: at, Kind: sql.StrConst, Val: field}, p.expr()}
	p.expectC(')')
	return c
}

// position reads POSITION(a IN b) as position(b, a), as PostgreSQL does; the form with a
// comma is a plain call.
func (p *parser) position() sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{"position"}}
	p.i += 2
	a := p.restrictedExpr()
	if p.acceptC(',') {
		c.Args = []sql.Expr{a, p.expr()}
		p.expectC(')')
		return c
	}
	p.expect(kwIn)
	c.Args = []sql.Expr{p.restrictedExpr(), a}
	p.expectC(')')
	return c
}

// trim reads TRIM(BOTH x FROM y) as btrim(y, x), and so on.
func (p *parser) trim() sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{"btrim"}}
	p.i += 2
	switch {
	case p.accept(kwLeading):
		c.Name[0] = "ltrim"
	case p.accept(kwTrailing):
		c.Name[0] = "rtrim"
	default:
		p.accept(kwBoth)
	}
	if !p.is(kwFrom) {
		c.Args = p.exprs()
	}
	if p.is(kwFrom) {
		if len(c.Args) > 1 {
			p.unexpected()
		}
		p.i++
		c.Args = append(p.exprs(), c.Args...)
	}
	p.expectC(')')
	return c
}

// fromFor reads SUBSTRING(a FROM b FOR c), SUBSTRING(a SIMILAR b ESCAPE c) and
// OVERLAY(a PLACING b FROM c FOR d).
func (p *parser) fromFor(t *token) sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{keywordNames[t.kw]}}
	p.i += 2
	if p.acceptC(')') {
		return c
	}
	c.Args = append(c.Args, p.expr())
	switch {
	case p.acceptC(','):
		c.Args = append(c.Args, p.exprs()...)
	case p.accept(kwPlacing):
		c.Args = append(c.Args, p.expr())
		p.expect(kwFrom)
		c.Args = append(c.Args, p.expr())
		if p.accept(kwFor) {
			c.Args = append(c.Args, p.expr())
		}
	case p.accept(kwSimilar):
		c.Args = append(c.Args, p.expr())
		p.expect(kwEscape)
		c.Args = append(c.Args, p.expr())
	case p.accept(kwFor):
		length := p.expr()
		at := length.Pos()
		if p.accept(kwFrom) {
			c.Args = append(c.Args, p.expr(), length)
			break
		}
		one := &sql.Const{Loc: sql.Loc(at), Kind: sql.NumConst, Val: "1"}
		c.Args = append(c.Args, one, &sql.Cast{Loc: sql.Loc(at), X: length,
			Type: &sql.TypeName{Loc: sql.Loc(at), Name: sql.Name{"int4"}}})
	case p.accept(kwFrom):
		c.Args = append(c.Args, p.expr())
		if p.accept(kwFor) {
			c.Args = append(c.Args, p.expr())
		}
	}
	p.expectC(')')
	return c
}

// normalize reads NORMALIZE(x [, form]), whose form is a word.
func (p *parser) normalize() sql.Expr {
	c := &sql.Call{Loc: p.loc(), Name: sql.Name{"normalize"}}
	p.i += 2
	c.Args = append(c.Args, p.expr())
	if p.acceptC(',') {
		if t := p.tok(); t.kind == kindIdent && p.peek(1).isPunct(')') {
			at := p.loc()
			c.Args = append(c.Args, &sql.Const{Loc: at, Kind: sql.StrConst,
				Val: strings.ToUpper(p.text(t))})
			p.i++
		} else {
			c.Args = append(c.Args, p.expr())
		}
	}
	p.expectC(')')
	return c
}

// arrayLiteral reads what follows ARRAY; nested lists may leave the word out.
func (p *parser) arrayLiteral(at sql.Loc) sql.Expr {
	a := &sql.ArrayLit{Loc: at}
	p.expectC('[')
	if !p.isC(']') {
		nested := p.isC('[')
		for {
			if p.isC('[') != nested { // rows or values, not both
				p.unexpected()
			}
			if nested {
				p.enter()
				a.Elems = append(a.Elems, p.arrayLiteral(p.loc()))
				p.leave()
			} else {
				a.Elems = append(a.Elems, p.expr())
			}
			if !p.acceptC(',') {
				break
			}
		}
	}
	p.expectC(']')
	return a
}

func (p *parser) caseExpr() sql.Expr {
	c := &sql.Case{Loc: p.loc()}
	p.i++
	if !p.is(kwWhen) {
		c.X = p.expr()
	}
	for at := p.loc(); p.accept(kwWhen); at = p.loc() {
		w := sql.When{At: at, Cond: p.expr()}
		p.expect(kwThen)
		w.Then = p.expr()
		c.Whens = append(c.Whens, w)
	}
	if len(c.Whens) == 0 {
		p.unexpected()
	}
	if p.accept(kwElse) {
		c.Else = p.expr()
	}
	p.expect(kwEnd)
	return c
}

func (p *parser) columnOrCall() sql.Expr {
	at := p.loc()
	n := sql.Name{p.label()}
	for p.isC('.') {
		p.i++
		if p.acceptOp("*") {
			return &sql.ColRef{Loc: at, Name: n, Star: true}
		}
		n = append(n, p.label())
	}
	if p.isC('(') {
		return p.call(at, n)
	}
	return &sql.ColRef{Loc: at, Name: n}
}
