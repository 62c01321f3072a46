package types

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// pathOp is what a node of a jsonpath is.
type pathOp uint8

const (
	pathRoot pathOp = iota
	pathCurrent
	pathLast
	pathVar
	pathLiteral // text is JSON
	pathKey
	pathAnyKey
	pathAnyArray
	pathIndex2 // args are pairs of bounds; the second may be nil
	pathAny    // lo, hi: levels; pathMaxLevel is last
	pathFilter
	pathMethod
	pathArith // text is the operator, two args
	pathSign  // text is the sign, one arg
	pathAnd
	pathOr
	pathNot
	pathUnknown
	pathCompare
	pathExists
	pathStarts
	pathRegex // text is the pattern
)

const pathMaxLevel = 1<<32 - 1

// pathNode is an item of a jsonpath; next is the accessor that follows it.
type pathNode struct {
	op    pathOp
	text  string
	flags string // of pathRegex, and the template of .datetime()
	// template says that .datetime() has one.
	template bool
	lo, hi   int64
	args     []*pathNode
	next     *pathNode
}

// predicate tells whether a node gives a truth value.
func (n *pathNode) predicate() bool { return n.op >= pathAnd && n.next == nil }

// JSONPathQuery is a parsed jsonpath.
type JSONPathQuery struct {
	strict bool
	expr   *pathNode
}

// pathScanner splits a jsonpath into tokens.
type pathScanner struct {
	s   string
	at  int // after the current token
	tok pathToken
	err error
}

// pathToken is one token: kind is 'i' for a word, 's' a string, 'n' a number, 'v' a
// variable, 'o' an operator, 0 the end.
type pathToken struct {
	kind byte
	text string
	from int
}

const pathSpecials = "?%$.[]{}()|&!=<>@#,*:-+/"

func (p *pathScanner) next() {
	p.skip()
	t := pathToken{from: p.at}
	if p.at >= len(p.s) {
		p.tok = t
		return
	}
	c := p.s[p.at]
	switch {
	case c == '"':
		t.kind, t.text = 's', p.quoted()
	case c == '$' && p.at+1 < len(p.s) && p.s[p.at+1] == '"':
		p.at++
		t.kind, t.text = 'v', p.quoted()
	case c == '$' && p.at+1 < len(p.s) && isPathWord(p.s[p.at+1]):
		p.at++
		t.kind, t.text = 'v', p.word()
	case isDigit(c) || c == '.' && p.at+1 < len(p.s) && isDigit(p.s[p.at+1]):
		t.kind, t.text = 'n', p.number()
	case strings.IndexByte(pathSpecials, c) >= 0:
		t.kind = 'o'
		n := 1
		for _, two := range []string{"&&", "||", "==", "!=", "<>", "<=", ">=", "**"} {
			if strings.HasPrefix(p.s[p.at:], two) {
				n = 2
			}
		}
		t.text = p.s[p.at : p.at+n]
		p.at += n
	default:
		t.kind, t.text = 'i', p.word()
	}
	p.tok = t
}

func (p *pathScanner) skip() {
	for p.at < len(p.s) {
		switch {
		case isSpace(p.s[p.at]):
			p.at++
		case strings.HasPrefix(p.s[p.at:], "/*"):
			end := strings.Index(p.s[p.at:], "*/")
			if end < 0 {
				p.fail("unexpected end of comment")
				p.at = len(p.s)
				return
			}
			p.at += end + 2
		default:
			return
		}
	}
}

func isPathWord(c byte) bool {
	return c > ' ' && c != '"' && c != '\\' && strings.IndexByte(pathSpecials, c) < 0
}

func (p *pathScanner) word() string {
	from := p.at
	for p.at < len(p.s) && isPathWord(p.s[p.at]) {
		p.at++
	}
	if p.at == from { // a character that begins nothing
		p.fail("syntax error")
		p.at++
	}
	return p.s[from:p.at]
}

func (p *pathScanner) number() string {
	from := p.at
	digits := func() {
		for p.at < len(p.s) && isDigit(p.s[p.at]) {
			p.at++
		}
	}
	if p.s[p.at] == '0' && p.at+1 < len(p.s) && isDigit(p.s[p.at+1]) {
		p.fail("trailing junk after numeric literal")
	}
	digits()
	if p.at < len(p.s) && p.s[p.at] == '.' {
		p.at++
		digits()
	}
	if p.at < len(p.s) && p.s[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(p.s) && (p.s[p.at] == '-' || p.s[p.at] == '+') {
			p.at++
		}
		n := p.at
		if digits(); p.at == n {
			p.fail("invalid numeric literal")
		}
	}
	if p.at < len(p.s) && isPathWord(p.s[p.at]) {
		p.fail("trailing junk after numeric literal")
	}
	return p.s[from:p.at]
}

// quoted reads a string; its escapes are JSON's, and \v, \xHH, \u{H} besides.
func (p *pathScanner) quoted() string {
	var b strings.Builder
	for p.at++; p.at < len(p.s); p.at++ {
		c := p.s[p.at]
		if c == '"' {
			p.at++
			return b.String()
		}
		if c != '\\' || p.at+1 >= len(p.s) {
			b.WriteByte(c)
			continue
		}
		p.at++
		switch e := p.s[p.at]; e {
		case 'b', 'f', 'n', 'r', 't', 'v':
			b.WriteByte("\b\f\n\r\t\v"[strings.IndexByte("bfnrtv", e)])
		case 'x', 'u':
			b.WriteRune(p.hexEscape(e))
		default:
			b.WriteByte(e)
		}
	}
	p.fail("unterminated quoted string")
	return ""
}

func (p *pathScanner) hexEscape(kind byte) rune {
	rest := p.s[p.at+1:]
	n := map[byte]int{'x': 2, 'u': 4}[kind]
	digits, used := "", n
	if end := strings.IndexByte(rest, '}'); kind == 'u' && strings.HasPrefix(rest, "{") && end > 0 {
		digits, used = rest[1:end], end+1
	} else if len(rest) >= n {
		digits = rest[:n]
	}
	v, err := strconv.ParseUint(digits, 16, 21)
	if err != nil || v == 0 {
		p.fail("invalid Unicode escape sequence")
		return 0
	}
	p.at += used
	return rune(v)
}

func (p *pathScanner) fail(what string) {
	if p.err == nil {
		near := "at end of jsonpath input"
		if t := p.tok.from; t < len(p.s) && p.tok.kind != 0 {
			near = "at or near \"" + p.s[t:min(max(p.at, t+1), len(p.s))] + "\" of jsonpath input"
		}
		p.err = sqlerr.New(sqlerr.SyntaxError, "%s %s", what, near)
	}
}

func (p *pathScanner) is(text string) bool {
	return (p.tok.kind == 'o' || p.tok.kind == 'i') && p.tok.text == text
}

// isWord tells whether the token is a word, in any case.
func (p *pathScanner) isWord(w string) bool {
	return p.tok.kind == 'i' && strings.EqualFold(p.tok.text, w)
}

func (p *pathScanner) accept(text string) bool {
	if p.is(text) && p.err == nil {
		p.next()
		return true
	}
	return false
}

func (p *pathScanner) acceptWord(w string) bool {
	if p.isWord(w) && p.err == nil {
		p.next()
		return true
	}
	return false
}

func (p *pathScanner) expect(text string) {
	if !p.accept(text) {
		p.fail("syntax error")
	}
}

// ParseJSONPath reads a jsonpath.
func ParseJSONPath(s string) (*JSONPathQuery, error) {
	p := &pathScanner{s: s}
	p.next()
	q := &JSONPathQuery{}
	if p.tok.kind == 0 && p.err == nil {
		return nil, sqlerr.New(sqlerr.InvalidTextRepresentation,
			"invalid input syntax for type %s: \"%s\"", "jsonpath", s)
	}
	if p.acceptWord("strict") {
		q.strict = true
	} else {
		p.acceptWord("lax")
	}
	q.expr = p.or(0)
	if p.tok.kind != 0 {
		p.fail("syntax error")
	}
	if p.err == nil {
		p.err = q.expr.check(0, false)
	}
	return q, p.err
}

// check refuses @ outside filters and last outside subscripts.
func (n *pathNode) check(depth int, inSubscript bool) error {
	for ; n != nil; n = n.next {
		switch {
		case n.op == pathCurrent && depth == 0:
			return sqlerr.New(sqlerr.SyntaxError, "@ is not allowed in root expressions")
		case n.op == pathLast && !inSubscript:
			return sqlerr.New(sqlerr.SyntaxError, "LAST is allowed only in array subscripts")
		}
		inner, sub := depth, inSubscript
		switch n.op {
		case pathFilter:
			inner, sub = depth+1, false
		case pathIndex2:
			sub = true
		}
		for _, a := range n.args {
			if a != nil {
				if err := a.check(inner, sub); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

const maxPathDepth = 200

func (p *pathScanner) or(depth int) *pathNode {
	x := p.and(depth)
	for p.accept("||") {
		x = p.pair(pathOr, x, p.and(depth))
	}
	return x
}

func (p *pathScanner) and(depth int) *pathNode {
	x := p.test(depth)
	for p.accept("&&") {
		x = p.pair(pathAnd, x, p.test(depth))
	}
	return x
}

func (p *pathScanner) pair(op pathOp, x, y *pathNode) *pathNode {
	if !x.predicate() || !y.predicate() {
		p.fail("syntax error")
	}
	return &pathNode{op: op, args: []*pathNode{x, y}}
}

// test reads a comparison, or an expression.
func (p *pathScanner) test(depth int) *pathNode {
	if p.accept("!") {
		x := p.primary(depth + 1)
		if !x.predicate() {
			p.fail("syntax error")
		}
		return &pathNode{op: pathNot, args: []*pathNode{x}}
	}
	x := p.sum(depth)
	if p.isWord("is") && x.predicate() {
		p.next()
		if !p.acceptWord("unknown") {
			p.fail("syntax error")
		}
		return &pathNode{op: pathUnknown, args: []*pathNode{x}}
	}
	if x.predicate() {
		return x
	}
	for _, op := range []string{"==", "!=", "<>", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			if op == "<>" {
				op = "!="
			}
			return &pathNode{op: pathCompare, text: op, args: []*pathNode{x, p.sum(depth)}}
		}
	}
	switch {
	case p.acceptWord("starts"):
		if !p.acceptWord("with") || p.tok.kind != 's' && p.tok.kind != 'v' {
			p.fail("syntax error")
		}
		return &pathNode{op: pathStarts, args: []*pathNode{x, p.primary(depth)}}
	case p.acceptWord("like_regex"):
		return p.regex(x)
	}
	return x
}

func (p *pathScanner) regex(x *pathNode) *pathNode {
	n := &pathNode{op: pathRegex, text: p.tok.text, args: []*pathNode{x}}
	if p.tok.kind != 's' {
		p.fail("syntax error")
	}
	p.next()
	if p.acceptWord("flag") {
		if p.tok.kind != 's' {
			p.fail("syntax error")
		}
		for _, c := range p.tok.text {
			if !strings.ContainsRune("ismxq", c) && p.err == nil {
				p.err = sqlerr.New(sqlerr.SyntaxError, "invalid input syntax for type %s", "jsonpath").
					WithDetail("Unrecognized flag character \"%c\" in LIKE_REGEX predicate.", c)
			}
		}
		for _, c := range "ismxq" {
			if strings.ContainsRune(p.tok.text, c) {
				n.flags += string(c)
			}
		}
		if strings.Contains(n.flags, "x") && !strings.Contains(n.flags, "q") && p.err == nil {
			p.err = sqlerr.New(sqlerr.FeatureNotSupported,
				"XQuery \"x\" flag (expanded regular expressions) is not implemented")
		}
		p.next()
	}
	return n
}

func (p *pathScanner) sum(depth int) *pathNode {
	x := p.product(depth)
	for p.is("+") || p.is("-") {
		x = p.arith(x, p.product, depth)
	}
	return x
}

func (p *pathScanner) product(depth int) *pathNode {
	x := p.signed(depth)
	for p.is("*") || p.is("/") || p.is("%") {
		x = p.arith(x, p.signed, depth)
	}
	return x
}

func (p *pathScanner) arith(x *pathNode, operand func(int) *pathNode, depth int) *pathNode {
	n := &pathNode{op: pathArith, text: p.tok.text}
	p.next()
	y := operand(depth)
	if x.predicate() || y.predicate() {
		p.fail("syntax error")
	}
	n.args = []*pathNode{x, y}
	return n
}

func (p *pathScanner) signed(depth int) *pathNode {
	if depth > maxPathDepth {
		p.fail("jsonpath nested too deeply")
		return &pathNode{}
	}
	for _, sign := range []string{"+", "-"} {
		if p.accept(sign) {
			x := p.signed(depth + 1)
			if x.predicate() {
				p.fail("syntax error")
			}
			return &pathNode{op: pathSign, text: sign, args: []*pathNode{x}}
		}
	}
	return p.primary(depth)
}

// primary reads an operand with its accessors.
func (p *pathScanner) primary(depth int) *pathNode {
	if depth > maxPathDepth {
		p.fail("jsonpath nested too deeply")
	}
	if p.err != nil {
		return &pathNode{}
	}
	n := &pathNode{op: pathLiteral}
	t := p.tok
	switch {
	case p.accept("("):
		n = p.or(depth + 1)
		p.expect(")")
		if n.predicate() && p.isWord("is") {
			return n
		}
	case p.accept("$"):
		n.op = pathRoot
	case p.accept("@"):
		n.op = pathCurrent
	case p.acceptWord("last"):
		n.op = pathLast
	case p.isWord("exists"):
		p.next()
		p.expect("(")
		n = &pathNode{op: pathExists, args: []*pathNode{p.sum(depth + 1)}}
		p.expect(")")
		return n
	case t.kind == 's':
		n.text = string(AppendJSONString(nil, t.text))
		p.next()
	case t.kind == 'v':
		n.op, n.text = pathVar, t.text
		p.next()
	case t.kind == 'n':
		d, err := ParseDecimal(t.text)
		if err != nil {
			p.fail("syntax error")
		}
		n.text = d.String()
		p.next()
	case p.is("true") || p.is("false") || p.is("null"):
		n.text = t.text
		p.next()
	default:
		p.fail("syntax error")
		return n
	}
	p.accessors(n, depth)
	return n
}

func (p *pathScanner) accessors(n *pathNode, depth int) {
	for n.next != nil {
		n = n.next
	}
	for p.err == nil {
		var a *pathNode
		switch {
		case p.accept("."):
			a = p.member()
		case p.accept("["):
			a = p.subscripts(depth)
		case p.accept("?"):
			p.expect("(")
			x := p.or(depth + 1)
			if !x.predicate() {
				p.fail("syntax error")
			}
			p.expect(")")
			a = &pathNode{op: pathFilter, args: []*pathNode{x}}
		default:
			return
		}
		n.next, n = a, a
	}
}

var pathMethods = map[string]bool{"type": true, "size": true, "abs": true, "floor": true,
	"ceiling": true, "double": true, "keyvalue": true, "datetime": true}

// member reads what follows a point: a key, *, **{levels}, or a method.
func (p *pathScanner) member() *pathNode {
	t := p.tok
	switch {
	case p.accept("*"):
		return &pathNode{op: pathAnyKey}
	case p.accept("**"):
		return p.levels()
	case t.kind == 's' || t.kind == 'i':
		p.next()
		name := strings.ToLower(t.text)
		if t.kind == 'i' && pathMethods[name] && p.accept("(") {
			m := &pathNode{op: pathMethod, text: name}
			if name == "datetime" && p.tok.kind == 's' {
				m.template, m.flags = true, p.tok.text
				p.next()
			}
			p.expect(")")
			return m
		}
		return &pathNode{op: pathKey, text: t.text}
	case t.kind == 'v': // .$x is the key "$x" nowhere
		p.fail("syntax error")
	default:
		p.fail("syntax error")
	}
	return &pathNode{}
}

func (p *pathScanner) levels() *pathNode {
	n := &pathNode{op: pathAny, hi: pathMaxLevel}
	if !p.accept("{") {
		return n
	}
	n.lo = p.level()
	n.hi = n.lo
	if p.acceptWord("to") {
		n.hi = p.level()
	}
	p.expect("}")
	return n
}

func (p *pathScanner) level() int64 {
	if p.acceptWord("last") {
		return pathMaxLevel
	}
	v, err := strconv.ParseInt(p.tok.text, 10, 32)
	if p.tok.kind != 'n' || err != nil {
		p.fail("syntax error")
	}
	p.next()
	return v
}

func (p *pathScanner) subscripts(depth int) *pathNode {
	if p.accept("*") {
		p.expect("]")
		return &pathNode{op: pathAnyArray}
	}
	n := &pathNode{op: pathIndex2}
	for {
		lo := p.sum(depth + 1)
		var hi *pathNode
		if p.acceptWord("to") {
			hi = p.sum(depth + 1)
		}
		n.args = append(n.args, lo, hi)
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return n
}
