package replica

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// BenchmarkPropose commits blocks of 100-byte rows, durably on the disk of the
// temporary directory, from one and from many writers.
func BenchmarkPropose(b *testing.B) {
	for _, rows := range []int{1, 1000} {
		for _, writers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("rows=%d/writers=%d", rows, writers), func(b *testing.B) {
				benchPropose(b, rows, writers)
			})
		}
	}
}

func benchPropose(b *testing.B, rows, writers int) {
	cfg := testConfig(vfs.Default)
	cfg.Dir, cfg.WALSegmentBytes = b.TempDir()+"/node", 0
	r, _ := openTest(b, cfg)
	command(b, r, "create 7 6")
	section := []byte(strings.Repeat("x", 100*rows))
	var left atomic.Int64
	left.Store(int64(b.N))
	stop := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				checkpoint(b, r)
			case <-stop:
				return
			}
		}
	})
	b.SetBytes(int64(100 * rows))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				x := &log.Txn{Blocks: []*log.Block{{
					Partition: log.PartitionID{Stream: 7, Part: uint32(w % 6)}, Rows: rows,
					Flags: log.ClockTime, Sections: [][]byte{section[:rows], section},
				}}}
				if _, err := r.Propose(context.Background(), x); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
	close(stop)
	background.Wait()
}
