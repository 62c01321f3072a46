// Package exec is the only room where SQL and the log meet: it runs continuous
// queries over the epochs of the log, keeps the state of tables and views, and
// answers bounded reads, subscriptions and writes.
//
// It knows no client and no text of statements. Invariant: everything that it
// derives is a function of the epochs applied so far; after epoch E is published,
// every relation shows exactly the entries up to E.
//
// The life of an epoch: the replica hands over an EpochInput (machine.go), the
// loop decodes it and turns tables' upserts to weights (loop.go, relation.go), the
// queries run stage by stage (graph.go, query.go), results go to their targets
// (target.go), the epoch is published and waiting sessions go on.
package exec

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
)

// Epoch is the log's, for those who see the engine only.
type Epoch = log.Epoch

// Clock is the only source of time; tests own theirs.
type Clock interface {
	// NowMicros gives the time in microseconds since 1970.
	NowMicros() int64
	// After gives a channel that gets a value after d microseconds.
	After(micros int64) <-chan struct{}
}

// Config is what an engine needs.
type Config struct {
	FS      vfs.FS // for state
	Dir     string // directory of the state, made when missing
	Clock   Clock
	Catalog *catalog.Machine
	System  *system.Registry
	Logger  *slog.Logger
	// Workers is the size of the pool that runs big epochs; <= 0 means one.
	Workers int
	// MemoryBytes is the budget for state and OtherBytes; 0 means no limit.
	MemoryBytes int64
	// OtherBytes gives the memory of the process beside the state: the Go heap, and
	// in it the log's tails and what waits for slow readers. nil counts state only.
	OtherBytes func() int64
	// StoreBytes bounds what one store of a query or a partition may hold; 0 means what
	// can be addressed, 32 GiB. Less is for tests.
	StoreBytes int64
	// CheckpointMicros is the time between checkpoints; 0 means the default of 10 s.
	CheckpointMicros int64
	// CheckpointBytes starts a checkpoint after so much input; 0: 256 MB.
	CheckpointBytes int64
	// MaxEpochLag is how long, in microseconds, the common epoch waits for a query,
	// which then goes on alone; 0 means the default of 1 s, < 0 for ever.
	MaxEpochLag int64
	// Stopwatch gives microseconds since some moment, to see how long queries take; nil
	// sees none. It decides who leaves the common epoch, never what anyone computes.
	Stopwatch func() int64
	// Computing, for tests, is called before a query computes an epoch, and may block.
	Computing func(query string, epoch log.Epoch)
	// BatchRows is how many rows a batch holds at most; 0 means batch.MaxRows, which
	// none may exceed. Less is for tests: no answer depends on it.
	BatchRows int
	// Random seeds random() and row ids; never used by continuous queries.
	Random func() uint64
}

// Log is what the engine needs of a replica beside log.Proposer. Implemented by
// log/replica.
type Log interface {
	log.Proposer
	log.Partitions
	// Leading tells whether this node leads the group.
	Leading() bool
	// AwaitLead returns when this node leads.
	AwaitLead(ctx context.Context) error
	// Tick commits a time entry, if this node leads.
	Tick(ctx context.Context) error
	// Retain drops what retention allows to go, if this node leads.
	Retain(ctx context.Context) error
	// Behind lets the derived rows of a stream's epochs after one come late, when
	// others' of the same epochs have ended; Caught ends that.
	Behind(s log.StreamID, after log.Epoch)
	Caught(s log.StreamID)
	// Checkpoint makes the log's part of a checkpoint durable: tails up to the
	// epoch are sealed, the manifest is written with extra as the machine's state,
	// older Raft entries are recycled.
	Checkpoint(ctx context.Context, epoch log.Epoch, raftIndex uint64, extra []byte) error
}

// ReadPoint is a pinned epoch: what it shows stays readable until Release.
type ReadPoint struct {
	Epoch   log.Epoch
	Clock   int64 // of the epoch, microseconds
	Catalog *catalog.Snapshot

	pin *state.Pin
	// behind are the relations that it shows at an earlier epoch.
	behind map[catalog.OID]behindPoint
	// frozen are the relations whose queries read history anew.
	frozen map[catalog.OID]log.Epoch
}

// behindPoint is the epoch of a relation whose query is outside the common one.
type behindPoint struct {
	epoch log.Epoch
	pin   *state.Pin
}

// Read is one bounded execution.
type Read struct {
	Plan  *plan.Plan
	Point *ReadPoint
	// Env has Now, Zone, Params, Session and Random; Epoch, Outer and RunSubplan
	// are the engine's.
	Env *expr.Env
	// System is what virtual relations may look at.
	System *system.Context
	// Txn overlays the open transaction's own writes; nil outside a block.
	Txn *Txn
	// CommitOnly lets a write return when it is committed, before it is readable in
	// every view (SET wait_for = 'commit').
	CommitOnly bool
	// work are the rows of RETURNING of the parts of a plan.Together that ran already.
	work map[int]*workTable
}

// Subscription is one SELECT ... EMIT CHANGES.
type Subscription struct {
	Plan   *plan.Plan
	Point  *ReadPoint
	Env    *expr.Env
	System *system.Context
	// BufferBytes bounds what waits for a slow subscriber, which is then cut with
	// an error; 0 means the default of 64 MiB.
	BufferBytes int64
	// Waiting follows the bytes that wait for the subscriber; nil: nobody looks.
	Waiting *atomic.Int64
}

// Subscriber takes the output of a subscription, from one goroutine.
type Subscriber interface {
	// Rows gives changes of one epoch, consolidated: weight > 0 rows come, weight <
	// 0 rows go. Retractions of a key come before its new row. The batch is valid
	// until Rows returns. Rows may block: that is the back-pressure.
	Rows(epoch log.Epoch, b *batch.Batch) error
	// Progress says that epoch is complete; called for epochs with and without
	// rows once history has been shown.
	Progress(epoch log.Epoch, clock int64) error
}

// WriteResult is what a write did.
type WriteResult struct {
	Rows  int64 // for the command tag
	Epoch log.Epoch
}
