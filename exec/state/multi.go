package state

import (
	"slices"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Multi is a multiset of rows, each found by its whole value (for retraction)
// and by a key (for joins), with words for the caller's counters.
type Multi struct {
	Keys  *Table // two words: the first and the last row of the key's chain
	Rows  *Table // whole rows: the words below, then the caller's
	Keyer *Keyer // of Keys
	Whole *Keyer // of Rows
	seq   int64
	// loaded keeps the loads of Heads from being optimised away.
	loaded uint32
}

// Words of a row of a Multi.
const (
	multiWeight = iota // sum of weights
	multiLinks         // next and previous row of the key
	multiOwner         // entry of the key
	multiSeq           // order of arrival, so that chains can be made again
	multiUser          // first of the caller's words
)

// NewMulti makes an empty store of rows with the given column types, keyed by
// columns of types keys, with user words per row.
func NewMulti(mem *Memory, row, keys []types.Type, user int) *Multi {
	m := &Multi{Keyer: NewKeyer(keys), Whole: NewRowKeyer(row)}
	m.Keys = NewTable(mem, m.Keyer, 2)
	m.Rows = NewTable(mem, m.Whole, multiUser+user)
	return m
}

// Len gives the number of different rows.
func (m *Multi) Len() int { return m.Rows.Len() }

// Bytes gives the memory held.
func (m *Multi) Bytes() int64 { return m.Keys.Bytes() + m.Rows.Bytes() }

// Close gives the memory back.
func (m *Multi) Close() { m.Keys.Close(); m.Rows.Close() }

// Weight gives the address of a row's weight.
func (m *Multi) Weight(r Ref) *int64 { return m.Rows.Word(r, multiWeight) }

// User gives the address of the caller's word i of a row.
func (m *Multi) User(r Ref, i int) *int64 { return m.Rows.Word(r, multiUser+i) }

// Seq gives a row's order of arrival.
func (m *Multi) Seq(r Ref) int64 { return *m.Rows.Word(r, multiSeq) }

// Row gives a row's bytes in the layout of Whole.
func (m *Multi) Row(r Ref) []byte { return m.Rows.KeyBytes(r) }

// AppendRow appends a row's columns to vectors.
func (m *Multi) AppendRow(r Ref, cols []*batch.Vector) {
	m.Whole.layout.Decode(m.Rows.KeyBytes(r), cols)
}

// Head gives the first row of a key's chain, oldest first; 0 for key 0.
func (m *Multi) Head(key Ref) Ref {
	if key == 0 {
		return 0
	}
	return Ref(*m.Keys.Word(key, 0))
}

// Heads gives the first rows of keys' chains, 0 for key 0, and touches them: the
// loads of all of them overlap, where a join that went from key to row one by one
// would wait for each (half of its time, at a hundred thousand rows).
func (m *Multi) Heads(keys, out []Ref) {
	for i, k := range keys {
		out[i] = m.Head(k)
	}
	sum := uint32(0)
	for _, r := range out {
		if r != 0 {
			sum += m.Rows.head(r).keyLen + uint32(*m.Rows.Word(r, multiOwner))
		}
	}
	m.loaded = sum
}

// Next gives the row after r in its chain.
func (m *Multi) Next(r Ref) Ref { return Ref(*m.Rows.Word(r, multiLinks) >> 32) }

func (m *Multi) prev(r Ref) Ref { return Ref(uint32(*m.Rows.Word(r, multiLinks))) }

func (m *Multi) setLinks(r, next, prev Ref) {
	*m.Rows.Word(r, multiLinks) = int64(next)<<32 | int64(prev)
}

// IsNew tells whether a row was just inserted by Rows.Probe and not yet linked.
func (m *Multi) IsNew(r Ref) bool { return *m.Rows.Word(r, multiSeq) == 0 }

// Link puts a new row at the end of a key's chain; key 0 leaves it out of all
// chains.
func (m *Multi) Link(r, key Ref) {
	m.seq++
	*m.Rows.Word(r, multiSeq) = m.seq
	m.link(r, key)
}

func (m *Multi) link(r, key Ref) {
	*m.Rows.Word(r, multiOwner) = int64(key)
	if key == 0 {
		m.setLinks(r, 0, 0)
		return
	}
	last := Ref(*m.Keys.Word(key, 1))
	m.setLinks(r, 0, last)
	if last != 0 {
		m.setLinks(last, r, m.prev(last))
	} else {
		*m.Keys.Word(key, 0) = int64(r)
	}
	*m.Keys.Word(key, 1) = int64(r)
}

// Delete takes a row out, and its key when it was the last one.
func (m *Multi) Delete(r Ref) {
	key := Ref(*m.Rows.Word(r, multiOwner))
	if key != 0 {
		m.unlink(r, key)
	}
	m.Rows.Delete(r)
}

func (m *Multi) unlink(r, key Ref) {
	next, prev := m.Next(r), m.prev(r)
	switch {
	case next == 0 && prev == 0:
		m.Keys.Delete(key)
		return
	case prev == 0:
		*m.Keys.Word(key, 0) = int64(next)
	default:
		m.setLinks(prev, next, m.prev(prev))
	}
	if next == 0 {
		*m.Keys.Word(key, 1) = int64(prev)
	} else {
		m.setLinks(next, m.Next(next), prev)
	}
}

// Save writes the rows that changed as records of table id. Chains are not
// written: Load makes them again.
func (m *Multi) Save(w *Writer, id uint8) error { return m.Rows.Save(w, id) }

// LoadRecord takes one record of Save back. After the last one, Relink must be
// called.
func (m *Multi) LoadRecord(r *Reader) error {
	_, err := m.Rows.LoadRecord(r)
	return err
}

// Relink makes the chains after loading. keys gives the key columns of a batch of
// rows; rows whose key has a NULL are in no chain unless nullKeys.
func (m *Multi) Relink(keys func(b *batch.Batch) ([]*batch.Vector, error), nullKeys bool) error {
	refs := m.InOrder()
	b := batch.New(m.Whole.Types, batch.MaxRows)
	sel := make([]uint16, 0, batch.MaxRows)
	owners := make([]Ref, batch.MaxRows)
	for len(refs) > 0 {
		m.Rows.mem.Relax()
		n := min(len(refs), batch.MaxRows)
		b.Reset()
		sel = sel[:0]
		for i, r := range refs[:n] {
			m.AppendRow(r, b.Cols)
			sel = append(sel, uint16(i))
		}
		b.N = n
		cols, err := keys(b)
		if err != nil {
			return err
		}
		k := m.Keyer.Keys(cols, sel)
		m.relinkKeys(k, refs[:n], owners, nullKeys)
		refs = refs[n:]
	}
	return nil
}

// RelinkNone is Relink for rows that are in no chain.
func (m *Multi) RelinkNone() error {
	return m.Rows.Scan(func(r Ref) error {
		m.seq = max(m.seq, m.Seq(r))
		m.link(r, 0)
		return nil
	})
}

func (m *Multi) relinkKeys(k *Keys, refs, owners []Ref, nullKeys bool) {
	for i, r := range refs {
		owners[i] = 0
		if nullKeys || !k.IsNull(i) {
			owners[i] = m.Keys.find(k, i, true)
		}
		m.seq = max(m.seq, m.Seq(r))
		m.link(r, owners[i])
	}
}

// InOrder lists all rows in the order of arrival.
func (m *Multi) InOrder() []Ref {
	refs := make([]Ref, 0, m.Len())
	_ = m.Rows.Scan(func(r Ref) error {
		refs = append(refs, r)
		return nil
	})
	slices.SortFunc(refs, func(a, b Ref) int { return int(m.Seq(a) - m.Seq(b)) })
	return refs
}
