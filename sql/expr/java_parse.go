package expr

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// javaScan reads a text by a pattern. Letters tell what was read: values has the
// value of the letter that stands for a field (y for a year of any kind).
type javaScan struct {
	s       string
	set     [26 * 2]bool
	values  [26 * 2]int64
	zoned   bool
	offset  int
	zone    *time.Location
	pattern string
}

func errJavaText(text, pattern string) error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat,
		"text \"%s\" does not match the date/time format \"%s\"", text, pattern)
}

func letterIndex(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 26
	}
	return int(c - 'A')
}

func (p *javaScan) has(c byte) bool     { return p.set[letterIndex(c)] }
func (p *javaScan) value(c byte) int    { return int(p.values[letterIndex(c)]) }
func (p *javaScan) put(c byte, v int64) { p.set[letterIndex(c)], p.values[letterIndex(c)] = true, v }

// parseJava reads a text by a pattern, without regard to case, and checks the
// ranges of what it read.
func parseJava(text, pattern string) (*javaScan, error) {
	fields, err := javaPattern(pattern)
	if err != nil {
		return nil, err
	}
	p := &javaScan{s: text, pattern: pattern}
	if !p.readAll(fields) || p.s != "" || !p.inRange() {
		return nil, errJavaText(text, pattern)
	}
	return p, nil
}

// readAll reads fields; what an optional section reads counts only as a whole.
func (p *javaScan) readAll(fields []javaField) bool {
	for _, f := range fields {
		if f.letter == '[' {
			before := *p
			if !p.readAll(f.inner) {
				*p = before
			}
			continue
		}
		if f.pad > 0 {
			if !p.readPadded(f) {
				return false
			}
		} else if !p.read(f) {
			return false
		}
	}
	return true
}

// readPadded reads a field that blanks fill up to a width.
func (p *javaScan) readPadded(f javaField) bool {
	if len(p.s) < f.pad {
		return false
	}
	rest := p.s[f.pad:]
	p.s = strings.TrimLeft(p.s[:f.pad], " ")
	ok := p.read(f) && p.s == ""
	p.s = rest
	return ok
}

func (p *javaScan) read(f javaField) bool {
	switch {
	case f.letter == 0:
		n := len(f.text)
		if len(p.s) < n || !strings.EqualFold(p.s[:n], f.text) {
			return false
		}
		p.s = p.s[n:]
		return true
	case f.isNumber():
		return p.number(f)
	case f.letter == 'M' || f.letter == 'L':
		return p.word('M', monthNames, f.n)
	case f.letter == 'E' || f.letter == 'e' || f.letter == 'c':
		return p.word('E', dayNames, f.n)
	case f.letter == 'a':
		return p.word('a', []string{"AM", "PM"}, 4)
	case f.letter == 'G':
		if f.n == 4 {
			return p.word('G', []string{"Anno Domini", "Before Christ"}, 4)
		}
		return p.word('G', []string{"AD", "BC"}, 4)
	case strings.IndexByte(javaZoneLetters, f.letter) >= 0:
		return p.readZone(f)
	}
	return false
}

// number reads the digits of a field.
func (p *javaScan) number(f javaField) bool {
	least, most := f.n, 19
	switch {
	case f.letter == 'S':
		most = f.n
	case f.letter == 'y' || f.letter == 'u' || f.letter == 'Y':
		if f.n == 2 {
			most = 2
		}
	case f.letter == 'D' && f.n > 1:
		most = 3
	case f.letter != 'A' && f.letter != 'n' && f.letter != 'N' && f.n == 2:
		most = 2
	}
	year := f.letter == 'y' || f.letter == 'u' || f.letter == 'Y'
	plus := year && f.n >= 4 && strings.HasPrefix(p.s, "+")
	if plus {
		p.s = p.s[1:]
	}
	sign := int64(1)
	if most == 19 && !f.fixed && strings.HasPrefix(p.s, "-") && f.letter != 'A' && f.letter != 'N' {
		sign, p.s = -1, p.s[1:]
	}
	n := 0
	for n < len(p.s) && n < most+f.after && isDigit(p.s[n]) {
		n++
	}
	if f.after > 0 {
		n = max(min(n, most+f.after)-f.after, min(least, n))
	}
	n = min(n, most)
	if n < least || n > 18 || year && f.n >= 4 && n > f.n != plus {
		return false
	}
	v := int64(0)
	for _, c := range p.s[:n] {
		v = v*10 + int64(c-'0')
	}
	p.s = p.s[n:]
	p.keepNumber(f, sign*v)
	return true
}

// keepNumber keeps a number that was read for its field.
func (p *javaScan) keepNumber(f javaField, v int64) {
	switch f.letter {
	case 'y', 'u':
		if f.n == 2 {
			v += 2000
		}
		p.put('y', v)
		if f.letter == 'y' {
			p.put('Y', v) // a year of an era is positive
		}
	case 'Y':
	case 'L':
		p.put('M', v)
	case 'q':
		p.put('Q', v)
	case 'e', 'c':
		p.put('E', v-1)
	case 'S':
		for range 9 - f.n {
			v *= 10
		}
		p.put('n', v)
	default:
		p.put(f.letter, v)
	}
}

// word reads a name in the form that n letters ask for; the short one also stands
// for the full one, which some locales do not have.
func (p *javaScan) word(letter byte, names []string, n int) bool {
	if n == 4 && len(names[0]) > 3 && !p.inFull(names) {
		n = 3
	}
	for i, name := range names {
		if n <= 3 {
			name = name[:3]
		}
		if n < 5 && len(p.s) >= len(name) && strings.EqualFold(p.s[:len(name)], name) {
			p.s = p.s[len(name):]
			v := int64(i)
			if letter == 'M' {
				v++
			}
			p.put(letter, v)
			return true
		}
	}
	return false
}

func (p *javaScan) inFull(names []string) bool {
	for _, name := range names {
		if len(p.s) >= len(name) && strings.EqualFold(p.s[:len(name)], name) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// readZone reads an offset in the form of the field, or a zone's name.
func (p *javaScan) readZone(f javaField) bool {
	if p.s == "" {
		return false
	}
	p.zoned = true
	switch f.letter {
	case 'V', 'z':
		return p.zoneName(f.letter == 'z')
	case 'O':
		return p.localOffset(f.n == 4)
	case 'Z':
		if f.n == 4 {
			return p.localOffset(true)
		}
	}
	if (f.letter == 'X' || f.letter == 'Z' && f.n == 5) && (p.s[0] == 'Z' || p.s[0] == 'z') {
		p.s = p.s[1:]
		return true
	}
	off, n := scanOffset(p.s)
	colon := strings.IndexByte(p.s[:n], ':') > 0
	wantColon := f.n == 3 && f.letter != 'Z' || f.n == 5
	if n < 3 || colon != wantColon && n > 3 || n == 3 && (f.n != 1 || f.letter == 'Z') {
		return false
	}
	if f.n <= 3 && n > 6 { // seconds
		return false
	}
	p.offset, p.s = off, p.s[n:]
	return true
}

// localOffset reads GMT, GMT+8 or GMT+8:30, or GMT+08:00 in full.
func (p *javaScan) localOffset(full bool) bool {
	if len(p.s) < 3 || !strings.EqualFold(p.s[:3], "GMT") {
		return false
	}
	p.s = p.s[3:]
	if p.s == "" || p.s[0] != '+' && p.s[0] != '-' {
		return true
	}
	sign := p.s[0]
	hour, n := digitsAt(p.s, 1, 2)
	at := 1 + n
	minute, m := 0, 0
	if n > 0 && at < len(p.s) && p.s[at] == ':' {
		if minute, m = digitsAt(p.s, at+1, 2); m == 2 {
			at += 3
		}
	}
	if n == 0 || hour > 18 || minute > 59 || full && (n != 2 || m != 2) {
		return false
	}
	p.offset, p.s = hour*3600+minute*60, p.s[at:]
	if sign == '-' {
		p.offset = -p.offset
	}
	return true
}

// zoneName reads the longest id of a zone; abbreviations and full names count
// where the pattern asks for the text of the zone.
func (p *javaScan) zoneName(text bool) bool {
	end := 0
	for end < len(p.s) && (isLetter(p.s[end]) || isDigit(p.s[end]) ||
		strings.IndexByte("~/._+-:", p.s[end]) >= 0) {
		end++
	}
	if text {
		for abbr, name := range zoneFullNames {
			if len(p.s) >= len(name) && strings.EqualFold(p.s[:len(name)], name) {
				p.s = p.s[len(name):]
				return p.zoneByText(abbr)
			}
		}
	}
	for ; end > 0; end-- {
		if loc, _, err := javaZone(p.s[:end]); err == nil {
			p.zone, p.s = loc, p.s[end:]
			return true
		}
		if text && p.zoneByText(strings.ToUpper(p.s[:end])) {
			p.s = p.s[end:]
			return true
		}
	}
	return false
}

func (p *javaScan) zoneByText(abbr string) bool {
	id, ok := zoneOfAbbreviation[abbr]
	if !ok {
		id = abbr
	}
	loc, _, err := javaZone(id)
	p.zone = loc
	return err == nil
}

// javaRanges are the bounds of the fields; the hour 24 is for the end of a day.
var javaRanges = []struct {
	letter   byte
	low, top int
}{
	{'M', 1, 12}, {'d', 1, 31}, {'D', 1, 366}, {'H', 0, 24}, {'k', 0, 24}, {'K', 0, 11}, {'h', 0, 12},
	{'m', 0, 59}, {'s', 0, 59}, {'Q', 1, 4}, {'n', 0, 999_999_999}, {'A', 0, 86_399_999},
	{'y', -999_999, 999_999}, {'Y', 1, 999_999}, {'F', 1, 7}, {'W', 0, 5}, {'w', 1, 53},
}

func (p *javaScan) inRange() bool {
	for _, r := range javaRanges {
		if p.has(r.letter) && (p.value(r.letter) < r.low || p.value(r.letter) > r.top) {
			return false
		}
	}
	if p.has('N') && (p.values[letterIndex('N')] < 0 || p.values[letterIndex('N')] >= usecPerDay*1000) {
		return false
	}
	if p.has('H') && p.value('H') == 24 && p.value('m')+p.value('s')+p.value('n') != 0 {
		return false
	}
	if p.has('a') && p.has('H') && p.value('a') != p.value('H')/12%2 {
		return false
	}
	_, ok := p.days()
	return ok
}

// hasDate tells whether the text says a whole date.
func (p *javaScan) hasDate() bool {
	return p.has('y') && (p.has('M') && p.has('d') || p.has('D'))
}

// hasTime tells whether the text says a time of day.
func (p *javaScan) hasTime() bool {
	hour := p.has('H') || p.has('k') || (p.has('h') || p.has('K')) && p.has('a')
	return p.has('A') || p.has('N') || hour && (p.has('m') || !p.has('s') && !p.has('n'))
}

// days gives the date in days since 1970; what the text does not say is that of
// 1970-01-01. The last day of a month stands for the days after it.
func (p *javaScan) days() (int64, bool) {
	y, m, d := 1970, 1, 1
	if p.has('y') {
		y = p.value('y')
	}
	if p.has('G') && p.value('G') == 1 {
		y = 1 - y
	}
	if p.has('M') {
		m = p.value('M')
	}
	if p.has('d') {
		d = p.value('d')
	}
	if d > monthLength(y, m) {
		if !p.hasDate() {
			return 0, false
		}
		d = monthLength(y, m)
	}
	days := daysOf(y, m, d)
	if p.has('D') {
		days = daysOf(y, 1, 1) + int64(p.value('D')) - 1
		if days >= daysOf(y+1, 1, 1) {
			return 0, false
		}
	}
	if p.has('H') && p.value('H') == 24 && p.hasDate() {
		days++ // the end of a day is the beginning of the next one
	}
	if p.has('E') && p.hasDate() && int64(p.value('E')) != ((days+4)%7+7)%7 {
		return 0, false
	}
	return days, true
}

// micros gives the time of day.
func (p *javaScan) micros() int64 {
	switch {
	case p.has('N'):
		return p.values[letterIndex('N')] / 1000
	case p.has('A'):
		return p.values[letterIndex('A')] * 1000
	}
	hour := 0
	switch {
	case p.has('H'):
		hour = p.value('H') % 24
	case p.has('k'):
		hour = p.value('k') % 24
	case p.has('h'), p.has('K'):
		hour = (p.value('h')+p.value('K'))%12 + 12*p.value('a')
	case p.has('a'):
		hour = 12 * p.value('a')
	}
	return int64(hour)*3600e6 + int64(p.value('m'))*60e6 + int64(p.value('s'))*1e6 +
		p.values[letterIndex('n')]/1000
}

// local gives the time read, in microseconds, as it was written.
func (p *javaScan) local() int64 {
	days, _ := p.days()
	return days*usecPerDay + p.micros()
}

// instant gives the time read in UTC; zone is for texts that say none.
func (p *javaScan) instant(zone *time.Location) int64 {
	switch {
	case p.zone != nil:
		return types.FromZone(p.zone, p.local())
	case p.zoned:
		return p.local() - int64(p.offset)*1e6
	}
	return types.FromZone(zone, p.local())
}

// saysDate tells whether the text says a part of a date.
func (p *javaScan) saysDate() bool {
	return strings.ContainsFunc("yYMdDEQGFwW", func(c rune) bool { return p.has(byte(c)) })
}
