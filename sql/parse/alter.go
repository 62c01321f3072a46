package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// drop reads DROP.
func (p *parser) drop() sql.Statement {
	at := p.locOf(&p.toks[p.i-1])
	s := &sql.Drop{Kind: p.objectKind()}
	if s.Kind == sql.NoObject || s.Kind == sql.ObjColumn || s.Kind == sql.ObjConstraint ||
		s.Kind == sql.ObjQuery {
		p.refuseWords(at, "DROP")
		p.unexpectedAt(&p.toks[p.i-min(1, int(s.Kind))])
	}
	p.refuseKind(at, "DROP", s.Kind)
	if s.Kind == sql.ObjIndex {
		s.Concurrently = p.words("concurrently")
	}
	s.IfExists = p.ifExists()
	for {
		s.Names = append(s.Names, p.qname())
		if s.Kind == sql.ObjFunction || s.Kind == sql.ObjProcedure {
			s.Args = append(s.Args, p.argTypes())
		}
		if !p.acceptC(',') {
			break
		}
	}
	if p.words("delete", "topic") {
		s.DeleteTopic = true
	} else {
		s.Cascade = p.cascade()
	}
	return s
}

// argTypes reads the bracketed argument types that tell functions apart; nil: none given.
func (p *parser) argTypes() []*sql.TypeName {
	if !p.isC('(') {
		return nil
	}
	list := []*sql.TypeName{}
	for _, a := range p.functionArgs() {
		if a.Mode != "OUT" {
			list = append(list, a.Type)
		}
	}
	return list
}

// alter reads ALTER.
func (p *parser) alter() sql.Statement {
	at := p.locOf(&p.toks[p.i-1])
	if p.words("system") {
		return p.alterSystem()
	}
	kind := p.objectKind()
	p.refuseKind(at, "ALTER", kind)
	switch kind {
	case sql.NoObject, sql.ObjColumn, sql.ObjConstraint, sql.ObjQuery:
		p.refuseWords(at, "ALTER")
		p.unexpectedAt(&p.toks[p.i-min(1, int(kind))])
	case sql.ObjRole:
		return p.alterRole()
	case sql.ObjDatabase:
		p.unsupported(at, "ALTER DATABASE", "There is one, millrace; settings belong to roles: "+
			"ALTER ROLE ... SET.")
	}
	ifExists := p.ifExists()
	only := kind == sql.ObjTable && p.accept(kwOnly)
	name := p.qname()
	if p.isOp("*") {
		p.i++
	}
	if p.is(kwRename) && !(kind == sql.ObjType && p.wordAt(1, "value")) {
		return p.renameObject(kind, ifExists, name)
	}
	if kind == sql.ObjType {
		if s := p.alterEnum(name); s != nil {
			return s
		}
	}
	if kind == sql.ObjSequence && !p.is(kwSet) && !p.wordAt(0, "owner") {
		return &sql.AlterSequence{Name: name, IfExists: ifExists, Options: p.sequenceOptions()}
	}
	s := &sql.Alter{Kind: kind, IfExists: ifExists, Only: only, Name: name}
	for {
		s.Actions = append(s.Actions, p.alterAction())
		if !p.acceptC(',') {
			return s
		}
	}
}

// renameObject reads RENAME TO x, RENAME [COLUMN] a TO b and RENAME CONSTRAINT a TO b.
func (p *parser) renameObject(kind sql.ObjectKind, ifExists bool, name sql.Name) sql.Statement {
	s := &sql.Rename{Kind: kind, IfExists: ifExists, Name: name}
	p.i++
	if !p.is(kwTo) {
		s.Part = sql.ObjColumn
		if p.accept(kwConstraint) {
			s.Part = sql.ObjConstraint
		} else if !p.words("column") {
			p.words("attribute")
		}
		s.Old = p.name()
	}
	p.expect(kwTo)
	s.New = p.name()
	return s
}

// alterEnum reads ADD VALUE or RENAME VALUE; nil: it is another action.
func (p *parser) alterEnum(name sql.Name) sql.Statement {
	s := &sql.AlterEnum{Name: name}
	switch {
	case p.words("add", "value"):
		s.IfNotExists = p.ifNotExists()
		s.Label = p.str()
		switch p.oneOf("before", "after") {
		case 0:
			s.Before = true
			s.Neighbour = p.stringName()
		case 1:
			s.Neighbour = p.stringName()
		}
		return s
	case p.words("rename", "value"):
		s.Rename = p.stringName()
		p.expect(kwTo)
		s.Label = p.stringName()
		return s
	}
	return nil
}

// alterAction reads one action of ALTER.
func (p *parser) alterAction() sql.AlterAction {
	at := p.loc()
	switch {
	case p.accept(kwAdd):
		return p.addAction()
	case p.accept(kwDrop):
		return p.dropAction(at)
	case p.accept(kwAlter):
		p.words("column")
		return p.alterColumn(at)
	case p.words("owner", "to"):
		return &sql.SetOwner{Role: p.roleName()}
	case p.accept(kwReset):
		a := &sql.ResetOptions{}
		for _, o := range p.options() {
			a.Names = append(a.Names, o.Name)
		}
		return a
	case p.words("validate", "constraint"):
		return &sql.ValidateConstraint{Loc: at, Name: p.name()}
	case p.words("cluster", "on"):
		return &sql.AlterNothing{Loc: at, Words: "CLUSTER ON " + sql.QuoteIdent(p.name())}
	case p.accept(kwSet):
		return p.setAction()
	}
	p.refuseAction(at)
	p.unexpected()
	return nil
}

// refuseAction gives up on the actions of ALTER TABLE that PostgreSQL has beside ours.
func (p *parser) refuseAction(at sql.Loc) {
	for _, r := range []struct{ phrase, what, hint string }{
		{"enable", "ENABLE", "There are no triggers, rules and policies: use continuous queries, " +
			"and GRANT on a view that filters the rows."},
		{"disable", "DISABLE", "There are no triggers, rules and policies."},
		{"force", "FORCE ROW LEVEL SECURITY", "Use GRANT on a view that filters the rows."},
		{"no force", "NO FORCE ROW LEVEL SECURITY", "There are no policies."},
		{"inherit", "INHERIT", "Use a view with UNION ALL."},
		{"no inherit", "NO INHERIT", "There is no inheritance."},
		{"attach partition", "ATTACH PARTITION", "Use a view with UNION ALL."},
		{"detach partition", "DETACH PARTITION", "There are no tables in tables."},
		{"replica identity", "REPLICA IDENTITY", "Changes are read with SELECT ... EMIT CHANGES."},
	} {
		if p.oneOf(r.phrase) == 0 {
			p.unsupported(at, "ALTER TABLE ... "+r.what, r.hint)
		}
	}
}

func (p *parser) addAction() sql.AlterAction {
	if p.constraintAhead() {
		return &sql.AddConstraint{Constraint: p.tableConstraint()}
	}
	if p.wordAt(0, "watermark") && p.peek(1).kw == kwFor {
		return &sql.AddWatermark{Watermark: p.watermark()}
	}
	if !p.words("column") {
		p.words("attribute")
	}
	a := &sql.AddColumn{IfNotExists: p.ifNotExists()}
	a.Column = p.columnDef()
	return a
}

func (p *parser) dropAction(at sql.Loc) sql.AlterAction {
	if p.accept(kwConstraint) {
		a := &sql.DropConstraint{Loc: at, IfExists: p.ifExists()}
		a.Name = p.name()
		a.Cascade = p.cascade()
		return a
	}
	if !p.words("column") {
		p.words("attribute")
	}
	a := &sql.DropColumn{Loc: at, IfExists: p.ifExists()}
	a.Name = p.name()
	a.Cascade = p.cascade()
	return a
}

// alterColumn reads what follows ALTER [COLUMN].
func (p *parser) alterColumn(at sql.Loc) sql.AlterAction {
	name := p.name()
	switch p.oneOf("set data type", "type", "set default", "drop default", "set not null",
		"drop not null", "restart", "drop identity", "set statistics", "set storage",
		"set compression", "add generated", "set generated") {
	case 0, 1:
		a := &sql.AlterColumnType{Loc: at, Name: name, Type: p.typeName()}
		if p.accept(kwUsing) {
			a.Using = p.expr()
		}
		return a
	case 2:
		return &sql.SetColumnDefault{Loc: at, Name: name, X: p.expr()}
	case 3:
		return &sql.SetColumnDefault{Loc: at, Name: name}
	case 4:
		return &sql.SetColumnNotNull{Loc: at, Name: name, NotNull: true}
	case 5:
		return &sql.SetColumnNotNull{Loc: at, Name: name}
	case 6:
		a := &sql.RestartIdentity{Loc: at, Name: name}
		if p.accept(kwWith) || !p.isC(',') && !p.isC(';') && p.tok().kind != kindEOF {
			a.With = p.expr()
		}
		return a
	case 7:
		return &sql.DropIdentity{Loc: at, Name: name, IfExists: p.ifExists()}
	case 8:
		return p.columnNothing(at, name, "SET STATISTICS ")
	case 9:
		return p.columnNothing(at, name, "SET STORAGE ")
	case 10:
		return p.columnNothing(at, name, "SET COMPRESSION ")
	case 11, 12:
		p.unsupported(at, "making a column that exists an identity column",
			"Add a column GENERATED ... AS IDENTITY.")
	}
	p.unexpected()
	return nil
}

// columnNothing reads the value of an option of a column that has no meaning here.
func (p *parser) columnNothing(at sql.Loc, name, words string) sql.AlterAction {
	v := sql.Print(p.optionValue())
	if c, ok := strings.CutPrefix(v, "'"); ok {
		v = strings.TrimSuffix(c, "'")
	}
	return &sql.AlterNothing{Loc: at, Words: "ALTER COLUMN " + sql.QuoteIdent(name) + " " + words + v}
}

// setAction reads what follows SET.
func (p *parser) setAction() sql.AlterAction {
	if p.isC('(') {
		return &sql.SetOptions{Options: p.options()}
	}
	if p.words("schema") {
		return &sql.SetSchema{Schema: p.name()}
	}
	o := sql.Option{Loc: p.loc(), Name: p.label()}
	if !p.acceptOp("=") {
		p.accept(kwTo)
	}
	o.Value = p.optionValue()
	return &sql.SetOptions{Options: []sql.Option{o}}
}

func (p *parser) alterSystem() sql.Statement {
	if p.accept(kwReset) {
		return &sql.AlterSystem{Name: p.settingName()}
	}
	s := &sql.AlterSystem{}
	if p.tok().kind == kindStr { // ksqlDB: ALTER SYSTEM 'a' = 'b'
		s.Name = foldName(p.stringName())
		p.expectOp("=")
	} else {
		p.expect(kwSet)
		s.Name = p.settingName()
		if !p.accept(kwTo) {
			p.expectOp("=")
		}
	}
	at := p.loc()
	if p.accept(kwDefault) {
		s.Value = &sql.Default{Loc: at}
	} else {
		s.Value = p.settingValue()
	}
	return s
}

func (p *parser) alterRole() sql.Statement {
	s := &sql.AlterRole{Name: p.roleName()}
	switch {
	case p.accept(kwSet):
		v, ok := p.set().(*sql.SetVar)
		if !ok {
			p.fail(p.loc(), sqlerr.SyntaxError, "a role can only be given settings")
		}
		s.Set = v
	case p.accept(kwReset):
		s.Reset = &sql.ResetVar{Name: p.settingName()}
	case p.is(kwRename):
		return p.renameObject(sql.ObjRole, false, sql.Name{s.Name})
	default:
		p.accept(kwWith)
		s.Options = p.looseOptions()
	}
	return s
}
