package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// javaField is a run of one letter of a java.time.format.DateTimeFormatter
// pattern, or literal text when letter is 0.
type javaField struct {
	letter byte
	n      int
	text   string
}

// parseJavaPattern takes a pattern apart; text in single quotes is literal.
func parseJavaPattern(p string) ([]javaField, error) {
	var out []javaField
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'':
			var b strings.Builder
			for i++; ; i++ {
				if i >= len(p) {
					return nil, errPattern(p)
				}
				if p[i] == '\'' {
					if i+1 < len(p) && p[i+1] == '\'' {
						i++
					} else {
						break
					}
				}
				b.WriteByte(p[i])
			}
			i++
			if b.Len() == 0 {
				b.WriteByte('\'')
			}
			out = append(out, javaField{text: b.String()})
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 1
			for i+n < len(p) && p[i+n] == c {
				n++
			}
			if strings.IndexByte("GuyDMLdQqwWEecaBhKkHmsSAnNVvzOXxZ", c) < 0 {
				return nil, errPattern(p)
			}
			out = append(out, javaField{letter: c, n: n})
			i += n
		case c == '[' || c == ']':
			i++
		default:
			out = append(out, javaField{text: string(c)})
			i++
		}
	}
	return out, nil
}

func errPattern(p string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid date/time format \"%s\"", p).
		WithHint("Formats are those of Java's DateTimeFormatter, such as yyyy-MM-dd HH:mm:ss.SSS.")
}

// formatJava writes a local time by a pattern; offset is in seconds east.
func formatJava(m moment, pattern string) (string, error) {
	fields, err := parseJavaPattern(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range fields {
		if f.letter == 0 {
			b.WriteString(f.text)
			continue
		}
		s, err := m.java(f)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (m moment) java(f javaField) (string, error) {
	pad := func(v int) (string, error) { return fmt.Sprintf("%0*d", f.n, v), nil }
	switch f.letter {
	case 'y', 'u':
		y := m.year
		if f.letter == 'y' {
			y = m.shownYear()
		}
		if f.n == 2 {
			return fmt.Sprintf("%02d", y%100), nil
		}
		return pad(y)
	case 'M', 'L':
		return namedOr(f.n, monthNames[m.month-1], m.month)
	case 'd':
		return pad(m.day)
	case 'D':
		return pad(m.doy)
	case 'H':
		return pad(m.hour)
	case 'k':
		return pad((m.hour+23)%24 + 1)
	case 'K':
		return pad(m.hour % 12)
	case 'h':
		return pad((m.hour+11)%12 + 1)
	case 'm':
		return pad(m.min)
	case 's':
		return pad(m.sec)
	case 'S':
		s := fmt.Sprintf("%06d000", m.us)
		return s[:min(f.n, 9)], nil
	case 'A':
		return pad(((m.hour*60+m.min)*60+m.sec)*1000 + m.us/1000)
	case 'n':
		return pad(m.us * 1000)
	case 'E':
		if f.n >= 4 {
			return dayNames[m.dow], nil
		}
		return dayNames[m.dow][:3], nil
	case 'e', 'c':
		return pad(m.dow + 1)
	case 'a':
		return m.half("AM"), nil
	case 'G':
		return map[bool]string{true: "AD", false: "BC"}[m.year > 0], nil
	case 'Q', 'q':
		return pad((m.month-1)/3 + 1)
	case 'w':
		return pad(m.isoWeek)
	}
	return m.javaZone(f)
}

func namedOr(n int, name string, v int) (string, error) {
	switch {
	case n >= 4:
		return name, nil
	case n == 3:
		return name[:3], nil
	}
	return fmt.Sprintf("%0*d", n, v), nil
}

func (m moment) javaZone(f javaField) (string, error) {
	switch f.letter {
	case 'z', 'V':
		return m.zone, nil
	case 'X', 'x', 'Z', 'O':
	default:
		return "", sqlerr.New(sqlerr.InvalidParameterValue,
			"date/time format letter \"%c\" is not supported", f.letter)
	}
	off := m.offset
	if off == 0 && f.letter == 'X' {
		return "Z", nil
	}
	if f.letter == 'O' {
		if off == 0 {
			return "GMT", nil
		}
		return fmt.Sprintf("GMT%c%d", plusMinus(off < 0), absInt(off)/3600), nil
	}
	sign, hh, mm := plusMinus(off < 0), absInt(off)/3600, absInt(off)/60%60
	switch {
	case f.n == 1 && f.letter != 'Z' && mm == 0:
		return fmt.Sprintf("%c%02d", sign, hh), nil
	case f.n == 3 && f.letter != 'Z' || f.n == 5:
		return fmt.Sprintf("%c%02d:%02d", sign, hh, mm), nil
	}
	return fmt.Sprintf("%c%02d%02d", sign, hh, mm), nil
}

// javaScan reads a text by a pattern.
type javaScan struct {
	loose  bool // numbers may have fewer digits
	s      string
	m      moment
	pm     int // -1 not given, 0 AM, 1 PM
	zoned  bool
	offset int
	zone   *time.Location
	doy    int
}

func errJavaText(text, pattern string) error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat,
		"text \"%s\" does not match the date/time format \"%s\"", text, pattern)
}

// parseJava reads a text by a pattern; what the pattern lacks is that of
// 1970-01-01 00:00.
func parseJava(text, pattern string) (*javaScan, error) {
	p, err := scanJava(text, pattern, false)
	if err == nil && p.s != "" {
		return nil, errJavaText(text, pattern)
	}
	return p, err
}

// scanJava reads the beginning of a text by a pattern; loose is Java's older way,
// which takes numbers with fewer digits than the pattern has letters.
func scanJava(text, pattern string, loose bool) (*javaScan, error) {
	fields, err := parseJavaPattern(pattern)
	if err != nil {
		return nil, err
	}
	p := &javaScan{s: text, loose: loose, m: moment{year: 1970, month: 1, day: 1}, pm: -1}
	for i, f := range fields {
		adjacent := i+1 < len(fields) && fields[i+1].letter != 0
		if !p.read(f, adjacent) {
			return nil, errJavaText(text, pattern)
		}
	}
	if !p.valid() {
		return nil, errJavaText(text, pattern)
	}
	return p, nil
}

func (p *javaScan) valid() bool {
	m := &p.m
	if p.pm >= 0 {
		m.hour = m.hour%12 + 12*p.pm
	}
	if p.doy > 0 {
		y, mo, d := civilDate(daysOf(m.year, 1, 1) + int64(p.doy) - 1)
		m.year, m.month, m.day = y, mo, d
	}
	return m.month >= 1 && m.month <= 12 && m.day >= 1 && m.day <= monthLength(m.year, m.month) &&
		m.hour < 24 && m.min < 60 && m.sec < 60
}

func (p *javaScan) number(f javaField, adjacent bool) (int, bool) {
	limit := 19
	if adjacent || f.n > 1 && f.letter != 'y' && f.letter != 'u' {
		limit = max(f.n, 1)
		if f.n == 1 {
			limit = 2
		}
	}
	n := 0
	for n < len(p.s) && n < limit && p.s[n] >= '0' && p.s[n] <= '9' {
		n++
	}
	if n == 0 || f.n > 1 && n < f.n && (!p.loose || adjacent) {
		return 0, false
	}
	v, err := strconv.Atoi(p.s[:n])
	p.s = p.s[n:]
	return v, err == nil
}

func (p *javaScan) literal(text string) bool {
	rest, ok := strings.CutPrefix(p.s, text)
	p.s = rest
	return ok
}

func (p *javaScan) read(f javaField, adjacent bool) bool {
	switch {
	case f.letter == 0:
		return p.literal(f.text)
	case (f.letter == 'M' || f.letter == 'L') && f.n >= 3:
		i, ok := p.word(monthNames, f.n == 3)
		p.m.month = i + 1
		return ok
	case f.letter == 'E':
		_, ok := p.word(dayNames, f.n <= 3)
		return ok
	case f.letter == 'a':
		i, ok := p.word([]string{"AM", "PM"}, false)
		p.pm = i
		return ok
	case f.letter == 'G':
		i, ok := p.word([]string{"AD", "BC"}, false)
		if i == 1 {
			p.m.year = 1 - p.m.year
		}
		return ok
	case strings.IndexByte("XxZzVO", f.letter) >= 0:
		return p.readZone()
	}
	if f.letter == 'S' {
		return p.fraction(f.n)
	}
	v, ok := p.number(f, adjacent)
	return ok && p.set(f, v)
}

func (p *javaScan) fraction(digits int) bool {
	n := 0
	for n < len(p.s) && n < digits && p.s[n] >= '0' && p.s[n] <= '9' {
		n++
	}
	if n < digits {
		return false
	}
	v, err := strconv.Atoi((p.s[:n] + "000000")[:6])
	p.m.us = v
	p.s = p.s[n:]
	return err == nil
}

func (p *javaScan) set(f javaField, v int) bool {
	m := &p.m
	switch f.letter {
	case 'y', 'u':
		m.year = v
		if f.n == 2 {
			m.year = 2000 + v
		}
	case 'M', 'L':
		m.month = v
	case 'd':
		m.day = v
	case 'D':
		p.doy = v
	case 'H':
		m.hour = v
	case 'k':
		m.hour = v % 24
	case 'h', 'K':
		m.hour = v % 12
		if p.pm < 0 {
			p.pm = 0
		}
	case 'm':
		m.min = v
	case 's':
		m.sec = v
	default:
		return strings.IndexByte("QqwWec", f.letter) >= 0
	}
	return true
}

func (p *javaScan) word(names []string, short bool) (int, bool) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(p.s) >= len(n) && strings.EqualFold(p.s[:len(n)], n) {
			p.s = p.s[len(n):]
			return i, true
		}
	}
	return 0, false
}

// readZone reads Z, an offset, or the name of a zone.
func (p *javaScan) readZone() bool {
	if p.s == "" {
		return false
	}
	p.zoned = true
	if p.s[0] == 'Z' && (len(p.s) == 1 || !isLetter(p.s[1])) {
		p.s = p.s[1:]
		return true
	}
	end := strings.IndexAny(p.s, " ]")
	if end < 0 {
		end = len(p.s)
	}
	word := p.s[:end]
	p.s = p.s[end:]
	if word[0] == '+' || word[0] == '-' {
		digits := strings.ReplaceAll(word[1:], ":", "")
		v, err := strconv.Atoi(digits)
		if err != nil || len(digits) != 2 && len(digits) != 4 {
			return false
		}
		if len(digits) == 2 {
			v *= 100
		}
		p.offset = v/100*3600 + v%100*60
		if word[0] == '-' {
			p.offset = -p.offset
		}
		return true
	}
	zone, err := types.ZoneByName(word)
	p.zone = zone
	return err == nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// local gives the time read, in microseconds, as it was written.
func (p *javaScan) local() int64 {
	m := p.m
	return daysOf(m.year, m.month, m.day)*usecPerDay + int64(m.hour)*3600e6 + int64(m.min)*60e6 +
		int64(m.sec)*1e6 + int64(m.us)
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
