package session

import (
	"context"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// portal is a statement being executed: of Bind, or a cursor of DECLARE. They
// share their names. A portal ends with its transaction unless it is held.
type portal struct {
	name    string
	st      *statement // nil: the text was empty
	params  []types.Datum
	formats []int16
	columns []Column
	created int64
	values  *types.Env // of the execution, for the text form

	// Cursors.
	cursor *cursor

	src  source
	cur  *batch.Batch // rows of the last batch that were not given yet
	at   int          // number of rows of cur given
	over bool         // the source has ended
	tag  string       // of a statement that was run to its end at once
}

// DescribePortal describes the result of a portal; nil: it gives no rows.
func (s *Session) DescribePortal(name string) ([]Column, error) {
	p := s.portals[name]
	if p == nil {
		s.fail()
		return nil, errNoPortal(name)
	}
	return p.columns, nil
}

func errNoPortal(name string) error {
	return sqlerr.New(sqlerr.InvalidCursorName, "portal \"%s\" does not exist", name)
}

// Execute runs a portal, or goes on with it, for at most limit rows (0: all). last
// says that nothing else comes before Sync, so that a statement outside a block
// may commit by itself.
func (s *Session) Execute(name string, limit int64, last bool, sink Sink) error {
	p := s.portals[name]
	if p == nil {
		s.fail()
		return errNoPortal(name)
	}
	if p.st == nil {
		return gone(sink.Empty())
	}
	s.begin(p.st.text)
	defer s.end()
	if s.block == noBlock && !last && !isControl(p.st.tree) {
		s.block = implicitBlock
	}
	err := s.execute(p, limit, sink)
	if err != nil {
		err = s.userError(err, p.st.text)
		s.fail()
	}
	return err
}

func isControl(x sql.Statement) bool {
	_, ok := x.(*sql.Begin)
	return ok
}

func (s *Session) execute(p *portal, limit int64, sink Sink) error {
	if p.cursor != nil {
		return s.executeCursor(p, limit, sink)
	}
	if p.src == nil && p.tag == "" && !p.over {
		if s.failed && !endsBlock(p.st.tree) {
			return errFailedBlock()
		}
		if limit <= 0 || len(p.columns) == 0 && !isQuery(p.st.tree) {
			p.over = true
			keep := keepTag{Sink: sink, p: p}
			return s.one(p.st, p.params, p.formats, &keep)
		}
		if err := s.startPortal(p); err != nil {
			return err
		}
	}
	return s.goOn(p, limit, sink)
}

// keepTag remembers the tag of a portal that ran to its end.
type keepTag struct {
	Sink
	p *portal
}

func (k *keepTag) Complete(tag string) error {
	k.p.tag = tag
	return k.Sink.Complete(tag)
}

// startPortal gives a portal its source of rows.
func (s *Session) startPortal(p *portal) error {
	if planned(p.st.tree) {
		if err := s.ready(p.st, s.snapshot()); err != nil {
			return err
		}
		if p.st.plan.Root != nil && isQuery(p.st.tree) {
			s.startQuery(p)
			return nil
		}
	}
	// Anything else runs to its end, and its rows are given in pieces.
	c := &collector{session: s}
	if err := s.one(p.st, p.params, p.formats, c); err != nil {
		return err
	}
	p.src, p.tag, p.values = &stored{c.list}, c.tag, c.values
	return nil
}

func isQuery(x sql.Statement) bool {
	switch x.(type) {
	case *sql.SelectStmt, *sql.DeclareCursor, *sql.ShowObjects, *sql.Describe, *sql.PrintStream:
		return true
	}
	return false
}

func (s *Session) startQuery(p *portal) {
	x := s.scope()
	p.values = &x.values
	if p.st.plan.Emit != nil {
		p.src = s.stream(x, p.st.plan, p.params)
	} else {
		p.src = s.pull(x, p.st.plan, p.params)
	}
}

// goOn gives the next rows of a started portal.
func (s *Session) goOn(p *portal, limit int64, sink Sink) error {
	if err := gone(sink.Columns(s.result(p.columns, p.values))); err != nil {
		return err
	}
	n, err := s.deliver(s.stmtCtx, p, limit, sink.Rows)
	if err != nil {
		return err
	}
	s.rowsSent.Add(n)
	if limit > 0 && n == limit {
		return gone(sink.Suspended())
	}
	return gone(sink.Complete(lastTag(p.tag, n)))
}

// lastTag is the tag of the last piece of a portal's rows: the count is that of
// the piece.
func lastTag(tag string, n int64) string {
	if tag == "" {
		return rowTag("SELECT", n)
	}
	end := len(tag)
	for end > 0 && tag[end-1] >= '0' && tag[end-1] <= '9' {
		end--
	}
	if end == len(tag) || end == 0 {
		return tag
	}
	return tag[:end] + strconv.FormatInt(n, 10)
}

// deliver gives at most limit rows (<= 0: all there are) and says how many.
func (s *Session) deliver(ctx context.Context, p *portal, limit int64,
	out func(*batch.Batch) error,
) (n int64, err error) {
	for limit <= 0 || n < limit {
		b, err := p.rows(ctx)
		if err != nil || b == nil {
			return n, err
		}
		k := b.Rows() - p.at
		if limit > 0 {
			k = int(min(int64(k), limit-n))
		}
		if err := gone(out(part(b, p.at, p.at+k))); err != nil {
			return n, err
		}
		p.at += k
		n += int64(k)
	}
	return n, nil
}

// rows gives the batch that has rows left, nil at the end.
func (p *portal) rows(ctx context.Context) (*batch.Batch, error) {
	for p.cur == nil || p.at == p.cur.Rows() {
		p.cur, p.at = nil, 0
		if p.over || p.src == nil {
			return nil, nil
		}
		b, err := p.src.next(ctx)
		if err != nil {
			return nil, err
		}
		if b == nil {
			p.over = true
			return nil, nil
		}
		p.cur = b
	}
	return p.cur, nil
}

// part gives rows [from, to) of a batch without weights.
func part(b *batch.Batch, from, to int) *batch.Batch {
	if from == 0 && to == b.Rows() {
		return b
	}
	out := *b
	if b.Sel != nil {
		out.Sel = b.Sel[from:to]
		return &out
	}
	out.Sel = make([]uint16, to-from)
	for i := range out.Sel {
		out.Sel[i] = uint16(from + i)
	}
	return &out
}

func (p *portal) close() {
	if p.src != nil {
		p.src.close()
		p.src = nil
	}
	p.cur, p.over = nil, true
}

func (s *Session) closePortal(name string) {
	if p := s.portals[name]; p != nil {
		delete(s.portals, name)
		p.close()
	}
}

// closePortals ends the portals of a transaction; held cursors stay unless all is
// set.
func (s *Session) closePortals(all bool) {
	if len(s.portals) == 0 {
		return
	}
	var names []string
	for name, p := range s.portals {
		if all || p.cursor == nil || !p.cursor.held {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		s.closePortal(name)
	}
}

// collector keeps the rows of a statement.
type collector struct {
	session *Session
	values  *types.Env
	list    []*batch.Batch
	tag     string
	Sink
}

func (c *collector) Columns(r *Result) error { c.values = r.Values; return nil }
func (c *collector) Rows(b *batch.Batch) error {
	c.list = append(c.list, copyRows(b))
	return nil
}
func (c *collector) Flush() error              { return nil }
func (c *collector) Notice(*Notice) error      { return nil }
func (c *collector) Complete(tag string) error { c.tag = tag; return nil }
func (c *collector) Empty() error              { return nil }
func (c *collector) CopyIn(context.Context, CopyHeader) (CopyReader, error) {
	return nil, sqlerr.Unsupported("COPY with a row limit", "Execute it without a limit.")
}

func (c *collector) CopyOut(CopyHeader) error {
	return sqlerr.Unsupported("COPY with a row limit", "Execute it without a limit.")
}

// copyRows copies the rows that count.
func copyRows(b *batch.Batch) *batch.Batch {
	out := batch.New(b.Types(), b.Rows())
	for k := range b.Rows() {
		out.AppendRow(b, b.Index(k), 1)
	}
	return out
}
