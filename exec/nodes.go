package exec

import (
	"slices"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// build makes a node's operators, one per sink, and its inputs.
func (b *builder) build(st *building, outs []op.Sink, n plan.Node) error { //tidy:long one case per node
	switch n := n.(type) {
	case *plan.Scan:
		return b.scan(st, outs, n)
	case *plan.SystemScan:
		return b.systemScan(outs[0], n)
	case *plan.Changelog:
		return b.changelog(outs[0], n)
	case *plan.Values:
		return b.values(st, outs, n)
	case *plan.Filter:
		return b.unary(st, outs, nil, n.Input, mapOf(op.MapConfig{Filter: n.Pred}))
	case *plan.Project:
		return b.project(st, outs, n)
	case *plan.FuncScan:
		return b.funcScan(st, outs, n)
	case *plan.WindowAssign:
		return b.windowAssign(st, outs, n)
	case *plan.Aggregate:
		return b.aggregate(st, outs, n)
	case *plan.Distinct:
		return b.distinct(st, outs, n)
	case *plan.Join:
		return b.join(st, outs, n)
	case *plan.Apply:
		return b.apply(st, outs, n)
	case *plan.SetOp:
		return b.setOp(st, outs, n)
	case *plan.Sort:
		return b.sort(st, outs, n)
	case *plan.Limit:
		return b.limit(st, outs, n)
	case *plan.Window:
		return b.window(st, outs, n)
	case *plan.DistinctOn:
		return b.distinctOn(st, outs, n)
	case *plan.Recursive:
		return b.recursive(st, outs, n)
	case *plan.WorkTable:
		return b.workTable(outs[0], n)
	}
	return sqlerr.New(sqlerr.InternalError, "plan node %T cannot run", n)
}

type makeOp = func(ctx *op.Context, out op.Sink) (op.Op, error)

func mapOf(cfg op.MapConfig) makeOp {
	return func(ctx *op.Context, out op.Sink) (op.Op, error) { return op.NewMap(ctx, cfg, out) }
}

// project fuses with a filter below.
func (b *builder) project(st *building, outs []op.Sink, n *plan.Project) error {
	if f, ok := n.Input.(*plan.Filter); ok {
		return b.unary(st, outs, nil, f.Input, mapOf(op.MapConfig{Filter: f.Pred, Exprs: n.Exprs}))
	}
	return b.unary(st, outs, nil, n.Input, mapOf(op.MapConfig{Exprs: n.Exprs}))
}

func (b *builder) values(st *building, outs []op.Sink, n *plan.Values) error {
	if t := b.work[brought]; t != nil && len(n.Rows) == 0 {
		b.sources = append(b.sources, func() error { return t.push(outs[0]) })
		return nil
	}
	cfg := op.ValuesConfig{Rows: n.Rows, Types: plan.Types(n)}
	_, err := b.stack(st, outs[:1], func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewValues(ctx, cfg, out)
	})
	return err
}

func (b *builder) windowAssign(st *building, outs []op.Sink, n *plan.WindowAssign) error {
	if n.Kind == plan.Session {
		key := columnExprs(n.Input, n.Keys)
		return b.unary(st, outs, key, n.Input, func(ctx *op.Context, out op.Sink) (op.Op, error) {
			return op.NewSession(ctx, op.SessionConfig{
				Input: plan.Types(n.Input), Keys: n.Keys, Time: n.Time, Gap: n.Size,
				Grace: n.Grace, LastEnd: n.LastEnd,
			}, out)
		})
	}
	cfg := op.WindowConfig{
		Kind: n.Kind, Time: n.Time, Size: n.Size, Slide: n.Slide, Offset: n.Offset,
		Input: plan.Types(n.Input), FromZero: n.FromZero,
	}
	return b.unary(st, outs, nil, n.Input, func(_ *op.Context, out op.Sink) (op.Op, error) {
		return op.NewWindowAssign(cfg, out), nil
	})
}

func (b *builder) aggregate(st *building, outs []op.Sink, n *plan.Aggregate) error {
	key := n.Groups
	if n.Sets != nil {
		key = nil
	}
	return b.unary(st, outs, b.windowKey(n, key), n.Input,
		func(ctx *op.Context, out op.Sink) (op.Op, error) {
			return op.NewAggregate(ctx, op.AggregateConfig{
				Groups: n.Groups, Sets: n.Sets, Aggs: n.Aggs, Window: n.Window,
				AppendOnly: n.Input.Props().AppendOnly, Touched: n.Touched,
			}, out)
		})
}

// windowKey leaves the window's bounds out of the exchange when the aggregate
// assigns windows itself: they are not columns of its input yet.
func (b *builder) windowKey(n *plan.Aggregate, key []expr.Expr) []expr.Expr {
	if n.Window == nil || n.Window.Slice == nil || key == nil {
		return key
	}
	out := []expr.Expr{}
	for i, k := range key {
		if i != n.Window.Start && i != n.Window.End {
			out = append(out, k)
		}
	}
	return out
}

func (b *builder) join(st *building, outs []op.Sink, n *plan.Join) error {
	cfg := op.JoinConfig{
		Kind: n.Kind, Left: plan.Types(n.Left), Right: plan.Types(n.Right),
		LeftKeys: n.LeftKeys, RightKeys: n.RightKeys, Residual: n.Residual, Within: n.Within,
		RightFirst: b.bounded && comesFirst(n.Right),
	}
	ops, err := b.stack(st, outs, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		if n.Temporal && !b.bounded {
			return op.NewTemporalJoin(ctx, op.TemporalJoinConfig{
				Kind: n.Kind, Left: cfg.Left, Right: cfg.Right, LeftKeys: n.LeftKeys,
				RightKeys: n.RightKeys, Residual: n.Residual, RightFirst: comesFirst(n.Right),
			}, out)
		}
		return op.NewJoin(ctx, cfg, out)
	})
	if err != nil {
		return err
	}
	// The right side first: what others look up is there before they do.
	if err := b.connect(st, ports(ops, 1), n.RightKeys, n.Right); err != nil {
		return err
	}
	return b.connect(st, ports(ops, 0), n.LeftKeys, n.Left)
}

func (b *builder) setOp(st *building, outs []op.Sink, n *plan.SetOp) error {
	if n.Kind == plan.Union && n.All {
		ops, err := b.stack(st, outs, func(_ *op.Context, out op.Sink) (op.Op, error) {
			return op.NewUnion(out), nil
		})
		if err != nil {
			return err
		}
		return b.unionAll(st, ops, n)
	}
	return b.countedSetOp(st, outs, n)
}

// unionAll connects the inputs so that a bounded result has the rows of the first
// one first, as clients expect: operators end the epoch in the reverse order of
// their making, sources are read in its order.
func (b *builder) unionAll(st *building, ops []op.Op, n *plan.SetOp) error {
	from := len(b.sources)
	var sources []func() error
	for i := len(n.In) - 1; i >= 0; i-- {
		if err := b.connect(st, ports(ops, i), nil, n.In[i]); err != nil {
			return err
		}
		sources = append(slices.Clone(b.sources[from:]), sources...)
		b.sources = b.sources[:from]
	}
	b.sources = append(b.sources, sources...)
	return nil
}

func (b *builder) countedSetOp(st *building, outs []op.Sink, n *plan.SetOp) error {
	cfg := op.SetOpConfig{Kind: n.Kind, All: n.All, Types: plan.Types(n)}
	ops, err := b.stack(st, outs, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewSetOp(ctx, cfg, out), nil
	})
	if err != nil {
		return err
	}
	for i, in := range n.In {
		if err := b.connect(st, ports(ops, i), allExprs(in), in); err != nil {
			return err
		}
	}
	return nil
}

// allExprs gives all columns of a node.
func allExprs(n plan.Node) []expr.Expr {
	cols := n.Cols()
	out := make([]expr.Expr, len(cols))
	for i, c := range cols {
		out[i] = &expr.Col{Index: i, T: c.Type, Name: c.Name}
	}
	return out
}

func (b *builder) distinct(st *building, outs []op.Sink, n *plan.Distinct) error {
	return b.unary(st, outs, allExprs(n.Input), n.Input,
		func(ctx *op.Context, out op.Sink) (op.Op, error) {
			return op.NewDistinct(ctx, plan.Types(n), out), nil
		})
}

func (b *builder) distinctOn(st *building, outs []op.Sink, n *plan.DistinctOn) error {
	return b.unary(st, outs, n.On, n.Input, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewDistinctOn(ctx, plan.Types(n), n.On, n.Keys, n.Input.Props().AppendOnly, out)
	})
}

// sort orders a bounded result; what runs for ever has no order.
func (b *builder) sort(st *building, outs []op.Sink, n *plan.Sort) error {
	if !b.bounded {
		return b.build(st, outs, n.Input)
	}
	return b.unary(st, outs, nil, n.Input, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewSort(ctx, op.SortConfig{Types: plan.Types(n), Keys: n.Keys}, out)
	})
}

func (b *builder) limit(st *building, outs []op.Sink, n *plan.Limit) error {
	plain := len(n.Keys) == 0 && len(n.Partition) == 0 && !n.WithTies && !n.RowNumber
	if plain && b.bounded {
		return b.plainLimit(st, outs, n)
	}
	cfg := op.TopNConfig{
		Types: plan.Types(n.Input), Partition: n.Partition, Keys: n.Keys,
		Count: n.Count, Offset: n.Offset, WithTies: n.WithTies, RowNumber: n.RowNumber,
		AppendOnly: n.Input.Props().AppendOnly,
	}
	if plain {
		for _, c := range allExprs(n.Input) {
			cfg.Keys = append(cfg.Keys, expr.Order{X: c})
		}
	}
	return b.unary(st, outs, n.Partition, n.Input,
		func(ctx *op.Context, out op.Sink) (op.Op, error) { return op.NewTopN(ctx, cfg, out) })
}

// plainLimit passes rows until there are enough, and then stops its sources. A
// sort directly below becomes one with the limit, which keeps only so many rows.
func (b *builder) plainLimit(st *building, outs []op.Sink, n *plan.Limit) error {
	if s, ok := n.Input.(*plan.Sort); ok {
		top := *n
		top.Input, top.Keys = s.Input, s.Keys
		return b.limit(st, outs, &top)
	}
	l, err := op.NewLimit(b.one, plan.Types(n), n.Count, n.Offset, outs[0])
	if err != nil {
		return err
	}
	st.add(0, l)
	return b.build(st, []op.Sink{stopper{l}}, n.Input)
}

// stopper tells the source that is being read when a limit is reached.
type stopper struct{ limit *op.Limit }

// Push implements op.Sink.
func (s stopper) Push(b *batch.Batch) error {
	if s.limit.Done() {
		return errReached
	}
	if err := s.limit.Push(0, b); err != nil {
		return err
	}
	if s.limit.Done() {
		return errReached
	}
	return nil
}

func (b *builder) funcScan(st *building, outs []op.Sink, n *plan.FuncScan) error {
	cfg := op.FuncScanConfig{
		Calls: n.Calls, Types: plan.Types(n), Ordinality: n.Ordinality, Left: n.Left,
	}
	if n.Input == nil {
		_, err := b.stack(st, outs[:1], func(ctx *op.Context, out op.Sink) (op.Op, error) {
			return op.NewFuncScan(ctx, cfg, out)
		})
		return err
	}
	cfg.Input = plan.Types(n.Input)
	return b.unary(st, outs, nil, n.Input, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewFuncScan(ctx, cfg, out)
	})
}

func (b *builder) window(st *building, outs []op.Sink, n *plan.Window) error {
	cfg := op.WindowFuncsConfig{
		Types: plan.Types(n.Input), Partition: n.Partition, OrderBy: n.OrderBy, Calls: n.Calls,
	}
	return b.unary(st, outs, n.Partition, n.Input,
		func(ctx *op.Context, out op.Sink) (op.Op, error) {
			return op.NewWindowFuncs(ctx, cfg, out)
		})
}

// apply runs the right side anew for rows of the left; bounded plans only.
func (b *builder) apply(st *building, outs []op.Sink, n *plan.Apply) error {
	if !b.bounded {
		return sqlerr.Unsupported("this correlated subquery in a continuous query",
			"Write it as a join, or run the SELECT without EMIT CHANGES.")
	}
	cfg := op.ApplyConfig{
		Kind: n.Kind, Left: plan.Types(n.Left), Right: plan.Types(n.Right), On: n.On,
		Run: func(outer expr.OuterRow) ([]*batch.Batch, error) { return b.applyRight(n, outer) },
	}
	return b.unary(st, outs, nil, n.Left, func(ctx *op.Context, out op.Sink) (op.Op, error) {
		return op.NewApply(ctx, cfg, out)
	})
}

func (b *builder) applyRight(n *plan.Apply, outer expr.OuterRow) ([]*batch.Batch, error) {
	env := *b.one.Env
	env.Outer = append(append([]expr.OuterRow(nil), env.Outer...), outer)
	env.RunSubplan = nil
	var got []*batch.Batch
	err := b.e.runIn(b.ctx, b.rd, &env, n.Right, b.work, func(x *batch.Batch) error {
		got = append(got, copyBatch(x))
		return nil
	})
	return got, err
}
