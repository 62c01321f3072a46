package plpgsql

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// span finds the end of SQL that begins here: the first token outside of brackets that is one
// of stops, which is not consumed. what is for the message where it is missing.
func (p *parser) span(what string, stops ...string) (from, to int) {
	from = p.tok().Start
	to = from
	depth, begun := 0, p.i
	for ; ; p.i++ {
		t := p.tok()
		switch {
		case t.Kind == parse.TokenEnd || isSign(t, ";") && (depth > 0 || !isStop(t, stops)):
			if depth > 0 {
				p.near(t, "mismatched parentheses")
			}
			p.syntax(t.Start, "missing \"%s\" at end of SQL %s", strings.ToUpper(stops[0]), what)
		case depth == 0 && isStop(t, stops):
			if p.i == begun {
				p.near(t, "missing "+what)
			}
			return from, to
		case isSign(t, "(") || isSign(t, "["):
			depth++
		case isSign(t, ")") || isSign(t, "]"):
			if depth--; depth < 0 {
				p.near(t, "mismatched parentheses")
			}
		}
		to = t.End
	}
}

func isStop(t *parse.Token, stops []string) bool {
	for _, s := range stops {
		if t.Text == s && (t.Kind == parse.TokenWord || t.Kind == parse.TokenOther) {
			return true
		}
	}
	return false
}

// expression reads an expression up to one of stops: what could stand after SELECT.
func (p *parser) expression(stops ...string) *Fragment {
	from, to := p.span("expression", stops...)
	return p.selecting(from, to)
}

const selectWord = "SELECT "

// selecting makes a fragment of the expression in [from, to).
func (p *parser) selecting(from, to int) *Fragment {
	f := &Fragment{Text: selectWord + p.src[from:to], At: from - len(selectWord),
		Shown: p.src[from:to]}
	p.parseSQL(f)
	if _, ok := f.Stmt.(*sql.SelectStmt); !ok {
		p.syntax(from, "syntax error at or near \"%s\"", p.src[from:to])
	}
	return f
}

// statementText makes a fragment of the statement in [from, to), of which [blank, blankEnd)
// is not SQL's.
func (p *parser) statementText(from, to, blank, blankEnd int) *Fragment {
	text := p.src[from:to]
	if blank < blankEnd {
		text = p.src[from:blank] + strings.Repeat(" ", blankEnd-blank) + p.src[blankEnd:to]
	}
	f := &Fragment{Text: text, At: from, Shown: text}
	p.parseSQL(f)
	return f
}

// parseSQL reads a fragment's text. A type name or a lambda in it is SQL's affair.
func (p *parser) parseSQL(f *Fragment) {
	stmt, err := parse.ParseOne(f.Text)
	if err != nil {
		panic(refusal{inBytes(err, f.Text, f.At)})
	}
	f.Stmt, f.Names = stmt, p.names
	refuseInto(f)
}

// refuseInto refuses an INTO of SQL's own that was left in a query.
func refuseInto(f *Fragment) {
	if s, ok := f.Stmt.(*sql.CreateAs); ok && !strings.EqualFold(firstWord(f.Text), "create") {
		panic(refusal{sqlerr.New(sqlerr.SyntaxError, "INTO used with a command that cannot "+
			"return data").At(f.At + int(s.Pos()))})
	}
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return w
}

// target reads a variable or a field of one: what INTO, FOR and GET DIAGNOSTICS take.
func (p *parser) target() Target {
	first := p.tok()
	v, used := p.variable()
	if v == nil {
		p.syntax(first.Start, "\"%s\" is not a known variable", first.Text)
	}
	t := Target{Var: v, Path: fields(used)}
	p.mayAssign(v, first.Start)
	return t
}

func fields(names []string) []Step {
	var path []Step
	for _, n := range names {
		path = append(path, Step{Field: n})
	}
	return path
}

func (p *parser) mayAssign(v *Var, at int) {
	if v.Constant {
		p.fail(at, sqlerr.ErrorInAssignment, "variable \"%s\" is declared CONSTANT", v.Name)
	}
}

// variable reads the name of a variable, and the fields after it; nil where the name means
// none, which then is still to be read.
func (p *parser) variable() (v *Var, path []string) {
	if !nameLike(p.tok()) {
		p.unexpected()
	}
	parts, n := []string{p.tok().Text}, 1
	for isSign(p.peek(n), ".") && len(parts) < 3 {
		t := p.peek(n + 1)
		if t.Kind != parse.TokenWord && t.Kind != parse.TokenName {
			break
		}
		parts, n = append(parts, t.Text), n+2
	}
	v, used := p.names.Lookup(parts)
	if v == nil {
		return nil, nil
	}
	if path = parts[used:]; len(path) > 0 && !v.composite() {
		n, path = 2*used-1, nil
	}
	p.i += n
	return v, path
}

// into reads [STRICT] target [, ...], after INTO.
func (p *parser) into() *Into {
	x := &Into{Strict: p.accept("strict")}
	x.Targets = p.targets()
	return x
}

func (p *parser) targets() []Target {
	list := []Target{p.target()}
	for p.acceptC(",") {
		list = append(list, p.target())
	}
	if len(list) > 1 {
		for _, t := range list {
			if k := t.Var.Type.Kind; len(t.Path) == 0 && (k == Record || k == RowOf) {
				p.syntax(p.tok().Start, "\"%s\" is not a scalar variable", t.Var.Name)
			}
		}
	}
	return list
}

// using reads expression [, ...] up to one of stops.
func (p *parser) using(stops ...string) []*Fragment {
	var list []*Fragment
	for {
		list = append(list, p.expression(append(stops, ",")...))
		if !p.acceptC(",") {
			return list
		}
	}
}
