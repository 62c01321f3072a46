package state

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Layout encodes rows of given column types as bytes and back: null bits in
// 8-byte words (1 = NULL), a slot of 8 bytes per column, then the bytes of the
// variable columns in order. A variable column's slot holds offset (from the
// row's start, upper half) and length (lower half). Equal rows have equal bytes.
type Layout struct {
	Types []types.Type
	phys  []types.Phys
	nulls int // bytes of null bits
	fixed int // bytes before the variable part
}

// NewLayout makes the layout of rows with the given columns.
func NewLayout(ts []types.Type) *Layout {
	l := &Layout{Types: ts, phys: make([]types.Phys, len(ts))}
	for i, t := range ts {
		l.phys[i] = t.Phys()
	}
	l.nulls = (len(ts) + 63) / 64 * 8
	l.fixed = l.nulls + 8*len(ts)
	return l
}

// Rows are encoded rows, one behind the other: row k is Buf[Off[k]:Off[k+1]].
type Rows struct {
	Buf []byte
	Off []uint32
	cur []uint32
}

// N gives the number of rows.
func (r *Rows) N() int { return max(len(r.Off)-1, 0) }

// Row gives row k; it aliases Buf.
func (r *Rows) Row(k int) []byte { return r.Buf[r.Off[k]:r.Off[k+1]:r.Off[k+1]] }

// Reset empties r and keeps its memory.
func (r *Rows) Reset() { r.Buf, r.Off = r.Buf[:0], r.Off[:0] }

// Append adds a copy of an encoded row.
func (r *Rows) Append(row []byte) {
	if len(r.Off) == 0 {
		r.Off = append(r.Off, 0)
	}
	r.Buf = append(r.Buf, row...)
	r.Off = append(r.Off, uint32(len(r.Buf)))
}

// Encode replaces r by the rows of cols that sel lists.
func (l *Layout) Encode(cols []*batch.Vector, sel []uint16, r *Rows) {
	n := len(sel)
	if cap(r.Off) < n+1 {
		r.Off = make([]uint32, n+1, max(n+1, 256))
		r.cur = make([]uint32, n, max(n, 256))
	}
	r.Off, r.cur = r.Off[:n+1], r.cur[:n]
	l.measure(cols, sel, r)
	total := int(r.Off[n])
	if cap(r.Buf) < total {
		r.Buf = make([]byte, total, total+total/4)
	}
	r.Buf = r.Buf[:total]
	for k := range n {
		clear(r.Buf[r.Off[k] : int(r.Off[k])+l.nulls])
	}
	for c, v := range cols {
		l.encodeColumn(c, v, sel, r)
	}
}

// measure sets the offsets of rows, and cur to the start of each variable part.
func (l *Layout) measure(cols []*batch.Vector, sel []uint16, r *Rows) {
	for k := range sel {
		r.Off[k+1] = uint32(l.fixed)
	}
	for c, v := range cols {
		if l.phys[c] != types.PhysBytes {
			continue
		}
		if v.Const {
			for k := range sel {
				r.Off[k+1] += uint32(v.Off[1] - v.Off[0])
			}
			continue
		}
		for k, i := range sel {
			r.Off[k+1] += uint32(v.Off[i+1] - v.Off[i])
		}
	}
	r.Off[0] = 0
	for k := range sel {
		r.Off[k+1] += r.Off[k]
		r.cur[k] = r.Off[k] + uint32(l.fixed)
	}
}

func (l *Layout) encodeColumn(c int, v *batch.Vector, sel []uint16, r *Rows) {
	slot := uint32(l.nulls + 8*c)
	buf := r.Buf
	mask := -1
	if v.Const {
		mask = 0
	}
	switch l.phys[c] {
	case types.PhysInt64:
		for k, i := range sel {
			binary.LittleEndian.PutUint64(buf[r.Off[k]+slot:], uint64(v.I64[int(i)&mask]))
		}
	case types.PhysFloat64:
		for k, i := range sel {
			x := math.Float64bits(v.F64[int(i)&mask])
			binary.LittleEndian.PutUint64(buf[r.Off[k]+slot:], x)
		}
	case types.PhysBool:
		for k, i := range sel {
			x := uint64(0)
			if v.Bool[int(i)&mask] {
				x = 1
			}
			binary.LittleEndian.PutUint64(buf[r.Off[k]+slot:], x)
		}
	case types.PhysBytes:
		l.encodeBytes(slot, v, mask, sel, r)
	}
	if v.Valid == nil {
		return
	}
	for k, i := range sel {
		if !v.Valid.Valid(int(i) & mask) {
			l.setNull(buf[r.Off[k]:], c)
		}
	}
}

func (l *Layout) encodeBytes(slot uint32, v *batch.Vector, mask int, sel []uint16, r *Rows) {
	for k, i := range sel {
		j := int(i) & mask
		b := v.Buf[v.Off[j]:v.Off[j+1]]
		at := r.cur[k]
		x := uint64(at-r.Off[k])<<32 | uint64(len(b))
		binary.LittleEndian.PutUint64(r.Buf[r.Off[k]+slot:], x)
		copy(r.Buf[at:], b)
		r.cur[k] = at + uint32(len(b))
	}
}

// setNull marks column c NULL and zeroes its slot, so that equal rows stay equal
// bytes; of a variable column the offset stays and the length is 0 already.
func (l *Layout) setNull(row []byte, c int) {
	row[c>>3] |= 1 << (c & 7)
	if l.phys[c] != types.PhysBytes {
		clear(row[l.nulls+8*c : l.nulls+8*c+8])
	}
}

// AppendDatums appends the encoding of one row to dst.
func (l *Layout) AppendDatums(dst []byte, row []types.Datum) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, l.fixed)...)
	for c, d := range row {
		at := start + l.nulls + 8*c
		if d.Null {
			dst[start+c>>3] |= 1 << (c & 7)
		}
		x := uint64(0)
		switch l.phys[c] {
		case types.PhysInt64:
			x = uint64(d.I)
		case types.PhysFloat64:
			x = math.Float64bits(d.F)
		case types.PhysBool:
			x = uint64(d.I & 1)
		case types.PhysBytes:
			x = uint64(len(dst)-start)<<32 | uint64(len(d.S))
			dst = append(dst, d.S...)
		}
		if !d.Null || l.phys[c] == types.PhysBytes {
			binary.LittleEndian.PutUint64(dst[at:], x)
		}
	}
	return dst
}

// Null tells whether column c of an encoded row is NULL.
func (l *Layout) Null(row []byte, c int) bool { return row[c>>3]>>(c&7)&1 != 0 }

// Slot gives the slot of column c.
func (l *Layout) Slot(row []byte, c int) uint64 {
	return binary.LittleEndian.Uint64(row[l.nulls+8*c:])
}

// Int gives column c of a PhysInt64 column.
func (l *Layout) Int(row []byte, c int) int64 { return int64(l.Slot(row, c)) }

// Bytes gives column c of a PhysBytes column; it aliases row.
func (l *Layout) Bytes(row []byte, c int) []byte {
	s := l.Slot(row, c)
	o, n := int(s>>32), int(uint32(s))
	return row[o : o+n : o+n]
}

// Datum gives column c as a datum whose string is a copy.
func (l *Layout) Datum(row []byte, c int) types.Datum {
	d := l.alias(row, c)
	if l.phys[c] == types.PhysBytes && !d.Null {
		d.S = string(l.Bytes(row, c))
	}
	return d
}

// alias is Datum without a copy: valid as long as row is.
func (l *Layout) alias(row []byte, c int) types.Datum {
	if l.Null(row, c) {
		return types.NullDatum
	}
	switch l.phys[c] {
	case types.PhysInt64:
		return types.Datum{I: int64(l.Slot(row, c))}
	case types.PhysFloat64:
		return types.Datum{F: math.Float64frombits(l.Slot(row, c))}
	case types.PhysBool:
		return types.Datum{I: int64(l.Slot(row, c))}
	}
	return types.Datum{S: aliasString(l.Bytes(row, c))}
}

// AppendTo appends column c of an encoded row to a vector of its type.
func (l *Layout) AppendTo(row []byte, c int, v *batch.Vector) {
	if l.Null(row, c) {
		v.AppendNull()
		return
	}
	switch l.phys[c] {
	case types.PhysInt64:
		v.AppendInt(int64(l.Slot(row, c)))
	case types.PhysFloat64:
		v.AppendFloat(math.Float64frombits(l.Slot(row, c)))
	case types.PhysBool:
		v.AppendBool(l.Slot(row, c) != 0)
	case types.PhysBytes:
		v.AppendBytes(l.Bytes(row, c))
	}
}

// Decode appends all columns of an encoded row to vectors.
func (l *Layout) Decode(row []byte, cols []*batch.Vector) {
	for c, v := range cols {
		l.AppendTo(row, c, v)
	}
}
