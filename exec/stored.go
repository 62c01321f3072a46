package exec

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// A table's arrangement holds the row layout and, behind it, the rowtime: a row
// that is taken out must carry the time that it came with. Materialized views
// have no rowtime of their own.

// storedTypes gives the columns of the arrangement.
func (r *relation) storedTypes() []types.Type {
	ts := r.layoutTypes()
	if r.timed {
		ts = append(ts, types.Of(types.Timestamptz))
	}
	return ts
}

// allStored lists the columns of the arrangement.
func (r *relation) allStored() []int {
	n := len(r.layout)
	if r.timed {
		n++
	}
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// stored adds the rowtimes to a batch of the row layout.
func (r *relation) stored(b *batch.Batch, times []int64, clock int64) *batch.Batch {
	if !r.timed {
		return b
	}
	if times == nil {
		times = make([]int64, b.N)
		for i := range times {
			times[i] = clock
		}
	}
	v := &batch.Vector{Type: types.Of(types.Timestamptz), I64: times}
	out := *b
	out.Cols = append(append(make([]*batch.Vector, 0, len(b.Cols)+1), b.Cols...), v)
	return &out
}

// unstored parts rows of the arrangement into row layout and rowtimes; nil
// without.
func (r *relation) unstored(b *batch.Batch) (*batch.Batch, []int64) {
	if !r.timed {
		return b, nil
	}
	out := *b
	n := len(r.layout)
	out.Cols = b.Cols[:n:n]
	return &out, b.Cols[n].I64
}

// changes makes rows of a batch of the arrangement.
func (r *relation) changes(b *batch.Batch, part int, from rows) *rows {
	lay, times := r.unstored(b)
	from.b, from.time, from.part = r.ordinalBatch(lay), times, int32(part)
	from.base, from.noTime = -1, !r.timed
	return &from
}
