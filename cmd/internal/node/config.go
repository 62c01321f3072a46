// Package node builds one Millrace node in order and stops it in reverse: log,
// engine, wire, HTTP. It is the only place where the parts meet; it holds no
// logic of its own.
//
// Invariant: everything that comes from outside (files, time, network,
// randomness) enters through Config, so that tests run whole nodes on their own.
package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/log/transport"
)

// Config is all that a node can be told. DefaultConfig gives the defaults.
type Config struct {
	// Data is the directory of everything the node keeps. --data
	Data string
	// Listen is the address of the PostgreSQL protocol; port 0 picks a free one.
	// --listen
	Listen string
	// HTTP is the address of /metrics, /healthz and /readyz. --http
	HTTP string
	// Cluster is the address that other nodes talk to. --cluster
	Cluster string
	// NodeID names the node for ever; "" takes the one in the data directory, or
	// makes one up. --node-id
	NodeID string
	// Join are addresses of a running cluster to become a member of. --join
	Join []string
	// MemoryBytes is the budget for the process; 0: half of the machine's memory.
	// --memory
	MemoryBytes int64
	// MaxEpochLag is how long, in microseconds, writers and other queries wait for a
	// continuous query; 0: 1 s, < 0: for ever. --max-epoch-lag
	MaxEpochLag int64
	// Insecure allows listening beyond loopback without TLS and a password.
	// --insecure
	Insecure bool

	// Logger takes what happens; nil: standard error.
	Logger *slog.Logger
	// FS is the file system; nil: the machine's.
	FS vfs.FS
	// Clock and Random are the machine's unless a test brings its own.
	Clock  Clock
	Random func() uint64
	// Network is how addresses are listened on; nil: TCP.
	Network transport.Network
	// Workers is the number of goroutines for big epochs; 0: one per processor.
	Workers int
	// CheckpointMicros is the time between checkpoints; 0: 10 s.
	CheckpointMicros int64
	// LogFileBytes is the size of a file of Raft's log, of which some are written
	// beforehand; 0: 64 MiB.
	LogFileBytes int64
}

// Clock is the source of time of a node.
type Clock interface {
	// NowMicros is the time in microseconds since 1970.
	NowMicros() int64
	// After gives a channel that gets a value after so many microseconds.
	After(micros int64) <-chan struct{}
}

// reserve is the room left free on disk; file systems in memory have no limit.
func (c *Config) reserve() int64 {
	if c.FS == vfs.Default {
		return reserveBytes
	}
	return 0
}

// DefaultConfig gives the defaults of the contract.
func DefaultConfig() Config {
	return Config{
		Data:    "./millrace-data",
		Listen:  "127.0.0.1:7433",
		HTTP:    "127.0.0.1:7434",
		Cluster: "127.0.0.1:7435",
	}
}

// Validate gives all problems at once, in the words of the flags.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("--data must name a directory"))
	}
	for _, a := range []struct{ flag, addr string }{
		{"--listen", c.Listen}, {"--http", c.HTTP}, {"--cluster", c.Cluster},
	} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			errs = append(errs, fmt.Errorf("%s must be HOST:PORT, such as 127.0.0.1:7433: %q",
				a.flag, a.addr))
		}
	}
	if c.MemoryBytes < 0 {
		errs = append(errs, errors.New("--memory must not be negative"))
	}
	if len(c.Join) > 0 {
		errs = append(errs, errors.New("--join is not available: this version runs one node; "+
			"start without it"))
	}
	if !c.Insecure && !loopback(c.Listen) {
		errs = append(errs, fmt.Errorf("--listen %s is reachable from other machines, and no "+
			"password and certificate are set: listen on 127.0.0.1, or pass --insecure to accept "+
			"everybody", c.Listen))
	}
	return errors.Join(errs...)
}

// loopback tells whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // reported already
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
