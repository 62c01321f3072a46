package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

func defineFormat(r *registry) {
	r.fn("to_char(timestamp, text) text", charOfTimes(sameTime,
		func(_ *Env, us int64) moment { return momentFromMicros(us) }), "text by a template",
		"to_char(timestamp '2002-04-20 17:31:12.66', 'YYYY-MM-DD HH24:MI:SS.MS FMDay')").stable()
	r.fn("to_char(timestamptz, text) text", charOfTimes(zoneTime,
		func(env *Env, us int64) moment { return momentAt(zoneOf(env), us) }), "text by a template",
		"to_char(timestamptz '2002-04-20 17:31:12.66+00', 'HH12:MI:SS AM TZ')").stable()
	r.fn("to_char(interval, text) text", func(a []types.Datum) (types.Datum, error) {
		if a[1].S == "" {
			return types.NullDatum, nil
		}
		s, err := toCharTime(momentOfInterval(a[0].Interval()), a[1].S)
		return types.TextDatum(s), err
	}, "text by a template", "to_char(interval '15h 2m 12s', 'HH24:MI:SS')").stable()
	num := func(sig, example string, f func(d types.Datum, format string) (string, error)) {
		r.fn("to_char("+sig+", text) text", func(a []types.Datum) (types.Datum, error) {
			s, err := f(a[0], a[1].S)
			return types.TextDatum(s), err
		}, "text by a template", example).stable()
	}
	num("int4", "to_char(125, '999')", func(d types.Datum, f string) (string, error) {
		return toCharInt(types.Int4, d.I, f)
	})
	num("int8", "to_char(125000::bigint, '999,999,999')", func(d types.Datum, f string) (string, error) {
		return toCharInt(types.Int8, d.I, f)
	})
	num("numeric", "to_char(-125.8, '999D99S')", func(d types.Datum, f string) (string, error) {
		return toCharNumber(d.Decimal(), f)
	})
	for _, k := range []struct {
		name, example string
		digits        int
	}{
		{"float4", "to_char(125.8::real, '999D9')", 6},
		{"float8", "to_char(-0.1::float8, 'FM9.99')", 15},
	} {
		r.fn("to_char("+k.name+", text) text", func(a []types.Datum) (types.Datum, error) {
			s, err := toCharFloat(a[0].F, k.digits, a[1].S)
			return types.TextDatum(s), err
		}, "text by a template", k.example).stable()
	}
	r.fn("to_number(text, text) numeric", func(a []types.Datum) (types.Datum, error) {
		if a[1].S == "" {
			return types.NullDatum, nil
		}
		d, err := toNumber(a[0].S, a[1].S)
		return types.NumericDatum(d), err
	}, "number of a text by a template", "to_number('12,454.8-', '99G999D9S')").stable()
	r.fn("to_date(text, text) date", func(a []types.Datum) (types.Datum, error) {
		days, err := toDate(a[0].S, a[1].S)
		return types.IntDatum(days), err
	}, "date of a text by a template", "to_date('05 Dec 2000', 'DD Mon YYYY')").stable()
	r.fn("to_timestamp(text, text) timestamptz", func(env *Env, a []types.Datum) (types.Datum, error) {
		us, err := toTimestamp(env, a[0].S, a[1].S)
		return types.IntDatum(us), err
	}, "instant of a text by a template", "to_timestamp('05 Dec 2000 12:30', 'DD Mon YYYY HH24:MI')").stable()
}
