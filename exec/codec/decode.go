package codec

import (
	"encoding/binary"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Rows gives the number of rows of a section.
func Rows(s []byte) (int, error) {
	if len(s) < headerSize {
		return 0, errSection
	}
	return int(binary.LittleEndian.Uint32(s[4:])), nil
}

// PhysOf gives the physical form of a section's values.
func PhysOf(s []byte) (types.Phys, error) {
	if len(s) < headerSize {
		return 0, errSection
	}
	switch s[0] {
	case encInt0, encInt1, encInt2, encInt4, encInt8:
		return types.PhysInt64, nil
	case encFloat:
		return types.PhysFloat64, nil
	case encBool:
		return types.PhysBool, nil
	case encBytes1, encBytes2, encBytes4, encDict:
		return types.PhysBytes, nil
	case encNull:
		return types.Phys(s[1]) & 3, nil
	}
	return 0, errSection
}

// Decode fills v, whose type says the expected physical form, with all rows of a
// section. v may alias s afterwards: s must not change while v is in use. v's
// memory is reused where it is its own.
func Decode(s []byte, v *batch.Vector) error {
	n, err := Rows(s)
	if err != nil {
		return err
	}
	phys, err := PhysOf(s)
	if err != nil || phys != v.Type.Phys() {
		return errSection
	}
	v.Valid, v.Const = nil, false
	body := s[headerSize:]
	if s[0] == encNull {
		return decodeNull(v, n)
	}
	if s[1]&flagNulls != 0 {
		w := batch.Words(n)
		if len(body) < 8*w {
			return errSection
		}
		if v.Valid, err = decodeWords(body[:8*w], w); err != nil {
			return err
		}
		body = body[8*w:]
	}
	base := int64(binary.LittleEndian.Uint64(s[8:]))
	switch phys {
	case types.PhysInt64:
		return decodeInts(v, s[0], base, body, n)
	case types.PhysFloat64:
		return decodeFloats(v, body, n)
	case types.PhysBool:
		return decodeBools(v, body, n)
	}
	return decodeBytes(v, s[0], base, body, n)
}

func decodeWords(b []byte, w int) (batch.Bitmap, error) {
	if aligned(b) {
		return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), w), nil
	}
	out := make(batch.Bitmap, w)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out, nil
}

func aligned(b []byte) bool {
	return len(b) > 0 && uintptr(unsafe.Pointer(&b[0]))&7 == 0
}

func decodeNull(v *batch.Vector, n int) error {
	v.Valid = make(batch.Bitmap, batch.Words(n))
	switch v.Type.Phys() {
	case types.PhysInt64:
		v.I64 = make([]int64, n)
	case types.PhysFloat64:
		v.F64 = make([]float64, n)
	case types.PhysBool:
		v.Bool = make([]bool, n)
	case types.PhysBytes:
		v.Off, v.Buf = make([]int32, n+1), nil
	}
	return nil
}

func decodeInts(v *batch.Vector, enc byte, base int64, body []byte, n int) error {
	width := [...]int{0, 1, 2, 4, 8}[enc]
	if len(body) < width*n {
		return errSection
	}
	if enc == encInt8 && n > 0 && aligned(body) {
		v.I64 = unsafe.Slice((*int64)(unsafe.Pointer(&body[0])), n)
		return nil
	}
	out := make([]int64, n)
	switch enc {
	case encInt0:
		for i := range out {
			out[i] = base
		}
	case encInt1:
		for i, b := range body[:n] {
			out[i] = base + int64(b)
		}
	case encInt2:
		for i := range out {
			out[i] = base + int64(binary.LittleEndian.Uint16(body[2*i:]))
		}
	case encInt4:
		for i := range out {
			out[i] = base + int64(binary.LittleEndian.Uint32(body[4*i:]))
		}
	case encInt8:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(body[8*i:]))
		}
	}
	v.I64 = out
	return nil
}

func decodeFloats(v *batch.Vector, body []byte, n int) error {
	if len(body) < 8*n {
		return errSection
	}
	if n > 0 && aligned(body) {
		v.F64 = unsafe.Slice((*float64)(unsafe.Pointer(&body[0])), n)
		return nil
	}
	v.F64 = make([]float64, n)
	copy(rawBytes(v.F64), body)
	return nil
}

func decodeBools(v *batch.Vector, body []byte, n int) error {
	if len(body) < (n+7)/8 {
		return errSection
	}
	v.Bool = make([]bool, n)
	for i := range v.Bool {
		v.Bool[i] = body[i>>3]>>(i&7)&1 != 0
	}
	return nil
}

func decodeBytes(v *batch.Vector, enc byte, size int64, body []byte, n int) error {
	if enc == encDict {
		return decodeDict(v, body, n)
	}
	width := [...]int{1, 2, 4}[enc-encBytes1]
	if size < 0 || size > int64(len(body)) || int64(len(body))-size < int64(width*n) {
		return errSection
	}
	lens, data := body[:width*n], body[width*n:int64(width*n)+size]
	off := make([]int32, n+1)
	end := int64(0)
	switch enc {
	case encBytes1:
		for i, l := range lens {
			end += int64(l)
			off[i+1] = int32(end)
		}
	case encBytes2:
		for i := range n {
			end += int64(binary.LittleEndian.Uint16(lens[2*i:]))
			off[i+1] = int32(end)
		}
	default:
		for i := range n {
			end += int64(binary.LittleEndian.Uint32(lens[4*i:]))
			if end > size {
				return errSection
			}
			off[i+1] = int32(end)
		}
	}
	if end != size {
		return errSection
	}
	v.Off, v.Buf = off, data
	return nil
}

// decodeDict expands dictionary codes: body is the length of the values section,
// that section, and the section of codes.
func decodeDict(v *batch.Vector, body []byte, n int) error {
	if len(body) < 8 {
		return errSection
	}
	l := binary.LittleEndian.Uint64(body)
	if l > uint64(len(body)-8) {
		return errSection
	}
	values := batch.Vector{Type: types.Of(types.Bytea)}
	codes := batch.Vector{Type: types.Of(types.Int8)}
	if err := Decode(body[8:8+l], &values); err != nil {
		return err
	}
	if err := Decode(body[8+l:], &codes); err != nil || codes.Len() != n {
		return errSection
	}
	total, count := 0, int64(values.Len())
	for _, c := range codes.I64 {
		if c < 0 || c >= count {
			return errSection
		}
		total += int(values.Off[c+1] - values.Off[c])
	}
	off, buf := make([]int32, n+1), make([]byte, 0, total)
	for i, c := range codes.I64 {
		buf = append(buf, values.Buf[values.Off[c]:values.Off[c+1]]...)
		off[i+1] = int32(len(buf))
	}
	v.Off, v.Buf = off, buf
	return nil
}

// Slice makes dst a read-only view of rows [from, to) of v. from must be a
// multiple of 64, so that the bitmap can be shared.
func Slice(dst, v *batch.Vector, from, to int) {
	*dst = batch.Vector{Type: v.Type}
	if v.Valid != nil {
		dst.Valid = v.Valid[from>>6 : batch.Words(to)]
	}
	switch v.Type.Phys() {
	case types.PhysInt64:
		dst.I64 = v.I64[from:to:to]
	case types.PhysFloat64:
		dst.F64 = v.F64[from:to:to]
	case types.PhysBool:
		dst.Bool = v.Bool[from:to:to]
	case types.PhysBytes:
		dst.Off, dst.Buf = v.Off[from:to+1:to+1], v.Buf
	}
}
