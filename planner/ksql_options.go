package planner

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// ksqlWith are the options of a statement in ksqlDB's dialect, for the rules that ksqlDB
// has about several of them: a script that breaks one is a mistake there too.
type ksqlWith struct {
	d    *definition
	opts map[string]sql.Option
	text map[string]string
}

// ksqlRules checks options against each other and against the columns.
func (d *definition) ksqlRules(opts []sql.Option) error {
	if !d.ksql && !(d.b.decided && d.b.ksql) {
		return nil
	}
	w := &ksqlWith{d: d, opts: map[string]sql.Option{}, text: map[string]string{}}
	for _, o := range opts {
		text, err := optionText(o)
		if err != nil {
			return err
		}
		w.opts[lower(o.Name)], w.text[lower(o.Name)] = o, text
	}
	for _, rule := range []func() error{w.topic, w.formats, w.wrapping, w.timestamp, w.windows,
		w.columns} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether an option is given.
func (w *ksqlWith) has(name string) bool { _, ok := w.opts[name]; return ok }

// wrong is an error about an option.
func (w *ksqlWith) wrong(name, format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, format, args...).At(w.opts[name].Pos())
}

// topic: a topic has a name; how long a table keeps rows is no matter of their age, and
// what is dropped follows from the kind.
func (w *ksqlWith) topic() error {
	if text, ok := w.text["kafka_topic"]; ok && text == "" {
		return badOption(w.opts["kafka_topic"], "a name")
	}
	if w.has("cleanup_policy") {
		return w.wrong("cleanup_policy", "option \"cleanup_policy\" cannot be given").
			WithHint("It follows from the kind: a stream keeps all rows, a table the latest of each key.")
	}
	if ms := w.text["retention_ms"]; ms != "" && ms != "-1" && w.d.rel.Kind == catalog.KindTable {
		return w.wrong("retention_ms", "option \"retention_ms\" is for streams, not for tables").
			WithHint("Use ttl to drop rows of a table by their age.")
	}
	for _, side := range []string{"key", "value"} {
		name := side + "_protobuf_nullable_representation"
		if w.has(name) && !contains([]string{"optional", "wrapper"}, lower(w.text[name])) {
			return badOption(w.opts[name], "optional or wrapper")
		}
	}
	return nil
}

// formats: one of format and key_format, value_format; a declaration over a topic
// names that of its values, unless the session has a default.
func (w *ksqlWith) formats() error {
	for _, side := range []string{"key", "value"} {
		name := side + "_format"
		if w.has("format") && w.has(name) {
			return w.wrong(name, "options \"format\" and \"%s\" exclude each other", name).
				WithHint("Give format alone, or key_format and value_format.")
		}
		format := w.text[name]
		if w.has("format") {
			format = w.text["format"]
		}
		if err := w.delimiter(side, format); err != nil {
			return err
		}
	}
	given := w.has("format") || w.has("value_format") ||
		w.d.b.env.setting("ksql.persistence.default.format.value", "") != ""
	if w.d.ksql && w.has("kafka_topic") && !given {
		return w.wrong("kafka_topic", "option \"value_format\" is missing").
			WithHint("Add value_format = 'json', or leave kafka_topic out: every format is " +
				"stored in the same way.")
	}
	return w.noFormat()
}

// noFormat: NONE is the format of no columns.
func (w *ksqlWith) noFormat() error {
	keys, values := w.count()
	for _, f := range []struct {
		name    string
		columns int
	}{{"key_format", keys}, {"value_format", values}, {"format", keys + values}} {
		if lower(w.text[f.name]) == "none" && f.columns > 0 {
			return w.wrong(f.name, "format NONE has no columns")
		}
	}
	return nil
}

// delimiter checks key_delimiter or value_delimiter.
func (w *ksqlWith) delimiter(side, format string) error {
	name := side + "_delimiter"
	text, ok := w.text[name]
	if !ok {
		return nil
	}
	if utf8.RuneCountInString(text) != 1 && text != "SPACE" && text != "TAB" || text == " " {
		return badOption(w.opts[name], "one character, or SPACE or TAB")
	}
	if format != "" && lower(format) != "delimited" {
		return w.wrong(name, "option \"%s\" belongs to the format DELIMITED, not to %s", name,
			strings.ToUpper(format))
	}
	return nil
}

// wrapped and unwrapped list the formats that have one form of a single value only.
var (
	wrapped   = []string{"protobuf"}
	unwrapped = []string{"delimited", "kafka"}
)

// wrapping: wrap_single_value is about values of one column.
func (w *ksqlWith) wrapping() error {
	const name = "wrap_single_value"
	if !w.has(name) {
		return nil
	}
	on, err := optionBool(w.opts[name])
	if err != nil {
		return err
	}
	format := lower(w.text["value_format"] + w.text["format"])
	if on && contains(unwrapped, format) || !on && contains(wrapped, format) {
		return w.wrong(name, "format %s has no option \"%s\" = %t", strings.ToUpper(format), name, on)
	}
	if _, values := w.count(); values != 1 {
		return w.wrong(name, "option \"%s\" is for values of one column", name).
			WithDetail("There are %d columns beside the key.", values)
	}
	return nil
}

// count gives the number of columns of the key and of the others.
func (w *ksqlWith) count() (keys, values int) {
	rel := &w.d.rel
	bounds := 0
	if rel.Windowed || w.has("window_type") {
		bounds = 2
	}
	for i := range rel.Columns {
		switch {
		case rel.Columns[i].Hidden || rel.Columns[i].Generated:
		case containsInt(rel.Key, i):
			keys++
		default:
			values++
		}
	}
	return max(keys-bounds, 0), values
}

// timestamp: a text needs timestamp_format, and nothing else has one.
func (w *ksqlWith) timestamp() error {
	const name = "timestamp_format"
	if w.has(name) {
		if err := expr.CheckTimeFormat(w.text[name]); err != nil {
			return sqlerr.As(err).At(w.opts[name].Pos())
		}
	}
	if !w.has("timestamp") {
		return nil
	}
	t := w.d.rel.Columns[w.d.rel.TimeColumn].Type
	text := t.Kind == types.Text || t.Kind == types.Varchar
	if text && !w.has(name) {
		return w.wrong("timestamp", "option \"timestamp_format\" is missing: the event time is text").
			WithHint("Add timestamp_format = 'yyyy-MM-dd HH:mm:ss.SSS', or as the texts are.")
	}
	if !text && w.has(name) {
		return w.wrong(name, "option \"timestamp_format\" is for texts, and column \"%s\" is of type %s",
			w.d.rel.Columns[w.d.rel.TimeColumn].Name, t)
	}
	return nil
}

// windows: window_size belongs to tumbling and hopping windows, which need it, and
// window_type to declarations.
func (w *ksqlWith) windows() error {
	kind := lower(w.text["window_type"])
	if kind != "" && w.d.computed {
		return w.wrong("window_type", "option \"window_type\" cannot be given with a query").
			WithHint("The windows of its result follow from the query.")
	}
	switch sized := w.has("window_size"); {
	case sized && kind == "":
		return w.wrong("window_size", "option \"window_type\" is missing").
			WithHint("Add window_type = 'tumbling' or 'hopping'.")
	case sized && kind == "session":
		return w.wrong("window_size", "windows of type session have no size")
	case !sized && kind != "" && kind != "session":
		return w.wrong("window_type", "option \"window_size\" is missing").
			WithHint("Add window_size = '10 seconds', or as long as the windows are.")
	case sized:
		if v, err := w.d.b.optionDuration(w.opts["window_size"]); err != nil || v <= 0 {
			return badOption(w.opts["window_size"], "a time such as '10 seconds'")
		}
	}
	return nil
}

// columns: a table has a key, and no column has the name of a pseudo column.
func (w *ksqlWith) columns() error {
	rel := &w.d.rel
	for i, c := range rel.Columns {
		if c.Hidden && containsInt(rel.Key, i) && rel.Kind == catalog.KindTable && w.d.ksql {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"table \"%s\" has no PRIMARY KEY", rel.Name).At(w.d.pos).
				WithHint("Write PRIMARY KEY behind the type of a column.")
		}
		if pseudoColumn(c.Name) && w.d.ksql {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column name \"%s\" conflicts with a pseudo column", c.Name).At(w.d.pos).
				WithHint("Give the column another name.")
		}
		if p, s, ok := c.Type.PrecisionScale(); ok && (s < 0 || s > p) {
			return sqlerr.New(sqlerr.InvalidParameterValue,
				"the scale of DECIMAL(%d, %d) must be from 0 to its precision", p, s).At(w.d.pos)
		}
	}
	return nil
}

// pseudoColumn tells whether rows of ksqlDB have a column of this name, beside those
// that are declared.
func pseudoColumn(name string) bool {
	return reservedColumn(name) || name == "windowstart" || name == "windowend"
}
