package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineSets(r *registry) {
	for _, k := range []string{"int4", "int8"} {
		r.fn("generate_series("+k+", "+k+") "+k, seriesInt, "numbers from the first to the second",
			"generate_series(2::"+k+", 4)").nullable()
		r.fn("generate_series("+k+", "+k+", "+k+") "+k, seriesInt,
			"numbers from the first to the second by steps", "generate_series(5::"+k+", 1, -2)").nullable()
	}
	r.fn("generate_series(numeric, numeric) numeric", seriesNumeric,
		"numbers from the first to the second", "generate_series(1.5, 4)").nullable()
	r.fn("generate_series(numeric, numeric, numeric) numeric", seriesNumeric,
		"numbers from the first to the second by steps", "generate_series(1.1, 4, 1.3)").nullable()
	r.fn("generate_series(timestamp, timestamp, interval) timestamp", seriesTime(false),
		"times from the first to the second by steps",
		"generate_series(timestamp '2008-03-01 00:00', '2008-03-02 00:00', '10 hours')").nullable()
	r.fn("generate_series(timestamptz, timestamptz, interval) timestamptz", seriesTime(true),
		"times from the first to the second by steps",
		"generate_series(timestamptz '2008-03-01 00:00+00', '2008-03-02 00:00+00', '10 hours')").
		nullable().stable()
	r.fn("generate_subscripts(anyarray, int4) int4", bindSubscripts(false),
		"the subscripts of a dimension", "generate_subscripts(ARRAY[5, 6, 7], 1)").nullable()
	r.fn("generate_subscripts(anyarray, int4, bool) int4", bindSubscripts(true),
		"the subscripts of a dimension, in reverse when asked",
		"generate_subscripts(ARRAY[5, 6, 7], 1, true)").nullable()
	r.fn("unnest(anyarray) anyelement", bindUnnest, "the elements, one a row",
		"unnest(ARRAY[1, 2, 3])").nullable()
	r.fn("explode(anyarray) anyelement", bindUnnest, "the elements, one a row",
		"unnest(ARRAY[1, 2, 3])").nullable()
}

func anyNull(a []types.Datum) bool {
	for _, d := range a {
		if d.Null {
			return true
		}
	}
	return false
}

func errZeroStep() error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "step size cannot equal zero")
}

func seriesInt(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
	if anyNull(a) {
		return nil
	}
	step := intOr(a, 2, 1)
	if step == 0 {
		return errZeroStep()
	}
	for v := a[0].I; step > 0 && v <= a[1].I || step < 0 && v >= a[1].I; {
		if err := emit([]types.Datum{types.IntDatum(v)}); err != nil {
			return err
		}
		next, ok := checkedArith('+', v, step)
		if !ok {
			return nil
		}
		v = next
	}
	return nil
}

func seriesNumeric(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
	if anyNull(a) {
		return nil
	}
	step := types.DecimalFromInt(1)
	if len(a) > 2 {
		step = a[2].Decimal()
	}
	from, to := a[0].Decimal(), a[1].Decimal()
	for i, d := range []types.Decimal{from, to, step} {
		what := [...]string{"start value", "stop value", "step size"}[i]
		if d.IsNaN() {
			return sqlerr.New(sqlerr.InvalidParameterValue, "%s cannot be NaN", what)
		}
		if d.IsInf() {
			return sqlerr.New(sqlerr.InvalidParameterValue, "%s cannot be infinity", what)
		}
	}
	if step.IsZero() {
		return errZeroStep()
	}
	for v := from; v.Cmp(to)*step.Sign() <= 0; {
		if err := emit([]types.Datum{types.NumericDatum(v)}); err != nil {
			return err
		}
		var err error
		if v, err = v.Add(step); err != nil {
			return err
		}
	}
	return nil
}

func seriesTime(zoned bool) func(*Env, []types.Datum, func([]types.Datum) error) error {
	return func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if anyNull(a) {
			return nil
		}
		step := a[2].Interval()
		sign := step.Sign()
		if sign == 0 {
			return errZeroStep()
		}
		zone := zoneFor(env, zoned)
		for v := a[0].I; compareNum(v, a[1].I)*sign <= 0; {
			if err := emit([]types.Datum{types.IntDatum(v)}); err != nil {
				return err
			}
			var err error
			if v, err = addInterval(v, step, zone); err != nil {
				return err
			}
		}
		return nil
	}
}

func bindSubscripts(canReverse bool) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		f.Set = func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
			if anyNull(a) {
				return nil
			}
			ds := dimsOf(args[0], a[0])
			if a[1].I < 1 || a[1].I > int64(len(ds)) {
				return nil
			}
			d := ds[a[1].I-1]
			for i := range int64(d.Len) {
				v := int64(d.Lower) + i
				if canReverse && a[2].Bool() {
					v = int64(d.Lower) + int64(d.Len) - 1 - i
				}
				if err := emit([]types.Datum{types.IntDatum(v)}); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// bindUnnest gives the elements of all dimensions. Elements that are arrays
// themselves stay whole.
func bindUnnest(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Set = func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		r := types.OpenArrayDatum(elem, a[0])
		for i := range r.Len() {
			if err := emit([]types.Datum{r.Datum(i)}); err != nil {
				return err
			}
		}
		return nil
	}
}
