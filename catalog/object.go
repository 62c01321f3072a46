package catalog

import "github.com/millracedb/millrace/sql/types"

// UserType is a type of CREATE TYPE or CREATE DOMAIN.
type UserType struct {
	OID    OID
	Schema string
	Name   string
	// Labels are an enum's, in order; nil for others.
	Labels []string
	// Base is what a domain or composite is stored as.
	Base    types.Type
	NotNull bool
	Checks  []Check
	Comment string
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
