package exec

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// loop runs epochs in order until the engine is closed. An error here is not a
// query's (those fail alone) but ours or the disk's: nothing more is published,
// and every waiting session gets it.
func (e *Engine) loop() {
	defer close(e.loopDone)
	for {
		w, r, ok := e.intake.take()
		if !ok {
			e.points.fail(log.ErrStopped)
			return
		}
		if r.do != nil {
			r.done <- r.do()
			continue
		}
		if err := e.runEpoch(w); err != nil {
			err = fmt.Errorf("epoch %d: %w", w.in.Epoch, err)
			e.cfg.Logger.Error("the engine stops", "error", err)
			e.points.fail(sqlerr.Wrap(err, sqlerr.InternalError, "the engine has stopped: %v", err))
			e.intake.close()
			return
		}
	}
}

// runEpoch applies one epoch: catalog changes, rows, queries, readers.
func (e *Engine) runEpoch(w epochWork) (err error) {
	defer state.Catch(&err)
	epoch, clock := w.in.Epoch, w.in.Clock
	created, err := e.applyChanges(w)
	if err != nil {
		return err
	}
	if err := e.ingest(&w); err != nil {
		return err
	}
	for _, q := range e.order {
		if !q.runs() {
			continue
		}
		if err := e.step(q, w); err != nil {
			e.fail(q, err)
		}
		if q.lag == nil {
			q.target.rel.wm.endEpoch(clock)
		}
	}
	for _, f := range e.feeds {
		f.put(epoch, clock)
	}
	for _, q := range e.order {
		if q.missed != nil {
			q.missed.note(q, epoch, clock)
		}
	}
	if err := e.commitRelations(epoch); err != nil {
		return err
	}
	e.log.EndEpoch(epoch)
	e.points.publish(epoch, clock, w.snap)
	if err := e.buildIndexes(); err != nil {
		return err
	}
	// History as of this epoch includes what the epoch brought.
	for _, q := range created {
		e.startBackfill(q, clock)
	}
	e.views.epochDone(w)
	for _, r := range e.rels {
		r.delta, r.caused = nil, math.MinInt64
	}
	e.boundLag()
	if err := e.relieve(w); err != nil {
		return err
	}
	return e.maybeCheckpoint(w)
}

// ingest takes over the epoch's rows.
func (e *Engine) ingest(w *epochWork) error {
	in, emptied := w.in, w.emptied()
	for i, blk := range in.Blocks {
		r := e.rels[catalog.OID(blk.Partition.Stream)]
		if r == nil {
			continue // dropped by a transaction of the same epoch
		}
		if i < emptied[r.cat.OID] {
			continue
		}
		if err := r.ingest(blk, in.Clock); err != nil {
			return err
		}
	}
	for _, r := range e.rels {
		if r.cat.Query == 0 {
			r.wm.endEpoch(in.Clock)
		}
	}
	return nil
}

// emptied gives for each table that is truncated in the epoch how many of the epoch's
// blocks came before.
func (w *epochWork) emptied() map[catalog.OID]int {
	var out map[catalog.OID]int
	for i := range w.changes {
		for _, r := range w.changes[i].Truncated {
			if out == nil {
				out = map[catalog.OID]int{}
			}
			out[r.OID] = w.in.Commands[i].Before
		}
	}
	return out
}

// applyChanges follows the catalog: relations and queries come and go. It gives
// the queries that have to read history.
func (e *Engine) applyChanges(w epochWork) (created []*query, err error) {
	if len(w.changes) == 0 {
		return nil, nil
	}
	for i := range w.changes {
		c := &w.changes[i]
		e.awaitChanged(c)
		for _, q := range c.Ended {
			e.endQuery(q.OID)
		}
		for _, r := range c.Dropped {
			if r.Kind == catalog.KindIndex {
				e.dropIndex(r)
			}
			e.dropRelation(r.OID)
		}
		for _, r := range c.Created {
			if r.Kind == catalog.KindIndex {
				e.createIndex(r, w.snap)
				continue
			}
			if err := e.createRelation(r); err != nil {
				return nil, err
			}
		}
		for _, r := range c.Altered {
			if err := e.alterRelation(r, w.snap); err != nil {
				return nil, err
			}
		}
		for _, r := range c.Truncated {
			if err := e.truncate(r, w.in); err != nil {
				return nil, err
			}
		}
		for _, q := range c.Queries {
			if n := e.changeQuery(q, w); n != nil {
				created = append(created, n)
			}
		}
	}
	e.refreshNeeds()
	e.publishObjects()
	return created, nil
}

func (e *Engine) createRelation(c *catalog.Relation) error {
	if !hasRows(c) {
		return nil
	}
	r, err := e.newRelation(c)
	if err != nil {
		return err
	}
	e.rels[c.OID] = r
	return nil
}

func (e *Engine) dropRelation(oid catalog.OID) {
	if r := e.rels[oid]; r != nil {
		delete(e.rels, oid)
		for _, f := range e.feeds {
			if slices.Contains(f.rels, r) {
				f.fail(errDropped(r.cat))
			}
		}
		e.points.thaw(oid)
		e.retire(r)
	}
}

// changeQuery follows one query's state. It gives a query that has to read
// history from this epoch on.
func (e *Engine) changeQuery(c *catalog.Query, w epochWork) *query {
	q := e.queries[c.OID]
	if q == nil {
		return e.createQuery(c, w.snap)
	}
	if q.state == catalog.QueryFailed && c.State != catalog.QueryFailed {
		return e.restartQuery(c, w.snap)
	}
	q.cat = c
	q.stopAsking()
	switch c.State {
	case catalog.QueryRunning:
		return e.activate(q, w)
	case catalog.QueryBackfilling:
		if q.back != nil {
			e.wantActive(q)
		}
	case catalog.QueryPaused:
		e.pause(q, w.in.Epoch)
	case catalog.QueryFailed:
		if q.state != catalog.QueryFailed {
			e.stopBackfill(q)
			e.fail(q, sqlerr.New(sqlerr.Code(c.SQLState), "%s", c.Error))
		}
	}
	return nil
}

// restartQuery is RESUME of a query that has failed: it reads history anew, and
// the result replaces what the target still has.
func (e *Engine) restartQuery(c *catalog.Query, snap *catalog.Snapshot) *query {
	e.endQuery(c.OID)
	q := e.createQuery(c, snap)
	if q != nil {
		q.state, q.rebuilt, q.continues = catalog.QueryBackfilling, true, false
	}
	return q
}

func (e *Engine) createQuery(c *catalog.Query, snap *catalog.Snapshot) *query {
	q, err := e.newQuery(c, snap)
	e.queries[c.OID] = q
	e.order = append(e.order, q)
	if err != nil {
		e.fail(q, err)
		return nil
	}
	e.sortQueries()
	return q
}

// sortQueries puts queries behind those whose results they read, as they run one
// after the other in an epoch, and otherwise in the order of their creation. A
// query can be younger than its readers: it may be another one's replacement, or
// write to a relation that was there before.
func (e *Engine) sortQueries() {
	writers := map[catalog.OID][]*query{}
	for _, q := range e.order {
		if q.target != nil {
			oid := q.target.rel.cat.OID
			writers[oid] = append(writers[oid], q)
		}
	}
	slices.SortFunc(e.order, func(a, b *query) int { return cmp.Compare(a.oid, b.oid) })
	sorted, seen := make([]*query, 0, len(e.order)), map[*query]bool{}
	var visit func(q *query)
	visit = func(q *query) {
		if seen[q] {
			return
		}
		seen[q] = true
		for _, r := range q.rels {
			for _, w := range writers[r.cat.OID] {
				visit(w)
			}
		}
		sorted = append(sorted, q)
	}
	for _, q := range e.order {
		visit(q)
	}
	e.order = sorted
}

// activate lets a query join the common epoch: after its back-fill, or after a
// pause, from which it catches up by reading history anew.
func (e *Engine) activate(q *query, w epochWork) *query {
	if q.back != nil {
		if err := e.takeOver(q); err != nil {
			e.fail(q, err)
			return nil
		}
		if q.rebuilt {
			if err := e.replaceTarget(q); err != nil {
				e.fail(q, err)
				return nil
			}
		}
		q.state = catalog.QueryRunning
		q.markReady()
		return nil
	}
	if q.state == catalog.QueryPaused {
		e.resume(q)
	}
	return nil
}

func (e *Engine) endQuery(oid catalog.OID) {
	q := e.queries[oid]
	if q == nil {
		return
	}
	e.stopBackfill(q)
	q.stopAsking()
	if q.missed != nil {
		unpinAll(q.missed.unpin)
	}
	delete(e.queries, oid)
	e.order = slices.DeleteFunc(e.order, func(x *query) bool { return x == q })
	if q.graph != nil {
		q.graph.close()
		q.graph = nil
	}
	q.markReady()
}

// refreshNeeds collects for each relation which columns are read and which scans
// run with the loop.
func (e *Engine) refreshNeeds() {
	for _, r := range e.rels {
		r.scans = r.scans[:0]
		clear(r.need)
	}
	for _, q := range e.order {
		if q.graph == nil {
			continue
		}
		for _, s := range q.graph.scans {
			s.mark(q.runs())
		}
	}
	for _, s := range e.views.subscriptions() {
		s.mark(false)
	}
}

// mark notes the scan's columns at its relation; inline says that it runs with
// the loop.
func (s *scan) mark(inline bool) {
	for i, n := range s.need() {
		if n {
			s.live.need[i] = true
		}
	}
	if inline {
		s.live.scans = append(s.live.scans, s)
	}
}
