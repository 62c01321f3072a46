package expr

import (
	"time"

	"github.com/millracedb/millrace/sql/types"
)

// planError gives the error that PostgreSQL meets while it plans: it evaluates the
// constant parts of an expression then, whether a row will need them or not. Here
// they fail when a row needs them. nil: none.
func planError(e Expr) error {
	p := &constantParts{}
	p.fold(e)
	return p.err
}

// constantParts does what eval_const_expressions does, in its order.
type constantParts struct{ err error }

func (p *constantParts) fold(e Expr) Expr {
	if p.err != nil || e == nil {
		return e
	}
	switch e := e.(type) {
	case *And:
		return p.logic(e.Args, false)
	case *Or:
		return p.logic(e.Args, true)
	case *Case:
		return p.arms(e)
	case *Coalesce:
		return p.first(e)
	case *In:
		if !isConstList(e.List) { // comparisons, which give NULL like any other
			return p.fold(inAsOr(e))
		}
	}
	kids := Children(e)
	next := make([]Expr, len(kids))
	for i, k := range kids {
		next[i] = p.fold(k)
	}
	if p.err != nil {
		return e
	}
	if len(kids) > 0 {
		e = WithChildren(e, next)
	}
	return p.evaluate(e)
}

func isConstList(es []Expr) bool {
	for _, e := range es {
		if dependsOnRow(e) {
			return false
		}
	}
	return true
}

func (p *constantParts) evaluate(e Expr) Expr {
	switch x := e.(type) {
	case *Call:
		if x.Fn.Volatility != Immutable && !foldedJoin(x) || x.Fn.Set != nil || !immutableText(x) {
			return e
		}
		if x.Fn.evaluatesAll {
			return e
		}
		if x.Fn.Strict && hasNullConst(x.Args) && !isSubscript(x.Fn) {
			return &Const{D: types.NullDatum, T: x.T}
		}
	case *Cast:
		if c, ok := x.X.(*Const); ok && c.D.Null {
			return &Const{D: types.NullDatum, T: x.T}
		}
		if !immutableCast(x.X.Type(), x.T) {
			return e
		}
	case *Not, *IsNull, *In, *Quant:
	default:
		return e
	}
	for _, k := range Children(e) {
		if _, ok := k.(*Const); !ok {
			return e
		}
	}
	d, err := EvalConst(e, &Env{Zone: time.UTC})
	if err != nil {
		p.err = err
		return e
	}
	return &Const{D: keep(d), T: e.Type()}
}

func hasNullConst(es []Expr) bool {
	for _, e := range es {
		if c, ok := e.(*Const); ok && c.D.Null {
			return true
		}
	}
	return false
}

// foldedJoin tells whether an operation is the || of a text and a value that is not,
// which is inlined as the join of two texts, or another that is one of the value's text.
func foldedJoin(x *Call) bool {
	if x.Fn.Name == "age" && len(x.Args) == 2 {
		return true // it is said to be immutable
	}
	if x.Fn.Name != "||" && x.Fn.Name != "quote_literal" && x.Fn.Name != "quote_nullable" {
		return false
	}
	for _, a := range x.Args {
		if !immutableCast(a.Type(), types.Of(types.Text)) {
			return false
		}
	}
	return true
}

func (p *constantParts) logic(args []Expr, decides bool) Expr {
	var out []Expr
	for _, a := range args {
		x := p.fold(a)
		if c, ok := x.(*Const); ok && !c.D.Null {
			if c.D.Bool() == decides {
				return c
			}
			continue
		}
		out = append(out, x)
	}
	switch {
	case len(out) == 0:
		return &Const{D: types.BoolDatum(!decides), T: boolType}
	case len(out) == 1:
		return out[0]
	case decides:
		return &Or{out}
	}
	return &And{out}
}

func (p *constantParts) arms(e *Case) Expr {
	if e.Rows { // a comparison of rows, of which all parts are simplified
		for _, k := range Children(e) {
			p.fold(k)
		}
		return e
	}
	c := &Case{T: e.T}
	for _, w := range e.Whens {
		cond := p.fold(w.Cond)
		if k, ok := cond.(*Const); ok {
			if !k.D.Bool() {
				continue
			}
			x := p.fold(w.Then)
			if len(c.Whens) == 0 {
				return x
			}
			c.Else = x
			return c
		}
		c.Whens = append(c.Whens, When{Cond: cond, Then: p.fold(w.Then)})
	}
	if c.Else = p.fold(e.Else); len(c.Whens) > 0 {
		return c
	}
	if c.Else == nil {
		return &Const{D: types.NullDatum, T: e.T}
	}
	return c.Else
}

func (p *constantParts) first(e *Coalesce) Expr {
	var out []Expr
	for _, a := range e.Args {
		x := p.fold(a)
		c, ok := x.(*Const)
		if ok && c.D.Null {
			continue
		}
		out = append(out, x)
		if ok {
			break
		}
	}
	switch len(out) {
	case 0:
		return &Const{D: types.NullDatum, T: e.T}
	case 1:
		return out[0]
	}
	return &Coalesce{Args: out, T: e.T}
}
