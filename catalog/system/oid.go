package system

import (
	"hash/fnv"
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// OIDs of what PostgreSQL has as an object of its own and Millrace as a part of
// another: derived from the owner's OID, so that they are the same on every node
// and at all times. The class stands in bits 28 to 30; objects of the catalog stay
// below. (Bit 31 is free because some drivers read OIDs as signed.)
const (
	oidClassShift = 28
	oidMask       = 1<<oidClassShift - 1

	classRowType    = 1 // the row type of a relation
	classArrayType  = 2 // the array type over a row type or a type of CREATE TYPE
	classPrimaryKey = 3 // the index of a primary key
	classConstraint = 4 // the constraint of a primary key or unique index
	classHashed     = 5 // parts that are named: defaults, checks, labels, rules
	classComposite  = 6 // the relation behind a composite type
	classRewrite    = 7 // the rule of a view
)

func derived(class, of catalog.OID) catalog.OID { return class<<oidClassShift | of }

// origin takes a derived OID apart; class is 0 for others.
func origin(oid catalog.OID) (class, of catalog.OID) {
	return oid >> oidClassShift & 7, oid & oidMask
}

// hashedOID gives an OID to a named part of an object.
func hashedOID(of catalog.OID, kind, name string) catalog.OID {
	h := fnv.New32a()
	h.Write([]byte(kind + ":" + strconv.Itoa(int(of)) + ":" + name))
	return derived(classHashed, catalog.OID(h.Sum32()&oidMask))
}

// Fixed OIDs of PostgreSQL 15 that rows refer to.
const (
	oidPgClass       catalog.OID = 1259
	oidPgType        catalog.OID = 1247
	oidPgProc        catalog.OID = 1255
	oidPgNamespace   catalog.OID = 2615
	oidPgConstraint  catalog.OID = 2606
	oidPgAttrdef     catalog.OID = 2604
	oidPgRewrite     catalog.OID = 2618
	oidPgAuthid      catalog.OID = 1260
	oidPgDatabase    catalog.OID = 1262
	oidHeapAM        catalog.OID = 2
	oidBtreeAM       catalog.OID = 403
	oidDefaultSpace  catalog.OID = 1663
	oidDefaultColl   catalog.OID = 100
	oidCColl         catalog.OID = 950
	oidSQLLanguage   catalog.OID = 14
	oidInternalLang  catalog.OID = 12
	oidPgCatalogNS   catalog.OID = 11
	oidBootstrapUser catalog.OID = 10
)

func oidDatum(oid catalog.OID) types.Datum { return types.IntDatum(int64(oid)) }

func datumOID(d types.Datum) catalog.OID { return catalog.OID(uint32(d.I)) }

func charDatum(c byte) types.Datum {
	if c == 0 {
		return types.TextDatum("")
	}
	return types.TextDatum(string(rune(c)))
}

func text(s string) types.Datum   { return types.TextDatum(s) }
func integer(n int) types.Datum   { return types.IntDatum(int64(n)) }
func long(n int64) types.Datum    { return types.IntDatum(n) }
func boolean(b bool) types.Datum  { return types.BoolDatum(b) }
func float(f float64) types.Datum { return types.FloatDatum(f) }

// orNull gives text, or NULL for "".
func orNull(s string) types.Datum {
	if s == "" {
		return types.NullDatum
	}
	return types.TextDatum(s)
}

var null = types.NullDatum
