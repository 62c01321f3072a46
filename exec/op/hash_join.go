package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// HashJoin is the join of bounded executions: it keeps the right side and looks
// left rows up in it, in their order. Left rows wait for the end of the epoch
// unless the right side is known to come first.
type HashJoin struct {
	stateless
	ctx      *Context
	cfg      JoinConfig
	out      *builder
	leftKeys *expr.Program
	keyer    *state.Keyer
	right    *joinSide
	nulls    *state.Multi // right rows with a NULL key, where the kind must know them
	residual *expr.Program
	pairs    bool // the kind gives pairs
	waiting  []*batch.Batch
	probe    hashProbe
}

// hashProbe is a left batch while it is looked up.
type hashProbe struct {
	b       *batch.Batch
	keys    []*batch.Vector
	sel     []uint16
	refs    []state.Ref // per left row, the first of the right rows of its key
	hits    []int32     // partners of each left row
	unknown []bool      // some partner of it is neither certain nor excluded
	done    int         // left rows that were given in full
	cand    batch.Batch // pairs: only the columns that the residual needs
	left    []int       // those of them that are left columns
	right   []int       // and right columns, as ordinals of the right side
	of      []candidateOf
	selBuf  []uint16
}

// candidateOf says whose a candidate pair is.
type candidateOf struct {
	row   int32 // position of the left row
	right state.Ref
	null  bool // the right row is in the store of NULL keys
	maybe bool // some key is NULL
}

// newHashJoin makes a HashJoin.
func newHashJoin(ctx *Context, cfg JoinConfig, ts []types.Type, out Sink) (*HashJoin, error) {
	h := &HashJoin{ctx: ctx, cfg: cfg, out: newBuilder(ts, out), pairs: givesPairs(cfg.Kind),
		keyer: state.NewKeyer(exprTypes(cfg.LeftKeys))}
	var err error
	if h.leftKeys, err = expr.Compile(cfg.LeftKeys); err != nil {
		return nil, err
	}
	h.right = &joinSide{n: 1, types: cfg.Right, time: -1, rows: &joinRows{
		Multi: state.NewMulti(ctx.Mem, cfg.Right, exprTypes(cfg.RightKeys), 1)}}
	if h.right.keys, err = expr.Compile(cfg.RightKeys); err != nil {
		return nil, err
	}
	if cfg.Kind == plan.AntiNull || cfg.Kind == plan.Mark {
		h.nulls = state.NewMulti(ctx.Mem, cfg.Right, nil, 0)
	}
	both := append(append([]types.Type(nil), cfg.Left...), cfg.Right...)
	h.probe.cand = *batch.New(both, 64)
	h.probe.selBuf = make([]uint16, batch.MaxRows)
	h.probe.need(cfg, h.nulls != nil)
	if cfg.Residual != nil {
		h.residual, err = expr.CompileFilter(cfg.Residual)
	}
	return h, err
}

// need finds the columns that conditions over candidates refer to.
func (p *hashProbe) need(cfg JoinConfig, nulls bool) {
	set := map[int]bool{}
	if cfg.Residual != nil {
		expr.Columns(cfg.Residual, set)
		expr.Walk(cfg.Residual, func(x expr.Expr) bool {
			if s, ok := x.(*expr.Subplan); ok && s.Correlated {
				for c := range len(cfg.Left) + len(cfg.Right) {
					set[c] = true // the subquery may see any column of the row
				}
			}
			return true
		})
	}
	right := map[int]bool{}
	for _, k := range cfg.RightKeys {
		if nulls {
			expr.Columns(k, right)
		}
	}
	nl := len(cfg.Left)
	for c := range nl {
		if set[c] {
			p.left = append(p.left, c)
		}
	}
	for c := range cfg.Right {
		if set[nl+c] || right[c] {
			p.right = append(p.right, c)
		}
	}
}

// Push implements Op.
func (h *HashJoin) Push(in int, b *batch.Batch) error {
	switch {
	case b.Rows() == 0:
		return nil
	case in == 1:
		return h.build(b)
	case h.cfg.RightFirst:
		return h.look(b)
	}
	c := batch.New(h.cfg.Left, b.Rows())
	for _, r := range rowsOf(b) {
		c.AppendRow(b, int(r), b.Weight(int(r)))
	}
	h.waiting = append(h.waiting, c)
	return nil
}

// build adds right rows to the table.
func (h *HashJoin) build(b *batch.Batch) error {
	s := h.right
	cols, err := s.keys.Eval(h.ctx.Env, b)
	if err != nil {
		return err
	}
	sel, null := s.splitNulls(cols, rowsOf(b))
	if len(null) > 0 {
		if err := h.buildNulls(b, null); err != nil {
			return err
		}
	}
	if len(sel) == 0 {
		return nil
	}
	s.own, s.refs = grow(s.own, len(sel)), grow(s.refs, len(sel))
	s.rows.Keys.Probe(s.rows.Keyer.Keys(cols, sel), s.own, true)
	s.rows.Rows.Probe(s.rows.Whole.Keys(b.Cols, sel), s.refs, true)
	for k, r := range s.refs {
		if s.rows.IsNew(r) {
			s.rows.Link(r, s.own[k])
		}
		*s.rows.Weight(r) += int64(b.Weight(int(sel[k])))
	}
	return nil
}

// buildNulls keeps right rows with a NULL key, or gives them where they stand
// alone.
func (h *HashJoin) buildNulls(b *batch.Batch, sel []uint16) error {
	if h.nulls != nil {
		h.right.refs = grow(h.right.refs, len(sel))
		h.nulls.Rows.Probe(h.nulls.Whole.Keys(b.Cols, sel), h.right.refs, true)
		for k, r := range h.right.refs {
			if h.nulls.IsNew(r) {
				h.nulls.Link(r, 0)
			}
			*h.nulls.Weight(r) += int64(b.Weight(int(sel[k])))
		}
		return nil
	}
	if h.cfg.Kind != plan.Right && h.cfg.Kind != plan.Full {
		return nil
	}
	nl := len(h.cfg.Left)
	for _, r := range sel {
		cols := h.out.cols()
		for _, v := range cols[:nl] {
			v.AppendNull()
		}
		for c, v := range cols[nl:] {
			v.AppendRow(b.Cols[c], int(r))
		}
		if err := h.out.end(b.Weight(int(r))); err != nil {
			return err
		}
	}
	return nil
}

// look gives left rows with their partners.
func (h *HashJoin) look(b *batch.Batch) error {
	p := &h.probe
	cols, err := h.leftKeys.Eval(h.ctx.Env, b)
	if err != nil {
		return err
	}
	p.b, p.keys, p.sel, p.done = b, cols, rowsOf(b), 0
	n := len(p.sel)
	p.refs, p.hits, p.unknown = grow(p.refs, n), grow(p.hits, n), grow(p.unknown, n)
	clear(p.hits)
	clear(p.unknown)
	keys := h.keyer.Keys(cols, p.sel)
	h.right.rows.Keys.Probe(keys, p.refs, false)
	h.right.rows.Heads(p.refs, p.refs)
	for i := range n {
		if h.nulls != nil {
			if err := h.meetNulls(i, keys.IsNull(i)); err != nil {
				return err
			}
		}
		if err := h.meet(i); err != nil {
			return err
		}
	}
	if err := h.flush(n); err != nil {
		return err
	}
	return h.out.flush()
}

// meet pairs the i-th left row with the right rows of its key.
func (h *HashJoin) meet(i int) error {
	m := h.right.rows
	for x := h.probe.refs[i]; x != 0; x = m.Next(x) {
		if h.cfg.Within != nil && !h.inTime(i, x) {
			continue
		}
		if err := h.candidate(candidateOf{row: int32(i), right: x}); err != nil {
			return err
		}
		if h.residual == nil && !h.pairs {
			return nil // one partner says it all
		}
	}
	return nil
}

// inTime tells whether the times of a pair are near enough.
func (h *HashJoin) inTime(i int, x state.Ref) bool {
	w := h.cfg.Within
	m := h.right.rows
	v := h.probe.b.Cols[w.LeftTime]
	r := int(h.probe.sel[i])
	if v.IsNull(r) || m.Whole.Layout().Null(m.Row(x), w.RightTime) {
		return false
	}
	d := v.I64[v.Row(r)] - m.Whole.Layout().Int(m.Row(x), w.RightTime)
	return d >= -w.After && d <= w.Before
}

// meetNulls pairs the i-th left row with the right rows of which NULL says
// neither yes nor no.
func (h *HashJoin) meetNulls(i int, null bool) error {
	if h.residual == nil && len(h.cfg.LeftKeys) == 1 {
		h.probe.unknown[i] = h.nulls.Len() > 0 || null && h.right.rows.Len() > 0
		return nil
	}
	for _, x := range h.nulls.InOrder() {
		c := candidateOf{row: int32(i), right: x, null: true, maybe: true}
		if err := h.candidate(c); err != nil {
			return err
		}
	}
	if !null {
		return nil
	}
	for _, x := range h.right.rows.InOrder() {
		if err := h.candidate(candidateOf{row: int32(i), right: x, maybe: true}); err != nil {
			return err
		}
	}
	return nil
}

// candidate adds a pair.
func (h *HashJoin) candidate(c candidateOf) error {
	p := &h.probe
	if h.residual == nil && !h.pairs && !c.maybe {
		p.hits[c.row]++
		return nil
	}
	if h.residual == nil && !c.maybe {
		return h.emit(c)
	}
	nl := len(h.cfg.Left)
	r := int(p.sel[c.row])
	for _, k := range p.left {
		p.cand.Cols[k].AppendRow(p.b.Cols[k], r)
	}
	m := h.right.rows.Multi
	if c.null {
		m = h.nulls
	}
	if len(p.right) > 0 {
		row, layout := m.Row(c.right), m.Whole.Layout()
		for _, k := range p.right {
			layout.AppendTo(row, k, p.cand.Cols[nl+k])
		}
	}
	p.cand.N++
	p.of = append(p.of, c)
	if p.cand.N == batch.MaxRows || p.cand.N&63 == 0 && batchBytes(&p.cand) > batch.MaxBytes {
		return h.flush(int(c.row))
	}
	return nil
}

// emit gives a pair without a residual at once, after the left rows before it.
func (h *HashJoin) emit(c candidateOf) error {
	if h.probe.done < int(c.row) {
		if err := h.flush(int(c.row)); err != nil {
			return err
		}
	}
	return h.givePair(c)
}

// givePair counts and gives a pair.
func (h *HashJoin) givePair(c candidateOf) error {
	p := &h.probe
	p.hits[c.row]++
	*h.right.rows.User(c.right, 0) = 1
	if !h.pairs {
		return nil
	}
	r := int(p.sel[c.row])
	cols := h.out.cols()
	nl := len(h.cfg.Left)
	for k, v := range cols[:nl] {
		v.AppendRow(p.b.Cols[k], r)
	}
	h.right.rows.AppendRow(c.right, cols[nl:])
	return h.out.endWide(int64(p.b.Weight(r)) * *h.right.rows.Weight(c.right))
}

func batchBytes(b *batch.Batch) int {
	n := 0
	for _, v := range b.Cols {
		n += len(v.Buf)
	}
	return n
}

// flush decides about the candidates, and gives the left rows before upTo, which
// have no more of them.
func (h *HashJoin) flush(upTo int) error {
	p := &h.probe
	sel := identity[:p.cand.N]
	if h.residual != nil && p.cand.N > 0 {
		var err error
		if sel, err = h.residual.Filter(h.ctx.Env, &p.cand, p.selBuf); err != nil {
			return err
		}
	}
	k := 0
	for row := p.done; row <= upTo && row < len(p.sel); row++ {
		for ; k < len(sel) && int(p.of[sel[k]].row) == row; k++ {
			if err := h.match(int(sel[k])); err != nil {
				return err
			}
		}
		if row == upTo {
			break
		}
		if err := h.settle(row); err != nil {
			return err
		}
	}
	p.done = upTo
	p.cand.Reset()
	p.of = p.of[:0]
	return nil
}

// match counts a pair that passed the residual, and gives it.
func (h *HashJoin) match(k int) error {
	p := &h.probe
	c := p.of[k]
	if c.maybe {
		p.unknown[c.row] = p.unknown[c.row] || h.maybe(k)
		return nil
	}
	return h.givePair(c)
}

// maybe tells whether no key of a pair with a NULL differs for certain.
func (h *HashJoin) maybe(k int) bool {
	p := &h.probe
	if len(p.keys) == 1 {
		return true
	}
	row := &batch.Batch{N: p.cand.N, Cols: p.cand.Cols[len(h.cfg.Left):], Sel: []uint16{uint16(k)}}
	right, err := h.right.keys.Eval(h.ctx.Env, row)
	if err != nil {
		return true
	}
	r := int(p.sel[p.of[k].row])
	for i, v := range p.keys {
		if v.IsNull(r) || right[i].IsNull(k) {
			continue
		}
		if !types.Equal(v.Type, v.Datum(r), right[i].Datum(k)) {
			return false
		}
	}
	return true
}

// settle gives what a left row gives beside pairs.
func (h *HashJoin) settle(row int) error {
	p := &h.probe
	hit := p.hits[row] > 0
	give := true
	switch h.cfg.Kind {
	case plan.Left, plan.Full, plan.Anti:
		give = !hit
	case plan.AntiNull:
		give = !hit && !p.unknown[row]
	case plan.Semi:
		give = hit
	case plan.Inner, plan.Right:
		give = false
	}
	if !give {
		return nil
	}
	r := int(p.sel[row])
	nl := len(h.cfg.Left)
	cols := h.out.cols()
	for c, v := range cols[:nl] {
		v.AppendRow(p.b.Cols[c], r)
	}
	for _, v := range cols[nl:] {
		if h.cfg.Kind == plan.Mark && (hit || !p.unknown[row]) {
			v.AppendBool(hit)
		} else {
			v.AppendNull()
		}
	}
	return h.out.end(p.b.Weight(r))
}

// EndEpoch implements Op.
func (h *HashJoin) EndEpoch(Epoch) error {
	for _, b := range h.waiting {
		if err := h.look(b); err != nil {
			return err
		}
	}
	h.waiting = nil
	if h.cfg.Kind == plan.Right || h.cfg.Kind == plan.Full {
		nl := len(h.cfg.Left)
		for _, x := range h.right.rows.InOrder() {
			if *h.right.rows.User(x, 0) != 0 {
				continue
			}
			cols := h.out.cols()
			for _, v := range cols[:nl] {
				v.AppendNull()
			}
			h.right.rows.AppendRow(x, cols[nl:])
			if err := h.out.endWide(*h.right.rows.Weight(x)); err != nil {
				return err
			}
		}
	}
	return h.out.flush()
}

// Memory implements Op.
func (h *HashJoin) Memory() Usage {
	u := Usage{Bytes: h.right.rows.Bytes(), Rows: int64(h.right.rows.Len())}
	if h.nulls != nil {
		u.Bytes += h.nulls.Bytes()
		u.Rows += int64(h.nulls.Len())
	}
	return u
}

// Close implements Op.
func (h *HashJoin) Close() {
	h.right.rows.Close()
	if h.nulls != nil {
		h.nulls.Close()
	}
	h.waiting = nil
}
