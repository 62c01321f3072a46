package plpgsql

import (
	"strings"

	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// raise reads RAISE [level] [what] [USING ...].
func (p *parser) raise() Stmt {
	s := &Raise{at: p.here(), Level: "EXCEPTION"}
	p.i++
	if p.isC(";") {
		s.Level = ""
		return s
	}
	for _, l := range []string{"exception", "warning", "notice", "info", "log", "debug"} {
		if p.accept(l) {
			s.Level = strings.ToUpper(l)
			break
		}
	}
	t := p.tok()
	switch {
	case p.isC(";"):
		p.unexpected()
	case t.Kind == parse.TokenString:
		s.Format, s.HasFormat = p.stringValue(), true
		for p.acceptC(",") {
			s.Args = append(s.Args, p.expression(",", ";", "using"))
		}
		p.placeholders(s, t)
	case p.is("using"):
	case p.accept("sqlstate"):
		s.Code = p.sqlState()
		s.Condition = string(s.Code)
	default:
		s.Condition = p.anyName()
		codes := ConditionCodes(s.Condition)
		if codes == nil {
			p.fail(t.Start, sqlerr.UndefinedObject,
				"unrecognized exception condition \"%s\"", s.Condition)
		}
		s.Code = codes[0]
	}
	if p.accept("using") {
		p.raiseOptions(s)
	}
	return s
}

// placeholders compares the % of a format with its arguments.
func (p *parser) placeholders(s *Raise, t *parse.Token) {
	n := strings.Count(strings.ReplaceAll(s.Format, "%%", ""), "%")
	switch {
	case n > len(s.Args):
		p.syntax(t.Start, "too few parameters specified for RAISE")
	case n < len(s.Args):
		p.syntax(t.Start, "too many parameters specified for RAISE")
	}
}

func (p *parser) raiseOptions(s *Raise) {
	for more := true; more; more = p.acceptC(",") {
		t := p.tok()
		o := RaiseOption{Name: strings.ToUpper(p.anyName())}
		switch o.Name {
		case "ERRCODE", "MESSAGE", "DETAIL", "HINT", "COLUMN", "CONSTRAINT", "DATATYPE",
			"TABLE", "SCHEMA":
		default:
			p.near(t, "unrecognized RAISE statement option")
		}
		if !p.acceptC(":=") {
			p.expectC("=")
		}
		o.Value = p.expression(",", ";")
		s.Options = append(s.Options, o)
	}
}

// currentItems and stackedItems are what GET DIAGNOSTICS knows.
var (
	currentItems = []string{"row_count", "pg_context"}
	stackedItems = []string{"returned_sqlstate", "message_text", "pg_exception_detail",
		"pg_exception_hint", "pg_exception_context", "column_name", "constraint_name",
		"pg_datatype_name", "table_name", "schema_name"}
)

func (p *parser) diagnostics() Stmt {
	s := &Diagnostics{at: p.here()}
	p.i++
	if !p.accept("current") {
		s.Stacked = p.accept("stacked")
	}
	p.expect("diagnostics")
	for more := true; more; more = p.acceptC(",") {
		x := DiagnosticItem{Target: p.target()}
		if !p.acceptC(":=") {
			p.expectC("=")
		}
		t := p.tok()
		x.Name = p.anyName()
		known := false
		for _, n := range currentItems {
			if n == x.Name && s.Stacked {
				p.syntax(t.Start, "diagnostics item %s is not allowed in GET STACKED DIAGNOSTICS",
					strings.ToUpper(n))
			}
			known = known || n == x.Name
		}
		for _, n := range stackedItems {
			if n == x.Name && !s.Stacked {
				p.syntax(t.Start, "diagnostics item %s is not allowed in GET CURRENT DIAGNOSTICS",
					strings.ToUpper(n))
			}
			known = known || n == x.Name
		}
		if !known {
			p.near(t, "unrecognized GET DIAGNOSTICS item")
		}
		s.Items = append(s.Items, x)
	}
	return s
}
