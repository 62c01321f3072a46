package types

import (
	"math"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Units of time.
const (
	usecPerSec    = 1_000_000
	usecPerMinute = 60 * usecPerSec
	usecPerHour   = 60 * usecPerMinute
	usecPerDay    = 24 * usecPerHour
	secPerDay     = 86400
	daysPerMonth  = 30 // of interval arithmetic
	daysPerYear   = 365.25
)

// Infinity and NegInfinity are the infinite dates and timestamps.
const (
	Infinity    = math.MaxInt64
	NegInfinity = math.MinInt64
)

// Ranges of dates and timestamps. PostgreSQL counts timestamps from 2000, we
// count from 1970, so ours end 29 years before its 294276.
const (
	unixJulian   = 2440588                  // Julian day of 1970-01-01
	pgEpochDays  = 10957                    // days from 1970-01-01 to 2000-01-01
	pgEpochUsec  = pgEpochDays * usecPerDay // the same in microseconds
	minDate      = -unixJulian              // 4714-11-24 BC
	endDate      = 2147483494 - unixJulian  // 5874898-06-04, exclusive
	minTimestamp = -211813488000000000 + pgEpochUsec
	endTimestamp = math.MaxInt64
)

// daysFromCivil gives the days since 1970-01-01 of a proleptic Gregorian date;
// year 0 is 1 BC. The month may be any number.
func daysFromCivil(y int, m, d int) int64 {
	if m < 1 || m > 12 {
		m--
		y += m / 12
		if m %= 12; m < 0 {
			m += 12
			y--
		}
		m++
	}
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

// civilFromDays is the inverse of daysFromCivil.
func civilFromDays(days int64) (y, m, d int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := uint32(z - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy-(153*mp+2)/5) + 1
	m = int(mp) + 3
	y = int(yoe) + int(era)*400
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}

// isLeap tells whether year y of the proleptic Gregorian calendar is a leap
// year.
func isLeap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// monthDays gives the days of a month 1..12.
func monthDays(y, m int) int {
	if m == 2 && isLeap(y) {
		return 29
	}
	return int("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[m-1])
}

// weekday gives the day of the week, 0 for Sunday.
func weekday(days int64) int {
	w := (days + 4) % 7
	if w < 0 {
		w += 7
	}
	return int(w)
}

// isoWeek gives the ISO 8601 year and week of a day.
func isoWeek(days int64) (year, week int) {
	thursday := days + int64(3-(weekday(days)+6)%7)
	y, _, _ := civilFromDays(thursday)
	return y, int((thursday-daysFromCivil(y, 1, 1))/7) + 1
}

// splitMicros gives the day and the microseconds within it.
func splitMicros(v int64) (days, micros int64) {
	days = v / usecPerDay
	micros = v % usecPerDay
	if micros < 0 {
		micros += usecPerDay
		days--
	}
	return days, micros
}

// civil is a timestamp broken into fields, in some zone.
type civil struct {
	year, mon, mday int
	hour, min, sec  int
	usec            int
}

// toCivil breaks microseconds since 1970 (local time) into fields.
func toCivil(v int64) civil {
	days, us := splitMicros(v)
	var c civil
	c.year, c.mon, c.mday = civilFromDays(days)
	c.setTime(us)
	return c
}

func (c *civil) setTime(us int64) {
	s := us / usecPerSec
	c.usec = int(us % usecPerSec)
	c.hour, c.min, c.sec = int(s/3600), int(s/60%60), int(s%60)
}

func (c *civil) setDays(days int64) { c.year, c.mon, c.mday = civilFromDays(days) }

func (c civil) days() int64 { return daysFromCivil(c.year, c.mon, c.mday) }

func (c civil) timeMicros() int64 {
	return (int64(c.hour*60+c.min)*60+int64(c.sec))*usecPerSec + int64(c.usec)
}

// micros gives microseconds since 1970; ok is false when out of range.
func (c civil) micros() (int64, bool) {
	d := c.days()
	if d < minDate || d > math.MaxInt64/usecPerDay {
		return 0, false
	}
	v := d*usecPerDay + c.timeMicros()
	if d > 0 && v < 0 {
		return 0, false
	}
	return v, timestampInRange(v)
}

func timestampInRange(v int64) bool { return v >= minTimestamp && v < endTimestamp }

func dateInRange(d int64) bool { return d >= minDate && d < endDate }

func isInfinite(v int64) bool { return v == Infinity || v == NegInfinity }

func errTimestampRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
}

func errDateRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range")
}

// addMicros adds without wrapping.
func addMicros(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0) || b == 0
}
