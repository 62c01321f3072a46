package session

import (
	"context"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// loop runs a loop.
func (d *doBlock) loop(st plpgsql.Stmt) (flow, error) {
	switch st := st.(type) {
	case *plpgsql.Endless:
		for {
			if f, done, err := d.turn(&st.Loop); done {
				return f, err
			}
		}
	case *plpgsql.While:
		for {
			ok, err := d.condition(st.Cond)
			if err != nil || !ok {
				return flow{}, err
			}
			if f, done, err := d.turn(&st.Loop); done {
				return f, err
			}
		}
	case *plpgsql.Count:
		return d.countLoop(st)
	case *plpgsql.Rows:
		return d.rowsLoop(st)
	case *plpgsql.CursorRows:
		return d.cursorLoop(st)
	case *plpgsql.Foreach:
		return d.foreach(st)
	}
	return flow{}, nil
}

// turn runs the body of a loop once; done says that the loop is over.
func (d *doBlock) turn(l *plpgsql.Loop) (f flow, done bool, err error) {
	if d.ctx.Err() != nil {
		return flow{}, true, context.Cause(d.ctx)
	}
	if f, err = d.statements(l.Body); err != nil {
		return f, true, err
	}
	mine := f.label == "" || f.label == l.Label
	switch {
	case f.kind == exits && mine:
		return flow{}, true, nil
	case f.kind == goesOn || f.kind == continues && mine:
		return flow{}, false, nil
	}
	return f, true, nil
}

// bound evaluates a bound of FOR.
func (d *doBlock) bound(f *plpgsql.Fragment, what string) (int64, error) {
	x, t, err := d.value(f)
	if err == nil {
		x, err = d.convert(x, t, doType{t: types.Of(types.Int4)})
	}
	if err == nil && x.Null {
		err = sqlerr.New(sqlerr.NullValueNotAllowed, "%s of FOR loop cannot be null", what)
	}
	return x.I, err
}

func (d *doBlock) countLoop(st *plpgsql.Count) (flow, error) {
	from, err := d.bound(st.From, "lower bound")
	if err != nil {
		return flow{}, err
	}
	to, err := d.bound(st.To, "upper bound")
	if err != nil {
		return flow{}, err
	}
	step := int64(1)
	if st.Step != nil {
		if step, err = d.bound(st.Step, "BY value"); err != nil {
			return flow{}, err
		}
		if step <= 0 {
			return flow{}, sqlerr.New(sqlerr.InvalidParameterValue,
				"BY value of FOR loop must be greater than zero")
		}
	}
	if st.Reverse {
		step = -step
	}
	d.reset(st.Var)
	found := false
	for i := from; i <= to && !st.Reverse || i >= to && st.Reverse; i += step {
		found = true
		d.vals[st.Var.Num].d = types.IntDatum(i)
		f, done, err := d.turn(&st.Loop)
		if done {
			d.found(true)
			return f, err
		}
	}
	d.found(found)
	return flow{}, nil
}

func (d *doBlock) foreach(st *plpgsql.Foreach) (flow, error) {
	if st.Slice > 0 {
		return flow{}, sqlerr.Unsupported("SLICE of FOREACH", "Loop over the elements.")
	}
	x, t, err := d.value(st.Array)
	switch {
	case err != nil:
		return flow{}, err
	case x.Null:
		return flow{}, sqlerr.New(sqlerr.NullValueNotAllowed,
			"FOREACH expression must not be null")
	case t.Kind != types.Array:
		return flow{}, sqlerr.New(sqlerr.DatatypeMismatch,
			"FOREACH expression must yield an array, not type %s", t.String())
	}
	found := false
	elems, t := flatten(x, t)
	for _, e := range elems {
		found = true
		if err := d.set(st.Target, e, t); err != nil {
			return flow{}, err
		}
		if f, done, err := d.turn(&st.Loop); done {
			d.found(true)
			return f, err
		}
	}
	d.found(found)
	return flow{}, nil
}

// flatten gives the elements of an array and of the arrays within, and their type.
func flatten(x types.Datum, t types.Type) ([]types.Datum, types.Type) {
	elems, t := x.Array(*t.Elem).Elems, *t.Elem
	for t.Kind == types.Array {
		var inner []types.Datum
		for _, e := range elems {
			if !e.Null {
				inner = append(inner, e.Array(*t.Elem).Elems...)
			}
		}
		elems, t = inner, *t.Elem
	}
	return elems, t
}

// doRows is the rows of a loop: they come batch by batch, so that a long result takes no
// more memory than a short one, unless the transaction that they are read in ends.
type doRows struct {
	src    source
	fields []types.Field
	cur    *batch.Batch
	at     int
}

// maxHeldBytes bounds what is kept of loops when COMMIT or DDL ends their transaction.
const maxHeldBytes = maxHistoryBytes

func (r *doRows) next(ctx context.Context) ([]types.Datum, error) {
	for r.cur == nil || r.at == r.cur.Rows() {
		b, err := r.src.next(ctx)
		if err != nil || b == nil {
			return nil, err
		}
		r.cur, r.at = b, 0
	}
	r.at++
	return rowAt(r.cur, r.at-1), nil
}

// hold reads all the rows that are left, so that the transaction may end.
func (r *doRows) hold(ctx context.Context) error {
	if _, ok := r.src.(*stored); ok {
		return nil
	}
	var h history
	if r.cur != nil && r.at < r.cur.Rows() {
		h.add(part(r.cur, r.at, r.cur.Rows()))
	}
	for {
		b, err := r.src.next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if h.add(b); h.bytes > maxHeldBytes {
			return sqlerr.New(sqlerr.ConfigurationLimitExceeded,
				"a loop over more than %d MB of rows cannot go on after COMMIT or DDL",
				maxHeldBytes>>20).WithHint("Loop over fewer rows.")
		}
	}
	r.src.close()
	r.src, r.cur, r.at = &stored{h.parts}, nil, 0
	return nil
}

func (d *doBlock) holdLoops() error {
	for _, r := range d.open {
		if err := r.hold(d.ctx); err != nil {
			return err
		}
	}
	return nil
}

// closeLoops ends the loops that were begun after the first n.
func (d *doBlock) closeLoops(n int) {
	for len(d.open) > n {
		last := len(d.open) - 1
		d.open[last].src.close()
		d.open = d.open[:last]
	}
}

// rowsLoop runs FOR over the rows of a query.
func (d *doBlock) rowsLoop(st *plpgsql.Rows) (flow, error) {
	r, err := d.rowsOf(st)
	if err != nil {
		return flow{}, err
	}
	n := len(d.open)
	d.open = append(d.open, r)
	defer d.closeLoops(n)
	found := false
	for {
		row, err := r.next(d.ctx)
		if err != nil {
			return flow{}, d.ofRows(st, err)
		}
		if row == nil {
			if !found {
				if err := d.setRow(st.Targets, r.fields, nil); err != nil {
					return flow{}, err
				}
			}
			d.found(found)
			return flow{}, nil
		}
		found = true
		if err := d.setRow(st.Targets, r.fields, row); err != nil {
			return flow{}, err
		}
		if f, done, err := d.turn(&st.Loop); done {
			d.found(true)
			return f, err
		}
	}
}

func (d *doBlock) ofRows(st *plpgsql.Rows, err error) error {
	if st.Query != nil {
		return d.locate(st.Query, "SQL statement", err)
	}
	return err
}

// rowsOf begins to read the rows of a loop.
func (d *doBlock) rowsOf(st *plpgsql.Rows) (*doRows, error) {
	if st.Query != nil {
		p, err := d.bind(st.Query)
		if err != nil {
			return nil, d.locate(st.Query, "SQL statement", err)
		}
		r, err := d.reading(p.st, p.params)
		if err != nil {
			return nil, d.locate(st.Query, "SQL statement", err)
		}
		return r, nil
	}
	text, list, params, err := d.dynamic(st.Text, st.Using)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "cannot open multi-query plan as cursor")
	}
	x := list[0]
	if err := d.s.ready(x, d.s.snapshot()); err != nil {
		return nil, locateText(text, err)
	}
	r, err := d.reading(x, params)
	if err != nil {
		return nil, locateText(text, err)
	}
	return r, nil
}

// reading begins to read the rows of a statement that is planned. Those of a query come as
// they are asked for; a statement that changes something is run to its end first.
func (d *doBlock) reading(st *statement, params []types.Datum) (*doRows, error) {
	if _, ok := st.tree.(*sql.SelectStmt); ok && st.plan.Write == nil {
		if st.plan.Emit != nil {
			return nil, errEmit()
		}
		cols := columnsOf(st.plan)
		return &doRows{src: d.s.pull(d.s.scope(), st.plan, params), fields: fieldsOf(cols)}, nil
	}
	if st.plan != nil && !givesRows(st) && !isExplain(st.tree) {
		return nil, sqlerr.New(invalidCursorDefinition, "cannot open %s query as cursor",
			sql.Tag(st.tree))
	}
	out := &rowSink{limit: maxKeptRows}
	if err := d.inside(st, params, out); err != nil {
		return nil, err
	}
	if out.n > maxKeptRows {
		return nil, sqlerr.New(sqlerr.ConfigurationLimitExceeded,
			"a loop over the rows of a change takes at most %d rows", maxKeptRows)
	}
	r := &doRows{fields: out.fields()}
	ts := make([]types.Type, len(out.cols))
	for i, c := range out.cols {
		ts[i] = c.Type
	}
	var list []*batch.Batch
	for i, row := range out.rows {
		if i%batch.MaxRows == 0 {
			list = append(list, batch.New(ts, min(len(out.rows)-i, batch.MaxRows)))
		}
		list[len(list)-1].AppendDatums(row, 1)
	}
	for _, b := range list {
		b.W = nil
	}
	r.src = &stored{list}
	return r, nil
}

// maxKeptRows bounds the rows of INSERT ... RETURNING and its like that a loop runs over.
const maxKeptRows = 1 << 18

const invalidCursorDefinition sqlerr.Code = "42P11"
