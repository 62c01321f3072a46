package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newBenchRead() *cobra.Command {
	return newBenchmark(benchmark{
		name: "read", short: "SELECT many rows over the wire",
		long: `Read loads rows of four columns (100 bytes as text) into a stream, then reads all of
them over the wire, as text and as binary.`,
		example: `  millrace bench read --rows 20000
  millrace bench read --rows 20000 --json`,
		defaults: benchOptions{rows: 2_000_000},
		uses:     []string{"rows"},
		run:      benchRead,
	})
}

func benchRead(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.fresh(conn, `DROP STREAM IF EXISTS bench_read`,
		`CREATE STREAM bench_read (id bigint, sensor int, value double precision, note text)`); err != nil {
		return err
	}
	if err := b.loadIngest(conn, "bench_read", b.rows); err != nil {
		return err
	}
	b.report.add("rows", float64(b.rows), "")
	for _, f := range []struct {
		name string
		code int16
	}{{"text", 0}, {"binary", 1}} {
		start, n := time.Now(), int64(0)
		r := conn.Raw().ExecParams(b.ctx, `SELECT id, sensor, value, note FROM bench_read`,
			nil, nil, nil, []int16{f.code})
		for r.NextRow() {
			n++
		}
		if _, err := r.Close(); err != nil {
			return err
		}
		if n != b.rows {
			return fmt.Errorf("%d rows came, %d were loaded", n, b.rows)
		}
		b.report.add(f.name, float64(n)/time.Since(start).Seconds(), "rows_per_s")
	}
	return nil
}
