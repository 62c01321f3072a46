package session

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// canonical checks a new value and gives the form in which it is kept.
func (d *setting) canonical(s *Session, v string) (string, error) {
	var err error
	switch d.kind {
	case boolSetting:
		b, perr := types.ParseBool(v)
		if perr != nil {
			return "", sqlerr.New(sqlerr.InvalidParameterValue,
				"parameter \"%s\" requires a Boolean value", d.name)
		}
		v = onOff(b)
	case intSetting:
		v, err = d.canonicalInt(v)
	case realSetting:
		f, perr := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if perr != nil || math.IsNaN(f) {
			return "", d.invalid(v)
		}
		v = strconv.FormatFloat(f, 'g', -1, 64)
	case enumSetting:
		v, err = d.canonicalEnum(v)
	}
	if err == nil && d.check != nil {
		v, err = d.check(s, v)
	}
	return v, err
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func (d *setting) invalid(v string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for parameter \"%s\": \"%s\"", d.name, v)
}

func (d *setting) canonicalEnum(v string) (string, error) {
	low := strings.ToLower(v)
	for _, e := range d.enum {
		if strings.ToLower(e) == low {
			return e, nil
		}
	}
	if b, err := types.ParseBool(v); err == nil && slices.Contains(d.enum, onOff(b)) {
		return onOff(b), nil
	}
	return "", d.invalid(v).WithHint("Available values: %s.", strings.Join(d.enum, ", "))
}

// timeUnits and memoryUnits are in milliseconds and bytes.
var timeUnits = map[string]float64{"us": 0.001, "ms": 1, "s": 1000, "min": 60000,
	"h": 3600000, "d": 86400000}

var memoryUnits = map[string]float64{"B": 1, "kB": 1 << 10, "8kB": 8 << 10, "MB": 1 << 20,
	"GB": 1 << 30, "TB": 1 << 40}

func unitsOf(unit string) map[string]float64 {
	switch unit {
	case "ms", "s", "min":
		return timeUnits
	case "B", "kB", "8kB":
		return memoryUnits
	}
	return nil
}

// canonicalInt reads a number with an optional unit.
func (d *setting) canonicalInt(v string) (string, error) {
	t := strings.TrimSpace(v)
	end := strings.LastIndexAny(t, "0123456789.") + 1
	n, err := strconv.ParseFloat(t[:end], 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return "", d.invalid(v)
	}
	if word := strings.TrimSpace(t[end:]); word != "" {
		units := unitsOf(d.unit)
		f, ok := units[word]
		if !ok || word == "8kB" {
			e := d.invalid(v)
			switch {
			case units == nil:
			case d.unit == "ms" || d.unit == "s" || d.unit == "min":
				e = e.WithHint("Valid units for this parameter are \"us\", \"ms\", \"s\", " +
					"\"min\", \"h\", and \"d\".")
			default:
				e = e.WithHint("Valid units for this parameter are \"B\", \"kB\", \"MB\", " +
					"\"GB\", and \"TB\".")
			}
			return "", e
		}
		n = n * f / units[d.unit]
	}
	n = math.Round(n)
	if n < d.min || n > d.max {
		unit := ""
		if d.unit != "" {
			unit = " " + d.unit
		}
		return "", sqlerr.New(sqlerr.InvalidParameterValue,
			"%.0f%s is outside the valid range for parameter \"%s\" (%.0f .. %.0f)",
			n, unit, d.name, d.min, d.max)
	}
	return strconv.FormatInt(int64(n), 10), nil
}

// show gives a value as SHOW writes it: with the largest unit that fits.
func (d *setting) show(v string) string {
	if d.kind != intSetting || d.unit == "" {
		return v
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		return v
	}
	order := []string{"d", "h", "min", "s", "ms", "us"}
	units := unitsOf(d.unit)
	if _, ok := units["B"]; ok {
		order = []string{"TB", "GB", "MB", "kB", "B"}
	}
	whole := float64(n) * units[d.unit]
	for _, u := range order {
		if q := whole / units[u]; q >= 1 && q == math.Trunc(q) {
			return strconv.FormatFloat(q, 'f', 0, 64) + u
		}
	}
	return v
}

func checkSearchPath(_ *Session, v string) (string, error) { return v, nil }

func checkIsolation(s *Session, v string) (string, error) {
	if s.txn != nil && s.block == explicitBlock && s.txn.Wrote() &&
		v != s.settings.get("transaction_isolation") {
		return "", sqlerr.New(sqlerr.ActiveSQLTransaction,
			"SET TRANSACTION ISOLATION LEVEL must be called before any query")
	}
	return v, nil
}

func checkReadOnly(s *Session, v string) (string, error) {
	if v == "off" && s.txn != nil && s.settings.get("transaction_read_only") == "on" {
		return "", sqlerr.New(sqlerr.ActiveSQLTransaction,
			"transaction read-write mode must be set before any query")
	}
	return v, nil
}

func checkMessageLevel(_ *Session, v string) (string, error) { return v, nil }

func checkRole(s *Session, v string) (string, error) {
	if v == "none" || s.host == nil {
		return v, nil
	}
	if s.snapshot().Role(v) == nil {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "role \"%s\" does not exist", v)
	}
	snap, user := s.snapshot(), s.settings.get("session_authorization")
	if r := snap.Role(user); r != nil && !r.Superuser && !snap.IsMember(user, v) {
		return "", sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied to set role \"%s\"", v)
	}
	return v, nil
}

func checkAuthorization(s *Session, v string) (string, error) {
	if s.host == nil {
		return v, nil
	}
	snap := s.snapshot()
	if snap.Role(v) == nil {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "role \"%s\" does not exist", v)
	}
	if r := snap.Role(s.user); v != s.user && r != nil && !r.Superuser {
		return "", sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied to set session authorization")
	}
	return v, nil
}

// checkDateStyle reads a style and an order of fields in any order. Two of either
// that differ are in conflict; German without an order has the day first.
func checkDateStyle(s *Session, v string) (string, error) {
	style, order, detail := "", "", ""
	set := func(to *string, value string) {
		if *to != "" && *to != value {
			detail = "Conflicting \"datestyle\" specifications."
		}
		*to = value
	}
	oldStyle, oldOrder, _ := strings.Cut(s.settings.get("datestyle"), ", ")
	for part := range strings.SplitSeq(v, ",") {
		p := strings.ToLower(strings.TrimSpace(part))
		if p == "default" {
			oldStyle, oldOrder = "ISO", "MDY"
		}
		st, or, ok := dateStyleWord(p)
		if !ok {
			return "", errDateStyle(v, "Unrecognized key word: \""+p+"\".")
		}
		if st != "" {
			set(&style, st)
		}
		if or != "" {
			set(&order, or)
		}
	}
	if detail != "" {
		return "", errDateStyle(v, detail)
	}
	if style == "German" && order == "" {
		oldOrder = "DMY"
	}
	return cmp.Or(style, oldStyle) + ", " + cmp.Or(order, oldOrder), nil
}

func errDateStyle(v, detail string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for parameter \"DateStyle\": \"%s\"", v).WithDetail("%s", detail)
}

// dateStyleWord gives the style or the order of fields that a word means, or both.
func dateStyleWord(p string) (style, order string, ok bool) {
	switch {
	case p == "iso":
		style = "ISO"
	case p == "sql":
		style = "SQL"
	case strings.HasPrefix(p, "postgres"):
		style = "Postgres"
	case p == "german":
		style = "German"
	case p == "ymd":
		order = "YMD"
	case p == "dmy" || strings.HasPrefix(p, "euro"):
		order = "DMY"
	case p == "mdy" || p == "us" || strings.HasPrefix(p, "noneuro"):
		order = "MDY"
	case p != "default":
		return "", "", false
	}
	return style, order, true
}

// checkTimeZone takes a name, or a number of hours.
func checkTimeZone(_ *Session, v string) (string, error) {
	return types.ZoneSetting(v)
}

// encodings are PostgreSQL's names of encodings that are not offered.
var encodings = strings.Fields(`sqlascii latin1 latin2 latin3 latin4 latin5 latin6 latin7 latin8
	latin9 latin10 iso88591 iso88595 iso88596 iso88597 iso88598 win866 win874 win1250 win1251 win1252
	win1253 win1254 win1255 win1256 win1257 win1258 windows1251 windows1252 koi8r koi8u eucjp euccn
	euckr euctw sjis big5 gbk gb18030 uhc johab mskanji windows949 shiftjis shiftjis2004 alt win
	abc koi8 tcvn vscii eucjis2004 muleinternal`)

// checkEncoding compares names without case and punctuation.
func checkEncoding(_ *Session, v string) (string, error) {
	key := strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return -1
	}, v)
	switch {
	case key == "utf8" || key == "unicode":
		return "UTF8", nil
	case slices.Contains(encodings, key):
		return "", sqlerr.New(sqlerr.FeatureNotSupported,
			"conversion between %s and UTF8 is not supported", strings.ToUpper(v)).
			WithHint("Use client_encoding UTF8.")
	}
	return "", sqlerr.New(sqlerr.InvalidParameterValue,
		"invalid value for parameter \"client_encoding\": \"%s\"", v)
}

// checkApplicationName keeps ASCII, 63 bytes at most.
func checkApplicationName(_ *Session, v string) (string, error) {
	b := []byte(v)
	for i, c := range b {
		if c < 32 || c > 126 {
			b[i] = '?'
		}
	}
	return string(b[:min(len(b), 63)]), nil
}

func checkStandardStrings(_ *Session, v string) (string, error) {
	if v == "off" {
		return "", sqlerr.Unsupported("standard_conforming_strings = off",
			"Write E'...' for strings with backslash escapes.")
	}
	return v, nil
}
