package pgwire

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/replica"
	"github.com/millracedb/millrace/log/segment"
)

// testClock moves by a millisecond at each look; what waits for it goes on when
// the test says so.
type testClock struct {
	mu      sync.Mutex
	came    sync.Cond
	now     int64
	waiting map[int64][]chan struct{} // by the time they wait
}

func newTestClock() *testClock {
	c := &testClock{now: 1_700_000_000_000_000, waiting: map[int64][]chan struct{}{}}
	c.came.L = &c.mu
	return c
}

func (c *testClock) NowMicros() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += 1000
	return c.now
}

func (c *testClock) After(micros int64) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan struct{}, 1)
	c.waiting[micros] = append(c.waiting[micros], ch)
	c.came.Broadcast()
	return ch
}

// fire lets those go on that wait for exactly so long; it waits for one to come.
func (c *testClock) fire(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting[d.Microseconds()]) == 0 {
		c.came.Wait()
	}
	for _, ch := range c.waiting[d.Microseconds()] {
		ch <- struct{}{}
	}
	delete(c.waiting, d.Microseconds())
}

// release lets those go on that wait for so long, if there are any.
func (c *testClock) release(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.waiting[d.Microseconds()] {
		ch <- struct{}{}
	}
	delete(c.waiting, d.Microseconds())
}

// await waits until somebody waits for exactly so long.
func (c *testClock) await(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting[d.Microseconds()]) == 0 {
		c.came.Wait()
	}
}

// testLog is a replica as the engine sees it.
type testLog struct {
	*replica.Replica
	*segment.Set
}

func (l *testLog) Leading() bool { return l.Replica.IsLeader() }

func (l *testLog) Retain(ctx context.Context) error { return l.Replica.Retain(ctx) }

func (l *testLog) Checkpoint(ctx context.Context, e log.Epoch, i uint64, extra []byte) error {
	return l.Replica.Checkpoint(ctx, e, i, extra)
}

// testNode is a node in memory with a server on a loopback port.
type testNode struct {
	clock  *testClock
	server *Server
	addr   string
}

func startNode(t testing.TB, change func(*Config)) *testNode {
	t.Helper()
	n := &testNode{clock: newTestClock()}
	fs, reg := vfs.NewMem(), system.NewRegistry()
	seed := uint64(1)
	var mu sync.Mutex
	random := func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		seed += 0x9e3779b97f4a7c15
		return seed
	}
	engine, err := exec.New(exec.Config{FS: fs, Dir: "data", Clock: n.clock,
		Catalog: catalog.NewMachine(), System: reg, Logger: slog.New(slog.DiscardHandler),
		Random: random, CheckpointMicros: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	r, err := replica.Open(replica.Config{Dir: "data/log", FS: fs, NodeID: "n1", Clock: n.clock,
		Merger: codec.Merger{Key: engine.KeyOf}, WALSegmentBytes: 1 << 20}, engine)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(&testLog{r, r.Partitions()}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Engine: engine, System: reg, Listener: l, Clock: n.clock, Random: random}
	if change != nil {
		change(&cfg)
	}
	if n.server, err = Serve(cfg); err != nil {
		t.Fatal(err)
	}
	n.addr = l.Addr().String()
	t.Cleanup(func() {
		for _, closing := range []func() error{n.server.Close,
			func() error { engine.Halt(); return r.Close() }, engine.Close} {
			if err := closing(); err != nil {
				t.Error(err)
			}
		}
	})
	return n
}

// client is a bare connection.
type client struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

// patience bounds waits for what must come.
const patience = 30 * time.Second

// dial opens a connection without a word.
func (n *testNode) dial(t testing.TB) *client {
	t.Helper()
	nc, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, nc: nc, r: bufio.NewReader(nc)}
}

// login opens a session.
func (n *testNode) login(t testing.TB, params ...string) *client {
	t.Helper()
	c := n.dial(t)
	c.startup(append([]string{"user", "millrace", "database", "millrace"}, params...)...)
	for {
		kind, _ := c.read()
		if kind == 'Z' {
			return c
		}
		if kind == 0 || kind == 'E' {
			t.Fatal("login failed")
		}
	}
}

func (c *client) startup(params ...string) {
	b := binary.BigEndian.AppendUint32(nil, version3)
	for _, p := range params {
		b = append(append(b, p...), 0)
	}
	c.write(binary.BigEndian.AppendUint32(nil, uint32(len(b)+5)), append(b, 0))
}

func (c *client) write(parts ...[]byte) {
	c.t.Helper()
	for _, p := range parts {
		if _, err := c.nc.Write(p); err != nil {
			c.t.Fatal(err)
		}
	}
}

// message makes a message.
func message(kind byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return append(b, body...)
}

func (c *client) send(kind byte, body []byte) { c.write(message(kind, body)) }

func cstring(s string) []byte { return append([]byte(s), 0) }

// read gives the next message; kind 0: the server closed.
func (c *client) read() (kind byte, body []byte) {
	c.t.Helper()
	var h [5]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		return 0, nil
	}
	body = make([]byte, binary.BigEndian.Uint32(h[1:])-4)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return 0, nil
	}
	return h[0], body
}

// exec runs a text and gives the first error, "" if there was none.
func (c *client) exec(text string) string {
	c.t.Helper()
	c.send('Q', cstring(text))
	failure := ""
	for {
		kind, body := c.read()
		switch kind {
		case 0:
			c.t.Fatalf("%s: the server closed", text)
		case 'E':
			failure = show(kind, body)
		case 'Z':
			return failure
		}
	}
}
