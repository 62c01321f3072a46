package expr

import (
	"errors"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// lambdaScope adds the parameters of a lambda to a scope.
type lambdaScope struct {
	Scope
	names  []string
	params []Expr
}

// Column implements Scope.
func (s *lambdaScope) Column(name []string, pos int) (Expr, error) {
	if len(name) == 1 {
		for i, n := range s.names {
			if n == name[0] {
				return s.params[i], nil
			}
		}
	}
	return s.Scope.Column(name, pos)
}

// checkLambda checks a lambda whose parameters have the given types.
func (c *checker) checkLambda(e *sql.Lambda, params []types.Type) (*Lambda, error) {
	if len(e.Params) != len(params) {
		return nil, sqlerr.New(sqlerr.UndefinedFunction,
			"lambda has %d parameters, not %d", len(e.Params), len(params)).At(e.Pos())
	}
	sc := &lambdaScope{Scope: c.sc, names: e.Params}
	base := c.base
	for i, t := range params {
		sc.params = append(sc.params, &Col{Index: base + i, T: t, Name: e.Params[i]})
	}
	sub := checker{sc: sc, depth: c.depth, base: base + len(params), ksql: c.ksql}
	body, err := sub.check(e.Body)
	if err != nil {
		return nil, err
	}
	if body, err = Settle(body, c.sc, e.Body.Pos()); err != nil {
		return nil, err
	}
	if body, err = Transform(body, needOperands); err != nil {
		return nil, err
	}
	return &Lambda{Base: base, Params: params, Body: body}, nil
}

// higherCall checks transform, filter and reduce.
func (c *checker) higherCall(name string, e *sql.Call) (Expr, error) {
	def, ok := higherFuncs[name]
	if !ok {
		return nil, sqlerr.New(sqlerr.UndefinedFunction,
			"function %s does not take a lambda", name).At(e.Pos()).
			WithHint("Functions that take lambdas are transform, filter and reduce.")
	}
	args := make([]Expr, len(e.Args))
	for i, a := range e.Args {
		if _, ok := a.(*sql.Lambda); ok {
			continue
		}
		x, err := c.check(a)
		if err != nil {
			return nil, err
		}
		if args[i], err = Settle(x, c.sc, a.Pos()); err != nil {
			return nil, err
		}
	}
	if len(args) == 0 || args[0] == nil {
		return nil, errHigher(name, e.Pos())
	}
	return def(c, e, args)
}

func errHigher(name string, pos int) error {
	return sqlerr.New(sqlerr.UndefinedFunction,
		"function %s does not exist for these arguments", name).At(pos).
		WithHint("Write transform(array, x => ...), transform(map, (k, v) => ..., (k, v) => ...), " +
			"filter(collection, x => ...) or reduce(collection, state, (s, x) => ...).")
}

type higherDef func(c *checker, e *sql.Call, args []Expr) (Expr, error)

var higherFuncs map[string]higherDef

func init() {
	higherFuncs = map[string]higherDef{
		"transform": checkTransform, "filter": checkFilter, "reduce": checkReduce,
	}
}

// lambdasFrom checks the lambdas at positions from on over the elements of the
// collection; extra types come before them.
func (c *checker) lambdasFrom(e *sql.Call, args []Expr, from int, extra ...types.Type) error {
	params := append([]types.Type(nil), extra...)
	switch t := args[0].Type(); t.Kind {
	case types.Array:
		params = append(params, elemOf(t))
	case types.Map:
		params = append(params, *t.Key, *t.Elem)
	default:
		return errHigher(e.Name.Last(), e.Pos())
	}
	for i := from; i < len(e.Args); i++ {
		l, ok := e.Args[i].(*sql.Lambda)
		if !ok {
			return errHigher(e.Name.Last(), e.Pos())
		}
		x, err := c.checkLambda(l, params)
		if err != nil {
			return err
		}
		args[i] = x
	}
	return nil
}

func higherExpr(name string, args []Expr, t types.Type, impl HigherFunc, pos int) Expr {
	f := &Func{Name: name, Args: typesOf(args), Ret: t, Higher: impl,
		Doc: "calls a lambda for each element"}
	return &Call{Fn: f, Args: args, T: t, Pos: pos}
}

func checkTransform(c *checker, e *sql.Call, args []Expr) (Expr, error) {
	if err := c.lambdasFrom(e, args, 1); err != nil {
		return nil, err
	}
	t := args[0].Type()
	switch {
	case t.Kind == types.Array && len(args) == 2:
		ret := types.ArrayOf(args[1].Type())
		return higherExpr("transform", args, ret, transformArray(elemOf(t), ret), e.Pos()), nil
	case t.Kind == types.Map && len(args) == 3:
		ret := types.MapOf(args[1].Type(), args[2].Type())
		return higherExpr("transform", args, ret, c.noNullValues(transformMap(t, ret), ret), e.Pos()), nil
	}
	return nil, errHigher("transform", e.Pos())
}

func transformArray(elem, ret types.Type) HigherFunc {
	return func(_ *Env, a []types.Datum, apply func(int, ...types.Datum) (types.Datum, error),
	) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		vs := a[0].Array(elem).Elems
		for i, v := range vs {
			d, err := apply(1, v)
			if err != nil {
				return types.NullDatum, err
			}
			vs[i] = d
		}
		return makeArrayDatum(vs, ret)
	}
}

func transformMap(t, ret types.Type) HigherFunc {
	return func(_ *Env, a []types.Datum, apply func(int, ...types.Datum) (types.Datum, error),
	) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		keys, vals := types.DecodeMap(t, aliasBytes(a[0].S))
		seen := make(map[string]bool, len(keys))
		for i := range keys {
			k, err := apply(1, keys[i], vals[i])
			if err != nil {
				return types.NullDatum, err
			}
			id := string(types.AppendKey(nil, *ret.Key, k))
			if seen[id] {
				return types.NullDatum, errMapKeyTwice(*ret.Key, k)
			}
			seen[id] = true
			v, err := apply(2, keys[i], vals[i])
			if err != nil {
				return types.NullDatum, err
			}
			keys[i], vals[i] = k, v
		}
		return types.MapDatum(ret, keys, vals), nil
	}
}

// noNullValues makes a map with a NULL among its values NULL as a whole, as it is
// in ksqlDB where a lambda made the map.
func (c *checker) noNullValues(f HigherFunc, t types.Type) HigherFunc {
	if !c.ksql || t.Kind != types.Map {
		return f
	}
	return func(env *Env, a []types.Datum, apply func(int, ...types.Datum) (types.Datum, error),
	) (types.Datum, error) {
		d, err := f(env, a, apply)
		if err != nil || d.Null {
			return d, err
		}
		if _, vals := types.DecodeMap(t, aliasBytes(d.S)); anyNull(vals) {
			return types.NullDatum, nil
		}
		return d, nil
	}
}

func errMapKeyTwice(t types.Type, k types.Datum) error {
	name := "NULL"
	if !k.Null {
		name = "\"" + types.TextOf(nil, t, k) + "\""
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "transform gives the key %s more than once", name).
		WithHint("Let the lambda of the keys give each entry a key of its own.")
}

func checkFilter(c *checker, e *sql.Call, args []Expr) (Expr, error) {
	if err := c.lambdasFrom(e, args, 1); err != nil {
		return nil, err
	}
	t := args[0].Type()
	if len(args) != 2 || args[1].Type().Kind != types.Bool {
		return nil, errHigher("filter", e.Pos())
	}
	return higherExpr("filter", args, t, c.noNullValues(filterCollection(t), t), e.Pos()), nil
}

func filterCollection(t types.Type) HigherFunc {
	return func(_ *Env, a []types.Datum, apply func(int, ...types.Datum) (types.Datum, error),
	) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		if t.Kind == types.Array {
			var keep []types.Datum
			for _, v := range a[0].Array(elemOf(t)).Elems {
				ok, err := apply(1, v)
				if err != nil {
					return types.NullDatum, err
				}
				if ok.Bool() {
					keep = append(keep, v)
				}
			}
			return makeArrayDatum(keep, t)
		}
		keys, vals := types.DecodeMap(t, aliasBytes(a[0].S))
		var ks, vs []types.Datum
		for i := range keys {
			ok, err := apply(1, keys[i], vals[i])
			if err != nil {
				return types.NullDatum, err
			}
			if ok.Bool() {
				ks, vs = append(ks, keys[i]), append(vs, vals[i])
			}
		}
		return types.MapDatum(t, ks, vs), nil
	}
}

func checkReduce(c *checker, e *sql.Call, args []Expr) (Expr, error) {
	if len(args) != 3 || args[1] == nil {
		return nil, errHigher("reduce", e.Pos())
	}
	state := args[1].Type()
	if err := c.lambdasFrom(e, args, 2, state); err != nil {
		return nil, err
	}
	l := args[2].(*Lambda)
	if !l.Body.Type().Same(state) {
		// The lambda decides: the state takes its type when it converts.
		if wide := l.Body.Type(); CanCoerce(state, wide, CoerceImplicit) {
			x, err := c.coerce(args[1], wide, CoerceImplicit, e.Pos())
			if err != nil {
				return nil, err
			}
			args[1] = x
			if err := c.lambdasFrom(e, args, 2, wide); err != nil {
				return nil, err
			}
			l, state = args[2].(*Lambda), wide
		}
		body, err := c.coerce(l.Body, state, CoerceAssignment, e.Pos())
		if err != nil {
			return nil, err
		}
		args[2] = &Lambda{Base: l.Base, Params: l.Params, Body: body}
	}
	return higherExpr("reduce", args, state, reduceCollection(args[0].Type()), e.Pos()), nil
}

func reduceCollection(t types.Type) HigherFunc {
	return func(_ *Env, a []types.Datum, apply func(int, ...types.Datum) (types.Datum, error),
	) (types.Datum, error) {
		state := a[1]
		if a[0].Null || state.Null {
			return state, nil
		}
		var err error
		if t.Kind == types.Array {
			for _, v := range a[0].Array(elemOf(t)).Elems {
				if state, err = apply(2, state, v); err != nil {
					return types.NullDatum, err
				}
			}
			return state, nil
		}
		keys, vals := types.DecodeMap(t, aliasBytes(a[0].S))
		for i := range keys {
			if state, err = apply(2, state, keys[i], vals[i]); err != nil {
				return types.NullDatum, err
			}
		}
		return state, nil
	}
}

// higherNode evaluates a call with lambdas row by row.
type higherNode struct {
	fn      *Func
	t       types.Type
	args    []node // nil at lambdas
	lambdas []*lambdaBody
	vecs    []*batch.Vector
	datums  []types.Datum
	result
}

// lambdaBody is a compiled lambda: its batch has one row, with the columns that
// the body takes from the row first and the parameters after them.
type lambdaBody struct {
	prog  *Program
	outer []*Col
	b     *batch.Batch
	nodes []node
	vecs  []*batch.Vector
	types []types.Type
}

func (c *compiler) compileHigher(e *Call) (node, error) {
	n := &higherNode{fn: e.Fn, t: e.T, args: make([]node, len(e.Args)),
		lambdas: make([]*lambdaBody, len(e.Args)), vecs: make([]*batch.Vector, len(e.Args)),
		datums: make([]types.Datum, len(e.Args))}
	for i, a := range e.Args {
		var err error
		if l, ok := a.(*Lambda); ok {
			n.lambdas[i], err = c.compileLambda(l)
		} else {
			n.args[i], err = c.compile(a)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (c *compiler) compileLambda(l *Lambda) (*lambdaBody, error) {
	lb := &lambdaBody{}
	place := map[int]int{}
	var firstErr error
	Walk(l.Body, func(x Expr) bool {
		col, ok := x.(*Col)
		if !ok || col.Index >= l.Base {
			return true
		}
		if _, seen := place[col.Index]; seen {
			return true
		}
		place[col.Index] = len(lb.outer)
		lb.outer = append(lb.outer, col)
		n, err := c.compile(col)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		lb.nodes = append(lb.nodes, n)
		lb.types = append(lb.types, col.T)
		return true
	})
	if firstErr != nil {
		return nil, firstErr
	}
	lb.vecs = make([]*batch.Vector, len(lb.outer))
	for i, t := range l.Params {
		place[l.Base+i] = len(lb.types)
		lb.types = append(lb.types, t)
	}
	body, err := Transform(l.Body, func(x Expr) (Expr, error) {
		if col, ok := x.(*Col); ok {
			if p, ok := place[col.Index]; ok {
				return &Col{Index: p, T: col.T, Name: col.Name}, nil
			}
		}
		return x, nil
	})
	if err != nil {
		return nil, err
	}
	lb.b = batch.New(lb.types, 1)
	lb.prog, err = Compile([]Expr{body})
	return lb, err
}

// call runs the lambda for one set of parameters on row.
func (lb *lambdaBody) call(env *Env, row int, xs []types.Datum) (types.Datum, error) {
	lb.b.Reset()
	for i, v := range lb.vecs {
		lb.b.Cols[i].AppendDatum(aliasDatum(v, row))
	}
	for i, x := range xs {
		lb.b.Cols[len(lb.vecs)+i].AppendDatum(x)
	}
	lb.b.N = 1
	vs, err := lb.prog.Eval(env, lb.b)
	if err != nil {
		return types.NullDatum, err
	}
	return vs[0].Datum(0), nil
}

func (h *higherNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	for i, a := range h.args {
		if a == nil {
			lb := h.lambdas[i]
			for j, n := range lb.nodes {
				v, err := n.eval(x, rows)
				if err != nil {
					return nil, err
				}
				lb.vecs[j] = v
			}
			continue
		}
		v, err := a.eval(x, rows)
		if err != nil {
			return nil, err
		}
		h.vecs[i] = v
	}
	out := h.prepare(h.t, x.n)
	for _, r := range rows {
		d, err := h.one(x, int(r))
		if err != nil {
			if x.env.OnRowError == nil {
				return nil, err
			}
			if err := x.failed(int(r), err, h.fn, h.vecs); err != nil {
				return nil, err
			}
			d = types.NullDatum
		}
		if err := putDatum(out, int(r), d); err != nil {
			return nil, err
		}
	}
	return h.finish(x.n), nil
}

func (h *higherNode) one(x *run, row int) (types.Datum, error) {
	for i := range h.args {
		if h.args[i] != nil {
			h.datums[i] = aliasDatum(h.vecs[i], row)
		}
	}
	env := *x.env
	env.OnRowError = nil
	d, err := h.fn.Higher(&env, h.datums, func(arg int, xs ...types.Datum) (types.Datum, error) {
		return h.lambdas[arg].call(&env, row, xs)
	})
	if errors.Is(err, errNullOperand) {
		return types.NullDatum, nil
	}
	return d, err
}
