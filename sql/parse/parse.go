package parse

import (
	"sync"

	"github.com/millracedb/millrace/sql"
)

// Config holds what parsing depends on besides the text.
type Config struct {
	// Variables gives the value of ${name}; nil: no variable is set. A DEFINE in the text
	// counts for the statements after it.
	Variables func(name string) (value string, ok bool)

	// Literal leaves ${name} as it stands: no variable has a value.
	Literal bool

	// Notice receives what a client is told about a text that is right: that a name was cut.
	// nil: nobody wants to know.
	Notice func(message string)

	trace func(outline string) // for tests
}

// Parse parses a whole query string: any number of statements with semicolons between them.
// Errors are *sqlerr.Error.
func Parse(text string) ([]sql.Statement, error) { return Config{}.Parse(text) }

// ParseOne parses a text that holds exactly one statement.
func ParseOne(text string) (sql.Statement, error) { return Config{}.ParseOne(text) }

// ParseExpr parses a text that is one expression.
func ParseExpr(text string) (x sql.Expr, err error) {
	err = Config{}.with(text, func(p *parser) {
		x = p.expr()
		p.expectEnd()
	})
	return x, err
}

// ParseType parses a text that is one type name.
func ParseType(text string) (t *sql.TypeName, err error) {
	err = Config{}.with(text, func(p *parser) {
		t = p.typeName()
		p.expectEnd()
	})
	return t, err
}

// Parse is the package's Parse with variables.
func (c Config) Parse(text string) (list []sql.Statement, err error) {
	err = c.with(text, func(p *parser) {
		for {
			for p.acceptC(';') {
			}
			if p.tok().kind == kindEOF {
				return
			}
			list = append(list, p.topStatement())
			if p.tok().kind != kindEOF && !p.isC(';') {
				p.unexpected()
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ParseOne is the package's ParseOne with variables.
func (c Config) ParseOne(text string) (s sql.Statement, err error) {
	err = c.with(text, func(p *parser) {
		for p.acceptC(';') {
		}
		s = p.topStatement()
		for p.acceptC(';') {
		}
		p.expectEnd()
	})
	return s, err
}

// parsers keeps token buffers between calls. A buffer that grew past maxPooledTokens is left
// to the collector, so that one bulk statement does not hold memory for ever.
var parsers = sync.Pool{New: func() any { return new(parser) }}

const maxPooledTokens = 64 << 10

// with runs f over the tokens of text and turns a bail into an error.
func (c Config) with(text string, f func(*parser)) (err error) {
	p := parsers.Get().(*parser)
	defer p.release()
	defer catch(text, &err)
	p.variables, p.notice, p.trace = c.Variables, c.Notice, c.trace
	p.literal = c.Literal
	p.begin(text)
	f(p)
	return nil
}
