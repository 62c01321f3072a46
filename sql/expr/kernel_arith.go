package expr

import (
	"math"
	"math/bits"

	"github.com/millracedb/millrace/sql/types"
)

// intArith is +, - or * over integers of kind k. The hot loops only gather an
// overflow mark; the row at fault is found in a second pass.
func intArith(op byte, k types.Kind) Kernel {
	return func(_ *Env, n int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		var over bool
		switch {
		case len(rows) == n && !a.Const && !b.Const:
			over = arithDense(op, k, out.I64[:n], a.I64[:n], b.I64[:n])
		case len(rows) == n && !a.Const && b.Const:
			over = arithDenseConst(op, k, out.I64[:n], a.I64[:n], b.I64[0])
		default:
			over = arithRows(op, k, out.I64, a.I64, b.I64, mask(a), mask(b), rows)
		}
		if !over {
			return nil
		}
		return overflowRow(op, k, a, b, rows)
	}
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

// narrow gives the shift that sign-extends a value of kind k from its width.
func narrowShift(k types.Kind) uint {
	switch k {
	case types.Int2:
		return 48
	case types.Int4:
		return 32
	}
	return 0
}

func arithDense(op byte, k types.Kind, out, a, b []int64) bool {
	var bad int64
	sh := narrowShift(k)
	switch op {
	case '+':
		for i, x := range a {
			y := b[i]
			s := x + y
			out[i] = s
			bad |= (x^s)&(y^s) | (s<<sh>>sh ^ s)
		}
	case '-':
		for i, x := range a {
			y := b[i]
			s := x - y
			out[i] = s
			bad |= (x^y)&(x^s) | (s<<sh>>sh ^ s)
		}
	default:
		return mulDense(sh, out, a, b)
	}
	return overflowed(bad, sh)
}

// overflowed interprets gathered marks: with a narrow kind any bit tells, in 64
// bits only the sign does.
func overflowed(bad int64, sh uint) bool {
	if sh == 0 {
		return bad < 0
	}
	return bad != 0
}

func mulDense(sh uint, out, a, b []int64) bool {
	var bad int64
	if sh != 0 {
		for i, x := range a {
			s := x * b[i]
			out[i] = s
			bad |= s<<sh>>sh ^ s
		}
		return bad != 0
	}
	for i, x := range a {
		hi, lo := mul64(x, b[i])
		out[i] = lo
		bad |= hi ^ lo>>63
	}
	return bad != 0
}

func arithDenseConst(op byte, k types.Kind, out, a []int64, y int64) bool {
	var bad int64
	sh := narrowShift(k)
	switch op {
	case '+':
		for i, x := range a {
			s := x + y
			out[i] = s
			bad |= (x^s)&(y^s) | (s<<sh>>sh ^ s)
		}
	case '-':
		for i, x := range a {
			s := x - y
			out[i] = s
			bad |= (x^y)&(x^s) | (s<<sh>>sh ^ s)
		}
	default:
		return mulDenseConst(sh, out, a, y)
	}
	return overflowed(bad, sh)
}

func mulDenseConst(sh uint, out, a []int64, y int64) bool {
	var bad int64
	if sh != 0 {
		for i, x := range a {
			s := x * y
			out[i] = s
			bad |= s<<sh>>sh ^ s
		}
		return bad != 0
	}
	for i, x := range a {
		hi, lo := mul64(x, y)
		out[i] = lo
		bad |= hi ^ lo>>63
	}
	return bad != 0
}

func arithRows(op byte, k types.Kind, out, a, b []int64, ma, mb int, rows []uint16) bool {
	var bad int64
	sh := narrowShift(k)
	switch op {
	case '+':
		for _, r := range rows {
			x, y := a[int(r)&ma], b[int(r)&mb]
			s := x + y
			out[r] = s
			bad |= (x^s)&(y^s) | (s<<sh>>sh ^ s)
		}
	case '-':
		for _, r := range rows {
			x, y := a[int(r)&ma], b[int(r)&mb]
			s := x - y
			out[r] = s
			bad |= (x^y)&(x^s) | (s<<sh>>sh ^ s)
		}
	default:
		for _, r := range rows {
			hi, lo := mul64(a[int(r)&ma], b[int(r)&mb])
			out[r] = lo
			if hi != lo>>63 || lo<<sh>>sh != lo {
				return true
			}
		}
		return false
	}
	return overflowed(bad, sh)
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
