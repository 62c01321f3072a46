package pgwire

import (
	"encoding/binary"
	"errors"

	"github.com/millracedb/millrace/sql/sqlerr"
)

const (
	// maxBodyBefore bounds a message before the client has shown who it is.
	maxBodyBefore = 16 << 10
	// maxBody bounds a message after that: the largest query text, parameter or row
	// of COPY.
	maxBody = 64 << 20
	// maxSmall bounds the messages that hold a name at most; PostgreSQL's limit.
	maxSmall = 10_000
)

// frame is one message: its type and its body, which is valid until the next read.
type frame struct {
	kind byte
	body []byte
}

// errLostSync says that the length of a message cannot be believed: the stream
// cannot be read further, and PostgreSQL closes without a word.
var errLostSync = errors.New("pgwire: message length out of range")

// known are the messages of clients, and whether they hold a name at most.
var known = [256]struct{ ok, small bool }{
	'Q': {true, false}, 'P': {true, false}, 'B': {true, false}, 'F': {true, false},
	'd': {true, false}, 'f': {true, true}, 'c': {true, true}, 'E': {true, true},
	'D': {true, true}, 'C': {true, true}, 'H': {true, true}, 'S': {true, true},
	'X': {true, true}, 'p': {true, false},
}

// head reads the head of a message that has come: type and length of the body.
func head(h []byte, limit int) (kind byte, n int, err error) {
	kind, n = h[0], int(int32(binary.BigEndian.Uint32(h[1:])))-4
	k := known[kind]
	switch {
	case !k.ok:
		return kind, 0, fatalProtocol("invalid frontend message type %d", kind)
	case n < 0:
		return kind, 0, errLostSync
	case n > limit || k.small && n > maxSmall:
		return kind, 0, fatalProtocol("invalid message length").
			WithDetail("A message of type %q may have %d bytes, not %d.", kind, limitOf(kind, limit), n)
	}
	return kind, n, nil
}

func limitOf(kind byte, limit int) int {
	if known[kind].small {
		return min(limit, maxSmall)
	}
	return limit
}

func fatalProtocol(format string, args ...any) *sqlerr.Error {
	e := sqlerr.New(sqlerr.ProtocolViolation, format, args...)
	e.Fatal = true
	return e
}

// next reads a message. idle says that the client is expected to be silent, so
// that the wait may be interrupted.
func (in *intake) next(limit int, idle bool) (frame, error) {
	h, err := in.wait(1, idle)
	if err != nil {
		return frame{}, err
	}
	if !known[h[0]].ok { // also when its length never comes
		return frame{}, fatalProtocol("invalid frontend message type %d", h[0])
	}
	if h, err = in.wait(5, false); err != nil {
		return frame{}, err
	}
	kind, n, err := head(h, limit)
	if err != nil {
		return frame{}, err
	}
	all, err := in.wait(5+n, false)
	if err != nil {
		return frame{}, err
	}
	in.use(5 + n)
	return frame{kind, all[5:]}, nil
}

// endsPipeline waits for what follows an Execute: Sync, so that nothing else
// belongs to the same implicit transaction. Close messages in between do not count.
func (in *intake) endsPipeline() bool {
	skip := 0
	for {
		h, err := in.wait(skip+5, false)
		if err != nil {
			return false
		}
		kind, n, err := head(h[skip:], maxBody)
		switch {
		case err != nil || kind != 'C' && kind != 'S':
			return false
		case kind == 'S':
			return true
		}
		if skip += 5 + n; skip > intakeBytes/2 {
			return false
		}
	}
}
