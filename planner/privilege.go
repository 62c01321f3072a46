package planner

import (
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// need is what a statement wants to do with one relation that it names.
type need struct {
	rel        *catalog.Relation
	privileges []string
	// read says that FROM names the relation, so that some SELECT is needed even where
	// no column is used.
	read bool
}

// secretCatalogs hold password verifiers: only superusers read them.
var secretCatalogs = map[string]bool{"pg_authid": true, "pg_shadow": true}

// super tells whether the session's role may do everything.
func (b *builder) super() bool {
	r := b.env.Snapshot.Role(b.env.User)
	return b.env.User == "" || r != nil && r.Superuser
}

// wants notes that the statement needs a privilege on a relation that it names
// itself; what a view reads is the business of the view's owner.
func (b *builder) wants(rel *catalog.Relation, privilege string) {
	if b.depth > 0 {
		return
	}
	n := b.needs[rel.OID]
	if n == nil {
		n = &need{rel: rel}
		if b.needs == nil {
			b.needs = map[catalog.OID]*need{}
		}
		b.needs[rel.OID] = n
		b.needed = append(b.needed, n)
	}
	if privilege == "SELECT" {
		n.read = true
		return
	}
	if !contains(n.privileges, privilege) {
		n.privileges = append(n.privileges, privilege)
	}
}

// authorize refuses a statement that names what its role may not use.
func (b *builder) authorize() error {
	if b.super() {
		return nil
	}
	for _, n := range b.needed {
		for _, p := range n.privileges {
			if !b.env.Snapshot.HasPrivilege(b.env.User, n.rel.OID, n.rel.Owner, p) {
				return denied(kindWord(n.rel.Kind), n.rel.Name)
			}
		}
		if (n.read || len(b.direct[n.rel.OID]) > 0) && !b.mayRead(n.rel) {
			return denied(kindWord(n.rel.Kind), n.rel.Name)
		}
	}
	return nil
}

// mayRead tells whether the role may see the columns of a relation that the
// statement uses: by a privilege on the whole of it, or on each of them.
func (b *builder) mayRead(rel *catalog.Relation) bool {
	if rel.Kind == catalog.KindSystem {
		return !secretCatalogs[rel.Name]
	}
	has := func(p string) bool {
		return b.env.Snapshot.HasPrivilege(b.env.User, rel.OID, rel.Owner, p)
	}
	if has("SELECT") {
		return true
	}
	used := b.direct[rel.OID]
	for o := range used {
		if !has(columnPrivilege("SELECT", o)) {
			return false
		}
	}
	if len(used) > 0 {
		return true
	}
	for o := range rel.Columns {
		if has(columnPrivilege("SELECT", o)) {
			return true
		}
	}
	return false
}

// columnPrivilege is how a privilege on one column is kept: with the column's number,
// so that it is none on the relation.
func columnPrivilege(name string, ordinal int) string {
	return name + "#" + strconv.Itoa(ordinal+1)
}

func denied(kind, name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for %s %s", kind, name).
		WithHint("The owner or a superuser can GRANT it.")
}

// mustOwn refuses a change of an object that belongs to somebody else.
func (b *builder) mustOwn(kind, name, owner string) error {
	if b.super() || b.env.Snapshot.IsMember(b.env.User, owner) {
		return nil
	}
	return sqlerr.New(sqlerr.InsufficientPrivilege, "must be owner of %s %s", kind, name)
}

// mustOwnRelation is mustOwn for a relation: an index is its table's owner's.
func (b *builder) mustOwnRelation(rel *catalog.Relation) error {
	owner := rel.Owner
	if t := b.env.Snapshot.Relation(rel.Table); rel.Kind == catalog.KindIndex && t != nil {
		owner = t.Owner
	}
	return b.mustOwn(kindWord(rel.Kind), rel.Name, owner)
}

// mustCreateIn refuses a new object in a schema of somebody else.
func (b *builder) mustCreateIn(schema string) error {
	info := b.env.Snapshot.Schema(schema)
	if b.super() || info == nil ||
		b.env.Snapshot.HasPrivilege(b.env.User, info.OID, info.Owner, "CREATE") {
		return nil
	}
	return denied("schema", schema)
}

// usable tells whether the role may look into a schema.
func (b *builder) usable(schema string) bool {
	info := b.env.Snapshot.Schema(schema)
	if info == nil || schema == "public" || b.super() || b.depth > 0 {
		return true
	}
	return b.env.Snapshot.HasPrivilege(b.env.User, info.OID, info.Owner, "USAGE")
}

// mustBeSuper refuses what only superusers may do.
func (b *builder) mustBeSuper(what string) error {
	if b.super() {
		return nil
	}
	return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to %s", what).
		WithHint("Only superusers may do this.")
}

// mayAlterRole lets a role change its own password and settings, nothing else.
func (b *builder) mayAlterRole(s *sql.AlterRole) error {
	if s.Name != b.env.User {
		return b.mustBeSuper("alter role")
	}
	for _, o := range s.Options {
		if n := lower(o.Name); n != "password" && n != "encrypted" {
			return b.mustBeSuper("alter role")
		}
	}
	return nil
}

// mayGrant lets the owner of an object, and who was given the grant option, pass a
// privilege on.
func (b *builder) mayGrant(object catalog.OID, kind string, privileges []string) error {
	if b.super() {
		return nil
	}
	owner, name := b.ownerOf(object)
	if owner != "" && b.env.Snapshot.IsMember(b.env.User, owner) {
		return nil
	}
	for _, p := range privileges {
		option := false
		for _, g := range b.env.Snapshot.GrantsOn(object) {
			option = option || g.Option && g.Privilege == p &&
				b.env.Snapshot.IsMember(b.env.User, g.Role)
		}
		if !option {
			return denied(kind, name)
		}
	}
	return nil
}

// ownerOf gives the owner and the name of an object with privileges; a function is
// its schema's owner's.
func (b *builder) ownerOf(object catalog.OID) (owner, name string) {
	snap := b.env.Snapshot
	if r := snap.Relation(object); r != nil {
		return r.Owner, r.Name
	}
	if s := snap.SchemaByOID(object); s != nil {
		return s.Owner, s.Name
	}
	schema := ""
	if f := snap.FunctionByOID(object); f != nil {
		schema, name = f.Schema, f.Name
	} else if t := snap.UserTypeByOID(object); t != nil {
		schema, name = t.Schema, t.Name
	}
	if s := snap.Schema(schema); s != nil {
		owner = s.Owner
	}
	return owner, name
}

// mayMove checks the roles and schemas that ALTER gives a relation to.
func (b *builder) mayMove(actions []sql.AlterAction) error {
	for _, a := range actions {
		switch a := a.(type) {
		case *sql.SetOwner:
			if role := a.Role; b.env.Snapshot.Role(role) != nil && !b.super() &&
				!b.env.Snapshot.IsMember(b.env.User, role) {
				return sqlerr.New(sqlerr.InsufficientPrivilege, "must be member of role \"%s\"", role)
			}
		case *sql.SetSchema:
			if err := b.mustCreateIn(a.Schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayDrop refuses to drop what belongs to somebody else. Names that do not exist are
// the catalog's business.
func (b *builder) mayDrop(kind sql.ObjectKind, names []catalog.QualifiedName) error {
	if b.super() {
		return nil
	}
	snap := b.env.Snapshot
	for _, n := range names {
		schema := snap.Schema(n.Schema)
		if schema != nil && snap.IsMember(b.env.User, schema.Owner) {
			continue // the owner of a schema may drop what is in it
		}
		var err error
		switch kind {
		case sql.ObjType, sql.ObjDomain, sql.ObjFunction, sql.ObjProcedure:
			if schema != nil {
				err = b.mustOwn(objectWord(kind), n.Name, schema.Owner)
			}
		default:
			if rel := snap.Lookup(n.Schema, n.Name); rel != nil {
				err = b.mustOwnRelation(rel)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayDropSchemas refuses to drop the schemas of others.
func (b *builder) mayDropSchemas(names []string) error {
	for _, n := range names {
		if info := b.env.Snapshot.Schema(n); info != nil {
			if err := b.mustOwn("schema", n, info.Owner); err != nil {
				return err
			}
		}
	}
	return nil
}
