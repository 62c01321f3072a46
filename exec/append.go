package exec

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// appendBytes is how much an Appender gathers before it commits: what one entry
// of the log is meant to hold.
const appendBytes = log.TargetEntryBytes

// Appender writes a long run of rows, as COPY does: it commits as it goes, one
// transaction at the disk while the next one is being read, so that the time of
// one hides behind the other. In a transaction block it only adds to the block.
//
// The plan is a Write whose input has a Values without rows for a leaf; each batch
// given to Add takes that place.
type Appender struct {
	e        *Engine
	rd       *Read
	txn      *log.Txn
	bytes    int
	rows     int64 // in txn
	inFlight chan appended
	total    int64
	last     log.Epoch
	err      error
	decided  decidedRows
}

// decidedRows are rows whose fate depended on others, until they can be read: what was
// decided for later ones did not see them.
type decidedRows struct {
	batches, flying []*batch.Batch      // in txn and in flight, to decide anew if others were faster
	keys, gone      map[uint64]struct{} // that they write
}

// appended is what became of a transaction of an Appender.
type appended struct {
	epoch log.Epoch
	rows  int64
	err   error
}

// NewAppender makes an Appender for a plan. rd.Point is used for reading only as
// long as nothing has to be decided by existing rows.
func (e *Engine) NewAppender(rd *Read) *Appender {
	return &Appender{e: e, rd: rd, txn: &log.Txn{}}
}

// brought is the ID of the rows that the caller of an Appender brings, which the
// plan's Values without rows stands for.
const brought = -1

// Committed gives the number of rows that are durable so far.
func (a *Appender) Committed() int64 { return a.total }

// Add writes the rows of a batch, which the Appender keeps.
func (a *Appender) Add(ctx context.Context, b *batch.Batch) error {
	w := a.e.newWriter(a.rd)
	if (w.decides || ruled(w.w)) && a.rd.Txn == nil {
		if len(w.w.Referring) > 0 {
			return a.addNow(ctx, b)
		}
		return a.addDecided(ctx, b)
	}
	r, err := a.run(ctx, w, b)
	if err != nil {
		return err
	}
	if a.rd.Txn != nil {
		if err := r.addToBlock(a.rd.Txn); err != nil {
			return err
		}
		a.total += w.rows
		return nil
	}
	for _, c := range w.changes {
		blocks, err := w.enc.blocks(c)
		if err != nil {
			return err
		}
		for _, blk := range blocks {
			a.txn.Blocks = append(a.txn.Blocks, blk)
			a.bytes += blk.Bytes()
		}
		if w.keyed {
			a.txn.Writes = append(a.txn.Writes, w.enc.keys(c.b)...)
		}
	}
	a.rows += w.rows
	if a.bytes < appendBytes {
		return nil
	}
	return a.flush(ctx)
}

// Attach writes rows of a stream of the server's own with the rows that come
// next, in the same transaction: b has the stream's columns and is kept.
func (a *Appender) Attach(ctx context.Context, stream *catalog.Relation, b *batch.Batch) error {
	c := change{b: b}
	if a.rd.Txn != nil {
		return a.rd.Txn.add(stream, c)
	}
	blocks, err := a.e.newEncoder(stream).blocks(c)
	if err != nil {
		return err
	}
	for _, blk := range blocks {
		a.txn.Blocks = append(a.txn.Blocks, blk)
		a.bytes += blk.Bytes()
	}
	if a.bytes < appendBytes {
		return nil
	}
	return a.flush(ctx)
}

// SystemStream gives a stream of the server's own, making it at its first use.
func (e *Engine) SystemStream(ctx context.Context, c *catalog.CreateSystemStream) (
	*catalog.Relation, error,
) {
	for {
		snap := e.cfg.Catalog.Current()
		if r := snap.Lookup(c.Relation.Schema, c.Relation.Name); r != nil {
			return r, nil
		}
		if _, _, err := e.Command(ctx, c); err != nil {
			return nil, err
		}
	}
}

// run puts a batch through the plan's defaults and checks.
func (a *Appender) run(ctx context.Context, w *writer, b *batch.Batch) (*rules, error) {
	if err := w.compile(); err != nil {
		return nil, err
	}
	if _, leaf := w.w.Input.(*plan.Values); leaf {
		if err := w.take(b); err != nil {
			return nil, err
		}
		return a.e.keepRules(ctx, w.rd, []*writer{w})
	}
	env := *a.rd.Env
	work := map[int]*workTable{brought: {rows: []*batch.Batch{b}}}
	err := a.e.runIn(ctx, a.rd, &env, w.w.Input, work, func(x *batch.Batch) error {
		return w.take(shallow(x))
	})
	if err != nil {
		return nil, err
	}
	return a.e.keepRules(ctx, w.rd, []*writer{w})
}

// shallow copies the frame of a batch whose vectors stay good.
func shallow(b *batch.Batch) *batch.Batch {
	out := *b
	out.Cols = append([]*batch.Vector(nil), b.Cols...)
	return &out
}

// addDecided adds a batch whose fate depends on existing rows. It is decided on the
// newest snapshot; where rows that are still on their way could matter, they are waited
// for.
func (a *Appender) addDecided(ctx context.Context, b *batch.Batch) error {
	for {
		rd := *a.rd
		rd.Point = a.e.Pin()
		env := *a.rd.Env
		rd.Env = &env
		txn := &log.Txn{}
		w := a.e.newWriter(&rd)
		r, err := a.run(ctx, w, b)
		if err == nil {
			err = r.addTo(txn)
		}
		rd.Point.Release()
		if waits := a.txn.Blocks != nil || a.inFlight != nil; waits && (err != nil || a.meets(txn)) {
			if err := a.Flush(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		return a.gather(ctx, txn, b, w.rows)
	}
}

// meets tells whether a transaction writes a key that rows on their way write.
func (a *Appender) meets(txn *log.Txn) bool {
	for _, k := range txn.Writes {
		if k.Stream&log.Shared != 0 {
			continue
		}
		if _, ok := a.decided.keys[k.Hash]; ok {
			return true
		}
		if _, ok := a.decided.gone[k.Hash]; ok {
			return true
		}
	}
	return false
}

// gather adds a decided transaction to the one that is being filled.
func (a *Appender) gather(ctx context.Context, txn *log.Txn, b *batch.Batch, rows int64) error {
	d := &a.decided
	if d.keys == nil {
		d.keys = make(map[uint64]struct{}, 2*len(txn.Writes))
	}
	for _, k := range txn.Writes {
		if k.Stream&log.Shared == 0 {
			d.keys[k.Hash] = struct{}{}
		}
	}
	if a.txn.ReadEpoch == 0 || txn.ReadEpoch < a.txn.ReadEpoch {
		a.txn.ReadEpoch = txn.ReadEpoch
	}
	a.txn.Blocks = append(a.txn.Blocks, txn.Blocks...)
	a.txn.Writes = append(a.txn.Writes, txn.Writes...)
	a.txn.Reads = append(a.txn.Reads, txn.Reads...)
	d.batches = append(d.batches, b)
	for _, blk := range txn.Blocks {
		a.bytes += blk.Bytes()
	}
	a.rows += rows
	if a.bytes < appendBytes {
		return nil
	}
	return a.flush(ctx)
}

// addNow writes a batch by itself, and again when others were faster.
func (a *Appender) addNow(ctx context.Context, b *batch.Batch) error {
	for attempt := 0; ; attempt++ {
		rd := *a.rd
		rd.Point = a.e.Pin()
		env := *a.rd.Env
		rd.Env = &env
		w := a.e.newWriter(&rd)
		r, err := a.run(ctx, w, b)
		if err == nil {
			var epoch log.Epoch
			epoch, err = r.commit(ctx)
			a.last = max(a.last, epoch)
		}
		rd.Point.Release()
		if err == nil {
			a.total += w.rows
			return nil
		}
		if !errors.Is(err, log.ErrConflict) || attempt == maxRetries {
			return err
		}
	}
}

// flush hands the gathered rows to the log and waits for the ones before.
func (a *Appender) flush(ctx context.Context) error {
	if err := a.wait(ctx); err != nil || len(a.txn.Blocks) == 0 {
		return err
	}
	d := &a.decided
	d.flying, d.batches, d.gone, d.keys = d.batches, nil, d.keys, nil
	txn, rows := a.txn, a.rows
	a.txn, a.rows, a.bytes = &log.Txn{}, 0, 0
	done := make(chan appended, 1)
	a.inFlight = done
	a.e.background.Go(func() {
		epoch, _, err := a.e.propose(ctx, txn, a.rd.CommitOnly)
		done <- appended{epoch, rows, err}
	})
	return nil
}

// wait waits for the transaction in flight. What was decided in it is decided anew if
// others were faster.
func (a *Appender) wait(ctx context.Context) error {
	if a.inFlight == nil {
		return a.err
	}
	r := <-a.inFlight
	a.inFlight = nil
	d := &a.decided
	again := d.flying
	d.flying, d.gone = nil, nil
	if errors.Is(r.err, log.ErrConflict) && len(again) > 0 {
		for _, b := range again {
			if a.err = a.addNow(ctx, b); a.err != nil {
				return a.err
			}
		}
		return nil
	}
	if r.err != nil {
		a.err = r.err
		return r.err
	}
	a.total += r.rows
	a.last = r.epoch
	return nil
}

// Flush commits what was added and waits for it.
func (a *Appender) Flush(ctx context.Context) error {
	return errors.Join(a.flush(ctx), a.wait(ctx))
}

// Close commits the rest.
func (a *Appender) Close(ctx context.Context) (WriteResult, error) {
	err := a.flush(ctx)
	if werr := a.wait(ctx); err == nil {
		err = werr
	}
	return WriteResult{Rows: a.total, Epoch: a.last}, err
}

// Abort drops what was added and not yet handed to the log, and waits for what
// was: Committed then is final.
func (a *Appender) Abort() {
	a.txn, a.rows, a.bytes = &log.Txn{}, 0, 0
	a.decided.batches, a.decided.keys = nil, nil
	_ = a.wait(context.WithoutCancel(a.e.ctx)) // the caller has an error already
}
