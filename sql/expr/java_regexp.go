package expr

import (
	"regexp"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// javaFlag is the key of Java's patterns in the cache of patterns.
const javaFlag = "java"

// compileJava gives the compiled form of a pattern of java.util.regex. Like all
// patterns it runs on RE2: look-around and back references are refused, possessive
// quantifiers are greedy.
func compileJava(src string) (*pattern, error) {
	return cachedPattern(src, javaFlag, func(src, _ string) (*pattern, error) {
		w := javaRegexWriter{s: src}
		text, err := w.translate()
		if err != nil {
			return nil, err
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, regexError(err)
		}
		again := re.MatchString("") && !strings.ContainsAny(text, "^$") && !strings.Contains(text, `\b`)
		return &pattern{re: re, again: again}, nil
	})
}

// javaRegexWriter writes a pattern in the syntax of package regexp.
type javaRegexWriter struct {
	s      string
	i      int
	b      strings.Builder
	dotAll bool
}

// javaLineEnds are the characters that a dot does not match.
const javaLineEnds = `\n\r\x{85}\x{2028}\x{2029}`

// javaBlanks are those of \s.
const javaBlanks = ` \t\n\v\f\r`

func (w *javaRegexWriter) translate() (string, error) {
	for w.i < len(w.s) {
		switch c := w.s[w.i]; c {
		case '\\':
			if err := w.escape(false); err != nil {
				return "", err
			}
		case '[':
			if err := w.class(); err != nil {
				return "", err
			}
		case '(':
			if err := w.group(); err != nil {
				return "", err
			}
		case '.':
			w.i++
			if w.dotAll {
				w.b.WriteByte('.')
			} else {
				w.b.WriteString("[^" + javaLineEnds + "]")
			}
		case '*', '+', '?', '}':
			w.i++
			w.b.WriteByte(c)
			if w.i < len(w.s) && w.s[w.i] == '+' && (c != '}' || w.closesBound()) {
				w.i++ // possessive
			}
		default:
			w.i++
			w.b.WriteByte(c)
		}
	}
	return w.b.String(), nil
}

// closesBound tells whether the brace just read closes {n,m}.
func (w *javaRegexWriter) closesBound() bool {
	open := strings.LastIndexByte(w.s[:w.i-1], '{')
	return open > 0 && strings.Trim(w.s[open+1:w.i-1], "0123456789,") == ""
}

// group reads the beginning of a group.
func (w *javaRegexWriter) group() error {
	rest := w.s[w.i:]
	if !strings.HasPrefix(rest, "(?") || len(rest) < 3 {
		w.i++
		w.b.WriteByte('(')
		return nil
	}
	switch c := rest[2]; {
	case c == '=' || c == '!':
		return errLookAround("lookahead")
	case c == '<' && len(rest) > 3 && (rest[3] == '=' || rest[3] == '!'):
		return errLookAround("lookbehind")
	case c == '>':
		w.i += 3
		w.b.WriteString("(?:")
		return nil
	case c == '<' || c == ':':
		w.i += 3
		w.b.WriteString(rest[:3])
		return nil
	}
	end := strings.IndexAny(rest, ":)")
	if end < 0 {
		return errRegex("parentheses () not balanced")
	}
	on, off, _ := strings.Cut(rest[2:end], "-")
	if strings.Contains(on, "x") {
		return sqlerr.New(sqlerr.FeatureNotSupported, "regular expression flag (?x) is not supported").
			WithHint("Write the pattern without comments and blanks.")
	}
	keep := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune("ims", r) {
				return r
			}
			return -1
		}, s)
	}
	w.dotAll = w.dotAll && !strings.Contains(off, "s") || strings.Contains(on, "s")
	on, off = keep(on), keep(off)
	if off != "" {
		off = "-" + off
	}
	w.i += end + 1
	switch {
	case on+off != "":
		w.b.WriteString("(?" + on + off + rest[end:end+1])
	case rest[end] == ':':
		w.b.WriteString("(?:")
	}
	return nil
}

// class reads a character class; those within it add to it.
func (w *javaRegexWriter) class() error {
	depth := 0
	for w.i < len(w.s) {
		switch c := w.s[w.i]; {
		case c == '[' && depth == 0:
			depth++
			w.i++
			w.b.WriteByte('[')
			if w.i < len(w.s) && w.s[w.i] == '^' {
				w.i++
				w.b.WriteByte('^')
			}
		case c == '[':
			if strings.HasPrefix(w.s[w.i:], "[^") {
				return errClass()
			}
			depth++
			w.i++
		case c == ']':
			depth--
			w.i++
			if depth == 0 {
				w.b.WriteByte(']')
				return nil
			}
		case strings.HasPrefix(w.s[w.i:], "&&"):
			return errClass()
		case c == '\\':
			if err := w.escape(true); err != nil {
				return err
			}
		default:
			w.i++
			w.b.WriteByte(c)
		}
	}
	return errRegex("brackets [] not balanced")
}

func errClass() error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"intersections in character classes are not supported").
		WithHint("Write the characters that are left.")
}

// javaEscapes are the escapes that package regexp writes otherwise: outside of a
// character class, and inside of one.
var javaEscapes = map[byte][2]string{
	's': {"[" + javaBlanks + "]", javaBlanks}, 'S': {"[^" + javaBlanks + "]", `\S`},
	'e': {`\x{1b}`, `\x{1b}`}, 'Z': {`\z`, ""}, 'R': {`(?:\r\n|[\n\v\f` + javaLineEnds + `])`, ""},
	'h': {`[ \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]`,
		` \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`},
	'v': {`[\v\f` + javaLineEnds + `]`, `\v\f` + javaLineEnds},
	'G': {"", ""}, 'X': {"", ""}, 'k': {"", ""},
}

// escape reads what a backslash begins.
func (w *javaRegexWriter) escape(inClass bool) error {
	if w.i+1 >= len(w.s) {
		return errRegex("invalid escape \\ sequence")
	}
	c := w.s[w.i+1]
	switch e, special := javaEscapes[c]; {
	case c >= '1' && c <= '9':
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"regular expression back references are not supported")
	case c == 'Q':
		quoted, rest, _ := strings.Cut(w.s[w.i+2:], `\E`)
		w.b.WriteString(regexp.QuoteMeta(quoted))
		w.i = len(w.s) - len(rest)
	case c == 'u' && w.i+6 <= len(w.s):
		w.b.WriteString(`\x{` + w.s[w.i+2:w.i+6] + `}`)
		w.i += 6
	case c == 'p' || c == 'P':
		w.property(c == 'P', inClass)
	case special:
		text := e[0]
		if inClass {
			text = e[1]
		}
		if text == "" {
			return errRegex("invalid escape \\ sequence")
		}
		w.i += 2
		w.b.WriteString(text)
	case isLetter(c) || isDigit(c) || c >= 0x80:
		w.b.WriteString(w.s[w.i : w.i+2])
		w.i += 2
	default:
		w.b.WriteString(regexp.QuoteMeta(w.s[w.i+1 : w.i+2]))
		w.i += 2
	}
	return nil
}

// javaProperties are the classes of characters that have other names in package
// regexp, as they are written inside of brackets.
var javaProperties = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7f`, "Alpha": "a-zA-Z", "Digit": "0-9",
	"Alnum": "a-zA-Z0-9", "Punct": "!-/:-@[-`{-~", "Graph": "!-~", "Print": " -~", "Blank": ` \t`,
	"Cntrl": `\x00-\x1f\x7f`, "XDigit": "0-9a-fA-F", "Space": javaBlanks,
	"javaLowerCase": `\p{Ll}`, "javaUpperCase": `\p{Lu}`, "IsAlphabetic": `\p{L}\p{Nl}`,
	"IsLetter": `\p{L}`, "IsDigit": `\p{Nd}`, "IsUppercase": `\p{Lu}`, "IsLowercase": `\p{Ll}`,
	"IsPunctuation": `\p{P}`, "IsWhite_Space": javaBlanks + `\x{85}\p{Z}`,
}

// property reads \p{...}.
func (w *javaRegexWriter) property(not, inClass bool) {
	name, end := "", w.i+2
	if end < len(w.s) && w.s[end] == '{' {
		if n := strings.IndexByte(w.s[end:], '}'); n > 0 {
			name, end = w.s[end+1:end+n], end+n+1
		}
	} else if end < len(w.s) {
		name, end = w.s[end:end+1], end+1
	}
	w.i = end
	p := "p"
	if not {
		p = "P"
	}
	set, ok := javaProperties[name]
	switch {
	case !ok:
		w.b.WriteString(`\` + p + `{` + strings.TrimPrefix(name, "Is") + `}`)
	case inClass && !not:
		w.b.WriteString(set)
	case not:
		w.b.WriteString("[^" + set + "]")
	default:
		w.b.WriteString("[" + set + "]")
	}
}

// javaSplit is Pattern.split: matches without characters at the beginning do not
// count, and empty texts at the end are dropped.
func javaSplit(p *pattern, s string) []string {
	var out []string
	at := 0
	for _, m := range p.all(s) {
		if m[0] == 0 && m[1] == 0 {
			continue
		}
		out = append(out, s[at:m[0]])
		at = m[1]
	}
	if at == 0 {
		return []string{s}
	}
	out = append(out, s[at:])
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// splitRegexp splits as ksqlDB does: as Pattern.split where the pattern matches the
// empty text, else with the empty texts at the ends.
func splitRegexp(p *pattern, s string) []string {
	if p.re.MatchString("") {
		return javaSplit(p, s)
	}
	var out []string
	at := 0
	for _, m := range p.all(s) {
		out = append(out, s[at:m[0]])
		at = m[1]
	}
	return append(out, s[at:])
}

func errReplacement(s string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid replacement \"%s\"", s).
		WithHint("$1 is a group, ${name} one of that name, and \\$ a dollar sign.")
}

// javaReplace replaces every match.
func javaReplace(p *pattern, s, repl string) (string, error) {
	ms := p.all(s)
	if len(ms) == 0 {
		return s, nil
	}
	var b []byte
	at := 0
	for _, m := range ms {
		b = append(b, s[at:m[0]]...)
		var ok bool
		if b, ok = appendReplacement(b, p, s, repl, m); !ok {
			return "", errReplacement(repl)
		}
		at = m[1]
		if len(b) > maxText {
			return "", errTooLarge()
		}
	}
	return string(append(b, s[at:]...)), nil
}

// appendReplacement writes the replacement of one match.
func appendReplacement(b []byte, p *pattern, s, repl string, m []int) ([]byte, bool) {
	group := func(n int) bool {
		if n < 0 || 2*n+1 >= len(m) {
			return false
		}
		if m[2*n] >= 0 {
			b = append(b, s[m[2*n]:m[2*n+1]]...)
		}
		return true
	}
	for i := 0; i < len(repl); i++ {
		switch {
		case repl[i] == '\\':
			if i++; i == len(repl) {
				return b, false
			}
			b = append(b, repl[i])
		case repl[i] != '$':
			b = append(b, repl[i])
		case strings.HasPrefix(repl[i:], "${"):
			name, _, ok := strings.Cut(repl[i+2:], "}")
			if !ok || !group(p.re.SubexpIndex(name)) {
				return b, false
			}
			i += len(name) + 2
		default:
			n, w := digitsAt(repl, i+1, 1)
			if w == 0 {
				return b, false
			}
			for i++; i+1 < len(repl) && isDigit(repl[i+1]); i++ {
				next := n*10 + int(repl[i+1]-'0')
				if 2*next+1 >= len(m) {
					break
				}
				n = next
			}
			if !group(n) {
				return b, false
			}
		}
	}
	return b, true
}
