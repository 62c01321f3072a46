package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/log"
)

// Network is how connections are made: TCP in a server, memory in a simulation.
type Network interface {
	Dial(ctx context.Context, addr string) (net.Conn, error)
	Listen(addr string) (net.Listener, error)
}

// Options says who this node is and how patient it is. The zero value of a field means its
// default.
type Options struct {
	Network Network // required
	// Listen is the address to listen on, required; port 0 picks one.
	Listen string
	// Advertise is the address that peers dial; "" means the one listened on.
	Advertise string
	// NodeID is this node's name, required; peers check it. At most 255 bytes.
	NodeID string
	// Cluster is a name that all nodes share; nodes of another cluster are refused.
	Cluster string
	// Now is the clock for Raft's statistics of round trips; nil means that it has none.
	Now func() time.Time
	// Stalled says for how long a write to the local disk has been under way; nil means 0.
	Stalled func() time.Duration
	// StallLimit is the stall from which on Raft's messages are neither sent nor acknowledged.
	// Default 3 s: ten times the worst sync of a busy healthy disk, about an election timeout.
	StallLimit time.Duration
	Logger     *slog.Logger

	// DialTimeout covers connecting and greeting. Default 2 s.
	DialTimeout time.Duration
	// ControlTimeout is how long heartbeats and votes are waited for. Default 1 s.
	ControlTimeout time.Duration
	// DataTimeout is how long entries are waited for, a sync of the peer included. Default 10 s.
	DataTimeout time.Duration
	// SnapshotTimeout is how long the installation of a snapshot is waited for. Default 60 s.
	SnapshotTimeout time.Duration
	// WriteTimeout is how long a peer may take no bytes. Default 10 s.
	WriteTimeout time.Duration
	// MaxConns bounds the accepted connections; three per peer and direction are needed.
	// Default 256.
	MaxConns int
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Network == nil || o.Listen == "":
		return o, errors.New("transport needs a network and an address to listen on")
	case o.NodeID == "" || len(o.NodeID) > maxName || len(o.Cluster) > maxName:
		return o, fmt.Errorf("names of nodes and clusters have 1 to %d bytes", maxName)
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&o.StallLimit, 3 * time.Second}, {&o.DialTimeout, 2 * time.Second},
		{&o.ControlTimeout, time.Second}, {&o.DataTimeout, 10 * time.Second},
		{&o.SnapshotTimeout, time.Minute}, {&o.WriteTimeout, 10 * time.Second},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.MaxConns == 0 {
		o.MaxConns = 256
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	if o.Stalled == nil {
		o.Stalled = func() time.Duration { return 0 }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// Mux is a node's end of all its connections.
type Mux struct {
	opts     Options
	listener net.Listener
	addr     string
	metrics  metrics
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	peers    map[peerKey]*slot
	inbound  map[*conn]struct{}
	accepted int // connections greeted or being greeted
	groups   map[log.GroupID]*Raft
	handlers map[Kind]Handler
}

type peerKey struct {
	addr string
	lane lane
}

// slot holds the connection to one peer on one lane; its semaphore makes one dial serve all who
// want the connection.
type slot struct {
	sem  chan struct{}
	conn atomic.Pointer[conn]
}

// Open listens and begins to serve.
func Open(opts Options) (*Mux, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := o.Network.Listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	m := &Mux{
		opts: o, listener: l, addr: o.Advertise,
		peers: map[peerKey]*slot{}, inbound: map[*conn]struct{}{},
		groups: map[log.GroupID]*Raft{}, handlers: map[Kind]Handler{},
	}
	if m.addr == "" {
		m.addr = l.Addr().String()
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.running.Add(1)
	go m.accept()
	return m, nil
}

// Addr is the address that peers reach this node at.
func (m *Mux) Addr() string { return m.addr }

// Close ends all connections and waits for everything that is being served.
func (m *Mux) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	var conns []*conn
	for _, s := range m.peers {
		if c := s.conn.Load(); c != nil {
			conns = append(conns, c)
		}
	}
	for c := range m.inbound {
		conns = append(conns, c)
	}
	m.mu.Unlock()
	m.cancel()
	err := m.listener.Close()
	for _, c := range conns {
		c.fail(ErrClosed)
	}
	m.running.Wait()
	return err
}

// start runs f as a goroutine that Close waits for; false after Close.
func (m *Mux) start(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.running.Add(1)
	go func() {
		defer m.running.Done()
		f()
	}()
	return true
}

// ErrUnreachable is returned when there is no connection to a node: nothing was sent.
var ErrUnreachable = errors.New("node cannot be reached")

// connect returns the connection to the node on the lane, and dials it if need be. node may be ""
// where only the address is known.
func (m *Mux) connect(ctx context.Context, node, addr string, l lane) (*conn, error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, ErrClosed
	}
	key := peerKey{addr, l}
	s := m.peers[key]
	if s == nil {
		s = &slot{sem: make(chan struct{}, 1)}
		m.peers[key] = s
	}
	m.mu.Unlock()
	if c := s.usable(node); c != nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.DialTimeout)
	defer cancel()
	select {
	case s.sem <- struct{}{}:
		defer func() { <-s.sem }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to %s: %w", addr, ctx.Err())
	case <-m.ctx.Done():
		return nil, ErrClosed
	}
	if c := s.usable(node); c != nil {
		return c, nil
	}
	c, err := m.dial(ctx, node, addr, l)
	if err != nil {
		m.metrics.dialFailures.Add(1)
		return nil, fmt.Errorf("%w: connect to %s: %w", ErrUnreachable, addr, err)
	}
	if old := s.conn.Swap(c); old != nil {
		old.fail(ErrWrongNode)
	}
	return c, nil
}

// usable is the open connection, if it leads to the node.
func (s *slot) usable(node string) *conn {
	c := s.conn.Load()
	if c == nil || node != "" && c.peer != node {
		return nil
	}
	select {
	case <-c.down:
		return nil
	default:
		return c
	}
}

func (m *Mux) dial(ctx context.Context, node, addr string, l lane) (*conn, error) {
	nc, err := m.opts.Network.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	name, err := m.greet(nc, l, node)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	m.metrics.dials.Add(1)
	c := m.newConn(nc, l, name)
	if !m.start(func() { c.readAnswers(bufferedReader(nc, l)) }) {
		nc.Close()
		return nil, ErrClosed
	}
	return c, nil
}

// await waits for the reply to a request; seen is what conn.reads was before it was sent. No
// timeout means that the context alone ends the wait.
func (m *Mux) await(ctx context.Context, c *conn, seq uint64, r *reply, seen uint64,
	timeout time.Duration) ([]byte, error) {
	var expired <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	var err error
	select {
	case <-r.ch:
		return r.result(c.peer)
	case <-expired:
		err = fmt.Errorf("node %s does not answer: %w", c.peer, context.DeadlineExceeded)
		m.metrics.timeouts.Add(1)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if !c.forget(seq) { // the answer has come in between
		<-r.ch
		return r.result(c.peer)
	}
	m.suspect(c, seen)
	return nil, err
}

// suspect looks after a connection on which a request was not answered. If nothing at all has come
// since then the path may be dead, and a new connection will find out sooner that it is whole again
// than the old one's retransmissions. Calls may take their time, so their lane is asked first.
func (m *Mux) suspect(c *conn, seen uint64) {
	if c.reads.Load() != seen {
		return
	}
	if c.lane != laneCalls {
		c.fail(fmt.Errorf("connection to %s: no answer", c.peer))
		return
	}
	if c.probing.Swap(true) {
		return
	}
	m.start(func() {
		defer c.probing.Store(false)
		r := newReply()
		if _, err := c.request(header{kind: kindPing}, r); err != nil {
			return
		}
		t := time.NewTimer(m.opts.ControlTimeout)
		defer t.Stop()
		select {
		case <-r.ch:
		case <-t.C:
			c.fail(fmt.Errorf("connection to %s: no answer", c.peer))
		}
	})
}
