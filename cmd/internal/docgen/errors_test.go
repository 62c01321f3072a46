package docgen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// classes are the names of the classes of codes, by their first two characters.
var classes = map[string]string{
	"00": "Success", "01": "Warning", "02": "No data", "08": "Connection",
	"0A": "Feature not supported", "0B": "Transaction initiation", "0L": "Grants",
	"21": "Cardinality", "22": "Data", "23": "Integrity constraints", "24": "Cursor state",
	"25": "Transaction state", "26": "Statement names", "27": "Triggered change",
	"0Z": "Diagnostics", "20": "CASE of DO", "2D": "End of a transaction", "P0": "PL/pgSQL",
	"28": "Authorization", "2B": "Dependent objects", "34": "Cursor names", "3B": "Savepoints",
	"3D": "Database names", "3F": "Schema names", "40": "Transaction rollback",
	"42": "Syntax, names and types", "44": "Check option", "53": "Insufficient resources",
	"54": "Program limits", "55": "Object state", "57": "Operator intervention",
	"58": "System error", "XX": "Internal error",
}

// TestErrorReference runs the example of every code and keeps the page in step.
func TestErrorReference(t *testing.T) {
	p := newPlayer(t)
	var b strings.Builder
	b.WriteString("# Errors\n\nEvery error has a SQLSTATE, as in PostgreSQL. The message, detail and " +
		"hint may get better\nwith time; the code does not change. Each example below has been run; " +
		"the answer is that\nof its last statement.\n")
	class := ""
	for i, d := range sqlerr.Docs() {
		if c := string(d.Code[:2]); c != class {
			class = c
			fmt.Fprintf(&b, "\n## Class %s: %s\n", c, classes[c])
		}
		fmt.Fprintf(&b, "\n### %s %s\n\n%s\n", d.Code, d.Name, strings.TrimSpace(d.When+" "+d.WayOut))
		if d.Example == "" {
			checkTest(t, d)
			fmt.Fprintf(&b, "\nNo statement provokes it at will; `%s` does.\n", d.Test)
			continue
		}
		answer, code := p.example(t, i, d.Example)
		if code != string(d.Code) {
			t.Errorf("the example of %s gives %q:\n%s", d.Code, code, answer)
		}
		fmt.Fprintf(&b, "\n```sql\n%s\n```\n\n```text\n%s\n```\n", d.Example,
			strings.TrimRight(answer, "\n"))
	}
	keep(t, "docs/reference/errors.md", b.String())
}

// checkTest demands that the test of a code names it.
func checkTest(t *testing.T, d sqlerr.Doc) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(d.Test)))
	if err != nil {
		t.Errorf("%s: %v", d.Code, err)
	}
	constants, err := os.ReadFile(filepath.Join(root, "sql", "sqlerr", "codes.go"))
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for line := range strings.Lines(string(constants)) {
		if f := strings.Fields(line); len(f) == 4 && f[3] == `"`+string(d.Code)+`"` {
			name = f[0]
		}
	}
	if !strings.Contains(string(text), string(d.Code)) && !strings.Contains(string(text), name) {
		t.Errorf("%s does not name %s (%s)", d.Test, d.Code, name)
	}
}

// example runs an example in a schema of its own, and gives the answer to its last
// statement with its code.
func (p *player) example(t *testing.T, number int, text string) (answer, code string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	schema := fmt.Sprintf("example_%d", number)
	main, err := p.connect(ctx, "millrace", "millrace")
	if err != nil {
		t.Fatal(err)
	}
	conns := []*client.Conn{main}
	setup := "CREATE SCHEMA " + schema + "; SET search_path = " + schema
	if err := main.Exec(ctx, setup); err != nil {
		t.Fatal(err)
	}
	cur := main
	for _, s := range splitExample(text) {
		p.noticeCode = ""
		if rest, ok := strings.CutPrefix(s.text, `\connect`); ok {
			if words := strings.Fields(rest); len(words) == 0 {
				cur = main
			} else if cur, err = p.connect(ctx, words[0], words[1]); err != nil {
				return showConnectError(err)
			} else {
				conns = append(conns, cur)
				if err := cur.Exec(ctx, "SET search_path = "+schema); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		answer, _, err = p.run(ctx, cur, s, 0)
		if err != nil {
			t.Fatalf("%s: %v", s.text, err)
		}
		if code = p.noticeCode; p.code != "" {
			code = p.code
		}
	}
	for _, c := range conns {
		_ = c.Close()
	}
	p.drop(ctx, t, schema)
	return answer, code
}

func (p *player) drop(ctx context.Context, t *testing.T, schema string) {
	t.Helper()
	c, err := p.connect(ctx, "millrace", "millrace")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
		t.Fatalf("drop %s: %v", schema, err)
	}
}

// splitExample is splitBlock, with \connect as a statement.
func splitExample(text string) []statement {
	var out []statement
	for chunk := range strings.SplitSeq(text, "\n\\connect") {
		if len(out) > 0 || strings.HasPrefix(text, `\connect`) && len(out) == 0 {
			first, rest, _ := strings.Cut(strings.TrimPrefix(chunk, `\connect`), "\n")
			out = append(out, statement{text: `\connect` + first})
			chunk = rest
		}
		out = append(out, splitBlock(chunk)...)
	}
	return out
}

// showConnectError shows why a connection was refused.
func showConnectError(err error) (answer, code string) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err.Error(), ""
	}
	var b strings.Builder
	client.WriteError(&b, e, "")
	return b.String(), e.Code
}

// keep compares a generated page with what is there, or writes it.
func keep(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is not up to date: run 'make docs' and read the diff", name)
	}
}
