package catalog

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// String gives the kind as messages write it: "stream", "materialized view".
func (k RelationKind) String() string {
	switch k {
	case KindStream:
		return "stream"
	case KindTable:
		return "table"
	case KindView, KindSystem:
		return "view"
	case KindMaterializedView:
		return "materialized view"
	case KindIndex:
		return "index"
	case KindSequence:
		return "sequence"
	}
	return "relation"
}

// article gives "a" or "an" before the kind.
func (k RelationKind) article() string {
	if k == KindIndex {
		return "an"
	}
	return "a"
}

// Reads tells whether the kind can stand in FROM.
func (k RelationKind) Reads() bool { return k != KindIndex && k != 0 }

// Stored tells whether relations of the kind have partitions in the log.
func (k RelationKind) Stored() bool {
	return k == KindStream || k == KindTable || k == KindMaterializedView
}

// QuoteIdent quotes an identifier where PostgreSQL would: everything but lower
// case words.
func QuoteIdent(name string) string {
	plain := name != ""
	for i := range len(name) {
		c := name[i]
		lower := c >= 'a' && c <= 'z' || c == '_'
		if !lower && (i == 0 || (c < '0' || c > '9') && c != '$') {
			plain = false
			break
		}
	}
	if plain && !reservedWords[name] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// reservedWords are the key words that are no identifiers without quotes:
// catcodes R, T and C of PostgreSQL 15's pg_get_keywords(), as its
// quote_identifier has it.
var reservedWords = wordSet(`all analyse analyze and any array as asc asymmetric
	authorization between bigint binary bit boolean both case cast char character check
	coalesce collate collation column concurrently constraint create cross current_catalog
	current_date current_role current_schema current_time current_timestamp current_user
	dec decimal default deferrable desc distinct do else end except exists extract false
	fetch float for foreign freeze from full grant greatest group grouping having ilike in
	initially inner inout int integer intersect interval into is isnull join lateral
	leading least left like limit localtime localtimestamp national natural nchar none
	normalize not notnull null nullif numeric offset on only or order out outer overlaps
	overlay placing position precision primary real references returning right row select
	session_user setof similar smallint some substring symmetric table tablesample then
	time timestamp to trailing treat trim true union unique user using values varchar
	variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists
	xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// written gives a name as a user would have written it: without the default
// schema.
func written(schema, name string) string {
	if schema == "" || schema == PublicSchema {
		return name
	}
	return schema + "." + name
}

// String gives the name without the default schema, unquoted, for messages.
func (n QualifiedName) String() string { return written(n.Schema, n.Name) }

// quoted is written with each part quoted as needed.
func quoted(schema, name string) string {
	if schema == "" || schema == PublicSchema {
		return QuoteIdent(name)
	}
	return QuoteIdent(schema) + "." + QuoteIdent(name)
}

// Title names a relation in details: "materialized view s.v".
func (r *Relation) Title() string { return r.Kind.String() + " " + quoted(r.Schema, r.Name) }

// UndefinedRelation is the error for a relation that is not there, with the
// nearest name as a hint. kind 0 says "relation".
func (s *Snapshot) UndefinedRelation(kind RelationKind, n QualifiedName,
	path []string) *sqlerr.Error {
	code := sqlerr.UndefinedTable
	if kind == KindIndex {
		code = sqlerr.UndefinedObject
	}
	err := sqlerr.New(code, "%s \"%s\" does not exist", kind, n)
	if n.Schema != "" {
		path = []string{n.Schema}
	}
	if like := s.Similar(n.Name, path); like != "" {
		err = err.WithHint("Did you mean \"%s\"?", like)
	}
	return err
}

// WrongKind is the error for a relation of another kind than a statement said,
// with the statement that fits, such as "DROP".
func (r *Relation) WrongKind(want RelationKind, verb string) *sqlerr.Error {
	err := sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not %s %s", r.Name, want.article(), want)
	switch verb {
	case "":
	case "DROP":
		return err.WithHint("Use DROP %s to remove %s %s.",
			strings.ToUpper(r.Kind.String()), r.Kind.article(), r.Kind)
	default:
		return err.WithHint("Use %s %s for %s %s.",
			verb, strings.ToUpper(r.Kind.String()), r.Kind.article(), r.Kind)
	}
	return err
}

// IndexName makes the name that PostgreSQL would give to an index without one:
// table_column_idx, with a number if that is taken; that of a constraint ends in key.
func (s *Snapshot) IndexName(table *Relation, columns []string, suffix string) string {
	return s.FreeName(table.Schema, ObjectName(table.Name, JoinedNames(columns), suffix))
}

// JoinedNames joins the names of the columns of an index or key; the second of two
// equal ones gets a number.
func JoinedNames(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, FreeColumn(out, n))
	}
	return strings.Join(out, "_")
}

// FreeColumn gives name, or the first of name1, name2... that is not taken.
func FreeColumn(taken []string, name string) string {
	free := name
	for k := 1; slices.Contains(taken, free); k++ {
		free = name + itoa(k)
	}
	return free
}

// ObjectName makes table_column_suffix as PostgreSQL's makeObjectName does: the longer
// of the first two names is cut until it fits 63 bytes. column may be empty.
func ObjectName(table, column, suffix string) string {
	room := maxName - len(suffix) - 1
	if column != "" {
		room--
	}
	t, c := len(table), len(column)
	for t+c > room {
		if t > c {
			t--
		} else {
			c--
		}
	}
	name := cut(table, t)
	if column != "" {
		name += "_" + cut(column, c)
	}
	return name + "_" + suffix
}

// maxName is the length of names, PostgreSQL's NAMEDATALEN - 1.
const maxName = 63

// FreeName gives name, or the first of name1, name2... that no relation of the
// schema has. Names are cut to 63 bytes, PostgreSQL's limit.
func (s *Snapshot) FreeName(schema, name string) string {
	free := cut(name, maxName)
	for n := 1; s.byName[schema][free] != nil; n++ {
		suffix := itoa(n)
		free = cut(name, maxName-len(suffix)) + suffix
	}
	return free
}

// cut shortens s to n bytes without cutting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
