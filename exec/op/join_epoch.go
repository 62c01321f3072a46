package op

import (
	"encoding/binary"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// EndEpoch implements Op.
func (j *Join) EndEpoch(e Epoch) error {
	for _, s := range j.side {
		for _, m := range []*joinRows{s.rows, s.nulls} {
			if m == nil {
				continue
			}
			for i, r := range m.touched {
				if i%relaxEvery == 0 {
					j.ctx.Mem.Relax()
				}
				if err := j.settle(s, m, r, e); err != nil {
					return err
				}
			}
			m.touched = m.touched[:0]
		}
	}
	if w := j.cfg.Within; w != nil {
		j.marked = max(j.marked, e.Watermark)
		if w.Front {
			j.marked = max(j.marked, e.Front)
		}
		if err := j.expire(); err != nil {
			return err
		}
	}
	return j.out.flush()
}

// settle gives what changed for a row that depends on its partners.
func (j *Join) settle(s *joinSide, m *joinRows, r state.Ref, e Epoch) error {
	weight := *m.Weight(r)
	if weight < 0 {
		return errNegative("join", e)
	}
	var err error
	if j.cfg.Kind == plan.Mark {
		err = j.settleMark(m, r, weight)
	} else if s.time < 0 || j.cfg.Kind == plan.Semi || j.cfg.Within.Retract {
		given := m.User(r, joinGiven)
		want := j.want(s, m, r, weight)
		d := want - *given
		*given = want
		if d != 0 {
			err = j.emitKept(s, m, r, d)
		}
	}
	if weight == 0 {
		m.Delete(r)
	}
	return err
}

// want gives the weight with which a row is to stand in the output without
// partner columns.
func (j *Join) want(s *joinSide, m *joinRows, r state.Ref, weight int64) int64 {
	partners := *m.User(r, joinPartners) > 0
	switch {
	case j.cfg.Kind == plan.Semi:
		if partners {
			return weight
		}
		return 0
	case partners, j.unknown && *m.User(r, joinUnknown) > 0:
		return 0
	}
	return weight
}

// emitKept gives a kept row, padded with NULLs in outer joins.
func (j *Join) emitKept(s *joinSide, m *joinRows, r state.Ref, w int64) error {
	mine, theirs := j.outSides(s)
	m.AppendRow(r, mine)
	for _, v := range theirs {
		v.AppendNull()
	}
	return j.out.endWide(w)
}

// The marks of Mark joins, as they are kept with the given weight.
const (
	markFalse = iota
	markTrue
	markNull
	markBits = 2
)

// settleMark gives a row with its new mark in place of the old one.
func (j *Join) settleMark(m *joinRows, r state.Ref, weight int64) error {
	given := m.User(r, joinGiven)
	oldMark, oldWeight := *given&(1<<markBits-1), *given>>markBits
	mark := int64(markFalse)
	switch {
	case *m.User(r, joinPartners) > 0:
		mark = markTrue
	case *m.User(r, joinUnknown) > 0:
		mark = markNull
	}
	*given = weight<<markBits | mark
	if mark == oldMark {
		return j.emitMark(m, r, mark, weight-oldWeight)
	}
	if err := j.emitMark(m, r, oldMark, -oldWeight); err != nil {
		return err
	}
	return j.emitMark(m, r, mark, weight)
}

func (j *Join) emitMark(m *joinRows, r state.Ref, mark, w int64) error {
	if w == 0 {
		return nil
	}
	cols := j.out.cols()
	n := len(cols) - 1
	m.AppendRow(r, cols[:n])
	if mark == markNull {
		cols[n].AppendNull()
	} else {
		cols[n].AppendBool(mark == markTrue)
	}
	return j.out.endWide(w)
}

// Tables of a join's records: the rows of each side.
const (
	saveJoinMeta  = 0
	saveJoinLeft  = 1 // right: the next one
	saveJoinNulls = 3 // right: the next one
)

// Save implements Op.
func (j *Join) Save(w *state.Writer) error {
	meta := binary.LittleEndian.AppendUint64(nil, uint64(j.marked))
	w.Put(saveJoinMeta, nil, binary.LittleEndian.AppendUint64(meta, uint64(j.late)))
	for n, s := range j.side {
		if err := s.rows.Save(w, saveJoinLeft+uint8(n)); err != nil {
			return err
		}
		if s.nulls == nil {
			continue
		}
		if err := s.nulls.Save(w, saveJoinNulls+uint8(n)); err != nil {
			return err
		}
	}
	return w.Err()
}

// Load implements Op.
func (j *Join) Load(r *state.Reader) error {
	for r.Next() {
		var err error
		switch {
		case r.ID == saveJoinMeta && len(r.Value) == 16:
			j.marked = int64(binary.LittleEndian.Uint64(r.Value))
			j.late = int64(binary.LittleEndian.Uint64(r.Value[8:]))
		case r.ID == saveJoinLeft || r.ID == saveJoinLeft+1:
			err = j.side[r.ID-saveJoinLeft].rows.LoadRecord(r)
		case j.unknown && (r.ID == saveJoinNulls || r.ID == saveJoinNulls+1):
			err = j.side[r.ID-saveJoinNulls].nulls.LoadRecord(r)
		default:
			err = errRecord
		}
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	for _, s := range j.side {
		if err := j.relink(s); err != nil {
			return err
		}
	}
	return nil
}

// relink makes the chains and the heap of a side again.
func (j *Join) relink(s *joinSide) error {
	err := s.rows.Relink(func(b *batch.Batch) ([]*batch.Vector, error) {
		return s.keys.Eval(j.ctx.Env, b)
	}, false)
	if err != nil {
		return err
	}
	if s.nulls != nil {
		if err := s.nulls.RelinkNone(); err != nil {
			return err
		}
	}
	if s.time < 0 {
		return nil
	}
	for _, r := range s.rows.InOrder() {
		j.watch(s, r)
	}
	return nil
}
