package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// setOp binds UNION, INTERSECT or EXCEPT. Chains of one kind of UNION become one
// node.
func (b *builder) setOp(op *sql.SetOp, outer *scope, w *with) (*query, error) {
	var parts []*query
	b.level++
	defer func() { b.level-- }()
	for _, side := range []sql.Body{op.L, op.R} {
		q, err := b.body(side, outer, w)
		if err != nil {
			return nil, err
		}
		parts = append(parts, q)
	}
	keepTime := op.All && op.Op == sql.Union && b.continuous
	l, r := parts[0], parts[1]
	if !keepTime || l.time < 0 || r.time < 0 {
		l, r = b.stripHidden(l), b.stripHidden(r)
	}
	l, r, err := b.unify(op, l, r)
	if err != nil {
		return nil, err
	}
	n := &plan.SetOp{Kind: plan.SetOpKind(op.Op), All: op.All}
	n.Out = unifiedCols(l.node.Cols())
	if n.Kind == plan.Union {
		n.In = append(n.In, flattenUnion(l.node, op.All)...)
		n.In = append(n.In, flattenUnion(r.node, op.All)...)
	} else {
		n.In = []plan.Node{l.node, r.node}
	}
	return &query{node: n, time: l.time}, nil
}

func unifiedCols(cols []plan.Column) []plan.Column {
	out := append([]plan.Column(nil), cols...)
	for i := range out {
		out[i].Table, out[i].Attnum = 0, 0
	}
	return out
}

func flattenUnion(n plan.Node, all bool) []plan.Node {
	if s, ok := n.(*plan.SetOp); ok && s.Kind == plan.Union && s.All == all {
		return s.In
	}
	return []plan.Node{n}
}

// columnPos is the place of column i of a query's body, as far as it is written down.
func columnPos(body sql.Body, i int) int {
	for {
		op, ok := body.(*sql.SetOp)
		if !ok {
			break
		}
		body = op.L
	}
	s, ok := body.(*sql.Select)
	if !ok || i >= len(s.Items) {
		return body.Pos()
	}
	for _, item := range s.Items[:i+1] {
		if c, ok := item.X.(*sql.ColRef); ok && c.Star {
			return body.Pos()
		}
	}
	return sql.Start(s.Items[i].X)
}

// unify gives both sides the same column types.
func (b *builder) unify(op *sql.SetOp, l, r *query) (*query, *query, error) {
	lc, rc := l.node.Cols(), r.node.Cols()
	if visibleCount(lc) != visibleCount(rc) {
		return nil, nil, sqlerr.New(sqlerr.SyntaxError,
			"each %s query must have the same number of columns", op.Op).At(columnPos(op.R, 0))
	}
	ts := make([]types.Type, len(lc))
	for i := range lc {
		if lc[i].Type.Same(rc[i].Type) && lc[i].Type.Mod == rc[i].Type.Mod &&
			lc[i].Type.Kind != types.Unknown {
			ts[i] = lc[i].Type
			continue
		}
		t, err := expr.CommonType([]expr.Expr{columnExpr(l.node, i), columnExpr(r.node, i)},
			op.Op.String(), columnPos(op.R, i))
		if err != nil {
			return nil, nil, err
		}
		ts[i] = t
	}
	ln, err := b.convert(l.node, ts, nil, op.L.Pos())
	if err != nil {
		return nil, nil, err
	}
	rn, err := b.convert(r.node, ts, nil, op.R.Pos())
	if err != nil {
		return nil, nil, err
	}
	return &query{ln, l.time}, &query{rn, r.time}, nil
}

// columnExpr is a column for type unification: the literal itself where the node
// computes one.
func columnExpr(n plan.Node, i int) expr.Expr {
	if p, ok := n.(*plan.Project); ok {
		return p.Exprs[i]
	}
	return colOf(n, i)
}

// values binds VALUES as rows of their own.
func (b *builder) values(v *sql.Values, outer *scope, w *with) (*query, error) {
	s := (&scope{b: b, parent: outer, with: w}).in("VALUES")
	n := &plan.Values{}
	for _, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"VALUES lists must all be the same length").At(row[0].Pos())
		}
		xs := make([]expr.Expr, len(row))
		for i, x := range row {
			e, err := b.check(x, s)
			if err != nil {
				return nil, err
			}
			if hasSet(e) {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported,
					"set-returning functions are not allowed in VALUES").At(x.Pos()).
					WithHint("Use SELECT with the function in FROM.")
			}
			xs[i] = e
		}
		n.Rows = append(n.Rows, xs)
	}
	if err := b.valuesTypes(n, v); err != nil {
		return nil, err
	}
	return &query{node: n, time: -1}, nil
}

// firstMismatch gives the error of the first row whose value of a column does not go with
// those before it.
func firstMismatch(xs []expr.Expr, v *sql.Values, c int, err error) error {
	for i := 1; i < len(xs); i++ {
		at := sql.Start(v.Rows[i][c])
		if _, first := expr.CommonType(xs[:i+1], "VALUES", at); first != nil {
			return first
		}
	}
	return err
}

// valuesTypes finds the common type of each column and converts the rows to it.
// A column of untyped literals stays untyped until the context decides.
func (b *builder) valuesTypes(n *plan.Values, v *sql.Values) error {
	for c := range v.Rows[0] {
		xs := make([]expr.Expr, len(n.Rows))
		unknown := true
		for i, row := range n.Rows {
			xs[i] = row[c]
			unknown = unknown && row[c].Type().Kind == types.Unknown
		}
		t := types.Of(types.Unknown)
		if !unknown {
			var err error
			if t, err = expr.CommonType(xs, "VALUES", v.Rows[0][c].Pos()); err != nil {
				return firstMismatch(xs, v, c, err)
			}
			for i := range n.Rows {
				x, err := b.coerce(xs[i], t, "", v.Rows[i][c].Pos())
				if err != nil {
					return err
				}
				n.Rows[i][c] = x
			}
		}
		n.Out = append(n.Out, plan.Column{Name: sprintf("column%d", c+1), Type: t})
	}
	return nil
}
