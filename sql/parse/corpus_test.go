package parse

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

var rewrite = flag.Bool("rewrite", false, "write the actual output into the test files")

// testCase is one case of a file: comments, a command, its input, and the expected output.
type testCase struct {
	head  []string // comments and blank lines before it
	verb  string
	input string
	want  string
	line  int
}

// TestCorpus runs testdata/sql/*.test; the README there says how a case is written.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../testdata/sql/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test"), func(t *testing.T) {
			runFile(t, f)
		})
	}
}

func runFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases, tail := splitCases(t, string(text))
	var out strings.Builder
	for _, c := range cases {
		got := runCase(t, path, c)
		if got != c.want && !*rewrite {
			t.Errorf("%s:%d: %s\n%s\n--- got\n%s\n--- want\n%s", path, c.line, c.verb, c.input,
				got, c.want)
		}
		out.WriteString(strings.Join(c.head, ""))
		fmt.Fprintf(&out, "%s\n%s\n----\n%s\n", c.verb, c.input, got)
	}
	out.WriteString(tail)
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func splitCases(t *testing.T, text string) (cases []testCase, tail string) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	var head []string
	for i := 0; i < len(lines); {
		l := strings.TrimSpace(lines[i])
		if l == "" || l[0] == '#' {
			head = append(head, lines[i])
			i++
			continue
		}
		c := testCase{head: head, verb: l, line: i + 1}
		var in, want []string
		for i++; i < len(lines) && lines[i] != "----\n"; i++ {
			in = append(in, lines[i])
		}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != ""; i++ {
			want = append(want, lines[i])
		}
		c.input = strings.TrimSuffix(strings.Join(in, ""), "\n")
		c.want = strings.TrimSuffix(strings.Join(want, ""), "\n")
		cases = append(cases, c)
		head = nil
	}
	return cases, strings.Join(head, "")
}

// runCase executes one command. See the README of testdata/sql.
func runCase(t *testing.T, path string, c testCase) string {
	t.Helper()
	switch c.verb {
	case "print": // every statement in canonical form, one per line
		list, err := Parse(c.input)
		if err != nil {
			return showError(c.input, err)
		}
		return printAll(t, path, c, list)
	case "tree": // the tree of every statement
		list, err := Parse(c.input)
		if err != nil {
			return showError(c.input, err)
		}
		return dumpAll(list)
	case "tag": // the command tag of every statement
		list, err := Parse(c.input)
		if err != nil {
			return showError(c.input, err)
		}
		var tags []string
		for _, s := range list {
			tags = append(tags, sql.Tag(s))
		}
		return strings.Join(tags, "\n")
	case "outline": // what TiDB's parser sees, one query per line
		var lines []string
		_, err := Config{trace: func(s string) { lines = append(lines, s) }}.Parse(c.input)
		if err != nil {
			return showError(c.input, err)
		}
		return strings.Join(lines, "\n")
	case "error": // the error, as psql shows it
		_, err := Parse(c.input)
		return showError(c.input, err)
	case "errors": // one statement per line; for each its error in one line
		var lines []string
		for _, l := range strings.Split(c.input, "\n") {
			_, err := Parse(l)
			lines = append(lines, shortError(err))
		}
		return strings.Join(lines, "\n")
	case "expr": // one expression per line
		return eachLine(c.input, func(s string) (string, error) {
			x, err := ParseExpr(s)
			if err != nil {
				return "", err
			}
			return sql.Print(x), nil
		})
	case "type": // one type per line
		return eachLine(c.input, func(s string) (string, error) {
			x, err := ParseType(s)
			if err != nil {
				return "", err
			}
			return x.String(), nil
		})
	case "fingerprint": // one statement per line
		return eachLine(c.input, func(s string) (string, error) {
			normal, hash := Fingerprint(s)
			return fmt.Sprintf("%016x %s", hash, normal), nil
		})
	}
	t.Fatalf("%s:%d: unknown command %q", path, c.line, c.verb)
	return ""
}

func eachLine(input string, f func(string) (string, error)) string {
	var out []string
	for _, l := range strings.Split(input, "\n") {
		s, err := f(l)
		if err != nil {
			s = shortError(err)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

// printAll prints statements and checks that the printed text gives the same trees.
func printAll(t *testing.T, path string, c testCase, list []sql.Statement) string {
	t.Helper()
	var lines []string
	for _, s := range list {
		text := sql.Print(s)
		lines = append(lines, text)
		sql.Walk(s, func(n sql.Node) bool {
			if n.Pos() < 0 || n.Pos() > len(c.input) {
				t.Errorf("%s:%d: %T at %d", path, c.line, n, n.Pos())
			}
			return true
		})
		if problem := roundTrip(s); problem != "" {
			t.Errorf("%s:%d: %s", path, c.line, problem)
		}
	}
	return strings.Join(lines, "\n")
}

// roundTrip checks parse(print(s)) == s and that positions lie in the text; "" is good.
func roundTrip(s sql.Statement) string {
	text := sql.Print(s)
	again, err := ParseOne(text)
	if err != nil {
		return fmt.Sprintf("printed %q: %v", text, err)
	}
	clearPositions(reflect.ValueOf(s))
	clearPositions(reflect.ValueOf(again))
	if !reflect.DeepEqual(s, again) {
		return fmt.Sprintf("printed %q gives another tree, %q\n%s\n%s", text, sql.Print(again),
			dump(s), dump(again))
	}
	return ""
}

var (
	locType    = reflect.TypeFor[sql.Loc]()
	locsType   = reflect.TypeFor[[]sql.Loc]()
	extentType = reflect.TypeFor[sql.Extent]()
)

// clearPositions sets every position below v to zero.
func clearPositions(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			clearPositions(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).Type() == locType {
				v.Index(i).SetZero()
				continue
			}
			clearPositions(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Type() == locType || f.Type() == locsType || f.Type() == extentType {
				f.SetZero()
			} else {
				clearPositions(f)
			}
		}
	}
}

// showError formats an error as psql does.
func showError(text string, err error) string {
	if err == nil {
		return "no error"
	}
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return "not a user's error: " + err.Error()
	}
	out := fmt.Sprintf("ERROR:  %s: %s", e.Code, e.Message)
	if e.Position > 0 {
		before := string([]rune(text)[:e.Position-1])
		n := strings.Count(before, "\n")
		column := e.Position - 1 - len([]rune(before[:strings.LastIndexByte(before, '\n')+1]))
		head := fmt.Sprintf("LINE %d: ", n+1)
		out += "\n" + head + strings.Split(text, "\n")[n]
		out += "\n" + strings.Repeat(" ", len(head)+column) + "^"
	}
	if e.Hint != "" {
		out += "\nHINT:  " + e.Hint
	}
	return out
}

// shortError formats an error in one line: code, position, message, hint.
func shortError(err error) string {
	if err == nil {
		return "no error"
	}
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return "not a user's error: " + err.Error()
	}
	out := fmt.Sprintf("%s @%d %s", e.Code, e.Position, e.Message)
	if e.Hint != "" {
		out += " | " + e.Hint
	}
	return out
}

func dumpAll(list []sql.Statement) string {
	var out []string
	for _, s := range list {
		out = append(out, dump(s))
	}
	return strings.Join(out, "\n")
}

// dump writes a tree as nested brackets: type, then the fields that are not zero. A position
// is written after @.
func dump(n any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(n))
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		dumpValue(b, v.Elem())
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dumpValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Struct:
		dumpStruct(b, v)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}

func dumpStruct(b *strings.Builder, v reflect.Value) {
	fmt.Fprintf(b, "(%s", v.Type().Name())
	for i := range v.NumField() {
		f := v.Field(i)
		name := v.Type().Field(i).Name
		switch {
		case f.Type() == locType:
			if name == "Loc" {
				fmt.Fprintf(b, "@%d", f.Int())
			}
		case f.Type() == extentType:
			fmt.Fprintf(b, "@%d-%d", f.Field(0).Int(), f.Field(1).Int())
		case f.IsZero(), f.Type() == locsType:
		default:
			fmt.Fprintf(b, " %s:", name)
			dumpValue(b, f)
		}
	}
	b.WriteByte(')')
}
