package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
)

// Table maps keys to a fixed number of 8-byte words: an aggregate's groups and
// the like. A block is: header, words, key bytes and, when normalisation changed
// the key, the encoded row that it was first seen as.
type Table struct {
	arena
	idx   index
	words int
	keyer *Keyer
	n     int
	slots []uint64 // scratch of Probe: first slot of each key
	tombs Rows     // keys of saved entries that were deleted since
	dirty []Ref
	key   []byte // scratch of saveKey
}

// NewTable makes a table for the keys of a Keyer with so many words per key.
func NewTable(mem *Memory, k *Keyer, words int) *Table {
	t := &Table{keyer: k, words: max(words, 1)}
	t.arena.init(mem)
	t.idx.init(mem)
	return t
}

// Relax lets cold memory of the table's account go, see Memory.Relax.
func (t *Table) Relax() { t.mem.Relax() }

// Len gives the number of entries.
func (t *Table) Len() int { return t.n }

// Bytes gives the memory held.
func (t *Table) Bytes() int64 { return t.arena.size() + t.idx.size() }

// Word gives the address of word i of an entry, valid until the next insertion.
func (t *Table) Word(r Ref, i int) *int64 { return t.arena.word(r, i) }

// Words gives the words of an entry, valid until the next insertion.
func (t *Table) Words(r Ref) []int64 { return unsafe.Slice(t.arena.word(r, 0), t.words) }

// WordPointer is Word for accumulators.
func (t *Table) WordPointer(r Ref, i int) unsafe.Pointer {
	return unsafe.Add(t.at(r), headBytes+i*8)
}

// Probe finds the entries of keys: 0 for those that are not there, or with
// insert new entries with zero words. All first slots are loaded before any key
// is compared, so that the memory's latencies overlap.
func (t *Table) Probe(k *Keys, refs []Ref, insert bool) {
	n := k.N
	if t.n == 0 && !insert {
		clear(refs[:n])
		return
	}
	t.slots = grow(t.slots, n)
	t.loadSlots(k.Hash[:n], t.slots)
	if k.ints != nil && t.out == nil {
		t.probeInts(k, refs, insert)
		return
	}
	for i, s := range t.slots[:n] {
		if s != 0 && uint32(s>>32) == tagOf(k.Hash[i]) && t.equal(Ref(s), k, i) {
			refs[i] = Ref(s)
			continue
		}
		refs[i] = t.find(k, i, insert)
	}
}

// loadSlots loads the home slot of each hash.
func (t *Table) loadSlots(hashes, out []uint64) {
	x := &t.idx
	x.bringAll(hashes)
	switch len(x.subs) {
	case 0:
		clear(out)
	case 1:
		s := &x.subs[0]
		for i, h := range hashes {
			out[i] = s.slots[tagOf(h)&s.mask]
		}
	default:
		subs := (*[subTables]subTable)(x.subs)
		for i, h := range hashes {
			tag := tagOf(h)
			s := &subs[tag>>24]
			out[i] = s.slots[tag&s.mask]
		}
	}
}

func (t *Table) probeInts(k *Keys, refs []Ref, insert bool) {
	keyOff := uintptr(headBytes + t.words*8)
	pages := t.pages
	for i, s := range t.slots[:k.N] {
		if s != 0 && uint32(s>>32) == tagOf(k.Hash[i]) && !k.IsNull(i) {
			p := unsafe.Add(pages[uint32(s)>>pageShift], uintptr(s&pageMask)*unitBytes)
			if (*head)(p).keyLen == 8 && *(*int64)(unsafe.Add(p, keyOff)) == k.ints[i] {
				refs[i] = Ref(s)
				continue
			}
		}
		refs[i] = t.find(k, i, insert)
		pages = t.pages
	}
}

// equal tells whether entry r has key i.
func (t *Table) equal(r Ref, k *Keys, i int) bool {
	n := k.size(i)
	if t.head(r).keyLen != n {
		return false
	}
	if n&nullKey != 0 {
		return true
	}
	return bytes.Equal(t.view(r, headBytes+t.words*8, int(n)), k.Bytes(i))
}

// find looks for key i slot by slot.
func (t *Table) find(k *Keys, i int, insert bool) Ref {
	if len(t.idx.subs) > 0 {
		tag := tagOf(k.Hash[i])
		s := t.idx.sub(tag)
		for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
			if uint32(s.slots[j]>>32) == tag && t.equal(Ref(s.slots[j]), k, i) {
				return Ref(s.slots[j])
			}
		}
	}
	if !insert {
		return 0
	}
	return t.add(k, i)
}

// add inserts key i, which is not there.
func (t *Table) add(k *Keys, i int) Ref {
	key, raw := k.Bytes(i), []byte(nil)
	if k.raw != nil && !bytes.Equal(k.raw.Row(i), key) {
		raw = k.raw.Row(i)
	}
	return t.addBytes(key, raw, k.size(i), k.Hash[i])
}

func (t *Table) addBytes(key, raw []byte, keyLen uint32, hash uint64) Ref {
	n := t.words*8 + len(key)
	if raw != nil {
		n += 4 + len(raw)
	}
	r := t.alloc(n)
	h := t.head(r)
	h.keyLen = keyLen
	at := headBytes + t.words*8
	copy(t.view(r, at, len(key)), key)
	if raw != nil {
		h.flags |= flagRaw
		at += len(key)
		binary.LittleEndian.PutUint32(t.view(r, at, 4), uint32(len(raw)))
		copy(t.view(r, at+4, len(raw)), raw)
	}
	t.idx.insert(hash, r)
	t.n++
	return r
}

// KeyBytes gives the key of an entry; it aliases the table's memory.
func (t *Table) KeyBytes(r Ref) []byte {
	return t.view(r, headBytes+t.words*8, int(t.head(r).keyLen&^nullKey))
}

// keyRow gives the encoded row of an entry's key, for Keyers of form keyRow.
func (t *Table) keyRow(r Ref) []byte {
	h := t.head(r)
	if h.flags&flagRaw == 0 {
		return t.KeyBytes(r)
	}
	at := headBytes + t.words*8 + int(h.keyLen&^nullKey)
	n := binary.LittleEndian.Uint32(t.view(r, at, 4))
	return t.view(r, at+4, int(n))
}

// AppendKey appends the key columns of an entry, as they were first seen, to
// vectors.
func (t *Table) AppendKey(r Ref, cols []*batch.Vector) {
	switch {
	case t.keyer.form == keyRow:
		t.keyer.layout.Decode(t.keyRow(r), cols)
	case t.head(r).keyLen == nullKey:
		cols[0].AppendNull()
	case t.keyer.form == keyInt:
		cols[0].AppendInt(int64(binary.LittleEndian.Uint64(t.KeyBytes(r))))
	default:
		cols[0].AppendBytes(t.KeyBytes(r))
	}
}

// hashOf computes the hash of an entry's key anew.
func (t *Table) hashOf(r Ref) uint64 {
	return t.keyer.hashKey(t.KeyBytes(r), t.head(r).keyLen)
}

func (k *Keyer) hashKey(key []byte, keyLen uint32) uint64 {
	switch {
	case keyLen == nullKey:
		return hashNull
	case k.form == keyInt:
		return hashInt(int64(binary.LittleEndian.Uint64(key)))
	}
	return hashBytes(key)
}

// Delete removes an entry.
func (t *Table) Delete(r Ref) {
	if t.head(r).flags&flagSaved != 0 {
		t.tombs.Append(t.saveKey(r))
	}
	t.idx.remove(t.hashOf(r), r)
	t.release(r)
	t.n--
}

// Mark adds an entry to a list of entries touched in an epoch, once, and notes
// that it is to be saved. first tells whether it was not in the list before. The
// position in the list is kept in the entry, and says nothing once the list is
// emptied.
func (t *Table) Mark(r Ref, list []Ref) (out []Ref, first bool) {
	h := t.head(r)
	if int(h.touch) < len(list) && list[h.touch] == r {
		return list, false
	}
	h.touch = uint32(len(list))
	t.Touch(r)
	return append(list, r), true
}

// Position gives where Mark put an entry in its list.
func (t *Table) Position(r Ref) int { return int(t.head(r).touch) }

// Touch notes that an entry changed and is to be saved.
func (t *Table) Touch(r Ref) {
	h := t.head(r)
	if h.flags&flagDirty == 0 {
		h.flags |= flagDirty
		t.dirty = append(t.dirty, r)
	}
}

// Scan calls fn for each entry in the order of memory. fn must not insert.
func (t *Table) Scan(fn func(r Ref) error) error {
	var err error
	for p := range t.pages {
		t.walkPage(p, func(r Ref) {
			if err == nil {
				err = fn(r)
			}
		})
	}
	return err
}

// Reset deletes all entries.
func (t *Table) Reset() {
	t.arena.reset()
	t.idx.reset()
	t.n, t.dirty = 0, t.dirty[:0]
	t.tombs.Reset()
}

// Clear is Reset that keeps the memory, unless there is much more of it than was
// used, for tables that live for one epoch.
func (t *Table) Clear() {
	if t.arena.size() > 8*max(t.arena.bytes, minPageBytes) ||
		t.idx.size() > 64*8*int64(max(t.idx.n, 16)) {
		t.Reset()
		return
	}
	t.arena.clear()
	t.idx.clear()
	t.n, t.dirty = 0, t.dirty[:0]
	t.tombs.Reset()
}

// Close gives the memory back.
func (t *Table) Close() { t.Reset() }

// saveKey is the key of an entry as it is saved: a byte that says whether it is
// NULL, then the key bytes. Valid until the next call.
func (t *Table) saveKey(r Ref) []byte {
	t.key = append(append(t.key[:0], byte(t.head(r).keyLen>>31)), t.KeyBytes(r)...)
	return t.key
}

// Save writes what changed since the last Save as records of table id.
func (t *Table) Save(w *Writer, id uint8) error {
	for i := range t.tombs.N() {
		w.Delete(id, t.tombs.Row(i))
	}
	t.tombs.Reset()
	if w.Full() {
		t.dirty = t.dirty[:0]
		for p := range t.pages {
			t.walkPage(p, func(r Ref) { t.saveEntry(w, id, r) })
			t.mem.Relax()
		}
		return w.Err()
	}
	for i, r := range t.dirty {
		if i%relaxEvery == 0 {
			t.mem.Relax()
		}
		if h := t.head(r); h.flags&(flagLive|flagDirty) == flagLive|flagDirty {
			t.saveEntry(w, id, r)
		}
	}
	t.dirty = t.dirty[:0]
	return w.Err()
}

func (t *Table) saveEntry(w *Writer, id uint8, r Ref) {
	h := t.head(r)
	h.flags = h.flags&^flagDirty | flagSaved
	v := w.value[:0]
	for _, x := range t.Words(r) {
		v = binary.LittleEndian.AppendUint64(v, uint64(x))
	}
	if h.flags&flagRaw != 0 {
		v = append(v, t.keyRow(r)...)
	}
	w.value = v
	w.Put(id, t.saveKey(r), v)
}

// LoadRecord takes one record of Save back.
func (t *Table) LoadRecord(r *Reader) (Ref, error) {
	if len(r.Key) == 0 {
		return 0, r.corrupt("entry without a key")
	}
	key := r.Key[1:]
	keyLen := uint32(len(key))
	if r.Key[0] != 0 {
		keyLen = nullKey
	}
	ref := t.findBytes(key, keyLen)
	if r.Deleted {
		if ref != 0 {
			t.head(ref).flags &^= flagSaved
			t.Delete(ref)
		}
		return 0, nil
	}
	if len(r.Value) < t.words*8 {
		return 0, r.corrupt("entry of %d bytes", len(r.Value))
	}
	if ref == 0 {
		var raw []byte
		if len(r.Value) > t.words*8 {
			raw = r.Value[t.words*8:]
		}
		ref = t.addBytes(key, raw, keyLen, t.keyer.hashKey(key, keyLen))
	}
	t.head(ref).flags |= flagSaved
	for i := range t.words {
		*t.Word(ref, i) = int64(binary.LittleEndian.Uint64(r.Value[i*8:]))
	}
	return ref, nil
}

// findBytes finds an entry by the bytes of its key.
func (t *Table) findBytes(key []byte, keyLen uint32) Ref {
	if len(t.idx.subs) == 0 {
		return 0
	}
	tag := tagOf(t.keyer.hashKey(key, keyLen))
	s := t.idx.sub(tag)
	for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
		r := Ref(s.slots[j])
		if uint32(s.slots[j]>>32) == tag && t.head(r).keyLen == keyLen &&
			bytes.Equal(t.KeyBytes(r), key) {
			return r
		}
	}
	return 0
}

// Changed tells whether there is something to save.
func (t *Table) Changed() bool { return len(t.dirty) > 0 || t.tombs.N() > 0 }

// Live tells whether a ref that was valid in this epoch still is an entry.
func (t *Table) Live(r Ref) bool { return t.head(r).flags&flagLive != 0 }

// SortedByKey lists all entries in the order of their key bytes, which depends on
// the keys alone.
func (t *Table) SortedByKey() []Ref {
	refs := make([]Ref, 0, t.n)
	for p := range t.pages {
		t.walkPage(p, func(r Ref) { refs = append(refs, r) })
	}
	slices.SortFunc(refs, func(a, b Ref) int {
		return bytes.Compare(t.KeyBytes(a), t.KeyBytes(b))
	})
	return refs
}
