package planner

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// kindWord is what messages call a relation of a kind.
func kindWord(k catalog.RelationKind) string {
	switch k {
	case catalog.KindStream:
		return "stream"
	case catalog.KindTable:
		return "table"
	case catalog.KindView:
		return "view"
	case catalog.KindMaterializedView:
		return "materialized view"
	case catalog.KindIndex:
		return "index"
	case catalog.KindSequence:
		return "sequence"
	}
	return "system view"
}

// object is what kindWord is for a kind of the syntax, in lower case.
func objectWord(k sql.ObjectKind) string { return strings.ToLower(k.String()) }

// find looks a relation up along the search path; nil when there is none.
func (b *builder) find(name sql.Name) *catalog.Relation {
	if len(name) == 3 && !b.isDatabase(name[0]) {
		return nil
	}
	if s := name.Schema(); s != "" {
		return b.findIn(s, name.Last())
	}
	if !contains(b.path, "pg_catalog") {
		if r := b.system("pg_catalog", name.Last()); r != nil {
			return r
		}
	}
	for _, s := range b.path {
		if !b.usable(s) {
			continue
		}
		if r := b.findIn(s, name.Last()); r != nil {
			return r
		}
	}
	return nil
}

func (b *builder) findIn(schema, name string) *catalog.Relation {
	if catalog.IsSystemSchema(schema) {
		return b.system(schema, name) // the server's own streams are seen through views
	}
	if r := b.env.Snapshot.Lookup(schema, name); r != nil {
		return r
	}
	return b.system(schema, name)
}

func (b *builder) system(schema, name string) *catalog.Relation {
	if b.env.System == nil {
		return nil
	}
	return b.env.System.Lookup(schema, name)
}

func (b *builder) isDatabase(name string) bool {
	return name == b.env.Database || name == "millrace" || name == "postgres"
}

// relation finds a relation, or says that there is none.
func (b *builder) relation(name sql.Name, pos int) (*catalog.Relation, error) {
	return b.relationOf(name, pos, "relation")
}

// opened is relation for a statement that reads or writes rows: there a schema that does
// not exist has no relations.
func (b *builder) opened(name sql.Name, pos int) (*catalog.Relation, error) {
	r, err := b.relation(name, pos)
	if sqlerr.Is(err, sqlerr.InvalidSchemaName) {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist",
			strings.Join(name, ".")).At(pos).
			WithHint("There is no schema \"%s\".", name.Schema())
	}
	return r, err
}

// relationOf is relation with the word that the statement used for it.
func (b *builder) relationOf(name sql.Name, pos int, word string) (*catalog.Relation, error) {
	if r := b.find(name); r != nil {
		if s := name.Schema(); s != "" && !b.usable(s) {
			return nil, denied("schema", s)
		}
		return r, nil
	}
	if err := tooManyNames(name, pos); err != nil {
		return nil, err
	}
	if len(name) >= 3 && !b.isDatabase(name[0]) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"cross-database references are not implemented: \"%s\"",
			strings.Join(name, ".")).At(pos).
			WithHint("There is one database, \"millrace\"; use schemas instead.")
	}
	if s := name.Schema(); s != "" && b.env.Snapshot.Schema(s) == nil &&
		!catalog.IsSystemSchema(s) {
		return nil, sqlerr.New(sqlerr.InvalidSchemaName,
			"schema \"%s\" does not exist", s).At(pos)
	}
	err := sqlerr.New(sqlerr.UndefinedTable, "%s \"%s\" does not exist",
		word, strings.Join(name, ".")).At(pos)
	path := b.path
	if s := name.Schema(); s != "" {
		path = []string{s}
	}
	if near := b.env.Snapshot.Similar(name.Last(), path); near != "" {
		return nil, err.WithHint("Did you mean \"%s\"?", near)
	}
	if near := catalog.Nearest(name.Last(), b.systemNames(name.Schema())); near != "" {
		return nil, err.WithHint("Did you mean \"%s\"?", near)
	}
	return nil, err
}

// systemNames lists the virtual relations of a schema, where they can be listed.
func (b *builder) systemNames(schema string) []string {
	if l, ok := b.env.System.(interface{ Names(schema string) []string }); ok && schema != "" {
		return l.Names(schema)
	}
	return nil
}

// tooManyNames refuses what cannot be database.schema.name.
func tooManyNames(name sql.Name, pos int) error {
	if len(name) <= 3 {
		return nil
	}
	return sqlerr.New(sqlerr.SyntaxError, "improper qualified name (too many dotted names): %s",
		strings.Join(name, ".")).At(pos)
}

// target gives the schema and name of an object to be created.
func (b *builder) target(name sql.Name, pos int) (schema, last string, err error) {
	last = name.Last()
	if len(last) > 63 {
		last = truncateName(last)
		b.notice("identifier \"%s\" will be truncated to \"%s\"", name.Last(), last)
	}
	if err := tooManyNames(name, pos); err != nil {
		return "", "", err
	}
	if len(name) >= 3 && !b.isDatabase(name[0]) {
		return "", "", sqlerr.New(sqlerr.FeatureNotSupported,
			"cross-database references are not implemented: \"%s\"", strings.Join(name, ".")).
			At(pos).WithHint("There is one database, \"millrace\"; use schemas instead.")
	}
	if schema = name.Schema(); schema == "" {
		if schema = b.creationSchema(); schema == "" {
			return "", "", sqlerr.New(sqlerr.InvalidSchemaName,
				"no schema has been selected to create in").At(pos)
		}
		return schema, last, b.mustCreateIn(schema)
	}
	if catalog.IsSystemSchema(schema) {
		return "", "", sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied to create \"%s.%s\"", schema, last).
			WithDetail("System catalog modifications are currently disallowed.").At(pos)
	}
	if b.env.Snapshot.Schema(schema) == nil {
		return "", "", sqlerr.New(sqlerr.InvalidSchemaName,
			"schema \"%s\" does not exist", schema).At(pos)
	}
	return schema, last, b.mustCreateIn(schema)
}

// creationSchema is the first schema of the search path that exists.
func (b *builder) creationSchema() string {
	for _, s := range b.path {
		if b.env.Snapshot.Schema(s) != nil && !catalog.IsSystemSchema(s) {
			return s
		}
	}
	return ""
}

// truncateName cuts a name to PostgreSQL's 63 bytes, at a character.
func truncateName(s string) string {
	n := 63
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
