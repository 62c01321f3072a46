package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// scanWindow is how much a scan reads at once.
const scanWindow = 1 << 20

// scanner walks over the frames of one file.
type scanner struct {
	file io.ReaderAt
	size int64
	key  uint64 // what the checksums are seeded with
	buf  []byte
	off  int64 // position of buf[0] in the file
	pos  int64 // position of the next frame
}

func newScanner(file io.ReaderAt, size int64, key uint64) *scanner {
	return &scanner{file: file, size: size, key: key, pos: fileHeader}
}

// bytes returns n bytes at pos, fewer at the end of the file; valid until the next call.
func (c *scanner) bytes(pos int64, n int) ([]byte, error) {
	n = int(min(int64(n), max(c.size-pos, 0)))
	if pos >= c.off && pos+int64(n) <= c.off+int64(len(c.buf)) {
		return c.buf[pos-c.off:][:n], nil
	}
	want := int(min(max(int64(n), scanWindow), c.size-pos))
	if cap(c.buf) < want {
		c.buf = make([]byte, want)
	}
	c.buf, c.off = c.buf[:want], pos
	got, err := c.file.ReadAt(c.buf, pos)
	if err != nil && !errors.Is(err, io.EOF) {
		c.buf = c.buf[:0]
		return nil, err
	}
	c.buf = c.buf[:got]
	return c.buf[:min(n, got)], nil
}

// next decodes the frame at pos and moves behind it. ok is false, and pos stays, where there is
// no sound frame; the payload is valid until the next call.
func (c *scanner) next(f *frame) (payload []byte, ok bool, err error) {
	b, err := c.bytes(c.pos, frameHeader)
	if err != nil {
		return nil, false, err
	}
	if len(b) < frameHeader || !getFrame(b, c.key, c.pos, f) {
		return nil, false, nil
	}
	if b, err = c.bytes(c.pos, frameHeader+f.length); err != nil {
		return nil, false, err
	}
	if len(b) < frameHeader+f.length {
		return nil, false, nil
	}
	payload = b[frameHeader:]
	if dataSum(c.key, payload, nil) != f.dataCRC {
		return nil, false, nil
	}
	c.pos += f.size()
	return payload, true, nil
}

// evidence looks behind pos, where no sound frame lies, for a header that was written after the
// bytes at pos had been made durable. If there is one, what lies at pos is damage and not a torn
// write. It also reports whether any header of this life of the file lies behind pos.
func (c *scanner) evidence(pos int64) (damaged bool, at int64, dirty bool, err error) {
	var f frame
	for p := pos + frameAlign; p+frameHeader <= c.size; p += frameAlign {
		b, err := c.bytes(p, frameHeader)
		if err != nil {
			return false, 0, false, err
		}
		if len(b) < frameHeader {
			break
		}
		// Nearly all of the file is zeros or frames of an earlier life: look at one byte first.
		if k := frameKind(b[48]); k < kindStart || k > kindClose {
			continue
		}
		if getFrame(b, c.key, p, &f) {
			dirty = true
			if int64(f.durable) > pos {
				return true, p, true, nil
			}
		}
	}
	return false, 0, dirty, nil
}

// headerAt says whether a header of this life lies at pos, its payload sound or not.
func (c *scanner) headerAt(pos int64) (bool, error) {
	b, err := c.bytes(pos, frameHeader)
	if err != nil || len(b) < frameHeader {
		return false, err
	}
	var f frame
	return getFrame(b, c.key, pos, &f), nil
}

// readFileHeader returns the epoch of a segment file of n bytes, or why it is not sound.
func readFileHeader(file io.ReaderAt, fileSize int64) (epoch uint64, reason string, err error) {
	b := make([]byte, fileHeader)
	n, err := file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	if n < fileHeader {
		return 0, "file is shorter than its header", nil
	}
	if binary.LittleEndian.Uint64(b) == 0 {
		return 0, "file header is missing", nil
	}
	epoch, size, reason := getFileHeader(b)
	if reason == "" && fileSize < size {
		reason = fmt.Sprintf("file has %d bytes of %d", fileSize, size)
	}
	return epoch, reason, nil
}
