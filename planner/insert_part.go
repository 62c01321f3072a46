package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// part is what one name of the column list of INSERT asks for, where that is a part of a
// column: INSERT INTO t (a[1], p.x).
type part struct {
	t        types.Type // of the part
	describe string     // for an error of its type
}

// partTypes finds the types of the parts that the column list names.
func (in *insertion) partTypes() error {
	if in.s.Paths == nil {
		return nil
	}
	in.parts = make([]part, len(in.target))
	for k := range in.target {
		if in.path(k) == nil {
			continue
		}
		c := &in.rel.Columns[in.target[k]]
		leaf := func(t types.Type, describe string) (expr.Expr, error) {
			in.parts[k] = part{t, describe}
			return &expr.Const{D: types.NullDatum, T: t}, nil
		}
		if _, err := in.setter(k, leaf).replace(nullOf(c.Type), c.Type, in.path(k)); err != nil {
			return err
		}
	}
	return nil
}

func nullOf(t types.Type) expr.Expr { return &expr.Const{D: types.NullDatum, T: t} }

func (in *insertion) setter(k int,
	value func(types.Type, string) (expr.Expr, error)) *partSetter {
	s := (&scope{b: in.b}).in("INSERT")
	return &partSetter{b: in.b, scope: s, column: in.rel.Columns[in.target[k]].Name,
		pos: in.columnPos(k), value: value}
}

// partValue checks one element of VALUES against the part it is for.
func (in *insertion) partValue(k int, x sql.Expr, s *scope) (expr.Expr, error) {
	if err := noDefaultPart(x, in.path(k)); err != nil {
		return nil, err
	}
	e, err := in.b.check(x, s)
	if err != nil {
		return nil, err
	}
	return in.setter(k, nil).fit(e, in.parts[k].t, in.parts[k].describe, x.Pos())
}

// given is the value of a column: the k-th given one, or what all parts of it make of NULL.
func (in *insertion) given(n plan.Node, k int) (expr.Expr, error) {
	if in.path(k) == nil {
		return colOf(n, k), nil
	}
	o := in.target[k]
	t := in.rel.Columns[o].Type
	x := nullOf(t)
	for ; k < len(in.target); k++ {
		if in.target[k] != o {
			continue
		}
		leaf := func(types.Type, string) (expr.Expr, error) { return colOf(n, k), nil }
		var err error
		if x, err = in.setter(k, leaf).replace(x, t, in.path(k)); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// onceEach puts the given values into a projection of their own where generated columns
// would otherwise compute a volatile one again, such as nextval(). What exprs did not have
// of n stands shift columns further on in the result.
func (in *insertion) onceEach(n plan.Node, exprs []expr.Expr, cols []plan.Column) (plan.Node,
	[]expr.Expr, int) {
	generated := slices.ContainsFunc(in.layout, func(o int) bool { return in.rel.Columns[o].Generated })
	if !generated || !givesVolatile(n, exprs) {
		return n, exprs, 0
	}
	p := &plan.Project{Input: n}
	out := make([]expr.Expr, len(exprs))
	for i, x := range exprs {
		if x == nil { // a generated column
			x = nullOf(cols[i].Type)
		}
		p.Exprs, p.Out = append(p.Exprs, x), append(p.Out, cols[i])
	}
	for i := range out {
		out[i] = colOf(p, i)
	}
	for i, c := range n.Cols() {
		p.Exprs, p.Out = append(p.Exprs, colOf(n, i)), append(p.Out, c)
	}
	return p, out, len(exprs)
}

func givesVolatile(n plan.Node, exprs []expr.Expr) bool {
	volatile := func(x expr.Expr) bool { return x != nil && isVolatile(x) }
	if v, ok := n.(*plan.Values); ok {
		for _, row := range v.Rows {
			if slices.ContainsFunc(row, volatile) {
				return true
			}
		}
	}
	return slices.ContainsFunc(exprs, volatile)
}
