package session

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// Config is what the sessions of a node share. All fields but MaxSessions and
// Logger are needed.
type Config struct {
	Engine *exec.Engine
	System *system.Registry
	Clock  exec.Clock
	// Random gives random bits: session keys, random(), salts.
	Random func() uint64
	Logger *slog.Logger
	// MaxSessions bounds the sessions at a time; 0: 1000.
	MaxSessions int
}

// defaultMaxSessions is max_connections: a session costs two goroutines and some
// 30 KiB, so that the bound is against runaway clients, not memory.
const defaultMaxSessions = 1000

// Host makes sessions and knows those that are open.
type Host struct {
	engine *exec.Engine
	system *system.Registry
	clock  exec.Clock
	random func() uint64
	logger *slog.Logger
	most   int
	// started is the time of NewHost, microseconds since 1970.
	started int64
	stats   statements
	locks   advisoryLocks
	seqs    sequences

	mu       sync.Mutex
	sessions map[int32]*Session
	lastPID  int32
	closed   bool
}

// NewHost makes a Host and registers what it knows as rows of system views.
func NewHost(cfg Config) (*Host, error) {
	if cfg.Engine == nil || cfg.System == nil || cfg.Clock == nil || cfg.Random == nil {
		return nil, fmt.Errorf("session: incomplete configuration")
	}
	h := &Host{engine: cfg.Engine, system: cfg.System, clock: cfg.Clock, random: cfg.Random,
		logger: cfg.Logger, most: cfg.MaxSessions, started: cfg.Clock.NowMicros(),
		sessions: map[int32]*Session{}}
	if h.most <= 0 {
		h.most = defaultMaxSessions
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	h.seqs.host = h
	return h, h.register()
}

// Engine gives the engine that sessions run on.
func (h *Host) Engine() *exec.Engine { return h.engine }

// Options describe a new session.
type Options struct {
	// Context ends the session; nil: it ends by Close only.
	Context  context.Context
	User     string
	Database string
	Door     string // "wire", "http" or "console"
	Address  string // of the client, "" if there is none
	// Settings are the start-up parameters; RESET returns to them.
	Settings []Parameter
}

// Open begins a session of a user who has shown who he is.
func (h *Host) Open(o Options) (*Session, error) {
	if o.Database == "" {
		o.Database = o.User
	}
	if o.Database != DatabaseName && o.Database != databaseAlias {
		return nil, fatal(sqlerr.InvalidCatalogName, "database \"%s\" does not exist", o.Database).
			WithHint("The database is named %s.", DatabaseName)
	}
	if err := h.CheckUser(o.User); err != nil {
		return nil, err
	}
	s := newSession(h, o)
	for _, p := range o.Settings {
		if err := s.startSetting(p); err != nil {
			e := *sqlerr.As(err)
			e.Fatal = true
			return nil, &e
		}
	}
	return s, h.enter(s)
}

// The names of the one database.
const (
	DatabaseName  = "millrace"
	databaseAlias = "postgres"
)

// CheckUser tells why a role may not log in, or nil.
func (h *Host) CheckUser(user string) error {
	r := h.engine.Catalog().Role(user)
	switch {
	case r == nil:
		return fatal(sqlerr.InvalidAuthorizationSpecification, "role \"%s\" does not exist", user)
	case !r.CanLogin:
		return fatal(sqlerr.InvalidAuthorizationSpecification,
			"role \"%s\" is not permitted to log in", user)
	}
	return nil
}

// Secret gives a role's SCRAM-SHA-256 verifier, "" without a password.
func (h *Host) Secret(user string) string {
	if r := h.engine.Catalog().Role(user); r != nil {
		return r.Secret
	}
	return ""
}

func fatal(code sqlerr.Code, format string, args ...any) *sqlerr.Error {
	e := sqlerr.New(code, format, args...)
	e.Fatal = true
	return e
}

func errShutdown() *sqlerr.Error {
	return fatal(sqlerr.AdminShutdown, "terminating connection due to administrator command")
}

// enter gives a session its number.
func (h *Host) enter(s *Session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fatal(sqlerr.CannotConnectNow, "the database system is shutting down")
	case len(h.sessions) >= h.most:
		return fatal(sqlerr.TooManyConnections, "sorry, too many clients already").
			WithHint("Close sessions that are not in use; at most %d are served.", h.most)
	}
	for {
		h.lastPID++
		if h.lastPID <= 0 {
			h.lastPID = 1
		}
		if h.sessions[h.lastPID] == nil {
			break
		}
	}
	s.pid = h.lastPID
	h.sessions[s.pid] = s
	return nil
}

func (h *Host) leave(s *Session) {
	h.mu.Lock()
	delete(h.sessions, s.pid)
	h.mu.Unlock()
}

// Cancel ends the running statement of a session, if the key is its.
func (h *Host) Cancel(pid int32, key uint32) {
	if s := h.session(pid); s != nil && s.key == key {
		s.Cancel()
	}
}

func (h *Host) session(pid int32) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[pid]
}

// all lists the sessions by number.
func (h *Host) all() []*Session {
	h.mu.Lock()
	out := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		out = append(out, s)
	}
	h.mu.Unlock()
	slices.SortFunc(out, func(a, b *Session) int { return int(a.pid) - int(b.pid) })
	return out
}

// Close refuses new sessions and ends the open ones; their doors see Done.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, s := range h.all() {
		s.Terminate()
	}
}
