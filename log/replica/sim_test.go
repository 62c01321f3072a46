package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

// TestSimulation runs three nodes in one process, in virtual time, under faults:
// crashes that lose what was not synced, cuts of the network in one direction or
// both, lost and late messages, clocks that jump, checkpoints at any time. In the
// end all replicas must be equal and hold what was acknowledged, once.
//
// MILLRACE_SEEDS is the number of runs, MILLRACE_SEED the first seed.
func TestSimulation(t *testing.T) {
	runs, first := 20, rand.Uint64N(1<<40)
	if testing.Short() {
		runs = 5
	}
	if v, err := strconv.Atoi(os.Getenv("MILLRACE_SEEDS")); err == nil {
		runs = v
	}
	if v, err := strconv.ParseUint(os.Getenv("MILLRACE_SEED"), 10, 64); err == nil {
		first = v
	}
	var total simCounts
	for seed := first; seed < first+uint64(runs); seed++ {
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSim(t, seed).run(&total) })
		})
		if !ok {
			t.Fatalf("again with: MILLRACE_SEED=%d MILLRACE_SEEDS=1 go test -run TestSimulation", seed)
		}
	}
	t.Logf("%d runs: %+v", runs, total)
}

type simCounts struct {
	acked, refused, unknown, conflicts, crashes, cuts, checkpoints, installs, virtual int64
}

// sim is one run.
type sim struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	net   *simNet
	nodes []*simNode
	peers []Peer

	mu   sync.Mutex
	txns map[string]*simTxn // by name
	n    simCounts
}

// simTxn is a transaction that a session tried. Its name is in each of its rows.
type simTxn struct {
	rows  int
	state string // acked, refused or unknown
	err   error
	epoch log.Epoch
}

type simNode struct {
	addr    raft.ServerAddress
	fs      *vfs.MemFS
	clock   *simClock
	replica *Replica // nil while the node is down; guarded by simNet.mu
	machine *testMachine
}

// simClock is the bubble's time with jumps.
type simClock struct{ offset atomic.Int64 }

func (c *simClock) NowMicros() int64 { return time.Now().UnixMicro() + c.offset.Load() }

const (
	simStream = 7
	simParts  = 3
	simKeys   = 4
)

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), txns: map[string]*simTxn{}}
	s.net = &simNet{
		rnd:   rand.New(rand.NewPCG(seed, 2)),
		trans: map[raft.ServerAddress]*raft.InmemTransport{},
		nodes: map[raft.ServerAddress]*simNode{},
		cut:   map[[2]raft.ServerAddress]bool{},
	}
	for i := range 3 {
		addr := fmt.Sprintf("n%d", i)
		s.peers = append(s.peers, Peer{ID: addr, Addr: addr})
		n := &simNode{addr: raft.ServerAddress(addr), fs: vfs.NewCrashableMem(), clock: &simClock{}}
		s.nodes = append(s.nodes, n)
		s.net.nodes[n.addr] = n
	}
	return s
}

func (s *sim) start(n *simNode) {
	cfg := Config{
		Dir: "node", FS: n.fs, NodeID: string(n.addr), Bootstrap: s.peers,
		Transport: s.net.join(n.addr), Clock: n.clock, Merger: testMerger{},
		Forward: s.net.forwardFrom(n.addr), Fetch: &simFetcher{s.net, n.addr},
		SealBytes: 512, FileBytes: 16 << 10, WALSegmentBytes: 2 << 20,
		Limits: Limits{Trailing: 1, AppendEntries: 1 + s.rnd.IntN(8), LeaderWait: 2 * time.Second},
		Timing: Timing{Heartbeat: 500 * time.Millisecond},
	}
	if os.Getenv("MILLRACE_SIM_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", n.addr)
	}
	m := newTestMachine()
	r, err := Open(cfg, m)
	if err != nil {
		s.t.Errorf("seed %d: open %s: %v", s.seed, n.addr, err)
		return
	}
	s.net.mu.Lock()
	n.replica, n.machine = r, m
	s.net.mu.Unlock()
}

// crash takes the node down. What was not synced is lost in part or altogether.
func (s *sim) crash(n *simNode) {
	s.net.mu.Lock()
	r := n.replica
	n.replica = nil
	s.net.mu.Unlock()
	if r == nil {
		return
	}
	s.n.crashes++
	next := n.fs.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: s.rnd.IntN(3) * 50,
		RNG:                 rand.New(rand.NewPCG(s.rnd.Uint64(), 3)),
	})
	if s.rnd.IntN(4) == 0 {
		next = n.fs // the process was stopped in order
	}
	s.stop(n, r)
	n.fs = next
}

func (s *sim) stop(n *simNode, r *Replica) {
	s.n.installs += r.Status().Installs
	if err := r.Close(); err != nil {
		s.t.Errorf("seed %d: close %s: %v", s.seed, n.addr, err)
	}
	if err := r.Err(); err != nil {
		s.t.Errorf("seed %d: node %s failed: %v", s.seed, n.addr, err)
	}
}

func (s *sim) run(total *simCounts) {
	began := time.Now()
	for _, n := range s.nodes {
		s.start(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.create(ctx)
	var wg sync.WaitGroup
	for i := range 4 {
		rnd := rand.New(rand.NewPCG(s.seed, uint64(10+i)))
		wg.Go(func() { s.session(ctx, i, rnd) })
	}
	for range 25 {
		time.Sleep(time.Duration(s.rnd.IntN(600)) * time.Millisecond)
		s.nemesis()
	}
	s.net.heal()
	for _, n := range s.nodes {
		if s.net.replica(n.addr) == nil {
			s.start(n)
		}
	}
	time.Sleep(3 * time.Second)
	cancel()
	wg.Wait()
	if !s.t.Failed() {
		s.check()
	}
	for _, n := range s.nodes {
		if r := s.net.replica(n.addr); r != nil {
			s.stop(n, r)
		}
	}
	time.Sleep(5 * time.Second) // messages under way end
	s.n.virtual = int64(time.Since(began).Seconds())
	total.add(&s.n)
}

func (c *simCounts) add(o *simCounts) {
	c.acked += o.acked
	c.refused += o.refused
	c.unknown += o.unknown
	c.conflicts += o.conflicts
	c.crashes += o.crashes
	c.cuts += o.cuts
	c.checkpoints += o.checkpoints
	c.installs += o.installs
	c.virtual += o.virtual
}

func (s *sim) create(ctx context.Context) {
	for {
		x := &log.Txn{Command: fmt.Appendf(nil, "create %d %d", simStream, simParts)}
		_, err := s.nodes[0].replica.Propose(ctx, x)
		if err == nil || errors.Is(err, errRefused) {
			return
		}
		if !errors.Is(err, log.ErrNotLeader) && !errors.Is(err, log.ErrUnknownOutcome) {
			s.t.Fatalf("seed %d: create: %v", s.seed, err)
		}
	}
}

// nemesis does one fault, or heals.
func (s *sim) nemesis() {
	n := s.nodes[s.rnd.IntN(len(s.nodes))]
	switch s.rnd.IntN(12) {
	case 0, 1:
		s.crash(n)
	case 2:
		for _, n := range s.nodes {
			s.crash(n)
		}
	case 3, 4, 5:
		for _, n := range s.nodes {
			if s.net.replica(n.addr) == nil {
				s.start(n)
			}
		}
	case 6:
		s.n.cuts++
		way := s.rnd.IntN(3)
		s.net.isolate(n.addr, way != 1, way != 2)
	case 7:
		s.net.heal()
	case 8:
		s.net.mu.Lock()
		s.net.loss = s.rnd.Float64() * 0.3
		s.net.mu.Unlock()
	case 9:
		n.clock.offset.Add(s.rnd.Int64N(2*3600e6) - 3600e6)
	default:
		if r := s.net.replica(n.addr); r != nil {
			s.n.checkpoints++
			// The engine is behind the log by some epochs. The machine's state is the
			// same at all of them: there is one command, at the start.
			at, _ := r.Applied()
			at -= min(at, log.Epoch(s.rnd.IntN(30)))
			err := r.Checkpoint(context.Background(), max(at, 1), 0, n.machine.Snapshot())
			if err != nil && !errors.Is(err, log.ErrStopped) && !errors.Is(err, ErrCheckpointTooOld) {
				s.t.Errorf("seed %d: checkpoint of %s: %v", s.seed, n.addr, err)
			}
		}
	}
}

// session writes until ctx ends.
func (s *sim) session(ctx context.Context, id int, rnd *rand.Rand) {
	for i := 0; ctx.Err() == nil; i++ {
		time.Sleep(time.Duration(rnd.IntN(80)) * time.Millisecond)
		r := s.net.replica(s.nodes[rnd.IntN(len(s.nodes))].addr)
		if r == nil {
			continue
		}
		name := fmt.Sprintf("%d.%04d", id, i)
		x := s.txn(r, name, rnd)
		rec := &simTxn{rows: len(x.Blocks), state: "unknown"}
		s.mu.Lock()
		s.txns[name] = rec
		s.mu.Unlock()
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		res, err := r.Propose(short, x)
		cancel()
		s.settle(rec, res, err)
	}
}

// txn makes a transaction of a row in one, two or three partitions. Half of them
// depend on a key, which is in the row with the epoch that was read. One of 30 is a
// chain of parts.
func (s *sim) txn(r *Replica, name string, rnd *rand.Rand) *log.Txn {
	x := &log.Txn{}
	key, read := 0, log.Epoch(0)
	if rnd.IntN(2) == 0 {
		key = 1 + rnd.IntN(simKeys)
		read, _ = r.Applied()
		x.Writes = []log.Key{{Stream: simStream, Hash: uint64(key)}}
		if rnd.IntN(4) > 0 {
			x.ReadEpoch = read
		} else {
			read = 0
		}
	}
	pad := ""
	if rnd.IntN(30) == 0 {
		pad = strings.Repeat("x", log.MaxEntryBytes*2/3)
	}
	first := rnd.Uint32N(simParts)
	for i := range 1 + rnd.Uint32N(simParts) {
		row := fmt.Sprintf("%s k%d r%d %s;", name, key, read, pad)
		x.Blocks = append(x.Blocks, block(simStream, (first+i)%simParts, row))
	}
	return x
}

func (s *sim) settle(rec *simTxn, res log.Result, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.err = err
	switch {
	case err == nil:
		rec.state, rec.epoch = "acked", res.Epoch
		s.n.acked++
	case errors.Is(err, log.ErrUnknownOutcome), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		s.n.unknown++
	case errors.Is(err, log.ErrConflict):
		rec.state = "refused"
		s.n.conflicts++
	case errors.Is(err, log.ErrNotLeader), errors.Is(err, log.ErrStopped):
		rec.state = "refused"
		s.n.refused++
	default:
		s.t.Errorf("seed %d: propose: %v", s.seed, err)
	}
}

// seenRow is a row as it lies in the log.
type seenRow struct {
	name  string
	part  uint32
	epoch log.Epoch
	key   string
	read  log.Epoch
}

func (s *sim) check() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var last log.Epoch
	for _, n := range s.nodes {
		res, err := n.replica.Barrier(ctx)
		if err != nil {
			s.t.Errorf("seed %d: barrier on %s: %v", s.seed, n.addr, err)
			return
		}
		last = max(last, res.Epoch)
	}
	var want []seenRow
	for i, n := range s.nodes {
		if err := n.replica.WaitApplied(ctx, last); err != nil {
			s.t.Errorf("seed %d: node %s does not reach epoch %d: %v", s.seed, n.addr, last, err)
			return
		}
		sum, ok := n.replica.EpochChecksum(last)
		first, _ := s.nodes[0].replica.EpochChecksum(last)
		if !ok || sum != first {
			s.t.Errorf("seed %d: epoch %d: node %s has checksum %x, node n0 %x", s.seed, last,
				n.addr, sum, first)
		}
		got, err := scan(n.replica)
		if err != nil {
			s.t.Errorf("seed %d: node %s: %v", s.seed, n.addr, err)
			return
		}
		if i == 0 {
			want = got
		} else if !slices.Equal(got, want) {
			s.t.Errorf("seed %d: node %s has %d rows, node n0 %d, or other ones", s.seed, n.addr,
				len(got), len(want))
		}
	}
	s.checkRows(want)
}

// scan gives all rows of a node by partition and offset.
func scan(r *Replica) ([]seenRow, error) {
	var out []seenRow
	for p := range uint32(simParts) {
		id := log.PartitionID{Stream: simStream, Part: p}
		begin, end, err := r.Partitions().Bounds(id, ^log.Epoch(0))
		if err != nil {
			return nil, err
		}
		at := begin
		err = r.Partitions().Read(context.Background(), id, begin, end, nil, func(b *log.Block) error {
			epochs := b.Epochs
			if epochs == nil {
				epochs = []log.EpochRun{{Epoch: b.Epoch, Rows: b.Rows}}
			}
			text := string(b.Sections[1])
			for _, run := range epochs {
				for range run.Rows {
					var x seenRow
					var line string
					line, text, _ = strings.Cut(text, ";")
					_, err := fmt.Sscanf(line, "%s k%s r%d", &x.name, &x.key, &x.read)
					if err != nil {
						return fmt.Errorf("row %d is %.40q: %w", at, line, err)
					}
					x.part, x.epoch = p, run.Epoch
					out = append(out, x)
					at++
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if at != end {
			return nil, fmt.Errorf("partition %s: read to %d of %d", id, at, end)
		}
	}
	return out, nil
}

func (s *sim) checkRows(rows []seenRow) {
	bad := func(format string, args ...any) {
		s.t.Errorf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
	}
	found := map[string][]seenRow{}
	for _, r := range rows {
		found[r.name] = append(found[r.name], r)
	}
	for name, x := range s.txns {
		got := found[name]
		switch {
		case x.state == "acked" && len(got) != x.rows:
			bad("transaction %s was acknowledged with %d rows, %d are there", name, x.rows, len(got))
		case x.state == "refused" && len(got) != 0:
			bad("transaction %s was refused (%v) and is there", name, x.err)
		case x.state == "unknown" && len(got) != 0 && len(got) != x.rows:
			bad("transaction %s is there in part: %d rows of %d", name, len(got), x.rows)
		}
		for _, r := range got {
			if r.epoch != got[0].epoch || (x.state == "acked" && r.epoch != x.epoch) {
				bad("transaction %s has a row in epoch %d, acknowledged as %d", name, r.epoch, x.epoch)
			}
		}
	}
	for name := range found {
		if s.txns[name] == nil {
			bad("row of %s, which nobody wrote", name)
		}
	}
	s.checkKeys(found, bad)
}

// checkKeys: no write that depended on a key was committed over another one that
// it had not seen.
func (s *sim) checkKeys(found map[string][]seenRow, bad func(string, ...any)) {
	byKey := map[string][]seenRow{}
	for _, rows := range found {
		if rows[0].key != "0" {
			byKey[rows[0].key] = append(byKey[rows[0].key], rows[0])
		}
	}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b seenRow) int { return int(a.epoch) - int(b.epoch) })
		for i := 1; i < len(list); i++ {
			if a, b := list[i-1], list[i]; b.read != 0 && b.epoch != a.epoch && b.read < a.epoch {
				bad("key %s: %s at epoch %d had read epoch %d, %s wrote at %d", key, b.name,
					b.epoch, b.read, a.name, a.epoch)
			}
			if a, b := list[i-1], list[i]; a.epoch == b.epoch && a.read != 0 && b.read != 0 {
				bad("key %s: %s and %s both at epoch %d", key, a.name, b.name, a.epoch)
			}
		}
	}
}
