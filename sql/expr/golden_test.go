package expr

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

const goldenDir = "../../testdata/expr"

var rewrite = flag.Bool("rewrite", false, "rewrite the answers of own.test, and the list of examples")

// goldenLine is one line of a golden file: an expression and its answer.
type goldenLine struct{ expr, want string }

func readGolden(t testing.TB, name string) []goldenLine {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenLine
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		e, want, _ := strings.Cut(line, "\t=> ")
		out = append(out, goldenLine{e, want})
	}
	return out
}

func writeGolden(t testing.TB, name string, lines []goldenLine) {
	t.Helper()
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.expr)
		if l.want != "" {
			b.WriteString("\t=> " + l.want)
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// oneLine writes an answer without line breaks.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\n\t\r") {
		return strconv.Quote(s)
	}
	return s
}

// sampleRows are the rows that aggregates are evaluated over: x int, y float8.
var sampleRows = [][]types.Datum{
	{types.IntDatum(3), types.FloatDatum(1.5)}, {types.IntDatum(1), types.FloatDatum(2.5)},
	{types.IntDatum(2), types.NullDatum}, {types.NullDatum, types.FloatDatum(4)},
	{types.IntDatum(5), types.FloatDatum(0.5)}, {types.IntDatum(2), types.FloatDatum(1)},
}

// ksqlScope is a scope of ksqlDB's dialect.
type ksqlScope struct{ *testScope }

func (ksqlScope) Ksql() bool { return true }

func sampleScope() *testScope {
	return &testScope{cols: []types.Field{{Name: "x", Type: types.Of(types.Int4)},
		{Name: "y", Type: types.Of(types.Float8)}}}
}

// answer evaluates an expression and words the result as golden files do: the
// type and the text, or the SQLSTATE, the position and the message.
func answer(text string) string { return answerIn(sampleScope(), text) }

// answerIn is answer in a scope.
func answerIn(sc Scope, text string) string {
	text, defs, defined := strings.Cut(text, " AS x(")
	x, err := parse.ParseExpr(text)
	if err != nil {
		return errorAnswer(err)
	}
	e, err := Check(x, sc)
	if err != nil {
		return errorAnswer(err)
	}
	if defined {
		e = defineColumns(e, strings.TrimSuffix(defs, ")"))
	}
	if e, err = Settle(e, sc, x.Pos()); err != nil {
		return errorAnswer(err)
	}
	env := testEnv()
	rows, err := answerRows(e, env)
	if err != nil {
		return errorAnswer(err)
	}
	t := e.Type()
	name := t.String()
	if t.Kind == types.Record {
		name = "record"
	}
	t2 := t
	t2.Mod = 0
	if t.Kind != types.Record {
		name = t2.String()
		if t2.Kind == types.Bpchar {
			name = "character"
		}
	}
	var out []string
	for _, d := range rows {
		if d.Null {
			out = append(out, "NULL")
		} else {
			out = append(out, types.TextOf(typesEnv(env), t, d))
		}
	}
	if len(out) == 0 {
		return "no rows"
	}
	return name + ": " + oneLine(strings.Join(out, " | "))
}

// defineColumns gives a call the columns of a definition list: names and types.
func defineColumns(e Expr, defs string) Expr {
	var cols []types.Field
	for _, d := range strings.Split(defs, ", ") {
		name, typ, _ := strings.Cut(d, " ")
		cols = append(cols, types.Field{Name: name, Type: signatureType(typ)})
	}
	return Define(e.(*Call), cols)
}

func errorAnswer(err error) string {
	e := sqlerr.As(err)
	pos := ""
	if e.Offset > 0 {
		pos = " @" + strconv.Itoa(e.Offset)
	} else if e.Position > 0 {
		pos = " @" + strconv.Itoa(e.Position)
	}
	return "ERROR " + string(e.Code) + pos + " " + oneLine(e.Message)
}

func answerRows(e Expr, env *Env) ([]types.Datum, error) {
	if call, ok := e.(*Call); ok && call.Fn.Set != nil {
		return evalSet(call, env)
	}
	e, err := Transform(e, func(x Expr) (Expr, error) {
		agg, ok := x.(*Agg)
		if !ok {
			return x, nil
		}
		d, err := evalAggregate(agg.Call, env)
		return &Const{D: d, T: agg.Call.T}, err
	})
	if err != nil {
		return nil, err
	}
	d, err := EvalRow(Fold(e), env, make([]types.Datum, 2))
	return []types.Datum{d}, err
}

func evalSet(e *Call, env *Env) ([]types.Datum, error) {
	args := make([]types.Datum, len(e.Args))
	for i, a := range e.Args {
		d, err := EvalConst(a, env)
		if err != nil {
			return nil, err
		}
		args[i] = d
	}
	var out []types.Datum
	err := e.Fn.Set(env, args, func(row []types.Datum) error {
		if len(row) == 1 && (len(e.Fn.RetCols) == 0 || e.T.Kind != types.Record) {
			out = append(out, keep(row[0]))
		} else {
			out = append(out, types.RecordDatum(e.T, row))
		}
		return nil
	})
	return out, err
}

// sliceIter is a RowIter over rows in memory.
type sliceIter struct {
	rows [][]types.Datum
	n    int
}

func (s *sliceIter) Next() ([]types.Datum, int64, bool) {
	if s.n == len(s.rows) {
		return nil, 0, false
	}
	s.n++
	return s.rows[s.n-1], 1, true
}

// evalAggregate computes an aggregate over the sample rows.
func evalAggregate(c *AggCall, env *Env) (types.Datum, error) {
	var in []aggRow
	for _, row := range sampleRows {
		r, ok, err := aggInput(c, env, row)
		if err != nil {
			return types.NullDatum, err
		}
		if ok {
			in = append(in, r)
		}
	}
	rows := sortAggRows(c, in)
	out := batch.NewVector(c.T, 1)
	if err := c.Fn.Collect(env, &sliceIter{rows: rows}, out); err != nil {
		return types.NullDatum, err
	}
	return out.Datum(0), nil
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob(goldenDir + "/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { goldenFile(t, name) })
	}
}

func goldenFile(t *testing.T, name string) {
	lines := readGolden(t, name)
	base := filepath.Base(name)
	ksql := strings.HasPrefix(base, "ksql")
	own := base == "own.test" || ksql
	bad := 0
	for i, l := range lines {
		if l.expr == "" || l.expr[0] == '#' {
			continue
		}
		got := answer(l.expr)
		if ksql {
			got = answerIn(ksqlScope{sampleScope()}, l.expr)
		}
		if *rewrite && own {
			lines[i].want = got
			continue
		}
		if got != l.want {
			bad++
			if bad <= 400 {
				t.Errorf("%s\n got %s\nwant %s", l.expr, got, l.want)
			}
		}
	}
	if *rewrite && own {
		writeGolden(t, name, lines)
	}
}

// TestExamples demands that every function and aggregate has a golden example,
// unless it asks a session.
func TestExamples(t *testing.T) {
	files, _ := filepath.Glob(goldenDir + "/*.test")
	var shared []string
	for _, name := range files {
		if !strings.HasPrefix(filepath.Base(name), "ksql") {
			shared = append(shared, name)
		}
	}
	var all, dialect []example
	for _, f := range Funcs() {
		if !f.Session || f.Example != "" {
			all = append(all, example{f.Name, f.Doc, f.Example})
		}
	}
	for _, a := range Aggs() {
		all = append(all, example{a.Name, a.Doc, a.Example})
	}
	for _, f := range DialectFuncs() {
		dialect = append(dialect, example{f.Name, f.Doc, f.Example})
	}
	needExamples(t, all, shared, "examples.test")
	needExamples(t, dialect, []string{goldenDir + "/ksql.test"}, "ksql.test")
}

type example struct{ name, doc, text string }

// needExamples demands that the files have all examples; with -rewrite it adds
// those that are missing to the file home, without answers.
func needExamples(t *testing.T, all []example, files []string, home string) {
	t.Helper()
	have := map[string]bool{}
	for _, name := range files {
		for _, l := range readGolden(t, name) {
			have[l.expr] = true
		}
	}
	var missing []goldenLine
	for _, x := range all {
		if x.doc == "" {
			t.Errorf("%s has no doc line", x.name)
		}
		if !have[x.text] {
			have[x.text] = true
			missing = append(missing, goldenLine{expr: x.text})
		}
	}
	if *rewrite && len(missing) > 0 {
		name := goldenDir + "/" + home
		writeGolden(t, name, append(readGolden(t, name), missing...))
		return
	}
	for _, m := range missing {
		t.Errorf("%s: example without an answer: %s", home, m.expr)
	}
}

// TestKsqlFunctions demands that each of ksqlDB's functions can be called with the
// arguments of each of its forms.
func TestKsqlFunctions(t *testing.T) {
	const functions = 149 // of version 8.5, table functions and aggregates among them
	names := map[string]bool{}
	for _, l := range readGolden(t, goldenDir+"/ksql_functions.test") {
		name, _, ok := strings.Cut(l.expr, "(")
		if l.expr == "" || l.expr[0] == '#' || !ok {
			continue
		}
		names[name] = true
		if got := answerIn(ksqlScope{sampleScope()}, l.expr); strings.HasPrefix(got, "ERROR 42") {
			t.Errorf("%s: %s", l.expr, got)
		}
	}
	if len(names) != functions {
		t.Errorf("%d functions, want %d", len(names), functions)
	}
}
