package state

import (
	"bytes"
	"encoding/hex"
	"math/rand"
	"os"
	"testing"
)

// TestFormatIsReadable reads a block that was written when the format was fixed.
func TestFormatIsReadable(t *testing.T) {
	text, err := os.ReadFile("../../testdata/exec/op/block.hex")
	if err != nil {
		t.Fatal(err)
	}
	block, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	rest, records, err := readBlock(block, nil)
	if err != nil || len(rest) != 0 {
		t.Fatalf("rest %d, error %v", len(rest), err)
	}
	r := &Reader{buf: records}
	var got []string
	for r.Next() {
		s := string(r.Key) + "=" + string(r.Value)
		if r.Deleted {
			s = "-" + string(r.Key)
		}
		got = append(got, s)
	}
	if r.Err() != nil || len(got) != 3 || got[0] != "key=value" || got[1] != "-gone" ||
		got[2] != "empty=" {
		t.Errorf("records %q, error %v", got, r.Err())
	}
}

func TestDamagedBlocksAreRefused(t *testing.T) {
	var w Writer
	w.Put(1, []byte("key"), bytes.Repeat([]byte("value"), 100))
	block := appendBlock(nil, w.buf)
	rnd := rand.New(rand.NewSource(1))
	for range 2000 {
		b := bytes.Clone(block)
		b[rnd.Intn(len(b))] ^= byte(1 + rnd.Intn(255))
		if _, _, err := readBlock(b, nil); err == nil {
			t.Fatalf("damage was not noticed: % x", b)
		}
	}
	for n := range len(block) {
		if _, _, err := readBlock(block[:n], nil); err == nil {
			t.Fatalf("a block cut at %d was accepted", n)
		}
	}
}

// TestStrangeRecordsDoNotPanic feeds the record decoder with noise.
func TestStrangeRecordsDoNotPanic(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for range 20000 {
		b := make([]byte, rnd.Intn(40))
		rnd.Read(b)
		if len(b) > 0 {
			b[0] = byte(rnd.Intn(4))
		}
		r := &Reader{buf: b}
		for r.Next() {
			if len(r.Key)+len(r.Value) > len(b) {
				t.Fatalf("record is larger than % x", b)
			}
		}
	}
}
