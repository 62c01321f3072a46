package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// edit makes the next snapshot from one. It copies only the maps that the
// command writes to; everything else is shared. An edit that failed is thrown
// away, so a refusal has no effect.
type edit struct {
	base   *Snapshot
	next   *Snapshot
	change Change
	own    owned
}

// owned says which maps of next are copies already.
type owned struct {
	schemas, relations, queries, roles, types, functions bool
	names                                                map[string]bool
}

func newEdit(s *Snapshot, version Version) *edit {
	next := *s
	next.Version, next.links = version, nil
	return &edit{base: s, next: &next}
}

// settle makes the change tell the difference between base and next, whatever
// steps were between: objects in their last form (dropped ones in their first),
// none that came and went.
func (e *edit) settle() {
	c := &e.change
	was, is := e.base.relations, e.next.relations
	c.Created = settled(c.Created, is, func(r *Relation) bool { return was[r.OID] == nil })
	c.Dropped = settled(c.Dropped, was, func(r *Relation) bool { return is[r.OID] == nil })
	c.Altered = settled(c.Altered, is, func(r *Relation) bool { return was[r.OID] != nil })
	c.Truncated = settled(c.Truncated, is, func(r *Relation) bool { return was[r.OID] != nil })
	last := map[OID]bool{}
	queries := c.Queries
	c.Queries = nil
	for _, q := range queries {
		if now := e.next.queries[q.OID]; now != nil && !last[q.OID] {
			last[q.OID] = true
			c.Queries = append(c.Queries, now)
		}
	}
	c.Ended = slices.DeleteFunc(c.Ended, func(q *Query) bool { return e.base.queries[q.OID] == nil })
}

// settled gives the forms of relations in a snapshot, each once.
func settled(rs []*Relation, in map[OID]*Relation, keep func(*Relation) bool) []*Relation {
	var out []*Relation
	for _, r := range rs {
		if x := in[r.OID]; x != nil && keep(x) && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// allot gives the next OID.
func (e *edit) allot() OID {
	oid := e.next.nextOID
	e.next.nextOID++
	return oid
}

func (e *edit) notice(format string, args ...any) {
	e.change.Notices = append(e.change.Notices, fmt.Sprintf(format, args...))
}

// putRelation adds or replaces a relation under its OID and name.
func (e *edit) putRelation(r *Relation) {
	e.ownRelations()
	if old := e.next.relations[r.OID]; old != nil {
		e.unname(old)
	}
	e.next.relations[r.OID] = r
	e.ownNames(r.Schema)[r.Name] = r
}

func (e *edit) removeRelation(r *Relation) {
	e.ownRelations()
	e.unname(r)
	delete(e.next.relations, r.OID)
	e.dropGrants(r.OID)
}

func (e *edit) unname(r *Relation) {
	names := e.ownNames(r.Schema)
	delete(names, r.Name)
	if len(names) == 0 {
		delete(e.next.byName, r.Schema)
		delete(e.own.names, r.Schema)
	}
}

func (e *edit) ownRelations() {
	if !e.own.relations {
		e.own.relations = true
		e.own.names = map[string]bool{}
		e.next.relations = maps.Clone(e.next.relations)
		e.next.byName = maps.Clone(e.next.byName)
	}
}

// ownNames gives a schema's map of names for writing.
func (e *edit) ownNames(schema string) map[string]*Relation {
	if e.own.names[schema] {
		return e.next.byName[schema]
	}
	m := maps.Clone(e.next.byName[schema])
	if m == nil {
		m = map[string]*Relation{}
	}
	e.own.names[schema] = true
	e.next.byName[schema] = m
	return m
}

func (e *edit) putQuery(q *Query) {
	e.ownQueries()
	e.next.queries[q.OID] = q
	e.change.Queries = append(e.change.Queries, q)
}

func (e *edit) removeQuery(q *Query) {
	e.ownQueries()
	delete(e.next.queries, q.OID)
	e.change.Ended = append(e.change.Ended, q)
}

func (e *edit) ownQueries() {
	if !e.own.queries {
		e.own.queries = true
		e.next.queries = maps.Clone(e.next.queries)
	}
}

func (e *edit) ownSchemas() map[string]*SchemaInfo {
	if !e.own.schemas {
		e.own.schemas = true
		e.next.schemas = maps.Clone(e.next.schemas)
	}
	return e.next.schemas
}

func (e *edit) ownRoles() map[string]*Role {
	if !e.own.roles {
		e.own.roles = true
		e.next.roles = maps.Clone(e.next.roles)
	}
	return e.next.roles
}

func (e *edit) ownTypes() map[string]*UserType {
	if !e.own.types {
		e.own.types = true
		e.next.types = maps.Clone(e.next.types)
	}
	return e.next.types
}

func (e *edit) ownFunctions() map[string][]*UserFunc {
	if !e.own.functions {
		e.own.functions = true
		e.next.functions = maps.Clone(e.next.functions)
	}
	return e.next.functions
}

// dropGrants forgets the privileges on an object.
func (e *edit) dropGrants(oid OID) {
	on := func(g Grant) bool { return g.Object == oid }
	if slices.ContainsFunc(e.next.grants, on) {
		e.next.grants = slices.DeleteFunc(slices.Clone(e.next.grants), on)
	}
}
