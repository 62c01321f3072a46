package plpgsql

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// maxDepth bounds how deep blocks and loops nest, and with it the recursion of the parser
// and of who runs the tree.
const maxDepth = 200

// parser reads a block.
type parser struct {
	src   string
	toks  []parse.Token
	i     int
	lines []int // offsets of the line ends
	prog  *Program
	names *Names
	depth int
}

// refusal carries an error up to Parse.
type refusal struct{ err *sqlerr.Error }

// Parse reads the text of a block. Errors are *sqlerr.Error, with offsets in the text.
func Parse(text string) (prog *Program, err error) {
	toks, err := parse.Tokens(text)
	if err != nil {
		return nil, inBytes(err, text, 0)
	}
	p := &parser{src: text, toks: toks, prog: &Program{Source: text}}
	for i := range len(text) {
		if text[i] == '\n' {
			p.lines = append(p.lines, i)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			x, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			prog, err = nil, x.err
		}
	}()
	p.program()
	return p.prog, nil
}

// inBytes gives an error of SQL's parser an offset, which is base more than in text.
func inBytes(err error, text string, base int) *sqlerr.Error {
	e := *sqlerr.As(err)
	if e.Position == 0 {
		return &e
	}
	at, n := 0, e.Position-1
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	e.Position, e.Offset = 0, 0
	return e.At(max(base+at, 0))
}

func (p *parser) fail(at int, code sqlerr.Code, format string, args ...any) {
	panic(refusal{sqlerr.New(code, format, args...).At(at)})
}

// syntax refuses a token with a message of its own.
func (p *parser) syntax(at int, format string, args ...any) {
	p.fail(at, sqlerr.SyntaxError, format, args...)
}

// near refuses a token as PostgreSQL does: what is wrong, and the token.
func (p *parser) near(t *parse.Token, what string) {
	if t.Kind == parse.TokenEnd {
		p.syntax(t.Start, "%s at end of input", what)
	}
	p.syntax(t.Start, "%s at or near \"%s\"", what, p.src[t.Start:t.End])
}

func (p *parser) unexpected() { p.near(p.tok(), "syntax error") }

func (p *parser) tok() *parse.Token { return &p.toks[p.i] }

// peek gives a later token; the last one stands for all after it.
func (p *parser) peek(n int) *parse.Token { return &p.toks[min(p.i+n, len(p.toks)-1)] }

func (p *parser) next() *parse.Token {
	t := p.tok()
	if t.Kind != parse.TokenEnd {
		p.i++
	}
	return t
}

func isWord(t *parse.Token, w string) bool { return t.Kind == parse.TokenWord && t.Text == w }

func isSign(t *parse.Token, s string) bool { return t.Kind == parse.TokenOther && t.Text == s }

func (p *parser) is(w string) bool  { return isWord(p.tok(), w) }
func (p *parser) isC(s string) bool { return isSign(p.tok(), s) }
func (p *parser) atEnd() bool       { return p.tok().Kind == parse.TokenEnd }
func (p *parser) line(at int) int   { return 1 + sort.SearchInts(p.lines, at) }
func (p *parser) here() at          { return at{p.line(p.tok().Start)} }
func (p *parser) isName(n int) bool { return nameLike(p.peek(n)) }

func (p *parser) accept(w string) bool {
	if p.is(w) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptC(s string) bool {
	if p.isC(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(words ...string) {
	for _, w := range words {
		if !p.accept(w) {
			p.unexpected()
		}
	}
}

func (p *parser) expectC(s string) {
	if !p.acceptC(s) {
		p.unexpected()
	}
}

// reserved are the words that cannot name a variable.
var reserved = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`all begin by case declare else end execute for foreach
		from if in into loop not null or strict then to using when while`) {
		reserved[w] = true
	}
}

func nameLike(t *parse.Token) bool {
	return t.Kind == parse.TokenName || t.Kind == parse.TokenWord && !reserved[t.Text]
}

// name reads a name.
func (p *parser) name() string {
	if !p.isName(0) {
		p.unexpected()
	}
	return p.next().Text
}

// anyName reads what follows a dot: any word.
func (p *parser) anyName() string {
	if t := p.tok(); t.Kind != parse.TokenName && t.Kind != parse.TokenWord {
		p.unexpected()
	}
	return p.next().Text
}

// stringValue reads a string constant.
func (p *parser) stringValue() string {
	t := p.tok()
	if t.Kind != parse.TokenString {
		p.unexpected()
	}
	v, err := parse.StringValue(t.Text)
	if err != nil {
		panic(refusal{inBytes(err, t.Text, t.Start)})
	}
	p.i++
	return v
}

// deeper counts levels of nesting; the caller calls what it gives at the end.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok().Start, sqlerr.StatementTooComplex,
			"blocks are nested more than %d levels deep", maxDepth)
	}
	return func() { p.depth-- }
}
