package system

import (
	"fmt"
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

func textArray(list []string) types.Datum { return stringArray(types.Text, list) }
func nameArray(list []string) types.Datum { return stringArray(types.Name, list) }
func aclArray(list []string) types.Datum  { return stringArray(types.Aclitem, list) }
func charArray(list []string) types.Datum { return stringArray(types.Char, list) }

func stringArray(k types.Kind, list []string) types.Datum {
	ds := make([]types.Datum, len(list))
	for i, s := range list {
		ds[i] = types.TextDatum(s)
	}
	return types.ArrayOfDatums(types.Of(k), ds)
}

func oidArray(list []catalog.OID) types.Datum {
	ds := make([]types.Datum, len(list))
	for i, oid := range list {
		ds[i] = oidDatum(oid)
	}
	return types.ArrayOfDatums(types.Of(types.OID), ds)
}

func int2Array(list []int) types.Datum {
	ds := make([]types.Datum, len(list))
	for i, n := range list {
		ds[i] = integer(n)
	}
	return types.ArrayOfDatums(types.Of(types.Int2), ds)
}

func int2Vector(list []int) types.Datum {
	vs := make([]int64, len(list))
	for i, n := range list {
		vs[i] = int64(n)
	}
	return types.VectorDatum(types.Int2vector, vs)
}

func oidVector(list []catalog.OID) types.Datum {
	vs := make([]int64, len(list))
	for i, oid := range list {
		vs[i] = int64(oid)
	}
	return types.VectorDatum(types.Oidvector, vs)
}

// mustParse reads a field of a recording.
func mustParse(t types.Type, field string) types.Datum {
	d, err := types.ParseText(nil, t, field)
	if err != nil {
		panic(fmt.Sprintf("recorded %s %q: %v", t, field, err))
	}
	return d
}
