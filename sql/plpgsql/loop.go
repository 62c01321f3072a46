package plpgsql

import "github.com/millracedb/millrace/sql/parse"

// loop reads a loop; nil where none begins.
func (p *parser) loop(label string) Stmt {
	word := p.tok()
	if word.Kind != parse.TokenWord {
		return nil
	}
	switch word.Text {
	case "loop", "while", "for", "foreach":
	default:
		return nil
	}
	defer p.deeper()()
	outer := p.names
	defer func() { p.names = outer }()
	p.names = &Names{up: outer, name: label, loop: true}
	l := Loop{at: p.here(), Label: label}
	p.i++
	switch word.Text {
	case "loop":
		p.i--
		p.body(&l)
		return &Endless{l}
	case "while":
		s := &While{Cond: p.expression("loop")}
		p.body(&l)
		s.Loop = l
		return s
	case "for":
		return p.forLoop(l)
	}
	return p.foreach(l)
}

// body reads LOOP ... END LOOP [label].
func (p *parser) body(l *Loop) {
	p.expect("loop")
	l.Body = p.statements("end")
	p.expect("end", "loop")
	p.endLabel(l.Label, "block")
}

// forLoop tells the kinds of FOR apart by what follows IN.
func (p *parser) forLoop(l Loop) Stmt {
	begin := p.i
	for more := true; more; more = p.acceptC(",") {
		p.name()
		for p.acceptC(".") {
			p.anyName()
		}
	}
	p.expect("in")
	switch {
	case p.is("execute"):
		s := &Rows{Targets: p.loopTargets(begin)}
		p.i++ // EXECUTE
		s.Text = p.expression("loop", "using")
		if p.accept("using") {
			s.Using = p.using("loop")
		}
		p.body(&l)
		s.Loop = l
		return s
	case p.isName(0):
		if v, _ := p.names.Lookup([]string{p.tok().Text}); v != nil &&
			v.Type.Kind == RefCursor && (isWord(p.peek(1), "loop") || isSign(p.peek(1), "(")) {
			return p.cursorLoop(l, begin, v)
		}
	}
	if p.is("reverse") || p.isRange() {
		return p.countLoop(l, begin)
	}
	s := &Rows{Targets: p.loopTargets(begin)}
	s.Query = p.query("loop")
	p.body(&l)
	s.Loop = l
	return s
}

// isRange looks for .. before LOOP.
func (p *parser) isRange() bool {
	depth := 0
	for i := p.i; i < len(p.toks); i++ {
		switch t := &p.toks[i]; {
		case isSign(t, "(") || isSign(t, "["):
			depth++
		case isSign(t, ")") || isSign(t, "]"):
			depth--
		case depth == 0 && isSign(t, ".."):
			return true
		case depth == 0 && (isWord(t, "loop") || isSign(t, ";")):
			return false
		}
	}
	return false
}

// loopTargets reads the variables of a loop over rows, whose tokens begin there; what
// follows IN is read next.
func (p *parser) loopTargets(begin int) []Target {
	after := p.i
	p.i = begin
	if first := p.tok(); p.names.unknown(first.Text) {
		p.syntax(first.Start, "loop variable of loop over rows must be a record variable "+
			"or list of scalar variables")
	}
	list := p.targets()
	p.expect("in")
	p.i = after
	return list
}

func (n *Names) unknown(name string) bool {
	// A label may stand before the variable.
	v, _ := n.Lookup([]string{name})
	return v == nil && n.label(name) == nil && name != ownName
}

// countLoop reads [REVERSE] a..b [BY c]; the variable is the loop's own.
func (p *parser) countLoop(l Loop, begin int) Stmt {
	s := &Count{Reverse: p.accept("reverse")}
	first := &p.toks[begin]
	if !isWord(&p.toks[begin+1], "in") {
		p.syntax(first.Start, "integer FOR loop must have only one target variable")
	}
	s.From = p.expression("..")
	p.i++
	s.To = p.expression("loop", "by")
	if p.accept("by") {
		s.Step = p.expression("loop")
	}
	s.Var = p.declare(first.Text, first.Start, plainType("int4"))
	p.body(&l)
	s.Loop = l
	return s
}

func (p *parser) cursorLoop(l Loop, begin int, cursor *Var) Stmt {
	t := p.next()
	if cursor.Cursor == nil {
		p.syntax(t.Start, "cursor FOR loop must use a bound cursor variable")
	}
	s := &CursorRows{Cursor: cursor, Args: p.cursorArgs(cursor)}
	first := &p.toks[begin]
	if !isWord(&p.toks[begin+1], "in") {
		p.syntax(first.Start, "cursor FOR loop must have only one target variable")
	}
	s.Var = p.declare(first.Text, first.Start, Type{Kind: Record, At: first.Start})
	p.body(&l)
	s.Loop = l
	return s
}

func (p *parser) foreach(l Loop) Stmt {
	s := &Foreach{Target: p.target()}
	if p.accept("slice") {
		n := p.next()
		if len(n.Text) != 1 || n.Text[0] < '0' || n.Text[0] > '6' {
			p.near(n, "syntax error")
		}
		s.Slice = int(n.Text[0] - '0')
	}
	p.expect("in", "array")
	s.Array = p.expression("loop")
	p.body(&l)
	s.Loop = l
	return s
}

// query reads a whole query up to a word.
func (p *parser) query(stop string) *Fragment {
	from, to := p.span("statement", stop)
	return p.statementText(from, to, 0, 0)
}
