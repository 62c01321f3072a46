package types

import "strings"

// dtErr is the outcome of decoding a date, time or interval, as PostgreSQL's
// DTERR codes.
type dtErr uint8

const (
	dtOK dtErr = iota
	dtBadFormat
	dtOverflow
	dtMDOverflow // month or day: perhaps the date order is wrong
	dtIntervalOverflow
	dtZoneOverflow
	dtZoneUnknown
)

// dtKind is the lexical class of a field.
type dtKind uint8

const (
	dtNumber dtKind = iota
	dtString
	dtDate
	dtTime
	dtTZ
	dtSpecial
)

type dtField struct {
	text string
	kind dtKind
}

const maxDateFields = 25

// dtFields are the fields of an input string.
type dtFields struct {
	f [maxDateFields]dtField
	n int
}

// dtScanner cuts an input string into fields (ParseDateTime in datetime.c). s
// is in lower case.
type dtScanner struct {
	left int // bytes that fields may still have
	s    string
	i    int
}

func (p *dtScanner) at(c byte) bool { return p.i < len(p.s) && p.s[p.i] == c }

func (p *dtScanner) any(set string) bool {
	return p.i < len(p.s) && strings.IndexByte(set, p.s[p.i]) >= 0
}

func (p *dtScanner) digit() bool { return p.i < len(p.s) && isDigit(p.s[p.i]) }

func (p *dtScanner) alpha() bool { return p.i < len(p.s) && isAlpha(p.s[p.i]) }

func (p *dtScanner) digits(also string) {
	for p.digit() || p.any(also) {
		p.i++
	}
}

func (p *dtScanner) alnum(also string) {
	for p.digit() || p.alpha() || p.any(also) {
		p.i++
	}
}

// The bytes that all fields of a text may have, each with one more to end it: the
// buffers of PostgreSQL's input functions.
const (
	maxDateBytes     = 129 // date, time
	maxMomentBytes   = 153 // timestamp, timestamptz
	maxIntervalBytes = 256
)

// scanFields cuts s into fields, which have less than size bytes.
func scanFields(s string, size int, out *dtFields) dtErr {
	p := dtScanner{s: strings.ToLower(s), left: size}
	for p.i < len(p.s) {
		c := p.s[p.i]
		if isSpace(c) {
			p.i++
			continue
		}
		start := p.i
		var f dtField
		switch {
		case isDigit(c):
			f.kind = p.number()
		case c == '.':
			p.i++
			p.digits("")
			f.kind = dtNumber
		case isAlpha(c):
			f.kind = p.word()
		case c == '+' || c == '-':
			k, text, ok := p.sign()
			if !ok {
				return dtBadFormat
			}
			if !p.add(out, dtField{text, k}) {
				return dtBadFormat
			}
			continue
		case c > ' ' && c < 0x7f:
			p.i++
			continue
		default:
			return dtBadFormat
		}
		if f.text = p.s[start:p.i]; !p.add(out, f) {
			return dtBadFormat
		}
	}
	return dtOK
}

// add appends a field, if there is room for it.
func (p *dtScanner) add(out *dtFields, f dtField) bool {
	if out.n == maxDateFields || len(f.text) >= p.left {
		return false
	}
	p.left -= len(f.text) + 1
	out.f[out.n] = f
	out.n++
	return true
}

// number scans a field that begins with a digit.
func (p *dtScanner) number() dtKind {
	p.digits("")
	switch {
	case p.at(':'):
		p.digits(":.")
		return dtTime
	case p.any("-/."):
		delim := p.s[p.i]
		d := p.s[p.i : p.i+1]
		p.i++
		if !p.digit() {
			p.alnum(d)
			return dtDate
		}
		p.digits("")
		if p.at(delim) {
			p.i++
			p.digits(d)
			return dtDate
		}
		if delim != '.' {
			return dtDate
		}
	}
	return dtNumber
}

// word scans a field that begins with a letter: a keyword, or a date or zone
// name with punctuation in it.
func (p *dtScanner) word() dtKind {
	start := p.i
	for p.alpha() {
		p.i++
	}
	date := p.any("-/.")
	if p.at('+') || p.digit() {
		_, known := dateToken(p.s[start:p.i])
		date = !known
	}
	if !date {
		return dtString
	}
	p.alnum("+-/_.:")
	return dtDate
}

// sign scans a field that begins with + or -: a zone or signed number, or a
// special word. Blanks after the sign are dropped.
func (p *dtScanner) sign() (k dtKind, text string, ok bool) {
	s := p.s[p.i : p.i+1]
	p.i++
	blank := p.i
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
	start := p.i
	switch {
	case p.digit():
		p.digits(":.-")
		k = dtTZ
	case p.alpha():
		for p.alpha() {
			p.i++
		}
		k = dtSpecial
	default:
		return 0, "", false
	}
	if start == blank {
		return k, p.s[start-1 : p.i], true
	}
	return k, s + p.s[start:p.i], true
}

// tokType is the class of a date keyword.
type tokType uint8

const (
	tokUnknown tokType = iota
	tokReserved
	tokMonth
	tokYear
	tokDay
	tokDoy
	tokTZ
	tokDTZ
	tokDTZMod
	tokDynTZ
	tokIgnore
	tokAMPM
	tokADBC
	tokDOW
	tokUnits
	tokISOTime
	tokHour
	tokMinute
	tokSecond
	tokMilli
	tokMicro
	tokWeek
	tokDecade
	tokCentury
	tokMillennium
	tokQuarter
	tokAgo
)

// mask gives a token class's bit in field masks.
func (t tokType) mask() int { return 1 << t }

const (
	maskDate    = 1<<tokYear | 1<<tokMonth | 1<<tokDay
	maskSeconds = 1<<tokSecond | 1<<tokMilli | 1<<tokMicro
	maskTime    = 1<<tokHour | 1<<tokMinute | maskSeconds
	maskTZ      = 1 << tokTZ
)

// Values of reserved words and units.
const (
	resNone = iota
	resNow
	resYesterday
	resToday
	resTomorrow
	resZulu
	resEpoch
	resLate
	resEarly
	unitJulian
	unitTime
	unitYear
	unitMonth
	unitDay
	unitHour
	unitMinute
	unitSecond
	unitOther // known, but no part of a date
)

const (
	ampmAM = 1
	ampmPM = 2
)

// dtToken is the meaning of a keyword.
type dtToken struct {
	typ tokType
	val int
}

// maxTokenLen is how many characters of a keyword count.
const maxTokenLen = 10

// dateToken finds a date keyword (datetktbl in datetime.c).
func dateToken(s string) (dtToken, bool) {
	if len(s) > maxTokenLen {
		s = s[:maxTokenLen]
	}
	t, ok := dateTokens[s]
	return t, ok
}

var dateTokens = map[string]dtToken{
	"-infinity": {tokReserved, resEarly},
	"infinity":  {tokReserved, resLate}, "epoch": {tokReserved, resEpoch},
	"now": {tokReserved, resNow}, "today": {tokReserved, resToday},
	"tomorrow": {tokReserved, resTomorrow}, "yesterday": {tokReserved, resYesterday},
	"allballs": {tokReserved, resZulu},
	"ad":       {tokADBC, 0}, "bc": {tokADBC, 1},
	"am": {tokAMPM, ampmAM}, "pm": {tokAMPM, ampmPM},
	"at": {tokIgnore, 0}, "on": {tokIgnore, 0},
	"jan": {tokMonth, 1}, "january": {tokMonth, 1}, "feb": {tokMonth, 2}, "february": {tokMonth, 2},
	"mar": {tokMonth, 3}, "march": {tokMonth, 3}, "apr": {tokMonth, 4}, "april": {tokMonth, 4},
	"may": {tokMonth, 5}, "jun": {tokMonth, 6}, "june": {tokMonth, 6},
	"jul": {tokMonth, 7}, "july": {tokMonth, 7}, "aug": {tokMonth, 8}, "august": {tokMonth, 8},
	"sep": {tokMonth, 9}, "sept": {tokMonth, 9}, "september": {tokMonth, 9},
	"oct": {tokMonth, 10}, "october": {tokMonth, 10}, "nov": {tokMonth, 11},
	"november": {tokMonth, 11}, "dec": {tokMonth, 12}, "december": {tokMonth, 12},
	"sun": {tokDOW, 0}, "sunday": {tokDOW, 0}, "mon": {tokDOW, 1}, "monday": {tokDOW, 1},
	"tue": {tokDOW, 2}, "tues": {tokDOW, 2}, "tuesday": {tokDOW, 2},
	"wed": {tokDOW, 3}, "weds": {tokDOW, 3}, "wednesday": {tokDOW, 3},
	"thu": {tokDOW, 4}, "thur": {tokDOW, 4}, "thurs": {tokDOW, 4}, "thursday": {tokDOW, 4},
	"fri": {tokDOW, 5}, "friday": {tokDOW, 5}, "sat": {tokDOW, 6}, "saturday": {tokDOW, 6},
	"dst": {tokDTZMod, 3600}, "t": {tokISOTime, unitTime},
	"j": {tokUnits, unitJulian}, "jd": {tokUnits, unitJulian}, "julian": {tokUnits, unitJulian},
	"d": {tokUnits, unitDay}, "h": {tokUnits, unitHour}, "m": {tokUnits, unitMonth},
	"mm": {tokUnits, unitMinute}, "s": {tokUnits, unitSecond}, "y": {tokUnits, unitYear},
	"dow": {tokUnits, unitOther}, "doy": {tokUnits, unitOther},
	"isodow": {tokUnits, unitOther}, "isoyear": {tokUnits, unitOther},
}
