package pgwire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/pgwire/session"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a server needs. Engine, System, Listener, Clock and Random are
// required, the first two only without a Host.
type Config struct {
	Engine   *exec.Engine
	System   *system.Registry
	Listener net.Listener
	Logger   *slog.Logger
	Clock    exec.Clock
	// Random gives random bits: keys of cancellation, salts.
	Random func() uint64
	// Registry takes the metrics; nil: they are not shown.
	Registry prometheus.Registerer
	// Host is shared with other doors; nil: the server makes one.
	Host *session.Host
	// TLS is offered when set.
	TLS *tls.Config
	// Insecure lets users without a password in from other machines.
	Insecure bool
	// MaxConnections bounds sessions; 0: 1000.
	MaxConnections int
	// AuthTimeout is the time to log in; 0: 60 s, PostgreSQL's.
	AuthTimeout time.Duration
	// WriteTimeout is how long a client may not read before it is cut off; 0: 5
	// minutes. It is far above any pause of a reader that is alive (a pager in psql
	// is one) and bounds what a dead one holds.
	WriteTimeout time.Duration
	// Grace is how long a statement may go on after the client has closed its side of
	// the connection; 0: 2 s.
	Grace time.Duration
}

// Server accepts clients.
type Server struct {
	cfg     Config
	host    *session.Host
	metrics *metrics

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	// mockKey makes the salts of users that do not exist; 0: not drawn yet.
	mockKey uint64
	// work counts the accept loop and the connections' goroutines.
	work sync.WaitGroup
}

// Serve accepts clients on the listener until Close.
func Serve(cfg Config) (*Server, error) {
	if cfg.Listener == nil || cfg.Clock == nil || cfg.Random == nil {
		return nil, errors.New("pgwire: incomplete configuration")
	}
	cfg.fill()
	s := &Server{cfg: cfg, host: cfg.Host, metrics: newMetrics(cfg.Registry),
		conns: map[*conn]struct{}{}}
	if s.host == nil {
		var err error
		s.host, err = session.NewHost(session.Config{Engine: cfg.Engine, System: cfg.System,
			Clock: cfg.Clock, Random: cfg.Random, Logger: cfg.Logger,
			MaxSessions: cfg.MaxConnections})
		if err != nil {
			return nil, fmt.Errorf("start sessions: %w", err)
		}
	}
	s.work.Add(1)
	go s.accept()
	return s, nil
}

func (c *Config) fill() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = 1000
	}
	if c.AuthTimeout <= 0 {
		c.AuthTimeout = 60 * time.Second
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 5 * time.Minute
	}
	if c.Grace <= 0 {
		c.Grace = 2 * time.Second
	}
}

// Host gives the sessions' host, for other doors.
func (s *Server) Host() *session.Host { return s.host }

// Addr is the address that is listened on.
func (s *Server) Addr() net.Addr { return s.cfg.Listener.Addr() }

// acceptPause is how long accepting waits after an error such as too many open
// files.
const acceptPause = 10 * time.Millisecond

// accept is the goroutine of the listener; Close ends it.
func (s *Server) accept() {
	defer s.work.Done()
	for {
		c, err := s.cfg.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || s.isClosed() {
				return
			}
			s.cfg.Logger.Warn("accept a client", "err", err)
			<-s.cfg.Clock.After(acceptPause.Microseconds())
			continue
		}
		s.start(c)
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// start serves a client in a goroutine of its own.
func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	// Cancel requests and refusals need a connection too, hence twice the limit.
	if s.closed || len(s.conns) >= 2*s.cfg.MaxConnections {
		s.mu.Unlock()
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.work.Add(1)
	s.mu.Unlock()
	s.metrics.connections.Inc()
	go func() {
		defer s.work.Done()
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.metrics.connections.Dec()
	}()
}

// closeWait is how long Close waits for clients to take their last message.
const closeWait = 2 * time.Second

// Close ends all sessions with 57P01 and waits for their goroutines.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.cfg.Listener.Close()
	s.host.Close()
	deadline := time.Now().Add(closeWait)
	s.mu.Lock()
	for c := range s.conns {
		// Those that do not read, or are not logged in, are not waited for longer.
		_ = c.raw.SetDeadline(deadline)
	}
	s.mu.Unlock()
	s.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}
