package exec

import (
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// target is the end of a continuous query: it collects the output of an epoch by
// partition, and at the end of the epoch makes it the target's: rows of its log,
// changes of its arrangement, input of the queries that read it.
type target struct {
	rel   *relation
	plan  *plan.Continuous
	parts []*targetPart
	wrote int64 // rows of the epoch in progress
}

// targetPart collects one partition's output. The root's columns are mapped to
// the row layout, with the rowtime behind.
type targetPart struct {
	t       *target
	part    int
	columns []int // of the root, in the row layout's order
	time    int   // column of the root, or -1
	got     []*batch.Batch
	rows    int
	muted   bool // rows are not wanted
}

func newTarget(rel *relation, p *plan.Continuous, parts int) *target {
	rel.touched = p.Touched
	t := &target{rel: rel, plan: p}
	for i := range parts {
		t.parts = append(t.parts, &targetPart{
			t: t, part: i, columns: p.Columns, time: p.Time,
		})
	}
	return t
}

// mute lets the target take no rows, or take them again.
func (t *target) mute(on bool) {
	for _, p := range t.parts {
		p.muted = on
	}
}

// Push implements op.Sink: it copies the rows.
func (p *targetPart) Push(b *batch.Batch) error {
	if p.muted {
		return nil
	}
	in := batch.Batch{N: b.N, Sel: b.Sel, W: b.W}
	for _, c := range p.columns {
		in.Cols = append(in.Cols, b.Cols[c])
	}
	if p.time >= 0 {
		in.Cols = append(in.Cols, b.Cols[p.time])
	}
	rows := rowsOf(&in)
	p.rows += len(rows)
	for len(rows) > 0 {
		n := len(p.got)
		if n == 0 || p.got[n-1].N == batch.MaxRows {
			p.got = append(p.got, batch.New(in.Types(), min(max(len(rows), 64), batch.MaxRows)))
			n++
		}
		last := p.got[n-1]
		k := min(len(rows), batch.MaxRows-last.N)
		appendRows(last, &in, rows[:k])
		rows = rows[k:]
	}
	return nil
}

// finish makes the collected output the target's, in epoch e. Rows that go carry
// the rowtime of what took them out, if that is known.
func (t *target) finish(e *Engine, epoch log.Epoch, clock, caused int64) (err error) {
	// All or nothing: readers see no part of an epoch.
	defer func() {
		if err != nil {
			t.discard()
		}
	}()
	defer state.Catch(&err)
	for i, a := range t.rel.arrs {
		if t.parts[i].rows > 0 && a.Full() {
			return errTargetFull(t.rel.cat)
		}
	}
	for _, p := range t.parts {
		if p.rows == 0 {
			continue
		}
		got := p.got
		p.got, p.rows = nil, 0
		replaced := t.replacedKeys(got)
		for _, b := range got {
			if err := p.emit(e, b, replaced, epoch, clock, caused); err != nil {
				return err
			}
		}
	}
	if t.wrote > 0 {
		e.views.wrote(epoch, t.rel, t.wrote)
		t.wrote = 0
	}
	return nil
}

// discard takes an epoch's changes back from what readers see.
func (t *target) discard() {
	for _, a := range t.rel.arrs {
		a.Discard()
	}
	t.rel.delta = nil
}

// replacedKeys gives the keys that have a new row in the delta; nil when nothing
// is retracted.
func (t *target) replacedKeys(got []*batch.Batch) map[string]bool {
	key := t.rel.layoutKey()
	if t.rel.isStream() || len(key) == 0 || !slices.ContainsFunc(got, hasRetractions) {
		return nil
	}
	out := make(map[string]bool)
	for _, b := range got {
		newKeys(out, b, key)
	}
	return out
}

// emit writes one batch of changes.
func (p *targetPart) emit(e *Engine, b *batch.Batch, replaced map[string]bool,
	epoch log.Epoch, clock, caused int64,
) error {
	rel := p.t.rel
	rs := &rows{part: int32(p.part), base: -1, clock: clock, epoch: epoch}
	width := len(p.columns)
	if p.time >= 0 {
		rs.time = timesOf(b.Cols[width], b.N, clock)
	}
	rs.b = rel.ordinalBatch(&batch.Batch{N: b.N, Cols: b.Cols[:width], W: b.W})
	sel, ops := p.t.shown(b, replaced)
	blk, newest := p.block(b, rs, sel, ops, caused)
	if blk != nil {
		blk.Epoch, blk.Flags = epoch, blk.Flags|log.Derived
		if rs.time == nil {
			blk.MinTime, blk.MaxTime, newest = clock, clock, clock
		}
		if err := e.log.AppendDerived(blk); err != nil {
			return err
		}
		rel.wm.observe(uint32(p.part), newest, clock)
		rel.caused = max(rel.caused, blk.MaxTime)
		rel.counted.Rows += int64(blk.Rows)
		rel.counted.Bytes += int64(blk.Bytes())
		rel.counted.LastClock = clock
		rel.counted.Sum = roll(rel.counted.Sum, blk)
		p.t.wrote += int64(blk.Rows)
	}
	if p.t.upserts() {
		return p.replace(rs, sel, ops)
	}
	if rel.isStream() {
		rs.base = blk.Base
	} else {
		rs.noTime = !rel.timed
		rel.arrs[p.part].Apply(rel.stored(layoutBatch(rs.b, rel.layout), rs.time, 0))
	}
	rel.delta = append(rel.delta, rs)
	return nil
}

// shown gives the rows that the target's log shows, with what they do to a table.
func (t *target) shown(b *batch.Batch, replaced map[string]bool) (sel []uint16, ops []byte) {
	if t.rel.isStream() {
		return rowsOf(b), nil
	}
	return changelogRows(b, t.rel.layoutKey(), replaced)
}

// upserts tells whether others write into the table too, so that a row that comes replaces
// what is there by its key, whoever wrote it, and one that goes may be gone already.
func (t *target) upserts() bool {
	return t.rel.cat.Kind == catalog.KindTable && t.rel.cat.Query == 0
}

// replace makes the shown rows the table's as if a client had written them.
func (p *targetPart) replace(rs *rows, sel []uint16, ops []byte) error {
	if len(sel) == 0 {
		return nil
	}
	own := *rs
	own.ops = make([]byte, rs.b.N)
	for k, i := range sel {
		own.ops[i] = ops[k]
	}
	own.b = &batch.Batch{N: rs.b.N, Sel: sel, Cols: rs.b.Cols}
	return (&tableSink{rel: p.t.rel, part: int32(p.part)}).replace(&own)
}

// timesOf gives the rowtimes of a column; NULL is the clock.
func timesOf(v *batch.Vector, n int, clock int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		if out[i] = clock; !v.IsNull(i) {
			out[i] = v.I64[v.Row(i)]
		}
	}
	return out
}

// block encodes the changes as the target's log shows them, with the greatest
// rowtime of rows that are there; nil when there are none.
func (p *targetPart) block(b *batch.Batch, rs *rows, sel []uint16, ops []byte, caused int64) (
	blk *log.Block, newest int64,
) {
	if len(sel) == 0 {
		return nil, 0
	}
	rel := p.t.rel
	out := batch.New(b.Types(), len(sel))
	appendRows(out, b, sel)
	h := codec.Header{Ops: ops}
	newest = math.MinInt64
	if rs.time != nil {
		h.Time = gather(make([]int64, 0, len(sel)), rs.time, sel)
		for i := range h.Time {
			if ops == nil || ops[i] != byte(codec.OpDelete) {
				newest = max(newest, h.Time[i])
			} else if caused != math.MinInt64 && !rel.cat.Windowed {
				h.Time[i] = caused
			}
		}
	}
	cols := make([]*batch.Vector, len(rel.types))
	for i, o := range rel.layout {
		cols[o] = out.Cols[i]
	}
	for o := range cols {
		if cols[o] == nil {
			cols[o] = nullColumn(rel.types[o])
		}
	}
	blk = codec.NewBlock(rel.partition(p.part), rel.cat.SchemaVersion, h, cols, len(sel))
	return blk, newest
}

// changelogRows picks the rows of a consolidated delta that the changelog shows,
// with their operations: the new row of a changed key, the old one of a key that
// is gone. Without a key each copy of a row is an insert or a delete.
func changelogRows(b *batch.Batch, key []int, replaced map[string]bool) (
	sel []uint16, ops []byte,
) {
	if len(key) == 0 {
		return bagRows(b)
	}
	var buf []byte
	for i := range b.N {
		if b.Weight(i) > 0 {
			sel, ops = append(sel, uint16(i)), append(ops, byte(codec.OpUpsert))
			continue
		}
		if buf = keyOf(buf, b, key, i); !replaced[string(buf)] {
			sel, ops = append(sel, uint16(i)), append(ops, byte(codec.OpDelete))
		}
	}
	return sel, ops
}

func bagRows(b *batch.Batch) (sel []uint16, ops []byte) {
	for i := range b.N {
		w, o := b.Weight(i), byte(codec.OpInsert)
		if w < 0 {
			w, o = -w, byte(codec.OpDelete)
		}
		for range w {
			sel, ops = append(sel, uint16(i)), append(ops, o)
		}
	}
	return sel, ops
}

func hasRetractions(b *batch.Batch) bool {
	for _, w := range b.W {
		if w < 0 {
			return true
		}
	}
	return false
}

// newKeys adds the keys that have a new row in b to out.
func newKeys(out map[string]bool, b *batch.Batch, key []int) {
	var buf []byte
	for i := range b.N {
		if b.Weight(i) > 0 {
			buf = keyOf(buf, b, key, i)
			out[string(buf)] = true
		}
	}
}

func keyOf(buf []byte, b *batch.Batch, key []int, row int) []byte {
	buf = buf[:0]
	for _, k := range key {
		buf = codec.AppendKey(buf, b.Cols[k], row)
	}
	return buf
}

// ordinalBatch spreads a batch in row layout to one indexed by ordinals.
func (r *relation) ordinalBatch(b *batch.Batch) *batch.Batch {
	out := &batch.Batch{N: b.N, Sel: b.Sel, W: b.W, Cols: make([]*batch.Vector, len(r.types))}
	for i, o := range r.layout {
		out.Cols[o] = b.Cols[i]
	}
	return out
}

// layoutBatch is the reverse of ordinalBatch.
func layoutBatch(b *batch.Batch, layout []int) *batch.Batch {
	out := &batch.Batch{N: b.N, Sel: b.Sel, W: b.W, Cols: make([]*batch.Vector, len(layout))}
	for i, o := range layout {
		out.Cols[i] = b.Cols[o]
	}
	return out
}

// keyTypes gives the types of the key columns of a relation's row layout.
func keyTypes(c *catalog.Relation) (ordinals []int, ts []types.Type) {
	for _, k := range c.Key {
		ts = append(ts, c.Columns[k].Type)
	}
	return c.Key, ts
}
