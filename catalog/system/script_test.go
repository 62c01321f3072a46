package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// TestScripts runs testdata/catalog/system/*.test over the sample catalog. Verbs:
//
//	rows SCHEMA.RELATION [COLUMN...] [where COLUMN=TEXT...]
//	user NAME, path SCHEMA...
//	FUNCTION ARGUMENT... (numbers are integers, 'text' is text, @rel is an OID)
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ctx, g := sampleContext(t), NewRegistry()
			sc := &script{t: t, g: g, ctx: ctx, d: &Describer{Registry: g, Context: ctx}}
			var out []string
			for _, block := range strings.Split(strings.TrimRight(string(in), "\n"), "\n\n") {
				lines, _, isCase := strings.Cut(block, "\n----")
				if isCase {
					block = strings.TrimRight(lines+"\n----\n"+sc.run(strings.Split(lines, "\n")), "\n")
				}
				out = append(out, block)
			}
			golden(t, file, strings.Join(out, "\n\n")+"\n")
		})
	}
}

type script struct {
	t   *testing.T
	g   *Registry
	ctx *Context
	d   *Describer
}

func (sc *script) run(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		words := splitWords(line)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case words[0] == "rows":
			sc.rows(&b, words[1], words[2:])
		case words[0] == "user":
			sc.ctx.User = words[1]
		case words[0] == "path":
			sc.ctx.SearchPath = words[1:]
		default:
			sc.call(&b, line, words)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// splitWords splits at blanks outside of quotes.
func splitWords(line string) []string {
	var out []string
	quoted, word := false, ""
	for _, r := range line + " " {
		if r == '\'' {
			quoted = !quoted
		}
		if r == ' ' && !quoted {
			if word != "" {
				out = append(out, word)
			}
			word = ""
			continue
		}
		word += string(r)
	}
	return out
}

func (sc *script) rows(b *strings.Builder, relation string, words []string) {
	schema, name, _ := strings.Cut(relation, ".")
	r := sc.g.Lookup(schema, name)
	if r == nil {
		sc.t.Fatalf("no relation %s", relation)
	}
	var columns []int
	where := map[int]string{}
	for i, w := range words {
		if w == "where" {
			for _, cond := range words[i+1:] {
				c, v, _ := strings.Cut(cond, "=")
				where[r.ColumnIndex(c)] = v
			}
			break
		}
		columns = append(columns, r.ColumnIndex(w))
	}
	env := &types.Env{Names: sc.d}
	for _, row := range rowsOf(sc.t, sc.g, sc.ctx, r, nil) {
		show := func(i int) string {
			if row[i].Null {
				return "NULL"
			}
			return string(types.AppendText(env, nil, r.Columns[i].Type, row[i]))
		}
		keep := true
		for i, v := range where {
			keep = keep && show(i) == v
		}
		if !keep {
			continue
		}
		var cells []string
		if columns == nil {
			for i, c := range r.Columns {
				if !row[i].Null {
					cells = append(cells, c.Name+"="+show(i))
				}
			}
		}
		for _, i := range columns {
			cells = append(cells, show(i))
		}
		b.WriteString(strings.Join(cells, "|") + "\n")
	}
}

func (sc *script) call(b *strings.Builder, line string, words []string) {
	var args []types.Datum
	for _, w := range words[1:] {
		args = append(args, sc.argument(w))
	}
	v, ok, err := sc.d.Describe(words[0], args)
	var e *sqlerr.Error
	switch {
	case errors.As(err, &e):
		fmt.Fprintf(b, "%s => ERROR %s: %s\n", line, e.Code, e.Message)
	case err != nil:
		sc.t.Fatal(err)
	case !ok:
		fmt.Fprintf(b, "%s => NULL\n", line)
	case strings.HasPrefix(words[0], "current_schemas"):
		fmt.Fprintf(b, "%s => %s\n", line,
			types.AppendText(nil, nil, types.ArrayOf(types.Of(types.Name)), v))
	case v.S != "":
		fmt.Fprintf(b, "%s => %q\n", line, v.S)
	default:
		fmt.Fprintf(b, "%s => %d\n", line, v.I)
	}
}

func (sc *script) argument(w string) types.Datum {
	s := sc.ctx.Snapshot
	switch {
	case w == "NULL":
		return types.NullDatum
	case w[0] == '\'':
		return types.TextDatum(strings.Trim(w, "'"))
	case strings.HasPrefix(w, "@"):
		name := w[1:]
		for _, k := range []types.Kind{types.Regclass, types.Regtype, types.Regproc} {
			if oid, ok := sc.d.OIDOf(k, name); ok {
				return types.IntDatum(int64(oid))
			}
		}
		sc.t.Fatalf("no object %s", name)
	case strings.HasPrefix(w, "schema:"):
		return types.IntDatum(int64(s.Schema(w[7:]).OID))
	case strings.HasPrefix(w, "role:"):
		return types.IntDatum(int64(s.Role(w[5:]).OID))
	case strings.HasPrefix(w, "constraint:"):
		found := slices.Collect(func(yield func(catalog.OID) bool) {
			sc.g.world(s).eachConstraint(func(c *constraintRow) error {
				if c.name == w[len("constraint:"):] {
					yield(c.oid)
				}
				return nil
			})
		})
		return types.IntDatum(int64(found[0]))
	}
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		sc.t.Fatal(err)
	}
	return types.IntDatum(n)
}
