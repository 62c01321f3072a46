package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// apply builds the call of a chosen candidate: types of polymorphic parameters
// found, arguments converted, defaults filled in.
func (c *checker) apply(cand candidate, args []Expr, pos int) (Expr, error) {
	fn := cand.fn
	params, ret, err := c.actualTypes(cand, fn.Ret, fn.RetOf, args, fn.Name, pos)
	if err != nil {
		return nil, err
	}
	out := make([]Expr, len(args), len(params))
	for i, a := range args {
		if out[i] = a; fn.Name == "pg_typeof" || fn.Name == "pg_collation_for" {
			continue
		}
		if out[i], err = c.coerce(a, params[i], CoerceImplicit, pos); err != nil {
			return nil, err
		}
	}
	for i := len(args); !fn.Variadic && i < len(fn.Args); i++ {
		d := fn.Defaults[i-(len(fn.Args)-len(fn.Defaults))]
		out = append(out, &Const{D: d, T: fn.Args[i]})
	}
	if fn.RetOf != nil {
		ret = fn.RetOf(typesOf(out))
	}
	fn, ret = bound(fn, typesOf(out), ret)
	return &Call{Fn: fn, Args: out, T: ret, Pos: pos}, nil
}

// bound gives fn completed for the types of one call.
func bound(fn *Func, args []types.Type, ret types.Type) (*Func, types.Type) {
	if fn.Bind == nil {
		return fn, ret
	}
	f := *fn
	f.origin, f.Bind = fn.Origin(), nil
	f.Args, f.Variadic, f.Ret = args, false, ret
	fn.Bind(&f, args, ret)
	return &f, ret
}

// actualTypes gives the types of the parameters and of the result for a call.
func (c *checker) actualTypes(cand candidate, ret types.Type, retOf func([]types.Type) types.Type,
	args []Expr, name string, pos int) ([]types.Type, types.Type, error) {
	ts := typesOf(args)
	b, _ := bindPoly(cand.params, ts)
	params := make([]types.Type, len(cand.params))
	for i, p := range cand.params {
		params[i] = p
		if !isPoly(p) {
			params[i] = nestedParam(p, i, ts)
		} else {
			params[i] = b.apply(p, ts[i])
		}
		if params[i].Kind == types.Invalid {
			return nil, ret, sqlerr.New(sqlerr.DatatypeMismatch,
				"could not determine polymorphic type because input has type unknown")
		}
	}
	if retOf == nil && isPoly(ret) {
		if ret = b.apply(ret, types.Of(types.Text)); ret.Kind == types.Invalid {
			return nil, ret, sqlerr.New(sqlerr.DatatypeMismatch,
				"could not determine the result type of function %s", name).At(pos)
		}
	}
	return params, ret, nil
}

// nestedParam gives the actual type of a parameter that takes every MAP or every
// STRUCT: the argument's, or what it has in common with the others of its kind.
func nestedParam(p types.Type, i int, args []types.Type) types.Type {
	t := args[i]
	if !openNested(p) || t.Kind != p.Kind && t.Kind != types.Unknown {
		return p
	}
	if t.Kind == types.Unknown {
		t = types.Type{} // untyped: only another argument can tell
		for _, a := range args {
			if a.Kind == p.Kind {
				t = a
			}
		}
	}
	for _, a := range args {
		if a.Kind == t.Kind {
			if u, ok := commonNested(t, a); ok {
				t = u
			}
		}
	}
	return t
}

// callNamed resolves and applies a built-in function.
func (c *checker) callNamed(name string, args []Expr, pos int) (Expr, error) {
	return c.resolveCall(name, args, false, pos)
}

// CallFunction builds a call of a built-in function over checked expressions.
func CallFunction(name string, args []Expr, sc Scope, pos int) (Expr, error) {
	c := newChecker(sc)
	return c.callNamed(strings.ToLower(name), args, pos)
}

func (c *checker) resolveCall(name string, args []Expr, open bool, pos int) (Expr, error) {
	if x, ok, err := c.dialectCall(name, args, pos); !open && (ok || err != nil) {
		return x, err
	}
	ts := typesOf(args)
	var fs []*Func
	for _, f := range builtin().funcs[name] {
		if !f.Operator {
			fs = append(fs, f)
		}
	}
	cand, how := chooseFunction(funcCandidates(fs, len(args), open), ts)
	if how != found && len(args) == 1 && !open {
		if x, ok, err := c.functionCast(name, args[0], how, pos); ok || err != nil {
			return x, err
		}
	}
	switch how {
	case notFound:
		if len(args) == 1 && !open && args[0].Type().Kind == types.Record {
			if i := args[0].Type().FieldIndex(name); i >= 0 {
				return FieldOf(args[0], i), nil // f(row) is row.f
			}
		}
		return nil, errNoFunction(name, ts, pos)
	case ambiguous:
		return nil, errAmbiguousFunction(name, ts, pos)
	}
	if open && cand.variadic {
		return c.applyOpen(cand, args, pos)
	}
	if x, ok, err := c.inlined(cand, args, pos); ok || err != nil {
		return x, err
	}
	return c.apply(cand, args, pos)
}

// inlined lowers functions that are expressions of others, as in PostgreSQL: their
// parts are evaluated in its order.
func (c *checker) inlined(cand candidate, args []Expr, pos int) (Expr, bool, error) {
	ps := cand.params
	switch name := cand.fn.Name; {
	case name == "substring" && len(ps) == 3 && ps[2].Kind == types.Text:
		if k, ok := Fold(args[0]).(*Const); ok && k.D.Null {
			return nil, false, nil // NULL, whatever the pattern
		}
		pattern, err := c.callNamed("similar_to_escape", args[1:], pos)
		if err != nil {
			return nil, false, err
		}
		x, err := c.callNamed(name, []Expr{args[0], pattern}, pos)
		return x, true, err
	case name == "date_part" && len(ps) == 2 && ps[1].Kind == types.Date:
		stamp, err := c.coerce(args[1], types.Of(types.Timestamp), CoerceExplicit, pos)
		if err != nil {
			return nil, false, err
		}
		x, err := c.callNamed(name, []Expr{args[0], stamp}, pos)
		return x, true, err
	case name == "timestamptz" && len(ps) == 2 && ps[0].Kind == types.Date && ps[1].Kind == types.Time:
		day, err := c.coerce(args[0], ps[0], CoerceImplicit, pos)
		if err != nil {
			return nil, false, err
		}
		of, err := c.coerce(args[1], ps[1], CoerceImplicit, pos)
		if err != nil {
			return nil, false, err
		}
		sum, err := c.operator("+", []Expr{day, of}, pos)
		if err != nil {
			return nil, false, err
		}
		x, err := c.coerce(sum, cand.fn.Ret, CoerceExplicit, pos)
		return x, true, err
	case name == "overlaps" && len(ps) == 4:
		return c.inlinedOverlaps(cand, args, pos)
	}
	return nil, false, nil
}

// inlinedOverlaps turns lengths of periods into their ends.
func (c *checker) inlinedOverlaps(cand candidate, args []Expr, pos int) (Expr, bool, error) {
	out, spans := make([]Expr, 4), false
	for i, p := range cand.params {
		var err error
		if out[i], err = c.coerce(args[i], p, CoerceImplicit, pos); err != nil {
			return nil, false, err
		}
		if p.Kind != types.Interval {
			continue
		}
		spans = true
		if out[i], err = c.operator("+", []Expr{out[i-1], out[i]}, pos); err != nil {
			return nil, false, err
		}
	}
	if !spans {
		return nil, false, nil
	}
	x, err := c.callNamed("overlaps", out, pos)
	return x, true, err
}

// functionCast: a type's name called with one argument is a cast, where the
// argument is an untyped literal or converts without a function of its own.
func (c *checker) functionCast(name string, arg Expr, how resolution, pos int) (Expr, bool, error) {
	t, err := types.ByName(name, nil)
	if err != nil || isPoly(t) || t.Kind == types.Void {
		return nil, false, nil
	}
	if name == "char" || name == "character" || name == "bpchar" {
		t = types.Of(types.Bpchar)
	}
	if how == ambiguous && arg.Type().Kind != types.Unknown {
		return nil, false, nil
	}
	if arg.Type().Kind == types.Record && types.Category(t.Kind) == 'S' {
		return nil, false, nil // the name is more likely that of a field
	}
	if !CanCoerce(arg.Type(), t, CoerceExplicit) {
		return nil, false, nil
	}
	x, err := c.coerce(arg, t, CoerceExplicit, pos)
	return x, true, err
}

// applyOpen builds f(VARIADIC array): the function runs once per row on the
// spread elements.
func (c *checker) applyOpen(cand candidate, args []Expr, pos int) (Expr, error) {
	b, _ := bindPoly(cand.params, typesOf(args))
	out := make([]Expr, len(args))
	ts := make([]types.Type, len(args))
	for i, a := range args {
		t := b.apply(cand.params[i], a.Type())
		var err error
		if out[i], err = c.coerce(a, t, CoerceImplicit, pos); err != nil {
			return nil, err
		}
		ts[i] = out[i].Type()
	}
	f := *cand.fn
	f.origin, f.Bind, f.Kernel = cand.fn.Origin(), nil, nil
	f.Args, f.Variadic, f.Strict = ts, false, false
	f.Row = openRow(cand.fn, ts)
	ret := b.apply(cand.fn.Ret, types.Of(types.Text))
	f.Ret = ret
	return &Call{Fn: &f, Args: out, T: ret, Pos: pos}, nil
}

// call checks every form of function call.
func (c *checker) call(e *sql.Call) (Expr, error) {
	name, builtinName := c.functionName(e.Name)
	if x := c.dialectWord(e); x != nil {
		return x, nil
	}
	if builtinName {
		if x, ok, err := c.specialCall(name, e); ok || err != nil {
			return x, err
		}
		switch {
		case e.Over != nil:
			return c.windowCall(name, e)
		case len(e.Within) == 0 && findWindowFunc(name) != nil && (!IsAggregate(name) || isHypothetical(name)):
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"window function %s requires an OVER clause", name).At(e.Pos())
		case IsAggregate(name) || len(e.Within) > 0:
			return c.aggregate(name, e)
		case findWindowFunc(name) != nil && !knownFunction(name):
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"window function %s requires an OVER clause", name).At(e.Pos())
		}
	}
	if err := refuseAggregateClauses(name, e); err != nil {
		return nil, err
	}
	if sc, ok := c.sc.(ArgumentNames); ok && !builtinCall(name, builtinName) && hasNamed(e.Args) {
		if err := namedLast(e.Args); err != nil {
			return nil, err
		}
		switch args, known := sc.NamedArguments(e); {
		case args != nil:
			positional := *e
			positional.Args = args
			e = &positional
		case known:
			return nil, c.errNamedCall(e)
		}
	}
	if hasLambda(e.Args) && !hasArgNames(name) {
		return c.higherCall(name, e)
	}
	args, err := c.arguments(name, e)
	if err != nil {
		return nil, err
	}
	if col, ok := explicitCollation(name, e); ok {
		return &Const{D: types.TextDatum(col), T: types.Type{Kind: types.Text}}, nil
	}
	if !knownFunction(name) || !builtinName {
		x, ok, err := c.sc.UserFunc(e.Name, args, e.Pos())
		if ok || err != nil {
			return x, err
		}
		if !builtinName {
			return nil, errNoFunction(strings.Join(e.Name, "."), typesOf(args), e.Pos())
		}
	}
	if err := c.checkForms(name, args, e.Pos()); err != nil {
		return nil, err
	}
	x, err := c.spreadCall(name, args, e)
	if err != nil && !knownFunction(name) && len(e.Name) > 1 {
		if same := sqlerr.As(err); same.Code == sqlerr.UndefinedFunction &&
			same.Message == errNoFunction(name, typesOf(args), e.Pos()).Message {
			shown := strings.Join(e.Name, ".")
			return nil, errNoFunction(shown, typesOf(args), e.Pos())
		}
	}
	return x, err
}

// functionName gives the lower-case name, and whether a built-in may have it.
func (c *checker) functionName(n sql.Name) (string, bool) {
	switch n.Schema() {
	case "", "pg_catalog", "millrace":
		return strings.ToLower(n.Last()), len(n) <= 2
	}
	return strings.ToLower(n.Last()), false
}

func refuseAggregateClauses(name string, e *sql.Call) error {
	what := ""
	switch {
	case e.Star && !takesNone(name):
		return errNoFunction(name, nil, e.Pos())
	case e.Star:
		return sqlerr.New(sqlerr.WrongObjectType, "%s(*) specified, but %s is not an aggregate function",
			name, name).At(e.Pos())
	case e.Over != nil:
		return sqlerr.New(sqlerr.WrongObjectType,
			"OVER specified, but %s is not a window function nor an aggregate function", name).At(e.Pos())
	case e.Distinct:
		what = "DISTINCT"
	case len(e.OrderBy) > 0:
		what = "ORDER BY"
	case e.Filter != nil:
		what = "FILTER"
	case len(e.Within) > 0:
		what = "WITHIN GROUP"
	}
	if what == "" {
		return nil
	}
	return sqlerr.New(sqlerr.WrongObjectType, "%s specified, but %s is not an aggregate function",
		what, name).At(e.Pos())
}

// takesNone tells whether a function can be called without arguments.
func takesNone(name string) bool {
	return len(funcCandidates(builtin().funcs[name], 0, false)) > 0
}

// arguments checks the arguments of a call and puts named ones in their places.
func (c *checker) arguments(name string, e *sql.Call) ([]Expr, error) {
	named := false
	for _, a := range e.Args {
		_, is := argumentName(name, a)
		named = named || is
	}
	if named {
		return c.namedArguments(name, e)
	}
	if unitCalls[name] && len(e.Args) > 0 {
		if u, ok := unitArgument(e.Args[0]); ok {
			return c.checkAll(append([]sql.Expr{u}, e.Args[1:]...))
		}
	}
	return c.checkAll(e.Args)
}

func hasLambda(es []sql.Expr) bool {
	for _, a := range es {
		if _, ok := a.(*sql.Lambda); ok {
			return true
		}
	}
	return false
}

// ArgumentNames is a Scope that knows the names of the arguments of functions that no
// built-in has. NamedArguments gives the arguments of a call in the order of the
// function's, with its defaults for those left out; nil where no function has arguments
// of these names. known says that there are functions of that name.
type ArgumentNames interface {
	NamedArguments(e *sql.Call) (args []sql.Expr, known bool)
}

// errNamedCall says that no function of a name has arguments like those of a call.
func (c *checker) errNamedCall(e *sql.Call) error {
	var args []string
	for _, a := range e.Args {
		name := ""
		switch n := a.(type) {
		case *sql.NamedArg:
			name, a = n.Name+" => ", n.X
		case *sql.Lambda:
			name, a = n.Params[0]+" => ", n.Body
		}
		x, err := c.check(a)
		if err != nil {
			return err
		}
		args = append(args, name+baseName(x.Type()))
	}
	return sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist",
		strings.Join(e.Name, "."), strings.Join(args, ", ")).At(e.Pos()).
		WithHint("No function matches the given name and argument types. " +
			"You might need to add explicit type casts.")
}

// builtinCall reports whether a call can only be that of a built-in function.
func builtinCall(name string, builtinName bool) bool {
	_, higher := higherFuncs[name]
	return builtinName && (knownFunction(name) || higher)
}

// hasNamed reports whether some argument may be a named one: f(a := 1) or f(a => 1).
func hasNamed(es []sql.Expr) bool {
	for _, a := range es {
		switch a := a.(type) {
		case *sql.NamedArg:
			return true
		case *sql.Lambda:
			if len(a.Params) == 1 {
				return true
			}
		}
	}
	return false
}

// namedLast demands that arguments by place stand before those by name.
func namedLast(es []sql.Expr) error {
	for i := 1; i < len(es); i++ {
		if hasNamed(es[i-1:i]) && !hasNamed(es[i:i+1]) {
			return sqlerr.New(sqlerr.SyntaxError,
				"positional argument cannot follow named argument").At(start(es[i]))
		}
	}
	return nil
}

func hasArgNames(fn string) bool {
	for _, f := range builtin().funcs[fn] {
		if f.ArgNames != nil {
			return true
		}
	}
	return false
}

// aggregate checks an aggregate call and hands it to the scope.
func (c *checker) aggregate(name string, e *sql.Call) (Expr, error) {
	if x, ok, err := c.dialectAverage(name, e); ok || err != nil {
		return x, err
	}
	call, err := c.aggCall(name, e)
	if err != nil {
		return nil, err
	}
	call.T = c.shapedResult(call)
	x, err := c.sc.Aggregate(call, e.Pos())
	if err != nil {
		return nil, err
	}
	return c.dialectAggregate(call, x, e.Pos())
}

func (c *checker) aggCall(name string, e *sql.Call) (*AggCall, error) {
	args, err := c.checkAll(e.Args)
	if err != nil {
		return nil, err
	}
	call := &AggCall{Distinct: e.Distinct, Name: name}
	if call.OrderBy, err = c.orders(e.Within, false); err != nil {
		return nil, err
	}
	for _, o := range call.OrderBy {
		args = append(args, o.X)
	}
	if e.Filter != nil {
		if call.Filter, err = c.checkBool(e.Filter, "FILTER"); err != nil {
			return nil, err
		}
	}
	if name == "count" && !e.Star && len(e.Args) == 0 && len(e.Within) == 0 && !c.ksql {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"%s(*) must be used to call a parameterless aggregate function", name).At(e.Pos())
	}
	if e.Star && name != "count" {
		return nil, errNoFunction(name, nil, e.Pos())
	}
	if call, err = c.bindAggregate(call, args, e); err != nil {
		return nil, err
	}
	if len(e.Within) == 0 {
		call.OrderBy, err = c.orders(e.OrderBy, true)
	} else {
		err = ordersWithin(call.OrderBy, e.Within)
	}
	if err == nil && call.Distinct {
		err = distinctArguments(call.Args, e)
	}
	if err == nil && call.Distinct && len(e.Within) == 0 {
		err = distinctOrder(call, e)
	}
	return call, err
}

// ordersWithin refuses sort keys of WITHIN GROUP that have no order.
func ordersWithin(orders []Order, keys []sql.SortKey) error {
	for i, o := range orders {
		if !hasOrder(o.X.Type()) {
			return errNoOrder(o.X.Type(), keys[i].X.Pos())
		}
	}
	return nil
}

func errNoOrder(t types.Type, pos int) error {
	return sqlerr.New(sqlerr.UndefinedFunction,
		"could not identify an ordering operator for type %s", baseName(t)).
		At(pos).WithHint("Use an explicit ordering operator or modify the query.")
}

func (c *checker) bindAggregate(call *AggCall, args []Expr, e *sql.Call) (*AggCall, error) {
	if fs := builtin().aggs[call.Name]; len(fs) == 1 && fs[0].hypothetical != nil {
		return c.bindHypothetical(call, fs[0], args, e)
	}
	ts := typesOf(args)
	cand, how := choose(aggCandidates(builtin().aggs[call.Name], len(args)), ts)
	switch how {
	case notFound:
		return nil, errNoFunction(call.Name, ts, e.Pos())
	case ambiguous:
		return nil, errAmbiguousFunction(call.Name, ts, e.Pos())
	}
	fn := cand.agg
	if (fn.Within > 0) != (len(e.Within) > 0) {
		if fn.Within > 0 {
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"WITHIN GROUP is required for ordered-set aggregate %s", call.Name).At(e.Pos())
		}
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", call.Name).At(e.Pos())
	}
	params, ret, err := c.actualTypes(cand, fn.Ret, fn.RetOf, args, call.Name, e.Pos())
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if args[i], err = c.coerce(a, params[i], CoerceImplicit, e.Pos()); err != nil {
			return nil, err
		}
	}
	call.Args = args
	if fn.Within > 0 {
		for i := range call.OrderBy {
			call.OrderBy[i].X = args[len(args)-len(call.OrderBy)+i]
		}
	}
	if fn.RetOf != nil {
		ret = fn.RetOf(typesOf(args))
	}
	call.Fn, call.T = boundAgg(fn, typesOf(args), ret), ret
	if fn.Within > 0 && len(args) > fn.Within {
		checkEmpty(call.Fn, args[0])
	}
	return call, checkFixedArgs(call, e)
}

// distinctOrder refuses sort keys of an aggregate with DISTINCT that are no arguments: of
// equal arguments it would not be known which one's key counts.
func distinctOrder(call *AggCall, e *sql.Call) error {
	for i, o := range call.OrderBy {
		if !slices.ContainsFunc(call.Args, func(a Expr) bool {
			c, ok := a.(*Cast)
			return Equal(a, o.X) || ok && Equal(c.X, o.X)
		}) {
			return sqlerr.New(sqlerr.InvalidColumnReference, "in an aggregate with DISTINCT, ORDER BY "+
				"expressions must appear in argument list").At(e.OrderBy[i].X.Pos())
		}
	}
	return nil
}

// distinctArguments refuses DISTINCT over types without equality or order.
func distinctArguments(args []Expr, e *sql.Call) error {
	for i, a := range args {
		if hasOrder(a.Type()) {
			continue
		}
		what := "ordering"
		if a.Type().Innermost().Kind == types.JSON {
			what = "equality"
		}
		return sqlerr.New(sqlerr.UndefinedFunction, "could not identify an %s operator for type %s",
			what, baseName(a.Type())).At(e.Args[i].Pos())
	}
	return nil
}

func boundAgg(fn *AggFunc, args []types.Type, ret types.Type) *AggFunc {
	if fn.Bind == nil {
		return fn
	}
	a := *fn
	a.origin, a.Bind = fn.Origin(), nil
	a.Args, a.Variadic, a.Ret = args, false, ret
	fn.Bind(&a, args, ret)
	return &a
}

// FindAggregate gives the aggregate name over arguments of exactly these types,
// for operators that build aggregates themselves, or ok false.
func FindAggregate(name string, args ...types.Type) (*AggFunc, types.Type, bool) {
	cand, how := choose(aggCandidates(builtin().aggs[name], len(args)), args)
	if how != found {
		return nil, types.Type{}, false
	}
	b, ok := bindPoly(cand.params, args)
	if !ok {
		return nil, types.Type{}, false
	}
	ret := b.apply(cand.agg.Ret, types.Of(types.Text))
	if cand.agg.RetOf != nil {
		ret = cand.agg.RetOf(args)
	}
	return boundAgg(cand.agg, args, ret), ret, true
}

// orders checks sort keys. Untyped literals sort as text, unless they are arguments
// too (of WITHIN GROUP) and get their type there.
func (c *checker) orders(keys []sql.SortKey, settle bool) ([]Order, error) {
	var out []Order
	for _, k := range keys {
		x, err := c.check(k.X)
		if err != nil {
			return nil, err
		}
		if settle {
			if x, err = Settle(x, c.sc, k.X.Pos()); err != nil {
				return nil, err
			}
			if !hasOrder(x.Type()) {
				return nil, errNoOrder(x.Type(), k.X.Pos())
			}
		}
		o := direction(x, k)
		out = append(out, o)
	}
	return out, nil
}

// ResolveOrder makes a sort key over a checked expression: direction and place
// of NULLs settled, and the type one that can be sorted.
func ResolveOrder(x Expr, k sql.SortKey) (Order, error) {
	if !hasOrder(x.Type()) {
		return Order{}, errNoOrder(x.Type(), k.X.Pos())
	}
	return direction(x, k), nil
}

// direction makes a sort key of an expression.
func direction(x Expr, k sql.SortKey) Order {
	o := Order{X: x, Desc: k.Desc || k.Using == ">" || k.Using == ">="}
	o.NullsFirst = o.Desc
	switch k.Nulls {
	case sql.NullsFirst:
		o.NullsFirst = true
	case sql.NullsLast:
		o.NullsFirst = false
	}
	return o
}

// explicitCollation gives the collation that pg_collation_for(x COLLATE y) names.
func explicitCollation(name string, e *sql.Call) (string, bool) {
	if name != "pg_collation_for" || len(e.Args) != 1 {
		return "", false
	}
	x, ok := e.Args[0].(*sql.Collate)
	if !ok {
		return "", false
	}
	return `"` + x.Name.Last() + `"`, true
}
