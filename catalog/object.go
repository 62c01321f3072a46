package catalog

import "github.com/millracedb/millrace/sql/types"

// UserType is a type of CREATE TYPE or CREATE DOMAIN.
type UserType struct {
	OID    OID
	Schema string
	Name   string
	// Labels are an enum's, in order; nil for others.
	Labels []string
	// Order is the place of each label, ascending: what values are compared by. A label
	// that comes between two others has a place between theirs.
	Order []float64 `json:",omitempty"`
	// Base is what a domain or composite is stored as; of an enum, the enum itself.
	Base    types.Type
	NotNull bool
	Checks  []Check
	Comment string
	// Alias types are another name of Base, which columns take as it is: they do not need
	// the type any more.
	Alias bool `json:",omitempty"`
}

// arrayClass is where OIDs of array types begin; see catalog/system for the others.
const arrayClass OID = 2 << 28

// complete gives labels a place, where they were stored without.
func (t *UserType) complete() {
	if len(t.Order) >= len(t.Labels) {
		return
	}
	t.Order = make([]float64, len(t.Labels))
	for i := range t.Order {
		t.Order[i] = float64(i + 1)
	}
}

// enum gives the type of values of an enum.
func (t *UserType) enum() types.Type {
	return types.Type{Kind: types.Enum, Enum: &types.EnumType{OID: uint32(t.OID),
		ArrayOID: uint32(arrayClass | t.OID), Name: quoted(t.Schema, t.Name), Labels: t.Labels,
		Order: t.Order}}
}

// row says of which composite type a value is.
func (t *UserType) row() *types.RowType {
	return &types.RowType{OID: uint32(t.OID), ArrayOID: uint32(arrayClass | t.OID),
		Name: quoted(t.Schema, t.Name)}
}

// rowClass is where OIDs of the row types of relations begin; see catalog/system.
const rowClass OID = 1 << 28

// RowType is the composite type of a relation's rows; nil where there is none.
func (r *Relation) RowType() *types.RowType {
	if r.OID < FirstUserOID || r.Kind == KindIndex || r.Kind == KindSequence {
		return nil
	}
	return &types.RowType{OID: uint32(rowClass | r.OID), ArrayOID: uint32(arrayClass | r.OID),
		Name: quoted(r.Schema, r.Name)}
}

// UserFunc is a function of CREATE FUNCTION ... LANGUAGE SQL.
type UserFunc struct {
	OID      OID
	Schema   string
	Name     string
	ArgNames []string
	Args     []types.Type
	Ret      types.Type
	// Set says that it gives rows; a Ret of kind Record, that they have its fields as
	// columns. In both cases Body is a query.
	Set bool `json:",omitempty"`
	// Defaults are the SQL of the values of the last arguments, which a call may leave out.
	Defaults []string `json:",omitempty"`
	Body     string   // canonical SQL of the expression or query
	Strict   bool
	Volatile byte // 'i', 's', 'v'
	Comment  string
}

// Grant is one granted privilege.
type Grant struct {
	Object    OID
	Kind      string // "table", "schema", ...
	Role      string
	Privilege string
	Option    bool
}

// First is the number that a sequence was declared to start with.
func (s *Sequence) First() int64 {
	switch {
	case s.Origin >= s.Min && s.Origin <= s.Max:
		return s.Origin
	case s.Increment < 0:
		return s.Max
	}
	return s.Min
}
