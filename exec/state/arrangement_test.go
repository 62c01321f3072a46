package state

import (
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// contents folds a scan of an epoch.
func contents(t *testing.T, a *Arrangement, epoch uint64) map[string]int64 {
	t.Helper()
	cols := make([]int, len(a.Types()))
	for i := range cols {
		cols[i] = i
	}
	got := map[string]int64{}
	err := a.Scan(epoch, cols, func(b *batch.Batch) error {
		for i := range b.N {
			got[rowString(b, i)] += int64(b.Weight(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sameContents(t *testing.T, got, want map[string]int64, what string) {
	t.Helper()
	for k, w := range want {
		if w != 0 && got[k] != w {
			t.Fatalf("%s: row %s has weight %d, want %d", what, k, got[k], w)
		}
	}
	for k, w := range got {
		if want[k] != w {
			t.Fatalf("%s: row %s has weight %d, want %d", what, k, w, want[k])
		}
	}
}

func TestArrangementShowsPinnedEpochs(t *testing.T) {
	eachSeed(t, 8, func(t *testing.T, rnd *rand.Rand) {
		ts := []types.Type{intType, textType, fltType}
		var key []int
		if rnd.Intn(2) == 0 {
			key = []int{0}
		}
		pins := NewPins()
		a := NewArrangement(nil, pins, ts, key)
		model := map[string]int64{}
		type held struct {
			pin  *Pin
			want map[string]int64
		}
		var pinned []held
		for epoch := uint64(1); epoch < 60; epoch++ {
			for range rnd.Intn(4) {
				a.Apply(changes(rnd, ts, model))
			}
			if err := a.Commit(epoch); err != nil {
				t.Fatal(err)
			}
			pins.Publish(epoch)
			sameContents(t, contents(t, a, epoch), model, fmt.Sprint("epoch ", epoch))
			if rnd.Intn(3) == 0 {
				pinned = append(pinned, held{pins.Pin(), maps(model)})
			}
			if len(pinned) > 0 && rnd.Intn(3) == 0 {
				h := pinned[0]
				sameContents(t, contents(t, a, h.pin.Epoch), h.want, "pinned")
				h.pin.Release()
				pinned = pinned[1:]
			}
		}
		for _, h := range pinned {
			sameContents(t, contents(t, a, h.pin.Epoch), h.want, "pinned")
			h.pin.Release()
		}
		n := int64(0)
		for _, w := range model {
			n += w
		}
		if a.Len() != n {
			t.Errorf("Len %d, want %d", a.Len(), n)
		}
	})
}

// changes makes a batch of insertions and of retractions of rows that are there.
func changes(rnd *rand.Rand, ts []types.Type, model map[string]int64) *batch.Batch {
	from := randomBatch(rnd, ts, 12, 3)
	b := batch.New(ts, 12)
	for i := range from.N {
		w := int32(1 + rnd.Intn(2))
		if k := rowString(from, i); model[k] > 0 && rnd.Intn(2) == 0 {
			w = -int32(min(model[k], int64(w)))
		}
		model[rowString(from, i)] += int64(w)
		b.AppendRow(from, i, w)
	}
	return b
}

func TestArrangementRefusesNegativeRows(t *testing.T) {
	a := NewArrangement(nil, NewPins(), []types.Type{intType}, nil)
	b := batch.New(a.Types(), 1)
	b.AppendDatums([]types.Datum{types.IntDatum(1)}, -1)
	a.Apply(b)
	if err := a.Commit(1); err == nil {
		t.Fatal("a retraction of a row that is not there was accepted")
	}
}

func TestArrangementLookup(t *testing.T) {
	pins := NewPins()
	a := NewArrangement(nil, pins, []types.Type{intType, textType}, []int{0})
	old := batch.New(a.Types(), 1)
	old.AppendDatums([]types.Datum{types.IntDatum(5), types.TextDatum("old")}, 1)
	a.Apply(old)
	if err := a.Commit(1); err != nil {
		t.Fatal(err)
	}
	pins.Publish(1)
	pin := pins.Pin()
	defer pin.Release()
	now := batch.New(a.Types(), 2)
	now.AppendDatums([]types.Datum{types.IntDatum(5), types.TextDatum("new")}, 1)
	now.AppendDatums([]types.Datum{types.IntDatum(5), types.TextDatum("old")}, -1)
	a.Apply(now)
	look := func(epoch uint64) string {
		out := batch.New(a.Types(), 1)
		a.Lookup(epoch, []types.Datum{types.IntDatum(5)}, out)
		s := ""
		for i := range out.N {
			s += string(out.Cols[1].Bytes(i)) + " "
		}
		return s
	}
	if got := look(1); got != "old " {
		t.Errorf("pending changes are seen at epoch 1: %q", got)
	}
	if err := a.Commit(2); err != nil {
		t.Fatal(err)
	}
	if got := look(1) + look(2); got != "old new " {
		t.Errorf("epochs 1 and 2 give %q", got)
	}
}

func TestArrangementSavesWhatChanged(t *testing.T) {
	eachSeed(t, 6, func(t *testing.T, rnd *rand.Rand) {
		ts := []types.Type{intType, textType}
		var key []int
		if rnd.Intn(2) == 0 {
			key = []int{1, 0}
		}
		s := openStore(t, vfs.NewMem(), 0)
		a := NewArrangement(nil, NewPins(), ts, key)
		model := map[string]int64{}
		for epoch := uint64(1); epoch < 20; epoch++ {
			a.Apply(changes(rnd, ts, model))
			if err := a.Commit(epoch); err != nil {
				t.Fatal(err)
			}
			if rnd.Intn(2) == 0 && epoch < 19 {
				continue
			}
			cp := s.Begin(epoch)
			if err := a.Save(cp.Writer("view"), 1); err != nil {
				t.Fatal(err)
			}
			if err := cp.Commit(nil); err != nil {
				t.Fatal(err)
			}
			back := NewArrangement(nil, NewPins(), ts, key)
			r := s.Reader("view")
			for r.Next() {
				if err := back.LoadRecord(r, epoch); err != nil {
					t.Fatal(err)
				}
			}
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			sameContents(t, contents(t, back, epoch), model, "loaded")
		}
	})
}

// TestArrangementReadersBesideWriter is for the race detector: scans of pinned
// epochs while epochs are written see whole epochs.
func TestArrangementReadersBesideWriter(t *testing.T) {
	pins := NewPins()
	a := NewArrangement(NewMemory(0), pins, []types.Type{intType, intType}, []int{0})
	const keys, epochs = 500, 60
	put := func(epoch uint64) {
		b := batch.New(a.Types(), 2*keys)
		for k := range int64(keys) {
			if epoch > 1 {
				b.AppendDatums([]types.Datum{types.IntDatum(k), types.IntDatum(int64(epoch - 1))}, -1)
			}
			b.AppendDatums([]types.Datum{types.IntDatum(k), types.IntDatum(int64(epoch))}, 1)
		}
		a.Apply(b)
		if err := a.Commit(epoch); err != nil {
			t.Error(err)
		}
		pins.Publish(epoch)
	}
	put(1)
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for last := uint64(0); last < epochs; {
				pin := pins.Pin()
				last = pin.Epoch
				n := 0
				err := a.Scan(pin.Epoch, []int{1}, func(b *batch.Batch) error {
					for i := range b.N {
						if b.Cols[0].I64[i] != int64(pin.Epoch) {
							return fmt.Errorf("epoch %d sees %d", pin.Epoch, b.Cols[0].I64[i])
						}
					}
					n += b.N
					return nil
				})
				pin.Release()
				if err != nil || n != keys {
					t.Errorf("%d rows, error %v", n, err)
					return
				}
			}
		}()
	}
	for e := uint64(2); e <= epochs; e++ {
		put(e)
	}
	wg.Wait()
}

// TestDiscard: pending changes go without a trace.
func TestDiscard(t *testing.T) {
	pins := NewPins()
	ts := []types.Type{intType, textType}
	a := NewArrangement(NewMemory(0), pins, ts, []int{0})
	rows := func(w int32, pairs ...any) *batch.Batch {
		b := batch.New(ts, 4)
		for i := 0; i < len(pairs); i += 2 {
			b.AppendDatums([]types.Datum{types.IntDatum(int64(pairs[i].(int))),
				types.TextDatum(pairs[i+1].(string))}, w)
		}
		return b
	}
	a.Apply(rows(1, 1, "one", 2, "two"))
	if err := a.Commit(1); err != nil {
		t.Fatal(err)
	}
	pins.Publish(1)
	want := scanAll(t, a, 1)
	a.Apply(rows(-1, 1, "one"))
	a.Apply(rows(1, 1, "uno", 3, "three"))
	a.Apply(rows(-1, 3, "three"))
	a.Discard()
	if err := a.Commit(2); err != nil {
		t.Fatal(err)
	}
	pins.Publish(2)
	if got := scanAll(t, a, 2); !slices.Equal(got, want) || a.Len() != 2 {
		t.Errorf("%d rows: %v, want %v", a.Len(), got, want)
	}
}
