package exec

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// epochDelta is what one epoch changed in the relations that a feed reads.
type epochDelta struct {
	epoch log.Epoch
	clock int64
	at    progress                // of the feed's plan
	rows  map[catalog.OID][]*rows // by relation
	bytes int
	// caused is that of the feed's query, see query.caused.
	caused int64
}

// count gives the number of rows.
func (d *epochDelta) count() int64 {
	n := 0
	for _, list := range d.rows {
		for _, r := range list {
			n += r.b.Rows()
		}
	}
	return int64(n)
}

// feed hands the epochs' changes to a reader that does not run with the loop: a
// query that still reads history, or a subscription. The loop puts, one
// goroutine takes.
type feed struct {
	rels  []*relation // the loop's: as they are now
	scans []*scan
	limit int // bytes that may wait
	// progress gives the event time of the reader's sources; called by the loop.
	progress func(clock int64) progress
	at       progress // of the last epoch; the loop's

	// The rest is the loop's. from is the last epoch that the reader has; caused, when
	// set, is that of its query; late are sources whose query is outside the common
	// epoch, and held what waits for them.
	from   log.Epoch
	caused func(clock int64) int64
	late   []*relation
	held   []heldDelta

	mu     sync.Mutex
	queue  []epochDelta
	bytes  int
	ready  chan struct{} // has one value when the queue may have something
	room   sync.Cond
	closed bool
	over   bool  // the limit was passed: the reader is cut
	err    error // why the feed was closed, nil: it was asked for
	// blocking makes put wait for room instead of cutting the reader.
	blocking bool
	// waiting, when set, gets the bytes in the queue, for those who look on.
	waiting *atomic.Int64
}

func newFeed(g *graph, limit int, blocking bool) *feed {
	f := &feed{
		rels: g.sources(), scans: g.scans, progress: g.progress, limit: limit, blocking: blocking,
		ready: make(chan struct{}, 1),
	}
	f.room.L = &f.mu
	return f
}

// put adds an epoch's changes of the feed's relations.
func (f *feed) put(epoch log.Epoch, clock int64) {
	if epoch <= f.from {
		return
	}
	f.at = f.progress(clock)
	d := epochDelta{epoch: epoch, clock: clock, at: f.at}
	for _, r := range f.rels {
		if len(r.delta) == 0 {
			continue
		}
		if d.rows == nil {
			d.rows = make(map[catalog.OID][]*rows, len(f.rels))
		}
		d.rows[r.cat.OID] = r.delta
		for _, x := range r.delta {
			d.bytes += deltaBytes(x)
		}
	}
	if f.caused != nil {
		d.caused = f.caused(clock)
	}
	if len(f.late) > 0 || len(f.held) > 0 {
		f.held = append(f.held, f.withTimes(d))
		return
	}
	f.enqueue(d)
}

// enqueue hands an epoch to the reader.
func (f *feed) enqueue(d epochDelta) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.blocking && !f.closed && f.bytes > f.limit {
		f.room.Wait()
	}
	if f.closed {
		return
	}
	if f.bytes > f.limit {
		f.over, f.queue = true, nil
		f.count(-f.bytes)
	} else {
		f.queue = append(f.queue, d)
		f.count(d.bytes)
	}
	f.signal()
}

// count follows the bytes in the queue; the caller holds mu.
func (f *feed) count(n int) {
	f.bytes += n
	if f.waiting != nil {
		f.waiting.Add(int64(n))
	}
}

// deltaBytes estimates the memory that a batch of changes holds.
func deltaBytes(r *rows) int {
	n := 64
	for _, c := range r.b.Cols {
		if c != nil {
			n += 8*c.Len() + len(c.Buf)
		}
	}
	return n
}

func (f *feed) signal() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

// take waits for the next epoch. ok is false when the feed was closed and is
// empty; over says that the reader was too slow.
func (f *feed) take(ctx context.Context) (d epochDelta, ok, over bool) {
	for {
		f.mu.Lock()
		if f.over {
			f.mu.Unlock()
			return epochDelta{}, false, true
		}
		if len(f.queue) > 0 {
			d = f.queue[0]
			f.queue[0] = epochDelta{}
			f.queue = f.queue[1:]
			f.count(-d.bytes)
			f.room.Broadcast()
			if len(f.queue) > 0 {
				f.signal()
			}
			f.mu.Unlock()
			return d, true, false
		}
		closed := f.closed
		f.mu.Unlock()
		if closed {
			return epochDelta{}, false, false
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			return epochDelta{}, false, false
		}
	}
}

// rebind points the feed at a relation's new form. A reader of columns whose values
// have another type from now on cannot go on.
func (f *feed) rebind(old, now *relation) {
	if !swap(f.rels, old, now) {
		return
	}
	swap(f.late, old, now)
	for _, h := range f.held {
		if w, ok := h.times[old]; ok {
			delete(h.times, old)
			h.times[now] = w
		}
	}
	for _, s := range f.scans {
		if s.live != old {
			continue
		}
		s.live = now
		for i, n := range needOf(s.columns, len(old.types)) {
			if n && !now.types[i].Same(old.types[i]) {
				f.fail(errRetyped(now.cat, i))
				return
			}
		}
	}
}

// swap replaces a relation in a list; it tells whether it was there.
func swap(list []*relation, old, now *relation) bool {
	i := slices.Index(list, old)
	if i >= 0 {
		list[i] = now
	}
	return i >= 0
}

func errRetyped(r *catalog.Relation, o int) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "the type of column \"%s\" of %s has changed",
		r.Columns[o].Name, r.Title()).WithHint("Subscribe anew.")
}

func errDropped(r *catalog.Relation) error {
	return sqlerr.New(sqlerr.UndefinedTable, "%s was dropped", r.Title())
}

// fail ends the feed with an error, once what waits has been taken.
func (f *feed) fail(err error) {
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	f.close()
}

// why gives the error that closed the feed.
func (f *feed) why() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// close ends the feed: what waits can still be taken, nothing more comes.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	if f.waiting != nil {
		f.waiting.Add(-int64(f.bytes))
		f.waiting = nil
	}
	f.room.Broadcast()
	f.signal()
	f.mu.Unlock()
}
