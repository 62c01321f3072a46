package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// javaTime is a time to be formatted: has lists the letters that it knows, id is
// the name of its zone.
type javaTime struct {
	moment
	has string
	id  string
}

func javaDateOf(days int64) javaTime {
	return javaTime{moment: momentFromMicros(days * usecPerDay), has: javaDateLetters}
}

func javaTimeOf(us int64) javaTime {
	return javaTime{moment: momentFromMicros(us), has: javaTimeLetters}
}

// javaInstant is the instant us in a zone with that name.
func javaInstant(zone *time.Location, id string, us int64) javaTime {
	return javaTime{moment: momentAt(zone, us), id: id,
		has: javaDateLetters + javaTimeLetters + javaZoneLetters}
}

// formatJava writes a time by a pattern. Its words are English.
func formatJava(t javaTime, pattern string) (string, error) {
	fields, err := javaPattern(pattern)
	if err != nil {
		return "", err
	}
	var b []byte
	b, ok := t.append(b, fields)
	if !ok {
		return "", sqlerr.New(sqlerr.InvalidParameterValue,
			"date/time format \"%s\" needs more than the value has", pattern).
			WithHint("A date has no hours, a time has no days, and neither has a zone.")
	}
	return string(b), nil
}

// append writes fields; ok is false if the value does not have one of them.
func (t javaTime) append(b []byte, fields []javaField) (out []byte, ok bool) {
	for _, f := range fields {
		start := len(b)
		switch {
		case f.letter == 0:
			b = append(b, f.text...)
		case f.letter == '[':
			if inner, ok := t.append(b, f.inner); ok {
				b = inner
			}
			continue
		case strings.IndexByte(t.has, f.letter) < 0:
			return b[:start], false
		default:
			if b, ok = t.field(b, f); !ok {
				return b, false
			}
		}
		if n := f.pad - (len(b) - start); f.pad > 0 {
			if n < 0 {
				return b, false
			}
			text := string(b[start:])
			b = append(append(b[:start], strings.Repeat(" ", n)...), text...)
		}
	}
	return b, true
}

// field writes one letter's run.
func (t javaTime) field(b []byte, f javaField) ([]byte, bool) {
	if v, ok := t.number(f); ok {
		return appendJavaNumber(b, f, v), true
	}
	switch f.letter {
	case 'S':
		digits := paddedNumber(int64(t.us)*1000, 9)
		return append(b, digits[:f.n]...), true
	case 'a':
		if t.hour < 12 {
			return append(b, "AM"...), true
		}
		return append(b, "PM"...), true
	case 'G':
		era := 0
		if t.year <= 0 {
			era = 1
		}
		return append(b, [3][2]string{{"AD", "BC"}, {"Anno Domini", "Before Christ"},
			{"A", "B"}}[max(f.n-3, 0)][era]...), true
	case 'M', 'L':
		return append(b, javaName(monthNames[t.month-1], f.n)...), true
	case 'E', 'e', 'c':
		return append(b, javaName(dayNames[t.dow], f.n)...), true
	case 'Q', 'q':
		n := (t.month - 1) / 3
		return append(b, [3]string{"Q", [4]string{"1st", "2nd", "3rd", "4th"}[n] + " quarter",
			""}[f.n-3]+[3]string{strconv.Itoa(n + 1), "", strconv.Itoa(n + 1)}[f.n-3]...), true
	}
	return t.zoneField(b, f), true
}

// javaName gives the form of a name that n letters ask for.
func javaName(name string, n int) string {
	switch n {
	case 4:
		return name
	case 5:
		return name[:1]
	}
	return name[:3]
}

// number gives the value of a field of digits.
func (t javaTime) number(f javaField) (int64, bool) {
	if !f.isNumber() || f.letter == 'S' {
		return 0, false
	}
	millis := int64((t.hour*60+t.min)*60+t.sec)*1000 + int64(t.us/1000)
	switch f.letter {
	case 'u':
		return int64(t.year), true
	case 'y':
		return int64(t.shownYear()), true
	case 'Y':
		year, _ := t.week()
		return int64(year), true
	case 'w':
		_, week := t.week()
		return int64(week), true
	case 'W':
		return int64((t.day-1+(t.dow-t.day+1+35)%7)/7) + 1, true
	case 'D':
		return int64(t.doy), true
	case 'M', 'L':
		return int64(t.month), true
	case 'd':
		return int64(t.day), true
	case 'F':
		return int64((t.day-1)%7) + 1, true
	case 'Q', 'q':
		return int64(t.month-1)/3 + 1, true
	case 'e', 'c':
		return int64(t.dow) + 1, true
	case 'A':
		return millis, true
	case 'N':
		return (millis*1000 + int64(t.us%1000)) * 1000, true
	case 'n':
		return int64(t.us) * 1000, true
	}
	return t.clock(f.letter), true
}

func (t javaTime) clock(letter byte) int64 {
	switch letter {
	case 'H':
		return int64(t.hour)
	case 'k':
		return int64((t.hour+23)%24) + 1
	case 'K':
		return int64(t.hour % 12)
	case 'h':
		return int64((t.hour+11)%12) + 1
	case 'm':
		return int64(t.min)
	}
	return int64(t.sec)
}

// week gives year and number of the week: weeks begin on Sunday, the first one
// has the first of January.
func (t javaTime) week() (year, week int) {
	first := (t.dow - (t.doy - 1) + 371) % 7 // weekday of the first of January
	week = (t.doy-1+first)/7 + 1
	days := int(daysOf(t.year+1, 1, 1) - daysOf(t.year, 1, 1))
	if t.doy-1-t.dow+7 > days {
		return t.year + 1, 1
	}
	return t.year, week
}

// appendJavaNumber writes a number with as many digits as letters, or two of a
// year.
func appendJavaNumber(b []byte, f javaField, v int64) []byte {
	year := f.letter == 'y' || f.letter == 'u' || f.letter == 'Y'
	if year && f.n == 2 {
		return append(b, paddedNumber(max(v, -v)%100, 2)...)
	}
	s := paddedNumber(max(v, -v), f.n)
	switch {
	case v < 0:
		b = append(b, '-')
	case year && f.n >= 4 && len(s) > f.n:
		b = append(b, '+')
	}
	return append(b, s...)
}

// zoneField writes the zone or its offset.
func (t javaTime) zoneField(b []byte, f javaField) []byte {
	switch {
	case f.letter == 'V':
		return append(b, t.id...)
	case f.letter == 'z' && f.n == 4:
		if name, ok := zoneFullNames[t.zone]; ok && isLetter(t.id[0]) {
			return append(b, name...)
		}
		return append(b, t.id...)
	case f.letter == 'z':
		if isLetter(t.id[0]) && t.zone != "" && isLetter(t.zone[0]) {
			return append(b, t.zone...)
		}
		return append(b, t.id...)
	case f.letter == 'O' || f.letter == 'Z' && f.n == 4:
		return appendLocalOffset(b, t.offset, f.n == 4)
	}
	if t.offset == 0 && (f.letter == 'X' || f.letter == 'Z' && f.n == 5) {
		return append(b, 'Z')
	}
	n := f.n
	if f.letter == 'Z' {
		n = [6]int{0, 2, 2, 2, 0, 5}[f.n]
	}
	return appendOffset(b, t.offset, n)
}

// appendOffset writes an offset in the form of n letters X.
func appendOffset(b []byte, off, n int) []byte {
	colon := n == 3 || n == 5
	b = append(b, plusMinus(off < 0))
	off = absInt(off)
	b = append(b, paddedNumber(int64(off/3600), 2)...)
	if n > 1 || off/60%60 != 0 {
		if colon {
			b = append(b, ':')
		}
		b = append(b, paddedNumber(int64(off/60%60), 2)...)
	}
	if n > 3 && off%60 != 0 {
		if colon {
			b = append(b, ':')
		}
		b = append(b, paddedNumber(int64(off%60), 2)...)
	}
	return b
}

// appendLocalOffset writes GMT+8, or GMT+08:00 in full.
func appendLocalOffset(b []byte, off int, full bool) []byte {
	b = append(b, "GMT"...)
	if off == 0 {
		return b
	}
	b = append(b, plusMinus(off < 0))
	off = absInt(off)
	width := 1
	if full {
		width = 2
	}
	b = append(b, paddedNumber(int64(off/3600), width)...)
	if full || off/60%60 != 0 {
		b = append(append(b, ':'), paddedNumber(int64(off/60%60), 2)...)
	}
	return b
}
