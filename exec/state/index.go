package state

import (
	"unsafe"
)

// smallIndex is the number of entries up to which an index is one table; above,
// it is 256 sub-tables that grow one at a time, so that growth never stops the
// world: a sub-table of 10 M entries in all has 39 k.
const smallIndex = 4096

const subTables = 256

// index maps hashes to refs by open addressing with linear probing. A slot is
// the hash's upper 32 bits (the tag) and the ref; 0 is empty. The tag alone says
// where a slot belongs, so that growth and deletion never touch the rows.
//
// Cold frames of sub-tables may be in the spill file: sub brings back those that a
// search for a tag looks at.
type index struct {
	mem  *Memory
	subs []subTable // 1 or subTables
	n    int
	out  bool // something of the index moved out once
	hand int  // sub-table that eviction goes on with
	held int  // where mem lists the index
}

type subTable struct {
	slots []uint64
	buf   []byte  // memory of slots
	out   *region // nil while nothing of buf ever moved out
	mask  uint32
	n     int
}

func (t *subTable) init(mem *Memory, slots int) {
	t.buf = mem.alloc(slots * 8)
	t.slots = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(t.buf))), slots)
	t.mask = uint32(slots - 1)
}

// put adds a slot for which there is room.
func (t *subTable) put(slot uint64) {
	i := uint32(slot>>32) & t.mask
	for t.slots[i] != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = slot
	t.n++
}

func (t *subTable) grow(x *index) {
	mem := x.mem
	old := *t
	if old.out != nil {
		old.out.need(0, len(old.buf)>>frameShift)
		old.out.drop()
		t.out = nil
	}
	t.init(mem, len(old.slots)*2)
	t.n = 0
	for _, s := range old.slots {
		if s != 0 {
			t.put(s)
		}
	}
	mem.release(old.buf)
	x.mayMove(t)
}

// mayMove lists the index when a sub-table has frames of its own.
func (x *index) mayMove(t *subTable) {
	if len(t.buf) >= frameBytes {
		x.mem.list(x)
	}
}

func (x *index) init(mem *Memory) { x.mem = mem }

func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// sub gives the sub-table of a tag.
func (x *index) sub(tag uint32) *subTable {
	t := &x.subs[0]
	if len(x.subs) > 1 {
		t = &x.subs[tag>>24]
	}
	if t.out != nil {
		t.bring(tag)
	}
	return t
}

// bring makes sure that the slots from a tag's home to the next free one are in
// memory: no operation looks further.
func (t *subTable) bring(tag uint32) {
	for i := tag & t.mask; ; {
		f := int(i) * 8 >> frameShift
		t.out.one(f)
		for end := uint32(f+1) << (frameShift - 3); i < end; i++ {
			if t.slots[i] == 0 {
				return
			}
		}
		i &= t.mask
	}
}

// bringAll brings back what a batch of searches will look at first.
func (x *index) bringAll(hashes []uint64) {
	if !x.out {
		return
	}
	for _, h := range hashes {
		x.sub(tagOf(h))
	}
}

// place implements spiller.
func (x *index) place() *int { return &x.held }

// evict implements spiller, as for an arena.
func (x *index) evict(want int64) (freed int64, err error) {
	for n := 0; n < 2*len(x.subs) && freed < want; n++ {
		if x.hand >= len(x.subs) {
			x.hand = 0
		}
		t := &x.subs[x.hand]
		if len(t.buf) < frameBytes {
			return freed, nil // one small table: it stays
		}
		if t.out == nil {
			if t.out, err = newRegion(x.mem, t.buf); err != nil {
				return freed, err
			}
			x.out = true
		}
		k, err := t.out.evict(len(t.buf)>>frameShift, int((want-freed)>>frameShift)+1)
		freed += int64(k) << frameShift
		if err != nil {
			return freed, err
		}
		if freed < want {
			x.hand++
		}
	}
	return freed, nil
}

// insert adds an entry; the caller knows that it is not there.
func (x *index) insert(hash uint64, r Ref) {
	if len(x.subs) == 0 {
		x.subs = make([]subTable, 1)
		x.subs[0].init(x.mem, 16)
	}
	if len(x.subs) == 1 && x.n >= smallIndex {
		x.split()
	}
	tag := tagOf(hash)
	t := x.sub(tag)
	if (t.n+1)*3 > len(t.slots)*2 {
		t.grow(x)
	}
	t.put(uint64(tag)<<32 | uint64(r))
	x.n++
}

func (x *index) split() {
	old := x.subs[0]
	x.subs = make([]subTable, subTables)
	if old.out != nil {
		old.out.need(0, len(old.buf)>>frameShift)
		old.out.drop()
	}
	for i := range x.subs {
		x.subs[i].init(x.mem, 64)
	}
	for _, s := range old.slots {
		if s == 0 {
			continue
		}
		t := &x.subs[s>>56]
		if (t.n+1)*3 > len(t.slots)*2 {
			t.grow(x)
		}
		t.put(s)
	}
	x.mem.release(old.buf)
}

// remove deletes the entry of hash that has ref r, closing the gap by moving
// later slots of the run back.
func (x *index) remove(hash uint64, r Ref) {
	tag := tagOf(hash)
	t := x.sub(tag)
	i := tag & t.mask
	for t.slots[i] != uint64(tag)<<32|uint64(r) {
		if t.slots[i] == 0 {
			panic("state: entry to be removed is not in its index")
		}
		i = (i + 1) & t.mask
	}
	t.n--
	x.n--
	for j := i; ; {
		j = (j + 1) & t.mask
		s := t.slots[j]
		if s == 0 {
			break
		}
		home := uint32(s>>32) & t.mask
		if (j-home)&t.mask >= (j-i)&t.mask {
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = 0
}

// replace makes the entry of hash that has ref old refer to r.
func (x *index) replace(hash uint64, old, r Ref) {
	tag := tagOf(hash)
	t := x.sub(tag)
	i := tag & t.mask
	for t.slots[i] != uint64(tag)<<32|uint64(old) {
		if t.slots[i] == 0 {
			panic("state: entry to be replaced is not in its index")
		}
		i = (i + 1) & t.mask
	}
	t.slots[i] = uint64(tag)<<32 | uint64(r)
}

// clear removes all entries and keeps the memory.
func (x *index) clear() {
	if x.out {
		x.reset()
		return
	}
	for i := range x.subs {
		if t := &x.subs[i]; t.n > 0 {
			clear(t.slots)
			t.n = 0
		}
	}
	x.n = 0
}

func (x *index) reset() {
	x.mem.unlist(x)
	for i := range x.subs {
		x.subs[i].out.drop()
		x.mem.release(x.subs[i].buf)
	}
	*x = index{mem: x.mem}
}

func (x *index) size() int64 {
	n := int64(0)
	for i := range x.subs {
		n += int64(len(x.subs[i].buf))
	}
	return n
}
