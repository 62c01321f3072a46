package exec

import (
	"testing"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
)

// TestFrozenTarget: who reads a relation whose query reads history anew is told so,
// until the query has done it.
func TestFrozenTarget(t *testing.T) {
	e := &Engine{points: newPoints(catalog.New())}
	p := &plan.Plan{Root: &plan.Filter{Input: &plan.Scan{Rel: &catalog.Relation{OID: 7, Name: "v"}}}}
	expect := func(when string, want ...string) {
		t.Helper()
		r := e.Pin()
		defer r.Release()
		got := r.Behind(p)
		if len(got) != len(want) || len(want) > 0 && got[0] != want[0] {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	e.points.publish(5, 0, catalog.New())
	e.points.freeze(7)
	expect("at the same epoch")
	e.points.publish(6, 0, catalog.New())
	e.points.freeze(7)
	e.points.freeze(8)
	expect("later", `"v" shows epoch 5: its query reads history anew`)
	e.points.thaw(7)
	expect("until the epoch has ended", `"v" shows epoch 5: its query reads history anew`)
	e.points.publish(7, 0, catalog.New())
	expect("afterwards")
}
