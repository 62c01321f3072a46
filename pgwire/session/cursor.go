package session

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// cursor is what a portal of DECLARE has beside: a position, and the rows seen so
// far, so that it can go back. A cursor over a stream of changes and one of NO
// SCROLL keep none.
type cursor struct {
	hold, held bool
	forward    bool  // it can only go forward
	skipped    int64 // rows that a forward cursor gave before its history began
	seen       history
	pos        int64 // the row it stands on, from 1; 0: before the first
	end        bool  // all rows were seen
	// failed: an error ended it; it can only be closed.
	failed bool
	// last is the row on which a cursor stands that can only go forward; nil: on none.
	last []types.Datum
}

// maxHistoryBytes bounds what a cursor keeps for going back.
const maxHistoryBytes = 64 << 20

// history is the rows that a cursor has given so far.
type history struct {
	parts []*batch.Batch
	rows  int64
	bytes int
}

func (h *history) add(b *batch.Batch) {
	c := copyRows(b)
	h.parts = append(h.parts, c)
	h.rows += int64(c.N)
	for _, v := range c.Cols {
		h.bytes += 8*c.N + len(v.Buf)
	}
}

// slice gives rows [from, to), counted from 0.
func (h *history) slice(from, to int64, out func(*batch.Batch) error) error {
	start := int64(0)
	for _, p := range h.parts {
		a, b := max(from, start), min(to, start+int64(p.N))
		if a < b {
			if err := out(part(p, int(a-start), int(b-start))); err != nil {
				return err
			}
		}
		start += int64(p.N)
	}
	return nil
}

// declare makes a cursor.
func (s *Session) declare(st *statement, x *sql.DeclareCursor, params []types.Datum, sink Sink) error {
	if err := declarable(x); err != nil {
		return err
	}
	if err := s.ready(st, s.snapshot()); err != nil {
		return err
	}
	stream := st.plan.Emit != nil
	if s.block != explicitBlock && !x.Hold && !stream {
		return needsBlock("DECLARE CURSOR")
	}
	if s.portals[x.Name] != nil {
		return sqlerr.New(sqlerr.DuplicateCursor, "cursor \"%s\" already exists", x.Name)
	}
	if x.Scroll && stream {
		return sqlerr.Unsupported("SCROLL of a cursor over EMIT CHANGES",
			"Leave SCROLL out: such a cursor goes forward only.")
	}
	p := &portal{name: x.Name, st: st, params: params, created: s.host.clock.NowMicros(),
		cursor: &cursor{hold: x.Hold, forward: x.NoScroll || stream}}
	p.columns = columnsOf(st.plan)
	if x.Binary {
		p.formats = []int16{1}
		p.columns = formatted(p.columns, p.formats)
	}
	// A cursor over changes outlives blocks: it has no snapshot of theirs.
	p.cursor.held = stream && s.block != explicitBlock || x.Hold && s.block != explicitBlock
	if p.cursor.held && !stream {
		return s.declareHeld(p, x, sink)
	}
	s.startQuery(p)
	s.portals[x.Name] = p
	return gone(sink.Complete("DECLARE CURSOR"))
}

// declareHeld makes a cursor WITH HOLD outside a block: its rows are read at once.
func (s *Session) declareHeld(p *portal, x *sql.DeclareCursor, sink Sink) error {
	s.startQuery(p)
	if err := s.readAll(s.stmtCtx, p); err != nil {
		p.close()
		return err
	}
	s.portals[x.Name] = p
	return gone(sink.Complete("DECLARE CURSOR"))
}

// readAll takes all rows of a cursor into its history and frees its source.
func (s *Session) readAll(ctx context.Context, p *portal) error {
	c := p.cursor
	if c.forward {
		c.skipped = c.pos
	}
	_, err := s.deliver(ctx, p, 0, func(b *batch.Batch) error {
		c.seen.add(b)
		return nil
	})
	if err != nil {
		return err
	}
	c.end, c.held = true, true
	p.close()
	return nil
}

// holdCursors makes the cursors WITH HOLD of the block independent of it.
func (s *Session) holdCursors(ctx context.Context) error {
	for _, p := range s.portals {
		if p.cursor == nil || !p.cursor.hold || p.cursor.held {
			continue
		}
		if p.st.plan.Emit != nil {
			p.cursor.held = true
			continue
		}
		if err := s.readAll(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func errNoCursor(name string) error {
	return sqlerr.New(sqlerr.InvalidCursorName, "cursor \"%s\" does not exist", name)
}

// fetch runs FETCH.
func (s *Session) fetch(ctx context.Context, x *sql.Fetch, sink Sink) error {
	p := s.portals[x.Cursor]
	if p == nil {
		return errNoCursor(x.Cursor)
	}
	ctx, stop, err := s.fetchTime(ctx, x.Options)
	if err != nil {
		return err
	}
	defer stop()
	if err := s.openPortal(p); err != nil {
		return err
	}
	o := &output{sink: sink, result: s.result(p.columns, p.values)}
	n, err := s.advance(ctx, p, &x.CursorMove, o.rows)
	if err != nil && !errors.Is(err, errWaited) {
		return err
	}
	if err := o.announce(); err != nil {
		return err
	}
	return gone(sink.Complete("FETCH " + strconv.FormatInt(n, 10)))
}

// openPortal starts the portal of a Bind that FETCH is the first to use.
func (s *Session) openPortal(p *portal) error {
	if p.src != nil || p.cursor != nil || p.over {
		return nil
	}
	return s.startPortal(p)
}

// fetchTime reads WITH (timeout = '1s'); the wait then ends with errWaited.
func (s *Session) fetchTime(ctx context.Context, opts []sql.Option) (context.Context, func(), error) {
	if len(opts) == 0 {
		return ctx, func() {}, nil
	}
	o := opts[0]
	if lower(o.Name) != "timeout" || len(opts) > 1 {
		o = opts[len(opts)-1]
		return nil, nil, sqlerr.New(sqlerr.SyntaxError,
			"option \"%s\" of FETCH is not recognized", o.Name).At(o.Pos()).
			WithHint("The one option is timeout, such as WITH (timeout = '1s').")
	}
	text, err := literalText(o.Value)
	if err != nil {
		return nil, nil, err
	}
	micros, err := durationMicros(text)
	if err != nil {
		return nil, nil, sqlerr.As(err).At(o.Value.Pos())
	}
	wait, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-s.host.clock.After(micros):
			cancel(errWaited)
		case <-done:
		}
	}()
	return wait, func() { close(done); cancel(nil) }, nil
}

// durationMicros reads '1s', '100ms', or an interval.
func durationMicros(text string) (int64, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d.Microseconds(), nil
	}
	iv, err := types.ParseInterval(nil, types.Of(types.Interval), text)
	if err != nil {
		return 0, err
	}
	if iv.Months != 0 || iv.Micros < 0 || iv.Days < 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "timeout must be a time such as '1s'")
	}
	return iv.Micros + int64(iv.Days)*86_400_000_000, nil
}

// move runs MOVE: FETCH without the rows.
func (s *Session) move(ctx context.Context, x *sql.Move, sink Sink) error {
	p := s.portals[x.Cursor]
	if p == nil {
		return errNoCursor(x.Cursor)
	}
	if err := s.openPortal(p); err != nil {
		return err
	}
	n, err := s.advance(ctx, p, &x.CursorMove, func(*batch.Batch) error { return nil })
	if err != nil {
		return err
	}
	return gone(sink.Complete("MOVE " + strconv.FormatInt(n, 10)))
}

// executeCursor is Execute on the name of a cursor.
func (s *Session) executeCursor(p *portal, limit int64, sink Sink) error {
	o := &output{sink: sink, result: s.result(p.columns, p.values)}
	m := &sql.CursorMove{Dir: sql.FetchForward, Count: limit, All: limit <= 0}
	n, err := s.advance(s.stmtCtx, p, m, o.rows)
	if err != nil {
		return err
	}
	if err := o.announce(); err != nil {
		return err
	}
	if limit > 0 && n == limit {
		return gone(sink.Suspended())
	}
	return gone(sink.Complete(rowTag("SELECT", n)))
}

// advance moves a cursor and gives the rows on the way; n counts them.
func (s *Session) advance(ctx context.Context, p *portal, m *sql.CursorMove,
	out func(*batch.Batch) error,
) (n int64, err error) {
	c := p.cursor
	out = p.visible(out)
	if c == nil {
		return s.advanceForward(ctx, p, m, out)
	}
	if c.failed {
		return 0, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"portal \"%s\" cannot be run", p.name).
			WithHint("An error ended the cursor. Close it, and declare it anew.")
	}
	if c.forward {
		n, err = s.advanceForward(ctx, p, m, out)
	} else {
		n, err = s.advanceAny(ctx, p, m, out)
	}
	// Changes go on after an interruption: such a cursor has no snapshot to lose.
	c.failed = err != nil && p.st.plan.Emit == nil
	return n, err
}

// advanceAny serves cursors that keep rows to go back to.
func (s *Session) advanceAny(ctx context.Context, p *portal, m *sql.CursorMove,
	out func(*batch.Batch) error,
) (n int64, err error) {
	c, count := p.cursor, m.Count
	switch m.Dir {
	case sql.FetchForward:
		if m.All {
			count = math.MaxInt64
		}
		if count < 0 {
			return s.backward(p, -count, out)
		}
		return s.forward(ctx, p, count, out)
	case sql.FetchBackward:
		if m.All {
			count = math.MaxInt64
		}
		if count < 0 {
			return s.forward(ctx, p, -count, out)
		}
		return s.backward(p, count, out)
	case sql.FetchRelative:
		return s.goTo(ctx, p, c.pos+count, out)
	}
	if count < 0 {
		if err := s.see(ctx, p, math.MaxInt64); err != nil {
			return 0, err
		}
		count = max(c.seen.rows+1+count, 0)
	}
	return s.goTo(ctx, p, count, out)
}

// advanceForward serves cursors that keep no rows.
func (s *Session) advanceForward(ctx context.Context, p *portal, m *sql.CursorMove,
	out func(*batch.Batch) error,
) (int64, error) {
	pos := int64(0)
	if p.cursor != nil {
		pos = p.cursor.pos
	}
	count := m.Count
	if m.All {
		count = math.MaxInt64
	}
	switch {
	case m.Dir == sql.FetchForward && count > 0:
	case m.Dir == sql.FetchForward && count == 0:
		return 0, nil
	case m.Dir == sql.FetchRelative && count == 1:
	case m.Dir == sql.FetchAbsolute && count == pos+1:
		count = 1
	default:
		return 0, errForwardOnly()
	}
	var n int64
	var err error
	if p.cursor != nil && p.cursor.end { // held: the rows are in the history
		c := p.cursor
		to := c.skipped + c.seen.rows
		if count < to-c.pos {
			to = c.pos + count
		}
		n = max(to-c.pos, 0)
		err = c.seen.slice(c.pos-c.skipped, c.pos+n-c.skipped,
			func(b *batch.Batch) error { return gone(out(b)) })
	} else {
		n, err = s.deliver(ctx, p, count, out)
	}
	if p.cursor != nil {
		if p.cursor.pos += n; n < count {
			p.cursor.last = nil
		}
	}
	return n, err
}

func errForwardOnly() error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "cursor can only scan forward").
		WithHint("Declare it with SCROLL option to enable backward scan.")
}

// see reads rows into the history until it has want of them or all.
func (s *Session) see(ctx context.Context, p *portal, want int64) error {
	c := p.cursor
	for !c.end && c.seen.rows < want {
		b, err := p.rows(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			c.end = true
			break
		}
		c.seen.add(part(b, p.at, b.Rows()))
		p.at = b.Rows()
		if c.seen.bytes > maxHistoryBytes {
			return sqlerr.New(sqlerr.ConfigurationLimitExceeded,
				"cursor \"%s\" has given more than %d MB, which it keeps for going back",
				p.name, maxHistoryBytes>>20).
				WithHint("Declare it with NO SCROLL.")
		}
	}
	return nil
}

func (s *Session) forward(ctx context.Context, p *portal, count int64,
	out func(*batch.Batch) error,
) (int64, error) {
	c := p.cursor
	if count == 0 {
		if c.pos == 0 || c.pos > c.seen.rows {
			return 0, nil
		}
		return 1, c.seen.slice(c.pos-1, c.pos, out)
	}
	want := int64(math.MaxInt64)
	if count < math.MaxInt64-c.pos {
		want = c.pos + count
	}
	if err := s.see(ctx, p, want); err != nil {
		return 0, err
	}
	from := min(c.pos, c.seen.rows)
	to := min(want, c.seen.rows)
	c.pos = to
	if to < want {
		c.pos = c.seen.rows + 1
	}
	return to - from, c.seen.slice(from, to, func(b *batch.Batch) error { return gone(out(b)) })
}

func (s *Session) backward(p *portal, count int64, out func(*batch.Batch) error) (int64, error) {
	c := p.cursor
	if count == 0 {
		return s.forward(s.stmtCtx, p, 0, out)
	}
	n := int64(0)
	for c.pos > 0 && n < count {
		if c.pos--; c.pos == 0 {
			break
		}
		if err := c.seen.slice(c.pos-1, c.pos, out); err != nil {
			return n, gone(err)
		}
		n++
	}
	return n, nil
}

// goTo stands on a row and gives it.
func (s *Session) goTo(ctx context.Context, p *portal, row int64, out func(*batch.Batch) error) (
	int64, error,
) {
	c := p.cursor
	if row <= 0 {
		c.pos = 0
		return 0, nil
	}
	if err := s.see(ctx, p, row); err != nil {
		return 0, err
	}
	if row > c.seen.rows {
		c.pos = c.seen.rows + 1
		return 0, nil
	}
	c.pos = row
	return 1, gone(c.seen.slice(row-1, row, out))
}

// closeCursor runs CLOSE.
func (s *Session) closeCursor(x *sql.CloseCursor, sink Sink) error {
	if x.All {
		for name, p := range s.portals {
			if p.cursor != nil {
				s.closePortal(name)
			}
		}
		return gone(sink.Complete("CLOSE CURSOR ALL"))
	}
	if s.portals[x.Name] == nil {
		return errNoCursor(x.Name)
	}
	s.closePortal(x.Name)
	return gone(sink.Complete("CLOSE CURSOR"))
}
