package expr

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// firstJSON gives the first JSON value of a text; what follows it does not count,
// as with ksqlDB's reader. kind is 'a' for an array, 'o' for an object, 0 for any.
func firstJSON(d types.Datum, kind byte) (string, bool) {
	if d.Null {
		return "", false
	}
	doc, err := types.FirstJSON(d.S)
	if err != nil || kind != 0 && types.JSONKind(doc) != kind {
		return "", false
	}
	return doc, true
}

// jsonMember is an entry of a JSON object.
type jsonMember struct{ key, value string }

// jsonMembers gives the entries of objects: of several with one key the last
// value, in the place of the first.
func jsonMembers(docs ...string) []jsonMember {
	var out []jsonMember
	place := map[string]int{}
	for _, doc := range docs {
		for it := types.JSONElements(doc); it.Next(); {
			key := types.JSONUnquote(it.Key)
			if i, ok := place[key]; ok {
				out[i].value = it.Value
				continue
			}
			place[key] = len(out)
			out = append(out, jsonMember{key, it.Value})
		}
	}
	return out
}

// jsonValueText gives the text of a string, and of other values their JSON.
func jsonValueText(v string) string {
	if types.JSONKind(v) == 's' {
		return types.JSONUnquote(strings.TrimSpace(v))
	}
	return jacksonText(v, false)
}

// jacksonText writes a JSON value as ksqlDB does: without blanks, strings with as
// few escapes as possible, numbers with a fraction as Java's BigDecimal writes
// them, or without exponents if plain is set.
func jacksonText(s string, plain bool) string {
	switch s = strings.TrimSpace(s); types.JSONKind(s) {
	case 'o':
		return jacksonObject(jsonMembers(s), plain)
	case 'a':
		b := []byte{'['}
		for it := types.JSONElements(s); it.Next(); {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(b, jacksonText(it.Value, plain)...)
		}
		return string(append(b, ']'))
	case 's':
		return string(appendJacksonString(nil, types.JSONUnquote(s)))
	case 'n':
		return jacksonNumber(s, plain)
	}
	return s
}

func jacksonObject(ms []jsonMember, plain bool) string {
	b := []byte{'{'}
	for i, m := range ms {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJacksonString(b, m.key), ':')
		b = append(b, jacksonText(m.value, plain)...)
	}
	return string(append(b, '}'))
}

// appendJacksonString quotes a text.
func appendJacksonString(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case strings.IndexByte("\b\t\n\f\r", c) >= 0:
			b = append(b, '\\', "btnfr"[strings.IndexByte("\b\t\n\f\r", c)])
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}

// jacksonNumber writes a number: one with a fraction or an exponent has the digits
// and the exponent that BigDecimal keeps.
func jacksonNumber(s string, plain bool) string {
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return "0"
		}
		return s
	}
	mantissa, exp, _ := strings.Cut(strings.ToLower(s), "e")
	exponent, err := strconv.Atoi("0" + strings.TrimLeft(exp, "+-"))
	if err != nil || exponent > maxPlainExponent {
		return s
	}
	if strings.HasPrefix(exp, "-") {
		exponent = -exponent
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+frac, "0")
	if digits == "" {
		digits, sign = "0", ""
	}
	return sign + bigDecimalText(digits, len(frac)-exponent, plain)
}

// maxPlainExponent bounds the zeros that a number without an exponent takes.
const maxPlainExponent = 1000

// bigDecimalText writes digits times ten to the power of -scale as BigDecimal's
// toString does, or its toPlainString.
func bigDecimalText(digits string, scale int, plain bool) string {
	adjusted := len(digits) - 1 - scale
	if scale == 0 || !plain && scale >= 0 && adjusted >= -6 || plain {
		switch {
		case scale <= 0 && digits == "0":
			return digits
		case scale <= 0:
			return digits + strings.Repeat("0", -scale)
		case len(digits) <= scale:
			digits = strings.Repeat("0", scale+1-len(digits)) + digits
		}
		return digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	out := digits + "E"
	if adjusted > 0 {
		out += "+"
	}
	return out + strconv.Itoa(adjusted)
}
