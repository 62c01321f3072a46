package exec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/catalog"
)

// waitState waits until a query is in a state.
func (n *node) waitState(name string, want catalog.QueryState) *catalog.Query {
	n.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		p := n.engine.Pin()
		for _, q := range p.Catalog.Queries() {
			if q.Name == name && q.State == want {
				p.Release()
				return q
			}
		}
		p.Release()
		if time.Now().After(deadline) {
			n.t.Fatalf("query %s does not become %v", name, want)
		}
		mustRun(n.t, n, "INSERT INTO beat VALUES (1)")
	}
}

// TestFullState: a query whose state reaches the limit of a store fails with a
// text that says so; the others go on, and what was written stays.
func TestFullState(t *testing.T) {
	n := newNode(t, options{partitions: 1, storeBytes: 4 << 20})
	mustRun(t, n, "CREATE STREAM beat (x int)")
	mustRun(t, n, "CREATE STREAM s (k bigint, v text)")
	mustRun(t, n, `CREATE MATERIALIZED VIEW heavy AS
		SELECT v, count(*) AS n FROM s GROUP BY v;
		CREATE MATERIALIZED VIEW light AS SELECT k % 10 AS g, count(*) AS n FROM s GROUP BY k % 10`)
	for i := range 40 {
		mustRun(t, n, fmt.Sprintf(`INSERT INTO s SELECT g, repeat('x', 1000) || g
			FROM generate_series(%d, %d) AS g`, i*1000, i*1000+999))
	}
	q := n.waitState("CTAS_HEAVY_1", catalog.QueryFailed)
	if q.SQLState != "53200" || !strings.Contains(q.Error, "full") &&
		!strings.Contains(q.Error, "exceed") {
		t.Errorf("%s: %s", q.SQLState, q.Error)
	}
	rows, err := n.run("SELECT sum(n) FROM light")
	if err != nil || !slices.Equal(rows, []string{"40000"}) {
		t.Errorf("the other view: %v, %v", rows, err)
	}
	mustRun(t, n, "DROP MATERIALIZED VIEW heavy")
}

// TestFullTable: a table that is full refuses writes instead of stopping the node.
func TestFullTable(t *testing.T) {
	n := newNode(t, options{partitions: 1, storeBytes: 4 << 20})
	mustRun(t, n, "CREATE TABLE t (k bigint PRIMARY KEY, v text)")
	var err error
	for i := 0; i < 40 && err == nil; i++ {
		_, err = n.run(fmt.Sprintf(`INSERT INTO t SELECT g, repeat('x', 1000)
			FROM generate_series(%d, %d) AS g`, i*200, i*200+199))
	}
	if err == nil || !strings.Contains(errorText(err), "53200") {
		t.Fatalf("got %v", err)
	}
	if rows, err := n.run("SELECT count(*) > 3000 FROM t"); err != nil || rows[0] != "true" && rows[0] != "t" {
		t.Errorf("%v, %v", rows, err)
	}
}

// pressed runs a workload whose state is several times the budget: a table that is
// updated at random, an aggregate and a join over it, with restarts.
func pressed(t testing.TB, n *node, rounds, rows int) {
	t.Helper()
	mustRun(t, n, "CREATE STREAM s (k bigint, v bigint, pad text)")
	mustRun(t, n, "CREATE TABLE t (k bigint PRIMARY KEY, name text)")
	mustRun(t, n, `CREATE MATERIALIZED VIEW sums AS
		SELECT k, count(*) AS n, sum(v) AS total, max(v) AS hi FROM s GROUP BY k`)
	mustRun(t, n, `CREATE MATERIALIZED VIEW joined AS
		SELECT t.k, t.name, a.n FROM t JOIN (SELECT k, count(*) AS n FROM s GROUP BY k) a
		ON a.k = t.k`)
	for i := range rounds {
		mustRun(t, n, fmt.Sprintf(`INSERT INTO s SELECT (g * 7919 + %d) %% 80021, g %% 1000,
			repeat('p', 20) FROM generate_series(1, %d) AS g`, i*31, rows))
		mustRun(t, n, fmt.Sprintf(`INSERT INTO t SELECT (g * 104729 + %d) %% 80021,
			repeat('n', 100) || %d FROM generate_series(1, %d) AS g`, i*17, i, rows/4))
	}
}

// TestMemoryBudget: with a budget of a quarter of the state, views equal their
// SELECTs, also after a restart, and state stays within the budget.
func TestMemoryBudget(t *testing.T) {
	const budget = 12 << 20
	n := newNode(t, options{partitions: 1, batchRows: 128, memory: budget})
	pressed(t, n, 8, 16000)
	use := n.engine.MemoryUse()
	if use.MovedOut == 0 {
		t.Skip("memory cannot be given back in parts on this system")
	}
	total := use.Used + use.Spilled
	t.Logf("state %d, %+v", total, use)
	if total < 4*budget {
		t.Fatalf("the state is %d bytes only", total)
	}
	if use.Used > budget*13/10 {
		t.Errorf("%d bytes in memory, of %d", use.Used, budget)
	}
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	n.reopen()
	mustRun(t, n, "UPDATE t SET name = 'new' WHERE k < 100")
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
}
