package expr

import (
	"bytes"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// cmpOp is a comparison.
type cmpOp uint8

const (
	opEq cmpOp = iota
	opNe
	opLt
	opLe
	opGt
	opGe
)

var cmpNames = [...]string{"=", "<>", "<", "<=", ">", ">="}

// flip gives the comparison with its sides exchanged.
func (op cmpOp) flip() cmpOp { return [...]cmpOp{opEq, opNe, opGt, opGe, opLt, opLe}[op] }

// holds tells whether the comparison holds for a three-way result.
func (op cmpOp) holds(c int) bool {
	switch op {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	}
	return c >= 0
}

func cmpOpOf(name string) (cmpOp, bool) {
	for i, s := range cmpNames {
		if s == name {
			return cmpOp(i), true
		}
	}
	return 0, false
}

// number is the element type of a fixed-size vector that can be ordered. In
// comparisons NaN equals itself and is greater than all else, as in PostgreSQL;
// for integers the compiler drops those terms.
type number interface{ int64 | float64 }

// numsOf gives the values of a PhysInt64 or PhysFloat64 vector.
func numsOf[T number](v *batch.Vector) []T {
	var t T
	switch any(t).(type) {
	case int64:
		return any(v.I64).([]T)
	default:
		return any(v.F64).([]T)
	}
}

// cmpKernel compares two vectors of numbers.
func cmpKernel[T number](op cmpOp) Kernel {
	return func(_ *Env, n int, rows []uint16, args []*batch.Vector, out *batch.Vector) error {
		a, b := numsOf[T](args[0]), numsOf[T](args[1])
		switch {
		case args[1].Const:
			cmpConst(op, out.Bool, a, b[0], rows, n)
		case args[0].Const:
			cmpConst(op.flip(), out.Bool, b, a[0], rows, n)
		case op == opGt || op == opGe:
			cmpVec(op.flip(), out.Bool, b, a, rows)
		default:
			cmpVec(op, out.Bool, a, b, rows)
		}
		return nil
	}
}

// cmpVec is one of =, <>, <, <= over two vectors.
func cmpVec[T number](op cmpOp, out []bool, a, b []T, rows []uint16) {
	switch op {
	case opEq:
		for _, r := range rows {
			x, y := a[r], b[r]
			out[r] = x == y || (x != x && y != y)
		}
	case opNe:
		for _, r := range rows {
			x, y := a[r], b[r]
			out[r] = x != y && (x == x || y == y)
		}
	case opLt:
		for _, r := range rows {
			x, y := a[r], b[r]
			out[r] = x < y || (y != y && x == x)
		}
	default:
		for _, r := range rows {
			x, y := a[r], b[r]
			out[r] = x <= y || y != y
		}
	}
}

// cmpConst compares a vector with a constant; dense selections take a loop
// without indirection.
func cmpConst[T number](op cmpOp, out []bool, a []T, c T, rows []uint16, n int) {
	if c != c {
		cmpNaN(op, out, a, rows)
		return
	}
	if len(rows) == n && len(a) >= n && len(out) >= n {
		cmpConstDense(op, out[:n], a[:n], c)
		return
	}
	switch op {
	case opEq:
		for _, r := range rows {
			out[r] = a[r] == c
		}
	case opNe:
		for _, r := range rows {
			out[r] = a[r] != c
		}
	case opLt:
		for _, r := range rows {
			out[r] = a[r] < c
		}
	case opLe:
		for _, r := range rows {
			out[r] = a[r] <= c
		}
	case opGt:
		for _, r := range rows {
			out[r] = !(a[r] <= c)
		}
	default:
		for _, r := range rows {
			out[r] = !(a[r] < c)
		}
	}
}

func cmpConstDense[T number](op cmpOp, out []bool, a []T, c T) {
	switch op {
	case opEq:
		for i, x := range a {
			out[i] = x == c
		}
	case opNe:
		for i, x := range a {
			out[i] = x != c
		}
	case opLt:
		for i, x := range a {
			out[i] = x < c
		}
	case opLe:
		for i, x := range a {
			out[i] = x <= c
		}
	case opGt:
		for i, x := range a {
			out[i] = !(x <= c)
		}
	default:
		for i, x := range a {
			out[i] = !(x < c)
		}
	}
}

// cmpNaN compares a vector with the constant NaN.
func cmpNaN[T number](op cmpOp, out []bool, a []T, rows []uint16) {
	for _, r := range rows {
		c := -1
		if a[r] != a[r] {
			c = 0
		}
		out[r] = op.holds(c)
	}
}

// bytesCmpKernel compares strings byte by byte: collation C.
func bytesCmpKernel(op cmpOp) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*batch.Vector, out *batch.Vector) error {
		a, b := args[0], args[1]
		switch op {
		case opEq:
			for _, r := range rows {
				out.Bool[r] = string(a.Bytes(int(r))) == string(b.Bytes(int(r)))
			}
		case opNe:
			for _, r := range rows {
				out.Bool[r] = string(a.Bytes(int(r))) != string(b.Bytes(int(r)))
			}
		default:
			for _, r := range rows {
				out.Bool[r] = op.holds(bytes.Compare(a.Bytes(int(r)), b.Bytes(int(r))))
			}
		}
		return nil
	}
}

// selectCmp keeps the rows for which a vector compares to a constant, in out
// (which may be rows itself).
func selectCmp[T number](op cmpOp, a []T, c T, rows, out []uint16) []uint16 {
	k := 0
	out = out[:len(rows)]
	switch op {
	case opEq:
		for _, r := range rows {
			out[k] = r
			if a[r] == c {
				k++
			}
		}
	case opNe:
		for _, r := range rows {
			out[k] = r
			if a[r] != c {
				k++
			}
		}
	case opLt:
		for _, r := range rows {
			out[k] = r
			if a[r] < c {
				k++
			}
		}
	case opLe:
		for _, r := range rows {
			out[k] = r
			if a[r] <= c {
				k++
			}
		}
	case opGt:
		for _, r := range rows {
			out[k] = r
			if !(a[r] <= c) {
				k++
			}
		}
	default:
		for _, r := range rows {
			out[k] = r
			if !(a[r] < c) {
				k++
			}
		}
	}
	return out[:k]
}

// sameOrder tells whether two kinds hold values whose physical forms compare
// directly: x op y over the stored numbers or bytes.
func sameOrder(a, b types.Kind) bool {
	if isInteger(a) && isInteger(b) {
		return true
	}
	if isFloat(a) && isFloat(b) {
		return true
	}
	if plainBytes(a) && plainBytes(b) {
		return true
	}
	return a == b && a.Phys() != types.PhysBytes
}

func isInteger(k types.Kind) bool {
	return k == types.Int2 || k == types.Int4 || k == types.Int8
}

func isFloat(k types.Kind) bool { return k == types.Float4 || k == types.Float8 }

// plainBytes tells whether values of a kind are equal when their bytes are, and
// are ordered as their bytes.
func plainBytes(k types.Kind) bool {
	switch k {
	case types.Text, types.Varchar, types.Name, types.Bytea, types.UUID, types.Char, types.Enum:
		return true
	}
	return false
}
