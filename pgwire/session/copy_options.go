package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// copyOptions are the options of one COPY.
type copyOptions struct {
	codec.CopyOptions
	deadLetter bool // ON_ERROR 'dead_letter'
	ignore     bool // ON_ERROR 'ignore'

	// delim, null, quote and escape are what was written; nil is the format's own.
	delim, null, quote, escape *string

	forceQuote, forceNull, forceNotNull columnList
}

// columnList is a list of columns, or * for all.
type columnList struct {
	given bool
	all   bool
	names []string
}

func (l columnList) has(name string) bool { return l.all || slices.Contains(l.names, name) }

func copySyntax(o sql.Option, format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...).At(o.Pos())
}

// readCopyOptions reads the WITH list of a COPY over columns; table has the names of
// the relation's columns, nil for a query.
func readCopyOptions(x *sql.Copy, relation string, cols []codec.CopyColumn,
	table []string) (*copyOptions, error) {
	o := &copyOptions{}
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
	if err := o.check(x); err != nil {
		return nil, err
	}
	o.Relation, o.Columns = relation, cols
	if err := o.force(x, table); err != nil {
		return nil, err
	}
	if x.File != "" || x.Program {
		return nil, noServerFiles(x)
	}
	return o, nil
}

// copyFormats are the names of the formats.
var copyFormats = map[string]codec.CopyFormat{"text": codec.CopyText, "csv": codec.CopyCSV,
	"binary": codec.CopyBinary, "json": codec.CopyJSON}

// read applies one option.
func (o *copyOptions) read(name string, opt sql.Option, to bool) (err error) {
	switch name {
	case "format":
		err = o.readFormat(opt)
	case "freeze":
		_, err = optionBool(opt)
	case "encoding":
		err = o.readEncoding(opt)
	case "delimiter":
		o.delim, err = optionString(opt)
	case "quote":
		o.quote, err = optionString(opt)
	case "escape":
		o.escape, err = optionString(opt)
	case "null":
		o.null, err = optionString(opt)
	case "header":
		err = o.readHeader(opt, to)
	case "force_quote":
		o.forceQuote, err = columnsOfOption(opt, true)
	case "force_null":
		o.forceNull, err = columnsOfOption(opt, false)
	case "force_not_null":
		o.forceNotNull, err = columnsOfOption(opt, false)
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

func (o *copyOptions) readFormat(opt sql.Option) error {
	text, err := optionString(opt)
	if err != nil {
		return err
	}
	f, ok := copyFormats[lower(*text)]
	if !ok {
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY format \"%s\" not recognized", *text).
			At(opt.Pos()).WithHint("The formats are text, csv, binary and json.")
	}
	o.Format = f
	return nil
}

func (o *copyOptions) readEncoding(opt sql.Option) error {
	text, err := optionString(opt)
	if err != nil {
		return err
	}
	o.Encoding, err = expr.EncodingNamed(*text)
	if err != nil && sqlerr.As(err).Code == sqlerr.InvalidParameterValue {
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"argument to option \"%s\" must be a valid encoding name", opt.Name).At(opt.Pos()).
			WithHint("The encodings are %s.", strings.Join(expr.EncodingNames(), ", "))
	}
	if err != nil {
		return sqlerr.As(err).At(opt.Pos())
	}
	return nil
}

func (o *copyOptions) readHeader(opt sql.Option, to bool) error {
	if v, err := optionBool(opt); err == nil {
		o.Header = v
		return nil
	}
	text, err := optionString(opt)
	switch {
	case err != nil || lower(*text) != "match":
		return copySyntaxAt("header requires a Boolean value or \"match\"")
	case to:
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot use \"%s\" with HEADER in COPY TO", *text)
	}
	o.Header, o.MatchHeader = true, true
	return nil
}

func copySyntaxAt(format string, args ...any) error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...)
}

func (o *copyOptions) readOnError(opt sql.Option, to bool) error {
	text, err := optionString(opt)
	if err != nil {
		return err
	}
	if to {
		return copySyntax(opt, "COPY ON_ERROR cannot be used with COPY TO")
	}
	switch lower(*text) {
	case "stop":
	case "dead_letter":
		o.deadLetter = true
	case "ignore":
		o.ignore = true
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"COPY ON_ERROR \"%s\" not recognized", *text).At(opt.Pos()).
			WithHint("It is stop, dead_letter or ignore.")
	}
	return nil
}

// optionString is the value of an option as text.
func optionString(opt sql.Option) (*string, error) {
	switch x := opt.Value.(type) {
	case nil:
		return nil, copySyntaxAt("%s requires a parameter", opt.Name)
	case *sql.ColRef:
		if x.Star {
			star := "*"
			return &star, nil
		}
	}
	text, err := literalText(opt.Value)
	if err != nil {
		return nil, sqlerr.As(err).At(opt.Pos())
	}
	return &text, nil
}

// optionBool is the value of an option that is on or off.
func optionBool(opt sql.Option) (bool, error) {
	if opt.Value == nil {
		return true, nil
	}
	if text, err := optionString(opt); err == nil {
		switch lower(*text) {
		case "true", "on":
			return true, nil
		case "false", "off":
			return false, nil
		}
		if n, err := strconv.Atoi(*text); err == nil && isNumber(opt.Value) && (n == 0 || n == 1) {
			return n == 1, nil
		}
	}
	return false, copySyntaxAt("%s requires a Boolean value", opt.Name)
}

func isNumber(x sql.Expr) bool {
	c, ok := x.(*sql.Const)
	return ok && c.Kind != sql.StrConst
}

// columnsOfOption reads (a, b); the option may be * where star says so.
func columnsOfOption(opt sql.Option, star bool) (columnList, error) {
	l := columnList{given: true}
	switch x := opt.Value.(type) {
	case *sql.ColRef:
		if !x.Star {
			l.names = []string{x.Name.Last()}
			return l, nil
		}
		if star {
			l.all = true
			return l, nil
		}
	case *sql.Row:
		for _, e := range x.Elems {
			name, err := literalText(e)
			if err != nil {
				return l, err
			}
			l.names = append(l.names, name)
		}
		return l, nil
	}
	return l, sqlerr.New(sqlerr.InvalidParameterValue,
		"argument to option \"%s\" must be a list of column names", opt.Name).At(opt.Pos())
}
