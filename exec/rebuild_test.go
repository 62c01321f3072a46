package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner"
)

// rebuiltViews keep state of all kinds: groups, distinct values, ordered values, joins,
// numbered rows, views over views.
const rebuiltViews = `
CREATE MATERIALIZED VIEW counts AS SELECT g, count(*) AS n, sum(v) AS total FROM s GROUP BY g;
CREATE MATERIALIZED VIEW lists AS SELECT g, array_agg(v ORDER BY v DESC) AS l, max(v) AS hi,
	count(DISTINCT v) AS d FROM s GROUP BY g;
CREATE MATERIALIZED VIEW rows_of_t AS SELECT g, array_agg(v ORDER BY v, k) AS l, min(v) AS lo
	FROM t GROUP BY g;
CREATE MATERIALIZED VIEW joined AS SELECT t.k, t.v, s.v AS w FROM t LEFT JOIN s ON t.g = s.g;
CREATE MATERIALIZED VIEW top AS SELECT k, v FROM t ORDER BY v DESC, k LIMIT 3;
CREATE MATERIALIZED VIEW numbered AS SELECT k, g, row_number() OVER (PARTITION BY g ORDER BY v, k)
	AS n FROM t;
CREATE MATERIALIZED VIEW over AS SELECT c.g, c.n, l.hi FROM counts AS c JOIN lists AS l ON c.g = l.g;
CREATE MATERIALIZED VIEW one AS SELECT count(*) AS n, sum(v) AS total FROM t;
CREATE TABLE keyed AS SELECT g, max(v) AS hi FROM s GROUP BY g`

// TestRebuild changes the plans of all queries over restarts, with and without
// checkpoints and power cuts, while rows come: what is computed anew replaces what was
// there, and what is saved of it is not mixed with what an older form had saved.
func TestRebuild(t *testing.T) {
	defer func() { planner.PlanVersion = 0 }()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, o := range []options{
		{name: "checkpoints", partitions: 3, workers: 1, checkpoint: true},
		{name: "power cuts", partitions: 2, workers: 2, crash: true},
		{name: "checkpoints and power cuts", partitions: 1, workers: 1, crash: true,
			checkpoint: true},
		{name: "queries leave", partitions: 3, workers: 2, checkpoint: true, leave: true},
	} {
		t.Run(o.name, func(t *testing.T) { rebuild(t, o, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func rebuild(t *testing.T, o options, r *rand.Rand) {
	n := newNode(t, o)
	mustRun(t, n, "CREATE STREAM s (g int, v int)")
	mustRun(t, n, "CREATE TABLE t (k int PRIMARY KEY, g int, v int)")
	for _, text := range strings.Split(rebuiltViews, ";") {
		mustRun(t, n, text)
	}
	for range 40 {
		switch r.IntN(6) {
		case 0:
			mustRun(t, n, fmt.Sprintf("DELETE FROM t WHERE k %% 7 = %d", r.IntN(7)))
		case 1, 2:
			mustRun(t, n, fmt.Sprintf("INSERT INTO s SELECT x %% 3, %d - x FROM generate_series(1, %d) AS x",
				r.IntN(9), 1+r.IntN(5)))
		default:
			mustRun(t, n, fmt.Sprintf("INSERT INTO t SELECT (x * %d) %% 20, x %% 4, x %% 5 "+
				"FROM generate_series(1, %d) AS x GROUP BY 1, 2, 3", 1+r.IntN(9), 1+r.IntN(5)))
		}
		if r.IntN(3) == 0 {
			planner.PlanVersion += uint64(r.IntN(2))
			n.reopen()
			if r.IntN(2) == 0 { // while history is read, as it may be
				mustRun(t, n, "PAUSE lists")
				mustRun(t, n, "INSERT INTO s VALUES (1, 7)")
				mustRun(t, n, "RESUME lists")
			}
		}
		if r.IntN(3) == 0 {
			n.waitRebuilt()
			if err := n.checkViews(); err != nil {
				t.Fatal(err)
			}
			same(t, n, "keyed", "SELECT g, max(v) AS hi FROM s GROUP BY g")
		}
	}
	n.waitRebuilt()
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
}

// same compares a relation with a SELECT.
func same(t *testing.T, n *node, name, text string) {
	t.Helper()
	got, err := n.run("SELECT * FROM " + name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := n.run(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, want); d != "" {
		t.Fatalf("%s differs from its SELECT (-SELECT +%s):\n%s", name, name, d)
	}
}
