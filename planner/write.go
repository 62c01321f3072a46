package planner

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// rowtimeColumn stands for ROWTIME in the column list of INSERT.
const rowtimeColumn = -1

// writePrivileges are the privileges that the verbs of DML take.
var writePrivileges = map[string]string{"insert into": "INSERT", "update": "UPDATE",
	"delete from": "DELETE"}

// writable finds the relation of a DML statement, or refuses.
func (b *builder) writable(name sql.Name, pos int, verb string) (*catalog.Relation, error) {
	rel, err := b.opened(name, pos)
	if err != nil {
		return nil, err
	}
	b.wants(rel, writePrivileges[verb])
	if isSource(rel) && verb != "insert into" {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"cannot %s %s \"%s\", which is read only", verb, kindWord(rel.Kind), rel.Name).At(pos).
			WithHint("It was made by CREATE SOURCE.")
	}
	switch rel.Kind {
	case catalog.KindTable:
		if rel.AppendOnly && verb != "insert into" {
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"cannot %s table \"%s\", which is APPEND ONLY", verb, rel.Name).At(pos).
				WithHint("Create the table without APPEND ONLY.")
		}
		if rel.Query != 0 {
			return nil, sqlerr.New(sqlerr.WrongObjectType,
				"cannot %s table \"%s\" because a continuous query fills it", verb, rel.Name).At(pos).
				WithHint("Change the relations that the query reads; DESCRIBE %s shows it.", rel.Name)
		}
		return rel, nil
	case catalog.KindStream:
		if verb == "insert into" {
			return rel, nil
		}
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"cannot %s stream \"%s\"", verb, rel.Name).At(pos).
			WithHint("Streams are append-only. Use CREATE TABLE for rows that change.")
	case catalog.KindMaterializedView:
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"cannot change materialized view \"%s\"", rel.Name).At(pos).
			WithHint("Change the relations that it reads.")
	case catalog.KindView:
		return nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"cannot %s view \"%s\"", verb, rel.Name).At(pos).
			WithHint("Change the relations that the view reads.")
	case catalog.KindSystem:
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied: \"%s\" is a system catalog", rel.Name).At(pos)
	}
	return nil, sqlerr.New(sqlerr.WrongObjectType,
		"cannot %s %s \"%s\"", verb, kindWord(rel.Kind), rel.Name).At(pos)
}

// insertion is an INSERT being planned.
type insertion struct {
	b      *builder
	s      *sql.Insert
	rel    *catalog.Relation
	layout []int
	target []int  // ordinals of the columns given, or rowtimeColumn
	parts  []part // of target, where s.Paths names parts of columns
	single bool   // VALUES has one row
}

func (b *builder) insert(s *sql.Insert) (*plan.Plan, error) {
	rel, err := b.writable(s.Table, s.NamePos.Pos(), "insert into")
	if err != nil {
		return nil, err
	}
	in := &insertion{b: b, s: s, rel: rel, layout: rowLayout(rel)}
	if err := in.fed(); err != nil {
		return nil, err
	}
	if s.Query != nil && s.Query.Emit != sql.EmitNone {
		return b.insertContinuously(in)
	}
	if in.forEver() {
		b.notice("INSERT INTO %s goes on for ever, as in ksqlDB; give a column list to insert once",
			rel.Name)
		return b.insertContinuously(in)
	}
	if s.Query != nil && plainValues(s.Query) && isKsql(rel) {
		if _, ok := s.Query.Body.(*sql.Values); ok {
			b.decideDialect(true)
		}
	}
	if err := in.columns(); err != nil {
		return nil, err
	}
	w, err := b.extend(b.ctes, s.With, s.Recursive, nil)
	if err != nil {
		return nil, err
	}
	n, err := in.rows(w)
	if err != nil {
		return nil, err
	}
	full, err := in.complete(n)
	if err != nil {
		return nil, err
	}
	out, err := in.write(full)
	if err != nil {
		return nil, err
	}
	p := &plan.Plan{Write: out, Tag: "INSERT"}
	b.opens(rel.OID)
	if err := b.returning(p, s.Returning, rel, rowNames{alias: s.Alias, with: w}); err != nil {
		return nil, err
	}
	if _, err := b.finishParams(); err != nil {
		return nil, err
	}
	out.Input, err = b.optimize(out.Input)
	return p, err
}

// columnPos is the place of the k-th name of the column list.
func (in *insertion) columnPos(k int) int {
	if k < len(in.s.ColumnLocs) {
		return in.s.ColumnLocs[k].Pos()
	}
	return in.s.NamePos.Pos()
}

// columns resolves the column list; without one it is all visible columns.
func (in *insertion) columns() error {
	if in.s.Columns == nil {
		in.target = append(in.target, in.rel.Visible()...)
		return nil
	}
	for k, name := range in.s.Columns {
		pos := in.columnPos(k)
		i := in.rel.ColumnIndex(name)
		if i < 0 || in.rel.Columns[i].Hidden {
			i = rowtimeColumn
			if name != "rowtime" {
				return in.noColumn(name, pos)
			}
		}
		if slices.Contains(in.target, i) && (in.path(k) == nil || in.whole(i)) {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", name).At(pos)
		}
		in.target = append(in.target, i)
	}
	return in.partTypes()
}

// path gives the part of its column that the k-th given value is for; nil is all of it.
func (in *insertion) path(k int) []sql.Expr {
	if in.s.Paths == nil {
		return nil
	}
	return in.s.Paths[k]
}

// whole tells whether a column has been given as a whole.
func (in *insertion) whole(o int) bool {
	for k := range in.target {
		if in.target[k] == o && in.path(k) == nil {
			return true
		}
	}
	return false
}

func (in *insertion) noColumn(name string, pos int) error {
	if name == "rowpartition" || name == "rowoffset" {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot insert into pseudo column \"%s\"", name).At(pos).
			WithHint("Only ROWTIME can be given; the others follow from the row's place in the log.")
	}
	err := sqlerr.New(sqlerr.UndefinedColumn,
		"column \"%s\" of relation \"%s\" does not exist", name, in.rel.Name).At(pos)
	return columnNear(err, in.rel, name)
}

func columnNear(err *sqlerr.Error, rel *catalog.Relation, name string) error {
	var names []string
	for _, o := range rel.Visible() {
		names = append(names, rel.Columns[o].Name)
	}
	if near := catalog.Nearest(name, names); near != "" {
		return err.WithHint("Did you mean \"%s\"?", near)
	}
	return err
}

// targetType is the type of the i-th given value.
func (in *insertion) targetType(i int) (types.Type, string) {
	if in.target[i] == rowtimeColumn {
		return types.Of(types.Timestamptz), "rowtime"
	}
	c := &in.rel.Columns[in.target[i]]
	if in.path(i) != nil {
		return in.parts[i].t, ""
	}
	return c.Type, c.Name
}

// rows plans the source: its columns are the given values, converted.
func (in *insertion) rows(w *with) (plan.Node, error) {
	if in.s.Query == nil {
		in.target = nil
		return &plan.Values{Rows: [][]expr.Expr{{}}}, nil
	}
	if v, ok := in.s.Query.Body.(*sql.Values); ok && plainValues(in.s.Query) {
		return in.values(v, w)
	}
	q, err := in.b.query(in.s.Query, nil, w)
	if err != nil {
		return nil, err
	}
	n := in.b.stripHidden(q).node
	if err := in.count(len(n.Cols()), in.surplus(len(n.Cols()))); err != nil {
		return nil, err
	}
	return in.assign(n)
}

func plainValues(q *sql.Query) bool {
	return q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil
}

// count compares the number of values with that of columns.
func (in *insertion) count(n, pos int) error {
	switch {
	case n > len(in.target):
		return sqlerr.New(sqlerr.SyntaxError,
			"INSERT has more expressions than target columns").At(pos)
	case n < len(in.target) && in.s.Columns != nil:
		return sqlerr.New(sqlerr.SyntaxError,
			"INSERT has more target columns than expressions").At(in.columnPos(n))
	}
	var err error
	in.target, err = in.ksqlTarget(n, pos)
	return err
}

// assign converts the columns of a query to the target's types.
func (in *insertion) assign(n plan.Node) (plan.Node, error) {
	ts := make([]types.Type, len(in.target))
	names := make([]string, len(in.target))
	for i := range in.target {
		ts[i], names[i] = in.targetType(i)
		if in.target[i] == rowtimeColumn && isInt(n.Cols()[i].Type) {
			ts[i] = n.Cols()[i].Type
		}
		if err := in.mayGive(i, in.s.Query.Pos()); err != nil {
			return nil, err
		}
	}
	given := n
	n, err := in.b.convert(given, ts, names, in.s.Query.Pos())
	if err != nil {
		return nil, in.misfit(err, given, ts, names)
	}
	for i, o := range in.target {
		if o != rowtimeColumn || !isInt(n.Cols()[i].Type) {
			continue
		}
		p := passThrough(n)
		if p.Exprs[i], err = in.b.asRowTime(p.Exprs[i], ""); err != nil {
			return nil, err
		}
		p.Out[i].Type = p.Exprs[i].Type()
		n = p
	}
	return n, nil
}

func isInt(t types.Type) bool {
	return t.Kind == types.Int4 || t.Kind == types.Int8 || t.Kind == types.Int2
}

// mayGive refuses values for generated columns.
func (in *insertion) mayGive(i, pos int) error {
	if in.target[i] == rowtimeColumn {
		return nil
	}
	c := &in.rel.Columns[in.target[i]]
	err := sqlerr.New(sqlerr.GeneratedAlways,
		"cannot insert a non-DEFAULT value into column \"%s\"", c.Name).At(pos)
	switch {
	case c.Generated:
		return err.WithDetail("Column \"%s\" is a generated column.", c.Name)
	case c.Identity == 'a' && in.s.Overriding == sql.OverridingNone:
		return err.WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
			c.Name).WithHint("Use OVERRIDING SYSTEM VALUE to override.")
	}
	return nil
}

// values plans VALUES, whose elements may be DEFAULT.
func (in *insertion) values(v *sql.Values, w *with) (plan.Node, error) {
	s := (&scope{b: in.b, with: w}).in("VALUES")
	out := &plan.Values{}
	width := len(v.Rows[0])
	for _, row := range v.Rows {
		if len(row) != width {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"VALUES lists must all be the same length").At(row[0].Pos())
		}
	}
	pos := v.Rows[0][0].Pos()
	if width > len(in.target) {
		pos = v.Rows[0][len(in.target)].Pos()
	}
	if err := in.count(width, pos); err != nil {
		return nil, err
	}
	in.single = len(v.Rows) == 1
	for _, row := range v.Rows {
		xs := make([]expr.Expr, width)
		for i, x := range row {
			e, err := in.value(i, x, s)
			if err != nil {
				return nil, err
			}
			xs[i] = e
		}
		out.Rows = append(out.Rows, xs)
	}
	for i := range in.target {
		t, name := in.targetType(i)
		out.Out = append(out.Out, plan.Column{Name: name, Type: t})
	}
	if slices.ContainsFunc(out.Rows[0], hasSet) {
		return in.setRows(out)
	}
	return out, nil
}

// setRows plans the one row of VALUES as a select list: functions in it may give rows.
func (in *insertion) setRows(v *plan.Values) (plan.Node, error) {
	k := &block{b: in.b, node: oneRow().node}
	for _, x := range v.Rows[0] {
		k.items = append(k.items, item{x: x})
	}
	if err := k.setFunctions(); err != nil {
		return nil, err
	}
	p := &plan.Project{Input: k.node}
	for _, it := range k.items {
		p.Exprs = append(p.Exprs, it.x)
	}
	p.Out = v.Out
	return p, nil
}

// value checks one element of VALUES against its column.
func (in *insertion) value(i int, x sql.Expr, s *scope) (expr.Expr, error) {
	t, name := in.targetType(i)
	if _, ok := x.(*sql.Default); ok && in.path(i) == nil || in.s.Overriding == sql.OverridingUser &&
		in.target[i] >= 0 && in.rel.Columns[in.target[i]].Identity != 0 {
		if in.target[i] == rowtimeColumn {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"DEFAULT is not allowed for ROWTIME").At(x.Pos())
		}
		if in.rel.Columns[in.target[i]].Generated {
			return &expr.Const{D: types.NullDatum, T: t}, nil
		}
		return in.b.defaultOf(in.rel, in.target[i])
	}
	if err := in.mayGive(i, x.Pos()); err != nil {
		return nil, err
	}
	if in.path(i) != nil {
		return in.partValue(i, x, s)
	}
	e, err := in.b.check(x, s)
	if err != nil {
		return nil, err
	}
	if c := setCallIn(e); c != nil && !in.single {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed in VALUES").At(c.Pos).
			WithHint("Use INSERT ... SELECT.")
	}
	if in.target[i] == rowtimeColumn && isInt(e.Type()) {
		return in.b.asRowTime(e, "")
	}
	return in.b.coerce(e, t, name, x.Pos())
}

// complete makes whole rows of the given values: defaults and generated columns
// are filled in; an explicit rowtime comes last.
func (in *insertion) complete(n plan.Node) (plan.Node, error) {
	exprs := make([]expr.Expr, len(in.layout))
	cols := make([]plan.Column, len(in.layout))
	for i, o := range in.layout {
		c := &in.rel.Columns[o]
		cols[i] = plan.Column{Name: c.Name, Type: c.Type, Hidden: c.Hidden}
		if k := slices.Index(in.target, o); k >= 0 && !c.Generated {
			x, err := in.given(n, k)
			if err != nil {
				return nil, err
			}
			exprs[i] = x
			continue
		}
		if c.Generated {
			continue
		}
		x, err := in.b.defaultOf(in.rel, o)
		if err != nil {
			return nil, err
		}
		exprs[i] = x
	}
	n, exprs, shift := in.onceEach(n, exprs, cols)
	if err := in.b.fillGenerated(in.rel, in.layout, exprs); err != nil {
		return nil, err
	}
	if k := slices.Index(in.target, rowtimeColumn); k >= 0 {
		exprs = append(exprs, colOf(n, k+shift))
		cols = append(cols, plan.Column{Name: "rowtime", Type: types.Of(types.Timestamptz),
			Hidden: true})
	}
	if v, ok := n.(*plan.Values); ok {
		return inlineRows(v, exprs, cols), nil
	}
	p := &plan.Project{Input: n, Exprs: exprs}
	p.Out = cols
	return p, nil
}

// inlineRows computes a projection of constant rows in the rows themselves.
func inlineRows(v *plan.Values, exprs []expr.Expr, cols []plan.Column) plan.Node {
	out := &plan.Values{Rows: make([][]expr.Expr, len(v.Rows))}
	out.Out = cols
	for i, row := range v.Rows {
		next := make([]expr.Expr, len(exprs))
		for k, e := range exprs {
			if c, ok := e.(*expr.Col); ok {
				next[k] = row[c.Index]
				continue
			}
			next[k] = expr.MapCols(e, func(c *expr.Col) expr.Expr { return row[c.Index] })
		}
		out.Rows[i] = next
	}
	return out
}

// fillGenerated computes the generated columns among whole rows: exprs has the
// other ones.
func (b *builder) fillGenerated(rel *catalog.Relation, layout []int, exprs []expr.Expr) error {
	for i, o := range layout {
		c := &rel.Columns[o]
		if !c.Generated {
			continue
		}
		x, err := b.stored(c.Default, b.relScope(rel, "column generation expressions"), c)
		if err != nil {
			return err
		}
		exprs[i] = expr.MapCols(x, func(c *expr.Col) expr.Expr { return exprs[c.Index] })
	}
	return nil
}

// stored checks an expression that the catalog holds as text.
func (b *builder) stored(text string, s *scope, c *catalog.Column) (expr.Expr, error) {
	ast, err := parse.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	x, err := b.check(ast, s)
	if err != nil {
		return nil, err
	}
	return b.coerce(x, c.Type, c.Name, -1)
}

// defaultOf gives the value of a column that an INSERT does not mention.
func (b *builder) defaultOf(rel *catalog.Relation, o int) (expr.Expr, error) {
	c := &rel.Columns[o]
	if c.Default == "" || c.Generated {
		return &expr.Const{D: types.NullDatum, T: c.Type}, nil
	}
	path := b.path
	b.path = append([]string{rel.Schema}, path...)
	defer func() { b.path = path }()
	return b.stored(c.Default, (&scope{b: b}).in("DEFAULT expressions"), c)
}

// rowChecks are the NOT NULL and CHECK constraints of a relation. The hidden row id
// of a bag table is filled in later and has no check.
func (b *builder) rowChecks(rel *catalog.Relation) ([]plan.RowCheck, error) {
	var out []plan.RowCheck
	layout := rowLayout(rel)
	for i, o := range layout {
		c := &rel.Columns[o]
		if c.NotNull && !c.Hidden {
			out = append(out, plan.RowCheck{Column: c.Name, Ordinal: i})
		}
	}
	checks := slices.Clone(rel.Checks)
	slices.SortStableFunc(checks, func(a, b catalog.Check) int {
		return strings.Compare(a.Name, b.Name) // PostgreSQL's order
	})
	for _, k := range checks {
		ast, err := parse.ParseExpr(k.Expr)
		if err != nil {
			return nil, err
		}
		x, err := b.checkBool(ast, b.relScope(rel, "check constraints"), "CHECK")
		if err != nil {
			return nil, err
		}
		out = append(out, plan.RowCheck{Name: k.Name, Ordinal: -1, Pred: expr.Fold(x)})
	}
	return b.domainChecks(out, rel, layout)
}

// doUpdate plans DO UPDATE SET over the existing and the excluded row.
func (in *insertion) doUpdate(c *sql.OnConflict, arbiter int) (*plan.Conflict, error) {
	b := in.b
	name := in.s.Alias
	if name == "" {
		name = in.rel.Name
	}
	s := b.relScope(in.rel, "ON CONFLICT DO UPDATE")
	s.entries[0].alias = name
	ex := b.relScope(in.rel, "")
	ex.entries[0].alias = "excluded"
	for _, col := range ex.cols {
		col.x, col.shadowed = shiftCols(col.x, len(in.layout)), true
		s.cols = append(s.cols, col)
	}
	s.entries = append(s.entries, ex.entries[0])
	exprs := make([]expr.Expr, len(in.layout))
	for i, o := range in.layout {
		exprs[i] = &expr.Col{Index: i, T: in.rel.Columns[o].Type, Name: in.rel.Columns[o].Name}
	}
	if err := b.assignments(in.rel, in.layout, c.Set, s, exprs); err != nil {
		return nil, err
	}
	b.wants(in.rel, "UPDATE")
	out := &plan.Conflict{Action: plan.DoUpdate, Set: exprs, Arbiter: arbiter}
	if c.Where != nil {
		var err error
		if out.Where, err = b.checkBool(c.Where, s, "WHERE"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// insertContinuously is INSERT INTO x SELECT ... EMIT CHANGES.
func (b *builder) insertContinuously(in *insertion) (*plan.Plan, error) {
	if in.s.Columns != nil || in.s.OnConflict != nil || in.s.Returning != nil {
		return nil, sqlerr.Unsupported("a column list, ON CONFLICT or RETURNING in a continuous INSERT",
			"Select all columns in their order.").At(in.s.NamePos.Pos())
	}
	b.decideDialect(isKsql(in.rel))
	k, err := b.keep(in.s.Query, keepInsert)
	if err != nil {
		return nil, err
	}
	if in.rel.Kind == catalog.KindStream && !k.appendOnly {
		hint := "Use CREATE TABLE ... AS or CREATE MATERIALIZED VIEW."
		if in.s.Query.Limit != nil {
			hint = streamHint(in.s.Query, k)
		}
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"the result of this query changes rows that it has given, which a stream cannot hold").
			At(in.s.Query.Pos()).WithHint("%s", hint)
	}
	if in.rel.Kind == catalog.KindTable && !k.appendOnly && k.key == nil {
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"the result of this query has no unique key, which a table needs").
			At(in.s.Query.Pos()).WithHint("%s", tableHint(k))
	}
	if in.s.Query.Emit == sql.EmitNone {
		if err := in.fitsStream(k); err != nil {
			return nil, err
		}
	}
	c := &plan.Continuous{Target: in.rel, Root: k.root, Time: k.time}
	if err := b.fitTarget(c, k); err != nil {
		return nil, err
	}
	if err := b.mayFeedTable(in.rel, c, k, in.s.Query.Pos()); err != nil {
		return nil, err
	}
	text, err := b.frozen(in.s.Query, func(b *builder, q *sql.Query) error {
		_, err := b.keep(q, keepInsert)
		return err
	})
	if err != nil {
		return nil, err
	}
	q := catalog.Query{Target: in.rel.OID, SQL: text,
		Statement: b.statementText(in.s), SearchPath: slices.Clone(b.env.SearchPath),
		State: catalog.QueryBackfilling, OnError: b.env.setting("on_error", "null")}
	if q.Name, err = queryID(in.s.Options); err != nil {
		return nil, err
	}
	for oid := range b.sources {
		q.Sources = append(q.Sources, oid)
	}
	slices.Sort(q.Sources)
	return command("INSERT", &catalog.CreateQuery{Query: q}), nil
}

// write makes the Write of an insertion whose complete rows are given.
func (in *insertion) write(rows plan.Node) (out *plan.Write, err error) {
	out = &plan.Write{Kind: plan.Insert, Rel: in.rel, Input: rows, Time: -1}
	if slices.Contains(in.target, rowtimeColumn) {
		out.Time = len(in.layout)
	}
	if err := in.b.rules(out); err != nil {
		return nil, err
	}
	if out.Checks, err = in.b.rowChecks(in.rel); err != nil {
		return nil, err
	}
	out.Conflict, err = in.conflict(out)
	return out, err
}
