package parse

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	pg "github.com/sqlc-dev/oliphant/parser"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// Floors of the comparison with PostgreSQL's grammar: so many statements must have been
// compared. All that were compared must have the same tree.
const (
	minOwnTrees    = 3000
	minClientTrees = 397
)

// knownTrees are statements of the corpus that PostgreSQL reads otherwise, on purpose.
var knownTrees = map[string]string{
	"SELECT interval '5' MINUTES": "ksqlDB's plural units are fields of the interval, not a name",
	"SELECT TREAT(a AS b)":        "a cast; PostgreSQL calls the function of that name",
}

// TestTreeIsPostgres prints the tree of every statement of the text corpora and reads both
// texts with PostgreSQL's grammar. Statements that PostgreSQL's grammar refuses, ksqlDB's for
// one, are not compared.
func TestTreeIsPostgres(t *testing.T) {
	c := treeComparison{t: t, known: map[string]bool{}}
	for _, text := range droppedTexts(t) {
		c.known[text] = true
	}
	for _, text := range corpusTexts(t) {
		c.compare(text)
	}
	c.report(minOwnTrees)
}

// TestClientTreesArePostgres does the same for the statements of PostgreSQL's clients that
// the conformance kit has recorded, where it is beside the checkout.
func TestClientTreesArePostgres(t *testing.T) {
	c := treeComparison{t: t}
	for _, text := range clientTexts(t) {
		c.compare(text)
	}
	c.report(minClientTrees)
}

// treeComparison counts what became of the statements.
type treeComparison struct {
	t                              *testing.T
	seen                           map[string]bool
	known                          map[string]bool // differ from PostgreSQL's on purpose
	same, queries, differ, purpose int
	notPostgres, refused, mistaken int
}

func (c *treeComparison) report(floor int) {
	c.t.Helper()
	c.t.Logf("%d statements compared (%d of them queries): %d trees are PostgreSQL's, %d are not, "+
		"%d differ on purpose; %d more are only Millrace's, %d are refused on purpose", c.same+c.differ+
		c.purpose, c.queries, c.same, c.differ, c.purpose, c.notPostgres, c.refused)
	if c.differ > 0 || c.mistaken > 0 {
		c.t.Errorf("%d trees differ from PostgreSQL's, %d statements have a syntax error only here",
			c.differ, c.mistaken)
	}
	if c.same < floor {
		c.t.Errorf("only %d statements were compared, want %d", c.same, floor)
	}
}

// compare takes a text apart into statements as PostgreSQL does.
func (c *treeComparison) compare(text string) {
	parts, err := pg.SplitWithScanner(text, true)
	if err != nil {
		parts = []string{text}
	}
	for _, one := range parts {
		if c.seen == nil {
			c.seen = map[string]bool{}
		}
		if !c.seen[one] {
			c.seen[one] = true
			c.compareOne(one)
		}
	}
}

func (c *treeComparison) compareOne(text string) {
	c.t.Helper()
	want, pgErr := postgresTree(text)
	list, err := Parse(text)
	switch {
	case pgErr != nil:
		if err == nil {
			c.notPostgres++
		}
		return
	case err != nil:
		c.refuse(text, err)
		return
	}
	var printed []string
	for _, s := range list {
		printed = append(printed, sql.Print(s))
	}
	again := strings.Join(printed, "; ")
	got, pgErr := postgresTree(again)
	switch {
	case pgErr == nil && reflect.DeepEqual(got, want):
		c.same++
		if len(list) == 1 {
			if _, ok := list[0].(*sql.SelectStmt); ok {
				c.queries++
			}
		}
	case c.known[text] || knownTrees[text] != "":
		c.purpose++
	case pgErr != nil:
		c.differ++
		c.t.Logf("%s\nprinted %s\nwhich PostgreSQL refuses: %v", text, again, pgErr)
	default:
		c.differ++
		a, b := firstDifference(want, got)
		c.t.Logf("%s\nprinted %s\nPostgreSQL %s\nMillrace   %s", text, again, a, b)
	}
}

// refuse judges an error where PostgreSQL's grammar has none: PostgreSQL may raise it later,
// or Millrace does not have the statement and says so. A bare syntax error is a fault.
func (c *treeComparison) refuse(text string, err error) {
	c.t.Helper()
	var e *sqlerr.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Message, "syntax error") &&
		!pgLaterErrors[text] {
		c.mistaken++
		c.t.Logf("%s\nis a statement of PostgreSQL's, but %s", text, shortError(err))
		return
	}
	c.refused++
}

// pgLaterErrors are statements that PostgreSQL's grammar takes and its analysis refuses.
var pgLaterErrors = map[string]bool{
	"SELECT 1 INTO a UNION SELECT 2 INTO b":                     true,
	"EXPLAIN (FORMAT) SELECT 1":                                 true,
	"GRANT ALL TO u":                                            true, // of the oracle, not of PostgreSQL 15
	"SELECT amount IS JSON, buyer IS NFC NORMALIZED FROM trade": true, // PostgreSQL 16
}

// postgresTree reads text with PostgreSQL's grammar and brings the tree into a form where
// only what PostgreSQL's own analysis looks at is left.
func postgresTree(text string) (any, error) {
	out, err := pg.ParseToJSON(text)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return nil, err
	}
	return normalTree("", v), nil
}

// normalTree drops positions and spellings. kind is the node's type, or the name of the list.
func normalTree(kind string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if isPosition(k) {
				delete(v, k)
			} else {
				v[k] = normalTree(k, x)
			}
		}
		return normalNode(kind, v)
	case []any:
		for i := range v {
			v[i] = normalTree(kind, v[i])
		}
	}
	return v
}

func isPosition(field string) bool {
	return field == "location" || field == "stmt_len" || field == "jumble_args" ||
		strings.HasSuffix(field, "_location") || strings.HasSuffix(field, "list_start") ||
		strings.HasSuffix(field, "list_end")
}

// normalNode undoes differences of spelling that a tree of PostgreSQL keeps for printing
// only, or that its analysis takes away at once.
func normalNode(kind string, v map[string]any) map[string]any {
	switch kind {
	case "SortBy": // ASC is the default
		if v["sortby_dir"] == "SORTBY_ASC" {
			v["sortby_dir"] = "SORTBY_DEFAULT"
		}
	case "TypeName", "typeName", "returnType": // DOUBLE PRECISION is pg_catalog.float8
		v["names"] = withoutCatalog(v["names"])
	case "FuncCall": // TRIM(a) is pg_catalog.btrim(a)
		if v["funcformat"] == "COERCE_SQL_SYNTAX" {
			v["funcname"] = withoutCatalog(v["funcname"])
		}
		delete(v, "funcformat")
	case "RowExpr": // ROW(a, b) is (a, b)
		delete(v, "row_format")
	case "A_Indirection": // ((a).b).c is (a).b.c
		flattenFields(v)
	case "ColumnDef":
		sortNodes(v["constraints"])
	case "CreateSeqStmt", "AlterSeqStmt", "Constraint", "CreateFunctionStmt":
		sortNodes(v["options"])
	case "CreateStmt": // (PRIMARY KEY (a), b WITH OPTIONS NOT NULL): constraints stand behind columns
		if v["ofTypename"] != nil {
			sortNodes(v["tableElts"])
		}
	case "AlterTableCmd": // options of an identity column, in any order
		if list, ok := v["def"].(map[string]any); ok && v["subtype"] == "AT_SetIdentity" {
			if l, ok := list["List"].(map[string]any); ok {
				sortNodes(l["items"])
			}
		}
	case "CopyStmt": // HEADER is HEADER true
		dropTrue(v["options"])
	case "ExplainStmt":
		v["options"] = explainOptions(v["options"])
	case "RangeFunction": // ROWS FROM (f()) is f()
		delete(v, "is_rowsfrom")
	case "stmt":
		return selectInto(v)
	}
	return v
}

// withoutCatalog drops pg_catalog, which is searched first, from the front of a name.
func withoutCatalog(name any) any {
	if list, ok := name.([]any); ok && len(list) == 2 && stringOf(list[0]) == "pg_catalog" {
		return list[1:]
	}
	return name
}

func stringOf(node any) any { return path(node, "String", "sval") }

// path follows fields down a tree.
func path(v any, fields ...string) any {
	for _, f := range fields {
		m, _ := v.(map[string]any)
		v = m[f]
	}
	return v
}

func flattenFields(v map[string]any) {
	inner, ok := path(v["arg"], "A_Indirection").(map[string]any)
	if !ok {
		return
	}
	before, _ := inner["indirection"].([]any)
	after, _ := v["indirection"].([]any)
	v["arg"], v["indirection"] = inner["arg"], slices.Concat(before, after)
}

func sortNodes(v any) {
	list, _ := v.([]any)
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(compact(a), compact(b)) })
}

func dropTrue(v any) {
	list, _ := v.([]any)
	for _, o := range list {
		e, _ := path(o, "DefElem").(map[string]any)
		if path(e["arg"], "Boolean", "boolval") == true {
			delete(e, "arg")
		}
	}
}

// explainOptions drops ANALYZE false and makes ANALYZE true the same as ANALYZE.
func explainOptions(v any) any {
	list, _ := v.([]any)
	for _, o := range list {
		e, _ := path(o, "DefElem").(map[string]any)
		word := path(e["arg"], "String", "sval")
		if word == "true" || word == "on" || path(e["arg"], "Integer", "ival") == 1.0 {
			delete(e, "arg")
		}
	}
	list = slices.DeleteFunc(list, func(o any) bool {
		e, _ := path(o, "DefElem").(map[string]any)
		word := path(e["arg"], "String", "sval")
		return (e["defname"] == "analyze" || e["defname"] == "verbose") &&
			(word == "off" || word == "false")
	})
	sortNodes(list)
	return list
}

// selectInto makes SELECT ... INTO t what PostgreSQL makes of it: CREATE TABLE t AS SELECT.
func selectInto(v map[string]any) map[string]any {
	first, ok := v["SelectStmt"].(map[string]any)
	for ok && first["larg"] != nil {
		first, ok = first["larg"].(map[string]any)
	}
	if !ok || first["intoClause"] == nil {
		return v
	}
	into := first["intoClause"]
	delete(first, "intoClause")
	return map[string]any{"CreateTableAsStmt": map[string]any{"into": into,
		"objtype": "OBJECT_TABLE", "query": v}}
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// firstDifference gives the surroundings of the place where two trees part.
func firstDifference(a, b any) (string, string) {
	x, y := compact(a), compact(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, i-80):min(len(s), i+80)] }
	return cut(x), cut(y)
}

// corpusTexts are the statements of all text corpora.
func corpusTexts(t *testing.T) (texts []string) {
	t.Helper()
	for _, folder := range []string{"sql", "planner", "exec", "pgwire"} {
		files, err := filepath.Glob("../../testdata/" + folder + "/*.test")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in testdata/%s: %v", folder, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			cases, _ := splitCases(t, string(text))
			for _, c := range cases {
				texts = append(texts, caseTexts(c)...)
			}
		}
	}
	return texts
}

// droppedTexts are the statements of dropped.test.
func droppedTexts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/sql/dropped.test")
	if err != nil {
		t.Fatal(err)
	}
	cases, _ := splitCases(t, string(text))
	parts, err := pg.SplitWithScanner(cases[0].input, true)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// caseTexts are the statements of one case.
func caseTexts(c testCase) (texts []string) {
	before := ""
	switch c.verb {
	case "errors", "fingerprint":
	case "expr":
		before = "SELECT "
	case "type":
		before = "SELECT x::"
	default:
		return []string{c.input}
	}
	for _, line := range strings.Split(c.input, "\n") {
		texts = append(texts, before+line)
	}
	return texts
}

// clientTexts are the statements that the conformance kit has recorded.
func clientTexts(t *testing.T) (texts []string) {
	t.Helper()
	kit := cmp.Or(os.Getenv("MILLRACE_CONFORMANCE"), "../../../shared/conformance")
	f, err := os.Open(filepath.Join(kit, "data/pg/catalog.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no recorded statements in %s; MILLRACE_CONFORMANCE names the kit", kit)
	} else if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var entry struct{ Examples []struct{ SQL string } }
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		for _, e := range entry.Examples {
			texts = append(texts, e.SQL)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}
