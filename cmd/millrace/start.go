package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/node"
)

func newStartCommand() *cobra.Command {
	cfg := node.DefaultConfig()
	var logLevel string
	var checkpoint, lag time.Duration
	c := &cobra.Command{
		Use:   "start",
		Short: "Run a node",
		Long: `Start runs a node until it gets SIGTERM or SIGINT, which stop it cleanly; a second
signal ends it at once.

When the node serves clients, standard output shows how to connect, and then one
line for scripts:

    ready sql=HOST:PORT http=HOST:PORT cluster=HOST:PORT

Nothing that was acknowledged is lost by any way of stopping: a commit is answered
when it is on disk.`,
		Example: `  millrace start --data ./millrace-data
  millrace start --data ./try --listen 127.0.0.1:0 --http 127.0.0.1:0 --cluster 127.0.0.1:0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if checkpoint <= 0 {
				return usageError{errors.New("--checkpoint-interval must be positive")}
			}
			cfg.CheckpointMicros = checkpoint.Microseconds()
			if cfg.MaxEpochLag = lag.Microseconds(); lag == 0 {
				cfg.MaxEpochLag = 1 // the shortest there is
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return runStart(ctx, cfg, logLevel, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Data, "data", cfg.Data, "directory of everything the node keeps")
	f.StringVar(&cfg.Listen, "listen", cfg.Listen, "HOST:PORT for SQL; port 0 picks a free one")
	f.StringVar(&cfg.HTTP, "http", cfg.HTTP, "HOST:PORT for /metrics, /healthz and /readyz")
	f.StringVar(&cfg.Cluster, "cluster", cfg.Cluster, "HOST:PORT for other nodes")
	f.StringVar(&cfg.NodeID, "node-id", "", "name of the node; made up at the first start")
	f.StringSliceVar(&cfg.Join, "join", nil, "addresses of a cluster to join (not in this version)")
	f.Int64Var(&cfg.MemoryBytes, "memory", 0,
		"memory budget in bytes: state that has no room goes to disk; 0: half of the machine's memory")
	f.DurationVar(&lag, "max-epoch-lag", time.Second,
		"how long writers and other queries wait for a continuous query before it goes on alone; "+
			"negative: for ever")
	f.BoolVar(&cfg.Insecure, "insecure", false,
		"serve everybody who can reach --listen, without encryption and password")
	f.DurationVar(&checkpoint, "checkpoint-interval", 10*time.Second,
		"time between checkpoints: a restart replays at most what came since the last one")
	f.StringVar(&logLevel, "log-level", "warn", "what to log: debug, info, warn or error")
	return c
}

func runStart(ctx context.Context, cfg node.Config, level string, out, errOut io.Writer) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return usageError{fmt.Errorf("--log-level must be debug, info, warn or error: %q", level)}
	}
	cfg.Logger = slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: l}))
	if err := cfg.Validate(); err != nil {
		return usageError{err}
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("start the node: %w", err)
	}
	announce(out, n)
	var failed error
	select {
	case <-ctx.Done():
	case <-n.Failed():
		failed = fmt.Errorf("the node cannot go on: %w", n.Err())
	}
	defer forceOnSecondSignal()()
	return errors.Join(failed, n.Close())
}

// announce says how to connect, for people and then for scripts.
func announce(out io.Writer, n *node.Node) {
	host, port, err := net.SplitHostPort(n.SQLAddr())
	if err != nil { // cannot be: it is the address of a listener
		host, port = n.SQLAddr(), ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	fmt.Fprintf(out, "psql -h %s -p %s -U millrace millrace\n", host, port)
	fmt.Fprintf(out, "http://%s/metrics\n", n.HTTPAddr())
	fmt.Fprintf(out, "ready sql=%s http=%s cluster=%s\n", n.SQLAddr(), n.HTTPAddr(), n.ClusterAddr())
}

// forceOnSecondSignal ends the process at the next signal: whoever asks twice does
// not want to wait. What was acknowledged is on disk already. The function that it
// gives takes the watch away.
func forceOnSecondSignal() func() {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			os.Exit(exitFailed)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
