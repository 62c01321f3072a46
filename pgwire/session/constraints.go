package session

import (
	"context"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// setConstraints runs SET CONSTRAINTS.
func (s *Session) setConstraints(ctx context.Context, x *sql.SetConstraints, sink Sink) error {
	if s.block == noBlock {
		err := s.notice(sink, warning(sqlerr.NoActiveSQLTransaction,
			"SET CONSTRAINTS can only be used in transaction blocks"))
		if err != nil {
			return err
		}
	}
	var names []exec.ForeignKeyName
	for _, n := range x.Names {
		found, err := s.constraintsNamed(n, x.Deferred)
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	if s.block == noBlock || x.Names != nil && len(names) == 0 {
		return nil
	}
	return s.open().SetConstraints(ctx, names, x.Deferred)
}

// constraintsNamed finds the deferrable foreign keys of a name: those of the first schema
// of the search path that has a constraint which is called so.
func (s *Session) constraintsNamed(n sql.Name, deferred bool) ([]exec.ForeignKeyName, error) {
	snap := s.snapshot()
	schemas := snap.NamedPath(s.settings.path, s.currentUser())
	if n.Schema() != "" {
		if snap.Schema(n.Schema()) == nil {
			return nil, sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", n.Schema())
		}
		schemas = []string{n.Schema()}
	}
	for _, schema := range schemas {
		var out []exec.ForeignKeyName
		found := false
		for _, r := range snap.RelationsIn(schema) {
			for i := range r.ForeignKeys {
				k := &r.ForeignKeys[i]
				if k.Name != n.Last() {
					continue
				}
				if found = true; k.Deferrable || k.Deferred {
					out = append(out, exec.ForeignKeyName{Table: r.OID, Name: k.Name})
				} else if deferred {
					return nil, notDeferrable(n.Last())
				}
			}
			if keepsUnique(r, n.Last()) {
				found = true // it is checked at the end of each statement in any case
			}
			for _, c := range r.Checks {
				if c.Name != n.Last() {
					continue
				}
				if found = true; deferred {
					return nil, notDeferrable(n.Last())
				}
			}
		}
		if found {
			return out, nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedObject, "constraint \"%s\" does not exist", n.Last())
}

// keepsUnique tells whether a relation is a unique constraint, or has a primary key, of a
// name.
func keepsUnique(r *catalog.Relation, name string) bool {
	if r.Kind == catalog.KindIndex {
		return r.Unique && !r.Bare && r.Name == name
	}
	return r.Kind == catalog.KindTable && len(r.Key) > 0 && !r.Columns[r.Key[0]].Hidden &&
		r.PrimaryKey() == name
}

func notDeferrable(name string) error {
	return sqlerr.New(sqlerr.WrongObjectType, "constraint \"%s\" is not deferrable", name)
}
