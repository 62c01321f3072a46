package parse

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millracedb/millrace/sql"
)

// seeds adds every input of the corpus.
func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("../../testdata/sql/*.test")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		cases, _ := splitCases(&testing.T{}, string(text))
		for _, c := range cases {
			f.Add(c.input)
		}
	}
	f.Add(benchLong)
}

// FuzzParse: no text makes the parser panic or hang, and what it accepts can be printed,
// parsed again to the same tree, and walked.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		if err != nil {
			if got := shortError(err); got[:5] == "XX000" {
				t.Fatalf("%q: %s", text, got)
			}
			return
		}
		for _, s := range list {
			start, end := s.Range()
			if start < 0 || end < start || end > len(text) {
				t.Fatalf("%q: range %d-%d", text, start, end)
			}
			sql.Walk(s, func(n sql.Node) bool {
				if at := n.Pos(); at < 0 || at > len(text) {
					t.Fatalf("%q: %T at %d", text, n, at)
				}
				return true
			})
			if problem := roundTrip(s); problem != "" {
				t.Fatalf("%q: %s", text, problem)
			}
		}
	})
}

// FuzzExpr does the same for expressions alone, which the fuzzer varies faster.
func FuzzExpr(f *testing.F) {
	for _, s := range []string{"a + b * c", "NOT a IS NULL", "f(x => y, z := 1) OVER (ORDER BY a)",
		"a BETWEEN b AND c", "~a || -b[1]", "(a).b.c->d", "CASE a WHEN 1 THEN 2 END",
		"a::numeric(1,2)[]", "interval '1' day", "a = ANY (SELECT 1)", "(SELECT 1)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseExpr(text)
		if err != nil {
			return
		}
		s := &sql.SelectStmt{Query: &sql.Query{Body: &sql.Select{Items: []sql.Item{{X: x}}}}}
		if problem := roundTrip(s); problem != "" {
			t.Fatalf("%q: %s", text, problem)
		}
	})
}
