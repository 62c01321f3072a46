package planner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// maxLimitTime bounds the planning of the largest statements. It has room for a machine that
// is busy; what is not linear takes minutes.
const maxLimitTime = 20 * time.Second

// TestBigStatements plans statements at and beyond the limits: each is planned or refused
// with the code that PostgreSQL has, in bounded time.
func TestBigStatements(t *testing.T) {
	list := func(first, n int, column string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, column, first+i)
		}
		return b.String()
	}
	columns := func(n int, column string) string { return list(0, n, column) }
	for name, test := range map[string]struct {
		text string
		code sqlerr.Code
	}{
		"10 MB of a string":   {"SELECT '" + strings.Repeat("x", 10<<20) + "'", ""},
		"10 MB of a comment":  {"SELECT 1 /*" + strings.Repeat("x", 10<<20) + "*/", ""},
		"10 MB of space":      {"SELECT" + strings.Repeat(" ", 10<<20) + "1", ""},
		"IN of 100,000":       {"SELECT * FROM t WHERE id IN (" + columns(100_000, "%d") + ")", ""},
		"IN of texts":         {"SELECT * FROM t WHERE b IN (" + columns(50_000, "'v%d'") + ")", ""},
		"NOT IN of calls":     {"SELECT * FROM t WHERE id NOT IN (" + columns(20_000, "abs(%d)") + ")", ""},
		"VALUES of 100,000":   {"SELECT * FROM (VALUES " + columns(100_000, "(%d, 'x')") + ") v", ""},
		"INSERT of 50,000":    {"INSERT INTO t (id, a, b) VALUES " + columns(50_000, "(%d, 1, 'x')"), ""},
		"OR of 5,000":         {"SELECT * FROM t WHERE " + strings.Repeat("a = 1 OR ", 5000) + "b = 'x'", ""},
		"AND of 5,000":        {"SELECT * FROM t WHERE " + strings.Repeat("a <> 1 AND ", 5000) + "b = 'x'", ""},
		"sum of 500":          {"SELECT " + strings.Repeat("a + ", 500) + "1 FROM t", ""},
		"sum of 5,000":        {"SELECT " + strings.Repeat("a + ", 5000) + "1 FROM t", "54001"},
		"10,000 brackets":     {"SELECT " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), "54001"},
		"500 cases":           {"SELECT " + strings.Repeat("CASE WHEN a > 1 THEN ", 500) + "1" + strings.Repeat(" END", 500) + " FROM t", ""},
		"1,664 targets":       {"SELECT " + columns(1664, "%d") + " FROM t", ""},
		"1,665 targets":       {"SELECT " + columns(1665, "%d") + " FROM t", "54011"},
		"1,600 columns":       {"CREATE TABLE wide (" + columns(1600, "c%d int") + ", PRIMARY KEY (c0))", ""},
		"1,601 columns":       {"CREATE TABLE wide (" + columns(1601, "c%d int") + ", PRIMARY KEY (c0))", "54011"},
		"200 unions":          {"SELECT 1" + strings.Repeat(" UNION SELECT 2", 200), ""},
		"100 arguments":       {"SELECT coalesce(" + columns(100, "%d") + ")", ""},
		"100 WITH":            {"WITH " + columns(100, "q%d AS (SELECT 1)") + " SELECT * FROM q0", ""},
		"4,000 WITH":          {"WITH " + columns(4000, "q%d AS (SELECT 1)") + " SELECT * FROM q0", ""},
		"100,000 WITH":        {"WITH " + columns(100_000, "q%d AS (SELECT 1)") + " SELECT * FROM q0", "54001"},
		"100,000 targets":     {"SELECT " + columns(100_000, "%d"), "54011"},
		"IN of parameters":    {"SELECT * FROM t WHERE id IN (" + list(1, 65_535, "$%d") + ")", ""},
		"1,600 without key":   {"CREATE TABLE wide (" + columns(1600, "c%d int") + ")", ""},
		"1,601 without key":   {"CREATE TABLE wide (" + columns(1601, "c%d int") + ")", "54011"},
		"1,000 cross joins":   {"SELECT 1 FROM " + columns(1000, "t t%d"), ""},
		"zero byte":           {"SELECT 'a\x00b'", "22021"},
		"not UTF-8":           {"SELECT 'a\xffb'", "22021"},
		"half a character":    {"SELECT 'a\xc3'", "22021"},
		"unterminated string": {"SELECT '" + strings.Repeat("x", 1<<20), "42601"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			if out := s.run("do", positionTables); out != "" {
				t.Fatal(out)
			}
			start := time.Now()
			code := limitCode(s, test.text)
			took := time.Since(start)
			if code != string(test.code) {
				t.Errorf("code %q, want %q", code, test.code)
			}
			if took > maxLimitTime {
				t.Errorf("took %s", took)
			}
			t.Logf("%s", took.Round(time.Millisecond))
		})
	}
}

// limitCode gives the SQLSTATE that planning a statement, or applying its command to the
// catalog, fails with.
func limitCode(s *script, text string) string {
	if code, _ := failure(s, text); code != "" {
		return code
	}
	stmts, err := parse.Parse(text)
	if err != nil {
		return string(sqlerr.As(err).Code)
	}
	p, err := Build(stmts[0], s.env(text))
	if err == nil && p.Command != nil {
		_, _, err = s.snap.Apply(s.snap.Version+1, p.Command)
	}
	if err != nil {
		return string(sqlerr.As(err).Code)
	}
	return ""
}
