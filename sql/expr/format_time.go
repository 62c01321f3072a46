package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// moment is a time taken apart for to_char.
type moment struct {
	year, month, day   int // year 0 is 1 BC
	hour, min, sec, us int
	doy, dow           int // dow: 0 is Sunday
	isoYear, isoWeek   int
	isoDoy             int // of an interval; that of a date follows from the week
	julian             int64
	zone               string // abbreviation, "" when there is none
	offset             int    // seconds east
	zoned, isInterval  bool
	intervalHours      int64
}

const unixJulian = 2440588

func momentFromMicros(local int64) moment {
	days := local / usecPerDay
	us := local % usecPerDay
	if us < 0 {
		us += usecPerDay
		days--
	}
	y, m, d := civilDate(days)
	iy, iw := isoWeekOf(days)
	return moment{year: y, month: m, day: d, hour: int(us / 3600e6), min: int(us / 60e6 % 60),
		sec: int(us / 1e6 % 60), us: int(us % 1e6), doy: int(days-daysOf(y, 1, 1)) + 1,
		dow: int(((days+4)%7 + 7) % 7), isoYear: iy, isoWeek: iw, julian: days + unixJulian}
}

// civilDate gives the proleptic Gregorian date of a day since 1970.
func civilDate(days int64) (y, m, d int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp) + 3
	if m > 12 {
		m -= 12
	}
	y = int(yoe + era*400)
	if m <= 2 {
		y++
	}
	return y, m, d
}

// daysOf is the inverse of civilDate.
func daysOf(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	return int64(era)*146097 + int64(yoe*365+yoe/4-yoe/100+doy) - 719468
}

func isoWeekOf(days int64) (year, week int) {
	thursday := days + 3 - ((days+3)%7+7)%7
	y, _, _ := civilDate(thursday)
	return y, int((thursday-daysOf(y, 1, 1))/7) + 1
}

func momentAt(zone *time.Location, us int64) moment {
	m := momentFromMicros(types.AtZone(zone, us))
	name, off := time.UnixMicro(us).In(zone).Zone()
	m.zone, m.offset, m.zoned = name, off, true
	return m
}

func momentOfInterval(iv types.IntervalValue) moment {
	us := iv.Micros
	m := moment{year: int(iv.Months / 12), month: int(iv.Months % 12), day: int(iv.Days),
		isInterval: true, intervalHours: us / 3600e6, hour: int(us / 3600e6), min: int(us / 60e6 % 60),
		sec: int(us / 1e6 % 60), us: int(us % 1e6)}
	y, mon, d := int32(m.year), int32(m.month), int32(m.day)
	m.doy = int((y*12+mon)*30 + d)
	m.julian = int64(julianDay(y, mon, d))
	isoYear, isoWeek := isoWeekOfSpan(y, mon, d)
	m.isoYear, m.isoWeek = int(isoYear), int(isoWeek)
	m.isoDoy = int(julianDay(y, mon, d) - isoYearStart(isoYear) + 1)
	return m
}

// julianDay is PostgreSQL's date2j, which has an answer for the months 0 and the years
// below 0 of an interval too, and for years so many that the days overflow.
func julianDay(y, m, d int32) int32 {
	if m > 2 {
		m, y = m+1, y+4800
	} else {
		m, y = m+13, y+4799
	}
	century := y / 100
	return y*365 - 32167 + y/4 - century + century/4 + 7834*m/256 + d
}

// isoYearStart is the Julian day of the Monday that an ISO year begins with.
func isoYearStart(year int32) int32 {
	fourth := julianDay(year, 1, 4)
	weekday := fourth % 7
	if weekday < 0 {
		weekday += 7
	}
	return fourth - weekday
}

// isoWeekOfSpan counts the parts of an interval as those of a date.
func isoWeekOfSpan(y, m, d int32) (year, week int32) {
	day, start := julianDay(y, m, d), isoYearStart(y)
	if day < start {
		y--
		start = isoYearStart(y)
	}
	week = (day-start)/7 + 1
	if week >= 52 {
		if next := isoYearStart(y + 1); day >= next {
			return y + 1, (day-next)/7 + 1
		}
	}
	return y, week
}

// timeKeywords are the template patterns, longest first where one begins another.
var timeKeywords = []string{
	"YYYY", "Y,YYY", "YYY", "YY", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "SSSSS", "SSSS",
	"HH24", "HH12", "HH", "MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "MI", "MS",
	"DAY", "Day", "day", "DDD", "DD", "DY", "Dy", "dy", "D", "SS", "US", "FF1", "FF2", "FF3",
	"FF4", "FF5", "FF6", "FX", "A.M.", "P.M.", "a.m.", "p.m.", "AM", "PM", "am", "pm", "A.D.", "B.C.",
	"a.d.", "b.c.", "AD", "BC", "ad", "bc", "CC", "WW", "W", "Q", "RM", "rm", "J", "TZH", "TZM",
	"TZ", "tz", "OF", "Y", "I",
}

// timeToken is a template pattern, or a character of text when word is "".
type timeToken struct {
	word   string
	text   string
	quoted bool // text in quotes, which never is a separator
	fill   bool // FM before it
	th     string
}

func (t timeToken) upper() string { return strings.ToUpper(t.word) }

// name is the pattern as messages have it.
func (t timeToken) name() string { return t.word }

// numeric tells whether a pattern stands for digits.
func (t timeToken) numeric() bool {
	switch w := t.upper(); w {
	case "MONTH", "MON", "DAY", "DY", "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.", "RM", "TZ",
		"OF", "FX", "TZH":
		return false
	}
	return true
}

// mode is the calendar that a pattern belongs to.
func (t timeToken) mode() dateMode {
	switch t.upper() {
	case "DDD", "DD", "D", "MM", "MONTH", "MON", "RM", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y":
		return gregorianDate
	case "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I":
		return isoWeekDate
	}
	return anyDate
}

func parseTimeFormat(s string) []timeToken {
	var out []timeToken
	for s != "" {
		var t timeToken
		if len(s) >= 2 {
			switch s[:2] {
			case "FM", "fm":
				t.fill, s = true, s[2:]
			case "TM", "tm":
				s = s[2:]
				switch strings.ToUpper(timeKeyword(s)) {
				case "MONTH", "MON", "DAY", "DY":
					t.fill = true
				}
			}
		}
		if s == "" {
			break
		}
		if t.word = timeKeyword(s); t.word != "" {
			s = s[len(t.word):]
			if len(s) >= 2 && (s[:2] == "TH" || s[:2] == "th") {
				t.th, s = s[:2], s[2:]
			} else if len(s) >= 2 && (s[:2] == "SP" || s[:2] == "sp") {
				s = s[2:]
			}
			out = append(out, t)
			continue
		}
		quoted := s[0] == '"'
		var chars []string
		chars, s = templateText(s)
		for _, c := range chars {
			out = append(out, timeToken{text: c, quoted: quoted})
		}
	}
	return out
}

// timeKeyword gives the pattern that a template goes on with: as it is listed, or in
// lower case.
func timeKeyword(s string) string {
	for _, k := range timeKeywords {
		if strings.HasPrefix(s, k) || len(s) >= len(k) && s[:len(k)] == strings.ToLower(k) {
			return s[:len(k)]
		}
	}
	return ""
}

// toCharTime is to_char of a time.
func toCharTime(m moment, format string) (string, error) {
	var b strings.Builder
	for _, t := range timeTemplate(format) {
		if t.word == "" {
			b.WriteString(t.text)
			continue
		}
		if t.upper() == "FX" {
			continue
		}
		if m.isInterval && calendarOnly[strings.ToUpper(t.word)] {
			return "", sqlerr.New(sqlerr.InvalidDatetimeFormat,
				"invalid format specification for an interval value").
				WithHint("Intervals are not tied to specific calendar dates.")
		}
		s := m.field(t)
		if t.th != "" {
			if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
				th := ordinalSuffix(int64(math.Abs(float64(n))))
				if t.th == "TH" {
					th = strings.ToUpper(th)
				}
				s += th
			}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// calendarOnly are the fields that intervals do not have.
var calendarOnly = map[string]bool{"AD": true, "BC": true, "A.D.": true, "B.C.": true, "TZ": true,
	"TZH": true, "TZM": true, "OF": true, "MONTH": true, "MON": true, "DAY": true, "DY": true,
	"D": true, "ID": true}

func (m moment) num(t timeToken, v int64, width int) string {
	if t.fill {
		return strconv.FormatInt(v, 10)
	}
	if v < 0 {
		switch t.upper() {
		case "DD", "DDD", "WW", "IW", "IDDD": // where the sign is one of the digits
		default:
			width++
		}
	}
	return paddedNumber(v, width)
}

// shownYear is the year as people count: 1 BC is year 1.
func (m moment) shownYear() int {
	if m.year <= 0 && !m.isInterval {
		return 1 - m.year
	}
	return m.year
}

func (m moment) field(t timeToken) string {
	switch strings.ToUpper(t.word) {
	case "HH", "HH12":
		h := m.hour % 12
		if h == 0 {
			h = 12
		}
		if h < 0 || m.hour >= 0 {
			return m.num(t, int64(h), 2)
		}
		return m.num(t, int64(h), 3)
	case "HH24":
		return m.num(t, int64(m.hour), 2)
	case "MI":
		return m.num(t, int64(m.min), 2)
	case "SS":
		return m.num(t, int64(m.sec), 2)
	case "MS", "FF3":
		return fmt.Sprintf("%03d", m.us/1000)
	case "US", "FF6":
		return fmt.Sprintf("%06d", m.us)
	case "FF1", "FF2", "FF4", "FF5":
		n := int(t.word[2] - '0')
		us := m.us
		for i := n; i < 6; i++ {
			us /= 10
		}
		return fmt.Sprintf("%0*d", n, us)
	case "SSSS", "SSSSS":
		return strconv.Itoa(m.hour*3600 + m.min*60 + m.sec)
	case "AM", "PM", "A.M.", "P.M.":
		return m.half(t.word)
	}
	return m.dateField(t)
}

// half is AM or PM in the style of the pattern.
func (m moment) half(word string) string {
	s := "AM"
	if m.hour%24 >= 12 {
		s = "PM"
	}
	return likeWord(s, word)
}

// likeWord gives an abbreviation the dots and the case of the pattern.
func likeWord(s, word string) string {
	if strings.Contains(word, ".") {
		s = s[:1] + "." + s[1:] + "."
	}
	if word[0] >= 'a' {
		s = strings.ToLower(s)
	}
	return s
}

func (m moment) dateField(t timeToken) string {
	y, iso := m.shownYear(), m.isoYear
	if iso <= 0 && !m.isInterval {
		iso = 1 - iso
	}
	switch strings.ToUpper(t.word) {
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", y/1000, y%1000)
	case "YYYY":
		return m.yearDigits(t, y, 4)
	case "YYY":
		return m.yearDigits(t, y%1000, 3)
	case "YY":
		return m.yearDigits(t, y%100, 2)
	case "Y":
		return strconv.Itoa(y % 10)
	case "IYYY":
		return m.yearDigits(t, iso, 4)
	case "IYY":
		return m.yearDigits(t, iso%1000, 3)
	case "IY":
		return m.yearDigits(t, iso%100, 2)
	case "I":
		return strconv.Itoa(iso % 10)
	case "MM":
		return m.num(t, int64(m.month), 2)
	case "DDD":
		return m.num(t, int64(m.doy), 3)
	case "IDDD":
		if m.isInterval {
			return m.num(t, int64(m.isoDoy), 3)
		}
		return m.num(t, int64((m.isoWeek-1)*7+isoDay(m.dow)), 3)
	case "DD":
		return m.num(t, int64(m.day), 2)
	case "D":
		return strconv.Itoa(m.dow + 1)
	case "ID":
		return strconv.Itoa(isoDay(m.dow))
	case "WW":
		return m.num(t, int64((m.doy-1)/7+1), 2)
	case "IW":
		return m.num(t, int64(m.isoWeek), 2)
	case "W":
		return strconv.Itoa((m.day-1)/7 + 1)
	case "Q":
		if m.month == 0 {
			return ""
		}
		return strconv.Itoa((m.month-1)/3 + 1)
	case "J":
		return strconv.FormatInt(m.julian, 10)
	case "CC":
		return m.num(t, int64(m.century()), 2)
	}
	return m.nameField(t)
}

func isoDay(dow int) int {
	if dow == 0 {
		return 7
	}
	return dow
}

func (m moment) century() int {
	switch {
	case m.isInterval:
		return m.year / 100
	case m.year > 0:
		return (m.year-1)/100 + 1
	}
	return m.year/100 - 1
}

var monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December"}

var dayNames = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

var romanMonths = []string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

// styled gives a name the case of the pattern, padded to width unless FM.
func styled(name string, t timeToken, width int) string {
	switch {
	case t.word == strings.ToUpper(t.word):
		name = strings.ToUpper(name)
	case t.word[0] >= 'a':
		name = strings.ToLower(name)
	}
	if !t.fill && len(name) < width {
		name += strings.Repeat(" ", width-len(name))
	}
	return name
}

func (m moment) nameField(t timeToken) string {
	month := ""
	if m.month > 0 {
		month = monthNames[m.month-1]
	}
	switch strings.ToUpper(t.word) {
	case "MONTH":
		return styled(month, t, 9)
	case "MON":
		return styled(month[:min(3, len(month))], t, 0)
	case "DAY":
		return styled(dayNames[m.dow], t, 9)
	case "DY":
		return styled(dayNames[m.dow][:3], t, 0)
	case "RM":
		return m.roman(t)
	case "AD", "BC", "A.D.", "B.C.":
		if m.year <= 0 {
			return likeWord("BC", t.word)
		}
		return likeWord("AD", t.word)
	case "TZ":
		if t.word == "tz" {
			return strings.ToLower(m.zone)
		}
		return m.zone
	case "TZH":
		return fmt.Sprintf("%c%02d", plusMinus(m.offset < 0), absInt(m.offset)/3600)
	case "TZM":
		return fmt.Sprintf("%02d", absInt(m.offset)%3600/60)
	case "OF":
		width := 2
		if t.fill {
			width = 0
		}
		s := fmt.Sprintf("%c%0*d", plusMinus(m.offset < 0), width, absInt(m.offset)/3600)
		if r := absInt(m.offset) % 3600; r != 0 {
			s += fmt.Sprintf(":%02d", r/60)
		}
		return s
	}
	return t.word
}

// yearDigits writes digits of the year; the sign of the year decides the width.
func (m moment) yearDigits(t timeToken, v, width int) string {
	if t.fill {
		return strconv.Itoa(v)
	}
	if m.shownYear() < 0 {
		width++
	}
	return paddedNumber(int64(v), width)
}

// roman is the month in Roman numerals; whole years of an interval are its twelfth
// month, and months before it count backwards.
func (m moment) roman(t timeToken) string {
	i := m.month - 1
	switch {
	case m.month == 0 && m.year == 0:
		return ""
	case m.month == 0 && m.year > 0:
		i = 11
	case m.month == 0:
		i = 0
	case m.month < 0:
		i = 12 + m.month
	}
	return styled(romanMonths[i], t, 4)
}

func absInt(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
