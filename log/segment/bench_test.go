package segment

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// benchSet holds a partition of blocks of 1000 rows of 100 bytes in columns of 8
// bytes and one of 60, as an application's rows are: half repetitive.
func benchSet(b *testing.B, blocks int) *Set {
	b.Helper()
	s, err := Open(Options{FS: vfs.Default, Dir: b.TempDir() + "/segments", Merger: joinMerger{}})
	if err != nil {
		b.Fatal(err)
	}
	s.Create(log.StreamSpec{Stream: 1, Partitions: 1}, 1)
	benchFill(b, s, 2, blocks)
	return s
}

func benchFill(b *testing.B, s *Set, epoch log.Epoch, blocks int) {
	b.Helper()
	const rows = 1000
	x := uint64(epoch)
	for i := range blocks {
		blk := &log.Block{Partition: log.PartitionID{Stream: 1}, Rows: rows, Sections: make([][]byte, 6)}
		for c := range 5 {
			col := make([]byte, 0, 8*rows)
			for r := range rows {
				x = x*6364136223846793005 + 1442695040888963407
				col = binary.LittleEndian.AppendUint64(col, uint64(r)+x>>(44+4*c))
			}
			blk.Sections[c] = col
		}
		text := make([]byte, 0, 60*rows)
		for r := range rows {
			text = append(text, "https://example.org/path/of/the/page/"...)
			x = x*6364136223846793005 + 1442695040888963407
			text = binary.LittleEndian.AppendUint64(text, x)
			text = append(text, "GET 200 mozilla"[:15-r%3]...)
		}
		blk.Sections[5] = text
		if err := s.Append(blk, epoch+log.Epoch(i), 0); err != nil {
			b.Fatal(err)
		}
	}
}

// joinMerger joins sections end to end.
type joinMerger struct{}

func (joinMerger) Merge(blocks []*log.Block) ([][]byte, []log.SectionStats, error) {
	out := make([][]byte, len(blocks[0].Sections))
	for i := range out {
		for _, b := range blocks {
			out[i] = append(out[i], b.Sections[i]...)
		}
	}
	return out, nil, nil
}

func (joinMerger) Keys(*log.Block) ([]uint64, []bool, error) { return nil, nil, nil }

const benchBlocks = 500 // 500,000 rows, 50 MB

func BenchmarkSeal(b *testing.B) {
	b.SetBytes(benchBlocks * 100_000)
	for b.Loop() {
		b.StopTimer()
		s := benchSet(b, benchBlocks)
		b.StartTimer()
		m, err := s.Seal(context.Background(), 2+benchBlocks)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Files()[0].Size)/(benchBlocks*1000), "stored-B/row")
	}
	b.ReportMetric(float64(benchBlocks*1000*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name    string
		sealed  bool
		columns []int
	}{{"tail", false, nil}, {"sealed", true, nil}, {"sealed-2-of-6-columns", true, []int{0, 1}}} {
		b.Run(c.name, func(b *testing.B) {
			s := benchSet(b, benchBlocks)
			if c.sealed {
				if _, err := s.Seal(context.Background(), 2+benchBlocks); err != nil {
					b.Fatal(err)
				}
			}
			rows := 0
			b.SetBytes(benchBlocks * 100_000)
			b.ResetTimer()
			for b.Loop() {
				err := s.Read(context.Background(), log.PartitionID{Stream: 1}, 0, benchBlocks*1000,
					c.columns, func(x *log.Block) error { rows += x.Rows; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	s := benchSet(b, 1)
	blk := log.Block{Partition: log.PartitionID{Stream: 1}, Rows: 1, Sections: make([][]byte, 6)}
	b.ReportAllocs()
	for b.Loop() {
		x := blk
		if err := s.Append(&x, 5, 0); err != nil {
			b.Fatal(err)
		}
	}
}
