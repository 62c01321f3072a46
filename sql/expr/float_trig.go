package expr

import (
	"math"
	"math/big"
	"sync"
)

// The half of π in three parts of 53 bits each.
const (
	halfPi1 = 0x1.921fb54442d18p+0
	halfPi2 = 0x1.1a62633145c07p-54
	halfPi3 = -0x1.f1976b7ed8fbcp-110
)

// reduced gives x less the nearest multiple of π/2, as a sum of two numbers, and the
// number of the quadrant. math reduces with fewer digits: its sines near multiples of
// π, and those of large numbers, are off in the last digits.
func reduced(x float64) (hi, lo float64, quadrant uint64) {
	if math.Abs(x) <= math.Pi/4 {
		return x, 0, 0
	}
	if math.Abs(x) > 0x1p40 {
		return reducedLarge(x)
	}
	k := math.RoundToEven(x * (2 / math.Pi))
	p := k * halfPi1
	hi = x - p // exact
	lo = -math.FMA(k, halfPi1, -p)
	p = k * halfPi2
	sum := hi - p
	back := sum - hi
	lo += (hi - (sum - back)) + (-p - back)
	lo -= math.FMA(k, halfPi2, -p) + k*halfPi3
	hi = sum + lo
	return hi, sum - hi + lo, uint64(int64(k)) & 3
}

const reducePrec = 1400 // bits: the largest exponent, and those of a result

// bigHalfPi is π/2, by Machin's formula.
var bigHalfPi = sync.OnceValue(func() *big.Float {
	inverse := func(n int64) *big.Float { // atan(1/n)
		f := func(x int64) *big.Float { return new(big.Float).SetPrec(reducePrec).SetInt64(x) }
		power := new(big.Float).Quo(f(1), f(n))
		sum, square := f(0), f(n*n)
		for k := int64(0); power.MantExp(nil) > -reducePrec; k++ {
			term := new(big.Float).Quo(power, f(2*k+1))
			if k%2 == 1 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			power.Quo(power, square)
		}
		return sum
	}
	eight, two := big.NewFloat(8), big.NewFloat(2)
	pi := new(big.Float).Mul(inverse(5), eight)
	return pi.Sub(pi, new(big.Float).Mul(inverse(239), two))
})

func reducedLarge(x float64) (hi, lo float64, quadrant uint64) {
	half := bigHalfPi()
	q := new(big.Float).SetPrec(reducePrec).Quo(new(big.Float).SetPrec(reducePrec).SetFloat64(x), half)
	n, _ := q.Int(nil)
	q.Sub(q, new(big.Float).SetPrec(reducePrec).SetInt(n))
	if f, _ := q.Float64(); f > 0.5 {
		n.Add(n, big.NewInt(1))
		q.Sub(q, big.NewFloat(1))
	} else if f < -0.5 {
		n.Sub(n, big.NewInt(1))
		q.Add(q, big.NewFloat(1))
	}
	q.Mul(q, half)
	hi, _ = q.Float64()
	lo, _ = q.Sub(q, new(big.Float).SetPrec(reducePrec).SetFloat64(hi)).Float64()
	return hi, lo, new(big.Int).And(n, big.NewInt(3)).Uint64()
}

// sines has the sines and cosines of i/64, as sums of two numbers.
type sineEntry struct{ sin, sinLo, cos, cosLo float64 }

var sines = sync.OnceValue(func() *[52]sineEntry {
	var t [52]sineEntry
	for i := range t {
		x := bigFloat(float64(i) / 64)
		square := new(big.Float).Mul(x, x)
		sum := [2]*big.Float{bigFloat(0), bigFloat(0)} // of even and odd powers
		term := bigFloat(1)
		for n := 0; n < 40; n += 2 {
			sum[0].Add(sum[0], term)
			odd := new(big.Float).Mul(term, x)
			sum[1].Add(sum[1], odd.Quo(odd, bigFloat(float64(n+1))))
			term.Mul(term, square)
			term.Quo(term, bigFloat(-float64((n+1)*(n+2))))
		}
		t[i].cos, t[i].cosLo = split(sum[0])
		t[i].sin, t[i].sinLo = split(sum[1])
	}
	return &t
})

func split(x *big.Float) (hi, lo float64) {
	hi, _ = x.Float64()
	lo, _ = new(big.Float).Sub(x, bigFloat(hi)).Float64()
	return hi, lo
}

// angle has the sine and the cosine of an angle, as sums of two numbers.
type angle struct{ sin, sinLo, cos, cosLo float64 }

// small gives the angle of a number of at most π/4, by the sums of sines with those of
// the nearest i/64.
func small(hi, lo float64) angle {
	x := math.Abs(hi)
	i := math.Round(x * 64)
	e := &sines()[int(i)]
	r := x - i/64 // exact
	if hi < 0 {
		lo = -lo
	}
	r2 := float64(r * r)
	s := float64(r2*r) * math.FMA(r2, math.FMA(r2, -1./5040, 1./120), -1./6)           // sin r - r
	c := r2 * math.FMA(r2, math.FMA(r2, math.FMA(r2, 1./40320, -1./720), 1./24), -0.5) // cos r - 1
	s += lo
	c -= float64(r * lo)
	cr, sr := e.cos*r, e.sin*r
	crLo, srLo := math.FMA(e.cos, r, -cr), math.FMA(e.sin, r, -sr)
	var a angle
	a.sin = e.sin + cr
	a.sinLo = (e.sin - a.sin) + cr
	if i == 0 {
		a.sin, a.sinLo = cr, 0
	}
	a.sinLo += crLo + e.sinLo + math.FMA(e.cosLo, r, math.FMA(e.cos, s, float64(e.sin*c)))
	a.cos = e.cos - sr
	a.cosLo = (e.cos - a.cos) - sr - srLo + e.cosLo -
		math.FMA(e.sinLo, r, math.FMA(e.sin, s, float64(-e.cos*c)))
	a.sin, a.sinLo = renormed(a.sin, a.sinLo)
	a.cos, a.cosLo = renormed(a.cos, a.cosLo)
	if hi < 0 {
		a.sin, a.sinLo = -a.sin, -a.sinLo
	}
	return a
}

func renormed(hi, lo float64) (float64, float64) {
	sum := hi + lo
	return sum, hi - sum + lo
}

// angleOf gives the sine and the cosine of x.
func angleOf(x float64) angle {
	hi, lo, quadrant := reduced(x)
	a := small(hi, lo)
	switch quadrant {
	case 1:
		return angle{a.cos, a.cosLo, -a.sin, -a.sinLo}
	case 2:
		return angle{-a.sin, -a.sinLo, -a.cos, -a.cosLo}
	case 3:
		return angle{-a.cos, -a.cosLo, a.sin, a.sinLo}
	}
	return a
}

func exactSin(x float64) float64 {
	if !isFinite(x) {
		return x - x
	}
	if math.Abs(x) < 0x1p-27 {
		return x
	}
	return angleOf(x).sin
}

func exactCos(x float64) float64 {
	if !isFinite(x) {
		return x - x
	}
	return angleOf(x).cos
}

func exactTan(x float64) float64 {
	if !isFinite(x) {
		return x - x
	}
	if math.Abs(x) < 0x1p-27 {
		return x
	}
	a := angleOf(x)
	q := a.sin / a.cos
	return q + (math.FMA(-q, a.cos, a.sin)+a.sinLo-q*a.cosLo)/a.cos
}
