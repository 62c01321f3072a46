package exec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPause pauses queries over streams and over tables while rows come, over restarts,
// checkpoints and power cuts: after RESUME each shows what it would have without.
func TestPause(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, o := range []options{
		{name: "memory", partitions: 3, workers: 2},
		{name: "restart", partitions: 2, workers: 1, restart: true},
		{name: "checkpoints", partitions: 3, workers: 1, restart: true, checkpoint: true, sealBytes: 1},
		{name: "power cuts", partitions: 1, workers: 1, restart: true, checkpoint: true, crash: true},
	} {
		t.Run(o.name, func(t *testing.T) { pauses(t, o, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func pauses(t *testing.T, o options, r *rand.Rand) {
	n := newNode(t, o)
	mustRun(t, n, `CREATE STREAM s (g int, v int);
		CREATE TABLE t (k int PRIMARY KEY, v int);
		CREATE STREAM big AS SELECT g, v FROM s WHERE v > 2;
		CREATE MATERIALIZED VIEW counts AS SELECT g, count(*) AS n, array_agg(v) AS l FROM s GROUP BY g;
		CREATE TABLE latest AS SELECT g, latest_by_offset(v) AS v FROM s GROUP BY g;
		CREATE MATERIALIZED VIEW j AS SELECT s.g, t.v FROM s JOIN t ON s.g = t.k;
		CREATE MATERIALIZED VIEW pairs AS SELECT a.g, b.v FROM s AS a JOIN big AS b ON a.g = b.g AND a.v = b.v`)
	names := []string{"big", "counts", "latest", "j", "pairs"}
	paused := map[string]bool{}
	for range 40 {
		name := names[r.IntN(len(names))]
		switch k := r.IntN(8); {
		case k < 2:
			verb := "PAUSE "
			if paused[name] {
				verb = "RESUME "
			}
			paused[name] = !paused[name]
			mustRun(t, n, verb+name)
		case k == 2:
			mustRun(t, n, fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", r.IntN(4), r.IntN(9)))
		default:
			mustRun(t, n, fmt.Sprintf("INSERT INTO s SELECT (x * %d) %% 4, x %% 5 FROM generate_series(1, %d) AS x",
				1+r.IntN(5), 1+r.IntN(6)))
		}
		if o.restart && r.IntN(4) == 0 {
			n.reopen()
		}
	}
	for _, name := range names {
		if paused[name] {
			mustRun(t, n, "RESUME "+name)
		}
	}
	n.waitRebuilt()
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	same(t, n, "big", "SELECT g, v FROM s WHERE v > 2")
	same(t, n, "latest", "SELECT g, latest_by_offset(v) AS v FROM s GROUP BY g")
	n.reopen()
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	same(t, n, "big", "SELECT g, v FROM s WHERE v > 2")
}
