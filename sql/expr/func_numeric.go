package expr

import (
	"math"

	"github.com/millracedb/millrace/sql/types"
)

// numericArith is an operation over numerics, straight into the result's bytes.
func numericArith(f func(a, b types.Decimal) (types.Decimal, error)) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		for i, r := range rows {
			d, err := f(types.DecodeNumeric(a.Bytes(int(r))), types.DecodeNumeric(b.Bytes(int(r))))
			if err != nil {
				return rowErr(i, err)
			}
			padTo(out, int(r))
			endBytes(out, types.EncodeNumeric(out.Buf, d))
		}
		return nil
	}
}

// numericMap is a function of one numeric.
func numericMap(f func(types.Decimal) (types.Decimal, error)) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for i, r := range rows {
			d, err := f(types.DecodeNumeric(args[0].Bytes(int(r))))
			if err != nil {
				return rowErr(i, err)
			}
			padTo(out, int(r))
			endBytes(out, types.EncodeNumeric(out.Buf, d))
		}
		return nil
	}
}

// sure makes a function that cannot fail one that could.
func sure(f func(types.Decimal) types.Decimal) func(types.Decimal) (types.Decimal, error) {
	return func(d types.Decimal) (types.Decimal, error) { return f(d), nil }
}

func defineNumeric(r *registry) {
	pair := "(numeric, numeric) numeric"
	r.op("+"+pair, numericSums(1, types.Decimal.Add), "add", "1.50 + 2.25")
	r.op("-"+pair, numericSums(-1, types.Decimal.Sub), "subtract", "1.50 - 2.25")
	r.op("*"+pair, numericProduct, "multiply", "1.50 * 2.25")
	r.op("/"+pair, numericArith(types.Decimal.Div), "divide", "10.0 / 4")
	r.op("%"+pair, numericArith(types.Decimal.Mod), "remainder", "7.5 % 2")
	r.op("^"+pair, numericArith(types.Decimal.Power), "power", "2.0 ^ 10")
	r.op("-(numeric) numeric", numericMap(sure(types.Decimal.Neg)), "negate", "- (1.50)")
	r.op("+(numeric) numeric", numericMap(sure(func(d types.Decimal) types.Decimal { return d })),
		"unchanged", "+ (1.50)")
	r.op("@(numeric) numeric", numericMap(sure(types.Decimal.Abs)), "absolute value", "@ (-1.50)")
	one := func(name string, f func(types.Decimal) (types.Decimal, error), doc, example string) {
		r.fn(name+"(numeric) numeric", numericMap(f), doc, example)
	}
	two := func(name string, f func(a, b types.Decimal) (types.Decimal, error), doc, ex string) {
		r.fn(name+pair, numericArith(f), doc, ex)
	}
	one("abs", sure(types.Decimal.Abs), "absolute value", "abs(-17.4)")
	one("ceil", types.Decimal.Ceil, "nearest integer not less than the argument", "ceil(-42.8)")
	one("ceiling", types.Decimal.Ceil, "nearest integer not less than the argument", "ceiling(95.3)")
	one("floor", types.Decimal.Floor, "nearest integer not greater than the argument", "floor(-42.8)")
	one("sign", sure(types.Decimal.SignDecimal), "sign: -1, 0 or 1", "sign(-8.4)")
	one("sqrt", types.Decimal.Sqrt, "square root", "sqrt(2.0)")
	one("exp", types.Decimal.Exp, "exponential", "exp(1.0)")
	one("ln", types.Decimal.Ln, "natural logarithm", "ln(2.0)")
	log10 := func(d types.Decimal) (types.Decimal, error) { return d.Log(types.DecimalFromInt(10)) }
	one("log", log10, "logarithm to base 10", "log(100.0)")
	one("log10", log10, "logarithm to base 10", "log10(1000.0)")
	one("trim_scale", sure(types.Decimal.TrimScale), "without trailing zeros", "trim_scale(8.4100)")
	one("round", func(d types.Decimal) (types.Decimal, error) { return d.Round(0) },
		"nearest integer, ties away from zero", "round(42.5)")
	one("trunc", sure(func(d types.Decimal) types.Decimal { return d.Trunc(0) }),
		"integer part", "trunc(-42.8)")
	two("log", func(b, x types.Decimal) (types.Decimal, error) { return x.Log(b) },
		"logarithm of the second to the base of the first", "log(2.0, 64.0)")
	two("power", types.Decimal.Power, "power", "power(9.0, 3.0)")
	two("pow", types.Decimal.Power, "power", "pow(9.0, 3.0)")
	two("mod", types.Decimal.Mod, "remainder", "mod(9.5, 4)")
	two("div", types.Decimal.DivTrunc, "integer quotient, towards zero", "div(9.0, 4)")
	two("gcd", func(a, b types.Decimal) (types.Decimal, error) { return a.GCD(b), nil },
		"greatest common divisor", "gcd(1071.0, 462.0)")
	two("lcm", types.Decimal.LCM, "least common multiple", "lcm(1071.0, 462.0)")
	defineScale(r)
	r.fn("width_bucket(numeric, numeric, numeric, int4) int4", numericBucket,
		"number of the histogram bucket that the operand falls in",
		"width_bucket(5.35, 0.024, 10.06, 5)")
}

func defineScale(r *registry) {
	r.fn("round(numeric, int4) numeric", func(a []types.Datum) (types.Datum, error) {
		d, err := a[0].Decimal().Round(clampScale(a[1].I))
		return types.NumericDatum(d), err
	}, "rounded to that many decimal places, ties away from zero", "round(42.4382, 2)")
	r.fn("trunc(numeric, int4) numeric", func(a []types.Datum) (types.Datum, error) {
		return types.NumericDatum(a[0].Decimal().Trunc(clampScale(a[1].I))), nil
	}, "cut to that many decimal places", "trunc(42.4382, 2)")
	r.fn("scale(numeric) int4", func(a []types.Datum) (types.Datum, error) {
		d := a[0].Decimal()
		if !d.IsFinite() {
			return types.NullDatum, nil
		}
		return types.IntDatum(int64(d.Scale())), nil
	}, "number of decimal places", "scale(8.4100)")
	r.fn("min_scale(numeric) int4", func(a []types.Datum) (types.Datum, error) {
		d := a[0].Decimal()
		if !d.IsFinite() {
			return types.NullDatum, nil
		}
		return types.IntDatum(int64(d.TrimScale().Scale())), nil
	}, "number of decimal places needed", "min_scale(8.4100)")
	r.fn("factorial(int8) numeric", func(a []types.Datum) (types.Datum, error) {
		d, err := types.Factorial(a[0].I)
		return types.NumericDatum(d), err
	}, "factorial", "factorial(5)")
}

// clampScale bounds a number of places to what numeric can have.
func clampScale(n int64) int32 { return int32(min(max(n, -131072), 16383)) }

func numericBucket(a []types.Datum) (types.Datum, error) {
	x, lo, hi, n := a[0].Decimal(), a[1].Decimal(), a[2].Decimal(), a[3].I
	switch {
	case n <= 0:
		return types.NullDatum, errBucket("count must be greater than zero")
	case x.IsNaN() || lo.IsNaN() || hi.IsNaN():
		return types.NullDatum,
			errBucket("operand, lower bound, and upper bound cannot be NaN")
	case lo.IsInf() || hi.IsInf():
		return types.NullDatum, errBucket("lower and upper bounds must be finite")
	}
	c := lo.Cmp(hi)
	if c == 0 {
		return types.NullDatum, errBucket("lower bound cannot equal upper bound")
	}
	if c > 0 {
		x, lo, hi = x.Neg(), lo.Neg(), hi.Neg()
	}
	if x.Cmp(lo) < 0 {
		return types.IntDatum(0), nil
	}
	if x.Cmp(hi) >= 0 {
		if n == math.MaxInt32 {
			return types.NullDatum, errIntRange(types.Int4)
		}
		return types.IntDatum(n + 1), nil
	}
	return bucketIndex(x, lo, hi, n)
}

// bucketIndex is floor((x - lo) * n / (hi - lo) + 1), with the division rounded as
// PostgreSQL does: just below hi the bucket may be n + 1.
func bucketIndex(x, lo, hi types.Decimal, n int64) (types.Datum, error) {
	off, err := x.Sub(lo)
	if err != nil {
		return types.NullDatum, err
	}
	width, err := hi.Sub(lo)
	if err != nil {
		return types.NullDatum, err
	}
	if off, err = off.Mul(types.DecimalFromInt(n)); err != nil {
		return types.NullDatum, err
	}
	q, err := off.Div(width)
	if err != nil {
		return types.NullDatum, err
	}
	if q, err = q.Floor(); err != nil {
		return types.NullDatum, err
	}
	b, err := q.Int64()
	if err == nil && b >= math.MaxInt32 {
		err = errIntRange(types.Int4)
	}
	return types.IntDatum(b + 1), err
}
