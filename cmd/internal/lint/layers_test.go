package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/millracedb/millrace/"

var root = filepath.Join("..", "..", "..")

// floors says which folders each folder may import, besides itself. If a build
// breaks this test, move the code, not the policy.
var floors = map[string][]string{
	"sql":     {},
	"log":     {},
	"catalog": {"sql"},
	"planner": {"sql", "catalog"},
	"exec":    {"sql", "catalog", "planner", "log"},
	"pgwire":  {"sql", "catalog", "planner", "exec"},
	"cmd":     {"sql", "catalog", "planner", "exec", "log", "pgwire"},
}

// doors names the only folders that may import an outside package, so that each
// dependency can be replaced in one place, and that the deterministic part
// touches neither disk, network nor chance.
var doors = map[string][]string{
	"github.com/pingcap/tidb":              {"sql/parse"},
	"github.com/jackc/pgproto3":            {"pgwire"},
	"github.com/jackc/pgx":                 {"cmd"},
	"github.com/cockroachdb/pebble/v2":     {"exec/state"},
	"github.com/cockroachdb/pebble/v2/vfs": {"exec", "log", "cmd"},
	"github.com/hashicorp/raft":            {"log"},
	"github.com/spf13/cobra":               {"cmd/millrace"},
	"github.com/klauspost/compress":        {"log/segment", "exec/state", "cmd"},
	"github.com/prometheus/client_golang":  {"log", "exec", "pgwire", "cmd"},
	"net":                                  {"log/transport", "pgwire", "cmd"},
	"os":                                   {"log/wal", "cmd"},
	"math/rand":                            {},
	"math/rand/v2":                         {},
	"log":                                  {}, // use log/slog
}

// files calls fn with every Go file that is not a test, parsed.
func files(t *testing.T, fn func(path string, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(rel), fset, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLayers(t *testing.T) {
	files(t, func(path string, _ *token.FileSet, f *ast.File) {
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkFloor(t, dir, imp)
			checkDoor(t, dir, imp)
		}
	})
}

func checkFloor(t *testing.T, from, imp string) {
	t.Helper()
	to, ours := strings.CutPrefix(imp, module)
	if ours && top(from) != top(to) && !slices.Contains(floors[top(from)], top(to)) {
		t.Errorf("%s imports %s: %s may import only %v; move the code to the side that may know both",
			from, to, top(from), floors[top(from)])
	}
}

// checkDoor looks at the most specific door of an import.
func checkDoor(t *testing.T, from, imp string) {
	t.Helper()
	best := ""
	for dep := range doors {
		below := strings.Contains(dep, ".") && strings.HasPrefix(imp, dep+"/")
		if (imp == dep || below) && len(dep) > len(best) {
			best = dep
		}
	}
	if best == "" {
		return
	}
	inside := func(dir string) bool { return from == dir || strings.HasPrefix(from, dir+"/") }
	if !slices.ContainsFunc(doors[best], inside) {
		t.Errorf("%s imports %s: only %v may; inject what is needed instead", from, imp, doors[best])
	}
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// deterministic are the folders that must not know the time.
var deterministic = []string{"sql", "planner", "catalog", "exec/op", "exec/state", "exec/codec", "log/segment"}

func TestNoClockInTheDeterministicPart(t *testing.T) {
	files(t, func(path string, fset *token.FileSet, f *ast.File) {
		if !slices.ContainsFunc(deterministic, func(d string) bool {
			return strings.HasPrefix(path, d+"/")
		}) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "Sleep"}, s.Sel.Name) {
				t.Errorf("%s reads the clock: take the time from the epoch or the environment",
					fset.Position(n.Pos()))
			}
			return true
		})
	})
}
