package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// A column that is added with a value of its own for each row (serial, identity, generated,
// a volatile default) is a change of the catalog and an UPDATE of all rows, in one
// transaction: outside a block the statement makes one for itself.

// maxFills bounds how often such a statement begins anew because others wrote to the
// table meanwhile.
const maxFills = 5

// changeAndFill runs a change with an UPDATE behind it outside a block.
func (s *Session) changeAndFill(ctx context.Context, st *statement, sink Sink) error {
	held := &heldTag{Sink: sink}
	for n := 1; ; n++ {
		s.block = implicitBlock
		err := s.change(ctx, st, held)
		if err == nil {
			err = s.commit(ctx)
		} else {
			s.rollback()
		}
		if err == nil {
			return gone(sink.Complete(held.tag))
		}
		if n == maxFills || !sqlerr.Is(err, sqlerr.SerializationFailure) {
			return err
		}
		held.quiet = true
	}
}

// heldTag keeps the tag of a statement back until it is committed. quiet leaves out the
// notices of another attempt.
type heldTag struct {
	Sink
	tag   string
	quiet bool
}

// Complete implements Sink.
func (h *heldTag) Complete(tag string) error {
	h.tag = tag
	return nil
}

// Notice implements Sink.
func (h *heldTag) Notice(n *Notice) error {
	if h.quiet {
		return nil
	}
	return h.Sink.Notice(n)
}

// fill runs the UPDATE behind a change.
func (s *Session) fill(ctx context.Context, text string) error {
	tree, err := parse.ParseOne(text)
	if err != nil {
		return fmt.Errorf("own statement %s: %w", text, err)
	}
	st := &statement{text: text, tree: tree}
	if err := s.ready(st, s.snapshot()); err != nil {
		return err
	}
	_, err = s.host.engine.Write(ctx, s.scope().read(st.plan, nil), nil)
	return ofTable(err)
}

// ofTable says of the table what an UPDATE of all rows says of one.
func ofTable(err error) error {
	if err == nil {
		return nil
	}
	e := *sqlerr.As(err)
	switch e.Code {
	case sqlerr.NotNullViolation:
		e.Message = fmt.Sprintf("column \"%s\" of relation \"%s\" contains null values", e.Column,
			e.Table)
	case sqlerr.CheckViolation:
		e.Message = fmt.Sprintf("check constraint \"%s\" of relation \"%s\" is violated by some row",
			e.Constraint, e.Table)
	case sqlerr.UniqueViolation:
		e.Message = fmt.Sprintf("could not create unique index \"%s\"", e.Constraint)
		e.Detail = strings.Replace(e.Detail, "already exists", "is duplicated", 1)
		return &e
	default:
		return err
	}
	e.Detail = ""
	return &e
}
