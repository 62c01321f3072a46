package catalog

import (
	"maps"
	"slices"
	"strings"
)

// Snapshot is the catalog at one version. All of it is read-only.
type Snapshot struct {
	Version   Version
	nextOID   OID
	schemas   map[string]*SchemaInfo
	relations map[OID]*Relation
	byName    map[string]map[string]*Relation // schema, name
	queries   map[OID]*Query
	roles     map[string]*Role
	types     map[string]*UserType   // schema.name
	functions map[string][]*UserFunc // schema.name, overloads
	grants    []Grant                // in order of granting
	querySeq  int
	links     *links // nil while an edit goes on
}

// NextOID is the OID that the next object gets.
func (s *Snapshot) NextOID() OID { return s.nextOID }

// Relation gives a relation by OID, or nil.
func (s *Snapshot) Relation(oid OID) *Relation { return s.relations[oid] }

// Lookup finds a relation by schema and name, or nil.
func (s *Snapshot) Lookup(schema, name string) *Relation { return s.byName[schema][name] }

// Resolve finds a relation along a search path, or nil. System schemas
// (pg_catalog first) are catalog/system's; they are not in the snapshot.
func (s *Snapshot) Resolve(path []string, name string) *Relation {
	for _, schema := range path {
		if r := s.byName[schema][name]; r != nil {
			return r
		}
	}
	return nil
}

// EffectivePath lists the schemas that an unqualified name is searched in, in
// order: pg_catalog first unless the path names it, "$user" as the user's name,
// without schemas that do not exist. A system schema never stands for "$user",
// so that objects of a role named millrace land in public.
func (s *Snapshot) EffectivePath(path []string, user string) []string {
	named := s.NamedPath(path, user)
	if slices.Contains(named, PgCatalogSchema) {
		return named
	}
	return append([]string{PgCatalogSchema}, named...)
}

// NamedPath is EffectivePath without the implicit pg_catalog; its first schema is
// where new objects go.
func (s *Snapshot) NamedPath(path []string, user string) []string {
	var out []string
	for _, schema := range path {
		if schema == "$user" {
			if schema = user; IsSystemSchema(user) {
				continue
			}
		}
		if s.schemas[schema] != nil && !slices.Contains(out, schema) {
			out = append(out, schema)
		}
	}
	return out
}

// Schema gives a schema by name, or nil.
func (s *Snapshot) Schema(name string) *SchemaInfo { return s.schemas[name] }

// Schemas lists the schemas by name.
func (s *Snapshot) Schemas() []*SchemaInfo {
	return sortedBy(s.schemas, func(x *SchemaInfo) string { return x.Name })
}

// Relations lists the relations that users made, by OID.
func (s *Snapshot) Relations() []*Relation {
	return slices.DeleteFunc(s.Stored(), func(r *Relation) bool { return IsSystemSchema(r.Schema) })
}

// Stored lists all relations by OID, the server's own streams too.
func (s *Snapshot) Stored() []*Relation {
	out := slices.Collect(maps.Values(s.relations))
	slices.SortFunc(out, func(a, b *Relation) int { return int(a.OID) - int(b.OID) })
	return out
}

// Query gives a continuous query by OID, or nil.
func (s *Snapshot) Query(oid OID) *Query { return s.queries[oid] }

// QueryByName gives a continuous query by name, without regard to case, or nil.
func (s *Snapshot) QueryByName(name string) *Query {
	for _, q := range s.Queries() {
		if strings.EqualFold(q.Name, name) {
			return q
		}
	}
	return nil
}

// Queries lists the continuous queries by OID, which is order of creation.
func (s *Snapshot) Queries() []*Query {
	out := slices.Collect(maps.Values(s.queries))
	slices.SortFunc(out, func(a, b *Query) int { return int(a.OID) - int(b.OID) })
	return out
}

// Role gives a role by name, or nil.
func (s *Snapshot) Role(name string) *Role { return s.roles[name] }

// Roles lists the roles by name.
func (s *Snapshot) Roles() []*Role {
	return sortedBy(s.roles, func(x *Role) string { return x.Name })
}

func sortedBy[T any](m map[string]*T, key func(*T) string) []*T {
	out := slices.Collect(maps.Values(m))
	slices.SortFunc(out, func(a, b *T) int { return strings.Compare(key(a), key(b)) })
	return out
}
