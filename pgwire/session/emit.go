package session

import (
	"context"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// subscribe runs SELECT ... EMIT CHANGES until ctx ends, its LIMIT is reached or
// out returns an error. flush is called when the rows of an epoch are out.
//
// buffer is subscriber_buffer. It may run beside the session's goroutine, and uses
// nothing of the session that changes.
func (s *Session) subscribe(ctx context.Context, x *scope, p *plan.Plan, params []types.Datum,
	buffer int64, out func(*batch.Batch) error, flush func() error,
) error {
	if x.drafted {
		return sqlerr.Unsupported("EMIT CHANGES after DDL in a transaction block",
			"COMMIT first: subscribers see what is committed.")
	}
	x.env.Params = params
	f := newEmitter(p, out, flush)
	if l := p.Emit.Limit; l != nil {
		d, err := expr.EvalRow(l, &x.env, nil)
		if err != nil {
			return err
		}
		switch {
		case d.Null:
		case d.I < 0:
			return sqlerr.New(sqlerr.InvalidRowCountInLimit, "LIMIT must not be negative")
		case d.I == 0:
			return nil
		default:
			f.limit = d.I
		}
	}
	sub := &exec.Subscription{Plan: p, Point: x.point, Env: &x.env, System: &x.system,
		BufferBytes: buffer, Waiting: &s.buffered}
	return s.host.engine.Subscribe(ctx, sub, &epochs{f})
}

// emitter turns the changes of epochs into the rows that a subscriber sees: the
// columns op (first) and epoch (last) where asked for, retractions and new rows of
// a key put together.
type emitter struct {
	emit  *plan.Emit
	cols  []int // the visible columns of the plan's rows
	keys  []types.Type
	out   func(*batch.Batch) error
	flush func() error
	limit int64 // rows still to give; < 0: no limit
	b     *batch.Batch
	// gone are the retracted rows of the epoch that no new row has replaced yet, by
	// key, in the order they came.
	gone  map[string]int
	old   *batch.Batch
	taken []bool // rows of old that were replaced
	key   []byte
}

const (
	opInsert   = "insert"
	opUpdate   = "update"
	opDelete   = "delete"
	opProgress = "progress"
)

func newEmitter(p *plan.Plan, out func(*batch.Batch) error, flush func() error) *emitter {
	f := &emitter{emit: p.Emit, out: out, flush: flush, limit: -1, gone: map[string]int{}}
	ts := make([]types.Type, len(p.Columns))
	for i, c := range p.Columns {
		ts[i] = c.Type
	}
	root := p.Root.Cols()
	var rootTypes []types.Type
	for i, c := range root {
		rootTypes = append(rootTypes, c.Type)
		if !c.Hidden {
			f.cols = append(f.cols, i)
		}
	}
	for _, k := range p.Emit.KeyCols {
		f.keys = append(f.keys, root[k].Type)
	}
	f.b = batch.New(ts, 64)
	f.old = batch.New(rootTypes, 16)
	return f
}

// rows takes changes of an epoch.
func (f *emitter) rows(epoch uint64, b *batch.Batch) error {
	if b.W == nil && !f.emit.Op && !f.emit.Progress && len(f.cols) == len(b.Cols) && f.limit < 0 &&
		len(f.gone) == 0 {
		return f.out(b)
	}
	for k := range b.Rows() {
		i := b.Index(k)
		w := b.Weight(i)
		if f.emit.Keyed {
			if err := f.keyed(epoch, b, i, w); err != nil {
				return err
			}
			continue
		}
		op := opInsert
		if w < 0 {
			op, w = opDelete, -w
			if !f.emit.Op {
				continue
			}
		}
		for range w {
			if err := f.give(epoch, op, b, i, false); err != nil {
				return err
			}
		}
	}
	return f.send()
}

// keyed handles one change of a result with a key.
func (f *emitter) keyed(epoch uint64, b *batch.Batch, i int, w int32) error {
	f.key = f.key[:0]
	for k, c := range f.emit.KeyCols {
		f.key = types.AppendKey(f.key, f.keys[k], b.Cols[c].Datum(i))
	}
	if w < 0 {
		f.gone[string(f.key)] = f.old.N
		f.old.AppendRow(b, i, 1)
		f.taken = append(f.taken, false)
		return nil
	}
	op := opInsert
	if at, ok := f.gone[string(f.key)]; ok {
		op = opUpdate
		f.taken[at] = true
		delete(f.gone, string(f.key))
	}
	return f.give(epoch, op, b, i, false)
}

// progress ends an epoch: rows that nothing replaced are deleted.
func (f *emitter) progress(epoch uint64) error {
	for i := range f.old.N {
		if f.taken[i] {
			continue
		}
		if err := f.give(epoch, opDelete, f.old, i, !f.emit.Op); err != nil {
			return err
		}
	}
	if f.old.N > 0 {
		f.old.Reset()
		f.taken = f.taken[:0]
		clear(f.gone)
	}
	if f.emit.Progress {
		f.mark(epoch)
	}
	if err := f.send(); err != nil {
		return err
	}
	return f.flush()
}

// give adds a row. keyOnly leaves out all but the key: a deletion where there is
// no column op to say so.
func (f *emitter) give(epoch uint64, op string, b *batch.Batch, i int, keyOnly bool) error {
	at := 0
	if f.emit.Op {
		f.b.Cols[0].AppendString(op)
		at = 1
	}
	for _, c := range f.cols {
		if keyOnly && !f.isKey(c) {
			f.b.Cols[at].AppendNull()
		} else {
			f.b.Cols[at].AppendRow(b.Cols[c], i)
		}
		at++
	}
	if f.emit.Progress {
		f.b.Cols[at].AppendInt(int64(epoch))
	}
	f.b.N++
	if f.limit > 0 {
		if f.limit--; f.limit == 0 {
			if err := f.send(); err != nil {
				return err
			}
			return exec.ErrEnough
		}
	}
	if f.b.N >= batch.MaxRows {
		return f.send()
	}
	return nil
}

func (f *emitter) isKey(c int) bool {
	for _, k := range f.emit.KeyCols {
		if k == c {
			return true
		}
	}
	return false
}

// mark adds the row that says that an epoch is complete.
func (f *emitter) mark(epoch uint64) {
	last := len(f.b.Cols) - 1
	for c, v := range f.b.Cols {
		switch {
		case c == last:
			v.AppendInt(int64(epoch))
		case c == 0 && f.emit.Op:
			v.AppendString(opProgress)
		default:
			v.AppendNull()
		}
	}
	f.b.N++
}

func (f *emitter) send() error {
	if f.b.N == 0 {
		return nil
	}
	err := f.out(f.b)
	f.b.Reset()
	return err
}
