package planner

import (
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
	default:
		if _, ok := dropKinds[s.Kind]; !ok {
			return &plan.Plan{Tag: "COMMENT"}, nil
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
	var privileges []string
	for _, p := range g.Privileges {
		privileges = append(privileges, p.Name)
	}
	if g.All {
		if privileges = tablePrivileges; kind == "schema" {
			privileges = []string{"USAGE", "CREATE"}
		}
	}
	for _, oid := range objects {
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

func (b *builder) grantRoles(g *sql.Grantable, c *catalog.GrantCommand, tag string) (
	*plan.Plan, error) {
	for _, name := range g.Roles {
		role := b.env.Snapshot.Role(name)
		if role == nil {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", name)
		}
		for _, to := range g.To {
			c.Grants = append(c.Grants, catalog.Grant{Object: role.OID, Kind: "role", Role: to})
		}
	}
	return command(tag, c), nil
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
			kind = objectWord(g.Kind)
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
