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

// Build plans a statement. Session statements (SET, BEGIN, PREPARE...) have no
// plan; they are the session's.
func Build(stmt sql.Statement, env *Env) (*plan.Plan, error) {
	if ins, ok := stmt.(*sql.Insert); ok {
		if p := fastInsert(ins, env); p != nil {
			return p, nil
		}
	}
	b := newBuilder(env)
	p, err := b.statement(stmt)
	if err == nil {
		p, err = b.together(p)
	}
	if err != nil {
		return nil, err
	}
	if err := b.authorize(); err != nil {
		return nil, err
	}
	return b.finish(p)
}

// finish completes a plan: parameters, remaining subqueries, sources.
func (b *builder) finish(p *plan.Plan) (*plan.Plan, error) {
	params, err := b.finishParams()
	if err != nil {
		return nil, err
	}
	p.Params = params
	roots := []*plan.Node{&p.Root}
	if p.Write != nil {
		roots = append(roots, &p.Write.Input, &p.Write.Query)
		for i := range p.Write.Parts {
			roots = append(roots, &p.Write.Parts[i].Write.Input)
		}
	}
	roots = slices.DeleteFunc(roots, func(n *plan.Node) bool { return *n == nil })
	lists := rowExprs(p.Write)
	for i := range lists {
		roots = append(roots, &lists[i].node)
	}
	if p.Subplans, err = b.finishSubplans(roots...); err != nil {
		return nil, err
	}
	for _, l := range lists {
		for i, x := range l.node.(*plan.Project).Exprs {
			*l.exprs[i] = x
		}
	}
	for oid := range b.sources {
		p.Sources = append(p.Sources, oid)
	}
	slices.Sort(p.Sources)
	p.Version = b.env.Snapshot.Version
	p.Notices = append(p.Notices, b.notices...)
	p.Verify, p.Then = b.verify, b.then
	p.Volatile = changing(p)
	return p, nil
}

// exprList is a list of expressions that a write computes of each row, and a projection of
// them, through which their subqueries are planned.
type exprList struct {
	exprs []*expr.Expr
	node  plan.Node
}

// rowExprs gives RETURNING and ON CONFLICT DO UPDATE of a statement, where they have
// subqueries.
func rowExprs(w *plan.Write) (out []exprList) {
	if w == nil {
		return nil
	}
	var l exprList
	p := &plan.Project{Input: &plan.Values{}}
	add := func(x *expr.Expr) {
		if *x != nil && hasSubplan(*x) {
			l.exprs = append(l.exprs, x)
			p.Exprs, p.Out = append(p.Exprs, *x), append(p.Out, plan.Column{Type: (*x).Type()})
		}
	}
	for i := range w.Returning {
		add(&w.Returning[i])
	}
	if c := w.Conflict; c != nil {
		for i := range c.Set {
			add(&c.Set[i])
		}
		add(&c.Where)
	}
	if l.node = p; len(l.exprs) > 0 {
		out = append(out, l)
	}
	for i := range w.Parts {
		out = append(out, rowExprs(w.Parts[i].Write)...)
	}
	return out
}

// changing tells whether running a plan twice may differ without a write between:
// functions of the session or the clock, and system views.
func changing(p *plan.Plan) bool {
	found := false
	look := func(n plan.Node) {
		walkNodes(n, func(m plan.Node) {
			if _, ok := m.(*plan.SystemScan); ok {
				found = true
			}
			for _, s := range slots(m) {
				expr.Walk(*s, func(x expr.Expr) bool {
					if c, ok := x.(*expr.Call); ok && (c.Fn.Volatility != expr.Immutable || c.Fn.Session) {
						found = true
					}
					return !found
				})
			}
		})
	}
	if p.Root != nil {
		look(p.Root)
	}
	if p.Write != nil && p.Write.Input != nil {
		look(p.Write.Input)
	}
	for _, s := range p.Subplans {
		look(s)
	}
	return found
}

// statement plans by kind.
//
//tidy:long one case per kind of statement
func (b *builder) statement(stmt sql.Statement) (*plan.Plan, error) {
	switch s := stmt.(type) {
	case *sql.SelectStmt:
		b.top = s.Query
		if len(s.Query.Locks) > 0 {
			b.keysOf = s.Query
		}
		return b.selectStatement(s.Query)
	case *sql.DeclareCursor:
		b.keysOf, b.keepKeys = s.Query, true
		return b.selectStatement(s.Query)
	case *sql.Insert:
		return b.insert(s)
	case *sql.Update:
		return b.update(s)
	case *sql.Delete:
		return b.delete(s)
	case *sql.Merge:
		return b.merge(s)
	case *sql.Truncate:
		return b.truncate(s)
	case *sql.Copy:
		return b.copyTo(s)
	case *sql.CreateStream:
		return b.createStream(s)
	case *sql.CreateTable:
		return b.createTable(s)
	case *sql.CreateAs:
		return b.createAs(s)
	case *sql.CreateMaterializedView:
		return b.createMaterializedView(s)
	case *sql.CreateView:
		return b.createView(s)
	case *sql.CreateIndex:
		return b.createIndex(s)
	case *sql.CreateSchema:
		return b.createSchema(s)
	case *sql.CreateType:
		return b.createType(s)
	case *sql.CreateDomain:
		return b.createDomain(s)
	case *sql.CreateSequence:
		return b.createSequence(s)
	case *sql.CreateFunction:
		return b.createFunction(s)
	case *sql.CreateRole:
		return b.createRole(s)
	case *sql.Drop:
		return b.drop(s)
	case *sql.Alter:
		return b.alter(s)
	case *sql.Rename:
		return b.rename(s)
	case *sql.AlterEnum:
		return b.alterEnum(s)
	case *sql.AlterSequence:
		return b.alterSequence(s)
	case *sql.AlterRole:
		return b.alterRole(s)
	case *sql.Comment:
		return b.comment(s)
	case *sql.Grant:
		return b.grant(&s.Grantable, s.WithOption, false)
	case *sql.Revoke:
		return b.grant(&s.Grantable, false, true)
	case *sql.Pause:
		return b.queryState(s.Target, catalog.QueryPaused, "PAUSE")
	case *sql.Resume:
		return b.queryState(s.Target, catalog.QueryRunning, "RESUME")
	case *sql.Terminate:
		return b.terminate(s.Target)
	case *sql.ShowObjects, *sql.Describe, *sql.ShowCreate, *sql.PrintStream:
		return b.show(stmt)
	case *sql.Explain:
		return b.explain(s)
	}
	return b.refuse(stmt)
}

// refuse answers statements that other systems have and this one does not.
func (b *builder) refuse(stmt sql.Statement) (*plan.Plan, error) {
	switch s := stmt.(type) {
	case *sql.CreateDatabase:
		return nil, sqlerr.Unsupported("CREATE DATABASE", "Use CREATE SCHEMA.")
	case *sql.CreateExtension:
		return b.createExtension(s)
	case *sql.RefreshView:
		rel, err := b.relationOf(s.Name, s.Pos(), "materialized view")
		if err != nil {
			return nil, err
		}
		if rel.Kind != catalog.KindMaterializedView {
			return nil, rel.WrongKind(catalog.KindMaterializedView, "")
		}
		return &plan.Plan{Tag: "REFRESH MATERIALIZED VIEW"}, nil
	case *sql.AssertTopic, *sql.AssertSchema, *sql.AssertValues, *sql.AssertRelation:
		return b.assert(stmt)
	case *sql.CallProc:
		return nil, sqlerr.Unsupported("CALL", "Use SELECT with a function.")
	case *sql.Reindex:
		return b.reindex(s)
	case *sql.DropOwned:
		return nil, sqlerr.Unsupported("DROP OWNED", "Drop the objects by name, or their schema with "+
			"DROP SCHEMA ... CASCADE, and take privileges with REVOKE.").At(s.Pos())
	case *sql.ReassignOwned:
		return nil, sqlerr.Unsupported("REASSIGN OWNED", "Use ALTER ... OWNER TO for each object.").
			At(s.Pos())
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s cannot be part of another statement",
		sql.Tag(stmt)).At(stmt.Pos()).WithHint("Send it as a statement of its own.")
}

// selectStatement plans a query: once, or for ever with EMIT.
func (b *builder) selectStatement(q *sql.Query) (*plan.Plan, error) {
	if q.Emit != sql.EmitNone {
		return b.subscription(q)
	}
	out, err := b.query(q, nil, nil)
	if err != nil {
		return nil, err
	}
	if b.rowKeys == nil {
		out = b.stripHidden(out)
	}
	n := b.resolveUnknown(out.node)
	if _, err := b.finishParams(); err != nil {
		return nil, err
	}
	cols := n.Cols()
	if n, err = b.optimize(n); err != nil {
		return nil, err
	}
	return &plan.Plan{Root: n, Columns: shown(cols), Tag: "SELECT", Keys: b.rowKeys,
		KeepKeys: b.keepKeys}, nil
}

// shown gives the columns of a result to the client.
func shown(cols []plan.Column) []plan.Column {
	out := []plan.Column{}
	for _, c := range cols {
		if !c.Hidden {
			out = append(out, c)
		}
	}
	return out
}

// UserFunc implements expr.Scope: the body of a function of CREATE FUNCTION takes
// the place of its call.
func (s *scope) UserFunc(name []string, args []expr.Expr, pos int) (expr.Expr, bool, error) {
	if len(name) == 1 && name[0] == "grouping" {
		return &expr.Call{Fn: groupingMarker, Args: args, T: types.Of(types.Int4), Pos: pos}, true, nil
	}
	n := sql.Name(name)
	if n.Schema() == catalog.InformationSchema && len(args) <= len(givenRefs) {
		x, err := s.b.call(n.Last(), args...)
		return x, err == nil, err
	}
	var fs []*catalog.UserFunc
	if sch := n.Schema(); sch != "" {
		fs = s.b.env.Snapshot.Functions(sch, n.Last())
	} else {
		fs = s.b.env.Snapshot.ResolveFunctions(s.b.path, n.Last())
	}
	f := chooseFunc(fs, args)
	if sch := n.Schema(); f == nil && sch != "" && !catalog.IsSystemSchema(sch) &&
		s.b.env.Snapshot.Schema(sch) == nil {
		return nil, false, sqlerr.New(sqlerr.InvalidSchemaName,
			"schema \"%s\" does not exist", sch).At(pos)
	}
	if f == nil {
		return nil, false, nil
	}
	if s.b.depth == 0 && f.OID != 0 {
		s.b.direct[f.OID] = nil
	}
	args, err := s.withDefaults(f, args, pos)
	if err != nil {
		return nil, true, err
	}
	x, err := s.called(f, args, pos)
	return x, true, err
}

// chooseFunc finds the overload that takes the arguments: exactly, else by
// implicit conversion.
func chooseFunc(fs []*catalog.UserFunc, args []expr.Expr) *catalog.UserFunc {
	for _, ctx := range []expr.CoerceCtx{expr.CoerceImplicit} {
		var fit *catalog.UserFunc
		for _, f := range fs {
			if len(args) > len(f.Args) || len(args) < len(f.Args)-len(f.Defaults) {
				continue
			}
			exact, ok := len(args) == len(f.Args), true
			for i, a := range args {
				t := a.Type()
				exact = exact && t.Same(f.Args[i])
				ok = ok && (t.Kind == types.Unknown || t.Same(f.Args[i]) ||
					expr.CanCoerce(t, f.Args[i], ctx))
			}
			if exact {
				return f
			}
			if ok && fit == nil {
				fit = f
			}
		}
		if fit != nil {
			return fit
		}
	}
	return nil
}

// maxInline bounds functions that call functions.
const maxInline = 32

// argScope resolves the parameters of a function's body.
type argScope struct {
	*scope
	f    *catalog.UserFunc
	args []expr.Expr
}

// Column implements expr.Scope.
func (a argScope) Column(name []string, pos int) (expr.Expr, error) {
	last := name[len(name)-1]
	if len(name) == 1 || len(name) == 2 && name[0] == a.f.Name {
		for i, n := range a.f.ArgNames {
			if n != "" && n == last {
				return a.args[i], nil
			}
		}
	}
	if len(name) == 2 {
		for i, n := range a.f.ArgNames {
			if k := a.args[i].Type().FieldIndex(last); n == name[0] && k >= 0 {
				return expr.FieldOf(a.args[i], k), nil
			}
		}
	}
	return a.scope.Column(name, pos)
}

// Param implements expr.Scope.
func (a argScope) Param(n int, _ types.Type, pos int) (expr.Expr, error) {
	if n > len(a.args) {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
	}
	return a.args[n-1], nil
}

// inline puts the body of a function in place of its call.
func (s *scope) inline(f *catalog.UserFunc, args []expr.Expr, pos int) (expr.Expr, error) {
	b := s.b
	b.expands(f.OID)
	if b.inlined >= maxInline {
		return nil, sqlerr.New(sqlerr.StatementTooComplex,
			"functions call each other more than %d levels deep", maxInline).At(pos)
	}
	b.inlined++
	defer func() { b.inlined-- }()
	cast := make([]expr.Expr, len(args))
	for i, a := range args {
		x, err := expr.CoerceTo(a, f.Args[i], expr.CoerceImplicit, s, pos)
		if err != nil {
			return nil, err
		}
		cast[i] = x
	}
	body, err := functionBody(f.Body)
	if err != nil {
		return nil, inStored(err, pos).InContext("SQL function \"%s\"", f.Name)
	}
	around := &scope{b: b, clause: "functions", callers: s.agg}
	if s.agg == nil {
		around.callers = s.callers
	}
	x, err := expr.Check(body, argScope{around, f, cast})
	if err != nil {
		return nil, inStored(err, pos).InContext("SQL function \"%s\"", f.Name)
	}
	placeAt(x, pos, cast)
	if x, err = expr.CoerceTo(x, f.Ret, expr.CoerceAssignment, s, pos); err != nil {
		return nil, err
	}
	return strictCall(f, x, cast), nil
}

// strictCall gives NULL where an argument of a strict function is NULL.
func strictCall(f *catalog.UserFunc, x expr.Expr, args []expr.Expr) expr.Expr {
	if !f.Strict || len(args) == 0 {
		return x
	}
	var nulls []expr.Expr
	for _, a := range args {
		nulls = append(nulls, &expr.IsNull{X: a})
	}
	cond := nulls[0]
	if len(nulls) > 1 {
		cond = &expr.Or{Args: nulls}
	}
	return &expr.Case{T: f.Ret, Else: x, Whens: []expr.When{{Cond: cond,
		Then: &expr.Const{D: types.NullDatum, T: f.Ret}}}}
}

// createExtension takes those whose functions are built in, and goes on without the others
// where the statement leaves that open.
func (b *builder) createExtension(s *sql.CreateExtension) (*plan.Plan, error) {
	switch {
	case expr.BuiltinExtension(s.Name):
		b.notice("the main functions of extension \"%s\" are built in, skipping", s.Name)
	case s.IfNotExists:
		b.notice("extension \"%s\" is not available, skipping", s.Name)
	default:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "extension \"%s\" is not available",
			s.Name).WithHint("The main functions of pgcrypto, uuid-ossp and " +
			"fuzzystrmatch are built in; SHOW FUNCTIONS lists them.")
	}
	return &plan.Plan{Tag: "CREATE EXTENSION"}, nil
}
