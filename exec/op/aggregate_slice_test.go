package op

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// slicedWindows are windows whose slices are as long as the slide, shorter, with
// gaps between the windows, and growing.
var slicedWindows = []plan.WindowAssign{
	{Kind: plan.Hop, Size: 3, Slide: 1},
	{Kind: plan.Hop, Size: 6, Slide: 4, Offset: 1},
	{Kind: plan.Hop, Size: 2, Slide: 3, Offset: -2},
	{Kind: plan.Hop, Size: 4, Slide: 2, FromZero: true},
	{Kind: plan.Cumulate, Size: 4, Slide: 2},
}

func sliceOf(w plan.WindowAssign, t int) *plan.WindowAssign {
	w.Time, w.Size, w.Slide, w.Offset = t, w.Size*second, w.Slide*second, w.Offset*second
	return &w
}

var slicedTypes = []types.Type{numType, int8Type, tsType}

func slicedAggregate(ctx *Context, w plan.AggWindow, aggs []*expr.AggCall, out Sink) (Op, error) {
	w.Start, w.End = 1, 2
	return NewAggregate(ctx, AggregateConfig{Window: &w, Aggs: aggs,
		Groups: []expr.Expr{col(0, numType), col(3, tsType), col(4, tsType)}}, out)
}

// windowsOf lists the windows of a time by trying all of them.
func windowsOf(w *plan.WindowAssign, t int64) (out []span) {
	for n := int64(-40); n < 40; n++ {
		start := n*w.Slide + w.Offset
		end := start + w.Size
		if w.Kind == plan.Cumulate {
			end = start + w.Slide
			start = floorTo(start, w.Size)
			if t >= start && t < start+w.Size && t < end {
				out = append(out, span{start, end})
			}
			continue
		}
		if t >= start && t < end && !(w.FromZero && start < 0) {
			out = append(out, span{start, end})
		}
	}
	return out
}

// slicedModel groups rows by key and window.
func slicedModel(rows [][]types.Datum, w *plan.WindowAssign,
	result func([][]types.Datum) string) zset {
	groups := map[string][][]types.Datum{}
	for _, r := range rows {
		if r[2].Null {
			continue
		}
		for _, x := range windowsOf(w, r[2].I) {
			key := datumText([]types.Type{numType, tsType, tsType},
				[]types.Datum{r[0], types.IntDatum(x.start), types.IntDatum(x.end)})
			groups[oneName(key)] = append(groups[oneName(key)], r)
		}
	}
	z := zset{}
	for k, rs := range groups {
		z.add(k+"|"+result(rs), 1)
	}
	return z
}

func linearResult(rs [][]types.Datum) string {
	n, sum := 0, int64(0)
	for _, r := range rs {
		if !r[1].Null {
			n++
			sum += r[1].I
		}
	}
	if n == 0 {
		return fmt.Sprintf("%d|~", len(rs))
	}
	return fmt.Sprintf("%d|%d", len(rs), sum)
}

func TestSlicedWindows(t *testing.T) {
	for n, spec := range slicedWindows {
		w := sliceOf(spec, 2)
		t.Run(fmt.Sprint("window=", n), func(t *testing.T) {
			check(t, func(*rand.Rand) *subject {
				return &subject{
					canon: oneName,
					ports: []*port{{types: slicedTypes, domain: 5}},
					make: func(ctx *Context, out Sink) (Op, error) {
						return slicedAggregate(ctx, plan.AggWindow{Slice: w},
							[]*expr.AggCall{agg("count"), agg("sum", col(1, int8Type))}, out)
					},
					model: func(ps []*port) zset { return slicedModel(ps[0].now, w, linearResult) },
				}
			})
		})
	}
}

// TestSlicedExtremes: min and max of windows whose results come once, under
// retraction.
func TestSlicedExtremes(t *testing.T) {
	for n, spec := range slicedWindows {
		for seed := range int64(8) {
			w := sliceOf(spec, 2)
			rnd := rand.New(rand.NewSource(seed))
			sink := &collectSink{t: t, got: zset{}}
			a, err := slicedAggregate(testContext(false), plan.AggWindow{Slice: w, Final: true},
				[]*expr.AggCall{agg("min", col(1, int8Type)), agg("count"),
					agg("max", col(1, int8Type))}, sink)
			if err != nil {
				t.Fatal(err)
			}
			in := &port{types: slicedTypes, domain: 5}
			for epoch := range uint64(6) {
				for _, b := range cut(rnd, in.types, in.changes(rnd, rnd.Intn(12)), 5) {
					if err := a.Push(0, b); err != nil {
						t.Fatal(err)
					}
				}
				e := Epoch{N: epoch, Watermark: math.MinInt64}
				if epoch == 5 {
					e.Watermark = math.MaxInt64
				}
				if err := a.EndEpoch(e); err != nil {
					t.Fatal(err)
				}
			}
			got := zset{}
			for row, n := range sink.got {
				got.add(oneName(row), n)
			}
			compare(t, got, slicedModel(in.now, w, func(rs [][]types.Datum) string {
				return fmt.Sprintf("%s|%d|%s", extreme(rs, 1, -1), len(rs), extreme(rs, 1, 1))
			}), fmt.Sprintf("window %d seed %d", n, seed))
			if a.Memory().Rows != 0 {
				t.Error("slices are kept after the end")
			}
		}
	}
}

func TestSlicingAgreesWithAllWindows(t *testing.T) {
	for n, spec := range slicedWindows {
		w := sliceOf(spec, 0)
		c := newSlicing(w)
		for at := -9 * int64(second); at < 9*second; at += second / 2 {
			want := windowsOf(w, at)
			var got []span
			if x, ok := c.first(c.slice(at)); ok {
				for last := c.last(c.slice(at)); x.end <= last; x = c.next(x) {
					got = append(got, x)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("window %d, time %d: %v, want %v", n, at, got, want)
			}
		}
	}
}
