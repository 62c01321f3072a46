package op

import (
	"fmt"
	"math"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Input of the aggregate tests: group columns, then values.
var aggTypes = []types.Type{int8Type, textType, int8Type, numType, textType}

func groupModel(rows [][]types.Datum, cols []int) map[string][][]types.Datum {
	groups := map[string][][]types.Datum{}
	for _, r := range rows {
		var ts []types.Type
		var key []types.Datum
		for _, c := range cols {
			ts, key = append(ts, aggTypes[c]), append(key, r[c])
		}
		k := datumText(ts, key)
		groups[k] = append(groups[k], r)
	}
	return groups
}

func countOf(rows [][]types.Datum, c int, distinct bool) int {
	seen := map[types.Datum]bool{}
	n := 0
	for _, r := range rows {
		if r[c].Null || distinct && seen[r[c]] {
			continue
		}
		seen[r[c]] = true
		n++
	}
	return n
}

// extreme gives min or max of an integer column as text.
func extreme(rows [][]types.Datum, c, sign int) string {
	best := types.NullDatum
	for _, r := range rows {
		if !r[c].Null && (best.Null || (r[c].I-best.I)*int64(sign) > 0) {
			best = r[c]
		}
	}
	return datumText([]types.Type{int8Type}, []types.Datum{best})
}

func TestAggregateLinear(t *testing.T) {
	v := col(2, int8Type)
	aggs := func() []*expr.AggCall {
		distinct := agg("count", v)
		distinct.Distinct = true
		filtered := agg("count")
		filtered.Filter = call(">", v, lit(int8Type, types.IntDatum(1)))
		return []*expr.AggCall{agg("count"), agg("count", v), distinct, filtered}
	}
	for _, groups := range [][]int{{0}, {1}, {0, 1}, {3}, {}} {
		t.Run(fmt.Sprint("groups=", groups), func(t *testing.T) {
			check(t, func(*rand.Rand) *subject {
				return &subject{
					large: true,
					canon: oneName,
					ports: []*port{{types: aggTypes, domain: 4}},
					make: func(ctx *Context, out Sink) (Op, error) {
						return NewAggregate(ctx, AggregateConfig{Groups: groupExprs(groups), Aggs: aggs()}, out)
					},
					model: func(ps []*port) zset { return linearModel(ps[0].now, groups) },
				}
			})
		})
	}
}

func groupExprs(groups []int) []expr.Expr {
	es := []expr.Expr{}
	for _, g := range groups {
		es = append(es, col(g, aggTypes[g]))
	}
	return es
}

func linearModel(rows [][]types.Datum, groups []int) zset {
	z := zset{}
	gs := groupModel(rows, groups)
	if len(groups) == 1 && groups[0] == 3 {
		gs = mergeNumeric(gs)
	}
	if len(groups) == 0 {
		gs = map[string][][]types.Datum{"": rows}
	}
	for k, rs := range gs {
		big := 0
		for _, r := range rs {
			if !r[2].Null && r[2].I > 1 {
				big++
			}
		}
		if k != "" || len(groups) > 0 {
			k += "|"
		}
		z.add(fmt.Sprintf("%s%d|%d|%d|%d", k, len(rs), countOf(rs, 2, false), countOf(rs, 2, true),
			big), 1)
	}
	return z
}

// mergeNumeric makes 1.0 and 1.00 one group.
func mergeNumeric(gs map[string][][]types.Datum) map[string][][]types.Datum {
	rows := append(append([][]types.Datum(nil), gs["1.0"]...), gs["1.00"]...)
	delete(gs, "1.00")
	if gs["1.0"] = rows; len(rows) == 0 {
		delete(gs, "1.0")
	}
	return gs
}

// oneName makes the two names of the group 1 one: which row came first, the model
// cannot know after retractions.
func oneName(row string) string { return strings.Replace(row, "1.00|", "1.0|", 1) }

func TestAggregateCollecting(t *testing.T) {
	v := col(2, int8Type)
	for _, groups := range [][]int{{0}, {0, 1}, {}} {
		for _, appendOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("groups=%v/appendOnly=%v", groups, appendOnly), func(t *testing.T) {
				check(t, func(*rand.Rand) *subject {
					list := agg("string_agg", col(4, textType), lit(textType, types.TextDatum(",")))
					list.OrderBy = []expr.Order{{X: col(4, textType), Desc: true}}
					calls := []*expr.AggCall{agg("min", v), agg("max", v), agg("count"), list}
					return &subject{
						ports: []*port{{types: aggTypes, domain: 4, appendOnly: appendOnly}},
						make: func(ctx *Context, out Sink) (Op, error) {
							return NewAggregate(ctx, AggregateConfig{Groups: groupExprs(groups), Aggs: calls,
								AppendOnly: appendOnly}, out)
						},
						model: func(ps []*port) zset { return collectModel(ps[0].now, groups) },
					}
				})
			})
		}
	}
}

func collectModel(rows [][]types.Datum, groups []int) zset {
	z := zset{}
	gs := groupModel(rows, groups)
	if len(groups) == 0 {
		gs = map[string][][]types.Datum{"": rows}
	}
	for k, rs := range gs {
		var list []string
		for _, r := range rs {
			if !r[4].Null {
				list = append(list, r[4].S)
			}
		}
		sort.Sort(sort.Reverse(sort.StringSlice(list)))
		text := strings.Join(list, ",")
		if list == nil {
			text = "~"
		}
		if k != "" || len(groups) > 0 {
			k += "|"
		}
		z.add(fmt.Sprintf("%s%s|%s|%d|%s", k, extreme(rs, 2, -1), extreme(rs, 2, 1), len(rs), text), 1)
	}
	return z
}

func TestGroupingSets(t *testing.T) {
	sets := [][]int{{0, 1}, {1}, {}}
	check(t, func(*rand.Rand) *subject {
		return &subject{
			ports: []*port{{types: aggTypes, domain: 3}},
			make: func(ctx *Context, out Sink) (Op, error) {
				return NewAggregate(ctx, AggregateConfig{Groups: groupExprs([]int{0, 1}), Sets: sets,
					Aggs: []*expr.AggCall{agg("count")}}, out)
			},
			model: func(ps []*port) zset {
				z := zset{}
				for k, rs := range groupModel(ps[0].now, []int{0, 1}) {
					z.add(fmt.Sprintf("%s|%d|0", k, len(rs)), 1)
				}
				for k, rs := range groupModel(ps[0].now, []int{1}) {
					z.add(fmt.Sprintf("~|%s|%d|1", k, len(rs)), 1)
				}
				z.add(fmt.Sprintf("~|~|%d|2", len(ps[0].now)), 1)
				return z
			},
		}
	})
}

func TestAggregateGivesOnlyWhatChanged(t *testing.T) {
	sink := &collectSink{t: t, got: zset{}}
	a, err := NewAggregate(testContext(false), AggregateConfig{Groups: groupExprs([]int{0}),
		Aggs: []*expr.AggCall{agg("count", col(2, int8Type))}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	b := batch.New(aggTypes, 2)
	row := []types.Datum{types.IntDatum(1), types.NullDatum, types.NullDatum, types.NullDatum,
		types.NullDatum}
	b.AppendDatums(row, 1)
	for epoch := range uint64(3) {
		if err := a.Push(0, b); err != nil {
			t.Fatal(err)
		}
		if err := a.EndEpoch(Epoch{N: epoch}); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.order) != 1 || sink.neg {
		t.Errorf("count of NULLs stays 0, but rows %v were given", sink.order)
	}
	b.Reset()
	b.AppendDatums(row, -4)
	if err := a.Push(0, b); err != nil {
		t.Fatal(err)
	}
	if err := a.EndEpoch(Epoch{N: 4}); err == nil {
		t.Error("four retractions of three rows were accepted")
	}
}

const second = 1_000_000

var winTypes = []types.Type{int8Type, tsType}

// windowed makes a count by key and window.
func windowed(ctx *Context, w plan.AggWindow, out Sink) (Op, error) {
	w.Start, w.End = 1, 2
	return NewAggregate(ctx, AggregateConfig{
		Groups: []expr.Expr{col(0, int8Type), col(2, tsType), col(3, tsType)},
		Aggs:   []*expr.AggCall{agg("count")}, Window: &w}, out)
}

// starts lists the windows of a time.
func starts(kind plan.WindowKind, t, size, slide int64) (out [][2]int64) {
	for s := -16 * size; kind != plan.Cumulate && s <= t; s += slide {
		if t < s+size {
			out = append(out, [2]int64{s, s + size})
		}
	}
	if kind == plan.Cumulate {
		base := t / size * size
		for end := base + slide; end <= base+size; end += slide {
			if t < end {
				out = append(out, [2]int64{base, end})
			}
		}
	}
	return out
}

func TestWindowedAggregate(t *testing.T) {
	for _, kind := range []plan.WindowKind{plan.Tumble, plan.Hop, plan.Cumulate} {
		for _, final := range []bool{false, true} {
			for seed := range int64(10) {
				size, slide := int64(6*second), int64(2*second)
				if kind == plan.Tumble {
					slide = size
				}
				rnd := rand.New(rand.NewSource(seed))
				sink := &collectSink{t: t, got: zset{}}
				a, err := windowed(testContext(false), plan.AggWindow{Grace: 3 * second, Final: final,
					Slice: &plan.WindowAssign{Kind: kind, Time: 1, Size: size, Slide: slide}}, sink)
				if err != nil {
					t.Fatal(err)
				}
				want, late := zset{}, int64(0)
				counts := map[string]int64{}
				watermark := int64(math.MinInt64)
				for epoch := range int64(40) {
					b := batch.New(winTypes, 8)
					for range rnd.Intn(8) {
						k, ts := rnd.Int63n(3), (epoch+rnd.Int63n(12)-4)*second
						ts = max(ts, 0)
						b.AppendDatums([]types.Datum{types.IntDatum(k), types.IntDatum(ts)}, 1)
						for _, w := range starts(kind, ts, size, slide) {
							if w[1]+3*second <= watermark {
								late++
								continue
							}
							counts[datumText([]types.Type{int8Type, tsType, tsType}, []types.Datum{
								types.IntDatum(k), types.IntDatum(w[0]), types.IntDatum(w[1])})]++
						}
					}
					if err := a.Push(0, b); err != nil {
						t.Fatal(err)
					}
					watermark = epoch * second
					if err := a.EndEpoch(Epoch{N: uint64(epoch), Watermark: watermark}); err != nil {
						t.Fatal(err)
					}
				}
				if n := a.Memory().Rows; n > 80 {
					t.Errorf("%d groups are kept: closed windows are not dropped", n)
				}
				if err := a.EndEpoch(Epoch{N: 99, Watermark: math.MaxInt64}); err != nil {
					t.Fatal(err)
				}
				for k, n := range counts {
					want.add(fmt.Sprintf("%s|%d", k, n), 1)
				}
				compare(t, sink.got, want, fmt.Sprintf("kind %d final %v seed %d", kind, final, seed))
				if got := a.(Late).LateRows(); got != late {
					t.Errorf("%d late rows counted, want %d", got, late)
				}
				if final && sink.neg {
					t.Error("final results were retracted")
				}
				if n := a.Memory().Rows; n != 0 {
					t.Errorf("%d groups are kept after the end", n)
				}
			}
		}
	}
}

func TestTopN(t *testing.T) {
	ts := []types.Type{int8Type, int8Type, textType}
	for _, ties := range []bool{false, true} {
		for _, number := range []bool{false, true} {
			for _, appendOnly := range []bool{false, true} {
				cfg := TopNConfig{Types: ts, Partition: []expr.Expr{col(0, int8Type)},
					Keys:  []expr.Order{{X: call("-", lit(int8Type, types.IntDatum(0)), col(1, int8Type))}},
					Count: lit(int8Type, types.IntDatum(2)), Offset: lit(int8Type, types.IntDatum(1)),
					WithTies: ties, RowNumber: number, AppendOnly: appendOnly}
				t.Run(fmt.Sprintf("ties=%v/number=%v/appendOnly=%v", ties, number, appendOnly),
					func(t *testing.T) {
						check(t, func(*rand.Rand) *subject {
							return &subject{
								ports:  []*port{{types: ts, domain: 5, appendOnly: appendOnly}},
								make:   func(ctx *Context, out Sink) (Op, error) { return NewTopN(ctx, cfg, out) },
								model:  func(ps []*port) zset { return topModel(ps[0].now, ts, ties, number) },
								noFold: true, // bounded runs break ties by arrival
							}
						})
					})
			}
		}
	}
}

// topModel: rows 2 and 3 of each partition by the second column descending, NULL
// last, ties by all columns.
func topModel(rows [][]types.Datum, ts []types.Type, ties, number bool) zset {
	parts := map[types.Datum][][]types.Datum{}
	for _, r := range rows {
		parts[r[0]] = append(parts[r[0]], r)
	}
	z := zset{}
	key := func(r []types.Datum) int64 {
		if r[1].Null {
			return -100
		}
		return r[1].I
	}
	text := func(r []types.Datum) string {
		if r[2].Null {
			return "z"
		}
		return r[2].S
	}
	for _, rs := range parts {
		sort.SliceStable(rs, func(i, j int) bool {
			if key(rs[i]) != key(rs[j]) {
				return key(rs[i]) > key(rs[j])
			}
			return text(rs[i]) < text(rs[j])
		})
		for i := 1; i < len(rs); i++ {
			if i >= 3 && !(ties && key(rs[i]) == key(rs[2])) {
				break
			}
			s := datumText(ts, rs[i])
			if number {
				s += fmt.Sprint("|", i+1)
			}
			z.add(s, 1)
		}
	}
	return z
}

func TestDistinctOnKeepsTheFirst(t *testing.T) {
	ts := []types.Type{int8Type, int8Type}
	check(t, func(*rand.Rand) *subject {
		return &subject{
			ports: []*port{{types: ts, domain: 4}},
			make: func(ctx *Context, out Sink) (Op, error) {
				return NewDistinctOn(ctx, ts, []expr.Expr{col(0, int8Type)},
					[]expr.Order{{X: col(1, int8Type), NullsFirst: true}}, false, out)
			},
			model: func(ps []*port) zset {
				best := map[types.Datum]types.Datum{}
				for _, r := range ps[0].now {
					b, ok := best[r[0]]
					if !ok || !b.Null && (r[1].Null || r[1].I < b.I) {
						best[r[0]] = r[1]
					}
				}
				z := zset{}
				for k, v := range best {
					z.add(datumText(ts, []types.Datum{k, v}), 1)
				}
				return z
			},
		}
	})
}
