package codec

import (
	"bytes"
	"unicode/utf8"
)

// textRow reads a line of the text format: fields between delimiters, \N for
// NULL, backslash sequences
// (https://www.postgresql.org/docs/15/sql-copy.html, File Formats).
func (c *CopyIn) textRow(line []byte) error {
	plain := bytes.IndexByte(line, '\\') < 0
	n := len(c.b.Cols)
	for i := range n {
		end, last := len(line), true
		if plain {
			if k := bytes.IndexByte(line, c.opts.Delim); k >= 0 {
				end, last = k, false
			}
		} else {
			end, last = c.textField(line)
		}
		if last && i < n-1 {
			if err := c.textValue(i, line[:end], plain); err != nil {
				return err
			}
			return c.countError(true, i+1)
		}
		if !last && i == n-1 {
			return c.countError(false, i)
		}
		if err := c.textValue(i, line[:end], plain); err != nil {
			return err
		}
		if !last {
			line = line[end+1:]
		}
	}
	if n == 0 && len(line) > 0 {
		return c.countError(false, 0)
	}
	return nil
}

// textField finds the end of the first field of a line with backslashes.
func (c *CopyIn) textField(line []byte) (end int, last bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case c.opts.Delim:
			return i, false
		}
	}
	return len(line), true
}

func (c *CopyIn) textValue(i int, raw []byte, plain bool) error {
	if string(raw) == c.opts.Null {
		c.b.Cols[i].AppendNull()
		return nil
	}
	if !plain && bytes.IndexByte(raw, '\\') >= 0 {
		c.field = unescape(c.field[:0], raw)
		raw = c.field
	}
	return c.value(i, raw)
}

// unescape undoes the backslash sequences of the text format.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		if i++; i == len(s) {
			break // a backslash that ends the value is dropped
		}
		switch b := s[i]; {
		case b == 'b':
			dst = append(dst, '\b')
		case b == 'f':
			dst = append(dst, '\f')
		case b == 'n':
			dst = append(dst, '\n')
		case b == 'r':
			dst = append(dst, '\r')
		case b == 't':
			dst = append(dst, '\t')
		case b == 'v':
			dst = append(dst, '\v')
		case b >= '0' && b <= '7':
			v, n := number(s[i:], 8, 3)
			dst = append(dst, byte(v))
			i += n - 1
		case b == 'x' && i+1 < len(s) && digit(s[i+1]) < 16:
			v, n := number(s[i+1:], 16, 2)
			dst = append(dst, byte(v))
			i += n
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// number reads up to most digits of a base.
func number(s []byte, base, most int) (v, n int) {
	for n < most && n < len(s) && digit(s[n]) < base {
		v = v*base + digit(s[n])
		n++
	}
	return v, n
}

func digit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return 99
}

// validUTF8 also refuses NUL, which no text may hold.
func validUTF8(s []byte) bool {
	return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0
}

// AppendCopyText writes a value in the text format, escaped.
func AppendCopyText(dst, value []byte, delim byte) []byte {
	for _, b := range value {
		switch b {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\v':
			dst = append(dst, '\\', 'v')
		case delim:
			dst = append(dst, '\\', b)
		default:
			dst = append(dst, b)
		}
	}
	return dst
}
