package pgwire

import (
	"bytes"
	"encoding/binary"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// body walks a message body. pgproto3 v2.3.3 panics on some bodies and accepts
// trailing bytes in others: what it decodes is checked here first.
type body struct {
	b   []byte
	bad bool
}

func (r *body) text() {
	i := bytes.IndexByte(r.b, 0)
	if i < 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[i+1:]
}

func (r *body) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *body) int16() int {
	if b := r.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *body) int32() int {
	if b := r.take(4); b != nil {
		return int(int32(binary.BigEndian.Uint32(b)))
	}
	return 0
}

// values walks n values with a length each, -1 for NULL.
func (r *body) values(n int) {
	for range n {
		if r.bad {
			return
		}
		switch k := r.int32(); {
		case k == -1:
		case k < -1:
			r.bad = true
		default:
			r.take(k)
		}
	}
}

// wellFormed tells whether a body is what its type says, to the last byte.
func wellFormed(f frame) bool {
	r := &body{b: f.body}
	switch f.kind {
	case 'Q', 'f':
		r.text()
	case 'P':
		r.text()
		r.text()
		r.take(4 * r.int16())
	case 'B':
		r.text()
		r.text()
		r.take(2 * r.int16())
		r.values(r.int16())
		r.take(2 * r.int16())
	case 'E':
		r.text()
		r.take(4)
	case 'D', 'C':
		if k := r.take(1); k == nil || k[0] != 'S' && k[0] != 'P' {
			return false
		}
		r.text()
	case 'F':
		r.take(4)
		r.take(2 * r.int16())
		r.values(r.int16())
		r.take(2)
	case 'd', 'p':
		return true
	}
	return !r.bad && len(r.b) == 0
}

func errMessageFormat() error {
	return sqlerr.New(sqlerr.ProtocolViolation, "invalid message format")
}
