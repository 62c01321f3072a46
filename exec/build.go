package exec

import (
	"context"
	"time"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
)

// maxShards bounds the shards of a stage that is partitioned by a key. It is a
// constant, not a property of the machine: rows of a stream come out in the same
// order on every node.
const maxShards = 8

// builder makes the graph of a plan, from the result down to the sources: an
// operator is made with the sink that it pushes to.
type builder struct {
	e       *Engine
	g       *graph
	shards  int // of stages partitioned by a key
	bounded bool
	// env is the model of the shards' environments.
	env        expr.Env
	onRowError func(f *expr.RowFailure) error

	// Bounded executions only.
	ctx     context.Context
	rd      *Read
	one     *op.Context // shared by all operators
	sources []func() error
	work    map[int]*workTable
}

// graphOptions are the choices for a continuous graph.
type graphOptions struct {
	onRowError func(f *expr.RowFailure) error
}

// newBuilder makes a builder for a continuous plan.
func newBuilder(e *Engine, o graphOptions) *builder {
	return &builder{
		e: e, g: &graph{at: noProgress}, onRowError: o.onRowError,
		env: expr.Env{Zone: time.UTC},
	}
}

// building is a stage while it is built.
type building struct {
	stage *stage
	ctxs  []*op.Context // by shard
}

func (b *builder) newStage(n int) *building {
	st := &building{stage: &stage{}}
	for range n {
		ctx := b.one
		if ctx == nil {
			own := b.env
			own.OnRowError = b.onRowError
			ctx = &op.Context{Env: &own, Mem: b.e.memory}
			b.g.envs = append(b.g.envs, &own)
		}
		st.ctxs = append(st.ctxs, ctx)
		st.stage.shards = append(st.stage.shards, &shard{})
	}
	b.g.stages = append(b.g.stages, st.stage)
	return st
}

// finish puts stages and operators, made from the result down, into the order of
// running.
func (b *builder) finish() *graph {
	reverse(b.g.stages)
	for _, st := range b.g.stages {
		for _, sh := range st.shards {
			reverse(sh.ops)
		}
	}
	return b.g
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// continuous builds the graph of a continuous query that ends in a target.
func (b *builder) continuous(p *plan.Continuous, t *target) (*graph, error) {
	b.shards = b.countShards(p.Root)
	n := len(t.parts)
	st := b.newStage(n)
	outs := make([]op.Sink, n)
	for i, part := range t.parts {
		if outs[i] = part; t.rel.isStream() {
			continue
		}
		ctx := b.open(st.ctxs[i])
		net := op.NewConsolidate(ctx, plan.Types(p.Root), part)
		if p.Touched {
			net.KeepTouched()
		}
		c := &account{net, ctx.Mem}
		st.add(i, c)
		outs[i] = port{c, 0}
	}
	var key []expr.Expr
	if len(p.Key) > 0 {
		key = columnExprs(p.Root, p.Key)
	} else if !t.rel.isStream() {
		key = columnExprs(p.Root, p.Columns)
	}
	if err := b.connect(st, outs, key, p.Root); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// add registers an operator of a shard.
func (st *building) add(i int, o op.Op) {
	sh := st.stage.shards[i]
	sh.ops = append(sh.ops, o)
}

func columnExprs(n plan.Node, ordinals []int) []expr.Expr {
	cols := n.Cols()
	out := make([]expr.Expr, len(ordinals))
	for i, o := range ordinals {
		out[i] = &expr.Col{Index: o, T: cols[o].Type, Name: cols[o].Name}
	}
	return out
}

// countShards chooses the width of keyed stages: the greatest number of
// partitions among the sources.
func (b *builder) countShards(n plan.Node) int {
	if b.bounded {
		return 1
	}
	most := 1
	if s, ok := n.(*plan.Scan); ok {
		most = max(s.Rel.Partitions, 1)
	}
	for _, in := range n.Inputs() {
		most = max(most, b.countShards(in))
	}
	return min(most, maxShards)
}

// width is the number of shards that a node runs in.
func (b *builder) width(n plan.Node) int {
	if b.bounded {
		return 1
	}
	switch x := n.(type) {
	case *plan.Scan:
		return max(x.Rel.Partitions, 1)
	case *plan.Filter, *plan.Project:
		return b.width(n.Inputs()[0])
	case *plan.FuncScan:
		if x.Input != nil {
			return b.width(x.Input)
		}
	case *plan.WindowAssign:
		if x.Kind != plan.Session {
			return b.width(x.Input)
		}
		return b.keyed(len(x.Keys))
	case *plan.Aggregate:
		if x.Sets == nil {
			return b.keyed(len(b.windowKey(x, x.Groups)))
		}
	case *plan.Distinct:
		return b.shards
	case *plan.Join:
		return b.keyed(len(x.LeftKeys))
	case *plan.SetOp:
		if x.Kind != plan.Union || !x.All {
			return b.shards
		}
		return b.widest(x.In)
	case *plan.Limit:
		return b.keyed(len(x.Partition))
	case *plan.Window:
		return b.keyed(len(x.Partition))
	case *plan.DistinctOn:
		return b.keyed(len(x.On))
	}
	return 1
}

func (b *builder) widest(in []plan.Node) int {
	n := 1
	for _, x := range in {
		n = max(n, b.width(x))
	}
	return n
}

func (b *builder) keyed(columns int) int {
	if columns == 0 {
		return 1
	}
	return b.shards
}

// connect builds a node's subtree so that its rows arrive at sinks, one per shard
// of st, by hash of key over the node's columns (no key: shard i to shard i, or
// all to the only one).
func (b *builder) connect(st *building, sinks []op.Sink, key []expr.Expr, n plan.Node) error {
	w := b.width(n)
	if w == len(sinks) && (w == 1 || len(key) == 0) {
		return b.build(st, sinks, n)
	}
	up := b.newStage(w)
	boxes := make([]*inbox, len(sinks))
	for i, s := range sinks {
		boxes[i] = &inbox{sink: s, from: make([][]*batch.Batch, w)}
		sh := st.stage.shards[i]
		sh.inputs = append(sh.inputs, boxes[i])
	}
	outs := make([]op.Sink, w)
	for i := range outs {
		x, err := newExchangeWriter(i, boxes, key, plan.Types(n), up.ctxs[i].Env)
		if err != nil {
			return err
		}
		up.stage.shards[i].writers = append(up.stage.shards[i].writers, x)
		outs[i] = x
	}
	return b.build(up, outs, n)
}

// port is one input of an operator as a sink.
type port struct {
	op op.Op
	in int
}

// Push implements op.Sink.
func (p port) Push(b *batch.Batch) error { return p.op.Push(p.in, b) }

// cancelable ends a bounded execution between two batches when its context does.
type cancelable struct {
	ctx context.Context
	out op.Sink
}

// Push implements op.Sink.
func (c cancelable) Push(b *batch.Batch) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.out.Push(b)
}

// stack makes one operator per shard in front of outs and gives their inputs.
func (b *builder) stack(st *building, outs []op.Sink,
	mk func(ctx *op.Context, out op.Sink) (op.Op, error),
) ([]op.Op, error) {
	ops := make([]op.Op, len(outs))
	for i, out := range outs {
		if b.bounded {
			out = cancelable{b.ctx, out}
		}
		ctx := b.open(st.ctxs[i])
		o, err := mk(ctx, out)
		if err != nil {
			return nil, err
		}
		ops[i] = &account{o, ctx.Mem}
		st.add(i, ops[i])
	}
	return ops, nil
}

// unary makes an operator with one input and builds the input, exchanged by key.
func (b *builder) unary(st *building, outs []op.Sink, key []expr.Expr, input plan.Node,
	mk func(ctx *op.Context, out op.Sink) (op.Op, error),
) error {
	ops, err := b.stack(st, outs, mk)
	if err != nil {
		return err
	}
	return b.connect(st, ports(ops, 0), key, input)
}

func ports(ops []op.Op, in int) []op.Sink {
	out := make([]op.Sink, len(ops))
	for i, o := range ops {
		out[i] = port{o, in}
	}
	return out
}

// scan adds a relation's scan.
func (b *builder) scan(st *building, outs []op.Sink, n *plan.Scan) error {
	if b.bounded {
		return b.boundedScan(outs[0], n)
	}
	rel := b.e.rels[n.Rel.OID]
	if rel == nil {
		return gone(n.Rel)
	}
	s := &scan{rel: rel, live: rel, columns: n.Columns, timed: n.P.Time >= 0 || rel.isStream()}
	for i, out := range outs {
		sc, err := newScanner(n, st.ctxs[i].Env, out)
		if err != nil {
			return err
		}
		p := &scanPort{scanner: sc}
		s.ports = append(s.ports, p)
		sh := st.stage.shards[i]
		sh.inputs = append(sh.inputs, p)
	}
	b.g.scans = append(b.g.scans, s)
	return nil
}

// need tells by ordinal which columns a scan reads.
func (s *scan) need() []bool { return needOf(s.columns, len(s.rel.types)) }

func needOf(columns []int, n int) []bool {
	need := make([]bool, n)
	for _, c := range columns {
		if c >= 0 {
			need[c] = true
		}
	}
	return need
}
