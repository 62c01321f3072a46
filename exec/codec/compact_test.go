package codec

import (
	"fmt"
	"testing"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

func TestFilterAndFingerprints(t *testing.T) {
	const n = 3000
	id := batch.NewVector(types.Of(types.Int8), n)
	name := batch.NewVector(types.Of(types.Text), n)
	h := Header{Ops: make([]byte, n)}
	for i := range n {
		id.AppendInt(int64(i % 700))
		if i%11 == 0 {
			name.AppendNull()
		} else {
			name.AppendBytes(fmt.Appendf(nil, "name %d", i%5))
		}
		if i%13 == 0 {
			h.Ops[i] = byte(OpDelete)
		}
	}
	b := NewBlock(log.PartitionID{Stream: 1}, 1, h, []*batch.Vector{id, name}, n)
	b.MinTime, b.MaxTime = 77, 77
	m := Merger{Key: func(log.StreamID, uint32) ([]int, []types.Type) {
		return []int{0}, []types.Type{types.Of(types.Int8)}
	}}
	keys, deletes, err := m.Fingerprints(b)
	if err != nil {
		t.Fatal(err)
	}
	keep := make([]bool, n)
	for i := range n {
		if deletes[i] != (i%13 == 0) || keys[i] != keys[i%700] || (i > 0 && i < 700 && keys[i] == keys[i-1]) {
			t.Fatalf("row %d: key %x, delete %v", i, keys[i], deletes[i])
		}
		keep[i] = i%3 == 1
	}
	sections, stats, err := m.Filter(b, keep)
	if err != nil {
		t.Fatal(err)
	}
	head, err := DecodeHeader(sections[0])
	if err != nil {
		t.Fatal(err)
	}
	var ids, names batch.Vector
	ids.Type, names.Type = types.Of(types.Int8), types.Of(types.Text)
	if err := Decode(sections[1], &ids); err != nil {
		t.Fatal(err)
	}
	if err := Decode(sections[2], &names); err != nil {
		t.Fatal(err)
	}
	row := 0
	for i := range n {
		if !keep[i] {
			continue
		}
		if head.Time[row] != 77 || head.Ops[row] != h.Ops[i] || ids.I64[row] != int64(i%700) ||
			names.IsNull(row) != (i%11 == 0) ||
			(!names.IsNull(row) && string(names.Bytes(row)) != fmt.Sprintf("name %d", i%5)) {
			t.Fatalf("row %d differs", i)
		}
		row++
	}
	if row != ids.Len() || stats[1].Min == nil || stats[2].Nulls == 0 {
		t.Fatalf("%d rows of %d, stats %+v", ids.Len(), row, stats)
	}
}
