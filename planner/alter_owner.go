package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// alterOwner gives a schema to a role. Types and functions belong to whom their schema
// belongs: a notice says so where that is somebody else.
func (b *builder) alterOwner(s *sql.Alter, a *sql.SetOwner, tag string) (*plan.Plan, error) {
	role := a.Role
	if role == "current_user" || role == "session_user" {
		role = b.env.User
	}
	if b.env.Snapshot.Role(role) == nil {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", role)
	}
	if err := b.mayMove([]sql.AlterAction{a}); err != nil {
		return nil, err
	}
	schema := s.Name.Last()
	switch s.Kind {
	case sql.ObjSchema:
	case sql.ObjType, sql.ObjDomain:
		t := b.userTypeNamed(s.Name)
		if t == nil {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", s.Name)
		}
		schema = t.Schema
	case sql.ObjFunction:
		f := b.functionOf(s.Name)
		if f == nil {
			return nil, sqlerr.New(sqlerr.UndefinedFunction, "could not find a function named \"%s\"",
				s.Name)
		}
		schema = f.Schema
	default:
		return &plan.Plan{Tag: tag}, nil
	}
	info := b.env.Snapshot.Schema(schema)
	if info == nil {
		return nil, sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
	}
	if err := b.mustOwn("schema", info.Name, info.Owner); err != nil {
		return nil, err
	}
	if s.Kind == sql.ObjSchema {
		return command(tag, &catalog.SetSchemaOwner{Name: schema, Owner: role}), nil
	}
	if info.Owner != role {
		b.notice("%s \"%s\" belongs to the owner of its schema, \"%s\"", lower(s.Kind.String()),
			s.Name, info.Owner)
	}
	return &plan.Plan{Tag: tag}, nil
}

// functionOf finds a function of a name, whatever its arguments.
func (b *builder) functionOf(n sql.Name) *catalog.UserFunc {
	path := b.path
	if n.Schema() != "" {
		path = []string{n.Schema()}
	}
	if fs := b.env.Snapshot.ResolveFunctions(path, n.Last()); len(fs) > 0 {
		return fs[0]
	}
	return nil
}
