package exec

import (
	"fmt"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// rows is a batch of changes of one partition of a relation on its way to the
// scans. Its columns are indexed by the relation's column ordinals; those that
// nobody asked for are nil. Immutable: scans of several queries share it.
type rows struct {
	b    *batch.Batch
	part int32
	base log.Offset // of physical row 0; -1 when rows have no offset (tables, views)
	// offsets are the rows' own where compaction took rows away; nil: from base on.
	offsets []log.Offset
	time    []int64 // rowtimes; nil: clock for all
	clock   int64
	// noTime: the rows have no rowtime at all (materialized views).
	noTime bool
	epoch  log.Epoch
	// epochs are the runs of a sealed block's rows, nil: all of epoch.
	epochs []log.EpochRun
	// ops are the row operations of a changelog read; nil: all inserts.
	ops []byte
}

// own gives a copy that stays good after the source's call returned.
func (r *rows) own() *rows {
	var cols []*batch.Vector
	for _, c := range r.b.Cols {
		if c != nil {
			cols = append(cols, c)
		}
	}
	in := batch.Batch{N: r.b.N, Sel: r.b.Sel, W: r.b.W, Cols: cols}
	c := copyBatch(&in)
	out, b := *r, *r.b
	if r.time != nil {
		out.time = gather(make([]int64, 0, c.N), r.time, rowsOf(r.b))
	}
	b.N, b.Sel, b.W = c.N, nil, c.W
	b.Cols = make([]*batch.Vector, len(r.b.Cols))
	k := 0
	for i, v := range r.b.Cols {
		if v != nil {
			b.Cols[i] = c.Cols[k]
			k++
		}
	}
	out.b = &b
	return &out
}

// columnTypes gives the types of all columns by ordinal.
func columnTypes(r *catalog.Relation) []types.Type {
	ts := make([]types.Type, len(r.Columns))
	for i, c := range r.Columns {
		ts[i] = c.Type
	}
	return ts
}

// layoutOf lists the ordinals of the row layout: columns that are not dropped.
func layoutOf(r *catalog.Relation) []int {
	out := make([]int, 0, len(r.Columns))
	for i, c := range r.Columns {
		if !c.Dropped {
			out = append(out, i)
		}
	}
	return out
}

// decodeBlock cuts a block into rows of at most batch.MaxRows. need tells by
// ordinal which columns to decode; columns that the block's schema version did
// not have are what such rows have in them, and values of former types converted.
func (r *relation) decodeBlock(blk *log.Block, need []bool, fn func(*rows) error) error {
	h, err := codec.DecodeHeader(blk.Sections[0])
	if err != nil {
		return fmt.Errorf("block of partition %s at offset %d: %w", blk.Partition, blk.Base, err)
	}
	ts, wanted := r.types, need
	if r.retyped > blk.Schema {
		ts, need = r.typesAt(blk.Schema), r.withConverted(need, blk.Schema)
	}
	whole := make([]*batch.Vector, len(ts))
	for i, t := range ts {
		if !need[i] {
			continue
		}
		whole[i] = &batch.Vector{Type: t}
		if i+1 >= len(blk.Sections) {
			whole[i] = r.missing[i]
			continue
		}
		if err := codec.Decode(blk.Sections[i+1], whole[i]); err != nil {
			return fmt.Errorf("column %d of partition %s at offset %d: %w",
				i, blk.Partition, blk.Base, err)
		}
	}
	if r.retyped > blk.Schema {
		if err := r.convert(whole, blk.Rows, blk.Schema); err != nil {
			return err
		}
		drop(whole, wanted)
	}
	for from := 0; from < blk.Rows; from += batch.MaxRows {
		if err := fn(cutBlock(blk, h, whole, from)); err != nil {
			return err
		}
	}
	return nil
}

func cutBlock(blk *log.Block, h codec.Header, whole []*batch.Vector, from int) *rows {
	to := min(from+batch.MaxRows, blk.Rows)
	r := &rows{
		part: int32(blk.Partition.Part), base: blk.Base + log.Offset(from),
		clock: blk.MinTime, epoch: blk.Epoch, epochs: cutRuns(blk.Epochs, from, to),
		b: &batch.Batch{N: to - from, Cols: make([]*batch.Vector, len(whole))},
	}
	if blk.Offsets != nil {
		r.offsets = blk.Offsets[from:to]
	}
	if h.Time != nil {
		r.time = h.Time[from:to]
	}
	if h.Ops != nil {
		r.ops = h.Ops[from:to]
	}
	if from > 0 || to < blk.Rows {
		r.b = cutColumns(make([]batch.Vector, len(whole)), whole, from, to)
	} else {
		copy(r.b.Cols, whole)
	}
	return r
}

// cutColumns gives rows [from, to) of columns, nil ones too; views are its memory.
func cutColumns(views []batch.Vector, whole []*batch.Vector, from, to int) *batch.Batch {
	b := &batch.Batch{N: to - from, Cols: make([]*batch.Vector, len(whole))}
	for i, v := range whole {
		switch {
		case v == nil:
		case v.Const:
			b.Cols[i] = v
		default:
			codec.Slice(&views[i], v, from, to)
			b.Cols[i] = &views[i]
		}
	}
	return b
}

// cutRuns gives the epoch runs of rows [from, to) of a block.
func cutRuns(runs []log.EpochRun, from, to int) []log.EpochRun {
	if runs == nil {
		return nil
	}
	var out []log.EpochRun
	at := 0
	for _, r := range runs {
		lo, hi := max(at, from), min(at+r.Rows, to)
		if lo < hi {
			out = append(out, log.EpochRun{Epoch: r.Epoch, Rows: hi - lo})
		}
		at += r.Rows
	}
	return out
}

// missingColumn gives what rows have in a column that was added after them: a value
// of the type that it was added with.
func missingColumn(c catalog.Column) *batch.Vector {
	t := planner.TypeAt(&c, 0)
	if c.Missing == nil {
		return nullColumn(t)
	}
	v := batch.NewVector(t, 1)
	v.AppendDatum(*c.Missing)
	v.Const = true
	return v
}

func nullColumn(t types.Type) *batch.Vector {
	v := batch.NewVector(t, 1)
	v.AppendNull()
	v.Const = true
	return v
}

// scanner turns rows into the output of a plan.Scan and filters it.
type scanner struct {
	columns []int
	filter  *expr.Program
	env     *expr.Env
	sink    op.Sink
	out     batch.Batch
	sel     []uint16
	pseudo  []batch.Vector
}

func newScanner(n *plan.Scan, env *expr.Env, sink op.Sink) (*scanner, error) {
	s := &scanner{
		columns: n.Columns, env: env, sink: sink,
		pseudo: make([]batch.Vector, len(n.Columns)),
	}
	s.out.Cols = make([]*batch.Vector, len(n.Columns))
	if n.Filter == nil {
		return s, nil
	}
	var err error
	s.filter, err = expr.CompileFilter(n.Filter)
	return s, err
}

// push sends the rows on, filtered.
func (s *scanner) push(r *rows) error {
	s.out.N, s.out.Sel, s.out.W = r.b.N, r.b.Sel, r.b.W
	for i, c := range s.columns {
		if c >= 0 {
			s.out.Cols[i] = r.b.Cols[c]
			continue
		}
		s.fillPseudo(&s.pseudo[i], c, r)
		s.out.Cols[i] = &s.pseudo[i]
	}
	if s.filter != nil {
		sel, err := s.filter.Filter(s.env, &s.out, s.sel)
		if err != nil {
			return err
		}
		s.sel = sel
		if len(sel) == 0 {
			return nil
		}
		if len(sel) < s.out.Rows() || s.out.Sel != nil {
			s.out.Sel = sel
		}
	}
	if s.out.Rows() == 0 {
		return nil
	}
	return s.sink.Push(&s.out)
}

func (s *scanner) fillPseudo(v *batch.Vector, column int, r *rows) {
	switch column {
	case plan.RowTime:
		*v = batch.Vector{Type: types.Of(types.Timestamptz), I64: r.time}
		switch {
		case r.noTime:
			*v = *nullColumn(v.Type)
		case r.time == nil:
			v.I64, v.Const = []int64{r.clock}, true
		}
	case plan.RowPartition:
		*v = batch.Vector{Type: types.Of(types.Int4), I64: []int64{int64(r.part)}, Const: true}
	case plan.RowEpoch:
		r.epochColumn(v)
	case plan.RowOffset:
		r.offsetColumn(v)
	}
}

func (r *rows) epochColumn(v *batch.Vector) {
	if r.epochs == nil {
		*v = batch.Vector{Type: types.Of(types.Int8), I64: []int64{int64(r.epoch)}, Const: true}
		return
	}
	*v = batch.Vector{Type: types.Of(types.Int8), I64: make([]int64, 0, r.b.N)}
	for _, run := range r.epochs {
		for range run.Rows {
			v.I64 = append(v.I64, int64(run.Epoch))
		}
	}
}

func (r *rows) offsetColumn(v *batch.Vector) {
	if r.base < 0 {
		*v = *nullColumn(types.Of(types.Int8))
		return
	}
	*v = batch.Vector{Type: types.Of(types.Int8), I64: make([]int64, r.b.N)}
	for i := range v.I64 {
		v.I64[i] = int64(r.offset(i))
	}
}

// offset gives a row's offset in its partition.
// timeOf gives a row's rowtime.
func (r *rows) timeOf(i int) int64 {
	if r.time != nil {
		return r.time[i]
	}
	return r.clock
}

func (r *rows) offset(i int) log.Offset {
	if r.offsets != nil {
		return r.offsets[i]
	}
	return r.base + log.Offset(i)
}
