package exec

import (
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// lockRows takes the rows that a query gives into the transaction block, as FOR UPDATE and
// FOR SHARE ask, and drops their keys from the result. Nothing waits: of two transactions
// that lock or write a row the one that commits second is refused, unless both share it.
// Outside a block the statement ends at once, and its locks with it.
func (e *Engine) lockRows(rd *Read, out func(*batch.Batch) error) func(*batch.Batch) error {
	p := rd.Plan
	if len(p.Keys) == 0 {
		return out
	}
	return func(b *batch.Batch) error {
		for i := range p.Keys {
			if k := &p.Keys[i]; k.Locked && rd.Txn != nil {
				rd.Txn.lock(k, b)
			}
		}
		if !p.KeepKeys {
			seen := *b
			seen.Cols = b.Cols[:len(p.Columns)]
			b = &seen
		}
		return out(b)
	}
}

// lock announces rows at the commit: as written, so that nobody else may have written or
// locked them since the snapshot, or shared, as read.
func (t *Txn) lock(k *plan.RowKey, b *batch.Batch) {
	cols := make([]*batch.Vector, len(k.Columns))
	for i, c := range k.Columns {
		cols[i] = b.Cols[c]
	}
	var buf []byte
	for _, i := range rowsOf(b) {
		if cols[0].IsNull(int(i)) { // the side of an outer join that has no row
			continue
		}
		var h uint64
		h, buf = codec.HashKey(cols, int(i), buf)
		key := log.Key{Stream: log.StreamID(k.Rel.OID), Hash: h}
		if k.Share {
			t.reads = append(t.reads, key)
		} else {
			t.marks = append(t.marks, key)
		}
	}
}
