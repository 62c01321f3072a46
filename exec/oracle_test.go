package exec_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// TestOracle holds the product to its one promise: what a continuous query keeps is
// what its SELECT gives when it is run once, and what PostgreSQL gives, after every
// statement, for any number of partitions, whenever the view was made, and after any
// power cut. MILLRACE_ORACLE is the number of rounds, MILLRACE_SEED the first seed,
// MILLRACE_SHRINK makes failing queries small, MILLRACE_PG is a PostgreSQL 15 ("none": do
// without).
func TestOracle(t *testing.T) {
	rounds, seed := 40, uint64(1)
	if s := os.Getenv("MILLRACE_ORACLE"); s != "" {
		rounds, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("MILLRACE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	pg := newPostgres(t)
	var total tally
	for i := range rounds {
		s := seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			o := newOracle(t, pg, s, &total)
			o.round()
		})
	}
	t.Logf("seeds %d to %d: %s", seed, seed+uint64(rounds)-1, &total)
}

// tally counts what was compared.
type tally struct {
	loose                       int // views with an order that nobody states
	views, refused, broken      int // continuous queries; not streamable; failing SELECTs
	viewChecks, once, postgres  int
	unsupported, errors, orders int
	reasons                     map[string]int
}

func (c *tally) String() string {
	s := fmt.Sprintf("%d views (%d with loose orders, %d refused, %d with errors), "+
		"%d comparisons of a view with its SELECT, %d SELECTs once, "+
		"%d comparisons with PostgreSQL (%d not supported, %d equal errors, "+
		"%d errors where PostgreSQL is more eager)",
		c.views, c.loose, c.refused, c.broken, c.viewChecks, c.once, c.postgres,
		c.unsupported, c.errors, c.orders)
	for m, n := range c.reasons {
		s += fmt.Sprintf("\n%5d %s", n, m)
	}
	return s
}

// oracle is one round.
type oracle struct {
	*testing.T
	g     *generator
	pg    *postgres
	node  *node
	count *tally
	seed  uint64
	// history is what was run, for the report of a failure.
	history  []string
	failures int
	ordered  bool // the order of rows is compared too
	views    []*oracleView
}

type oracleView struct {
	genTable
	text dual
	dead bool
}

func newOracle(t *testing.T, pg *postgres, seed uint64, count *tally) *oracle {
	r := rand.New(rand.NewPCG(seed, 0))
	o := options{partitions: []int{1, 3, 6}[r.IntN(3)], workers: 1 + r.IntN(2),
		batchRows: []int{0, 1, 3, 64}[r.IntN(4)],
		crash:     r.IntN(2) == 0, checkpoint: r.IntN(3) == 0}
	if count.reasons == nil {
		count.reasons = map[string]int{}
	}
	return &oracle{T: t, g: &generator{Rand: r}, pg: pg, node: newNode(t, o), count: count, seed: seed}
}

// both runs a statement on both systems and demands that it works.
func (o *oracle) both(s dual) {
	o.Helper()
	if trace {
		fmt.Println(s.ours() + ";")
	}
	got, err := o.node.run(s.ours())
	defer func() { o.history = append(o.history, s.ours()) }()
	if o.pg == nil {
		if err != nil && sqlerr.As(err).Code[:2] != "22" {
			o.fail("%s;\n%v", s.ours(), errorText(err))
			o.FailNow()
		}
		return
	}
	want, theirs := o.pg.run(s.theirs())
	if (err == nil) != (theirs == nil) ||
		err != nil && string(sqlerr.As(err).Code) != pgCode(theirs) {
		o.fail("a change: %s;\n%v\nPostgreSQL: %v", s.ours(), err, theirs)
		o.FailNow()
	}
	if d := difference(got, want); d != "" {
		o.fail("RETURNING differs from PostgreSQL (-PostgreSQL +Millrace): %s;\n%s", s.ours(), d)
	}
}

var trace = os.Getenv("MILLRACE_TRACE") != ""

// fail reports a finding, and after it the statements that lead there.
func (o *oracle) fail(format string, args ...any) {
	o.Helper()
	o.Errorf("%s\n-- after, with %+v:\n%s;", fmt.Sprintf(format, args...), o.node.opts,
		strings.Join(o.history, ";\n"))
	o.failures++
}

func (o *oracle) round() {
	g := o.g
	g.big, g.few, g.nulls = g.chance(4), g.chance(30), pick(g, 15, 15, 5, 50)
	for range 2 + g.IntN(3) {
		t, s := g.newTable()
		o.both(s)
		g.tables = append(g.tables, t)
	}
	defer o.clean()
	steps := 8 + g.IntN(8)
	for step := range steps {
		if step == 0 || g.chance(40) {
			o.newView()
		}
		o.both(g.change(pick(g, g.tables...)))
		o.compareTables()
		if g.chance(12) {
			o.history = append(o.history, "-- restart")
			o.node.reopen()
		}
		o.compareViews()
	}
	for i := range 20 {
		g.risky = i%4 == 3
		if g.risky {
			o.risky()
			continue
		}
		g.loose = false
		switch i % 10 {
		case 9:
			o.compareOnce(dual(g.recursive()))
		case 8:
			o.compareOnce(dual(g.recursiveTree()))
		case 6:
			o.ordered = true
			o.compareOnce(dual(g.ordered(g.IntN(3))))
			o.ordered = false
		default:
			o.compareOnce(dual(g.query(nil, g.IntN(4)).text))
		}
	}
	g.risky = false
}

// clean takes what the round made out of PostgreSQL.
func (o *oracle) clean() {
	if o.pg != nil {
		o.pg.clear(o)
	}
}

func (o *oracle) newView() {
	o.g.loose = false
	q := o.g.query(nil, o.g.IntN(4))
	loose := o.g.loose
	v := &oracleView{genTable: genTable{name: o.g.name("v"), cols: q.cols, view: true},
		text: dual(q.text)}
	s := fmt.Sprintf("CREATE MATERIALIZED VIEW %s AS %s", v.name, v.text.ours())
	if trace {
		fmt.Println(s + ";")
	}
	if _, err := o.node.run(s); err != nil {
		o.refusal(s, err)
		return
	}
	o.history = append(o.history, s)
	o.count.views++
	if loose {
		o.count.loose++
	}
	if o.pg != nil {
		if _, err := o.pg.run("CREATE VIEW " + v.name + " AS " + v.text.theirs()); err != nil {
			o.Errorf("PostgreSQL refuses a view: %v\n%s", err, v.text.theirs())
			return
		}
	}
	o.views = append(o.views, v)
	if !loose && o.g.chance(50) {
		o.g.views = append(o.g.views, &v.genTable)
	}
}

// refusal judges why a view cannot be made.
func (o *oracle) refusal(s string, err error) {
	e := sqlerr.As(err)
	switch {
	case e.Code == sqlerr.FeatureNotSupported:
		if e.Hint == "" {
			o.fail("a refusal has no hint: %s;\n%s", s, errorText(err))
		}
		o.count.refused++
		o.count.reasons[e.Message]++
	case e.Code[:2] == "22" || e.Code[:2] == "21":
		o.count.broken++
	default:
		o.fail("a view is refused: %s;\n%s", s, errorText(err))
	}
}

// compareViews compares every view with its SELECT.
func (o *oracle) compareViews() {
	o.Helper()
	for _, v := range o.views {
		if v.dead {
			continue
		}
		want, err := o.node.run(v.text.ours())
		if err != nil { // what a view shows after an error is for its option to say
			v.dead = true
			o.count.broken++
			if c := sqlerr.As(err).Code[:2]; c != "22" && c != "21" {
				o.fail("a SELECT fails: %s;\n%s", v.text.ours(), errorText(err))
			}
			continue
		}
		got, err := o.node.run(fmt.Sprintf("SELECT %s FROM %s", columnNames(v.cols), v.name))
		if err != nil {
			v.dead = true
			o.fail("a view cannot be read: %s AS %s;\n%s", v.name, v.text.ours(), errorText(err))
			continue
		}
		o.count.viewChecks++
		if d := difference(got, want); d != "" {
			v.dead = true
			o.fail("view %s differs from its SELECT (-SELECT +view): %s;\n%s%s", v.name,
				v.text.ours(), d, o.smallView(v))
		}
	}
}

// compareTables compares what tables hold with PostgreSQL.
func (o *oracle) compareTables() {
	o.Helper()
	if o.pg == nil || o.g.big {
		return
	}
	for _, t := range o.g.tables {
		q := fmt.Sprintf("SELECT %s FROM %s", t.names(), t.name)
		got, err := o.node.run(q)
		if err != nil {
			o.fail("a table cannot be read: %s;\n%s", q, errorText(err))
			continue
		}
		want, err := o.pg.run(q)
		if err != nil {
			o.Fatal(err)
		}
		if d := difference(got, want); d != "" {
			o.fail("%s differs from PostgreSQL (-PostgreSQL +Millrace):\n%s", t.name, d)
			o.FailNow()
		}
	}
}

// maxDifference is the number of rows that a report shows.
const maxDifference = 12

// difference shows rows that only one of two results has.
func difference(got, want []string) string {
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	var b strings.Builder
	n := 0
	for (len(got) > 0 || len(want) > 0) && n < maxDifference {
		n++
		switch {
		case len(want) == 0 || len(got) > 0 && got[0] < want[0]:
			fmt.Fprintf(&b, "+ %s\n", got[0])
			got = got[1:]
		case len(got) == 0 || want[0] < got[0]:
			fmt.Fprintf(&b, "- %s\n", want[0])
			want = want[1:]
		default:
			n--
			got, want = got[1:], want[1:]
		}
	}
	return b.String()
}

// risky compares expressions that may fail on the rows of one table.
func (o *oracle) risky() {
	g := o.g
	t := pick(g, g.tables...)
	exprs, typs := g.exprs(t.cols, 1, 3)
	items, _ := list(exprs, typs)
	o.compareOnce(dual("SELECT " + items + " FROM " + t.name))
}

// slow is more than any query here takes, even on a machine that does other things.
const slow = 10 * time.Second

// compareOnce compares a SELECT that is run once with PostgreSQL's answer.
func (o *oracle) compareOnce(q dual) {
	o.Helper()
	start := time.Now()
	if trace {
		fmt.Println(q.ours() + ";")
	}
	got, err := o.node.run(q.ours())
	if d := time.Since(start); d > slow {
		o.fail("takes %v: %s;", d, q.ours())
	}
	o.count.once++
	if err != nil && sqlerr.As(err).Code == sqlerr.FeatureNotSupported {
		o.count.unsupported++
		o.count.reasons["once: "+sqlerr.As(err).Message]++
		return
	}
	if o.pg == nil || o.g.loose {
		return
	}
	want, theirs := o.pg.run(q.theirs())
	o.count.postgres++
	switch {
	case o.g.risky && dataError(err) && dataError(theirs) &&
		string(sqlerr.As(err).Code) != pgCode(theirs):
		// PostgreSQL computes constants before it looks for rows, and row by row; here
		// operators go over columns. Which of two rows fails first is nobody's promise.
		o.count.orders++
	case (err == nil) != (theirs == nil) && !(o.g.risky && dataError(theirs)),
		err != nil && theirs != nil && string(sqlerr.As(err).Code) != pgCode(theirs):
		o.fail("other errors: %s;\n%v\nPostgreSQL: %v%s", q.ours(), err, theirs, o.small(q))
	case err != nil:
		o.count.errors++
	case theirs != nil:
		o.count.orders++
	case o.ordered && difference(got, want) == "" && !slices.Equal(got, want):
		o.fail("another order than PostgreSQL's: %s;\n%s\nPostgreSQL:\n%s", q.ours(),
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	default:
		if d := difference(got, want); d != "" {
			o.fail("differs from PostgreSQL (-PostgreSQL +Millrace): %s;\n%s%s", q.ours(), d, o.small(q))
		}
	}
}

// dataError tells whether an error is about the values of rows, or their size.
func dataError(err error) bool {
	var e *pgconn.PgError
	switch {
	case err == nil:
		return false
	case errors.As(err, &e):
		return e.Code[:2] == "22" || e.Code[:2] == "54"
	}
	c := sqlerr.As(err).Code[:2]
	return c == "22" || c == "54"
}
