package exec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec"
)

const hour = 3_600_000_000

// expecting gives a function that runs a statement and compares its rows.
func (n *node) expecting() func(text, want string) {
	return func(text, want string) {
		n.t.Helper()
		rows, err := n.run(text)
		if got := strings.Join(rows, " "); err != nil || got != want {
			n.t.Fatalf("%s: got %q (%v), want %q", text, got, err, want)
		}
	}
}

// TestTimeToLive lets time pass over a table with a ttl: rows that were not written since
// go, from its views and from tables that refer to it too, and the log has it.
func TestTimeToLive(t *testing.T) {
	n := newNode(t, options{partitions: 3, workers: 2})
	run := n.expecting()
	n.clock.now.Store(1000 * hour)
	run("CREATE TABLE p (id int PRIMARY KEY, v int) WITH (ttl = '2 hours')", "")
	run("CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)", "")
	run("CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n, sum(v) AS s FROM p", "")
	run("INSERT INTO p VALUES (1, 10), (2, 20), (3, 30)", "")
	run("INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)", "")
	n.engine.Expire()
	run("SELECT n, s FROM m", "3|60")

	n.clock.now.Add(hour)
	run("UPDATE p SET v = 21 WHERE id = 2", "")
	n.clock.now.Add(hour + hour/2)
	n.engine.Expire()
	run("SELECT id, v FROM p", "2|21")
	run("SELECT n, s FROM m", "1|21")
	run("SELECT id FROM c", "2")
	run("SELECT count(*) FROM millrace.changelog('p') WHERE op = 'delete'", "2")
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	n.reopen()
	run("SELECT id, v FROM p", "2|21")

	run("INSERT INTO p (ROWTIME, id, v) VALUES (0, 9, 1)", "") // long ago
	n.engine.Expire()
	run("SELECT id FROM p", "2")
	run("ALTER TABLE p RESET (ttl)", "")
	n.clock.now.Add(hour)
	n.engine.Expire()
	run("SELECT id FROM p", "2")
	run("ALTER TABLE p SET (ttl = '5 minutes')", "")
	n.engine.Expire()
	run("SELECT n, s FROM m", "0|NULL")
	run("SELECT count(*) FROM c", "0")
}

// TestTimeToLiveMany lets more rows go than one commit takes, of one time and of many,
// and rows without a key.
func TestTimeToLiveMany(t *testing.T) {
	n := newNode(t, options{partitions: 2})
	run := n.expecting()
	n.clock.now.Store(1000 * hour)
	const rows = 150_000
	run("CREATE TABLE same (id int PRIMARY KEY) WITH (ttl = '1 hour')", "")
	run("CREATE TABLE spread (id int) WITH (ttl = '1 hour')", "")
	run(fmt.Sprintf("INSERT INTO same SELECT * FROM generate_series(1, %d)", rows), "")
	run(fmt.Sprintf("INSERT INTO spread (ROWTIME, id) SELECT 998 * 3600000::bigint + i * 24, i "+
		"FROM generate_series(1, %d) i", rows), "")
	n.engine.Expire()
	run("SELECT count(*) FROM spread", "0")
	run("SELECT count(*) FROM same", fmt.Sprint(rows))
	n.clock.now.Add(hour + 1)
	n.engine.Expire()
	run("SELECT count(*) FROM same", "0")
}

// TestTimeToLiveKept has rows that must stay: others refer to them.
func TestTimeToLiveKept(t *testing.T) {
	n := newNode(t, options{partitions: 2})
	run := n.expecting()
	n.clock.now.Store(1000 * hour)
	run("CREATE TABLE p (id int PRIMARY KEY) WITH (ttl = '1 hour')", "")
	run("CREATE TABLE c (p int REFERENCES p)", "")
	run("INSERT INTO p VALUES (1)", "")
	run("INSERT INTO c VALUES (1)", "")
	n.clock.now.Add(2 * hour)
	n.engine.Expire()
	run("SELECT id FROM p", "1")
	run("DELETE FROM c", "")
	n.engine.Expire()
	run("SELECT count(*) FROM p", "0")
}

// TestNextLook bounds how often tables are read, and how long rows can stay.
func TestNextLook(t *testing.T) {
	const s, now = 1_000_000, 1000 * hour
	for _, c := range []struct{ oldest, ttl, want int64 }{
		{now - hour, 2 * hour, now + 600*s},      // nothing is due soon
		{now - hour + 10*s, hour, now + 36*s},    // due at once: a hundredth of the ttl
		{now - 100*hour, 100 * hour, now + 60*s}, // but no longer than a minute
		{now, 5 * s, now + 5*s},                  // short
		{now - 5*s, 5 * s, now + 1*s},            // not in a loop
		{now + 500*hour, 10 * s, now + 10*s},     // times of the future say nothing
		{now - hour, hour + 120*s, now + 120*s},  // exactly when it is due
	} {
		if got := exec.NextLook(now, c.oldest, c.ttl); got != c.want {
			t.Errorf("%+v: in %d s, want %d", c, (got-now)/s, (c.want-now)/s)
		}
	}
}
