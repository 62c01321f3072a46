package catalog

import "github.com/millracedb/millrace/sql/types"

// Command is one change of the catalog, decided by the planner against a
// snapshot and checked again when it is applied, because others may have come
// before it. Commands are values; they are encoded by EncodeCommand and decoded
// by DecodeCommand (a kind byte and JSON; unknown kinds are an error).
type Command interface{ command() }

// CreateRelation adds a relation; OID, Created and SchemaVersion are given at
// apply. With a Query the relation is filled by it (state Backfilling).
type CreateRelation struct {
	Relation    Relation
	Query       *Query
	IfNotExists bool
	OrReplace   bool
	// Companions are sequences and indexes that come with the relation: where
	// their OwnedBy or Table is 0 it is set to the new relation.
	Companions []Relation
}

// CreateQuery adds a continuous query into an existing relation.
type CreateQuery struct{ Query Query }

// DropObjects removes relations (and what depends on them with Cascade).
type DropObjects struct {
	Kind     RelationKind // what the statement said; must match
	Names    []QualifiedName
	IfExists bool
	Cascade  bool
	// Constraint says that the indexes are dropped as the constraints that they keep.
	Constraint bool `json:",omitempty"`
}

// QualifiedName is a resolved name.
type QualifiedName struct{ Schema, Name string }

// AlterRelation replaces a relation's definition; From is the SchemaVersion that
// the planner saw.
type AlterRelation struct {
	Relation Relation
	From     uint32
	// Cascade drops what depends on dropped columns.
	Cascade  bool
	Rewrites []Rewrite
}

// Rewrite gives a dependent object the definition that says the same after a
// rename. A rename that leaves a dependent view or query out is refused.
type Rewrite struct {
	OID        OID // relation or query
	Definition string
}

// RenameRelation renames or moves a relation.
type RenameRelation struct {
	OID             OID
	Schema, NewName string
	Rewrites        []Rewrite
}

// CreateSchema adds a schema.
type CreateSchema struct {
	Name, Owner string
	IfNotExists bool
}

// DropSchema removes a schema.
type DropSchema struct {
	Names             []string
	IfExists, Cascade bool
}

// RenameSchema renames a schema.
type RenameSchema struct {
	Name, NewName string
	Rewrites      []Rewrite
}

// SetSchemaOwner gives a schema, with its types and functions, to a role.
type SetSchemaOwner struct{ Name, Owner string }

// SetQueryState moves a continuous query to a state: activation after back-fill,
// PAUSE, RESUME, failure.
type SetQueryState struct {
	OID             OID
	State           QueryState
	Error, SQLState string
	// Turn, when set, makes the command void unless Query.Turn is still the same: what
	// an engine found out about a query may come after somebody has changed its state.
	Turn *uint64 `json:",omitempty"`
}

// DropQuery ends a continuous query (TERMINATE) and keeps its target.
type DropQuery struct{ OID OID }

// Truncate empties tables.
type Truncate struct {
	OIDs    []OID
	Cascade bool
}

// SetComment sets an object's comment; Column < 0 is the object itself.
type SetComment struct {
	Class   string // "relation", "schema", "type", "function"
	OID     OID
	Column  int
	Comment string
}

// CreateRole adds or changes (OrReplace) a role.
type CreateRole struct {
	Role      Role
	OrReplace bool
}

// DropRole removes roles.
type DropRole struct {
	Names    []string
	IfExists bool
}

// CreateType adds a type, or replaces one (ALTER TYPE, OrReplace).
type CreateType struct {
	Type        UserType
	IfNotExists bool
	OrReplace   bool
}

// DropType removes types.
type DropType struct {
	Names             []QualifiedName
	IfExists, Cascade bool
}

// CreateFunction adds or replaces a function.
type CreateFunction struct {
	Func      UserFunc
	OrReplace bool
}

// DropFunction removes functions.
type DropFunction struct {
	Names []QualifiedName
	// Args has the argument types of each name; nil or a nil element means that
	// none were given.
	Args              [][]types.Type
	IfExists, Cascade bool
}

// GrantCommand grants or revokes. Grants of Kind "role" make Role a member of
// the role with OID Object.
type GrantCommand struct {
	Grants []Grant
	Revoke bool
}

// CreateSystemStream makes a stream of the server's own in a system schema, where
// a view of the same name shows it. Making it again does nothing.
type CreateSystemStream struct{ Relation Relation }

// Batch applies commands in order, all or none: the DDL of one transaction.
type Batch struct {
	Commands []Command
	// NextOID is Snapshot.NextOID of the snapshot that the commands were decided
	// on, when some of them name objects that earlier ones create: applied to
	// another one the batch is refused (40001). 0 means that none does.
	NextOID OID
}

func (*Batch) command()              {}
func (*CreateSystemStream) command() {}
func (*CreateRelation) command()     {}
func (*CreateQuery) command()        {}
func (*DropObjects) command()        {}
func (*AlterRelation) command()      {}
func (*RenameRelation) command()     {}
func (*CreateSchema) command()       {}
func (*DropSchema) command()         {}
func (*RenameSchema) command()       {}
func (*SetSchemaOwner) command()     {}
func (*SetQueryState) command()      {}
func (*DropQuery) command()          {}
func (*Truncate) command()           {}
func (*SetComment) command()         {}
func (*CreateRole) command()         {}
func (*DropRole) command()           {}
func (*CreateType) command()         {}
func (*DropType) command()           {}
func (*CreateFunction) command()     {}
func (*DropFunction) command()       {}
func (*GrantCommand) command()       {}

// Change tells what one applied command did, for those who watch the catalog.
type Change struct {
	Created   []*Relation
	Dropped   []*Relation
	Altered   []*Relation
	Truncated []*Relation
	Queries   []*Query // created or changed state
	Ended     []*Query // dropped
	// Notices are for the user, such as "drop cascades to view v". What follows
	// the first newline is the detail.
	Notices []string
	// OID is the object that was created, 0 for none.
	OID OID
}
