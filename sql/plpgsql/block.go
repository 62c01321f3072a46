package plpgsql

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// ownName is the label of the outermost level, and the name of the function in contexts.
const ownName = "inline_code_block"

func (p *parser) program() {
	p.names = &Names{name: ownName}
	p.prog.Found = p.declare("found", 0, plainType("bool"))
	p.options()
	label := p.label()
	if !p.is("declare") && !p.is("begin") {
		p.unexpected()
	}
	p.prog.Body = p.block(label)
	p.acceptC(";")
	if !p.atEnd() {
		p.unexpected()
	}
}

// options reads the lines that begin with #.
func (p *parser) options() {
	for p.acceptC("#") {
		switch {
		case p.accept("variable_conflict"):
			switch {
			case p.accept("use_variable"):
				p.prog.VariablesFirst = true
			case p.accept("use_column"):
				p.prog.ColumnsFirst = true
			default:
				p.expect("error")
			}
		case p.accept("option"):
			p.expect("dump")
		case p.accept("print_strict_params"):
			if !p.accept("on") {
				p.expect("off")
			}
		default:
			p.unexpected()
		}
	}
}

func plainType(name string) Type { return Type{SQL: &sql.TypeName{Name: sql.Name{name}}, At: -1} }

// declare adds a variable to the innermost level.
func (p *parser) declare(name string, at int, t Type) *Var {
	v := &Var{Num: len(p.prog.Vars), Name: name, At: at, Line: p.line(at), Type: t}
	p.prog.Vars = append(p.prog.Vars, v)
	p.names = &Names{up: p.names, name: name, v: v}
	return v
}

// label reads <<name>>.
func (p *parser) label() string {
	if !p.acceptC("<<") {
		return ""
	}
	n := p.anyName()
	p.expectC(">>")
	return n
}

// endLabel reads the label after END, which must be the block's own.
func (p *parser) endLabel(label, what string) {
	if t := p.tok(); t.Kind == parse.TokenWord || t.Kind == parse.TokenName {
		p.i++
		switch {
		case label == "":
			p.syntax(t.Start, "end label \"%s\" specified for unlabeled %s", t.Text, what)
		case label != t.Text:
			p.syntax(t.Start, "end label \"%s\" differs from %s's label \"%s\"", t.Text, what, label)
		}
	}
}

// block reads [DECLARE ...] BEGIN ... END [label]; the label before it has been read.
func (p *parser) block(label string) *Block {
	defer p.deeper()()
	outer := p.names
	defer func() { p.names = outer }()
	p.names = &Names{up: outer, name: label, block: true}
	b := &Block{Label: label}
	if p.accept("declare") {
		for !p.is("begin") {
			if p.acceptC("<<") {
				p.syntax(p.tok().Start, "block label must be placed before DECLARE, not after")
			}
			if !p.accept("declare") {
				b.Decls = append(b.Decls, p.declaration())
			}
		}
	}
	b.at = p.here()
	p.expect("begin")
	b.Body = p.statements("end", "exception")
	if p.accept("exception") {
		b.State = p.declare("sqlstate", p.tok().Start, plainType("text"))
		b.Message = p.declare("sqlerrm", p.tok().Start, plainType("text"))
		for first := true; first || p.is("when"); first = false {
			b.Handlers = append(b.Handlers, p.handler())
		}
	}
	p.expect("end")
	p.endLabel(label, "block")
	return b
}

func (p *parser) handler() *Handler {
	p.expect("when")
	h := &Handler{}
	for {
		t := p.tok()
		switch {
		case p.is("sqlstate") && p.peek(1).Kind == parse.TokenString:
			p.i++
			h.Codes = append(h.Codes, p.sqlState())
		case p.accept("others"):
			h.Others = true
		default:
			codes := ConditionCodes(p.anyName())
			if codes == nil {
				p.fail(t.Start, sqlerr.UndefinedObject,
					"unrecognized exception condition \"%s\"", t.Text)
			}
			h.Codes = append(h.Codes, codes...)
		}
		if !p.accept("or") {
			break
		}
	}
	p.expect("then")
	h.Body = p.statements("end", "when")
	return h
}

// sqlState reads 'xxxxx'.
func (p *parser) sqlState() sqlerr.Code {
	v := p.stringValue()
	ok := len(v) == 5
	for _, c := range []byte(v) {
		ok = ok && (c >= '0' && c <= '9' || c >= 'A' && c <= 'Z')
	}
	if !ok {
		p.near(&p.toks[p.i-1], "invalid SQLSTATE code")
	}
	return sqlerr.Code(v)
}

// declaration reads one item of DECLARE.
func (p *parser) declaration() *Var {
	t := p.tok()
	name := p.name()
	if p.names.declared(name) {
		p.near(t, "duplicate declaration")
	}
	if p.is("alias") && isWord(p.peek(1), "for") {
		return p.alias(name)
	}
	if v := p.boundCursor(name, t.Start); v != nil {
		return v
	}
	constant := p.accept("constant")
	typ := p.typeName()
	if p.accept("collate") {
		p.anyName()
		for p.acceptC(".") {
			p.anyName()
		}
	}
	notNull := p.is("not")
	if notNull {
		p.i++
		p.expect("null")
	}
	var value *Fragment
	if p.acceptC(":=") || p.acceptC("=") || p.accept("default") {
		value = p.expression(";")
	}
	p.expectC(";")
	if notNull && value == nil {
		p.fail(t.Start, sqlerr.NullValueNotAllowed,
			"variable \"%s\" must have a default value, since it's declared NOT NULL", name)
	}
	v := p.declare(name, t.Start, typ)
	v.Constant, v.NotNull, v.Default = constant, notNull, value
	return v
}

// alias reads ALIAS FOR variable; another name for it.
func (p *parser) alias(name string) *Var {
	p.i += 2
	at := p.tok()
	v, path := p.variable()
	if v == nil || len(path) > 0 {
		p.fail(at.Start, sqlerr.UndefinedObject, "variable \"%s\" does not exist", at.Text)
	}
	p.expectC(";")
	p.names = &Names{up: p.names, name: name, v: v}
	return nil
}

// boundCursor reads [NO] [SCROLL] CURSOR [(arguments)] FOR query; nil for what is none.
func (p *parser) boundCursor(name string, at int) *Var {
	c := &Cursor{}
	switch {
	case p.is("no") && isWord(p.peek(1), "scroll") && isWord(p.peek(2), "cursor"):
		c.NoScroll = true
		p.i += 3
	case p.is("scroll") && isWord(p.peek(1), "cursor"):
		c.Scroll = true
		p.i += 2
	case p.is("cursor") && (isWord(p.peek(1), "for") || isWord(p.peek(1), "is") ||
		isSign(p.peek(1), "(")):
		p.i++
	default:
		return nil
	}
	outer := p.names
	p.names = &Names{up: outer}
	if p.acceptC("(") {
		for more := true; more; more = p.acceptC(",") {
			n := p.tok()
			c.Args = append(c.Args, p.declare(p.name(), n.Start, p.typeName()))
		}
		p.expectC(")")
	}
	if !p.accept("is") {
		p.expect("for")
	}
	c.Query = p.query(";")
	p.expectC(";")
	p.names = outer
	v := p.declare(name, at, Type{Kind: RefCursor, At: at})
	v.Cursor = c
	return v
}

// typeName reads the type of a variable.
func (p *parser) typeName() Type {
	from := p.tok().Start
	if p.is("record") || p.is("refcursor") {
		kind := Record
		if p.next().Text == "refcursor" {
			kind = RefCursor
		}
		return Type{Kind: kind, At: from}
	}
	begin := p.i
	for depth := 0; ; p.i++ {
		t := p.tok()
		if isSign(t, "(") || isSign(t, "[") || isSign(t, "<") {
			depth++
		}
		if t.Kind == parse.TokenEnd || isSign(t, ";") || depth <= 0 && endsType(t) {
			break
		}
		if isSign(t, ")") || isSign(t, "]") || isSign(t, ">") {
			depth--
		}
	}
	if p.i == begin {
		p.near(p.tok(), "missing data type declaration")
	}
	end := p.toks[p.i-1].End
	if t, ok := p.copied(begin); ok {
		return t
	}
	typ, err := parse.ParseType(p.src[from:end])
	if err != nil {
		panic(refusal{inBytes(err, p.src[from:end], from)})
	}
	return Type{SQL: typ, At: from}
}

func endsType(t *parse.Token) bool {
	for _, w := range []string{"not", "default", "collate"} {
		if isWord(t, w) {
			return true
		}
	}
	return isSign(t, ":=") || isSign(t, "=") || isSign(t, ",") || isSign(t, ")")
}

// copied understands name%TYPE and name%ROWTYPE, which the tokens from begin may be.
func (p *parser) copied(begin int) (Type, bool) {
	end := p.i
	if end-begin < 3 || !isSign(&p.toks[end-2], "%") {
		return Type{}, false
	}
	t := Type{At: p.toks[begin].Start}
	for i := begin; i < end-2; i += 2 {
		if k := p.toks[i].Kind; k != parse.TokenWord && k != parse.TokenName ||
			i > begin && !isSign(&p.toks[i-1], ".") {
			return Type{}, false
		}
		t.Name = append(t.Name, p.toks[i].Text)
	}
	switch last := &p.toks[end-1]; {
	case isWord(last, "rowtype"):
		t.Kind = RowOf
		return t, true
	case !isWord(last, "type"):
		return Type{}, false
	}
	t.Kind = LikeField
	if v, used := p.names.Lookup(t.Name); v != nil && used == len(t.Name) {
		t.Kind, t.Var = LikeVar, v
	} else if len(t.Name) < 2 {
		p.syntax(t.At, "variable \"%s\" does not exist", t.Name[0])
	}
	return t, true
}
