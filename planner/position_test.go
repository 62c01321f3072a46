package planner

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// positionTables are the tables that the statements of positions.golden were recorded
// over.
const positionTables = `
CREATE TABLE t (id int PRIMARY KEY, a int, b text, n numeric(10, 2), e date);
CREATE TABLE u (id bigint, a int, b text, z timestamp, PRIMARY KEY (id, a))`

// Shares of the wrong statements that must have PostgreSQL's position, and its SQLSTATE.
// The others are mostly clauses that Millrace knows more words for.
const (
	minPositions = 0.965
	minCodes     = 0.98
)

// TestPositions compares the place that errors point at with PostgreSQL's.
func TestPositions(t *testing.T) {
	text, err := os.ReadFile("../testdata/planner/positions.golden")
	if err != nil {
		t.Fatal(err)
	}
	s := newScript()
	if out := s.run("do", positionTables); out != "" {
		t.Fatal(out)
	}
	var n, codes, places int
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.SplitN(line, "\t", 3)
		if strings.HasPrefix(line, "#") || len(f) != 3 {
			continue
		}
		want, err := strconv.Atoi(f[1])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		code, at := failure(s, f[2])
		n++
		if code == f[0] {
			codes++
		}
		if at == want {
			places++
		}
		if code != f[0] || at != want {
			t.Logf("%s @%d, PostgreSQL %s @%d: %s", code, at, f[0], want, f[2])
		}
	}
	t.Logf("of %d statements %d have PostgreSQL's position, %d its SQLSTATE", n, places, codes)
	if float64(places) < minPositions*float64(n) || float64(codes) < minCodes*float64(n) {
		t.Errorf("of %d statements only %d have PostgreSQL's position, %d its SQLSTATE", n, places,
			codes)
	}
}

// failure gives the SQLSTATE and the position in characters of a statement's error; ""
// where it has none.
func failure(s *script, text string) (code string, at int) {
	stmts, err := parse.Parse(text)
	if err == nil {
		for _, st := range stmts {
			if p, ok := st.(*sql.Prepare); ok {
				st = p.Stmt // the session plans it
			}
			if _, err = Build(st, s.env(text)); err != nil {
				break
			}
		}
	}
	if err == nil {
		return "", 0
	}
	e := sqlerr.As(err)
	if at = e.Position; e.Offset > 0 {
		at = utf8.RuneCountInString(text[:min(e.Offset-1, len(text))]) + 1
	}
	return string(e.Code), at
}
