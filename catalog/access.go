package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
)

// SchemaByOID gives a schema, or nil.
func (s *Snapshot) SchemaByOID(oid OID) *SchemaInfo {
	for _, x := range s.schemas {
		if x.OID == oid {
			return x
		}
	}
	return nil
}

// RoleByOID gives a role, or nil.
func (s *Snapshot) RoleByOID(oid OID) *Role {
	for _, r := range s.roles {
		if r.OID == oid {
			return r
		}
	}
	return nil
}

// RelationsIn lists the relations of a schema by name.
func (s *Snapshot) RelationsIn(schema string) []*Relation {
	return sortedBy(s.byName[schema], func(r *Relation) string { return r.Name })
}

// EachRelation calls f with every relation, in no order: for sums and sets.
func (s *Snapshot) EachRelation(f func(*Relation)) {
	for _, r := range s.relations {
		f(r)
	}
}

// Indexes lists the indexes of a relation by OID.
func (s *Snapshot) Indexes(table OID) []*Relation {
	if l := s.linked(); l != nil {
		return l.indexes[table]
	}
	return s.relationsWhere(func(r *Relation) bool {
		return r.Kind == KindIndex && r.Table == table
	})
}

// Referring lists the tables with a foreign key to a table, by OID.
func (s *Snapshot) Referring(table OID) []*Relation {
	if l := s.linked(); l != nil {
		return l.referring[table]
	}
	return s.relationsWhere(func(r *Relation) bool { return r.refersTo(table) })
}

func (r *Relation) refersTo(table OID) bool {
	return slices.ContainsFunc(r.ForeignKeys, func(k ForeignKey) bool { return k.Table == table })
}

// links are what each write looks up: it must not look through the whole catalog.
type links struct {
	once               sync.Once
	indexes, referring map[OID][]*Relation
}

// linked gives the links of a finished snapshot; nil while it is being edited.
func (s *Snapshot) linked() *links {
	if s.links == nil {
		return nil
	}
	s.links.once.Do(func() {
		l := s.links
		l.indexes, l.referring = map[OID][]*Relation{}, map[OID][]*Relation{}
		for _, r := range s.Stored() {
			if r.Kind == KindIndex {
				l.indexes[r.Table] = append(l.indexes[r.Table], r)
			}
			for i, k := range r.ForeignKeys {
				if !slices.ContainsFunc(r.ForeignKeys[:i], func(o ForeignKey) bool {
					return o.Table == k.Table
				}) {
					l.referring[k.Table] = append(l.referring[k.Table], r)
				}
			}
		}
	})
	return s.links
}

// PrimaryKey gives the name of a table's primary key.
func (r *Relation) PrimaryKey() string {
	if r.KeyName != "" {
		return r.KeyName
	}
	return ObjectName(r.Name, "", "pkey")
}

// OwnedSequences lists the sequences that go with a relation, by OID.
func (s *Snapshot) OwnedSequences(table OID) []*Relation {
	return s.relationsWhere(func(r *Relation) bool {
		return r.Sequence != nil && r.Sequence.OwnedBy == table
	})
}

func (s *Snapshot) relationsWhere(keep func(*Relation) bool) []*Relation {
	var out []*Relation
	for _, r := range s.relations {
		if keep(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Relation) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// QueriesInto lists the continuous queries that write to a relation, by OID.
func (s *Snapshot) QueriesInto(target OID) []*Query {
	return s.queriesWhere(func(q *Query) bool { return q.Target == target })
}

// QueriesFrom lists the continuous queries that read a relation, by OID.
func (s *Snapshot) QueriesFrom(source OID) []*Query {
	return s.queriesWhere(func(q *Query) bool { return slices.Contains(q.Sources, source) })
}

func (s *Snapshot) queriesWhere(keep func(*Query) bool) []*Query {
	var out []*Query
	for _, q := range s.queries {
		if keep(q) {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b *Query) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// UserType gives a type of CREATE TYPE by name, or nil.
func (s *Snapshot) UserType(schema, name string) *UserType {
	return s.types[joinName(schema, name)]
}

// ResolveType finds a type of CREATE TYPE along a search path, or nil.
func (s *Snapshot) ResolveType(path []string, name string) *UserType {
	for _, schema := range path {
		if t := s.UserType(schema, name); t != nil {
			return t
		}
	}
	return nil
}

// UserTypeByOID gives a type of CREATE TYPE, or nil.
func (s *Snapshot) UserTypeByOID(oid OID) *UserType {
	for _, t := range s.types {
		if t.OID == oid {
			return t
		}
	}
	return nil
}

// UserTypes lists the types of CREATE TYPE by OID.
func (s *Snapshot) UserTypes() []*UserType {
	out := slices.Collect(maps.Values(s.types))
	slices.SortFunc(out, func(a, b *UserType) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// Functions lists the overloads of a function of CREATE FUNCTION.
func (s *Snapshot) Functions(schema, name string) []*UserFunc {
	return s.functions[joinName(schema, name)]
}

// ResolveFunctions lists the overloads of a function along a search path; those
// of earlier schemas come first.
func (s *Snapshot) ResolveFunctions(path []string, name string) []*UserFunc {
	var out []*UserFunc
	for _, schema := range path {
		out = append(out, s.Functions(schema, name)...)
	}
	return out
}

// FunctionByOID gives a function of CREATE FUNCTION, or nil.
func (s *Snapshot) FunctionByOID(oid OID) *UserFunc {
	for _, fs := range s.functions {
		for _, f := range fs {
			if f.OID == oid {
				return f
			}
		}
	}
	return nil
}

// AllFunctions lists the functions of CREATE FUNCTION by OID.
func (s *Snapshot) AllFunctions() []*UserFunc {
	var out []*UserFunc
	for _, fs := range s.functions {
		out = append(out, fs...)
	}
	slices.SortFunc(out, func(a, b *UserFunc) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// Grants lists the privileges in order of granting. The result is not to be
// changed.
func (s *Snapshot) Grants() []Grant { return s.grants }

// GrantsOn lists the privileges on one object.
func (s *Snapshot) GrantsOn(oid OID) []Grant {
	var out []Grant
	for _, g := range s.grants {
		if g.Object == oid {
			out = append(out, g)
		}
	}
	return out
}

// IsMember tells whether a role is a direct or indirect member of another, or
// the same.
func (s *Snapshot) IsMember(role, of string) bool {
	return s.isMember(role, of, map[string]bool{})
}

func (s *Snapshot) isMember(role, of string, seen map[string]bool) bool {
	if role == of {
		return true
	}
	r := s.roles[role]
	if r == nil || seen[role] {
		return false
	}
	seen[role] = true
	return slices.ContainsFunc(r.MemberOf, func(m string) bool { return s.isMember(m, of, seen) })
}

// HasPrivilege tells whether a role may do something with an object that has an
// owner: superusers and owners may do everything, others what was granted to
// them, to a role they are a member of, or to public. privilege is upper case.
func (s *Snapshot) HasPrivilege(role string, object OID, owner, privilege string) bool {
	if r := s.roles[role]; r != nil && r.Superuser || s.IsMember(role, owner) {
		return true
	}
	return slices.ContainsFunc(s.grants, func(g Grant) bool {
		return g.Object == object && strings.EqualFold(g.Privilege, privilege) &&
			(g.Role == "public" || s.IsMember(role, g.Role))
	})
}

// Visible lists the columns that SELECT * gives, by ordinal.
func (r *Relation) Visible() []int {
	out := make([]int, 0, len(r.Columns))
	for i := range r.Columns {
		if !r.Columns[i].Hidden && !r.Columns[i].Dropped {
			out = append(out, i)
		}
	}
	return out
}

// ColumnIndex finds a column that was not dropped by name, or -1. Hidden columns
// are found too.
func (r *Relation) ColumnIndex(name string) int {
	for i := range r.Columns {
		if r.Columns[i].Name == name && !r.Columns[i].Dropped {
			return i
		}
	}
	return -1
}
