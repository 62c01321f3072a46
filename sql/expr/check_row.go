package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// CheckRow is true where ok is true or NULL, and a failure of the row elsewhere: in a
// continuous query it is recorded, and the value is NULL.
func CheckRow(ok Expr, refusal *sqlerr.Error) Expr {
	t := types.Of(types.Bool)
	f := &Func{Name: "row_check", Args: []types.Type{t}, Ret: t, Volatility: Immutable}
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null || a[0].I != 0 {
			return types.BoolDatum(true), nil
		}
		e := *refusal
		return types.NullDatum, &e
	}
	return &Call{Fn: f, Args: []Expr{ok}, T: t, Pos: -1}
}
