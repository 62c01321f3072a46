// Package memnet is a network in memory for clusters within one process: connections that can be
// cut, frozen and healed between any two hosts.
//
// It is not a model of bandwidth or delay; a connection is a pipe without a buffer. Its one
// invariant: bytes arrive in order and unchanged or not at all.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Network connects hosts by name. The zero value is not usable; see New.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	conns     map[*conn]struct{}
	cut       map[[2]string]bool          // dials fail
	frozen    map[[2]string]chan struct{} // bytes wait; closed when they may go on
}

// New returns a network without hosts.
func New() *Network {
	return &Network{
		listeners: map[string]*listener{}, conns: map[*conn]struct{}{},
		cut: map[[2]string]bool{}, frozen: map[[2]string]chan struct{}{},
	}
}

// Host is the network as one host sees it. It implements transport.Network: the host listens on
// its own name, whatever address is asked for, and dials the names of others.
type Host struct {
	net  *Network
	name string
}

// Host returns the host of that name.
func (n *Network) Host(name string) Host { return Host{net: n, name: name} }

// Cut resets the connections from one host to the other and refuses new ones, one way: those that
// b has dialed to a stay. Cut both ways for a partition.
func (n *Network) Cut(a, b string) {
	n.mu.Lock()
	n.cut[[2]string{a, b}] = true
	n.mu.Unlock()
	n.Reset(a, b)
}

// Reset closes the connections that a has dialed to b.
func (n *Network) Reset(a, b string) {
	n.mu.Lock()
	var dead []*conn
	for c := range n.conns {
		if c.from == a && c.to == b {
			dead = append(dead, c)
		}
	}
	n.mu.Unlock()
	for _, c := range dead {
		c.Close()
	}
}

// Freeze makes the bytes from a to b wait, as on a path that loses every packet.
func (n *Network) Freeze(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen[[2]string{a, b}] == nil {
		n.frozen[[2]string{a, b}] = make(chan struct{})
	}
}

// Heal ends Cut and Freeze from a to b.
func (n *Network) Heal(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cut, [2]string{a, b})
	if ch := n.frozen[[2]string{a, b}]; ch != nil {
		close(ch)
		delete(n.frozen, [2]string{a, b})
	}
}

// gate is the channel to wait for before bytes may go from a to b, nil if they may.
func (n *Network) gate(a, b string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frozen[[2]string{a, b}]
}

// Listen makes the host reachable under its name.
func (h Host) Listen(string) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.net.listeners[h.name] != nil {
		return nil, fmt.Errorf("listen on %s: address in use", h.name)
	}
	l := &listener{host: h, queue: make(chan net.Conn), done: make(chan struct{})}
	h.net.listeners[h.name] = l
	return l, nil
}

// Dial connects to the host of that name.
func (h Host) Dial(ctx context.Context, addr string) (net.Conn, error) {
	n := h.net
	for _, way := range [][2]string{{h.name, addr}, {addr, h.name}} {
		if gate := n.gate(way[0], way[1]); gate != nil { // no answer to the first packet
			select {
			case <-gate:
			case <-ctx.Done():
				return nil, fmt.Errorf("dial %s: %w", addr, ctx.Err())
			}
		}
	}
	n.mu.Lock()
	l := n.listeners[addr]
	if l == nil || n.cut[[2]string{h.name, addr}] {
		n.mu.Unlock()
		return nil, fmt.Errorf("dial %s: connection refused", addr)
	}
	near, far := net.Pipe()
	a := &conn{Conn: near, net: n, from: h.name, to: addr, src: h.name, dst: addr,
		done: make(chan struct{})}
	b := &conn{Conn: far, net: n, from: h.name, to: addr, src: addr, dst: h.name,
		done: make(chan struct{})}
	n.conns[a], n.conns[b] = struct{}{}, struct{}{}
	n.mu.Unlock()
	select {
	case l.queue <- b:
		return a, nil
	case <-l.done:
	case <-ctx.Done():
	}
	return nil, errors.Join(fmt.Errorf("dial %s: connection refused", addr), a.Close(), b.Close())
}

type listener struct {
	host  Host
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.host.net.mu.Lock()
		delete(l.host.net.listeners, l.host.name)
		l.host.net.mu.Unlock()
	})
	return nil
}

func (l *listener) Addr() net.Addr { return addr(l.host.name) }

type addr string

func (addr) Network() string  { return "memory" }
func (a addr) String() string { return string(a) }

// conn is one end of a connection that from has dialed to to.
type conn struct {
	net.Conn
	net      *Network
	from, to string
	src, dst string // direction of this end's writes
	done     chan struct{}
	once     sync.Once
}

func (c *conn) Write(b []byte) (int, error) {
	for gate := c.net.gate(c.src, c.dst); gate != nil; gate = c.net.gate(c.src, c.dst) {
		select {
		case <-gate:
		case <-c.done:
			return 0, net.ErrClosed
		}
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.net.mu.Lock()
		delete(c.net.conns, c)
		c.net.mu.Unlock()
	})
	return c.Conn.Close()
}

func (c *conn) LocalAddr() net.Addr  { return addr(c.src) }
func (c *conn) RemoteAddr() net.Addr { return addr(c.dst) }
