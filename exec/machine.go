package exec

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
)

// maxQueuedBytes bounds the applied epochs that wait for the loop: beyond it the
// state machine waits, and through it every writer. 64 MiB is one of the largest
// transactions.
const maxQueuedBytes = 64 << 20

// epochWork is one epoch on its way from the log to the loop.
type epochWork struct {
	in      *log.EpochInput
	changes []catalog.Change
	snap    *catalog.Snapshot // after the epoch's commands
	bytes   int
	arrived int64 // by Config.Stopwatch
}

// intake is the queue between the replica's goroutine and the loop.
type intake struct {
	mu      sync.Mutex
	room    sync.Cond
	ready   sync.Cond
	queue   []epochWork
	bytes   int
	open    bool // the loop runs: bound the queue
	closed  bool
	changes []catalog.Change // of commands whose epoch is not closed yet
	asked   []request        // to be done between two epochs
}

// request is something to be done on the loop's goroutine, between two epochs.
type request struct {
	do   func() error
	done chan error
}

// ask queues a request; false when the loop has ended.
func (q *intake) ask(r request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.asked = append(q.asked, r)
	q.ready.Signal()
	return true
}

func newIntake() *intake {
	q := &intake{}
	q.room.L, q.ready.L = &q.mu, &q.mu
	return q
}

// put adds an epoch and waits while too much is queued. Before the loop runs
// (replay at opening) the queue is bounded by the checkpoint interval instead.
func (q *intake) put(w epochWork) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.open && !q.closed && q.bytes > 0 && q.bytes+w.bytes > maxQueuedBytes {
		q.room.Wait()
	}
	q.queue = append(q.queue, w)
	q.bytes += w.bytes
	q.ready.Signal()
}

// take gives the oldest epoch, or a request (do is set), which comes first; ok is
// false when the intake is closed.
func (q *intake) take() (w epochWork, r request, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queue) == 0 && len(q.asked) == 0 && !q.closed {
		q.ready.Wait()
	}
	if q.closed {
		return w, r, false
	}
	if len(q.asked) > 0 {
		r = q.asked[0]
		q.asked = q.asked[1:]
		return w, r, true
	}
	w = q.queue[0]
	q.queue[0] = epochWork{}
	q.queue = q.queue[1:]
	q.bytes -= w.bytes
	q.room.Broadcast()
	return w, r, true
}

// takeRequest is take for requests alone.
func (q *intake) takeRequest() (r request, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.asked) == 0 && !q.closed {
		q.ready.Wait()
	}
	if q.closed {
		return r, false
	}
	r = q.asked[0]
	q.asked = q.asked[1:]
	return r, true
}

func (q *intake) start() {
	q.mu.Lock()
	q.open = true
	q.mu.Unlock()
}

func (q *intake) close() {
	q.mu.Lock()
	q.closed = true
	q.ready.Broadcast()
	q.room.Broadcast()
	for _, r := range q.asked {
		r.done <- log.ErrStopped
	}
	q.asked = nil
	q.mu.Unlock()
}

// CommandOutput is what a catalog command answers to its proposer.
type CommandOutput struct {
	OID     catalog.OID
	Notices []string
	// Queries are the continuous queries that the command created, to be waited
	// for.
	Queries []catalog.OID
}

// ApplyCommand implements log.Machine.
func (e *Engine) ApplyCommand(epoch log.Epoch, _ int64, cmd []byte) ([]byte, log.Effects, error) {
	change, err := e.cfg.Catalog.Apply(catalog.Version(epoch), cmd)
	if err != nil {
		return nil, log.Effects{}, err
	}
	e.intake.changes = append(e.intake.changes, change)
	out := CommandOutput{OID: change.OID, Notices: change.Notices}
	for _, q := range change.Queries {
		if q.State == catalog.QueryBackfilling {
			out.Queries = append(out.Queries, q.OID)
		}
	}
	b, err := json.Marshal(out)
	return b, effectsOf(&change, e.cfg.Catalog.Current()), err
}

func effectsOf(c *catalog.Change, next *catalog.Snapshot) log.Effects {
	var f log.Effects
	for _, r := range c.Created {
		if hasRows(r) {
			f.Create = append(f.Create, specOf(r))
		}
	}
	for _, r := range c.Altered {
		if hasRows(r) {
			f.Alter = append(f.Alter, specOf(r))
		}
	}
	for _, q := range c.Queries {
		if r := next.Relation(q.Target); !q.Owns && r != nil && hasRows(r) {
			spec := specOf(r)
			spec.Fed = true
			f.Alter = append(f.Alter, spec)
		}
	}
	for _, r := range c.Dropped {
		if hasRows(r) {
			f.Drop = append(f.Drop, log.StreamID(r.OID))
		}
	}
	for _, r := range c.Truncated {
		f.Truncate = append(f.Truncate, log.StreamID(r.OID))
	}
	return f
}

// hasRows tells whether a relation has partitions in the log.
func hasRows(r *catalog.Relation) bool {
	switch r.Kind {
	case catalog.KindStream, catalog.KindTable, catalog.KindMaterializedView:
		return true
	}
	return false
}

func specOf(r *catalog.Relation) log.StreamSpec {
	return log.StreamSpec{
		Stream:          log.StreamID(r.OID),
		Partitions:      uint32(max(r.Partitions, 1)),
		RetentionMicros: r.RetentionMicros,
		RetentionBytes:  r.RetentionBytes,
		Keyed:           r.Kind != catalog.KindStream,
	}
}

// ApplyEpoch implements log.Machine.
func (e *Engine) ApplyEpoch(in *log.EpochInput) {
	w := epochWork{in: in, changes: e.intake.changes, snap: e.cfg.Catalog.Current()}
	e.intake.changes, w.arrived = nil, e.stopwatch()
	for _, b := range in.Blocks {
		w.bytes += b.Bytes()
	}
	e.intake.put(w)
}

// Snapshot implements log.Machine.
func (e *Engine) Snapshot() []byte {
	b, err := e.cfg.Catalog.Encode()
	if err != nil {
		// The catalog is plain data; it always encodes.
		panic(fmt.Sprintf("exec: encode catalog: %v", err))
	}
	return b
}

// Restore implements log.Machine: the catalog is the manifest's; the state of
// relations and queries is loaded when the loop starts.
func (e *Engine) Restore(state []byte, at log.Epoch, clock int64) error {
	if err := e.cfg.Catalog.Restore(state); err != nil {
		return fmt.Errorf("restore catalog: %w", err)
	}
	e.restored = restorePoint{epoch: at, clock: clock, snap: e.cfg.Catalog.Current()}
	return nil
}

type restorePoint struct {
	epoch log.Epoch
	clock int64
	snap  *catalog.Snapshot
}
