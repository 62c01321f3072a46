package expr

import (
	"encoding/binary"
	"math/bits"

	"github.com/millracedb/millrace/sql/types"
)

// defineHash are the hash functions behind PostgreSQL's hash indexes. People call them to
// spread rows, and to make the number of an advisory lock of a text, so their values are
// PostgreSQL's.
func defineHash(r *registry) {
	text := func(s []byte) int64 { _, low := lookup3(s, 0); return int64(int32(low)) }
	seeded := func(a []types.Datum) (types.Datum, error) {
		return hashDatum(lookup3(aliasBytes(a[0].S), uint64(a[1].I))), nil
	}
	for _, t := range []string{"text", "name"} {
		base := "hash" + t
		r.fn(base+"("+t+") int4", text, "hash of a text, as hash indexes of PostgreSQL have it",
			base+"('abc')")
		r.fn(base+"extended("+t+", int8) int8", seeded, "hash of a text in 64 bits, with a seed",
			base+"extended('abc', 0)")
	}
	word := func(v int64) int64 { _, low := hashWord(uint32(v), 0); return int64(int32(low)) }
	seededWord := func(v, seed int64) int64 {
		high, low := hashWord(uint32(v), uint64(seed))
		return int64(uint64(high)<<32 | uint64(low))
	}
	for _, t := range []string{"int2", "int4", "oid"} {
		r.fn("hash"+t+"("+t+") int4", word, "hash of a number, as hash indexes of PostgreSQL "+
			"have it", "hash"+t+"(42::"+t+")")
		r.fn("hash"+t+"extended("+t+", int8) int8", seededWords(seededWord),
			"hash of a number in 64 bits, with a seed", "hash"+t+"extended(42::"+t+", 0)")
	}
	r.fn("hashint8(int8) int4", func(v int64) int64 { return word(foldInt8(v)) },
		"hash of a bigint: that of an integer where it is one", "hashint8(42)")
	r.fn("hashint8extended(int8, int8) int8", seededWords(func(v, seed int64) int64 {
		return seededWord(foldInt8(v), seed)
	}), "hash of a bigint in 64 bits, with a seed", "hashint8extended(42, 0)")
}

func seededWords(f func(v, seed int64) int64) func([]types.Datum) (types.Datum, error) {
	return func(a []types.Datum) (types.Datum, error) {
		return types.IntDatum(f(a[0].I, a[1].I)), nil
	}
}

func hashDatum(high, low uint32) types.Datum {
	return types.IntDatum(int64(uint64(high)<<32 | uint64(low)))
}

// foldInt8 makes the 32 bits of a bigint that are hashed: those of the integer it equals.
func foldInt8(v int64) int64 {
	high := uint32(v >> 32)
	if v < 0 {
		high = ^high
	}
	return int64(uint32(v) ^ high)
}

// The seed and the steps of hash_bytes, Bob Jenkins' lookup3 as PostgreSQL has changed it.
const hashSeed = 0x9e3779b9 + 3923095

func hashMix(a, b, c uint32) (uint32, uint32, uint32) {
	a -= c
	a ^= bits.RotateLeft32(c, 4)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 6)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 8)
	b += a
	a -= c
	a ^= bits.RotateLeft32(c, 16)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 19)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func hashFinal(a, b, c uint32) (uint32, uint32) {
	c ^= b
	c -= bits.RotateLeft32(b, 14)
	a ^= c
	a -= bits.RotateLeft32(c, 11)
	b ^= a
	b -= bits.RotateLeft32(a, 25)
	c ^= b
	c -= bits.RotateLeft32(b, 16)
	a ^= c
	a -= bits.RotateLeft32(c, 4)
	b ^= a
	b -= bits.RotateLeft32(a, 14)
	c ^= b
	c -= bits.RotateLeft32(b, 24)
	return b, c
}

// hashWord is hash_uint32_extended; its lower half, with seed 0, is hash_uint32.
func hashWord(k uint32, seed uint64) (high, low uint32) {
	a, b, c := hashStart(4, seed)
	return hashFinal(a+k, b, c)
}

func hashStart(length int, seed uint64) (a, b, c uint32) {
	a = hashSeed + uint32(length)
	if seed == 0 {
		return a, a, a
	}
	return hashMix(a+uint32(seed>>32), a+uint32(seed), a)
}

// lookup3 is hash_bytes_extended; its lower half, with seed 0, is hash_bytes.
func lookup3(s []byte, seed uint64) (high, low uint32) {
	a, b, c := hashStart(len(s), seed)
	for ; len(s) >= 12; s = s[12:] {
		a, b, c = hashMix(a+binary.LittleEndian.Uint32(s), b+binary.LittleEndian.Uint32(s[4:]),
			c+binary.LittleEndian.Uint32(s[8:]))
	}
	var rest [12]byte
	copy(rest[:], s)
	a += binary.LittleEndian.Uint32(rest[0:])
	b += binary.LittleEndian.Uint32(rest[4:])
	c += binary.LittleEndian.Uint32(rest[8:]) << 8 // the lowest byte is the length's
	return hashFinal(a, b, c)
}
