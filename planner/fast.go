package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/types"
)

func parseExpr(text string) (sql.Expr, error) { return parse.ParseExpr(text) }

// fastInsert plans INSERT ... VALUES of literals and parameters into a relation
// without defaults, generated columns, checks and user types, which is what loads
// send row by row. It gives nil for everything else, and for whatever might be an
// error: the general path then says what is wrong.
func fastInsert(s *sql.Insert, env *Env) *plan.Plan {
	if s.With != nil || s.OnConflict != nil || s.Returning != nil || s.Query == nil ||
		s.Query.Emit != sql.EmitNone || !plainValues(s.Query) || s.Overriding != 0 {
		return nil
	}
	v, ok := s.Query.Body.(*sql.Values)
	if !ok {
		return nil
	}
	b := builder{env: env, path: env.SearchPath}
	rel := b.find(s.Table)
	if rel == nil || !plainTarget(rel) || !b.super() || !b.usable(rel.Schema) {
		return nil
	}
	f := &fastRows{b: &b, rel: rel}
	if !f.columns(s) {
		return nil
	}
	out := &plan.Values{Rows: make([][]expr.Expr, 0, len(v.Rows))}
	for _, row := range v.Rows {
		xs := f.row(row)
		if xs == nil {
			return nil
		}
		out.Rows = append(out.Rows, xs)
	}
	out.P = plan.Props{AppendOnly: true, Time: -1, WindowStart: -1, WindowEnd: -1,
		Rows: float64(len(out.Rows))}
	for _, o := range f.layout {
		c := &rel.Columns[o]
		out.Out = append(out.Out, plan.Column{Name: c.Name, Type: c.Type, Hidden: c.Hidden})
	}
	w := &plan.Write{Kind: plan.Insert, Rel: rel, Input: out, Time: -1, Checks: f.checks}
	if newBuilder(env).rules(w) != nil {
		return nil
	}
	if rel.Kind == catalog.KindTable {
		w.Conflict = &plan.Conflict{Action: plan.Upsert, Arbiter: primaryArbiter}
		if rel.OnConflict == "error" {
			w.Conflict.Action = plan.Fail
		}
	}
	p := &plan.Plan{Write: w, Tag: "INSERT", Version: env.Snapshot.Version}
	var err error
	if p.Params, err = b.finishParams(); err != nil {
		return nil
	}
	return p
}

// plainTarget tells whether rows of a relation need nothing computed.
func plainTarget(rel *catalog.Relation) bool {
	if rel.Kind != catalog.KindStream && (rel.Kind != catalog.KindTable || rel.Query != 0) {
		return false
	}
	for i := range rel.Columns {
		c := &rel.Columns[i]
		if !c.Dropped && (c.Default != "" || c.Generated || c.UserType != 0) {
			return false
		}
	}
	return len(rel.Checks) == 0 && !isSource(rel)
}

// fastRows makes the rows of a fastInsert.
type fastRows struct {
	b      *builder
	rel    *catalog.Relation
	layout []int
	given  []int // position in layout of each value
	checks []plan.RowCheck
}

func (f *fastRows) columns(s *sql.Insert) bool {
	for i := range f.rel.Columns {
		c := &f.rel.Columns[i]
		if c.Dropped {
			continue
		}
		at := len(f.layout)
		f.layout = append(f.layout, i)
		if c.NotNull && !c.Hidden {
			f.checks = append(f.checks, plan.RowCheck{Column: c.Name, Ordinal: at})
		}
		if s.Columns == nil && !c.Hidden {
			f.given = append(f.given, at)
		}
	}
	for _, name := range s.Columns {
		at := -1
		for k, o := range f.layout {
			if c := &f.rel.Columns[o]; c.Name == name && !c.Hidden {
				at = k
			}
		}
		if at < 0 || containsInt(f.given, at) {
			return false
		}
		f.given = append(f.given, at)
	}
	return true
}

// row gives a whole row, nil where an element is not plain.
func (f *fastRows) row(row []sql.Expr) []expr.Expr {
	if len(row) != len(f.given) {
		return nil
	}
	xs := make([]expr.Expr, len(f.layout))
	for i, x := range row {
		t := f.rel.Columns[f.layout[f.given[i]]].Type
		e := f.value(x, t)
		if e == nil {
			return nil
		}
		xs[f.given[i]] = e
	}
	for i := range xs {
		if xs[i] == nil {
			xs[i] = &expr.Const{D: types.NullDatum, T: f.rel.Columns[f.layout[i]].Type}
		}
	}
	return xs
}

func (f *fastRows) value(x sql.Expr, t types.Type) expr.Expr {
	switch x := x.(type) {
	case *sql.Const:
		return f.literal(x, t)
	case *sql.ColRef:
		if x.Var > 0 {
			return f.parameter(x.Var, t, x.Pos())
		}
	case *sql.ParamRef:
		return f.parameter(x.N, t, x.Pos())
	}
	return nil
}

func (f *fastRows) parameter(n int, t types.Type, pos int) expr.Expr {
	p, err := f.b.param(n, t, pos)
	if err != nil || !p.Type().Same(t) || t.Mod != 0 {
		return nil
	}
	return p
}

func (f *fastRows) literal(x *sql.Const, t types.Type) expr.Expr {
	switch x.Kind {
	case sql.NullConst:
		return &expr.Const{D: types.NullDatum, T: t}
	case sql.BoolConst:
		if t.Kind == types.Bool {
			return &expr.Const{D: types.BoolDatum(x.Val == "true"), T: t}
		}
	case sql.NumConst:
		return number(x, t)
	case sql.StrConst:
		switch t.Kind {
		case types.Text:
			return &expr.Const{D: types.TextDatum(x.Val), T: t}
		case types.Varchar:
			if t.Mod == 0 {
				return &expr.Const{D: types.TextDatum(x.Val), T: t}
			}
		}
	}
	return nil
}

// number reads a literal as an integer or float column's value; other types go the
// general way.
func number(x *sql.Const, t types.Type) expr.Expr {
	switch t.Kind {
	case types.Int2, types.Int4, types.Int8:
		if v, err := types.ParseInt(t.Kind, x.Val); err == nil {
			return &expr.Const{D: types.IntDatum(v), T: t}
		}
	case types.Float8:
		if d, err := types.ParseText(nil, t, x.Val); err == nil {
			return &expr.Const{D: d, T: t}
		}
	}
	return nil
}
