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
	rows := rowsOf(in)
	deleted := make([]bool, len(rows))
	if r.ops != nil {
		for k, i := range rows {
			deleted[k] = r.ops[i] == byte(codec.OpDelete)
		}
	}
	arr := s.rel.arrs[s.part]
	old := batch.New(in.Types(), 64)
	skip := make([]bool, len(rows))
	layout := arr.Layout()
	arr.Replace(in, deleted, func(_ int, row []byte) {
		layout.Decode(row, old.Cols)
		old.N++
	}, skip)
	if old.N > 0 {
		s.add(negated(old), r)
	}
	sel := make([]uint16, 0, len(rows))
	for k, i := range rows {
		if !skip[k] {
			sel = append(sel, i)
		}
	}
	if len(sel) > 0 {
		s.add(&batch.Batch{N: in.N, Sel: sel, Cols: in.Cols}, r)
	}
	return nil
}

func (s *tableSink) add(b *batch.Batch, from *rows) {
	out := s.rel.changes(b, int(s.part), rows{clock: from.clock, epoch: from.epoch})
	s.rel.delta = append(s.rel.delta, out)
}
