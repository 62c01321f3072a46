package op

import (
	"math"
	"slices"
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// AggregateConfig describes an Aggregate.
type AggregateConfig struct {
	Groups []expr.Expr
	// Sets are grouping sets as indexes of Groups; nil: one set of all. With sets,
	// a last output column (bigint) has the number of the set.
	Sets   [][]int
	Aggs   []*expr.AggCall
	Window *plan.AggWindow
	// AppendOnly says that no input row is ever retracted.
	AppendOnly bool
	// Touched gives results of touched groups also where they did not change.
	Touched bool
}

// Aggregate groups rows and keeps aggregates per group, incrementally: at the
// end of an epoch it gives, for each group whose result changed, the old result
// with weight -1 and the new one with weight +1.
//
// Groups with time windows are kept in one pane per window end, which is dropped
// as a whole when the watermark passes the end and the grace period.
type Aggregate struct {
	ctx   *Context
	cfg   AggregateConfig
	out   *builder
	prog  *expr.Program
	aggs  []aggSlot
	sets  []*aggSet
	types []types.Type // output columns
	words int          // words per group
	blobs bool         // some aggregate collects: old results are kept as rows
	// keepOld: accumulators are kept as they were before the epoch.
	keepOld bool
	begun   bool  // results of global groups were given
	marked  int64 // watermark of the last epoch
	late    int64
	nextID  int64 // last number of a group, and of an argument row
	env     emitter
	gone    [][]byte // panes that were dropped since the last Save
}

// Words of a group before those of its aggregates.
const (
	groupCount = iota // sum of the rows' weights
	groupID           // number for the rows of collecting aggregates
	groupBlob         // last result, when some aggregate collects
	groupWords
)

// aggSlot is one aggregate call: where its parts are.
type aggSlot struct {
	call   *expr.AggCall
	fn     *expr.AggFunc
	word   int // first word in a group
	arg    int // first column of the arguments in the program
	nargs  int
	filter int // column of FILTER, -1 none
	// distinct linear aggregates count (group, arguments) in a table.
	distinct bool
	// collect describes the rows that a collecting aggregate keeps.
	collect *collectSpec
	layout  *state.Keyer // of the distinct table
}

// aggSet is one grouping set: its key columns and its groups.
type aggSet struct {
	cols   []int // indexes of Groups
	number int64
	keyer  *state.Keyer
	global bool // no columns and no window: one group exists always
	panes  []*pane
	vecs   []*batch.Vector
	keyRow []*batch.Vector // scratch: decoded key columns
	active []*pane
	last   *pane // that rows were last added to
	// perPane: the window's bounds are the pane's and not part of the key.
	perPane bool
}

// NewAggregate makes an Aggregate; with Window.Slice, one that assigns the rows to
// slices of windows itself.
func NewAggregate(ctx *Context, cfg AggregateConfig, out Sink) (Op, error) {
	a := &Aggregate{ctx: ctx, cfg: cfg, marked: math.MinInt64}
	for _, set := range cfg.Sets {
		if cfg.Window != nil && !slices.Contains(set, cfg.Window.End) {
			a.cfg.Window = nil // a set without windows keeps its groups for ever
		}
	}
	if err := a.compile(); err != nil {
		return nil, err
	}
	a.out = newBuilder(a.types, out)
	a.makeSets()
	a.keepOld = !a.blobs && !a.final()
	a.env.init(a)
	if a.sliced() {
		return newSliced(a), nil
	}
	return a, nil
}

func (a *Aggregate) sliced() bool { return a.cfg.Window != nil && a.cfg.Window.Slice != nil }

// compile lays out the program's columns: groups, then per aggregate its order
// keys, arguments and filter.
func (a *Aggregate) compile() error {
	exprs := append([]expr.Expr(nil), a.cfg.Groups...)
	for i, g := range a.cfg.Groups {
		a.types = append(a.types, g.Type())
		if a.sliced() && (i == a.cfg.Window.Start || i == a.cfg.Window.End) {
			exprs[i] = &expr.Const{D: types.NullDatum, T: g.Type()} // no column of the input
		}
	}
	a.words = groupWords
	for _, call := range a.cfg.Aggs {
		s := aggSlot{call: call, fn: call.Fn, word: a.words, arg: len(exprs), filter: -1,
			nargs: len(call.Args)}
		exprs = append(exprs, call.Args...)
		if err := a.design(&s, &exprs); err != nil {
			return err
		}
		if call.Filter != nil {
			s.filter = len(exprs)
			exprs = append(exprs, call.Filter)
		}
		a.aggs = append(a.aggs, s)
		a.types = append(a.types, call.T)
	}
	if a.cfg.Sets != nil {
		a.types = append(a.types, types.Of(types.Int8))
	}
	var err error
	a.prog, err = expr.Compile(exprs)
	return err
}

// design decides how an aggregate is kept, and adds the expressions of its
// order.
func (a *Aggregate) design(s *aggSlot, exprs *[]expr.Expr) error {
	if appendOnly := a.cfg.AppendOnly || a.ctx.Bounded; appendOnly && s.fn.Extreme != 0 {
		if f := s.fn.Appended(s.call.Args[0].Type()); f != nil {
			s.fn = f
		}
	}
	if s.fn.Words > 0 && len(s.call.OrderBy) == 0 || s.fn.Words > 0 && !s.fn.Ordered {
		a.words += s.fn.Words
		s.distinct = s.call.Distinct && s.call.Fn.Extreme == 0
		if s.distinct {
			s.layout = state.NewKeyer(append([]types.Type{types.Of(types.Int8)},
				exprTypes(s.call.Args)...))
		}
		return nil
	}
	s.collect = newCollectSpec(s.call, a.cfg.AppendOnly || a.ctx.Bounded)
	for _, o := range s.call.OrderBy {
		*exprs = append(*exprs, o.X)
	}
	a.words++
	a.blobs = true
	return nil
}

func exprTypes(es []expr.Expr) []types.Type {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	return ts
}

func (a *Aggregate) makeSets() {
	sets := a.cfg.Sets
	if sets == nil {
		all := make([]int, len(a.cfg.Groups))
		for i := range all {
			all[i] = i
		}
		sets = [][]int{all}
	}
	perPane := a.sliced()
	for n, cols := range sets {
		if perPane {
			cols = slices.DeleteFunc(cols, func(c int) bool {
				return c == a.cfg.Window.Start || c == a.cfg.Window.End
			})
		}
		ts := make([]types.Type, len(cols))
		for i, c := range cols {
			ts[i] = a.cfg.Groups[c].Type()
		}
		s := &aggSet{cols: cols, number: int64(n), keyer: state.NewKeyer(ts),
			global: len(cols) == 0 && a.cfg.Window == nil, perPane: perPane,
			vecs: make([]*batch.Vector, len(cols)), keyRow: make([]*batch.Vector, len(cols))}
		a.sets = append(a.sets, s)
	}
}

// Push implements Op.
func (a *Aggregate) Push(_ int, b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	vecs, err := a.prog.Eval(a.ctx.Env, b)
	if err != nil {
		return err
	}
	for _, s := range a.sets {
		if err := a.pushSet(s, vecs, sel, b.W); err != nil {
			return err
		}
	}
	return nil
}

func (a *Aggregate) pushSet(s *aggSet, vecs []*batch.Vector, sel []uint16, w []int32) error {
	for i, c := range s.cols {
		s.vecs[i] = vecs[c]
	}
	if a.cfg.Window == nil {
		return a.pushPane(s, a.pane(s, 0), vecs, sel, w)
	}
	s.active = s.active[:0]
	end := vecs[a.cfg.Window.End]
	for _, r := range sel {
		p := a.paneOfRow(s, end, int(r))
		if p == nil {
			a.late++
			continue
		}
		if len(p.sel) == 0 {
			s.active = append(s.active, p)
		}
		p.sel = append(p.sel, r)
	}
	return a.pushActive(s, vecs, w)
}

// pushActive adds the rows that were sorted into panes.
func (a *Aggregate) pushActive(s *aggSet, vecs []*batch.Vector, w []int32) error {
	for _, p := range s.active {
		err := a.pushPane(s, p, vecs, p.sel, w)
		p.sel = p.sel[:0]
		if err != nil {
			return err
		}
	}
	return nil
}

// pushPane adds rows to the groups of one pane.
func (a *Aggregate) pushPane(s *aggSet, p *pane, vecs []*batch.Vector, sel []uint16,
	w []int32) error {
	p.refs = grow(p.refs, len(sel))
	refs := p.refs
	p.groups.Probe(s.keyer.Keys(s.vecs, sel), refs, true)
	a.touch(p, refs)
	a.env.acc = grow(a.env.acc, len(sel))
	for k, r := range refs {
		base := p.groups.WordPointer(r, 0)
		a.env.acc[k] = base
		d := int64(1)
		if w != nil {
			d = int64(w[sel[k]])
		}
		*(*int64)(base) += d
	}
	for i := range a.aggs {
		if err := a.update(&a.aggs[i], i, p, vecs, sel, w); err != nil {
			return err
		}
	}
	return nil
}

// touch notes the groups that change for the first time in this epoch, with
// their accumulators as they were.
func (a *Aggregate) touch(p *pane, refs []state.Ref) {
	for _, r := range refs {
		var first bool
		if p.touched, first = p.groups.Mark(r, p.touched); !first {
			continue
		}
		words := p.groups.Words(r)
		if words[groupID] == 0 {
			a.nextID++
			words[groupID] = a.nextID
		}
		if a.keepOld {
			p.old = append(p.old, words...)
		}
	}
}

func (a *Aggregate) final() bool { return a.cfg.Window != nil && a.cfg.Window.Final }

// update adds rows to one aggregate.
func (a *Aggregate) update(s *aggSlot, i int, p *pane, vecs []*batch.Vector, sel []uint16,
	w []int32) error {
	e := &a.env
	rows, acc := sel, e.acc[:len(sel)]
	if s.filter >= 0 {
		rows, acc = e.filtered(vecs[s.filter], sel)
		if len(rows) == 0 {
			return nil
		}
	}
	args := vecs[s.arg : s.arg+s.nargs]
	switch {
	case s.collect != nil:
		return p.collect[i].push(a, s, vecs, rows, acc, w)
	case s.distinct:
		return p.pushDistinct(a, s, i, args, rows, acc, w)
	}
	return s.fn.Update(e.offset(acc, s.word), rows, args, w)
}

// emitter is scratch memory for updates and results.
type emitter struct {
	acc    []unsafe.Pointer // group of each row
	acc2   []unsafe.Pointer // accumulators of one aggregate
	fAcc   []unsafe.Pointer
	fSel   []uint16
	w      []int32 // weights of DISTINCT values that come and go
	dSel   []uint16
	dAcc   []unsafe.Pointer
	gid    batch.Vector
	dCols  []*batch.Vector
	layout *state.Layout // of kept results
	enc    state.Rows
	old    []*batch.Vector // results per aggregate
	new    []*batch.Vector
	given  given
}

func (e *emitter) init(a *Aggregate) {
	e.layout = state.NewLayout(a.types[len(a.cfg.Groups) : len(a.cfg.Groups)+len(a.aggs)])
	for i := range a.aggs {
		e.old = append(e.old, batch.NewVector(a.aggs[i].call.T, 64))
		e.new = append(e.new, batch.NewVector(a.aggs[i].call.T, 64))
	}
}

// offset gives the addresses of word n of groups.
func (e *emitter) offset(acc []unsafe.Pointer, n int) []unsafe.Pointer {
	e.acc2 = grow(e.acc2, len(acc))
	for k, p := range acc {
		e.acc2[k] = unsafe.Add(p, n*8)
	}
	return e.acc2
}

// filtered gives the rows for which a FILTER is true, with their groups.
func (e *emitter) filtered(f *batch.Vector, sel []uint16) ([]uint16, []unsafe.Pointer) {
	e.fSel, e.fAcc = e.fSel[:0], e.fAcc[:0]
	for k, r := range sel {
		if i := f.Row(int(r)); f.Bool[i] && (f.Valid == nil || f.Valid.Valid(i)) {
			e.fSel = append(e.fSel, r)
			e.fAcc = append(e.fAcc, e.acc[k])
		}
	}
	return e.fSel, e.fAcc
}

// LateRows implements Late.
func (a *Aggregate) LateRows() int64 { return a.late }

// Memory implements Op.
func (a *Aggregate) Memory() Usage {
	var u Usage
	for _, s := range a.sets {
		for _, p := range s.panes {
			u.Rows += int64(p.groups.Len())
			u.Bytes += p.bytes()
		}
	}
	return u
}

// Close implements Op.
func (a *Aggregate) Close() {
	for _, s := range a.sets {
		for _, p := range s.panes {
			p.close()
		}
		s.panes = nil
	}
}
