package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
)

// genOptions are the flags of `millrace gen`.
type genOptions struct {
	rows     int64
	first    int64
	seed     uint64
	rate     int64
	accounts int64
	format   string
	table    string
	dir      string
	url      string
	create   bool
}

func newGenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "gen",
		Short: "Make data",
		Long: `Gen makes data sets: on standard output, into files, or straight into a server.
The same flags give the same bytes on every machine.`,
		Example: `  millrace gen nexmark --rows 1000 --table bid
  millrace gen bank --rows 1000 --format json`,
	}
	c.AddCommand(newGenNexmarkCommand(), newGenBankCommand())
	return c
}

func (o *genOptions) flags(c *cobra.Command, rate int64) {
	f := c.Flags()
	f.Int64Var(&o.rows, "rows", 100_000, "number of events")
	f.Int64Var(&o.first, "first", 0, "number of the first event")
	f.Uint64Var(&o.seed, "seed", 1, "another seed gives other data")
	f.Int64Var(&o.rate, "rate", rate, "events per second of event time")
	f.StringVar(&o.format, "format", "csv", "csv or json (one object per line)")
	f.StringVar(&o.dir, "dir", "", "write one file per table into this directory")
	f.StringVar(&o.url, "url", "", "load into the server at this URL by COPY")
	f.BoolVar(&o.create, "create", true, "with --url: create the streams if they do not exist")
}

func newGenNexmarkCommand() *cobra.Command {
	var o genOptions
	c := &cobra.Command{
		Use:   "nexmark",
		Short: "Make the events of Nexmark's auction site",
		Long: `Nexmark makes persons, auctions and bids as 1 to 3 to 46 by the rules of the
benchmark. On standard output comes one table; --dir and --url take all three.`,
		Example: `  millrace gen nexmark --rows 1000 --table auction
  millrace gen nexmark --rows 500 --format json --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tables := gen.NexmarkTables[:]
			g := gen.NewNexmark(o.seed, max(o.rate, 1))
			return runGen(cmd.Context(), o, tables, g.Kind, g.Append, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(c, 10_000)
	c.Flags().StringVar(&o.table, "table", "bid", "the table on standard output: person, auction or bid")
	return c
}

func newGenBankCommand() *cobra.Command {
	var o genOptions
	c := &cobra.Command{
		Use:   "bank",
		Short: "Make transfers between accounts",
		Long: `Bank makes transfers between accounts, up to ten seconds out of order. Over all
accounts, credits less debits is zero, whenever one looks.`,
		Example: `  millrace gen bank --rows 1000
  millrace gen bank --rows 1000 --accounts 3 --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g := &gen.Bank{Seed: o.seed, Accounts: max(o.accounts, 1), Rate: max(o.rate, 1)}
			o.table = gen.BankTable.Name
			return runGen(cmd.Context(), o, []gen.Table{gen.BankTable}, func(int64) int { return 0 },
				g.Append, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(c, 100)
	c.Flags().Int64Var(&o.accounts, "accounts", 10, "number of accounts")
	return c
}

// sink takes the rows of one table.
type sink struct {
	w     io.Writer
	close func() error
}

func runGen(ctx context.Context, o genOptions, tables []gen.Table, kind func(int64) int,
	row func([]byte, int64, gen.Format) []byte, out, errOut io.Writer,
) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	format, err := genFormat(o.format)
	if err != nil {
		return err
	}
	if o.rows < 0 || o.first < 0 {
		return usageError{errors.New("--rows and --first must not be negative")}
	}
	sinks, err := genSinks(ctx, o, tables, format, out)
	if err != nil {
		return err
	}
	bar := newProgress(errOut, o.rows, "events")
	err = genRows(ctx, o, kind, row, format, sinks, bar)
	bar.end()
	for _, s := range sinks {
		if s != nil {
			err = errors.Join(err, s.close())
		}
	}
	return err
}

func genFormat(s string) (gen.Format, error) {
	switch s {
	case "csv":
		return gen.CSV, nil
	case "json":
		return gen.JSON, nil
	}
	return 0, usageError{fmt.Errorf("--format must be csv or json: %q", s)}
}

// genRows writes the rows in pieces, so that the tables advance together.
func genRows(ctx context.Context, o genOptions, kind func(int64) int,
	row func([]byte, int64, gen.Format) []byte, format gen.Format, sinks []*sink, bar *progress,
) error {
	const piece = 64 << 10 // a write per 64 KiB: enough for pipes and sockets
	buffers := make([][]byte, len(sinks))
	flush := func(k int) error {
		_, err := sinks[k].w.Write(buffers[k])
		buffers[k] = buffers[k][:0]
		return err
	}
	for n := o.first; n < o.first+o.rows; n++ {
		if n&1023 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			bar.add(min(1024, o.first+o.rows-n))
		}
		k := kind(n)
		if sinks[k] == nil {
			continue
		}
		if buffers[k] = row(buffers[k], n, format); len(buffers[k]) >= piece {
			if err := flush(k); err != nil {
				return err
			}
		}
	}
	for k, s := range sinks {
		if s == nil {
			continue
		}
		if err := flush(k); err != nil {
			return err
		}
	}
	return nil
}

func genSinks(ctx context.Context, o genOptions, tables []gen.Table, f gen.Format,
	out io.Writer,
) ([]*sink, error) {
	switch {
	case o.url != "" && o.dir != "":
		return nil, usageError{errors.New("--url and --dir exclude each other")}
	case o.url != "":
		return serverSinks(ctx, o, tables, f)
	case o.dir != "":
		return fileSinks(o, tables)
	}
	k := slices.IndexFunc(tables, func(t gen.Table) bool { return t.Name == o.table })
	if k < 0 {
		return nil, usageError{fmt.Errorf("--table must be person, auction or bid: %q", o.table)}
	}
	w := bufio.NewWriter(out)
	sinks := make([]*sink, len(tables))
	sinks[k] = &sink{w, w.Flush}
	return sinks, nil
}

func fileSinks(o genOptions, tables []gen.Table) ([]*sink, error) {
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return nil, err
	}
	var sinks []*sink
	for _, t := range tables {
		f, err := os.Create(filepath.Join(o.dir, t.Name+"."+o.format))
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, &sink{f, f.Close})
	}
	return sinks, nil
}

// serverSinks loads each table through a connection of its own, side by side.
func serverSinks(ctx context.Context, o genOptions, tables []gen.Table, f gen.Format) ([]*sink, error) {
	format := "csv"
	if f == gen.JSON {
		format = "json"
	}
	var sinks []*sink
	for _, t := range tables {
		conn, err := client.Connect(ctx, o.url, client.Options{AppName: "millrace gen"})
		if err != nil {
			return nil, err
		}
		if o.create {
			if err := conn.Exec(ctx, t.Create); err != nil {
				return nil, fmt.Errorf("create %s: %w", t.Name, err)
			}
		}
		sinks = append(sinks, copySink(ctx, conn, fmt.Sprintf("COPY %s (%s) FROM STDIN WITH (FORMAT %s)",
			t.Name, columnList(t.Columns), format)))
	}
	return sinks, nil
}

func columnList(columns []string) string { return strings.Join(columns, ", ") }

// copySink feeds a COPY. Its goroutine ends with the COPY, which close waits for.
func copySink(ctx context.Context, conn *client.Conn, statement string) *sink {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := conn.CopyFrom(ctx, statement, r)
		r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		done <- err
	}()
	return &sink{w, func() error {
		_ = w.Close()
		return errors.Join(<-done, conn.Close())
	}}
}
