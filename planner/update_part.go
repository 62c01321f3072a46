package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// assignPart is SET c.f = x for a field of a composite column: the whole value with that
// field replaced. Other fields of the same column may be assigned beside it.
func (b *builder) assignPart(rel *catalog.Relation, layout []int, a sql.Assign, s *scope,
	exprs []expr.Expr) error {
	i, err := b.assignedColumn(rel, layout, a.Columns[0], a.Pos(), map[int]bool{})
	if err != nil {
		return err
	}
	c := &rel.Columns[layout[i]]
	if c.Generated || slices.Contains(rel.Key, layout[i]) {
		return sqlerr.Unsupported("assignment to a part of a key or generated column",
			"Assign the whole value of the column.").At(a.Pos())
	}
	x, err := b.check(a.X, s)
	if err != nil {
		return err
	}
	x, err = b.withField(exprs[i], c.Type, c.Name, a.Path, x, a)
	if err == nil {
		exprs[i] = x
	}
	return err
}

// withField gives a value of composite type t with the field at a path replaced.
func (b *builder) withField(old expr.Expr, t types.Type, name string, path []sql.Expr, x expr.Expr,
	a sql.Assign) (expr.Expr, error) {
	f, ok := path[0].(*sql.Field)
	if !ok {
		return nil, sqlerr.Unsupported("assignment to an element of an array",
			"Assign the whole array.").At(a.Pos())
	}
	if t.Kind != types.Record && t.Kind != types.Struct {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "cannot assign to field \"%s\" of column "+
			"\"%s\" because its type %s is not a composite type", f.Name, name, t).At(a.Pos())
	}
	at := t.FieldIndex(f.Name)
	if at < 0 {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "cannot assign to field \"%s\" of column "+
			"\"%s\" because there is no such column in data type %s", f.Name, name, t).At(a.Pos())
	}
	elems := make([]expr.Expr, len(t.Fields))
	for i := range elems {
		elems[i] = expr.FieldOf(old, i)
	}
	var err error
	if len(path) == 1 {
		x, err = b.coerce(x, t.Fields[at].Type, f.Name, a.X.Pos())
	} else {
		x, err = b.withField(elems[at], t.Fields[at].Type, f.Name, path[1:], x, a)
	}
	if err != nil {
		return nil, err
	}
	elems[at] = x
	return b.row(elems, t, a.Pos())
}
