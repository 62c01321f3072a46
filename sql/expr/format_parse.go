package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// dateMode is the calendar that the patterns of a template speak of.
type dateMode uint8

const (
	anyDate dateMode = iota
	gregorianDate
	isoWeekDate
)

// scannedTime is what the patterns of to_date and to_timestamp found in a text; 0
// is a field that was not there, or was 0. It follows PostgreSQL's TmFromChar.
type scannedTime struct {
	mode                       dateMode
	hh, pm, mi, ss, ssss       int
	d, dd, ddd, mm, ms, us     int // d: 1 is Sunday
	year, bc, ww, w, cc, j     int
	yearDigits                 int
	clock12                    bool
	zoneSign, zoneHour, zoneMi int
	fraction                   int // digits that FF1 to FF6 ask for
}

// timeScan reads a text by a template: to_date and to_timestamp.
type timeScan struct {
	all   string
	at    int
	fx    bool // FX: the text has to have the template's shape
	extra int  // blanks skipped beyond those of the template
	tm    scannedTime
}

func errTemplate(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat, format, args...)
}

// parseByTemplate gives the local time that text says in a template, and its
// displacement from UTC in seconds when the template has one.
func parseByTemplate(text, format string) (calendar, error) {
	p := timeScan{all: text}
	tokens := timeTemplate(format)
	for i := range tokens {
		if p.at >= len(text) {
			break
		}
		if err := p.token(tokens, i); err != nil {
			return calendar{}, err
		}
	}
	return p.tm.resolve(text)
}

func (p *timeScan) rest() string { return p.all[p.at:] }

func (p *timeScan) skipSpace() {
	for p.at < len(p.all) && isBlank(p.all[p.at]) {
		p.at++
		p.extra++
	}
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isSeparator(c byte) bool {
	return c > ' ' && c < 0x7f && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
}

func (p *timeScan) token(tokens []timeToken, i int) error {
	t := tokens[i]
	if !p.fx && t.word != "FX" && (t.word != "" || i == 0) {
		if p.skipSpace(); p.at >= len(p.all) && t.word == "" {
			return nil
		}
	}
	if t.word == "" {
		p.literal(t)
		return nil
	}
	if m := t.mode(); m != anyDate {
		if p.tm.mode != anyDate && p.tm.mode != m {
			return errTemplate("invalid combination of date conventions").
				WithHint("Do not mix Gregorian and ISO week date conventions in a formatting template.")
		}
		p.tm.mode = m
	}
	if err := p.field(t, nextIsSeparator(tokens, i)); err != nil {
		return err
	}
	if t.th != "" && t.numeric() {
		for range 2 {
			if p.at < len(p.all) {
				p.at += charLen(p.rest())
			}
		}
	}
	if !p.fx {
		p.extra = 0
		p.skipSpace()
	}
	return nil
}

// literal passes over text of the template.
func (p *timeScan) literal(t timeToken) {
	switch c := t.text[0]; {
	case p.at >= len(p.all):
	case !t.quoted && (isBlank(c) || isSeparator(c)):
		if p.fx {
			p.at += charLen(p.rest())
			return
		}
		p.extra--
		if isBlank(p.all[p.at]) || isSeparator(p.all[p.at]) {
			p.at++
			p.extra++
		}
	case !p.fx && p.extra > 0: // it may be part of a field
		p.extra--
	default:
		p.at += charLen(p.rest())
	}
}

// nextIsSeparator tells whether a field ends where its digits do.
func nextIsSeparator(tokens []timeToken, i int) bool {
	if tokens[i].th != "" || i+1 == len(tokens) {
		return true
	}
	n := tokens[i+1]
	if n.word != "" {
		return !n.numeric()
	}
	return len(n.text) != 1 || n.text[0] < '0' || n.text[0] > '9'
}

// number reads an integer of at most width digits, or of any number of digits where
// the template tells the end of the field.
func (p *timeScan) number(t timeToken, width int, open bool) (v, used int, err error) {
	start := p.at
	for p.at < len(p.all) && isBlank(p.all[p.at]) {
		p.at++
	}
	piece := p.rest()
	if !open && !t.fill {
		if len(piece) < width {
			return 0, 0, errTemplate("source string too short for \"%s\" formatting field", t.name()).
				WithDetail("Field requires %d characters, but only %d remain.", width, len(piece)).
				WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
		}
		piece = piece[:width]
	}
	blanks, n := 0, 0
	for blanks < len(piece) && isBlank(piece[blanks]) {
		blanks++
	}
	n = blanks
	if n < len(piece) && (piece[n] == '-' || piece[n] == '+') {
		n++
	}
	digits := n
	for n < len(piece) && piece[n] >= '0' && piece[n] <= '9' {
		n++
	}
	switch {
	case n == digits:
		return 0, 0, errTemplate("invalid value \"%s\" for \"%s\"", firstWord(p.rest(), width), t.name()).
			WithDetail("Value must be an integer.")
	case n < width && !open && !t.fill:
		return 0, 0, errTemplate("invalid value \"%s\" for \"%s\"", piece, t.name()).
			WithDetail("Field requires %d characters, but only %d could be parsed.", width, n).
			WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
	}
	v, err = strconv.Atoi(piece[blanks:n])
	if err != nil || v > math.MaxInt32 || v < math.MinInt32 {
		return 0, 0, sqlerr.New(sqlerr.DatetimeFieldOverflow,
			"value for \"%s\" in source string is out of range", t.name()).
			WithDetail("Value must be in the range %d to %d.", math.MinInt32, math.MaxInt32)
	}
	p.at += n
	return v, p.at - start, nil
}

func firstWord(s string, n int) string {
	if len(s) > n && n > 0 {
		return s[:n]
	}
	return s
}

// put stores a value, unless another is there.
func put(dest *int, v int, t timeToken) error {
	if *dest != 0 && *dest != v {
		return errTemplate("conflicting values for \"%s\" field in formatting string", t.name()).
			WithDetail("This value contradicts a previous setting for the same field type.")
	}
	*dest = v
	return nil
}

// oneOf finds which of names, case aside, the text goes on with.
func (p *timeScan) oneOf(t timeToken, names []string) (int, error) {
	s := p.rest()
	for i, n := range names {
		if len(s) >= len(n) && strings.EqualFold(s[:len(n)], n) {
			p.at += len(n)
			return i, nil
		}
	}
	if i := strings.IndexAny(s, " \t\n\v\f\r"); i >= 0 {
		s = s[:i]
	}
	return 0, errTemplate("invalid value \"%s\" for \"%s\"", s, t.name()).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

var shortMonths, shortDays = firstThree(monthNames), firstThree(dayNames)

func firstThree(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n[:3]
	}
	return out
}

// romanDown are the months from December on, so that no name begins a later one.
var romanDown = []string{"xii", "xi", "x", "ix", "viii", "vii", "vi", "v", "iv", "iii", "ii", "i"}

// field reads by one pattern.
func (p *timeScan) field(t timeToken, open bool) error {
	tm := &p.tm
	switch t.upper() {
	case "FX":
		p.fx = true
	case "A.M.", "P.M.":
		tm.clock12 = true
		return p.name(t, []string{"a.m.", "p.m."}, &tm.pm, 0)
	case "AM", "PM":
		tm.clock12 = true
		return p.name(t, []string{"am", "pm"}, &tm.pm, 0)
	case "A.D.", "B.C.":
		return p.name(t, []string{"a.d.", "b.c."}, &tm.bc, 0)
	case "AD", "BC":
		return p.name(t, []string{"ad", "bc"}, &tm.bc, 0)
	case "MONTH":
		return p.name(t, monthNames, &tm.mm, 1)
	case "MON":
		return p.name(t, shortMonths, &tm.mm, 1)
	case "DAY":
		return p.name(t, dayNames, &tm.d, 1)
	case "DY":
		return p.name(t, shortDays, &tm.d, 1)
	case "RM":
		i, err := p.oneOf(t, romanDown)
		if err != nil {
			return err
		}
		return put(&tm.mm, 12-i, t)
	case "TZ", "OF":
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"formatting field \"%s\" is only supported in to_char", t.name())
	default:
		return p.numeric(t, open)
	}
	return nil
}

func (p *timeScan) name(t timeToken, names []string, dest *int, first int) error {
	i, err := p.oneOf(t, names)
	if err != nil {
		return err
	}
	return put(dest, i+first, t)
}

// numeric reads by a pattern of digits.
func (p *timeScan) numeric(t timeToken, open bool) error {
	tm, word := &p.tm, t.upper()
	switch word {
	case "Y,YYY":
		return p.commaYear(t)
	case "TZH":
		p.zoneSign()
	case "TZM":
		if tm.zoneSign == 0 {
			tm.zoneSign = 1
		}
	}
	width := len(word)
	switch word {
	case "HH", "HH12", "HH24", "TZH", "TZM":
		width = 2
	case "MS", "IDDD":
		width = 3
	case "US":
		width = 6
	case "ID":
		width = 1
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		width = int(word[2] - '0')
		tm.fraction = width
	}
	v, used, err := p.number(t, width, open)
	if err != nil {
		return err
	}
	return tm.set(t, word, v, used)
}

// zoneSign reads the sign of TZH, which may have passed for a separator.
func (p *timeScan) zoneSign() {
	p.tm.zoneSign = 1
	switch c := p.all[p.at]; {
	case c == '+' || c == '-' || c == ' ':
		if c == '-' {
			p.tm.zoneSign = -1
		}
		p.at++
	case p.extra > 0 && p.all[p.at-1] == '-':
		p.tm.zoneSign = -1
	}
}

// commaYear reads Y,YYY: two numbers as C's scanf("%d,%03d") does, which skips blanks
// before each.
func (p *timeScan) commaYear(t timeToken) error {
	text := p.rest()
	thousands, n, ok := scanInt(text, len(text))
	var years, m int
	if ok = ok && n < len(text) && text[n] == ','; ok {
		years, m, ok = scanInt(text[n+1:], 3)
	}
	if !ok {
		return errTemplate("invalid input string for \"Y,YYY\"")
	}
	p.at += n + 1 + m
	p.tm.yearDigits = 4
	return put(&p.tm.year, thousands*1000+years, t)
}

// scanInt reads a number of at most width characters, its sign among them, after blanks;
// used counts those too.
func scanInt(s string, width int) (v, used int, ok bool) {
	for used < len(s) && strings.IndexByte(" \t\n\v\f\r", s[used]) >= 0 {
		used++
	}
	from := used
	if used < len(s) && (s[used] == '-' || s[used] == '+') {
		used++
	}
	for used < len(s) && used-from < width && s[used] >= '0' && s[used] <= '9' {
		used++
	}
	v, err := strconv.Atoi(s[from:used])
	return v, used, err == nil
}

// set stores what a pattern of digits has read in used characters.
func (tm *scannedTime) set(t timeToken, word string, v, used int) error {
	scale := func(digits int) int {
		x := v
		for ; used < digits; used++ {
			x *= 10
		}
		return x
	}
	switch word {
	case "HH", "HH12":
		tm.clock12 = true
		return put(&tm.hh, v, t)
	case "HH24":
		return put(&tm.hh, v, t)
	case "MI":
		return put(&tm.mi, v, t)
	case "SS":
		return put(&tm.ss, v, t)
	case "SSSS", "SSSSS":
		return put(&tm.ssss, v, t)
	case "MS":
		if err := put(&tm.ms, v, t); err != nil {
			return err
		}
		tm.ms = scale(3)
	case "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		if err := put(&tm.us, v, t); err != nil {
			return err
		}
		tm.us = scale(6)
	case "TZH":
		return put(&tm.zoneHour, v, t)
	case "TZM":
		return put(&tm.zoneMi, v, t)
	case "ID":
		if err := put(&tm.d, v, t); err != nil {
			return err
		}
		if tm.d++; tm.d > 7 {
			tm.d = 1
		}
	default:
		return tm.setDate(t, word, v, used)
	}
	return nil
}

func (tm *scannedTime) setDate(t timeToken, word string, v, used int) error {
	switch word {
	case "MM":
		return put(&tm.mm, v, t)
	case "DDD", "IDDD":
		return put(&tm.ddd, v, t)
	case "DD":
		return put(&tm.dd, v, t)
	case "D":
		return put(&tm.d, v, t)
	case "WW", "IW":
		return put(&tm.ww, v, t)
	case "W":
		return put(&tm.w, v, t)
	case "CC":
		return put(&tm.cc, v, t)
	case "J":
		return put(&tm.j, v, t)
	case "Q": // no date follows from it
		return nil
	}
	digits := len(strings.TrimPrefix(word, "I"))
	if word == "I" {
		digits = 1
	} else if word[0] == 'I' {
		digits = len(word)
	}
	tm.yearDigits = digits
	if err := put(&tm.year, v, t); err != nil {
		return err
	}
	if digits < 4 && used < 4 {
		tm.year = partialYear(v)
	}
	return nil
}

// partialYear takes a year of few digits for the nearest to 2020.
func partialYear(v int) int {
	switch {
	case v < 70:
		return v + 2000
	case v < 100:
		return v + 1900
	case v < 520:
		return v + 2000
	case v < 1000:
		return v + 1000
	}
	return v
}

// calendar is a time as people write it. Year 0 is 1 BC.
type calendar struct {
	year, month, day int
	us               int64 // since midnight
	zoned            bool
	offset           int64 // seconds east of UTC
	fraction         int
}

// days is the day since 1970, ok false outside PostgreSQL's calendar.
func (c calendar) days() (int64, bool) {
	ok := (c.year > -4713 || c.year == -4713 && c.month >= 11) && c.year < 5874898
	days := daysOf(c.year, 1, 1) + daysOf(2000, c.month, 1) - daysOf(2000, 1, 1) +
		leapShift(c.year, c.month) + int64(c.day-1)
	return days, ok && days >= -unixJulian
}

// leapShift corrects the day of the year by that of 2000, a leap year.
func leapShift(year, month int) int64 {
	if month > 2 && daysOf(year, 3, 1)-daysOf(year, 2, 1) == 28 {
		return -1
	}
	return 0
}

func dateOf(days int64) calendar {
	var c calendar
	c.year, c.month, c.day = civilDate(days)
	return c
}

func errFieldRange(text string) error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", text)
}

// resolve makes a time of the fields, as PostgreSQL's do_to_timestamp does.
func (tm *scannedTime) resolve(text string) (calendar, error) {
	c := calendar{month: 1, day: 1, fraction: tm.fraction}
	hour, err := tm.hour()
	if err != nil {
		return c, err
	}
	if err := tm.date(&c, text); err != nil {
		return c, err
	}
	if err := tm.timeOfDay(&c, hour, text); err != nil {
		return c, err
	}
	if tm.zoneSign != 0 {
		if tm.zoneHour < 0 || tm.zoneHour > 15 || tm.zoneMi < 0 || tm.zoneMi >= 60 {
			return c, sqlerr.New(sqlerr.InvalidTimeZoneDisplacement,
				"time zone displacement out of range: \"%s\"", text)
		}
		c.zoned = true
		c.offset = int64(tm.zoneSign) * int64(tm.zoneHour*3600+tm.zoneMi*60)
	}
	return c, nil
}

// hour is the hour of the 24-hour clock.
func (tm *scannedTime) hour() (int, error) {
	hour := tm.ssss / 3600
	if tm.hh != 0 {
		hour = tm.hh
	}
	if !tm.clock12 {
		return hour, nil
	}
	if hour < 1 || hour > 12 {
		return hour, errTemplate("hour \"%d\" is invalid for the 12-hour clock", hour).
			WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
	}
	if hour %= 12; tm.pm != 0 {
		hour += 12
	}
	return hour, nil
}

func (tm *scannedTime) timeOfDay(c *calendar, hour int, text string) error {
	minute, sec := tm.ssss/60%60, tm.ssss%60
	if tm.ss != 0 {
		sec = tm.ss
	}
	if tm.mi != 0 {
		minute = tm.mi
	}
	us := int64(tm.ms)*1000 + int64(tm.us)
	if hour < 0 || hour >= 24 || minute < 0 || minute >= 60 || sec < 0 || sec >= 60 || us < 0 || us >= 1e6 {
		return errFieldRange(text)
	}
	c.us = int64(hour)*3600e6 + int64(minute)*60e6 + int64(sec)*1e6 + us
	return nil
}

// date settles year, month and day.
func (tm *scannedTime) date(c *calendar, text string) error {
	haveYear, haveMonth, haveDay := tm.calendarYear(c), false, false
	whole := func(d calendar) {
		c.year, c.month, c.day = d.year, d.month, d.day
		haveYear, haveMonth, haveDay = true, true, true
	}
	if tm.j != 0 {
		whole(dateOf(int64(tm.j) - unixJulian))
	}
	switch {
	case tm.ww != 0 && tm.mode == isoWeekDate:
		monday := isoWeekStart(c.year, tm.ww)
		switch {
		case tm.d > 1:
			monday += int64(tm.d - 2)
		case tm.d != 0:
			monday += 6 // Sunday, and days before the week
		}
		whole(dateOf(monday))
	case tm.ww != 0:
		tm.ddd = (tm.ww-1)*7 + 1
	}
	if tm.w != 0 {
		tm.dd = (tm.w-1)*7 + 1
	}
	if tm.dd != 0 {
		c.day, haveDay = tm.dd, true
	}
	if tm.mm != 0 {
		c.month, haveMonth = tm.mm, true
	}
	if tm.ddd != 0 && (c.month <= 1 || c.day <= 1) {
		if c.year == 0 && tm.bc == 0 {
			return errTemplate("cannot calculate day of year without year information")
		}
		if tm.mode == isoWeekDate {
			whole(dateOf(isoWeekStart(c.year, 1) - 1 + int64(tm.ddd)))
		} else {
			tm.dayOfYear(c)
			haveMonth, haveDay = true, true
		}
	}
	if haveMonth && (c.month < 1 || c.month > 12) || haveDay && (c.day < 1 || c.day > 31) ||
		haveYear && haveMonth && haveDay && c.day > monthLength(c.year, c.month) {
		return errFieldRange(text)
	}
	return nil
}

// calendarYear settles the year, and tells whether there is one.
func (tm *scannedTime) calendarYear(c *calendar) bool {
	if tm.bc != 0 {
		tm.cc = -tm.cc
	}
	switch {
	case tm.year != 0 && tm.cc != 0 && tm.yearDigits <= 2:
		c.year = tm.year % 100
		switch {
		case c.year == 0 && tm.cc >= 0:
			c.year = tm.cc * 100
		case c.year == 0:
			c.year = tm.cc*100 + 1
		case tm.cc < 0:
			c.year = (tm.cc+1)*100 - c.year + 1
		default:
			c.year += (tm.cc - 1) * 100
		}
	case tm.year != 0:
		if c.year = tm.year; tm.bc != 0 {
			c.year = -c.year
		}
		if c.year < 0 {
			c.year++
		}
	case tm.cc > 0:
		c.year = (tm.cc-1)*100 + 1
	case tm.cc < 0:
		c.year = tm.cc*100 + 1
	default:
		return false
	}
	return true
}

// dayOfYear sets month and day where they are not set yet.
func (tm *scannedTime) dayOfYear(c *calendar) {
	before, m := 0, 1
	for ; m <= 12; m++ {
		n := monthLength(c.year, m)
		if tm.ddd <= before+n {
			break
		}
		before += n
	}
	if c.month <= 1 {
		c.month = m
	}
	if c.day <= 1 {
		c.day = tm.ddd - before
	}
}

// isoWeekStart is the Monday of a week.
func isoWeekStart(year, week int) int64 {
	fourth := daysOf(year, 1, 4)
	monday := fourth - ((fourth+3)%7+7)%7
	return monday + int64(week-1)*7
}

func monthLength(y, m int) int {
	next := daysOf(y, m+1, 1)
	if m == 12 {
		next = daysOf(y+1, 1, 1)
	}
	return int(next - daysOf(y, m, 1))
}

// toDate is to_date.
func toDate(text, format string) (int64, error) {
	c, err := parseByTemplate(text, format)
	if err != nil {
		return 0, err
	}
	days, ok := c.days()
	if !ok {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: \"%s\"", text)
	}
	return days, nil
}

// toTimestamp is to_timestamp of a text.
func toTimestamp(env *Env, text, format string) (int64, error) {
	c, err := parseByTemplate(text, format)
	if err != nil {
		return 0, err
	}
	bad := sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
	days, ok := c.days()
	if !ok {
		return 0, bad
	}
	start, err := types.DateToTimestamp(days)
	if err != nil {
		return 0, bad
	}
	us := start + c.us
	if c.zoned {
		us -= c.offset * 1e6
	} else {
		us = types.FromZone(zoneOf(env), us)
	}
	if err := types.CheckMoment(us); err != nil {
		return 0, err
	}
	if c.fraction > 0 {
		t := types.Of(types.Timestamptz)
		us = types.RoundTimestamp(t.WithTypmod(int32(c.fraction)), us)
	}
	return us, nil
}
