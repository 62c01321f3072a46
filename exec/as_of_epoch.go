package exec

import (
	"context"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// A subscription AS OF EPOCH n has seen everything up to n. What it gets first is
// the difference between n and its point: of a stream the rows of later epochs, of a
// table or view, from its log, the rows of the keys that were written since: what
// they were at n goes, what they are at the point comes.

// mustExist refuses an epoch that nobody can have seen.
func mustExist(after, point log.Epoch) error {
	if after <= point {
		return nil
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "epoch %d is not committed yet", after).
		WithDetail("The newest epoch is %d.", point)
}

func forgotten(r *relation, after log.Epoch) error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
		"what %q was after epoch %d is not kept any more", r.cat.Name, after).
		WithHint("Start anew without AS OF EPOCH.")
}

// mustKeep refuses to go on after an epoch when retention may have dropped rows that
// came later. from is the first offset after the epoch, as far as it is kept.
func (e *Engine) mustKeep(ctx context.Context, r *relation, p int, begin, from log.Offset,
	after log.Epoch,
) error {
	if begin == 0 || from > begin {
		return nil
	}
	first := after + 1
	err := e.log.Read(ctx, r.partition(p), begin, begin+1, []int{0}, func(b *log.Block) error {
		first = b.Epoch
		return nil
	})
	if err == nil && first > after+1 {
		return forgotten(r, after)
	}
	return err
}

// scanChanged calls fn with the difference of a partition of a table or view between
// the epochs b.after and that of b.point.
func (e *Engine) scanChanged(ctx context.Context, r *relation, p int, b *backfill,
	fn func(*rows) error,
) error {
	if len(r.cat.Key) == 0 {
		return sqlerr.Unsupported("AS OF EPOCH of a view without a key",
			"Give the view a key by GROUP BY or DISTINCT, or start anew.")
	}
	begin, end, err := e.log.Bounds(r.partition(p), b.point.Epoch)
	if err != nil || begin >= end {
		return err
	}
	from, err := e.log.OffsetAtEpoch(r.partition(p), b.after)
	if err != nil || from >= end {
		return err
	}
	c := &changedKeys{rel: r, index: map[string]int{}, from: from, after: b.after}
	defer e.log.Pin(r.partition(p), begin, "read of "+r.cat.Name)()
	if err := c.read(ctx, e, p, from, end, c.find); err != nil {
		return err
	}
	if begin < from {
		if err := c.read(ctx, e, p, begin, from, c.recall); err != nil {
			return err
		}
	}
	return c.give(p, b, fn)
}

// changedKeys are the keys that were written after an epoch, in order of their first
// row.
type changedKeys struct {
	rel   *relation
	index map[string]int
	keys  [][]types.Datum
	old   [][]types.Datum // in the columns of the arrangement; nil: there was no row
	buf   []byte
	after log.Epoch
	from  log.Offset // of the first row after that epoch
}

// read hands the rows [from, to) of the log to fn. Compaction goes over all rows up
// to some offset, and keeps the last one of each key: if that is beyond the epoch,
// what was there at the epoch is not known any more.
func (c *changedKeys) read(ctx context.Context, e *Engine, p int, from, to log.Offset,
	fn func(*rows) error,
) error {
	r := c.rel
	need := allColumns(len(r.types))
	return e.log.Read(ctx, r.partition(p), from, to, sections(need), func(b *log.Block) error {
		if b.Flags&log.Compacted != 0 && b.End() > c.from {
			return forgotten(r, c.after)
		}
		return r.decodeBlock(b, need, func(rs *rows) error { return fn(rs.clip(from, to)) })
	})
}

// find notes the keys of rows.
func (c *changedKeys) find(rs *rows) error {
	for _, i := range rowsOf(rs.b) {
		c.buf = keyOf(c.buf, rs.b, c.rel.cat.Key, int(i))
		if _, ok := c.index[string(c.buf)]; ok {
			continue
		}
		c.index[string(c.buf)] = len(c.keys)
		key := make([]types.Datum, len(c.rel.cat.Key))
		for k, o := range c.rel.cat.Key {
			key[k] = rs.b.Cols[o].Datum(int(i))
		}
		c.keys, c.old = append(c.keys, key), append(c.old, nil)
	}
	return nil
}

// recall keeps the last rows of those keys.
func (c *changedKeys) recall(rs *rows) error {
	for _, i := range rowsOf(rs.b) {
		c.buf = keyOf(c.buf, rs.b, c.rel.cat.Key, int(i))
		k, ok := c.index[string(c.buf)]
		if !ok {
			continue
		}
		c.old[k] = nil
		if rs.ops != nil && rs.ops[i] == byte(codec.OpDelete) {
			continue
		}
		row := make([]types.Datum, 0, len(c.rel.layout)+1)
		for _, o := range c.rel.layout {
			row = append(row, rs.b.Cols[o].Datum(int(i)))
		}
		if c.rel.timed {
			row = append(row, types.IntDatum(rs.timeOf(int(i))))
		}
		c.old[k] = row
	}
	return nil
}

// give pushes the difference.
func (c *changedKeys) give(p int, b *backfill, fn func(*rows) error) error {
	out := batch.New(c.rel.storedTypes(), 64)
	flush := func() error {
		if out.N == 0 {
			return nil
		}
		from := rows{clock: b.point.Clock, epoch: b.point.Epoch}
		err := fn(c.rel.changes(out, p, from))
		out = batch.New(c.rel.storedTypes(), 64)
		return err
	}
	for k, key := range c.keys {
		if c.old[k] != nil {
			out.AppendDatums(c.old[k], -1)
		}
		if err := c.rel.lookup(b.point.Epoch, key, out); err != nil {
			return err
		}
		if out.N >= batch.MaxRows/2 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
