package exec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output of text tests anew")

// configurations are the ways in which every text case runs; the answers must not
// differ.
var configurations = []options{
	{name: "one partition", partitions: 1, workers: 1},
	{name: "six partitions", partitions: 6, workers: 2},
	{name: "batches of two rows", partitions: 3, workers: 2, batchRows: 2},
	{name: "restart after each statement", partitions: 3, workers: 1, restart: true},
	{name: "checkpoint and restart", partitions: 2, workers: 1, restart: true, checkpoint: true},
	{name: "power cuts", partitions: 3, workers: 1, restart: true, crash: true},
	{name: "checkpoints and power cuts", partitions: 3, workers: 1, restart: true, crash: true,
		checkpoint: true},
	{name: "queries leave the common epoch", partitions: 3, workers: 2, leave: true},
	{name: "queries leave, checkpoint and restart", partitions: 3, workers: 2, leave: true,
		restart: true, checkpoint: true},
}

// TestCorpus runs testdata/exec: see the README there.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "exec", "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, f := range files {
		for i, o := range configurations {
			t.Run(filepath.Base(f)+"/"+o.name, func(t *testing.T) {
				runFile(t, f, o, i == 0 && *rewrite)
			})
		}
	}
}

// command is one case: a verb, its text, the expected output.
type command struct {
	line       int
	verb       string
	args       []string
	text, want string
	comment    string
}

func runFile(t *testing.T, file string, o options, rewrite bool) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmds := parseCommands(t, string(raw))
	n := newNode(t, o)
	var out strings.Builder
	for _, c := range cmds {
		got := runCommand(n, c)
		if rewrite {
			fmt.Fprintf(&out, "%s%s\n%s\n----\n%s\n",
				strings.TrimLeft(c.comment, "\n"), strings.Join(append([]string{c.verb}, c.args...), " "), c.text, got)
			continue
		}
		if got != c.want {
			t.Fatalf("%s:%d: %s\n got:\n%s\nwant:\n%s", file, c.line, c.text, got, c.want)
		}
	}
	if rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runCommand runs one case and gives what it shows. Verbs:
//
//	exec: statements that give no rows; shows "ok" or the error
//	query: a SELECT; its rows in order. "query sort": sorted
//
// With in=NAME another session runs the statement.
func runCommand(n *node, c command) string {
	n.in = ""
	for _, a := range c.args {
		if name, ok := strings.CutPrefix(a, "in="); ok {
			n.in = name
		}
	}
	rows, err := n.run(c.text)
	n.in = "checks"
	if err != nil {
		return errorText(err) + "\n"
	}
	if n.opts.restart && c.verb == "exec" && len(n.blocks) == 0 {
		n.reopen()
	}
	if err := n.checkViews(); err != nil {
		n.t.Fatalf("line %d: after %s: %v", c.line, c.text, err)
	}
	if c.verb == "exec" && len(rows) == 0 {
		return "ok\n"
	}
	if len(rows) == 0 {
		return "(no rows)\n"
	}
	if slices.Contains(c.args, "sort") {
		slices.Sort(rows)
	}
	return strings.Join(rows, "\n") + "\n"
}

// parseCommands reads a file: a verb line, text, ----, output up to an empty line.
// Lines that begin with # before a verb are comments.
func parseCommands(t *testing.T, raw string) []command {
	t.Helper()
	var out []command
	lines := strings.Split(raw, "\n")
	for i := 0; i < len(lines); {
		comment := ""
		for i < len(lines) && (strings.HasPrefix(lines[i], "#") || lines[i] == "") {
			comment += lines[i] + "\n"
			i++
		}
		if i >= len(lines) {
			break
		}
		f := strings.Fields(lines[i])
		c := command{line: i + 1, verb: f[0], args: f[1:], comment: comment}
		if c.verb != "exec" && c.verb != "query" {
			t.Fatalf("line %d: unknown verb %q", i+1, c.verb)
		}
		i++
		var text []string
		for i < len(lines) && lines[i] != "----" {
			text = append(text, lines[i])
			i++
		}
		c.text = strings.Join(text, "\n")
		i++
		for i < len(lines) && lines[i] != "" {
			c.want += lines[i] + "\n"
			i++
		}
		out = append(out, c)
	}
	return out
}
