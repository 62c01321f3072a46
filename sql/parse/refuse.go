package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
)

// refusedVerbs are statements that PostgreSQL or a neighbour knows and Millrace does not, with
// the way out.
var refusedVerbs = map[keyword]string{
	kwCluster:   "Tables are kept in key order already.",
	kwImport:    "Create the tables with CREATE TABLE.",
	kwLoad:      "Extensions cannot be loaded.",
	kwSecurity:  "Use GRANT and REVOKE.",
	kwSubscribe: "Use SELECT ... EMIT CHANGES.",
}

// refusedVerb reports whether what begins with a word of refusedVerbs is the statement of
// that name.
func (p *parser) refusedVerb(t *token) bool {
	switch n := p.peek(1); {
	case t.kind != kindIdent:
		return false
	case t.kw == kwSubscribe:
		return n.kind == kindIdent || n.kind == kindQIdent || n.isPunct('(')
	case t.kw == kwLoad:
		return n.kind == kindStr
	case t.kw == kwCluster:
		return n.kind == kindEOF || n.isPunct(';') || n.isPunct('(') || n.isName()
	default:
		return n.kind == kindIdent
	}
}

// shellCommands are commands of ksqlDB's shell, which are no statements, with what there is
// instead.
var shellCommands = map[string]string{
	"spool":   "Write what is shown into a file with \\o FILE of psql.",
	"output":  "Choose the form with \\pset format of psql, or with -o of millrace sql.",
	"server":  "Start the shell with the URL of the server.",
	"history": "The shell keeps its history; psql shows it with \\s.",
	"request": "Each statement is answered before the next one begins.",
	"version": "Use SELECT version().",
	"clear":   "Use \\! clear of psql.",
	"exit":    "Leave the shell with \\q.",
	"quit":    "Leave the shell with \\q.",
	"help":    "Use \\? and \\h of psql, or SHOW FUNCTIONS.",
}

// shellCommand refuses a command of ksqlDB's shell.
func (p *parser) shellCommand(t *token) {
	n := p.peek(1)
	if t.kind != kindIdent || n.kind != kindEOF && n.kind != kindStr && n.kind != kindIdent &&
		!n.isPunct(';') {
		return
	}
	word := p.text(t)
	if hint, ok := shellCommands[foldName(word)]; ok {
		p.unsupported(p.loc(), strings.ToUpper(word), hint)
	}
}

// refusedKinds are kinds of objects that cannot be created here.
var refusedKinds = map[sql.ObjectKind]string{
	sql.ObjConnector:   "Write to a stream over the PostgreSQL protocol, COPY or HTTP.",
	sql.ObjTrigger:     "Use a continuous query: CREATE STREAM ... AS SELECT.",
	sql.ObjPublication: "Read changes with SELECT ... EMIT CHANGES.",
	sql.ObjAggregate:   "Use the built-in aggregates or a SQL function over array_agg.",
	sql.ObjLanguage:    "Functions are written in SQL.",
	sql.ObjCollation:   "Text is compared by code point, collation \"C\".",
	sql.ObjTablespace:  "All data is below the directory that --data names.",
	sql.ObjTopic:       "A stream keeps its own log; use CREATE STREAM.",
}

// refuseKind gives up on a kind that cannot be made, changed or dropped.
func (p *parser) refuseKind(at sql.Loc, verb string, k sql.ObjectKind) {
	if hint, ok := refusedKinds[k]; ok {
		p.unsupported(at, verb+" "+k.String(), hint)
	}
}

// refuseWords gives up on verbs with objects that have no kind here at all.
func (p *parser) refuseWords(at sql.Loc, verb string) {
	for _, r := range refusedObjects {
		if p.oneOf(r.phrase) == 0 {
			p.unsupported(at, verb+" "+r.what, r.hint)
		}
	}
}

// refusedObjects are the objects of PostgreSQL and its neighbours that are not here, longest
// phrase first where one begins another.
var refusedObjects = []struct{ phrase, what, hint string }{
	{"user mapping", "USER MAPPING", "Foreign data is not read in place; load it with COPY."},
	{"constraint trigger", "CONSTRAINT TRIGGER", refusedKinds[sql.ObjTrigger]},
	{"procedural language", "LANGUAGE", refusedKinds[sql.ObjLanguage]},
	{"trusted", "LANGUAGE", refusedKinds[sql.ObjLanguage]},
	{"default conversion", "CONVERSION", "All text is UTF-8."},
	{"large object", "LARGE OBJECT", "Store bytes in a column of type bytea."},
	{"all in tablespace", "ALL IN TABLESPACE", refusedKinds[sql.ObjTablespace]},
	{"source connector", "SOURCE CONNECTOR", refusedKinds[sql.ObjConnector]},
	{"sink connector", "SINK CONNECTOR", refusedKinds[sql.ObjConnector]},
	{"source", "SOURCE", "Use CREATE STREAM and write to it with COPY or INSERT."},
	{"sink", "SINK", "Read changes with SELECT ... EMIT CHANGES."},
	{"rule", "RULE", "Use a view or a continuous query."},
	{"event trigger", "EVENT TRIGGER", "There is no replacement."},
	{"policy", "POLICY", "Grant access to a view that filters the rows."},
	{"statistics", "STATISTICS", "The planner keeps its own statistics."},
	{"subscription", "SUBSCRIPTION", "Read changes with SELECT ... EMIT CHANGES."},
	{"server", "SERVER", "Foreign data is not read in place; load it with COPY."},
	{"foreign data wrapper", "FOREIGN DATA WRAPPER",
		"Foreign data is not read in place; load it with COPY."},
	{"foreign", "FOREIGN TABLE", "Foreign data is not read in place; load it with COPY."},
	{"operator", "OPERATOR", "Write a SQL function."},
	{"cast", "CAST", "Write a SQL function."},
	{"text search", "TEXT SEARCH", "Use LIKE or regular expressions."},
	{"access method", "ACCESS METHOD", "There is no replacement."},
	{"transform", "TRANSFORM", "Functions are written in SQL."},
	{"conversion", "CONVERSION", "All text is UTF-8."},
	{"default privileges", "DEFAULT PRIVILEGES", "Use GRANT on each object."},
}

// refuseGrant gives up on objects of GRANT and REVOKE that are not here. Their words are names
// of tables too.
func (p *parser) refuseGrant(at sql.Loc) {
	switch p.oneOf("foreign data wrapper", "foreign server", "large object") {
	case 0, 1:
		p.unsupported(at, "GRANT ON FOREIGN", "Foreign data is not read in place.")
	case 2:
		p.unsupported(at, "GRANT ON LARGE OBJECT", "Store bytes in a column of type bytea.")
	}
	if n := p.peek(1); p.wordAt(0, "parameter") && n.isName() && n.kw != kwTo && n.kw != kwFrom {
		p.unsupported(at, "GRANT ON PARAMETER", "Every role may change settings.")
	}
}

// refuseAction gives up on the actions of ALTER TABLE that PostgreSQL has beside ours.
func (p *parser) refuseAction(at sql.Loc, kind sql.ObjectKind) {
	for _, r := range refusedActions {
		if p.oneOf(r.phrase) == 0 {
			p.unsupported(at, "ALTER "+kind.String()+" ... "+r.what, r.hint)
		}
	}
}

var refusedActions = []struct{ phrase, what, hint string }{
	{"of", "OF", "Columns do not follow a type; add and drop them with ALTER TABLE."},
	{"not of", "NOT OF", "Columns do not follow a type."},
	{"depends on extension", "DEPENDS ON EXTENSION", "Extensions are built in."},
	{"no depends on extension", "NO DEPENDS ON EXTENSION", "Extensions are built in."},
	{"enable", "ENABLE", "There are no triggers, rules and policies: use continuous queries, " +
		"and GRANT on a view that filters the rows."},
	{"disable", "DISABLE", "There are no triggers, rules and policies."},
	{"force", "FORCE ROW LEVEL SECURITY", "Use GRANT on a view that filters the rows."},
	{"no force", "NO FORCE ROW LEVEL SECURITY", "There are no policies."},
	{"inherit", "INHERIT", "Use a view with UNION ALL."},
	{"no inherit", "NO INHERIT", "There is no inheritance."},
	{"attach partition", "ATTACH PARTITION", "Use a view with UNION ALL."},
	{"detach partition", "DETACH PARTITION", "There are no tables in tables."},
	{"replica identity", "REPLICA IDENTITY", "Changes are read with SELECT ... EMIT CHANGES."},
}

// refuseCall gives up on calls with a grammar of their own that PostgreSQL has and Millrace
// has not.
func (p *parser) refuseCall(t *token) {
	if t.kind != kindIdent || !p.peek(1).isPunct('(') {
		return
	}
	if c := p.src[t.start] | 0x20; c != 'x' && c != 'j' {
		return
	}
	switch foldName(p.text(t)) {
	case "xmlelement", "xmlforest", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
		"xmlexists", "xmlconcat", "xmlattributes":
		p.unsupported(p.loc(), "XML", "Store documents as text or jsonb.")
	case "json_object", "json_array", "json_objectagg", "json_arrayagg":
		if p.jsonSyntaxAhead() {
			p.unsupported(p.loc(), "the SQL/JSON syntax of "+foldName(p.text(t)),
				"Use jsonb_build_object, jsonb_build_array, jsonb_object_agg or jsonb_agg.")
		}
	}
}

// jsonSyntaxAhead reports whether the call at the cursor has words of SQL/JSON between its
// brackets: VALUE, ABSENT ON NULL and their like, or key : value.
func (p *parser) jsonSyntaxAhead() bool {
	for i := p.i + 2; i < int(p.peek(1).match); i++ {
		t := &p.toks[i]
		switch {
		case t.isPunct('('), t.isPunct('['):
			i = max(i, int(t.match))
		case t.isPunct(':'):
			return true
		case t.kind == kindIdent:
			switch foldName(p.text(t)) {
			case "value", "absent", "returning", "format":
				return p.toks[i-1].kind != kindPunct
			}
		}
	}
	return false
}

// refuseAfterAlias gives up on what other systems write behind a table in FROM.
func (p *parser) refuseAfterAlias() {
	if p.is(kwFor) && p.peek(1).kw == kwSystemTime {
		p.unsupported(p.loc(), "FOR SYSTEM_TIME after an alias",
			"Write the alias last: name FOR SYSTEM_TIME AS OF time AS alias.")
	}
	if !p.wordAt(0, "asof") {
		return
	}
	switch p.peek(1).kw {
	case kwJoin, kwInner, kwLeft:
		p.unsupported(p.loc(), "ASOF JOIN", "Use LEFT JOIN LATERAL (SELECT * FROM other "+
			"WHERE key = ... AND time <= ... ORDER BY time DESC LIMIT 1) AS alias ON true.")
	}
}
