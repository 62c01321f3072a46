package transport

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueBytes is how much may wait for a slow peer before senders wait too.
	queueBytes = 8 << 20
	// joinBelow is the size up to which pieces of frames are joined before they are written:
	// copying costs less than a vector, or a TLS record, of its own.
	joinBelow = 16 << 10
)

// ErrClosed is returned for everything after Close.
var ErrClosed = errors.New("transport is closed")

// conn is one connection, on either side. Any goroutine may send; one goroutine reads.
type conn struct {
	net     net.Conn
	lane    lane
	peer    string // node at the other end
	timeout time.Duration
	reads   atomic.Uint64 // frames read
	probing atomic.Bool
	metrics *metrics

	mu       sync.Mutex
	space    sync.Cond // the queue has shrunk or the connection has failed
	queue    [][]byte  // pieces of whole frames
	queued   int
	flushing bool // a sender is writing; the others only queue
	err      error
	seq      uint64
	waiting  map[uint64]waiter
	onFail   func()        // called once, when the connection fails
	down     chan struct{} // closed when the connection has failed
}

// waiter takes the answer to a request, or the connection's error. It is called once, from the
// reading goroutine or from the one that fails the connection, and must not block.
type waiter interface {
	answer(h *header, payload []byte, err error)
}

func (m *Mux) newConn(c net.Conn, l lane, peer string) *conn {
	n := &conn{
		net: c, lane: l, peer: peer, timeout: m.opts.WriteTimeout,
		waiting: map[uint64]waiter{}, down: make(chan struct{}), metrics: &m.metrics,
	}
	n.space.L = &n.mu
	return n
}

// fail closes the connection for the given reason and tells all who wait.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	waiting := c.waiting
	c.waiting, c.queue, c.queued = nil, nil, 0
	onFail := c.onFail
	c.space.Broadcast()
	c.mu.Unlock()
	close(c.down)
	if onFail != nil {
		onFail()
	}
	c.net.Close() // its error tells nothing that err does not
	for _, w := range waiting {
		w.answer(nil, nil, err)
	}
}

// request sends a message and registers who takes the answer. If it returns an error the waiter
// is not called.
func (c *conn) request(h header, w waiter, bufs ...[]byte) (seq uint64, err error) {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return 0, c.err
	}
	c.seq++
	h.seq = c.seq
	c.waiting[h.seq] = w
	c.mu.Unlock()
	if err := c.send(h, bufs...); err != nil {
		if c.forget(h.seq) {
			return 0, err
		}
		return h.seq, nil // fail has called the waiter already
	}
	return h.seq, nil
}

// forget withdraws a waiter; false means that it has been called or will be.
func (c *conn) forget(seq uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.waiting[seq]
	delete(c.waiting, seq)
	return ok
}

// take returns the waiter of an answer, nil if nobody waits any more.
func (c *conn) take(seq uint64) waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waiting[seq]
	delete(c.waiting, seq)
	return w
}

// send queues one message and, unless another sender is at it, writes the queue out. The bytes
// must stay as they are until they have been written, which may be after send returns.
func (c *conn) send(h header, bufs ...[]byte) error {
	for _, b := range bufs {
		h.length += len(b)
		h.crc = crc32.Update(h.crc, castagnoli, b)
	}
	if h.length > c.lane.limit() {
		return fmt.Errorf("message of %d bytes is larger than the %v lane takes", h.length, c.lane)
	}
	head := make([]byte, headerSize)
	putHeader(head, &h)
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && c.queued > queueBytes {
		c.space.Wait()
	}
	if c.err != nil {
		return c.err
	}
	c.queue = append(c.queue, head)
	for _, b := range bufs {
		if len(b) > 0 {
			c.queue = append(c.queue, b)
		}
	}
	c.queued += headerSize + h.length
	c.metrics.framesOut.Add(1)
	c.metrics.bytesOut.Add(uint64(headerSize + h.length))
	if c.flushing {
		return nil
	}
	c.flushing = true
	defer func() { c.flushing = false }()
	for c.err == nil && len(c.queue) > 0 {
		pieces, n := c.queue, c.queued
		c.queue = nil
		c.mu.Unlock()
		err := c.write(pieces)
		if err != nil {
			c.fail(fmt.Errorf("write to %s: %w", c.peer, err))
		}
		c.mu.Lock()
		if err == nil {
			c.queued -= n
		}
		c.space.Broadcast()
	}
	return c.err
}

// write joins small pieces and writes all.
func (c *conn) write(pieces [][]byte) error {
	// A deadline would need the clock of whoever made the connection.
	defer time.AfterFunc(c.timeout, func() { c.net.Close() }).Stop()
	small := 0
	for _, p := range pieces {
		if len(p) < joinBelow {
			small += len(p)
		}
	}
	joined := make([]byte, 0, small)
	out := make(net.Buffers, 0, len(pieces))
	run := 0
	for _, p := range pieces {
		if len(p) < joinBelow {
			joined = append(joined, p...)
			continue
		}
		if len(joined) > run {
			out = append(out, joined[run:])
			run = len(joined)
		}
		out = append(out, p)
	}
	if len(joined) > run {
		out = append(out, joined[run:])
	}
	_, err := out.WriteTo(c.net)
	return err
}

// readAnswers is the reader of a dialed connection.
func (c *conn) readAnswers(r io.Reader) {
	var scratch [headerSize]byte
	var h header
	for {
		payload, err := readFrame(r, &scratch, c.lane.limit(), &h)
		if err != nil {
			c.fail(fmt.Errorf("connection to %s: %w", c.peer, err))
			return
		}
		c.reads.Add(1)
		c.metrics.framesIn.Add(1)
		c.metrics.bytesIn.Add(uint64(headerSize + h.length))
		if h.kind != kindAnswer && h.kind != kindError {
			c.fail(fmt.Errorf("connection to %s: %w: kind %d is no answer", c.peer, ErrFrame, h.kind))
			return
		}
		if w := c.take(h.seq); w != nil {
			w.answer(&h, payload, nil)
		}
	}
}

// RemoteError is an error that the other node answered with.
type RemoteError struct {
	Node string
	Text string
}

func (e *RemoteError) Error() string { return fmt.Sprintf("node %s: %s", e.Node, e.Text) }

// reply is a waiter that hands the answer to one goroutine.
type reply struct {
	ch   chan struct{}
	kind frameKind
	body []byte
	err  error
}

func newReply() *reply { return &reply{ch: make(chan struct{})} }

func (r *reply) answer(h *header, payload []byte, err error) {
	if err == nil {
		r.kind, r.body = h.kind, payload
	}
	r.err = err
	close(r.ch)
}

// result is the answer once ch is closed.
func (r *reply) result(peer string) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.kind == kindError {
		return nil, &RemoteError{Node: peer, Text: string(r.body)}
	}
	return r.body, nil
}
