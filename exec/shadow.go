package exec

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// shadow is a relation as an open transaction block has made it, while the engine runs
// it as it was, or not at all. Its rows are those of the relation as it was, converted;
// or what its query makes of what the transaction sees; or none. Over them lies what the
// transaction wrote, as always.
type shadow struct {
	// rel has the form of the rows: no rows, and nothing runs it.
	rel *relation
	// base is the relation that runs; nil: it was made in the block.
	base *relation
	// query fills it; nil: none, or none of the block.
	query *plan.Continuous
}

// shadow gives what the block made of a relation; nil: nothing that rows depend on.
func (t *Txn) shadow(c *catalog.Relation) (*shadow, error) {
	if t == nil || t.draft == nil {
		return nil, nil
	}
	was, now := t.draft.Base().Relation(c.OID), t.draft.Now().Relation(c.OID)
	if now == nil {
		return nil, gone(c)
	}
	if was != nil && was.SchemaVersion == now.SchemaVersion &&
		(was.Query == now.Query || now.Query == 0 || now.Kind == catalog.KindStream) {
		return nil, nil
	}
	if s := t.shadows[c.OID]; s != nil && s.rel.cat == now {
		return s, nil
	}
	s, err := t.newShadow(was, now)
	if err != nil {
		return nil, err
	}
	if t.shadows == nil {
		t.shadows = map[catalog.OID]*shadow{}
	}
	t.shadows[c.OID] = s
	return s, nil
}

func (t *Txn) newShadow(was, now *catalog.Relation) (s *shadow, err error) {
	s = &shadow{}
	snap := t.draft.Now()
	if s.rel, err = t.engine.formOf(now, snap); err != nil {
		return nil, err
	}
	if now.Query != 0 && (was == nil || was.Query != now.Query && !s.rel.isStream()) {
		s.query, err = planner.BuildContinuous(snap.Query(now.Query), t.engine.envOver(snap))
		return s, err
	}
	if was == nil {
		return s, nil
	}
	s.base = t.engine.relation(now.OID)
	if s.base == nil || s.base.cat.SchemaVersion != was.SchemaVersion {
		return nil, sqlerr.New(sqlerr.SerializationFailure,
			"could not serialize access due to concurrent change of %s", was.Title()).
			WithHint("Retry the transaction.")
	}
	return s, nil
}

// scan calls fn with the rows below those that the transaction wrote. need tells the
// columns by ordinal.
func (s *shadow) scan(ctx context.Context, rd *Read, need []bool, fn func(*rows) error) error {
	switch {
	case s.query != nil:
		return s.run(ctx, rd, fn)
	case s.base == nil:
		return nil
	}
	version := s.base.cat.SchemaVersion
	wide := s.rel.withConverted(need, version)
	below := slices.Clone(wide[:min(len(wide), len(s.base.types))])
	return rd.Txn.engine.scanRelation(ctx, s.base, rd.Point.at(s.base), below,
		func(r *rows) error {
			out, err := s.converted(r, wide, version)
			if err != nil {
				return err
			}
			return fn(out)
		})
}

// converted gives rows of an older form the relation's columns.
func (s *shadow) converted(r *rows, need []bool, version uint32) (*rows, error) {
	whole := make([]*batch.Vector, len(s.rel.types))
	copy(whole, r.b.Cols)
	for o := len(r.b.Cols); o < len(whole); o++ {
		if need[o] {
			whole[o] = s.rel.missing[o]
		}
	}
	if err := s.rel.convert(whole, r.b.N, version); err != nil {
		return nil, err
	}
	out, b := *r, *r.b
	b.Cols = whole
	out.b = &b
	return &out, nil
}

// run gives the result of the relation's query, over what the transaction sees.
func (s *shadow) run(ctx context.Context, rd *Read, fn func(*rows) error) error {
	own := *rd
	own.Plan = &plan.Plan{Root: s.query.Root, Subplans: s.query.Subplans}
	stream := s.rel.isStream()
	return rd.Txn.engine.runNode(ctx, &own, s.query.Root, func(b *batch.Batch) error {
		lay := &batch.Batch{N: b.N, Sel: b.Sel, W: b.W}
		for _, c := range s.query.Columns {
			lay.Cols = append(lay.Cols, b.Cols[c])
		}
		out := &rows{base: -1, clock: rd.Point.Clock, epoch: rd.Point.Epoch,
			noTime: s.rel.cat.Kind == catalog.KindMaterializedView}
		if t := s.query.Time; t >= 0 && !out.noTime {
			v := flat([]*batch.Vector{b.Cols[t]}, b.N)[0]
			out.time = timesOf(v, b.N, rd.Point.Clock)
		}
		if stream && b.W != nil {
			lay = unweighted(lay)
			out.time = nil
		}
		out.b = s.rel.ordinalBatch(lay)
		return s.rel.pieces(out, fn)
	})
}

// readShadow is readScan of a shadow.
func (b *builder) readShadow(s *shadow, n *plan.Scan, sc *scanner) error {
	need := needOf(n.Columns, len(s.rel.types))
	push := sc.push
	if n.Point != nil {
		key, ok, err := b.given(n.Point)
		if err != nil || !ok {
			return err
		}
		push = s.only(key, sc.push)
	}
	o := b.rd.Txn.rels[n.Rel.OID]
	if n.Point != nil || o != nil {
		for _, k := range s.rel.cat.Key {
			need[k] = true
		}
	}
	below := push
	if o != nil && !s.rel.isStream() {
		below = func(r *rows) error { return push(o.without(r)) }
	}
	if err := s.scan(b.ctx, b.rd, need, below); err != nil || o == nil {
		return err
	}
	return o.written(s.rel, b.rd.Point.Clock, push)
}

// only lets the rows with a key through.
func (s *shadow) only(key []types.Datum, push func(*rows) error) func(*rows) error {
	ts := make([]types.Type, len(key))
	for i, k := range s.rel.cat.Key {
		ts[i] = s.rel.types[k]
	}
	one := batch.New(ts, 1)
	one.AppendDatums(key, 1)
	want := string(encodeKey(nil, one.Cols, 0))
	var buf []byte
	return func(r *rows) error {
		sel := make([]uint16, 0, 1)
		for _, i := range rowsOf(r.b) {
			if buf = keyOf(buf, r.b, s.rel.cat.Key, int(i)); string(buf) == want {
				sel = append(sel, i)
			}
		}
		out, b := *r, *r.b
		b.Sel = sel
		out.b = &b
		return push(&out)
	}
}

// lookupShadow finds the row with a key below what the transaction wrote, in row layout;
// nil: there is none.
func (e *Engine) lookupShadow(rd *Read, s *shadow, key []types.Datum) ([]types.Datum, error) {
	if s.base == nil && s.query == nil {
		return nil, nil
	}
	var found []types.Datum
	err := s.scan(context.Background(), rd, allColumns(len(s.rel.types)),
		s.only(key, func(r *rows) error {
			if r.b.Rows() > 0 {
				found = datums(layoutBatch(r.b, s.rel.layout), r.b.Index(0))
				return ErrEnough
			}
			return nil
		}))
	if found != nil {
		err = nil
	}
	return found, err
}

// storedInShadow is view.stored of a shadow.
func (v *view) storedInShadow(s *shadow, l *lookup, keys *keySet, fn func(m match) error) error {
	return v.matching(s.rel, l, keys, fn, func(need []bool, fn func(*rows) error) error {
		return s.scan(v.ctx, v.rd, need, fn)
	})
}

// sourceOf gives the running side of a relation that a plan reads, or what the block has
// made of it.
func (e *Engine) sourceOf(rd *Read, c *catalog.Relation) (*relation, *shadow, error) {
	if rd != nil {
		s, err := rd.Txn.shadow(c)
		if err != nil {
			return nil, nil, err
		}
		if s != nil {
			return nil, s, nil
		}
	}
	r := e.relation(c.OID)
	if r == nil {
		return nil, nil, gone(c)
	}
	return r, nil, nil
}

// envOver is bindEnv over a snapshot.
func (e *Engine) envOver(snap *catalog.Snapshot) *planner.Env {
	env := e.bindEnv()
	env.Snapshot = snap
	return env
}
