package state

import "unsafe"

// bring makes sure that a block is in memory.
func (a *arena) bring(r Ref) {
	g := a.out[r>>pageShift]
	if g == nil {
		return
	}
	off := int(r&pageMask) * unitBytes
	f := off >> frameShift
	g.one(f)
	h := (*head)(unsafe.Pointer(&g.buf[off]))
	if last := (off + int(h.units)*unitBytes - 1) >> frameShift; last > f {
		g.need(f+1, last+1)
	}
}

// bringPage makes sure that all of a page is in memory, with few reads.
func (a *arena) bringPage(p int) {
	if a.out == nil || a.out[p] == nil {
		return
	}
	if g := a.out[p]; g.out.Load() > 0 {
		g.need(0, len(g.buf)>>frameShift)
	}
}

// frames gives how many frames of page p may move out: those that are in use as a
// whole. Small first pages stay, and the pages that a long block goes on in are
// part of its first one.
func (a *arena) frames(p int) int {
	switch n := len(a.bufs[p]); {
	case n < pageBytes:
		return 0
	case n > pageBytes:
		return n >> frameShift
	}
	return int(a.used[p]) * unitBytes >> frameShift
}

// place implements spiller.
func (a *arena) place() *int { return &a.held }

// evict implements spiller: it goes on where it stopped, at most twice around,
// because the first time it only sees what is not looked at any more.
func (a *arena) evict(want int64) (freed int64, err error) {
	for n := 0; n < 2*len(a.pages) && freed < want; n++ {
		if a.hand >= len(a.pages) {
			a.hand = 0
		}
		k, err := a.evictPage(a.hand, want-freed)
		freed += k
		if err != nil {
			return freed, err
		}
		if freed < want {
			a.hand++
		}
	}
	return freed, nil
}

func (a *arena) evictPage(p int, want int64) (int64, error) {
	n := a.frames(p)
	if n == 0 {
		return 0, nil
	}
	if a.out == nil {
		a.out = make([]*region, len(a.pages))
	}
	if a.out[p] == nil {
		g, err := newRegion(a.mem, a.bufs[p])
		if err != nil {
			return 0, err
		}
		a.out[p] = g
	}
	k, err := a.out[p].evict(n, int(want>>frameShift)+1)
	return int64(k) << frameShift, err
}
