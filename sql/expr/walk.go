package expr

import "github.com/millracedb/millrace/sql/types"

// Children gives the direct subexpressions of e, in order of evaluation.
// Subplans have the expressions of their left side; aggregates their arguments.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *Cast:
		return []Expr{e.X}
	case *And:
		return e.Args
	case *Or:
		return e.Args
	case *Not:
		return []Expr{e.X}
	case *IsNull:
		return []Expr{e.X}
	case *Case:
		var xs []Expr
		for _, w := range e.Whens {
			xs = append(xs, w.Cond, w.Then)
		}
		if e.Else != nil {
			xs = append(xs, e.Else)
		}
		return xs
	case *Coalesce:
		return e.Args
	case *In:
		return append([]Expr{e.X}, e.List...)
	case *Quant:
		return []Expr{e.X, e.Arr}
	case *Lambda:
		return []Expr{e.Body}
	case *Subplan:
		return e.X
	case *Agg:
		return aggChildren(e.Call)
	case *Window:
		return windowChildren(e.Call)
	}
	return nil
}

func aggChildren(c *AggCall) []Expr {
	xs := append([]Expr(nil), c.Args...)
	for _, o := range c.OrderBy {
		xs = append(xs, o.X)
	}
	if c.Filter != nil {
		xs = append(xs, c.Filter)
	}
	return xs
}

func windowChildren(c *WindowCall) []Expr {
	xs := append([]Expr(nil), c.Args...)
	xs = append(xs, c.Partition...)
	for _, o := range c.OrderBy {
		xs = append(xs, o.X)
	}
	if c.Filter != nil {
		xs = append(xs, c.Filter)
	}
	return xs
}

// Walk visits e and its subexpressions, parents first; f returns false to skip
// the children of a node.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, x := range Children(e) {
		Walk(x, f)
	}
}

// Transform rebuilds e bottom-up: f is given each node with its children already
// transformed, and gives what stands in its place. Unchanged nodes are shared.
func Transform(e Expr, f func(Expr) (Expr, error)) (Expr, error) {
	if e == nil {
		return nil, nil
	}
	kids := Children(e)
	next := make([]Expr, len(kids))
	changed := false
	for i, k := range kids {
		x, err := Transform(k, f)
		if err != nil {
			return nil, err
		}
		next[i] = x
		changed = changed || x != k
	}
	if changed {
		e = WithChildren(e, next)
	}
	return f(e)
}

// WithChildren gives a copy of e with other subexpressions, in the order of
// Children.
func WithChildren(e Expr, xs []Expr) Expr {
	switch e := e.(type) {
	case *Call:
		c := *e
		c.Args = xs
		return &c
	case *Cast:
		c := *e
		c.X = xs[0]
		return &c
	case *And:
		return &And{Args: xs}
	case *Or:
		return &Or{Args: xs}
	case *Not:
		return &Not{X: xs[0]}
	case *IsNull:
		return &IsNull{X: xs[0], Not: e.Not}
	case *Case:
		c := &Case{T: e.T, Rows: e.Rows, NullIf: e.NullIf, Whens: make([]When, len(e.Whens))}
		for i := range e.Whens {
			c.Whens[i] = When{xs[2*i], xs[2*i+1]}
		}
		if e.Else != nil {
			c.Else = xs[len(xs)-1]
		}
		return c
	case *Coalesce:
		return &Coalesce{Args: xs, T: e.T}
	case *In:
		return &In{X: xs[0], List: xs[1:], Not: e.Not, Eq: e.Eq}
	case *Quant:
		return &Quant{Op: e.Op, X: xs[0], Arr: xs[1], All: e.All}
	case *Lambda:
		return &Lambda{Base: e.Base, Params: e.Params, Body: xs[0]}
	case *Subplan:
		c := *e
		c.X = xs
		return &c
	case *Agg:
		return &Agg{Call: aggWith(e.Call, xs)}
	case *Window:
		return &Window{Call: windowWith(e.Call, xs)}
	}
	return e
}

func aggWith(c *AggCall, xs []Expr) *AggCall {
	d := *c
	d.Args, xs = xs[:len(c.Args)], xs[len(c.Args):]
	d.OrderBy, xs = ordersWith(c.OrderBy, xs)
	if c.Filter != nil {
		d.Filter = xs[0]
	}
	return &d
}

func windowWith(c *WindowCall, xs []Expr) *WindowCall {
	d := *c
	d.Args, xs = xs[:len(c.Args)], xs[len(c.Args):]
	d.Partition, xs = xs[:len(c.Partition)], xs[len(c.Partition):]
	d.OrderBy, xs = ordersWith(c.OrderBy, xs)
	if c.Filter != nil {
		d.Filter = xs[0]
	}
	return &d
}

func ordersWith(os []Order, xs []Expr) ([]Order, []Expr) {
	next := make([]Order, len(os))
	for i, o := range os {
		o.X = xs[i]
		next[i] = o
	}
	return next, xs[len(os):]
}

// MapCols replaces every input column by what f gives for it. Columns that are
// parameters of an enclosing lambda stay.
func MapCols(e Expr, f func(*Col) Expr) Expr {
	bound := map[int]bool{}
	Walk(e, func(x Expr) bool {
		if l, ok := x.(*Lambda); ok {
			for i := range l.Params {
				bound[l.Base+i] = true
			}
		}
		return true
	})
	out, _ := Transform(e, func(x Expr) (Expr, error) {
		if c, ok := x.(*Col); ok && !bound[c.Index] {
			return f(c), nil
		}
		return x, nil
	})
	return out
}

// Columns adds the numbers of the input columns that e uses to set.
func Columns(e Expr, set map[int]bool) {
	Walk(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Col:
			set[x.Index] = true
		case *Lambda:
			inner := map[int]bool{}
			Columns(x.Body, inner)
			for i := range inner {
				if i < x.Base || i >= x.Base+len(x.Params) {
					set[i] = true
				}
			}
			return false
		}
		return true
	})
}

// Equal tells whether two expressions compute the same by form: same nodes, same
// functions, same constants. Positions and names are ignored.
func Equal(a, b Expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	if !sameNode(a, b) {
		return false
	}
	xs, ys := Children(a), Children(b)
	if len(xs) != len(ys) {
		return false
	}
	for i := range xs {
		if !Equal(xs[i], ys[i]) {
			return false
		}
	}
	return true
}

// sameNode compares two nodes without their children.
func sameNode(a, b Expr) bool {
	switch a := a.(type) {
	case *Col:
		b, ok := b.(*Col)
		return ok && a.Index == b.Index
	case *Outer:
		b, ok := b.(*Outer)
		return ok && a.Depth == b.Depth && a.Index == b.Index
	case *Const:
		b, ok := b.(*Const)
		return ok && sameType(a.T, b.T) && sameDatum(a.D, b.D)
	case *Param:
		b, ok := b.(*Param)
		return ok && a.N == b.N
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Fn.Origin() == b.Fn.Origin()
	case *Cast:
		b, ok := b.(*Cast)
		return ok && sameType(a.T, b.T) && a.Explicit == b.Explicit
	case *And:
		_, ok := b.(*And)
		return ok
	case *Or:
		_, ok := b.(*Or)
		return ok
	case *Not:
		_, ok := b.(*Not)
		return ok
	case *IsNull:
		b, ok := b.(*IsNull)
		return ok && a.Not == b.Not
	case *Coalesce:
		_, ok := b.(*Coalesce)
		return ok
	}
	return sameRareNode(a, b)
}

func sameRareNode(a, b Expr) bool {
	switch a := a.(type) {
	case *Case:
		b, ok := b.(*Case)
		return ok && len(a.Whens) == len(b.Whens) && (a.Else == nil) == (b.Else == nil)
	case *In:
		b, ok := b.(*In)
		return ok && a.Not == b.Not && a.Eq.Origin() == b.Eq.Origin()
	case *Quant:
		b, ok := b.(*Quant)
		return ok && a.Op.Origin() == b.Op.Origin() && a.All == b.All
	case *Lambda:
		b, ok := b.(*Lambda)
		return ok && a.Base == b.Base && len(a.Params) == len(b.Params)
	case *Subplan:
		b, ok := b.(*Subplan)
		return ok && a.ID == b.ID && a.Kind == b.Kind
	case *Agg:
		b, ok := b.(*Agg)
		return ok && SameAgg(a.Call, b.Call)
	case *Window:
		b, ok := b.(*Window)
		return ok && a.Call == b.Call
	}
	return false
}

// SameAgg tells whether two aggregate calls compute the same.
func SameAgg(a, b *AggCall) bool {
	if a.Fn.Origin() != b.Fn.Origin() || a.Distinct != b.Distinct || len(a.Args) != len(b.Args) ||
		len(a.OrderBy) != len(b.OrderBy) || !Equal(a.Filter, b.Filter) {
		return false
	}
	for i := range a.Args {
		if !Equal(a.Args[i], b.Args[i]) {
			return false
		}
	}
	for i := range a.OrderBy {
		x, y := a.OrderBy[i], b.OrderBy[i]
		if x.Desc != y.Desc || x.NullsFirst != y.NullsFirst || !Equal(x.X, y.X) {
			return false
		}
	}
	return true
}

func sameType(a, b types.Type) bool { return a.Mod == b.Mod && a.Same(b) }

func sameDatum(a, b types.Datum) bool {
	return a == b || a.F != a.F && b.F != b.F && a.Null == b.Null && a.I == b.I && a.S == b.S
}

// IsConst tells whether e depends on no row, no parameter and no clock, so that
// it may be evaluated at planning.
func IsConst(e Expr) bool {
	constant := true
	Walk(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Col, *Outer, *Param, *Subplan, *Agg, *Window, *Lambda:
			constant = false
		case *Call:
			constant = constant && x.Fn.Volatility == Immutable && x.Fn.Set == nil && immutableText(x)
		case *Cast:
			from := x.X.Type()
			constant = constant && castVolatility(from, x.T) == Immutable &&
				(isText(from) || immutableCast(from, x.T))
		}
		return constant
	})
	return constant
}
