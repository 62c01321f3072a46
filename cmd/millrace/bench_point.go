package main

import (
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
)

func newBenchPoint() *cobra.Command {
	return newBenchmark(benchmark{
		name: "point", short: "Read single rows of a view by key",
		long: `Point loads rows into a stream with a view that counts and adds up by key (10,000
keys), then reads single keys with a prepared SELECT on each connection.`,
		example: `  millrace bench point --rows 20000 --seconds 0.2
  millrace bench point --rows 20000 --seconds 0.2 --clients 4 --json`,
		defaults: benchOptions{rows: 500_000, seconds: 5, clients: 1},
		uses:     []string{"rows", "seconds", "clients"},
		run:      benchPoint,
	})
}

func benchPoint(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.fresh(conn, `DROP MATERIALIZED VIEW IF EXISTS bench_point_view`,
		`DROP STREAM IF EXISTS bench_point`,
		`CREATE STREAM bench_point (id bigint, sensor int, value double precision, note text)`,
		`CREATE MATERIALIZED VIEW bench_point_view AS
  SELECT sensor, count(*) AS rows, sum(value) AS total FROM bench_point GROUP BY sensor`); err != nil {
		return err
	}
	if err := b.loadIngest(conn, "bench_point", b.rows); err != nil {
		return err
	}
	h := make([]*hdrhistogram.Histogram, b.clients)
	took, err := b.eachClient(func(i int, conn *client.Conn) error {
		h[i] = newHistogram()
		rnd := gen.NewRandom(uint64(i) + 1)
		return b.repeat(conn, `SELECT rows, total FROM bench_point_view WHERE sensor = $1`, h[i],
			func(int64) [][]byte { return [][]byte{strconv.AppendInt(nil, rnd.Below(10_000), 10)} })
	})
	if err != nil {
		return err
	}
	all := mergedLatencies(h)
	b.report.add("clients", float64(b.clients), "")
	b.report.add("read", float64(all.TotalCount())/took.Seconds(), "reads_per_s")
	b.report.latencies("", all)
	return nil
}
