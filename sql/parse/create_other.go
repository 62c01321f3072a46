package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
)

func (p *parser) createSchema() sql.Statement {
	s := &sql.CreateSchema{IfNotExists: p.ifNotExists()}
	if !p.is(kwAuthorization) {
		s.Name = p.name()
	}
	if p.accept(kwAuthorization) {
		s.Owner = p.roleName()
	}
	if p.is(kwCreate) || p.is(kwGrant) {
		p.unsupported(p.loc(), "a statement within CREATE SCHEMA",
			"Write it after CREATE SCHEMA, with the schema before its name.")
	}
	return s
}

func (p *parser) createType() sql.Statement {
	s := &sql.CreateType{IfNotExists: p.ifNotExists()}
	s.Name = p.qname()
	if t := p.tok(); t.isPunct('(') || t.isPunct(';') || t.kind == kindEOF {
		p.unsupported(p.loc(), "a base type",
			"Use CREATE TYPE ... AS STRUCT<...>, AS ENUM (...) or AS (...).")
	}
	p.expect(kwAs)
	switch {
	case p.wordAt(0, "enum") && p.peek(1).isPunct('('):
		p.i += 2
		s.Kind = sql.EnumType
		if p.acceptC(')') {
			break
		}
		for {
			s.Labels = append(s.Labels, p.str())
			if !p.acceptC(',') {
				break
			}
		}
		p.expectC(')')
	case p.isC('('):
		s.Kind = sql.CompositeType
		if p.peek(1).isPunct(')') {
			p.i += 2
			break
		}
		s.Fields = p.columnDefs()
	case p.wordAt(0, "range") && p.peek(1).isPunct('('):
		p.unsupported(p.loc(), "a range type", "Use two columns.")
	default:
		s.Alias = p.typeName()
	}
	return s
}

func (p *parser) createDomain() sql.Statement {
	s := &sql.CreateDomain{Name: p.qname()}
	p.accept(kwAs)
	s.Type = p.typeName()
	for {
		name := ""
		at := p.loc()
		if p.accept(kwConstraint) {
			name = p.name()
		}
		switch p.oneOf("not null", "null", "default", "check", "collate") {
		case 0:
			s.NotNull = true
		case 1:
			s.NotNull = false
		case 2:
			s.Default = p.restrictedExpr()
		case 3:
			k := &sql.Constraint{Loc: at, Name: name, Kind: sql.CheckConstraint}
			p.expectC('(')
			k.Check = p.expr()
			p.expectC(')')
			s.Checks = append(s.Checks, k)
		case 4:
			s.Collate = p.dotted(sql.Name{p.label()})
		default:
			if name != "" {
				p.unexpected()
			}
			return s
		}
	}
}

func (p *parser) createSequence(w createWords) sql.Statement {
	s := &sql.CreateSequence{Temp: w.temp, IfNotExists: p.ifNotExists()}
	s.Name = p.qname()
	s.Options = p.sequenceOptions()
	return s
}

// sequenceOptions reads the options of a sequence in any order.
func (p *parser) sequenceOptions() (o sql.SequenceOptions) {
	for p.sequenceOption(&o) {
	}
	return o
}

// sequenceOption reads one of them; false: none follows.
func (p *parser) sequenceOption(o *sql.SequenceOptions) bool {
	switch p.oneOf("as", "start with", "start", "increment by", "increment", "minvalue",
		"maxvalue", "no minvalue", "no maxvalue", "cache", "cycle", "no cycle",
		"owned by", "restart with", "restart", "sequence name") {
	case 0:
		o.Type = p.typeName()
	case 1, 2:
		o.Start = p.signedNumber()
	case 3, 4:
		o.Increment = p.signedNumber()
	case 5:
		o.Min = p.signedNumber()
	case 6:
		o.Max = p.signedNumber()
	case 7:
		o.NoMin = true
	case 8:
		o.NoMax = true
	case 9:
		o.Cache = p.signedNumber()
	case 10:
		o.Cycle = true
	case 11:
		o.NoCycle = true
	case 12:
		o.OwnedBy = p.qname()
	case 13:
		o.Restart = p.signedNumber()
	case 14:
		if t := p.tok(); t.kind == kindNum || p.isOp("-") {
			o.Restart = p.signedNumber()
		} else {
			o.RestartWithDefault = true
		}
	case 15:
		o.Name = p.qname()
	default:
		return false
	}
	return true
}

// signedNumber reads a number with a sign as a constant.
func (p *parser) signedNumber() sql.Expr {
	if p.isOp("+") {
		p.i++
		if p.tok().kind != kindNum {
			p.unexpected()
		}
	}
	return p.numberConst()
}

// numberConst reads a number, perhaps with a minus sign, and nothing after it.
func (p *parser) numberConst() sql.Expr {
	c := &sql.Const{Loc: p.loc(), Kind: sql.NumConst}
	if p.acceptOp("-") {
		c.Val = "-"
	}
	t := p.tok()
	if t.kind != kindNum {
		p.unexpected()
	}
	c.Val += p.text(t)
	p.i++
	return c
}

func (p *parser) createFunction(kind sql.ObjectKind, w createWords) sql.Statement {
	s := &sql.CreateFunction{Replace: w.replace, Procedure: kind == sql.ObjProcedure}
	s.Name = p.qname()
	s.Args = p.functionArgs()
	if p.words("returns") {
		if p.words("table") {
			s.ReturnsTable = p.columnDefs()
		} else {
			s.Returns = p.typeName()
		}
	}
	for p.functionOption(s) {
	}
	if !s.HasBody && s.Return == nil {
		p.missing("no function body specified")
	}
	return s
}

func (p *parser) functionArgs() (args []sql.FuncArg) {
	p.expectC('(')
	if p.acceptC(')') {
		return nil
	}
	for {
		args = append(args, p.functionArg())
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return args
}

func (p *parser) functionArg() (a sql.FuncArg) {
	modes := []string{"in out", "inout", "in", "out", "variadic"}
	if i := p.oneOf(modes...); i >= 0 {
		a.Mode = strings.ToUpper(strings.ReplaceAll(modes[i], " ", ""))
	}
	// A name is there if a type follows it: "a int", but "double precision" is a type.
	if t := p.peek(1); p.tok().isName() && (t.kind == kindIdent || t.kind == kindQIdent) &&
		!p.typeOfTwoWords() && t.kw != kwDefault {
		a.Name = p.name()
	}
	a.Type = p.typeName()
	if p.accept(kwDefault) || p.acceptOp("=") {
		a.Default = p.expr()
	}
	return a
}

// typeOfTwoWords reports whether the two words at the cursor are one type.
func (p *parser) typeOfTwoWords() bool {
	t, n := p.tok(), p.peek(1)
	switch t.kw {
	case kwDouble:
		return n.kw == kwPrecision
	case kwChar, kwCharacter, kwNchar, kwNational:
		return n.kw == kwVarying || n.kw == kwChar || n.kw == kwCharacter
	case kwTime, kwTimestamp:
		return n.kw == kwWith || n.kw == kwWithout
	case kwInterval:
		return intervalUnits[n.kw]
	}
	if equalFold(p.text(t), "setof") || equalFold(p.text(t), "bit") && n.kw == kwVarying {
		return true
	}
	return n.kw == kwArray
}

// functionOption reads one property of a function; false: none follows.
func (p *parser) functionOption(s *sql.CreateFunction) bool {
	switch p.oneOf("language", "immutable", "stable", "volatile", "strict",
		"returns null on null input", "called on null input", "as", "return", "leakproof",
		"not leakproof", "security definer", "security invoker", "parallel", "cost", "rows",
		"window", "external security definer", "external security invoker", "support",
		"begin atomic", "set", "transform") {
	case 0:
		if p.tok().kind == kindStr {
			s.Language = foldName(p.stringName())
		} else {
			s.Language = p.name()
		}
	case 1:
		s.Volatility = sql.Immutable
	case 2:
		s.Volatility = sql.Stable
	case 3:
		s.Volatility = sql.Volatile
	case 4, 5:
		s.Strict = true
	case 6:
		s.Strict = false
	case 7:
		s.Body, s.HasBody = p.str(), true
		if p.isC(',') {
			p.unsupported(p.loc(), "a function in C", "Functions are written in SQL.")
		}
	case 8:
		s.Return = p.expr()
	case 9, 10, 11, 12:
	case 13:
		p.label()
	case 14, 15:
		p.integer()
	case 17, 18:
	case 19:
		p.qname()
	case 20:
		s.Body, s.HasBody = p.atomicBody(), true
	case 21:
		p.unsupported(p.locOf(&p.toks[p.i-1]), "a setting of a function",
			"Set it for the session or for a role: ALTER ROLE ... SET.")
	case 22:
		p.unsupported(p.locOf(&p.toks[p.i-1]), "TRANSFORM", "Functions are written in SQL.")
	case 16:
		p.unsupported(p.locOf(&p.toks[p.i-1]), "a window function in SQL",
			"Use the built-in window functions.")
	default:
		return false
	}
	return true
}

// atomicBody reads the statements between BEGIN ATOMIC and END and gives their text.
func (p *parser) atomicBody() string {
	start := int(p.tok().start)
	for !p.accept(kwEnd) {
		if p.acceptC(';') {
			continue
		}
		p.statement()
		if !p.is(kwEnd) && !p.isC(';') {
			p.unexpected()
		}
	}
	return strings.TrimSpace(p.src[start:p.toks[p.i-1].start])
}

func (p *parser) createRole(user bool) sql.Statement {
	s := &sql.CreateRole{User: user, IfNotExists: p.ifNotExists()}
	s.Name = p.roleName()
	p.accept(kwWith)
	s.Options = p.looseOptions()
	return s
}

// looseOptions reads options without brackets: LOGIN PASSWORD 'x' CONNECTION LIMIT = 5 IN ROLE a.
func (p *parser) looseOptions() (list []sql.Option) {
	for p.tok().kind == kindIdent {
		if k := p.tok().kw; reserved[k] && k != kwIn && k != kwUser {
			p.unexpected()
		}
		o := sql.Option{Loc: p.loc()}
		o.Name = p.label()
		switch {
		case o.Name == "connection" && p.accept(kwLimit):
			o.Name = "connection_limit"
		case o.Name == "valid" && p.words("until"):
			o.Name = "valid_until"
		case o.Name == "encrypted" && p.words("password"):
			o.Name = "password"
		case o.Name == "in" && p.oneOf("role", "group") >= 0:
			o.Name = "in_role"
		case o.Name == "in":
			p.unexpected()
		}
		o.Value = p.looseValue(o.Name, p.acceptOp("="))
		list = append(list, o)
	}
	return list
}

// looseValue reads the value of an option without brackets; nil: it has none. given says
// that there must be one.
func (p *parser) looseValue(name string, given bool) sql.Expr {
	t := p.tok()
	at := p.loc()
	ofRoles := name == "in_role" || name == "role" || name == "admin" || name == "user"
	switch {
	case ofRoles && (t.kind == kindStr || t.kind == kindNum || p.isOp("-")):
		p.unexpected() // roles are names
	case t.kind == kindStr:
		return &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.str()}
	case t.kind == kindNum || p.isOp("-"):
		return p.numberConst()
	case t.kw == kwNull:
		p.i++
		return &sql.Const{Loc: at, Kind: sql.NullConst}
	}
	switch name {
	case "in_role", "role", "admin", "user", "owner", "template", "encoding", "locale",
		"lc_collate", "lc_ctype", "tablespace", "allow_connections", "is_template":
	default:
		if !given {
			return nil
		}
	}
	var names []sql.Expr
	for {
		at := p.loc()
		names = append(names, &sql.Const{Loc: at, Kind: sql.StrConst, Val: p.label()})
		if !p.acceptC(',') {
			break
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return &sql.Row{Loc: at, Elems: names}
}

func (p *parser) createExtension() sql.Statement {
	s := &sql.CreateExtension{IfNotExists: p.ifNotExists()}
	s.Name = p.name()
	p.accept(kwWith)
	for {
		switch p.oneOf("schema", "version", "cascade") {
		case 0:
			s.Schema = p.name()
		case 1:
			if p.tok().kind == kindStr {
				p.str()
			} else {
				p.label()
			}
		case 2:
			s.Cascade = true
		default:
			return s
		}
	}
}
