package parse

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// maxDepth bounds recursion that needs no brackets, such as NOT NOT NOT or nested CASE.
// maxHeight bounds how high a tree may become by repetition, such as 1 + 1 + ...: every
// reader of trees recurses that deep.
const (
	maxDepth  = 2000
	maxHeight = 10000
)

// parser is a cursor over the tokens of one text.
type parser struct {
	lexer
	i          int
	depth      int
	restricted bool // reading a b_expr: see restrictedExpr
	height     int  // of the highest expression read since the caller of binary reset it
	variables  func(string) (string, bool)
	notice     func(string)
	literal    bool                  // ${name} stands for no variable
	defined    map[string]definition // by DEFINE and UNDEFINE in this text
	textEnd    int32                 // length of the text; beyond it src has variables' values
	expanded   []expansion           // in order of valueStart
	trace      func(outline string)  // for tests: sees every outline
}

// definition is what DEFINE (set) or UNDEFINE did to a variable.
type definition struct {
	value string
	set   bool
}

// expansion says which part of src is the value of a variable, and where that was written.
type expansion struct{ valueStart, start, end int32 }

// begin splits text into tokens.
func (p *parser) begin(text string) {
	if len(text) > maxTextBytes {
		tooComplex(0, "statement is longer than %d bytes", maxTextBytes)
	}
	checkUTF8(text)
	if need := len(text)/5 + 8; cap(p.toks) < min(need, maxPooledTokens) {
		p.toks = make([]token, 0, min(need, maxPooledTokens))
	}
	p.lexer = lexer{src: text, toks: p.toks[:0], open: p.open[:0]}
	p.textEnd = int32(len(text))
	p.run()
}

// release gives the parser back to the pool without anything of the text.
func (p *parser) release() {
	toks, open := p.toks, p.open
	if cap(toks) > maxPooledTokens {
		toks = nil
	}
	*p = parser{lexer: lexer{toks: toks[:0], open: open[:0]}}
	parsers.Put(p)
}

func (p *parser) tok() *token { return &p.toks[p.i] }

func (p *parser) peek(n int) *token {
	if p.i+n < len(p.toks) {
		return &p.toks[p.i+n]
	}
	return &p.toks[len(p.toks)-1]
}

func (p *parser) text(t *token) string { return p.src[t.start:t.end] }

// loc returns the position of the token at the cursor.
func (p *parser) loc() sql.Loc { return p.locOf(&p.toks[p.i]) }

// locOf returns a token's position in the text, also if it came from a variable.
func (p *parser) locOf(t *token) sql.Loc {
	if t.start <= p.textEnd {
		return sql.Loc(t.start)
	}
	return sql.Loc(p.expansionOf(t).start)
}

func (p *parser) expansionOf(t *token) expansion {
	i := sort.Search(len(p.expanded), func(i int) bool {
		return p.expanded[i].valueStart > t.start
	})
	return p.expanded[i-1]
}

// endOf returns the offset in the text after a token.
func (p *parser) endOf(t *token) int {
	if t.start <= p.textEnd {
		return int(t.end)
	}
	return int(p.expansionOf(t).end)
}

func (p *parser) is(k keyword) bool { return p.toks[p.i].kw == k }

func (p *parser) isC(c byte) bool {
	return p.toks[p.i].c == c && p.toks[p.i].kind == kindPunct
}

func (t *token) isPunct(c byte) bool { return t.c == c && t.kind == kindPunct }

// isOp reports whether the operator op is at the cursor.
func (p *parser) isOp(op string) bool { return p.opAt(0, op) }

func (p *parser) opAt(n int, op string) bool {
	t := p.peek(n)
	return t.kind == kindOp && p.src[t.start:t.end] == op
}

func (p *parser) accept(k keyword) bool {
	if p.toks[p.i].kw == k {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptC(c byte) bool {
	if p.isC(c) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptOp(op string) bool {
	if p.isOp(op) {
		p.i++
		return true
	}
	return false
}

// seq consumes the keywords in order, all or none.
func (p *parser) seq(ks ...keyword) bool {
	for n, k := range ks {
		if p.peek(n).kw != k {
			return false
		}
	}
	p.i += len(ks)
	return true
}

// words consumes the words in order in any case, all or none. They are written in lower case.
func (p *parser) words(list ...string) bool {
	for n, w := range list {
		if !p.wordAt(n, w) {
			return false
		}
	}
	p.i += len(list)
	return true
}

func (p *parser) wordAt(n int, word string) bool {
	t := p.peek(n)
	return t.kind == kindIdent && equalFold(p.text(t), word)
}

// oneOf consumes the first of the phrases that matches and returns its number, or -1.
func (p *parser) oneOf(phrases ...string) int {
	for i, f := range phrases {
		if p.phrase(f) {
			return i
		}
	}
	return -1
}

// stuck gives up where the longest of the phrases that were expected breaks off.
func (p *parser) stuck(phrases ...string) {
	longest := 0
	for _, f := range phrases {
		n := 0
		for _, w := range strings.Fields(f) {
			if !p.wordAt(n, w) {
				break
			}
			n++
		}
		longest = max(longest, n)
	}
	p.i += longest
	p.unexpected()
}

// phrase consumes the words of f, all or none.
func (p *parser) phrase(f string) bool {
	n := 0
	for more := true; more; n++ {
		var word string
		word, f, more = strings.Cut(f, " ")
		if !p.wordAt(n, word) {
			return false
		}
	}
	p.i += n
	return true
}

func (p *parser) need(words ...string) {
	for _, w := range words {
		if !p.wordAt(0, w) {
			p.unexpected()
		}
		p.i++
	}
}

func (p *parser) expect(k keyword) {
	if !p.accept(k) {
		p.unexpected()
	}
}

func (p *parser) expectC(c byte) {
	if !p.acceptC(c) {
		p.unexpected()
	}
}

func (p *parser) expectOp(op string) {
	if !p.acceptOp(op) {
		p.unexpected()
	}
}

func (p *parser) expectEnd() {
	if p.tok().kind != kindEOF {
		p.unexpected()
	}
}

// unexpected gives up at the token at the cursor.
func (p *parser) unexpected() { p.unexpectedAt(p.tok()) }

func (p *parser) unexpectedAt(t *token) {
	at := int(p.locOf(t))
	switch t.kind {
	case kindEOF:
		bailAt(sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input"), at)
	case kindJunk:
		bailAt(sqlerr.New(sqlerr.SyntaxError,
			"trailing junk after numeric literal at or near \"%s\"", p.text(t)), at)
	case kindVar:
		name := p.text(t)[2 : t.end-t.start-1]
		bailAt(sqlerr.New(sqlerr.UndefinedObject, "variable \"%s\" is not defined", name).
			WithHint("Set it with DEFINE %s = 'value'.", name), at)
	}
	bailAt(sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", p.text(t)), at)
}

// fail gives up with a message of its own, at a position.
func (p *parser) fail(at sql.Loc, code sqlerr.Code, format string, args ...any) {
	bailAt(sqlerr.New(code, format, args...), int(at))
}

// unsupported gives up on something that is known but not done here.
func (p *parser) unsupported(at sql.Loc, what, hint string) {
	bailAt(sqlerr.Unsupported(what, hint), int(at))
}

// enter guards recursion; the caller must call leave.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		tooComplex(int(p.loc()), "statement is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// grow guards the height of a tree that grows by repetition.
func (p *parser) grow(height int) {
	if height > maxHeight {
		tooComplex(int(p.loc()), "statement is nested too deeply")
	}
}

// isName reports whether the token can be a plain name.
func (t *token) isName() bool {
	return t.kind == kindQIdent ||
		t.kind == kindIdent && (t.kw == kwNone || !reserved[t.kw] && !funcNameOnly[t.kw])
}

// name reads a name in a place where reserved words cannot stand.
func (p *parser) name() string {
	if !p.tok().isName() {
		p.unexpected()
	}
	return p.label()
}

// label reads a name in a place where any word will do: after AS or a dot. There even 1R is
// one, as in ksqlDB.
func (p *parser) label() string {
	t := p.tok()
	switch t.kind {
	case kindIdent:
		p.i++
		return p.clip(foldName(p.text(t)))
	case kindQIdent:
		p.i++
		s := p.text(t)
		return p.clip(quotedNameText(s, p.uescape(s), int(p.locOf(t))))
	}
	if t.kind == kindJunk && isJunkName(p.text(t)) {
		p.i++
		return foldName(p.text(t))
	}
	p.unexpected()
	return ""
}

// maxName is how many bytes a name may have, as in PostgreSQL.
const maxName = 63

// clip cuts a name that is too long, at a whole character, and says so.
func (p *parser) clip(name string) string {
	if len(name) <= maxName {
		return name
	}
	n := maxName
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	if p.notice != nil {
		p.notice(fmt.Sprintf("identifier \"%s\" will be truncated to \"%s\"", name, name[:n]))
	}
	return name[:n]
}

// isJunkName reports whether 1R can be a name: it has no dot.
func isJunkName(s string) bool { return strings.IndexByte(s, '.') < 0 }

// uescape reads UESCAPE 'c' if the string or name before it was written U&.
func (p *parser) uescape(s string) byte {
	if (s[0] != 'U' && s[0] != 'u') || p.tok().kw != kwUescape {
		return '\\'
	}
	p.i++
	t := p.tok()
	v := p.text(t)
	if t.kind != kindStr || len(v) != 3 || hexDigit(v[1]) >= 0 ||
		strings.IndexByte("+'\" \t\n", v[1]) >= 0 {
		p.fail(p.locOf(t), sqlerr.SyntaxError, "invalid Unicode escape character at or near \"%s\"", v)
	}
	p.i++
	return v[1]
}

// qname reads a name with dots.
func (p *parser) qname() sql.Name { return p.dotted(sql.Name{p.name()}) }

func (p *parser) dotted(n sql.Name) sql.Name {
	for p.isC('.') {
		p.i++
		n = append(n, p.label())
	}
	return n
}

// names reads a bracketed list of names.
func (p *parser) names() (list []string) {
	p.expectC('(')
	for {
		list = append(list, p.name())
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return list
}

// nameList reads names with commas between them.
func (p *parser) nameList() (list []sql.Name) {
	for {
		list = append(list, p.qname())
		if !p.acceptC(',') {
			return list
		}
	}
}

// str reads a string literal and puts the values of variables into it.
func (p *parser) str() string {
	t := p.tok()
	if t.kind != kindStr {
		p.unexpected()
	}
	p.i++
	s := p.text(t)
	v := stringText(s, p.uescape(s), int(p.locOf(t)))
	if strings.Contains(v, "${") && (p.variables != nil || p.defined != nil) {
		v = p.expandString(v)
	}
	return v
}

// stringName reads a name that is written as a string literal.
func (p *parser) stringName() string {
	t := p.tok()
	name := p.str()
	if name == "" {
		bailAt(sqlerr.New(sqlerr.SyntaxError,
			"zero-length delimited identifier at or near \"%s\"", p.text(t)), int(p.locOf(t)))
	}
	return name
}

// integer reads a whole number, perhaps with a sign.
func (p *parser) integer() int64 {
	sign := ""
	if p.isOp("-") || p.isOp("+") {
		sign = p.text(p.tok())
		p.i++
	}
	t := p.tok()
	if t.kind != kindNum {
		p.unexpected()
	}
	n, err := strconv.ParseInt(sign+p.text(t), 0, 64)
	if err != nil {
		n, err = strconv.ParseInt(sign+strings.ReplaceAll(p.text(t), "_", ""), 10, 64)
	}
	if err != nil {
		p.unexpected()
	}
	p.i++
	return n
}
