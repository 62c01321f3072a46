package planner

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// column is a name that a scope can see.
type column struct {
	entry *entry // the FROM item it belongs to
	name  string
	x     expr.Expr // over the row of the scope's node
	// hidden columns (ROWTIME, tableoid...) are found by name and not by *.
	hidden bool
	// marker columns have no name; they are NULL where a join fills up their item.
	marker bool
	// merged columns stand for both sides of USING; they have no entry of a table,
	// and the sides' own columns are still found under their tables' names.
	merged bool
	// shadowed columns are those sides: found with a table name only, not by *.
	shadowed bool
	table    catalog.OID
	attnum   int16
}

// entry is one named item of FROM.
type entry struct {
	alias  string
	schema string // of a table without alias
	// lateral says that it may be referred to only from LATERAL items.
	rel *catalog.Relation // nil for derived tables and functions
	// scalar is set for a function that gives one column: its alias alone means
	// that column.
	scalar bool
	// covers are the items of a join in brackets, which its alias hides.
	covers []*entry
}

// scope is the row that expressions of one query level are written over.
type scope struct {
	b       *builder
	parent  *scope // of the enclosing query: its columns are Outer here
	cols    []column
	entries []*entry
	with    *with

	// args are the arguments of the function whose body is within; nil for none.
	args []column
	// clause names the place for messages, as PostgreSQL does: "WHERE".
	clause string
	// agg collects aggregates, nil where there may be none.
	agg *aggregation
	// callers are the aggregates around the call of the function whose body is within.
	callers *aggregation
	// win collects window calls, nil where there may be none.
	win *windows
}

// in gives a view of s for one clause, in which neither aggregates nor window
// functions may stand.
func (s *scope) in(clause string) *scope {
	c := *s
	c.clause, c.agg, c.win = clause, nil, nil
	return &c
}

// Column implements expr.Scope.
func (s *scope) Column(name []string, pos int) (expr.Expr, error) {
	if len(name) == 1 {
		return s.unqualified(name[0], pos)
	}
	return s.qualified(name, pos)
}

func (s *scope) unqualified(name string, pos int) (expr.Expr, error) {
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		c, err := level.lookup(name, pos)
		if err != nil {
			return nil, err
		}
		if c != nil {
			s.b.uses(c)
			s.b.sees(c, pos)
			return s.b.reach(c.x, depth, pos, c.qualifiedName()), nil
		}
	}
	depth = 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		if e := level.entryNamed(name); e != nil {
			return level.wholeRow(e, depth, pos)
		}
	}
	if physical[name] {
		return nil, noPlace(name, pos)
	}
	err := sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", name).At(pos)
	return nil, s.columnHint(err, "", name)
}

// physical are PostgreSQL's system columns that tell where and by which command a row was
// stored.
var physical = map[string]bool{"ctid": true, "cmin": true, "cmax": true}

func noPlace(name string, pos int) error {
	return sqlerr.Unsupported("system column \""+name+"\"", "Rows have no place that could be "+
		"told: use the primary key, or ROWPARTITION and ROWOFFSET of a stream.").At(pos)
}

// lookup finds a column by name alone at this level; visible columns win over
// hidden ones.
func (s *scope) lookup(name string, pos int) (*column, error) {
	var found, hidden *column
	for i := range s.cols {
		c := &s.cols[i]
		if c.name != name || c.shadowed {
			continue
		}
		if c.hidden {
			if hidden == nil {
				hidden = c
			}
			continue
		}
		if found != nil {
			return nil, sqlerr.New(sqlerr.AmbiguousColumn,
				"column reference \"%s\" is ambiguous", name).At(pos)
		}
		found = c
	}
	if found != nil {
		return found, nil
	}
	return hidden, nil
}

func (s *scope) qualified(name []string, pos int) (expr.Expr, error) {
	parts := name
	if len(parts) == 4 && s.b.isDatabase(parts[0]) {
		parts = parts[1:]
	}
	schema, table := "", parts[len(parts)-2]
	if len(parts) == 3 {
		schema = parts[0]
	}
	last := parts[len(parts)-1]
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		e := level.entryOf(schema, table)
		if e == nil {
			continue
		}
		if level.twice(schema, table) {
			return nil, sqlerr.New(sqlerr.AmbiguousAlias,
				"table reference \"%s\" is ambiguous", table).At(pos)
		}
		c, err := level.ofEntry(e, last, pos)
		if err != nil {
			return nil, err
		}
		if c == nil && physical[last] {
			return nil, noPlace(last, pos)
		}
		if c == nil {
			err := sqlerr.New(sqlerr.UndefinedColumn, "column %s.%s does not exist",
				table, last).At(pos)
			return nil, s.columnHint(err, table, last)
		}
		s.b.uses(c)
		s.b.sees(c, pos)
		return s.b.reach(c.x, depth, pos, c.qualifiedName()), nil
	}
	if x := s.argumentField(table, last, pos); x != nil && schema == "" {
		return x, nil
	}
	return nil, s.missingEntry(schema, table, pos)
}

// argumentField finds a field of an argument of the function whose body is within; nil
// for none.
func (s *scope) argumentField(arg, field string, pos int) expr.Expr {
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		for i := range level.args {
			c := &level.args[i]
			if k := c.x.Type().FieldIndex(field); c.name == arg && k >= 0 {
				return expr.FieldOf(s.b.reach(c.x, depth, pos, c.name), k)
			}
		}
	}
	return nil
}

// ofEntry finds a column of one FROM item.
func (s *scope) ofEntry(e *entry, name string, pos int) (*column, error) {
	var found *column
	for i := range s.cols {
		c := &s.cols[i]
		if c.entry != e || c.name != name {
			continue
		}
		if found != nil && !found.hidden && !c.hidden {
			return nil, sqlerr.New(sqlerr.AmbiguousColumn,
				"column reference \"%s\" is ambiguous", name).At(pos)
		}
		if found == nil || found.hidden && !c.hidden {
			found = c
		}
	}
	return found, nil
}

func (s *scope) entryNamed(name string) *entry {
	for _, e := range s.entries {
		if e.alias == name {
			return e
		}
	}
	return nil
}

func (s *scope) entryOf(schema, table string) *entry {
	for _, e := range s.entries {
		if e.alias == table && (schema == "" || schema == e.schema) {
			return e
		}
	}
	return nil
}

// twice tells whether a name without schema means tables of two schemas.
func (s *scope) twice(schema, table string) bool {
	n := 0
	for _, e := range s.entries {
		if e.alias == table && schema == "" {
			n++
		}
	}
	return n > 1
}

// missingEntry is PostgreSQL's complaint about t in t.c.
func (s *scope) missingEntry(schema, table string, pos int) error {
	full := table
	if schema != "" {
		full = schema + "." + table
	}
	hidden := s.b.beyond
	for level := s; level != nil; level = level.parent {
		for _, e := range level.entries {
			hidden = append(hidden[:len(hidden):len(hidden)], e.covers...)
		}
	}
	for _, e := range hidden {
		if e.alias == table && (schema == "" || schema == e.schema) {
			return sqlerr.New(sqlerr.UndefinedTable,
				"invalid reference to FROM-clause entry for table \"%s\"", full).At(pos).
				WithHint("There is an entry for table \"%s\", but it cannot be referenced from this "+
					"part of the query.", table)
		}
	}
	var names []string
	for level := s; level != nil; level = level.parent {
		for _, e := range level.entries {
			if e.rel != nil && e.rel.Name == table && e.alias != table {
				return sqlerr.New(sqlerr.UndefinedTable,
					"invalid reference to FROM-clause entry for table \"%s\"", full).At(pos).
					WithHint("Perhaps you meant to reference the table alias \"%s\".", e.alias)
			}
			names = append(names, e.alias)
		}
	}
	err := sqlerr.New(sqlerr.UndefinedTable,
		"missing FROM-clause entry for table \"%s\"", full).At(pos)
	if near := catalog.Nearest(table, names); near != "" {
		return err.WithHint("Perhaps you meant to reference the table alias \"%s\".", near)
	}
	return err
}

// columnHint adds PostgreSQL's hint about a column with a similar name.
func (s *scope) columnHint(err *sqlerr.Error, table, name string) error {
	var names []string
	full := map[string]string{}
	for level := s; level != nil; level = level.parent {
		for i := range level.cols {
			c := &level.cols[i]
			if c.hidden || c.merged || table != "" && c.entry.alias != table {
				continue
			}
			if _, ok := full[c.name]; !ok {
				full[c.name] = c.qualifiedName()
				names = append(names, c.name)
			}
		}
	}
	if near := catalog.Nearest(name, names); near != "" {
		return err.WithHint("Perhaps you meant to reference the column \"%s\".", full[near])
	}
	return err
}

func (c *column) qualifiedName() string {
	if c.entry == nil || c.entry.alias == "" {
		return c.name
	}
	return c.entry.alias + "." + c.name
}

// reach gives a scope's expression as seen depth levels further in.
func (b *builder) reach(x expr.Expr, depth, pos int, name string) expr.Expr {
	return expr.MapCols(x, func(c *expr.Col) expr.Expr {
		if depth > 0 {
			return &expr.Outer{Depth: depth, Index: c.Index, T: c.T, Name: name}
		}
		d := &expr.Col{Index: c.Index, T: c.T, Name: name}
		if len(b.at) < 4096 {
			b.at[d] = pos
		}
		return d
	})
}

// wholeRow is a reference to a FROM item by its name alone.
func (s *scope) wholeRow(e *entry, depth, pos int) (expr.Expr, error) {
	var elems []expr.Expr
	t := types.Of(types.Record)
	var marker expr.Expr
	for i := range s.cols {
		c := &s.cols[i]
		if c.marker && c.entry == e {
			marker = s.b.reach(c.x, depth, pos, "")
		}
		if c.entry != e || c.hidden {
			continue
		}
		if e.scalar {
			return s.b.reach(c.x, depth, pos, c.name), nil
		}
		s.b.uses(c)
		s.b.sees(c, -1)
		elems = append(elems, s.b.reach(c.x, depth, pos, c.qualifiedName()))
		t.Fields = append(t.Fields, types.Field{Name: c.name, Type: c.x.Type()})
	}
	if e.rel != nil {
		t.Row = e.rel.RowType()
	}
	row, err := s.b.row(elems, t, pos)
	if err != nil || marker == nil {
		return row, err
	}
	return orNull(row, marker), nil
}

// Aggregate implements expr.Scope.
func (s *scope) Aggregate(call *expr.AggCall, pos int) (expr.Expr, error) {
	nested, window, own, outer := false, false, false, 0
	for _, x := range expr.Children(&expr.Agg{Call: call}) {
		expr.Walk(x, func(x expr.Expr) bool {
			switch x := x.(type) {
			case *expr.Agg:
				nested = true
			case *expr.Window:
				window = true
			case *expr.Outer:
				if outer == 0 || x.Depth < outer {
					outer = x.Depth
				}
			case *expr.Col, *expr.Subplan:
				own = true
			}
			return true
		})
	}
	if outer > 0 && !own { // then it is the outer query that it aggregates
		return s.outerAggregate(call, outer, pos)
	}
	if s.agg == nil {
		return nil, sqlerr.New(sqlerr.GroupingError,
			"aggregate functions are not allowed in %s", s.clause).At(pos)
	}
	if c := setCallIn(&expr.Agg{Call: call}); c != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "aggregate function calls cannot contain "+
			"set-returning function calls").At(c.Pos).WithHint(lateralSet)
	}
	if nested {
		return nil, sqlerr.New(sqlerr.GroupingError,
			"aggregate function calls cannot be nested").At(pos)
	}
	if window {
		return nil, sqlerr.New(sqlerr.GroupingError,
			"aggregate function calls cannot contain window function calls").At(pos)
	}
	if len(s.agg.calls) == 0 {
		s.agg.pos = pos
	}
	return s.agg.add(call), nil
}

// lateralSet is PostgreSQL's way out for a set-returning function.
const lateralSet = "You might be able to move the set-returning function into a LATERAL FROM item."

// outerAggregate gives an aggregate over columns of an enclosing query to that query:
// the nearest one whose columns it uses, depth levels out. Here it is a column of the
// enclosing query's groups, which regroupSubplan finds by its negative number.
func (s *scope) outerAggregate(call *expr.AggCall, depth, pos int) (expr.Expr, error) {
	level := s
	for range depth {
		level = level.parent
	}
	if level.agg == nil {
		clause := level.clause
		if clause == "" {
			clause = "FROM clause of their own query level"
		}
		return nil, sqlerr.New(sqlerr.GroupingError,
			"aggregate functions are not allowed in %s", clause).At(pos)
	}
	there, _ := expr.Transform(&expr.Agg{Call: call}, func(x expr.Expr) (expr.Expr, error) {
		o, ok := x.(*expr.Outer)
		switch {
		case !ok:
			return x, nil
		case o.Depth == depth:
			return &expr.Col{Index: o.Index, T: o.T, Name: o.Name}, nil
		}
		return &expr.Outer{Depth: o.Depth - depth, Index: o.Index, T: o.T, Name: o.Name}, nil
	})
	agg := level.agg.add(there.(*expr.Agg).Call).(*expr.Agg)
	for i, c := range level.agg.calls {
		if c == agg.Call {
			return &expr.Outer{Depth: depth, Index: outerAgg(i), T: c.T, Name: c.Name}, nil
		}
	}
	return nil, sqlerr.New(sqlerr.InternalError, "aggregate %s was lost", call.Name)
}

// outerAgg is the number that stands for aggregate i of an enclosing query in the
// Outer columns of its subqueries until the groups are built, and back.
func outerAgg(i int) int { return -1 - i }

// Row implements expr.RowScope.
func (s *scope) Row(name []string, pos int) (expr.Expr, error) {
	schema, table := sql.Name(name).Schema(), sql.Name(name).Last()
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		if e := level.entryOf(schema, table); e != nil {
			return level.wholeRow(e, depth, pos)
		}
	}
	return nil, s.missingEntry(schema, table, pos)
}

// Window implements expr.Scope.
func (s *scope) Window(call *expr.WindowCall, over any, pos int) (expr.Expr, error) {
	if s.win == nil {
		return nil, sqlerr.New(sqlerr.WindowingError,
			"window functions are not allowed in %s", s.clause).At(pos)
	}
	if c := setCallIn(&expr.Window{Call: call}); c != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "window function calls cannot contain "+
			"set-returning function calls").At(c.Pos).WithHint(lateralSet)
	}
	return s.win.add(s, call, over, pos)
}

// Param implements expr.Scope.
func (s *scope) Param(n int, want types.Type, pos int) (expr.Expr, error) {
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		if level.args == nil {
			continue
		}
		if n > len(level.args) {
			return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
		}
		c := &level.args[n-1]
		return s.b.reach(c.x, depth, pos, c.name), nil
	}
	return s.b.param(n, want, pos)
}

// UserType implements expr.Scope.
func (s *scope) UserType(name []string, pos int) (types.Type, bool) {
	return s.b.userType(name)
}

// param gives $n. All references to it are one node, so that the first context
// that asks for a type decides for the others too.
func (b *builder) param(n int, want types.Type, pos int) (expr.Expr, error) {
	if n < 1 || n > 65535 {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
	}
	for len(b.params) < n {
		i := len(b.params)
		p := &expr.Param{N: i + 1, T: types.Of(types.Invalid)}
		if i < len(b.env.ParamTypes) && b.env.ParamTypes[i].Kind != types.Invalid {
			p.T = b.env.ParamTypes[i]
		}
		b.params = append(b.params, p)
	}
	p := b.params[n-1]
	if p.T.Kind == types.Invalid {
		p.T = types.Of(types.Unknown)
	}
	if p.T.Kind == types.Unknown && want.Kind != types.Unknown && want.Kind != types.Invalid &&
		want.Kind != types.Any {
		want.Mod = 0
		p.T = want
	}
	return p, nil
}

// finishParams gives parameters without a context the type text, and refuses
// gaps.
func (b *builder) finishParams() ([]types.Type, error) {
	ts := make([]types.Type, len(b.params))
	for i, p := range b.params {
		switch p.T.Kind {
		case types.Invalid:
			return nil, sqlerr.New(sqlerr.IndeterminateDatatype,
				"could not determine data type of parameter $%d", i+1)
		case types.Unknown:
			p.T = types.Of(types.Text)
		}
		ts[i] = p.T
	}
	for i := len(b.params); i < len(b.env.ParamTypes); i++ {
		if k := b.env.ParamTypes[i].Kind; k == types.Unknown || k == types.Invalid {
			return nil, sqlerr.New(sqlerr.IndeterminateDatatype,
				"could not determine data type of parameter $%d", i+1)
		}
		ts = append(ts, b.env.ParamTypes[i])
	}
	return ts, nil
}

// userType resolves an enum, domain, composite or alias.
func (b *builder) userType(name []string) (types.Type, bool) {
	var u *catalog.UserType
	n := sql.Name(name)
	if s := n.Schema(); s != "" {
		u = b.env.Snapshot.UserType(s, n.Last())
	} else {
		u = b.env.Snapshot.ResolveType(b.path, n.Last())
	}
	if u == nil {
		return b.rowType(n)
	}
	return u.Base, true
}

// rowType resolves the name of a relation as that of the type of its rows.
func (b *builder) rowType(name sql.Name) (types.Type, bool) {
	rel := b.find(name)
	if rel == nil || rel.RowType() == nil {
		return types.Type{}, false
	}
	t := types.Type{Kind: types.Record, Row: rel.RowType()}
	for _, o := range rel.Visible() {
		c := &rel.Columns[o]
		t.Fields = append(t.Fields, types.Field{Name: c.Name, Type: c.Type})
	}
	return t, true
}

// starTargets lists the columns of * or t.*.
func (s *scope) starTargets(ref *sql.ColRef) ([]column, error) {
	if len(ref.Name) == 0 {
		var out []column
		for _, c := range s.cols {
			if !c.hidden && !c.shadowed {
				s.b.uses(&c)
				s.b.sees(&c, -1)
				out = append(out, c)
			}
		}
		if len(s.entries) == 0 {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"SELECT * with no tables specified is not valid").At(ref.Pos())
		}
		return out, nil
	}
	schema, table := ref.Name.Schema(), ref.Name.Last()
	depth := 0
	for level := s; level != nil; level, depth = level.parent, depth+1 {
		e := level.entryOf(schema, table)
		if e == nil {
			continue
		}
		var out []column
		for _, c := range level.cols {
			if c.entry == e && !c.hidden {
				s.b.uses(&c)
				s.b.sees(&c, -1)
				c.x = s.b.reach(c.x, depth, ref.Pos(), c.qualifiedName())
				out = append(out, c)
			}
		}
		return out, nil
	}
	return nil, s.missingEntry(schema, table, ref.Pos())
}

func lower(s string) string { return strings.ToLower(s) }
