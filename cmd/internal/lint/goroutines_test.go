package lint

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoroutinesAreListed demands that each file that starts goroutines is in the
// table of docs/internals/ARCHITECTURE.md, which says who ends them.
func TestGoroutinesAreListed(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs", "internals", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "\n## Goroutines\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no section Goroutines")
	}
	listed := map[string]bool{} // whether a file in the table starts any
	for line := range strings.Lines(table) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			file, _, _ := strings.Cut(cell, "`")
			listed[file] = false
		}
	}
	files(t, func(path string, fset *token.FileSet, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if !starts(n) {
				return true
			}
			if _, ok := listed[path]; !ok {
				t.Errorf("%s starts a goroutine and is not in the table of "+
					"docs/internals/ARCHITECTURE.md: say what it does and how it ends",
					fset.Position(n.Pos()))
			}
			listed[path] = true
			return true
		})
	})
	for file, used := range listed {
		if !used {
			t.Errorf("%s is in the table of ARCHITECTURE.md and starts no goroutine: "+
				"take it out", file)
		}
	}
}

// starts tells whether a node starts a goroutine: a go statement, or Go of a
// sync.WaitGroup.
func starts(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		s, ok := n.Fun.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Go" && len(n.Args) == 1
	}
	return false
}
