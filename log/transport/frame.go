package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// frameKind says what a frame carries.
type frameKind uint8

const (
	kindAppend frameKind = iota + 1
	kindVote
	kindPreVote
	kindTimeoutNow
	kindInstall
	kindCall
	kindCancel // the caller of that sequence number no longer waits
	kindPing
	kindAnswer
	kindError // an answer that is an error's text
	kindEnd
)

const (
	headerSize = 28

	// maxFrame bounds one message. Raft sends at most 64 entries of 512 KiB; a forwarded
	// transaction is 64 MiB at most by default.
	maxFrame = 256 << 20
	// maxControl bounds a message on the control lane: votes and heartbeats are some hundred
	// bytes, node names included.
	maxControl = 64 << 10
	// trustedBytes is how much memory a length alone may claim; the rest is allocated as the
	// bytes arrive.
	trustedBytes = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrFrame is wrapped by every error about bytes that are not a frame. The connection is closed:
// after it nothing can be found in the stream again.
var ErrFrame = errors.New("malformed frame")

// header precedes every message.
type header struct {
	length int
	kind   frameKind
	sub    uint16 // call: its Kind
	group  uint32 // Raft group
	seq    uint64 // request number of the dialer; answers repeat it
	crc    uint32 // of the payload
}

func putHeader(b []byte, h *header) {
	le := binary.LittleEndian
	le.PutUint32(b, uint32(h.length))
	b[4], b[5] = byte(h.kind), 0
	le.PutUint16(b[6:], h.sub)
	le.PutUint32(b[8:], h.group)
	le.PutUint64(b[12:], h.seq)
	le.PutUint32(b[20:], h.crc)
	le.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
}

// getHeader checks everything that can be checked before a byte is allocated.
func getHeader(b []byte, limit int, h *header) error {
	le := binary.LittleEndian
	if crc32.Checksum(b[:24], castagnoli) != le.Uint32(b[24:]) {
		return fmt.Errorf("%w: header checksum does not match", ErrFrame)
	}
	n := le.Uint32(b)
	if uint64(n) > uint64(limit) {
		return fmt.Errorf("%w: %d bytes, at most %d are taken here", ErrFrame, n, limit)
	}
	*h = header{
		length: int(n), kind: frameKind(b[4]), sub: le.Uint16(b[6:]), group: le.Uint32(b[8:]),
		seq: le.Uint64(b[12:]), crc: le.Uint32(b[20:]),
	}
	if h.kind < kindAppend || h.kind >= kindEnd || b[5] != 0 {
		return fmt.Errorf("%w: kind %d", ErrFrame, h.kind)
	}
	return nil
}

// readFrame reads one message. scratch holds the header; the payload is newly allocated.
func readFrame(r io.Reader, scratch *[headerSize]byte, limit int, h *header) ([]byte, error) {
	if _, err := io.ReadFull(r, scratch[:]); err != nil {
		return nil, err
	}
	if err := getHeader(scratch[:], limit, h); err != nil {
		return nil, err
	}
	payload, err := readPayload(r, h.length)
	if err != nil {
		return nil, err
	}
	if crcOf(payload) != h.crc {
		return nil, fmt.Errorf("%w: payload checksum does not match", ErrFrame)
	}
	return payload, nil
}

// readPayload reads n bytes, never holding much more memory than has arrived.
func readPayload(r io.Reader, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, min(n, trustedBytes))
	at := 0
	for {
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		at = len(b)
		if at == n {
			return b, nil
		}
		bigger := make([]byte, min(n, 2*len(b)))
		copy(bigger, b)
		b = bigger
	}
}

// decoder takes values from a payload; the first shortage makes all that follow zero and bad true.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) u8() uint8 {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if v := d.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

// bytes takes a length of two bytes and as many bytes; they alias the payload.
func (d *decoder) bytes() []byte {
	v := d.take(2)
	if v == nil {
		return nil
	}
	return d.take(int(binary.LittleEndian.Uint16(v)))
}

// end demands that nothing is left.
func (d *decoder) end() error {
	if d.bad {
		return fmt.Errorf("%w: message is too short", ErrFrame)
	}
	if len(d.b) > 0 {
		return fmt.Errorf("%w: %d bytes behind the message", ErrFrame, len(d.b))
	}
	return nil
}

// putBytes appends a length of two bytes and the bytes; longer names are refused by Open.
func putBytes(b, v []byte) []byte {
	v = v[:min(len(v), 1<<16-1)]
	b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
