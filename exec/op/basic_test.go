package op

import (
	"math"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

func TestMap(t *testing.T) {
	ts := []types.Type{int8Type, textType}
	zero := lit(int8Type, types.IntDatum(0))
	check(t, func(*rand.Rand) *subject {
		return &subject{
			large: true,
			ports: []*port{{types: ts, domain: 5}},
			make: func(ctx *Context, out Sink) (Op, error) {
				return NewMap(ctx, MapConfig{Filter: call(">", col(0, int8Type), zero),
					Exprs: []expr.Expr{col(1, textType), call("+", col(0, int8Type), col(0, int8Type)), zero}},
					out)
			},
			model: func(ps []*port) zset {
				z := zset{}
				for _, r := range ps[0].now {
					if !r[0].Null && r[0].I > 0 {
						z.add(datumText([]types.Type{textType, int8Type, int8Type}, []types.Datum{
							r[1], types.IntDatum(2 * r[0].I), types.IntDatum(0)}), 1)
					}
				}
				return z
			},
		}
	})
}

func TestUnionAndConsolidate(t *testing.T) {
	ts := []types.Type{int8Type, fltType, numType, boolType}
	check(t, func(*rand.Rand) *subject {
		return &subject{
			large: true,
			ports: []*port{{types: ts, domain: 3}, {types: ts, domain: 3}},
			make: func(ctx *Context, out Sink) (Op, error) {
				c := NewConsolidate(ctx, ts, out)
				return &chain{NewUnion(SinkFunc(func(b *batch.Batch) error { return c.Push(0, b) })), c}, nil
			},
			model: func(ps []*port) zset {
				z := ps[0].fold()
				for r, w := range ps[1].fold() {
					z.add(r, w)
				}
				return z
			},
		}
	})
}

// chain is two operators, the first feeding the second.
type chain struct {
	Op
	then Op
}

func (c *chain) EndEpoch(e Epoch) error {
	if err := c.Op.EndEpoch(e); err != nil {
		return err
	}
	return c.then.EndEpoch(e)
}

func (c *chain) Close() { c.Op.Close(); c.then.Close() }

func TestConsolidateGivesNetChanges(t *testing.T) {
	ts := []types.Type{int8Type}
	sink := &collectSink{t: t, got: zset{}}
	c := NewConsolidate(testContext(false), ts, sink)
	b := batch.New(ts, 4)
	for _, w := range []int32{1, 1, -1, -1} {
		b.AppendDatums([]types.Datum{types.IntDatum(7)}, w)
	}
	if err := c.Push(0, b); err != nil {
		t.Fatal(err)
	}
	if err := c.EndEpoch(Epoch{N: 1}); err != nil {
		t.Fatal(err)
	}
	if sink.neg || len(sink.order) > 0 {
		t.Errorf("changes that cancel out were given: %v", sink.order)
	}
}

func TestSetOperations(t *testing.T) {
	ts := []types.Type{int8Type, textType}
	for _, kind := range []plan.SetOpKind{plan.Union, plan.Intersect, plan.Except} {
		for _, all := range []bool{false, true} {
			check(t, func(*rand.Rand) *subject {
				return &subject{
					ports: []*port{{types: ts, domain: 2}, {types: ts, domain: 2}},
					make: func(ctx *Context, out Sink) (Op, error) {
						return NewSetOp(ctx, SetOpConfig{Kind: kind, All: all, Types: ts}, out), nil
					},
					model: func(ps []*port) zset { return setModel(kind, all, ps[0].fold(), ps[1].fold()) },
				}
			})
		}
	}
}

func setModel(kind plan.SetOpKind, all bool, l, r zset) zset {
	z := zset{}
	rows := zset{}
	for k := range l {
		rows[k] = 1
	}
	for k := range r {
		rows[k] = 1
	}
	for k := range rows {
		var n int64
		switch {
		case kind == plan.Union && all:
			n = l[k] + r[k]
		case kind == plan.Union:
			n = 1
		case kind == plan.Intersect && all:
			n = min(l[k], r[k])
		case kind == plan.Intersect:
			n = min(l[k], r[k], 1)
		case all:
			n = max(l[k]-r[k], 0)
		case l[k] > 0 && r[k] == 0:
			n = 1
		}
		z.add(k, n)
	}
	return z
}

func TestDistinctHoldsEqualValuesEqual(t *testing.T) {
	sink := &collectSink{t: t, got: zset{}}
	d := NewDistinct(testContext(false), []types.Type{numType}, sink)
	b := batch.New([]types.Type{numType}, 3)
	for _, s := range []string{"1.0", "1.00", "1"} {
		v, err := types.ParseText(nil, numType, s)
		if err != nil {
			t.Fatal(err)
		}
		b.AppendDatums([]types.Datum{v}, 1)
	}
	if err := d.Push(0, b); err != nil {
		t.Fatal(err)
	}
	if err := d.EndEpoch(Epoch{N: 1}); err != nil {
		t.Fatal(err)
	}
	compare(t, sink.got, zset{"1.0": 1}, "distinct")
}

func TestSort(t *testing.T) {
	ts := []types.Type{int8Type, textType}
	for seed := range int64(5) {
		rnd := rand.New(rand.NewSource(seed))
		p := &port{types: ts, domain: 6, appendOnly: true}
		sink := &collectSink{t: t, got: zset{}}
		s, err := NewSort(testContext(true), SortConfig{Types: ts, Keys: []expr.Order{
			{X: col(0, int8Type), Desc: true, NullsFirst: true}, {X: call("upper", col(1, textType))}}},
			sink)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range cut(rnd, ts, p.changes(rnd, 300), 50) {
			if err := s.Push(0, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.EndEpoch(Epoch{N: 1, Bounded: true, Watermark: math.MaxInt64}); err != nil {
			t.Fatal(err)
		}
		compare(t, sink.got, p.fold(), "rows")
		for i := 1; i < len(sink.order); i++ {
			if sortsAfter(sink.order[i-1], sink.order[i]) {
				t.Fatalf("seed %d: %q stands before %q", seed, sink.order[i-1], sink.order[i])
			}
		}
	}
}

// sortsAfter compares rows "int|text": int descending with NULL first, text
// ascending with NULL last. Digits are single, "~" sorts after all.
func sortsAfter(a, b string) bool {
	rank := func(s string) (int, string) {
		if s[0] == '~' {
			return 100, s[2:]
		}
		if s[0] == '-' {
			return -1, s[3:]
		}
		return int(s[0] - '0'), s[2:]
	}
	ai, at := rank(a)
	bi, bt := rank(b)
	return ai < bi || ai == bi && at > bt
}

func TestLimit(t *testing.T) {
	ts := []types.Type{int8Type}
	sink := &collectSink{t: t, got: zset{}}
	l, err := NewLimit(testContext(true), ts, lit(int8Type, types.IntDatum(5)), lit(int8Type,
		types.IntDatum(3)), sink)
	if err != nil {
		t.Fatal(err)
	}
	b := batch.New(ts, 10)
	for i := range int64(6) {
		b.AppendDatums([]types.Datum{types.IntDatum(i)}, 2)
	}
	if err := l.Push(0, b); err != nil {
		t.Fatal(err)
	}
	compare(t, sink.got, zset{"1": 1, "2": 2, "3": 2}, "limit 5 offset 3")
	if !l.Done() {
		t.Error("limit reached, but not Done")
	}
	if _, err := NewLimit(testContext(true), ts, lit(int8Type, types.IntDatum(-1)), nil,
		sink); err == nil {
		t.Error("LIMIT -1 was accepted")
	}
}
