package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output anew")

// asProgram in the environment makes the test binary the program itself, so that
// tests can start and kill a real process.
const asProgram = "MILLRACE_TEST_IS_PROGRAM"

// planVersion in the environment makes it a release whose plans are others.
const planVersion = "MILLRACE_TEST_PLAN_VERSION"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		planner.PlanVersion, _ = strconv.ParseUint(os.Getenv(planVersion), 10, 64)
		main()
	}
	os.Setenv(asProgram, "1")
	os.Exit(m.Run())
}

// startTestNode runs a node for the commands of a test and makes it the default
// server.
func startTestNode(t *testing.T) (url string) {
	t.Helper()
	url, end, err := privateNode(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("MILLRACE_URL", url)
	return url
}

// TestExamples runs every example of every command in a fresh directory.
func TestExamples(t *testing.T) {
	startTestNode(t)
	for _, f := range []string{"LISTEN", "HTTP", "CLUSTER"} {
		t.Setenv("MILLRACE_"+f, "127.0.0.1:0")
	}
	t.Chdir(t.TempDir())
	// `log dump` needs the directory that the first example of `start` makes.
	runExample(t, "millrace start --data ./millrace-data")
	for _, c := range allCommands(newRoot()) {
		if c.Short == "" || c.Long == "" {
			t.Errorf("%s has no Short or no Long text", c.CommandPath())
		}
		examples := strings.Split(strings.TrimSpace(c.Example), "\n")
		if c.HasParent() && len(examples) != 2 {
			t.Errorf("%s has %d examples, not 2", c.CommandPath(), len(examples))
		}
		for _, e := range examples {
			if e != "" {
				runExample(t, strings.TrimSpace(e))
			}
		}
	}
}

func runExample(t *testing.T, line string) {
	t.Helper()
	t.Run(line, func(t *testing.T) {
		args := splitArgs(t, line)[1:]
		var errOut bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out io.Writer = io.Discard
		if args[0] == "start" {
			out = writerFunc(func(p []byte) (int, error) {
				if bytes.Contains(p, []byte("ready sql=")) {
					cancel()
				}
				return len(p), nil
			})
		}
		if code := run(ctx, args, strings.NewReader(""), out, &errOut); code != exitOK {
			t.Errorf("exit code %d: %s", code, errOut.String())
		}
	})
}

// splitArgs splits a command line as a shell does, with single and double quotes.
func splitArgs(t *testing.T, line string) []string {
	t.Helper()
	var args []string
	var cur strings.Builder
	var quote rune
	inArg := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inArg = c, true
		case quote == 0 && c == ' ':
			if inArg {
				args = append(args, cur.String())
				cur.Reset()
			}
			inArg = false
		default:
			cur.WriteRune(c)
			inArg = true
		}
	}
	if quote != 0 {
		t.Fatalf("a quote is not closed: %s", line)
	}
	if inArg {
		args = append(args, cur.String())
	}
	return args
}

// TestScripts runs testdata/cmd; each file has a server of its own.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cmd", "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			runScriptFile(t, path, startTestNode(t))
		})
	}
}

func runScriptFile(t *testing.T, path, url string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var written strings.Builder
	for _, c := range parseScript(t, string(b)) {
		got := c.result(t, url)
		if !*rewrite && got != c.want {
			t.Errorf("%s\n--- got:\n%s--- want:\n%s", c.command, got, c.want)
		}
		fmt.Fprintf(&written, "%s%s\n%s----\n%s\n", c.comment, c.command, c.input, got)
	}
	if *rewrite {
		text := strings.TrimRight(written.String(), "\n") + "\n"
		if text == "\n" {
			t.Fatalf("%s has no cases", path)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// scriptCase is one command of a script: "run ARGS", its standard input, "----",
// its output, errors with "err: " in front, and "exit N".
type scriptCase struct{ comment, command, input, want string }

func parseScript(t *testing.T, text string) []scriptCase {
	t.Helper()
	var cases []scriptCase
	var c scriptCase
	part := 0 // 0 before the command, 1 input, 2 output
	for line := range strings.Lines(text) {
		switch {
		case part == 0 && strings.HasPrefix(line, "run "):
			c.command = strings.TrimSpace(line)
			part = 1
		case part == 0:
			if line != "\n" {
				c.comment += line
			}
		case part == 1 && line == "----\n":
			part = 2
		case part == 1:
			c.input += line
		default:
			c.want += line
			// An empty line comes first in a new case before its first -rewrite.
			if strings.HasPrefix(line, "exit ") || c.want == "\n" {
				cases = append(cases, c)
				c, part = scriptCase{}, 0
			}
		}
	}
	if part != 0 {
		cases = append(cases, c)
	}
	return cases
}

// result runs the command; the shell and the status go to the server of the file.
func (c *scriptCase) result(t *testing.T, url string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	args := splitArgs(t, strings.TrimPrefix(c.command, "run "))
	if args[0] != "sql" && args[0] != "status" {
		url = ""
	}
	t.Setenv("MILLRACE_URL", url)
	code := run(t.Context(), args, strings.NewReader(c.input), &out, &errOut)
	var b strings.Builder
	for line := range strings.Lines(out.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	for line := range strings.Lines(errOut.String()) {
		b.WriteString(strings.TrimRight("err: "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	fmt.Fprintf(&b, "exit %d\n", code)
	return b.String()
}
