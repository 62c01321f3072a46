package session

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// To the planner enums are text. Clients are told the enum's own type where a value
// is plainly one: columns (enumOf), casts (enumCasts), and parameters here.

// paramOIDs gives the types of a plan's parameters as clients see them.
func paramOIDs(p *plan.Plan, snap *catalog.Snapshot) []uint32 {
	if p == nil {
		return nil
	}
	out := make([]uint32, len(p.Params))
	text := false
	for i, t := range p.Params {
		out[i] = t.OID()
		text = text || t.Kind == types.Text
	}
	if !text || len(snap.UserTypes()) == 0 {
		return out
	}
	set := func(x expr.Expr, oid catalog.OID) {
		if c, ok := x.(*expr.Cast); ok {
			x = c.X
		}
		if q, ok := x.(*expr.Param); ok && oid != 0 && q.T.Kind == types.Text && q.N <= len(out) {
			out[q.N-1] = uint32(oid)
		}
	}
	if p.Root != nil {
		enumFilters(p.Root, snap, set)
	}
	if p.Write != nil {
		enumFilters(p.Write.Input, snap, set)
		enumWrites(p.Write, snap, set)
	}
	return out
}

// enumFilters finds parameters that a scan compares with a column.
func enumFilters(n plan.Node, snap *catalog.Snapshot, set func(expr.Expr, catalog.OID)) {
	for _, in := range n.Inputs() {
		enumFilters(in, snap, set)
	}
	s, ok := n.(*plan.Scan)
	if !ok || s.Filter == nil {
		return
	}
	expr.Walk(s.Filter, func(e expr.Expr) bool {
		parts := expr.Children(e)
		oid := catalog.OID(0)
		for _, x := range parts {
			if c, ok := x.(*expr.Col); ok && c.Index < len(s.Columns) {
				oid = enumOrdinal(s.Rel, s.Columns[c.Index], snap)
			}
		}
		for _, x := range parts {
			set(x, oid)
		}
		return true
	})
}

// enumWrites finds parameters that are written to a column.
func enumWrites(w *plan.Write, snap *catalog.Snapshot, set func(expr.Expr, catalog.OID)) {
	var rows [][]expr.Expr
	switch in := w.Input.(type) {
	case *plan.Values:
		rows = in.Rows
	case *plan.Project:
		rows = [][]expr.Expr{in.Exprs}
	}
	var layout []int
	for i := range w.Rel.Columns {
		if !w.Rel.Columns[i].Dropped {
			layout = append(layout, i)
		}
	}
	for _, r := range rows {
		from := 0
		if w.Kind == plan.Update {
			from = len(layout) // behind the old row
		}
		for i, o := range layout {
			if from+i < len(r) {
				set(r[from+i], enumOrdinal(w.Rel, o, snap))
			}
		}
	}
}

func enumOrdinal(rel *catalog.Relation, ordinal int, snap *catalog.Snapshot) catalog.OID {
	if ordinal < 0 {
		return 0
	}
	return enumOf(snap, plan.Column{Table: rel.OID, Attnum: int16(ordinal + 1)})
}
