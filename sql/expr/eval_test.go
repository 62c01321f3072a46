package expr

import (
	"fmt"
	"testing"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func compileText(t testing.TB, sc Scope, texts ...string) *Program {
	t.Helper()
	var es []Expr
	for _, s := range texts {
		es = append(es, Fold(mustCheck(t, sc, s)))
	}
	p, err := Compile(es)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBatchesEqualRows evaluates expressions over a batch with NULLs, whole and
// selected, and row by row: the answers are the same.
func TestBatchesEqualRows(t *testing.T) {
	b, sc := numbersBatch(300)
	for _, text := range []string{
		"a + b", "a - n", "big * 2", "a / (b + 1)", "a % (b + 1)", "f * 2 + a", "f / (f + 1)",
		"a = b", "a < n", "n <> 5", "f >= 10", "s = 'apple'", "s < 'b'", "n is null", "n is not null",
		"greatest(a, n, 100)", "least(n, a - 5, b)", "greatest(f, n)", "least(n, null, 7)", "least(null::int, null)",
		"n = any('{1,2,30}'::int[])", "n <> all('{1,2,null}'::int[])", "n = any('{}'::int[])", "s = any('{apple,x}'::text[])",
		"n = any(array[a, 5])", "n::numeric > 10.50", "n::numeric = 4.0", "array[a, n] @> array[a]", "array[a, n] && array[4, b]",
		"a > 5 and n > 10", "a > 5 or n > 10", "not (n > 10)", "n > 10 and f < 50 or s = ''",
		"case when b = 0 then -1 when n is null then 0 else a / b end", "coalesce(n, b, 0)",
		"coalesce(nullif(s, ''), 'none')", "n in (3, 4, 5, null)", "s in ('apple', 'x')",
		"a in (1,2,3,4,5,6,7,8,9,10,11)", "n not in (1, 2)", "upper(s) || a", "length(s) + n",
		"substr(s, 2, 3)", "s like 'a%'", "s like '%an%'", "s ~ 'rr'", "a::text", "f::int", "a::numeric / 3",
		"concat(s, n, f)", "a between 10 and n", "n = any(array[1, 4, 7])", "array[a, n]",
		"(array[a, b, n])[3]", "greatest(a, b, n)", "s is distinct from 'apple'", "n is distinct from a",
		"abs(b - 3)", "round(f::numeric, 1)", "jsonb_build_object('a', a, 's', s) ->> 's'",
		"transform(array[a, b], v => v + a)", "row(a, b) < row(b, a)", "a > 3", "5 > a", "n < f",
	} {
		t.Run(text, func(t *testing.T) { batchesEqualRows(t, b, sc, text) })
	}
}

func batchesEqualRows(t *testing.T, b *batch.Batch, sc *testScope, text string) {
	e := mustCheck(t, sc, text)
	p := compileText(t, sc, text)
	env := testEnv()
	for _, sel := range [][]uint16{nil, {0}, {1, 2, 3, 64, 65, 130, 299}, {}} {
		b.Sel = sel
		for range 2 { // the second time in used memory
			vs, err := p.Eval(env, b)
			if err != nil {
				t.Fatal(err)
			}
			for k := range b.Rows() {
				i := b.Index(k)
				row := make([]types.Datum, len(b.Cols))
				for c, v := range b.Cols {
					row[c] = v.Datum(i)
				}
				want, err := EvalRow(e, env, row)
				if err != nil {
					t.Fatal(err)
				}
				if got := vs[0].Datum(i); !sameDatum(got, want) {
					t.Fatalf("row %d: got %+v, want %+v", i, got, want)
				}
			}
		}
		if e.Type().Kind == types.Bool {
			filterEqualsEval(t, b, p, env)
		}
	}
	b.Sel = nil
}

func filterEqualsEval(t *testing.T, b *batch.Batch, p *Program, env *Env) {
	t.Helper()
	vs, err := p.Eval(env, b)
	if err != nil {
		t.Fatal(err)
	}
	var want []uint16
	for k := range b.Rows() {
		if i := b.Index(k); vs[0].Datum(i).Bool() {
			want = append(want, uint16(i))
		}
	}
	got, err := p.Filter(env, b, make([]uint16, 0, 8))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("filter gives %v, want %v", got, want)
	}
}

// TestRowErrors: a failing row ends the evaluation, or becomes NULL when the
// environment says so.
func TestRowErrors(t *testing.T) {
	b, sc := numbersBatch(20)
	env := testEnv()
	for _, c := range []struct {
		text string
		code sqlerr.Code
		bad  int
		last string // the last call that failed
	}{
		{"a / b", sqlerr.DivisionByZero, 3, "14 / 0"}, {"10 % b", sqlerr.DivisionByZero, 3, "10 % 0"},
		{"2147483640 + a", sqlerr.NumericValueOutOfRange, 12, "2147483640 + 19"},
		{"s::int", sqlerr.InvalidTextRepresentation, 20, "cast('')"}, {"chr(b)", sqlerr.ProgramLimitExceeded, 3, "chr(0)"},
		{"1 / (a * 0)", sqlerr.DivisionByZero, 20, "1 / 0"}, {"repeat(s, 2000000000)", sqlerr.ProgramLimitExceeded, 15, "repeat('cherry', 2000000000)"},
		{"1 / 0", sqlerr.DivisionByZero, 20, "1 / 0"},
	} {
		p := compileText(t, sc, c.text)
		env.OnRowError = nil
		if _, err := p.Eval(env, b); !sqlerr.Is(err, c.code) {
			t.Errorf("%s: error %v, want %s", c.text, err, c.code)
		}
		failed := map[int]bool{}
		call := ""
		env.OnRowError = func(f *RowFailure) error {
			if f.Err.Code != c.code || f.Input != b {
				t.Errorf("%s: row %d: %v", c.text, f.Row, f.Err)
			}
			failed[f.Row] = true
			call = f.Call()
			return nil
		}
		vs, err := p.Eval(env, b)
		if err != nil {
			t.Fatal(err)
		}
		if call != c.last {
			t.Errorf("%s: the last failure is %s, want %s", c.text, call, c.last)
		}
		if len(failed) != c.bad {
			t.Errorf("%s: %d rows failed, want %d", c.text, len(failed), c.bad)
		}
		for i := range b.N {
			if vs[0].IsNull(i) != failed[i] {
				t.Errorf("%s: row %d: null %v, failed %v", c.text, i, vs[0].IsNull(i), failed[i])
			}
		}
	}
}

// TestNoAllocations: once warm, hot expressions need no memory.
func TestNoAllocations(t *testing.T) {
	b, sc := numbersBatch(1000)
	env := testEnv()
	for _, text := range []string{
		"a + b", "a + n", "big * 2 - a", "f * 2", "a > 500", "n > 500", "s = 'apple'", "a > 5 and f < 100",
		"a = 3 or b = 4", "case when b <> 0 then a / b else 0 end", "coalesce(n, 0)", "upper(s)",
		"s || s", "length(s)", "substr(s, 2, 2)", "s like 'a%'", "s like '%a_a%'", "n is null", "a in (1, 2, 3)",
		"s in ('apple', 'pear')", "a::bigint + 1", "a::float8", "a::text", "not (a > 5)", "n is distinct from b",
		"a % 10", "concat(s, a)", "starts_with(s, 'a')", "position('a' in s)", "a::numeric", "a between 5 and 10",
		"greatest(a, n)", "least(f, 2)", "a = any('{1,2,3}'::int[])", "s <> all('{apple,kiwi}'::text[])",
		"a::numeric > 10.5", "a::numeric + 0.5", "date_trunc('hour', to_timestamp(a))",
		"extract(epoch from to_timestamp(a))", "to_timestamp(a) + interval '1 hour'",
		"to_timestamp(a) > '2024-05-01'", "to_jsonb(a)", "split_part(s, 'p', 1)", "trim(s)", "lower(s)",
	} {
		p := compileText(t, sc, text)
		if _, err := p.Eval(env, b); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(10, func() { _, _ = p.Eval(env, b) }); n != 0 {
			t.Errorf("eval %s: %v allocations", text, n)
		}
		if p.exprs[0].Type().Kind != types.Bool {
			continue
		}
		sel := make([]uint16, b.N)
		_, _ = p.Filter(env, b, sel)
		if n := testing.AllocsPerRun(10, func() { _, _ = p.Filter(env, b, sel) }); n != 0 {
			t.Errorf("filter %s: %v allocations", text, n)
		}
	}
}

func TestParamsAndOuter(t *testing.T) {
	b, sc := numbersBatch(10)
	p := compileText(t, sc, "a + $1::int")
	env := testEnv()
	env.Params = []types.Datum{types.IntDatum(100)}
	vs, err := p.Eval(env, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := vs[0].I64[7]; got != 107 {
		t.Errorf("a + $1 = %d", got)
	}
	env.Params = nil
	if _, err := p.Eval(env, b); !sqlerr.Is(err, sqlerr.UndefinedParameter) {
		t.Errorf("missing parameter: %v", err)
	}
	outer, err := Compile([]Expr{&Outer{Depth: 1, Index: 0, T: types.Of(types.Int4)}})
	if err != nil {
		t.Fatal(err)
	}
	env.Outer = []OuterRow{{Batch: b, Row: 4}}
	vs, err = outer.Eval(env, b)
	if err != nil || !vs[0].Const || vs[0].I64[0] != 4 {
		t.Errorf("outer column: %v %v", vs, err)
	}
}

// TestSubplans runs subqueries that a function stands for.
func TestSubplans(t *testing.T) {
	b, _ := numbersBatch(5)
	one := batch.New([]types.Type{types.Of(types.Int4)}, 3)
	for _, d := range []types.Datum{types.IntDatum(1), types.NullDatum, types.IntDatum(3)} {
		one.AppendDatums([]types.Datum{d}, 1)
	}
	env := testEnv()
	env.RunSubplan = func(int) ([]*batch.Batch, error) { return []*batch.Batch{one}, nil }
	eq, _ := FindOperator("=", types.Of(types.Int4), types.Of(types.Int4))
	a := &Col{Index: 0, T: types.Of(types.Int4)}
	for _, c := range []struct {
		e    *Subplan
		want string
	}{
		{&Subplan{Kind: SubplanExists, T: boolType}, "[t t t t t]"},
		{&Subplan{Kind: SubplanAny, X: []Expr{a}, Op: []*Func{eq}, T: boolType}, "[NULL t NULL t NULL]"},
		{&Subplan{Kind: SubplanAll, X: []Expr{a}, Op: []*Func{eq}, T: boolType}, "[f f f f f]"},
		{&Subplan{Kind: SubplanArray, T: types.ArrayOf(types.Of(types.Int4))},
			"[{1,NULL,3} {1,NULL,3} {1,NULL,3} {1,NULL,3} {1,NULL,3}]"},
	} {
		p, err := Compile([]Expr{c.e})
		if err != nil {
			t.Fatal(err)
		}
		vs, err := p.Eval(env, b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range b.N {
			if d := vs[0].Datum(i); d.Null {
				got = append(got, "NULL")
			} else {
				got = append(got, types.TextOf(nil, c.e.T, d))
			}
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("subplan %d: %s, want %s", c.e.Kind, s, c.want)
		}
	}
	p, _ := Compile([]Expr{&Subplan{Kind: SubplanScalar, T: types.Of(types.Int4)}})
	if _, err := p.Eval(env, b); !sqlerr.Is(err, sqlerr.CardinalityViolation) {
		t.Errorf("scalar subquery of three rows: %v", err)
	}
}

var benchExprs = []string{"a + b", "a + 1", "big + 1", "big * big", "f + f", "f * 2.5", "a > b", "a > 500",
	"f < 100", "n + 1", "s = 'apple'", "a::bigint + 1", "a / 7", "s like 'a%'", "upper(s)", "a::text",
	"case when a > 500 then 1 else 2 end", "a::numeric * 2.5", "s in ('apple', 'kiwi')", "length(s)"}

// BenchmarkEval measures one operation per row; divide by 4096 for a row.
func BenchmarkEval(b *testing.B) {
	in, sc := numbersBatch(batch.MaxRows)
	env := testEnv()
	for _, text := range benchExprs {
		b.Run(text, func(b *testing.B) {
			p := compileText(b, sc, text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(env, in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.N), "ns/row")
		})
	}
}

// BenchmarkFilter measures conditions.
func BenchmarkFilter(b *testing.B) {
	in, sc := numbersBatch(batch.MaxRows)
	env := testEnv()
	for _, text := range []string{"a > 2000", "a > b", "a > 1000 and f < 600", "n > 100", "s = 'apple'",
		"a % 7 = 3", "a = 5 or b = 3", "s like 'a%'"} {
		b.Run(text, func(b *testing.B) {
			p := compileText(b, sc, text)
			sel := make([]uint16, in.N)
			for b.Loop() {
				if _, err := p.Filter(env, in, sel); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.N), "ns/row")
		})
	}
}
