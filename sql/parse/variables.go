package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Variables (DEFINE v = 'x', ${v}) stand for one name, number or string; inside a string
// literal they stand for text. A value is never read as anything more than that, so a
// variable cannot change the shape of a statement.

// lookup finds the value of a variable; its name may be in any case.
func (p *parser) lookup(name string) (string, bool) {
	name = foldName(name)
	if p.literal {
		return "", false
	}
	if d, ok := p.defined[name]; ok {
		return d.value, d.set
	}
	if p.variables == nil {
		return "", false
	}
	return p.variables(name)
}

// define notes a DEFINE or UNDEFINE for the statements after it.
func (p *parser) define(name, value string, set bool) {
	if p.defined == nil {
		p.defined = make(map[string]definition)
	}
	p.defined[name] = definition{value, set}
}

// expand replaces the variables of the statement at the cursor by their values. One without
// a value is left, and is an error where the parser meets it.
func (p *parser) expand() {
	for i := p.i; i < len(p.toks) && !p.toks[i].isPunct(';'); i++ {
		if p.toks[i].kind == kindVar {
			p.expandToken(&p.toks[i])
		}
	}
}

func (p *parser) expandToken(t *token) {
	value, ok := p.lookup(p.src[t.start+2 : t.end-1])
	if !ok {
		return
	}
	l := lexer{src: value}
	at := int(t.start)
	func() {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(bail); !ok {
					panic(r)
				}
				l.toks = nil
			}
		}()
		l.run()
	}()
	if len(l.toks) != 2 {
		p.invalidValue(at, value)
	}
	switch l.toks[0].kind {
	case kindIdent, kindQIdent, kindStr, kindNum:
	default:
		p.invalidValue(at, value)
	}
	base := int32(len(p.src)) + 1
	p.src += "\n" + value
	p.expanded = append(p.expanded, expansion{base, t.start, t.end})
	v := l.toks[0]
	v.start += base
	v.end += base
	*t = v
}

func (p *parser) invalidValue(at int, value string) {
	bailAt(sqlerr.New(sqlerr.InvalidParameterValue,
		"value of a variable must be one name, number or string, not \"%s\"", value), at)
}

// expandString puts the values of variables into the text of a string literal. What is not a
// variable with a value stays as it is. $${v} is ${v}, of a variable that has a value.
func (p *parser) expandString(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			break
		}
		value, ok := p.lookup(s[i+2 : i+j])
		switch {
		case !ok:
			value = s[i : i+j+1]
		case i > 0 && s[i-1] == '$':
			value = s[i : i+j+1]
			i, j = i-1, j+1
		}
		b.WriteString(s[:i])
		b.WriteString(value)
		s = s[i+j+1:]
	}
	b.WriteString(s)
	return b.String()
}
