package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// rowKeys adds the keys of the rows that a query reads to its result, behind all else:
// those of the tables that FOR UPDATE and its like lock, and for a cursor those of the
// one table that it reads, so that WHERE CURRENT OF finds the row.
func (k *block) rowKeys() {
	b := k.b
	if b.keysOf != k.q || !k.plainRows() {
		return
	}
	for _, e := range k.from.entries {
		if e.rel == nil || e.rel.Kind != catalog.KindTable || len(e.rel.Key) == 0 {
			continue
		}
		l, locked := lockOf(k.q.Locks, e)
		if !locked && (!b.keepKeys || len(k.from.entries) > 1) {
			continue
		}
		r := plan.RowKey{Rel: e.rel, Locked: locked,
			Share: l.Strength == sql.ForShare || l.Strength == sql.ForKeyShare}
		xs := k.keyColumns(e)
		if xs == nil {
			continue
		}
		for i, x := range xs {
			r.Columns = append(r.Columns, len(k.items)-k.hidden+k.behind)
			name := e.rel.Columns[e.rel.Key[i]].Name
			k.items = append(k.items, item{x: x, name: name})
			k.hidden++
			k.behind++
		}
		b.rowKeys = append(b.rowKeys, r)
	}
}

// plainRows tells whether a row of the result is one row of each table of FROM.
func (k *block) plainRows() bool {
	return !k.sel.Distinct && len(k.sel.On) == 0 && len(k.sel.GroupBy) == 0 &&
		k.sel.Having == nil && len(k.agg.calls) == 0 &&
		!slices.ContainsFunc(k.items, func(it item) bool { return hasSet(it.x) || hasWindow(it.x) })
}

// keyColumns gives the key of a table of FROM.
func (k *block) keyColumns(e *entry) (out []expr.Expr) {
	for _, o := range e.rel.Key {
		i := slices.IndexFunc(k.from.cols, func(c column) bool {
			return c.entry == e && c.name == e.rel.Columns[o].Name
		})
		if i < 0 {
			return nil
		}
		out = append(out, k.from.cols[i].x)
	}
	return out
}

// lockOf finds the clause that locks a table.
func lockOf(locks []sql.LockClause, e *entry) (sql.LockClause, bool) {
	for _, l := range locks {
		if len(l.Of) == 0 {
			return l, true
		}
		for _, n := range l.Of {
			if n.Last() == e.alias {
				return l, true
			}
		}
	}
	return sql.LockClause{}, false
}

// currentOf is the condition of WHERE CURRENT OF: the key is that of the cursor's row.
func (b *builder) currentOf(rel *catalog.Relation, f *from, cursor string, pos int) (
	expr.Expr, error) {
	if b.env.Cursor == nil {
		return nil, sqlerr.New(sqlerr.InvalidCursorName, "cursor \"%s\" does not exist", cursor)
	}
	key, err := b.env.Cursor(cursor, rel)
	if err != nil {
		return nil, err
	}
	var all expr.Expr
	for i, o := range rel.Key {
		t := rel.Columns[o].Type
		at := slices.Index(rowLayout(rel), o)
		eq, err := b.operator("=", colOf(f.node, at), &expr.Const{D: key[i], T: t}, pos)
		if err != nil {
			return nil, err
		}
		if all = and(all, eq); all == nil {
			all = eq
		}
	}
	if all == nil { // a table always has a key; a stream has no rows to change
		return &expr.Const{D: types.BoolDatum(false), T: types.Of(types.Bool)}, nil
	}
	return all, nil
}
