package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
)

const (
	// laneQueue is how many messages wait for Raft's main loop per connection. A pipeline has
	// two in flight; the control lane's votes and heartbeats are few.
	laneQueue = 8
	// acceptPause is the wait after a failed accept, such as for want of file descriptors.
	acceptPause = 50 * time.Millisecond
)

func bufferedReader(c net.Conn, l lane) io.Reader {
	size := 256 << 10
	if l == laneControl {
		size = 4 << 10
	}
	return bufio.NewReaderSize(c, size)
}

// accept serves connections until the listener is closed.
func (m *Mux) accept() {
	defer m.running.Done()
	for {
		nc, err := m.listener.Accept()
		if err != nil {
			select {
			case <-m.ctx.Done():
				return
			case <-time.After(acceptPause):
				m.opts.Logger.Warn("accept connection", "error", err)
				continue
			}
		}
		if !m.admit() {
			m.metrics.refused.Add(1)
			nc.Close()
			continue
		}
		if !m.start(func() { m.serve(nc) }) {
			nc.Close()
			return
		}
	}
}

// admit counts a connection in, if there are not too many.
func (m *Mux) admit() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.accepted >= m.opts.MaxConns {
		return false
	}
	m.accepted++
	return true
}

// serve greets the peer and answers its requests until the connection ends.
func (m *Mux) serve(nc net.Conn) {
	defer func() {
		m.mu.Lock()
		m.accepted--
		m.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(m.ctx, m.opts.DialTimeout)
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	h, err := m.welcome(nc)
	inTime := stop()
	cancel()
	if err != nil || !inTime {
		m.metrics.refused.Add(1)
		m.opts.Logger.Info("refused connection", "from", nc.RemoteAddr().String(), "error", err)
		nc.Close()
		return
	}
	c := m.newConn(nc, h.lane, h.node)
	m.mu.Lock()
	m.inbound[c] = struct{}{}
	closed := m.closed
	m.mu.Unlock()
	if closed {
		c.fail(ErrClosed)
	}
	err = m.serveLane(c)
	if errors.Is(err, ErrFrame) {
		m.metrics.badFrames.Add(1)
		m.opts.Logger.Warn("closed connection", "node", h.node, "lane", h.lane.String(), "error", err)
	}
	c.fail(err)
	m.mu.Lock()
	delete(m.inbound, c)
	m.mu.Unlock()
}

// inboundRaft is a request on its way to Raft's main loop.
type inboundRaft struct {
	group *Raft
	h     header
	rpc   raft.RPC
	quiet bool // it has been answered already
}

// serveLane reads requests. Those for Raft go to one worker, in order.
func (m *Mux) serveLane(c *conn) error {
	queue := make(chan inboundRaft, laneQueue)
	done := make(chan struct{})
	go func() { // ends when queue is closed; serve waits for it below
		defer close(done)
		m.work(c, queue)
	}()
	calls := newCallServer(m, c)
	defer func() {
		c.fail(io.EOF) // so that the worker does not wait for the main loop for ever
		close(queue)
		<-done
		calls.wait()
	}()
	r := bufferedReader(c.net, c.lane)
	var scratch [headerSize]byte
	for {
		var h header
		payload, err := readFrame(r, &scratch, c.lane.limit(), &h)
		if err != nil {
			return err
		}
		m.metrics.framesIn.Add(1)
		m.metrics.bytesIn.Add(uint64(headerSize + h.length))
		switch h.kind {
		case kindAppend, kindVote, kindPreVote, kindTimeoutNow, kindInstall:
			err = m.serveRaft(c, &h, payload, queue)
		case kindCall:
			err = calls.begin(&h, payload)
		case kindCancel:
			calls.cancel(h.seq)
		case kindPing:
			err = c.send(answerHeader(&h, kindAnswer))
		default:
			err = fmt.Errorf("%w: kind %d is no request", ErrFrame, h.kind)
		}
		if err != nil {
			return err
		}
	}
}

// serveRaft decodes a request of Raft and queues it, or answers a heartbeat at once.
func (m *Mux) serveRaft(c *conn, h *header, payload []byte, queue chan inboundRaft) error {
	g := m.group(log.GroupID(h.group))
	if g == nil {
		return c.answerError(h, fmt.Errorf("node %s has no group %d", m.opts.NodeID, h.group))
	}
	in := inboundRaft{group: g, h: *h}
	if h.kind != kindAppend {
		req, rest, err := decodeRequest(h.kind, payload)
		if err != nil {
			return err
		}
		in.rpc.Command = req
		if h.kind == kindInstall {
			in.rpc.Reader = newSectionReader(rest)
		}
		queue <- in
		return nil
	}
	a, err := decodeAppend(payload)
	if err != nil {
		return err
	}
	in.rpc.Command = a
	if !isHeartbeat(a) {
		queue <- in
		return nil
	}
	return m.serveHeartbeat(c, in, a, queue)
}

// serveHeartbeat acknowledges a heartbeat itself where Raft's main loop certainly would, and
// passes it on for the main loop to remember that the leader lives, unless that is busy anyway.
func (m *Mux) serveHeartbeat(c *conn, in inboundRaft, a *raft.AppendEntriesRequest,
	queue chan inboundRaft) error {
	if m.stalled() {
		m.metrics.withheld.Add(1)
		return nil
	}
	if resp := in.group.fastAck(a); resp != nil {
		m.metrics.fastAcks.Add(1)
		if err := c.send(answerHeader(&in.h, kindAnswer), encodeAppendAnswer(resp)); err != nil {
			return err
		}
		in.quiet = true
		if len(queue) == 0 {
			queue <- in
		}
		return nil
	}
	m.metrics.slowHeartbeats.Add(1)
	select {
	case queue <- in:
	default: // the main loop is busy with older ones; the next heartbeat will do
	}
	return nil
}

func (m *Mux) stalled() bool { return m.opts.Stalled() > m.opts.StallLimit }

// work hands requests to Raft's main loop one after the other and sends its answers.
func (m *Mux) work(c *conn, queue chan inboundRaft) {
	for in := range queue {
		ch := make(chan raft.RPCResponse, 1)
		in.rpc.RespChan = ch
		select {
		case in.group.consumer <- in.rpc:
		case <-c.down:
			continue
		case <-in.group.done:
			continue
		}
		select {
		case resp := <-ch:
			if !in.quiet {
				c.answerRaft(&in.h, resp)
			}
		case <-c.down:
		case <-in.group.done:
		}
	}
}

func answerHeader(h *header, kind frameKind) header {
	return header{kind: kind, sub: h.sub, group: h.group, seq: h.seq}
}

// answerRaft sends what Raft said. A failure to send fails the connection, which is all that
// anybody needs to know.
func (c *conn) answerRaft(h *header, resp raft.RPCResponse) {
	if resp.Error != nil {
		c.answerError(h, resp.Error)
		return
	}
	b, err := encodeAnswer(resp.Response)
	if err != nil {
		c.answerError(h, err)
		return
	}
	c.send(answerHeader(h, kindAnswer), b)
}

func (c *conn) answerError(h *header, err error) error {
	text := err.Error()
	return c.send(answerHeader(h, kindError), []byte(text[:min(len(text), maxControl/2)]))
}
