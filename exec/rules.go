package exec

import (
	"context"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// rules keep unique indexes and foreign keys at the end of a statement, over all rows
// that it leaves: first what happens to rows of other tables that refer to rows that
// go, then unique values, then what rows refer to. What was looked at is announced to
// the log, so that of two transactions that could break a rule together the second one
// is refused or tried again.
type rules struct {
	view
	// parts are the writers of the statement, and behind them one for each action of a
	// foreign key on another table.
	parts        []*writer
	reads, marks []log.Key
	pending      []pendingCheck // what NO ACTION allows for the moment
	later        []pendingCheck // checks that wait for the end of the transaction
}

// replaced is a row that a statement takes away: now is what stands under its key
// afterwards, or under the key it moved to; nil: it is deleted.
type replaced struct{ old, now []types.Datum }

// ruled tells whether a write has rules beside those that look at one row.
func ruled(w *plan.Write) bool {
	return len(w.Uniques) > 0 || len(w.Refs) > 0 || len(w.Referring) > 0 || len(w.Evaluated) > 0
}

// keepRules keeps the rules of what writers write. It may add writers for other tables.
func (e *Engine) keepRules(ctx context.Context, rd *Read, writers []*writer) (*rules, error) {
	r := &rules{view: view{e: e, ctx: ctx, rd: rd}, parts: writers}
	some := false
	for _, s := range writers {
		some = some || ruled(s.w) && len(s.changes) > 0
	}
	if !some {
		return r, nil
	}
	for _, s := range writers {
		for i := range s.w.Evaluated {
			if err := s.evaluate(&s.w.Evaluated[i]); err != nil {
				return nil, err
			}
		}
	}
	if err := r.act(); err != nil {
		return nil, err
	}
	for _, s := range r.parts {
		if err := r.unique(s); err != nil {
			return nil, err
		}
	}
	if err := r.stillReferred(); err != nil {
		return nil, err
	}
	for _, s := range r.parts {
		if err := r.refer(s); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// evaluate computes the values of an index, which may fail.
func (s *writer) evaluate(u *plan.Index) error {
	v, err := newValues(u)
	if err != nil {
		return err
	}
	for _, c := range s.changes {
		if len(c.ops) > 0 && c.ops[0] == byte(codec.OpDelete) {
			continue
		}
		if _, _, err := v.of(s.rd.Env, c.b); err != nil {
			return err
		}
	}
	return nil
}

// overlaid makes the statement's own rows visible in the view.
func (r *rules) overlaid() {
	if r.own != nil {
		return
	}
	r.own = map[catalog.OID]*overlay{}
	for _, s := range r.parts {
		r.overlay(s)
	}
}

// overlay adds a writer's rows to the view, if there is one of the statement's own.
func (r *rules) overlay(s *writer) {
	if r.own == nil || s.w.Rel.Kind != catalog.KindTable {
		return
	}
	o := r.own[s.w.Rel.OID]
	if o == nil {
		o = &overlay{rel: s.w.Rel, enc: s.enc, entries: map[string]int{}}
		r.own[s.w.Rel.OID] = o
	}
	for _, c := range s.changes {
		for _, i := range rowsOf(c.b) {
			o.put(string(keyOf(nil, c.b, s.enc.key, int(i))), overlayRow{row: datums(c.b, int(i)),
				deleted: c.ops != nil && c.ops[i] == byte(codec.OpDelete)})
		}
	}
}

// fresh calls fn with the batches of rows that a writer puts in, as far as no later
// change of the statement replaced them.
func (r *rules) fresh(s *writer, fn func(k int, b *batch.Batch, sel []uint16) error) error {
	o := r.own[s.w.Rel.OID]
	for k, c := range s.changes {
		sel := rowsOf(c.b)
		if c.ops != nil || o != nil {
			sel = r.lasting(s, o, c)
		}
		if len(sel) == 0 {
			continue
		}
		if err := fn(k, c.b, sel); err != nil {
			return err
		}
	}
	return nil
}

// lasting gives the rows of a change that are there at the end of the statement.
func (r *rules) lasting(s *writer, o *overlay, c change) []uint16 {
	out := make([]uint16, 0, c.b.Rows())
	var buf []byte
	for _, i := range rowsOf(c.b) {
		if c.ops != nil && c.ops[i] == byte(codec.OpDelete) {
			continue
		}
		if o != nil {
			buf = keyOf(buf, c.b, s.enc.key, int(i))
			if at, ok := o.entries[string(buf)]; !ok || o.rows[at].deleted {
				continue
			}
		}
		out = append(out, i)
	}
	return out
}

// announce adds what the rules looked at to a transaction outside a block.
func (r *rules) announce(txn *log.Txn) {
	txn.Reads = append(txn.Reads, r.reads...)
	txn.Writes = append(txn.Writes, r.marks...)
	if len(r.reads)+len(r.marks) > 0 && len(txn.Blocks) > 0 {
		txn.ReadEpoch = max(r.rd.Point.Epoch, 1)
	}
}

// addToBlock adds it to the transaction block.
func (r *rules) addToBlock(t *Txn) error {
	for _, s := range r.parts {
		if err := s.addToBlock(); err != nil {
			return err
		}
		if ruled(s.w) {
			t.rule(s.w)
		}
	}
	t.reads, t.marks = append(t.reads, r.reads...), append(t.marks, r.marks...)
	t.later = append(t.later, r.later...)
	return nil
}

// rule remembers the rules of a table that the transaction wrote.
func (t *Txn) rule(w *plan.Write) {
	for i, x := range t.rules {
		if x.Rel.OID == w.Rel.OID {
			t.rules[i] = w
			return
		}
	}
	t.rules = append(t.rules, w)
}

// part makes a writer for rows of another table.
func (r *rules) part(w *plan.Write) (*writer, error) {
	rd, p := *r.rd, *r.rd.Plan
	p.Write = w
	rd.Plan = &p
	s := r.e.newWriter(&rd)
	return s, s.compile()
}
