package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// createAs plans CREATE STREAM AS and CREATE TABLE AS.
func (b *builder) createAs(s *sql.CreateAs) (*plan.Plan, error) {
	kind, keep, tag := catalog.KindStream, keepStream, "CREATE STREAM"
	if s.Kind == sql.ObjTable {
		kind, keep, tag = catalog.KindTable, keepTable, "CREATE TABLE"
	}
	if s.Query == nil {
		return nil, sqlerr.Unsupported("EXECUTE of a prepared query in this place",
			"Write the query itself after AS.").At(s.Pos())
	}
	if s.NoData {
		return b.emptyAs(s, kind, tag)
	}
	d, k, err := b.asQuery(kind, keep, s.Name, s.Columns, s.Query, s.With, s.Pos())
	if err != nil {
		return nil, err
	}
	switch {
	case keep == keepStream && !k.appendOnly:
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"the result of this query changes rows that it has given, which a stream cannot hold").
			At(s.Query.Pos()).WithHint("%s", streamHint(s.Query, k))
	case keep == keepTable && k.key == nil && k.root.Props().Unbounded:
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"the result of this query has no unique key, which a table needs").
			At(s.Query.Pos()).WithHint("%s", tableHint(k))
	}
	return d.plan(tag, s.IfNotExists, s.Replace, b.storedQuery(s.Query, s, d)), nil
}

func streamHint(q *sql.Query, k *kept) string {
	if q.Limit != nil {
		return "Leave LIMIT out: the rows within it may change. SELECT ... EMIT CHANGES LIMIT n " +
			"ends by itself."
	}
	if k.key != nil {
		return "Use CREATE TABLE ... AS or CREATE MATERIALIZED VIEW; for windowed aggregates " +
			"EMIT FINAL gives each result once."
	}
	return "Use CREATE MATERIALIZED VIEW."
}

func tableHint(k *kept) string {
	if k.appendOnly {
		return "Use CREATE STREAM ... AS for appended rows, or GROUP BY the columns of the key."
	}
	return "Select the columns that are grouped or joined by, or use CREATE MATERIALIZED VIEW."
}

// createMaterializedView plans CREATE MATERIALIZED VIEW: any SELECT.
func (b *builder) createMaterializedView(s *sql.CreateMaterializedView) (*plan.Plan, error) {
	if s.NoData {
		b.notice("a materialized view is always filled: WITH NO DATA is ignored")
	}
	d, _, err := b.asQuery(catalog.KindMaterializedView, keepView, s.Name, s.Columns, s.Query,
		s.With, s.Pos())
	if err != nil {
		return nil, err
	}
	return d.plan("CREATE MATERIALIZED VIEW", s.IfNotExists, s.Replace,
		b.storedQuery(s.Query, s, d)), nil
}

// asQuery plans the query of CREATE ... AS and derives the relation from it.
func (b *builder) asQuery(kind catalog.RelationKind, keep keepKind, name sql.Name,
	columns []string, q *sql.Query, with []sql.Option, pos int) (*definition, *kept, error) {
	d, err := b.newDefinition(kind, name, pos)
	if err != nil {
		return nil, nil, err
	}
	stated := ksqlOptions(with) || slices.ContainsFunc(with, func(o sql.Option) bool {
		return lower(o.Name) == "dialect"
	})
	b.decideDialect(keep != keepView && columns == nil &&
		(ksqlOptions(with) || !stated && b.readsKsql(q)))
	if err := ksqlQuery(q, keep); err != nil {
		return nil, nil, err
	}
	b.declaring = true
	k, err := b.keep(q, keep)
	if err != nil {
		return nil, nil, err
	}
	if err := d.resultColumns(k, columns, pos); err != nil {
		return nil, nil, err
	}
	d.rel.Key, d.rel.Windowed, d.rel.AppendOnly = k.key, k.windowed, k.appendOnly
	if kind == catalog.KindStream {
		d.rel.Windowed = false
	}
	d.rel.Partitions = b.leftPartitions(k.root)
	d.computed = true
	if err := d.options(with); err != nil {
		return nil, nil, err
	}
	if err := d.ksqlRules(with); err != nil {
		return nil, nil, err
	}
	if b.ksql && !isKsql(&d.rel) {
		d.rel.Options = append(d.rel.Options, catalog.Option{Name: "dialect", Value: ksqlDialect})
	}
	d.rel.Definition, err = b.frozen(q, func(b *builder, q *sql.Query) error {
		_, err := b.keep(q, keep)
		return err
	})
	d.rel.DependsOn, d.rel.Reads = b.dependencies()
	return d, k, err
}

// resultColumns makes columns of a result.
func (d *definition) resultColumns(k *kept, names []string, pos int) error {
	if len(names) > len(k.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "too many column names were specified").At(pos)
	}
	if len(k.cols) == 0 {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"%s must have at least one column", kindWord(d.rel.Kind)).At(pos)
	}
	for i, c := range k.cols {
		name := c.Name
		if i < len(names) {
			name = names[i]
		}
		if name == "?column?" && d.rel.Kind != catalog.KindMaterializedView {
			name = sprintf("ksql_col_%d", i)
		}
		if systemColumn(name) && d.rel.Kind != catalog.KindView {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column name \"%s\" conflicts with a system column name", name).At(pos)
		}
		if d.rel.ColumnIndex(name) >= 0 {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", name).At(pos).
				WithHint("Give one of them another name with AS.")
		}
		t := c.Type
		if t.Kind == types.Unknown {
			t = types.Of(types.Text)
		}
		if t.Kind == types.Void || t.Kind == types.Any {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"column \"%s\" has pseudo-type %s", name, t).At(pos)
		}
		d.rel.Columns = append(d.rel.Columns, catalog.Column{Name: name, Type: t})
	}
	return nil
}

// leftPartitions is the number of partitions of the left-most source, as the
// default of what is made of it; 0 where there is none.
func (b *builder) leftPartitions(n plan.Node) int {
	for {
		if s, ok := n.(*plan.Scan); ok {
			return s.Rel.Partitions
		}
		ins := n.Inputs()
		if len(ins) == 0 {
			return 0
		}
		n = ins[0]
	}
}

// storedQuery is the continuous query of CREATE ... AS.
func (b *builder) storedQuery(q *sql.Query, stmt sql.Statement, d *definition) *catalog.Query {
	out := &catalog.Query{SQL: d.rel.Definition, Statement: b.statementText(stmt),
		SearchPath: slices.Clone(b.env.SearchPath), State: catalog.QueryBackfilling,
		OnError: b.env.setting("on_error", "null")}
	if v := optionOf(&d.rel, "on_error"); v != "" {
		out.OnError = v
	}
	for oid := range b.sources {
		out.Sources = append(out.Sources, oid)
	}
	slices.Sort(out.Sources)
	return out
}

// statementText is the statement as the user wrote it.
func (b *builder) statementText(stmt sql.Statement) string {
	start, end := stmt.Range()
	if start >= 0 && end <= len(b.env.Text) && start < end {
		return b.env.Text[start:end]
	}
	return sql.Print(stmt)
}

// dependencies lists what the statement read: relations, and which columns.
func (b *builder) dependencies() ([]catalog.OID, []catalog.ColumnUse) {
	var oids []catalog.OID
	for oid := range b.direct {
		oids = append(oids, oid)
	}
	slices.Sort(oids)
	var uses []catalog.ColumnUse
	for _, oid := range oids {
		use := b.direct[oid]
		if use == nil {
			continue
		}
		u := catalog.ColumnUse{Relation: oid}
		for c := range use {
			u.Columns = append(u.Columns, c)
		}
		slices.Sort(u.Columns)
		uses = append(uses, u)
	}
	return oids, uses
}

// createView plans CREATE VIEW: the query is checked and stored.
func (b *builder) createView(s *sql.CreateView) (*plan.Plan, error) {
	d, err := b.newDefinition(catalog.KindView, s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	if s.Query.Emit != sql.EmitNone {
		return nil, sqlerr.New(sqlerr.SyntaxError, "a view cannot have EMIT").At(s.Query.Pos()).
			WithHint("Use CREATE MATERIALIZED VIEW, or write EMIT where you read the view.")
	}
	if sql.MaxParam(s.Query) > 0 {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d",
			sql.MaxParam(s.Query))
	}
	q := s.Query
	if s.Recursive {
		q = recursiveView(s)
	}
	if old := b.find(s.Name); s.Replace && old != nil && old.Kind == catalog.KindView {
		if err := b.mustNotFeed(old.OID, old.Title()); err != nil {
			return nil, err
		}
	}
	out, err := b.query(q, nil, nil)
	if err != nil {
		return nil, err
	}
	n := b.resolveUnknown(b.stripHidden(out).node)
	if err := d.resultColumns(&kept{cols: n.Cols()}, s.Columns, s.Pos()); err != nil {
		return nil, err
	}
	for _, o := range s.With {
		if _, ok := ignoredOptions[lower(o.Name)]; !ok {
			return nil, unknownOption(lower(o.Name), o.Pos())
		}
	}
	d.rel.Definition, err = b.frozen(q, func(b *builder, q *sql.Query) error {
		_, err := b.query(q, nil, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.rel.DependsOn, d.rel.Reads = b.dependencies()
	return d.plan("CREATE VIEW", s.IfNotExists, s.Replace, nil), nil
}

// recursiveView writes CREATE RECURSIVE VIEW v (a, b) AS q as a WITH query.
func recursiveView(s *sql.CreateView) *sql.Query {
	name := s.Name.Last()
	sel := &sql.Select{From: []sql.TableRef{&sql.Table{Name: sql.Name{name}}}}
	for _, c := range s.Columns {
		sel.Items = append(sel.Items, sql.Item{X: &sql.ColRef{Name: sql.Name{c}}})
	}
	return &sql.Query{Recursive: true, Body: sel,
		With: []*sql.CTE{{Name: name, Columns: s.Columns, Q: s.Query}}}
}
