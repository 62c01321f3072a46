package session

import (
	"context"
	"maps"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
)

// DDL in a transaction block changes the block's own catalog (exec.Txn.Change): the
// statements that follow see it, others when the block commits, and ROLLBACK undoes it.
// This file keeps what the session has beside that: the numbers of the block's own
// sequences, and the list of temporary tables.

// apply commits a command, or adds it to the block.
func (s *Session) apply(ctx context.Context, c catalog.Command) (exec.CommandOutput, error) {
	if s.block != noBlock {
		return s.open().Change(ctx, c)
	}
	out, _, err := s.host.engine.Command(ctx, c)
	return out, err
}

// drafted tells whether the block has DDL.
func (s *Session) drafted() bool { return s.txn != nil && s.txn.Drafted() }

// change runs DDL inside a block.
func (s *Session) change(ctx context.Context, st *statement, sink Sink) error {
	s.open()
	if err := s.flushNumbers(ctx); err != nil {
		return err
	}
	if err := s.ready(st, s.snapshot()); err != nil {
		return err
	}
	return s.runIn(ctx, s.scope(), st, nil, nil, sink)
}

// finishDraft completes the DDL of a block that commits.
func (s *Session) finishDraft(ctx context.Context) error {
	if !s.drafted() {
		return nil
	}
	if err := s.flushNumbers(ctx); err != nil {
		return err
	}
	return s.endTemp(ctx)
}

// checkedBy gives the relations whose rows a command's constraints were verified on.
func checkedBy(c catalog.Command) []catalog.OID {
	var out []catalog.OID
	add := func(r *catalog.Relation) {
		out = append(out, r.OID, r.Table)
		for _, k := range r.ForeignKeys {
			out = append(out, k.Table)
		}
	}
	switch c := c.(type) {
	case *catalog.AlterRelation:
		add(&c.Relation)
	case *catalog.CreateRelation:
		add(&c.Relation)
	case *catalog.Batch:
		for _, x := range c.Commands {
			out = append(out, checkedBy(x)...)
		}
	}
	return out
}

// ownSequence is a sequence that the block made, or set anew: its numbers are the
// block's, and go back with it.
type ownSequence struct {
	// made is the definition that it began with, rel the one that the block has now.
	made, rel *catalog.Relation
	seq       catalog.Sequence // Start is the next number
	dirty     bool             // rel does not know Start
}

// own gives a sequence of the block's own; nil: its numbers are everybody's. begin makes
// it one.
func (s *Session) own(oid catalog.OID, begin bool) *ownSequence {
	o := s.numbers[oid]
	if s.txn == nil || o == nil && !begin && !s.txn.Made(oid) {
		return nil
	}
	rel := s.snapshot().Relation(oid)
	if rel == nil || rel.Sequence == nil {
		return nil
	}
	if o == nil || o.rel != rel {
		o = &ownSequence{made: rel, rel: rel, seq: *rel.Sequence}
		if s.numbers == nil {
			s.numbers = map[catalog.OID]*ownSequence{}
		}
		s.numbers[oid] = o
	}
	return o
}

// next gives the sequence's next number.
func (o *ownSequence) next() (int64, error) {
	first, err := firstOf(&o.seq, o.rel.Name)
	if err != nil {
		return 0, err
	}
	after := first + o.seq.Increment
	if (after > first) != (o.seq.Increment > 0) {
		return 0, errNoNumbers(o.rel.Name)
	}
	o.seq.Start, o.seq.Anew, o.dirty = after, false, true
	return first, nil
}

// flushNumbers tells the block's catalog where its own sequences go on.
func (s *Session) flushNumbers(ctx context.Context) error {
	for _, oid := range slices.Sorted(maps.Keys(s.numbers)) {
		o := s.numbers[oid]
		rel := s.snapshot().Relation(oid)
		if !o.dirty || rel == nil || rel.Sequence == nil {
			continue
		}
		changed, seq := *rel, *rel.Sequence
		seq.Start, seq.Anew, changed.Sequence = o.seq.Start, o.seq.Anew, &seq
		_, err := s.open().Change(ctx,
			&catalog.AlterRelation{Relation: changed, From: rel.SchemaVersion})
		if err != nil {
			return err
		}
		o.rel, o.dirty = s.snapshot().Relation(oid), false
	}
	return nil
}

// copyNumbers is for a savepoint.
func (s *Session) copyNumbers() map[catalog.OID]ownSequence {
	if len(s.numbers) == 0 {
		return nil
	}
	out := make(map[catalog.OID]ownSequence, len(s.numbers))
	for oid, o := range s.numbers {
		out[oid] = *o
	}
	return out
}

// restoreNumbers returns to a savepoint: what the sequences that were there then have
// given out since stays given out, as in PostgreSQL.
func (s *Session) restoreNumbers(saved map[catalog.OID]ownSequence) {
	now := map[catalog.OID]*ownSequence{}
	snap := s.snapshot()
	for oid, o := range s.numbers {
		rel := snap.Relation(oid)
		was, had := saved[oid]
		switch {
		case rel == nil:
		case had && was.made == o.made, rel == o.made:
			o.rel, o.dirty = rel, true
			now[oid] = o
		case had:
			was.rel, was.dirty = rel, true
			now[oid] = &was
		}
	}
	s.numbers = now
}

// tempTables are the temporary tables of a session, and what ON COMMIT says about them.
type tempTables struct {
	names    []catalog.QualifiedName
	atCommit map[catalog.QualifiedName]sql.OnCommit
}

func (s *Session) copyTemp() *tempTables {
	return &tempTables{slices.Clone(s.temp), maps.Clone(s.atCommit)}
}

// restoreTemp returns to what there was before the block, or a savepoint; nil: the block
// made none.
func (s *Session) restoreTemp(t *tempTables) {
	if t != nil {
		s.temp, s.atCommit = slices.Clone(t.names), maps.Clone(t.atCommit)
	}
}

// isEmit tells whether a statement gives changes as they come.
func isEmit(x sql.Statement) bool {
	switch x := x.(type) {
	case *sql.SelectStmt:
		return x.Query != nil && x.Query.Emit != sql.EmitNone
	case *sql.PrintStream:
		return true
	}
	return false
}

// beingRead lists the relations that open cursors read.
func (s *Session) beingRead() []catalog.OID {
	var out []catalog.OID
	var walk func(n plan.Node)
	walk = func(n plan.Node) {
		if x, ok := n.(*plan.Scan); ok {
			out = append(out, x.Rel.OID)
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	for _, p := range s.portals {
		if p.cursor == nil || p.cursor.held || p.src == nil || p.st.plan.Root == nil {
			continue
		}
		walk(p.st.plan.Root)
		for _, n := range p.st.plan.Subplans {
			walk(n)
		}
	}
	return out
}

// standsAlone names the statements that cannot be in a transaction block, although
// nothing here waits for anything: what is written for PostgreSQL relies on the error.
func standsAlone(x sql.Statement) string {
	switch x := x.(type) {
	case *sql.CreateIndex:
		if x.Concurrently {
			return "CREATE INDEX CONCURRENTLY"
		}
	case *sql.Drop:
		if x.Concurrently {
			return "DROP INDEX CONCURRENTLY"
		}
	case *sql.Reindex:
		if x.Concurrently {
			return "REINDEX CONCURRENTLY"
		}
	}
	return ""
}
