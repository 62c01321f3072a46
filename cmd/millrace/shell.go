package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/peterh/liner"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// shell runs statements that come line by line.
type shell struct {
	url         string
	conn        *client.Conn
	out, errOut io.Writer
	stdin       io.Reader // of COPY FROM STDIN
	format      client.Format
	timing      bool
	interactive bool
	last        string // the last statement, for \watch and \live
	names       *completer
}

// errQuit ends the shell.
var errQuit = errors.New("quit")

// errReported ends a script after an error that has been shown.
var errReported = errors.New("a statement failed")

// lineSource gives lines without their end.
type lineSource interface {
	line(prompt string) (string, error)
}

// lines reads a script.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) lines { return lines{bufio.NewReader(r)} }

func (l lines) line(string) (string, error) {
	text, err := l.r.ReadString('\n')
	if err == io.EOF && text != "" {
		err = nil
	}
	return strings.TrimSuffix(text, "\n"), err
}

// data gives the data of a COPY that stands between the statements: the lines up
// to \. or the end.
type data struct {
	src     lineSource
	pending []byte
}

// Read implements io.Reader.
func (d *data) Read(p []byte) (int, error) {
	if len(d.pending) == 0 {
		text, err := d.src.line("")
		if err != nil {
			return 0, err
		}
		if text == `\.` {
			return 0, io.EOF
		}
		d.pending = append(append(d.pending, text...), '\n')
	}
	n := copy(p, d.pending)
	d.pending = d.pending[n:]
	return n, nil
}

// terminal reads lines with editing and history.
type terminal struct{ *liner.State }

func (t terminal) line(prompt string) (string, error) {
	text, err := t.Prompt(prompt)
	if errors.Is(err, liner.ErrPromptAborted) {
		return "", errAborted
	}
	return text, err
}

// errAborted: Ctrl-C at the prompt drops what was typed.
var errAborted = errors.New("aborted")

func (s *shell) connect(ctx context.Context) error {
	conn, err := client.Connect(ctx, s.url, client.Options{
		AppName: "millrace sql",
		Notice:  func(n *pgconn.Notice) { client.WriteNotice(s.errOut, n) },
	})
	if err != nil {
		return fmt.Errorf("%w\nIs the server running? 'millrace start' runs one; --url says where", err)
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn = conn
	return nil
}

// runScript runs statements until the first error.
func (s *shell) runScript(ctx context.Context, src lineSource) error {
	err := s.loop(ctx, src)
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// historyFile is where the shell keeps what was typed.
func historyFile() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".millrace_history")
}

// interact is the shell at a terminal.
func (s *shell) interact(ctx context.Context) error {
	l := liner.NewLiner()
	defer l.Close()
	l.SetCtrlCAborts(true)
	l.SetMultiLineMode(true)
	s.interactive = true
	s.stdin = &data{src: terminal{l}}
	s.names = &completer{}
	s.names.refresh(ctx, s.conn)
	l.SetWordCompleter(s.names.complete)
	if f, err := os.Open(historyFile()); err == nil {
		_, err = l.ReadHistory(f)
		if err = errors.Join(err, f.Close()); err != nil {
			fmt.Fprintf(s.errOut, "history: %v\n", err)
		}
	}
	fmt.Fprintf(s.out, "Connected to %s. \\? for help, \\q to leave.\n",
		s.conn.Parameter("server_version"))
	err := s.loop(ctx, terminal{l})
	if f, openErr := os.OpenFile(historyFile(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); openErr == nil {
		_, writeErr := l.WriteHistory(f)
		err = errors.Join(err, writeErr, f.Close())
	}
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// loop reads lines and runs each statement when it is complete.
func (s *shell) loop(ctx context.Context, src lineSource) error {
	buffer := ""
	for {
		line, err := src.line(s.prompt(buffer))
		switch {
		case errors.Is(err, errAborted):
			buffer = ""
			continue
		case err == io.EOF:
			if !blank(buffer) {
				return s.failed(s.run(ctx, buffer), buffer)
			}
			return nil
		case err != nil:
			return err
		}
		if t, ok := src.(terminal); ok && !blank(line) {
			t.AppendHistory(line)
		}
		if buffer += line + "\n"; blank(buffer) {
			buffer = ""
			continue
		}
		if buffer, err = s.consume(ctx, buffer); err != nil {
			return err
		}
	}
}

func (s *shell) prompt(buffer string) string {
	mark := "=> "
	if buffer != "" {
		mark = "-> "
	}
	if open, failed := s.conn.InTransaction(); failed {
		mark = "!" + mark
	} else if open {
		mark = "*" + mark
	}
	return "millrace" + mark
}

// consume runs all complete statements of the buffer and gives what is left.
func (s *shell) consume(ctx context.Context, buffer string) (string, error) {
	for {
		statement, rest, end := splitStatement(buffer)
		var err error
		switch end {
		case 0:
			if blank(statement) {
				return "", nil
			}
			return buffer, nil
		case '\\':
			command, after, _ := strings.Cut(rest, "\n")
			rest = after
			err = s.meta(ctx, command, strings.TrimSpace(statement))
		default:
			err = s.run(ctx, statement)
		}
		if err := s.failed(err, statement); err != nil {
			return "", err
		}
		buffer = rest
	}
}

// failed shows an error; a script ends with it, the shell at a terminal goes on.
func (s *shell) failed(err error, statement string) error {
	if err == nil || errors.Is(err, errQuit) {
		return err
	}
	s.report(err, strings.TrimSpace(statement))
	if !s.interactive {
		return errReported
	}
	if s.conn.Closed() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.connect(ctx); err != nil {
			return err
		}
		fmt.Fprintln(s.errOut, "The connection was lost and is there again; settings and transaction are not.")
	}
	return nil
}

// run runs one statement. Ctrl-C cancels it.
func (s *shell) run(ctx context.Context, statement string) error {
	text := strings.TrimSpace(statement)
	if blank(text) {
		return nil
	}
	s.last = text
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	start := time.Now()
	kind := kindOf(text)
	err := s.dispatch(ctx, text, kind)
	if (kind == endless || has(words(text), "EMIT", "CHANGES")) && ctx.Err() != nil {
		err = nil // Ctrl-C is how such a query ends
	}
	if s.timing && err == nil {
		fmt.Fprintf(s.out, "Time: %.3f ms\n", float64(time.Since(start).Microseconds())/1000)
	}
	if kind == ddl && s.names != nil {
		s.names.refresh(ctx, s.conn)
	}
	return err
}

func (s *shell) dispatch(ctx context.Context, text string, kind statementKind) error {
	switch kind {
	case copyIn:
		n, err := s.conn.CopyFrom(ctx, text, s.stdin)
		if err == nil {
			fmt.Fprintf(s.errOut, "COPY %d\n", n)
		}
		return err
	case copyOut:
		_, err := s.conn.CopyTo(ctx, text, s.out)
		return err
	}
	p := client.NewPrinter(s.out, s.format, kind == endless)
	return s.conn.Stream(ctx, text, p.Handler(func(tag string) {
		if s.format == client.Table {
			fmt.Fprintln(s.out, tag)
		}
	}))
}
