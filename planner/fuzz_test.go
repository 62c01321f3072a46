package planner

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// fuzzCatalog is the catalog that FuzzStatement binds against: each kind of object,
// under short names that a fuzzer finds soon.
const fuzzCatalog = `
CREATE STREAM s (k int KEY, a int, b text, c double precision, ts timestamptz, d int[], j jsonb,
	WATERMARK FOR ts AS ts - INTERVAL '5 seconds');
CREATE STREAM s2 (k int KEY, a bigint, b text, r STRUCT<x int, y text>, m MAP<text, int>);
CREATE TABLE t (id int PRIMARY KEY, a int, b text DEFAULT 'x', n numeric(10, 2), e date,
	CHECK (a > 0));
CREATE TABLE u (id bigint, a int, b text, z timestamp, PRIMARY KEY (id, a));
CREATE TABLE bag (a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (x int, y text);
CREATE TABLE typed (id int PRIMARY KEY, m mood, p pair);
CREATE SEQUENCE seq;
CREATE VIEW v AS SELECT id, a, b FROM t WHERE a > 1;
CREATE MATERIALIZED VIEW mv AS SELECT b, count(*) AS n, sum(a) AS total FROM s GROUP BY b;
CREATE FUNCTION f(x int) RETURNS int LANGUAGE SQL AS 'SELECT x + 1';
CREATE ROLE r;
CREATE SCHEMA sc;
CREATE TABLE sc.t (id int PRIMARY KEY, q text);
CREATE INDEX i ON t (a);
`

// Bounds of one input of FuzzStatement. The fuzzer's own instrumentation makes code
// several times slower, which the time allows for; a machine that is busy with other
// work is allowed for by trying again. fuzzHang is when an input counts as one that
// never ends.
const (
	fuzzMaxTime  = time.Second
	fuzzMaxBytes = 256 << 20
	fuzzTries    = 4
	fuzzHang     = 30 * time.Second
)

// fuzzScript has the catalog of FuzzStatement.
func fuzzScript(tb testing.TB) *script {
	tb.Helper()
	s := newScript()
	for _, text := range strings.Split(strings.TrimSpace(fuzzCatalog), ";\n") {
		if out := s.run("do", strings.TrimSuffix(text, ";")); strings.Contains(out, "ERROR") {
			tb.Fatalf("%s\n%s", text, out)
		}
	}
	return s
}

// fuzzSeeds gives the statements of the text corpora.
func fuzzSeeds(tb testing.TB) []string {
	tb.Helper()
	var out []string
	for _, pattern := range []string{"sql", "planner", "exec"} {
		files, err := filepath.Glob("../testdata/" + pattern + "/*.test")
		if err != nil || len(files) == 0 {
			tb.Fatalf("no files in testdata/%s: %v", pattern, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				tb.Fatal(err)
			}
			for _, block := range strings.Split(string(text), "\n\n") {
				in, _, _ := strings.Cut(block, "\n----")
				if _, body, ok := strings.Cut(in, "\n"); ok {
					out = append(out, body)
				}
			}
		}
	}
	return out
}

// FuzzStatement: no text makes the parser, the printer or the binder panic, hang or take
// memory without bound; what a statement prints plans as the statement does, and a
// continuous query that is accepted can be built.
func FuzzStatement(f *testing.F) {
	for _, text := range fuzzSeeds(f) {
		f.Add(text)
	}
	s := fuzzScript(f)
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		took := fuzzTimed(t, s, text)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > fuzzMaxBytes {
			t.Fatalf("allocated %d bytes: %q", n, text)
		}
		for try := 1; took > fuzzMaxTime; try++ {
			if try == fuzzTries {
				t.Fatalf("took %s: %q", took, text)
			}
			took = min(took, fuzzTimed(t, s, text))
		}
	})
}

// fuzzTimed runs one input and gives the time it took. An input that does not end kills
// the process, which the fuzzer notices.
func fuzzTimed(t *testing.T, s *script, text string) time.Duration {
	watchdog := time.AfterFunc(fuzzHang, func() {
		panic(fmt.Sprintf("did not end within %s: %q", fuzzHang, text))
	})
	defer watchdog.Stop()
	start := time.Now()
	fuzzOne(t, s, text)
	return time.Since(start)
}

func fuzzOne(t *testing.T, s *script, text string) {
	stmts, err := parse.Parse(text)
	if err != nil {
		fuzzError(t, text, err)
		return
	}
	for _, st := range stmts {
		fuzzPlan(t, s, st, text)
	}
}

// fuzzError refuses errors that say the program is wrong, not the statement.
func fuzzError(t *testing.T, text string, err error) {
	t.Helper()
	if e := sqlerr.As(err); e.Code == sqlerr.InternalError || e.Offset > len(text)+1 {
		t.Fatalf("%q: %s at %d: %s", text, e.Code, e.Offset, e.Message)
	}
}

func fuzzPlan(t *testing.T, s *script, st sql.Statement, text string) {
	p, err := Build(st, s.env(text))
	printed, perr := parse.ParseOne(sql.Print(st))
	if perr != nil {
		t.Fatalf("%q prints %q: %v", text, sql.Print(st), perr)
	}
	if _, again := Build(printed, s.env(sql.Print(st))); (again == nil) != (err == nil) {
		t.Fatalf("%q: %v; printed %q: %v", text, err, sql.Print(st), again)
	}
	if err != nil {
		fuzzError(t, text, err)
		return
	}
	if p.Command == nil {
		return
	}
	next, change, err := s.snap.Apply(s.snap.Version+1, p.Command)
	if err != nil {
		fuzzError(t, text, err)
		return
	}
	for _, q := range change.Queries {
		env := s.env("")
		env.Snapshot = next
		if _, err := BuildContinuous(q, env); err != nil && q.State == catalog.QueryBackfilling {
			t.Fatalf("%q: a query that was accepted cannot be built: %v", text, err)
		}
	}
}
