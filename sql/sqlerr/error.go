// Package sqlerr is the one form of every error that a user can see: a
// SQLSTATE, a primary message, and where they help a detail, a hint and a
// position. It is not for errors between our own packages; those are sentinels
// wrapped with %w, and are turned into this form once, at the edge.
//
// Messages follow PostgreSQL's style guide
// (https://www.postgresql.org/docs/15/error-style-guide.html): the primary
// message is lower case, factual and without a full stop; detail and hint are
// whole sentences.
package sqlerr

import (
	"errors"
	"fmt"
)

// Error is a user-visible error. The zero value is not useful; use New.
type Error struct {
	Code    Code
	Message string
	Detail  string // whole sentences, or ""
	Hint    string // whole sentences that name the way out, or ""
	// Position counts characters (not bytes) of the statement text from 1; 0
	// means unknown.
	Position int
	// Offset is the byte offset in the statement text plus one, for errors made
	// where the text is not at hand; the session turns it into Position. 0 means
	// unknown.
	Offset int
	// Query is the text that Position is in, where it is not the statement's own: text
	// that the statement has put together and run.
	Query string
	// Where is the context, such as "COPY flights, line 3, column delay".
	Where string
	// Schema, Table, Column, DataType and Constraint name the object concerned.
	Schema, Table, Column, DataType, Constraint string
	// Fatal ends the connection after it was sent.
	Fatal bool

	cause error
}

// New makes an error with a formatted primary message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a user-visible error of an internal one and keeps it as the cause.
func Wrap(err error, code Code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.cause = err
	return e
}

// Error implements error: code and message, for logs.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap gives the internal cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// WithDetail sets the detail and returns e.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// At records the byte offset of the culprit in the statement text (from 0),
// unless a position is known already. Negative offsets are ignored.
func (e *Error) At(offset int) *Error {
	if e.Position == 0 && e.Offset == 0 && offset >= 0 {
		e.Offset = offset + 1
	}
	return e
}

// InContext sets the context line and returns e.
func (e *Error) InContext(format string, args ...any) *Error {
	e.Where = fmt.Sprintf(format, args...)
	return e
}

// As gives err as a user-visible error. An error that is none is an internal
// error (XX000): a defect, whose text is still worth showing.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, InternalError, "%v", err)
}

// Is tells whether err is a user-visible error with this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// Unsupported is the error for something that PostgreSQL or ksqlDB knows and
// Millrace does not; hint names the way out and must not be empty.
func Unsupported(what, hint string) *Error {
	return New(FeatureNotSupported, "%s is not supported", what).WithHint("%s", hint)
}
