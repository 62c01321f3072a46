package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// savedState tells when to write the next checkpoint.
type savedState struct {
	clock   int64 // of the last checkpoint
	bytes   int64 // of input since
	dirty   bool  // something happened since
	running atomic.Bool
	done    chan struct{} // of the last checkpoint, closed when it ended
	epoch   atomic.Uint64 // of the last durable checkpoint
}

// wait waits for the checkpoint in progress, if any.
func (s *savedState) wait(ctx context.Context) {
	if s.done == nil {
		return
	}
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}

// maxLaterBytes is how much of a checkpoint may wait in memory to be compressed and
// written beside the loop: what a usual one has.
const maxLaterBytes = 128 << 20

func (c *Config) laterBytes() int64 {
	if c.MemoryBytes > 0 {
		return min(maxLaterBytes, c.MemoryBytes/16)
	}
	return maxLaterBytes
}

// savedMeta is what a checkpoint keeps beside operators' state.
type savedMeta struct {
	Clock     int64
	Relations []savedRelation
	Queries   []savedQuery
}

type savedRelation struct {
	OID       catalog.OID
	Watermark *watermark
	Late      []rejected
	Stats     stats
}

type savedQuery struct {
	OID     catalog.OID
	Hash    uint64
	Began   bool
	GraphWM int64
	Front   int64
	RowsIn  int64
	RowsOut int64
	// Paused is the last epoch that a paused query has run; 0: it is not paused.
	Paused log.Epoch `json:",omitempty"`
}

// maybeCheckpoint starts a checkpoint when one is due: the state is handed over
// now, between two epochs; files are made durable in the background.
func (e *Engine) maybeCheckpoint(w epochWork) error {
	s := &e.saved
	s.bytes += int64(w.bytes)
	s.dirty = true
	due := w.in.Clock-s.clock >= e.cfg.CheckpointMicros || s.bytes >= e.cfg.CheckpointBytes
	if !due || s.running.Load() || e.checkpointWaits() {
		return nil
	}
	return e.checkpoint(w.in.Epoch, w.in.Clock, w.in.RaftIndex, w.snap)
}

func (e *Engine) checkpoint(epoch log.Epoch, clock int64, index uint64,
	snap *catalog.Snapshot,
) error {
	s := &e.saved
	cp := e.store.Begin(uint64(epoch))
	meta, err := e.handOver(cp, epoch, clock)
	if err != nil {
		return err
	}
	cat, err := snap.Encode()
	if err != nil {
		return fmt.Errorf("encode catalog: %w", err)
	}
	s.clock, s.bytes, s.dirty = clock, 0, false
	s.running.Store(true)
	done := make(chan struct{})
	s.done = done
	e.background.Go(func() {
		defer close(done)
		defer s.running.Store(false)
		if err := e.finishCheckpoint(cp, meta, epoch, index, cat); err != nil &&
			e.ctx.Err() == nil {
			e.cfg.Logger.Error("checkpoint failed; the next one will try again",
				"epoch", epoch, "error", err)
		}
	})
	return nil
}

// finishCheckpoint makes the state durable, then the log's manifest, which is
// the point of commit. The state of the checkpoint before is kept until then.
func (e *Engine) finishCheckpoint(cp *state.Checkpoint, meta []byte, epoch log.Epoch,
	index uint64, cat []byte,
) error {
	if err := cp.Commit(meta); err != nil {
		return err
	}
	if err := e.log.Checkpoint(context.WithoutCancel(e.ctx), epoch, index, cat); err != nil {
		return err
	}
	e.saved.epoch.Store(uint64(epoch))
	return e.store.Forget(uint64(epoch))
}

// handOver lets all operators and relations write what changed.
func (e *Engine) handOver(cp *state.Checkpoint, epoch log.Epoch, clock int64) ([]byte, error) {
	meta := savedMeta{Clock: clock}
	var saves []func() error
	for _, r := range e.relationsInOrder() {
		if err := e.forgetLate(r, epoch); err != nil {
			return nil, err
		}
		meta.Relations = append(meta.Relations, savedRelation{
			OID: r.cat.OID, Watermark: r.wm, Late: r.late, Stats: r.counted,
		})
		for p, a := range r.arrs {
			w := cp.Writer(r.stateKey(p))
			saves = append(saves, func() error { return a.Save(w, 0) })
		}
	}
	for _, q := range e.order {
		if q.graph == nil || q.back != nil || q.waiting != nil || q.lag != nil {
			continue // started anew at a restart
		}
		meta.Queries = append(meta.Queries, savedQuery{
			OID: q.cat.OID, Hash: q.plan.Hash, Began: q.graph.began, GraphWM: q.graph.at.last, Front: q.graph.at.front,
			RowsIn: q.rowsIn, RowsOut: q.rowsOut,
		})
		if q.missed != nil {
			meta.Queries[len(meta.Queries)-1].Paused = q.missed.after
			w := cp.Writer(q.missedKey())
			saves = append(saves, func() error { q.missed.save(w); return w.Err() })
		}
		writer := cp.Writer
		if !q.graph.saved {
			// The last checkpoint may have the operators of an older form of the query.
			writer, q.graph.saved = cp.FreshWriter, true
		}
		_ = q.graph.eachOp(func(name string, o opWithState) error {
			w := writer(fmt.Sprintf("query/%d/%s", q.cat.OID, name))
			saves = append(saves, func() error { return o.Save(w) })
			return nil
		})
	}
	if err := e.saveAll(saves); err != nil {
		return nil, err
	}
	return json.Marshal(meta)
}

// saveAll lets stores write side by side: the loop stands still meanwhile.
func (e *Engine) saveAll(saves []func() error) error {
	errs := make([]error, len(saves))
	e.pool.each(len(saves), parallelRows, func(i int) {
		defer state.Catch(&errs[i])
		errs[i] = saves[i]()
	})
	return errors.Join(errs...)
}

// stateKey names a partition's records. A changed column list starts anew.
func (r *relation) stateKey(p int) string {
	return fmt.Sprintf("rel/%d/%d/%d", r.cat.OID, r.cat.SchemaVersion, p)
}

func (e *Engine) relationsInOrder() []*relation {
	out := make([]*relation, 0, len(e.rels))
	for _, r := range e.rels {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *relation) int { return int(a.cat.OID) - int(b.cat.OID) })
	return out
}

// opWithState is the part of op.Op that a checkpoint needs.
type opWithState interface {
	Save(w *state.Writer) error
	Load(r *state.Reader) error
}

// eachOp calls fn for every operator with a name that is the same whenever the
// same plan is built.
func (g *graph) eachOp(fn func(name string, o opWithState) error) error {
	for i, st := range g.stages {
		for j, sh := range st.shards {
			for k, o := range sh.ops {
				if err := fn(fmt.Sprintf("%d/%d/%d", i, j, k), o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load opens the state and brings relations and queries back to the replica's
// restore point.
func (e *Engine) load() error {
	at := e.restored
	var err error
	dir := e.cfg.FS.PathJoin(e.cfg.Dir, "state")
	e.store, err = state.Open(e.cfg.FS, dir, state.Options{
		At: uint64(at.epoch), LaterBytes: e.cfg.laterBytes(),
	})
	if err != nil {
		return err
	}
	e.memory.SpillTo(e.cfg.FS, e.cfg.FS.PathJoin(dir, "spill"))
	e.points.publish(at.epoch, at.clock, at.snap)
	e.saved.clock = at.clock
	var meta savedMeta
	if epoch, b, ok := e.store.Latest(); ok {
		if log.Epoch(epoch) != at.epoch {
			return fmt.Errorf("state is of epoch %d, the log's manifest of %d", epoch, at.epoch)
		}
		if err := json.Unmarshal(b, &meta); err != nil {
			return fmt.Errorf("decode checkpoint: %w", err)
		}
	} else if at.epoch != 0 {
		return fmt.Errorf("the state of epoch %d is missing", at.epoch)
	}
	if err := e.loadRelations(at, meta); err != nil {
		return err
	}
	err = e.loadQueries(at, meta)
	e.refreshNeeds()
	e.publishObjects()
	return err
}

func (e *Engine) loadRelations(at restorePoint, meta savedMeta) error {
	for _, c := range at.snap.Stored() {
		if err := e.createRelation(c); err != nil {
			return err
		}
	}
	for _, m := range meta.Relations {
		r := e.rels[m.OID]
		if r == nil {
			continue
		}
		r.wm, r.late, r.counted = m.Watermark, m.Late, m.Stats
		for p, a := range r.arrs {
			rd := e.store.Reader(r.stateKey(p))
			if rd == nil {
				continue
			}
			rd.Relax = a.Relax
			for rd.Next() {
				if err := a.LoadRecord(rd, uint64(at.epoch)); err != nil {
					return err
				}
			}
			if err := rd.Err(); err != nil {
				return err
			}
		}
	}
	for _, c := range at.snap.Stored() {
		if c.Kind == catalog.KindIndex {
			e.createIndex(c, at.snap)
		}
	}
	return e.buildIndexes()
}

func (e *Engine) loadQueries(at restorePoint, meta savedMeta) error {
	saved := map[catalog.OID]savedQuery{}
	for _, m := range meta.Queries {
		saved[m.OID] = m
	}
	var again []*query
	for _, c := range at.snap.Queries() {
		q := e.createQuery(c, at.snap)
		if q == nil {
			continue
		}
		if c.State == catalog.QueryFailed {
			e.fail(q, sqlerr.New(sqlerr.Code(c.SQLState), "%s", c.Error))
			continue
		}
		m, ok := saved[c.OID]
		if !ok || m.Hash != q.plan.Hash {
			q.rebuilt = q.rebuilt || c.Active != 0
			again = append(again, q)
			continue
		}
		if err := e.loadQuery(q, m); err != nil {
			return err
		}
		if q.at = at.epoch; m.Paused > 0 {
			q.at = m.Paused
			e.miss(q, m.Paused)
			if err := q.missed.load(e.store.Reader(q.missedKey())); err != nil {
				return err
			}
		}
		q.markReady()
	}
	e.refreshNeeds()
	for _, q := range again {
		e.startBackfill(q, at.clock)
	}
	return nil
}

func (q *query) missedKey() string { return fmt.Sprintf("query/%d/missed", q.oid) }

func (e *Engine) loadQuery(q *query, m savedQuery) error {
	q.graph.saved = true
	q.graph.began, q.graph.at = m.Began, progress{m.GraphWM, m.Front}
	q.rowsIn, q.rowsOut = m.RowsIn, m.RowsOut
	return q.graph.eachOp(func(name string, o opWithState) error {
		r := e.store.Reader(fmt.Sprintf("query/%d/%s", q.cat.OID, name))
		if r == nil {
			return nil
		}
		return o.Load(r)
	})
}
