package state

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Writer takes what changed in the state of one operator since the last
// checkpoint, as records of key and value per table. It is not safe for
// concurrent use; Writers of one checkpoint may be used in parallel.
type Writer struct {
	key   string
	cp    *Checkpoint
	full  bool
	buf   []byte   // records of the open block
	later [][]byte // full blocks of records that Commit compresses and writes
	out   []byte   // scratch: the encoded block
	spans []span
	err   error
	value []byte // scratch of stores
}

// Full says that everything is to be written, not only what changed: the first
// checkpoint of an operator, and whenever old files are mostly dead.
func (w *Writer) Full() bool { return w.full }

// Err gives the first error.
func (w *Writer) Err() error { return w.err }

// Put records that key of table id has this value now.
func (w *Writer) Put(id uint8, key, value []byte) {
	w.buf = append(w.buf, recPut, id)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(key)))
	w.buf = binary.AppendUvarint(w.buf, uint64(len(value)))
	w.buf = append(append(w.buf, key...), value...)
	w.flush(blockBytes)
}

// Delete records that key of table id is gone.
func (w *Writer) Delete(id uint8, key []byte) {
	if w.full {
		return // nothing older is left that could be deleted
	}
	w.buf = append(w.buf, recDelete, id)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(key)))
	w.buf = append(w.buf, key...)
	w.flush(blockBytes)
}

// flush ends the open block if it has at least min bytes. Compressing and writing
// it is four fifths of the work of a checkpoint: as long as there is room it is left
// to Commit, for which nobody waits.
func (w *Writer) flush(min int) {
	if len(w.buf) < min || len(w.buf) == 0 || w.err != nil {
		return
	}
	if w.cp.room.Add(-int64(len(w.buf))) >= 0 {
		w.later = append(w.later, w.buf)
		w.buf = w.cp.s.block()
		return
	}
	w.cp.room.Add(int64(len(w.buf)))
	w.end()
}

// end writes all that was left for later, then the open block.
func (w *Writer) end() {
	for i, b := range w.later {
		w.write(b)
		w.later[i] = nil
		w.cp.room.Add(int64(len(b)))
		w.cp.s.blocks.Put(&b)
	}
	w.later = w.later[:0]
	w.write(w.buf)
	w.buf = w.buf[:0]
}

// block gives an empty buffer for the records of a block.
func (s *Store) block() []byte {
	if b, ok := s.blocks.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, blockBytes+blockBytes/8)
}

func (w *Writer) write(records []byte) {
	if len(records) == 0 || w.err != nil {
		return
	}
	w.out = appendBlock(w.out[:0], records)
	s, err := w.cp.append(w.out)
	if err != nil {
		w.err = fmt.Errorf("write state of %s: %w", w.key, err)
		return
	}
	if n := len(w.spans); n > 0 && w.spans[n-1].file == s.file && w.spans[n-1].end() == s.off {
		w.spans[n-1].size += s.size
		return
	}
	w.spans = append(w.spans, s)
}

// Reader gives an operator's records back, oldest first: of several with one key
// the last one counts.
type Reader struct {
	// ID, Key, Value and Deleted are the record that Next read. Key and Value are
	// valid until the next call of Next.
	ID      uint8
	Key     []byte
	Value   []byte
	Deleted bool
	// Relax, unless nil, is called before every block: the reader's owner holds no
	// pointers into its stores then.
	Relax func()

	key   string
	store *Store
	spans []span
	file  uint64
	raw   []byte // rest of the span
	buf   []byte // rest of the block's records
	mem   []byte // memory of buf
	err   error
}

// Next reads a record; false at the end or after an error.
func (r *Reader) Next() bool {
	for r.err == nil && len(r.buf) == 0 {
		if len(r.raw) == 0 {
			if len(r.spans) == 0 {
				return false
			}
			r.file = r.spans[0].file
			r.raw, r.err = r.store.readSpan(r.spans[0])
			r.spans = r.spans[1:]
			continue
		}
		if r.Relax != nil {
			r.Relax()
		}
		var err error
		r.raw, r.buf, err = readBlock(r.raw, r.mem)
		if err != nil {
			r.err = fmt.Errorf("state of %s, file %d: %w", r.key, r.file, err)
			return false
		}
		r.mem = r.buf[:cap(r.buf)]
	}
	return r.err == nil && r.record()
}

// record decodes the next record of the block.
func (r *Reader) record() bool {
	b := r.buf
	if len(b) < 3 || b[0] != recPut && b[0] != recDelete {
		r.err = r.corrupt("record of %d bytes", len(b))
		return false
	}
	r.ID, r.Deleted = b[1], b[0] == recDelete
	klen, n := binary.Uvarint(b[2:])
	at, vlen := 2+n, uint64(0)
	if !r.Deleted && n > 0 {
		vlen, n = binary.Uvarint(b[at:])
		at += n
	}
	if n <= 0 || klen > uint64(len(b)-at) || vlen > uint64(len(b)-at)-klen {
		r.err = r.corrupt("record is cut")
		return false
	}
	k := at + int(klen)
	r.Key, r.Value, r.buf = b[at:k], b[k:k+int(vlen)], b[k+int(vlen):]
	return true
}

// Err gives the error that ended Next.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

func (r *Reader) corrupt(format string, args ...any) error {
	return fmt.Errorf("state of %s, file %d: %s: %w", r.key, r.file,
		fmt.Sprintf(format, args...), ErrCorrupt)
}
