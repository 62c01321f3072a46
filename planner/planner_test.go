package planner

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

var rewriteFiles = flag.Bool("rewrite", false, "write actual results into testdata")

var registry = system.NewRegistry()

// TestScripts runs testdata/planner/*.test; testdata/planner/README.md describes
// the form.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/planner/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScript()
	var out []string
	for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		in, want, isCase := strings.Cut(block, "\n----")
		if !isCase {
			out = append(out, block)
			continue
		}
		verb, body, _ := strings.Cut(in, "\n")
		for strings.HasPrefix(verb, "#") {
			verb, body, _ = strings.Cut(body, "\n")
		}
		got := strings.TrimRight(s.run(verb, body), "\n")
		if want = strings.TrimPrefix(want, "\n"); got != want && !*rewriteFiles {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", in, got, want)
		}
		out = append(out, strings.TrimRight(in+"\n----\n"+got, "\n"))
	}
	if *rewriteFiles {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script is the catalog that a test file builds up.
type script struct {
	snap *catalog.Snapshot
	set  map[string]string
	user string
}

func newScript() *script {
	return &script{snap: catalog.New(), set: map[string]string{}, user: "millrace"}
}

func (s *script) env(text string) *Env {
	return &Env{Snapshot: s.snap, System: registry, SearchPath: []string{"public"},
		User: s.user, Database: "millrace", Text: text,
		Settings: func(name string) string { return s.set[name] }}
}

func (s *script) run(verb, body string) string {
	var out strings.Builder
	if verb == "user" {
		s.user = body
		return ""
	}
	if verb == "set" {
		name, value, _ := strings.Cut(body, " ")
		s.set[name] = value
		return ""
	}
	stmts, err := parse.Parse(body)
	if err != nil {
		return showError(body, err)
	}
	for _, st := range stmts {
		switch verb {
		case "do":
			s.do(&out, st, body)
		case "plan":
			s.plan(&out, st, body)
		case "describe":
			s.describe(&out, st, body)
		default:
			return "unknown verb " + verb
		}
	}
	return out.String()
}

// do plans a DDL statement and applies its command.
func (s *script) do(out *strings.Builder, st sql.Statement, body string) {
	p, err := Build(st, s.env(body))
	if err != nil {
		out.WriteString(showError(body, err))
		return
	}
	for _, n := range p.Notices {
		fmt.Fprintf(out, "%s:  %s\n", n.Severity, n.Message)
	}
	if p.Command == nil {
		return
	}
	b, err := catalog.EncodeCommand(p.Command)
	if err != nil {
		out.WriteString(err.Error())
		return
	}
	cmd, err := catalog.DecodeCommand(b)
	if err != nil {
		out.WriteString(err.Error())
		return
	}
	next, change, err := s.snap.Apply(s.snap.Version+1, cmd)
	if err != nil {
		out.WriteString(showError(body, err))
		return
	}
	s.snap = next
	for _, n := range change.Notices {
		fmt.Fprintf(out, "NOTICE:  %s\n", n)
	}
}

// plan shows EXPLAIN.
func (s *script) plan(out *strings.Builder, st sql.Statement, body string) {
	p, err := Build(&sql.Explain{Stmt: st}, s.env(body))
	if err != nil {
		out.WriteString(showError(body, err))
		return
	}
	for _, row := range p.Root.(*plan.Values).Rows {
		out.WriteString(row[0].(*expr.Const).D.S + "\n")
	}
}

// describe shows the parameters and result columns of a statement, or the relation
// that a CREATE makes.
func (s *script) describe(out *strings.Builder, st sql.Statement, body string) {
	p, err := Build(st, s.env(body))
	if err != nil {
		out.WriteString(showError(body, err))
		return
	}
	for _, n := range p.Notices {
		fmt.Fprintf(out, "%s:  %s\n", n.Severity, n.Message)
	}
	for i, t := range p.Params {
		fmt.Fprintf(out, "$%d %s\n", i+1, t)
	}
	for _, c := range p.Columns {
		fmt.Fprintf(out, "%s %s", c.Name, c.Type)
		if c.Table != 0 {
			fmt.Fprintf(out, " (%d.%d)", c.Table, c.Attnum)
		}
		out.WriteString("\n")
	}
	if c, ok := p.Command.(*catalog.CreateRelation); ok {
		describeRelation(out, &c.Relation, c.Query)
	}
}

func describeRelation(out *strings.Builder, r *catalog.Relation, q *catalog.Query) {
	fmt.Fprintf(out, "%s %s.%s partitions %d\n", r.Kind, r.Schema, r.Name, r.Partitions)
	for i := range r.Columns {
		c := &r.Columns[i]
		fmt.Fprintf(out, "  %s %s", c.Name, c.Type)
		for k, o := range r.Key {
			if o == i {
				fmt.Fprintf(out, " key%d", k+1)
			}
		}
		if c.NotNull {
			out.WriteString(" not null")
		}
		if c.Default != "" {
			fmt.Fprintf(out, " default %s", c.Default)
		}
		if c.Generated {
			out.WriteString(" generated")
		}
		if c.Hidden {
			out.WriteString(" hidden")
		}
		out.WriteString("\n")
	}
	if r.AppendOnly {
		out.WriteString("  append only\n")
	}
	if r.Windowed {
		out.WriteString("  windowed\n")
	}
	if r.TimeColumn >= 0 {
		fmt.Fprintf(out, "  time %s watermark %q grace %d\n", r.Columns[r.TimeColumn].Name,
			r.Watermark, r.GraceMicros)
	}
	if q != nil {
		fmt.Fprintf(out, "  query %s\n  sources %v\n", q.SQL, q.Sources)
	}
}

func showError(body string, err error) string {
	e := sqlerr.As(err)
	var out strings.Builder
	fmt.Fprintf(&out, "ERROR:  %s: %s", e.Code, e.Message)
	if e.Offset > 0 && e.Offset <= len(body)+1 {
		fmt.Fprintf(&out, " (at %q)", firstWord(body[e.Offset-1:]))
	}
	out.WriteString("\n")
	if e.Detail != "" {
		fmt.Fprintf(&out, "DETAIL:  %s\n", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(&out, "HINT:  %s\n", e.Hint)
	}
	if e.Where != "" {
		fmt.Fprintf(&out, "CONTEXT:  %s\n", e.Where)
	}
	return out.String()
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \n\t"); i > 0 {
		s = s[:i]
	}
	if len(s) > 20 {
		s = s[:20]
	}
	return s
}
