package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/wal"
)

// committer collects what sessions propose into entries. There is no linger: an
// entry is closed as soon as Raft can take it, and what arrives meanwhile makes the
// next one. Two goroutines: run fills entries, complete hands out results in order.
type committer struct {
	r *Replica

	mu    sync.Mutex
	queue []*pending // guarded by mu
	wake  chan struct{}

	budget budget
	flight chan *inFlight // entries given to Raft; its capacity bounds them
	stop   chan struct{}
	done   sync.WaitGroup
	idle   chan struct{} // closed when both goroutines have ended

	// Owned by run.
	clock  int64
	chains uint64
	node   uint64
	// pressed: the disk was full at the last entry.
	pressed bool

	entries, txns, bytes atomic.Int64
}

// pending is a transaction that waits in Propose.
type pending struct {
	txn   *log.Txn
	bytes int
	state atomic.Int32
	done  chan outcome // capacity 1
}

// The states of a pending transaction: only a waiting one can be withdrawn.
const (
	stateWaiting = iota
	stateTaken
	stateWithdrawn
)

// inFlight is an entry, or a chain, that Raft has.
type inFlight struct {
	futures []raft.ApplyFuture // parts first; the last one closes
	txns    []*pending
}

func newCommitter(r *Replica) *committer {
	c := &committer{
		r: r, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		idle:   make(chan struct{}),
		flight: make(chan *inFlight, max(1, r.cfg.Limits.InFlightEntries-1)),
		node:   xxh3.HashString(r.cfg.NodeID) << 32,
	}
	c.budget.free = r.cfg.Limits.InFlightBytes
	c.budget.size = c.budget.free
	c.done.Add(2)
	go c.run()
	go c.complete()
	go func() { c.done.Wait(); close(c.idle) }()
	return c
}

// halt takes no more; what Raft has goes on.
func (c *committer) halt() { close(c.stop) }

// close refuses what waits, after the two goroutines have ended.
func (c *committer) close() {
	c.mu.Lock()
	waiting := c.queue
	c.queue = nil
	c.mu.Unlock()
	for _, p := range waiting {
		c.answer(p, outcome{err: log.ErrStopped})
	}
}

// propose commits on this node, which must lead.
func (c *committer) propose(ctx context.Context, t *log.Txn, bytes int) (log.Result, error) {
	if err := c.budget.acquire(ctx, c.stop, int64(bytes)); err != nil {
		return log.Result{}, err
	}
	p := &pending{txn: t, bytes: bytes, done: make(chan outcome, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, p)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	select {
	case o := <-p.done:
		return o.result, o.err
	case <-ctx.Done():
		if p.state.CompareAndSwap(stateWaiting, stateWithdrawn) {
			c.budget.release(int64(bytes))
		}
		return log.Result{}, ctx.Err()
	case <-c.stop:
		// close answers, or Raft did; whichever comes first.
		select {
		case o := <-p.done:
			return o.result, o.err
		case <-c.r.closed:
			return log.Result{}, fmt.Errorf("%w: the node is closed", log.ErrUnknownOutcome)
		}
	}
}

func (c *committer) answer(p *pending, o outcome) {
	if p.state.Load() != stateWithdrawn {
		c.budget.release(int64(p.bytes))
		p.done <- o
	}
}

// take gives the transactions of the next entry; nil at stop.
func (c *committer) take() []*pending {
	for {
		if batch := c.cut(); len(batch) > 0 {
			return batch
		}
		select {
		case <-c.wake:
		case <-c.stop:
			return nil
		}
	}
}

// cut takes waiting transactions up to the target size of an entry, at least one.
func (c *committer) cut() []*pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	var batch []*pending
	size, i := log.EntryHeaderBytes, 0
	for ; i < len(c.queue); i++ {
		p := c.queue[i]
		if len(batch) > 0 && size+p.bytes > log.TargetEntryBytes {
			break
		}
		if p.state.CompareAndSwap(stateWaiting, stateTaken) {
			batch = append(batch, p)
			size += p.bytes
		}
	}
	rest := copy(c.queue, c.queue[i:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	return batch
}

func (c *committer) run() {
	defer c.done.Done()
	defer close(c.flight)
	for {
		batch := c.take()
		if batch == nil {
			return
		}
		if batch = c.refuseWhenFull(batch); len(batch) == 0 {
			continue
		}
		f := &inFlight{txns: batch}
		c.submit(f)
		c.flight <- f
	}
}

// submit encodes an entry and gives it to Raft, which blocks while it is busy with
// the entry before: that is when the queue fills.
func (c *committer) submit(f *inFlight) {
	size := log.EntryHeaderBytes
	txns := make([]*log.Txn, len(f.txns))
	for i, p := range f.txns {
		txns[i] = p.txn
		size += p.bytes
	}
	c.clock = max(c.clock, c.r.cfg.Clock.NowMicros())
	buf := log.AppendEntry(make([]byte, 0, size), c.clock, txns)
	c.entries.Add(1)
	c.txns.Add(int64(len(txns)))
	c.bytes.Add(int64(len(buf)))
	if len(buf) <= log.MaxEntryBytes {
		f.futures = []raft.ApplyFuture{c.r.raft.ApplyLog(raft.Log{Data: buf}, 0)}
		return
	}
	c.chains++
	id, total := c.node|c.chains&(1<<32-1), uint64(len(buf))
	for n := uint32(0); len(buf) > 0; n++ {
		data := buf[:min(len(buf), log.TargetEntryBytes)]
		buf = buf[len(data):]
		part := log.AppendPart(make([]byte, 0, log.EntryHeaderBytes+len(data)),
			log.Part{Chain: id, Number: n, Closes: len(buf) == 0, Total: total, Data: data})
		f.futures = append(f.futures, c.r.raft.ApplyLog(raft.Log{Data: part}, 0))
	}
}

// complete waits for the entries in order and answers their proposers.
func (c *committer) complete() {
	defer c.done.Done()
	for f := range c.flight {
		c.settle(f)
	}
}

// settle needs the closing future alone: a chain is applied if and only if its
// closing part is, and a part that was lost makes the closing one say so.
func (c *committer) settle(f *inFlight) {
	last := f.futures[len(f.futures)-1]
	var got applied
	if err := last.Error(); err != nil {
		got.err = translate(err)
	} else {
		got = last.Response().(applied)
	}
	for i, p := range f.txns {
		if got.err != nil {
			c.answer(p, outcome{err: got.err})
		} else {
			c.answer(p, got.outcomes[i])
		}
	}
}

// translate gives the log's error for Raft's.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout),
		errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return log.ErrNotLeader
	case wal.IsDiskFull(err):
		return fmt.Errorf("%w: %w", log.ErrDiskFull, err)
	}
	return fmt.Errorf("%w: %w", log.ErrUnknownOutcome, err)
}

// budget bounds bytes; those who wait get them in order of arrival.
type budget struct {
	mu         sync.Mutex
	size, free int64
	queue      []*claim
}

type claim struct {
	n  int64
	ok chan struct{}
}

func (b *budget) acquire(ctx context.Context, stop <-chan struct{}, n int64) error {
	n = min(n, b.size)
	b.mu.Lock()
	if len(b.queue) == 0 && b.free >= n {
		b.free -= n
		b.mu.Unlock()
		return nil
	}
	cl := &claim{n, make(chan struct{})}
	b.queue = append(b.queue, cl)
	b.mu.Unlock()
	var err error
	select {
	case <-cl.ok:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-stop:
		err = log.ErrStopped
	}
	b.mu.Lock()
	for i, x := range b.queue {
		if x == cl {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			b.grantLocked()
			b.mu.Unlock()
			return err
		}
	}
	b.mu.Unlock()
	b.release(n) // it was granted while the caller gave up
	return err
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	b.free += min(n, b.size)
	b.grantLocked()
	b.mu.Unlock()
}

func (b *budget) grantLocked() {
	for len(b.queue) > 0 && b.queue[0].n <= b.free {
		b.free -= b.queue[0].n
		close(b.queue[0].ok)
		b.queue = b.queue[1:]
	}
}
