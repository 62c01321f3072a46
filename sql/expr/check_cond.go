package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// caseExpr checks both forms of CASE; the simple form compares its operand, which
// all arms share.
func (c *checker) caseExpr(e *sql.Case) (Expr, error) {
	var operand Expr
	var err error
	if e.X != nil {
		if operand, err = c.check(e.X); err != nil {
			return nil, err
		}
		if operand, err = Settle(operand, c.sc, e.X.Pos()); err != nil {
			return nil, err
		}
	}
	out := &Case{}
	var results []Expr
	var at []int
	for _, w := range e.Whens {
		cond, err := c.caseCond(operand, w)
		if err != nil {
			return nil, err
		}
		then, err := c.check(w.Then)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, When{Cond: cond})
		results, at = append(results, then), append(at, w.Then.Pos())
	}
	if e.Else != nil {
		x, err := c.check(e.Else)
		if err != nil {
			return nil, err
		}
		// PostgreSQL considers ELSE first.
		results, at = append([]Expr{x}, results...), append([]int{e.Else.Pos()}, at...)
	}
	if err := c.typeless(results, "a CASE of NULLs", e.Pos()); err != nil {
		return nil, err
	}
	if results, out.T, err = c.unify(results, at, "CASE", e.Pos()); err != nil {
		return nil, err
	}
	if e.Else == nil && !c.ksql {
		out.T = withMod(out.T, 0) // of the NULL that it is else
	}
	results, out.T = c.widened(results, out.T, at)
	if e.Else != nil {
		out.Else, results = results[0], results[1:]
	}
	for i := range out.Whens {
		out.Whens[i].Then = results[i]
	}
	return out, nil
}

func (c *checker) caseCond(operand Expr, w sql.When) (Expr, error) {
	if operand == nil {
		return c.checkBool(w.Cond, "CASE/WHEN")
	}
	x, err := c.check(w.Cond)
	if err != nil {
		return nil, err
	}
	return c.operator("=", []Expr{operand, x}, int(w.At))
}

// unify converts expressions to their common type.
func (c *checker) unify(xs []Expr, at []int, construct string, pos int) ([]Expr, types.Type, error) {
	out, t, err := c.unifyStrict(xs, at, construct, pos)
	if err != nil && (construct == "ARRAY" && (c.ksql || hasStruct(xs)) || construct == "MAP") {
		if out, t, ok := c.unifyLoose(xs, at, construct); ok {
			return out, t, nil
		}
	}
	return out, t, err
}

// hasStruct tells whether one of the expressions is a STRUCT.
func hasStruct(xs []Expr) bool {
	return slices.ContainsFunc(xs, func(x Expr) bool { return x.Type().Kind == types.Struct })
}

// unifyStrict is unify by PostgreSQL's rules alone.
func (c *checker) unifyStrict(xs []Expr, at []int, construct string, pos int,
) ([]Expr, types.Type, error) {
	t, err := c.common(xs, at, construct, pos)
	if err != nil {
		return nil, t, err
	}
	out := make([]Expr, len(xs))
	for i, x := range xs {
		if from := x.Type(); from.Kind != types.Unknown && !from.Same(t) &&
			!CanCoerce(from, t, CoerceImplicit) {
			return nil, t, sqlerr.New(sqlerr.CannotCoerce, "%s could not convert type %s to %s",
				construct, baseName(from), baseName(t)).At(at[i])
		}
		if out[i], err = c.coerce(x, t, CoerceImplicit, at[i]); err != nil {
			return nil, t, sqlerr.As(err).At(at[i])
		}
	}
	return out, t, nil
}

// typedMod is the modifier that all expressions share which have a type: in ksqlDB's dialect
// a NULL has any.
func typedMod(xs []Expr, t types.Type) int32 {
	typed := slices.DeleteFunc(slices.Clone(xs), func(x Expr) bool {
		return x.Type().Kind == types.Unknown
	})
	return commonTypmod(typed, t)
}

// common is CommonType with the error at the first expression that differs.
func (c *checker) common(xs []Expr, at []int, construct string, pos int) (types.Type, error) {
	t, err := CommonType(xs, construct, -1)
	if err == nil {
		if c.ksql {
			t.Mod = typedMod(xs, t)
		}
		return t, nil
	}
	for i := range xs {
		if _, err := CommonType(xs[:i+1], construct, at[i]); err != nil {
			return t, err
		}
	}
	return t, sqlerr.As(err).At(pos)
}

// specialCall checks the calls that are syntax rather than functions.
func (c *checker) specialCall(name string, e *sql.Call) (Expr, bool, error) {
	if e.Over != nil || len(e.Name) > 1 {
		return nil, false, nil
	}
	switch name {
	case "coalesce":
		x, err := c.coalesce(e)
		return x, true, err
	case "ifnull":
		if len(e.Args) == 2 {
			x, err := c.coalesce(e)
			return x, true, err
		}
	case "nullif":
		x, err := c.nullIf(e)
		return x, true, err
	case "greatest", "least":
		x, err := c.extreme(name, e)
		return x, true, err
	case "current_time", "current_timestamp", "localtime", "localtimestamp":
		x, err := c.currentTime(name, e)
		return x, true, err
	case "row":
		x, err := c.row(&sql.Row{Loc: e.Loc, Elems: e.Args})
		return x, true, err
	}
	return nil, false, nil
}

func positions(es []sql.Expr) []int {
	at := make([]int, len(es))
	for i, e := range es {
		at[i] = e.Pos()
	}
	return at
}

func (c *checker) coalesce(e *sql.Call) (Expr, error) {
	if len(e.Args) == 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "COALESCE needs at least one argument").At(e.Pos())
	}
	xs, err := c.checkAll(e.Args)
	if err != nil {
		return nil, err
	}
	xs, t, err := c.unify(xs, positions(e.Args), "COALESCE", e.Pos())
	if err != nil {
		return nil, err
	}
	xs, t = c.widened(xs, t, positions(e.Args))
	return &Coalesce{Args: xs, T: t}, nil
}

// nullIf: NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END, where a is what the
// operator makes of it.
func (c *checker) nullIf(e *sql.Call) (Expr, error) {
	if len(e.Args) != 2 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "NULLIF needs two arguments").At(e.Pos())
	}
	xs, err := c.checkAll(e.Args)
	if err != nil {
		return nil, err
	}
	if xs[0].Type().Kind == types.Unknown && xs[1].Type().Kind == types.Unknown {
		for i := range xs {
			if xs[i], err = Settle(xs[i], c.sc, e.Args[i].Pos()); err != nil {
				return nil, err
			}
		}
	}
	eq, err := c.operator("=", xs, e.Pos())
	if err != nil {
		return nil, err
	}
	x := xs[0]
	if call, ok := eq.(*Call); ok {
		x = call.Args[0]
	}
	null := &Const{D: types.NullDatum, T: x.Type()}
	return &Case{Whens: []When{{Cond: eq, Then: null}}, Else: x, T: x.Type(), NullIf: true}, nil
}

func (c *checker) extreme(name string, e *sql.Call) (Expr, error) {
	if len(e.Args) == 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "%s needs at least one argument",
			strings.ToUpper(name)).At(e.Pos())
	}
	xs, err := c.checkAll(e.Args)
	if err != nil {
		return nil, err
	}
	xs, t, err := c.unify(xs, positions(e.Args), strings.ToUpper(name), e.Pos())
	if err != nil {
		return nil, err
	}
	if !hasOrder(t) {
		c.refuseLater(sqlerr.New(sqlerr.UndefinedFunction,
			"could not identify a comparison function for type %s", baseName(t)).At(e.Pos()))
	}
	fn, _ := bound(builtin().funcs[name][0], typesOf(xs), t)
	return &Call{Fn: fn, Args: xs, T: t, Pos: e.Pos()}, nil
}

// hasOrder tells whether values of a type can be sorted.
func hasOrder(t types.Type) bool {
	switch t.Innermost().Kind {
	case types.JSON, types.Jsonpath, types.Xid, types.Aclitem, types.NodeTree:
		return false
	}
	return true
}

// currentTime checks CURRENT_TIMESTAMP(p) and its like: the precision becomes a
// modifier of the result.
func (c *checker) currentTime(name string, e *sql.Call) (Expr, error) {
	x, err := c.callNamed(name, nil, e.Pos())
	if err != nil || len(e.Args) == 0 {
		return x, err
	}
	k, ok := e.Args[0].(*sql.Const)
	if !ok || k.Kind != sql.NumConst || len(e.Args) > 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "%s takes a constant precision",
			strings.ToUpper(name)).At(e.Pos())
	}
	t, err := types.ByNameText(x.Type().Kind.String(), []string{k.Val})
	if err != nil {
		return nil, sqlerr.As(err).At(e.Args[0].Pos())
	}
	return c.coerce(x, t, CoerceExplicit, e.Pos())
}
