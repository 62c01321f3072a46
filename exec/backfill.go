package exec

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// backfillBytes is how much live input may wait while a query reads history;
// then the loop waits for it.
const backfillBytes = 256 << 20

// backfill reads history for a query as of the epoch of its creation, then the
// epochs since, until the loop takes the query over. Owned by the query; its
// goroutine ends when the feed is closed or ctx is done.
type backfill struct {
	feed  *feed
	point *ReadPoint
	begin progress // of the sources at point
	// after leaves out what was there at that epoch; 0 leaves out nothing.
	after  log.Epoch
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine ended
	err    error         // valid after done

	total, read atomic.Int64 // rows of history
	since       int64        // rows after it; valid after done
	started     int64        // clock, microseconds
	// at is the epoch that was run last.
	at atomic.Uint64
	// turn is the query's in which it is to become active; noTurn: it is paused.
	turn atomic.Uint64
	// caughtUp: history has been read.
	caughtUp atomic.Bool
	// unpin lets retention have what is read.
	unpin []func()
}

// pinSources keeps the rows of streams that are still to be read.
func (e *Engine) pinSources(rels []*relation, who string) []func() {
	var out []func()
	for _, r := range rels {
		if !r.isStream() {
			continue
		}
		for p := range r.late {
			begin, _, err := e.log.Bounds(r.partition(p), log.Epoch(e.points.pins.Published()))
			if err == nil {
				out = append(out, e.log.Pin(r.partition(p), begin, who))
			}
		}
	}
	return out
}

func unpinAll(release []func()) {
	for _, f := range release {
		f()
	}
}

// startBackfill begins to read history; called by the loop when
// the epoch of the query's creation has been published.
func (e *Engine) startBackfill(q *query, clock int64) {
	ctx, cancel := context.WithCancel(e.ctx)
	b := &backfill{
		feed:  newFeed(q.graph, backfillBytes, true),
		point: e.Pin(),
		begin: q.graph.progress(clock),
		ctx:   ctx, cancel: cancel, done: make(chan struct{}), started: clock,
	}
	if q.continues && stateless(q.plan.Root) {
		b.after = log.Epoch(q.cat.Created)
	}
	b.turn.Store(noTurn)
	if q.cat.State != catalog.QueryPaused {
		b.turn.Store(q.cat.Turn)
	}
	b.unpin = e.pinSources(q.rels, "back-fill of "+q.cat.Name)
	q.back = b
	if q.rebuilt {
		e.points.freeze(q.target.rel.cat.OID)
	}
	e.feeds = append(e.feeds, b.feed)
	for _, r := range q.rels {
		r.feeds++
	}
	e.refreshNeeds()
	e.background.Go(func() {
		defer close(b.done)
		b.err = e.runBackfill(ctx, q, b)
	})
}

// noTurn is no query's turn.
const noTurn = math.MaxUint64

// wantActive lets a query that reads history become active in the turn that it is in
// now: RESUME of one that was paused meanwhile.
func (e *Engine) wantActive(q *query) {
	b := q.back
	b.turn.Store(q.cat.Turn)
	select {
	case <-b.done:
		e.backfillFailed(q, b, b.err)
	default:
		if b.caughtUp.Load() {
			e.proposeActive(q, b)
		}
	}
}

// proposeActive asks for the epoch in which the loop takes a query over.
func (e *Engine) proposeActive(q *query, b *backfill) {
	if turn := b.turn.Load(); turn != noTurn {
		e.proposeState(b.ctx, &catalog.SetQueryState{
			OID: q.oid, Turn: &turn, State: catalog.QueryRunning,
		})
	}
}

func (e *Engine) runBackfill(ctx context.Context, q *query, b *backfill) error {
	err := e.runHistory(ctx, q, b)
	b.point.Release()
	unpinAll(b.unpin)
	if err != nil {
		e.backfillFailed(q, b, err)
		return err
	}
	b.at.Store(uint64(b.point.Epoch))
	b.caughtUp.Store(true)
	e.proposeActive(q, b)
	for {
		d, ok, _ := b.feed.take(ctx)
		if !ok {
			return ctx.Err()
		}
		if err := q.graph.runDelta(e.pool, d); err != nil {
			e.backfillFailed(q, b, err)
			return err
		}
		b.since += d.count()
		b.at.Store(uint64(d.epoch))
	}
}

// runHistory runs everything up to the point. A query with state that continues
// a stream builds its state so, and gives none of the rows again.
func (e *Engine) runHistory(ctx context.Context, q *query, b *backfill) error {
	quiet := q.continues && b.after == 0
	if quiet && b.point.Epoch > log.Epoch(q.cat.Created) {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"replacing the query of stream %q was interrupted", q.plan.Target.Name).
			WithHint("Drop the stream and create it anew; it will read all history.")
	}
	q.target.mute(quiet)
	defer q.target.mute(false)
	err := e.readHistory(ctx, q.graph, b, func() error { return q.graph.flow(e.pool) })
	if err != nil {
		return err
	}
	return q.graph.endEpoch(e.pool, epochOf(b.point.Epoch, b.point.Clock, b.begin))
}

func (e *Engine) backfillFailed(q *query, b *backfill, err error) {
	turn := b.turn.Load()
	if b.ctx.Err() != nil || turn == noTurn {
		return // of a paused query, RESUME finds it
	}
	e.proposeFailed(b.ctx, q.oid, turn, asUser(err))
}

// runDelta runs one epoch from a feed.
func (g *graph) runDelta(p *pool, d epochDelta) error {
	for _, s := range g.scans {
		for _, r := range d.rows[s.rel.cat.OID] {
			s.feed(r)
		}
	}
	if len(d.rows) == 0 && !g.moves(d.at) {
		return nil
	}
	return g.endEpoch(p, epochOf(d.epoch, d.clock, d.at))
}

// historyRows is how many rows of history go through the graph at a time: enough
// for all shards to work, little enough to stay in memory between stages.
const historyRows = 64 << 10

// readHistory pushes everything that the sources show at the point, sources
// that others look up first; flow moves what was pushed.
func (e *Engine) readHistory(ctx context.Context, g *graph, b *backfill,
	flow func() error,
) error {
	for _, s := range g.scans {
		n, err := e.countRows(s.rel, b.point.Epoch)
		if err != nil {
			return err
		}
		b.total.Add(n)
	}
	for _, run := range g.statics {
		if err := run(); err != nil {
			return err
		}
	}
	for _, s := range g.scans {
		waiting := 0
		err := e.scanSince(ctx, s, b, func(r *rows) error {
			s.feed(r)
			b.read.Add(int64(r.b.Rows()))
			if waiting += r.b.Rows(); waiting < historyRows {
				return nil
			}
			waiting = 0
			return flow()
		})
		if err != nil {
			return err
		}
		if err := flow(); err != nil {
			return err
		}
	}
	return nil
}

// scanSince reads what a scan shows at the point, or what has changed since b.after.
func (e *Engine) scanSince(ctx context.Context, s *scan, b *backfill, fn func(*rows) error) error {
	r := s.rel
	if !r.isStream() && b.after > 0 {
		for p := range r.arrs {
			if err := e.scanChanged(ctx, r, p, b, fn); err != nil {
				return err
			}
		}
		return nil
	}
	if !r.isStream() {
		return e.scanRelation(ctx, r, b.point.Epoch, s.need(), func(x *rows) error {
			return fn(x.own())
		})
	}
	if b.after == 0 {
		return e.scanRelation(ctx, r, b.point.Epoch, s.need(), fn)
	}
	for p := range r.late {
		from, err := e.log.OffsetAtEpoch(r.partition(p), b.after)
		if err != nil {
			return err
		}
		begin, end, err := e.log.Bounds(r.partition(p), b.point.Epoch)
		if err != nil {
			return err
		}
		if err := e.mustKeep(ctx, r, p, begin, from, b.after); err != nil {
			return err
		}
		if from = max(from, begin); from >= end {
			continue
		}
		if err := e.scanRange(ctx, r, p, from, end, s.need(), fn); err != nil {
			return err
		}
	}
	return nil
}

// takeOver ends the back-fill of a query whose activation is in this epoch: what
// the feed still holds is run, and the query joins the loop.
func (e *Engine) takeOver(q *query) error {
	b := q.back
	if b == nil {
		return nil
	}
	b.feed.close()
	<-b.done
	b.cancel()
	e.endFeed(q.rels, b.feed)
	q.back = nil
	q.rowsIn += b.read.Load() + b.since
	return b.err
}

// stopBackfill ends a back-fill whose query is dropped.
func (e *Engine) stopBackfill(q *query) {
	b := q.back
	if b == nil {
		return
	}
	b.cancel()
	b.feed.close()
	<-b.done
	e.endFeed(q.rels, b.feed)
	q.back = nil
}

func (e *Engine) endFeed(rels []*relation, f *feed) {
	for i, x := range e.feeds {
		if x == f {
			e.feeds = append(e.feeds[:i], e.feeds[i+1:]...)
			break
		}
	}
	for _, r := range rels {
		r.feeds--
	}
	e.refreshNeeds()
}

// noWatermark is the watermark of sources that had no rows yet.
const noWatermark = int64(math.MinInt64)
