package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// forEver tells whether INSERT INTO x SELECT is a continuous query without EMIT
// CHANGES, as it is in ksqlDB: x and all that the SELECT reads are declared as there,
// x and the first of them are streams, and the statement has no parts that ksqlDB's
// does not have, such as a column list.
func (in *insertion) forEver() bool {
	s := in.s
	if s.Query == nil || s.Query.Emit != sql.EmitNone || in.rel.Kind != catalog.KindStream ||
		!isKsql(in.rel) || s.Columns != nil || s.With != nil || s.OnConflict != nil ||
		s.Returning != nil || !plainValues(s.Query) {
		return false
	}
	sel, ok := s.Query.Body.(*sql.Select)
	if !ok || len(sel.From) != 1 {
		return false
	}
	rels := in.b.joinedTables(sel.From[0])
	return len(rels) > 0 && rels[0].Kind == catalog.KindStream &&
		!slices.ContainsFunc(rels, func(r *catalog.Relation) bool { return !isKsql(r) })
}

// isForEver tells whether a kept query is one of INSERT INTO ... SELECT without EMIT.
func isForEver(q *sql.Query, kind keepKind) bool {
	return kind == keepInsert && q.Emit == sql.EmitNone
}

// fitsStream compares the result of INSERT INTO ... SELECT with its stream as ksqlDB
// does: the same number of columns, the same key, and no type that would lose
// something.
func (in *insertion) fitsStream(k *kept) error {
	differs := func(format string, args ...any) error {
		return sqlerr.New(sqlerr.DatatypeMismatch,
			"the result of this query does not fit stream \"%s\"", in.rel.Name).
			At(in.s.Query.Pos()).WithDetail(format, args...).
			WithHint("Give a column list to insert once, by PostgreSQL's rules.")
	}
	target := in.rel.Visible()
	if len(target) != len(k.cols) {
		return differs("It has %d columns, and the stream %d.", len(k.cols), len(target))
	}
	if len(k.key) != len(in.rel.Key) {
		return differs("It has %d key columns, and the stream %d.", len(k.key), len(in.rel.Key))
	}
	for i, o := range target {
		c := &in.rel.Columns[o]
		from := k.cols[i].Type
		if from.Kind != types.Unknown && !expr.CanCoerce(from, c.Type, expr.CoerceImplicit) {
			return differs("Column \"%s\" is of type %s, and its value of type %s.", c.Name, c.Type, from)
		}
	}
	return nil
}

// queryID is the name that INSERT INTO ... WITH (query_id = 'name') gives its query.
func queryID(opts []sql.Option) (string, error) {
	name := ""
	for _, o := range opts {
		if lower(o.Name) != "query_id" {
			return "", sqlerr.New(sqlerr.InvalidParameterValue,
				"option \"%s\" is not recognized", lower(o.Name)).At(o.Pos()).
				WithHint("The option of INSERT INTO ... SELECT is query_id.")
		}
		text, err := optionText(o)
		if err != nil {
			return "", err
		}
		name = text
	}
	return name, nil
}

// joinedTables lists the tables that an item of FROM joins; nil where it has others.
func (b *builder) joinedTables(t sql.TableRef) []*catalog.Relation {
	switch t := t.(type) {
	case *sql.Table:
		if rel := b.find(t.Name); rel != nil {
			return []*catalog.Relation{rel}
		}
	case *sql.Join:
		l, r := b.joinedTables(t.L), b.joinedTables(t.R)
		if l != nil && r != nil {
			return append(l, r...)
		}
	}
	return nil
}

// fed refuses INSERT into what CREATE SOURCE made, unless the rows bring the event
// time that they had outside: they come from there then.
func (in *insertion) fed() error {
	if !isSource(in.rel) {
		return nil
	}
	for _, name := range in.s.Columns {
		i := in.rel.ColumnIndex(name)
		if i >= 0 && i == in.rel.TimeColumn || i < 0 && name == "rowtime" {
			return nil
		}
	}
	return sqlerr.New(sqlerr.WrongObjectType, "cannot insert into %s \"%s\", which is read only",
		kindWord(in.rel.Kind), in.rel.Name).At(in.s.NamePos.Pos()).
		WithHint("It was made by CREATE SOURCE: rows come from outside, with the ROWTIME that " +
			"they have there. Name ROWTIME among the columns.")
}

// sourceStays refuses to change the columns of what CREATE SOURCE made.
func sourceStays(rel *catalog.Relation, s *sql.Alter) error {
	if !isSource(rel) {
		return nil
	}
	for _, a := range s.Actions {
		switch a.(type) {
		case *sql.AddColumn, *sql.DropColumn, *sql.AlterColumnType:
			return sqlerr.New(sqlerr.WrongObjectType, "cannot alter source %s \"%s\"",
				kindWord(rel.Kind), rel.Name).At(s.Pos()).
				WithHint("Drop it and create it anew.")
		}
	}
	return nil
}

// isSource tells whether CREATE SOURCE made a relation.
func isSource(rel *catalog.Relation) bool { return optionOf(rel, "source") == "true" }

// keepsTopic refuses DROP ... DELETE TOPIC of what CREATE SOURCE made.
func (b *builder) keepsTopic(s *sql.Drop) error {
	for _, n := range s.Names {
		if rel := b.find(n); s.DeleteTopic && rel != nil && isSource(rel) {
			return sqlerr.New(sqlerr.WrongObjectType,
				"cannot delete the topic of %s \"%s\", which is read only", kindWord(rel.Kind),
				rel.Name).At(s.Pos()).
				WithHint("It was made by CREATE SOURCE. Leave DELETE TOPIC out.")
		}
	}
	return nil
}

// ksqlTarget gives the columns that n values without a column list are for: in ksqlDB's
// dialect the headers may be left out, wherever they stand, and no other column that
// nothing else gives a value.
func (in *insertion) ksqlTarget(n, pos int) ([]int, error) {
	if n == len(in.target) || in.s.Columns != nil || !isKsql(in.rel) {
		return in.target[:n], nil
	}
	out := slices.DeleteFunc(slices.Clone(in.target), func(o int) bool {
		return in.rel.Columns[o].Generated
	})
	for _, o := range out[min(n, len(out)):] {
		if c := &in.rel.Columns[o]; c.Default == "" && c.Identity == 0 {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"INSERT has values for %d of the %d columns of \"%s\"", n, len(out),
				in.rel.Name).At(pos).WithHint("Name the columns that have values.")
		}
	}
	if n > len(out) {
		out = in.target
	}
	return out[:n], nil
}

// headers makes a column of the headers of a record: rows that come by SQL have none,
// and nothing can be written into it.
func (d *definition) headers(c *sql.ColumnDef, col *catalog.Column) error {
	for _, h := range d.headed {
		if h.Headers || c.Headers || h.Header == c.Header {
			return sqlerr.New(sqlerr.DuplicateColumn, "columns \"%s\" and \"%s\" have the same headers",
				h.Name, c.Name).At(c.Pos()).
				WithHint("Declare one column for HEADERS, or one for each HEADER('name').")
		}
	}
	d.headed = append(d.headed, c)
	want := types.Of(types.Bytea)
	col.Generated, col.Default = true, "NULL"
	if c.Headers {
		pair := types.Type{Kind: types.Record, Fields: []types.Field{
			{Name: "key", Type: types.Of(types.Text)}, {Name: "value", Type: want}}}
		want, col.Default = types.ArrayOf(pair), "'{}'"
	}
	if !headerType(col.Type, want) {
		return sqlerr.New(sqlerr.DatatypeMismatch,
			"column \"%s\" of headers cannot be of type %s", c.Name, col.Type).At(c.Pos()).
			WithHint("HEADERS is an ARRAY<STRUCT<key STRING, value BYTES>>, HEADER('name') is BYTES.")
	}
	return nil
}

// headerType compares the shapes of two types, in which text types are one.
func headerType(t, want types.Type) bool {
	switch want.Kind {
	case types.Array:
		return t.Kind == types.Array && headerType(*t.Elem, *want.Elem)
	case types.Record:
		return len(t.Fields) == 2 && t.Fields[0].Name == "key" && t.Fields[1].Name == "value" &&
			headerType(t.Fields[0].Type, want.Fields[0].Type) &&
			headerType(t.Fields[1].Type, want.Fields[1].Type)
	case types.Text:
		return t.Kind == types.Text || t.Kind == types.Varchar
	}
	return t.Kind == want.Kind
}
