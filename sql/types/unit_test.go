package types_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func TestTypeNames(t *testing.T) {
	for _, c := range []struct {
		name string
		mods []int32
		want string
		oid  uint32
	}{
		{"int", nil, "integer", 23}, {"INT4", nil, "integer", 23}, {"bigint", nil, "bigint", 20},
		{"float", nil, "double precision", 701}, {"float", []int32{24}, "real", 700},
		{"float", []int32{25}, "double precision", 701}, {"double", nil, "double precision", 701},
		{"decimal", []int32{10, 2}, "numeric(10,2)", 1700},
		{"numeric", []int32{3, -2}, "numeric(3,-2)", 1700},
		{"varchar", []int32{20}, "character varying(20)", 1043}, {"char", nil, "character(1)", 1042},
		{"string", nil, "text", 25}, {"bytes", nil, "bytea", 17}, {"bpchar", nil, "bpchar", 1042},
		{"\"char\"", nil, "\"char\"", 18},
		{"timestamptz", []int32{3}, "timestamp(3) with time zone", 1184},
		{"time", []int32{0}, "time(0) without time zone", 1083}, {"_int4", nil, "integer[]", 1007},
		{"varchar(10)[]", nil, "character varying(10)[]", 1015}, {"integer[][]", nil, "integer[]", 1007},
		{"interval hour to second", []int32{3}, "interval hour to second(3)", 1186},
		{"interval", []int32{3}, "interval(3)", 1186}, {"interval year", nil, "interval year", 1186},
		{"timestamp(3) with time zone", nil, "timestamp(3) with time zone", 1184},
		{"pg_catalog.int8", nil, "bigint", 20}, {"regclass", nil, "regclass", 2205},
	} {
		ty, err := types.ByName(c.name, c.mods)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if ty.String() != c.want || ty.OID() != c.oid {
			t.Errorf("%s: %s (%d), want %s (%d)", c.name, ty, ty.OID(), c.want, c.oid)
		}
		back, ok := types.TypeByOID(c.oid)
		if !ok || !back.Same(ty) {
			t.Errorf("%s: oid %d is %s", c.name, c.oid, back)
		}
	}
}

func TestTypeNameErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		mods []int32
		want string
	}{
		{"foo", nil, "42704: type \"foo\" does not exist"},
		{"varchar", []int32{0}, "22023: length for type varchar must be at least 1"},
		{"char", []int32{99999999}, "22023: length for type char cannot exceed 10485760"},
		{"numeric", []int32{1001}, "22023: NUMERIC precision 1001 must be between 1 and 1000"},
		{"numeric", []int32{4, 2000}, "22023: NUMERIC scale 2000 must be between -1000 and 1000"},
		{"float", []int32{54}, "22023: precision for type float must be less than 54 bits"},
		{"text", []int32{3}, "42601: type modifier is not allowed for type \"text\""},
	} {
		if _, err := types.ByName(c.name, c.mods); err == nil || err.Error() != c.want {
			t.Errorf("%s%v: %v, want %s", c.name, c.mods, err, c.want)
		}
	}
}

func TestByNameText(t *testing.T) {
	ty, err := types.ByNameText("interval", []string{"day", "to", "second", "2"})
	if err != nil || ty.String() != "interval day to second(2)" {
		t.Errorf("got %s, %v", ty, err)
	}
	ty, err = types.ByNameText("numeric", []string{"8", "3"})
	if err != nil || ty.String() != "numeric(8,3)" {
		t.Errorf("got %s, %v", ty, err)
	}
}

// TestBuiltin checks that every built-in type is found again by its oid and by
// its names.
func TestBuiltin(t *testing.T) {
	for _, ty := range types.Builtin() {
		back, ok := types.TypeByOID(ty.OID())
		if !ok || !back.Same(ty) {
			t.Errorf("%s: oid %d gives %s", ty, ty.OID(), back)
		}
		if ty.Kind == types.Any {
			continue
		}
		byName, err := types.ByName(ty.TypName(), nil)
		if ty.Kind == types.Char {
			byName, err = types.ByName("\"char\"", nil)
		}
		if err != nil || byName.OID() != ty.OID() {
			t.Errorf("%s: name %s gives %s, %v", ty, ty.TypName(), byName, err)
		}
	}
}

// ksql are types beyond PostgreSQL's, with their JSON text.
func ksqlTypes() (nested, dict, row types.Type) {
	text, num := types.Of(types.Text), types.Of(types.Numeric)
	nested = types.ArrayOf(types.ArrayOf(types.Of(types.Int4)))
	dict = types.MapOf(text, types.Of(types.Int8))
	row = types.Type{Kind: types.Struct, Fields: []types.Field{
		{Name: "name", Type: text}, {Name: "amount", Type: num},
		{Name: "tags", Type: types.ArrayOf(text)}, {Name: "m", Type: dict},
		{Name: "at", Type: types.Of(types.Timestamp)}}}
	return nested, dict, row
}

func TestNestedAndStruct(t *testing.T) {
	nested, dict, row := ksqlTypes()
	for _, c := range []struct {
		ty       types.Type
		in, want string
	}{
		{nested, "{{1,2},{3},{},NULL}", "{{1,2},{3},{},NULL}"},
		{nested, "{}", "{}"},
		{dict, `{"b": 1, "a": 2, "ccc": null, "b": 3}`, `{"a": 2, "b": 3, "ccc": null}`},
		{dict, `{}`, `{}`},
		{row, `{"NAME": "x", "amount": 1.50, "tags": ["a", null], "m": {"k": 7},
			"at": "2024-01-02T03:04:05", "other": 1}`,
			`{"m": {"k": 7}, "at": "2024-01-02T03:04:05", "name": "x", "tags": ["a", null], ` +
				`"amount": 1.50}`},
		{row, `{"at": 1700000000123}`, `{"m": null, "at": "2023-11-14T22:13:20.123", "name": null, ` +
			`"tags": null, "amount": null}`},
	} {
		d, err := types.ParseText(nil, c.ty, c.in)
		if err != nil {
			t.Errorf("%s: %s: %v", c.ty, c.in, err)
			continue
		}
		if got := types.TextOf(nil, c.ty, d); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.ty, c.in, got, c.want)
		}
	}
	if s := row.String(); s != "STRUCT<name text, amount numeric, tags text[], m MAP<text, bigint>, "+
		"at timestamp without time zone>" {
		t.Errorf("struct is named %s", s)
	}
}

func TestStructErrors(t *testing.T) {
	_, dict, row := ksqlTypes()
	for _, c := range []struct {
		ty   types.Type
		in   string
		code sqlerr.Code
	}{
		{dict, `{"a": "x"}`, sqlerr.InvalidTextRepresentation},
		{dict, `[1]`, sqlerr.InvalidTextRepresentation},
		{row, `{"amount": "much"}`, sqlerr.InvalidTextRepresentation},
		{row, `{"at": "2024-13-01"}`, sqlerr.DatetimeFieldOverflow},
		{row, `{"at"`, sqlerr.InvalidTextRepresentation},
	} {
		if _, err := types.ParseText(nil, c.ty, c.in); !sqlerr.Is(err, c.code) {
			t.Errorf("%s: %s: %v, want %s", c.ty, c.in, err, c.code)
		}
	}
}

func TestMapGet(t *testing.T) {
	_, dict, _ := ksqlTypes()
	m := types.MapDatum(dict, []types.Datum{types.TextDatum("z"), types.TextDatum("a")},
		[]types.Datum{types.IntDatum(26), types.NullDatum})
	if v, ok := types.MapGet(dict, m.S, types.TextDatum("z")); !ok || v.I != 26 {
		t.Errorf("z is %v, %v", v, ok)
	}
	if v, ok := types.MapGet(dict, m.S, types.TextDatum("a")); !ok || !v.Null {
		t.Errorf("a is %v, %v", v, ok)
	}
	if _, ok := types.MapGet(dict, m.S, types.TextDatum("b")); ok {
		t.Error("b is there")
	}
	keys, vals := types.DecodeMap(dict, []byte(m.S))
	if len(keys) != 2 || keys[0].S != "a" || vals[1].I != 26 {
		t.Errorf("decoded %v %v", keys, vals)
	}
}

func TestCastBeyondPostgres(t *testing.T) {
	nested, dict, row := ksqlTypes()
	flat := types.ArrayOf(types.Of(types.Int8))
	text := types.Of(types.Text)
	for _, c := range []struct {
		from, to types.Type
		in, want string
		kind     types.Context
	}{
		{types.ArrayOf(types.Of(types.Int4)), nested, "{{1,2},{3,4}}", "{{1,2},{3,4}}",
			types.CastImplicit},
		{nested, flat, "{{1,2},{3,4}}", "{{1,2},{3,4}}", types.CastImplicit},
		{nested, text, "{{1},{2,3}}", "{{1},{2,3}}", types.CastAssignment},
		{text, nested, "{{1},{2,3}}", "{{1},{2,3}}", types.CastExplicit},
		{dict, types.Of(types.JSONB), `{"bb":1,"a":2}`, `{"a": 2, "bb": 1}`, types.CastImplicit},
		{types.Of(types.JSONB), dict, `{"bb":1,"a":2}`, `{"a": 2, "bb": 1}`, types.CastAssignment},
		{dict, types.MapOf(text, text), `{"a":2}`, `{"a": "2"}`, types.CastAssignment},
		{row, types.Of(types.JSONB), `{"name":"x"}`, `{"m": null, "at": null, "name": "x", ` +
			`"tags": null, "amount": null}`, types.CastImplicit},
		{row, types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "amount", Type: text}}},
			`{"amount":1.50,"name":"x"}`, `{"amount": "1.50"}`, types.CastAssignment},
	} {
		if k, ok := types.CastKind(c.from, c.to); !ok || k != c.kind {
			t.Errorf("%s to %s: kind %d %v, want %d", c.from, c.to, k, ok, c.kind)
		}
		d, err := types.ParseText(nil, c.from, c.in)
		if err == nil {
			d, err = types.Cast(nil, c.from, c.to, d, true)
		}
		if err != nil {
			t.Errorf("%s %s to %s: %v", c.from, c.in, c.to, err)
			continue
		}
		if got := types.TextOf(nil, c.to, d); got != c.want {
			t.Errorf("%s %s to %s: %s, want %s", c.from, c.in, c.to, got, c.want)
		}
	}
}

func TestRaggedBinary(t *testing.T) {
	nested, _, _ := ksqlTypes()
	d, err := types.ParseText(nil, nested, "{{1},{2,3}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := types.AppendBinary(nil, nil, nested, d); !sqlerr.Is(err, sqlerr.FeatureNotSupported) {
		t.Errorf("ragged array in binary: %v", err)
	}
}

func TestRecordFields(t *testing.T) {
	ty := types.Type{Kind: types.Record, Fields: []types.Field{
		{Name: "f1", Type: types.Of(types.Int4)}, {Name: "f2", Type: types.Of(types.Text)},
		{Name: "f3", Type: types.Of(types.Bool)}, {Name: "f4", Type: types.Of(types.Float8)}}}
	ds := []types.Datum{types.IntDatum(-7), types.NullDatum, types.BoolDatum(true),
		types.FloatDatum(1.5)}
	d := types.RecordDatum(ty, ds)
	if got := types.TextOf(nil, ty, d); got != "(-7,,t,1.5)" {
		t.Errorf("record is %s", got)
	}
	if got := d.Fields(ty); !slices.Equal(got, ds) {
		t.Errorf("fields %v, want %v", got, ds)
	}
	if got := types.RecordField(ty, d.S, 3); got.F != 1.5 {
		t.Errorf("field 3 is %v", got)
	}
	for _, bad := range []string{"", "(1,2", "(1,2,t)", "(1,a,t,1,2)", "(1,a,t,1) x"} {
		if _, err := types.ParseText(nil, ty, bad); !sqlerr.Is(err, sqlerr.InvalidTextRepresentation) {
			t.Errorf("record %q: %v", bad, err)
		}
	}
}

// TestNow reads the words that depend on the clock.
func TestNow(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2024, 5, 6, 23, 8, 9, 123456000, time.UTC)
	env := &types.Env{Now: now.UnixMicro(), Zone: zone}
	for _, c := range []struct{ typ, in, want string }{
		{"timestamptz", "now", "2024-05-07 01:08:09.123456+02"},
		{"timestamp", "now", "2024-05-07 01:08:09.123456"},
		{"date", "today", "2024-05-07"}, {"date", "yesterday", "2024-05-06"},
		{"timestamptz", "tomorrow", "2024-05-08 00:00:00+02"},
		{"timestamptz", "today 04:05", "2024-05-07 04:05:00+02"},
		{"timestamptz", "yesterday allballs", "2024-05-06 02:00:00+02"},
		{"time", "now", "01:08:09.123456"}, {"timetz", "10:00", "10:00:00+02"},
	} {
		ty, err := types.ByName(c.typ, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := types.ParseText(env, ty, c.in)
		if err != nil {
			t.Errorf("%s %q: %v", c.typ, c.in, err)
			continue
		}
		if got := types.TextOf(env, ty, d); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.typ, c.in, got, c.want)
		}
	}
}

func answerOf[T any](f func(*types.Env, []byte, T) []byte, v T, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(f(nil, nil, v))
}

func TestMake(t *testing.T) {
	date := func(y, m, d int64) string {
		v, err := types.MakeDate(y, m, d)
		return answerOf(types.AppendDate, v, err)
	}
	clock := func(h, m int64, s float64) string {
		v, err := types.MakeTime(h, m, s)
		text := func(_ *types.Env, b []byte, v int64) []byte { return types.AppendTime(b, v) }
		return answerOf(text, v, err)
	}
	stamp := func(y, mo, d, h, mi int64, s float64) string {
		v, err := types.MakeTimestamp(y, mo, d, h, mi, s)
		return answerOf(types.AppendTimestamp, v, err)
	}
	epoch := func(s float64) string {
		v, err := types.ToTimestamp(s)
		return answerOf(types.AppendTimestamptz, v, err)
	}
	iv, err := types.MakeInterval(1, 2, 3, 4, 5, 6, 7.5)
	for _, c := range [][2]string{
		{date(2024, 2, 30), "22008: date field value out of range: 2024-02-30"},
		{date(-44, 3, 15), "0044-03-15 BC"},
		{date(0, 1, 1), "22008: date field value out of range: 0-01-01"},
		{date(5874898, 1, 1), "22008: date out of range: 5874898-01-01"},
		{clock(24, 0, 0), "24:00:00"}, {clock(8, 15, 23.5), "08:15:23.5"},
		{clock(25, 0, 0.5), "22008: time field value out of range: 25:00:0.5"},
		{clock(23, 59, 60.1), "22008: time field value out of range: 23:59:60.1"},
		{stamp(2013, 7, 15, 8, 15, 23.5), "2013-07-15 08:15:23.5"},
		{stamp(2013, 7, 15, 8, 75, 23.5), "22008: time field value out of range: 8:75:23.5"},
		{stamp(5000000, 7, 15, 8, 15, 3), "22008: timestamp out of range: 5000000-07-15 8:15:03"},
		{epoch(1.5), "1970-01-01 00:00:01.5+00"}, {epoch(math.Inf(-1)), "-infinity"},
		{epoch(1e20), "22008: timestamp out of range: \"1e+20\""},
		{epoch(math.NaN()), "22008: timestamp cannot be NaN"},
		{epoch(1284352323.123456), "2010-09-13 04:32:03.123456+00"},
		{answerOf(types.AppendInterval, iv, err), "1 year 2 mons 25 days 05:06:07.5"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %s, want %s", c[0], c[1])
		}
	}
}

// names is a catalog of one relation.
type names struct{}

func (names) NameOf(k types.Kind, oid uint32) (string, bool) {
	return "orders", k == types.Regclass && oid == 16384
}

func (names) OIDOf(k types.Kind, name string) (uint32, bool) {
	return 16384, k == types.Regclass && name == "orders"
}

func TestRegTypes(t *testing.T) {
	env := &types.Env{Names: names{}}
	for _, c := range []struct {
		k        types.Kind
		in, want string
	}{
		{types.Regclass, "orders", "orders"}, {types.Regclass, "16384", "orders"},
		{types.Regclass, "17", "17"}, {types.Regclass, "-", "-"},
		{types.Regclass, "x", "42P01: relation \"x\" does not exist"},
		{types.Regtype, "int4", "integer"}, {types.Regtype, "1043", "character varying"},
		{types.Regtype, "char", "character"}, {types.Regtype, "1009", "text[]"},
		{types.Regtype, "nope", "42704: type \"nope\" does not exist"},
		{types.Regnamespace, "x", "3F000: schema \"x\" does not exist"},
	} {
		ty := types.Of(c.k)
		d, err := types.ParseText(env, ty, c.in)
		got := types.TextOf(env, ty, d)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %q: %s, want %s", c.k, c.in, got, c.want)
		}
	}
}

func TestBinaryErrors(t *testing.T) {
	for _, c := range []struct {
		k    types.Kind
		b    []byte
		code sqlerr.Code
	}{
		{types.Int4, []byte{1, 2, 3, 4, 5}, sqlerr.InvalidBinaryRepresentation},
		{types.Int4, []byte{1, 2}, sqlerr.ProtocolViolation},
		{types.Date, []byte{0x7f, 0xff, 0xff, 0xfe}, sqlerr.DatetimeFieldOverflow},
		{types.JSONB, []byte{2, '1'}, sqlerr.InvalidBinaryRepresentation},
		{types.Numeric, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10}, sqlerr.InvalidBinaryRepresentation},
		{types.Text, []byte{0xff}, sqlerr.CharacterNotInRepertoire},
		{types.UUID, make([]byte, 15), sqlerr.ProtocolViolation},
	} {
		if _, err := types.ParseBinary(nil, types.Of(c.k), c.b); !sqlerr.Is(err, c.code) {
			t.Errorf("%s %x: %v, want %s", c.k, c.b, err, c.code)
		}
	}
}

func TestValidText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", ""}, {"häß日😀", ""},
		{"a\xffb", "22021: invalid byte sequence for encoding \"UTF8\": 0xff"},
		{"\xc3", "22021: invalid byte sequence for encoding \"UTF8\": 0xc3"},
		{"\xe3\x81x", "22021: invalid byte sequence for encoding \"UTF8\": 0xe3 0x81 0x78"},
		{"a\x00b", "22021: invalid byte sequence for encoding \"UTF8\": 0x00"},
	} {
		err := types.ValidText(c.in)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestZones(t *testing.T) {
	at := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC).UnixMicro()
	for _, c := range []struct {
		name string
		east int // hours
	}{
		{"europe/berlin", 2}, {"EST5EDT", -4}, {"UTC+3", -3}, {"<+03>-3", 3}, {"PST", -8}, {"cest", 2},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 2}, {"AAA10BBB9,J60,J300", -9}, {"msk", 3},
	} {
		loc, err := types.ZoneByName(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := (types.AtZone(loc, at) - at) / 3_600_000_000; got != int64(c.east) {
			t.Errorf("%s: %d hours east, want %d", c.name, got, c.east)
		}
	}
	var e *sqlerr.Error
	if _, err := types.ZoneByName("Mars/Phobos"); !errors.As(err, &e) ||
		e.Message != "time zone \"Mars/Phobos\" not recognized" {
		t.Errorf("Mars/Phobos: %v", err)
	}
	if n := len(types.ZoneNames()); n < 500 {
		t.Errorf("%d zones", n)
	}
}

// TestZoneNames loads every zone that is listed.
func TestZoneNames(t *testing.T) {
	for _, name := range types.ZoneNames() {
		if _, err := types.LoadZone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJSONValues(t *testing.T) {
	_, dict, row := ksqlTypes()
	for _, c := range []struct {
		ty            types.Type
		in, json, jsb string
	}{
		{types.Of(types.Float8), "NaN", `"NaN"`, `"NaN"`},
		{types.Of(types.Float8), "1e20", `1e+20`, `100000000000000000000`},
		{types.Of(types.Bool), "t", "true", "true"},
		{types.Of(types.Timestamptz), "2024-01-02 03:04:05", `"2024-01-02T03:04:05+00:00"`,
			`"2024-01-02T03:04:05+00:00"`},
		{types.Of(types.Date), "infinity", `"infinity"`, `"infinity"`},
		{types.Of(types.Bytea), "\\x00ff", `"\\x00ff"`, `"\\x00ff"`},
		{types.ArrayOf(types.Of(types.Int4)), "{{1,2},{3,NULL}}", "[[1,2],[3,null]]",
			"[[1, 2], [3, null]]"},
		{dict, `{"bb":1,"a":2}`, `{"a":2,"bb":1}`, `{"a": 2, "bb": 1}`},
		{row, `{"name":"a\"b"}`, `{"name":"a\"b","amount":null,"tags":null,"m":null,"at":null}`,
			`{"m": null, "at": null, "name": "a\"b", "tags": null, "amount": null}`},
	} {
		d, err := types.ParseText(nil, c.ty, c.in)
		if err != nil {
			t.Errorf("%s %s: %v", c.ty, c.in, err)
			continue
		}
		if got := string(types.AppendJSON(nil, nil, c.ty, d)); got != c.json {
			t.Errorf("to_json(%s %s): %s, want %s", c.ty, c.in, got, c.json)
		}
		if got := string(types.AppendJSONB(nil, nil, c.ty, d)); got != c.jsb {
			t.Errorf("to_jsonb(%s %s): %s, want %s", c.ty, c.in, got, c.jsb)
		}
	}
}

func TestArrayReader(t *testing.T) {
	elem := types.Of(types.Text)
	d, err := types.ParseText(nil, types.ArrayOf(elem), "[2:3][0:1]={{a,NULL},{ccc,d}}")
	if err != nil {
		t.Fatal(err)
	}
	r := types.OpenArrayDatum(elem, d)
	if r.Len() != 4 || r.NDims() != 2 || r.Dim(0) != (types.Dim{Len: 2, Lower: 2}) || !r.HasNulls() {
		t.Errorf("head: %d %d %v", r.Len(), r.NDims(), r.Dims())
	}
	if i := r.Index(3, 0); i != 2 || r.Bytes(i) != "ccc" {
		t.Errorf("element [3][0] is %d", i)
	}
	if !r.IsNull(r.Index(2, 1)) {
		t.Error("element [2][1] is not NULL")
	}
	if r.Index(1, 0) != -1 || r.Index(2) != -1 || r.Index(4, 0) != -1 {
		t.Error("an element out of range was found")
	}
}
