package exec

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// draftVersions numbers the catalogs of open blocks, in a space that epochs never reach,
// so that no plan made on one is taken for another's.
var draftVersions atomic.Uint64

func draftVersion() catalog.Version {
	return catalog.Version(1<<63 | draftVersions.Add(1))
}

// minReserved is how many OIDs a block reserves at its first DDL: one commit for the
// objects of an ordinary migration.
const minReserved = 64

// Change adds DDL to the block: its own statements see the effect at once, others when
// it commits.
func (t *Txn) Change(ctx context.Context, cmd catalog.Command) (CommandOutput, error) {
	if t.draft == nil {
		t.draft = catalog.NewDraft(t.point.Catalog, draftVersion)
	}
	if err := t.mayChange(cmd); err != nil {
		return CommandOutput{}, err
	}
	change, need, err := t.draft.Apply(cmd)
	if err == nil && need > 0 {
		if err = t.reserve(ctx, max(2*need, minReserved)); err == nil {
			change, _, err = t.draft.Apply(cmd)
		}
	}
	if err != nil {
		return CommandOutput{}, err
	}
	t.moveTo(t.draft.Now())
	out := CommandOutput{OID: change.OID, Notices: change.Notices}
	return out, t.follow(&change)
}

// Drafted tells whether the block has DDL.
func (t *Txn) Drafted() bool { return t.draft != nil && !t.draft.Empty() }

// Made tells whether the block made a sequence, or changed where it goes on: its numbers
// are the block's own.
func (t *Txn) Made(seq catalog.OID) bool {
	if t.draft == nil {
		return false
	}
	was, now := t.draft.Base().Relation(seq), t.draft.Now().Relation(seq)
	return now != nil && now.Sequence != nil &&
		(was == nil || was.Sequence.Start != now.Sequence.Start)
}

// Checked notes that the block relies on all rows of a relation as they are: a
// constraint was verified. Whoever writes to it meanwhile makes the block fail.
func (t *Txn) Checked(oid catalog.OID) {
	if t.draft == nil || t.draft.Base().Relation(oid) == nil {
		return
	}
	key := log.Key{Stream: log.StreamID(oid)}
	if !slices.Contains(t.reads, key) {
		t.reads = append(t.reads, key)
		t.checked = append(t.checked, oid)
	}
}

// moveTo lets the statements to come see a catalog. Cursors keep theirs.
func (t *Txn) moveTo(snap *catalog.Snapshot) {
	p := *t.point
	p.Catalog = snap
	t.point = &p
}

func (t *Txn) reserve(ctx context.Context, n uint32) error {
	b, err := catalog.EncodeCommand(&catalog.ReserveOIDs{Count: n})
	if err != nil {
		return err
	}
	res, err := t.engine.log.Propose(ctx, &log.Txn{Command: b})
	if err != nil {
		return translate(err)
	}
	out, err := decodeOutput(res.Output)
	if err == nil {
		t.draft.Reserve(out.OID, n)
	}
	return err
}

func decodeOutput(b []byte) (out CommandOutput, err error) {
	if err := json.Unmarshal(b, &out); err != nil {
		return out, sqlerr.Wrap(err, sqlerr.InternalError, "decode the catalog's answer: %v", err)
	}
	return out, nil
}

// mayChange refuses to change tables whose rows the end of the transaction still has to
// check, or that a cursor is reading.
func (t *Txn) mayChange(cmd catalog.Command) error {
	var used []catalog.OID
	if t.InUse != nil {
		used = t.InUse()
	}
	if len(t.later) == 0 && len(used) == 0 {
		return nil
	}
	_, change, err := t.draft.Now().Apply(draftVersion(), cmd)
	if err != nil {
		return err
	}
	for _, list := range []struct {
		verb string
		rels []*catalog.Relation
	}{{"ALTER TABLE", change.Altered}, {"DROP TABLE", change.Dropped}, {"TRUNCATE", change.Truncated}} {
		for _, r := range list.rels {
			why := ""
			switch {
			case slices.Contains(used, r.OID):
				why = "it is being used by active queries in this session"
			case slices.ContainsFunc(t.later, func(p pendingCheck) bool { return p.of().OID == r.OID }):
				why = "it has pending trigger events"
			default:
				continue
			}
			return sqlerr.New(sqlerr.ObjectInUse, "cannot %s %q because %s", list.verb, r.Name, why)
		}
	}
	return nil
}

// of is the table that the check belongs to.
func (p *pendingCheck) of() *catalog.Relation {
	if p.gone {
		return p.key.Parent
	}
	return p.key.Child
}

// altered gives a check the form of the other table's rows.
func (p *pendingCheck) altered(r *catalog.Relation) {
	k := *p.key
	if p.key = &k; k.Parent.OID == r.OID {
		k.Parent, k.RefColumns = r, positions(layoutOf(r), k.Def.RefColumns)
	}
	if k.Child.OID == r.OID {
		k.Child, k.Columns = r, positions(layoutOf(r), k.Def.Columns)
	}
}

// follow does to the rows that the transaction wrote what DDL does to rows.
func (t *Txn) follow(c *catalog.Change) error {
	for _, r := range c.Dropped {
		t.forget(r.OID)
	}
	for _, r := range c.Truncated {
		t.forget(r.OID)
		t.overlay(r).truncated = true
		t.emptied = append(t.emptied, r.OID)
	}
	for _, r := range c.Altered {
		for i := range t.later {
			t.later[i].altered(r)
		}
		o := t.rels[r.OID]
		t.rules = slices.DeleteFunc(t.rules, func(w *plan.Write) bool { return w.Rel.OID == r.OID })
		if o == nil {
			continue
		}
		if err := t.retype(o, r); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what was written to a relation; keys stay announced.
func (t *Txn) forget(oid catalog.OID) {
	o := t.rels[oid]
	if o == nil {
		return
	}
	delete(t.rels, oid)
	t.order = slices.DeleteFunc(t.order, func(x *overlay) bool { return x == o })
	t.marks = append(t.marks, o.keys...)
	t.rules = slices.DeleteFunc(t.rules, func(w *plan.Write) bool { return w.Rel.OID == oid })
}

// retype gives the written rows of a relation its new columns.
func (t *Txn) retype(o *overlay, now *catalog.Relation) error {
	was := o.rel
	if was.SchemaVersion == now.SchemaVersion {
		o.rel, o.enc, o.found = now, t.engine.newEncoder(now), nil
		return nil
	}
	form, err := t.engine.formOf(now, t.draft.Now())
	if err != nil {
		return err
	}
	s := &shadow{rel: form}
	old, fresh := o.clone(), *o
	fresh.rel, fresh.enc = now, t.engine.newEncoder(now)
	fresh.entries, fresh.rows, fresh.changed, fresh.found = map[string]int{}, nil, nil, nil
	fresh.blocks, fresh.appends = nil, nil
	*o = fresh
	for _, c := range old.appends {
		b, err := s.relaid(old, c.b, was.SchemaVersion)
		if err != nil {
			return err
		}
		c.b = b
		blocks, err := o.enc.blocks(c)
		if err != nil {
			return err
		}
		o.appends, o.blocks = append(o.appends, c), append(o.blocks, blocks...)
	}
	return s.rekey(old, o, was.SchemaVersion)
}

// rekey moves the rows of a keyed relation from an overlay of its older form.
func (s *shadow) rekey(old, o *overlay, version uint32) error {
	ts := old.enc.layoutTypes()
	var buf []byte
	for from := 0; from < len(old.rows); from += batch.MaxRows {
		part := old.rows[from:min(from+batch.MaxRows, len(old.rows))]
		b := batch.New(ts, len(part))
		for _, r := range part {
			b.AppendDatums(r.row, 1)
		}
		b, err := s.relaid(old, b, version)
		if err != nil {
			return err
		}
		o.keys = append(o.keys, o.enc.keys(b)...)
		for i, r := range part {
			buf = keyOf(buf, b, o.enc.key, i)
			r.row = datums(b, i)
			o.put(string(buf), r)
		}
	}
	return nil
}

// relaid gives a batch of an older row layout the one of today.
func (s *shadow) relaid(old *overlay, b *batch.Batch, version uint32) (*batch.Batch, error) {
	whole := make([]*batch.Vector, len(old.enc.types))
	for i, o := range old.enc.layout {
		whole[o] = b.Cols[i]
	}
	need := allColumns(len(s.rel.types))
	r, err := s.converted(&rows{b: &batch.Batch{N: b.N, Sel: b.Sel, Cols: whole}}, need, version)
	if err != nil {
		return nil, err
	}
	out := layoutBatch(r.b, s.rel.layout)
	out.Cols = flat(out.Cols, out.N)
	return out, nil
}

// restoreDraft returns to the catalog of a savepoint.
func (t *Txn) restoreDraft(s *savepoint) {
	t.point = s.point
	switch {
	case s.draft != nil:
		t.draft.Restore(*s.draft)
	case t.draft != nil:
		t.draft.Restore(catalog.NewDraft(t.draft.Base(), draftVersion).Mark())
	}
}

// addDraft adds the block's DDL to its transaction.
func (t *Txn) addDraft(txn *log.Txn) error {
	if !t.Drafted() {
		return nil
	}
	written := slices.Clone(t.checked)
	for _, o := range t.order {
		written = append(written, o.rel.OID)
	}
	var err error
	if txn.Command, err = catalog.EncodeCommand(t.draft.Block(written)); err != nil {
		return err
	}
	base := t.draft.Base()
	for _, oid := range t.emptied {
		if base.Relation(oid) != nil {
			txn.Writes = append(txn.Writes, emptiedKeys(base, []catalog.OID{oid}, false)...)
		}
	}
	if len(txn.Writes)+len(txn.Reads) > 0 {
		txn.ReadEpoch = max(t.point.Epoch, 1)
	}
	return nil
}

// settleDraft returns when what the block created is readable.
func (t *Txn) settleDraft(ctx context.Context, output []byte) error {
	out, err := decodeOutput(output)
	if err != nil {
		return err
	}
	for _, oid := range out.Queries {
		if err := t.engine.waitQuery(ctx, oid); err != nil {
			return err
		}
	}
	return nil
}
