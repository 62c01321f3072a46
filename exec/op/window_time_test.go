package op

import (
	"fmt"
	"testing"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// TestRangeOverTime: RANGE frames whose offset is an interval or numeric, in both
// directions of the order.
func TestRangeOverTime(t *testing.T) {
	day, hour := int64(1), int64(3600*second)
	parse := func(t types.Type, s string) types.Datum {
		d, err := types.ParseText(nil, t, s)
		if err != nil {
			panic(err)
		}
		return d
	}
	interval := types.Of(types.Interval)
	cases := []struct {
		name   string
		key    types.Type
		offset types.Type
		size   string
		keys   []types.Datum
	}{
		{"timestamp", tsType, interval, "2 hours", []types.Datum{types.IntDatum(0),
			types.IntDatum(hour), types.IntDatum(2 * hour), types.IntDatum(5 * hour)}},
		{"date", types.Of(types.Date), interval, "2 days", []types.Datum{types.IntDatum(0),
			types.IntDatum(day), types.IntDatum(2 * day), types.IntDatum(5 * day)}},
		{"numeric", numType, numType, "2", []types.Datum{parse(numType, "0"), parse(numType, "1"),
			parse(numType, "2.0"), parse(numType, "5")}},
	}
	for _, c := range cases {
		for _, desc := range []bool{false, true} {
			offset := lit(c.offset, parse(c.offset, c.size))
			frame := expr.Frame{Unit: expr.FrameRange,
				Lo: expr.Bound{Kind: expr.OffsetPreceding, Offset: offset},
				Hi: expr.Bound{Kind: expr.CurrentRow}}
			count := agg("count")
			sink := &collectSink{t: t, got: zset{}}
			w, err := NewWindowFuncs(testContext(true), WindowFuncsConfig{
				Types:   []types.Type{c.key, int8Type},
				OrderBy: []expr.Order{{X: col(0, c.key), Desc: desc}},
				Calls: []*expr.WindowCall{{Name: "count", Agg: count.Fn, Frame: frame,
					T: int8Type}}}, sink)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			b := batch.New([]types.Type{c.key, int8Type}, 5)
			for i, k := range c.keys {
				b.AppendDatums([]types.Datum{k, types.IntDatum(int64(i))}, 1)
			}
			b.AppendDatums([]types.Datum{types.NullDatum, types.IntDatum(9)}, 1)
			if err := w.Push(0, b); err != nil {
				t.Fatal(err)
			}
			if err := w.EndEpoch(Epoch{Bounded: true}); err != nil {
				t.Fatal(err)
			}
			counts := []int{1, 2, 3, 1, 1}
			if desc {
				counts = []int{3, 2, 1, 1, 1}
			}
			want := zset{}
			for i, n := range counts {
				d := types.NullDatum
				if i < len(c.keys) {
					d = c.keys[i]
				}
				id := i
				if i == 4 {
					id = 9
				}
				want.add(datumText([]types.Type{c.key}, []types.Datum{d})+fmt.Sprintf("|%d|%d", id, n), 1)
			}
			compare(t, sink.got, want, fmt.Sprintf("%s desc=%v", c.name, desc))
		}
	}
}

// TestFrameOffsetsAreChecked: a negative or NULL offset is refused.
func TestFrameOffsetsAreChecked(t *testing.T) {
	for _, d := range []types.Datum{types.NullDatum, types.IntDatum(-1)} {
		count := agg("count")
		_, err := NewWindowFuncs(testContext(true), WindowFuncsConfig{Types: []types.Type{int8Type},
			OrderBy: []expr.Order{{X: col(0, int8Type)}},
			Calls: []*expr.WindowCall{{Name: "count", Agg: count.Fn, T: int8Type, Frame: expr.Frame{
				Unit: expr.FrameRows, Lo: expr.Bound{Kind: expr.OffsetPreceding, Offset: lit(int8Type, d)},
				Hi: expr.Bound{Kind: expr.CurrentRow}}}}}, nil)
		if err == nil {
			t.Errorf("offset %+v was accepted", d)
		}
	}
}
