package exec_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// TestAlterUnderSubscription: whoever reads a relation live sees what comes after its
// columns changed; who reads a column that gets another type is told so.
func TestAlterUnderSubscription(t *testing.T) {
	for _, kind := range []string{"TABLE", "STREAM"} {
		t.Run(kind, func(t *testing.T) {
			n := newNode(t, options{partitions: 3, workers: 2})
			must := func(text string) {
				t.Helper()
				if _, err := n.run(text); err != nil {
					t.Fatalf("%s: %s", text, errorText(err))
				}
			}
			key := "PRIMARY KEY"
			if kind == "STREAM" {
				key = "KEY"
			}
			must("CREATE " + kind + " r (k int " + key + ", v text, w text)")
			must("INSERT INTO r VALUES (1, 'a', '1')")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			sub := n.subscribe(ctx, "SELECT k, v FROM r EMIT CHANGES")
			typed := n.subscribe(ctx, "SELECT w FROM r EMIT CHANGES")
			must("ALTER " + kind + " r ADD COLUMN x int")
			must("INSERT INTO r VALUES (2, 'b', '2', 2)")
			must("ALTER " + kind + " r ALTER w TYPE int USING w::int")
			must("INSERT INTO r VALUES (3, 'c', 3, 3)")
			got := sorted(sub.until(n.published()))
			if want := []string{"1|a", "2|b", "3|c"}; !slices.Equal(got, want) {
				t.Errorf("the subscriber has %v, want %v", got, want)
			}
			if e := sqlerr.As(<-typed.ended); e.Code != sqlerr.FeatureNotSupported {
				t.Errorf("the reader of the column got %v", e)
			}
			must("DROP " + kind + " r")
			if e := sqlerr.As(<-sub.ended); e.Code != sqlerr.UndefinedTable {
				t.Errorf("after DROP the subscriber got %v", e)
			}
		})
	}
}

// TestAlterUnderBackfill: a query that reads history while columns are added is as right
// as one that was there before. Where in the history the changes fall is left to chance.
func TestAlterUnderBackfill(t *testing.T) {
	n := newNode(t, options{partitions: 3, workers: 2})
	mustRun(t, n, "CREATE TABLE t (id int PRIMARY KEY, k int, v int)")
	mustRun(t, n, "INSERT INTO t SELECT i, i % 7, i FROM generate_series(1, 20000) i")
	for i := range 6 {
		made := make(chan error, 1)
		go func() {
			_, err := n.run(fmt.Sprintf(
				"CREATE MATERIALIZED VIEW m%d AS SELECT k, count(*) AS n, sum(v) AS total FROM t GROUP BY k", i))
			made <- err
		}()
		for j := range 4 {
			mustRun(t, n, fmt.Sprintf("ALTER TABLE t ADD COLUMN c%d_%d int DEFAULT 1", i, j))
			mustRun(t, n, fmt.Sprintf("INSERT INTO t VALUES (%d, %d, 1)", 20001+4*i+j, j))
		}
		if err := <-made; err != nil {
			t.Fatal(errorText(err))
		}
		if err := n.checkViews(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := n.run("SELECT DISTINCT rows_in FROM millrace.queries")
	if err != nil || !slices.Equal(got, []string{"20024"}) {
		t.Errorf("the queries have read %v rows (%v), want 20024", got, err)
	}
}

// TestRenameKeepsPlans: a query that reads what is renamed is the same query as before, so
// that a restart finds its state.
func TestRenameKeepsPlans(t *testing.T) {
	n := newNode(t, options{partitions: 3, workers: 2})
	mustRun(t, n, "CREATE TABLE t (id int PRIMARY KEY, k int, v int)")
	mustRun(t, n, "CREATE STREAM s (id int, k int, at timestamptz)")
	mustRun(t, n, "CREATE VIEW w AS SELECT id, k, v + 1 AS next FROM t")
	for i, q := range []string{
		"SELECT id, k FROM t",
		"SELECT k, count(*) AS n FROM t GROUP BY k",
		"WITH c AS (SELECT id, k FROM t), d AS (SELECT k AS q, id FROM c) " +
			"SELECT c.k, d.q FROM c JOIN d ON c.id = d.id AND c.k = d.q",
		"SELECT x.k, (SELECT max(v) FROM t WHERE k = x.k) AS hi FROM t x " +
			"WHERE EXISTS (SELECT 1 FROM s WHERE s.k = x.k)",
		"SELECT k, sum(next) AS total FROM w GROUP BY k HAVING count(*) > 1",
		"SELECT window_start, k, count(*) AS n FROM tumble(s, at, interval '1 minute') GROUP BY 1, k",
		"SELECT id, row_number() OVER (PARTITION BY k ORDER BY v) AS r FROM t",
		"SELECT k FROM t UNION SELECT k FROM s",
		"SELECT DISTINCT ON (k) k, v FROM t ORDER BY k, v DESC",
		"SELECT t.id, s.at, s.k FROM t LEFT JOIN s ON t.k = s.k",
	} {
		mustRun(t, n, fmt.Sprintf("CREATE MATERIALIZED VIEW m%d AS %s", i, q))
	}
	before, _ := n.engine.PlanHashes()
	mustRun(t, n, "ALTER TABLE t RENAME k TO kk")
	mustRun(t, n, "ALTER STREAM s RENAME k TO key")
	mustRun(t, n, "ALTER VIEW w RENAME k TO vk")
	mustRun(t, n, "ALTER TABLE t RENAME TO tt")
	mustRun(t, n, "ALTER STREAM s RENAME TO ss")
	now, err := n.engine.PlanHashes()
	if err != nil || len(before) != 10 {
		t.Fatal(before, err)
	}
	for name, h := range before {
		if now[name] != h {
			t.Errorf("the plan of %s changed", name)
		}
	}
}
