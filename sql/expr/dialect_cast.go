package expr

import (
	"encoding/base64"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineDialectCasts(r *registry) {
	for _, k := range []string{"float8", "numeric"} {
		r.dialect("cast_integer("+k+") "+k, bindCut, "CAST to an integer: without the fraction",
			"CAST((-1.7)::"+k+" AS INT)")
	}
	r.dialect("cast_boolean(text) bool", func(a []types.Datum) (types.Datum, error) {
		return types.BoolDatum(isTrue(strings.TrimSpace(a[0].S))), nil
	}, "CAST to BOOLEAN: whether the text is true or yes, or the beginning of one",
		"CAST('ye'::text AS BOOLEAN)")
	r.dialect("cast_timestamp(text) timestamp", func(a []types.Datum) (types.Datum, error) {
		return readTimestamp(strings.TrimSpace(a[0].S))
	}, "CAST to TIMESTAMP: an ISO time may be cut short, and one of another zone becomes UTC",
		"CAST('2020-02-03T04+01:00'::text AS TIMESTAMP)")
	r.dialect("cast_date(text) date", func(a []types.Datum) (types.Datum, error) {
		s := strings.TrimSpace(a[0].S)
		if len(s) == len("2006") {
			s += "-01-01"
		}
		return types.ParseText(nil, types.Of(types.Date), s)
	}, "CAST to DATE: a month or year is its first day", "CAST('2020'::text AS DATE)")
	r.dialect("cast_bytes(text) bytea", func(a []types.Datum) (types.Datum, error) {
		if strings.HasPrefix(a[0].S, `\x`) {
			return types.ParseText(nil, types.Of(types.Bytea), a[0].S)
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(a[0].S))
		if err != nil {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidTextRepresentation,
				"invalid input syntax for base64: \"%s\"", a[0].S)
		}
		return types.TextDatum(string(b)), nil
	}, "CAST to BYTES: of base64, or of hexadecimal digits after \\x", "CAST('AQI='::text AS BYTES)")
	r.dialect("cast_string(any) text", bindJavaText, "CAST to STRING: the text that Java has",
		"CAST(MAP('a' := ARRAY[1, NULL]) AS STRING)")
}

// isTrue tells whether a text is true or yes, or the beginning of one, in any case.
func isTrue(s string) bool {
	s = strings.ToLower(s)
	return s != "" && (strings.HasPrefix("true", s) || strings.HasPrefix("yes", s))
}

// readTimestamp reads an ISO time that may be cut short; other texts are read as
// PostgreSQL does.
func readTimestamp(s string) (types.Datum, error) {
	if full, ok := CompleteTime(s, "+00"); ok {
		if d, err := types.ParseText(nil, types.Of(types.Timestamptz), full); err == nil {
			return d, nil
		}
	}
	return types.ParseText(nil, types.Of(types.Timestamp), s)
}

// timeForm is a whole time, of which any beginning behind the year may be given.
const timeForm = "0000-01-01T00:00:00"

// CompleteTime fills up an ISO time, and tells whether it is one; zone is that of
// times that name none.
func CompleteTime(s, zone string) (string, bool) {
	text := s
	if i := strings.IndexAny(s, "Zz+"); i >= 0 {
		text, zone = s[:i], s[i:]
	} else if i := strings.LastIndexByte(s, '-'); i > len("0000-01-01") {
		text, zone = s[:i], s[i:]
	}
	for i := range len(text) {
		if i >= len(timeForm) {
			break
		}
		digit := text[i] >= '0' && text[i] <= '9'
		if wantDigit := timeForm[i] >= '0' && timeForm[i] <= '9'; digit != wantDigit {
			return "", false
		}
	}
	if len(text) < len("0000") {
		return "", false
	}
	if len(text) < len(timeForm) {
		text += timeForm[len(text):]
	}
	return text + zone, true
}
