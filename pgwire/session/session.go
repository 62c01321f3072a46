package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// Session is one client's conversation.
type Session struct {
	host     *Host
	user     string
	database string
	door     string
	address  string
	pid      int32
	key      uint32
	started  int64

	ctx  context.Context // of the whole session
	stop context.CancelCauseFunc

	settings  *settings
	variables map[string]string // DEFINE
	cache     statementCache
	prepared  map[string]*prepared
	portals   map[string]*portal
	temp      []catalog.QualifiedName // temporary tables, dropped at the end
	// atCommit are those of them that have ON COMMIT DROP or DELETE ROWS.
	atCommit map[catalog.QualifiedName]sql.OnCommit
	lastSeq  lastSequence

	// The transaction (txn.go).
	block      blockKind
	failed     bool
	txn        *exec.Txn
	txnStart   int64 // microseconds; now() of the block
	savepoints []savepoint
	txnLocks   []advisoryWant
	// numbers are the sequences of the block's own; tempBefore what temp and atCommit were
	// before the block, nil when it made no temporary table.
	numbers    map[catalog.OID]*ownSequence
	tempBefore *tempTables
	// resetting: setval is part of DDL in a block, and undone with it.
	resetting bool

	// doing is how many blocks of DO are running, one within the other.
	doing int

	// stmtCtx is the running statement's.
	stmtCtx context.Context

	rowsSent atomic.Int64
	buffered atomic.Int64 // bytes that wait for a slow subscriber
	// reading is the system context of the execution in progress, by which views of
	// the session's own things find it.
	reading atomic.Pointer[system.Context]

	// info is what others see of the session.
	info struct {
		sync.Mutex
		cancel    context.CancelCauseFunc // nil: nothing runs
		state     string
		text      string
		stmtStart int64
		appName   string
	}
}

// maxShownText bounds the text of the current statement that others see.
const maxShownText = 1024

func newSession(h *Host, o Options) *Session {
	parent := o.Context
	if parent == nil {
		parent = context.Background()
	}
	s := &Session{host: h, user: o.User, database: o.Database, door: o.Door, address: o.Address,
		key: uint32(h.random()), started: h.clock.NowMicros(), settings: newSettings(),
		variables: map[string]string{}, prepared: map[string]*prepared{},
		portals: map[string]*portal{}}
	s.ctx, s.stop = context.WithCancelCause(parent)
	s.info.state = "idle"
	g := s.settings
	super := false
	if r := h.engine.Catalog().Role(o.User); r != nil {
		super = r.Superuser
		for _, x := range r.Settings {
			_ = s.startSetting(Parameter{x.Name, x.Value}) // was checked by ALTER ROLE
		}
	}
	for name, v := range map[string]string{"session_authorization": o.User,
		"is_superuser": onOff(super)} {
		i := settingIndex[name]
		g.values[i], g.reset[i] = v, v
	}
	return s
}

// startSetting applies a start-up parameter.
func (s *Session) startSetting(p Parameter) error {
	if err := s.set(lower(p.Name), p.Value, false); err != nil {
		return err
	}
	if i, ok := settingIndex[lower(p.Name)]; ok {
		s.settings.reset[i] = s.settings.values[i]
		if i == idxApplicationName {
			s.showName()
		}
	}
	return nil
}

func (s *Session) showName() {
	s.info.Lock()
	s.info.appName = s.settings.values[idxApplicationName]
	s.info.Unlock()
}

// PID and Key identify the session for Host.Cancel.
func (s *Session) PID() int32  { return s.pid }
func (s *Session) Key() uint32 { return s.key }

// Status is the transaction status of ReadyForQuery: 'I' idle, 'T' in a block,
// 'E' in a failed block.
func (s *Session) Status() byte {
	switch {
	case s.block != explicitBlock:
		return 'I'
	case s.failed:
		return 'E'
	}
	return 'T'
}

// Done is closed when the session was told to end; Err says why.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

// Err is the reason of Done.
func (s *Session) Err() error { return context.Cause(s.ctx) }

// Cancel ends the running statement, if any, with an error. It may be called by
// any goroutine.
func (s *Session) Cancel() {
	s.interrupt(sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request"))
}

func (s *Session) interrupt(why error) {
	s.info.Lock()
	cancel := s.info.cancel
	s.info.Unlock()
	if cancel != nil {
		cancel(why)
	}
}

// Terminate ends the session: its statement is cancelled, Done is closed.
func (s *Session) Terminate() { s.stop(errShutdown()) }

// Hangup ends the running statement because the client went away.
func (s *Session) Hangup(err error) { s.stop(gone(err)) }

// Close ends the session and gives everything back. The block is rolled back.
func (s *Session) Close() {
	s.rollback()
	for name := range s.portals {
		s.closePortal(name)
	}
	s.dropTemp()
	s.host.locks.releaseAll(s.pid, nil)
	s.stop(context.Canceled)
	s.host.leave(s)
}

// begin starts a statement: it can be cancelled from now on, until end.
func (s *Session) begin(text string) {
	if s.stmtCtx != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	s.stmtCtx = ctx
	now := s.host.clock.NowMicros()
	if s.block == noBlock || s.txn == nil && !s.failed && s.txnStart == 0 {
		s.txnStart = now
	}
	if len(text) > maxShownText {
		text = text[:maxShownText]
	}
	s.info.Lock()
	s.info.cancel, s.info.state, s.info.text, s.info.stmtStart = cancel, "active", text, now
	s.info.Unlock()
	if ms := s.settings.int(idxStatementTimeout); ms > 0 {
		go s.timeout(ctx, cancel, ms)
	}
}

// timeout cancels the statement of ctx when its time is over. The statement's end
// stops it.
func (s *Session) timeout(ctx context.Context, cancel context.CancelCauseFunc, ms int64) {
	select {
	case <-s.host.clock.After(ms * 1000):
		cancel(sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout"))
	case <-ctx.Done():
	}
}

func (s *Session) end() {
	state := "idle"
	if s.block == explicitBlock {
		state = "idle in transaction"
		if s.failed {
			state = "idle in transaction (aborted)"
		}
	}
	s.info.Lock()
	cancel := s.info.cancel
	s.info.cancel, s.info.state = nil, state
	s.info.Unlock()
	if cancel != nil {
		cancel(nil)
	}
	s.stmtCtx = nil
	if s.block == noBlock && s.txnLocks != nil {
		s.releaseTxnLocks()
	}
}

func (s *Session) streaming() {
	s.info.Lock()
	s.info.state = "streaming"
	s.info.Unlock()
}

// userError gives an error as the client should see it: the reason of a
// cancellation instead of its effect, the position in characters of text.
func (s *Session) userError(err error, text string) error {
	if err == nil || IsGone(err) {
		return err
	}
	if s.stmtCtx != nil && s.stmtCtx.Err() != nil {
		var cause *sqlerr.Error
		why := context.Cause(s.stmtCtx)
		if IsGone(why) {
			return why
		}
		if errors.As(why, &cause) && sqlerr.Is(translateContext(err), sqlerr.QueryCanceled) {
			return cause
		}
	}
	e := *sqlerr.As(translateContext(err))
	if e.Position == 0 && e.Offset > 0 && e.Offset-1 <= len(text) {
		e.Position = utf8.RuneCountInString(text[:e.Offset-1]) + 1
	}
	return &e
}

func translateContext(err error) error {
	var e *sqlerr.Error
	if !errors.As(err, &e) &&
		(errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return sqlerr.Wrap(err, sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	return err
}

// notice sends a message unless the client asked not to see its like.
func (s *Session) notice(sink Sink, n *Notice) error {
	if levelOf(n.Severity) < levelOf(s.settings.values[idxMinMessages]) {
		return nil
	}
	return gone(sink.Notice(n))
}

func levelOf(severity string) int {
	switch lower(severity) {
	case "error":
		return 5
	case "warning":
		return 4
	case "notice":
		return 3
	case "log", "info":
		return 2
	}
	return 1
}

func warning(code sqlerr.Code, message string) *Notice {
	return &Notice{Severity: "WARNING", Code: code, Message: message}
}

// lower folds ASCII.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// Context ends when the session was told to end.
func (s *Session) Context() context.Context { return s.ctx }

// Streaming tells whether a statement without an end is running.
func (s *Session) Streaming() bool {
	s.info.Lock()
	defer s.info.Unlock()
	return s.info.state == "streaming"
}

// IdleLimit says how long the session may wait for its next statement, in
// microseconds (0: for ever), and the error that then ends it.
func (s *Session) IdleLimit() (int64, error) {
	if s.block == explicitBlock {
		if ms := s.settings.int(idxIdleInTxn); ms > 0 {
			return ms * 1000, fatal(sqlerr.IdleInTransactionSessionTimeout,
				"terminating connection due to idle-in-transaction timeout")
		}
		return 0, nil
	}
	if ms := s.settings.int(idxIdle); ms > 0 {
		return ms * 1000, fatal(sqlerr.IdleSessionTimeout,
			"terminating connection due to idle-session timeout")
	}
	return 0, nil
}
