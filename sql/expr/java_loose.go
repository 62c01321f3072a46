package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// looseEra is where the years of two digits begin: they are those from 1946 on.
const looseEra = 1946

// looseScan reads a text by a pattern of java.text.SimpleDateFormat, as ksqlDB's
// parse_date does: numbers may have fewer digits than letters, parts that are too
// large carry over, and what follows the text that the pattern asks for is ignored.
type looseScan struct {
	s                   string
	year, month, day    int
	doy                 int
	hour, min, sec, ms  int
	pm, bc              bool
	offset              int64 // seconds east
	zone                string
	hasMonth, hasHour12 bool
}

// parseLoose gives the time of a text in microseconds since 1970.
func parseLoose(text, pattern string) (int64, error) {
	fields, err := looseFields(pattern)
	if err != nil {
		return 0, err
	}
	p := looseScan{s: text, year: 1970, month: 1, day: 1}
	for i, f := range fields {
		adjacent := i+1 < len(fields) && fields[i+1].looseNumber()
		if !p.read(f, adjacent) {
			return 0, errJavaText(text, pattern)
		}
	}
	us, ok := p.micros()
	if !ok {
		return 0, errJavaText(text, pattern)
	}
	return us, nil
}

// looseFields takes a pattern apart; brackets are literal here.
func looseFields(pattern string) ([]javaField, error) {
	r := javaPatternReader{p: pattern}
	var out []javaField
	for r.i < len(pattern) {
		c := pattern[r.i]
		if !isLetter(c) {
			f, err := r.field(c)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
			continue
		}
		if strings.IndexByte("GyYMLdDEuFwWaHkKhmsSzZX", c) < 0 {
			return nil, errPattern(pattern)
		}
		n := len(pattern[r.i:]) - len(strings.TrimLeft(pattern[r.i:], string(c)))
		out = append(out, javaField{letter: c, n: n})
		r.i += n
	}
	return out, nil
}

// looseNumber tells whether the field is one of digits.
func (f javaField) looseNumber() bool {
	switch f.letter {
	case 0, 'E', 'G', 'a', 'z', 'Z', 'X':
		return false
	case 'M', 'L':
		return f.n < 3
	}
	return true
}

func (p *looseScan) read(f javaField, adjacent bool) bool {
	switch {
	case f.letter == 0:
		rest, ok := strings.CutPrefix(p.s, f.text)
		p.s = rest
		return ok
	case f.looseNumber():
		return p.number(f, adjacent)
	}
	switch f.letter {
	case 'M', 'L':
		i, ok := p.word(monthNames)
		p.month, p.hasMonth = i+1, true
		return ok
	case 'E':
		_, ok := p.word(dayNames)
		return ok
	case 'a':
		i, ok := p.choice("AM", "PM")
		p.pm = i == 1
		return ok
	case 'G':
		i, ok := p.choice("AD", "BC")
		p.bc = i == 1
		return ok
	}
	z := javaScan{s: p.s}
	if !z.readZone(javaField{letter: 'X', n: 1}) && !z.readZone(javaField{letter: 'X', n: 3}) &&
		!z.readZone(javaField{letter: 'O', n: 1}) && !z.readZone(javaField{letter: 'z', n: 1}) {
		return false
	}
	p.s, p.offset = z.s, int64(z.offset)
	if z.zone != nil {
		p.zone = z.zone.String()
	}
	return true
}

// word reads a name in its full or its short form.
func (p *looseScan) word(names []string) (int, bool) {
	for _, short := range []bool{false, true} {
		for i, n := range names {
			if short {
				n = n[:3]
			}
			if len(p.s) >= len(n) && strings.EqualFold(p.s[:len(n)], n) {
				p.s = p.s[len(n):]
				return i, true
			}
		}
	}
	return 0, false
}

func (p *looseScan) choice(words ...string) (int, bool) {
	for i, w := range words {
		if len(p.s) >= len(w) && strings.EqualFold(p.s[:len(w)], w) {
			p.s = p.s[len(w):]
			return i, true
		}
	}
	return 0, false
}

// number reads digits: as many as there are letters where another number follows
// directly, else all of them.
func (p *looseScan) number(f javaField, adjacent bool) bool {
	most := 9
	if adjacent {
		most = min(f.n, 9)
	} else {
		p.s = strings.TrimLeft(p.s, " \t\n\v\f\r")
	}
	v, n := digitsAt(p.s, 0, most)
	if n == 0 {
		return false
	}
	p.s = p.s[n:]
	switch f.letter {
	case 'y', 'Y':
		if f.n <= 2 && v < 100 {
			v += looseEra / 100 * 100
			if v < looseEra {
				v += 100
			}
		}
		p.year = v
	case 'M', 'L':
		p.month, p.hasMonth = v, true
	case 'd':
		p.day = v
	case 'D':
		p.doy = v
	case 'H':
		p.hour = v
	case 'k':
		p.hour = v % 24
	case 'K', 'h':
		p.hour, p.hasHour12 = v%12, true
	case 'm':
		p.min = v
	case 's':
		p.sec = v
	case 'S':
		p.ms = v
	}
	return true
}

// micros gives the time read; parts beyond their bounds carry over.
func (p *looseScan) micros() (int64, bool) {
	if p.bc {
		p.year = 1 - p.year
	}
	if p.pm && p.hasHour12 {
		p.hour += 12
	}
	year, month := p.year+(p.month+11)/12-1, (p.month+11)%12+1
	days := daysOf(year, month, 1) + int64(p.day) - 1
	if p.doy > 0 && !p.hasMonth {
		days = daysOf(p.year, 1, 1) + int64(p.doy) - 1
	}
	us := days*usecPerDay + int64(p.hour)*3600e6 + int64(p.min)*60e6 + int64(p.sec)*1e6 +
		int64(p.ms)*1000
	if p.zone != "" {
		loc, _, err := javaZone(p.zone)
		return types.FromZone(loc, us), err == nil
	}
	return us - p.offset*1e6, true
}

// floorDiv divides and rounds down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
