package planner

import (
	"maps"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// tableFunc binds a function in FROM. o is the scope around: the items to the
// left, if there are any.
func (b *builder) tableFunc(t *sql.TableFunc, o *scope, w *with) (*from, error) {
	if len(t.Calls) == 1 {
		if c, ok := t.Calls[0].(*sql.Call); ok {
			switch name := c.Name.Last(); {
			case windowFuncs[name] != 0 && c.Name.Schema() == "":
				return b.windowTVF(c, t, o, w)
			case name == "changelog" && (c.Name.Schema() == catalog.MillraceSchema):
				return b.changelog(c, t)
			}
			if f, ok, err := b.userTable(c, t, o, w); ok || err != nil {
				return f, err
			}
		}
	}
	t = spreadUnnest(t)
	s := (&scope{b: b, parent: o, with: w}).in("functions in FROM")
	n := &plan.FuncScan{Ordinality: t.Ord}
	name := t.Alias.Name
	for i, x := range t.Calls {
		e, err := b.check(x, s)
		if err != nil {
			return nil, nearWindow(err, x)
		}
		if e, err = expr.Settle(e, s, x.Pos()); err != nil {
			return nil, err
		}
		if e, err = b.define(e, t, i, s); err != nil {
			return nil, err
		}
		if name == "" {
			name = columnName(x)
		}
		call, ok := e.(*expr.Call)
		if !ok || !isSet(call.Fn) {
			if len(t.Calls) == 1 && !t.Ord {
				return b.scalarFunc(e, x, t, name)
			}
			if call, err = b.asSet(e, x); err != nil {
				return nil, err
			}
		}
		call = expandRows(call)
		cols := setColumns(call)
		if len(cols) == 1 && len(call.Fn.RetCols) == 0 {
			cols[0].Name = columnName(x)
		}
		n.Calls = append(n.Calls, plan.FuncCall{Fn: call.Fn, Args: call.Args, Cols: len(cols)})
		n.Out = append(n.Out, cols...)
	}
	if t.Ord {
		n.Out = append(n.Out, plan.Column{Name: "ordinality", Type: types.Of(types.Int8)})
	}
	return b.funcItem(n, t, name)
}

// nearWindow gives the error of a call in FROM that names one of the windows almost:
// its first argument is the name of a relation, which is no column.
func nearWindow(err error, x sql.Expr) error {
	c, ok := x.(*sql.Call)
	if !ok || !sqlerr.Is(err, sqlerr.UndefinedColumn) {
		return err
	}
	names := slices.Sorted(maps.Keys(windowFuncs))
	near := catalog.Nearest(c.Name.Last(), names)
	if near == "" {
		return err
	}
	return sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist", c.Name.Last()).
		At(c.Pos()).WithHint("Did you mean \"%s\"?", near)
}

// spreadUnnest makes unnest of several arrays, which PostgreSQL has in FROM alone,
// the functions side by side that it stands for.
func spreadUnnest(t *sql.TableFunc) *sql.TableFunc {
	out := *t
	out.Calls = nil
	for _, x := range t.Calls {
		c, ok := x.(*sql.Call)
		if !ok || c.Name.Last() != "unnest" || len(c.Args) < 2 {
			out.Calls = append(out.Calls, x)
			continue
		}
		for i := range c.Args {
			one := *c
			one.Args = c.Args[i : i+1]
			out.Calls = append(out.Calls, &one)
		}
	}
	return &out
}

// funcItem names the columns of a function in FROM. A function of one column
// gives it the item's alias.
func (b *builder) funcItem(n plan.Node, t *sql.TableFunc, name string) (*from, error) {
	e := &entry{alias: name}
	f := &from{node: n, entries: []*entry{e}}
	single := len(t.Calls) == 1 && n.Cols()[0].Name == columnName(t.Calls[0])
	for i, c := range n.Cols() {
		if i == 0 && single && t.Alias.Name != "" {
			c.Name = t.Alias.Name
		}
		f.cols = append(f.cols, column{entry: e, name: c.Name, x: colOf(n, i)})
	}
	e.scalar = len(f.cols) == 1
	names := t.Alias.Cols
	if len(names) == 0 {
		for _, d := range t.Alias.Defs {
			names = append(names, d.Name)
		}
	}
	return f, renameCols(f, names, name, t.Pos())
}

// scalarFunc is a function of one value in FROM: one row.
func (b *builder) scalarFunc(e expr.Expr, x sql.Expr, t *sql.TableFunc, name string) (
	*from, error) {
	p := &plan.Project{Input: oneRow().node, Exprs: []expr.Expr{e}}
	p.Out = []plan.Column{{Name: columnName(x), Type: e.Type()}}
	if rt := e.Type(); rt.Kind == types.Record && len(rt.Fields) > 0 {
		p.Exprs, p.Out = nil, nil
		for i, f := range rt.Fields {
			p.Exprs = append(p.Exprs, expr.FieldOf(e, i))
			p.Out = append(p.Out, plan.Column{Name: f.Name, Type: f.Type})
		}
		item, err := b.funcItem(p, t, name)
		if err == nil {
			item.entries[0].scalar = false
		}
		return item, err
	}
	return b.funcItem(p, t, name)
}

// define gives a call the columns that FROM defines for it.
func (b *builder) define(e expr.Expr, t *sql.TableFunc, i int, s *scope) (expr.Expr, error) {
	defs := t.Alias.Defs
	if len(t.Calls) > 1 || t.CallDefs != nil {
		defs = nil
	}
	if t.CallDefs != nil {
		defs = t.CallDefs[i]
	}
	c, ok := e.(*expr.Call)
	takes := ok && c.Fn.TakesDefinitions()
	pos := t.Calls[i].Pos()
	switch {
	case takes && defs == nil:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a column definition list is required for functions returning \"record\"").At(pos)
	case !takes && defs != nil && e.Type().Kind == types.Record && e.Type().Row == nil:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a column definition list is redundant for a function with OUT parameters").
			At(defs[0].Pos())
	case !takes && defs != nil && e.Type().Kind == types.Record:
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"a column definition list is redundant for a function returning a named composite type").
			At(defs[0].Pos())
	case !takes && defs != nil:
		return nil, sqlerr.New(sqlerr.SyntaxError, "a column definition list is only allowed for "+
			"functions returning \"record\"").At(defs[0].Pos())
	case !takes:
		return e, nil
	}
	var cols []types.Field
	for _, d := range defs {
		ft, err := expr.ResolveTypeName(d.Type, s)
		if err != nil {
			return nil, err
		}
		cols = append(cols, types.Field{Name: d.Name, Type: ft})
	}
	return expr.Define(c, cols), nil
}

// expandRows makes a function that gives values of a composite type one that gives
// their fields, as FROM has them.
func expandRows(c *expr.Call) *expr.Call {
	rt := c.T
	if len(c.Fn.RetCols) > 0 || rt.Kind != types.Record || len(rt.Fields) == 0 {
		return c
	}
	f := *c.Fn
	f.RetCols = rt.Fields
	f.Set = func(env *expr.Env, args []types.Datum, emit func([]types.Datum) error) error {
		return c.Fn.Set(env, args, func(row []types.Datum) error {
			if !row[0].Null {
				return emit(row[0].Fields(rt))
			}
			nulls := make([]types.Datum, len(rt.Fields))
			for i := range nulls {
				nulls[i] = types.NullDatum
			}
			return emit(nulls)
		})
	}
	return &expr.Call{Fn: &f, Args: c.Args, T: rt, Pos: c.Pos}
}

// asSet makes a value a set of one row, for ROWS FROM and WITH ORDINALITY.
func (b *builder) asSet(e expr.Expr, x sql.Expr) (*expr.Call, error) {
	arr, err := expr.Check(&sql.ArrayLit{Loc: sql.NoLoc, Elems: givenRefs[:1]},
		given{&scope{b: b}, []expr.Expr{e}})
	if err != nil {
		return nil, err
	}
	u, err := b.call("unnest", arr)
	if err != nil {
		return nil, err
	}
	call, ok := u.(*expr.Call)
	if !ok || !isSet(call.Fn) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"this expression is not supported in FROM").At(x.Pos()).
			WithHint("Put it into a subquery: (SELECT ...).")
	}
	return call, nil
}

// changelogColumns are the columns of millrace.changelog.
var changelogColumns = []plan.Column{
	{Name: "part", Type: types.Of(types.Int4)}, {Name: "off", Type: types.Of(types.Int8)},
	{Name: "epoch", Type: types.Of(types.Int8)},
	{Name: "rowtime", Type: types.Of(types.Timestamptz)},
	{Name: "op", Type: types.Of(types.Text)}, {Name: "key", Type: types.Of(types.JSONB)},
	{Name: "value", Type: types.Of(types.JSONB)},
	{Name: "window_start", Type: types.Of(types.Timestamptz)},
	{Name: "window_end", Type: types.Of(types.Timestamptz)},
}

// changelog binds millrace.changelog('x').
func (b *builder) changelog(c *sql.Call, t *sql.TableFunc) (*from, error) {
	name, err := b.relationArg(c)
	if err != nil {
		return nil, err
	}
	rel, err := b.relation(name, c.Args[0].Pos())
	if err != nil {
		return nil, err
	}
	switch rel.Kind {
	case catalog.KindStream, catalog.KindTable, catalog.KindMaterializedView:
	default:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "%s \"%s\" has no log",
			kindWord(rel.Kind), rel.Name).At(c.Args[0].Pos()).
			WithHint("Name a stream, a table or a materialized view.")
	}
	b.sources[rel.OID] = rel
	b.reads(rel)
	n := &plan.Changelog{Rel: rel}
	for i := range changelogColumns {
		n.Columns = append(n.Columns, i)
	}
	n.Out = append([]plan.Column(nil), changelogColumns...)
	name0 := t.Alias.Name
	if name0 == "" {
		name0 = "changelog"
	}
	f, err := b.funcItem(n, t, name0)
	if err == nil {
		f.entries[0].scalar = false
	}
	return f, err
}

// relationArg reads the first argument of a function as a relation's name: a
// string or a bare name.
func (b *builder) relationArg(c *sql.Call) (sql.Name, error) {
	if len(c.Args) > 0 {
		switch a := c.Args[0].(type) {
		case *sql.Const:
			if a.Kind == sql.StrConst {
				return parseName(a.Val)
			}
		case *sql.ColRef:
			if !a.Star {
				return a.Name, nil
			}
		case *sql.TableArg:
			return a.Name, nil
		}
	}
	err := sqlerr.New(sqlerr.InvalidParameterValue,
		"the first argument of %s must be the name of a relation", c.Name.Last()).At(c.Pos())
	if usage := windowUsages[c.Name.Last()]; usage != "" {
		err = err.WithHint("Write %s, without names of arguments.", usage)
	}
	return nil, err
}

// parseName reads a possibly qualified, possibly quoted name from a string.
func parseName(s string) (sql.Name, error) {
	var out sql.Name
	for i := 0; i < len(s); {
		var part []byte
		if s[i] == '"' {
			for i++; i < len(s); i++ {
				if s[i] == '"' {
					if i+1 < len(s) && s[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				part = append(part, s[i])
			}
			i++
		} else {
			for ; i < len(s) && s[i] != '.'; i++ {
				part = append(part, s[i])
			}
			part = []byte(lower(string(part)))
		}
		out = append(out, string(part))
		if i < len(s) && s[i] == '.' {
			i++
			if i == len(s) {
				return nil, badName(s)
			}
		}
	}
	for _, p := range out {
		if p == "" {
			return nil, badName(s)
		}
	}
	if len(out) == 0 {
		return nil, badName(s)
	}
	return out, nil
}

func badName(s string) error {
	return sqlerr.New(sqlerr.InvalidName, "invalid name syntax: \"%s\"", s)
}
