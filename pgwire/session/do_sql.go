package session

import (
	"context"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// doStatement is a fragment of SQL with its plan and its parameters.
type doStatement struct {
	st     *statement
	refs   []doRef
	params []types.Datum
	// simple is the program of an expression that reads nothing, made for plan.
	simple *expr.Program
	plan   *plan.Plan
	result types.Type
}

// doRef is a parameter: a variable, or a field of one.
type doRef struct {
	v     *plpgsql.Var
	field string
}

// prepare finds the variables that a fragment may name.
func (d *doBlock) prepare(f *plpgsql.Fragment) *doStatement {
	if p := d.prepared[f]; p != nil {
		return p
	}
	p := &doStatement{st: &statement{text: f.Text, tree: f.Stmt}}
	d.prepared[f] = p
	switch f.Stmt.(type) {
	case *sql.SelectStmt, *sql.Insert, *sql.Update, *sql.Delete, *sql.Merge, *sql.Explain:
	default:
		return p // its text is kept or changes the catalog: variables are not seen
	}
	d.expandStars(f)
	sql.Walk(f.Stmt, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && !c.Star {
			d.refer(p, f, c)
		}
		return true
	})
	return p
}

// refer marks a name that a variable has.
func (d *doBlock) refer(p *doStatement, f *plpgsql.Fragment, c *sql.ColRef) {
	v, used := f.Names.Lookup(c.Name)
	if v == nil || len(c.Name)-used > 1 {
		return
	}
	r := doRef{v: v}
	if used < len(c.Name) {
		if !d.types[v.Num].composite {
			return
		}
		r.field = c.Name[used]
	}
	c.VarFirst, c.ColumnFirst = d.prog.VariablesFirst, d.prog.ColumnsFirst
	for i, o := range p.refs {
		if o == r {
			c.Var = i + 1
			return
		}
	}
	p.refs = append(p.refs, r)
	c.Var = len(p.refs)
}

// bind gives a fragment the values of its variables, and plans it for their types.
func (d *doBlock) bind(f *plpgsql.Fragment) (*doStatement, error) {
	p := d.prepare(f)
	if len(p.refs) > 0 {
		if p.params == nil {
			p.params = make([]types.Datum, len(p.refs))
			p.st.given = make([]types.Type, len(p.refs))
		}
		// The execution before may still be reading its own.
		p.params = make([]types.Datum, len(p.refs))
		for i, r := range p.refs {
			t, x, err := d.current(r)
			if err != nil {
				return nil, err
			}
			p.params[i] = x
			if !sameType(p.st.given[i], t) {
				given := append([]types.Type(nil), p.st.given...)
				given[i] = t
				p.st = &statement{text: f.Text, tree: f.Stmt, given: given}
			}
		}
	}
	if planned(p.st.tree) && p.st.plan == nil || p.st.version != d.s.snapshot().Version ||
		p.st.gen != d.s.settings.planGen {
		if err := d.s.ready(p.st, d.s.snapshot()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func sameType(a, b types.Type) bool {
	return a.Kind == b.Kind && a.Kind != types.Record && a.Same(b)
}

// current gives the type and the value of a parameter.
func (d *doBlock) current(r doRef) (types.Type, types.Datum, error) {
	x, composite := &d.vals[r.v.Num], d.types[r.v.Num].composite
	if r.field == "" {
		if composite && !x.assigned {
			return x.t, types.NullDatum, errUnassigned(r.v.Name)
		}
		t := x.t
		t.Mod = 0
		return t, x.whole(composite), nil
	}
	i, err := d.field(r.v, r.field)
	if err != nil {
		return x.t, types.NullDatum, err
	}
	t := x.t.Fields[i].Type
	t.Mod = 0
	return t, x.fields[i], nil
}

// value evaluates an expression.
func (d *doBlock) value(f *plpgsql.Fragment) (types.Datum, types.Type, error) {
	p, err := d.bind(f)
	if err != nil {
		return types.NullDatum, types.Type{}, d.locate(f, expressionKind(f), err)
	}
	x, t, err := d.evaluate(p, f)
	if err != nil {
		kind := expressionKind(f)
		if p.simple != nil && len(p.refs) > 0 {
			kind = ""
		}
		err = d.locate(f, kind, err)
	}
	return x, t, err
}

// expressionKind is what the context of an error calls an expression.
func expressionKind(f *plpgsql.Fragment) string {
	if f.Assigned {
		return "PL/pgSQL assignment"
	}
	return "SQL expression"
}

// condition evaluates a condition; NULL is false.
func (d *doBlock) condition(f *plpgsql.Fragment) (bool, error) {
	x, t, err := d.value(f)
	if err == nil {
		x, err = d.convert(x, t, doType{t: types.Of(types.Bool)})
	}
	return err == nil && x.Bool(), err
}

// evaluate runs a query that gives one value. One that reads nothing is computed in place.
func (d *doBlock) evaluate(p *doStatement, f *plpgsql.Fragment) (types.Datum, types.Type, error) {
	null := types.NullDatum
	if len(p.st.plan.Columns) != 1 {
		text := "query returned " + itoa(len(p.st.plan.Columns)) + " columns"
		e := sqlerr.New(sqlerr.SyntaxError, "%s", text)
		return null, types.Type{}, e.InContext("query: %s", f.Shown)
	}
	t := p.st.plan.Columns[0].Type
	if p.plan != p.st.plan {
		if err := p.compile(); err != nil {
			return null, t, err
		}
	}
	x := d.s.scope()
	defer x.close()
	if p.simple != nil {
		x.env.Params = p.params
		d.s.reading.Store(&x.system)
		vs, err := p.simple.Eval(&x.env, &batch.Batch{N: 1})
		if err != nil {
			return null, t, err
		}
		return ownDatum(vs[0].Datum(0)), p.result, nil
	}
	if p.st.plan.Emit != nil {
		return null, t, errEmit()
	}
	n, out := 0, null
	err := d.s.host.engine.Run(d.ctx, x.read(p.st.plan, p.params), func(b *batch.Batch) error {
		return expand(b, func(b *batch.Batch) error {
			if n == 0 {
				out = ownDatum(b.Cols[0].Datum(b.Index(0)))
			}
			if n += b.Rows(); n > 1 {
				return exec.ErrEnough
			}
			return nil
		})
	})
	if err == nil && n > 1 {
		err = sqlerr.New(sqlerr.CardinalityViolation, "query returned more than one row").
			InContext("query: %s", f.Shown)
	}
	return out, t, err
}

// compile finds out whether the plan is one expression.
func (p *doStatement) compile() error {
	p.plan, p.simple = p.st.plan, nil
	project, ok := p.plan.Root.(*plan.Project)
	if !ok || len(p.plan.Subplans) > 0 || len(project.Exprs) != 1 {
		return nil
	}
	if v, ok := project.Input.(*plan.Values); !ok || len(v.Rows) != 1 || len(v.Rows[0]) > 0 {
		return nil
	}
	var err error
	p.simple, err = expr.Compile(project.Exprs)
	p.result = project.Exprs[0].Type()
	return err
}

func errEmit() error {
	return sqlerr.Unsupported("EMIT CHANGES in DO",
		"A block is one transaction, which sees no changes of others. Subscribe outside of it.")
}

// rowSink takes what a statement of a block gives: some rows, and how many there were.
type rowSink struct {
	Sink   // of the whole DO, for notices
	cols   []Column
	rows   [][]types.Datum
	n      int64
	limit  int  // of rows kept
	enough bool // the statement may end when there are so many
	tag    string
}

func (c *rowSink) Columns(r *Result) error { c.cols = r.Columns; return nil }

func (c *rowSink) Rows(b *batch.Batch) error {
	for k := range b.Rows() {
		if len(c.rows) < c.limit {
			c.rows = append(c.rows, rowAt(b, k))
		}
		c.n++
		if c.enough && len(c.rows) >= c.limit {
			return exec.ErrEnough
		}
	}
	return nil
}

func (c *rowSink) Flush() error              { return nil }
func (c *rowSink) Complete(tag string) error { c.tag = tag; return nil }
func (c *rowSink) Empty() error              { return nil }
func (c *rowSink) Suspended() error          { return nil }

func (c *rowSink) CopyOut(CopyHeader) error { return errCopyInside() }

func (c *rowSink) CopyIn(context.Context, CopyHeader) (CopyReader, error) {
	return nil, errCopyInside()
}

func errCopyInside() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "cannot COPY to/from client in PL/pgSQL").
		WithHint("Use INSERT ... SELECT, or COPY outside of the block.")
}

// rowAt copies a row.
func rowAt(b *batch.Batch, k int) []types.Datum {
	row := make([]types.Datum, len(b.Cols))
	for i, v := range b.Cols {
		row[i] = ownDatum(v.Datum(b.Index(k)))
	}
	return row
}

func (c *rowSink) fields() []types.Field { return fieldsOf(c.cols) }

func fieldsOf(cols []Column) []types.Field {
	out := make([]types.Field, len(cols))
	for i, c := range cols {
		out[i] = types.Field{Name: c.Name, Type: c.Type}
	}
	return out
}

// count is the number of rows that the statement's tag tells; 0 where it tells none.
func (c *rowSink) count() int64 {
	n, _ := strconv.ParseInt(c.tag[strings.LastIndexByte(c.tag, ' ')+1:], 10, 64)
	return n
}

// inside runs a statement of the block the session's own way.
func (d *doBlock) inside(st *statement, params []types.Datum, out *rowSink) error {
	switch x := st.tree.(type) {
	case *sql.Begin, *sql.Commit, *sql.Rollback, *sql.Savepoint, *sql.Release, *sql.RollbackTo:
		return sqlerr.New(sqlerr.FeatureNotSupported, "unsupported transaction command in PL/pgSQL").
			WithHint("Use a PL/pgSQL block with an EXCEPTION clause instead.")
	case *sql.Vacuum, *sql.AlterSystem:
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "%s cannot be executed from a function",
			strings.ToUpper(sql.Tag(st.tree)))
	case *sql.Copy:
		return errCopyInside()
	case *sql.SelectStmt:
		if x.Query.Emit != sql.EmitNone {
			return errEmit()
		}
	case *sql.Insert, *sql.Update, *sql.Delete, *sql.Merge:
	default:
		if planned(st.tree) { // may end the transaction's view of the catalog
			if err := d.holdLoops(); err != nil {
				return err
			}
		}
	}
	out.Sink = d.sink
	return d.s.run(d.ctx, st, params, nil, out)
}

// sqlStatement runs an SQL statement, with or without INTO.
func (d *doBlock) sqlStatement(st *plpgsql.SQL) error {
	f := st.Query
	p, err := d.bind(f)
	if err != nil {
		return d.locate(f, "SQL statement", err)
	}
	_, isSelect := f.Stmt.(*sql.SelectStmt)
	if _, ok := f.Stmt.(*sql.Copy); ok {
		return errCopyInside()
	}
	if st.Into == nil && (isSelect || givesRows(p.st) || isExplain(f.Stmt)) {
		e := sqlerr.New(sqlerr.SyntaxError, "query has no destination for result data")
		if isSelect {
			return e.WithHint("If you want to discard the results of a SELECT, use PERFORM instead.")
		}
		return e
	}
	out := &rowSink{}
	if st.Into != nil {
		out.limit, out.enough = 1, isSelect
		if st.Into.Strict || !isSelect {
			out.limit = 2
		}
	}
	if err := d.inside(p.st, p.params, out); err != nil {
		return d.locate(f, "SQL statement", err)
	}
	d.rowCount = out.count()
	if st.Into != nil && isSelect {
		d.rowCount = min(d.rowCount, 1)
	}
	switch f.Stmt.(type) {
	case *sql.SelectStmt, *sql.Insert, *sql.Update, *sql.Delete, *sql.Merge:
		d.found(d.rowCount > 0)
	}
	if st.Into == nil {
		return nil
	}
	if len(out.rows) > 1 {
		return sqlerr.New(sqlerr.TooManyRows, "query returned more than one row").
			WithHint("Make sure the query returns a single row, or use LIMIT 1.")
	}
	return d.into(st.Into, out)
}

// givesRows tells whether a planned statement has a result.
func givesRows(st *statement) bool {
	return st.plan != nil && (st.plan.Root != nil && st.plan.Command == nil && !isExplain(st.tree) ||
		st.plan.Write != nil && st.plan.Write.Returning != nil)
}

func isExplain(x sql.Statement) bool { _, ok := x.(*sql.Explain); return ok }

// into assigns the first row of a result.
func (d *doBlock) into(x *plpgsql.Into, out *rowSink) error {
	if len(out.rows) == 0 {
		if x.Strict {
			return sqlerr.New(sqlerr.NoDataFound, "query returned no rows")
		}
		return d.setRow(x.Targets, out.fields(), nil)
	}
	if len(out.cols) == 0 {
		return sqlerr.New(sqlerr.SyntaxError, "INTO used with a command that cannot return data")
	}
	return d.setRow(x.Targets, out.fields(), out.rows[0])
}

func (d *doBlock) found(yes bool) {
	d.vals[d.prog.Found.Num].d = types.BoolDatum(yes)
}

// perform runs PERFORM: SELECT whose rows nobody wants.
func (d *doBlock) perform(st *plpgsql.Perform) error {
	f := st.Query
	p, err := d.bind(f)
	if err == nil {
		out := &rowSink{}
		if err = d.inside(p.st, p.params, out); err == nil {
			d.rowCount = out.count()
			d.found(d.rowCount > 0)
			return nil
		}
	}
	g := *f
	g.Shown = f.Text
	return d.locate(&g, "SQL statement", err)
}

// execute runs EXECUTE.
func (d *doBlock) execute(st *plpgsql.Execute) error {
	text, list, params, err := d.dynamic(st.Text, st.Using)
	if err != nil {
		return err
	}
	out := &rowSink{}
	if st.Into != nil {
		out.limit = 2
	}
	for _, x := range list {
		out.rows, out.cols = nil, nil
		if err := d.inside(x, params, out); err != nil {
			return locateText(text, err)
		}
	}
	d.rowCount = out.count()
	if st.Into == nil {
		return nil
	}
	if st.Into.Strict && len(out.rows) > 1 {
		return sqlerr.New(sqlerr.TooManyRows, "query returned more than one row")
	}
	return d.into(st.Into, out)
}

// dynamic reads the text that an expression gives, and the parameters of USING.
func (d *doBlock) dynamic(f *plpgsql.Fragment, using []*plpgsql.Fragment) (text string,
	list []*statement, params []types.Datum, err error,
) {
	x, t, err := d.value(f)
	if err != nil {
		return "", nil, nil, err
	}
	if x.Null {
		return "", nil, nil, sqlerr.New(sqlerr.NullValueNotAllowed,
			"query string argument of EXECUTE is null")
	}
	text = d.textOf(t, x)
	var given []types.Type
	for _, u := range using {
		x, t, err := d.value(u)
		if err != nil {
			return "", nil, nil, err
		}
		if t.Kind == types.Unknown {
			t = textColumn
		}
		params, given = append(params, x), append(given, t)
	}
	cached, err := d.s.parse(text)
	if err != nil {
		return text, nil, nil, locateText(text, err)
	}
	for _, c := range cached {
		if _, ok := c.tree.(*sql.CreateAs); ok && selects(c.source()) {
			return text, nil, nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"EXECUTE of SELECT ... INTO is not implemented").WithHint("You might want to use " +
				"EXECUTE ... INTO or EXECUTE CREATE TABLE ... AS instead.")
		}
		switch c.tree.(type) {
		case *sql.Begin, *sql.Commit, *sql.Rollback, *sql.Savepoint, *sql.Release,
			*sql.RollbackTo:
			return text, nil, nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"EXECUTE of transaction commands is not implemented").
				WithHint("Write COMMIT or ROLLBACK in the block itself.")
		}
		list = append(list, &statement{text: text, tree: c.tree, given: given})
	}
	return text, list, params, nil
}

func selects(text string) bool {
	w, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return lower(w) == "select" || lower(w) == "with"
}

// expandStars replaces record.* in select lists and rows by the record's fields.
func (d *doBlock) expandStars(f *plpgsql.Fragment) {
	fields := func(x sql.Expr) []sql.Expr {
		c, ok := x.(*sql.ColRef)
		if !ok || !c.Star || len(c.Name) == 0 {
			return nil
		}
		v, used := f.Names.Lookup(append(append(sql.Name(nil), c.Name...), "*"))
		if v == nil || used != len(c.Name) || !d.types[v.Num].composite {
			return nil
		}
		var list []sql.Expr
		for _, field := range d.vals[v.Num].t.Fields {
			name := append(append(sql.Name(nil), c.Name...), field.Name)
			list = append(list, &sql.ColRef{Loc: c.Loc, Name: name})
		}
		return list
	}
	sql.Walk(f.Stmt, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Select:
			var items []sql.Item
			for _, it := range n.Items {
				list := fields(it.X)
				for _, x := range list {
					items = append(items, sql.Item{X: x})
				}
				if list == nil {
					items = append(items, it)
				}
			}
			n.Items = items
		case *sql.Values:
			for i, row := range n.Rows {
				n.Rows[i] = expandRow(row, fields)
			}
		case *sql.Row:
			n.Elems = expandRow(n.Elems, fields)
		}
		return true
	})
}

func expandRow(row []sql.Expr, fields func(sql.Expr) []sql.Expr) []sql.Expr {
	var out []sql.Expr
	for _, x := range row {
		if list := fields(x); list != nil {
			out = append(out, list...)
		} else {
			out = append(out, x)
		}
	}
	return out
}
