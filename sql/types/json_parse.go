package types

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// maxJSONDepth bounds the nesting of JSON, so that no input can exhaust the
// stack.
const maxJSONDepth = 6400

// maxPlainNumber is the longest number that is copied without a check against
// numeric's limits.
const maxPlainNumber = 1000

// ValidJSON checks s as PostgreSQL's json type does.
func ValidJSON(s string) error {
	p := jsonParser{s: s}
	return p.document()
}

// FirstJSON gives the JSON value that s begins with, whatever follows it.
func FirstJSON(s string) (string, error) {
	p := jsonParser{s: s}
	if err := p.lex(); err != nil {
		return "", err
	}
	if err := p.value(); err != nil {
		return "", err
	}
	return s[:p.end], nil
}

// ParseJSONB appends the canonical text of JSON: keys of objects ordered by
// length, then by bytes, of equal keys the last; numbers as numeric writes them;
// one blank after colons and commas.
func ParseJSONB(dst []byte, s string) ([]byte, error) {
	p := jsonParser{s: s, canon: true, out: dst}
	err := p.document()
	return p.out, err
}

// jsonParser checks JSON and, if canon is set, writes its canonical form.
type jsonParser struct {
	s     string
	i     int // start of the current token
	end   int // end of the current token
	line  int // number of the current line from 0
	bol   int // start of the current line
	canon bool
	out   []byte
	depth int
	// The members of the objects being written are a stack: few[:count] while
	// that suffices, else many, so that ordinary documents cost no allocation.
	few   [16]member
	many  []member
	count int
}

// push puts a member on the stack.
func (p *jsonParser) push(m member) {
	if p.count < len(p.few) && p.many == nil {
		p.few[p.count] = m
	} else {
		if p.many == nil {
			p.many = append(make([]member, 0, 4*len(p.few)), p.few[:]...)
		}
		p.many = append(p.many[:p.count], m)
	}
	p.count++
}

// pop takes the members above base off the stack, and puts them into order.
func (p *jsonParser) pop(body, base int) {
	if p.many != nil {
		p.out = sortMembers(p.out, body, p.many[base:p.count])
	} else {
		p.out = sortMembers(p.out, body, p.few[base:p.count])
	}
	p.count = base
}

// fail is an error at the current token.
func (p *jsonParser) fail(detail string) *sqlerr.Error {
	return p.failCode(sqlerr.InvalidTextRepresentation, "invalid input syntax for type json", detail)
}

func (p *jsonParser) failCode(code sqlerr.Code, msg, detail string) *sqlerr.Error {
	const excerpt = 50
	start := p.bol
	for p.end-start >= excerpt {
		_, n := utf8.DecodeRuneInString(p.s[start:])
		start += n
	}
	prefix, suffix := "...", ""
	if start-p.bol <= 3 {
		start, prefix = p.bol, ""
	}
	if p.i < len(p.s) && p.end < len(p.s) && p.s[p.end] != '\n' && p.s[p.end] != '\r' {
		suffix = "..."
	}
	return sqlerr.New(code, "%s", msg).WithDetail("%s", detail).
		InContext("JSON data, line %d: %s%s%s", p.line+1, prefix, p.s[start:p.end], suffix)
}

// expected is the error of a token where another was expected.
func (p *jsonParser) expected(what string) error {
	if p.i >= len(p.s) {
		return p.fail("The input string ended unexpectedly.")
	}
	return p.fail("Expected " + what + ", but found \"" + p.s[p.i:p.end] + "\".")
}

// peek skips white space and gives the first byte of the next token, 0 at the
// end. Punctuation is a token of one byte.
func (p *jsonParser) peek() byte {
	for p.end < len(p.s) {
		switch p.s[p.end] {
		case '\n':
			p.line++
			p.bol = p.end + 1
		case ' ', '\t', '\r':
		default:
			p.i = p.end
			return p.s[p.i]
		}
		p.end++
	}
	p.i = p.end
	return 0
}

// lex sets the end of the token that peek found, and checks its syntax.
func (p *jsonParser) lex() error {
	switch c := p.peek(); {
	case p.i >= len(p.s):
		return nil
	case c == '"':
		return p.lexString()
	case c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':':
		p.end = p.i + 1
	case c == '-' || isDigit(c):
		return p.lexNumber()
	default:
		p.end = p.i
		for p.end < len(p.s) && jsonWordByte(p.s[p.end]) {
			p.end++
		}
		if p.end == p.i {
			p.end++
			return p.invalidToken()
		}
		switch p.s[p.i:p.end] {
		case "true", "false", "null":
		default:
			return p.invalidToken()
		}
	}
	return nil
}

func (p *jsonParser) invalidToken() error {
	return p.fail("Token \"" + p.s[p.i:p.end] + "\" is invalid.")
}

func jsonWordByte(c byte) bool {
	return isAlpha(c) || isDigit(c) || c == '_' || c >= utf8.RuneSelf
}

func (p *jsonParser) lexNumber() error {
	i := p.i
	if p.s[i] == '-' {
		i++
	}
	digits := func() bool {
		start := i
		for i < len(p.s) && isDigit(p.s[i]) {
			i++
		}
		return i > start
	}
	ok := true
	if i < len(p.s) && p.s[i] == '0' {
		i++
	} else {
		ok = digits()
	}
	if ok && i < len(p.s) && p.s[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(p.s) && p.s[i]|0x20 == 'e' {
		i++
		if i < len(p.s) && (p.s[i] == '-' || p.s[i] == '+') {
			i++
		}
		ok = digits()
	}
	for i < len(p.s) && jsonWordByte(p.s[i]) {
		ok = false
		i++
	}
	p.end = i
	if !ok {
		return p.invalidToken()
	}
	return nil
}

// lexString finds the end of a string and checks its escapes. Only canonical
// text needs surrogates to come in pairs.
func (p *jsonParser) lexString() error {
	s, start := p.s, p.i+1
	for start < len(s) && s[start] >= ' ' && s[start] != '"' && s[start] != '\\' {
		start++
	}
	high := false
	for i := start; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c < ' ':
			p.end = i
			return p.fail("Character with value 0x" + string(hexDigits[c>>4]) +
				string(hexDigits[c&15]) + " must be escaped.")
		case c == '\\':
			n, err := p.lexEscape(i, &high)
			if err != nil {
				return err
			}
			i += n
		case high:
			return p.noLowSurrogate(i)
		case c == '"':
			p.end = i + 1
			return nil
		}
	}
	p.end = len(p.s)
	return p.invalidToken()
}

// noLowSurrogate is the error of a high surrogate that the character at i
// follows.
func (p *jsonParser) noLowSurrogate(i int) error {
	_, n := utf8.DecodeRuneInString(p.s[i:])
	p.end = i + n
	return p.fail("Unicode low surrogate must follow a high surrogate.")
}

// lexEscape checks the escape at i and gives its length beyond the backslash.
// high says that a high surrogate came before it, or that it is one.
func (p *jsonParser) lexEscape(i int, high *bool) (int, error) {
	if i+1 >= len(p.s) {
		p.end = len(p.s)
		return 0, p.invalidToken()
	}
	if p.s[i+1] == 'u' {
		return p.lexUnicode(i, high)
	}
	if *high {
		return 0, p.noLowSurrogate(i + 1)
	}
	if strings.IndexByte("\"\\/bfnrt", p.s[i+1]) >= 0 {
		return 1, nil
	}
	_, n := utf8.DecodeRuneInString(p.s[i+1:])
	p.end = i + 1 + n
	return 0, p.fail("Escape sequence \"\\" + p.s[i+1:p.end] + "\" is invalid.")
}

// lexUnicode checks \uXXXX at i, and refuses \u0000 in canonical text.
func (p *jsonParser) lexUnicode(i int, high *bool) (int, error) {
	for j := i + 2; j < i+6; j++ {
		if j >= len(p.s) {
			p.end = len(p.s)
			return 0, p.invalidToken()
		}
		if _, ok := hexValue(p.s[j]); !ok {
			_, n := utf8.DecodeRuneInString(p.s[j:])
			p.end = j + n
			return 0, p.fail("\"\\u\" must be followed by four hexadecimal digits.")
		}
	}
	if !p.canon {
		return 5, nil
	}
	u := hex4(p.s[i+2:])
	isHigh, isLow := u >= 0xd800 && u < 0xdc00, u >= 0xdc00 && u < 0xe000
	p.end = i + 6
	switch {
	case isHigh && *high:
		return 0, p.fail("Unicode high surrogate must not follow a high surrogate.")
	case isLow != *high:
		return 0, p.fail("Unicode low surrogate must follow a high surrogate.")
	case u == 0:
		return 0, p.failCode(sqlerr.UntranslatableCharacter, "unsupported Unicode escape sequence",
			"\\u0000 cannot be converted to text.")
	}
	*high = isHigh
	return 5, nil
}

func hex4(s string) rune {
	var r rune
	for i := range 4 {
		v, _ := hexValue(s[i])
		r = r<<4 | rune(v)
	}
	return r
}

func (p *jsonParser) document() error {
	if err := p.lex(); err != nil {
		return err
	}
	if err := p.value(); err != nil {
		return err
	}
	if err := p.lex(); err != nil {
		return err
	}
	if p.i < len(p.s) {
		return p.expected("end of input")
	}
	return nil
}

// value handles the value whose first token was lexed.
func (p *jsonParser) value() error {
	const want = "JSON value"
	if p.i >= len(p.s) {
		return p.expected(want)
	}
	switch c := p.s[p.i]; {
	case c == '{' || c == '[':
		if p.depth++; p.depth > maxJSONDepth {
			return errJSONDepth()
		}
		var err error
		if c == '{' {
			err = p.object()
		} else {
			err = p.array()
		}
		p.depth--
		return err
	case c == '"':
		if p.canon {
			p.out = appendCanonString(p.out, p.s[p.i:p.end])
		}
		return nil
	case c == '-' || isDigit(c):
		return p.number()
	case isAlpha(c):
		if p.canon {
			p.out = append(p.out, p.s[p.i:p.end]...)
		}
		return nil
	}
	return p.expected(want)
}

func errJSONDepth() error {
	return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").
		WithHint("Nest JSON no deeper than %d levels.", maxJSONDepth)
}

func (p *jsonParser) number() error {
	if !p.canon {
		return nil
	}
	t := p.s[p.i:p.end]
	if len(t) < maxPlainNumber && !strings.ContainsAny(t, "eE") && !strings.HasPrefix(t, "-0") {
		p.out = append(p.out, t...)
		return nil
	}
	d, err := ParseDecimal(t)
	if err != nil {
		return err
	}
	p.out = d.Append(p.out)
	return nil
}

func (p *jsonParser) put(s string) {
	if p.canon {
		p.out = append(p.out, s...)
	}
}

func (p *jsonParser) array() error {
	p.put("[")
	if err := p.lex(); err != nil {
		return err
	}
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.put("]")
		return nil
	}
	for {
		if err := p.value(); err != nil {
			return err
		}
		if err := p.lex(); err != nil {
			return err
		}
		switch {
		case p.i < len(p.s) && p.s[p.i] == ',':
			p.put(", ")
		case p.i < len(p.s) && p.s[p.i] == ']':
			p.put("]")
			return nil
		default:
			return p.expected("\",\" or \"]\"")
		}
		if err := p.lex(); err != nil {
			return err
		}
	}
}

// member is a key and value in a canonical object that is being written.
type member struct{ key, val, end int }

func (p *jsonParser) object() error {
	p.put("{")
	if err := p.lex(); err != nil {
		return err
	}
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.put("}")
		return nil
	}
	base := p.count
	body := len(p.out)
	want := "string or \"}\""
	for {
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return p.expected(want)
		}
		want = "string"
		m := member{key: len(p.out)}
		if p.canon {
			p.out = appendCanonString(p.out, p.s[p.i:p.end])
		}
		m.val = len(p.out)
		p.put(": ")
		if err := p.memberValue(); err != nil {
			return err
		}
		m.end = len(p.out)
		if p.canon {
			p.push(m)
		}
		if err := p.lex(); err != nil {
			return err
		}
		switch {
		case p.i < len(p.s) && p.s[p.i] == ',':
			p.put(", ")
		case p.i < len(p.s) && p.s[p.i] == '}':
			if p.canon {
				p.pop(body, base)
				p.out = append(p.out, '}')
			}
			return nil
		default:
			return p.expected("\",\" or \"}\"")
		}
		if err := p.lex(); err != nil {
			return err
		}
	}
}

func (p *jsonParser) memberValue() error {
	if err := p.lex(); err != nil {
		return err
	}
	if p.i >= len(p.s) || p.s[p.i] != ':' {
		return p.expected("\":\"")
	}
	if err := p.lex(); err != nil {
		return err
	}
	return p.value()
}

// compareKeys orders quoted canonical keys by length, then by bytes.
func compareKeys(a, b []byte) int {
	if bytes.IndexByte(a, '\\') >= 0 || bytes.IndexByte(b, '\\') >= 0 {
		a = appendUnquoted(nil, str(a))
		b = appendUnquoted(nil, str(b))
	} else {
		a, b = a[1:len(a)-1], b[1:len(b)-1]
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// sortMembers puts the members written at out[body:] into canonical order.
func sortMembers(out []byte, body int, ms []member) []byte {
	sorted := true
	for i := 1; i < len(ms) && sorted; i++ {
		sorted = compareKeys(out[ms[i-1].key:ms[i-1].val], out[ms[i].key:ms[i].val]) < 0
	}
	if sorted {
		return out
	}
	slices.SortStableFunc(ms, func(a, b member) int {
		return compareKeys(out[a.key:a.val], out[b.key:b.val])
	})
	// Write the members again behind themselves, then move them down.
	end := len(out)
	for i, m := range ms {
		if i+1 < len(ms) &&
			compareKeys(out[m.key:m.val], out[ms[i+1].key:ms[i+1].val]) == 0 {
			continue
		}
		if len(out) > end {
			out = append(out, ", "...)
		}
		out = append(out, out[m.key:m.end]...)
	}
	return out[:body+copy(out[body:], out[end:])]
}

// appendCanonString writes a checked string token in canonical form.
func appendCanonString(dst []byte, tok string) []byte {
	if strings.IndexByte(tok, '\\') < 0 {
		return append(dst, tok...)
	}
	var tmp [128]byte
	return AppendJSONString(dst, str(appendUnquoted(tmp[:0], tok)))
}

// appendUnquoted writes the text of a checked string token.
func appendUnquoted(dst []byte, tok string) []byte {
	for i := 1; i < len(tok)-1; i++ {
		if tok[i] != '\\' {
			dst = append(dst, tok[i])
			continue
		}
		i++
		switch c := tok[i]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(tok[i+1:])
			i += 4
			if r >= 0xd800 && r < 0xdc00 && i+6 < len(tok) && tok[i+1] == '\\' {
				r = (r-0xd800)<<10 + (hex4(tok[i+3:]) - 0xdc00) + 0x10000
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendJSONString writes s as a JSON string, escaping as PostgreSQL does.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
