package types

import (
	"math"
	"strconv"
	"strings"
)

// decodeDate reads a field of three parts: numbers, one of them perhaps a
// month's name (DecodeDate).
func (d *dtDecoder) decodeDate(s string) (mask int, e dtErr) {
	var parts [maxDateFields]string
	n := 0
	for s != "" && n < maxDateFields {
		for s != "" && !isDigit(s[0]) && !isAlpha(s[0]) {
			s = s[1:]
		}
		if s == "" {
			return 0, dtBadFormat
		}
		i := 0
		if isDigit(s[0]) {
			for i < len(s) && isDigit(s[i]) {
				i++
			}
		} else {
			for i < len(s) && isAlpha(s[i]) {
				i++
			}
		}
		parts[n] = s[:i]
		n++
		if s = s[i:]; s != "" {
			s = s[1:]
		}
	}
	have := d.mask
	textMonth := false
	for i := range n {
		if !isAlpha(parts[i][0]) {
			continue
		}
		t, ok := dateToken(parts[i])
		if ok && t.typ == tokIgnore {
			continue
		}
		m := tokMonth.mask()
		if !ok || t.typ != tokMonth || have&m != 0 {
			return 0, dtBadFormat
		}
		d.tm.mon = t.val
		textMonth = true
		have, mask = have|m, mask|m
		parts[i] = ""
	}
	for i := range n {
		if parts[i] == "" {
			continue
		}
		saved := d.textMonth
		d.textMonth = textMonth
		m, e := d.decodeNumber(parts[i], have)
		d.textMonth = saved
		if e != dtOK {
			return 0, e
		}
		if have&m != 0 {
			return 0, dtBadFormat
		}
		have, mask = have|m, mask|m
	}
	if have&^(tokDoy.mask()|maskTZ) != maskDate {
		return 0, dtBadFormat
	}
	return mask, dtOK
}

// decodeNumber reads one number as the part of the date that is still missing
// (DecodeNumber); have is what is known already.
func (d *dtDecoder) decodeNumber(s string, have int) (mask int, e dtErr) {
	v, rest, ok := leadingInt(s)
	switch {
	case !ok:
		return 0, dtOverflow
	case len(rest) == len(s):
		return 0, dtBadFormat
	case rest != "" && rest[0] != '.':
		return 0, dtBadFormat
	case rest != "":
		if len(s)-len(rest) > 2 {
			return d.concatenated(s, have|maskDate)
		}
		if d.tm.usec, e = fraction(rest); e != dtOK {
			return 0, e
		}
	}
	const year, month, day = 1 << tokYear, 1 << tokMonth, 1 << tokDay
	if len(s) == 3 && have&maskDate == year && v >= 1 && v <= 366 {
		d.yday = v
		return tokDoy.mask() | month | day, dtOK
	}
	order := d.env.or().DateOrder
	switch have & maskDate {
	case 0:
		switch {
		case len(s) >= 3 || order == YMD:
			mask = year
		case order == DMY:
			mask = day
		default:
			mask = month
		}
	case year, day:
		mask = month
	case month:
		mask = day
		if d.textMonth && (len(s) >= 3 || order == YMD) {
			mask = year
		}
	case year | month:
		mask = day
		if d.textMonth && len(s) >= 3 && d.twoDigit {
			d.tm.mday, d.tm.year, d.twoDigit = d.tm.year, v, false
			return day, dtOK
		}
	case month | day:
		mask = year
	case maskDate:
		return d.concatenated(s, have)
	default:
		return 0, dtBadFormat
	}
	switch mask {
	case year:
		d.tm.year = v
		d.twoDigit = len(s) <= 2
	case month:
		d.tm.mon = v
	case day:
		d.tm.mday = v
	}
	return mask, dtOK
}

// concatenated reads yyyymmdd, hhmmss or hhmm, perhaps with a fraction
// (DecodeNumberField).
func (d *dtDecoder) concatenated(s string, have int) (mask int, e dtErr) {
	if p := strings.IndexByte(s, '.'); p >= 0 {
		if d.tm.usec, e = fraction(s[p:]); e != dtOK {
			return 0, dtBadFormat
		}
		s = s[:p]
	} else if have&maskDate != maskDate && len(s) >= 6 {
		n := len(s)
		year := atoi(s[:n-4])
		d.tm.mday, _ = digitsValue(s[n-2:])
		d.tm.mon, _ = digitsValue(s[n-4 : n-2])
		d.tm.year = year
		d.twoDigit = d.twoDigit || n-4 == 2
		return maskDate, dtOK
	}
	if have&maskTime == maskTime || len(s) != 6 && len(s) != 4 {
		return 0, dtBadFormat
	}
	d.tm.hour, _ = digitsValue(s[:2])
	d.tm.min, _ = digitsValue(s[2:4])
	d.tm.sec = 0
	if len(s) == 6 {
		d.tm.sec, _ = digitsValue(s[4:])
	}
	return maskTime, dtOK
}

// atoi is C's: of numbers that are too long it keeps the last 32 bits, and what else is
// wrong with the text counts.
func atoi(s string) int {
	v, _, ok := leadingInt64(s)
	if !ok {
		v = math.MaxInt64
	}
	return int(int32(v))
}

func digitsValue(s string) (int, bool) {
	v, rest, ok := leadingInt(s)
	return v, ok && rest == ""
}

// fraction reads ".ffffff" as microseconds, rounded.
func fraction(s string) (usec int, e dtErr) {
	f, e := fractionFloat(s)
	return int(math.RoundToEven(f * usecPerSec)), e
}

func fractionFloat(s string) (float64, dtErr) {
	if s == "." {
		return 0, dtOK
	}
	if len(s) < 2 || !isDigit(s[1]) {
		return 0, dtBadFormat
	}
	f, err := strconv.ParseFloat("0"+s, 64)
	if err != nil {
		return 0, dtBadFormat
	}
	return f, dtOK
}

// decodeClock reads hh:mm, hh:mm:ss, hh:mm:ss.f or mm:ss.f (DecodeTime). us is
// the minutes and below.
func decodeClock(s string, fields int32) (hour, us int64, e dtErr) {
	hour, s, ok := leadingInt64(s)
	if !ok {
		return 0, 0, dtOverflow
	}
	if s == "" || s[0] != ':' {
		return 0, 0, dtBadFormat
	}
	min, s, ok := leadingInt(s[1:])
	if !ok {
		return 0, 0, dtOverflow
	}
	sec, usec := 0, 0
	switch {
	case s == "":
		if fields == intervalMinute|intervalSecond {
			hour, min, sec = 0, int(hour), min
		}
	case s[0] == '.':
		usec, e = fraction(s)
		if hour > math.MaxInt32 {
			return 0, 0, dtOverflow
		}
		hour, min, sec = 0, int(hour), min
	case s[0] == ':':
		if sec, s, ok = leadingInt(s[1:]); !ok {
			return 0, 0, dtOverflow
		}
		if s != "" {
			if s[0] != '.' {
				return 0, 0, dtBadFormat
			}
			usec, e = fraction(s)
		}
	default:
		e = dtBadFormat
	}
	if e != dtOK {
		return 0, 0, e
	}
	if hour < 0 || min < 0 || min > 59 || sec < 0 || sec > 60 || usec > usecPerSec {
		return 0, 0, dtOverflow
	}
	return hour, int64(min)*usecPerMinute + int64(sec)*usecPerSec + int64(usec), dtOK
}

// leadingInt64 is leadingInt for 64 bits.
func leadingInt64(s string) (v int64, rest string, ok bool) {
	i, neg := 0, false
	if len(s) > 1 && (s[0] == '-' || s[0] == '+') && isDigit(s[1]) {
		neg = s[i] == '-'
		i++
	}
	for ; i < len(s) && isDigit(s[i]); i++ {
		digit := int64(s[i] - '0')
		if v > (math.MaxInt64-digit)/10 {
			return 0, "", false
		}
		v = v*10 + digit
	}
	if neg {
		v = -v
	}
	return v, s[i:], true
}

// decodeZone reads +hh, +hhmm, +hh:mm or +hh:mm:ss as seconds west
// (DecodeTimezone).
func decodeZone(s string) (west int, e dtErr) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, dtBadFormat
	}
	h, rest, ok := leadingInt(s[1:])
	if !ok {
		return 0, dtZoneOverflow
	}
	m, sec := 0, 0
	switch {
	case rest != "" && rest[0] == ':':
		if m, rest, ok = leadingInt(rest[1:]); ok && rest != "" && rest[0] == ':' {
			sec, rest, ok = leadingInt(rest[1:])
		}
	case rest == "" && len(s) > 3:
		h, m = h/100, h%100
	}
	if !ok || h < 0 || h > maxZoneHours || m < 0 || m > 59 || sec < 0 || sec > 59 {
		return 0, dtZoneOverflow
	}
	if rest != "" {
		return 0, dtBadFormat
	}
	west = -(h*3600 + m*60 + sec)
	if s[0] == '-' {
		west = -west
	}
	return west, dtOK
}
