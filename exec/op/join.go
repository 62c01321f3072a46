package op

import (
	"math"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// JoinConfig describes a Join: ports 0 (left) and 1 (right).
type JoinConfig struct {
	Kind        plan.JoinKind
	Left, Right []types.Type
	// LeftKeys and RightKeys are over the one side's columns, of equal types; none
	// make a nested-loop join.
	LeftKeys, RightKeys []expr.Expr
	// Residual is over left columns, then right columns; nil is true.
	Residual expr.Expr
	// Within bounds a stream-stream join in time; state is then dropped when the
	// watermark passes, and rows without a partner are given at that moment.
	Within *plan.Within
	// RightFirst says, in bounded executions, that all right rows are pushed
	// before the first left row.
	RightFirst bool
}

// Join keeps both sides and gives the changes of their join, for any weights:
// a change of one side meets the rows of the other as they are, then becomes one
// of its own side's rows.
//
// Rows of pairs are given at once, which is right in any order because the join
// is linear in each side. What depends on whether there is a partner (outer, semi,
// anti and mark joins) is given at the end of the epoch from counts of partners,
// so that a partner that comes in the same epoch leaves no trace.
type Join struct {
	ctx      *Context
	cfg      JoinConfig
	out      *builder
	side     [2]*joinSide
	residual *expr.Program
	pairs    bool // the kind gives pairs
	unknown  bool // the kind tells unknown from false (AntiNull, Mark)
	cand     candidates
	marked   int64 // Within: the time of the last epoch
	keep     int64 // Within: how long after its time a row is kept
	late     int64
}

// joinSide is one input and its rows.
type joinSide struct {
	n       int // 0 left, 1 right
	types   []types.Type
	keys    *expr.Program
	again   *expr.Program // keys once more, for use between Eval of keys and the end of Push
	rows    *joinRows
	nulls   *joinRows // rows with a NULL key, where the kind must know them
	counts  bool      // rows have the words below
	outer   bool      // rows without a partner are given with NULLs
	time    int       // Within: ordinal; -1 without
	reach   int64     // Within: how long after its time a row waits for a partner
	lonely  expiry    // Within: rows that are given when none came; by time
	kept    expiry    // Within: all rows, by time
	refs    []state.Ref
	own     []state.Ref
	other   []state.Ref // per pushed row, the first of the other side's rows
	sel     []uint16
	nullSel []uint16
	fresh   []bool // per pushed row: it was not there before
}

// joinRows are kept rows.
type joinRows struct {
	*state.Multi
	touched []state.Ref // counting rows that changed in the epoch
	zero    []state.Ref // rows that do not count whose weight came to 0
}

// Words of a row of a side that counts.
const (
	joinPartners = iota // sum of the weights of partners
	joinUnknown         // the same for partners of which NULL says neither yes nor no
	joinGiven           // weight that was given, by kind; of Mark with the mark
	joinWords
)

// NewJoin makes a Join, or for bounded executions a HashJoin.
func NewJoin(ctx *Context, cfg JoinConfig, out Sink) (Op, error) {
	ts := append([]types.Type(nil), cfg.Left...)
	switch {
	case givesPairs(cfg.Kind):
		ts = append(ts, cfg.Right...)
	case cfg.Kind == plan.Mark:
		ts = append(ts, boolType)
	}
	if ctx.Bounded {
		return newHashJoin(ctx, cfg, ts, out)
	}
	return newJoin(ctx, cfg, ts, out)
}

// givesPairs tells whether a kind of join gives rows of both sides.
func givesPairs(k plan.JoinKind) bool {
	return k == plan.Inner || k == plan.Left || k == plan.Right || k == plan.Full
}

func newJoin(ctx *Context, cfg JoinConfig, ts []types.Type, out Sink) (*Join, error) {
	j := &Join{ctx: ctx, cfg: cfg, marked: math.MinInt64, out: newBuilder(ts, out)}
	j.pairs = givesPairs(cfg.Kind)
	j.unknown = cfg.Kind == plan.AntiNull || cfg.Kind == plan.Mark
	var err error
	if cfg.Residual != nil {
		if j.residual, err = expr.CompileFilter(cfg.Residual); err != nil {
			return nil, err
		}
	}
	if w := cfg.Within; w != nil {
		j.keep = addSat(addSat(w.Before, w.After), w.Grace)
	}
	for n := range 2 {
		if j.side[n], err = j.newSide(n); err != nil {
			return nil, err
		}
	}
	j.cand.init(cfg)
	return j, nil
}

func (j *Join) newSide(n int) (*joinSide, error) {
	s := &joinSide{n: n, types: j.cfg.Left, time: -1}
	keys := j.cfg.LeftKeys
	k := j.cfg.Kind
	s.outer = k == plan.Left || k == plan.Full
	s.counts = k != plan.Inner && k != plan.Right
	if n == 1 {
		s.types, keys = j.cfg.Right, j.cfg.RightKeys
		s.outer = k == plan.Right || k == plan.Full
		s.counts = s.outer
	}
	if w := j.cfg.Within; w != nil {
		s.time, s.reach = w.LeftTime, addSat(w.After, w.Grace)
		if n == 1 {
			s.time, s.reach = w.RightTime, addSat(w.Before, w.Grace)
		}
	}
	words := 0
	if s.counts {
		words = joinWords
	}
	s.rows = &joinRows{Multi: state.NewMulti(j.ctx.Mem, s.types, exprTypes(keys), words)}
	if j.unknown {
		s.nulls = &joinRows{Multi: state.NewMulti(j.ctx.Mem, s.types, nil, words)}
	}
	var err error
	if s.keys, err = expr.Compile(keys); err != nil {
		return nil, err
	}
	s.again, err = expr.Compile(keys)
	return s, err
}

// Push implements Op.
func (j *Join) Push(in int, b *batch.Batch) error {
	s, o := j.side[in], j.side[1-in]
	sel := rowsOf(b)
	if s.time >= 0 {
		var err error
		if sel, err = j.inReach(s, b, sel); err != nil {
			return err
		}
	}
	if len(sel) == 0 {
		return nil
	}
	cols, err := s.keys.Eval(j.ctx.Env, b)
	if err != nil {
		return err
	}
	sel, nullSel := s.splitNulls(cols, sel)
	if len(nullSel) > 0 {
		if err := j.pushNulls(s, o, b, nullSel); err != nil {
			return err
		}
	}
	if len(sel) == 0 {
		return nil
	}
	if err := j.pushKeyed(s, o, b, cols, sel); err != nil {
		return err
	}
	if err := j.flushCandidates(s, o); err != nil {
		return err
	}
	s.rows.sweep()
	return j.out.flush()
}

// splitNulls parts the rows with a NULL in their key from the others.
func (s *joinSide) splitNulls(cols []*batch.Vector, sel []uint16) (some, null []uint16) {
	any := false
	for _, v := range cols {
		any = any || v.Valid != nil
	}
	if !any {
		return sel, nil
	}
	s.sel, s.nullSel = s.sel[:0], s.nullSel[:0]
	for _, r := range sel {
		null := false
		for _, v := range cols {
			null = null || v.IsNull(int(r))
		}
		if null {
			s.nullSel = append(s.nullSel, r)
		} else {
			s.sel = append(s.sel, r)
		}
	}
	return s.sel, s.nullSel
}

// pushKeyed adds rows whose keys have no NULL.
func (j *Join) pushKeyed(s, o *joinSide, b *batch.Batch, cols []*batch.Vector,
	sel []uint16) error {
	n := len(sel)
	s.refs, s.own, s.other = grow(s.refs, n), grow(s.own, n), grow(s.other, n)
	s.fresh = grow(s.fresh, n)
	refs, own, other := s.refs, s.own, s.other
	keys := s.rows.Keyer.Keys(cols, sel)
	o.rows.Keys.Probe(keys, other, false)
	o.rows.Heads(other, other)
	s.rows.Keys.Probe(keys, own, true)
	s.rows.Rows.Probe(s.rows.Whole.Keys(b.Cols, sel), refs, true)
	direct := j.pairs && j.residual == nil && !s.counts && !o.counts && s.time < 0
	for k, r := range refs {
		w := int64(b.Weight(int(sel[k])))
		fresh := s.add(s.rows, r, own[k], w)
		s.fresh[k] = fresh
		if fresh && s.time >= 0 {
			j.watch(s, r)
		}
		for x := other[k]; x != 0; x = o.rows.Next(x) {
			var err error
			if direct {
				err = j.emitPair(s, o, b, int(sel[k]), x, w)
			} else {
				p := pair{own: r, other: x, w: w, fresh: fresh, mine: s.rows, theirs: o.rows}
				err = j.candidate(s, o, b, int(sel[k]), p)
			}
			if err != nil {
				return err
			}
		}
	}
	if j.unknown {
		return j.meetNulls(s, o, b, sel, refs)
	}
	return nil
}

// add changes the weight of a row, which Probe may just have made; true for a
// new row.
func (s *joinSide) add(m *joinRows, r, key state.Ref, w int64) bool {
	fresh := m.IsNew(r)
	if fresh {
		m.Link(r, key)
	}
	weight := m.Weight(r)
	*weight += w
	if s.counts {
		m.touch(r)
		return fresh
	}
	m.Rows.Touch(r)
	if *weight == 0 {
		m.zero = append(m.zero, r)
	}
	return fresh
}

// touch notes a counting row for the end of the epoch.
func (m *joinRows) touch(r state.Ref) { m.touched, _ = m.Rows.Mark(r, m.touched) }

// sweep deletes the rows whose weight came to 0.
func (m *joinRows) sweep() {
	for _, r := range m.zero {
		if m.Rows.Live(r) && *m.Weight(r) == 0 {
			m.Delete(r)
		}
	}
	m.zero = m.zero[:0]
}

// emitPair gives the pair of row i of the batch and a kept row of the other side.
func (j *Join) emitPair(s, o *joinSide, b *batch.Batch, i int, x state.Ref, w int64) error {
	cols := j.out.cols()
	nl := len(j.cfg.Left)
	mine, theirs := cols[:nl], cols[nl:]
	if s.n == 1 {
		mine, theirs = theirs, mine
	}
	for c, v := range mine {
		v.AppendRow(b.Cols[c], i)
	}
	o.rows.AppendRow(x, theirs)
	return j.out.endWide(w * *o.rows.Weight(x))
}

// LateRows implements Late.
func (j *Join) LateRows() int64 { return j.late }

// Memory implements Op.
func (j *Join) Memory() Usage {
	var u Usage
	for _, s := range j.side {
		u.Bytes += s.rows.Bytes() + s.kept.bytes() + s.lonely.bytes()
		u.Rows += int64(s.rows.Len())
		if s.nulls != nil {
			u.Bytes += s.nulls.Bytes()
			u.Rows += int64(s.nulls.Len())
		}
	}
	return u
}

// Close implements Op.
func (j *Join) Close() {
	for _, s := range j.side {
		s.rows.Close()
		if s.nulls != nil {
			s.nulls.Close()
		}
	}
}
