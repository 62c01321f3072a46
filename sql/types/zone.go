package types

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// maxZoneHours bounds numeric zone displacements, as MAX_TZDISP_HOUR.
const maxZoneHours = 15

// LoadZone finds a time zone as SET TIME ZONE does: an IANA name in any case, a
// POSIX specification (EST5EDT, <+03>-3), or a number of hours east of UTC.
func LoadZone(name string) (*time.Location, error) {
	if off, ok := zoneHours(name); ok {
		if off < -maxZoneHours*3600-3599 || off > maxZoneHours*3600+3599 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"invalid value for parameter \"TimeZone\": \"%s\"", name)
		}
		return time.FixedZone(posixName(off), off), nil
	}
	if loc := findZone(name); loc != nil {
		return loc, nil
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for parameter \"TimeZone\": \"%s\"", name)
}

// ZoneSetting gives the text that SHOW TimeZone has for a zone, which LoadZone
// reads again: the name as the zone database spells it, <-03>+03 for hours, and a
// POSIX specification in upper case.
func ZoneSetting(name string) (string, error) {
	loc, err := LoadZone(name)
	if err != nil {
		return "", err
	}
	if _, ok := zoneHours(name); ok {
		return loc.String(), nil
	}
	if z, ok := zoneIndex()[strings.ToLower(name)]; ok {
		return z.name, nil
	}
	return strings.ToUpper(name), nil
}

// zoneHours reads "+5", "-3.5", "05:30" as seconds east.
func zoneHours(s string) (int, bool) {
	s = trimSpace(s)
	if s == "" || !isDigit(s[len(s)-1]) {
		return 0, false
	}
	sign := 1
	t := s
	if t[0] == '-' || t[0] == '+' {
		if t[0] == '-' {
			sign = -1
		}
		t = t[1:]
	}
	if h, m, ok := strings.Cut(t, ":"); ok {
		hh, err1 := ParseInt(Int4, h)
		mm, err2 := ParseInt(Int4, m)
		return sign * int(hh*3600+mm*60), err1 == nil && err2 == nil && mm >= 0 && mm < 60
	}
	if t == "" || !isDigit(t[0]) {
		return 0, false
	}
	f, err := ParseFloat(Float8, t)
	return sign * int(f*3600), err == nil && f < 200
}

// posixName names a fixed offset as PostgreSQL shows it: <+05>-05.
func posixName(east int) string {
	return "<" + string(appendZone(nil, -east)) + ">" + string(appendZone(nil, east))
}

// posixDefaultRule is when daylight saving time begins and ends in zones that do
// not say it.
const posixDefaultRule = ",M3.2.0,M11.1.0"

// maxPosixNames bounds the names of a zone, as PostgreSQL's TZ_STRLEN_MAX does
// its specification.
const maxPosixNames = 255

// posixZone makes a zone of a POSIX TZ specification. With daylight saving time
// it becomes the footer of an otherwise empty TZif file, whose rules
// time.Location applies.
func posixZone(spec string) *time.Location {
	p := posixParser{s: strings.ToUpper(spec)}
	std, ok := p.name()
	if !ok || p.s == "" { // the name may be empty: +3 is a specification
		return nil
	}
	west, ok := p.offset()
	if !ok {
		return nil
	}
	if p.s == "" {
		return time.FixedZone(std, -west)
	}
	dst, ok := p.name()
	if !ok || dst == "" || len(std)+len(dst) > maxPosixNames {
		return nil
	}
	dstWest := west - 3600
	if p.s != "" && p.s[0] != ',' && p.s[0] != ';' {
		if dstWest, ok = p.offset(); !ok {
			return nil
		}
	}
	rule := p.s
	if rule == "" {
		rule = posixDefaultRule
	}
	if !posixRule(rule) {
		return nil
	}
	return ruleZone(std, west, dst, dstWest, rule)
}

// posixRule tells whether s looks like ",start[/time],end[/time]".
func posixRule(s string) bool {
	parts := strings.Split(strings.ReplaceAll(s, ";", ","), ",")
	if len(parts) != 3 || parts[0] != "" {
		return false
	}
	for _, p := range parts[1:] {
		if p == "" || !isDigit(p[0]) && p[0] != 'M' && p[0] != 'J' ||
			strings.Trim(p[1:], "0123456789./:+-") != "" {
			return false
		}
	}
	return true
}

// abbrevOffset gives the seconds east that an abbreviation means in a zone at an
// instant: the zone's own offset if it goes by that name then, else what the
// name means now.
func abbrevOffset(loc *time.Location, abbrev string, micros, now int64) int {
	for _, v := range []int64{micros, now, now + secPerDay*182*usecPerSec} {
		if name, off := time.UnixMicro(v).In(loc).Zone(); strings.EqualFold(name, abbrev) {
			return off
		}
	}
	return zoneOffset(loc, micros)
}

// ruleZone makes a zone with daylight saving time by a POSIX rule.
func ruleZone(std string, west int, dst string, dstWest int, rule string) *time.Location {
	footer := "<" + string(posixAbbrev(std)) + ">" + posixClock(west) +
		"<" + string(posixAbbrev(dst)) + ">" + posixClock(dstWest) + rule
	abbrev := string(posixAbbrev(std)) + "\x00"
	block := func(b []byte) []byte {
		b = append(b, "TZif2"...)
		b = append(b, make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 0, 1, uint32(len(abbrev))} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(int32(-west)))
		return append(append(b, 0, 0), abbrev...)
	}
	data := block(block(nil))
	data = append(append(append(data, '\n'), footer...), '\n')
	loc, err := time.LoadLocationFromTZData(std+dst, data)
	if err != nil {
		return nil
	}
	return loc
}

// posixAbbrev makes a zone abbreviation that the footer's syntax allows.
func posixAbbrev(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' {
			b[i] = 'X'
		}
	}
	for len(b) < 3 {
		b = append(b, 'X')
	}
	return b
}

// posixClock writes seconds west as [-]h:mm:ss.
func posixClock(west int) string {
	sign := ""
	if west < 0 {
		sign, west = "-", -west
	}
	b := strconv.AppendInt([]byte(sign), int64(west/3600), 10)
	b = append2(append(b, ':'), west/60%60)
	return string(append2(append(b, ':'), west%60))
}

// posixParser reads the parts of a POSIX TZ specification.
type posixParser struct{ s string }

// name reads <...>, or everything before a digit, sign or comma.
func (p *posixParser) name() (name string, ok bool) {
	if p.s != "" && p.s[0] == '<' {
		if name, p.s, ok = strings.Cut(p.s[1:], ">"); !ok {
			return "", false
		}
		return name, true
	}
	i := 0
	for i < len(p.s) && !isDigit(p.s[i]) && strings.IndexByte(",-+", p.s[i]) < 0 {
		i++
	}
	name, p.s = p.s[:i], p.s[i:]
	return name, true
}

// offset reads [+-]hh[:mm[:ss]] as seconds west.
func (p *posixParser) offset() (west int, ok bool) {
	sign := 1
	if p.s != "" && (p.s[0] == '-' || p.s[0] == '+') {
		if p.s[0] == '-' {
			sign = -1
		}
		p.s = p.s[1:]
	}
	limit := 167
	for unit := 3600; unit > 0; unit /= 60 {
		if p.s == "" || !isDigit(p.s[0]) {
			return 0, false
		}
		n, rest, ok := leadingInt(p.s)
		if !ok || n > limit {
			return 0, false
		}
		west += n * unit
		p.s, limit = rest, 59
		if unit == 60 {
			limit = 60 // a leap second
		}
		if unit == 1 || p.s == "" || p.s[0] != ':' {
			break
		}
		p.s = p.s[1:]
	}
	return sign * west, true
}

// zoneOffset gives the seconds east of UTC at an instant.
func zoneOffset(loc *time.Location, micros int64) int {
	if loc == time.UTC {
		return 0
	}
	sec := micros / usecPerSec
	if micros%usecPerSec < 0 {
		sec--
	}
	_, off := time.Unix(sec, 0).In(loc).Zone()
	return off
}

// toLocal gives the local time of an instant, in microseconds.
func toLocal(loc *time.Location, micros int64) int64 {
	if loc == time.UTC || isInfinite(micros) {
		return micros
	}
	return micros + int64(zoneOffset(loc, micros))*usecPerSec
}

// localOffset gives the seconds east of UTC for a local time, by PostgreSQL's
// DetermineTimeZoneOffset: in a gap the offset before it, in an overlap the
// offset after it.
func localOffset(loc *time.Location, local int64) int {
	if loc == time.UTC {
		return 0
	}
	sec, _ := floorDiv(local, usecPerSec)
	prev := time.Unix(sec-secPerDay, 0).In(loc)
	_, before := prev.Zone()
	_, boundary := prev.ZoneBounds()
	if boundary.IsZero() {
		return before
	}
	_, after := boundary.Zone()
	b := boundary.Unix()
	beforeTime, afterTime := sec-int64(before), sec-int64(after)
	switch {
	case beforeTime < b && afterTime < b:
		return before
	case beforeTime > b && afterTime >= b:
		return after
	case beforeTime > afterTime:
		return before
	}
	return after
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q--
		r += b
	}
	return q, r
}

// fromLocal gives the instant of a local time.
func fromLocal(loc *time.Location, local int64) int64 {
	if loc == time.UTC || isInfinite(local) {
		return local
	}
	return local - int64(localOffset(loc, local))*usecPerSec
}

// AtZone gives the local time of an instant in a zone (AT TIME ZONE of a
// timestamptz).
func AtZone(loc *time.Location, micros int64) int64 { return toLocal(loc, micros) }

// CheckMoment tells whether a finite timestamp is in range.
func CheckMoment(micros int64) error {
	if !timestampInRange(micros) {
		return errTimestampRange()
	}
	return nil
}

// FromZone gives the instant of a local time in a zone (AT TIME ZONE of a
// timestamp).
func FromZone(loc *time.Location, local int64) int64 { return fromLocal(loc, local) }

// ZoneByName finds the zone of AT TIME ZONE: an abbreviation, a name, or a POSIX
// specification.
func ZoneByName(name string) (*time.Location, error) {
	lower := strings.ToLower(name)
	if z, ok := zoneAbbrev(lower); ok {
		if z.zone != "" {
			if loc := findZone(z.zone); loc != nil {
				return loc, nil
			}
		}
		return time.FixedZone(strings.ToUpper(lower), z.east), nil
	}
	// A bare offset has POSIX's sign: "+3" is west of Greenwich.
	if loc := findZone(lower); loc != nil {
		return loc, nil
	}
	return nil, errZone(name)
}

// ZoneOfFields finds the zone of make_timestamptz: hours east of UTC with a sign, as they
// are written in a timestamp, or what ZoneByName finds.
func ZoneOfFields(name string) (*time.Location, error) {
	if name != "" && isDigit(name[0]) {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue,
			"invalid input syntax for type numeric time zone: \"%s\"", name).
			WithHint("Numeric time zones must have \"-\" or \"+\" as first character.")
	}
	if name == "" || name[0] != '+' && name[0] != '-' {
		return ZoneByName(name)
	}
	switch west, e := decodeZone(name); e {
	case dtOK:
		return time.FixedZone("", -west), nil
	case dtZoneOverflow:
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "numeric time zone \"%s\" out of range",
			name)
	case dtBadFormat:
		return ZoneByName(name)
	}
	return nil, errZone(name)
}

func errZone(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
}

// abbrevZone is the meaning of a zone abbreviation: a fixed offset, or the
// current rule of a named zone.
type abbrevZone struct {
	east int
	dst  bool
	zone string
}

// zoneAbbrev finds a lower-case abbreviation.
func zoneAbbrev(name string) (abbrevZone, bool) {
	z, ok := zoneAbbrevs[name]
	return z, ok
}

// zoneLabel gives the zone's abbreviation at an instant, or its displacement
// when it has none.
func zoneLabel(loc *time.Location, micros int64, off int) string {
	name, _ := time.UnixMicro(micros).In(loc).Zone()
	if name == "" || name[0] == '<' {
		return string(appendZone(nil, -off))
	}
	return name
}

// ZoneAbbrevs calls f with every time zone abbreviation, in order, with the seconds east
// of Greenwich that it stands for at a time.
func ZoneAbbrevs(now time.Time, f func(name string, east int, dst bool)) {
	for _, name := range slices.Sorted(maps.Keys(zoneAbbrevs)) {
		z := zoneAbbrevs[name]
		if z.zone != "" {
			loc, err := LoadZone(z.zone)
			if err != nil {
				continue // a zone that this system has no rules for
			}
			local := now.In(loc)
			_, z.east = local.Zone()
			z.dst = local.IsDST()
		}
		f(strings.ToUpper(name), z.east, z.dst)
	}
}
