package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// rowPair gives both sides when a comparison is one of rows.
func rowPair(l, r sql.Expr) (*sql.Row, *sql.Row, bool) {
	a, ok := l.(*sql.Row)
	b, ok2 := r.(*sql.Row)
	return a, b, ok && ok2
}

func (c *checker) rowCompare(e *sql.Binary, l, r *sql.Row) (Expr, error) {
	xs, err := c.checkAll(l.Elems)
	if err != nil {
		return nil, err
	}
	ys, err := c.checkAll(r.Elems)
	if err != nil {
		return nil, err
	}
	switch {
	case len(xs) != len(ys):
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"unequal number of entries in row expressions").At(e.Pos())
	case len(xs) == 0:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot compare rows of zero length").At(e.Pos())
	}
	return c.compareRows(e.Op, xs, ys, e.Pos())
}

// CompareRows compares rows, given as their columns, by PostgreSQL's rules.
func CompareRows(op string, xs, ys []Expr, sc Scope, pos int) (Expr, error) {
	return (&checker{sc: sc}).compareRows(op, xs, ys, pos)
}

// compareRows lowers a comparison of rows to comparisons of their fields.
func (c *checker) compareRows(op string, xs, ys []Expr, pos int) (Expr, error) {
	switch op {
	case "=", "<>":
		parts := make([]Expr, len(xs))
		for i := range xs {
			p, err := c.operator(op, []Expr{xs[i], ys[i]}, pos)
			if err != nil {
				return nil, err
			}
			parts[i] = p
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		for i := range xs {
			if xs[i].Type().Kind == types.Xid || ys[i].Type().Kind == types.Xid {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported,
					"could not determine interpretation of row comparison operator %s", op).At(pos).
					WithHint("Row comparison operators must be associated with btree operator families.")
			}
		}
		if op == "=" {
			return &And{parts}, nil
		}
		return &Or{parts}, nil
	case "<", "<=", ">", ">=":
		if len(xs) == 1 {
			return c.operator(op, []Expr{xs[0], ys[0]}, pos)
		}
		return c.orderRows(op, xs, ys, pos)
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported,
		"could not determine interpretation of row comparison operator %s", op).At(pos).
		WithHint("Row comparison operators must be associated with btree operator families.")
}

// orderRows: (a, b) < (c, d) is b < d where a = c, and a < c elsewhere: what follows
// the first difference, or the first NULL, is not evaluated.
func (c *checker) orderRows(op string, xs, ys []Expr, pos int) (Expr, error) {
	last, err := c.columnPair(op, xs[0], ys[0], pos)
	if err != nil || len(xs) == 1 {
		return last, err
	}
	first, err := c.columnPair(op[:1], xs[0], ys[0], pos)
	if err != nil {
		return nil, err
	}
	eq, err := c.columnPair("=", xs[0], ys[0], pos)
	if err != nil {
		return nil, err
	}
	rest, err := c.orderRows(op, xs[1:], ys[1:], pos)
	if err != nil {
		return nil, err
	}
	return &Case{Whens: []When{{Cond: eq, Then: rest}}, Else: first, T: types.Of(types.Bool),
		Rows: true}, nil
}

// columnPair compares a column of rows: both sides are evaluated, even if one is NULL.
func (c *checker) columnPair(op string, x, y Expr, pos int) (Expr, error) {
	e, err := c.operator(op, []Expr{x, y}, pos)
	if call, ok := e.(*Call); ok && err == nil {
		f := *call.Fn
		f.origin, f.evaluatesAll = call.Fn.Origin(), true
		call.Fn = &f
	}
	return e, err
}
