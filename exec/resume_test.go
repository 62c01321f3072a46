package exec_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/millracedb/millrace/catalog"
)

// TestResumeFailed: a query that failed shows its error;
// RESUME starts it again from history, and what it had made is replaced.
func TestResumeFailed(t *testing.T) {
	n := newNode(t, options{partitions: 2})
	do := func(text string) {
		t.Helper()
		if _, err := n.run(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	do("CREATE STREAM beat (x int)")
	do("CREATE TABLE parts (id int PRIMARY KEY, n int)")
	do("CREATE TABLE share WITH (on_error = 'fail') AS SELECT id, 12 / n AS x FROM parts")
	do("CREATE MATERIALIZED VIEW shares AS SELECT count(*) AS n, sum(x) AS x FROM share")
	do("INSERT INTO parts VALUES (1, 2), (2, 3)")
	do("INSERT INTO parts VALUES (3, 0)")
	n.waitState("CTAS_SHARE_1", catalog.QueryFailed)
	do("DELETE FROM parts WHERE id IN (2, 3)")
	got, err := n.run("SELECT state, error FROM millrace.queries WHERE target = 'share'")
	if err != nil || !slices.Equal(got, []string{"FAILED|division by zero"}) {
		t.Fatalf("state: %v, %v", got, err)
	}
	do("RESUME share")
	n.waitState("CTAS_SHARE_1", catalog.QueryRunning)
	do("INSERT INTO parts VALUES (4, 4)")
	for text, want := range map[string][]string{
		"SELECT * FROM share ORDER BY id": {"1|6", "4|3"}, "SELECT * FROM shares": {"2|9"},
	} {
		if got, err := n.run(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestResumeRestart: a query that failed, came back by RESUME and was restarted in
// between runs on. The failure is found again when the log is replayed; it says nothing
// about the query after RESUME.
func TestResumeRestart(t *testing.T) {
	for _, o := range []options{
		{name: "replay", partitions: 2}, {name: "checkpoints", partitions: 2, checkpoint: true},
		{name: "power cuts", partitions: 1, checkpoint: true, crash: true},
	} {
		t.Run(o.name, func(t *testing.T) {
			for range 4 {
				resumeRestarted(t, o)
			}
		})
	}
}

func resumeRestarted(t *testing.T, o options) {
	n := newNode(t, o)
	mustRun(t, n, "CREATE STREAM beat (x int)")
	mustRun(t, n, "CREATE TABLE parts (id int PRIMARY KEY, n int)")
	mustRun(t, n, "CREATE TABLE share WITH (on_error = 'fail') AS SELECT id, 12 / n AS x FROM parts")
	mustRun(t, n, "CREATE MATERIALIZED VIEW shares AS SELECT array_agg(x ORDER BY x) AS l FROM share")
	for i := range 3 {
		mustRun(t, n, fmt.Sprintf("INSERT INTO parts VALUES (%d, 1), (9, 0)", i))
		n.waitState("CTAS_SHARE_1", catalog.QueryFailed)
		mustRun(t, n, "DELETE FROM parts WHERE id = 9")
		if i != 1 {
			n.reopen()
		}
		mustRun(t, n, "RESUME share")
		if i != 2 {
			n.reopen()
		}
		n.waitState("CTAS_SHARE_1", catalog.QueryRunning)
		mustRun(t, n, fmt.Sprintf("INSERT INTO parts VALUES (%d, 3)", 10+i))
		n.waitRebuilt()
		same(t, n, "share", "SELECT id, 12 / n AS x FROM parts")
		same(t, n, "shares", "SELECT array_agg(x ORDER BY x) AS l FROM share")
		n.reopen()
		same(t, n, "share", "SELECT id, 12 / n AS x FROM parts")
	}
	n.close()
	n.open()
}
