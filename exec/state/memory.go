package state

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pageBytes is the size of a full page. Smaller pages exist only as the first
// page of a store, so that the many small stores stay small.
const pageBytes = 256 << 10

// slabBytes is what is asked of the operating system at once: few mappings
// (their number is limited to 65,530 by default), and room for huge pages.
const slabBytes = 4 << 20

// minPageBytes is the size that a store's first page begins with.
const minPageBytes = 2 << 10

// Memory counts and gives out the memory of stores. A nil *Memory gives pages
// from the Go heap and counts nothing.
//
// All accounts of one root share its budget. The stores of an account are used by
// one goroutine at a time, which calls Relax where it holds no pointers into them:
// there, cold frames move to the spill file while the budget is exceeded. They
// come back when they are looked at; what a store answers does not depend on it.
type Memory struct {
	*budget
	own  atomic.Int64 // bytes in use of this account
	out  atomic.Int64 // bytes in the spill file
	seen atomic.Int64 // budget.tick when the account was last used
	root bool         // stores of the root have no known owner: they stay in memory

	mu     sync.Mutex
	stores []spiller // with memory that can move; guarded by mu
	hand   int       // store that eviction goes on with
}

// budget is what all accounts of a root share.
type budget struct {
	target atomic.Int64 // bytes that stores may use; 0 means unlimited
	used   atomic.Int64 // bytes in memory
	tick   atomic.Int64 // counted by the owner, for what is cold
	count  atomic.Int64 // accounts
	away   atomic.Int64 // bytes in the spill file
	moved  atomic.Int64 // bytes written to the spill file so far
	loaded atomic.Int64 // bytes read back so far
	// storeBytes is what one store may hold; more than 32 GiB cannot be addressed.
	storeBytes atomic.Int64
	spill      atomic.Pointer[spillFile]
	failed     atomic.Pointer[error] // the last error of writing to the spill file

	pages sync.Mutex
	free  [pageClasses][][]byte // memory to be used again, by size; guarded by pages
	slabs [][]byte              // guarded by pages
	small bool                  // huge pages are not asked for any more; guarded by pages
}

// spiller is a store that can do with less memory.
type spiller interface {
	// evict moves up to about want bytes out and gives how many it moved.
	evict(want int64) (int64, error)
	// place is where the account lists the store.
	place() *int
}

// pageClasses are the sizes of memory that is cut from slabs: pageBytes and its
// halves down to frames.
const pageClasses = 7

// classBytes gives the class of a size, ok when there is one.
func classBytes(n int) (class int, ok bool) {
	if n > pageBytes || n < frameBytes || n&(n-1) != 0 {
		return 0, false
	}
	class = bits.TrailingZeros(uint(pageBytes / n))
	return class, class < pageClasses
}

// NewMemory makes a Memory with a budget in bytes; 0 means unlimited.
func NewMemory(limit int64) *Memory {
	m := &Memory{budget: &budget{}, root: true}
	m.target.Store(limit)
	m.storeBytes.Store(maxStoreBytes)
	return m
}

// Account gives a Memory that shares m's budget, for stores of one owner.
func (m *Memory) Account() *Memory {
	if m == nil {
		return nil
	}
	m.count.Add(1)
	return &Memory{budget: m.budget}
}

// Drop ends an account whose stores are closed.
func (m *Memory) Drop() {
	if m != nil && !m.root {
		m.count.Add(-1)
	}
}

// SpillTo says where cold memory may go: a file that is made anew when it is
// first needed, and means nothing to another process.
func (m *Memory) SpillTo(fs vfs.FS, path string) { m.spill.Store(newSpillFile(fs, path)) }

// SetTarget changes the budget in bytes; 0 means unlimited.
func (m *Memory) SetTarget(bytes int64) { m.target.Store(bytes) }

// SetStoreLimit bounds what one store may hold, for tests.
func (m *Memory) SetStoreLimit(bytes int64) { m.storeBytes.Store(min(bytes, maxStoreBytes)) }

// Used gives the bytes in memory: of the account, or of all for the root.
func (m *Memory) Used() int64 {
	switch {
	case m == nil:
		return 0
	case m.root:
		return m.used.Load()
	}
	return m.own.Load()
}

// Spilled gives the bytes that are in the spill file: of the account, or of all for
// the root.
func (m *Memory) Spilled() int64 {
	switch {
	case m == nil:
		return 0
	case m.root:
		return m.away.Load()
	}
	return m.out.Load()
}

// Moved gives how many bytes were written to the spill file and read back so far.
func (m *Memory) Moved() (out, in int64) { return m.moved.Load(), m.loaded.Load() }

// Limit gives the budget in bytes; 0 means unlimited.
func (m *Memory) Limit() int64 {
	if m == nil {
		return 0
	}
	return m.target.Load()
}

// Over tells whether more than the budget is in use.
func (m *Memory) Over() bool {
	if m == nil {
		return false
	}
	t := m.target.Load()
	return t > 0 && m.used.Load() > t
}

// Tick goes on with the count by which accounts are hot or cold.
func (m *Memory) Tick() { m.tick.Add(1) }

// Seen gives the tick at which an account was used last.
func (m *Memory) Seen() int64 { return m.seen.Load() }

// SpillError gives the error of the last attempt to write to the spill file.
func (m *Memory) SpillError() error {
	if p := m.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// slack is the part of the budget that is freed at once when it is exceeded, so
// that a sweep is worth its cost.
const slack = 16

// relaxEvery is after how many entries of a long loop a store calls Relax: a look at
// each may bring in a frame.
const relaxEvery = 4096

// Relax moves cold memory of the account to the spill file while the budget is
// exceeded. The caller holds no pointers into the account's stores: what they
// gave before is not valid any more.
func (m *Memory) Relax() {
	if m == nil || m.root || !m.Over() {
		return
	}
	m.seen.Store(m.tick.Load())
	target := m.target.Load()
	// An account keeps a fair share: its hot memory is not to go because others,
	// whose turn comes at the end of the epoch, hold cold memory.
	share := target / (2 * max(m.count.Load(), 1))
	want := min(m.used.Load()-target+target/slack, m.own.Load()-share)
	if want > 0 {
		m.Evict(want)
	}
}

// Evict is Relax for about so many bytes, whatever the budget. It gives how many
// were moved.
func (m *Memory) Evict(want int64) int64 {
	if m == nil || m.root || !canSpill || m.spill.Load() == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	freed := int64(0)
	for n := 0; n < len(m.stores) && freed < want; n++ {
		if m.hand >= len(m.stores) {
			m.hand = 0
		}
		k, err := m.stores[m.hand].evict(want - freed)
		freed += k
		if err != nil {
			m.failed.Store(&err)
			return freed
		}
		if freed < want {
			m.hand++
		}
	}
	if freed > 0 {
		m.failed.Store(nil)
	}
	return freed
}

// list notes that a store has memory that can move.
func (m *Memory) list(s spiller) {
	if m == nil || m.root || *s.place() != 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stores = append(m.stores, s)
	*s.place() = len(m.stores)
}

// unlist is the end of list.
func (m *Memory) unlist(s spiller) {
	if m == nil || *s.place() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i, last := *s.place()-1, len(m.stores)-1
	m.stores[i] = m.stores[last]
	*m.stores[i].place() = i + 1
	m.stores[last] = nil
	m.stores = m.stores[:last]
	*s.place() = 0
}

func (m *Memory) add(n int) {
	if m == nil {
		return
	}
	m.used.Add(int64(n))
	if !m.root {
		m.own.Add(int64(n))
	}
}

// alloc gives zeroed memory of n bytes: pages and their halves from slabs, the
// rest from the Go heap.
func (m *Memory) alloc(n int) []byte {
	if m == nil {
		return make([]byte, n)
	}
	m.add(n)
	m.seen.Store(m.tick.Load())
	if n > pageBytes {
		b := mapMemory((n + pageBytes - 1) &^ (pageBytes - 1))
		if !m.tight() {
			adviseHuge(b)
		}
		return b[:n]
	}
	class, ok := classBytes(n)
	if !ok {
		return make([]byte, n)
	}
	m.pages.Lock()
	defer m.pages.Unlock()
	if len(m.free[class]) == 0 {
		m.cut(class)
	}
	f := m.free[class]
	p := f[len(f)-1]
	m.free[class] = f[:len(f)-1]
	return p
}

// cut fills the list of a class from a page, or that of pages from a new slab.
func (m *Memory) cut(class int) {
	size := pageBytes >> class
	from := slabBytes
	var b []byte
	if class == 0 {
		b = mapMemory(slabBytes)
		if !m.small && !m.tight() {
			adviseHuge(b)
		}
		m.slabs = append(m.slabs, b)
	} else {
		if len(m.free[0]) == 0 {
			m.cut(0)
		}
		f := m.free[0]
		b, from = f[len(f)-1], pageBytes
		m.free[0] = f[:len(f)-1]
	}
	for o := from - size; o >= 0; o -= size {
		m.free[class] = append(m.free[class], b[o:o+size:o+size])
	}
}

// tight tells whether more than half of the budget is in use: then memory is
// asked for in small pages, because huge ones cannot be given back in parts.
func (b *budget) tight() bool {
	t := b.target.Load()
	return t > 0 && b.used.Load() > t/2
}

// useSmallPages takes the advice for huge pages back, before the first memory
// moves out: the system would fill the gaps again.
func (b *budget) useSmallPages() {
	b.pages.Lock()
	defer b.pages.Unlock()
	if b.small {
		return
	}
	b.small = true
	for _, s := range b.slabs {
		adviseSmall(s)
	}
}

// release takes back what alloc gave.
func (m *Memory) release(b []byte) {
	if m == nil {
		return
	}
	m.add(-len(b))
	m.discard(b)
}

// discard takes memory back that is counted no more.
func (m *Memory) discard(b []byte) {
	if len(b) > pageBytes {
		unmapMemory(b[:cap(b)])
		return
	}
	class, ok := classBytes(len(b))
	if !ok {
		return
	}
	if len(b) < pageBytes || !m.tight() || !dropMemory(b) {
		clear(b)
	}
	m.pages.Lock()
	m.free[class] = append(m.free[class], b)
	m.pages.Unlock()
}

// EndSpill deletes the spill file: what is in it is lost.
func (m *Memory) EndSpill() error { return m.spill.Swap(nil).close() }

// Close gives all slabs back to the operating system and deletes the spill file.
// No store may be in use.
func (m *Memory) Close() error {
	if m == nil {
		return nil
	}
	m.pages.Lock()
	defer m.pages.Unlock()
	for _, s := range m.slabs {
		unmapMemory(s)
	}
	m.free, m.slabs = [pageClasses][][]byte{}, nil
	return m.spill.Swap(nil).close()
}
