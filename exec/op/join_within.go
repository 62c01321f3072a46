package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// The part of a Join that is bounded in time. A row waits for a partner until time
// has passed its own, the reach of the join to that side, and the grace: then its
// window is closed, and where the kind shows rows without a partner it is given as
// one and forgotten. Others are kept while rows that may still come could be their
// partners. Nothing that was given is taken back (but with Retract): a row that comes
// when its window is closed finds no partner any more, where it matters whether it
// has one.

// passed tells whether the time of the join is more than span behind t.
func (j *Join) passed(t, span int64) bool { return addSat(t, span) < j.marked }

// alone tells whether rows of a side without a partner are given.
func (j *Join) alone(s *joinSide) bool {
	return s.outer || j.cfg.Kind == plan.Anti && s.n == 0
}

// watch notes the times at which a new row must be looked at.
func (j *Join) watch(s *joinSide, r state.Ref) {
	t := s.rows.Whole.Layout().Int(s.rows.Row(r), s.time)
	s.kept.push(t, r, s.rows.Seq(r))
	if j.alone(s) && !j.cfg.Within.Retract {
		s.lonely.push(t, r, s.rows.Seq(r))
	}
}

// inReach gives the rows that may find a partner. The others come too late, or have
// no time: they are given alone at once, or count as late.
func (j *Join) inReach(s *joinSide, b *batch.Batch, sel []uint16) ([]uint16, error) {
	v, span := b.Cols[s.time], j.keep
	if s.counts {
		span = s.reach
	}
	n := 0
	for _, r := range sel {
		if !v.IsNull(int(r)) && !j.passed(v.I64[v.Row(int(r))], span) {
			n++
		}
	}
	if n == len(sel) {
		return sel, nil
	}
	some, rest := make([]uint16, 0, n), make([]uint16, 0, len(sel)-n)
	for _, r := range sel {
		if !v.IsNull(int(r)) && !j.passed(v.I64[v.Row(int(r))], span) {
			some = append(some, r)
		} else {
			rest = append(rest, r)
		}
	}
	if j.alone(s) {
		return some, j.emitAlone(s, b, rest)
	}
	j.late += int64(len(rest))
	return some, nil
}

// expire gives the rows whose windows closed without a partner, those of both
// sides in the order of their time, and forgets what nobody can need.
func (j *Join) expire() error {
	l, r := j.side[0], j.side[1]
	for {
		s := l
		if !j.due(l) || j.due(r) && r.lonely.next() < l.lonely.next() {
			s = r
		}
		if !j.due(s) {
			break
		}
		x := s.lonely.pop()
		if !s.rows.is(x) || *s.rows.User(x.ref, joinPartners) > 0 {
			continue
		}
		if err := j.emitKept(s, s.rows, x.ref, *s.rows.Weight(x.ref)); err != nil {
			return err
		}
		s.rows.Delete(x.ref)
	}
	for _, s := range j.side {
		for s.kept.len() > 0 && j.passed(s.kept.next(), j.keep) {
			if x := s.kept.pop(); s.rows.is(x) {
				s.rows.Delete(x.ref)
			}
		}
	}
	return nil
}

// due tells whether the window of some lonely row is closed.
func (j *Join) due(s *joinSide) bool {
	return s.lonely.len() > 0 && j.passed(s.lonely.next(), s.reach)
}

// is tells whether a row is still the one that was noted.
func (m *joinRows) is(x expiring) bool { return m.Rows.Live(x.ref) && m.Seq(x.ref) == x.seq }
