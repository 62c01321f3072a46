package expr

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineRare defines functions of PostgreSQL that few queries call: forms of others
// with one more argument, and functions behind syntax.
func defineRare(r *registry) {
	defineNormal(r)
	defineRareJSON(r)
	defineRareTimes(r)
	r.fn("string_to_table(text, text, text) text", func(_ *Env, a []types.Datum,
		emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		for _, p := range splitToArray(a[0].S, a[1]) {
			d := types.TextDatum(p)
			if !a[2].Null && p == a[2].S {
				d = types.NullDatum
			}
			if err := emit([]types.Datum{d}); err != nil {
				return err
			}
		}
		return nil
	}, "the fields between delimiters, one a row, with a text that stands for NULL",
		"string_to_table('a,b,c', ',', 'b')").nullable()
	overlay := func(a []types.Datum) (types.Datum, error) {
		n := int64(len(a[1].S))
		if len(a) > 3 {
			n = a[3].I
		}
		switch {
		case a[2].I <= 0:
			return types.NullDatum, errNegativeSubstring()
		case n > 0 && a[2].I+n > 1<<31-1:
			return types.NullDatum, errIntRange(types.Int4)
		}
		s := a[0].S
		head := s[:min(a[2].I-1, int64(len(s)))]
		tail := s[min(max(a[2].I+n-1, 0), int64(len(s))):]
		return types.TextDatum(head + a[1].S + tail), nil
	}
	r.fn("overlay(bytea, bytea, int4) bytea", overlay, "bytes replaced",
		"overlay('\\x0102'::bytea placing '\\xff'::bytea from 2)")
	r.fn("overlay(bytea, bytea, int4, int4) bytea", overlay, "bytes replaced",
		"overlay('\\x010203'::bytea placing '\\xff'::bytea from 2 for 1)")
	r.fn("length(bytea, name) int4", func(a []types.Datum) (types.Datum, error) {
		n, err := lengthIn(a[0].S, a[1].S)
		return types.IntDatum(n), err
	}, "number of characters of an encoding", "length('\\x6a6f73c3a9'::bytea, 'UTF8')").stable()
	r.fn("convert(bytea, name, name) bytea", func(a []types.Datum) (types.Datum, error) {
		out, err := convertBetween(a[0].S, a[1].S, a[2].S)
		return types.TextDatum(out), err
	}, "bytes from one encoding in another", "convert('\\x616263'::bytea, 'UTF8', 'UTF8')").stable()
	r.fn("pg_size_bytes(text) int8", sizeBytes, "bytes of a size with a unit", "pg_size_bytes('1.5 GB')")
	r.fn("like(bytea, bytea) bool", likeBytes(false), "whether bytes match a LIKE pattern",
		"pg_catalog.\"like\"('\\x6162'::bytea, 'a%'::bytea)")
	r.fn("notlike(bytea, bytea) bool", likeBytes(true), "whether bytes do not match a LIKE pattern",
		"pg_catalog.notlike('\\x6162'::bytea, 'a%'::bytea)")
	r.fn("setseed(float8) void", func(_ *Env, a []types.Datum) (types.Datum, error) {
		if !(a[0].F >= -1 && a[0].F <= 1) {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"setseed parameter %s is out of allowed range [-1,1]", types.AppendFloat8(nil, a[0].F))
		}
		return types.TextDatum(""), nil
	}, "accepted; random numbers have no seed", "setseed(0.5)").volatile()
}

// sizeBytes is pg_size_bytes: a number and a unit of 1024.
func sizeBytes(s string) (int64, error) {
	bad := func() error {
		return sqlerr.New(sqlerr.InvalidParameterValue, "invalid size: \"%s\"", s)
	}
	t := strings.TrimSpace(s)
	n := 0
	for n < len(t) && strings.IndexByte("+-.0123456789", t[n]) >= 0 {
		n++
	}
	if n+1 < len(t) && t[n]|0x20 == 'e' && strings.IndexByte("+-0123456789", t[n+1]) >= 0 {
		for n++; n < len(t) && strings.IndexByte("+-0123456789", t[n]) >= 0; {
			n++
		}
	}
	d, err := types.ParseDecimal(t[:n])
	if err != nil || n == 0 || strings.TrimLeft(t[:n], "+-.") == "" {
		return 0, bad()
	}
	unit := strings.TrimSpace(t[n:])
	shift := map[string]int64{"": 0, "bytes": 0, "kb": 10, "mb": 20, "gb": 30, "tb": 40, "pb": 50}
	sh, ok := shift[strings.ToLower(unit)]
	if !ok {
		return 0, bad().(*sqlerr.Error).WithDetail("Invalid size unit: \"%s\".", unit).
			WithHint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
	}
	if d, err = d.Mul(types.DecimalFromInt(1 << sh)); err != nil {
		return 0, err
	}
	v, err := types.Cast(nil, types.Of(types.Numeric), types.Of(types.Int8), types.NumericDatum(d), true)
	return v.I, err
}

var normalForms = map[string]norm.Form{"nfc": norm.NFC, "nfd": norm.NFD, "nfkc": norm.NFKC, "nfkd": norm.NFKD}

func normalForm(name string) (norm.Form, error) {
	f, ok := normalForms[strings.ToLower(name)]
	if !ok {
		return f, sqlerr.New(sqlerr.InvalidParameterValue, "invalid normalization form: %s", name)
	}
	return f, nil
}

// defineNormal defines the normal forms of Unicode, which syntax calls too:
// normalize(s, NFD), s IS NFC NORMALIZED.
func defineNormal(r *registry) {
	r.fn("normalize(s text, form text = 'NFC') text", func(s, form string) (string, error) {
		f, err := normalForm(form)
		if err != nil {
			return "", err
		}
		return f.String(s), nil
	}, "the text in a normal form of Unicode", "normalize(U&'\\0061\\0308bc', NFC)")
	r.fn("is_normalized(s text, form text = 'NFC') bool", func(a []types.Datum) (types.Datum, error) {
		f, err := normalForm(a[1].S)
		if err != nil {
			return types.NullDatum, err
		}
		return types.BoolDatum(f.IsNormalString(a[0].S)), nil
	}, "whether a text is in a normal form of Unicode", "U&'\\0061\\0308bc' IS NFD NORMALIZED")
}

// defineRareJSON defines the forms that write JSON over several lines, and
// jsonb_set_lax.
func defineRareJSON(r *registry) {
	pretty := func(f *Func, args []types.Type, _ types.Type) {
		t := args[0]
		f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
			s := string(types.AppendJSON(typesEnv(env), nil, t, a[0]))
			if a[1].Bool() {
				s = topLines(s)
			}
			return types.TextDatum(s), nil
		}
	}
	r.fn("row_to_json(record, bool) json", pretty, "the row as JSON, one field a line",
		"row_to_json(row(1, 'foo'), true)").stable()
	r.fn("array_to_json(anyarray, bool) json", pretty, "the array as JSON, one element a line",
		"array_to_json('{{1,5},{99,100}}'::int[], true)").stable()
	r.fn("jsonb_set_lax(jsonb_in jsonb, path text[], replacement jsonb, "+
		"create_if_missing bool = true, null_value_treatment text = 'use_json_null') jsonb", setLax,
		"with the value at a path replaced, and a say in what NULL does",
		"jsonb_set_lax('[{\"f1\":1,\"f2\":null},2,null,3]', '{0,f1}', null)").nullable()
}

// topLines puts the elements of the outermost array or object on lines of their own.
func topLines(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		b.WriteByte(c)
		switch {
		case quoted && c == '\\':
			i++
			b.WriteByte(s[i])
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 1:
			b.WriteString("\n ")
		}
	}
	return b.String()
}

func setLax(a []types.Datum) (types.Datum, error) {
	if a[0].Null || a[1].Null || a[3].Null {
		return types.NullDatum, nil
	}
	if a[4].Null {
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
			"null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", "+
				"or \"raise_exception\"")
	}
	k := types.JSONKind(a[0].S)
	isEmpty := (k == 'a' || k == 'o') && types.JSONLen(a[0].S) == 0
	if isEmpty && !a[3].Bool() && (!a[2].Null || a[4].S == "use_json_null") {
		if path := types.OpenArrayDatum(types.Of(types.Text), a[1]); path.NDims() > 1 {
			return types.NullDatum, errSubscripts()
		}
		return a[0], nil
	}
	value := a[2].S
	if a[2].Null {
		switch a[4].S {
		case "raise_exception":
			return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed, "JSON value must not be null").
				WithDetail("Exception was raised because null_value_treatment is \"raise_exception\".").
				WithHint("To avoid, either change the null_value_treatment argument or ensure that an " +
					"SQL NULL is not passed.")
		case "use_json_null":
			value = "null"
		case "return_target":
			return a[0], nil
		case "delete_key":
			path, known, err := wholePath(a[0].S, a[1])
			if err != nil || !known {
				return a[0], err
			}
			s, err := types.JSONDeletePath(a[0].S, path)
			return types.TextDatum(s), err
		default:
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", "+
					"or \"raise_exception\"")
		}
	}
	path, known, err := wholePath(a[0].S, a[1])
	if err != nil || !known {
		return a[0], err
	}
	s, err := types.JSONSet(a[0].S, path, value, a[3].Bool())
	return types.TextDatum(s), err
}

// defineRareTimes defines the constructors of times from their parts.
func defineRareTimes(r *registry) {
	join := func(a []types.Datum) (int64, error) {
		us, err := types.DateToTimestamp(a[0].I)
		if err != nil || isInfinite(us) {
			return us, err
		}
		return us + a[1].I, nil
	}
	r.fn("timezone(interval, timetz) timetz", func(a []types.Datum) (types.Datum, error) {
		if _, err := intervalZone(a[0].Interval()); err != nil {
			return types.NullDatum, err
		}
		west := int32(-a[0].Interval().Micros / 1e6)
		return types.TimetzDatum(a[1].Timetz().In(west)), nil
	}, "the same time of day at an offset", "timetz '20:38:40-05' at time zone interval '-08:00'")
	r.fn("timestamp(date, time) timestamp", func(a []types.Datum) (types.Datum, error) {
		us, err := join(a)
		return types.IntDatum(us), err
	}, "date and time of day", "pg_catalog.\"timestamp\"(date '2024-02-29', time '12:30')")
	r.fn("timestamptz(date, time) timestamptz", func(env *Env, a []types.Datum) (types.Datum, error) {
		us, err := join(a)
		if err != nil || isInfinite(us) {
			return types.IntDatum(us), err
		}
		return checkedMoment(types.FromZone(zoneOf(env), us))
	}, "instant of a date and a time of day",
		"pg_catalog.timestamptz(date '2024-02-29', time '12:30')").stable()
	r.fn("timestamptz(date, timetz) timestamptz", func(a []types.Datum) (types.Datum, error) {
		us, err := types.DateToTimestamp(a[0].I)
		if err != nil || isInfinite(us) {
			return types.IntDatum(us), err
		}
		t := a[1].Timetz()
		return types.IntDatum(us + t.Micros + int64(t.West)*1e6), nil
	}, "instant of a date and a time of day with its zone",
		"pg_catalog.timestamptz(date '2024-02-29', timetz '12:30+02')")
}

// likeBytes is the function behind LIKE of bytes.
func likeBytes(not bool) Kernel { return likeKernel(false, not, true) }
