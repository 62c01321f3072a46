package pgwire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xdg-go/scram"
)

func TestPassword(t *testing.T) {
	n := startNode(t, nil)
	if e := n.login(t).exec("create user ann password 'pässword'"); e != "" {
		t.Fatal(e)
	}
	for password, want := range map[string]string{"pässword": "",
		"wrong": "Error FATAL 28P01: password authentication failed for user \"ann\""} {
		c := n.dial(t)
		c.startup("user", "ann", "database", "millrace")
		if got := c.scram(password); got != want {
			t.Errorf("%s: %s", password, got)
		}
	}
}

// scram logs in with a password and gives the error.
func (c *client) scram(password string) string {
	kind, body := c.read()
	if kind != 'R' || binary.BigEndian.Uint32(body) != 10 {
		c.t.Fatal(show(kind, body))
	}
	// As libpq does: no user name.
	lib, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		c.t.Fatal(err)
	}
	talk := lib.NewConversation()
	first, err := talk.Step("")
	if err != nil {
		c.t.Fatal(err)
	}
	b := binary.BigEndian.AppendUint32(cstring("SCRAM-SHA-256"), uint32(len(first)))
	c.send('p', append(b, first...))
	kind, body = c.read()
	if kind != 'R' || binary.BigEndian.Uint32(body) != 11 {
		return show(kind, body)
	}
	final, err := talk.Step(string(body[4:]))
	if err != nil {
		c.t.Fatal(err)
	}
	c.send('p', []byte(final))
	if kind, body = c.read(); kind != 'R' {
		return show(kind, body)
	}
	if _, err := talk.Step(string(body[4:])); err != nil || !talk.Valid() {
		c.t.Fatalf("the server's proof: %v", err)
	}
	return ""
}

func TestCancelRequest(t *testing.T) {
	n := startNode(t, nil)
	c := n.dial(t)
	c.startup("user", "millrace")
	c.startup0(t)
	key := c.key(t)
	c.send('Q', cstring("select pg_sleep(777)"))
	n.clock.await(777 * time.Second)
	for _, wrong := range []bool{true, false} {
		k := append([]byte(nil), key...)
		if wrong {
			k[7] ^= 1
		}
		other := n.dial(t)
		other.write([]byte{0, 0, 0, 16, 4, 210, 22, 46}, k)
		if _, err := other.r.ReadByte(); err != io.EOF {
			t.Errorf("answer to a cancel request: %v", err)
		}
	}
	kind, body := c.read()
	if got := show(kind, body); got !=
		"Error ERROR 57014: canceling statement due to user request" {
		t.Error(got)
	}
}

func TestShutdown(t *testing.T) {
	n := startNode(t, nil)
	idle, busy := n.login(t), n.login(t)
	busy.send('Q', cstring("select pg_sleep(777)"))
	n.clock.await(777 * time.Second)
	if err := n.server.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "Error FATAL 57P01: terminating connection due to administrator command"
	for _, c := range []*client{idle, busy} {
		kind, body := c.read()
		if got := show(kind, body); got != want {
			t.Error(got)
		}
		if kind, _ := c.read(); kind != 0 {
			t.Error("the connection stays open")
		}
	}
}

func TestTooManyClients(t *testing.T) {
	n := startNode(t, func(c *Config) { c.MaxConnections = 1 })
	first := n.login(t)
	c := n.dial(t)
	c.startup("user", "millrace")
	for {
		kind, body := c.read()
		if kind == 'R' {
			continue
		}
		if got := show(kind, body); !strings.HasPrefix(got,
			"Error FATAL 53300: sorry, too many clients already") {
			t.Error(got)
		}
		break
	}
	if e := first.exec("select 1"); e != "" {
		t.Error(e)
	}
}

// TestAbruptEnd cuts clients off in the middle of statements: the statements end,
// nothing of a COPY stays, others go on.
func TestAbruptEnd(t *testing.T) {
	n := startNode(t, func(c *Config) { c.Grace = 99 * time.Second })
	c := n.login(t)
	if e := c.exec("create stream s (a int) with (partitions = 1)"); e != "" {
		t.Fatal(e)
	}
	stream := n.login(t)
	stream.send('Q', cstring("select a from s emit changes"))
	for kind := byte(0); kind != 'T'; kind, _ = stream.read() {
	}
	sleeper := n.login(t)
	sleeper.send('Q', cstring("select pg_sleep(777)"))
	n.clock.await(777 * time.Second)
	copier := n.login(t)
	copier.send('Q', cstring("begin; copy s from stdin"))
	for kind := byte(0); kind != 'G'; kind, _ = copier.read() {
	}
	copier.send('d', []byte("1\n2\n"))
	for _, x := range []*client{stream, sleeper, copier} {
		x.nc.Close()
	}
	n.waitConns(t, 1, 99*time.Second)
	if e := c.exec("insert into s values (1)"); e != "" {
		t.Error(e)
	}
	c.send('Q', cstring("select count(*) from s"))
	c.read()
	kind, body := c.read()
	if got := show(kind, body); got != `Row ["1"]` {
		t.Error(got)
	}
}

// waitConns waits until so many connections are left; the clock goes on for those
// that wait for grace.
func (n *testNode) waitConns(t *testing.T, want int, grace time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		n.clock.release(grace)
		n.server.mu.Lock()
		left := len(n.server.conns)
		n.server.mu.Unlock()
		if left == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", left)
		}
	}
}

func TestTLS(t *testing.T) {
	n := startNode(t, func(c *Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	})
	c := n.dial(t)
	c.write([]byte{0, 0, 0, 8, 4, 210, 22, 47})
	if b, err := c.r.ReadByte(); b != 'S' || err != nil {
		t.Fatalf("%q %v", b, err)
	}
	secure := tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true})
	c.nc = secure
	c.r.Reset(secure)
	c.startup("user", "millrace", "database", "millrace")
	c.startup0(t)
	for kind := byte(0); kind != 'Z'; kind, _ = c.read() {
	}
	if e := c.exec("select 1"); e != "" {
		t.Error(e)
	}
}

// startup0 reads AuthenticationOk.
func (c *client) startup0(t *testing.T) {
	t.Helper()
	if kind, body := c.read(); kind != 'R' || binary.BigEndian.Uint32(body) != 0 {
		t.Fatal(show(kind, body))
	}
}

// key reads up to BackendKeyData.
func (c *client) key(t *testing.T) (key []byte) {
	t.Helper()
	for {
		kind, body := c.read()
		switch kind {
		case 'K':
			key = body
		case 'Z':
			return key
		case 0, 'E':
			t.Fatal(show(kind, body))
		}
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestSlowSubscriber lets a subscriber not read: writers do not notice, and it is cut
// off instead of filling the memory.
func TestSlowSubscriber(t *testing.T) {
	n := startNode(t, nil)
	c := n.login(t)
	if e := c.exec("create stream s (v text) with (partitions = 1)"); e != "" {
		t.Fatal(e)
	}
	slow := n.login(t)
	slow.exec("set subscriber_buffer = '1MB'")
	slow.send('Q', cstring("select v from s emit changes"))
	for kind := byte(0); kind != 'T'; kind, _ = slow.read() {
	}
	for range 24 { // more than the sockets' buffers take
		if e := c.exec("insert into s select repeat('x', 1000000)"); e != "" {
			t.Fatal(e)
		}
	}
	for {
		kind, body := slow.read()
		switch kind {
		case 'D':
			continue
		case 'E':
			if got := show(kind, body); !strings.HasPrefix(got, "Error ERROR 57P05: "+
				"terminating subscription because the client reads too slowly") {
				t.Error(got)
			}
		default:
			t.Errorf("%q instead of an error", kind)
		}
		break
	}
	if e := slow.exec("select 1"); e != "" {
		t.Error(e)
	}
}
