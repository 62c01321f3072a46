package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/transport"
	"github.com/millracedb/millrace/log/transport/memnet"
)

// member is a node of a group over the real transport, on a network in memory.
type member struct {
	*Replica
	mux  *transport.Mux
	name string
}

// startMember starts a node; peers are the members of a new group, nil for a node
// that is added later.
func startMember(t *testing.T, net *memnet.Network, name string, peers []string) *member {
	t.Helper()
	mux, err := transport.Open(transport.Options{
		Network: net.Host(name), Listen: name, NodeID: name, Cluster: "test",
		ControlTimeout: 200 * time.Millisecond, DialTimeout: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(vfs.NewMem())
	cfg.NodeID, cfg.Mux, cfg.SealBytes = name, mux, 1<<10
	cfg.Timing.Heartbeat = 200 * time.Millisecond
	cfg.Limits.AppendEntries, cfg.Limits.Trailing = 4, 16
	for _, p := range peers {
		cfg.Bootstrap = append(cfg.Bootstrap, Peer{ID: p, Addr: p})
	}
	r, err := Open(cfg, newTestMachine())
	if err != nil {
		t.Fatal(err)
	}
	m := &member{r, mux, name}
	t.Cleanup(m.stop)
	return m
}

func (m *member) stop() {
	_ = m.Replica.Close()
	_ = m.mux.Close()
}

func leaderOf(t *testing.T, members []*member) *member {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		for _, m := range members {
			if m.IsLeader() {
				if _, err := m.Barrier(ctx); err == nil {
					return m
				}
			}
		}
		if err := members[0].WaitLeader(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// Three nodes take writes at any of them, lose their leader without losing a row,
// and take in a fourth node, which starts from a checkpoint and its files.
func TestCluster(t *testing.T) {
	net := memnet.New()
	names := []string{"a", "b", "c"}
	var members []*member
	for _, n := range names {
		members = append(members, startMember(t, net, n, names))
	}
	first := leaderOf(t, members)
	command(t, first.Replica, "create 7 1")
	var want []string
	write := func(n int) {
		t.Helper()
		for i := range n {
			row := fmt.Sprintf("%05d", len(want))
			m := members[i%len(members)]
			res := propose(t, m.Replica, rows(7, 0, row))
			if e, _ := m.Applied(); e < res.Epoch {
				t.Fatalf("node %s acknowledged epoch %d at epoch %d", m.name, res.Epoch, e)
			}
			want = append(want, row)
		}
	}
	write(60)
	if _, err := members[1].Propose(context.Background(), rows(99, 0, "x")); !errors.Is(err, log.ErrNoPartition) {
		t.Fatalf("a refusal through another node: %v", err)
	}
	first.stop()
	members = slices.DeleteFunc(members, func(m *member) bool { return m == first })
	second := leaderOf(t, members)
	write(60)
	checkpoint(t, second.Replica)
	write(20)
	added := startMember(t, net, "d", nil)
	if err := second.AddVoter("d", "d"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := added.Barrier(ctx); err != nil {
		t.Fatal(err)
	}
	if st := added.Status(); st.Installs != 1 {
		t.Errorf("the new node installed %d checkpoints", st.Installs)
	}
	members = append(members, added)
	write(20)
	for _, m := range members {
		if _, err := m.Barrier(ctx); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, m.Replica, 7, 0); !slices.Equal(got, want) {
			t.Errorf("node %s has %d rows, want %d", m.name, len(got), len(want))
		}
	}
	if err := second.RemoveServer(first.name); err != nil {
		t.Fatal(err)
	}
	list, err := second.Members()
	if err != nil || len(list) != 3 {
		t.Fatalf("members %+v, %v", list, err)
	}
}

// fullFS tells how much space is free.
type fullFS struct {
	vfs.FS
	free atomic.Uint64
}

func (f *fullFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.free.Load(), TotalBytes: 1 << 40}, nil
}

func TestDiskFull(t *testing.T) {
	fs := &fullFS{FS: vfs.NewMem()}
	fs.free.Store(1 << 30)
	cfg := testConfig(fs)
	cfg.ReserveBytes = 1 << 20
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 1")
	propose(t, r, rows(7, 0, "a"))
	fs.free.Store(100 << 10)
	_, err := r.Propose(context.Background(), rows(7, 0, "b"))
	if !errors.Is(err, log.ErrDiskFull) || !r.IsLeader() {
		t.Fatalf("rows on a full disk: %v, leader %v", err, r.IsLeader())
	}
	if got := readAll(t, r, 7, 0); len(got) != 1 {
		t.Fatalf("rows %v", got)
	}
	fs.free.Store(3 << 20)
	propose(t, r, rows(7, 0, "c"))
}
