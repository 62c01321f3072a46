package node

import (
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/cmd/internal/client"
)

// testConfig is a node on free ports that logs nothing.
func testConfig(dir string) Config {
	cfg := DefaultConfig()
	cfg.Data, cfg.Logger = dir, slog.New(slog.DiscardHandler)
	cfg.Listen, cfg.HTTP, cfg.Cluster = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	return cfg
}

func mustStart(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustClose(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// ask runs a statement that gives one value.
func ask(t *testing.T, n *Node, statement string) string {
	t.Helper()
	url := "postgres://millrace@" + n.SQLAddr() + "/millrace?sslmode=disable"
	conn, err := client.Connect(t.Context(), url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	v, err := conn.Value(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return v
}

// TestWholeNodeInMemory starts a node without a disk, writes, and starts it again
// on what the first one left.
func TestWholeNodeInMemory(t *testing.T) {
	cfg := testConfig("/data")
	cfg.FS = vfs.NewMem()
	n := mustStart(t, cfg)
	ask(t, n, `CREATE STREAM s (x int);
CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM s;
INSERT INTO s VALUES (1), (2);
SELECT 1`)
	mustClose(t, n)
	n = mustStart(t, cfg)
	defer mustClose(t, n)
	ask(t, n, `INSERT INTO s VALUES (4); SELECT 1`)
	if got := ask(t, n, `SELECT total FROM v`); got != "7" {
		t.Errorf("the view has %s, want 7", got)
	}
}

// TestWhatIsKnownOfRowsIsKept looks at late and unreadable rows and at sizes
// before and after a restart.
func TestWhatIsKnownOfRowsIsKept(t *testing.T) {
	cfg := testConfig("/data")
	cfg.FS = vfs.NewMem()
	n := mustStart(t, cfg)
	for _, s := range []string{
		`CREATE STREAM s (x int, at timestamptz, WATERMARK FOR at AS at - INTERVAL '1 second')
	WITH (partitions = 1, timestamp = 'at')`,
		`CREATE TABLE t (k int PRIMARY KEY, v text)`,
		`INSERT INTO s VALUES (1, '2024-01-01 00:00:10+00')`,
		`INSERT INTO s VALUES (2, '2024-01-01 00:00:02+00'), (3, '2024-01-01 00:00:09.5+00')`,
		`INSERT INTO s VALUES (4, '2024-01-01 00:00:03+00')`,
		`INSERT INTO t VALUES (1, 'a'), (2, 'b')`,
	} {
		ask(t, n, s+"; SELECT 1")
	}
	copyBadRows(t, n, "t", "3\tc\nx\td\n4\te\ny\tf\n")
	want := map[string]string{
		`SELECT json_agg(json_build_array(source, partition, row_offset, rowtime AT TIME ZONE 'UTC',
	watermark AT TIME ZONE 'UTC', value->>'x', epoch > 0) ORDER BY row_offset)
FROM millrace.late_rows`: `[["s", 0, 1, "2024-01-01T00:00:02", "2024-01-01T00:00:09", "2", true], ` +
			`["s", 0, 3, "2024-01-01T00:00:03", "2024-01-01T00:00:09", "4", true]]`,
		`SELECT json_agg(json_build_array(target, line, column_name, sqlstate, "row", epoch > 0)
	ORDER BY line) FROM millrace.dead_letters`: `[["t", 2, "k", "22P02", "x\td", true], ` +
			`["t", 4, "k", "22P02", "y\tf", true]]`,
		`SELECT rows || ' ' || (bytes > 0) FROM millrace.streams`: "2 true",
		`SELECT rows || ' ' || (bytes > 0) FROM millrace.tables`:  "4 true",
		`SELECT count(*) FROM millrace.streams`:                   "1",
	}
	check := func(when string) {
		t.Helper()
		for q, w := range want {
			if got := ask(t, n, q); got != w {
				t.Errorf("%s: %s\ngave %s\nwant %s", when, q, got, w)
			}
		}
	}
	check("at first")
	mustClose(t, n)
	n = mustStart(t, cfg)
	defer mustClose(t, n)
	check("after a restart")
	copyBadRows(t, n, "t", "z\tg\n")
	if got := ask(t, n, `SELECT count(*) FROM millrace.dead_letters`); got != "3" {
		t.Errorf("%s rows after a third one, want 3", got)
	}
}

// copyBadRows copies rows into a table and keeps what cannot be read.
func copyBadRows(t *testing.T, n *Node, table, rows string) {
	t.Helper()
	url := "postgres://millrace@" + n.SQLAddr() + "/millrace?sslmode=disable"
	conn, err := client.Connect(t.Context(), url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.CopyFrom(t.Context(), "COPY "+table+" FROM STDIN (ON_ERROR 'dead_letter')",
		strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
}

func TestAdmin(t *testing.T) {
	n := mustStart(t, testConfig(filepath.Join(t.TempDir(), "data")))
	defer mustClose(t, n)
	for path, want := range map[string]string{
		"/healthz": "ok\n", "/readyz": "ok\n", "/metrics": "millrace_log_epoch ",
	} {
		resp, err := http.Get("http://" + n.HTTPAddr() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %v, no %q in %.200s", path, resp.StatusCode, err, want, body)
		}
	}
	got := ask(t, n, `SELECT role || ' ' || sql_address || ' ' || http_address || ' ' || cluster_address
FROM millrace.nodes WHERE is_self`)
	if want := "leader " + n.SQLAddr() + " " + n.HTTPAddr() + " " + n.ClusterAddr(); got != want {
		t.Errorf("millrace.nodes says %q, want %q", got, want)
	}
}

// TestDataDirectory: one process at a time, and one name for ever.
func TestDataDirectory(t *testing.T) {
	cfg := testConfig(filepath.Join(t.TempDir(), "data"))
	cfg.NodeID = "first"
	n := mustStart(t, cfg)
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second node on the same directory: %v", err)
	}
	mustClose(t, n)
	cfg.NodeID = "second"
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "node first") {
		t.Errorf("another name: %v", err)
	}
	cfg.NodeID = ""
	n = mustStart(t, cfg)
	defer mustClose(t, n)
	if got := ask(t, n, `SELECT node FROM millrace.nodes`); got != "first" {
		t.Errorf("the node calls itself %q", got)
	}
}

func TestAddressInUse(t *testing.T) {
	n := mustStart(t, testConfig(filepath.Join(t.TempDir(), "data")))
	defer mustClose(t, n)
	for flag, set := range map[string]func(*Config){
		"--listen":  func(c *Config) { c.Listen = n.SQLAddr() },
		"--http":    func(c *Config) { c.HTTP = n.HTTPAddr() },
		"--cluster": func(c *Config) { c.Cluster = n.ClusterAddr() },
	} {
		cfg := testConfig(filepath.Join(t.TempDir(), "data"))
		set(&cfg)
		if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s in use: %v", flag, err)
		}
	}
}

func TestValidateGivesAllProblems(t *testing.T) {
	cfg := Config{Listen: "x", HTTP: "127.0.0.1:0", Cluster: "y", MemoryBytes: -1, Join: []string{"z"}}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("a hopeless configuration is valid")
	}
	for _, flag := range []string{"--data", "--listen", "--cluster", "--memory", "--join"} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is not complained about: %v", flag, err)
		}
	}
	cfg = DefaultConfig()
	if err := cfg.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for addr, ok := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "0.0.0.0:1": false,
		":7433": false, "10.0.0.1:1": false, "[::]:1": false, "db.example:1": false,
	} {
		cfg.Listen = addr
		if err := cfg.Validate(); (err == nil) != ok {
			t.Errorf("--listen %s: %v", addr, err)
		}
	}
}
