package expr

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// javaZone finds a zone by an id of java.time.ZoneId: a name of the zone database,
// UTC, GMT or UT with or without an offset, or an offset, which is east where it is
// positive. The second result is the id in Java's form.
func javaZone(id string) (*time.Location, string, error) {
	rest, prefix := id, ""
	for _, p := range []string{"UTC", "GMT", "UT"} {
		if id == p {
			return time.UTC, id, nil
		}
		if r, ok := strings.CutPrefix(id, p); ok && (r[0] == '+' || r[0] == '-') {
			rest, prefix = r, p
			break
		}
	}
	if rest == "Z" {
		return time.UTC, "Z", nil
	}
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		off, n := scanOffset(rest)
		if n != len(rest) {
			return nil, "", errJavaZone(id)
		}
		switch name := offsetID(off); {
		case off == 0 && prefix == "":
			return time.UTC, "Z", nil
		case off == 0:
			return time.UTC, prefix, nil
		default:
			return time.FixedZone(name, off), prefix + name, nil
		}
	}
	loc, ok := types.ZoneOfDatabase(id)
	if !ok || noJavaZones[id] {
		return nil, "", errJavaZone(id)
	}
	return loc, id, nil
}

// noJavaZones are in the zone database and no ids of Java's.
var noJavaZones = map[string]bool{"EST": true, "HST": true, "MST": true, "ROC": true, "Factory": true}

func errJavaZone(id string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", id).
		WithHint("Zones are names such as Europe/Berlin, UTC, and offsets such as +02:00.")
}

// scanOffset reads +h, +hh, +hhmm, +hh:mm, +hhmmss or +hh:mm:ss in seconds east,
// and gives the number of bytes, 0 when there is none.
func scanOffset(s string) (off, n int) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	hour, n := digitsAt(s, 1, 2)
	if n == 0 {
		return 0, 0
	}
	at := 1 + n
	colon := at < len(s) && s[at] == ':'
	var parts [2]int
	for i := range parts {
		from := at
		if colon {
			if from >= len(s) || s[from] != ':' {
				break
			}
			from++
		}
		v, w := digitsAt(s, from, 2)
		if w != 2 || n != 2 {
			break
		}
		parts[i], at = v, from+2
	}
	off = hour*3600 + parts[0]*60 + parts[1]
	if parts[0] > 59 || parts[1] > 59 || off > maxJavaOffset {
		return 0, 0
	}
	if s[0] == '-' {
		off = -off
	}
	return off, at
}

// maxJavaOffset is the largest displacement of a zone, 18 hours.
const maxJavaOffset = 18 * 3600

// digitsAt reads at most most digits from byte i on.
func digitsAt(s string, i, most int) (v, n int) {
	for n < most && i+n < len(s) && isDigit(s[i+n]) {
		v = v*10 + int(s[i+n]-'0')
		n++
	}
	return v, n
}

// offsetID is Java's name of an offset, such as +02:00.
func offsetID(off int) string { return string(appendOffset(nil, off, 5)) }

// zoneFullNames are the English names behind the abbreviations of zones.
var zoneFullNames = map[string]string{
	"ACDT": "Australian Central Daylight Time", "ACST": "Australian Central Standard Time",
	"ADT": "Atlantic Daylight Time", "AEDT": "Australian Eastern Daylight Time",
	"AEST": "Australian Eastern Standard Time", "AKDT": "Alaska Daylight Time",
	"AKST": "Alaska Standard Time", "AST": "Atlantic Standard Time",
	"AWST": "Australian Western Standard Time", "BST": "British Summer Time",
	"CDT": "Central Daylight Time", "CEST": "Central European Summer Time",
	"CET": "Central European Standard Time", "CST": "Central Standard Time",
	"EAT": "East Africa Time", "EDT": "Eastern Daylight Time", "EEST": "Eastern European Summer Time",
	"EET": "Eastern European Standard Time", "EST": "Eastern Standard Time",
	"GMT": "Greenwich Mean Time", "HKT": "Hong Kong Standard Time",
	"HST": "Hawaii-Aleutian Standard Time", "IDT": "Israel Daylight Time",
	"IST": "India Standard Time", "JST": "Japan Standard Time", "KST": "Korean Standard Time",
	"MDT": "Mountain Daylight Time", "MSK": "Moscow Standard Time", "MST": "Mountain Standard Time",
	"NDT": "Newfoundland Daylight Time", "NST": "Newfoundland Standard Time",
	"NZDT": "New Zealand Daylight Time", "NZST": "New Zealand Standard Time",
	"PDT": "Pacific Daylight Time", "PST": "Pacific Standard Time",
	"SAST": "South Africa Standard Time", "UTC": "Coordinated Universal Time",
	"WEST": "Western European Summer Time", "WET": "Western European Standard Time",
}

// zoneOfAbbreviation are the zones that the abbreviations in texts mean.
var zoneOfAbbreviation = map[string]string{
	"ACDT": "Australia/Adelaide", "ACST": "Australia/Adelaide", "ADT": "America/Halifax",
	"AEDT": "Australia/Sydney", "AEST": "Australia/Sydney", "AKDT": "America/Anchorage",
	"AKST": "America/Anchorage", "AST": "America/Halifax", "AWST": "Australia/Perth",
	"BST": "Europe/London", "CDT": "America/Chicago", "CEST": "Europe/Paris", "CET": "Europe/Paris",
	"CST": "America/Chicago", "EAT": "Africa/Nairobi", "EDT": "America/New_York",
	"EEST": "Europe/Athens", "EET": "Europe/Athens", "EST": "America/New_York",
	"HKT": "Asia/Hong_Kong", "HST": "Pacific/Honolulu", "IDT": "Asia/Jerusalem",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "MDT": "America/Denver",
	"MSK": "Europe/Moscow", "MST": "America/Denver", "NDT": "America/St_Johns",
	"NST": "America/St_Johns", "NZDT": "Pacific/Auckland", "NZST": "Pacific/Auckland",
	"PDT": "America/Los_Angeles", "PST": "America/Los_Angeles", "SAST": "Africa/Johannesburg",
	"WEST": "Europe/Lisbon", "WET": "Europe/Lisbon",
}
