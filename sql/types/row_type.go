package types

// RowType is a composite type: of CREATE TYPE ... AS (...), or the row type of a
// relation. A value of it is one of a Record with the same fields.
type RowType struct {
	OID      uint32 `json:"oid"`
	ArrayOID uint32 `json:"array"`
	Name     string `json:"name"` // as messages have it: quoted, with a schema when needed
}

func sameRow(a, b *RowType) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.OID == b.OID
}

// rowCastKind is CastKind for two records: an anonymous row becomes one of a
// composite type field by field, and the other way round; of two composite types
// neither becomes the other.
func rowCastKind(from, to Type) (Context, bool) {
	switch {
	case from.Row != nil && to.Row != nil:
		return CastNone, false
	case from.Row != nil || to.Row != nil:
		return CastImplicit, true
	}
	return CastAssignment, true
}
