package state

import (
	"sync"
	"sync/atomic"
)

// pageBytes is the size of a full page. Smaller pages exist only as the first
// page of a store, so that the many small stores stay small.
const pageBytes = 256 << 10

// slabBytes is what is asked of the operating system at once: few mappings
// (their number is limited to 65,530 by default), and room for huge pages.
const slabBytes = 4 << 20

// minPageBytes is the size that a store's first page begins with.
const minPageBytes = 2 << 10

// Memory counts and gives out the memory of many stores. A nil *Memory gives
// pages from the Go heap and counts nothing.
type Memory struct {
	limit int64 // bytes; 0 means unlimited
	used  atomic.Int64

	mu    sync.Mutex
	free  [][]byte // full pages to be used again
	slabs [][]byte // guarded by mu
}

// NewMemory makes a Memory with a budget in bytes; 0 means unlimited. The budget
// is not enforced here: owners ask Over and act.
func NewMemory(limit int64) *Memory { return &Memory{limit: limit} }

// Used gives the bytes in use.
func (m *Memory) Used() int64 {
	if m == nil {
		return 0
	}
	return m.used.Load()
}

// Limit gives the budget in bytes; 0 means unlimited.
func (m *Memory) Limit() int64 {
	if m == nil {
		return 0
	}
	return m.limit
}

// Over tells whether more than the budget is in use.
func (m *Memory) Over() bool { return m != nil && m.limit > 0 && m.used.Load() > m.limit }

func (m *Memory) add(n int) {
	if m != nil {
		m.used.Add(int64(n))
	}
}

// alloc gives zeroed memory of n bytes: whole pages from slabs, the rest from
// the Go heap.
func (m *Memory) alloc(n int) []byte {
	m.add(n)
	if m == nil || n < pageBytes {
		return make([]byte, n)
	}
	if n > pageBytes {
		b := mapMemory((n + pageBytes - 1) &^ (pageBytes - 1))
		return b[:n]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.free) == 0 {
		slab := mapMemory(slabBytes)
		m.slabs = append(m.slabs, slab)
		for o := slabBytes - pageBytes; o >= 0; o -= pageBytes {
			m.free = append(m.free, slab[o:o+pageBytes:o+pageBytes])
		}
	}
	p := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	return p
}

// release takes back what alloc gave.
func (m *Memory) release(b []byte) {
	m.add(-len(b))
	if m == nil || len(b) < pageBytes {
		return
	}
	if len(b) > pageBytes {
		unmapMemory(b[:cap(b)])
		return
	}
	clear(b)
	m.mu.Lock()
	m.free = append(m.free, b)
	m.mu.Unlock()
}

// Close gives all slabs back to the operating system. No store may be in use.
func (m *Memory) Close() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.slabs {
		unmapMemory(s)
	}
	m.free, m.slabs = nil, nil
}
