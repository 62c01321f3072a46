package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// commentNowhere plans COMMENT on what has no place for a comment: it has to exist
// nevertheless.
func (b *builder) commentNowhere(s *sql.Comment) (*plan.Plan, error) {
	name, exists := s.Name.Last(), true
	switch s.Kind {
	case sql.ObjConstraint, sql.ObjTrigger:
		rel, err := b.relationOf(s.On, -1, "relation")
		if err == nil {
			err = b.mustOwnRelation(rel)
		}
		if err != nil {
			return nil, err
		}
		if s.Kind == sql.ObjTrigger || !b.constraintOf(rel, name) {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" for table \"%s\" does not exist",
				lower(s.Kind.String()), name, rel.Name)
		}
	case sql.ObjCollation:
		if !expr.KnownCollation(name) {
			return nil, undefinedCollation(name)
		}
	case sql.ObjExtension:
		exists = name == "plpgsql"
	case sql.ObjLanguage:
		exists = contains([]string{"sql", "plpgsql", "internal", "c"}, name)
	case sql.ObjTablespace:
		exists = name == "pg_default" || name == "pg_global"
	case sql.ObjPublication:
		exists = false
	}
	if !exists {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist",
			lower(s.Kind.String()), name)
	}
	return &plan.Plan{Tag: "COMMENT"}, nil
}

// constraintOf tells whether a relation has a constraint of that name.
func (b *builder) constraintOf(rel *catalog.Relation, name string) bool {
	for i := range rel.Checks {
		if rel.Checks[i].Name == name {
			return true
		}
	}
	for i := range rel.ForeignKeys {
		if rel.ForeignKeys[i].Name == name {
			return true
		}
	}
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.Unique && !x.Bare && x.Name == name {
			return true
		}
	}
	return isKeyed(rel) && rel.PrimaryKey() == name
}

func undefinedCollation(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.UndefinedObject,
		"collation \"%s\" for encoding \"UTF8\" does not exist", name).
		WithHint("Text is compared byte by byte: use the collation \"C\".")
}

// collated checks the COLLATE of a column.
func collated(c *sql.ColumnDef, col *catalog.Column) error {
	if c.Collate == nil {
		return nil
	}
	if !expr.KnownCollation(c.Collate.Last()) {
		return undefinedCollation(c.Collate.Last())
	}
	if t := col.Type.Innermost(); !isTextKind(t.Kind) && t.Kind != types.Bpchar {
		t = col.Type
		t.Mod = 0
		return sqlerr.New(sqlerr.DatatypeMismatch, "collations are not supported by type %s", t)
	}
	return nil
}

// reindex plans REINDEX: indexes need no repair, but what is named has to be there.
func (b *builder) reindex(s *sql.Reindex) (*plan.Plan, error) {
	done, name := &plan.Plan{Tag: "REINDEX"}, s.Name.Last()
	switch s.Kind {
	case sql.ObjSchema:
		if b.env.Snapshot.Schema(name) == nil && !catalog.IsSystemSchema(name) {
			return nil, sqlerr.New(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", name)
		}
		return done, nil
	case sql.ObjDatabase:
		if !b.isDatabase(name) {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"can only reindex the currently open database").
				WithHint("The database is %s.", b.env.Database)
		}
		return done, nil
	}
	rel := b.find(s.Name)
	if rel == nil {
		rel = b.keyIndex(s.Name)
	}
	if rel == nil {
		_, err := b.relationOf(s.Name, -1, "relation")
		return nil, err
	}
	table := rel.Kind == catalog.KindTable || rel.Kind == catalog.KindMaterializedView ||
		rel.Kind == catalog.KindStream || rel.Kind == catalog.KindSystem
	switch {
	case s.Kind == sql.ObjIndex && rel.Kind != catalog.KindIndex:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not an index", name)
	case s.Kind == sql.ObjTable && !table:
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"\"%s\" is not a table or materialized view", name)
	}
	return done, b.mustOwnRelation(rel)
}

// keyIndex gives the index that a primary key would have in PostgreSQL; nil: there is none
// of that name.
func (b *builder) keyIndex(name sql.Name) *catalog.Relation {
	for _, r := range b.env.Snapshot.Relations() {
		here := r.Schema == name.Schema() || name.Schema() == "" && contains(b.path, r.Schema)
		if here && isKeyed(r) && r.PrimaryKey() == name.Last() {
			return &catalog.Relation{Schema: r.Schema, Name: name.Last(), Kind: catalog.KindIndex,
				Table: r.OID, Owner: r.Owner}
		}
	}
	return nil
}

// refersToItself refuses a generated column that is computed from itself.
func refersToItself(c *sql.ColumnDef) error {
	var err error
	sql.Walk(c.Generated.X, func(n sql.Node) bool {
		if r, ok := n.(*sql.ColRef); ok && !r.Star && len(r.Name) == 1 && r.Name[0] == c.Name {
			err = sqlerr.New(sqlerr.InvalidObjectDefinition,
				"cannot use generated column \"%s\" in column generation expression", c.Name).
				At(r.Pos()).
				WithDetail("A generated column cannot reference another generated column.")
		}
		return err == nil
	})
	return err
}
