package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Context says how freely a cast is applied. A smaller one is freer.
type Context uint8

// The contexts.
const (
	CastNone       Context = iota // no such cast
	CastImplicit                  // in any expression
	CastAssignment                // when a value is stored into a column
	CastExplicit                  // only by CAST or ::
)

// CastKind gives the context in which from casts to to; ok is false when it
// never does. Modifiers do not matter.
func CastKind(from, to Type) (c Context, ok bool) {
	if from.Same(to) || from.Kind == Unknown || to.Kind == Any {
		return CastImplicit, true
	}
	switch {
	case from.Kind == Array && to.Kind == Array:
		return arrayCastKind(from, to)
	case from.Kind == Map && to.Kind == Map:
		return bothCastKind(*from.Key, *to.Key, *from.Elem, *to.Elem)
	case from.Kind == Struct && to.Kind == Struct:
		return CastAssignment, true
	case from.Kind == Record && to.Kind == Record:
		return rowCastKind(from, to)
	}
	if c := castTable[from.Kind][to.Kind]; c != CastNone {
		return c, true
	}
	switch {
	case from.Kind == Void || to.Kind == Void || from.Kind == Invalid || to.Kind == Invalid:
		return CastNone, false
	case Category(to.Kind) == 'S':
		return CastAssignment, true
	case Category(from.Kind) == 'S':
		return CastExplicit, true
	}
	return CastNone, false
}

func arrayCastKind(from, to Type) (Context, bool) {
	if from.Elem == nil || to.Elem == nil {
		return CastImplicit, true
	}
	f, t := *from.Elem, *to.Elem
	if (f.Kind == Array) != (t.Kind == Array) {
		f, t = f.Innermost(), t.Innermost()
	}
	return CastKind(f, t)
}

func bothCastKind(f1, t1, f2, t2 Type) (Context, bool) {
	a, ok1 := CastKind(f1, t1)
	b, ok2 := CastKind(f2, t2)
	return max(a, b), ok1 && ok2
}

func errCannotCast(from, to Type) error {
	return sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s", typeWord(from), typeWord(to))
}

// Cast converts d, of type from, to type to with its modifier. An explicit cast
// cuts text that is too long, others refuse it.
func Cast(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	if d.Null {
		return d, nil
	}
	if from.Kind == to.Kind && to.Kind != Array && to.Kind != Map && to.Kind != Struct &&
		to.Kind != Record {
		return coerceMod(to, d, explicit)
	}
	if to.Kind == Any {
		return d, nil
	}
	if Category(to.Kind) == 'S' {
		return castToText(env, from, to, d, explicit)
	}
	if (Category(from.Kind) == 'S' || from.Kind == Unknown) && to.Kind != Char {
		if to.Kind == Interval && from.Kind != Unknown || to.Kind == Array && to.Elem.Mod != 0 {
			plain := to // only a literal interval is read by the modifier
			if plain.Mod = 0; to.Kind == Array {
				elem := *to.Elem
				elem.Mod = 0
				plain.Elem = &elem
			}
			v, err := ParseText(env, plain, d.S)
			if err != nil {
				return v, err
			}
			if to.Kind == Array {
				return castArray(env, *plain.Elem, *to.Elem, v, explicit)
			}
			return coerceMod(to, v, explicit)
		}
		return ParseText(env, to, d.S)
	}
	out, err := castValue(env, from, to, d, explicit)
	if err != nil || out.Null {
		return out, err
	}
	return coerceMod(to, out, explicit)
}

// coerceMod applies to's modifier to a value of its kind.
func coerceMod(to Type, d Datum, explicit bool) (Datum, error) {
	if to.Mod == 0 {
		return d, nil
	}
	switch to.Kind {
	case Varchar, Bpchar:
		s, err := CoerceText(to, d.S, explicit)
		return Datum{S: s}, err
	case Numeric:
		n, err := decodeNumeric(d.S).Coerce(to)
		if err != nil {
			return Datum{}, err
		}
		return NumericDatum(n), nil
	case Time:
		return IntDatum(RoundTime(to, d.I)), nil
	case Timestamp, Timestamptz:
		return IntDatum(RoundTimestamp(to, d.I)), nil
	case Timetz:
		v := d.Timetz()
		v.Micros = RoundTime(to, v.Micros)
		return TimetzDatum(v), nil
	case Interval:
		return IntervalDatum(d.Interval().Coerce(to)), nil
	}
	return d, nil
}

func castToText(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	var s string
	switch from.Kind {
	case Bool:
		s = strconv.FormatBool(d.I != 0)
		if to.Kind == Name { // by the output function, as there is no cast
			s = s[:1]
		}
	case Bpchar:
		s = trimBlanks(d.S)
	default:
		s = TextOf(env, from, d)
	}
	if to.Kind == Name {
		return Datum{S: truncateName(s)}, nil
	}
	s, err := CoerceText(to, s, explicit)
	return Datum{S: s}, err
}

// castValue casts between kinds neither of which is text.
func castValue(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	switch to.Kind {
	case Int2, Int4, Int8:
		return castToInt(from, to, d)
	case Float4, Float8:
		return castToFloat(from, to, d)
	case Numeric:
		return castToNumeric(from, to, d)
	case Bool:
		switch from.Kind {
		case Int4:
			return BoolDatum(d.I != 0), nil
		case JSONB:
			return jsonbToBool(d.S)
		}
	case Char:
		return castToChar(from, to, d)
	case OID, Regproc, Regtype, Regclass, Regnamespace, Regrole, Regprocedure, Regoper,
		Regoperator, Regcollation, Xid:
		return castToOID(from, to, d)
	case Date, Time, Timetz, Timestamp, Timestamptz, Interval:
		return castToTime(env, from, to, d)
	case JSON, JSONB:
		return castToJSON(env, from, to, d)
	case Array, Map, Struct, Record:
		return castComposite(env, from, to, d, explicit)
	}
	return Datum{}, errCannotCast(from, to)
}

func castToInt(from, to Type, d Datum) (Datum, error) {
	var v int64
	var err error
	switch from.Kind {
	case Int2, Int4, Int8:
		v, err = d.I, CheckInt(to.Kind, d.I)
	case Float4, Float8:
		v, err = floatToInt(to.Kind, d.F)
	case Numeric:
		v, err = d.Decimal().toInt(to.Kind)
	case Bool:
		v = d.I
	case Char:
		if d.S != "" {
			v = int64(int8(d.S[0]))
		}
	case OID, Regproc, Regtype, Regclass, Regnamespace, Regrole, Regprocedure, Regoper,
		Regoperator, Regcollation:
		if v = d.I; to.Kind == Int4 {
			v = int64(int32(v))
		}
		err = CheckInt(to.Kind, v)
	case JSONB:
		var n Decimal
		if n, err = jsonbToDecimal(d.S, kinds[to.Kind].sql); err == nil {
			v, err = n.toInt(to.Kind)
		}
	default:
		err = errCannotCast(from, to)
	}
	return Datum{I: v}, err
}

func castToFloat(from, to Type, d Datum) (Datum, error) {
	f := d.F
	var err error
	switch from.Kind {
	case Int2, Int4, Int8:
		f = float64(d.I)
		if to.Kind == Float4 {
			f = float64(float32(d.I))
		}
	case Float4, Float8:
		if to.Kind == Float4 {
			f, err = toFloat4(f)
		}
	case Numeric:
		f, err = d.Decimal().toFloat(to.Kind)
	case JSONB:
		var n Decimal
		if n, err = jsonbToDecimal(d.S, kinds[to.Kind].sql); err == nil {
			f, err = n.toFloat(to.Kind)
		}
	default:
		err = errCannotCast(from, to)
	}
	return Datum{F: f}, err
}

func castToNumeric(from, to Type, d Datum) (Datum, error) {
	var n Decimal
	var err error
	switch from.Kind {
	case Int2, Int4, Int8:
		n = DecimalFromInt(d.I)
	case Float4, Float8:
		n, err = DecimalFromFloat(from.Kind, d.F)
	case JSONB:
		n, err = jsonbToDecimal(d.S, "numeric")
	default:
		err = errCannotCast(from, to)
	}
	if err != nil {
		return Datum{}, err
	}
	return NumericDatum(n), nil
}

func castToChar(from, to Type, d Datum) (Datum, error) {
	switch {
	case Category(from.Kind) == 'S' || from.Kind == Unknown:
		return Datum{S: firstByte(d.S)}, nil
	case from.Kind == Int4:
		if d.I < -128 || d.I > 127 {
			return Datum{}, errRange("\"char\"")
		}
		return Datum{S: charOf(byte(d.I))}, nil
	}
	return Datum{}, errCannotCast(from, to)
}

func castToOID(from, to Type, d Datum) (Datum, error) {
	switch from.Kind {
	case Int2, Int4:
		return IntDatum(int64(uint32(d.I))), nil
	case Int8:
		if d.I < 0 || d.I > math.MaxUint32 {
			return Datum{}, errRange("OID")
		}
		return d, nil
	case OID, Regproc, Regtype, Regclass, Regnamespace, Regrole, Regprocedure, Regoper,
		Regoperator, Regcollation:
		return d, nil
	}
	return Datum{}, errCannotCast(from, to)
}

// castToTime casts between dates, times, timestamps and intervals.
func castToTime(env *Env, from, to Type, d Datum) (Datum, error) {
	zone := env.zone()
	v := d.I
	switch from.Kind {
	case Date:
		return dateToTimestamp(env, from, to, v)
	case Timestamp:
		return timestampTo(env, from, to, v, v)
	case Timestamptz:
		return timestampTo(env, from, to, toLocal(zone, v), v)
	case Time:
		switch to.Kind {
		case Interval:
			return IntervalDatum(IntervalValue{Micros: v}), nil
		case Timetz:
			return TimetzDatum(TimetzValue{v, int32(-env.todayOffset(v))}), nil
		}
	case Timetz:
		if to.Kind == Time {
			return IntDatum(d.Timetz().Micros), nil
		}
	case Interval:
		if to.Kind == Time {
			_, us := splitMicros(d.Interval().Micros)
			return IntDatum(us), nil
		}
	}
	return Datum{}, errCannotCast(from, to)
}

// todayOffset gives the session zone's seconds east at a time of the current
// day.
func (e *Env) todayOffset(us int64) int {
	env := e.or()
	days, _ := splitMicros(toLocal(env.zone(), env.Now))
	return localOffset(env.zone(), days*usecPerDay+us)
}

func dateToTimestamp(env *Env, from, to Type, days int64) (Datum, error) {
	if to.Kind != Timestamp && to.Kind != Timestamptz {
		return Datum{}, errCannotCast(from, to)
	}
	v, err := DateToTimestamp(days)
	if err == nil && to.Kind == Timestamptz && !isInfinite(v) {
		if v = fromLocal(env.zone(), v); !timestampInRange(v) {
			return Datum{}, errDateForTimestamp()
		}
	}
	return Datum{I: v}, err
}

// DateToTimestamp gives midnight of a day.
func DateToTimestamp(days int64) (int64, error) {
	if isInfinite(days) {
		return days, nil
	}
	if days > endTimestamp/usecPerDay {
		return 0, errDateForTimestamp()
	}
	return days * usecPerDay, nil
}

func errDateForTimestamp() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
}

// TimestampToDate gives the day of a local time.
func TimestampToDate(local int64) int64 {
	if isInfinite(local) {
		return local
	}
	days, _ := splitMicros(local)
	return days
}

// timestampTo casts a timestamp; local is its local time, v the value.
func timestampTo(env *Env, from, to Type, local, v int64) (Datum, error) {
	switch to.Kind {
	case Date:
		return IntDatum(TimestampToDate(local)), nil
	case Timestamp:
		return IntDatum(local), nil
	case Timestamptz:
		v := fromLocal(env.zone(), local)
		if !isInfinite(v) && !timestampInRange(v) {
			return Datum{}, errTimestampRange()
		}
		return IntDatum(v), nil
	case Time:
		if isInfinite(v) {
			return NullDatum, nil
		}
		_, us := splitMicros(local)
		return IntDatum(us), nil
	case Timetz:
		if isInfinite(v) {
			return NullDatum, nil
		}
		if from.Kind == Timestamptz {
			_, us := splitMicros(local)
			return TimetzDatum(TimetzValue{us, int32(-zoneOffset(env.zone(), v))}), nil
		}
	}
	return Datum{}, errCannotCast(from, to)
}

func castToJSON(env *Env, from, to Type, d Datum) (Datum, error) {
	switch from.Kind {
	case JSONB:
		return d, nil
	case JSON:
		b, err := ParseJSONB(nil, d.S)
		return Datum{S: string(b)}, err
	case Map, Struct:
		return Datum{S: string(AppendJSONB(env, nil, from, d))}, nil
	}
	return Datum{}, errCannotCast(from, to)
}

func errJSONBCast(s, typ string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "cannot cast jsonb %s to type %s",
		strings.Replace(JSONTypeName(s), "number", "numeric", 1), typ)
}

func jsonbToBool(s string) (Datum, error) {
	if JSONKind(s) != 'b' {
		return Datum{}, errJSONBCast(s, "boolean")
	}
	return BoolDatum(s == "true"), nil
}

func jsonbToDecimal(s, typ string) (Decimal, error) {
	if JSONKind(s) != 'n' {
		return Decimal{}, errJSONBCast(s, typ)
	}
	return ParseDecimal(s)
}

// castComposite casts between arrays, maps, structs, records and JSON.
func castComposite(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	switch {
	case to.Kind == Array && from.Kind == Array:
		return castArray(env, *from.Elem, *to.Elem, d, explicit)
	case to.Kind == Array && (from.Kind == Int2vector || from.Kind == Oidvector):
		return castArray(env, vectorElem(from.Kind), *to.Elem, d, explicit)
	case from.Kind == JSON || from.Kind == JSONB:
		if to.Kind == Map || to.Kind == Struct {
			return fromJSON(env, to, d.S)
		}
	case to.Kind == Map && from.Kind == Map:
		return castMap(env, from, to, d, explicit)
	case (to.Kind == Struct || to.Kind == Record) && (from.Kind == Struct || from.Kind == Record):
		return castRecord(env, from, to, d, explicit)
	}
	return Datum{}, errCannotCast(from, to)
}

func castArray(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	v := d.Array(from)
	for from.Kind == Array && to.Kind != Array {
		if allEmpty(v, *from.Elem) {
			return ArrayDatum(to, ArrayValue{}), nil
		}
		var ok bool
		if v, ok = flatten(v, *from.Elem); !ok {
			return Datum{}, sqlerr.New(sqlerr.ArraySubscriptError,
				"multidimensional arrays must have array expressions with matching dimensions")
		}
		from = *from.Elem
	}
	if to.Kind == Array && from.Kind != Array {
		var err error
		if v, err = nest(v, ArrayOf(from)); err != nil {
			return Datum{}, err
		}
		from = ArrayOf(from)
	}
	out := ArrayValue{Dims: v.Dims, Elems: make([]Datum, len(v.Elems))}
	for i, x := range v.Elems {
		var err error
		if out.Elems[i], err = Cast(env, from, to, x, explicit); err != nil {
			return Datum{}, err
		}
	}
	return ArrayDatum(to, out), nil
}

// allEmpty tells whether an array of arrays has no element in any of them.
func allEmpty(v ArrayValue, elem Type) bool {
	for _, d := range v.Elems {
		if !d.Null && len(d.Array(elem).Elems) > 0 {
			return false
		}
	}
	return true
}

func castMap(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	ks, vs := OpenMap(from, d.S)
	keys, vals := ks.value().Elems, vs.value().Elems
	for i := range keys {
		var err error
		if keys[i], err = Cast(env, *from.Key, *to.Key, keys[i], explicit); err != nil {
			return Datum{}, err
		}
		if vals[i], err = Cast(env, *from.Elem, *to.Elem, vals[i], explicit); err != nil {
			return Datum{}, err
		}
	}
	return MapDatum(to, keys, vals), nil
}

// castRecord matches the fields of two STRUCTs by name, where they have a name in
// common or the source is empty: fields that the source lacks are NULL. Other
// composites match by position, and so do STRUCTs in a CAST that is written: an
// assignment of a STRUCT of other names is rather a mistake.
func castRecord(env *Env, from, to Type, d Datum, explicit bool) (Datum, error) {
	src := d.Fields(from)
	structs := to.Kind == Struct && from.Kind == Struct
	byName := structs && sharesField(from, to)
	if structs && !byName && !explicit {
		return Datum{}, sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s",
			typeWord(from), typeWord(to)).WithDetail("They have no name of a field in common.").
			WithHint("Name the fields as in %s, or write the CAST.", typeWord(to))
	}
	if !byName && len(from.Fields) != len(to.Fields) {
		how := "few"
		if len(from.Fields) > len(to.Fields) {
			how = "many"
		}
		return Datum{}, sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s",
			typeWord(from), typeWord(to)).WithDetail("Input has too %s columns.", how)
	}
	out := make([]Datum, len(to.Fields))
	for i, f := range to.Fields {
		j := i
		if byName {
			if j = from.FieldIndex(f.Name); j < 0 {
				out[i] = NullDatum
				continue
			}
		}
		var err error
		if out[i], err = Cast(env, from.Fields[j].Type, f.Type, src[j], explicit); err != nil {
			return Datum{}, err
		}
	}
	return RecordDatum(to, out), nil
}

func sharesField(from, to Type) bool {
	for _, f := range to.Fields {
		if from.FieldIndex(f.Name) >= 0 {
			return true
		}
	}
	return len(from.Fields) == 0
}
