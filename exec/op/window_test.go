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

// Input of the window function tests: partition, order, value.
var wfTypes = []types.Type{int8Type, int8Type, int8Type}

var frameUnits = map[expr.FrameUnit]string{expr.FrameRows: "rows", expr.FrameRange: "range",
	expr.FrameGroups: "groups"}

func randomFrame(rnd *rand.Rand) expr.Frame {
	f := expr.Frame{Unit: expr.FrameUnit(rnd.Intn(3)), Exclude: expr.FrameExclude(rnd.Intn(4))}
	bound := func() expr.Bound {
		return expr.Bound{Kind: expr.BoundKind(rnd.Intn(5)), Offset: lit(int8Type,
			types.IntDatum(rnd.Int63n(3)))}
	}
	for {
		f.Lo, f.Hi = bound(), bound()
		if f.Lo.Kind <= f.Hi.Kind && f.Lo.Kind != expr.UnboundedFollowing &&
			f.Hi.Kind != expr.UnboundedPreceding {
			return f
		}
	}
}

// TestWindowFuncs compares with a model that decides for each pair of rows whether
// one is in the frame of the other, by the definition of frames.
func TestWindowFuncs(t *testing.T) {
	for seed := range int64(60) {
		rnd := rand.New(rand.NewSource(seed))
		frame := randomFrame(rnd)
		desc := rnd.Intn(2) == 0
		order := []expr.Order{{X: col(1, int8Type), Desc: desc, NullsFirst: desc}}
		v := col(2, int8Type)
		count, least := agg("count", v), agg("min", v)
		calls := []*expr.WindowCall{
			{Name: "row_number", T: int8Type}, {Name: "rank", T: int8Type}, {Name: "dense_rank",
				T: int8Type},
			{Name: "count", Agg: count.Fn, Args: count.Args, Frame: frame, T: int8Type},
			{Name: "min", Agg: least.Fn, Args: least.Args, Frame: frame, T: int8Type},
			{Name: "last_value", Args: []expr.Expr{v}, Frame: frame, T: int8Type},
			{Name: "lag", Args: []expr.Expr{v}, T: int8Type},
		}
		cfg := WindowFuncsConfig{Types: wfTypes, Partition: []expr.Expr{col(0, int8Type)},
			OrderBy: order, Calls: calls}
		name := fmt.Sprintf("seed=%d/%s/%d-%d/exclude=%d", seed, frameUnits[frame.Unit], frame.Lo.Kind,
			frame.Hi.Kind, frame.Exclude)
		t.Run(name, func(t *testing.T) {
			s := &subject{
				ports:  []*port{{types: wfTypes, domain: 4}},
				make:   func(ctx *Context, out Sink) (Op, error) { return NewWindowFuncs(ctx, cfg, out) },
				model:  func(ps []*port) zset { return wfModel(ps[0].now, frame, desc) },
				noFold: true, // bounded runs break ties by arrival
			}
			checkRun(t, s, rnd, batchSizes[seed%5])
		})
	}
}

func wfModel(rows [][]types.Datum, f expr.Frame, desc bool) zset {
	parts := map[types.Datum][][]types.Datum{}
	for _, r := range rows {
		parts[r[0]] = append(parts[r[0]], r)
	}
	z := zset{}
	for _, rs := range parts {
		key := func(d types.Datum) int64 {
			switch {
			case d.Null:
				return 1000
			case desc:
				return -d.I
			}
			return d.I
		}
		if desc {
			inner := key
			key = func(d types.Datum) int64 {
				if d.Null {
					return -1000
				}
				return inner(d)
			}
		}
		rank := func(d types.Datum) int64 {
			if d.Null {
				return 1000
			}
			return d.I
		}
		sort.SliceStable(rs, func(i, j int) bool {
			if a, b := key(rs[i][1]), key(rs[j][1]); a != b {
				return a < b
			}
			return rank(rs[i][2]) < rank(rs[j][2])
		})
		groups := make([]int, len(rs))
		for i := 1; i < len(rs); i++ {
			groups[i] = groups[i-1]
			if rs[i][1] != rs[i-1][1] {
				groups[i]++
			}
		}
		for i := range rs {
			z.add(wfRow(rs, groups, i, f, key), 1)
		}
	}
	return z
}

func wfRow(rs [][]types.Datum, groups []int, i int, f expr.Frame,
	key func(types.Datum) int64) string {
	rank := 1
	for j := range i {
		if groups[j] < groups[i] {
			rank++
		}
	}
	n, best, last := int64(0), types.NullDatum, types.NullDatum
	for j := range rs {
		if !inFrame(rs, groups, i, j, f, key) {
			continue
		}
		v := rs[j][2]
		last = v
		if v.Null {
			continue
		}
		n++
		if best.Null || v.I < best.I {
			best = v
		}
	}
	lag := types.NullDatum
	if i > 0 {
		lag = rs[i-1][2]
	}
	row := append(append([]types.Datum(nil), rs[i]...), types.IntDatum(int64(i+1)),
		types.IntDatum(int64(rank)),
		types.IntDatum(int64(groups[i]+1)), types.IntDatum(n), best, last, lag)
	ts := make([]types.Type, len(row))
	for k := range ts {
		ts[k] = int8Type
	}
	return datumText(ts, row)
}

func inFrame(rs [][]types.Datum, groups []int, i, j int, f expr.Frame,
	key func(types.Datum) int64) bool {
	// d is how far row j is after row i, in the unit of the frame.
	d := int64(j - i)
	switch f.Unit {
	case expr.FrameGroups:
		d = int64(groups[j] - groups[i])
	case expr.FrameRange:
		d = key(rs[j][1]) - key(rs[i][1])
	}
	off := func(b expr.Bound) int64 { return b.Offset.(*expr.Const).D.I }
	in := true
	switch f.Lo.Kind {
	case expr.OffsetPreceding:
		in = d >= -off(f.Lo)
	case expr.CurrentRow:
		in = d >= 0
	case expr.OffsetFollowing:
		in = d >= off(f.Lo)
	}
	switch f.Hi.Kind {
	case expr.OffsetPreceding:
		in = in && d <= -off(f.Hi)
	case expr.CurrentRow:
		in = in && d <= 0
	case expr.OffsetFollowing:
		in = in && d <= off(f.Hi)
	}
	// A NULL key is its own bound: no offset leads away from it.
	if null := rs[i][1].Null; f.Unit == expr.FrameRange && null {
		in = (f.Lo.Kind == expr.UnboundedPreceding || d >= 0) && (f.Hi.Kind == expr.UnboundedFollowing ||
			d <= 0)
	}
	switch f.Exclude {
	case expr.ExcludeCurrentRow:
		in = in && i != j
	case expr.ExcludeGroup:
		in = in && groups[i] != groups[j]
	case expr.ExcludeTies:
		in = in && (i == j || groups[i] != groups[j])
	}
	return in
}

func TestNtile(t *testing.T) {
	for n := 1; n <= 7; n++ {
		for buckets := int64(1); buckets <= 9; buckets++ {
			sink := &collectSink{t: t, got: zset{}}
			w, err := NewWindowFuncs(testContext(true), WindowFuncsConfig{Types: []types.Type{int8Type},
				OrderBy: []expr.Order{{X: col(0, int8Type)}}, Calls: []*expr.WindowCall{{Name: "ntile",
					Args: []expr.Expr{lit(types.Of(types.Int4), types.IntDatum(buckets))},
					T:    types.Of(types.Int4)}}}, sink)
			if err != nil {
				t.Fatal(err)
			}
			b := batch.New([]types.Type{int8Type}, n)
			want := zset{}
			bucket, left := int64(1), 0
			for i := range n {
				if left == 0 {
					left = n / int(buckets)
					if bucket <= int64(n)%buckets {
						left++
					}
					bucket++
				}
				left--
				b.AppendDatums([]types.Datum{types.IntDatum(int64(i))}, 1)
				want.add(fmt.Sprintf("%d|%d", i, bucket-1), 1)
			}
			if err := w.Push(0, b); err != nil {
				t.Fatal(err)
			}
			if err := w.EndEpoch(Epoch{Bounded: true}); err != nil {
				t.Fatal(err)
			}
			compare(t, sink.got, want, fmt.Sprintf("%d rows in %d buckets", n, buckets))
		}
	}
}

func TestSession(t *testing.T) {
	cfg := SessionConfig{Input: winTypes, Keys: []int{0}, Time: 1, Gap: 2 * second}
	check(t, func(*rand.Rand) *subject {
		return &subject{
			ports: []*port{{types: winTypes, domain: 14}},
			make:  func(ctx *Context, out Sink) (Op, error) { return NewSession(ctx, cfg, out) },
			model: func(ps []*port) zset { return sessionModel(ps[0].now, 2*second) },
		}
	})
}

func sessionModel(rows [][]types.Datum, gap int64) zset {
	keys := map[types.Datum][]int64{}
	for _, r := range rows {
		if !r[1].Null {
			keys[r[0]] = append(keys[r[0]], r[1].I)
		}
	}
	z := zset{}
	ts := []types.Type{int8Type, tsType, tsType, tsType}
	for k, times := range keys {
		sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
		for lo := 0; lo < len(times); {
			hi := lo + 1
			for hi < len(times) && times[hi]-times[hi-1] <= gap {
				hi++
			}
			for _, x := range times[lo:hi] {
				z.add(datumText(ts, []types.Datum{k, types.IntDatum(x), types.IntDatum(times[lo]),
					types.IntDatum(times[hi-1] + gap)}), 1)
			}
			lo = hi
		}
	}
	return z
}

func TestSessionForgetsWhatIsOver(t *testing.T) {
	sink := &collectSink{t: t, got: zset{}}
	s, err := NewSession(testContext(false), SessionConfig{Input: winTypes, Keys: []int{0}, Time: 1,
		Gap: second, Grace: second}, sink)
	if err != nil {
		t.Fatal(err)
	}
	for e := range int64(100) {
		b := batch.New(winTypes, 1)
		b.AppendDatums([]types.Datum{types.IntDatum(e % 2), types.IntDatum(e / 4 * 10 * second)}, 1)
		if err := s.Push(0, b); err != nil {
			t.Fatal(err)
		}
		if err := s.EndEpoch(Epoch{N: uint64(e), Watermark: (e/4*10 - 1) * second}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Memory().Rows; n > 4 {
		t.Errorf("%d rows are kept", n)
	}
	if len(sink.got) != 50 {
		t.Errorf("%d different rows, want 50", len(sink.got))
	}
	late := batch.New(winTypes, 1)
	late.AppendDatums([]types.Datum{types.IntDatum(0), types.IntDatum(0)}, 1)
	if err := s.Push(0, late); err != nil {
		t.Fatal(err)
	}
	if s.LateRows() != 1 {
		t.Errorf("%d late rows, want 1", s.LateRows())
	}
}

func TestFinalGateGivesNetOfClosedWindows(t *testing.T) {
	for seed := range int64(10) {
		rnd := rand.New(rand.NewSource(seed))
		sink := &collectSink{t: t, got: zset{}}
		g := NewFinalGate(testContext(false), FinalGateConfig{Types: winTypes, End: 1, Grace: second},
			sink)
		p := &port{types: winTypes, domain: 12}
		for e := range uint64(5) {
			for _, b := range cut(rnd, winTypes, p.changes(rnd, 20), 7) {
				if err := g.Push(0, b); err != nil {
					t.Fatal(err)
				}
			}
			if err := g.EndEpoch(Epoch{N: e, Watermark: math.MinInt64}); err != nil {
				t.Fatal(err)
			}
		}
		if len(sink.got) > 0 {
			t.Fatal("rows of open windows were given")
		}
		for w := int64(0); w < 20; w++ {
			if err := g.EndEpoch(Epoch{N: 9, Watermark: w * second}); err != nil {
				t.Fatal(err)
			}
		}
		want := zset{}
		for _, r := range p.now {
			if !r[1].Null {
				want.add(datumText(winTypes, r), 1)
			}
		}
		compare(t, sink.got, want, fmt.Sprint("seed ", seed))
		if sink.neg {
			t.Error("final rows were retracted")
		}
	}
}

func TestFuncScan(t *testing.T) {
	ts := []types.Type{int8Type}
	var series *expr.Func
	for _, f := range expr.Funcs() {
		if f.Name == "generate_series" && len(f.Args) == 2 && f.Args[0].Kind == types.Int8 {
			series = f
		}
	}
	one := lit(int8Type, types.IntDatum(1))
	for _, left := range []bool{false, true} {
		cfg := FuncScanConfig{Input: ts, Left: left, Ordinality: true,
			Types: []types.Type{int8Type, int8Type, int8Type, int8Type},
			Calls: []plan.FuncCall{{Fn: series, Args: []expr.Expr{one, col(0, int8Type)}, Cols: 1},
				{Fn: series, Args: []expr.Expr{one, lit(int8Type, types.IntDatum(2))}, Cols: 1}}}
		if left {
			cfg.Calls = cfg.Calls[:1]
			cfg.Types = cfg.Types[:3]
		}
		check(t, func(*rand.Rand) *subject {
			return &subject{
				ports: []*port{{types: ts, domain: 5}},
				make:  func(ctx *Context, out Sink) (Op, error) { return NewFuncScan(ctx, cfg, out) },
				model: func(ps []*port) zset { return seriesModel(ps[0].now, left) },
			}
		})
	}
}

func seriesModel(rows [][]types.Datum, left bool) zset {
	z := zset{}
	text := func(i, n int64) string {
		if i > n {
			return "~"
		}
		return fmt.Sprint(i)
	}
	for _, r := range rows {
		x, n := "~", int64(0)
		if !r[0].Null {
			x, n = fmt.Sprint(r[0].I), max(r[0].I, 0)
		}
		switch {
		case left && n == 0:
			z.add(x+"|~|~", 1)
		case left:
			for i := int64(1); i <= n; i++ {
				z.add(fmt.Sprintf("%s|%d|%d", x, i, i), 1)
			}
		default:
			for i := int64(1); i <= max(n, 2); i++ {
				z.add(strings.Join([]string{x, text(i, n), text(i, 2), fmt.Sprint(i)}, "|"), 1)
			}
		}
	}
	return z
}

func TestApply(t *testing.T) {
	lt, rt := []types.Type{int8Type, textType}, []types.Type{int8Type}
	for _, kind := range []plan.JoinKind{plan.Inner, plan.Left, plan.Semi, plan.Anti, plan.Mark} {
		for _, cached := range []bool{false, true} {
			runs := 0
			cfg := ApplyConfig{Kind: kind, Left: lt, Right: rt, On: call(">", col(2, int8Type),
				lit(int8Type, types.IntDatum(1))),
				Run: func(o expr.OuterRow) ([]*batch.Batch, error) {
					runs++
					b := batch.New(rt, 4)
					d := o.Batch.Cols[0].Datum(o.Row)
					for i := int64(1); !d.Null && i <= d.I; i++ {
						b.AppendDatums([]types.Datum{types.IntDatum(i)}, 1)
					}
					return []*batch.Batch{b}, nil
				}}
			if cached {
				cfg.Uses = []int{0}
			}
			rnd := rand.New(rand.NewSource(3))
			p := &port{types: lt, domain: 4, appendOnly: true}
			sink := &collectSink{t: t, got: zset{}}
			a, err := NewApply(testContext(true), cfg, sink)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range cut(rnd, lt, p.changes(rnd, 60), 7) {
				if err := a.Push(0, b); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, sink.got, applyModel(kind, p.now, lt), joinNames[kind])
			if cached && runs > 5 {
				t.Errorf("%d runs for 5 different outer values", runs)
			}
		}
	}
}

func applyModel(kind plan.JoinKind, rows [][]types.Datum, lt []types.Type) zset {
	z := zset{}
	for _, r := range rows {
		row := datumText(lt, r)
		n := int64(0)
		for i := int64(2); !r[0].Null && i <= r[0].I; i++ {
			n++
			if kind <= plan.Left {
				z.add(fmt.Sprintf("%s|%d", row, i), 1)
			}
		}
		switch {
		case kind == plan.Left && n == 0:
			z.add(row+"|~", 1)
		case kind == plan.Semi && n > 0, kind == plan.Anti && n == 0:
			z.add(row, 1)
		case kind == plan.Mark && n > 0:
			z.add(row+"|t", 1)
		case kind == plan.Mark:
			z.add(row+"|f", 1)
		}
	}
	return z
}
