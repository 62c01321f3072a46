package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// ParseFloat reads a Float4 or Float8. Float4 values come rounded to float32.
func ParseFloat(k Kind, s string) (float64, error) {
	t := trimSpace(s)
	bits := 64
	if k == Float4 {
		bits = 32
	}
	if !floatSyntax(t) {
		if v, ok := floatWord(t); ok {
			return v, nil
		}
		return 0, errNoFloat(k, t, s, bits)
	}
	v, err := strconv.ParseFloat(t, bits)
	if err != nil && strings.ContainsAny(t, "xX") && !strings.ContainsAny(t, "pP") {
		v, err = strconv.ParseFloat(t+"p0", bits) // C's strtod needs no exponent
	}
	if err != nil {
		if math.IsInf(v, 0) {
			return 0, errFloatText(k, t)
		}
		return 0, errNoFloat(k, t, s, bits)
	}
	if v == 0 && !zeroMantissa(t) {
		return 0, errFloatText(k, t)
	}
	return v, nil
}

// errNoFloat refuses what is no number; when it begins with one, its range is seen
// first.
func errNoFloat(k Kind, t, s string, bits int) error {
	if n := numberPrefix(t); n > 0 {
		if v, err := strconv.ParseFloat(t[:n], bits); err != nil || v == 0 && !zeroMantissa(t[:n]) {
			return errFloatText(k, t[:n])
		}
	}
	return errSyntax(kinds[k].sql, s)
}

// numberPrefix is the length of the decimal number that s begins with.
func numberPrefix(s string) int {
	i := 0
	digits := func() int {
		from := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		return i - from
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0
	}
	end := i
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if digits() > 0 {
			end = i
		}
	}
	return end
}

func errFloatText(k Kind, s string) error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange,
		"\"%s\" is out of range for type %s", s, kinds[k].sql)
}

// floatSyntax admits decimal and hexadecimal numbers, but not Go's underscores
// and words.
func floatSyntax(s string) bool {
	digits := false
	for i := range len(s) {
		c := s[i]
		switch {
		case isDigit(c):
			digits = true
		case c == '_':
			return false
		case c|0x20 == 'n' || c|0x20 == 'i':
			return false
		}
	}
	return digits
}

func floatWord(s string) (float64, bool) {
	sign := 1
	w := s
	if len(w) > 0 && (w[0] == '-' || w[0] == '+') {
		if w[0] == '-' {
			sign = -1
		}
		w = w[1:]
	}
	switch {
	case strings.EqualFold(w, "nan"):
		return math.NaN(), true
	case strings.EqualFold(w, "infinity"), strings.EqualFold(w, "inf"):
		return math.Inf(sign), true
	}
	return 0, false
}

// zeroMantissa tells whether all digits before the exponent are zero, so that a
// result of 0 is no underflow.
func zeroMantissa(s string) bool {
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	exp := byte('e')
	if len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		s, exp = s[2:], 'p'
	}
	for i := range len(s) {
		switch {
		case s[i]|0x20 == exp:
			return true
		case s[i] != '0' && s[i] != '.':
			return false
		}
	}
	return true
}

// AppendFloat8 writes v as PostgreSQL does with extra_float_digits = 1: the
// shortest text that reads back as v.
func AppendFloat8(dst []byte, v float64) []byte { return appendFloat(dst, v, 64) }

// AppendFloat4 writes v, a float32 in a float64, as PostgreSQL writes real.
func AppendFloat4(dst []byte, v float64) []byte { return appendFloat(dst, v, 32) }

// AppendFloatText writes a value of kind Float4 or Float8.
func AppendFloatText(dst []byte, k Kind, v float64) []byte {
	if k == Float4 {
		return appendFloat(dst, v, 32)
	}
	return appendFloat(dst, v, 64)
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	if i := int64(v); float64(i) == v && i > -100000 && i < 100000 && (i != 0 || !math.Signbit(v)) {
		return strconv.AppendInt(dst, i, 10)
	}
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	case v == 0:
		return append(dst, "-0"...)
	}
	var tmp [32]byte
	e := strconv.AppendFloat(tmp[:0], v, 'e', -1, bits)
	if midpoint(e, v, bits) {
		e = strictShortest(tmp[:0], v, bits)
	}
	return layoutFloat(dst, e, bits)
}

// layoutFloat turns d.ddde±xx into PostgreSQL's choice of plain or scientific
// notation.
func layoutFloat(dst, e []byte, bits int) []byte {
	if e[0] == '-' {
		dst = append(dst, '-')
		e = e[1:]
	}
	x := len(e) - 1
	for e[x] != 'e' {
		x--
	}
	exp := 0
	for _, c := range e[x+2:] {
		exp = exp*10 + int(c-'0')
	}
	if e[x+1] == '-' {
		exp = -exp
	}
	limit := 15
	if bits == 32 {
		limit = 6
	}
	if exp < -4 || exp >= limit {
		return append(dst, e...)
	}
	frac := e[1:x]
	if len(frac) > 0 {
		frac = frac[1:]
	}
	if exp < 0 {
		dst = append(dst, "0.000"[:1-exp]...)
		return append(append(dst, e[0]), frac...)
	}
	dst = append(dst, e[0])
	if len(frac) <= exp {
		dst = append(dst, frac...)
		for range exp - len(frac) {
			dst = append(dst, '0')
		}
		return dst
	}
	dst = append(dst, frac[:exp]...)
	return append(append(dst, '.'), frac[exp:]...)
}

// midpoint tells whether the decimal e lies exactly between two floats.
// PostgreSQL never prints such a text (src/common/ryu_common.h,
// STRICTLY_SHORTEST), Go does when the reader's round-to-even would take it
// back to v: 1e23 against 9.999999999999999e+22.
func midpoint(e []byte, v float64, bits int) bool {
	var d uint64
	x, frac, seen := 0, 0, false
	for ; e[x] != 'e'; x++ {
		switch {
		case e[x] == '.':
			seen = true
		case isDigit(e[x]):
			d = d*10 + uint64(e[x]-'0')
			if seen {
				frac++
			}
		}
	}
	exp := 0
	for _, c := range e[x+2:] {
		exp = exp*10 + int(c-'0')
	}
	if e[x+1] == '-' {
		exp = -exp
	}
	exp -= frac
	for d != 0 && d%10 == 0 {
		d /= 10
		exp++
	}
	// The midpoint's odd part has exactly one bit more than the mantissa.
	width := 54
	if bits == 32 {
		width = 25
	}
	if exp > 27 || exp < -27 {
		return false
	}
	for ; exp > 0; exp-- {
		if d > math.MaxUint64/5 {
			return false
		}
		d *= 5
	}
	for ; exp < 0; exp++ {
		if d%5 != 0 {
			return false
		}
		d /= 5
	}
	for d != 0 && d&1 == 0 {
		d >>= 1
	}
	return d>>(width-1) == 1 && !denormal(v, bits)
}

func denormal(v float64, bits int) bool {
	if bits == 32 {
		return math.Abs(v) < 0x1p-126
	}
	return math.Abs(v) < 0x1p-1022
}

// strictShortest finds the shortest decimal strictly inside v's rounding
// interval.
func strictShortest(dst []byte, v float64, bits int) []byte {
	for prec := 0; prec < 17; prec++ {
		e := strconv.AppendFloat(dst[:0], v, 'e', prec, bits)
		back, err := strconv.ParseFloat(string(e), bits)
		if err == nil && back == v && !midpoint(e, v, bits) {
			return e
		}
	}
	return strconv.AppendFloat(dst[:0], v, 'e', 16, bits)
}

// floatToInt converts by rounding half to even, as PostgreSQL's rint.
func floatToInt(k Kind, f float64) (int64, error) {
	r := math.RoundToEven(f)
	lo, hi := -0x1p63, 0x1p63
	switch k {
	case Int2:
		lo, hi = -0x1p15, 0x1p15
	case Int4:
		lo, hi = -0x1p31, 0x1p31
	}
	if !(r >= lo && r < hi) {
		return 0, errRange(kinds[k].sql)
	}
	return int64(r), nil
}

// toFloat4 narrows to float32, refusing what becomes infinite or zero.
func toFloat4(f float64) (float64, error) {
	g := float64(float32(f))
	if math.IsInf(g, 0) && !math.IsInf(f, 0) {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	if g == 0 && f != 0 {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
	}
	return g, nil
}
