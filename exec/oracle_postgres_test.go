package exec_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const postgresBin = "/usr/lib/postgresql/15/bin"

// postgres is a connection to PostgreSQL 15; nil where there is none.
type postgres struct {
	conn   *pgconn.PgConn
	schema string
}

// newPostgres connects to MILLRACE_PG, or to a private server that ends with the
// test, or gives nil.
func newPostgres(t testing.TB) *postgres {
	t.Helper()
	url := os.Getenv("MILLRACE_PG")
	if url == "none" {
		return nil
	}
	if url == "" {
		if _, err := os.Stat(postgresBin); err != nil {
			return nil
		}
		url = startPostgres(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		t.Fatalf("PostgreSQL at %s: %v", url, err)
	}
	p := &postgres{conn, fmt.Sprintf("oracle_%d", os.Getpid())}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	p.clear(t)
	for _, s := range []string{"SET search_path = " + p.schema, "SET timezone = 'UTC'",
		"SET client_min_messages = error",
		"SET statement_timeout = '20s'"} {
		if _, err := p.run(s); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// startPostgres makes a server in a directory of its own that only listens there.
func startPostgres(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "oracle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // which PostgreSQL refuses to run as
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) error {
		c := osexec.Command(filepath.Join(postgresBin, name), args...)
		c.SysProcAttr, c.Dir = attr, dir
		if out, err := c.Output(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	if err := command("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
		"--lc-collate=C", "--lc-ctype=C.UTF-8", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	opts := "-k " + dir + " -c listen_addresses='' -c fsync=off -c jit=off"
	if err := command("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", opts,
		"start"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command("pg_ctl", "-D", data, "-m", "immediate", "stop"); err != nil {
			t.Error(err)
		}
	})
	return "host=" + dir + " user=postgres database=postgres"
}

// clear drops everything that a test made.
func (p *postgres) clear(t testing.TB) {
	t.Helper()
	for _, s := range []string{"DROP SCHEMA IF EXISTS " + p.schema + " CASCADE",
		"CREATE SCHEMA " + p.schema} {
		if _, err := p.run(s); err != nil {
			t.Fatal(err)
		}
	}
}

// run gives the rows of the last statement as texts shows them.
func (p *postgres) run(text string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	results, err := p.conn.Exec(ctx, text).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		out = nil
		for _, row := range r.Rows {
			fields := make([]string, len(row))
			for i, v := range row {
				fields[i] = string(v)
				if v == nil {
					fields[i] = "NULL"
				}
			}
			out = append(out, strings.Join(fields, "|"))
		}
	}
	return out, nil
}

// pgCode is the SQLSTATE of an error of PostgreSQL.
func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return err.Error()
}
