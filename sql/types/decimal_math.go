package types

import (
	"math"
	"math/big"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// guardBits are computed beyond the last digit, so that rounding goes wrong for
// one result in 2^64 only.
const guardBits = 64

// bitsPerDigit is log2(10), rounded up.
const bitsPerDigit = 3.33

func errPower(msg string) error {
	return sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "%s", msg)
}

func errLog(msg string) error {
	return sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "%s", msg)
}

// clampScale bounds a computed result's display scale.
func clampScale(s int) int32 { return int32(min(max(s, 0), maxDisplayScale)) }

// Sqrt gives the square root, rounded, with at least 16 significant digits.
func (d Decimal) Sqrt() (Decimal, error) {
	if d.form == nan || d.form == posInf {
		return d, nil
	}
	if d.Sign() < 0 {
		return Decimal{}, errPower("cannot take square root of a negative number")
	}
	w, _ := d.leading()
	scale := clampScale(max(minSigDigits-(w*2+1), int(d.scale)))
	// floor(sqrt(4 * m * 10^k)) decides the rounding exactly: 2r+1 over 2.
	k := 2*scale - d.scale
	m := new(big.Int).Set(d.mag())
	if k >= 0 {
		m.Mul(m, bigPow10(k))
	} else {
		m.Quo(m, bigPow10(-k))
	}
	r := m.Sqrt(m.Lsh(m, 2))
	r.Add(r, big.NewInt(1))
	return fromBig(r.Rsh(r, 1), scale, false), nil
}

// fixed gives |d| * 2^p as an integer.
func (d Decimal) fixed(p uint) *big.Int {
	m := new(big.Int).Lsh(d.mag(), p)
	return m.Quo(m, bigPow10(d.scale))
}

// roundFixed turns v * 2^-p into a Decimal of the given scale.
func roundFixed(v *big.Int, p uint, scale int32) Decimal {
	m := new(big.Int).Mul(new(big.Int).Abs(v), bigPow10(scale))
	m.Add(m, new(big.Int).Lsh(big.NewInt(1), p-1))
	return fromBig(m.Rsh(m, p), scale, v.Sign() < 0)
}

// atanhInv gives atanh(1/n) * 2^p.
func atanhInv(n int64, p uint) *big.Int {
	nn := big.NewInt(n * n)
	term := new(big.Int).Lsh(big.NewInt(1), p)
	term.Quo(term, big.NewInt(n))
	sum, t := new(big.Int).Set(term), new(big.Int)
	for k := int64(3); term.Sign() != 0; k += 2 {
		term.Quo(term, nn)
		sum.Add(sum, t.Quo(term, big.NewInt(k)))
	}
	return sum
}

// ln2 gives ln(2) * 2^p by a Machin-like formula.
func ln2(p uint) *big.Int {
	a := atanhInv(26, p)
	a.Mul(a, big.NewInt(18))
	b := atanhInv(4801, p)
	a.Sub(a, b.Mul(b, big.NewInt(2)))
	c := atanhInv(8749, p)
	return a.Add(a, c.Mul(c, big.NewInt(8)))
}

// lnFixed gives ln(d) * 2^p for d > 0, exact to a few units.
func lnFixed(d Decimal, p uint) *big.Int {
	p += 32
	// d = f * 2^e with f in [0.75, 1.5).
	num, den := new(big.Int).Set(d.mag()), bigPow10(d.scale)
	e := num.BitLen() - den.BitLen()
	if e > 0 {
		den = new(big.Int).Lsh(den, uint(e))
	} else {
		num.Lsh(num, uint(-e))
	}
	// Now num/den is in (0.5, 2).
	if two := new(big.Int).Lsh(num, 1); two.Cmp(new(big.Int).Mul(den, big.NewInt(3))) >= 0 {
		den = new(big.Int).Lsh(den, 1)
		e++
	} else if two.Lsh(two, 1).Cmp(new(big.Int).Mul(den, big.NewInt(3))) < 0 {
		num.Lsh(num, 1)
		e--
	}
	// ln f = 2 atanh((num-den)/(num+den)).
	z := new(big.Int).Sub(num, den)
	z.Lsh(z, p)
	z.Quo(z, num.Add(num, den))
	zz := new(big.Int).Mul(z, z)
	zz.Rsh(zz, p)
	sum, term, t := new(big.Int).Set(z), z, new(big.Int)
	for k := int64(3); term.Sign() != 0 && term.CmpAbs(big.NewInt(1)) > 0; k += 2 {
		term.Mul(term, zz)
		term.Quo(term, t.Lsh(big.NewInt(1), p))
		sum.Add(sum, t.Quo(term, big.NewInt(k)))
	}
	sum.Lsh(sum, 1)
	sum.Add(sum, t.Mul(ln2(p), big.NewInt(int64(e))))
	return sum.Rsh(sum, 32)
}

// expFixed gives exp(x * 2^-p) * 2^q, for x of either sign, exact to a few
// units of 2^-q; the result has about rbits integer bits.
func expFixed(x *big.Int, p, q uint, rbits int) *big.Int {
	const halvings = 16
	k := uint(max(x.BitLen()-int(p), 0) + halvings)
	w := q + k + uint(max(rbits, 0)) + 64
	y := new(big.Int).Abs(x)
	if w+0 >= p+k {
		y.Lsh(y, w-p-k)
	} else {
		y.Rsh(y, p+k-w)
	}
	one := new(big.Int).Lsh(big.NewInt(1), w)
	sum, term := new(big.Int).Set(one), new(big.Int).Set(one)
	for n := int64(1); term.Sign() != 0; n++ {
		term.Mul(term, y)
		term.Rsh(term, w)
		term.Quo(term, big.NewInt(n))
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum)
		sum.Rsh(sum, w)
	}
	if x.Sign() < 0 {
		sum.Quo(one.Lsh(one, w), sum)
	}
	return sum.Rsh(sum, w-q)
}

// expScaled gives e^(x*2^-p) with the given scale; val is about x*2^-p.
func expScaled(x *big.Int, p uint, val float64, scale int32) (Decimal, error) {
	if math.Abs(val) >= maxResultScale*3 {
		if val > 0 {
			return Decimal{}, errNumericOverflow()
		}
		return Decimal{scale: scale}, nil
	}
	q := uint(float64(scale)*bitsPerDigit) + guardBits
	rbits := int(math.Abs(val)*1.45) + 2
	return roundFixed(expFixed(x, p, q, rbits), q, scale), nil
}

// Exp gives e^d.
func (d Decimal) Exp() (Decimal, error) {
	switch d.form {
	case nan, posInf:
		return d, nil
	case negInf:
		return Decimal{}, nil
	}
	f := d.approx()
	w := math.Min(math.Max(f*0.434294481903252, -maxResultScale), maxResultScale)
	scale := clampScale(max(minSigDigits-int(w), int(d.scale)))
	if math.Abs(f) >= maxResultScale*3 {
		return expScaled(nil, 0, f, scale)
	}
	p := uint((float64(scale)+math.Abs(w))*bitsPerDigit) + guardBits
	x := d.fixed(p)
	if d.neg {
		x.Neg(x)
	}
	return expScaled(x, p, f, scale)
}

// approx gives d as a float64, infinite when too large.
func (d Decimal) approx() float64 {
	f, _ := new(big.Float).SetInt(d.mag()).Float64()
	switch {
	case d.scale == 0:
	case d.scale < 300 && !math.IsInf(f, 0):
		f /= math.Pow10(int(d.scale))
	default:
		m := new(big.Float).Quo(new(big.Float).SetInt(d.mag()), new(big.Float).SetInt(bigPow10(d.scale)))
		f, _ = m.Float64()
	}
	if d.neg {
		return -f
	}
	return f
}

// lnWeight is PostgreSQL's estimate_ln_dweight: the decimal weight of ln(d).
func lnWeight(d Decimal) int {
	if d.Sign() <= 0 {
		return 0
	}
	if d.Cmp(NewDecimal(9, 1)) >= 0 && d.Cmp(NewDecimal(11, 1)) <= 0 {
		x, _ := d.Sub(DecimalFromInt(1))
		if x.IsZero() {
			return 0
		}
		w, first := x.leading()
		return w*4 + int(math.Log10(float64(first)))
	}
	n := d.digits()
	m := d
	m.neg = false
	exp := n - int(d.scale) // d = 0.mmm * 10^exp
	drop := max(n-15, 0)
	m = m.dropDigits(int32(drop), false)
	m.scale = 0
	f := math.Log(m.approx()) + float64(exp-n+drop)*math.Ln10
	return int(math.Log10(math.Abs(f)))
}

// checkLog refuses arguments that have no logarithm; done is set for special
// values, whose logarithm is in the result.
func checkLog(d Decimal) (r Decimal, done bool, err error) {
	switch {
	case d.form == nan || d.form == posInf:
		return d, true, nil
	case d.Sign() < 0:
		return d, true, errLog("cannot take logarithm of a negative number")
	case d.IsZero():
		return d, true, errLog("cannot take logarithm of zero")
	}
	return d, false, nil
}

// Ln gives the natural logarithm.
func (d Decimal) Ln() (Decimal, error) {
	if r, done, err := checkLog(d); done {
		return r, err
	}
	scale := clampScale(max(minSigDigits-lnWeight(d), int(d.scale)))
	p := uint(float64(scale)*bitsPerDigit) + guardBits
	return roundFixed(lnFixed(d, p), p, scale), nil
}

// Log gives the logarithm of d to the given base.
func (d Decimal) Log(base Decimal) (Decimal, error) {
	if base.form == nan || d.form == nan {
		return DecimalNaN, nil
	}
	b, bDone, err := checkLog(base)
	if err != nil {
		return Decimal{}, err
	}
	n, nDone, err := checkLog(d)
	if err != nil {
		return Decimal{}, err
	}
	if bDone || nDone {
		switch {
		case bDone && nDone:
			return DecimalNaN, nil
		case bDone:
			return Decimal{}, nil
		}
		return DecimalInf, nil
	}
	w := lnWeight(n) - lnWeight(b)
	scale := clampScale(max(minSigDigits-w, int(b.scale), int(n.scale)))
	p := uint(float64(int(scale)+max(w, 0)+max(-lnWeight(b), 0)*2)*bitsPerDigit) + 64
	x, y := lnFixed(n, p), lnFixed(b, p)
	if y.Sign() == 0 {
		return Decimal{}, errDivisionByZero()
	}
	x.Lsh(x, p)
	return roundFixed(x.Quo(x, y), p, scale), nil
}

// isInt tells whether d is an integer, and gives it if it fits an int64.
func (d Decimal) isInt() (v int64, small, integer bool) {
	t := d.stripZeros()
	if t.scale != 0 || d.form != finite {
		return 0, false, false
	}
	v, err := t.Int64()
	return v, err == nil, true
}

// odd tells whether an integer is odd.
func (d Decimal) odd() bool {
	t := d.stripZeros()
	return t.scale == 0 && (t.big == nil && t.lo&1 == 1 || t.big != nil && t.big.Bit(0) == 1)
}

// Power gives d^e.
func (d Decimal) Power(e Decimal) (Decimal, error) {
	if d.form|e.form != finite {
		return powerSpecial(d, e)
	}
	if d.IsZero() && e.Sign() < 0 {
		return Decimal{}, errPower("zero raised to a negative power is undefined")
	}
	v, small, integer := e.isInt()
	if d.Sign() < 0 && !integer {
		return Decimal{}, errPower(
			"a negative number raised to a non-integer power yields a complex result")
	}
	if integer && small && v == int64(int32(v)) {
		return d.powerInt(v, clampScale(max(minSigDigits, int(d.scale))))
	}
	if d.IsZero() {
		return Decimal{scale: minSigDigits}, nil
	}
	r, err := d.Abs().powerReal(e)
	if err != nil {
		return Decimal{}, err
	}
	if d.neg && e.odd() {
		r = r.Neg()
	}
	return r, nil
}

// powerReal is e^(exp * ln(d)) for d > 0.
func (d Decimal) powerReal(exp Decimal) (Decimal, error) {
	if d.Cmp(DecimalFromInt(1)) == 0 {
		scale := clampScale(max(minSigDigits, int(d.scale), int(exp.scale)))
		return DecimalFromInt(1).roundTo(scale), nil
	}
	val := d.lnTimes(exp)
	if math.Abs(val) > maxResultScale*3.01 {
		if val > 0 {
			return Decimal{}, errNumericOverflow()
		}
		return Decimal{scale: maxDisplayScale}, nil
	}
	w := int(val * 0.434294481903252)
	scale := clampScale(max(minSigDigits-w, int(d.scale), int(exp.scale)))
	expDigits := max(exp.digits()-int(exp.scale), 0)
	p := uint(float64(int(scale)+max(w, -w)+expDigits)*bitsPerDigit) + 64
	x := lnFixed(d, p)
	x.Mul(x, exp.mag())
	x.Quo(x, bigPow10(exp.scale))
	if exp.neg {
		x.Neg(x)
	}
	return expScaled(x, p, val, scale)
}

// lnTimes gives exp * ln(d) as PostgreSQL does to find the scale of a power: of a
// logarithm of about 8 digits, and rounded to its scale. A power that is near to one of
// ten has a digit more or less where that is better.
func (d Decimal) lnTimes(exp Decimal) float64 {
	local := int32(max(8-lnWeight(d), 0))
	p := uint(64 + float64(local)*bitsPerDigit)
	ln := roundFixed(lnFixed(d, p), p, local)
	product := fromBig(new(big.Int).Mul(ln.mag(), exp.mag()), local+exp.scale, ln.neg != exp.neg)
	return product.roundTo(local).approx()
}

// powerInt is d^exp rounded to scale.
func (d Decimal) powerInt(exp int64, scale int32) (Decimal, error) {
	switch {
	case exp == 0:
		return DecimalFromInt(1).roundTo(scale), nil
	case exp == 1:
		return d.roundTo(scale), nil
	case exp == -1:
		return DecimalFromInt(1).divTo(d, scale, true).check()
	case d.IsZero():
		return Decimal{scale: scale}, nil
	}
	lead := d.digits() - int(d.scale)
	m := d.dropDigits(int32(max(d.digits()-15, 0)), false)
	m.scale, m.neg = 0, false
	f := float64(exp) * (math.Log10(m.approx()) + float64(lead-m.digits()))
	if f > maxIntegerDigits {
		return Decimal{}, errNumericOverflow()
	}
	if f+1 < float64(-scale) || f+1 < -maxDisplayScale {
		return Decimal{scale: scale}, nil
	}
	// Keep enough digits for the result, and for the error of about 2*exp units.
	keep := max(int(f)+int(scale), 1) + 12 + 2*len(DecimalFromInt(exp).String())
	n := exp
	if n < 0 {
		n = -n
		keep += int(math.Abs(f))
	}
	r := sciPower(sciDecimal{m: d.mag(), exp: -int(d.scale)}, n, keep)
	neg := d.neg && exp&1 == 1
	if exp < 0 {
		q := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(2*keep)), nil)
		r = sciDecimal{m: q.Quo(q, r.m), exp: -2*keep - r.exp}
	}
	return r.decimal(scale, neg).check()
}

// sciDecimal is m * 10^exp, a floating decimal for powers.
type sciDecimal struct {
	m   *big.Int
	exp int
}

func (s sciDecimal) cut(keep int) sciDecimal {
	if drop := bigDigits2(s.m) - keep; drop > 0 {
		return sciDecimal{new(big.Int).Quo(s.m, bigPow10(int32(drop))), s.exp + drop}
	}
	return s
}

// bigDigits2 is bigDigits that takes 0.
func bigDigits2(b *big.Int) int {
	if b.Sign() == 0 {
		return 0
	}
	return bigDigits(b)
}

// sciPower gives s^n by squaring, keeping about keep digits.
func sciPower(s sciDecimal, n int64, keep int) sciDecimal {
	r := sciDecimal{big.NewInt(1), 0}
	for {
		if n&1 == 1 {
			r = sciDecimal{new(big.Int).Mul(r.m, s.m), r.exp + s.exp}.cut(keep)
		}
		if n >>= 1; n == 0 {
			return r
		}
		s = sciDecimal{new(big.Int).Mul(s.m, s.m), s.exp * 2}.cut(keep)
	}
}

// decimal rounds to scale.
func (s sciDecimal) decimal(scale int32, neg bool) Decimal {
	k := s.exp + int(scale)
	if k >= 0 {
		return fromBig(new(big.Int).Mul(s.m, bigPow10(int32(k))), scale, neg)
	}
	p := bigPow10(int32(-k))
	q, r := new(big.Int).QuoRem(s.m, p, new(big.Int))
	if r.Lsh(r, 1).Cmp(p) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	return fromBig(q, scale, neg)
}

// powerSpecial follows POSIX pow() for NaN and infinities, as PostgreSQL does.
func powerSpecial(d, e Decimal) (Decimal, error) {
	one := DecimalFromInt(1)
	switch {
	case d.form == nan:
		if e.IsZero() {
			return one, nil
		}
		return d, nil
	case e.form == nan:
		if d.form == finite && d.Cmp(one) == 0 {
			return one, nil
		}
		return e, nil
	case d.IsZero() && e.Sign() < 0:
		return Decimal{}, errPower("zero raised to a negative power is undefined")
	}
	_, _, integer := e.isInt()
	if d.Sign() < 0 && e.form == finite && !integer {
		return Decimal{}, errPower(
			"a negative number raised to a non-integer power yields a complex result")
	}
	switch {
	case d.form == finite && d.Cmp(one) == 0, e.IsZero():
		return one, nil
	case d.IsZero():
		return Decimal{}, nil
	case e.form != finite:
		return powerInfinite(d, e), nil
	case e.Sign() < 0:
		return Decimal{}, nil
	case d.form == negInf && e.odd():
		return DecimalNegInf, nil
	}
	return DecimalInf, nil
}

// powerInfinite is d^±Infinity.
func powerInfinite(d, e Decimal) Decimal {
	c := d.Abs().Cmp(DecimalFromInt(1))
	switch {
	case c == 0:
		return DecimalFromInt(1)
	case (c > 0) == (e.form == posInf):
		return DecimalInf
	}
	return Decimal{}
}

// Factorial gives n! for n >= 0, and PostgreSQL's errors.
func Factorial(n int64) (Decimal, error) {
	if n < 0 {
		return Decimal{}, sqlerr.New(sqlerr.NumericValueOutOfRange,
			"factorial of a negative number is undefined")
	}
	if n > 32177 {
		return Decimal{}, errNumericOverflow()
	}
	if n < 2 {
		return DecimalFromInt(1), nil
	}
	return fromBig(new(big.Int).MulRange(1, n), 0, false).check()
}

// GCD gives the greatest common divisor, with the larger scale.
func (d Decimal) GCD(e Decimal) Decimal {
	if d.form|e.form != finite {
		return DecimalNaN
	}
	s := max(d.scale, e.scale)
	a, b := d.magTimes10(s-d.scale), e.magTimes10(s-e.scale)
	return fromBig(new(big.Int).GCD(nil, nil, a.mag(), b.mag()), s, false)
}

// LCM gives the least common multiple, with the larger scale.
func (d Decimal) LCM(e Decimal) (Decimal, error) {
	if d.form|e.form != finite {
		return DecimalNaN, nil
	}
	s := max(d.scale, e.scale)
	if d.IsZero() || e.IsZero() {
		return Decimal{scale: s}, nil
	}
	g := d.GCD(e)
	q := d.divTo(g, 0, false)
	r, err := q.Mul(e)
	return r.Abs().roundTo(s), err
}
