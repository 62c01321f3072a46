package exec_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestIndexBuiltBeside makes indexes over more rows than the loop reads by itself: what
// is written meanwhile, and after a restart, is checked all the same.
func TestIndexBuiltBeside(t *testing.T) {
	n := newNode(t, options{partitions: 3, workers: 2})
	mustRun := func(text string) []string {
		t.Helper()
		rows, err := n.run(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return rows
	}
	refused := func(text, part string) {
		t.Helper()
		if _, err := n.run(text); err == nil || !strings.Contains(err.Error(), part) {
			t.Fatalf("%s: got %v, want %q", text, err, part)
		}
	}
	const rows = 70_000
	mustRun("CREATE TABLE t (id int PRIMARY KEY, v int, w int)")
	mustRun(fmt.Sprintf("INSERT INTO t SELECT i, i, i %% 1000 FROM generate_series(1, %d) i", rows))
	mustRun("CREATE UNIQUE INDEX t_v ON t (v); CREATE INDEX t_w ON t (w)")
	for i := range 50 {
		refused(fmt.Sprintf("INSERT INTO t VALUES (%d, %d, 0)", rows+1+i, 1+i), "t_v")
		mustRun(fmt.Sprintf("INSERT INTO t VALUES (%d, %d, 5)", rows+1+i, rows+1+i))
		mustRun(fmt.Sprintf("DELETE FROM t WHERE v = %d", rows-i))
		mustRun(fmt.Sprintf("INSERT INTO t VALUES (%d, %d, 5)", rows-i, rows-i))
		if got := mustRun("SELECT count(*) FROM t WHERE w = 7"); got[0] != "70" {
			t.Fatalf("round %d: %s rows, want 70", i, got[0])
		}
	}
	n.reopen()
	refused("INSERT INTO t VALUES (-1, 69999, 0)", "t_v")
	if got := mustRun("SELECT count(*) FROM t WHERE w = 5"); got[0] != "170" {
		t.Fatalf("%s rows after the restart, want 170", got[0])
	}
}
