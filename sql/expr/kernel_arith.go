package expr

import (
	"math"
	"math/bits"

	"github.com/millracedb/millrace/sql/types"
)

// intArith is +, - or * over integers of kind k. The hot loops only gather an
// overflow mark; the row at fault is found in a second pass.
func intArith(op byte, k types.Kind) Kernel {
	narrow := k != types.Int8
	w := widthOf(k)
	return func(_ *Env, n int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		var over bool
		switch {
		case len(rows) == n && !a.Const && !b.Const && narrow:
			over = narrowDense(op, w, out.I64[:n], a.I64[:n], b.I64[:n])
		case len(rows) == n && !a.Const && !b.Const:
			over = wideDense(op, out.I64[:n], a.I64[:n], b.I64[:n])
		case len(rows) == n && !a.Const && narrow:
			over = narrowConst(op, w, out.I64[:n], a.I64[:n], b.I64[0])
		case len(rows) == n && !a.Const:
			over = wideConst(op, out.I64[:n], a.I64[:n], b.I64[0])
		case narrow:
			over = narrowRows(op, w, out.I64, a, b, rows)
		default:
			over = wideRows(op, out.I64, a, b, rows)
		}
		if !over {
			return nil
		}
		return overflowRow(op, k, a, b, rows)
	}
}

// width is how a value is checked against a narrow type: v fits when v + off has
// no bits from bit sh on.
type width struct {
	off int64
	sh  uint
}

func widthOf(k types.Kind) width {
	if k == types.Int2 {
		return width{1 << 15, 16}
	}
	return width{1 << 31, 32}
}

// overflowRow finds the first row that overflows.
func overflowRow(op byte, k types.Kind, a, b *vector, rows []uint16) error {
	ma, mb := mask(a), mask(b)
	lo, hi := intLimits(k)
	for i, r := range rows {
		v, ok := checkedArith(op, a.I64[int(r)&ma], b.I64[int(r)&mb])
		if !ok || v < lo || v > hi {
			return rowErr(i, errIntRange(k))
		}
	}
	return nil
}

func checkedArith(op byte, x, y int64) (int64, bool) {
	switch op {
	case '+':
		s := x + y
		return s, (x^s)&(y^s) >= 0
	case '-':
		s := x - y
		return s, (x^y)&(x^s) >= 0
	}
	hi, lo := mul64(x, y)
	return lo, hi == lo>>63
}

// mul64 is the signed 128-bit product.
func mul64(x, y int64) (hi, lo int64) {
	h, l := bits.Mul64(uint64(x), uint64(y))
	h -= uint64(x>>63) & uint64(y)
	h -= uint64(y>>63) & uint64(x)
	return int64(h), int64(l)
}

// The loops over narrow integers: 64-bit results never overflow, and are checked
// against the type's width. A multiplication of int4 fits 63 bits.

func narrowDense(op byte, w width, out, a, b []int64) bool {
	var bad uint64
	b, out = b[:len(a)], out[:len(a)]
	off, sh := w.off, w.sh&63
	switch op {
	case '+':
		for i, x := range a {
			s := x + b[i]
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	case '-':
		for i, x := range a {
			s := x - b[i]
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	default:
		for i, x := range a {
			s := x * b[i]
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	}
	return bad != 0
}

func narrowConst(op byte, w width, out, a []int64, y int64) bool {
	var bad uint64
	out = out[:len(a)]
	off, sh := w.off, w.sh&63
	switch op {
	case '+':
		for i, x := range a {
			s := x + y
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	case '-':
		for i, x := range a {
			s := x - y
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	default:
		for i, x := range a {
			s := x * y
			out[i] = s
			bad |= uint64(s+off) >> sh
		}
	}
	return bad != 0
}

func narrowRows(op byte, w width, out []int64, av, bv *vector, rows []uint16) bool {
	var bad uint64
	a, b, ma, mb := av.I64, bv.I64, mask(av), mask(bv)
	off, sh := w.off, w.sh&63
	switch op {
	case '+':
		for _, r := range rows {
			s := a[int(r)&ma] + b[int(r)&mb]
			out[r] = s
			bad |= uint64(s+off) >> sh
		}
	case '-':
		for _, r := range rows {
			s := a[int(r)&ma] - b[int(r)&mb]
			out[r] = s
			bad |= uint64(s+off) >> sh
		}
	default:
		for _, r := range rows {
			s := a[int(r)&ma] * b[int(r)&mb]
			out[r] = s
			bad |= uint64(s+off) >> sh
		}
	}
	return bad != 0
}

// The loops over bigint: a sum overflows when it has not the sign that both
// operands share, a product when its upper half is not the sign of the lower.

func wideDense(op byte, out, a, b []int64) bool {
	var bad int64
	b, out = b[:len(a)], out[:len(a)]
	switch op {
	case '+':
		for i, x := range a {
			y := b[i]
			s := x + y
			out[i] = s
			bad |= (x ^ s) & (y ^ s)
		}
	case '-':
		for i, x := range a {
			y := b[i]
			s := x - y
			out[i] = s
			bad |= (x ^ y) & (x ^ s)
		}
	default:
		var high int64
		for i, x := range a {
			hi, lo := mul64(x, b[i])
			out[i] = lo
			high |= hi ^ lo>>63
		}
		return high != 0
	}
	return bad < 0
}

func wideConst(op byte, out, a []int64, y int64) bool {
	var bad int64
	out = out[:len(a)]
	switch op {
	case '+':
		for i, x := range a {
			s := x + y
			out[i] = s
			bad |= (x ^ s) & (y ^ s)
		}
	case '-':
		for i, x := range a {
			s := x - y
			out[i] = s
			bad |= (x ^ y) & (x ^ s)
		}
	default:
		var high int64
		for i, x := range a {
			hi, lo := mul64(x, y)
			out[i] = lo
			high |= hi ^ lo>>63
		}
		return high != 0
	}
	return bad < 0
}

func wideRows(op byte, out []int64, av, bv *vector, rows []uint16) bool {
	a, b, ma, mb := av.I64, bv.I64, mask(av), mask(bv)
	over := false
	for _, r := range rows {
		v, ok := checkedArith(op, a[int(r)&ma], b[int(r)&mb])
		out[r] = v
		over = over || !ok
	}
	return over
}

// narrowShift gives the shift that sign-extends a value of kind k from its width.
func narrowShift(k types.Kind) uint {
	switch k {
	case types.Int2:
		return 48
	case types.Int4:
		return 32
	}
	return 0
}

// intDivKernel is integer division, which truncates.
func intDivKernel(k types.Kind) Kernel {
	lo, _ := intLimits(k)
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b, ma, mb := args[0].I64, args[1].I64, mask(args[0]), mask(args[1])
		for i, r := range rows {
			x, y := a[int(r)&ma], b[int(r)&mb]
			switch y {
			case 0:
				return rowErr(i, errDivZero())
			case -1:
				if x == lo {
					return rowErr(i, errIntRange(k))
				}
				out.I64[r] = -x
			default:
				out.I64[r] = divInt(x, y)
			}
		}
		return nil
	}
}

// divInt divides; 32-bit operands take the faster 32-bit instruction.
func divInt(x, y int64) int64 {
	if (x|y)>>31 == 0 {
		return int64(uint32(x) / uint32(y))
	}
	return x / y
}

func intModKernel(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	a, b, ma, mb := args[0].I64, args[1].I64, mask(args[0]), mask(args[1])
	for i, r := range rows {
		x, y := a[int(r)&ma], b[int(r)&mb]
		switch {
		case y == 0:
			return rowErr(i, errDivZero())
		case y == -1:
			out.I64[r] = 0
		case (x|y)>>31 == 0:
			out.I64[r] = int64(uint32(x) % uint32(y))
		default:
			out.I64[r] = x % y
		}
	}
	return nil
}

// floatArith is an operation over floats; single says that results are rounded
// to real. Infinite results of finite operands overflow.
func floatArith(op byte, single bool) Kernel {
	return func(_ *Env, n int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		fast := !single && op != '/'
		switch {
		case fast && len(rows) == n && !a.Const && !b.Const:
			if floatDense(op, out.F64[:n], a.F64[:n], b.F64[:n]) {
				return nil
			}
		case fast && len(rows) == n && !a.Const && b.Const:
			if floatDenseConst(op, out.F64[:n], a.F64[:n], b.F64[0]) {
				return nil
			}
		}
		return floatRows(op, single, out.F64, a, b, rows)
	}
}

// floatDense computes all rows, and tells whether every result is an ordinary
// number or zero that needs no check.
func floatDense(op byte, out, a, b []float64) bool {
	acc := 0.0
	switch op {
	case '+':
		for i, x := range a {
			s := x + b[i]
			out[i] = s
			acc += s - s
		}
	case '-':
		for i, x := range a {
			s := x - b[i]
			out[i] = s
			acc += s - s
		}
	default:
		for i, x := range a {
			s := x * b[i]
			out[i] = s
			if s == 0 && x != 0 && b[i] != 0 {
				acc = math.NaN()
			}
			acc += s - s
		}
	}
	return acc == 0
}

func floatDenseConst(op byte, out, a []float64, y float64) bool {
	acc := 0.0
	switch op {
	case '+':
		for i, x := range a {
			s := x + y
			out[i] = s
			acc += s - s
		}
	case '-':
		for i, x := range a {
			s := x - y
			out[i] = s
			acc += s - s
		}
	default:
		if y == 0 {
			return false
		}
		for i, x := range a {
			s := x * y
			out[i] = s
			if s == 0 && x != 0 {
				acc = math.NaN()
			}
			acc += s - s
		}
	}
	return acc == 0
}

func floatRows(op byte, single bool, out []float64, a, b *vector, rows []uint16) error {
	av, bv, ma, mb := a.F64, b.F64, mask(a), mask(b)
	for i, r := range rows {
		v, err := floatOp(op, av[int(r)&ma], bv[int(r)&mb], single)
		if err != nil {
			return rowErr(i, err)
		}
		out[r] = v
	}
	return nil
}

// floatOp computes one operation with PostgreSQL's checks.
func floatOp(op byte, x, y float64, single bool) (float64, error) {
	var v float64
	switch op {
	case '+':
		v = x + y
	case '-':
		v = x - y
	case '*':
		v = x * y
	default:
		if y == 0 && !math.IsNaN(x) {
			return 0, errDivZero()
		}
		v = x / y
	}
	if single {
		v = float64(float32(v))
	}
	if math.IsInf(v, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return 0, errFloatOverflow()
	}
	if v == 0 && (op == '*' && x != 0 && y != 0 || op == '/' && x != 0 && !math.IsInf(y, 0)) {
		return 0, errFloatUnderflow()
	}
	return v, nil
}
