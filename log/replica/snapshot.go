package replica

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

// snapshots is Raft's snapshot store over manifests: Raft restores from the newest
// one at start and sends it to followers that lag too far. Raft never takes one by
// itself.
type snapshots struct {
	r *Replica
	// started: a Restore is the installation of a leader's snapshot, not our start.
	started  atomic.Bool
	installs atomic.Int64

	mu sync.Mutex
	// current is the newest durable manifest, last the one before, which a leader
	// may be sending; pending is one that a leader sent. Guarded by mu.
	current, last, pending *stored
}

type stored struct {
	m     *manifest
	bytes []byte
}

var _ raft.SnapshotStore = (*snapshots)(nil)

// openSnapshots reads the manifest and makes the log fit it.
func openSnapshots(r *Replica) (*snapshots, error) {
	s := &snapshots{r: r}
	m, b, err := r.readManifest()
	if err != nil {
		return nil, err
	}
	if m == nil {
		return s, r.set.Clean()
	}
	// After a crash between the installation of a manifest and that of the log, the
	// log may be an older or another one.
	if _, err := r.store.Install(m.Index, m.Term); err != nil {
		return nil, fmt.Errorf("make the log fit the manifest: %w", err)
	}
	s.current = &stored{m, b}
	return s, nil
}

func (s *snapshots) epoch() log.Epoch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return 0
	}
	return s.current.m.Epoch
}

// publish makes a durable manifest the newest one.
func (s *snapshots) publish(m *manifest, b []byte) {
	s.mu.Lock()
	s.last, s.current, s.pending = s.current, &stored{m, b}, nil
	s.mu.Unlock()
}

// List implements raft.SnapshotStore.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil, nil
	}
	return []*raft.SnapshotMeta{s.current.m.meta(len(s.current.bytes))}, nil
}

// Open implements raft.SnapshotStore.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range []*stored{s.pending, s.current, s.last} {
		if x != nil && x.m.id() == id {
			return x.m.meta(len(x.bytes)), io.NopCloser(bytes.NewReader(x.bytes)), nil
		}
	}
	return nil, nil, fmt.Errorf("no snapshot %s", id)
}

// Create implements raft.SnapshotStore, for a manifest that a leader sends.
func (s *snapshots) Create(_ raft.SnapshotVersion, index, term uint64, _ raft.Configuration,
	_ uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{s: s, index: index, term: term}, nil
}

// sink takes a manifest from a leader. It becomes durable in the state machine's
// Restore, after its files.
type sink struct {
	s           *snapshots
	index, term uint64
	buf         bytes.Buffer
	m           *manifest
}

// Write implements io.Writer.
func (k *sink) Write(p []byte) (int, error) {
	if k.buf.Len()+len(p) > maxManifest {
		return 0, fmt.Errorf("manifest of more than %d bytes", maxManifest)
	}
	return k.buf.Write(p)
}

// ID implements raft.SnapshotSink; it is asked for after Close.
func (k *sink) ID() string {
	if k.m == nil {
		return ""
	}
	return k.m.id()
}

// Cancel implements raft.SnapshotSink.
func (k *sink) Cancel() error { return nil }

// Close implements raft.SnapshotSink.
func (k *sink) Close() error {
	m, err := decodeManifest(k.buf.Bytes(), "snapshot of the leader")
	if err != nil {
		return err
	}
	if m.Index != k.index || m.Term != k.term {
		return fmt.Errorf("manifest of entry %d/%d, announced as %d/%d", m.Term, m.Index,
			k.term, k.index)
	}
	k.m = m
	k.s.mu.Lock()
	k.s.pending = &stored{m, bytes.Clone(k.buf.Bytes())}
	k.s.mu.Unlock()
	return nil
}

// Snapshot implements raft.FSM. Checkpoints are made by Checkpoint alone.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return nil, raft.ErrNothingNewToSnapshot }

// Restore implements raft.FSM: at start with the manifest on disk, later with one
// that a leader sent, whose files are fetched first.
func (f *fsm) Restore(in io.ReadCloser) error {
	b, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	m, err := decodeManifest(b, manifestName)
	if err != nil {
		return err
	}
	ctx, cancel := f.r.lifetime()
	defer cancel()
	if f.r.snaps.started.Load() {
		// A checkpoint of our own must not write its manifest over the leader's.
		if err := f.r.lockCheckpoints(ctx); err != nil {
			return err
		}
		defer func() { <-f.r.checkpoints }()
		if err := f.r.install(ctx, m, b); err != nil {
			return err
		}
	}
	w, err := decodeWrites(m.Writes, m.Floor)
	if err != nil {
		return &log.CorruptionError{File: manifestName, Reason: err.Error()}
	}
	if err := f.set.Restore(ctx, m.Segments); err != nil {
		return fmt.Errorf("restore partitions: %w", err)
	}
	f.mu.Lock()
	f.epoch, f.clock, f.index, f.sum = m.Epoch, m.Clock, m.Index, m.Sum
	f.window, f.chain = w, chain{}
	f.history = f.history[:0]
	f.configs = []configAt{{m.ConfigIndex, m.Config}}
	f.sums.put(m.Epoch, m.Sum)
	f.mu.Unlock()
	if err := f.machine.Restore(m.State, m.Epoch, m.Clock); err != nil {
		return fmt.Errorf("restore the machine: %w", err)
	}
	f.wake(m.Epoch)
	return nil
}

// install fetches the files of a leader's manifest and makes it ours.
func (r *Replica) install(ctx context.Context, m *manifest, b []byte) error {
	addr, id := r.raft.LeaderWithID()
	for _, ref := range m.Segments.Files() {
		if r.set.Holds(ref) {
			continue
		}
		if r.cfg.Fetch == nil {
			return fmt.Errorf("file %s is missing and nothing fetches it", ref.Name)
		}
		in, err := r.cfg.Fetch.Fetch(ctx, string(id), string(addr), ref.Name)
		if err != nil {
			return fmt.Errorf("fetch %s from %s: %w", ref.Name, id, err)
		}
		err = r.set.Receive(ref, in)
		if cerr := in.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("fetch %s from %s: %w", ref.Name, id, err)
		}
	}
	if err := r.set.SyncDir(); err != nil {
		return err
	}
	if err := r.writeManifest(b); err != nil {
		return err
	}
	if _, err := r.store.Install(m.Index, m.Term); err != nil {
		return fmt.Errorf("make the log fit the manifest: %w", err)
	}
	r.snaps.publish(m, b)
	r.snaps.installs.Add(1)
	r.log.Info("installed the leader's checkpoint", "epoch", m.Epoch, "index", m.Index)
	return nil
}

// lifetime gives a context that ends when the replica begins to close.
func (r *Replica) lifetime() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(r.life, cancel)
	return ctx, func() { stop(); cancel() }
}
