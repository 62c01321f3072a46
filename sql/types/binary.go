package types

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

const jsonbVersion = 1

// AppendBinary appends d, which is not NULL, in PostgreSQL's send format. Only a
// ragged array has none.
func AppendBinary(env *Env, dst []byte, t Type, d Datum) ([]byte, error) {
	switch t.Kind.Phys() {
	case PhysInt64:
		return AppendBinaryInt(dst, t.Kind, d.I), nil
	case PhysFloat64:
		return AppendBinaryFloat(dst, t.Kind, d.F), nil
	case PhysBool:
		return append(dst, byte(d.I)), nil
	}
	return appendBinaryBytes(env, dst, t, d.S)
}

// AppendBinaryInt appends a value of a PhysInt64 kind.
func AppendBinaryInt(dst []byte, k Kind, v int64) []byte {
	switch k {
	case Int2:
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case Int8, Time:
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	case Timestamp, Timestamptz:
		if !isInfinite(v) {
			v -= pgEpochUsec
		}
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	case Date:
		switch v {
		case Infinity:
			v = math.MaxInt32
		case NegInfinity:
			v = math.MinInt32
		default:
			v -= pgEpochDays
		}
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}

// AppendBinaryFloat appends a value of kind Float4 or Float8. Every NaN is sent as
// C's, which has no payload; Go's has.
func AppendBinaryFloat(dst []byte, k Kind, f float64) []byte {
	if f != f {
		f = math.Float64frombits(0x7ff8 << 48)
	}
	if k == Float4 {
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendBinaryBytes appends a value of a PhysBytes type.
func AppendBinaryBytes(env *Env, dst []byte, t Type, raw []byte) ([]byte, error) {
	return appendBinaryBytes(env, dst, t, str(raw))
}

func appendBinaryBytes(env *Env, dst []byte, t Type, s string) ([]byte, error) {
	switch t.Kind {
	case Numeric:
		return appendNumericBinary(dst, decodeNumeric(s)), nil
	case Interval:
		v := decodeInterval(s)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Micros))
		dst = binary.BigEndian.AppendUint32(dst, uint32(v.Days))
		return binary.BigEndian.AppendUint32(dst, uint32(v.Months)), nil
	case Timetz:
		v := decodeTimetz(s)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Micros))
		return binary.BigEndian.AppendUint32(dst, uint32(v.West)), nil
	case JSONB, Jsonpath, Map, Struct:
		return appendBytesText(env, append(dst, jsonbVersion), t, s), nil
	case Char:
		if s == "" {
			return append(dst, 0), nil
		}
	case Enum:
		return append(dst, EnumLabel(s)...), nil
	case Array:
		return appendBinaryArray(env, dst, *t.Elem, s)
	case Int2vector, Oidvector:
		return appendBinaryArray(env, dst, vectorElem(t.Kind), s)
	case Record:
		return appendBinaryRecord(env, dst, t, s)
	}
	return append(dst, s...), nil
}

func appendBinaryArray(env *Env, dst []byte, elem Type, s string) ([]byte, error) {
	r := openArray(elem.Phys(), s)
	v := r.value()
	inner := elem
	for inner.Kind == Array && len(v.Elems) > 0 {
		var ok bool
		if v, ok = flatten(v, *inner.Elem); !ok {
			return dst, sqlerr.Unsupported("a ragged array in the binary format",
				"Ask for the result in the text format.")
		}
		inner = *inner.Elem
	}
	flags := uint32(0)
	for _, d := range v.Elems {
		if d.Null {
			flags = 1
		}
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Dims)))
	dst = binary.BigEndian.AppendUint32(dst, flags)
	dst = binary.BigEndian.AppendUint32(dst, inner.Innermost().OID())
	for _, d := range v.Dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Len))
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Lower))
	}
	for _, d := range v.Elems {
		var err error
		if dst, err = appendBinaryField(env, dst, inner, d); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendBinaryField writes a length, -1 for NULL, and the value.
func appendBinaryField(env *Env, dst []byte, t Type, d Datum) ([]byte, error) {
	if d.Null {
		return binary.BigEndian.AppendUint32(dst, math.MaxUint32), nil
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst, err := AppendBinary(env, dst, t, d)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, err
}

// flatten turns an array of arrays into one of one more dimension; ok is false
// when the inner arrays differ in shape.
func flatten(v ArrayValue, elem Type) (ArrayValue, bool) {
	out := ArrayValue{Dims: append([]Dim(nil), v.Dims...)}
	for i, d := range v.Elems {
		if d.Null {
			return out, false
		}
		in := d.Array(elem)
		if i == 0 {
			out.Dims = append(out.Dims, in.Dims...)
		} else if !sameDims(out.Dims[len(v.Dims):], in.Dims) {
			return out, false
		}
		out.Elems = append(out.Elems, in.Elems...)
	}
	// Empty arrays inside an array have no place in PostgreSQL's form.
	return out, len(out.Elems) > 0 && len(out.Dims) <= maxArrayDims
}

func sameDims(a, b []Dim) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func appendBinaryRecord(env *Env, dst []byte, t Type, s string) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(t.Fields)))
	r := openRecord(t, s)
	for _, f := range t.Fields {
		dst = binary.BigEndian.AppendUint32(dst, f.Type.OID())
		var err error
		if dst, err = appendBinaryField(env, dst, f.Type, r.next()); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// ParseBinary reads a value of type t in PostgreSQL's receive format, and
// applies t's modifier. b is not kept.
func ParseBinary(env *Env, t Type, b []byte) (Datum, error) {
	switch t.Kind.Phys() {
	case PhysInt64:
		v, err := parseBinaryInt(t.Kind, b)
		switch t.Kind {
		case Time:
			v = RoundTime(t, v)
		case Timestamp, Timestamptz:
			v = RoundTimestamp(t, v)
		}
		return Datum{I: v}, err
	case PhysFloat64:
		return parseBinaryFloat(t.Kind, b)
	case PhysBool:
		if err := wantLen(b, 1); err != nil {
			return Datum{}, err
		}
		return BoolDatum(b[0] != 0), nil
	}
	return parseBinaryBytes(env, t, b)
}

// wantLen refuses data of another length than n.
func wantLen(b []byte, n int) error {
	switch {
	case len(b) < n:
		return sqlerr.New(sqlerr.ProtocolViolation, "insufficient data left in message")
	case len(b) > n:
		return errBinary("incorrect binary data format")
	}
	return nil
}

func parseBinaryInt(k Kind, b []byte) (int64, error) {
	if err := wantLen(b, int(kinds[k].len)); err != nil {
		return 0, err
	}
	switch k {
	case Int2:
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case Int4:
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case Date:
		switch v := int64(int32(binary.BigEndian.Uint32(b))); v {
		case math.MaxInt32:
			return Infinity, nil
		case math.MinInt32:
			return NegInfinity, nil
		default:
			if !dateInRange(v + pgEpochDays) {
				return 0, errDateRange()
			}
			return v + pgEpochDays, nil
		}
	case Int8, Time, Timestamp, Timestamptz:
		return parseBinaryInt8(k, int64(binary.BigEndian.Uint64(b)))
	}
	return int64(binary.BigEndian.Uint32(b)), nil
}

func parseBinaryInt8(k Kind, v int64) (int64, error) {
	switch k {
	case Time:
		if v < 0 || v > usecPerDay {
			return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "time out of range")
		}
	case Timestamp, Timestamptz:
		if isInfinite(v) {
			return v, nil
		}
		w, ok := addMicros(v, pgEpochUsec)
		if !ok || !timestampInRange(w) {
			return 0, errTimestampRange()
		}
		return w, nil
	}
	return v, nil
}

func parseBinaryFloat(k Kind, b []byte) (Datum, error) {
	if err := wantLen(b, int(kinds[k].len)); err != nil {
		return Datum{}, err
	}
	if k == Float4 {
		return FloatDatum(float64(math.Float32frombits(binary.BigEndian.Uint32(b)))), nil
	}
	return FloatDatum(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
}

func parseBinaryBytes(env *Env, t Type, b []byte) (Datum, error) {
	switch t.Kind {
	case Bytea:
		return Datum{S: string(b)}, nil
	case Numeric:
		d, err := parseNumericBinary(b)
		if err == nil {
			d, err = d.Coerce(t)
		}
		return NumericDatum(d), err
	case Interval:
		if err := wantLen(b, intervalSize); err != nil {
			return Datum{}, err
		}
		v := IntervalValue{int64(binary.BigEndian.Uint64(b)),
			int32(binary.BigEndian.Uint32(b[8:])), int32(binary.BigEndian.Uint32(b[12:]))}
		return IntervalDatum(v.Coerce(t)), nil
	case Timetz:
		return parseBinaryTimetz(t, b)
	case Char:
		if err := wantLen(b, 1); err != nil {
			return Datum{}, err
		}
		return Datum{S: charOf(b[0])}, nil
	case UUID:
		if err := wantLen(b, uuidSize); err != nil {
			return Datum{}, err
		}
		return Datum{S: string(b)}, nil
	case JSONB, Jsonpath, Map, Struct:
		if len(b) == 0 || b[0] != jsonbVersion {
			return Datum{}, errBinary("unsupported %s version number %d", kinds[t.Kind].name, firstOr0(b))
		}
		b = b[1:]
	case Array:
		v, err := parseBinaryArray(env, *t.Elem, b)
		return ArrayDatum(*t.Elem, v), err
	case Int2vector, Oidvector:
		v, err := parseBinaryArray(env, vectorElem(t.Kind), b)
		return ArrayDatum(vectorElem(t.Kind), v), err
	case Record:
		return parseBinaryRecord(env, t, b)
	}
	s := string(b)
	if err := ValidText(s); err != nil {
		return Datum{}, err
	}
	return parseBytesText(env, t, s)
}

func firstOr0(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func parseBinaryTimetz(t Type, b []byte) (Datum, error) {
	if err := wantLen(b, timetzSize); err != nil {
		return Datum{}, err
	}
	v := TimetzValue{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}
	if v.Micros < 0 || v.Micros > usecPerDay {
		return Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "time out of range")
	}
	const limit = (maxZoneHours + 1) * 3600
	if v.West <= -limit || v.West >= limit {
		return Datum{}, sqlerr.New(sqlerr.InvalidTimeZoneDisplacement,
			"time zone displacement out of range")
	}
	v.Micros = RoundTime(t, v.Micros)
	return TimetzDatum(v), nil
}

// binaryReader takes numbers and fields off a message.
type binaryReader struct {
	b   []byte
	err error
}

func (r *binaryReader) int32() int32 {
	if len(r.b) < 4 {
		r.fail()
		return 0
	}
	v := int32(binary.BigEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

func (r *binaryReader) fail() {
	if r.err == nil {
		r.err = sqlerr.New(sqlerr.ProtocolViolation, "insufficient data left in message")
	}
	r.b = nil
}

// field reads a length and a value of type t.
func (r *binaryReader) field(env *Env, t Type) Datum {
	n := r.int32()
	if n == -1 || r.err != nil {
		return NullDatum
	}
	if n < 0 || int(n) > len(r.b) {
		r.fail()
		return NullDatum
	}
	d, err := ParseBinary(env, t, r.b[:n])
	if err != nil && r.err == nil {
		r.err = err
	}
	r.b = r.b[n:]
	return d
}

func parseBinaryArray(env *Env, elem Type, b []byte) (ArrayValue, error) {
	r := binaryReader{b: b}
	ndim, flags, oid := r.int32(), r.int32(), uint32(r.int32())
	inner := elem.Innermost()
	switch {
	case r.err != nil:
		return ArrayValue{}, r.err
	case ndim < 0 || ndim > maxArrayDims:
		return ArrayValue{}, errArrayDims(int(ndim))
	case flags&^1 != 0:
		return ArrayValue{}, errBinary("invalid array flags")
	case oid != inner.OID():
		return ArrayValue{}, sqlerr.New(sqlerr.DatatypeMismatch,
			"binary data has array element type %d instead of expected %d", oid, inner.OID())
	}
	var v ArrayValue
	for range ndim {
		d := Dim{Len: r.int32(), Lower: r.int32()}
		if d.Len < 0 {
			return v, errBinary("invalid array dimension")
		}
		v.Dims = append(v.Dims, d)
	}
	n, err := arrayCount(v.Dims)
	if err != nil || r.err != nil {
		return v, firstError(r.err, err)
	}
	if ndim == 0 {
		n = 0
	}
	if n > len(r.b)/4 {
		r.fail()
		return v, r.err
	}
	for range n {
		v.Elems = append(v.Elems, r.field(env, inner))
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = errBinary("incorrect binary data format")
	}
	if n == 0 {
		v.Dims = nil
	}
	if r.err != nil {
		return v, r.err
	}
	return nest(v, elem)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// nest turns a value of several dimensions into the array of arrays that elem
// asks for.
func nest(v ArrayValue, elem Type) (ArrayValue, error) {
	if elem.Kind != Array || len(v.Elems) == 0 {
		return v, nil
	}
	if len(v.Dims) < 2 {
		return v, sqlerr.New(sqlerr.ArraySubscriptError,
			"array has too few dimensions for an array of %s", elem)
	}
	n := int(v.Dims[0].Len)
	size := len(v.Elems) / n
	out := ArrayValue{Dims: v.Dims[:1:1]}
	for i := range n {
		in := ArrayValue{Dims: v.Dims[1:], Elems: v.Elems[i*size : (i+1)*size]}
		in, err := nest(in, *elem.Elem)
		if err != nil {
			return v, err
		}
		out.Elems = append(out.Elems, ArrayDatum(*elem.Elem, in))
	}
	return out, nil
}

func parseBinaryRecord(env *Env, t Type, b []byte) (Datum, error) {
	if len(t.Fields) == 0 {
		return Datum{}, sqlerr.New(sqlerr.FeatureNotSupported,
			"input of anonymous composite types is not implemented").
			WithHint("Cast the value to a composite type.")
	}
	r := binaryReader{b: b}
	if n := r.int32(); r.err == nil && int(n) != len(t.Fields) {
		return Datum{}, sqlerr.New(sqlerr.DatatypeMismatch,
			"wrong number of columns: %d, expected %d", n, len(t.Fields))
	}
	ds := make([]Datum, len(t.Fields))
	for i, f := range t.Fields {
		if oid := uint32(r.int32()); r.err == nil && oid != f.Type.OID() {
			return Datum{}, sqlerr.New(sqlerr.DatatypeMismatch,
				"binary data has type %d instead of expected %d in record column %d",
				oid, f.Type.OID(), i+1)
		}
		ds[i] = r.field(env, f.Type)
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = errBinary("improper binary format in record")
	}
	if r.err != nil {
		return Datum{}, r.err
	}
	return RecordDatum(t, ds), nil
}

// typeWord gives a type's name for messages such as "cannot cast type integer
// to uuid": without modifiers.
func typeWord(t Type) string {
	if t.Kind == Array || t.Kind == Map || t.Kind == Struct || t.Kind == Enum ||
		t.Row != nil {
		return strings.TrimSpace(t.String())
	}
	return kinds[t.Kind].sql
}
