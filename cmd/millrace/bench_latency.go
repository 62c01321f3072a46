package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
)

func newBenchLatency() *cobra.Command {
	return newBenchmark(benchmark{
		name: "latency", short: "Time from an INSERT to a subscriber",
		long: `Latency inserts rows one by one into a stream. A second connection subscribes to a
continuous query over it. Measured is the time from sending the INSERT until the
subscriber has the row.`,
		example: `  millrace bench latency --seconds 0.2
  millrace bench latency --seconds 0.2 --json`,
		defaults: benchOptions{seconds: 5},
		uses:     []string{"seconds"},
		run:      benchLatency,
	})
}

func benchLatency(b *bench) error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := b.fresh(conn, `DROP STREAM IF EXISTS bench_latency_seen`,
		`DROP STREAM IF EXISTS bench_latency`,
		`CREATE STREAM bench_latency (seq bigint, value double precision)`,
		`CREATE STREAM bench_latency_seen AS SELECT seq, value * 2 AS doubled FROM bench_latency
  WHERE value > 0 EMIT CHANGES`); err != nil {
		return err
	}
	sub, err := b.connect()
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	seen, ended := make(chan arrival, 1), make(chan error, 1)
	begun := make(chan struct{})
	go func() { ended <- follow(ctx, sub, begun, seen) }()
	select {
	case <-begun:
	case err := <-ended:
		return fmt.Errorf("subscribe: %w", err)
	}
	err = b.pingPong(conn, seen, ended)
	cancel()
	return err
}

// arrival is a row at the subscriber.
type arrival struct {
	seq int64
	at  time.Time
}

func follow(ctx context.Context, sub *client.Conn, begun chan<- struct{}, seen chan<- arrival) error {
	return sub.Stream(ctx, `SELECT seq FROM bench_latency_seen EMIT CHANGES`, client.Handler{
		Columns: func([]client.Column) error { close(begun); return nil },
		Row: func(row [][]byte) error {
			now := time.Now()
			seq, err := strconv.ParseInt(string(row[0]), 10, 64)
			if err != nil {
				return err
			}
			select {
			case seen <- arrival{seq, now}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
}

// arrivalWait is how long a row may be on its way before the benchmark fails.
const arrivalWait = 10 * time.Second

func (b *bench) pingPong(conn *client.Conn, seen <-chan arrival, ended <-chan error) error {
	const name = "bench"
	if _, err := conn.Raw().Prepare(b.ctx, name, `INSERT INTO bench_latency VALUES ($1, 1.5)`, nil); err != nil {
		return err
	}
	h, commits := newHistogram(), newHistogram()
	end := time.Now().Add(time.Duration(b.seconds * float64(time.Second)))
	for seq := int64(0); time.Now().Before(end); seq++ {
		start := time.Now()
		r := conn.Raw().ExecPrepared(b.ctx, name, [][]byte{strconv.AppendInt(nil, seq, 10)}, nil, nil)
		if _, err := r.Close(); err != nil {
			return err
		}
		record(commits, time.Since(start))
		timer := time.NewTimer(arrivalWait)
		select {
		case a := <-seen:
			if a.seq != seq {
				return fmt.Errorf("row %d came, %d was expected", a.seq, seq)
			}
			record(h, a.at.Sub(start))
		case err := <-ended:
			return fmt.Errorf("the subscription ended: %w", err)
		case <-timer.C:
			return errors.New("a row did not reach the subscriber in " + arrivalWait.String())
		}
		timer.Stop()
	}
	b.report.add("rows", float64(h.TotalCount()), "")
	b.report.latencies("commit_", commits)
	b.report.latencies("push_", h)
	return nil
}
