package main

import (
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
)

func newBenchInsert() *cobra.Command {
	return newBenchmark(benchmark{
		name: "insert", short: "INSERT single rows",
		long: `Insert runs a prepared INSERT of one row again and again on each connection, each
waiting for its acknowledgement: one commit per row.`,
		example: `  millrace bench insert --seconds 0.2
  millrace bench insert --seconds 0.2 --clients 8 --json`,
		defaults: benchOptions{seconds: 5, clients: 1},
		uses:     []string{"seconds", "clients"},
		run:      benchInsert,
	})
}

func benchInsert(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.fresh(conn, `DROP STREAM IF EXISTS bench_insert`,
		`CREATE STREAM bench_insert (client bigint, seq bigint, value double precision)`); err != nil {
		return err
	}
	h := make([]*hdrhistogram.Histogram, b.clients)
	took, err := b.eachClient(func(i int, conn *client.Conn) error {
		h[i] = newHistogram()
		return b.repeat(conn, `INSERT INTO bench_insert VALUES ($1, $2, 1.5)`, h[i],
			func(n int64) [][]byte {
				return [][]byte{strconv.AppendInt(nil, int64(i), 10), strconv.AppendInt(nil, n, 10)}
			})
	})
	if err != nil {
		return err
	}
	all := mergedLatencies(h)
	b.report.add("clients", float64(b.clients), "")
	b.report.add("rows", float64(all.TotalCount()), "")
	b.report.add("insert", float64(all.TotalCount())/took.Seconds(), "rows_per_s")
	b.report.latencies("", all)
	return b.checkCount(conn, "bench_insert", all.TotalCount())
}

// repeat runs a prepared statement until the time is over and counts how long each
// run took.
func (b *bench) repeat(conn *client.Conn, statement string, h *hdrhistogram.Histogram,
	params func(n int64) [][]byte,
) error {
	const name = "bench"
	if _, err := conn.Raw().Prepare(b.ctx, name, statement, nil); err != nil {
		return err
	}
	end := time.Now().Add(time.Duration(b.seconds * float64(time.Second)))
	for n, now := int64(0), time.Now(); now.Before(end); n++ {
		r := conn.Raw().ExecPrepared(b.ctx, name, params(n), nil, nil)
		if _, err := r.Close(); err != nil {
			return err
		}
		done := time.Now()
		record(h, done.Sub(now))
		now = done
	}
	return nil
}
