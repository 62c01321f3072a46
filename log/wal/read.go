package wal

import (
	"fmt"
	"sort"

	"github.com/hashicorp/raft"
)

// BoundaryType is the type of the entry that GetLog makes up for the boundary, of which only
// index and term are known. It is none of Raft's types, so that the entry can never be applied
// or sent in place of the real one.
const BoundaryType raft.LogType = 0xff

// GetLog implements raft.LogStore. The entry comes from the tail, or from disk with its checksum
// checked. Beside real entries it answers
//   - the boundary, with its term, as BoundaryType;
//   - entries that Install dropped while Raft still believes in them, with term 0, which no real
//     entry has: Raft finds a conflict and replaces them.
func (s *Store) GetLog(index uint64, out *raft.Log) error {
	s.mu.RLock()
	if s.shut {
		s.mu.RUnlock()
		return ErrClosed
	}
	if s.tail.get(index, out) {
		s.mu.RUnlock()
		s.metrics.tailHits.Add(1)
		return nil
	}
	if index <= s.boundary || index > s.last {
		defer s.mu.RUnlock()
		return s.phantomLocked(index, out)
	}
	g := s.findLocked(index)
	if g == nil {
		s.mu.RUnlock()
		return raft.ErrLogNotFound
	}
	pos := int64(g.pos[index-g.base])
	end := g.end
	if i := index - g.base + 1; i < uint64(len(g.pos)) {
		end = int64(g.pos[i])
	}
	g.refs.Add(1)
	s.readers.Add(1)
	s.mu.RUnlock()
	defer s.release(g)
	s.metrics.tailMisses.Add(1)
	err := s.readEntry(g, pos, end, index, out)
	if IsCorruption(err) && s.opts.OnCorruption != nil {
		s.opts.OnCorruption(err)
	}
	return err
}

func (s *Store) phantomLocked(index uint64, out *raft.Log) error {
	switch {
	case index == s.boundary && index > 1 && s.boundTerm != 0:
		// Index 1 is left out: a leader may send it without asking for the one before.
		*out = raft.Log{Index: index, Term: s.boundTerm, Type: BoundaryType}
	case index > s.last && index <= s.ghostTo:
		*out = raft.Log{Index: index, Type: BoundaryType}
	default:
		return raft.ErrLogNotFound
	}
	return nil
}

// findLocked returns the segment that holds the entry.
func (s *Store) findLocked(index uint64) *segment {
	// Segments without entries keep the base they had, which is still in order.
	i := sort.Search(len(s.segs), func(i int) bool { return s.segs[i].base > index })
	for i--; i >= 0; i-- {
		if g := s.segs[i]; index >= g.base && index-g.base < uint64(len(g.pos)) {
			return g
		}
	}
	return nil
}

// readEntry reads the frame at pos, which ends before end.
func (s *Store) readEntry(g *segment, pos, end int64, index uint64, out *raft.Log) error {
	b := make([]byte, end-pos)
	if n, err := g.file.ReadAt(b, pos); err != nil && n < len(b) {
		return fmt.Errorf("read entry %d: %w", index, err)
	}
	var f frame
	key := s.key(g.epoch)
	bad := func(reason string) error {
		return &CorruptionError{File: g.path, Offset: pos, Reason: reason}
	}
	if !getFrame(b, key, pos, &f) {
		return bad("frame header checksum does not match")
	}
	if f.kind != kindEntry || f.index != index || int64(frameHeader+f.length) > end-pos {
		return bad(fmt.Sprintf("frame is not entry %d", index))
	}
	payload := b[frameHeader : frameHeader+f.length]
	if dataSum(key, payload, nil) != f.dataCRC {
		return bad(fmt.Sprintf("checksum of entry %d does not match", index))
	}
	f.toLog(payload, out)
	return nil
}

// release ends a read; the recycler waits for the last one.
func (s *Store) release(g *segment) {
	if g.refs.Add(-1) == 0 && g.dead.Load() {
		s.wake()
	}
	s.readers.Done()
}
