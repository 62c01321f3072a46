package replica

import (
	"slices"

	"github.com/millracedb/millrace/log"
)

// windowWeight bounds the window of remembered writes: 1 Mi hashes are 8 MiB, and
// about a second of keyed writes at full speed; a transaction that lasts longer
// against such writers is refused and tried again.
const windowWeight = 1 << 20

// batchWeight is what a batch weighs beside its hashes, so that many small batches
// are bounded too.
const batchWeight = 4

// window remembers which keys were written in the last epochs. Writers only append
// to it; the rare transaction that depends on what it read scans the epochs after
// its snapshot. That costs a nanosecond per remembered key, less than keeping a map
// up to date on every write.
//
// It is a function of the entries alone: the rule which batches are forgotten does
// not look at time or at checkpoints. Batches that the rule has dropped stay in
// memory until a checkpoint no longer needs them (see asOf).
type window struct {
	batches []writes // ascending by epoch
	start   int      // batches before it are outside the window
	weight  int      // of batches[start:]
	// floor is the last epoch of which a batch was dropped: a snapshot before it
	// cannot be checked any more.
	floor log.Epoch
	// oldFloor is the floor before batches[0].
	oldFloor log.Epoch
}

// writes are the keys of one stream that one transaction wrote.
type writes struct {
	epoch  log.Epoch
	stream log.StreamID
	// whole: the whole stream counts as written.
	whole  bool
	hashes []uint64
}

func (b *writes) weight() int { return len(b.hashes) + batchWeight }

// add remembers the writes of an accepted transaction.
func (w *window) add(e log.Epoch, keys []log.Key) {
	for i := 0; i < len(keys); {
		j := i
		b := writes{epoch: e, stream: keys[i].Stream}
		for j < len(keys) && keys[j].Stream == b.stream {
			b.whole = b.whole || keys[j].Hash == 0
			j++
		}
		b.hashes = make([]uint64, 0, j-i)
		for _, k := range keys[i:j] {
			b.hashes = append(b.hashes, k.Hash)
		}
		i = j
		w.push(b)
	}
}

func (w *window) push(b writes) {
	w.batches = append(w.batches, b)
	w.weight += b.weight()
	for w.weight > windowWeight && w.start < len(w.batches) {
		old := &w.batches[w.start]
		w.weight -= old.weight()
		w.floor = old.epoch
		w.start++
	}
}

// conflicts tells whether a key that t reads or writes was written after t's
// snapshot, or whether that cannot be known any more.
func (w *window) conflicts(t *log.Txn) bool {
	if t.ReadEpoch == 0 {
		return false
	}
	if t.ReadEpoch < w.floor {
		return true
	}
	from := len(w.batches)
	for from > w.start && w.batches[from-1].epoch > t.ReadEpoch {
		from--
	}
	if from == len(w.batches) {
		return false
	}
	probe := newProbe(t)
	for i := range w.batches[from:] {
		if probe.hit(&w.batches[from+i]) {
			return true
		}
	}
	return false
}

// probe is the set of keys of a transaction.
type probe struct {
	few   []log.Key // all keys, when they are few
	many  map[log.Key]struct{}
	whole map[log.StreamID]bool // streams of which any write conflicts
	all   map[log.StreamID]bool // streams of which there is a key
}

const fewKeys = 8

func newProbe(t *log.Txn) *probe {
	p := &probe{whole: map[log.StreamID]bool{}, all: map[log.StreamID]bool{}}
	keys := t.Reads
	if len(t.Writes) > 0 {
		keys = slices.DeleteFunc(slices.Clone(t.Writes), func(k log.Key) bool {
			return k.Stream&log.Shared != 0
		})
		keys = append(keys, t.Reads...)
	}
	for _, k := range keys {
		p.all[k.Stream] = true
		if k.Hash == 0 {
			p.whole[k.Stream] = true
		}
	}
	if len(keys) <= fewKeys {
		p.few = keys
		return p
	}
	p.many = make(map[log.Key]struct{}, len(keys))
	for _, k := range keys {
		p.many[k] = struct{}{}
	}
	return p
}

func (p *probe) hit(b *writes) bool {
	if !p.all[b.stream] {
		return false
	}
	if b.whole || p.whole[b.stream] {
		return true
	}
	if p.many != nil {
		for _, h := range b.hashes {
			if _, ok := p.many[log.Key{Stream: b.stream, Hash: h}]; ok {
				return true
			}
		}
		return false
	}
	for _, k := range p.few {
		if k.Stream == b.stream && slices.Contains(b.hashes, k.Hash) {
			return true
		}
	}
	return false
}

// asOf gives the window as it was after epoch e, which must not be before the last
// one that forget was called with.
func (w *window) asOf(e log.Epoch) window {
	end := len(w.batches)
	for end > 0 && w.batches[end-1].epoch > e {
		end--
	}
	old := window{floor: w.oldFloor, oldFloor: w.oldFloor}
	for _, b := range w.batches[:end] {
		old.push(b)
	}
	old.batches = slices.Clone(old.batches[old.start:])
	old.start, old.oldFloor = 0, old.floor
	return old
}

// forget drops what no checkpoint from epoch e on needs: batches that were outside
// the window at e already.
func (w *window) forget(e log.Epoch) {
	old := w.asOf(e)
	upTo := 0
	for upTo < len(w.batches) && w.batches[upTo].epoch <= e {
		upTo++
	}
	drop := upTo - len(old.batches)
	w.batches = slices.Clone(w.batches[drop:])
	w.start -= drop
	w.oldFloor = old.floor
}
