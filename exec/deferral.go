package exec

import (
	"context"
	"maps"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
)

// ForeignKeyName names a foreign key: names are those of one table.
type ForeignKeyName struct {
	Table catalog.OID
	Name  string
}

// deferral is what SET CONSTRAINTS has said in a transaction about the deferrable foreign
// keys: all of them, and then some by name.
type deferral struct {
	all   *bool
	named map[ForeignKeyName]bool
}

func (d *deferral) clone() deferral { return deferral{d.all, maps.Clone(d.named)} }

// defers tells whether a foreign key waits for the end of the transaction.
func (t *Txn) defers(f *plan.ForeignKey) bool {
	if !f.Def.Deferrable && !f.Def.Deferred {
		return false
	}
	if on, ok := t.deferral.named[nameOf(f)]; ok {
		return on
	}
	if t.deferral.all != nil {
		return *t.deferral.all
	}
	return f.Def.Deferred
}

func nameOf(f *plan.ForeignKey) ForeignKeyName { return ForeignKeyName{f.Child.OID, f.Def.Name} }

// SetConstraints says when deferrable foreign keys are checked from now on, nil: all of
// them. What waited and waits no more is checked at once; where that fails, nothing is set.
func (t *Txn) SetConstraints(ctx context.Context, names []ForeignKeyName, deferred bool) error {
	before := t.deferral.clone()
	if names == nil {
		t.deferral = deferral{all: &deferred}
	} else {
		if t.deferral = before.clone(); t.deferral.named == nil {
			t.deferral.named = map[ForeignKeyName]bool{}
		}
		for _, n := range names {
			t.deferral.named[n] = deferred
		}
	}
	if deferred {
		return nil
	}
	due := func(p pendingCheck) bool { return !t.defers(p.key) }
	now := slices.DeleteFunc(slices.Clone(t.later), func(p pendingCheck) bool { return !due(p) })
	if err := t.checkPending(ctx, now); err != nil {
		t.deferral = before
		return err
	}
	t.later = slices.DeleteFunc(slices.Clone(t.later), due)
	return nil
}
