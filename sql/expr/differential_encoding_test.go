package expr

import (
	"fmt"
	"testing"
)

// TestDifferentialEncodings compares each character of each encoding of one byte with a
// PostgreSQL 15 server.
func TestDifferentialEncodings(t *testing.T) {
	s := findServer(t)
	if s == nil {
		t.Skip("no PostgreSQL 15 that can be started")
	}
	var cs []diffCase
	seen := map[string]bool{}
	for _, e := range encodings() {
		if e.chars == nil || seen[e.name] {
			continue
		}
		seen[e.name] = true
		for b := 0x80; b < 0x100; b++ {
			cs = append(cs, diffCase{Expr: fmt.Sprintf(`convert_from('\x%02x'::bytea, '%s')`, b, e.name)})
			cs = append(cs, diffCase{Expr: fmt.Sprintf("convert_to(chr(%d), '%s')", e.chars[b-0x80], e.name)})
		}
		for other, to := range encodings() {
			if direct(e.name, to.name) {
				continue // refused here
			}
			cs = append(cs, diffCase{Expr: fmt.Sprintf(`convert('\xc1d2e3'::bytea, '%s', '%s')`, e.name, other)})
		}
	}
	s.ask(t, cs)
	c := newComparison(t)
	for i := range cs {
		c.compare(t, &cs[i])
	}
	t.Logf("%d characters, %d differ", len(cs), c.bad)
}
