package exec

import (
	"sync/atomic"
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// TestFeedCountsWhatWaits follows the bytes that wait for a slow reader, who is cut
// when they pass the limit.
func TestFeedCountsWhatWaits(t *testing.T) {
	v := batch.NewVector(types.Of(types.Int8), 4)
	for i := range int64(4) {
		v.AppendInt(i)
	}
	delta := &rows{b: &batch.Batch{N: 4, Cols: []*batch.Vector{v}}}
	size := int64(deltaBytes(delta))
	r := &relation{cat: &catalog.Relation{OID: 1}, delta: []*rows{delta}}
	var waiting atomic.Int64
	f := &feed{rels: []*relation{r}, limit: int(size), ready: make(chan struct{}, 1),
		progress: func(int64) progress { return progress{} }, waiting: &waiting}
	f.room.L = &f.mu

	expect := func(when string, want int64) {
		t.Helper()
		if got := waiting.Load(); got != want {
			t.Errorf("%s: %d bytes wait, want %d", when, got, want)
		}
	}
	f.put(1, 0)
	f.put(2, 0)
	expect("after two epochs", 2*size)
	if d, ok, over := f.take(t.Context()); !ok || over || d.epoch != 1 {
		t.Fatalf("took epoch %d, %v, %v", d.epoch, ok, over)
	}
	expect("after the first was taken", size)
	f.put(3, 0) // as much as may wait
	f.put(4, 0) // too much
	if _, _, over := f.take(t.Context()); !over {
		t.Error("a reader that is too slow was not cut")
	}
	expect("after the cut", 0)
	f.close()
	expect("after the end", 0)
}
