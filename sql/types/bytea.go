package types

import (
	"github.com/millracedb/millrace/sql/sqlerr"
)

const hexDigits = "0123456789abcdef"

// ParseBytea reads bytea in the hex (\x...) or escape format.
func ParseBytea(s string) (string, error) {
	if len(s) >= 2 && s[0] == '\\' && s[1] == 'x' {
		return parseHexBytes(s[2:])
	}
	plain := true
	for i := range len(s) {
		if s[i] == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			b = append(b, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			b = append(b, '\\')
			i++
		case i+3 < len(s) && s[i+1]-'0' < 4 && s[i+2]-'0' < 8 && s[i+3]-'0' < 8:
			b = append(b, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return "", sqlerr.New(sqlerr.InvalidTextRepresentation,
				"invalid input syntax for type bytea")
		}
	}
	return string(b), nil
}

func parseHexBytes(s string) (string, error) {
	b := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			continue
		}
		hi, err := hexDigit(s[i:])
		if err != nil {
			return "", err
		}
		i++
		if i >= len(s) {
			return "", sqlerr.New(sqlerr.InvalidParameterValue,
				"invalid hexadecimal data: odd number of digits")
		}
		lo, err := hexDigit(s[i:])
		if err != nil {
			return "", err
		}
		b = append(b, hi<<4|lo)
	}
	return string(b), nil
}

// hexDigit gives the value of the hexadecimal digit at the start of s.
func hexDigit(s string) (byte, error) {
	if v, ok := hexValue(s[0]); ok {
		return v, nil
	}
	for _, r := range s {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal digit: \"%c\"", r)
	}
	return 0, nil
}

func hexValue(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// AppendByteaHex writes \x and hexadecimal digits.
func AppendByteaHex(dst []byte, s string) []byte {
	dst = append(dst, '\\', 'x')
	for i := range len(s) {
		dst = append(dst, hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	return dst
}

// AppendByteaEscape writes printable ASCII as is, the rest as \ooo.
func AppendByteaEscape(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c < 0x20 || c > 0x7e:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
