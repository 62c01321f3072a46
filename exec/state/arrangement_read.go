package state

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// scanUnits is how much of a page a scan looks at under the lock at once: 64 KiB
// of rows take some 50 us.
const scanUnits = 64 << 10 / unitBytes

// Scan calls fn with the rows of an epoch, which must be pinned, in batches that
// hold the given columns. The batch is valid until fn returns; no lock is held
// then.
func (a *Arrangement) Scan(epoch uint64, columns []int, fn func(*batch.Batch) error) (err error) {
	defer Catch(&err)
	ts := make([]types.Type, len(columns))
	for i, c := range columns {
		ts[i] = a.layout.Types[c]
	}
	b := batch.New(ts, batch.MaxRows)
	pos := scanPos{}
	for more := true; more; {
		more = a.scanSome(epoch, columns, b, &pos)
		a.Relax()
		if b.N < batch.MaxRows/2 && more && bytesOf(b) < batch.MaxBytes/2 || b.N == 0 {
			continue
		}
		if err := fn(b); err != nil {
			return err
		}
		b.Reset()
	}
	return nil
}

func bytesOf(b *batch.Batch) int {
	n := 0
	for _, v := range b.Cols {
		n += len(v.Buf)
	}
	return n
}

// scanPos is where a scan goes on.
type scanPos struct {
	page int
	unit uint32
}

// scanSome adds the rows of the next part of memory to b; false at the end.
func (a *Arrangement) scanSome(epoch uint64, columns []int, b *batch.Batch, pos *scanPos) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if pos.page >= len(a.pages) {
		return false
	}
	if pos.page == 0 && pos.unit == 0 {
		pos.unit = headUnits
	}
	u, end := pos.unit, a.used[pos.page]
	for stop := u + scanUnits; u < end && u < stop && b.N < batch.MaxRows; {
		r := Ref(pos.page)<<pageShift + Ref(u)
		h := a.head(r)
		u += h.units
		if h.flags&flagLive == 0 {
			continue
		}
		if v := a.version(r); v.begin <= epoch && epoch < v.end {
			a.emit(r, columns, b, v.weight)
			if bytesOf(b) >= batch.MaxBytes {
				break
			}
		}
	}
	pos.unit = u
	if u >= end {
		pos.page, pos.unit = pos.page+1, 0
	}
	return pos.page < len(a.pages)
}

// emit appends a version's columns to b.
func (a *Arrangement) emit(r Ref, columns []int, b *batch.Batch, weight int64) {
	row := a.row(r)
	for i, c := range columns {
		a.layout.AppendTo(row, c, b.Cols[i])
	}
	AppendWeight(b, int32(weight))
}

// AppendWeight ends a row that was appended to all columns of b.
func AppendWeight(b *batch.Batch, w int32) {
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

// Lookup appends the rows of an epoch that have the key to out, whose columns
// are all columns. The epoch must be pinned.
func (a *Arrangement) Lookup(epoch uint64, key []types.Datum, out *batch.Batch) (err error) {
	defer Catch(&err)
	keyer := a.readers.Get().(*Keyer)
	defer a.readers.Put(keyer)
	k := keyer.One(key)
	a.mu.RLock()
	defer a.mu.RUnlock()
	for r := a.find(k, 0); r != 0; r = a.version(r).next {
		if v := a.version(r); v.begin <= epoch && epoch < v.end {
			a.layout.Decode(a.row(r), out.Cols)
			AppendWeight(out, int32(v.weight))
		}
	}
	return nil
}

// findRows is for how many keys the lock is held at once.
const findRows = 256

// Find calls fn with the rows of an epoch that have the key of a row of a batch: cols
// are the key columns, sel lists the rows, and fn gets the place in sel. The bytes, in
// the layout of the arrangement, are valid until fn returns; fn must not write here.
func (a *Arrangement) Find(epoch uint64, cols []*batch.Vector, sel []uint16,
	fn func(i int, row []byte)) (err error) {
	defer Catch(&err)
	keyer := a.readers.Get().(*Keyer)
	defer a.readers.Put(keyer)
	k := keyer.Keys(cols, sel)
	for from := 0; from < len(sel); from += findRows {
		a.findSome(epoch, k, from, min(from+findRows, len(sel)), fn)
	}
	return nil
}

func (a *Arrangement) findSome(epoch uint64, k *Keys, from, to int, fn func(i int, row []byte)) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for i := from; i < to; i++ {
		for r := a.find(k, i); r != 0; r = a.version(r).next {
			if v := a.version(r); v.begin <= epoch && epoch < v.end {
				fn(i, a.row(r))
			}
		}
	}
}

// Probe finds, for the writer or after it in the same epoch, the current rows of
// keys: fn is called with the position of the key and each row's bytes (in the
// layout of the arrangement) and weight, pending changes included.
func (a *Arrangement) Probe(k *Keys, fn func(i int, row []byte, weight int64)) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for i := range k.N {
		for r := a.find(k, i); r != 0; r = a.version(r).next {
			if v := a.version(r); v.end == open && v.weight != 0 {
				fn(i, a.row(r), v.weight)
			}
		}
	}
}

// Replace puts rows under their keys in order, pending: for each row of the
// batch, the current row of its key is shut and given to old, and the new one,
// unless deleted[i], takes its place. Replacing a row by an equal one does
// nothing, and old is not called. deleted, skip and the i of old count the
// selected rows.
func (a *Arrangement) Replace(b *batch.Batch, deleted []bool,
	old func(i int, row []byte), skip []bool) {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return
	}
	k := a.keyer.Keys(a.keyColumns(b.Cols), sel)
	a.layout.Encode(b.Cols, sel, &a.enc)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mem.Relax()
	for i := range sel {
		if i%warmRows == 0 {
			a.warm(k, i)
		}
		skip[i] = a.replaceOne(k, i, a.enc.Row(i), deleted[i], old)
	}
}

// replaceOne does one row of Replace; true when nothing changed.
func (a *Arrangement) replaceOne(k *Keys, i int, row []byte, deleted bool,
	old func(i int, row []byte)) bool {
	head := a.find(k, i)
	for r := head; r != 0; r = a.version(r).next {
		v := a.version(r)
		if v.end != open || v.weight == 0 {
			continue
		}
		if !deleted && string(a.row(r)) == string(row) {
			return true
		}
		old(i, a.row(r))
		a.shut(r)
		break
	}
	if deleted {
		return true
	}
	a.insert(k, i, head, row, 1)
	return false
}
