package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	stableName  = "STABLE"
	stableMagic = 0x3142415453_4c4d // "MLSTAB1", little endian
	stableSlot  = 8 << 10           // bytes of one copy
	stableHead  = 32

	// Keys of the store itself; Raft's keys never begin with a zero byte.
	keyLayout = "\x00layout"
)

// stable is a small durable map: Raft's term and vote, and the layout of the log. The file holds
// two copies, written one after the other and each synced, so that a torn write or one damaged
// sector leaves the other copy.
type stable struct {
	mu   sync.Mutex
	file vfs.File
	path string
	seq  uint64
	kv   map[string][]byte
	buf  []byte
}

// openStable opens or creates the file. created says that there was none.
func openStable(fs vfs.FS, dir string) (st *stable, created bool, err error) {
	path := fs.PathJoin(dir, stableName)
	st = &stable{path: path, kv: map[string][]byte{}, buf: make([]byte, stableSlot)}
	switch _, err := fs.Stat(path); {
	case errors.Is(err, iofs.ErrNotExist):
		if err := st.create(fs, dir); err != nil {
			return nil, false, err
		}
		created = true
	case err != nil:
		return nil, false, fmt.Errorf("stat %s: %w", path, err)
	}
	if st.file, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified); err != nil {
		return nil, false, fmt.Errorf("open %s: %w", path, err)
	}
	if err := st.load(); err != nil {
		return nil, false, errors.Join(err, st.file.Close())
	}
	return st, created, nil
}

// create makes the file under another name first: it exists whole or not at all.
func (st *stable) create(fs vfs.FS, dir string) error {
	tmp := st.path + ".tmp"
	f, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", tmp, err)
	}
	slot := st.encode(1, st.kv)
	_, err = f.Write(slices.Concat(slot, slot))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("create %s: %w", tmp, err)
	}
	if err := fs.Rename(tmp, st.path); err != nil {
		return fmt.Errorf("create %s: %w", st.path, err)
	}
	return syncDir(fs, dir)
}

// load takes the newer sound copy.
func (st *stable) load() error {
	b := make([]byte, 2*stableSlot)
	// Pages that a killed process left unsynced must not be believed and then lost.
	if err := st.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", st.path, err)
	}
	if n, err := st.file.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", st.path, err)
	} else {
		b = b[:n]
	}
	found := false
	for i := range 2 {
		if len(b) < (i+1)*stableSlot {
			break
		}
		seq, kv, ok := decodeSlot(b[i*stableSlot : (i+1)*stableSlot])
		if ok && (!found || seq > st.seq) {
			st.seq, st.kv, found = seq, kv, true
		}
	}
	if !found {
		return &CorruptionError{File: st.path, Reason: "neither copy is sound"}
	}
	return nil
}

func (st *stable) encode(seq uint64, kv map[string][]byte) []byte {
	le := binary.LittleEndian
	b := st.buf[:stableHead]
	clear(b)
	keys := make([]string, 0, len(kv))
	for k := range kv {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b = le.AppendUint16(b, uint16(len(k)))
		b = append(b, k...)
		b = le.AppendUint32(b, uint32(len(kv[k])))
		b = append(b, kv[k]...)
	}
	le.PutUint64(b, stableMagic)
	le.PutUint32(b[8:], fileVersion)
	le.PutUint32(b[12:], uint32(len(b)-stableHead))
	le.PutUint64(b[16:], seq)
	le.PutUint32(b[28:], slotSum(b))
	for len(b) < stableSlot {
		b = append(b, make([]byte, stableSlot-len(b))...)
	}
	return b
}

// slotSum covers the header without the sum itself, and the pairs.
func slotSum(b []byte) uint32 {
	c := crc32.Checksum(b[:28], castagnoli)
	return crc32.Update(c, castagnoli, b[stableHead:])
}

func decodeSlot(b []byte) (seq uint64, kv map[string][]byte, ok bool) {
	le := binary.LittleEndian
	n := int(le.Uint32(b[12:]))
	if le.Uint64(b) != stableMagic || le.Uint32(b[8:]) != fileVersion || n > stableSlot-stableHead {
		return 0, nil, false
	}
	if slotSum(b[:stableHead+n]) != le.Uint32(b[28:]) {
		return 0, nil, false
	}
	kv = map[string][]byte{}
	for p := b[stableHead : stableHead+n]; len(p) >= 2; {
		k := int(le.Uint16(p))
		if len(p) < 2+k+4 {
			return 0, nil, false
		}
		v := int(le.Uint32(p[2+k:]))
		if v < 0 || len(p) < 6+k+v {
			return 0, nil, false
		}
		kv[string(p[2:2+k])] = slices.Clone(p[6+k : 6+k+v])
		p = p[6+k+v:]
	}
	return le.Uint64(b[16:]), kv, true
}

func (st *stable) get(key string) []byte {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.kv[key])
}

// set makes the pair durable before it returns.
func (st *stable) set(key string, val []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	size := stableHead + 6 + len(key) + len(val)
	next := make(map[string][]byte, len(st.kv)+1)
	for k, v := range st.kv {
		if k != key {
			next[k] = v
			size += 6 + len(k) + len(v)
		}
	}
	if size > stableSlot || len(key) > 1<<16-1 {
		return fmt.Errorf("%s: values need %d bytes, there is room for %d", st.path, size, stableSlot)
	}
	next[key] = slices.Clone(val)
	for i := range int64(2) {
		// The buffer is encoded anew each time: vfs.File.WriteAt may change what it is given.
		slot := st.encode(st.seq+1, next)
		if _, err := st.file.WriteAt(slot, i*stableSlot); err != nil {
			return fmt.Errorf("write %s: %w", st.path, err)
		}
		if err := st.file.SyncData(); err != nil {
			return fmt.Errorf("sync %s: %w", st.path, err)
		}
	}
	st.seq++
	st.kv = next
	return nil
}

// Set implements raft.StableStore.
func (s *Store) Set(key, val []byte) error { return s.setStable(string(key), val) }

// SetUint64 implements raft.StableStore.
func (s *Store) SetUint64(key []byte, val uint64) error {
	return s.setStable(string(key), binary.LittleEndian.AppendUint64(nil, val))
}

// Get implements raft.StableStore; a key that was never set gives an empty value.
func (s *Store) Get(key []byte) ([]byte, error) { return s.stable.get(string(key)), nil }

// GetUint64 implements raft.StableStore; a key that was never set gives 0.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	v := s.stable.get(string(key))
	switch len(v) {
	case 0:
		return 0, nil
	case 8:
		return binary.LittleEndian.Uint64(v), nil
	}
	return 0, fmt.Errorf("stable value %q holds %d bytes, not a number", key, len(v))
}

func (s *Store) setStable(key string, val []byte) error {
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.timed(func() error { return s.stable.set(key, val) }); err != nil {
		return s.poisoned(err)
	}
	return nil
}

// layout is the part of the log's state that the frames do not tell.
type layout struct {
	boundary, boundaryTerm uint64 // the entry before the first one; term 0 if not known
	firstEpoch             uint64 // segments of smaller epochs are dead
	atEpoch                uint64 // the end of the log when this was written: a reset
	atPos                  int64  // frame behind it overrides the boundary
	ready                  bool   // a segment file has been made: its absence is damage
}

const layoutSize = 48

func (l layout) encode() []byte {
	b := make([]byte, layoutSize)
	le := binary.LittleEndian
	le.PutUint64(b, l.boundary)
	le.PutUint64(b[8:], l.boundaryTerm)
	le.PutUint64(b[16:], l.firstEpoch)
	le.PutUint64(b[24:], l.atEpoch)
	le.PutUint64(b[32:], uint64(l.atPos))
	if l.ready {
		b[40] = 1
	}
	return b
}

func decodeLayout(b []byte) (l layout, ok bool) {
	if len(b) == 0 {
		return layout{firstEpoch: 1}, true
	}
	if len(b) != layoutSize {
		return l, false
	}
	le := binary.LittleEndian
	return layout{
		boundary: le.Uint64(b), boundaryTerm: le.Uint64(b[8:]), firstEpoch: le.Uint64(b[16:]),
		atEpoch: le.Uint64(b[24:]), atPos: int64(le.Uint64(b[32:])), ready: b[40] == 1,
	}, true
}
