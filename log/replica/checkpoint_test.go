package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

func checkpoint(t testing.TB, r *Replica) {
	t.Helper()
	if err := r.Checkpoint(context.Background(), 0, 0, nil); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointAndRestart(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	cfg.SealBytes = 1 << 10
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 2")
	for i := range 100 {
		propose(t, r, rows(7, uint32(i%2), fmt.Sprintf("%04d", i)))
	}
	checkpoint(t, r)
	if st := r.Status(); st.FirstIndex < 100 || st.CheckpointEpoch != 101 {
		t.Fatalf("the log was not recycled: %+v", st)
	}
	propose(t, r, rows(7, 0, "last"))
	before := r.Status()
	want := strings.Join(readAll(t, r, 7, 0), " ")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r, m := openTest(t, cfg)
	res := propose(t, r, rows(7, 1, "more"))
	if res.Epoch != 103 || m.restored != 101 || len(m.epochs) != 3 || m.streams[7] != 2 {
		t.Fatalf("restored at %d, then epochs %v", m.restored, m.epochs)
	}
	if got := strings.Join(readAll(t, r, 7, 0), " "); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if sum, ok := r.EpochChecksum(before.Epoch); !ok || sum != before.Checksum {
		t.Fatalf("checksum %x, %v; want %x", sum, ok, before.Checksum)
	}
	checkpoint(t, r)
	checkpoint(t, r)
}

// A checkpoint at an older epoch than the newest has the state of that epoch.
func TestCheckpointOfAnOlderEpoch(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	r, m := openTest(t, cfg)
	inputs := map[log.Epoch]uint64{}
	m.onEpoch = func(in *log.EpochInput) { inputs[in.Epoch] = in.RaftIndex }
	command(t, r, "create 7 1")
	propose(t, r, rows(7, 0, "a"))
	state := m.Snapshot()
	at, _ := r.Applied()
	x := rows(7, 0, "b")
	x.Writes = []log.Key{{Stream: 7, Hash: 5}}
	propose(t, r, x)
	command(t, r, "create 8 1")
	command(t, r, "truncate 7")
	last := r.Status()
	ctx := context.Background()
	if err := r.Checkpoint(ctx, at, inputs[at]+1, state); !errors.Is(err, ErrCheckpointTooOld) {
		t.Fatalf("wrong index: %v", err)
	}
	if err := r.Checkpoint(ctx, at, inputs[at], state); err != nil {
		t.Fatal(err)
	}
	if err := r.Checkpoint(ctx, at-1, 0, state); !errors.Is(err, ErrCheckpointTooOld) {
		t.Fatalf("an epoch before the checkpoint: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r, m = openTest(t, cfg)
	command(t, r, "create 9 1")
	if m.restored != at || len(m.epochs) != 5 {
		t.Fatalf("restored at %d, epochs %v", m.restored, m.epochs)
	}
	if sum, ok := r.EpochChecksum(last.Epoch); !ok || sum != last.Checksum {
		t.Fatalf("checksum %x, %v; want %x", sum, ok, last.Checksum)
	}
	if got := readAll(t, r, 7, 0); len(got) != 0 {
		t.Fatalf("a truncated stream has %v", got)
	}
	y := rows(7, 0, "c")
	y.ReadEpoch, y.Reads = at, []log.Key{{Stream: 7, Hash: 5}}
	if _, err := r.Propose(ctx, y); !errors.Is(err, log.ErrConflict) {
		t.Fatalf("got %v", err)
	}
}

func TestRetention(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	clock := cfg.Clock.(*stepClock)
	cfg.SealBytes, cfg.FileBytes = 1<<10, 1<<10
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 1")
	r.set.Alter(log.StreamSpec{Stream: 7, Partitions: 1, RetentionMicros: 1e6}, 1)
	for range 5 {
		for range 20 {
			propose(t, r, rows(7, 0, noise(100), noise(100)))
		}
		checkpoint(t, r)
		clock.now.Add(400_000)
	}
	if err := r.Retain(context.Background()); err != nil {
		t.Fatal(err)
	}
	id := log.PartitionID{Stream: 7}
	begin, end, err := r.set.Bounds(id, ^log.Epoch(0))
	if err != nil || begin != 120 || end != 200 {
		t.Fatalf("rows %d to %d, %v", begin, end, err)
	}
	checkpoint(t, r)
	if st, err := r.set.Stats(id); err != nil || st.Segments != 2 || st.SealedRows != 80 {
		t.Fatalf("stats %+v, %v", st, err)
	}
	if n := len(readAll(t, r, 7, 0)); n != 80 {
		t.Fatalf("%d rows", n)
	}
}

func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

// Power cuts at random places of the file system's history: what was acknowledged
// is there after the restart, once.
func TestPowerCuts(t *testing.T) {
	const runs = 60
	first := rand.Int64N(1 << 40)
	for seed := first; seed < first+runs; seed++ {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { powerCut(t, seed) }) {
			return
		}
	}
}

func powerCut(t *testing.T, seed int64) {
	rnd := rand.New(rand.NewPCG(uint64(seed), 0))
	fs := vfs.NewCrashableMem()
	acked := 0
	for life := range 4 {
		cfg := testConfig(fs)
		cfg.WALSegmentBytes, cfg.SealBytes, cfg.FileBytes = 64<<10, 512, 8<<10
		r, _ := openTest(t, cfg)
		if life == 0 {
			command(t, r, "create 7 1")
		} else if got := readAll(t, r, 7, 0); len(got) != acked {
			t.Fatalf("seed %d, life %d: %d rows, %d acknowledged", seed, life, len(got), acked)
		}
		for range 1 + rnd.IntN(60) {
			switch rnd.IntN(12) {
			case 0:
				checkpoint(t, r)
			default:
				propose(t, r, rows(7, 0, fmt.Sprintf("%05d", acked)))
				acked++
			}
		}
		busy := make(chan struct{})
		if rnd.IntN(2) == 0 {
			go func() { defer close(busy); _ = r.Checkpoint(context.Background(), 0, 0, nil) }()
		} else {
			close(busy)
		}
		next := fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: rnd.IntN(3) * 50, RNG: rand.New(rand.NewPCG(uint64(seed), 0)),
		})
		<-busy
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		fs = next
	}
}
