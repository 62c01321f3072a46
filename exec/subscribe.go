package exec

import (
	"cmp"
	"context"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// subscriberBytes is the default of what may wait for a slow subscriber.
const subscriberBytes = 64 << 20

// Subscribe runs a plan for ever: history as of the subscription's point (unless
// it starts at the latest epoch), then every epoch after it, until ctx ends or
// the subscriber returns an error (ErrEnough: no error). The subscriber gets the
// output of each epoch consolidated, then Progress.
func (e *Engine) Subscribe(ctx context.Context, s *Subscription, to Subscriber) error {
	limit := int(s.BufferBytes)
	if limit <= 0 {
		limit = subscriberBytes
	}
	sub := &subscriber{to: to, types: plan.Types(s.Plan.Root)}
	if err := e.openSubscription(ctx, s, sub, limit); err != nil {
		return translate(err)
	}
	defer e.closeSubscription(sub)
	err := sub.run(ctx, e, s)
	if err == ErrEnough { //nolint:errorlint // returned as it is
		return nil
	}
	return translate(err)
}

// subscriber is one running subscription. Its graph and output belong to the
// goroutine of Subscribe; the feed connects it to the loop.
type subscriber struct {
	to    Subscriber
	types []types.Type
	graph *graph
	feed  *feed
	point *ReadPoint
	begin progress // of the sources at point
	unpin []func()
	out   []*batch.Batch
}

// Push implements op.Sink: it keeps a copy of the epoch's output.
func (s *subscriber) Push(b *batch.Batch) error {
	s.out = append(s.out, copyBatch(b))
	return nil
}

// between runs fn on the loop's goroutine, between two epochs.
func (e *Engine) between(ctx context.Context, fn func() error) error {
	r := request{do: fn, done: make(chan error, 1)}
	if !e.intake.ask(r) {
		return log.ErrStopped
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) openSubscription(ctx context.Context, s *Subscription, sub *subscriber,
	limit int,
) error {
	return e.betweenTogether(ctx, func() error {
		b := newBuilder(e, graphOptions{})
		b.env = *s.Env
		b.env.RunSubplan = nil
		g, err := b.subscription(s.Plan.Root, sub)
		if err != nil {
			return err
		}
		if err := e.together(g.sources()); err != nil {
			g.close()
			return err
		}
		sub.graph, sub.point = g, e.Pin()
		sub.begin = g.progress(sub.point.Clock)
		sub.feed = newFeed(g, limit, false)
		sub.feed.waiting = s.Waiting
		sub.unpin = e.pinSources(sub.feed.rels, "subscription")
		e.feeds = append(e.feeds, sub.feed)
		for _, r := range sub.feed.rels {
			r.feeds++
		}
		e.views.subs[sub] = true
		e.refreshNeeds()
		return nil
	})
}

// subscription builds the graph of a subscription: everything comes together in
// one shard, consolidated.
func (b *builder) subscription(root plan.Node, sub *subscriber) (*graph, error) {
	b.shards = b.countShards(root)
	st := b.newStage(1)
	var out op.Sink = sub
	if !root.Props().AppendOnly {
		ctx := b.open(st.ctxs[0])
		net := op.NewConsolidate(ctx, plan.Types(root), sub)
		if b.touches(root) {
			net.KeepTouched()
		}
		c := &account{net, ctx.Mem}
		st.add(0, c)
		out = port{c, 0}
	}
	if err := b.connect(st, []op.Sink{out}, nil, root); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// touches tells whether a plan shows rows of one table as they come, and that
// table's changes have those that were touched but are what they were.
func (b *builder) touches(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Filter:
		return b.touches(n.Input)
	case *plan.Project:
		return b.touches(n.Input)
	case *plan.Scan:
		rel := b.e.relation(n.Rel.OID)
		return rel != nil && rel.touched
	}
	return false
}

func (e *Engine) closeSubscription(sub *subscriber) {
	sub.feed.close()
	sub.point.Release()
	err := e.between(context.Background(), func() error {
		delete(e.views.subs, sub)
		e.endFeed(sub.feed.rels, sub.feed)
		return nil
	})
	if err == nil || e.ctx.Err() != nil {
		sub.graph.close()
	}
}

func (s *subscriber) run(ctx context.Context, e *Engine, sub *Subscription) error {
	err := s.history(ctx, e, sub)
	unpinAll(s.unpin)
	if err != nil {
		return err
	}
	for {
		d, ok, over := s.feed.take(ctx)
		if over {
			return sqlerr.New(sqlerr.IdleSessionTimeout,
				"terminating subscription because the client reads too slowly").
				WithDetail("More than %d bytes of changes wait for it.", s.feed.limit).
				WithHint("Read faster, raise subscriber_buffer, or resume with AS OF EPOCH.")
		}
		if !ok {
			if err := cmp.Or(ctx.Err(), s.feed.why()); err != nil {
				return err
			}
			return log.ErrStopped
		}
		if err := s.graph.runDelta(e.pool, d); err != nil {
			return err
		}
		if err := s.emit(d.epoch); err != nil {
			return err
		}
		if err := s.to.Progress(d.epoch, d.clock); err != nil {
			return err
		}
	}
}

// history shows what there is at the point. A subscription to the latest, or
// after an epoch, runs it all the same where results depend on it, and drops the
// output.
func (s *subscriber) history(ctx context.Context, e *Engine, sub *Subscription) error {
	emit := sub.Plan.Emit
	if emit.AfterEpoch > 0 && !stateless(sub.Plan.Root) {
		return sqlerr.Unsupported("AS OF EPOCH of a query that keeps state",
			"Create a materialized view of the query and subscribe to that, or start anew.")
	}
	after := log.Epoch(emit.AfterEpoch)
	if err := mustExist(after, s.point.Epoch); err != nil {
		return err
	}
	b := &backfill{point: s.point, begin: s.begin, after: after}
	flow := func() error {
		if err := s.graph.flow(e.pool); err != nil {
			return err
		}
		if emit.Latest {
			s.out = nil
			return nil
		}
		if sub.Plan.Root.Props().AppendOnly {
			return s.emit(s.point.Epoch)
		}
		return nil
	}
	if !emit.Latest || !stateless(sub.Plan.Root) {
		if err := e.readHistory(ctx, s.graph, b, flow); err != nil {
			return err
		}
	}
	err := s.graph.endEpoch(e.pool, epochOf(s.point.Epoch, s.point.Clock, b.begin))
	if err != nil {
		return err
	}
	if emit.Latest {
		s.out = nil
	}
	if err := s.emit(s.point.Epoch); err != nil {
		return err
	}
	return s.to.Progress(s.point.Epoch, s.point.Clock)
}

// emit hands over the output collected so far.
func (s *subscriber) emit(epoch log.Epoch) error {
	for i, b := range s.out {
		s.out[i] = nil
		if err := s.to.Rows(epoch, b); err != nil {
			return err
		}
	}
	s.out = s.out[:0]
	return nil
}

// stateless tells whether a plan's output of an epoch depends on that epoch's
// rows alone.
func stateless(n plan.Node) bool {
	switch x := n.(type) {
	case *plan.Scan, *plan.Filter, *plan.Project, *plan.WindowAssign, *plan.FuncScan:
	case *plan.SetOp:
		if x.Kind != plan.Union || !x.All {
			return false
		}
	default:
		return false
	}
	for _, in := range n.Inputs() {
		if !stateless(in) {
			return false
		}
	}
	return true
}
