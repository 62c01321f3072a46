package exec

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
)

// retired is a relation that was dropped, until the last reader is gone.
type retired struct {
	rel   *relation
	epoch uint64
}

// retire frees a dropped relation's state when no pinned epoch shows it.
func (e *Engine) retire(r *relation) {
	e.retiring = append(e.retiring, retired{r, e.points.pins.Published()})
}

// sweep closes what no reader can see any more.
func (e *Engine) sweep() {
	if len(e.retiring) == 0 {
		return
	}
	horizon := e.points.pins.Horizon()
	kept := e.retiring[:0]
	for _, x := range e.retiring {
		if horizon > x.epoch {
			x.rel.close()
		} else {
			kept = append(kept, x)
		}
	}
	e.retiring = kept
}

func (r *relation) close() {
	for _, a := range r.arrangements() {
		a.Close()
		a.Memory().Drop()
	}
}

// commitRelations gives the epoch's changes of all arrangements their epoch.
func (e *Engine) commitRelations(epoch log.Epoch) error {
	for _, r := range e.rels {
		if len(r.delta) == 0 && !r.garbage {
			continue
		}
		r.garbage = len(r.delta) > 0
		for _, a := range r.arrs {
			if err := a.Commit(uint64(epoch)); err != nil {
				return err
			}
		}
		if err := r.commitIndexes(epoch); err != nil {
			return err
		}
	}
	e.sweep()
	return nil
}

// alterRelation takes over a changed definition. Columns are only ever added or
// marked, so that decoded blocks and scans stay good; rows of tables get the new
// columns as NULL by being arranged anew, under a new version of the schema.
func (e *Engine) alterRelation(c *catalog.Relation, snap *catalog.Snapshot) error {
	old := e.rels[c.OID]
	if old == nil {
		return nil
	}
	r, err := e.newRelation(c)
	if err != nil {
		return err
	}
	r.wm, r.late, r.counted, r.feeds = old.wm, old.late, old.counted, old.feeds
	for len(r.late) < max(c.Partitions, 1) {
		r.late = append(r.late, rejected{})
		r.wm.Parts = append(r.wm.Parts, partTime{Max: noWatermark})
	}
	r.wm.Grace = c.GraceMicros
	e.rels[c.OID] = r
	if c.SchemaVersion == old.cat.SchemaVersion && len(r.arrs) == len(old.arrs) {
		r.keepRows(old)
	} else {
		for p, a := range old.arrs {
			if err := r.takeRows(p, old, a.Len()); err != nil {
				return err
			}
		}
		e.retire(old)
		for _, x := range snap.Indexes(c.OID) {
			e.createIndex(x, snap)
		}
	}
	if r.delta, err = r.earlier(old); err != nil {
		return err
	}
	for _, q := range e.order {
		q.rebind(old, r)
	}
	for _, f := range e.feeds {
		f.rebind(old, r)
	}
	return nil
}

// keepRows takes over the arrangements of the relation's older form, which has the
// same columns and key: a checkpoint adds to what the one before has of them.
func (r *relation) keepRows(old *relation) {
	r.close()
	r.arrs, r.garbage = old.arrs, old.garbage
	r.indexes.Store(old.indexes.Load())
}

// takeRows copies a partition's rows from the relation's older form.
func (r *relation) takeRows(p int, old *relation, _ int64) error {
	columns := old.allStored()
	return old.arrs[p].Scan(state.Pending, columns, func(b *batch.Batch) error {
		lay, times := old.unstored(b)
		whole := make([]*batch.Vector, len(r.types))
		copy(whole, old.ordinalBatch(lay).Cols)
		for _, o := range r.layout {
			if o >= len(old.types) {
				whole[o] = flat([]*batch.Vector{r.missing[o]}, b.N)[0]
			}
		}
		if err := r.convert(whole, b.N, old.cat.SchemaVersion); err != nil {
			return err
		}
		out := &batch.Batch{N: b.N, W: b.W}
		for _, o := range r.layout {
			out.Cols = append(out.Cols, whole[o])
		}
		r.arrs[p].Apply(r.stored(out, times, 0))
		r.garbage = true
		return nil
	})
}

// earlier gives what the epoch did to the relation's older form.
func (r *relation) earlier(old *relation) ([]*rows, error) {
	if r.cat.SchemaVersion == old.cat.SchemaVersion {
		return old.delta, nil
	}
	s := &shadow{rel: r}
	out := make([]*rows, len(old.delta))
	for i, d := range old.delta {
		var err error
		if out[i], err = s.converted(d, allColumns(len(r.types)), old.cat.SchemaVersion); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rebind points a query's scans and target at a relation's new form.
func (q *query) rebind(old, now *relation) {
	for i, r := range q.rels {
		if r == old {
			q.rels[i] = now
		}
	}
	if q.target != nil && q.target.rel == old {
		q.target.rel, now.touched = now, old.touched
	}
	if q.graph == nil {
		return
	}
	for _, s := range q.graph.scans {
		if s.live == old {
			s.live = now
		}
	}
}

// truncate empties a table: every row is retracted in this epoch.
func (e *Engine) truncate(c *catalog.Relation, in *log.EpochInput) error {
	r := e.rels[c.OID]
	if r == nil || r.isStream() {
		return nil
	}
	columns := r.allStored()
	for p, a := range r.arrs {
		var gone []*batch.Batch
		err := a.Scan(state.Pending, columns, func(b *batch.Batch) error {
			gone = append(gone, negated(copyBatch(b)))
			return nil
		})
		if err != nil {
			return err
		}
		for _, b := range gone {
			a.Apply(b)
			r.delta = append(r.delta, r.changes(b, p, rows{clock: in.Clock, epoch: in.Epoch}))
		}
	}
	return nil
}

func negated(b *batch.Batch) *batch.Batch {
	w := make([]int32, b.N)
	for i := range w {
		w[i] = -b.Weight(i)
	}
	b.W = w
	return b
}
