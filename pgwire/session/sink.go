// Package session is one conversation with a client: its settings, transaction
// block, prepared statements, portals and cursors, and the execution of one
// statement after the other. Every door uses it: the PostgreSQL protocol, the
// console, HTTP, tests.
//
// It knows no bytes of any protocol and owns no socket: what a statement gives
// goes to a Sink. Invariant: a Session is used by one goroutine at a time (Cancel
// and what Host shows of it aside), and an error that a user should see is always
// a *sqlerr.Error; any other error means that the client is gone.
package session

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Sink takes what statements give, in the order in which the client should see
// it. An error from a method means that the client is gone; it ends the statement
// and comes back from the Session's method.
type Sink interface {
	// Columns comes before the rows of a result, also where there will be none.
	// The result stays valid until the next call of Columns.
	Columns(r *Result) error
	// Rows takes rows of the result last announced. The batch has no weights, is
	// valid until Rows returns, and Rows may block: that is the back-pressure.
	Rows(b *batch.Batch) error
	// Flush says that nothing more is ready for now, so that what was taken should
	// become visible.
	Flush() error
	// Notice takes a message beside the result.
	Notice(n *Notice) error
	// Complete ends a statement; tag is PostgreSQL's command tag.
	Complete(tag string) error
	// Empty stands for Complete where the text holds no statement.
	Empty() error
	// Suspended stands for Complete when a row limit was reached.
	Suspended() error

	// CopyOut begins the data of COPY TO; CopyData takes one row or header line of
	// it, which is valid until CopyData returns; CopyDone ends it.
	CopyOut(c CopyHeader) error
	CopyData(row []byte) error
	CopyDone() error
	// CopyIn asks the client for the data of COPY FROM. ctx ends the wait for it.
	CopyIn(ctx context.Context, c CopyHeader) (CopyReader, error)
}

// CopyReader gives the data of COPY FROM in pieces of any size.
type CopyReader interface {
	// Next gives the next piece, valid until the call after; io.EOF at the end. A
	// *sqlerr.Error says that the client gave up.
	Next() ([]byte, error)
	// Close is called when no more is read, also before the end.
	Close()
}

// CopyHeader describes the data of a COPY.
type CopyHeader struct {
	Binary  bool
	Columns int
}

// Result describes rows.
type Result struct {
	Columns []Column
	// Values are the settings of the text form.
	Values *types.Env
	// FloatDigits is extra_float_digits; above 0 floats are written exactly.
	FloatDigits int
}

// Column is a column of a result.
type Column struct {
	Name string
	Type types.Type
	// OID is the type's as the client sees it; Type.OID() unless it is an enum.
	OID uint32
	// Table and Attnum name the plain column it comes from, 0 for an expression.
	Table  uint32
	Attnum int16
	// Format is 0 for text, 1 for binary.
	Format int16
}

// Notice is a message that is no error.
type Notice struct {
	Severity string // NOTICE, WARNING, INFO, LOG, DEBUG
	Code     sqlerr.Code
	Message  string
	Detail   string
	Hint     string
	Where    string // the context
	// Schema, Table, Column, DataType and Constraint name the object concerned.
	Schema, Table, Column, DataType, Constraint string
}

// Gone says that the client cannot be reached; it wraps the cause.
type Gone struct{ Err error }

// Error implements error.
func (g *Gone) Error() string { return "client is gone: " + g.Err.Error() }

// Unwrap gives the cause.
func (g *Gone) Unwrap() error { return g.Err }

// gone marks an error of a Sink.
func gone(err error) error {
	if err == nil {
		return nil
	}
	var g *Gone
	if errors.As(err, &g) {
		return err
	}
	return &Gone{err}
}

// IsGone tells whether an error of a Session means that the client is gone.
func IsGone(err error) bool {
	var g *Gone
	return errors.As(err, &g)
}
