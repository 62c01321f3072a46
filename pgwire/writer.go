package pgwire

import (
	"encoding/binary"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgproto3/v2"
	"github.com/millracedb/millrace/sql/sqlerr"
)

const (
	// writeBytes is when what was written goes to the socket: larger pieces gain
	// nothing, and this is all that a slow client costs beside the kernel's buffer.
	writeBytes = 64 << 10
	// keptWrite is the largest buffer that is kept after a huge row.
	keptWrite = 1 << 20
)

// writer gathers messages for a client. Writing to the socket blocks while the
// client does not read; that is the back-pressure on whoever makes the messages.
type writer struct {
	conn    net.Conn
	buf     []byte
	at      int // of buf: where the message being written begins
	timeout time.Duration
	sent    func(n int)
	err     error
}

// begin starts a message.
func (w *writer) begin(kind byte) {
	w.at = len(w.buf)
	w.buf = append(w.buf, kind, 0, 0, 0, 0)
}

// end completes the message, and sends when enough has gathered.
func (w *writer) end() error {
	binary.BigEndian.PutUint32(w.buf[w.at+1:], uint32(len(w.buf)-w.at-1))
	if len(w.buf) >= writeBytes {
		return w.flush()
	}
	return w.err
}

// flush sends what has gathered.
func (w *writer) flush() error {
	if w.err != nil || len(w.buf) == 0 {
		w.buf = w.buf[:0]
		return w.err
	}
	if w.timeout > 0 {
		w.err = w.conn.SetWriteDeadline(time.Now().Add(w.timeout))
	}
	if w.err == nil {
		_, w.err = w.conn.Write(w.buf)
	}
	w.sent(len(w.buf))
	if w.buf = w.buf[:0]; cap(w.buf) > keptWrite {
		w.buf = nil
	}
	return w.err
}

// message adds a message of pgproto3.
func (w *writer) message(m pgproto3.BackendMessage) error {
	b, err := m.Encode(w.buf)
	if err != nil {
		return err
	}
	w.buf = b
	if len(w.buf) >= writeBytes {
		return w.flush()
	}
	return w.err
}

// empty adds a message without a body.
func (w *writer) empty(kind byte) error {
	w.begin(kind)
	return w.end()
}

func (w *writer) field(kind byte, text string) {
	if text == "" {
		return
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		// Messages quote what clients sent.
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	}
	w.buf = append(w.buf, kind)
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, 0)
}

// failure adds an ErrorResponse.
func (w *writer) failure(e *sqlerr.Error) error {
	severity := "ERROR"
	if e.Fatal {
		severity = "FATAL"
	}
	w.begin('E')
	w.report(severity, string(e.Code), e.Message, e.Detail, e.Hint)
	if e.Position > 0 {
		kind := byte('P')
		if e.Query != "" {
			kind = 'p'
		}
		w.field(kind, itoa(e.Position))
	}
	w.field('q', e.Query)
	w.field('W', e.Where)
	w.about(e.Schema, e.Table, e.Column, e.DataType, e.Constraint)
	w.buf = append(w.buf, 0)
	return w.end()
}

// about names the object that a report is about.
func (w *writer) about(schema, table, column, dataType, constraint string) {
	w.field('s', schema)
	w.field('t', table)
	w.field('c', column)
	w.field('d', dataType)
	w.field('n', constraint)
}

// report adds the fields that errors and notices have.
func (w *writer) report(severity, code, message, detail, hint string) {
	w.field('S', severity)
	w.field('V', severity)
	w.field('C', code)
	if message == "" {
		message = "(no message)"
	}
	w.field('M', message)
	w.field('D', detail)
	w.field('H', hint)
}
