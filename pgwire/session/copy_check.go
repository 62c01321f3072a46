package session

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// check refuses options that contradict each other, in the order and the words of
// PostgreSQL, and fills in what was not written.
func (o *copyOptions) check(x *sql.Copy) error {
	if err := o.checkWritten(); err != nil {
		return err
	}
	defaults := codec.DefaultCopy(o.Format)
	delim, null, quote := string(defaults.Delim), defaults.Null, string(defaults.Quote)
	set(&delim, o.delim)
	set(&null, o.null)
	set(&quote, o.quote)
	escape := quote
	set(&escape, o.escape)
	if err := o.checkDelimiter(delim, null); err != nil {
		return err
	}
	if err := o.checkQuote(delim, quote, escape); err != nil {
		return err
	}
	if err := o.checkForce(x.To); err != nil {
		return err
	}
	switch {
	case strings.Contains(null, delim):
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"COPY delimiter must not appear in the NULL specification")
	case o.Format == codec.CopyCSV && strings.Contains(null, quote):
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"CSV quote character must not appear in the NULL specification")
	}
	o.Delim, o.Null, o.Quote, o.Escape = delim[0], null, quote[0], escape[0]
	return nil
}

func set(dst, written *string) {
	if written != nil {
		*dst = *written
	}
}

// checkWritten refuses what the formats that have neither lines nor delimiters do not
// know.
func (o *copyOptions) checkWritten() error {
	mode := ""
	switch o.Format {
	case codec.CopyBinary:
		mode = "BINARY"
	case codec.CopyJSON:
		mode = "JSON"
	default:
		return nil
	}
	switch {
	case o.delim != nil:
		return sqlerr.New(sqlerr.SyntaxError, "cannot specify DELIMITER in %s mode", mode)
	case o.null != nil:
		return sqlerr.New(sqlerr.SyntaxError, "cannot specify NULL in %s mode", mode)
	case o.Header:
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot specify HEADER in %s mode", mode)
	}
	return nil
}

// noDelimiter are the bytes that mean something after a backslash, or are part of the
// end mark.
const noDelimiter = `\.abcdefghijklmnopqrstuvwxyz0123456789`

func (o *copyOptions) checkDelimiter(delim, null string) error {
	switch {
	case len(delim) != 1:
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"COPY delimiter must be a single one-byte character")
	case strings.ContainsAny(delim, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY delimiter cannot be newline or carriage return")
	case strings.ContainsAny(null, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY null representation cannot use newline or carriage return")
	case o.Format != codec.CopyCSV && strings.Contains(noDelimiter, delim):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be \"%s\"", delim)
	}
	return nil
}

func (o *copyOptions) checkQuote(delim, quote, escape string) error {
	csv := o.Format == codec.CopyCSV
	unsupported := func(message string) error {
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s", message)
	}
	switch {
	case !csv && o.quote != nil:
		return unsupported("COPY quote available only in CSV mode")
	case len(quote) != 1:
		return unsupported("COPY quote must be a single one-byte character")
	case csv && delim == quote:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY delimiter and quote must be different")
	case !csv && o.escape != nil:
		return unsupported("COPY escape available only in CSV mode")
	case len(escape) != 1:
		return unsupported("COPY escape must be a single one-byte character")
	}
	return nil
}

// checkForce refuses FORCE options where they mean nothing.
func (o *copyOptions) checkForce(to bool) error {
	for _, f := range []struct {
		list columnList
		name string
		of   string
		ok   bool
	}{
		{o.forceQuote, "quote", "TO", to},
		{o.forceNotNull, "not null", "FROM", !to},
		{o.forceNull, "null", "FROM", !to},
	} {
		switch {
		case !f.list.given:
		case o.Format != codec.CopyCSV:
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"COPY force %s available only in CSV mode", f.name)
		case !f.ok:
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"COPY force %s only available using COPY %s", f.name, f.of)
		}
	}
	return nil
}

// force marks the columns of the FORCE options.
func (o *copyOptions) force(x *sql.Copy, table []string) error {
	for _, f := range []struct {
		list columnList
		name string
	}{
		{o.forceQuote, "FORCE_QUOTE"}, {o.forceNotNull, "FORCE_NOT_NULL"},
		{o.forceNull, "FORCE_NULL"},
	} {
		for i, name := range f.list.names {
			if err := o.mayForce(x, table, f.name, name); err != nil {
				return err
			}
			if slices.Contains(f.list.names[:i], name) {
				return sqlerr.New(sqlerr.DuplicateColumn,
					"column \"%s\" specified more than once", name)
			}
		}
	}
	for i := range o.Columns {
		c := &o.Columns[i]
		c.ForceQuote = o.forceQuote.has(c.Name)
		c.ForceNull = o.forceNull.has(c.Name)
		c.ForceNotNull = o.forceNotNull.has(c.Name)
	}
	return nil
}

// mayForce refuses a column that COPY does not read or write.
func (o *copyOptions) mayForce(x *sql.Copy, table []string, option, name string) error {
	used := slices.ContainsFunc(o.Columns,
		func(c codec.CopyColumn) bool { return c.Name == name })
	switch {
	case used:
		return nil
	case slices.Contains(table, name):
		return sqlerr.New(sqlerr.InvalidColumnReference,
			"%s column \"%s\" not referenced by COPY", option, name)
	case x.Query != nil:
		return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", name)
	}
	return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist",
		name, o.Relation)
}

func noServerFiles(x *sql.Copy) error {
	what := "from"
	if x.To {
		what = "to"
	}
	return sqlerr.Unsupported("COPY "+what+" a file of the server",
		"Use COPY ... STDIN or STDOUT; psql's \\copy reads and writes files.")
}
