package expr

import (
	"fmt"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Program is compiled expressions over the columns of one input. It owns the
// vectors that it computes, and reuses them: one Program serves one operator of
// one task at a time.
type Program struct {
	exprs []Expr
	roots []node
	out   []*batch.Vector
	preds []pred // for Filter; made on first use
	run   run
}

// Compile makes a Program of checked expressions. Aggregates and window calls
// must have been replaced by columns.
func Compile(exprs []Expr) (*Program, error) {
	p := &Program{exprs: exprs, out: make([]*batch.Vector, len(exprs))}
	var c compiler
	for _, e := range exprs {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		p.roots = append(p.roots, n)
	}
	return p, nil
}

// CompileFilter makes a Program for Filter alone: a conjunction of booleans.
func CompileFilter(conds ...Expr) (*Program, error) {
	p := &Program{exprs: conds}
	return p, p.compilePreds()
}

// Types gives the types of the expressions.
func (p *Program) Types() []types.Type {
	ts := make([]types.Type, len(p.exprs))
	for i, e := range p.exprs {
		ts[i] = e.Type()
	}
	return ts
}

// Eval computes the expressions for the rows of b that count. The vectors belong
// to the Program, or are columns of b, and are valid until its next call; only
// rows in b.Sel are defined. A vector may be a constant.
func (p *Program) Eval(env *Env, b *batch.Batch) ([]*batch.Vector, error) {
	p.run = run{env: env, b: b, n: b.N}
	rows := rowsOf(b)
	for i, r := range p.roots {
		if len(rows) == 0 {
			p.out[i] = emptyVector(p.exprs[i].Type())
			continue
		}
		v, err := r.eval(&p.run, rows)
		if err != nil {
			return nil, err
		}
		p.out[i] = v
	}
	return p.out, nil
}

// Filter gives the rows of b, of those that count, for which all expressions are
// true. The result is written into selBuf where it has room.
func (p *Program) Filter(env *Env, b *batch.Batch, selBuf []uint16) ([]uint16, error) {
	if p.preds == nil {
		if err := p.compilePreds(); err != nil {
			return nil, err
		}
	}
	p.run = run{env: env, b: b, n: b.N}
	rows := rowsOf(b)
	if cap(selBuf) < len(rows) {
		selBuf = make([]uint16, len(rows))
	}
	out := selBuf[:len(rows)]
	for _, q := range p.preds {
		if len(rows) == 0 {
			break
		}
		var err error
		if rows, err = q.narrow(&p.run, rows, out); err != nil {
			return nil, err
		}
	}
	if len(rows) == 0 {
		return out[:0], nil
	}
	return rows, nil
}

func (p *Program) compilePreds() error {
	var c compiler
	for _, e := range p.exprs {
		if k := e.Type().Kind; k != types.Bool {
			return fmt.Errorf("compile filter: expression of type %v", k)
		}
		q, err := c.compilePred(e)
		if err != nil {
			return err
		}
		p.preds = append(p.preds, q)
	}
	return nil
}

// rowsOf gives the physical rows that count.
func rowsOf(b *batch.Batch) []uint16 {
	if b.Sel != nil {
		return b.Sel
	}
	return allRows(b.N)
}

func emptyVector(t types.Type) *batch.Vector { return batch.NewVector(t, 0) }

// compiler turns checked expressions into nodes.
type compiler struct{}

func (c *compiler) compileAll(es []Expr) ([]node, error) {
	ns := make([]node, len(es))
	for i, e := range es {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		ns[i] = n
	}
	return ns, nil
}

func (c *compiler) compile(e Expr) (node, error) {
	switch e := e.(type) {
	case *Col:
		return &colNode{e.Index}, nil
	case *Outer:
		return &outerNode{depth: e.Depth, index: e.Index, t: e.T}, nil
	case *Const:
		return &constNode{constVector(e.D, e.T)}, nil
	case *Param:
		return &paramNode{n: e.N, t: e.T}, nil
	case *Call:
		return c.compileCall(e)
	case *Cast:
		return c.compileCast(e)
	case *And:
		args, err := c.compileAll(e.Args)
		return &logicNode{args: args, stop: false}, err
	case *Or:
		args, err := c.compileAll(e.Args)
		return &logicNode{args: args, stop: true}, err
	case *Not:
		x, err := c.compile(e.X)
		return &notNode{x: x}, err
	case *IsNull:
		x, err := c.compile(e.X)
		return &isNullNode{x: x, not: e.Not}, err
	case *Case:
		return c.compileCase(e)
	case *Coalesce:
		args, err := c.compileAll(e.Args)
		return &coalesceNode{args: args, t: e.T, results: make([]*batch.Vector, len(args))}, err
	case *In:
		return c.compileIn(e)
	case *Quant:
		return c.compileQuant(e)
	case *Subplan:
		return c.compileSubplan(e)
	}
	return nil, fmt.Errorf("compile: %T may not stand in an expression that is evaluated", e)
}

func (c *compiler) compileCall(e *Call) (node, error) {
	if e.Fn.Set != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed here").At(e.Pos).
			WithHint("Call %s in the select list or in FROM.", e.Fn.Name)
	}
	if e.Fn.Higher != nil {
		return c.compileHigher(e)
	}
	if e.Fn.Kernel == nil && e.Fn.Row == nil {
		return nil, fmt.Errorf("compile: function %s has no implementation", e.Fn.Name)
	}
	args, err := c.compileAll(e.Args)
	if err != nil {
		return nil, err
	}
	return newCallNode(e.Fn, args, e.T), nil
}

func newCallNode(fn *Func, args []node, t types.Type) *callNode {
	return &callNode{fn: fn, args: args, t: t, vecs: make([]*batch.Vector, len(args)),
		datums: make([]types.Datum, len(args))}
}

func (c *compiler) compileCase(e *Case) (node, error) {
	n := &caseNode{t: e.T}
	for _, w := range e.Whens {
		p, err := c.compilePred(w.Cond)
		if err != nil {
			return nil, err
		}
		x, err := c.compile(w.Then)
		if err != nil {
			return nil, err
		}
		n.conds = append(n.conds, p)
		n.thens = append(n.thens, x)
	}
	if e.Else != nil {
		x, err := c.compile(e.Else)
		if err != nil {
			return nil, err
		}
		n.thens = append(n.thens, x)
	}
	n.results = make([]*batch.Vector, len(n.thens))
	return n, nil
}

// EvalRow evaluates one expression over one row of datums.
func EvalRow(e Expr, env *Env, row []types.Datum) (types.Datum, error) {
	p, err := Compile([]Expr{e})
	if err != nil {
		return types.NullDatum, err
	}
	b := &batch.Batch{N: 1}
	for i, t := range colTypes(e, len(row)) {
		v := batch.NewVector(t, 1)
		if t.Kind != types.Invalid {
			v.AppendDatum(row[i])
		}
		b.Cols = append(b.Cols, v)
	}
	vs, err := p.Eval(env, b)
	if err != nil {
		return types.NullDatum, err
	}
	return vs[0].Datum(0), nil
}

// EvalConst evaluates an expression without columns.
func EvalConst(e Expr, env *Env) (types.Datum, error) { return EvalRow(e, env, nil) }

// colTypes gives the types of the columns that e uses, of n in all.
func colTypes(e Expr, n int) []types.Type {
	ts := make([]types.Type, n)
	Walk(e, func(x Expr) bool {
		if c, ok := x.(*Col); ok && c.Index < n {
			ts[c.Index] = c.T
		}
		return true
	})
	return ts
}
