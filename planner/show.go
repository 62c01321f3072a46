package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// show plans SHOW, LIST, DESCRIBE and PRINT as a SELECT over the system views.
func (b *builder) show(stmt sql.Statement) (*plan.Plan, error) {
	text, err := b.showText(stmt)
	if err != nil {
		return nil, err
	}
	st, err := parse.ParseOne(text)
	if err != nil {
		return nil, fmt.Errorf("show: %s: %w", text, err)
	}
	sel, ok := st.(*sql.SelectStmt)
	if !ok {
		return nil, sqlerr.New(sqlerr.InternalError, "show: %s is no query", text)
	}
	p, err := b.selectStatement(sel.Query)
	if err != nil {
		return nil, err
	}
	p.Tag = "SHOW"
	return p, nil
}

func (b *builder) showText(stmt sql.Statement) (string, error) {
	switch s := stmt.(type) {
	case *sql.ShowObjects:
		return b.showObjects(s)
	case *sql.Describe:
		return b.describeText(s)
	case *sql.ShowCreate:
		rel, err := b.relation(s.Name, s.Pos())
		if err != nil {
			return "", err
		}
		return "SELECT " + sql.QuoteString(rel.Name) + " AS name, " +
			sql.QuoteString(b.createText(rel)) + " AS statement", nil
	case *sql.PrintStream:
		return b.printText(s)
	}
	return "", sqlerr.New(sqlerr.InternalError, "unexpected statement %T", stmt)
}

// showQueries are the lists of SHOW. $in is the condition on the schema, $like
// that of LIKE on the column name.
var showQueries = map[sql.ShowKind]string{
	sql.ShowStreams: `SELECT schema, name, array_to_string(key, ', ') AS key, partitions,
		query FROM millrace.streams WHERE $in AND $like ORDER BY schema, name`,
	sql.ShowTables: `SELECT schema, name, array_to_string(key, ', ') AS key, partitions,
		query FROM millrace.tables WHERE $in AND $like ORDER BY schema, name`,
	sql.ShowViews: `SELECT schema, name, materialized, definition FROM millrace.views
		WHERE NOT materialized AND $in AND $like ORDER BY schema, name`,
	sql.ShowMaterializedViews: `SELECT schema, name, array_to_string(key, ', ') AS key, state,
		query FROM millrace.views WHERE materialized AND $in AND $like ORDER BY schema, name`,
	sql.ShowQueries: `SELECT name, state, target, array_to_string(sources, ', ') AS sources, sql
		FROM millrace.queries WHERE $like ORDER BY name`,
	sql.ShowTopics: `SELECT relation AS name, count(*)::int4 AS partitions,
		sum(rows)::int8 AS rows, sum(bytes)::int8 AS bytes FROM millrace.partitions
		WHERE $in AND relation LIKE $pattern GROUP BY schema, relation ORDER BY schema, relation`,
	sql.ShowFunctions: `SELECT DISTINCT p.proname AS name, CASE p.prokind WHEN 'a' THEN
		'aggregate' WHEN 'w' THEN 'window' ELSE 'scalar' END AS kind FROM pg_catalog.pg_proc p
		WHERE p.proname LIKE $pattern ORDER BY 1`,
	sql.ShowProperties: `SELECT name, value, default_value, description FROM millrace.settings
		WHERE $like ORDER BY name`,
	sql.ShowSchemas: `SELECT nspname AS name FROM pg_catalog.pg_namespace
		WHERE nspname LIKE $pattern ORDER BY 1`,
	sql.ShowDatabases: `SELECT datname AS name FROM pg_catalog.pg_database
		WHERE datname LIKE $pattern ORDER BY 1`,
	sql.ShowRoles: `SELECT rolname AS name, rolsuper AS superuser, rolcanlogin AS login
		FROM pg_catalog.pg_roles WHERE rolname LIKE $pattern ORDER BY 1`,
	sql.ShowSequences: `SELECT schemaname AS schema, sequencename AS name, last_value
		FROM pg_catalog.pg_sequences WHERE sequencename LIKE $pattern ORDER BY 1, 2`,
	sql.ShowSessions: `SELECT pid, user_name, application_name, state, statement
		FROM millrace.sessions ORDER BY pid`,
	sql.ShowNodes: `SELECT node, role, sql_address, http_address, cluster_address, version
		FROM millrace.nodes ORDER BY node`,
	sql.ShowPartitions: `SELECT schema, relation, partition, begin_offset, end_offset, rows, bytes
		FROM millrace.partitions WHERE $in AND relation LIKE $pattern
		ORDER BY schema, relation, partition`,
	sql.ShowIndexes: `SELECT schemaname AS schema, indexname AS name, tablename AS relation,
		indexdef AS definition FROM pg_catalog.pg_indexes
		WHERE indexname LIKE $pattern ORDER BY 1, 2`,
	sql.ShowCursors: `SELECT name, statement, is_holdable FROM pg_catalog.pg_cursors ORDER BY 1`,
}

func (b *builder) showObjects(s *sql.ShowObjects) (string, error) {
	if s.Kind == sql.ShowColumns {
		return b.describeText(&sql.Describe{Extent: s.Extent, NamePos: sql.NoLoc, Name: s.In})
	}
	q, ok := showQueries[s.Kind]
	if more, has := extendedQueries[s.Kind]; has && s.Extended {
		q = more
	}
	if !ok {
		switch s.Kind {
		case sql.ShowTypes:
			return b.typesText(orElse(s.Like, "%")), nil
		case sql.ShowConnectors, sql.ShowConnectorPlugins:
			return "", sqlerr.Unsupported("SHOW "+s.Kind.String(),
				noConnectors)
		}
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "SHOW %s cannot be planned", s.Kind).
			WithHint("Send it as a statement of its own.")
	}
	pattern := sql.QuoteString(orElse(s.Like, "%"))
	in := "true"
	if len(s.In) > 0 {
		if rel := b.find(s.In); rel != nil && s.Kind == sql.ShowPartitions {
			in = "relation = " + sql.QuoteString(rel.Name)
		} else {
			in = "schema = " + sql.QuoteString(s.In.Last())
		}
	}
	q = strings.ReplaceAll(q, "$like", "name LIKE "+pattern)
	q = strings.ReplaceAll(q, "$pattern", pattern)
	return strings.ReplaceAll(q, "$in", in), nil
}

// noConnectors is the hint about connectors.
const noConnectors = "There are no connectors: write rows with INSERT, COPY or over HTTP."

// formFunctions look like functions and are a part of the language.
var formFunctions = []string{"cast", "coalesce", "greatest", "least", "nullif"}

// isFunction tells whether there is a function of a name.
func (b *builder) isFunction(name sql.Name) bool {
	last := name.Last()
	if contains(formFunctions, last) || expr.IsAggregate(last) || slices.ContainsFunc(expr.Funcs(),
		func(f *expr.Func) bool { return f.Name == last }) {
		return true
	}
	schemas := b.path
	if s := name.Schema(); s != "" {
		schemas = []string{s}
	}
	for _, s := range schemas {
		if len(b.env.Snapshot.Functions(s, name.Last())) > 0 {
			return true
		}
	}
	return false
}

// describeText describes a relation: a row per column, or with EXTENDED all that is
// known of it.
func (b *builder) describeText(s *sql.Describe) (string, error) {
	switch s.Kind {
	case sql.ObjConnector:
		return "", sqlerr.Unsupported("DESCRIBE CONNECTOR", noConnectors).At(s.Pos())
	case sql.ObjFunction:
		if !b.isFunction(s.Name) {
			return "", sqlerr.New(sqlerr.UndefinedFunction, "function \"%s\" does not exist",
				s.Name.Last()).At(s.NamePos.Pos()).WithHint("SHOW FUNCTIONS lists the functions.")
		}
		return `SELECT proname AS name, pg_catalog.pg_get_function_arguments(oid) AS arguments,
			pg_catalog.pg_get_function_result(oid) AS result,
			pg_catalog.obj_description(oid, 'pg_proc') AS description FROM pg_catalog.pg_proc
			WHERE proname = ` + sql.QuoteString(s.Name.Last()), nil
	}
	word := "relation"
	if s.Kind == sql.ObjStream || s.Kind == sql.ObjTable {
		word = objectWord(s.Kind)
	}
	rel, err := b.relationOf(s.Name, s.NamePos.Pos(), word)
	if err != nil {
		return "", err
	}
	if s.Extended {
		return b.extendedText(rel), nil
	}
	var rows []string
	for _, o := range rel.Visible() {
		rows = append(rows, describeColumn(rel, o))
	}
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") +
		") AS c(column_name, type, key, nullable, \"default\", comment)", nil
}

func describeColumn(rel *catalog.Relation, o int) string {
	c := &rel.Columns[o]
	key := ""
	if containsInt(rel.Key, o) {
		if key = "KEY"; rel.Kind == catalog.KindTable {
			key = "PRIMARY KEY"
		}
	}
	def := c.Default
	if c.Generated {
		def = "GENERATED ALWAYS AS (" + c.Default + ") STORED"
	}
	nullable := "yes"
	if c.NotNull {
		nullable = "no"
	}
	vals := []string{c.Name, c.Type.String(), key, nullable, def, c.Comment}
	for i := range vals {
		if vals[i] = sql.QuoteString(vals[i]); vals[i] == "''" && i > 1 {
			vals[i] = "NULL::text"
		}
	}
	return "(" + strings.Join(vals, ", ") + ")"
}

// extendedText lists properties as name and value.
func (b *builder) extendedText(rel *catalog.Relation) string {
	var rows []string
	add := func(name, value string) {
		rows = append(rows, "("+sql.QuoteString(name)+", "+sql.QuoteString(value)+")")
	}
	add("name", rel.Schema+"."+rel.Name)
	add("kind", kindWord(rel.Kind))
	var key []string
	for _, k := range rel.Key {
		if !rel.Columns[k].Hidden {
			key = append(key, rel.Columns[k].Name)
		}
	}
	add("key", strings.Join(key, ", "))
	for _, o := range rel.Visible() {
		add("column "+rel.Columns[o].Name, rel.Columns[o].Type.String())
	}
	if rel.Kind.Stored() {
		add("partitions", sprintf("%d", rel.Partitions))
		add("append only", sprintf("%t", rel.AppendOnly))
	}
	if rel.TimeColumn >= 0 {
		add("event time", rel.Columns[rel.TimeColumn].Name)
	}
	if rel.Watermark != "" {
		add("watermark", rel.Watermark)
	}
	for _, o := range rel.Options {
		add("option "+o.Name, o.Value)
	}
	for _, q := range b.env.Snapshot.QueriesInto(rel.OID) {
		add("written by "+q.Name, q.SQL)
	}
	for _, q := range b.env.Snapshot.QueriesFrom(rel.OID) {
		add("read by "+q.Name, q.SQL)
	}
	add("statement", b.createText(rel))
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS d(property, value)"
}

// printText is PRINT: the log of a relation.
func (b *builder) printText(s *sql.PrintStream) (string, error) {
	rel := b.topic(s.Name)
	if rel == nil {
		var err error
		if rel, err = b.relation(s.Name, s.NamePos.Pos()); err != nil {
			return "", err
		}
	}
	if !rel.Kind.Stored() {
		return "", sqlerr.New(sqlerr.WrongObjectType, "%s \"%s\" has no log", kindWord(rel.Kind),
			rel.Name).At(s.NamePos.Pos()).WithHint("Name a stream, a table or a materialized view.")
	}
	name := sql.QuoteIdent(rel.Schema) + "." + sql.QuoteIdent(rel.Name)
	q := "SELECT rowtime, part, off, op, key, value FROM millrace.changelog(" +
		sql.QuoteString(name) + ")"
	if s.Interval > 1 {
		q += sprintf(" WHERE off %% %d = 0", s.Interval)
	}
	q += " ORDER BY epoch, part, off"
	if s.Limit >= 0 {
		q += sprintf(" LIMIT %d", s.Limit)
	}
	return q, nil
}

// createText writes the statement that makes a relation.
func (b *builder) createText(rel *catalog.Relation) string {
	name := sql.QuoteIdent(rel.Name)
	if rel.Schema != catalog.PublicSchema {
		name = sql.QuoteIdent(rel.Schema) + "." + name
	}
	head := "CREATE " + strings.ToUpper(kindWord(rel.Kind)) + " " + name
	options := createOptions(rel)
	if rel.Definition != "" {
		return head + options + " AS " + rel.Definition
	}
	var parts []string
	for _, o := range rel.Visible() {
		parts = append(parts, columnText(rel, o))
	}
	if rel.Kind == catalog.KindTable && isKeyed(rel) {
		var key []string
		for _, k := range rel.Key {
			key = append(key, sql.QuoteIdent(rel.Columns[k].Name))
		}
		parts = append(parts, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
	}
	for _, c := range rel.Checks {
		parts = append(parts, "CONSTRAINT "+sql.QuoteIdent(c.Name)+" CHECK ("+c.Expr+")")
	}
	if rel.Watermark != "" {
		parts = append(parts, "WATERMARK FOR "+sql.QuoteIdent(rel.Columns[rel.TimeColumn].Name)+
			" AS "+rel.Watermark)
	}
	return head + " (" + strings.Join(parts, ", ") + ")" + options
}

func columnText(rel *catalog.Relation, o int) string {
	c := &rel.Columns[o]
	s := sql.QuoteIdent(c.Name) + " " + c.Type.String()
	if rel.Kind == catalog.KindStream && containsInt(rel.Key, o) {
		s += " KEY"
	}
	switch {
	case c.Generated:
		s += " GENERATED ALWAYS AS (" + c.Default + ") STORED"
	case c.Identity == 'a':
		s += " GENERATED ALWAYS AS IDENTITY"
	case c.Identity == 'd':
		s += " GENERATED BY DEFAULT AS IDENTITY"
	case c.Default != "":
		s += " DEFAULT " + c.Default
	}
	if c.NotNull && !(rel.Kind == catalog.KindTable && containsInt(rel.Key, o)) {
		s += " NOT NULL"
	}
	return s
}

func createOptions(rel *catalog.Relation) string {
	if len(rel.Options) == 0 {
		return ""
	}
	var parts []string
	for _, o := range rel.Options {
		parts = append(parts, sql.QuoteIdent(o.Name)+" = "+sql.QuoteString(o.Value))
	}
	return " WITH (" + strings.Join(parts, ", ") + ")"
}
