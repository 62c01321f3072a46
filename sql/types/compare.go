package types

import (
	"cmp"
	"math"
	"strings"
)

// Compare orders two values of type t as PostgreSQL's btree operators, with the
// collation "C" for text. NULL comes after every value and equals NULL.
func Compare(t Type, a, b Datum) int {
	if a.Null || b.Null {
		switch {
		case a.Null && b.Null:
			return 0
		case a.Null:
			return 1
		}
		return -1
	}
	switch t.Kind.Phys() {
	case PhysInt64, PhysBool:
		return cmp.Compare(a.I, b.I)
	case PhysFloat64:
		return CompareFloat(a.F, b.F)
	}
	return compareBytes(t, a.S, b.S)
}

// CompareFloat orders floats: NaN equals NaN and is greater than all numbers, -0
// equals 0.
func CompareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	switch an, bn := math.IsNaN(a), math.IsNaN(b); {
	case an && bn:
		return 0
	case an:
		return 1
	}
	return -1
}

// CompareBytes orders two values of a PhysBytes type.
func CompareBytes(t Type, a, b []byte) int { return compareBytes(t, str(a), str(b)) }

// Equal tells whether two values of type t are the same for =, with NULL equal
// to NULL (IS NOT DISTINCT FROM).
func Equal(t Type, a, b Datum) bool { return Compare(t, a, b) == 0 }

func compareBytes(t Type, a, b string) int {
	switch t.Kind {
	case Numeric:
		return CompareNumerics(byteView(a), byteView(b))
	case Interval:
		return decodeInterval(a).Cmp(decodeInterval(b))
	case Timetz:
		return decodeTimetz(a).Cmp(decodeTimetz(b))
	case Bpchar:
		return strings.Compare(trimBlanks(a), trimBlanks(b))
	case JSONB:
		return JSONCompare(a, b)
	case Array:
		return compareArrays(*t.Elem, a, b)
	case Int2vector, Oidvector:
		return compareArrays(vectorElem(t.Kind), a, b)
	case Struct, Record:
		return compareRecords(t, a, b)
	case Map:
		return compareMaps(t, a, b)
	}
	return strings.Compare(a, b)
}

// compareArrays orders by elements, then by their number, then by dimensions.
func compareArrays(elem Type, a, b string) int {
	x, y := openArray(elem.Phys(), a), openArray(elem.Phys(), b)
	for i := range min(x.n, y.n) {
		if c := Compare(elem, x.Datum(i), y.Datum(i)); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(x.n, y.n); c != 0 {
		return c
	}
	if c := cmp.Compare(x.ndim, y.ndim); c != 0 {
		return c
	}
	for i := range x.ndim {
		if c := cmp.Compare(x.Dim(i).Len, y.Dim(i).Len); c != 0 {
			return c
		}
	}
	for i := range x.ndim {
		if c := cmp.Compare(x.Dim(i).Lower, y.Dim(i).Lower); c != 0 {
			return c
		}
	}
	return 0
}

func compareRecords(t Type, a, b string) int {
	x, y := openRecord(t, a), openRecord(t, b)
	for i := range t.Fields {
		if c := Compare(t.Fields[i].Type, x.next(), y.next()); c != 0 {
			return c
		}
	}
	return 0
}

// compareMaps orders by the sorted keys, then by the values.
func compareMaps(t Type, a, b string) int {
	ak, av := OpenMap(t, a)
	bk, bv := OpenMap(t, b)
	for i := range min(ak.n, bk.n) {
		if c := Compare(*t.Key, ak.Datum(i), bk.Datum(i)); c != 0 {
			return c
		}
		if c := Compare(*t.Elem, av.Datum(i), bv.Datum(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(ak.n, bk.n)
}

// Comparable tells whether values of type t have an order (PostgreSQL's json has
// none).
func Comparable(t Type) bool {
	switch t.Kind {
	case JSON, Void, Any, Invalid, NodeTree, Aclitem, Unknown:
		return false
	case Array, Map:
		return t.Elem == nil || Comparable(*t.Elem)
	case Struct, Record:
		for _, f := range t.Fields {
			if !Comparable(f.Type) {
				return false
			}
		}
	}
	return true
}
