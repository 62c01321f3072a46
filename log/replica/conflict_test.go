package replica

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/millracedb/millrace/log"
)

// model keeps all writes and forgets nothing.
type model struct {
	last  map[log.Key]log.Epoch
	table map[log.StreamID]log.Epoch // last write of anything
	whole map[log.StreamID]log.Epoch // last write of hash 0
}

func (m *model) add(e log.Epoch, keys []log.Key) {
	for _, k := range keys {
		m.last[k], m.table[k.Stream] = e, e
		if k.Hash == 0 {
			m.whole[k.Stream] = e
		}
	}
}

func (m *model) conflicts(t *log.Txn) bool {
	for _, list := range [][]log.Key{t.Reads, t.Writes} {
		for _, k := range list {
			if m.last[k] > t.ReadEpoch || m.whole[k.Stream] > t.ReadEpoch ||
				(k.Hash == 0 && m.table[k.Stream] > t.ReadEpoch) {
				return true
			}
		}
	}
	return false
}

func randomKeys(rnd *rand.Rand, n int, space uint64) []log.Key {
	keys := make([]log.Key, n)
	for i := range keys {
		keys[i] = log.Key{Stream: log.StreamID(1 + rnd.IntN(3)), Hash: 1 + rnd.Uint64N(space)}
		if rnd.IntN(400) == 0 {
			keys[i].Hash = 0
		}
	}
	return keys
}

// The window decides as a model that keeps everything, except that it refuses what
// lies before its floor; and what it decides does not depend on checkpoints.
func TestWindowAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	m := &model{map[log.Key]log.Epoch{}, map[log.StreamID]log.Epoch{}, map[log.StreamID]log.Epoch{}}
	var plain, kept window
	for e := log.Epoch(1); e <= 3000; e++ {
		n := 1 + rnd.IntN(20)
		if rnd.IntN(8) == 0 {
			n = rnd.IntN(9000)
		}
		keys := randomKeys(rnd, n, 1<<20)
		m.add(e, keys)
		plain.add(e, keys)
		kept.add(e, keys)
		if rnd.IntN(40) == 0 {
			at := e - log.Epoch(rnd.IntN(int(min(e, 30))))
			if at >= kept.batches[0].epoch {
				kept = restart(t, &kept, at, &plain, e)
			}
		}
		x := &log.Txn{ReadEpoch: e - log.Epoch(rnd.IntN(int(min(e, 100)))),
			Reads: randomKeys(rnd, rnd.IntN(15), 1<<20), Writes: randomKeys(rnd, 1, 1<<20)}
		want := m.conflicts(x)
		if got := plain.conflicts(x); got != want && !(got && x.ReadEpoch < plain.floor) {
			t.Fatalf("epoch %d, read %d, floor %d: conflict %v, want %v", e, x.ReadEpoch,
				plain.floor, got, want)
		}
		if plain.conflicts(x) != kept.conflicts(x) || plain.floor != kept.floor {
			t.Fatalf("epoch %d: a checkpoint changed the window: floor %d and %d", e, plain.floor,
				kept.floor)
		}
	}
	if plain.floor == 0 || plain.weight > windowWeight {
		t.Fatalf("floor %d, weight %d", plain.floor, plain.weight)
	}
}

// restart makes a checkpoint of w at an epoch, forgets what was before, starts from
// the checkpoint and replays what came after.
func restart(t *testing.T, w *window, at log.Epoch, all *window, now log.Epoch) window {
	t.Helper()
	old := w.asOf(at)
	enc := encodeWrites(&old)
	w.forget(at)
	if again := w.asOf(at); !bytes.Equal(encodeWrites(&again), enc) || again.floor != old.floor {
		t.Fatal("forgetting changed the window as of the checkpoint")
	}
	back, err := decodeWrites(enc, old.floor)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all.batches {
		if b.epoch > at && b.epoch <= now {
			back.push(b)
		}
	}
	return back
}

func BenchmarkWindow(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var w window
	for e := log.Epoch(1); e <= 1000; e++ {
		w.add(e, randomKeys(rnd, 1000, 1<<40))
	}
	b.Run("conflicts-of-1-key-over-1M", func(b *testing.B) {
		x := &log.Txn{ReadEpoch: 1, Reads: []log.Key{{Stream: 9, Hash: 5}}}
		x.Reads[0].Stream = 2
		for b.Loop() {
			w.conflicts(x)
		}
	})
	b.Run("conflicts-of-1-key-over-1000", func(b *testing.B) {
		x := &log.Txn{ReadEpoch: 999, Reads: []log.Key{{Stream: 2, Hash: 5}}}
		for b.Loop() {
			w.conflicts(x)
		}
	})
}
