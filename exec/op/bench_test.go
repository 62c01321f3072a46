package op

import (
	"math"
	"math/rand"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

var discard = SinkFunc(func(*batch.Batch) error { return nil })

// benchBatches makes batches of (key, value, text) with keys below domain.
func benchBatches(n, domain int) []*batch.Batch {
	rnd := rand.New(rand.NewSource(1))
	out := make([]*batch.Batch, n)
	for k := range out {
		b := batch.New([]types.Type{int8Type, int8Type, textType}, batch.MaxRows)
		for range batch.MaxRows {
			b.Cols[0].AppendInt(int64(rnd.Intn(domain)) * 7919)
			b.Cols[1].AppendInt(int64(rnd.Intn(1000)))
			b.Cols[2].AppendString("some text of a row")
			b.N++
		}
		out[k] = b
	}
	return out
}

var benchTypes = []types.Type{int8Type, int8Type, textType}

// feed pushes b.N rows through an operator, an epoch per 64 batches, and reports
// the time per row.
func feed(b *testing.B, o Op, in int, bs []*batch.Batch) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime()
	k := 0
	for rows := 0; rows < b.N; rows += batch.MaxRows {
		if err := o.Push(in, bs[k%len(bs)]); err != nil {
			b.Fatal(err)
		}
		if k++; k%64 == 0 {
			if err := o.EndEpoch(Epoch{N: uint64(k)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/row")
	b.ReportMetric(float64(o.Memory().Bytes)/(1<<20), "MiB")
	o.Close()
}

// cpuTime is the process's processor time in nanoseconds, which neighbours on the
// machine disturb less than the clock.
func cpuTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

func benchContext() *Context {
	return &Context{Env: &expr.Env{}, Mem: state.NewMemory(0)}
}

func must(o Op, err error) Op {
	if err != nil {
		panic(err)
	}
	return o
}

func BenchmarkMap(b *testing.B) {
	cfg := MapConfig{Filter: call(">", col(1, int8Type), lit(int8Type, types.IntDatum(667))),
		Exprs: []expr.Expr{col(0, int8Type), call("+", col(1, int8Type), col(0, int8Type)), col(2,
			textType)}}
	feed(b, must(NewMap(benchContext(), cfg, discard)), 0, benchBatches(64, 1000))
}

func benchAggregate(b *testing.B, groups []expr.Expr, keys int) {
	cfg := AggregateConfig{Groups: groups, Aggs: []*expr.AggCall{agg("count"), agg("sum", col(1,
		int8Type))}}
	feed(b, must(NewAggregate(benchContext(), cfg, discard)), 0, benchBatches(512, keys))
}

func BenchmarkAggregateInt1k(b *testing.B) {
	benchAggregate(b, []expr.Expr{col(0, int8Type)}, 1000)
}

func BenchmarkAggregateInt1M(b *testing.B) {
	benchAggregate(b, []expr.Expr{col(0, int8Type)}, 1_000_000)
}

func BenchmarkAggregateText(b *testing.B) {
	benchAggregate(b, []expr.Expr{col(2, textType)}, 1000)
}

func BenchmarkAggregateTwoKeys1M(b *testing.B) {
	benchAggregate(b, []expr.Expr{col(0, int8Type), col(2, textType)}, 1_000_000)
}

func BenchmarkAggregateMaxAppendOnly(b *testing.B) {
	cfg := AggregateConfig{Groups: []expr.Expr{col(0, int8Type)}, AppendOnly: true,
		Aggs: []*expr.AggCall{agg("max", col(1, int8Type))}}
	feed(b, must(NewAggregate(benchContext(), cfg, discard)), 0, benchBatches(64, 10_000))
}

func BenchmarkConsolidate(b *testing.B) {
	feed(b, NewConsolidate(benchContext(), benchTypes, discard), 0, benchBatches(64, 100_000))
}

func BenchmarkDistinct1M(b *testing.B) {
	feed(b, NewDistinct(benchContext(), benchTypes, discard), 0, benchBatches(512, 1_000_000))
}

func BenchmarkJoinInner(b *testing.B) {
	cfg := JoinConfig{Kind: plan.Inner, Left: benchTypes, Right: benchTypes,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}
	j := must(NewJoin(benchContext(), cfg, discard))
	for _, x := range benchBatches(25, 1<<40) {
		for i := range x.N {
			x.Cols[0].I64[i] %= 100_000 * 7919
		}
		if err := j.Push(1, x); err != nil {
			b.Fatal(err)
		}
	}
	feed(b, j, 0, benchBatches(256, 100_000))
}

func benchTemporal(b *testing.B, keys int) {
	cfg := TemporalJoinConfig{Kind: plan.Inner, Left: benchTypes, Right: benchTypes, RightFirst: true,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}
	j := must(NewTemporalJoin(benchContext(), cfg, discard))
	x := batch.New(benchTypes, batch.MaxRows)
	for k := range keys {
		x.AppendDatums([]types.Datum{types.IntDatum(int64(k) * 7919), types.IntDatum(1),
			types.TextDatum("right")}, 1)
		if x.N == batch.MaxRows {
			if err := j.Push(1, x); err != nil {
				b.Fatal(err)
			}
			x.Reset()
		}
	}
	feed(b, j, 0, benchBatches(max(64, min(512, keys/2000)), keys))
}

func BenchmarkTemporalJoin100k(b *testing.B) { benchTemporal(b, 100_000) }

func BenchmarkTemporalJoin1M(b *testing.B) { benchTemporal(b, 1_000_000) }

// benchWithin joins two streams whose rows are a millisecond apart, by a key that
// each has once in a second, within a window of ten.
func benchWithin(b *testing.B, kind plan.JoinKind) {
	ts := []types.Type{int8Type, tsType, textType}
	w := plan.Within{Before: 5 * second, After: 5 * second, LeftTime: 1, RightTime: 1}
	j := must(NewJoin(benchContext(), JoinConfig{Kind: kind, Left: ts, Right: ts, Within: &w,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}, discard))
	rnd := rand.New(rand.NewSource(1))
	x, at := batch.New(ts, batch.MaxRows), int64(0)
	b.ReportAllocs()
	begin, most := cpuTime(), int64(0)
	for n := 0; n < b.N; n += 2 * batch.MaxRows {
		for in := range 2 {
			x.Reset()
			for i := range int64(batch.MaxRows) {
				x.Cols[0].AppendInt(rnd.Int63n(10_000))
				x.Cols[1].AppendInt(at + i*1000)
				x.Cols[2].AppendString("some text of a row")
				x.N++
			}
			if err := j.Push(in, x); err != nil {
				b.Fatal(err)
			}
		}
		at += batch.MaxRows * 1000
		if err := j.EndEpoch(Epoch{N: uint64(n), Watermark: at}); err != nil {
			b.Fatal(err)
		}
		most = max(most, j.Memory().Rows)
	}
	b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/row")
	b.ReportMetric(float64(most), "rows-kept")
	j.Close()
}

func BenchmarkJoinWithinInner(b *testing.B) { benchWithin(b, plan.Inner) }

func BenchmarkJoinWithinFull(b *testing.B) { benchWithin(b, plan.Full) }

func BenchmarkTopN(b *testing.B) {
	cfg := TopNConfig{Types: benchTypes, Partition: []expr.Expr{col(0, int8Type)},
		Keys: []expr.Order{{X: col(1, int8Type)}}, Count: lit(int8Type, types.IntDatum(3)),
		AppendOnly: true}
	feed(b, must(NewTopN(benchContext(), cfg, discard)), 0, benchBatches(64, 10_000))
}

func BenchmarkTumble(b *testing.B) {
	cfg := WindowConfig{Kind: plan.Tumble, Time: 1, Size: 10, Slide: 10, Input: benchTypes}
	feed(b, NewWindowAssign(cfg, discard), 0, benchBatches(64, 1000))
}

// BenchmarkNestedLoop counts pairs.
func BenchmarkNestedLoop(b *testing.B) {
	ctx := benchContext()
	ctx.Bounded = true
	cfg := JoinConfig{Kind: plan.Inner, Left: benchTypes, Right: benchTypes, RightFirst: true,
		Residual: call("=", col(0, int8Type), call("+", col(3, int8Type), col(4, int8Type)))}
	bs := benchBatches(1, 1<<40)
	j := must(NewJoin(ctx, cfg, discard))
	if err := j.Push(1, bs[0]); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	begin := cpuTime()
	for n := 0; n < b.N; n += batch.MaxRows * 64 {
		x := batch.Batch{Cols: bs[0].Cols, N: 64}
		if err := j.Push(0, &x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/pair")
}

// benchHop feeds a count over 5 windows per row whose time moves on by a slide in
// 64 batches, with epochs of some batches.
func benchHop(b *testing.B, final bool, perEpoch int) {
	w := plan.AggWindow{Start: 1, End: 2, Final: final, Slice: &plan.WindowAssign{Kind: plan.Hop,
		Time: 1, Size: 1000, Slide: 200}}
	cfg := AggregateConfig{Window: &w, Aggs: []*expr.AggCall{agg("count")},
		Groups: []expr.Expr{col(0, int8Type), col(3, int8Type), col(4, int8Type)}}
	ctx := benchContext()
	ctx.Bounded = perEpoch == 0
	o := must(NewAggregate(ctx, cfg, discard))
	bs := benchBatches(64, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	begin, k := cpuTime(), 0
	for rows := 0; rows < b.N; rows += batch.MaxRows {
		x := bs[k%64]
		for i, v := range x.Cols[1].I64 {
			x.Cols[1].I64[i] = v%200 + int64(k/64*200)
		}
		if err := o.Push(0, x); err != nil {
			b.Fatal(err)
		}
		if k++; perEpoch > 0 && k%perEpoch == 0 {
			e := Epoch{N: uint64(k), Watermark: int64(k/64*200) - 200}
			if err := o.EndEpoch(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := o.EndEpoch(Epoch{Watermark: math.MaxInt64, Bounded: perEpoch == 0}); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/row")
	o.Close()
}

func BenchmarkHopChanges(b *testing.B)      { benchHop(b, false, 1) }
func BenchmarkHopChangesLarge(b *testing.B) { benchHop(b, false, 64) }
func BenchmarkHopFinal(b *testing.B)        { benchHop(b, true, 1) }
func BenchmarkHopBounded(b *testing.B)      { benchHop(b, false, 0) }

func BenchmarkSort(b *testing.B) {
	cfg := SortConfig{Types: benchTypes, Keys: []expr.Order{{X: col(0, int8Type)}}}
	feed(b, must(NewSort(benchContext(), cfg, discard)), 0, benchBatches(64, 1<<40))
}

// TestSteadyStateAllocatesNothing: once memory has grown, the hot operators
// allocate nothing per batch.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	bs := benchBatches(4, 1000)
	join := must(NewTemporalJoin(benchContext(), TemporalJoinConfig{Kind: plan.Left, Left: benchTypes,
		Right: benchTypes, RightFirst: true, LeftKeys: []expr.Expr{col(0, int8Type)},
		RightKeys: []expr.Expr{col(0, int8Type)}}, discard))
	right := batch.New(benchTypes, 500)
	for k := range int64(500) {
		right.AppendDatums([]types.Datum{types.IntDatum(k * 7919), types.IntDatum(1),
			types.TextDatum("x")}, 1)
	}
	if err := join.Push(1, right); err != nil {
		t.Fatal(err)
	}
	ops := map[string]Op{
		"map": must(NewMap(benchContext(), MapConfig{
			Filter: call(">", col(1, int8Type), lit(int8Type, types.IntDatum(500))),
			Exprs:  []expr.Expr{col(0, int8Type), call("+", col(1, int8Type), col(0, int8Type))}}, discard)),
		"aggregate": must(NewAggregate(benchContext(), AggregateConfig{Groups: []expr.Expr{col(0,
			int8Type)},
			Aggs: []*expr.AggCall{agg("count"), agg("sum", col(1, int8Type))}}, discard)),
		"temporal join": join,
		"consolidate":   NewConsolidate(benchContext(), benchTypes, discard),
	}
	for name, o := range ops {
		step := func() {
			for _, b := range bs {
				if err := o.Push(0, b); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.EndEpoch(Epoch{N: 1}); err != nil {
				t.Fatal(err)
			}
		}
		step()
		step()
		if n := testing.AllocsPerRun(10, step); n > 0 {
			t.Errorf("%s: %v allocations per epoch", name, n)
		}
	}
}
