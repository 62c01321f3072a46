package transport

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// BenchmarkApply is three nodes in one process over TCP on the loopback, each with its log on the
// real disk, every entry synced on a majority. TMPDIR chooses the disk.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10, 256 << 10} {
		for _, appliers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%dKiB/appliers=%d", size>>10, appliers), func(b *testing.B) {
				benchApply(b, size, appliers)
			})
		}
	}
}

func benchCluster(b *testing.B) []*raftNode {
	var boot raft.Configuration
	var nodes []*raftNode
	var muxes []*Mux
	for _, name := range []string{"a", "b", "c"} {
		n := &raftNode{name: name, fs: vfs.Default, dir: b.TempDir() + "/log"}
		n.conf = func(c *raft.Config) {
			c.HeartbeatTimeout, c.ElectionTimeout = time.Second, time.Second
			c.SnapshotThreshold = 1 << 40
		}
		n.snaps = installing{raft.NewInmemSnapshotStore(), n}
		m, err := Open(Options{Network: TCP{}, Listen: "127.0.0.1:0", NodeID: name, Now: time.Now})
		must(b, err)
		nodes, muxes = append(nodes, n), append(muxes, m)
		boot.Servers = append(boot.Servers, raft.Server{ID: raft.ServerID(name),
			Address: raft.ServerAddress(m.Addr())})
	}
	for i, n := range nodes {
		n.start(b, muxes[i], &boot, 0)
	}
	return nodes
}

// retain drops old entries, so that segments are recycled as they are between checkpoints.
func retain(nodes []*raftNode, stop, done chan struct{}) {
	defer close(done)
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		for _, n := range nodes {
			if at := n.raft.AppliedIndex(); at > 500 {
				if err := n.store.DeleteRange(1, at-500); err != nil {
					return
				}
			}
		}
	}
}

func benchApply(b *testing.B, size, appliers int) {
	nodes := benchCluster(b)
	var leader *raftNode
	for leader == nil {
		for _, n := range nodes {
			if n.raft.State() == raft.Leader {
				leader = n
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	must(b, leader.raft.Barrier(10*time.Second).Error())
	b.SetBytes(int64(size))
	took := make([][]time.Duration, appliers)
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range appliers {
		wg.Go(func() {
			for range (b.N + appliers - 1 - w) / appliers {
				start := time.Now()
				if err := leader.raft.Apply(make([]byte, size), 10*time.Second).Error(); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go retain(nodes, stop, done)
	wg.Wait()
	b.StopTimer()
	close(stop)
	<-done
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	for _, n := range nodes {
		n.stop(b)
	}
}
