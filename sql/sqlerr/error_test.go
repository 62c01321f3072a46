package sqlerr

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// codes gives the constants of codes.go by their code.
func codes(t *testing.T) map[Code]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[Code]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if old := found[Code(code)]; old != "" {
			t.Errorf("%s and %s are both %s", old, spec.Names[0].Name, code)
		}
		found[Code(code)] = spec.Names[0].Name
		return true
	})
	return found
}

// TestEveryCodeIsDocumented demands a sentence and an example, or the test that
// provokes it, for each code.
func TestEveryCodeIsDocumented(t *testing.T) {
	missing := codes(t)
	for _, d := range Docs() {
		if missing[d.Code] == "" {
			t.Errorf("%s is documented twice, or is no constant of codes.go", d.Code)
		}
		delete(missing, d.Code)
		if d.Name == "" || d.When == "" || (d.Example == "") == (d.Test == "") {
			t.Errorf("%s needs a name, a sentence, and either an example or a test", d.Code)
		}
	}
	for code, name := range missing {
		t.Errorf("%s (%s) is not in the tables: say in a sentence when it is given, with an example",
			name, code)
	}
}

// TestInternalError: an error that is none of ours is shown as XX000.
func TestInternalError(t *testing.T) {
	cause := errors.New("lost my way")
	e := As(cause)
	if e.Code != InternalError || e.Message != "lost my way" || !errors.Is(e, cause) {
		t.Errorf("got %v", e)
	}
	if As(nil) != nil {
		t.Error("no error is an error")
	}
	if d := New(DivisionByZero, "division by zero"); As(d) != d || !Is(d, DivisionByZero) {
		t.Error("an error of ours is changed")
	}
}
