package parse

import (
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// drop reads DROP.
func (p *parser) drop() sql.Statement {
	at := p.locOf(&p.toks[p.i-1])
	if p.words("owned", "by") {
		s := &sql.DropOwned{Roles: p.grantees()}
		s.Cascade = p.cascade()
		return s
	}
	p.refuseWords(at, "DROP")
	s := &sql.Drop{Kind: p.objectKind()}
	if s.Kind == sql.NoObject || s.Kind == sql.ObjColumn || s.Kind == sql.ObjConstraint ||
		s.Kind == sql.ObjQuery {
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
	switch {
	case p.words("delete", "topic"):
		s.DeleteTopic = true
	case s.Kind == sql.ObjDatabase:
		p.accept(kwWith)
		if p.isC('(') {
			p.options() // FORCE
		}
	default:
		s.Cascade = p.cascade()
	}
	return s
}

// reassign reads REASSIGN OWNED.
func (p *parser) reassign() sql.Statement {
	p.need("owned", "by")
	s := &sql.ReassignOwned{Roles: p.grantees()}
	p.expect(kwTo)
	s.To = p.roleName()
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
	p.refuseWords(at, "ALTER")
	kind := p.objectKind()
	p.refuseKind(at, "ALTER", kind)
	switch kind {
	case sql.NoObject, sql.ObjColumn, sql.ObjConstraint, sql.ObjQuery:
		p.unexpectedAt(&p.toks[p.i-min(1, int(kind))])
	case sql.ObjRole:
		return p.alterRole()
	case sql.ObjExtension:
		p.unsupported(at, "ALTER EXTENSION", "Extensions are built in; there is nothing to change.")
	case sql.ObjDatabase:
		p.unsupported(at, "ALTER DATABASE", "There is one, millrace; settings belong to roles: "+
			"ALTER ROLE ... SET.")
	}
	if p.is(kwAll) {
		p.refuseWords(at, "ALTER "+kind.String())
	}
	ifExists := p.ifExists()
	only := kind == sql.ObjTable && p.accept(kwOnly)
	name := p.qname()
	if p.isOp("*") {
		p.i++
	}
	var args []*sql.TypeName
	if kind == sql.ObjFunction || kind == sql.ObjProcedure {
		args = p.alterFunction(at, kind)
	}
	if p.is(kwRename) && !(kind == sql.ObjType && p.wordAt(1, "value")) {
		return p.renameObject(kind, ifExists, name, args)
	}
	if kind == sql.ObjType {
		if s := p.alterEnum(name); s != nil {
			return s
		}
	}
	if kind == sql.ObjSequence && p.oneOf("set logged", "set unlogged") >= 0 {
		return &sql.AlterSequence{Name: name, IfExists: ifExists}
	}
	if kind == sql.ObjSequence && !p.is(kwSet) && !p.wordAt(0, "owner") {
		return &sql.AlterSequence{Name: name, IfExists: ifExists, Options: p.sequenceOptions()}
	}
	s := &sql.Alter{Kind: kind, IfExists: ifExists, Only: only, Name: name, Args: args}
	for {
		s.Actions = append(s.Actions, p.alterAction(kind))
		if !p.acceptC(',') {
			return s
		}
	}
}

// alterFunction reads the argument types of a function whose properties stay as they are.
func (p *parser) alterFunction(at sql.Loc, kind sql.ObjectKind) []*sql.TypeName {
	args := p.argTypes()
	switch t := p.tok(); {
	case p.is(kwRename), p.wordAt(0, "owner"), p.is(kwSet) && p.wordAt(1, "schema"):
	case t.kind == kindIdent:
		p.unsupported(at, "changing the properties of a "+strings.ToLower(kind.String()),
			"Use CREATE OR REPLACE "+kind.String()+".")
	}
	return args
}

// renameObject reads RENAME TO x, RENAME [COLUMN] a TO b and RENAME CONSTRAINT a TO b.
func (p *parser) renameObject(kind sql.ObjectKind, ifExists bool, name sql.Name,
	args []*sql.TypeName) sql.Statement {
	s := &sql.Rename{Kind: kind, IfExists: ifExists, Name: name, Args: args}
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
	if kind == sql.ObjType && s.Part == sql.ObjColumn {
		p.cascade()
	}
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
func (p *parser) alterAction(kind sql.ObjectKind) sql.AlterAction {
	at := p.loc()
	if kind == sql.ObjDomain {
		if a := p.domainAction(at); a != nil {
			return a
		}
	}
	if p.words("alter", "constraint") {
		a := &sql.AlterConstraint{Loc: at, Name: p.name()}
		p.constraintTail(&a.Deferred)
		return a
	}
	if p.is(kwNot) || p.is(kwOf) {
		p.refuseAction(at, kind)
	}
	switch {
	case p.accept(kwAdd):
		return p.addAction(kind)
	case p.accept(kwDrop):
		return p.dropAction(at)
	case p.accept(kwAlter):
		if !p.words("column") && kind == sql.ObjType {
			p.words("attribute")
		}
		return p.alterColumn(at, kind)
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
		if kind == sql.ObjType && !p.wordAt(0, "schema") {
			p.unsupported(at, "a base type", "Drop the type and create it anew.")
		}
		return p.setAction(at)
	}
	p.refuseAction(at, kind)
	p.unexpected()
	return nil
}

// domainAction reads the actions that a domain has and no other object; nil: another one.
func (p *parser) domainAction(at sql.Loc) sql.AlterAction {
	switch p.oneOf("set not null", "drop not null", "set default", "drop default") {
	case 0:
		return &sql.SetColumnNotNull{Loc: at, NotNull: true}
	case 1:
		return &sql.SetColumnNotNull{Loc: at}
	case 2:
		return &sql.SetColumnDefault{Loc: at, X: p.expr()}
	case 3:
		return &sql.SetColumnDefault{Loc: at}
	}
	return nil
}

func (p *parser) addAction(kind sql.ObjectKind) sql.AlterAction {
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
	if kind == sql.ObjType {
		p.cascade()
	}
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
func (p *parser) alterColumn(at sql.Loc, kind sql.ObjectKind) sql.AlterAction {
	if kind == sql.ObjIndex && p.tok().kind == kindNum {
		n := p.integer()
		p.need("set", "statistics")
		return &sql.AlterNothing{Loc: at, Words: fmt.Sprintf("ALTER COLUMN %d SET STATISTICS %s", n,
			sql.Print(p.optionValue()))}
	}
	name := p.name()
	if p.identityAhead() {
		return p.setIdentity(at, name)
	}
	switch p.oneOf(columnActions...) {
	case 0, 1:
		return p.columnType(at, name, kind)
	case 2:
		return &sql.SetColumnDefault{Loc: at, Name: name, X: p.expr()}
	case 3:
		return &sql.SetColumnDefault{Loc: at, Name: name}
	case 4:
		return &sql.SetColumnNotNull{Loc: at, Name: name, NotNull: true}
	case 5:
		return &sql.SetColumnNotNull{Loc: at, Name: name}
	case 7:
		return &sql.DropIdentity{Loc: at, Name: name, IfExists: p.ifExists()}
	case 8:
		return p.columnNothing(at, name, "SET STATISTICS ")
	case 9:
		return p.columnNothing(at, name, "SET STORAGE ")
	case 10:
		return p.columnNothing(at, name, "SET COMPRESSION ")
	case 11:
		if g := p.generated(); g.Kind != sql.GeneratedStored {
			return &sql.AddIdentity{Loc: at, Name: name, Generated: g}
		}
		p.unexpected()
	case 12:
		return &sql.DropExpression{Loc: at, Name: name, IfExists: p.ifExists()}
	}
	switch {
	case p.is(kwSet) && p.peek(1).isPunct('('):
		p.i++
		return p.columnOptions(at, name, "SET ")
	case p.is(kwReset):
		p.i++
		return p.columnOptions(at, name, "RESET ")
	}
	p.stuck(columnActions...)
	return nil
}

// identityAhead reports whether ALTER COLUMN is about an identity column's sequence.
func (p *parser) identityAhead() bool {
	if p.wordAt(0, "restart") {
		return true
	}
	if !p.is(kwSet) {
		return false
	}
	for _, w := range [...]string{"generated", "increment", "start", "minvalue", "maxvalue", "cache",
		"cycle", "no", "restart"} {
		if p.wordAt(1, w) {
			return true
		}
	}
	return false
}

// setIdentity reads RESTART and SET ... of an identity column, any number of them.
func (p *parser) setIdentity(at sql.Loc, name string) sql.AlterAction {
	a := &sql.SetIdentity{Loc: at, Name: name}
	for n := 0; ; n++ {
		switch {
		case p.wordAt(0, "restart"):
			p.sequenceOption(&a.Options)
		case p.words("set", "generated"):
			a.Generated = true
			switch p.oneOf("always", "by default") {
			case 0:
				a.Kind = sql.IdentityAlways
			case 1:
				a.Kind = sql.IdentityByDefault
			default:
				p.unexpected()
			}
		case p.is(kwSet):
			p.i++
			if !p.sequenceOption(&a.Options) {
				p.unexpected()
			}
		default:
			if o := a.Options; n == 1 && (o.Restart != nil || o.RestartWithDefault) {
				return &sql.RestartIdentity{Loc: at, Name: name, With: o.Restart}
			}
			return a
		}
	}
}

// columnActions are what ALTER COLUMN can do.
var columnActions = []string{"set data type", "type", "set default", "drop default",
	"set not null", "drop not null", "restart", "drop identity", "set statistics", "set storage",
	"set compression", "add generated", "drop expression"}

// columnType reads what follows TYPE.
func (p *parser) columnType(at sql.Loc, name string, kind sql.ObjectKind) sql.AlterAction {
	a := &sql.AlterColumnType{Loc: at, Name: name, Type: p.typeName()}
	if p.accept(kwCollate) {
		a.Collate = p.dotted(sql.Name{p.label()})
	}
	if kind == sql.ObjType {
		p.cascade()
	} else if p.accept(kwUsing) {
		a.Using = p.expr()
	}
	return a
}

// columnOptions reads SET (n_distinct = 5) of a column, which has no meaning here.
func (p *parser) columnOptions(at sql.Loc, name, word string) sql.AlterAction {
	if !p.isC('(') {
		p.unexpected()
	}
	start := p.tok().start
	p.options()
	return &sql.AlterNothing{Loc: at, Words: "ALTER COLUMN " + sql.QuoteIdent(name) + " " + word +
		p.src[start:p.toks[p.i-1].end]}
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
func (p *parser) setAction(at sql.Loc) sql.AlterAction {
	if p.isC('(') {
		return &sql.SetOptions{Options: p.options()}
	}
	switch p.oneOf("logged", "unlogged", "without cluster", "without oids", "access method",
		"tablespace") {
	case 0:
		return &sql.AlterNothing{Loc: at, Words: "SET LOGGED"}
	case 1:
		return &sql.AlterNothing{Loc: at, Words: "SET UNLOGGED"}
	case 2:
		return &sql.AlterNothing{Loc: at, Words: "SET WITHOUT CLUSTER"}
	case 3:
		return &sql.AlterNothing{Loc: at, Words: "SET WITHOUT OIDS"}
	case 4:
		return &sql.AlterNothing{Loc: at, Words: "SET ACCESS METHOD " + sql.QuoteIdent(p.name())}
	case 5:
		return &sql.AlterNothing{Loc: at, Words: "SET TABLESPACE " + sql.QuoteIdent(p.name())}
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
	if p.is(kwAll) {
		p.unsupported(p.loc(), "a setting of all roles", "Use ALTER SYSTEM SET.")
	}
	group := p.toks[p.i-1].kw == kwGroup
	s := &sql.AlterRole{Name: p.roleName()}
	if p.words("in", "database") {
		p.name() // there is one
	}
	if group {
		if x := p.alterGroup(s.Name); x != nil {
			return x
		}
	}
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
		return p.renameObject(sql.ObjRole, false, sql.Name{s.Name}, nil)
	default:
		p.accept(kwWith)
		s.Options = p.looseOptions()
	}
	return s
}

// alterGroup reads the old spelling of GRANT and REVOKE of a role; nil: something else.
func (p *parser) alterGroup(name string) sql.Statement {
	switch p.oneOf("add user", "drop user") {
	case 0:
		return &sql.Grant{Grantable: sql.Grantable{Roles: []string{name}, To: p.grantees()}}
	case 1:
		return &sql.Revoke{Grantable: sql.Grantable{Roles: []string{name}, To: p.grantees()}}
	}
	return nil
}
