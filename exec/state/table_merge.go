package state

import "bytes"

// FindKeyOf finds the entry that has the key of entry r of another table with the
// same Keyer, 0 when there is none.
func (t *Table) FindKeyOf(o *Table, r Ref) Ref {
	if t.n == 0 {
		return 0
	}
	key, keyLen := o.KeyBytes(r), o.head(r).keyLen
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
