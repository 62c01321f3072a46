package exec

import (
	"context"
	"errors"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxTransactionBytes is the default limit of what one transaction may hold
// before COMMIT.
const maxTransactionBytes = 64 << 20

// Txn is an open transaction block: snapshot isolation over the epoch at which
// it began. Its writes wait in memory, visible to its own reads of the written
// relations; views show them after COMMIT. The first committer of a key wins, the
// other gets 40001.
type Txn struct {
	engine *Engine
	point  *ReadPoint
	rels   map[catalog.OID]*overlay
	order  []*overlay // in order of first write
	bytes  int64
	limit  int64
	// reads are keys that must not have been written since the snapshot; marks are keys
	// that others read.
	reads, marks []log.Key
	// later is what foreign keys have to check at the end; rules are those of the tables
	// that were written, by which a refusal is explained.
	later []pendingCheck
	rules []*plan.Write
	// deferral is what SET CONSTRAINTS has said.
	deferral deferral
	// draft is the DDL of the block; nil: none. point shows the catalog with it.
	draft   *catalog.Draft
	shadows map[catalog.OID]*shadow
	// checked are relations of which all rows were looked at, emptied those that were
	// truncated.
	checked, emptied []catalog.OID
	// InUse lists the relations that open cursors of the block read; nil: none.
	InUse func() []catalog.OID
	// CommitOnly lets Commit return before the effect is readable in every view.
	CommitOnly bool
}

// overlay is what a transaction wrote to one relation.
type overlay struct {
	rel *catalog.Relation
	enc *encoder
	// entries are the rows of a keyed relation by canonical key; order keeps them
	// in order of first write. Streams only append.
	entries map[string]int
	rows    []overlayRow
	blocks  []*log.Block // of streams, in order
	appends []change
	keys    []log.Key
	// changed lists the places in rows in the order in which they were written, so that
	// what was found out about rows can follow.
	changed []int
	found   map[string]*postings
	// wholly: the table was truncated before the writes.
	truncated bool
}

type overlayRow struct {
	row     []types.Datum
	time    int64
	hasTime bool
	deleted bool
}

// Begin opens a transaction block at a read point, which it releases at the end.
// limitBytes <= 0 means the default.
func (e *Engine) Begin(point *ReadPoint, limitBytes int64) *Txn {
	if limitBytes <= 0 {
		limitBytes = maxTransactionBytes
	}
	return &Txn{engine: e, point: point, rels: map[catalog.OID]*overlay{}, limit: limitBytes}
}

// Point is the snapshot that the transaction reads.
func (t *Txn) Point() *ReadPoint { return t.point }

// Wrote tells whether there is anything to commit.
func (t *Txn) Wrote() bool { return len(t.order) > 0 || t.Drafted() }

func (t *Txn) overlay(rel *catalog.Relation) *overlay {
	o := t.rels[rel.OID]
	if o == nil {
		o = &overlay{rel: rel, enc: t.engine.newEncoder(rel), entries: map[string]int{}}
		t.rels[rel.OID] = o
		t.order = append(t.order, o)
	}
	return o
}

// add takes over a change; the batch must be the transaction's own.
func (t *Txn) add(rel *catalog.Relation, c change) error {
	o := t.overlay(rel)
	t.bytes += int64(deltaBytes(&rows{b: c.b}))
	if t.bytes > t.limit {
		return sqlerr.New(sqlerr.ConfigurationLimitExceeded,
			"transaction is larger than max_transaction_bytes (%d bytes)", t.limit).
			WithHint("Commit in smaller pieces, or raise max_transaction_bytes.")
	}
	if rel.Kind == catalog.KindStream {
		blocks, err := o.enc.blocks(c)
		if err != nil {
			return err
		}
		o.blocks = append(o.blocks, blocks...)
		o.appends = append(o.appends, c)
		return nil
	}
	o.keys = append(o.keys, o.enc.keys(c.b)...)
	var buf []byte
	for _, i := range rowsOf(c.b) {
		buf = keyOf(buf, c.b, o.enc.key, int(i))
		r := overlayRow{row: datums(c.b, int(i))}
		if c.time != nil {
			r.time, r.hasTime = c.time[i], true
		}
		r.deleted = c.ops != nil && c.ops[i] == byte(codec.OpDelete)
		o.put(string(buf), r)
	}
	return nil
}

// put notes what a row is now.
func (o *overlay) put(key string, r overlayRow) {
	at, ok := o.entries[key]
	if ok {
		o.rows[at] = r
	} else {
		at = len(o.rows)
		o.entries[key] = at
		o.rows = append(o.rows, r)
	}
	o.changed = append(o.changed, at)
}

func datums(b *batch.Batch, i int) []types.Datum {
	out := make([]types.Datum, len(b.Cols))
	for c, v := range b.Cols {
		out[c] = v.Datum(i)
	}
	return out
}

// Commit writes everything as one epoch and ends the transaction.
func (t *Txn) Commit(ctx context.Context) (log.Epoch, error) {
	defer t.Rollback()
	if !t.Wrote() {
		return 0, nil
	}
	txn := &log.Txn{}
	if err := t.checkLater(ctx); err != nil {
		return 0, err
	}
	for _, o := range t.order {
		blocks, err := o.allBlocks()
		if err != nil {
			return 0, err
		}
		txn.Blocks = append(txn.Blocks, blocks...)
		txn.Writes = append(txn.Writes, o.keys...)
	}
	txn.Reads, txn.Writes = t.reads, append(txn.Writes, t.marks...)
	if len(txn.Writes)+len(txn.Reads) > 0 {
		txn.ReadEpoch = t.point.Epoch
	}
	if err := t.addDraft(txn); err != nil {
		return 0, err
	}
	epoch, output, err := t.engine.propose(ctx, txn, t.CommitOnly)
	if errors.Is(err, log.ErrConflict) && !t.Drafted() {
		err = t.explain(ctx, err)
	}
	if err == nil && txn.Command != nil && !t.CommitOnly {
		err = t.settleDraft(ctx, output)
	}
	return epoch, err
}

// Rollback forgets everything; it may be called after Commit.
func (t *Txn) Rollback() {
	if t.point != nil {
		t.point.Release()
		t.point = nil
	}
	t.rels, t.order, t.draft, t.shadows = nil, nil, nil, nil
}

// allBlocks encodes the net effect on a keyed relation, or the appended blocks.
func (o *overlay) allBlocks() ([]*log.Block, error) {
	if o.rel.Kind == catalog.KindStream {
		return o.blocks, nil
	}
	var out []*log.Block
	ts := o.enc.layoutTypes()
	for from := 0; from < len(o.rows); from += batch.MaxRows {
		part := o.rows[from:min(from+batch.MaxRows, len(o.rows))]
		c := change{b: batch.New(ts, len(part)), ops: make([]byte, 0, len(part))}
		timed := false
		for _, r := range part {
			timed = timed || r.hasTime
		}
		for _, r := range part {
			c.b.AppendDatums(r.row, 1)
			op := codec.OpUpsert
			if r.deleted {
				op = codec.OpDelete
			}
			c.ops = append(c.ops, byte(op))
			if timed {
				if !r.hasTime {
					r.time = o.enc.now()
				}
				c.time = append(c.time, r.time)
			}
		}
		blocks, err := o.enc.blocks(c)
		if err != nil {
			return nil, err
		}
		out = append(out, blocks...)
	}
	return out, nil
}

func (x *encoder) layoutTypes() []types.Type {
	ts := make([]types.Type, len(x.layout))
	for i, o := range x.layout {
		ts[i] = x.types[o]
	}
	return ts
}

// savepoint is a copy of what a transaction wrote so far.
type savepoint struct {
	rels  map[catalog.OID]*overlay
	order []*overlay
	bytes int64
	later []pendingCheck
	// deferral is what SET CONSTRAINTS had said.
	deferral deferral
	// draft is the DDL so far; nil: none. point is what shows it.
	draft                          *catalog.Draft
	point                          *ReadPoint
	reads, marks, checked, emptied int
	rules                          []*plan.Write
}

// Savepoint remembers what was written so far; RollbackTo returns to it.
func (t *Txn) Savepoint() any {
	s := &savepoint{rels: map[catalog.OID]*overlay{}, bytes: t.bytes, later: slices.Clone(t.later),
		deferral: t.deferral.clone(), point: t.point, reads: len(t.reads), marks: len(t.marks),
		checked: len(t.checked), emptied: len(t.emptied), rules: slices.Clone(t.rules)}
	if t.draft != nil {
		m := t.draft.Mark()
		s.draft = &m
	}
	for _, o := range t.order {
		c := o.clone()
		s.rels[o.rel.OID] = c
		s.order = append(s.order, c)
	}
	return s
}

// RollbackTo forgets what was written since a Savepoint, which stays usable.
func (t *Txn) RollbackTo(mark any) {
	s := mark.(*savepoint)
	t.rels, t.order, t.bytes = map[catalog.OID]*overlay{}, nil, s.bytes
	t.later, t.rules = slices.Clone(s.later), slices.Clone(s.rules)
	t.deferral = s.deferral.clone()
	t.reads, t.marks = t.reads[:s.reads], t.marks[:s.marks]
	t.checked, t.emptied = t.checked[:s.checked], t.emptied[:s.emptied]
	t.restoreDraft(s)
	for _, o := range s.order {
		c := o.clone()
		t.rels[o.rel.OID] = c
		t.order = append(t.order, c)
	}
}

func (o *overlay) clone() *overlay {
	c := *o
	c.entries = make(map[string]int, len(o.entries))
	for k, v := range o.entries {
		c.entries[k] = v
	}
	c.rows = append([]overlayRow(nil), o.rows...)
	c.blocks = append([]*log.Block(nil), o.blocks...)
	c.appends = append([]change(nil), o.appends...)
	c.keys = append([]log.Key(nil), o.keys...)
	c.changed, c.found = append([]int(nil), o.changed...), nil
	return &c
}

// propose commits a transaction and, unless only the commit counts, waits until
// its effect is readable.
func (e *Engine) propose(ctx context.Context, txn *log.Txn, commitOnly bool) (
	epoch log.Epoch, output []byte, err error,
) {
	res, err := e.log.Propose(ctx, txn)
	if err != nil {
		return 0, nil, translate(err)
	}
	if commitOnly {
		return res.Epoch, res.Output, nil
	}
	return res.Epoch, res.Output, e.points.wait(ctx, res.Epoch)
}

// asUser gives an error as the user sees it.
func asUser(err error) *sqlerr.Error { return sqlerr.As(translate(err)) }
