package expr

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// pattern is a compiled regular expression of PostgreSQL's ARE dialect. It runs
// on RE2, so that no pattern takes more than linear time; look-around and back
// references are refused.
type pattern struct {
	re     *regexp.Regexp
	global bool // flag g
	// again says that an empty match may follow right after another one, which
	// package regexp leaves out.
	again bool
	// looksBack says that a match may depend on what is before it.
	looksBack bool
}

type patternKey struct{ src, flags string }

// patternCache keeps compiled patterns, as PostgreSQL does. It changes no result.
// When full it is emptied: a workload with more patterns than that compiles them
// anyway.
type patternCache struct {
	mu sync.Mutex
	m  map[patternKey]*pattern
}

// maxPatterns bounds the cache; PostgreSQL keeps 32 per session.
const maxPatterns = 256

var patterns = patternCache{m: map[patternKey]*pattern{}}

// compilePattern gives the compiled form of src with flags such as "gi".
func compilePattern(src, flags string) (*pattern, error) {
	return cachedPattern(src, flags, newPattern)
}

// cachedPattern gives the pattern that compile makes, which it remembers.
func cachedPattern(src, flags string, compile func(src, flags string) (*pattern, error),
) (*pattern, error) {
	key := patternKey{src, flags}
	patterns.mu.Lock()
	p := patterns.m[key]
	patterns.mu.Unlock()
	if p != nil {
		return p, nil
	}
	// The strings may alias a batch: the cache needs its own.
	key = patternKey{strings.Clone(src), strings.Clone(flags)}
	p, err := compile(key.src, key.flags)
	if err != nil {
		return nil, err
	}
	patterns.mu.Lock()
	if len(patterns.m) >= maxPatterns {
		clear(patterns.m)
	}
	patterns.m[key] = p
	patterns.mu.Unlock()
	return p, nil
}

// allFrom gives every match in s from byte from on.
func (p *pattern) allFrom(s string, from int) [][]int {
	if from == 0 || p.looksBack {
		var out [][]int
		for _, m := range p.all(s) {
			if m[0] >= from {
				out = append(out, m)
			}
		}
		return out
	}
	out := p.all(s[from:])
	for _, m := range out {
		for k := range m {
			if m[k] >= 0 {
				m[k] += from
			}
		}
	}
	return out
}

// all gives every match in s, as submatch indexes.
func (p *pattern) all(s string) [][]int {
	ms := p.re.FindAllStringSubmatchIndex(s, -1)
	if !p.again {
		return ms
	}
	var out [][]int
	for i, m := range ms {
		out = append(out, m)
		if m[0] == m[1] || i+1 < len(ms) && ms[i+1][0] == m[1] {
			continue
		}
		if e := p.re.FindStringSubmatchIndex(s[m[1]:]); e != nil && e[0] == 0 && e[1] == 0 {
			for k := range e {
				if e[k] >= 0 {
					e[k] += m[1]
				}
			}
			out = append(out, e)
		}
	}
	return out
}

// reFlags are PostgreSQL's regular expression options.
type reFlags struct {
	global, fold, expanded, literal bool
	dotNewline                      bool // . and [^x] match newline
	lineAnchors                     bool // ^ and $ match at lines
}

func (f *reFlags) set(flags string, where string) error {
	for _, c := range flags {
		switch c {
		case 'g':
			f.global = true
		case 'i':
			f.fold = true
		case 'c':
			f.fold = false
		case 'n', 'm':
			f.dotNewline, f.lineAnchors = false, true
		case 'p':
			f.dotNewline, f.lineAnchors = false, false
		case 'w':
			f.dotNewline, f.lineAnchors = true, true
		case 's':
			f.dotNewline, f.lineAnchors = true, false
		case 'x':
			f.expanded = true
		case 't':
			f.expanded = false
		case 'q':
			f.literal = true
		case 'e':
		case 'b':
			return sqlerr.Unsupported("a basic regular expression",
				"Use the syntax of advanced ones, without the option b.")
		default:
			return sqlerr.New(sqlerr.InvalidParameterValue,
				"invalid regular expression option: \"%c\"", c)
		}
	}
	return nil
}

func newPattern(src, flags string) (*pattern, error) {
	f := reFlags{dotNewline: true}
	if err := f.set(flags, ""); err != nil {
		return nil, err
	}
	body := src
	switch {
	case strings.HasPrefix(body, "***="):
		body, f.literal = body[4:], true
	case strings.HasPrefix(body, "***:"):
		body = body[4:]
	}
	if opts, rest, ok := embeddedOptions(body); ok && !f.literal {
		body = rest
		if err := f.set(opts, src); err != nil {
			return nil, errRegex("invalid embedded option")
		}
	}
	expr, lazy := regexp.QuoteMeta(body), false
	if !f.literal {
		var err error
		if expr, lazy, err = translateRegex(body, f); err != nil {
			return nil, err
		}
	}
	re, err := regexp.Compile(f.prefix() + expr)
	if err != nil {
		return nil, regexError(err)
	}
	if !lazy {
		re.Longest()
	}
	looksBack := strings.Contains(expr, "^") || strings.Contains(expr, `\b`) ||
		strings.Contains(expr, `\B`) || strings.Contains(expr, `\A`)
	again := re.MatchString("") && !looksBack && !strings.Contains(expr, "$")
	return &pattern{re: re, global: f.global, again: again, looksBack: looksBack}, nil
}

func (f reFlags) prefix() string {
	s := ""
	if f.fold {
		s += "i"
	}
	if f.dotNewline {
		s += "s"
	}
	if f.lineAnchors {
		s += "m"
	}
	if s == "" {
		return ""
	}
	return "(?" + s + ")"
}

// embeddedOptions cuts a leading (?abc).
func embeddedOptions(s string) (opts, rest string, ok bool) {
	if !strings.HasPrefix(s, "(?") {
		return "", s, false
	}
	end := strings.IndexByte(s, ')')
	if end < 3 {
		return "", s, false
	}
	for _, c := range s[2:end] {
		if c < 'a' || c > 'z' {
			return "", s, false
		}
	}
	return s[2:end], s[end+1:], true
}

func errRegex(msg string) error {
	return sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: %s", msg)
}

// regexError words a compile error as PostgreSQL does.
func regexError(err error) error {
	var se *syntax.Error
	if !errors.As(err, &se) {
		return errRegex(err.Error())
	}
	switch se.Code {
	case syntax.ErrMissingParen, syntax.ErrUnexpectedParen:
		return errRegex("parentheses () not balanced")
	case syntax.ErrMissingBracket:
		return errRegex("brackets [] not balanced")
	case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
		return errRegex("quantifier operand invalid")
	case syntax.ErrInvalidRepeatSize:
		return errRegex("invalid repetition count(s)")
	case syntax.ErrInvalidCharRange:
		return errRegex("invalid character range")
	case syntax.ErrTrailingBackslash, syntax.ErrInvalidEscape:
		return errRegex("invalid escape \\ sequence")
	case syntax.ErrInvalidUTF8:
		return errRegex("invalid character")
	}
	return errRegex(se.Code.String())
}

func errLookAround(what string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"%s are not supported in regular expressions", what).
		WithHint("Write the condition as a second pattern, or with substring and position.")
}

// regexWriter translates one pattern.
type regexWriter struct {
	s          string
	i          int
	out        strings.Builder
	f          reFlags
	lazy       bool // the first quantifier is not greedy
	quantified bool
}

const (
	similarBegin = "^(?:"
	similarEnd   = "){1,1}?("
)

// endsSimilarPrefix tells whether the brace is that of the first separator of a SQL pattern.
func (w *regexWriter) endsSimilarPrefix() bool {
	at := strings.Index(w.s, similarEnd)
	return at >= 0 && at+len("){1,1") == w.i && strings.HasPrefix(w.s, similarBegin)
}

// similarPrefix makes what stands before the first separator of a SQL pattern,
// ^(?:X){1,1}?(, match as little as it can: {1,1}? says that of all of X to PostgreSQL.
func similarPrefix(pattern, out string) string {
	begin := similarBegin[1:]
	from, to := strings.Index(out, begin), strings.Index(out, similarEnd)
	if to < from || from < 0 || !strings.HasPrefix(pattern, similarBegin) {
		return out
	}
	return out[:from] + "(?U:" + out[from+len(begin):to] + ")(" + out[to+len(similarEnd):]
}

// translateRegex writes an ARE in RE2's syntax. lazy tells that its
// first quantifier is not greedy.
func translateRegex(s string, f reFlags) (string, bool, error) {
	w := regexWriter{s: s, f: f}
	for w.i < len(w.s) {
		if err := w.atom(); err != nil {
			return "", false, err
		}
	}
	return similarPrefix(s, w.out.String()), w.lazy, nil
}

func (w *regexWriter) atom() error {
	c := w.s[w.i]
	switch {
	case c == '\\':
		return w.escape(false)
	case c == '[':
		return w.bracket()
	case c == '(' && strings.HasPrefix(w.s[w.i:], "(?"):
		return w.group()
	case w.f.expanded && (c == ' ' || c >= '\t' && c <= '\r'):
		w.i++
	case w.f.expanded && c == '#':
		for w.i < len(w.s) && w.s[w.i] != '\n' {
			w.i++
		}
	case c == '*' || c == '+' || c == '?' || c == '}':
		w.quantifier(c)
	case c == '{' && w.i+1 < len(w.s) && isDigit(w.s[w.i+1]):
		return w.bound()
	default:
		w.out.WriteByte(c)
		w.i++
	}
	return nil
}

// maxRepeat bounds the numbers of a bound, as PostgreSQL's DUPMAX.
const maxRepeat = 255

// operandMissing matches what is before a quantifier without an operand.
var operandMissing = regexp.MustCompile(`(^|[^\\])(^|[(|^])$`)

var regexBound = regexp.MustCompile(`^\{([0-9]+)(,([0-9]*))?\}`)

// bound copies a bound but for its closing brace, which RE2 takes for text where
// it is no bound.
func (w *regexWriter) bound() error {
	if operandMissing.MatchString(w.out.String()) {
		return errRegex("quantifier operand invalid")
	}
	m := regexBound.FindStringSubmatch(w.s[w.i:])
	if m == nil {
		return errRegex("invalid repetition count(s)")
	}
	for _, digits := range []string{m[1], m[3]} {
		if n, err := strconv.Atoi(digits); digits != "" && (err != nil || n > maxRepeat) {
			return errRegex("invalid repetition count(s)")
		}
	}
	w.out.WriteString(m[0][:len(m[0])-1])
	w.i += len(m[0]) - 1
	return nil
}

// quantifier copies a quantifier. In an ARE the first one decides for the whole:
// where it is not greedy, the shortest match counts, so all are made so; else the
// longest. The wrapper (?:...){1,1} is how one says that each decides for itself.
func (w *regexWriter) quantifier(c byte) {
	lazy := w.i+1 < len(w.s) && w.s[w.i+1] == '?'
	prefix := w.endsSimilarPrefix()
	if !w.quantified {
		w.quantified = true
		w.lazy = lazy
	}
	w.out.WriteByte(c)
	w.i++
	if lazy {
		w.i++
	}
	if prefix || lazy && w.lazy || w.lazy && !strings.Contains(w.s, "{1,1}") {
		w.out.WriteByte('?')
	}
}

func (w *regexWriter) group() error {
	rest := w.s[w.i+2:]
	switch {
	case strings.HasPrefix(rest, ":"):
		w.out.WriteString("(?:")
		w.i += 3
		return nil
	case strings.HasPrefix(rest, "#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return errRegex("parentheses () not balanced")
		}
		w.i += 2 + end + 1
		return nil
	case strings.HasPrefix(rest, "="), strings.HasPrefix(rest, "!"), strings.HasPrefix(rest, "<"):
		return errLookAround("look-ahead and look-behind constraints")
	}
	return errRegex("quantifier operand invalid")
}

// escapes maps the letters after a backslash to RE2.
var regexEscapes = map[byte]string{
	'A': `\A`, 'Z': `\z`, 'm': `\b`, 'M': `\b`, 'y': `\b`, 'Y': `\B`,
	'd': `\d`, 'D': `\D`, 's': `[\s\v]`, 'S': `[^\s\v]`,
	'w': `[\p{L}\p{Nd}_]`, 'W': `[^\p{L}\p{Nd}_]`,
	'a': `\a`, 'b': `\x08`, 'B': `\\`, 'e': `\x1b`, 'f': `\f`, 'n': `\n`, 'r': `\r`,
	't': `\t`, 'v': `\v`, '0': `\x00`,
}

// bracketEscapes are those that are written differently inside brackets.
var bracketEscapes = map[byte]string{
	's': `\s\v`, 'S': `\S`, 'w': `\p{L}\p{Nd}_`, 'W': `\W`,
}

func (w *regexWriter) escape(inBracket bool) error {
	if w.i+1 >= len(w.s) {
		return errRegex("invalid escape \\ sequence")
	}
	c := w.s[w.i+1]
	switch {
	case c == 'x' || c == 'u' || c == 'U':
		return w.codePoint(c)
	case c >= '1' && c <= '9':
		return errLookAround("back references")
	case c == 'c' && w.i+2 < len(w.s):
		w.out.WriteString(regexp.QuoteMeta(string(rune(w.s[w.i+2] & 31))))
		w.i += 3
		return nil
	}
	if e, ok := bracketEscapes[c]; ok && inBracket {
		w.out.WriteString(e)
		w.i += 2
		return nil
	}
	if e, ok := regexEscapes[c]; ok {
		if inBracket && strings.IndexByte("AZmMyY", c) >= 0 {
			return errRegex("invalid escape \\ sequence")
		}
		w.out.WriteString(e)
		w.i += 2
		return nil
	}
	if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
		return errRegex("invalid escape \\ sequence")
	}
	r, n := utf8.DecodeRuneInString(w.s[w.i+1:])
	w.out.WriteString(regexp.QuoteMeta(string(r)))
	w.i += 1 + n
	return nil
}

func (w *regexWriter) codePoint(c byte) error {
	digits := map[byte]int{'x': 8, 'u': 4, 'U': 8}[c]
	n := 0
	for n < digits && w.i+2+n < len(w.s) && isHex(w.s[w.i+2+n]) {
		n++
	}
	if n == 0 || c != 'x' && n < digits {
		return errRegex("invalid escape \\ sequence")
	}
	w.out.WriteString(`\x{` + w.s[w.i+2:w.i+2+n] + `}`)
	w.i += 2 + n
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// bracket copies a bracket expression. RE2 reads [ inside as a class only before
// a colon, as POSIX does.
func (w *regexWriter) bracket() error {
	rest := w.s[w.i:]
	for _, b := range []string{"[[:<:]]", "[[:>:]]"} {
		if strings.HasPrefix(rest, b) {
			w.out.WriteString(`\b`)
			w.i += len(b)
			return nil
		}
	}
	w.out.WriteByte('[')
	w.i++
	negated := w.i < len(w.s) && w.s[w.i] == '^'
	if negated {
		w.out.WriteByte('^')
		w.i++
		if !w.f.dotNewline {
			w.out.WriteString(`\n`)
		}
	}
	for first := true; ; first = false {
		if w.i >= len(w.s) {
			return errRegex("brackets [] not balanced")
		}
		switch c := w.s[w.i]; {
		case c == ']' && !first:
			w.out.WriteByte(']')
			w.i++
			return nil
		case c == ']':
			w.out.WriteString(`\]`)
			w.i++
		case c == '\\':
			if err := w.escape(true); err != nil {
				return err
			}
		case c == '[':
			if err := w.bracketClass(); err != nil {
				return err
			}
		default:
			w.out.WriteByte(c)
			w.i++
		}
	}
}

// bracketClass copies [:class:], [.x.] or [=x=] inside brackets.
func (w *regexWriter) bracketClass() error {
	if w.i+1 >= len(w.s) {
		return errRegex("brackets [] not balanced")
	}
	kind := w.s[w.i+1]
	if kind != ':' && kind != '.' && kind != '=' {
		w.out.WriteString(`\[`)
		w.i++
		return nil
	}
	end := strings.Index(w.s[w.i+2:], string(kind)+"]")
	if end < 0 {
		return errRegex("brackets [] not balanced")
	}
	name := w.s[w.i+2 : w.i+2+end]
	if kind != ':' {
		if utf8.RuneCountInString(name) != 1 {
			return errRegex("invalid collating element")
		}
		w.out.WriteString(regexp.QuoteMeta(name))
	} else if class, ok := regexClasses[name]; ok {
		w.out.WriteString(class)
	} else {
		return errRegex("invalid character class")
	}
	w.i += 4 + end
	return nil
}

var regexClasses = map[string]string{
	"alnum": `\p{L}\p{Nd}`, "alpha": `\p{L}`, "blank": ` \t`, "cntrl": `[:cntrl:]`, "digit": `0-9`,
	"graph": `[:graph:]`, "lower": `\p{Ll}`, "print": `[:print:]`, "punct": `[:punct:]`,
	"space": `\s\v`, "upper": `\p{Lu}`, "xdigit": `[:xdigit:]`, "word": `\w`,
}
