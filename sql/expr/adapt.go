package expr

import (
	"fmt"

	"github.com/millracedb/millrace/sql/types"
)

// textFn appends its result to dst: text functions without allocation.
type textFn func(dst, s []byte) []byte

// adapt gives f the implementation impl: a plain Go function over the physical
// forms of the arguments. The evaluator has dealt with NULLs.
func adapt(f *Func, impl any) {
	if k := adaptKernel(impl); k != nil {
		f.Kernel = k
		return
	}
	if r := adaptRow(impl); r != nil {
		f.Row = r
		return
	}
	switch impl := impl.(type) {
	case func(*Env, []types.Datum, func([]types.Datum) error) error:
		f.Set = impl
	case HigherFunc:
		f.Higher = impl
	default:
		panic(fmt.Sprintf("registry: %s: implementation of type %T", f.Name, impl))
	}
}

// adaptKernel covers the shapes whose calls must not allocate.
func adaptKernel(impl any) Kernel {
	switch impl := impl.(type) {
	case textFn:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				padTo(out, int(r))
				endBytes(out, impl(out.Buf, args[0].Bytes(int(r))))
			}
			return nil
		}
	case func([]byte) int64:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				out.I64[r] = impl(args[0].Bytes(int(r)))
			}
			return nil
		}
	case func(a, b []byte) bool:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				out.Bool[r] = impl(args[0].Bytes(int(r)), args[1].Bytes(int(r)))
			}
			return nil
		}
	case func(a, b []byte) int64:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				out.I64[r] = impl(args[0].Bytes(int(r)), args[1].Bytes(int(r)))
			}
			return nil
		}
	case func([]byte, int64) []byte: // a piece of the argument
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			m := mask(args[1])
			for _, r := range rows {
				putBytes(out, int(r), impl(args[0].Bytes(int(r)), args[1].I64[int(r)&m]))
			}
			return nil
		}
	}
	return adaptNumKernel(impl)
}

func adaptNumKernel(impl any) Kernel {
	switch impl := impl.(type) {
	case func(float64) float64:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				out.F64[r] = impl(args[0].F64[r])
			}
			return nil
		}
	case func(float64) (float64, error):
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for k, r := range rows {
				v, err := impl(args[0].F64[r])
				if err != nil {
					return rowErr(k, err)
				}
				out.F64[r] = v
			}
			return nil
		}
	case func(a, b float64) (float64, error):
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			a, b, ma, mb := args[0].F64, args[1].F64, mask(args[0]), mask(args[1])
			for k, r := range rows {
				v, err := impl(a[int(r)&ma], b[int(r)&mb])
				if err != nil {
					return rowErr(k, err)
				}
				out.F64[r] = v
			}
			return nil
		}
	case func(int64) int64:
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				out.I64[r] = impl(args[0].I64[r])
			}
			return nil
		}
	case func(int64) (int64, error):
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for k, r := range rows {
				v, err := impl(args[0].I64[r])
				if err != nil {
					return rowErr(k, err)
				}
				out.I64[r] = v
			}
			return nil
		}
	case func(a, b int64) (int64, error):
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			a, b, ma, mb := args[0].I64, args[1].I64, mask(args[0]), mask(args[1])
			for k, r := range rows {
				v, err := impl(a[int(r)&ma], b[int(r)&mb])
				if err != nil {
					return rowErr(k, err)
				}
				out.I64[r] = v
			}
			return nil
		}
	}
	return nil
}

// adaptRow covers the shapes whose cost is not in the call.
func adaptRow(impl any) RowFunc {
	switch impl := impl.(type) {
	case RowFunc:
		return impl
	case func(*Env, []types.Datum) (types.Datum, error):
		return impl
	case func(a []types.Datum) (types.Datum, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) { return impl(a) }
	case func(*Env) types.Datum:
		return func(env *Env, _ []types.Datum) (types.Datum, error) { return impl(env), nil }
	case func(string) string:
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			return types.TextDatum(impl(a[0].S)), nil
		}
	case func(string) (string, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			s, err := impl(a[0].S)
			return types.TextDatum(s), err
		}
	case func(string, string) (string, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			s, err := impl(a[0].S, a[1].S)
			return types.TextDatum(s), err
		}
	case func(string, string) string:
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			return types.TextDatum(impl(a[0].S, a[1].S)), nil
		}
	case func(string) int64:
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			return types.IntDatum(impl(a[0].S)), nil
		}
	case func(string) (int64, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			v, err := impl(a[0].S)
			return types.IntDatum(v), err
		}
	case func(string, int64) (string, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			s, err := impl(a[0].S, a[1].I)
			return types.TextDatum(s), err
		}
	case func(types.Decimal) (types.Decimal, error):
		return decimalRow1(impl)
	case func(a, b types.Decimal) (types.Decimal, error):
		return decimalRow2(impl)
	}
	return nil
}

func decimalRow1(f func(types.Decimal) (types.Decimal, error)) RowFunc {
	return func(_ *Env, a []types.Datum) (types.Datum, error) {
		x, err := f(a[0].Decimal())
		if err != nil {
			return types.NullDatum, err
		}
		return types.NumericDatum(x), nil
	}
}

func decimalRow2(f func(a, b types.Decimal) (types.Decimal, error)) RowFunc {
	return func(_ *Env, a []types.Datum) (types.Datum, error) {
		x, err := f(a[0].Decimal(), a[1].Decimal())
		if err != nil {
			return types.NullDatum, err
		}
		return types.NumericDatum(x), nil
	}
}
