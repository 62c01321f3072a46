package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/replica"
	"github.com/millracedb/millrace/log/segment"
	"github.com/millracedb/millrace/log/transport"
	"github.com/millracedb/millrace/log/wal"
	"github.com/millracedb/millrace/pgwire"
	"github.com/prometheus/client_golang/prometheus"
)

// Node is a running node. Close stops it.
type Node struct {
	cfg      Config
	lock     *dataLock
	system   *system.Registry
	engine   *exec.Engine
	store    *wal.Store // closed by the replica
	mux      *transport.Mux
	replica  *replica.Replica
	registry *prometheus.Registry
	started  int64 // microseconds since 1970
	wire     *pgwire.Server
	admin    *adminServer

	sqlListener, httpListener net.Listener // bound by listen, closed by Close
}

// Start builds a node from the ground up. Each step needs those before it; what
// was built is taken down again when a later step fails.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	cfg.fill()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, registry: newRegistry(), system: system.NewRegistry(),
		started: cfg.Clock.NowMicros(),
	}
	for _, step := range []func(context.Context) error{
		n.listen,       // an address in use is found before anything is done
		n.openData,     // nothing may write to the directory of another node
		n.startEngine,  // before the replica, which hands it the epochs of the log
		n.openStore,    // its stalls silence the transport
		n.openMux,      // before the replica, which speaks through it
		n.startReplica, // replays the log into the engine
		n.runEngine,    // needs the partitions, which the replica owns
		n.catchUp,      // clients must not see an old state
		n.serveWire,    // from here on clients see the node
		n.serveAdmin,   // ready only when the wire answers
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

func (c *Config) fill() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{
			Level: slog.LevelWarn,
		}))
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Random == nil {
		c.Random = systemRandom
	}
	if c.Network == nil {
		c.Network = transport.TCP{}
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = machineMemory() / 2
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
}

func (n *Node) listen(context.Context) error {
	for _, l := range []struct {
		flag, addr string
		to         *net.Listener
	}{{"--listen", n.cfg.Listen, &n.sqlListener}, {"--http", n.cfg.HTTP, &n.httpListener}} {
		bound, err := n.cfg.Network.Listen(l.addr)
		if err != nil {
			return fmt.Errorf("%s %s: %w", l.flag, l.addr, err)
		}
		*l.to = bound
	}
	return nil
}

func (n *Node) openData(context.Context) error {
	if err := n.cfg.FS.MkdirAll(n.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	var err error
	if n.lock, err = lockData(n.cfg.FS, n.cfg.Data); err != nil {
		return err
	}
	n.cfg.NodeID, err = nodeID(n.cfg.FS, n.cfg.Data, n.cfg.NodeID, n.cfg.Random)
	return err
}

func (n *Node) startEngine(context.Context) error {
	limitGo(n.cfg.MemoryBytes)
	var err error
	n.engine, err = exec.New(exec.Config{
		FS: n.cfg.FS, Dir: n.cfg.Data, Clock: n.cfg.Clock,
		Catalog: catalog.NewMachine(), System: n.system,
		Logger: n.cfg.Logger, Workers: n.cfg.Workers, MemoryBytes: n.cfg.MemoryBytes,
		OtherBytes:  goMemory,
		MaxEpochLag: n.cfg.MaxEpochLag, Stopwatch: n.cfg.Clock.NowMicros,
		Random: n.cfg.Random, CheckpointMicros: n.cfg.CheckpointMicros,
	})
	if err == nil {
		registerMemory(n.registry, n.engine)
	}
	return err
}

// reserveBytes is the room on disk that writes of clients leave free, so that the
// node itself can go on: about what one checkpoint needs.
const reserveBytes = 64 << 20

func (n *Node) openStore(context.Context) error {
	dir := n.cfg.FS.PathJoin(n.cfg.Data, "log")
	if err := n.cfg.FS.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the log's directory: %w", err)
	}
	var err error
	n.store, err = wal.Open(wal.Options{
		FS: n.cfg.FS, Dir: n.cfg.FS.PathJoin(dir, "wal"), Now: n.now, ReserveBytes: n.cfg.reserve(),
		SegmentBytes: n.cfg.LogFileBytes,
		OnCorruption: func(err error) { n.cfg.Logger.Error("the log is damaged", "error", err) },
	})
	return err
}

func (n *Node) openMux(context.Context) error {
	var err error
	n.mux, err = transport.Open(transport.Options{
		Network: n.cfg.Network, Listen: n.cfg.Cluster, NodeID: n.cfg.NodeID, Now: n.now,
		Stalled: n.store.PendingSync, Logger: n.cfg.Logger,
	})
	if err != nil {
		return fmt.Errorf("--cluster %s: %w", n.cfg.Cluster, err)
	}
	return nil
}

func (n *Node) startReplica(context.Context) error {
	var err error
	n.replica, err = replica.Open(replica.Config{
		Dir: n.cfg.FS.PathJoin(n.cfg.Data, "log"), FS: n.cfg.FS, NodeID: n.cfg.NodeID,
		Bootstrap: []replica.Peer{{ID: n.cfg.NodeID, Addr: n.mux.Addr()}},
		Transport: n.mux.Raft(0), Store: n.store,
		Clock: n.cfg.Clock, Merger: codec.Merger{Key: n.engine.KeyOf},
		Logger: slog.New(calmRaft{n.cfg.Logger.Handler()}), Registry: n.registry,
	}, n.engine)
	return err
}

func (n *Node) runEngine(context.Context) error {
	if err := n.system.Register("nodes", system.ProviderFunc(n.nodeRows)); err != nil {
		return err
	}
	return n.engine.Start(&engineLog{n.replica, n.replica.Partitions()})
}

// catchUp returns when all that was ever acknowledged is readable.
func (n *Node) catchUp(ctx context.Context) error {
	res, err := n.replica.Barrier(ctx)
	if err != nil {
		return fmt.Errorf("replay the log: %w", err)
	}
	return n.engine.WaitApplied(ctx, res.Epoch)
}

// now is the clock for statistics.
func (n *Node) now() time.Time { return time.UnixMicro(n.cfg.Clock.NowMicros()) }

// engineLog is the replica as the engine sees it.
type engineLog struct {
	*replica.Replica
	*segment.Set
}

// Leading implements exec.Log.
func (l *engineLog) Leading() bool { return l.Replica.IsLeader() }

// Retain implements exec.Log.
func (l *engineLog) Retain(ctx context.Context) error { return l.Replica.Retain(ctx) }

// Checkpoint implements exec.Log.
func (l *engineLog) Checkpoint(ctx context.Context, e log.Epoch, index uint64, extra []byte) error {
	return l.Replica.Checkpoint(ctx, e, index, extra)
}

// Engine gives the node's engine.
func (n *Node) Engine() *exec.Engine { return n.engine }

// SQLAddr, HTTPAddr and ClusterAddr give the addresses that are listened on.
func (n *Node) SQLAddr() string     { return n.sqlListener.Addr().String() }
func (n *Node) HTTPAddr() string    { return n.httpListener.Addr().String() }
func (n *Node) ClusterAddr() string { return n.mux.Addr() }

// Close stops the node in the reverse order of Start: clients first, so that
// nothing new comes, the log last.
func (n *Node) Close() error {
	var errs []error
	if n.admin != nil {
		errs = append(errs, n.admin.close())
	}
	if n.wire != nil {
		errs = append(errs, n.wire.Close())
	}
	for _, l := range []net.Listener{n.sqlListener, n.httpListener} {
		if l != nil {
			_ = l.Close() // closed already where a server had it
		}
	}
	if n.engine != nil {
		n.engine.Halt() // epochs that the replica still hands over are dropped
	}
	switch {
	case n.replica != nil:
		errs = append(errs, n.replica.Close()) // and the store
	case n.store != nil:
		errs = append(errs, n.store.Close())
	}
	if n.mux != nil {
		errs = append(errs, n.mux.Close())
	}
	if n.engine != nil {
		errs = append(errs, n.engine.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.close())
	}
	return errors.Join(errs...)
}

// Failed is closed when the node cannot go on by itself.
func (n *Node) Failed() <-chan struct{} { return n.replica.Failed() }

// Err says why the node failed.
func (n *Node) Err() error { return n.replica.Err() }
