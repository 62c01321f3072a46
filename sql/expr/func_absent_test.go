package expr

import (
	"strings"
	"testing"
)

// TestAbsentNames checks that a function that is not here stands in one list, is not
// defined after all, and that the operators to write instead exist.
func TestAbsentNames(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range []map[string]string{absentNames, absentInside, absentOperators} {
		for hint, names := range list {
			for _, n := range strings.Fields(names) {
				if seen[n] {
					t.Errorf("%s is listed twice, the second time under %q", n, hint)
				}
				seen[n] = true
				if len(builtin().funcs[n]) > 0 {
					t.Errorf("%s is listed under %q, and defined", n, hint)
				}
			}
		}
	}
	for operator := range absentOperators {
		if len(builtin().funcs[operator]) == 0 {
			t.Errorf("the operator %s of a hint is not defined", operator)
		}
	}
}
