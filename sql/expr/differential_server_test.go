package expr

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

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/sql/types"
)

// pipelined is the number of questions that are under way at a time: enough to
// hide the round trip, few enough for the buffers of the socket.
const pipelined = 100

// server is a PostgreSQL 15 that answers questions.
type server struct{ conn *pgconn.PgConn }

// findServer connects to MILLRACE_PG_URL ("none": no server), or starts the
// PostgreSQL 15 of this machine, or gives nil.
func findServer(t *testing.T) *server {
	t.Helper()
	url := os.Getenv("MILLRACE_PG_URL")
	if url == "none" {
		return nil
	}
	if url == "" {
		bin := findBinaries()
		if bin == "" {
			return nil
		}
		if url = startServer(t, bin); url == "" {
			return nil
		}
	}
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		t.Fatalf("PostgreSQL at %s: %v", url, err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	if v := conn.ParameterStatus("server_version"); !strings.HasPrefix(v, "15") {
		t.Fatalf("PostgreSQL at %s has version %s, not 15", url, v)
	}
	const settings = "SET timezone = 'UTC'; SET statement_timeout = '5s'; SET jit = off;" +
		"SET client_min_messages = error; CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok', 'happy')"
	if _, err := conn.Exec(ctx, settings).ReadAll(); err != nil {
		t.Fatal(err)
	}
	res, err := conn.Exec(ctx, "SELECT 'mood'::regtype::oid, 'mood[]'::regtype::oid").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range []string{"mood", "mood[]"} {
		oid, err := strconv.Atoi(string(res[0].Rows[0][i]))
		if err != nil {
			t.Fatal(err)
		}
		enumLabels[uint32(oid)] = label
		if i == 0 {
			moodOID = uint32(oid)
		} else {
			moodArrayOID = uint32(oid)
		}
	}
	return &server{conn}
}

// findBinaries gives the folder of PostgreSQL 15's programs, "" without.
func findBinaries() string {
	const debian = "/usr/lib/postgresql/15/bin"
	if _, err := os.Stat(debian + "/initdb"); err == nil {
		return debian
	}
	name, err := osexec.LookPath("postgres")
	if err != nil {
		return ""
	}
	out, err := osexec.Command(name, "--version").Output()
	if err != nil || !strings.Contains(string(out), " 15.") {
		return ""
	}
	return filepath.Dir(name)
}

// startServer makes a server in a folder of its own that listens only there, and
// that ends with the test.
func startServer(t *testing.T, bin string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "differential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // which PostgreSQL refuses to run as
		u, err := user.Lookup("postgres")
		if err != nil {
			if u, err = user.Lookup("nobody"); err != nil {
				t.Log(err)
				return ""
			}
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) error {
		c := osexec.Command(filepath.Join(bin, name), args...)
		c.SysProcAttr, c.Dir = attr, dir
		if out, err := c.Output(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	if err := command("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
		"--lc-collate=C", "--lc-ctype=C.UTF-8", "--no-sync"); err != nil {
		t.Log(err) // such as for a user that may not run it here
		return ""
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

// kinds gives the kinds of PostgreSQL's functions and operators by name: f, a, w as
// in pg_proc, s for set-returning ones, o for operators; and + for each signature.
func (s *server) kinds(t *testing.T) map[string]string {
	t.Helper()
	res, err := s.conn.Exec(context.Background(), "SELECT proname::text, string_agg(DISTINCT CASE WHEN "+
		"proretset THEN 's' ELSE prokind::text END, '') FROM pg_proc WHERE pronamespace = "+
		"'pg_catalog'::regnamespace GROUP BY 1 UNION ALL SELECT DISTINCT oprname::text, 'o' FROM pg_operator UNION ALL SELECT format('%s(%s)', proname, "+
		"array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) t), ',')), '+' "+
		"FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace UNION ALL SELECT format('%s(%s)', "+
		"oprname, concat_ws(',', format_type(nullif(oprleft, 0), NULL), format_type(oprright, NULL))), "+
		"'+' FROM pg_operator").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, row := range res[0].Rows {
		out[string(row[0])] = string(row[1])
	}
	return out
}

// ask puts the answers of the server into cs, many at a time.
func (s *server) ask(t *testing.T, cs []diffCase) {
	t.Helper()
	for i := 0; i < len(cs); i += pipelined {
		if err := s.askSome(cs[i:min(i+pipelined, len(cs))]); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *server) askSome(cs []diffCase) error {
	p := s.conn.StartPipeline(context.Background())
	for i := range cs {
		format := []int16{0}
		if cs[i].Binary {
			format[0] = 1
		}
		p.SendQueryParams(cs[i].query(), nil, nil, nil, format)
		if err := p.Sync(); err != nil {
			return err
		}
	}
	for i := range cs {
		for synced := false; !synced; {
			res, err := p.GetResults()
			var e *pgconn.PgError
			switch {
			case errors.As(err, &e):
				cs[i].Want = "ERROR " + e.Code + " " + oneLine(e.Message)
			case err != nil:
				return fmt.Errorf("%s: %w", cs[i].query(), err)
			}
			switch res := res.(type) {
			case *pgconn.ResultReader:
				cs[i].Want = wordResult(res, cs[i].Binary)
			case *pgconn.PipelineSync:
				synced = true
			}
		}
	}
	return p.Close()
}

// wordResult words a result as ours does: the type, and the values: their text, or
// their binary form in hexadecimal.
func wordResult(r *pgconn.ResultReader, isBinary bool) string {
	fields := r.FieldDescriptions()
	if len(fields) == 0 {
		_, err := r.Close()
		return wordError(err)
	}
	oid := fields[0].DataTypeOID
	var out []string
	for r.NextRow() {
		switch v := r.Values()[0]; {
		case v == nil:
			out = append(out, "NULL")
		case isBinary:
			out = append(out, fmt.Sprintf("%x", v))
		default:
			out = append(out, oneLine(string(v)))
		}
	}
	if _, err := r.Close(); err != nil {
		return wordError(err)
	}
	return typeLabel(oid) + modLabel(fields[0].TypeModifier) + ": " + strings.Join(out, " | ")
}

func wordError(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return "ERROR " + e.Code + " " + oneLine(e.Message)
	}
	return fmt.Sprintf("failed: %v", err)
}

// enumLabels names the server's enum and its array.
var enumLabels = map[uint32]string{}

// labelOf is typeLabel of a type of ours, and its modifier.
func labelOf(t types.Type) string {
	switch {
	case t.Kind == types.Enum:
		return "mood"
	case t.Kind == types.Array && t.Innermost().Kind == types.Enum:
		return "mood[]"
	}
	return typeLabel(t.OID()) + modLabel(t.Innermost().Typmod())
}

// modLabel words the modifier of a type, "" where there is none.
func modLabel(mod int32) string {
	if mod < 0 {
		return ""
	}
	return " mod " + strconv.Itoa(int(mod))
}

func typeLabel(oid uint32) string {
	if l := enumLabels[oid]; l != "" {
		return l
	}
	t, ok := types.TypeByOID(oid)
	if !ok {
		return strconv.Itoa(int(oid))
	}
	if t.Kind == types.Bpchar {
		return "character"
	}
	return t.String()
}
