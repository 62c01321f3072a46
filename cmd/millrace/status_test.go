package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestStatus looks at a node with a stream and a view over it.
func TestStatus(t *testing.T) {
	startTestNode(t)
	command := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errOut); code != want {
			t.Fatalf("%v: exit code %d: %s", args, code, errOut.String())
		}
		return out.String()
	}
	command(exitOK, "sql", "-c", `CREATE STREAM s (id bigint);
CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM s;
INSERT INTO s VALUES (1), (2), (3)`)
	var status struct {
		Nodes     []struct{ Role string }
		Relations []struct {
			Name string
			Rows int64
		}
		Queries []struct {
			Name, State string
			Rows_in     int64
			Lag_rows    int64
		}
		Sessions []struct {
			Application_name string
		}
	}
	if err := json.Unmarshal([]byte(command(exitOK, "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Nodes) != 1 || status.Nodes[0].Role != "leader" {
		t.Errorf("nodes: %+v", status.Nodes)
	}
	if len(status.Relations) != 2 || status.Relations[0].Name != "s" || status.Relations[0].Rows != 3 {
		t.Errorf("relations: %+v", status.Relations)
	}
	if len(status.Queries) != 1 || status.Queries[0].State != "RUNNING" ||
		status.Queries[0].Rows_in != 3 || status.Queries[0].Lag_rows != 0 {
		t.Errorf("queries: %+v", status.Queries)
	}
	// The session of the command before may still be saying good-bye.
	own := 0
	for _, x := range status.Sessions {
		if x.Application_name == "millrace status" {
			own++
		}
	}
	if own != 1 || len(status.Sessions) > 2 {
		t.Errorf("sessions: %+v", status.Sessions)
	}
	if text := command(exitOK, "status"); !strings.Contains(text, "queries\n") {
		t.Errorf("the text has no queries:\n%s", text)
	}
}
