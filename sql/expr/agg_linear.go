package expr

import (
	"math"
	"math/big"
	"math/bits"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

type accs = []unsafe.Pointer

// weightOf gives the weight of a row; w is nil for all +1.
func weightOf(w []int32, row uint16) int64 {
	if w == nil {
		return 1
	}
	return int64(w[row])
}

func defineAggs(r *registry) {
	r.agg("count() int8", AggFunc{Doc: "number of rows", Example: "count(*)", Words: 1,
		Update: countAll, Result: countResult, Merge: mergeWords(1), EmptyZero: true})
	r.agg("count(any) int8", AggFunc{Doc: "number of rows whose argument is not null",
		Example: "count(x)", Words: 1, Update: countSome, Result: countResult, EmptyZero: true,
		Merge: mergeWords(1)})
	for _, k := range []string{"int2", "int4"} {
		r.agg("sum("+k+") int8", AggFunc{Doc: "sum", Example: "sum(x::" + k + ")", Words: 3,
			Update: sumInt, Result: sumIntBigint, Merge: mergeInt})
	}
	r.agg("sum(int8) numeric", AggFunc{Doc: "sum", Example: "sum(x::int8)", Words: 3,
		Update: sumInt, Result: sumIntNumeric, Merge: mergeInt})
	for _, k := range []string{"int2", "int4", "int8"} {
		r.agg("avg("+k+") numeric", AggFunc{Doc: "mean", Example: "avg(x::" + k + ")", Words: 3,
			Update: sumInt, Result: avgInt, Merge: mergeInt})
	}
	r.agg("sum(numeric) numeric", AggFunc{Doc: "sum", Example: "sum(x::numeric)",
		Words: numericWords, Update: sumNumeric, Result: numericResult(false), Merge: mergeNumeric})
	r.agg("avg(numeric) numeric", AggFunc{Doc: "mean", Example: "avg(x::numeric)",
		Words: numericWords, Update: sumNumeric, Result: numericResult(true), Merge: mergeNumeric})
	r.agg("sum(float4) float4", AggFunc{Doc: "sum", Example: "sum(x::float4)", Words: floatWords,
		Update: sumFloat(true), Result: sumFloatResult})
	r.agg("sum(float8) float8", AggFunc{Doc: "sum", Example: "sum(x::float8)", Words: floatWords,
		Update: sumFloat(false), Result: sumFloatResult})
	for _, k := range []string{"float4", "float8"} {
		r.agg("avg("+k+") float8", AggFunc{Doc: "mean", Example: "avg(x::" + k + ")",
			Words: floatWords, Update: sumFloat(false), Result: avgFloatResult})
	}
	r.agg("sum(interval) interval", AggFunc{Doc: "sum", Example: "sum(x * interval '1 day')",
		Words: 4, Update: sumInterval, Result: intervalResult(false), Merge: mergeWords(4)})
	r.agg("avg(interval) interval", AggFunc{Doc: "mean", Example: "avg(x * interval '1 day')",
		Words: 4, Update: sumInterval, Result: intervalResult(true), Merge: mergeWords(4)})
	r.agg("bool_and(bool) bool", AggFunc{Doc: "whether all are true", Example: "bool_and(x > 0)",
		Words: 2, Update: countBools, Result: boolResult(true), Merge: mergeWords(2)})
	r.agg("every(bool) bool", AggFunc{Doc: "whether all are true", Example: "every(x > 0)",
		Words: 2, Update: countBools, Result: boolResult(true), Merge: mergeWords(2)})
	r.agg("bool_or(bool) bool", AggFunc{Doc: "whether one is true", Example: "bool_or(x > 2)",
		Words: 2, Update: countBools, Result: boolResult(false), Merge: mergeWords(2)})
}

func countAll(acc accs, rows []uint16, _ []*batch.Vector, w []int32) error {
	if w == nil {
		for k := range rows {
			*(*int64)(acc[k])++
		}
		return nil
	}
	for k, r := range rows {
		*(*int64)(acc[k]) += int64(w[r])
	}
	return nil
}

func countSome(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	if v.Valid == nil {
		return countAll(acc, rows, args, w)
	}
	for k, r := range rows {
		if v.Valid.Valid(v.Row(int(r))) {
			*(*int64)(acc[k]) += weightOf(w, r)
		}
	}
	return nil
}

func countResult(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		out.AppendInt(*(*int64)(p))
	}
	return nil
}

// intSum is a sum of integers: a 128-bit number and the number of addends. It
// never overflows, so it does not depend on the order of additions and
// retractions.
type intSum struct {
	lo    uint64
	hi    int64
	count int64
}

func (s *intSum) add(v int64) {
	var c uint64
	s.lo, c = bits.Add64(s.lo, uint64(v), 0)
	s.hi += v>>63 + int64(c)
}

func (s *intSum) addWeighted(v, w int64) {
	hi, lo := mul64(v, w)
	var c uint64
	s.lo, c = bits.Add64(s.lo, uint64(lo), 0)
	s.hi += hi + int64(c)
}

func (s *intSum) decimal() types.Decimal {
	if s.hi == int64(s.lo)>>63 {
		return types.DecimalFromInt(int64(s.lo))
	}
	b := new(big.Int).Lsh(big.NewInt(s.hi), 64)
	return types.DecimalFromBig(b.Add(b, new(big.Int).SetUint64(s.lo)), 0)
}

func sumInt(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	vals, m := v.I64, mask(v)
	if v.Valid == nil && w == nil {
		for k, r := range rows {
			s := (*intSum)(acc[k])
			s.add(vals[int(r)&m])
			s.count++
		}
		return nil
	}
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		s, n := (*intSum)(acc[k]), weightOf(w, r)
		s.addWeighted(vals[int(r)&m], n)
		s.count += n
	}
	return nil
}

func sumIntBigint(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		s := (*intSum)(p)
		switch {
		case s.count == 0:
			out.AppendNull()
		case s.hi != int64(s.lo)>>63:
			return errIntRange(types.Int8)
		default:
			out.AppendInt(int64(s.lo))
		}
	}
	return nil
}

func sumIntNumeric(acc accs, out *batch.Vector) error {
	var buf [40]byte
	for _, p := range acc {
		s := (*intSum)(p)
		if s.count == 0 {
			out.AppendNull()
			continue
		}
		if v := int64(s.lo); s.hi == v>>63 {
			digits := uint64(v)
			if v < 0 {
				digits = -digits
			}
			out.AppendBytes(types.EncodeSmallNumeric(buf[:0], digits, 0, v < 0))
			continue
		}
		out.AppendBytes(types.EncodeNumeric(buf[:0], s.decimal()))
	}
	return nil
}

func avgInt(acc accs, out *batch.Vector) error {
	var buf [40]byte
	for _, p := range acc {
		s := (*intSum)(p)
		if s.count == 0 {
			out.AppendNull()
			continue
		}
		d, err := s.decimal().Div(types.DecimalFromInt(s.count))
		if err != nil {
			return err
		}
		out.AppendBytes(types.EncodeNumeric(buf[:0], d))
	}
	return nil
}

// floatSum is a sum of floats in the order of arrival. comp gathers what the
// additions rounded away: once rows were retracted, the sum is corrected by it,
// so that adding and retracting a row leaves no trace.
type floatSum struct {
	sum, comp float64
	count     int64
	special   specials
}

const floatWords = 4

// specials counts NaN, +Infinity and -Infinity, 20 bits each, and has a bit that
// says that a row was retracted.
type specials uint64

const (
	specialBits = 20
	specialMask = 1<<specialBits - 1
	retracted   = specials(1) << 63
)

func (s *specials) add(v float64, w int64) {
	sh := uint(0)
	switch {
	case math.IsInf(v, 1):
		sh = specialBits
	case math.IsInf(v, -1):
		sh = 2 * specialBits
	}
	n := int64(*s>>sh&specialMask) + w
	*s = *s&^(specialMask<<sh) | specials(n)&specialMask<<sh
}

func (s specials) counts() (nan, pos, neg bool) {
	return s&specialMask != 0, s>>specialBits&specialMask != 0, s>>(2*specialBits)&specialMask != 0
}

// value gives the special result, ok false when all addends were finite.
func (s specials) value() (float64, bool) {
	nan, pos, neg := s.counts()
	switch {
	case nan || pos && neg:
		return math.NaN(), true
	case pos:
		return math.Inf(1), true
	case neg:
		return math.Inf(-1), true
	}
	return 0, false
}

func (s *floatSum) add(v float64, single bool) {
	t := s.sum + v
	if single {
		t = float64(float32(t))
	}
	if math.Abs(s.sum) >= math.Abs(v) {
		s.comp += (s.sum - t) + v
	} else {
		s.comp += (v - t) + s.sum
	}
	s.sum = t
}

func sumFloat(single bool) func(accs, []uint16, []*batch.Vector, []int32) error {
	return func(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
		v := args[0]
		vals, m := v.F64, mask(v)
		for k, r := range rows {
			if v.Valid != nil && v.IsNull(int(r)) {
				continue
			}
			s, n, x := (*floatSum)(acc[k]), weightOf(w, r), vals[int(r)&m]
			if s.count == 0 {
				s.sum = math.Copysign(0, -1) // what a sum of nothing but -0 stays at
			}
			s.count += n
			if x-x != 0 {
				s.special.add(x, n)
				continue
			}
			if n < 0 {
				s.special |= retracted
				x, n = -x, -n
			}
			for ; n > 0; n-- {
				s.add(x, single)
			}
			if s.count == 0 {
				s.sum, s.comp, s.special = 0, 0, s.special&^retracted
			}
		}
		return nil
	}
}

func (s *floatSum) value() (float64, error) {
	if v, ok := s.special.value(); ok {
		return v, nil
	}
	v := s.sum
	if s.special&retracted != 0 {
		v += s.comp
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, errFloatOverflow()
	}
	return v, nil
}

func sumFloatResult(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		s := (*floatSum)(p)
		if s.count == 0 {
			out.AppendNull()
			continue
		}
		v, err := s.value()
		if err != nil {
			return err
		}
		if out.Type.Kind == types.Float4 {
			v = float64(float32(v))
		}
		out.AppendFloat(v)
	}
	return nil
}

func avgFloatResult(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		s := (*floatSum)(p)
		if s.count == 0 {
			out.AppendNull()
			continue
		}
		v, err := s.value()
		if err != nil {
			return err
		}
		out.AppendFloat((v + 0) / float64(s.count)) // no -0
	}
	return nil
}

// intervalSum adds the parts of intervals.
type intervalSum struct{ micros, days, months, count int64 }

func sumInterval(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		s, n := (*intervalSum)(acc[k]), weightOf(w, r)
		iv := types.DecodeInterval(v.Bytes(int(r)))
		s.micros += iv.Micros * n
		s.days += int64(iv.Days) * n
		s.months += int64(iv.Months) * n
		s.count += n
	}
	return nil
}

func intervalResult(mean bool) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		var buf [16]byte
		for _, p := range acc {
			s := (*intervalSum)(p)
			if s.count == 0 {
				out.AppendNull()
				continue
			}
			iv := types.IntervalValue{Micros: s.micros, Days: int32(s.days), Months: int32(s.months)}
			if int64(iv.Days) != s.days || int64(iv.Months) != s.months {
				return sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
			}
			if mean {
				var err error
				if iv, err = iv.Div(float64(s.count)); err != nil {
					return err
				}
			}
			out.AppendBytes(types.EncodeInterval(buf[:0], iv))
		}
		return nil
	}
}

// boolCount counts values, and true ones.
type boolCount struct{ count, trues int64 }

func countBools(acc accs, rows []uint16, args []*batch.Vector, w []int32) error {
	v := args[0]
	for k, r := range rows {
		if v.IsNull(int(r)) {
			continue
		}
		s, n := (*boolCount)(acc[k]), weightOf(w, r)
		s.count += n
		if v.Bool[v.Row(int(r))] {
			s.trues += n
		}
	}
	return nil
}

func boolResult(all bool) func(accs, *batch.Vector) error {
	return func(acc accs, out *batch.Vector) error {
		for _, p := range acc {
			s := (*boolCount)(p)
			switch {
			case s.count == 0:
				out.AppendNull()
			case all:
				out.AppendBool(s.trues == s.count)
			default:
				out.AppendBool(s.trues > 0)
			}
		}
		return nil
	}
}
