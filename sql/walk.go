package sql

// Walk calls f for n and, while f returns true, for every expression, query, body and table
// reference below it, parents first and in the order they were written. n may be a statement
// too. A nil n is allowed.
func Walk(n Node, f func(Node) bool) {
	w := walker{f}
	switch n := n.(type) {
	case nil:
	case Expr:
		w.expr(n)
	case *Query:
		w.query(n)
	case Body:
		w.body(n)
	case TableRef:
		w.table(n)
	case Statement:
		if f(n) {
			w.statement(n)
		}
	default:
		f(n)
	}
}

// Start returns where the text of n begins: its own position may be that of an operator
// within.
func Start(n Node) int {
	at := n.Pos()
	Walk(n, func(n Node) bool {
		if p := n.Pos(); p >= 0 && p < at {
			at = p
		}
		return true
	})
	return at
}

// MaxParam returns the highest N of the parameters $N below n; 0 if there are none.
func MaxParam(n Node) int {
	highest := 0
	Walk(n, func(n Node) bool {
		if p, ok := n.(*ParamRef); ok && p.N > highest {
			highest = p.N
		}
		return true
	})
	return highest
}

type walker struct{ f func(Node) bool }

func (w walker) expr(x Expr) {
	if x != nil && w.f(x) {
		w.below(x)
	}
}

func (w walker) exprs(xs []Expr) {
	for _, x := range xs {
		w.expr(x)
	}
}

// below visits the parts of an expression.
//
//tidy:long one case per kind of expression
func (w walker) below(x Expr) {
	switch x := x.(type) {
	case *Cast:
		w.expr(x.X)
	case *Unary:
		w.expr(x.X)
	case *Binary:
		w.expr(x.L)
		w.expr(x.R)
	case *Test:
		w.expr(x.X)
	case *Like:
		w.expr(x.X)
		w.expr(x.P)
		w.expr(x.Esc)
	case *Between:
		w.expr(x.X)
		w.expr(x.Lo)
		w.expr(x.Hi)
	case *In:
		w.expr(x.X)
		w.exprs(x.List)
		w.query(x.Q)
	case *Subquery:
		w.query(x.Q)
	case *Call:
		w.exprs(x.Args)
		w.keys(x.OrderBy)
		w.keys(x.Within)
		w.expr(x.Filter)
		w.window(x.Over)
	case *Lambda:
		w.expr(x.Body)
	case *NamedArg:
		w.expr(x.X)
	case *MapLit:
		for i := range x.Keys {
			w.expr(x.Keys[i])
			w.expr(x.Vals[i])
		}
	case *StructLit:
		w.exprs(x.Vals)
	case *Case:
		w.expr(x.X)
		for _, a := range x.Whens {
			w.expr(a.Cond)
			w.expr(a.Then)
		}
		w.expr(x.Else)
	case *ArrayLit:
		w.exprs(x.Elems)
	case *Row:
		w.exprs(x.Elems)
	case *Index:
		w.expr(x.X)
		w.expr(x.Lo)
		w.expr(x.Hi)
	case *Field:
		w.expr(x.X)
	case *Collate:
		w.expr(x.X)
	case *AtTZ:
		w.expr(x.X)
		w.expr(x.Zone)
	case *TableArg:
		w.exprs(x.By)
	case *GroupingSets:
		w.exprs(x.Sets)
	}
}

func (w walker) keys(ks []SortKey) {
	for _, k := range ks {
		w.expr(k.X)
	}
}

func (w walker) window(d *WindowDef) {
	if d == nil {
		return
	}
	w.exprs(d.By)
	w.keys(d.Order)
	if d.Frame != nil {
		w.expr(d.Frame.Lo.X)
		w.expr(d.Frame.Hi.X)
	}
}

func (w walker) query(q *Query) {
	if q == nil || !w.f(q) {
		return
	}
	w.with(q.With)
	w.body(q.Body)
	w.keys(q.OrderBy)
	w.expr(q.Limit)
	w.expr(q.Offset)
	w.options(q.EmitOptions)
	w.asOf(q.AsOf)
}

func (w walker) with(ctes []*CTE) {
	for _, c := range ctes {
		w.query(c.Q)
		if c.Stmt != nil && w.f(c.Stmt) {
			w.statement(c.Stmt)
		}
		if c.Cycle != nil {
			w.expr(c.Cycle.Value)
			w.expr(c.Cycle.Default)
		}
	}
}

func (w walker) asOf(a *AsOf) {
	if a != nil {
		w.expr(a.X)
	}
}

func (w walker) options(os []Option) {
	for _, o := range os {
		w.expr(o.Value)
	}
}

func (w walker) items(is []Item) {
	for _, it := range is {
		w.expr(it.X)
	}
}

func (w walker) body(b Body) {
	switch b := b.(type) {
	case *Query:
		w.query(b)
	case *SetOp:
		if w.f(b) {
			w.body(b.L)
			w.body(b.R)
		}
	case *Values:
		if w.f(b) {
			for _, r := range b.Rows {
				w.exprs(r)
			}
		}
	case *Select:
		if w.f(b) {
			w.selectParts(b)
		}
	}
}

func (w walker) selectParts(s *Select) {
	w.exprs(s.On)
	w.items(s.Items)
	w.tables(s.From)
	w.expr(s.Where)
	w.exprs(s.GroupBy)
	w.exprs(s.Part)
	w.expr(s.Having)
	for _, d := range s.Windows {
		w.window(d)
	}
}

func (w walker) tables(ts []TableRef) {
	for _, t := range ts {
		w.table(t)
	}
}

func (w walker) table(t TableRef) {
	if t == nil || !w.f(t) {
		return
	}
	switch t := t.(type) {
	case *Table:
		w.asOf(t.AsOf)
		w.expr(t.SystemTime)
		if t.Sample != nil {
			w.expr(t.Sample.Arg)
			w.expr(t.Sample.Seed)
		}
	case *TableFunc:
		w.exprs(t.Calls)
		w.asOf(t.AsOf)
	case *Derived:
		w.query(t.Q)
	case *Join:
		w.table(t.L)
		w.table(t.R)
		w.expr(t.On)
	}
}

// statement visits the parts of a statement.
//
//tidy:long one case per kind of statement
func (w walker) statement(s Statement) {
	switch s := s.(type) {
	case *SelectStmt:
		w.query(s.Query)
	case *Insert:
		w.insert(s)
	case *Update:
		w.with(s.With)
		w.table(s.Table)
		w.assigns(s.Set)
		w.tables(s.From)
		w.expr(s.Where)
		w.items(s.Returning)
	case *Delete:
		w.with(s.With)
		w.table(s.Table)
		w.tables(s.Using)
		w.expr(s.Where)
		w.items(s.Returning)
	case *Merge:
		w.merge(s)
	case *Copy:
		w.query(s.Query)
		w.options(s.Options)
		w.expr(s.Where)
	case *CreateStream:
		w.definition(&s.Definition)
		w.options(s.With)
	case *CreateTable:
		w.definition(&s.Definition)
		w.options(s.With)
	case *CreateAs:
		w.options(s.With)
		w.query(s.Query)
		if s.Execute != nil {
			w.exprs(s.Execute.Args)
		}
	case *CreateMaterializedView:
		w.options(s.With)
		w.query(s.Query)
	case *CreateView:
		w.options(s.With)
		w.query(s.Query)
	case *CreateIndex:
		w.indexKeys(s.Keys)
		w.options(s.With)
		w.expr(s.Where)
	case *CreateDomain:
		w.expr(s.Default)
		w.constraints(s.Checks)
	case *CreateFunction:
		for _, a := range s.Args {
			w.expr(a.Default)
		}
		w.expr(s.Return)
	case *Alter:
		w.alter(s)
	case *AssertRelation:
		w.definition(&s.Definition)
		w.options(s.With)
	case *AssertValues:
		w.query(s.Query)
	case *SetVar:
		w.exprs(s.Values)
	case *Prepare:
		w.nested(s.Stmt)
	case *Execute:
		w.exprs(s.Args)
	case *DeclareCursor:
		w.query(s.Query)
	case *Fetch:
		w.options(s.Options)
	case *Explain:
		w.options(s.Options)
		w.nested(s.Stmt)
	case *CallProc:
		w.expr(s.Call)
	}
}

func (w walker) nested(s Statement) {
	if s != nil && w.f(s) {
		w.statement(s)
	}
}

func (w walker) insert(s *Insert) {
	w.with(s.With)
	w.options(s.Options)
	w.query(s.Query)
	if c := s.OnConflict; c != nil {
		w.indexKeys(c.Targets)
		w.expr(c.TargetWhere)
		w.assigns(c.Set)
		w.expr(c.Where)
	}
	w.items(s.Returning)
}

func (w walker) merge(s *Merge) {
	w.with(s.With)
	w.table(s.Table)
	w.table(s.Using)
	w.expr(s.On)
	for i := range s.Whens {
		w.expr(s.Whens[i].Cond)
		w.assigns(s.Whens[i].Set)
		w.exprs(s.Whens[i].Values)
	}
}

func (w walker) assigns(as []Assign) {
	for _, a := range as {
		w.exprs(a.Path)
		w.expr(a.X)
	}
}

func (w walker) indexKeys(ks []IndexKey) {
	for _, k := range ks {
		w.expr(k.X)
	}
}

func (w walker) definition(d *Definition) {
	for _, c := range d.Columns {
		w.column(c)
	}
	if d.Watermark != nil {
		w.expr(d.Watermark.X)
	}
	w.constraints(d.Constraints)
}

func (w walker) column(c *ColumnDef) {
	w.expr(c.Default)
	if c.Generated != nil {
		w.expr(c.Generated.X)
	}
	w.constraints(c.Checks)
}

func (w walker) constraints(cs []*Constraint) {
	for _, c := range cs {
		w.expr(c.Check)
	}
}

func (w walker) alter(s *Alter) {
	for _, a := range s.Actions {
		switch a := a.(type) {
		case *AddColumn:
			w.column(a.Column)
		case *AlterColumnType:
			w.expr(a.Using)
		case *SetColumnDefault:
			w.expr(a.X)
		case *RestartIdentity:
			w.expr(a.With)
		case *AddConstraint:
			w.expr(a.Constraint.Check)
		case *AddWatermark:
			w.expr(a.Watermark.X)
		case *SetOptions:
			w.options(a.Options)
		}
	}
}
