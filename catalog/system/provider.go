// Package system owns the virtual relations: pg_catalog, information_schema and
// the millrace views. It knows their names, columns and OIDs; rows of the first
// two are computed from a catalog.Snapshot, rows of the millrace views come from
// providers that exec and others register.
//
// Invariant: column names, types, order and OIDs of pg_catalog are PostgreSQL
// 15's, so that any client's catalog queries bind.
package system

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Context is what a provider may look at.
type Context struct {
	Snapshot *catalog.Snapshot
	// User and Database are the session's.
	User, Database string
	// Settings lists the session's settings for pg_settings, by name.
	Settings   func() []Setting
	SearchPath []string
	// Now is the time of the read, microseconds since 1970, for the offsets of
	// pg_timezone_names.
	Now int64
	// Stats gives the size of a stored relation; nil, or ok false, when it is not
	// known.
	Stats func(oid catalog.OID) (st Stats, ok bool)
	// ViewText gives the query of a view as the session reads its names; nil: as the catalog
	// holds it.
	ViewText func(r *catalog.Relation) string
	// SequenceLast gives the number that a sequence gave last; ok is false before the
	// first. nil where nobody knows.
	SequenceLast func(r *catalog.Relation) (v int64, ok bool)
}

// Stats is the size of a relation.
type Stats struct{ Rows, Bytes int64 }

// Setting is one row of pg_settings.
type Setting struct {
	Name, Value, Unit, Category, ShortDesc, Context, VarType, BootVal, ResetVal string
	EnumVals                                                                    []string
}

// Hint narrows a scan: column Column equals one of Values. A provider may use it
// to make fewer rows; the filter is applied again behind it.
type Hint struct {
	Column int
	Values []types.Datum
}

// Provider makes the rows of one virtual relation.
type Provider interface {
	// Rows calls emit with rows of datums in the relation's column order. The row
	// may be reused by the provider after emit returns.
	Rows(ctx *Context, hints []Hint, emit func(row []types.Datum) error) error
}

// ProviderFunc makes a function a Provider.
type ProviderFunc func(ctx *Context, hints []Hint, emit func(row []types.Datum) error) error

// Rows implements Provider.
func (f ProviderFunc) Rows(ctx *Context, hints []Hint, emit func(row []types.Datum) error) error {
	return f(ctx, hints, emit)
}

// Fill runs a provider into batches of at most batch.MaxRows rows.
func Fill(p Provider, ctx *Context, hints []Hint, ts []types.Type,
	out func(*batch.Batch) error) error {
	b := batch.New(ts, 64)
	err := p.Rows(ctx, hints, func(row []types.Datum) error {
		b.AppendDatums(row, 1)
		if b.N < batch.MaxRows {
			return nil
		}
		if err := out(b); err != nil {
			return err
		}
		b = batch.New(ts, batch.MaxRows)
		return nil
	})
	if err != nil || b.N == 0 {
		return err
	}
	return out(b)
}
