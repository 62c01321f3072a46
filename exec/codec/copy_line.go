package codec

import (
	"bytes"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// eolState is what CopyIn knows of line ends. The first one decides what all the others
// must be, as in PostgreSQL: a carriage return alone, a newline alone, or both.
type eolState struct {
	kind eolKind
	// cr: the last byte of the last piece is a carriage return that may be the first
	// line end, or half of it.
	cr bool
	// escaped: the last byte of the last piece takes the meaning of the next away.
	escaped bool
	// quoted: CSV: the last piece ends inside quotes.
	quoted bool
}

type eolKind uint8

const (
	eolUnknown eolKind = iota
	eolNewline
	eolReturn
	eolBoth
)

// lineEnd finds the end of the line that p goes on with: the number of bytes of p that
// belong to it.
func (c *CopyIn) lineEnd(p []byte) (int, bool) {
	e := &c.eol
	var n int
	switch {
	case c.opts.Format == CopyJSON:
		n = bytes.IndexByte(p, '\n')
	case e.cr:
		e.cr = false
		if p[0] == '\n' {
			e.kind = eolBoth
			return 1, true
		}
		e.kind = eolReturn
		return 0, true
	case e.kind == eolUnknown:
		return c.firstLineEnd(p)
	case c.opts.Format == CopyCSV:
		n = c.csvLineEnd(p, e.last())
	default:
		n = e.textLineEnd(p, e.last())
	}
	return n + 1, n >= 0
}

// last is the byte that ends a line.
func (e *eolState) last() byte {
	if e.kind == eolReturn {
		return '\r'
	}
	return '\n'
}

// firstLineEnd finds the first line end and remembers its kind.
func (c *CopyIn) firstLineEnd(p []byte) (int, bool) {
	n := c.scan(p, func(b byte) bool { return b == '\n' || b == '\r' })
	switch {
	case n < 0:
		return 0, false
	case p[n] == '\n':
		c.eol.kind = eolNewline
	case n+1 == len(p):
		c.eol.cr = true
		return 0, false
	case p[n+1] == '\n':
		c.eol.kind = eolBoth
		n++
	default:
		c.eol.kind = eolReturn
	}
	return n + 1, true
}

// scan finds a byte for which stop is true and that is neither escaped nor quoted.
func (c *CopyIn) scan(p []byte, stop func(b byte) bool) int {
	csv, e := c.opts.Format == CopyCSV, &c.eol
	escape := byte('\\')
	if csv {
		escape = c.opts.Escape
	}
	for i, b := range p {
		switch {
		case e.escaped:
			e.escaped = false
		case b == escape && (!csv || e.quoted && escape != c.opts.Quote):
			e.escaped = true
		case csv && b == c.opts.Quote:
			e.quoted = !e.quoted
		case !e.quoted && stop(b):
			return i
		}
	}
	return -1
}

// csvLineEnd finds the line end that is not inside quotes.
func (c *CopyIn) csvLineEnd(p []byte, last byte) int {
	if !c.eol.quoted {
		n := bytes.IndexByte(p, last)
		head := p
		if n >= 0 {
			head = p[:n]
		}
		if bytes.IndexByte(head, c.opts.Quote) < 0 {
			return n
		}
	}
	return c.scan(p, func(b byte) bool { return b == last })
}

// textLineEnd finds the line end that is not behind an odd number of backslashes.
func (e *eolState) textLineEnd(p []byte, last byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(p[at:], last)
		if n < 0 {
			e.escaped = e.oddBackslashes(p)
			return -1
		}
		if at += n; !e.oddBackslashes(p[:at]) {
			e.escaped = false
			return at
		}
		at++
	}
}

func (e *eolState) oddBackslashes(p []byte) bool {
	n := len(p)
	for n > 0 && p[n-1] == '\\' {
		n--
	}
	odd := (len(p)-n)%2 == 1
	if n == 0 {
		return odd != e.escaped
	}
	return odd
}

// cutEnd takes the line end off, and refuses one of another kind inside the line.
func (c *CopyIn) cutEnd(line []byte) ([]byte, error) {
	n := len(line)
	if c.opts.Format == CopyJSON {
		return bytes.TrimSuffix(line[:n-1], []byte{'\r'}), nil
	}
	switch c.eol.kind {
	case eolReturn:
		line = line[:n-1]
		return line, c.stray(line, '\n', "newline", "n")
	case eolBoth:
		if n < 2 || line[n-2] != '\r' {
			line = line[:n-1]
			return line, c.strayError(line, "newline", "n")
		}
		line = line[:n-2]
		return line, c.stray(line, '\r', "carriage return", "r")
	}
	line = line[:n-1]
	return line, c.stray(line, '\r', "carriage return", "r")
}

// stray looks for b outside quotes and escapes.
func (c *CopyIn) stray(line []byte, b byte, name, letter string) error {
	if bytes.IndexByte(line, b) < 0 {
		return nil
	}
	keep := c.eol
	c.eol.escaped, c.eol.quoted = false, false
	n := c.scan(line, func(x byte) bool { return x == b })
	c.eol = keep
	if n < 0 {
		return nil
	}
	return c.strayError(line, name, letter)
}

func (c *CopyIn) strayError(line []byte, name, letter string) error {
	switch {
	case bytes.HasPrefix(line, []byte(`\.`)):
		return sqlerr.New(sqlerr.BadCopyFileFormat,
			"end-of-copy marker does not match previous newline style")
	case c.opts.Format == CopyCSV:
		return sqlerr.New(sqlerr.BadCopyFileFormat, "unquoted %s found in data", name).
			WithHint("Use quoted CSV field to represent %s.", name)
	}
	return sqlerr.New(sqlerr.BadCopyFileFormat, "literal %s found in data", name).
		WithHint("Use \"\\%s\" to represent %s.", letter, name)
}

// lineEndsIn counts the lines that quoted values add to a row of CSV.
func (c *CopyIn) lineEndsIn(line []byte) int {
	if c.opts.Format != CopyCSV {
		return 0
	}
	if c.eol.kind == eolNewline {
		return bytes.Count(line, []byte{'\n'})
	}
	return bytes.Count(line, []byte{'\r'})
}

// endMark looks for \. that ends the data; before is the row before it. CSV has it on a
// line of its own only.
func (c *CopyIn) endMark(line []byte) (before []byte, found bool, err error) {
	switch {
	case c.opts.Format == CopyJSON:
		return nil, false, nil
	case c.opts.Format == CopyCSV:
		return nil, string(line) == `\.`, nil
	case !bytes.Contains(line, []byte(`\.`)):
		return nil, false, nil
	}
	for i := 0; i+1 < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		if line[i+1] != '.' {
			i++
			continue
		}
		if i+2 < len(line) {
			return nil, false, sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker corrupt")
		}
		return line[:i], true, nil
	}
	return nil, false, nil
}

// extra gives the error of a row that has too many values, which comes before those of
// the values.
func (c *CopyIn) extra(err error, line []byte) error {
	n := len(c.opts.Columns)
	switch c.opts.Format {
	case CopyText:
		for range n {
			end, last := c.textField(line)
			if last {
				return err
			}
			line = line[end+1:]
		}
	case CopyCSV:
		for range n {
			_, rest, _, e := c.csvField(line)
			if e != nil {
				return e
			}
			if line = rest; rest == nil {
				return err
			}
		}
	default:
		return err
	}
	return c.countError(false, n)
}

func (c *CopyIn) countError(few bool, i int) error {
	if few {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "missing data for column \"%s\"",
			c.opts.Columns[i].Name)
	}
	return sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column")
}

// header checks or skips the first line.
func (c *CopyIn) header(line []byte) error {
	if !c.opts.MatchHeader {
		return nil
	}
	err := c.matchHeader(line)
	if err == nil {
		return nil
	}
	return sqlerr.As(err).InContext("COPY %s, line %d: \"%s\"", c.opts.Relation, c.line,
		Shorten(line))
}

func (c *CopyIn) matchHeader(line []byte) error {
	names, err := c.fields(line)
	if err != nil {
		return err
	}
	if len(names) != len(c.opts.Columns) {
		return sqlerr.New(sqlerr.BadCopyFileFormat,
			"wrong number of fields in header line: got %d, expected %d",
			len(names), len(c.opts.Columns))
	}
	for i, f := range names {
		want := c.opts.Columns[i].Name
		switch {
		case f.null:
			return sqlerr.New(sqlerr.BadCopyFileFormat, "column name mismatch in header line "+
				"field %d: got null value (\"%s\"), expected \"%s\"", i+1, c.opts.Null, want)
		case f.text != want:
			return sqlerr.New(sqlerr.BadCopyFileFormat, "column name mismatch in header line "+
				"field %d: got \"%s\", expected \"%s\"", i+1, f.text, want)
		}
	}
	return nil
}

// copyField is a value of the header line.
type copyField struct {
	text string
	null bool
}

// fields splits a line.
func (c *CopyIn) fields(line []byte) (list []copyField, err error) {
	for {
		var value, rest []byte
		quoted := false
		if c.opts.Format == CopyCSV {
			if value, rest, quoted, err = c.csvField(line); err != nil {
				return nil, err
			}
		} else {
			end, last := c.textField(line)
			if value = line[:end]; !last {
				rest = line[end+1:]
			}
		}
		f := copyField{null: !quoted && string(value) == c.opts.Null}
		if c.opts.Format == CopyText {
			value = unescape(nil, value)
		}
		f.text = string(value)
		list = append(list, f)
		if rest == nil {
			return list, nil
		}
		line = rest
	}
}
