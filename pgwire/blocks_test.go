package pgwire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestBlocks plays testdata/pgwire/blocks/*.test: transaction blocks with DDL, by
// several sessions. A case is lines "session: text of a simple query", "----", and what
// each answers. With MILLRACE_PG (a connection string) the cases of postgres*.test run
// on PostgreSQL 15 too, in a database of their own, and must answer the same.
func TestBlocks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "blocks", "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no blocks: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".test")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n := startNode(t, nil)
			got := playBlocks(t, "postgres://millrace@"+n.addr+"/millrace?sslmode=disable",
				string(text))
			if got != string(text) {
				if *rewriteFiles {
					err = os.WriteFile(file, []byte(got), 0o644)
				} else {
					t.Error(differences(got, string(text)))
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if url := os.Getenv("MILLRACE_PG"); url != "" && url != "none" &&
				strings.HasPrefix(name, "postgres") {
				compareBlocks(t, url, name, string(text))
			}
		})
	}
}

// compareBlocks plays the cases on PostgreSQL.
func compareBlocks(t *testing.T, url, name, text string) {
	t.Helper()
	database := "millrace_blocks_" + name
	admin := blockSession(t, url, nil)
	for _, s := range []string{"DROP DATABASE IF EXISTS " + database, "CREATE DATABASE " + database} {
		if err := admin.Exec(context.Background(), s).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := playBlocks(t, url+" dbname="+database, text); got != text {
		t.Errorf("PostgreSQL differs\n%s", differences(got, text))
	}
}

func differences(got, want string) string {
	var out []string
	g, w := strings.Split(got, "\n\n"), strings.Split(want, "\n\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			out = append(out, "---- got\n"+g[i]+"\n---- want\n"+w[i])
		}
	}
	return fmt.Sprintf("%d cases, want %d\n%s", len(g), len(w), strings.Join(out, "\n"))
}

// playBlocks runs the cases of a file and gives the file with the answers.
func playBlocks(t *testing.T, url, text string) string {
	t.Helper()
	sessions, notices := map[string]*pgconn.PgConn{}, &[]string{}
	defer func() {
		for _, c := range sessions {
			_ = c.Close(context.Background())
		}
	}()
	var out []string
	for _, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		in, _, isCase := strings.Cut(block, "\n----")
		if !isCase {
			out = append(out, block)
			continue
		}
		var answers []string
		for _, line := range strings.Split(in, "\n") {
			name, query, ok := strings.Cut(line, ": ")
			if strings.HasPrefix(line, "#") || !ok {
				continue
			}
			if sessions[name] == nil {
				sessions[name] = blockSession(t, url, notices)
			}
			for _, a := range ask(sessions[name], notices, query) {
				answers = append(answers, name+": "+a)
			}
		}
		out = append(out, in+"\n----\n"+strings.Join(answers, "\n"))
	}
	return strings.Join(out, "\n\n") + "\n"
}

func blockSession(t *testing.T, url string, notices *[]string) *pgconn.PgConn {
	t.Helper()
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	if notices != nil {
		cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			*notices = append(*notices, n.Severity+" "+n.Message)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// ask runs a query text and gives rows, tags, notices, and the error.
func ask(c *pgconn.PgConn, notices *[]string, query string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	*notices = (*notices)[:0]
	var out []string
	m := c.Exec(ctx, query)
	for m.NextResult() {
		r := m.ResultReader().Read()
		out = append(out, *notices...)
		*notices = (*notices)[:0]
		for _, row := range r.Rows {
			fields := make([]string, len(row))
			for i, v := range row {
				if fields[i] = string(v); v == nil {
					fields[i] = "NULL"
				}
			}
			out = append(out, "("+strings.Join(fields, ",")+")")
		}
		if r.Err == nil {
			out = append(out, r.CommandTag.String())
		}
	}
	err := m.Close()
	out = append(out, *notices...)
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e):
		out = append(out, e.Severity+" "+e.Code+" "+e.Message)
	case err != nil:
		out = append(out, err.Error())
	}
	return out
}
