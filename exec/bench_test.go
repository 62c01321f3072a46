package exec_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/types"
)

const bidStream = `CREATE STREAM bid (auction bigint, bidder bigint, price bigint,
	channel text, url text, date_time timestamp, extra text)`

// bids makes batches of rows like Nexmark's.
func bids(batches int) []*batch.Batch {
	text := types.Of(types.Text)
	ts := []types.Type{types.Of(types.Int8), types.Of(types.Int8), types.Of(types.Int8), text,
		text, types.Of(types.Timestamp), text}
	out := make([]*batch.Batch, batches)
	x := uint64(1)
	for i := range out {
		b := batch.New(ts, batch.MaxRows)
		for r := range batch.MaxRows {
			x = x*6364136223846793005 + 1442695040888963407
			b.Cols[0].AppendInt(int64(x>>33) % 100_000)
			b.Cols[1].AppendInt(int64(x>>40) % 10_000)
			b.Cols[2].AppendInt(int64(x>>20) % 10_000_000)
			b.Cols[3].AppendString("channel-7")
			b.Cols[4].AppendString("https://www.nexmark.com/item.htm?query=1")
			b.Cols[5].AppendInt(1_700_000_000_000_000 + int64(i*batch.MaxRows+r)*100)
			b.Cols[6].AppendString("0123456789abcdefghij")
		}
		b.N = batch.MaxRows
		out[i] = b
	}
	return out
}

// load appends batches to the bid stream.
func (n *node) load(bs []*batch.Batch) {
	n.t.Helper()
	ctx := context.Background()
	point := n.engine.Pin()
	defer point.Release()
	stmts, err := parse.Parse("COPY bid FROM STDIN")
	if err != nil {
		n.t.Fatal(err)
	}
	p, err := planner.Build(stmts[0], n.env(point))
	if err != nil {
		n.t.Fatal(err)
	}
	a := n.engine.NewAppender(n.read(p, point))
	for _, b := range bs {
		if err := a.Add(ctx, b); err != nil {
			n.t.Fatal(err)
		}
	}
	if _, err := a.Close(ctx); err != nil {
		n.t.Fatal(err)
	}
}

// BenchmarkBackfill times a view's way through a million rows of the log.
func BenchmarkBackfill(b *testing.B) {
	for name, query := range map[string]string{
		"q0":  `SELECT auction, bidder, price, date_time, extra FROM bid`,
		"q1":  `SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid`,
		"q2":  `SELECT auction, price FROM bid WHERE auction % 123 = 0`,
		"q17": `SELECT auction, count(*) AS n, count(*) FILTER (WHERE price < 10000) AS low, min(price) AS lo, max(price) AS hi, avg(price) AS a, sum(price) AS s FROM bid GROUP BY auction`,
	} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, options{partitions: 2, workers: 2})
			mustRun(b, n, bidStream)
			const batches = 256
			n.load(bids(batches))
			for i := 0; b.Loop(); i++ {
				kind := "STREAM"
				if name == "q17" {
					kind = "MATERIALIZED VIEW"
				}
				mustRun(b, n, fmt.Sprintf("CREATE %s v%d AS %s", kind, i, query))
				b.StopTimer()
				mustRun(b, n, fmt.Sprintf("DROP %s v%d", kind, i))
				b.StartTimer()
			}
			rows := float64(batches*batch.MaxRows) * float64(b.N)
			b.ReportMetric(rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

func mustRun(t testing.TB, n *node, text string) {
	t.Helper()
	if _, err := n.run(text); err != nil {
		t.Fatalf("%s: %s", text, errorText(err))
	}
}

// BenchmarkIngest times appending through the log, with views that follow.
func BenchmarkIngest(b *testing.B) {
	for name, views := range map[string]string{
		"alone": "",
		"q17":   "CREATE MATERIALIZED VIEW v AS SELECT auction, count(*) AS n, max(price) AS hi FROM bid GROUP BY auction",
	} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, options{partitions: 2, workers: 2})
			mustRun(b, n, bidStream)
			if views != "" {
				mustRun(b, n, views)
			}
			bs := bids(64)
			start := time.Now()
			rows := 0
			for b.Loop() {
				n.load(bs)
				rows += len(bs) * batch.MaxRows
			}
			b.ReportMetric(float64(rows)/time.Since(start).Seconds()/1e6, "Mrows/s")
		})
	}
}

var _ = exec.ErrEnough
var _ plan.Node

// BenchmarkHandOver times how long the loop stands still for a checkpoint of a view
// with a million groups, all of them changed.
func BenchmarkHandOver(b *testing.B) {
	n := newNode(b, options{partitions: 2, workers: 2})
	mustRun(b, n, "CREATE STREAM s (k bigint, v bigint)")
	mustRun(b, n, "CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS n, sum(v) AS t FROM s GROUP BY k")
	for i := range 10 {
		mustRun(b, n, fmt.Sprintf(`INSERT INTO s SELECT g, g FROM generate_series(%d, %d) AS g`,
			i*100_000, i*100_000+99_999))
	}
	for b.Loop() {
		if err := n.engine.HandOver(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
