package expr

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// bytesPiece cuts n bytes from the start-th on (from 1); n < 0 stands for all.
func bytesPiece(s []byte, start, n int64) []byte {
	end := int64(len(s)) + 1
	if n >= 0 {
		end = min(end, start+n)
	}
	start = max(start, 1)
	if start >= end {
		return nil
	}
	return s[start-1 : end-1]
}

func md5Hex(s string) string {
	sum := md5.Sum(aliasBytes(s))
	return hex.EncodeToString(sum[:])
}

func defineBytes(r *registry) {
	size := func(b []byte) int64 { return int64(len(b)) }
	r.fn("length(bytea) int4", size, "number of bytes", "length('\\x1234'::bytea)")
	r.fn("octet_length(bytea) int4", size, "number of bytes", "octet_length('\\x1234'::bytea)")
	r.fn("bit_length(bytea) int4", func(b []byte) int64 { return 8 * int64(len(b)) },
		"number of bits", "bit_length('\\x1234'::bytea)")
	r.op("||(bytea, bytea) bytea", Kernel(concatKernel), "concatenate", "'\\x12'::bytea || '\\x34'")
	for _, name := range []string{"substr", "substring"} {
		r.fn(name+"(bytea, int4) bytea", func(s []byte, start int64) []byte {
			return bytesPiece(s, start, -1)
		}, "bytes from that position on", name+"('\\x123456'::bytea, 2)")
		r.fn(name+"(bytea, int4, int4) bytea", func(a []types.Datum) (types.Datum, error) {
			if a[2].I < 0 {
				return types.NullDatum, errNegativeSubstring()
			}
			return types.TextDatum(string(bytesPiece(aliasBytes(a[0].S), a[1].I, a[2].I))), nil
		}, "that many bytes from that position on", name+"('\\x123456'::bytea, 2, 1)")
	}
	r.fn("position(bytea, bytea) int4", func(s, sub []byte) int64 {
		return int64(bytes.Index(s, sub)) + 1
	}, "place of a substring, from 1; 0 if none", "position('\\x34'::bytea in '\\x1234'::bytea)")
	r.fn("get_byte(bytea, int4) int4", func(a []types.Datum) (types.Datum, error) {
		if err := byteIndex(a); err != nil {
			return types.NullDatum, err
		}
		return types.IntDatum(int64(a[0].S[a[1].I])), nil
	}, "the n-th byte, from 0", "get_byte('\\x1234'::bytea, 1)")
	r.fn("set_byte(bytea, int4, int4) bytea", func(a []types.Datum) (types.Datum, error) {
		if err := byteIndex(a); err != nil {
			return types.NullDatum, err
		}
		b := []byte(a[0].S)
		b[a[1].I] = byte(a[2].I)
		return types.TextDatum(string(b)), nil
	}, "with the n-th byte changed", "set_byte('\\x1234'::bytea, 1, 64)")
	r.fn("bit_count(bytea) int8", func(b []byte) int64 {
		n := 0
		for _, c := range b {
			n += bits.OnesCount8(c)
		}
		return int64(n)
	}, "number of bits that are set", "bit_count('\\x1234'::bytea)")
	defineByteBits(r)
	defineHashes(r)
	defineEncodings(r)
}

// defineByteBits defines single bits, counted from the lowest of the first byte, and
// trimming.
func defineByteBits(r *registry) {
	r.fn("get_bit(bytea, int8) int4", func(a []types.Datum) (types.Datum, error) {
		if err := bitIndex(a); err != nil {
			return types.NullDatum, err
		}
		return types.IntDatum(int64(a[0].S[a[1].I/8] >> (a[1].I % 8) & 1)), nil
	}, "the n-th bit, from 0", "get_bit('\\x1234567890'::bytea, 30)")
	r.fn("set_bit(bytea, int8, int4) bytea", func(a []types.Datum) (types.Datum, error) {
		if err := bitIndex(a); err != nil {
			return types.NullDatum, err
		}
		if a[2].I != 0 && a[2].I != 1 {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue, "new bit must be 0 or 1")
		}
		b := []byte(a[0].S)
		b[a[1].I/8] = b[a[1].I/8]&^(1<<(a[1].I%8)) | byte(a[2].I)<<(a[1].I%8)
		return types.TextDatum(string(b)), nil
	}, "with the n-th bit changed", "set_bit('\\x1234567890'::bytea, 30, 0)")
	for _, t := range []struct {
		name        string
		left, right bool
	}{{"btrim", true, true}, {"ltrim", true, false}, {"rtrim", false, true}} {
		r.fn(t.name+"(bytea, bytea) bytea", func(s, set string) string {
			for t.left && s != "" && strings.IndexByte(set, s[0]) >= 0 {
				s = s[1:]
			}
			for t.right && s != "" && strings.IndexByte(set, s[len(s)-1]) >= 0 {
				s = s[:len(s)-1]
			}
			return s
		}, "without bytes of a set at the ends", t.name+"('\\x1234567890'::bytea, '\\x9012'::bytea)")
	}
}

func bitIndex(a []types.Datum) error {
	if n := int64(len(a[0].S)) * 8; a[1].I < 0 || a[1].I >= n {
		return sqlerr.New(sqlerr.ArraySubscriptError, "index %d out of valid range, 0..%d", a[1].I, n-1)
	}
	return nil
}

func byteIndex(a []types.Datum) error {
	if a[1].I < 0 || a[1].I >= int64(len(a[0].S)) {
		return sqlerr.New(sqlerr.ArraySubscriptError, "index %d out of valid range, 0..%d",
			a[1].I, len(a[0].S)-1)
	}
	return nil
}

func defineHashes(r *registry) {
	r.fn("md5(text) text", md5Hex, "MD5 in hexadecimal", "md5('abc')")
	r.fn("md5(bytea) text", md5Hex, "MD5 in hexadecimal", "md5('abc'::bytea)")
	hash := func(name string, f func(b []byte) []byte) {
		r.fn(name+"(bytea) bytea", func(s string) string { return string(f(aliasBytes(s))) },
			strings.ToUpper(name), name+"('abc'::bytea)")
	}
	hash("sha224", func(b []byte) []byte { h := sha256.Sum224(b); return h[:] })
	hash("sha256", func(b []byte) []byte { h := sha256.Sum256(b); return h[:] })
	hash("sha384", func(b []byte) []byte { h := sha512.Sum384(b); return h[:] })
	hash("sha512", func(b []byte) []byte { h := sha512.Sum512(b); return h[:] })
	r.fn("gen_random_uuid() uuid", func(env *Env, _ []types.Datum) (types.Datum, error) {
		if env.Random == nil {
			return types.NullDatum, errNoRandom("gen_random_uuid")
		}
		return types.TextDatum(randomUUID(env.Random)), nil
	}, "random UUID of version 4", "length(gen_random_uuid()::text)").volatile()
}

func randomUUID(random func() uint64) string {
	var b [16]byte
	for i := 0; i < 16; i += 8 {
		v := random()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return string(b[:])
}

func defineEncodings(r *registry) {
	r.fn("encode(bytea, text) text", encodeBytes, "text of bytes: base64, hex or escape",
		"encode('123\\000\\001', 'base64')")
	r.fn("decode(text, text) bytea", decodeText, "bytes of text: base64, hex or escape",
		"decode('MTIzAAE=', 'base64')")
	r.fn("convert_from(bytea, name) text", func(s, enc string) (string, error) {
		return convertBetween(s, enc, "UTF8")
	}, "text of bytes in an encoding", "convert_from('text_in_utf8', 'UTF8')").stable()
	r.fn("convert_to(text, name) bytea", func(s, enc string) (string, error) {
		return convertBetween(s, "UTF8", enc)
	}, "bytes of text in an encoding", "convert_to('some_text', 'UTF8')").stable()
}

// base64Line is how many characters PostgreSQL puts on a line.
const base64Line = 76

func encodeBytes(s, format string) (string, error) {
	switch strings.ToLower(format) {
	case "hex":
		return hex.EncodeToString([]byte(s)), nil
	case "escape":
		return escapeBytes(s), nil
	case "base64":
		e := base64.StdEncoding.EncodeToString([]byte(s))
		var b strings.Builder
		for len(e) > base64Line {
			b.WriteString(e[:base64Line] + "\n")
			e = e[base64Line:]
		}
		return b.String() + e, nil
	}
	return "", errEncoding(format)
}

// escapeBytes writes zero bytes and those above 127 in octal, and doubles
// backslashes.
func escapeBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0 || c >= 0x80:
			b.Write([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
		case c == '\\':
			b.WriteString("\\\\")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func errEncoding(format string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", format)
}

func decodeText(s, format string) (string, error) {
	switch strings.ToLower(format) {
	case "hex":
		return decodeHex(s)
	case "escape":
		if strings.HasPrefix(s, "\\x") {
			return "", sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
		return types.ParseBytea(s)
	case "base64":
		return decodeBase64(s)
	}
	return "", errEncoding(format)
}

func decodeHex(s string) (string, error) {
	var out []byte
	high, half := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !half && (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
			continue
		}
		v, ok := hexDigit(c)
		if !ok {
			r, _ := utf8.DecodeRuneInString(s[i:])
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal digit: \"%c\"", r)
		}
		if half {
			out = append(out, high<<4|v)
		}
		high, half = v, !half
	}
	if half {
		return "", sqlerr.New(sqlerr.InvalidParameterValue,
			"invalid hexadecimal data: odd number of digits")
	}
	return string(out), nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10, true
	}
	return 0, false
}

func decodeBase64(s string) (string, error) {
	var clean []byte
	for _, c := range s {
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		case c == '+' || c == '/' || c == '=' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' ||
			c >= 'A' && c <= 'Z':
			clean = append(clean, byte(c))
		default:
			return "", sqlerr.New(sqlerr.InvalidParameterValue,
				"invalid symbol \"%c\" found while decoding base64 sequence", c)
		}
	}
	b, err := base64.StdEncoding.DecodeString(string(clean))
	if err != nil {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid base64 end sequence").
			WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return string(b), nil
}
