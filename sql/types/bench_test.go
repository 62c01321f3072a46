package types_test

import (
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/types"
)

func BenchmarkParseTimestamp(b *testing.B) {
	for b.Loop() {
		if _, err := types.ParseTimestamp(nil, "2024-05-06 07:08:09.123456"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTimestamptzGeneral(b *testing.B) {
	for b.Loop() {
		if _, err := types.ParseTimestamptz(nil, "Wed Dec 17 07:37:16 1997 PST"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendTimestamp(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = types.AppendTimestamp(nil, buf[:0], 1714979289123456)
	}
}

func BenchmarkAppendTimestamptzZone(b *testing.B) {
	loc, err := types.LoadZone("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	env := &types.Env{Zone: loc}
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = types.AppendTimestamptz(env, buf[:0], 1714979289123456)
	}
}

func BenchmarkAppendFloat8(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = types.AppendFloat8(buf[:0], 1234.56789)
	}
}

func BenchmarkParseDecimal(b *testing.B) {
	for b.Loop() {
		if _, err := types.ParseDecimal("12345.67"); err != nil {
			b.Fatal(err)
		}
	}
}

func decimals(b *testing.B, texts ...string) []types.Decimal {
	var ds []types.Decimal
	for _, s := range texts {
		d, err := types.ParseDecimal(s)
		if err != nil {
			b.Fatal(err)
		}
		ds = append(ds, d)
	}
	return ds
}

func benchDecimal(b *testing.B, f func(x, y types.Decimal) (types.Decimal, error)) {
	d := decimals(b, "12345.6789", "987.65")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f(d[0], d[1]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecimalAdd(b *testing.B) { benchDecimal(b, types.Decimal.Add) }
func BenchmarkDecimalMul(b *testing.B) { benchDecimal(b, types.Decimal.Mul) }
func BenchmarkDecimalDiv(b *testing.B) { benchDecimal(b, types.Decimal.Div) }

func BenchmarkDecimalAppend(b *testing.B) {
	d := decimals(b, "12345.6789")[0]
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = d.Append(buf[:0])
	}
}

func BenchmarkDecimalCodec(b *testing.B) {
	d := decimals(b, "12345.6789")[0]
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = types.EncodeNumeric(buf[:0], d)
		types.DecodeNumeric(buf)
	}
}

func BenchmarkNumericKey(b *testing.B) {
	enc := types.EncodeNumeric(nil, decimals(b, "12345.6700")[0])
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = types.NumericKey(buf[:0], enc)
	}
}

const benchJSON = `{"user": {"id": 12345, "name": "someone", "tags": ["a", "b", "c"]}, ` +
	`"amount": 12.50, "at": "2024-05-06T07:08:09Z", "ok": true, "nothing": null}`

func BenchmarkParseJSONB(b *testing.B) {
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	b.SetBytes(int64(len(benchJSON)))
	for b.Loop() {
		var err error
		if buf, err = types.ParseJSONB(buf[:0], benchJSON); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONGet(b *testing.B) {
	doc, err := types.ParseJSONB(nil, benchJSON)
	if err != nil {
		b.Fatal(err)
	}
	s := string(doc)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := types.JSONGet(s, "amount"); !ok {
			b.Fatal("no member")
		}
	}
}

func BenchmarkParseInt(b *testing.B) {
	for b.Loop() {
		if _, err := types.ParseInt(types.Int8, "1234567890"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDateTruncTz(b *testing.B) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := types.DateTruncTz(loc, types.FieldDay, 1714979289123456); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArrayIndex(b *testing.B) {
	elem := types.Of(types.Int4)
	d, err := types.ParseText(nil, types.ArrayOf(elem), "{1,2,3,4,5,6,7,8}")
	if err != nil {
		b.Fatal(err)
	}
	raw := []byte(d.S)
	for b.Loop() {
		r := types.OpenArray(elem, raw)
		if r.Int(5) != 6 {
			b.Fatal("wrong element")
		}
	}
}
