package docgen

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// entry is one name of the reference, with all of its overloads.
type entry struct {
	name, doc, example string
	signatures, rules  []string
}

// forms are calls that the language reads itself, so that no registry has them.
var forms = []struct{ group, name, doc, example, signature string }{
	{"Conditions and comparison", "coalesce", "the first argument that is not null",
		"coalesce(NULL, 2, 3)", "coalesce(anycompatible ...) anycompatible"},
	{"Conditions and comparison", "nullif", "NULL when both are equal, else the first",
		"nullif(0, 0)", "nullif(anyelement, anyelement) anyelement"},
	{"Maps and structs", "transform", "each element, or each key and value, through lambdas",
		"transform(ARRAY[1, 2, 3], x => x * x)", "transform(anyarray, x => ...) anyarray"},
	{"Maps and structs", "filter", "the elements, or entries, for which a lambda is true",
		"filter(ARRAY[1, 2, 3, 4], x => x % 2 = 0)", "filter(anyarray, x => boolean) anyarray"},
	{"Maps and structs", "reduce", "one value from all elements, by a lambda of state and element",
		"reduce(ARRAY[1, 2, 3], 0, (s, x) => s + x)",
		"reduce(anyarray, anyelement, (s, x) => ...) anyelement"},
}

// TestFunctionReference writes the registry down, with the value of each example.
func TestFunctionReference(t *testing.T) {
	p := newPlayer(t)
	c, err := p.connect(t.Context(), "millrace", "millrace")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	groups := map[string][]*entry{}
	for _, f := range expr.Funcs() {
		group := "Operators"
		if !f.Operator {
			group = category(f)
		}
		add(groups, group, f.Name, f.Doc, f.Example, signature(f), rules(f)...)
	}
	for _, a := range expr.Aggs() {
		add(groups, "Aggregates", a.Name, a.Doc, a.Example, aggSignature(a), aggRules(a)...)
	}
	for _, w := range expr.WindowFuncs {
		add(groups, "Window functions", w.Name, w.Doc, "", w.Name+"("+typeList(w.Args, nil)+") "+
			expr.TypeName(w.Ret))
	}
	for _, f := range expr.DialectFuncs() {
		add(groups, "ksqlDB's dialect", f.Name, f.Doc, "", signature(f), rules(f)...)
	}
	for _, f := range forms {
		add(groups, f.group, f.name, f.doc, f.example, f.signature)
	}
	var b strings.Builder
	writeFunctions(t.Context(), &b, c, groups)
	keep(t, "docs/reference/functions.md", b.String())
}

// anchor makes the anchor of a heading of its text.
var anchor = strings.NewReplacer(" ", "-", "'", "")

// order is that of the page.
var order = []string{"Operators", "Numbers", "Text", "Bytes", "Dates and times", "JSON", "Arrays",
	"Maps and structs", "Conditions and comparison", "Sets of rows", "System", "Aggregates",
	"Window functions", "ksqlDB's dialect"}

func writeFunctions(ctx context.Context, b *strings.Builder, c *client.Conn,
	groups map[string][]*entry) {
	b.WriteString("# Functions and operators\n\nEvery function, operator and aggregate, with the " +
		"value of its example. PostgreSQL's and ksqlDB's\nnames are in one registry; " +
		"`DESCRIBE FUNCTION name` shows the overloads in SQL. A function gives\nNULL when an argument " +
		"is NULL, and depends on nothing but its arguments, unless it says otherwise.\n")
	b.WriteString("\n| group | names |\n|---|---|\n")
	for _, g := range order {
		fmt.Fprintf(b, "| [%s](#%s) | %d |\n", g,
			anchor.Replace(strings.ToLower(g)), len(groups[g]))
	}
	for _, g := range order {
		fmt.Fprintf(b, "\n## %s\n\n| name | what it does | example | overloads |\n|---|---|---|---|\n", g)
		for _, e := range groups[g] {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", cell(e.name), cell(text(e)),
				example(ctx, c, e.example), overloads(e))
		}
	}
}

// text is the sentence of an entry, with what is special about it.
func text(e *entry) string {
	doc := strings.ToUpper(e.doc[:1]) + e.doc[1:]
	rules := slices.DeleteFunc(slices.Clone(e.rules), func(r string) bool {
		n := 0 // a rule of some overloads only would say too much
		for _, s := range e.rules {
			if s == r {
				n++
			}
		}
		return n < len(e.signatures)
	})
	rules = slices.Compact(slices.Sorted(slices.Values(rules)))
	return strings.TrimSuffix(doc, ".") + "." + strings.Join(append([]string{""}, rules...), " ")
}

// overloads lists signatures; of many the first ones.
func overloads(e *entry) string {
	const most = 8
	list := slices.Compact(e.signatures)
	more := ""
	if len(list) > most {
		list, more = list[:most], fmt.Sprintf(" and %d more", len(list)-most)
	}
	for i, s := range list {
		list[i] = "`" + cell(s) + "`"
	}
	return strings.Join(list, "<br>") + more
}

// example runs an example and shows its value.
func example(ctx context.Context, c *client.Conn, text string) string {
	if text == "" {
		return ""
	}
	query := text
	if !strings.HasPrefix(strings.ToUpper(text), "SELECT") {
		query = "SELECT " + text
	}
	if strings.Contains(text, " AS x(") { // the columns are defined in FROM
		query = "SELECT x FROM " + text
	}
	r, err := c.Query(ctx, query)
	if err != nil || len(r.Rows) != 1 || len(r.Rows[0]) != 1 {
		return "`" + cell(text) + "`"
	}
	value := "NULL"
	if v := r.Rows[0][0]; v != nil {
		value = *v
	}
	odd := func(r rune) bool { return r == '`' || !unicode.IsPrint(r) }
	if volatile.MatchString(text) || value == "" || strings.ContainsFunc(value, odd) {
		return "`" + cell(text) + "`"
	}
	return "`" + cell(text) + "` → `" + cell(value) + "`"
}

// volatile are examples whose value is another one each time.
var volatile = regexp.MustCompile(`(?i)random|uuid|clock|now|current|today|version|pid|txid|age\(|` +
	`unix_|localtime|timeofday|inet|backend|postmaster|pg_|millrace`)

// cell makes a text fit a cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", "\\|")
}

func add(groups map[string][]*entry, group, name, doc, example, signature string, rules ...string) {
	list := groups[group]
	i := slices.IndexFunc(list, func(e *entry) bool { return e.name == name })
	if i < 0 {
		list = append(list, &entry{name: name, doc: doc, example: example})
		i = len(list) - 1
		groups[group] = list
	}
	e := list[i]
	if e.example == "" {
		e.example = example
	}
	e.signatures, e.rules = append(e.signatures, signature), append(e.rules, rules...)
}

func signature(f *expr.Func) string {
	if f.Operator {
		if len(f.Args) == 1 {
			return f.Name + " " + expr.TypeName(f.Args[0]) + " → " + expr.TypeName(f.Ret)
		}
		return expr.TypeName(f.Args[0]) + " " + f.Name + " " + expr.TypeName(f.Args[1]) + " → " +
			expr.TypeName(f.Ret)
	}
	args := typeList(f.Args, f.ArgNames)
	if f.Variadic {
		args += " ..."
	}
	set := ""
	if f.Set != nil {
		set = "setof "
	}
	return f.Name + "(" + args + ") " + set + expr.TypeName(f.Ret)
}

func aggSignature(a *expr.AggFunc) string {
	args := typeList(a.Args[:len(a.Args)-a.Within], nil)
	if a.Variadic {
		args += " ..."
	}
	s := a.Name + "(" + args + ")"
	if a.Within > 0 {
		s += " WITHIN GROUP (ORDER BY " + typeList(a.Args[len(a.Args)-a.Within:], nil) + ")"
	}
	return s + " " + expr.TypeName(a.Ret)
}

func typeList(ts []types.Type, names []string) string {
	var list []string
	for i, t := range ts {
		s := expr.TypeName(t)
		if i < len(names) && names[i] != "" {
			s = names[i] + " " + s
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

// rules says what is special about an overload.
func rules(f *expr.Func) (s []string) {
	if !f.Strict && !f.Operator {
		s = append(s, "Takes NULL.")
	}
	switch {
	case f.Volatility == expr.Volatile:
		s = append(s, "Volatile: not in continuous queries.")
	case f.Session:
		s = append(s, "Asks the session: not in continuous queries.")
	case f.Volatility == expr.Stable && !f.Operator:
		s = append(s, "Stable.")
	}
	return s
}

func aggRules(a *expr.AggFunc) []string {
	if a.KeepNulls {
		return []string{"Takes NULL."}
	}
	return nil
}

// category is the group of a function: by the type of its first argument that has
// one of its own, or by its result.
func category(f *expr.Func) string {
	if f.Set != nil {
		return "Sets of rows"
	}
	if f.Session || strings.HasPrefix(f.Name, "pg_") || strings.HasPrefix(f.Name, "has_") {
		return "System"
	}
	if f.Higher != nil {
		return "Maps and structs"
	}
	for _, t := range append(slices.Clone(f.Args), f.Ret) {
		if g := groupOf(t); g != "" {
			return g
		}
	}
	return "Conditions and comparison"
}

// groupOf is the group of a type.
func groupOf(t types.Type) string {
	switch name := expr.TypeName(t); {
	case strings.HasSuffix(name, "[]") || name == "anyarray" || name == "anycompatiblearray":
		return "Arrays"
	case strings.HasPrefix(name, "MAP") || strings.HasPrefix(name, "STRUCT"):
		return "Maps and structs"
	case strings.HasPrefix(name, "json"):
		return "JSON"
	case strings.HasPrefix(name, "date") || strings.HasPrefix(name, "time") || name == "interval":
		return "Dates and times"
	case name == "bytea":
		return "Bytes"
	case name == "text" || name == "character varying" || name == "bpchar" || name == "name":
		return "Text"
	case name == "integer" || name == "bigint" || name == "smallint" || name == "numeric" ||
		name == "real" || name == "double precision":
		return "Numbers"
	}
	return ""
}
