package planner

import (
	"fmt"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
)

// sequenceRow reads a sequence as PostgreSQL shows it: a row of what it gave last, or of
// what it begins with.
func (b *builder) sequenceRow(rel *catalog.Relation, t *sql.Table) (*from, error) {
	q, err := parseQuery(fmt.Sprintf(`SELECT COALESCE(v.last, v.next) AS last_value,
		CAST(0 AS bigint) AS log_cnt, v.last IS NOT NULL AS is_called
		FROM (SELECT pg_catalog.pg_sequence_last_value(%[1]d) AS last,
			pg_catalog.sequence_next(%[1]d) AS next) v`, rel.OID))
	if err != nil {
		return nil, err
	}
	bound, err := b.query(q, nil, nil)
	if err != nil {
		return nil, inStored(err, t.Pos())
	}
	f, err := b.named(bound, t.Alias, rel.Name, t.Pos())
	if err != nil {
		return nil, err
	}
	e := f.entries[0]
	if t.Alias.Name == "" {
		e.schema = rel.Schema
	}
	return f, nil
}
