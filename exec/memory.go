package exec

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// The memory budget (Config.MemoryBytes) is kept in steps, each only when the one
// before was not enough:
//
//  1. Operators and arrangements move their cold memory to the spill file: each its
//     own while it takes input (account.Push), the loop that of all at the end of an
//     epoch, what was used longest ago first (relieve).
//  2. A checkpoint is made early: it seals the log's tails and empties the lists of
//     what is to be saved.
//  3. The loop waits for the checkpoint in progress, and with it every writer.
//  4. If the state that cannot move exceeds the whole budget, the heaviest query
//     fails with 53200.
//
// What is in memory never changes an answer, so that replicas may differ in it.

// account is an operator with its part of the budget. Whoever pushes holds no
// pointers into the operator's stores: there they may do with less memory.
type account struct {
	op.Op
	mem *state.Memory
}

// open gives an operator's context an account of its own.
func (b *builder) open(ctx *op.Context) *op.Context {
	own := *ctx
	own.Mem = ctx.Mem.Account()
	return &own
}

// Push implements op.Op.
func (a *account) Push(in int, b *batch.Batch) error {
	a.mem.Relax()
	return a.Op.Push(in, b)
}

// EndEpoch implements op.Op.
func (a *account) EndEpoch(e op.Epoch) error {
	a.mem.Relax()
	return a.Op.EndEpoch(e)
}

// Save implements op.Op.
func (a *account) Save(w *state.Writer) (err error) {
	defer state.Catch(&err)
	return a.Op.Save(w)
}

// Load implements op.Op.
func (a *account) Load(r *state.Reader) (err error) {
	defer state.Catch(&err)
	r.Relax = a.mem.Relax
	return a.Op.Load(r)
}

// Close implements op.Op.
func (a *account) Close() {
	a.Op.Close()
	a.mem.Drop()
}

// accounts lists the accounts of a graph.
func (g *graph) accounts(out []*state.Memory) []*state.Memory {
	for _, st := range g.stages {
		for _, sh := range st.shards {
			for _, o := range sh.ops {
				if a, ok := o.(*account); ok {
					out = append(out, a.mem)
				}
			}
		}
	}
	return out
}

// spilled gives the bytes of a graph's state that are in the spill file.
func (g *graph) spilled() int64 {
	n := int64(0)
	for _, m := range g.accounts(nil) {
		n += m.Spilled()
	}
	return n
}

// pressure is what the loop knows about the budget.
type pressure struct {
	epochs    int          // since the size of the rest was looked at
	bytes     int          // of input since
	other     int64        // the rest, when it was looked at last
	stalls    atomic.Int64 // times that the loop waited for memory
	condemned catalog.OID
}

// Memory beside the state is looked at after so many epochs or bytes of input.
const (
	measureEpochs = 16
	measureBytes  = 1 << 20
)

// stateShare is the part of the budget that state has at least, however large the
// rest is: with less, every look would be a read.
const stateShare = 4

// MemoryUse is what the budget is used for, for metrics.
type MemoryUse struct {
	Limit    int64 // what state may use now; 0: no limit
	Used     int64 // bytes of state in memory
	Spilled  int64 // bytes of state in the spill file
	MovedOut int64 // bytes written to the spill file since the start
	MovedIn  int64 // bytes read back
	Stalls   int64 // times that writers waited for memory
}

// MemoryUse gives the present use of memory.
func (e *Engine) MemoryUse() MemoryUse {
	out, in := e.memory.Moved()
	return MemoryUse{
		Limit: e.memory.Limit(), Used: e.memory.Used(), Spilled: e.memory.Spilled(), MovedOut: out, MovedIn: in,
		Stalls: e.pressure.stalls.Load(),
	}
}

// measure gives state what the rest of the process leaves of the budget.
func (e *Engine) measure(w epochWork) {
	p := &e.pressure
	p.epochs++
	p.bytes += w.bytes
	if e.cfg.OtherBytes == nil || p.epochs < measureEpochs && p.bytes < measureBytes {
		return
	}
	p.epochs, p.bytes = 0, 0
	limit := e.cfg.MemoryBytes
	p.other = e.cfg.OtherBytes()
	e.memory.SetTarget(max(limit-p.other, limit/stateShare))
}

// restTooLarge tells whether what is not state takes more than state leaves to it,
// and a checkpoint would help.
func (e *Engine) restTooLarge() bool {
	limit := e.cfg.MemoryBytes
	return e.pressure.other > limit-limit/stateShare-limit/8 &&
		(e.saved.running.Load() || e.saved.bytes > e.cfg.CheckpointBytes/2)
}

// relieve keeps the budget at the end of an epoch. No operator that runs with the
// loop is in the middle of anything.
func (e *Engine) relieve(w epochWork) error {
	m := e.memory
	m.Tick()
	if e.cfg.MemoryBytes == 0 {
		return nil
	}
	e.measure(w)
	if e.restTooLarge() {
		e.pressure.other = 0 // until it is looked at again
		return e.squeeze(w)
	}
	if !m.Over() {
		e.pressure.condemned = 0
		return nil
	}
	e.evictColdest(m.Used() - m.Limit() + m.Limit()/16)
	if !m.Over() {
		return nil
	}
	return e.squeeze(w)
}

// evictColdest moves about want bytes of what the loop owns to the spill file.
func (e *Engine) evictColdest(want int64) {
	type cold struct {
		mem   *state.Memory
		evict func(int64) int64
		seen  int64
		used  int64
	}
	var all []cold
	for _, q := range e.order {
		if q.graph == nil || q.back != nil || q.lag != nil {
			continue
		}
		for _, m := range q.graph.accounts(nil) {
			all = append(all, cold{m, m.Evict, m.Seen(), m.Used()})
		}
	}
	for _, r := range e.rels {
		for _, a := range r.arrangements() {
			m := a.Memory()
			all = append(all, cold{m, a.Evict, m.Seen(), m.Used()})
		}
	}
	slices.SortFunc(all, func(a, b cold) int {
		return cmp.Or(cmp.Compare(a.seen, b.seen), cmp.Compare(b.used, a.used))
	})
	for _, c := range all {
		if want <= 0 {
			return
		}
		want -= c.evict(want)
	}
}

// squeeze is what is left when state cannot move: an early checkpoint, waiting for
// it, and at last the end of the heaviest query.
func (e *Engine) squeeze(w epochWork) error {
	s := &e.saved
	if !s.running.Load() && s.bytes > 0 && !e.checkpointWaits() {
		if err := e.checkpoint(w.in.Epoch, w.in.Clock, w.in.RaftIndex, w.snap); err != nil {
			return err
		}
	}
	e.pressure.stalls.Add(1)
	s.wait(e.ctx)
	if e.memory.Used() <= e.cfg.MemoryBytes*5/4 || e.pressure.condemned != 0 || !e.log.Leading() {
		return nil
	}
	if q := e.heaviest(); q != nil {
		e.pressure.condemned = q.cat.OID
		e.proposeFailed(e.ctx, q.oid, q.cat.Turn, errOutOfMemory(e.cfg.MemoryBytes))
	}
	return nil
}

// heaviest finds the query with the most state in memory.
func (e *Engine) heaviest() *query {
	var worst *query
	most := int64(0)
	for _, q := range e.order {
		if q.graph == nil {
			continue
		}
		n := int64(0)
		for _, m := range q.graph.accounts(nil) {
			n += m.Used()
		}
		if n > most {
			worst, most = q, n
		}
	}
	return worst
}

func errOutOfMemory(limit int64) *sqlerr.Error {
	return sqlerr.New(sqlerr.OutOfMemory,
		"the state of continuous queries exceeds the memory budget of %d MiB", limit>>20).
		WithHint("Raise --memory, or let the query keep less: a shorter window, a WITHIN, " +
			"fewer columns.")
}

// full tells whether a partition of a table or view has little room left.
func (r *relation) full() bool {
	return slices.ContainsFunc(r.arrangements(), (*state.Arrangement).Full)
}

func errTargetFull(c *catalog.Relation) *sqlerr.Error {
	return sqlerr.New(sqlerr.OutOfMemory, "a partition of %q is full", c.Name).
		WithHint("Create it anew with more partitions.")
}

func errStateFull(cause error) *sqlerr.Error {
	return sqlerr.Wrap(cause, sqlerr.OutOfMemory, "%v", cause).
		WithHint("Use more partitions, or let the query keep less: a shorter window, a WITHIN, " +
			"fewer columns.")
}
