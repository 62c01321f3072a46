package wal

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"github.com/millracedb/millrace/log/durable"
)

// Options says where the store lives and how large its parts are. The zero value of a field means
// its default.
type Options struct {
	FS  vfs.FS // required
	Dir string // required; created if it does not exist

	// Opener opens segment files; nil means DefaultOpener(FS).
	Opener Opener
	// Now is the clock for latencies and PendingSync only; nil switches both off.
	Now func() time.Time
	// SegmentBytes is the size of a segment file. Default 64 MiB: large enough that a new
	// segment is rare, small enough that retention gives space back in useful steps.
	SegmentBytes int64
	// Spares is how many pre-written files are kept ready; 0 means 2, negative none.
	Spares int
	// TailBytes bounds the entries kept in memory. Default 32 MiB: twice what Raft can have
	// committed but not yet applied (64 entries of 256 KiB).
	TailBytes int64
	// ReserveBytes is the free space below which entries are refused with ErrDiskFull; a file
	// of that size is kept beside the log and can be given up to make room. 0 means neither.
	ReserveBytes int64
	// OnCorruption is told about damage found while reading, from the reader's goroutine.
	OnCorruption func(error)

	// inlineRecycle makes the recycler run inside the calls that give it work, for tests that
	// must be the same each time.
	inlineRecycle bool
	// forgetEpoch leaves the file epoch out of the checksums. It exists to prove that the
	// power-cut test can fail.
	forgetEpoch bool
}

// Default sizes; the reasons are at Options.
const (
	DefaultSegmentBytes = 64 << 20
	DefaultSpares       = 2
	DefaultTailBytes    = 32 << 20
	minSegmentBytes     = 4 << 10
)

func (o Options) withDefaults() (Options, error) {
	if o.FS == nil || o.Dir == "" {
		return o, errors.New("log store needs a file system and a directory")
	}
	if o.Opener == nil {
		o.Opener = DefaultOpener(o.FS)
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.SegmentBytes < minSegmentBytes || o.SegmentBytes > 1<<30 {
		return o, fmt.Errorf("segment size %d is outside %d..%d", o.SegmentBytes,
			minSegmentBytes, 1<<30)
	}
	if o.Spares == 0 {
		o.Spares = DefaultSpares
	}
	if o.TailBytes == 0 {
		o.TailBytes = DefaultTailBytes
	}
	return o, nil
}

// Store implements raft.LogStore, raft.StableStore and raft.CommitTrackingLogStore.
type Store struct {
	opts   Options
	fs     vfs.FS
	dir    string
	lock   io.Closer
	stable *stable

	metrics metrics
	poison  atomic.Pointer[error]
	closed  atomic.Bool
	staged  atomic.Uint64 // commit index for the next StoreLogs

	// wmu serialises writers: StoreLogs, DeleteRange, Install, Mark, Close.
	wmu      sync.Mutex
	layout   layout
	active   *segment // the one that is appended to, nil until the first append; also last of segs
	needRoll bool     // the active segment holds unknown bytes behind its end
	writer   writer   // scratch of StoreLogs

	// mu guards what readers see; its holders for writing also hold wmu.
	mu        sync.RWMutex
	segs      []*segment // in order of epoch
	last      uint64     // newest index, or the boundary if there is no entry
	boundary  uint64     // the index before the first entry
	boundTerm uint64     // its term, 0 if not known
	ghostTo   uint64     // Raft may believe that entries up to here exist; 0 if none
	commit    uint64     // commit index of the newest durable frame
	tail      tail
	shut      bool           // no new readers
	readers   sync.WaitGroup // readers inside a file; added to under mu while !shut

	// rmu guards the recycler's work list.
	rmu       sync.Mutex
	spares    []*segment // ready files, in order of epoch
	dead      []*segment // files whose entries are all void, to be recycled
	nextEpoch uint64
	kick      chan struct{}
	quit      chan struct{}
	done      sync.WaitGroup
}

var (
	_ raft.LogStore               = (*Store)(nil)
	_ raft.StableStore            = (*Store)(nil)
	_ raft.CommitTrackingLogStore = (*Store)(nil)
	_ raft.MonotonicLogStore      = (*Store)(nil)
)

// segment is one file of the log.
type segment struct {
	epoch uint64
	path  string
	file  File
	size  int64        // bytes of the file as last seen
	refs  atomic.Int32 // readers inside the file; it is not recycled while there are any
	dead  atomic.Bool  // no reader can find it any more

	// Guarded by Store.mu. Invariants: pos holds the places of the entries base, base+1, ...;
	// bases never decrease from segment to segment, empty ones included.
	base uint64
	pos  []uint32
	end  int64 // first byte behind the last valid frame
}

// Open recovers the store in Options.Dir, or makes a new one. It refuses damage with a
// CorruptionError.
func Open(opts Options) (*Store, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		opts: o, fs: o.FS, dir: o.Dir,
		kick: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	s.tail.max = o.TailBytes
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	if o.inlineRecycle {
		s.recycle()
	} else {
		s.done.Add(1)
		go s.recycleLoop()
	}
	return s, nil
}

func (s *Store) open() error {
	if err := durable.MkdirAll(s.fs, s.dir); err != nil {
		return fmt.Errorf("make log directory %s: %w", s.dir, err)
	}
	var err error
	if s.lock, err = s.fs.Lock(s.fs.PathJoin(s.dir, "LOCK")); err != nil {
		return fmt.Errorf("log directory %s is in use by another process: %w", s.dir, err)
	}
	var created bool
	if s.stable, created, err = openStable(s.fs, s.dir); err != nil {
		return err
	}
	if created {
		if err := s.refuseOrphans(); err != nil {
			return err
		}
	}
	// A process that died may have left names that are not durable yet, the directory's own
	// included. Believing in a file and then losing its name would lose what is written to it.
	for _, dir := range []string{s.dir, s.fs.PathDir(s.dir)} {
		if err := syncDir(s.fs, dir); err != nil {
			return err
		}
	}
	return s.recover()
}

// refuseOrphans demands that a directory without a stable file holds no segments either: they
// would be believed without the vote and the boundary that belong to them.
func (s *Store) refuseOrphans() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", s.dir, err)
	}
	for _, name := range names {
		if _, ok := parseSegmentName(name); ok {
			return &CorruptionError{File: s.stable.path, Reason: "the file is missing"}
		}
	}
	return nil
}

// Close stops the recycler, waits for readers, marks the log as cleanly closed and releases the
// files.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	close(s.quit)
	s.done.Wait()
	s.wmu.Lock()
	defer s.wmu.Unlock()
	var err error
	if s.poison.Load() == nil && s.active != nil && !s.needRoll {
		err = s.seal()
	}
	s.mu.Lock()
	s.shut = true
	s.mu.Unlock()
	s.readers.Wait()
	return errors.Join(err, s.closeFiles())
}

// seal writes down where the log ends, so that damage to the last write is told from a torn one.
func (s *Store) seal() error {
	if err := s.appendControl(kindClose, s.last, 0); err != nil {
		return err
	}
	l := s.layout
	l.boundary, l.boundaryTerm = s.boundary, s.boundTerm
	l.atEpoch, l.atPos = s.active.epoch, s.active.end
	return s.setLayout(l)
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, list := range [][]*segment{s.segs, s.spares, s.dead} {
		for _, g := range list {
			if g.file != nil {
				errs = append(errs, g.file.Close())
			}
		}
	}
	s.segs, s.spares, s.dead, s.active = nil, nil, nil, nil
	if s.stable != nil {
		errs = append(errs, s.stable.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// poisoned records the first failed write; every later write gives the same error.
func (s *Store) poisoned(cause error) error {
	err := fmt.Errorf("%w: %w", ErrPoisoned, cause)
	s.poison.CompareAndSwap(nil, &err)
	return *s.poison.Load()
}

// writable says why the store takes no writes, if so.
func (s *Store) writable() error {
	if s.closed.Load() {
		return ErrClosed
	}
	if p := s.poison.Load(); p != nil {
		return *p
	}
	return nil
}

// IsMonotonic tells Raft not to drop the whole log when a snapshot is installed: Install does it
// where it has to be done.
func (s *Store) IsMonotonic() bool { return false }

// FirstIndex implements raft.LogStore: 0 if there is no entry.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.firstLocked(), nil
}

func (s *Store) firstLocked() uint64 {
	if s.last == s.boundary {
		return 0
	}
	return s.boundary + 1
}

// LastIndex implements raft.LogStore: the boundary that Install or DeleteRange left if there is
// no entry.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last, nil
}

// StageCommitIndex implements raft.CommitTrackingLogStore.
func (s *Store) StageCommitIndex(index uint64) error {
	for {
		old := s.staged.Load()
		if index <= old || s.staged.CompareAndSwap(old, index) {
			return nil
		}
	}
}

// GetCommitIndex implements raft.CommitTrackingLogStore.
func (s *Store) GetCommitIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return min(s.commit, s.last), nil
}

// key is what the checksums of a file are seeded with.
func (s *Store) key(epoch uint64) uint64 {
	if s.opts.forgetEpoch {
		return 0
	}
	return epoch
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
