package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

func defineTimeOps(r *registry) {
	defineDateOps(r)
	defineTimestampOps(r)
	defineIntervalOps(r)
	defineOverlaps(r)
	for _, f := range r.funcs["+"] {
		if len(f.Args) == 2 {
			f.rightFirst = spanFirst(f.Args[0].Kind, f.Args[1].Kind)
		}
	}
}

// spanFirst tells whether an addition has the time on its right side.
func spanFirst(l, r types.Kind) bool {
	switch l {
	case types.Interval:
		return r != types.Interval
	case types.Int4, types.Time, types.Timetz:
		return r == types.Date
	}
	return false
}

func intRow(f func(a []types.Datum) (int64, error)) func([]types.Datum) (types.Datum, error) {
	return func(a []types.Datum) (types.Datum, error) {
		v, err := f(a)
		return types.IntDatum(v), err
	}
}

func swapped(f func([]types.Datum) (types.Datum, error)) func([]types.Datum) (types.Datum, error) {
	return func(a []types.Datum) (types.Datum, error) {
		return f([]types.Datum{a[1], a[0]})
	}
}

func defineDateOps(r *registry) {
	addDays := func(a, b int64) (int64, error) { return types.AddDays(a, b) }
	r.op("+(date, int4) date", addDays, "date some days later", "date '2001-09-28' + 7")
	r.op("+(int4, date) date", func(a, b int64) (int64, error) { return types.AddDays(b, a) },
		"date some days later", "7 + date '2001-09-28'")
	r.op("-(date, int4) date", func(a, b int64) (int64, error) { return types.AddDays(a, -b) },
		"date some days earlier", "date '2001-10-01' - 7")
	r.op("-(date, date) int4", func(a, b int64) (int64, error) { return types.SubDates(a, b) },
		"days between", "date '2001-10-01' - date '2001-09-28'")
	dateTime := intRow(func(a []types.Datum) (int64, error) {
		v, err := types.DateToTimestamp(a[0].I)
		if err != nil || isInfinite(v) {
			return v, err
		}
		return v + a[1].I, nil
	})
	r.op("+(date, time) timestamp", dateTime, "date with a time of day", "date '2001-09-28' + time '03:00'")
	r.op("+(time, date) timestamp", swapped(dateTime), "date with a time of day",
		"time '03:00' + date '2001-09-28'")
	dateTimetz := intRow(func(a []types.Datum) (int64, error) {
		v, err := types.DateToTimestamp(a[0].I)
		if err != nil || isInfinite(v) {
			return v, err
		}
		t := a[1].Timetz()
		return v + t.Micros + int64(t.West)*1e6, nil
	})
	r.op("+(date, timetz) timestamptz", dateTimetz, "date with a time of day",
		"date '2001-09-28' + timetz '03:00+02'")
	r.op("+(timetz, date) timestamptz", swapped(dateTimetz), "date with a time of day",
		"timetz '03:00+02' + date '2001-09-28'")
	move := func(sign int64) func([]types.Datum) (types.Datum, error) {
		return intRow(func(a []types.Datum) (int64, error) {
			v, err := types.DateToTimestamp(a[0].I)
			if err != nil {
				return v, err
			}
			iv, err := signedInterval(a[1], sign)
			if err != nil {
				return 0, err
			}
			return types.AddToTimestamp(v, iv)
		})
	}
	r.op("+(date, interval) timestamp", move(1), "later by an interval",
		"date '2001-09-28' + interval '1 hour'")
	r.op("+(interval, date) timestamp", swapped(move(1)), "later by an interval",
		"interval '1 hour' + date '2001-09-28'")
	r.op("-(date, interval) timestamp", move(-1), "earlier by an interval",
		"date '2001-09-28' - interval '1 hour'")
}

func signedInterval(d types.Datum, sign int64) (types.IntervalValue, error) {
	if sign > 0 {
		return d.Interval(), nil
	}
	return d.Interval().Neg()
}

// moveKernel is timestamp ± interval.
func moveKernel(stamp, span int, sign int64, zoned bool) Kernel {
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		vals, m := args[stamp].I64, mask(args[stamp])
		zone := zoneFor(env, zoned)
		for k, r := range rows {
			iv := types.DecodeInterval(args[span].Bytes(int(r)))
			var err error
			if sign < 0 {
				if iv, err = iv.Neg(); err != nil {
					return rowErr(k, err)
				}
			}
			if out.I64[r], err = addInterval(vals[int(r)&m], iv, zone); err != nil {
				return rowErr(k, err)
			}
		}
		return nil
	}
}

func defineTimestampOps(r *registry) {
	for _, k := range []string{"timestamp", "timestamptz"} {
		zoned := k == "timestamptz"
		x := k + " '2001-09-28 01:00'"
		add := r.op("+("+k+", interval) "+k, moveKernel(0, 1, 1, zoned), "later by an interval",
			x+" + interval '1 month 23 hours'")
		radd := r.op("+(interval, "+k+") "+k, moveKernel(1, 0, 1, zoned), "later by an interval",
			"interval '1 month 23 hours' + "+x)
		sub := r.op("-("+k+", interval) "+k, moveKernel(0, 1, -1, zoned), "earlier by an interval",
			x+" - interval '1 month 23 hours'")
		if zoned {
			add.stable()
			radd.stable()
			sub.stable()
		}
		r.op("-("+k+", "+k+") interval", func(a []types.Datum) (types.Datum, error) {
			v, err := types.SubTimestamps(a[0].I, a[1].I)
			return types.IntervalDatum(v), err
		}, "time between", x+" - "+k+" '2001-09-27 12:00'")
	}
	time := func(sign int64) func([]types.Datum) (types.Datum, error) {
		return intRow(func(a []types.Datum) (int64, error) {
			iv, err := signedInterval(a[1], sign)
			return types.AddToTime(a[0].I, iv), err
		})
	}
	r.op("+(time, interval) time", time(1), "later by an interval", "time '01:00' + interval '3 hours'")
	r.op("+(interval, time) time", swapped(time(1)), "later by an interval",
		"interval '3 hours' + time '01:00'")
	r.op("-(time, interval) time", time(-1), "earlier by an interval",
		"time '01:00' - interval '2 hours'")
	r.op("-(time, time) interval", func(a []types.Datum) (types.Datum, error) {
		return types.IntervalDatum(types.IntervalValue{Micros: a[0].I - a[1].I}), nil
	}, "time between", "time '05:00' - time '03:00'")
	timetz := func(sign int64) func([]types.Datum) (types.Datum, error) {
		return func(a []types.Datum) (types.Datum, error) {
			iv, err := signedInterval(a[1], sign)
			t := a[0].Timetz()
			t.Micros = types.AddToTime(t.Micros, iv)
			return types.TimetzDatum(t), err
		}
	}
	r.op("+(timetz, interval) timetz", timetz(1), "later by an interval",
		"timetz '01:00+02' + interval '3 hours'")
	r.op("+(interval, timetz) timetz", swapped(timetz(1)), "later by an interval",
		"interval '3 hours' + timetz '01:00+02'")
	r.op("-(timetz, interval) timetz", timetz(-1), "earlier by an interval",
		"timetz '01:00+02' - interval '3 hours'")
}

func defineIntervalOps(r *registry) {
	two := func(f func(a, b types.IntervalValue) (types.IntervalValue, error),
	) func([]types.Datum) (types.Datum, error) {
		return func(a []types.Datum) (types.Datum, error) {
			v, err := f(a[0].Interval(), a[1].Interval())
			return types.IntervalDatum(v), err
		}
	}
	scale := func(f func(types.IntervalValue, float64) (types.IntervalValue, error),
	) func([]types.Datum) (types.Datum, error) {
		return func(a []types.Datum) (types.Datum, error) {
			v, err := f(a[0].Interval(), a[1].F)
			return types.IntervalDatum(v), err
		}
	}
	r.op("+(interval, interval) interval", two(types.IntervalValue.Add), "add",
		"interval '1 day' + interval '1 hour'")
	r.op("-(interval, interval) interval", two(types.IntervalValue.Sub), "subtract",
		"interval '1 day' - interval '1 hour'")
	r.op("-(interval) interval", func(a []types.Datum) (types.Datum, error) {
		v, err := a[0].Interval().Neg()
		return types.IntervalDatum(v), err
	}, "negate", "- interval '23 hours'")
	r.op("*(interval, float8) interval", scale(types.IntervalValue.Mul), "multiply",
		"interval '1 second' * 900")
	r.op("*(float8, interval) interval", swapped(scale(types.IntervalValue.Mul)), "multiply",
		"3.5 * interval '1 hour'")
	r.op("/(interval, float8) interval", scale(types.IntervalValue.Div), "divide",
		"interval '1 hour' / 1.5")
}

// overlapKinds are the types whose periods can be compared.
var overlapKinds = []string{"timestamp", "timestamptz", "time", "timetz"}

func defineOverlaps(r *registry) {
	for _, k := range overlapKinds {
		for _, form := range []struct{ b, d string }{
			{k, k}, {"interval", "interval"}, {k, "interval"}, {"interval", k},
		} {
			if k == "timetz" && (form.b != k || form.d != k) {
				continue
			}
			sig := "overlaps(" + k + ", " + form.b + ", " + k + ", " + form.d + ") bool"
			f := r.fn(sig, overlapsRow(signatureType(k), form.b == "interval", form.d == "interval"),
				"whether two periods overlap", overlapsExample(k, form.b, form.d))
			f.nullable()
			if k == "timestamptz" {
				f.stable()
			}
		}
	}
}

func overlapsExample(k, b, d string) string {
	at := map[string][3]string{
		"timestamp":   {"2001-02-16 00:00", "2001-12-21 00:00", "2001-10-30 00:00"},
		"timestamptz": {"2001-02-16 00:00+00", "2001-12-21 00:00+00", "2001-10-30 00:00+00"},
		"time":        {"10:00", "12:00", "11:00"},
		"timetz":      {"10:00+00", "12:00+00", "11:00+00"},
	}[k]
	end := func(t, v string) string {
		if t == "interval" {
			return "interval '1 hour'"
		}
		return k + " '" + v + "'"
	}
	return "(" + k + " '" + at[0] + "', " + end(b, at[1]) + ") overlaps (" + k + " '" + at[2] +
		"', " + end(d, at[1]) + ")"
}

// overlapsRow is SQL's OVERLAPS with its rules for NULLs.
func overlapsRow(t types.Type, spanB, spanD bool) RowFunc {
	return func(env *Env, a []types.Datum) (types.Datum, error) {
		p := [4]types.Datum{a[0], a[1], a[2], a[3]}
		for _, e := range []struct {
			i    int
			span bool
		}{{1, spanB}, {3, spanD}} {
			if !e.span || p[e.i].Null {
				continue
			}
			if p[e.i-1].Null {
				p[e.i] = types.NullDatum
				continue
			}
			d, err := moveBy(env, t, p[e.i-1], p[e.i].Interval())
			if err != nil {
				return types.NullDatum, err
			}
			p[e.i] = d
		}
		return overlapsOf(t, p), nil
	}
}

func moveBy(env *Env, t types.Type, d types.Datum, iv types.IntervalValue) (types.Datum, error) {
	switch t.Kind {
	case types.Time:
		return types.IntDatum(types.AddToTime(d.I, iv)), nil
	case types.Timetz:
		v := d.Timetz()
		v.Micros = types.AddToTime(v.Micros, iv)
		return types.TimetzDatum(v), nil
	}
	v, err := addInterval(d.I, iv, zoneFor(env, t.Kind == types.Timestamptz))
	return types.IntDatum(v), err
}

func overlapsOf(t types.Type, p [4]types.Datum) types.Datum {
	ts, te, us, ue := p[0], p[1], p[2], p[3]
	order := func(a, b types.Datum) (lo, hi types.Datum, ok bool) {
		switch {
		case a.Null && b.Null:
			return a, b, false
		case a.Null:
			return b, a, true
		case !b.Null && types.Compare(t, a, b) > 0:
			return b, a, true
		}
		return a, b, true
	}
	ts, te, ok := order(ts, te)
	if !ok {
		return types.NullDatum
	}
	us, ue, ok = order(us, ue)
	if !ok {
		return types.NullDatum
	}
	c := types.Compare(t, ts, us)
	switch {
	case c == 0:
		if te.Null || ue.Null {
			return types.NullDatum
		}
		return types.BoolDatum(true)
	case c < 0:
		ts, te, us, ue = us, ue, ts, te
	}
	// Now ts is the later start: they overlap when it lies before the other's end.
	switch {
	case ue.Null:
		return types.NullDatum
	case types.Compare(t, ts, ue) < 0:
		return types.BoolDatum(true)
	case te.Null:
		return types.NullDatum
	}
	return types.BoolDatum(false)
}
