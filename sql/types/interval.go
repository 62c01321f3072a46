package types

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// IntervalValue is a span of time in PostgreSQL's three parts, which do not mix:
// a month has no fixed number of days, a day no fixed number of hours.
type IntervalValue struct {
	Micros int64
	Days   int32
	Months int32
}

// intervalSize is the bytes of an encoded interval.
const intervalSize = 16

// EncodeInterval appends v's 16 bytes, little endian: micros, days, months.
func EncodeInterval(dst []byte, v IntervalValue) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Micros))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Days))
	return binary.LittleEndian.AppendUint32(dst, uint32(v.Months))
}

// DecodeInterval reads EncodeInterval's form.
func DecodeInterval(b []byte) IntervalValue { return decodeInterval(str(b)) }

func decodeInterval(s string) IntervalValue {
	if len(s) < intervalSize {
		return IntervalValue{}
	}
	return IntervalValue{int64(le64(s, 0)), int32(le32(s, 8)), int32(le32(s, 12))}
}

// IntervalDatum makes an interval datum.
func IntervalDatum(v IntervalValue) Datum {
	var tmp [intervalSize]byte
	return Datum{S: string(EncodeInterval(tmp[:0], v))}
}

// Interval gives the value of an interval datum.
func (d Datum) Interval() IntervalValue { return decodeInterval(d.S) }

func errIntervalRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
}

// span gives the interval's length in microseconds as a 128-bit number, with
// 30 days a month: PostgreSQL's order and equality.
func (v IntervalValue) span() (hi int64, lo uint64) {
	days := int64(v.Months)*daysPerMonth + int64(v.Days)
	h, l := bits.Mul64(uint64(days), usecPerDay)
	hi = int64(h)
	if days < 0 {
		hi -= usecPerDay
	}
	lo, c := bits.Add64(l, uint64(v.Micros), 0)
	return hi + v.Micros>>63 + int64(c), lo
}

// Cmp orders by length.
func (v IntervalValue) Cmp(w IntervalValue) int {
	ah, al := v.span()
	bh, bl := w.span()
	if c := cmp.Compare(ah, bh); c != 0 {
		return c
	}
	return cmp.Compare(al, bl)
}

// Sign gives -1, 0 or 1 by length.
func (v IntervalValue) Sign() int { return v.Cmp(IntervalValue{}) }

// appendOrdered appends a key that orders and equals like Cmp.
func (v IntervalValue) appendOrdered(dst []byte) []byte {
	hi, lo := v.span()
	dst = binary.BigEndian.AppendUint64(dst, uint64(hi)^1<<63)
	return binary.BigEndian.AppendUint64(dst, lo)
}

// FixedMicros gives the length in microseconds with 30 days a month; ok is
// false beyond 64 bits. Windows and grace periods need it.
func (v IntervalValue) FixedMicros() (us int64, ok bool) {
	hi, lo := v.span()
	return int64(lo), hi == int64(lo)>>63
}

// Add gives v + w part by part.
func (v IntervalValue) Add(w IntervalValue) (IntervalValue, error) {
	us, ok := addMicros(v.Micros, w.Micros)
	d, m := int64(v.Days)+int64(w.Days), int64(v.Months)+int64(w.Months)
	if !ok || d != int64(int32(d)) || m != int64(int32(m)) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{us, int32(d), int32(m)}, nil
}

// Sub gives v - w part by part.
func (v IntervalValue) Sub(w IntervalValue) (IntervalValue, error) {
	us := v.Micros - w.Micros
	d, m := int64(v.Days)-int64(w.Days), int64(v.Months)-int64(w.Months)
	if (us < v.Micros) != (w.Micros > 0) || d != int64(int32(d)) || m != int64(int32(m)) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{us, int32(d), int32(m)}, nil
}

// Neg gives -v.
func (v IntervalValue) Neg() (IntervalValue, error) {
	if v.Micros == math.MinInt64 || v.Days == math.MinInt32 || v.Months == math.MinInt32 {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{-v.Micros, -v.Days, -v.Months}, nil
}

// roundSec rounds to microseconds, as TSROUND.
func roundSec(f float64) float64 { return math.RoundToEven(f*usecPerSec) / usecPerSec }

// Mul gives v * f; fractions of months and days go down to days and seconds.
func (v IntervalValue) Mul(f float64) (IntervalValue, error) {
	m, d := float64(v.Months)*f, float64(v.Days)*f
	if !fitsInt32(m) || !fitsInt32(d) {
		return IntervalValue{}, errIntervalRange()
	}
	return v.cascade(m, d, float64(v.Micros)*f)
}

// Div gives v / f.
func (v IntervalValue) Div(f float64) (IntervalValue, error) {
	if f == 0 {
		return IntervalValue{}, errDivisionByZero()
	}
	m, d := float64(v.Months)/f, float64(v.Days)/f
	if !fitsInt32(m) || !fitsInt32(d) {
		return IntervalValue{}, errIntervalRange()
	}
	return v.cascade(m, d, float64(v.Micros)/f)
}

func fitsInt32(f float64) bool { return f >= math.MinInt32 && f <= math.MaxInt32 }

// cascade builds an interval of fractional months, days and microseconds.
func (IntervalValue) cascade(m, d, us float64) (IntervalValue, error) {
	r := IntervalValue{Months: int32(m), Days: int32(d)}
	restDays := roundSec((m - float64(r.Months)) * daysPerMonth)
	restSec := roundSec((d - float64(r.Days) + restDays - math.Trunc(restDays)) * secPerDay)
	days := int64(r.Days)
	if math.Abs(restSec) >= secPerDay {
		whole := math.Trunc(restSec / secPerDay)
		days += int64(whole)
		restSec -= whole * secPerDay
	}
	days += int64(restDays)
	t := math.RoundToEven(us + restSec*usecPerSec)
	if days != int64(int32(days)) || !(t >= -0x1p63 && t < 0x1p63) {
		return IntervalValue{}, errIntervalRange()
	}
	r.Days, r.Micros = int32(days), int64(t)
	return r, nil
}

// JustifyHours turns 24 hours into a day.
func (v IntervalValue) JustifyHours() (IntervalValue, error) {
	days := int64(v.Days) + v.Micros/usecPerDay
	us := v.Micros % usecPerDay
	if days > 0 && us < 0 {
		us += usecPerDay
		days--
	} else if days < 0 && us > 0 {
		us -= usecPerDay
		days++
	}
	if days != int64(int32(days)) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{us, int32(days), v.Months}, nil
}

// JustifyDays turns 30 days into a month.
func (v IntervalValue) JustifyDays() (IntervalValue, error) {
	months := int64(v.Months) + int64(v.Days/daysPerMonth)
	days := v.Days % daysPerMonth
	if months > 0 && days < 0 {
		days += daysPerMonth
		months--
	} else if months < 0 && days > 0 {
		days -= daysPerMonth
		months++
	}
	if months != int64(int32(months)) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{v.Micros, days, int32(months)}, nil
}

// Justify turns 24 hours into days, 30 days into months, and gives all parts
// one sign.
func (v IntervalValue) Justify() (IntervalValue, error) {
	days, months := int64(v.Days), int64(v.Months)
	us := v.Micros
	if days > 0 && us > 0 || days < 0 && us < 0 {
		months += days / daysPerMonth
		days %= daysPerMonth
	}
	days += us / usecPerDay
	us %= usecPerDay
	months += days / daysPerMonth
	days %= daysPerMonth
	if months > 0 && (days < 0 || days == 0 && us < 0) {
		days += daysPerMonth
		months--
	} else if months < 0 && (days > 0 || days == 0 && us > 0) {
		days -= daysPerMonth
		months++
	}
	if days > 0 && us < 0 {
		us += usecPerDay
		days--
	} else if days < 0 && us > 0 {
		us -= usecPerDay
		days++
	}
	if months != int64(int32(months)) {
		return IntervalValue{}, errIntervalRange()
	}
	return IntervalValue{us, int32(days), int32(months)}, nil
}

// Coerce applies a modifier: cuts the fields below the range's last, rounds the
// seconds.
func (v IntervalValue) Coerce(t Type) IntervalValue {
	m := t.Typmod()
	if m < 0 {
		return v
	}
	r := m >> 16 & intervalFullRange
	if r != intervalFullRange {
		v = v.cutBelow(r)
	}
	if p := m & intervalFullPrecision; p != intervalFullPrecision {
		v.Micros = roundMicros(v.Micros, p)
	}
	return v
}

// cutBelow cuts what is smaller than the smallest field of a range.
func (v IntervalValue) cutBelow(r int32) IntervalValue {
	switch {
	case r&intervalSecond != 0:
	case r&intervalMinute != 0:
		v.Micros -= v.Micros % usecPerMinute
	case r&intervalHour != 0:
		v.Micros -= v.Micros % usecPerHour
	case r&intervalDay != 0:
		v.Micros = 0
	case r&intervalMonth != 0:
		v.Micros, v.Days = 0, 0
	case r&intervalYear != 0:
		v.Micros, v.Days = 0, 0
		v.Months -= v.Months % 12
	}
	return v
}
