package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/log/durable"
)

// Store keeps checkpoints: the blocks of each in a file, and in Pebble the
// manifest of every operator (which parts of which files hold its records), the
// epoch and the caller's meta data. A checkpoint is there as a whole or not at
// all: files are synced before the one synced Pebble batch that names them.
type Store struct {
	fs  vfs.FS
	dir string
	db  *pebble.DB

	mu        sync.Mutex
	manifests map[string]*manifest // guarded by mu
	next      uint64               // number of the next file; guarded by mu
	epoch     uint64
	meta      []byte
	have      bool
	later     int64     // bytes of records that a checkpoint may leave for Commit
	blocks    sync.Pool // of *[]byte: buffers of blocks
	lost      bool      // a checkpoint was dropped after operators had handed over changes
	// prev are the checkpoints before the latest, oldest first, until Forget says
	// that nobody will ask for them: the owner's point of commit may lie elsewhere,
	// and a crash or a failure between the two must find an older one whole. Guarded
	// by mu.
	prev []*generation
}

// Options are settings of a Store.
type Options struct {
	// At is the epoch of the checkpoint to open: the latest or one before that was
	// not forgotten, which then is the latest again. 0 opens an empty store.
	At uint64
	// CacheBytes is Pebble's block cache; 0 means 4 MiB: manifests are small.
	CacheBytes int64
	// LaterBytes is how many bytes of records a checkpoint may keep in memory until
	// Commit compresses and writes them; 0: none.
	LaterBytes int64
	// Logger takes Pebble's messages; nil drops them.
	Logger pebble.Logger
}

// span is a part of a checkpoint file.
type span struct {
	file      uint64
	off, size int64
}

func (s span) end() int64 { return s.off + s.size }

// manifest names an operator's records, oldest first.
type manifest struct {
	spans []span
	base  int64 // bytes of the last full write
}

func (m *manifest) bytes() int64 {
	n := int64(0)
	for _, s := range m.spans {
		n += s.size
	}
	return n
}

// Keys in Pebble.
const (
	keyMeta     = "meta"
	keyManifest = "op/"       // then the operator's key
	keyPrevious = "previous/" // then the epoch
)

const fileSuffix = ".blk"

// Open opens or creates the store in dir, and deletes files of checkpoints that
// were not committed.
func Open(fs vfs.FS, dir string, opts Options) (*Store, error) {
	if err := durable.MkdirAll(fs, dir); err != nil {
		return nil, fmt.Errorf("create state directory %s: %w", dir, err)
	}
	if err := syncDir(fs, fs.PathDir(dir)); err != nil {
		return nil, err
	}
	cache := pebble.NewCache(max(opts.CacheBytes, 4<<20))
	defer cache.Unref()
	logger := opts.Logger
	if logger == nil {
		logger = quiet{}
	}
	db, err := pebble.Open(fs.PathJoin(dir, "manifest"), &pebble.Options{
		FS: fs, Cache: cache, Logger: logger,
		// The batch of a commit is small: it may go to the WAL, which makes it
		// durable with one sync instead of a flush.
		MemTableSize: 1 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("open state manifest in %s: %w", dir, err)
	}
	s := &Store{fs: fs, dir: dir, db: db, manifests: map[string]*manifest{}, next: 1,
		later: opts.LaterBytes}
	if err := errors.Join(s.load(), s.choose(opts.At)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Close closes the store. Checkpoints that were begun and not committed are lost.
func (s *Store) Close() error { return s.db.Close() }

// Latest gives the last committed checkpoint; ok is false when there is none.
func (s *Store) Latest() (epoch uint64, meta []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, s.meta, s.have
}

// Reader gives the records of an operator as of the last checkpoint, or nil when
// it has none.
func (s *Store) Reader(key string) *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.manifests[key]
	if m == nil {
		return nil
	}
	return &Reader{key: key, store: s, spans: slices.Clone(m.spans)}
}

// Keys lists the operators that the last checkpoint has, sorted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.manifests))
	for k := range s.manifests {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Bytes gives the size of the records that the last checkpoint refers to.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(0)
	for _, m := range s.manifests {
		n += m.bytes()
	}
	return n
}

type metaRecord struct {
	Epoch uint64 `json:"epoch"`
	Meta  []byte `json:"meta"`
}

// load reads the manifests.
func (s *Store) load() error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("read state manifest: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err = s.loadKey(string(it.Key()), it.Value()); err != nil {
			break
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("read state manifest: %w", err)
	}
	return nil
}

func (s *Store) loadKey(key string, value []byte) error {
	if key == keyMeta {
		var m metaRecord
		if err := json.Unmarshal(value, &m); err != nil {
			return fmt.Errorf("checkpoint record: %w", err)
		}
		s.epoch, s.meta, s.have = m.Epoch, m.Meta, true
		return nil
	}
	if strings.HasPrefix(key, keyPrevious) {
		g := &generation{}
		s.prev = append(s.prev, g)
		return g.decode(value)
	}
	name, ok := strings.CutPrefix(key, keyManifest)
	if !ok {
		return fmt.Errorf("key %q: %w", key, ErrCorrupt)
	}
	m, err := decodeManifest(value)
	if err != nil {
		return fmt.Errorf("manifest of %s: %w", name, err)
	}
	s.manifests[name] = m
	return nil
}

func (m *manifest) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(m.base))
	for _, s := range m.spans {
		b = binary.AppendUvarint(b, s.file)
		b = binary.AppendUvarint(b, uint64(s.off))
		b = binary.AppendUvarint(b, uint64(s.size))
	}
	return b
}

func decodeManifest(b []byte) (*manifest, error) {
	next := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			b = nil
			return 0
		}
		b = b[n:]
		return x
	}
	m := &manifest{base: int64(next())}
	for len(b) > 0 {
		s := span{next(), int64(next()), int64(next())}
		if s.file == 0 || s.size <= 0 {
			return nil, ErrCorrupt
		}
		m.spans = append(m.spans, s)
	}
	return m, nil
}

func (s *Store) path(file uint64) string {
	return s.fs.PathJoin(s.dir, fmt.Sprintf("%012d%s", file, fileSuffix))
}

// sweep deletes the files that no manifest refers to and sets the next number.
func (s *Store) sweep() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list state directory %s: %w", s.dir, err)
	}
	live := s.liveBytes()
	slices.Sort(names)
	for _, name := range names {
		base, ok := strings.CutSuffix(name, fileSuffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(base, 10, 64)
		if err != nil {
			continue
		}
		s.next = max(s.next, n+1)
		if live[n] > 0 {
			continue
		}
		if err := s.fs.Remove(s.path(n)); err != nil {
			return fmt.Errorf("delete state file: %w", err)
		}
	}
	return nil
}

// liveBytes gives the bytes that manifests refer to, per file.
func (s *Store) liveBytes() map[uint64]int64 {
	live := map[uint64]int64{}
	count := func(ms map[string]*manifest) {
		for _, m := range ms {
			for _, p := range m.spans {
				live[p.file] += p.size
			}
		}
	}
	count(s.manifests)
	for _, g := range s.prev {
		count(g.manifests)
	}
	return live
}

// readSpan reads a part of a file.
func (s *Store) readSpan(p span) ([]byte, error) {
	f, err := s.fs.Open(s.path(p.file))
	if err != nil {
		return nil, fmt.Errorf("open state file: %w", err)
	}
	b := make([]byte, p.size)
	_, err = f.ReadAt(b, p.off)
	if err == io.EOF {
		err = fmt.Errorf("state file %d ends early: %w", p.file, ErrCorrupt)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read state file %d: %w", p.file, err)
	}
	return b, nil
}

// quiet is a Pebble logger that says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("state manifest: "+format, args...))
}
