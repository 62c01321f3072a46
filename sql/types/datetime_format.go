package types

import "strconv"

// digitPairs has "00" to "99".
const digitPairs = "00010203040506070809101112131415161718192021222324252627282930313233343536" +
	"37383940414243444546474849505152535455565758596061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

func append2(dst []byte, v int) []byte {
	return append(dst, digitPairs[2*v], digitPairs[2*v+1])
}

// appendYear writes a year of at least four digits; years before 1 are turned
// into BC years, whose mark appendBC adds.
func appendYear(dst []byte, y int) []byte {
	if y <= 0 {
		y = 1 - y
	}
	if y < 10000 {
		return append2(append2(dst, y/100), y%100)
	}
	return strconv.AppendInt(dst, int64(y), 10)
}

func appendBC(dst []byte, y int) []byte {
	if y <= 0 {
		return append(dst, " BC"...)
	}
	return dst
}

// appendInfinite writes infinity or -infinity.
func appendInfinite(dst []byte, v int64) []byte {
	if v == NegInfinity {
		dst = append(dst, '-')
	}
	return append(dst, "infinity"...)
}

// appendFraction writes .ffffff without trailing zeros, nothing for 0.
func appendFraction(dst []byte, usec int) []byte {
	if usec == 0 {
		return dst
	}
	a, b, c := usec/10000, usec/100%100, usec%100
	dst = append(dst, '.', digitPairs[2*a], digitPairs[2*a+1], digitPairs[2*b],
		digitPairs[2*b+1], digitPairs[2*c], digitPairs[2*c+1])
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendClock writes hh:mm:ss.ffffff of the microseconds since midnight.
func appendClock(dst []byte, us int64) []byte {
	sec := int(us / usecPerSec)
	h, m, s := sec/3600, sec/60%60, sec%60
	dst = append(dst, digitPairs[2*h], digitPairs[2*h+1], ':', digitPairs[2*m],
		digitPairs[2*m+1], ':', digitPairs[2*s], digitPairs[2*s+1])
	return appendFraction(dst, int(us%usecPerSec))
}

// appendZone writes the displacement of a zone, given in seconds west.
func appendZone(dst []byte, west int) []byte {
	sign := byte('+')
	if west > 0 {
		sign = '-'
	} else {
		west = -west
	}
	if dst = append(dst, sign); west < 100*3600 {
		dst = append2(dst, west/3600)
	} else { // an interval may be a zone
		dst = strconv.AppendInt(dst, int64(west/3600), 10)
	}
	if west%3600 != 0 {
		dst = append2(append(dst, ':'), west/60%60)
		if west%60 != 0 {
			dst = append2(append(dst, ':'), west%60)
		}
	}
	return dst
}

// appendYMD writes a date without its BC mark.
func appendYMD(dst []byte, e *Env, y, m, d int) []byte {
	style, order := DateISO, MDY
	if e != nil {
		style, order = e.DateStyle, e.DateOrder
	}
	sep := byte('-')
	switch {
	case style == DateISO:
		dst = append2(append(appendYear(dst, y), '-'), m)
		return append2(append(dst, '-'), d)
	case style == DateGerman:
		sep, order = '.', DMY
	case style == DateSQL:
		sep = '/'
	}
	if order == DMY {
		m, d = d, m
	}
	dst = append2(append(append2(dst, m), sep), d)
	return appendYear(append(dst, sep), y)
}

// AppendDate writes a date of days since 1970.
func AppendDate(env *Env, dst []byte, days int64) []byte {
	if isInfinite(days) {
		return appendInfinite(dst, days)
	}
	y, m, d := civilFromDays(days)
	return appendBC(appendYMD(dst, env, y, m, d), y)
}

// AppendTime writes a time of microseconds since midnight.
func AppendTime(dst []byte, us int64) []byte { return appendClock(dst, us) }

// AppendTimestamp writes a timestamp without time zone.
func AppendTimestamp(env *Env, dst []byte, v int64) []byte {
	if isInfinite(v) {
		return appendInfinite(dst, v)
	}
	days, us := splitMicros(v)
	y, m, d := civilFromDays(days)
	if env != nil && env.DateStyle == DatePostgres {
		return appendBC(appendPostgresStyle(dst, env, days, us), y)
	}
	dst = append(appendYMD(dst, env, y, m, d), ' ')
	return appendBC(appendClock(dst, us), y)
}

// AppendTimestamptz writes an instant in the session's zone.
func AppendTimestamptz(env *Env, dst []byte, v int64) []byte {
	if isInfinite(v) {
		return appendInfinite(dst, v)
	}
	loc := env.zone()
	off := zoneOffset(loc, v)
	days, us := splitMicros(v + int64(off)*usecPerSec)
	y, m, d := civilFromDays(days)
	if env == nil || env.DateStyle == DateISO {
		dst = append(appendYMD(dst, env, y, m, d), ' ')
		return appendBC(appendZone(appendClock(dst, us), -off), y)
	}
	if env.DateStyle == DatePostgres {
		dst = appendPostgresStyle(dst, env, days, us)
	} else {
		dst = appendClock(append(appendYMD(dst, env, y, m, d), ' '), us)
	}
	return appendBC(append(append(dst, ' '), zoneLabel(loc, v, off)...), y)
}

const (
	dayNames   = "SunMonTueWedThuFriSat"
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// appendPostgresStyle writes "Wed Dec 17 07:37:16 1997".
func appendPostgresStyle(dst []byte, env *Env, days, us int64) []byte {
	y, m, d := civilFromDays(days)
	w := 3 * weekday(days)
	dst = append(append(dst, dayNames[w:w+3]...), ' ')
	mon := monthNames[3*m-3 : 3*m]
	if env.DateOrder == DMY {
		dst = append(append(append2(dst, d), ' '), mon...)
	} else {
		dst = append2(append(append(dst, mon...), ' '), d)
	}
	return appendYear(append(appendClock(append(dst, ' '), us), ' '), y)
}

// AppendTimetz writes a time with its zone.
func AppendTimetz(dst []byte, v TimetzValue) []byte {
	return appendZone(appendClock(dst, v.Micros), int(v.West))
}
