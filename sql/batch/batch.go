package batch

import "github.com/millracedb/millrace/sql/types"

// Batch is a set of changes: rows with weights (a Z-set, DBSP
// https://arxiv.org/abs/2203.16684). A weight of +1 inserts a row, -1 retracts
// one; an update is both, in any order. Ops pairs exist only at the edge.
type Batch struct {
	Cols []*Vector
	// N is the number of rows in every vector (constants aside), <= MaxRows.
	N int
	// Sel lists the rows that count, ascending; nil means all N.
	Sel []uint16
	// W has the weight of each of the N rows; nil means all +1. Never 0 for a
	// row that counts.
	W []int32
}

// New makes an empty batch with vectors of the given types and room for n rows.
func New(ts []types.Type, n int) *Batch {
	b := &Batch{Cols: make([]*Vector, len(ts))}
	for i, t := range ts {
		b.Cols[i] = NewVector(t, n)
	}
	return b
}

// Rows gives the number of rows that count.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.N
}

// Index gives the physical row of the k-th row that counts.
func (b *Batch) Index(k int) int {
	if b.Sel != nil {
		return int(b.Sel[k])
	}
	return k
}

// Weight gives the weight of physical row i.
func (b *Batch) Weight(i int) int32 {
	if b.W == nil {
		return 1
	}
	return b.W[i]
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	for _, c := range b.Cols {
		c.Reset()
	}
	b.N, b.Sel, b.W = 0, nil, nil
}

// AppendRow adds a copy of physical row i of from, with weight w. Columns must
// have the same physical forms. The caller keeps N <= MaxRows.
func (b *Batch) AppendRow(from *Batch, i int, w int32) {
	for c, v := range b.Cols {
		v.AppendRow(from.Cols[c], i)
	}
	b.appendWeight(w)
}

// AppendDatums adds a row of datums with weight w.
func (b *Batch) AppendDatums(row []types.Datum, w int32) {
	for c, v := range b.Cols {
		v.AppendDatum(row[c])
	}
	b.appendWeight(w)
}

func (b *Batch) appendWeight(w int32) {
	if b.W == nil && w != 1 {
		b.W = make([]int32, b.N, max(b.N+1, 64))
		for i := range b.W {
			b.W[i] = 1
		}
	}
	if b.W != nil {
		b.W = append(b.W, w)
	}
	b.N++
}

// Types gives the columns' types.
func (b *Batch) Types() []types.Type {
	ts := make([]types.Type, len(b.Cols))
	for i, c := range b.Cols {
		ts[i] = c.Type
	}
	return ts
}
