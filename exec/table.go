package exec

import (
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql/batch"
)

// tableSink turns the changelog of one partition of a table into weights, at the
// one place where the order of the rows is the log's: the old row of a key goes,
// the new one comes. Afterwards order does not matter any more.
type tableSink struct {
	rel  *relation
	part int32
}

// replace applies a batch of the changelog to the arrangement and adds the
// weights to the epoch's delta.
func (s *tableSink) replace(r *rows) error {
	in := s.rel.stored(layoutBatch(r.b, s.rel.layout), r.time, r.clock)
	n := in.N
	deleted := make([]bool, n)
	for i, o := range r.ops {
		deleted[i] = o == byte(codec.OpDelete)
	}
	arr := s.rel.arrs[s.part]
	old := batch.New(in.Types(), 64)
	skip := make([]bool, n)
	layout := arr.Layout()
	arr.Replace(in, deleted, func(_ int, row []byte) {
		layout.Decode(row, old.Cols)
		old.N++
	}, skip)
	if old.N > 0 {
		s.add(negated(old), r)
	}
	sel := make([]uint16, 0, n)
	for i := range n {
		if !skip[i] {
			sel = append(sel, uint16(i))
		}
	}
	if len(sel) > 0 {
		s.add(&batch.Batch{N: n, Sel: sel, Cols: in.Cols}, r)
	}
	return nil
}

func (s *tableSink) add(b *batch.Batch, from *rows) {
	out := s.rel.changes(b, int(s.part), rows{clock: from.clock, epoch: from.epoch})
	s.rel.delta = append(s.rel.delta, out)
}
