package transport

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// Kind says what a call is about; the one who registers a handler chooses it.
type Kind uint16

// kindFile is the transport's own: a piece of a file.
const kindFile Kind = 0xffff

// Handler serves calls of one kind. req belongs to it. The error's text reaches the caller as a
// RemoteError. ctx ends when the caller stops waiting or the connection fails.
type Handler func(ctx context.Context, req []byte) ([]byte, error)

const (
	// callsPerConn and callBytesPerConn bound what one peer can have served at a time; more
	// waits in its socket.
	callsPerConn     = 256
	callBytesPerConn = 256 << 20
	// callTimeout ends calls whose caller has vanished without a trace.
	callTimeout = 10 * time.Minute
)

// Handle registers the handler of a kind, before peers may call.
func (m *Mux) Handle(k Kind, h Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handlers[k] = h
}

func (m *Mux) handler(k Kind) Handler {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.handlers[k]
}

// Call asks the node at addr and returns its answer. node may be "" if only the address is known;
// else another node answering there is an error. If the error is not a RemoteError, the request
// may or may not have been carried out.
func (m *Mux) Call(ctx context.Context, node, addr string, k Kind, req []byte) ([]byte, error) {
	m.metrics.callsOut.Add(1)
	c, err := m.connect(ctx, node, addr, laneCalls)
	if err != nil {
		return nil, err
	}
	r := newReply()
	seen := c.reads.Load()
	seq, err := c.request(header{kind: kindCall, sub: uint16(k)}, r, bytes.Clone(req))
	if err != nil {
		return nil, err
	}
	out, err := m.await(ctx, c, seq, r, seen, 0)
	if err != nil && ctx.Err() != nil {
		// If this fails the connection has failed, which ends the call as well.
		m.start(func() { c.send(header{kind: kindCancel, seq: seq}) })
	}
	return out, err
}

// callServer serves the calls of one connection.
type callServer struct {
	m       *Mux
	c       *conn
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	room  sync.Cond
	count int
	bytes int
	calls map[uint64]*servedCall
}

type servedCall struct {
	h       header
	fn      Handler
	payload []byte
	ctx     context.Context
	cancel  context.CancelFunc
}

func newCallServer(m *Mux, c *conn) *callServer {
	s := &callServer{m: m, c: c, calls: map[uint64]*servedCall{}}
	s.room.L = &s.mu
	s.ctx, s.end = context.WithCancel(m.ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onFail = s.end
	if c.err != nil {
		s.end()
	}
	return s
}

// wait ends all calls and waits for them.
func (s *callServer) wait() {
	s.end()
	s.running.Wait()
}

// begin starts one call, after waiting for room.
func (s *callServer) begin(h *header, payload []byte) error {
	fn := s.m.handler(Kind(h.sub))
	if fn == nil {
		return s.c.answerError(h, fmt.Errorf("calls of kind %d are not served here", h.sub))
	}
	s.m.metrics.calls.Add(1)
	call := &servedCall{h: *h, fn: fn, payload: payload}
	s.mu.Lock()
	for s.count >= callsPerConn || s.count > 0 && s.bytes+len(payload) > callBytesPerConn {
		s.room.Wait()
	}
	defer s.mu.Unlock()
	if s.calls[h.seq] != nil {
		return fmt.Errorf("%w: call %d comes twice", ErrFrame, h.seq)
	}
	s.count++
	s.bytes += len(payload)
	s.calls[h.seq] = call
	call.ctx, call.cancel = context.WithTimeout(s.ctx, callTimeout)
	s.running.Add(1)
	go s.serve(call)
	return nil
}

func (s *callServer) serve(call *servedCall) {
	defer s.running.Done()
	defer call.cancel()
	out, err := call.fn(call.ctx, call.payload)
	s.mu.Lock()
	delete(s.calls, call.h.seq)
	s.count--
	s.bytes -= len(call.payload)
	s.room.Signal()
	s.mu.Unlock()
	if err != nil {
		s.c.answerError(&call.h, err)
		return
	}
	if err := s.c.send(answerHeader(&call.h, kindAnswer), out); err != nil {
		s.c.answerError(&call.h, err) // an answer that is too large; else the connection is gone
	}
}

// cancel ends the context of a call whose caller no longer waits.
func (s *callServer) cancel(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if call := s.calls[seq]; call != nil {
		call.cancel()
	}
}
