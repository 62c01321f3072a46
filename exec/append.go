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

// addDecided writes a batch whose fate depends on existing rows, by itself and
// again when others were faster.
func (a *Appender) addDecided(ctx context.Context, b *batch.Batch) error {
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
	if err := a.wait(); err != nil || len(a.txn.Blocks) == 0 {
		return err
	}
	txn, rows := a.txn, a.rows
	a.txn, a.rows, a.bytes = &log.Txn{}, 0, 0
	done := make(chan appended, 1)
	a.inFlight = done
	a.e.background.Go(func() {
		epoch, err := a.e.propose(ctx, txn, a.rd.CommitOnly)
		done <- appended{epoch, rows, err}
	})
	return nil
}

func (a *Appender) wait() error {
	if a.inFlight == nil {
		return a.err
	}
	r := <-a.inFlight
	a.inFlight = nil
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
	return errors.Join(a.flush(ctx), a.wait())
}

// Close commits the rest.
func (a *Appender) Close(ctx context.Context) (WriteResult, error) {
	err := a.flush(ctx)
	if werr := a.wait(); err == nil {
		err = werr
	}
	return WriteResult{Rows: a.total, Epoch: a.last}, err
}

// Abort drops what was added and not yet handed to the log, and waits for what
// was: Committed then is final.
func (a *Appender) Abort() {
	a.txn, a.rows, a.bytes = &log.Txn{}, 0, 0
	_ = a.wait() // the caller has an error already
}
