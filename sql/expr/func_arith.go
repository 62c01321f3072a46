package expr

import (
	"math"

	"github.com/millracedb/millrace/sql/types"
)

// intWidths pairs the integer types with the wider of both.
var intWidths = []struct {
	a, b string
	ret  types.Kind
}{
	{"int2", "int2", types.Int2}, {"int4", "int4", types.Int4}, {"int8", "int8", types.Int8},
	{"int2", "int4", types.Int4}, {"int4", "int2", types.Int4}, {"int2", "int8", types.Int8},
	{"int8", "int2", types.Int8}, {"int4", "int8", types.Int8}, {"int8", "int4", types.Int8},
}

func defineArith(r *registry) {
	for _, w := range intWidths {
		pair := "(" + w.a + ", " + w.b + ") " + w.ret.String()
		x, y := "7::"+w.a, "2::"+w.b
		r.op("+"+pair, intArith('+', w.ret), "add", x+" + "+y)
		r.op("-"+pair, intArith('-', w.ret), "subtract", x+" - "+y)
		r.op("*"+pair, intArith('*', w.ret), "multiply", x+" * "+y)
		r.op("/"+pair, intDivKernel(w.ret), "divide, towards zero", "-"+x+" / "+y)
	}
	for _, k := range []types.Kind{types.Int2, types.Int4, types.Int8} {
		defineInteger(r, k)
	}
	floats := []struct {
		a, b   string
		single bool
	}{
		{"float4", "float4", true}, {"float8", "float8", false},
		{"float4", "float8", false}, {"float8", "float4", false},
	}
	for _, f := range floats {
		ret := "float8"
		if f.single {
			ret = "float4"
		}
		pair := "(" + f.a + ", " + f.b + ") " + ret
		x, y := "7.5::"+f.a, "2.25::"+f.b
		r.op("+"+pair, floatArith('+', f.single), "add", x+" + "+y)
		r.op("-"+pair, floatArith('-', f.single), "subtract", x+" - "+y)
		r.op("*"+pair, floatArith('*', f.single), "multiply", x+" * "+y)
		r.op("/"+pair, floatArith('/', f.single), "divide", x+" / "+y)
	}
	for _, f := range []string{"float4", "float8"} {
		sig := "(" + f + ") " + f
		r.op("-"+sig, func(x float64) float64 { return -x }, "negate", "- (1.5::"+f+")")
		r.op("+"+sig, func(x float64) float64 { return x }, "unchanged", "+ (1.5::"+f+")")
		r.op("@"+sig, math.Abs, "absolute value", "@ (-1.5::"+f+")")
		r.fn("abs"+sig, math.Abs, "absolute value", "abs(-1.5::"+f+")")
	}
	r.op("^(float8, float8) float8", floatPower, "power", "2::float8 ^ 10")
	r.op("|/(float8) float8", floatSqrt, "square root", "|/ 25.0")
	r.op("||/(float8) float8", math.Cbrt, "cube root", "||/ 8.0")
}

// defineInteger adds what each integer type has alone.
func defineInteger(r *registry, k types.Kind) {
	n := k.String()
	sig := "(" + n + ") " + n
	pair := "(" + n + ", " + n + ") " + n
	lo, _ := intLimits(k)
	neg := func(x int64) (int64, error) {
		if x == lo {
			return 0, errIntRange(k)
		}
		return -x, nil
	}
	abs := func(x int64) (int64, error) {
		if x < 0 {
			return neg(x)
		}
		return x, nil
	}
	r.op("-"+sig, neg, "negate", "- (5::"+n+")")
	r.op("+"+sig, func(x int64) int64 { return x }, "unchanged", "+ (5::"+n+")")
	r.op("@"+sig, abs, "absolute value", "@ (-5::"+n+")")
	r.fn("abs"+sig, abs, "absolute value", "abs(-5::"+n+")")
	r.op("%"+pair, intModKernel, "remainder, with the sign of the dividend", "-7::"+n+" % 3::"+n)
	r.fn("mod"+pair, intModKernel, "remainder, with the sign of the dividend",
		"mod(-7::"+n+", 3::"+n+")")
	bit := func(f func(a, b int64) int64) func(a, b int64) (int64, error) {
		return func(a, b int64) (int64, error) { return f(a, b), nil }
	}
	x, y := "91::"+n, "15::"+n
	r.op("&"+pair, bit(func(a, b int64) int64 { return a & b }), "bitwise AND", x+" & "+y)
	r.op("|"+pair, bit(func(a, b int64) int64 { return a | b }), "bitwise OR", x+" | "+y)
	r.op("#"+pair, bit(func(a, b int64) int64 { return a ^ b }), "bitwise exclusive OR", x+" # "+y)
	r.op("~"+sig, func(a int64) int64 { return ^a }, "bitwise NOT", "~ "+x)
	sh := narrowShift(k)
	width := int64(64 - sh)
	shift := "(" + n + ", int4) " + n
	r.op("<<"+shift, bit(func(a, b int64) int64 {
		return a << shiftCount(b, width, sh) << sh >> sh
	}), "bitwise shift left", x+" << 2")
	r.op(">>"+shift, bit(func(a, b int64) int64 { return a >> shiftCount(b, width, sh) }),
		"bitwise shift right", x+" >> 2")
}

// shiftCount is what the processor makes of a count: modulo the width of the
// register, 32 bits for smallint.
func shiftCount(b, width int64, sh uint) uint64 {
	if sh == 48 {
		width = 32
	}
	return uint64(b) & uint64(width-1)
}
