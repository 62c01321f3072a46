package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// spreadCall is resolveCall, where the last argument may be VARIADIC.
func (c *checker) spreadCall(name string, args []Expr, e *sql.Call) (Expr, error) {
	if e.Variadic && !openArray(name, typesOf(args)) {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "VARIADIC argument must be an array").
			At(e.Args[len(args)-1].Pos())
	}
	return c.resolveCall(name, args, e.Variadic, e.Pos())
}

// openArray reports whether the last of the arguments may be spread. A function of any types
// takes no array from a NULL or a string, whose type it cannot tell.
func openArray(name string, ts []types.Type) bool {
	last, fs := ts[len(ts)-1], builtin().funcs[name]
	if last.Kind == types.Array {
		return true
	}
	spreads := false
	for _, f := range fs {
		if f.Variadic && len(f.Args) == len(ts) {
			if a := f.Args[len(ts)-1]; a.Kind != types.Any || a.Mod != modAny {
				return true
			}
			spreads = true
		}
	}
	return !spreads
}

// openRow implements f(VARIADIC array): per row, the function as it is for that
// many arguments of the element type.
func openRow(fn *Func, ts []types.Type) RowFunc {
	fixed := len(ts) - 1
	elem := elemOf(ts[fixed])
	return func(env *Env, a []types.Datum) (types.Datum, error) {
		if a[fixed].Null && fn.Name != "format" { // format sees no arguments
			return types.NullDatum, nil
		}
		args := append([]types.Datum(nil), a[:fixed]...)
		argTypes := append([]types.Type(nil), ts[:fixed]...)
		if !a[fixed].Null {
			for _, d := range a[fixed].Array(elem).Elems {
				args, argTypes = append(args, d), append(argTypes, elem)
			}
		}
		if fn.Strict && anyNull(args) {
			return types.NullDatum, nil
		}
		f, ret := bound(fn, argTypes, fn.Ret)
		if isPoly(ret) {
			b, _ := bindPoly(append([]types.Type{}, fn.Args...), ts)
			ret = b.apply(fn.Ret, types.Of(types.Text))
			f, _ = bound(fn, argTypes, ret)
		}
		if f.Row != nil {
			return f.Row(env, args)
		}
		return runKernelOnce(env, f, args, argTypes, ret)
	}
}

// runKernelOnce runs a function on one row of datums.
func runKernelOnce(env *Env, f *Func, args []types.Datum, ts []types.Type, ret types.Type,
) (types.Datum, error) {
	nodes := make([]node, len(args))
	for i, d := range args {
		nodes[i] = &constNode{constVector(d, ts[i])}
	}
	x := run{env: env, b: &batch.Batch{N: 1}, n: 1}
	v, err := newCallNode(f, nodes, ret).eval(&x, identity[:1])
	if err != nil {
		return types.NullDatum, err
	}
	return v.Datum(0), nil
}
