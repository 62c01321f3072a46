package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
)

func newBenchNexmark() *cobra.Command {
	return newBenchmark(benchmark{
		name: "nexmark", short: "Queries of Nexmark over bids in the log",
		long: `Nexmark loads bids into a stream, then runs queries over all of them from the log:

    q0   all columns as they are
    q1   a price converted to another currency
    q2   a filter that keeps one auction of 123
    q17  statistics per auction and day

"bounded" is a SELECT that computes the query's columns for every bid and answers
with totals. "continuous" is CREATE ... AS: the query works through history and
stores its result. Without --url there is also the throughput per processor in use.`,
		example: `  millrace bench nexmark --rows 20000
  millrace bench nexmark --rows 20000 --json`,
		defaults: benchOptions{rows: 2_000_000},
		uses:     []string{"rows"},
		run:      benchNexmark,
	})
}

const nexmarkStatistics = `SELECT auction, to_char(date_time, 'YYYY-MM-DD') AS day,
  count(*) AS total_bids,
  count(*) FILTER (WHERE price < 10000) AS rank1_bids,
  count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
  count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
  min(price) AS min_price, max(price) AS max_price, avg(price) AS avg_price,
  sum(price) AS sum_price
FROM bench_bid GROUP BY auction, to_char(date_time, 'YYYY-MM-DD')`

// nexmarkQueries are the measured queries.
var nexmarkQueries = []struct{ name, bounded, continuous string }{
	{"q0",
		`SELECT count(auction), count(bidder), count(price), count(date_time), count(extra)
FROM bench_bid`,
		`CREATE STREAM bench_q0 AS SELECT auction, bidder, price, date_time, extra FROM bench_bid`},
	{"q1",
		`SELECT count(auction), count(bidder), max(0.908 * price), count(date_time), count(extra)
FROM bench_bid`,
		`CREATE STREAM bench_q1 AS SELECT auction, bidder, 0.908 * price AS price, date_time, extra
FROM bench_bid`},
	{"q2",
		`SELECT count(*), max(price) FROM bench_bid WHERE mod(auction, 123) = 0`,
		`CREATE STREAM bench_q2 AS SELECT auction, price FROM bench_bid WHERE mod(auction, 123) = 0`},
	{"q17",
		`SELECT count(*), max(sum_price) FROM (` + nexmarkStatistics + `) s`,
		`CREATE MATERIALIZED VIEW bench_q17 AS ` + nexmarkStatistics},
}

func benchNexmark(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.loadBids(conn); err != nil {
		return err
	}
	b.report.add("bids", float64(b.rows), "")
	for _, q := range nexmarkQueries {
		for _, form := range []struct{ name, statement string }{
			{"bounded", q.bounded}, {"continuous", q.continuous},
		} {
			start, used := time.Now(), processorTime()
			if err := conn.Exec(b.ctx, form.statement); err != nil {
				return fmt.Errorf("%s %s: %w", q.name, form.name, err)
			}
			took, cpu := time.Since(start), processorTime()-used
			b.report.add(q.name+"_"+form.name, float64(b.rows)/took.Seconds(), "events_per_s")
			if b.private && cpu > 0 {
				b.report.add(q.name+"_"+form.name, float64(b.rows)/cpu.Seconds(),
					"events_per_s_and_processor")
			}
		}
	}
	return nil
}

func (b *bench) loadBids(conn *client.Conn) error {
	if err := b.fresh(conn, `DROP STREAM IF EXISTS bench_q0`, `DROP STREAM IF EXISTS bench_q1`,
		`DROP STREAM IF EXISTS bench_q2`, `DROP MATERIALIZED VIEW IF EXISTS bench_q17`,
		`DROP STREAM IF EXISTS bench_bid`,
		`CREATE STREAM bench_bid (auction bigint, bidder bigint, price bigint, channel text,
  url text, date_time timestamp, extra text) WITH (timestamp = 'date_time')`); err != nil {
		return err
	}
	bar := newProgress(b.errOut, b.rows, "bids")
	defer bar.end()
	r, w := io.Pipe()
	go writeBids(w, b.rows, bar) // ends with the last bid or when r is closed
	n, err := conn.CopyFrom(b.ctx, `COPY bench_bid FROM STDIN WITH (FORMAT csv)`, r)
	r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	if err == nil && n != b.rows {
		err = fmt.Errorf("%d bids acknowledged of %d", n, b.rows)
	}
	return err
}

func writeBids(w *io.PipeWriter, rows int64, bar *progress) {
	g, buf := gen.NewNexmark(1, 10_000), []byte{}
	for event, made := int64(0), int64(0); made < rows; event++ {
		if g.Kind(event) != gen.Bid {
			continue
		}
		made++
		if buf = g.Append(buf, event, gen.CSV); len(buf) >= 256<<10 || made == rows {
			if _, err := w.Write(buf); err != nil {
				return
			}
			buf = buf[:0]
		}
		if made%1000 == 0 {
			bar.add(1000)
		}
	}
	_ = w.Close()
}
