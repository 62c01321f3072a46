package types

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Limits of type modifiers, as in PostgreSQL.
const (
	maxNumericPrecision = 1000
	maxTypmodScale      = 1000
	maxCharLength       = 10485760
	maxTimePrecision    = 6
)

// aliases maps every accepted type name to its kind: PostgreSQL's typnames, the
// SQL spellings, and ksqlDB's names.
var aliases = map[string]Kind{
	"unknown": Unknown, "bool": Bool, "boolean": Bool, "\"char\"": Char,
	"int2": Int2, "smallint": Int2, "smallserial": Int2, "serial2": Int2, "tinyint": Int2,
	"int4": Int4, "int": Int4, "integer": Int4, "serial": Int4, "serial4": Int4,
	"int8": Int8, "bigint": Int8, "bigserial": Int8, "serial8": Int8,
	"oid": OID, "regproc": Regproc, "regprocedure": Regprocedure, "regoper": Regoper,
	"regoperator": Regoperator, "regcollation": Regcollation, "regtype": Regtype,
	"regclass": Regclass, "regnamespace": Regnamespace, "regrole": Regrole, "xid": Xid,
	"float4": Float4, "real": Float4, "float8": Float8, "float": Float8, "double": Float8,
	"double precision": Float8, "numeric": Numeric, "decimal": Numeric, "dec": Numeric,
	"text": Text, "string": Text, "varchar": Varchar, "character varying": Varchar,
	"char varying": Varchar, "bpchar": Bpchar, "char": Bpchar, "character": Bpchar,
	"nchar": Bpchar, "national character": Bpchar, "national char": Bpchar,
	"national character varying": Varchar, "national char varying": Varchar,
	"name": Name, "bytea": Bytea, "bytes": Bytea, "date": Date, "time": Time,
	"time without time zone": Time, "timetz": Timetz, "time with time zone": Timetz,
	"timestamp": Timestamp, "timestamp without time zone": Timestamp,
	"timestamptz": Timestamptz, "timestamp with time zone": Timestamptz,
	"interval": Interval, "uuid": UUID, "json": JSON, "jsonb": JSONB, "jsonpath": Jsonpath,
	"record": Record, "int2vector": Int2vector, "oidvector": Oidvector,
	"aclitem": Aclitem, "pg_node_tree": NodeTree, "void": Void, "any": Any,
}

// ByName resolves a type name in any spelling with its modifiers as numbers:
// ("varchar", 20), ("decimal", 10, 2), ("interval day to second", 3),
// ("integer[]"). MAP, STRUCT and ARRAY<T> are made by MapOf, ArrayOf and Type
// literals. Unknown names are 42704.
func ByName(name string, mods []int32) (Type, error) {
	base, dims := splitDims(strings.TrimSpace(name))
	quoted := strings.HasPrefix(base, "\"") && strings.HasSuffix(base, "\"") && len(base) > 1
	if quoted && base != "\"char\"" {
		base = base[1 : len(base)-1]
	} else if !quoted {
		base = strings.ToLower(base)
	}
	base = strings.TrimPrefix(base, "pg_catalog.")
	if strings.HasPrefix(base, "_") && dims == 0 {
		if k, ok := aliases[base[1:]]; ok && kinds[k].name == base[1:] {
			base, dims = base[1:], 1
		} else if base == "_char" {
			base, dims = "\"char\"", 1
		}
	}
	t, err := scalarByName(base, mods)
	if err != nil {
		return Type{}, err
	}
	if dims > 0 {
		return ArrayOf(t), nil
	}
	return t, nil
}

// splitDims cuts any [] and [n] off a type name.
func splitDims(s string) (base string, dims int) {
	for strings.HasSuffix(s, "]") {
		i := strings.LastIndexByte(s, '[')
		if i < 0 {
			break
		}
		s = strings.TrimSpace(s[:i])
		dims++
	}
	return s, dims
}

func scalarByName(base string, mods []int32) (Type, error) {
	if rest, ok := strings.CutPrefix(base, "interval "); ok && !strings.Contains(rest, "(") {
		return intervalType(strings.Fields(rest), mods)
	}
	k, ok := aliases[base]
	if !ok {
		if t, ok, err := modsInName(base, mods); ok || err != nil {
			return t, err
		}
		return Type{}, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", base)
	}
	if base == "float" && len(mods) == 1 {
		return floatType(mods[0])
	}
	if len(mods) == 0 {
		if base != "bpchar" && k == Bpchar {
			return Of(Bpchar).WithTypmod(1 + 4), nil
		}
		return Of(k), nil
	}
	m, err := typmodIn(k, mods)
	if err != nil {
		return Type{}, err
	}
	return Of(k).WithTypmod(m), nil
}

// modsInName reads modifiers written in the name: "numeric(10,2)",
// "timestamp(3) with time zone".
func modsInName(base string, mods []int32) (Type, bool, error) {
	open := strings.IndexByte(base, '(')
	end := strings.IndexByte(base, ')')
	if open <= 0 || end < open || len(mods) > 0 {
		return Type{}, false, nil
	}
	for _, f := range strings.Split(base[open+1:end], ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(f), 10, 32)
		if err != nil {
			return Type{}, false, nil
		}
		mods = append(mods, int32(n))
	}
	t, err := scalarByName(strings.TrimSpace(strings.TrimSpace(base[:open])+base[end+1:]), mods)
	return t, true, err
}

// ByNameText is ByName with the modifiers as written: "10", "2", or the field
// words of interval ("day", "to", "second", "3").
func ByNameText(name string, mods []string) (Type, error) {
	var nums []int32
	var words []string
	for _, m := range mods {
		if n, err := strconv.ParseInt(strings.TrimSpace(m), 10, 32); err == nil {
			nums = append(nums, int32(n))
		} else {
			words = append(words, strings.ToLower(strings.TrimSpace(m)))
		}
	}
	if len(words) == 0 {
		return ByName(name, nums)
	}
	base, dims := splitDims(strings.ToLower(strings.TrimSpace(name)))
	if base == "varchar" && len(mods) == 1 && words[0] == "string" {
		return ByName(name, nil) // ksqlDB's VARCHAR(STRING), of any length
	}
	if base != "interval" {
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue,
			"invalid type modifier \"%s\" for type %s", words[0], name)
	}
	t, err := intervalType(words, nums)
	if err == nil && dims > 0 {
		t = ArrayOf(t)
	}
	return t, err
}

func floatType(p int32) (Type, error) {
	switch {
	case p < 1:
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue,
			"precision for type float must be at least 1 bit")
	case p <= 24:
		return Of(Float4), nil
	case p <= 53:
		return Of(Float8), nil
	}
	return Type{}, sqlerr.New(sqlerr.InvalidParameterValue,
		"precision for type float must be less than 54 bits")
}

// typmodIn is PostgreSQL's typmodin: modifiers to atttypmod.
func typmodIn(k Kind, mods []int32) (int32, error) {
	switch k {
	case Varchar, Bpchar:
		return charTypmod(k, mods)
	case Numeric:
		return numericTypmod(mods)
	case Time, Timetz, Timestamp, Timestamptz, Interval:
		if len(mods) != 1 {
			return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid type modifier")
		}
		return timeTypmod(k, mods[0])
	}
	return 0, sqlerr.New(sqlerr.SyntaxError,
		"type modifier is not allowed for type \"%s\"", kinds[k].name)
}

func charTypmod(k Kind, mods []int32) (int32, error) {
	name := "varchar"
	if k == Bpchar {
		name = "char"
	}
	if len(mods) != 1 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid type modifier")
	}
	if mods[0] < 1 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"length for type %s must be at least 1", name)
	}
	if mods[0] > maxCharLength {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"length for type %s cannot exceed %d", name, maxCharLength)
	}
	return mods[0] + 4, nil
}

func numericTypmod(mods []int32) (int32, error) {
	if len(mods) > 2 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid NUMERIC type modifier")
	}
	p, s := mods[0], int32(0)
	if p < 1 || p > maxNumericPrecision {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"NUMERIC precision %d must be between 1 and %d", p, maxNumericPrecision)
	}
	if len(mods) == 2 {
		s = mods[1]
		if s < -maxTypmodScale || s > maxTypmodScale {
			return 0, sqlerr.New(sqlerr.InvalidParameterValue,
				"NUMERIC scale %d must be between %d and %d", s, -maxTypmodScale, maxTypmodScale)
		}
	}
	return NumericTypmod(p, s), nil
}

// NumericTypmod packs precision and scale as atttypmod.
func NumericTypmod(precision, scale int32) int32 { return (precision<<16 | scale&0x7ff) + 4 }

// PrecisionScale gives the precision and scale of a numeric type; ok is false
// when it has no modifier.
func (t Type) PrecisionScale() (precision, scale int32, ok bool) {
	m := t.Typmod()
	if t.Kind != Numeric || m < 4 {
		return 0, 0, false
	}
	m -= 4
	return m >> 16 & 0xffff, (m&0x7ff ^ 1024) - 1024, true
}

// MaxLength gives n of varchar(n) and character(n), 0 when there is none.
func (t Type) MaxLength() int32 {
	if m := t.Typmod(); (t.Kind == Varchar || t.Kind == Bpchar) && m > 4 {
		return m - 4
	}
	return 0
}

func timeTypmod(k Kind, p int32) (int32, error) {
	if p < 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"%s precision must not be negative", timePrecisionName(k, p))
	}
	p = min(p, maxTimePrecision)
	if k == Interval {
		return intervalFullRange<<16 | p, nil
	}
	return p, nil
}

func timePrecisionName(k Kind, p int32) string {
	name := map[Kind]string{Time: "TIME", Timetz: "TIME", Timestamp: "TIMESTAMP",
		Timestamptz: "TIMESTAMP", Interval: "INTERVAL"}[k]
	name += "(" + strconv.Itoa(int(p)) + ")"
	if k == Timetz || k == Timestamptz {
		name += " WITH TIME ZONE"
	}
	return name
}

// Field bits of an interval's range, as in PostgreSQL's datetime.h.
const (
	intervalMonth         = 1 << 1
	intervalYear          = 1 << 2
	intervalDay           = 1 << 3
	intervalHour          = 1 << 10
	intervalMinute        = 1 << 11
	intervalSecond        = 1 << 12
	intervalFullRange     = 0x7fff
	intervalFullPrecision = 0xffff
)

// intervalRanges lists the field clauses in the order of format_type.
var intervalRanges = []struct {
	words string
	mask  int32
}{
	{"year", intervalYear}, {"month", intervalMonth}, {"day", intervalDay},
	{"hour", intervalHour}, {"minute", intervalMinute}, {"second", intervalSecond},
	{"year to month", intervalYear | intervalMonth},
	{"day to hour", intervalDay | intervalHour},
	{"day to minute", intervalDay | intervalHour | intervalMinute},
	{"day to second", intervalDay | intervalHour | intervalMinute | intervalSecond},
	{"hour to minute", intervalHour | intervalMinute},
	{"hour to second", intervalHour | intervalMinute | intervalSecond},
	{"minute to second", intervalMinute | intervalSecond},
}

func intervalType(words []string, mods []int32) (Type, error) {
	s := strings.Join(words, " ")
	s = strings.ReplaceAll(s, "years", "year")
	for _, u := range []string{"month", "day", "hour", "minute", "second"} {
		s = strings.ReplaceAll(s, u+"s", u)
	}
	for _, r := range intervalRanges {
		if r.words != s {
			continue
		}
		p := int32(intervalFullPrecision)
		if len(mods) > 0 {
			m, err := timeTypmod(Interval, mods[0])
			if err != nil {
				return Type{}, err
			}
			p = m & 0xffff
		}
		return Of(Interval).WithTypmod(r.mask<<16 | p), nil
	}
	return Type{}, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", s)
}

// String gives the type as PostgreSQL's format_type writes it.
func (t Type) String() string { return string(t.appendName(nil)) }

func (t Type) appendName(b []byte) []byte {
	switch t.Kind {
	case Array:
		if t.Elem == nil {
			return append(b, "anyarray"...)
		}
		return append(t.Innermost().appendName(b), "[]"...)
	case Map:
		b = append(t.Key.appendName(append(b, "MAP<"...)), ", "...)
		return append(t.Elem.appendName(b), '>')
	case Struct:
		b = append(b, "STRUCT<"...)
		for i, f := range t.Fields {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, f.Name...), ' ')
			b = f.Type.appendName(b)
		}
		return append(b, '>')
	case Enum:
		if t.Enum != nil {
			return append(b, t.Enum.Name...)
		}
	case Record:
		if t.Row != nil {
			return append(b, t.Row.Name...)
		}
	}
	return t.appendScalarName(b)
}

func (t Type) appendScalarName(b []byte) []byte {
	name, m := kinds[t.Kind].sql, t.Typmod()
	if m < 0 {
		if t.Kind == Bpchar {
			name = "bpchar"
		}
		return append(b, name...)
	}
	switch t.Kind {
	case Varchar, Bpchar:
		b = append(append(b, name...), '(')
		return append(strconv.AppendInt(b, int64(m-4), 10), ')')
	case Numeric:
		p, s, _ := t.PrecisionScale()
		b = strconv.AppendInt(append(b, "numeric("...), int64(p), 10)
		return append(strconv.AppendInt(append(b, ','), int64(s), 10), ')')
	case Time, Timetz, Timestamp, Timestamptz:
		word, rest, _ := strings.Cut(name, " ")
		b = strconv.AppendInt(append(append(b, word...), '('), int64(m), 10)
		return append(append(b, ") "...), rest...)
	case Interval:
		return appendIntervalName(b, m)
	}
	return append(b, name...)
}

func appendIntervalName(b []byte, m int32) []byte {
	b = append(b, "interval"...)
	for _, r := range intervalRanges {
		if r.mask == m>>16&0x7fff {
			b = append(append(b, ' '), r.words...)
		}
	}
	if p := m & 0xffff; p != intervalFullPrecision {
		b = append(strconv.AppendInt(append(b, '('), int64(p), 10), ')')
	}
	return b
}
