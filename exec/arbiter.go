package exec

import (
	"context"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// arbiter finds for the rows of one batch of an INSERT ... ON CONFLICT DO UPDATE the
// rows that have their values of a unique index beside the primary key.
type arbiter struct {
	by    *values
	mine  map[string]bool // values of rows that the statement inserted
	keys  *keySet
	place map[int]int // of a row's values in keys
	found [][]types.Datum
	text  []string // encoded values, by place in keys
}

// arbitrate looks the rows of a batch up.
func (s *writer) arbitrate(b *batch.Batch) error {
	k := s.w.Conflict
	if k == nil || k.Action != plan.DoUpdate || k.Arbiter < 0 {
		return nil
	}
	u := &s.w.Uniques[k.Arbiter]
	if s.arbiter == nil {
		v, err := newValues(u)
		if err != nil {
			return err
		}
		s.arbiter = &arbiter{by: v, mine: map[string]bool{}}
	}
	a := s.arbiter
	cols, sel, err := a.by.of(s.rd.Env, b)
	if err != nil {
		return err
	}
	a.keys, a.place = &keySet{}, map[int]int{}
	for _, i := range sel {
		a.place[int(i)] = a.keys.add(cols, int(i))
	}
	a.text = make([]string, len(a.keys.rows))
	for t, i := range a.keys.at {
		a.text[i] = t
	}
	a.found = make([][]types.Datum, len(a.keys.rows))
	v := view{e: s.e, ctx: context.Background(), rd: s.rd}
	return v.find(byIndex(s.w.Rel, u, a.by), a.keys, func(m match) error {
		a.found[m.key] = m.row
		return nil
	})
}

// row gives the row that has the values of a batch's row, or nil.
func (a *arbiter) row(i int) ([]types.Datum, error) {
	at, ok := a.place[i]
	if !ok {
		return nil, nil
	}
	if a.mine[a.text[at]] {
		return nil, errSecondTime()
	}
	return a.found[at], nil
}

// taken notes that the statement inserts a row with the values of a batch's row.
func (a *arbiter) taken(i int) {
	if at, ok := a.place[i]; ok {
		a.mine[a.text[at]] = true
	}
}

// updateOther is DO UPDATE of a row that has the values of the i-th row of a batch.
func (s *writer) updateOther(b *batch.Batch, i int, old, row []types.Datum) ([]types.Datum, error) {
	was := batch.New(b.Types(), 1)
	was.AppendDatums(old, 1)
	key := string(keyOf(nil, was, s.enc.key, 0))
	now, err := s.resolve(b, i, key, old, row)
	if err != nil || now == nil {
		return nil, err
	}
	is := batch.New(b.Types(), 1)
	is.AppendDatums(now, 1)
	s.seen[key] = &overlayRow{row: now}
	if err := s.move(was, is); err != nil {
		return nil, err
	}
	s.loseRow(old, now)
	return now, nil
}
