package lint

import (
	"bytes"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Limits of size, from measurements of code that is easy to read.
const (
	maxFunction = 70  // lines; a table of cases may say //tidy:long and why
	maxFile     = 800 // lines; then split by verb of the same noun
	maxLine     = 110 // characters: 100 by intent
)

func TestFunctionLength(t *testing.T) {
	files(t, func(path string, fset *token.FileSet, f *ast.File) {
		allowed := map[int]bool{}
		for _, g := range f.Comments {
			for _, c := range g.List {
				if strings.HasPrefix(c.Text, "//tidy:long ") {
					allowed[fset.Position(c.Pos()).Line] = true
				}
			}
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			from, to := fset.Position(fn.Pos()).Line, fset.Position(fn.End()).Line
			long := allowed[from] || allowed[from-1] || allowed[fset.Position(fn.Body.Lbrace).Line]
			if to-from+1 > maxFunction && !long {
				t.Errorf("%s:%d: %s has %d lines, at most %d: split it, or say //tidy:long and why",
					path, from, fn.Name.Name, to-from+1, maxFunction)
			}
		}
	})
}

func TestFilesAndLines(t *testing.T) {
	files(t, func(path string, fset *token.FileSet, f *ast.File) {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(b, []byte("\n"))
		if len(lines) > maxFile && !ast.IsGenerated(f) {
			t.Errorf("%s has %d lines, at most %d: split it by verb of the same noun",
				path, len(lines), maxFile)
		}
		for i, l := range lines {
			if n := len([]rune(string(l))); n > maxLine && !ast.IsGenerated(f) {
				t.Errorf("%s:%d has %d characters, at most %d: break the line", path, i+1, n, maxLine)
			}
		}
	})
}

func TestPackageComments(t *testing.T) {
	has, seen := map[string]bool{}, map[string]bool{}
	files(t, func(path string, _ *token.FileSet, f *ast.File) {
		dir := filepath.ToSlash(filepath.Dir(path))
		seen[dir] = true
		has[dir] = has[dir] || f.Doc != nil
	})
	for dir := range seen {
		if !has[dir] {
			t.Errorf("%s has no package comment: say what it is, what it is not, and its one invariant", dir)
		}
	}
}

// foreign finds words that do not belong in the project.
var foreign = regexp.MustCompile(`(?i)\b(TODO|FIXME|XXX)\b`)

func TestNothingLeftOpen(t *testing.T) {
	files(t, func(path string, fset *token.FileSet, f *ast.File) {
		for _, g := range f.Comments {
			if m := foreign.FindString(g.Text()); m != "" {
				t.Errorf("%s: comment says %s: do it, or write down in docs what is missing",
					fset.Position(g.Pos()), m)
			}
		}
	})
}

// TestTestdataIsUsed finds corpora that no test reads any more.
func TestTestdataIsUsed(t *testing.T) {
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && d.Name() != "Makefile" {
			return nil
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(all.String(), "testdata/"+e.Name()) &&
			!strings.Contains(all.String(), `"testdata", "`+e.Name()+`"`) {
			t.Errorf("testdata/%s is not named by any test: use it or delete it", e.Name())
		}
	}
}
