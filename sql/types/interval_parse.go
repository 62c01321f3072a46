package types

import (
	"math"
	"strconv"
	"strings"
)

// ParseInterval reads an interval in any of PostgreSQL's styles. t's modifier
// says what a bare number means, and is applied to the result.
func ParseInterval(env *Env, t Type, s string) (IntervalValue, error) {
	fields := int32(intervalFullRange)
	if m := t.Typmod(); m >= 0 {
		fields = m >> 16 & intervalFullRange
	}
	var p intervalParser
	p.fields = fields
	e := scanFields(s, maxIntervalBytes, &p.dtFields)
	if e == dtOK {
		e = p.decode(env.or().IntervalStyle)
	}
	if e == dtBadFormat {
		p = intervalParser{}
		e = p.decodeISO(s)
	}
	if e == dtOverflow {
		e = dtIntervalOverflow
	}
	if err := dtError(e, s, "interval"); err != nil {
		return IntervalValue{}, err
	}
	v, ok := p.value()
	if !ok {
		return IntervalValue{}, errIntervalRange()
	}
	return v.Coerce(t), nil
}

// intervalParser sums the parts of an interval (DecodeInterval).
type intervalParser struct {
	dtFields
	fields              int32 // the modifier's range
	negative            bool  // a leading sign counts for all fields
	mask                int
	us                  int64
	days, months, years int64
}

func (p *intervalParser) value() (IntervalValue, bool) {
	m := p.years*12 + p.months
	if m != int64(int32(m)) || p.days != int64(int32(p.days)) {
		return IntervalValue{}, false
	}
	return IntervalValue{p.us, int32(p.days), int32(m)}, true
}

// decode reads fields from right to left, so that a unit is known before its
// number.
func (p *intervalParser) decode(style IntervalStyle) dtErr {
	unit := tokUnknown
	ago := false
	p.negative = style == IntervalSQL && p.n > 0 && p.f[0].text[0] == '-' && !p.moreSigns()
	for i := p.n - 1; i >= 0; i-- {
		f := p.f[i]
		mask := 0
		var e dtErr
		switch f.kind {
		case dtString, dtSpecial:
			t, ok := intervalUnit(f.text)
			if !ok {
				return dtBadFormat
			}
			if t == tokAgo {
				ago = true
				unit = t
				continue
			}
			unit = t
			continue
		case dtTime:
			mask, e = p.clock(f.text, false)
			unit = tokDay
		case dtTZ:
			if strings.IndexByte(f.text[1:], ':') >= 0 {
				if mask, e = p.clock(f.text[1:], f.text[0] == '-'); e == dtOK {
					unit = tokDay
					break
				}
			}
			mask, unit, e = p.number(f.text, unit)
		default:
			mask, unit, e = p.number(f.text, unit)
		}
		if e != dtOK {
			return e
		}
		if mask&p.mask != 0 {
			return dtBadFormat
		}
		p.mask |= mask
	}
	if p.mask == 0 {
		return dtBadFormat
	}
	if ago {
		p.us, p.days, p.months, p.years = -p.us, -p.days, -p.months, -p.years
	}
	return dtOK
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// moreSigns tells whether a field after the first has a sign of its own.
func (p *intervalParser) moreSigns() bool {
	for _, f := range p.f[1:max(p.n, 1)] {
		if f.text[0] == '-' || f.text[0] == '+' {
			return true
		}
	}
	return false
}

// clock adds hh:mm:ss.
func (p *intervalParser) clock(s string, neg bool) (mask int, e dtErr) {
	hour, us, e := decodeClock(s, p.fields)
	if e != dtOK {
		return 0, e
	}
	if hour > (math.MaxInt64-us)/usecPerHour {
		return 0, dtOverflow
	}
	us += hour * usecPerHour
	if neg || p.negative {
		us = -us
	}
	p.us = us
	return maskTime, dtOK
}

// rightmostUnit is what a number without a unit means, by the range.
func (p *intervalParser) rightmostUnit() tokType {
	switch r := p.fields; {
	case r == intervalFullRange || r&intervalSecond != 0:
		return tokSecond
	case r&intervalMinute != 0:
		return tokMinute
	case r&intervalHour != 0:
		return tokHour
	case r&intervalDay != 0:
		return tokDay
	case r&intervalMonth != 0:
		return tokMonth
	}
	return tokYear
}

// number adds a number of units; next is the unit of a number further left
// that has none.
func (p *intervalParser) number(s string, unit tokType) (mask int, next tokType, e dtErr) {
	if unit == tokUnknown {
		unit = p.rightmostUnit()
	}
	v, rest, ok := leadingInt64(s)
	if !ok {
		return 0, 0, dtOverflow
	}
	var frac float64
	switch {
	case rest == "":
	case rest[0] == '-':
		m, tail, ok := leadingInt(rest[1:])
		if !ok || m < 0 || m >= 12 {
			return 0, 0, dtOverflow
		}
		if tail != "" {
			return 0, 0, dtBadFormat
		}
		if s[0] == '-' {
			m = -m
		}
		if abs(v) > math.MaxInt32 {
			return 0, 0, dtOverflow
		}
		v, unit = v*12+int64(m), tokMonth
	case rest[0] == '.':
		if frac, e = fractionFloat(rest); e != dtOK {
			return 0, 0, e
		}
		if s[0] == '-' {
			frac = -frac
		}
	default:
		return 0, 0, dtBadFormat
	}
	if p.negative {
		v, frac = -abs(v), -math.Abs(frac)
	}
	if unit == tokAgo || unit == tokQuarter {
		return 0, 0, dtBadFormat
	}
	mask = unit.mask()
	if unit == tokSecond && frac != 0 {
		mask = maskSeconds
	}
	next = unit
	if unit == tokHour {
		next = tokDay
	}
	if !p.add(unit, v, frac) {
		return 0, 0, dtOverflow
	}
	return mask, next, dtOK
}

// add adds v + frac units.
func (p *intervalParser) add(unit tokType, v int64, frac float64) bool {
	switch unit {
	case tokMicro:
		return p.addMicros(v, frac, 1)
	case tokMilli:
		return p.addMicros(v, frac, 1000)
	case tokSecond:
		return p.addMicros(v, frac, usecPerSec)
	case tokMinute:
		return p.addMicros(v, frac, usecPerMinute)
	case tokHour:
		return p.addMicros(v, frac, usecPerHour)
	case tokDay:
		return addInt32(&p.days, v) && p.addFracMicros(frac, usecPerDay)
	case tokWeek:
		return v == int64(int32(v)) && addInt32(&p.days, v*7) && p.addFracDays(frac, 7)
	case tokMonth:
		return addInt32(&p.months, v) && p.addFracDays(frac, daysPerMonth)
	case tokYear:
		return p.addYears(v, frac, 1)
	case tokDecade:
		return p.addYears(v, frac, 10)
	case tokCentury:
		return p.addYears(v, frac, 100)
	case tokMillennium:
		return p.addYears(v, frac, 1000)
	}
	return false
}

func addInt32(p *int64, v int64) bool {
	if v != int64(int32(v)) {
		return false
	}
	*p += v
	return *p == int64(int32(*p))
}

func (p *intervalParser) addMicros(v int64, frac float64, scale int64) bool {
	if abs(v) > math.MaxInt64/scale {
		return false
	}
	us, ok := addMicros(p.us, v*scale)
	p.us = us
	return ok && p.addFracMicros(frac, float64(scale))
}

func (p *intervalParser) addFracMicros(frac, scale float64) bool {
	if frac == 0 {
		return true
	}
	frac *= scale
	us := int64(frac)
	if frac -= float64(us); frac > 0.5 {
		us++
	} else if frac < -0.5 {
		us--
	}
	var ok bool
	p.us, ok = addMicros(p.us, us)
	return ok
}

func (p *intervalParser) addFracDays(frac float64, scale float64) bool {
	if frac == 0 {
		return true
	}
	frac *= scale
	days := int64(frac)
	return addInt32(&p.days, days) && p.addFracMicros(frac-float64(days), usecPerDay)
}

func (p *intervalParser) addYears(v int64, frac float64, scale int64) bool {
	if v != int64(int32(v)) || !addInt32(&p.years, v*scale) {
		return false
	}
	return addInt32(&p.months, int64(math.RoundToEven(frac*float64(scale)*12)))
}

// intervalUnit finds the unit of a word.
func intervalUnit(s string) (tokType, bool) {
	if len(s) > maxTokenLen {
		s = s[:maxTokenLen]
	}
	t, ok := intervalUnits[s]
	return t, ok
}

var intervalUnits = map[string]tokType{
	"ago": tokAgo, "qtr": tokQuarter, "quarter": tokQuarter,
	"us": tokMicro, "usec": tokMicro, "usecs": tokMicro, "usecond": tokMicro, "useconds": tokMicro,
	"microsecon": tokMicro, "ms": tokMilli, "msec": tokMilli, "msecs": tokMilli,
	"msecond": tokMilli, "mseconds": tokMilli, "millisecon": tokMilli,
	"s": tokSecond, "sec": tokSecond, "secs": tokSecond, "second": tokSecond, "seconds": tokSecond,
	"m": tokMinute, "min": tokMinute, "mins": tokMinute, "minute": tokMinute, "minutes": tokMinute,
	"h": tokHour, "hr": tokHour, "hrs": tokHour, "hour": tokHour, "hours": tokHour,
	"d": tokDay, "day": tokDay, "days": tokDay,
	"w": tokWeek, "week": tokWeek, "weeks": tokWeek,
	"mon": tokMonth, "mons": tokMonth, "month": tokMonth, "months": tokMonth,
	"y": tokYear, "yr": tokYear, "yrs": tokYear, "year": tokYear, "years": tokYear,
	"dec": tokDecade, "decs": tokDecade, "decade": tokDecade, "decades": tokDecade,
	"c": tokCentury, "cent": tokCentury, "century": tokCentury, "centuries": tokCentury,
	"mil": tokMillennium, "mils": tokMillennium, "millennia": tokMillennium,
	"millennium": tokMillennium,
}

// decodeISO reads ISO 8601's P... forms (DecodeISO8601Interval).
func (p *intervalParser) decodeISO(s string) dtErr {
	if len(s) < 2 || s[0] != 'P' {
		return dtBadFormat
	}
	s = s[1:]
	date, have := true, false
	for s != "" {
		if s[0] == 'T' {
			date, have = false, false
			s = s[1:]
			continue
		}
		field := s
		v, frac, rest, e := isoNumber(s)
		if e != dtOK {
			return e
		}
		unit := byte(0)
		if s = rest; s != "" {
			unit, s = s[0], s[1:]
		}
		t, known := isoUnit(unit, date)
		if known {
			if !p.add(t, v, frac) {
				return dtOverflow
			}
			have = true
			continue
		}
		if have || unit != 0 && unit != '-' && unit != ':' && unit != 'T' {
			return dtBadFormat
		}
		if date {
			s, e = p.isoDate(field, unit, v, frac, s)
		} else {
			s, e = p.isoTime(field, unit, v, frac, s)
		}
		if e != dtOK {
			return e
		}
		date = false
	}
	return dtOK
}

func isoUnit(c byte, date bool) (tokType, bool) {
	switch {
	case date && c == 'Y':
		return tokYear, true
	case date && c == 'M':
		return tokMonth, true
	case date && c == 'W':
		return tokWeek, true
	case date && c == 'D':
		return tokDay, true
	case !date && c == 'H':
		return tokHour, true
	case !date && c == 'M':
		return tokMinute, true
	case !date && c == 'S':
		return tokSecond, true
	}
	return 0, false
}

// isoWidth counts the digits at the start of s.
func isoWidth(s string) int {
	n := 0
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// isoDate reads the alternative forms yyyymmdd and yyyy-mm-dd; rest is what
// follows the T.
func (p *intervalParser) isoDate(field string, unit byte, v int64, frac float64, s string) (
	rest string, e dtErr) {
	if unit == ':' {
		return "", dtBadFormat
	}
	if isoWidth(field) == 8 && unit != '-' {
		ok := p.add(tokYear, v/10000, 0) && p.add(tokMonth, v/100%100, 0) &&
			p.add(tokDay, v%100, frac)
		return s, overflowUnless(ok)
	}
	if !p.add(tokYear, v, frac) {
		return "", dtOverflow
	}
	if unit != '-' {
		return s, dtOK
	}
	for _, t := range []tokType{tokMonth, tokDay} {
		v, frac, r, e := isoNumber(s)
		if e != dtOK {
			return "", e
		}
		if !p.add(t, v, frac) {
			return "", dtOverflow
		}
		switch {
		case r == "":
			return "", dtOK
		case r[0] == 'T':
			return r[1:], dtOK
		case r[0] != '-' || t == tokDay:
			return "", dtBadFormat
		}
		s = r[1:]
	}
	return s, dtOK
}

// isoTime reads the alternative forms hhmmss and hh:mm:ss.
func (p *intervalParser) isoTime(field string, unit byte, v int64, frac float64, s string) (
	rest string, e dtErr) {
	if unit != 0 && unit != ':' {
		return "", dtBadFormat
	}
	if isoWidth(field) == 6 && unit == 0 {
		ok := p.add(tokHour, v/10000, 0) && p.add(tokMinute, v/100%100, 0) &&
			p.add(tokSecond, v%100, 0) && p.addFracMicros(frac, 1)
		return "", overflowUnless(ok)
	}
	if !p.add(tokHour, v, frac) {
		return "", dtOverflow
	}
	if unit == 0 {
		return "", dtOK
	}
	for _, t := range []tokType{tokMinute, tokSecond} {
		v, frac, r, e := isoNumber(s)
		if e != dtOK {
			return "", e
		}
		if !p.add(t, v, frac) {
			return "", dtOverflow
		}
		if r == "" {
			return "", dtOK
		}
		if r[0] != ':' || t == tokSecond {
			return "", dtBadFormat
		}
		s = r[1:]
	}
	return "", dtOK
}

func overflowUnless(ok bool) dtErr {
	if ok {
		return dtOK
	}
	return dtOverflow
}

// isoNumber reads a number and splits it at the point.
func isoNumber(s string) (whole int64, frac float64, rest string, e dtErr) {
	if s == "" || !isDigit(s[0]) && s[0] != '-' && s[0] != '.' {
		return 0, 0, "", dtBadFormat
	}
	i := 0
	if s[0] == '-' {
		i++
	}
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' {
		j := i + 1
		if s[j] == '-' || s[j] == '+' {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			for i = j; i < len(s) && isDigit(s[i]); {
				i++
			}
		}
	}
	f, err := strconv.ParseFloat(s[:i], 64)
	if err != nil {
		return 0, 0, "", dtBadFormat
	}
	if f < -1e15 || f > 1e15 {
		return 0, 0, "", dtOverflow
	}
	w := math.Trunc(f)
	return int64(w), f - w, s[i:], dtOK
}
