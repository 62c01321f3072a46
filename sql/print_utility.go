package sql

import "strings"

// utility writes the statements that are about sessions and operations.
//
//tidy:long one case per kind of statement
func (p *printer) utility(s Statement) {
	switch s := s.(type) {
	case *Begin:
		p.s(map[bool]string{false: "BEGIN", true: "START TRANSACTION"}[s.Start])
		p.txModes(s.Modes)
	case *Commit:
		p.s("COMMIT")
		p.when(s.Chain, " AND CHAIN")
	case *Rollback:
		p.s("ROLLBACK")
		p.when(s.Chain, " AND CHAIN")
	case *Savepoint:
		p.named("SAVEPOINT ", s.Name)
	case *Release:
		p.named("RELEASE SAVEPOINT ", s.Name)
	case *RollbackTo:
		p.named("ROLLBACK TO SAVEPOINT ", s.Name)
	case *SetTransaction:
		p.s("SET ")
		p.when(s.Session, "SESSION CHARACTERISTICS AS ")
		p.s("TRANSACTION")
		p.txModes(s.Modes)
		if s.Snapshot != "" {
			p.s(" SNAPSHOT ")
			p.str(s.Snapshot)
		}
	case *SetConstraints:
		p.s("SET CONSTRAINTS ")
		p.when(s.Names == nil, "ALL")
		p.names(s.Names)
		p.s(map[bool]string{false: " IMMEDIATE", true: " DEFERRED"}[s.Deferred])
	case *DropOwned:
		p.s("DROP OWNED BY ")
		p.roles(s.Roles)
		p.when(s.Cascade, " CASCADE")
	case *ReassignOwned:
		p.s("REASSIGN OWNED BY ")
		p.roles(s.Roles)
		p.s(" TO ")
		p.role(s.To)
	case *SetVar:
		p.setVar(s)
	case *ShowVar:
		p.s("SHOW ")
		p.setting(s.Name)
	case *ResetVar:
		p.s("RESET ")
		p.setting(s.Name)
	case *Unset:
		p.s("UNSET ")
		p.setting(s.Name)
	case *Discard:
		p.s("DISCARD ", s.What.String())
	case *Execute:
		p.named("EXECUTE ", s.Name)
		if s.Args != nil {
			p.s(" (")
			p.exprs(s.Args)
			p.s(")")
		}
	case *Deallocate:
		p.s("DEALLOCATE ")
		p.when(s.All, "ALL")
		p.named("", s.Name)
	case *Fetch:
		p.s("FETCH ")
		p.cursorMove(s.CursorMove)
		p.with(s.Options)
	case *Move:
		p.s("MOVE ")
		p.cursorMove(s.CursorMove)
	case *CloseCursor:
		p.s("CLOSE ")
		p.when(s.All, "ALL")
		p.named("", s.Name)
	case *Define:
		p.named("DEFINE ", s.Name)
		p.s(" = ")
		p.str(s.Value)
	case *Undefine:
		p.named("UNDEFINE ", s.Name)
	case *Listen:
		p.named("LISTEN ", s.Channel)
	case *Notify:
		p.named("NOTIFY ", s.Channel)
		if s.Payload != "" {
			p.s(", ")
			p.str(s.Payload)
		}
	case *Unlisten:
		p.s("UNLISTEN ")
		p.when(s.Channel == "", "*")
		p.named("", s.Channel)
	default:
		p.operation(s)
	}
}

// operation writes the remaining statements.
//
//tidy:long one case per kind of statement
func (p *printer) operation(s Statement) {
	switch s := s.(type) {
	case *Describe:
		p.s("DESCRIBE ")
		if s.Kind != NoObject {
			p.s(s.Kind.String(), " ")
		}
		p.quotedName(s.Name)
		p.when(s.Extended, " EXTENDED")
	case *ShowObjects:
		p.s("SHOW ")
		p.when(s.All, "ALL ")
		p.s(s.Kind.String())
		p.when(s.Extended, " EXTENDED")
		if s.In != nil {
			p.s(" FROM ")
			p.name(s.In)
		}
		if s.Like != "" {
			p.s(" LIKE ")
			p.str(s.Like)
		}
	case *ShowCreate:
		p.s("SHOW CREATE ")
		if s.Kind != NoObject {
			p.s(s.Kind.String(), " ")
		}
		p.quotedName(s.Name)
	case *PrintStream:
		p.printStream(s)
	case *Pause:
		p.s("PAUSE ")
		p.target(s.Target)
	case *Resume:
		p.s("RESUME ")
		p.target(s.Target)
	case *Terminate:
		p.s("TERMINATE ")
		p.target(s.Target)
	case *Comment:
		p.comment(s)
	case *Grant:
		p.s("GRANT ")
		p.grantable(&s.Grantable, " TO ")
		if s.WithOption && s.Roles != nil {
			p.s(" WITH ADMIN OPTION")
		} else {
			p.when(s.WithOption, " WITH GRANT OPTION")
		}
		p.grantedBy(s.By)
	case *Revoke:
		p.s("REVOKE ")
		if s.OptionFor && s.Roles != nil {
			p.s("ADMIN OPTION FOR ")
		} else {
			p.when(s.OptionFor, "GRANT OPTION FOR ")
		}
		p.grantable(&s.Grantable, " FROM ")
		p.grantedBy(s.By)
		p.when(s.Cascade, " CASCADE")
	case *Lock:
		p.s("LOCK TABLE ")
		p.names(s.Names)
		if s.Mode != "" {
			p.s(" IN ", s.Mode, " MODE")
		}
		p.when(s.NoWait, " NOWAIT")
	case *Analyze:
		p.s("ANALYZE")
		p.maintained(&s.Maintained)
	case *Vacuum:
		p.s("VACUUM")
		p.maintained(&s.Maintained)
	case *Reindex:
		p.s("REINDEX ")
		if s.Options != nil {
			p.options(s.Options, " ")
			p.s(" ")
		}
		p.s(map[bool]string{false: s.Kind.String(), true: "SYSTEM"}[s.System], " ")
		p.when(s.Concurrently, "CONCURRENTLY ")
		p.quotedName(s.Name)
	case *Checkpoint:
		p.s("CHECKPOINT")
	case *Flush:
		p.s("FLUSH")
	case *RefreshView:
		p.s("REFRESH MATERIALIZED VIEW ")
		p.when(s.Concurrently, "CONCURRENTLY ")
		p.name(s.Name)
		p.when(s.NoData, " WITH NO DATA")
	case *Do:
		p.s("DO ")
		if s.Language != "" {
			p.named("LANGUAGE ", s.Language)
			p.s(" ")
		}
		p.str(s.Body)
	case *CallProc:
		p.s("CALL ")
		p.name(s.Call.Name)
		p.s("(")
		p.arguments(s.Call)
		p.s(")")
		p.callClauses(s.Call)
	case *RunScript:
		p.s("RUN SCRIPT ")
		p.str(s.File)
	default:
		p.assert(s)
	}
}

func (p *printer) assert(s Statement) {
	switch s := s.(type) {
	case *AssertTopic:
		p.s("ASSERT ")
		p.when(s.Not, "NOT EXISTS ")
		p.s("TOPIC ")
		p.name(s.Name)
		p.with(s.Options)
		p.timeout(s.Timeout)
	case *AssertSchema:
		p.s("ASSERT ")
		p.when(s.Not, "NOT EXISTS ")
		p.s("SCHEMA")
		if s.Subject != "" {
			p.s(" SUBJECT ")
			p.str(s.Subject)
		}
		if s.ID >= 0 {
			p.s(" ID ")
			p.num(s.ID)
		}
		p.timeout(s.Timeout)
	case *AssertValues:
		p.assertValues(s)
	case *AssertRelation:
		p.s("ASSERT ", s.Kind.String(), " ")
		p.name(s.Name)
		p.definition(&s.Definition)
		p.with(s.With)
	}
}

func (p *printer) assertValues(s *AssertValues) {
	p.s("ASSERT ")
	p.when(s.Null, "NULL ")
	p.s("VALUES ")
	p.name(s.Table)
	p.columns(s.Columns)
	p.s(" ")
	if v, ok := s.Query.Body.(*Values); ok && s.Null && len(v.Rows) == 1 {
		p.s("KEY (")
		p.exprs(v.Rows[0])
		p.s(")")
		return
	}
	p.query(s.Query)
}

func (p *printer) timeout(t *Span) {
	if t != nil {
		p.s(" TIMEOUT ", t.String())
	}
}

func (p *printer) txModes(m TxModes) {
	sep := " "
	word := func(s string) {
		p.s(sep, s)
		sep = ", "
	}
	if m.Isolation != IsolationDefault {
		word("ISOLATION LEVEL " + m.Isolation.String())
	}
	switch m.Access {
	case ReadWrite:
		word("READ WRITE")
	case ReadOnly:
		word("READ ONLY")
	}
	switch m.Deferrable {
	case On:
		word("DEFERRABLE")
	case Off:
		word("NOT DEFERRABLE")
	}
}

// setting writes the name of a setting; its first part must not be taken for a keyword.
func (p *printer) setting(name string) {
	if name == "all" {
		p.s("ALL")
		return
	}
	parts := splitDots(name)
	for _, part := range parts {
		if part == "" {
			p.id(name)
			return
		}
	}
	p.quotedName(parts)
}

func splitDots(s string) Name {
	n := Name{}
	start := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			n = append(n, s[start:i])
			start = i + 1
		}
	}
	return append(n, s[start:])
}

func (p *printer) setVar(s *SetVar) {
	p.s("SET ")
	p.when(s.Local, "LOCAL ")
	if lit := s.timeZone(); lit != nil {
		p.s("TIME ZONE ")
		p.expr(lit)
		return
	}
	if s.Quoted {
		p.str(s.Name)
	} else {
		p.setting(s.Name)
	}
	p.s(" = ")
	if s.Default {
		p.s("DEFAULT")
		return
	}
	for i, v := range s.Values {
		p.comma(i)
		p.expr(v)
	}
}

// timeZone returns the interval of SET TIME ZONE INTERVAL '...', which only that spelling can
// have; else nil.
func (s *SetVar) timeZone() Expr {
	if s.Name == "timezone" && len(s.Values) == 1 {
		if lit, ok := s.Values[0].(*TypedLit); ok {
			return lit
		}
	}
	return nil
}

func (p *printer) cursorMove(m CursorMove) {
	p.s(m.Dir.String(), " ")
	if m.All {
		p.s("ALL")
	} else {
		p.num(m.Count)
	}
	p.s(" FROM ")
	p.id(m.Cursor)
}

func (p *printer) printStream(s *PrintStream) {
	p.s("PRINT ")
	p.name(s.Name)
	p.when(s.FromBeginning, " FROM BEGINNING")
	if s.Interval > 0 {
		p.s(" INTERVAL ")
		p.num(s.Interval)
	}
	if s.Limit >= 0 {
		p.s(" LIMIT ")
		p.num(s.Limit)
	}
}

func (p *printer) target(t Target) {
	if t.All {
		p.s("ALL")
		return
	}
	p.name(t.Name)
}

func (p *printer) comment(s *Comment) {
	p.s("COMMENT ON ", s.Kind.String(), " ")
	p.name(s.Name)
	p.argTypes(s.Args)
	if s.On != nil {
		p.s(" ON ")
		p.name(s.On)
	}
	p.s(" IS ")
	if s.Text == nil {
		p.s("NULL")
	} else {
		p.str(*s.Text)
	}
}

func (p *printer) argTypes(list []*TypeName) {
	if list != nil {
		p.s("(")
		p.types(list)
		p.s(")")
	}
}

func (p *printer) grantable(g *Grantable, word string) {
	switch {
	case g.Roles != nil:
		p.roles(g.Roles)
	case g.All:
		p.s("ALL")
	}
	for i, r := range g.Privileges {
		p.comma(i)
		if strings.Trim(r.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			p.s(r.Name)
		} else {
			p.ids([]string{r.Name}) // no privilege; the planner says so
		}
		p.columns(r.Columns)
	}
	if g.Roles == nil {
		p.s(" ON ")
		if g.AllIn {
			p.s("ALL ", g.Kind.String(), "S IN SCHEMA ")
		} else {
			p.s(g.Kind.String(), " ")
		}
		for i, n := range g.Names {
			p.comma(i)
			p.name(n)
			if i < len(g.Args) {
				p.argTypes(g.Args[i])
			}
		}
	}
	p.s(word)
	p.roles(g.To)
}

// grantedBy writes GRANTED BY, which stands after the options.
func (p *printer) grantedBy(role string) {
	if role != "" {
		p.s(" GRANTED BY ")
		p.role(role)
	}
}

func (p *printer) maintained(m *Maintained) {
	if m.Options != nil {
		p.s(" ")
		p.options(m.Options, " ")
	}
	for i, t := range m.Targets {
		if i == 0 {
			p.s(" ")
		} else {
			p.s(", ")
		}
		p.name(t.Name)
		p.columns(t.Columns)
	}
}
