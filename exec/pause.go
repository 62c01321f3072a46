package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
)

// A paused query keeps its state, and its checkpoints. What comes meanwhile stays in
// the log, where RESUME reads it, epoch by epoch, as if the query had run: all that has
// to be remembered is which epochs brought something, and the event time after each.
//
// That goes for queries over streams. The log of a table or a view may be compacted, so
// that the input of a query that reads one waits in memory.

// pausedBytes is how much input a paused query over tables may keep waiting in memory;
// beyond it the query fails with a hint to create it anew.
const pausedBytes = 1 << 30

// resumedRows is how much of the log RESUME takes into memory at a time.
const resumedRows = 256 << 10

// missed is what a paused query over streams has missed. The loop owns it.
type missed struct {
	after log.Epoch // the last epoch that the query has run
	steps []missedStep
	saved int // steps that a checkpoint has, or is about to
	unpin []func()
}

// missedStep is an epoch that the query would have run.
type missedStep struct {
	epoch log.Epoch
	clock int64
	at    progress
}

// pause stops a query until RESUME.
func (e *Engine) pause(q *query, _ log.Epoch) {
	if !q.runs() {
		return
	}
	q.state = catalog.QueryPaused
	if q.overStreams() {
		e.miss(q, log.Epoch(e.points.pins.Published()))
		return
	}
	q.waiting = newFeed(q.graph, pausedBytes, false)
	e.feeds = append(e.feeds, q.waiting)
	for _, r := range q.rels {
		r.feeds++
	}
}

func (q *query) overStreams() bool {
	return !slices.ContainsFunc(q.rels, func(r *relation) bool { return !r.isStream() })
}

// miss begins to note what a query misses after an epoch.
func (e *Engine) miss(q *query, after log.Epoch) {
	q.missed = &missed{after: after}
	for _, r := range q.rels {
		for p := range r.late {
			if from, err := e.log.OffsetAtEpoch(r.partition(p), after); err == nil {
				q.missed.unpin = append(q.missed.unpin,
					e.log.Pin(r.partition(p), from, "paused query "+q.cat.Name))
			}
		}
	}
}

// note adds an epoch, if the query would have had something to do.
func (m *missed) note(q *query, epoch log.Epoch, clock int64) {
	last := q.graph.at
	if n := len(m.steps); n > 0 {
		last = m.steps[n-1].at
	}
	at := q.graph.progress(clock)
	at = progress{max(at.last, last.last), max(at.front, last.front)}
	if at != last || slices.ContainsFunc(q.rels, (*relation).brought) {
		m.steps = append(m.steps, missedStep{epoch, clock, at})
	}
}

// brought tells whether the epoch in progress has records of the relation.
func (r *relation) brought() bool { return r.caused != noWatermark }

// resume runs what came while the query was paused, epoch by epoch, and lets the
// query join the common epoch.
func (e *Engine) resume(q *query) {
	q.state = catalog.QueryRunning
	if m := q.missed; m != nil {
		q.missed = nil
		err := e.catchUp(q, m.after, log.Epoch(e.points.pins.Published()), m.steps)
		unpinAll(m.unpin)
		if err != nil {
			e.fail(q, err)
		}
		return
	}
	f := q.waiting
	q.waiting = nil
	if f == nil {
		return
	}
	f.close()
	for {
		d, ok, over := f.take(context.Background())
		if over {
			e.fail(q, errPausedTooLong(f.limit))
			break
		}
		if !ok {
			break
		}
		q.rowsIn += d.count()
		if err := q.graph.runDelta(e.pool, d); err != nil {
			e.fail(q, err)
			break
		}
	}
	e.endFeed(q.rels, f)
}

// catchUp runs the steps of the epochs (after, to], halving what is too much to have in
// memory.
func (e *Engine) catchUp(q *query, after, to log.Epoch, steps []missedStep) error {
	total, err := e.countBetween(q.rels, after, to)
	if err != nil {
		return err
	}
	if mid := after + (to-after)/2; total > resumedRows && mid > after {
		k := 0
		for k < len(steps) && steps[k].epoch <= mid {
			k++
		}
		if err := e.catchUp(q, after, mid, steps[:k]); err != nil {
			return err
		}
		return e.catchUp(q, mid, to, steps[k:])
	}
	came := map[*scan]map[log.Epoch][]*rows{}
	for _, s := range q.graph.scans {
		came[s] = map[log.Epoch][]*rows{}
		if err := e.readBetween(s, after, to, came[s]); err != nil {
			return err
		}
	}
	for _, x := range steps {
		for _, s := range q.graph.scans {
			for _, r := range came[s][x.epoch] {
				s.feed(r)
				q.rowsIn += int64(r.b.Rows())
			}
		}
		if err := q.graph.endEpoch(e.pool, epochOf(x.epoch, x.clock, x.at)); err != nil {
			return err
		}
	}
	return nil
}

// countBetween gives the number of rows of the epochs (after, to].
func (e *Engine) countBetween(rels []*relation, after, to log.Epoch) (n int64, err error) {
	for _, r := range rels {
		for p := range r.late {
			from, err := e.log.OffsetAtEpoch(r.partition(p), after)
			if err != nil {
				return 0, err
			}
			_, end, err := e.log.Bounds(r.partition(p), to)
			if err != nil {
				return 0, err
			}
			n += max(int64(end-from), 0)
		}
	}
	return n, nil
}

// readBetween reads the rows of the epochs (after, to] by epoch.
func (e *Engine) readBetween(s *scan, after, to log.Epoch, out map[log.Epoch][]*rows) error {
	r, ctx := s.rel, context.Background()
	for p := range r.late {
		from, err := e.log.OffsetAtEpoch(r.partition(p), after)
		if err != nil {
			return err
		}
		begin, end, err := e.log.Bounds(r.partition(p), to)
		if err != nil {
			return err
		}
		if err := e.mustKeep(ctx, r, p, begin, from, after); err != nil {
			return err
		}
		if from = max(from, begin); from >= end {
			continue
		}
		err = e.scanRange(ctx, r, p, from, end, s.need(), func(rs *rows) error {
			rs.byEpoch(func(at log.Epoch, part *rows) { out[at] = append(out[at], part) })
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// byEpoch cuts rows where another epoch begins.
func (r *rows) byEpoch(fn func(log.Epoch, *rows)) {
	if r.epochs == nil {
		fn(r.epoch, r)
		return
	}
	all, at := rowsOf(r.b), 0
	for _, run := range r.epochs {
		lo, hi := at, at+run.Rows
		at = hi
		var sel []uint16
		for _, i := range all {
			if int(i) >= lo && int(i) < hi {
				sel = append(sel, i)
			}
		}
		if len(sel) == 0 {
			continue
		}
		part, b := *r, *r.b
		b.Sel = sel
		part.b, part.epoch, part.epochs = &b, run.Epoch, nil
		fn(run.Epoch, &part)
	}
}

// save writes the steps that no checkpoint has.
func (m *missed) save(w *state.Writer) {
	if w.Full() {
		m.saved = 0
	}
	for _, x := range m.steps[m.saved:] {
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], uint64(x.epoch))
		var b []byte
		for _, v := range []int64{x.clock, x.at.last, x.at.front} {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		w.Put(0, key[:], b)
	}
	m.saved = len(m.steps)
}

// load reads what save wrote; steps come in the order of their epochs.
func (m *missed) load(r *state.Reader) error {
	for r != nil && r.Next() {
		if len(r.Key) != 8 || len(r.Value) != 24 {
			return fmt.Errorf("steps of a paused query: %w", state.ErrCorrupt)
		}
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(r.Value[8*i:])) }
		m.steps = append(m.steps, missedStep{epoch: log.Epoch(binary.BigEndian.Uint64(r.Key)),
			clock: number(0), at: progress{number(1), number(2)}})
	}
	m.saved = len(m.steps)
	if r == nil {
		return nil
	}
	return r.Err()
}
