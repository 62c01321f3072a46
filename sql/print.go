package sql

import "strconv"

// Print returns the canonical SQL text of a statement, query, expression or table reference.
// It has only the brackets that are needed, names in quotes only where they must be, and one
// spelling where the grammar has several. Parsing it gives the same tree, apart from
// positions.
func Print(n Node) string {
	var p printer
	switch n := n.(type) {
	case nil:
	case Statement:
		p.statement(n)
	case Expr:
		p.expr(n)
	case *Query:
		p.query(n)
	case Body:
		p.body(n)
	case TableRef:
		p.table(n)
	}
	return string(p.b)
}

// String returns the type as it is written in SQL.
func (t *TypeName) String() string {
	var p printer
	p.typeName(t)
	return string(p.b)
}

// printer collects text.
type printer struct {
	b          []byte
	restricted bool // writing an operand where only a b_expr may stand without brackets
}

func (p *printer) s(parts ...string) {
	for _, s := range parts {
		p.b = append(p.b, s...)
	}
}

func (p *printer) num(n int64) { p.b = strconv.AppendInt(p.b, n, 10) }

// when writes s if the condition holds.
func (p *printer) when(cond bool, s string) {
	if cond {
		p.b = append(p.b, s...)
	}
}

func (p *printer) id(name string) { p.s(QuoteIdent(name)) }

func (p *printer) ids(names []string) {
	for i, n := range names {
		p.comma(i)
		p.id(n)
	}
}

// columns writes (a, b) if there are any.
func (p *printer) columns(names []string) {
	if names != nil {
		p.s(" (")
		p.ids(names)
		p.s(")")
	}
}

func (p *printer) name(n Name) {
	for i, part := range n {
		p.when(i > 0, ".")
		p.id(part)
	}
}

func (p *printer) names(list []Name) {
	for i, n := range list {
		p.comma(i)
		p.name(n)
	}
}

func (p *printer) comma(i int) { p.when(i > 0, ", ") }

func (p *printer) str(s string) { p.s(QuoteString(s)) }

// typeName writes a type.
func (p *printer) typeName(t *TypeName) {
	p.when(t.SetOf, "SETOF ")
	switch {
	case t.IsStruct() && (len(t.Fields) > 0 || len(t.Elems) > 0), len(t.Elems) > 0:
		p.s(t.Name[0], "<")
		for i, e := range t.Elems {
			p.comma(i)
			if i < len(t.Fields) {
				p.id(t.Fields[i])
				p.s(" ")
			}
			p.typeName(e)
		}
		p.s(">")
	case t.IsStruct() && t.Mods == nil:
		p.s("struct<>")
	case t.Quoted:
		p.s(`"`, escapeQuotes(t.Name[0]), `"`)
		p.mods(t.Mods)
	case len(t.Name) == 1 && t.Name[0] == "interval" && len(t.Mods) > 0 && t.Mods[0] > ":":
		p.s("interval")
		p.intervalFields(t.Mods)
	case len(t.Name) == 1:
		p.s(t.Name[0])
		p.when(t.Pct, "%TYPE")
		p.mods(t.Mods)
	default:
		p.name(t.Name)
		p.when(t.Pct, "%TYPE")
		p.mods(t.Mods)
	}
	for _, d := range t.Dims {
		p.s("[", d, "]")
	}
}

func (p *printer) mods(mods []string) {
	if len(mods) == 0 {
		return
	}
	p.s("(")
	for i, m := range mods {
		p.when(i > 0, ",")
		p.s(m)
	}
	p.s(")")
}

// intervalFields writes " day to second(3)".
func (p *printer) intervalFields(mods []string) {
	for _, m := range mods {
		if m[0] <= '9' {
			p.s("(", m, ")")
		} else {
			p.s(" ", m)
		}
	}
}

func escapeQuotes(s string) string {
	q := QuoteIdent(s)
	if q[0] == '"' {
		return q[1 : len(q)-1]
	}
	return q
}

// typedLit writes DATE '...' and its like.
func (p *printer) typedLit(x *TypedLit) {
	t := x.Type
	if len(t.Name) == 1 && t.Name[0] == "interval" && len(t.Mods) > 0 && t.Mods[0] > ":" {
		p.s("interval ")
		p.str(x.Val)
		p.intervalFields(t.Mods)
		return
	}
	p.typeName(t)
	p.s(" ")
	p.str(x.Val)
}

// options writes (name sep value, ...).
func (p *printer) options(list []Option, sep string) {
	p.s("(")
	for i, o := range list {
		p.comma(i)
		p.option(o, sep)
	}
	p.s(")")
}

func (p *printer) option(o Option, sep string) {
	switch {
	case isPlainIdent(o.Name):
		p.s(o.Name)
	case isFolded(o.Name):
		p.str(o.Name)
	default:
		p.s(`"`, escapeQuotes(o.Name), `"`)
	}
	if o.Value == nil {
		return
	}
	p.s(sep)
	if c, ok := o.Value.(*ColRef); ok && !c.Star { // a bare word would be a string
		p.s("(")
		p.expr(c)
		p.s(")")
		return
	}
	p.expr(o.Value)
}

func isFolded(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// with writes " WITH (a = b)" if there are options.
func (p *printer) with(list []Option) {
	if list != nil {
		p.s(" WITH ")
		p.options(list, " = ")
	}
}
