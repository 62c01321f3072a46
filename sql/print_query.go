package sql

// query writes a query with all its clauses.
func (p *printer) query(q *Query) {
	p.ctes(q.Recursive, q.With)
	p.body(q.Body)
	if q.OrderBy != nil {
		p.s(" ORDER BY ")
		p.keys(q.OrderBy)
	}
	switch q.Emit {
	case EmitChanges:
		p.s(" EMIT CHANGES")
	case EmitFinal:
		p.s(" EMIT FINAL")
	}
	if q.EmitOptions != nil {
		p.s(" WITH ")
		p.options(q.EmitOptions, " = ")
	}
	p.asOf(q.AsOf)
	if q.Offset != nil {
		p.s(" OFFSET ")
		p.expr(q.Offset)
	}
	if q.Limit != nil {
		p.limit(q)
	}
	for _, l := range q.Locks {
		p.lock(l)
	}
}

// ctes writes WITH.
func (p *printer) ctes(recursive bool, list []*CTE) {
	if list == nil {
		return
	}
	p.s("WITH ")
	p.when(recursive, "RECURSIVE ")
	for i, c := range list {
		p.comma(i)
		if c.Name == "recursive" { // after WITH it is no name
			p.s(`"recursive"`)
		} else {
			p.id(c.Name)
		}
		p.columns(c.Columns)
		p.s(" AS ", [...]string{"", "MATERIALIZED ", "NOT MATERIALIZED "}[c.Mat], "(")
		if c.Stmt != nil {
			p.statement(c.Stmt)
		} else {
			p.query(c.Q)
		}
		p.s(")")
		p.search(c.Search)
		p.cycle(c.Cycle)
	}
	p.s(" ")
}

// search writes SEARCH of a WITH element.
func (p *printer) search(s *Search) {
	if s == nil {
		return
	}
	p.s(" SEARCH ")
	if s.Breadth {
		p.s("BREADTH")
	} else {
		p.s("DEPTH")
	}
	p.s(" FIRST BY ")
	p.ids(s.By)
	p.s(" SET ")
	p.id(s.Set)
}

// cycle writes CYCLE of a WITH element.
func (p *printer) cycle(c *Cycle) {
	if c == nil {
		return
	}
	p.s(" CYCLE ")
	p.ids(c.Columns)
	p.s(" SET ")
	p.id(c.Mark)
	if c.Value != nil {
		p.s(" TO ")
		p.expr(c.Value)
		p.s(" DEFAULT ")
		p.expr(c.Default)
	}
	p.s(" USING ")
	p.id(c.Path)
}

func (p *printer) limit(q *Query) {
	if q.WithTies {
		p.s(" FETCH FIRST (")
		p.expr(q.Limit)
		p.s(") ROWS WITH TIES")
		return
	}
	if c, ok := q.Limit.(*Const); ok && c.Kind == NullConst {
		p.s(" LIMIT ALL")
		return
	}
	p.s(" LIMIT ")
	p.expr(q.Limit)
}

func (p *printer) lock(l LockClause) {
	p.s(" FOR ", l.Strength.String())
	if l.Of != nil {
		p.s(" OF ")
		p.names(l.Of)
	}
	p.s([...]string{"", " NOWAIT", " SKIP LOCKED"}[l.Wait])
}

func (p *printer) asOf(a *AsOf) {
	if a == nil {
		return
	}
	p.s(" AS OF ")
	switch a.Kind {
	case AsOfLatest:
		p.s("LATEST")
	case AsOfEarliest:
		p.s("EARLIEST")
	case AsOfEpoch:
		p.s("EPOCH ")
		p.epoch(a.X)
	default:
		p.operand(a.X, levelOp)
	}
}

// epoch writes the number of an epoch, in brackets unless it is a plain one.
func (p *printer) epoch(x Expr) {
	switch y := x.(type) {
	case *ParamRef:
		p.expr(x)
		return
	case *Const:
		if y.Kind == NumConst && y.Val[0] != '-' {
			p.expr(x)
			return
		}
	}
	p.s("(")
	p.expr(x)
	p.s(")")
}

func (p *printer) body(b Body) {
	switch b := b.(type) {
	case *Query:
		p.s("(")
		p.query(b)
		p.s(")")
	case *SetOp:
		p.setOperand(b.L, b.Op == Intersect)
		p.s(" ", b.Op.String(), " ")
		p.when(b.All, "ALL ")
		p.setOperand(b.R, true)
	case *Values:
		p.s("VALUES ")
		for i, r := range b.Rows {
			p.comma(i)
			p.s("(")
			p.exprs(r)
			p.s(")")
		}
	case *Select:
		p.selectBlock(b)
	}
}

// setOperand writes an operand of a set operation; tight: a set operation there needs
// brackets.
func (p *printer) setOperand(b Body, tight bool) {
	if _, ok := b.(*SetOp); ok && tight {
		p.s("(")
		p.body(b)
		p.s(")")
		return
	}
	p.body(b)
}

func (p *printer) selectBlock(s *Select) {
	p.s("SELECT")
	p.when(s.Distinct, " DISTINCT")
	if s.On != nil {
		p.s(" ON (")
		p.exprs(s.On)
		p.s(")")
	}
	if s.Items != nil {
		p.s(" ")
		p.items(s.Items)
	}
	p.from(" FROM ", s.From)
	if s.Window != nil {
		p.streamWindow(s.Window)
	}
	p.where(s.Where)
	if s.GroupBy != nil {
		p.s(" GROUP BY ")
		p.when(s.GroupUnique, "DISTINCT ")
		p.groupItems(s.GroupBy)
	}
	if s.Part != nil {
		p.s(" PARTITION BY ")
		p.exprs(s.Part)
	}
	if s.Having != nil {
		p.s(" HAVING ")
		p.expr(s.Having)
	}
	for i, d := range s.Windows {
		if i == 0 {
			p.s(" WINDOW ")
		} else {
			p.s(", ")
		}
		p.id(d.Name)
		p.s(" AS ")
		p.window(d)
	}
}

func (p *printer) items(list []Item) {
	for i, it := range list {
		p.comma(i)
		p.expr(it.X)
		if it.As != "" {
			p.s(" AS ")
			p.id(it.As)
		}
	}
}

func (p *printer) from(word string, list []TableRef) {
	for i, t := range list {
		if i == 0 {
			p.s(word)
		} else {
			p.s(", ")
		}
		p.table(t)
	}
}

func (p *printer) where(x Expr) {
	if x != nil {
		p.s(" WHERE ")
		p.expr(x)
	}
}

// groupItems writes the elements of GROUP BY; an empty row is the empty grouping set.
func (p *printer) groupItems(xs []Expr) {
	for i, x := range xs {
		p.comma(i)
		if r, ok := x.(*Row); ok && len(r.Elems) == 0 {
			p.s("()")
		} else {
			p.expr(x)
		}
	}
}

func (p *printer) streamWindow(w *StreamWindow) {
	p.s(" WINDOW ")
	if w.Name != "" {
		p.id(w.Name)
		p.s(" ")
	}
	p.s(w.Kind.String(), " (")
	p.when(w.Kind != Session, "SIZE ")
	p.s(w.Size.String())
	if w.Advance != nil {
		p.s(", ADVANCE BY ", w.Advance.String())
	}
	if w.Retention != nil {
		p.s(", RETENTION ", w.Retention.String())
	}
	if w.Grace != nil {
		p.s(", GRACE PERIOD ", w.Grace.String())
	}
	p.s(")")
}

func (p *printer) alias(a Alias) {
	if a.Name == "" && a.Defs == nil {
		return
	}
	p.s(" AS")
	if a.Name != "" {
		p.s(" ")
		p.id(a.Name)
	}
	p.columns(a.Cols)
	if a.Defs != nil {
		p.s(" (")
		p.columnDefs(a.Defs)
		p.s(")")
	}
}

func (p *printer) columnDefs(defs []ColDef) {
	for i, d := range defs {
		p.comma(i)
		p.id(d.Name)
		p.s(" ")
		p.typeName(d.Type)
		p.collate(d.Collate)
	}
}

func (p *printer) collate(n Name) {
	if n != nil {
		p.s(" COLLATE ")
		p.name(n)
	}
}

func (p *printer) rowsFrom(t *TableFunc) {
	p.s("ROWS FROM (")
	for i, c := range t.Calls {
		p.comma(i)
		p.expr(c)
		if t.CallDefs != nil && t.CallDefs[i] != nil {
			p.s(" AS (")
			p.columnDefs(t.CallDefs[i])
			p.s(")")
		}
	}
	p.s(")")
}

func (p *printer) table(t TableRef) {
	switch t := t.(type) {
	case *Table:
		p.namedTable(t)
	case *TableFunc:
		p.when(t.Lateral, "LATERAL ")
		if len(t.Calls) == 1 && t.CallDefs == nil {
			p.tableCall(t.Calls[0])
		} else {
			p.rowsFrom(t)
		}
		p.when(t.Ord, " WITH ORDINALITY")
		p.asOf(t.AsOf)
		p.alias(t.Alias)
	case *Derived:
		p.when(t.Lateral, "LATERAL ")
		p.s("(")
		p.query(t.Q)
		p.s(")")
		p.alias(t.Alias)
	case *Join:
		p.join(t)
	}
}

// tableCall writes the call of a table function. Only a plain call can stand in FROM by
// itself.
func (p *printer) tableCall(x Expr) {
	if c, ok := x.(*Cast); ok {
		p.s("CAST(")
		p.expr(c.X)
		p.s(" AS ")
		p.typeName(c.Type)
		p.s(")")
		return
	}
	c, ok := x.(*Call)
	if ok && !c.Bare && (len(c.Name) > 1 || !plainCalls[c.Name[0]] && c.Name[0] != "extract") {
		p.call(c)
		return
	}
	p.s("ROWS FROM (")
	p.expr(x)
	p.s(")")
}

func (p *printer) namedTable(t *Table) {
	p.when(t.Only, "ONLY ")
	p.name(t.Name)
	p.asOf(t.AsOf)
	if t.SystemTime != nil {
		p.s(" FOR SYSTEM_TIME AS OF ")
		p.operand(t.SystemTime, levelOp)
	}
	p.alias(t.Alias)
	if t.Sample == nil {
		return
	}
	p.s(" TABLESAMPLE ")
	p.id(t.Sample.Method)
	p.s(" (")
	p.expr(t.Sample.Arg)
	p.s(")")
	if t.Sample.Seed != nil {
		p.s(" REPEATABLE (")
		p.expr(t.Sample.Seed)
		p.s(")")
	}
}

// join writes a join; the right side of a join needs brackets if it is a join too.
func (p *printer) join(j *Join) {
	p.when(j.Alias != "", "(")
	p.table(j.L)
	p.when(j.Natural, " NATURAL")
	if j.Kind != InnerJoin {
		p.s(" ", j.Kind.String())
	}
	p.s(" JOIN ")
	if r, ok := j.R.(*Join); ok && r.Alias == "" {
		p.s("(")
		p.table(r)
		p.s(")")
	} else {
		p.table(j.R)
	}
	if w := j.Within; w != nil {
		p.within(w)
	}
	if j.On != nil {
		p.s(" ON ")
		p.expr(j.On)
	}
	if j.Using != nil {
		p.s(" USING (")
		p.ids(j.Using)
		p.s(")")
		if j.UsingAlias != "" {
			p.s(" AS ")
			p.id(j.UsingAlias)
		}
	}
	if j.Alias != "" {
		p.s(") AS ")
		p.id(j.Alias)
		p.columns(j.AliasCols)
	}
}

func (p *printer) within(w *Within) {
	if *w.Before == *w.After {
		p.s(" WITHIN ", w.Before.String())
	} else {
		p.s(" WITHIN (", w.Before.String(), ", ", w.After.String(), ")")
	}
	if w.Grace != nil {
		p.s(" GRACE PERIOD ", w.Grace.String())
	}
}
