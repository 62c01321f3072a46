package op

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

var withinTypes = []types.Type{int8Type, tsType}

func withinConfig(kind plan.JoinKind, w plan.Within) JoinConfig {
	w.LeftTime, w.RightTime = 1, 1
	return JoinConfig{Kind: kind, Left: withinTypes, Right: withinTypes,
		LeftKeys: []expr.Expr{col(0, int8Type)}, RightKeys: []expr.Expr{col(0, int8Type)},
		Within: &w}
}

// TestJoinWithin checks a stream-stream join against a model of it, row by row:
// pairs near in time, rows without a partner once when their window closes or
// when they come after that, and exactly the rows that may find one as state.
func TestJoinWithin(t *testing.T) {
	for _, kind := range []plan.JoinKind{plan.Inner, plan.Left, plan.Right, plan.Full, plan.Semi,
		plan.Anti} {
		for seed := range int64(20) {
			t.Run(fmt.Sprintf("%s/seed=%d", joinNames[kind], seed), func(t *testing.T) {
				rnd := rand.New(rand.NewSource(seed))
				w := plan.Within{Before: 2 * second, After: 5 * second,
					Grace: rnd.Int63n(3) * second, Front: rnd.Intn(2) == 0,
					Retract: kind <= plan.Full && rnd.Intn(3) == 0}
				if rnd.Intn(2) == 0 {
					w.Before, w.After = w.After, w.Before
				}
				runWithin(t, rnd, withinConfig(kind, w))
			})
		}
	}
}

func runWithin(t *testing.T, rnd *rand.Rand, cfg JoinConfig) {
	sink := &collectSink{t: t, got: zset{}}
	j, err := NewJoin(testContext(false), cfg, sink)
	if err != nil {
		t.Fatal(err)
	}
	m := &withinModel{cfg: cfg, want: zset{}, marked: math.MinInt64}
	for epoch := range int64(40) {
		for in := range 2 {
			b := batch.New(withinTypes, 8)
			for range rnd.Intn(6) {
				r := []types.Datum{types.IntDatum(rnd.Int63n(3)),
					types.IntDatum((epoch + rnd.Int63n(14) - 10) * second)}
				b.AppendDatums(r, 1)
				m.push(in, r)
			}
			if err := j.Push(in, b); err != nil {
				t.Fatal(err)
			}
		}
		e := Epoch{N: uint64(epoch), Watermark: epoch * second, Front: epoch * second}
		if cfg.Within.Front {
			e.Watermark = math.MinInt64
		}
		if err := j.EndEpoch(e); err != nil {
			t.Fatal(err)
		}
		m.end(epoch * second)
		if u := j.Memory(); u.Rows != m.open() {
			t.Fatalf("%d rows are kept after epoch %d, %d may find partners", u.Rows, epoch, m.open())
		}
		if cfg.Kind != plan.Semi {
			compare(t, sink.got, m.now(), fmt.Sprint("epoch ", epoch))
		}
	}
	if err := j.EndEpoch(Epoch{N: 99, Watermark: 1 << 60, Front: 1 << 60}); err != nil {
		t.Fatal(err)
	}
	m.end(1 << 60)
	if u := j.Memory(); u.Rows != 0 {
		t.Errorf("%d rows are kept after their time", u.Rows)
	}
	if sink.neg && !cfg.Within.Retract {
		t.Error("the join retracts")
	}
	compare(t, sink.got, m.want, "the end")
	if late := j.(Late).LateRows(); late != m.late {
		t.Errorf("%d late rows, want %d", late, m.late)
	}
}

// withinModel is the definition of a stream-stream join.
type withinModel struct {
	cfg    JoinConfig
	want   zset
	rows   [2][]*withinRow // whose windows are open
	marked int64
	late   int64
}

type withinRow struct {
	row  []types.Datum
	hits int
}

// closes is the time at which the window of a row closes.
func (m *withinModel) closes(in int, r []types.Datum) int64 {
	w := m.cfg.Within
	return r[1].I + [2]int64{w.After, w.Before}[in] + w.Grace
}

// ends is the time from which on a row is of no use.
func (m *withinModel) ends(r []types.Datum) int64 {
	return r[1].I + m.cfg.Within.Before + m.cfg.Within.After + m.cfg.Within.Grace
}

func (m *withinModel) push(in int, r []types.Datum) {
	x := &withinRow{row: r}
	limit := m.ends(r)
	if k := m.cfg.Kind; k == plan.Full || in == 0 && k != plan.Inner && k != plan.Right ||
		in == 1 && k == plan.Right {
		limit = m.closes(in, r) // it matters whether there is a partner
	}
	if limit < m.marked {
		if !m.alone(in, x) {
			m.late++
		}
		return
	}
	w := m.cfg.Within
	for _, o := range m.rows[1-in] {
		l, r := x, o
		if in == 1 {
			l, r = o, x
		}
		d := r.row[1].I - l.row[1].I
		if l.row[0] != r.row[0] || d < -w.Before || d > w.After {
			continue
		}
		if l.hits++; m.cfg.Kind == plan.Semi && l.hits == 1 {
			m.want.add(datumText(withinTypes, l.row), 1)
		}
		r.hits++
		if m.cfg.Kind <= plan.Full {
			m.want.add(withinText(l.row, r.row), 1)
		}
	}
	m.rows[in] = append(m.rows[in], x)
}

func withinText(l, r []types.Datum) string {
	both := append(append([]types.Type(nil), withinTypes...), withinTypes...)
	return datumText(both, append(append([]types.Datum(nil), l...), r...))
}

// alone gives a row without a partner, where the kind shows such.
func (m *withinModel) alone(in int, x *withinRow) bool {
	nulls := []types.Datum{types.NullDatum, types.NullDatum}
	switch k := m.cfg.Kind; {
	case in == 0 && (k == plan.Left || k == plan.Full):
		m.want.add(withinText(x.row, nulls), 1)
	case in == 1 && (k == plan.Right || k == plan.Full):
		m.want.add(withinText(nulls, x.row), 1)
	case in == 0 && k == plan.Anti:
		m.want.add(datumText(withinTypes, x.row), 1)
	default:
		return false
	}
	return true
}

func (m *withinModel) end(marked int64) {
	m.marked = marked
	for in, rows := range m.rows {
		m.rows[in] = nil
		for _, x := range rows {
			until := m.closes(in, x.row)
			if m.cfg.Within.Retract {
				until = m.ends(x.row)
			}
			if until < marked && x.hits == 0 && m.alone(in, x) {
				continue
			}
			if m.ends(x.row) >= marked {
				m.rows[in] = append(m.rows[in], x)
			}
		}
	}
}

// now gives what is there after an epoch: with Retract, rows that are still without
// a partner too.
func (m *withinModel) now() zset {
	if !m.cfg.Within.Retract {
		return m.want
	}
	c := &withinModel{cfg: m.cfg, want: zset{}}
	for row, w := range m.want {
		c.want.add(row, w)
	}
	for in, rows := range m.rows {
		for _, x := range rows {
			if x.hits == 0 {
				c.alone(in, x)
			}
		}
	}
	return c.want
}

// open counts the different rows that are kept.
func (m *withinModel) open() int64 {
	n := int64(0)
	for _, rows := range m.rows {
		seen := map[string]bool{}
		for _, x := range rows {
			seen[datumText(withinTypes, x.row)] = true
		}
		n += int64(len(seen))
	}
	return n
}

// TestJoinWithinOrder: unmatched rows come in the order of their time, whatever
// side they are of, the left side's first.
func TestJoinWithinOrder(t *testing.T) {
	sink := &collectSink{t: t, got: zset{}}
	j, err := NewJoin(testContext(false), withinConfig(plan.Full, plan.Within{Before: 1, After: 9}),
		sink)
	if err != nil {
		t.Fatal(err)
	}
	for in, times := range [][]int64{{30, 10, 20}, {20, 5, 25}} {
		b := batch.New(withinTypes, 4)
		for _, at := range times {
			b.AppendDatums([]types.Datum{types.IntDatum(int64(in)), types.IntDatum(at)}, 1)
		}
		if err := j.Push(in, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.EndEpoch(Epoch{N: 1, Watermark: 100}); err != nil {
		t.Fatal(err)
	}
	null := []types.Datum{types.NullDatum, types.NullDatum}
	row := func(k, at int64) []types.Datum {
		return []types.Datum{types.IntDatum(k), types.IntDatum(at)}
	}
	want := []string{withinText(null, row(1, 5)), withinText(row(0, 10), null),
		withinText(row(0, 20), null), withinText(null, row(1, 20)), withinText(null, row(1, 25)),
		withinText(row(0, 30), null)}
	if fmt.Sprint(sink.order) != fmt.Sprint(want) {
		t.Errorf("order %v, want %v", sink.order, want)
	}
}

// TestJoinWithinIsBounded: a million rows pass, the state is that of one window.
func TestJoinWithinIsBounded(t *testing.T) {
	w := plan.Within{Before: 5 * second, After: 5 * second, Grace: second}
	j, err := NewJoin(testContext(false), withinConfig(plan.Full, w), discard)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewSource(1))
	const step = 1000 // microseconds between rows of a side
	limit := 2 * (int64(11*second)/step + 2*batch.MaxRows)
	at, most := int64(0), int64(0)
	b := batch.New(withinTypes, batch.MaxRows)
	for n := 0; n < 1_000_000; n += 2 * batch.MaxRows {
		for in := range 2 {
			b.Reset()
			for i := range int64(batch.MaxRows) {
				b.Cols[0].AppendInt(rnd.Int63n(50_000))
				b.Cols[1].AppendInt(at + i*step)
				b.N++
			}
			if err := j.Push(in, b); err != nil {
				t.Fatal(err)
			}
		}
		at += batch.MaxRows * step
		if err := j.EndEpoch(Epoch{N: uint64(n), Watermark: at}); err != nil {
			t.Fatal(err)
		}
		most = max(most, j.Memory().Rows)
	}
	if most > limit || most < limit/4 {
		t.Errorf("%d rows were kept, at most %d may find partners", most, limit)
	}
}
