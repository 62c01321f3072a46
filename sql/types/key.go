package types

import (
	"encoding/binary"
	"math"
	"strings"
)

// Keys: AppendKey writes a value so that equal values, and only those, have
// equal bytes. It is for hashing, grouping and lookups; keys of several columns
// may be joined, for no key of a type is a prefix of another. AppendOrderedKey
// writes a value so that bytes order as values do, too; it is dearer for text.

// Marks that begin a nullable part.
const (
	keyValue = 0x01
	keyNull  = 0x02 // after all values
)

// AppendKey appends the equality key of d, which may be NULL: a mark, then the
// value.
func AppendKey(dst []byte, t Type, d Datum) []byte {
	if d.Null {
		return append(dst, keyNull)
	}
	dst = append(dst, keyValue)
	switch t.Kind.Phys() {
	case PhysInt64:
		return binary.LittleEndian.AppendUint64(dst, uint64(d.I))
	case PhysFloat64:
		return binary.LittleEndian.AppendUint64(dst, FloatKey(d.F))
	case PhysBool:
		return append(dst, byte(d.I))
	}
	return appendKeyBytes(dst, t, d.S)
}

// FloatKey gives the bits of f with one 0 and one NaN.
func FloatKey(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if math.IsNaN(f) {
		return 0x7ff8000000000001
	}
	return math.Float64bits(f)
}

// AppendKeyBytes appends the equality key of a value of a PhysBytes type,
// without the mark.
func AppendKeyBytes(dst []byte, t Type, raw []byte) []byte {
	return appendKeyBytes(dst, t, str(raw))
}

// PlainKey tells whether a PhysBytes type's values are equal just when their
// bytes are, so that the column's bytes can be hashed and compared as they are.
func PlainKey(t Type) bool {
	switch t.Kind {
	case Text, Varchar, Name, Bytea, UUID, Char, Enum, JSON, Aclitem, NodeTree, Unknown:
		return true
	}
	return false
}

func appendKeyBytes(dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case UUID:
		return append(dst, s...)
	case Interval:
		return decodeInterval(s).appendOrdered(dst)
	case Numeric, JSONB, Array, Int2vector, Oidvector, Struct, Record, Map, Timetz:
		// These orders' keys are canonical and prefix-free.
		if t.Kind == Numeric {
			at := len(dst)
			dst = appendNumericKey(append(dst, 0, 0), s)
			n := len(dst) - at - 2
			dst[at], dst[at+1] = byte(n), byte(n>>8)
			return dst
		}
		return appendOrderedBytes(dst, t, s)
	case Bpchar:
		s = trimBlanks(s)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// AppendOrderedKey appends a key whose bytes order as Compare orders values;
// NULL comes last.
func AppendOrderedKey(dst []byte, t Type, d Datum) []byte {
	if d.Null {
		return append(dst, keyNull)
	}
	dst = append(dst, keyValue)
	switch t.Kind.Phys() {
	case PhysInt64:
		return binary.BigEndian.AppendUint64(dst, uint64(d.I)^1<<63)
	case PhysFloat64:
		return binary.BigEndian.AppendUint64(dst, orderedFloat(d.F))
	case PhysBool:
		return append(dst, byte(d.I))
	}
	return appendOrderedBytes(dst, t, d.S)
}

// orderedFloat gives a number that orders as f does.
func orderedFloat(f float64) uint64 {
	u := FloatKey(f)
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

// AppendOrderedKeyBytes appends the ordered key of a value of a PhysBytes type,
// without the mark.
func AppendOrderedKeyBytes(dst []byte, t Type, raw []byte) []byte {
	return appendOrderedBytes(dst, t, str(raw))
}

func appendOrderedBytes(dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case Numeric:
		return decodeNumeric(s).AppendOrdered(dst)
	case Interval:
		return decodeInterval(s).appendOrdered(dst)
	case UUID:
		return append(dst, s...)
	case Timetz:
		v := decodeTimetz(s)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.utc())^1<<63)
		return binary.BigEndian.AppendUint32(dst, uint32(v.West)^1<<31)
	case JSONB:
		return appendJSONOrdered(dst, s, true)
	case Array:
		return appendOrderedArray(dst, *t.Elem, s)
	case Int2vector, Oidvector:
		return appendOrderedArray(dst, vectorElem(t.Kind), s)
	case Struct, Record:
		r := openRecord(t, s)
		for _, f := range t.Fields {
			dst = AppendOrderedKey(dst, f.Type, r.next())
		}
		return dst
	case Map:
		keys, vals := OpenMap(t, s)
		for i := range keys.n {
			dst = AppendOrderedKey(dst, *t.Key, keys.Datum(i))
			dst = AppendOrderedKey(dst, *t.Elem, vals.Datum(i))
		}
		return append(dst, 0)
	case Bpchar:
		s = strings.TrimRight(s, " ")
	}
	return appendOrderedText(dst, s)
}

// appendOrderedArray writes elements, an end mark that is less than any
// element's, and the dimensions.
func appendOrderedArray(dst []byte, elem Type, s string) []byte {
	r := openArray(elem.Phys(), s)
	for i := range r.n {
		dst = AppendOrderedKey(dst, elem, r.Datum(i))
	}
	dst = append(dst, 0, byte(r.ndim))
	for i := range r.ndim {
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.Dim(i).Len))
	}
	for i := range r.ndim {
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.Dim(i).Lower)^1<<31)
	}
	return dst
}
