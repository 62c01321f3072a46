package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// copyTo plans COPY ... TO as a query, and COPY ... FROM as an INSERT whose rows
// the caller brings: the leaf of its input is a Values without rows, with the
// columns of the file.
func (b *builder) copyTo(s *sql.Copy) (*plan.Plan, error) {
	if s.To {
		q := s.Query
		if q == nil {
			if err := b.copyColumns(s); err != nil {
				return nil, err
			}
			q = &sql.Query{Loc: s.NamePos, Body: copySelect(s)}
		}
		b.top = q
		p, err := b.selectStatement(q)
		if err == nil {
			p.Tag = "COPY"
		}
		return p, err
	}
	rel, err := b.copyTarget(s)
	if err != nil {
		return nil, err
	}
	in := &insertion{b: b, rel: rel, layout: rowLayout(rel),
		s: &sql.Insert{NamePos: s.NamePos, Columns: s.Columns,
			ColumnLocs: s.ColumnLocs}}
	if err := in.columns(); err != nil {
		return nil, err
	}
	if s.Columns == nil {
		in.target = slices.DeleteFunc(in.target, func(o int) bool {
			return rel.Columns[o].Generated
		})
	}
	leaf := &plan.Values{}
	for i := range in.target {
		t, name := in.targetType(i)
		if err := in.mayCopy(i); err != nil {
			return nil, err
		}
		leaf.Out = append(leaf.Out, plan.Column{Name: name, Type: t})
	}
	rows, err := in.completeCopy(leaf, s.Where)
	if err != nil {
		return nil, err
	}
	out, err := in.write(rows)
	if err != nil {
		return nil, err
	}
	return &plan.Plan{Write: out, Tag: "COPY"}, nil
}

func (in *insertion) mayCopy(i int) error {
	if o := in.target[i]; o >= 0 && in.rel.Columns[o].Generated {
		return sqlerr.New(sqlerr.InvalidColumnReference,
			"column \"%s\" is a generated column", in.rel.Columns[o].Name).
			WithDetail("Generated columns cannot be used in COPY.")
	}
	return nil
}

// completeCopy is complete for rows that come later; the result is the leaf itself
// where the file has whole rows.
func (in *insertion) completeCopy(leaf *plan.Values, where sql.Expr) (plan.Node, error) {
	var n plan.Node = leaf
	if !slices.Equal(in.target, in.layout) {
		full, err := in.complete(passThrough(leaf))
		if err != nil {
			return nil, err
		}
		n = mergeProjects(full.(*plan.Project))
	}
	if where == nil {
		return n, nil
	}
	e := &entry{alias: in.rel.Name}
	s := &scope{b: in.b, entries: []*entry{e}}
	for i, o := range in.layout {
		if c := &in.rel.Columns[o]; !c.Hidden {
			s.cols = append(s.cols, column{entry: e, name: c.Name, x: colOf(n, i)})
		}
	}
	x, err := in.b.checkBool(where, s.in("COPY FROM WHERE conditions"), "WHERE")
	if err != nil {
		return nil, err
	}
	return newFilter(n, x), in.generatedIn(x, where.Pos())
}

// generatedIn refuses a condition that reads generated columns.
func (in *insertion) generatedIn(x expr.Expr, pos int) error {
	for i, o := range in.layout {
		c := &in.rel.Columns[o]
		if !c.Generated || !readsColumn(x, i) {
			continue
		}
		return sqlerr.New(sqlerr.InvalidColumnReference,
			"generated columns are not supported in COPY FROM WHERE conditions").
			WithDetail("Column \"%s\" is a generated column.", c.Name).At(pos)
	}
	return nil
}

func readsColumn(x expr.Expr, i int) (found bool) {
	expr.Walk(x, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Col); ok && c.Index == i {
			found = true
		}
		return !found
	})
	return found
}

// copyTarget is the relation of COPY FROM.
func (b *builder) copyTarget(s *sql.Copy) (*catalog.Relation, error) {
	rel, err := b.opened(s.Table, s.NamePos.Pos())
	if err != nil {
		return nil, err
	}
	hint := ""
	switch rel.Kind {
	case catalog.KindView, catalog.KindMaterializedView:
		hint = "Copy to the relations that it reads."
	case catalog.KindSequence:
		hint = "setval() sets a sequence."
	case catalog.KindIndex:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is an index", rel.Name).
			At(s.NamePos.Pos()).WithHint("Copy to the table of the index.")
	default:
		return b.writable(s.Table, s.NamePos.Pos(), "insert into")
	}
	return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot copy to %s \"%s\"",
		kindWord(rel.Kind), rel.Name).At(s.NamePos.Pos()).WithHint("%s", hint)
}

// copyColumns checks the column list of COPY TO.
func (b *builder) copyColumns(s *sql.Copy) error {
	rel, err := b.opened(s.Table, s.NamePos.Pos())
	if err != nil {
		return err
	}
	in := &insertion{b: b, rel: rel, s: &sql.Insert{NamePos: s.NamePos, Columns: s.Columns,
		ColumnLocs: s.ColumnLocs}}
	for k, name := range s.Columns {
		i := rel.ColumnIndex(name)
		switch {
		case (i < 0 || rel.Columns[i].Hidden) && !reservedColumn(name):
			return in.noColumn(name, in.columnPos(k))
		case slices.Contains(s.Columns[:k], name):
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", name).At(in.columnPos(k))
		}
	}
	return nil
}

// copySelect is the query of COPY table TO.
func copySelect(s *sql.Copy) *sql.Select {
	sel := &sql.Select{Loc: s.NamePos, From: []sql.TableRef{&sql.Table{Loc: s.NamePos, Name: s.Table}}}
	if s.Columns == nil {
		sel.Items = []sql.Item{{X: &sql.ColRef{Loc: s.NamePos, Star: true}}}
		return sel
	}
	for _, c := range s.Columns {
		sel.Items = append(sel.Items, sql.Item{X: &sql.ColRef{Loc: s.NamePos, Name: sql.Name{c}}})
	}
	return sel
}
