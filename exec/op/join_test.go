package op

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

var joinKinds = []plan.JoinKind{plan.Inner, plan.Left, plan.Right, plan.Full, plan.Semi, plan.Anti,
	plan.AntiNull, plan.Mark}

var joinNames = []string{"inner", "left", "right", "full", "semi", "anti", "antinull", "mark"}

func TestJoin(t *testing.T) {
	lt := []types.Type{int8Type, textType, int8Type}
	rt := []types.Type{textType, int8Type, int8Type}
	for nkeys := range 3 {
		for _, residual := range []bool{false, true} {
			for _, kind := range joinKinds {
				cfg := JoinConfig{Kind: kind, Left: lt, Right: rt}
				if nkeys > 0 {
					cfg.LeftKeys = []expr.Expr{col(0, int8Type), col(1, textType)}[:nkeys]
					cfg.RightKeys = []expr.Expr{col(1, int8Type), col(0, textType)}[:nkeys]
				}
				if residual {
					cfg.Residual = call("<=", col(2, int8Type), col(5, int8Type))
				}
				t.Run(fmt.Sprintf("%s/keys=%d/residual=%v", joinNames[kind], nkeys, residual),
					func(t *testing.T) {
						check(t, func(rnd *rand.Rand) *subject {
							return &subject{
								ports: []*port{{types: lt, domain: 4}, {types: rt, domain: 4}},
								make: func(ctx *Context, out Sink) (Op, error) {
									c := cfg
									c.RightFirst = rnd.Intn(2) == 0
									return NewJoin(ctx, c, out)
								},
								model: func(ps []*port) zset {
									return joinModel(cfg, nkeys, residual, ps[0].now,
										ps[1].now)
								},
							}
						})
					})
			}
		}
	}
}

const (
	no = iota
	unknown
	yes
)

// matches evaluates the condition of a pair in three-valued logic; the residual
// counts as false when it is NULL.
func matches(nkeys int, residual bool, l, r []types.Datum) int {
	if residual && (l[2].Null || r[2].Null || l[2].I > r[2].I) {
		return no
	}
	res := yes
	keys := [][2]types.Datum{{l[0], r[1]}, {l[1], r[0]}}[:nkeys]
	for _, k := range keys {
		switch {
		case k[0].Null || k[1].Null:
			res = min(res, unknown)
		case k[0] != k[1]:
			return no
		}
	}
	return res
}

func joinModel(cfg JoinConfig, nkeys int, residual bool, ls, rs [][]types.Datum) zset {
	z := zset{}
	both := append(append([]types.Type(nil), cfg.Left...), cfg.Right...)
	nulls := []types.Datum{types.NullDatum, types.NullDatum, types.NullDatum}
	rightHit := make([]bool, len(rs))
	for _, l := range ls {
		best := no
		for i, r := range rs {
			m := matches(nkeys, residual, l, r)
			best = max(best, m)
			if m != yes {
				continue
			}
			rightHit[i] = true
			if cfg.Kind <= plan.Full {
				z.add(datumText(both, append(append([]types.Datum(nil), l...), r...)), 1)
			}
		}
		switch k := cfg.Kind; {
		case (k == plan.Left || k == plan.Full) && best != yes:
			z.add(datumText(both, append(append([]types.Datum(nil), l...), nulls...)), 1)
		case k == plan.Semi && best == yes, k == plan.Anti && best != yes, k == plan.AntiNull &&
			best == no:
			z.add(datumText(cfg.Left, l), 1)
		case k == plan.Mark:
			mark := []types.Datum{types.BoolDatum(false), types.NullDatum, types.BoolDatum(true)}[best]
			z.add(datumText(append(append([]types.Type(nil), cfg.Left...), boolType),
				append(append([]types.Datum(nil), l...), mark)), 1)
		}
	}
	if cfg.Kind == plan.Right || cfg.Kind == plan.Full {
		for i, r := range rs {
			if !rightHit[i] {
				z.add(datumText(both, append(append([]types.Datum(nil), nulls...), r...)), 1)
			}
		}
	}
	return z
}

// TestOuterJoinConsolidates: a partner that comes in the same epoch leaves no
// trace of the row without one.
func TestOuterJoinConsolidates(t *testing.T) {
	ts := []types.Type{int8Type}
	sink := &collectSink{t: t, got: zset{}}
	j, err := NewJoin(testContext(false), JoinConfig{Kind: plan.Full, Left: ts, Right: ts,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	b := batch.New(ts, 1)
	b.AppendDatums([]types.Datum{types.IntDatum(1)}, 1)
	for in := range 2 {
		if err := j.Push(in, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.EndEpoch(Epoch{N: 1}); err != nil {
		t.Fatal(err)
	}
	if sink.neg || len(sink.order) != 1 {
		t.Errorf("rows %v, retractions %v: want the pair alone", sink.order, sink.neg)
	}
}

func TestTemporalJoin(t *testing.T) {
	lt := []types.Type{int8Type, textType}
	rt := []types.Type{int8Type, int8Type}
	both := append(append([]types.Type(nil), lt...), rt...)
	for _, kind := range []plan.JoinKind{plan.Inner, plan.Left} {
		for _, residual := range []bool{false, true} {
			cfg := TemporalJoinConfig{Kind: kind, Left: lt, Right: rt,
				LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}
			if residual {
				cfg.Residual = call(">", col(3, int8Type), lit(int8Type, types.IntDatum(0)))
			}
			for seed := range int64(10) {
				rnd := rand.New(rand.NewSource(seed))
				sink := &collectSink{t: t, got: zset{}}
				j, err := NewTemporalJoin(testContext(false), cfg, sink)
				if err != nil {
					t.Fatal(err)
				}
				left, right := &port{types: lt, domain: 4, appendOnly: true}, &port{types: rt, domain: 4}
				want := zset{}
				for epoch := range uint64(15) {
					lc := left.changes(rnd, rnd.Intn(10))
					for _, b := range cut(rnd, lt, lc, 3) {
						if err := j.Push(0, b); err != nil {
							t.Fatal(err)
						}
					}
					for _, b := range cut(rnd, rt, right.changes(rnd, rnd.Intn(6)), 3) {
						if err := j.Push(1, b); err != nil {
							t.Fatal(err)
						}
					}
					if err := j.EndEpoch(Epoch{N: epoch}); err != nil {
						t.Fatal(err)
					}
					temporalModel(want, kind, residual, both, lc, right.now)
					compare(t, sink.got, want, fmt.Sprint("epoch ", epoch))
				}
			}
		}
	}
}

func temporalModel(z zset, kind plan.JoinKind, residual bool, both []types.Type, lc []change,
	rs [][]types.Datum) {
	for _, c := range lc {
		n := 0
		for _, r := range rs {
			if c.row[0].Null || c.row[0] != r[0] || residual && (r[1].Null || r[1].I <= 0) {
				continue
			}
			n++
			z.add(datumText(both, append(append([]types.Datum(nil), c.row...), r...)), int64(c.w))
		}
		if n == 0 && kind == plan.Left {
			z.add(datumText(both, append(append([]types.Datum(nil), c.row...), types.NullDatum,
				types.NullDatum)), int64(c.w))
		}
	}
}

// TestTemporalJoinOrder: the result has the order of the left rows, with or
// without a match.
func TestTemporalJoinOrder(t *testing.T) {
	ts := []types.Type{int8Type}
	for _, residual := range []bool{false, true} {
		sink := &collectSink{t: t, got: zset{}}
		cfg := TemporalJoinConfig{Kind: plan.Left, Left: ts, Right: ts, RightFirst: true,
			LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)}}
		if residual {
			cfg.Residual = call("<>", col(1, int8Type), lit(int8Type, types.IntDatum(4)))
		}
		j, err := NewTemporalJoin(testContext(false), cfg, sink)
		if err != nil {
			t.Fatal(err)
		}
		keys := [][]int64{{1, 2, 3, 4, 5, 2}, {2, 4}}
		for in := 1; in >= 0; in-- {
			b := batch.New(ts, 8)
			for _, k := range keys[in] {
				b.AppendDatums([]types.Datum{types.IntDatum(k)}, 1)
			}
			if err := j.Push(in, b); err != nil {
				t.Fatal(err)
			}
		}
		want := "[1|~ 2|2 3|~ 4|4 5|~ 2|2]"
		if residual {
			want = "[1|~ 2|2 3|~ 4|~ 5|~ 2|2]"
		}
		if got := fmt.Sprint(sink.order); got != want {
			t.Errorf("residual %v: order %s, want %s", residual, got, want)
		}
	}
}
