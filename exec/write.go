package exec

import (
	"context"
	"errors"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxRetries bounds how often a statement outside a block is run anew after
// another one wrote the same keys. Each retry means that somebody else made
// progress.
const maxRetries = 64

// Write runs an INSERT, UPDATE, DELETE or TRUNCATE. Outside a transaction block
// it commits, and returns when the effect is readable in every view; a conflict
// is retried on a newer snapshot. Within a block (rd.Txn) the change waits for
// COMMIT. out gets the rows of RETURNING, after the commit; it may be nil.
func (e *Engine) Write(ctx context.Context, rd *Read, out func(*batch.Batch) error) (
	WriteResult, error,
) {
	w := rd.Plan.Write
	switch w.Kind {
	case plan.TruncateTable:
		return e.truncateNow(ctx, rd, w)
	case plan.Together:
		return e.writeTogether(ctx, rd, out)
	}
	if rd.Txn != nil {
		s := e.newWriter(rd)
		r, err := s.settled(ctx)
		if err != nil {
			return WriteResult{}, err
		}
		if err := r.addToBlock(rd.Txn); err != nil {
			return WriteResult{}, err
		}
		return WriteResult{Rows: s.rows}, s.flushReturning(out)
	}
	own := *rd
	for attempt := 0; ; attempt++ {
		res, err := e.writeOnce(ctx, &own, out)
		if attempt > 0 {
			own.Point.Release()
		}
		if !errors.Is(err, log.ErrConflict) || attempt == maxRetries {
			return res, err
		}
		own.Point = e.Pin()
		env := *rd.Env
		own.Env = &env
	}
}

func (e *Engine) writeOnce(ctx context.Context, rd *Read, out func(*batch.Batch) error) (
	WriteResult, error,
) {
	s := e.newWriter(rd)
	r, err := s.settled(ctx)
	if err != nil {
		return WriteResult{}, err
	}
	epoch, err := r.commit(ctx)
	if err != nil {
		return WriteResult{}, err
	}
	return WriteResult{Rows: s.rows, Epoch: epoch}, s.flushReturning(out)
}

// settled runs the statement and keeps its rules.
func (s *writer) settled(ctx context.Context) (*rules, error) {
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return s.e.keepRules(ctx, s.rd, []*writer{s})
}

// commit proposes the changes as one transaction; epoch 0: there were none.
func (r *rules) commit(ctx context.Context) (log.Epoch, error) {
	txn := &log.Txn{}
	if err := r.addTo(txn); err != nil || len(txn.Blocks) == 0 {
		return 0, err
	}
	epoch, _, err := r.e.propose(ctx, txn, r.rd.CommitOnly)
	return epoch, err
}

// addTo adds the changes, and what was looked at, to a transaction.
func (r *rules) addTo(txn *log.Txn) error {
	for _, s := range r.parts {
		if err := s.addTo(txn); err != nil {
			return err
		}
	}
	r.announce(txn)
	return nil
}

// addToBlock adds the statement's changes to the transaction block.
func (s *writer) addToBlock() error {
	for _, c := range s.changes {
		if err := s.rd.Txn.add(s.w.Rel, c); err != nil {
			return err
		}
	}
	if len(s.unique) > 0 {
		o := s.rd.Txn.overlay(s.w.Rel)
		o.keys = append(o.keys, s.unique...)
	}
	return nil
}

// addTo adds the statement's changes to a transaction.
func (s *writer) addTo(txn *log.Txn) error {
	for _, c := range s.changes {
		blocks, err := s.enc.blocks(c)
		if err != nil {
			return err
		}
		txn.Blocks = append(txn.Blocks, blocks...)
		if s.keyed {
			txn.Writes = append(txn.Writes, s.enc.keys(c.b)...)
		}
	}
	txn.Writes = append(txn.Writes, s.unique...)
	if (s.decides || len(s.unique) > 0) && len(s.changes) > 0 {
		txn.ReadEpoch = max(s.rd.Point.Epoch, 1)
	}
	return nil
}

// writer runs one DML statement over a snapshot.
type writer struct {
	e   *Engine
	rd  *Read
	w   *plan.Write
	enc *encoder
	// keyed: the relation has a key, so that writes are announced to others;
	// decides: the outcome depends on rows that were read.
	keyed, decides bool
	nextRowID      int64 // 0: none was given yet
	rowID          int   // position of a hidden row id to fill, or -1
	changes        []change
	rows           int64
	returned       []*batch.Batch
	checks         []*expr.Program
	ret            *expr.Program
	// onConflict are SET of ON CONFLICT DO UPDATE, column by column, and then its WHERE.
	onConflict []*expr.Program
	seen       map[string]*overlayRow // rows of this statement, by key
	moves      moves
	// gone are the rows that go, where others may refer to them; unique are the keys of
	// unique values that it announces; arbiter finds rows by those of ON CONFLICT.
	gone    []replaced
	unique  []log.Key
	arbiter *arbiter
	keys    map[string]bool
	lastAt  map[string]place
}

func (e *Engine) newWriter(rd *Read) *writer {
	w := rd.Plan.Write
	s := &writer{
		e: e, rd: rd, w: w, enc: e.newEncoder(w.Rel), rowID: -1,
		keyed: w.Rel.Kind != catalog.KindStream && len(w.Rel.Key) > 0,
	}
	for i, o := range s.enc.layout {
		if w.Rel.Columns[o].Hidden {
			s.rowID = i
		}
	}
	s.decides = w.Kind != plan.Insert || s.replacesReferred() ||
		w.Conflict != nil && (w.Conflict.Action != plan.Upsert && s.keyed && s.rowID < 0 ||
			w.Conflict.Action == plan.DoUpdate)
	return s
}

func (s *writer) run(ctx context.Context) error {
	if err := s.compile(); err != nil {
		return err
	}
	own, env := *s.rd, *s.rd.Env
	env.RunSubplan = s.e.subplans(ctx, s.rd, &env)
	own.Env = &env
	s.rd = &own // RETURNING may have subqueries
	var err error
	if v, ok := s.w.Input.(*plan.Values); ok {
		err = s.values(ctx, v)
	} else {
		err = s.e.runNode(ctx, s.rd, s.w.Input, func(b *batch.Batch) error {
			return s.take(copyBatch(b))
		})
	}
	if err != nil {
		return err
	}
	return s.settle()
}

// replacesReferred tells whether an INSERT may take values away from a row that it
// replaces to which another table refers.
func (s *writer) replacesReferred() bool {
	if s.w.Kind != plan.Insert || s.rowID >= 0 {
		return false
	}
	for i := range s.w.Referring {
		if orderOf(s.w.Referring[i].Key.RefColumns, s.enc.key) == nil {
			return true
		}
	}
	return false
}

func (s *writer) compile() (err error) {
	s.checks = make([]*expr.Program, len(s.w.Checks))
	for i, c := range s.w.Checks {
		if c.Pred == nil {
			continue
		}
		if s.checks[i], err = expr.Compile([]expr.Expr{c.Pred}); err != nil {
			return err
		}
	}
	if err := s.compileConflict(); err != nil {
		return err
	}
	if s.w.Returning != nil {
		s.ret, err = expr.Compile(s.w.Returning)
	}
	return err
}

func (s *writer) compileConflict() error {
	k := s.w.Conflict
	if k == nil {
		return nil
	}
	for _, x := range append(slices.Clone(k.Set), k.Where) {
		if x == nil {
			continue
		}
		p, err := expr.Compile([]expr.Expr{x})
		if err != nil {
			return err
		}
		s.onConflict = append(s.onConflict, p)
	}
	return nil
}

// values evaluates INSERT ... VALUES row by row, without a graph.
func (s *writer) values(ctx context.Context, v *plan.Values) error {
	env := *s.rd.Env
	ts := plan.Types(v)
	for from := 0; from < len(v.Rows); from += batch.MaxRows {
		part := v.Rows[from:min(from+batch.MaxRows, len(v.Rows))]
		b := batch.New(ts, len(part))
		for _, row := range part {
			for c, x := range row {
				d, err := expr.EvalRow(x, &env, nil)
				if err != nil {
					return err
				}
				b.Cols[c].AppendDatum(d)
			}
			b.N++
		}
		if err := s.take(b); err != nil {
			return err
		}
	}
	return nil
}

// take handles a batch of the input, which it may keep.
func (s *writer) take(b *batch.Batch) error {
	b = unweighted(b)
	width := len(s.enc.layout)
	c := change{b: &batch.Batch{N: b.N, Sel: b.Sel, Cols: flat(b.Cols[:width], b.N)}}
	if s.w.Time >= 0 {
		c.time = timesOf(b.Cols[s.w.Time], b.N, s.e.cfg.Clock.NowMicros())
	}
	switch s.w.Kind {
	case plan.Update:
		return s.update(b, width)
	case plan.Delete:
		c.ops = repeat(codec.OpDelete, b.N)
		return s.delete(c, b.Cols[width:])
	}
	if s.rowID >= 0 {
		s.fillRowID(c.b)
	}
	if err := s.check(c.b); err != nil {
		return err
	}
	if s.decides {
		return s.insertDecided(c)
	}
	s.rows += int64(c.b.Rows())
	s.changes = append(s.changes, c)
	return s.returning(c.b)
}

// unweighted gives a batch in which a row of weight k stands k times.
func unweighted(b *batch.Batch) *batch.Batch {
	n, same := 0, true
	if b.W == nil {
		return b
	}
	for _, i := range rowsOf(b) {
		same = same && b.W[i] == 1
		n += int(max(b.W[i], 0))
	}
	if same {
		return b
	}
	out := batch.New(b.Types(), n)
	for _, i := range rowsOf(b) {
		for range max(b.W[i], 0) {
			out.AppendRow(b, int(i), 1)
		}
	}
	return out
}

func repeat(o codec.RowOp, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(o)
	}
	return out
}

// flat expands constants: what is written has a value per row.
func flat(cols []*batch.Vector, n int) []*batch.Vector {
	out := make([]*batch.Vector, len(cols))
	for i, v := range cols {
		if out[i] = v; !v.Const {
			continue
		}
		out[i] = batch.NewVector(v.Type, n)
		for range n {
			out[i].AppendRow(v, 0)
		}
	}
	return out
}

// fillRowID gives the rows of a table without a primary key their hidden key: numbers
// from a random one on, so that they are in the order of the statement.
func (s *writer) fillRowID(b *batch.Batch) {
	if s.nextRowID == 0 {
		s.nextRowID = int64(s.e.cfg.Random() >> 2)
	}
	v := batch.NewVector(types.Of(types.Int8), b.N)
	for range b.N {
		v.AppendInt(s.nextRowID)
		s.nextRowID++
	}
	b.Cols[s.rowID] = v
}

// delete records the deletion of rows, each once. others are the columns behind them that
// RETURNING may name.
func (s *writer) delete(c change, others []*batch.Vector) error {
	sel, err := s.firstTime(c.b)
	if err != nil {
		return err
	}
	c.b.Sel = sel
	if len(sel) == 0 {
		return nil
	}
	s.rows += int64(len(sel))
	s.lose(c.b, nil)
	s.changes = append(s.changes, c)
	return s.returning(beside(c.b, others))
}

// beside is a batch with more columns.
func beside(b *batch.Batch, more []*batch.Vector) *batch.Batch {
	if len(more) == 0 {
		return b
	}
	out := *b
	out.Cols = append(slices.Clone(b.Cols), more...)
	return &out
}

// firstTime gives the rows whose key the statement has not seen yet, and notes
// them.
func (s *writer) firstTime(b *batch.Batch) ([]uint16, error) {
	if s.seen == nil {
		s.seen = map[string]*overlayRow{}
	}
	var buf []byte
	sel := make([]uint16, 0, b.Rows())
	for _, i := range rowsOf(b) {
		buf = keyOf(buf, b, s.enc.key, int(i))
		if _, ok := s.seen[string(buf)]; ok {
			if s.w.Strict {
				return nil, sqlerr.New(sqlerr.CardinalityViolation,
					"MERGE command cannot affect row a second time").
					WithHint("Ensure that not more than one source row matches any one target row.")
			}
			continue
		}
		s.seen[string(buf)] = &overlayRow{}
		sel = append(sel, i)
	}
	return sel, nil
}

// update replaces old rows by new ones. A row that a join found twice is
// updated once, as in PostgreSQL.
func (s *writer) update(b *batch.Batch, width int) error {
	old := &batch.Batch{N: b.N, Sel: b.Sel, Cols: flat(b.Cols[:width], b.N)}
	now := &batch.Batch{N: b.N, Sel: b.Sel, Cols: flat(b.Cols[width:2*width], b.N)}
	sel, err := s.firstTime(old)
	if err != nil {
		return err
	}
	old.Sel, now.Sel = sel, sel
	if len(sel) == 0 {
		return nil
	}
	if err := s.check(now); err != nil {
		return err
	}
	if err := s.move(old, now); err != nil {
		return err
	}
	s.lose(old, now)
	s.rows += int64(len(sel))
	s.changes = append(s.changes, change{b: now})
	return s.returning(beside(now, b.Cols[2*width:]))
}

// movedKeys gives the rows whose key differs between two batches.
func movedKeys(a, b *batch.Batch, key []int) []uint16 {
	var out []uint16
	var ka, kb []byte
	for _, i := range rowsOf(a) {
		ka, kb = keyOf(ka, a, key, int(i)), keyOf(kb, b, key, int(i))
		if string(ka) != string(kb) {
			out = append(out, i)
		}
	}
	return out
}

func movedOld(old *batch.Batch, rows []uint16, key []int) map[string]bool {
	out := map[string]bool{}
	var buf []byte
	for _, i := range rows {
		buf = keyOf(buf, old, key, int(i))
		out[string(buf)] = true
	}
	return out
}
