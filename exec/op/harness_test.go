package op

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// zset is a multiset of rows: text of a row to its weight.
type zset map[string]int64

func (z zset) add(row string, w int64) {
	if z[row] += w; z[row] == 0 {
		delete(z, row)
	}
}

func rowText(cols []*batch.Vector, i int) string {
	var b strings.Builder
	for c, v := range cols {
		if c > 0 {
			b.WriteByte('|')
		}
		writeDatum(&b, v.Type, v.Datum(i))
	}
	return b.String()
}

func writeDatum(b *strings.Builder, t types.Type, d types.Datum) {
	if d.Null {
		b.WriteByte('~')
		return
	}
	b.Write(types.AppendText(nil, nil, t, d))
}

// collectSink folds what an operator gives and checks what sinks may rely on.
type collectSink struct {
	t     *testing.T
	types []types.Type
	got   zset
	order []string // rows in order, with repetition
	all   []string // rows and weights as they came
	neg   bool
}

func (s *collectSink) Push(b *batch.Batch) error {
	s.t.Helper()
	if b.N > batch.MaxRows || b.N == 0 {
		s.t.Fatalf("batch of %d rows", b.N)
	}
	if b.W != nil && len(b.W) < b.N {
		s.t.Fatalf("%d weights for %d rows", len(b.W), b.N)
	}
	for _, i := range rowsOf(b) {
		w := b.Weight(int(i))
		if w == 0 {
			s.t.Fatal("a row of weight 0")
		}
		s.neg = s.neg || w < 0
		row := rowText(b.Cols, int(i))
		s.got.add(row, int64(w))
		s.all = append(s.all, fmt.Sprintf("%+d %s", w, row))
		for range w {
			s.order = append(s.order, row)
		}
	}
	return nil
}

// port is a random input of an operator.
type port struct {
	types      []types.Type
	domain     int
	appendOnly bool
	now        [][]types.Datum // rows that are there, with repetition
}

func (p *port) fold() zset {
	z := zset{}
	for _, r := range p.now {
		z.add(datumText(p.types, r), 1)
	}
	return z
}

func datumText(ts []types.Type, row []types.Datum) string {
	var b strings.Builder
	for c, d := range row {
		if c > 0 {
			b.WriteByte('|')
		}
		writeDatum(&b, ts[c], d)
	}
	return b.String()
}

type change struct {
	row []types.Datum
	w   int32
}

// changes makes n random changes: retractions only of rows that are there.
func (p *port) changes(rnd *rand.Rand, n int) []change {
	var out []change
	for range n {
		if len(p.now) > 0 && !p.appendOnly && rnd.Intn(5) < 2 {
			i := rnd.Intn(len(p.now))
			out = append(out, change{p.now[i], -1})
			p.now = slices.Delete(p.now, i, i+1)
			continue
		}
		row := make([]types.Datum, len(p.types))
		for c, t := range p.types {
			row[c] = randomDatum(rnd, t, p.domain)
		}
		w := 1
		if rnd.Intn(6) == 0 {
			w = 2
		}
		out = append(out, change{row, int32(w)})
		for range w {
			p.now = append(p.now, row)
		}
	}
	return out
}

func randomDatum(rnd *rand.Rand, t types.Type, domain int) types.Datum {
	x := rnd.Intn(domain + 1)
	if x == domain {
		return types.NullDatum
	}
	switch t.Kind {
	case types.Bool:
		return types.BoolDatum(x%2 == 0)
	case types.Float8:
		return types.FloatDatum([]float64{0, math.Copysign(0, -1), math.NaN(), 1.5, -3, math.Inf(1)}[x%6])
	case types.Numeric:
		d, err := types.ParseText(nil, t, []string{"1.0", "1.00", "-2", "0", "7.25"}[x%5])
		if err != nil {
			panic(err)
		}
		return d
	case types.Timestamp:
		return types.IntDatum(int64(x) * 1_000_000)
	}
	if t.Phys() == types.PhysInt64 {
		return types.IntDatum(int64(x) - 1)
	}
	return types.TextDatum(fmt.Sprint("v", x))
}

// cut makes batches of changes: at most size rows, with and without a selection
// and weights.
func cut(rnd *rand.Rand, ts []types.Type, cs []change, size int) []*batch.Batch {
	var out []*batch.Batch
	for len(cs) > 0 {
		n := min(len(cs), size)
		b := batch.New(ts, n)
		gaps := rnd.Intn(2) == 0 && 2*n <= batch.MaxRows
		var sel []uint16
		for _, c := range cs[:n] {
			if gaps && rnd.Intn(2) == 0 {
				b.AppendDatums(cs[rnd.Intn(n)].row, 1)
			}
			sel = append(sel, uint16(b.N))
			b.AppendDatums(c.row, c.w)
		}
		if gaps {
			b.Sel = sel
		}
		if b.W == nil && rnd.Intn(2) == 0 {
			b.W = slices.Repeat([]int32{1}, b.N)
		}
		out = append(out, b)
		cs = cs[n:]
	}
	return out
}

// subject is an operator under test.
type subject struct {
	name  string
	ports []*port
	out   []types.Type
	make  func(ctx *Context, out Sink) (Op, error)
	// model computes the result of whole inputs independently; nil: only that
	// increments give what the whole gives is checked.
	model func(ports []*port) zset
	// canon makes rows comparable that differ in what is not promised.
	canon func(row string) string
	// large: the size of the result is not quadratic, so that full batches are fed.
	large bool
	// noFold: the output of one epoch over everything is not the sum of increments.
	noFold bool
}

func testContext(bounded bool) *Context {
	return &Context{Env: &expr.Env{}, Mem: state.NewMemory(0), Bounded: bounded}
}

var batchSizes = []int{1, 2, 3, 7, 4096}

// check runs a subject over random epochs: after each, what it gave in all must be
// the result over all of its input, also after state was saved and loaded.
func check(t *testing.T, s func(rnd *rand.Rand) *subject) {
	t.Helper()
	for _, size := range batchSizes {
		for seed := range 4 {
			t.Run(fmt.Sprintf("size=%d/seed=%d", size, seed), func(t *testing.T) {
				rnd := rand.New(rand.NewSource(int64(seed)))
				checkRun(t, s(rnd), rnd, size)
			})
		}
	}
}

func checkRun(t *testing.T, s *subject, rnd *rand.Rand, size int) {
	t.Helper()
	r := newRun(t, s)
	for epoch := uint64(1); epoch <= 12; epoch++ {
		for in, p := range s.ports {
			n := rnd.Intn(16)
			if s.large && size == 4096 && rnd.Intn(8) == 0 {
				n = 5000
			}
			for _, b := range cut(rnd, p.types, p.changes(rnd, n), size) {
				r.push(t, in, b)
			}
		}
		r.end(t, Epoch{N: epoch, Watermark: math.MinInt64})
		checkResult(t, s, r.sink.got, epoch)
		if rnd.Intn(4) == 0 {
			r.save(t, epoch, rnd.Intn(2) == 0)
		}
	}
	r.close(t)
}

// run is an operator that is saved and loaded now and then, and a twin that is
// not: both must give the same rows in the same order, as replicas do.
type run struct {
	s        *subject
	ctx      *Context
	store    *state.Store
	o, twin  Op
	sink     *collectSink
	twinSink *collectSink
}

func newRun(t *testing.T, s *subject) *run {
	t.Helper()
	r := &run{s: s, ctx: testContext(false), sink: &collectSink{t: t, got: zset{}},
		twinSink: &collectSink{t: t, got: zset{}}}
	var err error
	if r.o, err = s.make(r.ctx, r.sink); err != nil {
		t.Fatal(err)
	}
	if r.twin, err = s.make(testContext(false), r.twinSink); err != nil {
		t.Fatal(err)
	}
	if r.store, err = state.Open(vfs.NewMem(), "/state", state.Options{}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *run) push(t *testing.T, in int, b *batch.Batch) {
	t.Helper()
	for _, o := range []Op{r.o, r.twin} {
		if err := o.Push(in, b); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *run) end(t *testing.T, e Epoch) {
	t.Helper()
	for _, o := range []Op{r.o, r.twin} {
		if err := o.EndEpoch(e); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(r.sink.all, r.twinSink.all) {
		t.Fatalf("epoch %d: after loading, rows come in another order or differ:\n%s\nnot\n%s", e.N,
			strings.Join(r.sink.all, "\n"), strings.Join(r.twinSink.all, "\n"))
	}
	r.sink.all, r.twinSink.all = nil, nil
}

// save saves the operator, and with load goes on with a new one.
func (r *run) save(t *testing.T, epoch uint64, load bool) {
	t.Helper()
	cp := r.store.Begin(epoch)
	if err := r.o.Save(cp.Writer("op")); err != nil {
		t.Fatal(err)
	}
	if err := cp.Commit(nil); err != nil {
		t.Fatal(err)
	}
	if err := r.store.Forget(epoch); err != nil {
		t.Fatal(err)
	}
	if !load {
		return // the next Save is of what changed
	}
	r.o.Close()
	var err error
	if r.o, err = r.s.make(r.ctx, r.sink); err != nil {
		t.Fatal(err)
	}
	if err := r.o.Load(r.store.Reader("op")); err != nil {
		t.Fatal(err)
	}
}

func (r *run) close(t *testing.T) {
	t.Helper()
	if u := r.o.Memory(); u.Bytes < 0 || u.Rows < 0 {
		t.Errorf("memory %+v", u)
	}
	r.o.Close()
	r.twin.Close()
	if r.ctx.Mem.Used() != 0 {
		t.Errorf("%d bytes are in use after Close", r.ctx.Mem.Used())
	}
	if err := r.store.Close(); err != nil {
		t.Error(err)
	}
}

func checkResult(t *testing.T, s *subject, got zset, epoch uint64) {
	t.Helper()
	if s.model != nil {
		compare(t, s.canonical(got), s.model(s.ports), fmt.Sprintf("epoch %d against the model", epoch))
	}
	if s.noFold {
		return
	}
	whole := &collectSink{t: t, types: s.out, got: zset{}}
	o, err := s.make(testContext(true), whole)
	if err != nil {
		t.Fatal(err)
	}
	for k := range s.ports {
		in := len(s.ports) - 1 - k // the right side first
		p := s.ports[in]
		var cs []change
		for _, r := range p.now {
			cs = append(cs, change{r, 1})
		}
		for _, b := range cut(rand.New(rand.NewSource(1)), p.types, cs, 100) {
			if err := o.Push(in, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = o.EndEpoch(Epoch{N: 1, Watermark: math.MaxInt64, Bounded: true})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, s.canonical(got), s.canonical(whole.got), fmt.Sprintf("epoch %d against the whole",
		epoch))
	o.Close()
}

func (s *subject) canonical(z zset) zset {
	if s.canon == nil {
		return z
	}
	out := zset{}
	for r, w := range z {
		out.add(s.canon(r), w)
	}
	return out
}

func compare(t *testing.T, got, want zset, what string) {
	t.Helper()
	var diff []string
	for r, w := range want {
		if got[r] != w {
			diff = append(diff, fmt.Sprintf("%s: weight %d, want %d", r, got[r], w))
		}
	}
	for r, w := range got {
		if _, ok := want[r]; !ok {
			diff = append(diff, fmt.Sprintf("%s: weight %d, want 0", r, w))
		}
	}
	if len(diff) > 0 {
		sort.Strings(diff)
		t.Fatalf("%s: %d rows differ:\n%s", what, len(diff), strings.Join(diff[:min(len(diff), 12)],
			"\n"))
	}
}

// Shorthands for expressions.

func col(i int, t types.Type) expr.Expr { return &expr.Col{Index: i, T: t} }

func lit(t types.Type, d types.Datum) expr.Expr { return &expr.Const{D: d, T: t} }

// call finds a built-in function by name and argument types.
func call(name string, args ...expr.Expr) expr.Expr {
	for _, f := range expr.Funcs() {
		if f.Name != name || len(f.Args) != len(args) {
			continue
		}
		ok := true
		for i, a := range args {
			ok = ok && f.Args[i].Kind == a.Type().Kind
		}
		if ok {
			return &expr.Call{Fn: f, Args: args, T: f.Ret, Pos: -1}
		}
	}
	panic("no function " + name)
}

// agg finds a built-in aggregate by name and argument types.
func agg(name string, args ...expr.Expr) *expr.AggCall {
	for _, f := range expr.Aggs() {
		if f.Name != name || len(f.Args) != len(args) {
			continue
		}
		ok := true
		for i, a := range args {
			ok = ok && (f.Args[i].Kind == a.Type().Kind || f.Args[i].Kind == types.Any)
		}
		if !ok {
			continue
		}
		ret := f.Ret
		if f.Bind != nil || f.RetOf != nil {
			var ts []types.Type
			for _, a := range args {
				ts = append(ts, a.Type())
			}
			if f.RetOf != nil {
				ret = f.RetOf(ts)
			}
			if f.Bind != nil {
				c := *f
				f.Bind(&c, ts, ret)
				f = &c
			}
		}
		return &expr.AggCall{Fn: f, Args: args, T: ret, Name: name}
	}
	panic("no aggregate " + name)
}

var (
	textType = types.Of(types.Text)
	fltType  = types.Of(types.Float8)
	numType  = types.Of(types.Numeric)
	tsType   = types.Of(types.Timestamp)
)
