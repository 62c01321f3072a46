package types

// Datum is one value of some type, for constants, parameters, keys of point
// reads and the edges of the system. The type is not in it. Hot paths use
// column vectors (package batch) instead.
//
// Which field holds the value follows from Type.Phys: I for PhysInt64, F for
// PhysFloat64, I != 0 for PhysBool, S for PhysBytes (text as UTF-8; the other
// kinds in the encodings of this package: EncodeNumeric, EncodeInterval,
// EncodeArray, canonical JSON text, 16 bytes of uuid).
type Datum struct {
	Null bool
	I    int64
	F    float64
	S    string
}

// NullDatum is SQL's NULL.
var NullDatum = Datum{Null: true}

// IntDatum makes a datum of a PhysInt64 type.
func IntDatum(v int64) Datum { return Datum{I: v} }

// FloatDatum makes a datum of a PhysFloat64 type.
func FloatDatum(v float64) Datum { return Datum{F: v} }

// BoolDatum makes a boolean datum.
func BoolDatum(v bool) Datum {
	if v {
		return Datum{I: 1}
	}
	return Datum{}
}

// TextDatum makes a datum of a PhysBytes type.
func TextDatum(v string) Datum { return Datum{S: v} }

// Bool gives a boolean datum's value; NULL is false.
func (d Datum) Bool() bool { return !d.Null && d.I != 0 }
