package segment

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/log"
)

// partition is one partition. Writers hold mu and publish a new view; readers load
// the view.
type partition struct {
	id   log.PartitionID
	mu   sync.Mutex
	view atomic.Pointer[view]
	// waits are rows of a fed stream that came before derived ones of earlier epochs;
	// guarded by mu.
	waits []waiting

	pinMu   sync.Mutex
	pins    map[uint64]pin // guarded by pinMu
	nextPin uint64
}

type pin struct {
	from log.Offset
	who  string
}

// view is an immutable picture of a partition. The tail's backing array grows in
// place behind the length that older views know.
type view struct {
	// begins are the moves of the readable begin, by epoch; begins[0] is epoch 0.
	begins []beginAt
	files  []*file
	tail   []*log.Block
	// base is the first offset of the tail, equal to the end of the files.
	base, end log.Offset
	last      log.Epoch // of the newest row, 0 if there never was one
	tailBytes int64
	// spills are the spill files that the first blocks of the tail are in, one for
	// each of these blocks.
	spills []*spill
}

type beginAt struct {
	epoch log.Epoch
	begin log.Offset
}

func newPartition(id log.PartitionID) *partition {
	p := &partition{id: id, pins: map[uint64]pin{}}
	p.view.Store(&view{begins: []beginAt{{}}})
	return p
}

// append sets the offset of b and publishes it.
func (p *partition) append(b *log.Block) {
	p.mu.Lock()
	p.appendLocked(b)
	p.mu.Unlock()
}

func (p *partition) appendLocked(b *log.Block) {
	v := *p.view.Load()
	b.Base = v.end
	v.tail = append(v.tail, b)
	v.end += log.Offset(b.Rows)
	v.last = b.LastEpoch
	v.tailBytes += int64(b.Bytes())
	p.view.Store(&v)
}

// trimLocked moves the readable begin; p.mu is held.
func (p *partition) trimLocked(begin log.Offset, at log.Epoch) {
	v := *p.view.Load()
	newest := v.begins[len(v.begins)-1]
	if begin <= newest.begin {
		return
	}
	v.begins = slices.Clone(v.begins)
	if newest.epoch == at && len(v.begins) > 1 {
		v.begins[len(v.begins)-1].begin = begin
	} else {
		v.begins = append(v.begins, beginAt{at, begin})
	}
	p.view.Store(&v)
}

// beginAt gives the readable begin as of an epoch.
func (v *view) beginAt(e log.Epoch) log.Offset {
	begin := v.begins[0].begin
	for _, b := range v.begins[1:] {
		if b.epoch <= e {
			begin = b.begin
		}
	}
	return begin
}

// first gives the lowest offset that is still stored.
func (v *view) first() log.Offset {
	if len(v.files) > 0 {
		return v.files[0].base
	}
	if len(v.tail) > 0 {
		return v.tail[0].Base
	}
	return v.end
}

// endAt gives the offset after the last row of epochs up to e.
func (v *view) endAt(e log.Epoch) log.Offset {
	if e >= v.last {
		return v.end
	}
	i := sort.Search(len(v.tail), func(i int) bool { return v.tail[i].LastEpoch > e })
	if i < len(v.tail) && (i > 0 || v.tail[0].Epoch <= e) {
		return rowAfterEpoch(v.tail[i], e)
	}
	if len(v.files) == 0 || v.files[len(v.files)-1].lastEpoch <= e {
		return v.base
	}
	j := sort.Search(len(v.files), func(i int) bool { return v.files[i].lastEpoch > e })
	return v.files[j].endAt(e)
}

// rowAfterEpoch gives the first offset of b that belongs to an epoch after e.
func rowAfterEpoch(b *log.Block, e log.Epoch) log.Offset {
	if b.Epoch > e {
		return b.Base
	}
	if b.LastEpoch <= e {
		return b.End()
	}
	row := 0
	for _, run := range b.Epochs {
		if run.Epoch > e {
			break
		}
		row += run.Rows
	}
	return b.OffsetOf(row)
}

// pinned gives the lowest offset that a reader needs, and whether there is one.
func (p *partition) pinned() (from log.Offset, ok bool) {
	p.pinMu.Lock()
	defer p.pinMu.Unlock()
	for _, x := range p.pins {
		if !ok || x.from < from {
			from, ok = x.from, true
		}
	}
	return from, ok
}

// pinNames lists who holds pins, sorted.
func (p *partition) pinNames() []string {
	p.pinMu.Lock()
	defer p.pinMu.Unlock()
	var names []string
	for _, x := range p.pins {
		names = append(names, x.who)
	}
	slices.Sort(names)
	return names
}

// Pin implements log.Partitions.
func (s *Set) Pin(id log.PartitionID, from log.Offset, who string) (release func()) {
	p := s.find(id)
	if p == nil {
		return func() {}
	}
	p.pinMu.Lock()
	p.nextPin++
	n := p.nextPin
	p.pins[n] = pin{from, who}
	p.pinMu.Unlock()
	return func() {
		p.pinMu.Lock()
		delete(p.pins, n)
		p.pinMu.Unlock()
	}
}
