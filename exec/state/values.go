package state

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// appendValueKey appends bytes that are equal for equal values of type t.
func appendValueKey(dst []byte, t types.Type, d types.Datum) []byte {
	return append(dst, d.S...)
}

// CompareValues orders two values of type t that are not NULL.
func CompareValues(t types.Type, a, b types.Datum) int {
	switch t.Phys() {
	case types.PhysInt64, types.PhysBool:
		switch {
		case a.I < b.I:
			return -1
		case a.I > b.I:
			return 1
		}
		return 0
	case types.PhysFloat64:
		return compareFloat(a.F, b.F)
	}
	return strings.Compare(a.S, b.S)
}

// compareFloat orders floats with NaN last, as PostgreSQL.
func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a == a:
		return -1
	case b == b:
		return 1
	}
	return 0
}
