package plpgsql

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// cursorVariable reads the name of a cursor.
func (p *parser) cursorVariable() *Var {
	t := p.tok()
	v, path := p.variable()
	switch {
	case v == nil:
		p.syntax(t.Start, "\"%s\" is not a known variable", t.Text)
	case v.Type.Kind != RefCursor || len(path) > 0:
		p.fail(t.Start, sqlerr.DatatypeMismatch,
			"variable \"%s\" must be of type cursor or refcursor", v.Name)
	}
	return v
}

// cursorArgs reads the arguments of a bound cursor, in the order of its declaration.
func (p *parser) cursorArgs(v *Var) []*Fragment {
	want := v.Cursor.Args
	if !p.isC("(") {
		if len(want) > 0 {
			p.syntax(p.tok().Start, "cursor \"%s\" has arguments", v.Name)
		}
		return nil
	}
	if len(want) == 0 {
		p.syntax(p.tok().Start, "cursor \"%s\" has no arguments", v.Name)
	}
	p.i++
	args := make([]*Fragment, len(want))
	for n := 0; n < len(want); n++ {
		at, t := n, p.tok()
		if nameLike(t) && (isSign(p.peek(1), ":=") || isSign(p.peek(1), "=>")) {
			at = -1
			for i, a := range want {
				if a.Name == t.Text {
					at = i
				}
			}
			if at < 0 {
				p.near(t, "cursor \""+v.Name+"\" has no argument named \""+t.Text+"\"")
			}
			p.i += 2
		}
		if args[at] != nil {
			p.near(t, "value for parameter \""+want[at].Name+"\" of cursor \""+v.Name+
				"\" specified more than once")
		}
		args[at] = p.expression(",", ")")
		if n+1 < len(want) && !p.acceptC(",") {
			p.syntax(p.tok().Start, "not enough arguments for cursor \"%s\"", v.Name)
		}
	}
	if p.isC(",") {
		p.syntax(p.tok().Start, "too many arguments for cursor \"%s\"", v.Name)
	}
	p.expectC(")")
	return args
}

func (p *parser) open() Stmt {
	s := &Open{at: p.here()}
	p.i++
	s.Cursor = p.cursorVariable()
	if s.Cursor.Cursor != nil {
		s.Args = p.cursorArgs(s.Cursor)
		return s
	}
	if p.is("no") {
		p.i++
		p.expect("scroll")
		s.NoScroll = true
	} else {
		s.Scroll = p.accept("scroll")
	}
	p.expect("for")
	if p.accept("execute") {
		s.Text = p.expression(";", "using")
		if p.accept("using") {
			s.Using = p.using(";")
		}
		return s
	}
	s.Query = p.query(";")
	return s
}

// fetch reads FETCH and MOVE [direction] [FROM | IN] cursor [INTO ...].
func (p *parser) fetch() Stmt {
	s := &Fetch{at: p.here(), Move: p.is("move"), Fixed: 1}
	p.i++
	p.direction(s)
	s.Cursor = p.cursorVariable()
	if s.Move {
		return s
	}
	p.expect("into")
	if p.is("strict") {
		p.unexpected()
	}
	s.Into = p.into()
	if s.All || s.Count != nil && s.Dir != sql.FetchAbsolute && s.Dir != sql.FetchRelative {
		p.fail(p.tok().Start, sqlerr.FeatureNotSupported,
			"FETCH statement cannot return multiple rows")
	}
	return s
}

func (p *parser) direction(s *Fetch) {
	word := ""
	if t := p.tok(); t.Kind == parse.TokenWord && !p.isCursorNext() {
		word = t.Text
	}
	p.i++
	switch word {
	case "next":
	case "prior":
		s.Dir = sql.FetchBackward
	case "first":
		s.Dir = sql.FetchAbsolute
	case "last":
		s.Dir, s.Fixed = sql.FetchAbsolute, -1
	case "absolute", "relative":
		s.Dir = sql.FetchAbsolute
		if word == "relative" {
			s.Dir = sql.FetchRelative
		}
		s.Count = p.expression("from", "in")
	case "all":
		s.All = true
	case "forward", "backward":
		if word == "backward" {
			s.Dir = sql.FetchBackward
		}
		switch {
		case p.accept("all"):
			s.All = true
		case !p.is("from") && !p.is("in") && !p.isCursorNext():
			s.Count = p.expression("from", "in")
		}
	default:
		p.i--
		if word != "from" && word != "in" && !p.isCursorNext() {
			s.Count = p.expression("from", "in")
		}
	}
	if !p.accept("from") {
		p.accept("in")
	}
}

// isCursorNext tells whether the direction is left out.
func (p *parser) isCursorNext() bool {
	if !p.isName(0) {
		return false
	}
	v, _ := p.names.Lookup([]string{p.tok().Text})
	return v != nil && (isWord(p.peek(1), "into") || isSign(p.peek(1), ";"))
}
