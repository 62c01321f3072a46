package state

import (
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

func cpuTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// benchRows makes batches of (key, value, text) with random keys below domain.
func benchRows(n, domain int) []*batch.Batch {
	rnd := rand.New(rand.NewSource(1))
	out := make([]*batch.Batch, n)
	for k := range out {
		b := batch.New([]types.Type{intType, intType, textType}, batch.MaxRows)
		for range batch.MaxRows {
			b.Cols[0].AppendInt(int64(rnd.Intn(domain)) * 7919)
			b.Cols[1].AppendInt(rnd.Int63n(1000))
			b.Cols[2].AppendString("some text of a row")
			b.N++
		}
		out[k] = b
	}
	return out
}

func perRow(b *testing.B, begin int64) {
	b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/row")
}

func BenchmarkTableProbeInt1M(b *testing.B) {
	k := NewKeyer([]types.Type{intType})
	t := NewTable(NewMemory(0), k, 3)
	bs := benchRows(512, 1_000_000)
	refs := make([]Ref, batch.MaxRows)
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime()
	for i := 0; i < b.N; i += batch.MaxRows {
		x := bs[i/batch.MaxRows%len(bs)]
		t.Probe(k.Keys(x.Cols[:1], identity[:x.N]), refs, true)
		for _, r := range refs {
			*t.Word(r, 0)++
		}
	}
	perRow(b, begin)
}

func BenchmarkArrangementReplace(b *testing.B) {
	pins := NewPins()
	a := NewArrangement(NewMemory(0), pins, []types.Type{intType, intType, textType}, []int{0})
	bs := benchRows(256, 1_000_000)
	deleted, skip := make([]bool, batch.MaxRows), make([]bool, batch.MaxRows)
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime()
	for i := 0; i < b.N; i += batch.MaxRows {
		a.Replace(bs[i/batch.MaxRows%len(bs)], deleted, func(int, []byte) {}, skip)
		epoch := uint64(i/batch.MaxRows + 1)
		if err := a.Commit(epoch); err != nil {
			b.Fatal(err)
		}
		pins.Publish(epoch)
	}
	perRow(b, begin)
}

func BenchmarkArrangementScan(b *testing.B) {
	pins := NewPins()
	a := NewArrangement(NewMemory(0), pins, []types.Type{intType, intType, textType}, []int{0})
	for i, x := range benchRows(128, 1<<40) {
		a.Apply(x)
		if err := a.Commit(uint64(i + 1)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime()
	for n := 0; n < b.N; {
		err := a.Scan(200, []int{0, 1, 2}, func(x *batch.Batch) error {
			n += x.N
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, begin)
}

func BenchmarkOrderedAdd10k(b *testing.B) {
	l := NewLayout([]types.Type{intType, intType, textType})
	o := NewOrdered(NewMemory(0), &Comparer{l, []SortKey{{Col: 1}}}, false)
	var rows Rows
	roots := make([]Ref, 10_000)
	bs := benchRows(64, 10_000)
	begin := cpuTime()
	for i := 0; i < b.N; i += batch.MaxRows {
		x := bs[i/batch.MaxRows%len(bs)]
		l.Encode(x.Cols, identity[:x.N], &rows)
		for k := range x.N {
			g := x.Cols[0].I64[k] / 7919
			roots[g] = o.Add(roots[g], g, rows.Row(k), int64(i+k), 1)
		}
	}
	perRow(b, begin)
}

// BenchmarkTableSave writes a table in full, b.N entries in all.
func BenchmarkTableSave(b *testing.B) {
	k := NewKeyer([]types.Type{intType})
	t := NewTable(NewMemory(0), k, 3)
	refs := make([]Ref, batch.MaxRows)
	for _, x := range benchRows(512, 1_000_000) {
		t.Probe(k.Keys(x.Cols[:1], identity[:x.N]), refs, true)
	}
	s, err := Open(vfs.NewMem(), "/state", Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ResetTimer()
	begin := cpuTime()
	for i := 0; i < b.N; i += t.Len() {
		if err := t.Save(s.Begin(1).Writer("t"), 1); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, begin)
}
