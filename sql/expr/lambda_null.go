package expr

import (
	"errors"

	"github.com/millracedb/millrace/sql/types"
)

// errNullOperand ends a call with lambdas whose result is NULL.
var errNullOperand = errors.New("arithmetic over NULL in a lambda")

// needOperands makes the arithmetic of a lambda insist on its operands: in ksqlDB
// a NULL among them makes the result of the whole call NULL, not one element of
// it.
func needOperands(x Expr) (Expr, error) {
	call, ok := x.(*Call)
	if !ok || !isArithmetic(call) {
		return x, nil
	}
	args := make([]Expr, len(call.Args))
	for i, a := range call.Args {
		args[i] = a
		if inner, ok := a.(*Call); ok && inner.Fn.Name == notNullName {
			continue
		}
		if _, ok := a.(*Const); ok {
			continue
		}
		args[i] = &Call{Fn: notNullFunc(a.Type()), Args: []Expr{a}, T: a.Type(), Pos: call.Pos}
	}
	return WithChildren(call, args), nil
}

func isArithmetic(c *Call) bool {
	if !c.Fn.Operator || len(c.Fn.Name) != 1 {
		return false
	}
	switch c.Fn.Name[0] {
	case '+', '-', '*', '/', '%':
	default:
		return false
	}
	for _, a := range c.Args {
		if types.Category(a.Type().Kind) != 'N' {
			return false
		}
	}
	return true
}

const notNullName = "not_null"

// notNullFunc gives the function that hands its argument on, unless it is NULL.
func notNullFunc(t types.Type) *Func {
	return &Func{Name: notNullName, Args: []types.Type{t}, Ret: t,
		Doc: "the operand of arithmetic in a lambda, which must not be NULL",
		Row: func(_ *Env, a []types.Datum) (types.Datum, error) {
			if a[0].Null {
				return types.NullDatum, errNullOperand
			}
			return a[0], nil
		}}
}
