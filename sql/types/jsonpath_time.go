package types

import (
	"regexp"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// An item that .datetime() gave is its JSON text behind a mark and the kind: it is no
// JSON before it leaves the path. It compares as the time that it is, and a path gives
// it as a text.

const pathTimeMark = '\x01'

// pathTimeForms are the texts that .datetime() reads without a template.
var pathTimeForms = []struct {
	form *regexp.Regexp
	kind Kind
}{
	{regexp.MustCompile(`^\d+-\d{1,2}-\d{1,2}$`), Date},
	{regexp.MustCompile(`^\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?$`), Time},
	{regexp.MustCompile(`^\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)? ?[+-]\d{1,2}(:\d{1,2})?$`), Timetz},
	{regexp.MustCompile(`^\d+-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?$`), Timestamp},
	{regexp.MustCompile(`^\d+-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)? ?[+-]\d{1,2}(:\d{1,2})?$`),
		Timestamptz},
}

// datetime is the method .datetime().
func (r *JSONPathRun) datetime(n *pathNode, v string, yield pathYield) error {
	if n.template {
		return sqlerr.Unsupported("a template of jsonpath item method .datetime()",
			"Write the time as ISO 8601, or take the text out and convert it with to_timestamp.")
	}
	if JSONKind(v) != 's' {
		return pathError(sqlerr.InvalidSQLJSONDatetime,
			"jsonpath item method .datetime() can only be applied to a string")
	}
	s := JSONUnquote(v)
	for _, f := range pathTimeForms {
		if !f.form.MatchString(s) {
			continue
		}
		d, err := ParseText(&Env{Zone: time.UTC}, Of(f.kind), strings.Replace(s, "T", " ", 1))
		if err != nil {
			break
		}
		return r.following(n, pathTimeItem(f.kind, d, s), yield)
	}
	return sqlerr.New(sqlerr.InvalidSQLJSONDatetime, "datetime format is not recognized: \"%s\"", s).
		WithHint("Use a datetime template argument to specify the input data format.")
}

// pathTimeItem makes the item of a time; a time with a zone keeps the zone that it was
// written with.
func pathTimeItem(k Kind, d Datum, text string) string {
	zone := time.UTC
	if k == Timestamptz {
		_, east := trailingZone(text)
		zone = time.FixedZone("", east)
	}
	text = TextOf(&Env{Zone: zone}, Of(k), d)
	if k == Timestamp || k == Timestamptz {
		text = strings.Replace(text, " ", "T", 1)
	}
	if k == Timestamptz || k == Timetz {
		if n := len(text); text[n-3] == '+' || text[n-3] == '-' {
			text += ":00"
		}
	}
	return string([]byte{pathTimeMark, byte(k)}) + "\"" + text + "\""
}

// trailingZone reads the displacement at the end of an ISO time, in seconds east.
func trailingZone(s string) (rest string, east int) {
	i := strings.LastIndexAny(s, "+-")
	hours, minutes, _ := strings.Cut(s[i+1:], ":")
	h, _ := ParseInt(Int4, hours)
	m := int64(0)
	if minutes != "" {
		m, _ = ParseInt(Int4, minutes)
	}
	east = int(h*3600 + m*60)
	if s[i] == '-' {
		east = -east
	}
	return s[:i], east
}

// pathTime reads an item of .datetime(); ok is false for others.
func pathTime(item string) (k Kind, d Datum, ok bool) {
	if item == "" || item[0] != pathTimeMark {
		return 0, Datum{}, false
	}
	k = Kind(item[1])
	d, err := ParseText(&Env{Zone: time.UTC}, Of(k), strings.Replace(JSONUnquote(item[2:]), "T", " ", 1))
	return k, d, err == nil
}

// plainItem gives an item as JSON.
func plainItem(item string) string {
	if item != "" && item[0] == pathTimeMark {
		return item[2:]
	}
	return item
}

// compareTimes compares two items of .datetime(); ok is false for kinds that do not
// compare. What needs a time zone is refused where the function may not use one.
func (r *JSONPathRun) compareTimes(a, b string) (c int, ok bool) {
	ka, x, ok1 := pathTime(a)
	kb, y, ok2 := pathTime(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	to, ok := commonTime(ka, kb)
	if !ok {
		return 0, false
	}
	for _, k := range []Kind{ka, kb} {
		if k != to && (to == Timestamptz || to == Timetz) && r.Zone == nil {
			r.failure = sqlerr.New(sqlerr.FeatureNotSupported,
				"cannot convert value from %s to %s without time zone usage", k, to).
				WithHint("Use *_tz() function for time zone support.")
			return 0, false
		}
	}
	env := &Env{Zone: r.Zone}
	x, err1 := r.castTime(env, ka, to, x)
	y, err2 := r.castTime(env, kb, to, y)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	return Compare(Of(to), x, y), true
}

func (r *JSONPathRun) castTime(env *Env, from, to Kind, d Datum) (Datum, error) {
	if from == Time && to == Timetz {
		_, east := time.UnixMicro(r.Now).In(r.Zone).Zone()
		return TimetzDatum(TimetzValue{Micros: d.I, West: int32(-east)}), nil
	}
	return Cast(env, Of(from), Of(to), d, true)
}

// commonTime gives the kind in which two kinds of times compare.
func commonTime(a, b Kind) (Kind, bool) {
	day := func(k Kind) bool { return k == Date || k == Timestamp || k == Timestamptz }
	switch {
	case a == b:
		return a, true
	case day(a) != day(b):
		return 0, false
	case !day(a):
		return Timetz, true
	case a == Timestamptz || b == Timestamptz:
		return Timestamptz, true
	}
	return Timestamp, true
}
