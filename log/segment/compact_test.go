package segment

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// compactMerger is testMerger with what compaction needs.
type compactMerger struct{ testMerger }

func (m compactMerger) Fingerprints(b *log.Block) ([][2]uint64, []bool, error) {
	keys, deletes, err := m.Keys(b)
	out := make([][2]uint64, len(keys))
	for i, k := range keys {
		out[i] = [2]uint64{k, ^k}
	}
	return out, deletes, err
}

func (compactMerger) Filter(b *log.Block, keep []bool) ([][]byte, []log.SectionStats, error) {
	out := make([][]byte, len(b.Sections))
	for i, s := range b.Sections {
		for row, k := range keep {
			if k {
				out[i] = append(out[i], s[8*row:8*row+8]...)
			}
		}
	}
	return out, nil, nil
}

type keyedRow struct {
	offset  log.Offset
	epoch   log.Epoch
	key     uint64
	deleted bool
}

// rowsOf reads a partition from an offset and checks that offsets ascend.
func rowsOf(t *testing.T, l *lab, id log.PartitionID, from log.Offset) []keyedRow {
	t.Helper()
	_, end, err := l.set.Bounds(id, newest)
	if err != nil {
		t.Fatal(err)
	}
	var out []keyedRow
	at := from
	err = l.set.Read(context.Background(), id, from, end, nil, func(b *log.Block) error {
		runs := b.Epochs
		if runs == nil {
			runs = []log.EpochRun{{Epoch: b.Epoch, Rows: b.Rows}}
		}
		i := 0
		for _, r := range runs {
			for range r.Rows {
				o := b.OffsetOf(i)
				if o >= from {
					if o < at || o >= b.End() {
						return fmt.Errorf("row %d after row %d", o, at)
					}
					at = o + 1
					out = append(out, keyedRow{o, r.Epoch, binary.BigEndian.Uint64(b.Sections[1][8*i:]),
						binary.BigEndian.Uint64(b.Sections[0][8*i:]) == 1})
				}
				i++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompactByKey(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 2 << 10, FileBytes: 8 << 10, Merger: compactMerger{}})
	l.create(1, 1, true)
	id := log.PartitionID{Stream: 1}
	all := map[log.Offset]keyedRow{}
	var end log.Offset
	var m *Manifest
	l.seal()
	for round := range 12 {
		for range 60 {
			l.epoch++
			b := &log.Block{Partition: id, MinTime: int64(l.epoch), MaxTime: int64(l.epoch),
				Sections: make([][]byte, 3)}
			for range 1 + rnd.IntN(5) {
				r := keyedRow{end, l.epoch, rnd.Uint64N(50), rnd.IntN(5) == 0}
				op := uint64(0)
				if r.deleted {
					op = 1
				}
				b.Sections[0] = binary.BigEndian.AppendUint64(b.Sections[0], op)
				b.Sections[1] = binary.BigEndian.AppendUint64(b.Sections[1], r.key)
				b.Sections[2] = binary.BigEndian.AppendUint64(b.Sections[2], uint64(l.epoch))
				all[end] = r
				end++
				b.Rows++
			}
			if err := l.set.Append(b, l.epoch, 0); err != nil {
				t.Fatal(err)
			}
		}
		l.seal()
		now := int64(0) // deletes stay
		if round%2 == 1 {
			now = tombstoneMicros + int64(l.epoch)
		}
		if err := l.set.Compact(context.Background(), now); err != nil {
			t.Fatal(err)
		}
		checkCompacted(t, rowsOf(t, l, id, 0), all, end)
		if from := log.Offset(rnd.Int64N(int64(end))); from > 0 {
			for _, r := range rowsOf(t, l, id, from) {
				if r != all[r.offset] {
					t.Fatalf("row %+v, want %+v", r, all[r.offset])
				}
			}
		}
		m = l.seal()
		l.reopen(m)
	}
	got := rowsOf(t, l, id, 0)
	checkCompacted(t, got, all, end)
	if len(got) > int(end)/2 {
		t.Errorf("%d of %d rows are left", len(got), end)
	}
}

// checkCompacted: all rows are as written, and the last row of each key is there,
// unless it is a delete.
func checkCompacted(t *testing.T, got []keyedRow, all map[log.Offset]keyedRow, end log.Offset) {
	t.Helper()
	last := map[uint64]keyedRow{}
	for o := range end {
		last[all[o].key] = all[o]
	}
	have := map[uint64]keyedRow{}
	for _, r := range got {
		if r != all[r.offset] {
			t.Fatalf("row %+v, want %+v", r, all[r.offset])
		}
		have[r.key] = r
	}
	for k, want := range last {
		if r, ok := have[k]; r != want && !(want.deleted && !ok) {
			t.Fatalf("key %d ends with %+v, want %+v", k, r, want)
		}
	}
}

func TestReadKeySkipsBlocks(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 64, FileBytes: 1})
	l.create(1, 1, true)
	for i := range uint64(40) {
		l.add(1, 0, keys(100*i, 20)...)
		l.seal()
	}
	id := log.PartitionID{Stream: 1}
	hashes, _, err := testMerger{}.Keys(&log.Block{Rows: 1, Sections: [][]byte{make([]byte, 8),
		binary.BigEndian.AppendUint64(nil, 1705)}})
	if err != nil {
		t.Fatal(err)
	}
	blocks, found := 0, false
	err = l.set.ReadKey(context.Background(), id, hashes[0], 0, 800, nil, func(b *log.Block) error {
		blocks++
		found = found || (b.Base <= 345 && b.End() > 345)
		return nil
	})
	if err != nil || !found || blocks > 5 {
		t.Fatalf("%d of 40 blocks read, found %v, %v", blocks, found, err)
	}
}

func TestCompactRespectsPins(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 64, FileBytes: 1, Merger: compactMerger{}})
	l.create(1, 1, true)
	for range 10 {
		l.add(1, 0, 1, 2, 3, 4)
		l.seal()
	}
	id := log.PartitionID{Stream: 1}
	release := l.set.Pin(id, 20, "reader")
	defer release()
	if err := l.set.Compact(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, l, id, 0)
	if len(got) != 24 || got[0].offset != 16 {
		t.Fatalf("%d rows from %d", len(got), got[0].offset)
	}
}
