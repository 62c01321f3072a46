package expr

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// timeScan reads a text by a template: to_date and to_timestamp.
type timeScan struct {
	s              string
	m              moment
	haveYear, bc   bool
	pm, am, hour12 bool
	doy            int
	julian         int64
	offset         int
	zoned          bool
}

func errTemplate(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat, format, args...)
}

// parseByTemplate gives the local time that text says in a template, and its
// displacement from UTC in seconds when the template has one.
func parseByTemplate(text, format string) (local int64, offset int, zoned bool, err error) {
	p := timeScan{s: text, m: moment{month: 1, day: 1}, julian: -1}
	tokens := timeTemplate(format)
	for i, t := range tokens {
		if t.word == "" {
			p.skipLiteral(t.text)
			continue
		}
		p.skipSpace()
		if p.s == "" {
			break
		}
		next := i+1 < len(tokens) && tokens[i+1].word != "" && isNumericField(tokens[i+1].word)
		if err := p.field(t, next); err != nil {
			return 0, 0, false, err
		}
		if t.th != "" && len(p.s) >= 2 {
			p.s = p.s[2:]
		}
	}
	local, err = p.result(text)
	return local, p.offset, p.zoned, err
}

func isNumericField(w string) bool {
	switch strings.ToUpper(w) {
	case "MONTH", "MON", "DAY", "DY", "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.", "RM", "TZ":
		return false
	}
	return true
}

func (p *timeScan) skipSpace() { p.s = strings.TrimLeft(p.s, " \t\n") }

// skipLiteral passes over text of the template: a separator matches any one.
func (p *timeScan) skipLiteral(text string) {
	for _, c := range text {
		if p.s == "" {
			return
		}
		if unicode.IsSpace(c) {
			p.skipSpace()
			if p.s != "" && isSeparator(rune(p.s[0])) && p.s[0] != '-' && p.s[0] != '+' {
				p.s = p.s[1:]
			}
			continue
		}
		if isSeparator(c) {
			p.skipSpace()
			if p.s != "" && isSeparator(rune(p.s[0])) {
				p.s = p.s[1:]
			}
			continue
		}
		p.s = p.s[1:]
	}
}

func isSeparator(c rune) bool {
	return c < 128 && !unicode.IsLetter(c) && !unicode.IsDigit(c) && c > ' '
}

// widths are the most digits of the numeric fields.
var fieldWidths = map[string]int{"YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "IYYY": 4, "MM": 2, "DD": 2,
	"DDD": 3, "HH": 2, "HH12": 2, "HH24": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6, "SSSS": 5,
	"SSSSS": 5, "J": 9, "D": 1, "ID": 1, "W": 1, "WW": 2, "IW": 2, "Q": 1, "CC": 2, "TZH": 2,
	"TZM": 2, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6, "IDDD": 3}

func (p *timeScan) number(word string, bounded bool) (v, width int, err error) {
	limit := fieldWidths[word]
	n, start := 0, 0
	if n < len(p.s) && (p.s[n] == '-' || p.s[n] == '+') {
		n++
		start = 1
	}
	for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' && (!bounded || n-start < limit) {
		n++
	}
	if n == start {
		return 0, 0, errTemplate("invalid value \"%s\" for \"%s\"", firstWord(p.s, limit), word).
			WithDetail("Value must be an integer.")
	}
	v, err = strconv.Atoi(p.s[:n])
	if err != nil {
		return 0, 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"value for \"%s\" in source string is out of range", word)
	}
	p.s = p.s[n:]
	return v, n - start, nil
}

func firstWord(s string, n int) string {
	if len(s) > n && n > 0 {
		return s[:n]
	}
	return s
}

func (p *timeScan) field(t timeToken, next bool) error {
	word := strings.ToUpper(t.word)
	switch word {
	case "MONTH", "MON", "DAY", "DY", "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.", "RM":
		return p.name(word)
	case "TZ", "OF":
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"formatting field \"%s\" is only supported in to_char", word)
	}
	fractional := word == "MS" || word == "US" || strings.HasPrefix(word, "FF")
	v, width, err := p.number(word, next || word != "YYYY" && word != "IYYY" && word != "J")
	if err != nil {
		return err
	}
	if fractional {
		for ; width < 6; width++ {
			v *= 10
		}
		p.m.us = v
		return nil
	}
	return p.set(word, v)
}

func (p *timeScan) set(word string, v int) error {
	switch word {
	case "YYYY", "IYYY":
		p.m.year, p.haveYear = v, true
	case "YYY":
		p.m.year, p.haveYear = v+2000, true
		if v >= 520 {
			p.m.year = v + 1000
		}
	case "YY", "Y":
		p.m.year, p.haveYear = twoDigitYear(v), true
	case "MM":
		p.m.month = v
	case "DD":
		p.m.day = v
	case "DDD":
		p.doy = v
	case "HH", "HH12":
		p.m.hour, p.hour12 = v, true
		if v < 1 || v > 12 {
			return errTemplate("hour \"%d\" is invalid for the 12-hour clock", v).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
	case "HH24":
		p.m.hour = v
	case "MI":
		p.m.min = v
	case "SS":
		p.m.sec = v
	case "SSSS", "SSSSS":
		p.m.hour, p.m.min, p.m.sec = v/3600, v/60%60, v%60
	case "J":
		p.julian = int64(v)
	case "TZH":
		p.offset += v * 3600
		p.zoned = true
	case "TZM":
		if p.offset < 0 {
			v = -v
		}
		p.offset += v * 60
	}
	return nil
}

func twoDigitYear(v int) int {
	switch {
	case v < 70:
		return v + 2000
	case v < 100:
		return v + 1900
	}
	return v
}

func (p *timeScan) name(word string) error {
	lower := strings.ToLower(p.s)
	pick := func(names []string, short bool) (int, bool) {
		for i, n := range names {
			n = strings.ToLower(n)
			if !short && strings.HasPrefix(lower, n) {
				p.s = p.s[len(n):]
				return i, true
			}
		}
		for i, n := range names {
			if n = strings.ToLower(n[:min(3, len(n))]); strings.HasPrefix(lower, n) {
				p.s = p.s[3:]
				return i, true
			}
		}
		return 0, false
	}
	switch word {
	case "MONTH", "MON":
		i, ok := pick(monthNames, word == "MON")
		if !ok {
			return errName(p.s, word)
		}
		p.m.month = i + 1
	case "DAY", "DY":
		if _, ok := pick(dayNames, word == "DY"); !ok {
			return errName(p.s, word)
		}
	case "RM":
		for i := len(romanMonths) - 1; i >= 0; i-- {
			if strings.HasPrefix(lower, strings.ToLower(romanMonths[i])) {
				p.m.month = i + 1
				p.s = p.s[len(romanMonths[i]):]
				return nil
			}
		}
		return errName(p.s, word)
	default:
		return p.mark(word, lower)
	}
	return nil
}

func errName(s, word string) error {
	return errTemplate("invalid value \"%s\" for \"%s\"", firstWord(s, len(word)), word).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

// mark reads AM, PM, AD or BC with or without dots.
func (p *timeScan) mark(word, lower string) error {
	for _, m := range []string{"a.m.", "p.m.", "a.d.", "b.c.", "am", "pm", "ad", "bc"} {
		if !strings.HasPrefix(lower, m) {
			continue
		}
		p.s = p.s[len(m):]
		switch m[0] {
		case 'p':
			p.pm = true
		case 'b':
			p.bc = true
		}
		p.am = strings.HasPrefix(m, "a.m") || m == "am" || p.am
		return nil
	}
	return errName(p.s, word)
}

func errFieldRange(text string) error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", text)
}

func (p *timeScan) result(text string) (int64, error) {
	m := p.m
	if p.pm && m.hour < 12 {
		m.hour += 12
	} else if p.am && m.hour == 12 {
		m.hour = 0
	}
	switch {
	case p.bc && p.haveYear:
		m.year = 1 - m.year
	case m.year < 0:
		m.year++
	}
	if !p.haveYear && p.julian < 0 {
		m.year = 0
	}
	days := daysOf(m.year, 1, 1)
	switch {
	case p.julian >= 0:
		days = p.julian - unixJulian
	case p.doy > 0:
		days += int64(p.doy) - 1
	default:
		if m.month < 1 || m.month > 12 || m.day < 1 || m.day > monthLength(m.year, m.month) {
			return 0, errFieldRange(text)
		}
		days = daysOf(m.year, m.month, m.day)
	}
	if absInt(p.offset) > 15*3600+59*60 {
		return 0, errFieldRange(text)
	}
	if m.hour > 24 || m.min > 59 || m.sec > 60 {
		return 0, errFieldRange(text)
	}
	us := int64(m.hour)*3600e6 + int64(m.min)*60e6 + int64(m.sec)*1e6 + int64(m.us)
	start, err := types.DateToTimestamp(days)
	return start + us, err
}

func monthLength(y, m int) int {
	next := daysOf(y, m+1, 1)
	if m == 12 {
		next = daysOf(y+1, 1, 1)
	}
	return int(next - daysOf(y, m, 1))
}
