package exec

import (
	"encoding/binary"
	"fmt"

	"github.com/millracedb/millrace/log"
	"github.com/zeebo/xxh3"
)

// Every target has a rolling checksum over all that its query ever wrote to its
// log, as it is encoded there. It is a function of the log, like the rows: it is
// equal on all replicas, after any restart, and whether or not the query was ever
// outside the common epoch. An epoch's checksum is the sum of those of the targets
// that changed in it, so that it does not depend on their order.

// roll takes a block into a rolling checksum.
func roll(sum uint64, b *log.Block) uint64 {
	var head [24]byte
	binary.LittleEndian.PutUint64(head[:], sum)
	binary.LittleEndian.PutUint32(head[8:], b.Partition.Part)
	binary.LittleEndian.PutUint32(head[12:], uint32(b.Rows))
	binary.LittleEndian.PutUint64(head[16:], uint64(b.Epoch))
	sum = xxh3.Hash(head[:])
	for _, s := range b.Sections {
		sum = xxh3.HashSeed(s, sum)
	}
	return sum
}

// derived is what queries wrote in an epoch.
type derived struct {
	rows int64
	sum  uint64
	some bool
}

func (d *derived) add(r *relation, rows int64) {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], uint64(r.cat.OID))
	binary.LittleEndian.PutUint64(id[8:], r.counted.Sum)
	d.rows += rows
	d.sum += xxh3.Hash(id[:])
	d.some = true
}

// wrote notes that a query wrote rows of an epoch: the one in progress, or an
// earlier one when the query is behind.
func (v *viewStats) wrote(epoch log.Epoch, r *relation, rows int64) {
	ring := &v.recent
	for i := ring.n - 1; i >= max(0, ring.n-keptEpochs); i-- {
		if x := &ring.ring[i%keptEpochs]; x.epoch == epoch {
			x.derived.add(r, rows)
			return
		} else if x.epoch < epoch {
			break
		}
	}
	v.now.add(r, rows)
}

// text is how millrace.epochs shows a checksum.
func (d *derived) text() string { return fmt.Sprintf("%016x", d.sum) }
