package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// sqlOptions are the flags of `millrace sql`.
type sqlOptions struct {
	url      string
	commands []string
	file     string
	output   string
}

func newSQLCommand() *cobra.Command {
	o := sqlOptions{url: client.DefaultURL}
	c := &cobra.Command{
		Use:   "sql [URL]",
		Short: "Run statements, or a shell",
		Long: `SQL runs the statements of -c and -f, or what comes on standard input; on a
terminal it is a shell with history and completion.

A SELECT ... EMIT CHANGES shows rows as they come; Ctrl-C ends it, not the shell.
In the shell \? lists the commands that begin with a backslash.

With -c and -f the first error ends the program with exit code 1.`,
		Example: `  millrace sql -c 'SELECT version()'
  millrace sql -o json -c 'SELECT name, state FROM millrace.queries'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.url = args[0]
			}
			return runSQL(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.url, "url", o.url, "the server")
	f.StringArrayVarP(&o.commands, "command", "c", nil, "statements to run; may be given again")
	f.StringVarP(&o.file, "file", "f", "", "file of statements to run; - is standard input")
	f.StringVarP(&o.output, "output", "o", "table", "table, csv or json (one object per line)")
	return c
}

func runSQL(ctx context.Context, o sqlOptions, in io.Reader, out, errOut io.Writer) error {
	format, err := client.ParseFormat(o.output)
	if err != nil {
		return usageError{fmt.Errorf("--output: %w", err)}
	}
	s := &shell{url: o.url, out: out, errOut: errOut, format: format, stdin: in}
	if err := s.connect(ctx); err != nil {
		return err
	}
	defer func() { _ = s.conn.Close() }()
	switch {
	case len(o.commands) > 0:
		for _, text := range o.commands {
			if err := s.runScript(ctx, newLines(strings.NewReader(text))); err != nil {
				return err
			}
		}
		return nil
	case o.file != "" && o.file != "-":
		f, err := os.Open(o.file)
		if err != nil {
			return err
		}
		defer f.Close()
		src := newLines(f)
		s.stdin = &data{src: src}
		return s.runScript(ctx, src)
	case isTerminal(in) && isTerminal(out):
		return s.interact(ctx)
	}
	src := newLines(in)
	s.stdin = &data{src: src}
	return s.runScript(ctx, src)
}

// isTerminal tells whether a person sits at the other end.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// writeNotice shows a notice as psql does.
func writeNotice(w io.Writer, n *pgconn.Notice) {
	fmt.Fprintf(w, "%s:  %s\n", n.Severity, n.Message)
	writeMore(w, n.Detail, n.Hint)
}

func writeMore(w io.Writer, detail, hint string) {
	if detail != "" {
		fmt.Fprintf(w, "DETAIL:  %s\n", detail)
	}
	if hint != "" {
		fmt.Fprintf(w, "HINT:  %s\n", hint)
	}
}

// writeServerError shows an error with its code and the place in the statement.
func writeServerError(w io.Writer, e *pgconn.PgError, text string) {
	fmt.Fprintf(w, "%s:  %s: %s\n", e.Severity, e.Code, e.Message)
	if line, number, column, ok := placeOf(text, int(e.Position)); ok {
		prefix := fmt.Sprintf("LINE %d: ", number)
		fmt.Fprintf(w, "%s%s\n%*s^\n", prefix, line, len(prefix)+column, "")
	}
	writeMore(w, e.Detail, e.Hint)
	if e.Where != "" {
		fmt.Fprintf(w, "CONTEXT:  %s\n", e.Where)
	}
}

// placeOf finds the line of a position, which counts characters from 1.
func placeOf(text string, position int) (line string, number, column int, ok bool) {
	chars := []rune(text)
	if position < 1 || position > len(chars)+1 || text == "" {
		return "", 0, 0, false
	}
	before := string(chars[:position-1])
	number = 1 + strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	column = len([]rune(before[start:]))
	line, _, _ = strings.Cut(text[start:], "\n")
	return strings.ReplaceAll(line, "\t", " "), number, column, true
}

// report shows an error of a statement.
func (s *shell) report(err error, text string) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		writeServerError(s.errOut, refused, text)
		return
	}
	fmt.Fprintf(s.errOut, "%v\n", err)
}
