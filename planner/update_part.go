package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// partSetter replaces parts of a column's value: fields of composite values, elements and
// slices of arrays, values in a jsonb. The other parts stay, so that several parts of one
// column may be assigned beside each other.
type partSetter struct {
	b      *builder
	scope  *scope // of subscripts
	column string
	pos    int
	// value gives what is put in, converted to the type of the part.
	value func(t types.Type, describe string) (expr.Expr, error)
}

// assignPart is SET c.f = x or c[i] = x.
func (b *builder) assignPart(rel *catalog.Relation, layout []int, a sql.Assign, s *scope,
	exprs []expr.Expr, seen map[int]bool) error {
	i, err := b.assignedColumn(rel, layout, a.Columns[0], a.Pos(), map[int]bool{})
	if err != nil {
		return err
	}
	if seen[i] {
		return sqlerr.New(sqlerr.SyntaxError,
			"multiple assignments to same column \"%s\"", a.Columns[0]).At(a.Pos())
	}
	c := &rel.Columns[layout[i]]
	if err := fixedColumn(c, a.Pos()); err != nil {
		return err
	}
	if err := noDefaultPart(a.X, a.Path); err != nil {
		return err
	}
	x, err := b.check(a.X, s)
	if err != nil {
		return err
	}
	p := &partSetter{b: b, scope: s, column: c.Name, pos: a.Pos()}
	p.value = func(t types.Type, describe string) (expr.Expr, error) {
		return p.fit(x, t, describe, a.X.Pos())
	}
	if x, err = p.replace(exprs[i], c.Type, a.Path); err == nil {
		exprs[i] = x
	}
	return err
}

// fixedColumn refuses the columns that only DEFAULT can be assigned to.
func fixedColumn(c *catalog.Column, pos int) error {
	if !c.Generated && c.Identity != 'a' {
		return nil
	}
	err := sqlerr.New(sqlerr.GeneratedAlways,
		"column \"%s\" can only be updated to DEFAULT", c.Name).At(pos)
	if c.Generated {
		return err.WithDetail("Column \"%s\" is a generated column.", c.Name)
	}
	return err.WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", c.Name)
}

func noDefaultPart(x sql.Expr, path []sql.Expr) error {
	if _, ok := x.(*sql.Default); !ok {
		return nil
	}
	part := "an array element"
	if _, ok := path[0].(*sql.Field); ok {
		part = "a subfield"
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "cannot set %s to DEFAULT", part).At(x.Pos()).
		WithHint("Assign a value, or DEFAULT to the whole column.")
}

// fit converts a value to the type of a part.
func (p *partSetter) fit(x expr.Expr, t types.Type, describe string, pos int) (expr.Expr, error) {
	if !expr.CanCoerce(x.Type(), t, expr.CoerceAssignment) && x.Type().Kind != types.Unknown {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "%s %s but expression is of type %s",
			describe, t, x.Type()).At(pos).
			WithHint("You will need to rewrite or cast the expression.")
	}
	return p.b.coerce(x, t, "", pos)
}

// replace gives old, of type t, with the part at a path replaced.
func (p *partSetter) replace(old expr.Expr, t types.Type, path []sql.Expr) (expr.Expr, error) {
	if f, ok := path[0].(*sql.Field); ok {
		return p.field(old, t, f, path[1:])
	}
	n := 0
	slice := false
	for n < len(path) {
		ix, ok := path[n].(*sql.Index)
		if !ok {
			break
		}
		n++
		slice = slice || ix.Slice
	}
	switch {
	case t.Kind == types.JSONB:
		return p.json(old, t, path[:n], path[n:])
	case t.Kind != types.Array:
		return nil, p.noSubscripts(t)
	case slice:
		return p.slice(old, t, path[:n], path[n:])
	case t.Elem.Kind == types.Array:
		n = 1 // an array of arrays, of which each has its own length
	}
	return p.element(old, t, path[:n], path[n:])
}

func (p *partSetter) noSubscripts(t types.Type) error {
	if t.Kind == types.Map {
		return sqlerr.Unsupported("assignment to a key of a map", "Assign the whole map.").At(p.pos)
	}
	return sqlerr.New(sqlerr.DatatypeMismatch,
		"cannot subscript type %s because it does not support subscripting", t).At(p.pos)
}

func (p *partSetter) field(old expr.Expr, t types.Type, f *sql.Field, rest []sql.Expr) (
	expr.Expr, error) {
	if t.Kind != types.Record && t.Kind != types.Struct {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "cannot assign to field \"%s\" of column "+
			"\"%s\" because its type %s is not a composite type", f.Name, p.column, t).At(p.pos)
	}
	at := t.FieldIndex(f.Name)
	if at < 0 {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "cannot assign to field \"%s\" of column "+
			"\"%s\" because there is no such column in data type %s", f.Name, p.column, t).At(p.pos)
	}
	elems := make([]expr.Expr, len(t.Fields))
	for i := range elems {
		elems[i] = expr.FieldOf(old, i)
	}
	ft := t.Fields[at].Type
	x, err := p.below(elems[at], ft, rest, "subfield \""+f.Name+"\" is of type")
	if err != nil {
		return nil, err
	}
	elems[at] = x
	return p.b.row(elems, t, p.pos)
}

// below is the part itself where the path ends, else a part of the part.
func (p *partSetter) below(old expr.Expr, t types.Type, rest []sql.Expr, describe string) (
	expr.Expr, error) {
	if len(rest) == 0 {
		return p.value(t, describe)
	}
	return p.replace(old, t, rest)
}

func (p *partSetter) subscripted() string {
	return "subscripted assignment to \"" + p.column + "\" requires type"
}

// element is a[i][j] of an array. An element of an element goes through it.
func (p *partSetter) element(old expr.Expr, t types.Type, at, rest []sql.Expr) (expr.Expr, error) {
	subs := make([]expr.Expr, len(at))
	for i, x := range at {
		sub, err := p.subscript(x.(*sql.Index).Lo)
		if err != nil {
			return nil, err
		}
		subs[i] = sub
	}
	x, err := p.below(expr.ElementOf(old, subs), *t.Elem, rest, p.subscripted())
	if err != nil {
		return nil, err
	}
	return expr.PutElement(old, x, subs), nil
}

func (p *partSetter) slice(old expr.Expr, t types.Type, at, rest []sql.Expr) (expr.Expr, error) {
	bounds := make([]expr.Bounds, len(at))
	for i, x := range at {
		ix := x.(*sql.Index)
		for side, bound := range []sql.Expr{ix.Lo, ix.Hi} {
			if bound == nil && (ix.Slice || side == 1) {
				continue
			}
			sub, err := p.subscript(bound)
			if err != nil {
				return nil, err
			}
			if side == 0 {
				bounds[i].Lo = sub
			} else {
				bounds[i].Hi = sub
			}
		}
		if !ix.Slice { // a[2][1:3] is a[1:2][1:3]
			one := &expr.Const{D: types.IntDatum(1), T: types.Of(types.Int4)}
			bounds[i] = expr.Bounds{Lo: one, Hi: bounds[i].Lo}
		}
	}
	x, err := p.below(old, t, rest, p.subscripted())
	if err != nil {
		return nil, err
	}
	return expr.PutSlice(old, x, bounds), nil
}

// subscript checks an index of an array.
func (p *partSetter) subscript(x sql.Expr) (expr.Expr, error) {
	e, err := p.b.check(x, p.scope)
	if err != nil {
		return nil, err
	}
	int4 := types.Of(types.Int4)
	if !expr.CanCoerce(e.Type(), int4, expr.CoerceAssignment) || types.Category(e.Type().Kind) == 'S' {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch,
			"array subscript must have type integer").At(x.Pos())
	}
	return p.b.coerce(e, int4, "", x.Pos())
}

// json is j['a'][1] of a jsonb.
func (p *partSetter) json(old expr.Expr, t types.Type, at, rest []sql.Expr) (expr.Expr, error) {
	steps := make([]expr.Expr, len(at))
	for i, x := range at {
		ix := x.(*sql.Index)
		if ix.Slice {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch,
				"jsonb subscript does not support slices").At(ix.Pos())
		}
		e, err := p.b.check(ix.Lo, p.scope)
		if err != nil {
			return nil, err
		}
		want := types.Of(types.Text)
		if k := e.Type().Kind; k == types.Int2 || k == types.Int4 {
			want = types.Of(types.Int4)
		} else if k != types.Unknown && !expr.CanCoerce(e.Type(), want, expr.CoerceImplicit) {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "subscript type %s is not supported",
				e.Type()).At(ix.Lo.Pos()).
				WithHint("jsonb subscript must be coercible to either integer or text.")
		}
		if steps[i], err = p.b.coerce(e, want, "", ix.Lo.Pos()); err != nil {
			return nil, err
		}
	}
	x, err := p.below(old, t, rest, p.subscripted())
	if err != nil {
		return nil, err
	}
	return expr.PutJSON(old, x, steps), nil
}
