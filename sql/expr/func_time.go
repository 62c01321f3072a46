package expr

import (
	"math"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

const usecPerDay = int64(24 * time.Hour / time.Microsecond)

// zoneOf gives the session's time zone, never nil.
func zoneOf(env *Env) *time.Location {
	if env == nil || env.Zone == nil {
		return time.UTC
	}
	return env.Zone
}

// zoneFor gives the session's zone for zoned values, nil for others.
func zoneFor(env *Env, zoned bool) *time.Location {
	if !zoned {
		return nil
	}
	return zoneOf(env)
}

// addInterval moves a timestamp; zone is nil for those without one.
func addInterval(v int64, iv types.IntervalValue, zone *time.Location) (int64, error) {
	if zone == nil {
		return types.AddToTimestamp(v, iv)
	}
	return types.AddToTimestamptz(zone, v, iv)
}

// momentOf gives a date or timestamp as microseconds, an instant when zoned.
// Dates beyond the range of timestamps become infinite, which orders them right.
func momentOf(k types.Kind, v int64, zoned bool, env *Env) int64 {
	if v == types.Infinity || v == types.NegInfinity || k == types.Timestamptz {
		return v
	}
	if k == types.Date {
		us, err := types.DateToTimestamp(v)
		if err != nil {
			return types.Infinity - 1 // later than every timestamp, but no infinity
		}
		v = us
	}
	if zoned {
		return types.FromZone(zoneOf(env), v)
	}
	return v
}

// clock gives the time of this moment, where the environment knows it.
func (env *Env) clock() int64 {
	if env.Clock == nil {
		return env.Now
	}
	return env.Clock()
}

func defineTime(r *registry) {
	now := func(env *Env) types.Datum { return types.IntDatum(env.Now) }
	for _, name := range []string{"now", "current_timestamp", "transaction_timestamp",
		"statement_timestamp"} {
		example := name + "() = now()"
		if strings.HasPrefix(name, "current") {
			example = name + " = now()"
		}
		r.fn(name+"() timestamptz", now, "start of the transaction", example).stable()
	}
	r.fn("clock_timestamp() timestamptz", func(env *Env) types.Datum {
		return types.IntDatum(env.clock())
	}, "the time as it goes on while the statement runs", "clock_timestamp() >= now()").volatile()
	local := func(env *Env) int64 { return types.AtZone(zoneOf(env), env.Now) }
	r.fn("localtimestamp() timestamp", func(env *Env) types.Datum {
		return types.IntDatum(local(env))
	}, "start of the transaction, local", "localtimestamp = now()::timestamp").stable()
	r.fn("current_date() date", func(env *Env) types.Datum {
		return types.IntDatum(types.TimestampToDate(local(env)))
	}, "today", "current_date = now()::date").stable()
	r.fn("localtime() time", func(env *Env) types.Datum {
		us := local(env) % usecPerDay
		return types.IntDatum((us + usecPerDay) % usecPerDay)
	}, "time of day at the start of the transaction", "localtime = now()::time").stable()
	r.fn("current_time() timetz", func(env *Env) types.Datum {
		us := (local(env)%usecPerDay + usecPerDay) % usecPerDay
		west := int32((env.Now - local(env)) / 1e6)
		return types.TimetzDatum(types.TimetzValue{Micros: us, West: west})
	}, "time of day at the start of the transaction", "current_time = now()::timetz").stable()
	r.fn("timeofday() text", func(env *Env) types.Datum {
		t := time.UnixMicro(env.clock()).In(zoneOf(env))
		return types.TextDatum(t.Format("Mon Jan 02 15:04:05.000000 2006 MST"))
	}, "the time as it goes on, as text", "length(timeofday()) > 20").volatile()
	defineExtract(r)
	defineTrunc(r)
	defineMake(r)
	defineZones(r)
	defineAge(r)
}

// extractKinds are the types that have fields.
var extractKinds = []struct{ name, example string }{
	{"date", "date '2001-02-16'"}, {"timestamp", "timestamp '2001-02-16 20:38:40.12'"},
	{"timestamptz", "timestamptz '2001-02-16 20:38:40.12+00'"}, {"time", "time '20:38:40.12'"},
	{"timetz", "timetz '20:38:40.12-08'"}, {"interval", "interval '2 years 3 months 4 days 05:06:07.8'"},
}

func defineExtract(r *registry) {
	for _, k := range extractKinds {
		t := signatureType(k.name)
		extract := r.fn("extract(text, "+k.name+") numeric", extractKernel(t, true),
			"a field of a date or time", "extract(hour from "+k.example+")")
		part := r.fn("date_part(text, "+k.name+") float8", extractKernel(t, false),
			"a field of a date or time", "date_part('hour', "+k.example+")")
		if k.name == "date" {
			extract.Example = "extract(year from " + k.example + ")"
			part.Example = "date_part('year', " + k.example + ")"
		}
		if k.name == "timestamptz" {
			extract.stable()
			part.stable()
		}
	}
}

// extractField finds the field that a name means for a type.
func extractField(name string, t types.Type) (types.DateField, error) {
	f, ok := types.ParseDateField(name)
	if !ok || !types.CanExtract(f, t.Kind) {
		return f, types.ErrDateField(name, t.Kind)
	}
	return f, nil
}

func extractKernel(t types.Type, numeric bool) Kernel {
	// date_part of a date works on its timestamp, which has a time of day.
	viaTimestamp := t.Kind == types.Date && !numeric
	if viaTimestamp {
		t = types.Of(types.Timestamp)
	}
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		var field types.DateField
		last, tenv := "", typesEnv(env)
		for k, r := range rows {
			name := aliasString(args[0].Bytes(int(r)))
			if t.Kind == types.Timestamp && isInfinite(args[1].I64[args[1].Row(int(r))]) && isZoneField(name) {
				setNull(out, int(r)) // PostgreSQL does not see there that it has no zone
				last = ""
				continue
			}
			if k == 0 || name != last {
				var err error
				if field, err = extractField(name, t); err != nil {
					return rowErr(k, err)
				}
				last = name
			}
			d := aliasDatum(args[1], int(r))
			if viaTimestamp {
				d.I = momentOf(types.Date, d.I, false, env)
			}
			p := types.Extract(tenv, t, field, d)
			switch {
			case p.Null:
				setNull(out, int(r))
			case numeric:
				padTo(out, int(r))
				endBytes(out, types.EncodeNumeric(out.Buf, p.Decimal()))
			default:
				out.F64[r] = p.Float()
			}
		}
		return nil
	}
}

func isZoneField(name string) bool {
	f, ok := types.ParseDateField(name)
	return ok && (f == types.FieldTimezone || f == types.FieldTimezoneHour || f == types.FieldTimezoneMinute)
}

func truncField(name string, k types.Kind) (types.DateField, error) {
	f, ok := types.ParseDateField(name)
	switch {
	case ok && types.CanTrunc(f):
		return f, nil
	case f >= types.FieldTimezone:
		return f, types.ErrDateField(name, k)
	}
	return f, sqlerr.New(sqlerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s",
		strings.ToLower(name), k.SQLName())
}

func defineTrunc(r *registry) {
	r.fn("date_trunc(text, timestamp) timestamp", truncKernel(types.Timestamp),
		"cut down to a field", "date_trunc('hour', timestamp '2001-02-16 20:38:40')")
	r.fn("date_trunc(text, timestamptz) timestamptz", truncKernel(types.Timestamptz),
		"cut down to a field", "date_trunc('day', timestamptz '2001-02-16 20:38:40+00')").stable()
	r.fn("date_trunc(text, timestamptz, text) timestamptz", func(a []types.Datum) (types.Datum, error) {
		if isInfinite(a[1].I) {
			return a[1], nil
		}
		zone, err := types.ZoneByName(a[2].S)
		if err != nil {
			return types.NullDatum, err
		}
		f, err := truncField(a[0].S, types.Timestamptz)
		if err != nil {
			return types.NullDatum, err
		}
		v, err := types.DateTruncTz(zone, f, a[1].I)
		return types.IntDatum(v), err
	}, "cut down to a field of the time in a zone",
		"date_trunc('day', timestamptz '2001-02-16 20:38:40+00', 'Australia/Sydney')").stable()
	r.fn("date_trunc(text, interval) interval", func(a []types.Datum) (types.Datum, error) {
		f, err := truncField(a[0].S, types.Interval)
		if err != nil {
			return types.NullDatum, err
		}
		v, err := types.IntervalTrunc(f, a[1].Interval())
		return types.IntervalDatum(v), err
	}, "cut down to a field", "date_trunc('hour', interval '2 days 3 hours 40 minutes')")
	bin := func(a []types.Datum) (types.Datum, error) {
		v, err := types.DateBin(a[0].Interval(), a[1].I, a[2].I)
		return types.IntDatum(v), err
	}
	r.fn("date_bin(interval, timestamp, timestamp) timestamp", bin,
		"start of the bin that a time lies in",
		"date_bin('15 minutes', timestamp '2001-02-16 20:38:40', timestamp '2001-02-16 20:05:00')")
	r.fn("date_bin(interval, timestamptz, timestamptz) timestamptz", bin,
		"start of the bin that a time lies in",
		"date_bin('15 minutes', timestamptz '2001-02-16 20:38:40+00', timestamptz '2001-02-16 00:00+00')")
}

func truncKernel(t types.Kind) Kernel {
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		var field types.DateField
		last, zone := "", zoneOf(env)
		vals, m := args[1].I64, mask(args[1])
		for k, r := range rows {
			name := aliasString(args[0].Bytes(int(r)))
			if v := vals[int(r)&m]; isInfinite(v) {
				out.I64[r] = v
				continue
			}
			var err error
			if field == types.FieldNone || name != last {
				if field, err = truncField(name, t); err != nil {
					return rowErr(k, err)
				}
				last = name
			}
			if t == types.Timestamptz {
				out.I64[r], err = types.DateTruncTz(zone, field, vals[int(r)&m])
			} else {
				out.I64[r], err = types.DateTrunc(field, vals[int(r)&m])
			}
			if err != nil {
				return rowErr(k, err)
			}
		}
		return nil
	}
}

func defineMake(r *registry) {
	r.fn("make_date(year int4, month int4, day int4) date", func(a []types.Datum) (types.Datum, error) {
		v, err := types.MakeDate(a[0].I, a[1].I, a[2].I)
		return types.IntDatum(v), err
	}, "date of its fields", "make_date(2013, 7, 15)")
	r.fn("make_time(hour int4, min int4, sec float8) time", func(a []types.Datum) (types.Datum, error) {
		v, err := types.MakeTime(a[0].I, a[1].I, a[2].F)
		return types.IntDatum(v), err
	}, "time of its fields", "make_time(8, 15, 23.5)")
	stamp := func(a []types.Datum) (int64, error) {
		return types.MakeTimestamp(a[0].I, a[1].I, a[2].I, a[3].I, a[4].I, a[5].F)
	}
	fields := "year int4, month int4, mday int4, hour int4, min int4, sec float8"
	r.fn("make_timestamp("+fields+") timestamp", func(a []types.Datum) (types.Datum, error) {
		v, err := stamp(a)
		return types.IntDatum(v), err
	}, "timestamp of its fields", "make_timestamp(2013, 7, 15, 8, 15, 23.5)")
	r.fn("make_timestamptz("+fields+") timestamptz", func(env *Env, a []types.Datum) (types.Datum, error) {
		v, err := stamp(a)
		if err != nil {
			return types.NullDatum, err
		}
		return checkedMoment(types.FromZone(zoneOf(env), v))
	}, "instant of its local fields", "make_timestamptz(2013, 7, 15, 8, 15, 23.5)").stable()
	r.fn("make_timestamptz("+fields+", timezone text) timestamptz",
		func(a []types.Datum) (types.Datum, error) {
			v, err := stamp(a)
			if err != nil {
				return types.NullDatum, err
			}
			zone, err := types.ZoneOfFields(a[6].S)
			if err != nil {
				return types.NullDatum, err
			}
			return checkedMoment(types.FromZone(zone, v))
		}, "instant of its fields in a zone",
		"make_timestamptz(2013, 7, 15, 8, 15, 23.5, 'America/New_York')").stable()
	r.fn("make_interval(years int4 = 0, months int4 = 0, weeks int4 = 0, days int4 = 0, "+
		"hours int4 = 0, mins int4 = 0, secs float8 = 0) interval",
		func(a []types.Datum) (types.Datum, error) {
			if f := a[6].F; math.IsInf(f, 0) || math.IsNaN(f) {
				return types.NullDatum, sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
			}
			v, err := types.MakeInterval(a[0].I, a[1].I, a[2].I, a[3].I, a[4].I, a[5].I, a[6].F)
			return types.IntervalDatum(v), err
		}, "interval of its fields", "make_interval(days => 10, hours => 2)")
	r.fn("to_timestamp(float8) timestamptz", func(a []types.Datum) (types.Datum, error) {
		v, err := types.ToTimestamp(a[0].F)
		return types.IntDatum(v), err
	}, "instant of seconds since 1970", "to_timestamp(1284352323.5)")
	for _, j := range []struct {
		name, doc, example string
		f                  func(types.IntervalValue) (types.IntervalValue, error)
	}{
		{"justify_hours", "24 hours turned into a day", "interval '27 hours'",
			types.IntervalValue.JustifyHours},
		{"justify_days", "30 days turned into a month", "interval '35 days'",
			types.IntervalValue.JustifyDays},
		{"justify_interval", "hours, days and months evened out", "interval '1 mon -1 hour'",
			types.IntervalValue.Justify},
	} {
		r.fn(j.name+"(interval) interval", func(a []types.Datum) (types.Datum, error) {
			v, err := j.f(a[0].Interval())
			return types.IntervalDatum(v), err
		}, j.doc, j.name+"("+j.example+")")
	}
}

func defineZones(r *registry) {
	to := func(a []types.Datum) (types.Datum, error) {
		if isInfinite(a[1].I) {
			return a[1], nil
		}
		zone, err := types.ZoneByName(a[0].S)
		if err != nil {
			return types.NullDatum, err
		}
		return checkedMoment(fromZone(zone, a[1].I))
	}
	at := func(a []types.Datum) (types.Datum, error) {
		if isInfinite(a[1].I) {
			return a[1], nil
		}
		zone, err := types.ZoneByName(a[0].S)
		if err != nil {
			return types.NullDatum, err
		}
		return checkedMoment(atZone(zone, a[1].I))
	}
	r.fn("timezone(text, timestamp) timestamptz", to, "instant of a local time in a zone",
		"timestamp '2001-02-16 20:38:40' at time zone 'America/Denver'")
	r.fn("timezone(text, timestamptz) timestamp", at, "local time of an instant in a zone",
		"timestamptz '2001-02-16 20:38:40-05' at time zone 'America/Denver'")
	r.fn("timezone(interval, timestamp) timestamptz", func(a []types.Datum) (types.Datum, error) {
		if isInfinite(a[1].I) {
			return a[1], nil
		}
		zone, err := intervalZone(a[0].Interval())
		if err != nil {
			return types.NullDatum, err
		}
		return checkedMoment(fromZone(zone, a[1].I))
	}, "instant of a local time at an offset",
		"timestamp '2001-02-16 20:38:40' at time zone interval '-08:00'")
	r.fn("timezone(interval, timestamptz) timestamp", func(a []types.Datum) (types.Datum, error) {
		if isInfinite(a[1].I) {
			return a[1], nil
		}
		zone, err := intervalZone(a[0].Interval())
		if err != nil {
			return types.NullDatum, err
		}
		return checkedMoment(atZone(zone, a[1].I))
	}, "local time of an instant at an offset",
		"timestamptz '2001-02-16 20:38:40-05' at time zone interval '-08:00'")
	defineTimetzZone(r)
	defineIsFinite(r)
}

func defineTimetzZone(r *registry) {
	r.fn("timezone(text, timetz) timetz", func(env *Env, a []types.Datum) (types.Datum, error) {
		zone, err := types.ZoneByName(a[0].S)
		if err != nil {
			return types.NullDatum, err
		}
		west := int32((env.Now - types.AtZone(zone, env.Now)) / 1e6)
		return types.TimetzDatum(a[1].Timetz().In(west)), nil
	}, "the same time of day in a zone", "timetz '20:38:40-05' at time zone 'UTC'").stable()
}

func defineIsFinite(r *registry) {
	for _, k := range []string{"date", "timestamp", "timestamptz", "interval"} {
		example := map[string]string{"interval": "isfinite(interval '4 hours')",
			"date": "isfinite(date '2001-02-16')"}[k]
		if example == "" {
			example = "isfinite(" + k + " 'infinity')"
		}
		r.fn("isfinite("+k+") bool", func(a []types.Datum) (types.Datum, error) {
			return types.BoolDatum(a[0].I != types.Infinity && a[0].I != types.NegInfinity), nil
		}, "whether a time is not infinite", example)
	}
}

func isInfinite(v int64) bool { return v == types.Infinity || v == types.NegInfinity }

// checkedMoment gives a time that a zone has moved, if it is still in range.
func checkedMoment(v int64) (types.Datum, error) {
	if err := types.CheckMoment(v); err != nil {
		return types.NullDatum, err
	}
	return types.IntDatum(v), nil
}

func fromZone(zone *time.Location, v int64) int64 {
	if isInfinite(v) {
		return v
	}
	return types.FromZone(zone, v)
}

func atZone(zone *time.Location, v int64) int64 {
	if isInfinite(v) {
		return v
	}
	return types.AtZone(zone, v)
}

func intervalZone(iv types.IntervalValue) (*time.Location, error) {
	if iv.Months != 0 || iv.Days != 0 {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue,
			"interval time zone \"%s\" must not include months or days",
			types.AppendInterval(nil, nil, iv))
	}
	// More than 68 years wrap around, as in PostgreSQL.
	return time.FixedZone("", int(int32(iv.Micros/1e6))), nil
}

func defineAge(r *registry) {
	r.fn("age(timestamp, timestamp) interval", func(a []types.Datum) (types.Datum, error) {
		v, err := types.Age(a[0].I, a[1].I)
		return types.IntervalDatum(v), err
	}, "years, months and days between", "age(timestamp '2001-04-10', timestamp '1957-06-13')")
	r.fn("age(timestamptz, timestamptz) interval", func(env *Env, a []types.Datum) (types.Datum, error) {
		v, err := types.AgeTz(zoneOf(env), a[0].I, a[1].I)
		return types.IntervalDatum(v), err
	}, "years, months and days between",
		"age(timestamptz '2001-04-10 00:00+00', timestamptz '1957-06-13 00:00+00')").stable()
	r.fn("age(timestamp) interval", func(env *Env, a []types.Datum) (types.Datum, error) {
		v, err := types.Age(midnight(env), a[0].I)
		return types.IntervalDatum(v), err
	}, "years, months and days until today", "age(timestamp '1957-06-13') > interval '60 years'").stable()
	r.fn("age(timestamptz) interval", func(env *Env, a []types.Datum) (types.Datum, error) {
		v, err := types.AgeTz(zoneOf(env), types.FromZone(zoneOf(env), midnight(env)), a[0].I)
		return types.IntervalDatum(v), err
	}, "years, months and days until today",
		"age(timestamptz '1957-06-13 00:00+00') > interval '60 years'").stable()
}

// midnight gives the local time at which today began.
func midnight(env *Env) int64 {
	day := types.TimestampToDate(types.AtZone(zoneOf(env), env.Now))
	return day * usecPerDay
}
