package types

import (
	"encoding/binary"
	"slices"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// EnumType is an enum of CREATE TYPE.
//
// A value of an enum is its place in the order, eight bytes that compare as the
// numbers do, and then the label. So values order by their bytes and print
// themselves: neither state nor log needs to know the type, and a label that is
// put between two others leaves the values that are stored as they are.
type EnumType struct {
	OID      uint32 `json:"oid"`
	ArrayOID uint32 `json:"array"`
	Name     string `json:"name"` // as messages have it: quoted, with a schema when needed
	// Labels are in their order; Order[i] is the place of Labels[i], ascending.
	Labels []string  `json:"labels"`
	Order  []float64 `json:"order"`
}

const enumPlace = 8 // bytes before the label

func sameEnum(a, b *EnumType) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.OID == b.OID
}

// Datum gives the value of the i-th label.
func (e *EnumType) Datum(i int) Datum {
	b := binary.BigEndian.AppendUint64(nil, orderedFloat(e.Order[i]))
	return Datum{S: string(append(b, e.Labels[i]...))}
}

// EnumLabel gives the label of a value of an enum.
func EnumLabel(s string) string {
	if len(s) < enumPlace {
		return ""
	}
	return s[enumPlace:]
}

func parseEnum(t Type, s string) (Datum, error) {
	if t.Enum == nil {
		return Datum{}, sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot accept a value of type %s", t.Kind)
	}
	i := slices.Index(t.Enum.Labels, s)
	if i < 0 {
		return Datum{}, sqlerr.New(sqlerr.InvalidTextRepresentation,
			"invalid input value for enum %s: \"%s\"", t.Enum.Name, s)
	}
	return t.Enum.Datum(i), nil
}

// WithEnum gives t with the present labels of an enum in place of those that the
// enum with its OID had.
func (t Type) WithEnum(e *EnumType) Type {
	if t.Enum != nil && t.Enum.OID == e.OID {
		t.Enum = e
	}
	within := func(p *Type) *Type {
		if p == nil {
			return nil
		}
		u := p.WithEnum(e)
		return &u
	}
	t.Elem, t.Key = within(t.Elem), within(t.Key)
	if t.Fields != nil {
		t.Fields = slices.Clone(t.Fields)
		for i := range t.Fields {
			t.Fields[i].Type = t.Fields[i].Type.WithEnum(e)
		}
	}
	return t
}

// WithoutLabels gives t with enums that say only which they are: what stays when a
// label is added.
func (t Type) WithoutLabels() Type {
	var all []*EnumType
	EnumOf(t, func(e *EnumType) { all = append(all, e) })
	for _, e := range all {
		t = t.WithEnum(&EnumType{OID: e.OID})
	}
	return t
}

// EnumOf gives the enums within t.
func EnumOf(t Type, found func(*EnumType)) {
	if t.Enum != nil {
		found(t.Enum)
	}
	if t.Elem != nil {
		EnumOf(*t.Elem, found)
	}
	if t.Key != nil {
		EnumOf(*t.Key, found)
	}
	for _, f := range t.Fields {
		EnumOf(f.Type, found)
	}
}
