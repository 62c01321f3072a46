package parse

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql"
)

// Binding powers: PostgreSQL's table of operator precedence, from loosest to tightest
// (https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-PRECEDENCE).
const (
	bpOr = iota + 1
	bpAnd
	bpNot
	bpIs
	bpCmp
	bpIn // BETWEEN IN LIKE ILIKE SIMILAR OVERLAPS
	bpOp // every other operator
	bpAdd
	bpMul
	bpPow
	bpAt
	bpCollate
	bpUnary
)

// expr reads a whole expression, PostgreSQL's a_expr.
func (p *parser) expr() sql.Expr {
	restricted := p.restricted
	p.restricted = false
	x := p.binary(bpOr)
	p.restricted = restricted
	return x
}

// restrictedExpr reads PostgreSQL's b_expr, which stands where AND, IN or COLLATE have another
// meaning: arithmetic, comparisons and other operators, but none of the operators that are
// words except IS DISTINCT FROM.
func (p *parser) restrictedExpr() sql.Expr {
	restricted := p.restricted
	p.restricted = true
	x := p.binary(bpIs)
	p.restricted = restricted
	return x
}

// binary reads an expression of operators that bind at least as tightly as power.
func (p *parser) binary(power int) sql.Expr {
	p.enter()
	outer := p.height
	p.height = 0
	x := p.unary()
	height := p.height + 1
	for {
		p.height = 0
		y := p.infix(x, power)
		if y == nil {
			break
		}
		x = y
		height = max(height, p.height) + 1
		p.grow(height)
	}
	p.height = max(outer, height)
	p.depth--
	return x
}

// infix reads one operator with its right side; nil: none that binds tightly enough follows.
func (p *parser) infix(x sql.Expr, power int) sql.Expr {
	t := p.tok()
	switch t.kind {
	case kindOp:
		bp := operatorPower(t, p.src)
		if bp == 0 && p.isOp("::") {
			return p.cast(x) // x ends in a word or bracket: a IS NULL::text casts all of it
		}
		if bp == 0 || bp < power {
			return nil
		}
		at := p.loc()
		p.i++
		return p.operator(at, x, "", p.src[t.start:t.end], bp)
	case kindIdent:
		if t.kw != kwNone {
			return p.wordOperator(x, power)
		}
	}
	return nil
}

// mustNotChain refuses a second operator of a level that does not associate, as in a < b < c.
// It is for operators that end in an operand: a IN (b) IS NULL has only one reading.
func (p *parser) mustNotChain(bp int) {
	t := p.tok()
	switch bp {
	case bpCmp:
		if t.kind == kindOp && operatorPower(t, p.src) == bpCmp {
			p.unexpected()
		}
	case bpIs:
		if t.kw == kwIs || t.kw == kwIsnull || t.kw == kwNotnull {
			p.unexpected()
		}
	case bpIn:
		if isPredicate(t.kw) || t.kw == kwNot && isPredicate(p.peek(1).kw) {
			p.unexpected()
		}
	}
}

// operatorPower returns the level of an operator; 0 if it is none between two operands.
func operatorPower(t *token, src string) int {
	switch t.c {
	case '=', '<', '>':
		return bpCmp
	case '+', '-':
		return bpAdd
	case '*', '/', '%':
		return bpMul
	case '^':
		return bpPow
	case 0:
		switch src[t.start:t.end] {
		case "<=", ">=", "<>", "!=":
			return bpCmp
		case "::", ":=", "=>":
			return 0
		}
	}
	return bpOp
}

// operator reads the right side of op.
func (p *parser) operator(at sql.Loc, x sql.Expr, schema, op string, bp int) sql.Expr {
	if op == "!=" {
		op = "<>"
	}
	b := &sql.Binary{Loc: at, Schema: schema, Op: op, L: x}
	if (p.is(kwAny) || p.is(kwSome) || p.is(kwAll)) && !p.restricted {
		b.Quant, b.R = p.quantified()
		return b
	}
	b.R = p.binary(bp + 1)
	if bp == bpCmp {
		p.mustNotChain(bpCmp)
	}
	return b
}

func (p *parser) quantifierAhead() bool {
	return (p.is(kwAny) || p.is(kwSome) || p.is(kwAll)) && p.peek(1).isPunct('(')
}

// quantified reads ANY (...), SOME (...) or ALL (...).
func (p *parser) quantified() (sql.Quantifier, sql.Expr) {
	q := sql.AnyQuant
	if p.is(kwAll) {
		q = sql.AllQuant
	}
	p.i++
	if p.queryBracket(p.i) {
		at := p.loc()
		return q, &sql.Subquery{Loc: at, Kind: sql.ScalarSubquery, Q: p.parenQuery()}
	}
	p.expectC('(')
	x := p.expr()
	p.expectC(')')
	return q, x
}

func isPredicate(k keyword) bool {
	switch k {
	case kwBetween, kwIn, kwLike, kwIlike, kwSimilar:
		return true
	}
	return false
}

// wordOperator reads operators spelled as words; nil: none applies at this level.
func (p *parser) wordOperator(x sql.Expr, power int) sql.Expr {
	at := p.loc()
	k := p.tok().kw
	switch k {
	case kwOperator:
		if bpOp < power || !p.peek(1).isPunct('(') {
			return nil
		}
		schema, op := p.operatorName()
		return p.operator(at, x, schema, op, bpOp)
	case kwIs, kwIsnull, kwNotnull:
		if bpIs < power || p.restricted && !p.isDistinctAhead() {
			return nil
		}
		p.i++
		return p.test(at, x, k)
	}
	if p.restricted {
		return nil
	}
	switch k {
	case kwOr, kwAnd:
		bp := bpOr
		if k == kwAnd {
			bp = bpAnd
		}
		if bp < power {
			return nil
		}
		p.i++
		return &sql.Binary{Loc: at, Op: logicalOp(k), L: x, R: p.binary(bp + 1)}
	case kwAt:
		if bpAt < power || p.peek(1).kw != kwTime {
			return nil
		}
		p.i += 2
		p.expect(kwZone)
		return &sql.AtTZ{Loc: at, X: x, Zone: p.binary(bpAt + 1)}
	case kwCollate:
		if bpCollate < power {
			return nil
		}
		p.i++
		return &sql.Collate{Loc: at, X: x, Name: p.qname()}
	case kwOverlaps:
		if bpIn < power {
			return nil
		}
		l := p.overlapsRow(x, "left")
		p.i++
		r := p.overlapsRow(p.binary(bpIn+1), "right")
		return &sql.Call{Loc: at, Name: sql.Name{"overlaps"}, Args: slices.Concat(l, r)}
	}
	if bpIn < power || !isPredicate(k) && !(k == kwNot && isPredicate(p.peek(1).kw)) ||
		k == kwSimilar && p.peek(1).kw != kwTo { // SUBSTRING(a SIMILAR b ESCAPE c)
		return nil
	}
	return p.predicate(at, x, p.accept(kwNot))
}

// isDistinctAhead reports whether IS [NOT] DISTINCT is at the cursor.
func (p *parser) isDistinctAhead() bool {
	return p.is(kwIs) && (p.peek(1).kw == kwDistinct ||
		p.peek(1).kw == kwNot && p.peek(2).kw == kwDistinct)
}

func logicalOp(k keyword) string {
	if k == kwAnd {
		return "AND"
	}
	return "OR"
}

// overlapsRow gives the two values on one side of (a, b) OVERLAPS (c, d), which is a call of
// a function with four arguments.
func (p *parser) overlapsRow(x sql.Expr, side string) []sql.Expr {
	r, ok := x.(*sql.Row)
	if !ok {
		p.unexpected()
	}
	if len(r.Elems) != 2 {
		p.fail(r.Loc, "42601", "wrong number of parameters on %s side of OVERLAPS expression", side)
	}
	return r.Elems
}

// test reads what follows IS.
func (p *parser) test(at sql.Loc, x sql.Expr, k keyword) sql.Expr {
	if k != kwIs {
		return &sql.Test{Loc: at, X: x, What: sql.TestNull, Not: k == kwNotnull}
	}
	t := &sql.Test{Loc: at, X: x, Not: p.accept(kwNot)}
	switch {
	case p.accept(kwNull):
		t.What = sql.TestNull
	case p.accept(kwTrue):
		t.What = sql.TestTrue
	case p.accept(kwFalse):
		t.What = sql.TestFalse
	case p.accept(kwUnknown):
		t.What = sql.TestUnknown
	case p.accept(kwDistinct):
		p.expect(kwFrom)
		op := "IS DISTINCT FROM"
		if t.Not {
			op = "IS NOT DISTINCT FROM"
		}
		b := &sql.Binary{Loc: at, Op: op, L: x, R: p.binary(bpIs + 1)}
		p.mustNotChain(bpIs)
		return b
	case p.wordAt(0, "document"):
		p.unsupported(at, "XML", "Store documents as text or jsonb.")
	default:
		return p.normalizedTest(at, x, t.Not)
	}
	return t
}

// normalizedTest reads IS [NOT] [form] NORMALIZED: a call of is_normalized.
func (p *parser) normalizedTest(at sql.Loc, x sql.Expr, not bool) sql.Expr {
	c := &sql.Call{Loc: at, Name: sql.Name{"is_normalized"}, Args: []sql.Expr{x}}
	if t := p.tok(); t.kind == kindIdent && p.peek(1).kw == kwNormalized {
		form := strings.ToUpper(p.label())
		c.Args = append(c.Args, &sql.Const{Loc: p.loc(), Kind: sql.StrConst, Val: form})
	}
	p.expect(kwNormalized)
	if not {
		return &sql.Unary{Loc: at, Op: "NOT", X: c}
	}
	return c
}

// operatorName reads OPERATOR(schema.op).
func (p *parser) operatorName() (schema, op string) {
	p.i++
	p.expectC('(')
	for p.tok().kind != kindOp {
		if schema != "" {
			p.unexpected()
		}
		schema = p.label()
		p.expectC('.')
	}
	op = p.text(p.tok())
	if op == "::" || op == ":=" || op == "=>" {
		p.unexpected()
	}
	p.i++
	p.expectC(')')
	return schema, op
}

// predicate reads BETWEEN, IN, LIKE, ILIKE or SIMILAR TO.
func (p *parser) predicate(at sql.Loc, x sql.Expr, not bool) sql.Expr {
	k := p.tok().kw
	p.i++
	switch k {
	case kwBetween:
		b := &sql.Between{Loc: at, X: x, Not: not}
		if !p.accept(kwAsymmetric) {
			b.Sym = p.accept(kwSymmetric)
		}
		b.Lo = p.restrictedExpr()
		p.expect(kwAnd)
		b.Hi = p.binary(bpOp)
		p.mustNotChain(bpIn)
		return b
	case kwIn:
		in := &sql.In{Loc: at, X: x, Not: not}
		if p.queryBracket(p.i) {
			in.Q = p.parenQuery()
			return in
		}
		p.expectC('(')
		in.List = p.exprs()
		p.expectC(')')
		return in
	}
	l := &sql.Like{Loc: at, Op: likeKind(k), X: x, Not: not}
	if k == kwSimilar {
		p.expect(kwTo)
	}
	if p.quantifierAhead() {
		l.Quant, l.P = p.quantified()
		return l
	}
	l.P = p.binary(bpOp)
	if p.accept(kwEscape) {
		l.Esc = p.binary(bpOp)
	}
	p.mustNotChain(bpIn)
	return l
}

func likeKind(k keyword) sql.LikeKind {
	switch k {
	case kwIlike:
		return sql.ILikeOp
	case kwSimilar:
		return sql.SimilarOp
	}
	return sql.LikeOp
}

// unary reads prefix operators and what they apply to.
func (p *parser) unary() sql.Expr {
	t := p.tok()
	switch {
	case t.kw == kwNot && !p.restricted:
		at := p.loc()
		p.i++
		return &sql.Unary{Loc: at, Op: "NOT", X: p.binary(bpNot)}
	case t.kind == kindOp:
		return p.prefix(t)
	case t.kw == kwOperator && p.peek(1).isPunct('('):
		at := p.loc()
		schema, op := p.operatorName()
		return &sql.Unary{Loc: at, Schema: schema, Op: op, X: p.binary(bpOp + 1)}
	}
	return p.postfix(p.primary())
}

func (p *parser) prefix(t *token) sql.Expr {
	at := p.loc()
	if t.c == '-' || t.c == '+' {
		p.i++
		x := p.binary(bpUnary)
		if c, ok := x.(*sql.Const); ok && t.c == '-' && c.Kind == sql.NumConst && c.Val[0] != '-' {
			return &sql.Const{Loc: at, Kind: sql.NumConst, Val: "-" + c.Val}
		}
		return &sql.Unary{Loc: at, Op: p.text(t), X: x}
	}
	if operatorPower(t, p.src) != bpOp {
		p.unexpected()
	}
	p.i++
	return &sql.Unary{Loc: at, Op: p.text(t), X: p.binary(bpOp + 1)}
}

// postfix reads subscripts, fields and casts after x.
func (p *parser) postfix(x sql.Expr) sql.Expr {
	for n := 1; ; n++ {
		t := p.tok()
		switch {
		case t.kind == kindPunct && t.c == '[':
			x = p.subscript(x)
		case t.kind == kindPunct && t.c == '.':
			at := p.loc()
			p.i++
			f := &sql.Field{Loc: at, X: x}
			if f.Star = p.acceptOp("*"); !f.Star {
				f.Name = p.label()
			}
			x = f
		case t.kind != kindOp:
			return x
		case t.end-t.start == 2 && p.isOp("::"):
			x = p.cast(x)
		case t.end-t.start == 2 && p.isOp("->") && p.fieldFollows():
			at := p.loc()
			p.i++
			x = &sql.Field{Loc: at, X: x, Name: p.label(), Arrow: true}
		case t.end-t.start == 3 && p.isOp("->*"):
			at := p.loc()
			p.i++
			x = &sql.Field{Loc: at, X: x, Star: true, Arrow: true}
		default:
			return x
		}
		p.height++
		p.grow(max(n, p.height))
	}
}

func (p *parser) cast(x sql.Expr) sql.Expr {
	at := p.loc()
	p.i++
	return &sql.Cast{Loc: at, X: x, Type: p.typeName()}
}

func (p *parser) subscript(x sql.Expr) sql.Expr {
	ix := &sql.Index{Loc: p.loc(), X: x}
	if _, ok := x.(*sql.Index); ok {
		ix.Alone = p.toks[p.i-1].isPunct(')')
	}
	p.i++
	if !p.isC(':') {
		ix.Lo = p.expr()
	}
	if p.acceptC(':') {
		ix.Slice = true
		if !p.isC(']') {
			ix.Hi = p.expr()
		}
	}
	p.expectC(']')
	return ix
}

// fieldFollows tells ksqlDB's "-> name" from PostgreSQL's json operator "-> value".
func (p *parser) fieldFollows() bool {
	t := p.peek(1)
	if t.kind != kindQIdent && (t.kind != kindIdent || t.kw != kwNone && reserved[t.kw]) {
		return false
	}
	return !p.peek(2).isPunct('(') && p.peek(2).kind != kindStr
}

func (p *parser) exprs() []sql.Expr {
	xs := make([]sql.Expr, 0, 2)
	for {
		xs = append(xs, p.expr())
		if !p.acceptC(',') {
			return xs
		}
	}
}

// queryBracket reports whether the token at index i opens a bracketed query, not a bracketed
// expression that only begins with one: (SELECT 1) and ((SELECT 1) UNION SELECT 2), but not
// ((SELECT 1) + 1) or ((SELECT 1), 2).
func (p *parser) queryBracket(i int) bool {
	if i >= len(p.toks) || !p.toks[i].isPunct('(') {
		return false
	}
	inner := i
	for p.toks[inner+1].isPunct('(') {
		inner++
	}
	if !p.startsQuery(inner + 1) {
		return false
	}
	for ; inner > i; inner-- { // what follows each inner bracket must continue a query
		if m := p.toks[inner].match; m == 0 || !p.continuesQuery(int(m)+1) {
			return false
		}
	}
	return true
}

// startsQuery reports whether a query without a bracket starts at token i.
func (p *parser) startsQuery(i int) bool {
	switch p.toks[i].kw {
	case kwSelect, kwValues, kwWith:
		return true
	case kwTable:
		return p.toks[i+1].isName() || p.toks[i+1].kw == kwOnly
	}
	return false
}

// continuesQuery reports whether token i can follow a bracketed query that is an operand of
// the query around it.
func (p *parser) continuesQuery(i int) bool {
	t := &p.toks[i]
	switch t.kw {
	case kwUnion, kwExcept, kwIntersect, kwOrder, kwLimit, kwOffset, kwFetch, kwFor, kwEmit:
		return true
	}
	return t.isPunct(')')
}

func (p *parser) parenQuery() *sql.Query {
	p.expectC('(')
	q := p.query()
	p.expectC(')')
	return q
}
