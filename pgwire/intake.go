package pgwire

import (
	"errors"
	"io"
	"net"
	"sync"
)

const (
	// readPiece is how much is read from the socket at a time. It is small because
	// an idle connection holds it.
	readPiece = 16 << 10
	// intakeBytes is how much a client may send ahead of what is done. A client that
	// pipelines more is read from again when its requests were handled, which blocks
	// it as it should; a message that is larger is read whole.
	intakeBytes = 256 << 10
	// keptIntake is the largest buffer that is kept for the next message.
	keptIntake = 1 << 20
)

// errInterrupted ends a wait for the client; intake.interrupt says why.
var errInterrupted = errors.New("pgwire: interrupted")

// intake is what a client sent and nobody has used yet. Its goroutine, fill, reads
// the socket all the time, so that a client never blocks in writing while the
// server blocks in writing, and that it is seen when the client goes away. fill
// belongs to the connection and ends when the socket is closed.
//
// The one consumer takes slices of the buffer: fill only ever appends, and only
// the consumer moves bytes, so that a slice is good until the consumer's next call.
type intake struct {
	mu    sync.Mutex
	moved sync.Cond // bytes came, room was made, or err or stop was set
	buf   []byte
	off   int   // of buf: used up to here
	need  int   // bytes that the consumer waits for
	err   error // of the socket; no more bytes come
	stop  error // interrupt's
}

func newIntake() *intake {
	in := &intake{}
	in.moved.L = &in.mu
	return in
}

// fill reads until the socket fails or is closed, and gives the reason.
func (in *intake) fill(c net.Conn) error {
	piece := make([]byte, readPiece)
	for {
		n, err := c.Read(piece)
		in.mu.Lock()
		for err == nil && in.err == nil && len(in.buf)-in.off >= max(intakeBytes, in.need) {
			in.moved.Wait()
		}
		in.buf = append(in.buf, piece[:n]...)
		if err != nil && in.err == nil {
			in.err = err
		}
		in.moved.Broadcast()
		over := in.err
		in.mu.Unlock()
		if over != nil {
			return over
		}
	}
}

// close ends fill's waits; the socket must be closed beside.
func (in *intake) close() {
	in.mu.Lock()
	if in.err == nil {
		in.err = io.EOF
	}
	in.moved.Broadcast()
	in.mu.Unlock()
}

// interrupt makes the consumer's waits end with errInterrupted.
func (in *intake) interrupt(why error) {
	in.mu.Lock()
	if in.stop == nil {
		in.stop = why
	}
	in.moved.Broadcast()
	in.mu.Unlock()
}

// resume takes an interruption back.
func (in *intake) resume() {
	in.mu.Lock()
	in.stop = nil
	in.mu.Unlock()
}

// reason is why the consumer was interrupted.
func (in *intake) reason() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stop
}

// wait waits for n bytes beyond the first skip and gives all of them. They stay in
// the buffer. With idle set an interruption counts before bytes that are there.
func (in *intake) wait(n int, idle bool) ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.need = n
	for {
		have := len(in.buf) - in.off
		switch {
		case in.stop != nil && (idle || have < n):
			return nil, errInterrupted
		case have >= n:
			return in.buf[in.off : in.off+n : in.off+n], nil
		case in.err != nil:
			if have > 0 && errors.Is(in.err, io.EOF) {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, in.err
		}
		in.compact(n)
		in.moved.Broadcast()
		in.moved.Wait()
	}
}

// compact makes room for n bytes; the consumer holds no slice.
func (in *intake) compact(n int) {
	have := len(in.buf) - in.off
	switch {
	case have == 0 && cap(in.buf) > keptIntake && n <= keptIntake:
		in.buf, in.off = nil, 0
	case in.off > 0 && (have == 0 || in.off >= cap(in.buf)/2):
		in.buf = in.buf[:copy(in.buf, in.buf[in.off:])]
		in.off = 0
	}
}

// use takes n bytes, which wait gave, out of the buffer. They stay good until the
// next wait.
func (in *intake) use(n int) {
	in.mu.Lock()
	in.off += n
	in.moved.Broadcast()
	in.mu.Unlock()
}
