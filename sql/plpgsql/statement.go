package plpgsql

import (
	"slices"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// statements reads statements up to one of the words, which stays.
func (p *parser) statements(stops ...string) []Stmt {
	var list []Stmt
	for {
		if t := p.tok(); t.Kind == parse.TokenWord && slices.Contains(stops, t.Text) {
			return list
		}
		if p.accept("null") {
			p.expectC(";")
			continue
		}
		list = append(list, p.statement())
	}
}

// statement reads one statement and its semicolon.
func (p *parser) statement() Stmt {
	if p.isC("<<") {
		label := p.label()
		if p.is("declare") || p.is("begin") {
			return p.end(p.block(label))
		}
		if s := p.loop(label); s != nil {
			return p.end(s)
		}
		p.unexpected()
	}
	t := p.tok()
	if nameLike(t) {
		if s := p.assignment(); s != nil {
			return p.end(s)
		}
	}
	if t.Kind == parse.TokenWord {
		if s := p.control(t.Text); s != nil {
			return p.end(s)
		}
	}
	return p.end(p.sqlStatement())
}

func (p *parser) end(s Stmt) Stmt {
	p.expectC(";")
	return s
}

// control reads the statements of the language itself; nil for SQL's.
func (p *parser) control(word string) Stmt {
	if s := p.loop(""); s != nil {
		return s
	}
	here := p.here()
	switch word {
	case "declare", "begin":
		return p.block("")
	case "if":
		return p.ifStatement()
	case "case":
		return p.caseStatement()
	case "exit", "continue":
		return p.exit()
	case "return":
		return p.returnStatement()
	case "raise":
		return p.raise()
	case "assert":
		return p.assert()
	case "perform":
		p.i++
		return &Perform{here, p.expression(";")}
	case "execute":
		return p.execute()
	case "get":
		return p.diagnostics()
	case "open":
		return p.open()
	case "fetch", "move":
		return p.fetch()
	case "close":
		p.i++
		return &Close{here, p.cursorVariable()}
	case "commit", "rollback":
		return p.commit()
	}
	return nil
}

// assignment reads variable[.field][[index]] := expression; nil for what is none.
func (p *parser) assignment() Stmt {
	first, here, begin := p.tok(), p.here(), p.i
	v, path := p.variable()
	if v == nil {
		if n := p.peek(1); isSign(n, ":=") || isSign(n, "=") {
			p.syntax(first.Start, "\"%s\" is not a known variable", first.Text)
		}
		return nil
	}
	t := Target{Var: v, Path: fields(path)}
	if !p.isC(":=") && !p.isC("=") && !p.isC("[") && !p.isC(".") {
		p.i = begin // a statement's word that is a variable's name too
		return nil
	}
	for {
		switch {
		case p.acceptC("."):
			t.Path = append(t.Path, Step{Field: p.anyName()})
			continue
		case p.acceptC("["):
			t.Path = append(t.Path, Step{Index: p.expression("]", ":")})
			if p.isC(":") {
				panic(refusal{sqlerr.Unsupported("assignment to a slice of an array",
					"Assign the elements one by one.").At(p.tok().Start)})
			}
			p.expectC("]")
			continue
		}
		break
	}
	if !p.acceptC(":=") {
		p.expectC("=")
	}
	p.mayAssign(v, first.Start)
	value := p.expression(";")
	value.Assigned, value.Shown = true, p.src[first.Start:value.At+len(value.Text)]
	return &Assign{here, t, value}
}

func (p *parser) ifStatement() Stmt {
	defer p.deeper()()
	s := &If{at: p.here()}
	for {
		line := p.here().line
		p.i++ // IF, ELSIF
		b := Branch{Line: line, Cond: p.expression("then")}
		p.expect("then")
		b.Body = p.statements("elsif", "elseif", "else", "end")
		s.Branches = append(s.Branches, b)
		if p.is("elsif") || p.is("elseif") {
			continue
		}
		if p.accept("else") {
			s.Else = p.statements("end")
		}
		p.expect("end", "if")
		return s
	}
}

func (p *parser) caseStatement() Stmt {
	defer p.deeper()()
	outer := p.names
	defer func() { p.names = outer }()
	s := &Case{at: p.here()}
	p.i++
	if !p.is("when") {
		s.Subject = p.expression("when")
		s.Var = p.declare("__Case__Variable__", p.tok().Start, Type{Kind: Implicit})
	}
	for p.is("when") {
		b := Branch{Line: p.here().line}
		p.i++
		if s.Subject == nil {
			b.Cond = p.expression("then")
		} else {
			from, to := p.span("expression", "then")
			b.Cond = p.caseCondition(from, to)
		}
		p.expect("then")
		b.Body = p.statements("when", "else", "end")
		s.Branches = append(s.Branches, b)
	}
	if len(s.Branches) == 0 {
		p.unexpected()
	}
	if s.HasElse = p.accept("else"); s.HasElse {
		s.Else = p.statements("end")
	}
	p.expect("end", "case")
	return s
}

// caseCondition compares the subject of CASE with a list of values.
func (p *parser) caseCondition(from, to int) *Fragment {
	const before = selectWord + `"__Case__Variable__" IN (`
	f := &Fragment{Text: before + p.src[from:to] + ")", At: from - len(before),
		Shown: p.src[from:to]}
	p.parseSQL(f)
	return f
}

func (p *parser) exit() Stmt {
	s := &Exit{at: p.here(), Continue: p.is("continue")}
	word := p.next()
	if t := p.tok(); !p.is("when") && !p.isC(";") {
		s.Label = p.anyName()
		switch l := p.names.label(s.Label); {
		case l == nil:
			p.syntax(t.Start,
				"there is no label \"%s\" attached to any block or loop enclosing this statement",
				s.Label)
		case s.Continue && !l.loop:
			p.syntax(t.Start, "block label \"%s\" cannot be used in CONTINUE", s.Label)
		}
	} else if !p.names.inLoop() {
		if s.Continue {
			p.syntax(word.Start, "CONTINUE cannot be used outside a loop")
		}
		p.syntax(word.Start, "EXIT cannot be used outside a loop, unless it has a label")
	}
	if p.accept("when") {
		s.When = p.expression(";")
	}
	return s
}

func (p *parser) returnStatement() Stmt {
	s := &Return{p.here()}
	p.i++
	switch t := p.tok(); {
	case p.isC(";"):
	case p.is("next"):
		p.fail(t.Start, sqlerr.DatatypeMismatch,
			"cannot use RETURN NEXT in a non-SETOF function")
	case p.is("query"):
		p.fail(t.Start, sqlerr.DatatypeMismatch,
			"cannot use RETURN QUERY in a non-SETOF function")
	default:
		p.fail(t.Start, sqlerr.DatatypeMismatch,
			"RETURN cannot have a parameter in function returning void")
	}
	return s
}

func (p *parser) assert() Stmt {
	s := &Assert{at: p.here()}
	p.i++
	s.Cond = p.expression(";", ",")
	if p.acceptC(",") {
		s.Message = p.expression(";")
	}
	return s
}

// execute reads EXECUTE text [INTO ...] [USING ...], in either order.
func (p *parser) execute() Stmt {
	s := &Execute{at: p.here()}
	p.i++
	s.Text = p.expression(";", "into", "using")
	for {
		switch t := p.tok(); {
		case p.accept("into"):
			if s.Into != nil {
				p.near(t, "syntax error")
			}
			s.Into = p.into()
		case p.accept("using"):
			if s.Using != nil {
				p.near(t, "syntax error")
			}
			s.Using = p.using(";", "into")
		default:
			return s
		}
	}
}

func (p *parser) commit() Stmt {
	s := &Commit{at: p.here(), Rollback: p.is("rollback")}
	p.i++
	if p.is("to") || p.is("prepared") || (p.is("work") || p.is("transaction")) &&
		isWord(p.peek(1), "to") {
		p.unexpected()
	}
	if p.accept("and") {
		s.Chain = !p.accept("no")
		p.expect("chain")
	}
	return s
}

// sqlStatement reads an SQL statement, and takes INTO out of it.
func (p *parser) sqlStatement() Stmt {
	s := &SQL{at: p.here()}
	from, to, into, intoEnd := p.tok().Start, 0, 0, 0
	prev := &parse.Token{}
	if t := p.tok(); t.Kind != parse.TokenWord && !p.isC("(") {
		p.unexpected()
	}
	for depth := 0; ; {
		t := p.tok()
		switch {
		case t.Kind == parse.TokenEnd || depth == 0 && isSign(t, ";"):
			if to == 0 || t.Kind == parse.TokenEnd {
				p.unexpected()
			}
			s.Query = p.statementText(from, to, into, intoEnd)
			p.refuse(s)
			return s
		case isSign(t, "("):
			depth++
		case isSign(t, ")"):
			depth--
		case isWord(t, "into") && !isWord(prev, "insert") && !isWord(prev, "merge"):
			if s.Into != nil {
				p.near(t, "INTO specified more than once")
			}
			into = t.Start
			p.i++
			s.Into = p.into()
			intoEnd = p.toks[p.i-1].End
			prev, to = &p.toks[p.i-1], intoEnd
			continue
		}
		prev, to = t, t.End
		p.i++
	}
}

// refuse refuses the statements that a block cannot have.
func (p *parser) refuse(s *SQL) {
	switch s.Query.Stmt.(type) {
	case *sql.SelectStmt, *sql.Insert, *sql.Update, *sql.Delete, *sql.Merge, *sql.ShowVar,
		*sql.ShowObjects, *sql.Describe, *sql.ShowCreate, *sql.Explain, *sql.Execute:
		return
	}
	if s.Into != nil {
		p.syntax(s.Query.At, "INTO used with a command that cannot return data")
	}
}
