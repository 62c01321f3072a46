package state

import (
	"math"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// normalizer gives a vector in which values that SQL holds equal are equal bytes,
// for the rows of sel; out is memory to use again, or nil.
type normalizer func(t types.Type, v *batch.Vector, sel []uint16, out *batch.Vector) *batch.Vector

// normalizerOf gives the normalizer of a type, or nil when equal values are
// equal bytes already.
func normalizerOf(t types.Type) normalizer {
	switch {
	case t.Phys() == types.PhysFloat64:
		return normalizeFloat
	case t.Phys() == types.PhysBytes && !types.PlainKey(t):
		return normalizeBytes
	}
	return nil
}

// normalizeFloat makes -0 equal 0 and all NaN one.
func normalizeFloat(t types.Type, v *batch.Vector, sel []uint16, out *batch.Vector) *batch.Vector {
	if out == nil {
		out = batch.NewVector(t, len(v.F64))
	}
	out.F64 = grow(out.F64, len(v.F64))
	out.Valid, out.Const = v.Valid, v.Const
	for _, i := range sel {
		r := v.Row(int(i))
		x := v.F64[r]
		switch {
		case x == 0:
			x = 0
		case x != x:
			x = math.NaN()
		}
		out.F64[r] = x
	}
	return out
}

// normalizeBytes replaces values by their keys. Rows that sel does not list are
// empty in the result.
func normalizeBytes(t types.Type, v *batch.Vector, sel []uint16, out *batch.Vector) *batch.Vector {
	if out == nil {
		out = batch.NewVector(t, v.Len())
	}
	out.Reset()
	out.Valid, out.Const = v.Valid, v.Const
	if v.Const {
		out.Buf = appendKey(out.Buf, t, v, 0)
		out.Off = append(out.Off, int32(len(out.Buf)))
		return out
	}
	for _, i := range sel {
		for len(out.Off) <= int(i) {
			out.Off = append(out.Off, int32(len(out.Buf)))
		}
		out.Buf = appendKey(out.Buf, t, v, int(i))
		out.Off = append(out.Off, int32(len(out.Buf)))
	}
	return out
}

func appendKey(dst []byte, t types.Type, v *batch.Vector, row int) []byte {
	if v.IsNull(row) {
		return dst
	}
	return types.AppendKeyBytes(dst, t, v.Bytes(row))
}
