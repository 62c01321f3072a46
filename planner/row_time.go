package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/expr"
)

// RowTime gives the event time of a relation with a time column, as an expression
// over its row layout.
func RowTime(rel *catalog.Relation, env *Env) (expr.Expr, error) {
	b := newBuilder(env)
	for i, o := range rowLayout(rel) {
		if o == rel.TimeColumn {
			col := &rel.Columns[o]
			x := &expr.Col{Index: i, T: col.Type, Name: col.Name}
			return b.asRowTime(x, optionOf(rel, "timestamp_format"))
		}
	}
	return nil, nil
}
