package types

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// The encoding of a record or struct in a PhysBytes column: the null bitmap of
// its fields (bit i of byte i/8, 1 = null), then the fields in order, each an
// int64, a float64, a byte of bool, or a uint32 length and that many bytes. Null
// fields take no room. The number and types of fields come from the Type.

// EncodeRecord appends the encoding of a Record or Struct; ds has one datum per
// field of t.
func EncodeRecord(dst []byte, t Type, ds []Datum) []byte {
	dst = appendNullBits(dst, ds[:len(t.Fields)])
	for i, f := range t.Fields {
		if !ds[i].Null {
			dst = appendField(dst, f.Type.Phys(), ds[i])
		}
	}
	return dst
}

func appendField(dst []byte, p Phys, d Datum) []byte {
	one := [1]Datum{d}
	return appendSlots(dst, p, one[:])
}

// RecordDatum makes a Record or Struct datum.
func RecordDatum(t Type, ds []Datum) Datum { return Datum{S: string(EncodeRecord(nil, t, ds))} }

// DecodeRecord takes an encoded Record or Struct apart. Fields alias b.
func DecodeRecord(t Type, b []byte) []Datum { return decodeRecord(t, str(b)) }

// Fields takes a Record or Struct datum apart.
func (d Datum) Fields(t Type) []Datum { return decodeRecord(t, d.S) }

func decodeRecord(t Type, s string) []Datum {
	ds := make([]Datum, len(t.Fields))
	r := openRecord(t, s)
	for i := range ds {
		ds[i] = r.next()
	}
	return ds
}

// RecordField gives field i of an encoded Record or Struct.
func RecordField(t Type, s string, i int) Datum {
	r := openRecord(t, s)
	for range i {
		r.next()
	}
	return r.next()
}

// recordReader walks the fields of a record.
type recordReader struct {
	t     Type
	nulls string
	rest  string
	i     int
}

func openRecord(t Type, s string) recordReader {
	n := (len(t.Fields) + 7) / 8
	if len(s) < n {
		return recordReader{t: t, nulls: strings.Repeat("\xff", n)}
	}
	return recordReader{t: t, nulls: s[:n], rest: s[n:]}
}

func (r *recordReader) next() Datum {
	i := r.i
	r.i++
	if r.nulls[i>>3]>>(i&7)&1 != 0 {
		return NullDatum
	}
	var a ArrayReader
	a.phys, a.n = r.t.Fields[i].Type.Phys(), 1
	n := 8
	switch a.phys {
	case PhysBool:
		n = 1
	case PhysBytes:
		n = 4
	}
	a.slots, r.rest = r.rest[:n], r.rest[n:]
	if a.phys == PhysBytes {
		n = int(le32(a.slots, 0))
		a.data, r.rest = r.rest[:n], r.rest[n:]
	}
	return a.Datum(0)
}

// FieldIndex finds a field by name: exactly, else without regard to case; -1 if
// there is none.
func (t Type) FieldIndex(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	for i := range t.Fields {
		if strings.EqualFold(t.Fields[i].Name, name) {
			return i
		}
	}
	return -1
}

// appendRecord writes (a,"b c",) as PostgreSQL's record_out.
func appendRecord(env *Env, dst []byte, t Type, s string) []byte {
	r := openRecord(t, s)
	dst = append(dst, '(')
	for i, f := range t.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		d := r.next()
		if d.Null {
			continue
		}
		start := len(dst)
		dst = quoteField(AppendText(env, dst, f.Type, d), start)
	}
	return append(dst, ')')
}

// quoteField puts a record's field into quotes if it needs them; quotes and
// backslashes are doubled.
func quoteField(dst []byte, start int) []byte {
	text := string(dst[start:])
	if text != "" && !strings.ContainsAny(text, "\"\\(), \t\n\r\v\f") {
		return dst
	}
	dst = append(dst[:start], '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, text[i])
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

// parseRecord reads record_out's form into the fields of t.
func parseRecord(env *Env, t Type, s string) (Datum, error) {
	bad := func(detail string) error {
		return sqlerr.New(sqlerr.InvalidTextRepresentation, "malformed record literal: \"%s\"", s).
			WithDetail("%s", detail)
	}
	rest := trimSpace(s)
	if rest == "" || rest[0] != '(' {
		return Datum{}, bad("Missing left parenthesis.")
	}
	rest = rest[1:]
	ds := make([]Datum, len(t.Fields))
	for i, f := range t.Fields {
		if i > 0 {
			if rest == "" || rest[0] != ',' {
				return Datum{}, bad("Too few columns.")
			}
			rest = rest[1:]
		}
		text, null, tail, ok := recordItem(rest)
		if !ok {
			return Datum{}, bad("Unexpected end of input.")
		}
		rest = tail
		if null {
			ds[i] = NullDatum
			continue
		}
		var err error
		if ds[i], err = ParseText(env, f.Type, text); err != nil {
			return Datum{}, err
		}
	}
	switch {
	case rest == "":
		return Datum{}, bad("Unexpected end of input.")
	case rest[0] != ')':
		return Datum{}, bad("Too many columns.")
	case rest != ")":
		return Datum{}, bad("Junk after right parenthesis.")
	}
	return RecordDatum(t, ds), nil
}

// recordItem reads one field up to the comma or parenthesis after it.
func recordItem(s string) (text string, null bool, rest string, ok bool) {
	if s != "" && (s[0] == ',' || s[0] == ')') {
		return "", true, s, true
	}
	var b []byte
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s) {
				return "", false, "", false
			}
			b = append(b, s[i])
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			b = append(b, '"')
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ')'):
			return string(b), false, s[i:], true
		default:
			b = append(b, c)
		}
	}
	return "", false, "", false
}

// The encoding of a map: a uint32 length of the keys' array, the keys as an
// array in the order of Compare, the values as an array.

// EncodeMap appends the encoding of a Map. Of equal keys the last one stays;
// keys are never NULL.
func EncodeMap(dst []byte, t Type, keys, vals []Datum) []byte {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return Compare(*t.Key, keys[a], keys[b]) })
	ks, vs := make([]Datum, 0, len(keys)), make([]Datum, 0, len(keys))
	for n, i := range order {
		if n+1 < len(order) && Compare(*t.Key, keys[i], keys[order[n+1]]) == 0 {
			continue
		}
		ks, vs = append(ks, keys[i]), append(vs, vals[i])
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = EncodeArray(dst, *t.Key, NewArray(ks))
	n := len(dst) - at - 4
	dst[at], dst[at+1], dst[at+2], dst[at+3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return EncodeArray(dst, *t.Elem, NewArray(vs))
}

// MapDatum makes a Map datum.
func MapDatum(t Type, keys, vals []Datum) Datum {
	return Datum{S: string(EncodeMap(nil, t, keys, vals))}
}

// OpenMap reads the heads of the keys and values of an encoded map.
func OpenMap(t Type, s string) (keys, vals ArrayReader) {
	if len(s) < 4 {
		return ArrayReader{phys: t.Key.Phys()}, ArrayReader{phys: t.Elem.Phys()}
	}
	n := int(le32(s, 0))
	return openArray(t.Key.Phys(), s[4:4+n]), openArray(t.Elem.Phys(), s[4+n:])
}

// DecodeMap takes an encoded map apart, in the order of keys.
func DecodeMap(t Type, b []byte) (keys, vals []Datum) {
	k, v := OpenMap(t, str(b))
	return k.value().Elems, v.value().Elems
}

// MapGet finds the value of a key; ok is false when the key is not there.
func MapGet(t Type, s string, key Datum) (v Datum, ok bool) {
	keys, vals := OpenMap(t, s)
	lo, hi := 0, keys.n
	for lo < hi {
		mid := (lo + hi) / 2
		c := Compare(*t.Key, keys.Datum(mid), key)
		if c == 0 {
			return vals.Datum(mid), true
		}
		if c < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return NullDatum, false
}
