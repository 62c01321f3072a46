package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/millracedb/millrace/log"
)

// ErrCheckpointTooOld: a leader's newer checkpoint was installed meanwhile, or the
// epoch is not applied here.
var ErrCheckpointTooOld = errors.New("log: checkpoint is of an epoch that cannot be had")

// Checkpoint makes everything up to an epoch durable outside of Raft's log: it
// seals the tails, writes the manifest, and recycles the log before the epoch's
// entry. It must be called when the machine's own state as of the epoch is durable;
// state is what the machine gets at Restore, and names that state. The machine may
// forget an older state only after Checkpoint has returned nil.
//
// raftIndex is that of the EpochInput, or 0. Epoch 0 stands for the last applied one,
// with Machine.Snapshot as state.
func (r *Replica) Checkpoint(ctx context.Context, epoch log.Epoch, raftIndex uint64,
	state []byte) error {
	if err := r.lockCheckpoints(ctx); err != nil {
		return err
	}
	defer func() { <-r.checkpoints }()
	m, err := r.fsm.capture(epoch, raftIndex, state)
	if err != nil || m == nil {
		return err
	}
	if m.Segments, err = r.set.Seal(ctx, m.Epoch); err != nil {
		return fmt.Errorf("seal up to epoch %d: %w", m.Epoch, err)
	}
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := r.writeManifest(b); err != nil {
		return err
	}
	r.snaps.publish(m, b)
	if err := r.set.Commit(m.Segments); err != nil {
		return fmt.Errorf("remove old files: %w", err)
	}
	r.fsm.forget(m)
	select {
	case r.made <- struct{}{}:
	default: // maintain has one to do already
	}
	return r.recycle(m)
}

// maintain applies retention and compaction after checkpoints. It is a goroutine of
// its own, so that a checkpoint does not wait for the state machine.
func (r *Replica) maintain() {
	for {
		select {
		case <-r.made:
		case <-r.life.Done():
			return
		}
		if err := r.Retain(r.life); err != nil && r.life.Err() == nil {
			r.log.Warn("retention will be tried again after the next checkpoint", "error", err)
		}
		_, clock := r.Applied()
		clock = max(clock, r.cfg.Clock.NowMicros())
		if err := r.set.Compact(r.life, clock); err != nil && r.life.Err() == nil {
			r.log.Error("compaction failed", "error", err)
		}
	}
}

func (r *Replica) lockCheckpoints(ctx context.Context) error {
	select {
	case r.checkpoints <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.life.Done():
		return r.stopped()
	}
}

// capture takes what the state machine knows as of an epoch; nil when there is
// nothing to do.
func (f *fsm) capture(epoch log.Epoch, raftIndex uint64, state []byte) (*manifest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	if epoch == 0 {
		if len(f.history) == 0 {
			return nil, nil
		}
		epoch, state = f.epoch, f.machine.Snapshot()
	}
	i := sort.Search(len(f.history), func(i int) bool { return f.history[i].epoch >= epoch })
	if i == len(f.history) || f.history[i].epoch != epoch {
		if epoch == f.r.snaps.epoch() {
			return nil, nil
		}
		return nil, fmt.Errorf("epoch %d: %w", epoch, ErrCheckpointTooOld)
	}
	p := f.history[i]
	if raftIndex != 0 && raftIndex != p.index {
		return nil, fmt.Errorf("epoch %d is entry %d, not %d: %w", epoch, p.index, raftIndex,
			ErrCheckpointTooOld)
	}
	c := configIndex(f.configs, p.index)
	if c < 0 {
		return nil, fmt.Errorf("epoch %d: members of the group are not known", epoch)
	}
	w := f.window.asOf(epoch)
	return &manifest{
		Epoch: p.epoch, Clock: p.clock, Index: p.index, Term: p.term, Sum: p.sum,
		Config: f.configs[c].config, ConfigIndex: f.configs[c].index,
		Floor: w.floor, Writes: encodeWrites(&w), State: state,
	}, nil
}

// configIndex gives the place of the configuration as of an entry, -1 if none.
func configIndex(configs []configAt, index uint64) int {
	i := len(configs) - 1
	for i >= 0 && configs[i].index > index {
		i--
	}
	return i
}

// forget drops what only checkpoints before m needed.
func (f *fsm) forget(m *manifest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := sort.Search(len(f.history), func(i int) bool { return f.history[i].epoch > m.Epoch })
	f.history = slices.Clone(f.history[i:])
	if c := configIndex(f.configs, m.Index); c > 0 {
		f.configs = slices.Clone(f.configs[c:])
	}
	f.window.forget(m.Epoch)
}

// recycle gives the log before a checkpoint back. With several members some of it
// stays, so that one that lags a little needs no snapshot.
func (r *Replica) recycle(m *manifest) error {
	first, err := r.store.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	end, err := r.store.LastIndex()
	if err != nil {
		return err
	}
	// The store takes the drop of all entries for the drop of a suffix, which would
	// forget the index and term that the log goes on from: one entry stays.
	last := min(m.Index, end-1)
	if len(m.Config.Servers) > 1 {
		last -= min(last, r.cfg.Limits.Trailing)
	}
	if last < first {
		return nil
	}
	if err := r.store.DeleteRange(first, last); err != nil {
		return fmt.Errorf("recycle the log up to entry %d: %w", last, err)
	}
	return nil
}

// sums remembers the checksums of the newest epochs.
type sums struct {
	ring [sumRing]struct {
		epoch log.Epoch
		sum   uint64
	}
}

// sumRing is some seconds of epochs at full speed, enough for replicas to compare.
const sumRing = 8192

func (s *sums) put(e log.Epoch, sum uint64) {
	x := &s.ring[e%sumRing]
	x.epoch, x.sum = e, sum
}

// EpochChecksum gives the rolling checksum of all epochs up to e: of the entries,
// what was decided, the offsets assigned. It is equal on all replicas. ok is false
// when e is not applied here or too old.
func (r *Replica) EpochChecksum(e log.Epoch) (sum uint64, ok bool) {
	r.fsm.mu.Lock()
	defer r.fsm.mu.Unlock()
	x := &r.fsm.sums.ring[e%sumRing]
	return x.sum, e != 0 && x.epoch == e
}

// Retain proposes to forget the rows that the streams' retention is over for. The
// leader alone does so; the files go with the next checkpoint.
func (r *Replica) Retain(ctx context.Context) error {
	if !r.IsLeader() || r.closing.Load() {
		return nil
	}
	_, clock := r.Applied()
	trims := r.set.Retain(max(clock, r.cfg.Clock.NowMicros()))
	if len(trims) == 0 {
		return nil
	}
	t := &log.Txn{Trims: trims}
	_, err := r.commit.propose(ctx, t, log.TxnBytes(t))
	if errors.Is(err, log.ErrNotLeader) {
		return nil
	}
	return err
}
