package types

import "strconv"

// intervalParts are an interval's parts as they are written.
type intervalParts struct {
	year, mon, day, hour, min, sec, usec int64
}

func (v IntervalValue) parts() intervalParts {
	return intervalParts{
		year: int64(v.Months / 12), mon: int64(v.Months % 12), day: int64(v.Days),
		hour: v.Micros / usecPerHour, min: v.Micros / usecPerMinute % 60,
		sec: v.Micros / usecPerSec % 60, usec: v.Micros % usecPerSec,
	}
}

func (p intervalParts) neg() intervalParts {
	return intervalParts{-p.year, -p.mon, -p.day, -p.hour, -p.min, -p.sec, -p.usec}
}

// AppendInterval writes v in the style of env.
func AppendInterval(env *Env, dst []byte, v IntervalValue) []byte {
	p := v.parts()
	switch env.or().IntervalStyle {
	case IntervalISO:
		return p.appendISO(dst)
	case IntervalSQL:
		return p.appendSQL(dst)
	case IntervalPostgresVerbose:
		return p.appendVerbose(dst)
	}
	return p.appendPostgres(dst)
}

// appendClock writes hours, mm:ss.ffffff without sign.
func (p intervalParts) appendClock(dst []byte, pad bool) []byte {
	h := abs(p.hour)
	if pad && h < 10 {
		dst = append(dst, '0')
	}
	dst = append(strconv.AppendInt(dst, h, 10), ':')
	dst = append(append2(dst, int(abs(p.min))), ':')
	return appendFraction(append2(dst, int(abs(p.sec))), int(abs(p.usec)))
}

func (p intervalParts) appendPostgres(dst []byte) []byte {
	zero, before := true, false
	for _, f := range [...]struct {
		v    int64
		unit string
	}{{p.year, "year"}, {p.mon, "mon"}, {p.day, "day"}} {
		if f.v == 0 {
			continue
		}
		if !zero {
			dst = append(dst, ' ')
		}
		if before && f.v > 0 {
			dst = append(dst, '+')
		}
		dst = append(append(strconv.AppendInt(dst, f.v, 10), ' '), f.unit...)
		if f.v != 1 {
			dst = append(dst, 's')
		}
		zero, before = false, f.v < 0
	}
	if !zero && p.hour|p.min|p.sec|p.usec == 0 {
		return dst
	}
	if !zero {
		dst = append(dst, ' ')
	}
	if p.hour < 0 || p.min < 0 || p.sec < 0 || p.usec < 0 {
		dst = append(dst, '-')
	} else if before {
		dst = append(dst, '+')
	}
	return p.appendClock(dst, true)
}

func (p intervalParts) appendISO(dst []byte) []byte {
	if p == (intervalParts{}) {
		return append(dst, "PT0S"...)
	}
	part := func(v int64, unit byte) {
		if v != 0 {
			dst = append(strconv.AppendInt(dst, v, 10), unit)
		}
	}
	dst = append(dst, 'P')
	part(p.year, 'Y')
	part(p.mon, 'M')
	part(p.day, 'D')
	if p.hour|p.min|p.sec|p.usec != 0 {
		dst = append(dst, 'T')
	}
	part(p.hour, 'H')
	part(p.min, 'M')
	if p.sec|p.usec != 0 {
		if p.sec < 0 || p.usec < 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendInt(dst, abs(p.sec), 10)
		dst = append(appendFraction(dst, int(abs(p.usec))), 'S')
	}
	return dst
}

func (p intervalParts) appendSQL(dst []byte) []byte {
	less := p.year < 0 || p.mon < 0 || p.day < 0 || p.hour < 0 || p.min < 0 || p.sec < 0 || p.usec < 0
	more := p.year > 0 || p.mon > 0 || p.day > 0 || p.hour > 0 || p.min > 0 || p.sec > 0 || p.usec > 0
	yearMonth := p.year|p.mon != 0
	dayTime := p.day|p.hour|p.min|p.sec|p.usec != 0
	standard := !(less && more) && !(yearMonth && dayTime)
	if less && standard {
		dst = append(dst, '-')
		p = p.neg()
	}
	switch {
	case !less && !more:
		return append(dst, '0')
	case !standard:
		dst = appendSign(dst, p.year < 0 || p.mon < 0)
		dst = append(strconv.AppendInt(dst, abs(p.year), 10), '-')
		dst = append(strconv.AppendInt(dst, abs(p.mon), 10), ' ')
		dst = appendSign(dst, p.day < 0)
		dst = append(strconv.AppendInt(dst, abs(p.day), 10), ' ')
		dst = appendSign(dst, p.hour < 0 || p.min < 0 || p.sec < 0 || p.usec < 0)
		return p.appendClock(dst, false)
	case yearMonth:
		dst = append(strconv.AppendInt(dst, p.year, 10), '-')
		return strconv.AppendInt(dst, p.mon, 10)
	case p.day != 0:
		dst = append(strconv.AppendInt(dst, p.day, 10), ' ')
	}
	return p.appendClock(dst, false)
}

func appendSign(dst []byte, neg bool) []byte {
	if neg {
		return append(dst, '-')
	}
	return append(dst, '+')
}

func (p intervalParts) appendVerbose(dst []byte) []byte {
	dst = append(dst, '@')
	zero, before := true, false
	for _, f := range [...]struct {
		v    int64
		unit string
	}{{p.year, "year"}, {p.mon, "mon"}, {p.day, "day"}, {p.hour, "hour"}, {p.min, "min"}} {
		v := f.v
		if v == 0 {
			continue
		}
		if zero {
			before = v < 0
			v = abs(v)
		} else if before {
			v = -v
		}
		dst = append(append(strconv.AppendInt(append(dst, ' '), v, 10), ' '), f.unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		zero = false
	}
	if p.sec|p.usec != 0 {
		dst = append(dst, ' ')
		switch neg := p.sec < 0 || p.sec == 0 && p.usec < 0; {
		case neg && zero:
			before = true
		case neg != before:
			dst = append(dst, '-')
		}
		dst = appendFraction(strconv.AppendInt(dst, abs(p.sec), 10), int(abs(p.usec)))
		dst = append(dst, " sec"...)
		if abs(p.sec) != 1 || p.usec != 0 {
			dst = append(dst, 's')
		}
		zero = false
	}
	if zero {
		dst = append(dst, " 0"...)
	}
	if before {
		dst = append(dst, " ago"...)
	}
	return dst
}
