package wal

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// prewriteChunk is how much of a new file is written and synced at a time: small enough that a
// commit that has to wait for it waits a few milliseconds, not for the whole file.
const prewriteChunk = 1 << 20

// wake tells the recycler that there may be work.
func (s *Store) wake() {
	if s.opts.inlineRecycle {
		s.recycle()
		return
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// recycleLoop is the recycler's goroutine; Close ends it.
func (s *Store) recycleLoop() {
	defer s.done.Done()
	s.recycle()
	for {
		select {
		case <-s.quit:
			return
		case <-s.kick:
			s.recycle()
		}
	}
}

// recycle works until there is nothing to do. Nothing it touches holds acknowledged entries, so
// its errors are reported in Stats and tried again at the next occasion.
func (s *Store) recycle() {
	for s.writable() == nil {
		more, err := s.recycleOne()
		if err != nil {
			text := err.Error()
			s.metrics.recycleError.Store(&text)
			return
		}
		if !more {
			return
		}
	}
}

// recycleOne gives one dead file a new life or makes one new spare.
func (s *Store) recycleOne() (more bool, err error) {
	s.rmu.Lock()
	var g *segment
	for i, d := range s.dead {
		if d.refs.Load() == 0 {
			g = d
			s.dead = append(s.dead[:i], s.dead[i+1:]...)
			break
		}
	}
	need := len(s.spares) < max(s.opts.Spares, 0)
	// Dead files may come after their replacement has been pre-written: keeping a few more of
	// them than needed means that from then on nothing has to be pre-written.
	take := len(s.spares) < 2*max(s.opts.Spares, 0)
	s.rmu.Unlock()
	switch {
	case g != nil && take && g.size >= s.opts.SegmentBytes && g.size <= 2*s.opts.SegmentBytes:
		err = s.renew(g)
	case g != nil:
		return true, s.discard(g)
	case need:
		if s.tooFullFor(s.opts.SegmentBytes) {
			return false, nil
		}
		if g, err = s.makeSpare(s.opts.SegmentBytes); err == nil {
			s.metrics.prewritten.Add(1)
		}
	default:
		return false, s.keepReserve()
	}
	if err != nil {
		return false, err
	}
	s.rmu.Lock()
	s.spares = append(s.spares, g)
	s.rmu.Unlock()
	return true, nil
}

// bury hands segments without entries to the recycler. Their epochs are durably dead.
func (s *Store) bury(dead []*segment) {
	for _, g := range dead {
		g.dead.Store(true)
	}
	s.rmu.Lock()
	s.dead = append(s.dead, dead...)
	s.rmu.Unlock()
	s.wake()
}

// takeEpoch returns an epoch that no file has had.
func (s *Store) takeEpoch() uint64 {
	s.rmu.Lock()
	defer s.rmu.Unlock()
	s.nextEpoch = max(s.nextEpoch, 1)
	s.nextEpoch++
	return s.nextEpoch - 1
}

// renew gives a dead file a new epoch: header first, then the name. Whatever a power cut leaves,
// the file is either dead by its old name or a whole spare by its new one.
func (s *Store) renew(g *segment) error {
	epoch := s.takeEpoch()
	header := make([]byte, fileHeader)
	putFileHeader(header, epoch, g.size)
	err := g.file.AppendAt([][]byte{header}, 0)
	path := s.fs.PathJoin(s.dir, segmentName(epoch))
	if err == nil {
		err = s.fs.Rename(g.path, path)
	}
	if err == nil {
		err = syncDir(s.fs, s.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("recycle %s: %w", g.path, err), g.file.Close())
	}
	g.dead.Store(false)
	g.epoch, g.path, g.end, g.base, g.pos = epoch, path, fileHeader, 0, g.pos[:0]
	s.metrics.recycled.Add(1)
	return nil
}

// discard removes a file that holds no entries.
func (s *Store) discard(g *segment) error {
	err := errors.Join(g.file.Close(), s.fs.Remove(g.path))
	if err == nil {
		err = syncDir(s.fs, s.dir)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", g.path, err)
	}
	return nil
}

// makeSpare makes a file of n zero bytes behind its header. It exists under its name only when
// it is whole and durable.
func (s *Store) makeSpare(n int64) (*segment, error) {
	epoch := s.takeEpoch()
	path := s.fs.PathJoin(s.dir, segmentName(epoch))
	tmp := path + tempSuffix
	err := s.prewrite(tmp, epoch, n)
	if err == nil {
		err = s.fs.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(s.fs, s.dir)
	}
	if err != nil {
		if rerr := s.fs.Remove(tmp); rerr != nil {
			err = errors.Join(err, rerr)
		}
		return nil, fmt.Errorf("make segment %s: %w", path, err)
	}
	return openSegment(s.fs, s.opts.Opener, path, epoch)
}

func (s *Store) prewrite(path string, epoch uint64, n int64) error {
	f, err := s.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = s.fill(f, epoch, n)
	return errors.Join(err, f.Close())
}

func (s *Store) fill(f vfs.File, epoch uint64, n int64) error {
	header := make([]byte, fileHeader)
	putFileHeader(header, epoch, max(n, fileHeader))
	if _, err := f.Write(header); err != nil {
		return err
	}
	chunk := make([]byte, min(prewriteChunk, max(n-fileHeader, 0)))
	for at := int64(fileHeader); at < n; at += int64(len(chunk)) {
		clear(chunk) // vfs.File.Write may have changed it
		if _, err := f.Write(chunk[:min(int64(len(chunk)), n-at)]); err != nil {
			return err
		}
		if err := f.SyncData(); err != nil {
			return err
		}
		select {
		case <-s.quit:
			return ErrClosed
		default:
		}
	}
	return f.Sync()
}

// takeSpare returns the next file to append to. If the recycler has not kept up it makes one that
// grows as it is written: its syncs are slower, but nothing is pre-written while a commit waits.
func (s *Store) takeSpare() (*segment, error) {
	after := uint64(0)
	if s.active != nil {
		after = s.active.epoch
	}
	s.rmu.Lock()
	var stale []*segment
	var g *segment
	for g == nil && len(s.spares) > 0 {
		g, s.spares = s.spares[0], s.spares[1:]
		if g.epoch < after {
			// Epochs must rise along the log; a growing file has overtaken this one.
			stale, g = append(stale, g), nil
		}
	}
	s.rmu.Unlock()
	for _, d := range stale {
		if err := s.discard(d); err != nil {
			return nil, s.poisoned(err)
		}
	}
	if g != nil {
		return g, nil
	}
	s.metrics.growing.Add(1)
	g, err := s.makeSpare(0)
	if errors.Is(err, syscall.ENOSPC) {
		s.metrics.diskFull.Add(1)
		return nil, fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return g, err
}
