package codec

import (
	"bytes"
	"strconv"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// CopyFormat is a format of COPY.
type CopyFormat uint8

// The formats of COPY.
const (
	CopyText CopyFormat = iota
	CopyCSV
	CopyBinary
	CopyJSON // one object per line
)

// CopyColumn is a column of COPY in its order.
type CopyColumn struct {
	Name string
	Type types.Type
	// ForceNull and ForceNotNull are CSV's options for the column.
	ForceNull, ForceNotNull, ForceQuote bool
}

// CopyOptions describe a COPY. DefaultCopy gives PostgreSQL's defaults.
type CopyOptions struct {
	Relation string // for messages
	Columns  []CopyColumn
	Format   CopyFormat
	Delim    byte
	Null     string
	Quote    byte
	Escape   byte
	Header   bool // a first line of names: skipped, written
	// MatchHeader refuses input whose first line does not name the columns.
	MatchHeader bool
	Env         *types.Env
	// OnBad takes a row that cannot be read: nil goes on without it, an error ends
	// the COPY. A nil OnBad ends it at the first.
	OnBad func(bad *BadRow) error
}

// BadRow is a row that COPY could not read.
type BadRow struct {
	Line int
	Text string
	Err  *sqlerr.Error
}

// DefaultCopy gives the options of a format.
func DefaultCopy(f CopyFormat) CopyOptions {
	o := CopyOptions{Format: f, Delim: '\t', Null: `\N`, Quote: '"', Escape: '"'}
	if f == CopyCSV {
		o.Delim, o.Null = ',', ""
	}
	return o
}

// maxCopyRow bounds one row of input, so that a missing line end does not fill
// the memory; PostgreSQL's limit is 1 GB, ours is that of a message.
const maxCopyRow = 64 << 20

// CopyIn reads the data of COPY FROM as it comes, in pieces of any size, and
// gives batches of whole rows.
type CopyIn struct {
	opts  CopyOptions
	types []types.Type
	sink  func(b *batch.Batch, lastLine int) error
	b     *batch.Batch
	bytes int
	line  int // lines read
	rest  []byte
	done  bool // an end mark was read
	field []byte
	quote bool // CSV: rest ends inside a quoted value
	begun bool // binary: the header was read
	row   func(line []byte) error
	found []string // JSON: the values of the row's members, by column
}

// NewCopyIn makes a reader. sink gets batches that it may keep, with the number
// of the last line in them.
func NewCopyIn(o CopyOptions, sink func(b *batch.Batch, lastLine int) error) *CopyIn {
	c := &CopyIn{opts: o, sink: sink}
	for _, col := range o.Columns {
		c.types = append(c.types, col.Type)
	}
	c.b = batch.New(c.types, batch.MaxRows)
	switch o.Format {
	case CopyText:
		c.row = c.textRow
	case CopyCSV:
		c.row = c.csvRow
	case CopyJSON:
		c.row = c.jsonRow
	}
	return c
}

// Lines gives the number of lines read so far.
func (c *CopyIn) Lines() int { return c.line }

// Write takes the next piece of data; it keeps nothing of p.
func (c *CopyIn) Write(p []byte) error {
	if c.opts.Format == CopyBinary {
		return c.binary(p)
	}
	if len(c.rest) > 0 {
		n := c.lineEnd(p)
		if n < 0 {
			c.rest = append(c.rest, p...)
			return c.checkRow()
		}
		c.rest = append(c.rest, p[:n+1]...)
		if err := c.oneLine(c.rest); err != nil {
			return err
		}
		c.rest, p = c.rest[:0], p[n+1:]
	}
	for len(p) > 0 && !c.done {
		n := c.lineEnd(p)
		if n < 0 {
			c.rest = append(c.rest, p...)
			return c.checkRow()
		}
		if err := c.oneLine(p[:n+1]); err != nil {
			return err
		}
		p = p[n+1:]
	}
	return nil
}

func (c *CopyIn) checkRow() error {
	if len(c.rest) > maxCopyRow {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "row is larger than %d bytes", maxCopyRow).
			InContext("COPY %s, line %d", c.opts.Relation, c.line+1)
	}
	return nil
}

// lineEnd finds the end of the line that p goes on with; -1: not in p.
func (c *CopyIn) lineEnd(p []byte) int {
	if c.opts.Format != CopyCSV {
		return bytes.IndexByte(p, '\n')
	}
	return c.csvLineEnd(p)
}

// oneLine handles a line with its line end.
func (c *CopyIn) oneLine(line []byte) error {
	c.line++
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return c.readLine(line)
}

func (c *CopyIn) readLine(line []byte) error {
	if c.line == 1 && c.opts.Header {
		return c.header(line)
	}
	if len(line) == 2 && line[0] == '\\' && line[1] == '.' && c.opts.Format != CopyJSON {
		c.done = true
		return nil
	}
	c.bytes += len(line)
	if err := c.row(line); err != nil {
		return c.bad(err, line)
	}
	c.b.N++
	if c.b.N == batch.MaxRows || c.bytes >= batch.MaxBytes {
		return c.flush()
	}
	return nil
}

// bad takes a half-read row out and reports it.
func (c *CopyIn) bad(err error, line []byte) error {
	for _, v := range c.b.Cols {
		truncate(v, c.b.N)
	}
	e := sqlerr.As(err)
	if e.Where == "" {
		e = e.InContext("COPY %s, line %d", c.opts.Relation, c.line)
	}
	if c.opts.OnBad == nil {
		return e
	}
	return c.opts.OnBad(&BadRow{Line: c.line, Text: string(line), Err: e})
}

// truncate cuts a vector to n rows.
func truncate(v *batch.Vector, n int) {
	if v.Len() <= n {
		return
	}
	switch v.Type.Phys() {
	case types.PhysInt64:
		v.I64 = v.I64[:n]
	case types.PhysFloat64:
		v.F64 = v.F64[:n]
	case types.PhysBool:
		v.Bool = v.Bool[:n]
	case types.PhysBytes:
		v.Off = v.Off[:n+1]
		v.Buf = v.Buf[:v.Off[n]]
	}
	if v.Valid != nil {
		v.Valid = v.Valid[:batch.Words(n)]
	}
}

func (c *CopyIn) flush() error {
	if c.b.N == 0 {
		return nil
	}
	b := c.b
	c.b, c.bytes = batch.New(c.types, batch.MaxRows), 0
	return c.sink(b, c.line)
}

// Flush gives what was read so far as a batch.
func (c *CopyIn) Flush() error { return c.flush() }

// Close ends the data: the last line may lack its line end.
func (c *CopyIn) Close() error {
	if c.opts.Format == CopyBinary {
		return c.closeBinary()
	}
	if len(c.rest) > 0 && !c.done {
		if c.quote {
			return sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field").
				InContext("COPY %s, line %d", c.opts.Relation, c.line+1)
		}
		c.line++
		line := c.rest
		if n := len(line); line[n-1] == '\r' {
			line = line[:n-1]
		}
		if err := c.readLine(line); err != nil {
			return err
		}
		c.rest = nil
	}
	return c.flush()
}

// value reads one value given as text and appends it.
func (c *CopyIn) value(i int, text []byte) error {
	v := c.b.Cols[i]
	switch v.Type.Kind {
	case types.Int8, types.Int4, types.Int2:
		if n, ok := fastInt(text, v.Type.Kind); ok {
			v.AppendInt(n)
			return nil
		}
	case types.Text:
		if !validUTF8(text) {
			return c.invalidText(i, text)
		}
		v.AppendBytes(text)
		return nil
	case types.Float8:
		if f, err := strconv.ParseFloat(string(text), 64); err == nil && plainNumber(text) {
			v.AppendFloat(f)
			return nil
		}
	}
	d, err := types.ParseText(c.opts.Env, v.Type, string(text))
	if err != nil {
		return c.inColumn(err, i, text)
	}
	v.AppendDatum(d)
	return nil
}

func (c *CopyIn) inColumn(err error, i int, text []byte) error {
	return sqlerr.As(err).InContext("COPY %s, line %d, column %s: \"%s\"",
		c.opts.Relation, c.line, c.opts.Columns[i].Name, shorten(text))
}

func (c *CopyIn) invalidText(i int, text []byte) error {
	return c.inColumn(types.ValidText(string(text)), i, text)
}

// shorten keeps messages readable.
func shorten(text []byte) string {
	const most = 100
	if len(text) <= most {
		return string(text)
	}
	return string(text[:most]) + "..."
}

// fastInt reads plain decimal digits with an optional sign; ok is false for all
// else, which the general parser then judges.
func fastInt(s []byte, k types.Kind) (n int64, ok bool) {
	i, neg := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, neg = 1, true
	}
	if i == len(s) || len(s)-i > 18 {
		return 0, false
	}
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if neg {
		n = -n
	}
	switch k {
	case types.Int4:
		return n, n == int64(int32(n))
	case types.Int2:
		return n, n == int64(int16(n))
	}
	return n, true
}

// plainNumber tells whether text is digits, sign, point and exponent only: what
// Go and PostgreSQL read alike.
func plainNumber(s []byte) bool {
	for _, b := range s {
		if (b < '0' || b > '9') && b != '.' && b != '-' && b != '+' && b != 'e' && b != 'E' {
			return false
		}
	}
	return true
}

func (c *CopyIn) countError(few bool, i int) error {
	if few {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "missing data for column %q",
			c.opts.Columns[i].Name)
	}
	return sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column")
}

// header checks or skips the first line.
func (c *CopyIn) header(line []byte) error {
	if !c.opts.MatchHeader {
		return nil
	}
	names := bytes.Split(line, []byte{c.opts.Delim})
	if len(names) != len(c.opts.Columns) {
		return sqlerr.New(sqlerr.BadCopyFileFormat,
			"wrong number of fields in header line: got %d, expected %d",
			len(names), len(c.opts.Columns)).InContext("COPY %s, line 1", c.opts.Relation)
	}
	for i, n := range names {
		name := string(bytes.Trim(n, string(c.opts.Quote)))
		if name != c.opts.Columns[i].Name {
			return sqlerr.New(sqlerr.BadCopyFileFormat,
				"column name mismatch in header line field %d: got %q, expected %q",
				i+1, name, c.opts.Columns[i].Name).InContext("COPY %s, line 1", c.opts.Relation)
		}
	}
	return nil
}
