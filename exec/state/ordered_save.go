package state

import (
	"encoding/binary"
	"slices"
)

// Save writes what changed since the last Save as records of table id: owner and
// order of arrival as the key, weight and row as the value.
func (o *Ordered) Save(w *Writer, id uint8) error {
	for _, k := range o.tombs {
		w.Delete(id, k.append(nil))
	}
	o.tombs = o.tombs[:0]
	if w.Full() {
		for p := range o.pages {
			o.walkPage(p, func(r Ref) { o.saveNode(w, id, r) })
			o.mem.Relax()
		}
	} else {
		for i, r := range o.dirty {
			if i%relaxEvery == 0 {
				o.mem.Relax()
			}
			if o.head(r).flags&(flagLive|flagDirty) == flagLive|flagDirty {
				o.saveNode(w, id, r)
			}
		}
	}
	o.dirty = o.dirty[:0]
	return w.Err()
}

func (o *Ordered) saveNode(w *Writer, id uint8, r Ref) {
	h, n := o.head(r), o.node(r)
	h.flags = h.flags&^flagDirty | flagSaved
	w.value = binary.LittleEndian.AppendUint64(w.value[:0], uint64(n.weight))
	w.value = append(w.value, o.Row(r)...)
	var key [16]byte
	w.Put(id, nodeKey{n.owner, n.seq}.append(key[:0]), w.value)
}

func (k nodeKey) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(k.owner))
	return binary.LittleEndian.AppendUint64(b, uint64(k.seq))
}

type loadedNode struct {
	weight int64
	row    []byte
}

// LoadRecord takes one record of Save back. After the last one, FinishLoad must
// be called.
func (o *Ordered) LoadRecord(r *Reader) error {
	if len(r.Key) != 16 || !r.Deleted && len(r.Value) < 8 {
		return r.corrupt("row of an ordered multiset")
	}
	k := nodeKey{int64(binary.LittleEndian.Uint64(r.Key)),
		int64(binary.LittleEndian.Uint64(r.Key[8:]))}
	if o.loaded == nil {
		o.loaded = map[nodeKey]loadedNode{}
	}
	if r.Deleted {
		delete(o.loaded, k)
		return nil
	}
	o.loaded[k] = loadedNode{int64(binary.LittleEndian.Uint64(r.Value)),
		slices.Clone(r.Value[8:])}
	return nil
}

// FinishLoad makes the multisets; root gives the address of an owner's root, or
// nil when there is no such owner.
func (o *Ordered) FinishLoad(root func(owner int64) *int64) {
	keys := make([]nodeKey, 0, len(o.loaded))
	for k := range o.loaded {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b nodeKey) int {
		if a.owner != b.owner {
			return int(min(max(a.owner-b.owner, -1), 1))
		}
		return int(min(max(a.seq-b.seq, -1), 1))
	})
	for i, k := range keys {
		if i%relaxEvery == 0 {
			o.mem.Relax()
		}
		p := root(k.owner)
		if p == nil {
			continue
		}
		n := o.loaded[k]
		*p = int64(o.insert(Ref(*p), k.owner, n.row, k.seq, n.weight))
	}
	o.loaded = nil
	for _, r := range o.dirty {
		h := o.head(r)
		h.flags = h.flags&^flagDirty | flagSaved
	}
	o.dirty = o.dirty[:0]
}
