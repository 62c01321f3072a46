package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
)

// TestKillBlocks kills a server with SIGKILL while a client commits migrations: blocks
// that make a table with rows, a view over it, and alter a table that was there. After
// each start every migration is there as a whole or not at all, and those that were
// acknowledged are.
func TestKillBlocks(t *testing.T) {
	kills := envInt(t, "MILLRACE_KILLS", 4)
	seed := uint64(envInt(t, "MILLRACE_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("MILLRACE_SEED=%d MILLRACE_KILLS=%d", seed, kills)
	rnd := gen.NewRandom(seed)
	k := &killTest{t: t, data: filepath.Join(t.TempDir(), "data")}
	k.start(false)
	k.exec("CREATE TABLE done (n int PRIMARY KEY)")
	k.exec("CREATE TABLE grows (id int PRIMARY KEY)")
	var m migrations
	for round := range kills {
		m.run(k, 1+rnd.Below(12), time.Duration(rnd.Below(4000))*time.Microsecond)
		k.start(round%2 == 0)
		m.check(k)
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	t.Logf("%d kills, %d migrations sent, %d acknowledged", kills, m.sent, m.acked)
	if err := k.server.Stop(); err != nil {
		t.Error(err)
	}
}

// migrations counts what was sent and acknowledged: migration n makes table t<n>.
type migrations struct{ sent, acked int }

// text is one migration, and a block that is left open behind it.
func (m *migrations) text(n int) []string {
	return []string{"BEGIN", fmt.Sprintf("CREATE TABLE t%d (id serial PRIMARY KEY, v int)", n),
		fmt.Sprintf("INSERT INTO t%d (v) SELECT * FROM generate_series(1, 100)", n),
		fmt.Sprintf("CREATE MATERIALIZED VIEW v%d AS SELECT count(*) AS n, sum(v) AS s FROM t%d", n, n),
		fmt.Sprintf("ALTER TABLE grows ADD COLUMN c%d int DEFAULT %d", n, n),
		fmt.Sprintf("INSERT INTO grows (id) VALUES (%d)", n),
		fmt.Sprintf("INSERT INTO done VALUES (%d)", n), "COMMIT"}
}

// run sends migrations, and kills the server a little after so many were acknowledged.
func (m *migrations) run(k *killTest, upTo int64, later time.Duration) {
	k.t.Helper()
	conn := k.connect()
	defer conn.Close()
	first := m.acked
	killed := make(chan error, 1)
	for {
		if m.acked-first == int(upTo) {
			go func() {
				<-time.After(later)
				killed <- k.server.Kill()
			}()
		}
		m.sent++
		for _, s := range m.text(m.sent) {
			err := conn.Exec(k.t.Context(), s)
			var refused *pgconn.PgError
			if errors.As(err, &refused) {
				k.t.Fatalf("migration %d: %s: %v", m.sent, s, err)
			}
			if err != nil {
				if err := <-killed; err != nil {
					k.t.Fatal(err)
				}
				return
			}
		}
		m.acked++
	}
}

// check looks for each migration that was sent.
func (m *migrations) check(k *killTest) {
	k.t.Helper()
	conn := k.connect()
	defer conn.Close()
	there := 0
	for n := 1; n <= m.sent; n++ {
		parts := []string{
			k.ask(conn, fmt.Sprintf("SELECT count(*) FROM done WHERE n = %d", n)),
			k.ask(conn, fmt.Sprintf("SELECT count(*) FROM grows WHERE id = %d", n)),
			k.ask(conn, fmt.Sprintf("SELECT count(*) FROM information_schema.columns "+
				"WHERE table_name = 'grows' AND column_name = 'c%d'", n)),
			k.ask(conn, fmt.Sprintf("SELECT count(*) FROM pg_class WHERE relname = 't%d'", n)),
			k.ask(conn, fmt.Sprintf("SELECT count(*) FROM pg_class WHERE relname = 'v%d'", n)),
		}
		switch got := strings.Join(parts, " "); got {
		case "1 1 1 1 1":
			there++
			sum := k.ask(conn, fmt.Sprintf("SELECT n || ' ' || s FROM v%d", n))
			rows := k.ask(conn, fmt.Sprintf("SELECT count(*) || ' ' || sum(v) FROM t%d", n))
			if sum != "100 5050" || rows != sum {
				k.t.Errorf("migration %d: the table has %s, its view %s", n, rows, sum)
			}
		case "0 0 0 0 0":
		default:
			k.t.Errorf("migration %d is there in part: %s", n, got)
		}
	}
	if there < m.acked {
		k.t.Errorf("%d migrations are there, %d were acknowledged", there, m.acked)
	}
	m.acked = there
}

// ask gives the one value of a query.
func (k *killTest) ask(conn *client.Conn, query string) string {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	v, err := conn.Value(ctx, query)
	if err != nil {
		k.t.Fatalf("%s: %v", query, err)
	}
	return v
}
