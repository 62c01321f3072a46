package session

import (
	"math/bits"
	"sort"
	"sync"

	"github.com/millracedb/millrace/sql/parse"
)

// maxStatements bounds how many forms of statements are counted apart: what comes
// after is counted together.
const maxStatements = 2000

// statements counts what statements did, by their form without literals.
type statements struct {
	mu     sync.Mutex
	byForm map[string]*statementStat
}

// statementStat is the count of one form.
type statementStat struct {
	mu              sync.Mutex
	form, example   string
	calls, errors   int64
	rows            int64
	micros, longest int64
	last            int64
	// buckets count calls by the bit length of their time in microseconds.
	buckets [64]int64
}

const otherForms = "(other statements)"

// of gives the count of a statement's form; the statement remembers it.
func (t *statements) of(st *statement) *statementStat {
	if st.stat != nil {
		return st.stat
	}
	text := st.source()
	form, _ := parse.Fingerprint(text)
	if len(form) > maxShownText {
		form = form[:maxShownText]
	}
	if len(text) > maxShownText {
		text = text[:maxShownText]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byForm == nil {
		t.byForm = map[string]*statementStat{}
	}
	if t.byForm[form] == nil {
		if len(t.byForm) >= maxStatements {
			form, text = otherForms, ""
		}
		if t.byForm[form] == nil {
			t.byForm[form] = &statementStat{form: form, example: text}
		}
	}
	st.stat = t.byForm[form]
	return st.stat
}

// note counts a call. now is its end.
func (t *statements) note(st *statement, rows, micros, now int64, err error) {
	x := t.of(st)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls++
	if err != nil {
		x.errors++
	}
	x.rows += rows
	x.micros += micros
	x.longest = max(x.longest, micros)
	x.last = max(x.last, now)
	x.buckets[bits.Len64(uint64(max(micros, 0)))]++
}

// p99 is the time in microseconds that 99 of 100 calls did not exceed, to a factor
// of 2.
func (x *statementStat) p99() int64 {
	left := x.calls - x.calls/100
	for i, n := range x.buckets {
		if left -= n; left <= 0 {
			return min(int64(1)<<i, max(x.longest, 1))
		}
	}
	return x.longest
}

// list gives the counts by form.
func (t *statements) list() []*statementStat {
	t.mu.Lock()
	out := make([]*statementStat, 0, len(t.byForm))
	for _, x := range t.byForm {
		out = append(out, x)
	}
	t.mu.Unlock()
	sort.Slice(out, func(i, j int) bool { return out[i].form < out[j].form })
	return out
}
