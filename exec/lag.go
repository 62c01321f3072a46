package exec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
)

// A query that takes too long for an epoch leaves the common epoch, so that
// writers and the other queries do not wait for it. It goes on beside the loop,
// epoch by epoch: its input waits in a feed, its goroutine computes, and the loop
// makes each result the target's, under the epoch and the clock that it belongs
// to. What the target ever shows for an epoch is the same as if the query had not
// left; the clock decides only which epoch readers see meanwhile. With nothing
// left in the feed the query is back in the common epoch.
//
// Only queries whose result no other query reads leave: all others would have to
// wait for it anyway.

// maxEpochLag is the default of Config.MaxEpochLag, microseconds.
const maxEpochLag = 1_000_000

// laggard is a query outside the common epoch. The loop owns it; compute runs on
// the query's own goroutine.
type laggard struct {
	feed  *feed
	pins  *state.Pins // published: the epoch up to which the target is complete
	at    log.Epoch   // that epoch; guarded by points.mu
	since int64       // clock of the first epoch that is missing
	done  chan struct{}
	left  chan struct{} // closed when the query is back, or gone
	held  []*feed       // readers of the target, which wait for it
}

// work is one epoch of a query on its way.
type work struct {
	epoch  log.Epoch
	clock  int64
	caused int64
	err    error
}

// step runs one epoch of an active query over its sources' deltas.
func (e *Engine) step(q *query, w epochWork) error {
	epoch, clock := w.in.Epoch, w.in.Clock
	rows := 0
	for _, s := range q.graph.scans {
		for _, r := range s.live.delta {
			s.feed(r)
			rows += r.b.Rows()
		}
	}
	q.rowsIn += int64(rows)
	at := q.graph.progress(clock)
	q.at = epoch
	q.speed.observe(clock, q.rowsIn)
	caused := q.caused(clock)
	if rows == 0 && !q.graph.moves(at) && q.graph.began {
		return q.finish(e, epoch, clock, caused) // what a back-fill left
	}
	if !e.mayLeave(q, rows) {
		if err := e.compute(q, epochOf(epoch, clock, at)); err != nil {
			return err
		}
		return q.finish(e, epoch, clock, caused)
	}
	result := make(chan error, 1)
	e.background.Go(func() { result <- e.compute(q, epochOf(epoch, clock, at)) })
	select {
	case err := <-result:
		if err != nil {
			return err
		}
		return q.finish(e, epoch, clock, caused)
	case <-e.cfg.Clock.After(e.grace(q)):
		e.leave(q, work{epoch: epoch, clock: clock, caused: caused}, result)
		return nil
	}
}

// compute runs a query's operators over what was fed, and notes how long it took.
func (e *Engine) compute(q *query, ep op.Epoch) error {
	begin := e.stopwatch()
	if e.cfg.Computing != nil {
		e.cfg.Computing(q.name, log.Epoch(ep.N))
	}
	err := q.graph.endEpoch(e.pool, ep)
	q.took.Store(e.stopwatch() - begin)
	return err
}

func (e *Engine) stopwatch() int64 {
	if e.cfg.Stopwatch == nil {
		return 0
	}
	return e.cfg.Stopwatch()
}

// A goroutine of its own costs a query about two microseconds an epoch: it is for
// epochs with many rows, and for queries that were slow before.
const (
	leaveRows   = 4096
	leaveMicros = 5_000
)

// mayLeave tells whether a query's epoch is to run where it can be left alone.
func (e *Engine) mayLeave(q *query, rows int) bool {
	if e.maxLag.Load() <= 0 || !q.began() {
		return false
	}
	if rows < leaveRows && q.took.Load() < leaveMicros && e.cfg.Computing == nil {
		return false
	}
	for _, o := range e.order {
		if slices.Contains(o.rels, q.target.rel) {
			return false
		}
	}
	return true
}

// began tells whether the query has run an epoch with the loop.
func (q *query) began() bool { return q.graph.began }

// grace is how long the loop waits for a query's epoch: not at all if the last
// one took too long already.
func (e *Engine) grace(q *query) int64 {
	lag := e.maxLag.Load()
	if q.took.Load() > lag {
		return 1
	}
	return lag
}

// SetMaxEpochLag changes how long the common epoch waits for a query; <= 0: for
// ever.
func (e *Engine) SetMaxEpochLag(micros int64) { e.maxLag.Store(micros) }

// leave lets a query go on alone from an epoch whose computing has begun.
func (e *Engine) leave(q *query, first work, result <-chan error) {
	rel := q.target.rel
	l := &laggard{
		feed: newFeed(q.graph, math.MaxInt, false), pins: state.NewPins(),
		at: first.epoch - 1, since: first.clock,
		done: make(chan struct{}), left: make(chan struct{}),
	}
	l.feed.from, l.feed.caused = first.epoch, q.caused
	l.pins.Publish(uint64(l.at))
	for _, a := range rel.arrs {
		a.Watch(l.pins)
	}
	e.log.Behind(rel.stream(), l.at)
	for _, f := range e.feeds {
		if slices.Contains(f.rels, rel) {
			f.hold(rel)
			l.held = append(l.held, f)
		}
	}
	q.lag = l
	e.feeds = append(e.feeds, l.feed)
	for _, r := range q.rels {
		r.feeds++
	}
	e.points.behind(rel.cat.OID, l)
	e.refreshNeeds()
	e.cfg.Logger.Warn("query left the common epoch", "query", q.cat.Name,
		"epoch", uint64(first.epoch))
	e.background.Go(func() {
		defer close(l.done)
		first.err = <-result
		e.follow(q, l, first)
	})
}

// follow computes the epochs of a query outside the common one until it is back.
func (e *Engine) follow(q *query, l *laggard, w work) {
	for {
		over := false
		err := e.between(context.Background(), func() error {
			over = e.settle(q, l, w)
			return nil
		})
		if over || err != nil {
			return
		}
		d, ok, _ := l.feed.take(e.ctx)
		if !ok {
			return
		}
		for _, s := range q.graph.scans {
			for _, r := range d.rows[s.rel.cat.OID] {
				s.feed(r)
			}
		}
		w = work{epoch: d.epoch, clock: d.clock, caused: d.caused}
		if len(d.rows) > 0 || q.graph.moves(d.at) {
			w.err = e.compute(q, epochOf(d.epoch, d.clock, d.at))
		}
	}
}

// settle makes a computed epoch the target's. It tells whether the query needs its
// goroutine no more.
func (e *Engine) settle(q *query, l *laggard, w work) (over bool) {
	if q.lag != l {
		return true // dropped
	}
	rel := q.target.rel
	err := w.err
	if err == nil {
		q.at = w.epoch
		err = q.finish(e, w.epoch, w.clock, w.caused)
	}
	if err == nil {
		rel.wm.endEpoch(w.clock)
		for _, a := range rel.arrs {
			if err = a.Commit(uint64(w.epoch)); err != nil {
				break
			}
		}
	}
	if err != nil {
		e.comeBack(q, l)
		e.fail(q, err)
		return true
	}
	for _, f := range l.held {
		f.attach(w.epoch, rel, rel.delta)
	}
	rel.garbage = rel.garbage || len(rel.delta) > 0
	rel.delta, rel.caused = nil, math.MinInt64
	l.since = w.clock
	e.points.reach(l, w.epoch)
	for _, f := range l.held {
		f.letGo(w.epoch)
	}
	if l.feed.empty() {
		e.comeBack(q, l)
		return true
	}
	return false
}

// comeBack ends a query's time outside the common epoch.
func (e *Engine) comeBack(q *query, l *laggard) {
	rel := q.target.rel
	q.lag = nil
	l.feed.close()
	e.endFeed(q.rels, l.feed)
	e.points.caughtUp(rel.cat.OID)
	l.pins.Publish(math.MaxUint64) // only those who hold an epoch count now
	e.log.Caught(rel.stream())
	for _, f := range l.held {
		f.free(rel)
	}
	close(l.left)
	e.cfg.Logger.Info("query is back in the common epoch", "query", q.cat.Name,
		"epoch", uint64(q.at))
}

// await runs requests, and nothing else, until a query is back: changes of what it
// reads or writes, and readers of its history, need the common epoch.
func (e *Engine) await(q *query) {
	for q != nil && q.lag != nil {
		r, ok := e.intake.takeRequest()
		if !ok {
			return
		}
		r.done <- r.do()
	}
}

// abandon ends the computing of a query that is dropped.
func (e *Engine) abandon(q *query) {
	l := q.lag
	if l == nil {
		return
	}
	e.comeBack(q, l)
	// The goroutine may be about to ask for the loop.
	e.background.Go(func() {
		<-l.done
		e.intake.ask(request{do: func() error { return nil }, done: make(chan error, 1)})
	})
	for {
		select {
		case <-l.done:
			return
		default:
		}
		r, ok := e.intake.takeRequest()
		if !ok {
			return
		}
		r.done <- r.do()
	}
}

// awaitChanged lets queries come back that a change of the catalog is about.
func (e *Engine) awaitChanged(c *catalog.Change) {
	for _, q := range slices.Clone(e.order) {
		if q.lag == nil {
			continue
		}
		if slices.ContainsFunc(c.Ended, func(x *catalog.Query) bool { return x.OID == q.cat.OID }) {
			e.abandon(q)
			continue
		}
		touched := func(x *catalog.Relation) bool {
			return x.OID == q.target.rel.cat.OID || slices.Contains(q.cat.Sources, x.OID)
		}
		if slices.ContainsFunc(c.Altered, touched) || slices.ContainsFunc(c.Truncated, touched) ||
			slices.ContainsFunc(c.Dropped, touched) ||
			slices.ContainsFunc(c.Queries, func(x *catalog.Query) bool {
				return x.OID == q.cat.OID || slices.Contains(x.Sources, q.target.rel.cat.OID)
			}) {
			e.await(q)
		}
	}
}

// boundLag lets the loop wait for queries that are too far behind: what waits for
// them must have a bound, and a stream's query cannot begin anew after a restart.
func (e *Engine) boundLag() {
	for _, q := range slices.Clone(e.order) {
		l := q.lag
		for l != nil && q.lag == l && l.feed.size() > backfillBytes {
			r, ok := e.intake.takeRequest()
			if !ok {
				return
			}
			r.done <- r.do()
		}
	}
}

// laggards tells whether some query is outside the common epoch.
func (e *Engine) laggards() bool {
	return slices.ContainsFunc(e.order, func(q *query) bool { return q.lag != nil })
}

// maxUnsaved is how many times the usual amount of input may come before a
// checkpoint no longer waits for queries outside the common epoch.
const maxUnsaved = 4

// checkpointWaits tells whether a checkpoint that is due waits for queries to come
// back. One that does not saves views without their query, which reads history
// anew after a restart; a stream's query is waited for.
func (e *Engine) checkpointWaits() bool {
	if !e.laggards() {
		return false
	}
	if e.saved.bytes < maxUnsaved*e.cfg.CheckpointBytes {
		return true
	}
	for _, q := range slices.Clone(e.order) {
		if q.lag != nil && q.target.rel.isStream() {
			e.await(q)
		}
	}
	return false
}

// complete gives the epoch up to which a query's result is there.
func (q *query) complete() log.Epoch {
	if q.lag != nil {
		return q.lag.at
	}
	return q.at
}

// behindError says that a relation's query is outside the common epoch: its history
// as of now can be read when left is closed.
type behindError struct{ left <-chan struct{} }

// Error implements error.
func (behindError) Error() string { return "a source is behind" }

// together tells, as an error, if some relation is behind.
func (e *Engine) together(rels []*relation) error {
	for _, q := range e.order {
		if q.lag != nil && slices.Contains(rels, q.target.rel) {
			return behindError{q.lag.left}
		}
	}
	return nil
}

// betweenTogether is between for what needs its sources in the common epoch.
func (e *Engine) betweenTogether(ctx context.Context, fn func() error) error {
	for {
		err := e.between(context.WithoutCancel(ctx), fn)
		var b behindError
		if !errors.As(err, &b) {
			return err
		}
		select {
		case <-b.left:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ctx.Done():
			return log.ErrStopped
		}
	}
}

// at gives the epoch that a read point shows of a relation.
func (r *ReadPoint) at(rel *relation) log.Epoch {
	if b, ok := r.behind[rel.cat.OID]; ok {
		return b.epoch
	}
	return r.Epoch
}

// Behind describes the relations of a plan that a read point shows at an earlier
// epoch, because their query is outside the common one.
func (r *ReadPoint) Behind(p *plan.Plan) []string {
	if len(r.behind)+len(r.frozen) == 0 || p == nil || p.Root == nil {
		return nil
	}
	var out []string
	seen := map[catalog.OID]bool{}
	var walk func(n plan.Node)
	walk = func(n plan.Node) {
		if s, ok := n.(*plan.Scan); ok {
			if b, ok := r.behind[s.Rel.OID]; ok && !seen[s.Rel.OID] {
				seen[s.Rel.OID] = true
				out = append(out, fmt.Sprintf("%q shows epoch %d: its query is %d epochs behind",
					s.Rel.Name, b.epoch, r.Epoch-b.epoch))
			}
			if at, ok := r.frozen[s.Rel.OID]; ok && at < r.Epoch && !seen[s.Rel.OID] {
				seen[s.Rel.OID] = true
				out = append(out, fmt.Sprintf("%q shows epoch %d: its query reads history anew",
					s.Rel.Name, at))
			}
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	walk(p.Root)
	return out
}
