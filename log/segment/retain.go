package segment

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// Retain gives the trims that the streams' retention asks for at a time: whole
// files, and whole blocks of a tail that no file precedes any more. They go through
// the log, so that all replicas forget the same rows. Keyed streams are compacted
// instead.
func (s *Set) Retain(nowMicros int64) []log.Trim {
	var trims []log.Trim
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.sortedLocked() {
		spec := st.spec()
		if st.dropped != 0 || spec.Keyed || (spec.RetentionMicros == 0 && spec.RetentionBytes == 0) {
			continue
		}
		for _, p := range *st.parts.Load() {
			v := p.view.Load()
			if begin := v.expired(spec, nowMicros); begin > v.beginAt(newest) {
				trims = append(trims, log.Trim{Partition: p.id, Begin: begin})
			}
		}
	}
	return trims
}

// expired gives the first offset that is to stay. Bytes are bounded per partition;
// only sealed ones count.
func (v *view) expired(spec log.StreamSpec, now int64) log.Offset {
	begin := v.first()
	var excess int64
	if spec.RetentionBytes > 0 {
		excess = v.tailBytes - spec.RetentionBytes
		for _, f := range v.files {
			excess += f.size
		}
	}
	old := func(maxTime int64) bool {
		return spec.RetentionMicros > 0 && maxTime < now-spec.RetentionMicros
	}
	for _, f := range v.files {
		if !old(f.maxTime) && excess < f.size {
			return begin
		}
		begin = f.end
		excess -= f.size
	}
	for _, b := range v.tail {
		if !old(b.MaxTime) {
			break
		}
		begin = b.End()
	}
	return begin
}

// Receive writes a file that came from another replica; it must be what the
// reference says.
func (s *Set) Receive(ref FileRef, in io.Reader) error {
	if strings.ContainsAny(ref.Name, "/\\") || !strings.HasSuffix(ref.Name, ".seg") {
		return fmt.Errorf("%q is no name of a segment file", ref.Name)
	}
	s.sealing.Lock()
	s.nextID++
	temp := s.opts.FS.PathJoin(s.opts.Dir, fmt.Sprintf("%d.tmp", s.nextID))
	s.sealing.Unlock()
	f, err := s.opts.FS.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", temp, err)
	}
	_, err = io.Copy(f, io.LimitReader(in, ref.Size+1))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.opts.FS.Rename(temp, s.opts.FS.PathJoin(s.opts.Dir, ref.Name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", ref.Name, errors.Join(err, s.opts.FS.Remove(temp)))
	}
	if _, err := s.openFile(ref); err != nil {
		return errors.Join(err, s.opts.FS.Remove(s.opts.FS.PathJoin(s.opts.Dir, ref.Name)))
	}
	return nil
}

// SyncDir makes the names of received files durable.
func (s *Set) SyncDir() error { return syncDir(s.opts.FS, s.opts.Dir) }
