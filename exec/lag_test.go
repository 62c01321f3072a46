package exec_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
)

// brake lets a test hold a query in the middle of an epoch, and decides when the
// loop stops waiting for it.
type brake struct {
	mu      sync.Mutex
	query   string
	hold    chan struct{}  // closed: go on; nil: nobody is held
	stopped chan log.Epoch // a query is held in this epoch
	fire    chan struct{}  // a value: the loop's patience ends
}

func newBrake(query string) *brake {
	return &brake{query: query, stopped: make(chan log.Epoch, 100), fire: make(chan struct{})}
}

func (b *brake) computing(query string, epoch log.Epoch) {
	b.mu.Lock()
	hold := b.hold
	b.mu.Unlock()
	if query == b.query && hold != nil {
		b.stopped <- epoch
		<-hold
	}
}

// after gives a timer that fires when the test says so, for the lag's waiting only.
func (b *brake) after(micros int64) <-chan struct{} {
	if micros > 1000 && micros != lagMicros {
		return nil
	}
	return b.fire
}

func (b *brake) on() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = make(chan struct{})
}

func (b *brake) off() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.hold)
	b.hold = nil
}

const lagMicros = 777_000

// lagNode makes a node with one slow view among others, and history in it.
func lagNode(t *testing.T, b *brake) *node {
	t.Helper()
	n := newNode(t, options{partitions: 2, maxLag: lagMicros, computing: b.computing, after: b.after})
	mustRun(t, n, "CREATE STREAM s (k bigint, v bigint)")
	mustRun(t, n, `CREATE MATERIALIZED VIEW slow AS
		SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k;
		CREATE MATERIALIZED VIEW quick AS SELECT count(*) AS n FROM s`)
	mustRun(t, n, "INSERT INTO s VALUES (1, 10), (2, 20)")
	return n
}

// changelog lists a relation's log with epochs.
func (n *node) changelog(name string) []string {
	n.t.Helper()
	rows, err := n.run(fmt.Sprintf(
		"SELECT part, off, epoch, op, key, value FROM millrace.changelog('%s')", name))
	if err != nil {
		n.t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

func write(t *testing.T, n *node, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		mustRun(t, n, fmt.Sprintf("INSERT INTO s VALUES (%d, %d), (3, 1)", i%5, i))
	}
}

// TestLag: a query that is too slow leaves the common epoch. Writers and other
// views go on, readers see its last complete epoch, and when it is back everything
// is as if it had never left: rows, changelog, epochs.
func TestLag(t *testing.T) {
	free := newBrake("none")
	plain := lagNode(t, free)
	write(t, plain, 0, 12)

	b := newBrake("CTAS_SLOW_1")
	n := lagNode(t, b)
	before, err := n.run("SELECT * FROM slow")
	if err != nil {
		t.Fatal(err)
	}
	b.on()
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(t, n, 0, 6)
	}()
	<-b.stopped
	b.fire <- struct{}{}
	<-done
	point := n.engine.Pin()
	defer point.Release()
	late, err := n.run("SELECT * FROM slow")
	if err != nil || !slices.Equal(sorted(late), sorted(before)) {
		t.Errorf("while it is behind: %v, want %v (%v)", late, before, err)
	}
	if rows, err := n.run("SELECT n FROM quick"); err != nil || rows[0] != "14" {
		t.Errorf("the other view: %v, %v", rows, err)
	}
	lag, err := n.run("SELECT sum(lag_rows)::text FROM millrace.lag WHERE query = 'CTAS_SLOW_1'")
	if err != nil || lag[0] != "12" {
		t.Errorf("lag: %v, %v", lag, err)
	}
	b.off()
	n.waitBack("CTAS_SLOW_1")
	// A reader from before still sees what it saw.
	if rows := n.runAt("SELECT * FROM slow", point); !slices.Equal(sorted(rows), sorted(before)) {
		t.Errorf("the pinned reader sees %v, want %v", rows, before)
	}
	write(t, n, 6, 12)
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"slow", "quick"} {
		if got, want := n.changelog(name), plain.changelog(name); !slices.Equal(got, want) {
			t.Errorf("changelog of %s:\n%s\nwant\n%s", name,
				strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	// The epochs' checksums are equal, too, also after a restart.
	const sums = `SELECT epoch, derived_rows, checksum FROM millrace.epochs
		WHERE checksum IS NOT NULL ORDER BY epoch`
	want, err := plain.run(sums)
	if err != nil || len(want) < 10 {
		t.Fatalf("checksums: %v, %v", want, err)
	}
	if got, err := n.run(sums); err != nil || !slices.Equal(got, want) {
		t.Errorf("checksums:\n%s\nwant\n%s\n%v", strings.Join(got, "\n"),
			strings.Join(want, "\n"), err)
	}
	n.reopen()
	plain.reopen()
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
	write(t, n, 12, 14)
	write(t, plain, 12, 14)
	before = want
	if want, err = plain.run(sums); err != nil || len(want) != len(before)+2 ||
		!slices.Equal(want[:len(before)], before) {
		t.Errorf("after a restart: %v, want %v first (%v)", want, before, err)
	}
	if got, err := n.run(sums); err != nil || !slices.Equal(got, want) {
		t.Errorf("after a restart: %v, want %v (%v)", got, want, err)
	}
	for _, x := range []*node{n, plain} {
		if err := x.checkViews(); err != nil {
			t.Error(err)
		}
	}
}

func sorted(rows []string) []string {
	out := slices.Clone(rows)
	slices.Sort(out)
	return out
}

// waitBack waits until a query is complete up to the published epoch.
func (n *node) waitBack(name string) {
	n.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		rows, err := n.run(fmt.Sprintf(
			"SELECT coalesce(sum(lag_rows), 0)::text FROM millrace.lag WHERE query = '%s'", name))
		if err != nil {
			n.t.Fatal(err)
		}
		if rows[0] == "0" {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("query %s does not come back", name)
		}
	}
}

// TestLagDropped: DROP works while a query is outside the common epoch.
func TestLagDropped(t *testing.T) {
	b := newBrake("CTAS_SLOW_1")
	n := lagNode(t, b)
	b.on()
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(t, n, 0, 3)
	}()
	<-b.stopped
	b.fire <- struct{}{}
	<-done
	dropped := make(chan error, 1)
	go func() {
		_, err := n.run("DROP MATERIALIZED VIEW slow")
		dropped <- err
	}()
	b.off()
	if err := <-dropped; err != nil {
		t.Fatal(err)
	}
	write(t, n, 3, 5)
	if err := n.checkViews(); err != nil {
		t.Fatal(err)
	}
}

// TestLagSubscriber: a subscription to a view that is behind gets each epoch whole
// and in order.
func TestLagSubscriber(t *testing.T) {
	b := newBrake("CTAS_SLOW_1")
	n := lagNode(t, b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sub := n.subscribe(ctx, "SELECT k, total FROM slow EMIT CHANGES WITH (op)")
	b.on()
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(t, n, 0, 4)
	}()
	<-b.stopped
	b.fire <- struct{}{}
	<-done
	b.off()
	n.waitBack("CTAS_SLOW_1")
	write(t, n, 4, 6)
	got := sub.until(n.published())
	if !slices.IsSorted(sub.progress) {
		t.Errorf("epochs are not in order: %v", sub.progress)
	}
	want, err := n.run("SELECT k, total FROM slow")
	if err != nil || !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("the subscriber has %v, want %v (%v)", got, want, err)
	}
}

// runAt runs a SELECT at a read point.
func (n *node) runAt(text string, point *exec.ReadPoint) []string {
	n.t.Helper()
	p := n.plan(text, point)
	var rows []string
	err := n.engine.Run(context.Background(), n.read(p, point), func(b *batch.Batch) error {
		rows = append(rows, texts(b, p.Columns)...)
		return nil
	})
	if err != nil {
		n.t.Fatalf("%s: %s", text, errorText(err))
	}
	return rows
}

func (n *node) plan(text string, point *exec.ReadPoint) *plan.Plan {
	n.t.Helper()
	stmts, err := parse.Parse(text)
	if err != nil {
		n.t.Fatal(err)
	}
	env := n.env(point)
	env.Text = text
	p, err := planner.Build(stmts[0], env)
	if err != nil {
		n.t.Fatalf("%s: %s", text, errorText(err))
	}
	return p
}

func (n *node) published() log.Epoch {
	p := n.engine.Pin()
	defer p.Release()
	return p.Epoch
}

// listener collects what a subscription gives.
type listener struct {
	t        *testing.T
	columns  []plan.Column
	mu       sync.Mutex
	rows     map[string]int
	progress []log.Epoch
	moved    chan struct{}
	ended    chan error // what Subscribe returned
}

// Rows implements exec.Subscriber.
func (l *listener) Rows(_ log.Epoch, b *batch.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range b.Rows() {
		i := b.Index(k)
		one := *b
		one.Sel, one.W = []uint16{uint16(i)}, nil
		l.rows[texts(&one, l.columns)[0]] += int(b.Weight(i))
	}
	return nil
}

// Progress implements exec.Subscriber.
func (l *listener) Progress(epoch log.Epoch, _ int64) error {
	l.mu.Lock()
	l.progress = append(l.progress, epoch)
	l.mu.Unlock()
	select {
	case l.moved <- struct{}{}:
	default:
	}
	return nil
}

func (n *node) subscribe(ctx context.Context, text string) *listener {
	n.t.Helper()
	point := n.engine.Pin()
	defer point.Release()
	p := n.plan(text, point)
	rd := n.read(p, point)
	l := &listener{t: n.t.(*testing.T), columns: p.Columns, rows: map[string]int{},
		moved: make(chan struct{}, 1), ended: make(chan error, 1)}
	go func() {
		l.ended <- n.engine.Subscribe(ctx, &exec.Subscription{
			Plan: p, Point: point, Env: rd.Env, System: rd.System,
		}, l)
	}()
	l.until(0)
	return l
}

// until waits for an epoch and gives the rows as of the last one that came.
func (l *listener) until(epoch log.Epoch) []string {
	l.t.Helper()
	for {
		l.mu.Lock()
		if n := len(l.progress); n > 0 && l.progress[n-1] >= epoch {
			defer l.mu.Unlock()
			var out []string
			for r, w := range l.rows {
				for range w {
					out = append(out, r)
				}
			}
			return out
		}
		l.mu.Unlock()
		select {
		case <-l.moved:
		case <-time.After(20 * time.Second):
			l.t.Fatalf("epoch %d does not come", epoch)
		}
	}
}
