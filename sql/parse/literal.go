package parse

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// foldName returns the name that an unquoted word stands for. Only ASCII is folded, as
// PostgreSQL does with UTF-8.
func foldName(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c | 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

// quotedNameText returns the name that "x", `x` or U&"x" stands for, with the escape
// character of U&.
func quotedNameText(s string, escape byte, offset int) string {
	unicode := s[0]|0x20 == 'u'
	if unicode {
		s = s[2:]
	}
	quote := s[:1]
	s = s[1 : len(s)-1]
	if strings.Contains(s, quote) {
		s = strings.ReplaceAll(s, quote+quote, quote)
	}
	if unicode {
		s = unescapeUnicode(s, escape, offset)
	}
	return s
}

// stringText returns the value of a string token s; escape is the escape character of U&”.
func stringText(s string, escape byte, offset int) string {
	switch s[0] {
	case '$':
		k := strings.IndexByte(s[1:], '$') + 2
		return s[k : len(s)-k]
	case 'E', 'e':
		return unescapeC(s[1:], offset)
	case 'U', 'u':
		return unescapeUnicode(plainString(s[2:]), escape, offset)
	case 'N', 'n':
		return plainString(s[1:])
	}
	return plainString(s)
}

// plainString undoes doubled quotes and joins 'a' newline 'b'. s begins and ends with a quote.
func plainString(s string) string {
	inner := s[1 : len(s)-1]
	if strings.IndexByte(inner, '\'') < 0 {
		return inner
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\'' {
			i++
			if inner[i] != '\'' {
				i = continuation(inner, i) - 1
				continue
			}
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}

// unescapeC reads the inside of E'...' by the rules of C. s begins and ends with a quote.
func unescapeC(s string, offset int) string {
	inner := s[1 : len(s)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return plainString(s)
	}
	u := unescaper{s: inner, base: offset + 2}
	for u.i < len(u.s) {
		switch c := u.s[u.i]; c {
		case '\'':
			u.i++
			if u.s[u.i] == '\'' {
				u.b.WriteByte('\'')
				u.i++
			} else {
				u.i = continuation(u.s, u.i)
			}
		case '\\':
			u.i++
			u.escape()
		default:
			u.b.WriteByte(c)
			u.i++
		}
	}
	out := u.b.String()
	checkUTF8(out)
	return out
}

type unescaper struct {
	s    string
	i    int
	base int // offset of s in the text
	b    strings.Builder
}

// escape reads what follows a backslash.
func (u *unescaper) escape() {
	if u.i >= len(u.s) {
		return
	}
	c := u.s[u.i]
	u.i++
	switch c {
	case 'n':
		u.b.WriteByte('\n')
	case 't':
		u.b.WriteByte('\t')
	case 'r':
		u.b.WriteByte('\r')
	case 'b':
		u.b.WriteByte('\b')
	case 'f':
		u.b.WriteByte('\f')
	case 'x':
		if v, n := u.digits(16, 2); n > 0 {
			u.b.WriteByte(byte(v))
		} else {
			u.b.WriteByte('x')
		}
	case 'u':
		u.unicode(4)
	case 'U':
		u.unicode(8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		u.i--
		v, _ := u.digits(8, 3)
		u.b.WriteByte(byte(v))
	default:
		u.b.WriteByte(c)
	}
}

// digits reads up to limit digits of a base and returns their value and count.
func (u *unescaper) digits(base, limit int) (v, n int) {
	for n < limit && u.i < len(u.s) {
		d := hexDigit(u.s[u.i])
		if d < 0 || d >= base {
			break
		}
		v = v*base + d
		u.i++
		n++
	}
	return v, n
}

func (u *unescaper) unicode(want int) {
	start := u.i - 2 // of the backslash
	v, n := u.digits(16, want)
	if n < want {
		bailAt(sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid Unicode escape").
			WithHint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX."), u.base+start)
	}
	if r := rune(v); utf16.IsSurrogate(r) {
		if strings.HasPrefix(u.s[u.i:], "\\u") {
			u.i += 2
			low, n := u.digits(16, 4)
			if pair := utf16.DecodeRune(r, rune(low)); n == 4 && pair != utf8.RuneError {
				u.b.WriteRune(pair)
				return
			}
		}
		near := "'"
		if u.i < len(u.s) {
			near = string([]rune(u.s[u.i:])[0])
		}
		bailAt(sqlerr.New(sqlerr.SyntaxError,
			"invalid Unicode surrogate pair at or near \"%s\"", near), u.base+u.i)
	}
	if v == 0 || v > utf8.MaxRune {
		bailAt(sqlerr.New(sqlerr.SyntaxError,
			"invalid Unicode escape value at or near \"%s\"", u.s[start:u.i]), u.base+start)
	}
	u.b.WriteRune(rune(v))
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// unescapeUnicode reads the escapes of U&'...': \XXXX, \+XXXXXX and \\, with any escape
// character.
func unescapeUnicode(s string, escape byte, offset int) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	u := unescaper{s: s, base: offset + 3}
	high := rune(0) // the first half of a surrogate pair
	for u.i < len(s) {
		if s[u.i] != escape {
			if high != 0 {
				u.invalidSurrogate()
			}
			u.b.WriteByte(s[u.i])
			u.i++
			continue
		}
		u.i++
		if u.i < len(s) && s[u.i] == escape {
			u.b.WriteByte(escape)
			u.i++
			continue
		}
		high = u.uescape(high)
	}
	if high != 0 {
		u.invalidSurrogate()
	}
	return u.b.String()
}

// uescape reads the digits after the escape character; it returns the first half of a
// surrogate pair that still needs its second, or 0.
func (u *unescaper) uescape(high rune) rune {
	start, want := u.i-1, 4
	if u.i < len(u.s) && u.s[u.i] == '+' {
		want = 6
		u.i++
	}
	v, n := u.digits(16, want)
	if n < want {
		bailAt(sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape").
			WithHint("Unicode escapes must be \\XXXX or \\+XXXXXX."), u.base+start)
	}
	r := rune(v)
	if high != 0 {
		pair := utf16.DecodeRune(high, r)
		if pair == utf8.RuneError {
			u.invalidSurrogate()
		}
		u.b.WriteRune(pair)
		return 0
	}
	if r >= 0xd800 && r < 0xdc00 {
		return r
	}
	if utf16.IsSurrogate(r) {
		u.invalidSurrogate()
	}
	if v == 0 || v > utf8.MaxRune {
		bailAt(sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape value"), u.base+start)
	}
	u.b.WriteRune(r)
	return 0
}

func (u *unescaper) invalidSurrogate() {
	bailAt(sqlerr.New(sqlerr.SyntaxError, "invalid Unicode surrogate pair"), u.base+u.i)
}

// checkUTF8 refuses text that is not UTF-8 or has a zero byte, as PostgreSQL does: without a
// position.
func checkUTF8(s string) {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && size == 1 {
			panic(bail{sqlerr.New(sqlerr.CharacterNotInRepertoire,
				"invalid byte sequence for encoding \"UTF8\": 0x%02x", s[i])})
		}
		i += size
	}
}
