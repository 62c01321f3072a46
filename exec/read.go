package exec

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Run runs a bounded plan at a read point and calls out with the rows of the
// result, in order where the plan has one; a weight above 1 stands for as many
// equal rows. The batch is valid until out returns. out may return ErrEnough to
// end early without an error.
func (e *Engine) Run(ctx context.Context, rd *Read, out func(*batch.Batch) error) error {
	return e.runNode(ctx, rd, rd.Plan.Root, e.lockRows(rd, out))
}

// ErrEnough ends an execution early: the caller wants no more rows.
var ErrEnough = errors.New("exec: enough rows")

// errReached stops the source that feeds a limit which has all its rows.
var errReached = errors.New("exec: limit reached")

// runNode runs a subtree once.
func (e *Engine) runNode(ctx context.Context, rd *Read, n plan.Node,
	out func(*batch.Batch) error,
) error {
	env := *rd.Env
	env.Epoch, env.RunSubplan = uint64(rd.Point.Epoch), nil // of this environment's rows
	return e.runIn(ctx, rd, &env, n, nil, out)
}

// runIn runs a subtree with an environment, which is not shared with another
// execution in progress.
func (e *Engine) runIn(ctx context.Context, rd *Read, env *expr.Env, n plan.Node,
	work map[int]*workTable, out func(*batch.Batch) error,
) (err error) {
	defer state.Catch(&err)
	if env.RunSubplan == nil {
		env.RunSubplan = e.subplans(ctx, rd, env)
	}
	b := &builder{
		e: e, g: &graph{}, shards: 1, bounded: true, ctx: ctx, rd: rd,
		one: &op.Context{Env: env, Mem: e.memory, Bounded: true}, work: work,
	}
	st := b.newStage(1)
	if err := b.build(st, []op.Sink{op.SinkFunc(out)}, n); err != nil {
		return err
	}
	g := b.finish()
	defer g.close()
	err = b.drive(st)
	if errors.Is(err, ErrEnough) {
		return nil
	}
	return translate(err)
}

// drive reads the sources one after the other and ends the one epoch.
func (b *builder) drive(st *building) error {
	for _, read := range b.sources {
		if err := read(); err != nil && !errors.Is(err, errReached) {
			return err
		}
	}
	end := op.Epoch{
		N: uint64(b.rd.Point.Epoch), Clock: b.one.Env.Now,
		Watermark: math.MaxInt64, Bounded: true,
	}
	for _, o := range st.stage.shards[0].ops {
		if err := o.EndEpoch(end); err != nil && !errors.Is(err, errReached) {
			return err
		}
	}
	return nil
}

// boundedScan reads a relation as of the read point.
func (b *builder) boundedScan(out op.Sink, n *plan.Scan) error {
	rel, changed, err := b.e.sourceOf(b.rd, n.Rel)
	if err != nil {
		return err
	}
	sc, err := newScanner(n, b.one.Env, out)
	if err != nil {
		return err
	}
	read := func() error { return b.readScan(rel, n, sc) }
	if changed != nil {
		read = func() error { return b.readShadow(changed, n, sc) }
	}
	b.sources = append(b.sources, read)
	return nil
}

func (b *builder) readScan(rel *relation, n *plan.Scan, sc *scanner) error {
	epoch := b.rd.Point.at(rel)
	var o *overlay
	if b.rd.Txn != nil {
		o = b.rd.Txn.rels[n.Rel.OID]
	}
	if n.Point != nil && !rel.isStream() {
		return b.readPoint(rel, n, sc, o)
	}
	need := needOf(n.Columns, len(rel.types))
	push := sc.push
	if o != nil && !rel.isStream() {
		for _, k := range rel.cat.Key {
			need[k] = true
		}
		push = func(r *rows) error { return sc.push(o.without(r)) }
	}
	var err error
	done := false
	if x := rel.index(n.Index, epoch); x != nil && !slices.Contains(n.Columns, plan.RowPartition) {
		done, err = b.readIndex(rel, x, n, epoch, push)
	}
	if err == nil && !done {
		err = b.e.scanRelation(b.ctx, rel, epoch, need, push)
	}
	if err != nil {
		return err
	}
	if o == nil {
		return nil
	}
	return o.written(rel, b.rd.Point.Clock, sc.push)
}

// readPoint reads the row with a key: the one that the transaction wrote, if it did.
func (b *builder) readPoint(rel *relation, n *plan.Scan, sc *scanner, o *overlay) error {
	key, ok, err := b.given(n.Point)
	if err != nil || !ok {
		return err
	}
	if o != nil {
		ts := make([]types.Type, len(key))
		for i, k := range rel.cat.Key {
			ts[i] = rel.types[k]
		}
		one := batch.New(ts, 1)
		one.AppendDatums(key, 1)
		if at, wrote := o.entries[string(encodeKey(nil, one.Cols, 0))]; wrote {
			mine := overlay{rows: o.rows[at : at+1]}
			return mine.written(rel, b.rd.Point.Clock, sc.push)
		}
		if o.truncated {
			return nil
		}
	}
	out := batch.New(rel.storedTypes(), 1)
	if err := rel.lookup(b.rd.Point.at(rel), key, out); err != nil {
		return err
	}
	if out.N == 0 {
		return nil
	}
	return sc.push(rel.changes(out, 0, rows{epoch: b.rd.Point.at(rel)}))
}

// given computes the values that rows are looked up by; ok is false where one is NULL,
// which nothing is equal to.
func (b *builder) given(xs []expr.Expr) (key []types.Datum, ok bool, err error) {
	key = make([]types.Datum, len(xs))
	for i, x := range xs {
		d, err := expr.EvalRow(x, b.one.Env, nil)
		if err != nil || d.Null {
			return nil, false, err
		}
		key[i] = d
	}
	return key, true, nil
}

// rowsPerLookup is how many rows a scan reads in the time of one lookup.
const rowsPerLookup = 6

// readIndex reads the rows that an index has for given values; done is false where they
// are so many that going through the table is faster.
func (b *builder) readIndex(rel *relation, x *index, n *plan.Scan, epoch log.Epoch,
	push func(*rows) error) (done bool, err error) {
	values, ok, err := b.given(n.Values)
	if err != nil || !ok {
		return true, err
	}
	keys := batch.New(x.arr.Types(), 4)
	if err := x.lookup(epoch, values, keys); err != nil {
		return true, err
	}
	if all, err := b.e.countRows(rel, epoch); err != nil || int64(keys.N)*rowsPerLookup > all+64 {
		return false, err
	}
	out := batch.New(rel.storedTypes(), min(keys.N, batch.MaxRows))
	flush := func() error {
		if out.N == 0 {
			return nil
		}
		err := push(rel.changes(out, 0, rows{epoch: epoch}))
		out = batch.New(rel.storedTypes(), 64)
		return err
	}
	for i := range keys.N {
		if err := rel.lookup(epoch, x.keyOf(keys, i), out); err != nil {
			return true, err
		}
		if out.N < rel.cut {
			continue
		}
		if err := flush(); err != nil {
			return true, err
		}
	}
	return true, flush()
}

// without takes the rows whose keys the transaction wrote out of r.
func (o *overlay) without(r *rows) *rows {
	if o.truncated {
		return &rows{b: &batch.Batch{Cols: r.b.Cols, N: r.b.N, Sel: []uint16{}}}
	}
	lay := layoutBatch(r.b, o.enc.layout)
	sel := make([]uint16, 0, r.b.Rows())
	var buf []byte
	for _, i := range rowsOf(r.b) {
		buf = keyOf(buf, lay, o.enc.key, int(i))
		if _, ok := o.entries[string(buf)]; !ok {
			sel = append(sel, i)
		}
	}
	out, b := *r, *r.b
	b.Sel = sel
	out.b = &b
	return &out
}

// written gives the rows that the transaction wrote.
func (o *overlay) written(rel *relation, clock int64, fn func(*rows) error) error {
	for _, c := range o.appends {
		r := &rows{base: -1, time: c.time, clock: clock, b: rel.ordinalBatch(c.b)}
		if err := fn(r); err != nil {
			return err
		}
	}
	b := batch.New(rel.layoutTypes(), len(o.rows))
	flush := func() error {
		if b.N == 0 {
			return nil
		}
		r := &rows{base: -1, clock: clock, b: rel.ordinalBatch(b)}
		b = batch.New(rel.layoutTypes(), 64)
		return fn(r)
	}
	for i := range o.rows {
		if o.rows[i].deleted {
			continue
		}
		b.AppendDatums(o.rows[i].row, 1)
		if b.N == batch.MaxRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// systemScan reads a virtual relation.
func (b *builder) systemScan(out op.Sink, n *plan.SystemScan) error {
	p, ok := b.e.cfg.System.ProviderOf(n.Rel.OID)
	if !ok {
		return sqlerr.New(sqlerr.UndefinedTable, "relation %q has no rows here", n.Rel.Name)
	}
	scanNode := &plan.Scan{Base: n.Base, Rel: n.Rel, Columns: n.Columns, Filter: n.Filter}
	sc, err := newScanner(scanNode, b.one.Env, out)
	if err != nil {
		return err
	}
	ts := columnTypes(n.Rel)
	b.sources = append(b.sources, func() error {
		hints, err := b.hints(n.Hints)
		if err != nil {
			return err
		}
		return system.Fill(p, b.rd.System, hints, ts, func(x *batch.Batch) error {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			return sc.push(&rows{base: -1, b: x})
		})
	})
	return nil
}

func (b *builder) hints(in []plan.ScanHint) ([]system.Hint, error) {
	out := make([]system.Hint, 0, len(in))
	for _, h := range in {
		x := system.Hint{Column: h.Column}
		for _, v := range h.Values {
			d, err := expr.EvalRow(v, b.one.Env, nil)
			if err != nil {
				return nil, err
			}
			if !d.Null {
				x.Values = append(x.Values, d)
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// subplans makes the function that runs subqueries of expressions. What does not
// depend on an outer row is run once.
func (e *Engine) subplans(ctx context.Context, rd *Read, env *expr.Env) func(int) ([]*batch.Batch, error) {
	cache := map[int][]*batch.Batch{}
	return func(id int) ([]*batch.Batch, error) {
		n := rd.Plan.Subplans[id]
		fixed := len(env.Outer) == 0 || id < len(rd.Plan.Free) && rd.Plan.Free[id]
		if got, ok := cache[id]; ok && fixed {
			return got, nil
		}
		inner := *env
		inner.RunSubplan = nil
		var got []*batch.Batch
		err := e.runIn(ctx, rd, &inner, n, nil, func(b *batch.Batch) error {
			got = append(got, copyBatch(b))
			return nil
		})
		if err == nil && fixed {
			cache[id] = got
		}
		return got, err
	}
}
