package catalog

import (
	"sync/atomic"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Names of the schemas that exist from the start. Objects of the last three are
// virtual: catalog/system owns them.
const (
	PublicSchema      = "public"
	PgCatalogSchema   = "pg_catalog"
	InformationSchema = "information_schema"
	MillraceSchema    = "millrace"
)

// OIDs of what exists from the start. The ones that PostgreSQL 15 fixes are its
// own; the others lie in its range for objects made by initdb.
const (
	superuserOID         OID = 10
	postgresOID          OID = 13
	pgCatalogOID         OID = 11
	publicOID            OID = 2200
	informationSchemaOID OID = 13207
	millraceOID          OID = 15900
)

// Superuser is the role that owns what exists from the start.
const Superuser = "millrace"

// New makes the catalog of an empty database.
func New() *Snapshot {
	s := &Snapshot{
		nextOID:   FirstUserOID,
		schemas:   map[string]*SchemaInfo{},
		relations: map[OID]*Relation{},
		byName:    map[string]map[string]*Relation{},
		queries:   map[OID]*Query{},
		roles:     map[string]*Role{},
		types:     map[string]*UserType{},
		functions: map[string][]*UserFunc{},
	}
	for _, x := range []SchemaInfo{
		{publicOID, PublicSchema, Superuser, "standard public schema"},
		{pgCatalogOID, PgCatalogSchema, Superuser, "system catalog schema"},
		{informationSchemaOID, InformationSchema, Superuser, ""},
		{millraceOID, MillraceSchema, Superuser, "state of the server"},
	} {
		s.schemas[x.Name] = &x
	}
	for _, r := range []Role{
		{OID: superuserOID, Name: Superuser, Superuser: true, CanLogin: true},
		{OID: postgresOID, Name: "postgres", Superuser: true, CanLogin: true},
	} {
		s.roles[r.Name] = &r
	}
	return s
}

// IsSystemSchema tells whether a schema is the server's own.
func IsSystemSchema(name string) bool {
	return name == PgCatalogSchema || name == InformationSchema || name == MillraceSchema
}

// Machine holds the current snapshot and applies commands to it. Apply and
// Restore have one caller at a time; Current may be called by anybody.
type Machine struct {
	current atomic.Pointer[Snapshot]
}

// NewMachine makes a machine that stands at the empty catalog.
func NewMachine() *Machine {
	m := &Machine{}
	m.current.Store(New())
	return m
}

// Current gives the newest snapshot.
func (m *Machine) Current() *Snapshot { return m.current.Load() }

// Encode writes the current snapshot for a manifest.
func (m *Machine) Encode() ([]byte, error) { return m.Current().Encode() }

// Restore replaces the current snapshot by one that Encode wrote.
func (m *Machine) Restore(b []byte) error {
	s, err := DecodeSnapshot(b)
	if err != nil {
		return err
	}
	m.current.Store(s)
	return nil
}

// Apply decodes a command and applies it as of a version, the epoch that carries
// it. A refused command (a *sqlerr.Error) changes nothing.
func (m *Machine) Apply(version Version, cmd []byte) (Change, error) {
	c, err := DecodeCommand(cmd)
	if err != nil {
		return Change{}, err
	}
	next, change, err := m.Current().Apply(version, c)
	if err != nil {
		return Change{}, err
	}
	m.current.Store(next)
	return change, nil
}

// Apply gives the snapshot after a command, and what the command did. s is not
// changed. Planners use it to check a command before it is proposed, and to see
// the effect of commands earlier in their own transaction.
func (s *Snapshot) Apply(version Version, cmd Command) (*Snapshot, Change, error) {
	e := newEdit(s, version)
	if err := e.apply(cmd); err != nil {
		return nil, Change{}, err
	}
	e.settle()
	e.next.links = &links{}
	return e.next, e.change, nil
}

func (e *edit) apply(cmd Command) error { //tidy:long one case per command
	switch c := cmd.(type) {
	case *Batch:
		return e.batch(c)
	case *Block:
		return e.block(c)
	case *ReserveOIDs:
		return e.reserve(c)
	case *CreateRelation:
		return e.createRelation(c)
	case *CreateSystemStream:
		return e.createSystemStream(c)
	case *CreateQuery:
		return e.createQuery(c)
	case *DropObjects:
		return e.dropObjects(c)
	case *AlterRelation:
		return e.alterRelation(c)
	case *RenameRelation:
		return e.renameRelation(c)
	case *CreateSchema:
		return e.createSchema(c)
	case *DropSchema:
		return e.dropSchema(c)
	case *RenameSchema:
		return e.renameSchema(c)
	case *SetSchemaOwner:
		return e.setSchemaOwner(c)
	case *SetQueryState:
		return e.setQueryState(c)
	case *DropQuery:
		return e.dropQuery(c)
	case *Truncate:
		return e.truncate(c)
	case *SetComment:
		return e.setComment(c)
	case *CreateRole:
		return e.createRole(c)
	case *DropRole:
		return e.dropRole(c)
	case *CreateType:
		return e.createType(c)
	case *DropType:
		return e.dropType(c)
	case *CreateFunction:
		return e.createFunction(c)
	case *DropFunction:
		return e.dropFunction(c)
	case *GrantCommand:
		return e.grant(c)
	}
	return sqlerr.New(sqlerr.InternalError, "command %T is not known", cmd)
}

func (e *edit) batch(b *Batch) error {
	if b.NextOID != 0 && b.NextOID != e.next.nextOID {
		return sqlerr.New(sqlerr.SerializationFailure,
			"could not serialize access due to concurrent change of the catalog").
			WithHint("Repeat the transaction.")
	}
	for _, c := range b.Commands {
		if err := e.apply(c); err != nil {
			return err
		}
	}
	return nil
}
