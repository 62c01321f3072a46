package parse

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// kind is the lexical class of a token.
type kind uint8

const (
	kindEOF    kind = iota
	kindIdent       // unquoted; the keyword may be set
	kindQIdent      // "x", `x` or U&"x"
	kindStr         // 'x', E'x', $$x$$, U&'x', N'x'
	kindBits        // B'101', X'1F'
	kindNum         // 1 1.5 1e3 0x1F 1_000
	kindParam       // $1
	kindVar         // ${name}
	kindOp          // a run of operator characters; also :: and :=
	kindPunct       // ( ) [ ] , ; . :
	kindJunk        // 1R: digits and letters; a name after AS, as in ksqlDB, else an error
)

// token is one token of the source.
type token struct {
	kind       kind
	c          byte    // the byte of punctuation and of one-byte operators, else 0
	kw         keyword // of kindIdent
	start, end int32   // bytes in lexer.src
	match      int32   // of an opening bracket: index of the closing one; 0 = none
}

// Limits on what a client can make the server hold. A token takes 16 bytes, so the text that
// is all tokens costs 128 MB; bulk loads have COPY.
const (
	maxTextBytes = 64 << 20
	maxTokens    = 8 << 20
	// maxBrackets bounds how deep brackets nest, and with it the parser's own recursion.
	maxBrackets = 500
)

const operatorChars = "+-*/<>=~!@#%^&|?"

const (
	classIdentStart = 1 << iota
	classIdentPart
	classOperator
	classDigit
	classSpace
)

var class = func() (class [256]uint8) {
	for c := range class {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			class[c] = classIdentStart | classIdentPart
		case c >= '0' && c <= '9':
			class[c] = classIdentPart | classDigit
		case c == '$':
			class[c] = classIdentPart
		case c == ' ', c == '\t', c == '\n', c == '\r', c == '\f', c == '\v':
			class[c] = classSpace
		case strings.IndexByte(operatorChars, byte(c)) >= 0:
			class[c] = classOperator
		}
	}
	return class
}()

// lexer splits src into tokens.
type lexer struct {
	src  string
	toks []token
	open []int32 // indexes of the brackets that are open
	vars bool    // a kindVar token was seen
}

// run appends all tokens and an end mark; it panics with a bail.
func (l *lexer) run() {
	src := l.src
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case class[c]&classSpace != 0:
			i++
		case class[c]&classIdentStart != 0:
			i = l.word(i)
		case class[c]&classDigit != 0:
			i = l.number(i)
		case c == '.':
			i = l.dot(i)
		case c == '\'':
			i = l.quoted(kindStr, i, i, '\'', false)
		case c == '"' || c == '`':
			i = l.quotedName(i, i, c)
		case c == '$':
			i = l.dollar(i)
		case class[c]&classOperator != 0:
			i = l.commentOrOperator(i)
		case c == ':' && i+1 < len(src) && (src[i+1] == ':' || src[i+1] == '='):
			i = l.add(kindOp, i, i+2)
		default:
			i = l.punct(i)
		}
		if len(l.toks) >= maxTokens {
			tooComplex(i, "statement has more than %d tokens", maxTokens)
		}
	}
	l.add(kindEOF, len(src), len(src))
}

func (l *lexer) add(k kind, start, end int) int {
	l.toks = append(l.toks, token{kind: k, start: int32(start), end: int32(end)})
	return end
}

// word reads an identifier, a keyword or one of the prefixed strings E” N” B” X” U&”.
func (l *lexer) word(i int) int {
	src, start := l.src, i
	if i+1 < len(src) && (src[i+1] == '\'' || src[i+1] == '&') {
		if end := l.prefixed(i); end > 0 {
			return end
		}
	}
	for i++; i < len(src) && class[src[i]]&classIdentPart != 0; i++ {
	}
	l.toks = append(l.toks, token{kind: kindIdent, kw: lookupKeyword(src[start:i]),
		start: int32(start), end: int32(i)})
	return i
}

// prefixed reads a string with a letter in front; 0 means there is none at i.
func (l *lexer) prefixed(i int) int {
	src := l.src
	if src[i+1] == '\'' {
		switch src[i] | 0x20 {
		case 'e':
			return l.quoted(kindStr, i, i+1, '\'', true)
		case 'n':
			return l.quoted(kindStr, i, i+1, '\'', false)
		case 'b', 'x':
			return l.quoted(kindBits, i, i+1, '\'', false)
		}
		return 0
	}
	if src[i]|0x20 == 'u' && i+2 < len(src) {
		switch src[i+2] {
		case '\'':
			return l.quoted(kindStr, i, i+2, '\'', false)
		case '"':
			return l.quotedName(i, i+2, '"')
		}
	}
	return 0
}

// quoted reads a string whose quote opens at i; the token begins at start. Strings with only
// white space that has a newline between them are one string.
func (l *lexer) quoted(k kind, start, i int, quote byte, backslash bool) int {
	src := l.src
	for i++; i < len(src); {
		switch {
		case src[i] == quote:
			if i+1 < len(src) && src[i+1] == quote {
				i += 2
				continue
			}
			i++
			if next := continuation(src, i); quote == '\'' && next > 0 {
				i = next
				continue
			}
			return l.add(k, start, i)
		case backslash && src[i] == '\\' && i+1 < len(src):
			i += 2
		default:
			i++
		}
	}
	if quote == '\'' {
		if k == kindBits {
			what := "bit string literal"
			if src[start]|0x20 == 'x' {
				what = "hexadecimal string literal"
			}
			unterminated(src, start, what)
		}
		if src[start]|0x20 == 'n' { // N'...' is NCHAR '...'
			start++
		}
		unterminated(src, start, "quoted string")
	}
	unterminated(src, start, "quoted identifier")
	return 0
}

// continuation returns the offset after the quote that continues a string which ended before
// i, or 0. A newline stands between the two, and behind it comments may.
func continuation(src string, i int) int {
	newline := false
	for i < len(src) {
		switch c := src[i]; {
		case c == '\n' || c == '\r':
			newline = true
		case newline && c == '-' && strings.HasPrefix(src[i:], "--"):
			for i+1 < len(src) && src[i+1] != '\n' && src[i+1] != '\r' {
				i++
			}
		case class[c]&classSpace == 0:
			if newline && c == '\'' {
				return i + 1
			}
			return 0
		}
		i++
	}
	return 0
}

func (l *lexer) quotedName(start, i int, quote byte) int {
	end := l.quoted(kindQIdent, start, i, quote, false)
	if end == i+2 {
		bailAt(sqlerr.New(sqlerr.SyntaxError, "zero-length delimited identifier at or near \"%s\"",
			l.src[start:end]), start)
	}
	return end
}

// dollar reads $1, ${name} or a dollar-quoted string.
func (l *lexer) dollar(i int) int {
	src := l.src
	if i+1 < len(src) && class[src[i+1]]&classDigit != 0 {
		j := i + 1
		for j < len(src) && class[src[j]]&classDigit != 0 {
			j++
		}
		if j < len(src) && class[src[j]]&classIdentStart != 0 {
			for j < len(src) && class[src[j]]&classIdentPart != 0 {
				j++
			}
			bailAt(sqlerr.New(sqlerr.SyntaxError,
				"trailing junk after parameter at or near \"%s\"", src[i:j]), i)
		}
		return l.add(kindParam, i, j)
	}
	if i+1 < len(src) && src[i+1] == '{' {
		j := i + 2
		for j < len(src) && class[src[j]]&classIdentPart != 0 {
			j++
		}
		if j >= len(src) || src[j] != '}' || j == i+2 {
			syntaxErrorAt(src, i, i+2)
		}
		l.vars = true
		return l.add(kindVar, i, j+1)
	}
	j := i + 1
	for j < len(src) && class[src[j]]&classIdentPart != 0 && src[j] != '$' {
		j++
	}
	if j >= len(src) || src[j] != '$' {
		syntaxErrorAt(src, i, i+1)
	}
	tag := src[i : j+1]
	k := strings.Index(src[j+1:], tag)
	if k < 0 {
		unterminated(src, i, "dollar-quoted string")
	}
	return l.add(kindStr, i, j+1+k+len(tag))
}

func (l *lexer) commentOrOperator(i int) int {
	src := l.src
	if i+1 < len(src) {
		switch {
		case src[i] == '-' && src[i+1] == '-':
			for i < len(src) && src[i] != '\n' && src[i] != '\r' {
				i++
			}
			return i
		case src[i] == '/' && src[i+1] == '*':
			return blockComment(src, i)
		}
	}
	end := operatorEnd(src, i)
	l.add(kindOp, i, end)
	if end == i+1 {
		l.toks[len(l.toks)-1].c = src[i]
	}
	return end
}

func blockComment(src string, start int) int {
	level, i := 1, start+2
	for ; i < len(src) && level > 0; i++ {
		if i+1 >= len(src) {
			continue
		}
		switch {
		case src[i] == '*' && src[i+1] == '/':
			level--
			i++
		case src[i] == '/' && src[i+1] == '*':
			level++
			i++
		}
	}
	if level > 0 {
		unterminated(src, start, "/* comment")
	}
	return i
}

// operatorEnd finds the end of an operator by PostgreSQL's rules: a comment ends it, and it
// may end in + or - only if it has one of the characters ~ ! @ # % ^ & | ? too.
func operatorEnd(src string, i int) int {
	j, special := i, false
	for ; j < len(src) && class[src[j]]&classOperator != 0; j++ {
		if j > i && j+1 < len(src) &&
			(src[j] == '-' && src[j+1] == '-' || src[j] == '/' && src[j+1] == '*') {
			break
		}
		special = special || strings.IndexByte("~!@#%^&|?", src[j]) >= 0
	}
	for !special && j-i > 1 && (src[j-1] == '+' || src[j-1] == '-') {
		j--
	}
	return j
}

// number reads a number. 1..2 is 1, then a range.
func (l *lexer) number(start int) int {
	src, i := l.src, start
	if src[i] == '0' && i+1 < len(src) {
		if base := strings.IndexByte("xob", src[i+1]|0x20); base >= 0 {
			return l.based(start, "0123456789abcdef"[:[...]int{16, 8, 2}[base]])
		}
	}
	i = digits(src, i)
	if i < len(src) && src[i] == '.' && !(i+1 < len(src) && src[i+1] == '.') {
		i = digits(src, i+1)
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		j := i + 1
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		if j < len(src) && class[src[j]]&classDigit != 0 {
			i = digits(src, j)
		} else if j > i+1 { // 1e+
			return l.add(kindJunk, start, j)
		}
	}
	if i < len(src) && class[src[i]]&classIdentStart != 0 {
		return l.junkNumber(start, i)
	}
	return l.add(kindNum, start, i)
}

// junkNumber reads letters that follow a number without a space. Whether that is an error is
// known only to the parser.
func (l *lexer) junkNumber(start, i int) int {
	for i < len(l.src) && class[l.src[i]]&classIdentPart != 0 {
		i++
	}
	return l.add(kindJunk, start, i)
}

// based reads 0x1F, 0o17 or 0b11.
func (l *lexer) based(start int, allowed string) int {
	i, n := start+2, 0
	for i < len(l.src) {
		c := l.src[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if strings.IndexByte(allowed, c) >= 0 {
			n++
		} else if c != '_' {
			break
		}
		i++
	}
	if n == 0 || l.src[i-1] == '_' || i < len(l.src) && class[l.src[i]]&classIdentPart != 0 {
		return l.junkNumber(start, i)
	}
	return l.add(kindNum, start, i)
}

func digits(src string, i int) int {
	for i < len(src) && (class[src[i]]&classDigit != 0 ||
		src[i] == '_' && i+1 < len(src) && class[src[i+1]]&classDigit != 0) {
		i++
	}
	return i
}

// dot reads a number that begins with a dot, or a dot. Two of them are one token, which
// nothing has a use for.
func (l *lexer) dot(i int) int {
	if i+1 < len(l.src) {
		switch c := l.src[i+1]; {
		case class[c]&classDigit != 0:
			return l.number(i)
		case c == '.':
			return l.add(kindPunct, i, i+2)
		}
	}
	return l.punct(i)
}

// punct reads one punctuation byte and keeps track of brackets.
func (l *lexer) punct(i int) int {
	c := l.src[i]
	switch c {
	case '(', '[':
		if len(l.open) >= maxBrackets {
			tooComplex(i, "statement is nested too deeply")
		}
		l.open = append(l.open, int32(len(l.toks)))
	case ')', ']':
		if n := len(l.open); n > 0 {
			l.toks[l.open[n-1]].match = int32(len(l.toks))
			l.open = l.open[:n-1]
		}
	case ',', ';', '.', ':':
	default:
		_, size := utf8.DecodeRuneInString(l.src[i:])
		syntaxErrorAt(l.src, i, i+size)
	}
	l.toks = append(l.toks, token{kind: kindPunct, c: c, start: int32(i), end: int32(i + 1)})
	return i + 1
}
