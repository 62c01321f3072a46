package expr

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// unitCalls are the functions whose first argument is a bare unit: DATEADD(DAYS,
// 3, d).
var unitCalls = map[string]bool{"dateadd": true, "datesub": true, "timeadd": true, "timesub": true,
	"timestampadd": true, "timestampsub": true}

// unitArgument gives the unit that a bare word names.
func unitArgument(e sql.Expr) (sql.Expr, bool) {
	c, ok := e.(*sql.ColRef)
	if !ok || c.Star || len(c.Name) != 1 {
		return e, false
	}
	if _, ok := ksqlUnit(c.Name[0], 1); !ok {
		return e, false
	}
	return &sql.Const{Loc: c.Loc, Kind: sql.StrConst, Val: c.Name[0]}, true
}

// ksqlUnit gives n of a unit as an interval.
func ksqlUnit(name string, n int64) (types.IntervalValue, bool) {
	var iv types.IntervalValue
	switch strings.TrimSuffix(strings.ToUpper(name), "S") {
	case "YEAR":
		iv.Months = int32(12 * n)
	case "MONTH":
		iv.Months = int32(n)
	case "WEEK":
		iv.Days = int32(7 * n)
	case "DAY":
		iv.Days = int32(n)
	case "HOUR":
		iv.Micros = n * 3600e6
	case "MINUTE":
		iv.Micros = n * 60e6
	case "SECOND":
		iv.Micros = n * 1e6
	case "MILLISECOND":
		iv.Micros = n * 1000
	default:
		return iv, false
	}
	return iv, true
}

func unitOf(a []types.Datum, sign int64) (types.IntervalValue, error) {
	iv, ok := ksqlUnit(a[0].S, sign*a[1].I)
	if !ok {
		return iv, sqlerr.New(sqlerr.InvalidParameterValue, "unit \"%s\" not recognized", a[0].S).
			WithHint("Units are YEARS, MONTHS, WEEKS, DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS.")
	}
	return iv, nil
}

// defineKsqlTime defines ksqlDB's functions of dates and times. Its TIMESTAMP is
// an instant that reads as UTC.
func defineKsqlTime(r *registry) {
	for _, d := range []struct {
		suffix string
		sign   int64
	}{{"add", 1}, {"sub", -1}} {
		r.fn("date"+d.suffix+"(text, int4, date) date", func(a []types.Datum) (types.Datum, error) {
			iv, err := unitOf(a, d.sign)
			if err != nil {
				return types.NullDatum, err
			}
			v, err := types.DateToTimestamp(a[2].I)
			if err == nil {
				v, err = types.AddToTimestamp(v, iv)
			}
			return types.IntDatum(types.TimestampToDate(v)), err
		}, "date moved by units", "date"+d.suffix+"(DAYS, 3, date '2024-02-28')")
		r.fn("time"+d.suffix+"(text, int4, time) time", func(a []types.Datum) (types.Datum, error) {
			iv, err := unitOf(a, d.sign)
			return types.IntDatum(types.AddToTime(a[2].I, iv)), err
		}, "time moved by units", "time"+d.suffix+"(HOURS, 3, time '22:30')")
		for _, k := range []string{"timestamp", "timestamptz"} {
			r.fn("timestamp"+d.suffix+"(text, int4, "+k+") "+k, func(a []types.Datum) (types.Datum, error) {
				iv, err := unitOf(a, d.sign)
				if err != nil {
					return types.NullDatum, err
				}
				v, err := types.AddToTimestamp(a[2].I, iv)
				return types.IntDatum(v), err
			}, "time moved by units", "timestamp"+d.suffix+"(DAYS, 1, "+k+" '2024-02-28 10:00')")
		}
	}
	defineKsqlFormats(r)
	defineKsqlParsers(r)
	defineKsqlEpochs(r)
}

// zoneArgument gives the zone of the i-th argument and its id; def is the id when
// there is no argument.
func zoneArgument(a []types.Datum, i int, def string) (*time.Location, string, error) {
	if len(a) <= i {
		return time.UTC, def, nil
	}
	return javaZone(a[i].S)
}

func formatInstant(us int64, a []types.Datum, def string) (types.Datum, error) {
	zone, id, err := zoneArgument(a, 2, def)
	if err != nil {
		return types.NullDatum, err
	}
	t := javaInstant(zone, id, us)
	if zone == time.UTC {
		t.zone = id
	}
	s, err := formatJava(t, a[1].S)
	return types.TextDatum(s), err
}

func defineKsqlFormats(r *registry) {
	r.fn("format_date(date, text) text", func(a []types.Datum) (types.Datum, error) {
		s, err := formatJava(javaDateOf(a[0].I), a[1].S)
		return types.TextDatum(s), err
	}, "text of a date in a Java format", "format_date(date '2024-02-29', 'yyyy-MM-dd')")
	r.fn("format_time(time, text) text", func(a []types.Datum) (types.Datum, error) {
		s, err := formatJava(javaTimeOf(a[0].I), a[1].S)
		return types.TextDatum(s), err
	}, "text of a time in a Java format", "format_time(time '12:34:56', 'HH:mm')")
	r.fn("datetostring(int4, text) text", func(a []types.Datum) (types.Datum, error) {
		s, err := formatJava(javaDateOf(a[0].I), a[1].S)
		return types.TextDatum(s), err
	}, "text of days since 1970 in a Java format", "datetostring(19782, 'yyyy-MM-dd')")
	for _, z := range []struct{ sig, arg string }{{"", ""}, {", text", ", 'America/New_York'"}} {
		for _, k := range []string{"timestamp", "timestamptz"} {
			r.fn("format_timestamp("+k+", text"+z.sig+") text", func(a []types.Datum) (types.Datum, error) {
				return formatInstant(a[0].I, a, "GMT")
			}, "text of a timestamp in a Java format",
				"format_timestamp("+k+" '2024-02-29 12:34:56.789', 'yyyy-MM-dd HH:mm:ss.SSS'"+z.arg+")")
		}
		r.fn("timestamptostring(int8, text"+z.sig+") text", func(a []types.Datum) (types.Datum, error) {
			return formatInstant(a[0].I*1000, a, "UTC")
		}, "text of milliseconds since 1970 in a Java format",
			"timestamptostring(1709210096789, 'yyyy-MM-dd HH:mm:ss.SSS'"+z.arg+")")
	}
}

func defineKsqlParsers(r *registry) {
	r.fn("parse_date(text, text) date", func(a []types.Datum) (types.Datum, error) {
		us, err := parseLoose(a[0].S, a[1].S)
		if err != nil {
			return types.NullDatum, err
		}
		if us%usecPerDay != 0 {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"date format \"%s\" has a time", a[1].S).WithHint("Use parse_timestamp.")
		}
		return types.IntDatum(types.TimestampToDate(us)), nil
	}, "date of a text in a Java format", "parse_date('2024-02-29', 'yyyy-MM-dd')")
	r.fn("parse_time(text, text) time", func(a []types.Datum) (types.Datum, error) {
		p, err := parseJava(a[0].S, a[1].S)
		if err != nil {
			return types.NullDatum, err
		}
		if !p.hasTime() || p.saysDate() {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"time format \"%s\" is not one of a time alone", a[1].S).WithHint("Use parse_timestamp.")
		}
		return types.IntDatum(p.micros() % usecPerDay), nil
	}, "time of a text in a Java format", "parse_time('12:34', 'HH:mm')")
	r.fn("stringtodate(text, text) int4", func(a []types.Datum) (types.Datum, error) {
		p, err := parseJava(a[0].S, a[1].S)
		if err != nil {
			return types.NullDatum, err
		}
		if !p.hasDate() {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"date format \"%s\" has no whole date", a[1].S)
		}
		days, _ := p.days()
		return types.IntDatum(days), nil
	}, "days since 1970 of a text in a Java format", "stringtodate('2024-02-29', 'yyyy-MM-dd')")
	for _, z := range []struct{ sig, arg string }{{"", ""}, {", text", ", 'America/New_York'"}} {
		parse := func(unit int64) func(a []types.Datum) (types.Datum, error) {
			return func(a []types.Datum) (types.Datum, error) {
				zone, _, err := zoneArgument(a, 2, "UTC")
				if err != nil {
					return types.NullDatum, err
				}
				p, err := parseJava(a[0].S, a[1].S)
				if err != nil {
					return types.NullDatum, err
				}
				return types.IntDatum(floorDiv(p.instant(zone), unit)), nil
			}
		}
		r.fn("parse_timestamp(text, text"+z.sig+") timestamp", parse(1),
			"timestamp of a text in a Java format",
			"parse_timestamp('2024-02-29 12:34', 'yyyy-MM-dd HH:mm'"+z.arg+")")
		r.fn("stringtotimestamp(text, text"+z.sig+") int8", parse(1000),
			"milliseconds since 1970 of a text in a Java format",
			"stringtotimestamp('2024-02-29 12:34', 'yyyy-MM-dd HH:mm'"+z.arg+")")
	}
}

func defineKsqlEpochs(r *registry) {
	r.fn("from_days(int4) date", func(a []types.Datum) (types.Datum, error) { return a[0], nil },
		"date of days since 1970", "from_days(19782)")
	r.fn("from_unixtime(int8) timestamp", func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(a[0].I * 1000), nil
	}, "timestamp of milliseconds since 1970", "from_unixtime(1709210096789)")
	r.fn("unix_date(date) int4", func(a []types.Datum) (types.Datum, error) { return a[0], nil },
		"days since 1970", "unix_date(date '2024-02-29')")
	r.fn("unix_date() int4", func(env *Env) types.Datum {
		return types.IntDatum(types.TimestampToDate(env.Now))
	}, "days since 1970, today", "unix_date() > 19000").stable()
	r.fn("unix_timestamp() int8", func(env *Env) types.Datum { return types.IntDatum(env.Now / 1000) },
		"milliseconds since 1970, now", "unix_timestamp() > 0").stable()
	for _, k := range []string{"timestamp", "timestamptz"} {
		r.fn("unix_timestamp("+k+") int8", func(a []types.Datum) (types.Datum, error) {
			return types.IntDatum(floorDiv(a[0].I, 1000)), nil
		}, "milliseconds since 1970", "unix_timestamp("+k+" '2024-02-29 12:34:56.789')")
		r.fn("convert_tz("+k+", text, text) "+k, func(a []types.Datum) (types.Datum, error) {
			from, _, err := javaZone(a[1].S)
			if err != nil {
				return types.NullDatum, err
			}
			to, _, err := javaZone(a[2].S)
			if err != nil {
				return types.NullDatum, err
			}
			// Both displacements are those at the instant that the time would be in UTC.
			return types.IntDatum(a[0].I + types.AtZone(to, a[0].I) - types.AtZone(from, a[0].I)), nil
		}, "local time of one zone in another",
			"convert_tz("+k+" '2024-02-29 12:00', 'UTC', 'America/New_York')")
	}
}
