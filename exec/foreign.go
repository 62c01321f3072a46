package exec

import (
	"context"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// pendingCheck are values of a foreign key that are still to be looked at: ones that
// rows of the referring table have, or, with gone, ones that no row of the other table
// has any more.
type pendingCheck struct {
	key  *plan.ForeignKey
	gone bool
	keys *keySet
}

// act does to the rows of other tables what their foreign keys say about rows that
// go, and to those that refer to these in turn.
func (r *rules) act() error {
	for i := 0; i < len(r.parts); i++ {
		s := r.parts[i]
		if len(s.w.Referring) == 0 || len(s.gone) == 0 {
			continue
		}
		r.overlaid()
		for k := range s.w.Referring {
			if err := r.actOn(s, &s.w.Referring[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// actOn does what one foreign key says.
func (r *rules) actOn(s *writer, ref *plan.Referring) error {
	deleted, updated, err := r.lost(s, ref.Key)
	if err != nil {
		return err
	}
	for _, g := range []struct {
		action byte
		keys   *keySet
		set    []expr.Expr
		now    [][]types.Datum
	}{
		{ref.Key.Def.OnDelete, deleted.keys, ref.OnDelete, nil},
		{ref.Key.Def.OnUpdate, updated.keys, ref.OnUpdate, updated.now},
	} {
		if len(g.keys.rows) == 0 {
			continue
		}
		r.announceKeys(ref.Key, g.keys, true)
		switch {
		case g.action == 'a':
			r.pending = append(r.pending, pendingCheck{ref.Key, true, g.keys})
		case g.action == 'r':
			err = r.mustNotRefer(ref.Key, g.keys)
		default:
			err = r.change(ref, g.keys, g.set, g.now)
			if g.action == 'd' { // the default may be what is gone
				r.pending = append(r.pending, pendingCheck{ref.Key, true, g.keys})
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lostKeys are values that rows had; now has the new ones of the same row by place.
type lostKeys struct {
	keys *keySet
	now  [][]types.Datum
}

// lost gives the values of the other table's columns that rows have lost, apart from
// those that some row still has, or has now.
func (r *rules) lost(s *writer, f *plan.ForeignKey) (deleted, updated lostKeys, err error) {
	ts := s.enc.layoutTypes()
	b := batch.New(ts, 1)
	both := &keySet{}
	var now [][]types.Datum
	for _, g := range s.gone {
		old := pick(g.old, f.RefColumns)
		if slices.ContainsFunc(old, func(d types.Datum) bool { return d.Null }) {
			continue
		}
		b.Reset()
		b.AppendDatums(g.old, 1)
		var new []types.Datum
		if g.now != nil {
			b.AppendDatums(g.now, 1)
			cols := columnsAt(b, f.RefColumns)
			if string(encodeKey(nil, cols, 0)) == string(encodeKey(nil, cols, 1)) {
				continue
			}
			new = pick(g.now, f.RefColumns)
		}
		if i := both.add(columnsAt(b, f.RefColumns), 0); i == len(now) {
			now = append(now, new)
		}
	}
	kept := make([]bool, len(now))
	l := byColumns(f.Parent, f.RefColumns, f.ParentIndex)
	if err = r.find(l, both, func(m match) error { kept[m.key] = true; return nil }); err != nil {
		return deleted, updated, err
	}
	deleted.keys, updated.keys = &keySet{}, &keySet{}
	for i, values := range both.rows {
		out := &updated
		if now[i] == nil {
			out = &deleted
		}
		action := f.Def.OnUpdate
		if now[i] == nil {
			action = f.Def.OnDelete
		}
		if kept[i] && action != 'r' {
			continue
		}
		out.keys.addValues(typesAt(ts, f.RefColumns), values)
		out.now = append(out.now, now[i])
	}
	return deleted, updated, nil
}

func pick(row []types.Datum, at []int) []types.Datum {
	out := make([]types.Datum, len(at))
	for i, k := range at {
		out[i] = row[k]
	}
	return out
}

func typesAt(ts []types.Type, at []int) []types.Type {
	out := make([]types.Type, len(at))
	for i, k := range at {
		out[i] = ts[k]
	}
	return out
}

func columnsAt(b *batch.Batch, at []int) []*batch.Vector {
	out := make([]*batch.Vector, len(at))
	for i, k := range at {
		out[i] = b.Cols[k]
	}
	return out
}

// addValues is add of values outside a batch.
func (s *keySet) addValues(ts []types.Type, values []types.Datum) int {
	b := batch.New(ts, 1)
	b.AppendDatums(values, 1)
	return s.add(b.Cols, 0)
}

// referrers looks up the rows that refer to values.
func (r *rules) referrers(f *plan.ForeignKey, keys *keySet, fn func(m match) error) error {
	return r.find(byColumns(f.Child, f.Columns, f.ChildIndex), keys, fn)
}

// mustNotRefer refuses that rows refer to values which are gone.
func (v *view) mustNotRefer(f *plan.ForeignKey, keys *keySet) error {
	first := -1
	err := v.find(byColumns(f.Child, f.Columns, f.ChildIndex), keys, func(m match) error {
		if first < 0 || m.key < first {
			first = m.key
		}
		return nil
	})
	if err != nil || first < 0 {
		return err
	}
	e := sqlerr.New(sqlerr.ForeignKeyViolation, "update or delete on table \"%s\" violates foreign "+
		"key constraint \"%s\" on table \"%s\"", f.Parent.Name, f.Def.Name, f.Child.Name).
		WithDetail("Key (%s)=(%s) is still referenced from table \"%s\".",
			columnNames(f.Parent, f.Def.RefColumns),
			v.texts(f.Parent, f.Def.RefColumns, keys.rows[first]), f.Child.Name)
	e.Schema, e.Table, e.Constraint = f.Child.Schema, f.Child.Name, f.Def.Name
	return e
}

func columnNames(rel *catalog.Relation, ordinals []int) string {
	names := make([]string, len(ordinals))
	for i, o := range ordinals {
		names[i] = rel.Columns[o].Name
	}
	return strings.Join(names, ", ")
}

func (v *view) texts(rel *catalog.Relation, ordinals []int, values []types.Datum) string {
	env := types.FormatEnv{Zone: v.rd.Env.Zone}
	parts := make([]string, len(values))
	for i, d := range values {
		if parts[i] = "null"; !d.Null {
			parts[i] = string(types.AppendText(&env, nil, rel.Columns[ordinals[i]].Type, d))
		}
	}
	return strings.Join(parts, ", ")
}

// change deletes the rows that refer to values, or sets their columns.
func (r *rules) change(ref *plan.Referring, keys *keySet, set []expr.Expr,
	now [][]types.Datum) error {
	s, err := r.part(ref.Write)
	if err != nil {
		return err
	}
	ts := s.enc.layoutTypes()
	old, fresh := batch.New(ts, 1), batch.New(ts, 1)
	flush := func() error {
		if old.N == 0 {
			return nil
		}
		var err error
		if set == nil {
			err = s.deleteReferring(old)
		} else {
			err = s.replaceReferring(old, fresh)
		}
		old, fresh = batch.New(ts, 1), batch.New(ts, 1)
		return err
	}
	err = r.referrers(ref.Key, keys, func(m match) error {
		old.AppendDatums(m.row, 1)
		if set != nil {
			row, err := r.newRow(set, m, now)
			if err != nil {
				return err
			}
			fresh.AppendDatums(row, 1)
		}
		if old.N < batch.MaxRows {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = s.settle()
	}
	if err != nil || len(s.changes) == 0 {
		return err
	}
	r.parts = append(r.parts, s)
	r.overlay(s)
	return nil
}

// newRow computes what a referring row becomes.
func (r *rules) newRow(set []expr.Expr, m match, now [][]types.Datum) ([]types.Datum, error) {
	in := m.row
	if now != nil {
		in = append(slices.Clone(m.row), now[m.key]...)
	}
	out := make([]types.Datum, len(set))
	for i, x := range set {
		d, err := expr.EvalRow(x, r.rd.Env, in)
		if err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}

func (s *writer) deleteReferring(old *batch.Batch) error {
	s.lose(old, nil)
	s.changes = append(s.changes, change{b: old, ops: repeat(codec.OpDelete, old.N)})
	return nil
}

func (s *writer) replaceReferring(old, fresh *batch.Batch) error {
	if err := s.check(fresh); err != nil {
		return err
	}
	if err := s.move(old, fresh); err != nil {
		return err
	}
	s.lose(old, fresh)
	s.changes = append(s.changes, change{b: fresh})
	return nil
}

// lose notes rows that go, where somebody may refer to them.
func (s *writer) lose(old, now *batch.Batch) {
	if len(s.w.Referring) == 0 {
		return
	}
	for _, i := range rowsOf(old) {
		g := replaced{old: datums(old, int(i))}
		if now != nil {
			g.now = datums(now, int(i))
		}
		s.gone = append(s.gone, g)
	}
}

// stillReferred refuses what NO ACTION does not allow, or leaves it for the end of the
// transaction.
func (r *rules) stillReferred() error {
	for _, p := range r.pending {
		if r.waits(p.key) {
			r.later = append(r.later, p)
			continue
		}
		if err := r.mustNotRefer(p.key, p.keys); err != nil {
			return err
		}
	}
	return nil
}

// waits tells whether a foreign key is checked at the end of the transaction.
func (r *rules) waits(f *plan.ForeignKey) bool { return r.rd.Txn != nil && r.rd.Txn.defers(f) }

// refer refuses rows that refer to nothing.
func (r *rules) refer(s *writer) error {
	for _, f := range s.w.Refs {
		for _, p := range r.parts {
			if p.w.Rel.OID == f.Parent.OID {
				r.overlaid()
			}
		}
		keys := &keySet{}
		err := r.fresh(s, func(_ int, b *batch.Batch, sel []uint16) error {
			return s.referred(f, b, sel, keys)
		})
		if err != nil {
			return err
		}
		if len(keys.rows) == 0 {
			continue
		}
		r.announceKeys(f, keys, false)
		if r.waits(f) {
			r.later = append(r.later, pendingCheck{f, false, keys})
			continue
		}
		if err := r.mustBeThere(f, keys); err != nil {
			return err
		}
	}
	return nil
}

// referred adds the values by which rows refer.
func (s *writer) referred(f *plan.ForeignKey, b *batch.Batch, sel []uint16, keys *keySet) error {
	cols := columnsAt(b, f.Columns)
	for _, i := range sel {
		nulls := 0
		for _, c := range cols {
			if c.IsNull(int(i)) {
				nulls++
			}
		}
		if nulls > 0 && nulls < len(cols) && f.Def.Full {
			e := notReferred(f)
			return e.WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
		}
		if nulls == 0 {
			keys.add(cols, int(i))
		}
	}
	return nil
}

func notReferred(f *plan.ForeignKey) *sqlerr.Error {
	e := sqlerr.New(sqlerr.ForeignKeyViolation, "insert or update on table \"%s\" violates foreign "+
		"key constraint \"%s\"", f.Child.Name, f.Def.Name)
	e.Schema, e.Table, e.Constraint = f.Child.Schema, f.Child.Name, f.Def.Name
	return e
}

// mustBeThere refuses values that no row of the other table has.
func (v *view) mustBeThere(f *plan.ForeignKey, keys *keySet) error {
	there := make([]bool, len(keys.rows))
	l := byColumns(f.Parent, f.RefColumns, f.ParentIndex)
	if err := v.find(l, keys, func(m match) error { there[m.key] = true; return nil }); err != nil {
		return err
	}
	i := slices.Index(there, false)
	if i < 0 {
		return nil
	}
	return notReferred(f).WithDetail("Key (%s)=(%s) is not present in table \"%s\".",
		columnNames(f.Child, f.Def.Columns), v.texts(f.Child, f.Def.Columns, keys.rows[i]),
		f.Parent.Name)
}

// announceKeys tells others what was looked at: who refers to values reads that they
// are there and says that it refers to them; who takes them away does the reverse.
func (r *rules) announceKeys(f *plan.ForeignKey, keys *keySet, gone bool) {
	stream := log.StreamID(f.Child.OID) | log.Shared
	name := xxh3.HashString(f.Def.Name)
	for k := range keys.at {
		h := xxh3.HashStringSeed(k, name)
		there := log.Key{Stream: stream, Hash: h | 1}
		refers := log.Key{Stream: stream, Hash: h&^1 | 1<<63}
		if gone {
			there, refers = refers, there
		}
		r.reads, r.marks = append(r.reads, there), append(r.marks, refers)
	}
}

// checkLater checks what waited for the end of the transaction.
func (t *Txn) checkLater(ctx context.Context) error { return t.checkPending(ctx, t.later) }

func (t *Txn) checkPending(ctx context.Context, list []pendingCheck) error {
	if len(list) == 0 {
		return nil
	}
	v := t.viewAt(ctx, t.point)
	for _, p := range list {
		check := v.stillThere
		if p.gone {
			check = v.stillGone
		}
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

// viewAt is what the transaction sees, over a snapshot.
func (t *Txn) viewAt(ctx context.Context, point *ReadPoint) *view {
	return &view{e: t.engine, ctx: ctx, rd: &Read{Point: point, Txn: t, Env: indexEnv()}}
}

// stillThere checks values that rows referred to when they were written: as far as rows
// refer to them now.
func (v *view) stillThere(p pendingCheck) error {
	used := make([]bool, len(p.keys.rows))
	l := byColumns(p.key.Child, p.key.Columns, p.key.ChildIndex)
	err := v.written(p.key.Child.OID).find(l, p.keys, func(m match) error {
		used[m.key] = true
		return nil
	})
	if err != nil {
		return err
	}
	return v.mustBeThere(p.key, p.keys.only(p.key.Child, p.key.Def.Columns, used))
}

// stillGone checks values that rows had lost: as far as no row has them again.
func (v *view) stillGone(p pendingCheck) error {
	lost := make([]bool, len(p.keys.rows))
	for i := range lost {
		lost[i] = true
	}
	l := byColumns(p.key.Parent, p.key.RefColumns, p.key.ParentIndex)
	err := v.find(l, p.keys, func(m match) error { lost[m.key] = false; return nil })
	if err != nil {
		return err
	}
	return v.mustNotRefer(p.key, p.keys.only(p.key.Parent, p.key.Def.RefColumns, lost))
}

// only gives some of the keys; the columns have their types.
func (s *keySet) only(rel *catalog.Relation, ordinals []int, which []bool) *keySet {
	ts := make([]types.Type, len(ordinals))
	for i, o := range ordinals {
		ts[i] = rel.Columns[o].Type
	}
	out := &keySet{}
	for i, values := range s.rows {
		if which[i] {
			out.addValues(ts, values)
		}
	}
	return out
}

// explain tells why a transaction that was refused could not be committed: because of a
// rule that it would break now, or else because others wrote the same rows.
func (t *Txn) explain(ctx context.Context, refused error) error {
	point := t.engine.Pin()
	defer point.Release()
	v := t.viewAt(ctx, point)
	for _, w := range t.rules {
		if err := t.breaks(v, w); err != nil {
			return err
		}
	}
	return refused
}

// breaks checks the rows that the transaction wrote to a table against the rows of a
// later snapshot.
func (t *Txn) breaks(v *view, w *plan.Write) error {
	o := t.rels[w.Rel.OID]
	if o == nil {
		return nil
	}
	rd := *v.rd
	rd.Plan = &plan.Plan{Write: w}
	rd.Txn = nil
	s := t.engine.newWriter(&rd)
	ts := o.enc.layoutTypes()
	for from := 0; from < len(o.rows); from += batch.MaxRows {
		b := batch.New(ts, 1)
		var gone []replaced
		for _, row := range o.rows[from:min(from+batch.MaxRows, len(o.rows))] {
			if row.deleted {
				gone = append(gone, replaced{old: row.row})
				continue
			}
			b.AppendDatums(row.row, 1)
		}
		s.gone = append(s.gone, gone...)
		s.changes = append(s.changes, change{b: b})
	}
	r := &rules{view: view{e: v.e, ctx: v.ctx, rd: v.rd}, parts: []*writer{s}}
	r.rd.Txn = t
	if err := r.unique(s); err != nil {
		return err
	}
	for _, f := range w.Refs {
		keys := &keySet{}
		for _, c := range s.changes {
			if err := s.referred(f, c.b, rowsOf(c.b), keys); err != nil {
				return err
			}
		}
		if err := v.mustBeThere(f, keys); err != nil {
			return err
		}
	}
	for i := range w.Referring {
		deleted, _, err := r.lost(s, w.Referring[i].Key)
		if err != nil {
			return err
		}
		if err := v.mustNotRefer(w.Referring[i].Key, deleted.keys); err != nil {
			return err
		}
	}
	return nil
}
