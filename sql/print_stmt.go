package sql

import "strings"

// statement writes a statement.
//
//tidy:long one case per kind of statement
func (p *printer) statement(s Statement) {
	switch s := s.(type) {
	case *SelectStmt:
		p.query(s.Query)
	case *Insert:
		p.insert(s)
	case *Update:
		p.update(s)
	case *Delete:
		p.delete(s)
	case *Merge:
		p.merge(s)
	case *Truncate:
		p.s("TRUNCATE ")
		p.names(s.Names)
		p.when(s.RestartIdentity, " RESTART IDENTITY")
		p.when(s.Cascade, " CASCADE")
	case *Copy:
		p.copy(s)
	case *CreateStream:
		p.createStream(s)
	case *CreateTable:
		p.createTable(s)
	case *CreateAs:
		p.createAs(s)
	case *CreateMaterializedView:
		p.createMaterializedView(s)
	case *CreateView:
		p.createView(s)
	case *CreateIndex:
		p.createIndex(s)
	case *CreateSchema:
		p.s("CREATE SCHEMA")
		p.when(s.IfNotExists, " IF NOT EXISTS")
		p.named(" ", s.Name)
		if s.Owner != "" {
			p.s(" AUTHORIZATION ")
			p.role(s.Owner)
		}
	case *CreateType:
		p.createType(s)
	case *CreateDomain:
		p.createDomain(s)
	case *CreateSequence:
		p.s("CREATE ")
		p.when(s.Temp, "TEMPORARY ")
		p.s("SEQUENCE ")
		p.when(s.IfNotExists, "IF NOT EXISTS ")
		p.name(s.Name)
		p.sequenceOptions(&s.Options)
	case *CreateFunction:
		p.createFunction(s)
	case *CreateRole:
		p.s("CREATE ")
		p.s(map[bool]string{false: "ROLE ", true: "USER "}[s.User])
		p.when(s.IfNotExists, "IF NOT EXISTS ")
		p.id(s.Name)
		p.looseOptions(s.Options)
	case *CreateDatabase:
		p.s("CREATE DATABASE ")
		p.id(s.Name)
		p.looseOptions(s.Options)
	case *CreateExtension:
		p.s("CREATE EXTENSION ")
		p.when(s.IfNotExists, "IF NOT EXISTS ")
		p.id(s.Name)
		p.named(" SCHEMA ", s.Schema)
		p.when(s.Cascade, " CASCADE")
	case *Drop:
		p.drop(s)
	case *Alter:
		p.alter(s)
	case *Rename:
		p.rename(s)
	case *AlterEnum:
		p.alterEnum(s)
	case *AlterSequence:
		p.s("ALTER SEQUENCE ")
		p.when(s.IfExists, "IF EXISTS ")
		p.name(s.Name)
		p.sequenceOptions(&s.Options)
	case *AlterRole:
		p.alterRole(s)
	case *AlterSystem:
		p.alterSystem(s)
	case *Explain:
		p.explain(s)
	case *Prepare:
		p.prepare(s)
	case *DeclareCursor:
		p.declare(s)
	default:
		p.utility(s)
	}
}

// role writes the name of a role, or one of the words that stand for one.
func (p *printer) role(name string) {
	switch name {
	case "current_user", "session_user", "current_role":
		p.s(strings.ToUpper(name))
	default:
		p.id(name)
	}
}

func (p *printer) roles(list []string) {
	for i, r := range list {
		p.comma(i)
		p.role(r)
	}
}

// named writes word and the name, unless the name is empty.
func (p *printer) named(word, name string) {
	if name != "" {
		p.s(word)
		p.id(name)
	}
}

func (p *printer) insert(s *Insert) {
	p.ctes(s.Recursive, s.With)
	p.s("INSERT INTO ")
	p.name(s.Table)
	p.named(" AS ", s.Alias)
	p.with(s.Options)
	p.insertTargets(s)
	p.s([...]string{"", " OVERRIDING SYSTEM VALUE", " OVERRIDING USER VALUE"}[s.Overriding])
	if s.Query == nil {
		p.s(" DEFAULT VALUES")
	} else {
		p.s(" ")
		p.query(s.Query)
	}
	if s.OnConflict != nil {
		p.onConflict(s.OnConflict)
	}
	p.returning(s.Returning)
}

func (p *printer) onConflict(c *OnConflict) {
	p.s(" ON CONFLICT")
	if c.Targets != nil {
		p.s(" (")
		p.indexKeys(c.Targets)
		p.s(")")
		p.where(c.TargetWhere)
	}
	p.named(" ON CONSTRAINT ", c.Constraint)
	if c.DoNothing {
		p.s(" DO NOTHING")
		return
	}
	p.s(" DO UPDATE SET ")
	p.assigns(c.Set)
	p.where(c.Where)
}

// insertTargets prints the column list of INSERT.
func (p *printer) insertTargets(s *Insert) {
	if s.Paths == nil {
		p.columns(s.Columns)
		return
	}
	p.s(" (")
	for i, name := range s.Columns {
		p.comma(i)
		p.id(name)
		for _, x := range s.Paths[i] {
			p.expr(x)
		}
	}
	p.s(")")
}

func (p *printer) assigns(list []Assign) {
	for i, a := range list {
		p.comma(i)
		if a.Multi {
			p.s("(")
			p.ids(a.Columns)
			p.s(")")
		} else {
			p.ids(a.Columns)
			for _, x := range a.Path {
				p.expr(x)
			}
		}
		p.s(" = ")
		p.expr(a.X)
	}
}

func (p *printer) returning(list []Item) {
	if list != nil {
		p.s(" RETURNING ")
		p.items(list)
	}
}

func (p *printer) update(s *Update) {
	p.ctes(s.Recursive, s.With)
	p.s("UPDATE ")
	p.table(s.Table)
	p.s(" SET ")
	p.assigns(s.Set)
	p.from(" FROM ", s.From)
	p.where(s.Where)
	p.named(" WHERE CURRENT OF ", s.Cursor)
	p.returning(s.Returning)
}

func (p *printer) delete(s *Delete) {
	p.ctes(s.Recursive, s.With)
	p.s("DELETE FROM ")
	p.table(s.Table)
	p.from(" USING ", s.Using)
	p.where(s.Where)
	p.named(" WHERE CURRENT OF ", s.Cursor)
	p.returning(s.Returning)
}

func (p *printer) merge(s *Merge) {
	p.ctes(s.Recursive, s.With)
	p.s("MERGE INTO ")
	p.table(s.Table)
	p.s(" USING ")
	p.table(s.Using)
	p.s(" ON ")
	p.expr(s.On)
	for i := range s.Whens {
		p.mergeWhen(&s.Whens[i])
	}
}

func (p *printer) mergeWhen(w *MergeWhen) {
	p.s(" WHEN ")
	p.when(!w.Matched, "NOT ")
	p.s("MATCHED")
	if w.Cond != nil {
		p.s(" AND ")
		p.expr(w.Cond)
	}
	p.s(" THEN ")
	switch w.Action {
	case MergeNothing:
		p.s("DO NOTHING")
	case MergeDelete:
		p.s("DELETE")
	case MergeUpdate:
		p.s("UPDATE SET ")
		p.assigns(w.Set)
	case MergeInsert:
		p.s("INSERT")
		p.columns(w.Columns)
		p.s([...]string{"", " OVERRIDING SYSTEM VALUE", " OVERRIDING USER VALUE"}[w.Overriding])
		if w.Values == nil {
			p.s(" DEFAULT VALUES")
			return
		}
		p.s(" VALUES (")
		for i, x := range w.Values {
			p.comma(i)
			p.expr(x)
		}
		p.s(")")
	}
}

func (p *printer) copy(s *Copy) {
	p.s("COPY ")
	if s.Query != nil {
		p.s("(")
		p.query(s.Query)
		p.s(")")
	} else {
		p.name(s.Table)
		p.columns(s.Columns)
	}
	word, stream := " FROM ", "STDIN"
	if s.To {
		word, stream = " TO ", "STDOUT"
	}
	p.s(word)
	if s.File == "" {
		p.s(stream)
	} else {
		p.when(s.Program, "PROGRAM ")
		p.str(s.File)
	}
	if s.Options != nil {
		p.s(" WITH ")
		p.options(s.Options, " ")
	}
	p.where(s.Where)
}

func (p *printer) explain(s *Explain) {
	p.s("EXPLAIN ")
	var opts []Option
	on := func(name string) { opts = append(opts, Option{Name: name}) }
	if s.Analyze {
		on("analyze")
	}
	if s.Verbose {
		on("verbose")
	}
	if s.Format != "" {
		opts = append(opts, Option{Name: "format",
			Value: &Const{Kind: StrConst, Val: s.Format}})
	}
	if opts = append(opts, s.Options...); opts != nil {
		p.options(opts, " ")
		p.s(" ")
	}
	if s.Stmt != nil {
		p.statement(s.Stmt)
		return
	}
	p.quotedName(s.Query)
}

// quotedName writes a name whose first part must not be taken for a word of the statement.
func (p *printer) quotedName(n Name) {
	if len(n) > 0 && statementWords[n[0]] {
		p.s(`"`, n[0], `"`)
		for _, part := range n[1:] {
			p.s(".")
			p.id(part)
		}
		return
	}
	p.name(n)
}

func (p *printer) prepare(s *Prepare) {
	p.s("PREPARE ")
	p.id(s.Name)
	if s.Types != nil {
		p.s(" (")
		p.types(s.Types)
		p.s(")")
	}
	p.s(" AS ")
	p.statement(s.Stmt)
}

func (p *printer) types(list []*TypeName) {
	for i, t := range list {
		p.comma(i)
		p.typeName(t)
	}
}

func (p *printer) declare(s *DeclareCursor) {
	p.s("DECLARE ")
	p.id(s.Name)
	p.when(s.Binary, " BINARY")
	p.when(s.Insensitive, " INSENSITIVE")
	p.when(s.Asensitive, " ASENSITIVE")
	p.when(s.NoScroll, " NO SCROLL")
	p.when(s.Scroll, " SCROLL")
	p.s(" CURSOR")
	p.when(s.Hold, " WITH HOLD")
	p.s(" FOR ")
	p.query(s.Query)
}
