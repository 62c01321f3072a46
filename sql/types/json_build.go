package types

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// jsonStyle is the spacing of JSON that is built.
type jsonStyle uint8

const (
	jsonCompact jsonStyle = iota // {"a":1,"b":[1,2]}, as to_json
	jsonbStyle                   // {"a": 1, "b": [1, 2]} in canonical order, as jsonb
)

func (s jsonStyle) comma() string {
	if s == jsonbStyle {
		return ", "
	}
	return ","
}

func (s jsonStyle) colon() string {
	if s == jsonbStyle {
		return ": "
	}
	return ":"
}

// AppendJSON appends d as to_json writes it.
func AppendJSON(env *Env, dst []byte, t Type, d Datum) []byte {
	return appendJSON(env, dst, t, d, jsonCompact)
}

// AppendJSONB appends d as to_jsonb writes it: canonical jsonb text.
func AppendJSONB(env *Env, dst []byte, t Type, d Datum) []byte {
	return appendJSON(env, dst, t, d, jsonbStyle)
}

func appendJSON(env *Env, dst []byte, t Type, d Datum, style jsonStyle) []byte {
	if d.Null {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case Bool:
		return strconv.AppendBool(dst, d.I != 0)
	case Int2, Int4, Int8:
		return strconv.AppendInt(dst, d.I, 10)
	case Float4, Float8:
		return appendJSONFloat(dst, t.Kind, d.F, style)
	case Numeric:
		return appendJSONNumeric(dst, decodeNumeric(d.S))
	case Date, Timestamp, Timestamptz:
		return appendJSONTime(env, dst, t.Kind, d.I)
	case JSONB:
		return append(dst, d.S...)
	case JSON:
		if style == jsonbStyle {
			out, err := ParseJSONB(dst, d.S)
			if err == nil {
				return out
			}
			return append(dst, "null"...)
		}
		return append(dst, d.S...)
	case Array:
		return appendJSONArray(env, dst, *t.Elem, d.S, style)
	case Int2vector, Oidvector:
		return appendJSONArray(env, dst, vectorElem(t.Kind), d.S, style)
	case Struct, Record:
		return appendJSONRecord(env, dst, t, d.S, style)
	case Map:
		return appendJSONMap(env, dst, t, d.S, style)
	}
	var tmp [64]byte
	return AppendJSONString(dst, str(AppendText(env, tmp[:0], t, d)))
}

func appendJSONFloat(dst []byte, k Kind, f float64, style jsonStyle) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(AppendFloatText(append(dst, '"'), k, f), '"')
	}
	if style == jsonbStyle {
		var tmp [40]byte
		if d, err := ParseDecimal(str(AppendFloatText(tmp[:0], k, f))); err == nil {
			return d.Append(dst)
		}
	}
	return AppendFloatText(dst, k, f)
}

func appendJSONNumeric(dst []byte, d Decimal) []byte {
	if !d.IsFinite() {
		return append(d.Append(append(dst, '"')), '"')
	}
	return d.Append(dst)
}

// appendJSONTime writes ISO 8601 with a T, whatever the date style.
func appendJSONTime(env *Env, dst []byte, k Kind, v int64) []byte {
	iso := Env{Zone: env.zone()}
	start := len(dst) + 1
	dst = AppendIntText(&iso, append(dst, '"'), k, v)
	if !isInfinite(v) && k != Date {
		// YYYY-MM-DD hh:mm:ss+03 becomes YYYY-MM-DDThh:mm:ss+03:00.
		for i := start; i < len(dst); i++ {
			if dst[i] == ' ' {
				dst[i] = 'T'
				break
			}
		}
		if k == Timestamptz {
			dst = lengthenZone(dst, start)
		}
	}
	return append(dst, '"')
}

// lengthenZone makes +03 of an ISO time +03:00.
func lengthenZone(dst []byte, start int) []byte {
	bc := strings.HasSuffix(str(dst[start:]), " BC")
	if bc {
		dst = dst[:len(dst)-3]
	}
	if n := len(dst); n-start > 3 && (dst[n-3] == '+' || dst[n-3] == '-') {
		dst = append(dst, ":00"...)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendJSONArray(env *Env, dst []byte, elem Type, s string, style jsonStyle) []byte {
	r := openArray(elem.Phys(), s)
	if r.n == 0 {
		return append(dst, "[]"...)
	}
	at := 0
	return appendJSONLevel(env, dst, elem, &r, 0, &at, style)
}

func appendJSONLevel(env *Env, dst []byte, elem Type, r *ArrayReader, dim int, at *int,
	style jsonStyle) []byte {
	dst = append(dst, '[')
	for i := range int(r.Dim(dim).Len) {
		if i > 0 {
			dst = append(dst, style.comma()...)
		}
		if dim < r.ndim-1 {
			dst = appendJSONLevel(env, dst, elem, r, dim+1, at, style)
			continue
		}
		dst = appendJSON(env, dst, elem, r.Datum(*at), style)
		*at++
	}
	return append(dst, ']')
}

func appendJSONRecord(env *Env, dst []byte, t Type, s string, style jsonStyle) []byte {
	if style == jsonbStyle && !fieldsInKeyOrder(t.Fields) {
		return appendSortedRecord(env, dst, t, s)
	}
	r := openRecord(t, s)
	dst = append(dst, '{')
	for i, f := range t.Fields {
		if i > 0 {
			dst = append(dst, style.comma()...)
		}
		dst = append(AppendJSONString(dst, f.Name), style.colon()...)
		dst = appendJSON(env, dst, f.Type, r.next(), style)
	}
	return append(dst, '}')
}

func compareNames(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func fieldsInKeyOrder(fs []Field) bool {
	for i := 1; i < len(fs); i++ {
		if compareNames(fs[i-1].Name, fs[i].Name) >= 0 {
			return false
		}
	}
	return true
}

func appendSortedRecord(env *Env, dst []byte, t Type, s string) []byte {
	order := make([]int, len(t.Fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return compareNames(t.Fields[a].Name, t.Fields[b].Name)
	})
	ds := decodeRecord(t, s)
	dst = append(dst, '{')
	n := 0
	for k, i := range order {
		if k+1 < len(order) && t.Fields[order[k+1]].Name == t.Fields[i].Name {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendJSONString(dst, t.Fields[i].Name), ": "...)
		dst = appendJSON(env, dst, t.Fields[i].Type, ds[i], jsonbStyle)
	}
	return append(dst, '}')
}

func appendJSONMap(env *Env, dst []byte, t Type, s string, style jsonStyle) []byte {
	keys, vals := OpenMap(t, s)
	dst = append(dst, '{')
	ms := make([]member, 0, keys.n)
	body := len(dst)
	for i := range keys.n {
		if i > 0 {
			dst = append(dst, style.comma()...)
		}
		m := member{key: len(dst)}
		dst = AppendJSONString(dst, TextOf(env, *t.Key, keys.Datum(i)))
		m.val = len(dst)
		dst = append(dst, style.colon()...)
		dst = appendJSON(env, dst, *t.Elem, vals.Datum(i), style)
		m.end = len(dst)
		ms = append(ms, m)
	}
	if style == jsonbStyle {
		dst = sortMembers(dst, body, ms)
	}
	return append(dst, '}')
}

// DatumFromJSON reads a JSON value as a value of type t: objects become structs,
// maps and records, arrays become arrays, null NULL; other types read the text
// of a string, number or boolean.
func DatumFromJSON(env *Env, t Type, s string) (Datum, error) {
	if err := ValidJSON(s); err != nil {
		return Datum{}, err
	}
	return fromJSON(env, t, s)
}

// fromJSON is DatumFromJSON for checked JSON.
func fromJSON(env *Env, t Type, s string) (Datum, error) {
	s = trimSpace(s)
	kind := JSONKind(s)
	if t.Kind == JSON {
		return Datum{S: s}, nil
	}
	if t.Kind == JSONB {
		b, err := ParseJSONB(nil, s)
		return Datum{S: string(b)}, err
	}
	if kind == 'z' {
		return NullDatum, nil
	}
	switch t.Kind {
	case Array:
		if kind == 'a' {
			return arrayFromJSON(env, *t.Elem, s)
		}
	case Struct, Record:
		if kind == 'o' {
			return structFromJSON(env, t, s)
		}
		return Datum{}, errJSONShape(t, s)
	case Map:
		if kind == 'o' {
			return mapFromJSON(env, t, s)
		}
		return Datum{}, errJSONShape(t, s)
	case Timestamp, Timestamptz:
		// A number is milliseconds since 1970, as ksqlDB writes times.
		if kind == 'n' {
			if ms, err := ParseInt(Int8, s); err == nil {
				return Datum{I: ms * 1000}, nil
			}
		}
	}
	text, _ := JSONText(s)
	return ParseText(env, t, text)
}

func errJSONShape(t Type, s string) error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation,
		"cannot read a JSON %s as type %s", JSONTypeName(s), t).
		WithHint("Write a JSON object.")
}

// arrayFromJSON reads nested JSON arrays. Arrays of one element type become
// dimensions when they are regular.
func arrayFromJSON(env *Env, elem Type, s string) (Datum, error) {
	var v ArrayValue
	if elem.Kind != Array && elem.Kind != JSON && elem.Kind != JSONB {
		if dims, ok := jsonDims(s); ok {
			v.Dims = dims
		}
	}
	var walk func(s string, depth int) error
	walk = func(s string, depth int) error {
		for it := JSONElements(s); it.Next(); {
			if depth+1 < len(v.Dims) {
				if err := walk(it.Value, depth+1); err != nil {
					return err
				}
				continue
			}
			d, err := fromJSON(env, elem, it.Value)
			if err != nil {
				return err
			}
			v.Elems = append(v.Elems, d)
		}
		return nil
	}
	if err := walk(s, 0); err != nil {
		return Datum{}, err
	}
	if v.Dims == nil {
		v = NewArray(v.Elems)
	}
	if len(v.Elems) == 0 {
		v.Dims = nil
	}
	return ArrayDatum(elem, v), nil
}

// jsonDims gives the dimensions of nested JSON arrays; ok is false when they are
// flat or irregular.
func jsonDims(s string) (dims []Dim, ok bool) {
	for len(dims) < maxArrayDims && JSONKind(s) == 'a' {
		n := JSONLen(s)
		dims = append(dims, Dim{int32(n), 1})
		if n == 0 {
			break
		}
		s, _ = JSONIndex(s, 0)
	}
	return dims, len(dims) > 1
}

func structFromJSON(env *Env, t Type, s string) (Datum, error) {
	ds := make([]Datum, len(t.Fields))
	for i := range ds {
		ds[i] = NullDatum
	}
	for it := JSONElements(s); it.Next(); {
		i := t.FieldIndex(JSONUnquote(it.Key))
		if i < 0 {
			continue
		}
		var err error
		if ds[i], err = fromJSON(env, t.Fields[i].Type, it.Value); err != nil {
			return Datum{}, err
		}
	}
	return RecordDatum(t, ds), nil
}

func mapFromJSON(env *Env, t Type, s string) (Datum, error) {
	var keys, vals []Datum
	for it := JSONElements(s); it.Next(); {
		k, err := ParseText(env, *t.Key, JSONUnquote(it.Key))
		if err != nil {
			return Datum{}, err
		}
		v, err := fromJSON(env, *t.Elem, it.Value)
		if err != nil {
			return Datum{}, err
		}
		keys, vals = append(keys, k), append(vals, v)
	}
	return MapDatum(t, keys, vals), nil
}
