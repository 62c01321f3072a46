package types

import (
	"math"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// DateField is a unit of date_trunc, extract and date_part.
type DateField uint8

// The fields.
const (
	FieldNone DateField = iota
	FieldMicroseconds
	FieldMilliseconds
	FieldSecond
	FieldMinute
	FieldHour
	FieldDay
	FieldWeek
	FieldMonth
	FieldQuarter
	FieldYear
	FieldDecade
	FieldCentury
	FieldMillennium
	FieldDow
	FieldIsodow
	FieldDoy
	FieldIsoyear
	FieldJulian
	FieldEpoch
	FieldTimezone
	FieldTimezoneHour
	FieldTimezoneMinute
)

// specialFields are names beside the units of intervals.
var specialFields = map[string]DateField{
	"dow": FieldDow, "isodow": FieldIsodow,
	"doy": FieldDoy, "isoyear": FieldIsoyear, "julian": FieldJulian, "j": FieldJulian,
	"jd": FieldJulian, "epoch": FieldEpoch, "timezone": FieldTimezone,
	"timezone_h": FieldTimezoneHour, "timezone_m": FieldTimezoneMinute,
}

var unitFields = map[tokType]DateField{
	tokMicro: FieldMicroseconds, tokMilli: FieldMilliseconds, tokSecond: FieldSecond,
	tokMinute: FieldMinute, tokHour: FieldHour, tokDay: FieldDay, tokWeek: FieldWeek,
	tokMonth: FieldMonth, tokQuarter: FieldQuarter, tokYear: FieldYear, tokDecade: FieldDecade,
	tokCentury: FieldCentury, tokMillennium: FieldMillennium,
}

// ParseDateField finds a field by any of its names.
func ParseDateField(name string) (DateField, bool) {
	s := strings.ToLower(name)
	if u, ok := intervalUnit(s); ok && u != tokAgo {
		return unitFields[u], true
	}
	if len(s) > maxTokenLen {
		s = s[:maxTokenLen]
	}
	f, ok := specialFields[s]
	return f, ok
}

// ErrDateField refuses a field for a kind, whether it is known or not.
func ErrDateField(name string, k Kind) error {
	s := strings.ToLower(name)
	if _, ok := ParseDateField(s); ok {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"unit \"%s\" not supported for type %s", s, kinds[k].sql)
	}
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"unit \"%s\" not recognized for type %s", s, kinds[k].sql)
}

// CanTrunc tells whether date_trunc knows a field.
func CanTrunc(f DateField) bool { return f >= FieldMicroseconds && f <= FieldMillennium }

// CanExtract tells whether a field can be extracted from values of kind k.
func CanExtract(f DateField, k Kind) bool {
	switch k {
	case Timestamp:
		return f != FieldNone && f < FieldTimezone
	case Timestamptz:
		return f != FieldNone
	case Date:
		return f >= FieldDay && f <= FieldEpoch
	case Time:
		return f != FieldNone && f <= FieldHour || f == FieldEpoch
	case Timetz:
		return f != FieldNone && f <= FieldHour || f >= FieldEpoch
	case Interval:
		return f != FieldNone && f <= FieldMillennium && f != FieldWeek || f == FieldEpoch
	}
	return false
}

// DateTrunc cuts a local time down to a field. The field is one that CanTrunc.
func DateTrunc(f DateField, v int64) (int64, error) {
	if isInfinite(v) {
		return v, nil
	}
	unit := int64(0)
	switch f {
	case FieldMicroseconds:
		return v, nil
	case FieldMilliseconds:
		unit = 1000
	case FieldSecond:
		unit = usecPerSec
	case FieldMinute:
		unit = usecPerMinute
	case FieldHour:
		unit = usecPerHour
	case FieldDay:
		unit = usecPerDay
	default:
		return truncDate(f, v)
	}
	q, _ := floorDiv(v, unit)
	return q * unit, nil
}

func truncDate(f DateField, v int64) (int64, error) {
	days, _ := splitMicros(v)
	if f == FieldWeek {
		return (days - int64((weekday(days)+6)%7)) * usecPerDay, nil
	}
	y, m, _ := civilFromDays(days)
	y, m = truncMonth(f, y, m)
	c := civil{year: y, mon: m, mday: 1}
	r, ok := c.micros()
	if !ok {
		return 0, errTimestampRange()
	}
	return r, nil
}

// truncMonth cuts year and month down to a field of a month or more.
func truncMonth(f DateField, y, m int) (int, int) {
	switch f {
	case FieldMillennium:
		y = truncEra(y, 1000)
	case FieldCentury:
		y = truncEra(y, 100)
	case FieldDecade:
		if y > 0 {
			y = y / 10 * 10
		} else {
			y = -((8 - (y - 1)) / 10) * 10
		}
	case FieldQuarter:
		return y, (m-1)/3*3 + 1
	case FieldMonth:
		return y, m
	}
	return y, 1
}

// truncEra gives the first year of the era of n years that y lies in; eras
// begin with year 1.
func truncEra(y, n int) int {
	if y > 0 {
		return (y+n-1)/n*n - (n - 1)
	}
	return -((n-1-(y-1))/n)*n + 1
}

// DateTruncTz cuts an instant down to a field of the local time in loc.
func DateTruncTz(loc *time.Location, f DateField, v int64) (int64, error) {
	if loc == nil {
		loc = time.UTC
	}
	if isInfinite(v) || loc == time.UTC {
		return DateTrunc(f, v)
	}
	off := int64(zoneOffset(loc, v)) * usecPerSec
	r, err := DateTrunc(f, v+off)
	if err != nil || f < FieldDay {
		return r - off, err
	}
	return fromLocal(loc, r), nil
}

// IntervalTrunc cuts an interval down to a field.
func IntervalTrunc(f DateField, v IntervalValue) (IntervalValue, error) {
	years := int32(0)
	switch f {
	case FieldMillennium:
		years = 1000
	case FieldCentury:
		years = 100
	case FieldDecade:
		years = 10
	case FieldYear:
		years = 1
	case FieldQuarter:
		return IntervalValue{Months: v.Months - v.Months%3}, nil
	case FieldMonth:
		return IntervalValue{Months: v.Months}, nil
	case FieldDay:
		v.Micros = 0
	case FieldHour:
		v.Micros -= v.Micros % usecPerHour
	case FieldMinute:
		v.Micros -= v.Micros % usecPerMinute
	case FieldSecond:
		v.Micros -= v.Micros % usecPerSec
	case FieldMilliseconds:
		v.Micros -= v.Micros % 1000
	case FieldMicroseconds:
	default:
		return v, sqlerr.New(sqlerr.FeatureNotSupported,
			"unit \"week\" not supported for type interval").
			WithDetail("Months usually have fractional weeks.")
	}
	if years != 0 {
		return IntervalValue{Months: v.Months - v.Months%(years*12)}, nil
	}
	return v, nil
}

// Part is an extracted field: V * 10^-Scale, or for a Julian day with time V plus
// the fraction dayMicros of a day. Inf is the sign of an infinite part.
type Part struct {
	V     int64
	Scale int32
	Inf   int
	Null  bool

	form      partForm
	dayMicros int64
	months    int32 // of an interval's epoch
	days      int32
}

// partForm says how PostgreSQL computes a part as a float, which shows in the
// last digit.
type partForm uint8

const (
	partPlain    partForm = iota
	partClock             // whole seconds and a fraction
	partJulian            // a day and a fraction
	partInterval          // the sum over an interval's fields
)

// Decimal gives the part as extract does.
func (p Part) Decimal() Decimal {
	switch {
	case p.Inf > 0:
		return DecimalInf
	case p.Inf < 0:
		return DecimalNegInf
	case p.form == partJulian:
		frac, _ := DecimalFromInt(p.dayMicros).Div(DecimalFromInt(usecPerDay))
		sum, _ := DecimalFromInt(p.V).Add(frac)
		return sum
	case p.form == partInterval:
		// A year has 365.25 days; four times everything keeps it whole.
		quarters := int64(4*daysPerYear)*int64(p.months/12) +
			4*daysPerMonth*int64(p.months%12) + 4*int64(p.days)
		sum, _ := DecimalFromInt(quarters * (secPerDay / 4)).Add(NewDecimal(p.V, p.Scale))
		return sum
	}
	return NewDecimal(p.V, p.Scale)
}

// Float gives the part as date_part does.
func (p Part) Float() float64 {
	if p.Inf != 0 {
		return math.Inf(p.Inf)
	}
	unit := math.Pow10(int(p.Scale))
	switch p.form {
	case partClock:
		if p.Scale == 3 {
			return float64(p.V/usecPerSec)*1000 + float64(p.V%usecPerSec)/1000
		}
		return float64(p.V/usecPerSec) + float64(p.V%usecPerSec)/usecPerSec
	case partJulian:
		return float64(p.V) + float64(p.dayMicros)/usecPerDay
	case partInterval:
		f := float64(p.V) / unit
		f += daysPerYear * secPerDay * float64(p.months/12)
		f += daysPerMonth * secPerDay * float64(p.months%12)
		return f + secPerDay*float64(p.days)
	}
	return float64(p.V) / unit
}

// ExtractTimestamp gives a field of a Date, Timestamp or Timestamptz: v is the
// value, in days for a Date; loc is for Timestamptz.
func ExtractTimestamp(k Kind, loc *time.Location, f DateField, v int64) Part {
	if isInfinite(v) {
		return infinitePart(f, v)
	}
	local, west := v, 0
	switch {
	case k == Date:
		return datePart(f, v)
	case k == Timestamptz && loc != nil:
		west = -zoneOffset(loc, v)
		local -= int64(west) * usecPerSec
	}
	switch f {
	case FieldEpoch:
		return Part{V: v, Scale: 6}
	case FieldTimezone, FieldTimezoneHour, FieldTimezoneMinute:
		return zonePart(f, west)
	}
	days, us := splitMicros(local)
	switch f {
	case FieldMicroseconds, FieldMilliseconds, FieldSecond, FieldMinute, FieldHour:
		return clockPart(f, us)
	case FieldJulian:
		return Part{V: days + unixJulian, form: partJulian, dayMicros: us}
	}
	return datePart(f, days)
}

// infinitePart gives the fields of infinity: units that come round are NULL,
// others infinite.
func infinitePart(f DateField, v int64) Part {
	switch f {
	case FieldYear, FieldDecade, FieldCentury, FieldMillennium, FieldJulian, FieldIsoyear,
		FieldEpoch:
		if v < 0 {
			return Part{Inf: -1}
		}
		return Part{Inf: 1}
	}
	return Part{Null: true}
}

func zonePart(f DateField, west int) Part {
	east := int64(-west)
	switch f {
	case FieldTimezoneHour:
		east /= 3600
	case FieldTimezoneMinute:
		east = east / 60 % 60
	}
	return Part{V: east}
}

// clockPart gives a field of microseconds within a day.
func clockPart(f DateField, us int64) Part {
	switch f {
	case FieldHour:
		return Part{V: us / usecPerHour}
	case FieldMinute:
		return Part{V: us / usecPerMinute % 60}
	case FieldMilliseconds:
		return Part{V: us % usecPerMinute, Scale: 3, form: partClock}
	case FieldSecond:
		return Part{V: us % usecPerMinute, Scale: 6, form: partClock}
	}
	return Part{V: us % usecPerMinute}
}

// datePart gives a field of a day.
func datePart(f DateField, days int64) Part {
	y, m, d := civilFromDays(days)
	v := 0
	switch f {
	case FieldDay:
		v = d
	case FieldMonth:
		v = m
	case FieldQuarter:
		v = (m-1)/3 + 1
	case FieldYear:
		v = noYearZero(y)
	case FieldDecade:
		v = y / 10
		if y < 0 {
			v = -((8 - (y - 1)) / 10)
		}
	case FieldCentury:
		v = era(y, 100)
	case FieldMillennium:
		v = era(y, 1000)
	case FieldWeek:
		_, v = isoWeek(days)
	case FieldIsoyear:
		v, _ = isoWeek(days)
		v = noYearZero(v)
	case FieldDow:
		v = weekday(days)
	case FieldIsodow:
		v = (weekday(days)+6)%7 + 1
	case FieldDoy:
		v = int(days-daysFromCivil(y, 1, 1)) + 1
	case FieldJulian:
		v = int(days + unixJulian)
	case FieldEpoch:
		return Part{V: days * secPerDay}
	}
	return Part{V: int64(v)}
}

// noYearZero gives the year as people count: 0 is 1 BC.
func noYearZero(y int) int {
	if y <= 0 {
		return y - 1
	}
	return y
}

func era(y, n int) int {
	if y > 0 {
		return (y + n - 1) / n
	}
	return -((n - 1 - (y - 1)) / n)
}

// ExtractTime gives a field of a time of day.
func ExtractTime(f DateField, us int64) Part {
	if f == FieldEpoch {
		return Part{V: us, Scale: 6}
	}
	return clockPart(f, us)
}

// ExtractTimetz gives a field of a time of day with zone.
func ExtractTimetz(f DateField, v TimetzValue) Part {
	switch f {
	case FieldEpoch:
		return Part{V: v.utc(), Scale: 6}
	case FieldTimezone, FieldTimezoneHour, FieldTimezoneMinute:
		return zonePart(f, int(v.West))
	}
	return clockPart(f, v.Micros)
}

// ExtractInterval gives a field of an interval.
func ExtractInterval(f DateField, v IntervalValue) Part {
	years, months := int64(v.Months/12), int64(v.Months%12)
	switch f {
	case FieldDay:
		return Part{V: int64(v.Days)}
	case FieldMonth:
		return Part{V: months}
	case FieldQuarter:
		return Part{V: months/3 + 1}
	case FieldYear:
		return Part{V: years}
	case FieldDecade:
		return Part{V: years / 10}
	case FieldCentury:
		return Part{V: years / 100}
	case FieldMillennium:
		return Part{V: years / 1000}
	case FieldEpoch:
		return Part{V: v.Micros, Scale: 6, form: partInterval, months: v.Months, days: v.Days}
	}
	return clockPart(f, v.Micros)
}

// Extract gives a field of any date or time value, NULL where it has none.
func Extract(env *Env, t Type, f DateField, d Datum) Part {
	switch t.Kind {
	case Time:
		return ExtractTime(f, d.I)
	case Timetz:
		return ExtractTimetz(f, d.Timetz())
	case Interval:
		return ExtractInterval(f, d.Interval())
	}
	return ExtractTimestamp(t.Kind, env.zone(), f, d.I)
}
