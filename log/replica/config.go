package replica

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/transport"
)

// Clock is where the leader takes the clock of entries from.
type Clock interface {
	// NowMicros is the time in microseconds since 1970. It may jump; the committer
	// and the state machine make it monotone.
	NowMicros() int64
}

// Store is Raft's log and stable store. Implemented by log/wal.
type Store interface {
	raft.LogStore
	raft.StableStore
	// Install makes the log fit a checkpoint: if it holds that very entry, what
	// follows is kept; else all is void and goes on behind index.
	Install(index, term uint64) (kept bool, err error)
	Close() error
}

// Peer is a member of a new group.
type Peer struct {
	ID   string
	Addr string
}

// Forward sends an encoded transaction to the leader and returns its answer, both
// as HandleForward takes and gives them.
type Forward func(ctx context.Context, leaderID, addr string, txn []byte) ([]byte, error)

// FileFetcher brings files of sealed rows from another node.
type FileFetcher interface {
	// Fetch opens the file of the node's segment directory.
	Fetch(ctx context.Context, nodeID, addr, name string) (io.ReadCloser, error)
}

// ErrorCodec carries a machine's refusals from the leader to the node that
// forwarded the transaction, so that they arrive as what they were.
type ErrorCodec interface {
	EncodeError(error) []byte
	DecodeError([]byte) error
}

// Limits bound what the committer takes.
type Limits struct {
	// TxnBytes is the most that one transaction may have. Default 256 MiB: the
	// session's own limit is lower.
	TxnBytes int64
	// InFlightBytes bounds the bytes of all transactions between Propose and their
	// application; more wait. Default 32 MiB: with 1 MiB entries and no such bound
	// p99 was seconds.
	InFlightBytes int64
	// InFlightEntries bounds the entries given to Raft and not yet applied.
	// Default 4: one at the disk, one on the network, one at the state machine,
	// one being filled.
	InFlightEntries int
	// LeaderWait is how long Propose waits for a leader before ErrNotLeader.
	// Default 5 s.
	LeaderWait time.Duration
	// Trailing is the number of entries before a checkpoint that a group of
	// several members keeps for followers that lag a little. Default 1024. At least
	// four times AppendEntries: when answers are lost, a leader goes on from up to
	// three messages before a follower's end, and Raft has no way on if the follower
	// has recycled that part.
	Trailing uint64
	// AppendEntries is the number of entries in one message to a follower. Default
	// 64; more brought nothing.
	AppendEntries int
}

// Timing are Raft's timers. The defaults come from measurements under full load on
// two cores: shorter ones lost leaders. Commit is how long a follower may not know
// that an entry is committed when no other follows; a transaction that came through
// a follower waits for that.
type Timing struct {
	Heartbeat, Election, Lease, Commit time.Duration
}

// Config says what a replica is made of.
type Config struct {
	Group log.GroupID
	// Dir holds wal, segments and manifest.
	Dir string
	FS  vfs.FS
	// NodeID names this member for ever.
	NodeID string
	// Bootstrap are the members of a new group; ignored when there is state. Nil
	// with a nil Transport: a group of this node alone. Nil with a Transport: the
	// node waits until a leader adds it.
	Bootstrap []Peer
	// Mux is the way to the other nodes. It stands for Transport, Forward and Fetch,
	// and gets the handlers of this group.
	Mux *transport.Mux
	// Transport is how Raft reaches the other members; nil: there are none.
	Transport raft.Transport
	// Store is Raft's store; nil: log/wal in Dir. The replica closes it.
	Store Store
	Clock Clock
	// Merger joins blocks at sealing; nil: they are sealed as they are.
	Merger log.Merger
	Limits Limits
	Timing Timing
	Logger *slog.Logger
	// Registry takes the metrics; nil: nobody does.
	Registry prometheus.Registerer
	// Forward sends transactions to the leader; nil: Propose gives ErrNotLeader.
	Forward Forward
	Errors  ErrorCodec
	// Fetch brings files when a leader's snapshot is installed.
	Fetch FileFetcher
	// SealBytes and FileBytes: see segment.Options.
	SealBytes, FileBytes int64
	// ReserveBytes and WALSegmentBytes: see wal.Options.
	ReserveBytes, WALSegmentBytes int64
}

func (c *Config) fill() error {
	if c.FS == nil || c.Dir == "" || c.NodeID == "" || c.Clock == nil {
		return errors.New("replica needs a file system, a directory, a node ID and a clock")
	}
	if c.Mux != nil {
		c.useMux()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	set := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.Limits.TxnBytes, 256<<20)
	set(&c.Limits.InFlightBytes, 32<<20)
	if c.Limits.InFlightEntries == 0 {
		c.Limits.InFlightEntries = 4
	}
	if c.Limits.Trailing == 0 {
		c.Limits.Trailing = 1024
	}
	if c.Limits.AppendEntries == 0 {
		c.Limits.AppendEntries = 64
	}
	c.Limits.Trailing = max(c.Limits.Trailing, 4*uint64(c.Limits.AppendEntries))
	dur := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	dur(&c.Limits.LeaderWait, 5*time.Second)
	dur(&c.Timing.Heartbeat, time.Second)
	dur(&c.Timing.Election, c.Timing.Heartbeat)
	dur(&c.Timing.Lease, c.Timing.Heartbeat/2)
	dur(&c.Timing.Commit, 10*time.Millisecond)
	return nil
}
