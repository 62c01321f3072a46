package codec

import (
	"bytes"
	"encoding/binary"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// CopySignature begins the binary format
// (https://www.postgresql.org/docs/15/sql-copy.html, Binary Format).
const CopySignature = "PGCOPY\n\xff\r\n\x00"

const copyHeader = len(CopySignature) + 8 // signature, flags, length of the extension

func binaryError(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.BadCopyFileFormat, format, args...)
}

// binary reads whole tuples from what has come so far.
func (c *CopyIn) binary(p []byte) error {
	c.rest = append(c.rest, p...)
	buf := c.rest
	if !c.begun {
		n, err := binaryHeader(buf)
		if err != nil || n == 0 {
			return err
		}
		c.begun, buf = true, buf[n:]
	}
	for !c.done {
		n, err := c.tuple(buf)
		if err != nil {
			return c.bad(err, nil)
		}
		if n == 0 {
			break
		}
		buf = buf[n:]
	}
	c.rest = c.rest[:copy(c.rest, buf)]
	return c.checkRow()
}

// binaryHeader gives the length of the header; 0: more data is needed.
func binaryHeader(b []byte) (int, error) {
	if n := min(len(b), len(CopySignature)); !bytes.Equal(b[:n], []byte(CopySignature[:n])) {
		return 0, binaryError("COPY file signature not recognized")
	}
	if len(b) < copyHeader {
		return 0, nil
	}
	flags := binary.BigEndian.Uint32(b[len(CopySignature):])
	if flags&0xffff0000 != 0 {
		return 0, binaryError("unrecognized critical flags in COPY file header")
	}
	ext := binary.BigEndian.Uint32(b[len(CopySignature)+4:])
	if ext > maxCopyRow {
		return 0, binaryError("invalid COPY file header (wrong length)")
	}
	if len(b) < copyHeader+int(ext) {
		return 0, nil
	}
	return copyHeader + int(ext), nil
}

// tuple reads one tuple and gives its length; 0: more data is needed.
func (c *CopyIn) tuple(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	if n == -1 {
		c.done = true
		return 2, nil
	}
	if n != len(c.b.Cols) {
		return 0, binaryError("row field count is %d, expected %d", n, len(c.b.Cols))
	}
	size, err := tupleSize(b, n)
	if err != nil || size == 0 {
		return 0, err
	}
	c.line++
	at := 2
	for i := range n {
		l := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if l < 0 {
			c.b.Cols[i].AppendNull()
			continue
		}
		d, err := types.ParseBinary(c.opts.Env, c.types[i], b[at:at+l])
		if err != nil {
			return 0, c.inColumn(err, i, nil)
		}
		c.b.Cols[i].AppendDatum(d)
		at += l
	}
	c.bytes += size
	return size, c.endRow()
}

// tupleSize checks that all n fields of a tuple are there; 0: they are not yet.
func tupleSize(b []byte, n int) (int, error) {
	at := 2
	for range n {
		if len(b) < at+4 {
			return 0, nil
		}
		l := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if l < -1 || l > maxCopyRow {
			return 0, binaryError("invalid field size")
		}
		at += max(l, 0)
	}
	if len(b) < at {
		return 0, nil
	}
	return at, nil
}

func (c *CopyIn) closeBinary() error {
	if !c.done || len(c.rest) > 0 && !c.begun {
		return binaryError("unexpected EOF in COPY data").
			InContext("COPY %s, line %d", c.opts.Relation, c.line+1)
	}
	return c.flush()
}
