package expr

import (
	"math"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func errInputRange() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "input is out of range")
}

// checkFloat refuses results that overflowed: infinite although no operand was.
func checkFloat(v float64, in ...float64) (float64, error) {
	if !math.IsInf(v, 0) {
		return v, nil
	}
	for _, x := range in {
		if math.IsInf(x, 0) {
			return v, nil
		}
	}
	return 0, errFloatOverflow()
}

func floatSqrt(x float64) (float64, error) {
	if x < 0 {
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction,
			"cannot take square root of a negative number")
	}
	return math.Sqrt(x), nil
}

// floatPower is PostgreSQL's dpow: POSIX pow with errors in place of NaN.
func floatPower(x, y float64) (float64, error) {
	switch {
	case math.IsNaN(x):
		if y == 0 {
			return 1, nil
		}
		return x, nil
	case math.IsNaN(y):
		if x == 1 {
			return 1, nil
		}
		return y, nil
	case x == 0 && y < 0:
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction,
			"zero raised to a negative power is undefined")
	case x < 0 && math.Floor(y) != y:
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction,
			"a negative number raised to a non-integer power yields a complex result")
	}
	if x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return math.Pow(x, y), nil
	}
	v := exactPow(x, y)
	if math.IsInf(v, 0) {
		return 0, errFloatOverflow()
	}
	if v == 0 {
		return 0, errFloatUnderflow()
	}
	return v, nil
}

func floatExp(x float64) (float64, error) {
	v := exactExp(x)
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return v, nil
	}
	if math.IsInf(v, 0) {
		return 0, errFloatOverflow()
	}
	if v == 0 {
		return 0, errFloatUnderflow()
	}
	return v, nil
}

// floatLog wraps a logarithm with PostgreSQL's domain errors.
func floatLog(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if x == 0 {
			return 0, sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
		}
		if x < 0 {
			return 0, sqlerr.New(sqlerr.InvalidArgumentForLogarithm,
				"cannot take logarithm of a negative number")
		}
		return f(x), nil
	}
}

const minNormal = 0x1p-1022 // the smallest float with all its digits

// trig refuses infinite arguments.
func trig(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if math.IsInf(x, 0) {
			return 0, errInputRange()
		}
		return checkFloat(f(x), x)
	}
}

// finite refuses infinite arguments, and lets any result pass.
func finite(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if math.IsInf(x, 0) {
			return 0, errInputRange()
		}
		return f(x), nil
	}
}

// atan2 has the sign of y also where y/x is too small to have one.
func atan2(y, x float64) float64 { return math.Copysign(math.Atan2(y, x), y) }

// acos is more exact near 1/2 and near 1 than math.Acos.
func acos(x float64) float64 { return 2 * math.Atan2(math.Sqrt(1-x), math.Sqrt(1+x)) }

// within refuses arguments outside [lo, hi].
func within(lo, hi float64, f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if x < lo || x > hi {
			return 0, errInputRange()
		}
		return f(x), nil
	}
}

func floatSign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func defineMath(r *registry) {
	f1 := func(name string, impl any, doc, example string) {
		r.fn(name+"(float8) float8", impl, doc, example)
	}
	f1("ceil", math.Ceil, "nearest integer not less than the argument", "ceil(-42.8::float8)")
	f1("ceiling", math.Ceil, "nearest integer not less than the argument", "ceiling(95.3::float8)")
	f1("floor", math.Floor, "nearest integer not greater than the argument", "floor(-42.8::float8)")
	f1("round", math.RoundToEven, "nearest integer, ties to even", "round(2.5::float8)")
	f1("trunc", math.Trunc, "integer part", "trunc(-42.8::float8)")
	f1("sign", floatSign, "sign: -1, 0 or 1", "sign(-8.4::float8)")
	f1("sqrt", floatSqrt, "square root", "sqrt(2::float8)")
	f1("cbrt", math.Cbrt, "cube root", "cbrt(8::float8)")
	f1("exp", floatExp, "exponential", "exp(1::float8)")
	f1("ln", floatLog(exactLog), "natural logarithm", "ln(2::float8)")
	f1("log", floatLog(exactLog10), "logarithm to base 10", "log(100::float8)")
	f1("log10", floatLog(exactLog10), "logarithm to base 10", "log10(1000::float8)")
	f1("degrees", func(x float64) (float64, error) { return checkFloat(x/radiansPerDegree, x) },
		"radians to degrees", "degrees(0.5::float8)")
	f1("radians", func(x float64) (float64, error) {
		if v := x * radiansPerDegree; v != 0 || x == 0 {
			return v, nil
		}
		return 0, errFloatUnderflow()
	},
		"degrees to radians", "radians(45::float8)")
	r.fn("power(float8, float8) float8", floatPower, "power", "power(9::float8, 3::float8)")
	r.fn("pow(float8, float8) float8", floatPower, "power", "pow(9::float8, 3::float8)")
	r.fn("pi() float8", func(*Env) types.Datum { return types.FloatDatum(math.Pi) }, "π", "pi()")
	r.fn("random() float8", func(env *Env, _ []types.Datum) (types.Datum, error) {
		if env.Random == nil {
			return types.NullDatum, errNoRandom("random")
		}
		return types.FloatDatum(float64(env.Random()>>11) / (1 << 53)), nil
	}, "random number, 0.0 <= x < 1.0", "random() < 1").volatile()
	defineTrig(r)
	defineGCD(r)
	r.fn("width_bucket(float8, float8, float8, int4) int4", floatBucket,
		"number of the histogram bucket that the operand falls in",
		"width_bucket(5.35::float8, 0.024, 10.06, 5)")
	r.fn("width_bucket(anycompatible, anycompatiblearray) int4", bindBucket,
		"number of the bucket whose lower bounds the array lists",
		"width_bucket(5, ARRAY[1, 3, 4, 10])")
}

func errNoRandom(name string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"%s() is not supported in continuous queries", name).
		WithHint("Compute the value when the row is inserted.")
}

const radiansPerDegree = 0.0174532925199432957692

func defineTrig(r *registry) {
	f1 := func(name string, impl any, doc, example string) {
		r.fn(name+"(float8) float8", impl, doc, example)
	}
	f1("sin", trig(exactSin), "sine, in radians", "sin(1::float8)")
	f1("cos", trig(exactCos), "cosine, in radians", "cos(0::float8)")
	f1("tan", trig(exactTan), "tangent, in radians", "tan(0.5::float8)")
	f1("cot", func(x float64) (float64, error) {
		if math.IsInf(x, 0) {
			return 0, errInputRange()
		}
		return 1 / exactTan(x), nil
	}, "cotangent, in radians", "cot(0.5::float8)")
	f1("asin", within(-1, 1, math.Asin), "inverse sine", "asin(1::float8)")
	f1("acos", within(-1, 1, acos), "inverse cosine", "acos(1::float8)")
	f1("atan", math.Atan, "inverse tangent", "atan(1::float8)")
	f1("sinh", math.Sinh, "hyperbolic sine", "sinh(1::float8)")
	f1("cosh", math.Cosh, "hyperbolic cosine", "cosh(0::float8)")
	f1("tanh", math.Tanh, "hyperbolic tangent", "tanh(1::float8)")
	f1("asinh", math.Asinh, "inverse hyperbolic sine", "asinh(1::float8)")
	f1("acosh", within(1, math.Inf(1), math.Acosh), "inverse hyperbolic cosine", "acosh(1::float8)")
	f1("atanh", within(-1, 1, math.Atanh), "inverse hyperbolic tangent", "atanh(0.5::float8)")
	r.fn("atan2(float8, float8) float8",
		func(a, b float64) (float64, error) { return atan2(a, b), nil },
		"inverse tangent of y/x", "atan2(1, 0)")
	f1("sind", trig(sind), "sine, in degrees", "sind(30::float8)")
	f1("cosd", trig(cosd), "cosine, in degrees", "cosd(60::float8)")
	f1("tand", finite(tand), "tangent, in degrees", "tand(45::float8)")
	f1("cotd", func(x float64) (float64, error) {
		if math.IsInf(x, 0) {
			return 0, errInputRange()
		}
		return cotd(x), nil
	}, "cotangent, in degrees", "cotd(45::float8)")
	f1("asind", within(-1, 1, asind), "inverse sine, in degrees", "asind(0.5::float8)")
	f1("acosd", within(-1, 1, acosd), "inverse cosine, in degrees", "acosd(0.5::float8)")
	f1("atand", func(x float64) float64 { return math.Atan(x) / atan1 * 45 },
		"inverse tangent, in degrees", "atand(1::float8)")
	r.fn("atan2d(float8, float8) float8", func(a, b float64) (float64, error) {
		return atan2(a, b) / atan1 * 45, nil
	}, "inverse tangent of y/x, in degrees", "atan2d(1, 0)")
}

// The trigonometry in degrees is exact at multiples of 30 and 45, as PostgreSQL
// makes it: results are scaled by the library's own values at those points.
var (
	degree   = radiansPerDegree // a variable, so that products round as at run time
	sin30    = exactSin(30 * degree)
	oneCos60 = 1 - exactCos(60*degree)
	asin05   = math.Asin(0.5)
	acos05   = acos(0.5)
	atan1    = math.Atan(1)
	tan45    = sindQ1(45) / cosdQ1(45)
	cot45    = cosdQ1(45) / sindQ1(45)
)

func sind0to30(x float64) float64 { return exactSin(x*degree) / sin30 / 2 }

func cosd0to60(x float64) float64 { return 1 - (1-exactCos(x*degree))/oneCos60/2 }

func sindQ1(x float64) float64 {
	if x <= 30 {
		return sind0to30(x)
	}
	return cosd0to60(90 - x)
}

func cosdQ1(x float64) float64 {
	if x <= 60 {
		return cosd0to60(x)
	}
	return sind0to30(90 - x)
}

// quadrant folds an angle into [0, 90] and says how signs change.
func quadrant(x float64) (a float64, neg, past180, past90 bool) {
	x = math.Mod(x, 360)
	if x < 0 {
		x, neg = -x, true
	}
	if x > 180 {
		x, past180 = 360-x, true
	}
	if x > 90 {
		x, past90 = 180-x, true
	}
	return x, neg, past180, past90
}

func signedBy(v float64, flips ...bool) float64 {
	for _, f := range flips {
		if f {
			v = -v
		}
	}
	return v
}

func sind(x float64) float64 {
	a, neg, past180, _ := quadrant(x)
	return signedBy(sindQ1(a), neg, past180)
}

func cosd(x float64) float64 {
	a, _, _, past90 := quadrant(x)
	return signedBy(cosdQ1(a), past90)
}

func tand(x float64) float64 {
	a, neg, past180, past90 := quadrant(x)
	v := signedBy(sindQ1(a)/cosdQ1(a)/tan45, neg, past180, past90)
	if v == 0 {
		return 0
	}
	return v
}

func cotd(x float64) float64 {
	a, neg, past180, past90 := quadrant(x)
	v := signedBy(cosdQ1(a)/sindQ1(a)/cot45, neg, past180, past90)
	if v == 0 {
		return 0
	}
	return v
}

func asindQ1(x float64) float64 {
	if x <= 0.5 {
		return math.Asin(x) / asin05 * 30
	}
	return 90 - acos(x)/acos05*60
}

func acosdQ1(x float64) float64 {
	if x <= 0.5 {
		return 90 - math.Asin(x)/asin05*30
	}
	return acos(x) / acos05 * 60
}

func asind(x float64) float64 {
	if x >= 0 {
		return asindQ1(x)
	}
	return -asindQ1(-x)
}

func acosd(x float64) float64 {
	if x >= 0 {
		return acosdQ1(x)
	}
	return 90 + asindQ1(-x)
}

func defineGCD(r *registry) {
	for _, k := range []types.Kind{types.Int4, types.Int8} {
		n := k.String()
		pair := "(" + n + ", " + n + ") " + n
		r.fn("gcd"+pair, func(a, b int64) (int64, error) { return intGCD(k, a, b) },
			"greatest common divisor", "gcd(1071::"+n+", 462::"+n+")")
		r.fn("lcm"+pair, func(a, b int64) (int64, error) { return intLCM(k, a, b) },
			"least common multiple", "lcm(1071::"+n+", 462::"+n+")")
	}
}

func intGCD(k types.Kind, a, b int64) (int64, error) {
	lo, _ := intLimits(k)
	for b != 0 {
		if b == -1 {
			a, b = 1, 0
			break
		}
		a, b = b, a%b
	}
	if a == lo {
		return 0, errIntRange(k)
	}
	if a < 0 {
		a = -a
	}
	return a, nil
}

func intLCM(k types.Kind, a, b int64) (int64, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	g, err := intGCD(k, a, b)
	if err != nil {
		return 0, err
	}
	v, ok := checkedArith('*', a/g, b)
	lo, hi := intLimits(k)
	if !ok || v <= lo || v > hi {
		return 0, errIntRange(k)
	}
	if v < 0 {
		v = -v
	}
	return v, nil
}

func errBucket(msg string) error { return sqlerr.New(sqlerr.InvalidArgumentForWidthBucket, "%s", msg) }

func floatBucket(a []types.Datum) (types.Datum, error) {
	x, lo, hi, n := a[0].F, a[1].F, a[2].F, a[3].I
	switch {
	case n <= 0:
		return types.NullDatum, errBucket("count must be greater than zero")
	case math.IsNaN(x) || math.IsNaN(lo) || math.IsNaN(hi):
		return types.NullDatum,
			errBucket("operand, lower bound, and upper bound cannot be NaN")
	case math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return types.NullDatum, errBucket("lower and upper bounds must be finite")
	case lo == hi:
		return types.NullDatum, errBucket("lower bound cannot equal upper bound")
	}
	if math.IsInf(hi-lo, 0) { // twice the largest number at most
		x, lo, hi = x/2, lo/2, hi/2
	}
	if lo < hi {
		return bucketOf(x < lo, x >= hi, float64(n)*(x-lo)/(hi-lo), n)
	}
	return bucketOf(x > lo, x <= hi, float64(n)*(lo-x)/(lo-hi), n)
}

// bucketOf gives the number of a bucket of n, at buckets from the first bound.
func bucketOf(below, above bool, at float64, n int64) (types.Datum, error) {
	switch {
	case below:
		return types.IntDatum(0), nil
	case above:
		if n == math.MaxInt32 {
			return types.NullDatum, errIntRange(types.Int4)
		}
		return types.IntDatum(n + 1), nil
	}
	if at++; at > math.MaxInt32 {
		return types.NullDatum, errIntRange(types.Int4)
	}
	return types.IntDatum(int64(at)), nil
}

func bindBucket(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[1])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		bounds, err := arrayElems(a[1], elem)
		if err != nil {
			return types.NullDatum, err
		}
		if r := types.OpenArrayDatum(elem, a[1]); r.NDims() > 1 {
			return types.NullDatum, sqlerr.New(sqlerr.ArraySubscriptError,
				"thresholds must be one-dimensional array")
		}
		for _, b := range bounds {
			if b.Null {
				return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed,
					"thresholds array must not contain NULLs")
			}
		}
		lo, hi := 0, len(bounds)
		for lo < hi {
			mid := int(uint(lo+hi) / 2)
			if types.Compare(elem, a[0], bounds[mid]) < 0 {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		return types.IntDatum(int64(lo)), nil
	}
}
