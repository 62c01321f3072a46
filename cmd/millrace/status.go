package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/millracedb/millrace/cmd/internal/client"
)

func newStatusCommand() *cobra.Command {
	url, asJSON := client.DefaultURL, false
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how a node is doing",
		Long: `Status shows the nodes, the newest epoch, the relations with their size, the
continuous queries with their lag, and the sessions. All of it can be read with SQL
from the views of the schema millrace too.

The exit code is 1 when a continuous query has failed.`,
		Example: `  millrace status
  millrace status --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runStatus(cmd.Context(), url, asJSON, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&url, "url", url, "the server")
	c.Flags().BoolVar(&asJSON, "json", false, "print one object with a list per section")
	return c
}

// statusSections are the parts of the status and where they come from.
var statusSections = []struct{ name, query string }{
	{"nodes", `SELECT node, role, version, sql_address, http_address, applied_epoch,
  memory_bytes / 1048576 AS memory_mib, disk_free_bytes / 1048576 AS disk_free_mib
FROM millrace.nodes ORDER BY node`},
	{"relations", `SELECT schema, relation AS name, count(*) AS partitions, sum(rows) AS rows,
  sum(bytes) AS bytes_on_disk, sum(tail_bytes) AS bytes_in_memory, sum(segments) AS segments
FROM millrace.partitions GROUP BY schema, relation ORDER BY schema, relation`},
	{"queries", `SELECT q.name, q.state, q.rows_in, q.rows_out,
  coalesce(l.lag_rows, 0) AS lag_rows, l.lag_ms, q.memory_bytes / 1048576 AS memory_mib, q.error
FROM millrace.queries q
LEFT JOIN (SELECT query, sum(lag_rows) AS lag_rows, max(lag_ms) AS lag_ms
  FROM millrace.lag GROUP BY query) l ON l.query = q.name
ORDER BY 1`},
	{"sessions", `SELECT pid, user_name, application_name, door, state, rows_sent
FROM millrace.sessions ORDER BY pid`},
}

// statusTimeout bounds the whole command: a node that does not answer within it is
// not well, which is worth knowing soon.
const statusTimeout = 10 * time.Second

func runStatus(ctx context.Context, url string, asJSON bool, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	conn, err := client.Connect(ctx, url, client.Options{AppName: "millrace status"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	sections := map[string]any{}
	for _, s := range statusSections {
		if !asJSON {
			fmt.Fprintf(out, "%s\n", s.name)
			p := client.NewPrinter(out, client.Table, false)
			if err := conn.Stream(ctx, s.query, p.Handler(func(string) {})); err != nil {
				return err
			}
			continue
		}
		list, err := objects(ctx, conn, s.query)
		if err != nil {
			return err
		}
		sections[s.name] = list
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(sections); err != nil {
			return err
		}
	}
	return failedQueries(ctx, conn)
}

// objects gives the rows of a query as JSON objects.
func objects(ctx context.Context, conn *client.Conn, query string) ([]json.RawMessage, error) {
	list := []json.RawMessage{}
	w := writerFunc(func(line []byte) (int, error) {
		list = append(list, append(json.RawMessage{}, line...))
		return len(line), nil
	})
	p := client.NewPrinter(w, client.JSON, true) // live: one write per row
	err := conn.Stream(ctx, query, p.Handler(func(string) {}))
	return list, err
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func failedQueries(ctx context.Context, conn *client.Conn) error {
	n, err := conn.Value(ctx, `SELECT count(*) FROM millrace.queries WHERE state = 'FAILED'`)
	if err != nil {
		return err
	}
	if n != "0" {
		return fmt.Errorf("%s continuous queries have failed: see millrace.queries", n)
	}
	return nil
}
