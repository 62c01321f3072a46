package exec

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// place is a row that a statement writes: its change and the row in it.
type place struct{ change, row int }

// unique refuses rows that have the values of a unique constraint which another row has:
// one of this statement, or one that exists. The table is read for it, once a statement;
// two transactions that write equal values are told apart by the keys of uniqueKeys.
func (s *writer) unique(ctx context.Context) error {
	if len(s.w.Uniques) == 0 || len(s.changes) == 0 {
		return nil
	}
	live := s.writtenRows()
	for i := range s.w.Uniques {
		u := &s.w.Uniques[i]
		mine := map[string]place{}
		var bad []place
		for k, c := range s.changes {
			for _, r := range rowsOf(c.b) {
				at := place{k, int(r)}
				if live[string(keyOf(nil, c.b, s.enc.key, at.row))] != at {
					continue // deleted, or written again later
				}
				key, ok := uniqueKey(c.b, u.Columns, at.row)
				if !ok {
					continue
				}
				if _, twice := mine[key]; twice {
					bad = append(bad, at)
					continue
				}
				mine[key] = at
			}
		}
		bad, err := s.others(ctx, u, live, mine, bad)
		if err != nil {
			return err
		}
		// The table is read in no order: the first row of the statement is named.
		slices.SortFunc(bad, func(a, b place) int {
			return cmp.Or(cmp.Compare(a.change, b.change), cmp.Compare(a.row, b.row))
		})
		for _, at := range bad {
			if err := s.violates(u, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// writtenRows gives for each key that the statement wrote where its last row stands;
// change -1: it is deleted.
func (s *writer) writtenRows() map[string]place {
	live := map[string]place{}
	for k, c := range s.changes {
		for _, r := range rowsOf(c.b) {
			at := place{k, int(r)}
			if c.ops != nil && c.ops[r] == byte(codec.OpDelete) {
				at.change = -1
			}
			live[string(keyOf(nil, c.b, s.enc.key, int(r)))] = at
		}
	}
	return live
}

// uniqueKey encodes the values of a constraint; a row with a NULL among them is equal to
// no other one.
func uniqueKey(b *batch.Batch, cols []int, row int) (string, bool) {
	for _, c := range cols {
		if b.Cols[c].IsNull(row) {
			return "", false
		}
	}
	return string(keyOf(nil, b, cols, row)), true
}

// others adds the rows whose values are among those that exist and stay.
func (s *writer) others(ctx context.Context, u *plan.Unique, live, mine map[string]place,
	bad []place) ([]place, error) {
	if len(mine) == 0 {
		return bad, nil
	}
	n := &plan.Scan{Rel: s.w.Rel}
	add := func(pos []int) (at []int) {
		for _, p := range pos {
			o := s.enc.layout[p]
			at = append(at, len(n.Columns))
			n.Columns = append(n.Columns, o)
			n.Out = append(n.Out, plan.Column{Name: s.w.Rel.Columns[o].Name,
				Type: s.w.Rel.Columns[o].Type})
		}
		return at
	}
	key, cols := add(s.enc.key), add(u.Columns)
	err := s.e.runNode(ctx, s.rd, n, func(b *batch.Batch) error {
		for _, r := range rowsOf(b) {
			values, ok := uniqueKey(b, cols, int(r))
			at, same := mine[values]
			if !ok || !same {
				continue
			}
			if _, written := live[string(keyOf(nil, b, key, int(r)))]; written {
				continue
			}
			bad = append(bad, at)
		}
		return nil
	})
	return bad, err
}

// violates is the error about a row; ON CONFLICT DO NOTHING takes the row out instead.
func (s *writer) violates(u *plan.Unique, at place) error {
	c := &s.changes[at.change]
	if s.w.Conflict != nil && s.w.Conflict.Action == plan.DoNothing {
		c.b.Sel = withoutRow(c.b, at.row)
		if s.ret != nil {
			s.returned[at.change].Sel = withoutRow(s.returned[at.change], at.row)
		}
		s.rows--
		return nil
	}
	var names, values []string
	for _, p := range u.Columns {
		names = append(names, s.w.Rel.Columns[s.enc.layout[p]].Name)
		values = append(values, s.text(c.b.Cols[p], at.row))
	}
	e := sqlerr.New(sqlerr.UniqueViolation, "duplicate key value violates unique constraint %q",
		u.Name).WithDetail("Key (%s)=(%s) already exists.", strings.Join(names, ", "),
		strings.Join(values, ", "))
	e.Schema, e.Table, e.Constraint = s.w.Rel.Schema, s.w.Rel.Name, u.Name
	return e
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

// uniqueKeys announces the values of unique constraints, so that of two transactions
// that write the same ones the second is refused or tried again.
func (s *writer) uniqueKeys() []log.Key {
	var out []log.Key
	for i := range s.w.Uniques {
		u := &s.w.Uniques[i]
		for _, c := range s.changes {
			cols := make([]*batch.Vector, len(u.Columns))
			for k, p := range u.Columns {
				cols[k] = c.b.Cols[p]
			}
			for _, r := range rowsOf(c.b) {
				var h uint64
				h, s.enc.buf = codec.HashKey(cols, int(r), s.enc.buf)
				out = append(out, log.Key{Stream: log.StreamID(s.w.Rel.OID),
					Hash: h*0x9e3779b97f4a7c15 + uint64(u.OID)})
			}
		}
	}
	return out
}
