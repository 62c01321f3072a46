package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// rewriteFactor is how many times the last full write's size an operator's
// records may grow to before they are written in full again: write amplification
// stays at about 2.
const rewriteFactor = 2

// rewriteMin is the size below which rewriting is not worth a thought.
const rewriteMin = 1 << 20

// deadFile is the share of a file, in percent, that must be live: the operators
// that keep a file with less are written in full, so that it can go.
const deadFile = 25

// Checkpoint is one being written. One per Store at a time.
type Checkpoint struct {
	s     *Store
	epoch uint64
	file  uint64
	room  atomic.Int64 // bytes of records that may still wait for Commit

	mu      sync.Mutex
	f       vfs.File
	size    int64
	writers map[string]*Writer
	rewrite map[string]bool
	all     bool // an earlier checkpoint was dropped with changes in it
}

// Begin starts a checkpoint of an epoch.
func (s *Store) Begin(epoch uint64) *Checkpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	cp := &Checkpoint{s: s, epoch: epoch, file: s.next, writers: map[string]*Writer{},
		rewrite: s.deadOwners(), all: s.lost}
	cp.room.Store(s.later)
	s.next++
	return cp
}

// deadOwners finds the operators whose few live bytes keep files.
func (s *Store) deadOwners() map[string]bool {
	owners := map[string]bool{}
	live := s.liveBytes()
	for key, m := range s.manifests {
		for _, p := range m.spans {
			info, err := s.fs.Stat(s.path(p.file))
			if err == nil && info.Size() > rewriteMin && live[p.file]*100 < info.Size()*deadFile {
				owners[key] = true
			}
		}
	}
	return owners
}

// Writer gives the writer of an operator; one per key. An operator that asks for
// none is not in the checkpoint: its state is dropped.
func (cp *Checkpoint) Writer(key string) *Writer {
	cp.s.mu.Lock()
	m := cp.s.manifests[key]
	cp.s.mu.Unlock()
	cp.mu.Lock()
	defer cp.mu.Unlock()
	w := &Writer{key: key, cp: cp}
	w.full = m == nil || cp.all || cp.rewrite[key] ||
		m.bytes() > rewriteMin && m.bytes() > rewriteFactor*m.base
	cp.writers[key] = w
	return w
}

// FreshWriter is Writer for an operator that was made anew: it knows nothing of what
// the last checkpoint has under its key, and cannot take it back row by row.
func (cp *Checkpoint) FreshWriter(key string) *Writer {
	w := cp.Writer(key)
	w.full = true
	return w
}

// append writes a block to the checkpoint's file.
func (cp *Checkpoint) append(b []byte) (span, error) {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.f == nil {
		f, err := cp.s.fs.Create(cp.s.path(cp.file), vfs.WriteCategoryUnspecified)
		if err != nil {
			return span{}, err
		}
		cp.f = f
	}
	if _, err := cp.f.Write(b); err != nil {
		return span{}, err
	}
	p := span{cp.file, cp.size, int64(len(b))}
	cp.size += int64(len(b))
	return p, nil
}

// Size gives the bytes written so far.
func (cp *Checkpoint) Size() int64 {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	return cp.size
}

// Commit makes the checkpoint durable and the latest one: the file is synced,
// then one synced batch names it. It may run beside the operators, which have
// handed over all they had to say.
func (cp *Checkpoint) Commit(meta []byte) error {
	ms, err := cp.finish()
	if err != nil {
		return errors.Join(err, cp.Abort())
	}
	s := cp.s
	rec, err := json.Marshal(metaRecord{cp.epoch, meta})
	if err != nil {
		return fmt.Errorf("encode checkpoint record: %w", err)
	}
	b := s.db.NewBatch()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.manifests {
		if ms[key] == nil {
			err = errors.Join(err, b.Delete([]byte(keyManifest+key), nil))
		}
	}
	for key, m := range ms {
		err = errors.Join(err, b.Set([]byte(keyManifest+key), m.encode(), nil))
	}
	err = errors.Join(err, b.Set([]byte(keyMeta), rec, nil))
	prev := &generation{epoch: s.epoch, meta: s.meta, manifests: s.manifests}
	err = errors.Join(err, b.Set(previousKey(s.epoch), prev.encode(), nil))
	if err == nil {
		err = b.Commit(pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("commit checkpoint of epoch %d: %w", cp.epoch, err)
	}
	was := s.liveBytes()
	s.lost, s.prev = false, append(s.prev, prev)
	s.manifests, s.epoch, s.meta, s.have = ms, cp.epoch, append([]byte(nil), meta...), true
	return s.removeDead(was)
}

// removeDead deletes the files that were live and are no more.
func (s *Store) removeDead(was map[uint64]int64) error {
	var err error
	live := s.liveBytes()
	for file := range was {
		if live[file] == 0 {
			err = errors.Join(err, s.fs.Remove(s.path(file)))
		}
	}
	if err != nil {
		return fmt.Errorf("delete dead state files: %w", err)
	}
	return nil
}

// finish writes the open blocks, syncs the file and gives the new manifests.
func (cp *Checkpoint) finish() (map[string]*manifest, error) {
	ms := make(map[string]*manifest, len(cp.writers))
	for key, w := range cp.writers {
		w.end()
		if w.err != nil {
			return nil, w.err
		}
		m := &manifest{}
		if !w.full {
			old := cp.s.manifests[key]
			m.base = old.base
			m.spans = append(m.spans, old.spans...)
		}
		m.spans = append(m.spans, w.spans...)
		if w.full {
			m.base = m.bytes()
		}
		ms[key] = m
	}
	if cp.f == nil {
		return ms, nil
	}
	if err := cp.f.Sync(); err != nil {
		return nil, fmt.Errorf("sync state file: %w", err)
	}
	f := cp.f
	cp.f = nil
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("close state file: %w", err)
	}
	return ms, syncDir(cp.s.fs, cp.s.dir)
}

// syncDir makes the names in a directory durable.
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

// Abort drops the checkpoint. Operators whose changes were handed over must be
// written in full next time, so that the Store forgets nothing: their next
// Writer is full.
func (cp *Checkpoint) Abort() error {
	cp.s.mu.Lock()
	cp.s.lost = true
	cp.s.mu.Unlock()
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.size == 0 && cp.f == nil {
		return nil
	}
	var err error
	if cp.f != nil {
		err = cp.f.Close()
		cp.f = nil
	}
	if err := errors.Join(err, cp.s.fs.Remove(cp.s.path(cp.file))); err != nil {
		return fmt.Errorf("drop checkpoint: %w", err)
	}
	return nil
}
