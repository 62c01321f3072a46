package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/cmd/internal/client"
)

const metaHelp = `  \d [NAME]        columns of a relation; without name: all relations
  \dt \ds \dv \dm  tables, streams, views, materialized views
  \dq              continuous queries
  \dn \du \df \l   schemas, roles, functions, databases
  \watch [SECONDS] run the statement again and again (2 s)
  \live [SECONDS]  show its result in place, again when it has changed (0.5 s)
  \o FORMAT        table, csv or json
  \timing          show how long statements take
  \i FILE          run a file
  \c [URL]         connect again
  \? \q            this help, leave
Ctrl-C ends a statement, also one with EMIT CHANGES.
`

// meta runs a command of the shell; statement is what stands before it.
func (s *shell) meta(ctx context.Context, command, statement string) error {
	name, arg, _ := strings.Cut(strings.TrimSpace(command), " ")
	arg = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(arg), ";"))
	if statement == "" {
		statement = s.last
	}
	switch name {
	case "q":
		return errQuit
	case "?", "h":
		_, err := io.WriteString(s.out, metaHelp)
		return err
	case "timing":
		s.timing = !s.timing
		fmt.Fprintf(s.out, "Timing is %s.\n", map[bool]string{true: "on", false: "off"}[s.timing])
		return nil
	case "o":
		f, err := client.ParseFormat(arg)
		if err == nil {
			s.format = f
		}
		return err
	case "c":
		if arg != "" {
			s.url = arg
		}
		return s.connect(ctx)
	case "i":
		return s.include(ctx, arg)
	case "g":
		return s.run(ctx, statement)
	case "watch":
		return s.watch(ctx, statement, arg, 2*time.Second)
	case "live":
		return s.live(ctx, statement, arg)
	}
	if text, ok := describeQuery(name, arg); ok {
		return s.describe(ctx, name, arg, text)
	}
	return fmt.Errorf(`\%s does not exist: \? lists the commands`, name)
}

func (s *shell) include(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	src, stdin := newLines(f), s.stdin
	s.stdin = &data{src: src}
	defer func() { s.stdin = stdin }()
	return s.loop(ctx, src)
}

func seconds(arg string, otherwise time.Duration) (time.Duration, error) {
	if arg == "" {
		return otherwise, nil
	}
	f, err := strconv.ParseFloat(arg, 64)
	if err != nil || f <= 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", arg)
	}
	return time.Duration(f * float64(time.Second)), nil
}

// watch runs a statement again and again until Ctrl-C.
func (s *shell) watch(ctx context.Context, statement, arg string, every time.Duration) error {
	every, err := seconds(arg, every)
	if err != nil {
		return err
	}
	return s.repeat(ctx, statement, every, func(shown []byte, _ bool) {
		fmt.Fprintf(s.out, "%s (every %v)\n\n%s", time.Now().Format(time.DateTime), every, shown)
	})
}

// live shows the result of a statement in place. Every read is consistent, so that
// what is shown was true at one moment.
func (s *shell) live(ctx context.Context, statement, arg string) error {
	every, err := seconds(arg, 500*time.Millisecond)
	if err != nil {
		return err
	}
	inPlace := isTerminal(s.out)
	return s.repeat(ctx, statement, every, func(shown []byte, changed bool) {
		switch {
		case !changed:
		case inPlace: // cursor home, clear below
			fmt.Fprintf(s.out, "\x1b[H\x1b[2J%s%s  Ctrl-C ends\n", shown, time.Now().Format(time.TimeOnly))
		default:
			fmt.Fprintf(s.out, "%s", shown)
		}
	})
}

func (s *shell) repeat(ctx context.Context, statement string, every time.Duration,
	show func(shown []byte, changed bool),
) error {
	if blank(statement) {
		return fmt.Errorf("there is no statement to repeat: write one before the backslash")
	}
	s.last = statement
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	var before []byte
	for {
		var out bytes.Buffer
		p := client.NewPrinter(&out, s.format, false)
		err := s.conn.Stream(ctx, statement, p.Handler(func(tag string) { fmt.Fprintln(&out, tag) }))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		show(out.Bytes(), before == nil || !bytes.Equal(before, out.Bytes()))
		before = append([]byte{}, out.Bytes()...)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}
