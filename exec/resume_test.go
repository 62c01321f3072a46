package exec_test

import (
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
