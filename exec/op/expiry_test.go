package op

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/millracedb/millrace/exec/state"
)

// TestExpiry: whatever order rows come in, they leave by time and arrival.
func TestExpiry(t *testing.T) {
	for seed := range int64(50) {
		rnd := rand.New(rand.NewSource(seed))
		var e expiry
		var want []expiring
		disorder := int64(1) << rnd.Intn(12)
		for seq := range int64(3000) {
			at := seq/4 - rnd.Int63n(disorder)
			e.push(at, state.Ref(seq), seq)
			want = append(want, expiring{at, seq, state.Ref(seq)})
			if rnd.Intn(3) != 0 {
				continue
			}
			i := 0
			for k := range want {
				if want[k].before(want[i]) {
					i = k
				}
			}
			if e.next() != want[i].at {
				t.Fatalf("seed %d: next is %d, want %d", seed, e.next(), want[i].at)
			}
			if x := e.pop(); x != want[i] {
				t.Fatalf("seed %d: %v came, want %v", seed, x, want[i])
			}
			want = slices.Delete(want, i, i+1)
		}
		if e.len() != len(want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, e.len(), len(want))
		}
		slices.SortFunc(want, func(a, b expiring) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		for _, w := range want {
			if x := e.pop(); x != w {
				t.Fatalf("seed %d: %v came, want %v", seed, x, w)
			}
		}
	}
}
