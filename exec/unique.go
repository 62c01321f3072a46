package exec

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// place is a row that a statement writes: its change and the row in it.
type place struct{ change, row int }

// unique refuses rows that have the values of a unique index which another row has: one
// of the statement, or one that exists. A first look compares hashes of the statement's
// rows with each other and asks the index; only where that finds something are the rows
// compared one by one.
func (r *rules) unique(s *writer) error {
	if len(s.changes) == 0 {
		return nil
	}
	for i := range s.w.Uniques {
		u := &s.w.Uniques[i]
		v, err := newValues(u)
		if err != nil {
			return err
		}
		clean, err := r.clean(s, u, v)
		if err != nil {
			return err
		}
		if clean {
			continue
		}
		if err := r.compare(s, u, v); err != nil {
			return err
		}
	}
	return nil
}

// clean announces the values of a writer's rows and tells whether they are certainly
// unique.
func (r *rules) clean(s *writer, u *plan.Index, v *values) (bool, error) {
	rel, changed, err := r.e.sourceOf(r.rd, s.w.Rel)
	if err != nil {
		return false, err
	}
	var x *index
	var epoch log.Epoch
	if changed == nil {
		epoch = r.rd.Point.at(rel)
		x = rel.index(u.OID, epoch)
	}
	clean := x != nil && r.written(s.w.Rel.OID) == nil && len(r.parts) == 1
	var seen map[uint64]struct{}
	if n := s.fresh(); n > 1 {
		seen = make(map[uint64]struct{}, n)
	}
	for _, c := range s.changes {
		if c.ops != nil && s.w.Kind == plan.Delete {
			continue
		}
		cols, sel, err := v.of(s.rd.Env, c.b)
		if err != nil {
			return false, err
		}
		for _, row := range sel {
			if c.ops != nil && c.ops[row] == byte(codec.OpDelete) {
				clean = false
				continue
			}
			var h uint64
			h, s.enc.buf = codec.HashKey(cols, int(row), s.enc.buf)
			s.unique = append(s.unique, uniqueKey(s, u, h))
			if !clean {
				continue
			}
			if seen != nil {
				if _, twice := seen[h]; twice {
					clean = false
				}
				seen[h] = struct{}{}
			}
		}
		if clean {
			if clean, err = x.free(epoch, s, c.b, cols, sel); err != nil {
				return false, err
			}
		}
	}
	return clean, nil
}

// fresh counts the rows of a writer.
func (s *writer) fresh() int {
	n := 0
	for _, c := range s.changes {
		n += c.b.Rows()
	}
	return n
}

// uniqueKey announces the values of a row, so that of two transactions that write the
// same ones the second is refused or tried again.
func uniqueKey(s *writer, u *plan.Index, h uint64) log.Key {
	if h = h*0x9e3779b97f4a7c15 + uint64(u.OID); h == 0 {
		h = 1
	}
	return log.Key{Stream: log.StreamID(s.w.Rel.OID), Hash: h}
}

// free tells whether no other row has the values of a batch's rows.
func (x *index) free(epoch log.Epoch, s *writer, b *batch.Batch, cols []*batch.Vector,
	sel []uint16) (bool, error) {
	clean, n := true, len(x.def.Types)
	layout := x.arr.Layout()
	found := batch.New(x.arr.Types(), 1)
	var mine, theirs []byte
	err := x.arr.Find(uint64(epoch), cols, sel, func(i int, row []byte) {
		if !clean {
			return
		}
		found.Reset()
		layout.Decode(row, found.Cols)
		mine = keyOf(mine, b, s.enc.key, int(sel[i]))
		theirs = encodeKey(theirs, found.Cols[n:], 0)
		clean = string(mine) == string(theirs)
	})
	if errors.Is(err, state.ErrFull) {
		return false, errStateFull(err)
	}
	return clean, translate(err)
}

// compare compares a writer's rows with all others one by one.
func (r *rules) compare(s *writer, u *plan.Index, v *values) error {
	r.overlaid()
	keys := &keySet{}
	var at []place // by key
	var bad []place
	err := r.fresh(s, func(k int, b *batch.Batch, sel []uint16) error {
		in := *b
		in.Sel = sel
		cols, sel, err := v.of(s.rd.Env, &in)
		if err != nil {
			return err
		}
		for _, row := range sel {
			if !r.last(s, b, k, int(row)) {
				continue
			}
			if i := keys.add(cols, int(row)); i == len(at) {
				at = append(at, place{k, int(row)})
			} else {
				bad = append(bad, place{k, int(row)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l := byIndex(s.w.Rel, u, v)
	err = r.find(l, keys, func(m match) error {
		p := at[m.key]
		pk := keyOf(nil, s.changes[p.change].b, s.enc.key, p.row)
		if m.pk != string(pk) && !r.isOwn(s, m.pk) {
			bad = append(bad, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// What is found comes in no order: the first row of the statement is named.
	slices.SortFunc(bad, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.change, b.change), cmp.Compare(a.row, b.row))
	})
	for i, p := range bad {
		if i > 0 && bad[i-1] == p {
			continue
		}
		if err := s.violates(u, v, p); err != nil {
			return err
		}
	}
	return nil
}

// isOwn tells whether a row was written by this very writer: equal values among its own
// rows have been found already.
func (r *rules) isOwn(s *writer, pk string) bool {
	return s.ownKeys()[pk]
}

// ownKeys are the keys of the rows that a writer writes.
func (s *writer) ownKeys() map[string]bool {
	if s.keys == nil {
		s.keys = map[string]bool{}
		for _, c := range s.changes {
			for _, i := range rowsOf(c.b) {
				s.keys[string(keyOf(nil, c.b, s.enc.key, int(i)))] = true
			}
		}
	}
	return s.keys
}

// last tells whether a row is the last one that its writer writes under its key.
func (r *rules) last(s *writer, b *batch.Batch, change, row int) bool {
	if s.lastAt == nil {
		s.lastAt = map[string]place{}
		for k, c := range s.changes {
			for _, i := range rowsOf(c.b) {
				s.lastAt[string(keyOf(nil, c.b, s.enc.key, int(i)))] = place{k, int(i)}
			}
		}
	}
	return s.lastAt[string(keyOf(nil, b, s.enc.key, row))] == place{change, row}
}

// violates is the error about a row; ON CONFLICT DO NOTHING takes the row out instead.
func (s *writer) violates(u *plan.Index, v *values, at place) error {
	c := &s.changes[at.change]
	if s.passes(u) {
		c.b.Sel = withoutRow(c.b, at.row)
		if s.ret != nil {
			s.returned[at.change].Sel = withoutRow(s.returned[at.change], at.row)
		}
		s.rows--
		return nil
	}
	cols, _, err := v.of(s.rd.Env, c.b)
	if err != nil {
		return err
	}
	e := sqlerr.New(sqlerr.UniqueViolation, "duplicate key value violates unique constraint %q",
		u.Name).WithDetail("Key (%s)=(%s) already exists.", strings.Join(u.Labels, ", "),
		s.texts(cols, at.row))
	e.Schema, e.Table, e.Constraint = s.w.Rel.Schema, s.w.Rel.Name, u.Name
	return e
}

// passes tells whether ON CONFLICT DO NOTHING minds an index.
func (s *writer) passes(u *plan.Index) bool {
	k := s.w.Conflict
	if k == nil || k.Action != plan.DoNothing {
		return false
	}
	return k.Any || k.Arbiter >= 0 && s.w.Uniques[k.Arbiter].OID == u.OID
}

func (s *writer) texts(cols []*batch.Vector, row int) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = s.text(c, row)
	}
	return strings.Join(parts, ", ")
}

// withoutRow gives the rows of a batch that count but one.
func withoutRow(b *batch.Batch, row int) []uint16 {
	out := make([]uint16, 0, b.Rows())
	for _, r := range rowsOf(b) {
		if int(r) != row {
			out = append(out, r)
		}
	}
	return out
}
