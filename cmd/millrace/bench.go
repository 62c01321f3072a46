package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/node"
)

// benchOptions are the flags that all benchmarks share.
type benchOptions struct {
	url     string
	rows    int64
	seconds float64
	clients int
	asJSON  bool
	profile string
}

func newBenchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a server",
		Long: `Bench measures a server at --url, or, without it, a node of its own in this process
with a temporary data directory. Either way rows go over the wire, and are
acknowledged only when they are on disk: nothing is switched off for speed.

Client and server share the machine's processors; the client's share is in the
figures.`,
		Example: `  millrace bench ingest --rows 20000
  millrace bench insert --seconds 0.2 --clients 2`,
	}
	c.AddCommand(newBenchIngest(), newBenchInsert(), newBenchRead(), newBenchNexmark(),
		newBenchLatency(), newBenchPoint())
	return c
}

// benchmark is one kind of measurement.
type benchmark struct {
	name, short, long, example string
	defaults                   benchOptions
	// uses names the flags that it has beside --url and --json.
	uses []string
	run  func(b *bench) error
}

// bench is one run.
type bench struct {
	benchOptions
	ctx     context.Context
	errOut  io.Writer
	private bool // the node is ours: its processor time is this process's
	report  report
}

// report is what a run found, in order.
type report struct {
	name    string
	figures []figure
}

type figure struct {
	name  string
	value float64
	unit  string
}

func (r *report) add(name string, value float64, unit string) {
	r.figures = append(r.figures, figure{name, value, unit})
}

func newBenchmark(m benchmark) *cobra.Command {
	o := m.defaults
	c := &cobra.Command{
		Use: m.name, Short: m.short, Long: m.long, Example: m.example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd.Context(), m, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.url, "url", "", "the server; empty: a node in this process")
	f.BoolVar(&o.asJSON, "json", false, "print one object")
	f.StringVar(&o.profile, "cpuprofile", "", "write a profile for 'go tool pprof' into this file")
	for _, name := range m.uses {
		switch name {
		case "rows":
			f.Int64Var(&o.rows, "rows", o.rows, "number of rows")
		case "seconds":
			f.Float64Var(&o.seconds, "seconds", o.seconds, "how long to measure")
		case "clients":
			f.IntVar(&o.clients, "clients", o.clients, "number of connections")
		}
	}
	return c
}

func runBench(ctx context.Context, m benchmark, o benchOptions, out, errOut io.Writer) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	if m.defaults.rows > 0 && o.rows < 1 || m.defaults.clients > 0 && o.clients < 1 ||
		m.defaults.seconds > 0 && o.seconds <= 0 {
		return usageError{errors.New("--rows, --clients and --seconds must be positive")}
	}
	b := &bench{benchOptions: o, ctx: ctx, errOut: errOut, report: report{name: m.name}}
	if o.url == "" {
		url, end, err := privateNode(ctx, errOut)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
		b.url, b.private = url, true
	}
	if o.profile != "" {
		end, profErr := profileTo(o.profile)
		if profErr != nil {
			return profErr
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	if err := m.run(b); err != nil {
		return err
	}
	return b.report.write(out, o.asJSON)
}

// profileTo profiles this process into a file until end.
func profileTo(name string) (end func() error, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// privateNode starts a node in this process; end stops it and removes its files.
func privateNode(ctx context.Context, errOut io.Writer) (url string, end func() error, err error) {
	dir, err := os.MkdirTemp("", "millrace-bench-")
	if err != nil {
		return "", nil, err
	}
	cfg := node.DefaultConfig()
	cfg.Data = filepath.Join(dir, "data")
	cfg.Listen, cfg.HTTP, cfg.Cluster = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Logger = slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return "postgres://millrace@" + n.SQLAddr() + "/millrace?sslmode=disable", func() error {
		return errors.Join(n.Close(), os.RemoveAll(dir))
	}, nil
}

// write prints the report: a table, or an object of names with their units.
func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		numbers := map[string]float64{}
		for _, f := range r.figures {
			name := f.name
			if f.unit != "" {
				name += "_" + f.unit
			}
			numbers[name] = f.value
		}
		return json.NewEncoder(out).Encode(map[string]any{
			"bench": r.name, "processors": runtime.GOMAXPROCS(0), "numbers": numbers,
		})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, f := range r.figures {
		fmt.Fprintf(w, "%s\t%s\t %s\t\n", f.name, short(f.value), f.unit)
	}
	return w.Flush()
}

// short writes a number with about four digits.
func short(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func (b *bench) connect() (*client.Conn, error) {
	return client.Connect(b.ctx, b.url, client.Options{AppName: "millrace bench"})
}

// fresh makes a relation anew.
func (b *bench) fresh(conn *client.Conn, statements ...string) error {
	for _, s := range statements {
		if err := conn.Exec(b.ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// eachClient runs fn on b.clients connections at once and gives the time until the
// last one has ended.
func (b *bench) eachClient(fn func(i int, conn *client.Conn) error) (time.Duration, error) {
	conns := make([]*client.Conn, b.clients)
	for i := range conns {
		var err error
		if conns[i], err = b.connect(); err != nil {
			return 0, err
		}
		defer func() { _ = conns[i].Close() }()
	}
	errs := make([]error, b.clients)
	var running sync.WaitGroup
	start := time.Now()
	for i, conn := range conns {
		running.Go(func() { errs[i] = fn(i, conn) })
	}
	running.Wait()
	return time.Since(start), errors.Join(errs...)
}

// newHistogram counts durations in microseconds up to a minute, to three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 3) }

// longest is what the histograms can hold; what took longer counts as it.
const longest = time.Minute

func record(h *hdrhistogram.Histogram, d time.Duration) {
	// It cannot fail: the value is in the histogram's range.
	_ = h.RecordValue(min(max(d, time.Microsecond), longest).Microseconds())
}

func (r *report) latencies(prefix string, h *hdrhistogram.Histogram) {
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}} {
		r.add(prefix+q.name, float64(h.ValueAtQuantile(q.at))/1000, "ms")
	}
	r.add(prefix+"max", float64(h.Max())/1000, "ms")
}

// processorTime is what this process has used of all processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mergedLatencies joins the histograms of several clients.
func mergedLatencies(list []*hdrhistogram.Histogram) *hdrhistogram.Histogram {
	all := newHistogram()
	for _, h := range list {
		all.Merge(h)
	}
	return all
}
