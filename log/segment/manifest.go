package segment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/durable"
)

// Manifest says which files and which tails make up the partitions as of an epoch.
// It is part of the replica's manifest.
type Manifest struct {
	Epoch   log.Epoch        `json:"epoch"`
	Streams []StreamManifest `json:"streams"`
	// Spills hold the begins of the tails, oldest first.
	Spills []FileRef `json:"spills,omitempty"`
}

// StreamManifest is one stream.
type StreamManifest struct {
	Spec    log.StreamSpec `json:"spec"`
	Created log.Epoch      `json:"created"`
	Parts   []PartManifest `json:"parts"`
}

// PartManifest is one partition. The rows from Tail to End are in the spill files.
type PartManifest struct {
	Begin     log.Offset `json:"begin"`
	Tail      log.Offset `json:"tail"`
	End       log.Offset `json:"end"`
	LastEpoch log.Epoch  `json:"last_epoch"`
	Files     []FileRef  `json:"files,omitempty"`
}

// FileRef names a file; its name holds a hash of its index, which holds the
// checksums of its sections.
type FileRef struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Files lists all files of the manifest.
func (m *Manifest) Files() []FileRef {
	files := slices.Clone(m.Spills)
	for i := range m.Streams {
		for j := range m.Streams[i].Parts {
			files = append(files, m.Streams[i].Parts[j].Files...)
		}
	}
	return files
}

// spill is a spill file and the partitions' blocks in it.
type spill struct{ file *file }

// Open opens the set in a directory, without rows; Restore fills it from a
// manifest, or Clean removes what no manifest names.
func Open(opts Options) (*Set, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(opts.FS, opts.Dir); err != nil {
		return nil, fmt.Errorf("make directory %s: %w", opts.Dir, err)
	}
	return newSet(opts), nil
}

// Dir gives the directory of the files.
func (s *Set) Dir() string { return s.opts.Dir }

// OpenForShipping opens a file of the set by its name, for another replica.
func (s *Set) OpenForShipping(name string) (vfs.File, error) {
	if strings.ContainsAny(name, "/\\") || !strings.HasSuffix(name, ".seg") {
		return nil, fmt.Errorf("%q is no name of a segment file", name)
	}
	return s.opts.FS.Open(s.opts.FS.PathJoin(s.opts.Dir, name))
}

// Holds tells whether the file is there and is what the manifest says.
func (s *Set) Holds(ref FileRef) bool {
	_, err := s.openFile(ref)
	return err == nil
}

// Restore replaces all partitions by those of a manifest, whose files must be
// there. Other files are removed.
func (s *Set) Restore(ctx context.Context, m *Manifest) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	streams := map[log.StreamID]*stream{}
	for i := range m.Streams {
		sm := &m.Streams[i]
		st := &stream{id: sm.Spec.Stream, created: sm.Created,
			specs: []specAt{{sm.Created, sm.Spec}}}
		st.fed.Store(sm.Spec.Fed)
		parts := make([]*partition, len(sm.Parts))
		for j := range sm.Parts {
			if err := ctx.Err(); err != nil {
				return err
			}
			parts[j] = newPartition(log.PartitionID{Stream: st.id, Part: uint32(j)})
			v, err := s.restorePart(&sm.Parts[j])
			if err != nil {
				return err
			}
			parts[j].view.Store(v)
		}
		st.parts.Store(&parts)
		streams[st.id] = st
	}
	spills, err := s.restoreTails(ctx, m, streams)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.streams.Store(&streams)
	s.spills = spills
	s.restored.Store(uint64(m.Epoch))
	s.ended.Store(uint64(m.Epoch))
	s.mu.Unlock()
	return s.clean(m.Files())
}

func (s *Set) restorePart(pm *PartManifest) (*view, error) {
	v := &view{begins: []beginAt{{0, pm.Begin}}, base: pm.Tail, end: pm.Tail, last: pm.LastEpoch}
	at := log.Offset(-1)
	for _, ref := range pm.Files {
		f, err := s.openFile(ref)
		if err != nil {
			return nil, err
		}
		if at >= 0 && f.base != at {
			return nil, f.corrupt(0, "begins at row %d, the file before ends at %d", f.base, at)
		}
		at = f.end
		v.files = append(v.files, f)
	}
	if at >= 0 && at != pm.Tail {
		return nil, v.files[len(v.files)-1].corrupt(0, "ends at row %d, the tail begins at %d",
			at, pm.Tail)
	}
	return v, nil
}

// restoreTails loads the spill files into the tails.
func (s *Set) restoreTails(ctx context.Context, m *Manifest,
	streams map[log.StreamID]*stream) ([]*spill, error) {
	var spills []*spill
	for _, ref := range m.Spills {
		f, err := s.openFile(ref)
		if err != nil {
			return nil, err
		}
		sp := &spill{f}
		spills = append(spills, sp)
		if err := loadSpill(ctx, sp, streams); err != nil {
			return nil, err
		}
	}
	for i := range m.Streams {
		st := streams[m.Streams[i].Spec.Stream]
		for j, p := range *st.parts.Load() {
			v, pm := p.view.Load(), &m.Streams[i].Parts[j]
			if v.end != pm.End {
				return nil, &log.CorruptionError{File: s.opts.Dir, Reason: fmt.Sprintf(
					"partition %s ends at row %d, the manifest says %d", p.id, v.end, pm.End)}
			}
			v.last = pm.LastEpoch
		}
	}
	return spills, nil
}

func loadSpill(ctx context.Context, sp *spill, streams map[log.StreamID]*stream) error {
	in, err := sp.file.open()
	if err != nil {
		return err
	}
	defer in.Close()
	for _, m := range sp.file.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		st := streams[m.Partition.Stream]
		if st == nil || int(m.Partition.Part) >= len(*st.parts.Load()) {
			continue // dropped since
		}
		v := (*st.parts.Load())[m.Partition.Part].view.Load()
		if m.Base < v.base {
			continue // sealed since
		}
		if m.Base > v.end {
			if len(v.tail) > 0 || len(v.files) > 0 {
				return sp.file.corrupt(m.at, "row %d of partition %s follows row %d",
					m.Base, m.Partition, v.end)
			}
			v.base = m.Base // the rows before were dropped by retention
		}
		b, err := sp.file.readBlock(in, m, nil)
		if err != nil {
			return err
		}
		v.tail = append(v.tail, b)
		v.spills = append(v.spills, sp)
		v.end, v.last = b.End(), b.LastEpoch
		v.tailBytes += int64(b.Bytes())
	}
	return nil
}

// Clean removes all files: for a replica that starts without a manifest.
func (s *Set) Clean() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	return s.clean(nil)
}

// clean removes the files that are not listed.
func (s *Set) clean(keep []FileRef) error {
	listed := map[string]bool{}
	for _, f := range keep {
		listed[f.Name] = true
	}
	s.listed = listed
	names, err := s.opts.FS.List(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", s.opts.Dir, err)
	}
	slices.Sort(names)
	for _, n := range names {
		if listed[n] || !(strings.HasSuffix(n, ".seg") || strings.HasSuffix(n, ".tmp")) {
			continue
		}
		if err := s.opts.FS.Remove(s.opts.FS.PathJoin(s.opts.Dir, n)); err != nil {
			return fmt.Errorf("remove %s: %w", n, err)
		}
		s.metrics.FilesRemoved.Add(1)
	}
	s.doomed = nil
	return nil
}

// manifest lists the partitions as of epoch e, after all rows up to e were made
// durable; sealing is held.
func (s *Set) manifest(e log.Epoch) *Manifest {
	m := &Manifest{Epoch: e}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.sortedLocked() {
		if st.created > e || (st.dropped != 0 && st.dropped <= e) {
			continue
		}
		sm := StreamManifest{Spec: st.specAsOf(e), Created: st.created}
		parts := (*st.parts.Load())[:sm.Spec.Partitions]
		for _, p := range parts {
			v := p.view.Load()
			pm := PartManifest{
				Begin: v.beginAt(e), Tail: v.base, End: v.endAt(e), LastEpoch: v.lastEpochAt(e),
			}
			for _, f := range v.files {
				pm.Files = append(pm.Files, FileRef{f.name, f.size})
			}
			sm.Parts = append(sm.Parts, pm)
		}
		m.Streams = append(m.Streams, sm)
	}
	for _, sp := range s.spills {
		m.Spills = append(m.Spills, FileRef{sp.file.name, sp.file.size})
	}
	return m
}

func (s *Set) sortedLocked() []*stream {
	var list []*stream
	for _, st := range *s.streams.Load() {
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b *stream) int { return int(a.id) - int(b.id) })
	return list
}

// lastEpochAt gives the epoch of the newest row up to epoch e. Rows up to e end at
// a block's end, because Seal joins no further.
func (v *view) lastEpochAt(e log.Epoch) log.Epoch {
	if v.last <= e {
		return v.last
	}
	for i := len(v.tail) - 1; i >= 0; i-- {
		if v.tail[i].LastEpoch <= e {
			return v.tail[i].LastEpoch
		}
	}
	if n := len(v.files); n > 0 {
		return v.files[n-1].lastEpoch
	}
	return 0
}

// Commit tells that a manifest is durable: files that it does not name are removed,
// dropped streams and old definitions are forgotten.
func (s *Set) Commit(m *Manifest) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.Lock()
	next := map[log.StreamID]*stream{}
	for id, st := range *s.streams.Load() {
		if st.dropped != 0 && st.dropped <= m.Epoch {
			for _, p := range *st.parts.Load() {
				s.doomed = append(s.doomed, p.view.Load().files...)
			}
			continue
		}
		st.specs = st.specs[specIndex(st.specs, m.Epoch):]
		next[id] = st
	}
	s.streams.Store(&next)
	s.mu.Unlock()
	for _, st := range next {
		for _, p := range *st.parts.Load() {
			p.mu.Lock()
			v := *p.view.Load()
			v.begins = v.begins[beginIndex(v.begins, m.Epoch):]
			p.view.Store(&v)
			p.mu.Unlock()
		}
	}
	return s.removeDoomed(m)
}

func specIndex(specs []specAt, e log.Epoch) int {
	i := 0
	for i+1 < len(specs) && specs[i+1].epoch <= e {
		i++
	}
	return i
}

func beginIndex(begins []beginAt, e log.Epoch) int {
	i := 0
	for i+1 < len(begins) && begins[i+1].epoch <= e {
		i++
	}
	return i
}

func (s *Set) removeDoomed(m *Manifest) error {
	s.listed = map[string]bool{}
	for _, f := range m.Files() {
		s.listed[f.Name] = true
	}
	var errs []error
	keep := s.doomed[:0]
	for _, f := range s.doomed {
		if s.listed[f.name] {
			keep = append(keep, f)
			continue
		}
		errs = append(errs, f.remove())
		s.metrics.FilesRemoved.Add(1)
	}
	clear(s.doomed[len(keep):])
	s.doomed = keep
	return errors.Join(errs...)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open directory %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
