package pgwire

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/millracedb/millrace/pgwire/session"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// Codes of the first message.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
	version3   = 3 << 16
)

// Bounds of the first message, length included; PostgreSQL's.
const (
	minStartup = 8
	maxStartup = 10_000
)

// errSilent closes a connection without a word.
var errSilent = errors.New("pgwire: not a client of this protocol")

// startup is what a client asked for.
type startup struct {
	user, database string
	settings       []session.Parameter
	unknown        []string // protocol options that are not known
	minor          int
}

// readStartup reads up to the start-up message: refuses encryption or begins TLS,
// serves a cancel request (nil, nil then).
func (c *conn) readStartup() (*startup, error) {
	for range 3 {
		code, body, err := c.readFirst()
		if err != nil {
			return nil, err
		}
		switch code {
		case codeCancel:
			c.cancelRequest(body)
			return nil, nil
		case codeSSL:
			err = c.beginTLS()
		case codeGSS:
			_, err = c.nc.Write([]byte{'N'})
		default:
			return parseStartup(code, body)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, errSilent
}

// readFirst reads a message without a type byte.
func (c *conn) readFirst() (code int, body []byte, err error) {
	var h [8]byte
	if _, err := io.ReadFull(c.nc, h[:4]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(h[:])
	if n < minStartup || n > maxStartup {
		return 0, nil, errSilent
	}
	if _, err := io.ReadFull(c.nc, h[4:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, n-8)
	if _, err := io.ReadFull(c.nc, body); err != nil {
		return 0, nil, err
	}
	return int(int32(binary.BigEndian.Uint32(h[4:]))), body, nil
}

func (c *conn) cancelRequest(body []byte) {
	if len(body) == 8 {
		c.server.host.Cancel(int32(binary.BigEndian.Uint32(body)),
			binary.BigEndian.Uint32(body[4:]))
	}
}

// beginTLS answers SSLRequest. Nothing of what came so far was read ahead, so that
// nobody in between can put words before the handshake.
func (c *conn) beginTLS() error {
	cfg := c.server.cfg.TLS
	if cfg == nil || c.secure {
		_, err := c.nc.Write([]byte{'N'})
		return err
	}
	if _, err := c.nc.Write([]byte{'S'}); err != nil {
		return err
	}
	t := tls.Server(c.nc, cfg)
	if err := t.Handshake(); err != nil {
		return err
	}
	c.nc, c.w.conn, c.secure = t, t, true
	return nil
}

// parseStartup reads the parameters of a start-up message.
func parseStartup(code int, body []byte) (*startup, error) {
	major, minor := code>>16, code&0xffff
	switch {
	case major < 3:
		return nil, errSilent
	case major > 3:
		e := sqlerr.New(sqlerr.FeatureNotSupported,
			"unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", major, minor)
		e.Fatal = true
		return nil, e
	}
	u := &startup{minor: minor}
	for {
		name, rest, ok := bytes.Cut(body, []byte{0})
		if ok && len(name) == 0 && len(rest) == 0 {
			break
		}
		value, rest, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 || len(name) == 0 {
			return nil, fatalProtocol(
				"invalid startup packet layout: expected terminator as last byte")
		}
		body = rest
		if err := u.param(string(name), string(value)); err != nil {
			return nil, err
		}
	}
	if u.user == "" {
		e := sqlerr.New(sqlerr.InvalidAuthorizationSpecification,
			"no PostgreSQL user name specified in startup packet")
		e.Fatal = true
		return nil, e
	}
	if u.database == "" {
		u.database = u.user
	}
	return u, nil
}

func (u *startup) param(name, value string) error {
	switch {
	case name == "user":
		u.user = value
	case name == "database":
		u.database = value
	case name == "options":
		u.options(value)
	case name == "replication":
		switch strings.ToLower(value) {
		case "", "false", "off", "no", "0":
			return nil
		}
		e := sqlerr.Unsupported("streaming replication",
			"Read changes with SELECT ... EMIT CHANGES.")
		e.Fatal = true
		return e
	case strings.HasPrefix(name, "_pq_."):
		u.unknown = append(u.unknown, name)
	case name == "client_encoding":
		u.set(name, strings.Trim(value, "'"))
	default:
		u.set(name, value)
	}
	return nil
}

func (u *startup) set(name, value string) {
	u.settings = append(u.settings, session.Parameter{Name: name, Value: value})
}

// options reads -c name=value and --name=value; a backslash keeps a blank.
func (u *startup) options(text string) {
	var words []string
	var word []byte
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			word = append(word, text[i])
		case text[i] == ' ' || text[i] == '\t':
			if len(word) > 0 {
				words = append(words, string(word))
				word = nil
			}
		default:
			word = append(word, text[i])
		}
	}
	if len(word) > 0 {
		words = append(words, string(word))
	}
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			w = words[i]
		case strings.HasPrefix(w, "-c"):
			w = w[2:]
		case strings.HasPrefix(w, "--"):
			w = strings.ReplaceAll(w[2:], "-", "_")
		default:
			continue
		}
		if name, value, ok := strings.Cut(w, "="); ok {
			u.set(name, value)
		}
	}
}

// begin brings a connection to where it takes statements.
func (c *conn) begin() error {
	if err := c.nc.SetDeadline(time.Now().Add(c.server.cfg.AuthTimeout)); err != nil {
		return err
	}
	u, err := c.readStartup()
	if err != nil || u == nil {
		return err
	}
	if u.minor > 0 || len(u.unknown) > 0 {
		if err := c.negotiate(u); err != nil {
			return err
		}
	}
	if err := c.authenticate(u); err != nil {
		return err
	}
	c.w.begin('R')
	c.w.buf = binary.BigEndian.AppendUint32(c.w.buf, 0)
	if err := c.w.end(); err != nil {
		return err
	}
	c.session, err = c.server.host.Open(session.Options{User: u.user, Database: u.database,
		Door: "wire", Address: clientHost(c.nc), Settings: u.settings})
	if err != nil {
		return err
	}
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if err := c.reports(); err != nil {
		return err
	}
	c.w.begin('K')
	c.w.buf = binary.BigEndian.AppendUint32(c.w.buf, uint32(c.session.PID()))
	c.w.buf = binary.BigEndian.AppendUint32(c.w.buf, c.session.Key())
	return c.w.end()
}

// negotiate says that 3.0 is the newest protocol, and which options are not known.
func (c *conn) negotiate(u *startup) error {
	c.w.begin('v')
	c.w.buf = binary.BigEndian.AppendUint32(c.w.buf, version3)
	c.w.buf = binary.BigEndian.AppendUint32(c.w.buf, uint32(len(u.unknown)))
	for _, n := range u.unknown {
		c.w.buf = append(c.w.buf, n...)
		c.w.buf = append(c.w.buf, 0)
	}
	return c.w.end()
}

// clientHost gives the client's address without the port.
func clientHost(nc net.Conn) string {
	a := nc.RemoteAddr()
	if a == nil {
		return ""
	}
	if host, _, err := net.SplitHostPort(a.String()); err == nil {
		return host
	}
	return ""
}

// local tells whether the client is on this machine.
func local(nc net.Conn) bool {
	switch a := nc.RemoteAddr().(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	case nil:
		return false
	}
	return nc.RemoteAddr().Network() == "pipe"
}
