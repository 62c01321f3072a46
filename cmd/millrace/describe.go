package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// relationsQuery lists relations of some kinds.
func relationsQuery(where string) string {
	return `SELECT n.nspname AS schema, c.relname AS name,
  CASE WHEN s.oid IS NOT NULL THEN 'stream' WHEN c.relkind = 'r' THEN 'table'
    WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materialized view'
    WHEN c.relkind = 'i' THEN 'index' WHEN c.relkind = 'S' THEN 'sequence' END AS type,
  pg_catalog.pg_get_userbyid(c.relowner) AS owner
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN millrace.streams s ON s.oid = c.oid
WHERE c.relkind IN ('r', 'v', 'm', 'S')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'millrace')` + where + `
ORDER BY 1, 2`
}

// describeQuery gives the statement behind a command of the \d family.
func describeQuery(command, arg string) (string, bool) {
	like := ""
	if arg != "" {
		like = " AND c.relname LIKE " + literal(strings.ReplaceAll(arg, "*", "%"))
	}
	switch strings.TrimSuffix(command, "+") {
	case "d":
		if arg != "" {
			return columnsQuery(arg), true
		}
		return relationsQuery(""), true
	case "dt":
		return relationsQuery(like + " AND c.relkind = 'r' AND s.oid IS NULL"), true
	case "ds":
		return relationsQuery(like + " AND s.oid IS NOT NULL"), true
	case "dv":
		return relationsQuery(like + " AND c.relkind = 'v'"), true
	case "dm":
		return relationsQuery(like + " AND c.relkind = 'm'"), true
	case "dq":
		return `SELECT name, state, target, rows_in, error FROM millrace.queries ORDER BY 1`, true
	case "dn":
		return `SELECT nspname AS name, pg_catalog.pg_get_userbyid(nspowner) AS owner
FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY 1`, true
	case "du":
		return `SELECT rolname AS name, rolsuper AS superuser, rolcanlogin AS login
FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`, true
	case "df":
		return `SELECT n.nspname AS schema, p.proname AS name,
  pg_catalog.pg_get_function_result(p.oid) AS result,
  pg_catalog.pg_get_function_arguments(p.oid) AS arguments
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 4`, true
	case "l":
		return `SELECT datname AS name, pg_catalog.pg_get_userbyid(datdba) AS owner,
  pg_catalog.pg_encoding_to_char(encoding) AS encoding
FROM pg_catalog.pg_database ORDER BY 1`, true
	}
	return "", false
}

func columnsQuery(relation string) string {
	return `SELECT a.attname AS column, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS nullable,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ` + literal(relation) + `::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`
}

// literal quotes a text for SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// describe shows the answer of a \d command, and for one relation what it is made
// of.
func (s *shell) describe(ctx context.Context, command, arg, query string) error {
	p := client.NewPrinter(s.out, s.format, false)
	if err := s.conn.Stream(ctx, query, p.Handler(func(string) {})); err != nil {
		return err
	}
	if strings.TrimSuffix(command, "+") != "d" || arg == "" {
		return nil
	}
	r, err := s.conn.Query(ctx, `SELECT pg_catalog.pg_get_viewdef(c.oid, true) AS definition
FROM pg_catalog.pg_class c WHERE c.oid = `+literal(arg)+`::regclass AND c.relkind IN ('v', 'm')`)
	if err != nil {
		return err
	}
	if len(r.Rows) == 1 && r.Rows[0][0] != nil {
		fmt.Fprintf(s.out, "Definition:\n%s\n\n", *r.Rows[0][0])
	}
	return nil
}
