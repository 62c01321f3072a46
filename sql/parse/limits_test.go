package parse

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// TestLimits gives the parser texts that would cost too much; all must be refused with 54001.
func TestLimits(t *testing.T) {
	const n = 100_000
	nested := func(open, inner, end string) string {
		return "SELECT " + strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for name, text := range map[string]string{
		"a million":    "SELECT " + strings.Repeat("(", 1_000_000) + "1" + strings.Repeat(")", 1_000_000),
		"brackets":     nested("(", "1", ")"),
		"subqueries":   nested("(SELECT ", "1", ")"),
		"derived":      "SELECT * FROM " + strings.Repeat("(SELECT * FROM ", n) + "t" + strings.Repeat(") x", n),
		"subscripts":   nested("a[", "1", "]"),
		"open only":    strings.Repeat("(", n),
		"not":          nested("NOT ", "a", ""),
		"minus":        nested("- ", "a", ""),
		"sum":          nested("1 + ", "1", ""),
		"or":           nested("a OR ", "b", ""),
		"concat":       nested("a || ", "b", ""),
		"casts":        "SELECT a" + strings.Repeat("::int", n),
		"fields":       "SELECT (a)" + strings.Repeat(".b", n),
		"arrows":       "SELECT a" + strings.Repeat("->b", n),
		"case":         nested("CASE WHEN ", "a", " THEN 1 END"),
		"unions":       "SELECT 1" + strings.Repeat(" UNION SELECT 1", n),
		"joins":        "SELECT * FROM a" + strings.Repeat(" CROSS JOIN b", n),
		"tables":       "SELECT * FROM a" + strings.Repeat(", b", n),
		"types":        "SELECT x::" + strings.Repeat("ARRAY<", n) + "int" + strings.Repeat(">", n),
		"explain":      strings.Repeat("EXPLAIN ", n) + "SELECT 1",
		"prepare":      strings.Repeat("PREPARE p AS ", n) + "SELECT 1",
		"lambda":       "SELECT f(" + strings.Repeat("x => f(", n) + "1",
		"at time zone": "SELECT a" + strings.Repeat(" AT TIME ZONE 'x'", n),
		"grouping":     "SELECT 1 FROM t GROUP BY " + strings.Repeat("GROUPING SETS (", n) + "a",
		"ctes":         strings.Repeat("WITH a AS (", n) + "SELECT 1",
		"dml ctes":     strings.Repeat("WITH a AS (INSERT INTO t ", n) + "SELECT 1",
		"tokens":       strings.Repeat(",", maxTokens+1),
		"text":         strings.Repeat(" ", maxTextBytes+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(text)
			if !sqlerr.Is(err, sqlerr.StatementTooComplex) {
				t.Fatalf("got %v, want 54001", err)
			}
		})
	}
}

// TestLimitsAllow checks that what people write stays far below the limits.
func TestLimitsAllow(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": "SELECT " + strings.Repeat("(", 400) + "1" + strings.Repeat(")", 400),
		"or":       "SELECT a" + strings.Repeat(" OR a = 1", 9000),
		"in":       "SELECT a IN (1" + strings.Repeat(", 1", 100_000) + ")",
		"rows":     "INSERT INTO t VALUES (1)" + strings.Repeat(", (1 + 1)", 100_000),
		"unions":   "SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 1000),
		"columns":  "SELECT a" + strings.Repeat(", a", 10_000) + " FROM t",
		"scripts":  strings.Repeat("SELECT 1;", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if problem := roundTrip(list[0]); problem != "" {
				t.Fatalf("%.300s", problem)
			}
		})
	}
}

// TestNestedAlternatives has constructs where a simple parser would try two readings at each
// level and so take exponential time.
func TestNestedAlternatives(t *testing.T) {
	for _, parts := range [][3]string{
		{"((SELECT ", "1", ") + 1)"},
		{"((SELECT ", "1", "), 2)"},
		{"a IN ((SELECT ", "1", ") + 1)"},
		{"(VALUES (", "1", ") ORDER BY 1)"},
		{"f((a, b) => ", "1", ")"},
	} {
		text := "SELECT " + strings.Repeat(parts[0], 120) + parts[1] + strings.Repeat(parts[2], 120)
		if _, err := Parse(text); err != nil {
			t.Errorf("%q: %v", parts, err)
		}
	}
}

func TestVariables(t *testing.T) {
	vars := map[string]string{"name": "orders", "quoted": `"My Table"`, "n": "5", "s": "'it''s'",
		"bad": "a b", "inject": "a; DROP TABLE t", "cut": "'"}
	c := Config{Variables: func(n string) (string, bool) {
		v, ok := vars[n]
		return v, ok
	}}
	for _, test := range []struct{ in, want string }{
		{"SELECT * FROM ${name} LIMIT ${n}", "SELECT * FROM orders LIMIT 5"},
		{"SELECT * FROM ${quoted} WHERE a = ${s}", `SELECT * FROM "My Table" WHERE a = 'it''s'`},
		{"SELECT 'x ${name} ${none} ${', '${n}'", "SELECT 'x orders ${none} ${', '5'"},
		{"DEFINE name = 'x'; SELECT ${name}; UNDEFINE name; SELECT '${name}'",
			"DEFINE name = 'x'|SELECT x|UNDEFINE name|SELECT '${name}'"},
		{"DEFINE a = 'x'; DEFINE b = '${a}y'; SELECT ${b}", "DEFINE a = 'x'|DEFINE b = 'xy'|SELECT xy"},
		{"SELECT ${none}", `42704 @8 variable "none" is not defined | Set it with DEFINE none = 'value'.`},
		{"SELECT  ${bad}", `22023 @9 value of a variable must be one name, number or string, not "a b"`},
		{"SELECT ${inject}", `22023 @8 value of a variable must be one name, number or string, not ` +
			`"a; DROP TABLE t"`},
		{"SELECT ${cut}", `22023 @8 value of a variable must be one name, number or string, not "'"`},
		{"UNDEFINE name; SELECT ${name}", `42704 @23 variable "name" is not defined | ` +
			`Set it with DEFINE name = 'value'.`},
		{"SELECT ${name} FROM ${name} x y", `42601 @31 syntax error at or near "y"`},
		{"SELECT a FROM t WHERE ${name} ${n}", `42601 @31 syntax error at or near "5"`},
	} {
		list, err := c.Parse(test.in)
		got := shortError(err)
		if err == nil {
			var lines []string
			for _, s := range list {
				lines = append(lines, sql.Print(s))
			}
			got = strings.Join(lines, "|")
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.in, got, test.want)
		}
	}
	list, err := c.Parse("SELECT 1; SELECT a FROM ${name}")
	if err != nil {
		t.Fatal(err)
	}
	if start, end := list[1].Range(); start != 10 || end != 31 {
		t.Errorf("range of a statement that ends in a variable: %d-%d", start, end)
	}
}

// TestRanges checks that each statement knows its own text.
func TestRanges(t *testing.T) {
	text := " ;/* x */ SELECT 'é' ; INSERT INTO t VALUES (1) -- end\n;\nEXPLAIN SELECT 2;"
	list, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		start, end := s.Range()
		got = append(got, text[start:end])
	}
	want := "SELECT 'é'|INSERT INTO t VALUES (1)|EXPLAIN SELECT 2"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got %s", s)
	}
	inner := list[2].(*sql.Explain).Stmt
	if start, end := inner.Range(); text[start:end] != "SELECT 2" {
		t.Errorf("inner statement is %q", text[start:end])
	}
}

func TestParseOne(t *testing.T) {
	if _, err := ParseOne(" SELECT 1 ; ; "); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", ";", "SELECT 1; SELECT 2"} {
		if _, err := ParseOne(bad); !sqlerr.Is(err, sqlerr.SyntaxError) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Parse("SELECT '\xff'"); !sqlerr.Is(err, sqlerr.CharacterNotInRepertoire) {
		t.Errorf("not UTF-8: %v", err)
	}
	if _, err := Parse("SELECT 'a\x00b'"); !sqlerr.Is(err, sqlerr.CharacterNotInRepertoire) {
		t.Errorf("zero byte: %v", err)
	}
}

// TestCacheIsShared parses the same outlines on many goroutines; run it with -race. The trees
// must not share anything.
func TestCacheIsShared(t *testing.T) {
	texts := []string{benchShort, benchLong, "SELECT 1 UNION (SELECT 2 INTERSECT SELECT 3) ORDER BY 1",
		"WITH x AS (SELECT 1) SELECT * FROM x a, x b JOIN x c USING (d)"}
	want := make([]string, len(texts))
	for i, s := range texts {
		list, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = dumpAll(list)
	}
	var wg sync.WaitGroup
	problems := make(chan error, 64)
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				k := (g + i) % len(texts)
				list, err := Parse(texts[k])
				if err == nil && dumpAll(list) != want[k] {
					err = errors.New("another tree")
				}
				if err != nil {
					problems <- fmt.Errorf("%s: %w", texts[k], err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(problems)
	for err := range problems {
		t.Error(err)
	}
}

// TestCacheBound fills the cache with different outlines; it must stay within its bound, and
// outlines that keep coming back must stay in it.
func TestCacheBound(t *testing.T) {
	var c outlineCache
	hot, err := tidbTree("SELECT z0 FROM z1")
	if err != nil {
		t.Fatal(err)
	}
	c.put("hot", hot)
	for i := range 20_000 {
		c.put(fmt.Sprintf("SELECT z%d FROM z1 WHERE z2 GROUP BY z3", i), hot)
		if i%100 == 0 && c.get([]byte("hot")) == nil {
			t.Fatalf("the hot outline was dropped after %d", i)
		}
	}
	if c.bytes > maxGenerationBytes || len(c.old) == 0 {
		t.Errorf("young has %d bytes, old %d entries", c.bytes, len(c.old))
	}
	c.put(strings.Repeat("x", maxOutlineBytes+1), hot)
	if c.get([]byte(strings.Repeat("x", maxOutlineBytes+1))) != nil {
		t.Error("a huge outline was kept")
	}
}

// TestKeywords checks the tables of keywords against each other and against the printer.
func TestKeywords(t *testing.T) {
	for k := kwNone + 1; k < kwCount; k++ {
		name := keywordNames[k]
		if name == "" || lookupKeyword(strings.ToUpper(name)) != k {
			t.Errorf("keyword %d %q is not found", k, name)
		}
		if k > 1 && keywordNames[k-1] >= name {
			t.Errorf("keywords are out of order at %q", name)
		}
		if (reserved[k] || funcNameOnly[k]) && sql.QuoteIdent(name) == name {
			t.Errorf("the printer does not quote %q, which cannot be a name", name)
		}
	}
	if keywordNames[kwZone] != "zone" || keywordNames[kwAbort] != "abort" {
		t.Error("constants and names of keywords do not match")
	}
}
