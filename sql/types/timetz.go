package types

import (
	"cmp"
	"encoding/binary"
)

// TimetzValue is a time of day with a zone displacement.
type TimetzValue struct {
	Micros int64 // since midnight, local
	West   int32 // displacement in seconds west of UTC, as PostgreSQL keeps it
}

// timetzSize is the bytes of an encoded timetz.
const timetzSize = 12

// EncodeTimetz appends v's 12 bytes, little endian.
func EncodeTimetz(dst []byte, v TimetzValue) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Micros))
	return binary.LittleEndian.AppendUint32(dst, uint32(v.West))
}

// DecodeTimetz reads EncodeTimetz's form.
func DecodeTimetz(b []byte) TimetzValue { return decodeTimetz(str(b)) }

func decodeTimetz(s string) TimetzValue {
	if len(s) < timetzSize {
		return TimetzValue{}
	}
	return TimetzValue{int64(le64(s, 0)), int32(le32(s, 8))}
}

// TimetzDatum makes a timetz datum.
func TimetzDatum(v TimetzValue) Datum {
	var tmp [timetzSize]byte
	return Datum{S: string(EncodeTimetz(tmp[:0], v))}
}

// Timetz gives the value of a timetz datum.
func (d Datum) Timetz() TimetzValue { return decodeTimetz(d.S) }

// Cmp orders by the instant, then by the zone.
func (v TimetzValue) Cmp(w TimetzValue) int {
	if c := cmp.Compare(v.utc(), w.utc()); c != 0 {
		return c
	}
	return cmp.Compare(v.West, w.West)
}

func (v TimetzValue) utc() int64 { return v.Micros + int64(v.West)*usecPerSec }

// In gives the same instant of the day in another zone.
func (v TimetzValue) In(west int32) TimetzValue {
	us := (v.utc() - int64(west)*usecPerSec) % usecPerDay
	if us < 0 {
		us += usecPerDay
	}
	return TimetzValue{us, west}
}

// le64 reads a little-endian number at s[i:].
func le64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func le32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
