package exec

import (
	"sync"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
)

// graph is the running form of one plan: stages of shards. Rows enter at scans,
// flow through fused operators inside a shard, and change shards only between
// stages, by hash of a key.
//
// One goroutine drives a graph. Within a stage the shards may run in parallel;
// each writes only to its own places of the next stage's inboxes, which are
// read in shard order, so that the order of rows does not depend on timing.
type graph struct {
	stages []*stage // inputs first
	scans  []*scan
	// statics push rows that are there from the start (VALUES); run once.
	statics []func() error
	envs    []*expr.Env // of all shards, to set the epoch's clock
	began   bool
	saved   bool     // a checkpoint has the operators' state, or is about to
	at      progress // of the last epoch
}

// stage is a set of shards that do the same on disjoint keys.
type stage struct {
	shards []*shard
}

// shard is one chain of operators.
type shard struct {
	ops     []op.Op // inputs first
	inputs  []input // in the order of draining: right sides of joins first
	writers []*exchangeWriter
	touched bool // had input in this epoch
	err     error
}

// input is a place where rows wait for a shard.
type input interface {
	// drain pushes what waits; waiting counts its rows.
	drain() error
	waiting() int
}

// scan is a plan.Scan of the graph: one port per shard.
type scan struct {
	rel     *relation // as it was when the graph was made; history is read from it
	live    *relation // as it is now: the loop's
	columns []int     // of the relation, as in plan.Scan
	timed   bool      // the relation's watermark counts
	ports   []*scanPort
}

// scanPort feeds one shard from a source.
type scanPort struct {
	scanner *scanner
	queue   []*rows
}

func (p *scanPort) waiting() int {
	n := 0
	for _, r := range p.queue {
		n += r.b.Rows()
	}
	return n
}

func (p *scanPort) drain() error {
	for i, r := range p.queue {
		p.queue[i] = nil
		if err := p.scanner.push(r); err != nil {
			return err
		}
	}
	p.queue = p.queue[:0]
	return nil
}

// feed queues rows of the scan's relation for the next flow.
func (s *scan) feed(r *rows) {
	p := s.ports[int(r.part)%len(s.ports)]
	p.queue = append(p.queue, r)
}

// inbox holds what the shards of the stage before sent to one shard.
type inbox struct {
	sink op.Sink
	from [][]*batch.Batch // by sending shard
}

func (x *inbox) waiting() int {
	n := 0
	for _, bs := range x.from {
		for _, b := range bs {
			n += b.N
		}
	}
	return n
}

func (x *inbox) drain() error {
	for i, bs := range x.from {
		for _, b := range bs {
			if err := x.sink.Push(b); err != nil {
				return err
			}
		}
		x.from[i] = bs[:0]
	}
	return nil
}

// flow moves what was fed through all stages, without ending the epoch.
func (g *graph) flow(pool *pool) error { return g.run(pool, nil) }

// endEpoch moves what was fed through all stages and ends the epoch in each.
func (g *graph) endEpoch(pool *pool, e op.Epoch) error {
	for _, env := range g.envs {
		env.Now, env.Epoch = e.Clock, e.N
	}
	// Time does not go back, though a source that was idle may.
	e.Watermark, e.Front = max(e.Watermark, g.at.last), max(e.Front, g.at.front)
	err := g.run(pool, &e)
	g.began, g.at = true, progress{e.Watermark, e.Front}
	return err
}

// epochOf describes an epoch to operators.
func epochOf(n log.Epoch, clock int64, at progress) op.Epoch {
	return op.Epoch{N: uint64(n), Clock: clock, Watermark: at.last, Front: at.front}
}

// moves tells whether p is later than what the last epoch had.
func (g *graph) moves(p progress) bool { return p.last > g.at.last || p.front > g.at.front }

func (g *graph) run(pool *pool, e *op.Epoch) error {
	for _, st := range g.stages {
		pending := 0
		for _, sh := range st.shards {
			for _, in := range sh.inputs {
				pending += in.waiting()
			}
		}
		all := e != nil && (!g.began || g.moves(progress{e.Watermark, e.Front}) || e.Bounded)
		pool.each(len(st.shards), pending, func(i int) {
			sh := st.shards[i]
			sh.err = sh.run(e, all)
		})
		for _, sh := range st.shards {
			if sh.err != nil {
				return sh.err
			}
		}
	}
	return nil
}

// run drains the inputs; with e it ends the epoch in the operators, if there was
// input or all is set.
func (s *shard) run(e *op.Epoch, all bool) (err error) {
	defer state.Catch(&err)
	for _, in := range s.inputs {
		if in.waiting() == 0 {
			continue
		}
		s.touched = true
		if err := in.drain(); err != nil {
			return err
		}
	}
	if e != nil && (s.touched || all) {
		s.touched = false
		for _, o := range s.ops {
			if err := o.EndEpoch(*e); err != nil {
				return err
			}
		}
	}
	for _, w := range s.writers {
		w.flush()
	}
	return nil
}

func (g *graph) usage() op.Usage {
	var u op.Usage
	for _, st := range g.stages {
		for _, sh := range st.shards {
			for _, o := range sh.ops {
				m := o.Memory()
				u.Bytes += m.Bytes
				u.Rows += m.Rows
			}
		}
	}
	return u
}

func (g *graph) close() {
	for _, st := range g.stages {
		for _, sh := range st.shards {
			for _, o := range sh.ops {
				o.Close()
			}
		}
	}
}

// parallelRows is the number of waiting rows from which on a stage is worth
// several goroutines: starting and joining them costs about a microsecond each,
// a row some 10 to 100 ns.
const parallelRows = 2 * batch.MaxRows

// pool bounds the goroutines that run big stages.
type pool struct {
	workers int
}

// each calls fn for 0 to n-1: in order on this goroutine when there is little to
// do, else on several. It returns when all calls have.
func (p *pool) each(n, rows int, fn func(i int)) {
	if p == nil || p.workers <= 1 || n == 1 || rows < parallelRows {
		for i := range n {
			fn(i)
		}
		return
	}
	var wg sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range min(p.workers, n) {
		wg.Go(func() {
			for i := range next {
				fn(i)
			}
		})
	}
	wg.Wait()
}
