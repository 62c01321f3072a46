package state

import (
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// seeds of randomised tests; a failure prints the one that reproduces it.
func eachSeed(t *testing.T, n int, fn func(t *testing.T, rnd *rand.Rand)) {
	t.Helper()
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			fn(t, rand.New(rand.NewSource(int64(seed))))
		})
	}
}

var (
	intType  = types.Of(types.Int8)
	textType = types.Of(types.Text)
	fltType  = types.Of(types.Float8)
	boolType = types.Of(types.Bool)
)

// randomBatch makes n rows of small domains with NULLs.
func randomBatch(rnd *rand.Rand, ts []types.Type, n, domain int) *batch.Batch {
	b := batch.New(ts, n)
	row := make([]types.Datum, len(ts))
	for range n {
		for c, t := range ts {
			row[c] = randomDatum(rnd, t, domain)
		}
		b.AppendDatums(row, 1)
	}
	return b
}

func randomDatum(rnd *rand.Rand, t types.Type, domain int) types.Datum {
	x := rnd.Intn(domain + 1)
	if x == domain {
		return types.NullDatum
	}
	switch t.Phys() {
	case types.PhysInt64:
		return types.IntDatum(int64(x) * 0x1000001)
	case types.PhysFloat64:
		return types.FloatDatum(float64(x) - 1.5)
	case types.PhysBool:
		return types.BoolDatum(x%2 == 0)
	}
	return types.TextDatum(fmt.Sprint("value", x)[x%6:])
}

func rowString(b *batch.Batch, i int) string {
	s := ""
	for _, v := range b.Cols {
		s += fmt.Sprintf("%+v|", v.Datum(i))
	}
	return s
}

var keyShapes = [][]types.Type{
	{}, {intType}, {textType}, {fltType}, {intType, textType}, {boolType, fltType, textType, intType},
}

func TestTableAgainstMap(t *testing.T) {
	eachSeed(t, 12, func(t *testing.T, rnd *rand.Rand) {
		ts := keyShapes[rnd.Intn(len(keyShapes))]
		k := NewKeyer(ts)
		mem := NewMemory(0)
		tab := NewTable(mem, k, 2)
		want := map[string]int64{}
		refs := make([]Ref, 64)
		domain := []int{3, 40, 20000}[rnd.Intn(3)]
		for range 300 {
			b := randomBatch(rnd, ts, 1+rnd.Intn(60), domain)
			b.N = max(b.N, 1)
			sel := identity[:b.N]
			tab.Probe(k.Keys(b.Cols, sel), refs, true)
			for i := range b.N {
				*tab.Word(refs[i], 1)++
				want[rowString(b, i)]++
			}
			if rnd.Intn(3) == 0 {
				i := rnd.Intn(b.N)
				tab.Delete(refs[i])
				delete(want, rowString(b, i))
			}
		}
		checkTable(t, tab, ts, want)
		if mem.Used() != tab.Bytes() {
			t.Errorf("memory counts %d bytes, table holds %d", mem.Used(), tab.Bytes())
		}
		tab.Close()
		if mem.Used() != 0 {
			t.Errorf("%d bytes in use after Close", mem.Used())
		}
	})
}

func checkTable(t *testing.T, tab *Table, ts []types.Type, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	err := tab.Scan(func(r Ref) error {
		b := batch.New(ts, 1)
		tab.AppendKey(r, b.Cols)
		got[rowString(b, 0)] = *tab.Word(r, 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || tab.Len() != len(want) {
		t.Fatalf("%d entries scanned, Len %d, want %d", len(got), tab.Len(), len(want))
	}
	for k, w := range want {
		if got[k] != w {
			t.Fatalf("key %s: %d, want %d", k, got[k], w)
		}
	}
}

func TestKeysHoldEqualValuesEqual(t *testing.T) {
	num := types.Of(types.Numeric)
	k := NewKeyer([]types.Type{num, fltType})
	b := batch.New([]types.Type{num, fltType}, 4)
	for _, s := range []string{"1.0", "1.00", "1", "2"} {
		d, err := types.ParseText(nil, num, s)
		if err != nil {
			t.Fatal(err)
		}
		b.AppendDatums([]types.Datum{d, types.FloatDatum(0)}, 1)
	}
	negZero := 0.0
	b.Cols[1].F64[1] = -negZero
	tab := NewTable(nil, k, 1)
	refs := make([]Ref, 4)
	tab.Probe(k.Keys(b.Cols, identity[:4]), refs, true)
	if refs[0] != refs[1] || refs[1] != refs[2] || refs[2] == refs[3] {
		t.Errorf("refs %v: 1.0, 1.00 and 1 are one key, 2 another", refs)
	}
	out := batch.New([]types.Type{num, fltType}, 1)
	tab.AppendKey(refs[2], out.Cols)
	if got, want := rowString(out, 0), rowString(b, 0); got != want {
		t.Errorf("key comes back as %s, first seen as %s", got, want)
	}
}

func TestLayoutDatumsAndVectorsAgree(t *testing.T) {
	eachSeed(t, 8, func(t *testing.T, rnd *rand.Rand) {
		ts := keyShapes[1+rnd.Intn(len(keyShapes)-1)]
		b := randomBatch(rnd, ts, 50, 5)
		l := NewLayout(ts)
		var rows Rows
		l.Encode(b.Cols, identity[:b.N], &rows)
		back := batch.New(ts, 50)
		for i := range b.N {
			ds := make([]types.Datum, len(ts))
			for c := range ts {
				ds[c] = b.Cols[c].Datum(i)
				if d := l.Datum(rows.Row(i), c); d != ds[c] {
					t.Fatalf("row %d column %d: %v, want %v", i, c, d, ds[c])
				}
			}
			if one := l.AppendDatums([]byte("x"), ds)[1:]; string(one) != string(rows.Row(i)) {
				t.Fatalf("row %d: datums give other bytes than vectors", i)
			}
			l.Decode(rows.Row(i), back.Cols)
			if got, want := rowString(back, i), rowString(b, i); got != want {
				t.Fatalf("row %d comes back as %s, want %s", i, got, want)
			}
		}
	})
}

type modelRow struct {
	key, seq, weight int64
	tail             string
}

func TestOrderedAgainstSlice(t *testing.T) {
	for _, arrival := range []bool{false, true} {
		eachSeed(t, 10, func(t *testing.T, rnd *rand.Rand) {
			l := NewLayout([]types.Type{intType, textType})
			o := NewOrdered(nil, &Comparer{l, []SortKey{{Col: 0, Desc: rnd.Intn(2) == 0}}}, arrival)
			var model []modelRow
			root := Ref(0)
			for seq := int64(1); seq < 400; seq++ {
				r := modelRow{int64(rnd.Intn(8)), seq, 1, fmt.Sprint(rnd.Intn(3))}
				if len(model) > 0 && rnd.Intn(3) == 0 {
					m := model[rnd.Intn(len(model))]
					r = modelRow{m.key, seq, -1, m.tail}
				}
				row := l.AppendDatums(nil, []types.Datum{types.IntDatum(r.key), types.TextDatum(r.tail)})
				root = o.Add(root, 7, row, seq, r.weight)
				model = applyModel(model, r, arrival)
				checkOrdered(t, o, root, l, model, arrival)
			}
		})
	}
}

// applyModel keeps single rows in the order of arrival.
func applyModel(model []modelRow, r modelRow, arrival bool) []modelRow {
	if r.weight > 0 {
		return append(model, r)
	}
	for i, m := range model {
		if m.key == r.key && m.tail == r.tail {
			return slices.Delete(model, i, i+1)
		}
	}
	panic("retracted row is not in the model")
}

func checkOrdered(t *testing.T, o *Ordered, root Ref, l *Layout, model []modelRow, arrival bool) {
	t.Helper()
	want := slices.Clone(model)
	desc := o.cmp.Keys[0].Desc
	sort.SliceStable(want, func(i, j int) bool {
		a, b := want[i], want[j]
		if a.key != b.key {
			return a.key < b.key != desc
		}
		if !arrival {
			return a.tail < b.tail
		}
		return a.seq < b.seq
	})
	if o.Sum(root) != int64(len(want)) {
		t.Fatalf("sum %d, want %d", o.Sum(root), len(want))
	}
	i := 0
	o.Walk(root, func(r Ref) bool {
		for range o.Weight(r) {
			row := o.Row(r)
			if l.Int(row, 0) != want[i].key || string(l.Bytes(row, 1)) != want[i].tail {
				t.Fatalf("row %d: %d %s, want %+v", i, l.Int(row, 0), l.Bytes(row, 1), want[i])
			}
			i++
		}
		return true
	})
	if i != len(want) {
		t.Fatalf("%d rows walked, want %d", i, len(want))
	}
}

func TestStoreKeepsCommittedCheckpointsOnly(t *testing.T) {
	eachSeed(t, 6, func(t *testing.T, rnd *rand.Rand) {
		fs := vfs.NewCrashableMem()
		s := openStore(t, fs, 0)
		k := NewKeyer([]types.Type{intType, textType})
		tab := NewTable(nil, k, 2)
		model := map[string]int64{}
		saved := map[string]int64{}
		epoch := uint64(0)
		for step := range 40 {
			mutate(rnd, tab, k, model)
			if rnd.Intn(2) == 0 {
				continue
			}
			cp := s.Begin(uint64(step + 1))
			if err := tab.Save(cp.Writer("agg"), 3); err != nil {
				t.Fatal(err)
			}
			if rnd.Intn(4) == 0 {
				if err := cp.Abort(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := cp.Commit([]byte{byte(step + 1)}); err != nil {
				t.Fatal(err)
			}
			saved, epoch = maps(model), uint64(step+1)
			if err := s.Forget(epoch); err != nil {
				t.Fatal(err)
			}
		}
		crash := openStore(t, fs.CrashClone(vfs.CrashCloneCfg{}), epoch)
		e, meta, ok := crash.Latest()
		if !ok || e != epoch || meta[0] != byte(epoch) {
			t.Fatalf("latest checkpoint %d %v %v, want %d", e, meta, ok, epoch)
		}
		back := NewTable(nil, k, 2)
		r := crash.Reader("agg")
		for r.Next() {
			if _, err := back.LoadRecord(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		checkTable(t, back, k.Types, saved)
	})
}

func openStore(t *testing.T, fs vfs.FS, at uint64) *Store {
	t.Helper()
	s, err := Open(fs, "/state", Options{At: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func maps(m map[string]int64) map[string]int64 {
	c := make(map[string]int64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// mutate inserts, changes and deletes entries of a table and its model.
func mutate(rnd *rand.Rand, tab *Table, k *Keyer, model map[string]int64) {
	b := randomBatch(rnd, k.Types, 100, 15)
	refs := make([]Ref, b.N)
	tab.Probe(k.Keys(b.Cols, identity[:b.N]), refs, true)
	for i, r := range refs {
		key := rowString(b, i)
		model[key]++
		*tab.Word(r, 1) = model[key]
		tab.Touch(r)
	}
	for i, r := range refs {
		if rnd.Intn(6) == 0 && tab.Live(r) {
			if _, ok := model[rowString(b, i)]; ok {
				tab.Delete(r)
				delete(model, rowString(b, i))
			}
		}
	}
}

// TestStoreFreshWriter: what an operator that was made anew writes is all that there is.
func TestStoreFreshWriter(t *testing.T) {
	s := openStore(t, vfs.NewMem(), 0)
	write := func(epoch uint64, writer func(*Checkpoint, string) *Writer, keys ...string) {
		t.Helper()
		cp := s.Begin(epoch)
		w := writer(cp, "op")
		for _, k := range keys {
			w.Put(1, []byte(k), []byte("x"))
		}
		if err := cp.Commit(nil); err != nil {
			t.Fatal(err)
		}
	}
	write(1, (*Checkpoint).Writer, "a", "b")
	write(2, (*Checkpoint).Writer, "c")
	write(3, (*Checkpoint).FreshWriter, "d")
	write(4, (*Checkpoint).Writer, "e")
	var got []string
	r := s.Reader("op")
	for r.Next() {
		got = append(got, string(r.Key))
	}
	if err := r.Err(); err != nil || !slices.Equal(got, []string{"d", "e"}) {
		t.Fatalf("records %q, %v; want d and e", got, err)
	}
}

func TestStoreDetectsCorruption(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs, 0)
	k := NewKeyer([]types.Type{intType, textType})
	tab := NewTable(nil, k, 2)
	mutate(rand.New(rand.NewSource(1)), tab, k, map[string]int64{})
	cp := s.Begin(1)
	if err := tab.Save(cp.Writer("agg"), 3); err != nil {
		t.Fatal(err)
	}
	if err := cp.Commit(nil); err != nil {
		t.Fatal(err)
	}
	f, err := fs.OpenReadWrite(s.path(cp.file), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff, 0xff}, blockHead+40); err != nil {
		t.Fatal(err)
	}
	r := s.Reader("agg")
	for r.Next() {
		t.Fatal("a record of a damaged block was read")
	}
	if err := r.Err(); err == nil {
		t.Fatal("damage was not noticed")
	}
}

func TestStoreRewritesDeadFiles(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs, 0)
	k := NewKeyer([]types.Type{intType})
	tab := NewTable(nil, k, 2)
	refs := make([]Ref, batch.MaxRows)
	rnd := rand.New(rand.NewSource(3))
	files := 0
	for step := range 60 {
		b := batch.New(k.Types, batch.MaxRows)
		for i := range batch.MaxRows {
			b.Cols[0].AppendInt(int64(rnd.Intn(5)*batch.MaxRows + i))
		}
		b.N = batch.MaxRows
		tab.Probe(k.Keys(b.Cols, identity[:b.N]), refs, true)
		for _, r := range refs {
			*tab.Word(r, 1) = rnd.Int63()
			tab.Touch(r)
		}
		cp := s.Begin(uint64(step + 1))
		if err := tab.Save(cp.Writer("agg"), 3); err != nil {
			t.Fatal(err)
		}
		if err := cp.Commit(nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Forget(uint64(step + 1)); err != nil {
			t.Fatal(err)
		}
		names, err := fs.List("/state")
		if err != nil {
			t.Fatal(err)
		}
		files = max(files, len(names))
	}
	if files > 40 {
		t.Errorf("up to %d files were kept; rewriting should bound them", files)
	}
}

// TestStoreOpensOlderCheckpoints: until it is forgotten, any checkpoint can be
// returned to, also when later ones were committed since.
func TestStoreOpensOlderCheckpoints(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(fs, "/state", Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := NewKeyer([]types.Type{intType, textType})
	tab, model := NewTable(nil, k, 2), map[string]int64{}
	rnd := rand.New(rand.NewSource(5))
	saved := map[uint64]map[string]int64{}
	for epoch := uint64(1); epoch <= 5; epoch++ {
		mutate(rnd, tab, k, model)
		cp := s.Begin(epoch)
		if err := tab.Save(cp.Writer("agg"), 3); err != nil {
			t.Fatal(err)
		}
		if err := cp.Commit(nil); err != nil {
			t.Fatal(err)
		}
		saved[epoch] = maps(model)
	}
	if err := s.Forget(3); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fs, "/state", Options{At: 2}); err == nil {
		t.Fatal("a forgotten checkpoint was opened")
	}
	s = openStore(t, fs, 3)
	back := NewTable(nil, k, 2)
	r := s.Reader("agg")
	for r.Next() {
		if _, err := back.LoadRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	checkTable(t, back, k.Types, saved[3])
}

// TestLongRows: rows of more than a page, in tables and arrangements, with their
// memory used again.
func TestLongRows(t *testing.T) {
	ts := []types.Type{intType, textType}
	mem := NewMemory(0)
	k := NewRowKeyer(ts)
	tab := NewTable(mem, k, 1)
	a := NewArrangement(mem, NewPins(), ts, []int{0})
	refs := make([]Ref, 1)
	for round := range 30 {
		text := strings.Repeat(string(rune('a'+round)), 1000+(round%5)*200_000)
		b := batch.New(ts, 1)
		b.AppendDatums([]types.Datum{types.IntDatum(int64(round % 3)), types.TextDatum(text)}, 1)
		tab.Probe(k.Keys(b.Cols, identity[:1]), refs, true)
		out := batch.New(ts, 1)
		tab.AppendKey(refs[0], out.Cols)
		if string(out.Cols[1].Bytes(0)) != text {
			t.Fatalf("round %d: a row of %d bytes came back differently", round, len(text))
		}
		if round%2 == 0 {
			tab.Delete(refs[0])
		}
		if round%7 == 6 {
			tab.Clear()
		}
		a.Replace(b, []bool{false}, func(int, []byte) {}, []bool{false})
		if err := a.Commit(uint64(round + 1)); err != nil {
			t.Fatal(err)
		}
		a.pins.Publish(uint64(round + 1))
		n := 0
		err := a.Scan(uint64(round+1), []int{0, 1}, func(b *batch.Batch) error {
			for i := range b.N {
				if int(b.Cols[0].I64[i]) == round%3 && string(b.Cols[1].Bytes(i)) == text {
					n++
				}
			}
			return nil
		})
		if err != nil || n != 1 || a.Len() != int64(min(round+1, 3)) {
			t.Fatalf("round %d: %d matching rows of %d, error %v", round, n, a.Len(), err)
		}
	}
	tab.Close()
	a.Close()
	if mem.Used() != 0 {
		t.Errorf("%d bytes in use after Close", mem.Used())
	}
}
