package expr

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// runeOffset gives the byte offset of the n-th character of b, len(b) past the
// end.
func runeOffset(b []byte, n int) int {
	i := 0
	for ; n > 0 && i < len(b); n-- {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, w := utf8.DecodeRune(b[i:])
		i += w
	}
	return i
}

func textLength(b []byte) int64 { return int64(utf8.RuneCount(b)) }

// caseMap maps letters: ASCII in place, others by Unicode's simple mapping.
func caseMap(dst, s []byte, lo, hi byte, f func(rune) rune) []byte {
	at := len(dst)
	dst = append(dst, s...)
	for i := at; i < len(dst); i++ {
		c := dst[i]
		if c >= utf8.RuneSelf {
			return appendMapped(dst[:at], s, f)
		}
		if c >= lo && c <= hi {
			dst[i] = c ^ 0x20
		}
	}
	return dst
}

func appendMapped(dst, s []byte, f func(rune) rune) []byte {
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRune(s[i:])
		dst = utf8.AppendRune(dst, f(r))
		i += w
	}
	return dst
}

func textLower(dst, s []byte) []byte { return caseMap(dst, s, 'A', 'Z', unicode.ToLower) }
func textUpper(dst, s []byte) []byte { return caseMap(dst, s, 'a', 'z', unicode.ToUpper) }

// textInitcap capitalises the first letter of each run of letters and digits.
func textInitcap(dst, s []byte) []byte {
	inWord := false
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRune(s[i:])
		if inWord {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		} else {
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		}
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r)
		i += w
	}
	return dst
}

func textReverse(dst, s []byte) []byte {
	for i := len(s); i > 0; {
		_, w := utf8.DecodeLastRune(s[:i])
		dst = append(dst, s[i-w:i]...)
		i -= w
	}
	return dst
}

// substr cuts length characters from the start-th on (from 1); start may lie
// before the text. length < 0 stands for all.
func substr(s []byte, start, length int64) []byte {
	end := int64(1) << 40
	if length >= 0 {
		end = start + length
	}
	start = max(start, 1)
	if end <= start {
		return nil
	}
	if isASCII(s) {
		n := int64(len(s))
		if start > n {
			return nil
		}
		return s[start-1 : min(end-1, n)]
	}
	from := runeOffset(s, int(min(start-1, int64(len(s)))))
	rest := s[from:]
	return rest[:runeOffset(rest, int(min(end-start, int64(len(rest)))))]
}

func errNegativeSubstring() error {
	return sqlerr.New(sqlerr.SubstringError, "negative substring length not allowed")
}

func substrKernel(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	m1, m2 := mask(args[1]), mask(args[2])
	for k, r := range rows {
		n := args[2].I64[int(r)&m2]
		if n < 0 {
			return rowErr(k, errNegativeSubstring())
		}
		putBytes(out, int(r), substr(args[0].Bytes(int(r)), args[1].I64[int(r)&m1], n))
	}
	return nil
}

func substrFrom(s []byte, start int64) []byte { return substr(s, start, -1) }

func textLeft(s []byte, n int64) []byte {
	if n >= 0 {
		return s[:runeOffset(s, int(min(n, int64(len(s)))))]
	}
	return s[:runeOffset(s, int(max(textLength(s)+n, 0)))]
}

func textRight(s []byte, n int64) []byte {
	if n >= 0 {
		return s[runeOffset(s, int(max(textLength(s)-n, 0))):]
	}
	return s[runeOffset(s, int(min(-n, int64(len(s))))):]
}

// trimSet cuts the characters of set off the chosen ends.
func trimSet(s, set string, left, right bool) string {
	in := func(r rune) bool { return strings.ContainsRune(set, r) }
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

func textPosition(s, sub []byte) int64 {
	i := strings.Index(aliasString(s), aliasString(sub))
	if i < 0 {
		return 0
	}
	return int64(utf8.RuneCount(s[:i])) + 1
}

func textReplace(s, from, to string) (types.Datum, error) {
	if from == "" {
		return types.TextDatum(s), nil
	}
	if len(to) > len(from) {
		if err := checkTimes(strings.Count(s, from), len(to)); err != nil {
			return types.NullDatum, err
		}
	}
	return types.TextDatum(strings.ReplaceAll(s, from, to)), nil
}

func textTranslate(s, from, to string) string {
	src, dst := []rune(from), []rune(to)
	return strings.Map(func(r rune) rune {
		for i, c := range src {
			if c != r {
				continue
			}
			if i < len(dst) {
				return dst[i]
			}
			return -1
		}
		return r
	}, s)
}

// splitPart gives the n-th field between delimiters; negative n counts from the
// end.
func splitPart(s, delim string, n int64) (string, error) {
	if n == 0 {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "field position must not be zero")
	}
	if s == "" {
		return "", nil
	}
	if delim == "" {
		if n == 1 || n == -1 {
			return s, nil
		}
		return "", nil
	}
	if n < 0 {
		parts := strings.Split(s, delim)
		if int64(len(parts))+n < 0 {
			return "", nil
		}
		return parts[int64(len(parts))+n], nil
	}
	for ; n > 1; n-- {
		i := strings.Index(s, delim)
		if i < 0 {
			return "", nil
		}
		s = s[i+len(delim):]
	}
	s, _, _ = strings.Cut(s, delim)
	return s, nil
}

// maxText is the most bytes that a text function makes.
const maxText = 1 << 26

func errRequestedLength() error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "requested length too large")
}

func textRepeat(s string, n int64) (string, error) {
	if n <= 0 {
		return "", nil
	}
	if int64(len(s)) > maxText/n {
		return "", errRequestedLength()
	}
	return strings.Repeat(s, int(n)), nil
}

// pad fills s up to n characters with fill, or cuts it to n.
func pad(s string, n int64, fill string, left bool) (string, error) {
	if n <= 0 {
		return "", nil
	}
	if fill == "" {
		n = min(n, int64(utf8.RuneCountInString(s)))
	}
	if n > maxText {
		return "", errRequestedLength()
	}
	have := int64(utf8.RuneCountInString(s))
	if have >= n {
		return aliasString(aliasBytes(s)[:runeOffset(aliasBytes(s), int(n))]), nil
	}
	if fill == "" {
		return s, nil
	}
	var b strings.Builder
	if !left {
		b.WriteString(s)
	}
	fr := []rune(fill)
	for i := range int(n - have) {
		b.WriteRune(fr[i%len(fr)])
	}
	if left {
		b.WriteString(s)
	}
	return b.String(), nil
}

func textOverlay(a []types.Datum) (types.Datum, error) {
	s, repl, start := a[0].S, a[1].S, a[2].I
	n := int64(utf8.RuneCountInString(repl))
	if len(a) > 3 {
		n = a[3].I
	}
	if start <= 0 {
		return types.NullDatum, errNegativeSubstring()
	}
	if n > 0 && start+n > math.MaxInt32 {
		return types.NullDatum, errIntRange(types.Int4)
	}
	b := aliasBytes(s)
	head := substr(b, 1, start-1)
	tail := substr(b, start+n, -1)
	return types.TextDatum(string(head) + repl + string(tail)), nil
}

func textChr(a []types.Datum) (types.Datum, error) {
	n := a[0].I
	switch {
	case n == 0:
		return types.NullDatum, sqlerr.New(sqlerr.ProgramLimitExceeded, "null character not permitted")
	case n < 0:
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue, "character number must be positive")
	case n >= 0xD800 && n <= 0xDFFF:
		return types.NullDatum, sqlerr.New(sqlerr.ProgramLimitExceeded,
			"requested character not valid for encoding: %d", n)
	case n > unicode.MaxRune:
		return types.NullDatum, sqlerr.New(sqlerr.ProgramLimitExceeded,
			"requested character too large for encoding: %d", n)
	}
	return types.TextDatum(string(rune(n))), nil
}

func textASCII(s []byte) int64 {
	if len(s) == 0 {
		return 0
	}
	r, _ := utf8.DecodeRune(s)
	return int64(r)
}

func concatKernel(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	for _, r := range rows {
		padTo(out, int(r))
		buf := append(out.Buf, args[0].Bytes(int(r))...)
		endBytes(out, append(buf, args[1].Bytes(int(r))...))
	}
	return nil
}

// toHex writes an integer's two's complement, of its type's width.
func toHex(bits uint) func([]types.Datum) (types.Datum, error) {
	return func(a []types.Datum) (types.Datum, error) {
		v := uint64(a[0].I)
		if bits < 64 {
			v &= 1<<bits - 1
		}
		return types.TextDatum(strconv.FormatUint(v, 16)), nil
	}
}

func defineText(r *registry) {
	r.fn("length(text) int4", textLength, "number of characters", "length('josé')")
	r.fn("char_length(text) int4", textLength, "number of characters", "char_length('josé')")
	r.fn("character_length(text) int4", textLength, "number of characters",
		"character_length('josé')")
	for _, name := range []string{"length", "char_length", "character_length"} {
		r.fn(name+"(bpchar) int4", func(b []byte) int64 { return textLength(bytes.TrimRight(b, " ")) },
			"number of characters but for blanks at the end", name+"('ab '::char(4))")
	}
	r.fn("octet_length(bpchar) int4", func(b []byte) int64 { return int64(len(b)) },
		"number of bytes", "octet_length('ab'::char(4))")
	r.fn("octet_length(text) int4", func(b []byte) int64 { return int64(len(b)) },
		"number of bytes", "octet_length('josé')")
	r.fn("bit_length(text) int4", func(b []byte) int64 { return 8 * int64(len(b)) },
		"number of bits", "bit_length('josé')")
	r.fn("lower(text) text", textFn(textLower), "in lower case", "lower('TOM')")
	r.fn("upper(text) text", textFn(textUpper), "in upper case", "upper('tom')")
	r.fn("lcase(text) text", textFn(textLower), "in lower case", "lower('TOM')")
	r.fn("ucase(text) text", textFn(textUpper), "in upper case", "upper('tom')")
	r.fn("initcap(text) text", textFn(textInitcap), "each word capitalised", "initcap('hi THOMAS')")
	r.fn("reverse(text) text", textFn(textReverse), "characters in reverse order", "reverse('abcdé')")
	for _, name := range []string{"substr", "substring"} {
		r.fn(name+"(text, int4) text", substrFrom, "characters from that position on",
			name+"('alphabet', 3)")
		r.fn(name+"(text, int4, int4) text", Kernel(substrKernel),
			"that many characters from that position on", name+"('alphabet', 3, 2)")
	}
	r.fn("left(text, int4) text", textLeft, "first characters, or all but the last",
		"left('abcde', -2)")
	r.fn("right(text, int4) text", textRight, "last characters, or all but the first",
		"right('abcde', 2)")
	r.fn("position(text, text) int4", textPosition, "place of a substring, from 1; 0 if none",
		"position('om' in 'Thomas')")
	r.fn("strpos(text, text) int4", textPosition, "place of a substring, from 1; 0 if none",
		"strpos('high', 'ig')")
	r.fn("starts_with(text, text) bool", startsWith, "whether text begins with a prefix",
		"starts_with('alphabet', 'alph')")
	r.op("^@(text, text) bool", startsWith, "begins with", "'alphabet' ^@ 'alph'")
	r.op("||(text, text) text", Kernel(concatKernel), "concatenate", "'Post' || 'greSQL'")
	defineTrim(r)
	defineTextEdit(r)
	defineConcat(r)
	for _, op := range []struct {
		name string
		op   cmpOp
	}{{"~<~", opLt}, {"~<=~", opLe}, {"~>~", opGt}, {"~>=~", opGe}} {
		r.op(op.name+"(text, text) bool", bytesCmpKernel(op.op), "compare byte by byte",
			"'a'::text "+op.name+" 'b'")
	}
}

func startsWith(s, prefix []byte) bool {
	return len(s) >= len(prefix) && string(s[:len(prefix)]) == string(prefix)
}

func defineTrim(r *registry) {
	for _, t := range []struct {
		name        string
		left, right bool
		doc         string
	}{
		{"btrim", true, true, "without characters of a set at both ends"},
		{"trim", true, true, "without characters of a set at both ends"},
		{"ltrim", true, false, "without characters of a set at the start"},
		{"rtrim", false, true, "without characters of a set at the end"},
	} {
		example := t.name + "('xyxtrimyyx', 'xyz')"
		if t.name == "trim" {
			example = "trim(both 'xyz' from 'yxTomxx')"
		}
		r.fn(t.name+"(text) text", func(s string) string {
			return trimSet(s, " ", t.left, t.right)
		}, "without spaces at the ends", t.name+"('  tom  ')")
		r.fn(t.name+"(text, text) text", func(s, set string) string {
			return trimSet(s, set, t.left, t.right)
		}, t.doc, example)
	}
}

func defineTextEdit(r *registry) {
	r.fn("replace(text, text, text) text", func(a []types.Datum) (types.Datum, error) {
		return textReplace(a[0].S, a[1].S, a[2].S)
	}, "every occurrence of a substring replaced", "replace('abcdefabcdef', 'cd', 'XX')")
	r.fn("translate(text, text, text) text", func(a []types.Datum) (types.Datum, error) {
		return types.TextDatum(textTranslate(a[0].S, a[1].S, a[2].S)), nil
	}, "characters replaced one by one", "translate('12345', '143', 'ax')")
	r.fn("split_part(text, text, int4) text", func(a []types.Datum) (types.Datum, error) {
		s, err := splitPart(a[0].S, a[1].S, a[2].I)
		return types.TextDatum(s), err
	}, "the n-th field between delimiters", "split_part('abc~@~def~@~ghi', '~@~', 2)")
	r.fn("repeat(text, int4) text", textRepeat, "text repeated", "repeat('Pg', 4)")
	for _, p := range []struct {
		name string
		left bool
	}{{"lpad", true}, {"rpad", false}} {
		r.fn(p.name+"(text, int4) text", func(s string, n int64) (string, error) {
			return pad(s, n, " ", p.left)
		}, "filled up with spaces, or cut", p.name+"('hi', 5) || '|'")
		r.fn(p.name+"(text, int4, text) text", func(a []types.Datum) (types.Datum, error) {
			s, err := pad(a[0].S, a[1].I, a[2].S, p.left)
			return types.TextDatum(s), err
		}, "filled up with a text, or cut", p.name+"('hi', 5, 'xy')")
	}
	r.fn("overlay(text, text, int4) text", textOverlay, "a piece replaced",
		"overlay('Txxxxas' placing 'hom' from 2)")
	r.fn("overlay(text, text, int4, int4) text", textOverlay, "a piece replaced",
		"overlay('Txxxxas' placing 'hom' from 2 for 4)")
	r.fn("ascii(text) int4", textASCII, "code of the first character", "ascii('x')")
	r.fn("chr(int4) text", textChr, "character with that code", "chr(65)")
	r.fn("to_hex(int4) text", toHex(32), "hexadecimal digits", "to_hex(2147483647)")
	r.fn("to_hex(int8) text", toHex(64), "hexadecimal digits", "to_hex(-1::bigint)")
	r.fn("quote_ident(text) text", QuoteIdent, "quoted as an identifier where needed",
		"quote_ident('Foo bar')")
	r.fn("quote_literal(text) text", QuoteLiteral, "quoted as a string literal",
		"quote_literal(E'O\\'Reilly')")
	r.fn("quote_nullable(text) text", func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.TextDatum("NULL"), nil
		}
		return types.TextDatum(QuoteLiteral(a[0].S)), nil
	}, "quoted as a string literal, NULL for null", "quote_nullable(NULL)").nullable()
	r.fn("quote_nullable(anyelement) text", bindQuote, "text form, quoted, NULL for null",
		"quote_nullable(42.5)").stable().nullable()
	r.fn("quote_literal(anyelement) text", bindQuote, "text form, quoted", "quote_literal(42.5)").stable()
	r.fn("string_to_table(text, text) text", func(_ *Env, a []types.Datum,
		emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		for _, p := range splitToArray(a[0].S, a[1]) {
			if err := emit([]types.Datum{types.TextDatum(p)}); err != nil {
				return err
			}
		}
		return nil
	}, "the fields between delimiters, one a row", "string_to_table('a,b,c', ',')").nullable()
	r.fn("unistr(text) text", unistr, "with escapes of Unicode characters evaluated",
		"unistr('d\\0061t\\+000061')")
}

func bindQuote(f *Func, args []types.Type, _ types.Type) {
	t := args[0]
	f.Volatility = castVolatility(t, types.Of(types.Text))
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		switch {
		case a[0].Null:
			return types.TextDatum("NULL"), nil
		case t.Kind == types.Bool: // a cast, not the output function
			return types.TextDatum("'" + strconv.FormatBool(a[0].Bool()) + "'"), nil
		}
		return types.TextDatum(QuoteLiteral(formatText(env, t, a[0]))), nil
	}
}

func unistr(s string) (string, error) {
	var b strings.Builder
	bad := sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape").
		WithHint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		rest := s[i+1:]
		if strings.HasPrefix(rest, "\\") {
			b.WriteByte('\\')
			i += 2
			continue
		}
		skip, n := 0, 4
		switch {
		case strings.HasPrefix(rest, "+"):
			skip, n = 1, 6
		case strings.HasPrefix(rest, "u"):
			skip = 1
		case strings.HasPrefix(rest, "U"):
			skip, n = 1, 8
		}
		if len(rest) < skip+n {
			return "", bad
		}
		v, err := strconv.ParseUint(rest[skip:skip+n], 16, 32)
		if err != nil || v == 0 || v > unicode.MaxRune {
			return "", bad
		}
		b.WriteRune(rune(v))
		i += 1 + skip + n
	}
	return b.String(), nil
}
