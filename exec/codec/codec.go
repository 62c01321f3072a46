// Package codec turns column vectors into the opaque sections of log blocks and
// back. It is the only place that knows what is inside a section; FORMAT.md has
// the byte diagrams.
//
// Invariant: encoding is deterministic (equal vectors give equal bytes), and
// decoding checks every length, so that damaged bytes give an error and never a
// panic.
package codec

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Encodings of a section. The numbers are on disk: never change one.
const (
	encInt0   = 0  // all values equal the base
	encInt1   = 1  // base + uint8
	encInt2   = 2  // base + uint16
	encInt4   = 3  // base + uint32
	encInt8   = 4  // int64
	encFloat  = 5  // float64
	encBool   = 6  // a byte per 8 rows, least significant first
	encBytes1 = 7  // uint8 lengths, then the bytes
	encBytes2 = 8  // uint16 lengths
	encBytes4 = 9  // uint32 lengths
	encNull   = 10 // all NULL; the physical form is in the flags
	encDict   = 11 // dictionary: a bytes section of distinct values and an int section of codes
)

const (
	flagNulls  = 1 << 7 // a validity bitmap follows the header
	headerSize = 16     // encoding, flags, 2 zero bytes, uint32 rows, int64 base
)

// errSection is the one error of decoding; the caller knows file and offset.
var errSection = errors.New("codec: malformed section")

// AppendSection encodes the first n rows of v (all of them with stride one) to
// dst. The section is padded to 8 bytes.
func AppendSection(dst []byte, v *batch.Vector, n int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(n))
	nulls := v.Valid.CountNull(n)
	if v.Const {
		return appendConst(dst, start, v, n)
	}
	if nulls == n && n > 0 {
		dst[start] = encNull
		dst[start+1] = byte(v.Type.Phys())
		return dst
	}
	if nulls > 0 {
		dst[start+1] = flagNulls
		dst = appendBitmap(dst, v.Valid, n)
	}
	switch v.Type.Phys() {
	case types.PhysInt64:
		dst = appendInts(dst, start, v.I64[:n])
	case types.PhysFloat64:
		dst[start] = encFloat
		dst = append(dst, rawBytes(v.F64[:n])...)
	case types.PhysBool:
		dst[start] = encBool
		dst = appendBools(dst, v.Bool[:n])
	case types.PhysBytes:
		dst = appendBytesColumn(dst, start, v, n)
	}
	return pad8(dst, start)
}

func appendConst(dst []byte, start int, v *batch.Vector, n int) []byte {
	flat := batch.NewVector(v.Type, n)
	for range n {
		flat.AppendRow(v, 0)
	}
	return AppendSection(dst[:start], flat, n)
}

func pad8(dst []byte, start int) []byte {
	for (len(dst)-start)&7 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func appendBitmap(dst []byte, b batch.Bitmap, n int) []byte {
	words := batch.Words(n)
	for i := range words {
		w := b[i]
		if i == words-1 && n&63 != 0 {
			w &= 1<<(uint(n)&63) - 1
		}
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

func appendInts(dst []byte, start int, x []int64) []byte {
	lo, hi := int64(0), int64(0)
	if len(x) > 0 {
		lo, hi = x[0], x[0]
	}
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	span := uint64(hi) - uint64(lo)
	binary.LittleEndian.PutUint64(dst[start+8:], uint64(lo))
	switch {
	case span == 0:
		dst[start] = encInt0
	case span <= math.MaxUint8:
		dst[start] = encInt1
		at := len(dst)
		dst = append(dst, make([]byte, len(x))...)
		out := dst[at:]
		for i, v := range x {
			out[i] = byte(v - lo)
		}
	case span <= math.MaxUint16:
		dst[start] = encInt2
		dst = appendNarrow[uint16](dst, x, lo)
	case span <= math.MaxUint32:
		dst[start] = encInt4
		dst = appendNarrow[uint32](dst, x, lo)
	default:
		dst[start] = encInt8
		binary.LittleEndian.PutUint64(dst[start+8:], 0)
		dst = append(dst, rawBytes(x)...)
	}
	return dst
}

func appendNarrow[T uint16 | uint32](dst []byte, x []int64, lo int64) []byte {
	size := int(unsafe.Sizeof(T(0)))
	at := len(dst)
	dst = append(dst, make([]byte, size*len(x))...)
	out := dst[at:]
	for i, v := range x {
		d := T(v - lo)
		if size == 2 {
			binary.LittleEndian.PutUint16(out[2*i:], uint16(d))
		} else {
			binary.LittleEndian.PutUint32(out[4*i:], uint32(d))
		}
	}
	return dst
}

func appendBools(dst []byte, x []bool) []byte {
	for i := 0; i < len(x); i += 8 {
		var b byte
		for j := i; j < min(i+8, len(x)); j++ {
			if x[j] {
				b |= 1 << (j - i)
			}
		}
		dst = append(dst, b)
	}
	return dst
}

// appendBytesColumn writes lengths, padding and bytes. The base field holds the
// number of bytes.
func appendBytesColumn(dst []byte, start int, v *batch.Vector, n int) []byte {
	longest := int32(0)
	for i := range n {
		longest = max(longest, v.Off[i+1]-v.Off[i])
	}
	data := v.Buf[v.Off[0]:v.Off[n]]
	binary.LittleEndian.PutUint64(dst[start+8:], uint64(len(data)))
	switch {
	case longest <= math.MaxUint8:
		dst[start] = encBytes1
		for i := range n {
			dst = append(dst, byte(v.Off[i+1]-v.Off[i]))
		}
	case longest <= math.MaxUint16:
		dst[start] = encBytes2
		for i := range n {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(v.Off[i+1]-v.Off[i]))
		}
	default:
		dst[start] = encBytes4
		for i := range n {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Off[i+1]-v.Off[i]))
		}
	}
	return append(dst, data...)
}

// rawBytes views 8-byte values as little-endian bytes. All supported platforms
// are little-endian; init checks it.
func rawBytes[T int64 | float64](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 8*len(x))
}

func init() {
	x := uint16(1)
	if *(*byte)(unsafe.Pointer(&x)) != 1 {
		panic("codec: big-endian machines are not supported")
	}
}
