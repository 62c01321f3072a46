package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// SetOpConfig describes a SetOp. UNION ALL is a Union instead.
type SetOpConfig struct {
	Kind  plan.SetOpKind
	All   bool
	Types []types.Type
}

// SetOp is UNION, INTERSECT [ALL] and EXCEPT [ALL] by counting how often a row is
// in the first input and in the others; with one input and Union it is DISTINCT.
// Rows are equal as in GROUP BY; the one that came first stands for all.
type SetOp struct {
	cfg     SetOpConfig
	keyer   *state.Keyer
	rows    *state.Table
	out     *builder
	refs    []state.Ref
	touched []state.Ref
}

// Words of a row.
const (
	setLeft  = iota // count in port 0
	setRight        // count in the other ports
	setGiven        // count that was given
	setWords
)

// NewSetOp makes a SetOp.
func NewSetOp(ctx *Context, cfg SetOpConfig, out Sink) *SetOp {
	k := state.NewKeyer(cfg.Types)
	return &SetOp{cfg: cfg, keyer: k, rows: state.NewTable(ctx.Mem, k, setWords),
		out: newBuilder(cfg.Types, out)}
}

// NewDistinct makes a SetOp that removes duplicates of one input.
func NewDistinct(ctx *Context, ts []types.Type, out Sink) *SetOp {
	return NewSetOp(ctx, SetOpConfig{Kind: plan.Union, Types: ts}, out)
}

// Push implements Op.
func (s *SetOp) Push(in int, b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	s.refs = grow(s.refs, len(sel))
	s.rows.Probe(s.keyer.Keys(b.Cols, sel), s.refs, true)
	word := min(in, 1)
	for k, r := range s.refs {
		*s.rows.Word(r, word) += int64(b.Weight(int(sel[k])))
		s.touched, _ = s.rows.Mark(r, s.touched)
	}
	return nil
}

// want gives how often a row is to be in the result.
func (s *SetOp) want(l, r int64) int64 {
	n := int64(0)
	switch s.cfg.Kind {
	case plan.Union:
		n = l + r
	case plan.Intersect:
		n = min(l, r)
	case plan.Except:
		n = l - r
		if !s.cfg.All && r > 0 {
			n = 0
		}
	}
	if !s.cfg.All {
		n = min(n, 1)
	}
	return max(n, 0)
}

// EndEpoch implements Op.
func (s *SetOp) EndEpoch(e Epoch) error {
	for _, ref := range s.touched {
		l, r := *s.rows.Word(ref, setLeft), *s.rows.Word(ref, setRight)
		if l < 0 || r < 0 {
			return errNegative("set operation", e)
		}
		given := s.rows.Word(ref, setGiven)
		want := s.want(l, r)
		if d := want - *given; d != 0 {
			*given = want
			s.rows.AppendKey(ref, s.out.cols())
			if err := s.out.endWide(d); err != nil {
				return err
			}
		}
		if l == 0 && r == 0 {
			s.rows.Delete(ref)
		}
	}
	s.touched = s.touched[:0]
	return s.out.flush()
}

// Save implements Op.
func (s *SetOp) Save(w *state.Writer) error { return s.rows.Save(w, 1) }

// Load implements Op.
func (s *SetOp) Load(r *state.Reader) error {
	for r.Next() {
		if _, err := s.rows.LoadRecord(r); err != nil {
			return err
		}
	}
	return r.Err()
}

// Memory implements Op.
func (s *SetOp) Memory() Usage {
	return Usage{Bytes: s.rows.Bytes(), Rows: int64(s.rows.Len())}
}

// Close implements Op.
func (s *SetOp) Close() { s.rows.Close() }
