package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// numberFormat is a parsed pattern of to_char and to_number.
type numberFormat struct {
	elems    []string // 9 0 . , D G S MI PL SG PR L TH th EEEE V RN rn, or "text"
	pre      int      // digits before the point
	post     int      // digits after it
	zero     int      // index of the first 0 before the point, -1 none
	shift    int      // digits after V
	fill     bool     // FM
	sign     string   // S, MI, PL, SG, PR or ""
	signLead bool     // S before the digits
	exp      bool
	roman    bool
	currency bool
}

var numberKeywords = []string{"EEEE", "FM", "MI", "PL", "SG", "PR", "TH", "th", "RN", "rn", "Th", "tH"}

// parseNumberFormat takes a pattern apart.
func parseNumberFormat(s string) (*numberFormat, error) {
	f := &numberFormat{zero: -1}
	point := false
	for i := 0; i < len(s); {
		if s[i] == '"' {
			end := i + 1
			var b strings.Builder
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' && end+1 < len(s) {
					end++
				}
				b.WriteByte(s[end])
				end++
			}
			f.elems = append(f.elems, "\""+b.String())
			i = min(end+1, len(s))
			continue
		}
		word := string(s[i])
		for _, k := range numberKeywords {
			if len(s)-i >= len(k) && strings.EqualFold(s[i:i+len(k)], k) {
				word = s[i : i+len(k)]
				break
			}
		}
		i += len(word)
		if err := f.add(word, &point); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *numberFormat) add(word string, point *bool) error {
	switch up := strings.ToUpper(word); up {
	case "9", "0":
		switch {
		case f.shift > 0:
			f.shift++
		case *point:
			f.post++
		default:
			if up == "0" && f.zero < 0 {
				f.zero = f.pre
			}
			f.pre++
		}
		f.elems = append(f.elems, up)
	case ".", "D":
		if *point {
			return sqlerr.New(sqlerr.SyntaxError, "multiple decimal points")
		}
		*point = true
		f.elems = append(f.elems, ".")
	case "V":
		f.shift = 1
	case ",", "G":
		f.elems = append(f.elems, ",")
	case "FM":
		f.fill = true
	case "S", "MI", "PL", "SG", "PR":
		f.sign = up
		f.signLead = f.pre == 0 && !*point
		f.elems = append(f.elems, up)
	case "L":
		f.currency = true
		f.elems = append(f.elems, "L")
	case "TH":
		f.elems = append(f.elems, "th"+word[:1])
	case "EEEE":
		f.exp = true
	case "RN":
		f.roman = true
		f.elems = append(f.elems, word)
	default:
		f.elems = append(f.elems, "\""+word)
	}
	return nil
}

// toCharNumber is to_char of a numeric.
func toCharNumber(d types.Decimal, pattern string) (string, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return "", err
	}
	switch {
	case f.roman:
		return romanNumeral(d, pattern, f.fill), nil
	case f.exp:
		return exponential(d, f)
	}
	if f.shift > 0 {
		f.shift--
		ten, err := types.DecimalFromInt(10).Power(types.DecimalFromInt(int64(f.shift)))
		if err != nil {
			return "", err
		}
		if d, err = d.Mul(ten); err != nil {
			return "", err
		}
		f.pre += f.shift
	}
	r, err := d.Round(int32(f.post))
	if err != nil {
		return "", err
	}
	digits, neg := f.digits(r, f.post)
	return f.write(digits, neg, d), nil
}

// toCharFloat is to_char of a float of so many significant digits: those beyond
// are not written.
func toCharFloat(v float64, significant int, pattern string) (string, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return "", err
	}
	if f.roman || f.exp || f.shift > 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		k := types.Float8
		if significant < 15 {
			k = types.Float4
		}
		d, err := types.DecimalFromFloat(k, v)
		if err != nil {
			return "", err
		}
		return toCharNumber(d, pattern)
	}
	whole := len(strconv.FormatFloat(math.Abs(v), 'f', 0, 64))
	post := max(min(f.post, significant-whole), 0)
	d, err := types.ParseDecimal(strconv.FormatFloat(v, 'f', post, 64))
	if err != nil {
		return "", err
	}
	digits, neg := f.digits(d, post)
	return f.write(digits, neg || v < 0 && !d.IsZero(), d), nil
}

// digits gives the rounded number as pre digits, left-padded with blanks, and
// post digits; # marks overflow.
func (f *numberFormat) digits(d types.Decimal, post int) (digits string, neg bool) {
	neg = d.Sign() < 0
	s := d.Abs().String()
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "0" && f.pre > 0 && f.post > 0 {
		whole = ""
	}
	frac += strings.Repeat("0", max(post-len(frac), 0))
	if len(whole) > f.pre {
		return strings.Repeat("#", f.pre+post), neg
	}
	return strings.Repeat(" ", f.pre-len(whole)) + whole + frac[:post], neg
}

// write lays the digits out by the pattern.
func (f *numberFormat) write(digits string, neg bool, d types.Decimal) string {
	var b strings.Builder
	first := len(digits) // first digit that shows
	for i := range f.pre {
		if digits[i] != ' ' || f.zero >= 0 && i >= f.zero {
			first = i
			break
		}
	}
	first = min(first, f.pre)
	signDone := f.sign == "MI" || f.sign == "SG"
	putSign := func() {
		if signDone {
			return
		}
		signDone = true
		switch {
		case f.sign == "S" && f.signLead:
			b.WriteByte(plusMinus(neg))
		case f.sign == "S":
		case f.sign == "PR" && neg:
			b.WriteByte('<')
		case f.sign == "PR":
			if !f.fill {
				b.WriteByte(' ')
			}
		case neg:
			b.WriteByte('-')
		case !f.fill:
			b.WriteByte(' ')
		}
	}
	at := 0
	if f.post > 0 && f.pre == 0 {
		putSign()
	}
	for _, e := range f.elems {
		if e == "." && d.IsNaN() {
			break
		}
		f.element(&b, e, digits, &at, first, neg, putSign, d)
	}
	if f.sign == "PR" {
		if neg {
			b.WriteByte('>')
		} else if !f.fill {
			b.WriteByte(' ')
		}
	}
	out := b.String()
	if f.fill {
		out = trimFill(out, f)
	}
	return out
}

func plusMinus(neg bool) byte {
	if neg {
		return '-'
	}
	return '+'
}

// element writes one element of the pattern; at is the next digit.
func (f *numberFormat) element(b *strings.Builder, e, digits string, at *int, first int, neg bool,
	putSign func(), d types.Decimal) {
	blank := func() {
		if !f.fill {
			b.WriteByte(' ')
		}
	}
	switch e {
	case "9", "0":
		i := *at
		*at++
		if i >= len(digits) {
			return
		}
		if i < f.pre && i < first {
			blank()
			return
		}
		putSign()
		if c := digits[i]; c != ' ' {
			b.WriteByte(c)
		} else {
			b.WriteByte('0')
		}
	case ",":
		if *at <= first && *at < f.pre {
			blank()
			return
		}
		b.WriteByte(',')
	case ".":
		putSign()
		b.WriteByte('.')
	case "MI":
		if neg {
			b.WriteByte('-')
		} else {
			blank()
		}
	case "PL":
		if !neg {
			b.WriteByte('+')
		} else {
			blank()
		}
	case "SG":
		b.WriteByte(plusMinus(neg))
	case "S":
		if !f.signLead {
			b.WriteByte(plusMinus(neg))
		}
	case "PR":
	case "L":
		blank()
	case "tht", "thT":
		if v, err := d.Trunc(0).Int64(); err == nil && v >= 0 {
			th := ordinalSuffix(v)
			if e == "thT" {
				th = strings.ToUpper(th)
			}
			b.WriteString(th)
		}
	default:
		b.WriteString(strings.TrimPrefix(e, "\""))
	}
}

// trimFill drops the trailing zeros that only 9s ask for.
func trimFill(s string, f *numberFormat) string {
	if f.post == 0 || !strings.Contains(s, ".") {
		return s
	}
	keep := 0 // digits after the point that a 0 asks for
	n := 0
	seen := false
	for _, e := range f.elems {
		switch {
		case e == ".":
			seen = true
		case seen && (e == "0" || e == "9"):
			n++
			if e == "0" {
				keep = n
			}
		}
	}
	point := strings.IndexByte(s, '.')
	end := point + 1
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	cut := end
	for cut > point+1+keep && s[cut-1] == '0' {
		cut--
	}
	return s[:cut] + s[end:]
}

func exponential(d types.Decimal, f *numberFormat) (string, error) {
	v, err := d.Float64()
	if err != nil {
		return "", err
	}
	s := formatExp(v, f.post)
	if v >= 0 && !f.fill {
		s = " " + s
	}
	return s, nil
}

var romans = []struct {
	v int64
	s string
}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
	{40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}}

func romanNumeral(d types.Decimal, pattern string, fill bool) string {
	s := strings.Repeat("#", 15)
	if r, err := d.Round(0); err == nil {
		if v, err := r.Int64(); err == nil && v > 0 && v < 4000 {
			s = ""
			for _, r := range romans {
				for v >= r.v {
					s += r.s
					v -= r.v
				}
			}
		}
	}
	if strings.Contains(pattern, "rn") {
		s = strings.ToLower(s)
	}
	if fill {
		return s
	}
	return strings.Repeat(" ", max(15-len(s), 0)) + s
}

func ordinalSuffix(v int64) string {
	if v%100 >= 11 && v%100 <= 13 {
		return "th"
	}
	switch v % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}

// toNumber is to_number: digits, sign and point are taken out of the text.
func toNumber(s, pattern string) (types.Decimal, error) {
	f, err := parseNumberFormat(pattern)
	if err != nil {
		return types.Decimal{}, err
	}
	var b strings.Builder
	neg, point, digits := false, false, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			if point && digits >= f.post && f.post > 0 {
				continue
			}
			if point {
				digits++
			}
			b.WriteRune(c)
		case c == '-' || c == '<':
			neg = true
		case c == '.' && !point && f.post > 0:
			point = true
			b.WriteByte('.')
		}
	}
	text := b.String()
	if text == "" || text == "." {
		return types.Decimal{}, sqlerr.New(sqlerr.InvalidTextRepresentation,
			"invalid input syntax for type numeric: \"%s\"", " ")
	}
	d, err := types.ParseDecimal(text)
	if err == nil && neg {
		d = d.Neg()
	}
	return d, err
}
