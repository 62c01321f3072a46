package codec

import (
	"strconv"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
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
	Encoding    *expr.Encoding // nil is UTF8; the binary format has no encoding
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
	opts   CopyOptions
	types  []types.Type
	sink   func(b *batch.Batch, lines []int) error
	b      *batch.Batch
	bytes  int
	line   int   // lines read
	lines  []int // the last line of each row of b
	rest   []byte
	plain  []byte // a piece as UTF8
	done   bool   // an end mark was read
	field  []byte
	eol    eolState
	headed bool // the header line was read
	begun  bool // binary: the header was read
	row    func(line []byte) error
	found  []string // JSON: the values of the row's members, by column
}

// NewCopyIn makes a reader. sink gets batches that it may keep, with the number of
// the line that each row ended at, which it may not.
func NewCopyIn(o CopyOptions, sink func(b *batch.Batch, lines []int) error) *CopyIn {
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
	if c.opts.Encoding == nil {
		return c.text(p)
	}
	var bad error
	c.plain, bad = c.opts.Encoding.AppendDecoded(c.plain[:0], p)
	if err := c.text(c.plain); err != nil {
		return err
	}
	if bad != nil && !c.done {
		return c.atLine(bad, c.line+1)
	}
	return nil
}

// text takes a piece of lines.
func (c *CopyIn) text(p []byte) error {
	for len(p) > 0 && !c.done {
		n, ok := c.lineEnd(p)
		if !ok {
			c.rest = append(c.rest, p...)
			return c.checkRow()
		}
		line := p[:n]
		if len(c.rest) > 0 {
			c.rest = append(c.rest, line...)
			line = c.rest
		}
		if err := c.oneLine(line); err != nil {
			return err
		}
		c.rest, p = c.rest[:0], p[n:]
	}
	return nil
}

func (c *CopyIn) checkRow() error {
	if len(c.rest) > maxCopyRow {
		return c.atLine(sqlerr.New(sqlerr.BadCopyFileFormat, "row is larger than %d bytes",
			maxCopyRow), c.line+1)
	}
	return nil
}

// atLine adds the place of an error that no row is to blame for.
func (c *CopyIn) atLine(err error, line int) *sqlerr.Error {
	e := sqlerr.As(err)
	if e.Where != "" {
		return e
	}
	return e.InContext("COPY %s, line %d", c.opts.Relation, line)
}

// oneLine handles a line with its line end.
func (c *CopyIn) oneLine(line []byte) error {
	c.line++
	line, err := c.cutEnd(line)
	if err != nil {
		return c.bad(c.atLine(err, c.line), line)
	}
	return c.readLine(line)
}

func (c *CopyIn) readLine(line []byte) error {
	c.line += c.lineEndsIn(line)
	before, end, err := c.endMark(line)
	switch {
	case err != nil:
		return c.bad(c.atLine(err, c.line), line)
	case end:
		c.done = true
		if len(before) == 0 {
			return nil
		}
		line = before
	}
	if c.opts.Header && !c.headed {
		c.headed = true
		return c.header(line)
	}
	c.bytes += len(line)
	if err := c.row(line); err != nil {
		return c.bad(c.extra(err, line), line)
	}
	return c.endRow()
}

func (c *CopyIn) endRow() error {
	c.b.N++
	c.lines = append(c.lines, c.line)
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
	switch {
	case e.Where != "":
	case e.Code == sqlerr.CharacterNotInRepertoire && !validUTF8(line):
		e = c.atLine(types.ValidText(string(line)), c.line)
	case c.opts.Format == CopyBinary:
		e = c.atLine(e, c.line)
	default:
		e = e.InContext("COPY %s, line %d: \"%s\"", c.opts.Relation, c.line, Shorten(line))
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
	err := c.sink(b, c.lines)
	c.lines = c.lines[:0]
	return err
}

// Flush gives what was read so far as a batch.
func (c *CopyIn) Flush() error { return c.flush() }

// Close ends the data: the last line may lack its line end.
func (c *CopyIn) Close() error {
	if c.opts.Format == CopyBinary {
		return c.closeBinary()
	}
	if len(c.rest) > 0 && !c.done {
		line := c.rest
		if c.eol.cr || c.opts.Format == CopyJSON && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		}
		c.line++
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
			return types.ValidText(string(text))
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
	if !validUTF8(text) {
		return types.ValidText(string(text))
	}
	return sqlerr.As(err).InContext("COPY %s, line %d, column %s: \"%s\"",
		c.opts.Relation, c.line, c.opts.Columns[i].Name, Shorten(text))
}

// Shorten keeps messages readable, and whole characters whole.
func Shorten[T string | []byte](text T) string {
	const most = 100
	if len(text) <= most {
		return string(text)
	}
	n := most
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n]) + "..."
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
