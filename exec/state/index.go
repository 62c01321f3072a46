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
type index struct {
	mem  *Memory
	subs []subTable // 1 or subTables
	n    int
}

type subTable struct {
	slots []uint64
	buf   []byte // memory of slots
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

func (t *subTable) grow(mem *Memory) {
	old := *t
	t.init(mem, len(old.slots)*2)
	t.n = 0
	for _, s := range old.slots {
		if s != 0 {
			t.put(s)
		}
	}
	mem.release(old.buf)
}

func (x *index) init(mem *Memory) { x.mem = mem }

func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// sub gives the sub-table of a tag.
func (x *index) sub(tag uint32) *subTable {
	if len(x.subs) == 1 {
		return &x.subs[0]
	}
	return &x.subs[tag>>24]
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
		t.grow(x.mem)
	}
	t.put(uint64(tag)<<32 | uint64(r))
	x.n++
}

func (x *index) split() {
	old := x.subs[0]
	x.subs = make([]subTable, subTables)
	for i := range x.subs {
		x.subs[i].init(x.mem, 64)
	}
	for _, s := range old.slots {
		if s == 0 {
			continue
		}
		t := &x.subs[s>>56]
		if (t.n+1)*3 > len(t.slots)*2 {
			t.grow(x.mem)
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
	for i := range x.subs {
		if t := &x.subs[i]; t.n > 0 {
			clear(t.slots)
			t.n = 0
		}
	}
	x.n = 0
}

func (x *index) reset() {
	for i := range x.subs {
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
