package segment

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// Options say where a Set lives and who joins its blocks.
type Options struct {
	FS  vfs.FS
	Dir string
	// Merger joins blocks at sealing. Nil: blocks are sealed as they are.
	Merger log.Merger
	Logger *slog.Logger
	// SealBytes is the size from which on a tail gets a file of its own; smaller
	// tails go together into one spill file per Seal. Default 1 MiB: below it a
	// file costs more in syncs and names than it saves.
	SealBytes int64
	// FileBytes is the size at which a sealed file is full and is not joined with
	// later rows any more. Default 64 MiB: the unit of retention.
	FileBytes int64
}

func (o *Options) fill() error {
	if o.FS == nil || o.Dir == "" {
		return fmt.Errorf("segments need a file system and a directory")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SealBytes == 0 {
		o.SealBytes = 1 << 20
	}
	if o.FileBytes == 0 {
		o.FileBytes = 64 << 20
	}
	return nil
}

// Set is all partitions of a group.
type Set struct {
	opts Options

	// mu serialises the changes of the map; readers load it without.
	mu      sync.Mutex
	streams atomic.Pointer[map[log.StreamID]*stream]

	// restored is the epoch of the manifest that the set was opened from: derived
	// rows up to it are there already.
	restored atomic.Uint64
	// behind has the streams whose derived rows may come late, by StreamID: the epoch
	// up to which they are in.
	behind sync.Map
	ended  atomic.Uint64 // last epoch whose derived rows are all in

	// sealing is held by the one background writer of files.
	sealing sync.Mutex
	spills  []*spill // live spill files, oldest first; guarded by sealing
	// listed are the files that the last durable manifest names; guarded by
	// sealing. A file that is replaced stays until a newer manifest is durable.
	listed map[string]bool
	doomed []*file // replaced files that the last durable manifest may still name
	nextID uint64  // names temporary files; guarded by sealing
	// unsynced: a file got its name and the directory was not synced since; guarded
	// by sealing.
	unsynced bool

	metrics Metrics
}

// Metrics count what the set did since it was opened.
type Metrics struct {
	SealedBytes, SealedRows, FilesWritten, FilesRemoved atomic.Int64
	CompactedRows, Quarantined                          atomic.Int64
}

// stream is one stream and its partitions. Its fields but parts are guarded by
// Set.mu.
type stream struct {
	id      log.StreamID
	created log.Epoch
	dropped log.Epoch // 0: alive
	// specs are the versions of the definition, oldest first: a manifest as of an
	// epoch needs the one of that epoch.
	specs []specAt
	parts atomic.Pointer[[]*partition]
	fed   atomic.Bool // spec().Fed, for readers without the lock
}

type specAt struct {
	epoch log.Epoch
	spec  log.StreamSpec
}

func (s *stream) specAsOf(e log.Epoch) log.StreamSpec {
	spec := s.specs[0].spec
	for _, v := range s.specs {
		if v.epoch <= e {
			spec = v.spec
		}
	}
	return spec
}

func (s *stream) spec() log.StreamSpec { return s.specs[len(s.specs)-1].spec }

// newSet makes an empty set; Open fills it.
func newSet(opts Options) *Set {
	s := &Set{opts: opts, listed: map[string]bool{}}
	s.streams.Store(&map[log.StreamID]*stream{})
	return s
}

// Metrics gives the counters.
func (s *Set) Metrics() *Metrics { return &s.metrics }

// Create adds a stream at an epoch. Creating one that exists alters it.
func (s *Set) Create(spec log.StreamSpec, at log.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := (*s.streams.Load())[spec.Stream]; st != nil {
		s.alterLocked(st, spec, at)
		return
	}
	st := &stream{id: spec.Stream, created: at, specs: []specAt{{at, spec}}}
	st.fed.Store(spec.Fed)
	parts := make([]*partition, 0, spec.Partitions)
	st.parts.Store(&parts)
	st.grow(spec.Partitions)
	s.put(st)
}

func (s *Set) put(st *stream) {
	next := maps.Clone(*s.streams.Load())
	next[st.id] = st
	s.streams.Store(&next)
}

// grow adds partitions up to n; fewer are never taken away.
func (s *stream) grow(n uint32) {
	parts := slices.Clone(*s.parts.Load())
	for i := uint32(len(parts)); i < n; i++ {
		parts = append(parts, newPartition(log.PartitionID{Stream: s.id, Part: i}))
	}
	s.parts.Store(&parts)
}

// Alter changes the definition of a stream. Partitions are only ever added.
func (s *Set) Alter(spec log.StreamSpec, at log.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := (*s.streams.Load())[spec.Stream]; st != nil {
		s.alterLocked(st, spec, at)
	}
}

func (s *Set) alterLocked(st *stream, spec log.StreamSpec, at log.Epoch) {
	spec.Partitions = max(spec.Partitions, st.spec().Partitions)
	spec.Fed = spec.Fed || st.spec().Fed
	st.specs = append(st.specs, specAt{at, spec})
	st.fed.Store(spec.Fed)
	st.grow(spec.Partitions)
}

// Drop takes a stream away at an epoch. Readers that run at an earlier epoch still
// find its rows until the next manifest.
func (s *Set) Drop(id log.StreamID, at log.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := (*s.streams.Load())[id]; st != nil && st.dropped == 0 {
		st.dropped = at
		s.put(st) // a new map: readers of dropped see it
	}
}

// Truncate empties a stream: the readable begin of its partitions moves to their
// end as of the epoch before. Rows of the epoch itself that were appended before
// are gone too.
func (s *Set) Truncate(id log.StreamID, at log.Epoch) {
	st := (*s.streams.Load())[id]
	if st == nil {
		return
	}
	for _, p := range *st.parts.Load() {
		if st.fed.Load() {
			p.inOrder(s, waiting{epoch: at})
			continue
		}
		p.mu.Lock()
		p.trimLocked(p.view.Load().end, at)
		p.mu.Unlock()
	}
}

// Trim moves the readable begin of a partition at an epoch.
func (s *Set) Trim(t log.Trim, at log.Epoch) {
	if p := s.find(t.Partition); p != nil {
		p.mu.Lock()
		p.trimLocked(t.Begin, at)
		p.mu.Unlock()
	}
}

// Exists tells whether rows may be appended to a partition.
func (s *Set) Exists(id log.PartitionID) bool {
	st := (*s.streams.Load())[id.Stream]
	return st != nil && st.dropped == 0 && int(id.Part) < len(*st.parts.Load())
}

// Streams lists the definitions of the streams that exist, by ID.
func (s *Set) Streams() []log.StreamSpec {
	s.mu.Lock()
	defer s.mu.Unlock()
	var specs []log.StreamSpec
	for _, st := range *s.streams.Load() {
		if st.dropped == 0 {
			specs = append(specs, st.spec())
		}
	}
	slices.SortFunc(specs, func(a, b log.StreamSpec) int { return int(a.Stream) - int(b.Stream) })
	return specs
}

// find gives a partition, also one of a dropped stream that is not purged yet.
func (s *Set) find(id log.PartitionID) *partition {
	st := (*s.streams.Load())[id.Stream]
	if st == nil {
		return nil
	}
	if parts := *st.parts.Load(); int(id.Part) < len(parts) {
		return parts[id.Part]
	}
	return nil
}

func (s *Set) mustFind(id log.PartitionID) (*partition, error) {
	if p := s.find(id); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("partition %s: %w", id, log.ErrNoPartition)
}

// Append adds a block of an entry and sets its epoch and its offset, which a block of a
// fed stream may get later only. Called by the state machine alone.
func (s *Set) Append(b *log.Block, epoch log.Epoch, clock int64) error {
	p, err := s.mustFind(b.Partition)
	if err != nil {
		return err
	}
	if b.Flags&log.ClockTime != 0 {
		b.MinTime, b.MaxTime = clock, clock
	}
	b.Epoch, b.LastEpoch, b.Epochs = epoch, epoch, nil
	if s.Fed(b.Partition.Stream) {
		p.inOrder(s, waiting{b, epoch})
		return nil
	}
	p.append(b)
	return nil
}

// AppendDerived implements log.Partitions.
func (s *Set) AppendDerived(b *log.Block) error {
	p, err := s.mustFind(b.Partition)
	if err != nil {
		return err
	}
	b.LastEpoch, b.Epochs = b.Epoch, nil
	if after, ok := s.behind.Load(b.Partition.Stream); ok && b.Epoch > after.(log.Epoch) {
		p.append(b)
		return nil
	}
	if b.Epoch <= log.Epoch(s.restored.Load()) || b.Epoch <= log.Epoch(s.ended.Load()) {
		b.Base = p.view.Load().endAt(b.Epoch - 1)
		return nil
	}
	if last := p.view.Load().last; b.Epoch < last {
		return fmt.Errorf("partition %s: derived rows of epoch %d after epoch %d",
			b.Partition, b.Epoch, last)
	}
	p.append(b)
	return nil
}

// Behind lets the derived rows of a stream's epochs after one come late: they are
// appended although the epochs have ended for others.
func (s *Set) Behind(id log.StreamID, after log.Epoch) { s.behind.Store(id, after) }

// Caught ends Behind.
func (s *Set) Caught(id log.StreamID) { s.behind.Delete(id) }

// EndEpoch implements log.Partitions.
func (s *Set) EndEpoch(e log.Epoch) {
	for {
		old := s.ended.Load()
		if uint64(e) <= old {
			return
		}
		if s.ended.CompareAndSwap(old, uint64(e)) {
			s.release(e)
			return
		}
	}
}

// Ended gives the last epoch whose derived rows are all in.
func (s *Set) Ended() log.Epoch { return log.Epoch(s.ended.Load()) }
