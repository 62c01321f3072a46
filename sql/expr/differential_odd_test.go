package expr

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

// odd has spellings of values that are not what their type prints, right and wrong ones.
var odd = map[string][]string{
	"date": {"January 8, 1999", "1/8/1999", "99-Jan-08", "08-Jan-99", "J2451187", "1999.008", "20240229",
		"epoch", "infinity", "Jan 08 99 BC", "2024-02-30", "2024-2-9", "0000-01-01", "24-02-29",
		"-0001-01-01", "2024-02-29 25:00", "Feb 29 2023", "12/13/14", "13/12/14", "1999-01-08 AD",
		"990108", "1999-Jan-08", "Thursday Feb 29 2024", "2024-02-29 12:34 PM", "5874898-01-01", "-infinity",
		"4714-11-24 BC", "4714-11-23 BC", "29.02.2024", "2024/02/29", "1 2 3", "{1,2,3}"},
	"time": {"04:05:06.789", "040506", "04:05 AM", "12:00 AM", "24:00:00", "24:00:01", "23:59:60", "23:59:60.5",
		"23:59:61", "04:05 PM", "13:05 PM", "allballs", "T040506", "4", "04:05:06.1234567", "04:05-08",
		"2024-02-29 04:05", "04:05 America/New_York", "-1:00"},
	"timetz": {"04:05:06-08:00", "04:05:06 PST", "040506-08", "2003-04-12 04:05:06 America/New_York",
		"23:59:60 UTC", "12:00 Z", "12:00+15:59:59", "12:00+16", "04:05 AM EST", "12:00 GMT+3", "12:00+0530"},
	"timestamp": {"1999-01-08 04:05:06", "Jan 8 04:05:06 1999 PST", "2024-02-29T12:34:56Z", "20240229T123456",
		"2024-02-29 24:00", "2024-12-31 23:59:60", "epoch", "2024-02-29 12:34 BC", "Thu Feb 29 12:34:56 2024",
		"2024-02-29 12:34:56.1234567", "2024-02-29 12.5", "4714-11-24 BC", "4714-11-23 BC",
		"J2451187 04:05", "1999.008 04:05", "2024-060", "02/29/24 1:2:3 pm", "2024-02-29 12:34:56,5",
		"2024-02-29 12", "20240229 1234", "2024-02-29T24:00:00.1"},
	"timestamptz": {"2024-02-29 12:34:56 America/New_York", "2024-07-01 12:00 EDT", "2024-07-01 12:00+05:30",
		"2024-07-01 12:00 -0330", "2024-03-10 02:30 America/New_York", "2024-11-03 01:30 America/New_York",
		"2024-02-29 12:34:56 zulu", "2024-02-29 12:34 Nowhere/Land", "epoch", "2024-02-29 12:34:56+15:59:59",
		"2024-02-29 12:34:56+16", "Thu 29 Feb 12:34:56 2024 UTC", "2024-02-29 12:34 GMT-5", "1800-01-01 00:00 CET",
		"2024-02-29 12:34", "2024-03-31 02:30", "2024-02-29T12:34:56.789+00:00:30"},
	"interval": {"P1Y2M3DT4H5M6S", "P0001-02-03T04:05:06", "PT-1.5H", "P1W", "1-2", "1 2:03:04",
		"-1-2 +3 -4:05:06", "@ 1 day ago", "1 day ago", "1.5 months", "1.5 years 2.5 days", "2 decades", "1 century",
		"1 millennium", "3 h 4 m", "1:2", "1:2:3.4567891", "+1 -2:03", "1 mon -1 hour", "infinity", "", "P",
		"1 year 1 year", "0.1 mon", "1e3 s", "-P1D", "1 day 25:00:00", "2 weeks 3", "5", "1 us 2 ms", "P1.5D", "P1Y-2M",
		"-1-2", "- 1 day", "1 day -", "2147483648 months", "178956970 years 8 mons", "9223372036854775807 us",
		"PT", "P1DT", "P1D2H", "1 day 1 day 2 days", "0.5 weeks", "1.1 century", "1-", "1 second 2 minutes"},
	"numeric": {"1e-5", "  12 ", "1_000", " NaN", "inf", "-inf", "+1.", ".", ".5", "1e", "0x1F", "1e131072",
		"1e-16384", "-0.0", "infinity", "1e400", "--1", "1 2", "000012.500", "1e+2", "-.5e-3"},
	"float8": {"1e309", "1e-400", "inf", "-Infinity", "nan", "0x10", "1e", "1.5e+3", " 1 ", "1d", "1e5 x", "-0", ".5",
		"4.9e-324", "2.4e-324", "1.7976931348623159e308", "9007199254740993"},
	"float4": {"1e39", "1e-46", "16777217", "inf", "nan ", "3.4028236e38", "0.1", "x"},
	"int4":   {" 12 ", "+5", "-0", "2147483648", "1.0", "1e3", "0x10", "", "1_0", "- 1", "007", "-2147483649"},
	"int2":   {"32768", "-32769", " 7", "1.5", "+0"},
	"int8":   {"9223372036854775808", "-9223372036854775809", "12 ", "1e3"},
	"oid":    {"4294967296", "-1", "-2147483648", " 5 ", "0x1", ""},
	"bool":   {"y", "yes", "on", "ON", "t", "tr", "of", "off", "0", "1", "2", " true ", "n", "o", "", "TRUE", "fals"},
	"bytea": {`\xDEAD BEEF`, `\xa`, `\\`, `\777`, `\400`, `\x 01`, `a\`, `\XAB`, `\xzz`, `\012é`, `\1`,
		`\x0`, `\x00`},
	"uuid": {"{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
		"a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "{a0eebc999c0b4ef8bb6d6bb9bd380a11",
		"a-0eebc999c0b4ef8bb6d6bb9bd380a11", " a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	"jsonb": {`{"a":1,"a":2}`, `[1,]`, `"\ud83d\ude00"`, `"\u0000"`, `01`, `1.`, `-`, `nul`, `{"a" 1}`, ` 1 `, `"\x"`,
		`1e400`, `"\ud83d"`, `{"a":{"b":[1e1,2E-2]}}`, `{"bb":1,"a":2,"":3}`, `[[],{},[{}]]`, `"tab	"`, `-0`, `-0.0`,
		`1E2`, `{} {}`, `[1 2]`, `{"a":}`, `"`, ``, `{1:2}`, `tru`, `"\u00e9\/\b"`, `1e-400`},
	"json":     {`{"a":1,"a":2}`, `[1,]`, `"\u0000"`, `01`, ` {"a" : [ 1 , 2 ] } `, `"\ud83d"`, `-`, `[`, `{"a":1}}`},
	"\"char\"": {"ab", `\001`, `\101`, `\1`, "\\", ""},
	"name":     {"a123456789b123456789c123456789d123456789e123456789f123456789g123456789"},
	"int4[]": {"{1, 2 ,3}", "{{1},{2}}", "{{1},{2,3}}", "{1,,2}", "{", "[2:3]={1,2}", "[1:2]={1}", `{NULL,null,"NULL"}`,
		" {1} ", "{1}x", "[0:0][1:2]={{1,2}}", "{{}}", "{1,{2}}", "[1:0]={}", "{ }", "[-1:0]={1,2}", "[2:1]={1,2}",
		"{1;2}", `{"1"}`, "{1,2", "1,2}", "[1]={2}", "[2]={1,2}", "{{1,2},{3}}", "{{{1}}}"},
	"text[]": {`{"a\"b",c\\d}`, "{a b , c}", `{"",""}`, `{a"b}`, `{"a"b}`, "{,}", "{a,}", `{ "x" , y z }`, `{\{,"}"}`,
		"{NULL,nUlL}", "{é,日本}", `{"a,b"}`, "{{a},{b}}", "[5:6]={x,y}"},
	"varchar(3)": {"abcd", "abc  ", "é日本x"}, "char(4)": {"ab", "abcde", "abcd  "},
	"numeric(4,2)": {"99.995", "99.994", "-99.995", "NaN", "inf", "1e1"},
	"mood":         {"sad", "Sad", "", "happy ", "ok"},
}

var oddTypes = func() []string {
	var ts []string
	for t := range odd {
		ts = append(ts, t)
	}
	slices.Sort(ts)
	return ts
}()

// oddly writes the reading of one of them, as a cast or a typed literal.
func (g *generator) oddly() string {
	t := pick(g, oddTypes)
	v := quoteLit(pick(g, odd[t]))
	switch {
	case g.chance(4):
		return "CAST(" + v + "::text AS " + t + ")"
	case t == "interval" && g.chance(2):
		return "interval " + v + " " + pick(g, intervalFields)
	case (t == "timestamp" || t == "timestamptz" || t == "time" || t == "timetz") && g.chance(2):
		return t + "(" + strconv.Itoa(g.rng.IntN(7)) + ") " + v
	case t == "date" || t == "timestamp" || t == "interval" || t == "numeric" || t == "bool":
		return t + " " + v
	}
	return v + "::" + t
}

// diffSettings are the sessions that answer: each batch of questions has one of them. The first
// is that of the recorded answers.
var diffSettings = []struct {
	zone, dates, intervals, bytes string
	env                           types.Env
}{
	{"UTC", "ISO, MDY", "postgres", "hex", types.Env{}},
	{"America/New_York", "SQL, MDY", "sql_standard", "hex",
		types.Env{DateStyle: types.DateSQL, IntervalStyle: types.IntervalSQL}},
	{"Asia/Kolkata", "SQL, DMY", "postgres_verbose", "escape", types.Env{DateStyle: types.DateSQL,
		DateOrder: types.DMY, IntervalStyle: types.IntervalPostgresVerbose, ByteaEscape: true}},
	{"Europe/Berlin", "German, DMY", "iso_8601", "hex", types.Env{DateStyle: types.DateGerman,
		DateOrder: types.DMY, IntervalStyle: types.IntervalISO}},
	{"Australia/Lord_Howe", "Postgres, MDY", "postgres", "escape",
		types.Env{DateStyle: types.DatePostgres, ByteaEscape: true}},
	{"America/St_Johns", "Postgres, DMY", "iso_8601", "hex",
		types.Env{DateStyle: types.DatePostgres, DateOrder: types.DMY, IntervalStyle: types.IntervalISO}},
	{"Etc/GMT+5", "ISO, YMD", "sql_standard", "hex",
		types.Env{DateOrder: types.YMD, IntervalStyle: types.IntervalSQL}},
}

// set makes the sessions of both sides the i-th.
func (s *server) set(t *testing.T, i int) {
	t.Helper()
	d := diffSettings[i]
	text := fmt.Sprintf("SET timezone = '%s'; SET datestyle = '%s'; SET intervalstyle = '%s'; SET bytea_output = '%s'",
		d.zone, d.dates, d.intervals, d.bytes)
	if _, err := s.conn.Exec(context.Background(), text).ReadAll(); err != nil {
		t.Fatal(err)
	}
	setTestValues(t, i)
}

func setTestValues(t *testing.T, i int) {
	t.Helper()
	clear(literalCache)
	testValues = nil
	if i == 0 {
		return
	}
	zone, err := types.LoadZone(diffSettings[i].zone)
	if err != nil {
		t.Fatal(err)
	}
	v := diffSettings[i].env
	v.Zone = zone
	testValues = &v
}
