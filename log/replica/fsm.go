package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/segment"
)

// fsm is the deterministic state machine behind Raft. Raft calls Apply from one
// goroutine. No I/O, no clock, no randomness, no map order.
type fsm struct {
	r       *Replica
	set     *segment.Set
	machine log.Machine

	// mu guards the fields below for readers outside of Apply. It is not held while
	// the machine is called with a finished epoch, which may block.
	mu     sync.Mutex
	epoch  log.Epoch
	clock  int64
	index  uint64 // of the last entry
	sum    uint64 // rolling checksum of all epochs
	window window
	chain  chain
	// history has one point per epoch since the last checkpoint, which may be asked
	// for at any of them.
	history []point
	configs []configAt // ascending; the first is the one of the last checkpoint
	waiters []waiter
	sums    sums
	failed  error // why the machine stopped for good
}

// point is what a checkpoint must know of an epoch.
type point struct {
	epoch log.Epoch
	clock int64
	index uint64
	term  uint64
	sum   uint64
}

type configAt struct {
	index  uint64
	config raft.Configuration
}

type waiter struct {
	epoch log.Epoch
	done  chan struct{}
}

// outcome is what became of one transaction of an entry.
type outcome struct {
	result log.Result
	err    error
}

// applied is the response of Apply for a closing entry.
type applied struct {
	outcomes []outcome
	err      error
}

var (
	_ raft.FSM                = (*fsm)(nil)
	_ raft.ConfigurationStore = (*fsm)(nil)
)

// errBrokenChain: the parts before a closing part are not all there, because
// another leader came between. Nothing was applied.
var errBrokenChain = fmt.Errorf("chain of parts was interrupted: %w", log.ErrNotLeader)

// Apply implements raft.FSM.
func (f *fsm) Apply(l *raft.Log) any {
	f.mu.Lock()
	if f.failed != nil || f.r.closing.Load() {
		err := f.failed
		f.mu.Unlock()
		if err == nil {
			// The entry is committed, and applied after the next start.
			err = fmt.Errorf("%w: the node is closing", log.ErrUnknownOutcome)
		}
		return applied{err: err}
	}
	buf, whole, err := f.chain.take(l.Data)
	if err == nil && !whole {
		f.index = l.Index
		f.mu.Unlock()
		return applied{}
	}
	if errors.Is(err, errBrokenChain) {
		f.index = l.Index
		f.mu.Unlock()
		return applied{err: err}
	}
	var e *log.Entry
	if err == nil {
		e, err = log.DecodeEntry(buf)
	}
	if err != nil {
		err = fmt.Errorf("entry %d: %w: %w", l.Index, log.ErrStopped, err)
		f.failed = err
		f.mu.Unlock()
		f.r.fail(err)
		return applied{err: err}
	}
	in, out := f.entry(l, e, binary.LittleEndian.Uint32(buf[8:]))
	f.mu.Unlock()
	if in != nil {
		f.machine.ApplyEpoch(in)
		f.wake(in.Epoch)
	}
	return applied{outcomes: out}
}

// entry applies a whole entry. It makes an epoch if a transaction that does
// something was accepted; the input is nil otherwise.
func (f *fsm) entry(l *raft.Log, e *log.Entry, crc uint32) (*log.EpochInput, []outcome) {
	f.index = l.Index
	in := &log.EpochInput{
		Epoch: f.epoch + 1, Clock: max(e.Clock, f.clock), RaftIndex: l.Index,
	}
	out := make([]outcome, len(e.Txns))
	verdicts := make([]byte, len(e.Txns))
	makes := false
	for i, t := range e.Txns {
		out[i], verdicts[i] = f.txn(in, t)
		makes = makes || verdicts[i] == verdictWrites
	}
	if !makes {
		for i := range out {
			out[i].result.Epoch, out[i].result.Clock = f.epoch, f.clock
		}
		return nil, out
	}
	f.epoch, f.clock = in.Epoch, in.Clock
	f.sum = f.nextSum(in, crc, verdicts)
	f.sums.put(f.epoch, f.sum)
	f.history = append(f.history, point{f.epoch, f.clock, l.Index, l.Term, f.sum})
	return in, out
}

// Verdicts on a transaction, part of the epoch's checksum.
const (
	verdictRefused = iota
	verdictEmpty
	verdictWrites
)

func (f *fsm) txn(in *log.EpochInput, t *log.Txn) (outcome, byte) {
	refuse := func(err error) (outcome, byte) { return outcome{err: err}, verdictRefused }
	if f.window.conflicts(t) {
		return refuse(log.ErrConflict)
	}
	if t.Command == nil {
		if err := f.missing(t); err != nil {
			return refuse(err)
		}
	}
	res := log.Result{Epoch: in.Epoch, Clock: in.Clock}
	if t.Command != nil {
		output, effects, err := f.machine.ApplyCommand(in.Epoch, in.Clock, t.Command)
		if err != nil {
			return refuse(err)
		}
		f.effects(in.Epoch, &effects)
		in.Commands = append(in.Commands, log.Command{Bytes: t.Command, Output: output,
			Before: len(in.Blocks)})
		res.Output = output
	}
	var lost error
	for _, b := range t.Blocks {
		if err := f.block(in, b); err != nil {
			lost = err
		}
	}
	for _, x := range t.Trims {
		f.set.Trim(x, in.Epoch)
	}
	f.window.add(in.Epoch, t.Writes)
	if t.Command == nil && len(t.Blocks) == 0 && len(t.Trims) == 0 && !t.Clock {
		return outcome{result: res}, verdictEmpty
	}
	// lost can only be a block for a stream that the transaction's own command did
	// not create, which is an error of the proposer; it is told.
	return outcome{result: res, err: lost}, verdictWrites
}

// missing refuses blocks for partitions that do not exist (any more).
func (f *fsm) missing(t *log.Txn) error {
	for _, b := range t.Blocks {
		if !f.set.Exists(b.Partition) {
			return fmt.Errorf("partition %s: %w", b.Partition, log.ErrNoPartition)
		}
	}
	return nil
}

func (f *fsm) block(in *log.EpochInput, b *log.Block) error {
	if !f.set.Exists(b.Partition) {
		return fmt.Errorf("partition %s: %w", b.Partition, log.ErrNoPartition)
	}
	if err := f.set.Append(b, in.Epoch, in.Clock); err != nil {
		return err
	}
	in.Blocks = append(in.Blocks, b)
	return nil
}

func (f *fsm) effects(at log.Epoch, e *log.Effects) {
	for _, spec := range e.Create {
		f.set.Create(spec, at)
	}
	for _, spec := range e.Alter {
		f.set.Alter(spec, at)
	}
	for _, id := range e.Truncate {
		f.set.Truncate(id, at)
	}
	for _, id := range e.Drop {
		f.set.Drop(id, at)
	}
}

// nextSum chains the checksum: what the entry was (by its CRC), what was decided,
// where the rows went. Those of fed streams go after derived ones, later.
func (f *fsm) nextSum(in *log.EpochInput, crc uint32, verdicts []byte) uint64 {
	b := make([]byte, 0, 64+24*len(in.Blocks)+len(verdicts))
	le := binary.LittleEndian
	b = le.AppendUint64(b, f.sum)
	b = le.AppendUint64(b, uint64(in.Epoch))
	b = le.AppendUint64(b, uint64(in.Clock))
	b = le.AppendUint32(b, crc)
	b = append(b, verdicts...)
	for _, x := range in.Blocks {
		b = le.AppendUint32(b, uint32(x.Partition.Stream))
		b = le.AppendUint32(b, x.Partition.Part)
		base := uint64(0)
		if !f.set.Fed(x.Partition.Stream) {
			base = uint64(x.Base)
		}
		b = le.AppendUint64(b, base)
		b = le.AppendUint32(b, uint32(x.Rows))
	}
	for _, c := range in.Commands {
		b = le.AppendUint64(b, xxh3.Hash(c.Output))
	}
	return xxh3.Hash(b)
}

// StoreConfiguration implements raft.ConfigurationStore.
func (f *fsm) StoreConfiguration(index uint64, c raft.Configuration) {
	f.mu.Lock()
	f.configs = append(f.configs, configAt{index, c})
	f.mu.Unlock()
}

// wake lets those go on who wait for an epoch.
func (f *fsm) wake(e log.Epoch) {
	f.mu.Lock()
	rest := f.waiters[:0]
	for _, w := range f.waiters {
		if w.epoch <= e {
			close(w.done)
		} else {
			rest = append(rest, w)
		}
	}
	clear(f.waiters[len(rest):])
	f.waiters = rest
	f.mu.Unlock()
}

// waitFor gives a channel that is closed when epoch e is applied; nil if it is.
func (f *fsm) waitFor(e log.Epoch) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e <= f.epoch {
		return nil
	}
	w := waiter{e, make(chan struct{})}
	f.waiters = append(f.waiters, w)
	return w.done
}

// chain joins the parts of a big entry. Any whole entry, and any part that does not
// follow, ends it: parts of one chain come without entries between, unless the
// leader changed.
type chain struct {
	id   uint64
	next uint32
	buf  []byte
}

// take gives the bytes of a whole entry, or whole == false inside a chain.
func (c *chain) take(data []byte) (buf []byte, whole bool, err error) {
	part, err := log.IsPart(data)
	if err != nil {
		return nil, false, err
	}
	if !part {
		*c = chain{}
		return data, true, nil
	}
	p, err := log.DecodePart(data)
	if err != nil {
		return nil, false, err
	}
	if p.Number == 0 {
		*c = chain{id: p.Chain, buf: make([]byte, 0, min(p.Total, log.MaxChainBytes))}
	}
	if c.buf == nil || c.id != p.Chain || c.next != p.Number ||
		len(c.buf)+len(p.Data) > cap(c.buf) {
		*c = chain{}
		if p.Closes {
			return nil, false, errBrokenChain
		}
		return nil, false, nil
	}
	c.buf = append(c.buf, p.Data...)
	c.next++
	if !p.Closes {
		return nil, false, nil
	}
	buf = c.buf
	*c = chain{}
	return buf, true, nil
}
