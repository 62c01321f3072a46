package types

import (
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Env is all that reading and writing values may depend on beside the value:
// the session's settings and the transaction's clock. A nil *Env stands for the
// zero Env: UTC, ISO, MDY, clock at the epoch. An Env is never changed by this
// package and may be shared.
type Env struct {
	// Now is the transaction's time in microseconds since 1970, for 'now',
	// 'today' and the like.
	Now int64
	// Zone is the session's time zone; nil means UTC.
	Zone *time.Location
	// DateOrder says how 01/02/03 is read.
	DateOrder DateOrder
	// DateStyle is the output style of dates and times.
	DateStyle DateStyle
	// IntervalStyle is the output style of intervals, and decides about signs of
	// intervals that are read in SQL's style.
	IntervalStyle IntervalStyle
	// ByteaEscape writes bytea in the escape format instead of hex.
	ByteaEscape bool
	// Names turns object names into oids and back, for regclass and its like; nil
	// means that only numbers (and the names of built-in types) are known.
	Names Names
}

// ParseEnv is the environment of reading text.
type ParseEnv = Env

// FormatEnv is the environment of writing text.
type FormatEnv = Env

// Names finds catalog objects for the kinds Regproc to Regrole.
type Names interface {
	NameOf(k Kind, oid uint32) (name string, ok bool)
	OIDOf(k Kind, name string) (oid uint32, ok bool)
}

// AmbiguousNames is implemented by Names that know of names which several objects
// have, so that the name alone does not tell which is meant.
type AmbiguousNames interface {
	Ambiguous(k Kind, name string) bool
}

// UndefinedNames is implemented by Names that can say why a name means nothing: which
// of its parts does not exist. It gives nil when it has nothing to say.
type UndefinedNames interface {
	Undefined(k Kind, name string) error
}

// DateOrder is the order of day, month and year in ambiguous input.
type DateOrder uint8

// The date orders.
const (
	MDY DateOrder = iota
	DMY
	YMD
)

// DateStyle is the output format of dates and times.
type DateStyle uint8

// The date styles.
const (
	DateISO DateStyle = iota
	DateSQL
	DatePostgres
	DateGerman
)

// IntervalStyle is the output format of intervals.
type IntervalStyle uint8

// The interval styles.
const (
	IntervalPostgres IntervalStyle = iota
	IntervalPostgresVerbose
	IntervalSQL
	IntervalISO
)

var zeroEnv = Env{Zone: time.UTC}

// or gives e, or the zero Env for nil.
func (e *Env) or() *Env {
	if e == nil {
		return &zeroEnv
	}
	return e
}

// zone gives the session's zone, never nil.
func (e *Env) zone() *time.Location {
	if e == nil || e.Zone == nil {
		return time.UTC
	}
	return e.Zone
}

// errSyntax is PostgreSQL's refusal of a literal.
func errSyntax(typ, s string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation,
		"invalid input syntax for type %s: \"%s\"", typ, s)
}

// errRangeText refuses a literal that is out of a type's range.
func errRangeText(typ, s string) *sqlerr.Error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange,
		"value \"%s\" is out of range for type %s", s, typ)
}

// errRange refuses the result of a conversion or of arithmetic: "integer out of
// range".
func errRange(typ string) *sqlerr.Error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "%s out of range", typ)
}

// errBinary refuses a value in the binary format.
func errBinary(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidBinaryRepresentation, format, args...)
}

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c-'0' <= 9 }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// trimSpace cuts leading and trailing isSpace bytes.
func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
