package session

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// copyOptions are the options of one COPY.
type copyOptions struct {
	codec.CopyOptions
	deadLetter bool // ON_ERROR 'dead_letter'
	ignore     bool // ON_ERROR 'ignore'

	nullSet               bool
	forceQuote            columnList
	forceNull, forceNotNu columnList
}

// columnList is a list of columns, or * for all.
type columnList struct {
	all   bool
	names []string
}

func (l columnList) has(name string) bool { return l.all || slices.Contains(l.names, name) }

func copySyntax(o sql.Option, format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...).At(o.Pos())
}

// readCopyOptions reads the WITH list of a COPY over columns.
func readCopyOptions(x *sql.Copy, relation string, cols []codec.CopyColumn) (*copyOptions, error) {
	o := &copyOptions{}
	format := codec.CopyText
	for _, opt := range x.Options {
		if lower(opt.Name) != "format" {
			continue
		}
		text, err := literalText(opt.Value)
		if err != nil {
			return nil, err
		}
		switch lower(text) {
		case "text":
		case "csv":
			format = codec.CopyCSV
		case "binary":
			format = codec.CopyBinary
		case "json":
			format = codec.CopyJSON
		default:
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"COPY format \"%s\" not recognized", text).At(opt.Pos()).
				WithHint("The formats are text, csv, binary and json.")
		}
	}
	o.CopyOptions = codec.DefaultCopy(format)
	o.Relation = relation
	seen := map[string]bool{}
	for _, opt := range x.Options {
		name := lower(opt.Name)
		if seen[name] {
			return nil, copySyntax(opt, "conflicting or redundant options")
		}
		seen[name] = true
		if err := o.read(name, opt, x.To); err != nil {
			return nil, err
		}
	}
	o.Columns = cols
	for i := range o.Columns {
		c := &o.Columns[i]
		c.ForceQuote = o.forceQuote.has(c.Name)
		c.ForceNull = o.forceNull.has(c.Name)
		c.ForceNotNull = o.forceNotNu.has(c.Name)
	}
	return o, o.check(x)
}

// read applies one option.
func (o *copyOptions) read(name string, opt sql.Option, to bool) (err error) {
	switch name {
	case "format", "freeze":
	case "encoding":
		var text string
		if text, err = literalText(opt.Value); err == nil {
			_, err = checkEncoding(nil, text)
		}
	case "delimiter":
		o.Delim, err = oneByte(opt, "delimiter")
	case "quote":
		if o.Format != codec.CopyCSV {
			return sqlerr.New(sqlerr.FeatureNotSupported, "COPY quote available only in CSV mode")
		}
		o.Quote, err = oneByte(opt, "quote")
		if o.Escape == '"' {
			o.Escape = o.Quote
		}
	case "escape":
		if o.Format != codec.CopyCSV {
			return sqlerr.New(sqlerr.FeatureNotSupported, "COPY escape available only in CSV mode")
		}
		o.Escape, err = oneByte(opt, "escape")
	case "null":
		o.Null, err = literalText(opt.Value)
		o.nullSet = true
	case "header":
		err = o.readHeader(opt, to)
	case "force_quote":
		o.forceQuote, err = columnsOfOption(opt)
	case "force_null":
		o.forceNull, err = columnsOfOption(opt)
	case "force_not_null":
		o.forceNotNu, err = columnsOfOption(opt)
	case "on_error":
		err = o.readOnError(opt, to)
	default:
		return unknownCopyOption(opt)
	}
	return err
}

// copyOptionNames are the options of COPY.
var copyOptionNames = []string{"format", "header", "delimiter", "null", "quote", "escape",
	"force_quote", "force_not_null", "force_null", "encoding", "freeze", "on_error"}

func unknownCopyOption(opt sql.Option) error {
	err := sqlerr.As(copySyntax(opt, "option \"%s\" not recognized", opt.Name))
	if near := catalog.Nearest(opt.Name, copyOptionNames); near != "" {
		return err.WithHint("Did you mean \"%s\"?", near)
	}
	return err.WithHint("The options are %s.", strings.Join(copyOptionNames, ", "))
}

func (o *copyOptions) readHeader(opt sql.Option, to bool) error {
	o.Header = true
	if opt.Value == nil {
		return nil
	}
	text, err := literalText(opt.Value)
	if err != nil {
		return err
	}
	if lower(text) == "match" && !to {
		o.MatchHeader = true
		return nil
	}
	if o.Header, err = types.ParseBool(text); err != nil {
		return copySyntax(opt, "header requires a Boolean value or \"match\"")
	}
	return nil
}

func (o *copyOptions) readOnError(opt sql.Option, to bool) error {
	text, err := literalText(opt.Value)
	if err != nil {
		return err
	}
	if to {
		return copySyntax(opt, "COPY ON_ERROR cannot be used with COPY TO")
	}
	switch lower(text) {
	case "stop":
	case "dead_letter":
		o.deadLetter = true
	case "ignore":
		o.ignore = true
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY ON_ERROR \"%s\" not recognized", text).At(opt.Pos()).
			WithHint("It is stop, dead_letter or ignore.")
	}
	return nil
}

func oneByte(opt sql.Option, what string) (byte, error) {
	text, err := literalText(opt.Value)
	if err != nil {
		return 0, err
	}
	if len(text) != 1 {
		return 0, sqlerr.New(sqlerr.FeatureNotSupported,
			"COPY %s must be a single one-byte character", what).At(opt.Pos())
	}
	return text[0], nil
}

func columnsOfOption(opt sql.Option) (columnList, error) {
	switch x := opt.Value.(type) {
	case *sql.ColRef:
		if x.Star {
			return columnList{all: true}, nil
		}
		return columnList{names: []string{x.Name.Last()}}, nil
	case *sql.Const:
		return columnList{all: x.Val == "*", names: []string{x.Val}}, nil
	case *sql.Row:
		var l columnList
		for _, e := range x.Elems {
			name, err := literalText(e)
			if err != nil {
				return l, err
			}
			l.names = append(l.names, name)
		}
		return l, nil
	}
	return columnList{}, copySyntax(opt, "argument to option \"%s\" must be a list of column names",
		opt.Name)
}

// check refuses options that contradict each other.
func (o *copyOptions) check(x *sql.Copy) error {
	switch {
	case o.Format == codec.CopyBinary && (o.nullSet || o.Delim != '\t' || o.Header):
		what := "DELIMITER"
		if o.nullSet {
			what = "NULL"
		} else if o.Header {
			return sqlerr.New(sqlerr.FeatureNotSupported, "cannot specify HEADER in BINARY mode")
		}
		return sqlerr.New(sqlerr.SyntaxError, "cannot specify %s in BINARY mode", what)
	case o.Delim == '\n' || o.Delim == '\r':
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY delimiter cannot be newline or carriage return")
	case o.Format == codec.CopyCSV && o.Delim == o.Quote:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY delimiter and quote must be different")
	case x.File != "" || x.Program:
		what := "from"
		if x.To {
			what = "to"
		}
		return sqlerr.Unsupported("COPY "+what+" a file of the server",
			"Use COPY ... STDIN or STDOUT; psql's \\copy reads and writes files.")
	}
	return nil
}
