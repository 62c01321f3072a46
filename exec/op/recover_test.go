package op

import (
	"fmt"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// TestWindowedStateIsSaved runs operators that depend on the watermark with and
// without being saved and loaded between epochs.
func TestWindowedStateIsSaved(t *testing.T) {
	hop := &plan.WindowAssign{Kind: plan.Hop, Time: 1, Size: 6 * second, Slide: 2 * second}
	outer := JoinConfig{Kind: plan.Full, Left: winTypes, Right: winTypes,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)},
		Within: &plan.Within{Before: 2 * second, After: second, Grace: second, LeftTime: 1, RightTime: 1}}
	inner := outer
	inner.Kind = plan.Inner
	subjects := []*subject{
		{name: "aggregate", ports: make([]*port, 1), make: func(c *Context, o Sink) (Op, error) {
			return windowed(c, plan.AggWindow{Grace: second, Slice: hop}, o)
		}},
		{name: "final aggregate", ports: make([]*port, 1), make: func(c *Context, o Sink) (Op, error) {
			return windowed(c, plan.AggWindow{Grace: second, Final: true, Slice: hop}, o)
		}},
		{name: "join", ports: make([]*port, 2), make: func(c *Context, o Sink) (Op, error) {
			return NewJoin(c, inner, o)
		}},
		{name: "outer join", ports: make([]*port, 2), make: func(c *Context, o Sink) (Op, error) {
			return NewJoin(c, outer, o)
		}},
		{name: "session", ports: make([]*port, 1), make: func(c *Context, o Sink) (Op, error) {
			return NewSession(c, SessionConfig{Input: winTypes, Keys: []int{0}, Time: 1, Gap: second,
				Grace: second}, o)
		}},
		{name: "gate", ports: make([]*port, 1), make: func(c *Context, o Sink) (Op, error) {
			return NewFinalGate(c, FinalGateConfig{Types: winTypes, End: 1, Grace: second}, o), nil
		}},
	}
	for _, s := range subjects {
		for seed := range int64(15) {
			t.Run(fmt.Sprintf("%s/seed=%d", s.name, seed), func(t *testing.T) {
				rnd := rand.New(rand.NewSource(seed))
				r := newRun(t, s)
				for epoch := range int64(40) {
					for in := range s.ports {
						r.push(t, in, timedRows(rnd, epoch))
					}
					r.end(t, Epoch{N: uint64(epoch + 1), Watermark: (epoch - 1) * second})
					if rnd.Intn(4) == 0 {
						r.save(t, uint64(epoch+1), rnd.Intn(2) == 0)
					}
				}
				if a, b := r.o.(Late).LateRows(), r.twin.(Late).LateRows(); a != b ||
					(a == 0) != (s.name == "outer join") {
					t.Errorf("%d late rows after loading, %d without", a, b)
				}
				r.close(t)
			})
		}
	}
}

// timedRows makes a batch of (key, time) around an epoch's second.
func timedRows(rnd *rand.Rand, epoch int64) *batch.Batch {
	b := batch.New(winTypes, 8)
	for range rnd.Intn(8) {
		b.AppendDatums([]types.Datum{types.IntDatum(rnd.Int63n(3)),
			types.IntDatum((epoch + rnd.Int63n(12) - 8) * second)}, 1)
	}
	return b
}

// TestAggregateOrderedAndDistinct: collecting aggregates in the order of arrival,
// by ORDER BY, and with DISTINCT, under retraction and recovery.
func TestAggregateOrderedAndDistinct(t *testing.T) {
	check(t, func(*rand.Rand) *subject {
		arrival := agg("string_agg", col(4, textType), lit(textType, types.TextDatum(",")))
		distinct := agg("string_agg", col(4, textType), lit(textType, types.TextDatum(",")))
		distinct.Distinct = true
		distinct.OrderBy = []expr.Order{{X: col(4, textType)}}
		sum := agg("sum", col(2, int8Type))
		sum.Distinct = true
		return &subject{
			ports: []*port{{types: aggTypes, domain: 4}},
			canon: sortedList,
			make: func(ctx *Context, out Sink) (Op, error) {
				return NewAggregate(ctx, AggregateConfig{Groups: groupExprs([]int{0}),
					Aggs: []*expr.AggCall{arrival, distinct, sum}}, out)
			},
		}
	})
}

// sortedList orders the list in a row's second column: which of several equal
// rows a retraction means cannot be known, so that the order of arrival of those
// that stay is not promised.
func sortedList(row string) string {
	f := strings.Split(row, "|")
	list := strings.Split(f[1], ",")
	sort.Strings(list)
	f[1] = strings.Join(list, ",")
	return strings.Join(f, "|")
}
