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

// report shows an error of a statement.
func (s *shell) report(err error, text string) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		client.WriteError(s.errOut, refused, text)
		return
	}
	fmt.Fprintf(s.errOut, "%v\n", err)
}
