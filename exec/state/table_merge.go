package state

import (
	"bytes"

	"github.com/millracedb/millrace/sql/batch"
)

// FindKeyOf finds the entry that has the key of entry r of another table with the
// same Keyer, 0 when there is none.
func (t *Table) FindKeyOf(o *Table, r Ref) Ref {
	if t.n == 0 {
		return 0
	}
	keyLen := o.head(r).keyLen
	if t.keyer.form == keyInt && keyLen == 8 {
		return t.findInt(*o.word(r, o.words))
	}
	key := o.KeyBytes(r)
	tag := tagOf(o.hashOf(r))
	s := t.idx.sub(tag)
	for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
		x := Ref(s.slots[j])
		if uint32(s.slots[j]>>32) == tag && t.head(x).keyLen == keyLen &&
			bytes.Equal(t.KeyBytes(x), key) {
			return x
		}
	}
	return 0
}

// findInt finds the entry of a key that is one integer.
func (t *Table) findInt(key int64) Ref {
	tag := tagOf(hashInt(key))
	s := t.idx.sub(tag)
	for j := tag & s.mask; s.slots[j] != 0; j = (j + 1) & s.mask {
		x := Ref(s.slots[j])
		if uint32(s.slots[j]>>32) == tag && t.head(x).keyLen == 8 && *t.word(x, t.words) == key {
			return x
		}
	}
	return 0
}

// KeyLength gives the bytes of the keys of entries together.
func (t *Table) KeyLength(refs []Ref) int {
	if t.keyer.form == keyInt {
		return 8 * len(refs)
	}
	n := 0
	for _, r := range refs {
		n += int(t.head(r).keyLen &^ nullKey)
	}
	return n
}

// AppendKeys is AppendKey of entries.
func (t *Table) AppendKeys(refs []Ref, cols []*batch.Vector) {
	for i, r := range refs {
		if t.keyer.form != keyInt || t.head(r).keyLen != 8 || cols[0].Valid != nil {
			for _, r := range refs[i:] {
				t.AppendKey(r, cols)
			}
			return
		}
		cols[0].I64 = append(cols[0].I64, *t.word(r, t.words))
	}
}

// AddKeyOf is FindKeyOf that makes an entry with zero words where there is none.
func (t *Table) AddKeyOf(o *Table, r Ref) Ref {
	if x := t.FindKeyOf(o, r); x != 0 {
		return x
	}
	var raw []byte
	if o.head(r).flags&flagRaw != 0 {
		raw = o.keyRow(r)
	}
	return t.addBytes(o.KeyBytes(r), raw, o.head(r).keyLen, o.hashOf(r))
}

// Marked tells whether Mark put an entry in a list.
func (t *Table) Marked(r Ref, list []Ref) bool {
	h := t.head(r)
	return int(h.touch) < len(list) && list[h.touch] == r
}
