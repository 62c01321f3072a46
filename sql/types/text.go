package types

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

const maxNameBytes = 63

// ParseBool reads a boolean: unique prefixes of true, false, yes, no, on, off,
// and 1, 0.
func ParseBool(s string) (bool, error) {
	switch s {
	case "t", "true":
		return true, nil
	case "f", "false":
		return false, nil
	}
	t := strings.ToLower(trimSpace(s))
	switch {
	case t == "":
	case t == "1" || t == "on":
		return true, nil
	case t == "0" || len(t) > 1 && strings.HasPrefix("off", t):
		return false, nil
	case strings.HasPrefix("true", t) || strings.HasPrefix("yes", t):
		return true, nil
	case strings.HasPrefix("false", t) || strings.HasPrefix("no", t):
		return false, nil
	}
	return false, errSyntax("boolean", s)
}

// AppendBoolText writes t or f.
func AppendBoolText(dst []byte, v bool) []byte {
	if v {
		return append(dst, 't')
	}
	return append(dst, 'f')
}

// ValidText refuses text that is not UTF-8 or holds a zero byte, with
// PostgreSQL's 22021.
func ValidText(s string) error {
	ascii := true
	for i := range len(s) {
		if c := s[i]; c == 0 || c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return nil
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && n <= 1 {
			return errBadUTF8(s[i:])
		}
		i += n
	}
	return nil
}

// errBadUTF8 reports the bytes of the malformed character at the start of s.
func errBadUTF8(s string) error {
	n := 1
	switch c := s[0]; {
	case c >= 0xf0 && c < 0xf8:
		n = 4
	case c >= 0xe0:
		n = 3
	case c >= 0xc0:
		n = 2
	}
	if s[0] >= 0xf8 {
		n = 1
	}
	const hex = "0123456789abcdef"
	var b []byte
	for i := range min(n, len(s)) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, '0', 'x', hex[s[i]>>4], hex[s[i]&15])
	}
	return sqlerr.New(sqlerr.CharacterNotInRepertoire,
		"invalid byte sequence for encoding \"UTF8\": %s", b)
}

// runeCount counts characters; malformed bytes count one each.
func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runePrefix gives the bytes of the first n characters' end, or -1 when s has
// no more than n characters.
func runePrefix(s string, n int) int {
	if len(s) <= n {
		return -1
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return -1
}

// CoerceText applies the modifier of varchar(n) or character(n). An explicit
// cast cuts silently; else only blanks may be cut.
func CoerceText(t Type, s string, explicit bool) (string, error) {
	n := int(t.MaxLength())
	if n == 0 {
		return s, nil
	}
	if cut := runePrefix(s, n); cut >= 0 {
		if !explicit && strings.TrimRight(s[cut:], " ") != "" {
			return "", sqlerr.New(sqlerr.StringDataRightTruncation, "value too long for type %s", t)
		}
		return s[:cut], nil
	}
	if t.Kind == Bpchar {
		if pad := n - runeCount(s); pad > 0 {
			return s + strings.Repeat(" ", pad), nil
		}
	}
	return s, nil
}

// truncateName cuts a name to 63 bytes at a character boundary.
func truncateName(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	n := maxNameBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// trimBlanks cuts the trailing blanks that do not count in a bpchar.
func trimBlanks(s string) string { return strings.TrimRight(s, " ") }
