package expr

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// The functions of extensions that many schemas begin with are built in.
// https://www.postgresql.org/docs/15/pgcrypto.html
// https://www.postgresql.org/docs/15/uuid-ossp.html
// https://www.postgresql.org/docs/15/fuzzystrmatch.html

// builtinExtensions are those whose functions are here, or are the server's own.
var builtinExtensions = map[string]bool{
	"plpgsql": true, "pgcrypto": true, "uuid-ossp": true, "fuzzystrmatch": true,
}

// BuiltinExtension tells whether the functions of an extension of PostgreSQL are always there.
func BuiltinExtension(name string) bool { return builtinExtensions[name] }

func defineExtensions(r *registry) {
	definePgcrypto(r)
	defineUUIDs(r)
	defineFuzzy(r)
}

func definePgcrypto(r *registry) {
	for _, t := range []string{"text", "bytea"} {
		r.fn("digest("+t+", text) bytea", digest,
			"hash with an algorithm: md5, sha1, sha224, sha256, sha384 or sha512 (pgcrypto)",
			"digest('abc'::"+t+", 'sha1')")
		r.fn("hmac("+t+", "+t+", text) bytea", hmacOf,
			"hash with a key and an algorithm, RFC 2104 (pgcrypto)",
			"hmac('data'::"+t+", 'key'::"+t+", 'sha256')")
	}
	r.fn("gen_random_bytes(int4) bytea", randomBytes, "random bytes (pgcrypto)",
		"length(gen_random_bytes(16))").volatile()
}

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
	"sha384": sha512.New384, "sha512": sha512.New,
}

func hashOf(name string) (func() hash.Hash, error) {
	if h := hashes[strings.ToLower(name)]; h != nil {
		return h, nil
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue, "Cannot use \"%s\": No such hash algorithm",
		name).WithHint("Algorithms are md5, sha1, sha224, sha256, sha384 and sha512.")
}

func digest(a []types.Datum) (types.Datum, error) {
	algorithm, err := hashOf(a[1].S)
	if err != nil {
		return types.NullDatum, err
	}
	h := algorithm()
	h.Write(aliasBytes(a[0].S))
	return types.TextDatum(string(h.Sum(nil))), nil
}

func hmacOf(a []types.Datum) (types.Datum, error) {
	algorithm, err := hashOf(a[2].S)
	if err != nil {
		return types.NullDatum, err
	}
	h := hmac.New(algorithm, aliasBytes(a[1].S))
	h.Write(aliasBytes(a[0].S))
	return types.TextDatum(string(h.Sum(nil))), nil
}

// maxRandomBytes is what gen_random_bytes gives at most.
const maxRandomBytes = 1024

func randomBytes(env *Env, a []types.Datum) (types.Datum, error) {
	if env.Random == nil {
		return types.NullDatum, errNoRandom("gen_random_bytes")
	}
	if a[0].I < 1 || a[0].I > maxRandomBytes {
		return types.NullDatum, sqlerr.New(sqlerr.ExternalRoutineInvocation, "Length not in range").
			WithHint("The length is from 1 to 1024 bytes.")
	}
	b := make([]byte, a[0].I)
	for i := range b {
		b[i] = byte(env.Random() >> 56)
	}
	return types.TextDatum(string(b)), nil
}

// The name spaces of RFC 4122, appendix C; they differ in one byte.
const (
	uuidSpaceHead = "\x6b\xa7\xb8"
	uuidSpaceTail = "\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"
)

func defineUUIDs(r *registry) {
	fixed := func(name, value, doc string) {
		r.fn(name+"() uuid", func(*Env) types.Datum { return types.TextDatum(value) }, doc, name+"()")
	}
	fixed("uuid_nil", strings.Repeat("\x00", 16), "the UUID of zeros (uuid-ossp)")
	for i, space := range []string{"dns", "url", "oid", "", "x500"} {
		if space != "" {
			fixed("uuid_ns_"+space, uuidSpaceHead+string(rune(0x10+i))+uuidSpaceTail,
				"the name space "+strings.ToUpper(space)+" (uuid-ossp)")
		}
	}
	r.fn("uuid_generate_v3(uuid, text) uuid", func(a []types.Datum) (types.Datum, error) {
		return types.TextDatum(uuidOfName(md5.New(), 3, a[0].S, a[1].S)), nil
	}, "UUID of version 3 of a name in a name space (uuid-ossp)",
		"uuid_generate_v3(uuid_ns_url(), 'http://example.org')")
	r.fn("uuid_generate_v5(uuid, text) uuid", func(a []types.Datum) (types.Datum, error) {
		return types.TextDatum(uuidOfName(sha1.New(), 5, a[0].S, a[1].S)), nil
	}, "UUID of version 5 of a name in a name space (uuid-ossp)",
		"uuid_generate_v5(uuid_ns_url(), 'http://example.org')")
	r.fn("uuid_generate_v4() uuid", func(env *Env, _ []types.Datum) (types.Datum, error) {
		if env.Random == nil {
			return types.NullDatum, errNoRandom("uuid_generate_v4")
		}
		return types.TextDatum(randomUUID(env.Random)), nil
	}, "random UUID of version 4 (uuid-ossp)", "length(uuid_generate_v4()::text)").volatile()
}

// uuidOfName is RFC 4122, section 4.3.
func uuidOfName(h hash.Hash, version byte, space, name string) string {
	h.Write(aliasBytes(space))
	h.Write(aliasBytes(name))
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return string(b)
}
