package expr

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	diffRecord  = flag.String("record-differential", "", "number of cases to record as golden")
	diffOnly    = flag.String("only", "", "only cases whose expression matches this")
	diffWording = flag.Bool("wording", false, "show messages that differ")
	diffShow    = flag.Int("show", 40, "number of differences to show")
	diffSamples = flag.Int("samples", 0, "number of cases to show of each known difference")
)

const (
	knownFile    = goldenDir + "/differential.known"
	recordedFile = goldenDir + "/differential.golden.gz"
)

// TestDifferential compares generated expressions with a PostgreSQL 15 server:
// the one of MILLRACE_PG_URL, or a private one, or else with what was recorded.
// MILLRACE_DIFFERENTIAL is their number, MILLRACE_SEED where they begin.
func TestDifferential(t *testing.T) {
	s := findServer(t)
	if s == nil {
		t.Log("no PostgreSQL 15 that can be started: the recorded answers stand for it")
		compareRecorded(t)
		return
	}
	count, seed := envInt(t, "MILLRACE_DIFFERENTIAL", 20000), envInt(t, "MILLRACE_SEED", 1)
	t.Logf("MILLRACE_SEED=%d MILLRACE_DIFFERENTIAL=%d", seed, count)
	known := s.kinds(t)
	verifyOwn(t, known)
	g := newGenerator(uint64(seed), known)
	c := newComparison(t)
	var only *regexp.Regexp
	if *diffOnly != "" {
		only = regexp.MustCompile(*diffOnly)
	}
	for left := count; left > 0; {
		batch := make([]diffCase, 0, 2000)
		for len(batch) < min(left, 2000) {
			if x := g.next(); only == nil || only.MatchString(x.Expr) {
				batch = append(batch, x)
			}
		}
		left -= len(batch)
		settings := max(0, g.rng.IntN(2*len(diffSettings))-len(diffSettings))
		s.set(t, settings)
		c.settings = diffSettings[settings].dates
		s.ask(t, batch)
		for i := range batch {
			c.compare(t, &batch[i])
		}
	}
	s.set(t, 0)
	c.report(t)
	t.Log(g.coverage())
	t.Logf("MILLRACE_SEED=%d MILLRACE_DIFFERENTIAL=%d", seed, count)
}

func envInt(t *testing.T, name string, def int) int {
	v := os.Getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestDifferentialGolden compares with the recorded answers of a server.
func TestDifferentialGolden(t *testing.T) {
	if *diffRecord != "" {
		recordDifferential(t)
	}
	compareRecorded(t)
}

func compareRecorded(t *testing.T) {
	t.Helper()
	f, err := os.Open(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func(oid uint32) { moodOID = oid }(moodOID)
	moodOID = recordedMood
	c := newComparison(t)
	for lines := json.NewDecoder(bufio.NewReader(z)); lines.More(); {
		var x diffCase
		if err := lines.Decode(&x); err != nil {
			t.Fatal(err)
		}
		c.compare(t, &x)
	}
	if c.compared < 5000 {
		t.Errorf("only %d recorded cases", c.compared)
	}
	c.report(t)
}

// recordDifferential writes the golden file anew.
func recordDifferential(t *testing.T) {
	s := findServer(t)
	if s == nil {
		t.Fatal("there is no PostgreSQL 15 to record")
	}
	count, err := strconv.Atoi(*diffRecord)
	if err != nil {
		t.Fatal(err)
	}
	known := s.kinds(t)
	verifyOwn(t, known)
	g := newGenerator(15, known)
	cs := make([]diffCase, count)
	for i := range cs {
		cs[i] = g.next()
	}
	s.ask(t, cs)
	f, err := os.Create(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestCompression)
	w := json.NewEncoder(z)
	w.SetEscapeHTML(false)
	for i := range cs {
		if cs[i].unanswered() {
			continue
		}
		cs[i].Want = withRecordedMood(cs[i].Want)
		if err := w.Encode(&cs[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// withRecordedMood puts recordedMood in the place of the server's OID in a binary array of
// the enum, whose third word it is.
func withRecordedMood(want string) string {
	const head, word = len("mood[]: ") + 16, 8
	if !strings.HasPrefix(want, "mood[]: ") || len(want) < head+word {
		return want
	}
	return want[:head] + fmt.Sprintf("%08x", recordedMood) + want[head+word:]
}

// unanswered tells whether the server gave up, or was never asked a thing: its
// statement_timeout, its memory, its grammar.
func (c *diffCase) unanswered() bool {
	return strings.HasPrefix(c.Want, "ERROR 57014") || strings.HasPrefix(c.Want, "ERROR 53200") ||
		strings.HasPrefix(c.Want, "ERROR 54000") || strings.HasPrefix(c.Want, "ERROR 42601 syntax")
}

// rule is a line of the file of known differences.
type rule struct {
	trait            func(*diffCase) bool // nil: any case
	query, got, want *regexp.Regexp
	reason           string
	line             int // of the file
	used             int
}

// comparison counts.
type comparison struct {
	rules                                []*rule
	compared, errors, skipped, explained int
	bad, wording, first, nudged, ties    int
	own                                  int
	postgres                             *registry
	settings                             string // of the batch
}

func newComparison(t *testing.T) *comparison {
	t.Helper()
	text, err := os.ReadFile(knownFile)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{postgres: postgresRegistry(t)}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			t.Fatalf("%s:%d: not QUERY, GOT, WANT, REASON", knownFile, i+1)
		}
		var trait func(*diffCase) bool
		if name, query, ok := strings.Cut(f[0], " "); ok && strings.HasPrefix(name, "@") {
			if trait = traits[name[1:]]; trait == nil {
				t.Fatalf("%s:%d: no trait %s", knownFile, i+1, name)
			}
			f[0] = query
		}
		c.rules = append(c.rules, &rule{trait: trait, query: regexp.MustCompile(f[0]), got: regexp.MustCompile(f[1]),
			want: regexp.MustCompile(f[2]), reason: f[3], line: i + 1})
	}
	return c
}

// compare evaluates x and compares the answer with the server's.
func (c *comparison) compare(t *testing.T, x *diffCase) {
	t.Helper()
	if x.unanswered() {
		c.skipped++
		return
	}
	c.compared++
	got, err := x.answer()
	if err != nil {
		c.differs(t, x, got+" ("+err.Error()+")")
		return
	}
	if strings.HasPrefix(x.Want, "ERROR ") {
		c.errors++
	}
	if x.agrees(got) {
		if got != x.Want && strings.HasPrefix(got, "ERROR ") {
			if c.wording++; *diffWording {
				t.Logf("%s\n got %s\nwant %s", x.query(), got, x.Want)
			}
		}
		return
	}
	if x.failsPlanned() {
		c.first++
		return
	}
	if x.withinNudges() {
		c.nudged++
		return
	}
	if x.otherOrders(x.Want) {
		c.ties++
		return
	}
	if c.withoutOwn(x) {
		c.own++
		return
	}
	first := x.ownPlanError()
	for _, r := range c.rules {
		if r.explains(x, got) || first != "" && r.explains(x, first) {
			if r.used++; r.used <= *diffSamples {
				t.Logf("known, line %d: %s\n got %s\nwant %s", r.line, x.query(), got, x.Want)
			}
			c.explained++
			return
		}
	}
	c.differs(t, x, got)
}

// agrees tells whether got is the server's answer: what a client decodes is, of an error
// its code.
func (x *diffCase) agrees(got string) bool {
	return got == x.Want || x.Binary && readBinary(got) == readBinary(x.Want) ||
		strings.HasPrefix(x.Want, "ERROR ") && strings.HasPrefix(got, x.Want[:11])
}

func (r *rule) explains(x *diffCase, got string) bool {
	want := x.Want
	if x.Binary {
		got, want = readBinary(got), readBinary(want)
	}
	return r.query.MatchString(x.query()) && r.got.MatchString(got) && r.want.MatchString(want) &&
		(r.trait == nil || r.trait(x))
}

func (c *comparison) differs(t *testing.T, x *diffCase, got string) {
	t.Helper()
	if c.bad++; c.bad <= *diffShow {
		t.Errorf("%s [%s]\n got %s\nwant %s", x.query(), c.settings, got, x.Want)
	}
}

func (c *comparison) report(t *testing.T) {
	t.Helper()
	for _, r := range c.rules {
		t.Logf("explained: %5d of line %d: %s", r.used, r.line, r.reason)
	}
	t.Logf("%d compared (%d of them errors), %d differ, %d explained, "+
		"%d have an overload of our own, %d fail at planning, %d within the last digits of functions, %d order equal rows otherwise, "+
		"%d word an error otherwise, %d unanswered",
		c.compared, c.errors, c.bad, c.explained, c.own, c.first, c.nudged, c.ties, c.wording, c.skipped)
}

var numberText = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?`)

// closeTo tells whether two answers are the same but for numbers that differ by no
// more than by.
func closeTo(got, want string, by float64) bool {
	if numberText.ReplaceAllString(got, "#") != numberText.ReplaceAllString(want, "#") {
		return false
	}
	a, b := numberText.FindAllString(got, -1), numberText.FindAllString(want, -1)
	for i := range a {
		x, err1 := strconv.ParseFloat(a[i], 64)
		y, err2 := strconv.ParseFloat(b[i], 64)
		if err1 != nil || err2 != nil || math.Abs(x-y) > by {
			return false
		}
	}
	return true
}
