package docgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/node"
)

// stillClock stands at noon of the first of May 2026, so that times in pages are
// the same at each run; waiting is real.
type stillClock struct{}

func (stillClock) NowMicros() int64 { return 1_777_636_800_000_000 }

func (stillClock) After(micros int64) <-chan struct{} {
	ch := make(chan struct{}, 1)
	time.AfterFunc(time.Duration(micros)*time.Microsecond, func() { ch <- struct{}{} })
	return ch
}

// player runs blocks against a node of its own.
type player struct {
	node  *node.Node
	conns map[string]*client.Conn // by session
	// notices are of the statement that runs, and noticeCode is the last one's code;
	// code is that of its error.
	notices          bytes.Buffer
	noticeCode, code string
}

// newPlayer starts a node in memory.
func newPlayer(t *testing.T) *player {
	t.Helper()
	cfg := node.DefaultConfig()
	cfg.Listen, cfg.HTTP, cfg.Cluster = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Data, cfg.FS, cfg.NodeID = "/data", vfs.NewMem(), "n1"
	cfg.Logger, cfg.Clock, cfg.LogFileBytes = slog.New(slog.DiscardHandler), stillClock{}, 1<<20
	var seed atomic.Uint64
	cfg.Random = func() uint64 { return seed.Add(0x9e3779b97f4a7c15) }
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{node: n, conns: map[string]*client.Conn{}}
	t.Cleanup(func() {
		p.closeSessions()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *player) closeSessions() {
	for name, c := range p.conns {
		_ = c.Close()
		delete(p.conns, name)
	}
}

// session gives a session by its name; it is opened when it is first asked for.
func (p *player) session(ctx context.Context, name, user string) (*client.Conn, error) {
	if user == "" {
		user = "millrace"
	}
	if c, ok := p.conns[name]; ok && !c.Closed() {
		return c, nil
	}
	c, err := p.connect(ctx, "millrace", user)
	if err == nil {
		p.conns[name] = c
	}
	return c, err
}

// connect opens a session.
func (p *player) connect(ctx context.Context, database, user string) (*client.Conn, error) {
	url := "postgres://" + user + "@" + p.node.SQLAddr() + "/" + database + "?sslmode=disable"
	return client.Connect(ctx, url, client.Options{
		AppName: "docs",
		Notice: func(n *pgconn.Notice) {
			p.noticeCode = n.Code
			client.WriteNotice(&p.notices, n)
		},
	})
}

// patience bounds a block: a page that waits for ever is wrong.
const patience = 20 * time.Second

// play runs a block and gives what a shell shows, without the tags of statements
// that give no rows, and whether a statement was refused.
func (p *player) play(ctx context.Context, b *block) (out string, refused bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := p.session(ctx, b.options["session"], b.options["user"])
	if err != nil {
		return "", false, err
	}
	limit, err := b.rows()
	if err != nil {
		return "", false, err
	}
	var all strings.Builder
	for _, s := range splitBlock(b.text) {
		shown, bad, err := p.run(ctx, c, s, limit)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", s.text, err)
		}
		all.WriteString(shown)
		refused = refused || bad
	}
	return all.String(), refused, nil
}

// run runs one statement. A limit ends it after so many rows.
func (p *player) run(ctx context.Context, c *client.Conn, s statement, limit int) (
	shown string, refused bool, err error) {
	p.notices.Reset()
	p.noticeCode, p.code = "", ""
	var out bytes.Buffer
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &counter{w: &out, left: limit, done: cancel}
	switch upper := strings.ToUpper(s.text); {
	case s.copy:
		_, err = c.CopyFrom(live, s.text, strings.NewReader(s.data))
	case strings.HasPrefix(upper, "COPY") && strings.Contains(upper, "TO STDOUT"):
		w.lines = true
		_, err = c.CopyTo(live, s.text, w)
	default:
		err = runQuery(live, c, s.text, &out, w)
	}
	if w.ended && live.Err() != nil && ctx.Err() == nil {
		err = nil
	}
	if ctx.Err() != nil {
		return "", false, fmt.Errorf("no end within %s", patience)
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		client.WriteError(&out, e, s.text)
		p.code = e.Code
		refused, err = true, nil
	}
	return p.notices.String() + trimLines(out.String()), refused, err
}

// runQuery prints the rows of a statement as a table.
func runQuery(ctx context.Context, c *client.Conn, text string, out io.Writer, w *counter) error {
	printer := client.NewPrinter(out, client.Table, false)
	h := printer.Handler(func(string) {})
	row := h.Row
	if w.left > 0 {
		h.Row = func(r [][]byte) error {
			if w.ended {
				return nil
			}
			err := row(r)
			if w.count(1) {
				err = errors.Join(err, printer.End())
			}
			return err
		}
	}
	return c.Stream(ctx, text, h)
}

// counter ends a statement after a number of rows.
type counter struct {
	w     io.Writer
	left  int
	lines bool
	ended bool
	done  func()
}

func (c *counter) count(n int) bool {
	if c.left == 0 {
		return false
	}
	if c.left -= n; c.left > 0 {
		return false
	}
	c.left, c.ended = 0, true
	c.done()
	return true
}

// Write takes a row of a COPY.
func (c *counter) Write(b []byte) (int, error) {
	if c.ended {
		return len(b), nil
	}
	n, err := c.w.Write(b)
	if c.lines && c.left > 0 {
		c.count(bytes.Count(b, []byte("\n")))
	}
	return n, err
}

// trimLines drops blanks at the ends of lines, which editors drop too.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
