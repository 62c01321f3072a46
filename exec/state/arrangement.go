package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Arrangement is the readable state of a table or view: a multiset of rows,
// found by key (Key columns) or by whole row (no Key), in versions, so that a
// reader of a pinned epoch sees exactly that epoch while later ones are written.
//
// One goroutine writes (Apply, Replace, Commit, Save, Load); many read (Scan,
// Lookup). Changes are pending, seen by the writer alone, until Commit gives them
// their epoch. A version that no pin can see any more is freed at a later Commit.
type Arrangement struct {
	layout *Layout
	key    []int
	keyer  *Keyer
	pins   *Pins

	extra   []*Pins      // of readers at epochs of their own; guarded by mu
	mu      sync.RWMutex // readers hold it for reading while they look at pages
	arena                // guarded by mu
	idx     index        // guarded by mu
	rows    int64        // open rows, weights counted; guarded by mu
	garbage []dead       // closed versions in the order of their end
	pending []Ref        // versions that Commit stamps
	dirty   []Ref
	tombs   Rows // saved rows that were closed since
	enc     Rows
	keys    []*batch.Vector
	one     []byte
	readers sync.Pool // of *Keyer
	loaded  uint32    // keeps the loads of warm from being optimised away
}

type dead struct {
	end uint64
	ref Ref
}

// version is an entry behind its block's header; key bytes (head.keyLen) and row
// bytes follow. Without Key the row is the key and is there once.
type version struct {
	begin, end uint64 // visible in epochs begin <= e < end
	weight     int64
	next       Ref // older entry of the same key
	rowLen     uint32
}

const versionBytes = int(unsafe.Sizeof(version{}))

const (
	open      = math.MaxUint64     // end of a current version
	undecided = math.MaxUint64 - 1 // begin or end until Commit
)

// Pending is the epoch at which Scan shows what the writer, which is the caller, has
// made of the rows so far.
const Pending uint64 = undecided

// NewArrangement makes an empty arrangement of rows with the given types, found
// by the columns key; without key by whole rows.
func NewArrangement(mem *Memory, pins *Pins, ts []types.Type, key []int) *Arrangement {
	a := &Arrangement{layout: NewLayout(ts), key: key, pins: pins}
	a.arena.init(mem)
	a.idx.init(mem)
	a.keyer = a.newKeyer()
	a.readers.New = func() any { return a.newKeyer() }
	a.keys = make([]*batch.Vector, max(len(key), len(ts)))
	return a
}

func (a *Arrangement) newKeyer() *Keyer {
	if len(a.key) == 0 {
		return NewRowKeyer(a.layout.Types)
	}
	ts := make([]types.Type, len(a.key))
	for i, c := range a.key {
		ts[i] = a.layout.Types[c]
	}
	return NewKeyer(ts)
}

// Types gives the column types.
func (a *Arrangement) Types() []types.Type { return a.layout.Types }

// Key gives the key columns; empty for a multiset of whole rows.
func (a *Arrangement) Key() []int { return a.key }

// Layout gives the layout of rows.
func (a *Arrangement) Layout() *Layout { return a.layout }

// Len gives the number of current rows.
func (a *Arrangement) Len() int64 {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.rows
}

// Bytes gives the memory held.
func (a *Arrangement) Bytes() int64 {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.arena.size() + a.idx.size()
}

// Close gives the memory back. There are no readers any more.
func (a *Arrangement) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.arena.reset()
	a.idx.reset()
	a.rows, a.garbage, a.pending, a.dirty = 0, nil, nil, nil
}

func (a *Arrangement) version(r Ref) *version {
	return (*version)(unsafe.Add(a.at(r), headBytes))
}

func (a *Arrangement) keyBytes(r Ref) []byte {
	return a.view(r, headBytes+versionBytes, int(a.head(r).keyLen&^nullKey))
}

// row gives the row bytes of a version.
func (a *Arrangement) row(r Ref) []byte {
	at := headBytes + versionBytes
	if len(a.key) > 0 {
		at += int(a.head(r).keyLen &^ nullKey)
	}
	return a.view(r, at, int(a.version(r).rowLen))
}

// keyColumns gives the vectors of the key columns.
func (a *Arrangement) keyColumns(cols []*batch.Vector) []*batch.Vector {
	if len(a.key) == 0 {
		return cols
	}
	for i, c := range a.key {
		a.keys[i] = cols[c]
	}
	return a.keys[:len(a.key)]
}

// Apply adds the rows of a batch with their weights, pending.
func (a *Arrangement) Apply(b *batch.Batch) {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return
	}
	k := a.keyer.Keys(a.keyColumns(b.Cols), sel)
	enc := k.rows
	if len(a.key) > 0 {
		a.layout.Encode(b.Cols, sel, &a.enc)
		enc = &a.enc
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mem.Relax()
	for i, r := range sel {
		if i%warmRows == 0 {
			a.warm(k, i)
		}
		a.change(k, i, enc.Row(i), int64(b.Weight(int(r))))
	}
}

// warmRows is for how many keys memory is loaded at once: few enough to stay in
// the cache until they are used.
const warmRows = 256

// warm loads the slots and the entries of keys from i on, so that the latencies
// of memory overlap where change would wait for one after the other.
func (a *Arrangement) warm(k *Keys, i int) {
	x := &a.idx
	if len(x.subs) < subTables {
		return // small enough to be in the cache
	}
	x.bringAll(k.Hash[i:min(i+warmRows, k.N)])
	var slots [warmRows]uint64
	n := min(warmRows, k.N-i)
	for j, h := range k.Hash[i : i+n] {
		tag := tagOf(h)
		s := &x.subs[tag>>24]
		slots[j] = s.slots[tag&s.mask]
	}
	sum := uint32(0)
	for j, s := range slots[:n] {
		if s != 0 && uint32(s>>32) == tagOf(k.Hash[i+j]) {
			sum += a.head(Ref(s)).keyLen + a.version(Ref(s)).rowLen
		}
	}
	a.loaded = sum
}

// change adds weight w to a row of key i.
func (a *Arrangement) change(k *Keys, i int, row []byte, w int64) {
	head := a.find(k, i)
	for r := head; r != 0; r = a.version(r).next {
		v := a.version(r)
		if !bytes.Equal(a.row(r), row) {
			continue
		}
		if v.end == open {
			a.reweigh(k, i, head, r, w)
			return
		}
		if v.end == undecided && v.begin != undecided && v.weight == w {
			v.end = open // taken out in this epoch, and put in again
			a.rows += w
			return
		}
	}
	a.insert(k, i, head, row, w)
}

// reweigh changes the weight of a current version: a pending one in place, else
// by a new version.
func (a *Arrangement) reweigh(k *Keys, i int, head, r Ref, w int64) {
	v := a.version(r)
	if v.begin == undecided {
		v.weight += w
		a.rows += w
		return
	}
	was := v.weight
	a.shut(r)
	if was+w != 0 {
		row := append(a.one[:0], a.row(r)...)
		a.one = row
		a.insert(k, i, head, row, was+w)
	}
}

// shut ends a current version.
func (a *Arrangement) shut(r Ref) {
	v := a.version(r)
	a.rows -= v.weight
	v.end = undecided
	if v.begin != undecided {
		a.pending = append(a.pending, r)
	}
}

// insert adds a pending version at the head of key i's chain.
func (a *Arrangement) insert(k *Keys, i int, head Ref, row []byte, w int64) Ref {
	key := k.Bytes(i)
	if len(a.key) == 0 {
		key = nil
	}
	r := a.alloc(versionBytes + len(key) + len(row))
	*a.version(r) = version{begin: undecided, end: open, weight: w, next: head,
		rowLen: uint32(len(row))}
	a.head(r).keyLen = k.size(i)
	copy(a.view(r, headBytes+versionBytes, len(key)), key)
	copy(a.row(r), row)
	if head == 0 {
		a.idx.insert(k.Hash[i], r)
	} else {
		a.idx.replace(k.Hash[i], head, r)
	}
	a.rows += w
	a.pending = append(a.pending, r)
	return r
}

// find gives the head of key i's chain.
func (a *Arrangement) find(k *Keys, i int) Ref {
	if len(a.idx.subs) == 0 {
		return 0
	}
	tag := tagOf(k.Hash[i])
	s := a.idx.sub(tag)
	for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
		if uint32(s.slots[j]>>32) == tag && a.equal(Ref(s.slots[j]), k, i) {
			return Ref(s.slots[j])
		}
	}
	return 0
}

func (a *Arrangement) equal(r Ref, k *Keys, i int) bool {
	n := k.size(i)
	return a.head(r).keyLen == n && (n&nullKey != 0 || bytes.Equal(a.keyBytes(r), k.Bytes(i)))
}

// Commit gives pending changes their epoch and frees what no reader needs. It
// fails if a row was taken out more often than it was put in, which is a bug of
// whoever produced the changes.
func (a *Arrangement) Commit(epoch uint64) error {
	if len(a.pending) == 0 && len(a.garbage) == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, r := range a.pending {
		if i%relaxEvery == 0 {
			a.mem.Relax()
		}
		if err := a.stamp(r, epoch); err != nil {
			return err
		}
	}
	a.pending = a.pending[:0]
	a.collect()
	return nil
}

// Discard takes pending changes back.
func (a *Arrangement) Discard() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.pending {
		v := a.version(r)
		switch {
		case v.begin != undecided:
			if v.end == undecided {
				v.end = open
				a.rows += v.weight
			}
		case v.end == open:
			a.rows -= v.weight
			a.unlink(r)
		default:
			a.unlink(r)
		}
	}
	a.pending = a.pending[:0]
}

func (a *Arrangement) stamp(r Ref, epoch uint64) error {
	v := a.version(r)
	if v.begin == undecided {
		if v.weight == 0 || v.end != open {
			a.unlink(r)
			return nil
		}
		if v.weight < 0 {
			return fmt.Errorf("epoch %d takes out a row that is not there: %s", epoch,
				a.describe(a.row(r)))
		}
		v.begin = epoch
		a.markDirty(r)
		return nil
	}
	if v.end == undecided {
		v.end = epoch
		if h := a.head(r); h.flags&flagSaved != 0 {
			a.tombs.Append(a.saveKey(r))
			h.flags &^= flagSaved
		}
		a.garbage = append(a.garbage, dead{epoch, r})
	}
	return nil
}

func (a *Arrangement) markDirty(r Ref) {
	h := a.head(r)
	if h.flags&flagDirty == 0 {
		h.flags |= flagDirty
		a.dirty = append(a.dirty, r)
	}
}

// describe writes a row for error messages.
func (a *Arrangement) describe(row []byte) string {
	b := []byte{'('}
	for c := range a.layout.Types {
		if c > 0 {
			b = append(b, ", "...)
		}
		switch d := a.layout.alias(row, c); {
		case d.Null:
			b = append(b, "NULL"...)
		case a.layout.phys[c] == types.PhysBytes:
			b = fmt.Appendf(b, "%q", d.S)
		case a.layout.phys[c] == types.PhysFloat64:
			b = fmt.Append(b, d.F)
		default:
			b = fmt.Append(b, d.I)
		}
	}
	return string(append(b, ')'))
}

// collect frees closed versions that no reader can see.
func (a *Arrangement) collect() {
	if len(a.garbage) == 0 {
		return
	}
	horizon := uint64(open)
	if a.pins != nil {
		horizon = a.pins.Horizon()
	}
	a.extra = slices.DeleteFunc(a.extra, func(p *Pins) bool {
		h := p.Horizon()
		horizon = min(horizon, h)
		return h == math.MaxUint64
	})
	n := 0
	for n < len(a.garbage) && a.garbage[n].end <= horizon {
		if n%relaxEvery == 0 {
			a.mem.Relax()
		}
		a.unlink(a.garbage[n].ref)
		n++
	}
	a.garbage = a.garbage[:copy(a.garbage, a.garbage[n:])]
}

// unlink takes a version out of its chain and frees it.
func (a *Arrangement) unlink(r Ref) {
	keyLen := a.head(r).keyLen
	hash := a.keyer.hashKey(a.keyBytes(r), keyLen)
	head := a.headOf(hash, r)
	next := a.version(r).next
	switch {
	case head != r:
		p := head
		for a.version(p).next != r {
			p = a.version(p).next
		}
		a.version(p).next = next
	case next == 0:
		a.idx.remove(hash, r)
	default:
		a.idx.replace(hash, r, next)
	}
	a.release(r)
}

// headOf finds the head of the chain that r is in.
func (a *Arrangement) headOf(hash uint64, r Ref) Ref {
	tag := tagOf(hash)
	s := a.idx.sub(tag)
	for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
		h := Ref(s.slots[j])
		if uint32(s.slots[j]>>32) == tag && a.head(h).keyLen == a.head(r).keyLen &&
			bytes.Equal(a.keyBytes(h), a.keyBytes(r)) {
			return h
		}
	}
	panic("state: version is in no chain")
}

// rowsOf gives the physical rows of a batch that count.
func rowsOf(b *batch.Batch) []uint16 {
	if b.Sel != nil {
		return b.Sel
	}
	return identity[:b.N]
}

// identity selects all rows of a batch.
var identity = func() (ids [batch.MaxRows]uint16) {
	for i := range ids {
		ids[i] = uint16(i)
	}
	return ids
}()

// saveKey is the key of a version's record: the length of the key bytes and a
// flag for NULL, key bytes, row bytes.
func (a *Arrangement) saveKey(r Ref) []byte {
	h := a.head(r)
	b := binary.LittleEndian.AppendUint32(a.one[:0], h.keyLen)
	if len(a.key) > 0 {
		b = append(b, a.keyBytes(r)...)
	}
	b = append(b, a.row(r)...)
	a.one = b
	return b
}

// Watch makes the arrangement keep what another Pins holds, too, until nobody
// holds anything and the last possible epoch is published there.
func (a *Arrangement) Watch(p *Pins) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.extra = append(a.extra, p)
}

// Full tells whether the arrangement has little room left: its owner should not
// begin an epoch's changes that it could not end.
func (a *Arrangement) Full() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.full()
}

// Relax moves cold memory to the spill file while the budget is exceeded.
func (a *Arrangement) Relax() {
	if a.mem.Over() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.mem.Relax()
	}
}

// Evict is Relax for about so many bytes, whatever the budget.
func (a *Arrangement) Evict(want int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mem.Evict(want)
}

// Memory gives the account that the arrangement was made with.
func (a *Arrangement) Memory() *Memory { return a.mem }

// Save writes what changed since the last Save as records of table id. Nothing
// may be pending.
func (a *Arrangement) Save(w *Writer, id uint8) error {
	for i := range a.tombs.N() {
		w.Delete(id, a.tombs.Row(i))
	}
	a.tombs.Reset()
	if w.Full() {
		for p := range a.pages {
			a.savePart(func() { a.walkPage(p, func(r Ref) { a.saveRow(w, id, r) }) })
		}
	}
	for refs := a.dirty; len(refs) > 0 && !w.Full(); {
		part := refs[:min(len(refs), relaxEvery)]
		refs = refs[len(part):]
		a.savePart(func() {
			for _, r := range part {
				if a.head(r).flags&(flagLive|flagDirty) == flagLive|flagDirty {
					a.saveRow(w, id, r)
				}
			}
		})
	}
	a.dirty = a.dirty[:0]
	return w.Err()
}

// savePart does a part of Save; readers come in between.
func (a *Arrangement) savePart(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mem.Relax()
	do()
}

func (a *Arrangement) saveRow(w *Writer, id uint8, r Ref) {
	h, v := a.head(r), a.version(r)
	h.flags &^= flagDirty
	if v.end != open {
		return
	}
	h.flags |= flagSaved
	w.value = binary.AppendVarint(w.value[:0], v.weight)
	w.Put(id, a.saveKey(r), w.value)
}

// LoadRecord takes one record of Save back. The rows are visible from epoch on.
func (a *Arrangement) LoadRecord(rd *Reader, epoch uint64) error {
	if len(rd.Key) < 4 {
		return rd.corrupt("row of %d bytes", len(rd.Key))
	}
	keyLen := binary.LittleEndian.Uint32(rd.Key)
	key, row := rd.Key[4:], rd.Key[4:]
	if n := int(keyLen &^ nullKey); len(a.key) > 0 {
		if n > len(key) {
			return rd.corrupt("key of %d bytes", n)
		}
		key, row = key[:n], key[n:]
	}
	weight, n := int64(0), 1
	if !rd.Deleted {
		weight, n = binary.Varint(rd.Value)
	}
	if n <= 0 {
		return rd.corrupt("weight of a row")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loadRow(keyLen, key, row, weight, epoch)
	return nil
}

// loadRow sets the weight of a row.
func (a *Arrangement) loadRow(keyLen uint32, key, row []byte, weight int64, epoch uint64) {
	hash := a.keyer.hashKey(key, keyLen)
	head := Ref(0)
	if len(a.idx.subs) > 0 {
		tag := tagOf(hash)
		s := a.idx.sub(tag)
		for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
			h := Ref(s.slots[j])
			if uint32(s.slots[j]>>32) == tag && a.head(h).keyLen == keyLen &&
				bytes.Equal(a.keyBytes(h), key) {
				head = h
				break
			}
		}
	}
	for r := head; r != 0; r = a.version(r).next {
		if !bytes.Equal(a.row(r), row) {
			continue
		}
		a.rows += weight - a.version(r).weight
		a.version(r).weight = weight
		if weight == 0 {
			a.unlink(r)
		}
		return
	}
	if weight == 0 {
		return
	}
	if len(a.key) == 0 {
		key = nil
	}
	r := a.alloc(versionBytes + len(key) + len(row))
	*a.version(r) = version{begin: epoch, end: open, weight: weight, next: head,
		rowLen: uint32(len(row))}
	h := a.head(r)
	h.keyLen, h.flags = keyLen, h.flags|flagSaved
	copy(a.view(r, headBytes+versionBytes, len(key)), key)
	copy(a.row(r), row)
	if head == 0 {
		a.idx.insert(hash, r)
	} else {
		a.idx.replace(hash, head, r)
	}
	a.rows += weight
}
