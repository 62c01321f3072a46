package catalog

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

var rewriteFiles = flag.Bool("rewrite", false, "write actual results into testdata")

const testdata = "../testdata/catalog"

// TestScripts runs testdata/catalog/*.test. A case is a block of lines, "----",
// and the expected output up to an empty line. See testdata/catalog/README.md
// for the lines.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.test"))
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
	sc := &script{t: t, machine: NewMachine(), twin: NewMachine()}
	var out []string
	for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		in, want, isCase := strings.Cut(block, "\n----")
		if !isCase {
			out = append(out, block)
			continue
		}
		got := sc.run(strings.Split(in, "\n"))
		if want = strings.TrimPrefix(want, "\n"); got != want && !*rewriteFiles {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", in, got, want)
		}
		out = append(out, strings.TrimRight(in+"\n----\n"+got, "\n"))
	}
	sc.checkStored()
	if *rewriteFiles {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script is the state of one file: a machine and a second one that applies the
// same bytes, to see that applying is deterministic.
type script struct {
	t       *testing.T
	machine *Machine
	twin    *Machine
	version Version
}

func (sc *script) run(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if words[0] == "show" {
			sc.show(&b, words[1:])
			continue
		}
		sc.apply(&b, sc.command(words))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (sc *script) apply(b *strings.Builder, cmd Command) {
	sc.t.Helper()
	bytes, err := EncodeCommand(cmd)
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.version++
	before := sc.encoded(sc.machine)
	change, err := sc.machine.Apply(sc.version, bytes)
	twinChange, twinErr := sc.twin.Apply(sc.version, bytes)
	if got, want := fmt.Sprint(twinErr), fmt.Sprint(err); got != want {
		sc.t.Errorf("twin: %s, want %s", got, want)
	}
	if got, want := describeChange(twinChange), describeChange(change); got != want {
		sc.t.Errorf("twin changed %s, want %s", got, want)
	}
	if err != nil {
		if sc.encoded(sc.machine) != before {
			sc.t.Errorf("refused command changed the catalog: %v", err)
		}
		writeError(b, err)
		return
	}
	b.WriteString(describeChange(change))
}

func (sc *script) encoded(m *Machine) string {
	bytes, err := m.Encode()
	if err != nil {
		sc.t.Fatal(err)
	}
	return string(bytes)
}

// checkStored compares the two machines, and one that was restored.
func (sc *script) checkStored() {
	want := sc.encoded(sc.machine)
	if got := sc.encoded(sc.twin); got != want {
		sc.t.Errorf("twin differs:\n%s\n%s", got, want)
	}
	m := NewMachine()
	if err := m.Restore([]byte(want)); err != nil {
		sc.t.Fatal(err)
	}
	if got := sc.encoded(m); got != want {
		sc.t.Errorf("restored differs:\n%s\n%s", got, want)
	}
}

func writeError(b *strings.Builder, err error) {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(b, "error: %v\n", err)
		return
	}
	fmt.Fprintf(b, "ERROR %s: %s\n", e.Code, e.Message)
	if e.Detail != "" {
		fmt.Fprintf(b, "DETAIL: %s\n", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(b, "HINT: %s\n", e.Hint)
	}
}

func describeChange(c Change) string {
	var b strings.Builder
	list := func(what string, rs []*Relation) {
		for _, r := range rs {
			fmt.Fprintf(&b, "%s %s (%d)\n", what, r.Title(), r.OID)
		}
	}
	list("created", c.Created)
	list("dropped", c.Dropped)
	list("altered", c.Altered)
	list("truncated", c.Truncated)
	for _, q := range c.Queries {
		fmt.Fprintf(&b, "query %s (%d) %s\n", q.Name, q.OID, q.State)
	}
	for _, q := range c.Ended {
		fmt.Fprintf(&b, "ended %s (%d)\n", q.Name, q.OID)
	}
	for _, n := range c.Notices {
		fmt.Fprintf(&b, "NOTICE: %s\n", n)
	}
	return b.String()
}

// args splits words into plain ones and key=value options; a lone "flag!" is an
// option without a value.
func args(words []string) (plain []string, opt map[string]string) {
	opt = map[string]string{}
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok {
			opt[k] = v
		} else if k, ok := strings.CutSuffix(w, "!"); ok {
			opt[k] = "true"
		} else {
			plain = append(plain, w)
		}
	}
	return plain, opt
}

func parseName(s string) QualifiedName {
	if schema, name, ok := strings.Cut(s, "."); ok {
		return QualifiedName{schema, name}
	}
	return QualifiedName{PublicSchema, s}
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func (sc *script) relation(name string) *Relation {
	n := parseName(name)
	if r := sc.machine.Current().Lookup(n.Schema, n.Name); r != nil {
		return r
	}
	return &Relation{OID: 1} // does not exist
}

func (sc *script) oids(list string) []OID {
	var out []OID
	for _, name := range splitList(list) {
		s := sc.machine.Current()
		n := parseName(name)
		switch {
		case s.Lookup(n.Schema, n.Name) != nil:
			out = append(out, s.Lookup(n.Schema, n.Name).OID)
		case s.Functions(n.Schema, n.Name) != nil:
			out = append(out, s.Functions(n.Schema, n.Name)[0].OID)
		default:
			out = append(out, 1)
		}
	}
	slices.Sort(out)
	return out
}

func (sc *script) query(name string) OID {
	if q := sc.machine.Current().QueryByName(name); q != nil {
		return q.OID
	}
	return 1
}

func (sc *script) typeNamed(name string) types.Type {
	t, err := types.ByName(name, nil)
	if err != nil {
		sc.t.Fatal(err)
	}
	return t
}

// columns reads name:type[:usertype] words.
func (sc *script) columns(words []string) []Column {
	var cols []Column
	for _, w := range words {
		parts := strings.Split(w, ":")
		c := Column{Name: parts[0], Type: sc.typeNamed(parts[1])}
		if len(parts) > 2 {
			n := parseName(parts[2])
			c.UserType = sc.machine.Current().UserType(n.Schema, n.Name).OID
		}
		cols = append(cols, c)
	}
	return cols
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
