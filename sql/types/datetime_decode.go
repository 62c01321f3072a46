package types

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// dtDecoder turns fields into a date and time, by the steps of DecodeDateTime
// and DecodeTimeOnly in PostgreSQL's datetime.c: fields are looked at one by
// one, each claims parts of the date and time, and a part claimed twice is an
// error.
type dtDecoder struct {
	env *Env
	dtFields
	timeOnly bool // a time of day is wanted: the date is optional

	tm        civil
	yday      int
	mask      int // parts claimed so far
	prefix    int // a pending unitJulian or unitTime
	special   int // resEpoch, resLate, resEarly, or 0
	textMonth bool
	julian    bool
	twoDigit  bool // the year was written with one or two digits
	bc        bool
	ampm      int
	west      int            // displacement, seconds west
	named     *time.Location // zone given by name
	abbrev    string         // the abbreviation by which named was found, or ""
	badZone   string         // the name that no zone has
}

// decode runs over all fields.
func (d *dtDecoder) decode() dtErr {
	for i := range d.n {
		mask, e := d.field(i)
		if e != dtOK {
			return e
		}
		if mask&d.mask != 0 {
			return dtBadFormat
		}
		d.mask |= mask
	}
	return d.finish()
}

func (d *dtDecoder) field(i int) (mask int, e dtErr) {
	f := d.f[i]
	switch f.kind {
	case dtDate:
		if d.timeOnly {
			return d.dateInTime(i)
		}
		return d.dateField(f.text)
	case dtTime:
		return d.timeField(f.text)
	case dtTZ:
		west, e := decodeZone(f.text)
		d.west = west
		return maskTZ, e
	case dtNumber:
		if d.prefix != 0 {
			return d.prefixed(f.text)
		}
		if d.timeOnly {
			return d.numberInTime(i)
		}
		return d.numberField(f.text)
	}
	return d.wordField(i)
}

// dateField handles a date, a zone name with punctuation, or a concatenated
// time with a zone.
func (d *dtDecoder) dateField(s string) (mask int, e dtErr) {
	const monthDay = 1<<tokMonth | 1<<tokDay
	switch {
	case d.prefix == unitJulian:
		v, rest, ok := leadingInt(s)
		if !ok || v < 0 {
			return 0, dtOverflow
		}
		d.setJulian(int64(v))
		d.prefix = 0
		d.west, e = decodeZone(rest)
		return maskDate | maskTime | maskTZ, e
	case d.prefix == 0 && d.mask&monthDay != monthDay:
		return d.decodeDate(s)
	case isDigit(s[0]) || d.prefix != 0:
		if d.prefix != 0 && d.prefix != unitTime {
			return 0, dtBadFormat
		}
		d.prefix = 0
		if d.mask&maskTime == maskTime {
			return 0, dtBadFormat
		}
		return d.timeWithZone(s, d.mask)
	}
	return d.namedZone(s, dtZoneUnknown)
}

// timeWithZone reads hhmmss-zz.
func (d *dtDecoder) timeWithZone(s string, have int) (mask int, e dtErr) {
	cut := strings.IndexByte(s, '-')
	if cut < 0 {
		return 0, dtBadFormat
	}
	if d.west, e = decodeZone(s[cut:]); e != dtOK {
		return 0, e
	}
	mask, e = d.concatenated(s[:cut], have)
	return mask | maskTZ, e
}

func (d *dtDecoder) namedZone(s string, miss dtErr) (int, dtErr) {
	d.named = findZone(s)
	if d.named == nil {
		d.badZone = s
		return 0, miss
	}
	return maskTZ, dtOK
}

// dateInTime handles a date-like field where a time is wanted.
func (d *dtDecoder) dateInTime(i int) (mask int, e dtErr) {
	s := d.f[i].text
	if i == 0 && d.n >= 2 && (d.f[d.n-1].kind == dtDate || d.f[1].kind == dtTime) {
		return d.decodeDate(s)
	}
	if !isDigit(s[0]) {
		return d.namedZone(s, dtZoneUnknown)
	}
	if d.mask&maskTime == maskTime {
		return 0, dtBadFormat
	}
	d.prefix = 0
	return d.timeWithZone(s, d.mask|maskDate)
}

func (d *dtDecoder) timeField(s string) (mask int, e dtErr) {
	if d.prefix != 0 && !d.timeOnly {
		if d.prefix != unitTime {
			return 0, dtBadFormat
		}
		d.prefix = 0
	}
	hour, us, e := decodeClock(s, intervalFullRange)
	if e != dtOK {
		return 0, e
	}
	if hour > math.MaxInt32 {
		return 0, dtOverflow
	}
	d.tm.hour = int(hour)
	d.tm.min = int(us / usecPerMinute)
	d.tm.sec = int(us / usecPerSec % 60)
	d.tm.usec = int(us % usecPerSec)
	if us >= usecPerHour { // :59:60 keeps its sixty seconds
		d.tm.min, d.tm.sec = 59, 60
	}
	if !d.timeOnly && clockOverflows(d.tm) {
		return 0, dtOverflow
	}
	return maskTime, dtOK
}

// clockOverflows tells whether a time of day is beyond 24:00:00.
func clockOverflows(c civil) bool {
	return c.hour < 0 || c.hour > 24 || c.min < 0 || c.min > 59 || c.sec < 0 || c.sec > 60 ||
		c.timeMicros() > usecPerDay
}

// prefixed reads the number after "julian" or "t".
func (d *dtDecoder) prefixed(s string) (mask int, e dtErr) {
	v, rest, ok := leadingInt(s)
	if !ok {
		return 0, dtOverflow
	}
	prefix := d.prefix
	if rest != "" && (rest[0] != '.' ||
		prefix != unitJulian && prefix != unitTime && prefix != unitSecond) {
		return 0, dtBadFormat
	}
	d.prefix, d.special = 0, 0
	switch prefix {
	case unitJulian:
		if v < 0 {
			return 0, dtOverflow
		}
		d.setJulian(int64(v))
		if rest == "" {
			return maskDate, dtOK
		}
		f, err := strconv.ParseFloat("0"+rest, 64)
		if err != nil {
			return 0, dtBadFormat
		}
		d.tm.setTime(int64(f * usecPerDay))
		return maskDate | maskTime, dtOK
	case unitTime:
		mask, e = d.concatenated(s, d.mask|maskDate)
		if e == dtOK && mask != maskTime {
			e = dtBadFormat
		}
		return mask, e
	}
	return d.labelled(prefix, v, rest)
}

// labelled sets the part that a unit before the number named, as in
// y2001m02d04.
func (d *dtDecoder) labelled(unit, v int, frac string) (mask int, e dtErr) {
	switch unit {
	case unitYear:
		d.tm.year = v
		return tokYear.mask(), dtOK
	case unitMonth:
		if d.mask&tokMonth.mask() != 0 && d.mask&tokHour.mask() != 0 {
			d.tm.min = v
			return tokMinute.mask(), dtOK
		}
		d.tm.mon = v
		return tokMonth.mask(), dtOK
	case unitDay:
		d.tm.mday = v
		return tokDay.mask(), dtOK
	case unitHour:
		d.tm.hour = v
		return tokHour.mask(), dtOK
	case unitMinute:
		d.tm.min = v
		return tokMinute.mask(), dtOK
	case unitSecond:
		d.tm.sec = v
		if frac == "" {
			return tokSecond.mask(), dtOK
		}
		d.tm.usec, e = fraction(frac)
		return maskSeconds, e
	}
	return 0, dtBadFormat
}

func (d *dtDecoder) setJulian(j int64) {
	d.tm.setDays(j - unixJulian)
	d.julian = true
}

// leadingInt reads digits at the start of s; ok is false beyond 32 bits.
func leadingInt(s string) (v int, rest string, ok bool) {
	i, neg := 0, false
	if len(s) > 1 && (s[0] == '-' || s[0] == '+') && isDigit(s[1]) {
		neg = s[i] == '-'
		i++
	}
	for ; i < len(s) && isDigit(s[i]); i++ {
		if v = v*10 + int(s[i]-'0'); v > math.MaxInt32 {
			return 0, "", false
		}
	}
	if neg {
		v = -v
	}
	return v, s[i:], true
}

func (d *dtDecoder) numberField(s string) (mask int, e dtErr) {
	point := strings.IndexByte(s, '.')
	switch {
	case point >= 0 && d.mask&maskDate == 0:
		return d.decodeDate(s)
	case point > 2:
		return d.concatenated(s, d.mask)
	case len(s) >= 6 && (d.mask&maskDate == 0 || d.mask&maskTime == 0):
		return d.concatenated(s, d.mask)
	}
	return d.decodeNumber(s, d.mask)
}

func (d *dtDecoder) numberInTime(i int) (mask int, e dtErr) {
	s := d.f[i].text
	point := strings.IndexByte(s, '.')
	switch {
	case point >= 0 && i == 0 && d.n >= 2 && d.f[d.n-1].kind == dtDate:
		return d.decodeDate(s)
	case point >= 0 && point <= 2:
		return 0, dtBadFormat
	case point > 2 || len(s) > 4:
		return d.concatenated(s, d.mask|maskDate)
	}
	return d.decodeNumber(s, d.mask|maskDate)
}

// wordField handles keywords and zone abbreviations.
func (d *dtDecoder) wordField(i int) (mask int, e dtErr) {
	s := d.f[i].text
	if z, ok := zoneAbbrev(s); ok && len(s) <= maxTokenLen {
		if z.zone != "" {
			d.abbrev = s
			mask, e = d.namedZone(z.zone, dtBadFormat)
			return mask | tokDynTZ.mask(), e
		}
		d.west = -z.east
		if z.dst {
			return maskTZ | tokDTZ.mask(), dtOK
		}
		return maskTZ, dtOK
	}
	t, ok := dateToken(s)
	if !ok {
		return d.namedZone(s, dtBadFormat)
	}
	switch t.typ {
	case tokIgnore:
		return 0, dtOK
	case tokReserved:
		return d.reserved(t.val)
	case tokMonth:
		mask = t.typ.mask()
		const month, day = 1 << tokMonth, 1 << tokDay
		if d.mask&month != 0 && !d.textMonth && d.mask&day == 0 &&
			d.tm.mon >= 1 && d.tm.mon <= 31 {
			d.tm.mday = d.tm.mon
			mask = day
		}
		d.textMonth = true
		d.tm.mon = t.val
		if d.timeOnly {
			return 0, dtBadFormat
		}
		return mask, dtOK
	case tokDTZMod:
		d.west -= t.val
		return 1<<tokDTZMod | 1<<tokDTZ, dtOK
	case tokAMPM:
		d.ampm = t.val
	case tokADBC:
		d.bc = t.val == 1
	case tokDOW:
		if d.timeOnly {
			return 0, dtBadFormat
		}
	case tokUnits, tokISOTime:
		return 0, d.unit(i, t)
	}
	return t.typ.mask(), dtOK
}

// unit notes a prefix such as "j" or "t" for the next field.
func (d *dtDecoder) unit(i int, t dtToken) dtErr {
	if t.typ == tokISOTime {
		if !d.timeOnly && d.mask&maskDate != maskDate {
			return dtBadFormat
		}
		if i >= d.n-1 {
			return dtBadFormat
		}
		if k := d.f[i+1].kind; k != dtNumber && k != dtTime && k != dtDate {
			return dtBadFormat
		}
	}
	d.prefix = t.val
	return dtOK
}

// reserved handles now, today, epoch and their like.
func (d *dtDecoder) reserved(val int) (mask int, e dtErr) {
	env := d.env.or()
	local := toLocal(env.zone(), env.Now)
	switch val {
	case resNow:
		d.special = 0
		d.tm = toCivil(local)
		d.west = -zoneOffset(env.zone(), env.Now)
		if d.timeOnly {
			return maskTime, dtOK
		}
		return maskDate | maskTime | maskTZ, dtOK
	case resZulu:
		d.special = 0
		d.tm.hour, d.tm.min, d.tm.sec, d.tm.usec, d.west = 0, 0, 0, 0, 0
		return maskTime | maskTZ, dtOK
	}
	if d.timeOnly {
		return 0, dtBadFormat
	}
	days, _ := splitMicros(local)
	switch val {
	case resYesterday:
		d.tm.setDays(days - 1)
	case resToday:
		d.tm.setDays(days)
	case resTomorrow:
		d.tm.setDays(days + 1)
	default:
		d.special = val
		return tokReserved.mask(), dtOK
	}
	d.special = 0
	return maskDate, dtOK
}

// finish checks the fields as a whole and settles the zone.
func (d *dtDecoder) finish() dtErr {
	if e := d.validate(); e != dtOK {
		return e
	}
	if d.ampm != 0 && d.tm.hour > 12 {
		return dtOverflow
	}
	if d.ampm == ampmAM && d.tm.hour == 12 {
		d.tm.hour = 0
	} else if d.ampm == ampmPM && d.tm.hour != 12 {
		d.tm.hour += 12
	}
	if d.timeOnly {
		if clockOverflows(d.tm) {
			return dtOverflow
		}
		if d.mask&maskTime != maskTime {
			return dtBadFormat
		}
		return d.settleTimeZone()
	}
	if d.special != 0 {
		return dtOK
	}
	if d.mask&maskDate != maskDate {
		return dtBadFormat
	}
	if d.mask&(1<<tokDTZMod) != 0 && (d.named != nil || d.mask&maskTZ == 0) {
		return dtBadFormat
	}
	if d.abbrev != "" {
		v, _ := d.tm.micros()
		d.west = -abbrevOffset(d.named, d.abbrev, fromLocal(d.named, v), d.env.or().Now)
		return dtOK
	}
	if loc := d.named; loc != nil || d.mask&maskTZ == 0 {
		if loc == nil {
			loc = d.env.zone()
		}
		d.west = -d.offsetIn(loc, d.tm)
	}
	return dtOK
}

func (d *dtDecoder) offsetIn(loc *time.Location, c civil) int {
	v, ok := c.micros()
	if !ok {
		return 0
	}
	return localOffset(loc, v)
}

// settleTimeZone finds the displacement of a time of day, which may need a
// date.
func (d *dtDecoder) settleTimeZone() dtErr {
	haveDate := d.mask&maskDate == maskDate
	if d.mask&(1<<tokDTZMod) != 0 && (d.named != nil || d.mask&maskTZ == 0) {
		return dtBadFormat
	}
	if d.named != nil && d.abbrev != "" {
		env := d.env.or()
		d.west = -abbrevOffset(d.named, d.abbrev, env.Now, env.Now)
		return dtOK
	}
	if d.named != nil {
		if off, fixed := fixedOffset(d.named); fixed {
			d.west = -off
			return dtOK
		}
		if !haveDate {
			return dtBadFormat
		}
		d.west = -d.offsetIn(d.named, d.tm)
		return dtOK
	}
	if d.mask&maskTZ != 0 {
		return dtOK
	}
	c := d.tm
	if d.mask&maskDate == 0 {
		env := d.env.or()
		now := toCivil(toLocal(env.zone(), env.Now))
		c.year, c.mon, c.mday = now.year, now.mon, now.mday
	} else if !haveDate {
		return dtBadFormat
	}
	d.west = -d.offsetIn(d.env.zone(), c)
	return dtOK
}

// fixedOffset tells whether a zone has had one offset for ever.
func fixedOffset(loc *time.Location) (east int, ok bool) {
	start, end := time.Unix(0, 0).In(loc).ZoneBounds()
	_, east = time.Unix(0, 0).In(loc).Zone()
	return east, start.IsZero() && end.IsZero()
}

// validate checks and completes year, month and day (ValidateDate).
func (d *dtDecoder) validate() dtErr {
	if d.mask&(1<<tokYear) != 0 && !d.julian {
		switch y := d.tm.year; {
		case d.bc:
			if y <= 0 {
				return dtOverflow
			}
			d.tm.year = 1 - y
		case d.twoDigit:
			if y < 0 {
				return dtOverflow
			}
			if y < 70 {
				d.tm.year += 2000
			} else if y < 100 {
				d.tm.year += 1900
			}
		case y <= 0:
			return dtOverflow
		}
	}
	if d.mask&(1<<tokDoy) != 0 {
		d.tm.setDays(daysFromCivil(d.tm.year, 1, 1) + int64(d.yday) - 1)
	}
	if d.mask&(1<<tokMonth) != 0 && (d.tm.mon < 1 || d.tm.mon > 12) {
		return dtMDOverflow
	}
	if d.mask&(1<<tokDay) != 0 && (d.tm.mday < 1 || d.tm.mday > 31) {
		return dtMDOverflow
	}
	if d.mask&maskDate == maskDate && d.tm.mday > monthDays(d.tm.year, d.tm.mon) {
		return dtOverflow
	}
	return dtOK
}
