package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// openRow implements f(VARIADIC array): per row, the function as it is for that
// many arguments of the element type.
func openRow(fn *Func, ts []types.Type) RowFunc {
	fixed := len(ts) - 1
	elem := elemOf(ts[fixed])
	return func(env *Env, a []types.Datum) (types.Datum, error) {
		if a[fixed].Null && fn.Strict {
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
