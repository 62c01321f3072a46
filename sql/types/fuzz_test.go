package types_test

import (
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

// fuzzTypes are the types that every fuzz input is read as.
func fuzzTypes(t testing.TB) []types.Type {
	var ts []types.Type
	for _, name := range []string{"boolean", "\"char\"", "smallint", "integer", "bigint", "oid",
		"real", "double precision", "numeric", "numeric(10,3)", "text", "varchar(5)", "char(5)",
		"name", "bytea", "date", "time", "timetz", "timestamp", "timestamp(2)", "timestamptz",
		"interval", "interval day to minute", "uuid", "json", "jsonb", "integer[]", "text[]",
		"timestamptz[]", "numeric[]", "jsonb[]", "oidvector"} {
		ty, err := types.ByName(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, ty)
	}
	text, num := types.Of(types.Text), types.Of(types.Numeric)
	ts = append(ts, types.ArrayOf(types.ArrayOf(text)), types.MapOf(text, num),
		types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "b", Type: text},
			{Name: "a", Type: types.ArrayOf(num)}, {Name: "cc", Type: types.MapOf(text, text)}}},
		types.Type{Kind: types.Record, Fields: []types.Field{{Name: "f1", Type: text},
			{Name: "f2", Type: num}}})
	return ts
}

// FuzzText reads arbitrary text as every type: it must not panic, and what was
// read must come back the same through text, binary and keys.
func FuzzText(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", "t", "2020-01-02 03:04:05.678+02", "1 year 2 days",
		"{1,2,NULL}", "{\"a\": [1, {\"b\": null}]}", "\\x00ff", "infinity", "NaN", "(a,1)", "[0:1]={1,2}",
		"{{a},{b,c}}", "Jan 8 1999 BC", "P1Y2M3DT4H", "\"\\ud83d\\ude00\"", "1 2 3",
		"{\"b\":\"x\",\"a\":[1.50],\"cc\":{\"k\":\"v\"}}", "y2001m02d04", "J2451187.5", "EST5EDT"} {
		f.Add(s)
	}
	ts := fuzzTypes(f)
	f.Fuzz(func(t *testing.T, s string) {
		if types.ValidText(s) != nil {
			return
		}
		for _, ty := range ts {
			checkRoundTrip(t, ty, s)
		}
	})
}

func checkRoundTrip(t *testing.T, ty types.Type, s string) {
	t.Helper()
	d, err := types.ParseText(nil, ty, s)
	if err != nil || d.Null {
		return
	}
	if ty.Kind == types.Timetz {
		// POSIX zones may be further from UTC than a displacement is read.
		if w := d.Timetz().West; w < -15*3600 || w > 15*3600 {
			return
		}
	}
	text := string(types.AppendText(nil, nil, ty, d))
	back, err := types.ParseText(nil, ty, text)
	if err != nil {
		t.Fatalf("%s: %q gave %q, which is refused: %v", ty, s, text, err)
	}
	if again := string(types.AppendText(nil, nil, ty, back)); again != text {
		t.Fatalf("%s: %q gave %q, then %q", ty, s, text, again)
	}
	if ty.Kind != types.JSON && types.Compare(ty, d, back) != 0 {
		t.Fatalf("%s: %q differs from its text %q", ty, s, text)
	}
	b, err := types.AppendBinary(nil, nil, ty, d)
	if err != nil {
		return // a ragged array
	}
	bin, err := types.ParseBinary(nil, ty, b)
	if err != nil {
		t.Fatalf("%s: %q: binary form %x is refused: %v", ty, s, b, err)
	}
	if again := string(types.AppendText(nil, nil, ty, bin)); again != text {
		t.Fatalf("%s: %q came as %q through binary", ty, s, again)
	}
	k1, k2 := types.AppendKey(nil, ty, d), types.AppendKey(nil, ty, back)
	if string(k1) != string(k2) {
		t.Fatalf("%s: %q has keys %x and %x", ty, s, k1, k2)
	}
}

// FuzzBinary reads arbitrary bytes in the binary format: it must not panic.
func FuzzBinary(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'a'})
	f.Add([]byte{0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x0f, 0xa0})
	f.Add([]byte("\x01{\"a\": 1}"))
	ts := fuzzTypes(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, ty := range ts {
			d, err := types.ParseBinary(nil, ty, b)
			if err == nil && !d.Null {
				types.AppendText(nil, nil, ty, d)
				types.AppendOrderedKey(nil, ty, d)
			}
		}
	})
}

// FuzzCompare checks that Compare and both keys agree on arbitrary pairs.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1")
	f.Add("{1,2}", "{1}")
	f.Add("[1, \"a\"]", "{\"a\": 1}")
	f.Add("1 mon", "30 days")
	ts := fuzzTypes(f)
	f.Fuzz(func(t *testing.T, x, y string) {
		for _, ty := range ts {
			if !types.Comparable(ty) {
				continue
			}
			a, err1 := types.ParseText(nil, ty, x)
			b, err2 := types.ParseText(nil, ty, y)
			if err1 != nil || err2 != nil {
				continue
			}
			checkOrder(t, ty, a, b)
		}
	})
}

func checkOrder(t *testing.T, ty types.Type, a, b types.Datum) {
	t.Helper()
	c := sign(types.Compare(ty, a, b))
	ka, kb := types.AppendOrderedKey(nil, ty, a), types.AppendOrderedKey(nil, ty, b)
	k := 0
	switch {
	case string(ka) < string(kb):
		k = -1
	case string(ka) > string(kb):
		k = 1
	}
	text := func(d types.Datum) string { return string(types.AppendText(nil, nil, ty, d)) }
	if a.Null || b.Null {
		return
	}
	if k != c {
		t.Fatalf("%s: %q, %q: values compare %d, ordered keys %d", ty, text(a), text(b), c, k)
	}
	ea, eb := types.AppendKey(nil, ty, a), types.AppendKey(nil, ty, b)
	if (string(ea) == string(eb)) != (c == 0) {
		t.Fatalf("%s: %q, %q: values compare %d, keys %x, %x", ty, text(a), text(b), c, ea, eb)
	}
}
