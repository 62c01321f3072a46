package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

// testMachine is a catalog that knows three commands: "create N P" makes stream N
// with P partitions, "drop N", "truncate N". It keeps what it was given.
type testMachine struct {
	mu       sync.Mutex
	streams  map[log.StreamID]uint32
	epochs   []log.Epoch
	rows     int
	clock    int64
	restored log.Epoch
	onEpoch  func(*log.EpochInput)
}

var errRefused = errors.New("machine refuses")

func newTestMachine() *testMachine { return &testMachine{streams: map[log.StreamID]uint32{}} }

func (m *testMachine) ApplyCommand(e log.Epoch, _ int64, cmd []byte) ([]byte, log.Effects, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var verb string
	var id log.StreamID
	var parts uint32
	_, _ = fmt.Sscan(string(cmd), &verb, &id, &parts)
	out := []byte(fmt.Sprintf("%s at %d", verb, e))
	switch verb {
	case "create":
		if m.streams[id] != 0 {
			return nil, log.Effects{}, fmt.Errorf("stream %d exists: %w", id, errRefused)
		}
		m.streams[id] = parts
		return out, log.Effects{Create: []log.StreamSpec{{Stream: id, Partitions: parts}}}, nil
	case "drop":
		delete(m.streams, id)
		return out, log.Effects{Drop: []log.StreamID{id}}, nil
	case "truncate":
		return out, log.Effects{Truncate: []log.StreamID{id}}, nil
	}
	return nil, log.Effects{}, fmt.Errorf("command %q: %w", cmd, errRefused)
}

func (m *testMachine) ApplyEpoch(in *log.EpochInput) {
	m.mu.Lock()
	if n := len(m.epochs); n > 0 && m.epochs[n-1]+1 != in.Epoch {
		panic(fmt.Sprintf("epoch %d after %d", in.Epoch, m.epochs[n-1]))
	}
	if in.Clock < m.clock {
		panic(fmt.Sprintf("epoch %d has clock %d after %d", in.Epoch, in.Clock, m.clock))
	}
	m.epochs, m.clock = append(m.epochs, in.Epoch), in.Clock
	for _, b := range in.Blocks {
		m.rows += b.Rows
	}
	on := m.onEpoch
	m.mu.Unlock()
	if on != nil {
		on(in)
	}
}

func (m *testMachine) Snapshot() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := json.Marshal(m.streams)
	if err != nil {
		panic(err)
	}
	return b
}

func (m *testMachine) Restore(state []byte, at log.Epoch, clock int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams, m.epochs, m.restored = map[log.StreamID]uint32{}, []log.Epoch{at}, at
	m.clock = clock
	return json.Unmarshal(state, &m.streams)
}

// stepClock is a clock that moves one microsecond per look.
type stepClock struct{ now atomic.Int64 }

func (c *stepClock) NowMicros() int64 { return c.now.Add(1) }

func testConfig(fs vfs.FS) Config {
	clock := &stepClock{}
	clock.now.Store(1_700_000_000_000_000)
	return Config{Dir: "node", FS: fs, NodeID: "n1", Clock: clock, Merger: testMerger{},
		WALSegmentBytes: 8 << 20}
}

func openTest(t testing.TB, cfg Config) (*Replica, *testMachine) {
	t.Helper()
	m := newTestMachine()
	r, err := Open(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if cfg.Transport == nil {
		if _, err := r.Barrier(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return r, m
}

func propose(t testing.TB, r *Replica, x *log.Txn) log.Result {
	t.Helper()
	res, err := r.Propose(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func command(t testing.TB, r *Replica, format string, args ...any) log.Result {
	t.Helper()
	return propose(t, r, &log.Txn{Command: fmt.Appendf(nil, format, args...)})
}

// block is a block of one-column rows, each a string of the same length.
func block(stream log.StreamID, part uint32, rows ...string) *log.Block {
	b := &log.Block{Partition: log.PartitionID{Stream: stream, Part: part}, Rows: len(rows),
		Flags: log.ClockTime, Sections: make([][]byte, 2)}
	for i, r := range rows {
		b.Sections[0] = append(b.Sections[0], byte(i))
		b.Sections[1] = append(b.Sections[1], r...)
	}
	return b
}

func rows(stream log.StreamID, part uint32, values ...string) *log.Txn {
	return &log.Txn{Blocks: []*log.Block{block(stream, part, values...)}}
}

// readAll gives the rows of a partition in its bounds as of the newest epoch.
func readAll(t testing.TB, r *Replica, stream log.StreamID, part uint32) []string {
	t.Helper()
	out, err := readRows(r, stream, part)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readRows(r *Replica, stream log.StreamID, part uint32) ([]string, error) {
	id := log.PartitionID{Stream: stream, Part: part}
	begin, end, err := r.Partitions().Bounds(id, ^log.Epoch(0))
	if err != nil {
		return nil, err
	}
	var out []string
	at := begin
	err = r.Partitions().Read(context.Background(), id, begin, end, nil, func(b *log.Block) error {
		if b.Base > at || b.End() <= at {
			return fmt.Errorf("block %d to %d read at %d", b.Base, b.End(), at)
		}
		width := len(b.Sections[1]) / b.Rows
		for i := int(at - b.Base); i < b.Rows; i++ {
			out = append(out, string(b.Sections[1][i*width:(i+1)*width]))
		}
		at = b.End()
		return nil
	})
	if err == nil && len(out) != int(end-begin) {
		err = fmt.Errorf("read %d rows of %d", len(out), end-begin)
	}
	return out, err
}

// testMerger joins blocks of rows with equal widths by joining the sections.
type testMerger struct{}

func (testMerger) Merge(blocks []*log.Block) ([][]byte, []log.SectionStats, error) {
	out := make([][]byte, len(blocks[0].Sections))
	for _, b := range blocks {
		for i, s := range b.Sections {
			out[i] = append(out[i], s...)
		}
	}
	return out, make([]log.SectionStats, len(out)), nil
}

func (testMerger) Keys(b *log.Block) ([]uint64, []bool, error) {
	return make([]uint64, b.Rows), make([]bool, b.Rows), nil
}
