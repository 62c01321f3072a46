package system

import (
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

func BenchmarkNewRegistry(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewRegistry()
	}
}

func benchmarkRows(b *testing.B, name string, hints []Hint) {
	g := NewRegistry()
	ctx := sampleContext(b)
	r := g.Lookup("pg_catalog", name)
	p, _ := g.ProviderOf(r.OID)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Rows(ctx, hints, func([]types.Datum) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClassAll(b *testing.B)     { benchmarkRows(b, "pg_class", nil) }
func BenchmarkAttributeAll(b *testing.B) { benchmarkRows(b, "pg_attribute", nil) }
func BenchmarkTypeAll(b *testing.B)      { benchmarkRows(b, "pg_type", nil) }
func BenchmarkAttributeOfOne(b *testing.B) {
	benchmarkRows(b, "pg_attribute", []Hint{{Column: 0, Values: []types.Datum{integer(1259)}}})
}
