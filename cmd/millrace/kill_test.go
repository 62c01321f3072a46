package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/cmd/internal/client"
	"github.com/millracedb/millrace/cmd/internal/gen"
	"github.com/millracedb/millrace/cmd/internal/process"
)

// The clients of the kill test: the first ones insert single rows, then one many
// rows per INSERT, the last one copies.
const (
	killClients = 5
	copyClient  = killClients - 1
	manyClient  = killClients - 2
	copyRows    = 1000
	manyRows    = 20
	// copiesPerRound bounds how much there is to compare in the end.
	copiesPerRound = 20
)

// outcome is what is known of a row.
type outcome uint8

const (
	notSent outcome = iota
	unknown         // sent, not acknowledged: it may be there or not
	acknowledged
)

// ledger is what one client knows of its rows, by seq.
type ledger struct {
	rows []outcome // owned by the client while it runs
}

// amountOf makes the amount of a row a function of who sent it.
func amountOf(client int, seq int64) int64 { return (seq*7919 + int64(client)) % 1000 }

// TestKill kills a real server with SIGKILL at random moments while clients write,
// starts it again, and compares what is there with what was acknowledged. The
// number of kills is MILLRACE_KILLS, the seed MILLRACE_SEED.
func TestKill(t *testing.T) {
	kills := envInt(t, "MILLRACE_KILLS", 5)
	seed := uint64(envInt(t, "MILLRACE_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("MILLRACE_SEED=%d MILLRACE_KILLS=%d", seed, kills)
	rnd := gen.NewRandom(seed)
	k := &killTest{t: t, data: filepath.Join(t.TempDir(), "data")}
	k.start(false)
	k.exec(`CREATE STREAM events (client int, seq bigint, amount bigint)`)
	k.exec(`CREATE MATERIALIZED VIEW totals AS
  SELECT client, count(*) AS n, sum(amount) AS total, max(seq) AS last FROM events GROUP BY client`)
	slowest := k.rounds(kills, rnd, nil)
	t.Logf("%d kills, %d rows acknowledged, slowest start %v", kills, k.acked(), slowest)
	limit := 10 * time.Second // the machine is busy with other tests
	if kills >= 50 {
		limit = 2 * time.Second
	}
	if slowest > limit {
		t.Errorf("a start took %v, at most %v", slowest, limit)
	}
}

// TestKillRebuilt is TestKill with a release at every start whose plans are others:
// the views are computed anew while clients write, and are killed in the middle of it.
func TestKillRebuilt(t *testing.T) {
	kills := envInt(t, "MILLRACE_KILLS", 4)
	seed := uint64(envInt(t, "MILLRACE_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("MILLRACE_SEED=%d MILLRACE_KILLS=%d", seed, kills)
	k := &killTest{t: t, data: filepath.Join(t.TempDir(), "data"), views: rebuiltViews}
	k.start(false)
	k.exec(`CREATE STREAM events (client int, seq bigint, amount bigint)`)
	k.exec(`CREATE MATERIALIZED VIEW totals AS
  SELECT client, count(*) AS n, sum(amount) AS total, max(seq) AS last FROM events GROUP BY client`)
	for _, v := range k.views {
		k.exec("CREATE MATERIALIZED VIEW " + v.name + " AS " + v.text)
	}
	rnd := gen.NewRandom(seed)
	k.rounds(kills, rnd, func(round int) {
		if rnd.Below(3) > 0 {
			t.Setenv(planVersion, strconv.Itoa(round+1))
		}
	})
}

// killView is a view that is compared with its SELECT.
type killView struct{ name, text string }

// rebuiltViews keep ordered state, numbers of rows, and one row of many.
var rebuiltViews = []killView{
	{"latest", `SELECT client, seq, amount FROM events ORDER BY seq DESC, client LIMIT 20`},
	{"lists", `SELECT amount, array_agg(seq ORDER BY seq, client) AS seqs FROM events
  WHERE seq < 50 GROUP BY amount`},
	{"ranks", `SELECT client, seq, rank() OVER (PARTITION BY client ORDER BY amount) AS r
  FROM events WHERE seq % 7 = 0 AND seq < 100`},
	{"firsts", `SELECT DISTINCT ON (amount) amount, client, seq FROM events
  ORDER BY amount, seq, client`},
}

// rounds kills and starts the server so many times; before, if any, is called with the
// round's number before a start. It gives the slowest start.
func (k *killTest) rounds(kills int, rnd *gen.Random, before func(round int)) time.Duration {
	k.t.Helper()
	var slowest time.Duration
	for round := range kills {
		k.round(round, 1+rnd.Below(300))
		if before != nil {
			before(round)
		}
		k.start(round%2 == 0)
		if round > 0 || kills == 1 {
			slowest = max(slowest, k.server.Started)
		}
		// With other plans the clients come, every other time, while views are being
		// computed anew.
		if before == nil || round%2 == 0 || round == kills-1 {
			k.check()
		}
		if k.t.Failed() {
			k.t.Fatalf("after kill %d", round+1)
		}
	}
	if err := k.server.Stop(); err != nil {
		k.t.Error(err)
	}
	return slowest
}

func envInt(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

type killTest struct {
	t       *testing.T
	data    string
	server  *process.Server
	ledgers [killClients]ledger
	views   []killView
}

// start runs the server. Checkpoints come often, so that kills hit them too, or
// not at all, so that much is replayed.
func (k *killTest) start(often bool) {
	k.t.Helper()
	every := "1h"
	if often {
		every = "200ms"
	}
	var err error
	if k.server, err = process.Start(os.Args[0], k.data, "--checkpoint-interval", every); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = k.server.Kill() })
}

func (k *killTest) connect() *client.Conn {
	k.t.Helper()
	conn, err := client.Connect(k.t.Context(), k.server.URL(), client.Options{AppName: "kill test"})
	if err != nil {
		k.t.Fatal(err)
	}
	return conn
}

func (k *killTest) exec(statement string) {
	k.t.Helper()
	conn := k.connect()
	defer conn.Close()
	if err := conn.Exec(k.t.Context(), statement); err != nil {
		k.t.Fatalf("%s: %v", statement, err)
	}
}

func (k *killTest) acked() (n int) {
	for _, l := range k.ledgers {
		for _, o := range l.rows {
			if o == acknowledged {
				n++
			}
		}
	}
	return n
}

// round writes until the server has acknowledged so many statements, and kills it.
func (k *killTest) round(round int, statements int64) {
	k.t.Helper()
	var acks atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	var running sync.WaitGroup
	errs := make([]error, killClients)
	for c := range killClients {
		conn := k.connect()
		running.Go(func() {
			defer conn.Close()
			errs[c] = k.write(conn, c, func() {
				if acks.Add(1) >= statements {
					once.Do(func() { close(enough) })
				}
			})
		})
	}
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-enough:
	case <-timer.C:
		k.t.Errorf("round %d: only %d statements of %d in 20 s", round, acks.Load(), statements)
	}
	if err := k.server.Kill(); err != nil {
		k.t.Fatal(err)
	}
	running.Wait()
	for c, err := range errs {
		var refused *pgconn.PgError
		if errors.As(err, &refused) {
			k.t.Errorf("round %d: the server refused a write of client %d: %v", round, c, err)
		}
	}
}

// write sends statements until the connection breaks, and keeps the ledger.
func (k *killTest) write(conn *client.Conn, c int, acked func()) error {
	l, rows := &k.ledgers[c], 1
	switch c {
	case manyClient:
		rows = manyRows
	case copyClient:
		rows = copyRows
	}
	for n := 0; ; n++ {
		if c == copyClient && n == copiesPerRound {
			return nil
		}
		first := int64(len(l.rows))
		for range rows {
			l.rows = append(l.rows, unknown)
		}
		if err := send(conn, c, first, rows); err != nil {
			return err
		}
		for i := range rows {
			l.rows[first+int64(i)] = acknowledged
		}
		acked()
	}
}

func send(conn *client.Conn, c int, first int64, rows int) error {
	var b bytes.Buffer
	if c == copyClient {
		for i := range int64(rows) {
			fmt.Fprintf(&b, "%d\t%d\t%d\n", c, first+i, amountOf(c, first+i))
		}
		n, err := conn.CopyFrom(context.Background(), `COPY events FROM STDIN`, &b)
		if err == nil && n != int64(rows) {
			err = fmt.Errorf("COPY says %d rows, %d were sent", n, rows)
		}
		return err
	}
	b.WriteString("INSERT INTO events VALUES ")
	for i := range int64(rows) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,%d,%d)", c, first+i, amountOf(c, first+i))
	}
	return conn.Exec(context.Background(), b.String())
}

// totals is a row of the view, or its recomputation.
type totals struct{ n, total, last int64 }

// check reads everything: rows against the ledgers, the view against the rows.
func (k *killTest) check() {
	k.t.Helper()
	conn := k.connect()
	defer conn.Close()
	k.awaitQueries(conn)
	seen := [killClients][]bool{}
	for c := range seen {
		seen[c] = make([]bool, len(k.ledgers[c].rows))
	}
	var want [killClients]totals
	err := conn.Stream(k.t.Context(), `SELECT client, seq, amount FROM events`, client.Handler{
		Row: func(row [][]byte) error {
			c, seq, amount := int(number(row[0])), number(row[1]), number(row[2])
			switch {
			case c < 0 || c >= killClients || seq < 0 || seq >= int64(len(seen[c])):
				k.t.Errorf("a row that nobody sent: client %d, seq %d", c, seq)
				return nil
			case seen[c][seq]:
				k.t.Errorf("client %d, seq %d is there twice", c, seq)
			case amount != amountOf(c, seq):
				k.t.Errorf("client %d, seq %d has amount %d", c, seq, amount)
			}
			seen[c][seq] = true
			w := &want[c]
			w.n, w.total, w.last = w.n+1, w.total+amount, max(w.last, seq)
			return nil
		},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for c := range killClients {
		lost := 0
		for seq, o := range k.ledgers[c].rows {
			if o == acknowledged && !seen[c][seq] {
				lost++
			}
		}
		if lost > 0 {
			k.t.Errorf("client %d: %d acknowledged rows are lost", c, lost)
		}
	}
	k.checkView(conn, want)
	k.checkSelects(conn)
}

// awaitQueries waits until no query reads history any more.
func (k *killTest) awaitQueries(conn *client.Conn) {
	k.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		states := k.texts(conn, `SELECT DISTINCT state FROM millrace.queries WHERE state <> 'RUNNING'`)
		if len(states) == 0 {
			return
		}
		if time.Now().After(deadline) || states[0] != "BACKFILLING" {
			k.t.Fatalf("queries are in state %v", states)
		}
	}
}

// texts gives the first column of a query's rows.
func (k *killTest) texts(conn *client.Conn, query string) (out []string) {
	k.t.Helper()
	err := conn.Stream(k.t.Context(), query, client.Handler{Row: func(row [][]byte) error {
		out = append(out, string(row[0]))
		return nil
	}})
	if err != nil {
		k.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// checkSelects compares views with their SELECT.
func (k *killTest) checkSelects(conn *client.Conn) {
	k.t.Helper()
	for _, v := range k.views {
		for _, both := range []string{"SELECT * FROM " + v.name + " EXCEPT ALL (" + v.text + ")",
			"(" + v.text + ") EXCEPT ALL SELECT * FROM " + v.name} {
			if rows := k.texts(conn, "SELECT z::text FROM ("+both+") AS z"); len(rows) > 0 {
				k.t.Errorf("view %s differs from its SELECT: %s gives %v", v.name, both, rows)
			}
		}
	}
}

func (k *killTest) checkView(conn *client.Conn, want [killClients]totals) {
	k.t.Helper()
	var got [killClients]totals
	err := conn.Stream(k.t.Context(), `SELECT client, n, total, last FROM totals`, client.Handler{
		Row: func(row [][]byte) error {
			c := number(row[0])
			if c < 0 || c >= killClients {
				return fmt.Errorf("the view has client %d", c)
			}
			got[c] = totals{number(row[1]), number(row[2]), number(row[3])}
			return nil
		},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	if got != want {
		k.t.Errorf("the view has (count, sum, last) %v, recomputed %v", got, want)
	}
}

// number reads an integer; what is none becomes -1, which no check expects.
func number(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
