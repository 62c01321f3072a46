package expr

import (
	"math/bits"

	"github.com/millracedb/millrace/sql/types"
)

// The kernels of numerics of up to 64 bits of digits work on those and on the
// encoding; what does not fit goes through types.Decimal.

// maxShortScale is below the scales that the encoding has in its first byte.
const maxShortScale = 62

var numericProduct Kernel = func(_ *Env, _ int, rows []uint16, args []*vector,
	out *vector) error {
	a, b := args[0], args[1]
	for i, r := range rows {
		x, y := a.Bytes(int(r)), b.Bytes(int(r))
		padTo(out, int(r))
		m, ms, mneg, mok := types.SmallNumeric(x)
		n, ns, nneg, nok := types.SmallNumeric(y)
		if hi, lo := bits.Mul64(m, n); mok && nok && hi == 0 && ms+ns <= maxShortScale {
			endBytes(out, types.EncodeSmallNumeric(out.Buf, lo, ms+ns, mneg != nneg))
			continue
		}
		d, err := types.DecodeNumeric(x).Mul(types.DecodeNumeric(y))
		if err != nil {
			return rowErr(i, err)
		}
		endBytes(out, types.EncodeNumeric(out.Buf, d))
	}
	return nil
}

// numericSums adds sign times the second argument; whole is the general way.
func numericSums(sign int64, whole func(a, b types.Decimal) (types.Decimal, error)) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		for i, r := range rows {
			x, y := a.Bytes(int(r)), b.Bytes(int(r))
			padTo(out, int(r))
			if v, scale, ok := addSmall(x, y, sign); ok {
				digits := uint64(v)
				if v < 0 {
					digits = -digits
				}
				endBytes(out, types.EncodeSmallNumeric(out.Buf, digits, scale, v < 0))
				continue
			}
			d, err := whole(types.DecodeNumeric(x), types.DecodeNumeric(y))
			if err != nil {
				return rowErr(i, err)
			}
			endBytes(out, types.EncodeNumeric(out.Buf, d))
		}
		return nil
	}
}

// addSmall gives x + sign * y where all of it is far from overflow.
func addSmall(x, y []byte, sign int64) (v int64, scale int32, ok bool) {
	m, ms, mok := signedSmall(x)
	n, ns, nok := signedSmall(y)
	if !mok || !nok {
		return 0, 0, false
	}
	if ms < ns {
		m, ok = timesTen(m, ns-ms)
	} else {
		n, ok = timesTen(n, ms-ns)
	}
	if !ok {
		return 0, 0, false
	}
	return m + sign*n, max(ms, ns), true
}

// smallSum bounds numbers so that two of them can be added.
const smallSum = 1 << 62

func signedSmall(b []byte) (v int64, scale int32, ok bool) {
	digits, scale, neg, ok := types.SmallNumeric(b)
	if neg {
		return -int64(digits), scale, ok && digits < smallSum
	}
	return int64(digits), scale, ok && digits < smallSum
}

// timesTen multiplies by 10^power.
func timesTen(v int64, power int32) (int64, bool) {
	for ; power > 0; power-- {
		if v >= smallSum/10 || v <= -smallSum/10 {
			return 0, false
		}
		v *= 10
	}
	return v, true
}

// numericCmpKernel compares numerics by their value: 1.50 = 1.5.
func numericCmpKernel(op cmpOp) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b := args[0], args[1]
		for _, r := range rows {
			c := types.CompareNumerics(a.Bytes(int(r)), b.Bytes(int(r)))
			out.Bool[r] = op.holds(c)
		}
		return nil
	}
}
