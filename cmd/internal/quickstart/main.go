// Command quickstart shows the whole product on real data: it starts the built
// binary with a fresh data directory on free ports, creates a stream and a table,
// starts three continuous queries, loads 300,000 flights while a subscriber prints
// changes, reads the results, compares each with a plain recomputation from the
// file, and stops the server.
//
// It is not a benchmark. Invariant: it ends with exit code 0 only if every row of
// every result was right and the server stopped cleanly.
package main

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/process"
)

func main() {
	binary := flag.String("binary", "bin/millrace", "the server")
	data := flag.String("data", "testdata/flights", "directory of the data set")
	flag.Parse()
	if err := run(*binary, *data); err != nil {
		fmt.Fprintf(os.Stderr, "quickstart failed: %v\n", err)
		os.Exit(1)
	}
}

// The statements of the quickstart.
const (
	createFlights = `CREATE STREAM flights (
  scheduled timestamptz, origin text KEY, destination text, delay int, distance int
) WITH (timestamp = 'scheduled')`
	createAirports = `CREATE TABLE airports (
  iata text PRIMARY KEY, name text, city text, state text, country text,
  latitude double precision, longitude double precision
)`
	createLate = `CREATE STREAM late_flights AS
  SELECT scheduled, origin, destination, delay FROM flights WHERE delay >= 180 EMIT CHANGES`
	createHourly = `CREATE MATERIALIZED VIEW hourly_delays AS
  SELECT origin, window_start, count(*) AS flights, avg(delay) AS mean_delay, max(delay) AS worst
  FROM TUMBLE(flights, scheduled, INTERVAL '1 hour')
  GROUP BY origin, window_start`
	createStates = `CREATE MATERIALIZED VIEW state_delays AS
  SELECT a.state, count(*) AS flights, avg(f.delay) AS mean_delay
  FROM flights f JOIN airports a ON f.origin = a.iata
  GROUP BY a.state`

	watchLate = `SELECT scheduled, origin, destination, delay FROM late_flights EMIT CHANGES`

	showHourly = `SELECT origin, window_start, flights, round(mean_delay, 1) AS mean_delay, worst
  FROM hourly_delays WHERE flights >= 30 ORDER BY mean_delay DESC, origin, window_start LIMIT 8`
	showStates = `SELECT state, flights, round(mean_delay, 2) AS mean_delay
  FROM state_delays ORDER BY mean_delay DESC, state LIMIT 8`
)

// tour is one run of the quickstart.
type tour struct {
	dir    string // of the data set
	server *process.Server
	conn   *client.Conn
	clock  stopwatch
}

func run(binary, data string) (err error) {
	dir, err := os.MkdirTemp("", "millrace-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &tour{dir: data, clock: stopwatch{begin: time.Now()}}
	if t.server, err = process.Start(binary, filepath.Join(dir, "data")); err != nil {
		return err
	}
	fmt.Printf("A server runs on %s with an empty data directory.\n", t.server.SQL)
	t.clock.lap("start the server")
	if err := t.walk(); err != nil {
		return errors.Join(err, t.server.Kill(), errors.New(t.server.Log()))
	}
	if err := t.server.Stop(); err != nil {
		return err
	}
	t.clock.lap("stop the server")
	fmt.Println("The server has stopped cleanly.")
	t.clock.print()
	return nil
}

// walk is what happens between start and stop.
func (t *tour) walk() error {
	ctx := context.Background()
	var err error
	if t.conn, err = client.Connect(ctx, t.server.URL(), client.Options{AppName: "quickstart"}); err != nil {
		return err
	}
	defer func() { _ = t.conn.Close() }()
	for _, s := range []string{createFlights, createAirports, createLate, createHourly, createStates} {
		fmt.Printf("\n%s;\n", s)
		if err := t.conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", firstLine(s), err)
		}
	}
	t.clock.lap("create a stream, a table and three continuous queries")
	sub, err := subscribe(ctx, t.server.URL())
	if err != nil {
		return err
	}
	if err := t.load(ctx); err != nil {
		return err
	}
	want, err := recompute(t.dir)
	if err != nil {
		return err
	}
	t.clock.lap("recompute everything from the file in plain Go")
	if err := sub.finish(total(want.late)); err != nil {
		return err
	}
	if err := t.show(ctx); err != nil {
		return err
	}
	if err := compare(ctx, t.conn, want); err != nil {
		return err
	}
	t.clock.lap("compare every row with the recomputation")
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// load copies the two files into the server.
func (t *tour) load(ctx context.Context) error {
	airports, err := os.Open(filepath.Join(t.dir, "airports.csv"))
	if err != nil {
		return err
	}
	defer airports.Close()
	n, err := t.conn.CopyFrom(ctx, `COPY airports FROM STDIN WITH (FORMAT csv, HEADER)`, airports)
	if err != nil {
		return fmt.Errorf("load the airports: %w", err)
	}
	t.clock.lap(fmt.Sprintf("load %d airports", n))
	fmt.Printf("\nThe subscriber of late_flights sees, while the flights are loaded:\n")
	err = openFlights(t.dir, func(r io.Reader) error {
		n, err = t.conn.CopyFrom(ctx, `COPY flights FROM STDIN WITH (FORMAT csv, HEADER)`, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("load the flights: %w", err)
	}
	took := t.clock.lap(fmt.Sprintf("load %d flights, all three results kept up to date", n))
	fmt.Printf("COPY %d: %.0f flights/s\n", n, float64(n)/took.Seconds())
	return nil
}

// openFlights gives fn the flights unpacked.
func openFlights(dir string, fn func(io.Reader) error) (err error) {
	f, err := os.Open(filepath.Join(dir, "flights-2001-01.csv.gz"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return errors.Join(fn(z), z.Close())
}

// show prints the results for people.
func (t *tour) show(ctx context.Context) error {
	for _, q := range []struct{ title, text string }{
		{"The hours with the longest mean delay, of airports with 30 departures or more:", showHourly},
		{"The states with the longest mean delay:", showStates},
	} {
		fmt.Printf("\n%s\n%s;\n\n", q.title, q.text)
		p := client.NewPrinter(os.Stdout, client.Table, false)
		if err := t.conn.Stream(ctx, q.text, p.Handler(func(string) {})); err != nil {
			return fmt.Errorf("%s: %w", firstLine(q.text), err)
		}
	}
	t.clock.lap("read the results")
	return nil
}

// stopwatch says where the time went.
type stopwatch struct {
	begin time.Time
	laps  []lap
}

type lap struct {
	what string
	took time.Duration
}

// lap ends a part of the work.
func (s *stopwatch) lap(what string) time.Duration {
	took := time.Since(s.begin)
	for _, l := range s.laps {
		took -= l.took
	}
	s.laps = append(s.laps, lap{what, took})
	return took
}

func (s *stopwatch) print() {
	fmt.Println("\nWhere the time went:")
	for _, l := range s.laps {
		fmt.Printf("%8.3f s  %s\n", l.took.Seconds(), l.what)
	}
	fmt.Printf("%8.3f s  in all\n", time.Since(s.begin).Seconds())
}
