package session

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// cursorName gives the portal that a cursor variable names.
func (d *doBlock) cursorName(v *plpgsql.Var) (string, error) {
	x := d.vals[v.Num].d
	if x.Null {
		return "", sqlerr.New(sqlerr.NullValueNotAllowed,
			"cursor variable \"%s\" is null", v.Name)
	}
	return x.S, nil
}

func (d *doBlock) openCursor(st *plpgsql.Open) error {
	if b := st.Cursor.Cursor; b != nil {
		if err := d.arguments(b, st.Args); err != nil {
			return err
		}
		return d.openQuery(st.Cursor, b.Query, b.NoScroll)
	}
	if st.Query != nil {
		return d.openQuery(st.Cursor, st.Query, st.NoScroll)
	}
	text, list, params, err := d.dynamic(st.Text, st.Using)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return sqlerr.New(sqlerr.SyntaxError, "cannot open multi-query plan as cursor")
	}
	if err := d.s.ready(list[0], d.s.snapshot()); err != nil {
		return locateText(text, err)
	}
	return d.openPortal(st.Cursor, list[0], params, st.NoScroll)
}

// arguments gives the variables of a bound cursor their values.
func (d *doBlock) arguments(c *plpgsql.Cursor, args []*plpgsql.Fragment) error {
	for i, a := range args {
		x, t, err := d.value(a)
		if err != nil {
			return err
		}
		if err := d.set(plpgsql.Target{Var: c.Args[i]}, x, t); err != nil {
			return err
		}
	}
	return nil
}

func (d *doBlock) openQuery(v *plpgsql.Var, f *plpgsql.Fragment, forward bool) error {
	p, err := d.bind(f)
	if err != nil {
		return d.locate(f, "SQL statement", err)
	}
	own := *p.st
	return d.openPortal(v, &own, p.params, forward)
}

func (d *doBlock) openPortal(v *plpgsql.Var, st *statement, params []types.Datum,
	forward bool,
) error {
	switch _, ok := st.tree.(*sql.SelectStmt); {
	case !ok || st.plan.Write != nil:
		return sqlerr.New(invalidCursorDefinition, "cannot open %s query as cursor",
			sql.Tag(st.tree))
	case st.plan.Emit != nil:
		return errEmit()
	}
	s := d.s
	name := d.vals[v.Num].d.S
	if d.vals[v.Num].d.Null {
		for n := 1; name == "" || s.portals[name] != nil; n++ {
			name = "<unnamed portal " + itoa(n) + ">"
		}
	}
	if s.portals[name] != nil {
		return sqlerr.New(sqlerr.DuplicateCursor, "cursor \"%s\" already in use", name)
	}
	p := &portal{name: name, st: st, params: params, created: s.host.clock.NowMicros(),
		columns: columnsOf(st.plan), cursor: &cursor{forward: forward}}
	s.startQuery(p)
	s.portals[name] = p
	d.vals[v.Num].d = types.TextDatum(name)
	return nil
}

// fetchCursor runs FETCH and MOVE.
func (d *doBlock) fetchCursor(st *plpgsql.Fetch) error {
	name, err := d.cursorName(st.Cursor)
	if err != nil {
		return err
	}
	p := d.s.portals[name]
	if p == nil {
		return errNoCursor(name)
	}
	m := &sql.CursorMove{Dir: st.Dir, All: st.All, Count: st.Fixed}
	if m.Count == 0 {
		m.Count = 1
	}
	if st.Count != nil {
		x, t, err := d.value(st.Count)
		if err == nil {
			x, err = d.convert(x, t, doType{t: types.Of(types.Int4)})
		}
		if err != nil {
			return err
		}
		if x.Null {
			return sqlerr.New(sqlerr.NullValueNotAllowed,
				"relative or absolute cursor position is null")
		}
		m.Count = x.I
	}
	if err := d.s.openPortal(p); err != nil {
		return err
	}
	var row []types.Datum
	n, err := d.s.advance(d.ctx, p, m, func(b *batch.Batch) error {
		if b.Rows() > 0 {
			row = rowAt(b, b.Rows()-1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.rowCount = n
	if !st.Move {
		if err := d.setRow(st.Into.Targets, fieldsOf(p.columns), row); err != nil {
			return err
		}
	}
	d.found(n > 0)
	return nil
}

func (d *doBlock) closeCursor(st *plpgsql.Close) error {
	name, err := d.cursorName(st.Cursor)
	if err != nil {
		return err
	}
	if d.s.portals[name] == nil {
		return errNoCursor(name)
	}
	d.s.closePortal(name)
	return nil
}

// cursorLoop runs FOR over the rows of a bound cursor.
func (d *doBlock) cursorLoop(st *plpgsql.CursorRows) (flow, error) {
	if err := d.arguments(st.Cursor.Cursor, st.Args); err != nil {
		return flow{}, err
	}
	if err := d.openQuery(st.Cursor, st.Cursor.Cursor.Query, true); err != nil {
		return flow{}, err
	}
	name := d.vals[st.Cursor.Num].d.S
	defer d.s.closePortal(name)
	d.reset(st.Var)
	to := []plpgsql.Target{{Var: st.Var}}
	found := false
	for {
		p := d.s.portals[name]
		if p == nil {
			return flow{}, errNoCursor(name)
		}
		var row []types.Datum
		m := &sql.CursorMove{Count: 1}
		_, err := d.s.advance(d.ctx, p, m, func(b *batch.Batch) error {
			row = rowAt(b, 0)
			return nil
		})
		if err != nil {
			return flow{}, err
		}
		if row == nil {
			d.found(found)
			return flow{}, nil
		}
		found = true
		if err := d.setRow(to, fieldsOf(p.columns), row); err != nil {
			return flow{}, err
		}
		if f, done, err := d.turn(&st.Loop); done {
			d.found(true)
			return f, err
		}
	}
}
