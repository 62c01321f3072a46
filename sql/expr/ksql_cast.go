package expr

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// ksqlCasts are the conversions that CAST has in ksqlDB's dialect, between its
// types; arrays, maps and structs convert if what is in them does.
var ksqlCasts = map[types.Kind][]types.Kind{
	types.Bool:    {types.Text},
	types.Int4:    {types.Int8, types.Numeric, types.Float8, types.Text},
	types.Int8:    {types.Int4, types.Numeric, types.Float8, types.Text},
	types.Numeric: {types.Int4, types.Int8, types.Float8, types.Text},
	types.Float8:  {types.Int4, types.Int8, types.Numeric, types.Text},
	types.Text: {types.Bool, types.Int4, types.Int8, types.Numeric, types.Float8, types.Timestamp,
		types.Time, types.Date, types.Bytea},
	types.Bytea:     {},
	types.Timestamp: {types.Text, types.Time, types.Date},
	types.Date:      {types.Text, types.Timestamp},
	types.Time:      {types.Text},
	types.Array:     {types.Text},
	types.Map:       {types.Text},
	types.Struct:    {types.Text},
}

// ksqlKind gives the kind that stands for a type in ksqlCasts, ok false for types
// that ksqlDB does not have.
func ksqlKind(t types.Type) (types.Kind, bool) {
	k := t.Kind
	if isString(k) {
		k = types.Text
	}
	_, ok := ksqlCasts[k]
	return k, ok
}

// ksqlCastable tells whether ksqlDB's CAST converts from one type to another. Types
// that only PostgreSQL has convert as there.
func ksqlCastable(from, to types.Type) bool {
	f, ok1 := ksqlKind(from)
	t, ok2 := ksqlKind(to)
	switch {
	case !ok1 || !ok2:
		return CanCoerce(from, to, CoerceExplicit)
	case f == t && f == types.Array:
		return ksqlCastable(elemOf(from), elemOf(to))
	case f == t && f == types.Map:
		return ksqlCastable(*from.Key, *to.Key) && ksqlCastable(*from.Elem, *to.Elem)
	case f == t && f == types.Struct:
		for _, field := range from.Fields {
			i := to.FieldIndex(field.Name)
			if i >= 0 && !ksqlCastable(field.Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return f == t || slices.Contains(ksqlCasts[f], t)
}

// dialectCast is CAST in ksqlDB's dialect: numbers lose their fraction, texts of
// values are Java's, bytes are written in base64.
func (c *checker) dialectCast(x Expr, t types.Type, pos int) (Expr, error) {
	from := x.Type()
	if lit, ok := x.(*Const); c.ksql && ok && from.Kind == types.Unknown && !lit.D.Null &&
		readByKsql(t.Kind) && !strings.HasPrefix(lit.D.S, `\x`) {
		from = types.Of(types.Text)
		x = &Const{D: lit.D, T: from}
	}
	if !c.ksql || from.Kind == types.Unknown {
		return c.coerce(x, t, CoerceExplicit, pos)
	}
	if !ksqlCastable(from, t) {
		hint := "ksqlDB's dialect has no such CAST."
		if from.Kind == types.Bytea {
			hint = "Use from_bytes, which takes the encoding."
		}
		return nil, castError(from, t, CoerceExplicit, pos).WithHint("%s", hint)
	}
	if !ksqlConverts(from, t) {
		return c.coerce(x, t, CoerceExplicit, pos)
	}
	fn := &Func{Name: "cast", Args: []types.Type{from}, Ret: t, Strict: true,
		Doc: "CAST of ksqlDB's dialect", Row: func(env *Env, a []types.Datum) (types.Datum, error) {
			return javaCast(env, from, t, a[0])
		}}
	return &Call{Fn: fn, Args: []Expr{x}, T: t, Pos: pos}, nil
}

// readByKsql lists the kinds that ksqlDB reads from texts in a way of its own.
func readByKsql(k types.Kind) bool {
	return k == types.Bool || k == types.Bytea || k == types.Timestamp || k == types.Date
}

// ksqlConverts tells whether a conversion differs from PostgreSQL's.
func ksqlConverts(from, to types.Type) bool {
	f, ok1 := ksqlKind(from)
	t, ok2 := ksqlKind(to)
	switch {
	case t == types.Text && to.Mod == 0:
		return from.Kind == types.Timestamptz || ok1 && f != types.Text && f != types.Bool &&
			f != types.Int4 && f != types.Int8 && f != types.Numeric
	case !ok1 || !ok2:
		return false
	case f == types.Array && t == types.Array:
		return ksqlConverts(elemOf(from), elemOf(to))
	case f == types.Map && t == types.Map:
		return ksqlConverts(*from.Key, *to.Key) || ksqlConverts(*from.Elem, *to.Elem)
	case f == types.Struct && t == types.Struct:
		return !from.Same(to)
	case t == types.Int4 || t == types.Int8:
		return f == types.Float8 || f == types.Numeric || f == types.Int8 && t == types.Int4
	case f == types.Text:
		return readByKsql(t) || t == types.Float8 || t == types.Numeric
	}
	return false
}

// javaCast converts one value.
func javaCast(env *Env, from, to types.Type, d types.Datum) (types.Datum, error) {
	if d.Null || from.Same(to) && to.Mod == 0 {
		return d, nil
	}
	f, _ := ksqlKind(from)
	t, _ := ksqlKind(to)
	switch {
	case t == types.Text && f != types.Text && to.Mod == 0:
		return types.TextDatum(javaText(env, from, d)), nil
	case f == types.Array && t == types.Array:
		vs := d.Array(elemOf(from)).Elems
		if err := javaCastAll(env, elemOf(from), elemOf(to), vs); err != nil {
			return types.NullDatum, err
		}
		return makeArrayDatum(vs, to)
	case f == types.Map && t == types.Map:
		keys, vals := types.DecodeMap(from, aliasBytes(d.S))
		err := javaCastAll(env, *from.Key, *to.Key, keys)
		if err == nil {
			err = javaCastAll(env, *from.Elem, *to.Elem, vals)
		}
		if err != nil {
			return types.NullDatum, err
		}
		return types.MapDatum(to, keys, vals), nil
	case f == types.Struct && t == types.Struct:
		return javaCastStruct(env, from, to, d)
	case t == types.Int4 || t == types.Int8:
		if v, ok := javaInteger(f, t, d); ok {
			return types.IntDatum(v), nil
		}
	case f == types.Text:
		return javaRead(env, from, to, d)
	}
	return castDatum(d, from, to, true, typesEnv(env))
}

func javaCastAll(env *Env, from, to types.Type, vs []types.Datum) (err error) {
	for i, v := range vs {
		if vs[i], err = javaCast(env, from, to, v); err != nil {
			return err
		}
	}
	return nil
}

// javaCastStruct goes by the names of the fields; those that are missing are NULL.
func javaCastStruct(env *Env, from, to types.Type, d types.Datum) (types.Datum, error) {
	vals := d.Fields(from)
	out := make([]types.Datum, len(to.Fields))
	for i, field := range to.Fields {
		out[i] = types.NullDatum
		if j := from.FieldIndex(field.Name); j >= 0 {
			v, err := javaCast(env, from.Fields[j].Type, field.Type, vals[j])
			if err != nil {
				return types.NullDatum, err
			}
			out[i] = v
		}
	}
	return types.RecordDatum(to, out), nil
}

// javaInteger converts a number as Java does: a DOUBLE stays in the range of the
// type, others lose the bits that it does not have.
func javaInteger(from, to types.Kind, d types.Datum) (int64, bool) {
	switch from {
	case types.Float8:
		v := saturate(d.F)
		if to == types.Int4 {
			v = max(min(v, math.MaxInt32), math.MinInt32)
		}
		return v, true
	case types.Int8:
		return int64(int32(d.I)), true
	case types.Numeric:
		whole, ok := new(big.Int).SetString(d.Decimal().Trunc(0).String(), 10)
		if !ok {
			return 0, false
		}
		low := new(big.Int).And(whole, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
		if to == types.Int4 {
			return int64(int32(low)), true
		}
		return int64(low), true
	}
	return 0, false
}

// javaRead reads a text as a value of a type.
func javaRead(env *Env, from, to types.Type, d types.Datum) (types.Datum, error) {
	s := strings.TrimFunc(d.S, func(c rune) bool { return c <= ' ' })
	switch to.Kind {
	case types.Bool:
		return types.BoolDatum(truthText(s)), nil
	case types.Bytea:
		if !strings.HasPrefix(s, `\x`) {
			b, err := toBytes(s, "base64")
			return types.TextDatum(b), err
		}
	case types.Date:
		return types.ParseText(nil, to, completeDate(s))
	case types.Timestamp:
		if us, ok := partialTimestamp(s); ok {
			return types.IntDatum(us), nil
		}
	case types.Float8, types.Numeric:
		v, err := castDatum(types.TextDatum(s), from, to, true, typesEnv(env))
		if err == nil && (to.Kind == types.Float8 && (math.IsNaN(v.F) || math.IsInf(v.F, 0)) ||
			to.Kind == types.Numeric && !v.Decimal().IsFinite()) {
			err = sqlerr.New(sqlerr.InvalidTextRepresentation,
				"invalid input syntax for type %s: \"%s\"", baseName(to), d.S)
		}
		return v, err
	}
	return castDatum(types.TextDatum(s), from, to, true, typesEnv(env))
}

// truthText tells whether a text is the beginning of 'true' or of 'yes'.
func truthText(s string) bool {
	s = strings.ToLower(s)
	return s != "" && (strings.HasPrefix("true", s) || strings.HasPrefix("yes", s))
}

// completeDate adds the first month and the first day to a date without them.
func completeDate(s string) string {
	switch strings.Count(strings.TrimRight(s, "-"), "-") {
	case 0:
		return s + "-01-01"
	case 1:
		return s + "-01"
	}
	return s
}

// partialTimestamp reads a time that may be cut short from the right; an offset
// after the time of day is taken into account.
func partialTimestamp(s string) (int64, bool) {
	const zero = "00:00:00.000"
	date, clock, timed := strings.Cut(s, "T")
	zone := time.UTC
	if timed {
		if i := strings.IndexAny(clock, "+-"); i >= 0 {
			var err error
			if zone, _, err = javaZone(clock[i:]); err != nil {
				return 0, false
			}
			clock = clock[:i]
		}
		clock = strings.TrimSuffix(clock, "Z")
	} else {
		date = completeDate(s)
	}
	if len(clock) < len(zero) {
		clock += zero[len(clock):]
	}
	p, err := parseJava(date+"T"+clock, javaTimestamp)
	if err != nil {
		return 0, false
	}
	return p.instant(zone), true
}

// javaClock writes a time of day without what is zero at its end, in whole seconds.
func javaClock(us int64) string {
	m := momentFromMicros(us)
	s := paddedNumber(int64(m.hour), 2) + ":" + paddedNumber(int64(m.min), 2)
	if m.sec > 0 {
		s += ":" + paddedNumber(int64(m.sec), 2)
	}
	return s
}

// javaTimestamp is the format of timestamps in texts.
const javaTimestamp = "yyyy-MM-dd'T'HH:mm:ss.SSS"

// javaText writes a value as ksqlDB's CAST to STRING does.
func javaText(env *Env, t types.Type, d types.Datum) string {
	switch {
	case d.Null:
		return "null"
	case t.Kind == types.Bool:
		return strconv.FormatBool(d.Bool())
	case t.Kind == types.Float8:
		return javaDouble(d.F)
	case t.Kind == types.Timestamp || t.Kind == types.Timestamptz:
		s, err := formatJava(javaInstant(time.UTC, "UTC", d.I), javaTimestamp)
		if err == nil {
			return s
		}
	case t.Kind == types.Time:
		return javaClock(d.I)
	case t.Kind == types.Array:
		elem := elemOf(t)
		var parts []string
		for _, v := range d.Array(elem).Elems {
			parts = append(parts, javaText(env, elem, v))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case t.Kind == types.Map:
		keys, vals := types.DecodeMap(t, []byte(d.S))
		var parts []string
		for i, k := range keys {
			parts = append(parts, javaText(env, *t.Key, k)+"="+javaText(env, *t.Elem, vals[i]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case t.Kind == types.Struct:
		var parts []string
		for i, v := range d.Fields(t) {
			if !v.Null {
				parts = append(parts, t.Fields[i].Name+"="+javaText(env, t.Fields[i].Type, v))
			}
		}
		return "Struct{" + strings.Join(parts, ",") + "}"
	}
	return types.TextOf(typesEnv(env), t, d)
}
