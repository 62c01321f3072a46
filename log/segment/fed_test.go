package segment

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// fedLab is a fed stream: an entry and derived rows for most epochs, TRUNCATE in some.
type fedLab struct {
	*lab
	id log.PartitionID
}

const fedEpochs = 40

func fedBlock(id log.PartitionID, e log.Epoch, derived bool) *log.Block {
	b := &log.Block{Partition: id, Rows: 1 + int(e)%3, Epoch: e, Sections: make([][]byte, 3)}
	if derived {
		b.Flags = log.Derived
	}
	for _, r := range fedRows(e, derived) {
		b.Sections[0] = binary.BigEndian.AppendUint64(b.Sections[0], 0)
		b.Sections[1] = binary.BigEndian.AppendUint64(b.Sections[1], r.key)
		b.Sections[2] = binary.BigEndian.AppendUint64(b.Sections[2], uint64(r.epoch))
	}
	return b
}

func fedRows(e log.Epoch, derived bool) []row {
	key := uint64(e) * 10
	if derived {
		key += 5
	}
	out := make([]row, 1+int(e)%3)
	for i := range out {
		out[i] = row{e, key + uint64(i)}
	}
	return out
}

func empties(e log.Epoch) bool { return e%17 == 3 }
func writes(e log.Epoch) bool  { return e%2 == 0 && !empties(e) }
func derives(e log.Epoch) bool { return e%5 != 1 }

// expect notes the order that does not depend on who runs ahead.
func (l *fedLab) expect() {
	for e := log.Epoch(1); e <= fedEpochs; e++ {
		switch {
		case empties(e):
			l.begin[l.id] = log.Offset(len(l.want[l.id]))
		case writes(e):
			l.want[l.id] = append(l.want[l.id], fedRows(e, false)...)
		}
		if derives(e) {
			l.want[l.id] = append(l.want[l.id], fedRows(e, true)...)
		}
	}
	l.epoch = fedEpochs
}

// run does the epochs from one on; entries run ahead of what is derived as rnd says.
func (l *fedLab) run(rnd *rand.Rand, from log.Epoch) {
	l.t.Helper()
	next := from
	for e := from; e <= fedEpochs; e++ {
		for ; next <= fedEpochs && (next <= e || rnd.IntN(3) > 0); next++ {
			if empties(next) {
				l.set.Truncate(l.id.Stream, next)
			} else if writes(next) {
				if err := l.set.Append(fedBlock(l.id, next, false), next, 0); err != nil {
					l.t.Fatal(err)
				}
			}
		}
		if derives(e) {
			if err := l.set.AppendDerived(fedBlock(l.id, e, true)); err != nil {
				l.t.Fatalf("epoch %d: %v", e, err)
			}
		}
		l.set.EndEpoch(e)
	}
}

// TestFedOrder lets entries run ahead of the engine by as much as it comes, over
// truncations and a restart: the rows of a fed stream have the offsets that they have
// when nothing runs ahead.
func TestFedOrder(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		l := &fedLab{newLab(t, vfs.NewMem(), Options{SealBytes: 1 << 10}), log.PartitionID{Stream: 1}}
		l.set.Create(log.StreamSpec{Stream: 1, Partitions: 1}, 0)
		l.set.Alter(log.StreamSpec{Stream: 1, Partitions: 1, Fed: true}, 0)
		l.set.Alter(log.StreamSpec{Stream: 1, Partitions: 1}, 0) // it stays fed
		l.expect()
		l.run(rnd, 1)
		l.check()
		cut := log.Epoch(10 + rnd.IntN(20))
		m, err := l.set.Seal(context.Background(), cut)
		if err != nil {
			t.Fatal(err)
		}
		l.reopen(m)
		l.run(rnd, cut+1)
		l.check()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
