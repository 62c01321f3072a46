package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// tinyMemory gives an account with a budget of so many bytes and a spill file.
func tinyMemory(t *testing.T, fs vfs.FS, budget int64) *Memory {
	t.Helper()
	if !canSpill {
		t.Skip("memory cannot be given back in parts on this system")
	}
	m := NewMemory(budget)
	m.SpillTo(fs, "spill")
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.Account()
}

// wideRows makes a batch of (key, text): some 200 bytes a row.
func wideRows(rnd *rand.Rand, n, domain int) *batch.Batch {
	b := batch.New([]types.Type{intType, textType}, n)
	for range n {
		k := rnd.Intn(domain)
		b.Cols[0].AppendInt(int64(k))
		b.Cols[1].AppendString(fmt.Sprintf("%0150d", k*rnd.Intn(3)))
		b.N++
	}
	return b
}

// TestTableSpills runs the same changes on a table with a budget of a quarter of
// its size and on one without, and compares all entries.
func TestTableSpills(t *testing.T) {
	fs := vfs.NewMem()
	tight := tinyMemory(t, fs, 2<<20)
	k := NewKeyer([]types.Type{intType, textType})
	small, large := NewTable(tight, k, 3), NewTable(NewMemory(0), k, 3)
	rnd := rand.New(rand.NewSource(7))
	refs := make([]Ref, 100)
	for range 600 {
		b := wideRows(rnd, len(refs), 20_000)
		sum := rnd.Int63n(1000)
		for _, x := range []*Table{small, large} {
			x.mem.Relax()
			x.Probe(k.Keys(b.Cols, identity[:b.N]), refs, true)
			for i, r := range refs {
				*x.Word(r, 1) += sum * int64(i)
			}
			for _, r := range refs[:10] {
				if x.Live(r) {
					x.Delete(r)
				}
			}
		}
	}
	small.mem.Relax()
	if used := small.mem.Used(); used > 2<<20 {
		t.Errorf("%d bytes in memory with a budget of %d", used, 2<<20)
	}
	if small.mem.Spilled() < 4<<20 {
		t.Fatalf("only %d of %d bytes moved out", small.mem.Spilled(), small.Bytes())
	}
	if small.Len() != large.Len() {
		t.Fatalf("%d entries, want %d", small.Len(), large.Len())
	}
	want := large.SortedByKey()
	for i, r := range small.SortedByKey() {
		if !bytes.Equal(small.KeyBytes(r), large.KeyBytes(want[i])) ||
			!slices.Equal(small.Words(r), large.Words(want[i])) {
			t.Fatalf("entry %d differs", i)
		}
	}
	small.Close()
	if n := small.mem.Used(); n != 0 {
		t.Errorf("%d bytes in use after Close", n)
	}
	if n := small.mem.Spilled(); n != 0 {
		t.Errorf("%d bytes in the spill file after Close", n)
	}
}

// TestArrangementSpills compares a pinned epoch and the current one.
func TestArrangementSpills(t *testing.T) {
	tight := tinyMemory(t, vfs.NewMem(), 2<<20)
	pins := NewPins()
	ts := []types.Type{intType, textType}
	small := NewArrangement(tight, pins, ts, []int{0})
	large := NewArrangement(NewMemory(0), pins, ts, []int{0})
	rnd := rand.New(rand.NewSource(8))
	var pin *Pin
	for epoch := uint64(1); epoch <= 60; epoch++ {
		b := wideRows(rnd, 1000, 20_000)
		for _, a := range []*Arrangement{small, large} {
			a.Replace(b, make([]bool, b.N), func(int, []byte) {}, make([]bool, b.N))
			if err := a.Commit(epoch); err != nil {
				t.Fatal(err)
			}
		}
		pins.Publish(epoch)
		if epoch == 40 {
			pin = pins.Pin()
		}
	}
	if small.Memory().Spilled() < 4<<20 {
		t.Fatalf("only %d bytes moved out", small.Memory().Spilled())
	}
	for _, epoch := range []uint64{pin.Epoch, 60} {
		want, got := scanAll(t, large, epoch), scanAll(t, small, epoch)
		if !slices.Equal(want, got) {
			t.Errorf("epoch %d: %d rows, want %d", epoch, len(got), len(want))
		}
	}
	out := batch.New(ts, 1)
	if err := small.Lookup(60, []types.Datum{types.IntDatum(17)}, out); err != nil || out.N != 1 {
		t.Errorf("look-up: %d rows, %v", out.N, err)
	}
}

func scanAll(t *testing.T, a *Arrangement, epoch uint64) []string {
	t.Helper()
	var rows []string
	err := a.Scan(epoch, []int{0, 1}, func(b *batch.Batch) error {
		for i := range b.N {
			rows = append(rows, fmt.Sprint(b.Cols[0].I64[i], b.Cols[1].Datum(i).S))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

// TestOrderedSpills: trees are walked by pointers in the middle of changes.
func TestOrderedSpills(t *testing.T) {
	tight := tinyMemory(t, vfs.NewMem(), 1<<20)
	l := NewLayout([]types.Type{intType, textType})
	cmp := &Comparer{l, []SortKey{{Col: 0}}}
	small, large := NewOrdered(tight, cmp, true), NewOrdered(NewMemory(0), cmp, true)
	var roots, other [50]Ref
	rnd := rand.New(rand.NewSource(9))
	for i := range int64(30_000) {
		g := rnd.Intn(len(roots))
		row := l.AppendDatums(nil, []types.Datum{types.IntDatum(rnd.Int63n(100)),
			types.TextDatum(fmt.Sprintf("%0100d", i))})
		small.mem.Relax()
		roots[g] = small.Add(roots[g], int64(g), row, i, 1)
		other[g] = large.Add(other[g], int64(g), row, i, 1)
		if i%5 == 0 {
			roots[g] = small.RemoveNode(roots[g], small.First(roots[g]))
			other[g] = large.RemoveNode(other[g], large.First(other[g]))
		}
	}
	if tight.Spilled() < 2<<20 {
		t.Fatalf("only %d bytes moved out", tight.Spilled())
	}
	for g := range roots {
		a, b := small.Iter(), large.Iter()
		a.Reset(roots[g])
		b.Reset(other[g])
		for r := b.Next(); r != 0; r = b.Next() {
			x := a.Next()
			if x == 0 || !bytes.Equal(small.Row(x), large.Row(r)) {
				t.Fatalf("tree %d differs", g)
			}
		}
		tight.Relax()
	}
}

// TestLongBlocksSpill: a block of several pages moves as a whole.
func TestLongBlocksSpill(t *testing.T) {
	tight := tinyMemory(t, vfs.NewMem(), 1<<20)
	b := NewBlobs(tight)
	var refs []Ref
	for i := range 10 {
		refs = append(refs, b.Put(0, bytes.Repeat([]byte{byte(i + 1)}, 700_000)))
		tight.Relax()
	}
	for round := range 2 {
		for i, r := range refs {
			want := bytes.Repeat([]byte{byte(i + 1)}, 700_000)
			if !bytes.Equal(b.Get(r), want) {
				t.Fatalf("round %d: block %d differs", round, i)
			}
			tight.Relax()
		}
	}
	if used := tight.Used(); used > 2<<20 {
		t.Errorf("%d bytes in memory", used)
	}
}

// TestSpillDamaged: a frame that does not come back as it went is an error, and
// nothing of it is looked at.
func TestSpillDamaged(t *testing.T) {
	fs := vfs.NewMem()
	tight := tinyMemory(t, fs, 1<<20)
	b := NewBlobs(tight)
	var refs []Ref
	for i := range 3000 {
		refs = append(refs, b.Put(0, bytes.Repeat([]byte{byte(i)}, 1000)))
		tight.Relax()
	}
	f, err := fs.OpenReadWrite("spill", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < 1<<20; at += frameBytes {
		if _, err := f.WriteAt([]byte{0xff, 0xfe}, at+100); err != nil {
			t.Fatal(err)
		}
	}
	err = func() (err error) {
		defer Catch(&err)
		for _, r := range refs {
			b.Get(r)
		}
		return nil
	}()
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// TestStoreLimit: a store that is full says so; nothing wraps around.
func TestStoreLimit(t *testing.T) {
	m := NewMemory(0)
	m.SetStoreLimit(1 << 20)
	b := NewBlobs(m.Account())
	n := 0
	err := func() (err error) {
		defer Catch(&err)
		for ; n < 10_000; n++ {
			b.Put(0, make([]byte, 1000))
		}
		return nil
	}()
	if !errors.Is(err, ErrFull) || n < 900 || n > 1100 {
		t.Errorf("%d blocks, %v", n, err)
	}
	if !b.full() {
		t.Error("not full before its limit")
	}
}

// BenchmarkTableProbeSpilled is BenchmarkTableProbeInt1M with a quarter of the
// memory that it needs: every probe of a random key reads a frame.
func BenchmarkTableProbeSpilled(b *testing.B) {
	m := NewMemory(20 << 20)
	m.SpillTo(vfs.Default, b.TempDir()+"/spill")
	k := NewKeyer([]types.Type{intType})
	t := NewTable(m.Account(), k, 3)
	bs := benchRows(512, 1_000_000)
	refs := make([]Ref, batch.MaxRows)
	one := func(x *batch.Batch) {
		t.mem.Relax()
		t.Probe(k.Keys(x.Cols[:1], identity[:x.N]), refs, true)
		for _, r := range refs {
			*t.Word(r, 0)++
		}
	}
	for _, x := range bs {
		one(x)
	}
	b.ResetTimer()
	begin := cpuTime()
	for i := 0; i < b.N; i += batch.MaxRows {
		one(bs[i/batch.MaxRows%len(bs)])
	}
	perRow(b, begin)
	b.ReportMetric(float64(t.mem.Used())/float64(t.Bytes()), "share-in-memory")
	b.StopTimer()
	t.Close()
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}
