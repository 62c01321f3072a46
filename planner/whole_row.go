package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// An item of FROM that is named alone means its whole row. Where an outer join fills
// the item up, that is NULL and not a row of NULLs: count(t), t::text and
// coalesce(t, ...) tell them apart. The join then needs a column more, which is TRUE
// in every row of the item; it is made only where a query names the item so.

// bareNames gives the names without a table that stand in a query, and in those
// within, where its FROM has outer joins.
func bareNames(sel *sql.Select, q *sql.Query) map[string]bool {
	outer := false
	names := map[string]bool{}
	visit := func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Join:
			outer = outer || n.Kind == sql.LeftJoin || n.Kind == sql.RightJoin || n.Kind == sql.FullJoin
		case *sql.ColRef:
			if len(n.Name) == 1 {
				names[n.Name[0]] = true
			}
		}
		return true
	}
	for _, t := range sel.From {
		sql.Walk(t, visit)
	}
	if !outer {
		return nil
	}
	sql.Walk(sel, visit)
	for _, k := range q.OrderBy {
		sql.Walk(k.X, visit)
	}
	return names
}

// nullable prepares a side of a join that may be filled up with NULLs.
func (b *builder) nullable(f *from) *from {
	var named []*entry
	for _, e := range f.entries {
		if b.bare[e.alias] && !e.scalar && !marked(f.cols, e) {
			named = append(named, e)
		}
	}
	if len(named) == 0 {
		return f
	}
	out := *f
	p := withMarker(f.node).(*plan.Project)
	out.node, out.cols = p, append([]column(nil), f.cols...)
	for _, e := range named {
		out.cols = append(out.cols, column{entry: e, x: colOf(p, len(p.Out)-1), hidden: true,
			marker: true})
	}
	return &out
}

// marked tells whether an item has a marker already, of a join within.
func marked(cols []column, e *entry) bool {
	for i := range cols {
		if cols[i].marker && cols[i].entry == e {
			return true
		}
	}
	return false
}

// orNull is a whole row, or NULL where its marker is.
func orNull(row, marker expr.Expr) expr.Expr {
	t := row.Type()
	return &expr.Case{T: t, Else: row, Whens: []expr.When{{Cond: &expr.IsNull{X: marker},
		Then: &expr.Const{D: types.NullDatum, T: t}}}}
}
