package types

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// PostgreSQL's limits of numeric (src/backend/utils/adt/numeric.c).
const (
	maxDisplayScale  = 1000   // NUMERIC_MAX_DISPLAY_SCALE, of computed results
	maxStoredScale   = 16383  // what a numeric's header holds
	maxRoundPlaces   = 131072 // digits before the decimal point
	maxResultScale   = 2000   // NUMERIC_MAX_RESULT_SCALE
	minSigDigits     = 16     // NUMERIC_MIN_SIG_DIGITS
	maxScale         = 16383  // NUMERIC_DSCALE_MAX
	maxIntegerDigits = 131072 // (NUMERIC_WEIGHT_MAX + 1) * DEC_DIGITS
)

// Decimal is a value of numeric: sign, magnitude * 10^-scale, NaN or infinite.
// The zero value is 0. Values are immutable; copy them freely.
//
// Magnitudes below 2^128 are kept in hi and lo, so that ordinary numbers cost no
// allocation; larger ones in a big.Int that is never changed.
type Decimal struct {
	hi, lo uint64   // magnitude, when big is nil
	big    *big.Int // magnitude >= 2^128, else nil
	scale  int32    // display scale, 0 <= scale <= 16383
	form   decimalForm
	neg    bool // never for zero
}

type decimalForm uint8

const (
	finite decimalForm = iota
	posInf
	negInf
	nan
)

// The special values.
var (
	DecimalNaN    = Decimal{form: nan}
	DecimalInf    = Decimal{form: posInf}
	DecimalNegInf = Decimal{form: negInf}
)

func errNumericOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
}

// DecimalFromInt gives v with scale 0.
func DecimalFromInt(v int64) Decimal {
	if v < 0 {
		return Decimal{lo: -uint64(v), neg: true}
	}
	return Decimal{lo: uint64(v)}
}

// NewDecimal gives unscaled * 10^-scale, scale in 0..16383.
func NewDecimal(unscaled int64, scale int32) Decimal {
	d := DecimalFromInt(unscaled)
	d.scale = scale
	return d
}

// DecimalFromBig gives unscaled * 10^-scale; unscaled is not kept.
func DecimalFromBig(unscaled *big.Int, scale int32) Decimal {
	return fromBig(new(big.Int).Abs(unscaled), scale, unscaled.Sign() < 0)
}

// fromBig takes ownership of the non-negative m.
func fromBig(m *big.Int, scale int32, neg bool) Decimal {
	d := Decimal{scale: scale, neg: neg && m.Sign() != 0}
	if m.BitLen() > 128 {
		d.big = m
		return d
	}
	for i, w := range m.Bits() {
		switch sh := uint(i) * bits.UintSize; {
		case sh < 64:
			d.lo |= uint64(w) << sh
		default:
			d.hi |= uint64(w) << (sh - 64)
		}
	}
	return d
}

// mag gives the magnitude as a big.Int that must not be changed.
func (d Decimal) mag() *big.Int {
	if d.big != nil {
		return d.big
	}
	m := new(big.Int).SetUint64(d.hi)
	return m.Or(m.Lsh(m, 64), new(big.Int).SetUint64(d.lo))
}

// Scale gives the display scale.
func (d Decimal) Scale() int32 { return d.scale }

// IsNaN tells whether d is NaN.
func (d Decimal) IsNaN() bool { return d.form == nan }

// IsInf tells whether d is infinite.
func (d Decimal) IsInf() bool { return d.form == posInf || d.form == negInf }

// IsFinite tells whether d is a number.
func (d Decimal) IsFinite() bool { return d.form == finite }

// IsZero tells whether d is 0.
func (d Decimal) IsZero() bool { return d.form == finite && d.hi|d.lo == 0 && d.big == nil }

// Sign gives -1, 0 or 1; 1 for NaN.
func (d Decimal) Sign() int {
	switch {
	case d.form == negInf || d.neg:
		return -1
	case d.IsZero():
		return 0
	}
	return 1
}

// pow10 has 10^0 to 10^38 as 128-bit numbers.
var pow10 = func() (t [39][2]uint64) {
	t[0][1] = 1
	for i := 1; i < len(t); i++ {
		h, l := bits.Mul64(t[i-1][1], 10)
		t[i] = [2]uint64{t[i-1][0]*10 + h, l}
	}
	return t
}()

func bigPow10(n int32) *big.Int {
	if n < int32(len(pow10)) {
		return Decimal{hi: pow10[n][0], lo: pow10[n][1]}.mag()
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// mul128 multiplies 128-bit numbers; ok is false on overflow.
func mul128(ah, al, bh, bl uint64) (hi, lo uint64, ok bool) {
	if ah != 0 && bh != 0 {
		return 0, 0, false
	}
	hi, lo = bits.Mul64(al, bl)
	c1, x := bits.Mul64(ah, bl)
	c2, y := bits.Mul64(al, bh)
	if c1|c2 != 0 {
		return 0, 0, false
	}
	var carry, carry2 uint64
	hi, carry = bits.Add64(hi, x, 0)
	hi, carry2 = bits.Add64(hi, y, 0)
	return hi, lo, carry|carry2 == 0
}

// rescaleUp gives magnitude * 10^n.
func (d Decimal) magTimes10(n int32) Decimal {
	if n == 0 || d.hi|d.lo == 0 && d.big == nil {
		return d
	}
	if d.big == nil && n < int32(len(pow10)) {
		if h, l, ok := mul128(d.hi, d.lo, pow10[n][0], pow10[n][1]); ok {
			d.hi, d.lo = h, l
			return d
		}
	}
	return fromBig(new(big.Int).Mul(d.mag(), bigPow10(n)), d.scale, d.neg)
}

// digits counts the decimal digits of the magnitude; 0 has none.
func (d Decimal) digits() int {
	if d.big != nil {
		return bigDigits(d.big)
	}
	n := bits.Len64(d.hi) + 64
	if d.hi == 0 {
		n = bits.Len64(d.lo)
	}
	// 1233/4096 is log10(2) closely enough below 2^128.
	t := n * 1233 >> 12
	if n > 0 && t < len(pow10) && !less128(d.hi, d.lo, pow10[t][0], pow10[t][1]) {
		t++
	}
	return t
}

func less128(ah, al, bh, bl uint64) bool { return ah < bh || ah == bh && al < bl }

func bigDigits(b *big.Int) int {
	// Of the numbers of a bit length, 10^n is the only power of ten, if there is one.
	n := int(float64(b.BitLen()) * math.Log10(2))
	if b.Cmp(bigPow10(int32(n))) >= 0 {
		n++
	}
	return n
}

// ParseDecimal reads a numeric as PostgreSQL does.
func ParseDecimal(s string) (Decimal, error) {
	if d, ok := parseDecimalFast(s); ok {
		return d, nil
	}
	t := trimSpace(s)
	if d, ok := decimalWord(t); ok {
		return d, nil
	}
	d, err := parseDecimalSlow(t)
	if err == errNotDecimal {
		return Decimal{}, errSyntax("numeric", s)
	}
	return d, err
}

// parseDecimalFast reads -ddd.ddd with at most 18 digits.
func parseDecimalFast(s string) (Decimal, bool) {
	var d Decimal
	i := 0
	if len(s) > 0 && s[0] == '-' {
		d.neg = true
		i = 1
	}
	n := len(s) - i
	if n == 0 || n > 19 {
		return d, false
	}
	point := -1
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			if s[i] != '.' || point >= 0 {
				return d, false
			}
			point = i
			continue
		}
		d.lo = d.lo*10 + uint64(c)
	}
	if point >= 0 {
		if n == 1 {
			return d, false
		}
		d.scale = int32(len(s) - point - 1)
	} else if n > 18 {
		return d, false
	}
	d.neg = d.neg && d.lo != 0
	return d, true
}

func decimalWord(t string) (Decimal, bool) {
	switch strings.ToLower(t) {
	case "nan":
		return DecimalNaN, true
	case "infinity", "+infinity", "inf", "+inf":
		return DecimalInf, true
	case "-infinity", "-inf":
		return DecimalNegInf, true
	}
	return Decimal{}, false
}

type decimalSyntaxError struct{}

func (decimalSyntaxError) Error() string { return "not a decimal number" }

var errNotDecimal error = decimalSyntaxError{}

func parseDecimalSlow(t string) (Decimal, error) {
	neg := false
	if t != "" && (t[0] == '-' || t[0] == '+') {
		neg = t[0] == '-'
		t = t[1:]
	}
	digits := make([]byte, 0, len(t))
	scale, point, i := 0, false, 0
	for ; i < len(t); i++ {
		if t[i] == '.' && !point {
			point = true
			continue
		}
		if !isDigit(t[i]) {
			break
		}
		digits = append(digits, t[i])
		if point {
			scale++
		}
	}
	if len(digits) == 0 {
		return Decimal{}, errNotDecimal
	}
	exp, err := parseExponent(t[i:])
	if err != nil {
		return Decimal{}, err
	}
	return buildDecimal(digits, scale-exp, neg)
}

// parseExponent reads e±n up to the end of t.
func parseExponent(t string) (int, error) {
	if t == "" {
		return 0, nil
	}
	if t[0]|0x20 != 'e' {
		return 0, errNotDecimal
	}
	t = trimSpace(t[1:])
	u := t
	if u != "" && (u[0] == '-' || u[0] == '+') {
		u = u[1:]
	}
	if u == "" {
		return 0, errNotDecimal
	}
	for i := range len(u) {
		if !isDigit(u[i]) {
			return 0, errNotDecimal
		}
	}
	n, err := strconv.Atoi(t)
	if err != nil || n >= math.MaxInt32/2 || n <= -math.MaxInt32/2 {
		return 0, errNumericOverflow()
	}
	return n, nil
}

// buildDecimal makes digits * 10^-scale, where scale may be negative.
func buildDecimal(digits []byte, scale int, neg bool) (Decimal, error) {
	i := 0
	for i < len(digits) && digits[i] == '0' {
		i++
	}
	digits = digits[i:]
	if len(digits) == 0 {
		if scale > maxScale {
			return Decimal{}, errNumericOverflow()
		}
		return Decimal{scale: int32(max(scale, 0))}, nil
	}
	if len(digits)-scale > maxIntegerDigits || scale > maxScale {
		return Decimal{}, errNumericOverflow()
	}
	for ; scale < 0; scale++ {
		digits = append(digits, '0')
	}
	if len(digits) <= 19 {
		var lo uint64
		for _, c := range digits {
			lo = lo*10 + uint64(c-'0')
		}
		return Decimal{lo: lo, scale: int32(scale), neg: neg}, nil
	}
	m, _ := new(big.Int).SetString(string(digits), 10)
	return fromBig(m, int32(scale), neg), nil
}

// String gives the text form.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append writes d as PostgreSQL does.
func (d Decimal) Append(dst []byte) []byte {
	switch d.form {
	case nan:
		return append(dst, "NaN"...)
	case posInf:
		return append(dst, "Infinity"...)
	case negInf:
		return append(dst, "-Infinity"...)
	}
	if d.neg {
		dst = append(dst, '-')
	}
	var tmp [40]byte
	return appendPoint(dst, d.appendMag(tmp[:0]), int(d.scale))
}

// appendMag writes the magnitude's digits without leading zeros.
func (d Decimal) appendMag(dst []byte) []byte {
	if d.big != nil {
		return d.big.Append(dst, 10)
	}
	if d.hi == 0 {
		return strconv.AppendUint(dst, d.lo, 10)
	}
	const e19 = 10_000_000_000_000_000_000
	qh, r := bits.Div64(0, d.hi, e19)
	ql, low := bits.Div64(r, d.lo, e19)
	start := len(dst)
	if qh != 0 {
		qh, r = bits.Div64(qh, ql, e19)
		dst = strconv.AppendUint(dst, qh, 10)
		dst = appendPadded(dst, r, 19)
		return appendPadded(dst, low, 19)
	}
	dst = strconv.AppendUint(dst[:start], ql, 10)
	return appendPadded(dst, low, 19)
}

// appendPadded writes v with at least width digits.
func appendPadded(dst []byte, v uint64, width int) []byte {
	var tmp [20]byte
	i := len(tmp)
	for ; width > 0 || v > 0; width-- {
		i--
		tmp[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, tmp[i:]...)
}

// appendPoint writes digits with a point scale digits from the end.
func appendPoint(dst, digits []byte, scale int) []byte {
	if scale == 0 {
		return append(dst, digits...)
	}
	if n := len(digits) - scale; n > 0 {
		dst = append(append(dst, digits[:n]...), '.')
		return append(dst, digits[n:]...)
	}
	dst = append(dst, '0', '.')
	for range scale - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
