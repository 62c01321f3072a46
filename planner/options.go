package planner

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxPartitions bounds the partitions of one relation.
const maxPartitions = 4096

// ignoredOptions are ksqlDB's and PostgreSQL's options without a meaning here;
// those that are true give a NOTICE when they are used.
var ignoredOptions = map[string]bool{
	"kafka_topic": false, "value_format": false, "key_format": false, "format": false,
	"replicas": true, "wrap_single_value": true, "cleanup_policy": true,
	"key_delimiter": true, "value_delimiter": true, "value_schema_id": true,
	"key_schema_id": true, "key_schema_full_name": true, "value_schema_full_name": true,
	"value_avro_schema_full_name": true, "key_protobuf_nullable_representation": true,
	"value_protobuf_nullable_representation": true, "sourced_by_connector": true,
	"window_size": true, "fillfactor": true,
	"autovacuum_enabled": true, "oids": true, "security_barrier": true,
	"security_invoker": true, "check_option": true,
}

// knownOptions are those that do something.
var knownOptions = []string{"partitions", "retention", "retention_bytes", "retention_ms",
	"timestamp", "timestamp_format", "on_conflict", "ttl", "on_error", "dialect"}

// options applies the WITH options of a stream, table or view.
func (d *definition) options(opts []sql.Option) error {
	d.rel.OnConflict = ""
	if d.rel.Kind == catalog.KindTable {
		d.rel.OnConflict = "upsert"
	}
	seen := map[string]bool{}
	for _, o := range opts {
		name := lower(o.Name)
		if seen[name] {
			return sqlerr.New(sqlerr.SyntaxError,
				"option \"%s\" specified more than once", name).At(o.Pos())
		}
		seen[name] = true
		if err := d.option(name, o); err != nil {
			return err
		}
		text, err := optionText(o)
		if err != nil {
			return err
		}
		d.rel.Options = append(d.rel.Options, catalog.Option{Name: name, Value: text})
	}
	if d.rel.Partitions == 0 {
		n, err := strconv.Atoi(d.b.env.setting("default_partitions", "6"))
		if err != nil || n < 1 || n > maxPartitions {
			n = 6
		}
		d.rel.Partitions = n
	}
	return nil
}

func (d *definition) option(name string, o sql.Option) error {
	switch name {
	case "partitions":
		n, err := optionInt(o, 1, maxPartitions)
		d.rel.Partitions = int(n)
		return err
	case "retention":
		v, err := d.b.optionDuration(o)
		d.rel.RetentionMicros = v
		return err
	case "ttl":
		return d.timeToLive(o)
	case "retention_ms":
		v, err := optionInt(o, -1, 1<<53)
		d.rel.RetentionMicros = max(v, 0) * 1000
		return err
	case "retention_bytes":
		v, err := optionInt(o, 0, 1<<62)
		d.rel.RetentionBytes = v
		return err
	case "timestamp":
		return d.timestampOption(o)
	case "timestamp_format", "on_error":
		text, err := optionText(o)
		if err == nil && name == "on_error" && text != "null" && text != "fail" {
			return badOption(o, "'null' or 'fail'")
		}
		return err
	case "window_type":
		text, err := optionText(o)
		if err == nil && !contains([]string{"tumbling", "hopping", "session"}, lower(text)) {
			return badOption(o, "one of tumbling, hopping, session")
		}
		return err
	case "dialect":
		text, err := optionText(o)
		if err == nil && !contains(dialects, lower(text)) {
			return badOption(o, "one of "+strings.Join(dialects, ", "))
		}
		return err
	case "on_conflict":
		text, err := optionText(o)
		if err != nil {
			return err
		}
		text = lower(text)
		if d.rel.Kind != catalog.KindTable || text != "upsert" && text != "error" {
			return badOption(o, "'upsert' or 'error', and belongs to tables")
		}
		d.rel.OnConflict = text
		return nil
	}
	if name == "format" || name == "key_format" || name == "value_format" {
		return checkFormat(o)
	}
	notice, known := ignoredOptions[name]
	if !known {
		return unknownOption(name, o.Pos())
	}
	if notice {
		d.b.notice("option \"%s\" has no meaning here and is ignored", name)
	}
	return nil
}

// ksqlFormats are the formats that ksqlDB's statements may name; rows are stored in
// columns whatever they say.
var ksqlFormats = []string{"json", "json_sr", "avro", "protobuf", "protobuf_nosr", "delimited",
	"kafka", "none"}

func checkFormat(o sql.Option) error {
	text, err := optionText(o)
	if err != nil {
		return err
	}
	if contains(ksqlFormats, lower(text)) {
		return nil
	}
	return badOption(o, "one of "+strings.Join(ksqlFormats, ", "))
}

func unknownOption(name string, pos int) error {
	err := sqlerr.New(sqlerr.InvalidParameterValue,
		"option \"%s\" is not recognized", name).At(pos)
	if near := catalog.Nearest(name, knownOptions); near != "" {
		return err.WithHint("Did you mean \"%s\"?", near)
	}
	return err.WithHint("The options are %s.", strings.Join(knownOptions, ", "))
}

func badOption(o sql.Option, want string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for option \"%s\"", lower(o.Name)).At(o.Pos()).
		WithHint("The value must be %s.", want)
}

// timestampOption names the column that gives the event time.
func (d *definition) timestampOption(o sql.Option) error {
	name, err := optionText(o)
	if err != nil {
		return err
	}
	i := d.rel.ColumnIndex(name)
	if i < 0 {
		i = d.rel.ColumnIndex(lower(name))
	}
	if i < 0 {
		return sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" named in option timestamp does not exist", name).At(o.Pos())
	}
	switch t := d.rel.Columns[i].Type; t.Kind {
	case types.Timestamp, types.Timestamptz, types.Int8, types.Text, types.Varchar:
	default:
		return sqlerr.New(sqlerr.DatatypeMismatch,
			"timestamp column \"%s\" cannot be of type %s", name, t).At(o.Pos()).
			WithHint("Use a timestamp, a timestamptz, milliseconds as bigint, or text with the " +
				"option timestamp_format.")
	}
	d.rel.TimeColumn = i
	return nil
}

// optionText gives an option's value as text.
func optionText(o sql.Option) (string, error) {
	switch v := o.Value.(type) {
	case nil:
		return "true", nil
	case *sql.Const:
		return v.Val, nil
	case *sql.ColRef:
		if !v.Star && len(v.Name) == 1 {
			return v.Name[0], nil
		}
	case *sql.Unary:
		if c, ok := v.X.(*sql.Const); ok && v.Op == "-" {
			return "-" + c.Val, nil
		}
	case *sql.TypedLit:
		return v.Val, nil
	}
	return "", badOption(o, "a constant")
}

func optionBool(o sql.Option) (bool, error) {
	text, err := optionText(o)
	if err != nil {
		return false, err
	}
	switch lower(text) {
	case "true", "on", "1", "yes":
		return true, nil
	case "false", "off", "0", "no":
		return false, nil
	}
	return false, badOption(o, "true or false")
}

func optionInt(o sql.Option, lo, hi int64) (int64, error) {
	text, err := optionText(o)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || v < lo || v > hi {
		return 0, badOption(o, sprintf("an integer from %d to %d", lo, hi))
	}
	return v, nil
}

// optionDuration reads '7 days' as microseconds; a number is milliseconds, and
// 'forever' is 0.
func (b *builder) optionDuration(o sql.Option) (int64, error) {
	text, err := optionText(o)
	if err != nil {
		return 0, err
	}
	if lower(text) == "forever" || lower(text) == "infinite" {
		return 0, nil
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		if v < 0 || v > 1<<53 {
			return 0, badOption(o, "an interval such as '7 days'")
		}
		return v * 1000, nil
	}
	lit := &expr.Const{D: types.TextDatum(text), T: types.Of(types.Unknown)}
	x, err := expr.CoerceTo(lit, types.Of(types.Interval), expr.CoerceExplicit, &scope{b: b}, o.Pos())
	if err != nil {
		return 0, badOption(o, "an interval such as '7 days'")
	}
	c, ok := x.(*expr.Const)
	if !ok {
		return 0, badOption(o, "an interval such as '7 days'")
	}
	v, err := intervalMicros(c.D)
	if err != nil || v < 0 {
		return 0, badOption(o, "an interval such as '7 days'")
	}
	return v, nil
}

// timeToLive is how long a row of a table lives after its ROWTIME. Rows of a stream have
// one time only, so that there it is the retention.
func (d *definition) timeToLive(o sql.Option) error {
	v, err := d.b.optionDuration(o)
	if err != nil {
		return err
	}
	switch {
	case d.rel.Kind == catalog.KindStream:
		d.rel.RetentionMicros = v
	case d.rel.Kind != catalog.KindTable || d.computed:
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"\"%s\" is the result of a query, whose rows have no ttl of their own",
			d.rel.Name).At(o.Pos()).
			WithHint("Set ttl on the tables that the query reads, or select by time in it.")
	}
	d.rel.TTLMicros = v
	return nil
}
