package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// isTable tells whether a function gives rows, and so stands in FROM.
func isTable(f *catalog.UserFunc) bool {
	return f.Set || f.Ret.Kind == types.Record && f.Ret.Row == nil
}

// userTable binds a call in FROM of a function of CREATE FUNCTION that gives rows; ok is
// false where it is no such call. The body is a query beside a row of the arguments,
// which it sees as the row around it.
func (b *builder) userTable(c *sql.Call, t *sql.TableFunc, o *scope, w *with) (
	f *from, ok bool, err error) {
	fs := b.env.Snapshot.Functions(c.Name.Schema(), c.Name.Last())
	if c.Name.Schema() == "" {
		fs = b.env.Snapshot.ResolveFunctions(b.path, c.Name.Last())
	}
	if len(fs) == 0 || len(c.OrderBy) > 0 || c.Over != nil || c.Distinct || t.Ord {
		return nil, false, nil
	}
	s := (&scope{b: b, parent: o, with: w}).in("functions in FROM")
	given := c.Args
	if slices.ContainsFunc(given, func(a sql.Expr) bool { n, _ := namedArgument(a); return n != "" }) {
		if given, _ = s.NamedArguments(c); given == nil {
			return nil, false, nil
		}
	}
	args := make([]expr.Expr, len(given))
	for i, a := range given {
		if args[i], err = b.check(a, s); err != nil {
			return nil, true, err
		}
	}
	fn := chooseFunc(fs, args)
	if fn == nil || !givesColumns(fn) {
		return nil, false, nil
	}
	if fn, err = b.defined(fn, t, s); err != nil {
		return nil, true, err
	}
	if args, err = s.withDefaults(fn, args, c.Pos()); err != nil {
		return nil, true, err
	}
	if f, err = b.functionRows(fn, args, true, c.Pos()); err != nil {
		return nil, true, inStored(err, c.Pos()).InContext("SQL function \"%s\"", fn.Name)
	}
	f, err = b.functionItem(f, fn, t)
	return f, true, err
}

// functionItem names the columns of a function in FROM.
func (b *builder) functionItem(f *from, fn *catalog.UserFunc, t *sql.TableFunc) (*from, error) {
	name := fn.Name
	if t.Alias.Name != "" {
		name = t.Alias.Name
	}
	e := &entry{alias: name, scalar: len(fn.Ret.Fields) == 0}
	f.entries = []*entry{e}
	for i := range f.cols {
		f.cols[i].entry = e
		switch {
		case !e.scalar:
			f.cols[i].name = fn.Ret.Fields[i].Name
		case t.Alias.Name != "":
			f.cols[i].name = t.Alias.Name
		default:
			f.cols[i].name = fn.Name
		}
	}
	names := t.Alias.Cols
	for _, d := range t.Alias.Defs {
		names = append(names, d.Name)
	}
	return f, renameCols(f, names, name, t.Pos())
}

// functionRows binds the body of a function over its arguments. item says that it stands
// in FROM, where a function that gives no set gives one row in any case.
func (b *builder) functionRows(fn *catalog.UserFunc, args []expr.Expr, item bool, pos int) (
	*from, error) {
	if b.inlined >= maxInline {
		return nil, sqlerr.New(sqlerr.StatementTooComplex,
			"functions call each other more than %d levels deep", maxInline).At(pos)
	}
	b.expands(fn.OID)
	if b.depth == 0 && fn.OID != 0 {
		b.direct[fn.OID] = nil
	}
	q, err := rowQuery(fn)
	if err != nil {
		return nil, err
	}
	in, err := b.argumentRow(fn, args, pos)
	if err != nil {
		return nil, err
	}
	around := in.scope(b, nil, nil)
	around.args = in.cols
	b.inlined++
	out, err := b.query(q, around, nil)
	b.inlined--
	if err != nil {
		return nil, err
	}
	n := b.stripHidden(out).node
	if n, err = b.resultColumns(fn, n, pos); err != nil {
		return nil, err
	}
	if !fn.Set {
		l := &plan.Limit{Input: n, Count: &expr.Const{D: types.IntDatum(1), T: types.Of(types.Int8)}}
		l.Out = n.Cols()
		n = l
	}
	return b.besideArguments(fn, in, n, item && !fn.Set), nil
}

// returned is what a function was declared to return.
func returned(fn *catalog.UserFunc) string {
	if len(fn.Ret.Fields) > 0 {
		return "record"
	}
	return fn.Ret.String()
}

// argumentRow is one row whose columns are the arguments.
func (b *builder) argumentRow(fn *catalog.UserFunc, args []expr.Expr, pos int) (*from, error) {
	e := &entry{alias: fn.Name}
	p := &plan.Project{Input: oneRow().node}
	f := &from{node: p, entries: []*entry{e}}
	for i, a := range args {
		x, err := expr.CoerceTo(a, fn.Args[i], expr.CoerceImplicit, &scope{b: b}, pos)
		if err != nil {
			return nil, err
		}
		p.Exprs = append(p.Exprs, x)
		p.Out = append(p.Out, plan.Column{Name: fn.ArgNames[i], Type: fn.Args[i]})
		c := column{entry: e, name: fn.ArgNames[i],
			x: &expr.Col{Index: i, T: fn.Args[i], Name: fn.ArgNames[i]}}
		switch x.(type) {
		case *expr.Const, *expr.Param: // the same for every row: in the body itself
			c.x = x
		}
		f.cols = append(f.cols, c)
	}
	return f, nil
}

// besideArguments joins the rows of a body with the row of its arguments, and leaves the
// arguments out again. A strict function has no rows where one of them is NULL; keep says
// that there is one row then, of NULLs.
func (b *builder) besideArguments(fn *catalog.UserFunc, in *from, n plan.Node, keep bool) *from {
	if !b.usesOuter(n, 1) && !fn.Strict && !keep {
		n = b.shiftOuter(n, 1, -1)
		out := &from{node: n}
		for i, c := range n.Cols() {
			out.cols = append(out.cols, column{name: c.Name, x: colOf(n, i)})
		}
		return out
	}
	left, kind := in.node, plan.Left
	var on expr.Expr
	if fn.Strict {
		var all []expr.Expr
		for i := range in.cols {
			all = append(all, &expr.IsNull{X: colOf(left, i), Not: true})
		}
		on = and(all...)
	}
	if !keep {
		left, kind, on = newFilter(left, on), plan.Inner, nil
	}
	if !b.usesOuter(n, 1) {
		n = b.shiftOuter(n, 1, -1)
	}
	both := b.joinNode(kind, left, n, on)
	k := len(left.Cols())
	p := &plan.Project{Input: both}
	out := &from{node: p}
	for i, c := range n.Cols() {
		p.Exprs = append(p.Exprs, colOf(both, k+i))
		p.Out = append(p.Out, c)
		out.cols = append(out.cols, column{name: c.Name,
			x: &expr.Col{Index: i, T: c.Type, Name: c.Name}})
	}
	return out
}

// withDefaults adds the defaults of the arguments that a call leaves out.
func (s *scope) withDefaults(f *catalog.UserFunc, args []expr.Expr, pos int) ([]expr.Expr, error) {
	first := len(f.Args) - len(f.Defaults)
	for i := len(args); i < len(f.Args); i++ {
		ast, err := parse.ParseExpr(f.Defaults[i-first])
		if err != nil {
			return nil, err
		}
		x, err := s.b.checkAs(ast, (&scope{b: s.b}).in("DEFAULT expressions"), f.Args[i])
		if err != nil {
			return nil, inStored(err, pos)
		}
		args = append(args, x)
	}
	return args, nil
}

// declareResult reads what a function returns: one value, rows of one value, of a table's
// columns, or of declared ones.
func (b *builder) declareResult(f *catalog.UserFunc, s *sql.CreateFunction) error {
	row := types.Of(types.Record)
	field := func(name string, t *sql.TypeName) error {
		ft, err := expr.ResolveTypeName(t, &scope{b: b})
		row.Fields = append(row.Fields, types.Field{Name: name, Type: ft})
		return err
	}
	for _, c := range s.ReturnsTable {
		if err := field(c.Name, c.Type); err != nil {
			return err
		}
	}
	for _, a := range s.Args {
		if a.Mode == "OUT" || a.Mode == "INOUT" {
			if err := field(a.Name, a.Type); err != nil {
				return err
			}
		}
	}
	f.Set = s.ReturnsTable != nil || s.Returns != nil && s.Returns.SetOf
	if s.Returns != nil && len(row.Fields) == 0 {
		return b.returnedType(f, s.Returns)
	}
	switch len(row.Fields) {
	case 0:
		return sqlerr.New(sqlerr.InvalidFunctionDefinition, "function result type must be specified")
	case 1:
		f.Ret = row.Fields[0].Type
		return nil
	}
	f.Ret = row
	return nil
}

// returnedType is RETURNS t, where t may be a table: its row type.
func (b *builder) returnedType(f *catalog.UserFunc, t *sql.TypeName) error {
	plain := *t
	plain.SetOf = false
	var err error
	if f.Ret, err = expr.ResolveTypeName(&plain, &scope{b: b}); err == nil {
		return nil
	}
	rel := b.find(t.Name)
	if rel == nil || len(t.Dims) > 0 {
		return err
	}
	f.Ret = types.Of(types.Record)
	for _, o := range rel.Visible() {
		f.Ret.Fields = append(f.Ret.Fields,
			types.Field{Name: rel.Columns[o].Name, Type: rel.Columns[o].Type})
	}
	return nil
}

// declareArgs reads the arguments that a call gives.
func (b *builder) declareArgs(f *catalog.UserFunc, s *sql.CreateFunction) error {
	for _, a := range s.Args {
		switch a.Mode {
		case "", "IN", "INOUT":
		case "OUT":
			continue
		default:
			return sqlerr.Unsupported("VARIADIC parameters", "Declare an array parameter.").At(s.Pos())
		}
		t, err := expr.ResolveTypeName(a.Type, &scope{b: b})
		if err != nil {
			return err
		}
		f.Args, f.ArgNames = append(f.Args, t), append(f.ArgNames, a.Name)
		switch {
		case a.Default != nil:
			if _, err := b.checkAs(a.Default, (&scope{b: b}).in("DEFAULT expressions"), t); err != nil {
				return err
			}
			f.Defaults = append(f.Defaults, sql.Print(a.Default))
		case len(f.Defaults) > 0:
			return sqlerr.New(sqlerr.InvalidFunctionDefinition,
				"input parameters after one with a default value must also have defaults")
		}
	}
	return nil
}

// declareRows checks the body of a function that gives rows.
func (b *builder) declareRows(f *catalog.UserFunc, s *sql.CreateFunction) error {
	if !s.HasBody {
		return sqlerr.New(sqlerr.InvalidFunctionDefinition, "no function body specified").
			WithHint("Write AS 'SELECT ...'.")
	}
	st, err := parse.ParseOne(s.Body)
	if err != nil {
		return inStored(err, s.Pos())
	}
	sel, ok := st.(*sql.SelectStmt)
	if !ok || sel.Query.Emit != sql.EmitNone {
		return sqlerr.Unsupported("a function that changes data or never ends",
			"A function body must be one SELECT.").At(s.Pos())
	}
	f.Body = sql.Print(sel)
	if b.takesAnyBody() {
		return nil
	}
	args := make([]expr.Expr, len(f.Args))
	for i, t := range f.Args {
		args[i] = &expr.Const{D: types.NullDatum, T: t}
	}
	_, err = b.functionRows(f, args, true, s.Pos())
	if err != nil {
		return inStored(err, s.Pos()).InContext("SQL function \"%s\"", f.Name)
	}
	return nil
}
