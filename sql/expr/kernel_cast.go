package expr

import (
	"math"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// castNode converts a vector. Casts that keep the stored form give the vector of
// the argument, unchanged but for its type.
type castNode struct {
	call *callNode
	x    node
	t    types.Type
	view batch.Vector
}

func (c *castNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	if c.call != nil {
		return c.call.eval(x, rows)
	}
	v, err := c.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	c.view = *v
	c.view.Type = c.t
	return &c.view, nil
}

func (c *compiler) compileCast(e *Cast) (node, error) {
	x, err := c.compile(e.X)
	if err != nil {
		return nil, err
	}
	from, to := e.X.Type(), e.T
	if sameForm(from, to) {
		return &castNode{x: x, t: to}, nil
	}
	fn := &Func{Name: "cast", Args: []types.Type{from}, Ret: to, Strict: true,
		Volatility: castVolatility(from, to), Kernel: castKernel(from, to, e.Explicit)}
	return &castNode{call: newCallNode(fn, []node{x}, to)}, nil
}

// sameForm tells whether every value of from is stored the same as a value of to.
func sameForm(from, to types.Type) bool {
	if m := to.Innermost().Mod; m != 0 && m != from.Innermost().Mod || to.Mod != 0 && to.Mod != from.Mod {
		return false
	}
	a, b := from.Kind, to.Kind
	switch {
	case from.Same(to):
		return true
	case b == types.Text || b == types.Varchar:
		return a == types.Text || a == types.Varchar || a == types.Name
	case isInteger(b):
		return isInteger(a) && intWidth(a) <= intWidth(b)
	case b == types.Float8:
		return a == types.Float4
	case isOID(b):
		return isOID(a)
	}
	return false
}

func intWidth(k types.Kind) int { return 64 - int(narrowShift(k)) }

func isOID(k types.Kind) bool {
	return k == types.OID || k.IsReg()
}

// castKernel gives the conversion of a whole vector: hot pairs have loops of
// their own.
func castKernel(from, to types.Type, explicit bool) Kernel {
	a, b := from.Kind, to.Kind
	switch {
	case isInteger(a) && isInteger(b):
		return castIntInt(b)
	case isInteger(a) && isFloat(b):
		return castIntFloat(b == types.Float4)
	case isFloat(a) && isInteger(b):
		return castFloatInt(b)
	case a == types.Float8 && b == types.Float4:
		return castFloatSingle
	case isInteger(a) && b == types.Numeric && to.Mod == 0:
		return castIntNumeric
	case a == types.Numeric && isFloat(b):
		return castNumericFloat(b)
	case a == types.Date && b == types.Timestamp && to.Mod == 0:
		return castDateTimestamp
	case b == types.Text && a != types.Bpchar:
		return castToText(from)
	}
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		tenv := typesEnv(env)
		for k, r := range rows {
			d, err := types.Cast(tenv, from, to, aliasDatum(args[0], int(r)), explicit)
			if err != nil {
				return rowErr(k, err)
			}
			if err := putDatum(out, int(r), d); err != nil {
				return rowErr(k, err)
			}
		}
		return nil
	}
}

func castIntInt(to types.Kind) Kernel {
	lo, hi := intLimits(to)
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a := args[0].I64
		for k, r := range rows {
			v := a[r]
			if v < lo || v > hi {
				return rowErr(k, errIntRange(to))
			}
			out.I64[r] = v
		}
		return nil
	}
}

func castIntFloat(single bool) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a := args[0].I64
		if single {
			for _, r := range rows {
				out.F64[r] = float64(float32(a[r]))
			}
			return nil
		}
		for _, r := range rows {
			out.F64[r] = float64(a[r])
		}
		return nil
	}
}

// castFloatInt rounds half to even, as rint.
func castFloatInt(to types.Kind) Kernel {
	lo, hi := intLimits(to)
	top := float64(hi)
	if to != types.Int8 {
		top = float64(hi) + 1
	}
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a := args[0].F64
		for k, r := range rows {
			v := math.RoundToEven(a[r])
			if !(v >= float64(lo) && v < top) {
				return rowErr(k, errIntRange(to))
			}
			out.I64[r] = int64(v)
		}
		return nil
	}
}

func castFloatSingle(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	a := args[0].F64
	for k, r := range rows {
		v := float64(float32(a[r]))
		if math.IsInf(v, 0) && !math.IsInf(a[r], 0) {
			return rowErr(k, errFloatOverflow())
		}
		if v == 0 && a[r] != 0 {
			return rowErr(k, errFloatUnderflow())
		}
		out.F64[r] = v
	}
	return nil
}

func castIntNumeric(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	a := args[0].I64
	for _, r := range rows {
		padTo(out, int(r))
		v := a[r]
		digits := uint64(v)
		if v < 0 {
			digits = -digits
		}
		endBytes(out, types.EncodeSmallNumeric(out.Buf, digits, 0, v < 0))
	}
	return nil
}

func castNumericFloat(to types.Kind) Kernel {
	from := types.Of(types.Numeric)
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for k, r := range rows {
			var v float64
			var err error
			if to == types.Float8 {
				v, err = types.DecodeNumeric(args[0].Bytes(int(r))).Float64()
			} else {
				var d types.Datum
				d, err = types.Cast(nil, from, types.Of(to), aliasDatum(args[0], int(r)), false)
				v = d.F
			}
			if err != nil {
				return rowErr(k, err)
			}
			out.F64[r] = v
		}
		return nil
	}
}

func castDateTimestamp(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
	a := args[0].I64
	for k, r := range rows {
		v, err := types.DateToTimestamp(a[r])
		if err != nil {
			return rowErr(k, err)
		}
		out.I64[r] = v
	}
	return nil
}

// castToText writes text forms straight into the result.
func castToText(from types.Type) Kernel {
	if from.Kind == types.Bool {
		// The cast says true and false, the text form of a column t and f.
		return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
			for _, r := range rows {
				if args[0].Bool[args[0].Row(int(r))] {
					putString(out, int(r), "true")
				} else {
					putString(out, int(r), "false")
				}
			}
			return nil
		}
	}
	return func(env *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		tenv := typesEnv(env)
		for k, r := range rows {
			padTo(out, int(r))
			buf := types.AppendText(tenv, out.Buf, from, aliasDatum(args[0], int(r)))
			if len(buf) > maxResultBytes {
				return rowErr(k, errTooLarge())
			}
			endBytes(out, buf)
		}
		return nil
	}
}
