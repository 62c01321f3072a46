package session

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// doType is the type of a variable of a block.
type doType struct {
	t         types.Type
	composite bool // the variable has fields: those of t
	free      bool // ... which are those of the row last assigned
	domain    *sql.TypeName
}

// typeOf finds out what the type of a variable is.
func (d *doBlock) typeOf(v *plpgsql.Var) (doType, error) {
	switch t := &v.Type; t.Kind {
	case plpgsql.LikeVar:
		return d.types[t.Var.Num], nil
	case plpgsql.LikeField:
		return d.typeLike(t)
	case plpgsql.RowOf:
		cols, err := d.columnsOfRelation("*", t.Name, t.At)
		if err != nil {
			return doType{}, err
		}
		return doType{t: rowOf(cols), composite: true}, nil
	case plpgsql.Record:
		return doType{t: types.Of(types.Record), composite: true, free: true}, nil
	case plpgsql.RefCursor, plpgsql.Implicit:
		return doType{t: textColumn}, nil
	}
	return d.typeNamed(v.Type.SQL, v.Type.At)
}

// typeNamed resolves a type name: it is the type of a NULL that is cast to it.
func (d *doBlock) typeNamed(n *sql.TypeName, at int) (doType, error) {
	null := &sql.Const{Kind: sql.NullConst}
	tree := &sql.SelectStmt{Query: &sql.Query{Body: &sql.Select{
		Items: []sql.Item{{X: &sql.Cast{X: null, Type: n}}}}}}
	p, err := d.planOf(tree, "")
	if err != nil {
		e := *sqlerr.As(err)
		e.Offset, e.Position = 0, 0
		return doType{}, e.At(at)
	}
	out := doType{t: p.Columns[0].Type}
	out.composite = out.t.Kind == types.Record
	if u := d.userType(n.Name); u != nil && u.Labels == nil && len(n.Dims) == 0 &&
		(u.NotNull || len(u.Checks) > 0) {
		out.domain = n
	}
	return out, nil
}

// planOf plans a statement of the block's own.
func (d *doBlock) planOf(tree sql.Statement, text string) (*plan.Plan, error) {
	st := &statement{text: text, tree: tree}
	if err := d.s.ready(st, d.s.snapshot()); err != nil {
		return nil, err
	}
	return st.plan, nil
}

// typeLike is the type of a column, or of a field of a variable.
func (d *doBlock) typeLike(t *plpgsql.Type) (doType, error) {
	n := len(t.Name) - 1
	for _, v := range d.prog.Vars {
		if n == 1 && v.Name == t.Name[0] && v.At < t.At && d.types[v.Num].composite {
			if k := d.types[v.Num].t.FieldIndex(t.Name[n]); k >= 0 {
				return doType{t: d.types[v.Num].t.Fields[k].Type}, nil
			}
		}
	}
	cols, err := d.columnsOfRelation(sql.QuoteIdent(t.Name[n]), t.Name[:n], t.At)
	if err != nil {
		return doType{}, err
	}
	return doType{t: cols[0].Type, composite: cols[0].Type.Kind == types.Record}, nil
}

func (d *doBlock) columnsOfRelation(list string, n sql.Name, at int) ([]plan.Column, error) {
	text := "SELECT " + list + " FROM " + n.String()
	tree, err := parse.ParseOne(text)
	if err == nil {
		var p *plan.Plan
		if p, err = d.planOf(tree, text); err == nil {
			return p.Columns, nil
		}
	}
	e := *sqlerr.As(err)
	e.Offset, e.Position, e.Hint = 0, 0, ""
	switch e.Code {
	case sqlerr.UndefinedTable:
		e.Message = "relation \"" + n.String() + "\" does not exist"
	case sqlerr.UndefinedColumn:
		e.Message = "column " + list + " of relation \"" + n.Last() + "\" does not exist"
		if list[0] != '"' {
			e.Message = "column \"" + list + "\" of relation \"" + n.Last() + "\" does not exist"
		}
		return nil, &e
	}
	return nil, e.At(at)
}

func rowOf(cols []plan.Column) types.Type {
	t := types.Of(types.Record)
	for _, c := range cols {
		ct := c.Type
		if ct.Kind == types.Unknown {
			ct = textColumn
		}
		t.Fields = append(t.Fields, types.Field{Name: c.Name, Type: ct})
	}
	return t
}
