package exec

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// exchangeWriter is the end of a shard: it copies rows to the inboxes of the next
// stage's shards, by hash of the key.
type exchangeWriter struct {
	from  int      // this shard's number
	to    []*inbox // of the next stage, by shard
	key   *expr.Program
	env   *expr.Env
	types []types.Type
	open  []*batch.Batch // being filled, by destination
	free  []*batch.Batch
	sent  []*batch.Batch // in inboxes: free again after the next stage drained

	hashes []uint64
	buf    []byte
	route  [][]uint16
}

func newExchangeWriter(from int, to []*inbox, key []expr.Expr, ts []types.Type,
	env *expr.Env,
) (*exchangeWriter, error) {
	w := &exchangeWriter{
		from: from, to: to, env: env, types: ts,
		open: make([]*batch.Batch, len(to)), route: make([][]uint16, len(to)),
	}
	if len(key) == 0 || len(to) == 1 {
		return w, nil
	}
	var err error
	w.key, err = expr.Compile(key)
	return w, err
}

// Push implements op.Sink.
func (w *exchangeWriter) Push(b *batch.Batch) error {
	rows := rowsOf(b)
	if w.key == nil {
		// Without a key everything goes to one shard; of several, to the one with
		// this shard's number (rows stay where they are).
		w.add(w.from%len(w.to), b, rows)
		return nil
	}
	keys, err := w.key.Eval(w.env, b)
	if err != nil {
		return err
	}
	w.hashes, w.buf = hashRows(keys, rows, w.hashes, w.buf)
	for d := range w.route {
		w.route[d] = w.route[d][:0]
	}
	n := uint64(len(w.to))
	for k, i := range rows {
		d := w.hashes[k] % n
		w.route[d] = append(w.route[d], i)
	}
	for d, rs := range w.route {
		if len(rs) > 0 {
			w.add(d, b, rs)
		}
	}
	return nil
}

// add copies rows to destination d's open batch.
func (w *exchangeWriter) add(d int, b *batch.Batch, rows []uint16) {
	for len(rows) > 0 {
		if w.open[d] == nil {
			w.open[d] = w.take()
		}
		o := w.open[d]
		n := min(len(rows), batch.MaxRows-o.N)
		appendRows(o, b, rows[:n])
		rows = rows[n:]
		if o.N == batch.MaxRows {
			w.send(d)
		}
	}
}

func (w *exchangeWriter) send(d int) {
	o := w.open[d]
	w.open[d] = nil
	w.to[d].from[w.from] = append(w.to[d].from[w.from], o)
	w.sent = append(w.sent, o)
}

// flush sends the open batches. What was sent before the last flush has been
// drained by now, because stages run one after the other.
func (w *exchangeWriter) flush() {
	for d, o := range w.open {
		if o != nil && o.N > 0 {
			w.send(d)
		}
	}
}

// take gives an empty batch. Sent ones whose inbox was drained are used again.
func (w *exchangeWriter) take() *batch.Batch {
	if len(w.free) == 0 && len(w.sent) > 0 && w.drained() {
		w.free = append(w.free, w.sent...)
		w.sent = w.sent[:0]
	}
	if n := len(w.free); n > 0 {
		b := w.free[n-1]
		w.free = w.free[:n-1]
		b.Reset()
		return b
	}
	return batch.New(w.types, 64)
}

func (w *exchangeWriter) drained() bool {
	for _, x := range w.to {
		if len(x.from[w.from]) > 0 {
			return false
		}
	}
	return true
}
