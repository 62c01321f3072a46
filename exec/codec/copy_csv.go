package codec

import (
	"bytes"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// csvRow reads a row of CSV. A value that was quoted is never NULL.
func (c *CopyIn) csvRow(line []byte) error {
	n := len(c.b.Cols)
	for i := 0; ; i++ {
		value, rest, quoted, err := c.csvField(line)
		if err != nil {
			return err
		}
		if i >= n {
			return c.countError(false, i)
		}
		if err := c.csvValue(i, value, quoted); err != nil {
			return err
		}
		if rest == nil {
			if i < n-1 {
				return c.countError(true, i+1)
			}
			return nil
		}
		line = rest
	}
}

// csvField reads the first field of a line; rest is nil at the last one.
func (c *CopyIn) csvField(line []byte) (value, rest []byte, quoted bool, err error) {
	end := bytes.IndexByte(line, c.opts.Delim)
	field := line
	if end >= 0 {
		field = line[:end]
	}
	if bytes.IndexByte(field, c.opts.Quote) < 0 {
		if end < 0 {
			return field, nil, false, nil
		}
		return field, line[end+1:], false, nil
	}
	return c.csvQuoted(line)
}

func (c *CopyIn) csvQuoted(line []byte) (value, rest []byte, quoted bool, err error) {
	out, in := c.field[:0], false
	i := 0
	for ; i < len(line); i++ {
		b := line[i]
		switch {
		case in && b == c.opts.Escape && i+1 < len(line) &&
			(line[i+1] == c.opts.Quote || line[i+1] == c.opts.Escape):
			i++
			out = append(out, line[i])
		case b == c.opts.Quote:
			in, quoted = !in, true
		case !in && b == c.opts.Delim:
			c.field = out
			return out, line[i+1:], quoted, nil
		default:
			out = append(out, b)
		}
	}
	c.field = out
	if in {
		return nil, nil, true, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
	}
	return out, nil, quoted, nil
}

func (c *CopyIn) csvValue(i int, value []byte, quoted bool) error {
	col := &c.opts.Columns[i]
	if string(value) == c.opts.Null && (!quoted && !col.ForceNotNull || quoted && col.ForceNull) {
		c.b.Cols[i].AppendNull()
		return nil
	}
	return c.value(i, value)
}

// AppendCopyCSV writes a value of CSV, quoted where it must be.
func AppendCopyCSV(dst, value []byte, o *CopyOptions, force bool) []byte {
	special := force || string(value) == o.Null || bytes.IndexByte(value, o.Delim) >= 0 ||
		bytes.IndexByte(value, o.Quote) >= 0 || bytes.ContainsAny(value, "\r\n") ||
		len(o.Columns) == 1 && string(value) == `\.`
	if !special {
		return append(dst, value...)
	}
	dst = append(dst, o.Quote)
	for _, b := range value {
		if b == o.Quote || b == o.Escape {
			dst = append(dst, o.Escape)
		}
		dst = append(dst, b)
	}
	return append(dst, o.Quote)
}
