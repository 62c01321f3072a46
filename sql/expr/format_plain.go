package expr

import (
	"math"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/types"
)

// plainTime is a to_char template of nothing but numbers of fixed width and text
// between them, which is written without taking the whole time apart.
type plainTime struct {
	fields []plainField
	clock  bool // some field is of the time of day
}

// plainField is a number, or text when width is 0.
type plainField struct {
	part  byte // 'Y', 'M', 'D', 'h', 'm', 's', or 'u' for a part of the second
	width int
	div   int64 // of 'u': microseconds per unit
	text  string
}

var plainWords = map[string]plainField{
	"YYYY": {part: 'Y', width: 4}, "MM": {part: 'M', width: 2}, "DD": {part: 'D', width: 2},
	"HH24": {part: 'h', width: 2}, "MI": {part: 'm', width: 2}, "SS": {part: 's', width: 2},
	"MS": {part: 'u', width: 3, div: 1000}, "US": {part: 'u', width: 6, div: 1},
}

// plainTemplate gives a template's plain form; ok is false when it has none.
func plainTemplate(format string) (p plainTime, ok bool) {
	for _, t := range timeTemplate(format) {
		if t.word == "" {
			p.fields = append(p.fields, plainField{text: t.text})
			continue
		}
		f, known := plainWords[strings.ToUpper(t.word)]
		if !known || t.fill || t.th != "" {
			return p, false
		}
		p.clock = p.clock || f.part >= 'a'
		p.fields = append(p.fields, f)
	}
	return p, len(p.fields) > 0
}

// plainYears are the days of the years from 1 to 9999, which have four digits.
var plainYears = [2]int64{daysOf(1, 1, 1), daysOf(10000, 1, 1)}

// appendTo writes a time of day within a day since 1970.
func (p *plainTime) appendTo(buf []byte, days, us int64) []byte {
	y, m, d := civilDate(days)
	for _, f := range p.fields {
		v := int64(0)
		switch f.part {
		case 0:
			buf = append(buf, f.text...)
			continue
		case 'Y':
			v = int64(y)
		case 'M':
			v = int64(m)
		case 'D':
			v = int64(d)
		case 'h':
			v = us / 3600e6
		case 'm':
			v = us / 60e6 % 60
		case 's':
			v = us / 1e6 % 60
		case 'u':
			v = us % 1e6 / f.div
		}
		n := len(buf)
		buf = append(buf, "000000"[:f.width]...)
		for i := n + f.width - 1; v > 0; i-- {
			buf[i] = byte('0' + v%10)
			v /= 10
		}
	}
	return buf
}

// charOfTimes is to_char of timestamps; local gives the clock's time of one, and
// whole takes one apart for templates that are not plain.
func charOfTimes(local func(env *Env) func(us int64) int64,
	whole func(env *Env, us int64) moment) Kernel {
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		v, f := args[0], args[1]
		if len(rows) > 0 && f.Const {
			if p, ok := plainTemplate(aliasString(f.Bytes(0))); ok {
				return p.kernel(rows, v, out, local(env), func(us int64) (string, error) {
					return toCharTime(whole(env, us), aliasString(f.Bytes(0)))
				})
			}
		}
		for i, r := range rows {
			us, format := v.I64[v.Row(int(r))], aliasString(f.Bytes(int(r)))
			if isInfinite(us) || format == "" {
				setNull(out, int(r))
				continue
			}
			s, err := toCharTime(whole(env, us), format)
			if err != nil {
				return rowErr(i, err)
			}
			putString(out, int(r), s)
		}
		return nil
	}
}

// kernel writes times by a plain template. Times of one day in a row are written
// once when the time of day is not shown.
func (p *plainTime) kernel(rows []uint16, v, out *vector, local func(us int64) int64,
	whole func(us int64) (string, error)) error {
	last, from, to := int64(math.MinInt64), 0, 0
	for i, r := range rows {
		us := v.I64[v.Row(int(r))]
		if isInfinite(us) {
			setNull(out, int(r))
			continue
		}
		at := local(us)
		days := at / usecPerDay
		if at < days*usecPerDay {
			days--
		}
		if days < plainYears[0] || days >= plainYears[1] {
			s, err := whole(us)
			if err != nil {
				return rowErr(i, err)
			}
			putString(out, int(r), s)
			continue
		}
		padTo(out, int(r))
		if days == last && !p.clock {
			endBytes(out, append(out.Buf, out.Buf[from:to]...))
			continue
		}
		last, from = days, len(out.Buf)
		endBytes(out, p.appendTo(out.Buf, days, at-days*usecPerDay))
		to = len(out.Buf)
	}
	return nil
}

func sameTime(*Env) func(us int64) int64 { return func(us int64) int64 { return us } }

// zoneTime gives the time of the session's clock.
func zoneTime(env *Env) func(us int64) int64 {
	zone := zoneOf(env)
	if zone == time.UTC {
		return func(us int64) int64 { return us }
	}
	return func(us int64) int64 { return types.AtZone(zone, us) }
}
