package wal

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// DeleteRange implements raft.LogStore. Dropping a prefix is retention: it moves the boundary and
// recycles the segments before it. Dropping a suffix is Raft's answer to a conflict: a frame says
// so, and the segment goes on behind it. Never drop a prefix beyond the newest snapshot.
func (s *Store) DeleteRange(lo, hi uint64) error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if s.ghostTo != 0 && hi > s.last {
		s.mu.Lock()
		s.ghostTo = 0
		s.mu.Unlock()
	}
	first := s.boundary + 1
	switch {
	case lo > hi || hi < first || lo > s.last:
		return nil
	case hi >= s.last:
		return s.cutFrom(max(lo, first))
	case lo <= first:
		return s.cutTo(hi)
	}
	return fmt.Errorf("entries %d..%d lie inside the log %d..%d and cannot be dropped alone",
		lo, hi, first, s.last)
}

// cutFrom voids the entries from lo on.
func (s *Store) cutFrom(lo uint64) error {
	if err := s.appendControl(kindTruncate, lo, 0); err != nil {
		return err
	}
	s.metrics.truncations.Add(1)
	s.mu.Lock()
	s.truncateLocked(lo)
	s.mu.Unlock()
	return nil
}

func (s *Store) truncateLocked(lo uint64) {
	for _, g := range s.segs {
		g.cut(lo)
	}
	s.tail.cutFrom(lo)
	s.last = lo - 1
}

// cut drops the entries from lo on.
func (g *segment) cut(lo uint64) {
	if g.base+uint64(len(g.pos)) > lo {
		g.pos = g.pos[:max(lo, g.base)-g.base]
	}
	g.base = min(g.base, lo)
}

// cutTo drops the entries up to hi, which stays as the boundary.
func (s *Store) cutTo(hi uint64) error {
	var l raft.Log
	if err := s.GetLog(hi, &l); err != nil {
		return fmt.Errorf("read the boundary: %w", err)
	}
	return s.moveBoundary(hi, l.Term)
}

// moveBoundary makes the boundary durable and hands the segments before it to the recycler.
func (s *Store) moveBoundary(boundary, term uint64) error {
	keep := 0
	for keep < len(s.segs)-1 && !s.segs[keep].holdsAfter(boundary) {
		keep++
	}
	l := s.layout
	l.boundary, l.boundaryTerm = boundary, term
	if len(s.segs) > 0 {
		l.firstEpoch = s.segs[keep].epoch
	}
	if s.active != nil {
		l.atEpoch, l.atPos = s.active.epoch, s.active.end
	}
	if err := s.setLayout(l); err != nil {
		return err
	}
	s.mu.Lock()
	dead := s.segs[:keep:keep]
	s.segs = append([]*segment(nil), s.segs[keep:]...)
	s.boundary, s.boundTerm = boundary, term
	s.last = max(s.last, boundary)
	s.tail.cutTo(boundary)
	s.mu.Unlock()
	s.bury(dead)
	return nil
}

// holdsAfter says whether the segment has an entry behind index.
func (g *segment) holdsAfter(index uint64) bool {
	return len(g.pos) > 0 && g.base+uint64(len(g.pos))-1 > index
}

func (s *Store) setLayout(l layout) error {
	if err := s.timed(func() error { return s.stable.set(keyLayout, l.encode()) }); err != nil {
		return s.poisoned(err)
	}
	s.layout = l
	return nil
}

// Install is called while a snapshot up to (index, term) is being installed, and does what Raft's
// paper asks for in rules 6 and 7 of InstallSnapshot: if the log has that very entry, what
// follows it is kept (kept is true); else the whole log is void and goes on behind index.
//
// Raft itself is not told that entries have vanished and still believes in those up to its last
// index: until it overwrites them GetLog answers them with term 0.
func (s *Store) Install(index, term uint64) (kept bool, err error) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if err := s.writable(); err != nil {
		return false, err
	}
	if s.hasEntry(index, term) {
		return true, nil
	}
	if s.active != nil {
		if err := s.appendControl(kindReset, index, term); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	ghost := max(s.last, s.ghostTo)
	s.resetLocked(index, term)
	s.ghostTo = 0
	if ghost > index {
		s.ghostTo = ghost
	}
	s.mu.Unlock()
	return false, s.moveBoundary(index, term)
}

// hasEntry says whether the entry, or the boundary, has that term.
func (s *Store) hasEntry(index, term uint64) bool {
	if index == s.boundary {
		return s.boundTerm == term && term != 0
	}
	if index < s.boundary || index > s.last {
		return false
	}
	var l raft.Log
	return s.GetLog(index, &l) == nil && l.Term == term
}
