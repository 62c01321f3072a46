package types

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// ParseDate reads a date as days since 1970.
func ParseDate(env *Env, s string) (int64, error) {
	if days, n, ok := fastDate(s); ok && n == len(s) {
		return days, nil
	}
	d := dtDecoder{env: env}
	if err := d.run(s, "date"); err != nil {
		return 0, err
	}
	switch d.special {
	case resEpoch:
		return 0, nil
	case resLate:
		return Infinity, nil
	case resEarly:
		return NegInfinity, nil
	}
	days := d.tm.days()
	if !dateInRange(days) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: \"%s\"", s)
	}
	return days, nil
}

// run scans and decodes s, with PostgreSQL's errors for type typ.
func (d *dtDecoder) run(s, typ string) error {
	size := maxDateBytes
	if strings.HasPrefix(typ, "timestamp") {
		size = maxMomentBytes
	}
	e := scanFields(s, size, &d.dtFields)
	if e == dtOK {
		e = d.decode()
	}
	if e == dtZoneUnknown {
		return errZone(d.badZone)
	}
	return dtError(e, s, typ)
}

// dtError gives the message of a decoding error (DateTimeParseError).
func dtError(e dtErr, s, typ string) error {
	switch e {
	case dtOK:
		return nil
	case dtOverflow:
		return sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"date/time field value out of range: \"%s\"", s)
	case dtMDOverflow:
		return sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"date/time field value out of range: \"%s\"", s).
			WithHint("Perhaps you need a different \"datestyle\" setting.")
	case dtIntervalOverflow:
		return sqlerr.New(sqlerr.IntervalFieldOverflow,
			"interval field value out of range: \"%s\"", s)
	case dtZoneOverflow:
		return sqlerr.New(sqlerr.InvalidTimeZoneDisplacement,
			"time zone displacement out of range: \"%s\"", s)
	}
	return sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", typ, s)
}

// fastDate reads YYYY-MM-DD at the start of s. n is the bytes read.
func fastDate(s string) (days int64, n int, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, 0, false
	}
	a, b, c, e := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	y := int(a*100 + b)
	if a|b|c|e > 99 || c-1 > 11 || e == 0 || y == 0 || len(s) > 10 && isDigit(s[10]) {
		return 0, 0, false
	}
	if e > 28 && int(e) > monthDays(y, int(c)) {
		return 0, 0, false
	}
	return daysFromCivil(y, int(c), int(e)), 10, true
}

// two reads two digits; anything else gives a number above 99.
func two(s string, i int) uint {
	a, b := uint(s[i]-'0'), uint(s[i+1]-'0')
	if a > 9 || b > 9 {
		return 1 << 10
	}
	return a*10 + b
}

// fastTime reads HH:MM:SS[.f{1,6}] at the start of s.
func fastTime(s string) (us int64, n int, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, 0, false
	}
	h, m, sec := two(s, 0), two(s, 3), two(s, 6)
	if h > 23 || m > 59 || sec > 59 {
		return 0, 0, false
	}
	us = int64((h*60+m)*60+sec) * usecPerSec
	if len(s) == 8 {
		return us, 8, true
	}
	if s[8] != '.' {
		return us, 8, !isDigit(s[8]) && s[8] != ':'
	}
	n = 9
	scale := int64(100000)
	for ; n < len(s) && isDigit(s[n]); n++ {
		us += int64(s[n]-'0') * scale
		scale /= 10
	}
	return us, n, n > 9 && n <= 15 && (n == len(s) || s[n] != ':' && s[n] != '.')
}

// fastZone reads Z, +HH, +HHMM or +HH:MM as the whole of s, in seconds west.
func fastZone(s string) (west int64, ok bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, m := two(s, 1), uint(0)
	switch {
	case len(s) == 6 && s[3] == ':':
		m = two(s, 4)
	case len(s) == 5:
		m = two(s, 3)
	case len(s) != 3:
		return 0, false
	}
	if h > maxZoneHours || m > 59 {
		return 0, false
	}
	west = -int64(h*3600 + m*60)
	if s[0] == '-' {
		west = -west
	}
	return west, true
}

// fastTimestamp reads ISO's YYYY-MM-DD[{ |T}HH:MM:SS[.f][zone]]; local is the
// time as written.
func fastTimestamp(s string) (local, west int64, zoned, ok bool) {
	days, n, ok := fastDate(s)
	if !ok {
		return 0, 0, false, false
	}
	local = days * usecPerDay
	if n == len(s) {
		return local, 0, false, true
	}
	if s[n] != ' ' && s[n] != 'T' {
		return 0, 0, false, false
	}
	s = s[n+1:]
	us, n, ok := fastTime(s)
	if !ok {
		return 0, 0, false, false
	}
	local += us
	if n == len(s) {
		return local, 0, false, true
	}
	west, ok = fastZone(s[n:])
	return local, west, true, ok
}

// ParseTimestamp reads a timestamp without time zone; a zone in s is ignored.
func ParseTimestamp(env *Env, s string) (int64, error) {
	if local, _, _, ok := fastTimestamp(s); ok {
		return local, nil
	}
	d := dtDecoder{env: env}
	if err := d.run(s, "timestamp"); err != nil {
		return 0, err
	}
	if v, ok := d.specialMicros(); ok {
		return v, nil
	}
	return d.micros(s)
}

func (d *dtDecoder) specialMicros() (int64, bool) {
	switch d.special {
	case resEpoch:
		return 0, true
	case resLate:
		return Infinity, true
	case resEarly:
		return NegInfinity, true
	}
	return 0, false
}

func (d *dtDecoder) micros(s string) (int64, error) {
	v, ok := d.tm.micros()
	if !ok {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", s)
	}
	return v, nil
}

// ParseTimestamptz reads an instant; a time without a zone is in the session's.
func ParseTimestamptz(env *Env, s string) (int64, error) {
	if local, west, zoned, ok := fastTimestamp(s); ok {
		switch loc := env.zone(); {
		case zoned:
			return local + west*usecPerSec, nil
		case loc == time.UTC:
			return local, nil
		default:
			return fromLocal(loc, local), nil
		}
	}
	d := dtDecoder{env: env}
	if err := d.run(s, "timestamp with time zone"); err != nil {
		return 0, err
	}
	if v, ok := d.specialMicros(); ok {
		return v, nil
	}
	v, err := d.micros(s)
	if err != nil {
		return 0, err
	}
	v, ok := addMicros(v, int64(d.west)*usecPerSec)
	if !ok || !timestampInRange(v) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", s)
	}
	return v, nil
}

// ParseTime reads a time of day in microseconds; a zone in s is ignored.
func ParseTime(env *Env, s string) (int64, error) {
	if us, n, ok := fastTime(s); ok && n == len(s) {
		return us, nil
	}
	d := dtDecoder{env: env, timeOnly: true}
	if err := d.run(s, "time"); err != nil {
		return 0, err
	}
	return d.tm.timeMicros(), nil
}

// ParseTimetz reads a time of day with its zone.
func ParseTimetz(env *Env, s string) (TimetzValue, error) {
	if us, n, ok := fastTime(s); ok && n < len(s) {
		if west, ok := fastZone(s[n:]); ok {
			return TimetzValue{us, int32(west)}, nil
		}
	}
	d := dtDecoder{env: env, timeOnly: true}
	if err := d.run(s, "time with time zone"); err != nil {
		return TimetzValue{}, err
	}
	return TimetzValue{d.tm.timeMicros(), int32(d.west)}, nil
}

// roundMicros rounds to p digits of a second, half away from zero.
func roundMicros(us int64, p int32) int64 {
	if p < 0 || p >= maxTimePrecision {
		return us
	}
	scale := int64(pow10[maxTimePrecision-p][1])
	if us >= 0 {
		return (us + scale/2) / scale * scale
	}
	return -((-us + scale/2) / scale * scale)
}

// RoundTime applies the precision of time(p).
func RoundTime(t Type, us int64) int64 { return roundMicros(us, t.Typmod()) }

// RoundTimestamp applies the precision of timestamp(p). Like PostgreSQL it
// rounds half away from 2000-01-01.
func RoundTimestamp(t Type, v int64) int64 {
	if p := t.Typmod(); p >= 0 && p < maxTimePrecision && !isInfinite(v) {
		return roundMicros(v-pgEpochUsec, p) + pgEpochUsec
	}
	return v
}
