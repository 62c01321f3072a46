package expr

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// javaUTF8 decodes bytes as Java does: each sequence that is broken off, and each
// byte that begins none, becomes U+FFFD.
func javaUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError || w > 1 {
			b.WriteString(s[i : i+w])
			i += w
			continue
		}
		b.WriteRune(utf8.RuneError)
		i += brokenLength(s[i:])
	}
	return b.String()
}

// brokenLength is the length of the longest beginning of a UTF-8 sequence.
func brokenLength(s string) int {
	need, low, high := 0, byte(0x80), byte(0xBF)
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c >= 0xE0 && c <= 0xEF:
		need = 2
		if c == 0xE0 {
			low = 0xA0 // surrogates are one broken sequence
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 3
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	}
	n := 1
	for ; need > 0 && n < len(s) && s[n] >= low && s[n] <= high; need-- {
		n, low, high = n+1, 0x80, 0xBF
	}
	return n
}

// toBytes gives the bytes of a text in an encoding.
func toBytes(s, enc string) (string, error) {
	switch strings.ToLower(enc) {
	case "utf8":
		return s, nil
	case "ascii":
		return toASCII(s), nil
	case "hex":
		return hexBytes(s)
	case "base64":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			b, err = base64.RawStdEncoding.DecodeString(s) // the padding may be missing
		}
		if err != nil {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid base64 data: \"%s\"", s)
		}
		return string(b), nil
	}
	return "", errKsqlEncoding(enc)
}

func hexBytes(s string) (string, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data: \"%s\"", s)
	}
	return string(b), nil
}

func errKsqlEncoding(enc string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", enc).
		WithHint("Encodings are hex, utf8, ascii and base64.")
}

// fromBytes gives the text of bytes in an encoding.
func fromBytes(b, enc string) (string, error) {
	switch strings.ToLower(enc) {
	case "utf8":
		return noZero(javaUTF8(b))
	case "ascii":
		return noZero(fromASCII(b))
	case "hex":
		return strings.ToUpper(hex.EncodeToString([]byte(b))), nil
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(b)), nil
	}
	return "", errKsqlEncoding(enc)
}

// noZero refuses the character that no text can have.
func noZero(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "text cannot have the character of code 0")
	}
	return s, nil
}

// fromASCII replaces each byte that ASCII does not have by U+FFFD.
func fromASCII(b string) string {
	var out strings.Builder
	for i := range len(b) {
		if b[i] < utf8.RuneSelf {
			out.WriteByte(b[i])
		} else {
			out.WriteRune(utf8.RuneError)
		}
	}
	return out.String()
}

// toASCII replaces each character that ASCII does not have by a question mark.
func toASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return '?'
	}, s)
}

// recode is ksqlDB's encode: hexadecimal data may begin with 0x or stand in X”,
// base64 may have characters that count for nothing.
func recode(s, from, to string) (string, error) {
	from, to = strings.ToLower(from), strings.ToLower(to)
	if from == to {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "encodings \"%s\" and \"%s\" are the same",
			from, to)
	}
	var b string
	var err error
	switch from {
	case "hex":
		b, err = hexBytes(bareHex(s))
	case "base64":
		b = looseBase64(s)
	default:
		b, err = toBytes(s, from)
	}
	if err != nil {
		return "", err
	}
	if to == "hex" {
		return hex.EncodeToString([]byte(b)), nil
	}
	return fromBytes(b, to)
}

func bareHex(s string) string {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		if len(digits)%2 == 1 {
			digits = "0" + digits
		}
		return digits
	}
	if len(s) >= 3 && s[0]|0x20 == 'x' && s[1] == '\'' && s[len(s)-1] == '\'' {
		return s[2 : len(s)-1]
	}
	return s
}

// looseBase64 decodes the characters that belong to base64, of both alphabets, up
// to the padding.
func looseBase64(s string) string {
	s, _, _ = strings.Cut(s, "=")
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r < utf8.RuneSelf && (isLetter(byte(r)) || isDigit(byte(r))) || r == '+' || r == '/':
			return r
		}
		return -1
	}, s)
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil {
		return ""
	}
	return string(b)
}
