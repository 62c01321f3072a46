package sql

func (p *printer) drop(s *Drop) {
	p.s("DROP ", s.Kind.String(), " ")
	p.when(s.Concurrently, "CONCURRENTLY ")
	p.when(s.IfExists, "IF EXISTS ")
	for i, n := range s.Names {
		p.comma(i)
		p.name(n)
		if i < len(s.Args) {
			p.argTypes(s.Args[i])
		}
	}
	p.when(s.Cascade, " CASCADE")
	p.when(s.DeleteTopic, " DELETE TOPIC")
}

func (p *printer) alter(s *Alter) {
	p.s("ALTER ", s.Kind.String(), " ")
	p.when(s.IfExists, "IF EXISTS ")
	p.when(s.Only, "ONLY ")
	p.name(s.Name)
	p.argTypes(s.Args)
	for i, a := range s.Actions {
		p.when(i > 0, ",")
		p.s(" ")
		p.alterAction(s.Kind, a)
	}
}

// columnWord is what a part of an object of a kind is called.
func columnWord(k ObjectKind) string {
	if k == ObjType {
		return "ATTRIBUTE"
	}
	return "COLUMN"
}

func (p *printer) alterAction(kind ObjectKind, a AlterAction) {
	switch a := a.(type) {
	case *AddColumn:
		p.s("ADD ", columnWord(kind), " ")
		p.when(a.IfNotExists, "IF NOT EXISTS ")
		p.column(a.Column)
	case *DropColumn:
		p.s("DROP ", columnWord(kind), " ")
		p.when(a.IfExists, "IF EXISTS ")
		p.id(a.Name)
		p.when(a.Cascade, " CASCADE")
	case *AddConstraint:
		p.s("ADD ")
		p.constraint(a.Constraint)
	case *DropConstraint:
		p.s("DROP CONSTRAINT ")
		p.when(a.IfExists, "IF EXISTS ")
		p.id(a.Name)
		p.when(a.Cascade, " CASCADE")
	case *AddWatermark:
		p.s("ADD ")
		p.watermark(a.Watermark)
	case *SetOptions:
		p.s("SET ")
		p.options(a.Options, " = ")
	case *ResetOptions:
		p.s("RESET (")
		for i, n := range a.Names {
			p.comma(i)
			p.option(Option{Name: n}, "")
		}
		p.s(")")
	case *SetOwner:
		p.s("OWNER TO ")
		p.role(a.Role)
	case *SetSchema:
		p.s("SET SCHEMA ")
		p.id(a.Schema)
	case *ValidateConstraint:
		p.s("VALIDATE CONSTRAINT ")
		p.id(a.Name)
	case *AlterNothing:
		p.s(a.Words)
	default:
		if kind != ObjDomain {
			p.s("ALTER ", columnWord(kind), " ")
		}
		p.alterColumn(a)
	}
}

// alterColumn writes the name of a column and what becomes of it; a domain has no name here.
func (p *printer) alterColumn(a AlterAction) {
	switch a := a.(type) {
	case *AlterColumnType:
		p.id(a.Name)
		p.s(" TYPE ")
		p.typeName(a.Type)
		p.collate(a.Collate)
		if a.Using != nil {
			p.s(" USING ")
			p.expr(a.Using)
		}
	case *SetColumnDefault:
		p.actionOf(a.Name)
		if a.X == nil {
			p.s("DROP DEFAULT")
		} else {
			p.s("SET DEFAULT ")
			p.expr(a.X)
		}
	case *RestartIdentity:
		p.id(a.Name)
		p.s(" RESTART")
		if a.With != nil {
			p.s(" WITH ")
			p.expr(a.With)
		}
	case *DropIdentity:
		p.id(a.Name)
		p.s(" DROP IDENTITY")
		p.when(a.IfExists, " IF EXISTS")
	case *SetColumnNotNull:
		p.actionOf(a.Name)
		p.when(a.NotNull, "SET NOT NULL")
		p.when(!a.NotNull, "DROP NOT NULL")
	}
}

// actionOf writes the name of the column that an action is about, if it is about one.
func (p *printer) actionOf(column string) {
	p.named("", column)
	p.when(column != "", " ")
}

func (p *printer) rename(s *Rename) {
	p.s("ALTER ", s.Kind.String(), " ")
	p.when(s.IfExists, "IF EXISTS ")
	p.name(s.Name)
	p.argTypes(s.Args)
	p.s(" RENAME ")
	switch s.Part {
	case ObjColumn:
		p.s(columnWord(s.Kind), " ")
		p.id(s.Old)
		p.s(" ")
	case ObjConstraint:
		p.s("CONSTRAINT ")
		p.id(s.Old)
		p.s(" ")
	}
	p.s("TO ")
	p.id(s.New)
}

func (p *printer) alterEnum(s *AlterEnum) {
	p.s("ALTER TYPE ")
	p.name(s.Name)
	if s.Rename != "" {
		p.s(" RENAME VALUE ")
		p.str(s.Rename)
		p.s(" TO ")
		p.str(s.Label)
		return
	}
	p.s(" ADD VALUE ")
	p.when(s.IfNotExists, "IF NOT EXISTS ")
	p.str(s.Label)
	if s.Neighbour != "" {
		p.s(map[bool]string{true: " BEFORE ", false: " AFTER "}[s.Before])
		p.str(s.Neighbour)
	}
}

func (p *printer) alterRole(s *AlterRole) {
	p.s("ALTER ROLE ")
	p.role(s.Name)
	switch {
	case s.Set != nil:
		p.s(" ")
		p.setVar(s.Set)
	case s.Reset != nil:
		p.s(" RESET ")
		p.setting(s.Reset.Name)
	default:
		p.looseOptions(s.Options)
	}
}

func (p *printer) alterSystem(s *AlterSystem) {
	if s.Value == nil {
		p.s("ALTER SYSTEM RESET ")
		p.setting(s.Name)
		return
	}
	p.s("ALTER SYSTEM SET ")
	p.setting(s.Name)
	p.s(" = ")
	p.expr(s.Value)
}
