package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgproto3/v2"
	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// sink is a client as the session sees it.
type sink struct {
	c    *conn
	rows rowWriter
	// describe: a RowDescription goes before the rows (the simple protocol).
	describe bool
}

// Columns implements session.Sink.
func (s *sink) Columns(r *session.Result) error {
	s.rows.reset(r)
	if !s.describe {
		return nil
	}
	return s.c.w.rowDescription(r.Columns)
}

// rowDescription adds a RowDescription.
func (w *writer) rowDescription(cols []session.Column) error {
	w.begin('T')
	b := binary.BigEndian.AppendUint16(w.buf, uint16(len(cols)))
	for i := range cols {
		c := &cols[i]
		size := c.Type.Len()
		if c.OID != c.Type.OID() {
			size = 4 // an enum
		}
		b = append(b, c.Name...)
		b = append(b, 0)
		b = binary.BigEndian.AppendUint32(b, c.Table)
		b = binary.BigEndian.AppendUint16(b, uint16(c.Attnum))
		b = binary.BigEndian.AppendUint32(b, c.OID)
		b = binary.BigEndian.AppendUint16(b, uint16(size))
		b = binary.BigEndian.AppendUint32(b, uint32(c.Type.ColumnTypmod()))
		b = binary.BigEndian.AppendUint16(b, uint16(c.Format))
	}
	w.buf = b
	return w.end()
}

// Rows implements session.Sink.
func (s *sink) Rows(b *batch.Batch) error { return s.rows.write(b) }

// Flush implements session.Sink.
func (s *sink) Flush() error { return s.c.w.flush() }

// Notice implements session.Sink.
func (s *sink) Notice(n *session.Notice) error {
	w := &s.c.w
	w.begin('N')
	code := n.Code
	if code == "" {
		code = sqlerr.SuccessfulCompletion
	}
	w.report(n.Severity, string(code), n.Message, n.Detail, n.Hint)
	w.field('W', n.Where)
	w.about(n.Schema, n.Table, n.Column, n.DataType, n.Constraint)
	w.buf = append(w.buf, 0)
	return w.end()
}

// Complete implements session.Sink.
func (s *sink) Complete(tag string) error {
	w := &s.c.w
	w.begin('C')
	w.buf = append(w.buf, tag...)
	w.buf = append(w.buf, 0)
	return w.end()
}

// Empty implements session.Sink.
func (s *sink) Empty() error { return s.c.w.empty('I') }

// Suspended implements session.Sink.
func (s *sink) Suspended() error { return s.c.w.empty('s') }

func (w *writer) copyHeader(kind byte, h session.CopyHeader) error {
	format := byte(0)
	if h.Binary {
		format = 1
	}
	w.begin(kind)
	w.buf = append(w.buf, format)
	w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(h.Columns))
	for range h.Columns {
		w.buf = append(w.buf, 0, format)
	}
	return w.end()
}

// CopyOut implements session.Sink.
func (s *sink) CopyOut(h session.CopyHeader) error { return s.c.w.copyHeader('H', h) }

// CopyData implements session.Sink.
func (s *sink) CopyData(row []byte) error {
	w := &s.c.w
	w.begin('d')
	w.buf = append(w.buf, row...)
	return w.end()
}

// CopyDone implements session.Sink.
func (s *sink) CopyDone() error { return s.c.w.empty('c') }

// CopyIn implements session.Sink.
func (s *sink) CopyIn(ctx context.Context, h session.CopyHeader) (session.CopyReader, error) {
	if err := s.c.w.copyHeader('G', h); err != nil {
		return nil, err
	}
	if err := s.c.w.flush(); err != nil {
		return nil, err
	}
	in := s.c.in
	stop := context.AfterFunc(ctx, func() { in.interrupt(context.Cause(ctx)) })
	return &copyReader{c: s.c, stop: stop}, nil
}

// copyReader reads the data of COPY FROM.
type copyReader struct {
	c    *conn
	stop func() bool // keeps the statement's end from interrupting the wait
}

// Close implements session.CopyReader.
func (r *copyReader) Close() {
	if r.stop() {
		return
	}
	// The statement was cancelled; the connection goes on unless it was the session.
	r.c.in.resume()
	if err := r.c.session.Err(); err != nil {
		r.c.in.interrupt(err)
	}
}

// Next implements session.CopyReader. Sync and Flush are ignored, as the protocol
// asks: a driver may have sent them with Execute already.
func (r *copyReader) Next() ([]byte, error) {
	for {
		f, err := r.c.in.next(maxBody, true)
		if err != nil {
			return nil, r.c.copyBroken(err)
		}
		switch f.kind {
		case 'd':
			if len(f.body) > 0 {
				return f.body, nil
			}
		case 'c':
			return nil, io.EOF
		case 'f':
			var m pgproto3.CopyFail
			if !wellFormed(f) || m.Decode(f.body) != nil {
				return nil, errMessageFormat()
			}
			return nil, sqlerr.New(sqlerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
		case 'H', 'S':
		case 'X':
			return nil, &session.Gone{Err: io.EOF}
		default:
			r.c.lostSync = true
			return nil, sqlerr.New(sqlerr.ProtocolViolation,
				"unexpected message type 0x%02X during COPY from stdin", f.kind)
		}
	}
}

// copyBroken gives the error of a COPY whose data ended early.
func (c *conn) copyBroken(err error) error {
	var e *sqlerr.Error
	switch {
	case errors.Is(err, errInterrupted):
		err = c.in.reason()
		if errors.As(err, &e) {
			return err
		}
	case errors.As(err, &e):
		c.lostSync = true
		return err
	}
	return &session.Gone{Err: fmt.Errorf("COPY from stdin: %w", err)}
}
