package transport

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// TCP is the real network.
type TCP struct {
	// TLS encrypts and authenticates both directions; nil means neither.
	TLS *tls.Config
}

// keepAlive finds a dead peer behind a connection that nobody writes to.
const keepAlive = 15 * time.Second

// Dial implements Network.
func (t TCP) Dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: keepAlive}
	if t.TLS == nil {
		return d.DialContext(ctx, "tcp", addr)
	}
	s := tls.Dialer{NetDialer: &d, Config: t.TLS}
	return s.DialContext(ctx, "tcp", addr)
}

// Listen implements Network.
func (t TCP) Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil || t.TLS == nil {
		return l, err
	}
	return tls.NewListener(l, t.TLS), nil
}
