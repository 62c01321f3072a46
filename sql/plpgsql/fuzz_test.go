package plpgsql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// FuzzParse: no text makes the parser panic or run on, and what it refuses it refuses with
// an offset in the text.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../testdata/plpgsql/*.test")
	if err != nil || len(files) == 0 {
		f.Fatalf("no blocks: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "\n\n") {
			in, _, _ := strings.Cut(block, "\n----")
			list, err := parse.Parse(in)
			if err != nil {
				continue
			}
			for _, s := range list {
				if d, ok := s.(*sql.Do); ok {
					f.Add(d.Body)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		prog, err := plpgsql.Parse(body)
		if err == nil {
			if prog.Body == nil {
				t.Error("a program without a block")
			}
			return
		}
		if e := sqlerr.As(err); e.Code == sqlerr.InternalError || e.Offset > len(body)+1 {
			t.Errorf("%v at %d of %d", e, e.Offset, len(body))
		}
	})
}
