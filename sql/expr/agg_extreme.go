package expr

import (
	"math"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Appended gives a form of the aggregate that keeps its state in words, for input
// from which no row is ever taken back; nil when there is none. min and max of
// integers, floats, dates and times have one: the value itself.
func (a *AggFunc) Appended(arg types.Type) *AggFunc {
	if a.Extreme == 0 || a.Words > 0 {
		return nil
	}
	c := *a
	c.Words, c.Collect, c.Extreme, c.origin = 2, nil, 0, a.Origin()
	switch arg.Phys() {
	case types.PhysInt64:
		c.Update, c.Result, c.Merge = lastInt(a.Extreme), lastIntResult, mergeLastInt(a.Extreme)
	case types.PhysFloat64:
		c.Update, c.Result, c.Merge = lastFloat(a.Extreme), lastFloatResult, mergeLastFloat(a.Extreme)
	default:
		return nil
	}
	return &c
}

// extremeInt and extremeFloat are the value of min or max, once there is one.
type extremeInt struct {
	some int64
	v    int64
}

type extremeFloat struct {
	some int64
	v    float64
}

func (s *extremeInt) see(v int64, sign int) {
	if s.some == 0 || sign > 0 && v > s.v || sign < 0 && v < s.v {
		s.some, s.v = 1, v
	}
}

// see orders NaN behind all other values, as PostgreSQL does.
func (s *extremeFloat) see(v float64, sign int) {
	less, more := s.v <= v, s.v >= v // of equal ones, 0 and -0, the last counts
	if math.IsNaN(v) {
		less, more = true, math.IsNaN(s.v)
	} else if math.IsNaN(s.v) {
		more = true
	}
	if s.some == 0 || sign > 0 && less || sign < 0 && more {
		s.some, s.v = 1, v
	}
}

func lastInt(sign int) func(accs, []uint16, []*batch.Vector, []int32) error {
	return func(acc accs, rows []uint16, args []*batch.Vector, _ []int32) error {
		v := args[0]
		vals, m := v.I64, mask(v)
		for k, r := range rows {
			if v.Valid == nil || !v.IsNull(int(r)) {
				(*extremeInt)(acc[k]).see(vals[int(r)&m], sign)
			}
		}
		return nil
	}
}

func lastFloat(sign int) func(accs, []uint16, []*batch.Vector, []int32) error {
	return func(acc accs, rows []uint16, args []*batch.Vector, _ []int32) error {
		v := args[0]
		vals, m := v.F64, mask(v)
		for k, r := range rows {
			if v.Valid == nil || !v.IsNull(int(r)) {
				(*extremeFloat)(acc[k]).see(vals[int(r)&m], sign)
			}
		}
		return nil
	}
}

func lastIntResult(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		if s := (*extremeInt)(p); s.some != 0 {
			out.AppendInt(s.v)
		} else {
			out.AppendNull()
		}
	}
	return nil
}

func lastFloatResult(acc accs, out *batch.Vector) error {
	for _, p := range acc {
		if s := (*extremeFloat)(p); s.some != 0 {
			out.AppendFloat(s.v)
		} else {
			out.AppendNull()
		}
	}
	return nil
}

func mergeLastInt(sign int) func(dst, src accs, at int) error {
	return func(dst, src accs, at int) error {
		for k, d := range dst {
			if o := (*extremeInt)(unsafe.Add(src[k], at*8)); o.some != 0 {
				(*extremeInt)(unsafe.Add(d, at*8)).see(o.v, sign)
			}
		}
		return nil
	}
}

func mergeLastFloat(sign int) func(dst, src accs, at int) error {
	return func(dst, src accs, at int) error {
		for k, d := range dst {
			if o := (*extremeFloat)(unsafe.Add(src[k], at*8)); o.some != 0 {
				(*extremeFloat)(unsafe.Add(d, at*8)).see(o.v, sign)
			}
		}
		return nil
	}
}
