package expr

import (
	"math"
	"math/big"
	"sync"
)

// Exponentials, logarithms and powers with an error of little more than half a unit of
// the last place: the same digits as those of good C libraries in nearly all cases, and
// on every processor, which math does not promise. The method is that of tables with
// correction terms: log(z) = log(c) + log1p(z/c - 1) with c near z, and
// exp(x) = 2^(k/N) * exp(r) with a small r.

const (
	tableBits = 7
	tableSize = 1 << tableBits
	// ln2Hi has so few digits that products with exponents are exact.
	ln2Hi = 0x1.62e42fefa3800p-1
	ln2Lo = 0x1.ef35793c76730p-45
)

// expEntry is 2^(i/N): hi * (1 + tail). logEntry is -log(inv), with 42 digits behind
// the point in hi; inv is near the inverse of the values of its interval.
type (
	expEntry struct{ hi, tail float64 }
	logEntry struct{ inv, hi, tail float64 }
)

type exactTables struct {
	exp [tableSize]expEntry
	log [tableSize]logEntry
}

var exactly = sync.OnceValue(makeExactTables)

const tablePrec = 200 // bits; twice what the tables keep

func bigFloat(x float64) *big.Float { return new(big.Float).SetPrec(tablePrec).SetFloat64(x) }

func makeExactTables() *exactTables {
	t := &exactTables{}
	root := bigFloat(2)
	for range tableBits {
		root.Sqrt(root)
	}
	p := bigFloat(1)
	for i := range t.exp {
		hi, _ := p.Float64()
		rest := new(big.Float).Sub(p, bigFloat(hi))
		tail, _ := rest.Quo(rest, bigFloat(hi)).Float64()
		t.exp[i] = expEntry{hi, tail}
		p.Mul(p, root)
	}
	for i := range t.log {
		_, mid := logInterval(uint64(i))
		inv := math.Round(512/mid) / 512
		l := bigLog(bigFloat(inv))
		l.Neg(l)
		hi, _ := l.Float64()
		hi = math.RoundToEven(hi*0x1p42) * 0x1p-42
		tail, _ := l.Sub(l, bigFloat(hi)).Float64()
		t.log[i] = logEntry{inv, hi, tail}
	}
	return t
}

// bigLog is the logarithm of a number between 1/2 and 2, by the series of atanh.
func bigLog(x *big.Float) *big.Float {
	one := bigFloat(1)
	u := new(big.Float).Quo(new(big.Float).Sub(x, one), new(big.Float).Add(x, one))
	square := new(big.Float).Mul(u, u)
	sum, power := bigFloat(0), new(big.Float).Set(u)
	for n := 1.0; n < 140; n += 2 {
		sum.Add(sum, new(big.Float).Quo(power, bigFloat(n)))
		power.Mul(power, square)
	}
	return sum.Mul(sum, bigFloat(2))
}

// logOffset is where the intervals of the table of logarithms begin, near sqrt(1/2), as
// the bits of a float.
const logOffset = 0x3fe6955500000000

// logInterval gives the beginning and the middle of an interval.
func logInterval(i uint64) (from, mid float64) {
	at := logOffset + i<<(52-tableBits)
	from = math.Float64frombits(at)
	to := math.Float64frombits(at + 1<<(52-tableBits))
	return from, from + (to-from)/2
}

// logParts is the logarithm of a positive normal number, as a sum of two numbers.
func logParts(x float64) (hi, lo float64) {
	shift := 0.0
	bits := math.Float64bits(x)
	if x < minNormal {
		bits = math.Float64bits(x * 0x1p52)
		shift = 52
	}
	tmp := bits - logOffset
	e := &exactly().log[tmp>>(52-tableBits)%tableSize]
	k := float64(int64(tmp)>>52) - shift
	z := math.Float64frombits(bits - tmp&(0xfff<<52))
	r := math.FMA(z, e.inv, -1) // exact, as inv has few digits
	t1 := k*ln2Hi + e.hi
	t2 := t1 + r
	lo1 := math.FMA(k, ln2Lo, e.tail)
	lo2 := t1 - t2 + r
	ar := -0.5 * r
	ar2 := float64(r * ar)
	sum := t2 + ar2
	lo3 := math.FMA(ar, r, -ar2)
	lo4 := t2 - sum + ar2
	q := math.FMA(r, math.FMA(r, math.FMA(r, math.FMA(r, math.FMA(r, -1./8, 1./7), -1./6), 1./5),
		-1./4), 1./3)
	rest := lo1 + lo2 + lo3 + lo4 + float64(float64(r*r)*r)*q
	hi = sum + rest
	return hi, sum - hi + rest
}

// expParts is the exponential of the sum of two numbers.
func expParts(x, tail float64) float64 {
	switch {
	case x > 710:
		return math.Inf(1)
	case x < -760:
		return 0
	}
	k := math.RoundToEven(x * (tableSize / math.Ln2))
	r := math.FMA(k, -ln2Hi/tableSize, x)
	r = math.FMA(k, -ln2Lo/tableSize, r) + tail
	n := int64(k)
	e := &exactly().exp[uint64(n)%tableSize]
	r2 := float64(r * r)
	p := math.FMA(r, 1./6, 0.5)
	q := math.FMA(r, 1./120, 1./24)
	p = e.tail + r + math.FMA(float64(r2*r2), q, float64(r2*p))
	n = (n - int64(uint64(n)%tableSize)) / tableSize
	v := math.FMA(e.hi, p, e.hi)
	if -1020 < n && n < 1020 {
		return v * math.Float64frombits(uint64(n+1023)<<52)
	}
	return math.Ldexp(v, int(n))
}

func exactExp(x float64) float64 {
	if x != x {
		return x
	}
	return expParts(x, 0)
}

// exactLog is the logarithm of a number that is positive or NaN.
func exactLog(x float64) float64 {
	if x != x || math.IsInf(x, 1) || x == 1 {
		return math.Log(x)
	}
	hi, _ := logParts(x)
	return hi
}

// exactPow is pow of finite arguments of which x is not 0, and y whole where x < 0.
func exactPow(x, y float64) float64 {
	if y == 0 || x == 1 {
		return 1
	}
	hi, lo := logParts(math.Abs(x))
	v := 0.0
	if p := y * hi; math.Abs(p) < 1e4 {
		v = expParts(p, math.FMA(y, lo, math.FMA(y, hi, -p)))
	} else {
		v = expParts(p, 0)
	}
	if x < 0 && math.Abs(math.Mod(y, 2)) == 1 {
		return -v
	}
	return v
}

// exactLog10 is the logarithm to base 10 of a number that is positive or NaN.
func exactLog10(x float64) float64 {
	if x != x || math.IsInf(x, 1) {
		return x
	}
	m, e := math.Frexp(x)
	if m, e = 2*m, e-1; e < 0 {
		m, e = m/2, e+1
	}
	k := float64(e)
	return float64(k*3.69423907715893078616e-13+float64(4.34294481903251816668e-01*exactLog(m))) +
		float64(k*3.01029995663611771306e-01)
}
