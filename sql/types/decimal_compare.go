package types

import (
	"cmp"
	"math/bits"
)

// CompareNumerics orders two encodings of EncodeNumeric. Finite numbers of up to 64 bits of
// digits are compared as they are stored.
func CompareNumerics(a, b []byte) int {
	m, ms, mneg, mok := SmallNumeric(a)
	n, ns, nneg, nok := SmallNumeric(b)
	switch {
	case !mok || !nok:
		return DecodeNumeric(a).Cmp(DecodeNumeric(b))
	case mneg != nneg && mneg:
		return -1
	case mneg != nneg:
		return 1
	case mneg:
		return compareDigits(n, ns, m, ms)
	}
	return compareDigits(m, ms, n, ns)
}

// compareDigits orders m * 10^-ms and n * 10^-ns.
func compareDigits(m uint64, ms int32, n uint64, ns int32) int {
	if ms > ns {
		return -compareDigits(n, ns, m, ms)
	}
	if k := int(ns - ms); k <= 19 {
		hi, lo := bits.Mul64(m, pow10[k][1])
		if hi != 0 {
			return 1
		}
		return cmp.Compare(lo, n)
	}
	if m != 0 { // 10^20 is beyond 64 bits
		return 1
	}
	return cmp.Compare(0, n)
}
