package types

import (
	"strconv"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// ParseText reads the text form of a value of type t, as PostgreSQL's input
// functions do, and applies t's modifier. MAP and STRUCT read JSON.
func ParseText(env *Env, t Type, s string) (Datum, error) {
	switch t.Kind.Phys() {
	case PhysInt64:
		v, err := ParseIntText(env, t, s)
		return Datum{I: v}, err
	case PhysFloat64:
		v, err := ParseFloat(t.Kind, s)
		return Datum{F: v}, err
	case PhysBool:
		v, err := ParseBool(s)
		return BoolDatum(v), err
	}
	return parseBytesText(env, t, s)
}

// ParseIntText reads a value of a PhysInt64 type.
func ParseIntText(env *Env, t Type, s string) (int64, error) {
	switch t.Kind {
	case Int2, Int4, Int8:
		return ParseInt(t.Kind, s)
	case OID, Xid:
		return ParseOID(t.Kind, s)
	case Date:
		return ParseDate(env, s)
	case Time:
		v, err := ParseTime(env, s)
		return RoundTime(t, v), err
	case Timestamp:
		v, err := ParseTimestamp(env, s)
		return RoundTimestamp(t, v), err
	case Timestamptz:
		v, err := ParseTimestamptz(env, s)
		return RoundTimestamp(t, v), err
	}
	return env.parseReg(t.Kind, s)
}

func parseBytesText(env *Env, t Type, s string) (Datum, error) {
	switch t.Kind {
	case Text, Unknown, Aclitem, NodeTree:
		return Datum{S: s}, nil
	case Varchar, Bpchar:
		s, err := CoerceText(t, s, false)
		return Datum{S: s}, err
	case Name:
		return Datum{S: truncateName(s)}, nil
	case Char:
		return Datum{S: firstByte(s)}, nil
	case Numeric:
		d, err := ParseDecimal(s)
		if err == nil {
			d, err = d.Coerce(t)
		}
		return NumericDatum(d), err
	case Bytea:
		b, err := ParseBytea(s)
		return Datum{S: b}, err
	case Interval:
		v, err := ParseInterval(env, t, s)
		return IntervalDatum(v), err
	case Timetz:
		v, err := ParseTimetz(env, s)
		v.Micros = RoundTime(t, v.Micros)
		return TimetzDatum(v), err
	case UUID:
		u, err := ParseUUID(s)
		return Datum{S: string(u[:])}, err
	case JSON:
		return Datum{S: s}, ValidJSON(s)
	case Jsonpath:
		q, err := ParseJSONPath(s)
		if err != nil {
			return Datum{}, err
		}
		return Datum{S: q.String()}, nil
	case JSONB:
		b, err := ParseJSONB(nil, s)
		return Datum{S: string(b)}, err
	case Enum:
		return parseEnum(t, s)
	}
	return parseComposite(env, t, s)
}

func parseComposite(env *Env, t Type, s string) (Datum, error) {
	switch t.Kind {
	case Array:
		v, err := parseArray(env, *t.Elem, s)
		return ArrayDatum(*t.Elem, v), err
	case Map, Struct:
		return DatumFromJSON(env, t, s)
	case Record:
		return parseRecord(env, t, s)
	case Int2vector, Oidvector:
		return parseVector(t.Kind, s)
	case Void:
		return Datum{}, nil
	}
	return Datum{}, sqlerr.New(sqlerr.FeatureNotSupported,
		"cannot accept a value of type %s", t.Kind)
}

// firstByte is the value of the type "char" for a text: its first byte, or the
// byte that \ooo stands for. The byte 0 is kept as "".
func firstByte(s string) string {
	switch {
	case s == "":
		return ""
	case len(s) == 4 && s[0] == '\\' && s[1]-'0' < 4 && s[2]-'0' < 8 && s[3]-'0' < 8:
		return charOf((s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0'))
	}
	return s[:1]
}

// charOf is the value of the type "char" for a byte.
func charOf(b byte) string {
	if b == 0 {
		return ""
	}
	return string([]byte{b})
}

// appendChar writes a "char": bytes that are no ASCII as \ooo, 0 as nothing.
func appendChar(dst []byte, s string) []byte {
	switch {
	case s == "" || s[0] == 0:
		return dst
	case s[0] >= 0x80:
		c := s[0]
		return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
	}
	return append(dst, s[0])
}

// AppendText appends the text form of d, which is not NULL, as PostgreSQL's
// output functions write it.
func AppendText(env *Env, dst []byte, t Type, d Datum) []byte {
	switch t.Kind.Phys() {
	case PhysInt64:
		return AppendIntText(env, dst, t.Kind, d.I)
	case PhysFloat64:
		return AppendFloatText(dst, t.Kind, d.F)
	case PhysBool:
		return AppendBoolText(dst, d.I != 0)
	}
	return appendBytesText(env, dst, t, d.S)
}

// AppendIntText appends the text form of a value of a PhysInt64 kind.
func AppendIntText(env *Env, dst []byte, k Kind, v int64) []byte {
	switch k {
	case Date:
		return AppendDate(env, dst, v)
	case Time:
		return AppendTime(dst, v)
	case Timestamp:
		return AppendTimestamp(env, dst, v)
	case Timestamptz:
		return AppendTimestamptz(env, dst, v)
	case Regproc, Regtype, Regclass, Regnamespace, Regrole, Regprocedure, Regoper, Regoperator,
		Regcollation:
		return env.appendReg(dst, k, v)
	}
	return strconv.AppendInt(dst, v, 10)
}

// AppendBytesText appends the text form of a value of a PhysBytes type.
func AppendBytesText(env *Env, dst []byte, t Type, raw []byte) []byte {
	switch t.Kind {
	case Text, Varchar, Bpchar, Name, JSON, JSONB, Jsonpath, Unknown:
		return append(dst, raw...)
	}
	return appendBytesText(env, dst, t, str(raw))
}

func appendBytesText(env *Env, dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case Numeric:
		return decodeNumeric(s).Append(dst)
	case Bytea:
		if env != nil && env.ByteaEscape {
			return AppendByteaEscape(dst, s)
		}
		return AppendByteaHex(dst, s)
	case Interval:
		return AppendInterval(env, dst, decodeInterval(s))
	case Timetz:
		return AppendTimetz(dst, decodeTimetz(s))
	case UUID:
		return AppendUUIDText(dst, s)
	case Char:
		return appendChar(dst, s)
	case Enum:
		return append(dst, EnumLabel(s)...)
	case Array:
		return appendArray(env, dst, *t.Elem, s)
	case Map, Struct:
		return appendJSON(env, dst, t, Datum{S: s}, jsonbStyle)
	case Record:
		return appendRecord(env, dst, t, s)
	case Int2vector, Oidvector:
		return appendVector(dst, t.Kind, s)
	}
	return append(dst, s...)
}

// TextOf gives the text form of d as a string.
func TextOf(env *Env, t Type, d Datum) string {
	switch t.Kind {
	case Text, Varchar, Bpchar, Name, JSON, JSONB, Jsonpath, Unknown:
		return d.S
	}
	var tmp [64]byte
	return string(AppendText(env, tmp[:0], t, d))
}
