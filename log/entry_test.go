package log

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the files in testdata")

func sampleTxns() []*Txn {
	p := PartitionID{Stream: 7, Part: 1}
	return []*Txn{
		{Blocks: []*Block{{Partition: p, Schema: 3, Flags: ClockTime, Rows: 2,
			Sections: [][]byte{[]byte("head"), []byte("column-one"), {}}}}},
		{ReadEpoch: 41, Reads: []Key{{7, 100}, {8, 200}}, Writes: []Key{{7, 100}},
			Command: []byte("create"), Clock: true,
			Trims: []Trim{{Partition: p, Begin: 12}},
			Blocks: []*Block{
				{Partition: PartitionID{Stream: 8}, Rows: 1, MinTime: -5, MaxTime: 6,
					Sections: [][]byte{[]byte("x")}},
				{Partition: p, Rows: MaxBlockRows, MinTime: 1, MaxTime: 2},
			}},
		{},
	}
}

func TestEntryRoundTrip(t *testing.T) {
	txns := sampleTxns()
	buf := AppendEntry(nil, 123456789, txns)
	size := EntryHeaderBytes
	for _, x := range txns {
		size += TxnBytes(x)
	}
	if size != len(buf) {
		t.Fatalf("TxnBytes sums to %d, the entry has %d", size, len(buf))
	}
	e, err := DecodeEntry(buf)
	if err != nil {
		t.Fatal(err)
	}
	if e.Clock != 123456789 || len(e.Txns) != len(txns) {
		t.Fatalf("got clock %d and %d transactions", e.Clock, len(e.Txns))
	}
	if again := AppendEntry(nil, e.Clock, e.Txns); !bytes.Equal(buf, again) {
		t.Fatal("encoding what was decoded gives other bytes")
	}
	if got := e.Txns[1]; !reflect.DeepEqual(got.Reads, txns[1].Reads) ||
		!reflect.DeepEqual(got.Trims, txns[1].Trims) || string(got.Command) != "create" {
		t.Fatalf("got %+v", got)
	}
	section := e.Txns[0].Blocks[0].Sections[1]
	at := bytes.Index(buf, []byte("column-one"))
	if &section[0] != &buf[at] {
		t.Error("a section was copied")
	}
	if at%8 != 0 {
		t.Errorf("section at %d is not aligned", at)
	}
}

func TestEntryGolden(t *testing.T) {
	const file = "../testdata/log/entry-v1.hex"
	got := hex.Dump(AppendEntry(nil, 1700000000000000, sampleTxns()))
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Fatalf("the format changed; a new version is needed\n%s", got)
	}
}

func TestPartRoundTrip(t *testing.T) {
	want := Part{Chain: 5, Number: 3, Closes: true, Total: 99, Data: []byte("tail")}
	got, err := DecodePart(AppendPart(nil, want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := DecodeEntry(AppendPart(nil, want)); !errors.Is(err, ErrBadEntry) {
		t.Fatalf("a part decoded as entry: %v", err)
	}
	if _, err := DecodePart(AppendEntry(nil, 1, nil)); !errors.Is(err, ErrBadEntry) {
		t.Fatalf("an entry decoded as part: %v", err)
	}
	big := AppendPart(nil, Part{Total: MaxChainBytes + 1})
	if _, err := DecodePart(big); err == nil || !strings.Contains(err.Error(), "chain of") {
		t.Fatalf("got %v", err)
	}
}

// Any single changed byte is found by the checksum or the header's checks.
func TestEntryFindsDamage(t *testing.T) {
	buf := AppendEntry(nil, 5, sampleTxns())
	for i := range buf {
		buf[i] ^= 0x10
		if _, err := DecodeEntry(buf); !errors.Is(err, ErrBadEntry) {
			t.Fatalf("byte %d: got %v", i, err)
		}
		buf[i] ^= 0x10
	}
	for n := range buf {
		if _, err := DecodeEntry(buf[:n]); !errors.Is(err, ErrBadEntry) {
			t.Fatalf("cut to %d: got %v", n, err)
		}
	}
}

// Counts that lie, under a right checksum, are refused without a panic.
func TestEntryHostileCounts(t *testing.T) {
	seed := int64(1)
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	good := AppendEntry(nil, 5, sampleTxns())
	for range 20000 {
		buf := bytes.Clone(good)
		for range 1 + r.Intn(3) {
			at := 16 + r.Intn(len(buf)-16)
			buf[at] = byte(r.Intn(256))
		}
		if e, err := DecodeEntry(seal(buf, 0)); err == nil {
			AppendEntry(nil, e.Clock, e.Txns)
		}
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(AppendEntry(nil, 5, sampleTxns()))
	f.Add(AppendPart(nil, Part{Chain: 1, Total: 8, Data: []byte("12345678")}))
	f.Fuzz(func(t *testing.T, buf []byte) {
		if len(buf) >= EntryHeaderBytes {
			seal(buf, 0)
		}
		if e, err := DecodeEntry(buf); err == nil {
			AppendEntry(nil, e.Clock, e.Txns)
		}
		_, _ = DecodePart(buf)
	})
}

func BenchmarkDecodeEntry(b *testing.B) {
	txns := make([]*Txn, 64)
	for i := range txns {
		txns[i] = &Txn{Blocks: []*Block{{Rows: 1, Sections: [][]byte{make([]byte, 16),
			make([]byte, 100)}}}}
	}
	buf := AppendEntry(nil, 1, txns)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEntry(buf); err != nil {
			b.Fatal(err)
		}
	}
}
