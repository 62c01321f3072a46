package pgwire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgproto3/v2"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/xdg-go/scram"
)

const mechanism = "SCRAM-SHA-256"

// authenticate lets a client show who it is: by a password where the role has one;
// a role without one may come from this machine only.
func (c *conn) authenticate(u *startup) error {
	h := c.server.host
	secret := h.Secret(u.user)
	if secret != "" {
		return c.scram(u.user, secret)
	}
	if local(c.nc) || c.server.cfg.Insecure {
		return nil // that the role exists is Open's to check
	}
	// Whoever asks from elsewhere does not learn which roles exist.
	return c.scram(u.user, c.mockSecret(u.user))
}

// mockSecret is a verifier that no password fits, the same each time for a user.
func (c *conn) mockSecret(user string) string {
	s := c.server
	s.mu.Lock()
	if s.mockKey == 0 {
		s.mockKey = s.cfg.Random() | 1
	}
	key := s.mockKey
	s.mu.Unlock()
	sum := func(part string) string {
		b := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(part+user), key))
		return string(b[:])
	}
	b64 := base64.StdEncoding.EncodeToString
	return mechanism + "$4096:" + b64([]byte(sum("salt")[:16])) + "$" + b64([]byte(sum("stored"))) +
		":" + b64([]byte(sum("server")))
}

// parseSecret reads a verifier: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.
func parseSecret(secret string) (creds scram.StoredCredentials, err error) {
	bad := errors.New("pgwire: password verifier cannot be read")
	rest, ok := strings.CutPrefix(secret, mechanism+"$")
	factors, keys, ok2 := strings.Cut(rest, "$")
	iters, salt, ok3 := strings.Cut(factors, ":")
	stored, server, ok4 := strings.Cut(keys, ":")
	if !ok || !ok2 || !ok3 || !ok4 {
		return creds, bad
	}
	if creds.Iters, err = strconv.Atoi(iters); err != nil || creds.Iters < 1 {
		return creds, bad
	}
	var parts [3][]byte
	for i, p := range []string{salt, stored, server} {
		if parts[i], err = base64.StdEncoding.DecodeString(p); err != nil {
			return creds, bad
		}
	}
	creds.Salt, creds.StoredKey, creds.ServerKey = string(parts[0]), parts[1], parts[2]
	return creds, nil
}

// scram runs SCRAM-SHA-256. The start-up message's user counts, not the one in
// the conversation, which libpq leaves empty.
func (c *conn) scram(user, secret string) error {
	creds, err := parseSecret(secret)
	if err != nil {
		return err
	}
	srv, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return creds, nil
	})
	if err != nil {
		return err
	}
	srv.WithNonceGenerator(func() string {
		var b [18]byte
		for i := 0; i < len(b); i += 6 {
			v := binary.LittleEndian.AppendUint64(nil, c.server.cfg.Random())
			copy(b[i:], v[:6])
		}
		return base64.StdEncoding.EncodeToString(b[:])
	})
	talk := srv.NewConversation()
	if err := c.w.message(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{mechanism}}); err != nil {
		return err
	}
	first, err := c.saslFirst()
	if err != nil {
		return err
	}
	answer, err := talk.Step(first)
	if err != nil {
		return c.refuse(user)
	}
	if err := c.w.message(&pgproto3.AuthenticationSASLContinue{Data: []byte(answer)}); err != nil {
		return err
	}
	proof, err := c.readPassword()
	if err != nil {
		return err
	}
	answer, err = talk.Step(string(proof))
	if err != nil || !talk.Valid() {
		return c.refuse(user)
	}
	return c.w.message(&pgproto3.AuthenticationSASLFinal{Data: []byte(answer)})
}

func (c *conn) refuse(user string) error {
	e := sqlerr.New(sqlerr.InvalidPassword, "password authentication failed for user \"%s\"", user)
	e.Fatal = true
	return e
}

// saslFirst reads SASLInitialResponse: the mechanism and the first message.
func (c *conn) saslFirst() (string, error) {
	b, err := c.readPassword()
	if err != nil {
		return "", err
	}
	r := &body{b: b}
	r.text()
	n := r.int32()
	if r.bad || n < 0 || n != len(r.b) {
		return "", fatalProtocol("malformed SCRAM message")
	}
	if name := string(b[:len(b)-len(r.b)-5]); name != mechanism {
		return "", fatalProtocol("client selected an invalid SASL authentication mechanism")
	}
	return string(r.b), nil
}

// readPassword reads a message of type p.
func (c *conn) readPassword() ([]byte, error) {
	if err := c.w.flush(); err != nil {
		return nil, err
	}
	var h [5]byte
	if _, err := io.ReadFull(c.nc, h[:]); err != nil {
		return nil, err
	}
	n := int(int32(binary.BigEndian.Uint32(h[1:]))) - 4
	switch {
	case h[0] != 'p':
		return nil, fatalProtocol("expected SASL response, got message type %d", h[0])
	case n < 0 || n > maxBodyBefore:
		return nil, fatalProtocol("invalid message length")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.nc, b)
	return b, err
}
