package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// nullKey in a key's length says that the key is one NULL column.
const nullKey = 1 << 31

// hashSeed keeps the tables' hashes apart from those that choose partitions, so
// that a partition's keys do not share their upper bits.
const hashSeed = 0x9E3779B97F4A7C15

func hashInt(x int64) uint64 {
	hi, lo := bits.Mul64(uint64(x)^hashSeed, 0xD6E8FEB86659FD93)
	h := hi ^ lo
	return h ^ h<<32
}

func hashBytes(b []byte) uint64 { return xxh3.HashSeed(b, hashSeed) }

// hashNull is the hash of a key that is one NULL column.
const hashNull = 0x7F4A7C15D6E8FEB8

// Keys are the keys of a batch's rows: bytes that are equal when SQL says that
// the values are not distinct, with their hashes. They are made by a Keyer and
// valid until its next use.
type Keys struct {
	N    int
	Hash []uint64
	// Null tells which keys have a NULL column; nil when none has.
	Null []bool
	// ints are the keys of a single PhysInt64 column; nil for other keys.
	ints []int64
	// vec and sel are the keys of a single bytes column.
	vec  *batch.Vector
	sel  []uint16
	rows *Rows // keys of several columns
	// raw are the rows before normalisation, or nil when no column needs it.
	raw *Rows
	one [8]byte
}

// size gives the length word of key k: its bytes, or nullKey.
func (k *Keys) size(i int) uint32 {
	switch {
	case k.rows != nil:
		return k.rows.Off[i+1] - k.rows.Off[i]
	case k.Null != nil && k.Null[i]:
		return nullKey
	case k.ints != nil:
		return 8
	}
	j := k.vec.Row(int(k.sel[i]))
	return uint32(k.vec.Off[j+1] - k.vec.Off[j])
}

// Bytes gives the bytes of key i, valid until the next call.
func (k *Keys) Bytes(i int) []byte {
	switch {
	case k.rows != nil:
		return k.rows.Row(i)
	case k.Null != nil && k.Null[i]:
		return nil
	case k.ints != nil:
		binary.LittleEndian.PutUint64(k.one[:], uint64(k.ints[i]))
		return k.one[:]
	}
	return k.vec.Bytes(int(k.sel[i]))
}

// IsNull tells whether key i has a NULL column.
func (k *Keys) IsNull(i int) bool { return k.Null != nil && k.Null[i] }

// keyForm is how keys are laid out.
type keyForm uint8

const (
	keyRow   keyForm = iota // encoded row, any number of columns
	keyInt                  // a single PhysInt64 column
	keyBytes                // a single PhysBytes column
)

// Keyer makes Keys of columns of given types.
type Keyer struct {
	Types  []types.Type
	layout *Layout
	form   keyForm
	norm   []normalizer // per column; nil func means none
	any    bool         // some column has a normalizer
	vecs   []*batch.Vector
	scrat  []*batch.Vector
	keys   Keys
	rows   Rows
	raw    Rows
	null   []bool
	one    []*batch.Vector // memory of One
}

// NewKeyer makes a Keyer for columns of the given types; none give one key that
// is the same for all rows.
func NewKeyer(ts []types.Type) *Keyer {
	k := &Keyer{Types: ts, layout: NewLayout(ts), norm: make([]normalizer, len(ts)),
		vecs: make([]*batch.Vector, len(ts)), scrat: make([]*batch.Vector, len(ts))}
	for i, t := range ts {
		k.norm[i] = normalizerOf(t)
		k.any = k.any || k.norm[i] != nil
	}
	if len(ts) == 1 && !k.any {
		switch ts[0].Phys() {
		case types.PhysInt64:
			k.form = keyInt
		case types.PhysBytes:
			k.form = keyBytes
		}
	}
	return k
}

// NewRowKeyer makes a Keyer for which rows are equal only if their bytes are: it
// tells 1.0 from 1.00, as stores of whole rows must, which have to give back what
// they were given.
func NewRowKeyer(ts []types.Type) *Keyer {
	return &Keyer{Types: ts, layout: NewLayout(ts), norm: make([]normalizer, len(ts)),
		vecs: make([]*batch.Vector, len(ts)), scrat: make([]*batch.Vector, len(ts))}
}

// Layout gives the layout of the key columns.
func (k *Keyer) Layout() *Layout { return k.layout }

// Keys makes the keys of the rows that sel lists.
func (k *Keyer) Keys(cols []*batch.Vector, sel []uint16) *Keys {
	n := len(sel)
	k.keys = Keys{N: n, Hash: grow(k.keys.Hash, n), ints: k.keys.ints, sel: sel}
	k.nulls(cols, sel)
	switch k.form {
	case keyInt:
		k.intKeys(cols[0], sel)
	case keyBytes:
		k.keys.vec, k.keys.ints = cols[0], nil
		for i, r := range sel {
			k.keys.Hash[i] = hashBytes(cols[0].Bytes(int(r)))
		}
		k.hashNulls()
	default:
		k.rowKeys(cols, sel)
	}
	return &k.keys
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 64))
	}
	return s[:n]
}

// nulls finds the keys with a NULL column.
func (k *Keyer) nulls(cols []*batch.Vector, sel []uint16) {
	for _, v := range cols {
		if v.Valid == nil {
			continue
		}
		if k.keys.Null == nil {
			k.null = grow(k.null, len(sel))
			clear(k.null)
			k.keys.Null = k.null
		}
		for i, r := range sel {
			if v.IsNull(int(r)) {
				k.null[i] = true
			}
		}
	}
}

func (k *Keyer) intKeys(v *batch.Vector, sel []uint16) {
	ints := grow(k.keys.ints, len(sel))
	if v.Const {
		for i := range sel {
			ints[i] = v.I64[0]
		}
	} else {
		for i, r := range sel {
			ints[i] = v.I64[r]
		}
	}
	for i, x := range ints {
		k.keys.Hash[i] = hashInt(x)
	}
	k.keys.ints = ints
	k.hashNulls()
}

// hashNulls gives single NULL keys their hash.
func (k *Keyer) hashNulls() {
	for i, null := range k.keys.Null {
		if null {
			k.keys.Hash[i] = hashNull
		}
	}
}

func (k *Keyer) rowKeys(cols []*batch.Vector, sel []uint16) {
	from := cols
	if k.any {
		from = k.normalize(cols, sel)
		k.layout.Encode(cols, sel, &k.raw)
		k.keys.raw = &k.raw
	}
	k.layout.Encode(from, sel, &k.rows)
	k.keys.rows, k.keys.ints = &k.rows, nil
	for i := range sel {
		k.keys.Hash[i] = hashBytes(k.rows.Row(i))
	}
}

// normalize gives the columns with equal values made equal bytes.
func (k *Keyer) normalize(cols []*batch.Vector, sel []uint16) []*batch.Vector {
	for c, v := range cols {
		if k.norm[c] == nil {
			k.vecs[c] = v
			continue
		}
		k.scrat[c] = k.norm[c](k.Types[c], v, sel, k.scrat[c])
		k.vecs[c] = k.scrat[c]
	}
	return k.vecs
}

// One makes the key of a row of datums; valid until the Keyer's next use.
func (k *Keyer) One(key []types.Datum) *Keys {
	if k.one == nil {
		k.one = make([]*batch.Vector, len(k.Types))
		for c, t := range k.Types {
			k.one[c] = batch.NewVector(t, 1)
		}
	}
	for c, d := range key {
		k.one[c].Reset()
		k.one[c].AppendDatum(d)
	}
	return k.Keys(k.one, oneRow[:])
}

// oneRow selects the first row.
var oneRow [1]uint16
