package types

import (
	"cmp"
	"math/big"
	"math/bits"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// check refuses numbers beyond numeric's limits, and cuts display scales that
// are too large.
func (d Decimal) check() (Decimal, error) {
	if d.scale > maxScale {
		d = d.roundTo(maxScale)
	}
	if d.big != nil && d.digits()-int(d.scale) > maxIntegerDigits {
		return Decimal{}, errNumericOverflow()
	}
	return d, nil
}

// Neg gives -d.
func (d Decimal) Neg() Decimal {
	switch d.form {
	case posInf:
		return DecimalNegInf
	case negInf:
		return DecimalInf
	case nan:
		return d
	}
	d.neg = !d.neg && !d.IsZero()
	return d
}

// Abs gives |d|.
func (d Decimal) Abs() Decimal {
	if d.form == negInf {
		return DecimalInf
	}
	d.neg = false
	return d
}

// SignDecimal is sign(d) as numeric.
func (d Decimal) SignDecimal() Decimal {
	if d.form == nan {
		return d
	}
	return DecimalFromInt(int64(d.Sign()))
}

// Add gives d + e, with the larger scale.
func (d Decimal) Add(e Decimal) (Decimal, error) {
	if x, y, s, ok := align64(d, e); ok {
		if d.neg == e.neg {
			sum, carry := bits.Add64(x, y, 0)
			return Decimal{hi: carry, lo: sum, scale: s, neg: d.neg}, nil
		}
		if x >= y {
			return Decimal{lo: x - y, scale: s, neg: d.neg && x != y}, nil
		}
		return Decimal{lo: y - x, scale: s, neg: e.neg}, nil
	}
	if d.form|e.form != finite {
		return addSpecial(d, e), nil
	}
	scale := max(d.scale, e.scale)
	a, b := d.magTimes10(scale-d.scale), e.magTimes10(scale-e.scale)
	if a.big == nil && b.big == nil {
		if a.neg == b.neg {
			lo, c := bits.Add64(a.lo, b.lo, 0)
			hi, c := bits.Add64(a.hi, b.hi, c)
			if c == 0 {
				return Decimal{hi: hi, lo: lo, scale: scale, neg: a.neg}, nil
			}
		} else {
			return sub128(a, b, scale), nil
		}
	}
	x, y := a.signed(), b.signed()
	m := x.Add(x, y)
	return fromBig(m.Abs(m), scale, addNeg(a, b)).check()
}

// align64 brings two magnitudes to the larger scale; ok is false when they are
// no numbers or do not fit 64 bits so.
func align64(d, e Decimal) (x, y uint64, scale int32, ok bool) {
	if d.form|e.form != finite || d.hi|e.hi != 0 || d.big != nil || e.big != nil {
		return 0, 0, 0, false
	}
	x, y, scale = d.lo, e.lo, d.scale
	var over uint64
	switch k := d.scale - e.scale; {
	case k == 0:
	case k > 19 || k < -19:
		return 0, 0, 0, false
	case k > 0:
		over, y = bits.Mul64(y, pow10[k][1])
	default:
		over, x = bits.Mul64(x, pow10[-k][1])
		scale = e.scale
	}
	return x, y, scale, over == 0
}

// sub128 gives a + b for magnitudes below 2^128 and different signs.
func sub128(a, b Decimal, scale int32) Decimal {
	if less128(a.hi, a.lo, b.hi, b.lo) {
		a, b = b, a
	}
	lo, c := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, c)
	return Decimal{hi: hi, lo: lo, scale: scale, neg: a.neg && hi|lo != 0}
}

// addNeg gives the sign of a + b for magnitudes of equal scale.
func addNeg(a, b Decimal) bool {
	if a.neg == b.neg {
		return a.neg
	}
	if a.mag().Cmp(b.mag()) >= 0 {
		return a.neg
	}
	return b.neg
}

// signed gives the value times 10^scale as a new big.Int.
func (d Decimal) signed() *big.Int {
	m := new(big.Int).Set(d.mag())
	if d.neg {
		m.Neg(m)
	}
	return m
}

func addSpecial(d, e Decimal) Decimal {
	switch {
	case d.form == nan || e.form == nan:
		return DecimalNaN
	case d.form == finite:
		return e
	case e.form == finite || e.form == d.form:
		return d
	}
	return DecimalNaN
}

// Sub gives d - e, with the larger scale.
func (d Decimal) Sub(e Decimal) (Decimal, error) { return d.Add(e.Neg()) }

// Mul gives d * e, with the sum of the scales.
func (d Decimal) Mul(e Decimal) (Decimal, error) {
	if d.form|e.form != finite {
		return mulSpecial(d, e), nil
	}
	r := Decimal{scale: d.scale + e.scale, neg: d.neg != e.neg}
	if d.big == nil && e.big == nil {
		var ok bool
		if r.hi, r.lo, ok = mul128(d.hi, d.lo, e.hi, e.lo); ok {
			r.neg = r.neg && r.hi|r.lo != 0
			if r.scale > maxScale {
				return r.check()
			}
			return r, nil
		}
	}
	return fromBig(new(big.Int).Mul(d.mag(), e.mag()), r.scale, r.neg).check()
}

func mulSpecial(d, e Decimal) Decimal {
	if d.form == nan || e.form == nan || d.IsZero() || e.IsZero() {
		return DecimalNaN
	}
	if d.Sign() == e.Sign() {
		return DecimalInf
	}
	return DecimalNegInf
}

func errDivisionByZero() error {
	return sqlerr.New(sqlerr.DivisionByZero, "division by zero")
}

// leading gives the base-10000 weight and first digit of a number, as
// PostgreSQL stores it; zero has weight 0 and digit 0.
func (d Decimal) leading() (weight int, digit int64) {
	n := d.digits()
	if n == 0 {
		return 0, 0
	}
	exp := n - int(d.scale) - 1
	weight = exp >> 2
	want := exp - weight*4 + 1 // decimal digits in the first base-10000 digit
	drop := n - want
	if drop < 0 {
		return weight, int64(d.lo) * int64(pow10[-drop][1])
	}
	if d.big == nil {
		_, lo, _, _ := divmod128(d.hi, d.lo, pow10[drop][0], pow10[drop][1])
		return weight, int64(lo)
	}
	return weight, new(big.Int).Quo(d.big, bigPow10(int32(drop))).Int64()
}

// divScale is PostgreSQL's select_div_scale.
func divScale(d, e Decimal) int32 {
	w1, f1 := d.leading()
	w2, f2 := e.leading()
	q := w1 - w2
	if f1 <= f2 {
		q--
	}
	s := max(int32(minSigDigits-q*4), d.scale, e.scale, 0)
	return min(s, maxDisplayScale)
}

// Div gives d / e with PostgreSQL's choice of scale, rounded half away from
// zero.
func (d Decimal) Div(e Decimal) (Decimal, error) {
	if d.form|e.form != finite {
		return divSpecial(d, e)
	}
	if e.IsZero() {
		return Decimal{}, errDivisionByZero()
	}
	return d.divTo(e, divScale(d, e), true).check()
}

// DivTrunc is div(d, e): the integer quotient, truncated towards zero.
func (d Decimal) DivTrunc(e Decimal) (Decimal, error) {
	if d.form|e.form != finite {
		return divSpecial(d, e)
	}
	if e.IsZero() {
		return Decimal{}, errDivisionByZero()
	}
	return d.divTo(e, 0, false).check()
}

func divSpecial(d, e Decimal) (Decimal, error) {
	switch {
	case d.form == nan || e.form == nan:
		return DecimalNaN, nil
	case d.form == finite:
		return Decimal{}, nil
	case e.form != finite:
		return DecimalNaN, nil
	case e.IsZero():
		return Decimal{}, errDivisionByZero()
	case d.Sign() == e.Sign():
		return DecimalInf, nil
	}
	return DecimalNegInf, nil
}

// divTo gives d / e with the given scale.
func (d Decimal) divTo(e Decimal, scale int32, round bool) Decimal {
	n, m := d, e
	if k := scale + e.scale - d.scale; k >= 0 {
		n = d.magTimes10(k)
	} else {
		m = e.magTimes10(-k)
	}
	neg := d.neg != e.neg
	if n.big == nil && m.big == nil {
		qh, ql, rh, rl := divmod128(n.hi, n.lo, m.hi, m.lo)
		if round && !halfBelow(rh, rl, m.hi, m.lo) {
			var c uint64
			ql, c = bits.Add64(ql, 1, 0)
			qh += c
		}
		return Decimal{hi: qh, lo: ql, scale: scale, neg: neg && qh|ql != 0}
	}
	q, r := new(big.Int).QuoRem(n.mag(), m.mag(), new(big.Int))
	if round && r.Lsh(r, 1).Cmp(m.mag()) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	return fromBig(q, scale, neg)
}

// halfBelow tells whether 2*r < m.
func halfBelow(rh, rl, mh, ml uint64) bool {
	if rh>>63 != 0 {
		return false
	}
	return less128(rh<<1|rl>>63, rl<<1, mh, ml)
}

// divmod128 divides 128-bit numbers; the divisor is not 0.
func divmod128(nh, nl, dh, dl uint64) (qh, ql, rh, rl uint64) {
	if dh == 0 {
		if nh < dl {
			ql, rl = bits.Div64(nh, nl, dl)
			return 0, ql, 0, rl
		}
		qh, r := bits.Div64(0, nh, dl)
		ql, rl = bits.Div64(r, nl, dl)
		return qh, ql, 0, rl
	}
	if less128(nh, nl, dh, dl) {
		return 0, 0, nh, nl
	}
	// dh != 0, so the quotient has at most 64 bits: estimate it with the top 64
	// bits of the divisor and correct (Hacker's Delight, 9-5).
	s := uint(bits.LeadingZeros64(dh))
	top := dh<<s | dl>>(64-s)
	if s == 0 {
		top = dh
	}
	q, _ := bits.Div64(nh>>1, nh<<63|nl>>1, top)
	q >>= 63 - s
	if q != 0 {
		q--
	}
	ph, pl := bits.Mul64(q, dl)
	ph += q * dh
	rl, c := bits.Sub64(nl, pl, 0)
	rh, _ = bits.Sub64(nh, ph, c)
	for !less128(rh, rl, dh, dl) {
		q++
		rl, c = bits.Sub64(rl, dl, 0)
		rh, _ = bits.Sub64(rh, dh, c)
	}
	return 0, q, rh, rl
}

// Mod gives the remainder of the truncated division, with d's sign.
func (d Decimal) Mod(e Decimal) (Decimal, error) {
	switch {
	case d.form == nan || e.form == nan:
		return DecimalNaN, nil
	case d.form != finite:
		if e.IsZero() {
			return Decimal{}, errDivisionByZero()
		}
		return DecimalNaN, nil
	case e.form != finite:
		return d, nil
	case e.IsZero():
		return Decimal{}, errDivisionByZero()
	}
	scale := max(d.scale, e.scale)
	a, b := d.magTimes10(scale-d.scale), e.magTimes10(scale-e.scale)
	if a.big == nil && b.big == nil {
		_, _, h, l := divmod128(a.hi, a.lo, b.hi, b.lo)
		return Decimal{hi: h, lo: l, scale: scale, neg: d.neg && h|l != 0}, nil
	}
	return fromBig(new(big.Int).Rem(a.mag(), b.mag()), scale, d.neg), nil
}

// dropDigits gives magnitude / 10^n, rounded half up when round is set.
func (d Decimal) dropDigits(n int32, round bool) Decimal {
	if d.big == nil && n < int32(len(pow10)) {
		p := pow10[n]
		qh, ql, rh, rl := divmod128(d.hi, d.lo, p[0], p[1])
		if round && !halfBelow(rh, rl, p[0], p[1]) {
			var c uint64
			ql, c = bits.Add64(ql, 1, 0)
			qh += c
		}
		d.hi, d.lo = qh, ql
		d.neg = d.neg && qh|ql != 0
		return d
	}
	if d.big == nil || int(n) > d.digits()+1 {
		return Decimal{scale: d.scale}
	}
	p := bigPow10(n)
	q, r := new(big.Int).QuoRem(d.big, p, new(big.Int))
	if round && r.Lsh(r, 1).Cmp(p) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	return fromBig(q, d.scale, d.neg)
}

// roundTo rounds half away from zero to scale s >= 0, padding with zeros.
func (d Decimal) roundTo(s int32) Decimal {
	if s >= d.scale {
		d = d.magTimes10(s - d.scale)
	} else {
		d = d.dropDigits(d.scale-s, true)
	}
	d.scale = s
	return d
}

// roundPlaces rounds or truncates to n places after the point; negative n
// counts before it.
func (d Decimal) roundPlaces(n int32, round bool) Decimal {
	if d.form != finite {
		return d
	}
	n = min(max(n, -maxRoundPlaces), maxStoredScale)
	if n >= d.scale {
		d = d.magTimes10(n - d.scale)
		d.scale = n
		return d
	}
	d = d.dropDigits(d.scale-n, round)
	if n < 0 {
		d = d.magTimes10(-n)
		n = 0
	}
	d.scale = n
	return d
}

// Round is round(d, n): half away from zero.
func (d Decimal) Round(n int32) (Decimal, error) { return d.roundPlaces(n, true).check() }

// Trunc is trunc(d, n): towards zero.
func (d Decimal) Trunc(n int32) Decimal { return d.roundPlaces(n, false) }

// Ceil gives the smallest integer not below d.
func (d Decimal) Ceil() (Decimal, error) { return d.toInteger(!d.neg) }

// Floor gives the largest integer not above d.
func (d Decimal) Floor() (Decimal, error) { return d.toInteger(d.neg) }

// toInteger truncates, and moves away from zero if asked and inexact.
func (d Decimal) toInteger(away bool) (Decimal, error) {
	if d.form != finite {
		return d, nil
	}
	t := d.roundPlaces(0, false)
	if !away || t.Cmp(d) == 0 {
		return t, nil
	}
	one := DecimalFromInt(1)
	one.neg = d.neg
	return t.Add(one)
}

// TrimScale is trim_scale(d): the fewest digits after the point.
func (d Decimal) TrimScale() Decimal {
	if d.form != finite {
		return d
	}
	return d.stripZeros()
}

// stripZeros removes trailing zeros after the point.
func (d Decimal) stripZeros() Decimal {
	if d.IsZero() {
		return Decimal{}
	}
	for d.scale > 0 && d.big == nil {
		if d.lo&1 != 0 {
			return d
		}
		if d.hi == 0 {
			if d.lo%10 != 0 {
				return d
			}
			d.lo /= 10
		} else {
			qh, ql, _, r := divmod128(d.hi, d.lo, 0, 10)
			if r != 0 {
				return d
			}
			d.hi, d.lo = qh, ql
		}
		d.scale--
	}
	if d.scale > 0 {
		return d.stripBigZeros()
	}
	return d
}

func (d Decimal) stripBigZeros() Decimal {
	m, ten, r := new(big.Int).Set(d.big), big.NewInt(10), new(big.Int)
	for d.scale > 0 {
		q, rem := new(big.Int).QuoRem(m, ten, r)
		if rem.Sign() != 0 {
			break
		}
		m = q
		d.scale--
	}
	out := fromBig(m, d.scale, d.neg)
	if out.big == nil && out.scale > 0 {
		return out.stripZeros()
	}
	return out
}

// Cmp orders numbers as PostgreSQL: -Infinity, numbers, Infinity, NaN.
func (d Decimal) Cmp(e Decimal) int {
	if d.form|e.form != finite {
		return formRank(d.form) - formRank(e.form)
	}
	if d.neg != e.neg {
		if d.neg {
			return -1
		}
		return 1
	}
	c := cmpMag(d, e)
	if d.neg {
		return -c
	}
	return c
}

// formRank orders the forms; numbers are 0.
func formRank(f decimalForm) int {
	switch f {
	case negInf:
		return -1
	case posInf:
		return 1
	case nan:
		return 2
	}
	return 0
}

func cmpMag(d, e Decimal) int {
	if x, y, _, ok := align64(d, e); ok {
		return cmp.Compare(x, y)
	}
	if d.scale != e.scale {
		s := max(d.scale, e.scale)
		d, e = d.magTimes10(s-d.scale), e.magTimes10(s-e.scale)
	}
	switch {
	case d.big != nil || e.big != nil:
		return d.mag().Cmp(e.mag())
	case less128(d.hi, d.lo, e.hi, e.lo):
		return -1
	case d.hi == e.hi && d.lo == e.lo:
		return 0
	}
	return 1
}

// Coerce applies the modifier numeric(p, s): rounds, and refuses what does not
// fit with 22003. A type without modifier leaves d as it is.
func (d Decimal) Coerce(t Type) (Decimal, error) {
	p, s, ok := t.PrecisionScale()
	if !ok || d.form == nan {
		return d, nil
	}
	if d.form != finite {
		return Decimal{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
	}
	r := d.roundPlaces(s, true)
	if !r.IsZero() && r.digits()-int(r.scale) > int(p-s) {
		limit := "10^"
		n := p - s
		if n == 0 {
			limit, n = "", 1
		}
		return Decimal{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d must round to an absolute value "+
				"less than %s%d.", p, s, limit, n)
	}
	return r, nil
}
