package wal

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/hashicorp/raft"
)

// copyBelow is the size up to which an entry's bytes are copied next to its header, to spare the
// kernel a vector per entry; larger ones are written from where they lie.
const copyBelow = 4 << 10

// writer lays frames out for one durable write. Its buffers are reused from call to call.
type writer struct {
	key    uint64 // seeds the checksums
	start  int64  // position of the first frame in the file: all before it is durable
	at     int64  // position of the next frame
	commit uint64
	small  []byte   // headers, small payloads, padding; never reallocated while bufs point into it
	run    int      // start of the bytes of small that are not in bufs yet
	bufs   [][]byte // what goes to the file
	pos    []uint32 // positions of the entries
}

// reset prepares for frames at position start, with at most smallBytes of copied bytes.
func (w *writer) reset(key uint64, start int64, commit uint64, smallBytes int) {
	if cap(w.small) < smallBytes {
		w.small = make([]byte, 0, smallBytes+smallBytes/2)
	}
	*w = writer{
		key: key, start: start, at: start, commit: commit,
		small: w.small[:0], bufs: w.bufs[:0], pos: w.pos[:0],
	}
}

// smallBytes is how much of an entry the writer copies, at most.
func smallBytes(l *raft.Log) int {
	n := frameHeader + frameAlign
	if len(l.Data)+len(l.Extensions) < copyBelow {
		n += len(l.Data) + len(l.Extensions)
	}
	return n
}

func (w *writer) control(kind frameKind, index, term uint64, extra uint32) {
	f := frame{kind: kind, index: index, term: term, extra: extra}
	f.dataCRC = seedCRC(w.key)
	w.frame(&f, nil, nil)
}

func (w *writer) entry(l *raft.Log) {
	f := frame{
		kind: kindEntry, logType: l.Type, index: l.Index, term: l.Term,
		length: len(l.Data) + len(l.Extensions), extLen: len(l.Extensions),
	}
	if !l.AppendedAt.IsZero() {
		f.appended = l.AppendedAt.UnixNano()
	}
	f.dataCRC = dataSum(w.key, l.Data, l.Extensions)
	w.pos = append(w.pos, uint32(w.at))
	w.frame(&f, l.Data, l.Extensions)
}

func (w *writer) frame(f *frame, data, ext []byte) {
	f.commit, f.durable = w.commit, uint32(w.start)
	n := len(w.small)
	w.small = w.small[:n+frameHeader]
	putFrame(w.small[n:], w.key, w.at, f)
	if f.length < copyBelow {
		w.small = append(append(w.small, data...), ext...)
	} else {
		w.flush()
		w.bufs = append(w.bufs, data)
		if len(ext) > 0 {
			w.bufs = append(w.bufs, ext)
		}
	}
	size := f.size()
	for range size - int64(frameHeader+f.length) {
		w.small = append(w.small, 0)
	}
	w.at += size
}

// flush ends the current run of copied bytes.
func (w *writer) flush() {
	if len(w.small) > w.run {
		w.bufs = append(w.bufs, w.small[w.run:len(w.small)])
		w.run = len(w.small)
	}
}

// StoreLog implements raft.LogStore.
func (s *Store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore: one write, durable when it returns. The entries must follow
// the last one; into an empty log they may begin anywhere behind the boundary. Their bytes are
// kept by reference.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if err := s.checkAppend(logs); err != nil {
		return err
	}
	frames := int64(0)
	small := 3 * frameHeader
	for _, l := range logs {
		frames += frameSize(len(l.Data) + len(l.Extensions))
		small += smallBytes(l)
	}
	g, rolled, err := s.target(frames + 2*frameHeader)
	if err != nil {
		return err
	}
	w := &s.writer
	staged := max(s.staged.Load(), s.commit)
	w.reset(s.key(g.epoch), g.end, staged, small)
	if rolled {
		s.linkTo(w)
	}
	gap := logs[0].Index != s.last+1
	if gap {
		w.control(kindReset, logs[0].Index-1, 0, 0)
	}
	for _, l := range logs {
		w.entry(l)
	}
	if err := s.write(g, rolled); err != nil {
		return err
	}
	s.publish(g, rolled, gap, logs, staged)
	return nil
}

// checkAppend refuses what must not be written.
func (s *Store) checkAppend(logs []*raft.Log) error {
	if err := s.writable(); err != nil {
		return err
	}
	command := false
	for i, l := range logs {
		if l.Index != logs[0].Index+uint64(i) {
			return fmt.Errorf("%w: entry %d comes after %d", ErrGap, l.Index, logs[0].Index+uint64(i)-1)
		}
		if len(l.Data)+len(l.Extensions) > maxPayload || len(l.Extensions) > maxExtensions {
			return fmt.Errorf("entry %d of %d bytes is larger than the log takes", l.Index,
				len(l.Data)+len(l.Extensions))
		}
		command = command || l.Type == raft.LogCommand
	}
	first := logs[0].Index
	empty := s.last == s.boundary
	if first != s.last+1 && (!empty || first <= s.last || s.ghostTo != 0) {
		return fmt.Errorf("%w: the log ends at %d, got %d", ErrGap, s.last, first)
	}
	if command {
		return s.refuseWhenFull()
	}
	return nil
}

// target returns the segment that takes the next write of n bytes at most, and whether it is new.
func (s *Store) target(n int64) (g *segment, rolled bool, err error) {
	if a := s.active; a != nil && !s.needRoll {
		if a.end+n <= s.opts.SegmentBytes || a.end == fileHeader {
			return a, false, nil
		}
	}
	g, err = s.takeSpare()
	return g, true, err
}

// linkTo begins a new segment: the frame proves up to where the one before was durable.
func (s *Store) linkTo(w *writer) {
	var epoch uint64
	var end int64
	if s.active != nil {
		epoch, end = s.active.epoch, s.active.end
	}
	w.control(kindStart, s.last, epoch, uint32(end))
}

// write makes the frames in s.writer durable in g.
func (s *Store) write(g *segment, rolled bool) error {
	w := &s.writer
	w.flush()
	err := s.timed(func() error { return g.file.AppendAt(w.bufs, w.start) })
	clear(w.bufs)
	if err == nil {
		s.metrics.appendBytes.Add(uint64(w.at - w.start))
		return nil
	}
	// The first file of all cannot be thrown away: the absence of files means damage.
	if !errors.Is(err, syscall.ENOSPC) || rolled && s.active == nil {
		if rolled {
			err = errors.Join(err, g.file.Close())
		}
		return s.poisoned(err)
	}
	// The disk took a part at most. Nothing of it may be believed later: a new segment is thrown
	// away, in an old one the next segment's link cuts it off.
	s.metrics.diskFull.Add(1)
	if !rolled {
		s.needRoll = true
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	if rerr := s.discard(g); rerr != nil {
		return s.poisoned(rerr)
	}
	return fmt.Errorf("%w: %w", ErrDiskFull, err)
}

// publish lets readers see what has become durable.
func (s *Store) publish(g *segment, rolled, gap bool, logs []*raft.Log, commit uint64) {
	s.mu.Lock()
	if rolled {
		s.enterLocked(g)
	}
	if gap {
		s.resetLocked(logs[0].Index-1, 0)
	}
	if len(g.pos) == 0 {
		g.base = logs[0].Index // Invariant: the segments' bases never decrease.
	}
	g.pos = append(g.pos, s.writer.pos...)
	g.end = s.writer.at
	g.size = max(g.size, g.end)
	for _, l := range logs {
		s.tail.push(l)
	}
	s.last = logs[len(logs)-1].Index
	s.commit = commit
	s.mu.Unlock()
	s.metrics.appendCalls.Add(1)
	s.metrics.appendEntries.Add(uint64(len(logs)))
	if rolled {
		s.wake()
	}
}

// enterLocked makes g the active segment.
func (s *Store) enterLocked(g *segment) {
	g.base = s.last + 1
	s.segs = append(s.segs, g)
	s.active, s.needRoll = g, false
}

// resetLocked voids all entries; the next index is boundary+1.
func (s *Store) resetLocked(boundary, term uint64) {
	for _, g := range s.segs {
		g.pos, g.base = g.pos[:0], boundary+1
	}
	s.tail.clear()
	s.boundary, s.boundTerm, s.last = boundary, term, boundary
}

// appendControl writes one control frame durably, in a new segment if need be. It leaves the
// index as it is.
func (s *Store) appendControl(kind frameKind, index, term uint64) error {
	g, rolled, err := s.target(2 * frameHeader)
	if err != nil {
		return err
	}
	w := &s.writer
	w.reset(s.key(g.epoch), g.end, s.commit, 2*frameHeader)
	if rolled {
		s.linkTo(w)
	}
	w.control(kind, index, term, 0)
	if err := s.write(g, rolled); err != nil {
		return err
	}
	s.mu.Lock()
	if rolled {
		s.enterLocked(g)
	}
	g.end = w.at
	s.mu.Unlock()
	if rolled {
		s.wake()
	}
	return nil
}

// Mark writes evidence that all entries so far were durable. Without it damage to the very last
// write looks like a torn one. Callers use it when the log has been quiet for a while.
func (s *Store) Mark() error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if s.active == nil || s.needRoll {
		return nil
	}
	return s.appendControl(kindMark, s.last, 0)
}
