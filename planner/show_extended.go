package planner

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/types"
)

// extendedQueries are the lists of SHOW ... EXTENDED: the columns of SHOW, and what is
// known of each beside them.
var extendedQueries = map[sql.ShowKind]string{
	sql.ShowStreams: `SELECT s.schema, s.name, array_to_string(s.key, ', ') AS key, s.partitions,
		s.query, s.time_column, s.retention, s.rows, ` + readers + `, s.owner, s.comment
		FROM millrace.streams s WHERE $in AND s.$like ORDER BY s.schema, s.name`,
	sql.ShowTables: `SELECT s.schema, s.name, array_to_string(s.key, ', ') AS key, s.partitions,
		s.query, s.rows, ` + readers + `, s.owner, s.comment
		FROM millrace.tables s WHERE $in AND s.$like ORDER BY s.schema, s.name`,
	sql.ShowQueries: `SELECT name, state, target, array_to_string(sources, ', ') AS sources, sql,
		error, on_error, rows_in, rows_out, statement
		FROM millrace.queries WHERE $like ORDER BY name`,
	sql.ShowTopics: `SELECT relation AS name, partition, begin_offset, end_offset, rows,
		segments, min_rowtime, max_rowtime FROM millrace.partitions
		WHERE $in AND relation LIKE $pattern ORDER BY schema, relation, partition`,
}

// readers names the queries that read the relation s.
const readers = `(SELECT string_agg(q.name, ', ' ORDER BY q.name) FROM millrace.queries q
		WHERE s.name = ANY (q.sources)) AS read_by`

// typesText is SHOW TYPES: the types that were created, and what they are.
func (b *builder) typesText(like string) string {
	var rows []string
	for _, t := range b.env.Snapshot.UserTypes() {
		rows = append(rows, "("+sql.QuoteString(t.Schema)+", "+sql.QuoteString(t.Name)+", "+
			sql.QuoteString(typeWord(t))+")")
	}
	if len(rows) == 0 {
		rows, like = []string{"('', '', '')"}, ""
	}
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS t(schema, name, type) " +
		"WHERE name <> '' AND name LIKE " + sql.QuoteString(like) + " ORDER BY 1, 2"
}

// typeWord says what a type is.
func typeWord(t *catalog.UserType) string {
	if t.Labels != nil {
		return "enum"
	}
	base := t.Base
	if base.Row != nil { // a composite type would be called by its own name
		base = types.Type{Kind: types.Struct, Fields: base.Fields}
	}
	return base.String()
}
