package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Expire plans the deletion of the rows of a table whose ROWTIME is before a moment,
// microseconds since 1970, with all that a DELETE keeps: foreign keys and indexes.
func Expire(rel *catalog.Relation, before int64, env *Env) (*plan.Plan, error) {
	b := newBuilder(env)
	f, _, n, err := b.changed(rel, &sql.Table{}, nil, nil, "", sql.WithClause{})
	if err != nil {
		return nil, err
	}
	limit := &expr.Const{D: types.IntDatum(before), T: types.Of(types.Timestamptz)}
	old, err := b.operator("<", f.time, limit, -1)
	if err != nil {
		return nil, err
	}
	w := &plan.Write{Kind: plan.Delete, Rel: rel, Time: -1,
		Input: narrow(newFilter(n, old), len(rowLayout(rel)))}
	if err := b.rules(w); err != nil {
		return nil, err
	}
	p := &plan.Plan{Write: w, Tag: "DELETE"}
	return p, b.finishWrite(p, nil, rel, rowNames{})
}
