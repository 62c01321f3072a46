package wal

import "github.com/hashicorp/raft"

// tail keeps the newest entries in memory, because Raft reads each entry back at least once to
// apply it and once per follower to send it. A ring buffer; guarded by Store.mu.
type tail struct {
	ring  []raft.Log
	head  int    // position of the oldest entry in ring
	count int    // entries held
	first uint64 // index of the oldest entry, meaningless when count is 0
	bytes int64
	max   int64 // upper bound of bytes; the newest entry is kept even if it alone is larger
}

func logBytes(l *raft.Log) int64 { return int64(len(l.Data)+len(l.Extensions)) + 96 }

func (t *tail) slot(i int) *raft.Log { return &t.ring[(t.head+i)&(len(t.ring)-1)] }

// push adds an entry. If it does not follow the newest one the tail starts anew.
func (t *tail) push(l *raft.Log) {
	if t.count > 0 && l.Index != t.first+uint64(t.count) {
		t.clear()
	}
	if t.count == len(t.ring) {
		t.grow()
	}
	if t.count == 0 {
		t.first = l.Index
	}
	*t.slot(t.count) = *l
	t.count++
	t.bytes += logBytes(l)
	for t.bytes > t.max && t.count > 1 {
		t.popFront()
	}
}

func (t *tail) grow() {
	bigger := make([]raft.Log, max(64, 2*len(t.ring)))
	for i := range t.count {
		bigger[i] = *t.slot(i)
	}
	t.ring, t.head = bigger, 0
}

func (t *tail) popFront() {
	l := t.slot(0)
	t.bytes -= logBytes(l)
	*l = raft.Log{}
	t.head = (t.head + 1) & (len(t.ring) - 1)
	t.count--
	t.first++
}

// get copies the entry into out, the bytes by reference.
func (t *tail) get(index uint64, out *raft.Log) bool {
	if t.count == 0 || index < t.first || index >= t.first+uint64(t.count) {
		return false
	}
	*out = *t.slot(int(index - t.first))
	return true
}

// cutFrom drops the entries from index on.
func (t *tail) cutFrom(index uint64) {
	for t.count > 0 && t.first+uint64(t.count) > index {
		l := t.slot(t.count - 1)
		t.bytes -= logBytes(l)
		*l = raft.Log{}
		t.count--
	}
}

// cutTo drops the entries up to and including index.
func (t *tail) cutTo(index uint64) {
	for t.count > 0 && t.first <= index {
		t.popFront()
	}
}

func (t *tail) clear() {
	clear(t.ring)
	t.head, t.count, t.bytes = 0, 0, 0
}
