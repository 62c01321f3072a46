package types

import (
	"math"
	"strconv"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// addMonths moves a date by months; the day is cut to the month's length.
func (c *civil) addMonths(n int32) {
	m := c.mon - 1 + int(n)
	c.year += m / 12
	if m %= 12; m < 0 {
		m += 12
		c.year--
	}
	c.mon = m + 1
	c.mday = min(c.mday, monthDays(c.year, c.mon))
}

// AddToTimestamp gives v + iv for a timestamp: months, then days, then time.
func AddToTimestamp(v int64, iv IntervalValue) (int64, error) {
	if isInfinite(v) {
		return v, nil
	}
	if iv.Months != 0 {
		c := toCivil(v)
		c.addMonths(iv.Months)
		var ok bool
		if v, ok = c.micros(); !ok {
			return 0, errTimestampRange()
		}
	}
	ok1 := absDays(iv.Days) <= maxMoveDays
	if ok1 {
		v, ok1 = addMicros(v, int64(iv.Days)*usecPerDay)
	}
	if !ok1 || !timestampInRange(v) {
		return 0, errTimestampRange()
	}
	v, ok2 := addMicros(v, iv.Micros)
	if !ok2 || !timestampInRange(v) {
		return 0, errTimestampRange()
	}
	return v, nil
}

// maxMoveDays is about the whole range of timestamps: 300,000 years.
const maxMoveDays = 110_000_000

func absDays(d int32) int64 {
	if d < 0 {
		return -int64(d)
	}
	return int64(d)
}

// AddToTimestamptz gives v + iv for an instant: months and days are those of the
// local calendar.
func AddToTimestamptz(loc *time.Location, v int64, iv IntervalValue) (int64, error) {
	if isInfinite(v) {
		return v, nil
	}
	if loc == nil {
		loc = time.UTC
	}
	if iv.Months != 0 {
		c := toCivil(toLocal(loc, v))
		c.addMonths(iv.Months)
		local, ok := c.micros()
		if !ok {
			return 0, errTimestampRange()
		}
		v = fromLocal(loc, local)
	}
	if iv.Days != 0 {
		if absDays(iv.Days) > maxMoveDays {
			return 0, errTimestampRange()
		}
		local, ok := addMicros(toLocal(loc, v), int64(iv.Days)*usecPerDay)
		if !ok || !timestampInRange(local) {
			return 0, errTimestampRange()
		}
		v = fromLocal(loc, local)
	}
	v, ok := addMicros(v, iv.Micros)
	if !ok || !timestampInRange(v) {
		return 0, errTimestampRange()
	}
	return v, nil
}

// AddDays gives a date moved by days.
func AddDays(days, n int64) (int64, error) {
	if isInfinite(days) {
		return days, nil
	}
	if d := days + n; abs(n) < math.MaxInt32*2 && dateInRange(d) {
		return d, nil
	}
	return 0, errDateRange()
}

// AddToTime gives a time of day moved around the clock.
func AddToTime(us int64, iv IntervalValue) int64 {
	us = (us + iv.Micros%usecPerDay) % usecPerDay
	if us < 0 {
		us += usecPerDay
	}
	return us
}

// SubTimestamps gives a - b in days and time.
func SubTimestamps(a, b int64) (IntervalValue, error) {
	if isInfinite(a) || isInfinite(b) {
		return IntervalValue{}, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"cannot subtract infinite timestamps")
	}
	us := a - b
	if (us < a) != (b > 0) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{Micros: us}.JustifyHours()
}

// SubDates gives a - b in days.
func SubDates(a, b int64) (int64, error) {
	if isInfinite(a) || isInfinite(b) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
	}
	return a - b, nil
}

// Age gives a - b in years, months, days and time, for local times. later says
// which one is later; for instants in a zone that is not always the local one.
func Age(a, b int64) (IntervalValue, error) { return age(a, b, a < b) }

// AgeTz is Age for instants.
func AgeTz(loc *time.Location, a, b int64) (IntervalValue, error) {
	if loc == nil {
		loc = time.UTC
	}
	local := func(v int64) civil {
		if v != Infinity {
			return toCivil(toLocal(loc, v))
		}
		c := ageCivil(v)
		_, east := time.Unix(math.MaxInt64/usecPerSec+secondsTo2000, 0).In(loc).Zone()
		sec := c.hour*3600 + c.sec + east
		for ; sec < 0; sec += 86400 {
			c.mday--
		}
		for ; sec >= 86400; sec -= 86400 {
			c.mday++
		}
		c.hour, c.min, c.sec = sec/3600, sec/60%60, sec%60
		return c
	}
	if a == NegInfinity || b == NegInfinity {
		return IntervalValue{}, errTimestampRange()
	}
	return ageOf(local(a), local(b), a < b)
}

// ageCivil is toCivil, for which infinity is PostgreSQL's largest timestamp.
func ageCivil(v int64) civil {
	if v == Infinity {
		return civil{year: 294277, mon: 1, mday: 9, hour: 4, sec: 54, usec: 775807}
	}
	return toCivil(v)
}

func age(a, b int64, flip bool) (IntervalValue, error) {
	if a == NegInfinity || b == NegInfinity {
		return IntervalValue{}, errTimestampRange()
	}
	return ageOf(ageCivil(a), ageCivil(b), flip)
}

// secondsTo2000 is 2000-01-01, where PostgreSQL's timestamps begin, since 1970.
const secondsTo2000 = 946684800

func ageOf(x, y civil, flip bool) (IntervalValue, error) {
	if flip {
		x, y = y, x
	}
	us := x.timeMicros() - y.timeMicros()
	day, mon := x.mday-y.mday, (x.year-y.year)*12+x.mon-y.mon
	for us < 0 {
		us += usecPerDay
		day--
	}
	for day < 0 {
		// The month that is not whole is the earlier date's.
		day += monthDays(y.year, y.mon)
		mon--
	}
	v := IntervalValue{us, int32(day), int32(mon)}
	if flip {
		return v.Neg()
	}
	return v, nil
}

// DateBin gives the start of the bin of width stride, counted from origin, that
// v lies in.
func DateBin(stride IntervalValue, v, origin int64) (int64, error) {
	switch {
	case isInfinite(v):
		return v, nil
	case isInfinite(origin):
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "origin out of range")
	case stride.Months != 0:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported,
			"timestamps cannot be binned into intervals containing months or years")
	}
	width, ok := addMicros(int64(stride.Days)*usecPerDay, stride.Micros)
	if !ok {
		return 0, errIntervalRange()
	}
	if width <= 0 {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	diff := v - origin
	if (diff < v) != (origin > 0) {
		return 0, errIntervalRange()
	}
	rest := diff % width
	if rest < 0 {
		rest += width
	}
	start := v - rest
	if start > v || !timestampInRange(start) {
		return 0, errTimestampRange()
	}
	return start, nil
}

// ToTimestamp gives the instant of seconds since 1970.
func ToTimestamp(sec float64) (int64, error) {
	switch {
	case math.IsNaN(sec):
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	case math.IsInf(sec, 1):
		return Infinity, nil
	case math.IsInf(sec, -1):
		return NegInfinity, nil
	}
	us := math.RoundToEven((sec - pgEpochDays*secPerDay) * usecPerSec)
	if !(us >= -211813488000000000 && us < 0x1p63-pgEpochUsec) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%g\"", sec)
	}
	return int64(us) + pgEpochUsec, nil
}

// MakeDate is make_date; negative years are BC.
func MakeDate(year, month, day int64) (int64, error) {
	d := dtDecoder{mask: maskDate}
	d.tm.year, d.tm.mon, d.tm.mday = int(year), int(month), int(day)
	if year < 0 {
		d.bc, d.tm.year = true, -int(year)
	}
	if d.validate() != dtOK {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"date field value out of range: %d-%02d-%02d", year, month, day)
	}
	days := d.tm.days()
	if !dateInRange(days) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"date out of range: %d-%02d-%02d", year, month, day)
	}
	return days, nil
}

// MakeTime is make_time.
func MakeTime(hour, minute int64, sec float64) (int64, error) {
	rounded := math.RoundToEven(sec * usecPerSec)
	bad := hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(rounded >= 0 && rounded <= 60*usecPerSec)
	us := (hour*60+minute)*usecPerMinute + int64(rounded)
	if bad || us > usecPerDay {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"time field value out of range: %d:%02d:%s", hour, minute, formatG(sec))
	}
	return us, nil
}

// formatG is C's %02g.
func formatG(f float64) string {
	s := strconv.FormatFloat(f, 'g', 6, 64)
	if len(s) < 2 {
		s = "0" + s
	}
	return s
}

// MakeTimestamp is make_timestamp.
func MakeTimestamp(year, month, day, hour, minute int64, sec float64) (int64, error) {
	days, err := MakeDate(year, month, day)
	if err != nil {
		return 0, err
	}
	us, err := MakeTime(hour, minute, sec)
	if err != nil {
		return 0, err
	}
	if days > (endTimestamp-usecPerDay)/usecPerDay || days*usecPerDay+us < minTimestamp {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"timestamp out of range: %d-%02d-%02d %d:%02d:%s",
			year, month, day, hour, minute, formatG(sec))
	}
	return days*usecPerDay + us, nil
}

// MakeInterval is make_interval.
func MakeInterval(years, months, weeks, days, hours, mins int64, secs float64) (
	IntervalValue, error) {
	m, d := years*12+months, weeks*7+days
	us := math.RoundToEven(secs * usecPerSec)
	if m != int64(int32(m)) || d != int64(int32(d)) || !(us >= -0x1p63 && us < 0x1p63) {
		return IntervalValue{}, errIntervalRange()
	}
	t, ok := addMicros(hours*usecPerHour+mins*usecPerMinute, int64(us))
	if !ok || abs(hours) > math.MaxInt32 || abs(mins) > math.MaxInt32 {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{t, int32(d), int32(m)}, nil
}
