package session

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
	"slices"
)

// positioned tells whether a statement has WHERE CURRENT OF: its plan is that of one
// execution, because it has the key of the cursor's row.
func positioned(x sql.Statement) bool {
	switch x := x.(type) {
	case *sql.Update:
		return x.Cursor != ""
	case *sql.Delete:
		return x.Cursor != ""
	}
	return false
}

// currentRow gives the key of the row of a table on which a cursor stands; the planner
// asks for it.
func (s *Session) currentRow(name string, rel *catalog.Relation) ([]types.Datum, error) {
	p := s.portals[name]
	if p == nil || p.st == nil || p.st.plan == nil {
		return nil, errNoCursor(name)
	}
	if p.cursor == nil || p.cursor.held {
		if p.cursor != nil {
			return nil, sqlerr.New(sqlerr.InvalidCursorState,
				"cursor \"%s\" is held from a previous transaction", name)
		}
		return nil, sqlerr.New(sqlerr.InvalidCursorState,
			"cursor \"%s\" is not a SELECT query", name)
	}
	k, err := keyOfTable(p.st.plan, name, rel)
	if err != nil {
		return nil, err
	}
	row := p.cursor.row()
	if row == nil {
		return nil, sqlerr.New(sqlerr.InvalidCursorState,
			"cursor \"%s\" is not positioned on a row", name)
	}
	key := make([]types.Datum, len(k.Columns))
	for i, c := range k.Columns {
		if key[i] = row[c]; key[i].Null {
			return nil, sqlerr.New(sqlerr.InvalidCursorState,
				"cursor \"%s\" is not positioned on a row", name)
		}
	}
	return key, nil
}

// keyOfTable finds the key of the one row of a table that a row of the cursor is made of.
func keyOfTable(p *plan.Plan, name string, rel *catalog.Relation) (*plan.RowKey, error) {
	var found *plan.RowKey
	locks := false
	for i := range p.Keys {
		k := &p.Keys[i]
		locks = locks || k.Locked
		if k.Rel.OID != rel.OID {
			continue
		}
		if found != nil {
			return nil, sqlerr.New(sqlerr.InvalidCursorState,
				"cursor \"%s\" has multiple FOR UPDATE/SHARE references to table \"%s\"",
				name, rel.Name)
		}
		found = k
	}
	switch {
	case found != nil:
		return found, nil
	case locks:
		return nil, sqlerr.New(sqlerr.InvalidCursorState,
			"cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table \"%s\"", name, rel.Name)
	}
	return nil, sqlerr.New(sqlerr.InvalidCursorState,
		"cursor \"%s\" is not a simply updatable scan of table \"%s\"", name, rel.Name)
}

// changesData tells whether a query has INSERT, UPDATE or DELETE in its WITH.
func changesData(q *sql.Query) bool {
	return slices.ContainsFunc(q.With, func(c *sql.CTE) bool { return c.Stmt != nil })
}

// declarable refuses options of DECLARE that exclude each other.
func declarable(x *sql.DeclareCursor) error {
	switch {
	case x.Scroll && x.NoScroll:
		return sqlerr.New(sqlerr.InvalidCursorDefinition, "cannot specify both SCROLL and NO SCROLL")
	case x.Insensitive && x.Asensitive:
		return sqlerr.New(sqlerr.InvalidCursorDefinition,
			"cannot specify both ASENSITIVE and INSENSITIVE")
	case changesData(x.Query):
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"DECLARE CURSOR must not contain data-modifying statements in WITH").
			WithHint("Run the statement, and declare the cursor for what it changed.")
	case len(x.Query.Locks) == 0:
		return nil
	}
	strength := x.Query.Locks[0].Strength
	switch {
	case x.Hold:
		return sqlerr.New(sqlerr.FeatureNotSupported, "DECLARE CURSOR WITH HOLD ... FOR %s is not supported",
			strength).WithDetail("Holdable cursors must be READ ONLY.").
			WithHint("Leave WITH HOLD out.")
	case x.Scroll:
		return sqlerr.New(sqlerr.FeatureNotSupported, "DECLARE SCROLL CURSOR ... FOR %s is not supported",
			strength).WithDetail("Scrollable cursors must be READ ONLY.").
			WithHint("Leave SCROLL out.")
	case x.Insensitive:
		return sqlerr.New(sqlerr.InvalidCursorDefinition,
			"DECLARE INSENSITIVE CURSOR ... FOR %s is not valid", strength).
			WithDetail("Insensitive cursors must be READ ONLY.")
	}
	return nil
}

// row gives the row on which the cursor stands, with the keys behind its columns, or nil.
func (c *cursor) row() []types.Datum {
	if c.forward {
		return c.last
	}
	if c.pos < 1 || c.pos > c.seen.rows {
		return nil
	}
	var row []types.Datum
	_ = c.seen.slice(c.pos-1, c.pos, func(b *batch.Batch) error {
		row = lastRow(b)
		return nil
	})
	return row
}

// lastRow copies the last row of a batch.
func lastRow(b *batch.Batch) []types.Datum {
	at := b.Index(b.Rows() - 1)
	row := make([]types.Datum, len(b.Cols))
	for i, v := range b.Cols {
		row[i] = v.Datum(at)
	}
	return row
}

// visible gives the rows of a cursor without the keys behind them, and remembers the last
// one where the cursor keeps no others.
func (p *portal) visible(out func(*batch.Batch) error) func(*batch.Batch) error {
	if p.st == nil || p.st.plan == nil || !p.st.plan.KeepKeys || p.cursor == nil {
		return out
	}
	return func(b *batch.Batch) error {
		if p.cursor.forward && b.Rows() > 0 {
			p.cursor.last = lastRow(b)
		}
		seen := *b
		seen.Cols = b.Cols[:min(len(p.columns), len(b.Cols))]
		return out(&seen)
	}
}
