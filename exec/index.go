package exec

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// index is an arrangement of the rows of a table by other values than its key: the
// values, and behind them the key of the row. It is a function of the table's rows, so
// no checkpoint has it: it is built from them when it is created and after a restart,
// beside the loop where they are many. Until then readers go through the table.
//
// The loop writes it with the table's own changes, epoch by epoch; readers look at it
// from epoch since on. Rows with a NULL among the values are not in it, unless it is
// unique and takes NULLs for equal: nothing that looks for values finds them.
type index struct {
	cat  *catalog.Relation
	def  *plan.Index
	from *values
	arr  *state.Arrangement
	key  []int // of the row, positions in the row layout
	// since is the first epoch that it shows; 0: it is being built.
	since atomic.Uint64
	// waiting are the changes since the rows that it is being built from; the loop's.
	waiting [][]*rows
	begun   bool // being built; the loop's
}

// values computes what an index holds of rows.
type values struct {
	cols  []int
	exprs *expr.Program // nil: they are columns
	where *expr.Program // nil: of all rows
	nulls bool          // rows with a NULL count
}

func newValues(def *plan.Index) (*values, error) {
	v := &values{cols: def.Columns, nulls: def.Unique && def.NullsSame}
	var err error
	if def.Exprs != nil {
		if v.exprs, err = expr.Compile(def.Exprs); err != nil {
			return nil, err
		}
	}
	if def.Where != nil {
		v.where, err = expr.Compile([]expr.Expr{def.Where})
	}
	return v, err
}

// of gives the values of a batch in row layout, and the rows that have them.
func (v *values) of(env *expr.Env, b *batch.Batch) ([]*batch.Vector, []uint16, error) {
	sel := rowsOf(b)
	if v.where != nil {
		kept, err := v.where.Filter(env, b, nil)
		if err != nil {
			return nil, nil, err
		}
		sel = kept
	}
	cols := make([]*batch.Vector, len(v.cols))
	if v.exprs != nil {
		in := *b
		in.Sel = sel
		got, err := v.exprs.Eval(env, &in)
		if err != nil {
			return nil, nil, err
		}
		copy(cols, flat(got, b.N))
	} else {
		for i, c := range v.cols {
			cols[i] = b.Cols[c]
		}
	}
	if v.nulls {
		return cols, sel, nil
	}
	return cols, withoutNulls(cols, sel), nil
}

// withoutNulls takes the rows with a NULL out of sel.
func withoutNulls(cols []*batch.Vector, sel []uint16) []uint16 {
	some := false
	for _, c := range cols {
		some = some || c.Valid != nil || c.Const
	}
	if !some {
		return sel
	}
	out := make([]uint16, 0, len(sel))
rows:
	for _, r := range sel {
		for _, c := range cols {
			if c.IsNull(int(r)) {
				continue rows
			}
		}
		out = append(out, r)
	}
	return out
}

// indexEnv is the environment of immutable expressions.
func indexEnv() *expr.Env { return &expr.Env{Zone: time.UTC} }

// createIndex adds an index to its table.
func (e *Engine) createIndex(c *catalog.Relation, snap *catalog.Snapshot) {
	r := e.rels[c.Table]
	if r == nil || r.outs == nil {
		return // a stream, or the result of a query
	}
	x, err := e.newIndex(c, r, snap)
	if err != nil {
		e.cfg.Logger.Warn("an index is not used", "index", c.Name, "error", err)
		return
	}
	r.addIndex(x)
	e.unbuilt = append(e.unbuilt, x)
}

func (e *Engine) newIndex(c *catalog.Relation, r *relation, snap *catalog.Snapshot) (*index, error) {
	def, err := planner.Index(c, &planner.Env{Snapshot: snap, System: e.cfg.System,
		SearchPath: r.cat.SearchPath, User: catalog.Superuser, Database: "millrace"})
	if err != nil {
		return nil, err
	}
	x := &index{cat: c, def: def, key: r.layoutKey()}
	if x.from, err = newValues(def); err != nil {
		return nil, err
	}
	ts := append([]types.Type(nil), def.Types...)
	layout := r.layoutTypes()
	for _, k := range x.key {
		ts = append(ts, layout[k])
	}
	first := make([]int, len(def.Types))
	for i := range first {
		first[i] = i
	}
	x.arr = state.NewArrangement(e.memory.Account(), e.points.pins, ts, first)
	return x, nil
}

// addIndex makes an index visible to readers.
func (r *relation) addIndex(x *index) {
	now := append(append([]*index(nil), r.indexed()...), x)
	r.indexes.Store(&now)
}

// indexed lists the indexes of a relation.
func (r *relation) indexed() []*index {
	if p := r.indexes.Load(); p != nil {
		return *p
	}
	return nil
}

// index finds an index that shows an epoch; nil: there is none yet.
func (r *relation) index(oid catalog.OID, epoch log.Epoch) *index {
	for _, x := range r.indexed() {
		if since := x.since.Load(); x.cat.OID == oid && since != 0 && since <= uint64(epoch) {
			return x
		}
	}
	return nil
}

// dropIndex takes an index away from its table.
func (e *Engine) dropIndex(c *catalog.Relation) {
	r := e.rels[c.Table]
	if r == nil {
		return
	}
	var now []*index
	for _, x := range r.indexed() {
		if x.cat.OID != c.OID {
			now = append(now, x)
			continue
		}
		e.retireIndex(x)
	}
	r.indexes.Store(&now)
}

func (e *Engine) retireIndex(x *index) {
	if x.begun && x.since.Load() == 0 {
		return // its builder frees it
	}
	e.retire(&relation{arrs: []*state.Arrangement{x.arr}})
}

// apply adds a delta of the table.
func (x *index) apply(r *relation, delta []*rows) {
	env := indexEnv()
	for _, d := range delta {
		x.add(env, layoutBatch(d.b, r.layout))
	}
}

// add adds rows in row layout with their weights. Values that cannot be computed keep
// a row out of the index: no statement that computes them wrote it.
func (x *index) add(env *expr.Env, b *batch.Batch) {
	cols, sel, err := x.from.of(env, b)
	if err == nil {
		x.put(b, cols, sel)
		return
	}
	for _, i := range rowsOf(b) {
		one := *b
		one.Sel = []uint16{i}
		if cols, sel, err = x.from.of(env, &one); err == nil {
			x.put(b, cols, sel)
		}
	}
}

func (x *index) put(b *batch.Batch, cols []*batch.Vector, sel []uint16) {
	if len(sel) == 0 {
		return
	}
	in := &batch.Batch{N: b.N, Sel: sel, W: b.W}
	in.Cols = append(in.Cols, cols...)
	for _, k := range x.key {
		in.Cols = append(in.Cols, b.Cols[k])
	}
	x.arr.Apply(in)
}

// commitIndexes gives the epoch's changes of a relation to its indexes.
func (r *relation) commitIndexes(epoch log.Epoch) error {
	for _, x := range r.indexed() {
		if x.since.Load() == 0 {
			if x.begun && len(r.delta) > 0 {
				x.waiting = append(x.waiting, r.delta)
			}
			continue
		}
		x.apply(r, r.delta)
		if err := x.arr.Commit(uint64(epoch)); err != nil {
			return err
		}
	}
	return nil
}

// inlineRows is for how many rows an index is built by the loop: some 20 ms.
const inlineRows = 64 << 10

// buildIndexes builds the indexes that were made in the epoch that was just published.
func (e *Engine) buildIndexes() error {
	todo := e.unbuilt
	e.unbuilt = nil
	for _, x := range todo {
		r := e.rels[x.cat.Table]
		if r == nil || !r.hasIndex(x) {
			continue // dropped in the same epoch
		}
		n := int64(0)
		for _, a := range r.arrs {
			n += a.Len()
		}
		x.begun = true
		if n > inlineRows {
			e.buildBeside(r, x)
			continue
		}
		if err := x.fill(e.ctx, r, log.Epoch(e.points.pins.Published())); err != nil {
			return err
		}
		if err := e.openIndex(r, x); err != nil {
			return err
		}
	}
	return nil
}

func (r *relation) hasIndex(x *index) bool {
	for _, y := range r.indexed() {
		if y == x {
			return true
		}
	}
	return false
}

// fill reads the rows of an epoch, which is pinned.
func (x *index) fill(ctx context.Context, r *relation, epoch log.Epoch) error {
	env := indexEnv()
	columns := make([]int, len(r.layout))
	for i := range columns {
		columns[i] = i
	}
	for _, a := range r.arrs {
		err := a.Scan(uint64(epoch), columns, func(b *batch.Batch) error {
			x.add(env, b)
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openIndex gives an index that has been filled what came meanwhile, and lets readers
// have it. Called by the loop between epochs.
func (e *Engine) openIndex(r *relation, x *index) error {
	for _, d := range x.waiting {
		x.apply(r, d)
	}
	x.waiting = nil
	now := e.points.pins.Published()
	if err := x.arr.Commit(now); err != nil {
		return err
	}
	x.since.Store(max(now, 1))
	return nil
}

// buildBeside fills an index while the loop goes on. Its goroutine is one of the
// engine's background ones and ends with the engine.
func (e *Engine) buildBeside(r *relation, x *index) {
	point := e.Pin()
	e.background.Go(func() {
		err := func() (err error) {
			defer state.Catch(&err)
			return x.fill(e.ctx, r, point.Epoch)
		}()
		point.Release()
		asked := e.between(e.ctx, func() error {
			now := e.rels[x.cat.Table]
			if err != nil || now == nil || !now.hasIndex(x) {
				e.retire(&relation{arrs: []*state.Arrangement{x.arr}})
				return err
			}
			return e.openIndex(now, x)
		})
		if asked != nil && e.ctx.Err() == nil {
			e.cfg.Logger.Warn("an index is not used", "index", x.cat.Name, "error", asked)
		}
	})
}

// arrangements are all that a relation keeps, with its indexes.
func (r *relation) arrangements() []*state.Arrangement {
	all := r.arrs
	for _, x := range r.indexed() {
		if x.since.Load() != 0 {
			all = append(all[:len(all):len(all)], x.arr)
		}
	}
	return all
}

// lookup appends the values and keys of the rows that have values to out.
func (x *index) lookup(epoch log.Epoch, given []types.Datum, out *batch.Batch) error {
	return x.arr.Lookup(uint64(epoch), given, out)
}

// keyOf gives the key of the i-th row that a lookup gave.
func (x *index) keyOf(out *batch.Batch, i int) []types.Datum {
	n := len(x.def.Types)
	key := make([]types.Datum, len(x.key))
	for k := range key {
		key[k] = out.Cols[n+k].Datum(i)
	}
	return key
}
