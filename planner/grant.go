package planner

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// comment plans COMMENT ON.
func (b *builder) comment(s *sql.Comment) (*plan.Plan, error) {
	c := &catalog.SetComment{Class: "relation", Column: -1}
	if s.Text != nil {
		c.Comment = *s.Text
	}
	switch s.Kind {
	case sql.ObjColumn:
		rel, err := b.relation(s.Name[:len(s.Name)-1], s.Pos())
		if err == nil {
			err = b.mustOwnRelation(rel)
		}
		if err != nil {
			return nil, err
		}
		d := &definition{b: b, rel: *rel}
		if _, err := d.mustColumn(s.Name.Last(), s.Pos()); err != nil {
			return nil, err
		}
		c.OID, c.Column = rel.OID, rel.ColumnIndex(s.Name.Last())
	case sql.ObjSchema:
		info := b.env.Snapshot.Schema(s.Name.Last())
		if info == nil {
			return nil, sqlerr.New(sqlerr.InvalidSchemaName,
				"schema \"%s\" does not exist", s.Name.Last())
		}
		if err := b.mustOwn("schema", info.Name, info.Owner); err != nil {
			return nil, err
		}
		c.Class, c.OID = "schema", info.OID
	case sql.ObjType, sql.ObjDomain:
		t := b.userTypeNamed(s.Name)
		if t == nil {
			return nil, sqlerr.New(sqlerr.UndefinedObject,
				"type \"%s\" does not exist", s.Name.Last())
		}
		c.Class, c.OID = "type", t.OID
	case sql.ObjFunction:
		fs := b.env.Snapshot.ResolveFunctions(b.path, s.Name.Last())
		if len(fs) == 0 {
			return nil, sqlerr.New(sqlerr.UndefinedFunction,
				"function %s does not exist", s.Name.Last())
		}
		c.Class, c.OID = "function", fs[0].OID
	case sql.ObjRole:
		if name := s.Name.Last(); b.env.Snapshot.Role(name) == nil {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
		}
		return &plan.Plan{Tag: "COMMENT"}, nil
	default:
		if _, ok := dropKinds[s.Kind]; !ok {
			return b.commentNowhere(s)
		}
		rel, err := b.altered(s.Kind, s.Name, false, s.Pos())
		if err != nil {
			return nil, err
		}
		c.OID = rel.OID
	}
	return command("COMMENT", c), nil
}

// tablePrivileges are what ALL stands for.
var tablePrivileges = []string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES",
	"TRIGGER"}

// grant plans GRANT and REVOKE.
func (b *builder) grant(g *sql.Grantable, option, revoke bool) (*plan.Plan, error) {
	tag := map[bool]string{false: "GRANT", true: "REVOKE"}[revoke]
	c := &catalog.GrantCommand{Revoke: revoke}
	if len(g.Roles) > 0 {
		return b.grantRoles(g, c, tag)
	}
	objects, kind, err := b.grantObjects(g)
	if err != nil {
		return nil, err
	}
	if err := validPrivileges(g, kind); err != nil {
		return nil, err
	}
	for _, oid := range objects {
		privileges, err := b.privilegesOn(g, oid, kind)
		if err == nil {
			err = b.mayGrant(oid, kind, privileges)
		}
		if err != nil {
			return nil, err
		}
		if revoke {
			privileges = b.withColumns(oid, privileges)
		}
		for _, role := range g.To {
			if role != "public" && b.env.Snapshot.Role(role) == nil {
				return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", role)
			}
			for _, p := range privileges {
				c.Grants = append(c.Grants, catalog.Grant{Object: oid, Kind: kind, Role: role,
					Privilege: p, Option: option})
			}
		}
	}
	return command(tag, c), nil
}

// privilegeKinds are the privileges that each kind of object has; ALL is all of them.
var privilegeKinds = map[string][]string{
	"table": tablePrivileges, "sequence": {"USAGE", "SELECT", "UPDATE"},
	"schema": {"USAGE", "CREATE"}, "database": {"CREATE", "CONNECT", "TEMPORARY", "TEMP"},
	"function": {"EXECUTE"}, "type": {"USAGE"}, "language": {"USAGE"}, "tablespace": {"CREATE"},
}

// validPrivileges refuses privileges that do not exist, or that objects of the kind do
// not have.
func validPrivileges(g *sql.Grantable, kind string) error {
	for _, p := range g.Privileges {
		known := false
		for _, list := range privilegeKinds {
			known = known || contains(list, p.Name)
		}
		switch {
		case !known:
			return sqlerr.New(sqlerr.SyntaxError, "unrecognized privilege type \"%s\"", lower(p.Name)).
				WithHint("Privileges of a %s are %s.", kind, strings.Join(privilegeKinds[kind], ", "))
		case g.Kind == sql.ObjSequence || g.Kind == sql.ObjTable && p.Name == "USAGE":
			// A sequence may be called a table.
		case !contains(privilegeKinds[kind], p.Name):
			return sqlerr.New(sqlerr.InvalidGrantOperation, "invalid privilege type %s for %s",
				p.Name, map[string]string{"table": "relation"}[kind]+map[bool]string{
					true: kind}[kind != "table"])
		}
	}
	return nil
}

// privilegesOn gives the names under which the privileges of a grant on one object
// are kept.
func (b *builder) privilegesOn(g *sql.Grantable, oid catalog.OID, kind string) (
	[]string, error) {
	if g.All {
		return privilegeKinds[kind], nil
	}
	var out []string
	for _, p := range g.Privileges {
		if r := b.env.Snapshot.Relation(oid); p.Name == "USAGE" && kind == "table" && r != nil &&
			r.Kind != catalog.KindSequence {
			return nil, sqlerr.New(sqlerr.InvalidGrantOperation,
				"invalid privilege type USAGE for table")
		}
		if len(p.Columns) == 0 {
			out = append(out, p.Name)
		}
		for _, c := range p.Columns {
			rel := b.env.Snapshot.Relation(oid)
			if rel == nil {
				return nil, sqlerr.New(sqlerr.InvalidGrantOperation,
					"column privileges are only valid for relations")
			}
			if rel.ColumnIndex(c) < 0 {
				return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" "+
					"does not exist", c, rel.Name)
			}
			out = append(out, columnPrivilege(p.Name, rel.ColumnIndex(c)))
		}
	}
	return out, nil
}

// withColumns adds the privileges on single columns, which go with those on the whole
// relation when they are revoked.
func (b *builder) withColumns(oid catalog.OID, privileges []string) []string {
	out := slices.Clone(privileges)
	rel := b.env.Snapshot.Relation(oid)
	if rel == nil {
		return out
	}
	for _, p := range privileges {
		if !contains([]string{"SELECT", "INSERT", "UPDATE", "REFERENCES"}, p) {
			continue
		}
		for o := range rel.Columns {
			out = append(out, columnPrivilege(p, o))
		}
	}
	return out
}

func (b *builder) grantRoles(g *sql.Grantable, c *catalog.GrantCommand, tag string) (
	*plan.Plan, error) {
	if err := b.mustBeSuper("grant role"); err != nil {
		return nil, err
	}
	for _, name := range g.Roles {
		role := b.env.Snapshot.Role(name)
		if role == nil {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
		}
		for _, to := range g.To {
			c.Grants = append(c.Grants, catalog.Grant{Object: role.OID, Kind: "role", Role: to})
		}
	}
	return command(tag+" ROLE", c), nil
}

// grantObjects resolves the objects of a grant.
func (b *builder) grantObjects(g *sql.Grantable) (oids []catalog.OID, kind string, err error) {
	if g.AllIn {
		for _, n := range g.Names {
			if b.env.Snapshot.Schema(n.Last()) == nil {
				return nil, "", sqlerr.New(sqlerr.InvalidSchemaName,
					"schema \"%s\" does not exist", n.Last())
			}
			for _, r := range b.env.Snapshot.RelationsIn(n.Last()) {
				if r.Kind != catalog.KindIndex &&
					(r.Kind == catalog.KindSequence) == (g.Kind == sql.ObjSequence) {
					oids = append(oids, r.OID)
				}
			}
		}
		return oids, "table", nil
	}
	for _, n := range g.Names {
		switch g.Kind {
		case sql.ObjSchema:
			info := b.env.Snapshot.Schema(n.Last())
			if info == nil {
				return nil, "", sqlerr.New(sqlerr.InvalidSchemaName,
					"schema \"%s\" does not exist", n.Last())
			}
			oids, kind = append(oids, info.OID), "schema"
		case sql.ObjDatabase, sql.ObjLanguage, sql.ObjTablespace:
			if kind = objectWord(g.Kind); kind == "database" {
				oids = append(oids, catalog.DatabaseOID)
			}
		case sql.ObjFunction, sql.ObjProcedure:
			kind = "function"
			for _, f := range b.env.Snapshot.ResolveFunctions(b.path, n.Last()) {
				oids = append(oids, f.OID)
			}
		case sql.ObjType, sql.ObjDomain:
			if kind = "type"; b.userTypeNamed(n) != nil {
				oids = append(oids, b.userTypeNamed(n).OID)
			}
		default:
			rel, err := b.relation(n, sql.NoLoc.Pos())
			if err != nil {
				return nil, "", err
			}
			oids, kind = append(oids, rel.OID), "table"
		}
	}
	return oids, kind, nil
}
