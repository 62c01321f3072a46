package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// merge plans MERGE as the statements that its WHEN clauses are, run over one snapshot
// and committed together: a matched clause is an UPDATE or DELETE joined with the
// source, one that is not matched an INSERT of the source rows without a match. Each
// leaves out the rows that an earlier clause took.
func (b *builder) merge(s *sql.Merge) (*plan.Plan, error) {
	rel, err := b.relation(s.Table.Name, s.Table.Pos())
	if err != nil {
		return nil, err
	}
	w, err := b.extend(b.ctes, s.With, s.Recursive, nil)
	if err != nil {
		return nil, err
	}
	around := b.ctes
	b.ctes, b.merging = w, true
	defer func() { b.ctes, b.merging = around, false }()
	// The condition is read over both sides first, so that its names mean the same in
	// all clauses.
	if _, _, _, err := b.changed(rel, s.Table, []sql.TableRef{s.Using}, s.On,
		"", sql.WithClause{}); err != nil {
		return nil, err
	}
	m := merging{b: b, s: s, rel: rel}
	var done, gone []sql.Expr // conditions of earlier clauses
	for i := range s.Whens {
		c := &s.Whens[i]
		earlier := &gone
		if c.Matched {
			earlier = &done
		}
		if len(*earlier) > 0 && (*earlier)[len(*earlier)-1] == nil {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"unreachable WHEN clause specified after unconditional WHEN clause").At(c.Pos())
		}
		if err := m.when(c, *earlier); err != nil {
			return nil, err
		}
		*earlier = append(*earlier, c.Cond)
	}
	return &plan.Plan{Tag: "MERGE", Write: &plan.Write{Kind: plan.Together, Rel: rel, Time: -1,
		Parts: b.takeParts(0), Sum: true}}, nil
}

// merging is a MERGE being planned.
type merging struct {
	b   *builder
	s   *sql.Merge
	rel *catalog.Relation
}

// when plans one clause.
func (m *merging) when(c *sql.MergeWhen, earlier []sql.Expr) error {
	var p *plan.Plan
	var err error
	switch c.Action {
	case sql.MergeNothing:
		return nil
	case sql.MergeUpdate:
		p, err = m.b.update(&sql.Update{Table: m.s.Table, Set: c.Set,
			From: []sql.TableRef{m.s.Using}, Where: m.condition(m.s.On, c.Cond, earlier)})
	case sql.MergeDelete:
		p, err = m.b.delete(&sql.Delete{Table: m.s.Table, Using: []sql.TableRef{m.s.Using},
			Where: m.condition(m.s.On, c.Cond, earlier)})
	case sql.MergeInsert:
		p, err = m.insert(c, earlier)
	}
	if err != nil {
		return err
	}
	p.Write.Strict = true
	m.b.parts = append(m.b.parts, plan.Part{Write: p.Write})
	return nil
}

// condition is that of one clause: first holds, so does its own condition, and those of
// the clauses before it do not.
func (m *merging) condition(first, own sql.Expr, earlier []sql.Expr) sql.Expr {
	out := first
	add := func(x sql.Expr) {
		out = &sql.Binary{Loc: sql.Loc(x.Pos()), Op: "AND", L: out, R: x}
	}
	for _, e := range earlier {
		add(&sql.Test{Loc: sql.Loc(e.Pos()), X: e, What: sql.TestTrue, Not: true})
	}
	if own != nil {
		add(own)
	}
	return out
}

// insert plans INSERT (columns) SELECT values FROM source WHERE there is no match.
func (m *merging) insert(c *sql.MergeWhen, earlier []sql.Expr) (*plan.Plan, error) {
	at := c.Loc
	match := &sql.Query{Loc: at, Body: &sql.Select{Loc: at, From: []sql.TableRef{m.s.Table},
		Items: []sql.Item{{X: &sql.Const{Loc: at, Kind: sql.NumConst, Val: "1"}}}, Where: m.s.On}}
	none := &sql.Unary{Loc: at, Op: "NOT",
		X: &sql.Subquery{Loc: at, Kind: sql.ExistsSubquery, Q: match}}
	sel := &sql.Select{Loc: at, From: []sql.TableRef{m.s.Using},
		Where: m.condition(none, c.Cond, earlier)}
	ins := &sql.Insert{NamePos: sql.Loc(m.s.Table.Pos()), Table: m.s.Table.Name,
		Overriding: c.Overriding, Columns: []string{},
		Query: &sql.Query{Loc: at, Body: sel}}
	names := c.Columns
	if names == nil {
		for _, o := range m.rel.Visible() {
			names = append(names, m.rel.Columns[o].Name)
		}
	}
	switch {
	case len(c.Values) > len(names):
		return nil, sqlerr.New(sqlerr.SyntaxError, "INSERT has more expressions than target columns").
			At(c.Values[len(names)].Pos())
	case len(c.Values) < len(names) && c.Columns != nil && c.Values != nil:
		return nil, sqlerr.New(sqlerr.SyntaxError, "INSERT has more target columns than expressions").
			At(c.Pos())
	}
	for i, x := range c.Values {
		if _, isDefault := x.(*sql.Default); isDefault {
			if !slices.ContainsFunc(m.rel.Visible(), func(o int) bool {
				return m.rel.Columns[o].Name == names[i]
			}) {
				ins.Columns = append(ins.Columns, names[i]) // for its error
			}
			continue
		}
		ins.Columns = append(ins.Columns, names[i])
		sel.Items = append(sel.Items, sql.Item{X: x})
	}
	p, err := m.b.insert(ins)
	if err == nil && m.rel.Kind == catalog.KindTable {
		p.Write.Conflict = &plan.Conflict{Action: plan.Fail}
	}
	return p, err
}

// modifying plans a data-modifying statement of WITH: its rows are what RETURNING gives,
// read through a work table.
func (b *builder) modifying(d *sql.CTE, w *with) (*cte, error) {
	c := &cte{name: d.Name, cols: d.Columns, pos: d.Pos(), with: w, bound: true}
	around := b.ctes
	b.ctes = w
	p, err := b.statement(d.Stmt)
	b.ctes = around
	if err != nil {
		return nil, err
	}
	if p.Write == nil {
		return nil, sqlerr.Unsupported("this statement in WITH",
			"Run it as a statement of its own, before the query.").At(d.Pos())
	}
	b.nextWork++
	c.work, c.stmt = b.nextWork, true
	for _, col := range p.Columns {
		c.columns = append(c.columns, plan.Column{Name: col.Name, Type: col.Type})
	}
	for i, name := range d.Columns {
		if i < len(c.columns) {
			c.columns[i].Name = name
		}
	}
	b.parts = append(b.parts, plan.Part{ID: c.work, Write: p.Write})
	return c, nil
}

// takeParts takes the parts planned since there were n of them.
func (b *builder) takeParts(n int) []plan.Part {
	out := slices.Clone(b.parts[n:])
	b.parts = b.parts[:n]
	return out
}

// together makes one plan of a statement and the data-modifying ones of its WITH.
func (b *builder) together(p *plan.Plan) (*plan.Plan, error) {
	if len(b.parts) == 0 {
		return p, nil
	}
	w := p.Write
	switch {
	case p.Emit != nil || p.Command != nil || w == nil && p.Root == nil:
		return nil, sqlerr.Unsupported("a data-modifying statement in WITH of this statement",
			"Run it as a statement of its own, before this one.")
	case w != nil && w.Kind == plan.Together:
		w.Parts = append(b.takeParts(0), w.Parts...)
		return p, nil
	}
	all := &plan.Write{Kind: plan.Together, Time: -1, Parts: b.takeParts(0), Query: p.Root}
	p.Root, p.Write = nil, all
	all.Rel = all.Parts[0].Write.Rel
	if w != nil {
		all.Parts = append(all.Parts, plan.Part{Write: w})
		all.Returning = w.Returning
	} else {
		all.Returning = []expr.Expr{}
	}
	return p, nil
}
