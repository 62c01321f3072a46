package exec_test

import (
	"fmt"
	"testing"
)

// TestSilentStream: an outer join waits for the stream that is behind, but not for
// one that fell silent or never spoke; a restart changes nothing.
func TestSilentStream(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, spoke := range []bool{false, true} {
			t.Run(fmt.Sprintf("restart=%v/spoke=%v", restart, spoke), func(t *testing.T) {
				n := newNode(t, options{partitions: 1, workers: 1, checkpoint: restart})
				do := func(text string) {
					t.Helper()
					if _, err := n.run(text); err != nil {
						t.Fatal(err)
					}
					if restart {
						n.reopen()
					}
				}
				count := func() string {
					t.Helper()
					rows, err := n.run("SELECT count(*) FROM o")
					if err != nil {
						t.Fatal(err)
					}
					return rows[0]
				}
				do("CREATE STREAM l (id int); CREATE STREAM r (id int)")
				do("CREATE STREAM o AS SELECT l.id FROM l LEFT JOIN r WITHIN 1 MINUTE ON l.id = r.id")
				if spoke {
					do("INSERT INTO r (ROWTIME, id) VALUES (0, 0)")
				}
				do("INSERT INTO l (ROWTIME, id) VALUES (0, 1)")
				const days = 2 * 24 * 3600 * 1000 // milliseconds
				do(fmt.Sprintf("INSERT INTO l (ROWTIME, id) VALUES (%d, 2)", days))
				if got := count(); got != "0" {
					t.Errorf("%s rows while the right stream may still speak, want none", got)
				}
				n.clock.now.Add(6_000_000)
				do(fmt.Sprintf("INSERT INTO l (ROWTIME, id) VALUES (%d, 3)", days))
				if got := count(); got != "1" {
					t.Errorf("%s rows when the right stream is silent, want 1", got)
				}
				// It speaks again, of a time that is over, and of one that is not.
				do(fmt.Sprintf("INSERT INTO r (ROWTIME, id) VALUES (0, 1), (%d, 2)", days))
				if got := count(); got != "2" {
					t.Errorf("%s rows when it spoke again, want 2", got)
				}
			})
		}
	}
}
