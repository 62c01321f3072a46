package types

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// PostgreSQL's limits of arrays.
const (
	maxArrayDims  = 6
	maxArraySize  = 134217727
	arrayHasNulls = 0x08
	arrayHasLower = 0x10
)

// MaxGrownArray bounds the elements of an array, or of an array in a jsonb, that an
// assignment to a subscript leaves: what lies between is filled up, so that one statement
// could take all memory otherwise.
const MaxGrownArray = 1 << 24

// Dim is one dimension of an array.
type Dim struct {
	Len   int32
	Lower int32 // index of the first element, 1 unless said otherwise
}

// ArrayValue is an array taken apart. Elems are in row-major order; an empty
// array has no dimensions. An array of arrays (ksqlDB's ARRAY<ARRAY<T>>) has one
// dimension, and encoded arrays as elements, which may differ in length.
type ArrayValue struct {
	Dims  []Dim
	Elems []Datum
}

// NewArray gives a one-dimensional array.
func NewArray(elems []Datum) ArrayValue {
	if len(elems) == 0 {
		return ArrayValue{}
	}
	return ArrayValue{Dims: []Dim{{int32(len(elems)), 1}}, Elems: elems}
}

// The encoding of an array in a PhysBytes column, numbers little endian:
//
//	byte 0: bits 0-2 number of dimensions, bit 3: has nulls, bit 4: has lower
//	        bounds other than 1
//	uint32 per dimension: its length
//	int32 per dimension: its lower bound, if bit 4 is set
//	null bitmap, bit i of byte i/8, 1 = null, if bit 3 is set
//	per element, by the physical form: int64; float64; one byte of bool; or a
//	        uint32 end offset into the bytes that follow the last offset
//
// Every element is found in constant time. A null element has a zero or empty
// slot.

// EncodeArray appends v's encoding; elem is the element type.
func EncodeArray(dst []byte, elem Type, v ArrayValue) []byte {
	if len(v.Elems) == 0 {
		return append(dst, 0)
	}
	head := byte(len(v.Dims))
	for _, d := range v.Dims {
		if d.Lower != 1 {
			head |= arrayHasLower
		}
	}
	if slices.ContainsFunc(v.Elems, func(d Datum) bool { return d.Null }) {
		head |= arrayHasNulls
	}
	dst = append(dst, head)
	for _, d := range v.Dims {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(d.Len))
	}
	if head&arrayHasLower != 0 {
		for _, d := range v.Dims {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(d.Lower))
		}
	}
	if head&arrayHasNulls != 0 {
		dst = appendNullBits(dst, v.Elems)
	}
	return appendSlots(dst, elem.Phys(), v.Elems)
}

func appendNullBits(dst []byte, ds []Datum) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, (len(ds)+7)/8)...)
	for i, d := range ds {
		if d.Null {
			dst[at+i/8] |= 1 << (i % 8)
		}
	}
	return dst
}

// appendSlots writes values of one physical form.
func appendSlots(dst []byte, p Phys, ds []Datum) []byte {
	switch p {
	case PhysInt64:
		for _, d := range ds {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(d.I))
		}
	case PhysFloat64:
		for _, d := range ds {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(d.F))
		}
	case PhysBool:
		for _, d := range ds {
			dst = append(dst, byte(d.I))
		}
	default:
		end := uint32(0)
		for _, d := range ds {
			end += uint32(len(d.S))
			dst = binary.LittleEndian.AppendUint32(dst, end)
		}
		for _, d := range ds {
			dst = append(dst, d.S...)
		}
	}
	return dst
}

// ArrayReader reads an encoded array in place. It aliases the encoding.
type ArrayReader struct {
	phys  Phys
	n     int
	ndim  int
	dims  string // the dimensions' lengths
	lower string // the lower bounds, empty if all are 1
	nulls string // the null bitmap, empty if there are none
	slots string
	data  string // of PhysBytes
}

// OpenArray reads the head of an encoded array.
func OpenArray(elem Type, b []byte) ArrayReader { return openArray(elem.Phys(), str(b)) }

// OpenArrayDatum is OpenArray for a datum.
func OpenArrayDatum(elem Type, d Datum) ArrayReader { return openArray(elem.Phys(), d.S) }

func openArray(p Phys, s string) ArrayReader {
	r := ArrayReader{phys: p}
	if s == "" || s[0]&7 == 0 {
		return r
	}
	head := s[0]
	r.ndim = int(head & 7)
	s = s[1:]
	r.dims, s = s[:4*r.ndim], s[4*r.ndim:]
	r.n = 1
	for i := range r.ndim {
		r.n *= int(le32(r.dims, 4*i))
	}
	if head&arrayHasLower != 0 {
		r.lower, s = s[:4*r.ndim], s[4*r.ndim:]
	}
	if head&arrayHasNulls != 0 {
		n := (r.n + 7) / 8
		r.nulls, s = s[:n], s[n:]
	}
	width := 8
	switch p {
	case PhysBool:
		width = 1
	case PhysBytes:
		width = 4
	}
	r.slots, r.data = s[:width*r.n], s[width*r.n:]
	return r
}

// Len gives the number of elements in all dimensions.
func (r *ArrayReader) Len() int { return r.n }

// NDims gives the number of dimensions, 0 of an empty array.
func (r *ArrayReader) NDims() int { return r.ndim }

// Dim gives dimension i from 0.
func (r *ArrayReader) Dim(i int) Dim {
	d := Dim{Len: int32(le32(r.dims, 4*i)), Lower: 1}
	if r.lower != "" {
		d.Lower = int32(le32(r.lower, 4*i))
	}
	return d
}

// Dims gives all dimensions.
func (r *ArrayReader) Dims() []Dim {
	ds := make([]Dim, r.ndim)
	for i := range ds {
		ds[i] = r.Dim(i)
	}
	return ds
}

// HasNulls tells whether an element is NULL.
func (r *ArrayReader) HasNulls() bool { return r.nulls != "" }

// IsNull tells whether element i (from 0, row-major) is NULL.
func (r *ArrayReader) IsNull(i int) bool {
	return r.nulls != "" && r.nulls[i>>3]>>(i&7)&1 != 0
}

// Int gives element i of a PhysInt64 element type.
func (r *ArrayReader) Int(i int) int64 { return int64(le64(r.slots, 8*i)) }

// Float gives element i of a PhysFloat64 element type.
func (r *ArrayReader) Float(i int) float64 { return math.Float64frombits(le64(r.slots, 8*i)) }

// Bool gives element i of a PhysBool element type.
func (r *ArrayReader) Bool(i int) bool { return r.slots[i] != 0 }

// Bytes gives element i of a PhysBytes element type; it aliases the array.
func (r *ArrayReader) Bytes(i int) string {
	start := uint32(0)
	if i > 0 {
		start = le32(r.slots, 4*i-4)
	}
	return r.data[start:le32(r.slots, 4*i)]
}

// Datum gives element i; its string aliases the array.
func (r *ArrayReader) Datum(i int) Datum {
	switch {
	case r.IsNull(i):
		return NullDatum
	case r.phys == PhysInt64:
		return IntDatum(r.Int(i))
	case r.phys == PhysFloat64:
		return FloatDatum(r.Float(i))
	case r.phys == PhysBool:
		return BoolDatum(r.Bool(i))
	}
	return TextDatum(r.Bytes(i))
}

// Index gives the row-major position of the element with the given subscripts,
// or -1 when there is none.
func (r *ArrayReader) Index(subs ...int64) int {
	if len(subs) != r.ndim || r.ndim == 0 {
		return -1
	}
	at := 0
	for i, s := range subs {
		d := r.Dim(i)
		s -= int64(d.Lower)
		if s < 0 || s >= int64(d.Len) {
			return -1
		}
		at = at*int(d.Len) + int(s)
	}
	return at
}

// DecodeArray takes an encoded array apart. Elements alias b.
func DecodeArray(elem Type, b []byte) ArrayValue {
	r := openArray(elem.Phys(), str(b))
	return r.value()
}

func (r *ArrayReader) value() ArrayValue {
	v := ArrayValue{Dims: r.Dims(), Elems: make([]Datum, r.n)}
	for i := range v.Elems {
		v.Elems[i] = r.Datum(i)
	}
	return v
}

// ArrayDatum makes an array datum.
func ArrayDatum(elem Type, v ArrayValue) Datum {
	return Datum{S: string(EncodeArray(nil, elem, v))}
}

// FilledArray makes an array of n copies of d. It takes no more memory than the array.
func FilledArray(elem Type, dims []Dim, n int, d Datum) Datum {
	head := EncodeArray(nil, elem, ArrayValue{Dims: dims, Elems: []Datum{d}})
	slot, tail := len(appendSlots(nil, elem.Phys(), []Datum{d})), 0
	if elem.Phys() == PhysBytes {
		slot, tail = 4, len(d.S)
	}
	head = head[:len(head)-slot-tail]
	nulls := 0
	if d.Null {
		head, nulls = head[:len(head)-1], (n+7)/8
	}
	var b strings.Builder
	b.Grow(len(head) + nulls + n*(slot+tail))
	b.Write(head)
	for i := range nulls {
		b.WriteByte(byte(1<<min(8, n-8*i) - 1))
	}
	one := appendSlots(nil, elem.Phys(), []Datum{d})[:slot]
	for i := range n {
		if elem.Phys() == PhysBytes {
			one = binary.LittleEndian.AppendUint32(one[:0], uint32((i+1)*tail))
		}
		b.Write(one)
	}
	for range n {
		b.WriteString(d.S[:tail])
	}
	return Datum{S: b.String()}
}

// ArrayOfDatums makes a one-dimensional array datum.
func ArrayOfDatums(elem Type, ds []Datum) Datum { return ArrayDatum(elem, NewArray(ds)) }

// Array takes an array datum apart.
func (d Datum) Array(elem Type) ArrayValue {
	r := openArray(elem.Phys(), d.S)
	return r.value()
}

func errArrayDims(n int) error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded,
		"number of array dimensions (%d) exceeds the maximum allowed (%d)", n, maxArrayDims)
}

// arrayCount multiplies the dimensions, refusing arrays that are too large.
func arrayCount(dims []Dim) (int, error) {
	n := int64(1)
	for _, d := range dims {
		if n *= int64(d.Len); n > maxArraySize {
			return 0, sqlerr.New(sqlerr.ProgramLimitExceeded,
				"array size exceeds the maximum allowed (%d)", maxArraySize)
		}
	}
	return int(n), nil
}

// vectorElem gives the element type of int2vector and oidvector, which are kept
// as arrays whose first index is 0.
func vectorElem(k Kind) Type {
	if k == Int2vector {
		return Of(Int2)
	}
	return Of(OID)
}

// VectorDatum makes an int2vector or oidvector.
func VectorDatum(k Kind, vs []int64) Datum {
	v := ArrayValue{Elems: make([]Datum, len(vs))}
	for i, x := range vs {
		v.Elems[i] = IntDatum(x)
	}
	if len(vs) > 0 {
		v.Dims = []Dim{{int32(len(vs)), 0}}
	}
	return ArrayDatum(vectorElem(k), v)
}
