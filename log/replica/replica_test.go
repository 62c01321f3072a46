package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

func TestProposeAndRead(t *testing.T) {
	r, m := openTest(t, testConfig(vfs.NewMem()))
	if got := command(t, r, "create 7 2"); got.Epoch != 1 || string(got.Output) != "create at 1" {
		t.Fatalf("got %+v", got)
	}
	a := propose(t, r, rows(7, 0, "a0", "a1"))
	b := propose(t, r, &log.Txn{Blocks: []*log.Block{block(7, 0, "b0"), block(7, 1, "b1")}})
	if a.Epoch != 2 || b.Epoch != 3 || b.Clock <= a.Clock {
		t.Fatalf("got %+v and %+v", a, b)
	}
	if got := strings.Join(readAll(t, r, 7, 0), " "); got != "a0 a1 b0" {
		t.Errorf("partition 0 holds %s", got)
	}
	if got := strings.Join(readAll(t, r, 7, 1), " "); got != "b1" {
		t.Errorf("partition 1 holds %s", got)
	}
	begin, end, err := r.Partitions().Bounds(log.PartitionID{Stream: 7}, 2)
	if err != nil || begin != 0 || end != 2 {
		t.Errorf("bounds at epoch 2: %d to %d, %v", begin, end, err)
	}
	if len(m.epochs) != 3 || m.rows != 4 {
		t.Errorf("the machine saw epochs %v with %d rows", m.epochs, m.rows)
	}
}

func TestRefusals(t *testing.T) {
	r, m := openTest(t, testConfig(vfs.NewMem()))
	command(t, r, "create 7 1")
	ctx := context.Background()
	for _, c := range []struct {
		txn  *log.Txn
		want error
	}{
		{rows(8, 0, "x"), log.ErrNoPartition},
		{rows(7, 1, "x"), log.ErrNoPartition},
		{&log.Txn{Command: []byte("create 7 1")}, errRefused},
		{&log.Txn{Command: []byte("nonsense")}, errRefused},
		{&log.Txn{Blocks: []*log.Block{{Rows: log.MaxBlockRows + 1}}}, log.ErrTooLarge},
	} {
		if _, err := r.Propose(ctx, c.txn); !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
	// What was refused made no epoch.
	if res := propose(t, r, rows(7, 0, "x")); res.Epoch != 2 {
		t.Errorf("epoch %d", res.Epoch)
	}
	if len(m.epochs) != 2 {
		t.Errorf("the machine saw %v", m.epochs)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := r.Propose(done, rows(7, 0, "x")); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFirstCommitterWins(t *testing.T) {
	r, _ := openTest(t, testConfig(vfs.NewMem()))
	command(t, r, "create 7 1")
	key := []log.Key{{Stream: 7, Hash: 99}}
	write := func(read log.Epoch) error {
		x := rows(7, 0, "x")
		x.ReadEpoch, x.Writes = read, key
		_, err := r.Propose(context.Background(), x)
		return err
	}
	at, _ := r.Applied()
	if err := write(at); err != nil {
		t.Fatal(err)
	}
	if err := write(at); !errors.Is(err, log.ErrConflict) || !log.IsRetryable(err) {
		t.Fatalf("the second writer got %v", err)
	}
	at, _ = r.Applied()
	if err := write(at); err != nil {
		t.Fatalf("after a new read: %v", err)
	}
	x := &log.Txn{ReadEpoch: at, Reads: []log.Key{{Stream: 7}}}
	if _, err := r.Propose(context.Background(), x); !errors.Is(err, log.ErrConflict) {
		t.Fatalf("a reader of the whole table got %v", err)
	}
	if err := write(0); err != nil {
		t.Fatalf("a blind write got %v", err)
	}
}

func TestChainOfParts(t *testing.T) {
	r, m := openTest(t, testConfig(vfs.NewMem()))
	command(t, r, "create 7 1")
	big := &log.Txn{}
	for i := range 40 {
		big.Blocks = append(big.Blocks, block(7, 0,
			strings.Repeat(fmt.Sprint(i%10), 100<<10)))
	}
	if res := propose(t, r, big); res.Epoch != 2 {
		t.Fatalf("epoch %d", res.Epoch)
	}
	got := readAll(t, r, 7, 0)
	if len(got) != 40 || got[13][:3] != "333" || len(m.epochs) != 2 {
		t.Fatalf("%d rows, epochs %v", len(got), m.epochs)
	}
	if n := r.commit.entries.Load(); n != 3 { // with the barrier of openTest
		t.Errorf("%d entries", n)
	}
}

// Proposers in parallel share entries; each finds its own rows, in its order.
func TestGroupCommit(t *testing.T) {
	r, _ := openTest(t, testConfig(vfs.NewMem()))
	command(t, r, "create 7 1")
	const writers, each = 32, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var last log.Epoch
			for i := range each {
				res, err := r.Propose(context.Background(), rows(7, 0, fmt.Sprintf("%02d%02d", w, i)))
				if err != nil || res.Epoch <= last {
					t.Errorf("writer %d: epoch %d after %d, %v", w, res.Epoch, last, err)
					return
				}
				last = res.Epoch
			}
		})
	}
	wg.Wait()
	next := map[string]int{}
	for _, row := range readAll(t, r, 7, 0) {
		if want := fmt.Sprintf("%02d", next[row[:2]]); row[2:] != want {
			t.Fatalf("row %s out of order", row)
		}
		next[row[:2]]++
	}
	if len(next) != writers || next["00"] != each {
		t.Fatalf("rows of %d writers", len(next))
	}
}

func TestRestartReplaysTheLog(t *testing.T) {
	fs := vfs.NewMem()
	cfg := testConfig(fs)
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 1")
	propose(t, r, rows(7, 0, "a"))
	before := r.Status()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Propose(context.Background(), rows(7, 0, "b")); !errors.Is(err, log.ErrStopped) {
		t.Fatalf("after Close: %v", err)
	}
	start := time.Now()
	r, m := openTest(t, cfg)
	res := propose(t, r, rows(7, 0, "b"))
	t.Logf("writing again after %v", time.Since(start))
	if res.Epoch != 3 || strings.Join(readAll(t, r, 7, 0), "") != "ab" || len(m.epochs) != 3 {
		t.Fatalf("epoch %d, epochs %v", res.Epoch, m.epochs)
	}
	if after := r.Status(); after.Epoch != before.Epoch+1 || after.State != "Leader" {
		t.Fatalf("status %+v", after)
	}
}

func TestTick(t *testing.T) {
	r, m := openTest(t, testConfig(vfs.NewMem()))
	if err := r.Tick(context.Background()); err != nil {
		t.Fatal(err)
	}
	if e, clock := r.Applied(); e != 1 || clock == 0 || len(m.epochs) != 1 {
		t.Fatalf("epoch %d, clock %d", e, clock)
	}
}
