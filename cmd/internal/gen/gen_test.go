package gen

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"hash/fnv"
	"testing"
)

// TestNexmarkMix counts the kinds and the hot keys over 100,000 events.
func TestNexmarkMix(t *testing.T) {
	g := NewNexmark(1, 1000)
	var kinds [3]int
	var hot, bids int
	var buf []byte
	for n := range int64(100_000) {
		kinds[g.Kind(n)]++
		if g.Kind(n) != Bid {
			continue
		}
		buf = g.Append(buf[:0], n, CSV)
		auction, _, _ := bytes.Cut(buf, []byte(","))
		bids++
		if bytes.HasSuffix(auction, []byte("00")) {
			hot++
		}
	}
	if want := [3]int{2000, 6000, 92_000}; kinds != want {
		t.Errorf("persons, auctions, bids: %v, want %v", kinds, want)
	}
	if share := float64(hot) / float64(bids); share < 0.49 || share > 0.52 {
		t.Errorf("share of bids for hot auctions %.3f, want about 0.5", share)
	}
}

// TestEventsAreFunctionsOfTheirNumber makes events out of order and by two
// generators.
func TestEventsAreFunctionsOfTheirNumber(t *testing.T) {
	a, b := NewNexmark(7, 1000), NewNexmark(7, 1000)
	const count = 5000
	forward := make([]string, count)
	for n := range int64(count) {
		forward[n] = string(a.Append(nil, n, CSV))
	}
	for n := int64(count - 1); n >= 0; n-- {
		if got := string(b.Append(nil, n, CSV)); got != forward[n] {
			t.Fatalf("event %d made backwards:\n%s\nforwards:\n%s", n, got, forward[n])
		}
	}
	other := NewNexmark(8, 1000)
	if string(other.Append(nil, 4, CSV)) == forward[4] {
		t.Error("another seed gave the same bid")
	}
}

// TestStable pins the output: data made by an older version must be the same.
func TestStable(t *testing.T) {
	h := fnv.New64a()
	g, bank := NewNexmark(1, 1000), &Bank{Seed: 1, Accounts: 10, Rate: 100}
	for n := range int64(10_000) {
		h.Write(g.Append(nil, n, CSV))
		h.Write(bank.Append(nil, n, JSON))
	}
	if got, want := h.Sum64(), uint64(0x613160580847bea5); got != want {
		t.Errorf("checksum %#x, want %#x", got, want)
	}
}

// TestFormats reads every row of both formats with the standard library.
func TestFormats(t *testing.T) {
	g := NewNexmark(3, 1000)
	for n := range int64(2000) {
		table := NexmarkTables[g.Kind(n)]
		fields, err := csv.NewReader(bytes.NewReader(g.Append(nil, n, CSV))).Read()
		if err != nil || len(fields) != len(table.Columns) {
			t.Fatalf("event %d: %d fields of %d, %v", n, len(fields), len(table.Columns), err)
		}
		var object map[string]any
		if err := json.Unmarshal(g.Append(nil, n, JSON), &object); err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
		for _, c := range table.Columns {
			if _, ok := object[c]; !ok {
				t.Fatalf("event %d has no %s", n, c)
			}
		}
	}
}

func BenchmarkBid(b *testing.B) {
	g := NewNexmark(1, 1000)
	var buf []byte
	b.ReportAllocs()
	for i := range b.N {
		buf = g.Append(buf[:0], int64(i)/46*50+4+int64(i)%46, CSV)
	}
	b.SetBytes(int64(len(buf)))
}
