package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
)

// lane is one of the connections that a node dials to a peer.
type lane uint8

const (
	laneControl lane = iota
	laneData
	laneCalls
	lanes
)

func (l lane) String() string {
	switch l {
	case laneControl:
		return "control"
	case laneData:
		return "data"
	case laneCalls:
		return "calls"
	}
	return fmt.Sprintf("lane %d", uint8(l))
}

// limit is the largest message on the lane.
func (l lane) limit() int {
	if l == laneControl {
		return maxControl
	}
	return maxFrame
}

const (
	helloMagic   = 0x31504e4c // "LNP1", little endian
	helloVersion = 1
	// maxHello bounds what a stranger can make us read and keep.
	maxHello = 2 << 10
	maxName  = 255
)

// ErrWrongNode is returned when another node than the one asked for answers at an address, or one
// of another cluster.
var ErrWrongNode = errors.New("another node answers at this address")

// hello is the first message in both directions.
type hello struct {
	lane    lane
	cluster string // cluster's name; both must agree
	node    string // who speaks
	target  string // whom it wants to speak to, "" if anyone
	refusal string // acceptor only: why it hangs up
}

func (h *hello) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, 8, 128)
	b = append(b, byte(h.lane))
	for _, s := range []string{h.cluster, h.node, h.target, h.refusal} {
		b = putBytes(b, []byte(s))
	}
	le.PutUint32(b, helloMagic)
	le.PutUint16(b[4:], helloVersion)
	le.PutUint16(b[6:], uint16(len(b)-8))
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func readHello(r io.Reader) (*hello, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if le.Uint32(head[:]) != helloMagic {
		return nil, fmt.Errorf("%w: not a node of Millrace", ErrFrame)
	}
	if v := le.Uint16(head[4:]); v != helloVersion {
		return nil, fmt.Errorf("%w: the peer speaks version %d, this node %d", ErrFrame, v, helloVersion)
	}
	n := int(le.Uint16(head[6:]))
	if n > maxHello {
		return nil, fmt.Errorf("%w: greeting of %d bytes", ErrFrame, n)
	}
	b := make([]byte, 8+n+4)
	copy(b, head[:])
	if _, err := io.ReadFull(r, b[8:]); err != nil {
		return nil, err
	}
	if crc32.Checksum(b[:8+n], castagnoli) != le.Uint32(b[8+n:]) {
		return nil, fmt.Errorf("%w: greeting's checksum does not match", ErrFrame)
	}
	d := decoder{b: b[8 : 8+n]}
	h := &hello{lane: lane(d.u8())}
	for _, s := range []*string{&h.cluster, &h.node, &h.target, &h.refusal} {
		*s = string(d.bytes())
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if h.lane >= lanes {
		return nil, fmt.Errorf("%w: %v", ErrFrame, h.lane)
	}
	return h, nil
}

// greet is the dialer's side; it returns the name of the node that answers.
func (m *Mux) greet(c net.Conn, l lane, target string) (string, error) {
	me := &hello{lane: l, cluster: m.opts.Cluster, node: m.opts.NodeID, target: target}
	if _, err := c.Write(me.encode()); err != nil {
		return "", err
	}
	h, err := readHello(c)
	if err != nil {
		return "", err
	}
	if h.refusal != "" {
		return "", fmt.Errorf("%w: %s", ErrWrongNode, h.refusal)
	}
	if h.cluster != m.opts.Cluster || target != "" && h.node != target {
		return "", fmt.Errorf("%w: %q of cluster %q", ErrWrongNode, h.node, h.cluster)
	}
	return h.node, nil
}

// welcome is the acceptor's side.
func (m *Mux) welcome(c net.Conn) (*hello, error) {
	h, err := readHello(c)
	if err != nil {
		return nil, err
	}
	me := &hello{lane: h.lane, cluster: m.opts.Cluster, node: m.opts.NodeID}
	switch {
	case h.cluster != m.opts.Cluster:
		me.refusal = fmt.Sprintf("node %q belongs to another cluster", m.opts.NodeID)
	case h.target != "" && h.target != m.opts.NodeID:
		me.refusal = fmt.Sprintf("this is node %q, not %q", m.opts.NodeID, h.target)
	}
	if _, err := c.Write(me.encode()); err != nil {
		return nil, err
	}
	if me.refusal != "" {
		return nil, fmt.Errorf("%w: %s", ErrWrongNode, me.refusal)
	}
	return h, nil
}
