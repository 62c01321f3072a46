package expr

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// likeShape is what a pattern without _ and \ amounts to.
type likeShape uint8

const (
	likeGeneral likeShape = iota
	likeExact
	likePrefix
	likeSuffix
	likeContains
)

// shapeOf recognises the patterns that need no matcher.
func shapeOf(p []byte) (likeShape, []byte) {
	if bytes.ContainsAny(p, "_\\") {
		return likeGeneral, p
	}
	switch n := bytes.Count(p, []byte{'%'}); {
	case n == 0:
		return likeExact, p
	case n == 1 && p[len(p)-1] == '%':
		return likePrefix, p[:len(p)-1]
	case n == 1 && p[0] == '%':
		return likeSuffix, p[1:]
	case n == 2 && len(p) > 1 && p[0] == '%' && p[len(p)-1] == '%':
		return likeContains, p[1 : len(p)-1]
	}
	return likeGeneral, p
}

// likeKernel is LIKE, with fold ILIKE; bytewise says that _ is one byte.
func likeKernel(fold, not, bytewise bool) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		shape, lit := likeGeneral, []byte(nil)
		if args[1].Const && !fold {
			shape, lit = shapeOf(args[1].Bytes(0))
		}
		s := args[0]
		switch shape {
		case likeExact:
			for _, r := range rows {
				out.Bool[r] = string(s.Bytes(int(r))) == string(lit) != not
			}
		case likePrefix:
			for _, r := range rows {
				out.Bool[r] = bytes.HasPrefix(s.Bytes(int(r)), lit) != not
			}
		case likeSuffix:
			for _, r := range rows {
				out.Bool[r] = bytes.HasSuffix(s.Bytes(int(r)), lit) != not
			}
		case likeContains:
			for _, r := range rows {
				out.Bool[r] = bytes.Contains(s.Bytes(int(r)), lit) != not
			}
		default:
			for k, r := range rows {
				m := likeMatcher{p: args[1].Bytes(int(r)), fold: fold, bytewise: bytewise}
				ok, err := m.match(s.Bytes(int(r)))
				if err != nil {
					return rowErr(k, err)
				}
				out.Bool[r] = ok != not
			}
		}
		return nil
	}
}

// MatchesLike tells whether a text is LIKE a pattern.
func MatchesLike(text, pattern string) (bool, error) {
	m := likeMatcher{p: []byte(pattern)}
	return m.match([]byte(text))
}

// likeMatcher matches one pattern: greedily, with one point to go back to, since
// only the last % can ever matter.
type likeMatcher struct {
	p        []byte
	fold     bool
	bytewise bool
}

func (m *likeMatcher) match(s []byte) (bool, error) {
	p := m.p
	i, j := 0, 0
	backP, backS := -1, 0
	for i < len(s) || j < len(p) {
		if j < len(p) {
			if p[j] == '%' {
				backP, backS = j, i
				j++
				continue
			}
			if i < len(s) {
				n, w, ok, err := m.one(s[i:], p[j:])
				if err != nil {
					return false, err
				}
				if ok {
					i, j = i+n, j+w
					continue
				}
			}
		}
		if backP < 0 || backS >= len(s) {
			return false, nil
		}
		backS += m.width(s[backS:])
		i, j = backS, backP+1
	}
	return true, nil
}

func errLikeEscape() error {
	return sqlerr.New(sqlerr.InvalidEscapeSequence,
		"LIKE pattern must not end with escape character")
}

func (m *likeMatcher) width(s []byte) int {
	if m.bytewise || s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(s)
	return n
}

// one matches one character of s against one element of p other than %, and
// gives the bytes that both took.
func (m *likeMatcher) one(s, p []byte) (n, w int, ok bool, err error) {
	if p[0] == '_' {
		return m.width(s), 1, true, nil
	}
	if p[0] == '\\' {
		if len(p) == 1 {
			return 0, 0, false, errLikeEscape()
		}
		p, w = p[1:], 1
	}
	if s[0] == p[0] && s[0] < utf8.RuneSelf {
		return 1, w + 1, true, nil
	}
	if m.bytewise {
		return 1, w + 1, s[0] == p[0], nil
	}
	a, n := utf8.DecodeRune(s)
	b, k := utf8.DecodeRune(p)
	ok = a == b || m.fold && unicode.ToLower(a) == unicode.ToLower(b)
	return n, w + k, ok, nil
}

// likeEscape rewrites a pattern with another escape character to one with \.
func likeEscape(p, esc string) (string, error) {
	if esc == "\\" {
		return p, nil
	}
	if esc == "" {
		return strings.ReplaceAll(p, "\\", "\\\\"), nil
	}
	if utf8.RuneCountInString(esc) != 1 {
		return "", errEscapeString()
	}
	var b strings.Builder
	after := false
	for _, r := range p {
		switch {
		case string(r) == esc && !after:
			b.WriteByte('\\')
			after = true
		case r == '\\':
			b.WriteByte('\\')
			if !after {
				b.WriteByte('\\')
			}
			after = false
		default:
			b.WriteRune(r)
			after = false
		}
	}
	return b.String(), nil
}

func errEscapeString() error {
	return sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
		WithHint("Escape string must be empty or one character.")
}

func defineLike(r *registry) {
	for _, l := range []string{"text", "bpchar", "name"} {
		r.op("~~("+l+", text) bool", likeKernel(false, false, false), "LIKE", "'abc'::"+l+" ~~ 'a%'")
		r.op("!~~("+l+", text) bool", likeKernel(false, true, false), "NOT LIKE",
			"'abc'::"+l+" !~~ '_b_'")
		r.op("~~*("+l+", text) bool", likeKernel(true, false, false), "ILIKE",
			"'ABC'::"+l+" ~~* 'a%'")
		r.op("!~~*("+l+", text) bool", likeKernel(true, true, false), "NOT ILIKE",
			"'ABC'::"+l+" !~~* '%b'")
	}
	r.op("~~(bytea, bytea) bool", likeKernel(false, false, true), "LIKE", "'abc'::bytea ~~ 'a%'")
	r.op("!~~(bytea, bytea) bool", likeKernel(false, true, true), "NOT LIKE",
		"'abc'::bytea !~~ 'a%'")
	r.fn("like_escape(text, text) text", likeEscape, "pattern with another escape character",
		"like_escape('a#%%', '#')")
	r.fn("like(text, text) bool", likeKernel(false, false, false), "LIKE", "\"like\"('abc', 'a%')")
	r.fn("notlike(text, text) bool", likeKernel(false, true, false), "NOT LIKE",
		"notlike('abc', 'a%')")
}

// similarPattern writes a SIMILAR TO pattern as an anchored regular expression,
// as PostgreSQL's similar_to_escape does.
func similarPattern(p, esc string) (string, error) {
	if utf8.RuneCountInString(esc) > 1 {
		return "", errEscapeString()
	}
	w := similarWriter{esc: esc}
	w.out.WriteString("^(?:")
	for _, r := range p {
		if err := w.rune(r); err != nil {
			return "", err
		}
	}
	w.out.WriteString(")$")
	return w.out.String(), nil
}

type similarWriter struct {
	out    strings.Builder
	esc    string
	after  bool // an escape character came before
	quotes int  // escape-double-quote separators seen
	depth  int  // of brackets: those inside are the [: :], [. .] and [= =] of a class
	begun  int  // 1 after the bracket of a class, more after its ^, classBegun after that
}

// classBegun is where a ] ends a class: one that comes first is a character of it.
const classBegun = 3

func (w *similarWriter) rune(r rune) error {
	switch {
	case w.after:
		w.after = false
		if r == '"' && w.depth == 0 {
			return w.separator()
		}
		w.out.WriteByte('\\')
		w.out.WriteRune(r)
		if r < utf8.RuneSelf || len(w.esc) <= 1 {
			w.begun = classBegun
		}
	case string(r) == w.esc:
		w.after = true
	case r >= utf8.RuneSelf && len(w.esc) > 1: // does not begin a class in PostgreSQL
		w.out.WriteRune(r)
	case w.depth > 0:
		w.inClass(r)
	case r == '[':
		w.out.WriteByte('[')
		w.depth, w.begun = 1, 1
	case r == '%':
		w.out.WriteString(".*")
	case r == '_':
		w.out.WriteByte('.')
	case r == '(':
		w.out.WriteString("(?:")
	case r == '\\' || r == '.' || r == '^' || r == '$':
		w.out.WriteByte('\\')
		w.out.WriteRune(r)
	default:
		w.out.WriteRune(r)
	}
	return nil
}

// inClass writes a character of a class, and sees where the class ends.
func (w *similarWriter) inClass(r rune) {
	if r == '\\' {
		w.out.WriteByte('\\')
	}
	w.out.WriteRune(r)
	switch {
	case r == ']' && w.begun >= classBegun:
		w.depth--
	case r == '[':
		w.depth++
		w.begun = classBegun
	case r == '^':
		w.begun++
	default:
		w.begun = classBegun
	}
}

// separator is escape-double-quote: the text between two of them is the result
// of substring.
func (w *similarWriter) separator() error {
	switch w.quotes {
	case 0:
		w.out.WriteString("){1,1}?(")
	case 1:
		w.out.WriteString("){1,1}(?:")
	default:
		return sqlerr.New(sqlerr.InvalidUseOfEscapeCharacter,
			"SQL regular expression may not contain more than two escape-double-quote separators")
	}
	w.quotes++
	return nil
}

func substringSimilar(a []types.Datum) (types.Datum, error) {
	src, err := similarPattern(a[1].S, a[2].S)
	if err != nil {
		return types.NullDatum, err
	}
	return substringRegex([]types.Datum{a[0], types.TextDatum(src)})
}
