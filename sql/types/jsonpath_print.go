package types

import (
	"strconv"
	"strings"
)

// String gives the path as PostgreSQL shows it.
func (q *JSONPathQuery) String() string {
	var b strings.Builder
	if q.strict {
		b.WriteString("strict ")
	}
	q.expr.print(&b, false, true)
	return b.String()
}

// priority is how strongly an operator binds.
func (n *pathNode) priority() int {
	if n.next != nil {
		return 6
	}
	switch n.op {
	case pathOr:
		return 0
	case pathAnd:
		return 1
	case pathCompare, pathStarts:
		return 2
	case pathArith:
		if n.text == "+" || n.text == "-" {
			return 3
		}
		return 4
	case pathSign:
		return 5
	}
	return 6
}

func (n *pathNode) print(b *strings.Builder, inKey, brackets bool) {
	n.printItem(b, inKey, brackets)
	if n.next != nil {
		n.next.print(b, true, true)
	}
}

func (n *pathNode) printItem(b *strings.Builder, inKey, brackets bool) {
	dot := ""
	if inKey {
		dot = "."
	}
	switch n.op {
	case pathRoot:
		b.WriteByte('$')
	case pathCurrent:
		b.WriteByte('@')
	case pathLast:
		b.WriteString("last")
	case pathVar:
		b.WriteString("$" + string(AppendJSONString(nil, n.text)))
	case pathLiteral:
		if n.next != nil && (isDigit(n.text[0]) || n.text[0] == '-') {
			b.WriteString("(" + n.text + ")")
			return
		}
		b.WriteString(n.text)
	case pathKey:
		b.WriteString(dot + string(AppendJSONString(nil, n.text)))
	case pathAnyKey:
		b.WriteString(dot + "*")
	case pathAnyArray:
		b.WriteString("[*]")
	case pathIndex2:
		n.printSubscripts(b)
	case pathAny:
		b.WriteString(dot + "**" + n.levelText())
	case pathMethod:
		b.WriteString("." + n.text + "(")
		if n.template {
			b.Write(AppendJSONString(nil, n.flags))
		}
		b.WriteByte(')')
	default:
		n.printOperator(b, brackets || n.next != nil)
	}
}

func (n *pathNode) printSubscripts(b *strings.Builder) {
	b.WriteByte('[')
	for i := 0; i < len(n.args); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		n.args[i].print(b, false, false)
		if n.args[i+1] != nil {
			b.WriteString(" to ")
			n.args[i+1].print(b, false, false)
		}
	}
	b.WriteByte(']')
}

func (n *pathNode) levelText() string {
	bound := func(v int64) string {
		if v == pathMaxLevel {
			return "last"
		}
		return strconv.FormatInt(v, 10)
	}
	switch {
	case n.lo == 0 && n.hi == pathMaxLevel:
		return ""
	case n.lo == n.hi:
		return "{" + bound(n.lo) + "}"
	}
	return "{" + bound(n.lo) + " to " + bound(n.hi) + "}"
}

// printOperator writes what has operands.
func (n *pathNode) printOperator(b *strings.Builder, brackets bool) {
	operand := func(i int) { n.args[i].print(b, false, n.args[i].priority() <= n.priority()) }
	around := func(open, end string, body func()) {
		b.WriteString(open)
		body()
		b.WriteString(end)
	}
	inner := func() { n.args[0].print(b, false, false) }
	switch n.op {
	case pathFilter:
		around("?(", ")", inner)
		return
	case pathNot:
		around("!(", ")", inner)
		return
	case pathUnknown:
		around("(", ") is unknown", inner)
		return
	case pathExists:
		around("exists (", ")", inner)
		return
	}
	open, end := "", ""
	if brackets {
		open, end = "(", ")"
	}
	around(open, end, func() {
		switch n.op {
		case pathSign:
			b.WriteString(n.text)
			operand(0)
		case pathRegex:
			operand(0)
			b.WriteString(" like_regex " + string(AppendJSONString(nil, n.text)))
			if n.flags != "" {
				b.WriteString(" flag \"" + n.flags + "\"")
			}
		default:
			word := map[pathOp]string{pathAnd: "&&", pathOr: "||", pathStarts: "starts with"}[n.op]
			if word == "" {
				word = n.text
			}
			operand(0)
			b.WriteString(" " + word + " ")
			operand(1)
		}
	})
}
