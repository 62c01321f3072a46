package parse

import (
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// bail carries an error up to the entry point: the parser is one deep recursion, in which
// returning errors by hand would bury the grammar. Nothing but a bail is recovered.
type bail struct{ err *sqlerr.Error }

// catch turns a bail into an error whose position counts characters of text.
func catch(text string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	b, ok := r.(bail)
	if !ok {
		panic(r)
	}
	if b.err.Offset > 0 {
		at := min(b.err.Offset-1, len(text))
		b.err.Position = utf8.RuneCountInString(text[:at]) + 1
		b.err.Offset = 0
	}
	*err = b.err
}

// bailAt gives up with e at a byte offset.
func bailAt(e *sqlerr.Error, offset int) {
	panic(bail{e.At(offset)})
}

// syntaxErrorAt gives up at the token src[start:end].
func syntaxErrorAt(src string, start, end int) {
	bailAt(sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", src[start:end]), start)
}

// unterminated gives up at a string or comment that never ends. PostgreSQL names all the rest
// of the text; the first 100 bytes say as much.
func unterminated(src string, start int, what string) {
	near := src[start:]
	if len(near) > 100 {
		near = near[:100]
		for !utf8.ValidString(near) {
			near = near[:len(near)-1]
		}
	}
	bailAt(sqlerr.New(sqlerr.SyntaxError, "unterminated %s at or near \"%s\"", what, near), start)
}

// tooComplex gives up on a statement that would cost too much.
func tooComplex(offset int, format string, args ...any) {
	bailAt(sqlerr.New(sqlerr.StatementTooComplex, format, args...).
		WithHint("Split the statement, or load the data with COPY."), offset)
}
