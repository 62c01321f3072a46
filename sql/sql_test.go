package sql_test

import (
	"testing"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
)

func parseQuery(t *testing.T, text string) *sql.Query {
	t.Helper()
	s, err := parse.ParseOne(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*sql.SelectStmt).Query
}

func TestQuoteIdent(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "a_1$": "a_1$", "A": `"A"`, "1a": `"1a"`, "": `""`, "a b": `"a b"`,
		`a"b`: `"a""b"`, "select": `"select"`, "key": "key", "emit": `"emit"`, "größe": `"größe"`,
	} {
		if got := sql.QuoteIdent(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := (sql.Name{"s", "My Table"}).String(); got != `s."My Table"` {
		t.Error(got)
	}
}

func TestSpanMicros(t *testing.T) {
	for _, test := range []struct {
		n    int64
		unit sql.TimeUnit
		want int64
		ok   bool
	}{
		{0, sql.Second, 0, true},
		{5, sql.Millisecond, 5000, true},
		{2, sql.Week, 14 * 86400 * 1_000_000, true},
		{1, sql.Month, 0, false},
		{1 << 62, sql.Second, 0, false},
		{(1<<63 - 1) / 1000, sql.Millisecond, (1<<63 - 1) / 1000 * 1000, true},
	} {
		s := &sql.Span{N: test.n, Unit: test.unit}
		if got, ok := s.Micros(); got != test.want || ok != test.ok {
			t.Errorf("%s: got %d %v", s, got, ok)
		}
	}
}

func TestQueryStart(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT * FROM a EMIT CHANGES":                                 "",
		"SELECT * FROM a AS OF EPOCH 3, b EMIT CHANGES":                "3",
		"SELECT * FROM a, b AS OF EPOCH 4 EMIT CHANGES":                "4",
		"SELECT * FROM a JOIN b AS OF EPOCH 5 ON true EMIT CHANGES":    "5",
		"(SELECT * FROM f(1) AS OF EPOCH 6 LIMIT 1) EMIT CHANGES":      "6",
		"SELECT * FROM a AS OF EPOCH 1 EMIT CHANGES AS OF EPOCH 7":     "7",
		"SELECT * FROM (SELECT * FROM a AS OF EPOCH 8) x EMIT CHANGES": "",
	} {
		got := ""
		if a := parseQuery(t, text).Start(); a != nil {
			got = sql.Print(a.X)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestMaxParam(t *testing.T) {
	for text, want := range map[string]int{
		"SELECT 1": 0,
		"SELECT $2 FROM t WHERE a = (SELECT $5 LIMIT $1)":               5,
		"INSERT INTO t VALUES ($1, $2), ($3, $4) RETURNING $7":          7,
		"WITH x AS (DELETE FROM t WHERE a = $9) SELECT $1":              9,
		"UPDATE t SET a[$3] = $1 FROM u WHERE b = $2":                   3,
		"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = $2": 2,
		"EXPLAIN SELECT sum(a) OVER (ORDER BY $1 ROWS $4 PRECEDING)":    4,
	} {
		s, err := parse.ParseOne(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := sql.MaxParam(s); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}
