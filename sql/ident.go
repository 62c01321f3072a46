package sql

import "strings"

// quotedWords are the words that Print puts in quotes when they are names: all that
// PostgreSQL does not list as "non-reserved"
// (https://www.postgresql.org/docs/15/sql-keywords-appendix.html), and those with a meaning
// in Millrace's own clauses.
var quotedWords = wordSet(`
all analyse analyze and any array as asc asymmetric both case cast check collate column
constraint create current_catalog current_date current_role current_time current_timestamp
current_user default deferrable desc distinct do else end except false fetch for foreign from
grant group having in initially intersect into lateral leading limit localtime localtimestamp
not null offset on only or order placing primary references returning select session_user some
symmetric table then to trailing true union unique user using variadic when where window with

authorization binary collation concurrently cross current_schema freeze full ilike inner is
isnull join left like natural notnull outer overlaps right similar tablesample verbose

between bigint bit boolean char character coalesce dec decimal exists extract float greatest
grouping inout int integer interval least national nchar none normalize nullif numeric out
overlay position precision real row setof smallint substring time timestamp treat trim values
varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
xmlroot xmlserialize xmltable

emit filter groups map of over partition qualify range rows struct within without
`)

// statementWords are words that SHOW, SET, DESCRIBE, EXPLAIN and their like look for where a
// name may stand too.
var statementWords = wordSet(`
all create extended materialized source sink connector connectors
streams tables views queries topics functions types variables properties schemas databases
columns indexes roles users sequences sessions nodes partitions cursors
stream table view index schema type domain sequence function procedure routine aggregate role
user group database extension column constraint query topic language trigger publication
collation tablespace
names time transaction session local constraints authorization

abort alter analyse analyze assert begin call checkpoint close comment commit copy deallocate
declare define delete desc describe discard do drop end execute explain fetch flush grant
insert list listen lock move notify pause prepare print refresh reindex release reset resume
revoke rollback run savepoint select set show start terminate truncate undefine unlisten unset
update vacuum values verbose with concurrently system
`)

func wordSet(text string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

// QuoteIdent returns a name as it must be written in SQL: in double quotes unless it is a
// word in lower case that no clause gives a meaning to.
func QuoteIdent(name string) string {
	if isPlainIdent(name) && !quotedWords[name] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// QuoteString returns a text as a string literal.
func QuoteString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// String returns the name as it must be written in SQL.
func (n Name) String() string {
	var p printer
	p.name(n)
	return string(p.b)
}

func isPlainIdent(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c == '_':
		case c >= '0' && c <= '9', c == '$':
			if i == 0 {
				return false
			}
		default:
			return false
		}
	}
	return s != ""
}
