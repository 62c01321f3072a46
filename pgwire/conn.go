package pgwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"

	"github.com/jackc/pgproto3/v2"
	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// conn is one client's connection. Two goroutines belong to it: serve, which does
// what the messages say, and its intake's fill.
type conn struct {
	server  *Server
	raw     net.Conn // the socket
	nc      net.Conn // what is spoken over: raw, or TLS over it
	in      *intake
	w       writer
	secure  bool // TLS
	session *session.Session
	sink    sink
	done    chan struct{} // closed when serve ends

	// skipping: after an error in the extended protocol everything up to Sync is
	// ignored.
	skipping bool
	// lostSync: a message came where none of its kind may, the connection ends.
	lostSync bool
	// decoding: the message is still being read; a panic now is the message's fault.
	decoding bool
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, raw: nc, nc: nc, in: newIntake(), done: make(chan struct{})}
	c.w = writer{conn: nc, timeout: s.cfg.WriteTimeout,
		sent: func(n int) { s.metrics.bytesOut.Add(float64(n)) }}
	c.sink.c = c
	c.sink.rows.w = &c.w
	if t, ok := nc.(*net.TCPConn); ok {
		// Half a minute to notice a client whose machine is gone.
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 15e9, Interval: 5e9,
			Count: 3})
	}
	return c
}

// serve handles a client from the first byte to the last.
func (c *conn) serve() {
	var filling sync.WaitGroup
	defer func() {
		c.in.close()
		c.nc.Close()
		close(c.done)
		filling.Wait()
		if c.session != nil {
			c.session.Close()
		}
	}()
	defer c.recover()
	err := c.begin()
	if err == nil && c.session == nil {
		return // a cancel request
	}
	if err == nil {
		filling.Go(func() { c.watch(c.in.fill(c.nc)) })
		defer context.AfterFunc(c.context(), func() { c.in.interrupt(c.session.Err()) })()
		err = c.loop()
	}
	c.last(err)
}

// context ends when the session was told to end.
func (c *conn) context() context.Context { return c.session.Context() }

// recover turns a defect into the end of this connection only.
func (c *conn) recover() {
	r := recover()
	if r == nil {
		return
	}
	c.server.metrics.panics.Inc()
	c.server.cfg.Logger.Error("connection ended by a defect", "panic", r,
		"stack", string(debug.Stack()))
	e := sqlerr.New(sqlerr.InternalError, "internal error: %v", r).
		WithHint("This is a defect of Millrace; its log has the details.")
	if c.decoding {
		e = sqlerr.New(sqlerr.ProtocolViolation, "invalid message format")
	}
	e.Fatal = true
	c.last(e)
}

// watch sees the client go away while a statement may be running.
func (c *conn) watch(err error) {
	if c.isDone() {
		return
	}
	if errors.Is(err, io.EOF) && !c.session.Streaming() {
		// The client may only have closed its side after the last request: what it asked
		// for is finished, unless it takes long.
		select {
		case <-c.server.cfg.Clock.After(c.server.cfg.Grace.Microseconds()):
		case <-c.done:
			return
		}
	}
	c.session.Hangup(err)
}

func (c *conn) isDone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// last sends the error that ends a connection, if the client should see it.
func (c *conn) last(err error) {
	var e *sqlerr.Error
	if errors.Is(err, errInterrupted) {
		err = c.in.reason()
	}
	if errors.As(err, &e) && !session.IsGone(err) {
		f := *e
		f.Fatal = true
		c.countError(&f)
		_ = c.w.failure(&f)
	}
	_ = c.w.flush() // the client may be gone, which is no news
}

// loop handles messages until the client or the session ends.
func (c *conn) loop() error {
	if err := c.ready(); err != nil {
		return err
	}
	for {
		f, err := c.nextMessage()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
			errors.Is(err, errLostSync):
			return nil
		case err != nil:
			return err
		case f.kind == 'X':
			return nil
		}
		c.server.metrics.messages.Inc()
		c.server.metrics.bytesIn.Add(float64(len(f.body) + 5))
		if err := c.handle(f); err != nil {
			return err
		}
	}
}

// nextMessage waits for a message while the session is idle.
func (c *conn) nextMessage() (frame, error) {
	if limit, why := c.session.IdleLimit(); limit > 0 {
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			select {
			case <-c.server.cfg.Clock.After(limit):
				c.in.interrupt(why)
			case <-stop:
			}
		}()
	}
	return c.in.next(maxBody, true)
}

// handle does what a message says. An error ends the connection.
func (c *conn) handle(f frame) error {
	if c.skipping && f.kind != 'S' {
		return nil
	}
	if f.kind == 'd' || f.kind == 'c' || f.kind == 'f' {
		return nil // left over from a COPY that failed
	}
	c.decoding = true
	if !wellFormed(f) {
		return c.failed(errMessageFormat(), f.kind)
	}
	err := c.dispatch(f)
	c.decoding = false
	if err != nil {
		return c.failed(err, f.kind)
	}
	return nil
}

// dispatch does a well-formed message.
func (c *conn) dispatch(f frame) error {
	switch f.kind {
	case 'Q':
		return c.query(f)
	case 'P':
		return c.parse(f)
	case 'B':
		return c.bind(f)
	case 'D':
		return c.describe(f)
	case 'E':
		return c.execute(f)
	case 'C':
		return c.close(f)
	case 'H':
		return c.w.flush()
	case 'S':
		return c.sync()
	case 'F':
		return sqlerr.Unsupported("the function call protocol", "Call the function with SELECT.")
	}
	return fatalProtocol("invalid frontend message type %d", f.kind)
}

// failed sends an error that a message caused; a returned error ends the
// connection.
func (c *conn) failed(err error, kind byte) error {
	c.decoding = false
	if session.IsGone(err) || c.w.err != nil {
		return errors.Join(err, c.w.err)
	}
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("message %q: %w", kind, err)
	}
	if e.Fatal {
		return e
	}
	c.countError(e)
	if err := c.w.failure(e); err != nil {
		return err
	}
	if c.lostSync {
		return fatalProtocol("terminating connection because protocol synchronization was lost")
	}
	if kind == 'Q' || kind == 'F' || kind == 'S' {
		return c.ready()
	}
	c.skipping = true
	return nil
}

func (c *conn) countError(e *sqlerr.Error) {
	class := string(e.Code)
	if len(class) >= 2 {
		class = class[:2]
	}
	c.server.metrics.errors.WithLabelValues(class).Inc()
}

// ready sends ReadyForQuery, and the changes of settings before it.
func (c *conn) ready() error {
	if err := c.reports(); err != nil {
		return err
	}
	c.w.begin('Z')
	c.w.buf = append(c.w.buf, c.session.Status())
	if err := c.w.end(); err != nil {
		return err
	}
	return c.w.flush()
}

// reports sends the reported settings that changed.
func (c *conn) reports() error {
	for _, p := range c.session.Reports() {
		c.w.begin('S')
		c.w.buf = append(c.w.buf, p.Name...)
		c.w.buf = append(c.w.buf, 0)
		c.w.buf = append(c.w.buf, p.Value...)
		c.w.buf = append(c.w.buf, 0)
		if err := c.w.end(); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) query(f frame) error {
	text := string(f.body[:len(f.body)-1])
	c.decoding = false
	c.sink.describe = true
	if err := c.session.Query(text, &c.sink); err != nil {
		return err
	}
	return c.ready()
}

func (c *conn) parse(f frame) error {
	var m pgproto3.Parse
	if err := m.Decode(f.body); err != nil {
		return errMessageFormat()
	}
	c.decoding = false
	if err := c.session.Parse(m.Name, m.Query, m.ParameterOIDs); err != nil {
		return err
	}
	return c.w.empty('1')
}

func (c *conn) bind(f frame) error {
	var m pgproto3.Bind
	if err := m.Decode(f.body); err != nil {
		return errMessageFormat()
	}
	c.decoding = false
	err := c.session.Bind(m.DestinationPortal, m.PreparedStatement, m.ParameterFormatCodes,
		m.Parameters, m.ResultFormatCodes)
	if err != nil {
		return err
	}
	return c.w.empty('2')
}

func (c *conn) describe(f frame) error {
	name := string(f.body[1 : len(f.body)-1])
	c.decoding = false
	if f.body[0] == 'P' {
		cols, err := c.session.DescribePortal(name)
		if err != nil {
			return err
		}
		return c.columns(cols)
	}
	d, err := c.session.DescribeStatement(name)
	if err != nil {
		return err
	}
	if err := c.w.message(&pgproto3.ParameterDescription{ParameterOIDs: d.Params}); err != nil {
		return err
	}
	return c.columns(d.Columns)
}

// columns sends RowDescription, or NoData.
func (c *conn) columns(cols []session.Column) error {
	if cols == nil {
		return c.w.empty('n')
	}
	return c.w.rowDescription(cols)
}

func (c *conn) execute(f frame) error {
	var m pgproto3.Execute
	if err := m.Decode(f.body); err != nil {
		return errMessageFormat()
	}
	c.decoding = false
	c.sink.describe = false
	last := c.in.endsPipeline()
	return c.session.Execute(m.Portal, int64(int32(m.MaxRows)), last, &c.sink)
}

func (c *conn) close(f frame) error {
	name := string(f.body[1 : len(f.body)-1])
	c.decoding = false
	if f.body[0] == 'P' {
		c.session.ClosePortal(name)
	} else {
		c.session.CloseStatement(name)
	}
	return c.w.empty('3')
}

// sync ends a pipeline.
func (c *conn) sync() error {
	c.decoding, c.skipping = false, false
	if err := c.session.Sync(); err != nil {
		return err
	}
	return c.ready()
}
