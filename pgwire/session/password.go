package session

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/xdg-go/scram"
)

// scramIterations is PostgreSQL's default.
const scramIterations = 4096

const verifierPrefix = "SCRAM-SHA-256$"

// hashPassword replaces a password among the options of a role by its verifier:
// the catalog never holds a password.
func (s *Session) hashPassword(opts []sql.Option) ([]sql.Option, error) {
	for i, o := range opts {
		c, ok := o.Value.(*sql.Const)
		if lower(o.Name) != "password" || !ok || c.Kind != sql.StrConst {
			continue
		}
		if strings.HasPrefix(c.Val, verifierPrefix) {
			continue
		}
		if strings.HasPrefix(c.Val, "md5") && len(c.Val) == 35 {
			return nil, sqlerr.Unsupported("an MD5 password",
				"Give the password itself, or a SCRAM-SHA-256 verifier.")
		}
		v, err := s.host.verifier(c.Val)
		if err != nil {
			return nil, err
		}
		out := append([]sql.Option(nil), opts...)
		k := *c
		k.Val = v
		out[i].Value = &k
		opts = out
	}
	return opts, nil
}

// verifier makes the SCRAM-SHA-256 verifier of a password in PostgreSQL's form.
func (h *Host) verifier(password string) (string, error) {
	client, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		// PostgreSQL takes passwords that SASLprep refuses as they are.
		if client, err = scram.SHA256.NewClientUnprepped("", password, ""); err != nil {
			return "", fmt.Errorf("make password verifier: %w", err)
		}
	}
	salt := make([]byte, 16)
	binary.LittleEndian.PutUint64(salt, h.random())
	binary.LittleEndian.PutUint64(salt[8:], h.random())
	keys, err := client.GetStoredCredentialsWithError(scram.KeyFactors{
		Salt: string(salt), Iters: scramIterations})
	if err != nil {
		return "", fmt.Errorf("make password verifier: %w", err)
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s%d:%s$%s:%s", verifierPrefix, scramIterations, b64(salt),
		b64(keys.StoredKey), b64(keys.ServerKey)), nil
}
