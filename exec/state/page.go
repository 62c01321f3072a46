package state

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// Ref addresses a block of an arena in units of 8 bytes; 0 is no block. 32 bits
// of units are 32 GiB per store.
type Ref uint32

const (
	unitBytes = 8
	pageShift = 15 // log2 of the units of a page
	pageUnits = 1 << pageShift
	pageMask  = pageUnits - 1
	// headUnits is the size of the header that every block begins with.
	headUnits = 2
	headBytes = headUnits * unitBytes
	// exactClasses is the number of block sizes, in units, with a free list each;
	// larger blocks are rounded up to eighths of powers of two.
	exactClasses = 128
	allClasses   = exactClasses + 8*32
)

// Flags of a block.
const (
	flagLive  = 1 << iota // in use
	flagDirty             // in the list of blocks to be saved
	flagSaved             // the last checkpoint has it
	flagRaw               // key is followed by its unnormalised row
)

// head begins every block.
type head struct {
	units  uint32 // size of the block, this header included
	flags  uint32
	keyLen uint32 // bytes of the key, nullKey for a single NULL column
	touch  uint32 // position in a list of touched blocks, see touchList
}

// arena gives out blocks from pages. Blocks never move, except that all of page
// 0 moves while it grows: pointers are valid until the next alloc only.
//
// Cold frames of full pages may be in the spill file: at brings a block back. What
// at gave is valid until evict, too, which the owner calls through Memory.Relax.
type arena struct {
	mem   *Memory
	out   []*region // by page; nil while nothing of the arena ever moved out
	pages []unsafe.Pointer
	used  []uint32 // units in use per page; 0 for later pages of a long block
	bufs  [][]byte
	cur   int // page that blocks are cut from
	free  [allClasses]Ref
	bytes int64
	hand  int // page that eviction goes on with
	held  int // where mem lists the arena
}

func (a *arena) init(mem *Memory) { a.mem = mem }

// at gives the address of a block.
func (a *arena) at(r Ref) unsafe.Pointer {
	if a.out != nil {
		a.bring(r)
	}
	return unsafe.Add(a.pages[r>>pageShift], uintptr(r&pageMask)*unitBytes)
}

func (a *arena) head(r Ref) *head { return (*head)(a.at(r)) }

// word gives the address of word i behind the header.
func (a *arena) word(r Ref, i int) *int64 {
	return (*int64)(unsafe.Add(a.at(r), headBytes+i*8))
}

// view gives n bytes at byte offset off of a block.
func (a *arena) view(r Ref, off, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(a.at(r), off)), n)
}

// classOf gives the class of a block size and the size that it is rounded to.
func classOf(units int) (class, size int) {
	if units < exactClasses {
		return units, units
	}
	shift := bits.Len(uint(units)) - 4
	size = (units + 1<<shift - 1) &^ (1<<shift - 1)
	shift = bits.Len(uint(size)) - 4
	return exactClasses + shift*8 + size>>shift - 8, size
}

// alloc gives a live block of n bytes after the header; the words are zero.
func (a *arena) alloc(n int) Ref {
	class, size := classOf(headUnits + (n+unitBytes-1)/unitBytes)
	r := a.free[class]
	if r != 0 {
		a.free[class] = Ref(*a.word(r, 0))
		clear(a.view(r, headBytes, (size-headUnits)*unitBytes))
	} else {
		r = a.cut(size)
	}
	*a.head(r) = head{units: uint32(size), flags: flagLive}
	a.bytes += int64(size) * unitBytes
	return r
}

// cut takes a new block from the end of the current page.
func (a *arena) cut(size int) Ref {
	if size > pageUnits {
		return a.cutLong(size)
	}
	if len(a.pages) == 0 {
		a.addPage(minPageBytes)
		a.used[0] = headUnits // so that no block has Ref 0
	}
	for int(a.used[a.cur])+size > len(a.bufs[a.cur])/unitBytes {
		if a.cur == 0 && len(a.bufs[0]) < pageBytes {
			a.growFirst(size)
			continue
		}
		a.nextPage()
	}
	u := a.used[a.cur]
	a.used[a.cur] += uint32(size)
	return Ref(a.cur)<<pageShift + Ref(u)
}

// nextPage makes the current page one with room: after clear, one that is there.
func (a *arena) nextPage() {
	if a.cur+1 < len(a.pages) && a.used[a.cur+1] == 0 && len(a.bufs[a.cur+1]) == pageBytes {
		a.cur++
		return
	}
	a.addPage(pageBytes)
}

func (a *arena) addPage(n int) {
	a.checkPages(1)
	b := a.mem.alloc(n)
	a.cur = len(a.pages)
	a.push(b, unsafe.Pointer(unsafe.SliceData(b)))
	if n == pageBytes {
		a.mem.list(a)
	}
}

// push adds a page.
func (a *arena) push(b []byte, p unsafe.Pointer) {
	a.pages = append(a.pages, p)
	a.bufs = append(a.bufs, b)
	a.used = append(a.used, 0)
	if a.out != nil {
		a.out = append(a.out, nil)
	}
}

// maxStoreBytes is what a Ref can address: 32 GiB.
const maxStoreBytes = 1 << (32 - pageShift) * pageBytes

// checkPages fails before refs would wrap around and rows be overwritten.
func (a *arena) checkPages(n int) {
	if limit := a.limit(); int64(len(a.pages)+n)*pageBytes > limit {
		Fail(fmt.Errorf("a store of one part would exceed %d MiB: %w", limit>>20, ErrFull))
	}
}

func (a *arena) limit() int64 {
	if a.mem == nil {
		return maxStoreBytes
	}
	return a.mem.storeBytes.Load()
}

// full tells whether the arena has less than an eighth of its limit left: its
// owner should take no more work that it would have to stop half way.
func (a *arena) full() bool {
	limit := a.limit()
	return int64(len(a.pages))*pageBytes > limit-limit/8
}

// growFirst doubles page 0 until it has room for size more units or is full
// size.
func (a *arena) growFirst(size int) {
	old := a.bufs[0]
	n := len(old)
	for n < pageBytes && n < int(a.used[0])*unitBytes+size*unitBytes {
		n *= 2
	}
	b := a.mem.alloc(n)
	copy(b, old)
	a.bufs[0], a.pages[0] = b, unsafe.Pointer(unsafe.SliceData(b))
	a.mem.release(old)
	if n == pageBytes {
		a.mem.list(a)
	}
}

// cutLong gives a block of more than one page, from pages of its own.
func (a *arena) cutLong(size int) Ref {
	n := (size + pageUnits - 1) >> pageShift
	if len(a.pages) == 0 {
		a.addPage(minPageBytes)
		a.used[0] = headUnits
	}
	a.checkPages(n)
	b := a.mem.alloc(n * pageBytes)
	first := len(a.pages)
	for i := range n {
		a.push(nil, unsafe.Pointer(&b[i*pageBytes]))
	}
	a.bufs[first] = b
	a.used[first] = uint32(size)
	a.mem.list(a)
	return Ref(first) << pageShift
}

// release frees a block.
func (a *arena) release(r Ref) {
	h := a.head(r)
	class, _ := classOf(int(h.units))
	h.flags = 0
	a.bytes -= int64(h.units) * unitBytes
	*a.word(r, 0) = int64(a.free[class])
	a.free[class] = r
}

// walkPage calls fn for each live block of page p.
func (a *arena) walkPage(p int, fn func(r Ref)) {
	u := uint32(0)
	if p == 0 {
		u = headUnits
	}
	a.bringPage(p)
	for u < a.used[p] {
		r := Ref(p)<<pageShift + Ref(u)
		h := a.head(r)
		if h.flags&flagLive != 0 {
			fn(r)
		}
		u += h.units
	}
}

// clear frees all blocks and keeps the pages, but for those of long blocks.
func (a *arena) clear() {
	if a.out != nil {
		a.reset()
		return
	}
	n := 0
	for i, b := range a.bufs {
		if len(b) > pageBytes || i > 0 && len(b) < pageBytes {
			if b != nil {
				a.mem.release(b)
			}
			continue
		}
		clear(b[:int(a.used[i])*unitBytes])
		a.bufs[n], a.pages[n], a.used[n] = b, a.pages[i], 0
		n++
	}
	a.bufs, a.pages, a.used = a.bufs[:n], a.pages[:n], a.used[:n]
	a.cur, a.bytes, a.free = 0, 0, [allClasses]Ref{}
	if n > 0 {
		a.used[0] = headUnits
	}
}

// reset frees everything.
func (a *arena) reset() {
	a.mem.unlist(a)
	for _, g := range a.out {
		g.drop()
	}
	for _, b := range a.bufs {
		if b != nil {
			a.mem.release(b)
		}
	}
	*a = arena{mem: a.mem}
}

// size gives the bytes of pages held, in memory or not.
func (a *arena) size() int64 {
	n := int64(0)
	for _, b := range a.bufs {
		n += int64(len(b))
	}
	return n
}
