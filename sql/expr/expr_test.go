package expr

import (
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// testScope resolves the columns it is given, and no queries.
type testScope struct {
	cols []types.Field
	aggs []*AggCall
}

func (s *testScope) Column(name []string, pos int) (Expr, error) {
	for i, c := range s.cols {
		if c.Name == name[len(name)-1] {
			return &Col{Index: i, T: c.Type, Name: c.Name}, nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist",
		name[len(name)-1]).At(pos)
}

func (s *testScope) Query(any, []Expr) (Expr, error) {
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "no subqueries here")
}

func (s *testScope) Aggregate(c *AggCall, _ int) (Expr, error) {
	s.aggs = append(s.aggs, c)
	return &Agg{c}, nil
}

func (s *testScope) Window(c *WindowCall, _ any, _ int) (Expr, error) { return &Window{c}, nil }

func (s *testScope) Param(n int, want types.Type, _ int) (Expr, error) {
	return &Param{N: n, T: want}, nil
}

// UserType knows the enum of the examples.
func (s *testScope) UserType(name []string, _ int) (types.Type, bool) {
	if name[len(name)-1] != "mood" {
		return types.Type{}, false
	}
	return types.Type{Kind: types.Enum, Enum: &types.EnumType{OID: moodOID, ArrayOID: moodArrayOID, Name: "mood",
		Labels: []string{"sad", "ok", "happy"}, Order: []float64{1, 2, 3}}}, true
}

func (s *testScope) UserFunc([]string, []Expr, int) (Expr, bool, error) { return nil, false, nil }

// recordedMood is the enum's OID in recorded answers, whatever the server gave it.
const recordedMood = 16384

// moodOID and moodArrayOID are those of the enum of the examples.
var moodOID, moodArrayOID uint32 = recordedMood, 16383

// testEnv is a fixed clock in UTC.
func testEnv() *Env {
	seed := uint64(1)
	env := &Env{Now: time.Date(2024, 2, 29, 12, 34, 56, 789000000, time.UTC).UnixMicro(),
		Zone: time.UTC, Random: func() uint64 { seed = seed*6364136223846793005 + 1; return seed }}
	if testValues != nil {
		v := *testValues
		v.Now, env.Zone, env.Values = env.Now, v.Zone, &v
	}
	return env
}

// testValues are the settings of testEnv; nil stands for PostgreSQL's defaults in UTC.
var testValues *types.Env

func mustCheck(t testing.TB, sc Scope, text string) Expr {
	t.Helper()
	x, err := parse.ParseExpr(text)
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	e, err := Check(x, sc)
	if err != nil {
		t.Fatalf("check %s: %v", text, err)
	}
	return e
}

func numbersBatch(n int) (*batch.Batch, *testScope) {
	cols := []types.Field{
		{Name: "a", Type: types.Of(types.Int4)}, {Name: "b", Type: types.Of(types.Int4)},
		{Name: "big", Type: types.Of(types.Int8)}, {Name: "f", Type: types.Of(types.Float8)},
		{Name: "s", Type: types.Of(types.Text)}, {Name: "n", Type: types.Of(types.Int4)},
	}
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = c.Type
	}
	b := batch.New(ts, n)
	words := []string{"apple", "banana", "cherry", ""}
	for i := range n {
		row := []types.Datum{types.IntDatum(int64(i)), types.IntDatum(int64(i % 7)),
			types.IntDatum(int64(i) << 20), types.FloatDatum(float64(i) / 4),
			types.TextDatum(words[i%4]), types.IntDatum(int64(i))}
		if i%3 == 0 {
			row[5] = types.NullDatum
		}
		b.AppendDatums(row, 1)
	}
	return b, &testScope{cols: cols}
}
