package wal

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// BenchmarkAppend is one durable StoreLogs at a time on the real disk, on pre-written segments.
// TMPDIR chooses the disk.
func BenchmarkAppend(b *testing.B) {
	for _, opener := range []struct {
		name string
		o    Opener
	}{{"dsync", DSync{}}, {"fdatasync", Plain{}}} {
		for _, size := range []int{4 << 10, 64 << 10, 256 << 10} {
			b.Run(fmt.Sprintf("%s/%dKiB", opener.name, size>>10), func(b *testing.B) {
				benchAppend(b, opener.o, size)
			})
		}
	}
}

func benchAppend(b *testing.B, o Opener, size int) {
	s, err := Open(Options{FS: vfs.Default, Dir: b.TempDir() + "/log", Opener: o, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for s.Stats().Spares < DefaultSpares { // the files are being pre-written
		time.Sleep(time.Millisecond)
	}
	data := make([]byte, size)
	took := make([]time.Duration, 0, b.N)
	b.SetBytes(int64(size))
	b.ResetTimer()
	for i := range uint64(b.N) {
		start := time.Now()
		l := &raft.Log{Index: i + 1, Term: 1, Data: data}
		if err := s.StoreLog(l); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		if i%64 == 63 && i > 256 {
			if err := s.DeleteRange(1, i-128); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	st := s.Stats()
	b.ReportMetric(float64(st.Growing), "growing")
}
