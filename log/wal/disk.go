package wal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const reserveName = "RESERVE"

// Full returns ErrDiskFull if the free space of the disk is below Options.ReserveBytes. The
// committer asks before it takes a client's rows: StoreLogs refuses them as well, but there the
// refusal costs the leadership.
func (s *Store) Full() error {
	if s.opts.ReserveBytes <= 0 {
		return nil
	}
	u, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		if errors.Is(err, vfs.ErrUnsupported) {
			return nil
		}
		return fmt.Errorf("free space of %s: %w", s.dir, err)
	}
	if u.AvailBytes < uint64(s.opts.ReserveBytes) {
		return fmt.Errorf("%w: %d bytes are free, %d are kept in reserve", ErrDiskFull,
			u.AvailBytes, s.opts.ReserveBytes)
	}
	return nil
}

func (s *Store) refuseWhenFull() error {
	err := s.Full()
	if err != nil {
		s.metrics.diskFull.Add(1)
	}
	return err
}

// tooFullFor says whether n more bytes would eat into the reserve.
func (s *Store) tooFullFor(n int64) bool {
	if s.opts.ReserveBytes <= 0 {
		return false
	}
	u, err := s.fs.GetDiskUsage(s.dir)
	return err == nil && u.AvailBytes < uint64(s.opts.ReserveBytes+n)
}

// ReleaseReserve removes the reserve file, so that the operations that free space have room to
// run. The recycler makes it anew once there is plenty.
func (s *Store) ReleaseReserve() error {
	path := s.fs.PathJoin(s.dir, reserveName)
	if _, err := s.fs.Stat(path); err != nil {
		return nil
	}
	if err := s.fs.Remove(path); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// keepReserve makes the reserve file if there is none and room for twice as much.
func (s *Store) keepReserve() error {
	n := s.opts.ReserveBytes
	if n <= 0 || s.tooFullFor(n) {
		return nil
	}
	path := s.fs.PathJoin(s.dir, reserveName)
	if _, err := s.fs.Stat(path); err == nil {
		return nil
	}
	tmp := path + tempSuffix
	if err := s.prewrite(tmp, 0, n); err != nil {
		return errors.Join(fmt.Errorf("make %s: %w", path, err), s.fs.Remove(tmp))
	}
	return s.fs.Rename(tmp, path)
}
