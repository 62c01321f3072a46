package segment

import (
	"bytes"
	"testing"

	"github.com/millracedb/millrace/log"
)

// FuzzDecodeMeta: no bytes make the decoder of block headers panic, and what it
// accepts it encodes again.
func FuzzDecodeMeta(f *testing.F) {
	m := &blockMeta{Block: log.Block{Rows: 3, Base: 7, MinTime: 1, MaxTime: 2, Epoch: 4, LastEpoch: 5},
		sections: []sectionMeta{{stored: 8, raw: 8, stats: log.SectionStats{Min: []byte("a"),
			Max: []byte{}, Nulls: 1}}, {}}}
	f.Add(appendMeta(nil, m))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, rest, err := decodeMeta(b)
		if err != nil {
			return
		}
		again, tail, err := decodeMeta(appendMeta(nil, m))
		if err != nil || len(tail) != 0 {
			t.Fatalf("second decode: %v, %d bytes left of %d", err, len(tail), len(rest))
		}
		if !bytes.Equal(appendMeta(nil, m), appendMeta(nil, again)) {
			t.Fatal("encoding is not stable")
		}
	})
}

func FuzzRunsAndOffsets(f *testing.F) {
	f.Add(appendRuns(nil, 3, []log.EpochRun{{Epoch: 3, Rows: 2}, {Epoch: 9, Rows: 1}}), 3)
	f.Fuzz(func(t *testing.T, b []byte, rows int) {
		if rows < 0 || rows > log.MaxBlockRows {
			return
		}
		if runs, err := decodeRuns(b, 3, rows); err == nil {
			sum := 0
			for _, r := range runs {
				sum += r.Rows
			}
			if sum != rows {
				t.Fatalf("%d rows of %d", sum, rows)
			}
		}
		if o, err := decodeOffsets(b, 3, rows); err == nil && len(o) != rows {
			t.Fatalf("%d offsets of %d", len(o), rows)
		}
	})
}
